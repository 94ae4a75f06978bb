/**
 * The process is killed at random points, as by a power cut: the next run goes on by itself, and what lies at the
 * destination is the source, byte for byte, with every older version that the manifest names and no litter.
 */
import { spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { davHandler, isSignedIn } from '../src/demo/webdav-server.ts';
import { type ManifestLine, readFileBytes, readManifest } from '../src/engine/backup/manifest.ts';
import type { Reply, SnapshotRecord } from '../src/engine/types.ts';
import { put, tree } from './backup/harness.ts';
import { startS3 } from './servers/s3.ts';

const root = join(import.meta.dirname, '..');

/** Numbers in [0, 1) that are the same at every run, so that a point that failed can be met again (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

let home: string;
let data: string;
let src: string;
let dst: string;
let closing: (() => Promise<unknown>)[];

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'keepsake-crash-')));
  data = join(home, 'data');
  src = join(home, 'src');
  dst = join(home, 'dst');
  closing = [];
  mkdirSync(src);
  mkdirSync(dst);
});
afterEach(async () => {
  for (const close of closing) await close();
  await rm(home, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
}

interface Started {
  ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Answers when the words were written; also when the process ended without them. */
  said(words: string): Promise<void>;
}

/** Just before which act on disk or database a process dies; `from` says after which file is opened the count begins. */
interface Point {
  at: number;
  from?: string;
}

interface Options {
  point?: Point;
  /** Gets how many acts there were. */
  count?: string;
  input?: string;
  words?: string[];
}

/** The real program in a process of its own. */
function start(line: string, o: Options = {}): Started {
  const hook =
    o.point === undefined && o.count === undefined ? [] : ['--import', join(root, 'test/servers/kill-at.ts')];
  const words = ['--data', data, '--yes', ...(o.words ?? []), line];
  const child = spawn(process.execPath, [...hook, join(root, 'src/cli.ts'), ...words], {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      TZ: 'UTC',
      ...(o.point && { KILL_AT: String(o.point.at), ...(o.point.from !== undefined && { KILL_FROM: o.point.from }) }),
      ...(o.count !== undefined && { KILL_COUNT: o.count }),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(o.input ?? '');
  let out = '';
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    out += chunk;
    for (const look of waiting) look();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal, out })));
  return {
    ended,
    kill: (signal) => void child.kill(signal),
    said: (words) =>
      Promise.race([
        ended.then(() => undefined),
        new Promise<void>((resolve) => {
          const look = () => out.includes(words) && resolve();
          waiting.add(look);
          look();
        }),
      ]),
  };
}

const type = (line: string, o: Options = {}): Promise<Ended> => start(line, o).ended;

async function good(line: string, o: Options = {}): Promise<string> {
  const { code, out } = await type(line, o);
  expect(code, `${line}\n${out}`).toBe(0);
  return out;
}

async function dataOf<T>(line: string): Promise<T> {
  const lines = (await good(line, { words: ['--json'] })).trim().split('\n');
  return (JSON.parse(lines.at(-1) as string) as Reply).data as T;
}

/** Bytes that do not repeat, the same for the same name. */
const content = (name: string, size: number): Buffer =>
  createCipheriv('aes-128-ctr', createHash('md5').update(name).digest(), Buffer.alloc(16)).update(Buffer.alloc(size));

function makeLibrary(files: number, large: number): void {
  for (let i = 0; i < files; i++) {
    put(join(src, `album ${i % 23}`, `f${i}.bin`), content(`f${i}`, i % 97 === 0 ? 300_000 : 40 + ((i * 37) % 9_000)));
  }
  if (large > 0) put(join(src, 'film.mov'), content('film', large));
}

