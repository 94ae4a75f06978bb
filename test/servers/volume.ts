/** Real volumes for tests: a small one that fills up, a read-only one, one that ignores case. Mounting needs rights; without them they are missing. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export interface Volume {
  folder: string;
  remount(options: string): void;
  close(): Promise<void>;
}

const run = (program: string, ...words: string[]): void => {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
};

async function mounted(mount: (folder: string) => void): Promise<Volume> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-volume-'));
  try {
    mount(folder);
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  return {
    folder,
    remount: (options) => run('mount', '-o', `remount,${options}`, folder),
    close: async () => {
      run('umount', folder);
      await rm(folder, { recursive: true });
    },
  };
}

/** A volume in memory of that size ("1m"). */
export const tmpfs = (size: string): Promise<Volume> =>
  mounted((folder) => run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'keepsake-test', folder));

/** A FAT volume in a file, as memory sticks are. */
export async function fat(): Promise<Volume> {
  const image = join(await mkdtemp(join(tmpdir(), 'keepsake-image-')), 'fat.img');
  try {
    run('truncate', '-s', '64M', image);
    run('/usr/sbin/mkfs.vfat', '-F', '32', image);
    const volume = await mounted((folder) => run('mount', '-o', 'loop,utf8', image, folder));
    return {
      ...volume,
      close: async () => {
        await volume.close();
        await rm(join(image, '..'), { recursive: true });
      },
    };
  } catch (error) {
    await rm(join(image, '..'), { recursive: true });
    throw error;
  }
}

/** A volume that takes `a` and `A` for one name, as Macs and Windows do: a folder behind rclone's FUSE mount. */
export async function caseless(): Promise<Volume> {
  const behind = await mkdtemp(join(tmpdir(), 'keepsake-behind-'));
  const data = join(behind, 'data');
  await mkdir(data);
  let child: ChildProcess | undefined;
  try {
    const volume = await mounted((folder) => {
      child = spawn('rclone', ['mount', data, folder, '--vfs-cache-mode', 'writes', '--vfs-case-insensitive'], {
        stdio: 'ignore',
        env: { PATH: '/usr/bin:/bin', HOME: behind, XDG_CACHE_HOME: join(behind, '.cache') },
      });
    });
    for (let tries = 0; !readFileSync('/proc/mounts', 'utf8').includes(`${volume.folder} fuse.rclone`); tries++) {
      if (tries > 100 || child?.exitCode !== null) throw new Error('rclone did not mount.');
      await wait(50);
    }
    return {
      ...volume,
      close: async () => {
        const ended = child ? once(child, 'exit') : undefined;
        await volume.close();
        await ended;
        await rm(behind, { recursive: true });
      },
    };
  } catch (error) {
    child?.kill();
    await rm(behind, { recursive: true });
    throw error;
  }
}

async function missing(make: () => Promise<Volume>, what: string): Promise<string | undefined> {
  if (process.platform !== 'linux' || userInfo().uid !== 0) return `mounting ${what} needs root on Linux`;
  try {
    await (await make()).close();
    return undefined;
  } catch {
    return `${what} cannot be mounted here`;
  }
}

/** Why there are no small volumes here; undefined when there are. */
export const tmpfsMissing = (): Promise<string | undefined> => missing(() => tmpfs('64k'), 'tmpfs');

/** Why there are no volumes that ignore case; undefined when there are. */
export const caselessMissing = async (): Promise<string | undefined> =>
  existsSync('/dev/fuse') && existsSync('/usr/bin/fusermount3') && existsSync('/usr/bin/rclone')
    ? missing(caseless, 'a folder behind rclone')
    : 'rclone or fuse3 is not installed';

/** Why there are no FAT volumes here; undefined when there are. */
export const fatMissing = async (): Promise<string | undefined> =>
  existsSync('/usr/sbin/mkfs.vfat') ? missing(fat, 'a FAT image') : 'mkfs.vfat (dosfstools) is not installed';
