/** Where reports are mailed to: an address counts once its reader has answered. Through dispatch, as surfaces do it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch } from '../../src/engine/commands/dispatch.ts';
import type { MailConfig } from '../../src/engine/mail-config.ts';
import { createMailServices } from '../../src/engine/mail-services.ts';
import { callerPerson } from '../../src/engine/people.ts';
import type { SurfaceServices } from '../../src/engine/services.ts';
import type { Caller, Identity, OutboxMessage, Person, Reply } from '../../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './world.ts';

const TERMINAL: Identity = { surface: 'terminal', id: 'uid-of-ana' };
const SLACK: Identity = { surface: 'slack', id: 'T1/UBEN' };
const ADDRESS = 'ana@example.org';
const AT: Identity = { surface: 'mail', id: ADDRESS };
const MAIL: MailConfig = {
  from: 'backup@example.org',
  smtp: { host: '127.0.0.1', port: 25, secure: false },
  imap: { host: '127.0.0.1', port: 143, secure: false, folder: 'INBOX' },
  tags: true,
};

let world: World;
let mail: MailConfig | undefined;
let ana: Person;

beforeEach(async () => {
  world = await openWorld();
  mail = MAIL;
  ana = await callerPerson(world.store, TERMINAL, { clock: world.clock, name: 'Ana', trusted: true });
});
afterEach(() => world.close());

const as = (identity: Identity, name = identity.id): Promise<Person> =>
  callerPerson(world.store, identity, { clock: world.clock, name });

async function say(line: string, identity = TERMINAL, more: Partial<Caller> = {}): Promise<Reply> {
  world.clock.forward(1_000);
  const dispatch = createDispatch({ ...world.services, config: { ...world.config, mail } });
  const caller = world.caller(await as(identity), { surface: identity.surface, ...more });
  return (await all(dispatch(line, caller))).at(-1) as Reply;
}
const outbox = (): Promise<OutboxMessage[]> => all(world.store.find('outbox'));
const mails = async (): Promise<OutboxMessage[]> => (await outbox()).filter(({ surface }) => surface === 'mail');
/** The line in the newest mail. */
async function mailed(): Promise<string> {
  const [newest] = (await mails()).sort((a, b) => (a.created < b.created ? 1 : -1));
  const line = newest?.reply.blocks.find((block) => block.kind === 'line');
  return line?.kind === 'line' ? line.line : '';
}
const addresses = async (identity = TERMINAL): Promise<Identity[]> =>
  (await as(identity)).identities.filter(({ surface }) => surface === 'mail');

