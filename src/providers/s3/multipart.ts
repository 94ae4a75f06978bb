/**
 * Uploads of streams in parts, bounded in memory, resumable: what an interrupted upload left at the service is checked
 * against the new stream's md5 and not sent again.
 *
 * Limits: parts of 5 MiB to 5 GiB, at most 10,000; R2 wants all parts but the last of one size.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
import { createHash } from 'node:crypto';
import { Conflict, FileRejected, IntegrityError, NotFound, RetryLater } from '../../engine/errors.ts';
import type { CallOptions, HttpResponse, NewFile } from '../../engine/types.ts';
import type { Connection } from './connection.ts';
import { failure, NO_UPLOAD } from './failure.ts';
import { type PartReader, readParts } from './parts.ts';
import { blocks, escapeXml, root, text } from './xml.ts';

const MIB = 2 ** 20;
const MAX_PARTS = 10_000;
const SMALLEST = 8 * MIB;
/** What fits in this goes as one request. Also the parts of a stream whose length nobody knows: 10,000 are 160 GB. */
export const WHOLE = 16 * MIB;
/** One is filled while two are in the air. Above 32 MiB (files of more than 320 GB) one is in the air. */
const buffersFor = (partSize: number): number => (partSize > 32 * MIB ? 2 : 3);
/** Long enough for a service that is alive; an upload that stays behind costs storage until its lifecycle rule. */
const ABORT_WITHIN = 15_000;
const COMPLETE_TRIES = 4;

export function partSizeFor(size: number | undefined): number {
  if (size === undefined) return WHOLE;
  return size <= WHOLE ? Math.max(1, size) : Math.max(SMALLEST, Math.ceil(size / MAX_PARTS / MIB) * MIB);
}

