/** The objects of the fake Discord as its API writes them. */
import { type Json, objects, text } from './json.ts';
import type { Channel, Guild, Pending, Stored, User, World } from './world.ts';

export const FLAG = { ephemeral: 64, loading: 128, componentsV2: 32_768 };

/** View, send, embed, attach, history, external emoji, application commands. */
const MEMBER = (1n << 10n) | (1n << 11n) | (1n << 14n) | (1n << 15n) | (1n << 16n) | (1n << 18n) | (1n << 31n);
const VIEW = 1n << 10n;
const SEND = 1n << 11n;
/** All of them, as an owner has. */
const EVERYTHING = (1n << 53n) - 1n;

export const userShape = (user: User): Json => ({
  id: user.id,
  username: user.name,
  discriminator: '0',
  global_name: user.bot ? null : `${user.name.slice(0, 1).toUpperCase()}${user.name.slice(1)}`,
  avatar: null,
  bot: user.bot,
  system: false,
  public_flags: 0,
  flags: 0,
});

export const permissions = (guild: Guild, user: User): bigint => (guild.owner === user.id ? EVERYTHING : MEMBER);

export const memberShape = (guild: Guild, user: User): Json => ({
  user: userShape(user),
  nick: null,
  avatar: null,
  roles: [],
  joined_at: '2026-01-05T08:00:00.000000+00:00',
  premium_since: null,
  deaf: false,
  mute: false,
  pending: false,
  flags: 0,
  communication_disabled_until: null,
  permissions: permissions(guild, user).toString(),
});

export function channelShape(world: World, channel: Channel): Json {
  const common = { id: channel.id, last_message_id: null, flags: 0 };
  if (channel.guild === undefined) {
    const other = world.users.get(channel.recipient ?? '');
    return { ...common, type: 1, recipients: other === undefined ? [] : [userShape(other)] };
  }
  const denied = (channel.hidden ? VIEW : 0n) | (channel.readOnly ? SEND : 0n);
  return {
    ...common,
    type: 0,
    guild_id: channel.guild,
    name: channel.name,
    position: 0,
    parent_id: null,
    topic: null,
    nsfw: false,
    rate_limit_per_user: 0,
    permission_overwrites: [{ id: channel.guild, type: 0, allow: '0', deny: denied.toString() }],
  };
}

export const guildShape = (world: World, guild: Guild): Json => ({
  id: guild.id,
  name: guild.name,
  owner_id: guild.owner,
  icon: null,
  splash: null,
  discovery_splash: null,
  banner: null,
  description: null,
  vanity_url_code: null,
  afk_channel_id: null,
  system_channel_id: null,
  rules_channel_id: null,
  public_updates_channel_id: null,
  safety_alerts_channel_id: null,
  afk_timeout: 300,
  verification_level: 1,
  default_message_notifications: 1,
  explicit_content_filter: 0,
  mfa_level: 0,
  nsfw_level: 0,
  premium_tier: 0,
  premium_subscription_count: 0,
  premium_progress_bar_enabled: false,
  system_channel_flags: 0,
  preferred_locale: 'en-US',
  features: [],
  emojis: [],
  stickers: [],
  roles: [
    {
      id: guild.id,
      name: '@everyone',
      color: 0,
      colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
      hoist: false,
      icon: null,
      unicode_emoji: null,
      position: 0,
      permissions: MEMBER.toString(),
      managed: false,
      mentionable: false,
      flags: 0,
    },
  ],
  joined_at: '2026-01-05T08:00:00.000000+00:00',
  large: false,
  unavailable: false,
  member_count: guild.members.length,
  voice_states: [],
  members: guild.members.flatMap((id) => {
    const user = world.users.get(id);
    return user === undefined ? [] : [memberShape(guild, user)];
  }),
  channels: [...world.channels.values()].filter((one) => one.guild === guild.id).map((one) => channelShape(world, one)),
  threads: [],
  presences: [],
  stage_instances: [],
  guild_scheduled_events: [],
  soundboard_sounds: [],
});

const iso = (ms: number): string => new Date(ms).toISOString().replace('Z', '000+00:00');

