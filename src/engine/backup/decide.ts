/**
 * What has to be done for each file: the ordered merge of the source's listing with the catalogs of all destinations.
 * Pure: sequences in, steps out, each with its why.
 */
import { comparePaths } from '../path.ts';
import type { CatalogLine, Entry, Path, Why } from '../types.ts';

/** What one destination needs for one path. */
export interface Need {
  destination: number;
  /**
   * `copy`: bring the bytes, retiring `line` first if there is one. `retire`: the file vanished at the source. `keep`: also
   * of a file that the filter leaves out by now; its copy stays as it is.
   */
  action: 'copy' | 'retire' | 'keep';
  why: Why;
  line?: CatalogLine;
}

export interface Step {
  path: Path;
  entry?: Entry;
  needs: Need[];
}

/**
 * Whether the destination's copy still is the source's file. A version that is equal settles it; then a hash; then size
 * and time (to the second, as the coarsest service that keeps times). Where a source tells none of these, equality cannot
 * be told and the file is brought again rather than trusted.
 */
export function compare(entry: Entry, line: CatalogLine): 'same' | 'changed' | 'unverifiable' {
  if (line.damaged) return 'changed';
  if (entry.size !== undefined && entry.size !== line.size) return 'changed';
  if (entry.hashes?.sha256 !== undefined) return entry.hashes.sha256 === line.sha256 ? 'same' : 'changed';
  if (entry.version !== undefined && line.version !== undefined) {
    return entry.version === line.version ? 'same' : 'changed';
  }
  if (entry.size !== undefined && entry.modified !== undefined && line.modified !== undefined) {
    return entry.modified.slice(0, 19) === line.modified.slice(0, 19) ? 'same' : 'changed';
  }
  return 'unverifiable';
}

function need(destination: number, entry: Entry | undefined, line: CatalogLine | undefined): Need {
  if (!entry) return { destination, action: 'retire', why: 'vanished', ...(line && { line }) };
  if (!line) return { destination, action: 'copy', why: 'new' };
  const answer = compare(entry, line);
  if (answer === 'same') return { destination, action: 'keep', why: 'same', line };
  return { destination, action: 'copy', why: line.damaged ? 'missing_at_destination' : answer, line };
}

/**
 * Merges in the order of paths (`comparePaths`); every input must be in that order and hold a path once. `entries` must
 * be a complete listing, or `complete` false: then nothing counts as vanished. `leftOut` knows the files that are at the
 * source and that the filter does not take: to narrow a filter is not to delete.
 */
export async function* decide(
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  catalogs: readonly AsyncIterable<CatalogLine>[],
  complete: boolean,
  leftOut: { has(path: Path): boolean } = { has: () => false },
): AsyncGenerator<Step> {
  const lines = catalogs.map((catalog) => catalog[Symbol.asyncIterator]());
  const heads = await Promise.all(lines.map((line) => line.next()));

  const linesAt = async (path: Path): Promise<(CatalogLine | undefined)[]> => {
    const found: (CatalogLine | undefined)[] = [];
    for (const [i, head] of heads.entries()) {
      if (head.done || head.value.path !== path) {
        found.push(undefined);
        continue;
      }
      found.push(head.value);
      heads[i] = await (lines[i] as AsyncIterator<CatalogLine, undefined>).next();
    }
    return found;
  };

  const lowest = (): Path | undefined => {
    let path: Path | undefined;
    for (const head of heads) {
      if (!head.done && (path === undefined || comparePaths(head.value.path, path) < 0)) path = head.value.path;
    }
    return path;
  };

  const vanished = async (path: Path): Promise<Step> => {
    const found = await linesAt(path);
    const held = found.flatMap((line, i) => (line ? [need(i, undefined, line)] : []));
    if (!leftOut.has(path)) return { path, needs: held };
    return { path, needs: held.map((each) => ({ ...each, action: 'keep', why: 'filtered' })) };
  };

  for await (const entry of entries) {
    for (let path = lowest(); path !== undefined && comparePaths(path, entry.path) < 0; path = lowest()) {
      const step = await vanished(path);
      if (complete) yield step;
    }
    const found = await linesAt(entry.path);
    yield { path: entry.path, entry, needs: found.map((line, i) => need(i, entry, line)) };
  }
  for (let path = lowest(); path !== undefined; path = lowest()) {
    const step = await vanished(path);
    if (complete) yield step;
  }
}
