/** What a mail may do with a token, with a verified sender, with both and with neither. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import { callerPerson } from '../../src/engine/people.ts';
import type { Tokens } from '../../src/engine/services.ts';
import { createTokens } from '../../src/engine/tokens.ts';
import type { Caller, Person, Reply } from '../../src/engine/types.ts';
import { all, linesOf, openWorld, type World } from './world.ts';

let world: World;
let dispatch: Dispatch;
let tokens: Tokens;
let ana: Person;

beforeEach(async () => {
  world = await openWorld();
  dispatch = createDispatch(world.services);
  tokens = createTokens(world.services);
  ana = await callerPerson(
    world.store,
    { surface: 'terminal', id: 'ana' },
    { clock: world.clock, name: 'Ana', trusted: true },
  );
  await mkdir(join(world.folder, 'Pictures'));
  await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
  await mkdir(join(world.folder, 'usb'));
  await say(
    `backup ${join(world.folder, 'Pictures')} to ${join(world.folder, 'usb')} named photos`,
    undefined,
    'terminal',
  );
});
afterEach(() => world.close());

async function say(line: string, proof?: Caller['proof'], surface = 'mail'): Promise<Reply> {
  world.clock.forward(1_000);
  const caller = world.caller(ana, { surface, ...(proof === undefined ? {} : { proof }) });
  return (await all(dispatch(line, caller))).at(-1) as Reply;
}
const stateOf = async (): Promise<string | undefined> =>
  (await all(world.store.find('plans'))).find(({ name }) => name === 'photos')?.state;
const tokenId = async (): Promise<string> => (await tokens.findReply(await tokens.reply({ person: ana.id })))?.id ?? '';
const asks = (reply: Reply): boolean => reply.title.startsWith('Did you write this');

describe('the word of a mail', () => {
  it('looking needs no more than one proof', async () => {
    for (const proof of [{ verified: true }, { verified: false, token: await tokenId() }]) {
      expect((await say('list', proof)).title).not.toMatch(/Did you write/);
    }
  });

  it('looking does not use the token up', async () => {
    const token = await tokenId();
    await say('status', { verified: true, token });
    await say('pause photos', { verified: true, token });
    expect(await stateOf()).toBe('paused');
  });

  it('a change needs both, and uses the token up', async () => {
    const token = await tokenId();
    expect(asks(await say('pause photos', { verified: true }))).toBe(true);
    expect(asks(await say('pause photos', { verified: false, token }))).toBe(true);
    expect(await stateOf()).toBe('active');
    expect(asks(await say('pause photos', { verified: true, token }))).toBe(false);
    expect(await stateOf()).toBe('paused');
    expect(asks(await say('resume photos', { verified: true, token }))).toBe(true);
    expect(await stateOf()).toBe('paused');
  });

  it('of two mails with one token at the same moment, one acts and one asks', async () => {
    const token = await tokenId();
    const replies = await Promise.all([
      say('pause photos', { verified: true, token }),
      say('pause photos', { verified: true, token }),
    ]);
    expect(replies.filter(asks)).toHaveLength(1);
  });

  it('the code of the question does it, a bare yes does not', async () => {
    const question = await say('pause photos', { verified: true });
    expect(question.blocks).toContainEqual({
      kind: 'text',
      text: expect.stringContaining('anybody can send on what you once wrote'),
    });
    await say('yes', { verified: true });
    expect(await stateOf()).toBe('active');
    await say(linesOf(question)[0] ?? '', { verified: true });
    expect(await stateOf()).toBe('paused');
  });

  it('what cannot be taken back is asked for even with both', async () => {
    const question = await say('delete photos', { verified: true, token: await tokenId() });
    expect(question.title).toMatch(/photos/);
    expect(await stateOf()).toBe('active');
    await say(linesOf(question)[0] ?? '', { verified: true, token: await tokenId() });
    expect(await stateOf()).toBeUndefined();
  });
});

describe('tokens', () => {
  it('are 26 letters, all different, and stored as hashes only', async () => {
    const made = await Promise.all(Array.from({ length: 200 }, () => tokens.reply({ person: ana.id })));
    expect(new Set(made).size).toBe(200);
    for (const token of made) expect(token).toMatch(/^[a-z2-7]{26}$/);
    const stored = JSON.stringify(await all(world.store.find('pending')));
    for (const token of made) expect(stored).not.toContain(token);
  });

  it('carry what they are about, in any case of letters', async () => {
    const token = await tokens.reply({ person: ana.id, about: { plan: 'p' }, confirm: 'yes 12345678' });
    expect(await tokens.findReply(token.toUpperCase())).toMatchObject({
      person: ana.id,
      about: { plan: 'p' },
      confirm: 'yes 12345678',
      used: false,
    });
  });

  it('end after fourteen days, and do not pass for one another', async () => {
    const reply = await tokens.reply({ person: ana.id });
    const end = await tokens.unsubscribe({ person: ana.id, plan: 'p' });
    expect(await tokens.findReply(end)).toBeUndefined();
    expect(await tokens.findUnsubscribe(reply)).toBeUndefined();
    expect(await tokens.findUnsubscribe(end)).toEqual({ person: ana.id, plan: 'p' });
    world.clock.forward(14 * 24 * 3_600_000);
    expect(await tokens.findReply(reply)).toBeUndefined();
    expect(await tokens.findUnsubscribe(end)).toBeDefined();
  });
});
