/** What a terminal does with text: how many columns it takes, where it may be cut and broken. Pure. */

let made: Intl.Segmenter | undefined;
/** Made when the first text needs it: that takes as long as a short command's own work. */
const graphemes = (text: string): Intl.Segments => {
  made ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return made.segment(text);
};

/** East Asian Wide and Fullwidth (Unicode 17 EastAsianWidth.txt, W and F), whole blocks; emoji are found by property. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x20000, 0x3fffd],
];

const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|[0-9#*]\uFE0F\u20E3/u;
const NO_COLUMN = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** Columns of one grapheme: 0 for marks alone, 2 for wide letters and emoji, else 1. */
function columnsOf(grapheme: string): number {
  if (NO_COLUMN.test(grapheme)) return 0;
  if (EMOJI.test(grapheme)) return 2;
  const code = grapheme.codePointAt(0) ?? 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Columns that a text takes on a terminal. */
export function textColumns(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes(text)) columns += columnsOf(segment);
  return columns;
}

/** The text itself if it fits; else as much as fits before `…`, never half a character. */
export function cutText(text: string, columns: number): string {
  if (textColumns(text) <= columns) return text;
  let cut = '';
  let used = 1;
  for (const { segment } of graphemes(text)) {
    used += columnsOf(segment);
    if (used > columns) break;
    cut += segment;
  }
  // A cut isolate would turn the direction of the rest of the line.
  return cut.includes('\u2068') && !cut.includes('\u2069') ? `${cut}…\u2069` : `${cut}…`;
}

export const padText = (text: string, columns: number, side: 'left' | 'right' = 'right'): string => {
  const gap = ' '.repeat(Math.max(0, columns - textColumns(text)));
  return side === 'right' ? text + gap : gap + text;
};

/** Breaks at spaces; a word longer than the line (a path) stays whole so that it can be copied. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && textColumns(line) + 1 + textColumns(word) > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}
