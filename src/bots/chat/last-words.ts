/** The end of a surface: nothing new comes in, and answers that are under way are still given. */
import type { Clock } from '../../engine/types.ts';

/** Long enough for an answer and a short pause that the service asks for; a restart is not felt yet. */
const LAST_WORDS = 3_000;

/** Resolves when all that is in hand is done, or soon. Who said something just before a restart would otherwise never hear of it. */
export async function lastWords(inHand: ReadonlySet<Promise<unknown>>, clock: Clock): Promise<void> {
  const done = new AbortController();
  const late = clock.sleep(LAST_WORDS, done.signal).catch(() => undefined);
  await Promise.race([Promise.allSettled(inHand), late]);
  done.abort();
}
