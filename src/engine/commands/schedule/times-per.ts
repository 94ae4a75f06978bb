/** "Twice a day", "3 times a week": how often in a span becomes a pace or days of their own. */

import type { Draft, Problem, Reading, Unit } from './draft.ts';

/** Spread evenly, and away from the hours when people work. */
const DAY_TIMES: Record<number, number[]> = { 2: [120, 840], 3: [120, 600, 1080], 4: [120, 480, 840, 1200] };
const WEEKDAYS: Record<number, number[]> = {
  2: [1, 4],
  3: [1, 3, 5],
  4: [1, 2, 4, 5],
  5: [1, 2, 3, 4, 5],
  6: [1, 2, 3, 4, 5, 6],
  7: [0, 1, 2, 3, 4, 5, 6],
};
const MONTH_DAYS: Record<number, number[]> = { 2: [1, 15], 3: [1, 11, 21], 4: [1, 8, 15, 22] };

const EXAMPLES: Record<Unit, string> = {
  second: 'every 30 minutes',
  minute: 'every 30 minutes',
  hour: 'every 30 minutes',
  day: 'every 6 hours',
  week: 'every monday and thursday',
  month: 'on the 1st and 15th',
  quarter: 'every month',
  year: 'every month',
};

function refused(r: Reading, unit: Unit): { problem: Problem } {
  return {
    problem: {
      code: 'unsupported',
      message: `"${r.phrase}" cannot be spread evenly over a ${unit}.`,
      suggestion: EXAMPLES[unit],
    },
  };
}

/** The draft with its "n times a ..." replaced by what it means. */
export function countTimes(r: Reading, draft: Draft): { draft: Draft } | { problem: Problem } {
  const { per, ...rest } = draft;
  if (per === undefined) return { draft };
  const { count, unit } = per;
  const every = (n: number, of: Unit): { draft: Draft } => ({ draft: { ...rest, every: { n, unit: of } } });
  if (draft.every !== undefined || !Number.isInteger(count) || count < 1) return refused(r, unit);
  // "Twice a day in the morning" would have to invent times.
  if (draft.parts.length > 0 && count > 1) return refused(r, unit);
  if (count === 1) return every(1, unit);
  if (unit === 'second' || unit === 'minute') return every(1 / count, unit);
  if (unit === 'hour') return every(60 / count, 'minute');
  if (unit === 'day') {
    if (draft.times.length > 0) return draft.times.length === count ? every(1, 'day') : refused(r, unit);
    const times = DAY_TIMES[count];
    if (times !== undefined) return { draft: { ...rest, times: times.map((minutes) => ({ minutes })) } };
    return Number.isInteger(1440 / count) && (24 % count === 0 || count > 24)
      ? every(1440 / count, 'minute')
      : refused(r, unit);
  }
  if (unit === 'week') {
    if (draft.weekdays.length > 0) return new Set(draft.weekdays).size === count ? every(1, unit) : refused(r, unit);
    const weekdays = WEEKDAYS[count];
    return weekdays === undefined ? refused(r, unit) : { draft: { ...rest, weekdays } };
  }
  if (unit === 'month') {
    if (draft.days.length > 0) return draft.days.length === count ? every(1, unit) : refused(r, unit);
    const days = MONTH_DAYS[count];
    return days === undefined ? refused(r, unit) : { draft: { ...rest, days } };
  }
  return unit === 'year' && 12 % count === 0 ? every(12 / count, 'month') : refused(r, unit);
}
