/** Which files: `only photos, *.pdf`, `except *.mov`, `albums "Summer 2024", Family`. */
import type { Filter } from '../../types.ts';
import { keyAt, type Line, phraseAt, refused, type Taken, took } from './reading.ts';
import { keyOf, quote, type Word } from './words.ts';

type Kind = 'photos' | 'videos';

const KINDS: Record<string, Kind> = {
  photos: 'photos',
  photo: 'photos',
  pictures: 'photos',
  images: 'photos',
  pics: 'photos',
  photographs: 'photos',
  videos: 'videos',
  video: 'videos',
  movies: 'videos',
  films: 'videos',
  clips: 'videos',
};
/** What `except videos` is offered as: the plan then says which files it leaves out. */
const GLOBS: Record<Kind, string> = {
  photos: '*.jpg,*.jpeg,*.heic,*.png,*.dng',
  videos: '*.mov,*.mp4,*.m4v,*.avi,*.mkv',
};

export const kindWord = (key: string): Kind | undefined => (Object.hasOwn(KINDS, key) ? KINDS[key] : undefined);

/** A glob beyond doubt, so that a list may go on with it. */
const isGlob = (word: Word): boolean =>
  !word.quoted && (/[*?]/.test(word.text) || /^\.[\p{L}\p{N}]+$/u.test(word.text));
/** Good enough as the first of a list: a name with an extension or a folder in it. */
const isName = (text: string): boolean => /[*?]|\.[\p{L}\p{N}]{1,10}$|[^/]\/[^/]/u.test(text);

const CONNECTORS = ['and', 'or', '&', '+', 'nor'];

/** The words of a list: joined by commas or "and", or by nothing where the next item is beyond doubt one. */
function listAt(line: Line, at: number, goesOn: (word: Word) => boolean): { words: Word[]; next: number } {
  const words: Word[] = [];
  let next = at;
  for (let word = line.words[next]; word; word = line.words[next]) {
    words.push(word);
    next += 1;
    const and = CONNECTORS.includes(keyAt(line, next)) ? 1 : 0;
    const following = line.words[next + and];
    const joined = word.comma || and === 1;
    if (!following || !(goesOn(following) || (joined && following.quoted))) break;
    next += and;
  }
  return { words, next };
}

const parts = (word: Word): string[] =>
  (word.quoted ? [word.text] : word.text.split(',')).filter((part) => part.trim() !== '');

/** Why a glob can never match, or undefined. */
function wrongGlob(text: string): string | undefined {
  if (/^[/~\\]|^[a-z]:\\/i.test(text)) return 'Write it from the top folder of the source, without a leading slash';
  if (text.split('/').some((part) => part === '..' || part === '.')) return 'Write it without "." and ".." folders';
  return undefined;
}

/** `from` is the word `only` or `except`, `at` the first word of the list. */
export function takeFiles(
  line: Line,
  from: number,
  at: number,
  how: 'only' | 'except',
): Taken<Pick<Filter, 'only' | 'except' | 'kinds'>> {
  const first = line.words[at];
  const example = how === 'only' ? 'only photos' : 'except *.mov';
  if (!first) return refused('bad_files', from, at, `After "${how}" comes which files.`, [example, `${how} *.pdf`]);
  const list = listAt(line, at, (word) => isGlob(word) || kindWord(word.key) !== undefined);
  const kinds: Kind[] = [];
  const globs: string[] = [];
  for (const word of list.words) {
    const kind = kindWord(word.key);
    if (kind) {
      if (!kinds.includes(kind)) kinds.push(kind);
      continue;
    }
    for (const part of parts(word)) {
      const each = word.quoted ? undefined : kindWord(keyOf(part));
      if (each) {
        if (!kinds.includes(each)) kinds.push(each);
        continue;
      }
      const wrong = wrongGlob(part);
      if (wrong) {
        const better = part.replace(/^(?:[a-z]:)?[/~\\]+/i, '');
        const fixes = wrongGlob(better) || better === '' ? [] : [`${how} ${quote(better)}`];
        return refused('bad_files', from, list.next, `"${part}" matches no file. ${wrong}.`, fixes);
      }
      if (!word.quoted && !isName(part) && !isGlob({ ...word, text: part })) {
        const fixes = /^[\p{L}\p{N}]{2,5}$/u.test(part) ? [`${how} *.${part}`] : [];
        const message = `"${part}" is no kind of file. Say photos, videos, or a pattern such as *.pdf.`;
        return refused('bad_files', from, at + 1, message, [...fixes, `${how} ${quote(`${part}/**`)}`]);
      }
      const glob = isGlob({ ...word, text: part }) && part.startsWith('.') ? `*${part}` : part;
      if (!globs.includes(glob)) globs.push(glob);
    }
  }
  if (how === 'except') {
    if (kinds.length > 0) {
      const named = [...kinds.map((kind) => GLOBS[kind]), ...globs.map(quote)].join(',');
      const message = `"except" takes patterns, so that the backup says what it leaves out.`;
      return refused('bad_files', from, list.next, message, [{ label: `except ${named}`, text: `except ${named}` }]);
    }
    return took(list.next, { except: globs });
  }
  return took(list.next, { ...(globs.length > 0 ? { only: globs } : {}), ...(kinds.length > 0 ? { kinds } : {}) });
}

/** `isOther` tells words that begin something else, where a list joined by "and" must end. */
export function takeAlbums(line: Line, from: number, at: number, isOther: (at: number) => boolean): Taken<string[]> {
  const first = line.words[at];
  if (!first || (!first.quoted && isOther(at))) {
    return refused('bad_album', from, from + 1, 'After "album" comes its name, such as album "Family".', [
      'album "Family"',
    ]);
  }
  const many = keyAt(line, from) === 'albums';
  const albums: string[] = [];
  let next = at;
  for (let word = line.words[next]; word; word = line.words[next]) {
    for (const part of parts(word)) if (!albums.includes(part.trim())) albums.push(part.trim());
    next += 1;
    const and = CONNECTORS.includes(keyAt(line, next)) ? 1 : 0;
    const following = line.words[next + and];
    if (!following || !(word.comma || and === 1)) break;
    if (!following.quoted && (!many || isOther(next + and))) break;
    next += and + phraseAt(line, next + and, ['album']);
  }
  if (albums.length === 0) return refused('bad_album', from, next, 'An album has a name.', ['album "Family"']);
  return took(next, albums);
}
