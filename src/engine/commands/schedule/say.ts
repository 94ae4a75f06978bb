/** A schedule as one sentence. */

import type { Schedule } from '../../types.ts';
import type { ReadOptions } from './answer.ts';
import { clock, dateOfDay, dayOfIso, isoDay, localOf } from './calendar.ts';
import { type Cron, eitherDay, parseCron } from './cron.ts';
import { list, monthName, ordinal, ordinalWord, weekdayName } from './names.ts';

/** Times of day that still read well in a row; more are summed up. */
const TIMES_TOLD = 6;
const WORKDAYS = '1,2,3,4,5';

/** Monday first; Sunday ends the week. */
export const weekOrder = (weekdays: Iterable<number>): number[] =>
  [...weekdays].sort((a, b) => ((a + 6) % 7) - ((b + 6) % 7));

/** "Every 6 hours (...)", "Every 30 minutes"; undefined when the pattern names times of day instead. */
function pace({ text, minutes, hours }: Cron): string | undefined {
  const [minuteField = '', hourField = ''] = text.split(' ');
  const [minute = 0] = minutes;
  const past = minute === 0 ? ', on the hour' : ` at :${String(minute).padStart(2, '0')}`;
  const everyMinutes = /^\*\/(\d+)$/.exec(minuteField)?.[1];
  if (everyMinutes !== undefined && 60 % Number(everyMinutes) === 0 && hours.length === 24) {
    return `Every ${everyMinutes} minutes`;
  }
  if (minutes.length > 1) return hours.length === 24 ? `Every hour at ${list(minutes.map(minuteMark))}` : undefined;
  if (hours.length === 24) return `Every hour${past}`;
  const everyHours = /^\*\/(\d+)$/.exec(hourField)?.[1];
  if (everyHours === undefined || 24 % Number(everyHours) !== 0) return undefined;
  const times = hours.map((hour) => clock(hour * 60 + minute));
  const told = times.length > TIMES_TOLD ? [...times.slice(0, 2), '…', ...times.slice(-1)] : times;
  return `Every ${everyHours} hours (${told.join(', ')})`;
}

const minuteMark = (minute: number): string => `:${String(minute).padStart(2, '0')}`;

function weekdaysOf(cron: Cron): string {
  const { numbers, nth, last } = cron.weekdays ?? { numbers: new Set<number>(), nth: [], last: [] };
  const inOrder = weekOrder(numbers);
  const range = /^(\d)-(\d)$/.exec(cron.text.split(' ')[4] ?? '');
  if (inOrder.join() === WORKDAYS) return 'Monday to Friday';
  if (range !== null && inOrder.length > 2) {
    return `${weekdayName(Number(range[1]))} to ${weekdayName(Number(range[2]))}`;
  }
  if (inOrder.length > 0) return `every ${list(inOrder.map(weekdayName))}`;
  const places = [...nth.map((at) => ({ word: ordinalWord(at.nth), weekday: at.weekday }))];
  for (const weekday of last) places.push({ word: 'last', weekday });
  const sameDay = places.every((at) => at.weekday === places[0]?.weekday);
  return sameDay
    ? `on the ${list(places.map((at) => at.word))} ${weekdayName(places[0]?.weekday ?? 0)}`
    : `on the ${list(places.map((at) => `${at.word} ${weekdayName(at.weekday)}`))}`;
}

