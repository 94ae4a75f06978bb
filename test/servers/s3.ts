/**
 * An S3 service in this process, path style: checks signatures and hashes, lists in pages, keeps multipart uploads, and
 * fails as told. Bodies are Buffers, or files when a folder is given. Loopback only.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { checkSignature, type Login, type Refusal } from './s3-signature.ts';

export type Operation =
  | 'ListBuckets'
  | 'ListObjectsV2'
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'CopyObject'
  | 'DeleteObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'ListParts'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload';

export type Fault = { op: Operation; key?: string; times?: number; skip?: number } & (
  | { kind: 'refuse'; status: number; code: string; headers?: Record<string, string> }
  /** Status 200, then an error document; nothing is done. */
  | { kind: 'late-error'; code: string }
  /** The connection breaks after so many bytes of the request's body. */
  | { kind: 'break-request'; bytes: number }
  /** The connection breaks after so many bytes of the answer's body. */
  | { kind: 'break-reply'; bytes: number }
  /** Done, but the answer never comes. */
  | { kind: 'lose-reply' }
  /** What is stored differs from what came. */
  | { kind: 'damage' }
);

export interface S3Options extends Partial<Login> {
  buckets?: readonly string[];
  /** Refuses checksum headers, as Backblaze does. */
  b2?: boolean;
  /** ETags are no md5, as with objects encrypted by KMS keys. */
  kms?: boolean;
  /** Ignores `encoding-type`, as some services do. */
  rawKeys?: boolean;
  /** CompleteMultipartUpload answers an empty ETag, as radosgw does. */
  emptyEtag?: boolean;
  /** Most keys or parts in one answer. */
  pageSize?: number;
  /** Bytes that fit in all buckets. */
  quota?: number;
  /** Largest object that CopyObject takes. */
  copyLimit?: number;
  /** The service's own clock. */
  now?: () => number;
  /** Keeps bodies as files there. */
  folder?: string;
}

interface Blob {
  size: number;
  load(): Buffer;
}

interface StoredObject {
  blobs: readonly Blob[];
  size: number;
  etag: string;
  headers: Record<string, string>;
  modified: string;
}

interface Upload {
  bucket: string;
  key: string;
  headers: Record<string, string>;
  parts: Map<number, { blob: Blob; etag: string }>;
}

export interface LogLine {
  op: Operation;
  key: string;
  status: number;
  bytes: number;
}

export interface S3Server {
  url: string;
  accessKeyId: string;
  secretAccessKey: string;
  log: LogLine[];
  /** How many requests came, of all or of one kind. */
  count(op?: Operation): number;
  fault(fault: Fault): void;
  /** Faults that never happened: a test that planned them has tested nothing. */
  unmet(): Fault[];
  put(bucket: string, key: string, bytes: Uint8Array): void;
  /** The bytes stored, or `undefined`. */
  get(bucket: string, key: string): Buffer | undefined;
  meta(bucket: string, key: string): Record<string, string> | undefined;
  keys(bucket: string): string[];
  /** Requests that are being answered. */
  active(): number;
  /** Unfinished uploads. */
  uploads: Map<string, Upload>;
  stop(): Promise<void>;
}

const MIN_PART = 5 * 2 ** 20;
const KEPT = /^(content-type|x-amz-meta-.*)$/;

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
const xmlText = (text: string): string =>
  text.replace(/[<>&"]/g, (c) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' })[c] ?? c);
const listed = (text: string): string => encodeURIComponent(text).replace(/%20/g, '+').replace(/%2F/g, '/');
const keptHeaders = (request: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(request.headers).filter(([n]) => KEPT.test(n))) as Record<string, string>;

function operationOf(
  request: IncomingMessage,
  bucket: string,
  key: string,
  query: URLSearchParams,
): Operation | undefined {
  const copies = request.headers['x-amz-copy-source'] !== undefined;
  const upload = query.has('uploadId');
  if (bucket === '') return request.method === 'GET' ? 'ListBuckets' : undefined;
  if (key === '') return request.method === 'GET' && query.get('list-type') === '2' ? 'ListObjectsV2' : undefined;
  switch (request.method) {
    case 'GET':
      return upload ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      if (upload) return copies ? 'UploadPartCopy' : 'UploadPart';
      return copies ? 'CopyObject' : 'PutObject';
    case 'POST':
      return upload ? 'CompleteMultipartUpload' : query.has('uploads') ? 'CreateMultipartUpload' : undefined;
    case 'DELETE':
      return upload ? 'AbortMultipartUpload' : 'DeleteObject';
    default:
      return undefined;
  }
}

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

const refuse = (status: number, code: string, extra = ''): Reply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>Refused with ${code}</Message>${extra}<RequestId>1</RequestId></Error>`,
});
const answer = (name: string, inner: string): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${name}>`,
});

