/** Suggestions while somebody types: theirs only, short enough for a chat, and soon. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from '../src/engine/commands/grammar.ts';
import type { Services } from '../src/engine/services.ts';
import { createSuggest } from '../src/engine/suggest.ts';
import type { Caller, CatalogLine, Person, Plan, Suggestion, Wanted } from '../src/engine/types.ts';
import { NOW, openWorld, type World } from './commands/world.ts';

let world: World;
let ana: Person;
let bob: Person;

const ask = (
  of: Wanted['of'],
  typed = '',
  more: Partial<Wanted> = {},
  who: Person | Caller = ana,
): Promise<Suggestion[]> =>
  createSuggest(world.services)({ of, typed, ...more }, 'person' in who ? who : world.caller(who));
const values = async (...args: Parameters<typeof ask>): Promise<string[]> =>
  (await ask(...args)).map(({ value }) => value);

async function plan(owner: Person, name: string, more: Partial<Plan> = {}): Promise<Plan> {
  return world.store.put('plans', {
    id: `p-${owner.id}-${name.replace(/\W/g, '')}`,
    owner: owner.id,
    name,
    source: { kind: 'local', root: '/a', text: '/a' },
    destinations: [{ kind: 'local', root: '/b', text: '/b' }],
    schedule: { manual: true },
    filter: {},
    report: 'always',
    state: 'active',
    line: '/a to /b',
    created: NOW.toISOString(),
    ...more,
  });
}
const account = (owner: Person, name: string, kind: string) =>
  world.store.put('accounts', {
    id: `a-${owner.id}-${name.replace(/\W/g, '')}`,
    owner: owner.id,
    name,
    kind,
    settings: {},
    state: 'ready',
    created: NOW.toISOString(),
  });

/** A search that never ends and takes no notice of being stopped. */
const slow = (first: readonly string[]): Services['backup']['find'] =>
  async function* find([about]) {
    if (!about) return;
    for (const path of first) yield { plan: about, path: path as CatalogLine['path'], size: 1 };
    await new Promise(() => undefined);
  };
const withFind = (find: Services['backup']['find']): Services => ({
  ...world.services,
  backup: { ...world.services.backup, find },
});

beforeEach(async () => {
  world = await openWorld();
  ana = await world.person('Ana', 'owner');
  bob = await world.person('Bob', 'member');
  await plan(ana, 'photos of ana');
  await plan(bob, 'photos of bob');
  await account(ana, 'home s3', 's3');
  await account(bob, 'bob dav', 'webdav');
  await mkdir(join(world.folder, 'My Pictures', 'inside'), { recursive: true });
});
afterEach(() => world.close());

describe('whose names', () => {
  it('an owner sees all plans, their own first; others see their own', async () => {
    expect(await values('plan', 'photos')).toEqual(['photos of ana', 'photos of bob']);
    expect(await values('plan', '', {}, bob)).toEqual(['photos of bob']);
    expect(await values('plan', 'ana', {}, bob)).toEqual([]);
  });

  it('accounts are the caller’s own, for an owner too', async () => {
    expect(await values('account')).toEqual(['home s3']);
    expect(await values('account', '', {}, bob)).toEqual(['bob dav']);
  });

  it('nothing of another person in any kind of suggestion', async () => {
    const kinds: Wanted['of'][] = [
      'line',
      'plan',
      'account',
      'source',
      'destination',
      'file',
      'snapshot',
      'command',
      'kind',
    ];
    for (const of of kinds) {
      for (const typed of ['', 'photos', 'run ', 'run photos', 'backup ', 'home', 'run fotos of ana', 'disconnect ']) {
        const found = JSON.stringify(await ask(of, typed, { plan: 'photos of ana' }, bob));
        expect(found, `${of} ${typed}`).not.toMatch(/home s3|My Pictures/);
        if (!typed.includes('ana')) expect(found, `${of} ${typed}`).not.toContain('photos of ana');
      }
    }
  });

  it('strangers get nothing', async () => {
    const { rev: _, ...stranger } = ana;
    for (const of of ['line', 'command', 'plan', 'kind', 'schedule', 'zone', 'source'] as const)
      expect(await ask(of, '', {}, stranger)).toEqual([]);
  });
});

