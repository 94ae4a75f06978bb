/** What a run says about itself, in sentences for people. Pure. */

import { quote } from '../commands/grammar/words.ts';
import { skippedTime } from '../commands/schedule/gap.ts';
import type { Block, Cell, Choice, Counts, Plan, Problem, Reply, Run, RunState } from '../types.ts';
import { countWords, durationWords, manyWords, sizeWords } from '../wording.ts';

const ENDED: ReadonlySet<RunState> = new Set(['done', 'partial', 'failed', 'stopped', 'waiting']);

/** True when nothing more happens by itself in this run. */
export const hasEnded = (run: Run): boolean => ENDED.has(run.state);

const joined = (texts: readonly string[]): string =>
  texts.length > 1 ? `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}` : (texts[0] ?? 'the destination');

const areSafe = (files: number): string =>
  files === 1 ? 'The one file is safe' : `All ${countWords(files)} files are safe`;

function movedSafe({ new: added, changed }: Counts): string {
  const what = changed === 0 ? 'new' : added === 0 ? 'changed' : 'new and changed';
  return added + changed === 1
    ? `The one ${what} file is safe`
    : `All ${countWords(added + changed)} ${what} files are safe`;
}

/** The one-line answer to "are my files safe?". `lost`: destinations that could not be used while others could. */
export function verdict(
  state: RunState,
  counts: Counts,
  plan: Plan,
  { reason, lost = [] }: { reason?: string; lost?: readonly string[] } = {},
): string {
  const where = joined(plan.destinations.map(({ text }) => text).filter((text) => !lost.includes(text)));
  const moved = counts.new + counts.changed;
  switch (state) {
    case 'done':
      if (counts.files === 0 && counts.vanished > 0)
        return `${plan.source.text} is empty now; what was in it is kept as older versions in ${where}.`;
      if (counts.files === 0) return `There is nothing to back up in ${plan.source.text} yet.`;
      if (moved === 0 && counts.vanished === 0) {
        const all = counts.files === 1 ? 'the one file is' : `all ${countWords(counts.files)} files are`;
        return `Nothing new: ${all} already safe in ${where}.`;
      }
      if (counts.new === counts.files) return `${areSafe(counts.files)} in ${where}.`;
      if (moved === 0) return `${areSafe(counts.files)} in ${where}; vanished ones are kept as older versions.`;
      return `${movedSafe(counts)} in ${where}.`;
    case 'partial': {
      const failed = counts.failed > 0 ? `${manyWords(counts.failed, 'file')} could not be backed up` : '';
      const unused = lost.length > 0 ? `${joined(lost)} could not be used this time` : '';
      return `${[unused, failed].filter(Boolean).join(', and ')}; everything else is safe in ${where}.`;
    }
    case 'stopped':
      return `Stopped. What was copied is safe in ${where}; the next run goes on from there.`;
    case 'waiting':
      return reason ?? 'Waiting for an answer.';
    case 'failed':
      return `The backup did not finish. ${reason ?? 'The problems are below.'}`;
    case 'queued':
      return 'Waiting for its turn.';
    case 'running':
      return 'Working.';
  }
}

const TONES: Record<RunState, Reply['tone']> = {
  done: 'good',
  partial: 'bad',
  failed: 'bad',
  waiting: 'bad',
  stopped: 'plain',
  queued: 'busy',
  running: 'busy',
};

const SHOWN_PROBLEMS = 10;

/** An advice may hold a line to type; here the plan's name is known. */
const adviceOf = (problem: Problem, plan: Plan): string => problem.advice.replaceAll('<plan>', quote(plan.name));

function choicesOf(run: Run, plan: Plan): Choice[] {
  const name = quote(plan.name);
  if (run.question) return run.question.choices;
  const again = { label: 'Run again', line: `run ${name}` };
  if (run.state === 'waiting') {
    const fix = run.problems.find((problem) => problem.fix)?.fix ?? { label: 'My accounts', line: 'accounts' };
    return [{ ...fix, style: 'primary' }, again];
  }
  if (run.state === 'done')
    return [
      { label: 'Check the copies', line: `verify ${name}` },
      { label: 'Restore files', line: `restore ${name}` },
    ];
  if (run.problems.some((problem) => problem.code === 'destination_gone')) {
    return [
      { label: 'Run again, with the disk connected', line: `run ${name}`, style: 'primary' },
      { label: 'It was emptied on purpose: fill it again', line: `run ${name} anyway`, style: 'danger' },
    ];
  }
  return [
    { ...again, style: 'primary' },
    { label: 'History', line: `history ${name}` },
  ];
}

