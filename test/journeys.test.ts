/**
 * Whole stories through the product's own lines: a backup to each kind of place, the database lost, the backup adopted
 * from its destination, everything restored, every byte compared. Real servers where they are installed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Composed, compose } from '../src/compose.ts';
import { readConfig } from '../src/engine/config.ts';
import { callerPerson } from '../src/engine/people.ts';
import type { Reply } from '../src/engine/types.ts';
import { findMongo, MONGO_WANTED, startMongo, type TestMongo } from './servers/mongo.ts';
import { radosgwMissing, startRadosgw } from './servers/radosgw.ts';
import { startS3 } from './servers/s3.ts';
import { sshdMissing, startSshd } from './servers/sshd.ts';
import { type DavServer, startApache, startNginx } from './servers/webdav.ts';

interface Destination {
  /** Typed first, with the answers to the secret questions; absent for a folder. */
  connect?: { line: string; secrets: Record<string, string> };
  place: string;
  stop(): Promise<void>;
}

const dav = async (server: DavServer | undefined): Promise<Destination | undefined> =>
  server && {
    connect: {
      line: `connect webdav as nas url=${server.url} user=${server.user}`,
      secrets: { Password: server.password },
    },
    place: 'nas:backups/photos',
    stop: () => server.stop(),
  };

const DESTINATIONS: Record<string, (folder: string) => Promise<Destination | string>> = {
  'a folder': async (folder) => {
    mkdirSync(join(folder, 'usb'));
    return { place: join(folder, 'usb', 'backup'), stop: async () => {} };
  },
  'WebDAV (apache)': async () => (await dav(await startApache())) ?? 'apache2 is not installed',
  'WebDAV (nginx)': async () => (await dav(await startNginx())) ?? 'nginx with dav-ext is not installed',
  'SFTP (OpenSSH)': async () => {
    const missing = sshdMissing();
    if (missing) return missing;
    const server = await startSshd();
    return {
      connect: {
        line: `connect sftp as nas host=${server.host} port=${server.port} user=${server.user}`,
        secrets: { 'Private key': server.privateKey },
      },
      place: `nas:${server.data}/backups/photos`,
      stop: () => server.close(),
    };
  },
  'S3 (radosgw)': async () => {
    const missing = radosgwMissing();
    if (missing) return missing;
    const server = await startRadosgw();
    await server.createBucket('photos');
    return {
      connect: {
        line: `connect s3 as store preset=other endpoint=${server.url} region=default accessKeyId=${server.accessKeyId} pathStyle=true`,
        secrets: { 'Secret access key': server.secretAccessKey },
      },
      place: 'store:photos/backup',
      stop: () => server.stop(),
    };
  },
  'S3 (simulator)': async (folder) => {
    const server = await startS3({ buckets: ['photos'], folder: join(folder, 's3') });
    return {
      connect: {
        line: `connect s3 as store preset=minio endpoint=${server.url} accessKeyId=${server.accessKeyId}`,
        secrets: { 'Secret access key': server.secretAccessKey },
      },
      place: 'store:photos/backup',
      stop: () => server.stop(),
    };
  },
};

/** One process's worth of Keepsake on a data folder, and someone who types. */
async function open(data: string, secrets: Record<string, string>, mongodb?: string) {
  const env = {
    ...(mongodb && { MONGODB_URI: mongodb, KEEPSAKE_KEY: Buffer.alloc(32, 7).toString('base64') }),
    LOG_LEVEL: 'warn',
  };
  const log: string[] = [];
  const composed: Composed = await compose(readConfig(env, { data }), {
    writeLog: (line) => void log.push(line),
    askSecret: async (label) => Object.entries(secrets).find(([name]) => label.startsWith(name))?.[1] ?? '',
  });
  const { store, clock } = composed.services;
  const type = async (line: string, confirmed = false): Promise<Reply> => {
    const person = await callerPerson(
      store,
      { surface: 'terminal', id: 'tester' },
      { clock, name: 'Tester', trusted: true },
    );
    const caller = { person, surface: 'terminal', zone: 'UTC', signal: new AbortController().signal, confirmed };
    let last: Reply | undefined;
    for await (const reply of composed.dispatch(line, caller)) last = reply;
    if (!last) throw new Error(`No answer to: ${line}`);
    if ((last.outcome ?? 'done') !== 'done') {
      throw new Error(`${line}: ${last.title}\n${JSON.stringify(last.blocks)}\n${log.slice(-5).join('\n')}`);
    }
    return last;
  };
  return { type, log, close: () => composed.close() };
}

