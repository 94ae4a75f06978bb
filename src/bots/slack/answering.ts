/** How one event of Slack is answered: in the bot's own conversation with a message that stays, elsewhere to the speaker alone. */
import { NotAllowed } from '../../engine/errors.ts';
import type { Clock, Log, Reply } from '../../engine/types.ts';
import type { Answering, Place } from '../chat/chat.ts';
import { postOnce } from '../chat/post-once.ts';
import type { Respond } from './connection.ts';
import type { Drawing } from './drawing.ts';
import type { Origin } from './events.ts';
import type { SlackScreen } from './screen.ts';
import { identityOf } from './speakers.ts';

interface Order {
  origin: Origin;
  where: Place;
  respond: Respond | undefined;
  screen: SlackScreen;
  drawing: Drawing;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** In the conversation with the bot: messages, which stay, can be found again and can be replaced. */
function inDirect({ origin, where, screen, clock, signal }: Order): Answering {
  let nth = 0;
  let last: string | undefined;
  return {
    async show(reply) {
      const posting = { key: `${origin.key}/${nth++}`, signal };
      last = await postOnce({ screen, clock }, where.conversation, reply, posting);
      return last;
    },
    async replace(reply) {
      if (last !== undefined) await screen.edit(last, reply, signal);
    },
  };
}

/**
 * In a channel, and in conversations of other people: the address of the event first, then a message for one pair of eyes,
 * and what neither can take goes to the direct conversation.
 */
function inChannel(order: Order): Answering {
  const { origin, where, respond, screen, drawing, clock, log, signal } = order;
  let first = true;
  let nth = 0;

  const directly = async (reply: Reply): Promise<void> => {
    const conversation = await screen.direct(identityOf(origin), signal);
    await postOnce({ screen, clock }, conversation, reply, { key: `${origin.key}/${nth++}`, signal });
  };

  /** Undefined when it is not possible (any more): used up, or older than half an hour. */
  const responded = async (reply: Reply): Promise<true | undefined> => {
    if (!first || respond === undefined) return undefined;
    first = false;
    const { text, blocks } = await drawing.message(reply);
    try {
      await respond({ response_type: 'ephemeral', replace_original: false, text, blocks });
      return true;
    } catch (error) {
      log('warn', 'slack.not_responded', { error });
      return undefined;
    }
  };

  const whispered = async (reply: Reply): Promise<true | undefined> => {
    try {
      await screen.whisper(where.conversation, origin.user, reply, origin.thread);
      return true;
    } catch (error) {
      // The bot is not in that conversation, so nobody there sees anything of it.
      if (error instanceof NotAllowed) return undefined;
      throw error;
    }
  };

  return {
    async show(reply) {
      if ((await responded(reply)) ?? (await whispered(reply))) await screen.hand(identityOf(origin), reply);
      else await directly(reply);
      return undefined;
    },
  };
}

export const createAnswering = (order: Order): Answering => (order.where.alone ? inDirect(order) : inChannel(order));
