/** Reads one file: a small one in one go, a large one through two buffers that are used over and over. */
import { type BigIntStats, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Conflict, FileRejected, NotFound } from '../../engine/errors.ts';
import type { Bytes, CallOptions, Entry } from '../../engine/types.ts';
import { checkInside, disk, diskName, READ_FLAGS, versionOf } from './disk.ts';
import { codeOf, diskFailure } from './failure.ts';

/** Up to here a file is read whole: 52,000 against 10,000 files a second with a stream for each. */
const WHOLE = 1024 * 1024;
/** Larger buffers read no faster; two of them, so that the disk works while a chunk is being used. */
const BUFFER = 1024 * 1024;

type Wanted = Pick<Entry, 'path' | 'version'>;

/** Where to read: the real root, and whether its disk is so near that small reads are made in place. */
export interface Place {
  root: string;
  near: boolean;
}

const changed = (path: string): Conflict =>
  new Conflict(`${path} changed while it was read.`, { code: 'changed_while_read' });

/** Opens it, and makes sure that it is a regular file inside the root and still the one that was listed. */
async function openFile({ root, near }: Place, { path, version }: Wanted): Promise<{ fd: number; stat: BigIntStats }> {
  const name = diskName(root, path);
  let fd: number;
  try {
    fd = near ? openSync(name, READ_FLAGS) : await disk.open(name, READ_FLAGS);
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') throw new NotFound(`${path} is not there.`, { cause: error });
    throw diskFailure(error, path);
  }
  try {
    checkInside(root, fd, name, path);
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) {
      throw new FileRejected(`${path} is not a regular file.`, { code: 'not_a_file' });
    }
    if (version !== undefined && version !== versionOf(stat)) {
      throw new Conflict(`${path} is no longer the file that was listed.`, { code: 'changed_since_listed' });
    }
    return { fd, stat };
  } catch (error) {
    closeSync(fd);
    throw diskFailure(error, path);
  }
}

/** `Conflict` when the file is not what it was when it was opened: its bytes may be of two versions. */
function checkUnchanged(path: string, fd: number, before: BigIntStats): void {
  const after = fstatSync(fd, { bigint: true });
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) throw changed(path);
}

async function readWhole(place: Place, path: string, fd: number, stat: BigIntStats, from: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(Math.max(0, Number(stat.size) - from));
  for (let at = 0; at < whole.length; ) {
    const rest = whole.length - at;
    const count = place.near
      ? readSync(fd, whole, at, rest, from + at)
      : await disk.read(fd, whole, at, rest, from + at);
    if (count === 0) throw changed(path);
    at += count;
  }
  checkUnchanged(path, fd, stat);
  return whole;
}

async function* readLong(
  place: Place,
  wanted: Wanted,
  from: number,
  signal: AbortSignal,
): Bytes & AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const { path } = wanted;
  const { fd, stat } = await openFile(place, wanted);
  const size = Number(stat.size);
  const buffers = [Buffer.allocUnsafe(BUFFER), Buffer.allocUnsafe(BUFFER)] as const;
  const readAt = (buffer: Buffer, at: number): Promise<number> => {
    const reading = disk.read(fd, buffer, 0, Math.min(BUFFER, size - at), at);
    // Looked at when its turn comes; until then its failure must not count as unhandled.
    reading.catch(() => {});
    return reading;
  };
  let ahead: Promise<number> | undefined;
  try {
    let [current, next] = buffers as readonly [Buffer, Buffer];
    let at = from;
    if (at < size) ahead = readAt(current, at);
    while (ahead) {
      const count = await ahead;
      signal.throwIfAborted();
      if (count === 0) throw changed(path);
      at += count;
      ahead = at < size ? readAt(next, at) : undefined;
      yield current.subarray(0, count);
      signal.throwIfAborted();
      [current, next] = [next, current];
    }
    checkUnchanged(path, fd, stat);
  } catch (error) {
    throw diskFailure(error, path);
  } finally {
    // The system may still be writing into the buffer through this descriptor.
    await ahead?.catch(() => {});
    closeSync(fd);
  }
}

async function* once(whole: Buffer, signal: AbortSignal): Bytes & AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  if (whole.length > 0) yield whole;
}

/**
 * The bytes from offset `from`. A small file is read and checked before this answers; a large one is opened when its first
 * chunk is pulled, so that an answer nobody reads holds nothing open. `Conflict` when it is not the listed version, or
 * changed while it was read; `NotFound`; `FileRejected` for what the system does not give.
 */
export async function readFile(
  place: Place,
  entry: Pick<Entry, 'path' | 'version'>,
  o: CallOptions & { from?: number },
): Promise<Bytes> {
  o.signal.throwIfAborted();
  const from = o.from ?? 0;
  const { fd, stat } = await openFile(place, entry);
  try {
    if (Number(stat.size) - from <= WHOLE) return once(await readWhole(place, entry.path, fd, stat, from), o.signal);
    return readLong(place, { path: entry.path, version: versionOf(stat) }, from, o.signal);
  } catch (error) {
    throw diskFailure(error, entry.path);
  } finally {
    closeSync(fd);
  }
}
