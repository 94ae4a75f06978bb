/** The port for requests from outside: pages that the surfaces bring, and whether Keepsake is alive. */
import { createServer, type ServerResponse } from 'node:http';
import { UsageError } from '../engine/errors.ts';
import type { Page } from '../engine/services.ts';
import type { Clock, Log } from '../engine/types.ts';

/** Pages have no script, load nothing, are framed by nobody, and tell no other site the address they were opened at. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
  'cache-control': 'no-store',
};

/** Requests are a line and a small form; who sends them slowly only wants to hold the connection. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 5_000 };
const MOST_CONNECTIONS = 500;
/** How long requests in hand may go on after the stop. */
const LAST_REQUESTS = 1_000;

/** The page of a path, with what its `:name` parts stand for. */
export function pageAt(
  pages: readonly Page[],
  path: string,
): { page: Page; params: Record<string, string> } | undefined {
  const parts = path.split('/');
  for (const page of pages) {
    const wanted = page.path.split('/');
    if (wanted.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const is = parts[index] ?? '';
      if (!part.startsWith(':')) return part === is;
      params[part.slice(1)] = is;
      return is !== '';
    });
    if (fits) return { page, params };
  }
  return undefined;
}

function plain(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...PAGE_HEADERS, 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(`${text}\n`);
}

/**
 * Listens until the signal is aborted; resolves when it is closed. Throws `UsageError` (`port_taken`) when it cannot.
 * `onReady` is told the port (of its own choice for 0).
 */
export async function serve(o: {
  port: number;
  pages: readonly Page[];
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  onReady?: (port: number) => void;
}): Promise<void> {
  const server = createServer(TIMES, (request, response) => {
    // A relative URL that is none ("//", "http:") must not take the server down.
    const path = (request.url ?? '/').split(/[?#]/)[0] ?? '/';
    if (path === '/healthz') return plain(response, 200, 'ok');
    const found = pageAt(o.pages, path);
    if (!found) return plain(response, 404, 'There is nothing here.');
    const methods: readonly string[] = found.page.methods;
    if (!methods.includes(request.method ?? '')) {
      return plain(response, 405, 'This cannot be done here.', { allow: methods.join(', ') });
    }
    found.page.handle(request, response, found.params).catch((error: unknown) => {
      o.log('error', 'web.failed', { page: found.page.path, error });
      if (!response.headersSent) plain(response, 500, 'Something is wrong on my side. Please try again in a minute.');
      else response.destroy();
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new UsageError(`Port ${o.port} cannot be listened on, so no page of Keepsake can be opened.`, {
          code: 'port_taken',
          advice: 'Set PORT to a free one, or stop what uses it.',
          cause,
        }),
      );
    });
    server.listen(o.port, resolve);
  });
  server.on('error', (error) => o.log('warn', 'web.trouble', { error }));
  const address = server.address();
  o.onReady?.(typeof address === 'object' && address ? address.port : o.port);
  await new Promise<void>((resolve) => {
    if (o.signal.aborted) resolve();
    o.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  await Promise.race([closed, o.clock.sleep(LAST_REQUESTS)]);
  server.closeAllConnections();
  await closed;
}
