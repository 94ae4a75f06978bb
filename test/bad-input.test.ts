/**
 * What bad input gets, through the real program: each wrong line, place, password, file and record is answered with what
 * happened and what to do now, with the exit code that scripts rely on; nothing is lost, and a good run follows.
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compose } from '../src/compose.ts';
import { davHandler, isSignedIn } from '../src/demo/webdav-server.ts';
import { readConfig } from '../src/engine/config.ts';
import { callerPerson, terminalUser } from '../src/engine/people.ts';
import type { Clock, Reply } from '../src/engine/types.ts';
import { noise, put, tree } from './backup/harness.ts';
import { caseless, caselessMissing, fat, fatMissing, tmpfs, tmpfsMissing, type Volume } from './servers/volume.ts';

const root = join(import.meta.dirname, '..');

let home: string;
let data: string;
let src: string;
let dst: string;
let closing: (() => Promise<unknown>)[];

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'keepsake-bad-')));
  data = join(home, 'data');
  src = join(home, 'src');
  dst = join(home, 'dst');
  closing = [];
  put(join(src, 'a.txt'), 'one');
  put(join(src, 'sub', 'b.txt'), 'two');
  mkdirSync(dst);
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await rm(home, { recursive: true, force: true });
});

interface Options {
  input?: string;
  env?: Record<string, string>;
  /** Runs as a user without rights. */
  nobody?: boolean;
  /** Called once, as soon as these words are written. */
  when?: [words: string, act: () => void];
}

/** Words wrapped by the screen are put together again. */
const flat = (text: string): string => text.replace(/\s+/g, ' ');

function type(line: string, o: Options = {}): Promise<{ code: number | null; out: string }> {
  const program = [process.execPath, join(root, 'src/cli.ts'), '--data', data, '--yes', line];
  const dropped = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const [command, ...words] = o.nobody && userInfo().uid === 0 ? [...dropped, ...program] : program;
  return new Promise((resolve) => {
    const child = execFile(
      command as string,
      words,
      { cwd: home, env: { PATH: process.env.PATH, HOME: home, TZ: 'UTC', ...o.env }, maxBuffer: 64 * 1024 * 1024 },
      (_error, out, err) => resolve({ code: child.exitCode, out: flat(out + err) }),
    );
    let waiting = o.when;
    let said = '';
    child.stdout?.on('data', (chunk: string) => {
      said += chunk;
      if (!waiting || !said.includes(waiting[0])) return;
      const [, act] = waiting;
      waiting = undefined;
      act();
    });
    child.stdin?.end(o.input ?? '');
  });
}

async function answers(line: string, code: number, says: readonly RegExp[], o: Options = {}): Promise<string> {
  const answer = await type(line, o);
  for (const words of says) expect(answer.out, line).toMatch(words);
  expect(answer.code, `${line}\n${answer.out}`).toBe(code);
  return answer.out;
}

const good = (line: string, o: Options = {}): Promise<string> => answers(line, 0, [], o);

const own = (folder: string, part: string): string[] => {
  const at = join(folder, '.keepsake', part);
  return existsSync(at) ? readdirSync(at).sort() : [];
};

/** Everything back from the backup, compared with what was there. */
async function restored(plan: string, wanted: Record<string, string>, from = ''): Promise<void> {
  const to = join(home, 'back');
  await good(`restore ${plan} ${from} to ${to}`);
  expect(tree(to)).toEqual(wanted);
  rmSync(to, { recursive: true });
}

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

