/** Gateway v10 of the fake Discord: sessions with their sequence numbers, heartbeats, resuming, close codes. */
import type { IncomingMessage, Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { isObject, type Json, object, text } from './json.ts';
import { guildShape, messageShape, userShape } from './shapes.ts';
import { type Emit, mayRead, type World } from './world.ts';

const OP = { dispatch: 0, heartbeat: 1, identify: 2, resume: 6, reconnect: 7, invalid: 9, hello: 10, ack: 11 };
/** Presence, voice state and requests for members are taken and not answered. */
const IGNORED = [3, 4, 8, 31];
export const INTENT = {
  guilds: 1,
  members: 1 << 1,
  presences: 1 << 8,
  messages: 1 << 9,
  direct: 1 << 12,
  content: 1 << 15,
};
const PRIVILEGED = INTENT.members | INTENT.presences | INTENT.content;
const ALL_INTENTS = (1 << 26) - 1;
/** 120 in a minute from one connection; the 121st closes it with 4008. */
const MOST_SENT = 120;
/** Events kept for a bot that resumes. */
const KEPT = 1_000;

interface Session {
  id: string;
  intents: number;
  seq: number;
  events: { s: number; t: string; d: Json }[];
  socket?: WebSocket;
}

export interface GatewayOptions {
  /** Milliseconds between heartbeats. */
  heartbeat: number;
  /** Privileged intents that are switched on for the application. */
  privileged: number;
}

export interface Gateway {
  emit: Emit;
  /** The bot has a session and is connected. */
  ready(): boolean;
  /** The bot has a session; cut off, it may resume it. */
  known(): boolean;
  /** Cuts the TCP connection without a word. */
  drop(): void;
  /** Asks to reconnect (7). */
  reconnect(): void;
  /** INVALID_SESSION (9): `resumable` says whether the session lives on. */
  invalidate(resumable?: boolean): void;
  /** Closes the connection with this code. */
  closeWith(code: number): void;
  /** The next RESUME is answered with INVALID_SESSION if nothing would be lost by it. */
  refuseNextResume(): void;
  counts: {
    identifies: number;
    resumes: number;
    invalidated: number;
    heartbeats: number;
    dispatched: number;
    closed: number[];
  };
  close(): Promise<void>;
}

export function createGateway(world: World, server: Server, o: GatewayOptions): Gateway {
  const sockets = new WebSocketServer({ noServer: true });
  const timers = new Set<NodeJS.Timeout>();
  const counts: Gateway['counts'] = {
    identifies: 0,
    resumes: 0,
    invalidated: 0,
    heartbeats: 0,
    dispatched: 0,
    closed: [],
  };
  let session: Session | undefined;
  let refuseResume = false;

  const send = (socket: WebSocket, op: number, d: unknown, more: Json = {}): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ op, d, s: null, t: null, ...more }));
  };
  function dispatch(to: Session, t: string, d: Json): void {
    to.seq += 1;
    to.events.push({ s: to.seq, t, d });
    if (to.events.length > KEPT) to.events.shift();
    if (to.socket !== undefined) send(to.socket, OP.dispatch, d, { s: to.seq, t });
    counts.dispatched += 1;
  }
  const end = (socket: WebSocket, code: number): void => {
    counts.closed.push(code);
    socket.close(code);
    world.changed();
  };

  function identify(socket: WebSocket, d: Json): void {
    counts.identifies += 1;
    if (text(d.token).replace(/^Bot /, '') !== world.token) {
      end(socket, 4004);
      return;
    }
    const intents = d.intents;
    if (typeof intents !== 'number' || !Number.isInteger(intents) || intents < 0 || intents > ALL_INTENTS) {
      end(socket, 4013);
      return;
    }
    if (intents & PRIVILEGED & ~o.privileged) {
      end(socket, 4014);
      return;
    }
    if (Array.isArray(d.shard) && (d.shard[0] !== 0 || d.shard[1] !== 1)) {
      end(socket, 4010);
      return;
    }
    if (!isObject(d.properties)) {
      end(socket, 4002);
      return;
    }
    session = { id: world.newId(), intents, seq: 0, events: [], socket };
    const guilds = [...world.guilds.values()];
    dispatch(session, 'READY', {
      v: 10,
      user: userShape(world.bot),
      guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
      session_id: session.id,
      session_type: 'normal',
      resume_gateway_url: world.url.replace('http:', 'ws:'),
      shard: [0, 1],
      application: { id: world.application, flags: 0 },
      private_channels: [],
      relationships: [],
      user_settings: {},
      _trace: [],
    });
    if (intents & INTENT.guilds)
      for (const guild of guilds) dispatch(session, 'GUILD_CREATE', guildShape(world, guild));
    world.changed();
  }

  function resume(socket: WebSocket, d: Json): void {
    counts.resumes += 1;
    if (text(d.token).replace(/^Bot /, '') !== world.token) {
      end(socket, 4004);
      return;
    }
    const seq = typeof d.seq === 'number' ? d.seq : Number.NaN;
    const missed = session?.events.filter((one) => one.s > seq) ?? [];
    if (session === undefined || d.session_id !== session.id) {
      counts.invalidated += 1;
      send(socket, OP.invalid, false);
      return;
    }
    if (!(seq <= session.seq)) {
      end(socket, 4007);
      return;
    }
    if (missed.length < session.seq - seq || (refuseResume && missed.length === 0)) {
      refuseResume = false;
      invalid(socket, false);
      return;
    }
    session.socket?.terminate();
    session.socket = socket;
    for (const { s, t, d: data } of missed) send(socket, OP.dispatch, data, { s, t });
    dispatch(session, 'RESUMED', { _trace: [] });
    world.changed();
  }

  function invalid(socket: WebSocket, resumable: boolean): void {
    counts.invalidated += 1;
    if (!resumable) session = undefined;
    send(socket, OP.invalid, resumable);
  }

  function connected(socket: WebSocket, request: IncomingMessage): void {
    const query = new URL(request.url ?? '/', world.url).searchParams;
    socket.on('error', () => {});
    if (query.get('v') !== '10') {
      end(socket, 4012);
      return;
    }
    if (query.get('encoding') !== 'json') {
      end(socket, 4002);
      return;
    }
    let sent = 0;
    let timer: NodeJS.Timeout | undefined;
    const expect = (): void => {
      if (timer !== undefined) {
        clearTimeout(timer);
        timers.delete(timer);
      }
      // A late beat is one thing, a missing one another; a busy machine is late by more than a short interval.
      timer = setTimeout(() => end(socket, 4009), o.heartbeat + Math.max(o.heartbeat / 2, 500));
      timers.add(timer);
    };
    const mine = (): boolean => session?.socket === socket;
    expect();
    send(socket, OP.hello, { heartbeat_interval: o.heartbeat, _trace: [] });
    socket.on('close', (code) => {
      clearTimeout(timer);
      if (timer !== undefined) timers.delete(timer);
      if (session !== undefined && mine()) {
        delete session.socket;
        // A bot that says good-bye has no session left to resume.
        if (code === 1000 || code === 1001) session = undefined;
      }
      world.changed();
    });
    socket.on('message', (data, isBinary) => {
      sent += 1;
      if (sent > MOST_SENT) {
        end(socket, 4008);
        return;
      }
      let frame: Json;
      try {
        frame = object(isBinary ? undefined : JSON.parse(String(data)));
      } catch {
        end(socket, 4002);
        return;
      }
      if (typeof frame.op !== 'number') {
        end(socket, 4002);
        return;
      }
      if (frame.op === OP.heartbeat) {
        counts.heartbeats += 1;
        expect();
        send(socket, OP.ack, null);
        return;
      }
      if (frame.op === OP.identify) {
        if (mine()) end(socket, 4005);
        else identify(socket, object(frame.d));
        return;
      }
      if (frame.op === OP.resume) {
        if (mine()) end(socket, 4005);
        else resume(socket, object(frame.d));
        return;
      }
      if (!IGNORED.includes(frame.op)) {
        end(socket, 4001);
        return;
      }
      if (!mine()) {
        end(socket, 4003);
        return;
      }
    });
  }
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (webSocket) => connected(webSocket, request));
  });

  const gateway: Gateway = {
    counts,
    emit(event, data, about) {
      if (session === undefined) return;
      const { channel, message } = about ?? {};
      if (message !== undefined && channel !== undefined) {
        if (channel.hidden) return;
        const needed = channel.guild === undefined ? INTENT.direct : INTENT.messages;
        if (!(session.intents & needed)) return;
        const readable = session.intents & INTENT.content || mayRead(world, message);
        if (!readable && event !== 'MESSAGE_DELETE') {
          dispatch(session, event, messageShape(world, message, { full: false, event: true }));
          return;
        }
      }
      dispatch(session, event, data);
    },
    ready: () => session?.socket !== undefined && session.socket.readyState === session.socket.OPEN,
    known: () => session !== undefined,
    drop: () => session?.socket?.terminate(),
    reconnect() {
      if (session?.socket !== undefined) send(session.socket, OP.reconnect, null);
    },
    invalidate(resumable = false) {
      const socket = session?.socket;
      if (socket !== undefined) invalid(socket, resumable);
    },
    closeWith(code) {
      if (session?.socket !== undefined) end(session.socket, code);
    },
    refuseNextResume() {
      refuseResume = true;
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((done) => sockets.close(done));
    },
  };
  return gateway;
}
