/** Work that is nice to have, and not to be waited for. */

/**
 * The work's result, if it is there in time; rejects with the reason of the abort otherwise, also where the work does not
 * heed the signal that it is given. What it then still does, it does for nobody.
 */
export function within<T>(
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(ms);
  const signal = outer === undefined ? limit : AbortSignal.any([outer, limit]);
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop, { once: true });
    work(signal)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
