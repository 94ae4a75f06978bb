/** A chat surface inside a running Keepsake, put together as `main.ts` does. */
import type { ChatSurface } from '../../src/bots/chat/chat.ts';
import { Stopped } from '../../src/engine/errors.ts';
import { createOutbox, startOutbox } from '../../src/engine/outbox.ts';
import type { Running } from './driver.ts';

export interface Connected {
  stop(): Promise<void>;
}

/** Resolves once it is connected; throws what the surface throws before. */
export async function connectChat(chat: ChatSurface, { composed }: Running): Promise<Connected> {
  const { store, clock, log } = composed.services;
  const controller = new AbortController();
  const { signal } = controller;
  const ready = Promise.withResolvers<void>();
  const talking = chat.run(signal, () => ready.resolve());
  talking.catch((error: unknown) => ready.reject(error));
  const outbox = createOutbox({ store, deliverers: [chat.deliverer], clock, log });
  const delivering = startOutbox({ outbox, clock, log, signal });
  await ready.promise;
  return {
    async stop() {
      controller.abort(new Stopped('Keepsake is being stopped.'));
      await Promise.all([talking, delivering]);
    },
  };
}

/** Waits for something that a person looks for. */
export async function lookFor<T>(what: string, look: () => T | undefined): Promise<T> {
  for (const end = performance.now() + 10_000; performance.now() < end; ) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Nobody sees ${what}.`);
}
