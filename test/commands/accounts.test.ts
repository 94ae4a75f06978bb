import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import { createPlaces } from '../../src/engine/places.ts';
import { openSealer } from '../../src/engine/secrets.ts';
import type { Account, Caller, Person, Reply } from '../../src/engine/types.ts';
import { all, linesOf, openWorld, vault, type World, words } from './world.ts';

const PASSWORD = 'open sesame 42';
const LINE = 'connect vault as home url=https://vault.example.org';

let world: World;
let dispatch: Dispatch;
let ana: Person;

const say = (line: string, more: Partial<Caller> = {}): Promise<Reply[]> => {
  world.clock.forward(1_000);
  return all(dispatch(line, world.caller(ana, more)));
};
const last = async (line: string, more: Partial<Caller> = {}): Promise<Reply> =>
  (await say(line, more)).at(-1) as Reply;
const accounts = (): Promise<Account[]> => all(world.store.find('accounts'));

beforeEach(async () => {
  world = await openWorld();
  dispatch = createDispatch(world.services);
  ana = await world.person('Ana', 'owner');
  vault.password = PASSWORD;
  vault.place.files.clear();
});
afterEach(() => world.close());

describe('connect', () => {
  it('asks for the secret, proves that it works, and keeps it sealed', async () => {
    world.secrets.push(PASSWORD);
    const reply = await last(LINE);
    expect(reply).toMatchObject({ tone: 'good', data: { account: 'home', kind: 'vault' } });
    expect(words(reply)).toContain('214 GB free');
    const [account] = await accounts();
    expect(account).toMatchObject({
      owner: ana.id,
      name: 'home',
      kind: 'vault',
      state: 'ready',
      settings: { url: 'https://vault.example.org' },
    });
    expect(JSON.stringify(account)).not.toContain('sesame');
  });

  it('a wrong password keeps nothing', async () => {
    world.secrets.push('not this one');
    const reply = await last(LINE);
    expect(reply.outcome).toBe('sign_in');
    expect(words(reply)).toContain('does not accept this password');
    expect(JSON.stringify(reply) + world.lines.join('')).not.toContain('not this one');
    expect(await accounts()).toEqual([]);
  });

  it('signing in again asks only for the secret and keeps the account; a wrong one leaves it as it was', async () => {
    world.secrets.push(PASSWORD);
    await last(LINE);
    const [before] = await accounts();
    vault.password = 'a new one 43';
    world.secrets.push('wrong again');
    await last('connect vault as home');
    expect((await accounts())[0]?.sealed).toBe(before?.sealed);
    world.secrets.push('a new one 43');
    expect((await last('connect vault as home')).tone).toBe('good');
    const [after] = await accounts();
    expect(after?.id).toBe(before?.id);
    expect(after?.sealed).not.toBe(before?.sealed);
    expect(await accounts()).toHaveLength(1);
  });

  it.each([
    ['connect vault', 'url', 'connect vault url=…'],
    ['connect vault url=nonsense', 'Address', 'https://vault.example.org'],
    ['connect vault ulr=https://vault.example.org', 'ulr', 'url=…'],
    ['connect vault url=https://vault.example.org port=many', 'Port', 'connect vault'],
    ['connect local', 'need no account', 'backup ~/Pictures'],
  ])('%s says what is wrong and what works', async (line, what, works) => {
    world.secrets.push(PASSWORD);
    const reply = await last(line);
    expect(reply.outcome).toBe('not_understood');
    expect(words(reply)).toContain(what);
    expect(words(reply)).toContain(works);
    expect(await accounts()).toEqual([]);
  });

  it('a secret typed into the line is refused, and is not in the audit trail', async () => {
    const reply = await last('connect vault url=https://vault.example.org password=hunter2hunter2');
    expect(reply.outcome).toBe('not_understood');
    expect(words(reply)).not.toContain('hunter2');
    expect(JSON.stringify(await all(world.store.find('audit')))).not.toContain('hunter2');
    expect(world.lines.join('\n')).not.toContain('hunter2');
  });

  it('where no secret may be typed it sends people to the terminal', async () => {
    const chat = await openWorld({ askSecret: false });
    try {
      const owner = await chat.person('Ana', 'owner');
      const replies = await all(createDispatch(chat.services)(LINE, chat.caller(owner, { surface: 'slack' })));
      expect(words(replies.at(-1))).toContain('npm run -s keepsake');
    } finally {
      await chat.close();
    }
  });
});

