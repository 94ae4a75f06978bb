import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotAllowed, UsageError } from '../src/engine/errors.ts';
import {
  callerPerson,
  hasOwner,
  isStranger,
  mayAct,
  openClaim,
  redeemClaim,
  terminalUser,
} from '../src/engine/people.ts';
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
