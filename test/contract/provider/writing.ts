/** Contract cases about writing: sizes, names, parents, times, moving and removing. */
import { expect } from 'vitest';
import { FileRejected, NotFound } from '../../../src/engine/errors.ts';
import { storedPath } from '../../../src/engine/path.ts';
import type { Entry, NewFile } from '../../../src/engine/types.ts';
import { body, collect, inChunks, inParallel, sha256 } from './bodies.ts';
import { CASE_TWINS, DEEP_PATH, HOSTILE_NAMES, NORMAL_TWINS } from './names.ts';
import { type Case, comesFrom, failure, failureOf, isForeseen, small, type Trial } from './trial.ts';

const MIB = 2 ** 20;
const MODIFIED = '2019-03-31T01:59:57.000Z';

/** FAT keeps even seconds only, and a server may round. */
const WITHIN_MS = 2_000;

function expectKept(t: Trial, entry: Entry, modified: string): void {
  if (!t.traits.keepsModified) return;
  expect(
    Math.abs(Date.parse(entry.modified ?? '') - Date.parse(modified)),
    `modified ${entry.modified}`,
  ).toBeLessThanOrEqual(WITHIN_MS);
}

/** Writes, compares the answer with the truth, lists, reads back. */
async function roundTrip(t: Trial, file: NewFile, content: Buffer): Promise<void> {
  const written = await t.write(file);
  expect(written.path).toBe(file.path);
  if (written.size !== undefined) expect(written.size).toBe(content.length);
  if (written.hashes?.sha256) expect(written.hashes.sha256).toBe(sha256(content));
  const listed = await t.entry(file.path);
  if (written.version !== undefined && listed.version !== undefined) expect(listed.version).toBe(written.version);
  expect(listed.id).toBe(written.id);
  if (listed.size !== undefined) expect(listed.size).toBe(content.length);
  if (file.modified) expectKept(t, listed, file.modified);
  const back = await collect(await t.provider.read(listed, t.o));
  expect(back.length).toBe(content.length);
  expect(sha256(back)).toBe(sha256(content));
}

/** Stores each pair as two files and reads both back. */
async function twins(t: Trial, pairs: readonly (readonly [string, string])[]): Promise<void> {
  for (const pair of pairs) {
    const both = pair.map((name) => storedPath(t.at('twins', name), t.traits.forbidden));
    for (const [i, path] of both.entries()) await t.write({ path, content: small(i), size: small(i).length });
    for (const [i, path] of both.entries()) expect(await t.bytes(path), JSON.stringify(pair)).toEqual(small(i));
  }
  expect(await t.list(t.at('twins'))).toHaveLength(pairs.length * 2);
}

