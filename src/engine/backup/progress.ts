/** Counts a run's work and tells it at a bearable rate. */
import { Stopped } from '../errors.ts';
import type { Clock, Path, Progress } from '../types.ts';

export interface Meter {
  phase(phase: Progress['phase']): void;
  total(files: number, bytes: number): void;
  bytes(count: number): void;
  file(path: Path): void;
  /** Files that need no copy, or listed ones. */
  files(count: number): void;
  problem(): void;
  read(): Progress;
}

/** The rate is that of the last ten seconds: honest about what happens now, calm enough to read. */
const WINDOW = 10_000;

export function createMeter(clock: Pick<Clock, 'now'>): Meter {
  const state: Progress = { phase: 'listing', files: 0, bytes: 0, problems: 0 };
  let samples: { at: number; bytes: number }[] = [];

  return {
    phase(phase) {
      state.phase = phase;
      if (phase === 'copying' || phase === 'restoring' || phase === 'verifying') {
        state.files = 0;
        state.bytes = 0;
        samples = [{ at: clock.now().getTime(), bytes: 0 }];
      }
    },
    total(files, bytes) {
      state.totalFiles = files;
      state.totalBytes = bytes;
    },
    bytes(count) {
      state.bytes += count;
    },
    file(path) {
      state.files++;
      state.current = path;
    },
    files(count) {
      state.files += count;
    },
    problem() {
      state.problems++;
    },
    read() {
      const now = clock.now().getTime();
      const last = samples.at(-1);
      if (!last || now - last.at >= 200) samples.push({ at: now, bytes: state.bytes });
      samples = samples.filter((sample) => now - sample.at <= WINDOW);
      const first = samples[0];
      const seconds = first ? (now - first.at) / 1000 : 0;
      const progress: Progress = { ...state };
      if (first && seconds >= 0.5 && state.phase !== 'listing') {
        progress.rate = Math.max(0, (state.bytes - first.bytes) / seconds);
        if (state.totalBytes !== undefined && progress.rate > 0) {
          progress.eta = Math.max(0, (state.totalBytes - state.bytes) / progress.rate);
        }
      }
      return progress;
    },
  };
}

const TOLD_EVERY = 250;

/**
 * Does the work and tells how far it is, at last its result. Who stops listening stops the work: its signal is aborted
 * and its end waited for.
 */
export async function* told<T>(
  work: (signal: AbortSignal) => Promise<T>,
  meter: Meter,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): AsyncGenerator<{ progress: Progress } | { result: T }> {
  const left = new AbortController();
  const both = AbortSignal.any([signal, left.signal]);
  let settled = false;
  const working = work(both).finally(() => {
    settled = true;
  });
  try {
    while (!settled) {
      await Promise.race([working, clock.sleep(TOLD_EVERY, both)]);
      if (!settled) yield { progress: meter.read() };
    }
    yield { result: await working };
  } finally {
    left.abort(new Stopped('Nobody waits for this any more.'));
    await Promise.allSettled([working]);
  }
}
