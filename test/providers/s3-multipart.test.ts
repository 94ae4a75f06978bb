/** Uploads in parts: requests, resuming, failures at every step, bounded memory; and copies of very large objects. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { IntegrityError, QuotaExceeded, RetryLater } from '../../src/engine/errors.ts';
import { createHttp } from '../../src/engine/http.ts';
import type { Bytes, NewFile, Provider, ProviderContext } from '../../src/engine/types.ts';
import { partSizeFor } from '../../src/providers/s3/upload.ts';
import { kind } from '../../src/providers/s3.ts';
import { realClock, testContext, testMemo } from '../contract/context.ts';
import { body, cutAt, inChunks } from '../contract/provider/bodies.ts';
import { type S3Options, type S3Server, startS3 } from '../servers/s3.ts';

const o = { signal: new AbortController().signal };
const MIB = 2 ** 20;
const SIZE = 20 * MIB + 5;
const content = body(SIZE, 3);
const md5 = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();

/** What S3 makes of parts of 8 MiB. */
function etagOf(bytes: Buffer, partSize = 8 * MIB): string {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += partSize) parts.push(md5(bytes.subarray(at, at + partSize)));
  return `${md5(Buffer.concat(parts)).toString('hex')}-${parts.length}`;
}

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function start(options: S3Options = {}): Promise<{ server: S3Server; provider: Provider }> {
  const server = await startS3(options);
  endings.push(() => server.stop());
  const clock = { ...realClock, sleep: (_ms: number, signal?: AbortSignal) => realClock.sleep(1, signal) };
  const { http, close } = createHttp({ clock, log: () => {} });
  endings.push(close);
  const { accessKeyId, secretAccessKey } = server;
  const settings = kind.settings.parse({ preset: 'other', endpoint: server.url, accessKeyId, secretAccessKey });
  return { server, provider: await kind.open(settings, 'bucket', testContext({ http, clock })) };
}

const file = (over: Partial<NewFile> = {}): NewFile => ({
  path: 'film',
  size: SIZE,
  content: inChunks(content),
  ...over,
});

const failingAt = (bytes: number, error: Error): Bytes =>
  cutAt(content, bytes, () => {
    throw error;
  });

const operations = (server: S3Server): Record<string, number> =>
  Object.fromEntries([...new Set(server.log.map(({ op }) => op))].map((op) => [op, server.count(op)]));

/** What was sent again since the log was `before` lines long. */
const partsSince = (server: S3Server, before: number): number[] =>
  server.log.slice(before).flatMap(({ op, bytes }) => (op === 'UploadPart' ? [bytes] : []));

