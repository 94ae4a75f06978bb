/** The S3 provider against a scriptable service: requests counted, refusals, odd keys, regions, secrets. */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import {
  AuthRequired,
  Conflict,
  FileRejected,
  IntegrityError,
  NotFound,
  QuotaExceeded,
  RetryLater,
  UsageError,
} from '../../src/engine/errors.ts';
import { createHttp } from '../../src/engine/http.ts';
import type { Entry, HttpRequest, Provider, ProviderContext } from '../../src/engine/types.ts';
import { parseRoot, placeFor } from '../../src/providers/s3/presets.ts';
import { kind } from '../../src/providers/s3.ts';
import { realClock, testContext } from '../contract/context.ts';
import { body, collect, inChunks, sha256 } from '../contract/provider/bodies.ts';
import { type S3Options, type S3Server, startS3 } from '../servers/s3.ts';

const o = { signal: new AbortController().signal };
const MIB = 2 ** 20;
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Opened {
  server: S3Server;
  provider: Provider;
  open(settings?: Record<string, unknown>, root?: string): Promise<Provider>;
  context: ReturnType<typeof testContext>;
}

async function start(options: S3Options = {}, settings: Record<string, unknown> = {}): Promise<Opened> {
  const server = await startS3(options);
  endings.push(() => server.stop());
  const clock = { ...realClock, sleep: (_ms: number, signal?: AbortSignal) => realClock.sleep(1, signal) };
  const { http, close } = createHttp({ clock, log: () => {} });
  endings.push(close);
  const context = testContext({ http, clock });
  const open: Opened['open'] = (other = {}, root = 'bucket/root') =>
    kind.open(
      kind.settings.parse({
        preset: 'other',
        endpoint: server.url,
        accessKeyId: server.accessKeyId,
        secretAccessKey: server.secretAccessKey,
        ...settings,
        ...other,
      }),
      root,
      context,
    );
  return { server, provider: await open(), open, context };
}

const listAll = async (provider: Provider): Promise<Entry[]> => {
  const entries: Entry[] = [];
  for await (const entry of provider.list(o)) entries.push(entry);
  return entries;
};

const small = (content: Buffer = Buffer.from('hello')) => ({
  path: 'a/b.txt',
  size: content.length,
  content,
  hashes: { sha256: sha256(content) },
});

