/**
 * Relative paths without loss: make, join, check, compare, and escape what a place cannot hold. Two names never become one.
 *
 * The escape is visible and reversible: `‛` (U+201B) followed by two hex digits stands for one byte. It serves two needs
 * that never meet:
 * - 80 to FF: bytes of a file name that are not valid UTF-8. `fromBytes` makes them, `toBytes` turns them into bytes again.
 * - 00 to 7F: characters a destination forbids. `storedPath` makes them and they are stored as they read, so that `‛2F`
 *   can never become a slash (and lead out of a folder) and `‛3A` stays storable on a FAT disk.
 * A real `‛` that could be mistaken for either is escaped too.
 */
import { createHash } from 'node:crypto';
import { UsageError } from './errors.ts';
import type { NameRules, Path } from './types.ts';

/** Keepsake's own folder at the root of every destination. */
export const OWN_FOLDER = '.keepsake';

/** An empty part, `.` or `..` as a part (so also a slash at either end, and the empty path), or NUL. */
const UNSAFE = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;
const QUOTE = '‛';
const BYTE = /‛([89A-F][0-9A-F])/g;
const LIKE_BYTE = /‛(?=[89A-F][0-9A-F])/g;
const LIKE_CHARACTER = /‛(?=[0-7][0-9A-F])/g;
/** NUL is in no name, so its escape is free to stand for `‛` itself in `storedPath`. */
const QUOTE_STORED = '‛00';

/**
 * The same text if it is a safe relative path. Throws `UsageError` for anything that could leave the root: empty and
 * dot parts, NUL, an absolute path. Backslashes are ordinary characters here; providers for Windows forbid them.
 */
export function checkPath(path: string): Path {
  if (UNSAFE.test(path)) {
    throw new UsageError(`"${path}" is not a path inside a folder.`, {
      code: 'bad_path',
      advice: 'Write it as folder/name, without a leading slash and without "..".',
    });
  }
  return path;
}

export const joinPath = (...parts: string[]): Path => parts.filter((part) => part !== '').join('/');

export function parentOf(path: Path): Path {
  const cut = path.lastIndexOf('/');
  return cut < 0 ? '' : path.slice(0, cut);
}

export const nameOf = (path: Path): string => path.slice(path.lastIndexOf('/') + 1);

export function extensionOf(path: Path): string {
  const name = nameOf(path);
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
}

export const isOwnPath = (path: Path): boolean => path === OWN_FOLDER || path.startsWith(`${OWN_FOLDER}/`);

/**
 * Order by code point, as SQLite (`BINARY`) and MongoDB compare UTF-8. JavaScript's `<` compares UTF-16 units and puts
 * astral characters before U+E000–U+FFFF, which would tear an ordered merge apart.
 */
export function comparePaths(a: Path, b: Path): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const highX = x >= 0xd800 && x < 0xe000 ? x + 0x10000 : x;
      const highY = y >= 0xd800 && y < 0xe000 ? y + 0x10000 : y;
      return highX - highY;
    }
  }
  return a.length - b.length;
}

/** Equal for two paths that a case-insensitive, normalising volume takes for one. */
export const caseKey = (path: Path): string => path.normalize('NFC').toLowerCase().normalize('NFC');

const hex = (byte: number): string => QUOTE + byte.toString(16).toUpperCase().padStart(2, '0');

const escapeCharacter = (character: string): string => {
  let escaped = '';
  for (const byte of Buffer.from(character)) escaped += hex(byte);
  return escaped;
};

/** A name as the disk holds it -> text. Bytes that are not UTF-8, and a `‛` that would read as such a byte, are escaped. */
export function fromBytes(name: Uint8Array): string {
  const text = Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('utf8');
  if (!text.includes('�') || Buffer.from(text).equals(name)) return text.replace(LIKE_BYTE, escapeCharacter(QUOTE));
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let result = '';
  for (let i = 0; i < name.length; ) {
    const lead = name[i] as number;
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    try {
      const character = decoder.decode(name.subarray(i, i + length));
      const next = String.fromCharCode(name[i + length] ?? 0, name[i + length + 1] ?? 0);
      result += character === QUOTE && /^[89A-F][0-9A-F]/.test(next) ? escapeCharacter(QUOTE) : character;
      i += length;
    } catch {
      result += hex(lead);
      i += 1;
    }
  }
  return result;
}