describe('lines that cannot be', () => {
  const KNOWN = /webdav, sftp, s3/;
  const NOTHING = /Nothing was done/;
  it.each<[string, string, number, RegExp[]]>([
    [
      'a provider that nobody knows',
      'backup SRC to zzqcloud weekly',
      64,
      [/"zzqcloud" is no place that Keepsake knows/, KNOWN, NOTHING],
    ],
    [
      'an account that nobody connected',
      'backup flikr:/me to DST',
      64,
      [/No account is named "flikr"/, /Connect it/, NOTHING],
    ],
    ['no "to"', 'backup SRC weekly', 64, [/not said where ".*src" should be backed up to/, NOTHING, /This works: /]],
    ['a destination inside the source', 'backup SRC to SRC/sub', 64, [/lies inside/, /Choose a place outside/]],
    ['… written with ".."', 'backup SRC to DST/../src/new', 64, [/lies inside/]],
    ['… behind a link', 'backup SRC to HOME/link/new', 64, [/lies inside the source/, /Choose a destination outside/]],
    ['the source inside the destination', 'backup SRC/sub to SRC', 64, [/inside/]],
    ['source and destination the same', 'backup SRC to SRC', 64, [/the same place/]],
    [
      '… written with ".."',
      'backup SRC to DST/../src/.',
      64,
      [/the same place: that would be no second copy/, /Choose another folder/],
    ],
    ['… behind a link', 'backup SRC to HOME/link', 64, [/the same place: that would be no second copy/]],
    ['… the source behind a link', 'backup HOME/link to SRC', 64, [/the same place: that would be no second copy/]],
    ['a source that is not there', 'backup HOME/unplugged to DST', 1, [/unplugged is not there/, /Plug in or mount/]],
    ['a source above which there is nothing', 'backup SRC/../../../../../nowhere/x to DST', 1, [/is not there/]],
    ['a file as the source', 'backup SRC/a.txt to DST', 64, [/is a file, not a folder/]],
    ['a destination whose disk is away', 'backup SRC to HOME/mnt/usb/photos', 1, [/is not there/, /Plug in or mount/]],
    [
      '".." in a folder template',
      'backup SRC to DST into {year}/../../x',
      64,
      [/no folder template/, /no "\.\."/, NOTHING],
    ],
    ['an absolute folder template', 'backup SRC to DST into /{year}', 64, [NOTHING]],
  ])('%s', async (_name, line, code, says) => {
    symlinkSync(src, join(home, 'link'));
    const before = tree(home);
    const words = line.replaceAll('SRC', src).replaceAll('DST', dst).replaceAll('HOME', home);
    await answers(words, code, says);
    const after = Object.entries(tree(home, true)).filter(([path]) => !path.startsWith('data/'));
    expect(Object.fromEntries(after)).toEqual(before);
    // Were a plan left behind, its place would be taken.
    await good(`backup ${src} to ${dst}`);
    expect(tree(dst)).toEqual(tree(src));
  });

  it.each(['../../etc/passwd', '..', '"sub/../../x"', '/etc/passwd'])(
    'a restore of %s brings nothing',
    async (file) => {
      await good(`backup ${src} to ${dst} manually named p`);
      const before = tree(dst, true);
      const { code, out } = await type(`restore p ${file} to ${join(home, 'back')}`);
      expect([1, 64], out).toContain(code);
      expect(out).toMatch(/Nothing was done|No file of that snapshot fits/);
      expect(existsSync(join(home, 'back'))).toBe(false);
      expect(tree(dst, true)).toEqual(before);
      await restored('p', tree(src));
    },
  );
});

const canDrop = userInfo().uid !== 0 || existsSync('/usr/bin/setpriv');

it.skipIf(!canDrop)(
  'a folder that cannot be read (as root this needs setpriv): its copies stay, the rest goes on',
  async () => {
    if (userInfo().uid === 0) {
      for (const file of ['', 'src', 'src/a.txt', 'src/sub', 'src/sub/b.txt', 'dst'])
        chownSync(join(home, file), 65_534, 65_534);
    }
    await good(`backup ${src} to ${dst} manually named p`, { nobody: true });
    put(join(src, 'new.txt'), 'three');
    chmodSync(join(src, 'new.txt'), 0o644);
    chmodSync(join(src, 'sub'), 0);
    await answers('run p', 2, [/does not let Keepsake read "sub"/, /Give the user that runs Keepsake access/], {
      nobody: true,
    });
    expect(readFileSync(join(dst, 'sub', 'b.txt'), 'utf8')).toBe('two');
    expect(readFileSync(join(dst, 'new.txt'), 'utf8')).toBe('three');
    chmodSync(join(src, 'sub'), 0o755);
    await good('run p', { nobody: true });
    expect(tree(dst)).toEqual(tree(src));
  },
);