let turn = 0;
/** What people do to a folder between two runs. */
function change(random: () => number, large: boolean): void {
  turn++;
  const files = Object.keys(tree(src)).filter((path) => path !== 'film.mov');
  const pick = () => files[Math.floor(random() * files.length)] as string;
  for (let i = 0; i < 20; i++) writeFileSync(join(src, pick()), content(`change ${turn} ${i}`, 20 + (i % 7) * 900));
  // Some keep their length: only the bytes differ.
  for (let i = 0; i < 6; i++) {
    const path = join(src, pick());
    writeFileSync(path, content(`same length ${turn} ${i}`, statSync(path).size));
  }
  for (let i = 0; i < 6; i++) rmSync(join(src, pick()), { force: true });
  for (let i = 0; i < 6; i++) put(join(src, `new ${turn}`, `n${i}.bin`), content(`new ${turn} ${i}`, 500 + i));
  if (large) writeFileSync(join(src, 'film.mov'), content(`film ${turn}`, 12_000_000));
}

const everything = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** The newest manifest, and each file that it names where it says, with its bytes. */
async function checkManifest(): Promise<ManifestLine[]> {
  const folder = join(dst, '.keepsake', 'snapshots');
  const newest = readdirSync(folder).sort().at(-1) as string;
  const lines: ManifestLine[] = [];
  for await (const item of readManifest(newest, readFileBytes(join(folder, newest))))
    if ('line' in item) lines.push(item.line);
  const wrong = lines.filter((line) => {
    const file = join(dst, line.stored ?? line.path);
    return !existsSync(file) || sha256(file) !== line.sha256;
  });
  expect(wrong.map((line) => line.stored ?? line.path)).toEqual([]);
  return lines.filter((line) => line.retired);
}

const LITTER = /^\.keepsake-.*\.part$|^\.incoming-/;
const SPOOLED = (): string[] => (existsSync(join(data, 'tmp')) ? readdirSync(join(data, 'tmp')) : []);

/** The copy is the source, what the manifest names is there, and nothing else is left of the dead process. */
async function checkAll(wanted: Record<string, string>): Promise<void> {
  expect(tree(dst)).toEqual(wanted);
  expect(everything(dst).filter((name) => LITTER.test(name))).toEqual([]);
  expect(SPOOLED()).toEqual([]);
  await checkManifest();
}

/** How many acts a line takes when nobody interrupts it. */
async function actsOf(line: string): Promise<number> {
  const count = join(home, 'acts');
  await good(line, { count });
  return Number(readFileSync(count, 'utf8'));
}

/** Every third point lies in the end of a run, from the manifest on: report, records and removals follow it. */
const pointsOf = (random: () => number, acts: number, count: number): Point[] =>
  Array.from({ length: count }, (_, i) =>
    i % 3 === 2
      ? { at: 1 + Math.floor(random() * 8), from: '.keepsake/snapshots' }
      : { at: 1 + Math.floor(random() * acts * 0.7) },
  );

async function killed(line: string, point: Point): Promise<void> {
  const { signal, out } = await type(line, { point });
  expect(signal, `${line} was to die at ${JSON.stringify(point)}:\n${out}`).toBe('SIGKILL');
}

/** Killed before the plan was stored, the line is typed once more; afterwards the plan is there. */
async function runAgain(line: string): Promise<void> {
  if ((await type('run p')).code !== 0) await good(line);
}

/** Every third restore point again, compared with what the source was then. */
async function checkSnapshots(trees: ReadonlyMap<string, Record<string, string>>): Promise<void> {
  for (const [run, wanted] of [...trees].filter((_, i) => i % 3 === 0)) {
    const to = join(home, `back-${run}`);
    await good(`restore p from ${run} to ${to}`);
    expect(tree(to)).toEqual(wanted);
    rmSync(to, { recursive: true });
  }
}

/** Restore points that are new since the last call stand for what the source is now. */
async function noteSnapshots(trees: Map<string, Record<string, string>>, now: Record<string, string>): Promise<void> {
  const { snapshots } = await dataOf<{ snapshots: SnapshotRecord[] }>('snapshots p');
  for (const { run } of snapshots) if (!trees.has(run)) trees.set(run, now);
}

