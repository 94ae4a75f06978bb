import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compare, decide } from '../../src/engine/backup/decide.ts';
import { createFilter } from '../../src/engine/backup/filter.ts';
import { createGate } from '../../src/engine/backup/gate.ts';
import { guardQuestion } from '../../src/engine/backup/guard.ts';
import { freePath, laidOut, numbered } from '../../src/engine/backup/layout.ts';
import { expired, keptPoints } from '../../src/engine/backup/retention.ts';
import { newRunId, runTime } from '../../src/engine/backup/run-id.ts';
import { comparePaths } from '../../src/engine/path.ts';
import { createSpool } from '../../src/engine/store/spool.ts';
import type { CatalogLine, Entry } from '../../src/engine/types.ts';

const entry = (path: string, more: Partial<Entry> = {}): Entry => ({ path, id: path, size: 1, version: 'v1', ...more });
const line = (path: string, more: Partial<CatalogLine> = {}): CatalogLine => ({
  id: path,
  path,
  size: 1,
  sha256: 'aa',
  version: 'v1',
  run: '20260101T000000Z-aaaaaa',
  ...more,
});
async function* from<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}

type Without = Partial<Entry> & { without?: ('version' | 'size')[] };

describe('whether a copy still is the source file', () => {
  const time = '2026-05-01T10:00:00.400Z';
  it.each<[string, Without, Partial<CatalogLine>, string]>([
    ['equal versions', {}, {}, 'same'],
    ['another version', { version: 'v2' }, {}, 'changed'],
    ['another size', { size: 2 }, {}, 'changed'],
    ['another version, the same hash', { version: 'v2', hashes: { sha256: 'aa' } }, {}, 'same'],
    ['equal version, another hash', { hashes: { sha256: 'bb' } }, {}, 'changed'],
    [
      'no version, same size and second',
      { without: ['version'], modified: time },
      { modified: '2026-05-01T10:00:00.000Z' },
      'same',
    ],
    [
      'no version, another time',
      { without: ['version'], modified: time },
      { modified: '2026-05-01T10:00:01.000Z' },
      'changed',
    ],
    ['nothing to compare', { without: ['version', 'size'] }, {}, 'unverifiable'],
    ['a copy known to be damaged', {}, { damaged: true }, 'changed'],
  ])('%s', (_, { without = [], ...e }, l, expected) => {
    const given = entry('a', e);
    for (const key of without) delete given[key];
    expect(compare(given, line('a', l))).toBe(expected);
  });
});

describe('the merge of listing and catalogs', () => {
  const steps = async (entries: Entry[], catalogs: CatalogLine[][], complete = true) => {
    const out: string[] = [];
    for await (const step of decide(entries, catalogs.map(from), complete)) {
      out.push(
        `${step.path}: ${step.needs.map((need) => `${need.destination} ${need.action} ${need.why}`).join(', ')}`,
      );
    }
    return out;
  };

  it('tells new, same, changed and vanished apart, per destination', async () => {
    expect(
      await steps(
        [entry('a'), entry('b', { version: 'v2' }), entry('d')],
        [[line('a'), line('b'), line('c')], [line('b', { version: 'v2' })]],
      ),
    ).toEqual([
      'a: 0 keep same, 1 copy new',
      'b: 0 copy changed, 1 keep same',
      'c: 0 retire vanished',
      'd: 0 copy new, 1 copy new',
    ]);
  });

  it('never reads an incomplete listing as "the rest was deleted"', async () => {
    expect(await steps([entry('b')], [[line('a'), line('b'), line('c')]], false)).toEqual(['b: 0 keep same']);
    expect(await steps([], [[line('a')]], false)).toEqual([]);
  });

  it('keeps its footing where UTF-16 and code point order differ', async () => {
    const paths = ['a\uE000', 'a\u{1F600}', 'a/b', 'a', 'á', 'a\u0301', '\uFFFD', '\u{10000}'].sort(comparePaths);
    expect(
      await steps(
        paths.map((path) => entry(path)),
        [paths.map((path) => line(path))],
      ),
    ).toEqual(paths.map((path) => `${path}: 0 keep same`));
    expect(comparePaths('a\uE000', 'a\u{1F600}')).toBeLessThan(0);
  });
});

