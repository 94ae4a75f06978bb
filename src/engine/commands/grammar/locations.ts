/** Places in a line: `gdrive`, `work-s3:bucket/path`, `"My NAS":/photos`, `./folder`, `C:\Pictures`, `my computer`. */
import type { LocationText, Vocabulary } from '../command.ts';
import { type Issue, type Line, refused, slice, type Taken, took, unclear } from './reading.ts';
import { nearest } from './suggest.ts';
import { keyOf, quote, quoted, type Word } from './words.ts';

/** A folder of this machine as people write it; `~ana/x`, UNC paths and drive letters included. Never resolved here. */
const FOLDER = /^(?:\/|\.{1,2}(?:[/\\]|$)|~[^/\\\s]*(?:[/\\]|$)|[a-z]:[\\/]|\\\\)/i;

export const isFolder = (text: string): boolean => FOLDER.test(text);

interface Named {
  account?: string;
  kind: string;
}

/** A vocabulary is asked at each word of a line, and of each line that is offered as a choice. */
const NAMES = new WeakMap<Vocabulary, Map<string, Named[]>>();

/** Accounts and kinds by every name they answer to. An account beats a kind of the same name. */
export function namesOf(vocabulary: Vocabulary): ReadonlyMap<string, Named[]> {
  const known = NAMES.get(vocabulary);
  if (known) return known;
  const names = new Map<string, Named[]>();
  NAMES.set(vocabulary, names);
  const add = (name: string, named: Named) => {
    const key = keyOf(name);
    const known = names.get(key) ?? [];
    if (key === '') return;
    if (named.account !== undefined) names.set(key, [...known, named]);
    else if (!known.some((one) => one.account !== undefined || one.kind === named.kind))
      names.set(key, [...known, named]);
  };
  for (const account of vocabulary.accounts) add(account.name, { account: account.name, kind: account.kind });
  for (const kind of vocabulary.kinds) add(kind.name, { kind: kind.name });
  for (const kind of vocabulary.kinds) {
    for (const name of [kind.title, ...kind.aliases]) {
      // "box" stays Box even if another kind calls itself that too.
      if (!vocabulary.kinds.some((other) => other !== kind && keyOf(other.name) === keyOf(name))) {
        add(name, { kind: kind.name });
      }
    }
  }
  return names;
}

/** The canonical text of a location, one word of a line; reads back as the same place. */
export function locationText(location: Pick<LocationText, 'account' | 'kind' | 'root'>): string {
  if (location.kind === 'local' && location.account === undefined && isFolder(location.root)) return location.root;
  const name = location.account ?? location.kind;
  return location.root === '' ? name : `${name}:${location.root}`;
}

/** The place that begins at word `at`, `undefined` when no word there names one. */
export function takeLocation(line: Line, at: number): Taken<LocationText> | undefined {
  const word = line.words[at];
  if (!word) return undefined;
  if (isFolder(word.text)) return took(at + 1, { text: word.text, kind: 'local', root: word.text });
  const names = namesOf(line.vocabulary);
  const longest = word.quoted ? 1 : Math.max(1, ...[...names.keys()].map((name) => name.split(' ').length));
  for (let count = longest; count > 0; count--) {
    const read = named(line, at, count, names);
    if (read) return resolve(line, at, at + count, read.found, read.root);
  }
  return undefined;
}

function named(line: Line, at: number, count: number, names: ReturnType<typeof namesOf>) {
  const words = line.words.slice(at, at + count);
  const last = words.at(-1);
  if (!last || words.length < count || words.slice(0, -1).some((word) => word.comma || word.quoted)) return undefined;
  if (count > 1 && last.quoted) return undefined;
  const colon = last.text.indexOf(':');
  const head = colon < 0 ? last.text : last.text.slice(0, colon);
  const root = colon < 0 ? '' : last.text.slice(colon + 1);
  const name = [...words.slice(0, -1).map((word) => word.text), head].join(' ');
  const key = keyOf(name);
  const found = names.get(key) ?? (colon < 0 && !last.quoted ? names.get(key.replace(/[.!?]+$/, '')) : undefined);
  // Two accounts may differ in case or width only; then the exact name counts.
  const exact = found?.filter((one) => one.account === name);
  return found ? { found: exact?.length === 1 ? exact : found, root } : undefined;
}

