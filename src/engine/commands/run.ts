/** `run <plan>`: one run now, whatever the schedule says. */
import type { Command } from './command.ts';
import { cardOf, followRun } from './follow.ts';
import { newestRun, planOf } from './plan-of.ts';

export const run: Command<'run'> = {
  name: 'run',
  summary: 'Run a backup now.',
  example: 'run "Pictures to usb"',
  needs: 'member',
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `run ${name}`);
    const before = await newestRun(services, plan);
    const started = await services.backup.start(plan, 'person', args.anyway === true);
    if (before?.id === started.id && started.state === 'running' && caller.surface !== 'terminal') {
      // Its card is already there and goes on; a second one beside it would only confuse.
      const now = cardOf(plan, started);
      yield { ...now, tone: 'plain', title: `Already running. ${now.title}` };
      return;
    }
    yield* followRun(services, caller, plan, started);
  },
};
