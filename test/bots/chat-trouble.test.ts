import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChat } from '../../src/bots/chat/talk.ts';
import { NotAllowed, Stopped } from '../../src/engine/errors.ts';
import type { SurfaceServices } from '../../src/engine/services.ts';
import type { Person, Plan, Run, Thread } from '../../src/engine/types.ts';
import { all, linesOf, type World, words } from '../commands/world.ts';
import { fastClock } from '../fast-clock.ts';
import { inChannel, openChatWorld, said, until } from './chat-world.ts';
import { last, memoryAnswer, memoryScreen } from './memory-screen.ts';

const clock = fastClock(200);

let world: World;
let services: SurfaceServices;
let ana: Person;
let stop: AbortController;
let workers: Promise<unknown>[];
let unhandled: unknown[];
const onUnhandled = (error: unknown): void => void unhandled.push(error);

beforeEach(async () => {
  unhandled = [];
  process.on('unhandledRejection', onUnhandled);
  ({ world, ana, services } = await openChatWorld(clock));
  stop = new AbortController();
  workers = [];
});
afterEach(async () => {
  stop.abort(new Stopped('The test is over.'));
  await Promise.allSettled(workers);
  await world.close();
  process.off('unhandledRejection', onUnhandled);
});

const threads = (): Promise<Thread[]> => all(world.store.find('threads'));

/** A backup whose run waits until somebody works it. */
async function planWithRun(more: Partial<Plan> = {}): Promise<{ plan: Plan; run: Run }> {
  const line = `backup ${world.folder}/photos to ${world.folder}/copy manually named photos`;
  await createChat(services, memoryScreen().screen).say(said(line), memoryAnswer().answering);
  for (const { id } of await threads()) await world.store.remove('threads', id);
  const [plan] = await all(world.store.find('plans'));
  const [run] = await all(world.store.find('runs'));
  if (!plan || !run) throw new Error('There is no run.');
  return { plan: await world.store.put('plans', { ...plan, ...more }), run };
}

describe('a card', () => {
  it('goes on after the database was away, and nothing is left unhandled', async () => {
    await planWithRun();
    const { screen, messages } = memoryScreen();
    let away = false;
    const shaky: SurfaceServices = {
      ...services,
      threads: {
        ...services.threads,
        hold: async (thread) => {
          if (away) throw new Error('The database is away.');
          return services.threads.hold(thread);
        },
      },
    };
    const chat = createChat(shaky, screen);
    workers.push(chat.work(stop.signal));
    await chat.say(said('run photos'), memoryAnswer().answering);
    away = true;
    await clock.sleep(15_000);
    away = false;
    workers.push(world.backup.workUntil(stop.signal));
    await until(() => last(last(messages).states).tone === 'good');
    await until(async () => (await threads()).every(({ state }) => state !== 'open'));
    expect(unhandled).toEqual([]);
  });

  it('that is being drawn when the program stops leaves nothing unhandled', async () => {
    await planWithRun();
    const { screen } = memoryScreen();
    const slow = {
      ...screen,
      edit: () => new Promise<never>((_, reject) => setTimeout(() => reject(new Error('too late')), 100)),
    };
    const chat = createChat(services, slow);
    const working = chat.work(stop.signal);
    await chat.say(said('run photos'), memoryAnswer().answering);
    const [run] = await all(world.store.find('runs'));
    if (run) await world.store.put('runs', { ...run, state: 'running' });
    await clock.sleep(8_000);
    stop.abort(new Stopped('The program stops.'));
    await working;
    expect(unhandled).toEqual([]);
  });

  it('in a channel tells nothing more once its backup is no longer shared with it', async () => {
    const { plan } = await planWithRun({ conversation: 'slack:T1/C1' });
    const { screen, messages } = memoryScreen();
    const chat = createChat(services, screen);
    await chat.say(said('run photos', inChannel), memoryAnswer().answering);
    expect(last(messages).reference).toBe('T1/C1/1');
    await chat.say(said('unshare photos'), memoryAnswer().answering);
    workers.push(world.backup.workUntil(stop.signal));
    await until(async () => (await all(world.store.find('runs'))).every(({ state }) => state === 'done'));
    await until(async () => (await threads()).every(({ state }) => state !== 'open'));
    const shown = last(messages).states;
    expect(words(last(shown))).not.toContain('safe');
    expect(last(shown).title).toContain('no longer shared');
    expect((await world.store.get('plans', plan.id))?.conversation).toBeUndefined();
  });

  it('of somebody who was forgotten says so and is forgotten too', async () => {
    await planWithRun();
    const { screen, messages } = memoryScreen();
    const chat = createChat(services, screen);
    await chat.say(said('run photos'), memoryAnswer().answering);
    workers.push(world.backup.workUntil(stop.signal));
    const { answering, shown } = memoryAnswer();
    await chat.say(said('forget me'), answering);
    const [yes] = linesOf(last(shown));
    await chat.say(said(yes ?? ''), memoryAnswer().answering);
    expect(await world.store.get('people', ana.id)).toBeUndefined();
    await clock.sleep(10_000);
    await until(() => last(last(messages).states).tone !== 'busy');
    expect(JSON.stringify(await threads())).not.toContain('T1/U1');
  });
});

it('a backup that is shared with a channel the bot may not write in: the person is told', async () => {
  await planWithRun();
  const { screen, fail, messages } = memoryScreen();
  fail.post = [new NotAllowed('Keepsake is not in this channel.', { advice: 'Invite it.' })];
  const { answering, shown } = memoryAnswer();
  await createChat(services, screen).say(said('share photos', inChannel), answering);
  expect(messages).toEqual([]);
  expect(words(last(shown))).toContain('Invite it.');
});

it('a restore that was confirmed and cut off can be asked for again', async () => {
  await planWithRun();
  const chat = createChat(services, memoryScreen().screen);
  const asked = memoryAnswer();
  await chat.say(said('delete photos'), asked.answering);
  const [yes] = linesOf(last(asked.shown));
  await chat.say(said(yes ?? ''), memoryAnswer().answering);
  const again = memoryAnswer();
  await chat.say(said(yes ?? ''), again.answering);
  expect(linesOf(last(again.shown))).toContain('delete photos');
});
