/** The owner of discord.js: its gateway client, kept connected whatever the gateway says, and its REST clients. */
import { Client, Events, GatewayIntentBits, Options, REST, type RESTOptions, SimpleShardingStrategy } from 'discord.js';
import type { Clock, Log } from '../../engine/types.ts';
import { restBase } from './endpoint.ts';
import { closedForGood, discordError, tokenRefused } from './refusals.ts';
import { createSessionKeeper } from './sessions.ts';

export interface Attached {
  name: string;
  bytes: Uint8Array;
}

export interface Request {
  body?: unknown;
  files?: readonly Attached[];
  /** Without the bot's token: answers to interactions carry their own. */
  bare?: true;
  signal: AbortSignal;
}

/** Throws what `discordError` makes of a refusal; the signal's reason when aborted. */
export type Call = (
  method: 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT',
  route: `/${string}`,
  o: Request,
) => Promise<unknown>;

/** What the gateway tells. Neither may throw. */
export interface Listener {
  /** A new session, or an old one that goes on. `bot` and `application` are those of the session. */
  ready(session: { bot: string; application: string }): void;
  event(name: string, data: unknown): void;
}

export interface Connection {
  /** Waits some seconds where Discord asks for a pause (`LONGEST_WAIT`), else throws `RetryLater`. */
  call: Call;
  /** Throws `RetryLater` at once, and makes nothing else wait: it has a client and queues of its own. */
  edit: Call;
  /**
   * Connects and stays connected until the signal is aborted. Throws `AuthRequired` where Discord will not have us, and
   * anything else (`RetryLater` for the network) where the first connection failed: to be called again.
   */
  stay(signal: AbortSignal, listener: Listener): Promise<void>;
  close(): void;
}

/**
 * A message waits this long in the library's queue: two rounds of a channel's limit (5 in 5 s). Answers to interactions
 * wait as long as they must: nobody would try them again.
 */
const LONGEST_WAIT = 10_000;

/** No privileged intent: Discord tells the words of direct messages and of mentions without. */
const INTENTS = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages];

/** Waits in real time: what is waited for is the end of the program, which no clock of a test may hold up. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

const field = (data: unknown, name: string): unknown =>
  typeof data === 'object' && data !== null ? Reflect.get(data, name) : undefined;
const textField = (data: unknown, name: string): string => {
  const value = field(data, name);
  return typeof value === 'string' ? value : '';
};

export function createConnection(o: { token: string; endpoint?: string; clock: Clock; log: Log }): Connection {
  const { token, clock, log } = o;
  const base: Partial<RESTOptions> = o.endpoint === undefined ? {} : { api: restBase(o.endpoint) };

  const caller = (options: Partial<RESTOptions>): { rest: REST; call: Call } => {
    const rest = new REST({ ...base, ...options }).setToken(token);
    return {
      rest,
      async call(method, route, { body, files = [], bare, signal }) {
        signal.throwIfAborted();
        try {
          return await rest.request({
            method: method as never,
            fullRoute: route,
            ...(body === undefined ? {} : { body }),
            ...(files.length === 0 ? {} : { files: files.map(({ name, bytes }) => ({ name, data: bytes })) }),
            ...(bare ? { auth: false } : {}),
            // The library never takes its listener off a signal; this one is forgotten with the request.
            signal: AbortSignal.any([signal]),
          });
        } catch (error) {
          signal.throwIfAborted();
          throw discordError(error);
        }
      },
    };
  };
  const posts = caller({
    rejectOnRateLimit: ({ route, retryAfter }) => !route.startsWith('/webhooks/') && retryAfter > LONGEST_WAIT,
  });
  const edits = caller({ rejectOnRateLimit: () => true, retries: 0, timeout: 10_000 });

  async function stay(signal: AbortSignal, listener: Listener): Promise<void> {
    signal.throwIfAborted();
    const over = new AbortController();
    const keeper = createSessionKeeper({ clock, signal: AbortSignal.any([signal, over.signal]) });
    const ended = Promise.withResolvers<void>();
    const end = (): void => ended.resolve();
    signal.addEventListener('abort', end, { once: true });
    let session: Parameters<Listener['ready']>[0] | undefined;

    const heard = (name: string, data: unknown): void => {
      if (name === 'READY') {
        const bot = textField(field(data, 'user'), 'id');
        session = { bot, application: textField(field(data, 'application'), 'id') };
      }
      if ((name === 'READY' || name === 'RESUMED') && session) {
        keeper.ready();
        listener.ready(session);
      } else {
        listener.event(name, data);
      }
    };

    /** Each event of the socket, before the library acts on it. */
    const seen = (event: string, about: unknown): void => {
      if (event === 'hello') keeper.hello();
      if (event === 'dispatch') heard(textField(field(about, 'data'), 't'), field(field(about, 'data'), 'd'));
      const code = field(about, 'code');
      if (event !== 'closed' || typeof code !== 'number') return;
      keeper.closed(code);
      const reason = closedForGood(code);
      if (reason) ended.reject(reason);
    };

    const client = new Client({
      intents: INTENTS,
      // Nothing is looked up in the library's caches: events are read as they come.
      makeCache: Options.cacheWithLimits({ ...Options.DefaultMakeCacheSettings, MessageManager: 0 }),
      rest: base,
      ws: {
        // The one place where the library hands its socket over.
        buildStrategy(manager) {
          const emit = manager.emit.bind(manager);
          const { retrieveSessionInfo, updateSessionInfo } = manager.options;
          Object.assign(manager, {
            // Its handlers throw where two packets cross (RESUMED reads a session that an INVALID_SESSION right behind it
            // has taken away), inside a promise that nobody waits for: that would end the process.
            emit(...event: Parameters<typeof emit>): boolean {
              try {
                seen(String(event[0]), event[1]);
                return emit(...event);
              } catch (error) {
                log('warn', 'discord.handler_failed', { event: event[0], error });
                return false;
              }
            },
          });
          Object.assign(manager.options, {
            retrieveSessionInfo: (shard) => keeper.read(async () => retrieveSessionInfo(shard)),
            updateSessionInfo: (shard, info) =>
              info === null && !keeper.mayForget() ? undefined : updateSessionInfo(shard, info),
          } satisfies Partial<typeof manager.options>);
          return new SimpleShardingStrategy(manager);
        },
      },
    });
    client.on(Events.Error, (error) => log('warn', 'discord.error', { error }));
    client.on(Events.ShardError, (error) => log('warn', 'discord.socket_error', { error }));
    client.on(Events.ShardReconnecting, () => signal.aborted || log('info', 'discord.reconnecting'));
    client.login(token).catch((error: unknown) => {
      ended.reject(field(error, 'code') === 'TokenInvalid' ? tokenRefused(error) : discordError(error));
    });
    try {
      await ended.promise;
    } finally {
      signal.removeEventListener('abort', end);
      over.abort();
      // A socket that is just being opened would be left open by the library, and one that is just introducing itself is
      // closed twice, of which only one is ever told.
      await atMost(2_000, keeper.settled());
      await atMost(1_000, client.destroy());
    }
  }

  return {
    call: posts.call,
    edit: edits.call,
    stay,
    close() {
      for (const { rest } of [posts, edits]) {
        rest.clearHashSweeper();
        rest.clearHandlerSweeper();
      }
    },
  };
}
