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

const gone = (): NotFound => new NotFound('That message is no longer there in Discord.', { code: 'gone' });

export function createScreen(o: {
  connection: Pick<Connection, 'call' | 'edit'>;
  controls: SurfaceServices['controls'];
}): DiscordScreen {
  const { call, edit } = o.connection;
  const { controls } = o;
  const guilds = new Map<string, string | undefined>();
  const conversations = new Map<string, string>();

  async function guildOf(channel: string, signal: AbortSignal): Promise<string | undefined> {
    if (!guilds.has(channel)) {
      const answer = await call('GET', `/channels/${channel}`, { signal });
      const guild: unknown =
        typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'guild_id') : undefined;
      guilds.set(channel, typeof guild === 'string' ? guild : undefined);
    }
    return guilds.get(channel);
  }

  return {
    surface: 'discord',
    async post(conversation, reply, { key, signal }) {
      // With the same nonce Discord answers with the message it already has, for some minutes: a try that arrived
      // without our hearing of it is not said twice.
      const { body, files } = await drawn(reply, controls, { nonce: nonceOf(key), enforce_nonce: true });
      try {
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
