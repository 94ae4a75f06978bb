/**
 * Text from outside (file names, server messages) made safe to show: whatever is not a visible character becomes one, so
 * that a name can neither act on a screen nor look like another. Pure; every surface uses it before its own escaping.
 */

/**
 * C0, DEL and C1 (ESC and CSI start terminal commands), line separators, characters without a shape (two names would look
 * alike), and the overrides that show `gpj.exe` backwards.
 */
const UNSHOWN = /[\p{Cc}\u2028\u2029\u200b\u2060\ufeff\u00ad\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

const picture = (character: string): string => {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`;
};

/** One line that cannot move the cursor, colour, ring, reorder or break: what is not a visible character becomes one. */
export function visibleLine(text: string): string {
  const shown = text.toWellFormed().replace(UNSHOWN, picture);
  return RIGHT_TO_LEFT.test(shown) ? `\u2068${shown}\u2069` : shown;
}

/** Lines of a text that may have several, each safe. A tab is a gap, not a picture. */
export const visibleLines = (text: string): string[] =>
  text
    .replaceAll('\t', '  ')
    .split(/\r?\n/)
    .map((line) => visibleLine(line));
