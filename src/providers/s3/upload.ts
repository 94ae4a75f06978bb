/**
 * Stores a stream: as one request when it is short, in parts when it is long. Bounded in memory and resumable: what an
 * interrupted upload left at the service is checked against the new stream's md5 and not sent again.
 *
 * Limits: parts of 5 MiB to 5 GiB, at most 10,000; R2 wants all parts but the last of one size.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
import { Conflict, FileRejected, IntegrityError, NotFound, RetryLater } from '../../engine/errors.ts';
import type { Bytes, CallOptions, Entry, NewFile } from '../../engine/types.ts';
import type { Connection } from './connection.ts';
import { abortUpload, completeUpload, createUpload, isGone, listParts, type Sent, sendPart } from './multipart.ts';
import { type FilledPart, readParts } from './parts.ts';

const MIB = 2 ** 20;
const MAX_PARTS = 10_000;
const SMALLEST = 8 * MIB;
/** What fits in this goes as one request. Also the parts of a stream whose length nobody knows: 10,000 are 160 GB. */
const WHOLE = 16 * MIB;
/** One is filled while two are in the air. Above 32 MiB (files of more than 320 GB) one is in the air. */
const buffersFor = (partSize: number): number => (partSize > 32 * MIB ? 2 : 3);

/** Bytes that the streams of one opened place hold together. */
export interface Memory {
  used: number;
  readonly limit: number;
}

/**
 * Four long uploads at full speed, or eight photos of 12 MiB. Beyond it uploads go on with less each, one part at a time.
 * They do not wait for each other: one stream may feed two places at once, and two such waits could wait for one another.
 */
export const createMemory = (limit = 96 * MIB): Memory => ({ used: 0, limit });

/** `lean`: little memory is left. */
export function partSizeFor(size: number | undefined, lean = false): number {
  if (size === undefined) return lean ? SMALLEST : WHOLE;
  if (size <= (lean ? SMALLEST : WHOLE)) return Math.max(1, size);
  return Math.max(SMALLEST, Math.ceil(size / MAX_PARTS / MIB) * MIB);
}

interface Memo {
  bucket: string;
  key: string;
  uploadId: string;
  partSize: number;
}

function parseMemo(state: string | undefined, bucket: string, key: string): Memo | undefined {
  if (state === undefined) return undefined;
  let memo: Partial<Memo> | null;
  try {
    memo = JSON.parse(state) as Partial<Memo> | null;
  } catch {
    return undefined;
  }
  const { uploadId, partSize } = memo ?? {};
  const fits = memo?.bucket === bucket && memo.key === key && typeof uploadId === 'string';
  return fits && Number.isInteger(partSize) && Number(partSize) >= SMALLEST
    ? { bucket, key, uploadId, partSize: Number(partSize) }
    : undefined;
}

/** Another try cannot use what is there: the bytes themselves are refused or are no longer those. */
const isFinal = (error: unknown): boolean =>
  error instanceof IntegrityError ||
  error instanceof FileRejected ||
  error instanceof Conflict ||
  error instanceof NotFound;

/** The upload that a memo tells of, with its parts by number; `undefined` when there is none to go on with. */
async function resumed(connection: Connection, key: string, file: NewFile, o: CallOptions) {
  const memo = parseMemo(await file.memo?.load(), connection.bucket, key);
  if (!memo) return undefined;
  try {
    return { ...memo, parts: await listParts(connection, key, memo.uploadId, o) };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/**
 * `putWhole` stores what turns out to fit in one request. Closes the stream when it fails. Without a memo a failed
 * upload leaves nothing; with one it can be continued by the next call.
 */
export async function uploadStream(
  connection: Connection,
  key: string,
  file: NewFile & { content: Bytes },
  headers: Record<string, string>,
  memory: Memory,
  putWhole: (content: Uint8Array) => Promise<Entry>,
  o: CallOptions,
): Promise<Entry> {
  const { bucket } = connection;
  const before = file.size !== undefined && file.size <= SMALLEST ? undefined : await resumed(connection, key, file, o);
  // Nothing is awaited between this look at the memory and the first buffer.
  const lean = memory.used + Math.min(file.size ?? WHOLE, WHOLE) > memory.limit;
  const partSize = before?.partSize ?? partSizeFor(file.size, lean);
  const most = buffersFor(partSize);
  const stop = new AbortController();
  const signal = AbortSignal.any([o.signal, stop.signal]);
  const reader = readParts(file.content, file.size, key);
  const sent: Sent[] = [];
  /** Parts in the air, oldest first; each gives its buffer back. */
  const jobs: Promise<Buffer>[] = [];
  let held = 0;
  let uploadId = before?.uploadId;

  async function nextBuffer(): Promise<Buffer> {
    // The first is always granted, so that every upload moves.
    if (held === 0 || (held < most && memory.used + partSize <= memory.limit)) {
      held++;
      memory.used += partSize;
      return Buffer.allocUnsafeSlow(partSize);
    }
    return (await jobs.shift()) ?? Buffer.allocUnsafeSlow(partSize);
  }

  async function store(number: number, buffer: Buffer, part: FilledPart): Promise<Buffer> {
    const there = before?.parts.get(number);
    if (there?.size === part.length && there.etag === part.md5) {
      sent[number - 1] = { ...there, plain: true };
      return buffer;
    }
    const bytes = buffer.subarray(0, part.length);
    const query = { uploadId: uploadId ?? '', partNumber: String(number) };
    try {
      sent[number - 1] = await sendPart(connection, key, query, { ...part, bytes }, { signal });
    } catch (error) {
      stop.abort(error);
      throw error;
    }
    return buffer;
  }

  try {
    for (let number = 1; ; number++) {
      const buffer = await nextBuffer();
      const part = await reader.fill(buffer);
      signal.throwIfAborted();
      if (number === 1 && part.last && !uploadId) return await putWhole(buffer.subarray(0, part.length));
      if (number > MAX_PARTS && part.length > 0) {
        throw new FileRejected(`"${key}" is longer than the ${MAX_PARTS} parts of ${partSize} bytes S3 allows.`, {
          code: 's3_too_large',
        });
      }
      if (!uploadId) {
        uploadId = await createUpload(connection, key, headers, { signal });
        await file.memo?.save(JSON.stringify({ bucket, key, uploadId, partSize } satisfies Memo));
      }
      if (part.length > 0 || number === 1) {
        const job = store(number, buffer, part);
        // Its failure is met when its buffer is wanted, or at the end.
        job.catch(() => {});
        jobs.push(job);
      }
      if (part.last) break;
    }
    await Promise.all(jobs);
    const etag = await completeUpload(connection, key, { uploadId, parts: sent }, { signal });
    await file.memo?.save(undefined);
    const { path } = file;
    return { path, id: path, size: reader.length(), ...(etag === undefined ? {} : { version: etag }) };
  } catch (error) {
    // With a memo, parts in the air are worth waiting for: the next try finds them there.
    if (!file.memo) stop.abort(error);
    await Promise.allSettled(jobs);
    await reader.close();
    const gone = isGone(error);
    if (uploadId !== undefined && (!file.memo || isFinal(error))) {
      await file.memo?.save(undefined);
      if (!gone) await abortUpload(connection, key, uploadId);
    }
    o.signal.throwIfAborted();
    if (!gone) throw error;
    throw new RetryLater(`The S3 service dropped the unfinished upload of "${key}".`, {
      code: 's3_upload_dropped',
      cause: error,
    });
  } finally {
    memory.used -= held * partSize;
  }
}
