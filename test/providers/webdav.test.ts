/** What WebDAV does beyond the contract: requests saved, uploads resumed, odd servers survived, dangers refused. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { davHandler } from '../../src/demo/webdav-server.ts';
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
import type { Clock, Entry, Provider } from '../../src/engine/types.ts';
import { kind } from '../../src/providers/webdav.ts';
import { realClock, testContext, testMemo } from '../contract/context.ts';
import { body, collect, inChunks, sha256 } from '../contract/provider/bodies.ts';
import { type NextcloudOptions, startNextcloud } from '../servers/nextcloud.ts';
import { startApache, startNginx } from '../servers/webdav.ts';

const MIB = 2 ** 20;
const o = { signal: new AbortController().signal };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const clock: Clock = { now: realClock.now, sleep: (ms, signal) => realClock.sleep(Math.min(ms, 50), signal) };

async function open(server: { url: string; user?: string; password?: string }, root = ''): Promise<Provider> {
  const { http, close } = createHttp({ clock, log: () => {} });
  cleanups.push(close);
  const answers = { url: server.url, user: server.user ?? '', password: server.password ?? '' };
  return kind.open(kind.settings.parse(answers) as never, root, testContext({ http, clock }));
}

type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

/** The demo's WebDAV without sign-in, with every request written down and any of them answered otherwise. */
async function startDav(intercept: Intercept = () => false) {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-dav-'));
  const handle = davHandler({ folder });
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (!intercept(request, response)) void handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });
  const count = (method: string): number => requests.filter((one) => one.startsWith(`${method} `)).length;
  return { url: `http://127.0.0.1:${address.port}`, folder, requests, count };
}

async function nextcloud(options: NextcloudOptions = {}) {
  const server = await startNextcloud(options);
  cleanups.push(server.stop);
  return server;
}

const caught = async (promise: Promise<unknown> | undefined): Promise<unknown> =>
  promise?.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error,
  );

const listed = async (provider: Provider): Promise<Entry[]> => Array.fromAsync(provider.list(o));

const small = (path: string, seed = 1) => {
  const content = body(9_000, seed);
  return { path, size: content.length, content, hashes: { sha256: sha256(content) } };
};

describe('requests', () => {
  it('one PUT for a small file, one MKCOL for a new folder, one listing to confirm a folder', async () => {
    const server = await startDav();
    const provider = await open(server, 'root');
    const paths = Array.from({ length: 60 }, (_, i) => `year/month ${i % 3}/photo ${i}.jpg`);
    await Promise.all(paths.map((path, i) => provider.write?.(small(path, i), o)));
    expect(server.count('PUT')).toBe(60);
    // The three months are asked for at once and find no year; root and year are then made once.
    expect(server.count('MKCOL')).toBeLessThanOrEqual(3 * 2 + 2 * 2);
    expect(server.count('PROPFIND')).toBe(0);
    expect(await provider.confirm?.(paths, o)).toHaveLength(60);
    expect(server.count('PROPFIND')).toBe(3);
    expect(server.requests).toHaveLength(60 + server.count('MKCOL') + 3);
  });

  it('a few files in a folder of thousands are asked for one by one', async () => {
    const server = await startDav();
    const provider = await open(server);
    for (let i = 0; i < 120; i++) await writeFile(join(server.folder, `${i}`), 'x');
    await provider.confirm?.(['1', '2'], o);
    await provider.confirm?.(['3', '4'], o);
    expect(server.count('PROPFIND')).toBe(1 + 2);
  });

  it('a folder that somebody removed is made again', async () => {
    const server = await startDav();
    const provider = await open(server);
    await provider.write?.(small('a/b/1'), o);
    await rm(join(server.folder, 'a'), { recursive: true });
    await provider.write?.(small('a/b/2'), o);
    expect((await listed(provider)).map((entry) => entry.path)).toEqual(['a/b/2']);
  });

  it('a MOVE whose answer is lost is not taken for a failure', async () => {
    let lost = 0;
    const server = await startDav((request, response) => {
      if (request.method === 'MOVE' && lost++ === 0) {
        response.end = () => response.destroy();
        setTimeout(() => request.socket.destroy(), 100);
      }
      return false;
    });
    const provider = await open(server);
    await provider.write?.(small('from'), o);
    const moved = await provider.move?.({ path: 'from', id: 'from' }, 'there/to', o);
    expect(moved?.path).toBe('there/to');
    expect((await listed(provider)).map((entry) => entry.path)).toEqual(['there/to']);
    expect(server.count('MOVE')).toBe(1);
  });
});

