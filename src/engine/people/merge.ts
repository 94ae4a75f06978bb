/** Two people who turned out to be one: everything of the one becomes the other's, and a crash in between is healed. */
import { keyOf, quote } from '../commands/grammar/words.ts';
import { planLine } from '../commands/plan-line.ts';
import { Conflict, NotFound } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Account, AuditLine, Location, Person, Plan, Role } from '../types.ts';
import { changeDoc } from './change.ts';

export const RANK: Record<Role, number> = { viewer: 0, member: 1, owner: 2 };

export interface Renamed {
  what: 'account' | 'backup';
  from: string;
  to: string;
}

/** The name, or with a number behind it where the other person has one like it. At most 60 characters, as accounts allow. */
function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let i = 2; taken.has(keyOf(free)); i++) free = `${name.slice(0, 54).trim()} (${i})`;
  taken.add(keyOf(free));
  return free;
}

async function ownedBy<T extends 'accounts' | 'plans'>(
  store: Store,
  table: T,
  owner: string,
): Promise<(T extends 'accounts' ? Account : Plan)[]> {
  const found: unknown[] = [];
  for await (const doc of store.find(table, { index: 'owner', equals: [owner] })) found.push(doc);
  return found as (T extends 'accounts' ? Account : Plan)[];
}

/** What two people both have a name for, and the names that the one will get. */
export async function clashes(store: Store, from: string, into: string): Promise<Renamed[]> {
  const renamed: Renamed[] = [];
  for (const [table, what] of [
    ['accounts', 'account'],
    ['plans', 'backup'],
  ] as const) {
    const own = await ownedBy(store, table, from);
    const taken = new Set((await ownedBy(store, table, into)).map(({ name }) => keyOf(name)));
    for (const { name } of own) {
      const to = freeName(name, taken);
      if (to !== name) renamed.push({ what, from: name, to });
    }
  }
  return renamed;
}

const newName = (renamed: readonly Renamed[], what: Renamed['what'], name: string): string =>
  renamed.find((one) => one.what === what && one.from === name)?.to ?? name;

/** The plan under its new owner: where a name changed, its line and its places say the new one. */
function movedPlan(plan: Plan, into: string, accounts: readonly Account[], renamed: readonly Renamed[]): Plan {
  const name = newName(renamed, 'backup', plan.name);
  const place = (location: Location): Location => {
    const account = accounts.find(({ id }) => id === location.account);
    const called = account && newName(renamed, 'account', account.name);
    if (!account || called === undefined || called === account.name) return location;
    const name = quote(called);
    return { ...location, text: location.root === '' ? name : `${name}:${location.root}` };
  };
  const moved = { ...plan, owner: into, name, source: place(plan.source), destinations: plan.destinations.map(place) };
  const same = name === plan.name && JSON.stringify(moved.destinations) === JSON.stringify(plan.destinations);
  if (same && moved.source.text === plan.source.text) return moved;
  const called = accounts.map((account) => ({ ...account, name: newName(renamed, 'account', account.name) }));
  return { ...moved, line: planLine(moved, called) };
}

/**
 * Plans go before accounts: the new names follow from the accounts of both, so a second try comes to the same ones.
 * Documents that others write meanwhile (a run that goes on) are changed under their revision.
 */
async function moveAll(store: Store, from: string, into: string): Promise<void> {
  const renamed = await clashes(store, from, into);
  const accounts = await ownedBy(store, 'accounts', from);
  for (const plan of await ownedBy(store, 'plans', from)) {
    await changeDoc(store, 'plans', plan.id, (stored) => movedPlan(stored, into, accounts, renamed));
  }
  for (const account of accounts) {
    const name = newName(renamed, 'account', account.name);
    await changeDoc(store, 'accounts', account.id, (stored) => ({ ...stored, name, owner: into }));
  }
  const runs: string[] = [];
  for await (const run of store.find('runs', { index: 'owner+queued', equals: [from] })) runs.push(run.id);
  for (const id of runs) await changeDoc(store, 'runs', id, (run) => ({ ...run, owner: into }));
  for (const table of ['pending', 'outbox', 'threads'] as const) {
    const ids: string[] = [];
    for await (const doc of store.find(table)) if (doc.person === from) ids.push(doc.id);
    for (const id of ids) await changeDoc(store, table, id, (doc) => ({ ...doc, person: into }));
  }
  const said: AuditLine[] = [];
  for await (const line of store.find('audit')) {
    if (line.person !== from && line.planOwner !== from) continue;
    const person = line.person === from ? { person: into } : {};
    said.push({ ...line, ...person, ...(line.planOwner === from ? { planOwner: into } : {}) });
  }
  await store.putMany('audit', said);
}

/** The one that both are now: the higher role, the longer memory, and what only one of them had said. */
function united(into: Person, from: Person): Person {
  const zone = into.zone ?? from.zone;
  const locale = into.locale ?? from.locale;
  const known = new Set(into.identities.map(({ surface, id }) => `${surface}\0${id}`));
  return {
    ...into,
    role: RANK[from.role] > RANK[into.role] ? from.role : into.role,
    identities: [...into.identities, ...from.identities.filter(({ surface, id }) => !known.has(`${surface}\0${id}`))],
    created: from.created < into.created ? from.created : into.created,
    ...(zone === undefined ? {} : { zone }),
    ...(locale === undefined ? {} : { locale }),
    ...(into.zoneAsked || from.zoneAsked ? { zoneAsked: true as const } : {}),
  };
}

const unmarked = ({ into: _, ...person }: Person): Person => person;

/**
 * Goes on with a merge that was begun, from the beginning: each step finds what is left of it. The identities come last
 * and the mark stays until the person is gone, so that whatever a crash leaves is found again by the next line of theirs.
 * Answers who they are now; the same person when the merge cannot be finished.
 */
export async function finishMerge(store: Store, from: Person): Promise<Person> {
  const into = from.into === undefined ? undefined : await store.get('people', from.into);
  if (!into || into.into === from.id) {
    return (await changeDoc(store, 'people', from.id, unmarked)) ?? unmarked(from);
  }
  if (into.into !== undefined) return from;
  await moveAll(store, from.id, into.id);
  const one = await changeDoc(store, 'people', into.id, (person) => united(person, from));
  if (!one) return unmarked(from);
  await store.remove('people', from.id);
  // What a line of theirs that was still being worked on has made meanwhile.
  await moveAll(store, from.id, into.id);
  return one;
}

/**
 * Makes `from` part of `into`. Both must have proven that they are the same. Throws `NotFound` when one of them is gone,
 * `Conflict` when the two are being merged the other way round at this moment.
 */
export async function mergePeople(
  store: Store,
  from: string,
  into: string,
): Promise<{ person: Person; renamed: Renamed[] }> {
  const renamed = await clashes(store, from, into);
  const marked = await changeDoc(store, 'people', from, (person) => ({ ...person, into }));
  const target = await store.get('people', into);
  if (!marked || !target) {
    if (marked) await changeDoc(store, 'people', from, unmarked);
    throw new NotFound('One of the two is no longer known here, so nothing was changed.', { code: 'no_such_person' });
  }
  const person = target.into === undefined ? await finishMerge(store, marked) : marked;
  if (person.id === into) return { person, renamed };
  await changeDoc(store, 'people', from, unmarked);
  throw new Conflict('These two are just being linked from the other side, so nothing was changed.', {
    code: 'stale',
    advice: 'Type `whoami` in a moment; if you are not linked yet, begin again with: link',
  });
}
