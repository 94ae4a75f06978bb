/** Commands as a client writes them (RFC 3501 section 9), read strictly: what the grammar does not allow is `Bad`. */

/** Answered with BAD, and a violation. */
export class Bad extends Error {}

/** Bytes are held as Latin-1 text, one character each. */
export type Token = { kind: 'atom' | 'quoted' | 'literal'; text: string } | { kind: 'list'; items: Token[] };

export interface Command {
  tag: string;
  /** Upper case, with `UID ` before it where it was. */
  verb: string;
  args: Token[];
}

const TAG = /^(?![^ ]*[(){%*"\\+])[!-~]+$/;
const ATOM = /^(?![^ ]*[(){%*"\\])[!-~]+$/;
const LIST_ATOM = /^(?![^ ]*[(){"\\])[!-~]+$/;
const END_OF_ATOM = /[ ()"{\r\n]/;

interface Cursor {
  text: string;
  at: number;
}

function readQuoted(cursor: Cursor): Token {
  let text = '';
  for (cursor.at += 1; cursor.at < cursor.text.length; cursor.at += 1) {
    let character = cursor.text[cursor.at] as string;
    if (character === '"') {
      cursor.at += 1;
      return { kind: 'quoted', text };
    }
    if (character === '\\') {
      cursor.at += 1;
      character = cursor.text[cursor.at] ?? '';
      if (character !== '"' && character !== '\\') throw new Bad('only " and \\ are escaped in a quoted string');
    } else if (/[^\t -~]/.test(character)) {
      throw new Bad('a quoted string holds a line break or 8-bit characters');
    }
    text += character;
  }
  throw new Bad('a quoted string does not end');
}

function readLiteral(cursor: Cursor): Token {
  const head = /^\{(\d+)\+?\}\r\n/.exec(cursor.text.slice(cursor.at, cursor.at + 32));
  if (!head) throw new Bad('{ begins a literal, and this is none');
  const start = cursor.at + head[0].length;
  const end = start + Number(head[1]);
  cursor.at = end;
  return { kind: 'literal', text: cursor.text.slice(start, end) };
}

function readAtom(cursor: Cursor): Token {
  const start = cursor.at;
  while (cursor.at < cursor.text.length) {
    const character = cursor.text[cursor.at] as string;
    // BODY.PEEK[HEADER.FIELDS (SUBJECT)] is one word; a bracket that is not closed is a character like others.
    const close = character === '[' ? cursor.text.indexOf(']', cursor.at) : -1;
    if (close >= 0) cursor.at = close + 1;
    else if (END_OF_ATOM.test(character)) break;
    else cursor.at += 1;
  }
  const text = cursor.text.slice(start, cursor.at);
  if (text === '') throw new Bad(`"${cursor.text.slice(start, start + 10)}" begins no word`);
  if (/[^ -~]/.test(text)) throw new Bad('a word holds control or 8-bit characters');
  return { kind: 'atom', text };
}

function readList(cursor: Cursor): Token {
  cursor.at += 1;
  const items: Token[] = [];
  for (;;) {
    if (cursor.text[cursor.at] === ')') {
      cursor.at += 1;
      return { kind: 'list', items };
    }
    if (items.length > 0) readSpace(cursor);
    items.push(readToken(cursor));
  }
}

function readSpace(cursor: Cursor): void {
  if (!/^ (?! )/.test(cursor.text.slice(cursor.at, cursor.at + 2)))
    throw new Bad('words are not separated by one space');
  cursor.at += 1;
}

function readToken(cursor: Cursor): Token {
  const character = cursor.text[cursor.at];
  if (character === undefined) throw new Bad('the command ends too early, or with a space');
  if (character === '"') return readQuoted(cursor);
  if (character === '{') return readLiteral(cursor);
  if (character === '(') return readList(cursor);
  return readAtom(cursor);
}

/** `text`: the whole command with its literals, without the last CRLF. Throws `Bad`. */
export function readCommand(text: string): Command {
  const [tag = ''] = text.split(' ', 1);
  if (!TAG.test(tag)) throw new Bad('a command begins with a tag');
  const cursor: Cursor = { text, at: tag.length };
  readSpace(cursor);
  let verb = wordOf(readAtom(cursor)).toUpperCase();
  if (verb === 'UID') {
    readSpace(cursor);
    verb = `UID ${wordOf(readAtom(cursor)).toUpperCase()}`;
  }
  const args: Token[] = [];
  while (cursor.at < text.length) {
    readSpace(cursor);
    args.push(readToken(cursor));
  }
  return { tag, verb, args };
}

/** A bare word, as it was written. */
export function wordOf(token: Token | undefined): string {
  if (token?.kind !== 'atom') throw new Bad('a word is missing');
  return token.text;
}

/** astring: a word, a quoted string or a literal. */
export function stringOf(token: Token | undefined, words = ATOM): string {
  if (!token || token.kind === 'list') throw new Bad('a string is missing');
  if (token.kind === 'atom' && !words.test(token.text)) throw new Bad(`${token.text} must be quoted`);
  return token.text;
}

/** The second argument of LIST may hold % and * (list-mailbox). */
export const patternOf = (token: Token | undefined): string => stringOf(token, LIST_ATOM);

export function listOf(token: Token | undefined): Token[] {
  if (token?.kind !== 'list') throw new Bad('a list in parentheses is missing');
  return token.items;
}

export function noMore(args: readonly Token[], most: number): void {
  if (args.length > most) throw new Bad('there are more words than the command has');
}

const KNOWN_FLAGS = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'];

/** A system flag in its usual case, or a keyword. `\Recent` cannot be set (RFC 3501 section 2.3.2). */
export function flagOf(token: Token): string {
  const text = wordOf(token);
  if (!text.startsWith('\\')) return stringOf(token);
  const known = KNOWN_FLAGS.find((flag) => flag.toLowerCase() === text.toLowerCase());
  if (known === undefined) throw new Bad(`${text} is no flag that can be set`);
  return known;
}

/** Ranges with both ends, `*` as Infinity. */
export function setOf(token: Token | undefined): [number, number][] {
  const text = wordOf(token);
  if (!/^([1-9]\d{0,9}|\*)(:([1-9]\d{0,9}|\*))?(,([1-9]\d{0,9}|\*)(:([1-9]\d{0,9}|\*))?)*$/.test(text)) {
    throw new Bad(`${text} is no set of numbers`);
  }
  return text.split(',').map((range) => {
    const [from = '', to = from] = range.split(':');
    const value = (end: string): number => (end === '*' ? Number.POSITIVE_INFINITY : Number(end));
    return [value(from), value(to)];
  });
}

/** `*` is the largest number in use: `9:*` is 4 where there are four (RFC 3501 section 6.4.8). */
export function inSet(ranges: readonly [number, number][], value: number, largest: number): boolean {
  return ranges.some((range) => {
    const ends = range.map((end) => (end === Number.POSITIVE_INFINITY ? largest : end));
    return value >= Math.min(...ends) && value <= Math.max(...ends);
  });
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `1-Feb-2026`; midnight, UTC. */
export function dateOf(token: Token | undefined): Date {
  const match = /^(\d{1,2})-([A-Z][a-z]{2})-(\d{4})$/.exec(stringOf(token));
  const month = MONTHS.indexOf(match?.[2] ?? '');
  if (!match || month < 0) throw new Bad(`${stringOf(token)} is no date`);
  return new Date(Date.UTC(Number(match[3]), month, Number(match[1])));
}

/** `"17-Jul-1996 02:44:25 -0700"` with a leading space for a day of one figure. */
export function dateTimeOf(token: Token): Date {
  const match = /^( \d|\d\d)-([A-Z][a-z]{2})-(\d{4}) (\d\d:\d\d:\d\d) ([+-])(\d\d)(\d\d)$/.exec(stringOf(token));
  const month = MONTHS.indexOf(match?.[2] ?? '');
  if (token.kind !== 'quoted' || !match || month < 0) throw new Bad('no date-time');
  const [, day = '', , year, time, sign, hours, minutes] = match;
  const two = (value: number): string => String(value).padStart(2, '0');
  return new Date(`${year}-${two(month + 1)}-${two(Number(day))}T${time}${sign}${hours}:${minutes}`);
}

export function dateTimeText(date: Date): string {
  const day = String(date.getUTCDate()).padStart(2, ' ');
  return `"${day}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()} ${date.toISOString().slice(11, 19)} +0000"`;
}

/** nstring: quoted where that can hold it, else a literal. */
export function textOf(value: string | undefined): string {
  if (value === undefined) return 'NIL';
  if (/^[\x20-\x7e]{0,500}$/.test(value)) return `"${value.replace(/["\\]/g, '\\$&')}"`;
  return `{${value.length}}\r\n${value}`;
}
