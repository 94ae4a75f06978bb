/** One person on several surfaces, roles, sharing, and being forgotten: through dispatch, as people say it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import { callerPerson } from '../../src/engine/people.ts';
import { TABLE_NAMES } from '../../src/engine/store/document.ts';
import type { Caller, Identity, Person, Plan, Reply } from '../../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './world.ts';

let world: World;
let dispatch: Dispatch;
let ana: Person;

const SLACK: Identity = { surface: 'slack', id: 'T1/UANA' };

beforeEach(async () => {
  world = await openWorld();
  dispatch = createDispatch(world.services);
  ana = await callerPerson(
    world.store,
    { surface: 'terminal', id: 'uid-of-ana' },
    { clock: world.clock, name: 'Ana', trusted: true },
  );
  await mkdir(join(world.folder, 'Pictures'));
  await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
  await mkdir(join(world.folder, 'usb'));
});
afterEach(() => world.close());

const as = (identity: Identity, name = identity.id): Promise<Person> =>
  callerPerson(world.store, identity, { clock: world.clock, name });

/** As a surface does it: who somebody is is looked up for each line. */
async function say(line: string, identity: Identity = { surface: 'terminal', id: 'uid-of-ana' }, more = {}) {
  world.clock.forward(1_000);
  const person = await as(identity);
  const caller: Partial<Caller> = { surface: identity.surface, ...more };
  return (await all(dispatch(line, world.caller(person, caller)))).at(-1) as Reply;
}
const yes = (reply: Reply, identity?: Identity): Promise<Reply> => say(linesOf(reply)[0] ?? '', identity);
const codeOf = (reply: Reply): string => (reply.data as { code: string }).code;

/** Everything that is stored, as text. */
async function everything(): Promise<string> {
  const docs = await Promise.all(TABLE_NAMES.map(async (table) => [table, await all(world.store.find(table))]));
  return JSON.stringify(docs, null, 1);
}

async function invited(identity: Identity, role: Person['role'], name: string): Promise<Person> {
  const invitation = await say(`invite "${name}" as ${role}`);
  const code = codeOf(role === 'owner' ? await yes(invitation) : invitation);
  expect((await say(`join ${code}`, identity)).title).toBe(`Welcome, ${name}.`);
  return as(identity);
}

const BEN: Identity = { surface: 'discord', id: '900100' };
/** Where runs are worked at once. */
const HERE = { surface: 'terminal' };

