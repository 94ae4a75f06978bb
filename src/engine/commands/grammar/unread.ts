/** Words that nothing read: what they may have been meant as. */
import { kindWord } from './files.ts';
import { AND, SCHEDULE_WORDS, TO } from './keywords.ts';
import { isFolder, locationNames, placeFixes } from './locations.ts';
import { optionWords } from './options.ts';
import { FLAG, type Pieces, type Unread } from './pieces.ts';
import { type Edit, type Fix, type Issue, type Line, phraseAt, refused, slice } from './reading.ts';
import { distance, nearest } from './suggest.ts';
import { keyOf, quote, quoted } from './words.ts';

/** "don't back up icloud": leaving such a word out would turn the line round. */
const TURNING = /^(?:no|not|never|don'?t|dont|don’t|stop|cancel|delete|remove|instead|undo|unless|if)$/;

/** Slips in a row that are looked at; more is another language, and mending it would only take time. */
const MOST_MENDED = 6;

/** One issue for each run of unread words. `commands` are suggestions for the first word of the line. */
export function unreadIssues(line: Line, pieces: Pieces, start: number, commands: readonly string[]): Issue[] {
  return pieces.unread.slice(0, MOST_MENDED).map((unread) => unreadIssue(line, pieces, unread, start, commands));
}

function unreadIssue(line: Line, pieces: Pieces, unread: Unread, start: number, commands: readonly string[]): Issue {
  const { from, to } = unread;
  const words = slice(line, from, to);
  const flag = line.words.slice(from, to).find((word) => !word.quoted && FLAG.test(word.text));
  if (flag) return flagIssue(line, from, to, flag.text);
  const split = brokenPath(line, pieces, unread);
  if (split) return split;
  if (leftOpen(line, unread)) {
    const message = `After "${words}" a place is missing, such as /mnt/usb.`;
    return refused('missing_place', from, to, message, [{ label: `Without "${words}"`, text: '' }]).issue;
  }
  const account = namedPlace(line, unread);
  if (account !== undefined && pieces.places.length > 0) {
    const near = nearest(account, locationNames(line.vocabulary));
    if (near.length === 0) return unknownAccount(line, from, to, account);
  }
  const hasSource = pieces.places.some((place) => place.side === 'source');
  const hasDestination = pieces.places.some((place) => place.side === 'destination');
  const beforeTo = !hasSource && phraseAt(line, to, TO) > 0;
  const place = unread.side !== undefined || beforeTo || !hasSource || !hasDestination;
  const service = place ? comingService(line, words, unread.side !== undefined || beforeTo) : undefined;
  if (service) return refused('unknown_place', from, to, `${service} ${knownPlaces(line)}`).issue;
  const fixes = [...brokenName(line, pieces, unread), ...wordFixes(line, unread, start, commands)];
  const dropped: Fix = { label: `Without "${words}"`, edits: [{ from, to, text: '' }] };
  const turning = line.words.slice(from, to).some((word) => TURNING.test(word.key));
  // A place that was named must not be dropped: the line would back up something else.
  if (!turning && unread.side === undefined) fixes.push(dropped);
  if (place && (unread.side !== undefined || beforeTo || pieces.places.length > 0)) {
    return refused('unknown_place', from, to, unknownPlace(line, words, meant(fixes, unread)), fixes).issue;
  }
  return refused('unread', from, to, `Not understood: "${words}".${meant(fixes, unread)}`, fixes).issue;
}

/** ` Did you mean gdrive?`, for one word with one thing to put in its place. */
function meant(fixes: readonly Fix[], { from, to }: Unread): string {
  const texts =
    fixes[0]?.edits.map((edit) => edit.text).filter((text) => text !== '' && !text.startsWith('only ')) ?? [];
  return texts.length !== 1 || to - from > 1 ? '' : ` Did you mean ${texts.join(' ')}?`;
}

function unknownPlace(line: Line, words: string, hint: string): string {
  if (hint !== '') return `"${words}" is no place that Keepsake knows.${hint}`;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(words)) {
    return `"${words}" is an address. Connect it as an account first, then say the account's name.`;
  }
  return `"${words}" is no place that Keepsake knows. ${knownPlaces(line)}`;
}

