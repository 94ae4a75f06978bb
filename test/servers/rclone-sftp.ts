/** `rclone serve sftp`: a second opinion on SFTP, by password, with requests worked on out of order. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, listening } from './sshd.ts';

export interface RcloneServer {
  host: string;
  port: number;
  user: string;
  password: string;
  data: string;
  close(): Promise<void>;
}

/** Why no server can be started here; undefined when one can. */
export function rcloneMissing(): string | undefined {
  try {
    execFileSync('rclone', ['version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'rclone is not installed';
  }
}

export async function startRcloneSftp(): Promise<RcloneServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-rclone-'));
  const data = join(folder, 'data');
  const port = await freePort();
  const [user, password] = ['ana', 'correct horse battery staple'];
  execFileSync('mkdir', [data]);
  const child: ChildProcess = spawn(
    'rclone',
    [
      'serve',
      'sftp',
      data,
      '--addr',
      `127.0.0.1:${port}`,
      '--user',
      user,
      '--pass',
      password,
      '--vfs-cache-mode',
      'writes',
    ],
    { stdio: 'ignore', env: { PATH: '/usr/bin:/bin', HOME: folder, XDG_CACHE_HOME: folder } },
  );
  await listening(port);
  return {
    host: '127.0.0.1',
    port,
    user,
    password,
    data,
    close: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
