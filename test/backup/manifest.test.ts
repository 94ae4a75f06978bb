import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { type ManifestHead, readManifest, writeManifest } from '../../src/engine/backup/manifest.ts';
import type { Bytes, CatalogLine } from '../../src/engine/types.ts';

const folder = mkdtempSync(join(tmpdir(), 'keepsake-manifest-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const head: ManifestHead = {
  keepsake: 1,
  run: '20261122T030000Z-abcdef',
  started: '2026-11-22T03:00:00.000Z',
  plan: {
    id: 'p1',
    name: 'photos',
    line: 'backup a to b',
    source: { kind: 'local', root: '/a', text: 'a' },
    destinations: [{ kind: 'local', root: '/b', text: 'b' }],
    schedule: { manual: true },
    filter: {},
    report: 'always',
  },
  destination: 0,
};
const line = (path: string, more: Partial<CatalogLine> = {}): CatalogLine => ({
  id: `p1/0/${path}`,
  path,
  size: 3,
  sha256: 'ab'.repeat(32),
  run: head.run,
  ...more,
});
const hostile = [
  'new\nline',
  'emoji 👩‍👩‍👧',
  'quote"\\',
  '‛2F',
  '\u2028',
  'ü',
  'u\u0308',
  ...Array.from({ length: 3000 }, (_, i) => `f/${i}`),
];

async function written(lines: CatalogLine[]): Promise<Buffer> {
  async function* all() {
    yield* lines;
  }
  const made = await writeManifest(folder, head, all(), () => '2026-11-22T03:05:00.000Z', new AbortController().signal);
  const bytes = readFileSync(made.file);
  expect(made.size).toBe(bytes.length);
  made.remove();
  return bytes;
}

async function* inPieces(bytes: Uint8Array, size: number): Bytes & AsyncGenerator<Uint8Array> {
  const reused = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    reused.set(part);
    yield reused.subarray(0, part.length);
  }
}

async function read(bytes: Uint8Array, size = 777): Promise<string[]> {
  const paths: string[] = [];
  let foot = false;
  for await (const item of readManifest('test', inPieces(bytes, size))) {
    if ('line' in item) paths.push(item.line.path);
    if ('foot' in item) foot = true;
  }
  expect(foot).toBe(true);
  return paths;
}

const respelled = (bytes: Buffer, change: (text: string) => string) =>
  zstdCompressSync(Buffer.from(change(zstdDecompressSync(bytes).toString())));

describe('a manifest', () => {
  it('gives back every name, whatever is in it', async () => {
    const bytes = await written([...hostile.map((path) => line(path)), line('gone', { doomed: true })]);
    expect(await read(bytes)).toEqual(hostile);
    expect(await read(bytes, 1)).toEqual(hostile);
  });

  it('can be read by anyone with zstd', async () => {
    const bytes = await written([line('a.jpg')]);
    let text: string;
    try {
      text = execFileSync('zstd', ['-dc'], { input: bytes }).toString();
    } catch {
      text = zstdDecompressSync(bytes).toString();
    }
    expect(JSON.parse(text.split('\n')[1] as string)).toMatchObject({ path: 'a.jpg', size: 3 });
  });

  it.each<[string, (bytes: Buffer) => Buffer | Uint8Array, string]>([
    ['cut short in the middle', (b) => b.subarray(0, b.length / 2), 'manifest_damaged'],
    ['cut short by one byte', (b) => b.subarray(0, -1), 'manifest_damaged'],
    ['empty', () => Buffer.alloc(0), 'manifest_damaged'],
    [
      'with a flipped bit',
      (b) => b.map((byte, i) => (i === Math.floor(b.length / 2) ? byte ^ 4 : byte)),
      'manifest_damaged',
    ],
    ['not zstd', () => Buffer.from('<html>sign in</html>'), 'manifest_damaged'],
    [
      'without its foot',
      (b) => respelled(b, (t) => `${t.trimEnd().split('\n').slice(0, -1).join('\n')}\n`),
      'manifest_damaged',
    ],
    ['with one altered line', (b) => respelled(b, (t) => t.replace('"size":3', '"size":4')), 'manifest_damaged'],
    ['with a line taken out', (b) => respelled(b, (t) => t.split('\n').toSpliced(2, 1).join('\n')), 'manifest_damaged'],
    ['that goes on after its end', (b) => respelled(b, (t) => `${t}{"path":"x"}\n`), 'manifest_damaged'],
    [
      'with a path out of the root',
      (b) => respelled(b, (t) => t.replace('"f/1"', '"../../etc/passwd"')),
      'manifest_damaged',
    ],
    [
      'with a stored path out of the root',
      (b) => respelled(b, (t) => t.replace('"path":"f/1"', '"path":"f/1","stored":"/etc/x"')),
      'manifest_damaged',
    ],
    ['of a newer format', (b) => respelled(b, (t) => t.replace('"keepsake":1', '"keepsake":2')), 'manifest_newer'],
    ['that is something else', (b) => respelled(b, () => '{"hello":1}\n'), 'manifest_damaged'],
    [
      'with an endless line',
      (b) => respelled(b, (t) => `${t.split('\n')[0]}\n${'x'.repeat(3_000_000)}`),
      'manifest_damaged',
    ],
  ])('%s is not believed', async (_, spoil, code) => {
    const bytes = await written(hostile.map((path) => line(path)));
    await expect(read(spoil(bytes) as Uint8Array)).rejects.toMatchObject({ code });
  });

  const retired = { run: 'r2', at: '2026-11-22T03:00:00.000Z' };
  it.each<[string, Partial<CatalogLine>]>([
    ['a file among our own', { path: '.keepsake/snapshots/x.jsonl.zst' }],
    ['a current file stored among our own', { stored: '.keepsake/README.txt' }],
    ['a current file as an old version, which retention would delete', { retired, stored: 'photos/a.jpg' }],
    ['an old version without its place', { retired }],
    ['an old version by the handle of another file', { retired, stored: '.keepsake/versions/r2/a', at: 'other' }],
    ['a size below nothing', { size: -1 }],
    ['a run with a slash', { run: 'a/b' }],
  ])('a whole manifest that names %s is not believed', async (_, more) => {
    await expect(read(await written([line('a', more)]))).rejects.toMatchObject({ code: 'manifest_damaged' });
  });

  it('a last line of nothing is not believed', async () => {
    const bytes = respelled(await written([line('a')]), (t) => `${t.split('\n')[0]}\nnull\n`);
    await expect(read(bytes)).rejects.toMatchObject({ code: 'manifest_damaged' });
  });
});
