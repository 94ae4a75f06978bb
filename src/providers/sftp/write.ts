/** Writes one file to an SFTP server so that nobody sees half of it; large ones go on where they were cut. */
import { randomBytes } from 'node:crypto';
import { IntegrityError } from '../../engine/errors.ts';
import { nameOf, parentOf } from '../../engine/path.ts';
import type { Bytes, CallOptions, Entry, NewFile, Path, UploadMemo } from '../../engine/types.ts';
import { asideOf, isAsideOf } from '../lib/disk-names.ts';
import { isMissing, writeFailure } from './failure.ts';
import type { Folders } from './folders.ts';
import { type Attrs, FLAG, type Lane } from './lane.ts';
import { childrenOf, entryOf } from './list.ts';
import { childOf, type Place, placeOf } from './place.ts';

/** Uploads that are at least as long remember how far they came; shorter ones are sent again sooner than asked about. */
const RESUMABLE = 8 * 1024 * 1024;
/** Bytes between two memos: each costs a flush of the server's disk. */
const STEP = 8 * 1024 * 1024;
/** Bytes in flight; the window of an SSH channel is 2 MiB. */
const IN_FLIGHT = 2 * 1024 * 1024;

const wrongLength = (path: Path, is: number, promised: number): IntegrityError =>
  new IntegrityError(`${path} has ${is}${is > promised ? ' or more' : ''} bytes, but ${promised} were promised.`, {
    code: 'wrong_length',
  });

interface Memory {
  tag: string;
  size: number;
  offset: number;
}

/** What an earlier try left, if it is about this file. */
async function memoryOf(memo: UploadMemo | undefined, size: number | undefined): Promise<Memory | undefined> {
  const state = await memo?.load();
  if (!state) return undefined;
  try {
    const { tag, size: stored, offset } = JSON.parse(state) as Partial<Memory>;
    const right =
      typeof tag === 'string' && /^[0-9a-f]{8}$/.test(tag) && stored === size && Number.isSafeInteger(offset);
    return right && size !== undefined && offset !== undefined && offset > 0 && offset <= size
      ? { tag, size, offset }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Writes in flight on one handle; the first failure is thrown by the next call. */
function writerOf(lane: Lane, handle: Buffer) {
  const flying = new Set<Promise<void>>();
  let failed: { error: unknown } | undefined;
  const check = (): void => {
    if (failed) throw failed.error;
  };
  const send = async (at: number, data: Uint8Array): Promise<void> => {
    while (flying.size * lane.most >= IN_FLIGHT) await Promise.race(flying);
    check();
    const sent = lane
      .write(handle, at, data)
      .catch((error: unknown) => {
        failed ??= { error };
      })
      .finally(() => flying.delete(sent));
    flying.add(sent);
  };
  return {
    /** The data may be reused when this answers. */
    write: async (at: number, data: Uint8Array): Promise<void> => {
      for (let done = 0; done < data.length; done += lane.most) {
        await send(at + done, data.subarray(done, done + lane.most));
      }
    },
    /** All of it arrived. */
    settle: async (): Promise<void> => {
      await Promise.all(flying);
      check();
    },
    check,
  };
}

/** Sends a whole body; what fits the window is sent at once and not waited for. */
async function writeWhole(lane: Lane, handle: Buffer, content: Uint8Array): Promise<Promise<void>[]> {
  if (content.length > IN_FLIGHT) {
    const writer = writerOf(lane, handle);
    await writer.write(0, content);
    await writer.settle();
    return [];
  }
  const writes: Promise<void>[] = [];
  for (let at = 0; at < content.length; at += lane.most) {
    writes.push(lane.write(handle, at, content.subarray(at, at + lane.most)));
  }
  return writes;
}

/** Collects small chunks, so that a request carries as much as it may. */
async function* filled(source: Bytes, most: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(most);
  let length = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + most - length);
      buffer.set(part, length);
      at += part.length;
      length += part.length;
      if (length === most) {
        yield buffer;
        length = 0;
      }
    }
  }
  if (length > 0) yield buffer.subarray(0, length);
}

interface Upload {
  lane: Lane;
  handle: Buffer;
  file: NewFile;
  signal: AbortSignal;
  /** Bytes that lie there already. */
  offset: number;
  /** Remembers that so many bytes are on the server's disk. */
  remember?: (offset: number) => Promise<void>;
}

/** Sends the stream behind `offset`; answers the length of the whole. The source's own errors pass as they are. */
async function pour({ lane, handle, file, signal, offset, remember }: Upload, source: Bytes): Promise<number> {
  const { size, path } = file;
  const writer = writerOf(lane, handle);
  let at = 0;
  let remembered = offset;
  for await (const chunk of filled(source, lane.most)) {
    signal.throwIfAborted();
    writer.check();
    if (size !== undefined && at + chunk.length > size) throw wrongLength(path, at + chunk.length, size);
    const known = Math.min(chunk.length, Math.max(0, offset - at));
    if (known < chunk.length) await writer.write(at + known, chunk.subarray(known));
    at += chunk.length;
    if (remember && at - remembered >= STEP) {
      await writer.settle();
      await lane.fsync(handle);
      await remember(at);
      remembered = at;
    }
  }
  signal.throwIfAborted();
  await writer.settle();
  if (size !== undefined && at !== size) throw wrongLength(path, at, size);
  return at;
}

