/** Socket Mode: tickets, connections, envelopes and their acknowledgements. (docs.slack.dev/apis/events-api/using-socket-mode) */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Method, refused } from './method.ts';
import type { Acked, Fields, Outgoing, Retry } from './types.ts';
import { isFields, type World, word } from './world.ts';

const PING_EVERY = 5_000;
const FAREWELL = 500;
/** Slack allows an app ten connections. */
const CONNECTIONS = 10;

interface Connection {
  socket: WebSocket;
  id: number;
  /** It was told to go: nothing more is sent on it. */
  leaving: boolean;
  envelopes: number;
}

export interface Sockets {
  connections(): number;
  send(out: Outgoing, retry?: Retry): Promise<Acked & { closed?: boolean }>;
  /** The same envelope once more, as after a failover; its acknowledgement is not waited for. */
  repeat(out: Outgoing): void;
  /** Tells the busiest connection to leave, as Slack does every few hours. */
  refresh(reason: 'warning' | 'refresh_requested' | 'link_disabled'): void;
  /** Cuts every connection without a word. */
  drop(): void;
  close(): Promise<void>;
}

const tickets = new WeakMap<World, Set<string>>();

export const socketMethods: Readonly<Record<string, Method>> = {
  'apps.connections.open': {
    token: 'app',
    scopes: ['connections:write'],
    run({ world }) {
      if (world.mode !== 'socket') return refused('not_allowed');
      const ticket = world.id('ticket-').toLowerCase();
      const known = tickets.get(world) ?? new Set();
      tickets.set(world, known.add(ticket));
      return { ok: true, url: `${world.url.replace('http', 'ws')}/link/?ticket=${ticket}&app_id=${world.appId}` };
    },
  },
};

export function openSockets(world: World, server: Server): Sockets {
  const gate = new WebSocketServer({ noServer: true });
  const connections = new Set<Connection>();
  const waiting = new Map<string, (payload: unknown) => void>();
  const known = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  let count = 0;
  let turn = 0;

  function joined(socket: WebSocket): void {
    const connection: Connection = { socket, id: ++count, leaving: false, envelopes: 0 };
    const ping = setInterval(() => socket.ping(), PING_EVERY);
    timers.add(ping);
    socket.on('message', (data) => answered(String(data)));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearInterval(ping);
      timers.delete(ping);
      connections.delete(connection);
      world.changed();
    });
    // One listener for each envelope in hand.
    socket.setMaxListeners(0);
    connections.add(connection);
    socket.ping();
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: connections.size,
        debug_info: { host: 'loopback', build_number: 1, approximate_connection_time: 18_060 },
        connection_info: { app_id: world.appId },
      }),
    );
    world.changed();
  }

  function answered(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      message = undefined;
    }
    const id = isFields(message) ? word(message.envelope_id) : '';
    const done = waiting.get(id);
    if (done !== undefined) done(isFields(message) ? message.payload : undefined);
    else if (known.has(id)) {
      world.lateAcks++;
      world.changed();
    } else world.blame(`socket: an acknowledgement of nothing: ${text.slice(0, 100)}`);
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', world.url);
    const ticket = url.searchParams.get('ticket') ?? '';
    if (url.pathname !== '/link/' || tickets.get(world)?.delete(ticket) !== true || connections.size >= CONNECTIONS) {
      world.blame('socket: a connection without a fresh ticket');
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
      return;
    }
    gate.handleUpgrade(request, socket, head, joined);
  }
  server.on('upgrade', onUpgrade);

  const open = (): Connection[] =>
    [...connections].filter(({ leaving, socket }) => !leaving && socket.readyState === 1);

  const envelope = (out: Outgoing, id: string, retry?: Retry): string =>
    JSON.stringify({
      envelope_id: id,
      type: out.kind,
      accepts_response_payload: out.accepts,
      payload: out.payload,
      ...(out.kind === 'events_api' ? { retry_attempt: retry?.attempt ?? 0, retry_reason: retry?.reason ?? '' } : {}),
    });
  const idOf = new WeakMap<Fields, string>();

  return {
    connections: () => open().length,
    send(out, retry) {
      const all = open();
      const connection = all[turn++ % Math.max(1, all.length)];
      if (connection === undefined)
        return Promise.resolve({ ackMs: Number.POSITIVE_INFINITY, ack: undefined, failed: 'dispatch_failed' });
      const id = idOf.get(out.payload) ?? `${world.id('').toLowerCase()}-e`;
      idOf.set(out.payload, id);
      known.add(id);
      connection.envelopes++;
      const began = performance.now();
      return new Promise((resolve) => {
        const end = (acked: Acked & { closed?: boolean }): void => {
          clearTimeout(timer);
          timers.delete(timer);
          waiting.delete(id);
          connection.socket.off('close', lost);
          resolve(acked);
        };
        const failed = (closed: boolean): void =>
          end({ ackMs: Number.POSITIVE_INFINITY, ack: undefined, failed: 'operation_timeout', closed });
        const lost = (): void => failed(true);
        const timer = setTimeout(() => failed(false), world.ackWithin);
        timers.add(timer);
        connection.socket.on('close', lost);
        waiting.set(id, (payload) => end({ ackMs: performance.now() - began, ack: payload }));
        connection.socket.send(envelope(out, id, retry));
      });
    },
    repeat(out) {
      const id = idOf.get(out.payload);
      const connection = open()[0];
      if (id !== undefined && connection !== undefined)
        connection.socket.send(envelope(out, id, { attempt: 1, reason: 'timeout' }));
    },
    refresh(reason) {
      const busiest = open().sort((a, b) => b.envelopes - a.envelopes)[0];
      if (busiest === undefined) return;
      if (reason !== 'warning') busiest.leaving = true;
      busiest.socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'loopback' } }));
    },
    drop() {
      for (const { socket } of connections) socket.terminate();
    },
    async close() {
      server.off('upgrade', onUpgrade);
      for (const timer of timers) clearInterval(timer);
      for (const done of [...waiting.values()]) done(undefined);
      // A client that is about to leave may do so politely; cut off, it would wait for the farewell for half a minute.
      for (const { socket } of connections) socket.close(1001);
      const patience = AbortSignal.timeout(FAREWELL);
      while (connections.size > 0 && !patience.aborted) await world.whenChanged(patience);
      for (const { socket } of connections) socket.terminate();
      gate.close();
    },
  };
}
