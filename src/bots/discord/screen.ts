/** Messages of the bot's own in Discord: posted, replaced, linked to. */
import { createHash } from 'node:crypto';
import { isKeepsakeError, NotAllowed, NotFound } from '../../engine/errors.ts';
import type { SurfaceServices } from '../../engine/services.ts';
import type { ChatScreen } from '../chat/chat.ts';
import type { Connection } from './connection.ts';
import { drawn, idIn } from './messages.ts';
import { partsOf, referenceOf } from './payloads.ts';

export interface DiscordScreen extends ChatScreen {
  /** Events tell which server a channel is in; `undefined` for direct conversations. */
  learn(channel: string, guild: string | undefined): void;
}

/** Discord takes 25 characters: https://docs.discord.com/developers/resources/message#create-message */
const nonceOf = (key: string): string => createHash('sha256').update(key).digest('base64url').slice(0, 25);

/**
 * The number of a message's outermost component, which Discord keeps and tells in the history (its nonce it does not):
 * 31 bits of the key. https://docs.discord.com/developers/components/reference#anatomy-of-a-component
 */
const markOf = (key: string): number => createHash('sha256').update(key).digest().readUInt32BE(0) >>> 1 || 1;
/** Messages looked at for an earlier try. */
const LOOK_BACK = 50;

const field = (value: unknown, name: string | number): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

const gone = (): NotFound => new NotFound('That message is no longer there in Discord.', { code: 'gone' });

/** What can be asked for again; a crowd in many servers must not fill the memory. */
const MOST_REMEMBERED = 5_000;

function createMemory<T>(): Pick<Map<string, T>, 'get' | 'has'> & { set(id: string, value: T): void } {
  const known = new Map<string, T>();
  return {
    get: (id) => known.get(id),
    has: (id) => known.has(id),
    set(id, value) {
      const [oldest] = known.keys();
      if (known.size >= MOST_REMEMBERED && !known.has(id) && oldest !== undefined) known.delete(oldest);
      known.set(id, value);
    },
  };
}

export function createScreen(o: {
  connection: Pick<Connection, 'call' | 'edit'>;
  controls: SurfaceServices['controls'];
}): DiscordScreen {
  const { call, edit } = o.connection;
  const { controls } = o;
  const guilds = createMemory<string | undefined>();
  const conversations = createMemory<string>();

  async function guildOf(channel: string, signal: AbortSignal): Promise<string | undefined> {
    if (!guilds.has(channel)) {
      const answer = await call('GET', `/channels/${channel}`, { signal });
      const guild: unknown =
        typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'guild_id') : undefined;
      guilds.set(channel, typeof guild === 'string' ? guild : undefined);
    }
    return guilds.get(channel);
  }

  /** The message of an earlier try that arrived though its answer did not; undefined also where we may not look. */
  async function earlier(channel: string, key: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const found = await call('GET', `/channels/${channel}/messages?limit=${LOOK_BACK}`, { signal });
      const messages: unknown[] = Array.isArray(found) ? found : [];
      return idIn(messages.find((one) => field(field(field(one, 'components'), 0), 'id') === markOf(key)));
    } catch (error) {
      if (error instanceof NotAllowed) return undefined;
      throw error;
    }
  }

  return {
    surface: 'discord',
    async post(conversation, reply, { key, again, signal }) {
      // With the same nonce Discord answers with the message it already has, for some minutes: a try that arrived
      // without our hearing of it is not said twice. Later, the mark tells.
      const { body, files } = await drawn(reply, controls, { nonce: nonceOf(key), enforce_nonce: true });
      const { components } = body;
      if (Array.isArray(components))
        body.components = components.map((one, n) => (n === 0 ? { id: markOf(key), ...one } : one));
      try {
        const there = again ? await earlier(conversation, key, signal) : undefined;
        if (there !== undefined) return referenceOf(conversation, there);
        const id = idIn(await call('POST', `/channels/${conversation}/messages`, { body, files, signal }));
        if (id === undefined) throw new Error('Discord took a message and did not say which one it is.');
        return referenceOf(conversation, id);
      } catch (error) {
        // Whoever cannot find the channel cannot write there either.
        if (!isKeepsakeError(error) || error.code !== 'gone') throw error;
        throw new NotAllowed('That channel is no longer there in Discord, or the bot is not in it.', {
          code: 'no_such_channel',
          advice: 'Share the backup with another channel, or let the bot in.',
          cause: error,
        });
      }
    },
    async edit(reference, reply, signal) {
      const parts = partsOf(reference);
      if (!parts) throw gone();
      const { body, files } = await drawn(reply, controls);
      await edit('PATCH', `/channels/${parts.channel}/messages/${parts.message}`, { body, files, signal });
    },
    async direct(person, signal) {
      const known = conversations.get(person);
      if (known !== undefined) return known;
      const id = idIn(await call('POST', '/users/@me/channels', { body: { recipient_id: person }, signal }));
      if (id === undefined) throw new Error('Discord opened a direct conversation and did not say which one it is.');
      conversations.set(person, id);
      guilds.set(id, undefined);
      return id;
    },
    async link(reference, signal) {
      const parts = partsOf(reference);
      if (!parts) return undefined;
      const guild = await guildOf(parts.channel, signal);
      return `https://discord.com/channels/${guild ?? '@me'}/${parts.channel}/${parts.message}`;
    },
    learn(channel, guild) {
      guilds.set(channel, guild);
    },
  };
}
