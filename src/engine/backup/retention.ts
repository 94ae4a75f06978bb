/** Which kept versions have served their time. Pure; never the newest good copy of a file. */
import { comparePaths } from '../path.ts';
import type { CatalogLine, Instant, Retention } from '../types.ts';
import { runTime } from './run-id.ts';

const DAY = 86_400_000;

/** Periods by which GFS retention groups restore points, in UTC so that the answer does not depend on the machine. */
const PERIODS = {
  daily: (at: Instant) => at.slice(0, 10),
  weekly: (at: Instant) => String(Math.floor((Date.parse(at) / DAY + 3) / 7)),
  monthly: (at: Instant) => at.slice(0, 7),
  yearly: (at: Instant) => at.slice(0, 4),
} as const;

/** The restore points that a daily/weekly/monthly/yearly policy keeps: the newest of each of the last n periods that have one. */
export function keptPoints(
  policy: Exclude<Retention, { versions: number } | { days: number }>,
  points: readonly Instant[],
): Instant[] {
  const newestFirst = [...points].sort().reverse();
  const kept = new Set<Instant>(newestFirst.slice(0, 1));
  for (const [name, period] of Object.entries(PERIODS)) {
    const wanted = policy[name as keyof typeof PERIODS] ?? 0;
    const seen = new Set<string>();
    for (const point of newestFirst) {
      if (seen.size >= wanted) break;
      const key = period(point);
      if (!seen.has(key)) kept.add(point);
      seen.add(key);
    }
  }
  return [...kept].sort();
}

/**
 * The versions of one file that may go. `versions` are all kept older versions of one path; `current` says whether the
 * destination still holds a newer, good copy in the current tree (a damaged one does not count): without it the newest
 * undamaged version is the last good copy and stays whatever the policy says. `points` are the times of all restore points.
 */
export function expired(
  policy: Retention,
  versions: readonly CatalogLine[],
  current: boolean,
  points: readonly Instant[],
  now: Date,
): CatalogLine[] {
  const newestFirst = versions
    .filter((line) => line.retired)
    .sort((a, b) => comparePaths(b.retired?.at ?? '', a.retired?.at ?? '') || comparePaths(b.run, a.run));
  const lastGood = current ? undefined : (newestFirst.find((line) => !line.damaged) ?? newestFirst[0]);
  const candidates = newestFirst.filter((line) => line !== lastGood);
  if ('versions' in policy) {
    const room = Math.max(0, policy.versions - 1);
    return candidates.slice(room);
  }
  if ('days' in policy) {
    const oldest = new Date(now.getTime() - policy.days * DAY).toISOString();
    return candidates.filter((line) => (line.retired?.at ?? '') < oldest);
  }
  const kept = keptPoints(policy, points);
  return candidates.filter((line) => {
    const brought = runTime(line.run);
    const until = line.retired?.at ?? '';
    // Replaced before it came: a clock was wrong, and no policy can tell what this version is worth.
    if (until < brought) return false;
    return !kept.some((point) => point >= brought && point < until);
  });
}
