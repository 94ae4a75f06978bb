/**
 * Looks every ten minutes for what no run reports: digests that are due, and backups that did not run. Everything is written
 * under a key of its own, so that several processes may look, and a restart says nothing twice.
 */
import { connectLine } from './accounts.ts';
import {
  type DigestKind,
  type DigestRow,
  digestReply,
  EMPTY,
  type Period,
  periodOf,
  withRun,
} from './backup/digest.ts';
import { isMissed, missedReply, type PlanView, type Trouble, troubleOf } from './backup/missed.ts';
import { hasEnded } from './backup/report.ts';
import {
  canBeMailed,
  chatOf,
  quietUntil,
  type ReportTarget,
  type ReportWays,
  reportTargets,
  zoneOf,
} from './backup/report-targets.ts';
import { UsageError } from './errors.ts';
import type { Outbox } from './services.ts';
import type { Store } from './store/store.ts';
import type { Choice, Clock, Instant, Log, Person, Plan, Reply, Run } from './types.ts';

export interface DigestOptions {
  store: Store;
  clock: Clock;
  log: Log;
  outbox: Pick<Outbox, 'message'>;
  /** Surfaces that this Keepsake has: `console`, `mail`, `slack`, `discord`. */
  surfaces: readonly string[];
  /** Mails are written as files here and need no address. Default: yes; no once they are sent by SMTP. */
  mailFiles?: boolean;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LOOK_EVERY = 10 * MINUTE;
/** After a start the scheduler catches up by itself: what is still owed then, nobody will start. */
const SETTLING = 15 * MINUTE;
/** A backup that still does not run is told again each week. */
const REMIND = 7 * DAY;
/** Runs that are looked through for one that has ended. */
const LOOKED_AT = 20;
/** A run of this length ended in a period that began after it. */
const LONGEST_RUN = 7 * DAY;

const KINDS: readonly DigestKind[] = ['daily', 'weekly'];

// ------------------------------------------------------------------------------------------- since when plans are so

const WATCHED = 'watched/';

/** What makes the dates before it meaningless. */
const shapeOf = ({ state, schedule }: Plan): string => JSON.stringify([state, schedule]);

/**
 * Since when each plan has been active or paused with its schedule, as far as it was looked at: a plan that is resumed after
 * a month has not been silent for a month. Forgets plans that are no more.
 */
async function watched({ store, clock }: DigestOptions, plans: readonly Plan[]): Promise<Map<string, Instant>> {
  const known = new Map<string, { shape: string; since: Instant }>();
  for await (const { id, value } of store.find('settings', { from: WATCHED, to: `${WATCHED}\u{10ffff}` }))
    known.set(id, value as { shape: string; since: Instant });
  const since = new Map<string, Instant>();
  const now = clock.now().toISOString();
  for (const plan of plans) {
    const id = `${WATCHED}${plan.id}`;
    const before = known.get(id);
    known.delete(id);
    if (before?.shape === shapeOf(plan)) {
      since.set(plan.id, before.since);
      continue;
    }
    since.set(plan.id, now);
    await store.putMany('settings', [{ id, value: { shape: shapeOf(plan), since: now } }]);
  }
  if (known.size > 0) await store.removeMany('settings', [...known.keys()]);
  return since;
}

// ----------------------------------------------------------------------------------------------------- what there is

async function signInOf({ store }: DigestOptions, plan: Plan): Promise<Choice | undefined> {
  for (const { account: id } of [plan.source, ...plan.destinations]) {
    const account = id === undefined ? undefined : await store.get('accounts', id);
    if (account?.state === 'needs_sign_in') return { label: `Sign in to ${account.name}`, line: connectLine(account) };
  }
  return undefined;
}

async function viewOf(o: DigestOptions, plan: Plan, since: Instant): Promise<PlanView> {
  let newest: Run | undefined;
  let ended: Run | undefined;
  const runs = { index: 'plan+queued', equals: [plan.id], reverse: true, limit: LOOKED_AT };
  for await (const run of o.store.find('runs', runs)) {
    newest ??= run;
    if (!hasEnded(run)) continue;
    ended = run;
    break;
  }
  const signIn = await signInOf(o, plan);
  return { plan, since, ...(newest && { newest }), ...(ended && { ended }), ...(signIn && { signIn }) };
}

async function rowOf({ store }: DigestOptions, plan: Plan, period: Period): Promise<DigestRow> {
  let tally = EMPTY;
  const from = new Date(Date.parse(period.from) - LONGEST_RUN).toISOString();
  for await (const run of store.find('runs', { index: 'plan+queued', equals: [plan.id], from, to: period.to }))
    tally = withRun(tally, run, period);
  return { plan, tally };
}

// --------------------------------------------------------------------------------------------------------- messages

/** Writes the message to all targets at once; false when its key was used before. */
async function say(
  { store, outbox }: DigestOptions,
  to: Person,
  key: string,
  reply: Reply,
  targets: readonly ReportTarget[],
): Promise<boolean> {
  if (targets.length === 0 || (await store.count('outbox', { index: 'key', equals: [key] })) > 0) return false;
  const about = reply.about;
  await store.commit(
    targets.map(({ surface, conversation, due }) => ({
      table: 'outbox' as const,
      put: outbox.message(to, surface, key, conversation === undefined ? reply : { ...reply, shared: true }, about, {
        ...(conversation === undefined ? {} : { conversation }),
        ...(due === undefined ? {} : { due }),
      }),
    })),
  );
  return true;
}

/** A mail to an address of theirs, else the chat they use, else what is written for whoever looks. */
function digestTarget(
  o: DigestOptions,
  { ways, owner, plans, due }: { ways: ReportWays; owner: Person; plans: readonly Plan[]; due: Instant | undefined },
): { target: ReportTarget; plans: readonly Plan[] } | undefined {
  const mailed = plans.filter((plan) => canBeMailed(plan, owner, { ...ways, mailFiles: false }));
  if (mailed.length > 0 && !ways.mailFiles) return { target: { surface: 'mail' }, plans: mailed };
  const [first] = plans;
  const chat = first && chatOf(first, owner, o.surfaces);
  if (chat !== undefined) return { target: { surface: chat, ...(due === undefined ? {} : { due }) }, plans };
  const written = plans.filter((plan) => canBeMailed(plan, owner, ways));
  if (written.length > 0) return { target: { surface: 'mail' }, plans: written };
  return o.surfaces.includes('console') ? { target: { surface: 'console' }, plans } : undefined;
}

async function digestFor(
  o: DigestOptions,
  owner: Person,
  all: readonly Plan[],
  troubles: readonly Trouble[],
  kind: DigestKind,
): Promise<boolean> {
  const wanted = all.filter(({ report }) => report === kind);
  const [first] = wanted;
  if (!first) return false;
  const now = o.clock.now();
  const zone = zoneOf(owner, first);
  const period = periodOf(kind, now, zone);
  // One that was made since has a digest when its first period is over.
  const plans = wanted.filter(({ created }) => created < period.to);
  const ways: ReportWays = { surfaces: o.surfaces, mailFiles: o.mailFiles ?? true };
  const due = troubles.length > 0 ? undefined : quietUntil(now, zone);
  const way = plans.length === 0 ? undefined : digestTarget(o, { ways, owner, plans, due });
  const key = `digest:${owner.id}:${kind}:${period.date}`;
  if (!way || (await o.store.count('outbox', { index: 'key', equals: [key] })) > 0) return false;
  const rows: DigestRow[] = [];
  for (const plan of way.plans) rows.push(await rowOf(o, plan, period));
  return say(o, owner, key, digestReply(rows, troubles, { plans: all.length, period }), [way.target]);
}

async function tellMissed(o: DigestOptions, owner: Person, trouble: Trouble): Promise<boolean> {
  const { plan, at } = trouble;
  const now = o.clock.now();
  const weeks = Math.floor((now.getTime() - Date.parse(at)) / REMIND);
  const ways: ReportWays = { surfaces: o.surfaces, mailFiles: o.mailFiles ?? true };
  const targets = reportTargets({ trigger: 'schedule', state: 'failed' }, plan, owner, ways, now);
  const key = `missed:${plan.id}:${at}${weeks > 0 ? `:${weeks}` : ''}`;
  return say(o, owner, key, missedReply(trouble), targets);
}

async function troublesOf(
  o: DigestOptions,
  plans: readonly Plan[],
  since: ReadonlyMap<string, Instant>,
): Promise<Trouble[]> {
  const now = o.clock.now();
  const troubles: Trouble[] = [];
  for (const plan of plans) {
    try {
      const trouble = troubleOf(await viewOf(o, plan, since.get(plan.id) ?? now.toISOString()), now);
      if (trouble) troubles.push(trouble);
    } catch (error) {
      // A schedule that cannot be read: the scheduler tells so, and the other plans are not kept waiting.
      if (!(error instanceof UsageError)) throw error;
      o.log('warn', 'digest.plan_not_read', { plan: plan.id, error });
    }
  }
  return troubles;
}

/** One look. Answers how many messages were written. What goes wrong for one owner keeps nobody else waiting. */
export async function lookForDigests(o: DigestOptions, signal: AbortSignal): Promise<number> {
  const byOwner = new Map<string, Plan[]>();
  const plans: Plan[] = [];
  for await (const plan of o.store.find('plans')) {
    plans.push(plan);
    byOwner.set(plan.owner, [...(byOwner.get(plan.owner) ?? []), plan]);
  }
  const since = await watched(o, plans);
  let count = 0;
  for (const [id, own] of byOwner) {
    signal.throwIfAborted();
    try {
      const owner = await o.store.get('people', id);
      if (!owner) continue;
      const troubles = await troublesOf(o, own, since);
      for (const trouble of troubles.filter(isMissed)) if (await tellMissed(o, owner, trouble)) count++;
      for (const kind of KINDS) if (await digestFor(o, owner, own, troubles, kind)) count++;
    } catch (error) {
      o.log('error', 'digest.failed', { person: id, error });
    }
  }
  return count;
}

/**
 * Looks until `signal` is aborted. The first time a quarter of an hour after the start, and as long after a jump of the clock
 * (a laptop that slept), when the scheduler catches up.
 */
export async function startDigest(o: DigestOptions & { signal: AbortSignal }): Promise<void> {
  const { clock, log, signal } = o;
  let awakeSince = clock.now().getTime();
  let before = awakeSince;
  while (!signal.aborted) {
    try {
      await clock.sleep(LOOK_EVERY, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    }
    const now = clock.now().getTime();
    if (Math.abs(now - before - LOOK_EVERY) > MINUTE) awakeSince = now;
    before = now;
    if (now - awakeSince < SETTLING) continue;
    try {
      const count = await lookForDigests(o, signal);
      if (count > 0) log('info', 'digest.written', { count });
    } catch (error) {
      if (!signal.aborted) log('warn', 'digest.not_looked', { error });
    }
    // What the look itself took is no jump.
    before = clock.now().getTime();
  }
}
