/** What a run says about itself, in sentences for people. Pure. */

import { quote } from '../commands/grammar/words.ts';
import { skippedTime } from '../commands/schedule/gap.ts';
import type {
  Block,
  Cell,
  Choice,
  Counts,
  Plan,
  Problem,
  Reply,
  Run,
  RunState,
  SnapshotRecord,
  TrendPoint,
} from '../types.ts';
import { countWords, durationWords, manyWords, sizeWords } from '../wording.ts';
import { joined } from './verdict.ts';

const ENDED: ReadonlySet<RunState> = new Set(['done', 'partial', 'failed', 'stopped', 'waiting']);

/** True when nothing more happens by itself in this run. */
export const hasEnded = (run: Pick<Run, 'state'>): boolean => ENDED.has(run.state);

/** What a report tells besides the run itself; `report-facts.ts` looks it up. Whatever is not known is absent. */
export interface ReportFacts {
  /** The newest restore point. */
  snapshot?: Pick<SnapshotRecord, 'ended' | 'files' | 'bytes'> | 'none';
  /** The newest check of any restore point. */
  verified?: NonNullable<SnapshotRecord['verified']>;
  /** The last runs, oldest first. */
  trend?: readonly TrendPoint[];
  /** New photos, read back from a destination. */
  sheet?: { jpeg: Uint8Array; shown: number; from: string };
  /** It is a mail, and there will be more of them. */
  mailed?: boolean;
}

