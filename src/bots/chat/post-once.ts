/** One message, whatever becomes of the answer to it: a try whose answer is lost is looked for before the next. */
import { RetryLater } from '../../engine/errors.ts';
import type { Clock, Reply } from '../../engine/types.ts';
import type { ChatScreen } from './chat.ts';

/** A person is waiting: some seconds, then they are told. The outbox waits longer. */
const PAUSES = [1_000, 4_000, 15_000];
const LONGEST_PAUSE = 10_000;

/** `ChatScreen.post`, tried again where the service was away for a moment. Throws what the last try threw. */
export async function postOnce(
  { screen, clock }: { screen: Pick<ChatScreen, 'post'>; clock: Clock },
  conversation: string,
  reply: Reply,
  { key, signal }: { key: string; signal: AbortSignal },
): Promise<string> {
  for (let tried = 0; ; tried++) {
    try {
      return await screen.post(conversation, reply, { key, signal, ...(tried > 0 && { again: true }) });
    } catch (error) {
      const pause = PAUSES[tried];
      if (signal.aborted || pause === undefined || !(error instanceof RetryLater)) throw error;
      if ((error.after ?? 0) > LONGEST_PAUSE) throw error;
      await clock.sleep(Math.max(pause, error.after ?? 0), signal);
    }
  }
}
