/** The demo's photos are real: a decoder reads them, and their EXIF says when, where and with what. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { changeLibrary, makeLibrary, photo } from '../../src/demo/library.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-library-'));
});
afterEach(() => rm(folder, { recursive: true }));

const now = new Date('2026-11-22T12:00:00.000Z');
const files = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

it('a photo decodes, and its EXIF holds date, camera and place', async () => {
  const bytes = await photo({
    taken: new Date('2026-09-23T14:05:06.000Z'),
    camera: { make: 'Fujifilm', model: 'X100V' },
    place: { latitude: 38.7139, longitude: -9.1334 },
    hue: 40,
  });
  const { exif, format, width, height } = await sharp(bytes).metadata();
  expect({ format, width, height }).toEqual({ format: 'jpeg', width: 960, height: 640 });
  const text = exif?.toString('latin1') ?? '';
  for (const words of ['Fujifilm', 'X100V', '2026:09:23 14:05:06']) expect(text).toContain(words);
  // GPS tags (Exif 2.32, table 15): 1 = latitude reference "N", 3 = longitude reference "W", as little-endian ASCII entries.
  expect(text).toContain('\u0001\0\u0002\0\u0002\0\0\0N\0');
  expect(text).toContain('\u0003\0\u0002\0\u0002\0\0\0W\0');
  const { channels } = await sharp(bytes).stats();
  expect(Math.max(...channels.map((channel) => channel.stdev))).toBeGreaterThan(20);
});

it('every photo is another one, and changing changes what it says', async () => {
  const count = await makeLibrary(folder, now);
  const before = await files();
  expect(before).toHaveLength(count);
  const bytes = await Promise.all(before.map((file) => readFile(file, 'base64')));
  expect(new Set(bytes).size).toBe(count);
  const first = before.find((file) => file.endsWith('Lisbon/IMG_0001.jpg')) ?? '';
  const old = await readFile(first);

  const changes = await changeLibrary(folder, now);
  const after = await files();
  expect(after).toHaveLength(count - changes.deleted.length + changes.added.length);
  expect(join(folder, changes.edited)).toBe(first);
  expect((await readFile(first)).equals(old)).toBe(false);
  for (const path of changes.deleted) expect(after).not.toContain(join(folder, path));
  for (const path of changes.added) expect(after).toContain(join(folder, path));
});