describe('link', () => {
  it('a stranger with the code is the same person, the code is private, kept nowhere, and good once', async () => {
    const shown = await say('link');
    expect(shown.onlyForCaller).toBe(true);
    const code = codeOf(shown);
    expect(words(shown)).toContain(code);
    expect(await everything()).not.toContain(code);
    const linked = await say(`link ${code.toLowerCase()}`, SLACK);
    expect(linked).toMatchObject({ tone: 'good', onlyForCaller: true });
    expect((await as(SLACK)).id).toBe(ana.id);
    expect(words(await say('whoami', SLACK))).toContain('You are Ana, owner');
    expect(await everything()).not.toContain(code);
    expect((await say(`link ${code}`, { surface: 'discord', id: '77' })).title).toBe('This code was already used.');
  });

  it('a code is good for ten minutes, and a new one makes the earlier worthless', async () => {
    const first = codeOf(await say('link'));
    const second = codeOf(await say('link'));
    expect((await say(`link ${first}`, SLACK)).title).toBe('This code is not right.');
    world.clock.forward(600_000);
    expect((await say(`link ${second}`, SLACK)).title).toBe('This code is too old.');
    expect(await world.store.count('people')).toBe(1);
  });

  it('a stranger who asks for a code is told how, and their own code does nothing', async () => {
    const none = await say('link', SLACK);
    expect(none).toMatchObject({ outcome: 'refused', onlyForCaller: true });
    expect(words(none)).toContain('Type `link` where I know you');
    const own = await say(`link ${codeOf(await say('link'))}`);
    expect(own.title).toContain('your own code');
  });

  it('two people become one after a question that says who gets what, and nothing is lost', async () => {
    await say('backup ~/Pictures to ~/usb weekly named photos');
    await invited(BEN, 'member', 'Ben');
    const ben = await as(BEN);
    await world.store.put('accounts', {
      id: 'a-ana',
      owner: ana.id,
      name: 'nas',
      kind: 'vault',
      settings: {},
      state: 'ready',
      created: '',
    });
    await world.store.put('accounts', {
      id: 'a-ben',
      owner: ben.id,
      name: 'NAS',
      kind: 'vault',
      settings: {},
      state: 'ready',
      created: '',
    });
    const [plan] = await all<Plan>(world.store.find('plans'));
    const { rev: _, ...copy } = plan as Plan;
    await world.store.put('plans', {
      ...copy,
      id: 'p-ben',
      owner: ben.id,
      name: 'Photos',
      destinations: [{ account: 'a-ben', kind: 'vault', root: 'shelf', text: 'NAS:shelf' }],
    });
    const code = codeOf(await say('link'));
    const asked = await say(`link ${code}`, BEN);
    expect(asked).toMatchObject({ outcome: 'refused', onlyForCaller: true });
    expect(words(asked)).toContain('Your 1 backup and 1 account become theirs');
    expect(words(asked)).toContain('role owner');
    expect(words(asked)).toContain('"NAS" is called "NAS (2)"');
    // The question keeps the line; whoever reads it there cannot use the code any more.
    expect((await say(`link ${code}`, SLACK)).title).toBe('This code was already used.');
    const done = await yes(asked, BEN);
    expect(done).toMatchObject({ tone: 'good', onlyForCaller: true });
    expect(words(done)).toContain('The backup "Photos" is called "Photos (2)" now.');
    expect((await as(BEN)).id).toBe(ana.id);
    expect(await world.store.get('people', ben.id)).toBeUndefined();
    const moved = await world.store.get('plans', 'p-ben');
    expect(moved).toMatchObject({ owner: ana.id, name: 'Photos (2)' });
    expect(moved?.destinations[0]?.text).toBe('"NAS (2)":shelf');
    expect(moved?.line).toContain('NAS (2)');
    expect(moved?.line).toContain('Photos (2)');
    expect(await everything()).not.toContain(ben.id);
    expect(words(await say('list', BEN))).toContain('Photos (2)');
  });

  it('no leaves two people two, and the code of the question is good for nobody else', async () => {
    await invited(BEN, 'member', 'Ben');
    const asked = await say(`link ${codeOf(await say('link'))}`, BEN);
    await say(linesOf(asked)[1] ?? '', BEN);
    expect((await as(BEN)).name).toBe('Ben');
    expect(await world.store.count('people')).toBe(2);
  });

  it('after five wrong codes of one identity or fifty of all, none is taken for an hour', async () => {
    for (let i = 0; i < 5; i++) expect((await say('link 2222-2222-2222', SLACK)).outcome).toBe('not_understood');
    const code = codeOf(await say('link'));
    const shut = await say(`link ${code}`, SLACK);
    expect(shut).toMatchObject({ outcome: 'refused' });
    expect(shut.title).toContain('Too many wrong codes');
    expect((await say('join 2222-2222-2222', SLACK)).title).toContain('Too many wrong codes');
    // Somebody else is not kept out by it.
    expect((await say('join 2222-2222-2222', { surface: 'slack', id: 'T1/U50' })).title).toBe(
      'This code is not right.',
    );
    world.clock.forward(3_600_000);
    for (let i = 0; i < 50; i++) await say('join 2222-2222-2222', { surface: 'slack', id: `T1/U${i >> 2}` });
    expect((await say('join 2222-2222-2222', { surface: 'slack', id: 'T1/U99' })).title).toContain('Too many');
    world.clock.forward(3_600_000);
    const fresh = codeOf(await say('link'));
    expect((await say(`link ${fresh}`, SLACK)).tone).toBe('good');
  });

  it('of many guesses at the same moment five are looked at', async () => {
    const stranger = await as(SLACK);
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        all(dispatch(`link 2222-2222-22${String(i).padStart(2, '2')}`, world.caller(stranger, { surface: 'slack' }))),
      ),
    );
    expect(replies.filter(([reply]) => reply?.title === 'This code is not right.').length).toBeLessThanOrEqual(5);
  });

  it('of two who send one code at once, one is linked', async () => {
    const code = codeOf(await say('link'));
    const two = [SLACK, BEN];
    const replies = await Promise.all(
      two.map(async (who) => all(dispatch(`link ${code}`, world.caller(await as(who), { surface: who.surface })))),
    );
    expect(replies.filter(([reply]) => reply?.tone === 'good')).toHaveLength(1);
    expect((await world.store.get('people', ana.id))?.identities).toHaveLength(2);
  });

  it('no code is in the audit trail, however it was said', async () => {
    const code = codeOf(await say('link'));
    for (const line of [`link ${code} tomorrow`, `jion ${code}`, `join ${code.replaceAll('-', ' ')} x`, `link ${code}`])
      await say(line, SLACK);
    const said = JSON.stringify(await all(world.store.find('audit')));
    expect(said).not.toContain(code);
    expect(said).not.toContain(code.replaceAll('-', ' '));
    expect(said).toContain('link [hidden]');
  });
});

