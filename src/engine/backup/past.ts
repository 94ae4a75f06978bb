/** What earlier runs of a plan left behind: work half recorded, and the newest restore point of each destination. */
import type { Store } from '../store/store.ts';
import type { Plan, Run, SnapshotRecord } from '../types.ts';

/** Whether a destination was left out: what an earlier run left half done there is still so. */
const gaveUp = (run: Run): boolean =>
  run.problems.some((problem) => problem.destination !== undefined && problem.path === undefined);

/** Runs since the last finished one, newest first: each may have left work half recorded. */
export async function unfinishedRuns(
  store: Store,
  plan: Plan,
  present: Run,
): Promise<{ unfinished: string[]; hasFinished: boolean }> {
  const unfinished: string[] = [];
  for await (const run of store.find('runs', { index: 'plan+queued', equals: [plan.id], reverse: true })) {
    if (run.id === present.id) continue;
    if (run.state === 'done' || (run.state === 'partial' && !gaveUp(run))) return { unfinished, hasFinished: true };
    if (run.started) unfinished.push(run.id);
  }
  return { unfinished, hasFinished: false };
}

export async function newestSnapshots(store: Store, plan: Plan): Promise<Map<number, SnapshotRecord>> {
  const newest = new Map<number, SnapshotRecord>();
  for await (const record of store.find('snapshots', { index: 'plan+started', equals: [plan.id], reverse: true })) {
    if (!newest.has(record.destination)) newest.set(record.destination, record);
    if (newest.size === plan.destinations.length) break;
  }
  return newest;
}
