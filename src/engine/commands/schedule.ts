/** Schedules in words: reads them, computes when they run, and says them back. Pure; the parts are in `schedule/`. */

import type { ReadOptions, ScheduleAnswer, TakenInstant, TakenSchedule } from './schedule/answer.ts';
import { answerPhrase } from './schedule/answer-phrase.ts';
import { type InstantOptions, takeMoment } from './schedule/instant.ts';
import { takeWords } from './schedule/take.ts';

export type {
  ReadOptions,
  Rule,
  ScheduleAnswer,
  ScheduleErrorCode,
  ScheduleOption,
  TakenInstant,
  TakenSchedule,
} from './schedule/answer.ts';
export { nextRuns } from './schedule/next.ts';
export { saySchedule } from './schedule/say.ts';

/**
 * Reads a phrase such as "every other friday at 6pm" or "cron 30 4 * * 1-5". Never throws for a phrase, whatever it
 * holds, and a half-understood one never becomes a rule. Every suggestion and every option's phrase reads as `ok`.
 * What can be said, and what is assumed where something is left out: `docs/schedules.md`.
 *
 * @throws UsageError when `o.zone` is no zone.
 */
export const parseSchedule = (phrase: string, o: ReadOptions): ScheduleAnswer => answerPhrase(phrase, o);

/**
 * Takes the longest run of words from `start` on that is meant as a schedule, understood or not: "every day at 25:00"
 * and "every monday except holidays" are taken whole and answered with their errors. A word with a space inside was
 * quoted and is never taken; a comma may hang on a word. A piece that says only a part ("at 02:00", "in Europe/Paris") is
 * taken too: join the `text` of all pieces of a line and read them again with `parseSchedule`.
 *
 * @returns undefined when no schedule begins there.
 */
export const takeSchedule = (words: readonly string[], start: number, o: ReadOptions): TakenSchedule | undefined =>
  takeWords(words, start, o);

/**
 * Takes the words from `start` on that name one moment: "monday", "2024-01-01", "3 days ago", "march", "tomorrow at 9am".
 * Without the word before it ("until", "since", "from"). Days, months and years are spans: `at` is the first instant
 * and `until` the first one behind it.
 *
 * @returns undefined when no moment begins there, or when people read it differently ("03/04").
 */
export const takeInstant = (words: readonly string[], start: number, o: InstantOptions): TakenInstant | undefined =>
  takeMoment(words, start, o);