describe('a small file', () => {
  it.each(['minio', 'other'])('is one request (%s)', async (preset) => {
    const { server, provider } = await start({}, { preset });
    const content = body(24_000);
    const written = await provider.write?.(
      { ...small(content), modified: '2019-03-31T01:59:57.250Z', mime: 'image/jpeg' },
      o,
    );
    expect(server.log).toEqual([{ op: 'PutObject', key: 'root/a/b.txt', status: 200, bytes: 24_000 }]);
    expect(written).toEqual({
      path: 'a/b.txt',
      id: 'a/b.txt',
      size: 24_000,
      version: md5(content),
      hashes: { sha256: sha256(content), md5: md5(content) },
    });
    expect(server.meta('bucket', 'root/a/b.txt')).toEqual({
      'content-type': 'image/jpeg',
      'x-amz-meta-mtime': '1553997597.25',
    });
  });

  it('is one request each for many at once', async () => {
    const { server, provider } = await start();
    await Promise.all(Array.from({ length: 200 }, (_, i) => provider.write?.({ ...small(), path: `many/${i}` }, o)));
    expect(server.count()).toBe(200);
    expect(server.keys('bucket')).toHaveLength(200);
  });

  it('is stored by a service that refuses checksum headers', async () => {
    const { server, provider } = await start(
      { b2: true, region: 'us-west-004' },
      { preset: 'b2', region: 'us-west-004' },
    );
    await provider.write?.(small(), o);
    expect(server.get('bucket', 'root/a/b.txt')).toEqual(Buffer.from('hello'));
  });

  it('whose bytes are not those of its hash is refused by the service', async () => {
    const { server, provider } = await start();
    const wrong = { ...small(), hashes: { sha256: sha256(Buffer.from('other')) } };
    await expect(provider.write?.(wrong, o)).rejects.toThrow(IntegrityError);
    const wrongMd5 = { ...small(), hashes: { ...small().hashes, md5: md5(Buffer.from('other')) } };
    await expect(provider.write?.(wrongMd5, o)).rejects.toThrow(IntegrityError);
    const streamed = { ...wrong, content: inChunks(Buffer.from('hello')) };
    await expect(provider.write?.(streamed, o)).rejects.toThrow(IntegrityError);
    expect(server.keys('bucket')).toEqual([]);
  });

  it('that the service damaged is removed and reported', async () => {
    const { server, provider } = await start();
    server.fault({ op: 'PutObject', kind: 'damage' });
    await expect(provider.write?.(small(), o)).rejects.toThrow(IntegrityError);
    expect(server.keys('bucket')).toEqual([]);
    expect(server.unmet()).toEqual([]);
  });

  it('is not taken for damaged where the ETag is no md5 (KMS)', async () => {
    const { provider } = await start({ kms: true });
    const written = await provider.write?.(small(), o);
    expect(written?.hashes).toEqual({ sha256: sha256(Buffer.from('hello')) });
  });

  it('is stored once more when the answer was lost, and when the connection broke', async () => {
    const { server, provider } = await start();
    server.fault({ op: 'PutObject', kind: 'lose-reply' });
    server.fault({ op: 'PutObject', kind: 'break-request', bytes: 2 });
    await provider.write?.(small(), o);
    expect(server.count()).toBe(3);
    expect(server.unmet()).toEqual([]);
    expect(await listAll(provider)).toHaveLength(1);
  });

  it('waits while the service asks to slow down, then says RetryLater', async () => {
    const { server, provider } = await start();
    server.fault({ op: 'PutObject', times: 2, kind: 'refuse', status: 503, code: 'SlowDown' });
    await provider.write?.(small(), o);
    expect(server.count()).toBe(3);
    server.fault({ op: 'PutObject', times: 100, kind: 'refuse', status: 503, code: 'SlowDown' });
    await expect(provider.write?.(small(), o)).rejects.toThrow(RetryLater);
  });
});

describe('a listing', () => {
  it('goes through pages, skips folder markers and stays below the root', async () => {
    const { server, provider } = await start({ pageSize: 2 });
    const names = ['1.txt', '2 +.txt', '3%.txt', 'ä/ö.txt', 'x/<&>.txt', 'x/line\nbreak'];
    for (const name of names) server.put('bucket', `root/${name}`, Buffer.from(name));
    for (const marker of ['root/', 'root/x/', 'root/empty/']) server.put('bucket', marker, Buffer.alloc(0));
    for (const beside of ['root2/a', 'rooted', 'zzz']) server.put('bucket', beside, Buffer.from('no'));
    const entries = await listAll(provider);
    expect(entries.map(({ path }) => path).sort()).toEqual([...names].sort());
    for (const entry of entries) {
      expect(entry.id).toBe(entry.path);
      expect(entry.hashes?.md5).toBe(md5(Buffer.from(entry.path)));
      expect(await collect(await provider.read(entry, o))).toEqual(Buffer.from(entry.path));
    }
    expect(server.count('ListObjectsV2')).toBe(5);
    expect(server.count('HeadObject')).toBe(0);
  });

  it('of a service that encodes no keys is read as it is', async () => {
    const { server, provider } = await start({ rawKeys: true });
    for (const name of ['a+b', '100%', 'x/<&>', '%41']) server.put('bucket', `root/${name}`, Buffer.from('1'));
    expect((await listAll(provider)).map(({ path }) => path)).toEqual(['%41', '100%', 'a+b', 'x/<&>']);
  });

  it('shows keys that are no paths, and reads them by their real name', async () => {
    const { server, provider } = await start();
    for (const key of ['a//b.txt', '/lead', 'full/']) server.put('bucket', `root/${key}`, Buffer.from(key));
    server.put('bucket', 'root/up/../../secret', Buffer.from('dots'));
    const entries = await listAll(provider);
    expect(entries).toHaveLength(4);
    for (const entry of entries.filter(({ id }) => !id.includes('..'))) {
      expect(await collect(await provider.read(entry, o))).toEqual(Buffer.from(entry.id));
    }
    const dots = entries.find(({ id }) => id === 'up/../../secret');
    expect(dots?.path).toMatch(/^up\/‛2E‛2E\/‛2E‛2E\/secret‛/);
    if (dots) await expect(provider.read(dots, o)).rejects.toThrow(FileRejected);
    if (dots) await expect(provider.remove?.(dots, o)).rejects.toThrow(FileRejected);
    expect(server.count('DeleteObject')).toBe(0);
  });

  it.each([
    ['is refused at its second page', { kind: 'refuse', status: 400, code: 'InvalidArgument' }, UsageError],
    ['is cut at its second page', { kind: 'break-reply', bytes: 120, times: 9 }, RetryLater],
    ['is answered by an error after its status', { kind: 'late-error', code: 'InternalError' }, RetryLater],
  ] as const)('that %s throws and does not just end', async (_what, fault, error) => {
    const { server, provider } = await start({ pageSize: 2 });
    for (let i = 0; i < 5; i++) server.put('bucket', `root/${i}`, Buffer.from('1'));
    server.fault({ op: 'ListObjectsV2', skip: 1, ...fault });
    await expect(listAll(provider)).rejects.toThrow(error);
  });

  it('tells no md5 on Amazon, where KMS objects have ETags of the same look', async () => {
    const { server, open } = await start();
    server.put('bucket', 'root/a', Buffer.from('1'));
    const [entry] = await listAll(await open({ preset: 'aws' }));
    expect(entry?.version).toBe(md5(Buffer.from('1')));
    expect(entry?.hashes).toBeUndefined();
  });
});

