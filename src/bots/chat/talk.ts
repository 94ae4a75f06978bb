/** Carries a line to the engine and its replies to where they belong: to the speaker, before everybody, or onto a card. */
import { NotAllowed, NotFound, RetryLater } from '../../engine/errors.ts';
import type { SurfaceServices } from '../../engine/services.ts';
import type { Caller, Reply, Thread } from '../../engine/types.ts';
import { type CardOrder, createCards, type StreamedCard, threadId } from './cards.ts';
import type { Answering, Chat, ChatScreen, Said, Speaker } from './chat.ts';
import { createDelivery } from './delivery.ts';
import { cutOff, repetition, unshown } from './lost-answers.ts';
import { BETWEEN_EDITS } from './pace.ts';
import { postOnce } from './post-once.ts';

const unwell = (): Reply => ({
  tone: 'bad',
  title: 'I could not do that: something is wrong on my side.',
  blocks: [{ kind: 'text', text: 'Nothing of your backups is lost. Please say it again in a minute.' }],
  onlyForCaller: true,
  outcome: 'failed',
});

const begun = (link: string | undefined): Reply => ({
  tone: 'busy',
  title: 'It has begun.',
  blocks: [
    { kind: 'text', text: 'I show how far it is in our direct messages.' },
    ...(link === undefined ? [] : [{ kind: 'link' as const, label: 'Show it', url: link }]),
  ],
  onlyForCaller: true,
});

/** What everybody was to see, where the bot may not write: the speaker at least learns why nobody else does. */
const unseen = (reply: Reply, { message, advice }: NotAllowed): Reply => ({
  ...reply,
  blocks: [...reply.blocks, { kind: 'text', text: `Only you see this. ${message} ${advice}` }],
});

const withoutLive = ({ live: _, ...reply }: Reply): Reply => reply;

/** The run whose card a reply is; a restore has a card too, but no run. */
const runOf = (reply: Reply): string | undefined =>
  reply.live !== undefined && reply.about?.run === reply.live ? reply.live : undefined;

const isBusy = (reply: Reply): boolean => reply.live !== undefined && reply.tone === 'busy';

/** Some milliseconds of work. */
const BEGIN_AT_ONCE = 4;

/**
 * A few lines begin per turn of the event loop. What is done for a line is mostly work without a pause: of two hundred at
 * the same moment, the last would otherwise wait for its acknowledgement until the others are answered.
 */
function createTurns(): () => Promise<void> {
  let turn = Promise.resolve();
  let beginning = 0;
  return () => {
    if (beginning++ % BEGIN_AT_ONCE === 0) turn = turn.then(() => new Promise((resolve) => void setImmediate(resolve)));
    return turn;
  };
}

