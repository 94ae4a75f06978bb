/**
 * The one owner of @slack/bolt: how events come in (Socket Mode, or signed HTTP), how methods are called, and how both
 * come back after the service was away.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { App, HTTPReceiver, type LogLevel, SocketModeReceiver, webApi } from '@slack/bolt';
import { AuthRequired, UsageError } from '../../engine/errors.ts';
import type { Page } from '../../engine/services.ts';
import type { Clock, Log } from '../../engine/types.ts';
import { type Call, slackFailure } from './failure.ts';
import type { Installer } from './installations.ts';

/** Answers Slack within its three seconds; the first call counts. Never throws: a lost acknowledgement stops no work. */
export type Ack = (response?: unknown) => Promise<void>;

/** Posts to the event's own address: five times, for half an hour. Throws when Slack takes it no more. */
export type Respond = (message: Record<string, unknown>) => Promise<void>;

/** One event of Slack, as it came. */
export interface Inbound {
  kind: 'command' | 'action' | 'options' | 'shortcut' | 'submission' | 'event';
  body: Record<string, unknown>;
  ack: Ack;
  /** Where the event has such an address. */
  respond: Respond | undefined;
}

/** What `slack/manifest.yaml` subscribes to, by the names that the events come with (`message.im` comes as `message`). */
export const EVENTS = ['app_home_opened', 'app_mention', 'message', 'app_uninstalled', 'tokens_revoked'] as const;

export interface ConnectionOrder {
  reach: { kind: 'socket'; appToken: string } | { kind: 'http'; signingSecret: string };
  /** Ends with `/api/`. */
  api: string;
  /** For requests from outside: Slack over HTTP, and people who install the app. */
  port: number;
  installer: Installer | undefined;
  /** Further pages on that port. */
  pages: readonly Page[];
  handle(inbound: Inbound): Promise<void>;
  clock: Clock;
  log: Log;
}

export interface Connection {
  /** Resolves when the signal is aborted and nothing more comes in. `AuthRequired` when Slack refuses the app's token. */
  run(signal: AbortSignal, onReady: () => void): Promise<void>;
}

/** A call that takes longer is given up; the outbox tries again. */
const CALL = 10_000;
/** A connection that says no "hello" is not one. */
const HELLO = 15_000;
/** A connection that ended sooner was not a renewal by Slack (hours) but trouble. */
const SHORT = 10_000;
/** How long Slack may take to close a connection that it announced to close; the package waits 30 s. */
const GOODBYE = 300;
const PAUSES = [1_000, 2_000, 5_000, 15_000, 30_000, 60_000];
/** Slack allows three seconds; people feel one. */
const SLOW_ACK = 1_000;
/** How long requests in hand may go on after the stop. */
const LAST_REQUESTS = 1_000;

const clientOptions = (api: string, log: Log): webApi.WebClientOptions => ({
  slackApiUrl: api,
  // A post that is repeated by the client would be said twice; our own callers know what may be repeated.
  retryConfig: { retries: 0 },
  // Otherwise one 429 stops every call of the client, whatever its method.
  rejectRateLimitedCalls: true,
  timeout: CALL,
  // What Bolt posts to the address of an event would otherwise wait for ever.
  fetch: (url, init) => fetch(url, { ...init, signal: init?.signal ?? AbortSignal.timeout(CALL) }),
  logger: boltLog(log),
});

/**
 * Errors and warnings only: the rest holds whole payloads. To us all are warnings: a connection that breaks is made again,
 * and what is lost for good comes out as the failure of a call, which has a line of its own.
 */
function boltLog(log: Log): webApi.Logger {
  const say = (...parts: unknown[]): void =>
    log('warn', 'slack.sdk', {
      message: parts
        .map((part) => (part instanceof Error ? part.message : String(part)))
        .join(' ')
        .slice(0, 500),
    });
  return {
    debug: () => {},
    info: () => {},
    warn: say,
    error: say,
    setLevel: () => {},
    setName: () => {},
    getLevel: () => 'warn' as LogLevel,
  };
}

/** Every failure comes out as one of our errors. Several of these are independent of each other: a 429 of one delays no other. */
export function createCall(token: string | undefined, api: string, log: Log): Call {
  const client = new webApi.WebClient(token, clientOptions(api, log));
  return async (method, args = {}) => {
    try {
      return method === 'files.uploadV2'
        ? { ...(await client.filesUploadV2(args as unknown as webApi.FilesUploadV2Arguments)) }
        : { ...(await client.apiCall(method, args)) };
    } catch (error) {
      throw slackFailure(method, error);
    }
  };
}

