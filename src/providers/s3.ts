/**
 * S3: Amazon S3, Wasabi, Backblaze B2, Cloudflare R2, MinIO and other services that speak the same. One request per small
 * file: it carries the sha256 that the service checks the bytes against, so nothing has to be asked afterwards.
 */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { AuthRequired, IntegrityError, NotFound, RetryLater, UsageError } from '../engine/errors.ts';
import type {
  Bytes,
  CallOptions,
  Entry,
  HttpResponse,
  NewFile,
  Path,
  Provider,
  ProviderKind,
} from '../engine/types.ts';
import { type Connection, connect } from './s3/connection.ts';
import { copyObject } from './s3/copy.ts';
import { pathOfKey, sendableKey } from './s3/keys.ts';
import { etagOf, md5Of } from './s3/multipart.ts';
import { chooseBucket, MAX_KEY_BYTES, PRESETS, type PresetName, parseRoot, rootText } from './s3/presets.ts';
import { createMemory, uploadStream } from './s3/upload.ts';
import { blocks, decodeListed, root as rootElement, text } from './s3/xml.ts';

const optional = z
  .string()
  .trim()
  .transform((value) => (value === '' ? undefined : value))
  .optional();

const settings = z.object({
  preset: z
    .enum(Object.keys(PRESETS) as [PresetName, ...PresetName[]])
    .default('aws')
    .meta({ label: 'Service', help: 'aws, wasabi, b2, r2, minio or other' }),
  endpoint: optional.meta({
    label: 'Endpoint',
    help: 'Address of the service without the bucket, for MinIO and others: https://minio.example.org:9000',
  }),
  accountId: optional.meta({ label: 'Account ID', help: 'Cloudflare R2 only' }),
  region: optional.meta({ label: 'Region', help: 'As the page of the bucket shows it, for example eu-central-1' }),
  accessKeyId: z.string().trim().min(1).meta({ label: 'Access key ID' }),
  secretAccessKey: z
    .string()
    .trim()
    .min(1)
    .meta({ label: 'Secret access key', secret: true, help: 'Best of a key that may use this one bucket only' }),
  pathStyle: z.union([z.boolean(), z.stringbool()]).optional().meta({
    label: 'Path style',
    help: 'Bucket in the path instead of the host name; only if the service asks for it',
  }),
});

export type S3Settings = z.infer<typeof settings>;

/** 5 TiB: the most that Amazon takes; others differ and say so when it happens. */
const MAX_OBJECT = 5 * 2 ** 40;

/** A listing cannot be asked for single keys; so many HEADs are under way at once. */
const CONFIRMS = 16;

/** Marks opened S3 locations, so that a copy can be asked of the service when both sides are its own. */
const PLACE = Symbol('s3 place');
interface S3Provider extends Provider {
  readonly [PLACE]: { connection: Connection; keyOf(id: string): string };
}

/** Seconds with a fraction, as other backup tools write and read it. */
const mtimeHeader = (modified: string): string => String(Date.parse(modified) / 1000);

const storedHeaders = (file: NewFile): Record<string, string> => ({
  ...(file.mime === undefined ? {} : { 'content-type': file.mime }),
  ...(file.modified === undefined ? {} : { 'x-amz-meta-mtime': mtimeHeader(file.modified) }),
});

async function* nothing(): Bytes {}

async function* skip(bytes: Bytes, count: number): Bytes {
  let left = count;
  for await (const piece of bytes) {
    if (left < piece.byteLength) yield left === 0 ? piece : piece.subarray(left);
    left -= Math.min(left, piece.byteLength);
  }
}

interface Page {
  entries: Entry[];
  next: string | undefined;
}

function parsePage(xml: string, prefix: string, etagMayLie: boolean): Page {
  if (rootElement(xml) !== 'ListBucketResult') {
    throw new RetryLater('The S3 service answered a listing with something else, or cut it off.', {
      code: 's3_answer',
      advice: 'If this stays, check the endpoint: something else may answer there.',
    });
  }
  const encoded = text(xml, 'EncodingType') === 'url';
  const entries: Entry[] = [];
  for (const block of blocks(xml, 'Contents')) {
    const key = decodeListed(text(block, 'Key') ?? '', encoded);
    const size = Number(text(block, 'Size'));
    // The folder that a web console made; it holds nothing.
    if (!key.startsWith(prefix) || (size === 0 && (key.endsWith('/') || key === prefix))) continue;
    const id = key.slice(prefix.length);
    const version = etagOf(text(block, 'ETag'));
    const md5 = etagMayLie ? undefined : md5Of(version);
    const modified = Date.parse(text(block, 'LastModified') ?? '');
    entries.push({
      path: pathOfKey(id),
      id,
      size,
      ...(Number.isNaN(modified) ? {} : { modified: new Date(modified).toISOString() }),
      ...(version === undefined ? {} : { version }),
      ...(md5 === undefined ? {} : { hashes: { md5 } }),
    });
  }
  const next = text(xml, 'IsTruncated') === 'true' ? text(xml, 'NextContinuationToken') : undefined;
  if (text(xml, 'IsTruncated') === 'true' && !next) {
    throw new RetryLater('The S3 service did not say how its listing goes on.', { code: 's3_answer' });
  }
  return { entries, next };
}