describe('reading', () => {
  it('asks for the version that was listed', async () => {
    const { server, provider } = await start();
    server.put('bucket', 'root/a', Buffer.from('one'));
    const [entry] = await listAll(provider);
    server.put('bucket', 'root/a', Buffer.from('two'));
    await expect(provider.read(entry as Entry, { ...o, from: 1 })).rejects.toThrow(Conflict);
  });

  it('is one request, also from an offset and at the end', async () => {
    const { server, provider } = await start();
    server.put('bucket', 'root/a', Buffer.from('hello'));
    const known = { path: 'a', id: 'a' };
    expect(await collect(await provider.read(known, { ...o, from: 3 }))).toEqual(Buffer.from('lo'));
    expect(await collect(await provider.read(known, { ...o, from: 5 }))).toHaveLength(0);
    expect(server.count()).toBe(2);
  });

  it('of an answer that breaks off fails', async () => {
    const { server, provider } = await start();
    server.put('bucket', 'root/a', body(MIB));
    server.fault({ op: 'GetObject', kind: 'break-reply', bytes: 100_000 });
    await expect(provider.read({ path: 'a', id: 'a' }, o).then(collect)).rejects.toThrow(RetryLater);
  });
});

describe('moving and copying', () => {
  it('is a copy at the service and one removal, with times and kind kept', async () => {
    const { server, provider } = await start();
    await provider.write?.({ ...small(), modified: '2020-01-01T00:00:00.000Z', mime: 'text/plain' }, o);
    const meta = server.meta('bucket', 'root/a/b.txt');
    const moved = await provider.move?.({ path: 'a/b.txt', id: 'a/b.txt' }, 'ü +/c.txt', o);
    expect(moved).toEqual({ path: 'ü +/c.txt', id: 'ü +/c.txt', version: md5(Buffer.from('hello')) });
    expect(server.log.map(({ op }) => op)).toEqual(['PutObject', 'CopyObject', 'DeleteObject']);
    expect(server.keys('bucket')).toEqual(['root/ü +/c.txt']);
    expect(server.meta('bucket', 'root/ü +/c.txt')).toEqual(meta);
  });

  it('keeps the source when the copy fails after its status 200', async () => {
    const { server, provider } = await start();
    await provider.write?.(small(), o);
    server.fault({ op: 'CopyObject', kind: 'late-error', code: 'InternalError' });
    await expect(provider.move?.({ path: 'a/b.txt', id: 'a/b.txt' }, 'c', o)).rejects.toThrow(RetryLater);
    expect(server.keys('bucket')).toEqual(['root/a/b.txt']);
  });

  it('to where it is loses nothing', async () => {
    const { server, provider } = await start();
    await provider.write?.(small(), o);
    expect((await provider.move?.({ path: 'a/b.txt', id: 'a/b.txt' }, 'a/b.txt', o))?.size).toBe(5);
    expect(server.keys('bucket')).toEqual(['root/a/b.txt']);
  });

  it('copies between buckets of one login, and not between two', async () => {
    const { server, provider, open } = await start({ buckets: ['bucket', 'other'] });
    server.put('other', 'x/a', Buffer.from('hello'));
    const other = await open({}, 'other/x');
    const [entry] = await listAll(other);
    await provider.copyFrom?.(entry as Entry, other, 'copied', o);
    expect(server.get('bucket', 'root/copied')).toEqual(Buffer.from('hello'));
    const stranger = await open({ accessKeyId: 'ELSE' }, 'other/x');
    await expect(provider.copyFrom?.(entry as Entry, stranger, 'x', o)).rejects.toThrow(UsageError);
    server.put('other', 'x/a', Buffer.from('changed'));
    await expect(provider.copyFrom?.(entry as Entry, other, 'x', o)).rejects.toThrow(Conflict);
  });
});

