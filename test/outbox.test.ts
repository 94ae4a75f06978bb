import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/engine/clock.ts';
import { AuthRequired, RetryLater, Stopped, Undeliverable } from '../src/engine/errors.ts';
import { createOutbox, startOutbox } from '../src/engine/outbox.ts';
import type { Deliverer } from '../src/engine/services.ts';
import { openSqlite } from '../src/engine/store/sqlite.ts';
import type { Store } from '../src/engine/store/store.ts';
import type { OutboxMessage, Person, Reply } from '../src/engine/types.ts';
import { testClock } from './commands/world.ts';

const MINUTE = 60_000;
const reply: Reply = {
  tone: 'good',
  title: 'Done',
  blocks: [
    { kind: 'text', text: 'All is safe.' },
    { kind: 'image', alt: 'The new photo', bytes: new Uint8Array([1, 2, 3]), mime: 'image/jpeg' },
  ],
};

let folder: string;
let store: Store;
let clock: ReturnType<typeof testClock>;
let ana: Person;
let sent: string[];
let fail: ((message: OutboxMessage) => Promise<void> | void) | undefined;
const log = (): void => undefined;
const never = new AbortController().signal;

const mail: Deliverer = {
  surface: 'mail',
  async deliver(message) {
    await fail?.(message);
    sent.push(message.key);
  },
};
const outbox = (...deliverers: Deliverer[]) => createOutbox({ store, deliverers, clock, log });
const stored = async (): Promise<OutboxMessage[]> => {
  const list: OutboxMessage[] = [];
  for await (const message of store.find('outbox')) list.push(message);
  return list;
};
const put = async (key: string, surface = 'mail'): Promise<OutboxMessage> => {
  const message = outbox().message(ana, surface, key, reply, { run: 'r1' });
  await store.commit([{ table: 'outbox', put: message }]);
  return message;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-outbox-'));
  clock = testClock();
  store = await openSqlite(join(folder, 'keepsake.db'), { clock, log });
  ana = await store.put('people', {
    id: 'u1',
    name: 'Ana',
    role: 'owner',
    identities: [],
    created: '2026-11-22T00:00:00.000Z',
  });
  sent = [];
  fail = undefined;
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the outbox', () => {
  it('the same key for the same person and surface is one message, and another key another', () => {
    const box = outbox();
    const id = (surface: string, key: string): string => box.message(ana, surface, key, reply).id;
    expect(id('mail', 'report/r1')).toBe(id('mail', 'report/r1'));
    expect(new Set([id('mail', 'report/r1'), id('slack', 'report/r1'), id('mail', 'report/r2')]).size).toBe(3);
  });

  it('delivers what is due, once', async () => {
    await put('report/r1');
    expect(await outbox(mail).deliver(never)).toBe(1);
    expect(await outbox(mail).deliver(never)).toBe(0);
    expect(sent).toEqual(['report/r1']);
    expect((await stored())[0]).toMatchObject({ state: 'sent', tries: 1, about: { run: 'r1' } });
  });

  it('a report that a crash made the run write again does not leave a second time', async () => {
    await put('report/r1');
    await outbox(mail).deliver(never);
    await put('report/r1');
    expect((await stored())[0]?.state).toBe('waiting');
    expect(await outbox(mail).deliver(never)).toBe(0);
    expect(sent).toEqual(['report/r1']);
    expect((await stored())[0]?.state).toBe('sent');
  });

  it('two workers at once deliver each message once', async () => {
    for (let i = 0; i < 20; i++) await put(`report/r${i}`);
    const counts = await Promise.all([outbox(mail).deliver(never), outbox(mail).deliver(never)]);
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(20);
    expect(new Set(sent).size).toBe(20);
    expect(sent).toHaveLength(20);
  });

  it('a worker that vanished in the middle is replaced after its claim ran out', async () => {
    await put('report/r1');
    const [message] = await stored();
    const claimed = {
      ...(message as OutboxMessage),
      tries: 1,
      due: new Date(clock.now().getTime() + 5 * MINUTE).toISOString(),
    };
    await store.put('outbox', claimed);
    expect(await outbox(mail).deliver(never)).toBe(0);
    clock.forward(5 * MINUTE);
    expect(await outbox(mail).deliver(never)).toBe(1);
  });

  it('leaves alone what another process carries', async () => {
    await put('report/r1', 'slack');
    expect(await outbox(mail).deliver(never)).toBe(0);
    expect((await stored())[0]).toMatchObject({ state: 'waiting', tries: 0 });
  });

  it('waits longer after each failure, says why, and is dead after nine tries', async () => {
    await put('report/r1');
    fail = () => {
      throw new Error('550 no such mailbox');
    };
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      await outbox(mail).deliver(never);
      const [message] = await stored();
      pauses.push((Date.parse(message?.due ?? '') - clock.now().getTime()) / MINUTE);
      expect(message).toMatchObject({ tries: i + 1, state: i < 8 ? 'waiting' : 'dead', error: '550 no such mailbox' });
      clock.set(new Date(message?.due ?? ''));
    }
    expect(pauses).toEqual([1, 5, 30, 120, 720, 720, 720, 720, 720]);
    fail = undefined;
    expect(await outbox(mail).deliver(never)).toBe(0);
  });

  it('obeys a service that names a longer pause, and does not give it up after nine tries', async () => {
    await put('report/r1');
    fail = () => {
      throw new RetryLater('Slow down.', { after: 45 * MINUTE });
    };
    await outbox(mail).deliver(never);
    expect((await stored())[0]?.due).toBe(new Date(clock.now().getTime() + 45 * MINUTE).toISOString());
    for (let i = 0; i < 12; i++) {
      clock.forward(13 * 60 * MINUTE);
      await outbox(mail).deliver(never);
    }
    expect((await stored())[0]).toMatchObject({ state: 'waiting', tries: 13 });
  });

  it('does not try again what can never arrive, and says why', async () => {
    await put('report/r1');
    fail = () => {
      throw new Undeliverable('No such address.');
    };
    await outbox(mail).deliver(never);
    expect((await stored())[0]).toMatchObject({ state: 'dead', tries: 1, error: 'No such address.' });
    // Nobody looks at its pictures any more.
    expect((await stored())[0]?.reply.blocks.map(({ kind }) => kind)).toEqual(['text']);
    fail = undefined;
    clock.forward(14 * 24 * 60 * MINUTE);
    expect(await outbox(mail).deliver(never)).toBe(0);
  });

  it('waits for somebody to sign in as long as for a service that says later', async () => {
    await put('report/r1');
    fail = () => {
      throw new AuthRequired('The password is wrong.');
    };
    for (let i = 0; i < 9; i++) {
      await outbox(mail).deliver(never);
      clock.forward(12 * 60 * MINUTE);
    }
    expect((await stored())[0]).toMatchObject({ state: 'waiting', tries: 9, error: 'The password is wrong.' });
    fail = undefined;
    expect(await outbox(mail).deliver(never)).toBe(1);
  });

  it('a shutdown in the middle does not count as a try', async () => {
    await put('report/r1');
    const stop = new AbortController();
    fail = () => {
      stop.abort(new Stopped('bye'));
      throw new Error('connection closed');
    };
    await expect(outbox(mail).deliver(stop.signal)).rejects.toThrow(Stopped);
    // It may have arrived: whoever sends it again looks first, where that is possible.
    expect((await stored())[0]).toMatchObject({ state: 'waiting', tries: 0, cutOff: true });
    fail = undefined;
    expect(await outbox(mail).deliver(never)).toBe(1);
    expect((await stored())[0]).not.toHaveProperty('cutOff');
  });

  it('a message to somebody who was removed is dead, not retried', async () => {
    await put('report/r1');
    await store.remove('people', ana.id);
    expect(await outbox(mail).deliver(never)).toBe(0);
    expect((await stored())[0]).toMatchObject({ state: 'dead', error: 'This person is no longer known.' });
    expect(sent).toEqual([]);
  });

  it('the loop delivers what comes, outlives a store that fails once, and ends with its signal', async () => {
    const stop = new AbortController();
    let rounds = 0;
    const box = {
      ...outbox(),
      async deliver(signal: AbortSignal): Promise<number> {
        rounds++;
        if (rounds === 1) throw new Error('database is away');
        const count = await outbox(mail).deliver(signal);
        if (count > 0) stop.abort(new Stopped('enough'));
        return count;
      },
    };
    await put('report/r1');
    await startOutbox({ outbox: box, clock, log, signal: stop.signal });
    expect(sent).toEqual(['report/r1']);
    expect(rounds).toBe(2);
  });

  it('the loop looks at once when somebody waits', async () => {
    const slow = { ...clock, sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(60_000, signal) };
    const stop = new AbortController();
    const box = outbox(mail);
    const running = startOutbox({ outbox: box, clock: slow, log, signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await put('answer/1');
    box.wake();
    await expect.poll(() => sent).toContain('answer/1');
    stop.abort(new Stopped('enough'));
    await running;
    // Whoever ended is not woken any more.
    box.wake();
  });
});
