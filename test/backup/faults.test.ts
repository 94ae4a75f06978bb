import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuthRequired, Conflict, FileRejected, NotFound, QuotaExceeded, RetryLater } from '../../src/engine/errors.ts';
import { wrapped } from '../../src/engine/provider-wrappers.ts';
import type { Entry, NewFile, Plan, Provider, Run } from '../../src/engine/types.ts';
import { createHarness, type Harness, noise, put, tree } from './harness.ts';

let h: Harness;
beforeEach(async () => {
  h = await createHarness();
});
afterEach(() => h.close());

const files = (n: number, from = 0) => {
  for (let i = from; i < from + n; i++) put(h.at('src', `d${i % 7}`, `f${i}.bin`), `content ${i}`);
};

/** Puts a fault into one method of the destination; answers how often it was met, so that a fault never met fails. */
function faulty(root: string, make: (provider: Provider, met: () => number) => Partial<Provider>): () => number {
  let count = 0;
  h.around.set(root, (provider) =>
    wrapped(
      provider,
      make(provider, () => ++count),
    ),
  );
  return () => count;
}
const failWrites = (when: (n: number, file: NewFile) => Error | undefined) =>
  faulty(h.at('dst'), (provider, met) => {
    let n = 0;
    return {
      write: async (file, o) => {
        const error = when(++n, file);
        if (error) {
          met();
          throw error;
        }
        return (await provider.write?.(file, o)) as Entry;
      },
    };
  });

const catalogPaths = async (plan: Plan): Promise<string[]> => {
  const paths: string[] = [];
  for await (const line of h.store.find('catalog', { from: `${plan.id}/0/`, to: `${plan.id}/00` }))
    paths.push(line.path);
  return paths;
};

