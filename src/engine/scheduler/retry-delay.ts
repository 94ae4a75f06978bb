/** When a hand-over that failed is tried again: pure. */
import { isPassing, RetryLater, Stopped } from '../errors.ts';

const HOUR = 3_600_000;
/** What passes by itself gets about ten hours, what looks like a mistake in Keepsake does not. */
const TRIES_PASSING = 16;
const TRIES_OTHER = 3;

/**
 * Milliseconds until the next try, or `null` for none. `attempt` counts from 1; `first` is the pause after the first
 * failure and doubles up to an hour. What was stopped is owed to the next worker at once.
 */
export function retryDelay(attempt: number, error: unknown, first: number): number | null {
  if (error instanceof Stopped) return 0;
  const passing = error instanceof RetryLater || isPassing(error);
  if (attempt >= (passing ? TRIES_PASSING : TRIES_OTHER)) return null;
  const asked = error instanceof RetryLater ? (error.after ?? 0) : 0;
  return Math.max(asked, Math.min(first * 2 ** (attempt - 1), HOUR));
}
