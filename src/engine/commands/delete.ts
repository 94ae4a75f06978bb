/** `delete <plan>`: forgets the plan and its catalog; every copied file stays where it is. */

import { isHeld } from '../backup/lease.ts';
import { hasEnded } from '../backup/report.ts';
import { Conflict } from '../errors.ts';
import type { Services } from '../services.ts';
import { catalogRange, versionRange } from '../store/store.ts';
import type { Caller, Plan } from '../types.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { newestRun, planOf } from './plan-of.ts';
import { destinationsOf } from './plan-words.ts';
import { choice, choices, good, text } from './reply.ts';

/** What a plan leaves in the store. Nothing at a destination is touched. */
export async function removePlan(
  { store, scheduler }: Pick<Services, 'store' | 'scheduler'>,
  plan: Plan,
): Promise<void> {
  await scheduler.cancel(plan);
  // The plan goes first: whatever a crash leaves behind after that belongs to nobody and does nothing.
  await store.remove('plans', plan.id);
  for (const index of plan.destinations.keys()) {
    for (const { from, to } of [catalogRange(plan.id, index), versionRange(plan.id, index)]) {
      await store.removeRange('catalog', from, to);
    }
  }
  const snapshots: string[] = [];
  for await (const snapshot of store.find('snapshots', { index: 'plan+started', equals: [plan.id] })) {
    snapshots.push(snapshot.id);
  }
  await store.removeMany('snapshots', snapshots);
}

/** A run whose worker died is running by its record only. */
export async function isWorked(services: Pick<Services, 'store' | 'clock'>, plan: Plan): Promise<boolean> {
  const run = await newestRun(services, plan);
  if (!run || hasEnded(run)) return false;
  return isHeld(await services.store.get('leases', plan.id), services.clock.now());
}

const find = (services: Services, caller: Caller, name: string): Promise<Plan> =>
  planOf(services, caller, name, (known) => `delete ${known}`);

export const remove: Command<'delete'> = {
  name: 'delete',
  summary: 'Delete a backup plan. The copied files stay.',
  example: 'delete "Pictures to usb"',
  needs: 'member',
  async danger(args, caller, services) {
    const plan = await find(services, caller, args.plan);
    return {
      title: `Delete ${plan.name}?`,
      text: `No more runs, and its history here is forgotten. The copied files stay in ${destinationsOf(plan)}, with everything that restoring them needs.`,
      label: `Delete ${plan.name}`,
    };
  },
  async *run(args, caller, services) {
    const plan = await find(services, caller, args.plan);
    const name = quote(plan.name);
    if (await isWorked(services, plan)) {
      throw new Conflict(`${plan.name} is running now, so it was not deleted.`, {
        code: 'is_running',
        advice: `First type: stop ${name}   Then delete it.`,
        choices: [{ label: 'Stop it', line: `stop ${name}` }],
      });
    }
    await removePlan(services, plan);
    const [first] = plan.destinations;
    yield good(
      `${plan.name} is deleted`,
      [
        text(
          `The copied files are still in ${destinationsOf(plan)}. To get the backup back with its history: adopt ${quote(first?.text ?? '')}`,
        ),
        ...choices(choice('Make it again', plan.line), choice('Bring it back', `adopt ${quote(first?.text ?? '')}`)),
      ],
      { deleted: plan.name, line: plan.line },
    );
  },
};
