/** When a plan runs next and when it is to be looked at: pure, from its schedule, its state and the time. */
import { nextRuns } from './commands/schedule/next.ts';
import type { Instant, Plan } from './types.ts';

/** The first run at or after a time; schedules answer what is strictly after. */
const firstFrom = (plan: Plan, at: number): Instant | undefined =>
  nextRuns(plan.schedule, new Date(at - 1), 1)[0]?.toISOString();

/** A pause whose end has passed is over. */
const isPaused = (plan: Plan, now: Date): boolean =>
  plan.state === 'paused' && (plan.pausedUntil === undefined || Date.parse(plan.pausedUntil) > now.getTime());

function nextOf(plan: Plan, now: Date): Instant | undefined {
  if ('manual' in plan.schedule) return undefined;
  if (plan.state === 'paused') return plan.pausedUntil && firstFrom(plan, Date.parse(plan.pausedUntil));
  // A run whose time has come and that nobody has started yet is still owed, unless the schedule no longer has it.
  const { next } = plan;
  if (next !== undefined && Date.parse(next) <= now.getTime() && firstFrom(plan, Date.parse(next)) === next)
    return next;
  return nextRuns(plan.schedule, now, 1)[0]?.toISOString();
}

/**
 * The plan with its `next`, and active again if its pause is over. The first run after a pause that ended unnoticed is
 * owed: its `next` then lies in the past. Throws `UsageError` for a schedule that cannot be read.
 */
export function dated(plan: Plan, now: Date): Plan {
  const next = nextOf(plan, now);
  const { next: _, pausedUntil, ...rest } = plan;
  const paused = isPaused(plan, now);
  return {
    ...rest,
    state: paused ? 'paused' : 'active',
    ...(paused && pausedUntil !== undefined ? { pausedUntil } : {}),
    ...(next === undefined ? {} : { next }),
  };
}

/** The plan after its owed run was started: however many dates were missed, the next one is in the future. */
export function followed(plan: Plan, now: Date): Plan {
  const { next: _, ...rest } = plan;
  const next = nextRuns(plan.schedule, now, 1)[0]?.toISOString();
  return next === undefined ? rest : { ...rest, next };
}

/** When the scheduler has something to do for the plan: its run, or the end of its pause. */
export const wakeOf = (plan: Plan): Instant | undefined => (plan.state === 'active' ? plan.next : plan.pausedUntil);

export const isDue = (plan: Plan, now: Date): boolean =>
  plan.state === 'active' && plan.next !== undefined && Date.parse(plan.next) <= now.getTime();

/**
 * Whether the stored date cannot be right: none where there should be one, a pause that is over, or one so far away
 * that it was computed while the clock was wrong. (A clock set back by an hour does not make a run happen twice: its
 * `next` is then the second one from now, and stays.)
 */
export function isMisdated(plan: Plan, now: Date): boolean {
  if (plan.state === 'paused') return !isPaused(plan, now);
  const [first, second] = nextRuns(plan.schedule, now, 2);
  if (plan.next === undefined) return first !== undefined;
  return second !== undefined && Date.parse(plan.next) > second.getTime();
}