function openBucket(connection: Connection, prefix: string): S3Provider {
  const { preset, bucket } = connection;
  const keyOf = (id: string): string => prefix + id;
  const memory = createMemory();

  async function page(below: string, token: string | undefined, signal: AbortSignal): Promise<Page> {
    const query: Record<string, string> = { 'list-type': '2', 'encoding-type': 'url', 'max-keys': '1000' };
    if (below) query.prefix = below;
    if (token !== undefined) query['continuation-token'] = token;
    const response = await connection.send({ method: 'GET', query, whole: true, signal });
    const read = parsePage(await response.text(), prefix, preset.etagMayLie);
    if (read.next !== undefined && read.next === token) {
      throw new RetryLater('The listing of the S3 service runs in circles.', { code: 's3_answer' });
    }
    return read;
  }

  async function* list({ signal, under }: CallOptions & { under?: Path }): AsyncGenerator<Entry> {
    const below = under ? `${prefix}${under}/` : prefix;
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    try {
      for (let coming: Promise<Page> | undefined = page(below, undefined, both); coming; ) {
        const { entries, next }: Page = await coming;
        // The next page travels while this one is worked on.
        coming = next === undefined ? undefined : page(below, next, both);
        coming?.catch(() => {});
        yield* entries;
        signal.throwIfAborted();
      }
    } finally {
      stop.abort();
    }
  }

  async function removeKey(key: string, signal: AbortSignal): Promise<void> {
    try {
      await connection.send({ method: 'DELETE', key, whole: true, signal });
    } catch (error) {
      if (!(error instanceof NotFound) || error.code === 's3_no_bucket') throw error;
    }
  }

  /** `content` is checked by the service: against its sha256, and against its md5 where that is known or needed. */
  async function putWhole(file: NewFile, content: Uint8Array, signal: AbortSignal): Promise<Entry> {
    const key = keyOf(file.path);
    if (file.size !== undefined && file.size !== content.byteLength) {
      throw new IntegrityError(`"${file.path}" has ${content.byteLength} bytes instead of ${file.size}.`, {
        code: 'length',
      });
    }
    const sha256 = file.hashes?.sha256 ?? hash('sha256', content);
    const md5 = file.hashes?.md5 ?? (preset.checksSha256 ? undefined : hash('md5', content));
    const headers = storedHeaders(file);
    if (md5 !== undefined) headers['content-md5'] = Buffer.from(md5, 'hex').toString('base64');
    const response = await connection.send({ method: 'PUT', key, headers, body: content, sha256, signal });
    await response.dump();
    const version = etagOf(response.headers.etag);
    const stored = md5Of(version, response.headers);
    if (md5 !== undefined && stored !== undefined && stored !== md5) {
      await removeKey(key, signal);
      throw new IntegrityError(`The S3 service stored other bytes than it was sent for "${file.path}".`, {
        code: 's3_damaged',
      });
    }
    return {
      path: file.path,
      id: file.path,
      size: content.byteLength,
      ...(version === undefined ? {} : { version }),
      hashes: { sha256, ...(stored === undefined ? {} : { md5: stored }) },
    };
  }

  async function write(file: NewFile, o: CallOptions): Promise<Entry> {
    const { content } = file;
    if (content instanceof Uint8Array) return putWhole(file, content, o.signal);
    const key = sendableKey(keyOf(file.path));
    const putRead = (whole: Uint8Array): Promise<Entry> => {
      // What the source promised is not what was read: signed is what is sent.
      const { sha256: promised, ...others } = file.hashes ?? {};
      const sha256 = hash('sha256', whole);
      if (promised !== undefined && promised !== sha256) {
        throw new IntegrityError(`"${file.path}" does not have the sha256 that its source promised.`);
      }
      return putWhole({ ...file, hashes: { ...others, sha256 } }, whole, o.signal);
    };
    return uploadStream(connection, key, { ...file, content }, storedHeaders(file), memory, putRead, o);
  }

  async function read(
    entry: Pick<Entry, 'path' | 'id' | 'size' | 'version'>,
    { signal, from = 0 }: CallOptions & { from?: number },
  ): Promise<Bytes> {
    if (from > 0 && from === entry.size) return nothing();
    const headers: Record<string, string> = {};
    if (from > 0) headers.range = `bytes=${from}-`;
    if (entry.version !== undefined) headers['if-match'] = `"${entry.version}"`;
    const response: HttpResponse = await connection.send({
      method: 'GET',
      key: keyOf(entry.id),
      headers,
      ...(from > 0 ? { expect: [416] } : {}),
      signal,
    });
    if (response.status === 416) {
      await response.dump();
      return nothing();
    }
    return from > 0 && response.status === 200 ? skip(response.body, from) : response.body;
  }

  async function entryAt(path: Path, signal: AbortSignal): Promise<Entry> {
    const { headers } = await connection.send({ method: 'HEAD', key: keyOf(path), signal });
    const version = etagOf(headers.etag);
    const mtime = Number(headers['x-amz-meta-mtime']);
    return {
      path,
      id: path,
      size: Number(headers['content-length']),
      ...(mtime > 0 ? { modified: new Date(mtime * 1000).toISOString() } : {}),
      ...(version === undefined ? {} : { version }),
    };
  }

  return {
    [PLACE]: { connection, keyOf },
    traits: { forbidden: { ...preset.forbidden, maxPathBytes: MAX_KEY_BYTES - Buffer.byteLength(prefix) } },

    async check({ signal }) {
      const query = { 'list-type': '2', 'max-keys': '1', ...(prefix ? { prefix } : {}) };
      const response = await connection.send({ method: 'GET', query, whole: true, signal });
      parsePage(await response.text(), prefix, preset.etagMayLie);
      return { note: `Bucket "${bucket}". S3 lists when files were uploaded; their own times are kept beside them.` };
    },
    list,
    read,
    write,
    async confirm(paths, { signal }) {
      const found: Entry[] = [];
      const queue = paths[Symbol.iterator]();
      const ask = async (): Promise<void> => {
        for (let next = queue.next(); !next.done; next = queue.next()) {
          try {
            found.push(await entryAt(next.value, signal));
          } catch (error) {
            if (!(error instanceof NotFound) || error.code === 's3_no_bucket') throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: Math.min(CONFIRMS, paths.length) }, ask));
      return found;
    },
    remove: (entry, { signal }) => removeKey(keyOf(entry.id), signal),

    async move(entry, to, o) {
      if (entry.id === to) return entryAt(to, o.signal);
      const version = await copyObject(connection, keyOf(to), { connection, key: keyOf(entry.id) }, o);
      await removeKey(keyOf(entry.id), o.signal);
      return { path: to, id: to, ...(version === undefined ? {} : { version }) };
    },

    async copyFrom(entry, from, to, o) {
      const source = (from as Partial<S3Provider>)[PLACE];
      if (source?.connection.identity !== connection.identity) {
        throw new UsageError('The service cannot copy between these two places by itself.', { code: 's3_elsewhere' });
      }
      const key = source.keyOf(entry.id);
      if (source.connection.bucket === bucket && key === keyOf(to)) return entryAt(to, o.signal);
      const version = await copyObject(
        connection,
        keyOf(to),
        { connection: source.connection, key, version: entry.version },
        o,
      );
      return { path: to, id: to, ...(version === undefined ? {} : { version }) };
    },
  };
}

