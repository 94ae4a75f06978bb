/** What there is on the fake Discord: people, servers, channels, messages, interactions, and what went wrong. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../src/engine/types.ts';
import { type Json, type Problem, Refusal } from './json.ts';

export interface User {
  id: string;
  name: string;
  locale: string;
  bot: boolean;
  /** Takes no direct messages. */
  closed: boolean;
}

export interface Channel {
  id: string;
  name: string;
  /** Undefined for a direct conversation. */
  guild?: string;
  /** The other one in a direct conversation. */
  recipient?: string;
  /** The bot does not see it. */
  hidden: boolean;
  /** The bot may read and not write. */
  readOnly: boolean;
}

export interface Guild {
  id: string;
  name: string;
  owner: string;
  members: string[];
}

export interface StoredFile {
  id: string;
  name: string;
  mime: string;
  bytes: Uint8Array;
  description?: string;
}

export interface Stored {
  id: string;
  channel: string;
  author: string;
  content: string;
  embeds: Json[];
  components: Json[];
  flags: number;
  files: StoredFile[];
  nonce?: string;
  /** Only this person sees it. */
  onlyFor?: string;
  /** "is thinking": a deferred answer that has not come yet. */
  loading: boolean;
  edits: number;
  deleted: boolean;
  at: number;
  editedAt?: number;
  mentions: string[];
  everyone: boolean;
  /** The interaction it answers. */
  interaction?: string;
  /** The message it is a reply to. */
  replyTo?: string;
}

export interface Pending {
  id: string;
  token: string;
  type: number;
  name: string;
  user: string;
  channel: string;
  created: number;
  /** On the machine's clock, for `ackMs`. */
  sent: number;
  /** The message whose button was pressed, also through a modal. */
  source?: Stored;
  ack?: { type: number; ms: number };
  original?: Stored;
  followups: Stored[];
  choices?: Json[];
  modal?: Json;
  deliveries: number;
  refused: { code: number; message: string }[];
}

/** Something a right client never does. */
export interface Violation {
  method: string;
  path: string;
  code: number;
  message: string;
  problems: readonly Problem[];
}

export type Emit = (event: string, data: Json, about?: { channel?: Channel; message?: Stored }) => void;

export interface World {
  now(): number;
  newId(): string;
  url: string;
  token: string;
  bot: User;
  application: string;
  users: Map<string, User>;
  guilds: Map<string, Guild>;
  channels: Map<string, Channel>;
  messages: Map<string, Stored>;
  interactions: Map<string, Pending>;
  /** Modals that are open on somebody's screen, by user. */
  modals: Map<string, { modal: Json; from: Pending }>;
  violations: Violation[];
  /** Sends a gateway event to the session. */
  emit: Emit;
  /** Message content is switched on for the application. */
  messageContent: boolean;
  /** Resolves once a bot has a session, be it cut off at the moment. */
  session(): Promise<void>;
  changed(): void;
  /** Calls back after each change until the function that is answered is called. */
  watch(listener: () => void): () => void;
}

/** Snowflakes count milliseconds from 1 January 2015. */
const EPOCH = 1_420_070_400_000;

export const LIMITS = {
  /** An initial answer must come within this. */
  answer: 3_000,
  /** Interaction tokens live this long. */
  token: 15 * 60_000,
};

export function createWorld(clock: Pick<Clock, 'now'>): World {
  let counter = 0;
  const listeners = new Set<() => void>();
  const now = (): number => clock.now().getTime();
  const newId = (): string => {
    counter += 1;
    return ((BigInt(Math.max(now() - EPOCH, 0)) << 22n) | BigInt(counter % (1 << 22))).toString();
  };
  const application = newId();
  const bot: User = { id: application, name: 'keepsake', locale: 'en-US', bot: true, closed: false };
  const person = (name: string, locale: string, closed = false): User => ({
    id: newId(),
    name,
    locale,
    bot: false,
    closed,
  });
  const ana = person('ana', 'en-US');
  const ben = person('ben', 'de');
  const stranger = person('stranger', 'fr');
  const carl = person('carl', 'en-GB', true);
  const users = new Map([bot, ana, ben, stranger, carl].map((user) => [user.id, user]));
  const guilds = new Map<string, Guild>();
  const channels = new Map<string, Channel>();
  const found = (name: string, owner: User, members: User[], rooms: [string, Partial<Channel>][]): void => {
    const guild: Guild = { id: newId(), name, owner: owner.id, members: members.map(({ id }) => id) };
    guilds.set(guild.id, guild);
    for (const [room, o] of rooms) {
      const id = newId();
      channels.set(id, { id, name: room, guild: guild.id, hidden: false, readOnly: false, ...o });
    }
  };
  found(
    'Home',
    ana,
    [bot, ana, ben, stranger, carl],
    [
      ['backups', {}],
      ['general', {}],
      ['secret', { hidden: true }],
      ['announcements', { readOnly: true }],
    ],
  );
  found('Elsewhere', ben, [bot, ana, ben], [['lobby', {}]]);
  return {
    now,
    newId,
    url: '',
    token: `${Buffer.from(application).toString('base64url')}.${randomBytes(4).toString('hex')}.${randomBytes(20).toString('base64url')}`,
    bot,
    application,
    users,
    guilds,
    channels,
    messages: new Map(),
    interactions: new Map(),
    modals: new Map(),
    violations: [],
    emit: () => {},
    messageContent: false,
    session: async () => {},
    changed() {
      for (const listener of [...listeners]) listener();
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function userNamed(world: World, name: string): User {
  const user = [...world.users.values()].find((one) => one.name === name || one.id === name);
  if (user === undefined) throw new Error(`Nobody is called ${name} here.`);
  return user;
}

/** A channel by its name (with or without #) or id; with another server's name before it: `Elsewhere/lobby`. */
export function channelNamed(world: World, name: string): Channel {
  const [room = '', house] = name.replace('#', '').split('/').reverse();
  const channel = [...world.channels.values()].find(
    (one) => (one.name === room || one.id === room) && (!house || world.guilds.get(one.guild ?? '')?.name === house),
  );
  if (channel === undefined) throw new Error(`There is no channel ${name}.`);
  return channel;
}

/** The direct conversation of the bot with somebody; made on first use. */
export function directChannel(world: World, user: User): Channel {
  const known = [...world.channels.values()].find(({ recipient }) => recipient === user.id);
  if (known !== undefined) return known;
  const channel: Channel = {
    id: world.newId(),
    name: `dm-${user.name}`,
    recipient: user.id,
    hidden: false,
    readOnly: false,
  };
  world.channels.set(channel.id, channel);
  return channel;
}

/** Throws as Discord does unless the bot may see this channel and, to write, write there. */
export function botMay(world: World, id: string, write: boolean): Channel {
  const channel = world.channels.get(id);
  if (channel === undefined) throw new Refusal(404, 10003, 'Unknown Channel');
  if (channel.hidden) throw new Refusal(403, 50001, 'Missing Access');
  if (write && channel.readOnly) throw new Refusal(403, 50013, 'Missing Permissions');
  if (write && channel.recipient !== undefined && world.users.get(channel.recipient)?.closed)
    throw new Refusal(403, 50007, 'Cannot send messages to this user');
  return channel;
}

/** Without the intent for content, a bot reads its own messages, direct ones and those that name it. */
export const mayRead = (world: World, message: Stored): boolean =>
  world.messageContent ||
  world.channels.get(message.channel)?.guild === undefined ||
  message.author === world.bot.id ||
  message.mentions.includes(world.bot.id);
