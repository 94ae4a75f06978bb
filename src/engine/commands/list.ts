/** `list`: all backups that the caller may see. */
import type { Cell, Choice, Plan } from '../types.ts';
import { manyWords } from '../wording.ts';
import type { Command } from './command.ts';
import { newForms } from './form-for.ts';
import { quote } from './grammar/words.ts';
import { visiblePlans } from './plan-of.ts';
import { planData, routeOf } from './plan-words.ts';
import { choice, choices, menu, plain } from './reply.ts';
import { stateWords } from './run-words.ts';
import { saySchedule } from './schedule/say.ts';

export const lastWords = (plan: Plan): string => {
  if (!plan.last) return 'never ran';
  const { state, problems } = plan.last;
  if (state === 'partial' && problems > 0) return manyWords(problems, 'problem');
  return `${stateWords(state)}${problems > 0 ? `, ${manyWords(problems, 'problem')}` : ''}`;
};

export const nextCell = (plan: Plan): Cell => {
  if (plan.state === 'paused') return 'paused';
  return plan.next === undefined ? '–' : { at: plan.next };
};

/** More than these are better chosen by name than by their place in the table. */
const FEW = 3;

const shown = (plan: Plan): Choice => choice(plan.name, `show ${quote(plan.name)}`);

export const list: Command<'list'> = {
  name: 'list',
  summary: 'Show your backups.',
  example: 'list',
  needs: 'viewer',
  looks: true,
  async *run(_args, caller, services) {
    const plans = await visiblePlans(services, caller);
    const now = services.clock.now();
    if (plans.length === 0) {
      yield plain('No backups yet.', [...choices(choice('How to make one', 'help create')), ...newForms(caller)], {
        plans: [],
      });
      return;
    }
    yield plain(
      manyWords(plans.length, 'backup'),
      [
        {
          kind: 'table',
          columns: ['Name', 'From and to', 'When', 'Next run', 'Last run'],
          rows: plans.map((plan) => [
            plan.name,
            routeOf(plan),
            'manual' in plan.schedule ? 'when you say so' : saySchedule(plan.schedule, { now, zone: caller.zone }),
            nextCell(plan),
            lastWords(plan),
          ]),
        },
        ...(plans.length > FEW
          ? menu('Show one', plans.map(shown))
          : choices(...plans.map((plan) => ({ ...shown(plan), label: `Show ${plan.name}` })))),
        ...newForms(caller),
      ],
      { plans: plans.map((plan) => planData(plan, caller, now)) },
    );
  },
};