describe('when something goes wrong', () => {
  it('a service that pushes back for a while only costs time', async () => {
    files(60);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const tried = new Set<string>();
    const met = failWrites((n, file) => {
      if (n % 4 !== 0 || tried.has(file.path)) return undefined;
      tried.add(file.path);
      return new RetryLater('429', { after: 5 });
    });
    expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { new: 60, failed: 0 } });
    expect(met()).toBeGreaterThan(5);
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  });

  it('one refused file is reported and the others are safe', async () => {
    files(30);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const met = failWrites((_, file) =>
      file.path.endsWith('f7.bin') ? new FileRejected('no such name here') : undefined,
    );
    const run = await h.run(plan);
    expect(met()).toBe(1);
    expect(run).toMatchObject({ state: 'partial', counts: { failed: 1 }, problemCount: 1 });
    expect(run.problems[0]).toMatchObject({ path: 'd0/f7.bin', message: 'no such name here', code: 'file_rejected' });
    expect(Object.keys(tree(h.at('dst')))).toHaveLength(29);
    h.around.clear();
    expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { new: 1, same: 29 } });
  });

  it('a full disk stops the run, says how much is missing, and the next run goes on', async () => {
    files(40);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const met = failWrites((n) => (n > 20 ? new QuotaExceeded('The disk is full.', { missing: 4096 }) : undefined));
    const run = await h.run(plan);
    expect(met()).toBeGreaterThan(0);
    expect(run).toMatchObject({ state: 'failed', problems: [{ code: 'quota_exceeded' }] });
    expect(run.verdict).toContain('The disk is full.');
    const held = (await catalogPaths(plan)).length;
    expect(held).toBe(Object.keys(tree(h.at('dst'))).length);
    expect(held).toBeGreaterThan(5);
    expect(existsSync(h.at('dst', '.keepsake', 'snapshots'))).toBe(false);
    h.around.clear();
    const next = await h.run(plan);
    expect(next).toMatchObject({ state: 'done', counts: { same: held, new: 40 - held } });
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  });

  it('is told before the first byte when it cannot fit', async () => {
    files(5);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    mkdirSync(h.at('dst'));
    const met = faulty(h.at('dst'), (_provider, count) => ({ check: async () => ({ free: 10 - count() * 0 }) }));
    expect(await h.run(plan)).toMatchObject({ state: 'failed', problems: [{ code: 'quota_exceeded' }] });
    expect(met()).toBe(1);
    expect(readdirSync(h.at('dst'))).toEqual([]);
  });

  it('a sign-in that ended makes the run wait for the owner, and it goes on where it stood', async () => {
    files(40);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const met = failWrites((n) => (n > 10 ? new AuthRequired('Signed out.') : undefined));
    expect(await h.run(plan)).toMatchObject({ state: 'waiting', problems: [{ code: 'auth_required' }] });
    expect(met()).toBeGreaterThan(0);
    h.around.clear();
    const held = (await catalogPaths(plan)).length;
    expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { same: held, new: 40 - held } });
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  });

  it('a server that is gone in the middle ends the run soon, with what is safe counted', async () => {
    files(200);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const met = failWrites((n) => (n > 50 ? new RetryLater('connection refused') : undefined));
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'failed' });
    expect(met()).toBeLessThan(200);
    expect((await catalogPaths(plan)).length).toBe(Object.keys(tree(h.at('dst'))).length);
    h.around.clear();
    expect(await h.run(plan)).toMatchObject({ state: 'done', problems: [] });
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  });

  it('a listing that breaks is not read as "the rest was deleted"', async () => {
    files(30);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    const met = faulty(h.at('src'), (provider, count) => ({
      async *list(o) {
        let n = 0;
        for await (const entry of provider.list(o)) {
          if (++n > 10) {
            count();
            throw new RetryLater('reset');
          }
          yield entry;
        }
      },
    }));
    expect(await h.run(plan)).toMatchObject({ state: 'failed' });
    expect(met()).toBe(1);
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  });

  it('a folder that cannot be read keeps its copies, is reported, and the rest is backed up', async () => {
    files(14);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    put(h.at('src', 'new.bin'), 'new');
    const met = faulty(h.at('src'), (provider, count) => ({
      async *list(o) {
        for await (const entry of provider.list(o)) if (!entry.path.startsWith('d3/')) yield entry;
        count();
        throw new FileRejected('d3 cannot be read.', { code: 'unreadable_folder' });
      },
    }));
    const run = await h.run(plan);
    expect(met()).toBe(1);
    expect(run).toMatchObject({
      state: 'partial',
      counts: { new: 1, vanished: 0 },
      problems: [{ code: 'unreadable_folder' }],
    });
    expect(existsSync(h.at('dst', 'd3', 'f3.bin'))).toBe(true);
    expect(existsSync(h.at('dst', 'new.bin'))).toBe(true);
  });

  it('a file that changes or vanishes while it is read is told, and taken by the next run', async () => {
    files(10);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const met = faulty(h.at('src'), (provider, count) => ({
      read: async (entry, o) => {
        if (entry.path === 'd1/f1.bin') {
          count();
          throw new Conflict('It changed while it was read.');
        }
        if (entry.path === 'd2/f2.bin') {
          count();
          throw new NotFound('It is gone.');
        }
        return await provider.read(entry, o);
      },
    }));
    const run = await h.run(plan);
    expect(met()).toBe(2);
    expect(run).toMatchObject({ state: 'partial', counts: { new: 10, failed: 2 } });
    expect(run.problems.map((p) => [p.path, p.code]).sort()).toEqual([
      ['d1/f1.bin', 'conflict'],
      ['d2/f2.bin', 'not_found'],
    ]);
    h.around.clear();
    expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { new: 2, same: 8 } });
  });

  it('a replaced file whose new bytes do not come keeps its old copy in place', async () => {
    files(10);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    const before = tree(h.at('dst'));
    put(h.at('src', 'd1', 'f1.bin'), 'changed', new Date('2026-07-01T00:00:00Z'));
    const met = failWrites((_, file) => (file.path === 'd1/f1.bin' ? new FileRejected('refused') : undefined));
    expect(await h.run(plan)).toMatchObject({ state: 'partial' });
    expect(met()).toBe(1);
    expect(tree(h.at('dst'))).toEqual(before);
    h.around.clear();
    expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { changed: 1 } });
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  });
});

