/** The mails that are being taken: a few at a time, so that a thousand large ones do not fill the memory. */
import type { RawMail, Taken } from '../mail.ts';

/** At once. One that takes long (a restore that was asked for) makes room for others, up to so many in all. */
const IN_HAND = 4;
const MOST = 16;
const LONG = 2 * 60 * 1000;

export interface Hands {
  isFull(): boolean;
  /** `ended` is called with what `take` said or threw. Throws nothing. */
  take(mail: RawMail, ended: (end: { taken: Taken } | { error: unknown }) => void): void;
  /** Resolves when nothing is in hand. */
  empty(): Promise<void>;
}

export function createHands(take: (mail: RawMail) => Promise<Taken>, now: () => number): Hands {
  const inHand = new Map<Promise<void>, number>();
  return {
    isFull() {
      const young = [...inHand.values()].filter((began) => now() - began < LONG).length;
      return young >= IN_HAND || inHand.size >= MOST;
    },
    take(mail, ended) {
      const work = (async () => {
        try {
          ended({ taken: await take(mail) });
        } catch (error) {
          ended({ error });
        }
      })().finally(() => inHand.delete(work));
      inHand.set(work, now());
    },
    async empty() {
      while (inHand.size > 0) await Promise.all(inHand.keys());
    },
  };
}
