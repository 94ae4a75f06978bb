/** Turns what was read into one rule, or says why it cannot be one. Ambiguities are settled before (`ambiguity.ts`). */

import type { Schedule } from '../../types.ts';
import type { Rule } from './answer.ts';
import { clock, dateOfDay, isoDay } from './calendar.ts';
import { parseCron, shortestGap } from './cron.ts';
import type { Draft, Problem, Reading } from './draft.ts';
import { monthName, ordinal, weekdayName } from './names.ts';
import { resolveOnce } from './once.ts';
import { weekOrder } from './say.ts';
import { countTimes } from './times-per.ts';

export type Resolved = { rule: Rule; schedule: Schedule } | { problem: Problem };

/** When nothing is said: at night, and not at an hour when everything else starts. */
export const DEFAULT_TIME = 120;
const PART_TIMES = { morning: 480, afternoon: 900, evening: 1200, night: 1320 };
export const MINIMUM_MINUTES = 15;
/** Longer steps are read as a typing error. */
const LONGEST_MINUTES = 366 * 1440;

const problem = (code: Problem['code'], message: string, suggestion: Problem['suggestion']): Resolved => ({
  problem: { code, message, suggestion },
});

const unsupported = (r: Reading, why: string, suggestion: string): Resolved =>
  problem('unsupported', `"${r.phrase}" is not a schedule that a backup can have: ${why}.`, suggestion);

function cronRule(text: string, zone: string): Resolved {
  return { rule: { cron: text }, schedule: { cron: text, zone } };
}

function timesOf(draft: Draft): number[] {
  if (draft.times.length > 0) return [...new Set(draft.times.map((time) => time.minutes))].sort((a, b) => a - b);
  if (draft.part === undefined) return [DEFAULT_TIME];
  // "Every night" is when backups run; "sunday night" is the evening of that day.
  const nightly = draft.part === 'night' && draft.weekdays.length + draft.places.length === 0;
  return [nightly ? DEFAULT_TIME : PART_TIMES[draft.part]];
}

/** Minute and hour fields; a cron pattern holds several times only if every hour has the same minutes. */
function clockFields(r: Reading, draft: Draft, days: string): { fields: string } | { refused: Resolved } {
  const times = timesOf(draft);
  const unique = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
  const minutes = unique(times.map((time) => time % 60));
  const hours = unique(times.map((time) => Math.floor(time / 60)));
  const fields = `${minutes.join(',')} ${hours.join(',')}`;
  const first = `cron ${(times[0] ?? 0) % 60} ${Math.floor((times[0] ?? 0) / 60)} ${days}`;
  if (minutes.length * hours.length !== times.length) {
    const why = 'several times a day need the same minutes, such as 06:30 and 18:30';
    return { refused: unsupported(r, why, first) };
  }
  const gap = shortestGap(parseCron(`${fields} ${days}`));
  if (gap < MINIMUM_MINUTES) {
    const message = `Those times are ${gap} minutes apart; the least is ${MINIMUM_MINUTES} minutes.`;
    return { refused: problem('too_often', message, first) };
  }
  return { fields };
}

function withClock(r: Reading, draft: Draft, zone: string, days: string): Resolved {
  const clockPart = clockFields(r, draft, days);
  return 'refused' in clockPart ? clockPart.refused : cronRule(`${clockPart.fields} ${days}`, zone);
}

const monthsField = (draft: Draft): string => {
  const months = [...new Set(draft.months)].sort((a, b) => a - b);
  return months.length === 0 || months.length === 12 ? '*' : months.join(',');
};

function weekdaysField(draft: Draft): string {
  const inOrder = weekOrder(new Set(draft.weekdays));
  if (inOrder.length === 0 || inOrder.length === 7) return '*';
  const [first = 0] = inOrder;
  const last = inOrder.at(-1) ?? 0;
  const gapless = inOrder.every((day, index) => day === first + index);
  const range = (draft.weekdayRange === true && inOrder.length > 2) || inOrder.join() === '1,2,3,4,5';
  return gapless && range ? `${first}-${last}` : inOrder.join(',');
}

