/** The machine's clock. */
import type { Clock } from './types.ts';

/** The longest delay a timer of Node holds (2^31-1 ms, 24.8 days); a longer one would fire at once. */
const LONGEST = 2 ** 31 - 1;

const wait = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });

export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    for (let left = ms; left > 0; left -= LONGEST) await wait(Math.min(left, LONGEST), signal);
  },
};
