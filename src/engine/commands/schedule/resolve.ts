/** Turns what was read into one rule, or says why it cannot be one. Ambiguities are settled before (`ambiguity.ts`). */

import { clock, dateOfDay, isoDay } from './calendar.ts';
import { parseCron, shortestGap } from './cron.ts';
import type { Draft, Reading } from './draft.ts';
import {
  cronRule,
  DEFAULT_TIME,
  LONGEST_MINUTES,
  MINIMUM_MINUTES,
  monthsField,
  outsidePart,
  problem,
  type Resolved,
  timesOf,
  unsupported,
  weekdaysField,
  withClock,
} from './fields.ts';
import { monthDays, monthly, weekly, yearly, yearlyDates } from './months.ts';
import { weekdayName } from './names.ts';
import { resolveOnce } from './once.ts';
import { weekOrder } from './say.ts';
import { countTimes } from './times-per.ts';

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
  const times = draft.times.length + draft.parts.length;
  if (times + draft.days.length + draft.places.length + draft.dates.length > 0) {
    return unsupported(r, `"${said}" does not go with a time or a date`, said);
  }
  const days = `* ${monthsField(draft)} ${weekdaysField(draft)}`;
  const hours = minutes / 60;
  if (Number.isInteger(hours) && 24 % hours === 0) {
    const hourField = hours === 1 ? '*' : hours === 24 ? '0' : `*/${hours}`;
    const marks = [...new Set(draft.marks)].sort((a, b) => a - b);
    const text = `${marks.join(',') || '0'} ${hourField} ${days}`;
    const gap = shortestGap(parseCron(text));
    if (gap >= MINIMUM_MINUTES) return cronRule(text, zone);
    const message = `Those minutes are ${gap} minutes apart; the least is ${MINIMUM_MINUTES} minutes.`;
    return problem('too_often', message, `every ${MINIMUM_MINUTES} minutes`);
  }
  if (draft.marks.length > 0) return unsupported(r, `"${said}" does not go with a minute of the hour`, said);
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

function repeated(r: Reading, draft: Draft, zone: string): Resolved {
  const { every } = draft;
  const monthPlaces = draft.days.length + draft.places.length + draft.dates.length;
  const [mark] = draft.marks;
  const hourly = every?.unit === 'hour' || every?.unit === 'minute' || every?.unit === 'second';
  if (mark !== undefined && every === undefined && monthPlaces + draft.weekdays.length + draft.times.length === 0) {
    return elapsed(r, draft, zone, 1, 'hour');
  }
  if (mark !== undefined && !hourly) {
    return unsupported(r, 'a minute of the hour goes with hours', `every hour at :${String(mark).padStart(2, '0')}`);
  }
  if (every === undefined) {
    if (draft.dates.length > 0) return yearlyDates(r, draft, zone);
    if (draft.days.length > 0) return monthDays(r, draft, zone);
    if (draft.places.length > 0 || draft.weekdays.length > 0) return weekly(r, draft, zone);
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
  if (unit === 'month') return monthly(r, draft, zone, n);
  // The first and last day of a quarter are the calendar's; other days count from this month.
  const quarterDay = draft.months.length === 0 && draft.days.length === 1 ? draft.days[0] : undefined;
  const months = quarterDay === 1 ? [1, 4, 7, 10] : quarterDay === 'last' ? [3, 6, 9, 12] : draft.months;
  return monthly(r, n === 1 ? { ...draft, months } : draft, zone, n * 3);
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
    const more = draft.months.length + draft.parts.length + draft.marks.length + draft.axes.length;
    if (repeats || single || said + more > 0) return unsupported(r, 'it says both when and never', 'only when I ask');
    return { rule: { manual: true }, schedule: { manual: true } };
  }
  if (single && repeats) return unsupported(r, 'it says both once and again and again', 'tomorrow at 09:00');
  const outside = outsidePart(draft);
  if (outside !== undefined) {
    const time = clock(outside.minutes);
    return unsupported(r, `${time} is not in the ${outside.part}`, `every day at ${time}`);
  }
  const counted = countTimes(r, draft);
  if ('problem' in counted) return counted;
  const monthAlone = draft.months.length > 0 && said - draft.times.length === 0;
  if (single || (!repeats && (draft.dates.length > 0 || monthAlone))) {
    const dates = monthAlone ? [{ month: draft.months[0] ?? 1, day: 1 }] : draft.dates;
    const times = draft.times.length + draft.parts.length > 0 ? timesOf(draft) : undefined;
    const months = monthAlone ? draft.months.slice(1) : draft.months;
    return resolveOnce(r, { ...draft, dates, months }, zone, times);
  }
  return repeated(r, counted.draft, zone);
}
