/** Contract cases about writes that fail: nothing half-done is visible, the version before stays, uploads go on. */
import { expect } from 'vitest';
import { IntegrityError } from '../../../src/engine/errors.ts';
import type { NewFile } from '../../../src/engine/types.ts';
import { testMemo } from '../context.ts';
import { body, cutAt, inChunks, sha256 } from './bodies.ts';
import { type Case, comesFrom, failure, small, type Trial } from './trial.ts';

const MIB = 2 ** 20;

/** The write must fail, once with nothing there before and once over another file; neither may be seen afterwards. */
async function failsWithoutTrace(
  t: Trial,
  what: string,
  attempt: (path: string) => { file: NewFile; signal?: AbortSignal },
  judge: (error: unknown) => void,
): Promise<void> {
  const old = small(77);
  await t.put(t.at('old'), old);
  const before = await t.entry(t.at('old'));
  for (const name of ['new', 'old', 'folder/new']) {
    const { file, signal } = attempt(t.at(name));
    judge(await failure(t.write(file, signal ? { signal } : t.o), `${what} (${name})`));
  }
  expect(
    (await t.list(t.at())).map((entry) => entry.path),
    what,
  ).toEqual([t.at('old')]);
  expect(await t.bytes(t.at('old')), `${what}: the version before`).toEqual(old);
  expect((await t.entry(t.at('old'))).version, `${what}: the version before`).toBe(before.version);
  // The place is not spoilt for the next try.
  await t.put(t.at('new'), small(78));
  expect(await t.bytes(t.at('new'))).toEqual(small(78));
}

const isIntegrity = (error: unknown): void => expect(error, String(error)).toBeInstanceOf(IntegrityError);

/** Long enough for several parts or requests, short enough for a test. */
const SIZES = [100_000, 9 * MIB];

/** Cuts an upload at two thirds by an error of its source, then repeats it from byte 0 with the same memo. */
async function cutAndRepeat(t: Trial): Promise<{ size: number; again: number }> {
  const size = t.limits.resumeSize ?? 24 * MIB;
  const content = body(size, 11);
  const memo = testMemo();
  const path = t.at('resumed.bin');
  const cut = new Error('the source went away');
  const source = cutAt(content, Math.floor((size * 2) / 3), () => {
    throw cut;
  });
  const error = await failure(t.write({ path, size, content: source, memo }), 'a write whose source failed');
  expect(comesFrom(error, cut), `the error of the source is told: ${String(error)}`).toBe(true);
  expect(await t.list(t.at())).toEqual([]);
  const before = (await t.subject.received?.()) ?? 0;
  const again = await t.open();
  const written = await again.write?.({ path, size, content: inChunks(content), memo }, t.o);
  if (written?.size !== undefined) expect(written.size).toBe(size);
  expect(sha256((await t.bytes(path)) ?? Buffer.alloc(0))).toBe(sha256(content));
  expect(await t.list(t.at())).toHaveLength(1);
  expect(memo.state, 'a finished upload is forgotten').toBeUndefined();
  return { size, again: ((await t.subject.received?.()) ?? 0) - before };
}

export const faultCases: readonly Case[] = [
  {
    name: 'a whole body of another length than promised is an IntegrityError and leaves nothing',
    needs: ['write', 'remove'],
    run: async (t) => {
      for (const size of [99_999, 100_001, 0]) {
        const file = { size, content: body(100_000, 2) };
        await failsWithoutTrace(t, `whole body for ${size}`, (path) => ({ file: { ...file, path } }), isIntegrity);
        await t.provider.remove?.(await t.entry(t.at('new')), t.o);
      }
    },
  },
  ...(['shorter', 'longer'] as const).map(
    (how): Case => ({
      name: `a stream ${how} than promised is an IntegrityError and leaves nothing`,
      needs: ['write', 'remove'],
      run: async (t) => {
        for (const real of SIZES) {
          for (const off of how === 'shorter' ? [1, real] : [-1, -real + 1]) {
            await failsWithoutTrace(
              t,
              `${real} bytes for ${real + off}`,
              (path) => ({ file: { path, size: real + off, content: inChunks(body(real, 2)) } }),
              isIntegrity,
            );
            await t.provider.remove?.(await t.entry(t.at('new')), t.o);
          }
        }
      },
    }),
  ),
  {
    name: 'a source that fails in the middle leaves nothing, and its error is told',
    needs: ['write', 'remove'],
    run: async (t) => {
      for (const size of SIZES) {
        for (const told of [true, false]) {
          const error = new Error('the disk of the source is gone');
          const fail = () => {
            throw error;
          };
          const make = (path: string): NewFile => ({ path, content: cutAt(body(size, 3), size >> 1, fail) });
          await failsWithoutTrace(
            t,
            `source failing at half of ${size}, size ${told ? 'told' : 'not told'}`,
            (path) => ({ file: told ? { ...make(path), size } : make(path) }),
            (thrown) => expect(comesFrom(thrown, error), String(thrown)).toBe(true),
          );
          await t.provider.remove?.(await t.entry(t.at('new')), t.o);
        }
      }
    },
  },
  {
    name: 'a write that is aborted in the middle leaves nothing and throws the reason of the signal',
    needs: ['write', 'remove'],
    run: async (t) => {
      const reason = new Error('enough written');
      const before = await t.subject.handles?.();
      for (const size of SIZES) {
        await failsWithoutTrace(
          t,
          `abort at half of ${size}`,
          (path) => {
            const abort = new AbortController();
            const content = cutAt(body(size, 4), size >> 1, () => abort.abort(reason));
            return { file: { path, size, content }, signal: abort.signal };
          },
          (thrown) => expect(thrown).toBe(reason),
        );
        await t.provider.remove?.(await t.entry(t.at('new')), t.o);
      }
      if (before !== undefined) await expect.poll(async () => t.subject.handles?.(), { timeout: 5_000 }).toBe(before);
    },
  },
  {
    name: 'an upload cut in the middle and repeated ends with the right bytes',
    needs: ['write'],
    run: async (t) => {
      await cutAndRepeat(t);
    },
  },
  {
    name: 'a repeated upload does not send its first part again',
    needs: ['write', 'received'],
    run: async (t) => {
      const { size, again } = await cutAndRepeat(t);
      // Two thirds had arrived; a provider may lose its last parts in flight, but not half of the file.
      expect(again).toBeLessThan(size * 0.75);
    },
  },
  {
    name: 'a memo that means nothing here is no obstacle',
    needs: ['write'],
    run: async (t) => {
      const size = t.limits.resumeSize ?? 24 * MIB;
      const content = body(size, 12);
      for (const [i, state] of ['', 'not json', '{}', '{"upload":"gone","offset":999999999999}'].entries()) {
        const path = t.at(`memo ${i}`);
        await t.write({ path, size, content: inChunks(content), memo: testMemo(state) });
        expect(sha256((await t.bytes(path)) ?? Buffer.alloc(0)), JSON.stringify(state)).toBe(sha256(content));
      }
    },
  },
];