describe('unlink', () => {
  it('asks, forgets the identity, and a newcomer there is nobody else', async () => {
    await say(`link ${codeOf(await say('link'))}`, SLACK);
    const asked = await say('unlink slack');
    expect(asked.title).toBe('Unlink Slack?');
    expect((await yes(asked)).title).toBe('Slack is unlinked');
    const now = await as(SLACK);
    expect(now.rev).toBeUndefined();
    expect((await say('list', SLACK)).outcome).toBe('refused');
    expect((await say('unlink terminal')).title).toContain('the only place');
    expect((await say('unlink discord')).title).toBe('You are not linked with Discord.');
  });

  it('who was first known there keeps their id, and whoever comes there next gets another', async () => {
    const ben = await invited(BEN, 'member', 'Ben');
    await say('backup ~/Pictures to ~/usb weekly named "of Ben"', BEN, HERE);
    const other: Identity = { surface: 'mail', id: 'ben@example.org' };
    await say(`link ${codeOf(await say('link', BEN))}`, other);
    await yes(await say('unlink discord', other), other);
    expect((await as(other)).id).toBe(ben.id);
    expect((await as(BEN)).id).not.toBe(ben.id);
    expect(words(await say('help', BEN))).not.toContain('of Ben');
  });

  it('of two on one surface it asks which', async () => {
    for (const id of ['T1/A', 'T2/A']) await say(`link ${codeOf(await say('link'))}`, { surface: 'slack', id });
    const asked = await say('unlink slack');
    expect(linesOf(asked)).toEqual(['unlink slack T1/A', 'unlink slack T2/A']);
    await yes(await say('unlink slack T2/A'));
    expect((await as({ surface: 'slack', id: 'T1/A' })).id).toBe(ana.id);
    expect((await as({ surface: 'slack', id: 'T2/A' })).rev).toBeUndefined();
  });
});

describe('invite, join, people, role', () => {
  it('a stranger is told how to get in, gets in once, and may do what the role allows', async () => {
    const no = await say('list', BEN);
    expect(words(no)).toContain('Ask its owner to `invite` you');
    const code = codeOf(await say('invite Ben as viewer'));
    expect((await say(`link ${code}`, BEN)).title).toContain('join');
    expect((await say(`join ${code}`, BEN)).title).toBe('Welcome, Ben.');
    expect((await say(`join ${code}`, SLACK)).title).toBe('This code was already used.');
    expect((await say('backup ~/Pictures to ~/usb', BEN)).outcome).toBe('refused');
    const again = codeOf(await say('invite'));
    expect((await say(`join ${again}`, BEN)).title).toContain('I know you already, Ben');
    expect((await say(`join ${again}`, SLACK)).data).toMatchObject({ role: 'member' });
    expect(await everything()).not.toContain(again);
  });

  it('an invitation is good for a week, and only while whoever gave it is an owner', async () => {
    const old = codeOf(await say('invite'));
    world.clock.forward(7 * 24 * 3_600_000);
    expect((await say(`join ${old}`, SLACK)).title).toBe('This code is too old.');
    await invited(BEN, 'owner', 'Ben');
    const code = codeOf(await say('invite as viewer', BEN));
    await say('role Ben member');
    expect((await say(`join ${code}`, SLACK)).title).toContain('no longer good');
    expect((await as(SLACK)).rev).toBeUndefined();
  });

  it('only owners see people, invite, and change roles', async () => {
    await invited(BEN, 'member', 'Ben');
    for (const line of ['people', 'invite', 'invite Eve as owner', 'role Ana viewer', 'role Ben owner', 'forget Ana']) {
      expect((await say(line, BEN)).outcome, line).toBe('refused');
    }
    expect((await say('yes', BEN)).tone).toBe('bad');
    const table = words(await say('people'));
    expect(table).toContain('Ana (you) | owner | terminal (uid-of-ana) | 2026-');
    expect(table).toContain('Ben | member | Discord (900100) | 2026-');
  });

  it('giving owner asks, a name with a slip is guessed, two of one name are asked about', async () => {
    await invited(BEN, 'member', 'Ben');
    expect(linesOf(await say('role Bne viewer'))[0]).toBe('role Ben viewer');
    const asked = await say('role ben owner');
    expect(asked.title).toBe('Make Ben an owner?');
    expect((await yes(asked)).title).toBe('Ben is an owner now');
    await invited(SLACK, 'viewer', 'Ben');
    const which = await say('role Ben viewer');
    expect(linesOf(which)).toHaveLength(2);
    expect((await say(linesOf(which)[0] ?? '')).tone).toBe('good');
  });

  it('never is nobody an owner, also when two step down at once', async () => {
    expect((await say('role Ana viewer')).title).toContain('only person');
    await invited(BEN, 'owner', 'Ben');
    await Promise.all([say('role Ana member'), say('role Ben member', BEN)]);
    const roles = (await all(world.store.find('people'))).map(({ role }) => role);
    expect(roles.sort()).toEqual(['member', 'owner']);
  });
});