describe('a full disk', async () => {
  const missing = await tmpfsMissing();
  let small: Volume;
  const begin = async (size: string): Promise<void> => {
    small = await tmpfs(size);
    closing.push(() => small.close());
  };

  it.skipIf(missing)(`is told before the first byte, with how much is missing (${missing ?? 'tmpfs'})`, async () => {
    await begin('2m');
    writeFileSync(join(src, 'film.mov'), noise(5_000_000));
    const out = await answers(`backup ${src} to ${small.folder} manually named p`, 1, [
      /free/,
      /Free some space at the destination/,
    ]);
    expect(out).not.toMatch(/\d{7,}/);
    expect(tree(small.folder)).toEqual({});
    small.remount('size=20m');
    await good('run p');
    expect(tree(small.folder)).toEqual(tree(src));
  });

  it.skipIf(missing)(`in the middle of a run loses nothing and is gone on from (${missing ?? 'tmpfs'})`, async () => {
    await begin('1m');
    await good(`backup ${src} to ${small.folder} manually named p`);
    writeFileSync(join(src, 'a.txt'), 'one, changed');
    // Small by their bytes, large by the blocks they take.
    for (let i = 0; i < 600; i++) put(join(src, 'many', `f${i}.txt`), `file ${i}`);
    await answers('run p anyway', 1, [/disk is full/, /Free some space at the destination/]);
    const names = readdirSync(small.folder, { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => name.endsWith('.part'))).toEqual([]);
    for (const [path, bytes] of Object.entries(tree(small.folder)))
      expect([path, bytes]).toEqual([path, tree(src)[path]]);
    small.remount('size=20m');
    await good('run p anyway');
    expect(tree(small.folder)).toEqual(tree(src));
    await restored('p a.txt', { 'a.txt': sha256(join(src, 'a.txt')) });
    const [first] = own(small.folder, 'snapshots');
    await restored(
      'p',
      {
        'a.txt': '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',
        'sub/b.txt': tree(src)['sub/b.txt'] ?? '',
      },
      `from ${first?.split('.')[0]}`,
    );
  });
});

interface Nas {
  port: number;
  password: string;
  /** Stops after so many uploads, connections and all. */
  dieAfter: number;
  start(): Promise<void>;
}

async function nas(): Promise<Nas> {
  const folder = dst;
  const handle = davHandler({ folder });
  let server: Server | undefined;
  const made: Nas = {
    port: 0,
    password: 'right-password',
    dieAfter: Number.POSITIVE_INFINITY,
    async start() {
      const running = createServer((request, response) => {
        if (!isSignedIn(request, 'ana', made.password)) return void response.writeHead(401).end();
        if (request.method === 'PUT' && made.dieAfter-- <= 0) {
          running.close();
          return void running.closeAllConnections();
        }
        return void handle(request, response);
      });
      server = running;
      await new Promise<void>((resolve) => running.listen(made.port, '127.0.0.1', resolve));
      made.port = (running.address() as AddressInfo).port;
    },
  };
  await made.start();
  closing.push(async () => {
    server?.closeAllConnections();
    server?.close();
  });
  return made;
}

const connect = (server: Nas): string => `connect webdav as nas url=http://127.0.0.1:${server.port} user=ana`;

/** The same program in this process, its patience with a silent server (minutes, in all) shortened. */
async function hurried(line: string): Promise<Reply | undefined> {
  const clock: Clock = {
    now: () => new Date(),
    sleep: (ms, signal) => wait(Math.min(ms, 50), undefined, signal ? { signal } : {}),
  };
  const composed = await compose(readConfig({}, { data }), { clock, writeLog: () => undefined });
  try {
    const { identity, name, trusted } = await terminalUser(data);
    const person = await callerPerson(composed.services.store, identity, { clock, name, trusted });
    const caller = { person, surface: 'terminal', zone: 'UTC', signal: new AbortController().signal };
    let last: Reply | undefined;
    for await (const reply of composed.dispatch(line, caller)) last = reply;
    return last;
  } finally {
    await composed.close();
  }
}

