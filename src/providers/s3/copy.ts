/** Copies inside one S3 service: the bytes do not pass through this machine. */
import { Conflict, FileRejected } from '../../engine/errors.ts';
import type { CallOptions } from '../../engine/types.ts';
import type { Connection } from './connection.ts';
import { failure } from './failure.ts';
import { abortUpload, completeUpload, createUpload, etagOf } from './multipart.ts';
import { root, text } from './xml.ts';

/** CopyObject takes objects of up to 5 GB: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const COPY_LIMIT = 5 * 2 ** 30;
/** Of larger ones; UploadPartCopy takes 5 MiB to 5 GiB. 5 TiB are 5,120 of these. */
export const COPY_PART = 2 ** 30;

export interface CopySource {
  connection: Connection;
  key: string;
  /** ETag that it must still have. */
  version?: string | undefined;
}

/** A copy may be refused after its status 200 was sent; `element` is what a done one holds. Answers the ETag. */
async function copyRequest(
  to: Connection,
  key: string,
  from: CopySource,
  how: { element: string; headers?: Record<string, string>; query?: Record<string, string> },
  { signal }: CallOptions,
): Promise<string> {
  const response = await to.send({
    method: 'PUT',
    key,
    ...(how.query ? { query: how.query } : {}),
    headers: {
      'x-amz-copy-source': from.connection.source(from.key),
      ...(from.version === undefined ? {} : { 'x-amz-copy-source-if-match': `"${from.version}"` }),
      ...how.headers,
    },
    whole: true,
    signal,
  });
  const xml = await response.text();
  const etag = root(xml) === how.element ? etagOf(text(xml, 'ETag')) : undefined;
  if (etag !== undefined) return etag;
  const { status, headers } = response;
  throw failure({ method: 'PUT', status, headers, xml, bucket: to.bucket, key: from.key });
}

async function copyInParts(
  to: Connection,
  key: string,
  from: CopySource,
  object: { size: number; etag: string; headers: Record<string, string> },
  o: CallOptions,
): Promise<string | undefined> {
  const kept = Object.entries(object.headers).filter(([n]) => n === 'content-type' || n.startsWith('x-amz-meta-'));
  const uploadId = await createUpload(to, key, Object.fromEntries(kept), o);
  try {
    const parts: { etag: string; size: number; plain: boolean }[] = [];
    for (let start = 0; start < object.size; start += COPY_PART) {
      const end = Math.min(start + COPY_PART, object.size);
      const how = {
        element: 'CopyPartResult',
        headers: { 'x-amz-copy-source-range': `bytes=${start}-${end - 1}` },
        query: { uploadId, partNumber: String(parts.length + 1) },
      };
      const etag = await copyRequest(to, key, { ...from, version: object.etag }, how, o);
      parts.push({ etag, size: end - start, plain: /^[0-9a-f]{32}$/.test(etag) });
    }
    return await completeUpload(to, key, { uploadId, parts }, o);
  } catch (error) {
    await abortUpload(to, key, uploadId);
    throw error;
  }
}

/** Answers the ETag of the copy. `NotFound` when the source is not there, `Conflict` when it has another version. */
export async function copyObject(
  to: Connection,
  key: string,
  from: CopySource,
  o: CallOptions,
): Promise<string | undefined> {
  try {
    const how = { element: 'CopyObjectResult', headers: { 'x-amz-metadata-directive': 'COPY' } };
    return await copyRequest(to, key, from, how, o);
  } catch (error) {
    // Services word "too large for one copy" in several ways; the size decides.
    if (!(error instanceof FileRejected)) throw error;
    const { headers } = await from.connection.send({ method: 'HEAD', key: from.key, signal: o.signal });
    const size = Number(headers['content-length']);
    const etag = etagOf(headers.etag);
    if (!(size > COPY_LIMIT) || etag === undefined) throw error;
    if (from.version !== undefined && from.version !== etag) {
      throw new Conflict(`"${from.key}" was changed meanwhile.`, { code: 's3_changed', cause: error });
    }
    return copyInParts(to, key, from, { size, etag, headers }, o);
  }
}
