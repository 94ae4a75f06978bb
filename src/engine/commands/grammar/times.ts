/** Dates and schedules inside a line: this grammar's words handed to the schedule grammar and back. */
import type { Instant } from '../../types.ts';
import { type TakenSchedule, takeInstant, takeSchedule } from '../schedule.ts';
import { keyAt, type Line, refused, type Taken, took } from './reading.ts';
import { visible } from './words.ts';

/** What the schedule grammar sees: keywords in one case, commas kept ("sunday, 3am"), quoted words as something it never reads. */
function spoken(line: Line): string[] {
  let words = SPOKEN.get(line);
  if (!words) {
    words = line.words.map((word) =>
      word.quoted ? '" "' : visible(word.text.normalize('NFKC')) + (word.comma ? ',' : ''),
    );
    SPOKEN.set(line, words);
  }
  return words;
}
/** A line is asked about at each of its words. */
const SPOKEN = new WeakMap<Line, string[]>();

/** A full instant, as canonical lines carry it. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/i;

/** The schedule that begins at word `at`, with the day or moment an interval is "counted from" in canonical lines. */
export function scheduleAt(line: Line, at: number): TakenSchedule | undefined {
  const known = TAKEN.get(line) ?? new Map<number, TakenSchedule | undefined>();
  TAKEN.set(line, known);
  if (!known.has(at)) known.set(at, readSchedule(line, at));
  return known.get(at);
}

/** Words of one schedule: all days of a month by number fit. Without a bound a long line is read once per word. */
const LONGEST = 40;

/** Several parts of the grammar ask whether a schedule begins at a word. */
const TAKEN = new WeakMap<Line, Map<number, TakenSchedule | undefined>>();

function readSchedule(line: Line, at: number): TakenSchedule | undefined {
  const { now, zone } = line.vocabulary;
  const read = takeSchedule(spoken(line).slice(at, at + LONGEST), 0, { now, zone });
  if (!read || read.end <= 0) return undefined;
  const taken = { ...read, end: at + read.end };
  const { end, answer } = taken;
  if (answer.outcome !== 'ok' || keyAt(line, end) !== 'counted' || keyAt(line, end + 1) !== 'from') return taken;
  const { schedule } = answer;
  const from = line.words[end + 2]?.text ?? '';
  if ('everyDays' in schedule && /^\d{4}-\d\d-\d\d$/.test(from) && !Number.isNaN(Date.parse(from))) {
    return { ...taken, end: end + 3, answer: { ...answer, schedule: { ...schedule, anchor: from } } };
  }
  if ('everyMinutes' in schedule && INSTANT.test(from) && !Number.isNaN(Date.parse(from))) {
    const anchor = new Date(from).toISOString();
    return { ...taken, end: end + 3, answer: { ...answer, schedule: { ...schedule, anchor } } };
  }
  return taken;
}

export interface Moment {
  at: Instant;
  /** The first instant after the named minute, day, month or year. */
  until: Instant;
}

/** `prefer`: whether "march" is the last one or the next one. `undefined` when no date begins there. */
export function momentAt(
  line: Line,
  at: number,
  prefer: 'past' | 'future',
): { next: number; moment: Moment } | undefined {
  const word = line.words[at];
  if (!word || word.quoted) return undefined;
  if (INSTANT.test(word.text)) {
    const date = new Date(word.text);
    if (Number.isNaN(date.getTime())) return undefined;
    return { next: at + 1, moment: { at: date.toISOString(), until: new Date(date.getTime() + 1).toISOString() } };
  }
  const { now, zone } = line.vocabulary;
  const taken = takeInstant(spoken(line).slice(at, at + LONGEST), 0, { now, zone, prefer });
  if (!taken || taken.end <= 0) return undefined;
  return { next: at + taken.end, moment: { at: taken.at.toISOString(), until: taken.until.toISOString() } };
}

export function takeMoment(line: Line, from: number, at: number, prefer: 'past' | 'future'): Taken<Moment> {
  const read = momentAt(line, at, prefer);
  if (read) return took(read.next, read.moment);
  const end = Math.min(Math.max(at + 1, from + 1), line.words.length);
  const said = line.words[from]?.text ?? '';
  const year = line.vocabulary.now.getUTCFullYear();
  return refused('bad_date', from, end, `After "${said}" comes a date, such as ${year}-01-31, march or ${year}.`, [
    `${said} ${year}-01-01`,
  ]);
}

const SPANS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

/** "3 days" from now, as elapsed time. */
export function spanAt(line: Line, at: number): { next: number; at: Instant } | undefined {
  const glued = /^(\d{1,4})(m|min|h|d|w)$/.exec(keyAt(line, at));
  const unit: Record<string, string> = { m: 'minute', min: 'minute', h: 'hour', d: 'day', w: 'week' };
  const article = ['a', 'an', 'one'].includes(keyAt(line, at)) ? 1 : Number.NaN;
  const digits = /^\d{1,4}$/.test(keyAt(line, at)) ? Number(keyAt(line, at)) : article;
  const count = glued ? Number(glued[1]) : digits;
  const ms = SPANS[glued ? (unit[glued[2] ?? ''] ?? '') : keyAt(line, at + 1).replace(/s?[.!]?$/, '')];
  if (ms === undefined || Number.isNaN(count) || count < 1) return undefined;
  const end = new Date(line.vocabulary.now.getTime() + count * ms);
  return { next: at + (glued ? 1 : 2), at: end.toISOString() };
}