describe('accounts', () => {
  it('shows whether each sign-in works right now, and heals one that works again', async () => {
    expect((await last('accounts')).title).toContain('Nothing is connected yet');
    world.secrets.push(PASSWORD);
    await last(LINE);
    expect(await last('accounts')).toMatchObject({
      tone: 'good',
      data: { accounts: [{ name: 'home', state: 'ready' }] },
    });
    vault.password = 'changed';
    const broken = await last('accounts');
    expect(broken).toMatchObject({ outcome: 'sign_in', data: { accounts: [{ state: 'needs_sign_in' }] } });
    expect(linesOf(broken)).toContain('connect vault as home');
    expect(words(await last('status'))).not.toContain('current');
    vault.password = PASSWORD;
    expect((await last('accounts')).tone).toBe('good');
    expect((await accounts())[0]?.state).toBe('ready');
  });

  it('after the key was lost: says which key is missing, and connecting again mends the account', async () => {
    world.secrets.push(PASSWORD);
    await last(LINE);
    await rm(join(world.config.data, 'key'));
    const { services, store, config, clock } = world;
    const sealer = await openSealer({ dataFolder: config.data, keys: [], log: services.log });
    const places = createPlaces({ ...services, sealer, http: async () => Promise.reject(new Error('no network')) });
    const other = createDispatch({ ...services, sealer, places });
    const broken = (await all(other('accounts', world.caller(ana)))).at(-1);
    expect(broken?.outcome).toBe('sign_in');
    expect(words(broken)).toContain('KEEPSAKE_KEY');
    world.secrets.push(PASSWORD);
    clock.forward(1_000);
    expect((await all(other('connect vault as home', world.caller(ana)))).at(-1)?.tone).toBe('good');
    expect(sealer.isCurrent((await all(store.find('accounts')))[0]?.sealed ?? '')).toBe(true);
  });

  it('a run that waited for the sign-in goes on after it', async () => {
    world.secrets.push(PASSWORD);
    await last(LINE);
    await mkdir(join(world.folder, 'Pictures'));
    await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
    expect((await last('backup ~/Pictures to home:shelf weekly')).outcome).toBe('done');
    vault.password = 'changed';
    expect((await last('run')).outcome).toBe('sign_in');
    expect(words(await last('status'))).toContain('sign in');
    vault.password = PASSWORD;
    world.secrets.push(PASSWORD);
    expect((await last('connect vault as home')).data).toMatchObject({ resumed: ['Pictures to shelf'] });
  });

  it('disconnect refuses while a backup needs the account, asks, and forgets it', async () => {
    world.secrets.push(PASSWORD);
    await last(LINE);
    await mkdir(join(world.folder, 'Pictures'));
    await last('backup ~/Pictures to home:shelf weekly');
    const refused = await last('disconnect home');
    expect(words(refused)).toContain('"Pictures to shelf"');
    expect(linesOf(refused)).toContain('delete "Pictures to shelf"');
    await last('delete "Pictures to shelf"', { confirmed: true });
    expect((await last('disconnect home')).title).toBe('Disconnect home?');
    expect(await accounts()).toHaveLength(1);
    expect((await last('yes')).title).toBe('home is disconnected');
    expect(await accounts()).toEqual([]);
  });
});

describe('you', () => {
  it('timezone is checked against the IANA list and kept', async () => {
    expect((await last('timezone')).data).toEqual({ zone: 'Europe/Berlin' });
    expect(await last('timezone America/New_York')).toMatchObject({ tone: 'good', data: { zone: 'America/New_York' } });
    expect((await world.store.get('people', ana.id))?.zone).toBe('America/New_York');
  });

  it('whoami names the identities, help fits on a page and knows every command', async () => {
    expect((await last('whoami')).data).toMatchObject({ known: true, name: 'Ana', role: 'owner' });
    expect(words(await last('help'))).toContain('restore');
    expect(words(await last('help restore'))).toContain('Nothing is overwritten');
    const wrong = await last('help restor');
    expect(wrong.outcome === 'not_understood' || words(wrong).includes('restore')).toBe(true);
  });

  it('when answers with rule and dates, questions and errors, for people and for scripts', async () => {
    expect((await last('when every friday at 02:00')).data).toMatchObject({
      outcome: 'ok',
      rule: { cron: '0 2 * * 5' },
      next: ['2026-11-27T01:00:00.000Z', '2026-12-04T01:00:00.000Z', '2026-12-11T01:00:00.000Z'],
      say: 'Every Friday at 02:00',
      zone: 'Europe/Berlin',
    });
    const question = await last('when biweekly');
    expect(question).toMatchObject({ outcome: 'not_understood', data: { outcome: 'clarify' } });
    for (const line of linesOf(question)) expect((await last(line)).data, line).toMatchObject({ outcome: 'ok' });
    const wrong = await last('when every day at 25:00');
    expect(wrong).toMatchObject({ outcome: 'not_understood', data: { outcome: 'error', code: 'bad_time' } });
    const [works] = linesOf(wrong);
    expect((await last(works ?? '')).data).toMatchObject({ outcome: 'ok' });
  });
});
