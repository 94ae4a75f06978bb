/** Finds a schedule inside a longer line. */

import type { ReadOptions, TakenSchedule } from './answer.ts';
import { answerPhrase, MAX_PHRASE } from './answer-phrase.ts';
import { cronLength } from './cron-phrase.ts';
import { type Reading, reading, textAt } from './draft.ts';
import { MONTH_WORDS } from './names.ts';
import { read } from './read.ts';
import { nearest } from './spelling.ts';
import { tidy } from './tokens.ts';
import { limitsInLines, namesFreeDays } from './unsupported.ts';

/** The words as one phrase, and where each of them ends in it. */
export function joined(words: readonly string[], start: number): { phrase: string; ends: number[] } {
  let phrase = '';
  const ends: number[] = [];
  for (const word of words.slice(start)) {
    const next = tidy(word);
    if (next === '' || phrase.length + next.length >= MAX_PHRASE) break;
    phrase += phrase === '' ? next : ` ${next}`;
    ends.push(phrase.length);
  }
  return { phrase, ends };
}

/** How many whole words lie before character `end`, and whether it falls on the end of one. */
export function wordsBefore(ends: readonly number[], end: number): { count: number; whole: boolean } {
  const count = ends.filter((at) => at <= end).length;
  return { count, whole: ends[count - 1] === end };
}

/** "except holidays", "until friday": belongs to the schedule, to be refused with it. Answers the token behind it. */
function limits(r: Reading, from: number): number {
  let at = from;
  if (!limitsInLines(textAt(r, at))) return from;
  while (limitsInLines(textAt(r, at)) || ['on', 'for', 'the', 'not', 'from'].includes(textAt(r, at))) at += 1;
  if (namesFreeDays(textAt(r, at))) {
    while (namesFreeDays(textAt(r, at)) || ['and', 'hours', 'days', 'day'].includes(textAt(r, at))) at += 1;
    return at;
  }
  // "Between 9 and 17": the hours alone are no schedule.
  while (r.tokens[at]?.kind === 'number' || (at > from + 1 && textAt(r, at) === 'and')) at += 1;
  const { end } = read(r, at);
  return end > from + 1 ? end : from;
}

/** How many of the words are one schedule. */
function extent(words: readonly string[], o: ReadOptions): number {
  let taken = words.length;
  // A token may end inside a word ("sunday.zip"): the words before it are then read again by themselves.
  while (taken > 0) {
    const { phrase, ends } = joined(words.slice(0, taken), 0);
    const r: Reading = { ...reading(phrase, o), line: true };
    const first = read(r);
    if (first.end === 0) return 0;
    const limit = limits(r, first.end);
    const last = r.tokens[limit - 1];
    const { count, whole } = wordsBefore(ends, last?.end ?? 0);
    if (whole && count <= taken) return lonely(r, limit) ? 0 : count;
    taken = count;
  }
  return 0;
}

/** A month's name alone ("may") is more often a name than a schedule. */
const lonely = (r: Reading, end: number): boolean => end === 1 && MONTH_WORDS.has(textAt(r, 0));

/** A first word that is one letter away from a word of schedules, mended. */
function mendedStart(words: readonly string[]): string[] | undefined {
  const [first = '', ...rest] = words;
  const better =
    first.length > 3 && /^\p{L}+,?$/u.test(first) ? nearest(first.toLowerCase().replace(',', ''), 1) : undefined;
  return better === undefined ? undefined : [better, ...rest];
}

/**
 * Takes the longest run of words from `start` on that is meant as a schedule, understood or not: "every day at 25:00" is
 * taken whole and answered with its error. A comma may hang on a word.
 * @returns undefined when no schedule begins there.
 */
export function takeWords(words: readonly string[], start: number, o: ReadOptions): TakenSchedule | undefined {
  const from = words.slice(start);
  const until = from.findIndex((word) => tidy(word) === '' || /\s/.test(word.trim()));
  const line = until < 0 ? from : from.slice(0, until);
  const cron = cronLength(line);
  let count = cron;
  if (cron > 0) {
    const zone = extent(line.slice(cron), o);
    if (zone > 0 && answerPhrase(line.slice(0, cron + zone).join(' '), o).outcome === 'ok') count += zone;
  } else count = extent(line, o);
  if (count === 0) {
    const better = mendedStart(line);
    count = better === undefined ? 0 : extent(better, o);
    // "dairy to gdrive" begins with a name.
    if (count === 1 && line[1]?.toLowerCase() === 'to') count = 0;
  }
  if (count === 0) return undefined;
  const text = line.slice(0, count).join(' ').replace(/,$/, '');
  return { end: start + count, text, answer: answerPhrase(text, o) };
}
