/** How an interaction is answered: acknowledged within three seconds, shown for a quarter of an hour, then by direct message. */
import { NotFound } from '../../engine/errors.ts';
import type { SurfaceServices } from '../../engine/services.ts';
import type { Reply } from '../../engine/types.ts';
import type { Answering, ChatScreen, Place } from '../chat/chat.ts';
import { postOnce } from '../chat/post-once.ts';
import type { Connection } from './connection.ts';
import { drawn, idIn } from './messages.ts';
import { ANSWER, EPHEMERAL, type Interaction, referenceOf } from './payloads.ts';
import { isAnswered } from './refusals.ts';

/** The token of an interaction lives for 15 minutes; the last ones are left to the way there. */
const ANSWERABLE = 14.5 * 60_000;
const CHANGEABLE = 14 * 60_000;

/**
 * `thinking`: the first answer takes the place of "is thinking". `said`: the message whose button was pressed has been
 * changed, answers go below. `late`: Discord no longer takes an answer. `repeated`: somebody has answered it before.
 */
export type Ack = 'thinking' | 'said' | 'late' | 'repeated';

export interface Answers {
  /** The first response; `data` as Discord wants it. What cannot be acknowledged is still done, and told directly. */
  acknowledge(
    interaction: Interaction,
    type: number,
    data?: Record<string, unknown>,
  ): Promise<Exclude<Ack, 'thinking'>>;
  /** "is thinking", seen by the person alone unless the conversation is. */
  think(interaction: Interaction, place: Place): Promise<Ack>;
  answering(interaction: Interaction, speaker: string, place: Place, ack: Ack): Answering;
}

export function createAnswers(o: {
  connection: Pick<Connection, 'call'>;
  screen: ChatScreen;
  services: Pick<SurfaceServices, 'controls' | 'clock' | 'log'>;
  signal: AbortSignal;
}): Answers {
  const { connection, screen, services, signal } = o;
  const { clock, log, controls } = services;
  const received = new WeakMap<Interaction, number>();

  const acknowledge: Answers['acknowledge'] = async (interaction, type, data) => {
    received.set(interaction, clock.now().getTime());
    try {
      await connection.call('POST', `/interactions/${interaction.id}/${interaction.token}/callback`, {
        body: { type, ...(data === undefined ? {} : { data }) },
        bare: true,
        signal,
      });
      return 'said';
    } catch (error) {
      signal.throwIfAborted();
      // The library's own error is the cause of ours.
      if (isAnswered(error instanceof Error ? error.cause : undefined)) return 'repeated';
      log('warn', 'discord.late', { interaction: interaction.id, type, error });
      return 'late';
    }
  };

  return {
    acknowledge,
    async think(interaction, { alone }) {
      const ack = await acknowledge(interaction, ANSWER.defer, alone ? {} : { flags: EPHEMERAL });
      return ack === 'said' ? 'thinking' : ack;
    },
    answering(interaction, speaker, place, ack) {
      const { id, application_id, token } = interaction;
      const route = `/webhooks/${application_id}/${token}` as const;
      const began = received.get(interaction) ?? clock.now().getTime();
      let thinking = ack === 'thinking';
      let late = ack === 'late';
      let shown: string | undefined;
      let direct = 0;

      async function directly(reply: Reply): Promise<string> {
        const conversation = place.alone ? place.conversation : await screen.direct(speaker, signal);
        return postOnce({ screen, clock }, conversation, reply, { key: `late/${id}/${direct++}`, signal });
      }

      async function answered(reply: Reply): Promise<string | undefined> {
        const flags = place.alone ? 0 : EPHEMERAL;
        const { body, files } = await drawn(reply, controls, thinking ? {} : { flags });
        const message = thinking
          ? await connection.call('PATCH', `${route}/messages/@original`, { body, files, bare: true, signal })
          : await connection.call('POST', route, { body, files, bare: true, signal });
        thinking = false;
        shown = idIn(message);
        return shown === undefined ? undefined : referenceOf(place.conversation, shown);
      }

      return {
        async show(reply) {
          late ||= clock.now().getTime() - began >= ANSWERABLE;
          if (late) return directly(reply);
          try {
            return await answered(reply);
          } catch (error) {
            if (!(error instanceof NotFound)) throw error;
            late = true;
            return directly(reply);
          }
        },
        async replace(reply) {
          if (shown === undefined || late || clock.now().getTime() - began >= CHANGEABLE) {
            throw new NotFound('It is too late to change that answer in Discord.', { code: 'gone' });
          }
          const { body, files } = await drawn(reply, controls);
          await connection.call('PATCH', `${route}/messages/${shown}`, { body, files, bare: true, signal });
        },
        async nothing() {
          if (!thinking || late) return;
          thinking = false;
          try {
            await connection.call('DELETE', `${route}/messages/@original`, { bare: true, signal });
          } catch (error) {
            if (!(error instanceof NotFound)) throw error;
          }
        },
      };
    },
  };
}
