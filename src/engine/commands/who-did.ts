/** Who did what to a plan, and when, as the audit trail has it: so that a button can say why it has nothing left to do. */
import type { Services } from '../services.ts';
import type { AuditLine, Caller, Instant, Plan } from '../types.ts';
import type { CommandName } from './command.ts';
import { keyOf } from './grammar/words.ts';

/** What somebody did. `name` is "You" for the caller's own deeds. */
export interface Deed {
  name: string;
  at: Instant;
  command: string;
}

type Known = Pick<Services, 'store'>;
type Asking = Pick<Caller, 'person'>;

/** Audit lines that are looked through; who changed something a thousand lines ago is no news. */
const LOOKED_AT = 1_000;

/** `undo` removes what `create` made. */
const REMOVERS: ReadonlySet<string> = new Set(['delete', 'undo']);

const isDone = (line: AuditLine): boolean => line.outcome === 'done';

async function deedOf(services: Known, caller: Asking, line: AuditLine): Promise<Deed> {
  const own = line.person === caller.person.id;
  const person = own || line.person === undefined ? undefined : await services.store.get('people', line.person);
  return { name: own ? 'You' : (person?.name ?? 'Somebody'), at: line.at, command: line.command ?? '' };
}

/** The newest of these commands that was done to the plan; undefined when there is none in the trail. */
export async function whoDid(
  services: Known,
  caller: Asking,
  plan: string,
  commands: readonly CommandName[],
): Promise<Deed | undefined> {
  const newest = { index: 'plan+at', equals: [plan], reverse: true, limit: LOOKED_AT };
  for await (const line of services.store.find('audit', newest)) {
    if (isDone(line) && commands.some((name) => name === line.command)) return deedOf(services, caller, line);
  }
  return undefined;
}

/** Whether a line says a name, quoted or not. */
export const mentions = (line: string, name: string): boolean =>
  ` ${keyOf(line.replace(/["'“”„«»]/g, ' '))} `.includes(` ${keyOf(name.replace(/["'“”„«»]/g, ' '))} `);

/**
 * Who deleted the plan that a line names, or that it is about (`about`: a plan's id). Only for people who could have seen
 * the plan: for others a plan that is gone and one that never was look alike.
 */
export async function whoDeleted(
  services: Known,
  caller: Asking,
  wanted: { line: string; about?: string },
): Promise<(Deed & { plan: string }) | undefined> {
  const { person } = caller;
  for await (const line of services.store.find('audit', { index: 'at', reverse: true, limit: LOOKED_AT })) {
    if (!isDone(line) || line.planName === undefined) continue;
    if (!REMOVERS.has(line.command ?? '')) continue;
    if (person.role !== 'owner' && line.planOwner !== person.id) continue;
    if (line.plan !== wanted.about && !mentions(wanted.line, line.planName)) continue;
    return { ...(await deedOf(services, caller, line)), plan: line.planName };
  }
  return undefined;
}

const parts = (at: Date, zone: string): Record<string, string> =>
  Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );

/** `at 14:02` today, `on Fri 20 Nov at 14:02`, with the year when it is another one; on the zone's clock. */
export function momentWords(at: Instant, zone: string, now: Date): string {
  const then = parts(new Date(at), zone);
  const today = parts(now, zone);
  const time = `at ${then.hour}:${then.minute}`;
  const year = then.year === today.year ? '' : ` ${then.year}`;
  if (year === '' && then.day === today.day && then.month === today.month) return time;
  return `on ${then.weekday} ${then.day} ${then.month}${year} ${time}`;
}

/** `Ana paused it at 14:02`; `what` is said in the past tense. */
export const deedWords = (deed: Pick<Deed, 'name' | 'at'>, what: string, zone: string, now: Date): string =>
  `${deed.name} ${what} ${momentWords(deed.at, zone, now)}`;

/** What the audit trail keeps of a plan. */
export const trailOf = (
  plan: Pick<Plan, 'id' | 'name' | 'owner'>,
): Pick<AuditLine, 'plan' | 'planName' | 'planOwner'> => ({
  plan: plan.id,
  planName: plan.name,
  planOwner: plan.owner,
});
