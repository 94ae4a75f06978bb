/** The command line as a shell sees it: exit codes, JSON, words with spaces, secrets on standard input, Ctrl-C; and the server. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lineOf, readArguments } from '../src/bots/console-arguments.ts';
import { startWebdav } from '../src/demo/webdav-server.ts';
import { systemClock } from '../src/engine/clock.ts';
import { openSqlite } from '../src/engine/store/sqlite.ts';
import type { Reply } from '../src/engine/types.ts';

const root = join(import.meta.dirname, '..');

let home: string;
let data: string;
let children: ChildProcess[];

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'keepsake-cli-')));
  data = join(home, 'data');
  children = [];
});
afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(home, { recursive: true });
});

/** Nothing of the machine's own settings. */
const environment = () => ({ PATH: process.env.PATH, HOME: home, TZ: 'UTC' });

interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

function keepsake(words: string[], o: { input?: string; cwd?: string; env?: Record<string, string> } = {}) {
  return new Promise<Outcome>((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, 'src/cli.ts'), '--data', data, ...words],
      { cwd: o.cwd ?? home, env: { ...environment(), ...o.env } },
      (_error, out, err) => resolve({ code: child.exitCode, out, err }),
    );
    child.stdin?.end(o.input ?? '');
  });
}

async function replies(words: string[]): Promise<Reply[]> {
  const { out } = await keepsake(['--json', ...words]);
  return out
    .trim()
    .split('\n')
    .map((line): Reply => JSON.parse(line));
}

const answer = async (words: string[]): Promise<Reply> => {
  const last = (await replies(words)).at(-1);
  if (!last) throw new Error('no reply');
  return last;
};

