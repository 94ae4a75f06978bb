/** Which backups need somebody, above all those that did not run: nothing reports a run that never was. Pure. */
import { quote } from '../commands/grammar/words.ts';
import { nextRuns } from '../commands/schedule/next.ts';
import type { Choice, Instant, Plan, Reply, Run } from '../types.ts';
import { distanceWords, manyWords } from '../wording.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What is known of a plan. */
export interface PlanView {
  plan: Plan;
  /** Since when it has been as it is, active or paused, with this schedule: what was before is not held against it. */
  since: Instant;
  /** The newest run, and the newest that ended. */
  newest?: Run;
  ended?: Run;
  /** A sign-in that it waits for. */
  signIn?: Choice;
}

export interface Trouble {
  plan: Plan;
  /**
   * `late`: its time has passed and nothing started. `silent`: two of its times have passed since anything ended. `stuck`: it
   * was started and nobody works it. `pause`: its pause is over and it was not resumed. All others are reported when they happen.
   */
  kind: 'late' | 'silent' | 'stuck' | 'pause' | 'waiting' | 'failed' | 'partial' | 'never';
  /** Since when. */
  at: Instant;
  /** A sentence. */
  what: string;
  mend: Choice;
}

/** A backup that did not run, of which nobody has heard yet. */
export const isMissed = ({ kind }: Pick<Trouble, 'kind'>): boolean =>
  kind === 'late' || kind === 'silent' || kind === 'stuck' || kind === 'pause';

/**
 * A run may begin late, after another one or because of a busy machine: a tenth of the time until the next is no reason to
 * call somebody, at most an hour. Below a quarter of an hour nobody would do anything about it.
 */
function patience({ schedule }: Plan, next: number): number {
  const [following] = nextRuns(schedule, new Date(next), 1);
  const tenth = following ? (following.getTime() - next) / 10 : HOUR;
  return Math.min(HOUR, Math.max(15 * MINUTE, tenth));
}

/**
 * When the plan should have run for the second time since anything of it ended; a single date, when it should have run at
 * all. By the schedule's own dates, so weekends, months and changes of the clock are not mistaken for silence.
 */
function silentSince({ plan, since, ended }: PlanView, now: number): Instant | undefined {
  const from = Math.max(Date.parse(since), Date.parse(ended?.ended ?? since), Date.parse(plan.created));
  const once = 'at' in plan.schedule && !('everyDays' in plan.schedule);
  const dates = nextRuns(plan.schedule, new Date(from), once ? 1 : 2);
  const last = dates[once ? 0 : 1];
  if (!last) return undefined;
  return now - last.getTime() > patience(plan, last.getTime()) ? dates[0]?.toISOString() : undefined;
}

function notRun(view: PlanView, now: Date): Trouble | undefined {
  const { plan, newest } = view;
  const time = now.getTime();
  const run: Choice = { label: `Run ${plan.name} now`, line: `run ${quote(plan.name)}`, style: 'primary' };
  if (newest?.state === 'queued' && time - Date.parse(newest.queued) > HOUR) {
    const what = `Its run was to begin ${distanceWords(newest.queued, now)}, and nothing works it.`;
    return { plan, kind: 'stuck', at: newest.queued, what, mend: { label: 'How it is now', line: 'status' } };
  }
  if (newest?.state === 'queued' || newest?.state === 'running') return undefined;
  if (plan.state === 'paused') {
    const end = plan.pausedUntil;
    if (end === undefined || time - Date.parse(end) <= HOUR) return undefined;
    const what = `Its pause ended ${distanceWords(end, now)}, and it was not resumed.`;
    const mend: Choice = { label: `Resume ${plan.name}`, line: `resume ${quote(plan.name)}`, style: 'primary' };
    return { plan, kind: 'pause', at: end, what, mend };
  }
  const { next } = plan;
  if (next !== undefined && time - Date.parse(next) > patience(plan, Date.parse(next))) {
    // Somebody ran it meanwhile: late, and nothing is missing.
    if (newest && newest.queued >= next) return undefined;
    const what = `It should have run ${distanceWords(next, now)}, and nothing started it.`;
    return { plan, kind: 'late', at: next, what, mend: run };
  }
  const silent = silentSince(view, time);
  if (silent === undefined) return undefined;
  const last = view.ended?.ended;
  const what =
    last === undefined
      ? `It has never run; it should have ${distanceWords(silent, now)}.`
      : `It last ran ${distanceWords(last, now)}; it should have again ${distanceWords(silent, now)}.`;
  return { plan, kind: 'silent', at: silent, what, mend: run };
}

