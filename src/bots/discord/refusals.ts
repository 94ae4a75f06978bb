/** What Discord's refusals mean for us. Pure; codes: https://docs.discord.com/developers/topics/opcodes-and-status-codes */
import { AuthRequired, isKeepsakeError, isPassing, NotAllowed, NotFound, RetryLater } from '../../engine/errors.ts';

/** Gone: a message (10008), a channel (10003), an interaction (10062, 10015) or its token (50027). */
const GONE = new Set([10003, 10008, 10015, 10062, 50027]);
/** Takes no messages from us: by choice, or because no server is shared any more. */
const CLOSED = new Set([50007, 50278]);
const REFUSED_TOKEN = new Set([40001, 50014]);
/** Already answered: this delivery is a repetition. */
const ANSWERED = 40060;

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

export const isAnswered = (error: unknown): boolean => field(error, 'code') === ANSWERED;

export const tokenRefused = (cause?: unknown): AuthRequired =>
  new AuthRequired('Discord refuses the token of the bot, so nobody can talk to Keepsake there. Backups go on.', {
    code: 'discord_token',
    advice:
      'Make a new one at discord.com/developers/applications under "Bot", "Reset Token", put it into DISCORD_TOKEN and start Keepsake again.',
    cause,
  });

/** As one of our classes where it says what happens next; the library's own error is the cause. */
export function discordError(error: unknown): Error {
  if (isKeepsakeError(error)) return error;
  const code = field(error, 'code');
  const status = field(error, 'status');
  const after = field(error, 'retryAfter');
  const words = error instanceof Error ? error.message : String(error);
  if (typeof after === 'number') {
    return new RetryLater('Discord asks for a pause.', { after: Math.max(after, 0), cause: error });
  }
  if (typeof code === 'number' && GONE.has(code)) {
    return new NotFound('That message is no longer there in Discord.', { code: 'gone', cause: error });
  }
  if (typeof code === 'number' && CLOSED.has(code)) {
    return new NotAllowed('This person takes no direct messages from the bot.', {
      code: 'closed',
      advice: 'Allow direct messages in the privacy settings of a server that the bot is in.',
      cause: error,
    });
  }
  if (status === 401 || (typeof code === 'number' && REFUSED_TOKEN.has(code))) return tokenRefused(error);
  // The library forgets a token that was refused once, and then says this.
  if (words.startsWith('Expected token to be set')) return tokenRefused(error);
  if (status === 403) {
    return new NotAllowed(`The bot may not do that in Discord: ${words}.`, {
      code: 'discord_forbidden',
      advice: 'Give it "View Channel" and "Send Messages" in that channel.',
      cause: error,
    });
  }
  const away = typeof status === 'number' ? status >= 500 || status === 429 : isPassing(error) || isAbort(error);
  if (away) return new RetryLater('Discord does not answer.', { cause: error });
  return new Error(`Discord did not take what was sent: ${words}`, { cause: error });
}

/** The library gives up on a request after its own time. */
const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

const CLOSE_WORDS: Readonly<Record<number, string>> = {
  4010: 'it does not know this part of the bot (shard)',
  4011: 'the bot is in too many servers for one connection',
  4012: 'this version of its interface is gone; a newer Keepsake is needed',
  4013: 'it does not know the events that were asked for; a newer Keepsake is needed',
  4014: 'it does not grant the events that were asked for (disallowed intents)',
};

/** Why the gateway will not have us; undefined for a reason that passes. */
export function closedForGood(code: number): AuthRequired | undefined {
  if (code === 4004) return tokenRefused();
  const words = CLOSE_WORDS[code];
  if (words === undefined) return undefined;
  return new AuthRequired(`Discord ended the connection for good: ${words}. Backups go on.`, {
    code: 'discord_closed',
    advice: 'See "When something does not work" in docs/discord.md, then start Keepsake again.',
  });
}
