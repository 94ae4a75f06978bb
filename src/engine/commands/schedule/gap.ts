/** Runs whose local time did not exist, because the clock was put forward over it. Pure. */
import type { Schedule } from '../../types.ts';
import { clock, instantOf, localOf, minutesOf } from './calendar.ts';
import { parseCron } from './cron.ts';
import { nextRuns } from './next.ts';

/** A worker takes a run up within seconds; one that is later than this makes up for time that Keepsake was down. */
const LATEST = 15 * 60_000;

/** Local times of day, in minutes, at which a schedule runs. */
function timesOf(schedule: Schedule): number[] {
  if ('cron' in schedule) {
    const { hours, minutes } = parseCron(schedule.cron);
    return hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute));
  }
  if ('everyDays' in schedule) return [minutesOf(schedule.at)];
  return 'at' in schedule ? [minutesOf(schedule.at.slice(11))] : [];
}

/**
 * For a run begun at `begun`: the time that was planned and the one it ran at (`HH:MM`), where the planned one did not
 * exist on that day. Undefined for every other run, and where the later time is one of the schedule's own.
 *
 * @throws UsageError for a schedule that cannot be read.
 */
export function skippedTime(schedule: Schedule, begun: Date): { planned: string; ran: string } | undefined {
  if (!('zone' in schedule) || 'everyMinutes' in schedule) return undefined;
  const { zone } = schedule;
  const [at] = nextRuns(schedule, new Date(begun.getTime() - LATEST), 1);
  if (at === undefined || at > begun) return undefined;
  const local = localOf(at, zone);
  const times = timesOf(schedule);
  if (times.includes(local.minutes)) return undefined;
  const planned = times.find((minutes) => instantOf(local.day, minutes, zone) === at.getTime());
  return planned === undefined ? undefined : { planned: clock(planned), ran: clock(local.minutes) };
}
