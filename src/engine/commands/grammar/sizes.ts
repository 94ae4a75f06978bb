/** Sizes and rates in words: `5MB`, `1.5 GiB`, `5 MB/s`, `50 Mbit/s`; and plain counts. */
import { type Line, refused, type Taken, took, unclear } from './reading.ts';

const POWERS = ['', 'k', 'm', 'g', 't'];
const LONG: Record<string, string> = {
  bytes: 'b',
  byte: 'b',
  kilobytes: 'kb',
  kilobyte: 'kb',
  megabytes: 'mb',
  megabyte: 'mb',
  gigabytes: 'gb',
  gigabyte: 'gb',
  terabytes: 'tb',
  terabyte: 'tb',
  megs: 'mb',
  gigs: 'gb',
  octets: 'b',
  ko: 'kb',
  mo: 'mb',
  go: 'gb',
};

/** Bytes of one unit in lower case; kB, MB, GB, TB are decimal as disks and providers count, KiB ... binary. */
function unitBytes(unit: string): number | undefined {
  const match = /^([kmgt]?)(i?)b$/.exec(LONG[unit] ?? unit);
  const power = POWERS.indexOf(match?.[1] ?? '-');
  if (!match || power < 0 || (match[2] === 'i' && power === 0)) return undefined;
  return (match[2] === 'i' ? 1024 : 1000) ** power;
}

/** A decimal comma is a point: "1,5 GB". */
const NUMBER = /^(\d{1,15}(?:[.,]\d{1,6})?)(.*)$/s;

interface Amount {
  number: number;
  /** As typed. */
  digits: string;
  /** As typed; empty when there is none. */
  unit: string;
  next: number;
}

/** The number at word `at` with what is glued to it, or with the next word as its unit. */
function amountAt(line: Line, at: number): Amount | undefined {
  const word = line.words[at];
  const match = word && !word.quoted ? NUMBER.exec(word.text) : null;
  if (!word || !match) return undefined;
  const digits = match[1] ?? '';
  const number = Number(digits.replace(',', '.'));
  const glued = match[2] ?? '';
  if (glued !== '') return { number, digits, unit: glued, next: at + 1 };
  const unit = word.comma ? undefined : line.words[at + 1];
  const known = unit !== undefined && /^[kmgt]?i?b(?:it)?(?:ps|\/s|\/sec|\/second)?$/i.test(LONG[unit.key] ?? unit.key);
  return known ? { number, digits, unit: unit.text, next: at + 2 } : { number, digits, unit: '', next: at + 1 };
}

/** Bytes. `head` is the word where the option begins, so that a fix can show the whole of it. */
export function takeSize(line: Line, at: number): Taken<number> {
  const amount = amountAt(line, at);
  if (!amount) {
    const end = Math.min(at + 1, line.words.length);
    return refused('bad_size', at, end, 'A size was expected, such as 5MB or 1.5GB.', ['5MB']);
  }
  const bytes = unitBytes(amount.unit.toLowerCase());
  if (bytes === undefined) {
    const guess = /^[kmgt]/i.exec(amount.unit)?.[0] ?? 'M';
    return refused('bad_size', at, amount.next, `A size needs a unit: kB, MB, GB, or KiB, MiB, GiB.`, [
      `${amount.digits}${guess.toUpperCase().replace('K', 'k')}B`,
    ]);
  }
  const size = Math.round(amount.number * bytes);
  if (!Number.isSafeInteger(size)) return refused('bad_size', at, amount.next, 'That is larger than any file.', []);
  return took(amount.next, size);
}

/** Below this a backup would not end; it is also what a mistyped unit looks like ("limit 5B/s"). */
const SLOWEST = 1000;

/** Bytes per second. */
export function takeRate(line: Line, at: number): Taken<number> {
  const amount = amountAt(line, at);
  if (!amount) {
    const end = Math.min(at + 1, line.words.length);
    return refused('bad_rate', at, end, 'A rate was expected, such as 5MB/s or 50Mbit/s.', ['5MB/s']);
  }
  let { next } = amount;
  const match = /^(.*?)(ps|\/s|\/sec|\/second)?$/i.exec(amount.unit);
  const unit = match?.[1] ?? '';
  if (!match?.[2]) {
    const key = line.words[next]?.key;
    const following = line.words[next + 1]?.key;
    if (key === '/s' || key === '/sec') next += 1;
    else if ((key === 'per' || key === 'a') && (following === 'second' || following === 's' || following === 'sec'))
      next += 2;
  } else if (match[2].toLowerCase() === 'ps' && /^[kmgt]?b$/i.test(unit)) {
    // Networks say Mbps for bits, file tools for bytes: eight times apart.
    const power = unit.slice(0, -1).toUpperCase().replace('K', 'k');
    return unclear('bits_or_bytes', at, next, `Is ${amount.digits}${amount.unit} megabytes or megabits a second?`, [
      { label: `${amount.digits} ${power}B/s (bytes)`, text: `${amount.digits}${power}B/s` },
      { label: `${amount.digits} ${power}bit/s (bits)`, text: `${amount.digits}${power}bit/s` },
    ]);
  }
  const bits = /^([kmgt]?)bits?$/i.exec(unit);
  const bytes = bits ? (unitBytes(`${bits[1]?.toLowerCase()}b`) ?? 0) / 8 : unitBytes(unit.toLowerCase());
  if (bytes === undefined) {
    return refused('bad_rate', at, next, 'A rate needs a unit: kB/s, MB/s or Mbit/s.', [`${amount.digits}MB/s`]);
  }
  const rate = Math.round(amount.number * bytes);
  if (rate < SLOWEST || !Number.isSafeInteger(rate)) {
    return refused('bad_rate', at, next, 'A limit is at least 1kB/s; "no limit" removes it.', ['1MB/s']);
  }
  return took(next, rate);
}

/** The shortest text that reads back as just these bytes. */
export function sizeText(bytes: number): string {
  for (const [unit, size] of [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}

const COUNTS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ');

/** A whole number at the start of a text, with the rest: "5", "five", "30days". */
export function countOf(key: string): { count: number; tail: string } | undefined {
  const word = COUNTS.indexOf(key);
  if (word >= 0) return { count: word, tail: '' };
  const match = /^(\d{1,9})(.*)$/s.exec(key);
  return match ? { count: Number(match[1]), tail: match[2] ?? '' } : undefined;
}
