/** SEARCH keys (RFC 3501 section 6.4.4). */
import { mailOf } from './fetch.ts';
import type { StoredMail } from './store.ts';
import { Bad, dateOf, inSet, setOf, stringOf, type Token, wordOf } from './syntax.ts';

export interface Candidate {
  mail: StoredMail;
  sequence: number;
}
type Test = (candidate: Candidate) => boolean;

export interface SearchedIn {
  count: number;
  largestUid: number;
}

const FLAG_KEYS: Record<string, [string, boolean]> = {
  ANSWERED: ['\\Answered', true],
  UNANSWERED: ['\\Answered', false],
  DELETED: ['\\Deleted', true],
  UNDELETED: ['\\Deleted', false],
  DRAFT: ['\\Draft', true],
  UNDRAFT: ['\\Draft', false],
  FLAGGED: ['\\Flagged', true],
  UNFLAGGED: ['\\Flagged', false],
  SEEN: ['\\Seen', true],
  UNSEEN: ['\\Seen', false],
};

const DAY = 86_400_000;
const day = (date: Date): number => Math.floor(date.getTime() / DAY);
const sentDay = (mail: StoredMail): number => {
  const sent = Date.parse(headerValues(mail, 'date')[0] ?? '');
  return Number.isNaN(sent) ? Number.NaN : day(new Date(sent));
};

const headerValues = (mail: StoredMail, name: string): string[] =>
  mailOf(mail)
    .headers.filter((header) => header.name.toLowerCase() === name.toLowerCase())
    .map((header) => header.value);

const has = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());
const byHeader =
  (name: string, part: string): Test =>
  ({ mail }) =>
    headerValues(mail, name).some((value) => has(value, part));

function numberOf(token: Token | undefined): number {
  const word = wordOf(token);
  if (!/^\d+$/.test(word)) throw new Bad(`${word} is no number`);
  return Number(word);
}

function readKey(tokens: Token[], where: SearchedIn): Test {
  const token = tokens.shift();
  if (token?.kind === 'list') return readKeys([...token.items], where);
  const key = wordOf(token).toUpperCase();
  const flag = FLAG_KEYS[key];
  if (flag) return ({ mail }) => mail.flags.has(flag[0]) === flag[1];
  switch (key) {
    case 'ALL':
      return () => true;
    case 'NEW':
    case 'RECENT':
      return () => false;
    case 'OLD':
      return () => true;
    case 'KEYWORD':
    case 'UNKEYWORD': {
      const word = stringOf(tokens.shift());
      return ({ mail }) => mail.flags.has(word) === (key === 'KEYWORD');
    }
    case 'SINCE':
    case 'BEFORE':
    case 'ON':
    case 'SENTSINCE':
    case 'SENTBEFORE':
    case 'SENTON': {
      const wanted = day(dateOf(tokens.shift()));
      const of = key.startsWith('SENT') ? sentDay : (mail: StoredMail) => day(mail.date);
      const kind = key.replace('SENT', '');
      return ({ mail }) =>
        kind === 'SINCE' ? of(mail) >= wanted : kind === 'BEFORE' ? of(mail) < wanted : of(mail) === wanted;
    }
    case 'HEADER': {
      const name = stringOf(tokens.shift());
      return byHeader(name, stringOf(tokens.shift()));
    }
    case 'FROM':
    case 'TO':
    case 'CC':
    case 'BCC':
    case 'SUBJECT':
      return byHeader(key, stringOf(tokens.shift()));
    case 'BODY':
    case 'TEXT': {
      const part = stringOf(tokens.shift());
      return ({ mail }) => has(key === 'BODY' ? mailOf(mail).body : mail.raw.toString('latin1'), part);
    }
    case 'LARGER':
    case 'SMALLER': {
      const size = numberOf(tokens.shift());
      return ({ mail }) => (key === 'LARGER' ? mail.raw.length > size : mail.raw.length < size);
    }
    case 'UID': {
      const ranges = setOf(tokens.shift());
      return ({ mail }) => inSet(ranges, mail.uid, where.largestUid);
    }
    case 'NOT': {
      const test = readKey(tokens, where);
      return (candidate) => !test(candidate);
    }
    case 'OR': {
      const [one, other] = [readKey(tokens, where), readKey(tokens, where)];
      return (candidate) => one(candidate) || other(candidate);
    }
    default: {
      if (!/^[\d*]/.test(key)) throw new Bad(`SEARCH has no key ${key}`);
      const ranges = setOf(token);
      return ({ sequence }) => inSet(ranges, sequence, where.count);
    }
  }
}

function readKeys(tokens: Token[], where: SearchedIn): Test {
  if (tokens.length === 0) throw new Bad('SEARCH for nothing');
  const tests: Test[] = [];
  while (tokens.length > 0) tests.push(readKey(tokens, where));
  return (candidate) => tests.every((test) => test(candidate));
}

/** Throws `Bad`; an unknown charset too, since only those two are promised. */
export function searchTest(args: readonly Token[], where: SearchedIn): Test {
  const tokens = [...args];
  if (tokens[0]?.kind === 'atom' && tokens[0].text.toUpperCase() === 'CHARSET') {
    tokens.shift();
    const charset = stringOf(tokens.shift()).toUpperCase();
    if (charset !== 'UTF-8' && charset !== 'US-ASCII') throw new Bad(`the charset ${charset} is not known`);
  }
  return readKeys(tokens, where);
}