export const writingCases: readonly Case[] = [
  ...[0, 1, 100_000, MIB - 1, MIB, MIB + 1].map(
    (size): Case => ({
      name: `writes ${size} bytes whole and as a stream, with its time`,
      needs: ['write'],
      run: async (t) => {
        const content = body(size, size + 1);
        const file = { size, modified: MODIFIED, mime: 'application/octet-stream' };
        await roundTrip(t, { ...file, path: t.at('whole'), content, hashes: { sha256: sha256(content) } }, content);
        await roundTrip(t, { ...file, path: t.at('stream'), content: inChunks(content) }, content);
        await roundTrip(t, { path: t.at('untold'), content: inChunks(content) }, content);
      },
    }),
  ),
  ...[true, false].map(
    (told): Case => ({
      name: `writes a long stream whose size is ${told ? 'told' : 'not told'}`,
      needs: ['write'],
      run: async (t) => {
        const content = body(t.limits.largest ?? 20_000_003, 5);
        const file = { path: t.at('long'), content: inChunks(content), modified: MODIFIED };
        await roundTrip(t, told ? { ...file, size: content.length } : file, content);
      },
    }),
  ),
  {
    name: 'the service confirms what it stored, in the answer or when asked',
    needs: ['write'],
    run: async (t) => {
      const written = await t.write({ path: t.at('sure', 'file'), content: small(3), size: 1_234 });
      const asked = (await t.provider.confirm?.([written.path], t.o)) ?? [written];
      expect(asked.map((entry) => [entry.path, entry.size])).toEqual([[t.at('sure', 'file'), 1_234]]);
    },
  },
  {
    name: 'confirm answers each that is there as a listing would, and not what is missing',
    needs: ['write', 'confirm'],
    run: async (t) => {
      const names = ['a', 'b', 'sub/c', 'sub/deep/d'];
      for (const [i, name] of names.entries())
        await t.write({ path: t.at(name), content: small(i, i + 10), size: i + 10 });
      const asked = await t.provider.confirm?.(
        [...names, 'missing', 'no/folder'].map((name) => t.at(name)),
        t.o,
      );
      const listed = await t.list(t.at());
      const brief = (entries: Entry[] = []) => entries.map((e) => [e.path, e.size, e.version]).sort();
      expect(brief(asked)).toEqual(brief(listed));
    },
  },
  {
    name: 'many small files into one new folder at once',
    needs: ['write'],
    run: async (t) => {
      const names = Array.from({ length: 64 }, (_, i) => `${i}`);
      await Promise.all(
        names.map((name, i) => t.write({ path: t.at('new', 'folder', name), content: small(i, 300), size: 300 })),
      );
      expect(await t.list(t.at())).toHaveLength(64);
      for (const [i, name] of names.entries()) {
        if (i % 9 === 0) expect(await t.bytes(t.at('new', 'folder', name))).toEqual(small(i, 300));
      }
    },
  },
  {
    name: 'hostile names come back as they were, as files and as folders',
    needs: ['write'],
    run: async (t) => {
      const refusing = new Set(t.limits.cannotStore ?? []);
      const wrong: string[] = [];
      const stored = new Map<string, Buffer>();
      const tries = HOSTILE_NAMES.flatMap((name, i) => [
        { name, path: t.at('files', name), content: small(2 * i, 40) },
        { name, path: t.at('folders', name, 'in it'), content: small(2 * i + 1, 40) },
      ]);
      await inParallel(tries, Math.min(8, t.traits.parallel), async ({ name, path: wanted, content }) => {
        const path = storedPath(wanted, t.traits.forbidden);
        try {
          const written = await t.write({ path, content, size: content.length, hashes: { sha256: sha256(content) } });
          if (written.path !== path) wrong.push(`${JSON.stringify(path)} became ${JSON.stringify(written.path)}`);
          if (refusing.has(name)) wrong.push(`${JSON.stringify(name)} was stored although the limits say it cannot be`);
          stored.set(path, content);
        } catch (error) {
          const refused = error instanceof FileRejected && refusing.has(name);
          if (!refused) wrong.push(`${JSON.stringify(name)} was refused: ${String(error)}`);
        }
      });
      if (stored.size + wrong.length + refusing.size * 2 < tries.length) wrong.push('two names were stored as one');
      const listed = new Map((await t.list(t.at())).map((entry) => [entry.path, entry]));
      for (const [path, content] of stored) {
        const hidden = t.limits.hidesDotNames && path.split('/').some((name) => name.startsWith('.'));
        if (hidden && listed.has(path)) wrong.push(`${JSON.stringify(path)} is listed although the limits deny it`);
        const entry = listed.get(path) ?? (hidden ? { path, id: path } : undefined);
        if (!entry) wrong.push(`${JSON.stringify(path)} is not listed`);
        else if (!(await collect(await t.provider.read(entry, t.o))).equals(content)) {
          wrong.push(`${JSON.stringify(path)} has other bytes`);
        }
      }
      for (const path of listed.keys())
        if (!stored.has(path)) wrong.push(`${JSON.stringify(path)} came out of nowhere`);
      expect(wrong).toEqual([]);
    },
  },
  {
    name: 'names that differ in case only are two files',
    needs: ['write', 'caseSensitive'],
    run: (t) => twins(t, CASE_TWINS),
  },
  {
    name: 'names that look the same (composed and decomposed) are two files',
    needs: ['write', 'normalisationKept'],
    run: (t) => twins(t, NORMAL_TWINS),
  },
  {
    name: 'a path of forty folders',
    needs: ['write'],
    run: async (t) => {
      await roundTrip(t, { path: t.at(DEEP_PATH), content: small(8), size: 1_234, modified: MODIFIED }, small(8));
    },
  },
  {
    name: 'a file where a folder is needed loses nothing',
    needs: ['write'],
    run: async (t) => {
      await t.put(t.at('file'), small(1));
      try {
        await t.put(t.at('file', 'below'), small(2));
        expect(await t.bytes(t.at('file', 'below'))).toEqual(small(2));
      } catch (error) {
        expect(isForeseen(error), String(error)).toBe(true);
      }
      expect(await t.bytes(t.at('file'))).toEqual(small(1));
    },
  },
  {
    name: 'removes a file and nothing else; removing what is not there is fine',
    needs: ['put', 'remove'],
    run: async (t) => {
      for (const name of ['gone', 'gone.txt', 'stays/gone']) await t.put(t.at(name), small(1));
      const entry = await t.entry(t.at('gone'));
      await t.provider.remove?.(entry, t.o);
      await t.provider.remove?.(entry, t.o);
      const never = { path: t.at('no', 'such'), id: t.at('no', 'such') };
      await t.provider.remove?.(never, t.o);
      expect((await t.list(t.at())).map((each) => each.path).sort()).toEqual([t.at('gone.txt'), t.at('stays/gone')]);
    },
  },
  {
    name: 'moves a file into new folders, over another file, and says when there is nothing to move',
    needs: ['write', 'move'],
    run: async (t) => {
      await t.write({ path: t.at('from'), content: small(1), size: 1_234, modified: MODIFIED });
      const from = await t.entry(t.at('from'));
      const moved = await t.provider.move?.(from, t.at('new', 'folder', 'to'), t.o);
      expect(moved?.path).toBe(t.at('new', 'folder', 'to'));
      const listed = await t.entry(t.at('new', 'folder', 'to'));
      if (moved?.version !== undefined) expect(listed.version).toBe(moved.version);
      expectKept(t, listed, MODIFIED);
      expect(await t.bytes(t.at('from'))).toBeUndefined();
      expect(await t.bytes(listed.path)).toEqual(small(1));
      await t.put(t.at('second'), small(2));
      await t.provider.move?.(await t.entry(t.at('second')), listed.path, t.o);
      expect(await t.bytes(listed.path)).toEqual(small(2));
      expect(await t.list(t.at())).toHaveLength(1);
      const again = async () => t.provider.move?.(from, t.at('elsewhere'), t.o);
      await failureOf(NotFound, again(), 'moving what is not there');
      expect(await t.list(t.at())).toHaveLength(1);
    },
  },
  {
    name: 'copies at the service, over another file too',
    needs: ['write', 'copyFrom'],
    run: async (t) => {
      await t.put(t.at('one'), small(1));
      const entry = await t.entry(t.at('one'));
      const other = await t.open();
      for (const path of [t.at('deep', 'copy'), t.at('deep', 'copy')]) {
        const copied = await t.provider.copyFrom?.(entry, other, path, t.o);
        expect(copied?.path).toBe(path);
        expect(await t.bytes(path)).toEqual(small(1));
      }
      expect(await t.bytes(t.at('one'))).toEqual(small(1));
      const missing = { ...entry, path: t.at('nothing'), id: t.at('nothing') };
      const copy = async () => t.provider.copyFrom?.(missing, other, t.at('x'), t.o);
      const error = await failure(copy(), 'copying what is not there');
      expect(comesFrom(error, error) && isForeseen(error), String(error)).toBe(true);
    },
  },
];