/** A server or a long command, with what it has written so far. */
function start(script: string, words: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(root, script), ...words], {
    cwd: home,
    env: { ...environment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let written = '';
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    written += chunk.toString();
    for (const look of waiting) look();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  return {
    child,
    ended,
    written: () => written,
    until: (words: string) =>
      new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (!written.includes(words)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without "${words}":\n${written}`)));
      }),
  };
}

async function folders(): Promise<{ from: string; to: string }> {
  const from = join(home, 'My Pictures');
  const to = join(home, 'usb');
  await mkdir(from);
  await mkdir(to);
  await writeFile(join(from, 'a.jpg'), 'one');
  await writeFile(join(from, 'b.jpg'), 'two');
  return { from, to };
}

describe('words and options', () => {
  it.each([
    [['when weekly'], 'when weekly'],
    [['backup', '/a b', 'to', '/c', 'weekly'], 'backup "/a b" to /c weekly'],
    [['backup', '/a', 'to', '/c', 'named', 'say "hi" now'], 'backup /a to /c named "say ""hi"" now"'],
    [['backup', '"/a b"', 'to', '/c'], 'backup "/a b" to /c'],
    [['when', 'every friday', 'at 18:30'], 'when every friday at 18:30'],
    [[], ''],
  ])('%j is the line %j', (words, line) => {
    expect(lineOf(words)).toBe(line);
  });

  it.each([
    [['--nonsense', 'list'], /nonsense/],
    [['--zone', 'Mars/Base', 'when weekly'], /not a time zone/],
    [['--now', 'tomorrow', 'when weekly'], /not a time/],
    [['--now', '2026-11-27T02:00:00Z', 'run photos'], /for "when" and "preview" only/],
    [['--data', ' ', 'list'], /needs a folder/],
  ])('%j is refused with what is wrong', (words, message) => {
    expect(() => readArguments(words)).toThrow(message);
  });
});

describe('one line', () => {
  it('backs up, finds nothing new, verifies and restores, with the names that the shell quoted', async () => {
    const { from, to } = await folders();
    const made = await keepsake(['backup', from, 'to', to, 'weekly', 'named', 'My photos']);
    expect(made, made.out + made.err).toMatchObject({ code: 0 });
    expect(await readFile(join(to, 'b.jpg'), 'utf8')).toBe('two');
    const again = await answer(['run', 'My photos']);
    expect(again.title).toMatch(/^\S.*: Nothing new/);
    const restored = join(home, 'restored');
    expect(await keepsake(['--yes', 'restore', 'My photos', 'to', restored])).toMatchObject({ code: 0 });
    expect((await readdir(restored)).sort()).toEqual(['a.jpg', 'b.jpg']);
    expect(await answer(['verify', 'My photos', 'full'])).toMatchObject({ tone: 'good', data: { bad: [] } });
  });

  it('no line and no terminal answers "am I safe?", without colours or control characters', async () => {
    const { code, out } = await keepsake([]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Nothing is backed up yet\.\n/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    expect((await keepsake([], { env: { FORCE_COLOR: '1' } })).out).toContain('\u001b[');
    expect((await keepsake([], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).out).not.toContain('\u001b[');
  });

  it('--json is one reply a line, --now and --zone set clock and zone', async () => {
    const all = await replies([
      '--now',
      '2026-11-22T12:00:00Z',
      '--zone',
      'Europe/Paris',
      'when every friday at 18:30',
    ]);
    expect(all).toHaveLength(1);
    expect(all[0]?.data).toMatchObject({
      outcome: 'ok',
      next: ['2026-11-27T17:30:00.000Z', '2026-12-04T17:30:00.000Z', '2026-12-11T17:30:00.000Z'],
    });
  });

  it('what is not understood is 64, with nothing done', async () => {
    expect((await keepsake(['frobnicate everything'])).code).toBe(64);
    expect((await keepsake(['run nothing-of-that-name'])).code).toBe(64);
    expect((await keepsake(['--nonsense'])).code).toBe(64);
    expect((await keepsake([], { env: { LOG_LEVEL: 'loud' } })).code).toBe(64);
  });

  it('what fails is 1: a folder that is not there', async () => {
    const { to } = await folders();
    expect((await keepsake([`backup ${join(home, 'unplugged')} to ${to} weekly`])).code).toBe(1);
  });

  it('a danger asks, and --yes answers', async () => {
    const { from, to } = await folders();
    await keepsake(['backup', from, 'to', to, 'manually', 'named', 'photos']);
    const asked = await keepsake(['delete photos']);
    expect(asked.code).toBe(1);
    expect(asked.out).toMatch(/yes/);
    expect(await keepsake(['--yes', 'delete photos'])).toMatchObject({ code: 0 });
    expect((await answer(['list'])).data).toMatchObject({ plans: [] });
    expect(await readFile(join(to, 'a.jpg'), 'utf8')).toBe('one');
  });

  it('a secret comes from standard input; a wrong one is 77', async () => {
    const folder = join(home, 'nas');
    await mkdir(folder);
    const nas = await startWebdav(folder, { user: 'ana', password: 'right-password' });
    try {
      const line = `connect webdav as nas url=${nas.url} user=ana`;
      const wrong = await keepsake([line], { input: 'wrong-password\n' });
      expect(wrong.code, wrong.out).toBe(77);
      const right = await keepsake([line], { input: 'right-password\n' });
      expect(right.code, right.out).toBe(0);
      expect(right.out + right.err + wrong.out + wrong.err).not.toMatch(/(right|wrong)-password/);
      const files = await readdir(data);
      for (const file of files.filter((name) => !name.startsWith('tmp'))) {
        expect((await readFile(join(data, file))).includes('right-password'), file).toBe(false);
      }
    } finally {
      await nas.close();
    }
  });

  it('everything in the data folder is for its user only', async () => {
    await keepsake(['status']);
    expect((await stat(data)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(data)) {
      expect((await stat(join(data, name))).mode & 0o077, name).toBe(0);
    }
  });
});

describe('Ctrl-C', () => {
  it('stops at the next chunk with 130, leaves no half file, and the next run goes on', async () => {
    const { from, to } = await folders();
    await writeFile(join(from, 'big.bin'), Buffer.alloc(6_000_000, 7));
    const words = ['--data', data, `backup "${from}" to ${to} manually named slow limit 200KB/s`];
    const { child, ended, until } = start('src/cli.ts', words);
    await until('Copying');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const there = (await readdir(to)).filter((name) => name !== '.keepsake');
    expect(there).not.toContain('big.bin');
    const { data: history } = await answer(['history slow']);
    expect(JSON.stringify(history)).toContain('stopped');
    expect((await keepsake(['edit slow limit 100MB/s'])).code).toBe(0);
    expect((await keepsake(['run slow'])).code).toBe(0);
    expect((await stat(join(to, 'big.bin'))).size).toBe(6_000_000);
  });
});

describe('the server', () => {
  it('says which roles it has, prints the claim code, and SIGTERM ends it with 0', async () => {
    const { child, ended, until, written } = start('src/main.ts', [], { KEEPSAKE_DATA: data });
    await until('claim ');
    expect(written()).toMatch(/ {2}engine: .*\n {2}outbox: /);
    expect(written()).toMatch(/ {2}bots: nothing to do: neither Slack nor Discord is set up/);
    expect(written()).toMatch(/ {2}mail: nothing to do: no mailbox is set up/);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(written()).toMatch(/Stopped\.\n$/);
  });

  it('refuses a role that is not there instead of pretending', async () => {
    const { ended, written } = start('src/main.ts', ['kitchen'], { KEEPSAKE_DATA: data });
    expect(await ended).toBe(64);
    expect(written()).toMatch(/no role "kitchen"/);
  });

  it('runs a plan that was made on the terminal when its time has come, and reports', async () => {
    const { from, to } = await folders();
    await keepsake(['backup', from, 'to', to, 'daily', 'named', 'photos']);
    await writeFile(join(from, 'later.jpg'), 'three');
    const store = await openSqlite(join(data, 'keepsake.db'), { clock: systemClock, log: () => undefined });
    for await (const plan of store.find('plans')) {
      await store.put('plans', { ...plan, next: new Date(Date.now() - 60_000).toISOString() });
    }
    await store.close();
    const { child, ended, until } = start('src/main.ts', [], { KEEPSAKE_DATA: data });
    await until('new photo is safe');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(await readFile(join(to, 'later.jpg'), 'utf8')).toBe('three');
    // A report that the end of the server cut off is not lost: it leaves with the next command.
    await keepsake(['status']);
    expect(await readdir(join(data, 'mail'))).toHaveLength(2);
  });
});