describe('a long stream', () => {
  it('is sent in parts that the service confirms, and its ETag is known without asking', async () => {
    for (const options of [{}, { emptyEtag: true }]) {
      const { server, provider } = await start(options);
      const written = await provider.write?.(file({ modified: '2020-01-01T00:00:00.000Z', mime: 'video/mp4' }), o);
      expect(operations(server)).toEqual({ CreateMultipartUpload: 1, UploadPart: 3, CompleteMultipartUpload: 1 });
      expect(written).toEqual({ path: 'film', id: 'film', size: SIZE, version: etagOf(content) });
      expect(server.get('bucket', 'film')?.equals(content)).toBe(true);
      expect(server.meta('bucket', 'film')).toEqual({ 'content-type': 'video/mp4', 'x-amz-meta-mtime': '1577836800' });
      expect(server.uploads.size).toBe(0);
    }
  });

  it('of 16 MiB is one request', async () => {
    const { server, provider } = await start();
    const whole = content.subarray(0, 16 * MIB);
    await provider.write?.(file({ size: whole.length, content: inChunks(whole) }), o);
    expect(operations(server)).toEqual({ PutObject: 1 });
    expect(server.get('bucket', 'film')?.equals(whole)).toBe(true);
  });

  it.each([16 * MIB - 1, 16 * MIB, 16 * MIB + 1])('of %i bytes that nobody counted is stored', async (length) => {
    const { server, provider } = await start();
    const written = await provider.write?.({ path: 'film', content: inChunks(content.subarray(0, length)) }, o);
    expect(written?.size).toBe(length);
    expect(server.get('bucket', 'film')?.equals(content.subarray(0, length))).toBe(true);
  });

  it('is stored where ETags are no md5 (KMS)', async () => {
    const { server, provider } = await start({ kms: true });
    const written = await provider.write?.(file(), o);
    expect(server.get('bucket', 'film')?.equals(content)).toBe(true);
    for await (const entry of provider.list(o)) expect(entry.version).toBe(written?.version);
  });

  it('is never more than three parts ahead of what the service has', async () => {
    const { server, provider } = await start();
    let pulled = 0;
    let most = 0;
    async function* counted(): Bytes {
      for await (const piece of inChunks(body(64 * MIB, 4), MIB)) {
        pulled += piece.length;
        most = Math.max(most, pulled - server.log.reduce((sum, { bytes }) => sum + bytes, 0));
        yield piece;
      }
    }
    await provider.write?.(file({ size: 64 * MIB, content: counted() }), o);
    expect(most).toBeGreaterThan(8 * MIB);
    expect(most).toBeLessThanOrEqual(24 * MIB + MIB);
  });

  it('shares its memory with others: many at once hold little more than one part each', async () => {
    const { server, provider } = await start();
    const long = body(17 * MIB, 6);
    const photo = long.subarray(0, 12 * MIB);
    let pulled = 0;
    let most = 0;
    async function* counted(bytes: Buffer): Bytes {
      for await (const piece of inChunks(bytes, MIB)) {
        pulled += piece.length;
        most = Math.max(most, pulled - server.log.reduce((sum, line) => sum + line.bytes, 0));
        yield piece;
      }
    }
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const bytes = i % 2 ? photo : long;
        return provider.write?.(file({ path: `${i}`, size: bytes.length, content: counted(bytes) }), o);
      }),
    );
    for (let i = 0; i < 20; i++) expect(server.get('bucket', `${i}`)?.equals(i % 2 ? photo : long)).toBe(true);
    // 96 MiB shared, and 8 MiB for each that came too late for a share; alone each would hold 12 or 17.
    expect(most).toBeLessThanOrEqual(96 * MIB + 12 * 8 * MIB + 20 * MIB);
    expect(server.count('PutObject')).toBeGreaterThan(0);
    expect(server.count('PutObject')).toBeLessThan(10);
    const later = server.log.length;
    await provider.write?.(file({ path: 'later', size: photo.length, content: inChunks(photo) }), o);
    expect(server.log.slice(later).map(({ op }) => op)).toEqual(['PutObject']);
  });

  it('is cut into parts that fit the limits of S3', () => {
    for (const size of [17 * MIB, 80_000 * MIB, 80_001 * MIB, 5 * 2 ** 40]) {
      const part = partSizeFor(size);
      expect(part % MIB).toBe(0);
      expect(part).toBeGreaterThanOrEqual(8 * MIB);
      expect(Math.ceil(size / part)).toBeLessThanOrEqual(10_000);
    }
  });
});

