/** The file level's patience: the request level has already tried with its own, shorter waits. */
import { RetryLater } from '../errors.ts';
import type { Clock } from '../types.ts';

/** Milliseconds before each further try. */
export const RETRIES = [2_000, 10_000];

/** Tries again what may pass. `pushedBack` is told of each failure that may; anything else is thrown as it is. */
export async function retrying<T>(
  work: () => Promise<T>,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  pushedBack?: (error: RetryLater) => void,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RetryLater)) throw error;
      pushedBack?.(error);
      const wait = RETRIES[tries];
      if (wait === undefined) throw error;
      await clock.sleep(Math.max(wait, error.after ?? 0), signal);
    }
  }
}