describe('dangers', () => {
  it.each(['a stream', 'a whole body', 'a move', 'a copy'])('a folder is never replaced by %s', async (how) => {
    const server = await startDav();
    const provider = await open(server);
    await provider.write?.(small('folder/precious'), o);
    await provider.write?.(small('other'), o);
    const other = { path: 'other', id: 'other' };
    const content = body(1_000_000);
    const attempts: Record<string, () => Promise<unknown> | undefined> = {
      'a stream': () => provider.write?.({ path: 'folder', content: inChunks(content), size: content.length }, o),
      'a whole body': () => provider.write?.(small('folder'), o),
      'a move': () => provider.move?.(other, 'folder', o),
      'a copy': () => provider.copyFrom?.(other, provider, 'folder', o),
    };
    expect(await caught(attempts[how]?.())).toBeInstanceOf(FileRejected);
    expect((await listed(provider)).map((entry) => entry.path).sort()).toEqual(['folder/precious', 'other']);
  });

  it.each(['/elsewhere/x', '/folder/../../etc/passwd', '/folder/%2e%2e', '/folder/a%2Fb', '/folder/x/y', '/folder-2'])(
    'a listing that names %s is refused',
    async (href) => {
      const answer = (path: string, type: string) =>
        `<d:response><d:href>${path}</d:href><d:propstat><d:prop><d:resourcetype>${type}</d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;
      const server = await startDav((request, response) => {
        response.writeHead(207, { 'content-type': 'application/xml' });
        response.end(
          `<d:multistatus xmlns:d="DAV:">${answer('/folder/', '<d:collection/>')}${answer(href, '')}</d:multistatus>`,
        );
        return request.method !== '';
      });
      const provider = await open(server, 'folder');
      expect(await caught(listed(provider))).toMatchObject({ name: 'UsageError', code: 'foreign_href' });
    },
  );

  it('a folder that is listed and then denied fails the listing instead of shortening it', async () => {
    const server = await startDav((request, response) => {
      if (request.url !== '/b/') return false;
      response.writeHead(404).end();
      return true;
    });
    const provider = await open(server);
    await provider.write?.(small('a/1'), o);
    await mkdir(join(server.folder, 'b'));
    await writeFile(join(server.folder, 'b/2'), 'x');
    expect(await caught(listed(provider))).toBeInstanceOf(Conflict);
  });

  it('a listing that is cut off fails', async () => {
    const server = await startDav((request, response) => {
      if (request.method !== 'PROPFIND') return false;
      response.writeHead(207).end('<D:multistatus xmlns:D="DAV:"><D:response><D:href>/</D:href>');
      return true;
    });
    expect(await caught(listed(await open(server)))).toMatchObject({ name: 'RetryLater', code: 'bad_listing' });
  });

  it('a server that ignores ranges does not corrupt a read', async () => {
    const server = await startDav((request) => {
      delete request.headers.range;
      return false;
    });
    const provider = await open(server);
    const content = body(300_000);
    await provider.write?.({ path: 'x', content, size: content.length }, o);
    const entry = { path: 'x', id: 'x' };
    expect(await collect(await provider.read(entry, { ...o, from: 123_456 }))).toEqual(content.subarray(123_456));
  });

  it('a server that answers with another range is refused', async () => {
    const server = await startDav((request) => {
      if (request.headers.range) request.headers.range = 'bytes=5-';
      return false;
    });
    const provider = await open(server);
    await provider.write?.(small('x'), o);
    expect(await caught(provider.read({ path: 'x', id: 'x' }, { ...o, from: 100 }))).toBeInstanceOf(Conflict);
  });
});

describe('what answers is not WebDAV', () => {
  const page: Intercept = (request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><h1>Please sign in</h1></html>');
    return true;
  };

  it('a login page for a listing or a check', async () => {
    const provider = await open(await startDav(page));
    expect(await caught(listed(provider))).toMatchObject({ name: 'UsageError', code: 'not_webdav' });
    const error = await caught(provider.check(o));
    expect(error).toMatchObject({ code: 'not_webdav', advice: expect.stringContaining('/remote.php/dav/files/') });
  });

  it('a login page for an upload is no success', async () => {
    const server = await startDav((request, response) => request.method === 'PUT' && page(request, response));
    const provider = await open(server);
    expect(await caught(provider.write?.(small('x'), o))).toMatchObject({ name: 'RetryLater', code: 'login_page' });
  });

  it('an address that moved is told', async () => {
    const server = await startDav((request, response) => {
      if (request.method !== 'PUT') return false;
      request.resume();
      response.writeHead(301, { location: 'https://new.test/dav/x?session=S3CRET' }).end();
      return true;
    });
    const error = await caught((await open(server)).write?.(small('x'), o));
    expect(error).toMatchObject({ name: 'UsageError', code: 'moved' });
    expect(JSON.stringify(error)).not.toContain('S3CRET');
  });

  it('an address that leads to another one is told, and not taken for a wrong password', async () => {
    const server = await startDav((request, response) => {
      request.resume();
      response.writeHead(301, { location: 'https://new.test/dav/?session=S3CRET' }).end();
      return true;
    });
    const error = await caught((await open(server)).check(o));
    expect(error).toMatchObject({ code: 'moved', advice: expect.stringMatching(/ https:\/\/new\.test\/dav\/$/) });
  });

  it.each([
    ['ftp://host/x', /https:\/\//],
    ['https://ana:pw@host/x', /without name and password/],
  ])('the address %s is refused when it is typed', (url, why) => {
    expect(() => kind.settings.parse({ url, user: 'u', password: 'p' })).toThrow(why);
  });
});

describe('failures', () => {
  it('a wrong password advises an app password', async () => {
    const server = await nextcloud();
    const error = await caught((await open({ ...server, password: 'wrong' })).check(o));
    expect(error).toBeInstanceOf(AuthRequired);
    expect(error).toMatchObject({ advice: expect.stringContaining('app password') });
  });

  it('a root that is not there is told by check and list, and writing makes it', async () => {
    const provider = await open(await startDav(), 'not/there');
    expect(await caught(provider.check(o))).toBeInstanceOf(NotFound);
    expect(await caught(listed(provider))).toBeInstanceOf(NotFound);
    await provider.write?.(small('x'), o);
    expect(await listed(provider)).toHaveLength(1);
    expect((await provider.check(o)).free).toBeGreaterThan(0);
  });

  it('a locked file is for later', async () => {
    const server = await startDav((request, response) => {
      if (request.method !== 'PUT') return false;
      request.resume();
      response.writeHead(423).end();
      return true;
    });
    const error = await caught((await open(server)).write?.(small('x'), o));
    expect(error).toMatchObject({ name: 'RetryLater', code: 'locked' });
  });

  it('a full disk is QuotaExceeded, and leaves nothing behind', async () => {
    const server = await nextcloud({ quota: 50_000 });
    const provider = await open(server);
    await provider.write?.(small('fits'), o);
    expect(await provider.check(o)).toMatchObject({ free: 41_000, total: 50_000, account: 'ana' });
    const content = body(60 * MIB);
    const large = { path: 'large', size: content.length, content: inChunks(content), memo: testMemo() };
    expect(await caught(provider.write?.(large, o))).toBeInstanceOf(QuotaExceeded);
    expect(await caught(provider.write?.({ path: 'b', content: content.subarray(0, 45_000) }, o))).toBeInstanceOf(
      QuotaExceeded,
    );
    expect((await listed(provider)).map((entry) => entry.path)).toEqual(['fits']);
    expect(await server.unfinished()).toEqual([]);
    expect(server.received).toBeLessThan(MIB);
  });

  it('bytes that arrived damaged are noticed by the hash that Nextcloud answers, and removed', async () => {
    const server = await nextcloud();
    server.intercept = (request, response) => {
      if (request.method === 'PUT') {
        const set = response.setHeader.bind(response);
        response.setHeader = (name, value) => set(name, name === 'x-hash-sha256' ? 'f'.repeat(64) : value);
      }
      return false;
    };
    const provider = await open(server);
    expect(await caught(provider.write?.(small('x'), o))).toBeInstanceOf(IntegrityError);
    expect(await listed(provider)).toEqual([]);
  });

  it('a whole file is hashed by Nextcloud, and gets its time and a lasting id', async () => {
    const provider = await open(await nextcloud());
    const file = { ...small('x'), modified: '2019-03-31T01:59:57.000Z' };
    const written = await provider.write?.(file, o);
    expect(written?.hashes).toEqual({ sha256: file.hashes.sha256 });
    const [entry] = await listed(provider);
    expect(entry).toMatchObject({ modified: file.modified, id: written?.id, version: written?.version });
    const moved = await provider.move?.(entry as Entry, 'a/y', o);
    expect((await listed(provider))[0]).toMatchObject({ path: 'a/y', id: moved?.id });
  });
});

describe('large files at Nextcloud', () => {
  const content = body(70 * MIB);
  const file = (memo = testMemo()) => ({ path: 'a/film.mp4', size: content.length, content: inChunks(content), memo });
  const stored = async (server: { folder: string }) => sha256(await readFile(join(server.folder, 'a/film.mp4')));

  it('go on after a cut where they stood', async () => {
    const server = await nextcloud();
    server.intercept = (request) => {
      const cut = request.method === 'PUT' && request.url?.endsWith('/00004') === true;
      if (cut) request.socket.destroy();
      return cut;
    };
    const memo = testMemo();
    expect(await caught((await open(server)).write?.(file(memo), o))).toBeInstanceOf(RetryLater);
    expect(server.received).toBe(48 * MIB);
    server.intercept = undefined;
    const modified = '2020-02-29T12:00:00.000Z';
    const again = await (await open(server)).write?.({ ...file(memo), modified }, o);
    expect(again?.size).toBe(content.length);
    expect(server.received).toBe(content.length);
    expect(await stored(server)).toBe(sha256(content));
    expect((await listed(await open(server)))[0]).toMatchObject({ id: again?.id, version: again?.version, modified });
    expect(memo.state).toBeUndefined();
    expect(await server.unfinished()).toEqual([]);
  });

  it('start anew when the server forgot the first half', async () => {
    const server = await nextcloud({ expiry: -1 });
    const memo = testMemo();
    expect(await caught((await open(server)).write?.(file(memo), o))).toMatchObject({ code: 'upload_forgotten' });
    expect(memo.state).toBeUndefined();
  });

  it('are there when only the answer about putting them together was lost', async () => {
    const server = await nextcloud();
    server.intercept = (request, response) => {
      if (request.method === 'MOVE') response.writeHead(504).end();
      return false;
    };
    expect((await (await open(server)).write?.(file(), o))?.size).toBe(content.length);
    expect(await stored(server)).toBe(sha256(content));
  });

  it('leave no pieces when there is no memo to go on with', async () => {
    const server = await nextcloud();
    const provider = await open(server);
    const failing = (async function* () {
      yield* inChunks(content.subarray(0, 40 * MIB));
      throw new NotFound('The film is gone.');
    })();
    const error = await caught(provider.write?.({ path: 'x', size: content.length, content: failing }, o));
    expect(error).toBeInstanceOf(NotFound);
    expect(await server.unfinished()).toEqual([]);
  });
});

it('nginx keeps the time of a file although WebDAV has no word for it', async (test) => {
  const server = await startNginx();
  if (!server) return test.skip('nginx with dav-ext is not installed here');
  cleanups.push(server.stop);
  const provider = await open(server, 'new');
  const modified = '2019-03-31T01:59:57.000Z';
  await provider.write?.({ ...small('whole'), modified }, o);
  await provider.write?.({ path: 'stream', content: inChunks(body(100_000)), modified }, o);
  expect((await listed(provider)).map((entry) => entry.modified)).toEqual([modified, modified]);
  expect((await provider.check(o)).note).toBeUndefined();
});

describe('names that are not UTF-8', () => {
  it('at Apache are listed visibly and can be read', async (test) => {
    const server = await startApache();
    if (!server) return test.skip('Apache with mod_dav_fs is not installed here');
    cleanups.push(server.stop);
    const latin = Buffer.concat([Buffer.from(`${server.folder}/caf`), Buffer.from([0xe9])]);
    await mkdir(latin);
    await writeFile(Buffer.concat([latin, Buffer.from('/na'), Buffer.from([0xef]), Buffer.from('ve.txt')]), 'bytes');
    const provider = await open(server);
    const entries = await listed(provider);
    expect(entries.map((entry) => entry.path)).toEqual(['caf‛E9/na‛EFve.txt']);
    expect((await collect(await provider.read(entries[0] as Entry, o))).toString()).toBe('bytes');
  });
});

it('copies only within one server and one account', async () => {
  const [one, other] = [await open(await startDav()), await open(await startDav())];
  await one.write?.(small('x'), o);
  const error = await caught(other.copyFrom?.({ path: 'x', id: 'x' }, one, 'y', o));
  expect(error).toBeInstanceOf(UsageError);
});
