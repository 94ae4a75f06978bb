/** Words for units, places in a row and groups of days, shared by the rules. */

import { type Draft, fail, type Reading, textAt, type Unit } from './draft.ts';
import { MONTH_WORDS, ORDINAL_WORDS } from './names.ts';

export const own = <T>(table: Record<string, T>, word: string): T | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined;

const UNIT_WORDS: ReadonlyMap<string, Unit> = new Map(
  Object.entries({
    second: 's sec secs second seconds',
    minute: 'm min mins minute minutes',
    hour: 'h hr hrs hour hours',
    day: 'd day days',
    week: 'w wk wks week weeks',
    month: 'mo mos month months',
    quarter: 'quarter quarters',
    year: 'y yr yrs year years',
  }).flatMap(([unit, words]) => words.split(' ').map((word): [string, Unit] => [word, unit as Unit])),
);
export const unitOfWord = (word: string): Unit | undefined => UNIT_WORDS.get(word);

export const WORKDAYS = [1, 2, 3, 4, 5];
export const WEEKDAY_GROUPS: Record<string, number[]> = {
  weekday: WORKDAYS,
  weekdays: WORKDAYS,
  workday: WORKDAYS,
  workdays: WORKDAYS,
  weekend: [6, 0],
  weekends: [6, 0],
};

/** 2 for "other", "second" and "2nd". */
export function nth(r: Reading, i: number): number | undefined {
  const token = r.tokens[i];
  if (token === undefined) return undefined;
  if (token.kind === 'ordinal') return Number.parseInt(token.text, 10);
  if (token.text === 'other' || token.text === 'alternate') return 2;
  return ORDINAL_WORDS.get(token.text);
}

/** "of the month", "in january", "every month" behind a weekday. */
export function inMonth(r: Reading, i: number): boolean {
  let at = i;
  while (['of', 'in', 'the', 'each', 'every', 'a', 'any'].includes(textAt(r, at))) at += 1;
  return at > i && (MONTH_WORDS.has(textAt(r, at)) || ['month', 'months', 'quarter', 'year'].includes(textAt(r, at)));
}

const FINER: readonly Unit[] = ['second', 'minute', 'hour'];

/** "every day and every week" is two schedules; "hourly, every day" and "monthly, every month" are one. */
export function setEvery(r: Reading, draft: Draft, n: number, unit: Unit, from: number): void {
  draft.recurring = true;
  const before = draft.every;
  if (before === undefined || (before.n === n && before.unit === unit)) draft.every = { n, unit };
  else if (n === 1 && unit === 'day' && FINER.includes(before.unit)) return;
  else if (before.n === 1 && before.unit === 'day' && FINER.includes(unit)) draft.every = { n, unit };
  else {
    const first = r.phrase.slice(0, r.tokens[from]?.start ?? 0).replace(/[\s,&+]*(and)?[\s,&+]*$/i, '');
    fail(draft, {
      code: 'unsupported',
      message: `"${r.phrase}" is two schedules, and a backup has one. Make a second backup for the other.`,
      suggestion: first === '' ? 'every day' : first,
    });
  }
}
