/** Contract cases about listing and reading. */
import { expect } from 'vitest';
import { Conflict, NotFound } from '../../../src/engine/errors.ts';
import { body, collect, inParallel, sha256 } from './bodies.ts';
import { type Case, comesFrom, failure, failureOf, small, type Trial } from './trial.ts';

const MIB = 2 ** 20;

const paths = async (t: Trial, under?: string): Promise<string[]> =>
  (await t.list(under)).map((entry) => entry.path).sort();

export const readingCases: readonly Case[] = [
  {
    // First in the list: the place is still as the setup made it.
    name: 'an empty place lists nothing',
    run: async (t) => {
      expect(await t.list(t.at())).toEqual([]);
      expect(await t.list('no/such/folder')).toEqual([]);
    },
  },
  {
    name: 'lists exactly what was written, once each, through nested folders',
    needs: ['put'],
    run: async (t) => {
      const count = t.limits.files ?? 1_000;
      const wanted = Array.from({ length: count }, (_, i) =>
        t.at(
          `a${i % 7}`,
          ...(i % 3 === 0 ? [] : [`b${i % 11}`]),
          ...(i % 5 === 0 ? ['c', 'd', 'e'] : []),
          `file ${i}.bin`,
        ),
      );
      await inParallel(wanted.entries(), Math.min(16, t.traits.parallel), ([i, path]) => t.put(path, small(i, i % 50)));
      const entries = await t.list(t.at());
      expect(entries.map((entry) => entry.path).sort()).toEqual([...wanted].sort());
      const sizes = new Map(wanted.map((path, i) => [path, i % 50]));
      for (const entry of entries) {
        if (entry.size !== undefined) expect(entry.size, entry.path).toBe(sizes.get(entry.path));
        expect(entry.id, 'id').not.toBe('');
        if (entry.modified) expect(new Date(entry.modified).toISOString()).toBe(entry.modified);
      }
      const everything = await paths(t);
      expect(everything.filter((path) => path.startsWith(t.at('')))).toEqual([...wanted].sort());
      expect(new Set(entries.map((entry) => entry.id)).size, 'ids differ').toBe(count);
    },
  },
  {
    name: 'lists below one folder only, not its namesakes',
    needs: ['put'],
    run: async (t) => {
      for (const name of ['in/a', 'in/deep/er/b', 'in-not/c', 'in.txt', 'i/d', 'other/in/e'])
        await t.put(t.at(name), small(1, 3));
      expect(await paths(t, t.at('in'))).toEqual([t.at('in/a'), t.at('in/deep/er/b')]);
      expect(await paths(t, t.at('in/deep'))).toEqual([t.at('in/deep/er/b')]);
      expect(await paths(t, t.at('in/missing'))).toEqual([]);
    },
  },
  ...[0, 1, 100_000, MIB - 1, MIB, MIB + 1].map(
    (size): Case => ({
      name: `reads back ${size} bytes as they were`,
      needs: ['put'],
      run: async (t) => {
        const content = body(size, size);
        await t.put(t.at('round trip.bin'), content);
        const entry = await t.entry(t.at('round trip.bin'));
        if (entry.size !== undefined) expect(entry.size).toBe(size);
        const back = await collect(await t.provider.read(entry, t.o));
        expect(back.length).toBe(size);
        expect(sha256(back)).toBe(sha256(content));
        if (entry.hashes?.sha256) expect(entry.hashes.sha256).toBe(sha256(content));
      },
    }),
  ),
  {
    name: 'reads from any offset',
    needs: ['put', 'rangeReads'],
    run: async (t) => {
      // Both sides of the size at which a provider may change from one request to several.
      for (const size of [5_000, 3 * MIB + 17]) {
        const content = body(size, 3);
        await t.put(t.at(`${size}`), content);
        const entry = await t.entry(t.at(`${size}`));
        for (const from of [0, 1, size >> 1, size - 1, size]) {
          const back = await collect(await t.provider.read(entry, { ...t.o, from }));
          expect(back.length, `from ${from} of ${size}`).toBe(size - from);
          expect(back.equals(content.subarray(from)), `from ${from} of ${size}`).toBe(true);
        }
      }
    },
  },
  {
    name: 'reads what is at a path without knowing more',
    needs: ['put'],
    run: async (t) => {
      await t.put(t.at('plain'), small(4));
      const { path, id } = await t.entry(t.at('plain'));
      expect(await collect(await t.provider.read({ path, id }, t.o))).toEqual(small(4));
    },
  },
  {
    name: 'a version stays while the bytes stay, and another file has nothing to do with it',
    needs: ['put'],
    run: async (t) => {
      await t.put(t.at('kept'), small(1));
      const before = await t.entry(t.at('kept'));
      await t.put(t.at('neighbour'), small(2));
      await collect(await t.provider.read(before, t.o));
      const after = await t.entry(t.at('kept'));
      expect(after.version).toBe(before.version);
      expect(after.id).toBe(before.id);
    },
  },
  {
    name: 'a replaced file is one file with the new bytes and a new version',
    needs: ['put'],
    run: async (t) => {
      const path = t.at('replaced');
      await t.put(path, small(1));
      const before = await t.entry(path);
      const next = t.limits.coarseVersions ? small(2, 1_235) : small(2);
      await t.put(path, next);
      const after = await t.entry(path);
      if (before.version !== undefined) expect(after.version).not.toBe(before.version);
      expect(await collect(await t.provider.read(after, t.o))).toEqual(next);
    },
  },
  {
    name: 'a version that is no longer there is a Conflict',
    needs: ['put', 'staleReads'],
    run: async (t) => {
      const path = t.at('stale');
      for (const size of [1_234, 2 * MIB]) {
        await t.put(path, small(1, size));
        const before = await t.entry(path);
        await t.put(path, small(2, t.limits.coarseVersions ? size + 1 : size));
        const read = async () => collect(await t.provider.read(before, t.o));
        await failureOf(Conflict, read(), `reading the version before (${size} bytes)`);
      }
    },
  },
  {
    name: 'reading what is not there is NotFound',
    run: async (t) => {
      for (const path of [t.at('nothing'), t.at('no', 'folder', 'either')]) {
        const read = async () => collect(await t.provider.read({ path, id: path, size: 5 }, t.o));
        await failureOf(NotFound, read(), path);
      }
    },
  },
  {
    name: 'a listing stops when its signal is aborted',
    needs: ['put'],
    run: async (t) => {
      for (const name of ['a', 'b/c', 'd/e']) await t.put(t.at(name), small(1, 3));
      const abort = new AbortController();
      const reason = new Error('enough listed');
      const list = async () => {
        for await (const _ of t.provider.list({ signal: abort.signal, under: t.at() })) abort.abort(reason);
      };
      expect(comesFrom(await failure(list(), 'listing'), reason)).toBe(true);
    },
  },
  {
    name: 'a read stops when its signal is aborted, and keeps nothing open',
    needs: ['put'],
    run: async (t) => {
      await t.put(t.at('long'), body(8 * MIB, 9));
      const entry = await t.entry(t.at('long'));
      await collect(await t.provider.read(entry, t.o));
      const before = await t.subject.handles?.();
      const abort = new AbortController();
      const reason = new Error('enough read');
      let seen = 0;
      const read = async () => {
        for await (const chunk of await t.provider.read(entry, { signal: abort.signal })) {
          seen += chunk.length;
          abort.abort(reason);
        }
      };
      expect(await failure(read(), `reading on after the abort (${seen} bytes seen)`)).toBe(reason);
      expect(seen).toBeLessThan(8 * MIB);
      for await (const _ of await t.provider.read(entry, t.o)) break;
      if (before !== undefined) await expect.poll(async () => t.subject.handles?.(), { timeout: 5_000 }).toBe(before);
      expect(sha256(await collect(await t.provider.read(entry, t.o)))).toBe(sha256(body(8 * MIB, 9)));
    },
  },
];
