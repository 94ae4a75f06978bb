/** Asks for the time zone, once, where the surface does not tell it: a schedule was made with one that was only taken. */
import { Conflict } from '../errors.ts';
import { isStranger } from '../people.ts';
import type { Services } from '../services.ts';
import type { Block, Caller, Plan, Reply } from '../types.ts';
import { choice, plain } from './reply.ts';

/** A menu of Discord holds 25. */
const OFFERED = 20;
/** Of the person's own country first. */
const NEAR = 8;

/** One per clock that many people live by, from west to east. */
const BIG: readonly string[] = [
  'Europe/London',
  'Europe/Berlin',
  'Europe/Paris',
  'America/New_York',
  'America/Chicago',
  'America/Denver',
  'America/Los_Angeles',
  'America/Sao_Paulo',
  'America/Mexico_City',
  'Europe/Athens',
  'Europe/Istanbul',
  'Africa/Johannesburg',
  'Africa/Lagos',
  'Asia/Dubai',
  'Asia/Kolkata',
  'Asia/Singapore',
  'Asia/Shanghai',
  'Asia/Tokyo',
  'Australia/Sydney',
  'Pacific/Auckland',
  'UTC',
];

/** Zones of the country that a locale names or suggests ("de" is Germany's); none for one that is not understood. */
function zonesOfLocale(locale: string | undefined): string[] {
  if (locale === undefined) return [];
  try {
    const { region } = new Intl.Locale(locale.replaceAll('_', '-')).maximize();
    if (region === undefined) return [];
    const country: Intl.Locale & { getTimeZones?(): string[] | undefined } = new Intl.Locale(`und-${region}`);
    const zones = country.getTimeZones?.() ?? [];
    // A large country has dozens, most of them of one town: those that many live by come first.
    const known = zones.filter((zone) => BIG.includes(zone));
    return [...known, ...zones.filter((zone) => !known.includes(zone))].slice(0, NEAR);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** Up to 20, those of the reader's country first. Pure. */
export function zonesFor(locale: string | undefined, taken: string): string[] {
  const zones = new Set([...zonesOfLocale(locale), taken, ...BIG]);
  return [...zones].filter((zone) => zone.includes('/') || zone === 'UTC').slice(0, OFFERED);
}

/** The menu and the form for everything that is not in it. */
export const zoneBlocks = (locale: string | undefined, taken: string): Block[] => [
  {
    kind: 'choices',
    menu: 'Your time zone',
    choices: zonesFor(locale, taken).map((zone) => choice(zone, `timezone ${zone}`)),
  },
  {
    kind: 'form',
    label: 'Another one',
    title: 'Your time zone',
    line: 'timezone',
    fields: [
      {
        name: 'zone',
        label: 'Time zone',
        help: 'Region and city, for example Europe/Paris.',
        required: true,
        suggest: 'zone',
      },
    ],
  },
];

/** True for the one who asks: a person is asked once, however many backups they make at a time. */
async function firstAsked({ store }: Pick<Services, 'store'>, id: string): Promise<boolean> {
  for (;;) {
    const person = await store.get('people', id);
    if (!person || person.zone !== undefined || person.zoneAsked) return false;
    try {
      await store.put('people', { ...person, zoneAsked: true });
      return true;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

/** The question, where it has to be asked; the person is marked as asked. */
export async function zoneQuestion(services: Services, caller: Caller, plan: Plan): Promise<Reply | undefined> {
  if (!('zone' in plan.schedule) || caller.surface === 'terminal' || isStranger(caller.person)) return undefined;
  if (!(await firstAsked(services, caller.person.id))) return undefined;
  return {
    ...plain(
      `Which time zone are you in? I took ${plan.schedule.zone}.`,
      zoneBlocks(caller.person.locale, plan.schedule.zone),
      { asked: 'zone', taken: plan.schedule.zone },
    ),
    onlyForCaller: true,
  };
}
