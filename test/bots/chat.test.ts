import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answering } from '../../src/bots/chat/chat.ts';
import { lastWords } from '../../src/bots/chat/last-words.ts';
import { BETWEEN_EDITS, EDITS_A_MINUTE, waitFor } from '../../src/bots/chat/pace.ts';
import { createChat } from '../../src/bots/chat/talk.ts';
import { NotAllowed, RetryLater, Stopped } from '../../src/engine/errors.ts';
import type { SurfaceServices } from '../../src/engine/services.ts';
import { createSurfaceServices } from '../../src/engine/surface.ts';
import type { OutboxMessage, Person, Thread } from '../../src/engine/types.ts';
import { type World, words } from '../commands/world.ts';
import { fastClock } from '../fast-clock.ts';
import { inChannel, openChatWorld, said, until } from './chat-world.ts';
import { last, memoryAnswer, memoryScreen } from './memory-screen.ts';

const clock = fastClock(200);

describe('chat', () => {
  let world: World;
  let services: SurfaceServices;
  let ana: Person;
  let stop: AbortController;
  let workers: Promise<unknown>[];

  beforeEach(async () => {
    ({ world, ana, services } = await openChatWorld(clock));
    stop = new AbortController();
    workers = [];
  });
  afterEach(async () => {
    stop.abort(new Stopped('The test is over.'));
    await Promise.allSettled(workers);
    await world.close();
  });

  const engine = (): void => void workers.push(world.backup.workUntil(stop.signal));
  const makePlan = async (): Promise<void> => {
    const chat = createChat(services, memoryScreen().screen);
    const { answering } = memoryAnswer();
    await chat.say(said(`backup ${world.folder}/photos to ${world.folder}/copy manually named photos`), answering);
    await until(async () => (await runs())[0]?.state === 'done');
  };
  const runs = async () => {
    const found = [];
    for await (const run of world.store.find('runs')) found.push(run);
    return found;
  };
  const threads = async (): Promise<Thread[]> => {
    const found: Thread[] = [];
    for await (const thread of world.store.find('threads')) found.push(thread);
    return found;
  };

  it('a new backup is confirmed, and one message shows its first run until the end', async () => {
    engine();
    const { screen, messages, changed } = memoryScreen();
    const chat = createChat(services, screen);
    const { answering, shown } = memoryAnswer();
    await chat.say(said(`backup ${world.folder}/photos to ${world.folder}/copy weekly named photos`), answering);
    expect(shown.map(({ title }) => title)).toEqual(['photos is set up']);
    expect(messages).toHaveLength(1);
    await until(() => last(last(messages).states).tone === 'good');
    expect(last(last(messages).states).title).toContain('The one photo is safe');
    await until(async () => (await threads()).every((thread) => thread.state !== 'open'));
    const [thread] = await threads();
    expect(thread?.reference).toBe('T1/D1/1');
    expect(await chat.about('T1/D1/1')).toEqual({ plan: thread?.plan, run: thread?.run });
    expect(changed).toContain('T1/U1');
  });

  it('in a channel only the speaker is told, and the card stands in their direct messages', async () => {
    engine();
    const { screen, messages } = memoryScreen();
    const chat = createChat(services, screen);
    const { answering, shown } = memoryAnswer();
    await chat.say(said(`backup ${world.folder}/photos to ${world.folder}/copy manually`, inChannel), answering);
    expect(messages.map(({ reference }) => reference)).toEqual(['D-T1/U1/1']);
    expect(words(last(shown))).toContain('direct messages');
    expect(last(shown).blocks).toContainEqual({
      kind: 'link',
      label: 'Show it',
      url: 'https://chat.example.org/D-T1/U1/1',
    });
  });

  it('a backup that is shared with the channel shows its card there', async () => {
    engine();
    await makePlan();
    for await (const plan of world.store.find('plans'))
      await world.store.put('plans', { ...plan, conversation: 'slack:T1/C1' });
    const { screen, messages } = memoryScreen();
    const { answering, shown, counts } = memoryAnswer();
    await createChat(services, screen).say(said('run photos', inChannel), answering);
    expect(messages.map(({ reference }) => reference)).toEqual(['T1/C1/1']);
    expect(shown).toEqual([]);
    expect(counts.nothing).toBe(1);
  });

  it('who takes no direct messages sees the card in the answer', async () => {
    engine();
    const { screen, messages, fail } = memoryScreen();
    fail.direct = new NotAllowed('Ana takes no direct messages.');
    const { answering, shown } = memoryAnswer();
    const line = `backup ${world.folder}/photos to ${world.folder}/copy manually`;
    await createChat(services, screen).say(said(line, inChannel), answering);
    expect(messages).toEqual([]);
    expect(last(shown).tone).toBe('good');
  });

  it('a service that says "later" to edits gets the last state all the same, and posts go on meanwhile', async () => {
    engine();
    const { screen, messages, fail } = memoryScreen();
    fail.edit = [
      new RetryLater('Slack wants a pause.', { after: 1_000 }),
      new Error('502'),
      new RetryLater('Slack wants a pause.', { after: 30_000 }),
    ];
    const chat = createChat(services, screen);
    await chat.say(said(`backup ${world.folder}/photos to ${world.folder}/copy manually`), memoryAnswer().answering);
    expect(await screen.post('T1/C9', last(last(messages).states), { key: 'x', signal: stop.signal })).toBe('T1/C9/2');
    await until(() => messages[0] !== undefined && last(messages[0].states).tone === 'good');
    expect(fail.edit).toEqual([]);
  });

  it('a card that somebody removed is let go', async () => {
    const { screen, messages } = memoryScreen();
    const chat = createChat(services, screen);
    await chat.say(said(`backup ${world.folder}/photos to ${world.folder}/copy manually`), memoryAnswer().answering);
    messages.length = 0;
    engine();
    await until(async () => (await threads()).every((thread) => thread.state !== 'open'));
  });

  it('a second "run" shows where the card is instead of a second one', async () => {
    const { screen, messages } = memoryScreen();
    const chat = createChat(services, screen);
    await chat.say(said(`backup ${world.folder}/photos to ${world.folder}/copy manually`), memoryAnswer().answering);
    const { answering, shown } = memoryAnswer();
    await chat.say(said('run'), answering);
    expect(messages).toHaveLength(1);
    expect(last(shown).blocks).toContainEqual(
      expect.objectContaining({ kind: 'link', url: 'https://chat.example.org/T1/D1/1' }),
    );
  });

  it('two clicks at the same moment make one card', async () => {
    const enough = new AbortController();
    const working = world.backup.workUntil(enough.signal);
    await makePlan();
    // The run that both ask for waits: a fast one could be over before the second click.
    enough.abort(new Stopped('The first run is over.'));
    await working;
    const { screen, messages } = memoryScreen();
    const chat = createChat(services, screen);
    const first = memoryAnswer();
    const second = memoryAnswer();
    await Promise.all([chat.say(said('run photos'), first.answering), chat.say(said('run photos'), second.answering)]);
    expect(messages).toHaveLength(1);
    expect([...first.shown, ...second.shown].map(({ blocks }) => blocks)).toEqual([
      expect.arrayContaining([expect.objectContaining({ kind: 'link', url: 'https://chat.example.org/T1/D1/1' })]),
    ]);
    expect(await runs()).toHaveLength(2);
  });

  it('a card whose answer is lost is looked for before it is posted again', async () => {
    engine();
    const { screen, messages, fail, posts } = memoryScreen();
    fail.post = [new RetryLater('Slack could not be reached.')];
    const { answering, shown } = memoryAnswer();
    await createChat(services, screen).say(
      said(`backup ${world.folder}/photos to ${world.folder}/copy named photos`),
      answering,
    );
    expect(shown.map(({ title }) => title)).toEqual(['photos is set up']);
    expect(messages).toHaveLength(1);
    expect(posts.map(({ again }) => again)).toEqual([false, true]);
    expect(new Set(posts.map(({ key }) => key)).size).toBe(1);
  });

  it('the next process goes on with the same message', async () => {
    const first = memoryScreen();
    const before = new AbortController();
    const chat = createChat(services, first.screen);
    const working = chat.work(before.signal);
    await chat.say(said(`backup ${world.folder}/photos to ${world.folder}/copy manually`), memoryAnswer().answering);
    before.abort(new Stopped('A restart.'));
    await working;
    expect((await threads()).map((thread) => thread.state)).toEqual(['open']);
    // The lease of the process that died runs out.
    await clock.sleep(40_000);
    engine();
    const again = createSurfaceServices(world.services, {
      dispatch: services.dispatch,
      suggest: services.suggest,
      form: services.form,
    });
    workers.push(createChat(again, first.screen).work(stop.signal));
    await until(() => last(last(first.messages).states).tone === 'good');
    expect(first.messages).toHaveLength(1);
    await until(async () => (await threads()).every((thread) => thread.state !== 'open'));
  });

  it('a restore that a restart cut off says so, with the line to do it again', async () => {
    const { screen, messages } = memoryScreen();
    await screen.post(
      'T1/D1',
      { tone: 'busy', title: 'Restoring', blocks: [], live: 'restore:p:1' },
      {
        key: 'x',
        signal: stop.signal,
      },
    );
    await services.threads.keep({
      id: 'slack/T1/D1/1',
      surface: 'slack',
      reference: 'T1/D1/1',
      state: 'open',
      live: 'restore:p:1',
      line: 'restore photos skip',
      person: 'T1/U1',
      posted: clock.now().toISOString(),
    });
    workers.push(createChat(services, screen).work(stop.signal));
    await until(() => last(last(messages).states).title.includes('cut this off'));
    expect(words(last(last(messages).states))).toContain('restore photos skip');
  });

  it('what fails on our side is said, and nothing is thrown', async () => {
    const { answering, shown } = memoryAnswer();
    const broken: SurfaceServices = {
      ...services,
      async *dispatch() {
        yield* [];
        throw new Error('database is away');
      },
    };
    await createChat(broken, memoryScreen().screen).say(said('status'), answering);
    expect(last(shown).title).toContain('wrong on my side');
    expect(world.lines.some((line) => line.includes('database is away'))).toBe(true);
  });

  it('a repeated delivery is done once', async () => {
    engine();
    const { screen } = memoryScreen();
    const chat = createChat(services, screen);
    const event = said(`backup ${world.folder}/photos to ${world.folder}/copy manually`);
    const { answering, shown } = memoryAnswer();
    await chat.say(event, memoryAnswer().answering);
    await chat.say(event, answering);
    expect(await runs()).toHaveLength(1);
    expect(shown).toEqual([]);
  });

  it('a second delivery while the first is at work says nothing of its own', async () => {
    engine();
    const { screen, messages } = memoryScreen();
    const chat = createChat(services, screen);
    const event = said(`backup ${world.folder}/photos to ${world.folder}/copy manually`);
    const first = memoryAnswer();
    const second = memoryAnswer();
    await Promise.all([chat.say(event, first.answering), chat.say(event, second.answering)]);
    expect(messages).toHaveLength(1);
    expect([...first.shown, ...second.shown]).toHaveLength(1);
    expect(first.counts.nothing + second.counts.nothing).toBeGreaterThan(0);
  });

  it('what a process that died had begun is told when the service delivers it again', async () => {
    const event = said('status');
    const caller = { person: ana, surface: 'slack', key: event.key, zone: 'UTC', signal: stop.signal };
    // It is taken, and goes no further.
    await services.dispatch('status', caller)[Symbol.asyncIterator]().next();
    const { answering, shown } = memoryAnswer();
    await createChat(services, memoryScreen().screen).say(event, answering);
    expect(shown.map(({ title }) => title)).toEqual(['A restart of Keepsake cut this off.']);
  });

  it('an answer that does not get through is not told as if nothing had been done', async () => {
    const { answering, shown } = memoryAnswer();
    let tries = 0;
    const lost: Answering = {
      ...answering,
      async show(reply) {
        if (tries++ === 0) throw new RetryLater('Slack could not be reached.');
        return answering.show(reply);
      },
    };
    await createChat(services, memoryScreen().screen).say(said('status'), lost);
    expect(shown.map(({ title }) => title)).toEqual(['My answer did not get through.']);
  });

  describe('reports', () => {
    const message = (more: Partial<OutboxMessage> = {}): OutboxMessage => ({
      id: 'm1',
      person: 'ana',
      surface: 'slack',
      key: 'report/r1/slack',
      reply: { tone: 'bad', title: 'The backup did not finish.', blocks: [] },
      about: { plan: 'p1', run: 'r1' },
      state: 'waiting',
      tries: 1,
      due: clock.now().toISOString(),
      created: clock.now().toISOString(),
      ...more,
    });

    it('go to the person, and what they are about is kept', async () => {
      const { screen, messages } = memoryScreen();
      const { deliverer, about } = createChat(services, screen);
      await deliverer.deliver(message(), ana, stop.signal);
      expect(messages.map(({ reference }) => reference)).toEqual(['D-T1/U1/1']);
      expect(await about('D-T1/U1/1')).toEqual({ plan: 'p1', run: 'r1' });
    });

    it('go into the conversation that the backup is shared with', async () => {
      const { screen, messages } = memoryScreen();
      await createChat(services, screen).deliverer.deliver(message({ conversation: 'slack:T1/C1' }), ana, stop.signal);
      expect(messages.map(({ reference }) => reference)).toEqual(['T1/C1/1']);
    });

    it('are not said below a card that has just shown the same', async () => {
      const { screen, messages } = memoryScreen();
      await services.threads.keep({
        id: 'slack/D-T1/U1/7',
        surface: 'slack',
        reference: 'D-T1/U1/7',
        run: 'r1',
        live: 'r1',
        posted: clock.now().toISOString(),
      });
      const { deliverer } = createChat(services, screen);
      await deliverer.deliver(message(), ana, stop.signal);
      expect(messages).toEqual([]);
      clock.forward(5 * 60_000);
      await deliverer.deliver(message(), ana, stop.signal);
      expect(messages).toHaveLength(1);
    });

    it('are looked for where an earlier try may have arrived', async () => {
      const { screen, posts } = memoryScreen();
      const { deliverer } = createChat(services, screen);
      await deliverer.deliver(message(), ana, stop.signal);
      await deliverer.deliver(message({ tries: 2 }), ana, stop.signal);
      await deliverer.deliver(message({ cutOff: true }), ana, stop.signal);
      expect(posts.map(({ again }) => again)).toEqual([false, true, true]);
    });

    it('fail plainly for somebody who is not known there', async () => {
      const { deliverer } = createChat(services, memoryScreen().screen);
      const ben = { ...ana, name: 'Ben', identities: [] };
      await expect(deliverer.deliver(message(), ben, stop.signal)).rejects.toThrow('Ben is not known on slack');
    });
  });
});