describe('a server', () => {
  it('that refuses the password: 77, and nothing but that account waits', { timeout: 60_000 }, async () => {
    const server = await nas();
    await answers(connect(server), 77, [/password|sign/i], { input: 'wrong-password\n' });
    await good(connect(server), { input: 'right-password\n' });
    await good(`backup ${src} to nas:photos manually named remote`);
    await good(`backup ${src} to ${join(home, 'usb')} manually named here`);
    server.password = 'changed-meanwhile';
    put(join(src, 'c.txt'), 'three');
    const before = tree(dst, true);
    const out = await answers('run remote', 77, [/password|sign/i, /connect/]);
    expect(out).not.toMatch(/right-password|changed-meanwhile/);
    expect(tree(dst, true)).toEqual(before);
    await good('run here');
    expect(tree(join(home, 'usb'))).toEqual(tree(src));
    await good(connect(server), { input: 'changed-meanwhile\n' });
    await good('run remote');
    expect(tree(join(dst, 'photos'))).toEqual(tree(src));
  });

  it('that goes away in the middle: told, nothing lost, and gone on from', { timeout: 60_000 }, async () => {
    for (let i = 0; i < 120; i++) put(join(src, 'many', `f${i}.bin`), noise(2_000));
    const server = await nas();
    await good(connect(server), { input: 'right-password\n' });
    server.dieAfter = 60;
    const reply = await hurried(`backup ${src} to nas:photos manually named remote`);
    expect(reply).toMatchObject({ outcome: 'failed', tone: 'bad' });
    const said = flat(JSON.stringify(reply));
    expect(said).toMatch(/did not finish/);
    expect(said).toMatch(/127\.0\.0\.1/);
    expect(said).toMatch(/run the backup again: what was copied stays/);
    const there = tree(join(dst, 'photos'));
    expect(Object.keys(there).length).toBeGreaterThan(20);
    for (const [path, bytes] of Object.entries(there)) expect([path, bytes]).toEqual([path, tree(src)[path]]);
    server.dieAfter = Number.POSITIVE_INFINITY;
    await server.start();
    await good('run remote');
    expect(tree(join(dst, 'photos'))).toEqual(tree(src));
    await restored('remote', tree(src));
  });
});

const HOSTILE = [
  'new\nline.txt',
  'emoji 👩‍👩‍👧‍👦.jpg',
  '- dash',
  '--yes',
  '..dots',
  '...',
  'back\\slash.txt',
  'trailing space ',
  'trailing dot.',
  '%2e%2e%2f',
  'a:b*c?d"e<f>g|h',
  "quo'te",
  'ü.txt',
  'u\u0308.txt',
  '‛2F.txt',
  `${'x'.repeat(251)}.txt`,
  `${'ü'.repeat(125)}.txtx`.slice(0, 130),
  'CON',
  '.keepsake-abc.part',
];

/** By another program than the one under test, and with names as bytes. */
const sums = (folder: string): string =>
  execFileSync(
    'sh',
    ['-c', "find . -type f -not -path './.keepsake/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum"],
    { cwd: folder },
  ).toString('latin1');

describe('names', () => {
  const make = (text: string): void => {
    for (const name of HOSTILE) writeFileSync(join(src, name), `${text} ${name}`);
    writeFileSync(Buffer.concat([Buffer.from(`${src}/latin1 `), Buffer.from([0xe9, 0xff])]), text);
    const deep = join(src, ...Array.from({ length: 10 }, () => 'd'.repeat(200)));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, 'y'.repeat(255)), text);
  };

  it('with line breaks, emoji, 255 bytes, and bytes that are no text go to a folder and come back', async () => {
    make('first');
    await good(`backup ${src} to ${dst} manually named p`);
    const first = sums(src);
    expect(sums(dst)).toBe(first);
    make('second, longer');
    await good('run p anyway');
    expect(sums(dst)).toBe(sums(src));
    await good(`restore p to ${join(home, 'now')}`);
    expect(sums(join(home, 'now'))).toBe(sums(src));
    await good(`restore p from ${own(dst, 'snapshots')[0]?.split('.')[0]} to ${join(home, 'then')}`);
    expect(sums(join(home, 'then'))).toBe(first);
  });

  it('… and to a WebDAV server', { timeout: 60_000 }, async () => {
    make('first');
    const server = await nas();
    await good(connect(server), { input: 'right-password\n' });
    await good(`backup ${src} to nas:photos manually named p`);
    make('second, longer');
    await good('run p anyway');
    await good(`restore p to ${join(home, 'now')}`);
    expect(sums(join(home, 'now'))).toBe(sums(src));
  });
});