describe('each kind', () => {
  it('line: the last word is completed, and slips are mended', async () => {
    expect(await values('line', 'sta')).toContain('status');
    expect(await values('line', 'run ph')).toContain('run "photos of ana"');
    expect(await values('line', 'backup ~/Pictures to hom')).toEqual(['backup ~/Pictures to "home s3"']);
    expect(await values('line', 'run fotos of ana')).toContain('run "photos of ana"');
    expect((await values('line', 'status'))[0]).toBe('status');
    expect(await ask('line', 'connect webdav password=hunter2hunter2')).toEqual([]);
  });

  it('command: with what it does', async () => {
    expect(await ask('command', 'rest')).toEqual([
      { value: 'restore', label: expect.stringContaining('Bring files back') },
    ]);
    expect(await values('command', 'back')).toContain('backup');
  });

  it('kind and places: by any of their names, each side only what can be there', async () => {
    expect(await values('kind', 'nextcloud')).toEqual(['webdav']);
    expect(await values('kind')).not.toContain('local');
    expect(await values('source', 'mirr')).toEqual(['mirror']);
    expect(await values('destination', 'mirr')).toEqual([]);
    expect((await values('destination'))[0]).toBe('"home s3"');
  });

  it('folders are the owner’s, below what is open, and one can look into them', async () => {
    const inside = `${world.folder}/My Pictures`;
    expect(await values('source', world.folder)).toContain(world.folder);
    expect(await values('source', `${world.folder}/My`)).toEqual([`"${inside}"`]);
    expect(await values('source', `"${inside}/`)).toEqual([`"${inside}/inside"`]);
    expect(await values('source', `${world.folder}/../`)).toEqual([]);
    expect(await values('source', '/et')).toEqual([]);
    expect(await values('source', `${world.folder}/My`, {}, bob)).toEqual([]);
  });

  it('schedule: what was typed first, with its meaning and its next date', async () => {
    const [typed] = await ask('schedule', 'every other friday at 18:30');
    expect(typed?.value).toBe('every other friday at 18:30');
    expect(typed?.label).toMatch(/next 2026-\d\d-\d\d 18:30$/);
    expect(await values('schedule', 'every f')).toContain('every friday at 18:00');
    expect(await values('schedule', 'biweekly')).toContain('every monday and thursday at 02:00');
    for (const { value, label } of await ask('schedule')) {
      const parsed = parse(`backup /a to /b ${value}`, {
        now: NOW,
        zone: 'Europe/Berlin',
        accounts: [],
        kinds: world.services.kinds.list(),
        plans: [],
      });
      expect(parsed, value).toMatchObject({ outcome: 'command', command: { args: { schedule: expect.anything() } } });
      if (value !== 'only when I ask') expect(label).toMatch(/next 2\d{3}-\d\d-\d\d \d\d:\d\d$/);
    }
  });

  it('zone: by city and by region, with its time', async () => {
    expect(await ask('zone', 'berl')).toEqual([{ value: 'Europe/Berlin', label: 'Europe/Berlin, 15:23 now' }]);
    expect((await values('zone', 'new york'))[0]).toBe('America/New_York');
    expect((await values('zone', 'munich'))[0]).toBe('Europe/Berlin');
    expect((await values('zone'))[0]).toBe('Europe/Berlin');
  });

  it('snapshot: newest first, with date and size', async () => {
    const { id } = await plan(ana, 'states');
    for (const [i, day] of ['20', '21'].entries()) {
      for (const destination of [0, 1]) {
        await world.store.put('snapshots', {
          id: `${id}-${day}-${destination}`,
          plan: id,
          destination,
          run: `r${day}`,
          started: `2026-11-${day}T02:00:00.000Z`,
          ended: `2026-11-${day}T02:01:00.000Z`,
          files: i + 1,
          bytes: 1_000_000,
          manifest: 'm' as CatalogLine['path'],
          sha256: '',
        });
      }
    }
    expect(await ask('snapshot', '', { plan: 'states' })).toEqual([
      { value: 'r21', label: '2026-11-21 03:00, 2 files, 1.0 MB' },
      { value: 'r20', label: '2026-11-20 03:00, 1 file, 1.0 MB' },
    ]);
    expect(await values('snapshot', '11-20', { plan: 'states' })).toEqual(['r20']);
    expect(await ask('snapshot', '', { plan: 'states' }, bob)).toEqual([]);
  });
});

describe('limits', () => {
  it('at most 25 of at most 100 characters; what cannot be said in so many is left out', async () => {
    const paths = [
      'a'.repeat(101),
      '🏖️'.repeat(45),
      ...Array.from({ length: 60 }, (_, i) => `${'folder/'.repeat(12)}${i}.jpg`),
    ];
    const services = withFind(async function* find([about]) {
      for (const path of paths) if (about) yield { plan: about, path: path as CatalogLine['path'], size: 1e12 };
    });
    const found = await createSuggest(services)({ of: 'file', typed: 'x', plan: 'photos of ana' }, world.caller(ana));
    expect(found).toHaveLength(25);
    for (const { label, value } of found) {
      expect(value.length).toBeLessThanOrEqual(100);
      expect(label.length).toBeLessThanOrEqual(100);
      expect(label.isWellFormed()).toBe(true);
      expect(paths).toContain(value);
    }
    expect((await ask('zone', 'a')).length).toBe(25);
    expect(await ask('line', `find ${'y'.repeat(200)}`)).toEqual([]);
  });

  it('a slow search answers with what it found', async () => {
    const suggest = createSuggest(withFind(slow(['a.jpg', 'b.jpg'])), { patience: 20 });
    expect(await suggest({ of: 'file', typed: '', plan: 'photos of ana' }, world.caller(ana))).toEqual([
      { value: 'a.jpg', label: 'a.jpg (1 byte)' },
      { value: 'b.jpg', label: 'b.jpg (1 byte)' },
    ]);
  });

  it('a search that is stopped by its reader ends', async () => {
    const controller = new AbortController();
    const caller = world.caller(ana, { signal: controller.signal });
    const found = createSuggest(withFind(slow([])), { patience: 60_000 })({ of: 'file', typed: 'x' }, caller);
    controller.abort();
    expect(await found).toEqual([]);
  });

  it('a mistake of ours is not taken for "nothing found"', async () => {
    const broken = withFind(async function* find() {
      yield* [];
      throw new TypeError('a bug');
    });
    await expect(createSuggest(broken)({ of: 'file', typed: 'x' }, world.caller(ana))).rejects.toThrow('a bug');
  });
});
