/** `run <plan>`: one run now, whatever the schedule says. */
import { closedFolder, openLocalFolder } from '../places.ts';
import type { Services } from '../services.ts';
import type { Caller, Location, Plan } from '../types.ts';
import type { Command } from './command.ts';
import { cardOf, followRun } from './follow.ts';
import { newestRun, planOf } from './plan-of.ts';

/**
 * A folder that came with an adopted backup: its manifest named it, not this owner. Whoever hands someone a disk must not
 * have their folders copied onto it by a mere `run`, so the owner is asked once, with the folder named.
 */
async function unopened(services: Services, caller: Caller, plan: Plan): Promise<Location | undefined> {
  if (caller.surface !== 'terminal' || caller.person.role !== 'owner') return undefined;
  return closedFolder(services, [plan.source, ...plan.destinations]);
}

export const run: Command<'run'> = {
  name: 'run',
  summary: 'Run a backup now.',
  example: 'run "Pictures to usb"',
  needs: 'member',
  async danger(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `run ${name}`);
    const folder = await unopened(services, caller, plan);
    if (!folder) return undefined;
    return {
      title: `Open the folder ${folder.text} to ${plan.name}?`,
      text: `${plan.name} was taken over from its destination, and names this folder of the machine. It is copied to ${plan.destinations.map(({ text }) => text).join(', ')}.`,
      label: `Open it and run ${plan.name}`,
    };
  },
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `run ${name}`);
    if (caller.confirmed && (await unopened(services, caller, plan))) {
      for (const place of [plan.source, ...plan.destinations]) await openLocalFolder(services, caller, place);
    }
    const before = await newestRun(services, plan);
    const started = await services.backup.start(plan, 'person', args.anyway === true);
    if (before?.id === started.id && started.state === 'running' && caller.surface !== 'terminal') {
      // Its card is already there and goes on; a second one beside it would only confuse.
      const now = cardOf(plan, started, caller);
      yield { ...now, tone: 'plain', title: `Already running. ${now.title}` };
      return;
    }
    yield* followRun(services, caller, plan, started);
  },
};