describe('killed while it backs up into a folder', () => {
  it('the first time: 2,000 files and a large one', { timeout: 120_000 }, async () => {
    makeLibrary(2_000, 40_000_000);
    const wanted = tree(src);
    const line = `backup ${src} to ${dst} manually named p`;
    const acts = await actsOf(line);
    await checkAll(wanted);
    for (const point of pointsOf(dice(1), acts, 6)) {
      rmSync(data, { recursive: true });
      rmSync(dst, { recursive: true });
      mkdirSync(dst);
      await killed(line, point);
      await runAgain(line);
      await checkAll(wanted);
    }
  });

  it('again and again: replaced, deleted and new files; every restore point stays whole', {
    timeout: 120_000,
  }, async () => {
    makeLibrary(450, 3_000_000);
    const trees = new Map<string, Record<string, string>>();
    await good(`backup ${src} to ${dst} manually named p`);
    await noteSnapshots(trees, tree(src));
    const random = dice(2);
    change(random, true);
    const acts = await actsOf('run p');
    await noteSnapshots(trees, tree(src));
    for (const [i, point] of pointsOf(random, acts, 12).entries()) {
      change(random, i % 4 === 0);
      const wanted = tree(src);
      await killed('run p', point);
      // Sometimes the source changes once more before anybody looks.
      if (i % 3 === 1) change(random, false);
      await good('run p');
      await checkAll(i % 3 === 1 ? tree(src) : wanted);
      await noteSnapshots(trees, tree(src));
    }
    expect((await checkManifest()).length).toBeGreaterThan(150);
    await checkSnapshots(trees);
  });

  it('with retention: nothing goes that a manifest names, nothing stays that none does', {
    timeout: 120_000,
  }, async () => {
    makeLibrary(300, 0);
    await good(`backup ${src} to ${dst} manually named p keep 2 versions`);
    const random = dice(3);
    change(random, false);
    const acts = await actsOf('run p');
    for (const point of pointsOf(random, acts, 12)) {
      change(random, false);
      await killed('run p', point);
      await good('run p');
      await checkAll(tree(src));
      const versions = await checkManifest();
      const there = Object.keys(tree(join(dst, '.keepsake', 'versions'), true));
      expect(there.map((path) => `.keepsake/versions/${path}`).sort()).toEqual(
        versions.map((line) => line.stored ?? '').sort(),
      );
      const copies = new Map<string, number>(Object.keys(tree(dst)).map((path) => [path, 1]));
      for (const { path } of versions) copies.set(path, (copies.get(path) ?? 0) + 1);
      expect([...copies].filter(([, count]) => count > 2)).toEqual([]);
    }
  });
});

it('killed while it restores: the same line again brings what is missing', { timeout: 120_000 }, async () => {
  makeLibrary(300, 20_000_000);
  const wanted = tree(src);
  await good(`backup ${src} to ${dst} manually named p`);
  const acts = await actsOf(`restore p to ${join(home, 'whole')}`);
  const random = dice(4);
  for (let i = 0; i < 9; i++) {
    const to = join(home, `back ${i}`);
    await killed(`restore p to "${to}"`, { at: 1 + Math.floor(random() * acts * 0.9) });
    const there = existsSync(to) ? tree(to) : {};
    for (const [path, bytes] of Object.entries(there).filter(([path]) => !LITTER.test(basename(path))))
      expect(bytes, path).toBe(wanted[path]);
    await good(`restore p to "${to}"`);
    expect(tree(to)).toEqual(wanted);
    rmSync(to, { recursive: true });
  }
  expect(SPOOLED()).toEqual([]);
  expect(tree(dst)).toEqual(wanted);
});

it('SIGTERM stops at the next chunk with 130 and leaves nothing half done; the next run goes on', async () => {
  makeLibrary(100, 3_000_000);
  const wanted = tree(src);
  const run = start(`backup ${src} to ${dst} manually named p limit 300KB/s`);
  await run.said('Copying');
  run.kill('SIGTERM');
  const { code, out } = await run.ended;
  expect(code, out).toBe(130);
  expect(out.replace(/\s+/g, ' ')).toContain('the next run goes on from there');
  expect(SPOOLED()).toEqual([]);
  expect(everything(dst).filter((name) => LITTER.test(name))).toEqual([]);
  for (const [path, bytes] of Object.entries(tree(dst))) expect(bytes, path).toBe(wanted[path]);
  await good('edit p limit 500MB/s');
  await good('run p');
  await checkAll(wanted);
});