/**
 * Text that survives UTF-8: a lone surrogate (a service's broken emoji) would become U+FFFD in every database and file,
 * and two such names one. It is escaped as the three bytes that a lenient encoder would have written.
 */
export function wellFormed(name: string): string {
  if (name.isWellFormed()) return name;
  return [...name]
    .map((character) => {
      if (character.isWellFormed()) return character;
      const unit = character.charCodeAt(0);
      return hex(0xe0 | (unit >> 12)) + hex(0x80 | ((unit >> 6) & 0x3f)) + hex(0x80 | (unit & 0x3f));
    })
    .join('');
}

/**
 * The inverse of `fromBytes`. A text that `fromBytes` never answers (`‛C3‛A9` for `é`) gives the bytes of another name:
 * who stores by bytes refuses a name for which `fromBytes(toBytes(name)) !== name`.
 */
export function toBytes(name: string): Buffer {
  if (!name.includes(QUOTE)) return Buffer.from(name);
  const parts: Buffer[] = [];
  let last = 0;
  for (const match of name.matchAll(BYTE)) {
    parts.push(Buffer.from(name.slice(last, match.index)), Buffer.from([Number.parseInt(match[1] as string, 16)]));
    last = match.index + match[0].length;
  }
  parts.push(Buffer.from(name.slice(last)));
  return Buffer.concat(parts);
}

/** Room for the part that keeps a shortened name apart from its neighbours: `‛` + 8 hex digits. */
const SHORTENED = 11;

function storedName(name: string, rules: NameRules): string {
  const escapes = rules.characters || rules.trailing || rules.names;
  let stored = escapes ? name.replace(LIKE_CHARACTER, QUOTE_STORED) : name;
  if (rules.characters) {
    stored = [...stored].map((c) => (rules.characters?.includes(c) ? escapeCharacter(c) : c)).join('');
  }
  const last = stored.at(-1);
  if (last !== undefined && rules.trailing?.includes(last)) stored = stored.slice(0, -1) + escapeCharacter(last);
  const stem = rules.names && stored.split('.')[0]?.toUpperCase();
  if (stem !== undefined && rules.names?.some((reserved) => reserved.toUpperCase() === stem)) {
    stored = escapeCharacter(stored.slice(0, 1)) + stored.slice(1);
  }
  // A unit of UTF-16 becomes three bytes of UTF-8 at most: most names need not be measured.
  if (rules.maxNameBytes && stored.length * 3 > rules.maxNameBytes && Buffer.byteLength(stored) > rules.maxNameBytes) {
    const extension = /\.[^.]{1,10}$/.exec(stored)?.[0] ?? '';
    const room = rules.maxNameBytes - SHORTENED - Buffer.byteLength(extension);
    let kept = '';
    for (const character of stored) {
      if (Buffer.byteLength(kept + character) > room) break;
      kept += character;
    }
    const digest = createHash('sha256').update(name).digest();
    // 31 bits, so that it reads as a character's escape and is never turned into a byte.
    const tag = (digest.readUInt32BE(0) & 0x7fffffff).toString(16).toUpperCase().padStart(8, '0');
    stored = `${kept}${QUOTE}${tag}${extension}`;
  }
  return stored;
}

/**
 * Where a path is stored under a destination's name rules; the same path where it can be held as it is. Different paths
 * get different answers (a name that is too long keeps a digest of the whole). The manifest records both.
 */
export function storedPath(path: Path, rules: NameRules | undefined): Path {
  if (!rules) return path;
  return path
    .split('/')
    .map((name) => storedName(name, rules))
    .join('/');
}
