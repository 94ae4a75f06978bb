/** Reads one moment of a line: "yesterday", "march", "3 days ago", "next monday at 9am", "2024-01-01". */

import type { ReadOptions, TakenInstant } from './answer.ts';
import { dateOfDay, dayNumber, daysInMonth, instantOf } from './calendar.ts';
import { readTimes } from './clock.ts';
import { addMonths, readDates } from './dates.ts';
import { type DateText, type Draft, emptyDraft, type Reading, reading, textAt } from './draft.ts';
import { PART_TIMES } from './fields.ts';
import { WEEKDAY_WORDS } from './names.ts';
import { joined, wordsBefore } from './take.ts';
import { readWhere } from './where.ts';

export interface InstantOptions extends ReadOptions {
  /** Whether "monday" and "march" are the last or the next ones. */
  prefer: 'past' | 'future';
}

const MINUTE = 60_000;

/** First local day and the first behind it. */
interface Span {
  from: number;
  to: number;
}

const oneDay = (day: number): Span => ({ from: day, to: day + 1 });

const wholeMonth = (year: number, month: number): Span => {
  const from = dayNumber(year, month, 1);
  return { from, to: from + daysInMonth(year, month) };
};

/** "last week", "this month", "next year", "last monday", "monday", "2024", "2024-03". */
function named(r: Reading, i: number, prefer: 'past' | 'future'): { span: Span; took: number } | undefined {
  const which = textAt(r, i);
  const step = which === 'last' || which === 'past' ? -1 : which === 'next' ? 1 : which === 'this' ? 0 : undefined;
  const word = textAt(r, step === undefined ? i : i + 1);
  const today = dateOfDay(r.today);
  const weekday = WEEKDAY_WORDS.get(word);
  if (weekday !== undefined) {
    const ahead = (weekday - today.weekday + 7) % 7;
    const back = step === -1 || (step === undefined && prefer === 'past');
    // "Since monday", said on a Monday, includes today; "until monday" does not.
    const self = step === 0 || (step === undefined && prefer === 'past') ? 0 : 7;
    const day = ahead === 0 ? (back ? -self : self) : back ? ahead - 7 : ahead;
    return { span: oneDay(r.today + day), took: step === undefined ? 1 : 2 };
  }
  if (step !== undefined) {
    if (word === 'week') {
      const monday = r.today - ((today.weekday + 6) % 7) + step * 7;
      return { span: { from: monday, to: monday + 7 }, took: 2 };
    }
    const first = dateOfDay(addMonths(dayNumber(today.year, today.month, 1), step));
    if (word === 'month') return { span: wholeMonth(first.year, first.month), took: 2 };
    if (word !== 'year') return undefined;
    const year = today.year + step;
    return { span: { from: dayNumber(year, 1, 1), to: dayNumber(year + 1, 1, 1) }, took: 2 };
  }
  const token = r.tokens[i];
  if (token?.kind !== 'number' || !/^(19|20|21)\d\d$/.test(token.text)) return undefined;
  const year = Number(token.text);
  const month = textAt(r, i + 1) === '-' ? Number(textAt(r, i + 2)) : undefined;
  if (month === undefined) return { span: { from: dayNumber(year, 1, 1), to: dayNumber(year + 1, 1, 1) }, took: 1 };
  return month >= 1 && month <= 12 ? { span: wholeMonth(year, month), took: 3 } : undefined;
}

function spanOf(date: DateText, year: number): Span | undefined {
  if (date.month < 1 || date.month > 12) return undefined;
  if (date.day === undefined) return wholeMonth(year, date.month);
  return date.day >= 1 && date.day <= daysInMonth(year, date.month)
    ? oneDay(dayNumber(year, date.month, date.day))
    : undefined;
}

/** A date without a year: the newest that has begun, or the next that has not. */
function dated(r: Reading, date: DateText, prefer: 'past' | 'future'): Span | undefined {
  if (date.either === true) return undefined;
  if (date.year !== undefined) return spanOf(date, date.year);
  const { year } = dateOfDay(r.today);
  for (let n = 0; n <= 8; n++) {
    const span = spanOf(date, prefer === 'past' ? year + 1 - n : year - 1 + n);
    if (span !== undefined && (prefer === 'past' ? span.from <= r.today : span.from > r.today)) return span;
  }
  return undefined;
}