function metadata(pending: Pending, world: World): Json {
  const user = world.users.get(pending.user);
  return {
    id: pending.id,
    type: pending.type,
    user: user === undefined ? {} : userShape(user),
    authorizing_integration_owners: { 0: world.channels.get(pending.channel)?.guild ?? '0' },
  };
}

/** `full: false` is what a bot gets that may not read the words. */
export function messageShape(world: World, message: Stored, o: { full?: boolean; event?: boolean } = {}): Json {
  const full = o.full ?? true;
  const author = world.users.get(message.author) ?? world.bot;
  const channel = world.channels.get(message.channel);
  const guild = world.guilds.get(channel?.guild ?? '');
  const pending = world.interactions.get(message.interaction ?? '');
  return {
    id: message.id,
    channel_id: message.channel,
    // Without it discord.js drops direct messages of people it has not heard of.
    ...(o.event ? { channel_type: guild === undefined ? 1 : 0 } : {}),
    ...(o.event && guild ? { guild_id: guild.id, member: { ...memberShape(guild, author), user: undefined } } : {}),
    type: pending?.type === 2 ? 20 : message.replyTo === undefined ? 0 : 19,
    author: userShape(author),
    content: full ? message.content : '',
    timestamp: iso(message.at),
    edited_timestamp: message.editedAt === undefined ? null : iso(message.editedAt),
    tts: false,
    pinned: false,
    mention_everyone: message.everyone,
    mentions: message.mentions.flatMap((id) => {
      const user = world.users.get(id);
      return user === undefined ? [] : [userShape(user)];
    }),
    mention_roles: [],
    attachments: full
      ? message.files.map((file) => ({
          id: file.id,
          filename: file.name,
          size: file.bytes.byteLength,
          content_type: file.mime,
          url: `${world.url}/attachments/${message.channel}/${file.id}/${encodeURIComponent(file.name)}`,
          proxy_url: `${world.url}/attachments/${message.channel}/${file.id}/${encodeURIComponent(file.name)}`,
          ...(file.description === undefined ? {} : { description: file.description }),
        }))
      : [],
    embeds: full ? message.embeds : [],
    components: full ? message.components : [],
    flags: message.flags | (message.loading ? FLAG.loading : 0),
    ...(message.nonce === undefined ? {} : { nonce: message.nonce }),
    ...(message.replyTo === undefined
      ? {}
      : { message_reference: { type: 0, message_id: message.replyTo, channel_id: message.channel } }),
    ...(pending === undefined
      ? {}
      : {
          application_id: world.application,
          webhook_id: world.application,
          interaction_metadata: metadata(pending, world),
        }),
  };
}

/** Discord numbers the components that have no number of their own. */
export function numbered(components: unknown): Json[] {
  let last = 0;
  const used = new Set<unknown>();
  const collect = (value: Json): void => {
    if (value.id) used.add(value.id);
    for (const child of parts(value)) collect(child);
  };
  for (const one of objects(components)) collect(one);
  const next = (): number => {
    do last += 1;
    while (used.has(last));
    return last;
  };
  const give = (value: Json): Json => ({
    ...value,
    id: value.id || next(),
    ...(Array.isArray(value.components) ? { components: objects(value.components).map(give) } : {}),
    ...(value.accessory === undefined ? {} : { accessory: objects([value.accessory]).map(give)[0] }),
    ...(value.component === undefined ? {} : { component: objects([value.component]).map(give)[0] }),
  });
  return objects(components).map(give);
}

/** The components directly inside one. */
export const parts = (value: Json): Json[] => [
  ...objects(value.components),
  ...objects([value.accessory]),
  ...objects([value.component]),
];

/** A component and all in it, in reading order. */
export const deep = (values: readonly Json[]): Json[] => values.flatMap((one) => [one, ...deep(parts(one))]);

/** All words of a message, as a reader sees them. */
export const words = (message: Stored): string =>
  [message.content, ...deep(message.components).flatMap((one) => (one.type === 10 ? [text(one.content)] : []))]
    .filter((one) => one !== '')
    .join('\n');
