/** What FETCH names, and what it gets (RFC 3501 sections 6.4.5 and 7.4.2). */
import { headerOf, type Part, parsePart } from './mime.ts';
import type { StoredMail } from './store.ts';
import { envelopeOf, structureOf } from './structure.ts';
import { Bad, dateTimeText, type Token, wordOf } from './syntax.ts';

export interface FetchItem {
  /** As the answer names it. */
  name: string;
  value(mail: StoredMail): string;
  /** Whether reading it sets `\Seen`. */
  seen: boolean;
}

const MACROS: Record<string, string[]> = {
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
};

const SIMPLE: Record<string, (mail: StoredMail) => string> = {
  FLAGS: (mail) => `(${[...mail.flags].join(' ')})`,
  UID: (mail) => String(mail.uid),
  INTERNALDATE: (mail) => dateTimeText(mail.date),
  'RFC822.SIZE': (mail) => String(mail.raw.length),
  ENVELOPE: (mail) => envelopeOf(mailOf(mail)),
  BODY: (mail) => structureOf(mailOf(mail), false),
  BODYSTRUCTURE: (mail) => structureOf(mailOf(mail), true),
};

const parsed = new WeakMap<StoredMail, Part>();

export function mailOf(mail: StoredMail): Part {
  const known = parsed.get(mail) ?? parsePart(mail.raw.toString('latin1'));
  parsed.set(mail, known);
  return known;
}

const literal = (text: string | undefined): string => (text === undefined ? 'NIL' : `{${text.length}}\r\n${text}`);

/** Part 1 of a mail that is not multipart is its text; below message/rfc822, numbers go on in the mail in it. */
function partAt(root: Part, numbers: readonly number[]): Part | undefined {
  let part: Part | undefined = root;
  for (const number of numbers) {
    const holder: Part | undefined = part?.message ?? part;
    part = holder?.children.length ? holder.children[number - 1] : number === 1 ? holder : undefined;
  }
  return part;
}

function fieldsOf(part: Part, names: readonly string[], isNot: boolean): string {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const lines = part.head.replace(/\r\n\r\n$/, '\r\n').match(/[^\r\n][^\r]*\r\n(?:[ \t][^\r]*\r\n)*/g) ?? [];
  const kept = lines.filter((line) => wanted.has((line.split(':', 1)[0] ?? '').trim().toLowerCase()) !== isNot);
  return `${kept.join('')}\r\n`;
}

function sectionOf(mail: StoredMail, section: string): string | undefined {
  const match = /^((?:[1-9]\d*\.)*[1-9]\d*)?\.?(.*)$/.exec(section);
  const numbers = match?.[1]?.split('.').map(Number) ?? [];
  const [what = '', list] = (match?.[2] ?? '').split(/ (?=\()/);
  const root = mailOf(mail);
  const part = partAt(root, numbers);
  if (!part) return undefined;
  const inside = numbers.length === 0 ? root : part.message;
  switch (what.toUpperCase()) {
    case '':
      return numbers.length === 0 ? mail.raw.toString('latin1') : part.body;
    case 'MIME':
      return part.head;
    case 'HEADER':
      return inside?.head;
    case 'TEXT':
      return inside?.body;
    default:
      return inside && fieldsOf(inside, fieldNames(list), what.toUpperCase() === 'HEADER.FIELDS.NOT');
  }
}

const fieldNames = (list: string | undefined): string[] =>
  (list ?? '')
    .slice(1, -1)
    .split(' ')
    .map((name) => name.replace(/^"(.*)"$/, '$1'));

const SECTION =
  /^((([1-9]\d*\.)*[1-9]\d*(\.(MIME|HEADER|TEXT|HEADER\.FIELDS(\.NOT)? \([^()]+\)))?)|HEADER|TEXT|HEADER\.FIELDS(\.NOT)? \([^()]+\))?$/i;

function bodyItem(word: string): FetchItem {
  const match = /^BODY(\.PEEK)?\[([^\]]*)\](?:<(\d+)\.([1-9]\d*)>)?$/i.exec(word);
  if (!match || !SECTION.test(match[2] ?? '')) throw new Bad(`FETCH has no ${word}`);
  const [, peek, section = '', offset, count] = match;
  const name = `BODY[${section.toUpperCase()}]${offset === undefined ? '' : `<${offset}>`}`;
  return {
    name,
    seen: peek === undefined,
    value(mail) {
      const [from, to] = [Number(offset ?? 0), Number(offset ?? 0) + Number(count ?? Number.POSITIVE_INFINITY)];
      // A large mail is read in many pieces.
      if (section === '') return literal(mail.raw.toString('latin1', from, Math.min(to, mail.raw.length)));
      return literal(sectionOf(mail, section)?.slice(from, to));
    },
  };
}

function itemOf(word: string, withModseq: boolean): FetchItem {
  const upper = word.toUpperCase();
  const simple = SIMPLE[upper];
  if (simple) return { name: upper, value: simple, seen: false };
  if (upper === 'MODSEQ' && withModseq) return { name: upper, value: (mail) => `(${mail.modseq})`, seen: false };
  if (upper === 'RFC822') return { name: upper, value: (mail) => literal(sectionOf(mail, '')), seen: true };
  if (upper === 'RFC822.HEADER') return { name: upper, value: (mail) => literal(mailOf(mail).head), seen: false };
  if (upper === 'RFC822.TEXT') return { name: upper, value: (mail) => literal(mailOf(mail).body), seen: true };
  return bodyItem(word);
}

/** Throws `Bad` for what FETCH does not know. UID FETCH answers with UID whether asked or not. */
export function fetchItems(token: Token | undefined, byUid: boolean, withModseq: boolean): FetchItem[] {
  const words =
    token?.kind === 'list' ? token.items.map(wordOf) : (MACROS[wordOf(token).toUpperCase()] ?? [wordOf(token)]);
  if (words.length === 0) throw new Bad('FETCH of nothing');
  const items = words.map((word) => itemOf(word, withModseq));
  const has = items.some(({ name }) => name === 'UID');
  return byUid && !has ? [{ name: 'UID', value: (mail) => String(mail.uid), seen: false }, ...items] : items;
}

export const messageIdOf = (mail: StoredMail): string => headerOf(mailOf(mail), 'Message-ID') ?? '';
