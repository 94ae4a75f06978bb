/** One at a time for each mail: however often it is delivered at once, and whoever else reads the same mailbox. */
import { RetryLater } from '../engine/errors.ts';
import type { MailServices } from '../engine/services.ts';
import type { Thread } from '../engine/types.ts';

/** A hold lasts for 30 seconds. */
const HOLD_AGAIN = 10_000;

export interface Turns {
  /** Throws `RetryLater` while another process has it. */
  of<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/**
 * Dispatch does a mail once, and says "I already have this one" to everybody else. Without turns that would be told as if
 * a restart had cut the mail off, and stand in the place of its answer.
 */
export function createTurns({ threads, clock, log }: Pick<MailServices, 'threads' | 'clock' | 'log'>): Turns {
  const inHand = new Map<string, Promise<unknown>>();

  async function held<T>(key: string, work: () => Promise<T>): Promise<T> {
    const hand: Thread = {
      id: `mail/in-hand/${key}`,
      surface: 'mail',
      reference: key,
      posted: clock.now().toISOString(),
    };
    if (!(await threads.hold(hand))) {
      throw new RetryLater('Another process of this Keepsake has this mail in hand.');
    }
    const done = new AbortController();
    const holding = (async () => {
      for (;;) {
        await clock.sleep(HOLD_AGAIN, done.signal);
        await threads.hold(hand);
      }
    })().catch((error: unknown) => {
      if (!done.signal.aborted) log('warn', 'mail.hold_lost', { error });
    });
    try {
      return await work();
    } finally {
      done.abort();
      await holding;
      await threads.close(hand);
    }
  }

  return {
    async of(key, work) {
      for (let before = inHand.get(key); before; before = inHand.get(key)) await before.catch(() => {});
      const working = held(key, work).finally(() => {
        inHand.delete(key);
      });
      inHand.set(key, working);
      return working;
    },
  };
}
