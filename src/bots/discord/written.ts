/** Lines that people write to the bot: in its direct conversations, or in a channel where they mention it. */
import { NotAllowed } from '../../engine/errors.ts';
import type { SurfaceServices } from '../../engine/services.ts';
import type { Reply } from '../../engine/types.ts';
import type { Answering, Chat, ChatScreen } from '../chat/chat.ts';
import { postOnce } from '../chat/post-once.ts';
import type { Connection } from './connection.ts';
import { type Message, type Written, writtenTo } from './payloads.ts';

const elsewhere = (name: string, url: string | undefined): Reply => ({
  tone: 'plain',
  title: `${name}, I answered in our direct messages.`,
  blocks: url === undefined ? [] : [{ kind: 'link', label: 'Show it', url }],
});

/** What was asked is not said before everybody, nor what came of it. */
const closed = (name: string): Reply => ({
  tone: 'plain',
  title: `${name}, I cannot write to you directly.`,
  blocks: [{ kind: 'text', text: 'Say it here with /backup: only you see my answer then.' }],
});

export function createWritten(o: {
  connection: Pick<Connection, 'call'>;
  screen: ChatScreen;
  chat: Chat;
  services: Pick<SurfaceServices, 'log' | 'clock'>;
  signal: AbortSignal;
}): (bot: string, message: Message) => Promise<void> {
  const { connection, screen, chat, signal } = o;
  const { log, clock } = o.services;

  function answering(id: string, { speaker, place }: Written): Answering {
    let nth = 0;
    let told = false;
    let shown: string | undefined;

    async function tellHere(reply: Reply): Promise<void> {
      if (told) return;
      told = true;
      try {
        await screen.post(place.conversation, reply, { key: `${id}/here`, signal });
      } catch (error) {
        if (!(error instanceof NotAllowed)) throw error;
      }
    }

    return {
      async show(reply) {
        const key = `${id}/${nth++}`;
        if (place.alone) {
          shown = await postOnce({ screen, clock }, place.conversation, reply, { key, signal });
          return shown;
        }
        try {
          const direct = await screen.direct(speaker.id, signal);
          shown = await postOnce({ screen, clock }, direct, reply, { key, signal });
        } catch (error) {
          if (error instanceof NotAllowed) await tellHere(closed(speaker.name));
          throw error;
        }
        await tellHere(elsewhere(speaker.name, await screen.link?.(shown, signal)));
        return shown;
      },
      async replace(reply) {
        if (shown !== undefined) await screen.edit(shown, reply, signal);
      },
    };
  }

  /** "is typing", while nothing else can be seen. Nobody misses it where it fails. */
  const typing = (conversation: string): Promise<unknown> =>
    connection
      .call('POST', `/channels/${conversation}/typing`, { signal })
      .catch((error: unknown) => signal.aborted || log('debug', 'discord.not_typing', { error }));

  return async (bot, message) => {
    const written = writtenTo(bot, message);
    if (!written) return;
    try {
      const { speaker, place, line, answers } = written;
      const showing = place.alone ? typing(place.conversation) : undefined;
      const about = answers === undefined ? undefined : await chat.about(answers);
      const said = { line, key: message.id, by: speaker, where: place, ...(about === undefined ? {} : { about }) };
      await Promise.all([showing, chat.say(said, answering(message.id, written))]);
    } catch (error) {
      if (!signal.aborted) log('error', 'discord.message_failed', { message: message.id, error });
    }
  };
}
