/** Discord: people talk to the bot in servers and in its direct messages. Stays connected, and carries what is said to the chat. */
import { AuthRequired, RetryLater } from '../engine/errors.ts';
import type { SurfaceServices } from '../engine/services.ts';
import type { ChatSurface } from './chat/chat.ts';
import { lastWords } from './chat/last-words.ts';
import { createChat } from './chat/talk.ts';
import { createConnection } from './discord/connection.ts';
import { createInteractions } from './discord/interactions.ts';
import type { Interaction, Message } from './discord/payloads.ts';
import { registerCommands } from './discord/registration.ts';
import { createScreen } from './discord/screen.ts';
import { createWritten } from './discord/written.ts';

export interface DiscordOptions {
  token: string;
  /** The commands are registered in this server alone, where they appear at once. */
  guild?: string;
  /** Another Discord: `http://host:port`, with or without `/api` and a version behind it. */
  endpoint?: string;
  services: SurfaceServices;
}

/** Before Discord is asked again for a connection, or told the commands again. */
const PAUSES = [1_000, 2_000, 5_000, 15_000, 30_000, 60_000];
const pauseAfter = (failures: number): number => PAUSES[Math.min(failures, PAUSES.length) - 1] ?? 0;

/** An event is delivered again within minutes, when a connection is resumed. */
const REMEMBERED = 1_000;

/** True the first time. Answering a repetition would replace the answer with "this was already answered". */
function firstTimes(): (id: string) => boolean {
  const known = new Set<string>();
  return (id) => {
    if (known.has(id)) return false;
    known.add(id);
    const [oldest] = known;
    if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
    return true;
  };
}

/** Throws nothing; `run` connects. */
export function createDiscord({ token, guild, endpoint, services }: DiscordOptions): ChatSurface {
  const { clock, log } = services;
  const connection = createConnection({ token, clock, log, ...(endpoint === undefined ? {} : { endpoint }) });
  const screen = createScreen({ connection, controls: services.controls });
  const chat = createChat(services, screen);

  /** A server that the bot is not in yet, or a Discord that is away, takes the commands later. */
  async function register(application: string, signal: AbortSignal): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        const where = guild === undefined ? {} : { guild };
        return await registerCommands({ connection, services, application, signal, ...where });
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof AuthRequired) throw error;
        log('warn', 'discord.commands_not_registered', { where: guild ?? 'everywhere', failures, error });
        const asked = error instanceof RetryLater ? (error.after ?? 0) : 0;
        await clock.sleep(Math.max(asked, pauseAfter(failures)), signal);
      }
    }
  }

  /** Connects again and again until the signal is aborted. Throws `AuthRequired`. */
  async function stayConnected(
    { signal, talking }: { signal: AbortSignal; talking: AbortSignal },
    track: (work: Promise<void>) => void,
    onReady?: () => void,
  ) {
    const interact = createInteractions({ connection, screen, chat, services, signal: talking });
    const write = createWritten({ connection, screen, chat, services, signal: talking });
    const isFirst = firstTimes();
    let registering: Promise<void> | undefined;
    let bot = '';
    let failures = 0;

    const listener = {
      ready(session: { bot: string; application: string }): void {
        failures = 0;
        bot = session.bot;
        registering ??= register(session.application, signal).catch((error: unknown) => {
          if (!signal.aborted) log('error', 'discord.commands_refused', { error });
        });
        track(registering);
        onReady?.();
      },
      event(name: string, data: unknown): void {
        if (name === 'INTERACTION_CREATE') {
          const interaction = data as Interaction;
          if (!isFirst(interaction.id)) return;
          if (interaction.channel_id !== undefined) screen.learn(interaction.channel_id, interaction.guild_id);
          track(interact(interaction));
        } else if (name === 'MESSAGE_CREATE') {
          const message = data as Message;
          if (!isFirst(message.id)) return;
          screen.learn(message.channel_id, message.guild_id);
          track(write(bot, message));
        }
      },
    };

    while (!signal.aborted) {
      try {
        await connection.stay(signal, listener);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof AuthRequired) throw error;
        failures++;
        log('warn', 'discord.not_connected', { failures, error });
        await clock.sleep(pauseAfter(failures), signal).catch(() => undefined);
      }
    }
  }

  return {
    name: 'discord',
    deliverer: chat.deliverer,
    async run(signal, onReady) {
      const gone = new AbortController();
      const over = new AbortController();
      const inHand = new Set<Promise<void>>();
      const track = (work: Promise<void>): void => {
        const done = work.finally(() => inHand.delete(done));
        inHand.add(done);
      };
      const working = chat.work(over.signal);
      try {
        const connected = AbortSignal.any([signal, gone.signal]);
        await stayConnected({ signal: connected, talking: over.signal }, track, onReady);
      } finally {
        gone.abort();
        await lastWords(inHand, clock);
        over.abort(signal.reason);
        await working;
        await Promise.allSettled(inHand);
        connection.close();
      }
    },
  };
}
