/** How a plan is said to people: its rule with dates, its filter, what it keeps; and the same as data. Pure. */
import type { Block, Caller, Cell, Filter, Plan, Retention, Schedule } from '../types.ts';
import { countWords, manyWords, sizeWords } from '../wording.ts';
import { fields } from './reply.ts';
import { nextRuns } from './schedule/next.ts';
import { saySchedule, sayZone } from './schedule/say.ts';

/** `Fri 27 Nov, 4 Dec, 11 Dec`; with times of day where several fall on one day. */
function dates(runs: readonly Date[], zone: string): string {
  const day = new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric', month: 'short' });
  const weekday = new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'short' });
  const time = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' });
  const days = runs.map((run) => day.format(run));
  const several = new Set(days).size < runs.length;
  return runs
    .map((run, i) => {
      const date = i === 0 ? `${weekday.format(run)} ${days[i]}` : days[i];
      if (!several) return date;
      return days[i] === days[i - 1] ? time.format(run) : `${date} ${time.format(run)}`;
    })
    .join(', ');
}

const zoneOf = (schedule: Schedule, fallback: string): string => ('zone' in schedule ? schedule.zone : fallback);

/** `Every Friday at 02:00 (Europe/Berlin). Next: Fri 27 Nov, 4 Dec, 11 Dec.` */
export function scheduleWords(schedule: Schedule, now: Date, name: string): string {
  if ('manual' in schedule) return `Only when you say so: run ${name}`;
  const zone = zoneOf(schedule, 'UTC');
  const next = nextRuns(schedule, now, 3);
  const rule = `${saySchedule(schedule, { now, zone })} (${sayZone(zone)}).`;
  if (next.length === 0) return `${rule} That time has passed.`;
  return 'at' in schedule && !('everyDays' in schedule) ? rule : `${rule} Next: ${dates(next, zone)}.`;
}

const quotedList = (words: readonly string[]): string => words.join(', ');

/** `only *.heic, *.jpg; larger than 5.0 MB`; undefined when nothing is left out. */
export function filterWords(filter: Filter): string | undefined {
  const day = (at: string): string => at.slice(0, 10);
  const parts = [
    filter.kinds?.length || filter.only?.length
      ? `only ${quotedList([...(filter.kinds ?? []), ...(filter.only ?? [])])}`
      : undefined,
    filter.albums?.length ? `album ${filter.albums.map((album) => `"${album}"`).join(', ')}` : undefined,
    filter.except?.length ? `except ${quotedList(filter.except)}` : undefined,
    filter.largerThan === undefined ? undefined : `larger than ${sizeWords(filter.largerThan)}`,
    filter.smallerThan === undefined ? undefined : `smaller than ${sizeWords(filter.smallerThan)}`,
    filter.since === undefined ? undefined : `since ${day(filter.since)}`,
    filter.before === undefined ? undefined : `before ${day(filter.before)}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join('; ');
}

export function retentionWords(retention: Retention | undefined): string {
  if (retention === undefined) return 'every version';
  if ('versions' in retention) return `the last ${manyWords(retention.versions, 'version')}`;
  if ('days' in retention) return `versions of the last ${manyWords(retention.days, 'day')}`;
  const steps = (['daily', 'weekly', 'monthly', 'yearly'] as const).flatMap((step) => {
    const count = retention[step];
    return count === undefined ? [] : [`${countWords(count)} ${step}`];
  });
  return `${steps.join(', ')} versions`;
}

const REPORTS: Record<Plan['report'], string> = {
  always: 'after every run',
  on_failure: 'only when something is wrong',
  daily: 'once a day',
  weekly: 'once a week',
  never: 'never',
};

export const destinationsOf = (plan: Plan): string => plan.destinations.map((place) => place.text).join(' and ');

export const routeOf = (plan: Plan): string => `${plan.source.text} to ${destinationsOf(plan)}`;

export function planFields(plan: Plan, now: Date, more: Record<string, Cell | undefined> = {}): Block {
  return fields({
    From: plan.source.text,
    To: destinationsOf(plan),
    When: scheduleWords(plan.schedule, now, plan.name),
    State: plan.state === 'active' || plan.pausedUntil !== undefined ? undefined : 'paused',
    'Paused until': plan.pausedUntil === undefined ? undefined : { at: plan.pausedUntil },
    Files: filterWords(plan.filter) ?? 'all',
    Keeps: retentionWords(plan.retention),
    Folders: plan.layout,
    Limit: plan.limit === undefined ? undefined : `${sizeWords(plan.limit)}/s`,
    Reports: `${REPORTS[plan.report]}${plan.mailed === false ? ', not by mail' : ''}`,
    ...more,
  });
}

/** What is different now; all of it when nothing is. */
export function changedFields(before: Plan, after: Plan, now: Date): Block {
  const was = planFields(before, now);
  const is = planFields(after, now);
  if (was.kind !== 'fields' || is.kind !== 'fields') return is;
  const old = new Map(was.fields.map(({ label, value }) => [label, JSON.stringify(value)]));
  const fields = is.fields.filter(({ label, value }) => old.get(label) !== JSON.stringify(value));
  return fields.length === 0 ? is : { kind: 'fields', fields };
}

/** The last word of every card of a plan: to copy, to share, to say again. */
export const sharedLine = (plan: Pick<Plan, 'line'>): Block => ({
  kind: 'line',
  line: `/backup ${plan.line}`,
  title: 'The whole backup in one line, to keep or to share:',
});

/** For `data`: what a script may rely on. */
export const planData = (plan: Plan, caller: Pick<Caller, 'zone'>, now: Date): Record<string, unknown> => ({
  id: plan.id,
  name: plan.name,
  source: plan.source.text,
  destinations: plan.destinations.map((place) => place.text),
  state: plan.state,
  pausedUntil: plan.pausedUntil,
  schedule: plan.schedule,
  say: saySchedule(plan.schedule, { now, zone: caller.zone }),
  next: plan.next,
  filter: plan.filter,
  retention: plan.retention,
  layout: plan.layout,
  limit: plan.limit,
  report: plan.report,
  mailed: plan.mailed !== false,
  line: plan.line,
  last: plan.last,
});
