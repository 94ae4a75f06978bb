/** The HTTP transport against servers that reset, stall, truncate, throttle and lie. Waits are taken by a fake clock. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  AuthRequired,
  Conflict,
  FileRejected,
  IntegrityError,
  isKeepsakeError,
  NotFound,
  QuotaExceeded,
  RetryLater,
  Stopped,
  UsageError,
} from '../src/engine/errors.ts';
import { createHttp, type HttpOptions } from '../src/engine/http.ts';
import { errorForNetwork, errorForStatus, retryAfter } from '../src/engine/http-errors.ts';
import type { HttpRequest } from '../src/engine/types.ts';

interface Exchange {
  head: string;
  body: Buffer;
  socket: Socket;
  /** Counts from 1 over all connections. */
  number: number;
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that hands every request with its whole body, as received, to `answer`. */
async function serve(answer: (exchange: Exchange) => void, options: { early?: boolean } = {}) {
  const sockets = new Set<Socket>();
  const heads: string[] = [];
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    let held = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => {
      held = Buffer.concat([held, data]);
      for (;;) {
        const end = held.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = held.subarray(0, end).toString('latin1');
        const rest = held.subarray(end + 4);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        const chunked = /transfer-encoding: chunked/i.test(head);
        if (!options.early && (chunked ? !rest.includes('0\r\n\r\n') : rest.length < length)) return;
        held = options.early || chunked ? Buffer.alloc(0) : rest.subarray(length);
        heads.push(head);
        answer({ head, body: chunked ? rest : rest.subarray(0, length), socket, number: heads.length });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${address.port}`, heads, connections: () => connections };
}

const reply = (socket: Socket, status: string, headers: Record<string, string> = {}, body = ''): void => {
  const lines = Object.entries({ 'content-length': String(Buffer.byteLength(body)), ...headers });
  socket.write(`HTTP/1.1 ${status}\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${body}`);
};

function client(options: Partial<HttpOptions> = {}) {
  const slept: number[] = [];
  const clock = {
    now: () => new Date('2026-11-22T12:00:00.000Z'),
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      slept.push(ms);
    },
  };
  const { http, close } = createHttp({ clock, log: () => {}, ...options });
  cleanups.push(close);
  const send = (request: Partial<HttpRequest> & { url: string }) =>
    http({ method: 'GET', signal: new AbortController().signal, ...request });
  return { send, slept, close };
}

const caught = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('it should have failed');
    },
    (error: unknown) => error,
  );

async function* parts(...pieces: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece;
    yield Buffer.from(piece);
  }
}

describe('answers', () => {
  it('are read as text, JSON and bytes over kept connections', async () => {
    const server = await serve(({ socket, number }) =>
      reply(socket, '200 OK', { 'X-Two': 'a', etag: '"1"' }, number === 2 ? '{"a":1}' : 'hello'),
    );
    const { send } = client();
    const first = await send({ url: `${server.url}/a` });
    expect(first.status).toBe(200);
    expect(first.headers['x-two']).toBe('a');
    expect(await first.text()).toBe('hello');
    expect(await (await send({ url: `${server.url}/b` })).json()).toEqual({ a: 1 });
    const pieces: Uint8Array[] = [];
    for await (const piece of (await send({ url: `${server.url}/c` })).body) pieces.push(Buffer.from(piece));
    expect(Buffer.concat(pieces).toString()).toBe('hello');
    await (await send({ url: `${server.url}/d` })).dump();
    // A connection is free again one turn of the event loop after its answer, so a second one may be opened; not a third.
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  it('without a body need not be read and end at once', async () => {
    const server = await serve(({ socket }) => reply(socket, '201 Created'));
    const { send } = client();
    const answer = await send({ method: 'PUT', url: server.url, body: 'x' });
    expect(await answer.text()).toBe('');
    await (await send({ method: 'PUT', url: server.url, body: 'y' })).dump();
    await send({ method: 'PUT', url: server.url, body: 'z' });
    expect(await (await send({ method: 'PUT', url: server.url, body: 'z', whole: true })).text()).toBe('');
  });

  it('that are cut short fail, and never just end', async () => {
    const server = await serve(({ socket }) => {
      reply(socket, '200 OK', { 'content-length': '1000' }, 'only this');
      socket.end();
    });
    const { send } = client();
    const error = await caught((await send({ url: server.url })).text());
    expect(error).toBeInstanceOf(RetryLater);
  });

  it('that are cut short are asked for again when they are read whole', async () => {
    const server = await serve(({ socket, number }) => {
      if (number === 1) {
        reply(socket, '200 OK', { 'content-length': '1000' }, 'only this');
        socket.end();
      } else reply(socket, '200 OK', {}, 'all');
    });
    const { send, slept } = client();
    expect(await (await send({ url: server.url, whole: true })).text()).toBe('all');
    expect(slept).toHaveLength(1);
  });

  it('that are a login page where JSON belongs say so', async () => {
    const server = await serve(({ socket }) =>
      reply(socket, '200 OK', {}, '<html><head><title>x</title></head><h1>Please log in</h1></html>'),
    );
    const { send } = client();
    const error = await caught((await send({ url: server.url })).json());
    expect(error).toBeInstanceOf(RetryLater);
    expect(String(error)).toContain('something that is not JSON: "Please log in"');
  });

  it('may be dropped half-way, which frees the connection', async () => {
    const server = await serve(({ socket }) => reply(socket, '200 OK', {}, 'x'.repeat(3_000_000)));
    const { send } = client({ maxConnections: 1 });
    for await (const piece of (await send({ url: server.url })).body) {
      expect(piece.byteLength).toBeGreaterThan(0);
      break;
    }
    expect((await (await send({ url: server.url })).text()).length).toBe(3_000_000);
  });
});

describe('trying again', () => {
  it('honours Retry-After in seconds and as a date', async () => {
    const server = await serve(({ socket, number }) => {
      if (number === 1) reply(socket, '429 Too Many Requests', { 'Retry-After': '7' });
      else if (number === 2) {
        reply(socket, '503 Service Unavailable', { 'Retry-After': 'Sun, 22 Nov 2026 12:00:31 GMT' });
      } else reply(socket, '200 OK', {}, 'there');
    });
    const { send, slept } = client();
    expect(await (await send({ url: server.url })).text()).toBe('there');
    expect(slept).toEqual([7000, 31_000]);
  });

  it('does not wait longer than a minute: the owner of the file decides', async () => {
    const server = await serve(({ socket }) => reply(socket, '429 Too Many', { 'Retry-After': '3600' }));
    const { send, slept } = client();
    const error = await caught(send({ url: server.url }));
    expect(error).toMatchObject({ name: 'RetryLater', after: 3_600_000, code: 'http_429' });
    expect(slept).toEqual([]);
  });

  it('gives up after four tries, each with a longer wait at most', async () => {
    const server = await serve(({ socket }) => reply(socket, '502 Bad Gateway', {}, '<h1>proxy</h1>'));
    const { send, slept } = client();
    const error = await caught(send({ method: 'PUT', url: `${server.url}/f?sig=SECRET`, body: 'whole' }));
    expect(error).toBeInstanceOf(RetryLater);
    expect(String(error)).toMatch(/PUT 127\.0\.0\.1:\d+\/f was answered with 502: "proxy"/);
    expect(String(error)).not.toContain('SECRET');
    expect(server.heads).toHaveLength(4);
    slept.forEach((wait, i) => {
      expect(wait).toBeLessThanOrEqual(500 * 2 ** (i + 1));
    });
  });

  it('sends a whole body again after a reset, byte for byte', async () => {
    const bodies: string[] = [];
    const server = await serve(({ socket, body, number }) => {
      bodies.push(body.toString());
      if (number < 3) socket.resetAndDestroy();
      else reply(socket, '201 Created');
    });
    const { send } = client();
    expect((await send({ method: 'PUT', url: server.url, body: Buffer.from('photo') })).status).toBe(201);
    expect(bodies).toEqual(['photo', 'photo', 'photo']);
  });

  it('never repeats what was said not to be repeatable', async () => {
    const server = await serve(({ socket }) => reply(socket, '500 Oops'));
    const { send } = client();
    await caught(send({ method: 'POST', url: server.url, body: 'x', repeatable: false }));
    expect(server.heads).toHaveLength(1);
  });

  it('never repeats a stream', async () => {
    const server = await serve(({ socket }) => reply(socket, '503 Busy', { 'retry-after': '1' }));
    const { send } = client();
    const error = await caught(send({ method: 'PUT', url: server.url, body: parts('a', 'b'), contentLength: 2 }));
    expect(error).toMatchObject({ name: 'RetryLater', after: 1000 });
    expect(server.heads).toHaveLength(1);
  });

  it('says that nothing answers, and tries four times', async () => {
    const server = await serve(() => {});
    await cleanups.pop()?.();
    const { send, slept } = client();
    const error = await caught(send({ url: `${server.url}/x` }));
    expect(error).toMatchObject({ name: 'RetryLater', code: 'connection' });
    expect(String(error)).toContain('Nothing answers at that address.');
    expect(slept).toHaveLength(3);
  });

  it('gives up on a server that takes the request and stays silent', async () => {
    const server = await serve(() => {});
    const { send } = client({ limits: { headers: 200 } });
    const error = await caught(send({ url: server.url, repeatable: false }));
    expect(error).toBeInstanceOf(RetryLater);
    expect(String(error)).toContain('No answer came in time.');
  });

  it('gives up on a body that stalls', async () => {
    const server = await serve(({ socket }) => reply(socket, '200 OK', { 'content-length': '50' }, 'begin'));
    const { send } = client({ limits: { body: 200 } });
    expect(await caught((await send({ url: server.url })).text())).toBeInstanceOf(RetryLater);
  });
});

describe('streams', () => {
  it('carry their length when it is known, and are chunked when not', async () => {
    const server = await serve(({ socket }) => reply(socket, '201 Created'));
    const { send } = client();
    await send({ method: 'PUT', url: server.url, body: parts('ab', 'c'), contentLength: 3 });
    await send({ method: 'PUT', url: server.url, body: parts('ab', 'c') });
    expect(server.heads[0]).toMatch(/content-length: 3/i);
    expect(server.heads[0]).not.toMatch(/chunked/i);
    expect(server.heads[1]).toMatch(/transfer-encoding: chunked/i);
  });

  it.each([
    ['longer', parts('abcdef'), 3],
    ['shorter', parts('ab'), 3],
    ['empty', parts(), 3],
  ])('%s than promised fail before the server has a whole request', async (_, body, contentLength) => {
    const server = await serve(({ socket }) => reply(socket, '201 Created'));
    const { send } = client();
    expect(await caught(send({ method: 'PUT', url: server.url, body, contentLength }))).toBeInstanceOf(IntegrityError);
    expect(server.heads).toHaveLength(0);
  });

  it("throw their source's own error, not one about the connection", async () => {
    const server = await serve(({ socket }) => reply(socket, '201 Created'));
    const { send } = client();
    const gone = new NotFound('The photo is gone.');
    expect(await caught(send({ method: 'PUT', url: server.url, body: parts('ab', gone), contentLength: 9 }))).toBe(
      gone,
    );
  });

  it('are released when the server was never reached', async () => {
    const server = await serve(() => {});
    await cleanups.pop()?.();
    let released = false;
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => {
          released = true;
          return { done: true, value: undefined };
        },
      }),
    };
    const { send } = client();
    await caught(send({ method: 'PUT', url: server.url, body }));
    expect(released).toBe(true);
  });

  it.each([1000, 70_000, 1 << 20])('may reuse one buffer of %i bytes for every piece', async (size) => {
    // More than the kernel takes at once, to a reader that starts late: pieces do wait in the sender's queue.
    const pieces = Math.ceil((12 << 20) / size);
    const received: Buffer[] = [];
    let length = 0;
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.pause();
      setTimeout(() => socket.resume(), 100);
      socket.on('data', (data: Buffer) => {
        received.push(data);
        length += data.length;
        if (length >= pieces * size) reply(socket, '201 Created');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const shared = Buffer.alloc(size);
    const letter = (piece: number): number => 65 + (piece % 26);
    const body = (async function* () {
      for (let i = 0; i < pieces; i++) yield shared.fill(letter(i));
    })();
    const { send } = client();
    await send({ method: 'PUT', url: `http://127.0.0.1:${address.port}`, body, contentLength: pieces * size });
    const all = Buffer.concat(received);
    const sent = all.subarray(all.indexOf('\r\n\r\n') + 4);
    expect(sent.length).toBe(pieces * size);
    for (let i = 0; i < pieces; i++) {
      const piece = sent.subarray(i * size, (i + 1) * size);
      if (!piece.equals(Buffer.alloc(size, letter(i)))) throw new Error(`piece ${i} of ${pieces} was overwritten`);
    }
  });

  it('that are refused early give the refusal', async () => {
    const server = await serve(({ socket }) => reply(socket, '507 Insufficient Storage', {}, 'full'), { early: true });
    const { send } = client();
    const body = (async function* () {
      for (let i = 0; i < 3; i++) {
        yield Buffer.alloc(1000, 1);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    })();
    const error = await caught(send({ method: 'PUT', url: server.url, body, contentLength: 3000 }));
    expect(error).toBeInstanceOf(QuotaExceeded);
  });
});

