/** What `undo` needs to know of a change: how the plan was before, how it was left, and until when it can be taken back. */
import { Conflict } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Caller, Choice, Instant, Pending, Plan } from '../types.ts';
import type { CommandName } from './command.ts';
import { quote } from './grammar/words.ts';
import { choice } from './reply.ts';

/** Long enough to see what one has done, too short for others to build on it. */
const UNDONE_WITHIN = 10 * 60_000;
/** So long "too late" can be told from "nothing to undo". */
const REMEMBERED = 24 * 60 * 60_000;

export interface Change {
  /** The plan's id. */
  plan: string;
  command: CommandName;
  at: Instant;
  until: Instant;
  /** Absent for a plan that was made. */
  before?: Plan;
  after: Plan;
}

/** A person's last change of one plan; the one before is forgotten by it. */
const changeId = (person: string, plan: string): string => `undo/${person}/${plan}`;

/** What people decide about a plan. Its dates and its last run change by themselves and are nobody's edit. */
function decided(plan: Plan): unknown {
  const { rev: _rev, next: _next, last: _last, ...rest } = plan;
  return Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Whether nobody has changed a plan in between. The revision alone cannot tell: each run's end and each date of the
 * schedule are new revisions too.
 */
export const isAsLeft = (now: Plan, after: Plan): boolean =>
  JSON.stringify(decided(now)) === JSON.stringify(decided(after));

export async function keepChange(
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  caller: Pick<Caller, 'person'>,
  command: CommandName,
  plans: { before?: Plan; after: Plan },
): Promise<void> {
  const now = clock.now().getTime();
  const until = now + UNDONE_WITHIN;
  const change: Change = {
    plan: plans.after.id,
    command,
    at: new Date(now).toISOString(),
    until: new Date(until).toISOString(),
    ...plans,
  };
  await store.putMany('pending', [
    {
      id: changeId(caller.person.id, change.plan),
      kind: 'undo',
      person: caller.person.id,
      payload: { ...change },
      expires: new Date(until + REMEMBERED).toISOString(),
    },
  ]);
}

const changeOf = (pending: Pending): Change => pending.payload as unknown as Change;

/** The caller's newest change, or their newest of one plan (by id); also one that is too old to be taken back. */
export async function lastChange(
  { store }: Pick<Services, 'store'>,
  caller: Pick<Caller, 'person'>,
  plan?: string,
): Promise<Change | undefined> {
  const found: Change[] = [];
  for await (const pending of store.find('pending', { index: 'person', equals: [caller.person.id] })) {
    if (pending.kind === 'undo' && (plan === undefined || pending.payload.plan === plan)) found.push(changeOf(pending));
  }
  return found.sort((a, b) => (a.at < b.at ? 1 : -1))[0];
}

/** False when it was taken back already, or another change came after it: of two who say so at once, one gets through. */
export async function takeChange(
  { store }: Pick<Services, 'store'>,
  caller: Pick<Caller, 'person'>,
  change: Change,
): Promise<boolean> {
  const id = changeId(caller.person.id, change.plan);
  const pending = await store.get('pending', id);
  if (pending === undefined || changeOf(pending).at !== change.at) return false;
  try {
    await store.remove('pending', id, pending.rev);
    return true;
  } catch (error) {
    if (error instanceof Conflict) return false;
    throw error;
  }
}

/** Below the reply to a change that can be taken back. */
export const undoChoice = (plan: Pick<Plan, 'name'>): Choice => choice('Undo', `undo ${quote(plan.name)}`);
