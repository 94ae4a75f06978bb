/** `stop <plan>`: ends the run that is going on; what is copied stays. */
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { planOf } from './plan-of.ts';
import { choice, choices, good, plain, text } from './reply.ts';
import { runData } from './run-words.ts';

export const stop: Command<'stop'> = {
  name: 'stop',
  summary: 'Stop a run that is going on.',
  example: 'stop "Pictures to usb"',
  needs: 'member',
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `stop ${name}`);
    const name = quote(plan.name);
    const run = await services.backup.stop(plan);
    if (!run) {
      yield plain(
        `${plan.name} is not running.`,
        choices(choice('Run now', `run ${name}`), choice('Pause', `pause ${name}`)),
      );
      return;
    }
    yield {
      ...good(
        `${plan.name} is stopping`,
        [
          text('It ends at the next chunk. What is copied stays, and the next run goes on from there.'),
          ...choices(choice('Run again', `run ${name}`), choice('Pause it', `pause ${name}`)),
        ],
        runData(run),
      ),
      live: `stop:${run.id}`,
    };
  },
};
