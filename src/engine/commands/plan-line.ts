/** The line that makes a plan as it is now, and its places by the names that their accounts have now. Pure. */
import type { Account, Location, Plan } from '../types.ts';
import type { LocationText } from './command.ts';
import { lineOf } from './grammar/line.ts';

const asTyped = (place: Location, accounts: readonly Account[]): LocationText => {
  const account = accounts.find((candidate) => candidate.id === place.account)?.name;
  return { text: place.text, kind: place.kind, root: place.root, ...(account === undefined ? {} : { account }) };
};

export function planLine(plan: Plan, accounts: readonly Account[]): string {
  const { name, schedule, filter, retention, report, limit, layout } = plan;
  return lineOf({
    source: asTyped(plan.source, accounts),
    destinations: plan.destinations.map((place) => asTyped(place, accounts)),
    name,
    schedule,
    filter,
    report,
    ...(retention === undefined ? {} : { retention }),
    ...(limit === undefined ? {} : { limit }),
    ...(layout === undefined ? {} : { layout }),
  });
}
