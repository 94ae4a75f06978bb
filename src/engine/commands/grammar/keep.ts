/** `keep 5 versions`, `keep 30 days`, `keep 7 daily 4 weekly 12 monthly`, `keep everything`. */
import type { Retention } from '../../types.ts';
import { keyAt, type Line, phraseAt, refused, slice, type Taken, took, unclear } from './reading.ts';
import { countOf } from './sizes.ts';

const EVERYTHING = ['everything', 'all', 'all versions', 'every version', 'forever', 'everything forever', 'all of it'];

/** Months and years are the longest there are, so that nothing goes earlier than the words promise. */
const DAYS: Record<string, number> = { day: 1, week: 7, month: 31, year: 366 };
const VERSIONS = new Set(['version', 'copy', 'revision', 'generation', 'snapshot', 'backup']);
const SERIES: Record<string, 'daily' | 'weekly' | 'monthly' | 'yearly'> = {
  daily: 'daily',
  dailies: 'daily',
  weekly: 'weekly',
  weeklies: 'weekly',
  monthly: 'monthly',
  monthlies: 'monthly',
  yearly: 'yearly',
  annual: 'yearly',
};
const SERIES_OF_SPAN: Record<string, string> = { day: 'daily', week: 'weekly', month: 'monthly', year: 'yearly' };

const singular = (word: string): string => (word === 'copies' ? 'copy' : word.replace(/s$/, ''));

interface Item {
  count: number;
  unit: string;
}

function itemAt(line: Line, at: number): { item: Item; next: number } | undefined {
  const number = countOf(keyAt(line, at));
  if (!number) return undefined;
  let unit = number.tail.replace(/[.!?]+$/, '');
  let next = at + 1;
  if (unit === '') {
    if (line.words[at]?.comma) return undefined;
    unit = keyAt(line, at + 1).replace(/[.!?]+$/, '');
    next = at + 2;
    if (['last', 'old', 'newest', 'latest', 'more'].includes(unit)) {
      unit = keyAt(line, at + 2).replace(/[.!?]+$/, '');
      next = at + 3;
    }
  }
  const one = singular(unit);
  const known = VERSIONS.has(one) || one in DAYS || unit in SERIES;
  return known ? { item: { count: number.count, unit: unit in SERIES ? unit : one }, next } : undefined;
}

/** `at` is the word behind `keep`; `from` the word `keep` itself. */
export function takeKeep(line: Line, from: number, at: number): Taken<Retention | 'everything'> {
  const all = phraseAt(line, at, EVERYTHING);
  if (all > 0) return took(at + all, 'everything');
  let next = at + phraseAt(line, at, ['the last', 'last', 'the', 'at most', 'only', 'only the last']);
  const items: Item[] = [];
  for (;;) {
    const and = items.length > 0 && ['and', '+', '&'].includes(keyAt(line, next)) ? 1 : 0;
    const read = itemAt(line, next + and);
    if (!read) break;
    items.push(read.item);
    next = read.next;
  }
  const [first, ...more] = items;
  if (!first) return noUnit(line, from, next);
  const words = slice(line, from, next);
  if (items.some((item) => item.count < 1 || item.count > 100_000)) {
    return refused('bad_keep', from, next, `"${words}" keeps nothing useful: the numbers go from 1 to 100000.`, [
      'keep 5 versions',
      'keep everything',
    ]);
  }
  if (first.unit in SERIES && more.every((item) => item.unit in SERIES)) {
    const series: Retention = {};
    for (const item of items) {
      const name = SERIES[item.unit];
      if (!name) continue;
      if (series[name] !== undefined) {
        return refused('contradiction', from, next, `"${words}" says ${name} twice.`);
      }
      series[name] = item.count;
    }
    return took(next, series);
  }
  if (more.length > 0) {
    const spans = items.every((item) => item.unit in DAYS || item.unit in SERIES);
    const fixed = items.map((item) => `${item.count} ${SERIES_OF_SPAN[item.unit] ?? item.unit}`).join(' ');
    const message = `"${words}" mixes ways to keep. Say one: versions, days, or a series of daily, weekly, monthly.`;
    return refused('contradiction', from, next, message, spans ? [`keep ${fixed}`] : []);
  }
  if (VERSIONS.has(first.unit)) return took(next, { versions: first.count });
  return took(next, { days: first.count * (DAYS[first.unit] ?? 1) });
}

function noUnit(line: Line, from: number, at: number): Taken<Retention | 'everything'> {
  const number = countOf(keyAt(line, at));
  if (number && number.count > 0) {
    const count = number.count;
    return unclear('keep_what', from, at + 1, `Keep ${count} of what?`, [
      { label: `${count} versions of each file`, text: `keep ${count} versions` },
      { label: `What changed in ${count} days`, text: `keep ${count} days` },
    ]);
  }
  return refused('bad_keep', from, Math.max(from + 1, at), 'After "keep" comes how much.', [
    'keep 5 versions',
    'keep 30 days',
    'keep 7 daily 4 weekly 12 monthly',
    'keep everything',
  ]);
}

export function keepText(retention: Retention): string {
  if ('versions' in retention) return `keep ${retention.versions} versions`;
  if ('days' in retention) return `keep ${retention.days} days`;
  const parts: string[] = [];
  for (const name of ['daily', 'weekly', 'monthly', 'yearly'] as const) {
    const count = retention[name];
    if (count !== undefined) parts.push(`${count} ${name}`);
  }
  return parts.length === 0 ? '' : `keep ${parts.join(' ')}`;
}