/** What the date rules read, as days; undefined when it is no single date. */
function spanIn(r: Reading, draft: Draft, prefer: 'past' | 'future'): Span | undefined {
  const [date, ...more] = [...draft.dates, ...draft.months.map((month): DateText => ({ month }))];
  if (more.length > 0 || draft.days.length > 0 || draft.problem !== undefined) return undefined;
  if (draft.day !== undefined) return oneDay(draft.day);
  return date === undefined ? undefined : dated(r, date, prefer);
}

interface Moment {
  at: number;
  until: number;
  end: number;
}

function moment(r: Reading, o: InstantOptions): Moment | undefined {
  const draft = emptyDraft();
  let i = 0;
  while (['on', 'at', 'the', 'in'].includes(textAt(r, i)) && readDates(r, i, emptyDraft()) === 0) i += 1;
  if (textAt(r, i) === 'now') return { at: r.now.getTime(), until: r.now.getTime() + 1, end: i + 1 };
  const word = named(r, i, o.prefer);
  const dates = word === undefined ? readDates(r, i, draft) : 0;
  if (draft.once === true) return undefined;
  i += word?.took ?? dates;
  if (draft.instant !== undefined) {
    const at = draft.instant.getTime();
    return { at, until: at + 1, end: i };
  }
  const span = word?.span ?? spanIn(r, draft, o.prefer);
  if (span === undefined && dates > 0) return undefined;
  let end = i;
  for (let next = i; next < r.tokens.length; ) {
    const took = (draft.times.length === 0 ? readTimes(r, next, draft) : 0) || readWhere(r, next, draft);
    if (took > 0) {
      next += took;
      end = next;
    } else if (['at', ',', 'in', 'the', 'on'].includes(textAt(r, next))) next += 1;
    else break;
  }
  if (draft.problem !== undefined || draft.manual === true || draft.times.length > 1 || draft.axes.length > 0)
    return undefined;
  const zone = draft.zone ?? r.zone;
  const [part, otherPart] = draft.parts;
  if (otherPart !== undefined) return undefined;
  const time = draft.times[0]?.minutes ?? (part === undefined ? undefined : PART_TIMES[part]);
  if (span === undefined) {
    if (time === undefined) return undefined;
    return timeOnly(r, time, zone, o.prefer, end);
  }
  if (time === undefined) return { at: instantOf(span.from, 0, zone), until: instantOf(span.to, 0, zone), end };
  const at = instantOf(span.from, time, zone);
  return { at, until: at + MINUTE, end };
}

function timeOnly(r: Reading, time: number, zone: string, prefer: 'past' | 'future', end: number): Moment {
  const today = instantOf(r.today, time, zone);
  const now = r.now.getTime();
  const shift = prefer === 'future' ? (today <= now ? 1 : 0) : today > now ? -1 : 0;
  const at = instantOf(r.today + shift, time, zone);
  return { at, until: at + MINUTE, end };
}

/**
 * Takes the words from `start` on that name one moment. A day, a month or a year is a span: `at` is its first instant,
 * `until` the first one after it. Hours without am or pm are read on the 24-hour clock.
 * @returns undefined when no moment begins there, or it is one that people read differently ("03/04").
 */
export function takeMoment(words: readonly string[], start: number, o: InstantOptions): TakenInstant | undefined {
  let taken = words.length - start;
  while (taken > 0) {
    const { phrase, ends } = joined(words.slice(start, start + taken), 0);
    const r: Reading = { ...reading(phrase, o), line: true };
    const found = moment(r, o);
    if (found === undefined || found.end === 0) return undefined;
    const { count, whole } = wordsBefore(ends, r.tokens[found.end - 1]?.end ?? 0);
    if (whole) {
      const text = words
        .slice(start, start + count)
        .join(' ')
        .replace(/,$/, '');
      return { end: start + count, at: new Date(found.at), until: new Date(found.until), text };
    }
    taken = count;
  }
  return undefined;
}
