/** A form to open at once, without a line having been said: a shortcut or a button of a home page. */
import { mayAct } from '../people.ts';
import type { FormName, Services } from '../services.ts';
import type { Caller, Form, Plan } from '../types.ts';
import { connectForm, editForm, filterForm, newForm, restoreForm } from './forms.ts';
import { visiblePlans } from './plan-of.ts';

type Known = Pick<Services, 'store' | 'kinds'>;
type Asking = Pick<Caller, 'person' | 'about' | 'zone'>;

/** What a person may change about a plan, as forms; nothing for those who may only look. */
export const planForms = (caller: Pick<Caller, 'person' | 'zone'>, plan: Plan): Form[] =>
  mayAct(caller.person, 'member') ? [editForm(plan), filterForm(plan, caller.zone)] : [];

/** For those who may make a backup. */
export const newForms = (caller: Pick<Caller, 'person'>): Form[] =>
  mayAct(caller.person, 'member') ? [newForm()] : [];

/** Kinds that take a sign-in. */
export const connectable = (services: Pick<Services, 'kinds'>) =>
  services.kinds.list().filter((kind) => kind.name !== 'local');

/** The snapshot that a run wrote, in the words of a line. */
async function snapshotOf(services: Known, plan: string, run: string | undefined): Promise<string | undefined> {
  if (run === undefined) return undefined;
  for await (const record of services.store.find('snapshots', { index: 'plan+started', equals: [plan], reverse: true }))
    if (record.run === run) return run;
  return undefined;
}

/**
 * `edit`, `filter` and `restore` are about the plan of `about`, or about the only one there is. Undefined for people who
 * may not do it, and where there is no such plan that is theirs to see. Reads the store only: a few milliseconds.
 */
export async function formFor(
  services: Known,
  caller: Asking,
  what: FormName,
  about: Caller['about'] = caller.about,
): Promise<Form | undefined> {
  if (!mayAct(caller.person, 'member')) return undefined;
  if (what === 'new') return newForm();
  if (what === 'connect') return connectForm(connectable(services));
  const plans = await visiblePlans(services, caller);
  const plan = about?.plan === undefined && plans.length === 1 ? plans[0] : plans.find(({ id }) => id === about?.plan);
  if (!plan) return undefined;
  if (what === 'edit') return editForm(plan);
  if (what === 'filter') return filterForm(plan, caller.zone);
  const from = await snapshotOf(services, plan.id, about?.run);
  return restoreForm(plan, from === undefined ? {} : { from });
}
