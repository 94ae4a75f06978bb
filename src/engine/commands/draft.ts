/** A described backup -> a plan that could be stored: places found, everything refused that would lose files or loop. */

import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NotFound, UsageError } from '../errors.ts';
import { openLocalFolder, realFolder } from '../places.ts';
import type { Services } from '../services.ts';
import { catalogRange } from '../store/store.ts';
import type { Caller, Location, Plan } from '../types.ts';
import { type CommandArgs, type LocationText, maySee } from './command.ts';
import { lineOf } from './grammar/line.ts';
import { keyOf, quote } from './grammar/words.ts';
import { locate } from './locate.ts';
import { lastPart, pathBelow, relation } from './overlap.ts';
import { visiblePlans } from './plan-of.ts';

type Draft = CommandArgs['create'];

/** Where its reports go is where it was made; what is said on the terminal is not written there. */
const CHATS: ReadonlySet<string> = new Set(['slack', 'discord']);

/** Ids hold no `/` (catalog keys are built of them). */
const newPlanId = (): string => `p${randomBytes(6).toString('hex')}`;

const wordFor = (place: Location): string => lastPart(place.root) || (place.text.split(':')[0] ?? place.kind);

/** The typed location with a folder added. */
const withFolder = (place: LocationText, folder: string): LocationText => ({
  ...place,
  root: [place.root.replace(/[/\\]+$/, ''), folder].filter(Boolean).join('/'),
});

/** The whole wish again, with one destination moved into a folder of its own. */
function lineWithFolder(args: Draft, index: number, folder: string): string {
  const { line: _, ...wish } = args;
  const destinations = wish.destinations.map((place, i) => (i === index ? withFolder(place, folder) : place));
  return `backup ${lineOf({ ...wish, destinations })}`;
}

/** The place behind its links, for comparing: a link into the source is no second place. */
const behindLinks = async (place: Location): Promise<Location> =>
  place.account === undefined && place.kind === 'local'
    ? { ...place, root: await realFolder(resolve(place.root)).catch(() => place.root) }
    : place;

function refuseLoops(source: Location, destinations: readonly Location[]): void {
  for (const [i, destination] of destinations.entries()) {
    const where = relation(destination, source);
    if (where === 'same') {
      throw new UsageError(`${source.text} and ${destination.text} are the same place: that would be no second copy.`, {
        code: 'same_place',
        advice: 'Choose another folder, disk or account as the destination.',
      });
    }
    if (where === 'inside') {
      throw new UsageError(
        `The destination ${destination.text} lies inside the source ${source.text}: each run would back up the copies of the one before.`,
        { code: 'destination_inside', advice: `Choose a destination outside ${source.text}.` },
      );
    }
    if (where === 'contains') {
      throw new UsageError(
        `The source ${source.text} lies inside the destination ${destination.text}: the copies would land among the originals.`,
        {
          code: 'source_inside',
          advice: `Choose a destination that does not hold ${source.text}, best on another disk.`,
        },
      );
    }
    const twin = destinations.slice(0, i).find((other) => relation(destination, other) !== 'apart');
    if (twin) {
      throw new UsageError(
        `The destinations ${twin.text} and ${destination.text} overlap: that would be one copy, not two.`,
        {
          code: 'same_place',
          advice: 'Name each place once.',
        },
      );
    }
  }
}

/** Whether the outer plan has, or would bring, files of its own into the inner folder. */
async function usesFolder(
  services: Services,
  outer: Pick<Plan, 'id' | 'source'>,
  index: number,
  folder: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { from } = catalogRange(outer.id, index);
  const stored = services.store.find('catalog', { from: `${from}${folder}/`, to: `${from}${folder}0`, limit: 1 });
  for await (const _ of stored) return true;
  try {
    const open = await services.places.open(outer.source, signal);
    try {
      for await (const _ of open.provider.list({ signal, under: folder })) return true;
    } finally {
      await open.close();
    }
    return false;
  } catch (error) {
    signal.throwIfAborted();
    // A source that cannot be looked into now may hold such a folder: the careful answer is yes.
    services.log('warn', 'create.unseen_source', { plan: outer.id, error });
    return true;
  }
}

/**
 * Two backups in one folder would take each other's files for their own. A folder of its own below another backup is
 * fine as long as that one has no files there.
 */
