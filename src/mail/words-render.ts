/** Words of a mail: what is from outside made safe to show, cut to the room there is, the same in text and in HTML. Pure. */
import type { Cell, FormField, Progress, TrendPoint } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import { countWords, instantWords, manyWords, sizeWords } from '../engine/wording.ts';

/** Around what is written from right to left: `visibleLine` puts them there and shows those that came from outside. */
const ISOLATES = /[\u2068\u2069]/g;

export const withoutIsolates = (text: string): string => text.replace(ISOLATES, '');

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** At most `most` UTF-16 units with the sign that something is missing; no character is cut in two. */
export function shortened(shown: string, most: number): string {
  const bare = withoutIsolates(shown);
  if (bare.length <= most) return shown;
  let kept = '';
  // A grapheme can be as long as one likes (thousands of accents): it is a window that is looked at, not the whole text.
  for (const { segment } of graphemes.segment(bare.slice(0, most + 1).toWellFormed())) {
    if (kept.length + segment.length > most - 1) break;
    kept += segment;
  }
  const cut = `${kept}…`;
  return bare === shown ? cut : `\u2068${cut}\u2069`;
}

/** One line from outside, safe and at most `most` long. What is shown of a text is never shorter than it: more need not be read. */
export const words = (text: string, most: number): string => shortened(visibleLine(text.slice(0, most + 2)), most);

/** An instant is on the reader's clock; which one that is, is said beside it. */
export const cellWords = (cell: Cell, zone: string, most: number): string =>
  typeof cell === 'string' ? words(cell, most) : instantWords(cell.at, zone);

export function progressWords(progress: Progress): string {
  const files =
    progress.totalFiles === undefined
      ? manyWords(progress.files, 'file')
      : `${countWords(progress.files)} of ${manyWords(progress.totalFiles, 'file')}`;
  const problems = progress.problems > 0 ? `, ${manyWords(progress.problems, 'problem')}` : '';
  return `${files}, ${sizeWords(progress.bytes)}${problems}`;
}

/** How much of it is done, 0 to 1; undefined where the whole is not known. */
export function progressShare({ files, totalFiles, bytes, totalBytes }: Progress): number | undefined {
  const share = totalBytes ? bytes / totalBytes : totalFiles ? files / totalFiles : undefined;
  return share === undefined ? undefined : Math.min(1, Math.max(0, share));
}

/** More of them would not be read. */
const MOST_OPTIONS = 4;

function gapOf({ word = '', name, options = [], required }: FormField): string {
  const values = options.map(({ value }) => value).filter((value) => value !== '');
  const gap = values.length > 0 && values.length <= MOST_OPTIONS ? values.join(' / ') : `<${name}>`;
  const whole = `${word}${word === '' || word.endsWith('=') ? '' : ' '}${gap}`;
  return required ? whole : `[${whole}]`;
}

/** A mail has no form to fill in: the line with its gaps, in brackets what can be left out. */
export const formWords = (form: { line: string; fields: readonly FormField[] }): string =>
  [form.line, ...form.fields.map(gapOf)].filter(Boolean).join(' ');

const WENT: Readonly<Record<TrendPoint['state'], string>> = {
  done: 'went well',
  partial: 'went well in part',
  failed: 'failed',
  waiting: 'waited for somebody',
  stopped: 'stopped',
  queued: 'to begin',
  running: 'at work',
};

/** What the bars show, in a sentence: for whoever does not see them. */
export function trendWords(points: readonly TrendPoint[], zone: string): string {
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return 'No runs yet.';
  const day = ({ at }: TrendPoint): string => instantWords(at, zone).slice(0, 10);
  const when = day(first) === day(last) ? `on ${day(first)}` : `from ${day(first)} to ${day(last)}`;
  const went = Object.entries(WENT).flatMap(([state, how]) => {
    const count = points.filter((point) => point.state === state).length;
    return count === 0 ? [] : [`${countWords(count)} ${how}`];
  });
  return `${manyWords(points.length, 'run')} ${when}: ${went.join(', ')}.`;
}