/** "every day", "Monday to Friday", "on the 1st of every month", "every year on 20 November". */
function daysOf(cron: Cron): string | undefined {
  const months = [...cron.months].sort((a, b) => a - b);
  const always = months.length === 12;
  const inMonths = always ? '' : ` in ${list(months.map(monthName))}`;
  if (cron.days !== undefined && cron.weekdays !== undefined) {
    if (!eitherDay(cron)) return undefined;
    const { days, weekdays, ...rest } = cron;
    const one = daysOf({ ...rest, days });
    const other = daysOf({ ...rest, weekdays });
    return one === undefined || other === undefined ? undefined : `${one} and ${other}`;
  }
  if (cron.weekdays !== undefined) {
    const { numbers, nth, last } = cron.weekdays;
    if (numbers.size > 0 && nth.length + last.length > 0) return undefined;
    if (numbers.size > 0) return weekdaysOf(cron) + inMonths;
    return `${weekdaysOf(cron)} of ${always ? 'every month' : list(months.map(monthName))}`;
  }
  if (cron.days === undefined) return `every day${inMonths}`;
  const numbers = [...cron.days.numbers].sort((a, b) => a - b);
  const [month = 1] = months;
  if (months.length === 1 && numbers.length === 1 && !cron.days.last) {
    return `every year on ${numbers[0]} ${monthName(month)}`;
  }
  const days = [...numbers.map(ordinal), ...(cron.days.last ? ['last day'] : [])];
  const yearly = months.length === 1 ? 'every year ' : '';
  return `${yearly}on the ${list(days)} of ${always ? 'every month' : list(months.map(monthName))}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function sayCron(text: string): string {
  const cron = parseCron(text);
  const days = daysOf(cron);
  const inOther = `By the cron pattern ${cron.text}`;
  if (days === undefined) return inOther;
  const steps = pace(cron);
  if (steps !== undefined) return days === 'every day' ? steps : `${steps}, ${days}`;
  const times = cron.hours.flatMap((hour) => cron.minutes.map((minute) => clock(hour * 60 + minute)));
  return times.length > TIMES_TOLD ? inOther : `${capital(days)} at ${list(times)}`;
}

/** "Saturday 21 November", with the year when it is not this one's. */
export function sayDay(day: number, today: number): string {
  const date = dateOfDay(day);
  const year = date.year === dateOfDay(today).year ? '' : ` ${date.year}`;
  return `${weekdayName(date.weekday)} ${date.day} ${monthName(date.month)}${year}`;
}

function sayMinutes(minutes: number): string {
  return minutes % 60 === 0 && minutes > 60 ? `${minutes / 60} hours` : `${minutes} minutes`;
}

function sayAt(local: string, today: number): string {
  const day = dayOfIso(local.slice(0, 10));
  return `${day === today ? 'today' : sayDay(day, today)} at ${local.slice(11)}`;
}

/** The zone as people write it: offsets get their "UTC". */
export const sayZone = (zone: string): string => (/^[+-]/.test(zone) ? `UTC${zone}` : zone);

/**
 * One sentence without a full stop ("Every Friday at 02:00"). The zone is told only where it differs from the reader's.
 * @throws UsageError for a schedule that cannot be read.
 */
export function saySchedule(schedule: Schedule, o: ReadOptions): string {
  if ('manual' in schedule) return 'No schedule; run it with /backup run';
  const { zone } = schedule;
  const suffix = zone === o.zone ? '' : ` (${sayZone(zone)})`;
  const today = localOf(o.now, zone).day;
  if ('cron' in schedule) return sayCron(schedule.cron) + suffix;
  if ('everyDays' in schedule) {
    const { everyDays, at, anchor } = schedule;
    const weeks = everyDays % 7 === 0 ? everyDays / 7 : 0;
    const weekday = weekdayName(dateOfDay(dayOfIso(anchor)).weekday);
    return `${weeks > 0 ? `Every ${weeks} weeks on ${weekday}` : `Every ${everyDays} days`} at ${at}${suffix}`;
  }
  if ('everyMinutes' in schedule) {
    // Elapsed time has no zone; only the moment it is counted from is told in one.
    const anchor = new Date(schedule.anchor);
    if (anchor.getTime() === o.now.getTime()) return `Every ${sayMinutes(schedule.everyMinutes)} from now`;
    const from = localOf(anchor, o.zone);
    const local = `${isoDay(from.day)}T${clock(from.minutes)}`;
    return `Every ${sayMinutes(schedule.everyMinutes)}, counted from ${sayAt(local, localOf(o.now, o.zone).day)}`;
  }
  return `Once, ${sayAt(schedule.at, today)}${suffix}`;
}