/**
 * The account as such, before a bucket is chosen: whether the keys are right. A key that may use one bucket only must not
 * list the others; being told so proves the login all the same.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
 */
function openService(connection: Connection): Provider {
  const choose = (): never => {
    throw chooseBucket();
  };
  return {
    async check({ signal }) {
      try {
        await (await connection.send({ method: 'GET', whole: true, signal })).dump();
      } catch (error) {
        if (!(error instanceof AuthRequired) || error.code !== 's3_denied') throw error;
      }
      return { note: 'Name the bucket in each backup, for example bucket/path.' };
    },
    // biome-ignore lint/correctness/useYield: there is nothing to list without a bucket
    async *list() {
      choose();
    },
    read: async () => choose(),
  };
}

export const kind: ProviderKind<S3Settings> = {
  name: 's3',
  title: 'Amazon S3 and compatible',
  aliases: ['aws', 'amazon s3', 'wasabi', 'b2', 'backblaze', 'r2', 'cloudflare r2', 'minio', 's3 compatible'],
  settings,
  rootExample: 'bucket/path',
  roles: ['source', 'destination'],
  traits: {
    caseSensitive: true,
    duplicateNames: false,
    atomicWrite: true,
    // stored beside the bytes, but no listing tells it
    keepsModified: false,
    rangeReads: true,
    hashes: ['sha256', 'md5'],
    parallel: 32,
    maxFileSize: MAX_OBJECT,
    forbidden: { maxPathBytes: MAX_KEY_BYTES },
  },
  root: (root) => rootText(parseRoot(root)),
  async open(answers, root, context) {
    const { accessKeyId, secretAccessKey } = answers;
    const keys = { accessKeyId, secretAccessKey };
    if (root.trim() === '') return openService(connect(answers, keys, '', context));
    const { bucket, prefix } = parseRoot(root);
    return openBucket(connect(answers, keys, bucket, context), prefix);
  },
};
