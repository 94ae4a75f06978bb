/** A run that goes on, in one sentence, and any run as data. Pure. */
import type { Plan, Run, RunState } from '../types.ts';
import { durationWords, manyWords } from '../wording.ts';

const percent = ({ progress }: Run): string | undefined =>
  progress?.totalBytes ? `${Math.min(100, Math.floor((progress.bytes / progress.totalBytes) * 100))}%` : undefined;

/** Says enough without the bar, for screens and readers that have none: "Photos to usb: 62%, 3 min left". */
export function progressWords(plan: Pick<Plan, 'name'>, run: Run): string {
  const { progress } = run;
  if (run.state === 'queued' || !progress) return `${plan.name}: about to start`;
  if (progress.phase === 'listing') return `${plan.name}: looking at ${manyWords(progress.files, 'file')} so far`;
  if (progress.phase === 'finishing') return `${plan.name}: writing down what was saved`;
  const left = progress.eta === undefined ? undefined : `${durationWords(progress.eta)} left`;
  const parts = [percent(run), left].filter((part) => part !== undefined);
  return `${plan.name}: ${parts.length > 0 ? parts.join(', ') : manyWords(progress.files, 'file')}`;
}

const STATES: Record<RunState, string> = {
  queued: 'about to start',
  running: 'going on',
  waiting: 'waits for you',
  done: 'went well',
  partial: 'some problems',
  failed: 'failed',
  stopped: 'stopped',
};

/** How a run went, in a word or two. */
export const stateWords = (state: RunState): string => STATES[state];

/** For `data`: what a script may rely on. */
export const runData = (run: Run): Record<string, unknown> => ({
  run: run.id,
  plan: run.plan,
  state: run.state,
  trigger: run.trigger,
  queued: run.queued,
  started: run.started,
  ended: run.ended,
  counts: run.counts,
  problemCount: run.problemCount,
  problems: run.problems,
  verdict: run.verdict,
});
