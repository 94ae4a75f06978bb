/**
 * Messages that leave: written in the same commit as what they report, delivered at least once, with growing pauses,
 * until they arrive or are dead and shown in `status`.
 */
import { createHash } from 'node:crypto';
import { AuthRequired, Conflict, RetryLater, Undeliverable } from './errors.ts';
import type { Deliverer, Outbox } from './services.ts';
import type { Store } from './store/store.ts';
import type { Clock, Log, OutboxMessage, Reply } from './types.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PAUSES = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR];
/** With the pauses above: two and a half days for a message that is refused ... */
const TRIES = 9;
/** ... and two weeks for a service that only says "later", or that waits for somebody to sign in. */
const TRIES_LATER = 32;
/**
 * A claimed message is due again after this time, should its worker vanish; a delivery is cut off before, so that no
 * second worker begins while the first is still at it. And it is short of the minutes (five, in our Discord) in which a
 * service recognises a message that it was given before.
 */
const CLAIM = 3 * MINUTE;
const LONGEST_DELIVERY = 2 * MINUTE;
/** One round; the next one goes on with the rest. */
const BATCH = 100;

const pauseAfter = (tries: number): number => PAUSES[Math.min(tries, PAUSES.length) - 1] ?? MINUTE;

const messageId = (surface: string, person: string, key: string): string =>
  createHash('sha256').update(`${surface}\0${person}\0${key}`).digest('hex').slice(0, 40);

/**
 * What remembers a delivery. `commit` writes without looking at revisions, so a run that is finished twice (a crash in
 * between) puts its report back as waiting; this line keeps it from leaving again.
 */
const sentId = (message: string): string => `outbox/${message}`;

/** What was sent is kept for a month to be known again, and what is dead for `status` to name; neither to be looked at. */
const withoutBytes = (reply: Reply): Reply => ({
  ...reply,
  blocks: reply.blocks.filter(({ kind }) => kind !== 'image' && kind !== 'file'),
});

/**
 * Of what has left, without what could be used by whoever reads the database: the reply tokens in the references of an
 * answer, and the code of a message to an address that is to be proved.
 */
const spent = ({ reply, address, answers }: OutboxMessage): Pick<OutboxMessage, 'reply' | 'answers'> => ({
  reply: address === undefined ? withoutBytes(reply) : { ...reply, blocks: [] },
  ...(answers === undefined ? {} : { answers: { ...answers, references: [] } }),
});

const ifStillOurs = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
  }
};

/**
 * The outbox of one process. It delivers only what its `deliverers` can carry and leaves the rest to the process that
 * can. Two workers never deliver one message at the same time: claiming moves `due` forward under the revision check.
 */
