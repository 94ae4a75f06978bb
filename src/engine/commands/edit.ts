/** `edit <plan> ...`: changes just what was said; places stay, because another place is another backup. */
import { UsageError } from '../errors.ts';
import type { Account, Caller, Location, Plan } from '../types.ts';
import type { Command, CommandArgs, LocationText } from './command.ts';
import { checkName } from './draft.ts';
import { lineOf } from './grammar/line.ts';
import { quote } from './grammar/words.ts';
import { accountsOf } from './locate.ts';
import { changePlan, planOf, visiblePlans } from './plan-of.ts';
import { planData, planFields } from './plan-words.ts';
import { choice, choices, good, text } from './reply.ts';

type Args = CommandArgs['edit'];

const asTyped = (place: Location, accounts: readonly Account[]): LocationText => {
  const account = accounts.find((candidate) => candidate.id === place.account)?.name;
  return { text: place.text, kind: place.kind, root: place.root, ...(account === undefined ? {} : { account }) };
};

/** The line that makes the plan as it is now. */
function planLine(plan: Plan, accounts: readonly Account[]): string {
  const { name, schedule, filter, retention, report, limit, layout } = plan;
  return lineOf({
    source: asTyped(plan.source, accounts),
    destinations: plan.destinations.map((place) => asTyped(place, accounts)),
    name,
    schedule,
    filter,
    report,
    ...(retention === undefined ? {} : { retention }),
    ...(limit === undefined ? {} : { limit }),
    ...(layout === undefined ? {} : { layout }),
  });
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
    filter: { ...(args.clearFilter ? {} : plan.filter), ...args.filter },
    report: args.report ?? plan.report,
    ...(retention === undefined ? {} : { retention }),
    ...(limit ? { limit } : {}),
    ...(layout ? { layout } : {}),
  };
}

const saysNothing = ({ plan: _, ...said }: Args): boolean => Object.keys(said).length === 0;

/** What follows from the change and is not seen in the fields. */
function consequences(before: Plan, after: Plan, name: string): string[] {
  const filter = JSON.stringify(before.filter) !== JSON.stringify(after.filter);
  const narrower = Object.keys(after.filter).length > 0;
  return [
    ...(filter && !narrower ? ['The next run takes all files again.'] : []),
    ...(filter && narrower
      ? [
          `Copies of files that the filter now leaves out stay where they are and are not renewed. See what it means: preview ${name}`,
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
      throw new UsageError(`What should change in ${before.name}?`, {
        code: 'nothing_to_change',
        advice: `For example: edit ${quote(before.name)} daily at 03:00 keep 30 days`,
        choices: [{ label: `Show ${before.name}`, line: `show ${quote(before.name)}` }],
      });
    }
    if (args.name !== undefined) await checkNewName(services, caller, before, args.name);
    const accounts = await accountsOf(services, { id: before.owner });
    const stored = await changePlan(services, before.id, (plan) => {
      const next = changed(plan, args);
      return { ...next, line: planLine(next, accounts) };
    });
    const plan = args.schedule ? await services.scheduler.schedule(stored) : stored;
    const now = services.clock.now();
    const name = quote(plan.name);
    yield good(
      `${plan.name} is changed`,
      [
        planFields(plan, now),
        ...consequences(before, plan, name).map(text),
        ...choices(
          choice('Preview', `preview ${name}`),
          choice('Run now', `run ${name}`),
          choice('Show', `show ${name}`),
        ),
      ],
      planData(plan, caller, now),
    );
  },
};
