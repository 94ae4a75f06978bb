/** Folders of this machine: the contract on a real disk, and what only disks have. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { chmod, link, mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Conflict, FileRejected, NotFound, QuotaExceeded, UsageError } from '../../src/engine/errors.ts';
import type { Entry, Provider } from '../../src/engine/types.ts';
import { asideOf } from '../../src/providers/lib/disk-names.ts';
import { twinGuard, WINDOWS_NAMES } from '../../src/providers/local/volume.ts';
import { kind } from '../../src/providers/local.ts';
import { testContext } from '../contract/context.ts';
import { body, collect, inChunks } from '../contract/provider/bodies.ts';
import { failureOf } from '../contract/provider/trial.ts';
import { providerCases, providerContract, runCase } from '../contract/provider.ts';
import { caseless, caselessMissing, fat, fatMissing, tmpfs, tmpfsMissing, type Volume } from '../servers/volume.ts';

const temporary = async (): Promise<string> => mkdtemp(join(tmpdir(), 'keepsake-local-'));
const o = { signal: new AbortController().signal };

const openAt = (root: string, localRoots = [root]): Promise<Provider> =>
  kind.open({}, root, testContext({ localRoots }));

async function paths(provider: Provider, under?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of provider.list(under === undefined ? o : { ...o, under })) found.push(path);
  return found.sort();
}

async function entryOf(provider: Provider, path: string): Promise<Entry> {
  for await (const entry of provider.list(o)) if (entry.path === path) return entry;
  throw new Error(`${path} is not listed`);
}

const write = (provider: Provider, path: string, content: Uint8Array): Promise<Entry> =>
  (provider.write as NonNullable<Provider['write']>)({ path, content, size: content.length }, o);

const read = async (provider: Provider, entry: Pick<Entry, 'path' | 'version'>): Promise<Buffer> =>
  collect(await provider.read({ id: entry.path, ...entry }, o));

providerContract('local', async () => {
  const root = await temporary();
  return {
    kind,
    settings: {},
    root,
    context: testContext({ localRoots: [root] }),
    missingRoot: join(root, 'not', 'there'),
    handles: () => readdirSync('/proc/self/fd').length,
    cleanup: () => rm(root, { recursive: true }),
  };
});

const noFat = await fatMissing();
providerContract('local on a FAT stick', async () => {
  if (noFat) return { skip: noFat };
  const { folder, close } = await fat();
  return { kind, settings: {}, root: folder, context: testContext({ localRoots: [folder] }), cleanup: close };
});

describe('which folder a root means', () => {
  const context = { home: '/home/ana', cwd: '/srv/photos' };
  it.each([
    ['~', '/home/ana'],
    ['~/Pictures/', '/home/ana/Pictures'],
    ['./folder', '/srv/photos/folder'],
    ['../other//x/.', '/srv/other/x'],
    ['/mnt/usb/', '/mnt/usb'],
    ['/', '/'],
    ['c:/Users/Ana/Pictures/', 'C:\\Users\\Ana\\Pictures'],
    ['D:', 'D:\\'],
    ['d:\\a\\..\\b', 'D:\\b'],
    ['\\\\nas\\share\\folder\\', '\\\\nas\\share\\folder'],
    ['/with space ', '/with space '],
  ])('%s is %s', (text, canonical) => {
    expect(kind.root?.(text, context)).toBe(canonical);
    expect(kind.root?.(canonical, context), 'the canonical text stays').toBe(canonical);
  });

  it.each(['', '   ', '/nul\0/x'])('%j is no folder', (text) => {
    expect(() => kind.root?.(text, context)).toThrow(UsageError);
  });
});

describe('a folder of this machine', () => {
  let base: string;
  let root: string;
  let outside: string;

  beforeEach(async () => {
    base = await temporary();
    root = join(base, 'root');
    outside = join(base, 'outside');
    await mkdir(root);
    await mkdir(outside);
    writeFileSync(join(outside, 'secret'), 'not yours');
  });
  afterEach(() => rm(base, { recursive: true }));

  it('outside the opened folders is refused with the line to set', async () => {
    const error = await failureOf(UsageError, openAt(outside, [root]), 'a folder that nobody opened');
    expect(error.advice).toContain(`KEEPSAKE_LOCAL_ROOTS=${root}:${outside}`);
    await failureOf(UsageError, openAt(`${root}-namesake`, [root]), 'a namesake of an opened folder');
    await openAt(join(root, 'new', 'below'), [root]);
  });

  it('reached through a symlink counts as the place it leads to', async () => {
    await symlink(outside, join(root, 'link'));
    await failureOf(UsageError, openAt(join(root, 'link'), [root]), 'a symlink out of an opened folder');
    await failureOf(UsageError, openAt(join(root, 'link', 'new'), [root]), 'a new folder behind it');
    await symlink(root, join(base, 'to-root'));
    const provider = await openAt(join(base, 'to-root'), [root]);
    await write(provider, 'a', body(3));
    expect(existsSync(join(root, 'a'))).toBe(true);
  });

  it('never lets a symlink lead out: not by listing, reading, writing, moving or removing', async () => {
    await symlink(outside, join(root, 'dir'));
    await symlink(join(outside, 'secret'), join(root, 'file'));
    const provider = await openAt(root);
    expect(await paths(provider)).toEqual([]);
    expect(await paths(provider, 'dir')).toEqual([]);
    for (const path of ['file', 'dir/secret'])
      await failureOf(FileRejected, read(provider, { path }), `reading ${path}`);
    await failureOf(FileRejected, write(provider, 'dir/new', body(3)), 'writing');
    await failureOf(FileRejected, write(provider, 'dir/deep/new', body(3)), 'writing deeper');
    await write(provider, 'mine', body(3));
    const mine = { path: 'mine', id: 'mine' };
    const move = async () => provider.move?.(mine, 'dir/mine', o);
    await failureOf(FileRejected, move(), 'moving out');
    const steal = async () => provider.move?.({ path: 'dir/secret', id: '' }, 'got', o);
    await failureOf(FileRejected, steal(), 'moving in');
    const remove = async () => provider.remove?.({ path: 'dir/secret', id: '' }, o);
    await failureOf(FileRejected, remove(), 'removing');
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('not yours');
    // A link where the file is to be written is replaced, not written through.
    await write(provider, 'file', body(5));
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('not yours');
    expect(await paths(provider)).toEqual(['file', 'mine']);
  });

  it('does not write through a link that lies where the file is made', async () => {
    symlinkSync(join(outside, 'secret'), join(root, asideOf('a')));
    const provider = await openAt(root);
    await write(provider, 'a', body(5));
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('not yours');
    expect(readFileSync(join(root, 'a'))).toEqual(body(5));
    expect(readdirSync(root)).toEqual(['a']);
  });

  it('keeps paths from other services inside, whatever they decode to', async () => {
    const provider = await openAt(root);
    for (const path of ['../x', 'a/../../x', '/etc/x', '', 'a//b', 'nul\0']) {
      await expect(write(provider, path, body(1)), path).rejects.toThrow(UsageError);
    }
    await write(provider, '‛2E‛2E/‛2Fx', body(1));
    expect(readdirSync(base).sort()).toEqual(['outside', 'root']);
    expect(await paths(provider)).toEqual(['‛2E‛2E/‛2Fx']);
    // These would become the name of another file.
    for (const path of ['‛C3‛A9', 'lone \ud800']) {
      await failureOf(FileRejected, write(provider, path, body(1)), JSON.stringify(path));
    }
  });

  it('tells names that are not UTF-8 apart, and gives them back byte by byte', async () => {
    const names = [
      [0xff, 0xfe],
      [0x66, 0x80],
      [0x66, 0x81],
      [0xef, 0xbf, 0xbd],
      [0xe2, 0x80, 0x9b, 0x46, 0x46],
      [0xe2, 0x80, 0x9b, 0xff],
      [0xe2, 0x80, 0x9b, 0x33, 0x41],
      [0xc3, 0xa9],
    ].map((bytes) => Buffer.from(bytes));
    const folder = Buffer.from('r\u00e9pertoire \xe9', 'latin1');
    await mkdir(Buffer.concat([Buffer.from(`${root}/`), folder]));
    for (const [i, name] of names.entries()) {
      writeFileSync(Buffer.concat([Buffer.from(`${root}/`), folder, Buffer.from('/'), name]), body(10 + i, i));
    }
    const source = await openAt(root);
    const copy = join(base, 'copy');
    const target = await openAt(copy);
    for await (const entry of source.list(o)) await write(target, entry.path, await read(source, entry));
    const told = readdirSync(copy, 'buffer');
    expect(told).toEqual([folder]);
    const inside = readdirSync(Buffer.concat([Buffer.from(`${copy}/`), folder]), 'buffer');
    expect(inside.map((name) => name.toString('hex')).sort()).toEqual(names.map((name) => name.toString('hex')).sort());
    expect(await paths(target)).toEqual(await paths(source));
  });

  it('holds any name under the rules of Windows, with its escapes as they read', async () => {
    const strict = { ...kind, traits: { ...kind.traits, forbidden: WINDOWS_NAMES } };
    const names = providerCases.find(({ name }) => name.startsWith('hostile names'));
    const subject = { kind: strict, settings: {}, root, context: testContext({ localRoots: [root] }) };
    if (!names) throw new Error('The case has another name now.');
    await runCase(names, { ...subject, cleanup: async () => {} });
    const stored = readdirSync(root, { recursive: true, encoding: 'utf8' }).flatMap((path) => path.split('/'));
    expect(stored).toContain('‛3Acolon');
    expect(stored).toContain('‛43ON');
    const forbidden = [...(WINDOWS_NAMES.characters ?? '')];
    expect(stored.filter((name) => forbidden.some((c) => name.includes(c)) || /[. ]$/.test(name))).toEqual([]);
  });

  it('lists regular files only, without waiting for pipes', async () => {
    writeFileSync(join(root, 'file'), 'x');
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await link(join(root, 'file'), join(root, 'hard link'));
    const provider = await openAt(root);
    expect(await paths(provider)).toEqual(['file', 'hard link']);
    await failureOf(FileRejected, read(provider, { path: 'pipe' }), 'reading a pipe');
    await mkdir(join(root, 'folder'));
    await failureOf(FileRejected, read(provider, { path: 'folder' }), 'reading a folder');
    await failureOf(FileRejected, write(provider, 'folder', body(1)), 'writing over a folder');
    expect(readdirSync(root).sort()).toEqual(['file', 'folder', 'hard link', 'pipe']);
  });

  it('takes over what a crash left, and never lists it', async () => {
    writeFileSync(join(root, asideOf('a')), 'half of');
    const provider = await openAt(root);
    expect(await paths(provider)).toEqual([]);
    await write(provider, 'a', body(5));
    expect(readdirSync(root)).toEqual(['a']);
  });

  it('sees an edit that keeps size and date', async () => {
    const file = join(root, 'sly');
    writeFileSync(file, 'one');
    const provider = await openAt(root);
    const before = await entryOf(provider, 'sly');
    const { atime, mtime } = await stat(file);
    writeFileSync(file, 'two');
    utimesSync(file, atime, mtime);
    expect((await entryOf(provider, 'sly')).version).not.toBe(before.version);
    await failureOf(Conflict, read(provider, before), 'reading the version before');
  });

  it.each(['grows', 'shrinks'])('a file that %s while it is read is a Conflict', async (how) => {
    const file = join(root, 'log');
    writeFileSync(file, body(6 * 2 ** 20));
    const provider = await openAt(root);
    const entry = await entryOf(provider, 'log');
    const reading = async () => {
      for await (const _ of await provider.read(entry, o)) {
        if (how === 'grows') appendFileSync(file, 'more');
        else truncateSync(file, 100);
      }
    };
    await failureOf(Conflict, reading(), how);
  });

  it('two writes of one file at once end as one of the two', async () => {
    const provider = await openAt(root);
    const contents = [body(3_000_000, 1), body(3_000_000, 2)];
    await Promise.all(
      contents.map((content) =>
        provider.write?.({ path: 'both', content: inChunks(content), size: content.length }, o),
      ),
    );
    const stored = await read(provider, { path: 'both' });
    expect(contents.some((content) => content.equals(stored))).toBe(true);
    expect(readdirSync(root)).toEqual(['both']);
  });

  it('makes a folder again that somebody removed meanwhile', async () => {
    const provider = await openAt(root);
    await write(provider, 'a/b/one', body(1));
    await rm(join(root, 'a'), { recursive: true });
    await write(provider, 'a/b/two', body(1));
    await rm(join(root, 'a'), { recursive: true });
    await write(provider, 'three', body(1));
    await provider.move?.({ path: 'three', id: 'three' }, 'a/b/three', o);
    expect(await paths(provider)).toEqual(['a/b/three']);
  });

  it('that is not there is NotFound, never empty', async () => {
    const provider = await openAt(join(root, 'unplugged'), [root]);
    await failureOf(NotFound, paths(provider), 'listing');
    await failureOf(NotFound, provider.check(o), 'checking');
    await write(provider, 'a', body(1));
    expect(await paths(provider)).toEqual(['a']);
  });

  /** Root may read everything, so the test steps down for a moment. */
  const asNobody = async (work: () => Promise<void>): Promise<void> => {
    if (userInfo().uid !== 0 || !process.seteuid) return work();
    process.seteuid(65_534);
    try {
      await work();
    } finally {
      process.seteuid(0);
    }
  };

  it('lists all it may, and then says which folder it may not read', async () => {
    for (const path of ['open/a', 'closed/b', 'z/c']) {
      await mkdir(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), 'x');
    }
    await chmod(base, 0o755);
    await chmod(join(root, 'closed'), 0o000);
    const seen: string[] = [];
    const listing = async () => {
      const provider = await openAt(root);
      for await (const { path } of provider.list(o)) seen.push(path);
    };
    await asNobody(async () => {
      const error = await failureOf(FileRejected, listing(), 'an unreadable folder');
      expect(error.code).toBe('unreadable_folder');
      expect(error.message).toContain('"closed"');
    });
    expect(seen.sort()).toEqual(['open/a', 'z/c']);
    await chmod(join(root, 'closed'), 0o755);
  });

  it('that may not be written to is told file by file', async () => {
    await chmod(base, 0o755);
    writeFileSync(join(root, 'private'), 'x', { mode: 0o600 });
    await chmod(root, 0o555);
    await asNobody(async () => {
      const provider = await openAt(root);
      const error = await failureOf(FileRejected, write(provider, 'a', body(1)), 'writing');
      expect(error.code).toBe('permission');
      if (userInfo().uid === 0) await failureOf(FileRejected, read(provider, { path: 'private' }), 'reading');
    });
    await chmod(root, 0o755);
    expect(readdirSync(root)).toEqual(['private']);
  });
});