describe('an interrupted upload', () => {
  it('goes on with the parts that are there and still the same', async () => {
    const { server, provider } = await start({ pageSize: 1 });
    const memo = testMemo();
    const cut = new Error('unplugged');
    await expect(provider.write?.(file({ memo, content: failingAt(17 * MIB, cut) }), o)).rejects.toThrow(cut);
    expect(JSON.parse(memo.state ?? '')).toMatchObject({ bucket: 'bucket', key: 'film', partSize: 8 * MIB });
    expect(server.keys('bucket')).toEqual([]);
    const before = server.log.length;
    const changed = Buffer.from(content);
    changed[MIB] = (changed[MIB] ?? 0) ^ 1;
    const written = await provider.write?.(file({ memo, content: inChunks(changed) }), o);
    // The two are in the air together.
    expect(partsSince(server, before).sort((a, b) => b - a)).toEqual([8 * MIB, SIZE - 16 * MIB]);
    expect(server.count('CreateMultipartUpload')).toBe(1);
    expect(written?.version).toBe(etagOf(changed));
    expect(server.get('bucket', 'film')?.equals(changed)).toBe(true);
    expect(memo.state).toBeUndefined();
  });

  it('keeps what is there when it is aborted, and forgets nothing', async () => {
    const { server, provider } = await start();
    const memo = testMemo();
    const stop = new AbortController();
    const source = cutAt(content, 18 * MIB, () => stop.abort(new Error('stop')));
    await expect(provider.write?.(file({ memo, content: source }), { signal: stop.signal })).rejects.toThrow('stop');
    expect(memo.state).toBeDefined();
    expect(server.uploads.size).toBe(1);
    await provider.write?.(file({ memo }), o);
    expect(server.get('bucket', 'film')?.equals(content)).toBe(true);
  });

  it('that the service has dropped is begun again', async () => {
    const { server, provider } = await start();
    const memo = testMemo();
    const cut = new Error('unplugged');
    await expect(provider.write?.(file({ memo, content: failingAt(17 * MIB, cut) }), o)).rejects.toThrow(cut);
    server.uploads.clear();
    await provider.write?.(file({ memo }), o);
    expect(server.get('bucket', 'film')?.equals(content)).toBe(true);
    expect(server.count('CreateMultipartUpload')).toBe(2);
  });

  it('that is dropped meanwhile is RetryLater, and the next try succeeds', async () => {
    const { server, provider } = await start();
    const memo = testMemo();
    server.fault({ op: 'UploadPart', skip: 1, kind: 'refuse', status: 404, code: 'NoSuchUpload' });
    await expect(provider.write?.(file({ memo }), o)).rejects.toThrow(RetryLater);
    expect(memo.state).toBeUndefined();
    await provider.write?.(file({ memo }), o);
    expect(server.get('bucket', 'film')?.equals(content)).toBe(true);
  });

  it('without a memo leaves nothing', async () => {
    const { server, provider } = await start();
    await expect(provider.write?.(file({ content: failingAt(17 * MIB, new Error('x')) }), o)).rejects.toThrow();
    server.fault({ op: 'UploadPart', skip: 1, kind: 'refuse', status: 403, code: 'QuotaExceeded' });
    await expect(provider.write?.(file(), o)).rejects.toThrow(QuotaExceeded);
    expect(server.uploads.size).toBe(0);
    expect(server.count('AbortMultipartUpload')).toBe(2);
    expect(server.unmet()).toEqual([]);
  });

  it.each(['shorter', 'longer'])('of a stream %s than promised is forgotten and aborted', async (how) => {
    const { server, provider } = await start();
    const memo = testMemo();
    const size = how === 'shorter' ? SIZE + 1 : SIZE - 1;
    await expect(provider.write?.(file({ memo, size }), o)).rejects.toThrow(IntegrityError);
    expect([server.uploads.size, memo.state, server.keys('bucket')]).toEqual([0, undefined, []]);
  });

  it('of a part that was damaged is aborted and reported', async () => {
    const { server, provider } = await start();
    server.fault({ op: 'UploadPart', skip: 2, kind: 'damage' });
    await expect(provider.write?.(file({ memo: testMemo() }), o)).rejects.toThrow(IntegrityError);
    expect([server.uploads.size, server.keys('bucket'), server.unmet()]).toEqual([0, [], []]);
  });

  it('survives broken connections and lost answers of its parts', async () => {
    const { server, provider } = await start();
    server.fault({ op: 'UploadPart', kind: 'break-request', bytes: MIB });
    server.fault({ op: 'UploadPart', kind: 'lose-reply' });
    await provider.write?.(file(), o);
    expect(server.get('bucket', 'film')?.equals(content)).toBe(true);
    expect(server.unmet()).toEqual([]);
  });
});

