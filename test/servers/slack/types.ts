/** The nouns of the Slack on loopback: what it keeps, what a test sees of it. */
import type { Clock } from '../../../src/engine/types.ts';

export type Fields = Record<string, unknown>;

export interface SlackOptions {
  mode: 'socket' | 'http';
  /** `stingy`: 429s, closed and refreshed sockets, duplicate deliveries. */
  profile?: 'normal' | 'stingy';
  signingSecret?: string;
  /** For what takes minutes (30 minutes of a response_url, retries after 1 and 5 minutes) and for the times of messages. */
  clock?: Clock;
  /** How long an acknowledgement may take, in real ms. Default: Slack's 3000. */
  ackWithin?: number;
  /** How long a trigger_id lives, in ms of the clock (one that runs faster needs more). Default: Slack's 3000. */
  triggerWithin?: number;
  /** What the bot's token of the first workspace may do. Default: what the product's manifest asks for. */
  scopes?: readonly string[];
  /** Redirect addresses that the app's settings list. Default: everything on loopback. */
  redirectUris?: readonly string[];
}

export interface SlackUser {
  id: string;
  name: string;
  realName: string;
  zone: string;
  /** Seconds east of Greenwich. */
  offset: number;
  locale: string;
  workspace: string;
}

export interface SlackChannel {
  id: string;
  name: string;
  members: string[];
  /** The person at the other end of a direct conversation. */
  direct?: string;
}

export interface SlackMessage {
  workspace: string;
  conversation: string;
  ts: string;
  at: Date;
  /** User id of who wrote it. */
  by: string;
  fromBot: boolean;
  text: string;
  blocks: Fields[];
  /** How often it was replaced. */
  edits: number;
  /** What it said before, oldest first. */
  versions: { at: Date; text: string; blocks: Fields[] }[];
  deleted: boolean;
  /** The one person who sees it. */
  only?: string;
  thread?: string;
  /** What made it: a method, `response_url`, `ack`, `person`, `slackbot` (Slack's own words to somebody). */
  via: string;
  files: SlackUpload[];
  /** What is chosen in its menus: block_id, action_id. */
  state: Record<string, Record<string, Fields>>;
}

export interface SlackUpload {
  id: string;
  workspace: string;
  name: string;
  title: string;
  /** For people who do not see it. */
  alt: string | undefined;
  bytes: Buffer;
  conversation: string | undefined;
  message: string | undefined;
}

export interface SlackView {
  id: string;
  workspace: string;
  user: string;
  type: 'modal' | 'home';
  hash: string;
  root: string;
  previous: string | undefined;
  open: boolean;
  title: string;
  callbackId: string;
  externalId: string;
  privateMetadata: string;
  blocks: Fields[];
  state: Record<string, Record<string, Fields>>;
  /** What the last submission complained about, by label. */
  errors: Record<string, string>;
  /** As the app sent it, block ids filled in. */
  raw: Fields;
  edits: number;
}

/** How one event, command or interaction was answered. */
export interface Acked {
  /** Real ms until it was acknowledged; `Infinity` when it was not. */
  ackMs: number;
  /** The acknowledgement's body, parsed where it is JSON. */
  ack: unknown;
  /** What the person saw instead. */
  failed?: 'operation_timeout' | 'dispatch_failed';
  status?: number;
}

export interface SlackDelivery extends Acked {
  kind: 'events_api' | 'slash_commands' | 'interactive';
  payload: Fields;
  attempt: number;
  at: Date;
}

export interface SlackCall {
  method: string;
  args: Fields;
  token: string;
  at: Date;
  answer: Fields;
  status: number;
}

export interface SlackToken {
  value: string;
  kind: 'bot' | 'app';
  workspace: string;
  scopes: string[];
  revoked?: 'token_revoked' | 'account_inactive';
}

export interface Outgoing {
  kind: SlackDelivery['kind'];
  payload: Fields;
  /** Whether the answer may carry a body. */
  accepts: boolean;
}

export interface Retry {
  attempt: number;
  reason: string;
}

export interface Submitted extends Acked {
  /** By label: what the form itself refused, or what the app said about an answer. Absent when it was taken. */
  errors?: Record<string, string>;
}

