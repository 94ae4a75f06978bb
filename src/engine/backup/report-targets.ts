/** Where a run is reported, and when: by mail, on the console, in the chat that its owner uses. Pure. */
import type { Instant, Person, Plan, Run } from '../types.ts';

export interface ReportTarget {
  surface: string;
  /** Said there, before everybody in it, instead of to the owner alone. */
  conversation?: string;
  /** Not before; absent: at once. */
  due?: Instant;
}

const CHATS: readonly string[] = ['slack', 'discord'];

/** Where people press and choose instead of typing. */
export const isChat = (surface: string): boolean => CHATS.includes(surface);

/** Where a picture is seen; elsewhere it would only be carried along. */
export const showsPictures = (surface: string): boolean => surface === 'mail' || isChat(surface);

/** Local hours in which a phone stays dark for what can wait. */
const QUIET = { from: 22, to: 7 };

/** The owner's chat: where the plan was made if they are still known there, else the first that both know. */
export function chatOf(
  plan: Pick<Plan, 'surface'>,
  owner: Pick<Person, 'identities'>,
  surfaces: readonly string[],
): string | undefined {
  const theirs = owner.identities.map(({ surface }) => surface).filter((name) => CHATS.includes(name));
  const usable = theirs.filter((name) => surfaces.includes(name));
  return usable.find((name) => name === plan.surface) ?? usable[0];
}

/**
 * The end of the quiet hours that `now` lies in, on the zone's clock; undefined outside them. A change of the clock in
 * between is part of the night: it is 07:00 local all the same.
 */
export function quietUntil(now: Date, zone: string): Instant | undefined {
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone);
  if (local.hour >= QUIET.to && local.hour < QUIET.from) return undefined;
  const morning = local.hour >= QUIET.from ? local.toPlainDate().add({ days: 1 }) : local.toPlainDate();
  const end = morning.toZonedDateTime({ timeZone: zone, plainTime: new Temporal.PlainTime(QUIET.to) });
  return new Date(end.epochMilliseconds).toISOString();
}

/** What this Keepsake has. */
export interface ReportWays {
  surfaces: readonly string[];
  /** Mails are written as files of this machine, for whoever looks there: nobody needs an address. */
  mailFiles: boolean;
}

/** A mail is of use to them: there is an address that takes it, and they have not asked for none about this backup. */
export const canBeMailed = (
  { mailed }: Pick<Plan, 'mailed'>,
  { identities }: Pick<Person, 'identities'>,
  { surfaces, mailFiles }: ReportWays,
): boolean =>
  surfaces.includes('mail') &&
  mailed !== false &&
  (mailFiles || identities.some(({ surface, refused }) => surface === 'mail' && !refused));

/** Their own; until it is known, that of the schedule, which somebody has chosen. */
export const zoneOf = ({ zone }: Pick<Person, 'zone'>, { schedule }: Pick<Plan, 'schedule'>): string =>
  zone ?? ('zone' in schedule ? schedule.zone : 'UTC');

/**
 * - A run that a person started is answered where they are: a mail besides, and a direct message when it went wrong.
 * - A run of the schedule (or one that goes on by itself): console, mail and chat. In chat it is said in the conversation
 *   that the plan is shared with, and to the owner directly when there is none, or when it went wrong.
 * - Good news does not ring at night; bad news does.
 */
export function reportTargets(
  run: Pick<Run, 'trigger' | 'state'>,
  plan: Pick<Plan, 'conversation' | 'surface' | 'schedule' | 'mailed'>,
  owner: Pick<Person, 'identities' | 'zone'>,
  ways: ReportWays,
  now: Date,
): ReportTarget[] {
  const { surfaces } = ways;
  const good = run.state === 'done';
  const chat = chatOf(plan, owner, surfaces);
  const direct: ReportTarget[] = chat === undefined ? [] : [{ surface: chat }];
  const mail: ReportTarget[] = canBeMailed(plan, owner, ways) ? [{ surface: 'mail' }] : [];
  if (run.trigger === 'person') return [...mail, ...(good ? [] : direct)];

  const place = plan.conversation?.split(':')[0];
  const shared: ReportTarget[] =
    plan.conversation !== undefined && place !== undefined && surfaces.includes(place)
      ? [{ surface: place, conversation: plan.conversation }]
      : [];
  const console: ReportTarget[] = surfaces.includes('console') ? [{ surface: 'console' }] : [];
  const due = good ? quietUntil(now, zoneOf(owner, plan)) : undefined;
  const said = [...shared, ...(good && shared.length > 0 ? [] : direct)];
  return [...console, ...mail, ...said.map((target) => (due === undefined ? target : { ...target, due }))];
}