describe('refusals', () => {
  it.each([
    [403, 'InvalidAccessKeyId', AuthRequired],
    [403, 'AccessDenied', AuthRequired],
    [403, 'QuotaExceeded', QuotaExceeded],
    [507, 'XMinioStorageFull', QuotaExceeded],
    [400, 'EntityTooLarge', FileRejected],
    [400, 'KeyTooLongError', FileRejected],
    [400, 'SomethingNew', FileRejected],
    [404, 'NoSuchBucket', NotFound],
    [409, 'OperationAborted', RetryLater],
    [400, 'RequestTimeout', RetryLater],
    [400, 'IncompleteBody', RetryLater],
    [400, 'BadDigest', IntegrityError],
    [301, 'PermanentRedirect', UsageError],
  ] as const)('%i %s', async (status, code, error) => {
    const { server, provider } = await start();
    server.fault({ op: 'PutObject', times: 9, kind: 'refuse', status, code });
    const thrown = await provider.write?.(small(), o).catch((caught: unknown) => caught);
    expect(thrown).toBeInstanceOf(error);
    expect(String(thrown)).toContain(code);
  });

  it('for want of a bucket advise to make it', async () => {
    const { open } = await start();
    const provider = await open({}, 'nothing-here');
    await expect(provider.check(o)).rejects.toMatchObject({ name: 'NotFound', code: 's3_no_bucket' });
    await expect(provider.remove?.({ path: 'a', id: 'a' }, o)).rejects.toThrow(NotFound);
  });

  it('for a clock that is wrong name the clock', async () => {
    const { provider } = await start({ now: () => Date.now() + 16 * 60_000 });
    await expect(provider.check(o)).rejects.toMatchObject({ name: 'UsageError', code: 's3_clock' });
  });

  it('of wrong keys tell neither the secret nor the signature', async () => {
    const { open, context } = await start();
    const secretAccessKey = 'not/the+right=key';
    const provider = await open({ secretAccessKey });
    const error = await provider.check(o).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AuthRequired);
    const said = inspect(error, { depth: 9, showHidden: true }) + context.lines.join('\n');
    expect(said).toContain('SignatureDoesNotMatch');
    expect(said).not.toContain(secretAccessKey);
    expect(said).not.toMatch(/Signature=|StringToSign|[0-9a-f]{64}/);
  });
});

describe('the region', () => {
  it('is learned from the service once', async () => {
    const { server, provider } = await start({ region: 'eu-central-1' });
    await provider.write?.(small(), o);
    await provider.write?.(small(), o);
    expect(server.log.map(({ status }) => status)).toEqual([400, 200, 200]);
  });

  it('that an answer names cannot send requests to another host', async () => {
    const asked: HttpRequest[] = [];
    const http: ProviderContext['http'] = async (request) => {
      asked.push(request);
      const text = '<Error><Code>PermanentRedirect</Code></Error>';
      return {
        status: 301,
        headers: { 'x-amz-bucket-region': 'evil.example/' },
        body: inChunks(Buffer.from(text)),
        text: async () => text,
        json: async () => ({}),
        dump: async () => {},
      };
    };
    const settings = kind.settings.parse({ accessKeyId: 'a', secretAccessKey: 'b' });
    const provider = await kind.open(settings, 'my-bucket/x', testContext({ http }));
    await expect(provider.check(o)).rejects.toThrow(UsageError);
    expect(asked.map(({ url }) => new URL(url).host)).toEqual(['my-bucket.s3.us-east-1.amazonaws.com']);
  });
});