function resolve(line: Line, at: number, next: number, found: readonly Named[], root: string): Taken<LocationText> {
  const text = line.words
    .slice(at, next)
    .map((word) => word.text)
    .join(' ');
  const tail = root === '' ? '' : `:${root}`;
  const [first] = found;
  if (first?.account !== undefined && found.length > 1) {
    return unclear('which_account', at, next, `Several accounts are called "${text}". Which one?`, [
      ...found.map(({ account = '' }) => ({ label: account, text: quoted(account + tail) })),
    ]);
  }
  if (!first || found.length > 1) {
    return unclear('which_kind', at, next, `"${text}" is the name of several services. Which one?`, [
      ...found.map(({ kind }) => ({ label: titleOf(line.vocabulary, kind), text: quote(kind + tail) })),
    ]);
  }
  if (first.account !== undefined) return took(next, { text, account: first.account, kind: first.kind, root });
  if (first.kind === 'local') return thisMachine(line, at, next, text, root);
  const accounts = line.vocabulary.accounts.filter((account) => account.kind === first.kind);
  if (accounts.length > 1) {
    const question = `You have ${accounts.length} accounts of ${titleOf(line.vocabulary, first.kind)}. Which one?`;
    return unclear('which_account', at, next, question, [
      ...accounts.map(({ name }) => ({ label: name, text: quote(name + tail) })),
    ]);
  }
  const [account] = accounts;
  return took(next, { text, ...(account ? { account: account.name } : {}), kind: first.kind, root });
}

/** "my computer" is no place yet: it needs a folder, behind a colon or as the next word. */
function thisMachine(line: Line, at: number, next: number, text: string, root: string): Taken<LocationText> {
  if (root !== '') return took(next, { text, kind: 'local', root });
  const folder = line.words[next];
  if (folder && isFolder(folder.text)) {
    return took(next + 1, { text: `${text} ${folder.text}`, kind: 'local', root: folder.text });
  }
  return unclear('needs_folder', at, next, `Which folder of ${text}? Write it like ~/Pictures or C:\\Pictures.`, [
    { label: 'Pictures', text: '~/Pictures' },
    { label: 'Documents', text: '~/Documents' },
    { label: 'A folder for backups', text: '~/Backups' },
  ]);
}

export const titleOf = (vocabulary: Vocabulary, kind: string): string =>
  vocabulary.kinds.find((one) => one.name === kind)?.title ?? kind;

/** Every name a location may begin with, for suggestions. */
export const locationNames = (vocabulary: Vocabulary): string[] => [
  ...vocabulary.accounts.map((account) => account.name),
  ...vocabulary.kinds.flatMap((kind) => [kind.name, kind.title, ...kind.aliases]),
];

/** What a word that is no place may have been meant as. */
export function placeFixes(line: Line, word: Word): string[] {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(word.text)) return [];
  const colon = word.text.indexOf(':');
  const head = colon < 0 ? word.text : word.text.slice(0, colon);
  const tail = colon < 0 ? '' : word.text.slice(colon);
  const fixes = nearest(head, locationNames(line.vocabulary)).map((name) => quote(name + tail));
  if (/[/\\]/.test(word.text) && !/[{*?]/.test(word.text) && colon < 0) fixes.push(quote(`./${word.text}`));
  if (!word.quoted && word.text.includes(',')) fixes.push(word.text.split(',').join(' and '));
  return fixes;
}

/** `location` cannot play this part in a plan. */
export function roleIssue(
  line: Line,
  location: LocationText,
  from: number,
  to: number,
  role: 'source' | 'destination',
): Issue | undefined {
  const kind = line.vocabulary.kinds.find((one) => one.name === location.kind);
  if (!kind || kind.roles.includes(role)) return undefined;
  const what = role === 'source' ? 'read from' : 'written to';
  const other = line.vocabulary.kinds.find((one) => one.roles.includes(role));
  const advice = other ? ` Choose another place, such as ${other.name}.` : '';
  return refused(
    `not_a_${role}`,
    from,
    to,
    `${kind.title} (${slice(line, from, to)}) cannot be ${what} by Keepsake.${advice}`,
  ).issue;
}

/** Where a folder's text ends up when compared: no trailing slash, one kind of slash on Windows paths. */
function comparable(location: LocationText): string {
  const windows = /^(?:[a-z]:|\\\\)/i.test(location.root);
  const root = windows ? location.root.replaceAll('\\', '/').toLowerCase() : location.root;
  const place = location.kind === 'local' ? 'local' : keyOf(location.account ?? location.kind);
  const inside = location.kind === 'local' ? root : root.replace(/^\/+/, '');
  return `${place}\0${inside}`.replace(/\/+$/, '');
}

/** `same`: textually one place. `inside`: the destination lies in the source, so that a backup would back itself up. */
export function relationOf(source: LocationText, destination: LocationText): 'same' | 'inside' | 'apart' {
  const a = comparable(source);
  const b = comparable(destination);
  if (a === b) return 'same';
  // The whole account holds every folder of it.
  const whole = a.endsWith('\0');
  return b.startsWith(whole ? a : `${a}/`) ? 'inside' : 'apart';
}
