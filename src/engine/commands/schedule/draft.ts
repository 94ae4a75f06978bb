/** What the rules have read of a phrase so far. */

import type { ReadOptions, Rule, ScheduleErrorCode } from './answer.ts';
import { localOf } from './calendar.ts';
import { type Token, tokens } from './tokens.ts';

export type Unit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';

export interface Time {
  /** Minutes since midnight. */
  minutes: number;
  /** An hour from 1 to 12 alone: morning or afternoon is not known. */
  bare?: true;
  /** Said with am, pm or a part of the day, so that its neighbours may mean the same half. */
  half?: true;
}

/** Numbers as written. */
export interface DateText {
  year?: number;
  month: number;
  /** Absent: the whole month. */
  day?: number;
  /** Set when day and month could be exchanged (`03/04`). */
  either?: true;
}

export type DayPart = 'morning' | 'afternoon' | 'evening' | 'night';

export interface Problem {
  code: ScheduleErrorCode;
  message: string;
  /** A whole phrase, or the part of this one to replace. */
  suggestion: string | { start: number; end: number; text: string };
}

/** One thing that a phrase leaves open. */
export interface Axis {
  question: string;
  choices: { label: string | ((rule: Rule) => string); apply: (draft: Draft) => Draft }[];
  /** Which choice the rest of the phrase leaves, if one. */
  settled?: (draft: Draft) => number | undefined;
}

export interface Draft {
  /** "every", "each" or a plural was said. */
  recurring?: true;
  every?: { n: number; unit: Unit };
  /** "twice a day". */
  per?: { count: number; unit: Unit };
  weekdays: number[];
  /** "Every monday": each one, whatever month is named behind it. */
  eachWeekday?: true;
  /** `monday to thursday` is written as a range. */
  weekdayRange?: true;
  /** The first Sunday; -1 is the last. */
  places: { nth: number; weekday: number }[];
  days: (number | 'last')[];
  /** Months by name alone. */
  months: number[];
  dates: DateText[];
  times: Time[];
  parts: DayPart[];
  /** "every hour at :15 and :45". */
  marks: number[];
  zone?: string;
  /** Local day number of a single run. */
  day?: number;
  /** "in 2 hours": an instant. */
  instant?: Date;
  once?: true;
  manual?: true;
  /** The 31st was asked about and is meant as said. */
  literal?: true;
  axes: Axis[];
  problem?: Problem;
}

export const emptyDraft = (): Draft => ({
  weekdays: [],
  places: [],
  days: [],
  months: [],
  dates: [],
  times: [],
  parts: [],
  marks: [],
  axes: [],
});

/** A phrase with what the rules may know. */
export interface Reading extends ReadOptions {
  phrase: string;
  tokens: readonly Token[];
  /** Local day number and minutes since midnight of `now`. */
  today: number;
  minutes: number;
  /** Part of a longer line: what looks like a zone may be a folder. */
  line?: true;
}

/** Reads at `i`: adds to the draft and answers how many tokens it took, 0 for none. */
export type ReadRule = (r: Reading, i: number, draft: Draft) => number;

export function reading(phrase: string, o: ReadOptions): Reading {
  const { day, minutes } = localOf(o.now, o.zone);
  return { now: o.now, zone: o.zone, phrase, tokens: tokens(phrase), today: day, minutes };
}

export const textAt = (r: Reading, i: number): string => r.tokens[i]?.text ?? '';

/** The words from `i` are these, hyphens between them aside; answers how many tokens that are. */
export function sequence(r: Reading, i: number, words: readonly string[]): number {
  let at = i;
  for (const [index, word] of words.entries()) {
    if (index > 0 && textAt(r, at) === '-') at += 1;
    if (textAt(r, at) !== word) return 0;
    at += 1;
  }
  return at - i;
}

/** The first problem is the one told. */
export function fail(draft: Draft, problem: Problem): void {
  draft.problem ??= problem;
}

/** A single day or instant; a second one that differs is a problem. */
export function setSingle(r: Reading, draft: Draft, single: { day: number } | { instant: Date }): void {
  const before = draft.instant ?? draft.day;
  const after = 'day' in single ? single.day : single.instant;
  if (before === undefined || before === after) Object.assign(draft, single);
  else fail(draft, { code: 'unsupported', message: `"${r.phrase}" names two dates.`, suggestion: 'tomorrow at 09:00' });
}

/** The text of tokens `from` to `to`, the last not included, as written. */
export const written = (r: Reading, from: number, to: number): string =>
  r.phrase.slice(r.tokens[from]?.start ?? 0, r.tokens[to - 1]?.end ?? 0);