describe('a target that takes upper and lower case for one', async () => {
  const none = (await fatMissing()) && (await caselessMissing());
  it.skipIf(none)(`keeps both files (${none ?? 'FAT or rclone mount'})`, { timeout: 60_000 }, async () => {
    const isFat = (await fatMissing()) === undefined;
    const volume = await (isFat ? fat() : caseless());
    closing.push(() => volume.close());
    const to = join(volume.folder, 'backup');
    put(join(src, 'IMG.jpg'), 'upper');
    put(join(src, 'img.jpg'), 'lower');
    expect(await good(`backup ${src} to ${to} manually named p`)).toContain('4 files');
    const names = Object.keys(tree(to)).map((path) => path.toLowerCase());
    expect(new Set(names).size).toBe(4);
    expect(Object.values(tree(to)).sort()).toEqual(Object.values(tree(src)).sort());
    expect(await good('run p')).toContain('Nothing new');
    // rclone hands a file on five seconds after it was written, and its times change once more then.
    if (!isFat) await wait(7_000);
    await restored('p', tree(src));
  });
});

describe('a file that is not the same from one moment to the next', () => {
  it('changes while it is read: told, the old copy stays, and the next run takes it', { timeout: 60_000 }, async () => {
    put(join(src, 'log.bin'), noise(100_000));
    await good(`backup ${src} to ${dst} manually named p`);
    const before = readFileSync(join(dst, 'log.bin'));
    writeFileSync(join(src, 'log.bin'), noise(4_000_000));
    await good('edit p limit 1MB/s');
    const growing: Options = { when: ['Copying', () => appendFileSync(join(src, 'log.bin'), 'more')] };
    await answers('run p anyway', 2, [/log\.bin/, /changed while it was read/, /next run takes/], growing);
    expect(readFileSync(join(dst, 'log.bin')).equals(before)).toBe(true);
    await good('edit p limit 500MB/s');
    await good('run p anyway');
    expect(tree(dst)).toEqual(tree(src));
  });

  it('vanishes between listing and reading: told, the others are safe', { timeout: 60_000 }, async () => {
    for (let i = 0; i < 60; i++) put(join(src, 'many', `f${String(i).padStart(2, '0')}.bin`), noise(100_000));
    const gone: Options = { when: ['Copying', () => rmSync(join(src, 'many', 'f59.bin'))] };
    await answers(`backup ${src} to ${dst} manually named p limit 2MB/s`, 2, [/f59\.bin is not there/], gone);
    expect(tree(dst)).toEqual(tree(src));
    await good('run p');
    expect(tree(dst)).toEqual(tree(src));
  });
});

/** Ways in which a manifest is not what it was. */
const DAMAGE: Record<string, (bytes: Buffer) => Buffer> = {
  'cut short': (bytes) => bytes.subarray(0, bytes.length - 40),
  'altered in a few bytes': (bytes) => {
    const altered = Buffer.from(bytes);
    for (let i = bytes.length >> 1; i < (bytes.length >> 1) + 4; i++) altered[i] = (altered[i] ?? 0) ^ 0x55;
    return altered;
  },
  'leading out of the backup': (bytes) => {
    const lines = zstdDecompressSync(bytes).toString().trimEnd().split('\n');
    const body = `${lines.slice(0, -1).join('\n')}\n`.replace('"path":"a.txt"', '"path":"../../a.txt"');
    const foot = { ...JSON.parse(lines.at(-1) ?? ''), sha256: createHash('sha256').update(body).digest('hex') };
    return zstdCompressSync(`${body}${JSON.stringify(foot)}\n`);
  },
};

