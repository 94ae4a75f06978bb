/** Everything that reads or writes destinations, as commands see it (`Backup` in `services.ts`). */
import type { Backup } from '../services.ts';
import { clearScratch } from '../store/scratch.ts';
import { adopt } from './adopt.ts';
import { find } from './find.ts';
import { preview } from './preview.ts';
import { previewRestore, restore } from './restore.ts';
import { createRuns, type Runs, type RunsOptions } from './runs.ts';
import { verify } from './verify.ts';

export function createBackup(o: RunsOptions): Backup & Pick<Runs, 'workUntil'> {
  const runs = createRuns(o);
  const { tools } = runs;
  try {
    clearScratch(tools.scratch, o.clock.now());
  } catch (error) {
    // Litter costs room and nothing else: whoever only asks for the state is still answered.
    o.log('warn', 'scratch_not_cleared', { error });
  }
  return {
    start: runs.start,
    watch: runs.watch,
    stop: runs.stop,
    work: runs.work,
    workUntil: runs.workUntil,
    preview: (plan, signal) => preview(tools, plan, signal),
    snapshots: (plan) => o.store.find('snapshots', { index: 'plan+started', equals: [plan.id], reverse: true }),
    find: (plans, words, limit, signal) => find(o.store, plans, words, limit, signal),
    previewRestore: (request, signal) => previewRestore(tools, request, signal),
    restore: (request, signal) => restore(tools, request, signal),
    verify: (plan, how, signal) => verify(tools, plan, how, signal),
    adopt: (location, owner, signal) => adopt(tools, location, owner, signal),
  };
}
