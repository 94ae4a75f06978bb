/** `resume <plan>`: the schedule goes on, and so does a run that waited for its owner. */
import type { Command } from './command.ts';
import { followRun } from './follow.ts';
import { quote } from './grammar/words.ts';
import { changePlan, newestRun, planOf } from './plan-of.ts';
import { planData, scheduleWords } from './plan-words.ts';
import { choice, choices, good, text } from './reply.ts';

export const resume: Command<'resume'> = {
  name: 'resume',
  summary: 'Let a paused backup go on.',
  example: 'resume "Pictures to usb"',
  needs: 'member',
  async *run(args, caller, services) {
    const found = await planOf(services, caller, args.plan, (name) => `resume ${name}`);
    const now = services.clock.now();
    const name = quote(found.name);
    const active = await changePlan(services, found.id, ({ pausedUntil: _, ...plan }) => ({
      ...plan,
      state: 'active',
    }));
    const plan = await services.scheduler.schedule(active);
    const waiting = (await newestRun(services, plan))?.state === 'waiting';
    yield good(
      found.state === 'paused' ? `${plan.name} goes on` : `${plan.name} is on`,
      [
        text(scheduleWords(plan.schedule, now, name)),
        ...choices(choice('Run now', `run ${name}`, 'primary'), choice('Pause', `pause ${name}`)),
      ],
      planData(plan, caller, now),
    );
    if (waiting) yield* followRun(services, caller, plan, await services.backup.start(plan, 'resume'));
  },
};