describe('a manifest that is', () => {
  it.each(Object.entries(DAMAGE))(
    '%s: said, older ones serve, and the next run mends it',
    { timeout: 60_000 },
    async (_name, damage) => {
      const usable = { env: { KEEPSAKE_LOCAL_ROOTS: home } };
      await good(`backup ${src} to ${dst} manually named p`);
      const first = tree(src);
      writeFileSync(join(src, 'a.txt'), 'one, changed');
      rmSync(join(src, 'sub', 'b.txt'));
      put(join(src, 'c.txt'), 'new');
      await good('run p anyway');
      const [older, newer] = own(dst, 'snapshots') as [string, string];
      const at = join(dst, '.keepsake', 'snapshots', newer);
      const run = (file: string): string => file.split('.')[0] ?? '';
      writeFileSync(at, damage(readFileSync(at)));
      const before = tree(dst, true);

      const refused =
        /The snapshot \S+ (is cut short|was altered|has no end|is not readable|does not begin|names a path)/;
      await answers(`restore p to ${join(home, 'back')}`, 1, [refused, /Use an older snapshot/]);
      expect(existsSync(join(home, 'back'))).toBe(false);
      await restored('p', first, `from ${run(older)}`);
      await answers('verify p', 2, [refused]);

      rmSync(data, { recursive: true });
      await answers(`adopt ${dst}`, 2, [/1 backup taken over/, refused, /next run looks at each/]);
      expect(tree(dst, true)).toEqual(before);
      await restored('p', first);
      await good('run p anyway', usable);
      expect(tree(dst)).toEqual(tree(src));
      await restored('p', tree(src));
      await restored('p', first, `from ${run(older)}`);
      await good('verify p full');
    },
  );

  it('the only one and damaged: adopting says so and changes nothing', async () => {
    await good(`backup ${src} to ${dst} manually named p`);
    const at = join(dst, '.keepsake', 'snapshots', own(dst, 'snapshots')[0] ?? '');
    writeFileSync(at, readFileSync(at).subarray(0, 60));
    rmSync(data, { recursive: true });
    const before = tree(dst, true);
    await answers(`adopt ${dst}`, 1, [/is cut short or altered/]);
    expect(tree(dst, true)).toEqual(before);
    await good(`backup ${src} to ${dst} manually named p`);
    await restored('p', tree(src));
  });

  it('removed: said, and a run asks before it fills the place again', async () => {
    await good(`backup ${src} to ${dst} manually named p`);
    rmSync(join(dst, '.keepsake', 'snapshots', own(dst, 'snapshots')[0] ?? ''));
    await answers(`restore p to ${join(home, 'back')}`, 1, [/no longer in the backup/, /Use an older snapshot/]);
    await answers('run p', 1, [/is not there now. Nothing was copied/, /run p anyway/]);
    await good('run p anyway');
    await restored('p', tree(src));
  });
});

describe('what seals and holds the settings', () => {
  const KEY = Buffer.alloc(32, 1).toString('base64');
  const OTHER = Buffer.alloc(32, 2).toString('base64');

  it('a wrong KEEPSAKE_KEY: accounts ask for a sign-in, folders go on, the right key mends it', {
    timeout: 60_000,
  }, async () => {
    const server = await nas();
    const right = { env: { KEEPSAKE_KEY: KEY } };
    const wrong = { env: { KEEPSAKE_KEY: OTHER } };
    await good(connect(server), { input: 'right-password\n', ...right });
    await good(`backup ${src} to nas:photos manually named remote`, right);
    await good(`backup ${src} to ${join(home, 'usb')} manually named here`, right);
    put(join(src, 'c.txt'), 'three');
    const before = tree(dst, true);
    await answers(
      'run remote',
      77,
      [/sealed with a key that is not here/, /Put the earlier key back \(KEEPSAKE_KEY/],
      wrong,
    );
    expect(tree(dst, true)).toEqual(before);
    await good('run here', wrong);
    expect(tree(join(home, 'usb'))).toEqual(tree(src));
    await answers('status', 64, [/KEEPSAKE_KEY is not usable/, /openssl rand -base64 32/], {
      env: { KEEPSAKE_KEY: 'abc' },
    });
    await good('run remote', right);
    expect(tree(join(dst, 'photos'))).toEqual(tree(src));
    await good('run remote', { env: { KEEPSAKE_KEY: `${OTHER},${KEY}` } });
    await good('run remote', wrong);
  });

  it('a database from a newer version is refused and not touched', async () => {
    await good(`backup ${src} to ${dst} manually named p`);
    const file = join(data, 'keepsake.db');
    const setVersion = (version: number): number => {
      const db = new DatabaseSync(file);
      const { user_version: before } = db.prepare('PRAGMA user_version').get() as { user_version: number };
      db.exec(`PRAGMA user_version = ${version}; PRAGMA wal_checkpoint(TRUNCATE)`);
      db.close();
      return before;
    };
    const known = setVersion(999);
    const before = { bytes: sha256(file), names: readdirSync(data).sort() };
    for (const line of ['status', 'run p']) {
      await answers(line, 64, [
        /written by a newer Keepsake \(version 999/,
        /Install the newer Keepsake again/,
        /not touched/,
      ]);
    }
    expect({ bytes: sha256(file), names: readdirSync(data).sort() }).toEqual(before);
    setVersion(known);
    expect(await good('run p')).toContain('Nothing new');
  });
});