describe('an address', () => {
  it('is written to first, says little, and counts once the code is said where it was asked', async () => {
    const asked = await say('mail Ana@Example.org');
    expect(asked).toMatchObject({ tone: 'good', onlyForCaller: true, title: `I have written to ${ADDRESS}.` });
    expect(await addresses()).toEqual([]);
    const [message, ...others] = await mails();
    expect(others).toEqual([]);
    expect(message).toMatchObject({ person: ana.id, address: ADDRESS, state: 'waiting' });
    expect(message?.about).toBeUndefined();
    const said = words(message?.reply);
    expect(said).toContain('(Ana)');
    expect(said).not.toMatch(/backup of|owner|terminal|uid/);
    const line = await mailed();
    expect(words(asked)).not.toContain(line);
    world.clock.forward(30 * 60_000);
    expect((await say(line)).title).toBe(`Your reports now go to ${ADDRESS}.`);
    expect(await addresses()).toEqual([AT]);
    expect((await say(line)).title).toBe('This code was already used.');
    expect((await say('mail ana@example.org')).data).toMatchObject({ unchanged: true });
    expect(await mails()).toHaveLength(1);
    expect(words(await say('mail'))).toContain(ADDRESS);
  });

  it('its reader cannot become who asked: a mistyped address must not give everything away', async () => {
    await say('send reports to ana@example.org');
    const line = await mailed();
    expect((await say(line, AT, { alone: true, proof: { verified: true } })).data).toMatchObject({ code: 'bad_code' });
    expect((await as(AT)).rev).toBeUndefined();
  });

  it('a code that was mailed is nothing to anybody who merely saw it', async () => {
    await say('mail ana@example.org');
    const line = await mailed();
    for (const thief of [SLACK, { surface: 'mail', id: 'eve@example.org' }]) {
      expect((await say(line, thief)).data).toMatchObject({ code: 'bad_code' });
      expect((await as(thief)).rev).toBeUndefined();
    }
    const known = await callerPerson(
      world.store,
      { surface: 'terminal', id: 'ben' },
      { clock: world.clock, name: 'Ben', trusted: true },
    );
    expect((await say(line, known.identities[0])).data).toMatchObject({ code: 'bad_code' });
    expect((await say(line, AT, { proof: { verified: false } })).data).toMatchObject({ code: 'bad_code' });
    expect(await addresses()).toEqual([]);
    expect((await say(line)).tone).toBe('good');
  });

  it('an own code without an address stays as it was; one of a forged sender links nobody', async () => {
    const { code } = (await say('link')).data as { code: string };
    expect((await say(`link ${code}`)).data).toMatchObject({ code: 'own_code' });
    expect((await say(`link ${code}`, AT, { proof: { verified: false } })).data).toMatchObject({
      code: 'not_verified',
    });
    expect((await as(AT)).rev).toBeUndefined();
    expect((await say(`link ${code}`, AT)).tone).toBe('good');
  });

  it('of somebody else: asked like a free one, and nothing is taken', async () => {
    const ben = await callerPerson(
      world.store,
      { surface: 'terminal', id: 'ben' },
      { clock: world.clock, name: 'Ben', trusted: true },
    );
    await world.store.put('people', { ...ben, identities: [...ben.identities, AT] });
    const free = await say('mail free@example.org');
    const taken = await say('mail ana@example.org');
    expect(words(taken).replaceAll(ADDRESS, 'x')).toBe(words(free).replaceAll('free@example.org', 'x'));
    const line = await mailed();
    expect((await say(line)).data).toMatchObject({ code: 'address_taken' });
    expect(await addresses()).toEqual([]);
    expect((await say(line, AT, { proof: { verified: true } })).data).toMatchObject({ code: 'bad_code' });
    expect((await as(AT)).id).toBe(ben.id);
  });

  it('that comes back is marked in `mail`, and counts again once it is confirmed', async () => {
    const refused = { at: '2026-11-20T10:00:00.000Z', why: '550 no such user' };
    await world.store.put('people', { ...ana, identities: [...ana.identities, { ...AT, refused }] });
    const shown = await say('mail');
    expect(shown.title).toBe('Your mail address does not work.');
    expect(words(shown)).toContain('550 no such user');
    expect(linesOf(shown)).toContain(`mail ${ADDRESS}`);
    expect((await say(`mail ${ADDRESS}`)).title).toBe(`I have written to ${ADDRESS}.`);
    expect((await addresses())[0]?.refused).toEqual(refused);
    await say(await mailed());
    expect(await addresses()).toEqual([AT]);
  });
});

