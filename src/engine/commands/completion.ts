/** What may come next on a line that is being typed. Advice only: whatever is typed in the end is read by the grammar. Pure. */

import { quote } from './grammar/words.ts';

export interface CompletionWords {
  commands: readonly string[];
  plans: readonly string[];
  accounts: readonly string[];
  kinds: readonly string[];
}

const TAKES_PLAN = new Set([
  'show',
  'run',
  'stop',
  'pause',
  'resume',
  'edit',
  'delete',
  'preview',
  'history',
  'snapshots',
  'restore',
  'verify',
  'undo',
  'share',
  'unshare',
  'report',
  'why',
]);
const BEFORE_PLACE = new Set(['to', 'and', 'backup', 'adopt']);
const OPTIONS = [
  'to',
  'and',
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'every',
  'at',
  'in',
  'only',
  'except',
  'since',
  'before',
  'larger than',
  'smaller than',
  'keep',
  'named',
  'report',
  'limit',
  'into',
];
const AFTER: Readonly<Record<string, readonly string[]>> = {
  only: ['photos', 'videos'],
  report: ['always', 'on failure', 'daily', 'weekly', 'never'],
  verify: ['quick', 'sample', 'full'],
  restore: ['from', 'to', 'keep both', 'replace', 'skip'],
  keep: ['both'],
};

/** The word under the cursor (an opening quote included) and the finished ones before it, in lower case. */
function split(line: string): { before: string[]; partial: string } {
  const words = line.match(/"[^"]*"?|\S+/g) ?? [];
  const finished = line === '' || (/\s$/.test(line) && !/^"[^"]*$/.test(words.at(-1) ?? ''));
  const partial = finished ? '' : (words.pop() ?? '');
  return { before: words.map((word) => word.replaceAll('"', '').toLowerCase()), partial };
}

function candidates(before: readonly string[], words: CompletionWords): string[] {
  const places = [...words.accounts.map(quote), ...words.kinds];
  const plans = words.plans.map(quote);
  const first = before[0]?.replace(/^\//, '');
  const last = before.at(-1);
  if (first === undefined || last === undefined) return [...words.commands, ...places];
  if (BEFORE_PLACE.has(last.replace(/^\//, ''))) return places;
  if (first === 'help') return [...words.commands];
  if (first === 'connect') return before.length === 1 ? [...words.kinds] : ['as'];
  if (first === 'disconnect') return words.accounts.map(quote);
  if (TAKES_PLAN.has(first) && before.length === 1) return first === 'preview' ? [...plans, ...places] : plans;
  if (first === 'restore' && last === 'to') return places;
  return [...(AFTER[last] ?? []), ...(AFTER[first] ?? []), ...OPTIONS];
}

/** The candidates that begin with the word under the cursor, without regard to case, and that word, as readline wants them. */
export function complete(line: string, words: CompletionWords): [hits: string[], partial: string] {
  const { before, partial } = split(line);
  const begin = partial.replace(/^[/"]/, '').toLowerCase();
  const hits = candidates(before, words).filter((word) => word.replace(/^"/, '').toLowerCase().startsWith(begin));
  return [
    [...new Set(hits)].map((word) => `${partial.startsWith('/') && before.length === 0 ? '/' : ''}${word} `),
    partial,
  ];
}
