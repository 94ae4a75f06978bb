/** Searches what is backed up: every word must be in the path or in what is known about the file. */
import type { FoundFile } from '../services.ts';
import { catalogRange, type Store } from '../store/store.ts';
import type { Plan } from '../types.ts';

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** Newest first is not promised: files come in the order of their paths, plan by plan, until `limit`. */
export async function* find(
  store: Store,
  plans: readonly Plan[],
  words: readonly string[],
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<FoundFile> {
  const wanted = words.map(fold);
  let found = 0;
  for (const plan of plans) {
    for await (const line of store.find('catalog', catalogRange(plan.id, 0))) {
      signal.throwIfAborted();
      const text = fold(`${line.path}\n${Object.values(line.about ?? {}).join('\n')}`);
      if (!wanted.every((word) => text.includes(word))) continue;
      yield {
        plan,
        path: line.path,
        size: line.size,
        ...(line.modified !== undefined && { modified: line.modified }),
        ...(line.about && { about: line.about }),
      };
      if (++found >= limit) return;
    }
  }
}
