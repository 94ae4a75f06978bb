/** The destinations of the bench: a folder, and real or own servers in front of a folder; each knows what lies in it and what it was asked. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startS3 } from '../test/servers/s3.ts';
import { sshdMissing, startSshd } from '../test/servers/sshd.ts';
import { startNginx } from '../test/servers/webdav.ts';
import { startDelay } from './delay.ts';

export type PlaceName = 'local' | 'webdav' | 'sftp' | 's3';

export interface Place {
  name: PlaceName;
  title: string;
  /** The line that connects the account, with the answers to its secret questions; absent for a folder. */
  connect?: { line: string; secrets: Record<string, string> };
  /** What Keepsake's line says behind "to". */
  target(sub: string): string;
  /** rclone's name of the same, and the sections of its configuration. */
  remote(sub: string): string;
  rclone: string;
  /** Where the files lie, when they lie as files. */
  folder?(sub: string): string;
  /** Requests that the server has answered so far, where it counts them. */
  requests?(): Promise<number>;
  /** One line for each file that is missing, left over or of other bytes. */
  differences(source: string, sub: string): Promise<string[]>;
  /** Empties a sub-folder. */
  clear(sub: string): Promise<void>;
  stop(): Promise<void>;
}

const run = promisify(execFile);

/** `diff -rq`, without Keepsake's own folder. */
async function compared(source: string, folder: string): Promise<string[]> {
  const found = await run('diff', ['-rq', '--exclude=.keepsake', source, folder], { maxBuffer: 2 ** 26 }).catch(
    (error: { code?: number; stdout?: string }) => {
      if (error.code !== 1) throw error;
      return { stdout: error.stdout ?? '' };
    },
  );
  return found.stdout.split('\n').filter((line) => line !== '');
}

const inFolder = (folder: (sub: string) => string): Pick<Place, 'folder' | 'differences' | 'clear'> => ({
  folder,
  differences: (source, sub) => compared(source, folder(sub)),
  clear: (sub) => rm(folder(sub), { recursive: true, force: true }),
});

async function local(base: string): Promise<Place> {
  const home = await mkdtemp(join(base, 'keepsake-bench-local-'));
  return {
    name: 'local',
    title: 'a folder',
    target: (sub) => join(home, sub),
    remote: (sub) => join(home, sub),
    rclone: '',
    ...inFolder((sub) => join(home, sub)),
    stop: () => rm(home, { recursive: true, force: true }),
  };
}

/** The same URL through a slow line; the server is asked by its port either way. */
async function behind(url: string, delay: number): Promise<{ url: string; close(): Promise<void> }> {
  if (delay === 0) return { url, close: async () => undefined };
  const line = await startDelay(Number(new URL(url).port), delay);
  return { url: `http://127.0.0.1:${line.port}`, close: () => line.close() };
}

async function webdav(base: string, delay: number): Promise<Place | string> {
  const server = await startNginx({ base, counted: true });
  if (!server) return 'nginx with its dav-ext module, and root';
  const line = await behind(server.url, delay);
  const { stdout } = await run('rclone', ['obscure', server.password]).catch(() => ({ stdout: '' }));
  return {
    name: 'webdav',
    title: 'WebDAV, nginx with dav-ext, one worker',
    connect: {
      line: `connect webdav as bench url=${line.url} user=${server.user}`,
      secrets: { Password: server.password },
    },
    target: (sub) => `bench:${sub}`,
    remote: (sub) => `bench:${sub}`,
    rclone: `[bench]\ntype = webdav\nurl = ${line.url}\nvendor = other\nuser = ${server.user}\npass = ${stdout.trim()}\n`,
    ...inFolder((sub) => join(server.folder, sub)),
    requests: server.requests,
    async stop() {
      await line.close();
      await server.stop();
    },
  };
}

async function sftp(base: string): Promise<Place | string> {
  const missing = sshdMissing();
  if (missing) return `a server: ${missing}`;
  const data = await mkdtemp(join(base, 'keepsake-bench-sftp-'));
  const server = await startSshd({ data });
  const key = server.privateKey.trimEnd().replaceAll('\n', '\\n');
  return {
    name: 'sftp',
    title: 'SFTP, OpenSSH on the loopback',
    connect: {
      line: `connect sftp as bench host=${server.host} port=${server.direct} user=${server.user}`,
      secrets: { 'Private key': server.privateKey },
    },
    target: (sub) => `bench:${join(data, sub)}`,
    remote: (sub) => `bench:${join(data, sub)}`,
    rclone: `[bench]\ntype = sftp\nhost = ${server.host}\nport = ${server.direct}\nuser = ${server.user}\nkey_pem = ${key}\nshell_type = none\n`,
    ...inFolder((sub) => join(data, sub)),
    async stop() {
      await server.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

const BUCKET = 'bench';

async function s3(base: string, delay: number): Promise<Place> {
  const folder = await mkdtemp(join(base, 'keepsake-bench-s3-'));
  const server = await startS3({ buckets: [BUCKET], folder });
  const line = await behind(server.url, delay);
  return {
    name: 's3',
    title: "S3, the tests' own server (one Node thread that checks every signature and hash)",
    connect: {
      line: `connect s3 as bench preset=minio endpoint=${line.url} accessKeyId=${server.accessKeyId}`,
      secrets: { 'Secret access key': server.secretAccessKey },
    },
    target: (sub) => `bench:${BUCKET}/${sub}`,
    remote: (sub) => `bench:${BUCKET}/${sub}`,
    rclone: `[bench]\ntype = s3\nprovider = Minio\nendpoint = ${line.url}\naccess_key_id = ${server.accessKeyId}\nsecret_access_key = ${server.secretAccessKey}\nlist_version = 2\nno_check_bucket = true\n`,
    requests: async () => server.count(),
    async differences(source, sub) {
      const wanted = new Set(server.keys(BUCKET).filter((key) => key.startsWith(`${sub}/`)));
      const found: string[] = [];
      for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name).slice(source.length + 1);
        const there = server.get(BUCKET, `${sub}/${path}`);
        wanted.delete(`${sub}/${path}`);
        if (!there?.equals(await readFile(join(source, path)))) found.push(path);
      }
      for (const key of wanted) if (!key.startsWith(`${sub}/.keepsake/`)) found.push(`Only there: ${key}`);
      return found;
    },
    clear: async () => undefined,
    async stop() {
      await line.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The place, or what is missing to have it. `delay`: milliseconds of the line to it, for places on HTTP. */
export async function openPlace(name: PlaceName, base: string, delay: number): Promise<Place | string> {
  await mkdir(base, { recursive: true });
  if (name === 'local') return local(base);
  if (name === 'webdav') return webdav(base, delay);
  if (name === 'sftp') return sftp(base);
  return s3(base, delay);
}