describe('stopping', () => {
  it('keeps what is confirmed, writes no snapshot, and the next run goes on', async () => {
    files(300);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const stop = new AbortController();
    const met = faulty(h.at('dst'), (provider, count) => ({
      write: async (file, o) => {
        if (count() === 100) stop.abort(new Error('SIGTERM'));
        return (await provider.write?.(file, o)) as Entry;
      },
    }));
    const queued = await h.backup.start(plan, 'person');
    const run = await h.backup.work(queued.id, stop.signal);
    expect(met()).toBeGreaterThanOrEqual(100);
    expect(met()).toBeLessThan(200);
    expect(['stopped', 'failed']).toContain(run.state);
    const held = await catalogPaths(plan);
    expect(held.length).toBeGreaterThan(50);
    expect(existsSync(h.at('dst', '.keepsake', 'snapshots'))).toBe(false);
    h.around.clear();
    const next = await h.run(plan);
    expect(next).toMatchObject({ state: 'done', problems: [] });
    expect(next.counts?.same).toBe(held.length);
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
    expect(Object.keys(tree(h.at('dst'), true)).filter((path) => path.includes('/versions/'))).toEqual([]);
  });

  it('answers "stop" at the next chunk', async () => {
    put(h.at('src', 'big.bin'), noise(30_000_000));
    const plan = await h.plan('p', h.at('src'), [h.at('dst')], { limit: 1_000_000 });
    const queued = await h.backup.start(plan, 'person');
    const working = h.backup.work(queued.id, new AbortController().signal);
    let seen: Run | undefined;
    for await (const state of h.backup.watch(queued.id, new AbortController().signal)) {
      seen = state;
      if (state.state === 'running' && state.progress?.phase === 'copying') await h.backup.stop(plan);
    }
    expect(seen).toMatchObject({ state: 'stopped' });
    expect((await working).state).toBe('stopped');
    expect(tree(h.at('dst'))).toEqual({});
  });

  it('one run per plan: a second worker leaves it alone', async () => {
    files(5);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.store.put('leases', { id: plan.id, holder: 'elsewhere/1/x', until: '2999-01-01T00:00:00.000Z' });
    const run = await h.run(plan);
    expect(run.state).toBe('queued');
    expect(existsSync(h.at('dst'))).toBe(false);
  });

  it('takes over at once from a worker of this machine that died', async () => {
    files(5);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const { hostname } = await import('node:os');
    await h.store.put('leases', {
      id: plan.id,
      holder: `${hostname()}/999999999/x`,
      until: '2999-01-01T00:00:00.000Z',
    });
    expect(await h.run(plan)).toMatchObject({ state: 'done' });
  });
});

describe('a destination that is not as it was left', () => {
  it('an unmounted disk is not filled', async () => {
    files(5);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    renameSync(h.at('dst'), h.at('unmounted'));
    mkdirSync(h.at('dst'));
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'failed', problems: [{ code: 'destination_gone' }] });
    expect(readdirSync(h.at('dst'))).toEqual([]);
    expect(await h.run(plan, true)).toMatchObject({ state: 'done' });
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  });

  it('files of others that lie there are kept, and equal ones are not copied again', async () => {
    put(h.at('src', 'same.bin'), 'equal');
    put(h.at('src', 'mine.bin'), 'from the source');
    put(h.at('src', 'size.bin'), 'aaaa');
    put(h.at('dst', 'same.bin'), 'equal');
    put(h.at('dst', 'mine.bin'), 'someone else');
    put(h.at('dst', 'size.bin'), 'bbbb');
    put(h.at('dst', 'other.bin'), 'unrelated');
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    let writes = 0;
    faulty(h.at('dst'), (provider) => ({
      write: async (file, o) => {
        if (!file.path.startsWith('.keepsake/')) writes++;
        return (await provider.write?.(file, o)) as Entry;
      },
    }));
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'done', problems: [] });
    expect(writes).toBe(2);
    const after = tree(h.at('dst'), true);
    expect(after[`.keepsake/versions/${run.id}/mine.bin`]).toBeDefined();
    expect(after[`.keepsake/versions/${run.id}/size.bin`]).toBeDefined();
    expect(existsSync(h.at('dst', 'other.bin'))).toBe(true);
  });

  it('a file that someone put where a new one goes is kept, in a later run too', async () => {
    files(3);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    put(h.at('src', 'new.bin'), 'from the source');
    put(h.at('dst', 'new.bin'), 'put there by hand');
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'done', counts: { new: 1 } });
    expect(tree(h.at('dst'))['new.bin']).toBe(tree(h.at('src'))['new.bin']);
    expect(tree(h.at('dst'), true)[`.keepsake/versions/${run.id}/new.bin`]).toBeDefined();
  });

  it('asks before it changes much, and goes on when a person says so', async () => {
    files(50);
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    const before = tree(h.at('dst'), true);
    for (let i = 0; i < 30; i++) rmSync(h.at('src', `d${i % 7}`, `f${i}.bin`));
    const asked = await h.run(plan);
    expect(asked).toMatchObject({ state: 'waiting' });
    expect(asked.question?.text).toContain('30 of 50 files have vanished');
    expect(tree(h.at('dst'), true)).toEqual(before);
    expect(await h.run(plan, true)).toMatchObject({ state: 'done', counts: { vanished: 30 } });
    expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  });

  it('two names that differ only in case stay two on a case-insensitive target', async () => {
    put(h.at('src', 'IMG.jpg'), 'upper');
    put(h.at('src', 'img.jpg'), 'lower');
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    faulty(h.at('dst'), () => ({ traits: { caseSensitive: false } }));
    // The trait is read at open; the wrapper is put around later, so the plan's own traits are patched here.
    const open = h.places.open;
    h.places.open = async (location, signal, limit) => {
      const place = await open(location, signal, limit);
      return location.root === h.at('dst') ? { ...place, traits: { ...place.traits, caseSensitive: false } } : place;
    };
    expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { new: 2 } });
    expect(Object.keys(tree(h.at('dst'))).sort()).toEqual(['IMG.jpg', 'img (2).jpg']);
    expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { same: 2, new: 0 } });
  });
});

