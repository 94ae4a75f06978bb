/**
 * HTTP for providers, with manners: connections kept, time limits, Retry-After, retries of what may be repeated, no blind
 * redirects, secrets kept out of errors. The only file that imports undici; HTTP/1.1, one request at a time on a connection
 * (pipelining gained nothing and would let one broken body take its neighbours down).
 */
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { FileRejected, IntegrityError, isKeepsakeError, type KeepsakeError, RetryLater, UsageError } from './errors.ts';
import { errorForNetwork, errorForStatus, excerpt, placeOf } from './http-errors.ts';
import type { Bytes, Clock, HttpRequest, HttpResponse, Log, ProviderContext } from './types.ts';

export interface HttpOptions {
  clock: Clock;
  log: Log;
  /** Takes known secrets out of a text before it becomes part of an error. */
  redact?: (text: string) => string;
  /** Connections to one origin. Default 64: the most in flight that any provider declares as polite. */
  maxConnections?: number;
  /** Milliseconds: to connect, to the first byte of an answer once the request is sent, between two pieces of a body. */
  limits?: { connect?: number; headers?: number; body?: number };
}

const TRIES = 4;
const FIRST_WAIT = 500;
/** A longer wait belongs to the owner of the file, who can do something else meanwhile. */
const LONGEST_WAIT = 60_000;
/** An upload is given up when it is slower than this, bytes per second: below it no backup ever ends. */
const SLOWEST = 16 * 1024;
/** No answer that is read whole (listing, JSON) is longer; a hostile server must not fill the memory. */
const LONGEST_TEXT = 128 * 1024 * 1024;
const REDIRECTS = 5;
/** Reads that may follow a redirect; a write is never sent to an address nobody chose. */
const FOLLOWED = new Set(['GET', 'HEAD', 'PROPFIND', 'OPTIONS', 'REPORT']);
/** What may go along to another origin; everything else could be a credential. */
const HARMLESS = new Set(['accept', 'content-type', 'depth', 'if-range', 'range', 'user-agent']);
/**
 * A write of at least the socket's buffer makes undici wait until the kernel has it. A smaller piece may still lie in
 * the socket's queue when the next one is pulled, and its producer may reuse the buffer then: it is copied.
 */
const SURELY_WAITED_FOR = 128 * 1024;

const isStream = (body: HttpRequest['body']): body is Bytes =>
  body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError('That is not a web address.', {
      code: 'bad_url',
      advice: 'Write it in full, for example https://cloud.example.org/folder.',
    });
  }
  return url;
}

function plainHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return plain;
}

interface Upload {
  body: AsyncIterable<Uint8Array>;
  /** What the source itself threw; not to be taken for a failure of the connection. */
  failure?: { error: unknown };
  started: boolean;
}

/**
 * The caller's stream, counted: undici sends an empty body as a valid empty request before it notices that bytes were
 * promised, which would replace a good file by nothing.
 */
function upload(source: Bytes, promised: number | undefined, place: string): Upload {
  const state: Upload = { body: pieces(), started: false };
  async function* pieces(): AsyncGenerator<Uint8Array> {
    state.started = true;
    let sent = 0;
    try {
      for await (const piece of source) {
        sent += piece.byteLength;
        if (promised !== undefined && sent > promised) break;
        yield piece.byteLength < SURELY_WAITED_FOR ? Buffer.from(piece) : piece;
      }
      if (promised !== undefined && sent !== promised) {
        throw new IntegrityError(
          `${sent > promised ? 'More' : 'Fewer'} bytes came than the ${promised} promised for ${place}.`,
          { code: 'length', advice: 'The file changed while it was read; the next run takes it as it is then.' },
        );
      }
    } catch (error) {
      state.failure = { error };
      throw error;
    }
  }
  return state;
}

