/** Clients for the fake Discord's own tests: the real discord.js, and a bare socket that does only what it is told. */
import { Client, Events, GatewayIntentBits, type Interaction, Partials } from 'discord.js';
import { WebSocket } from 'ws';
import type { DiscordServer } from '../discord.ts';
import type { Json } from './json.ts';

export const INTENTS = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.DirectMessages,
] as const;

export const COMMANDS: Json[] = [
  {
    name: 'backup',
    description: 'Backups',
    contexts: [0, 1],
    options: [
      { type: 1, name: 'list', description: 'What there is' },
      {
        type: 1,
        name: 'do',
        description: 'Do it',
        options: [{ type: 3, name: 'request', description: 'In your own words', required: true, autocomplete: true }],
      },
    ],
  },
  { type: 3, name: 'Restore this', contexts: [0, 1] },
];

export interface RightBot {
  client: Client<true>;
  /** What `work` threw. */
  errors: unknown[];
}

/** discord.js, set up as a bot should be, with the commands registered. */
export async function rightBot(
  server: DiscordServer,
  work: (heard: Interaction) => Promise<unknown> = async () => {},
): Promise<RightBot> {
  const errors: unknown[] = [];
  const client = new Client({
    intents: [...INTENTS],
    partials: [Partials.Channel],
    allowedMentions: { parse: [] },
    rest: { api: `${server.url}/api` },
    // The library waits 5 s between two IDENTIFYs.
    ws: { buildIdentifyThrottler: async () => ({ waitForIdentify: async () => {} }) },
  });
  client.on(Events.InteractionCreate, (heard) => {
    work(heard).catch((error: unknown) => errors.push(error));
  });
  client.on(Events.Error, (error) => errors.push(error));
  const ready = new Promise<Client<true>>((resolve) => {
    client.once(Events.ClientReady, resolve);
  });
  await client.login(server.token);
  const here = await ready;
  await here.application.commands.set(COMMANDS as never);
  return { client: here, errors };
}

export interface BareBot {
  socket: WebSocket;
  /** Events so far: name and data. */
  events: { op: number; t: string | null; s: number | null; d: Json }[];
  /** Resolves with the first such event that was not taken yet. */
  next(t: string): Promise<Json>;
  send(op: number, d: unknown): void;
  /** The code the server closed with. */
  closed: Promise<number>;
  close(): void;
}

/** A socket that has heard HELLO and said nothing. */
export async function bareSocket(server: DiscordServer, query = '?v=10&encoding=json'): Promise<BareBot> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/${query}`);
  const events: BareBot['events'] = [];
  const taken = new Set<unknown>();
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('message', (data) => events.push(JSON.parse(String(data))));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    socket,
    events,
    closed,
    async next(t) {
      const event = await server.waitFor(() => events.find((one) => one.t === t && !taken.has(one)), 2_000, t);
      taken.add(event);
      return event.d;
    },
    send: (op, d) => socket.send(JSON.stringify({ op, d })),
    close: () => socket.terminate(),
  };
}

export const identity = (server: DiscordServer, more: Json = {}): Json => ({
  token: server.token,
  intents: INTENTS.reduce((sum: number, one) => sum | one, 0),
  properties: { os: 'linux', browser: 'bare', device: 'bare' },
  ...more,
});

/** A socket with a session and registered commands. */
export async function bareBot(server: DiscordServer): Promise<BareBot> {
  const bot = await bareSocket(server);
  bot.send(2, identity(server));
  await bot.next('READY');
  await call(server, 'PUT', `/applications/${server.application}/commands`, COMMANDS);
  return bot;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

export async function call(
  server: DiscordServer,
  method: string,
  path: string,
  body?: unknown,
  token = server.token,
): Promise<Answer> {
  const answer = await fetch(`${server.url}/api/v10${path}`, {
    method,
    headers: { authorization: `Bot ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const words = await answer.text();
  return { status: answer.status, headers: answer.headers, body: words === '' ? {} : JSON.parse(words) };
}
