/** `pause <plan> [until ...]`: no scheduled runs until then. */
import { hasEnded } from '../backup/report.ts';
import { UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Caller, Instant, Plan, Reply } from '../types.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { changePlan, newestRun, planOf } from './plan-of.ts';
import { planData } from './plan-words.ts';
import { choice, choices, fields, good, plain, text } from './reply.ts';
import { keepChange, undoChoice } from './take-back.ts';
import { deedWords, whoDid } from './who-did.ts';

/**
 * Whether a pause would change nothing. A typed "pause" without an end makes one that had an end last; on a button it
 * means no more than that the plan should rest.
 */
function isSo(plan: Plan, until: Instant | undefined, pressed: boolean, now: Date): boolean {
  const over = plan.pausedUntil !== undefined && plan.pausedUntil <= now.toISOString();
  if (plan.state !== 'paused' || over) return false;
  return plan.pausedUntil === until || (until === undefined && pressed);
}

async function alreadyPaused(services: Services, caller: Caller, plan: Plan): Promise<Reply> {
  const deed = await whoDid(services, caller, plan.id, ['pause', 'resume', 'undo']);
  const now = services.clock.now();
  const who = deed?.command === 'pause' ? `: ${deedWords(deed, 'paused it', caller.zone, now)}` : '';
  return plain(
    `${plan.name} is already paused${who}.`,
    [
      ...(plan.pausedUntil === undefined ? [] : [fields({ Until: { at: plan.pausedUntil } })]),
      ...choices(choice('Resume', `resume ${quote(plan.name)}`, 'primary')),
    ],
    { ...planData(plan, caller, now), unchanged: true },
  );
}

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
    if (isSo(found, until, caller.pressed !== undefined, now)) {
      yield await alreadyPaused(services, caller, found);
      return;
    }
    const name = quote(found.name);
    const paused = await changePlan(services, found.id, ({ pausedUntil: _, ...plan }) => ({
      ...plan,
      state: 'paused',
      ...(until === undefined ? {} : { pausedUntil: until }),
    }));
    const plan = await services.scheduler.schedule(paused);
    await keepChange(services, caller, 'pause', { before: found, after: plan });
    const run = await newestRun(services, plan);
    yield good(
      `${plan.name} is paused`,
      [
        until === undefined ? text('It stays so until you resume it.') : fields({ Until: { at: until } }),
        ...(run && !hasEnded(run) ? [text(`The run that is going on is not touched; to end it: stop ${name}`)] : []),
        ...choices(
          choice('Resume', `resume ${name}`, 'primary'),
          choice('Run once now', `run ${name}`),
          undoChoice(plan),
        ),
      ],
      planData(plan, caller, now),
    );
  },
};