async function refuseTakenPlace(
  services: Services,
  caller: Caller,
  args: Draft,
  draft: Plan,
  known: readonly Plan[],
): Promise<void> {
  for (const [number, typed] of draft.destinations.entries()) {
    const destination = await behindLinks(typed);
    for (const plan of known) {
      for (const [index, place] of plan.destinations.entries()) {
        const taken = await behindLinks(place);
        const where = relation(destination, taken);
        if (where === 'apart') continue;
        const clash =
          where === 'same' ||
          (where === 'inside'
            ? await usesFolder(services, plan, index, pathBelow(destination, taken), caller.signal)
            : await usesFolder(services, draft, 0, pathBelow(taken, destination), caller.signal));
        if (!clash) continue;
        const folder = wordFor(draft.source);
        const line = lineWithFolder(args, number, folder);
        const mine = maySee(caller.person, plan);
        const whose = mine ? `The backup "${plan.name}"` : 'A backup of somebody else';
        throw new UsageError(`${whose} already keeps its files in ${taken.text}; they must not mix.`, {
          code: 'place_taken',
          advice: `Give this one a folder of its own: ${line}`,
          choices: [
            { label: `Use its folder ${folder}`, line },
            ...(mine ? [{ label: `Show ${plan.name}`, line: `show ${quote(plan.name)}` }] : []),
          ],
        });
      }
    }
  }
}

/** `Pictures to usb`, `Pictures to usb 2` ... */
function freeName(wanted: string, taken: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted} ${n}`;
    if (!taken.has(keyOf(name))) return name;
  }
}

export function checkName(wanted: string, own: readonly Plan[]): void {
  const taken = new Set(own.map((plan) => keyOf(plan.name)));
  if (!taken.has(keyOf(wanted))) return;
  const free = freeName(wanted, taken);
  throw new UsageError(`You already have a backup named "${wanted}".`, {
    code: 'name_taken',
    advice: `Choose another name, for example: named ${quote(free)}`,
    choices: [{ label: `Show ${wanted}`, line: `show ${quote(wanted)}` }],
  });
}

async function everyPlan(services: Services): Promise<Plan[]> {
  const plans: Plan[] = [];
  for await (const plan of services.store.find('plans')) plans.push(plan);
  return plans;
}

/**
 * The plan that the words describe; not stored, nothing written. Throws `UsageError`, `AuthRequired` or `NotAllowed` that
 * say what is in the way and name a line that works.
 */
export async function draftPlan(services: Services, caller: Caller, args: Draft): Promise<Plan> {
  const source = await locate(services, caller, args.source, 'source');
  const destinations: Location[] = [];
  for (const place of args.destinations) destinations.push(await locate(services, caller, place, 'destination'));
  refuseLoops(await behindLinks(source), await Promise.all(destinations.map(behindLinks)));
  const own = (await visiblePlans(services, caller)).filter((plan) => plan.owner === caller.person.id);
  if (args.name !== undefined) checkName(args.name, own);
  const taken = new Set(own.map((plan) => keyOf(plan.name)));
  const name = args.name ?? freeName(`${wordFor(source)} to ${destinations.map(wordFor).join(' and ')}`, taken);
  for (const place of [source, ...destinations]) await openLocalFolder(services, caller, place);
  const plan: Plan = {
    id: newPlanId(),
    owner: caller.person.id,
    name,
    source,
    destinations,
    schedule: args.schedule ?? { manual: true },
    filter: args.filter ?? {},
    ...(args.retention === undefined ? {} : { retention: args.retention }),
    report: args.report ?? 'always',
    ...(args.limit ? { limit: args.limit } : {}),
    ...(args.layout ? { layout: args.layout } : {}),
    state: 'active',
    line: args.line,
    created: services.clock.now().toISOString(),
    ...(CHATS.has(caller.surface) ? { surface: caller.surface } : {}),
  };
  await refuseTakenPlace(services, caller, args, plan, await everyPlan(services));
  return plan;
}

/** The folder above; undefined for the top of an account or of a disk. */
const above = (place: Location): Location | undefined => {
  const root = place.root.replace(/[/\\]+$/, '');
  const cut = root.search(/[/\\][^/\\]*$/);
  if (root === '' || (cut < 0 && place.account === undefined)) return undefined;
  return { ...place, root: cut < 0 ? '' : root.slice(0, cut) || root.slice(0, 1) };
};

const wouldBeMade = (error: unknown): boolean => error instanceof NotFound && error.code === 'root_missing';

/**
 * A destination that is not there yet is made by the first run: in an account at any depth, on this machine if the folder
 * above it is there (a missing `/mnt/usb` is more often a disk that is not plugged in).
 */
async function checkDestination(services: Services, place: Location, signal: AbortSignal): Promise<void> {
  try {
    await services.places.check(place, signal);
  } catch (error) {
    const parent = wouldBeMade(error) ? above(place) : undefined;
    if (!parent) throw error;
    // The folder above a typed folder is not itself open to backups, so it is only looked at, never opened.
    if (place.account !== undefined) await checkDestination(services, parent, signal);
    else {
      await stat(parent.root).catch(() => {
        throw error;
      });
    }
  }
}

/** Throws what keeps a place from being used (not there, sign-in refused, disk unplugged), before anything is stored. */
export async function checkPlaces(services: Services, plan: Plan, signal: AbortSignal): Promise<void> {
  await services.places.check(plan.source, signal);
  for (const place of plan.destinations) await checkDestination(services, place, signal);
}
