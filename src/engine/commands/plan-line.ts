/** The line that makes a plan as it is now, and its places by the names that their accounts have now. Pure. */
import type { Account, Location, Plan } from '../types.ts';
import type { LocationText } from './command.ts';
import { lineOf } from './grammar/line.ts';

const asTyped = (place: Location, accounts: readonly Account[]): LocationText => {
  const account = accounts.find((candidate) => candidate.id === place.account)?.name;
  // The home folder stays the reader's own word for it.
  const root = place.kind === 'local' && place.text.startsWith('~/') ? place.text : place.root;
  return { text: place.text, kind: place.kind, root, ...(account === undefined ? {} : { account }) };
};

export function planLine(plan: Plan, accounts: readonly Account[]): string {
  const { name, schedule, filter, retention, report, limit, layout } = plan;
  return lineOf({
    source: asTyped(plan.source, accounts),
    destinations: plan.destinations.map((place) => asTyped(place, accounts)),
    name,
    schedule,
    filter,
    ...(report === 'always' ? {} : { report }),
    ...(retention === undefined ? {} : { retention }),
    ...(limit === undefined ? {} : { limit }),
    ...(layout === undefined ? {} : { layout }),
  });
}