function makeLibrary(folder: string, files: number): void {
  const bytes = Buffer.alloc(40_960);
  let seed = 42;
  for (let i = 0; i < files; i++) {
    const at = join(folder, `album ${i % 20}`, `day ${i % 10}`);
    if (i < 200) mkdirSync(at, { recursive: true });
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    bytes.writeUInt32LE(seed, (seed % 5_000) * 4);
    writeFileSync(join(at, `IMG_${i}.jpg`), bytes.subarray(0, 8_192 + (seed % 32_768)));
  }
  for (const name of [
    'emoji 👩‍👩‍👧.jpg',
    'new\nline.txt',
    '%46 & ?#+;.txt',
    'ü.txt',
    'u\u0308.txt',
    '.hidden',
    'empty',
  ]) {
    writeFileSync(join(folder, name), name === 'empty' ? '' : name);
  }
  writeFileSync(join(folder, 'film.mov'), Buffer.alloc(20_000_000, 'film'));
}

/** Computed by another program than the one under test. */
const sums = (folder: string): string =>
  execFileSync(
    'sh',
    ['-c', "find . -type f -not -path './.keepsake/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum"],
    {
      cwd: folder,
      maxBuffer: 64 * 1024 * 1024,
    },
  ).toString();

interface RunData {
  state: string;
  counts: { files: number; new: number; same: number; changed: number; copied: number; failed: number };
}
const runData = (reply: Reply): RunData => reply.data as RunData;

async function story(folder: string, destination: Destination, files: number, mongodb?: () => string): Promise<void> {
  const source = join(folder, 'Pictures');
  const data = join(folder, 'data');
  const secrets = destination.connect?.secrets ?? {};
  const total = files + 8;

  const first = await open(data, secrets, mongodb?.());
  try {
    if (destination.connect) await first.type(destination.connect.line);
    const made = runData(await first.type(`backup '${source}' to '${destination.place}' weekly named "family photos"`));
    expect(made).toMatchObject({ state: 'done', counts: { files: total, new: total, failed: 0 } });
    const again = await first.type('run "family photos"');
    expect(runData(again)).toMatchObject({ state: 'done', counts: { same: total, new: 0, changed: 0, copied: 0 } });
    expect(again.title).toContain('Nothing new');
    expect((await first.type('verify "family photos" quick')).tone).toBe('good');
  } finally {
    await first.close();
  }

  rmSync(data, { recursive: true });
  const second = await open(data, secrets, mongodb?.());
  try {
    if (destination.connect) await second.type(destination.connect.line);
    await second.type(`adopt '${destination.place}'`);
    const list = (await second.type('list')).data as { plans: { name: string }[] };
    expect(list.plans.map((plan) => plan.name)).toEqual(['family photos']);
    // The adopted plan names a folder that nobody opened here: the owner is asked, and says yes.
    const next = runData(await second.type('run "family photos"', true));
    expect(next).toMatchObject({ state: 'done', counts: { same: total, new: 0, changed: 0, copied: 0 } });
    mkdirSync(join(folder, 'back'));
    await second.type(`restore "family photos" to '${join(folder, 'back')}'`, true);
    expect(sums(join(folder, 'back'))).toBe(sums(source));
  } finally {
    await second.close();
  }
}

async function withFolder(files: number, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-journey-'));
  try {
    makeLibrary(join(folder, 'Pictures'), files);
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const journey =
  (files: number, mongodb?: () => string) =>
  async (
    [, start]: [string, (folder: string) => Promise<Destination | string>],
    { skip }: { skip(why: string): void },
  ) => {
    await withFolder(files, async (folder) => {
      const destination = await start(folder);
      if (typeof destination === 'string') return skip(destination);
      try {
        await story(folder, destination, files, mongodb);
      } finally {
        await destination.stop();
      }
    });
  };

const named = (...parts: string[]) =>
  Object.entries(DESTINATIONS).filter(([name]) => parts.some((part) => name.includes(part)));
const slow = { timeout: 300_000 };

describe('10,000 photos go out, the database is lost, and every byte comes back', () => {
  it.for(named('folder', 'apache', 'OpenSSH', 'radosgw'))('from %s', slow, journey(10_000));
});

describe('the same with other servers', () => {
  it.for(named('nginx', 'simulator'))('from %s', slow, journey(500));
});

const found = findMongo();
describe.skipIf(!found)(`the same on MongoDB (${MONGO_WANTED})`, () => {
  let mongo: TestMongo;
  beforeAll(async () => {
    if (found) mongo = await startMongo(found);
  });
  afterAll(() => mongo?.stop());

  it.for(named('folder', 'apache', 'OpenSSH', 'radosgw'))(
    'from %s',
    slow,
    journey(200, () => mongo.uri()),
  );
});