/** Minutes between runs where the unit is shorter than a day; with the words to name it. */
function elapsed(r: Reading, draft: Draft, zone: string, n: number, unit: 'second' | 'minute' | 'hour'): Resolved {
  const minutes = n * { second: 1 / 60, minute: 1, hour: 60 }[unit];
  const said = n === 1 ? `every ${unit}` : `every ${Math.round(n * 100) / 100} ${unit}s`;
  if (minutes < MINIMUM_MINUTES) {
    const message = `"${said}" is too often: the least is every ${MINIMUM_MINUTES} minutes.`;
    return problem('too_often', message, `every ${MINIMUM_MINUTES} minutes`);
  }
  if (!Number.isInteger(minutes))
    return problem('bad_interval', `"${said}" is no number of minutes.`, 'every 90 minutes');
  if (draft.times.length + draft.days.length + draft.places.length + draft.dates.length > 0) {
    return unsupported(r, `"${said}" does not go with a time or a date`, said);
  }
  const days = `* ${monthsField(draft)} ${weekdaysField(draft)}`;
  const hours = minutes / 60;
  if (Number.isInteger(hours) && 24 % hours === 0) {
    const hourField = hours === 1 ? '*' : hours === 24 ? '0' : `*/${hours}`;
    return cronRule(`${draft.mark ?? 0} ${hourField} ${days}`, zone);
  }
  if (draft.mark !== undefined) return unsupported(r, `"${said}" does not go with a minute of the hour`, said);
  if (60 % minutes === 0) return cronRule(`*/${minutes} * ${days}`, zone);
  if (days !== '* * *') return unsupported(r, `"${said}" does not fit into a day, so it cannot keep to weekdays`, said);
  const schedule = { everyMinutes: minutes, anchor: r.now.toISOString(), zone };
  return { rule: { everyMinutes: minutes, anchor: 'now' }, schedule };
}

function everyDays(r: Reading, draft: Draft, zone: string, days: number): Resolved {
  const weeks = days % 7 === 0 ? days / 7 : 0;
  const said = weeks > 0 ? `every ${weeks} weeks` : `every ${days} days`;
  const weekdays = weekOrder(new Set(draft.weekdays));
  const [weekday] = weekdays;
  const taken = draft.days.length + draft.places.length + draft.dates.length + draft.months.length;
  if (taken > 0) return unsupported(r, `"${said}" does not go with a day of the month`, said);
  if (weekday !== undefined && weeks === 0) {
    return unsupported(r, `"${said}" does not keep to a weekday`, `every ${weekdayName(weekday).toLowerCase()}`);
  }
  if (weekdays.length > 1) {
    const why = 'more than a week apart, only one weekday can be kept';
    return unsupported(r, why, `${said} on ${weekdayName(weekday ?? 0).toLowerCase()}`);
  }
  const [time = DEFAULT_TIME, other] = timesOf(draft);
  if (other !== undefined) return unsupported(r, 'days apart, it can have one time only', `${said} at ${clock(time)}`);
  const today = dateOfDay(r.today).weekday;
  const anchor = r.today + (weekday === undefined ? 0 : (weekday - today + 7) % 7);
  const at = clock(time);
  return {
    rule: { everyDays: days, at, anchor: anchor === r.today ? 'today' : isoDay(anchor) },
    schedule: { everyDays: days, at, anchor: isoDay(anchor), zone },
  };
}

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