describe('what is not done', () => {
  it('three mails an hour for one person, five a day for one address', async () => {
    for (const name of ['a', 'b', 'c']) expect((await say(`mail ${name}@example.org`)).tone).toBe('good');
    expect((await say('mail d@example.org')).data).toMatchObject({ code: 'too_many_mails' });
    expect(await mails()).toHaveLength(3);
    world.clock.forward(3_700_000);
    for (let hour = 0; hour < 2; hour++) {
      for (let time = 0; time < 3; time++) await say('mail d@example.org');
      world.clock.forward(3_700_000);
    }
    expect((await mails()).filter(({ address }) => address === 'd@example.org')).toHaveLength(5);
    world.clock.forward(86_400_000);
    expect((await say('mail d@example.org')).tone).toBe('good');
  });

  it('many at once are counted as well', async () => {
    await Promise.all(Array.from({ length: 8 }, (_, at) => say(`mail m${at}@example.org`)));
    expect((await mails()).length).toBeLessThanOrEqual(3);
  });

  it('without a mail server: says where the reports are', async () => {
    mail = undefined;
    expect((await say('mail ana@example.org')).data).toMatchObject({ code: 'no_smtp' });
    expect(words(await say('mail'))).toContain('data folder');
    mail = { from: MAIL.from, tags: true, listen: { port: 0 } };
    expect((await say('mail ana@example.org')).data).toMatchObject({ code: 'no_smtp' });
    expect(await mails()).toEqual([]);
  });

  it("no tagged address of our own; the mailbox itself may be somebody's", async () => {
    expect((await say('mail Backup+x@example.org')).data).toMatchObject({ code: 'own_address' });
    expect(await mails()).toEqual([]);
    expect((await say('mail backup@example.org')).tone).toBe('good');
  });

  it('no stranger, and by mail only after a yes', async () => {
    expect((await say('mail eve@example.org', SLACK)).data).toMatchObject({ code: 'stranger' });
    await world.store.put('people', { ...ana, identities: [...ana.identities, AT] });
    const token = {
      id: 'reply/x',
      kind: 'reply' as const,
      person: ana.id,
      payload: {},
      expires: '2027-01-01T00:00:00.000Z',
    };
    await world.store.put('pending', token);
    const question = await say('mail eve@example.org', AT, { proof: { verified: true, token: token.id } });
    expect(question).toMatchObject({ outcome: 'refused', title: 'Shall your reports go to eve@example.org?' });
    expect(await mails()).toEqual([]);
    await say(linesOf(question)[0] ?? '', AT, { proof: { verified: true, token: token.id } });
    expect((await mails()).map(({ address }) => address)).toEqual(['eve@example.org']);
  });

  it('a name says no address and links nothing', async () => {
    const eve = await world.person('Win $$$ at https://evil.example/x <b>now</b> and much more of it', 'viewer');
    await say('mail victim@example.org', eve.identities[0]);
    const said = words((await mails())[0]?.reply);
    expect(said).not.toMatch(/https:|evil\.example|<b>/);
  });
});

describe('what is wrong with mail', () => {
  it('is told by status, mail and whoami until it is mended', async () => {
    await mkdir(join(world.folder, 'Pictures'));
    await say(`backup ${join(world.folder, 'Pictures')} to ${join(world.folder, 'usb')} named photos`);
    const { markDoor } = createMailServices(world.services, {} as SurfaceServices);
    const closed = 'The sign-in to backup@example.org was refused.';
    await markDoor({ name: 'imap', closed });
    await world.store.put('people', {
      ...((await world.store.get('people', ana.id)) ?? ana),
      identities: [...ana.identities, { ...AT, refused: { at: '2026-01-01T00:00:00.000Z', why: 'No such user.' } }],
    });
    expect(words(await say('status'))).toContain(closed);
    expect(words(await say('status'))).toContain(`say: mail ${ADDRESS}`);
    expect(words(await say('mail'))).toContain(closed);
    expect(words(await say('whoami'))).toContain(`mail ${ADDRESS} (mails to it come back)`);
    await markDoor({ name: 'imap' });
    expect(words(await say('mail'))).not.toContain(closed);
    await markDoor({ name: 'imap', closed });
    mail = undefined;
    expect(words(await say('status'))).not.toContain(closed);
  });
});

describe('help in chat', () => {
  it('has room in its menu for every command, the last one too', async () => {
    await world.store.put('people', { ...ana, identities: [...ana.identities, { surface: 'slack', id: 'T1/UANA' }] });
    const lines = linesOf(await say('help', { surface: 'slack', id: 'T1/UANA' }));
    expect(lines).toContain('help mail');
    expect(lines).toContain('help unshare');
  });
});