describe('the end of an upload', () => {
  it('that is answered by an error after its status is tried again', async () => {
    const { server, provider } = await start();
    server.fault({ op: 'CompleteMultipartUpload', times: 2, kind: 'late-error', code: 'InternalError' });
    const written = await provider.write?.(file(), o);
    expect(written?.version).toBe(etagOf(content));
    expect(server.count('CompleteMultipartUpload')).toBe(3);
  });

  it('that stays an error is RetryLater and keeps the parts for the next try', async () => {
    const { server, provider } = await start();
    const memo = testMemo();
    server.fault({ op: 'CompleteMultipartUpload', times: 4, kind: 'late-error', code: 'InternalError' });
    await expect(provider.write?.(file({ memo }), o)).rejects.toThrow(RetryLater);
    expect(server.keys('bucket')).toEqual([]);
    const before = server.log.length;
    await provider.write?.(file({ memo }), o);
    expect(partsSince(server, before)).toEqual([]);
    expect(server.get('bucket', 'film')?.equals(content)).toBe(true);
  });

  it('whose answer was lost is recognised by the object', async () => {
    const { server, provider } = await start();
    server.fault({ op: 'CompleteMultipartUpload', kind: 'lose-reply' });
    const written = await provider.write?.(file(), o);
    expect(written?.version).toBe(etagOf(content));
    expect(operations(server)).toMatchObject({ CompleteMultipartUpload: 2, HeadObject: 1, UploadPart: 3 });
  });
});

describe('an object above 5 GiB', () => {
  it('is copied in parts with its time, and removed where it was', async () => {
    const size = 6 * 2 ** 30 + 7;
    const asked: string[] = [];
    const etag = '"0123456789abcdef0123456789abcdef-700"';
    const http: ProviderContext['http'] = async ({ method, url, headers = {} }) => {
      const { pathname, search } = new URL(url);
      const range = headers['x-amz-copy-source-range'];
      asked.push(`${method} ${pathname}${search}${range ? ` ${range} ${headers['x-amz-copy-source-if-match']}` : ''}`);
      let status = 200;
      let text = '<CopyPartResult><ETag>"0123456789abcdef0123456789abcdef"</ETag></CopyPartResult>';
      if (method === 'PUT' && !range) {
        status = 400;
        text = '<Error><Code>InvalidRequest</Code><Message>The copy source is too large</Message></Error>';
      } else if (search === '?uploads=') {
        expect(headers['x-amz-meta-mtime']).toBe('1577836800');
        text = '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>';
      } else if (method === 'POST') {
        text = '<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>';
      } else if (method !== 'PUT') text = '';
      return {
        status,
        headers: { 'content-length': String(size), etag, 'x-amz-meta-mtime': '1577836800' },
        body: inChunks(Buffer.from(text)),
        text: async () => text,
        json: async () => ({}),
        dump: async () => {},
      };
    };
    const settings = kind.settings.parse({
      preset: 'minio',
      endpoint: 'http://nas',
      accessKeyId: 'a',
      secretAccessKey: 'b',
    });
    const provider = await kind.open(settings, 'bucket', testContext({ http }));
    await provider.move?.({ path: 'from', id: 'from' }, 'to', o);
    const gib = 2 ** 30;
    expect(asked).toEqual([
      'PUT /bucket/to',
      'HEAD /bucket/from',
      'POST /bucket/to?uploads=',
      ...Array.from(
        { length: 7 },
        (_, i) =>
          `PUT /bucket/to?partNumber=${i + 1}&uploadId=u1 bytes=${i * gib}-${Math.min((i + 1) * gib, size) - 1} ${etag}`,
      ),
      'POST /bucket/to?uploadId=u1',
      'DELETE /bucket/from',
    ]);
  });
});
