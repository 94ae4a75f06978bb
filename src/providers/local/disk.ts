/** Paths of Keepsake as names of the disk, and the calls of `node:fs` as promises without streams or file handles. */
import {
  type BigIntStats,
  close,
  closeSync,
  constants,
  fsync,
  futimes,
  futimesSync,
  mkdir,
  open,
  openSync,
  read,
  readlinkSync,
  realpathSync,
  rename,
  renameSync,
  unlink,
  write,
  writeSync,
} from 'node:fs';
import { sep } from 'node:path';
import { promisify } from 'node:util';
import { parentOf } from '../../engine/path.ts';
import type { Entry, Path } from '../../engine/types.ts';
import { exactBytes } from '../lib/disk-names.ts';
import { codeOf, symlinkRefused } from './failure.ts';
import { isInside } from './root.ts';

/** A name of the disk: text where it is UTF-8 (most, and faster), bytes where it is not. */
export type DiskName = string | Buffer;

/**
 * A small file costs one trip to the thread pool per call, so calls that never wait for a disk (`fstat`, `close` after a
 * read) are made in place elsewhere, and only these go to the pool.
 */
export const disk = {
  open: promisify(open),
  close: promisify(close),
  fsync: promisify(fsync),
  futimes: promisify(futimes),
  mkdir: promisify(mkdir),
  rename: promisify(rename),
  unlink: promisify(unlink),
  read: (fd: number, buffer: Uint8Array, offset: number, length: number, position: number): Promise<number> =>
    new Promise((done, fail) => {
      read(fd, buffer, offset, length, position, (error, count) => (error ? fail(error) : done(count)));
    }),
  write: (fd: number, buffer: Uint8Array, offset: number, length: number, position: number): Promise<number> =>
    new Promise((done, fail) => {
      write(fd, buffer, offset, length, position, (error, count) => (error ? fail(error) : done(count)));
    }),
};

/** The calls that only change the system's memory; what waits for a disk is not among them. */
export interface Calls {
  open(name: DiskName, flags: number, mode?: number): number | Promise<number>;
  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number | Promise<number>;
  futimes(fd: number, accessed: Date, modified: Date): void | Promise<void>;
  rename(from: DiskName, to: DiskName): void | Promise<void>;
  close(fd: number): void | Promise<void>;
}

/** For small files on a near disk (`Volume.near`): a trip to the thread pool costs more than the call itself. */
const inPlace: Calls = {
  open: openSync,
  write: writeSync,
  futimes: futimesSync,
  rename: renameSync,
  close: closeSync,
};

export const callsFor = (small: boolean): Calls => (small ? inPlace : disk);

/** A symlink in the last part is refused by the system; a pipe does not hang the caller. Both are 0 on Windows. */
export const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Where a path lies below a folder, as text where that says the same (Node encodes it again for the system). Throws as
 * `exactBytes`.
 */
export function diskName(root: string, path: Path): DiskName {
  const bytes = exactBytes(path);
  const start = root.endsWith(sep) ? root : `${root}/`;
  return path.includes('‛') ? Buffer.concat([Buffer.from(start), bytes]) : start + path;
}

/** The folder of a path below a root, as a disk name. */
export const diskFolder = (root: string, path: Path): DiskName => {
  const parent = parentOf(path);
  return parent === '' ? root : diskName(root, parent);
};

/** Throws `FileRejected` when the folder of a path lies outside the root, through a symlink. */
export function checkFolder(root: string, path: Path): void {
  if (!isInside(realpathSync.native(diskFolder(root, path), 'utf8'), root)) throw symlinkRefused(path);
}

/**
 * Throws `FileRejected` unless an open file lies inside the root. Asked after opening, so that nobody can swap a folder
 * for a symlink in between; systems without `/proc` get the answer by path, a moment earlier.
 */
export function checkInside(root: string, fd: number, name: DiskName, path: Path): void {
  const prefix = Buffer.from(root.endsWith(sep) ? root : root + sep);
  let real: Buffer;
  try {
    real = readlinkSync(`/proc/self/fd/${fd}`, 'buffer');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    real = realpathSync.native(name, 'buffer');
  }
  if (!real.subarray(0, prefix.length).equals(prefix)) throw symlinkRefused(path);
}

/**
 * Changes whenever the bytes may have changed: size, time of modification, and the time of the last change of the inode,
 * which no program can set back (one that edits a file and restores its date is found). The inode's number is left out: exFAT
 * and network disks give new ones at every mount, and a file that replaced another has its own change time anyway.
 * The price: `chmod` and hard links count as a change, and the file is copied once more.
 */
export const versionOf = (stat: BigIntStats): string =>
  `${stat.size.toString(36)}-${stat.mtimeNs.toString(36)}-${stat.ctimeNs.toString(36)}`;

export function entryOf(path: Path, stat: BigIntStats): Entry {
  const entry: Entry = { path, id: path, size: Number(stat.size), version: versionOf(stat) };
  const modified = new Date(Number(stat.mtimeMs));
  // A broken clock can leave a year that no Date holds.
  if (!Number.isNaN(modified.getTime())) entry.modified = modified.toISOString();
  return entry;
}