/** Sets the time, flushes, closes, and asks what lies there now: one round trip where the server keeps the order. */
async function finish(
  lane: Lane,
  handle: Buffer,
  aside: Buffer,
  { modified }: NewFile,
  before: Promise<void>[],
): Promise<Attrs> {
  const mtime = modified === undefined ? undefined : Math.floor(Date.parse(modified) / 1000);
  // SFTP 3 counts seconds since 1970 in 32 bits without a sign.
  const time = mtime !== undefined && mtime >= 0 && mtime < 2 ** 32 ? { mtime } : undefined;
  if (lane.inOrder) {
    const steps = [...before, ...(time ? [lane.fsetstat(handle, time)] : []), lane.fsync(handle)];
    const [attrs] = await Promise.all([lane.fstat(handle), ...steps]);
    await lane.close(handle);
    return attrs;
  }
  await Promise.all(before);
  await lane.fsync(handle);
  await lane.close(handle);
  if (time) await lane.setstat(aside, time);
  return lane.lstat(aside);
}

async function openAside(place: Place, folders: Folders, lane: Lane, aside: Path, o: CallOptions): Promise<Buffer> {
  const name = placeOf(place, aside);
  const flags = FLAG.WRITE | FLAG.CREATE | FLAG.TRUNCATE;
  await folders.make(aside, o.signal);
  try {
    return await lane.open(name, flags);
  } catch (error) {
    if (!isMissing(error)) throw error;
    // Somebody removed the folder that was made before.
    folders.forget(aside);
    await folders.make(aside, o.signal);
    return lane.open(name, flags);
  }
}

/** Where the upload goes on, or a fresh part; parts that earlier uploads of the same path left are removed then. */
async function openPart(
  place: Place,
  folders: Folders,
  lane: Lane,
  file: NewFile,
  o: CallOptions,
): Promise<{ handle: Buffer; aside: Path; tag: string; offset: number }> {
  const memory = await memoryOf(file.memo, file.size);
  if (memory) {
    const aside = asideOf(file.path, memory.tag);
    try {
      const handle = await lane.open(placeOf(place, aside), FLAG.WRITE);
      const { size = 0 } = await lane.fstat(handle);
      if (size >= memory.offset) {
        // What came after the last memo may have holes: requests arrive in any order.
        await lane.fsetstat(handle, { size: memory.offset });
        return { handle, aside, tag: memory.tag, offset: memory.offset };
      }
      await lane.close(handle);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  const tag = randomBytes(4).toString('hex');
  const aside = asideOf(file.path, tag);
  const handle = await openAside(place, folders, lane, aside, o);
  const folder = placeOf(place, parentOf(file.path));
  for (const { name } of await childrenOf(place, folder, o.signal)) {
    const text = name.toString('latin1');
    if (isAsideOf(text, file.path) && text !== nameOf(aside)) await lane.remove(childOf(folder, name)).catch(() => {});
  }
  return { handle, aside, tag, offset: 0 };
}

/**
 * Creates or replaces a file. The answer is what the server said after its disk was flushed. `IntegrityError` for a body of
 * another length than `size`, `QuotaExceeded`, `FileRejected`, `RetryLater` when the connection is lost.
 */
export async function writeFile(place: Place, folders: Folders, file: NewFile, o: CallOptions): Promise<Entry> {
  o.signal.throwIfAborted();
  const { path, size, content } = file;
  const target = placeOf(place, path);
  if (content instanceof Uint8Array && size !== undefined && size !== content.length) {
    throw wrongLength(path, content.length, size);
  }
  const { memo } = file;
  const long = memo !== undefined && !(content instanceof Uint8Array) && size !== undefined && size >= RESUMABLE;
  const lane = await place.pool.lane(o.signal);
  let handle: Buffer | undefined;
  let aside = asideOf(path);
  let kept = false;
  try {
    let attrs: Attrs;
    let length: number;
    if (content instanceof Uint8Array) {
      handle = await openAside(place, folders, lane, aside, o);
      o.signal.throwIfAborted();
      const writes = await writeWhole(lane, handle, content);
      attrs = await finish(lane, handle, placeOf(place, aside), file, writes);
      length = content.length;
    } else {
      const part = long
        ? await openPart(place, folders, lane, file, o)
        : { handle: await openAside(place, folders, lane, aside, o), aside, offset: 0, tag: '' };
      ({ handle, aside } = part);
      const upload: Upload = { lane, handle, file, signal: o.signal, offset: part.offset };
      kept = part.offset > 0;
      if (long) {
        upload.remember = async (offset) => {
          await memo.save(JSON.stringify({ tag: part.tag, size, offset } satisfies Memory));
          kept = true;
        };
      }
      length = await pour(upload, content);
      attrs = await finish(lane, handle, placeOf(place, aside), file, []);
    }
    handle = undefined;
    if (attrs.size !== undefined && attrs.size !== length) throw wrongLength(path, attrs.size, length);
    o.signal.throwIfAborted();
    await lane.rename(placeOf(place, aside), target);
    if (long) await memo.save(undefined);
    return entryOf(path, attrs);
  } catch (error) {
    const meaning = error === o.signal.reason ? error : await writeFailure(error, lane, place.root, path, size);
    if (handle) await lane.close(handle).catch(() => {});
    // Bytes that were promised and did not come will not come next time either.
    if (!kept || meaning instanceof IntegrityError) {
      await lane.remove(placeOf(place, aside)).catch(() => {});
      if (kept) await memo?.save(undefined);
    }
    throw meaning;
  }
}
