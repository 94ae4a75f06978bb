import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withSavedFiles } from '../../src/bots/console-files.ts';
import type { Reply } from '../../src/engine/types.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const reply = (...names: string[]): Reply => ({
  tone: 'plain',
  title: 'photos',
  blocks: [
    { kind: 'text', text: 'before' },
    ...names.map((name) => ({ kind: 'file' as const, name, mime: 'application/pdf', bytes: Buffer.from(name) })),
  ],
});

it('saves what a reply brings, says where, and replaces nothing', async () => {
  const first = await withSavedFiles(reply('photos 2026.pdf'), folder);
  expect(first.blocks).toEqual([
    { kind: 'text', text: 'before' },
    { kind: 'text', text: `Saved as ${join(folder, 'photos 2026.pdf')}` },
  ]);
  await withSavedFiles(reply('photos 2026.pdf'), folder);
  expect((await readdir(folder)).sort()).toEqual(['photos 2026 (2).pdf', 'photos 2026.pdf']);
  expect(await readFile(join(folder, 'photos 2026.pdf'), 'utf8')).toBe('photos 2026.pdf');
});

it('a name is no way out of the folder, and no hidden file', async () => {
  await withSavedFiles(reply('../../evil.pdf', '/etc/passwd', '..', '.bashrc', 'C:\\x.pdf', 'a\nb.pdf', ''), folder);
  const names = await readdir(folder);
  expect(names).toHaveLength(7);
  for (const name of names) expect(name).not.toMatch(/^\.|[\\/:\n]/);
});

it('a folder that takes no file is said', async () => {
  const told = await withSavedFiles(reply('x.pdf'), join(folder, 'not there'));
  expect(JSON.stringify(told.blocks)).toContain('could not be saved here');
});

it('a reply without files is itself', async () => {
  const same = reply();
  expect(await withSavedFiles(same, folder)).toBe(same);
});
