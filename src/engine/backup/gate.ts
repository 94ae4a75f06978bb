/**
 * How many transfers an account carries at once. Starts low, doubles while that makes it faster, halves when the service
 * pushes back: additive caution is too slow on links with latency, where 8 -> 64 in flight is a factor of five.
 */
export interface Gate {
  /** Runs the task when there is room. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** The service pushed back (429, 503, a timeout). */
  pushedBack(): void;
  readonly limit: number;
  readonly active: number;
}

const START = 8;
/** A window must show at least this gain to double again. */
const GAIN = 1.1;

/** `now` in milliseconds, monotonic. */
export function createGate(ceiling: number, now: () => number): Gate {
  let limit = Math.min(START, ceiling);
  let active = 0;
  const waiting: (() => void)[] = [];
  let windowStart = now();
  let done = 0;
  let best = 0;
  let growing = true;
  let lastTrouble = Number.NEGATIVE_INFINITY;

  const measure = () => {
    done++;
    // A window is a few times the limit, so that every slot has worked at the present limit.
    if (done < limit * 4) return;
    const elapsed = now() - windowStart;
    const rate = elapsed > 0 ? done / elapsed : Number.POSITIVE_INFINITY;
    if (growing && limit < ceiling) {
      if (rate > best * GAIN) limit = Math.min(ceiling, limit * 2);
      else growing = false;
    }
    best = Math.max(best, rate === Number.POSITIVE_INFINITY ? 0 : rate);
    windowStart = now();
    done = 0;
  };

  const pushedBack = () => {
    // Many transfers fail together when a service pushes back: that is one sign, not as many as there were transfers.
    if (now() - lastTrouble < 1000) return;
    lastTrouble = now();
    limit = Math.max(1, Math.floor(limit / 2));
    growing = false;
    best = 0;
    done = 0;
    windowStart = now();
  };

  const recover = () => {
    // A minute without trouble: try to grow again.
    if (!growing && limit < ceiling && now() - lastTrouble > 60_000 && lastTrouble > 0) {
      growing = true;
      lastTrouble = now();
    }
  };

  return {
    async run(task) {
      if (active >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
      else active++;
      try {
        const result = await task();
        measure();
        recover();
        return result;
      } finally {
        // The slot passes straight to a waiter; `active` changes only when nobody waits or the limit moved.
        if (active > limit || waiting.length === 0) active--;
        else waiting.shift()?.();
        while (active < limit && waiting.length > 0) {
          active++;
          waiting.shift()?.();
        }
      }
    },
    pushedBack,
    get limit() {
      return limit;
    },
    get active() {
      return active;
    },
  };
}
