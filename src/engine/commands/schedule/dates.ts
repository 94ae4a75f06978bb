/** Reads dates: "tomorrow", "next monday", "in 2 hours", "5 december 2026", "03/04", "the 1st and 15th". */

import { dateOfDay, dayNumber, daysInMonth, zoneNamed } from './calendar.ts';
import { hourIn, partOfWord } from './clock.ts';
import {
  type Draft,
  fail,
  type Reading,
  type ReadRule,
  sequence,
  setSingle,
  textAt,
  type Unit,
  written,
} from './draft.ts';
import { MONTH_WORDS, ORDINAL_WORDS, WEEKDAY_WORDS } from './names.ts';
import { amountAt } from './pace.ts';
import { unitOfWord } from './units.ts';

const MINUTES: Partial<Record<Unit, number>> = { second: 1 / 60, minute: 1, hour: 60 };
const MONTHS_IN: Partial<Record<Unit, number>> = { month: 1, quarter: 3, year: 12 };
/** Far enough for any backup, and inside what a Date can hold. */
const LONGEST_DAYS = 36_600;

/** The same day of another month; the 31st of a shorter one is its last day. */
export function addMonths(day: number, months: number): number {
  const date = dateOfDay(day);
  const first = dateOfDay(dayNumber(date.year, date.month + months, 1));
  return dayNumber(first.year, first.month, Math.min(date.day, daysInMonth(first.year, first.month)));
}

/** Day `n` units away; undefined for units shorter than a day and for what lies beyond a hundred years. */
export function addUnits(day: number, n: number, unit: Unit): number | undefined {
  const months = MONTHS_IN[unit];
  const days = unit === 'day' ? n : unit === 'week' ? n * 7 : undefined;
  if (!Number.isInteger(n) || Math.abs(n) * (months ?? 0) > LONGEST_DAYS / 31) return undefined;
  if (months !== undefined) return addMonths(day, n * months);
  return days === undefined || Math.abs(days) > LONGEST_DAYS ? undefined : day + days;
}

/** The instant `n` seconds, minutes or hours away. */
export function addTime(now: Date, n: number, unit: Unit): Date | undefined {
  const minutes = MINUTES[unit];
  if (minutes === undefined || Math.abs(n * minutes) > LONGEST_DAYS * 1440) return undefined;
  return new Date(now.getTime() + Math.round(n * minutes * 60_000));
}

function away(r: Reading, i: number, draft: Draft, n: number, unit: Unit, took: number): number {
  const instant = addTime(r.now, n, unit);
  const day = addUnits(r.today, n, unit);
  if (instant !== undefined) setSingle(r, draft, { instant });
  else if (day !== undefined) setSingle(r, draft, { day });
  else {
    fail(draft, {
      code: 'bad_interval',
      message: `"${written(r, i, i + took)}" is no date that a backup can wait for.`,
      suggestion: 'in 3 days',
    });
  }
  return took;
}

/** "in 2 hours", "in half an hour", "3 days from now", "2 days ago". */
function relative(r: Reading, i: number, draft: Draft): number {
  const word = textAt(r, i);
  const before = word === 'in' || word === 'after' ? 1 : 0;
  const amount = amountAt(r, i + before);
  if (amount === undefined) return 0;
  const end = i + before + amount.took;
  if (before === 1) {
    return away(r, i, draft, amount.n, amount.unit, before + amount.took);
  }
  const fromNow = sequence(r, end, ['from', 'now']);
  if (fromNow > 0) return away(r, i, draft, amount.n, amount.unit, amount.took + fromNow);
  if (textAt(r, end) === 'ago') return away(r, i, draft, -amount.n, amount.unit, amount.took + 1);
  return 0;
}

/** 22:00: what "tonight" without a time means while it lies ahead. */
const TONIGHT = 22 * 60;

function dayWord(r: Reading, i: number, draft: Draft): number {
  const offsets: [string[], number][] = [
    [['the', 'day', 'after', 'tomorrow'], 2],
    [['day', 'after', 'tomorrow'], 2],
    [['today'], 0],
    [['tonight'], 0],
    [['tomorrow'], 1],
    [['yesterday'], -1],
  ];
  for (const [words, offset] of offsets) {
    const took = sequence(r, i, words);
    if (took === 0) continue;
    setSingle(r, draft, { day: r.today + offset });
    if (words[0] === 'tonight') draft.parts.push('night');
    return took;
  }
  return 0;
}