/** Services that people name and that are planned: a wrong guess about them would be worse than the plain truth. */
const COMING: Readonly<Record<string, string>> = {
  icloud: 'iCloud',
  gdrive: 'Google Drive',
  'google drive': 'Google Drive',
  gphotos: 'Google Photos',
  'google photos': 'Google Photos',
  gmail: 'Gmail',
  outlook: 'Outlook',
  onedrive: 'OneDrive',
  dropbox: 'Dropbox',
};

/** Letters wrong at most: "zzqcloud" is no iCloud. */
const SLIP = 2;

/** What to say of a planned service that is spelt right, or nearly so where surely a place is meant. */
function comingService({ vocabulary }: Line, words: string, surely: boolean): string | undefined {
  const key = keyOf(words.replace(/:.*$/, ''));
  const known = vocabulary.kinds.flatMap((kind) => [kind.name, ...kind.aliases]);
  const coming = Object.keys(COMING).filter((name) => !known.includes(name));
  if (coming.includes(key)) return `${COMING[key]} cannot be reached by this version of Keepsake yet.`;
  if (!surely) return undefined;
  const [near] = nearest(key, [...coming, ...known, ...vocabulary.accounts.map(({ name }) => name)]);
  if (near === undefined || !coming.includes(near) || distance(key, near) > SLIP) return undefined;
  return `"${words}" looks like ${near} (${COMING[near]}), which this version of Keepsake cannot reach yet.`;
}

/** "~/Pictures to /mnt/usb and bucket:photos" before `bucket` is connected. */
function unknownAccount(line: Line, from: number, to: number, name: string): Issue {
  const [kind, ...others] = line.vocabulary.kinds.map((one) => one.name).filter((one) => one !== 'local');
  const or = others.length > 0 ? ` (or ${others.slice(0, 5).join(', ')} instead of ${kind})` : '';
  const how = kind === undefined ? '' : ` Connect it first: connect ${kind} as ${name}${or}.`;
  const help: Fix = {
    label: 'How to connect an account',
    edits: [{ from: 0, to: line.words.length, text: 'help connect' }],
  };
  return refused('unknown_account', from, to, `No account is named "${name}".${how}`, [help]).issue;
}

/** What can stand in a place's stead: a folder, an account, or a service once it is connected. */
function knownPlaces({ vocabulary }: Line): string {
  const accounts = [...new Set(vocabulary.accounts.map(({ name }) => quote(name)))].slice(0, 12);
  const kinds = vocabulary.kinds.map(({ name }) => name).filter((name) => name !== 'local');
  return [
    'A folder is written like ~/Pictures.',
    ...(accounts.length > 0 ? [`Your accounts: ${accounts.join(', ')}.`] : []),
    ...(kinds.length > 0 ? [`Services to connect, with "connect ${kinds[0]}" for example: ${kinds.join(', ')}.`] : []),
  ].join(' ');
}

/** "--weekly": options here are words. */
function flagIssue(line: Line, from: number, to: number, flag: string): Issue {
  const plain = line.words
    .slice(from, to)
    .map((word) => (word.quoted ? word.raw : word.raw.replace(/^[-–—]+/, '').replace('=', ' ')))
    .join(' ');
  const message = `"${flag}" looks like a flag. Options are plain words here: weekly, only photos, keep 5 versions.`;
  return refused('flag', from, to, message, [plain, { label: 'Without it', text: '' }]).issue;
}

/** "./My Photos to gdrive": a folder whose name has a space and no quotes. */
function brokenPath(line: Line, pieces: Pieces, unread: Unread): Issue | undefined {
  const place = pieces.places.find((one) => one.to === unread.from && !line.words[one.from]?.quoted);
  if (leftOpen(line, unread) || namedPlace(line, unread)) return undefined;
  const folder = place && line.words[place.to - 1];
  if (!place || !folder || folder.comma) return undefined;
  if (!isFolder(folder.text) && !folder.text.includes(':')) return undefined;
  const whole = asTyped(line, place.to - 1, unread.to);
  const fix = { edits: [{ from: place.to - 1, to: unread.to, text: quoted(whole) }] };
  const message = `A path with spaces has to be quoted: ${quoted(whole)}.`;
  return refused('quote_path', place.to - 1, unread.to, message, [fix]).issue;
}

