/** One way to act in and to look at every surface, so that one story runs on all of them. */
import type { Composed } from '../../src/compose.ts';
import type { Config } from '../../src/engine/config.ts';
import type { Identity } from '../../src/engine/types.ts';
import type { FastClock } from '../fast-clock.ts';

/** Ana owns the Keepsake; Ben comes later; nobody knows the stranger. */
export type Who = 'ana' | 'ben' | 'stranger';

/** A message as somebody sees it now. */
export interface Seen {
  /** All words in it, in order, without markup; labels of buttons not included. */
  text: string;
  buttons: string[];
  where: 'private' | 'channel';
  /** The same message has the same id, however often it is edited. */
  id: string;
  edits: number;
}

/** What a service does to its clients on a bad day. */
export interface Troubles {
  /** The app may look for its own messages in a channel; without that, a lost answer there cannot be told from a lost post. */
  looksInChannels: boolean;
  /** The service's own clock moves on. */
  pass(ms: number): void;
  /** The connection is renewed in the polite way; resolves when it is back. */
  renew(): Promise<void>;
  /** So many posts, and as many edits, are told to come later. */
  limit(times: number): void;
  /** The service is away for so many calls. */
  away(times: number): void;
  /** The next message of the bot's own is posted, and its answer is lost. */
  lose(): void;
  /** The same, and nothing at all comes: no answer and no end of the connection. */
  stall(): void;
  /** Writes to the bot in the direct conversation, as people do who know no commands. Resolves when it was sent. */
  write(who: Who, words: string): Promise<void>;
  /** So far: 429s, answers that were lost, words that were delivered twice, connections that were made. */
  counts(): { tooMany: number; lost: number; deliveredTwice: number; connections: number };
}

/** What has to be running for a story: everything of `npm start`, in this process. */
export interface Running {
  composed: Composed;
  config: Config;
  clock: FastClock;
}

export interface Driver {
  readonly name: string;
  identity(who: Who): Identity;
  /** Connects the surface of a Keepsake that has just been started, or started again. Resolves when it can be talked to. */
  connect(running: Running): Promise<void>;
  /** The surface comes to rest, as at SIGTERM. */
  disconnect(): Promise<void>;
  /** Types a line: as a command in private, or where others read. Resolves when it was acknowledged. */
  say(who: Who, line: string, o?: { in?: 'private' | 'channel' }): Promise<void>;
  /** Waits for a button and presses it: of the newest message that has it (and holds `on`). `twice`: so fast that both presses get through. */
  click(who: Who, label: string | RegExp, o?: { on?: string | RegExp; twice?: true }): Promise<void>;
  /** The same with an option of a menu, of the newest message that has it. */
  choose(who: Who, menu: string, option: string | RegExp): Promise<void>;
  /** Waits for and presses a button that opens a form, fills in fields by label, and sends it. Fields not named stay as they are. */
  fill(who: Who, button: string | RegExp, values: Record<string, string>): Promise<void>;
  /** "Restore this" on a message, filled in and sent. */
  restoreThis(who: Who, on: string | RegExp, values: Record<string, string>): Promise<void>;
  /** All that somebody sees, oldest first: their private messages, answers only they see, and the channel. */
  seen(who: Who): Seen[];
  /** The connection breaks and has to be made again; resolves when it is back. */
  drop(): Promise<void>;
  /** The service says "too many requests" to the next edits, and to a post. */
  storm(): void;
  /** Answers to what was said until now can no longer be changed. */
  expire(): void;
  /** Nobody can be written to directly. */
  closeDirect?(who: Who): void;
  readonly troubles?: Troubles;
  /** What the service would have refused, or shown wrongly. */
  violations(): string[];
  close(): Promise<void>;
}

export interface DriverKind {
  name: string;
  /** A surface that cannot do it: stories that need it are not run there. */
  lacks: readonly Need[];
  /** How much faster than life its stories are told; as fast as all others by default. */
  factor?: number;
  /** Settings that make the product use this surface. `clock` is the product's. */
  open(clock: FastClock): Promise<Driver & { environment: Record<string, string> }>;
}

/** What a story needs besides lines, buttons and forms. */
export type Need =
  | 'channel'
  | 'connection'
  | 'expiry'
  | 'cards'
  | 'closed'
  | 'reports'
  | 'zone'
  | 'strangers'
  | 'menus'
  | 'empty lines'
  | 'stale buttons';