/** Tonight reaches into the next morning: its 22:00 is today's, its 02:00 is tomorrow's. */
export function placeTonight(r: Reading, draft: Draft): void {
  if (!draft.parts.includes('night') || draft.day !== r.today || draft.recurring === true) return;
  if (draft.times.length === 0) draft.times.push({ minutes: r.minutes < TONIGHT ? TONIGHT : 120 });
  draft.times = draft.times.map((time) => (time.bare === true ? { minutes: hourIn('night', time.minutes) } : time));
  if (draft.times.every((time) => time.minutes < 360 && time.minutes <= r.minutes)) draft.day = r.today + 1;
}

/** "next monday", "this friday", "next week", "next month". */
function nextWord(r: Reading, i: number, draft: Draft): number {
  const which = textAt(r, i);
  if (which !== 'next' && which !== 'this' && which !== 'coming') return 0;
  const word = textAt(r, i + 1);
  const weekday = word === 'weekend' ? 6 : WEEKDAY_WORDS.get(word);
  if (weekday !== undefined) {
    const ahead = (weekday - dateOfDay(r.today).weekday + 7) % 7;
    setSingle(r, draft, { day: r.today + (ahead === 0 && which !== 'this' ? 7 : ahead) });
    return 2;
  }
  const part = partOfWord(word);
  if (which === 'this' && part !== undefined) {
    setSingle(r, draft, { day: r.today });
    draft.parts.push(part);
    return 2;
  }
  const unit = unitOfWord(word);
  const day = which === 'next' && unit !== undefined ? addUnits(r.today, 1, unit) : undefined;
  if (day === undefined) return 0;
  setSingle(r, draft, { day });
  return 2;
}

function onceWord(r: Reading, i: number, draft: Draft): number {
  for (const words of [['right', 'now'], ['right', 'away'], ['straight', 'away'], ['now'], ['immediately'], ['asap']]) {
    const took = sequence(r, i, words);
    if (took === 0) continue;
    // The first instant ahead: what has no later time is in the past.
    setSingle(r, draft, { instant: new Date(r.now.getTime() + 1) });
    return took;
  }
  for (const words of [['just', 'once'], ['only', 'once'], ['one', 'time'], ['once']]) {
    const took = sequence(r, i, words);
    if (took === 0) continue;
    draft.once = true;
    return took;
  }
  return 0;
}

const year = (text: string): number => (text.length <= 2 ? 2000 + Number(text) : Number(text));

function numeric(r: Reading, i: number, draft: Draft): number {
  const token = r.tokens[i];
  if (token?.kind !== 'date') return 0;
  const [a = '', b = '', c] = token.text.split(/[-/.]/).filter(Boolean);
  if (a.length === 4) {
    draft.dates.push({ year: Number(a), month: Number(b), day: Number(c ?? 0) });
    return 1;
  }
  const [first, second] = [Number(a), Number(b)];
  const monthFirst = !token.text.includes('.') && first <= 12 && second > 12;
  draft.dates.push({
    ...(c === undefined ? {} : { year: year(c) }),
    month: monthFirst ? first : second,
    day: monthFirst ? second : first,
    // Dots are only written with the day first.
    ...(!token.text.includes('.') && first <= 12 && second <= 12 && first !== second ? { either: true as const } : {}),
  });
  return 1;
}

function stamp(r: Reading, i: number, draft: Draft): number {
  const token = r.tokens[i];
  const match = /^(\d{4})-(\d\d)-(\d\d)t(\d\d):(\d\d)(?::[\d.]+)?(z|[+-]\d\d:\d\d)?$/.exec(token?.text ?? '');
  if (token?.kind !== 'stamp' || match === null) return 0;
  const [hour, minute] = [Number(match[4]), Number(match[5])];
  draft.dates.push({ year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) });
  draft.times.push({ minutes: (hour % 24) * 60 + (minute % 60) });
  const zone = match[6] === undefined ? undefined : match[6] === 'z' ? 'UTC' : zoneNamed(match[6]);
  if (zone !== undefined) draft.zone = zone;
  if (hour > 23 || minute > 59) {
    fail(draft, {
      code: 'bad_time',
      message: `${match[4]}:${match[5]} is not a time of day: times go from 00:00 to 23:59.`,
      suggestion: 'tomorrow at 09:00',
    });
  }
  return 1;
}