it('several destinations get the same, and each its own manifest', async () => {
  files(20);
  put(h.at('src', 'big.bin'), noise(3_000_000));
  const plan = await h.plan('p', h.at('src'), [h.at('dst'), h.at('second')]);
  let reads = 0;
  faulty(h.at('src'), (provider) => ({
    read: (entry, o) => {
      reads++;
      return provider.read(entry, o);
    },
  }));
  expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { new: 21 } });
  expect(reads).toBe(21);
  for (const folder of ['dst', 'second']) expect(tree(h.at(folder))).toEqual(tree(h.at('src')));
  put(h.at('src', 'later.bin'), 'later');
  rmSync(h.at('second'), { recursive: true });
  const without = await h.run(plan);
  expect(without).toMatchObject({
    state: 'partial',
    problems: [{ code: 'destination_gone', destination: h.at('second') }],
  });
  expect(without.verdict).toBe(
    `${h.at('second')} could not be used this time; everything else is safe in ${h.at('dst')}.`,
  );
  expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
  expect(existsSync(h.at('second'))).toBe(false);
  expect(await h.run(plan, true)).toMatchObject({ state: 'done', counts: { new: 22 } });
  expect(tree(h.at('second'))).toEqual(tree(h.at('src')));
});

it('a destination that fails in the middle does not keep the other from its backup', async () => {
  files(60);
  const plan = await h.plan('p', h.at('src'), [h.at('dst'), h.at('second')]);
  const met = failWrites((n) => (n > 20 ? new AuthRequired('Signed out.') : undefined));
  const run = await h.run(plan);
  expect(met()).toBeGreaterThan(0);
  expect(run).toMatchObject({
    state: 'partial',
    problemCount: 1,
    problems: [{ code: 'auth_required', destination: h.at('dst') }],
  });
  expect(tree(h.at('second'))).toEqual(tree(h.at('src')));
  h.around.clear();
  expect(await h.run(plan)).toMatchObject({ state: 'done' });
  expect(tree(h.at('dst'))).toEqual(tree(h.at('src')));
});

it('retention removes bytes only after the manifest that no longer lists them', async () => {
  const plan = await h.plan('p', h.at('src'), [h.at('dst')], { retention: { versions: 2 } });
  for (let i = 0; i < 5; i++) {
    put(h.at('src', 'a.txt'), `version ${i}`, new Date(Date.UTC(2026, i, 1)));
    h.moveClock(86_400_000);
    expect(await h.run(plan)).toMatchObject({ state: 'done' });
  }
  const versions = Object.keys(tree(h.at('dst'), true)).filter((path) => path.includes('/versions/'));
  expect(versions).toHaveLength(1);
  rmSync(h.at('src', 'a.txt'));
  writeFileSync(h.at('src', 'b.txt'), 'something else');
  expect(await h.run(plan)).toMatchObject({ state: 'done', counts: { vanished: 1 } });
  await h.run(plan);
  const kept = Object.keys(tree(h.at('dst'), true)).filter((path) => path.endsWith('a.txt'));
  expect(kept.length).toBeGreaterThanOrEqual(1);
});
