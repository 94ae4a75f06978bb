/**
 * Ceph's S3 service for tests: one monitor, one store in memory, one gateway, all on loopback in a temporary folder.
 * From the Debian packages ceph-mon, ceph-osd and radosgw; takes about ten seconds to start and holds at most 2 GiB.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { signer } from '../../src/providers/s3/sign.ts';

const run = promisify(execFile);
const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool', 'ceph'];

/** Why it cannot be started here; `undefined` when it can. */
export function radosgwMissing(): string | undefined {
  const folders = ['/usr/bin', '/usr/local/bin'];
  const missing = PROGRAMS.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  return missing.length === 0 ? undefined : `radosgw cannot run here: ${missing.join(', ')} not installed`;
}

export interface Radosgw {
  url: string;
  accessKeyId: string;
  secretAccessKey: string;
  createBucket(name: string): Promise<void>;
  /** Most bytes that the user may store; 0 lifts the limit. */
  setQuota(bytes: number): Promise<void>;
  stop(): Promise<void>;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return free;
}

/** The first of `count` neighbouring ports below the range that the system hands out by itself. */
async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    let free = 0;
    while (free < count && (await isFree(first + free))) free++;
    if (free === count) return first;
  }
  throw new Error('No free ports for radosgw.');
}

const config = (folder: string, fsid: string, port: number): string => `
[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${port + 1}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
osd pool default pg autoscale mode = off
ms bind msgr2 = false
ms bind port min = ${port + 2}
ms bind port max = ${port + 9}
run dir = ${folder}/out
pid file = ${folder}/out/$name.pid
admin socket = ${folder}/out/$name.asok
log file = ${folder}/out/$name.log
[mon.a]
mon data = ${folder}/mon
mon data avail warn = 1
mon data avail crit = 0
[osd.0]
osd data = ${folder}/osd
osd objectstore = memstore
osd class update on start = false
memstore device bytes = 2147483648
[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw enable usage log = false
rgw enable ops log = false
`;

/** Two clusters that come up at the same time on a small machine starve each other: one after the other. */
const TURN = join(tmpdir(), 'keepsake-radosgw.turn');

async function takeTurn(): Promise<() => Promise<void>> {
  for (let tries = 0; tries < 1_500; tries++) {
    try {
      await writeFile(TURN, String(process.pid), { flag: 'wx' });
      return () => rm(TURN, { force: true });
    } catch {
      const holder = Number(await readFile(TURN, 'utf8').catch(() => '0'));
      if (holder > 0 && !existsSync(`/proc/${holder}`)) await rm(TURN, { force: true });
    }
    await wait(200);
  }
  throw new Error('Another test holds radosgw for too long.');
}

/** A cluster that does not come up in its time is thrown away, and another one made. */
export async function startRadosgw(): Promise<Radosgw> {
  const release = await takeTurn();
  for (let tries = 1; ; tries++) {
    try {
      const started = await startCluster();
      const stop = () => started.stop().finally(release);
      return { ...started, stop };
    } catch (error) {
      if (tries < 3) continue;
      await release();
      throw error;
    }
  }
}

async function startCluster(): Promise<Radosgw> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-radosgw-'));
  const file = join(folder, 'ceph.conf');
  const children: ChildProcess[] = [];
  const accessKeyId = 'KEEPSAKETEST';
  const secretAccessKey = 'secret/of+radosgw';
  const url = await prepare().catch(async (error) => {
    await stop();
    throw error;
  });

  function start(program: string, ...args: string[]): void {
    const output = openSync(join(folder, 'out', `${program}.out`), 'a');
    children.push(spawn(program, ['-f', ...args, '-c', file], { stdio: ['ignore', output, output] }));
    closeSync(output);
  }

  async function until(what: string, ready: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      if (await ready()) return;
      if (children.some(({ exitCode }) => exitCode !== null)) break;
      await wait(100);
    }
    const said = await readFile(join(folder, 'out', 'radosgw.out'), 'utf8').catch(() => '');
    throw new Error(`radosgw did not start (${what}). ${said.slice(-500)}`);
  }

  async function prepare(): Promise<string> {
    for (const name of ['mon', 'osd', 'out', 'rgw']) await mkdir(join(folder, name));
    const port = await freePorts(10);
    const fsid = randomUUID();
    await writeFile(file, config(folder, fsid, port));
    const monmap = join(folder, 'monmap');
    await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', `[v1:127.0.0.1:${port + 1}]`, monmap]);
    await run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', monmap, '-c', file]);
    start('ceph-mon', '-i', 'a');
    await until('monitor', async () => existsSync(join(folder, 'out', 'mon.a.asok')));
    const osd = randomUUID();
    await run('ceph', ['-c', file, 'osd', 'new', osd], { timeout: 30_000 });
    await run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', osd, '-c', file]);
    start('ceph-osd', '-i', '0');
    // The admin tool makes the pools first: two that make them at the same time may wait for each other for ever.
    await admin('user', 'create', '--display-name=t', `--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`);
    start('radosgw', '-n', 'client.rgw');
    const base = `http://127.0.0.1:${port}`;
    await until('gateway', () =>
      fetch(base).then(
        async (response) => response.text().then(() => true),
        () => false,
      ),
    );
    return base;
  }

  async function admin(...args: string[]): Promise<void> {
    await run('radosgw-admin', ['-c', file, ...args, '--uid=t'], { timeout: 30_000 });
  }

  async function stop(): Promise<void> {
    const ended = children.map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) resolve();
          else child.once('exit', () => resolve());
        }),
    );
    for (const child of children) child.kill('SIGTERM');
    const late = setTimeout(() => {
      for (const child of children) child.kill('SIGKILL');
    }, 5_000);
    await Promise.all(ended);
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
  }

  return {
    url,
    accessKeyId,
    secretAccessKey,
    async createBucket(name) {
      const headers = signer({ accessKeyId, secretAccessKey }, 'default')(
        {
          method: 'PUT',
          host: new URL(url).host,
          path: `/${name}`,
          query: '',
          headers: {},
          payload: 'UNSIGNED-PAYLOAD',
        },
        new Date(),
      );
      const response = await fetch(`${url}/${name}`, { method: 'PUT', headers });
      if (!response.ok) throw new Error(`radosgw made no bucket: ${response.status} ${await response.text()}`);
    },
    async setQuota(bytes) {
      await admin('quota', 'set', '--quota-scope=user', `--max-size=${bytes || -1}`);
      await admin('quota', bytes ? 'enable' : 'disable', '--quota-scope=user');
    },
    stop,
  };
}