export function createOutbox(o: { store: Store; deliverers: readonly Deliverer[]; clock: Clock; log: Log }): Outbox {
  const { store, clock, log } = o;
  const bySurface = new Map(o.deliverers.map((deliverer) => [deliverer.surface, deliverer]));
  const looking = new Set<() => void>();
  const at = (ms: number): string => new Date(clock.now().getTime() + ms).toISOString();

  const claim = async (message: OutboxMessage): Promise<OutboxMessage | undefined> => {
    try {
      return await store.put('outbox', { ...message, tries: message.tries + 1, due: at(CLAIM) });
    } catch (error) {
      if (error instanceof Conflict) return undefined;
      throw error;
    }
  };

  const sent = async (message: OutboxMessage): Promise<void> => {
    const now = at(0);
    await store.commit([{ table: 'seen', put: { id: sentId(message.id), at: now, outcome: 'sent' } }]);
    const { error: _, cutOff: __, ...rest } = message;
    await ifStillOurs(store.put('outbox', { ...rest, ...spent(rest), state: 'sent', sent: now }));
  };

  const failed = async (message: OutboxMessage, error: unknown): Promise<void> => {
    const later = error instanceof RetryLater || error instanceof AuthRequired;
    const dead = error instanceof Undeliverable || message.tries >= (later ? TRIES_LATER : TRIES);
    const pause = Math.max(pauseAfter(message.tries), (error instanceof RetryLater ? error.after : undefined) ?? 0);
    const text = error instanceof Error ? error.message : String(error);
    log(dead ? 'error' : 'warn', dead ? 'outbox.dead' : 'outbox.later', {
      message: message.id,
      surface: message.surface,
      tries: message.tries,
      error,
    });
    await ifStillOurs(
      store.put('outbox', {
        ...message,
        ...(dead ? { state: 'dead', ...spent(message) } : { state: 'waiting' }),
        due: at(pause),
        error: text,
      }),
    );
  };

  /** True when it left now. */
  const deliverOne = async (waiting: OutboxMessage, deliverer: Deliverer, signal: AbortSignal): Promise<boolean> => {
    const message = await claim(waiting);
    if (!message) return false;
    if (await store.get('seen', sentId(message.id))) {
      await sent(message);
      return false;
    }
    const to = await store.get('people', message.person);
    if (!to) {
      await failed(message, new Undeliverable('This person is no longer known.'));
      return false;
    }
    const limit = AbortSignal.timeout(LONGEST_DELIVERY);
    try {
      await deliverer.deliver(message, to, AbortSignal.any([signal, limit]));
    } catch (error) {
      if (signal.aborted) {
        // A shutdown is nobody's failure: the try does not count, and the next start sends it at once.
        await ifStillOurs(store.put('outbox', { ...message, tries: waiting.tries, cutOff: true, due: at(0) }));
        throw signal.reason;
      }
      await failed(message, error);
      return false;
    }
    await sent(message);
    return true;
  };

  return {
    message: (to, surface, key, reply, about, more = {}) => {
      const now = at(0);
      return {
        id: messageId(surface, to.id, key),
        person: to.id,
        surface,
        key,
        reply,
        ...(about === undefined ? {} : { about }),
        state: 'waiting',
        tries: 0,
        due: more.due ?? now,
        created: now,
        ...(more.conversation === undefined ? {} : { conversation: more.conversation }),
        ...(more.answers === undefined ? {} : { answers: more.answers }),
        ...(more.address === undefined ? {} : { address: more.address }),
      };
    },
    wake() {
      for (const look of [...looking]) look();
    },
    onWake(look) {
      looking.add(look);
      return () => void looking.delete(look);
    },
    async deliver(signal) {
      const due: { message: OutboxMessage; deliverer: Deliverer }[] = [];
      // `to` is exclusive, and what is due this very millisecond is due.
      for await (const message of store.find('outbox', { index: 'state+due', equals: ['waiting'], to: at(1) })) {
        const deliverer = bySurface.get(message.surface);
        if (deliverer) due.push({ message, deliverer });
        if (due.length === BATCH) break;
      }
      let count = 0;
      for (const { message, deliverer } of due) {
        signal.throwIfAborted();
        if (await deliverOne(message, deliverer, signal)) count++;
      }
      return count;
    },
  };
}

/**
 * Delivers again and again until `signal` is aborted; then it resolves. A store that is away for a while is logged and
 * tried again: messages wait in it.
 */
export async function startOutbox(o: {
  outbox: Outbox;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Milliseconds between two rounds. */
  every?: number;
}): Promise<void> {
  const every = o.every ?? 2_000;
  let woken = new AbortController();
  const end = o.outbox.onWake(() => woken.abort());
  while (!o.signal.aborted) {
    woken = new AbortController();
    try {
      await o.outbox.deliver(o.signal);
    } catch (error) {
      if (!o.signal.aborted) o.log('error', 'outbox.failed', { error });
    }
    try {
      await o.clock.sleep(every, AbortSignal.any([o.signal, woken.signal]));
    } catch (error) {
      if (!o.signal.aborted && !woken.signal.aborted) throw error;
    }
  }
  end();
}
