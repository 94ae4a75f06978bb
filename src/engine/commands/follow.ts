/** Watches a run until it ended, as replies of one live card. */
import { hasEnded, runReply } from '../backup/report.ts';
import type { Services } from '../services.ts';
import type { Caller, Plan, Reply, Run } from '../types.ts';
import { quote } from './grammar/words.ts';
import { choice, choices } from './reply.ts';
import { progressWords } from './run-words.ts';

/** In the terminal the keyboard stops it. */
function goingOn(plan: Plan, run: Run, stoppable: boolean): Reply {
  const card = runReply(run, plan);
  const stop = stoppable ? choices(choice('Stop', `stop ${quote(plan.name)}`)) : [];
  return { ...card, title: progressWords(plan, run), blocks: [...card.blocks, ...stop] };
}

/**
 * The card of a run; while it goes on, its title alone says how far it is. In the conversation that the plan is shared
 * with, everybody may see it.
 */
export function cardOf(plan: Plan, run: Run, caller?: Partial<Pick<Caller, 'conversation' | 'surface'>>): Reply {
  const card = hasEnded(run) ? runReply(run, plan) : goingOn(plan, run, caller?.surface !== 'terminal');
  const shared = plan.conversation !== undefined && plan.conversation === caller?.conversation;
  return shared ? { ...card, shared: true } : card;
}

/**
 * Yields the card of a run, last of all its result. On the terminal the run is worked in this very process, because
 * nobody else may be there to do it (one who is faster is watched instead); elsewhere by whoever takes it from the queue.
 */
export async function* followRun(services: Services, caller: Caller, plan: Plan, run: Run): AsyncIterable<Reply> {
  const here = caller.surface === 'terminal';
  const failed = new AbortController();
  let resting = !here;
  const working = here ? services.backup.work(run.id, caller.signal) : undefined;
  working?.then(
    () => {
      resting = true;
    },
    (error: unknown) => failed.abort(error),
  );
  // A run that is stopped here still tells how it ended: `work` obeys the caller's signal, and watching waits for it.
  const signal = here ? failed.signal : caller.signal;
  for await (const state of services.backup.watch(run.id, signal)) {
    const now = hasEnded(state) ? ((await services.store.get('plans', plan.id)) ?? plan) : plan;
    yield cardOf(now, state, caller);
    if (!hasEnded(state) && resting) caller.signal.throwIfAborted();
  }
  await working;
}