async function bodyOf(request: IncomingMessage, breakAfter: number): Promise<Buffer | undefined> {
  const { socket } = request;
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length > breakAfter) {
      socket.destroy();
      return undefined;
    }
  }
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
}

export async function startS3(options: S3Options = {}): Promise<S3Server> {
  const { accessKeyId = 'AKTEST', secretAccessKey = 'SKTEST+/secret', region = 'us-east-1' } = options;
  const { pageSize = 1000, quota = Number.POSITIVE_INFINITY, copyLimit = 5 * 2 ** 30, now = Date.now } = options;
  const login: Login = { accessKeyId, secretAccessKey, region };
  const buckets = new Map((options.buckets ?? ['bucket']).map((name) => [name, new Map<string, StoredObject>()]));
  const sorted = new Map<string, string[]>();
  const uploads = new Map<string, Upload>();
  const faults: (Fault & { left: number; toSkip: number })[] = [];
  const log: LogLine[] = [];
  let used = 0;
  let serial = 0;
  let active = 0;

  function keep(bytes: Buffer): Blob {
    if (options.folder === undefined) return { size: bytes.length, load: () => bytes };
    const file = join(options.folder, String(++serial));
    mkdirSync(options.folder, { recursive: true });
    writeFileSync(file, bytes);
    return { size: bytes.length, load: () => readFileSync(file) };
  }

  function store(bucket: string, key: string, object: StoredObject): void {
    const objects = buckets.get(bucket);
    const old = objects?.get(key);
    used += object.size - (old?.size ?? 0);
    if (!old) sorted.delete(bucket);
    objects?.set(key, object);
  }

  const etagFor = (plain: string): string => (options.kms ? md5(Buffer.from(`kms${plain}`)) : plain);

  const objectFrom = (blobs: readonly Blob[], etag: string, headers: Record<string, string>): StoredObject => ({
    blobs,
    size: blobs.reduce((sum, blob) => sum + blob.size, 0),
    etag,
    headers,
    modified: new Date(now()).toISOString(),
  });

  const bytesOf = (object: StoredObject, start = 0, end = object.size): Buffer => {
    const pieces: Buffer[] = [];
    let at = 0;
    for (const blob of object.blobs) {
      if (at < end && at + blob.size > start) {
        pieces.push(blob.load().subarray(Math.max(0, start - at), Math.min(blob.size, end - at)));
      }
      at += blob.size;
    }
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
  };

  const keysOf = (bucket: string): string[] => {
    let keys = sorted.get(bucket);
    if (!keys) {
      keys = [...(buckets.get(bucket)?.keys() ?? [])].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      sorted.set(bucket, keys);
    }
    return keys;
  };

  function listObjects(bucket: string, query: URLSearchParams): Reply {
    const prefix = query.get('prefix') ?? '';
    const token = query.get('continuation-token');
    const after = token === null ? undefined : Buffer.from(token, 'base64url').toString();
    const most = Math.min(Number(query.get('max-keys') ?? 1000), pageSize);
    const encoded = query.get('encoding-type') === 'url' && !options.rawKeys;
    const show = (text: string): string => (encoded ? listed(text) : xmlText(text));
    const fitting = keysOf(bucket).filter((key) => key.startsWith(prefix));
    const start = after === undefined ? 0 : fitting.indexOf(after) + 1;
    const keys = fitting.slice(start, start + most);
    const more = start + most < fitting.length;
    const contents = keys.map((key) => {
      const object = buckets.get(bucket)?.get(key);
      return `<Contents><Key>${show(key)}</Key><LastModified>${object?.modified}</LastModified><ETag>&quot;${object?.etag}&quot;</ETag><Size>${object?.size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
    });
    const next = more ? Buffer.from(keys.at(-1) ?? '').toString('base64url') : '';
    return answer(
      'ListBucketResult',
      `<Name>${bucket}</Name><Prefix>${show(prefix)}</Prefix><KeyCount>${keys.length}</KeyCount><MaxKeys>${most}</MaxKeys><IsTruncated>${more}</IsTruncated>${
        encoded ? '<EncodingType>url</EncodingType>' : ''
      }${more ? `<NextContinuationToken>${next}</NextContinuationToken>` : ''}${contents.join('')}`,
    );
  }

  function getObject(object: StoredObject, request: IncomingMessage, onlyHead: boolean): Reply {
    const match = request.headers['if-match'];
    if (match !== undefined && match !== `"${object.etag}"`) return refuse(412, 'PreconditionFailed');
    const headers = {
      ...object.headers,
      etag: `"${object.etag}"`,
      'last-modified': new Date(object.modified).toUTCString(),
      'accept-ranges': 'bytes',
      ...(options.kms ? { 'x-amz-server-side-encryption': 'aws:kms' } : {}),
    };
    if (onlyHead) return { status: 200, headers: { ...headers, 'content-length': String(object.size) } };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    if (!range) return { status: 200, headers, body: bytesOf(object) };
    const from = Number(range[1]);
    const to = range[2] ? Math.min(Number(range[2]) + 1, object.size) : object.size;
    if (from >= object.size) return refuse(416, 'InvalidRange');
    return {
      status: 206,
      headers: { ...headers, 'content-range': `bytes ${from}-${to - 1}/${object.size}` },
      body: bytesOf(object, from, to),
    };
  }

  function sourceOf(request: IncomingMessage): StoredObject | Reply {
    const [, bucket = '', ...key] = decodeURIComponent(String(request.headers['x-amz-copy-source'])).split('/');
    const object = buckets.get(bucket)?.get(key.join('/'));
    if (!object) return refuse(404, 'NoSuchKey');
    const match = request.headers['x-amz-copy-source-if-match'];
    return match !== undefined && match !== `"${object.etag}"` ? refuse(412, 'PreconditionFailed') : object;
  }

  function complete(upload: Upload, uploadId: string, xml: string): Reply {
    const wanted = [
      ...xml.matchAll(/<Part><PartNumber>(\d+)<\/PartNumber><ETag>(?:&quot;|&#34;|")?([^<&"]*)[^<]*<\/ETag><\/Part>/g),
    ].map(([, number, etag]) => ({ number: Number(number), etag }));
    if (wanted.length === 0) return refuse(400, 'MalformedXML');
    const blobs: Blob[] = [];
    const all = createHash('md5');
    for (const [i, { number, etag }] of wanted.entries()) {
      const part = upload.parts.get(number);
      if (i > 0 && number <= (wanted[i - 1]?.number ?? 0)) return refuse(400, 'InvalidPartOrder');
      if (!part || part.etag !== etag) return refuse(400, 'InvalidPart');
      if (i < wanted.length - 1 && part.blob.size < MIN_PART) return refuse(400, 'EntityTooSmall');
      blobs.push(part.blob);
      all.update(part.etag, 'hex');
    }
    const etag = `${all.digest('hex')}-${wanted.length}`;
    store(upload.bucket, upload.key, objectFrom(blobs, etag, upload.headers));
    uploads.delete(uploadId);
    return answer('CompleteMultipartUploadResult', `<ETag>${options.emptyEtag ? '' : `&quot;${etag}&quot;`}</ETag>`);
  }

  function listParts(upload: Upload, query: URLSearchParams): Reply {
    const most = Math.min(Number(query.get('max-parts') ?? 1000), pageSize);
    const after = Number(query.get('part-number-marker') ?? 0);
    const left = [...upload.parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
    const parts = left.slice(0, most);
    const xml = parts.map(
      ([number, { blob, etag }]) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${etag}&quot;</ETag><Size>${blob.size}</Size></Part>`,
    );
    return answer(
      'ListPartsResult',
      `<IsTruncated>${left.length > most}</IsTruncated><NextPartNumberMarker>${parts.at(-1)?.[0] ?? 0}</NextPartNumberMarker>${xml.join('')}`,
    );
  }

  function partNumberOf(query: URLSearchParams): number | undefined {
    const number = Number(query.get('partNumber'));
    return Number.isInteger(number) && number >= 1 && number <= 10_000 ? number : undefined;
  }

  interface Asked {
    op: Operation;
    bucket: string;
    key: string;
    query: URLSearchParams;
    request: IncomingMessage;
    body: Buffer;
  }

  function perform({ op, bucket, key, query, request, body }: Asked): Reply {
    if (op === 'ListBuckets') {
      const names = [...buckets.keys()].map((name) => `<Bucket><Name>${xmlText(name)}</Name></Bucket>`).join('');
      return { status: 200, body: `<ListAllMyBucketsResult><Buckets>${names}</Buckets></ListAllMyBucketsResult>` };
    }
    const objects = buckets.get(bucket);
    if (!objects) return refuse(404, 'NoSuchBucket');
    if (op === 'ListObjectsV2') return listObjects(bucket, query);
    const uploadId = query.get('uploadId') ?? '';
    const upload = uploads.get(uploadId);
    if (query.has('uploadId') && upload?.key !== key) return refuse(404, 'NoSuchUpload');
    const object = objects.get(key);
    if (Buffer.byteLength(key) > 1024) return refuse(400, 'KeyTooLongError');
    if (op === 'PutObject' || op === 'UploadPart') {
      if (used + body.length > quota) return refuse(403, 'QuotaExceeded');
      const blob = keep(body);
      const etag = etagFor(md5(body));
      const number = partNumberOf(query);
      if (op === 'PutObject') store(bucket, key, objectFrom([blob], etag, keptHeaders(request)));
      else if (number === undefined) return refuse(400, 'InvalidArgument');
      else upload?.parts.set(number, { blob, etag });
      return {
        status: 200,
        headers: { etag: `"${etag}"`, ...(options.kms ? { 'x-amz-server-side-encryption': 'aws:kms' } : {}) },
      };
    }
    if (op === 'CopyObject' || op === 'UploadPartCopy') {
      const source = sourceOf(request);
      if ('status' in source) return source;
      const range = /^bytes=(\d+)-(\d+)$/.exec(String(request.headers['x-amz-copy-source-range'] ?? ''));
      const bytes = range ? bytesOf(source, Number(range[1]), Number(range[2]) + 1) : bytesOf(source);
      const etag = etagFor(md5(bytes));
      const inner = `<LastModified>${new Date(now()).toISOString()}</LastModified><ETag>&quot;${etag}&quot;</ETag>`;
      if (op === 'UploadPartCopy') {
        upload?.parts.set(partNumberOf(query) ?? 0, { blob: keep(bytes), etag });
        return answer('CopyPartResult', inner);
      }
      if (source.size > copyLimit) return refuse(400, 'InvalidRequest');
      const kept = request.headers['x-amz-metadata-directive'] === 'REPLACE' ? keptHeaders(request) : source.headers;
      store(bucket, key, objectFrom(source.blobs, etag, kept));
      return answer('CopyObjectResult', inner);
    }
    switch (op) {
      case 'GetObject':
      case 'HeadObject':
        return object ? getObject(object, request, op === 'HeadObject') : refuse(404, 'NoSuchKey');
      case 'DeleteObject':
        if (object) used -= object.size;
        if (objects.delete(key)) sorted.delete(bucket);
        return { status: 204 };
      case 'CreateMultipartUpload': {
        const id = `upload-${++serial}`;
        uploads.set(id, { bucket, key, headers: keptHeaders(request), parts: new Map() });
        return answer('InitiateMultipartUploadResult', `<UploadId>${id}</UploadId>`);
      }
      case 'ListParts':
        return upload ? listParts(upload, query) : refuse(404, 'NoSuchUpload');
      case 'CompleteMultipartUpload':
        return upload ? complete(upload, uploadId, body.toString()) : refuse(404, 'NoSuchUpload');
      case 'AbortMultipartUpload':
        uploads.delete(uploadId);
        return { status: 204 };
    }
  }

  function checkBody(request: IncomingMessage, body: Buffer): Refusal | undefined {
    const { headers, method } = request;
    if (method === 'PUT' && headers['content-length'] === undefined)
      return { status: 411, code: 'MissingContentLength' };
    if (options.b2 && Object.keys(headers).some((n) => n.startsWith('x-amz-checksum') || n === 'x-amz-sdk-checksum')) {
      return { status: 400, code: 'InvalidArgument' };
    }
    const sha256 = headers['x-amz-content-sha256'];
    if (sha256 !== 'UNSIGNED-PAYLOAD' && sha256 !== createHash('sha256').update(body).digest('hex')) {
      return { status: 400, code: 'XAmzContentSHA256Mismatch' };
    }
    const promised = headers['content-md5'];
    return promised !== undefined && promised !== Buffer.from(md5(body), 'hex').toString('base64')
      ? { status: 400, code: 'BadDigest' }
      : undefined;
  }

  function faultFor(op: Operation, key: string): Fault | undefined {
    for (const fault of faults) {
      if (fault.op !== op || fault.left === 0 || (fault.key !== undefined && fault.key !== key)) continue;
      if (fault.toSkip > 0) {
        fault.toSkip--;
        continue;
      }
      fault.left--;
      return fault;
    }
    return undefined;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [rawPath = '', rawQuery = ''] = (request.url ?? '').split('?');
    const [, bucket = '', ...rest] = rawPath.split('/').map(decodeURIComponent);
    const key = rest.join('/');
    const query = new URLSearchParams(rawQuery.replaceAll('+', '%2B'));
    const op = operationOf(request, bucket, key, query);
    const fault = op && faultFor(op, key);
    const body = await bodyOf(request, fault?.kind === 'break-request' ? fault.bytes : Number.POSITIVE_INFINITY);
    if (op === undefined || body === undefined) {
      if (op !== undefined) log.push({ op, key, status: 0, bytes: 0 });
      if (body !== undefined) response.writeHead(501).end();
      return;
    }
    let reply: Reply;
    const refused = checkSignature(request, login, now()) ?? checkBody(request, body);
    if (refused) reply = refuse(refused.status, refused.code, refused.extra);
    else if (fault?.kind === 'refuse') {
      reply = refuse(fault.status, fault.code);
      Object.assign(reply.headers ?? {}, fault.headers);
    } else if (fault?.kind === 'late-error') reply = { ...refuse(200, fault.code) };
    else {
      if (fault?.kind === 'damage' && body.length > 0) body[0] = (body[0] ?? 0) ^ 1;
      reply = perform({ op, bucket, key, query, request, body });
    }
    log.push({ op, key, status: reply.status, bytes: body.length });
    if (fault?.kind === 'lose-reply') {
      request.socket.destroy();
      return;
    }
    const bytes = Buffer.from(reply.body ?? '');
    const length = reply.status === 204 ? {} : { 'content-length': String(bytes.length) };
    response.writeHead(reply.status, { ...length, ...reply.headers });
    if (fault?.kind === 'break-reply') {
      response.write(bytes.subarray(0, fault.bytes), () => request.socket.destroy());
      return;
    }
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  const server = createServer((request, response) => {
    const { socket } = request;
    active++;
    response.once('close', () => active--);
    handle(request, response).catch(() => socket.destroy());
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accessKeyId,
    secretAccessKey,
    log,
    count: (op) => (op === undefined ? log.length : log.filter((line) => line.op === op).length),
    fault: (fault) => faults.push({ ...fault, left: fault.times ?? 1, toSkip: fault.skip ?? 0 }),
    unmet: () => faults.filter(({ left }) => left > 0),
    put: (bucket, key, bytes) => store(bucket, key, objectFrom([keep(Buffer.from(bytes))], etagFor(md5(bytes)), {})),
    get: (bucket, key) => {
      const object = buckets.get(bucket)?.get(key);
      return object && bytesOf(object);
    },
    meta: (bucket, key) => buckets.get(bucket)?.get(key)?.headers,
    keys: keysOf,
    active: () => active,
    uploads,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
