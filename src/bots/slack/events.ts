/** What Slack's events say, read out of their JSON. Nothing here calls anything. (docs.slack.dev/interactivity, docs.slack.dev/apis/events-api) */
import type { Instant } from '../../engine/types.ts';

export type Json = Record<string, unknown>;

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** What stands at a path; undefined where there is none. */
export const read = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((at, step) => (isJson(at) ? at[step] : undefined), value);

/** The text at a path; empty texts count as none. */
export function wordAt(value: unknown, ...path: (string | number)[]): string | undefined {
  const found = read(value, ...path);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

export const jsonAt = (value: unknown, ...path: (string | number)[]): Json | undefined => {
  const found = read(value, ...path);
  return isJson(found) ? found : undefined;
};

/** Who did something, and where. */
export interface Origin {
  team: string;
  enterprise?: string;
  user: string;
  /** The name that the event itself tells, if it does. */
  name?: string;
  /** Absent for what was done on the home page or in a modal. */
  channel?: string;
  /** The thread in which it was said. */
  thread?: string;
  /** The event's own key: a repeated delivery has the same. */
  key: string;
}

export interface Spoken extends Origin {
  line: string;
}

const optional = <K extends string>(name: K, value: string | undefined): { [P in K]?: string } =>
  value === undefined ? {} : ({ [name]: value } as { [P in K]?: string });

/** `https://…`, `#channel`, `@name` instead of Slack's `<…>`; then the three characters that it escapes. */
export const typedText = (text: string): string =>
  text
    .replace(/<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>/g, (_, sign: string, target: string, label: string | undefined) => {
      if (sign !== '') return `${sign === '!' ? '@' : sign}${label ?? target}`;
      return target.startsWith('mailto:') || target.startsWith('tel:') ? (label ?? target) : target;
    })
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .trim();

/** `/backup …`; a bare one has an empty line. Undefined for what is no such thing. */
export function commandSpoken(body: Json): Spoken | undefined {
  const team = wordAt(body, 'team_id');
  const user = wordAt(body, 'user_id');
  const trigger = wordAt(body, 'trigger_id');
  if (team === undefined || user === undefined || trigger === undefined) return undefined;
  return {
    team,
    ...optional('enterprise', wordAt(body, 'enterprise_id')),
    user,
    ...optional('name', wordAt(body, 'user_name')),
    ...optional('channel', wordAt(body, 'channel_id')),
    key: `command/${trigger}`,
    line: typedText(wordAt(body, 'text') ?? ''),
  };
}

/** The workspace through which the bot heard an event; in a shared channel it is not the speaker's. */
export const eventTeam = (body: Json): string | undefined =>
  wordAt(body, 'authorizations', 0, 'team_id') ?? wordAt(body, 'team_id');

export const eventEnterprise = (body: Json): string | undefined =>
  wordAt(body, 'authorizations', 0, 'enterprise_id') ?? wordAt(body, 'enterprise_id');

/** Messages with these are said by a person all the same. */
const PLAIN = new Set<string | undefined>([undefined, 'file_share', 'thread_broadcast']);

/** A direct message or a mention. Undefined for edits, joins, other bots, ourselves, and messages that only pass by. */
export function messageSpoken(body: Json): Spoken | undefined {
  const event = jsonAt(body, 'event');
  const team = eventTeam(body);
  const user = wordAt(event, 'user');
  const channel = wordAt(event, 'channel');
  const ts = wordAt(event, 'ts');
  if (team === undefined || user === undefined || channel === undefined || ts === undefined) return undefined;
  const subtype = wordAt(event, 'subtype');
  if (!PLAIN.has(subtype) || wordAt(event, 'bot_id') !== undefined) return undefined;
  const bot = wordAt(body, 'authorizations', 0, 'user_id');
  if (user === bot || user === 'USLACKBOT') return undefined;
  const direct = wordAt(event, 'channel_type') === 'im' || channel.startsWith('D');
  // A mention in a direct message arrives as a message too.
  if ((wordAt(event, 'type') === 'app_mention') === direct) return undefined;
  const text = wordAt(event, 'text') ?? '';
  const own =
    bot === undefined ? /^\s*<@[UW][A-Z0-9]+(\|[^>]*)?>[\s:,]*/ : new RegExp(`<@${bot}(\\|[^>]*)?>[\\s:,]*`, 'g');
  return {
    team,
    ...optional('enterprise', eventEnterprise(body)),
    user,
    channel,
    ...optional('thread', wordAt(event, 'thread_ts')),
    // The message itself, not the event: a mention that comes as two events is one line.
    key: `message/${channel}/${ts}`,
    line: typedText(direct && bot === undefined ? text : text.replace(own, ' ')),
  };
}

const interactive = (body: Json, key: string): Origin | undefined => {
  const team = wordAt(body, 'team', 'id') ?? wordAt(body, 'user', 'team_id');
  const user = wordAt(body, 'user', 'id');
  if (team === undefined || user === undefined) return undefined;
  return {
    team,
    ...optional('enterprise', wordAt(body, 'enterprise', 'id')),
    user,
    ...optional('name', wordAt(body, 'user', 'name') ?? wordAt(body, 'user', 'username')),
    ...optional('channel', wordAt(body, 'channel', 'id') ?? wordAt(body, 'container', 'channel_id')),
    ...optional('thread', wordAt(body, 'container', 'thread_ts') ?? wordAt(body, 'message', 'thread_ts')),
    key,
  };
};

/** `1763823600.000200` as an instant. */
export function instantOf(ts: string | undefined): Instant | undefined {
  const seconds = Number(ts);
  return ts === undefined || !Number.isFinite(seconds) || seconds <= 0
    ? undefined
    : new Date(Math.floor(seconds * 1000)).toISOString();
}

export interface Press extends Origin {
  action: Json;
  /** What is on the button. */
  label?: string;
  /** The message it stands below; absent on the home page. */
  message?: string;
  /** Only one person saw that message. */
  ephemeral: boolean;
  /** When the message was made or last replaced. */
  pressed?: Instant;
  /** The message's blocks, where Slack tells them. */
  blocks?: Json[];
  trigger?: string;
  /** The same for two presses of the same button: a double click. */
  twice: string;
}

export function pressOf(body: Json): Press | undefined {
  const action = jsonAt(body, 'actions', 0);
  const user = wordAt(body, 'user', 'id');
  const message = wordAt(body, 'container', 'message_ts') ?? wordAt(body, 'message', 'ts');
  const at = `${user}/${message ?? wordAt(body, 'container', 'view_id') ?? ''}`;
  const origin = interactive(body, `action/${at}/${wordAt(action, 'action_ts') ?? wordAt(body, 'trigger_id') ?? ''}`);
  if (action === undefined || origin === undefined) return undefined;
  const made = wordAt(body, 'message', 'edited', 'ts') ?? message;
  const pressed = instantOf(made);
  const blocks = read(body, 'message', 'blocks');
  const value = wordAt(action, 'selected_option', 'value') ?? wordAt(action, 'value') ?? '';
  return {
    ...origin,
    action,
    ...optional('label', wordAt(action, 'selected_option', 'text', 'text') ?? wordAt(action, 'text', 'text')),
    ...optional('message', message),
    ephemeral: read(body, 'container', 'is_ephemeral') === true,
    ...(pressed === undefined ? {} : { pressed }),
    ...(Array.isArray(blocks) ? { blocks: blocks.filter(isJson) } : {}),
    ...optional('trigger', wordAt(body, 'trigger_id')),
    twice: `${at}/${wordAt(action, 'action_id') ?? ''}/${value}`,
  };
}

export interface ShortcutUse extends Origin {
  name: string;
  trigger: string;
  /** The message it was used on. */
  message?: string;
}

export function shortcutOf(body: Json): ShortcutUse | undefined {
  const name = wordAt(body, 'callback_id');
  const trigger = wordAt(body, 'trigger_id');
  const origin = interactive(body, `shortcut/${trigger ?? ''}`);
  if (name === undefined || trigger === undefined || origin === undefined) return undefined;
  return { ...origin, name, trigger, ...optional('message', wordAt(body, 'message', 'ts')) };
}

export interface Submission extends Origin {
  callback: string;
  metadata: string;
  values: Record<string, Record<string, Json>>;
}

export function submissionOf(body: Json): Submission | undefined {
  const view = jsonAt(body, 'view');
  const origin = interactive(body, `view/${wordAt(view, 'id') ?? ''}`);
  const values = jsonAt(view, 'state', 'values');
  if (origin === undefined || wordAt(body, 'type') !== 'view_submission') return undefined;
  return {
    ...origin,
    callback: wordAt(view, 'callback_id') ?? '',
    metadata: wordAt(view, 'private_metadata') ?? '',
    values: Object.fromEntries(
      Object.entries(values ?? {}).map(([block, inputs]) => [
        block,
        Object.fromEntries(
          Object.entries(isJson(inputs) ? inputs : {}).filter((one): one is [string, Json] => isJson(one[1])),
        ),
      ]),
    ),
  };
}

export interface Completion extends Origin {
  /** What the field is completed with, as `Wanted.of` says it. */
  of: string;
  typed: string;
  metadata: string;
}

export function completionOf(body: Json): Completion | undefined {
  const origin = interactive(body, 'completion');
  const of = /^suggest:(\w+)$/.exec(wordAt(body, 'action_id') ?? '')?.[1];
  if (origin === undefined || of === undefined) return undefined;
  return {
    ...origin,
    of,
    typed: wordAt(body, 'value') ?? '',
    metadata: wordAt(body, 'view', 'private_metadata') ?? '',
  };
}

/** "yes" and "no" below a question that can be answered once; see engine/commands/confirm.ts. */
export const isAnswer = (line: string): boolean => /^(yes|no) [0-9a-z]{8}$/.test(line);