/** The one thing about a plan that needs somebody most; undefined when it is well, or paused, or at work. */
export function troubleOf(view: PlanView, now: Date): Trouble | undefined {
  const missed = notRun(view, now);
  if (missed) return missed;
  const { plan, newest, ended, signIn } = view;
  if (newest?.state === 'queued' || newest?.state === 'running') return undefined;
  const name = quote(plan.name);
  const history: Choice = { label: `Why ${plan.name} failed`, line: `why ${name}` };
  if (newest?.state === 'waiting') {
    const at = newest.ended ?? newest.queued;
    if (newest.question) {
      const mend: Choice = { label: `Answer for ${plan.name}`, line: `show ${name}`, style: 'primary' };
      return { plan, kind: 'waiting', at, what: newest.question.text, mend };
    }
    const fix = signIn ?? newest.problems.find((problem) => problem.fix)?.fix;
    const mend: Choice = { label: 'My accounts', line: 'accounts', ...fix, style: 'primary' };
    return { plan, kind: 'waiting', at, what: 'It waits for you to sign in.', mend };
  }
  if (signIn && plan.state === 'active') {
    const at = ended?.ended ?? plan.created;
    return { plan, kind: 'waiting', at, what: 'It waits for you to sign in.', mend: { ...signIn, style: 'primary' } };
  }
  if (plan.state === 'paused') return undefined;
  if (!ended) {
    if (!('manual' in plan.schedule)) return undefined;
    const mend: Choice = { label: `Run ${plan.name} now`, line: `run ${name}` };
    return { plan, kind: 'never', at: plan.created, what: 'It has never run; it runs only when you say so.', mend };
  }
  const at = ended.ended ?? ended.queued;
  if (ended.state === 'failed')
    return { plan, kind: 'failed', at, what: ended.verdict ?? 'Its last run failed.', mend: history };
  if (ended.state === 'partial') {
    const what = ended.verdict ?? `${manyWords(ended.problemCount, 'problem')} in its last run.`;
    return { plan, kind: 'partial', at, what, mend: history };
  }
  return undefined;
}

const TITLES: Record<string, (name: string) => string> = {
  stuck: (name) => `${name} waits to run, and nothing works it.`,
  pause: (name) => `${name} is still paused, though its pause is over.`,
};

/** Said at once, like a failure. */
export function missedReply({ plan, kind, at, what, mend }: Trouble): Reply {
  const last = plan.last;
  const name = quote(plan.name);
  return {
    tone: 'bad',
    title: (TITLES[kind] ?? ((one: string) => `${one} did not run.`))(plan.name),
    topic: `${plan.name}: needs you`,
    blocks: [
      { kind: 'text', text: what },
      {
        kind: 'fields',
        fields: [
          { label: kind === 'pause' ? 'Pause ended' : 'Due', value: { at } },
          { label: 'Last run', value: last ? { at: last.ended } : 'none yet' },
        ],
      },
      {
        kind: 'text',
        text: `${last ? 'What was copied before is safe; what is newer is not backed up yet.' : 'Nothing of it is backed up yet.'} Start it with \`${mend.line}\`. If that does not help either, whoever runs this Keepsake sees in its log why: backups are started by its engine.`,
      },
      {
        kind: 'choices',
        choices: [
          mend,
          ...(mend.line === 'status' ? [] : [{ label: 'Am I safe?', line: 'status' }]),
          { label: 'History', line: `history ${name}` },
        ],
      },
    ],
    about: { plan: plan.id },
    outcome: 'failed',
  };
}
