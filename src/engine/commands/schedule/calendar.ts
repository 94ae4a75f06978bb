/** Local dates as day numbers, and the way from a local date and time to an instant. */

import { UsageError } from '../../errors.ts';

const DAY = 86_400_000;

export interface LocalDate {
  year: number;
  /** 1 to 12. */
  month: number;
  /** 1 to 31. */
  day: number;
  /** 0 is Sunday. */
  weekday: number;
}

/** Days since 1970-01-01 of a calendar date; a day beyond the month's end counts on into the next. */
export const dayNumber = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day) / DAY;

export function dateOfDay(day: number): LocalDate {
  const date = new Date(day * DAY);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
  };
}

export const daysInMonth = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** `YYYY-MM-DD`. */
export const isoDay = (day: number): string => new Date(day * DAY).toISOString().slice(0, 10);

/** @throws UsageError when the text is not a date of the calendar. */
export function dayOfIso(text: string): number {
  const day = Date.parse(`${text}T00:00:00Z`) / DAY;
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(day) || isoDay(day) !== text) {
    throw new UsageError(`"${text}" is not a date.`, { code: 'no_such_date' });
  }
  return day;
}

/** `HH:MM` of minutes since midnight. */
export const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** @throws UsageError when the text is not `HH:MM`. */
export function minutesOf(text: string): number {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (match === null) throw new UsageError(`"${text}" is not a time of day.`, { code: 'bad_time' });
  return Number(match[1]) * 60 + Number(match[2]);
}

/** The zone's name as the time zone database writes it, offsets (`+02:00`) as they are; undefined when there is none. */
export function zoneNamed(name: string): string | undefined {
  // An offset in minutes is as far as every reader of zone names follows.
  if (!/^([a-z]|[+-]\d\d:\d\d$)/i.test(name)) return undefined;
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId;
  } catch {
    // The only way to ask.
    return undefined;
  }
}

/** Local day number and minutes since midnight of an instant. */
export function localOf(instant: Date, zone: string): { day: number; minutes: number } {
  const local = Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone);
  return { day: dayNumber(local.year, local.month, local.day), minutes: local.hour * 60 + local.minute };
}

/**
 * The instant of a local time, in ms. A time in a gap is read with the offset before it (02:30 becomes 03:30), one that
 * happens twice means the first (RFC 5545, 3.3.5); `later` means the second.
 */
export function instantOf(day: number, minutes: number, zone: string, which: 'compatible' | 'later' = 'compatible') {
  const date = dateOfDay(day);
  return new Temporal.PlainDateTime(
    date.year,
    date.month,
    date.day,
    Math.floor(minutes / 60),
    minutes % 60,
  ).toZonedDateTime(zone, { disambiguation: which }).epochMilliseconds;
}
