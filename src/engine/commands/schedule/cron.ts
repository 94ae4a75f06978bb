/** Cron patterns of five fields: checked, written one way, and turned into sets. */

import { UsageError } from '../../errors.ts';
import { MONTH_WORDS, WEEKDAY_WORDS } from './names.ts';

export interface Cron {
  /** Written one way: numbers for names, 0 for Sunday, one space between fields. */
  text: string;
  minutes: number[];
  hours: number[];
  /** Days of the month; absent when every day may be. */
  days?: { numbers: ReadonlySet<number>; last: boolean };
  months: ReadonlySet<number>;
  /** Absent when every weekday may be. 0 is Sunday. */
  weekdays?: {
    numbers: ReadonlySet<number>;
    /** `1#2`: the second Monday. */
    nth: readonly { weekday: number; nth: number }[];
    /** `5L`: the last Friday. */
    last: readonly number[];
  };
}

interface Field {
  title: string;
  from: number;
  to: number;
  names?: ReadonlyMap<string, number>;
}

const FIELDS = {
  minute: { title: 'minute', from: 0, to: 59 },
  hour: { title: 'hour', from: 0, to: 23 },
  day: { title: 'day of the month', from: 1, to: 31 },
  month: { title: 'month', from: 1, to: 12, names: MONTH_WORDS },
  // 7 is Sunday too, as in every cron.
  weekday: { title: 'weekday', from: 0, to: 7, names: WEEKDAY_WORDS },
} satisfies Record<string, Field>;

function bad(message: string): UsageError {
  return new UsageError(message, { code: 'bad_cron', advice: 'For example `cron 0 3 * * 0`: every Sunday at 03:00.' });
}

function value(text: string, field: Field): number {
  const number = field.names?.get(text) ?? (/^\d{1,2}$/.test(text) ? Number(text) : Number.NaN);
  if (!(number >= field.from && number <= field.to)) {
    throw bad(
      `"${text}" is not a ${field.title}: that field of a cron pattern goes from ${field.from} to ${field.to}.`,
    );
  }
  return number;
}

/** One part of a list: `*`, `5`, `1-5`, any of them with `/step`. */
function range(part: string, field: Field): { text: string; numbers: number[] } {
  const [base = '', step, more] = part.split('/');
  if (more !== undefined) throw bad(`"${part}" has more than one "/".`);
  const by = step === undefined ? 1 : /^\d{1,2}$/.test(step) ? Number(step) : 0;
  if (by < 1) throw bad(`"${part}" has no step that counts: write for example "*/6".`);
  const suffix = step === undefined ? '' : `/${by}`;
  let first = field.from;
  let last = field === FIELDS.weekday ? 6 : field.to;
  let text = '*';
  if (base !== '*') {
    const [from = '', to, third] = base.split('-');
    if (third !== undefined) throw bad(`"${part}" is not a range.`);
    first = value(from, field);
    if (to !== undefined) last = value(to, field);
    else if (step === undefined) last = first;
    if (last < first) throw bad(`"${part}" runs backwards.`);
    text =
      to === undefined
        ? String(field === FIELDS.weekday && step === undefined ? first % 7 : first)
        : `${first}-${last}`;
  }
  const numbers: number[] = [];
  for (let n = first; n <= last; n += by) numbers.push(field === FIELDS.weekday ? n % 7 : n);
  return { text: text + suffix, numbers };
}

function plain(text: string, field: Field): { text: string; numbers: number[] } {
  const parts = text.split(',').map((part) => range(part, field));
  const numbers = [...new Set(parts.flatMap((part) => part.numbers))].sort((a, b) => a - b);
  return { text: parts.map((part) => part.text).join(','), numbers };
}

function daysField(text: string): { text: string; days?: NonNullable<Cron['days']> } {
  const parts = text.split(',');
  const others = parts.filter((part) => part !== 'l').map((part) => range(part, FIELDS.day));
  const written = parts.map((part) => (part === 'l' ? 'L' : range(part, FIELDS.day).text)).join(',');
  // crontab(5): a field that begins with a star does not restrict by itself.
  if (written === '*') return { text: written };
  return {
    text: written,
    days: { numbers: new Set(others.flatMap((part) => part.numbers)), last: parts.includes('l') },
  };
}

function weekdaysField(text: string): { text: string; weekdays?: NonNullable<Cron['weekdays']> } {
  const written: string[] = [];
  const numbers = new Set<number>();
  const nth: { weekday: number; nth: number }[] = [];
  const last: number[] = [];
  for (const part of text.split(',')) {
    const marked = /^([a-z]+|\d)(?:#(\d+)|(l))$/.exec(part);
    if (marked !== null && WEEKDAY_WORDS.get(part) === undefined) {
      const weekday = value(marked[1] ?? '', FIELDS.weekday) % 7;
      if (marked[3] !== undefined) {
        last.push(weekday);
        written.push(`${weekday}L`);
      } else {
        const which = Number(marked[2]);
        if (which < 1 || which > 5) throw bad(`"${part}" does not exist: a month has at most five of a weekday.`);
        nth.push({ weekday, nth: which });
        written.push(`${weekday}#${which}`);
      }
    } else {
      const plainPart = range(part, FIELDS.weekday);
      written.push(plainPart.text);
      for (const number of plainPart.numbers) numbers.add(number);
    }
  }
  const all = written.join(',');
  return all === '*' ? { text: all } : { text: all, weekdays: { numbers, nth, last } };
}

/**
 * @param text five fields: minute, hour, day of the month (also `L`), month, weekday (also `1#2` and `5L`); names of
 *   months and weekdays may be used. `H`, `?`, `W` and seconds are refused.
 * @throws UsageError with code `bad_cron`.
 */
export function parseCron(text: string): Cron {
  const fields = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const [minute, hour, day, month, weekday] = fields;
  if (
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    weekday === undefined ||
    fields.length > 5
  ) {
    const seconds = fields.length === 6 ? ' Patterns with seconds or years are not read.' : '';
    throw bad(
      `A cron pattern has 5 fields (minute, hour, day of the month, month, weekday); this one has ${fields.length}.${seconds}`,
    );
  }
  const minutes = plain(minute, FIELDS.minute);
  const hours = plain(hour, FIELDS.hour);
  const days = daysField(day);
  const months = plain(month, FIELDS.month);
  const weekdays = weekdaysField(weekday);
  return {
    text: [minutes.text, hours.text, days.text, months.text, weekdays.text].join(' '),
    minutes: minutes.numbers,
    hours: hours.numbers,
    ...(days.days === undefined ? {} : { days: days.days }),
    months: new Set(months.numbers),
    ...(weekdays.weekdays === undefined ? {} : { weekdays: weekdays.weekdays }),
  };
}

/** Both day fields restrict: cron then means either (crontab(5)), unless one of them begins with a star. */
export const eitherDay = (cron: Cron): boolean => {
  const [, , day = '', , weekday = ''] = cron.text.split(' ');
  return !day.startsWith('*') && !weekday.startsWith('*');
};

/** Minutes between the two closest times of day that a pattern has, the one over midnight included. */
export function shortestGap(cron: Cron): number {
  const times = cron.hours.flatMap((hour) => cron.minutes.map((minute) => hour * 60 + minute));
  const first = times[0] ?? 0;
  let shortest = 1440 - (times.at(-1) ?? first) + first;
  for (let i = 1; i < times.length; i++) shortest = Math.min(shortest, (times[i] ?? 0) - (times[i - 1] ?? 0));
  return shortest;
}