function dayNumberAt(r: Reading, i: number): number | undefined {
  const token = r.tokens[i];
  if (token?.kind === 'ordinal') return Number.parseInt(token.text, 10);
  return token?.kind === 'number' && /^\d{1,2}$/.test(token.text) ? Number(token.text) : undefined;
}

/** A year behind a date: ", 2026". */
export function yearAt(r: Reading, i: number): { year: number; took: number } | undefined {
  const at = textAt(r, i) === ',' ? i + 1 : i;
  const token = r.tokens[at];
  if (token?.kind !== 'number' || !/^(19|20|21)\d\d$/.test(token.text)) return undefined;
  return { year: Number(token.text), took: at + 1 - i };
}

/** "5 december", "5th of dec 2026", "december 5, 2026", "december". */
function monthDay(r: Reading, i: number, draft: Draft): number {
  const inWords = textAt(r, i + 1) === 'of' ? ORDINAL_WORDS.get(textAt(r, i)) : undefined;
  const day = dayNumberAt(r, i) ?? inWords;
  const monthAt = ['of', '-', '.'].includes(textAt(r, i + 1)) ? i + 2 : i + 1;
  const after = MONTH_WORDS.get(textAt(r, monthAt));
  if (day !== undefined && after !== undefined) {
    const said = yearAt(r, monthAt + 1);
    draft.dates.push({ day, month: after, ...(said === undefined ? {} : { year: said.year }) });
    if (said !== undefined) return monthAt + 1 - i + said.took;
    // "On the 20th of may and november" is said of every year.
    let at = monthAt + 1;
    for (let next = at; ; next = at) {
      while ([',', 'and', '&'].includes(textAt(r, next))) next += 1;
      const more = MONTH_WORDS.get(textAt(r, next));
      if (next === at || more === undefined || dayNumberAt(r, next + 1) !== undefined) return at - i;
      draft.dates.push({ day, month: more });
      draft.recurring = true;
      at = next + 1;
    }
  }
  const month = MONTH_WORDS.get(textAt(r, i));
  if (month === undefined) return 0;
  const dayAt = textAt(r, i + 1) === 'the' || textAt(r, i + 1) === '.' ? i + 2 : i + 1;
  const then = dayNumberAt(r, dayAt);
  if (then === undefined || (r.tokens[dayAt]?.kind === 'number' && MONTH_WORDS.has(textAt(r, dayAt + 1)))) {
    const whole = yearAt(r, i + 1);
    if (whole === undefined) draft.months.push(month);
    else draft.dates.push({ month, year: whole.year });
    return 1 + (whole?.took ?? 0);
  }
  const said = yearAt(r, dayAt + 1);
  draft.dates.push({ day: then, month, ...(said === undefined ? {} : { year: said.year }) });
  return dayAt + 1 - i + (said?.took ?? 0);
}

/** "the 15th", "1st and 15th", "day 15": days of the month. */
function ordinals(r: Reading, i: number, draft: Draft): number {
  const dayWordFirst = textAt(r, i) === 'day' && r.tokens[i + 1]?.kind === 'number';
  const first = dayWordFirst ? i + 1 : i;
  if (!dayWordFirst && r.tokens[i]?.kind !== 'ordinal') return 0;
  let at = first;
  for (;;) {
    draft.days.push(dayNumberAt(r, at) ?? 0);
    at += 1;
    let next = at;
    while ([',', 'and', '&', 'the'].includes(textAt(r, next))) next += 1;
    const isOrdinal = r.tokens[next]?.kind === 'ordinal';
    if (next === at || !isOrdinal) return at - i;
    at = next;
  }
}

export const readDates: ReadRule = (r, i, draft) => {
  for (const rule of [stamp, numeric, relative, dayWord, nextWord, onceWord, monthDay, ordinals]) {
    const took = rule(r, i, draft);
    if (took > 0) return took;
  }
  return 0;
};