/** HTTP for `ProviderContext.http`. `close` breaks what is still in flight. */
export function createHttp(options: HttpOptions): { http: ProviderContext['http']; close(): Promise<void> } {
  const { clock, log } = options;
  const redact = options.redact ?? ((text: string) => text);
  const limits = { connect: 15_000, headers: 300_000, body: 120_000, ...options.limits };
  // The built-in connector sets TCP_NODELAY; without it small PUTs wait for delayed ACKs.
  const agent = new Agent({
    connections: options.maxConnections ?? 64,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: limits.connect },
    headersTimeout: limits.headers,
    bodyTimeout: limits.body,
  });

  /** One exchange, nothing repeated. Rejects at once when aborted, also while it waits for a free connection. */
  async function exchange(request: HttpRequest, url: URL, headers: Record<string, string>) {
    const { signal, body } = request;
    const sent: Dispatcher.RequestOptions & { origin: string } = {
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      headers: { 'user-agent': 'keepsake', ...headers },
      signal,
    };
    let streamed: Upload | undefined;
    if (isStream(body)) {
      streamed = upload(body, request.contentLength, placeOf(url));
      if (request.contentLength !== undefined) {
        sent.headers = { ...sent.headers, 'content-length': String(request.contentLength) };
      }
      // undici takes any async iterable; its types only know Readable.
      sent.body = streamed.body as unknown as Readable;
    } else if (body !== undefined) {
      sent.body = body;
      sent.headersTimeout = limits.headers + (body.length / SLOWEST) * 1000;
    }
    let stop: (() => void) | undefined;
    try {
      return await new Promise<Dispatcher.ResponseData>((resolve, reject) => {
        stop = () => reject(signal.reason);
        signal.addEventListener('abort', stop, { once: true });
        agent.request(sent).then(resolve, reject);
      });
    } catch (error) {
      if (isStream(body) && !streamed?.started) await body[Symbol.asyncIterator]().return?.();
      signal.throwIfAborted();
      throw streamed?.failure ? streamed.failure.error : errorForNetwork(request.method, url, error);
    } finally {
      if (stop) signal.removeEventListener('abort', stop);
    }
  }

  function respond(request: HttpRequest, url: URL, raw: Dispatcher.ResponseData): HttpResponse {
    const { signal, method } = request;
    const translated = (error: unknown): unknown =>
      signal.aborted ? signal.reason : errorForNetwork(method, url, error);
    const headers = plainHeaders(raw.headers);
    if (method === 'HEAD' || raw.statusCode === 204 || headers['content-length'] === '0') raw.body.resume();
    const body: Bytes = {
      [Symbol.asyncIterator]() {
        const pieces = raw.body[Symbol.asyncIterator]();
        return {
          async next() {
            try {
              return await pieces.next();
            } catch (error) {
              throw translated(error);
            }
          },
          async return() {
            raw.body.on('error', () => {}).destroy();
            return { done: true, value: undefined };
          },
        };
      },
    };
    const text = async (): Promise<string> => {
      const pieces: Uint8Array[] = [];
      let length = 0;
      for await (const piece of body) {
        length += piece.byteLength;
        if (length > LONGEST_TEXT) {
          throw new FileRejected(`${placeOf(url)} answered with far more text than expected.`, { code: 'too_long' });
        }
        pieces.push(piece);
      }
      return Buffer.concat(pieces).toString('utf8');
    };
    return {
      status: raw.statusCode,
      headers,
      body,
      text,
      json: async () => parseJson(await text(), url),
      dump: async () => {
        await raw.body.dump().catch(() => {});
      },
    };
  }

  function parseJson(text: string, url: URL): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new RetryLater(redact(`${placeOf(url)} answered with something that is not JSON: "${excerpt(text)}".`), {
        code: 'not_json',
        advice: 'If this stays, check the address: a login page may answer there.',
        cause,
      });
    }
  }

  /** The address that a redirect leads to, when it may be followed. */
  function redirected(request: HttpRequest, url: URL, location: string): URL {
    const to = URL.parse(location, url);
    const place = to ? redact(`${to.protocol}//${placeOf(to)}`) : 'nowhere';
    if (!to || !FOLLOWED.has(request.method) || isStream(request.body)) {
      throw new UsageError(`${request.method} ${placeOf(url)} was sent on to ${place}, and writes do not follow.`, {
        code: 'moved',
        advice: `Connect with the new address: ${place}`,
      });
    }
    if (to.protocol !== url.protocol && !(url.protocol === 'http:' && to.protocol === 'https:')) {
      throw new UsageError(`${placeOf(url)} was sent on to ${place}, which is not encrypted.`, { code: 'downgrade' });
    }
    return to;
  }

  async function follow(request: HttpRequest): Promise<{ response: HttpResponse; url: URL }> {
    let url = parseUrl(request.url);
    let headers = request.headers ?? {};
    for (let hops = 0; ; hops++) {
      const response = respond(request, url, await exchange(request, url, headers));
      const location = response.headers.location;
      const moved = [301, 302, 303, 307, 308].includes(response.status) && !request.expect?.includes(response.status);
      if (!moved || location === undefined) return { response, url };
      await response.dump();
      const to = redirected(request, url, location);
      if (hops === REDIRECTS) {
        throw new UsageError(`${placeOf(url)} only leads on and on.`, { code: 'redirects' });
      }
      if (to.origin !== url.origin) {
        headers = Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name.toLowerCase())));
      }
      url = to;
    }
  }

  /** The answer, or the failure that decides whether to try again. */
  async function attempt(request: HttpRequest): Promise<HttpResponse> {
    const { response, url } = await follow(request);
    const { status, headers } = response;
    if (status < 400 || request.expect?.includes(status)) return request.whole ? readWhole(response, url) : response;
    const text = await response.text().catch(() => '');
    request.signal.throwIfAborted();
    throw errorForStatus({ method: request.method, url, status, headers, text, now: clock.now(), redact });
  }

  async function readWhole(response: HttpResponse, url: URL): Promise<HttpResponse> {
    const text = await response.text();
    return {
      ...response,
      body: (async function* () {
        yield Buffer.from(text);
      })(),
      text: async () => text,
      json: async () => parseJson(text, url),
      dump: async () => {},
    };
  }

  async function http(request: HttpRequest): Promise<HttpResponse> {
    const repeatable = !isStream(request.body) && request.repeatable !== false;
    for (let tried = 1; ; tried++) {
      request.signal.throwIfAborted();
      let failure: KeepsakeError;
      try {
        return await attempt(request);
      } catch (error) {
        if (request.signal.aborted || !isKeepsakeError(error)) throw error;
        failure = error;
      }
      if (!(failure instanceof RetryLater) || !repeatable || tried === TRIES) throw failure;
      const asked = failure.after ?? 0;
      if (asked > LONGEST_WAIT) throw failure;
      // Full jitter: many requests that failed together must not come back together.
      const wait = Math.max(asked, Math.round(Math.random() * FIRST_WAIT * 2 ** tried));
      log('debug', 'http.retry', { what: failure.message, code: failure.code, tried, wait });
      await clock.sleep(wait, request.signal);
    }
  }

  return { http, close: () => agent.destroy() };
}
