/** Rules for days of the month, dates of the year and weekdays. */

import { dateOfDay } from './calendar.ts';
import type { Draft, Problem, Reading } from './draft.ts';
import { monthsField, problem, type Resolved, unsupported, weekdaysField, withClock } from './fields.ts';
import { monthName, ordinal, weekdayName } from './names.ts';

/** The day-of-month field, where days were said. */
const daysText = (days: Draft['days']): string =>
  [...new Set(days.filter((day) => day !== 'last')).values(), ...(days.includes('last') ? ['L'] : [])].join(',');

const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The most days that a month can have. */
export const longest = (month: number): number => LONGEST_MONTH[month - 1] ?? 0;

export function noSuchDate(day: number, month: number, recurring: boolean): Problem {
  const most = longest(month);
  if (most === 0) {
    return { code: 'no_such_date', message: `There is no month ${month}.`, suggestion: 'on 5 december at 09:00' };
  }
  const name = monthName(month);
  return {
    code: 'no_such_date',
    message: `There is no ${name} ${day}: ${name} has ${month === 2 ? '28 or 29' : most} days.`,
    suggestion: recurring ? `last day of ${name.toLowerCase()}` : `on ${month === 2 ? 28 : most} ${name.toLowerCase()}`,
  };
}

export function monthDays(r: Reading, draft: Draft, zone: string): Resolved {
  const numbers = draft.days.filter((day) => day !== 'last');
  const wrong = numbers.find((day) => day < 1 || day > 31);
  if (wrong !== undefined) {
    return problem('no_such_date', `No month has a ${ordinal(wrong)}.`, 'last day of the month');
  }
  const only = new Set(draft.months).size === 1 ? draft.months[0] : undefined;
  const outside = numbers.find((day) => only !== undefined && day > longest(only));
  if (only !== undefined && outside !== undefined) return { problem: noSuchDate(outside, only, true) };
  if (draft.weekdays.length + draft.places.length > 0) {
    return unsupported(r, 'it has both weekdays and days of the month', `monthly on the ${ordinal(numbers[0] ?? 1)}`);
  }
  const days = [...new Set(numbers)].sort((a, b) => a - b);
  const field = daysText([...days, ...(draft.days.includes('last') ? (['last'] as const) : [])]);
  return withClock(r, draft, zone, `${field} ${monthsField(draft)} *`);
}

/** Dates of every year: the days and months must be a product to fit one pattern. */
export function yearlyDates(r: Reading, draft: Draft, zone: string): Resolved {
  const [first] = draft.dates;
  const dates = [...new Map(draft.dates.map((date) => [`${date.month} ${date.day}`, date])).values()];
  const wrong = dates.find(
    (date) => date.month < 1 || date.month > 12 || (date.day ?? 1) > longest(date.month) || date.day === 0,
  );
  if (wrong !== undefined) return { problem: noSuchDate(wrong.day ?? 0, wrong.month, true) };
  const days = new Set(dates.map((date) => date.day ?? 1));
  const months = new Set(dates.map((date) => date.month));
  const one = `every ${first?.day ?? 1} ${monthName(first?.month ?? 1).toLowerCase()}`;
  if (dates.some((date) => date.year !== undefined)) return unsupported(r, 'a date with a year does not repeat', one);
  if (draft.months.length + draft.days.length + draft.weekdays.length + draft.places.length > 0) {
    return unsupported(r, 'it names a date and other days', one);
  }
  if (days.size * months.size !== dates.length) {
    return unsupported(r, 'two dates of the year need the same day of the month', one);
  }
  return monthDays(r, { ...draft, dates: [], days: [...days], months: [...months] }, zone);
}

export function monthly(r: Reading, draft: Draft, zone: string, n: number): Resolved {
  if (draft.dates.length > 0) {
    return unsupported(r, 'a date comes once a year', n === 1 ? 'monthly on the 1st' : `every ${n} months`);
  }
  if (12 % n !== 0) return unsupported(r, 'months are counted in steps that divide the year', 'every 6 months');
  const today = dateOfDay(r.today);
  let { months } = draft;
  if (n > 1) {
    if (draft.weekdays.length > 0) {
      const first = `first ${weekdayName(draft.weekdays[0] ?? 0)} of the month`.toLowerCase();
      return unsupported(r, 'months apart, a weekday needs its place in the month', first);
    }
    const first = months[0] ?? today.month;
    const spaced = Array.from({ length: 12 / n }, (_, i) => ((first - 1 + i * n) % 12) + 1);
    const named = new Set(months);
    if (named.size > 1 && (named.size !== spaced.length || spaced.some((month) => !named.has(month)))) {
      return unsupported(r, `those months are not ${n} apart`, `every ${n} months`);
    }
    months = spaced;
  }
  const spread = { ...draft, months };
  if (draft.places.length + draft.weekdays.length > 0) return weekly(r, spread, zone);
  const days = draft.days.length > 0 ? draft.days : [today.day > 28 ? ('last' as const) : today.day];
  return monthDays(r, { ...spread, days }, zone);
}

export function yearly(r: Reading, draft: Draft, zone: string, n: number): Resolved {
  if (n !== 1) return unsupported(r, 'years apart is too rare for a backup', 'every year');
  if (draft.dates.length > 0) return yearlyDates(r, draft, zone);
  const today = dateOfDay(r.today);
  const leap = today.month === 2 && today.day === 29;
  if (draft.months.length + draft.days.length + draft.places.length + draft.weekdays.length === 0) {
    return monthDays(r, { ...draft, months: [today.month], days: [leap ? 'last' : today.day] }, zone);
  }
  const months = draft.months.length > 0 ? draft.months : [today.month];
  if (draft.weekdays.length > 0) {
    const weekday = weekdayName(draft.weekdays[0] ?? 0);
    const first = `first ${weekday} of ${monthName(months[0] ?? 1)}`.toLowerCase();
    return unsupported(r, 'once a year, a weekday needs its place in a month', first);
  }
  if (draft.places.length + draft.weekdays.length > 0) return weekly(r, { ...draft, months }, zone);
  return monthDays(r, { ...draft, months, days: draft.days.length > 0 ? draft.days : [1] }, zone);
}

/** Weekdays, also "first sunday". */
export function weekly(r: Reading, draft: Draft, zone: string): Resolved {
  if (draft.days.length + draft.dates.length > 0) {
    const days = draft.days.filter((day) => day !== 'last');
    return unsupported(r, 'it has both weekdays and days of the month', `monthly on the ${ordinal(days[0] ?? 1)}`);
  }
  if (draft.places.length === 0) return withClock(r, draft, zone, `* ${monthsField(draft)} ${weekdaysField(draft)}`);
  const places = draft.places.map(({ nth, weekday }) => (nth === -1 ? `${weekday}L` : `${weekday}#${nth}`));
  if (draft.weekdays.length > 0) {
    return unsupported(r, 'it has every week and one week of the month', 'first sunday of the month');
  }
  return withClock(r, draft, zone, `* ${monthsField(draft)} ${[...new Set(places)].join(',')}`);
}