describe('filters', () => {
  const takes = (filter: Parameters<typeof createFilter>[0], ...paths: string[]) =>
    paths.filter((path) => createFilter(filter)(entry(path, { size: 1000, modified: '2026-01-15T00:00:00.000Z' })));

  it.each([
    [
      'only photos',
      { kinds: ['photos' as const] },
      ['a.JPG', 'b.heic', 'c.mov', 'd.txt', 'e.dng'],
      ['a.JPG', 'b.heic', 'e.dng'],
    ],
    [
      'only videos and a glob',
      { kinds: ['videos' as const], only: ['*.txt'] },
      ['a.mov', 'x/b.TXT', 'c.jpg'],
      ['a.mov', 'x/b.TXT'],
    ],
    ['except', { except: ['*.mov', 'tmp/'] }, ['a.mov', 'tmp/x/y.jpg', 'b.jpg'], ['b.jpg']],
    ['a glob with a folder', { only: ['2026/**/*.jpg'] }, ['2026/05/a.jpg', 'b.jpg'], ['2026/05/a.jpg']],
    ['dot files', { only: ['*.jpg'] }, ['.hidden.jpg'], ['.hidden.jpg']],
    [
      'Keepsake’s own folder',
      {},
      ['.keepsake/snapshots/x', 'x/.keepsake/y', '.keepsaker'],
      ['x/.keepsake/y', '.keepsaker'],
    ],
    ['size', { largerThan: 999, smallerThan: 1001 }, ['a'], ['a']],
    ['too small', { largerThan: 1000 }, ['a'], []],
    ['since', { since: '2026-01-15T00:00:00.000Z' }, ['a'], ['a']],
    ['before', { before: '2026-01-15T00:00:00.000Z' }, ['a'], []],
  ])('%s', (_, filter, given, expected) => {
    expect(takes(filter, ...given)).toEqual(expected);
  });

  it('takes what it cannot judge', () => {
    expect(createFilter({ largerThan: 5, since: '2026-01-01T00:00:00.000Z' })({ path: 'a', id: 'a' })).toBe(true);
  });
});

describe('where files go', () => {
  it.each([
    ['{year}/{month}', 'x/IMG.jpg', { modified: '2026-05-01T10:00:00.000Z' }, '2026/05/IMG.jpg'],
    ['{year}', 'IMG.jpg', {}, 'Unknown/IMG.jpg'],
    [
      '{year}',
      'IMG.jpg',
      { modified: '2026-05-01T10:00:00.000Z', about: { taken: '2019-02-03T00:00:00.000Z' } },
      '2019/IMG.jpg',
    ],
    ['{album}', 'IMG.jpg', { about: { album: '../../etc' } }, '..‛2F..‛2Fetc/IMG.jpg'],
    ['{album}', 'IMG.jpg', { about: { album: '..' } }, 'Other/IMG.jpg'],
    ['{folder}/{year}', 'a/b/IMG.jpg', { modified: '2026-05-01T10:00:00.000Z' }, 'a/b/2026/IMG.jpg'],
    [undefined, 'a/b', {}, 'a/b'],
  ])('%s', (template, path, more, expected) => {
    expect(laidOut({ path, ...more }, template)).toBe(expected);
  });

  it('an album with the name of our own folder does not get into it', () => {
    const entry = { path: 'README.txt', about: { album: '.keepsake' } };
    expect(laidOut(entry, '{album}')).toBe('Other/README.txt');
  });

  it('numbers what would collide', () => {
    const taken = new Set(['a.jpg', 'a (2).jpg']);
    expect(freePath('a.jpg', undefined, (path) => taken.has(path))).toBe('a (3).jpg');
    expect(numbered('x.y/.hidden', 2)).toBe('x.y/.hidden (2)');
  });
});

describe('retention', () => {
  const day = (n: number) => new Date(Date.UTC(2026, 0, n)).toISOString();
  const version = (brought: number, retired: number): CatalogLine =>
    line('a', {
      run: newRunId(new Date(day(brought)), 'aaaaaa'),
      retired: { run: newRunId(new Date(day(retired)), 'bbbbbb'), at: day(retired) },
    });
  const versions = Array.from({ length: 40 }, (_, i) => version(i + 1, i + 2));
  const points = Array.from({ length: 41 }, (_, i) => day(i + 1));
  const now = new Date(day(42));
  const policies = [
    { versions: 1 },
    { versions: 5 },
    { days: 10 },
    { days: 1000 },
    { daily: 7, weekly: 4, monthly: 12 },
    { daily: 1 },
    {},
  ];

  it('keeps n versions, the current one included', () => {
    expect(versions.length - expired({ versions: 5 }, versions, true, points, now).length).toBe(4);
  });
  it('keeps what was replaced within the last days', () => {
    expect(versions.length - expired({ days: 10 }, versions, true, points, now).length).toBe(10);
  });
  it('keeps one point a day, a week, a month', () => {
    expect(keptPoints({ daily: 7 }, points)).toEqual(points.slice(-7));
    expect(keptPoints({ monthly: 12 }, points)).toEqual([day(31), day(41)]);
    expect(keptPoints({ weekly: 2 }, points)).toHaveLength(2);
  });
  it.each(policies)('never gives up the last good copy, and is idempotent and monotone: %j', (policy) => {
    for (const current of [true, false]) {
      const gone = expired(policy, versions, current, points, now);
      if (!current) expect(gone).not.toContain(versions.at(-1));
      const rest = versions.filter((each) => !gone.includes(each));
      expect(expired(policy, rest, current, points, now)).toEqual([]);
      const later = expired(policy, versions, current, points, new Date(now.getTime() + 86_400_000));
      for (const each of gone) expect(later).toContain(each);
    }
  });
});

