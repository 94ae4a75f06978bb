/** Writes one file so that nobody ever sees half of it: aside, counted, flushed, renamed, its folder flushed. */
import { closeSync, constants, fstatSync, lstatSync } from 'node:fs';
import { Conflict, IntegrityError, isKeepsakeError, QuotaExceeded } from '../../engine/errors.ts';
import type { CallOptions, Entry, NewFile, Path } from '../../engine/types.ts';
import { asideOf } from '../lib/disk-names.ts';
import { type Calls, callsFor, checkInside, type DiskName, disk, diskName, entryOf } from './disk.ts';
import { codeOf, diskFailure } from './failure.ts';
import type { Folders } from './folders.ts';
import type { Place } from './read.ts';
import { room } from './volume.ts';

/** Exclusive: a link that somebody put there is never written through. */
const NEW_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** Up to here a write into the system's memory is over before a thread would have begun with it. */
const SMALL = 1024 * 1024;

/**
 * In a thread even for small files: while others are flushed, making a file waits for the file system's journal, and with
 * it would everybody who talks to this process.
 */
async function openAside(name: DiskName): Promise<number> {
  try {
    return await disk.open(name, NEW_FLAGS, 0o666);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    await disk.unlink(name);
    return disk.open(name, NEW_FLAGS, 0o666);
  }
}

/** Does the work in the folder of a path, which is made, and made again if somebody removed it since. */
export async function inFolder<T>(folders: Folders, path: Path, work: () => Promise<T>): Promise<T> {
  try {
    await folders.make(path);
    return await work();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    folders.forget(path);
    await folders.make(path);
    return work();
  }
}

async function writeChunk(calls: Calls, fd: number, chunk: Uint8Array, at: number, path: Path): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      done += await calls.write(fd, chunk, done, chunk.length - done, at + done);
    }
  } catch (error) {
    throw diskFailure(error, path);
  }
}

const wrongLength = (path: Path, is: number, promised: number): IntegrityError =>
  new IntegrityError(`${path} has ${is}${is > promised ? ' or more' : ''} bytes, but ${promised} were promised.`, {
    code: 'wrong_length',
  });

/** Answers how many bytes were written. The source's own errors pass as they are. */
async function pour(calls: Calls, fd: number, file: NewFile, signal: AbortSignal): Promise<number> {
  const { content, size, path } = file;
  if (content instanceof Uint8Array) {
    if (size !== undefined && size !== content.length) throw wrongLength(path, content.length, size);
    await writeChunk(calls, fd, content, 0, path);
    return content.length;
  }
  let written = 0;
  for await (const chunk of content) {
    signal.throwIfAborted();
    if (size !== undefined && written + chunk.length > size) throw wrongLength(path, written + chunk.length, size);
    await writeChunk(calls, fd, chunk, written, path);
    written += chunk.length;
  }
  signal.throwIfAborted();
  if (size !== undefined && size !== written) throw wrongLength(path, written, size);
  return written;
}

/** A full disk says how much is missing: the file's size less what is free once its beginning is gone again. */
async function withMissing(error: unknown, root: string, file: NewFile): Promise<unknown> {
  if (!(error instanceof QuotaExceeded) || file.size === undefined) return error;
  const { free } = await room(root).catch(() => ({ free: 0 }));
  return new QuotaExceeded(error.message, {
    code: error.code,
    missing: Math.max(1, file.size - free),
    cause: error.cause,
  });
}

/** Two writes of one path in this process take turns: they would share the name aside. */
const turns = new Map<string, Promise<unknown>>();

async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
  const before = turns.get(key);
  const mine = before ? before.then(work, work) : work();
  turns.set(key, mine);
  try {
    return await mine;
  } finally {
    if (turns.get(key) === mine) turns.delete(key);
  }
}

/**
 * Creates or replaces a file. What is answered is on the disk: the bytes are flushed before the rename, the folder after
 * it. `IntegrityError` for a body of another length than `size`, `QuotaExceeded` with the missing bytes, `Conflict` when
 * another program writes the same file, `FileRejected` for a name or place the disk does not take.
 */
export async function writeFile(
  { root, near }: Place,
  folders: Folders,
  file: NewFile,
  o: CallOptions,
): Promise<Entry> {
  o.signal.throwIfAborted();
  const { path } = file;
  const calls = callsFor(near && file.content instanceof Uint8Array && file.content.length <= SMALL);
  const target = diskName(root, path);
  const aside = diskName(root, asideOf(path));
  return inTurn(`${root}\0${path}`, async () => {
    let fd: number | undefined;
    let there = false;
    try {
      fd = await inFolder(folders, path, () => openAside(aside));
      there = true;
      checkInside(root, fd, aside, path);
      const size = await pour(calls, fd, file, o.signal);
      const modified = file.modified === undefined ? undefined : new Date(file.modified);
      if (modified) await calls.futimes(fd, modified, modified);
      await disk.fsync(fd);
      o.signal.throwIfAborted();
      const stat = fstatSync(fd, { bigint: true });
      if (Number(stat.size) !== size) throw wrongLength(path, Number(stat.size), size);
      if (lstatSync(aside, { bigint: true }).ino !== stat.ino) {
        there = false;
        throw new Conflict(`Another program is writing ${path} too.`, { code: 'written_twice' });
      }
      await calls.rename(aside, target);
      there = false;
      await folders.flush(path);
      return entryOf(path, fstatSync(fd, { bigint: true }));
    } catch (error) {
      // Closed first: until then the disk keeps the room of what was written.
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
      if (there) await disk.unlink(aside).catch(() => {});
      const known = isKeepsakeError(error) || o.signal.reason === error ? error : diskFailure(error, path);
      throw await withMissing(known, root, file);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  });
}
