/** Which plan is meant: by name, by the message that is answered, or because there is only one. */
import { Conflict, NotFound, UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Caller, Plan, Run } from '../types.ts';
import { maySee } from './command.ts';
import { nearest } from './grammar/suggest.ts';
import { keyOf, quote } from './grammar/words.ts';

type Known = Pick<Services, 'store'>;
type Asking = Pick<Caller, 'person' | 'about'>;

/** The caller's own plans by name, then those that an owner may see besides. */
export async function visiblePlans(services: Known, caller: Pick<Caller, 'person'>): Promise<Plan[]> {
  const { person } = caller;
  const plans: Plan[] = [];
  const found =
    person.role === 'owner'
      ? services.store.find('plans')
      : services.store.find('plans', { index: 'owner', equals: [person.id] });
  for await (const plan of found) if (maySee(person, plan)) plans.push(plan);
  const rank = (plan: Plan): number => (plan.owner === person.id ? 0 : 1);
  return plans.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en') || (a.id < b.id ? -1 : 1));
}

/** One choice per plan: the line that `say` makes of its name. */
const offers = (plans: readonly Plan[], say: (name: string) => string): { label: string; line: string }[] =>
  plans.slice(0, 5).map((plan) => ({ label: plan.name, line: say(quote(plan.name)) }));

/**
 * The plan meant by `name`, or without one by what is answered, or the only one there is. `say` makes the line to offer
 * of a (quoted) name. Throws `NotFound` for a plan that is not there or is not the caller's to see (the two must look
 * alike), `UsageError` when several could be meant.
 */
export async function planOf(
  services: Known,
  caller: Asking,
  name: string | undefined,
  say: (name: string) => string,
): Promise<Plan> {
  const plans = await visiblePlans(services, caller);
  if (plans.length === 0) {
    throw new NotFound('There is no backup yet.', {
      code: 'no_plans',
      advice: 'Make the first one, for example: backup ~/Pictures to /mnt/usb weekly',
    });
  }
  if (name !== undefined) {
    const key = keyOf(name);
    const named = plans.filter((plan) => keyOf(plan.name) === key);
    // An owner sees several people's "Pictures": below a message it is the one of that message.
    const found =
      named.find((plan) => plan.id === caller.about?.plan) ?? named[0] ?? plans.find(({ id }) => id === name);
    if (found) return found;
    const close = nearest(
      name,
      plans.map((plan) => plan.name),
    );
    const near = plans.filter((plan) => close.includes(plan.name));
    throw new NotFound(`There is no backup named "${name}".`, {
      code: 'no_such_plan',
      advice: near.length > 0 ? `Did you mean "${near[0]?.name}"?` : '`list` shows the names of your backups.',
      choices: near.length > 0 ? offers(near, say) : [{ label: 'Show my backups', line: 'list' }],
    });
  }
  const about = plans.find((plan) => plan.id === caller.about?.plan);
  if (about) return about;
  const [only] = plans;
  if (plans.length === 1 && only) return only;
  throw new UsageError('Which backup do you mean?', {
    code: 'which_plan',
    advice: `Name it, for example: ${say(quote(plans[0]?.name ?? ''))}`,
    choices: offers(plans, say),
  });
}

/** Changes a plan, again and again until nobody was faster. Throws `NotFound` when it was deleted meanwhile. */
export async function changePlan(services: Known, id: string, change: (plan: Plan) => Plan): Promise<Plan> {
  for (;;) {
    const plan = await services.store.get('plans', id);
    if (!plan) throw new NotFound('This backup was deleted meanwhile.', { code: 'no_such_plan' });
    try {
      return await services.store.put('plans', change(plan));
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

export async function newestRun(services: Known, plan: Plan): Promise<Run | undefined> {
  const runs = services.store.find('runs', { index: 'plan+queued', equals: [plan.id], reverse: true, limit: 1 });
  for await (const run of runs) return run;
  return undefined;
}
