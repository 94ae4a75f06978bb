/** "Did you mean": the nearest known words to a mistyped one. */
import { keyOf } from './words.ts';

/**
 * Damerau-Levenshtein distance in its optimal string alignment form: insert, remove, replace, or swap two neighbours,
 * each for 1. Answers `limit + 1` for all that is further than `limit`.
 */
export function distance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (a === b) return 0;
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    // A row can undercut its predecessor by a swap, so both must be beyond the limit.
    if (least > limit && Math.min(...last) > limit) return limit + 1;
    before = last;
    last = row;
  }
  return Math.min(last[b.length] ?? 0, limit + 1);
}

/**
 * How many slips a word of this length may hold: two letters say nothing, and a third of a word wrong is another word.
 */
const slips = (length: number): number => (length < 3 ? 0 : length < 6 ? 1 : length < 9 ? 2 : 3);

/** The candidates that `word` may have been meant as, nearest first, at most `most`; compared by `keyOf`. */
export function nearest(word: string, candidates: Iterable<string>, most = 3): string[] {
  const key = keyOf(word);
  const found = new Map<string, { text: string; cost: number }>();
  for (const text of candidates) {
    const other = keyOf(text);
    const limit = key.length < 3 ? 0 : slips(Math.max(key.length, other.length));
    // "goog" for "google drive": the beginning of a name is as good as a slip.
    const begun = key.length >= 3 && other.startsWith(key);
    const cost = begun ? 0.5 : distance(key, other, limit);
    if ((begun || cost <= limit) && cost < (found.get(other)?.cost ?? Number.POSITIVE_INFINITY)) {
      found.set(other, { text, cost });
    }
  }
  return [...found.values()]
    .sort((a, b) => a.cost - b.cost)
    .slice(0, most)
    .map((one) => one.text);
}
