/** `pause <plan> [until ...]`: no scheduled runs until then. */
import { hasEnded } from '../backup/report.ts';
import { UsageError } from '../errors.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { changePlan, newestRun, planOf } from './plan-of.ts';
import { planData } from './plan-words.ts';
import { choice, choices, fields, good, text } from './reply.ts';

export const pause: Command<'pause'> = {
  name: 'pause',
  summary: 'Hold the schedule of a backup.',
  example: 'pause "Pictures to usb" until monday',
  needs: 'member',
  async *run(args, caller, services) {
    const found = await planOf(services, caller, args.plan, (name) => `pause ${name}`);
    const now = services.clock.now();
    const { until } = args;
    if (until !== undefined && until <= now.toISOString()) {
      throw new UsageError('That time has passed, so the backup stays as it is.', {
        code: 'in_the_past',
        advice: 'Name a time to come, for example: until monday at 9:00',
      });
    }
    const name = quote(found.name);
    const paused = await changePlan(services, found.id, ({ pausedUntil: _, ...plan }) => ({
      ...plan,
      state: 'paused',
      ...(until === undefined ? {} : { pausedUntil: until }),
    }));
    const plan = await services.scheduler.schedule(paused);
    const run = await newestRun(services, plan);
    yield good(
      `${plan.name} is paused`,
      [
        until === undefined ? text('It stays so until you resume it.') : fields({ Until: { at: until } }),
        ...(run && !hasEnded(run) ? [text(`The run that is going on is not touched; to end it: stop ${name}`)] : []),
        ...choices(choice('Resume', `resume ${name}`, 'primary'), choice('Run once now', `run ${name}`)),
      ],
      planData(plan, caller, now),
    );
  },
};
