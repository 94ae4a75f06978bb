/** What every kind of rule is made of: its clock and month fields, and how it is refused. */

import type { Schedule } from '../../types.ts';
import type { Rule } from './answer.ts';
import { parseCron, shortestGap } from './cron.ts';
import type { Draft, Problem, Reading } from './draft.ts';
import { weekOrder } from './say.ts';

export type Resolved = { rule: Rule; schedule: Schedule } | { problem: Problem };

/** When nothing is said: at night, and not at an hour when everything else starts. */
export const DEFAULT_TIME = 120;
export const PART_TIMES = { morning: 480, afternoon: 900, evening: 1200, night: 1320 };
export const MINIMUM_MINUTES = 15;
/** Longer steps are read as a typing error. */
export const LONGEST_MINUTES = 366 * 1440;

export const problem = (code: Problem['code'], message: string, suggestion: Problem['suggestion']): Resolved => ({
  problem: { code, message, suggestion },
});

export const unsupported = (r: Reading, why: string, suggestion: string): Resolved =>
  problem('unsupported', `"${r.phrase}" is not a schedule that a backup can have: ${why}.`, suggestion);

export function cronRule(text: string, zone: string): Resolved {
  return { rule: { cron: text }, schedule: { cron: text, zone } };
}

export function timesOf(draft: Draft): number[] {
  if (draft.times.length > 0) return [...new Set(draft.times.map((time) => time.minutes))].sort((a, b) => a - b);
  if (draft.parts.length === 0) return [DEFAULT_TIME];
  // "Every night" is when backups run; "sunday night" is the evening of that day.
  const nightly = draft.weekdays.length + draft.places.length === 0;
  const times = draft.parts.map((part) => (part === 'night' && nightly ? DEFAULT_TIME : PART_TIMES[part]));
  return [...new Set(times)].sort((a, b) => a - b);
}

/** Why the times said do not lie in the part of the day that was said with them; nights have no edges. */
export function outsidePart(draft: Draft): { part: string; minutes: number } | undefined {
  const { parts, times } = draft;
  const [part] = parts;
  if (part === undefined || times.length === 0) return undefined;
  const inside = (minutes: number): boolean =>
    parts.some((one) => one === 'night' || (one === 'morning' ? minutes < 720 : minutes >= 720));
  const wrong = times.find((time) => !inside(time.minutes));
  return wrong === undefined ? undefined : { part, minutes: wrong.minutes };
}

/** Minute and hour fields; a cron pattern holds several times only if every hour has the same minutes. */
function clockFields(r: Reading, draft: Draft, days: string): { fields: string } | { refused: Resolved } {
  const times = timesOf(draft);
  const unique = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
  const minutes = unique(times.map((time) => time % 60));
  const hours = unique(times.map((time) => Math.floor(time / 60)));
  const fields = `${minutes.join(',')} ${hours.join(',')}`;
  const first = `cron ${(times[0] ?? 0) % 60} ${Math.floor((times[0] ?? 0) / 60)} ${days}`;
  if (minutes.length * hours.length !== times.length) {
    const why = 'several times a day need the same minutes, such as 06:30 and 18:30';
    return { refused: unsupported(r, why, first) };
  }
  const gap = shortestGap(parseCron(`${fields} ${days}`));
  if (gap < MINIMUM_MINUTES) {
    const message = `Those times are ${gap} minutes apart; the least is ${MINIMUM_MINUTES} minutes.`;
    return { refused: problem('too_often', message, first) };
  }
  return { fields };
}

export function withClock(r: Reading, draft: Draft, zone: string, days: string): Resolved {
  const clockPart = clockFields(r, draft, days);
  return 'refused' in clockPart ? clockPart.refused : cronRule(`${clockPart.fields} ${days}`, zone);
}

export const monthsField = (draft: Draft): string => {
  const months = [...new Set(draft.months)].sort((a, b) => a - b);
  return months.length === 0 || months.length === 12 ? '*' : months.join(',');
};

export function weekdaysField(draft: Draft): string {
  const inOrder = weekOrder(new Set(draft.weekdays));
  if (inOrder.length === 0 || inOrder.length === 7) return '*';
  const [first = 0] = inOrder;
  const last = inOrder.at(-1) ?? 0;
  const gapless = inOrder.every((day, index) => day === first + index);
  const range = (draft.weekdayRange === true && inOrder.length > 2) || inOrder.join() === '1,2,3,4,5';
  return gapless && range ? `${first}-${last}` : inOrder.join(',');
}