/** Somebody at a keyboard. Menus, buttons and questions are named by what is written on them, or by their id. */
export interface SlackPerson {
  user: SlackUser;
  slash(text: string, o?: { channel?: string; command?: string }): Promise<Acked>;
  click(on: SlackMessage | SlackView, action: string): Promise<Acked>;
  choose(on: SlackMessage | SlackView, menu: string, ...options: string[]): Promise<Acked>;
  /** What an `external_select` offers for these letters. */
  options(on: SlackMessage | SlackView, menu: string, typed: string): Promise<string[]>;
  /** Fills in by label; what is not named keeps what it began with. */
  submit(view: SlackView, values?: Record<string, string | readonly string[]>): Promise<Submitted>;
  closeView(view: SlackView): Promise<Acked | undefined>;
  /** A message shortcut. */
  shortcut(callback: string, on: SlackMessage): Promise<Acked>;
  globalShortcut(callback: string): Promise<Acked>;
  /** Writes in a channel, to the bot; `thread`: below that message. */
  mention(channel: string, text: string, o?: { thread?: string }): Promise<Acked>;
  dm(text: string, o?: { thread?: string }): Promise<Acked>;
  openHome(): Promise<Acked>;
  /** The conversation with the bot alone. */
  direct(): Promise<string>;
  /** What this person can read in a conversation, in order: with what only they see. */
  reads(conversation: string): SlackMessage[];
}

export interface SlackServer {
  /** Without a slash; the Web API is below `/api/`, installations begin at `/oauth/v2/authorize`. */
  url: string;
  botToken: string;
  appToken: string;
  signingSecret: string;
  clientId: string;
  clientSecret: string;
  appId: string;
  /** The first has the app installed; the second gets it by OAuth (`install`). */
  team: { id: string; name: string; botUser: string; botId: string };
  otherTeam: { id: string; name: string; botUser: string; botId: string };
  /** ana and ben (Berlin, New York), a stranger in the same workspace, zoe in the other. */
  users: { ana: SlackUser; ben: SlackUser; stranger: SlackUser; zoe: SlackUser };
  /** Ids: the bot is in `backups`, not in `finance`; `elsewhere` is in the other workspace. */
  channels: { backups: string; finance: string; elsewhere: string };
  as(user: string | SlackUser): SlackPerson;

  /** What everybody in a conversation sees, in order; `#name`, an id, or a person (the bot's conversation with them). */
  messages(conversation: string | SlackUser): SlackMessage[];
  /** What only this person sees, in order. */
  ephemerals(user: string | SlackUser): SlackMessage[];
  /** The open modals, the topmost last. */
  views(user: string | SlackUser): SlackView[];
  home(user: string | SlackUser): SlackView | undefined;
  /** Every text in every conversation that was not removed, in order. */
  texts(): string[];
  everything: readonly SlackMessage[];
  uploads: readonly SlackUpload[];
  calls: readonly SlackCall[];
  deliveries: readonly SlackDelivery[];
  violations: readonly string[];
  refusals: readonly string[];
  lateAcks(): number;
  /** What it gives, once it is something; looks again whenever something happened. Throws with what was seen last after `ms`. */
  waitFor<T>(look: () => T | undefined | false, ms?: number): Promise<T>;

  /** http: where the app takes requests. */
  setTarget(url: string): void;
  /** http: signs wrongly from now on; nothing to sign rightly again. */
  forge(o?: { secret?: string; timestamp?: number }): void;
  /** http: Slack's check of a new address. */
  challenge(): Promise<Acked>;
  connections(): number;
  refresh(reason?: 'warning' | 'refresh_requested' | 'link_disabled'): void;
  drop(): void;

  /** Messages get this clock's times from now on; everything that has a lifetime is measured by it. */
  setClock(clock: Clock): void;
  /** Nothing can be written to this person directly any more. */
  closeDirect(user: string | SlackUser): void;
  /** Every response_url and trigger_id given out until now is too old. */
  expire(): void;

  limit(method: string, o: { retryAfter: number; times?: number }): void;
  fail(method: string, error: string, times?: number): void;
  /** Answers with an HTTP status. */
  status(method: string, code: number, times?: number): void;
  /** Takes the call and never answers. */
  hang(method: string, times?: number): void;
  /** Does it, and the answer is lost on the way. */
  lose(method: string, times?: number): void;
  /** Does it, and never answers. */
  stall(method: string, times?: number): void;
  /** Planned faults that did not happen. */
  faultsLeft(): string[];

  /** Visits an install address as a browser would, agrees as this person, and answers the app's last page. */
  install(
    address: string,
    as: string | SlackUser,
    o?: { deny?: true },
  ): Promise<{ status: number; text: string; callback: string }>;
  token(workspace: string): string | undefined;
  /** The app is removed from a workspace: its tokens die and it is told. */
  uninstall(workspace?: string): Promise<Acked>;
  close(): Promise<void>;
}