const noTmpfs = await tmpfsMissing();
describe.skipIf(noTmpfs)(`a small volume${noTmpfs ? ` (${noTmpfs})` : ''}`, () => {
  let volume: Volume;
  beforeEach(async () => {
    volume = await tmpfs('1m');
  });
  afterEach(() => volume.close());

  it('that is full says how much is missing, keeps what was there and leaves nothing half-done', async () => {
    const provider = await openAt(volume.folder);
    await write(provider, 'kept', body(100_000));
    const health = await provider.check(o);
    expect(health.total).toBe(2 ** 20);
    const large = body(3_000_000, 2);
    for (const content of [large, inChunks(large)]) {
      for (const path of ['new', 'kept']) {
        const writing = async () => provider.write?.({ path, content, size: large.length }, o);
        const error = await failureOf(QuotaExceeded, writing(), path);
        expect(error.missing).toBe(large.length - (health.free ?? 0));
        if (!(content instanceof Uint8Array)) break;
      }
    }
    expect(readdirSync(volume.folder)).toEqual(['kept']);
    expect(await read(provider, { path: 'kept' })).toEqual(body(100_000));
    await write(provider, 'fits', body(200_000));
  });

  it('that is mounted read-only is told as that', async () => {
    volume.remount('ro');
    const provider = await openAt(volume.folder);
    const error = await failureOf(UsageError, write(provider, 'a', body(1)), 'writing');
    expect(error.code).toBe('read_only');
  });

  it('inside a root is moved to and from like a folder', async () => {
    const above = join(volume.folder, '..');
    const beside = await mkdtemp(join(above, 'keepsake-local-'));
    try {
      const provider = await openAt(above);
      const [here, there] = [beside, volume.folder].map((folder) => folder.slice(above.length + 1));
      await provider.write?.({ path: `${here}/a`, content: body(9), modified: '2019-03-31T01:59:57.000Z' }, o);
      const moved = await provider.move?.({ path: `${here}/a`, id: '' }, `${there}/deep/a`, o);
      expect(moved?.modified).toBe('2019-03-31T01:59:57.000Z');
      expect(readFileSync(join(volume.folder, 'deep', 'a'))).toEqual(body(9));
      expect(readdirSync(beside)).toEqual([]);
      expect(readdirSync(join(volume.folder, 'deep'))).toEqual(['a']);
    } finally {
      await rm(beside, { recursive: true });
    }
  });
});

const noCaseless = await caselessMissing();
it.skipIf(noCaseless)(`a volume that ignores case is known${noCaseless ? ` (${noCaseless})` : ''}`, async () => {
  const volume = await caseless();
  try {
    const empty = await openAt(volume.folder);
    expect(empty.traits?.caseSensitive, 'of a kind that may ignore case').toBe(false);
    await write(empty, 'Readme.txt', body(3));
    const provider = await openAt(volume.folder);
    expect(provider.traits?.caseSensitive, 'tried with a name that is there').toBe(false);
    expect((await provider.check(o)).note).toContain('case');
    expect(readdirSync(volume.folder)).toEqual(['Readme.txt']);
  } finally {
    await volume.close();
  }
});

it('a second name in another case is refused on a volume that turned out to ignore case', () => {
  const twins = twinGuard();
  twins.check('before/it/was/known');
  twins.ignoresCase();
  twins.check('a/Readme.txt');
  twins.check('a/Readme.txt');
  twins.check('a/other.txt');
  expect(() => twins.check('a/README.TXT')).toThrow(FileRejected);
});
