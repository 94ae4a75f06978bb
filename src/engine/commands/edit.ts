/** `edit <plan> ...`: changes just what was said; places stay, because another place is another backup. */
import { isDeepStrictEqual } from 'node:util';
import type { Caller, Filter, Plan, Reply } from '../types.ts';
import type { Command, CommandArgs } from './command.ts';
import { checkName } from './draft.ts';
import { planForms } from './form-for.ts';
import { quote } from './grammar/words.ts';
import { accountsOf } from './locate.ts';
import { planLine } from './plan-line.ts';
import { changePlan, planOf, visiblePlans } from './plan-of.ts';
import { changedFields, planData, planFields, sharedLine } from './plan-words.ts';
import { choice, choices, good, plain, text } from './reply.ts';
import { keepChange, undoChoice } from './take-back.ts';

type Args = CommandArgs['edit'];

/** What stays of a filter. */
function kept(filter: Filter, { clearFilter, without = [] }: Args): Filter {
  if (clearFilter) return {};
  const rest = { ...filter };
  for (const part of without) delete rest[part];
  return rest;
}

function changed(plan: Plan, args: Args): Plan {
  const { retention: oldRetention, limit: oldLimit, layout: oldLayout, ...rest } = plan;
  const retention = args.retention === 'everything' ? undefined : (args.retention ?? oldRetention);
  const limit = args.limit ?? oldLimit;
  const layout = args.layout ?? oldLayout;
  return {
    ...rest,
    name: args.name ?? plan.name,
    schedule: args.schedule ?? plan.schedule,
    filter: { ...kept(plan.filter, args), ...args.filter },
    report: args.report ?? plan.report,
    ...(retention === undefined ? {} : { retention }),
    ...(limit ? { limit } : {}),
    ...(layout ? { layout } : {}),
  };
}

const saysNothing = ({ plan: _, ...said }: Args): boolean => Object.keys(said).length === 0;

/** For a bare `edit`: everything that can be changed, as it is now. */
const question = (plan: Plan, caller: Caller, now: Date): Reply => ({
  ...plain(
    `What should change in ${plan.name}?`,
    [
      text(`For example: \`edit ${quote(plan.name)} daily at 03:00 keep 30 days\``),
      ...planForms(caller, plan),
      sharedLine(plan),
    ],
    planData(plan, caller, now),
  ),
  onlyForCaller: true,
  about: { plan: plan.id },
});

const isSo = (plan: Plan, args: Args): boolean => isDeepStrictEqual(changed(plan, args), plan);

const alreadySo = (plan: Plan, caller: Caller, now: Date): Reply =>
  plain(
    `${plan.name} is like that already, so nothing was changed.`,
    [
      planFields(plan, now),
      ...choices(choice('Run now', `run ${quote(plan.name)}`)),
      ...planForms(caller, plan),
      sharedLine(plan),
    ],
    { ...planData(plan, caller, now), unchanged: true },
  );

const refiltered = (before: Plan, after: Plan): boolean =>
  JSON.stringify(before.filter) !== JSON.stringify(after.filter);

const narrowed = (before: Plan, after: Plan): boolean =>
  refiltered(before, after) && Object.keys(after.filter).length > 0;

/** What follows from the change and is not seen in the fields. */
function consequences(before: Plan, after: Plan, name: string): string[] {
  const narrower = narrowed(before, after);
  return [
    ...(refiltered(before, after) && !narrower ? ['The next run takes all files again.'] : []),
    ...(narrower
      ? [
          `Copies of files that the filter now leaves out stay where they are and are not renewed. What that means: \`preview ${name}\``,
        ]
      : []),
    ...(before.layout === after.layout ? [] : ['The new folders are used for files copied from now on.']),
  ];
}

async function checkNewName(
  services: Parameters<typeof visiblePlans>[0],
  caller: Caller,
  plan: Plan,
  name: string,
): Promise<void> {
  const others = (await visiblePlans(services, caller)).filter(
    (other) => other.owner === plan.owner && other.id !== plan.id,
  );
  checkName(name, others);
}

export const edit: Command<'edit'> = {
  name: 'edit',
  summary: 'Change schedule, filter, name or other options.',
  example: 'edit "Pictures to usb" daily at 03:00',
  needs: 'member',
  async *run(args, caller, services) {
    const before = await planOf(services, caller, args.plan, (name) => `edit ${name}`);
    if (saysNothing(args)) {
      yield question(before, caller, services.clock.now());
      return;
    }
    if (isSo(before, args)) {
      yield alreadySo(before, caller, services.clock.now());
      return;
    }
    if (args.name !== undefined) await checkNewName(services, caller, before, args.name);
    const accounts = await accountsOf(services, { id: before.owner });
    const stored = await changePlan(services, before.id, (plan) => {
      const next = changed(plan, args);
      return { ...next, line: planLine(next, accounts) };
    });
    const plan = args.schedule ? await services.scheduler.schedule(stored) : stored;
    await keepChange(services, caller, 'edit', { before, after: plan });
    const now = services.clock.now();
    const name = quote(plan.name);
    yield good(
      `${plan.name} is changed`,
      [
        changedFields(before, plan, now),
        ...consequences(before, plan, name).map(text),
        ...choices(
          narrowed(before, plan) ? choice('What would a run do?', `preview ${name}`) : undefined,
          undoChoice(plan),
        ),
        ...planForms(caller, plan),
        sharedLine(plan),
      ],
      planData(plan, caller, now),
    );
  },
};
