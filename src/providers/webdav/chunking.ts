/**
 * Large files to Nextcloud (chunked upload v2) and ownCloud (its older form is understood by the same requests): pieces in
 * a folder of their own, put together by one MOVE. What has arrived is not sent again after an interruption.
 *
 * https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/chunking.html
 */
import { randomUUID } from 'node:crypto';
import { Conflict, FileRejected, IntegrityError, NotFound, QuotaExceeded, RetryLater } from '../../engine/errors.ts';
import type { Bytes, NewFile } from '../../engine/types.ts';
import type { Connection } from './connection.ts';
import type { Found } from './multistatus.ts';

/** Pieces must have 5 MB to 5 GB, except the last. Each is held in memory, so that it can be sent again. */
const PIECE = 16 * 1024 * 1024;
const MOST_PIECES = 10_000;
/** Putting a long file together may take longer than proxies wait for; the server goes on by itself. Five minutes in all. */
const ASSEMBLY_LOOKS = 60;
const ASSEMBLY_WAIT = 5_000;

interface Session {
  id: string;
  target: string;
  piece: number;
  size: number | undefined;
}

export interface Pieces {
  file: NewFile & { content: Bytes };
  /** URL of the file. */
  target: string;
  /** Modification time and the like. */
  headers: Record<string, string>;
  /** Sends a file that turned out to be no longer than one piece. */
  whole(content: Uint8Array): Promise<void>;
  signal: AbortSignal;
}

const pieceFor = (size: number | undefined): number => Math.max(PIECE, Math.ceil((size ?? 0) / MOST_PIECES));

const nameOf = (number: number): string => String(number).padStart(5, '0');

async function remembered(file: NewFile): Promise<Session | undefined> {
  try {
    const memo: unknown = JSON.parse((await file.memo?.load()) ?? 'null');
    if (typeof memo !== 'object' || memo === null) return undefined;
    const { id, target, piece, size } = memo as Partial<Session>;
    if (typeof id !== 'string' || !/^keepsake-[0-9a-f-]{36}$/.test(id)) return undefined;
    if (typeof target !== 'string' || typeof piece !== 'number') return undefined;
    return { id, target, piece, size: typeof size === 'number' ? size : undefined };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** How many pieces, counted from the first, the server has complete; `undefined` when it forgot the upload (24 h idle). */
async function arrived(connection: Connection, session: Session, signal: AbortSignal): Promise<number | undefined> {
  const members = await connection.members(`${connection.uploads}${session.id}/`, signal);
  if (members === undefined) return undefined;
  const complete = new Set(members.filter(({ size }) => size === session.piece).map(({ name }) => Number(name)));
  let count = 0;
  while (complete.has(count + 1)) count++;
  return count;
}

async function discard(connection: Connection, id: string): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  try {
    await connection.send({ method: 'DELETE', url: `${connection.uploads}${id}/`, signal, expect: [404] });
  } catch (cause) {
    // It expires by itself after a day; the failure that led here is the one to tell.
    connection.context.log('warn', 'upload_left_behind', { id, cause });
  }
}

/** Waits for the file to be put together after the MOVE was not answered in time. */
async function assembled(connection: Connection, folder: string, target: string, failure: RetryLater, o: Pieces) {
  for (let look = 0; look < ASSEMBLY_LOOKS; look++) {
    await connection.context.clock.sleep(failure.after ?? ASSEMBLY_WAIT, o.signal);
    // The server removes the pieces when it is done with them.
    if ((await connection.stat(folder, o.signal)) === undefined) {
      const found = await connection.stat(target, o.signal);
      if (found !== undefined) return found;
      break;
    }
  }
  throw failure;
}

/** Answers what the server has under `target` afterwards, or `undefined` when the file was sent by `whole`. */
export async function uploadInPieces(connection: Connection, o: Pieces): Promise<Found | undefined> {
  const { file, target, signal } = o;
  const piece = pieceFor(file.size);
  const total = file.size === undefined ? {} : { 'oc-total-length': String(file.size) };
  let session = await remembered(file);
  if (session && (session.target !== target || session.piece !== piece || session.size !== file.size)) {
    session = undefined;
  }
  const done = session && (await arrived(connection, session, signal));
  if (done === undefined) session = undefined;

  const begin = async (): Promise<Session> => {
    const begun = { id: `keepsake-${randomUUID()}`, target, piece, size: file.size };
    const url = `${connection.uploads}${begun.id}/`;
    // 405: it was made by a request whose answer was lost; the name is random, so it is ours.
    const request = { method: 'MKCOL', url, headers: { destination: target }, expect: [405], signal };
    await (await connection.send(request)).dump();
    await file.memo?.save(JSON.stringify(begun));
    return begun;
  };

  /** The last failure of the server; one of the source may be of the same class and means something else. */
  let refused: unknown;
  const atServer = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      refused = error;
      throw error;
    }
  };

  let number = 0;
  const sendPiece = async (bytes: Uint8Array): Promise<void> => {
    number++;
    if (number > MOST_PIECES) {
      throw new FileRejected(`"${file.path}" is too long to be sent without knowing its size.`, { code: 'too_large' });
    }
    if (number <= (done ?? 0)) return;
    session ??= await begin();
    const url = `${connection.uploads}${session.id}/${nameOf(number)}`;
    const headers = { destination: target, ...total, 'content-type': 'application/octet-stream' };
    await (await connection.send({ method: 'PUT', url, headers, body: bytes, signal })).dump();
  };

  const send = (bytes: Uint8Array): Promise<void> => atServer(sendPiece(bytes));

  try {
    const { held, length } = await cut(file, piece, send);
    if (number === 0) {
      await o.whole(held);
      await file.memo?.save(undefined);
      return undefined;
    }
    if (held.length > 0) await send(held);
    const found = await atServer(finish(connection, session ?? (await begin()), length, o));
    await file.memo?.save(undefined);
    return found;
  } catch (error) {
    // An upload that can go on stays: it is no file yet, nobody sees it, and it expires.
    const theirs = error === refused;
    const hopeless =
      error instanceof IntegrityError || (theirs && (error instanceof QuotaExceeded || error instanceof FileRejected));
    const forgotten = theirs && (error instanceof NotFound || error instanceof Conflict);
    if (hopeless || forgotten) await file.memo?.save(undefined);
    if (session && (hopeless || file.memo === undefined)) await discard(connection, session.id);
    if (forgotten && session && !signal.aborted) {
      throw new RetryLater(`${connection.host} forgot the half of "${file.path}" that it had.`, {
        code: 'upload_forgotten',
        cause: error,
      });
    }
    throw error;
  }
}

