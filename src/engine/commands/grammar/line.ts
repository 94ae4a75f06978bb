/** A plan as the one line that makes it again. */
import type { Filter, ReportWhen, Schedule } from '../../types.ts';
import type { CommandArgs } from '../command.ts';
import { saySchedule, sayZone } from '../schedule/say.ts';
import { parseSchedule } from '../schedule.ts';
import { keepText } from './keep.ts';
import { locationText } from './locations.ts';
import { sizeText } from './sizes.ts';
import { quote, quoted } from './words.ts';

/** Two days that differ in everything a phrase could lean on: year, month, day, weekday, hour. */
const PROBES = [new Date('2001-02-03T04:05:00Z'), new Date('2030-11-20T21:44:00Z')];

/** The sentence that is shown for a cron rule, where it reads back as just that rule on any day; else the pattern. */
function cronText(schedule: { cron: string; zone: string }): string {
  const { cron, zone } = schedule;
  const [now = new Date(0)] = PROBES;
  const said = saySchedule(schedule, { now, zone }).replace(/ \(.*\)$/, '');
  const same = PROBES.every((probe) => {
    const answer = parseSchedule(said, { now: probe, zone });
    return answer.outcome === 'ok' && 'cron' in answer.schedule && answer.schedule.cron === cron;
  });
  return same ? said.replace(/^(?:Every|On)\b/, (word) => word.toLowerCase()) : `cron ${cron}`;
}

export function scheduleText(schedule: Schedule): string {
  if ('manual' in schedule) return 'only when I ask';
  const zone = sayZone(schedule.zone);
  if ('cron' in schedule) return `${cronText(schedule)} ${zone}`;
  if ('everyDays' in schedule) {
    return `every ${schedule.everyDays} days at ${schedule.at} ${zone} counted from ${schedule.anchor}`;
  }
  if ('everyMinutes' in schedule) {
    return `every ${schedule.everyMinutes} minutes ${zone} counted from ${schedule.anchor}`;
  }
  return `${schedule.at.replace('T', ' at ')} ${zone}`;
}

const SURE_GLOB = /[*?]/;

/** Globs, those first that a list goes on with by their looks. */
const globs = (list: readonly string[]): string =>
  list.map((glob) => (SURE_GLOB.test(glob) ? quote(glob) : quoted(glob))).join(', ');

export function filterText(filter: Filter): string {
  const parts: string[] = [];
  const only = [...(filter.kinds ?? []), ...(filter.only?.length ? [globs(filter.only)] : [])];
  if (only.length > 0) parts.push(`only ${only.join(', ')}`);
  if (filter.except?.length) parts.push(`except ${globs(filter.except)}`);
  if (filter.largerThan !== undefined) parts.push(`larger than ${sizeText(filter.largerThan)}`);
  if (filter.smallerThan !== undefined) parts.push(`smaller than ${sizeText(filter.smallerThan)}`);
  if (filter.since !== undefined) parts.push(`since ${filter.since}`);
  if (filter.before !== undefined) parts.push(`before ${filter.before}`);
  const albums = filter.albums ?? [];
  if (albums.length > 0) parts.push(`${albums.length > 1 ? 'albums' : 'album'} ${albums.map(quoted).join(', ')}`);
  return parts.join(' ');
}

const REPORT: Record<ReportWhen, string> = {
  always: 'always',
  on_failure: 'on failure',
  daily: 'daily',
  weekly: 'weekly',
  never: 'never',
};

/**
 * The canonical line of a plan: `parse(lineOf(args))` is a `create` with the same args, except for `text` of locations.
 * The schedule carries its zone, so the line means the same for a reader elsewhere.
 */
export function lineOf(args: Omit<CommandArgs['create'], 'line'>): string {
  const [first, ...others] = args.destinations;
  const parts = [
    quote(locationText(args.source)),
    'to',
    first ? quote(locationText(first)) : '',
    ...others.flatMap((place) => ['and', quote(locationText(place))]),
    args.schedule ? scheduleText(args.schedule) : '',
    args.filter ? filterText(args.filter) : '',
    args.retention ? keepText(args.retention) : '',
    args.layout ? `into ${quote(args.layout)}` : '',
    args.limit ? `limit ${sizeText(args.limit)}/s` : '',
    args.report ? `report ${REPORT[args.report]}` : '',
    args.name === undefined ? '' : `named ${quoted(args.name)}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}
