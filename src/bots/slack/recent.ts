/** What was there a moment ago: second deliveries and second clicks. After a restart dispatch itself knows them. */
import type { Clock } from '../../engine/types.ts';

const MOST = 5_000;

/** Answers whether the key was there within `ms`, and remembers it. */
export function createRecent(ms: number, clock: Pick<Clock, 'now'>): (key: string) => boolean {
  const since = new Map<string, number>();
  return (key) => {
    const now = clock.now().getTime();
    for (const [old, at] of since) {
      // The oldest come first.
      if (now - at <= ms && since.size <= MOST) break;
      since.delete(old);
    }
    if (since.has(key)) return true;
    since.set(key, now);
    return false;
  };
}