/** "~/Pictures to": nothing follows the word that joins. */
const leftOpen = (line: Line, { from, to }: Unread): boolean =>
  to === line.words.length && Math.max(phraseAt(line, from, TO), phraseAt(line, from, AND)) === to - from;

/** The word that "and bucket:photos" names an account with, where no account has that name. */
function namedPlace(line: Line, { from, to }: Unread): string | undefined {
  const at = from + phraseAt(line, from, AND);
  const name = /^([\p{L}\p{N}][\p{L}\p{N}._-]+):(?!\/\/)/u.exec(line.words[at]?.text ?? '')?.[1];
  return to - at === 1 ? name : undefined;
}

/** Several words as one name; what was typed between them stays, where no quote or escape is in the way. */
function asTyped(line: Line, from: number, to: number): string {
  const words = line.words.slice(from, to);
  if (words.every((word) => word.raw === word.text)) return slice(line, from, to);
  return words.map((word) => word.text).join(' ');
}

/** "album Summer 2024", "named My Photos": a name of several words without quotes. */
function brokenName(line: Line, pieces: Pieces, unread: Unread): Fix[] {
  const option = pieces.options.find((one) => one.to === unread.from && (one.slot === 'name' || one.slot === 'albums'));
  const last = option && line.words[option.to - 1];
  if (!option || !last || last.quoted || last.comma) return [];
  const whole = asTyped(line, option.to - 1, unread.to);
  return [{ edits: [{ from: option.to - 1, to: unread.to, text: quoted(whole) }] }];
}

function wordFixes(line: Line, { from, to }: Unread, start: number, commands: readonly string[]): Fix[] {
  const text = line.words
    .slice(from, to)
    .map((word) => word.text)
    .join(' ');
  const fixes: Fix[] = [];
  const each: { at: number; texts: string[] }[] = [];
  for (let at = from; at < Math.min(to, from + MOST_MENDED); at++) {
    const texts = wordTexts(line, at, at === start ? commands : []);
    if (texts.length > 0) each.push({ at, texts });
  }
  if (to - from > 1 && to - from <= MOST_MENDED) {
    const names = [...locationNames(line.vocabulary), ...optionWords()].filter((name) => name.includes(' '));
    for (const name of nearest(text, names, 2)) fixes.push({ edits: [{ from, to, text: name }] });
  }
  const [first] = each;
  const edit = (at: number, word: string): Edit => ({ from: at, to: at + 1, text: word });
  // The best of every word together, then the other readings of the first.
  if (first) {
    const others = each.slice(1).map(({ at, texts }) => edit(at, texts[0] ?? ''));
    for (const word of first.texts) fixes.push({ edits: [edit(first.at, word), ...others] });
    if (each.length > 1) for (const { at, texts } of each) fixes.push({ edits: [edit(at, texts[0] ?? '')] });
  }
  return fixes;
}

/** What one word may have been meant as, best first. */
function wordTexts(line: Line, at: number, commands: readonly string[]): string[] {
  const word = line.words[at];
  if (!word) return [];
  if (word.quoted) return placeFixes(line, word);
  const arrow = /^(.+?)(?:->|→|=>)(.+)$/.exec(word.text);
  const joined = arrow ? [`${arrow[1]} to ${arrow[2]}`] : [];
  const keywords = nearest(word.text, [...SCHEDULE_WORDS, ...singleWords(), 'to', 'from', 'and']);
  const files = kindWord(word.key) ? [`only ${word.text}`] : [];
  const texts = [...joined, ...nearest(word.text, commands, 2), ...placeFixes(line, word), ...keywords, ...files];
  return texts.filter((text) => keyOf(text) !== word.key);
}

const singleWords = (): string[] => optionWords().filter((word) => !word.includes(' '));
