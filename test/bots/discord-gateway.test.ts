/** A gateway whose packets cross, which the fake Discord's do not: RESUMED with INVALID_SESSION right behind it. */
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createConnection } from '../../src/bots/discord/connection.ts';
import { systemClock } from '../../src/engine/clock.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const frame = (op: number, d: unknown, more: object = {}): string => JSON.stringify({ op, d, ...more });

async function crossingGateway() {
  const counts = { identifies: 0, resumes: 0 };
  const server = createServer((_, response) => {
    const { port } = server.address() as { port: number };
    response.writeHead(200, { 'content-type': 'application/json' });
    const limits = { total: 1000, remaining: 999, reset_after: 60_000, max_concurrency: 1 };
    response.end(JSON.stringify({ url: `ws://127.0.0.1:${port}`, shards: 1, session_start_limit: limits }));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    const wire: Socket = request.socket;
    socket.send(frame(10, { heartbeat_interval: 60_000 }));
    socket.on('message', (data) => {
      const { op } = JSON.parse(String(data)) as { op: number };
      const { port } = server.address() as { port: number };
      if (op === 2) {
        counts.identifies++;
        const ready = {
          v: 10,
          user: { id: '100000000000000001', username: 'keepsake', discriminator: '0', bot: true },
          application: { id: '100000000000000001', flags: 0 },
          guilds: [],
          session_id: `s${counts.identifies}`,
          resume_gateway_url: `ws://127.0.0.1:${port}`,
        };
        socket.send(frame(0, ready, { t: 'READY', s: 1 }));
        if (counts.identifies === 1) setTimeout(() => socket.terminate(), 50);
      } else if (op === 6) {
        counts.resumes++;
        // In one packet, so that the second is read before the first is worked off.
        wire.cork();
        socket.send(frame(0, null, { t: 'RESUMED', s: 2 }));
        socket.send(frame(9, false));
        wire.uncork();
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  open.push(async () => {
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((done) => sockets.close(done));
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, counts };
}

it('a resumed session that ends at once does not end the process', async () => {
  const { url, counts } = await crossingGateway();
  const logged: string[] = [];
  const stop = new AbortController();
  const connection = createConnection({
    token: 'x.y.z',
    endpoint: url,
    clock: systemClock,
    log: (_, event) => void logged.push(event),
  });
  const again = Promise.withResolvers<void>();
  const ended = connection.stay(stop.signal, {
    ready() {
      if (counts.identifies === 2) again.resolve();
    },
    event() {},
  });
  open.push(async () => {
    stop.abort();
    await ended;
    connection.close();
  });
  // Vitest fails the file for a rejection that nobody waits for, which is what used to end the process.
  await Promise.race([again.promise, ended]);
  expect(counts).toEqual({ identifies: 2, resumes: 1 });
  expect(logged).toContain('discord.handler_failed');
}, 20_000);
