/**
 * The gateway session between two connections: when the next one is tried, and whether it goes on where the last one
 * stopped. The library tries again every half second for ever, and throws the session away when the network is gone, with
 * all messages that came meanwhile.
 */
import type { Clock } from '../../engine/types.ts';

/** Added to the library's own half second; a new session costs one of 1000 a day. */
const PAUSES = [0, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];
/** A resume address that is never reached must not be asked for ever. */
const MOST_RESUMES = 8;
/** The connection failed or broke, without a word of Discord's (RFC 6455, 7.1.5). */
const BROKEN = 1006;

export interface SessionKeeper {
  /** For the library to wait on: the session to go on with, once it is time to connect. Never again after the end. */
  read<S>(current: () => Promise<S>): Promise<S>;
  /** Whether the library may forget the session. */
  mayForget(): boolean;
  closed(code: number): void;
  hello(): void;
  ready(): void;
  /** Resolves when no connection is just being opened. */
  settled(): Promise<void>;
}

export function createSessionKeeper(o: { clock: Clock; signal: AbortSignal }): SessionKeeper {
  const { clock, signal } = o;
  let connecting = true;
  let failures = 0;
  let lastCode = 0;
  let opening = Promise.withResolvers<void>();
  opening.resolve();

  const never = <S>(): Promise<S> => new Promise(() => undefined);

  return {
    async read(current) {
      // A rejection here would be nobody's: the library does not wait for its own connecting.
      if (signal.aborted) return never();
      if (!connecting) return current();
      const pause = PAUSES[Math.min(failures, PAUSES.length - 1)] ?? 0;
      failures++;
      if (pause > 0) await clock.sleep(pause, signal).catch(() => undefined);
      if (signal.aborted) return never();
      opening = Promise.withResolvers();
      return current();
    },
    mayForget: () => !(connecting && lastCode === BROKEN && failures <= MOST_RESUMES),
    closed(code) {
      connecting = true;
      lastCode = code;
      opening.resolve();
    },
    hello() {
      connecting = false;
      opening.resolve();
    },
    ready() {
      failures = 0;
    },
    settled: () => opening.promise,
  };
}
