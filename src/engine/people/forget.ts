/** What is stored about a person, and how all of it goes. */
import { hasEnded } from '../backup/report.ts';
import { Conflict } from '../errors.ts';
import type { Services } from '../services.ts';
import { catalogRange, type Store, versionRange } from '../store/store.ts';
import type { Account, AuditLine, Person, Plan } from '../types.ts';
import { changeDoc } from './change.ts';
import { oneByOne, refuseLastOwner } from './owners.ts';

/** A chunk on a slow line takes this long at most; a run that stops later is waited for by saying the line again. */
const PATIENCE = 60_000;

export interface Known {
  accounts: Account[];
  plans: Plan[];
  runs: number;
  /** Lines in the audit trail. */
  said: number;
  /** Messages to them, sent and waiting. */
  messages: number;
}

type Needed = Pick<Services, 'store' | 'clock' | 'log' | 'scheduler' | 'backup'>;

const isAbout = (person: Person): ((line: AuditLine) => boolean) => {
  // What they said before they were known, and what others typed about them by their ids.
  const ids = [person.id, ...person.identities.flatMap(({ surface, id }) => (surface === 'terminal' ? [] : [id]))];
  const before = person.identities.map(({ id }) => `stranger ${id}`);
  return (line) =>
    line.person === person.id ||
    line.planOwner === person.id ||
    before.some((words) => line.detail === words || line.detail?.startsWith(`${words},`)) ||
    ids.some((id) => line.line.includes(id));
};

async function plansOf(store: Store, person: Person): Promise<Plan[]> {
  const plans: Plan[] = [];
  for await (const plan of store.find('plans', { index: 'owner', equals: [person.id] })) plans.push(plan);
  return plans.sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

export async function whatIsKnown(store: Store, person: Person): Promise<Known> {
  const accounts: Account[] = [];
  for await (const account of store.find('accounts', { index: 'owner', equals: [person.id] })) accounts.push(account);
  let said = 0;
  for await (const line of store.find('audit')) if (line.person === person.id) said++;
  let messages = 0;
  for await (const message of store.find('outbox')) if (message.person === person.id) messages++;
  const runs = await store.count('runs', { index: 'owner+queued', equals: [person.id] });
  return { accounts, plans: await plansOf(store, person), runs, said, messages };
}

/** Nothing starts any more, and what runs has come to its end: a worker writes its run once more when it stops. */
async function bringToRest(services: Needed, plans: readonly Plan[], signal: AbortSignal): Promise<void> {
  const { store, backup, scheduler } = services;
  const stopping: { plan: Plan; run: string }[] = [];
  for (const plan of plans) {
    await scheduler.cancel(plan);
    await changeDoc(store, 'plans', plan.id, ({ next: _, ...stored }) => ({ ...stored, state: 'paused' }));
    const run = await backup.stop(plan);
    if (run && !hasEnded(run)) stopping.push({ plan, run: run.id });
  }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
  for (const { plan, run } of stopping) {
    try {
      for await (const state of backup.watch(run, limit)) if (hasEnded(state)) break;
    } catch (error) {
      signal.throwIfAborted();
      if (!limit.aborted) throw error;
      throw new Conflict(`${plan.name} is still stopping, so nothing was deleted yet.`, {
        code: 'is_running',
        advice: 'It ends at its next chunk. Type the line again in a minute.',
        cause: error,
      });
    }
  }
}

async function removePlan(store: Store, plan: Plan): Promise<void> {
  for (const index of plan.destinations.keys()) {
    for (const { from, to } of [catalogRange(plan.id, index), versionRange(plan.id, index)]) {
      await store.removeRange('catalog', from, to);
    }
  }
  await store.removeRange('memos', `${plan.id}/`, `${plan.id}0`);
  const snapshots: string[] = [];
  for await (const snapshot of store.find('snapshots', { index: 'plan+started', equals: [plan.id] })) {
    snapshots.push(snapshot.id);
  }
  await store.removeMany('snapshots', snapshots);
  await store.remove('leases', plan.id);
  // After what is found by its id; a crash before leaves a plan that is paused, and the line can be said again.
  await store.remove('plans', plan.id);
}

async function removeTraces(store: Store, person: Person, gone: ReadonlySet<string>): Promise<void> {
  const runs: string[] = [];
  for await (const run of store.find('runs', { index: 'owner+queued', equals: [person.id] })) runs.push(run.id);
  await store.removeMany('runs', runs);
  const worked = new Set(runs);
  const pending: string[] = [];
  for await (const doc of store.find('pending')) {
    const payload = JSON.stringify(doc.payload);
    const names = [person.id, ...gone];
    if (doc.person === person.id || names.some((id) => payload.includes(id))) pending.push(doc.id);
  }
  await store.removeMany('pending', pending);
  const messages: string[] = [];
  for await (const { id, about, person: to } of store.find('outbox')) {
    if (to === person.id || gone.has(about?.plan ?? '')) messages.push(id);
  }
  await store.removeMany('outbox', messages);
  const threads: string[] = [];
  for await (const thread of store.find('threads')) {
    const by = person.identities.some(({ surface, id }) => surface === thread.surface && id === thread.person);
    const theirs = by || gone.has(thread.plan ?? '') || worked.has(thread.run ?? '');
    if (theirs) threads.push(thread.id);
  }
  await store.removeMany('threads', threads);
  const about = isAbout(person);
  const lines: AuditLine[] = [];
  for await (const line of store.find('audit')) {
    if (!about(line)) continue;
    const { person: who, detail, planName, planOwner, ...rest } = line;
    const others = who === undefined || who === person.id ? {} : { person: who };
    const kept = detail === undefined || detail.startsWith('stranger ') ? {} : { detail };
    const theirs = planOwner === undefined || planOwner === person.id;
    const plan = theirs ? {} : { planOwner, ...(planName === undefined ? {} : { planName }) };
    lines.push({ ...rest, ...others, ...kept, ...plan, line: '' });
  }
  await store.putMany('audit', lines);
}

/**
 * Deletes a person and everything that is theirs here; what was copied stays at its destination. The person goes last, so
 * that after a crash the line can be said again. Answers whether nobody is left. Throws `UsageError` (`last_owner`)
 * while others would be left without an owner, `Conflict` (`is_running`) when a run does not come to its end in a minute.
 */
export async function forgetPerson(services: Needed, person: Person, signal: AbortSignal): Promise<boolean> {
  const { store } = services;
  await refuseLastOwner(store, person);
  const plans = await plansOf(store, person);
  await bringToRest(services, plans, signal);
  for (const plan of plans) await removePlan(store, plan);
  const accounts: string[] = [];
  for await (const account of store.find('accounts', { index: 'owner', equals: [person.id] })) {
    accounts.push(account.id);
  }
  await store.removeMany('accounts', accounts);
  await removeTraces(store, person, new Set(plans.map(({ id }) => id)));
  return oneByOne(services, async () => {
    const last = await refuseLastOwner(store, person);
    await store.remove('people', person.id);
    return last;
  });
}