/** The night on which the clock was put forward over the planned time; said in the report of that one run. */
function gapText(run: Run, plan: Plan): Block[] {
  const skipped = run.trigger === 'schedule' ? skippedTime(plan.schedule, new Date(run.queued)) : undefined;
  if (!skipped) return [];
  return [{ kind: 'text', text: `${skipped.planned} did not exist that night; it ran at ${skipped.ran}.` }];
}

/** `214 new files and 3 changed ones, 4.2 GB in 18 min`; undefined when there was nothing to copy. */
function copiedWords(run: Run, counts: Counts): string | undefined {
  const { new: added, changed, copied } = counts;
  if (added + changed === 0) return undefined;
  const what = [
    ...(added > 0 ? [manyWords(added, 'new file')] : []),
    ...(changed > 0 ? [`${manyWords(changed, 'changed file')} (the former versions are kept)`] : []),
  ];
  const took =
    run.started && run.ended ? ` in ${durationWords((Date.parse(run.ended) - Date.parse(run.started)) / 1000)}` : '';
  return `${what.join(' and ')}, ${sizeWords(copied)}${took}`;
}

/** Names the backup: people have several, and read the first line only. */
const titleOf = (run: Run, plan: Plan): string => {
  const said = run.verdict ?? `It is ${run.state}.`;
  return run.state === 'failed' ? said.replace(/^The backup /, `${plan.name} `) : `${plan.name}: ${said}`;
};

export function runReply(run: Run, plan: Plan): Reply {
  const about = { plan: plan.id, run: run.id };
  if (run.state === 'queued' || run.state === 'running') {
    return {
      tone: 'busy',
      title: `Backing up ${plan.name}`,
      live: run.id,
      blocks: run.progress ? [{ kind: 'progress', progress: run.progress }] : [],
      about,
      data: { run: run.id, state: run.state, progress: run.progress },
    };
  }
  const counts = run.counts;
  const blocks: Block[] = [];
  // A run that asks has changed nothing yet; its question holds the counts that matter.
  if (counts && run.state !== 'waiting') {
    const copied = copiedWords(run, counts);
    const fields: { label: string; value: Cell }[] = [
      ...(copied === undefined ? [] : [{ label: 'Copied', value: copied }]),
      { label: 'In the backup', value: `${manyWords(counts.files, 'file')}, ${sizeWords(counts.bytes)}` },
    ];
    if (counts.vanished > 0)
      fields.push({ label: 'Vanished', value: `${countWords(counts.vanished)}, kept as older versions` });
    if (counts.skipped > 0)
      fields.push({ label: 'Left out by the filter', value: `${countWords(counts.skipped)}, their copies stay` });
    if (counts.failed > 0) fields.push({ label: 'Failed', value: countWords(counts.failed) });
    if (plan.next) fields.push({ label: 'Next run', value: { at: plan.next } });
    blocks.push({ kind: 'fields', fields });
  }
  blocks.push(...gapText(run, plan));
  const [only] = run.problems;
  if (only && run.problemCount === 1 && only.path === undefined && only.destination === undefined) {
    // The title holds what happened already.
    const known = run.verdict?.includes(only.message) ?? false;
    blocks.push({ kind: 'text', text: [known ? '' : only.message, adviceOf(only, plan)].filter(Boolean).join(' ') });
  } else if (run.problems.length > 0) {
    const shown = run.problems.slice(0, SHOWN_PROBLEMS);
    const more = run.problemCount - shown.length;
    blocks.push({
      kind: 'table',
      columns: ['File', 'What happened', 'What to do'],
      rows: shown.map((problem) => [
        problem.path ?? problem.destination ?? '',
        problem.message,
        adviceOf(problem, plan),
      ]),
      ...(more > 0 && { more: { rows: more, line: `history ${quote(plan.name)}` } }),
    });
  }
  blocks.push({ kind: 'choices', choices: choicesOf(run, plan) });
  return {
    tone: TONES[run.state],
    title: titleOf(run, plan),
    live: run.id,
    blocks,
    about,
    data: {
      run: run.id,
      plan: plan.name,
      state: run.state,
      counts: run.counts,
      problems: run.problems,
      problemCount: run.problemCount,
      started: run.started,
      ended: run.ended,
    },
    outcome: outcomeOf(run),
  };
}

function outcomeOf(run: Run): NonNullable<Reply['outcome']> {
  if (run.state === 'done') return 'done';
  if (run.state === 'partial') return 'partial';
  // A run that waits without a question waits for its owner to sign in, whatever the service or the key had to say.
  if (run.state === 'waiting' && !run.question) return 'sign_in';
  return 'failed';
}

/** Whether this run is reported by message. Failures always are: a backup that fails in silence is none. */
export function isReported(run: Run, plan: Plan): boolean {
  if (run.state === 'stopped' || run.state === 'queued' || run.state === 'running') return false;
  return run.state !== 'done' || plan.report === 'always';
}
