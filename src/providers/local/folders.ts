/** Folders of a destination: made once, checked once, flushed together. */
import { constants, realpathSync } from 'node:fs';
import { parentOf } from '../../engine/path.ts';
import type { Path } from '../../engine/types.ts';
import { callsFor, disk, diskFolder, diskName } from './disk.ts';
import { codeOf, symlinkRefused } from './failure.ts';
import { isInside } from './root.ts';

export interface Folders {
  /** Makes the folders above a path. `FileRejected` when one of them is a symlink that leads out of the root. */
  make(path: Path): Promise<void>;
  /** The folders above a path may be gone: make them again next time. */
  forget(path: Path): void;
  /** Waits until the names in the folder of a path are on the disk. */
  flush(path: Path): Promise<void>;
}

/** Systems where a folder cannot be opened (Windows) or flushed (some network disks) keep names safe by themselves. */
const CANNOT_FLUSH = new Set(['EISDIR', 'EPERM', 'EINVAL', 'EACCES', 'ENOTSUP', 'EBADF']);

/** `near`: as in `Volume`. */
export function foldersOf(root: string, near: boolean): Folders {
  const calls = callsFor(near);
  /** By folder, so that many files of one new folder wait for one `mkdir`. */
  const made = new Map<Path, Promise<void>>();
  /** By folder: the flush that has not begun, which everyone shares who comes before it begins. */
  const waiting = new Map<Path, Promise<void>>();
  const running = new Map<Path, Promise<void>>();

  async function makeFolder(folder: Path): Promise<void> {
    const name = folder === '' ? root : diskName(root, folder);
    try {
      await disk.mkdir(name, folder === '' ? { recursive: true } : undefined);
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    if (folder !== '' && !isInside(realpathSync.native(name, 'utf8'), root)) throw symlinkRefused(folder);
  }

  /** Parents first, so that nothing is made behind a symlink that leads out. */
  async function ready(folder: Path): Promise<void> {
    let making = made.get(folder);
    if (!making) {
      making = (folder === '' ? Promise.resolve() : ready(parentOf(folder))).then(() => makeFolder(folder));
      made.set(folder, making);
      making.catch(() => made.delete(folder));
    }
    return making;
  }

  async function flushNow(path: Path): Promise<void> {
    let fd: number | undefined;
    try {
      fd = await calls.open(diskFolder(root, path), constants.O_RDONLY);
      await disk.fsync(fd);
    } catch (error) {
      if (!CANNOT_FLUSH.has(codeOf(error) ?? '')) throw error;
    } finally {
      if (fd !== undefined) await calls.close(fd);
    }
  }

  return {
    make: (path) => ready(parentOf(path)),
    forget: (path) => {
      for (let folder = parentOf(path); ; folder = parentOf(folder)) {
        made.delete(folder);
        if (folder === '') return;
      }
    },
    flush: (path) => {
      const folder = parentOf(path);
      const shared = waiting.get(folder);
      if (shared) return shared;
      const before = running.get(folder);
      const begin = async (): Promise<void> => {
        waiting.delete(folder);
        const now = flushNow(path);
        running.set(folder, now);
        try {
          await now;
        } finally {
          if (running.get(folder) === now) running.delete(folder);
        }
      };
      const mine = before ? before.then(begin, begin) : begin();
      if (before) waiting.set(folder, mine);
      return mine;
    },
  };
}