function monthDays(r: Reading, draft: Draft, zone: string): Resolved {
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
function yearlyDates(r: Reading, draft: Draft, zone: string): Resolved {
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

function monthly(r: Reading, draft: Draft, zone: string, n: number): Resolved {
  if (draft.dates.length > 0) {
    return n === 1 ? unsupported(r, 'a date comes once a year', 'monthly on the 1st') : yearly(r, draft, zone, 1);
  }
  if (12 % n !== 0) return unsupported(r, 'months are counted in steps that divide the year', 'every 6 months');
  const today = dateOfDay(r.today);
  let { months } = draft;
  if (n > 1) {
    const first = months.length === 1 ? (months[0] ?? today.month) : today.month;
    if (months.length > 1 && months.length !== 12 / n)
      return unsupported(r, 'it names other months', `every ${n} months`);
    if (months.length < 2) months = Array.from({ length: 12 / n }, (_, i) => ((first - 1 + i * n) % 12) + 1);
  }
  const spread = { ...draft, months };
  if (draft.places.length + draft.weekdays.length > 0) return weekly(r, spread, zone);
  const days = draft.days.length > 0 ? draft.days : [today.day > 28 ? ('last' as const) : today.day];
  return monthDays(r, { ...spread, days }, zone);
}

function yearly(r: Reading, draft: Draft, zone: string, n: number): Resolved {
  if (n !== 1) return unsupported(r, 'years apart is too rare for a backup', 'every year');
  if (draft.dates.length > 0) return yearlyDates(r, draft, zone);
  const today = dateOfDay(r.today);
  const leap = today.month === 2 && today.day === 29;
  if (draft.months.length + draft.days.length + draft.places.length + draft.weekdays.length === 0) {
    return monthDays(r, { ...draft, months: [today.month], days: [leap ? 'last' : today.day] }, zone);
  }
  const months = draft.months.length > 0 ? draft.months : [1];
  if (draft.places.length + draft.weekdays.length > 0) return weekly(r, { ...draft, months }, zone);
  return monthDays(r, { ...draft, months, days: draft.days.length > 0 ? draft.days : [1] }, zone);
}

/** Weekdays, also "first sunday". */
function weekly(r: Reading, draft: Draft, zone: string): Resolved {
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

function repeated(r: Reading, draft: Draft, zone: string): Resolved {
  const { every } = draft;
  const monthPlaces = draft.days.length + draft.places.length + draft.dates.length;
  if (every === undefined) {
    if (draft.dates.length > 0) return yearlyDates(r, draft, zone);
    if (draft.days.length > 0) return monthDays(r, draft, zone);
    if (draft.places.length > 0 || draft.weekdays.length > 0) return weekly(r, draft, zone);
    if (draft.mark !== undefined) return elapsed(r, draft, zone, 1, 'hour');
    if (draft.months.length > 0) return monthDays(r, { ...draft, days: [1] }, zone);
    return withClock(r, draft, zone, '* * *');
  }
  const { n, unit } = every;
  const total =
    n *
    { second: 1 / 60, minute: 1, hour: 60, day: 1440, week: 10080, month: 43200, quarter: 129600, year: 525600 }[unit];
  if (n <= 0 || total > LONGEST_MINUTES) {
    const suggestion = {
      second: 'every 30 minutes',
      minute: 'every 30 minutes',
      hour: 'every 6 hours',
      day: 'every 3 days',
      week: 'every 2 weeks',
      month: 'every month',
      quarter: 'every quarter',
      year: 'every year',
    }[unit];
    const said = `"every ${n} ${unit}s"`;
    if (unit === 'year' && n > 0) return yearly(r, draft, zone, n);
    return problem(
      'bad_interval',
      `${said} is no interval: ${n <= 0 ? 'it never gets there' : 'it is too long'}.`,
      suggestion,
    );
  }
  if (unit === 'second' || unit === 'minute' || unit === 'hour') return elapsed(r, draft, zone, n, unit);
  if (draft.mark !== undefined) {
    return unsupported(
      r,
      'a minute of the hour goes with hours',
      `every hour at :${String(draft.mark).padStart(2, '0')}`,
    );
  }
  if (!Number.isInteger(n)) {
    return problem(
      'bad_interval',
      `"every ${n} ${unit}s" is no whole number of ${unit}s.`,
      `every ${Math.ceil(n)} ${unit}s`,
    );
  }
  const days = unit === 'day' ? n : unit === 'week' ? n * 7 : 0;
  if (days > 1 && days !== 7) return everyDays(r, draft, zone, days);
  if (days > 0) {
    if (monthPlaces > 0) return unsupported(r, `"every ${unit}" does not go with a day of the month`, `every ${unit}`);
    const today = dateOfDay(r.today).weekday;
    const weekdays = days === 7 && draft.weekdays.length === 0 ? [today] : draft.weekdays;
    return weekly(r, { ...draft, weekdays }, zone);
  }
  if (unit === 'year' || n * (unit === 'quarter' ? 3 : 1) === 12)
    return yearly(r, draft, zone, unit === 'year' ? n : 1);
  return monthly(r, draft, zone, unit === 'quarter' ? n * 3 : n);
}

/** One rule of a draft without ambiguities. */
export function resolve(r: Reading, draft: Draft): Resolved {
  if (draft.problem !== undefined) return { problem: draft.problem };
  const zone = draft.zone ?? r.zone;
  const repeats = draft.recurring === true || draft.every !== undefined;
  const single = draft.day !== undefined || draft.instant !== undefined || draft.once === true;
  const said =
    draft.weekdays.length + draft.places.length + draft.days.length + draft.dates.length + draft.times.length;
  if (draft.manual === true) {
    if (repeats || single || said > 0) return unsupported(r, 'it says both when and never', 'only when I ask');
    return { rule: { manual: true }, schedule: { manual: true } };
  }
  if (single && repeats) return unsupported(r, 'it says both once and again and again', 'tomorrow at 09:00');
  const counted = countTimes(r, draft);
  if ('problem' in counted) return counted;
  const monthAlone = draft.months.length > 0 && said - draft.times.length === 0;
  if (single || (!repeats && (draft.dates.length > 0 || monthAlone))) {
    const dates = monthAlone ? [{ month: draft.months[0] ?? 1, day: 1 }] : draft.dates;
    const times = draft.times.length > 0 || draft.part !== undefined ? timesOf(draft) : undefined;
    return resolveOnce(r, { ...draft, dates }, zone, times);
  }
  return repeated(r, counted.draft, zone);
}