export function createChat(services: SurfaceServices, screen: ChatScreen): Chat {
  const { surface } = screen;
  const stop = new AbortController();
  const cards = createCards(services, screen, stop.signal);
  const talking = new Set<Promise<void>>();
  /** Keys of the events in hand. */
  const inHand = new Set<string>();
  const placing = new Map<string, Promise<unknown>>();
  const turn = createTurns();

  async function callerOf({ by, key, where, about, pressed }: Omit<Said, 'line'>): Promise<Caller> {
    const { name, zone, locale } = by;
    const person = await services.person(
      { surface, id: by.id },
      { name, ...(zone === undefined ? {} : { zone }), ...(locale === undefined ? {} : { locale }) },
    );
    return {
      person,
      surface,
      key,
      conversation: `${surface}:${where.conversation}`,
      alone: where.alone,
      ...(about === undefined ? {} : { about }),
      ...(pressed === undefined ? {} : { pressed }),
      zone: person.zone ?? zone ?? services.zone,
      signal: stop.signal,
    };
  }

  /** Keeps what a message is about, so that it can be answered later. */
  async function note(reference: string | undefined, { about }: Reply): Promise<void> {
    if (reference === undefined || (about?.plan === undefined && about?.run === undefined)) return;
    await services.threads.keep({
      id: threadId(surface, reference),
      surface,
      reference,
      ...about,
      posted: services.clock.now().toISOString(),
    });
  }

  async function show(reply: Reply, said: Said, answering: Answering, nth: number): Promise<void> {
    if (!reply.shared || said.where.alone) {
      await note(await answering.show(reply), reply);
      return;
    }
    const key = `${said.key}/${nth}`;
    const posting = { key, signal: stop.signal };
    try {
      await note(await postOnce({ screen, clock: services.clock }, said.where.conversation, reply, posting), reply);
    } catch (error) {
      if (!(error instanceof NotAllowed)) throw error;
      await answering.show(unseen(reply, error));
      return;
    }
    await answering.nothing?.();
  }

  /** Where the speaker's card stands: before everybody only if the backup is shared with them. */
  const cardPlace = async (reply: Reply, said: Said): Promise<string> =>
    said.where.alone || reply.shared ? said.where.conversation : screen.direct(said.by.id, stop.signal);

  /** A card in the answer itself, for people who take no direct messages: as long as an answer can be changed. */
  async function cardInAnswer(first: Reply, rest: AsyncIterator<Reply>, answering: Answering): Promise<void> {
    const closed: Reply = {
      ...first,
      blocks: [
        ...first.blocks,
        {
          kind: 'text',
          text: 'I cannot write to you directly, so this stands still after some minutes; `status` shows the rest.',
        },
      ],
    };
    await answering.show(closed);
    let shown = services.clock.now().getTime();
    for (;;) {
      const { value, done } = await rest.next();
      if (done) return;
      const reply: Reply = value;
      const now = services.clock.now().getTime();
      if (isBusy(reply) && now - shown < BETWEEN_EDITS) continue;
      shown = now;
      await (answering.replace?.(withoutLive(reply)) ?? answering.show(withoutLive(reply)));
    }
  }

  /** The card of a run, looked for and else posted: one at a time, or two clicks at once would make two cards. */
  async function cardOfRun(run: string, reply: Reply, said: Said): Promise<{ open: Thread } | { posted?: string }> {
    const before = placing.get(run);
    const mine = (async () => {
      await before?.catch(() => undefined);
      const open = await cards.cardFor(run);
      if (open) return { open };
      const posted = await placed(reply, said, (order) => cards.ofRun(run, reply, order));
      return posted === undefined ? {} : { posted };
    })();
    placing.set(run, mine);
    return mine.finally(() => {
      if (placing.get(run) === mine) placing.delete(run);
    });
  }

  /** The rest of the replies is of no interest where there is a card: it follows the run by itself. */
  async function runCard(
    run: string,
    reply: Reply,
    said: Said,
    answering: Answering,
    rest: AsyncIterator<Reply>,
  ): Promise<void> {
    const card = await cardOfRun(run, reply, said);
    if ('open' in card) {
      const link = await screen.link?.(card.open.reference, stop.signal);
      const where: Reply['blocks'] = link === undefined ? [] : [{ kind: 'link', label: 'Show its card', url: link }];
      await answering.show({ ...withoutLive(reply), blocks: [...reply.blocks, ...where] });
      return;
    }
    if (card.posted === undefined) return cardInAnswer(reply, rest, answering);
    await told(reply, said, answering, card.posted);
  }

  /** Posts a card where it belongs; undefined when the bot may not write there. */
  async function placed<T>(reply: Reply, said: Said, post: (order: CardOrder) => Promise<T>): Promise<T | undefined> {
    try {
      const conversation = await cardPlace(reply, said);
      return await post({ conversation, key: reply.live ?? said.key, person: said.by.id, line: said.line });
    } catch (error) {
      if (!(error instanceof NotAllowed)) throw error;
      return undefined;
    }
  }

  async function told(reply: Reply, said: Said, answering: Answering, reference: string | undefined): Promise<void> {
    if (said.where.alone || reply.shared) {
      await answering.nothing?.();
      return;
    }
    const link = reference === undefined ? undefined : await screen.link?.(reference, stop.signal);
    await answering.show(begun(link));
  }

  async function work(said: Said, answering: Answering, isFirst: boolean): Promise<void> {
    const replies = services.dispatch(said.line, await callerOf(said))[Symbol.asyncIterator]();
    let card: StreamedCard | undefined;
    try {
      for (let nth = 0; ; nth++) {
        const { value, done } = await replies.next();
        if (done) return;
        const reply: Reply = value;
        const again = repetition(reply);
        // Who said it once has nothing to read about a second delivery, unless a process that died had begun with the first.
        if (again && (again.answered || !isFirst)) return await answering.nothing?.();
        if (again) return void (await answering.show(cutOff));
        const run = runOf(reply);
        if (run !== undefined) return await runCard(run, reply, said, answering, replies);
        if (reply.live !== undefined && card) {
          card.show(reply);
        } else if (isBusy(reply)) {
          card = await placed(reply, said, (order) => cards.streamed(reply, order));
          if (!card) return await cardInAnswer(reply, replies, answering);
          await told(reply, said, answering, undefined);
        } else {
          await show(withoutLive(reply), said, answering, nth);
        }
      }
    } finally {
      await card?.end();
      await replies.return?.();
    }
  }

  async function say(said: Said, answering: Answering): Promise<void> {
    const isFirst = !inHand.has(said.key);
    inHand.add(said.key);
    const done = (async () => {
      try {
        await turn();
        await work(said, answering, isFirst);
      } catch (error) {
        if (stop.signal.aborted) return;
        // Too late to answer here; whatever was done is done, and its reports arrive on their own.
        const late = error instanceof NotFound || error instanceof NotAllowed;
        services.log(late ? 'warn' : 'error', 'chat.not_answered', { surface, key: said.key, error });
        if (late) return;
        await answering
          .show(error instanceof RetryLater ? unshown : unwell())
          .catch((cause: unknown) => services.log('warn', 'chat.silent', { surface, key: said.key, error: cause }));
      } finally {
        if (isFirst) inHand.delete(said.key);
        screen.changed?.(said.by.id);
      }
    })();
    talking.add(done);
    await done.finally(() => talking.delete(done));
  }

  return {
    say,
    async ask(said) {
      const replies: Reply[] = [];
      for await (const reply of services.dispatch(said.line, await callerOf(said))) replies.push(reply);
      return replies;
    },
    async suggest(wanted, by: Speaker) {
      const where = { conversation: '', alone: true };
      return services.suggest(wanted, await callerOf({ by, key: '', where }));
    },
    async form(what, said) {
      return services.form(what, await callerOf(said));
    },
    async about(reference) {
      const thread = await services.threads.at(surface, reference);
      if (!thread) return undefined;
      const { plan, run } = thread;
      return { ...(plan === undefined ? {} : { plan }), ...(run === undefined ? {} : { run }) };
    },
    async work(signal) {
      const end = (): void => stop.abort(signal.reason);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
      await cards.work(stop.signal);
      await Promise.allSettled(talking);
    },
    deliverer: createDelivery(services, screen),
  };
}
