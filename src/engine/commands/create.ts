/** `backup <source> to <destination> ...`: checks everything, stores the plan, starts the first run. */
import type { Services } from '../services.ts';
import type { Caller, Plan, Reply } from '../types.ts';
import type { Command } from './command.ts';
import { checkPlaces, draftPlan } from './draft.ts';
import { followRun } from './follow.ts';
import { planForms } from './form-for.ts';
import { timeForm } from './forms.ts';
import { quote } from './grammar/words.ts';
import { destinationsOf, filterWords, planData, retentionWords, scheduleWords, sharedLine } from './plan-words.ts';
import { choice, choices, fields, good, text } from './reply.ts';
import { keepChange, undoChoice } from './take-back.ts';
import { zoneQuestion } from './zone-question.ts';

/** Nothing runs by itself once a one-line terminal command is over. */
const needsService = (plan: Plan, caller: Caller): boolean =>
  caller.surface === 'terminal' && !('manual' in plan.schedule);

function confirmation(plan: Plan, caller: Caller, services: Services, runsNow: boolean): Reply {
  const now = services.clock.now();
  const name = quote(plan.name);
  const reply = good(
    `${plan.name} is set up`,
    [
      text(scheduleWords(plan.schedule, now, name)),
      fields({
        From: plan.source.text,
        To: destinationsOf(plan),
        Files: filterWords(plan.filter),
        Keeps: plan.retention === undefined ? undefined : retentionWords(plan.retention),
      }),
      ...(needsService(plan, caller)
        ? [text('Scheduled runs happen while Keepsake is up: keep `npm start` running on this machine.')]
        : []),
      ...(runsNow ? [text('The first run starts now.')] : []),
      ...(runsNow ? [] : choices(choice('Run the first one now', `run ${name}`))),
      timeForm(plan),
      ...planForms(caller, plan),
      ...choices(undoChoice(plan)),
      sharedLine(plan),
    ],
    planData(plan, caller, now),
  );
  return reply;
}

export const create: Command<'create'> = {
  name: 'create',
  summary: 'Set up a backup and start it.',
  example: 'backup ~/Pictures to /mnt/usb weekly',
  needs: 'member',
  async *run(args, caller, services) {
    const draft = await draftPlan(services, caller, args);
    await checkPlaces(services, draft, caller.signal);
    const stored = await services.store.put('plans', draft);
    const plan = await services.scheduler.schedule(stored).catch(async (error: unknown) => {
      // A plan that cannot be scheduled would look safe and never run.
      await services.store.remove('plans', stored.id);
      throw error;
    });
    const once = 'at' in plan.schedule && !('everyDays' in plan.schedule);
    await keepChange(services, caller, 'create', { after: plan });
    yield { ...confirmation(plan, caller, services, !once), about: { plan: plan.id } };
    const question = await zoneQuestion(services, caller, plan);
    if (question) yield question;
    if (once) return;
    yield* followRun(services, caller, plan, await services.backup.start(plan, 'person'));
  },
};
