/** Keeps one message up to date: the newest state wins, the last one is always shown, and nobody is written to too often. */
import { AuthRequired, NotAllowed, NotFound, RetryLater } from '../../engine/errors.ts';
import type { Clock, Log, Reply } from '../../engine/types.ts';
import type { ChatScreen } from './chat.ts';
import { type Paced, remembered, waitFor } from './pace.ts';

export interface Painter {
  /** Shows this state soon, unless a newer one comes first. */
  show(reply: Reply): void;
  /** Resolves when the newest state is shown: `false` when the message is gone or may no longer be written. */
  finish(): Promise<boolean>;
}

/** What all cards of one surface share: together they keep to its limits. */
export interface Pacing {
  edits: readonly number[];
  notBefore: number;
}

/** After a failure that says nothing about when to come back. */
const PAUSES = [2_000, 10_000, 60_000];
/** Some minutes of failures that the service did not explain: the next start tries again. */
const MOST_FAILURES = 8;

/** What tells two states apart; of pictures and files their length is enough. */
const textOf = (reply: Reply): string =>
  JSON.stringify(reply, (_, value: unknown) => (value instanceof Uint8Array ? value.byteLength : value));

export function createPainter(o: {
  screen: ChatScreen;
  clock: Clock;
  log: Log;
  pacing: Pacing;
  reference: string;
  /** What the message shows now; undefined when that is not known (after a restart). */
  shown: Reply | undefined;
  signal: AbortSignal;
}): Painter {
  const { screen, clock, log, pacing, reference, signal } = o;
  let shown = o.shown === undefined ? undefined : textOf(o.shown);
  let newest: { reply: Reply; text: string } | undefined;
  let edited: number | undefined;
  let failures = 0;
  let working: Promise<boolean> | undefined;

  const turn = async (): Promise<void> => {
    for (;;) {
      const now = clock.now().getTime();
      const paced: Paced = { edits: pacing.edits, card: edited, notBefore: pacing.notBefore };
      const wait = waitFor(paced, now);
      if (wait === 0) {
        pacing.edits = [...remembered(pacing.edits, now), now];
        edited = now;
        return;
      }
      await clock.sleep(wait, signal);
    }
  };

  /** False when there is no use in trying again. */
  const failed = async (error: unknown): Promise<boolean> => {
    signal.throwIfAborted();
    if (error instanceof NotFound || error instanceof NotAllowed) return false;
    const pause = PAUSES[Math.min(failures, PAUSES.length - 1)] ?? 0;
    if (error instanceof RetryLater) {
      pacing.notBefore = Math.max(pacing.notBefore, clock.now().getTime() + (error.after ?? pause));
      return true;
    }
    failures++;
    if (error instanceof AuthRequired || failures > MOST_FAILURES) throw error;
    log('warn', 'chat.card_not_shown', { surface: screen.surface, reference, error });
    await clock.sleep(pause, signal);
    return true;
  };

  const work = async (): Promise<boolean> => {
    try {
      while (newest !== undefined && newest.text !== shown) {
        await turn();
        const { reply, text } = newest;
        try {
          await screen.edit(reference, reply, signal);
          shown = text;
          failures = 0;
        } catch (error) {
          if (!(await failed(error))) return false;
        }
      }
      return true;
    } finally {
      // In one step with the last look at `newest`: what is to be shown after it begins anew.
      working = undefined;
    }
  };

  const begin = (): Promise<boolean> => {
    working ??= Promise.resolve().then(work);
    return working;
  };

  return {
    show(reply) {
      newest = { reply, text: textOf(reply) };
      // Whoever waits in `finish` hears of it; a card in between is shown again by the next state.
      begin().catch((error: unknown) => {
        if (!signal.aborted) log('warn', 'chat.card_given_up', { surface: screen.surface, reference, error });
      });
    },
    finish: () => begin(),
  };
}