/** An acknowledgement that happens once, is timed since the event arrived, and whose failure is told but stops nothing. */
function timedAck(
  raw: Ack,
  arrived: number,
  kind: string,
  { clock, log }: Pick<ConnectionOrder, 'clock' | 'log'>,
): Ack {
  let done = false;
  return async (response) => {
    if (done) return;
    done = true;
    const took = clock.now().getTime() - arrived;
    if (took > SLOW_ACK) log('warn', 'slack.slow_ack', { kind, ms: took });
    try {
      await raw(response);
    } catch (error) {
      // The connection was renewed under it. The person sees a time-out once; what they asked for is done all the same.
      log('warn', 'slack.ack_lost', { kind, error });
    }
  };
}

/** What all of Bolt's listeners are given, as far as it is used. */
interface Heard {
  body: unknown;
  context: Record<string, unknown>;
  ack?: unknown;
  respond?: unknown;
}

type Receiver = SocketModeReceiver | HTTPReceiver;

function createApp(order: ConnectionOrder, receiver: Receiver): App {
  const { log, clock } = order;
  const app = new App({
    // Without its `installer`, which Bolt would ask for tokens (a read of the store) before we can acknowledge.
    receiver: { init: (app) => receiver.init(app), start: () => Promise.resolve(), stop: () => receiver.stop() },
    // Tokens are looked up after the acknowledgement, by us: what Bolt does here would come before it.
    authorize: async () => ({}),
    // Without a bot's id in `authorize` this would let everything pass; events.ts knows our own messages.
    ignoreSelf: false,
    convoStore: false,
    logger: boltLog(log),
    clientOptions: clientOptions(order.api, log),
  });
  const heard =
    (kind: Inbound['kind']) =>
    async (args: Heard): Promise<void> => {
      const { arrived } = args.context;
      const since = typeof arrived === 'number' ? arrived : clock.now().getTime();
      // Events have no answer: Bolt has acknowledged them already.
      const raw = typeof args.ack === 'function' ? (args.ack as Ack) : async () => {};
      const ack = timedAck(raw, since, kind, order);
      const respond = typeof args.respond === 'function' ? (args.respond as Respond) : undefined;
      await order.handle({ kind, body: args.body as Record<string, unknown>, ack, respond });
    };
  app.command(/.*/s, heard('command'));
  app.action(/.*/s, heard('action'));
  app.options(/.*/s, heard('options'));
  app.shortcut(/.*/s, heard('shortcut'));
  app.view(/.*/s, heard('submission'));
  for (const name of EVENTS) app.event(name, heard('event'));
  app.error(async (error) => log('error', 'slack.failed', { error }));
  return app;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Rejects when the time is over or the signal is aborted before the work is done. */
async function unlessOver<T>(work: Promise<T>, ms: number, clock: Clock, signal: AbortSignal): Promise<T> {
  const done = new AbortController();
  const late = clock.sleep(ms, AbortSignal.any([signal, done.signal])).then(() => {
    throw new Error('Slack did not answer in time.');
  });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    work.catch(() => {});
    done.abort();
  }
}

/**
 * Connected until the signal is aborted. Reconnecting is ours: the package waits five seconds at each renewal, in which
 * clicks are lost, and a failure in its own timer would end the process (an unhandled rejection, socket-mode 3.1.0).
 */
async function staySocket(
  receiver: SocketModeReceiver,
  order: ConnectionOrder,
  signal: AbortSignal,
  onReady: () => void,
) {
  const { client } = receiver;
  const { clock, log } = order;
  const over = aborted(signal);
  let failures = 0;
  while (!signal.aborted) {
    let ended = false;
    const gone = new Promise<void>((resolve) => {
      client.once('disconnected', () => {
        ended = true;
        resolve();
      });
    });
    const renewal = (data: unknown): void => {
      if (typeof data !== 'string' || !/"type"\s*:\s*"disconnect"/.test(data)) return;
      void clock.sleep(GOODBYE).then(() => (ended ? undefined : hangUp(receiver, clock)));
    };
    client.on('ws_message', renewal);
    const began = clock.now().getTime();
    try {
      await unlessOver(client.start(), HELLO, clock, signal);
      log('info', 'slack.connected');
      onReady();
      await Promise.race([gone, over]);
      failures = clock.now().getTime() - began < SHORT ? failures + 1 : 0;
      // A renewal costs no pause, or clicks would be lost in it.
      if (failures > 1) await pause(failures - 1, order, signal);
    } catch (cause) {
      if (signal.aborted) break;
      const error = slackFailure('apps.connections.open', cause);
      if (error instanceof AuthRequired) throw error;
      failures++;
      log('warn', 'slack.away', { error });
      await hangUp(receiver, clock);
      await pause(failures, order, signal);
    } finally {
      client.off('ws_message', renewal);
    }
  }
  await hangUp(receiver, clock);
}