describe('share', () => {
  const here = { conversation: 'slack:T1/C1', alone: false };

  it('a channel sees the run of a shared backup, another does not, and show says where', async () => {
    await say(`link ${codeOf(await say('link'))}`, SLACK);
    await say('backup ~/Pictures to ~/usb only when I ask named photos');
    const shared = await say('share photos here', SLACK, here);
    expect(shared).toMatchObject({ shared: true, tone: 'good' });
    expect(shared.onlyForCaller).toBeUndefined();
    expect(shared.title).toBe(
      'Ana shares the backup photos with this channel: its progress and reports are shown here.',
    );
    expect(words(await say('show photos', SLACK, here))).toContain('Shared with: this channel');
    expect(words(await say('show photos'))).toContain('Shared with: a channel in Slack');
    expect((await say('run photos', undefined, here)).shared).toBe(true);
    expect((await say('run photos', undefined, { conversation: 'slack:T1/C2' })).shared).toBeUndefined();
    expect((await say('run photos')).shared).toBeUndefined();
    for (const line of ['list', 'status', 'show photos', 'history photos', 'people'])
      expect((await say(line, SLACK, here)).shared, line).toBeUndefined();
    const ended = await say('unshare photos', SLACK, here);
    expect(ended.title).toBe('photos is no longer shared with this channel');
    expect((await say('run photos', undefined, here)).shared).toBeUndefined();
    expect((await say('unshare photos')).title).toBe('photos is not shared with a channel.');
  });

  it('in a direct message and in the terminal it says where to say it', async () => {
    await say('backup ~/Pictures to ~/usb weekly named photos');
    for (const more of [{}, { conversation: 'slack:T1/D1', alone: true }]) {
      const told = await say('share photos', undefined, more);
      expect(told).toMatchObject({ onlyForCaller: true });
      expect(words(told)).toContain('/backup share photos');
    }
    expect((await all<Plan>(world.store.find('plans')))[0]?.conversation).toBeUndefined();
  });

  it('a member cannot share or unshare what is not theirs', async () => {
    await say('backup ~/Pictures to ~/usb weekly named photos');
    await say('share photos', undefined, here);
    await invited(BEN, 'member', 'Ben');
    for (const line of ['share photos', 'unshare photos']) {
      expect((await say(line, BEN, { conversation: 'slack:T1/C9' })).tone, line).toBe('bad');
    }
    expect((await all<Plan>(world.store.find('plans')))[0]?.conversation).toBe('slack:T1/C1');
  });
});