/** Cuts the content into pieces of exactly that size in one reused buffer; the last, shorter one is answered, not sent. */
async function cut(
  file: NewFile & { content: Bytes },
  size: number,
  send: (bytes: Uint8Array) => Promise<void>,
): Promise<{ held: Uint8Array; length: number }> {
  const buffer = Buffer.allocUnsafe(Math.min(size, file.size ?? size) || 1);
  const wrong = (): never => {
    throw new IntegrityError(`"${file.path}" has another length than the ${file.size} bytes promised.`, {
      code: 'length',
      advice: 'The file changed while it was read; the next run takes it as it is then.',
    });
  };
  let filled = 0;
  let length = 0;
  for await (const part of file.content) {
    length += part.length;
    if (file.size !== undefined && length > file.size) wrong();
    for (let at = 0; at < part.length; ) {
      // A full buffer is sent only when more comes: a file of exactly one piece needs no pieces.
      if (filled === size) {
        await send(buffer);
        filled = 0;
      }
      const taken = Math.min(size - filled, part.length - at);
      buffer.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
    }
  }
  if (file.size !== undefined && length !== file.size) wrong();
  return { held: buffer.subarray(0, filled), length };
}

async function finish(connection: Connection, session: Session, length: number, o: Pieces): Promise<Found> {
  const { target, signal, file } = o;
  const folder = `${connection.uploads}${session.id}/`;
  // MOVE would replace a folder of that name with everything in it.
  if ((await connection.stat(target, signal))?.folder) {
    throw new FileRejected(`"${file.path}" is a folder at ${connection.host}.`, { code: 'is_folder' });
  }
  let found: Found | undefined;
  try {
    const headers = { ...o.headers, destination: target, 'oc-total-length': String(length) };
    const response = await connection.send({
      method: 'MOVE',
      url: `${folder}.file`,
      headers,
      repeatable: false,
      signal,
    });
    await response.dump();
    found = await connection.stat(target, signal);
  } catch (error) {
    if (!(error instanceof RetryLater)) throw error;
    found = await assembled(connection, folder, target, error, o);
  }
  if (found?.size !== length) {
    throw new IntegrityError(
      `"${file.path}" was put together as ${found?.size ?? 'nothing'} instead of ${length} bytes.`,
    );
  }
  return found;
}
