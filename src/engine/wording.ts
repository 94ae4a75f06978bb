/** How sizes, durations and instants are said to people, the same on every surface. Pure. */
import type { Instant } from './types.ts';

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units, as disks and services count: `18.2 GB`, `4.0 KB`, `512 bytes`. */
export function sizeWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  return `${value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `4,120`; grouped alike whatever the machine's locale is. */
export const countWords = (count: number): string => count.toLocaleString('en-US');

/** `1 file`, `4,120 files`. */
export const manyWords = (count: number, one: string, many = `${one}s`): string =>
  `${countWords(count)} ${count === 1 ? one : many}`;

const BARS = '▁▂▃▄▅▆▇█';

/** One character for each run, oldest first, by how much it brought: `▁▁▃█×▁`; `×` for one that failed. */
export function barWords(points: readonly { files: number; state: string }[]): string {
  const most = Math.max(1, ...points.map(({ files }) => files));
  return points
    .map(({ files, state }) =>
      state === 'failed' || state === 'waiting' ? '×' : (BARS[Math.round((files / most) * (BARS.length - 1))] ?? ''),
    )
    .join('');
}

/** Rounded to what a person would say: `under a second`, `45 s`, `12 min`, `3 h 5 min`, `6 days`. */
export function durationWords(seconds: number): string {
  if (seconds < 1) return 'under a second';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}

/** Parts of an instant on the wall clock of a zone. */
const wallClock = (at: Date, zone: string): Record<string, string> =>
  Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  );

/** `2026-11-27 02:00` in the zone; the same text sorts and is understood everywhere. */
export function instantWords(at: Instant, zone: string): string {
  const part = wallClock(new Date(at), zone);
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
}

/** `in 5 days`, `in 28 s`, `12 min ago`, `just now`, `now`. */
export function distanceWords(at: Instant, now: Date): string {
  const seconds = (new Date(at).getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) < 1) return seconds < 0 ? 'just now' : 'now';
  const words = durationWords(Math.abs(seconds));
  return seconds > 0 ? `in ${words}` : `${words} ago`;
}

/** `Fri 2026-11-27 02:00 Europe/Berlin, in 5 days`. */
export function fullInstantWords(at: Instant, zone: string, now: Date): string {
  const weekday = wallClock(new Date(at), zone).weekday;
  return `${weekday} ${instantWords(at, zone)} ${zone}, ${distanceWords(at, now)}`;
}
