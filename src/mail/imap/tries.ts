/** How often a mail that could not be taken is tried again, and when. */
import { isPassing, RetryLater } from '../../engine/errors.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** What passes by itself (a network, a database that is away) is tried for an hour, at least ten times; anything else three times. */
const PATIENCE = 60 * MINUTE;
const FEWEST = 10;
const PAUSES = [MINUTE, 4 * MINUTE] as const;

export interface Tries {
  /** How often it failed. */
  failed: number;
  /** When it was tried first, in ms. */
  first: number;
}

/** When to try again, in ms; undefined: never. `tries` counts the failure that `error` is. */
export function nextTry(error: unknown, { failed, first }: Tries, now: number): number | undefined {
  const passing = error instanceof RetryLater || isPassing(error);
  if (!passing) {
    const pause = PAUSES[failed - 1];
    return pause === undefined ? undefined : now + pause;
  }
  if (failed >= FEWEST && now - first >= PATIENCE) return undefined;
  const grown = Math.min(5 * MINUTE, 10 * SECOND * 2 ** Math.min(failed - 1, 10));
  return now + Math.max(grown, (error instanceof RetryLater ? error.after : undefined) ?? 0);
}
