/** `unshare <plan>`: only its owner sees a backup again. */
import type { Plan } from '../types.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { changePlan, planOf } from './plan-of.ts';
import { choice, choices, good, plain, text } from './reply.ts';
import { sharedWords, withdrawReports } from './share.ts';

const withoutChannel = ({ conversation: _, ...plan }: Plan): Plan => plan;

export const unshare: Command<'unshare'> = {
  name: 'unshare',
  summary: 'No longer show a backup in a channel.',
  example: 'unshare "Pictures to usb"',
  needs: 'member',
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `unshare ${name}`);
    const show = choices(choice('Show it', `show ${quote(plan.name)}`));
    if (plan.conversation === undefined) {
      yield { ...plain(`${plan.name} is not shared with a channel.`, show), onlyForCaller: true };
      return;
    }
    const where = sharedWords(plan.conversation, caller.conversation);
    await changePlan(services, plan.id, withoutChannel);
    await withdrawReports(services, plan);
    yield {
      ...good(
        `${plan.name} is no longer shared with ${where}`,
        [text('What was shown there before stays there. From now on it is told to its owner alone.'), ...show],
        { plan: plan.id, name: plan.name },
      ),
      onlyForCaller: true,
    };
  },
};
