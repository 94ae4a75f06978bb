/** Whether a backup can be relied on now, and what to do if not. Pure. */
import type { Plan, Run, SnapshotRecord } from '../types.ts';
import { distanceWords, manyWords } from '../wording.ts';
import { quote } from './grammar/words.ts';

/** A run may start a little late (a busy worker, a clock); later than this it was missed. */
const LATE = 15 * 60_000;

export type PlanHealth = {
  plan: Plan;
  /** When the newest complete copy was finished. */
  copy?: string;
  current: boolean;
  /** One sentence, and the line that helps. */
  what: string;
  line?: string;
};

/** `newest` is the newest snapshot over all destinations, `run` the newest run. */
export function healthOf(plan: Plan, newest: SnapshotRecord | undefined, run: Run | undefined, now: Date): PlanHealth {
  const name = quote(plan.name);
  const copy = newest ? { copy: newest.ended } : {};
  const bad = (what: string, line: string): PlanHealth => ({ plan, ...copy, current: false, what, line });
  if (run?.state === 'waiting')
    return bad(run.question?.text ?? run.verdict ?? 'Its run waits for you.', `show ${name}`);
  if (run?.state === 'running' || run?.state === 'queued') {
    return { plan, ...copy, current: newest !== undefined, what: newest ? 'running now' : 'its first run is going on' };
  }
  const last = plan.last;
  if (last?.state === 'failed') {
    return bad(`Its last run failed, ${distanceWords(last.ended, now)}.`, `history ${name}`);
  }
  if (!newest) return bad('It has never finished a run.', `run ${name}`);
  if (plan.state === 'paused')
    return bad(
      plan.pausedUntil === undefined
        ? 'It is paused.'
        : `It is paused; it goes on ${distanceWords(plan.pausedUntil, now)}.`,
      `resume ${name}`,
    );
  if (plan.next !== undefined && now.getTime() - Date.parse(plan.next) > LATE) {
    return bad(
      `It should have run ${distanceWords(plan.next, now)}. Scheduled runs need Keepsake to be up (npm start).`,
      `run ${name}`,
    );
  }
  if (newest.verified && newest.verified.bad > 0) {
    return bad(`${manyWords(newest.verified.bad, 'file')} failed the last verification.`, `verify ${name} full`);
  }
  if (last?.state === 'partial') {
    const places = (run?.problems ?? []).flatMap(({ path, destination }) =>
      path === undefined ? (destination ?? []) : [],
    );
    const lost = [...new Set(places)];
    const files = Math.max(0, last.problems - places.length);
    const what = [
      ...(lost.length > 0 ? [`The last run could not use ${lost.join(' and ')}.`] : []),
      ...(files > 0 ? [`${manyWords(files, 'file')} could not be stored in the last run.`] : []),
    ];
    return bad(what.join(' '), lost.length > 0 && files === 0 ? `run ${name}` : `history ${name}`);
  }
  return { plan, ...copy, current: true, what: 'current' };
}