describe('stopping', () => {
  it('rejects with the reason while the server is silent, while queued and while waiting to try again', async () => {
    const server = await serve(({ socket, head }) => {
      if (head.includes('/busy')) reply(socket, '503 Busy', { 'retry-after': '30' });
    });
    const stop = new AbortController();
    const reason = new Stopped('enough');
    const clock = {
      now: () => new Date(),
      sleep: (_: number, signal?: AbortSignal) =>
        new Promise<void>((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          stop.abort(reason);
        }),
    };
    const { send } = client({ maxConnections: 2, clock });
    const silent = caught(send({ url: `${server.url}/silent`, signal: stop.signal }));
    const busy = caught(send({ url: `${server.url}/busy`, signal: stop.signal }));
    const queued = caught(send({ url: `${server.url}/silent`, signal: stop.signal }));
    expect(await Promise.all([silent, busy, queued])).toEqual([reason, reason, reason]);
    expect(await caught(send({ url: server.url, signal: stop.signal }))).toBe(reason);
  });

  it('rejects with the reason in the middle of a body', async () => {
    const server = await serve(({ socket }) => reply(socket, '200 OK', { 'content-length': '50' }, 'begin'));
    const { send } = client();
    const stop = new AbortController();
    const reason = new Stopped('enough');
    const answer = await send({ url: server.url, signal: stop.signal });
    const reading = caught(answer.text());
    stop.abort(reason);
    expect(await reading).toBe(reason);
  });

  it('gives up what is in flight when the transport is closed', async () => {
    const server = await serve(() => {});
    const { send, close } = client();
    const waiting = caught(send({ url: server.url }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await close();
    expect(isKeepsakeError(await waiting)).toBe(true);
    expect(await caught(send({ url: server.url }))).toBeInstanceOf(Stopped);
  });
});

describe('redirects', () => {
  it('are followed for reads, without credentials to another origin', async () => {
    const target = await serve(({ socket }) => reply(socket, '200 OK', {}, 'moved here'));
    const server = await serve(({ socket, head }) => {
      if (head.startsWith('GET /a ')) reply(socket, '302 Found', { location: '/b' });
      else reply(socket, '307 Temporary', { location: `${target.url}/c` });
    });
    const { send } = client();
    const headers = { authorization: 'Basic c2VjcmV0', cookie: 's=1', range: 'bytes=0-' };
    expect(await (await send({ url: `${server.url}/a`, headers })).text()).toBe('moved here');
    expect(server.heads[1]).toMatch(/^GET \/b [\s\S]*authorization: Basic/i);
    expect(target.heads[0]).toMatch(/range: bytes=0-/i);
    expect(target.heads[0]).not.toMatch(/authorization|cookie/i);
  });

  it('are never followed for writes: the new address is told instead', async () => {
    const server = await serve(({ socket }) => reply(socket, '301 Moved', { location: 'https://new.test/dav?key=K' }));
    const { send } = client();
    const error = await caught(send({ method: 'PUT', url: server.url, body: 'x' }));
    expect(error).toMatchObject({ name: 'UsageError', code: 'moved' });
    expect(error).toMatchObject({ advice: 'Connect with the new address: https://new.test/dav' });
    expect(String(error)).not.toContain('K"');
  });

  it('in a ring end', async () => {
    const server = await serve(({ socket }) => reply(socket, '302 Found', { location: '/again' }));
    const { send } = client();
    expect(await caught(send({ url: server.url }))).toMatchObject({ code: 'redirects' });
    expect(server.heads).toHaveLength(6);
  });

  it('are an answer where they are expected', async () => {
    const server = await serve(({ socket }) => reply(socket, '301 Moved', { location: '/x' }));
    const { send } = client();
    expect((await send({ method: 'PROPFIND', url: server.url, expect: [301] })).status).toBe(301);
  });
});

describe('what a status means', () => {
  it.each([
    [400, FileRejected],
    [401, AuthRequired],
    [403, AuthRequired],
    [404, NotFound],
    [405, UsageError],
    [408, RetryLater],
    [409, Conflict],
    [410, NotFound],
    [412, Conflict],
    [413, FileRejected],
    [414, FileRejected],
    [415, FileRejected],
    [422, FileRejected],
    [423, Conflict],
    [429, RetryLater],
    [500, RetryLater],
    [501, UsageError],
    [503, RetryLater],
    [504, RetryLater],
    [507, QuotaExceeded],
    [520, RetryLater],
  ])('%i', (status, meaning) => {
    const error = errorForStatus({
      method: 'PUT',
      url: new URL('https://user:pass@host.test/a%20b?token=T'),
      status,
      headers: {},
      text: '<?xml version="1.0"?><d:error><s:message>no way, s3cret</s:message></d:error>',
      now: new Date(0),
      redact: (text) => text.replaceAll('s3cret', '***'),
    });
    expect(error).toBeInstanceOf(meaning);
    expect(error.message).toBe(`PUT host.test/a%20b was answered with ${status}: "no way, ***".`);
    expect(error.advice).not.toBe('');
  });

  it('reads Retry-After', () => {
    const now = new Date('2026-11-22T12:00:00Z');
    expect(retryAfter('3', now)).toBe(3000);
    expect(retryAfter('Sun, 22 Nov 2026 12:01:00 GMT', now)).toBe(60_000);
    expect(retryAfter('Sun, 22 Nov 2026 11:00:00 GMT', now)).toBe(0);
    expect(retryAfter('soon', now)).toBeUndefined();
    expect(retryAfter(undefined, now)).toBeUndefined();
  });

  it.each([
    ['ENOTFOUND', RetryLater],
    ['ECONNRESET', RetryLater],
    ['UND_ERR_SOCKET', RetryLater],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', UsageError],
    ['CERT_HAS_EXPIRED', UsageError],
    ['ERR_SSL_WRONG_VERSION_NUMBER', UsageError],
    ['EPROTO', UsageError],
  ])('tells %s apart', (code, meaning) => {
    const cause = new Error('x', { cause: Object.assign(new Error('y'), { code }) });
    expect(errorForNetwork('GET', new URL('https://host.test/'), cause)).toBeInstanceOf(meaning);
  });

  it('says so when the other side does not speak HTTP', async () => {
    const server = await serve(({ socket }) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    const { send } = client();
    expect(await caught(send({ url: server.url }))).toMatchObject({ name: 'UsageError', code: 'wrong_protocol' });
    expect(await caught(send({ url: 'ftp://x.test/' }))).toMatchObject({ name: 'UsageError', code: 'bad_url' });
    expect(await caught(send({ url: `${server.url}/`, headers: { a: 'b\nc' } }))).toMatchObject({
      code: 'bad_request',
    });
  });
});
