/** `share <plan>`: a channel sees the progress and the reports of a backup. */
import { changeDoc } from '../people/change.ts';
import type { Services } from '../services.ts';
import type { OutboxMessage, Plan } from '../types.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { surfaceWords } from './person-of.ts';
import { changePlan, planOf } from './plan-of.ts';
import { choice, choices, good, plain, text } from './reply.ts';

/** Where a plan is shown besides to its owner, as the caller may be told. */
export const sharedWords = (conversation: string, here: string | undefined): string =>
  conversation === here ? 'this channel' : `a channel in ${surfaceWords(conversation.split(':')[0] ?? '')}`;

/** Reports wait for the morning, or for a service that is away: those for a channel go to the owner alone from now on. */
export async function withdrawReports({ store }: Pick<Services, 'store'>, plan: Plan): Promise<void> {
  const waiting: OutboxMessage[] = [];
  for await (const message of store.find('outbox', { index: 'state+due', equals: ['waiting'] })) {
    if (message.about?.plan === plan.id && message.conversation !== undefined) waiting.push(message);
  }
  for (const { id } of waiting) await changeDoc(store, 'outbox', id, ({ conversation: _, ...message }) => message);
}

export const share: Command<'share'> = {
  name: 'share',
  summary: 'Show the progress and reports of a backup in this channel.',
  example: 'share "Pictures to usb" here',
  needs: 'member',
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `share ${name}`);
    const name = quote(plan.name);
    const { conversation } = caller;
    if (conversation === undefined || caller.alone === true) {
      yield {
        ...plain(`A backup is shared with the channel in which you say so.`, [
          text(`Go to a channel in Slack or Discord that I am in, and type there: /backup share ${name}`),
          ...(plan.conversation === undefined
            ? []
            : [
                text(`It is shared with ${sharedWords(plan.conversation, conversation)} now.`),
                ...choices(choice('Stop sharing', `unshare ${name}`)),
              ]),
        ]),
        onlyForCaller: true,
      };
      return;
    }
    if (plan.conversation === conversation) {
      yield {
        ...plain(
          `${plan.name} is shared with this channel already.`,
          choices(choice('Stop sharing', `unshare ${name}`)),
        ),
        onlyForCaller: true,
      };
      return;
    }
    const before = plan.conversation;
    await changePlan(services, plan.id, (stored) => ({ ...stored, conversation }));
    if (before !== undefined) await withdrawReports(services, plan);
    yield {
      ...good(
        `${caller.person.name} shares the backup ${plan.name} with this channel: its progress and reports are shown here.`,
        [
          ...(before === undefined ? [] : [text('The channel it was shared with before no longer sees it.')]),
          text('Only its owner can change it.'),
          ...choices(choice('Stop sharing', `unshare ${name}`)),
        ],
        { plan: plan.id, name: plan.name, conversation },
      ),
      shared: true,
      about: { plan: plan.id },
    };
  },
};
