/** Reads one file of an SFTP server: a small one with two round trips, a large one with many requests in flight. */
import { Conflict, FileRejected } from '../../engine/errors.ts';
import type { Bytes, CallOptions, Entry } from '../../engine/types.ts';
import { serverFailure, statusOf } from './failure.ts';
import { type Attrs, FLAG, type Lane } from './lane.ts';
import { versionOf } from './list.ts';
import { type Place, placeOf } from './place.ts';
import { STATUS } from './wire.ts';

/** Read whole up to here: a few requests sent together. */
const WHOLE = 1024 * 1024;
/** Bytes in flight for a large file; the window of an SSH channel is 2 MiB. */
const IN_FLIGHT = 2 * 1024 * 1024;

type Wanted = Pick<Entry, 'path' | 'size' | 'version'>;

function checkVersion({ path, version }: Wanted, attrs: Attrs): void {
  if (version !== undefined && version !== versionOf(attrs)) {
    throw new Conflict(`${path} is no longer the file that was listed.`, { code: 'changed_since_listed' });
  }
}

/** One part, with as many requests as the server's short answers make necessary; shorter at the end of the file. */
async function readPart(lane: Lane, handle: Buffer, from: number, length: number): Promise<Buffer> {
  const first = await lane.read(handle, from, length);
  if (first === undefined || first.length === length) return first ?? Buffer.alloc(0);
  const parts = [first];
  for (let at = first.length; at < length; ) {
    const more = await lane.read(handle, from + at, length - at);
    if (!more) break;
    parts.push(more);
    at += more.length;
  }
  return Buffer.concat(parts);
}

/** Offsets and lengths that cover `from` to `to`. */
function* partsOf(from: number, to: number, most: number): Generator<[number, number]> {
  for (let at = from; at < to; at += most) yield [at, Math.min(most, to - at)];
}

/** What the server says of a file after it was read; see `Lane.inOrder`. */
async function attrsAfter(lane: Lane, handle: Buffer, name: Buffer): Promise<Attrs> {
  if (lane.inOrder) return lane.fstat(handle);
  await lane.close(handle);
  return lane.lstat(name);
}

interface Small {
  lane: Lane;
  handle: Buffer;
  name: Buffer;
  wanted: Wanted;
}

/** The parts, and what the server says of the file after the last of them, in one go where it keeps the order. */
async function readWhole({ lane, handle, name, wanted }: Small, size: number, from: number): Promise<Buffer[]> {
  const requests = [...partsOf(from, size, lane.most)].map(([at, length]) => readPart(lane, handle, at, length));
  if (!lane.inOrder) await Promise.all(requests);
  const [attrs, ...parts] = await Promise.all([attrsAfter(lane, handle, name), ...requests]);
  checkVersion(wanted, attrs);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (attrs.size !== undefined && attrs.size !== Math.max(from, from + length)) {
    throw new Conflict(`${wanted.path} changed while it was read.`, { code: 'changed_while_read' });
  }
  return parts;
}

async function* readLong(
  place: Place,
  wanted: Wanted,
  from: number,
  signal: AbortSignal,
): Bytes & AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const { path } = wanted;
  const name = placeOf(place, path);
  const lane = await place.pool.lane(signal);
  let handle: Buffer | undefined;
  try {
    handle = await lane.open(name, FLAG.READ);
    const before = await lane.fstat(handle);
    checkVersion(wanted, before);
    const size = before.size ?? 0;
    const parts = partsOf(from, size, lane.most);
    const ahead: Promise<Buffer>[] = [];
    const open = handle;
    const ask = (): void => {
      const part = parts.next();
      if (part.done) return;
      const asked = readPart(lane, open, ...part.value);
      // Looked at when its turn comes; until then its failure must not count as unhandled.
      asked.catch(() => {});
      ahead.push(asked);
    };
    for (let i = 0; i * lane.most < IN_FLIGHT; i++) ask();
    let at = from;
    for (let next = ahead.shift(); next; next = ahead.shift()) {
      const chunk = await next;
      signal.throwIfAborted();
      at += chunk.length;
      ask();
      if (chunk.length > 0) yield chunk;
      signal.throwIfAborted();
    }
    const after = await attrsAfter(lane, handle, name);
    if (versionOf(after) !== versionOf(before) || at !== Math.max(from, size)) {
      throw new Conflict(`${path} changed while it was read.`, { code: 'changed_while_read' });
    }
  } catch (error) {
    throw serverFailure(error, path);
  } finally {
    // Waited for: some servers give wrong times for a file while it is open.
    if (handle) await lane.close(handle).catch(() => {});
  }
}

async function* inTurn(parts: Buffer[], signal: AbortSignal): Bytes & AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    signal.throwIfAborted();
    if (part.length > 0) yield part;
  }
}

/**
 * The bytes from offset `from`. A small file is read and checked before this answers; a large one is opened when its first
 * chunk is pulled. `Conflict` when it is not the listed version or changed meanwhile, `NotFound`, `FileRejected`.
 */
export async function readFile(place: Place, entry: Wanted, o: CallOptions & { from?: number }): Promise<Bytes> {
  o.signal.throwIfAborted();
  const from = o.from ?? 0;
  const name = placeOf(place, entry.path);
  const lane = await place.pool.lane(o.signal);
  let handle: Buffer | undefined;
  try {
    // A listed large file is looked at when it is read; this also tells at once when it is gone.
    if (entry.size !== undefined && entry.size - from > WHOLE) {
      checkVersion(entry, await lane.stat(name));
      return readLong(place, entry, from, o.signal);
    }
    handle = await lane.open(name, FLAG.READ);
    o.signal.throwIfAborted();
    const size = entry.size ?? (await lane.fstat(handle)).size ?? 0;
    if (size - from > WHOLE) return readLong(place, entry, from, o.signal);
    return inTurn(await readWhole({ lane, handle, name, wanted: entry }, size, from), o.signal);
  } catch (error) {
    if (handle && statusOf(error) === STATUS.FAILURE) {
      // Reading a folder fails so.
      throw new FileRejected(`${entry.path} cannot be read.`, { code: 'not_a_file', cause: error });
    }
    throw serverFailure(error, entry.path);
  } finally {
    if (handle) lane.close(handle).catch(() => {});
  }
}