describe('the end', () => {
  it('waits for answers that are under way', async () => {
    const answer = Promise.withResolvers<void>();
    const ended: string[] = [];
    const ending = lastWords(new Set([answer.promise]), fastClock(1)).then(() => ended.push('end'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toEqual([]);
    answer.resolve();
    await ending;
  });

  it('does not wait for one that never comes', () => lastWords(new Set([new Promise(() => {})]), fastClock(1_000)));
});

describe('the pace of edits', () => {
  const at = (edits: number[], card?: number, notBefore = 0) => ({ edits, card, notBefore });

  it('begins at once', () => expect(waitFor(at([]), 0)).toBe(0));
  it('leaves a pause between two edits of one card', () =>
    expect(waitFor(at([1_000], 1_000), 2_000)).toBe(BETWEEN_EDITS - 1_000));
  it('does not keep one card waiting for another', () => expect(waitFor(at([1_000]), 1_001)).toBe(0));
  it('stays below the limit of all cards together', () => {
    const edits = Array.from({ length: EDITS_A_MINUTE }, (_, index) => index * 100);
    expect(waitFor(at(edits), 5_000)).toBe(55_000);
    expect(waitFor(at(edits), 60_001)).toBe(0);
  });
  it('obeys what the service asked for', () => expect(waitFor(at([], undefined, 9_000), 4_000)).toBe(5_000));
});
