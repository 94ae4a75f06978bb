/** The report of a run as messages for the outbox, to be written in one commit with the run. */
import type { Outbox } from '../services.ts';
import type { Write } from '../store/store.ts';
import type { Plan, Run } from '../types.ts';
import { isReported, runReply } from './report.ts';
import { factsOf, type ReportTools } from './report-facts.ts';
import { reportTargets, showsPictures } from './report-targets.ts';

export interface MessageTools extends ReportTools {
  outbox: Outbox;
  surfaces: readonly string[];
  /** See `RunsOptions`. */
  mailFiles?: boolean;
}

/** None for a run that is not reported. Waits for what the report tells, half a minute at most; see `factsOf`. */
export async function reportMessages(o: MessageTools, run: Run, plan: Plan, signal: AbortSignal): Promise<Write[]> {
  const owner = await o.store.get('people', plan.owner);
  const fresh = (await o.store.get('plans', plan.id)) ?? plan;
  if (!owner || !isReported(run, fresh)) return [];
  const { surfaces, mailFiles = true } = o;
  const targets = reportTargets(run, fresh, owner, { surfaces, mailFiles }, o.clock.now());
  if (targets.length === 0) return [];
  // Whoever started it is waiting, and would wait for pictures in a file that nobody asked for.
  const forFilesOnly = run.trigger === 'person' && mailFiles && targets.every(({ surface }) => surface === 'mail');
  const pictures = !forFilesOnly && targets.some(({ surface }) => showsPictures(surface));
  const { sheet, ...facts } = await factsOf(o, fresh, run, { pictures, signal });
  return targets.map(({ surface, conversation, due }) => {
    const reply = runReply(run, fresh, {
      ...facts,
      ...(sheet && showsPictures(surface) ? { sheet } : {}),
      mailed: surface === 'mail',
    });
    return {
      table: 'outbox',
      put: o.outbox.message(
        owner,
        surface,
        `report/${run.id}/${surface}${conversation === undefined ? '' : '/shared'}`,
        conversation === undefined ? reply : { ...reply, shared: true },
        { plan: plan.id, run: run.id },
        { ...(conversation === undefined ? {} : { conversation }), ...(due === undefined ? {} : { due }) },
      ),
    };
  });
}
