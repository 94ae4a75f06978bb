/** Resolves what happens a single time to one local date and time. */

import { clock, dateOfDay, dayNumber, daysInMonth, instantOf, isoDay, localOf } from './calendar.ts';
import type { DateText, Draft, Reading } from './draft.ts';
import { DEFAULT_TIME, type Resolved } from './fields.ts';
import { longest, noSuchDate } from './months.ts';
import { monthName, weekdayName } from './names.ts';
import { sayDay } from './say.ts';

/** A leap day is at most eight years away. */
const YEARS_AHEAD = 8;

const refused = (
  message: string,
  suggestion: string,
  code: 'in_the_past' | 'unsupported' | 'no_such_date',
): Resolved => ({
  problem: { code, message, suggestion },
});

function atLocal(r: Reading, day: number, minutes: number, zone: string): Resolved {
  const at = instantOf(day, minutes, zone);
  const text = `${isoDay(day)}T${clock(minutes)}`;
  if (at <= r.now.getTime()) {
    const today = localOf(r.now, zone).day;
    const when = `${day === today ? 'today' : sayDay(day, today)} at ${clock(minutes)}`;
    return refused(`That is in the past: ${when}.`, `tomorrow at ${clock(minutes)}`, 'in_the_past');
  }
  return { rule: { at: text }, schedule: { at: text, zone } };
}

/** An instant by the local clock, rounded up to its minutes. */
function atInstant(instant: number, zone: string): Resolved {
  const minute = Math.ceil(instant / 60_000) * 60_000;
  const local = localOf(new Date(minute), zone);
  const exact = instantOf(local.day, local.minutes, zone) === minute;
  // The second pass of an hour that happens twice has no local name of its own.
  const { day, minutes } = exact ? local : localOf(new Date(minute), 'UTC');
  const at = `${isoDay(day)}T${clock(minutes)}`;
  return { rule: { at }, schedule: { at, zone: exact ? zone : 'UTC' } };
}

/** The day of a date, in the next year that has it still ahead where no year was said. */
function dayOf(r: Reading, date: DateText, minutes: number, zone: string): number | Resolved {
  const { month } = date;
  const day = date.day ?? 1;
  if (month < 1 || month > 12 || day < 1 || day > longest(month)) return { problem: noSuchDate(day, month, false) };
  if (date.year !== undefined) {
    if (day > daysInMonth(date.year, month)) {
      const text = `${date.year} has no ${monthName(month)} ${day}.`;
      return refused(
        text,
        `on ${daysInMonth(date.year, month)} ${monthName(month).toLowerCase()} ${date.year}`,
        'no_such_date',
      );
    }
    return dayNumber(date.year, month, day);
  }
  const { year } = dateOfDay(localOf(r.now, zone).day);
  for (let ahead = year; ahead <= year + YEARS_AHEAD; ahead++) {
    if (day > daysInMonth(ahead, month)) continue;
    const number = dayNumber(ahead, month, day);
    if (instantOf(number, minutes, zone) > r.now.getTime()) return number;
  }
  return { problem: noSuchDate(day, month, false) };
}

/** `times` as said, in minutes since midnight; undefined when none was. */
export function resolveOnce(r: Reading, draft: Draft, zone: string, times: readonly number[] | undefined): Resolved {
  const [time, second] = times ?? [];
  const [date, otherDate] = draft.dates;
  const [weekday, otherWeekday] = draft.weekdays;
  const minutes = time ?? DEFAULT_TIME;
  const several = second !== undefined || otherDate !== undefined || otherWeekday !== undefined;
  const places = draft.places.length + draft.days.length > 0 || draft.months.length > 0;
  const left = draft.marks.length + draft.axes.length > 0 || draft.per !== undefined;
  if (several || places || left) {
    return refused(
      `"${r.phrase}" names more than one time or date for a single run.`,
      `tomorrow at ${clock(minutes)}`,
      'unsupported',
    );
  }
  if (draft.instant !== undefined) {
    if (time !== undefined || date !== undefined || draft.day !== undefined || weekday !== undefined) {
      return refused(`"${r.phrase}" names two times for a single run.`, `tomorrow at ${clock(minutes)}`, 'unsupported');
    }
    if (draft.instant.getTime() <= r.now.getTime()) return refused('That is in the past.', 'in 2 hours', 'in_the_past');
    return atInstant(draft.instant.getTime(), zone);
  }
  const today = localOf(r.now, zone).day;
  let day = draft.day;
  if (date !== undefined) {
    if (day !== undefined)
      return refused(`"${r.phrase}" names two dates.`, `tomorrow at ${clock(minutes)}`, 'unsupported');
    const found = dayOf(r, date, minutes, zone);
    if (typeof found !== 'number') return found;
    day = found;
  } else if (day === undefined && weekday !== undefined) {
    const ahead = (weekday - dateOfDay(today).weekday + 7) % 7;
    day = today + (ahead === 0 && instantOf(today, minutes, zone) <= r.now.getTime() ? 7 : ahead);
  } else if (day === undefined && time !== undefined) {
    day = today + (instantOf(today, minutes, zone) <= r.now.getTime() ? 1 : 0);
  }
  // "Once" or "now" alone: the next full minute is the first that lies ahead.
  if (day === undefined) return atInstant(r.now.getTime() + 1, zone);
  const real = dateOfDay(day);
  if (weekday !== undefined && weekday !== real.weekday) {
    const text = `${real.day} ${monthName(real.month)} ${real.year} is a ${weekdayName(real.weekday)}, not a ${weekdayName(weekday)}.`;
    return refused(text, `on ${isoDay(day)} at ${clock(minutes)}`, 'no_such_date');
  }
  return atLocal(r, day, minutes, zone);
}
