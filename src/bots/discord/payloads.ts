/** What Discord tells, as far as it is used here, and what follows from it alone. Pure; docs.discord.com/developers. */
import type { Instant } from '../../engine/types.ts';
import type { Place, Speaker } from '../chat/chat.ts';
import type { Filled } from './command-lines.ts';

export interface User {
  id: string;
  username: string;
  global_name?: string | null;
  bot?: boolean;
}

/** A component of a message or a modal; which fields there are depends on its type. */
export interface Component {
  type: number;
  custom_id?: string;
  label?: string;
  components?: Component[];
  component?: Component;
  accessory?: Component;
  options?: { label: string; value: string }[];
  value?: string;
  values?: string[];
  content?: string;
}

export interface Message {
  id: string;
  channel_id: string;
  guild_id?: string;
  author: User;
  member?: { nick?: string | null };
  content?: string;
  type?: number;
  timestamp?: string;
  edited_timestamp?: string | null;
  mentions?: User[];
  webhook_id?: string;
  message_reference?: { message_id?: string; channel_id?: string; type?: number };
  components?: Component[];
  flags?: number;
}

interface RawOption {
  name: string;
  type: number;
  value?: string | number | boolean;
  focused?: boolean;
  options?: RawOption[];
}

export interface Interaction {
  id: string;
  application_id: string;
  type: number;
  token: string;
  guild_id?: string;
  channel_id?: string;
  channel?: { id: string; type?: number };
  context?: number;
  member?: { user: User; nick?: string | null };
  user?: User;
  locale?: string;
  message?: Message;
  data?: {
    name?: string;
    type?: number;
    options?: RawOption[];
    target_id?: string;
    custom_id?: string;
    values?: string[];
    components?: Component[];
  };
}

export const INTERACTION = { command: 2, component: 3, autocomplete: 4, modal: 5 } as const;
export const MESSAGE_COMMAND = 3;
/** Answers to interactions: docs.discord.com/developers/interactions/receiving-and-responding */
export const ANSWER = { message: 4, defer: 5, update: 7, choices: 8, modal: 9 } as const;
export const EPHEMERAL = 64;
export const COMPONENTS_V2 = 32_768;
const BOT_DM = 1;
const DM_CHANNEL = 1;
/** What people write; the rest is said by Discord itself (joins, pins, ...). */
const WRITTEN = [0, 19];

const named = (user: User, nick: string | null | undefined): string => nick || user.global_name || user.username;

/** Undefined for an interaction without a person, of which there is none that we ask for. */
export function speakerOf({ member, user, locale }: Interaction): Speaker | undefined {
  const who = member?.user ?? user;
  if (who === undefined) return undefined;
  return { id: who.id, name: named(who, member?.nick), ...(locale === undefined ? {} : { locale }) };
}

export function placeOf({ channel_id, channel, context, guild_id }: Interaction): Place {
  const alone =
    guild_id === undefined && (context ?? BOT_DM) === BOT_DM && (channel?.type ?? DM_CHANNEL) === DM_CHANNEL;
  return { conversation: channel_id ?? channel?.id ?? '', alone };
}

/** A subcommand with what was filled in; without one for a bare command, which Discord does not offer. */
export function filledIn({ data }: Interaction): { name: string; options: Filled[] } {
  const [sub] = data?.options ?? [];
  const options = (sub?.options ?? []).flatMap(({ name, value, focused }): Filled[] =>
    value === undefined ? [] : [{ name, value: String(value), ...(focused ? { focused } : {}) }],
  );
  return { name: sub?.name ?? 'status', options };
}

export const referenceOf = (channel: string, message: string): string => `${channel}/${message}`;

/** Undefined for a reference that is not ours. */
export function partsOf(reference: string): { channel: string; message: string } | undefined {
  const [channel, message, more] = reference.split('/');
  return channel && message && more === undefined ? { channel, message } : undefined;
}

/** What the person had before their eyes when they pressed. */
export function seenAt({ timestamp, edited_timestamp }: Message): Instant | undefined {
  const at = Date.parse(edited_timestamp ?? timestamp ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

export interface Written {
  speaker: Speaker;
  place: Place;
  /** Without the mention of the bot. */
  line: string;
  /** The message it answers. */
  answers?: string;
}

/**
 * A message to the bot: everything in its direct conversations, elsewhere what mentions it (only of those does Discord tell
 * the words without the privileged intent). Undefined for all others, and for other bots: two of them would talk for ever.
 */
export function writtenTo(bot: string, message: Message): Written | undefined {
  const { author, content = '', guild_id, channel_id, message_reference: of } = message;
  if (author.bot || message.webhook_id !== undefined || !WRITTEN.includes(message.type ?? 0)) return undefined;
  const alone = guild_id === undefined;
  if (!alone && !message.mentions?.some(({ id }) => id === bot)) return undefined;
  const line = content.replaceAll(`<@${bot}>`, ' ').replaceAll(`<@!${bot}>`, ' ').trim();
  // A forwarded message refers to another too (type 1), and answers nothing.
  const answers = of?.message_id !== undefined && (of.type ?? 0) === 0 ? of.message_id : undefined;
  return {
    speaker: { id: author.id, name: named(author, message.member?.nick) },
    place: { conversation: channel_id, alone },
    line: line === '' ? 'status' : line,
    ...(answers === undefined ? {} : { answers: referenceOf(of?.channel_id ?? channel_id, answers) }),
  };
}

const inside = (component: Component): Component[] => [
  ...(component.components ?? []),
  ...(component.component ? [component.component] : []),
  ...(component.accessory ? [component.accessory] : []),
];

/** The words on what was pressed, as the person read them. */
export function pressedLabel(components: readonly Component[], customId: string, value?: string): string | undefined {
  for (const component of components) {
    if (component.custom_id === customId) {
      return value === undefined ? component.label : component.options?.find((one) => one.value === value)?.label;
    }
    const found = pressedLabel(inside(component), customId, value);
    if (found !== undefined) return found;
  }
  return undefined;
}

const ACTION_ROW = 1;
const SECTION = 9;
const TEXT = 10;
const SEPARATOR = 14;
const CONTAINER = 17;

/**
 * A question that was answered: its words without its buttons, and what was chosen. Pictures and files are left out: they
 * would have to be sent again.
 */
export function answered(components: readonly Component[], chosen: string): Component[] {
  const words = (list: readonly Component[]): Component[] =>
    list.flatMap((component): Component[] => {
      if (component.type === SECTION) return words(component.components ?? []);
      if (component.type === TEXT && component.content !== undefined)
        return [{ type: TEXT, content: component.content }];
      return component.type === SEPARATOR ? [{ type: SEPARATOR }] : [];
    });
  const note: Component = { type: TEXT, content: chosen };
  const kept = components.flatMap((component): Component[] =>
    component.type === CONTAINER
      ? [{ ...component, components: words((component.components ?? []).filter(({ type }) => type !== ACTION_ROW)) }]
      : words([component]),
  );
  return [...kept.filter(({ type, components: within }) => type !== CONTAINER || within?.length !== 0), note];
}
