/** Names of runs: they sort by time, hold no character that any file system refuses, and tell when. Pure. */
import type { Instant } from '../types.ts';

/**
 * `20261122T030000Z-4f1c9a`: the first two places after the dash are the milliseconds in base 36, so that two runs of one
 * second sort too (who takes a backup over finds the newest by name); the rest is `random`, four or more lower-case letters
 * or digits.
 */
export function newRunId(now: Date, random: string): string {
  const milliseconds = now.getUTCMilliseconds().toString(36).padStart(2, '0');
  return `${now.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z-${milliseconds}${random.slice(0, 4)}`;
}

export function runTime(run: string): Instant {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(run);
  if (!parts) return '1970-01-01T00:00:00.000Z';
  const [, year, month, day, hour, minute, second] = parts;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
}