export async function pause(
  failures: number,
  { clock }: Pick<ConnectionOrder, 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  const ms = PAUSES[Math.min(failures, PAUSES.length) - 1] ?? PAUSES[0];
  await clock.sleep(ms ?? 1_000, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Asked twice, the socket closes without waiting for the other side, which may be dead (it would wait 30 s). */
async function hangUp({ client }: SocketModeReceiver, clock: Clock): Promise<void> {
  let left = false;
  const leaving = client.disconnect().then(() => {
    left = true;
  });
  await Promise.race([leaving, clock.sleep(500)]);
  // Asked again after it has left, it would say so again: of the next connection, which would be left open beside another.
  if (!left) void client.disconnect();
}

async function listen(receiver: HTTPReceiver, order: ConnectionOrder, signal: AbortSignal, onReady: () => void) {
  const server = await receiver.start(order.port).catch((cause: unknown) => {
    throw new UsageError(`Port ${order.port} cannot be listened on, so Slack cannot reach Keepsake.`, {
      code: 'port_taken',
      advice: 'Set PORT to a free one, or stop what uses it.',
      cause,
    });
  });
  order.log('info', 'slack.listening', { port: order.port });
  onReady();
  await aborted(signal);
  const stopped = receiver.stop();
  await Promise.race([stopped, order.clock.sleep(LAST_REQUESTS)]);
  server.closeAllConnections();
  await stopped;
}

const arrival = (clock: Clock) => () => ({ arrived: clock.now().getTime() });

function httpReceiver(order: ConnectionOrder, signingSecret: string | undefined): HTTPReceiver {
  const { installer, clock, log, api } = order;
  return new HTTPReceiver({
    signingSecret: signingSecret ?? '',
    // Without a secret no event may come in here: then it only serves the installation.
    signatureVerification: signingSecret !== undefined,
    endpoints: signingSecret === undefined ? [] : ['/slack/events'],
    port: order.port,
    logger: boltLog(log),
    customPropertiesExtractor: arrival(clock),
    customRoutes: [
      {
        path: '/healthz',
        method: ['GET'],
        handler: (_request, response) => {
          response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok\n');
        },
      },
      ...order.pages.map(({ path, methods, handle }) => ({
        path,
        method: [...methods],
        handler: (
          request: IncomingMessage & { params?: Record<string, unknown> | undefined },
          response: ServerResponse,
        ) => {
          const params = Object.entries(request.params ?? {}).map(([name, value]) => [name, String(value)]);
          handle(request, response, Object.fromEntries(params)).catch((error: unknown) => {
            log('error', 'web.failed', { page: path, error });
            response.destroy();
          });
        },
      })),
    ],
    ...(installer === undefined ? {} : installer.receiverOptions(clientOptions(api, log))),
  });
}

export function createConnection(order: ConnectionOrder): Connection {
  const { reach } = order;
  if (reach.kind === 'http') {
    const receiver = httpReceiver(order, reach.signingSecret);
    createApp(order, receiver);
    return { run: (signal, onReady) => listen(receiver, order, signal, onReady) };
  }
  const receiver = new SocketModeReceiver({
    appToken: reach.appToken,
    autoReconnectEnabled: false,
    logger: boltLog(order.log),
    customPropertiesExtractor: arrival(order.clock),
    installerOptions: { clientOptions: clientOptions(order.api, order.log) },
  });
  createApp(order, receiver);
  const pages = order.installer === undefined ? undefined : httpReceiver(order, undefined);
  return {
    async run(signal, onReady) {
      const stop = new AbortController();
      const both = AbortSignal.any([signal, stop.signal]);
      const pagesRun = pages === undefined ? undefined : listen(pages, order, both, () => {});
      try {
        await Promise.race([staySocket(receiver, order, both, onReady), ...(pagesRun ? [pagesRun] : [])]);
      } finally {
        stop.abort();
        await pagesRun;
      }
    },
  };
}