describe('forget', () => {
  it('shows what is stored, deletes all of it, leaves the copies, and nothing names the person any more', async () => {
    await say('list', BEN);
    const ben = await invited(BEN, 'member', 'Ben');
    await say(`link ${codeOf(await say('link', BEN))}`, { surface: 'mail', id: 'ben@example.org' });
    await say('backup ~/Pictures to ~/usb weekly named holidays', BEN, HERE);
    await say('run holidays', { surface: 'terminal', id: 'uid-of-ana' });
    await say('pause holidays');
    await say(`role ${ben.id} member`);
    const { store, services } = world;
    await store.put('accounts', {
      id: 'a-ben',
      owner: ben.id,
      name: 'attic',
      kind: 'vault',
      settings: { url: 'x' },
      state: 'ready',
      created: '',
    });
    const [plan] = await all<Plan>(store.find('plans'));
    const about = { plan: plan?.id ?? '' };
    await store.put('outbox', services.outbox.message(ben, 'mail', 'k1', { tone: 'plain', title: 'x', blocks: [] }));
    await store.put('threads', { id: 'slack/1', surface: 'slack', reference: '1', posted: '', ...about });
    await store.put('threads', { id: 'discord/2', surface: 'discord', reference: '2', posted: '', person: BEN.id });
    await store.put('memos', { id: `${about.plan}/0/v/a.jpg`, value: 'half' });
    await store.put('pending', { id: 'control/1', kind: 'control', payload: { control: { about } }, expires: '2027' });
    await say('invite');
    const asked = await say('forget me', BEN);
    for (const part of ['Discord (900100)', 'ben@example.org', 'attic', 'holidays', 'Runs: 2', 'Messages: '])
      expect(words(asked)).toContain(part);
    expect(asked).toMatchObject({ onlyForCaller: true, outcome: 'refused' });
    expect((await yes(asked, BEN)).title).toBe('You are forgotten');
    const left = await everything();
    for (const trace of [ben.id, '900100', 'ben@example.org', about.plan && `"${about.plan}/`, 'attic', 'holidays'])
      expect(left, trace).not.toContain(trace);
    for (const table of ['plans', 'runs', 'accounts', 'catalog', 'snapshots', 'threads', 'memos'] as const)
      expect(await store.count(table), table).toBe(0);
    expect(await readFile(join(world.folder, 'usb', 'a.jpg'), 'utf8')).toBe('aaaa');
    expect((await say('list', BEN)).outcome).toBe('refused');
    expect(await store.count('people')).toBe(1);
  });

  it('an owner may have somebody else forgotten; the only owner of several may not go', async () => {
    await invited(BEN, 'member', 'Ben');
    const stay = await say('forget me');
    expect(stay.title).toContain('only owner');
    expect(linesOf(stay)).toEqual(['role Ben owner']);
    expect((await yes(await say('forget Ben'))).title).toBe('Ben is forgotten');
    expect(await world.store.count('people')).toBe(1);
  });

  it('two owners who go at once: the second stays', async () => {
    await invited(BEN, 'owner', 'Ben');
    await invited(SLACK, 'member', 'Sam');
    const asked = [await say('forget me'), await say('forget me', BEN)];
    await Promise.all([yes(asked[0] as Reply), yes(asked[1] as Reply, BEN)]);
    const roles = (await all(world.store.find('people'))).map(({ role }) => role);
    expect(roles.sort()).toEqual(['member', 'owner']);
  });

  it('the only person may go, and then a claim code is in the log', async () => {
    expect((await yes(await say('forget me'))).title).toBe('You are forgotten');
    expect(await world.store.count('people')).toBe(0);
    const line = world.lines.find((one) => one.includes('people.unclaimed')) ?? '';
    const code = /claim ([0-9A-Z-]{14})/.exec(line)?.[1];
    expect((await say(`claim ${code}`, SLACK)).title).toContain('This Keepsake is yours now');
  });

  it('a crash on the way can be said again', async () => {
    await invited(BEN, 'member', 'Ben');
    await say('backup ~/Pictures to ~/usb weekly named holidays', BEN, HERE);
    const remove = world.store.remove.bind(world.store);
    world.store.remove = async (table, ...rest) => {
      if (table === 'people') throw new Error('the disk is gone');
      return remove(table, ...rest);
    };
    expect((await yes(await say('forget me', BEN), BEN)).outcome).toBe('failed');
    world.store.remove = remove;
    expect((await yes(await say('forget me', BEN), BEN)).title).toBe('You are forgotten');
    expect(await world.store.count('people')).toBe(1);
    expect(await world.store.count('plans')).toBe(0);
  });
});