interface Remote {
  /** Typed first, with the answer to the secret question. */
  connect: string;
  secret: string;
  place: string;
  /** Called for each request, before anything is done. */
  onRequest(look: (method: string, path: string) => void): void;
  tree(): Record<string, string>;
  litter(): string[];
}

async function webdav(): Promise<Remote> {
  let look: (method: string, path: string) => void = () => undefined;
  const handle = davHandler({ folder: dst });
  const server = createServer((request, response) => {
    if (!isSignedIn(request, 'ana', 'secret')) return void response.writeHead(401).end();
    look(request.method ?? '', decodeURIComponent(request.url ?? ''));
    return void handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    connect: `connect webdav as nas url=http://127.0.0.1:${port} user=ana`,
    secret: 'secret',
    place: 'nas:',
    onRequest: (next) => {
      look = next;
    },
    tree: () => tree(dst),
    litter: () => everything(dst).filter((name) => LITTER.test(name)),
  };
}

async function s3(): Promise<Remote> {
  const server = await startS3({ buckets: ['photos'] });
  closing.push(() => server.stop());
  let look: (method: string, path: string) => void = () => undefined;
  const push = server.log.push.bind(server.log);
  server.log.push = (...lines) => {
    for (const { op, key } of lines) look(op === 'PutObject' ? 'PUT' : op, key.replace(/^backup/, ''));
    return push(...lines);
  };
  const keys = () => server.keys('photos').filter((key) => !key.startsWith('backup/.keepsake/'));
  return {
    connect: `connect s3 as nas preset=minio endpoint=${server.url} accessKeyId=${server.accessKeyId}`,
    secret: server.secretAccessKey,
    place: 'nas:photos/backup',
    onRequest: (next) => {
      look = next;
    },
    tree: () =>
      Object.fromEntries(
        keys().map((key) => [
          key.slice('backup/'.length),
          createHash('sha256')
            .update(server.get('photos', key) ?? '')
            .digest('hex'),
        ]),
      ),
    litter: () => [...server.uploads.keys()],
  };
}

/** One batch of the catalog that was not yet written, and what the workers had in the air. */
const IN_THE_AIR = 500 + 64;

describe.each([
  ['a WebDAV server', webdav],
  ['an S3 service', s3],
] as const)('killed while it backs up to %s', (_name, open) => {
  it('goes on, and sends little twice', { timeout: 120_000 }, async () => {
    makeLibrary(800, 40_000_000);
    const remote = await open();
    const random = dice(5);
    await good(remote.connect, { input: `${remote.secret}\n` });
    const line = `backup ${src} to ${remote.place} manually named p`;
    let requests = 0;
    const puts = new Map<string, number>();
    let reads = 0;
    let dieAt = Number.POSITIVE_INFINITY;
    let running: Started | undefined;
    remote.onRequest((method, path) => {
      if (++requests === dieAt) running?.kill('SIGKILL');
      if (path.includes('.keepsake')) return;
      if (method === 'PUT') puts.set(path, (puts.get(path) ?? 0) + 1);
      if (method === 'GET' || method === 'GetObject') reads++;
    });
    const dies = async (words: string, after: number): Promise<void> => {
      dieAt = requests + after;
      running = start(words);
      const { signal, out } = await running.ended;
      expect(signal, `${words} was to die after ${after} requests:\n${out}`).toBe('SIGKILL');
    };
    await dies(line, 30 + Math.floor(random() * 300));
    await runAgain(line);
    expect(remote.tree()).toEqual(tree(src));
    const twice = [...puts.values()].filter((count) => count > 1).length;
    expect(twice + reads).toBeLessThanOrEqual(IN_THE_AIR);
    for (let i = 0; i < 5; i++) {
      change(random, i % 2 === 0);
      await dies('run p', 1 + Math.floor(random() * 70));
      await good('run p');
      expect(remote.tree()).toEqual(tree(src));
    }
    expect(remote.litter()).toEqual([]);
    expect(SPOOLED()).toEqual([]);
    await good('verify p full');
    await good(`restore p to ${join(home, 'back')}`);
    expect(tree(join(home, 'back'))).toEqual(tree(src));
  });
});
