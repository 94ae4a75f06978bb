/** When a schedule runs: pure, over local dates. */

import { UsageError } from '../../errors.ts';
import type { Schedule } from '../../types.ts';
import { dateOfDay, dayOfIso, daysInMonth, instantOf, type LocalDate, localOf, minutesOf } from './calendar.ts';
import { type Cron, eitherDay, parseCron } from './cron.ts';

/** 29 February needs eight years around a century that is no leap year; what is rarer than that counts as never. */
const HORIZON_DAYS = 3660;

function runsOn(cron: Cron, date: LocalDate): boolean {
  if (!cron.months.has(date.month)) return false;
  const { days, weekdays } = cron;
  const length = daysInMonth(date.year, date.month);
  const onDay = days === undefined || days.numbers.has(date.day) || (days.last && date.day === length);
  const onWeekday =
    weekdays === undefined ||
    weekdays.numbers.has(date.weekday) ||
    weekdays.nth.some((at) => at.weekday === date.weekday && Math.ceil(date.day / 7) === at.nth) ||
    (weekdays.last.includes(date.weekday) && date.day > length - 7);
  return eitherDay(cron) ? onDay || onWeekday : onDay && onWeekday;
}

function cronRuns(cron: Cron, zone: string, after: number, count: number): number[] {
  // What runs each hour or more often is about elapsed time: when an hour happens twice, it runs in both.
  const bothPasses = cron.hours.length === 24;
  const found = new Set<number>();
  const start = localOf(new Date(after), zone).day - 1;
  let last = start + HORIZON_DAYS;
  for (let day = start; day <= last; day++) {
    if (!runsOn(cron, dateOfDay(day))) continue;
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const passes = bothPasses ? (['compatible', 'later'] as const) : (['compatible'] as const);
        for (const pass of passes) {
          const at = instantOf(day, hour * 60 + minute, zone, pass);
          if (at > after) found.add(at);
        }
      }
    }
    // A gap at midnight moves a run past those of the next day, so one day more is looked at before sorting.
    if (found.size >= count) last = Math.min(last, day + 1);
  }
  return [...found].sort((a, b) => a - b);
}

function dayRuns(
  schedule: { everyDays: number; at: string; anchor: string; zone: string },
  after: number,
  count: number,
) {
  const anchor = dayOfIso(schedule.anchor);
  const minutes = minutesOf(schedule.at);
  const today = localOf(new Date(after), schedule.zone).day;
  const step = positive(schedule.everyDays);
  const found: number[] = [];
  for (let n = Math.max(0, Math.floor((today - 1 - anchor) / step)); found.length < count; n++) {
    const at = instantOf(anchor + n * step, minutes, schedule.zone);
    if (at > after) found.push(at);
  }
  return found;
}

function positive(n: number): number {
  if (Number.isInteger(n) && n > 0) return n;
  throw new UsageError(`A schedule cannot count in steps of ${n}.`, { code: 'bad_interval' });
}

/**
 * The next `count` runs strictly after `after`, in order; fewer when there are no more (a single date, a pattern that
 * has none within ten years), none for a manual schedule.
 *
 * Changes of the clock: a local time that does not exist is read with the offset before the gap (02:30 runs at 03:30),
 * one that happens twice runs on the first; patterns for every hour or shorter run in both hours.
 *
 * @throws UsageError for a schedule whose pattern, date or time cannot be read.
 */
export function nextRuns(schedule: Schedule, after: Date, count: number): Date[] {
  const from = after.getTime();
  let found: number[] = [];
  if ('cron' in schedule) found = cronRuns(parseCron(schedule.cron), schedule.zone, from, count);
  else if ('everyDays' in schedule) found = dayRuns(schedule, from, count);
  else if ('everyMinutes' in schedule) {
    const anchor = Date.parse(schedule.anchor);
    const step = positive(schedule.everyMinutes) * 60_000;
    const first = Math.max(1, Math.floor((from - anchor) / step) + 1);
    found = Array.from({ length: count }, (_, i) => anchor + (first + i) * step);
  } else if ('at' in schedule) {
    const at = instantOf(dayOfIso(schedule.at.slice(0, 10)), minutesOf(schedule.at.slice(11)), schedule.zone);
    if (at > from) found = [at];
  }
  return found.slice(0, count).map((at) => new Date(at));
}
