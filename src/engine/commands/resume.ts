/** `resume <plan>`: the schedule goes on, and so does a run that waited for its owner. */
import type { Services } from '../services.ts';
import type { Caller, Plan, Reply } from '../types.ts';
import type { Command } from './command.ts';
import { followRun } from './follow.ts';
import { quote } from './grammar/words.ts';
import { changePlan, newestRun, planOf } from './plan-of.ts';
import { planData, scheduleWords } from './plan-words.ts';
import { choice, choices, good, plain, text } from './reply.ts';
import { keepChange, undoChoice } from './take-back.ts';
import { deedWords, whoDid } from './who-did.ts';

async function alreadyOn(services: Services, caller: Caller, plan: Plan): Promise<Reply> {
  const deed = await whoDid(services, caller, plan.id, ['pause', 'resume', 'undo']);
  const now = services.clock.now();
  const who = deed?.command === 'resume' ? `: ${deedWords(deed, 'resumed it', caller.zone, now)}` : '';
  const name = quote(plan.name);
  return plain(
    `${plan.name} is already on${who}.`,
    [
      text(scheduleWords(plan.schedule, now, name)),
      ...choices(choice('Pause', `pause ${name}`), choice('Run now', `run ${name}`)),
    ],
    { ...planData(plan, caller, now), unchanged: true },
  );
}

export const resume: Command<'resume'> = {
  name: 'resume',
  summary: 'Let a paused backup go on.',
  example: 'resume "Pictures to usb"',
  needs: 'member',
  async *run(args, caller, services) {
    const found = await planOf(services, caller, args.plan, (name) => `resume ${name}`);
    const waiting = (await newestRun(services, found))?.state === 'waiting';
    if (found.state === 'active' && !waiting) {
      yield await alreadyOn(services, caller, found);
      return;
    }
    const now = services.clock.now();
    const name = quote(found.name);
    const active = await changePlan(services, found.id, ({ pausedUntil: _, ...plan }) => ({
      ...plan,
      state: 'active',
    }));
    const plan = await services.scheduler.schedule(active);
    if (found.state === 'paused') await keepChange(services, caller, 'resume', { before: found, after: plan });
    yield good(
      found.state === 'paused' ? `${plan.name} goes on` : `${plan.name} is on`,
      [
        text(scheduleWords(plan.schedule, now, name)),
        ...choices(
          choice('Run now', `run ${name}`, 'primary'),
          choice('Pause', `pause ${name}`),
          found.state === 'paused' ? undoChoice(plan) : undefined,
        ),
      ],
      planData(plan, caller, now),
    );
    if (waiting) yield* followRun(services, caller, plan, await services.backup.start(plan, 'resume'));
  },
};
