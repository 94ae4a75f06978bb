/** Retention applied: marks what has served its time, and removes its bytes once no manifest lists it any more. */
import type { Store, Write } from '../store/store.ts';
import { catalogId, versionRange } from '../store/store.ts';
import type { CatalogLine, Instant, Plan, Provider, Retention } from '../types.ts';
import { expired } from './retention.ts';

/** Marks expired versions as doomed; answers how many. The manifest written next leaves them out. */
export async function markExpired(
  o: { store: Store; plan: Plan; destination: number; policy: Retention; points: readonly Instant[]; now: Date },
  signal: AbortSignal,
): Promise<number> {
  let marked = 0;
  let group: CatalogLine[] = [];

  const close = async (): Promise<void> => {
    const path = group[0]?.path;
    if (path === undefined) return;
    const current = await o.store.get('catalog', catalogId(o.plan.id, o.destination, path));
    const doomed = expired(o.policy, group, current !== undefined && !current.damaged, o.points, o.now);
    if (doomed.length > 0) {
      await o.store.commit(doomed.map((line): Write => ({ table: 'catalog', put: { ...line, doomed: true } })));
      marked += doomed.length;
    }
    group = [];
  };

  for await (const line of o.store.find('catalog', versionRange(o.plan.id, o.destination))) {
    signal.throwIfAborted();
    if (group[0] && group[0].path !== line.path) await close();
    if (!line.doomed) group.push(line);
  }
  await close();
  return marked;
}

/** Removes the bytes of doomed versions, then their lines; a crash in between only leaves work for the next time. */
export async function removeDoomed(
  o: { store: Store; plan: Plan; destination: number; provider: Provider },
  signal: AbortSignal,
): Promise<number> {
  let removed = 0;
  for await (const line of o.store.find('catalog', versionRange(o.plan.id, o.destination))) {
    signal.throwIfAborted();
    if (!line.doomed || line.stored === undefined) continue;
    await o.provider.remove?.({ path: line.stored, id: line.at ?? line.stored }, { signal });
    await o.store.remove('catalog', line.id);
    removed++;
  }
  return removed;
}
