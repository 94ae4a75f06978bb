/** The requests of a multipart upload, each checked: begin, send a part, list the parts, complete, abort. */
import { createHash } from 'node:crypto';
import { IntegrityError, NotFound, RetryLater } from '../../engine/errors.ts';
import type { CallOptions, HttpResponse } from '../../engine/types.ts';
import type { Connection } from './connection.ts';
import { failure, NO_UPLOAD } from './failure.ts';
import { blocks, escapeXml, root, text } from './xml.ts';

/** Long enough for a service that is alive; an upload that stays behind costs storage until its lifecycle rule. */
const ABORT_WITHIN = 15_000;
const COMPLETE_TRIES = 4;

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

export interface Sent {
  etag: string;
  size: number;
  /** Whether the ETag is the md5 of the part. */
  plain: boolean;
}

/** The service no longer knows the upload. */
export const isGone = (error: unknown): boolean => error instanceof NotFound && error.code === NO_UPLOAD;

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
export async function listParts(
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

export async function sendPart(
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