interface Field {
  label: string;
  value: Cell;
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
/** More than these are not read. */
const MOST_CHOICES = 6;

/** An advice may hold a line to type; here the plan's name is known. */
const adviceOf = (problem: Problem, plan: Plan): string => problem.advice.replaceAll('<plan>', quote(plan.name));

/** What can be answered to a card that stands in a conversation. */
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

/** What can be answered to a report, which is read alone: also what one may want now that one thinks of it. */
function reportChoices(run: Run, plan: Plan, facts: ReportFacts): Choice[] {
  const name = quote(plan.name);
  const first = choicesOf(run, plan);
  if (run.question) return first;
  const scheduled = plan.state === 'active' && !('manual' in plan.schedule);
  const more: Choice[] = [
    ...(run.problemCount > 0 ? [{ label: 'Why?', line: `why ${name}` }] : []),
    ...(facts.snapshot && facts.snapshot !== 'none' ? [{ label: 'Restore files', line: `restore ${name}` }] : []),
    ...(run.state === 'done' ? [{ label: 'Run now', line: `run ${name}` }] : []),
    ...(scheduled ? [{ label: 'Pause until Monday', line: `pause ${name} until monday` }] : []),
    ...(facts.mailed ? [{ label: 'No more of these mails', line: `stop reports of ${name}` }] : []),
  ];
  const known = new Set(first.map(({ line }) => line));
  return [...first, ...more.filter(({ line }) => !known.has(line))].slice(0, MOST_CHOICES);
}

/** The night on which the clock was put forward over the planned time; said in the report of that one run. */
function gapText(run: Run, plan: Plan): Block[] {
  const skipped = run.trigger === 'schedule' ? skippedTime(plan.schedule, new Date(run.queued)) : undefined;
  if (!skipped) return [];
  return [{ kind: 'text', text: `${skipped.planned} did not exist that night; it ran at ${skipped.ran}.` }];
}

/** `214 new files and 3 changed ones, 4.2 GB in 18 min`; undefined when there was nothing to copy. */
function copiedWords(run: Run, counts: Counts): string | undefined {
  const { new: added, changed, copied, failed } = counts;
  const all = added + changed;
  if (all <= failed) return undefined;
  const some = `${countWords(all - failed)} of ${manyWords(all, changed === 0 ? 'new file' : 'new and changed file')}`;
  const what =
    failed > 0
      ? [some]
      : [
          ...(added > 0 ? [manyWords(added, 'new file')] : []),
          ...(changed > 0 ? [`${manyWords(changed, 'changed file')} (the former versions are kept)`] : []),
        ];
  const took =
    run.started && run.ended ? ` in ${durationWords((Date.parse(run.ended) - Date.parse(run.started)) / 1000)}` : '';
  return `${what.join(' and ')}, ${sizeWords(copied)}${took}`;
}

/** What went wrong and what to do, before anything else is told. */
function problemBlocks({ problems, problemCount, verdict }: Run, plan: Plan): Block[] {
  const [only] = problems;
  if (!only) return [];
  if (problemCount === 1 && only.path === undefined && only.destination === undefined) {
    // The title holds what happened already.
    const known = verdict?.includes(only.message) ?? false;
    return [{ kind: 'text', text: [known ? '' : only.message, adviceOf(only, plan)].filter(Boolean).join(' ') }];
  }
  const shown = problems.slice(0, SHOWN_PROBLEMS);
  const more = problemCount - shown.length;
  return [
    {
      kind: 'table',
      columns: ['File', 'What happened', 'What to do'],
      rows: shown.map((problem) => [
        problem.path ?? problem.destination ?? '',
        problem.message,
        adviceOf(problem, plan),
      ]),
      ...(more > 0 && { more: { rows: more, line: `history ${quote(plan.name)}` } }),
    },
  ];
}

/** Names the backup: people have several, and read the first line only. */
const titleOf = (run: Run, plan: Plan): string => {
  const said = run.verdict ?? `It is ${run.state}.`;
  return run.state === 'failed' ? said.replace(/^The backup /, `${plan.name} `) : `${plan.name}: ${said}`;
};

/**
 * The same words each time, and two conversations: good news is put away unread by many, and must not take bad news along.
 */
const topicOf = ({ state }: Run, plan: Plan): string =>
  `${plan.name}: ${state === 'done' || state === 'stopped' ? 'backed up' : 'needs you'}`;

const TRIGGERS: Record<Run['trigger'], string> = {
  schedule: 'as scheduled',
  person: 'because somebody asked',
  resume: 'after an interruption',
};

const ranWords = (run: Run, plan: Plan): string =>
  `${plan.source.text} to ${joined(plan.destinations.map(({ text }) => text))}, ${TRIGGERS[run.trigger]}`;

/** A run that asks has changed nothing yet; its question holds the counts that matter. */
function countFields(run: Run, plan: Plan, facts: ReportFacts | undefined): Field[] {
  const { counts } = run;
  if (!counts || run.state === 'waiting') return [];
  const copied = copiedWords(run, counts);
  return [
    ...(copied === undefined ? [] : [{ label: 'Copied', value: copied }]),
    { label: 'In the backup', value: `${manyWords(counts.files, 'file')}, ${sizeWords(counts.bytes)}` },
    ...(counts.vanished > 0
      ? [{ label: 'Vanished', value: `${countWords(counts.vanished)}, kept as older versions` }]
      : []),
    ...(counts.skipped > 0
      ? [{ label: 'Left out by the filter', value: `${countWords(counts.skipped)}, their copies stay` }]
      : []),
    ...(counts.failed > 0 ? [{ label: 'Failed', value: countWords(counts.failed) }] : []),
    ...(plan.next && !facts ? [{ label: 'Next run', value: { at: plan.next } }] : []),
  ];
}

function spaceWords({ free, total }: { free?: number; total?: number }): string {
  if (free === undefined) return `${sizeWords(total ?? 0)} in all`;
  if (total === undefined) return `${sizeWords(free)} free`;
  return `${sizeWords(Math.max(0, total - free))} used, ${sizeWords(free)} free`;
}

function nextCell(plan: Plan): Cell {
  if (plan.next) return { at: plan.next };
  if (plan.state === 'paused') return `none while it is paused: resume ${quote(plan.name)}`;
  return `only when you say so: run ${quote(plan.name)}`;
}

function restoreFields(run: Run, plan: Plan, { snapshot, verified }: ReportFacts): Field[] {
  if (!snapshot) return [];
  if (snapshot === 'none') return [{ label: 'Restore point', value: 'none yet' }];
  const said = run.state === 'waiting' ? undefined : run.counts?.files;
  return [
    { label: 'Restore point', value: { at: snapshot.ended } },
    ...(snapshot.files === said
      ? []
      : [{ label: 'It holds', value: `${manyWords(snapshot.files, 'file')}, ${sizeWords(snapshot.bytes)}` }]),
    { label: 'Copies last checked', value: verified ? { at: verified.at } : `never yet: verify ${quote(plan.name)}` },
    ...(verified && verified.bad > 0
      ? [{ label: 'The check found', value: `${manyWords(verified.bad, 'file')} not as they should be` }]
      : []),
  ];
}

function factFields(run: Run, plan: Plan, facts: ReportFacts): Field[] {
  const several = plan.destinations.length > 1;
  return [
    ...(run.space ?? []).map((space) => ({
      label: several ? `Space in ${space.destination}` : 'Space',
      value: spaceWords(space),
    })),
    { label: 'Next run', value: nextCell(plan) },
    ...restoreFields(run, plan, facts),
  ];
}

/** `12 of the 214 new photos, read from the copies in ~/Backup`. */
function sheetBlock({ media }: Run, { jpeg, shown, from }: NonNullable<ReportFacts['sheet']>): Block {
  const all = Math.max(shown, media?.photos ?? 0);
  const which =
    shown < all
      ? `${countWords(shown)} of the ${manyWords(all, 'new photo')}`
      : shown === 1
        ? 'The new photo'
        : `The ${manyWords(shown, 'new photo')}`;
  return { kind: 'image', alt: `${which}, read from the copies in ${from}`, bytes: jpeg, mime: 'image/jpeg' };
}

/** The label says what the highest bar is, for those who read and those who listen. */
function trendBlock(points: readonly TrendPoint[]): Block {
  const most = Math.max(...points.map(({ files }) => files));
  const failed = points.filter(({ state }) => state === 'failed' || state === 'waiting').length;
  const notes = [`at most ${manyWords(most, 'file')} copied`, ...(failed > 0 ? [`${failed} did not finish`] : [])];
  return { kind: 'trend', label: `Last ${points.length} runs (${notes.join('; ')})`, points: [...points] };
}

/**
 * `facts` make it a report, which is read by itself and later; without them it is the card of a run in a conversation, which
 * is short because it is shown again and again.
 */
export function runReply(run: Run, plan: Plan, facts?: ReportFacts): Reply {
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
  const fields: Field[] = [
    ...(facts ? [{ label: 'What ran', value: ranWords(run, plan) }] : []),
    ...countFields(run, plan, facts),
    ...(facts ? factFields(run, plan, facts) : []),
  ];
  const blocks: Block[] = [
    ...problemBlocks(run, plan),
    ...(fields.length > 0 ? [{ kind: 'fields' as const, fields }] : []),
    ...gapText(run, plan),
  ];
  if (facts?.sheet) blocks.push(sheetBlock(run, facts.sheet));
  if (facts?.trend && facts.trend.length > 1) blocks.push(trendBlock(facts.trend));
  blocks.push({ kind: 'choices', choices: facts ? reportChoices(run, plan, facts) : choicesOf(run, plan) });
  return {
    tone: TONES[run.state],
    title: titleOf(run, plan),
    topic: topicOf(run, plan),
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
