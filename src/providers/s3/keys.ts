/** Object keys <-> paths. Pure. A key that is no path is shown under a visible escape and read by its real name. */
import { createHash } from 'node:crypto';
import { FileRejected } from '../../engine/errors.ts';
import { extensionOf } from '../../engine/path.ts';
import type { Path } from '../../engine/types.ts';
import { MAX_KEY_BYTES } from './presets.ts';

const QUOTE = '‛';
const hex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => QUOTE + byte.toString(16).toUpperCase().padStart(2, '0')).join('');

/**
 * The path under which a key below the prefix is listed. Keys that are paths stay what they are. Others (`a//b`, `/a`,
 * `a/../b`, `a/`, one with NUL) could leave the folder or vanish in it: the offending parts are written as `‛` with hex
 * digits, and eight digits of the key's sha256 keep the name apart from a real one that looks alike.
 */
export function pathOfKey(key: string): Path {
  const odd = (part: string): boolean => part === '' || part === '.' || part === '..' || part.includes('\0');
  const parts = key.split('/');
  if (!parts.some(odd)) return key;
  const shown = parts
    .map((part) => (part === '' ? hex('/') : odd(part) ? part.replace(/[.\0]/g, hex) : part))
    .join('/');
  const extension = extensionOf(shown);
  const digest = QUOTE + createHash('sha256').update(key).digest('hex').slice(0, 8).toUpperCase();
  return extension
    ? `${shown.slice(0, -extension.length - 1)}${digest}.${shown.slice(-extension.length)}`
    : shown + digest;
}

/**
 * The same key if it can be sent. Every HTTP client after the WHATWG URL standard folds `.` and `..` (also `%2E`) away,
 * so such a key would silently name another object.
 */
export function sendableKey(key: string): string {
  const why = /(^|\/)\.\.?(\/|$)/.test(key)
    ? 'has a part that is only dots, which no web address can carry'
    : key.includes('\0')
      ? 'holds a NUL'
      : !key.isWellFormed()
        ? 'is not valid text'
        : Buffer.byteLength(key) > MAX_KEY_BYTES
          ? `is longer than the ${MAX_KEY_BYTES} bytes that S3 allows`
          : undefined;
  if (why === undefined) return key;
  throw new FileRejected(`The name "${key.length > 120 ? `${key.slice(0, 120)}…` : key}" ${why}.`, {
    code: 's3_key',
    advice: 'Rename it at its source; the other files are backed up.',
  });
}