/** Unquoted. */
export const etagOf = (quoted: string | undefined): string | undefined =>
  quoted?.replace(/^W\//, '').replaceAll('"', '') || undefined;

/** The md5 that an ETag is, unless the object is encrypted with a key that makes it something else. */
export function md5Of(etag: string | undefined, headers: Record<string, string> = {}): string | undefined {
  if (etag === undefined || !/^[0-9a-f]{32}$/.test(etag)) return undefined;
  const encrypted =
    headers['x-amz-server-side-encryption']?.startsWith('aws:kms') ||
    headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined;
  return encrypted ? undefined : etag;
}

interface Sent {
  etag: string;
  size: number;
  /** Whether the ETag is the md5 of the part. */
  plain: boolean;
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

const isGone = (error: unknown): boolean => error instanceof NotFound && error.code === NO_UPLOAD;

/** Another try cannot use what is there: the bytes themselves are refused or are no longer those. */
const isFinal = (error: unknown): boolean =>
  error instanceof IntegrityError ||
  error instanceof FileRejected ||
  error instanceof Conflict ||
  error instanceof NotFound;

/** What was done with a stream: small enough for one request (its bytes are handed back), or stored in parts. */
export type Uploaded = { whole: Uint8Array } | { etag: string | undefined; size: number };

export interface PartsOf {
  uploadId: string;
  /** In order, without gaps. */
  parts: readonly Sent[];
}

const completion = (parts: readonly Sent[]): string =>
  `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts
    .map(({ etag }, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(`"${etag}"`)}</ETag></Part>`)
    .join('')}</CompleteMultipartUpload>`;

/** `md5(md5 of each part)-N`, where every part's ETag is its md5. */
function etagOfParts(parts: readonly Sent[]): string | undefined {
  if (!parts.every(({ plain }) => plain)) return undefined;
  const all = createHash('md5');
  for (const { etag } of parts) all.update(etag, 'hex');
  return `${all.digest('hex')}-${parts.length}`;
}

export async function createUpload(
  connection: Connection,
  key: string,
  headers: Record<string, string>,
  { signal }: CallOptions,
): Promise<string> {
  const response = await connection.send({ method: 'POST', key, query: { uploads: '' }, headers, whole: true, signal });
  const uploadId = text(await response.text(), 'UploadId');
  if (!uploadId) throw new RetryLater('The S3 service began an upload without saying which.', { code: 's3_answer' });
  return uploadId;
}

/** Forgets an upload and its parts. Failure to do so must not hide why it is given up. */
export async function abortUpload(connection: Connection, key: string, uploadId: string): Promise<void> {
  await connection
    .send({ method: 'DELETE', key, query: { uploadId }, whole: true, signal: AbortSignal.timeout(ABORT_WITHIN) })
    .catch(() => {});
}

/**
 * Makes the object out of its parts; answers its ETag. The answer may be an error in spite of its status 200, and it may
 * be lost after the work was done: then the upload is gone, and the object itself tells.
 */
export async function completeUpload(
  connection: Connection,
  key: string,
  { uploadId, parts }: PartsOf,
  { signal }: CallOptions,
): Promise<string | undefined> {
  const expected = etagOfParts(parts);
  const body = Buffer.from(completion(parts));
  for (let tried = 1; ; tried++) {
    let xml: string;
    let response: HttpResponse;
    try {
      response = await connection.send({ method: 'POST', key, query: { uploadId }, body, whole: true, signal });
      xml = await response.text();
      if (root(xml) !== 'CompleteMultipartUploadResult') {
        const { status, headers } = response;
        throw failure({ method: 'POST', status, headers, xml, bucket: connection.bucket, key });
      }
    } catch (error) {
      if (isGone(error) && expected !== undefined) {
        const found = await connection.send({ method: 'HEAD', key, expect: [404], signal });
        if (found.status < 300 && etagOf(found.headers.etag) === expected) return expected;
      }
      if (!(error instanceof RetryLater) || tried === COMPLETE_TRIES) throw error;
      await connection.clock.sleep(error.after ?? 500 * 2 ** tried, signal);
      continue;
    }
    const etag = etagOf(text(xml, 'ETag'));
    if (expected !== undefined && etag !== undefined && /^[0-9a-f]{32}-\d+$/.test(etag) && etag !== expected) {
      await connection.send({ method: 'DELETE', key, whole: true, signal });
      throw new IntegrityError(`The S3 service put "${key}" together differently from what was sent.`, {
        code: 's3_damaged',
      });
    }
    // radosgw answers an empty ETag; what HEAD and listings show is the expected one.
    if (etag !== undefined || expected !== undefined) return etag ?? expected;
    return etagOf((await connection.send({ method: 'HEAD', key, signal })).headers.etag);
  }
}

/** Parts that are already there, by number. */
async function listParts(
  connection: Connection,
  key: string,
  uploadId: string,
  { signal }: CallOptions,
): Promise<Map<number, { etag: string; size: number }>> {
  const parts = new Map<number, { etag: string; size: number }>();
  for (let marker = ''; ; ) {
    const query: Record<string, string> = { uploadId, 'max-parts': '1000' };
    if (marker) query['part-number-marker'] = marker;
    const response = await connection.send({ method: 'GET', key, query, whole: true, signal });
    const xml = await response.text();
    if (root(xml) !== 'ListPartsResult') throw new RetryLater('The list of parts was cut off.', { code: 's3_answer' });
    for (const part of blocks(xml, 'Part')) {
      const etag = etagOf(text(part, 'ETag'));
      if (etag) parts.set(Number(text(part, 'PartNumber')), { etag, size: Number(text(part, 'Size')) });
    }
    const next = text(xml, 'NextPartNumberMarker') ?? '';
    if (text(xml, 'IsTruncated') !== 'true') return parts;
    if (Number(next) <= Number(marker)) {
      throw new RetryLater('The list of parts does not go on.', { code: 's3_answer' });
    }
    marker = next;
  }
}

async function sendPart(
  connection: Connection,
  key: string,
  query: { uploadId: string; partNumber: string },
  part: { bytes: Uint8Array; md5: string; sha256: string },
  { signal }: CallOptions,
): Promise<Sent> {
  const response = await connection.send({
    method: 'PUT',
    key,
    query,
    headers: { 'content-md5': Buffer.from(part.md5, 'hex').toString('base64') },
    body: part.bytes,
    sha256: part.sha256,
    whole: true,
    signal,
  });
  const etag = etagOf(response.headers.etag);
  const md5 = md5Of(etag, response.headers);
  if (etag === undefined)
    throw new RetryLater('The S3 service stored a part without naming it.', { code: 's3_answer' });
  if (md5 !== undefined && md5 !== part.md5) {
    throw new IntegrityError(`Part ${query.partNumber} of "${key}" is not what was sent.`, { code: 's3_damaged' });
  }
  return { etag, size: part.bytes.byteLength, plain: md5 !== undefined };
}

/**
 * Sends a stream in parts, or hands it back whole when it turns out to fit in one. Closes the stream when it fails.
 * Without a memo a failed upload leaves nothing; with one it can be continued by the next call.
 */
export async function uploadParts(
  connection: Connection,
  key: string,
  file: NewFile & { content: Exclude<NewFile['content'], Uint8Array> },
  headers: Record<string, string>,
  o: CallOptions,
): Promise<Uploaded> {
  const { bucket } = connection;
  const inParts = file.size === undefined || file.size > WHOLE;
  let memo = inParts ? parseMemo(await file.memo?.load(), bucket, key) : undefined;
  let stored = new Map<number, { etag: string; size: number }>();
  if (memo) {
    try {
      stored = await listParts(connection, key, memo.uploadId, o);
    } catch (error) {
      if (!isGone(error)) throw error;
      memo = undefined;
    }
  }
  const partSize = memo?.partSize ?? partSizeFor(file.size);
  const buffers = buffersFor(partSize);
  const stop = new AbortController();
  const signal = AbortSignal.any([o.signal, stop.signal]);
  const sent: Sent[] = [];
  const ring: Promise<Buffer>[] = [];
  const reader: PartReader = readParts(file.content, file.size, key);
  let uploadId = memo?.uploadId;

  async function store(number: number, buffer: Buffer, part: Awaited<ReturnType<PartReader['fill']>>): Promise<Buffer> {
    const there = stored.get(number);
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
      const buffer = (await ring[(number - 1) % buffers]) ?? Buffer.allocUnsafeSlow(partSize);
      const part = await reader.fill(buffer);
      signal.throwIfAborted();
      if (number === 1 && part.last && !uploadId) return { whole: buffer.subarray(0, part.length) };
      if (number > MAX_PARTS && part.length > 0) {
        throw new FileRejected(`"${key}" is longer than the ${MAX_PARTS} parts of ${partSize} bytes S3 allows.`, {
          code: 's3_too_large',
        });
      }
      if (!uploadId) {
        uploadId = await createUpload(connection, key, headers, { signal });
        await file.memo?.save(JSON.stringify({ bucket, key, uploadId, partSize } satisfies Memo));
      }
      const job = part.length === 0 && number > 1 ? Promise.resolve(buffer) : store(number, buffer, part);
      job.catch(() => {});
      ring[(number - 1) % buffers] = job;
      if (part.last) break;
    }
    await Promise.all(ring);
    const etag = await completeUpload(connection, key, { uploadId, parts: sent }, { signal });
    await file.memo?.save(undefined);
    return { etag, size: reader.length() };
  } catch (error) {
    // With a memo, parts in the air are worth waiting for: the next try finds them there.
    if (!file.memo) stop.abort(error);
    await Promise.allSettled(ring);
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
  }
}
