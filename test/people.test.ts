import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotAllowed, UsageError } from '../src/engine/errors.ts';
import { mergePeople } from '../src/engine/people/merge.ts';
import {
  callerPerson,
  hasOwner,
  isStranger,
  mayAct,
  openClaim,
  redeemClaim,
  rememberLooks,
  terminalUser,
} from '../src/engine/people.ts';
import { TABLE_NAMES } from '../src/engine/store/document.ts';
import { openSqlite } from '../src/engine/store/sqlite.ts';
import type { Store } from '../src/engine/store/store.ts';
import type { Person } from '../src/engine/types.ts';
import { testClock } from './commands/world.ts';

let folder: string;
let store: Store;
let clock: ReturnType<typeof testClock>;
let logged: { event: string; details: Record<string, unknown> }[];
const log = (_level: string, event: string, details: Record<string, unknown> = {}): void =>
  void logged.push({ event, details });
const slack = (id: string): Promise<Person> =>
  callerPerson(store, { surface: 'slack', id }, { clock, name: id, zone: 'Europe/Paris' });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-people-'));
  clock = testClock();
  logged = [];
  store = await openSqlite(join(folder, 'keepsake.db'), { clock, log });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

describe('people', () => {
  it('a stranger is not stored', async () => {
    const person = await slack('T1:U1');
    expect(isStranger(person)).toBe(true);
    expect(person).toMatchObject({ role: 'viewer', zone: 'Europe/Paris' });
    expect(await store.count('people')).toBe(0);
  });

  it('the terminal of the machine is its owner at once, and two first lines at once make one person', async () => {
    const identity = { surface: 'terminal', id: '1000' };
    const both = await Promise.all(
      [1, 2].map(() => callerPerson(store, identity, { clock, name: 'ana', trusted: true })),
    );
    expect(both[0]?.id).toBe(both[1]?.id);
    expect(both[0]?.role).toBe('owner');
    expect(isStranger(both[0] as Person)).toBe(false);
    expect(await store.count('people')).toBe(1);
    expect((await terminalUser(folder)).trusted).toBe(true);
  });

  it('roles are ordered', () => {
    const as = (role: Person['role']): Person => ({ id: 'x', name: 'x', role, identities: [], created: '' });
    expect([as('viewer'), as('member'), as('owner')].map((person) => mayAct(person, 'member'))).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('claiming a new Keepsake', () => {
  it('the code in the log makes the first owner, once, and not whoever reads the database', async () => {
    const code = (await openClaim(store, clock, log)) ?? '';
    expect(code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(String(logged.find(({ event }) => event === 'people.unclaimed')?.details.message)).toContain(
      `claim ${code}`,
    );
    for await (const pending of store.find('pending'))
      expect(JSON.stringify(pending)).not.toContain(code.replaceAll('-', ''));
    const owner = await redeemClaim(store, await slack('T1:U1'), ` ${code.toLowerCase().replaceAll('-', ' ')} `, clock);
    expect(owner.role).toBe('owner');
    expect(await hasOwner(store)).toBe(true);
    expect((await slack('T1:U1')).id).toBe(owner.id);
    await expect(redeemClaim(store, await slack('T1:U2'), code, clock)).rejects.toThrow(NotAllowed);
    expect(await openClaim(store, clock, log)).toBeUndefined();
  });

  it('of two who send it at once, one becomes the owner', async () => {
    const code = (await openClaim(store, clock, log)) ?? '';
    const people = await Promise.all(['T1:U1', 'T1:U2', 'T1:U3'].map(slack));
    const results = await Promise.allSettled(people.map((person) => redeemClaim(store, person, code, clock)));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect(await store.count('people')).toBe(1);
  });

  it('each start prints a new code and the earlier one is worth nothing', async () => {
    const first = (await openClaim(store, clock, log)) ?? '';
    const second = (await openClaim(store, clock, log)) ?? '';
    expect(second).not.toBe(first);
    await expect(redeemClaim(store, await slack('T1:U1'), first, clock)).rejects.toThrow(UsageError);
    expect((await redeemClaim(store, await slack('T1:U1'), second, clock)).role).toBe('owner');
  });

  it('a code is good for a day', async () => {
    const code = (await openClaim(store, clock, log)) ?? '';
    clock.forward(24 * 3_600_000);
    await expect(redeemClaim(store, await slack('T1:U1'), code, clock)).rejects.toThrow('too old');
  });
});

describe('what a surface tells of somebody', () => {
  it('is kept where they have not said it themselves, also when two lines come at once', async () => {
    const identity = { surface: 'terminal', id: '1000' };
    const ana = await callerPerson(store, identity, { clock, name: 'ana', trusted: true });
    await Promise.all([1, 2, 3].map(() => rememberLooks(store, ana, { zone: 'europe/paris', locale: 'fr' })));
    expect(await store.get('people', ana.id)).toMatchObject({ zone: 'Europe/Paris', locale: 'fr' });
    const now = await callerPerson(store, identity, { clock, name: 'ana', zone: 'Asia/Tokyo', locale: 'ja' });
    expect(now).toMatchObject({ zone: 'Europe/Paris', locale: 'fr' });
    const stranger = await slack('T1:U9');
    expect(await rememberLooks(store, stranger, { locale: 'de' })).toBe(stranger);
  });

  it('a zone that is none is not kept', async () => {
    const ana = await callerPerson(store, { surface: 'terminal', id: '1' }, { clock, name: 'ana', trusted: true });
    expect((await rememberLooks(store, ana, { zone: 'Mars/Olympus' })).zone).toBeUndefined();
  });
});

describe('two people who become one', () => {
  const person = (id: string, role: Person['role']): Promise<Person> =>
    store.put('people', { id, name: id, role, identities: [{ surface: 'slack', id }], created: '2026-01-01' });
  const fill = async (): Promise<void> => {
    for (const owner of ['ana', 'ben']) {
      await person(owner, owner === 'ben' ? 'owner' : 'member');
      const account = { id: `a-${owner}`, owner, name: 'nas', kind: 'vault', settings: {}, created: '' };
      await store.put('accounts', { ...account, state: 'ready' });
      const place = { account: account.id, kind: 'vault', root: 'x', text: 'nas:x' };
      await store.put('plans', {
        ...{ id: `p-${owner}`, owner, name: 'photos', source: place, destinations: [place], line: '', created: '' },
        ...{ schedule: { manual: true }, filter: {}, report: 'always', state: 'active' },
      });
      const run = { id: `r-${owner}`, plan: `p-${owner}`, owner, queued: '', problems: [], problemCount: 0 };
      await store.put('runs', { ...run, state: 'done', trigger: 'person' });
      await store.put('audit', { id: `l-${owner}`, at: '', person: owner, surface: 'x', line: 'x', outcome: 'done' });
      await store.put('threads', { id: `t-${owner}`, surface: 'x', person: owner, reference: 'x', posted: '' });
      await store.put('pending', { id: `q-${owner}`, kind: 'confirm', person: owner, payload: {}, expires: '' });
    }
  };
  const merged = async (): Promise<void> => {
    expect(await store.count('people')).toBe(1);
    const ana = await store.get('people', 'ana');
    expect(ana?.role).toBe('owner');
    expect(ana?.into).toBeUndefined();
    expect(ana?.identities.map(({ id }) => id)).toEqual(['ana', 'ben']);
    expect(await store.get('accounts', 'a-ben')).toMatchObject({ owner: 'ana', name: 'nas (2)' });
    const plan = await store.get('plans', 'p-ben');
    expect(plan).toMatchObject({ owner: 'ana', name: 'photos (2)', source: { text: '"nas (2)":x' } });
    expect(plan?.line).toContain('nas (2)');
    expect(await store.get('plans', 'p-ana')).toMatchObject({ name: 'photos', source: { text: 'nas:x' } });
    expect((await store.get('runs', 'r-ben'))?.owner).toBe('ana');
    for (const [table, id] of [
      ['audit', 'l-ben'],
      ['threads', 't-ben'],
      ['pending', 'q-ben'],
    ] as const)
      expect((await store.get(table, id))?.person, table).toBe('ana');
  };

  it('all of the one is the other’s, names that clash get a number, the higher role stays', async () => {
    await fill();
    const { renamed } = await mergePeople(store, 'ben', 'ana');
    expect(renamed.map(({ to }) => to)).toEqual(['nas (2)', 'photos (2)']);
    await merged();
  });

  it('wherever a crash cuts it off, the next line from there finishes it', async () => {
    const writes = ['put', 'putMany', 'remove'] as const;
    for (let at = 1; ; at++) {
      for (const table of TABLE_NAMES) {
        for await (const { id } of store.find(table)) await store.remove(table, id);
      }
      await fill();
      let count = 0;
      const broken = new Proxy(store, {
        get(target, name: keyof Store) {
          const method = target[name] as (...args: unknown[]) => unknown;
          if (!writes.some((write) => write === name)) return method.bind(target);
          return async (...args: unknown[]) => {
            if (++count >= at) throw new Error('the power is gone');
            return method.apply(target, args);
          };
        },
      });
      const whole = await mergePeople(broken, 'ben', 'ana').then(
        () => true,
        () => false,
      );
      // Before the first write nothing has begun; afterwards any line from Ben's side goes on.
      if (at === 1) expect((await slack('ben')).id).toBe('ben');
      else {
        expect((await slack('ben')).id, `cut at write ${at}`).toBe('ana');
        await merged();
      }
      if (whole) break;
      expect(at).toBeLessThan(40);
    }
  });

  it('both at once towards each other: nothing is lost, and nobody is', async () => {
    await fill();
    await Promise.allSettled([mergePeople(store, 'ben', 'ana'), mergePeople(store, 'ana', 'ben')]);
    const left = await Promise.all(['ana', 'ben'].map(slack));
    for (const { rev, into } of left) expect([rev === undefined, into]).toEqual([false, undefined]);
    const people = new Set(left.map(({ id }) => id));
    for await (const plan of store.find('plans')) expect(people).toContain(plan.owner);
    for await (const account of store.find('accounts')) expect(people).toContain(account.owner);
    expect(await store.count('plans')).toBe(2);
  });
});
