/** What is somebody else's: their buttons, their backups of the same name, their folders, their mistakes. Through dispatch. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import type { Caller, Person, Reply } from '../../src/engine/types.ts';
import { all, openWorld, type World, words } from './world.ts';

let world: World;
let dispatch: Dispatch;
let ana: Person;
let ben: Person;

beforeEach(async () => {
  world = await openWorld();
  dispatch = createDispatch(world.services);
  ana = await world.person('Ana', 'owner');
  ben = await world.person('Ben', 'member');
  for (const name of ['photos', 'bens']) {
    await mkdir(join(world.folder, name));
    await writeFile(join(world.folder, name, 'a.jpg'), name);
  }
});
afterEach(() => world.close());

async function say(person: Person, line: string, more: Partial<Caller> = {}): Promise<Reply> {
  world.clock.forward(1_000);
  return (await all(dispatch(line, world.caller(person, more)))).at(-1) as Reply;
}

async function planOf(owner: Person): Promise<string> {
  for await (const plan of world.store.find('plans', { index: 'owner', equals: [owner.id] })) return plan.id;
  throw new Error('There is none.');
}

const runsOf = (plan: string): Promise<number> => world.store.count('runs', { index: 'plan+queued', equals: [plan] });
const PRESSED = { pressed: new Date('2026-11-22T14:23:00.000Z').toISOString() };

describe('two backups of one name', () => {
  beforeEach(async () => {
    await say(ana, `backup ${world.folder}/photos to ${world.folder}/usb manually named Pictures`);
    await say(ben, `backup ${world.folder}/bens to ${world.folder}/usb2 manually named Pictures`);
  });

  it('a button below somebody else’s card does nothing to one’s own', async () => {
    const [hers, his] = [await planOf(ana), await planOf(ben)];
    const before = [await runsOf(hers), await runsOf(his)];
    for (const line of ['run Pictures', 'pause Pictures', 'delete Pictures', 'run', 'restore']) {
      const reply = await say(ben, line, { about: { plan: hers }, ...PRESSED });
      expect(reply.outcome, line).toBe('refused');
      expect(words(reply)).toContain('Nothing was done');
    }
    expect([await runsOf(hers), await runsOf(his)]).toEqual(before);
  });

  it('a button of an owner acts on the backup of its message, not on their own of that name', async () => {
    const his = await planOf(ben);
    expect(await say(ana, 'pause Pictures', { about: { plan: his }, ...PRESSED })).toMatchObject({
      about: { plan: his },
    });
    expect((await world.store.get('plans', his))?.state).toBe('paused');
    expect((await world.store.get('plans', await planOf(ana)))?.state).toBe('active');
  });
});

it('"restore" below a message about somebody else’s backup does not fall on the only one of one’s own', async () => {
  await say(ana, `backup ${world.folder}/photos to ${world.folder}/usb manually named Hers`);
  await say(ben, `backup ${world.folder}/bens to ${world.folder}/usb2 manually named His`);
  const reply = await say(ben, 'restore', { about: { plan: await planOf(ana) } });
  expect(reply.outcome).toBe('refused');
  expect(words(reply)).not.toContain('Hers');
});

it('a report that waits for the morning is not said in a channel that the backup was taken away from meanwhile', async () => {
  await say(ana, `backup ${world.folder}/photos to ${world.folder}/usb manually named Pictures`);
  await say(ana, 'share Pictures', { surface: 'slack', conversation: 'slack:T1/C1', alone: false });
  const reply: Reply = { tone: 'good', title: 'Pictures are safe.', blocks: [] };
  const about = { plan: await planOf(ana) };
  const { outbox } = world.services;
  await world.store.put('outbox', outbox.message(ana, 'slack', 'k1', reply, about, { conversation: 'slack:T1/C1' }));
  await say(ana, 'unshare Pictures');
  const [message] = await all(world.store.find('outbox', { index: 'key', equals: ['k1'] }));
  expect(message).toMatchObject({ state: 'waiting', person: ana.id });
  expect(message?.conversation).toBeUndefined();
});

describe('a password that was typed by mistake', () => {
  for (const line of [
    'connect vault password hunter2',
    'connect vault password: hunter2',
    'connect vault passwort hunter2',
    'connect vault password=hunter2',
    'connect vault https://ana:hunter2@vault.example.org',
  ])
    it(`is kept nowhere and not said back: ${line.replace('hunter2', '…')}`, async () => {
      const stranger: Person = { id: 'x', name: 'Eve', role: 'viewer', identities: [], created: PRESSED.pressed };
      for (const person of [ben, stranger]) {
        const reply = await say(person, line, { surface: 'slack', key: `event-${person.id}` });
        expect(JSON.stringify(reply)).not.toContain('hunter2');
      }
      const kept = await Promise.all(
        (['audit', 'pending', 'threads', 'seen'] as const).map((table) => all(world.store.find(table))),
      );
      expect(JSON.stringify(kept)).not.toContain('hunter2');
      expect(world.lines.join('\n')).not.toContain('hunter2');
    });
});
