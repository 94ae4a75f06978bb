/** One live card for each run or restore: a message of the bot's own, edited in place until its last state, restarts included. */
import { NotFound } from '../../engine/errors.ts';
import type { SurfaceServices } from '../../engine/services.ts';
import type { Reply, Thread } from '../../engine/types.ts';
import type { ChatScreen } from './chat.ts';
import { createPainter, type Pacing, type Painter } from './painter.ts';
import { postOnce } from './post-once.ts';

export const threadId = (surface: string, reference: string): string => `${surface}/${reference}`;

/** Well within the time after which another process may take a card over. */
const HOLD_EVERY = 10_000;
/** How soon the cards of a process that died are taken over. */
const LOOK_EVERY = 30_000;

export interface CardOrder {
  conversation: string;
  key: string;
  /** Whose, and the line that began it. */
  person: string;
  line: string;
}

/** A card whose states come from the work itself. */
export interface StreamedCard {
  show(reply: Reply): void;
  /** Resolves when its last state is shown. */
  end(): Promise<void>;
}

export interface Cards {
  /** Posts the card of a run and follows it; resolves with the reference once it is posted. Throws what `post` throws. */
  ofRun(run: string, first: Reply, order: CardOrder): Promise<string>;
  /** Posts a card that the caller keeps up to date. */
  streamed(first: Reply, order: CardOrder): Promise<StreamedCard>;
  /** The card of a run that other words began, also one that has just shown the end of it. */
  cardFor(run: string): Promise<Thread | undefined>;
  /** Takes over open cards that nobody holds, now and from time to time; resolves when the signal is aborted and all rests. */
  work(signal: AbortSignal): Promise<void>;
}

const cutOff = (line: string | undefined): Reply => ({
  tone: 'plain',
  title: 'A restart of Keepsake cut this off.',
  blocks: [
    { kind: 'text', text: 'What was done until then stays; nothing else was changed.' },
    ...(line === undefined
      ? []
      : [{ kind: 'choices' as const, choices: [{ label: 'Do it again', line, style: 'primary' as const }] }]),
  ],
});

const removed: Reply = {
  tone: 'plain',
  title: 'This backup was removed meanwhile.',
  blocks: [{ kind: 'text', text: 'What was copied stays where it is.' }],
};

const unshared: Reply = {
  tone: 'plain',
  title: 'This backup is no longer shared with this channel.',
  blocks: [{ kind: 'text', text: 'How it goes on is told to its owner alone.' }],
};

/** The conversation that a message stands in: its reference without the message itself, on every chat surface. */
const placeOf = (reference: string): string => reference.slice(0, reference.lastIndexOf('/'));

export function createCards(services: SurfaceServices, screen: ChatScreen, stop: AbortSignal): Cards {
  const { threads, clock, log } = services;
  const { surface } = screen;
  const pacing: Pacing = { edits: [], notBefore: 0 };
  const held = new Map<string, Promise<void>>();

  const painterOf = (reference: string, shown: Reply | undefined, signal: AbortSignal): Painter =>
    createPainter({ screen, clock, log, pacing, reference, shown, signal });

  /** A card that could not show the end (removed, taken away) is no card of the run any more: the next one may be. */
  const close = async ({ live, ...thread }: Thread, toTheEnd: boolean): Promise<void> => {
    await threads.close({ ...thread, ...(toTheEnd && live !== undefined ? { live } : {}) });
    if (thread.person !== undefined) screen.changed?.(thread.person);
  };

  async function post(first: Reply, live: string, run: string | undefined, order: CardOrder): Promise<Thread> {
    const posting = { key: `card/${order.key}`, signal: stop };
    const reference = await postOnce({ screen, clock }, order.conversation, first, posting);
    const plan = first.about?.plan;
    const thread: Thread = {
      id: threadId(surface, reference),
      surface,
      reference,
      ...(plan === undefined ? {} : { plan }),
      ...(run === undefined ? {} : { run }),
      state: 'open',
      live,
      line: order.line,
      person: order.person,
      ...(first.shared ? { shared: true as const } : {}),
      posted: clock.now().toISOString(),
    };
    await threads.keep(thread);
    return thread;
  }

  /** Runs `work` while this process holds the card, and forgets it when it does no longer. */
  function holding(thread: Thread, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const lost = new AbortController();
    const signal = AbortSignal.any([stop, lost.signal]);
    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    /** Never rejects: nobody waits for it before the end. A database that is away for a moment takes no card away. */
    const beat = async (): Promise<void> => {
      while (!ended.aborted) {
        try {
          if (!(await threads.hold(thread))) lost.abort(new NotFound('Another process shows this card.'));
        } catch (error) {
          log('warn', 'chat.card_not_held', { surface, error });
        }
        await clock.sleep(HOLD_EVERY, ended).catch(() => undefined);
      }
    };
    const beating = beat();
    const done = (async () => {
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) log('error', 'chat.card_failed', { surface, reference: thread.reference, error });
      } finally {
        over.abort();
        held.delete(thread.id);
        await beating;
      }
    })();
    held.set(thread.id, done);
    return done;
  }

  const followRun = (thread: Thread, run: string, first: Reply | undefined): Promise<void> =>
    holding(thread, async (signal) => {
      const painter = painterOf(thread.reference, first, signal);
      let now = thread;
      try {
        for await (const reply of services.follow(run, signal, `${surface}:${placeOf(thread.reference)}`)) {
          if (thread.shared && !reply.shared) {
            painter.show(unshared);
            await painter.finish();
            return await close(now, false);
          }
          const current = reply.about?.run;
          if (current !== undefined && current !== now.run) {
            now = { ...now, run: current, live: current };
            await threads.keep(now);
          }
          painter.show(reply);
        }
      } catch (error) {
        if (!(error instanceof NotFound) || signal.aborted) throw error;
        painter.show(removed);
      }
      await close(now, await painter.finish());
    });

  const takeOver = async (thread: Thread): Promise<void> => {
    if (held.has(thread.id) || !(await threads.hold(thread))) return;
    if (thread.run !== undefined && thread.run === thread.live) {
      void followRun(thread, thread.run, undefined);
      return;
    }
    void holding(thread, async (signal) => {
      const painter = painterOf(thread.reference, undefined, signal);
      painter.show(cutOff(thread.line));
      await close(thread, await painter.finish());
    });
  };

  return {
    async ofRun(run, first, order) {
      const thread = await post(first, run, run, order);
      void followRun(thread, run, first);
      return thread.reference;
    },
    async streamed(first, order) {
      const thread = await post(first, first.live ?? order.key, first.about?.run, order);
      const ending = Promise.withResolvers<void>();
      const painting = Promise.withResolvers<Painter>();
      const shown = holding(thread, async (signal) => {
        const painter = painterOf(thread.reference, first, signal);
        painting.resolve(painter);
        await ending.promise;
        await close(thread, await painter.finish());
      });
      const painter = await painting.promise;
      return {
        show: (reply) => painter.show(reply),
        async end() {
          ending.resolve();
          await shown;
        },
      };
    },
    async cardFor(run) {
      return (await threads.ofRun(surface, run)).find((thread) => thread.live === run);
    },
    async work(signal) {
      while (!signal.aborted) {
        try {
          for await (const thread of threads.open(surface)) await takeOver(thread);
        } catch (error) {
          // A database that is away for a moment; the cards wait in it.
          if (!signal.aborted) log('warn', 'chat.cards_unread', { surface, error });
        }
        await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
      }
      await Promise.allSettled(held.values());
    },
  };
}
