/** Works what the spool holds: in the order in which it came, several at a time, and each again until it is taken. */
import { RetryLater } from '../../engine/errors.ts';
import type { Clock, Log } from '../../engine/types.ts';
import type { RawMail, Taken } from '../mail.ts';
import type { Spool } from './spool.ts';

/** One command may run for hours; the others do not wait for it. */
const WORKERS = 4;
const RETRY = { first: 60_000, longest: 3_600_000 };
/** What cannot be worked for so long is older than what replies are taken for; a full spool would refuse the next ones. */
const DAYS_HELD = 3;

export interface QueueOrder {
  spool: Spool;
  take(mail: RawMail): Promise<Taken>;
  log: Log;
  clock: Clock;
  /** Begins nothing new when aborted; what is in the spool is there at the next start. */
  signal: AbortSignal;
}

export interface Queue {
  add(name: string): void;
  /** Resolves when what is in hand is told. */
  end(): Promise<void>;
}

interface Waiting {
  name: string;
  failures: number;
}

export function createQueue({ spool, take, log, clock, signal }: QueueOrder): Queue {
  const waiting: Waiting[] = [];
  const working = new Set<Promise<void>>();

  /** Undefined when it is done with; otherwise when it is to be tried again, in milliseconds. */
  async function failed({ name, failures }: Waiting, mail: RawMail | undefined, error: unknown) {
    if (signal.aborted) return undefined;
    if (!mail && error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      log('warn', 'mail.gone', { name });
      return undefined;
    }
    if (!mail && error instanceof SyntaxError) {
      log('error', 'mail.unreadable', { name });
      await spool.setAside(name);
      return undefined;
    }
    const expected = error instanceof RetryLater;
    const why = expected ? { why: error.message } : { error };
    log(expected ? 'info' : 'error', 'mail.not_taken', { name, failures, ...why });
    if (mail && clock.now().getTime() - Date.parse(mail.received) > DAYS_HELD * 24 * 3_600_000) {
      log('warn', 'mail.given_up', { name, days: DAYS_HELD });
      await spool.remove(name);
      return undefined;
    }
    return (expected ? error.after : undefined) ?? Math.min(RETRY.first * 2 ** failures, RETRY.longest);
  }

  async function work(one: Waiting): Promise<void> {
    let mail: RawMail | undefined;
    try {
      mail = await spool.read(one.name);
      await take(mail);
      await spool.remove(one.name);
    } catch (error) {
      const ms = await failed(one, mail, error);
      // Beside the queue: who waits holds up nobody.
      if (ms !== undefined) void again({ ...one, failures: one.failures + 1 }, ms);
    }
  }

  async function again(one: Waiting, ms: number): Promise<void> {
    try {
      await clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    }
    put(one);
  }

  function pump(): void {
    while (!signal.aborted && working.size < WORKERS) {
      const next = waiting.shift();
      if (!next) return;
      const run = work(next)
        .catch((error: unknown) => log('error', 'mail.inbound_failed', { name: next.name, error }))
        .finally(() => {
          working.delete(run);
          pump();
        });
      working.add(run);
    }
  }

  function put(one: Waiting): void {
    waiting.push(one);
    pump();
  }

  return {
    add: (name) => put({ name, failures: 0 }),
    async end() {
      await Promise.all(working);
    },
  };
}
