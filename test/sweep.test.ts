import { afterEach, beforeEach, expect, it } from 'vitest';
import { Stopped } from '../src/engine/errors.ts';
import { startSweep, sweep } from '../src/engine/sweep.ts';
import { all, openWorld, type World } from './commands/world.ts';

const signal = new AbortController().signal;
let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const ago = (days: number): string => new Date(world.clock.now().getTime() - days * 86_400_000).toISOString();

it('old events, expired codes, sent messages and very old audit lines go; what is still of use stays', async () => {
  const { store, services } = world;
  const ana = await world.person('Ana', 'owner');
  const message = (key: string) => services.outbox.message(ana, 'mail', key, { tone: 'good', title: key, blocks: [] });
  for (const days of [0, 29, 31]) {
    await store.put('seen', { id: `seen ${days}`, at: ago(days) });
    await store.put('outbox', { ...message(`sent ${days}`), state: 'sent', due: ago(days) });
    await store.put('outbox', { ...message(`dead ${days}`), state: 'dead', due: ago(days) });
    await store.put('outbox', { ...message(`waiting ${days}`), due: ago(days) });
  }
  await store.put('pending', { id: 'old', kind: 'confirm', payload: {}, expires: ago(1) });
  await store.put('pending', { id: 'new', kind: 'confirm', payload: {}, expires: ago(-1) });
  for (const days of [31, 401]) {
    await store.put('audit', { id: `${days}`, at: ago(days), surface: 'slack', line: 'list', outcome: 'done' });
  }
  expect(await sweep(store, world.clock, signal)).toBe(4);
  expect((await all(store.find('seen'))).map((seen) => seen.id).sort()).toEqual(['seen 0', 'seen 29']);
  expect((await all(store.find('pending'))).map((pending) => pending.id)).toEqual(['new']);
  expect((await all(store.find('audit'))).map((line) => line.id)).toEqual(['31']);
  const keys = (await all(store.find('outbox'))).map(({ key }) => key);
  expect(keys).not.toContain('sent 31');
  expect(keys).toHaveLength(8);
  expect(await sweep(store, world.clock, signal)).toBe(0);
});

it('the sealed token of a mail goes when the mail no longer waits; what else is sealed stays', async () => {
  const { store, services } = world;
  const ana = await world.person('Ana', 'owner');
  const message = (key: string) => services.outbox.message(ana, 'mail', key, { tone: 'good', title: key, blocks: [] });
  const waiting = await store.put('outbox', message('waiting'));
  const dead = await store.put('outbox', { ...message('dead'), state: 'dead' });
  const ids = [waiting.id, dead.id, 'a'.repeat(40), 'oauth', 'cursor/host/user/INBOX'];
  for (const id of ids) await store.put('settings', { id: `vault/mail/${id}`, value: 'sealed' });
  expect(await sweep(store, world.clock, signal)).toBe(2);
  const left = (await all(store.find('settings'))).map(({ id }) => id.replace('vault/mail/', ''));
  expect(left.filter((id) => ids.includes(id)).sort()).toEqual([waiting.id, 'cursor/host/user/INBOX', 'oauth'].sort());
});

it('the loop ends with its signal', async () => {
  const stop = new AbortController();
  let rounds = 0;
  const clock = {
    ...world.clock,
    sleep: async () => {
      if (++rounds === 3) stop.abort(new Stopped('enough'));
    },
  };
  await startSweep({ store: world.store, clock, log: world.services.log, signal: stop.signal });
  expect(rounds).toBe(3);
});
