/** A clock on which an hour takes seconds: for tests of what waits, without tests that wait. */
import { systemClock } from '../src/engine/clock.ts';
import type { Clock } from '../src/engine/types.ts';

export interface FastClock extends Clock {
  /** Moves on by so many ms at once. */
  forward(ms: number): void;
  set(at: Date): void;
}

/** `factor` ms of this clock pass in one ms. Sleeping takes its time on this clock. */
export function fastClock(factor: number, start = new Date('2026-11-22T14:23:00.000Z')): FastClock {
  let origin = start.getTime();
  const began = performance.now();
  const now = (): number => origin + (performance.now() - began) * factor;
  return {
    now: () => new Date(now()),
    sleep: (ms, signal) => systemClock.sleep(Math.max(1, ms / factor), signal),
    forward: (ms) => {
      origin += ms;
    },
    set: (at) => {
      origin += at.getTime() - now();
    },
  };
}
