/** Reports out of the outbox: to the person alone, or into the conversation that a backup is shared with. */
import { NotFound } from '../../engine/errors.ts';
import type { Deliverer, SurfaceServices } from '../../engine/services.ts';
import type { OutboxMessage, Person } from '../../engine/types.ts';
import { threadId } from './cards.ts';
import type { ChatScreen } from './chat.ts';

/** Who has just seen a card fail need not be told the same below it. */
const STILL_LOOKING = 2 * 60_000;

export function createDelivery(services: SurfaceServices, screen: ChatScreen): Deliverer {
  const { threads, clock } = services;
  const { surface } = screen;

  async function placeOf({ conversation }: OutboxMessage, to: Person, signal: AbortSignal): Promise<string> {
    if (conversation !== undefined) return conversation.slice(conversation.indexOf(':') + 1);
    const identity = to.identities.find((one) => one.surface === surface);
    if (!identity) {
      throw new NotFound(`${to.name} is not known on ${surface}, so the message cannot be delivered there.`, {
        advice: 'Link the two with `link`, or look at `status`.',
      });
    }
    return screen.direct(identity.id, signal);
  }

  /** A message's first reference part is its conversation on every chat surface. */
  async function isBeforeTheirEyes(message: OutboxMessage, place: string): Promise<boolean> {
    const { run } = message.about ?? {};
    if (run === undefined) return false;
    const earliest = new Date(clock.now().getTime() - STILL_LOOKING).toISOString();
    const cards = await threads.ofRun(surface, run);
    return cards.some((card) => card.live === run && card.reference.startsWith(`${place}/`) && card.posted >= earliest);
  }

  return {
    surface,
    async deliver(message, to, signal) {
      const place = await placeOf(message, to, signal);
      if (await isBeforeTheirEyes(message, place)) return;
      const { plan, run } = message.about ?? {};
      // The outbox counts a try before it makes it; the first one has nothing behind it to look for.
      const again = message.tries > 1 || message.cutOff === true;
      const reference = await screen.post(place, message.reply, { key: message.id, again, signal });
      await threads.keep({
        id: threadId(surface, reference),
        surface,
        reference,
        ...(plan === undefined ? {} : { plan }),
        ...(run === undefined ? {} : { run }),
        posted: clock.now().toISOString(),
      });
      for (const { surface: known, id } of to.identities) if (known === surface) screen.changed?.(id);
    },
  };
}
