/** A MongoDB server for tests: `MONGODB_TEST_URI`, else a `mongod` on PATH, else jongodb (in memory, slow, from npm). */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';

export type FoundMongo = { kind: 'uri'; uri: string } | { kind: 'mongod' | 'jongodb'; program: string };

const JONGODB = '@jongodb/memory-server-bin-linux-x64-gnu';

/** Which server the tests would use; `undefined` when there is none, and suites are skipped. Starts nothing. */
export function findMongo(env: Record<string, string | undefined> = process.env): FoundMongo | undefined {
  if (env.MONGODB_TEST_URI) return { kind: 'uri', uri: env.MONGODB_TEST_URI };
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const program = join(folder, 'mongod');
    if (folder && existsSync(program)) return { kind: 'mongod', program };
  }
  try {
    const program = join(dirname(createRequire(import.meta.url).resolve(`${JONGODB}/package.json`)), 'bin', 'jongodb');
    return existsSync(program) ? { kind: 'jongodb', program } : undefined;
  } catch {
    return undefined;
  }
}

/** For titles of skipped suites. */
export const MONGO_WANTED = `MONGODB_TEST_URI, mongod on PATH or ${JONGODB}`;

export interface TestMongo {
  kind: FoundMongo['kind'];
  /** A URI with a database of its own, dropped by `stop`. */
  uri(): string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, pause(5000)]);
  child.kill('SIGKILL');
}

/** Resolves with the first match of `pattern` in what the program prints. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk: Buffer): void => {
      text += chunk;
      const match = pattern.exec(text);
      if (match) resolve(match[1] ?? match[0]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}: ${text.slice(-2000)}`)));
  });
}

/** Starts the server that `findMongo` found. The caller stops it. */
export async function startMongo(found: FoundMongo): Promise<TestMongo> {
  const cleanups: (() => Promise<void>)[] = [];
  const launch = (program: string, args: string[]): ChildProcess => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const abandon = (): void => void child.kill('SIGKILL');
    process.once('exit', abandon);
    cleanups.push(async () => {
      process.off('exit', abandon);
      await end(child);
    });
    return child;
  };

  let base: string;
  if (found.kind === 'uri') base = found.uri;
  else if (found.kind === 'jongodb') {
    base = await printed(launch(found.program, ['--port=0']), /JONGODB_URI=(\S+)/);
  } else {
    const folder = await mkdtemp(join(tmpdir(), 'keepsake-mongod-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    const port = await freePort();
    const child = launch(found.program, ['--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1']);
    await printed(child, /Waiting for connections/i);
    base = `mongodb://127.0.0.1:${port}/`;
  }

  const made: string[] = [];
  return {
    kind: found.kind,
    uri() {
      const url = new URL(base);
      url.pathname = `/keepsake_test_${randomUUID().replaceAll('-', '')}`;
      made.push(url.href);
      return url.href;
    },
    async stop() {
      // jongodb keeps everything in memory and cannot drop a database.
      for (const uri of found.kind === 'jongodb' ? [] : made) {
        const client = new MongoClient(uri);
        await client.db().dropDatabase();
        await client.close();
      }
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
  };
}
