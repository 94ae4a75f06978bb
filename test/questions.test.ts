import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../src/engine/commands/dispatch.ts';
import { createQuestions } from '../src/engine/questions.ts';
import type { Account, Caller, Form, Person, Reply } from '../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './commands/world.ts';

const CODE = '482913';
let world: World;
let dispatch: Dispatch;
let ana: Person;
let account: Account;

async function open(codesInChat: boolean): Promise<void> {
  world = await openWorld();
  dispatch = createDispatch({ ...world.services, config: { ...world.config, codesInChat } });
  ana = await world.person('Ana', 'member');
  account = await world.store.put('accounts', {
    id: 'acc1',
    owner: ana.id,
    name: 'icloud',
    kind: 'vault',
    settings: {},
    state: 'ready',
    created: world.clock.now().toISOString(),
  });
}
beforeEach(() => open(false));
afterEach(() => world.close());

const ask = (codesInChat = false, within = 10 * 60_000): Promise<string> => {
  const { store, clock, services } = world;
  const questions = createQuestions({
    store,
    clock,
    sealer: services.sealer,
    outbox: services.outbox,
    codesInChat,
    surfacesOf: () => ['slack', 'mail'],
  });
  const answer = questions.ask({ text: 'Apple sent a code to your devices.', within }, account);
  // A test that fails before it looks must not leave a rejection behind.
  answer.catch(() => undefined);
  return answer;
};
const asked = async (count = 2): Promise<Reply[]> => {
  for (;;) {
    const messages = await all(world.store.find('outbox'));
    if (messages.length >= count) return messages.map((message) => message.reply);
    await world.clock.sleep(1);
  }
};
const say = async (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply> => {
  world.clock.forward(1_000);
  return (await all(dispatch(line, world.caller(person, more)))).at(-1) as Reply;
};
const idOf = (reply: Reply | undefined): string => /q[0-9a-f]{6}/.exec(linesOf(reply)[0] ?? '')?.[0] ?? '';
/** Everything that is kept or was said. */
async function traces(...replies: Reply[]): Promise<string> {
  const tables = ['audit', 'pending', 'outbox', 'seen', 'settings'] as const;
  const kept = await Promise.all(tables.map((table) => all<unknown>(world.store.find(table))));
  return JSON.stringify([kept, world.lines, replies]);
}

describe('a question of a service', () => {
  it('reaches the owner where they are, and the code reaches whoever waits for it, and nothing else', async () => {
    const answer = ask();
    const [message] = await asked();
    expect(message).toMatchObject({ title: 'Apple sent a code to your devices.', onlyForCaller: true });
    expect(words(message)).toContain('2026-11-22T14:33:00.000Z');
    expect(words(message)).toContain(`answer ${idOf(message)}`);
    expect(message?.blocks.some((block) => block.kind === 'form')).toBe(false);
    const reply = await say(`answer ${idOf(message)} 482 913`);
    expect(reply).toMatchObject({ tone: 'good', onlyForCaller: true });
    expect(await answer).toBe(CODE);
    const late = await say('answer 482913');
    expect(late.title).toContain('no question open');
    const twice = await say(`answer ${idOf(message)} 482913`);
    expect(twice.title).toContain('already answered');
    expect(await traces(reply, late, twice)).not.toMatch(/482[ -]?913/);
  });

  it('with the only question open the id may be left out; with two it may not', async () => {
    const first = ask();
    await asked();
    expect((await say('answer 111111')).tone).toBe('good');
    expect(await first).toBe('111111');
    const second = ask();
    const third = ask();
    const [, , one, , other] = [...(await asked(2)), ...(await asked(6))];
    expect((await say('answer 222222')).title).toContain('Several questions');
    expect(idOf(one)).not.toBe('');
    const open = (await all(world.store.find('pending'))).filter((pending) => pending.payload.state === 'open');
    for (const { payload } of open) await say(`answer ${String(payload.id)} 3${String(payload.id).length}33`);
    expect([await second, await third]).toEqual(['3733', '3733']);
    expect(other).toBeDefined();
  });

  it('"not now" ends the waiting with a sign-in to do later', async () => {
    const answer = ask();
    const [message] = await asked();
    expect((await say(linesOf(message)[0] ?? '', { surface: 'slack' })).title).toContain('icloud waits');
    await expect(answer).rejects.toMatchObject({
      name: 'AuthRequired',
      choices: [{ label: 'Sign in to icloud', line: 'connect vault as icloud' }],
    });
  });

  it('nobody answers: it ends by itself, and an answer after that says so', async () => {
    const answer = ask(false, 60_000);
    const [message] = await asked();
    world.clock.forward(61_000);
    await expect(answer).rejects.toMatchObject({ name: 'AuthRequired', message: expect.stringContaining('in time') });
    expect((await say(`answer ${idOf(message)} ${CODE}`)).title).toContain('came too late');
  });

  it('is answered by the account’s owner or an owner of this Keepsake, by nobody else', async () => {
    const answer = ask();
    const [message] = await asked();
    const zoe = await world.person('Zoe', 'member');
    for (const line of ['answer 111111', `answer ${idOf(message)} 111111`, `answer ${idOf(message)} not now`])
      expect((await say(line, {}, zoe)).title).toContain('no question open');
    const boss = await world.person('Boss', 'owner');
    expect((await say(`answer ${idOf(message)} ${CODE}`, {}, boss)).tone).toBe('good');
    expect(await answer).toBe(CODE);
  });
});

describe('codes in chat', () => {
  it('are refused with the reason where the operator has not allowed them', async () => {
    void ask();
    const [message] = await asked();
    for (const surface of ['slack', 'discord']) {
      const reply = await say(`answer ${idOf(message)} ${CODE}`, { surface });
      expect(reply).toMatchObject({ outcome: 'refused', onlyForCaller: true });
      expect(words(reply)).toContain('KEEPSAKE_CODES_IN_CHAT=yes');
      expect(await traces(reply)).not.toContain(CODE);
    }
    await say(linesOf(message)[0] ?? '');
  });

  it('are asked for by a form where they are allowed', async () => {
    await world.close();
    await open(true);
    const answer = ask(true);
    const [message] = await asked();
    const form = message?.blocks.find((block): block is Form => block.kind === 'form');
    expect(form).toMatchObject({ label: 'Enter code', line: `answer ${idOf(message)}`, fields: [{ required: true }] });
    expect((await say(`${form?.line} ${CODE}`, { surface: 'slack', key: 'K1' })).tone).toBe('good');
    expect(await answer).toBe(CODE);
  });

  it.each([CODE, '482 913', 'the code is 482-913', `anser ${CODE}`, `answr q00aa00 ${CODE}`])(
    'typed by mistake while a question waits: %s',
    async (line) => {
      void ask();
      const [message] = await asked();
      const reply = await say(line, { surface: 'slack', conversation: 'slack:T1/C1' });
      expect(reply).toMatchObject({ onlyForCaller: true, title: 'That looks like a code. It was not used.' });
      expect(words(reply)).toContain('delete your message');
      expect(await traces(reply)).not.toMatch(/482[ -]?913/);
      expect((await all(world.store.find('audit'))).at(-1)?.line).toBe('[hidden]');
      await say(linesOf(message)[0] ?? '');
    },
  );

  it('a number is nothing special when nothing is asked', async () => {
    expect((await say(CODE, { surface: 'slack' })).title).not.toContain('code');
  });
});