describe('retention where something is wrong', () => {
  const version = (run: string, retired: string, more: Partial<CatalogLine> = {}): CatalogLine => ({
    ...line('a', { run: `${run}T000000Z-aaaaaa` }),
    retired: { run: 'x', at: retired },
    ...more,
  });
  const now = new Date('2026-11-22T00:00:00Z');

  it('a damaged version is not the last good copy', () => {
    const good = version('20260101', '2026-02-01T00:00:00.000Z');
    const older = version('20251201', '2026-01-01T00:00:00.000Z');
    const damaged = version('20260201', '2026-03-01T00:00:00.000Z', { damaged: true });
    for (const policy of [{ versions: 1 }, { days: 1 }, { daily: 1 }])
      expect(expired(policy, [older, good, damaged], false, [], now)).toEqual([damaged, older]);
  });

  it('a version that a wrong clock dated after its end is kept', () => {
    const odd = version('20990101', '2026-03-01T00:00:00.000Z');
    expect(expired({ daily: 7 }, [odd], true, ['2026-11-21T00:00:00.000Z'], now)).toEqual([]);
  });
});

describe('the guard', () => {
  it.each([
    [{ files: 100, changed: 0, vanished: 19 }, 100, false],
    [{ files: 80, changed: 0, vanished: 20 }, 100, true],
    [{ files: 80, changed: 10, vanished: 10 }, 100, true],
    [{ files: 1000, changed: 30, vanished: 0 }, 1000, false],
    [{ files: 0, changed: 0, vanished: 3 }, 3, true],
    [{ files: 0, changed: 0, vanished: 0 }, 0, false],
  ])('%j of %i', (counts, held, asks) => {
    expect(guardQuestion(counts, held) !== undefined).toBe(asks);
  });
});

describe('names of runs', () => {
  it('sort by time and tell it', () => {
    const at = new Date('2026-11-22T03:04:05.678Z');
    expect(newRunId(at, 'abcdef01')).toBe('20261122T030405Z-iuabcd');
    const names = [0, 9, 10, 35, 36, 359, 360, 999].map((ms) => newRunId(new Date(at.getTime() - 678 + ms), 'zzzz'));
    expect(names.toSorted()).toEqual(names);
    expect(runTime(newRunId(at, 'abcdef'))).toBe('2026-11-22T03:04:05.000Z');
  });
});

describe('the gate', () => {
  it('grows while that is faster, shrinks when the service pushes back, and never runs more than its limit', async () => {
    let now = 0;
    let most = 0;
    let running = 0;
    const gate = createGate(64, () => now);
    const task = async () => {
      running++;
      most = Math.max(most, running);
      expect(running).toBeLessThanOrEqual(gate.limit);
      await Promise.resolve();
      // Every task takes the same time, so a wider gate is a faster one.
      now += 10 / gate.limit;
      running--;
    };
    await Promise.all(Array.from({ length: 3000 }, () => gate.run(task)));
    expect(gate.limit).toBe(64);
    expect(most).toBeGreaterThan(32);
    expect(gate.active).toBe(0);
    now += 5_000;
    gate.pushedBack();
    gate.pushedBack();
    expect(gate.limit).toBe(32);
    await expect(gate.run(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(gate.active).toBe(0);
  });
});

describe('the spool', () => {
  it('sorts by path in memory and on disk alike, replaces, and leaves nothing behind', () => {
    const folder = join(tmpdir(), `keepsake-spool-${process.pid}`);
    const names = Array.from(
      { length: 500 },
      (_, i) => `${String.fromCodePoint(0xe000 + ((i * 7919) % 60_000))}${i % 7}`,
    );
    const few = createSpool<{ n: string }>(folder, 1000);
    const many = createSpool<{ n: string }>(folder, 10);
    for (const spool of [few, many]) {
      for (const name of names) spool.add(name, { n: name });
      spool.add(names[3] as string, { n: 'again' });
    }
    expect(readdirSync(folder)).toHaveLength(1);
    expect(many.size).toBe(few.size);
    expect([...many.sorted()]).toEqual([...few.sorted()]);
    expect(many.get(names[3] as string)).toEqual({ n: 'again' });
    expect(many.has('nowhere')).toBe(false);
    few.close();
    many.close();
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  });
});
