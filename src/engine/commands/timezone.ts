/** `timezone [name]`: the zone in which the caller's times are meant and shown. */
import { isChat } from '../backup/report-targets.ts';
import { Conflict, NotFound, UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Caller, Person, Plan } from '../types.ts';
import { instantWords } from '../wording.ts';
import type { Command } from './command.ts';
import { scheduleText } from './grammar/line.ts';
import { nearest } from './grammar/suggest.ts';
import { quote } from './grammar/words.ts';
import { accountsOf } from './locate.ts';
import { planLine } from './plan-line.ts';
import { changePlan, visiblePlans } from './plan-of.ts';
import { scheduleWords } from './plan-words.ts';
import { choice, choices, good, plain, text } from './reply.ts';
import { zoneNamed } from './schedule/calendar.ts';
import { zoneBlocks } from './zone-question.ts';

/** Zones that a mistyped or a city's name may mean: "berlin", "Europe/Berln". */
function meant(typed: string): string[] {
  const zones = Intl.supportedValuesOf('timeZone');
  const city = typed.trim().replaceAll(' ', '_').toLowerCase();
  const ending = zones.filter((zone) => zone.toLowerCase().endsWith(`/${city}`));
  if (ending.length > 0) return ending.slice(0, 3);
  const close = nearest(typed, zones);
  if (close.length > 0) return close;
  const cities = new Map(zones.map((zone) => [zone.split('/').at(-1) ?? zone, zone]));
  return nearest(city, cities.keys()).flatMap((name) => cities.get(name) ?? []);
}

async function keepZone(services: Services, id: string, zone: string): Promise<{ person: Person; former?: string }> {
  for (;;) {
    const person = await services.store.get('people', id);
    if (!person) throw new NotFound('You are no longer known here.', { code: 'no_such_person' });
    try {
      const kept = await services.store.put('people', { ...person, zone });
      return { person: kept, ...(person.zone === undefined ? {} : { former: person.zone }) };
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

/** Made in chat, in the zone that was taken because the person's was not known. A zone that was said is another one. */
const isGuessed = ({ schedule, surface }: Plan, taken: string): boolean =>
  surface !== undefined && 'zone' in schedule && schedule.zone === taken;

/** Moves plans to the zone that was meant all along; their times of day stay as said. */
async function moveGuessed(services: Services, caller: Caller, plans: readonly Plan[], zone: string): Promise<Plan[]> {
  const accounts = await accountsOf(services, caller.person);
  const moved: Plan[] = [];
  for (const { id } of plans) {
    const stored = await changePlan(services, id, (plan) => {
      const next = 'zone' in plan.schedule ? { ...plan, schedule: { ...plan.schedule, zone } } : plan;
      return { ...next, line: planLine(next, accounts) };
    });
    moved.push(await services.scheduler.schedule(stored));
  }
  return moved;
}

/** The plan's own schedule in another zone, as a line that works. */
const movedLine = ({ name, schedule }: Plan, zone: string): string =>
  `edit ${quote(name)} ${scheduleText('zone' in schedule ? { ...schedule, zone } : schedule)}`;

export const timezone: Command<'timezone'> = {
  name: 'timezone',
  summary: 'Show or set your time zone.',
  example: 'timezone Europe/Berlin',
  needs: 'viewer',
  async *run(args, caller, services) {
    const now = services.clock.now();
    const clock = (zone: string): string => instantWords(now.toISOString(), zone).slice(-'00:00'.length);
    if (args.zone === undefined) {
      yield plain(
        `Your time zone is ${caller.zone}: it is ${clock(caller.zone)} now.`,
        isChat(caller.surface)
          ? zoneBlocks(caller.person.locale, caller.zone)
          : [text('To change it: timezone Europe/Paris'), ...choices(choice('Show my backups', 'list'))],
        { zone: caller.zone },
      );
      return;
    }
    const zone = zoneNamed(args.zone);
    if (zone === undefined) {
      const close = meant(args.zone);
      throw new UsageError(`"${args.zone}" is not a time zone I know.`, {
        code: 'unknown_zone',
        advice: close[0]
          ? `Did you mean ${close[0]}?`
          : 'Write continent and city, for example: timezone Europe/Berlin',
        choices: close.map((name) => ({ label: name, line: `timezone ${name}` })),
      });
    }
    const { person, former } = await keepZone(services, caller.person.id, zone);
    const own = (await visiblePlans(services, { person })).filter(
      (plan) => plan.owner === person.id && 'zone' in plan.schedule && plan.schedule.zone !== zone,
    );
    const guessed = former === undefined ? own.filter((plan) => isGuessed(plan, services.config.zone)) : [];
    const moved = await moveGuessed(services, caller, guessed, zone);
    const [first] = own.filter((plan) => !guessed.includes(plan));
    yield good(
      `Your time zone is ${zone}: it is ${clock(zone)} now.`,
      [
        ...moved.map((plan) => text(`${plan.name} is moved to it: ${scheduleWords(plan.schedule, now, plan.name)}`)),
        ...(first
          ? [
              text(
                `${moved.length > 0 ? 'Other backups' : 'Backups you already have'} keep the zone they were made in, until their schedule is said again.`,
              ),
            ]
          : []),
        ...choices(
          first && choice(`Move ${first.name} too`, movedLine(first, zone)),
          choice('Show my backups', 'list'),
        ),
      ],
      { zone, ...(moved.length > 0 ? { moved: moved.map((plan) => plan.name) } : {}) },
    );
  },
};