describe('places', () => {
  const own = (fallback: string): string => fallback;

  it.each([
    [{ preset: 'aws' }, 'https://s3.us-east-1.amazonaws.com', 'us-east-1', false],
    [{ preset: 'aws', region: 'cn-north-1' }, 'https://s3.cn-north-1.amazonaws.com.cn', 'cn-north-1', false],
    [{ preset: 'wasabi', region: 'eu-west-1' }, 'https://s3.eu-west-1.wasabisys.com', 'eu-west-1', true],
    [{ preset: 'b2', region: 'us-west-004' }, 'https://s3.us-west-004.backblazeb2.com', 'us-west-004', true],
    [
      { preset: 'b2', endpoint: 's3.us-west-004.backblazeb2.com' },
      'https://s3.us-west-004.backblazeb2.com',
      'us-west-004',
      true,
    ],
    [
      { preset: 'r2', accountId: '0123456789abcdef0123456789ABCDEF' },
      'https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com',
      'auto',
      true,
    ],
    [{ preset: 'minio', endpoint: 'http://nas:9000/' }, 'http://nas:9000', 'us-east-1', true],
  ] as const)('of %j', (answers, endpoint, region, pathStyle) => {
    expect(placeFor(answers, own)).toEqual({ endpoint, region, pathStyle });
  });

  it.each([
    { preset: 'minio' },
    { preset: 'b2' },
    { preset: 'r2', accountId: 'evil.example' },
    { preset: 'aws', region: 'a/b' },
    { preset: 'other', endpoint: 'https://user:secret@host' },
    { preset: 'other', endpoint: 'https://host/bucket' },
  ] as const)('that cannot be: %j', (answers) => {
    expect(() => placeFor(answers, own)).toThrow(UsageError);
  });

  it('of a service are replaced by the operator, what a person typed is not', () => {
    const override = (): string => 'http://gateway:8080';
    expect(placeFor({ preset: 'wasabi' }, override).endpoint).toBe('http://gateway:8080');
    expect(placeFor({ preset: 'aws' }, override)).toMatchObject({ endpoint: 'http://gateway:8080', pathStyle: true });
    expect(placeFor({ preset: 'minio', endpoint: 'http://nas' }, override).endpoint).toBe('http://nas');
  });

  it('have roots with one spelling', () => {
    const context = { home: '/', cwd: '/' };
    for (const root of ['bucket/a/b', 's3://bucket/a/b', 'bucket/a/b//', ' bucket/a/b ']) {
      expect(kind.root?.(root, context)).toBe('bucket/a/b');
    }
    expect(parseRoot('my.bucket')).toEqual({ bucket: 'my.bucket', prefix: '' });
    for (const root of ['', '/', 'b', 'bucket/../x', 'bucket/a//b', 'evil@host/x', 'a..b', 'bücket']) {
      expect(() => parseRoot(root), root).toThrow(UsageError);
    }
  });

  it('on Amazon have the bucket in the host, unless its certificate would not fit', async () => {
    const asked: string[] = [];
    const http: ProviderContext['http'] = async ({ url }) => {
      asked.push(url);
      throw new RetryLater('enough');
    };
    const settings = kind.settings.parse({ accessKeyId: 'a', secretAccessKey: 'b', region: '', pathStyle: undefined });
    for (const root of ['my-bucket/x', 'my.bucket/x']) {
      const provider = await kind.open(settings, root, testContext({ http }));
      await expect(provider.read({ path: 'a b', id: 'a b' }, o)).rejects.toThrow(RetryLater);
    }
    expect(asked).toEqual([
      'https://my-bucket.s3.us-east-1.amazonaws.com/x/a%20b',
      'https://s3.us-east-1.amazonaws.com/my.bucket/x/a%20b',
    ]);
  });
});
