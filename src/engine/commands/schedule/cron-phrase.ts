/** Reads a schedule that is written as a cron pattern, with or without the word. */

import { isKeepsakeError } from '../../errors.ts';
import { parseCron, shortestGap } from './cron.ts';
import { type Reading, reading } from './draft.ts';
import { MINIMUM_MINUTES, type Resolved } from './fields.ts';
import { read } from './read.ts';

const NAMES = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat';
const FIELD = new RegExp(`^(?:[\\d*?,/#\\-]|[lwh](?![a-z])|${NAMES})+$`, 'i');
const EXAMPLE = 'cron 0 3 * * 0';

/** cron's own words, with cron's own times: midnight, Sunday, the 1st. */
const MACROS: ReadonlyMap<string, string> = new Map([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  // Known, so that it is refused by name.
  ['@reboot', ''],
]);

/** How many of the words are fields of a pattern, the word "cron" included; 0 when it is none. */
export function cronLength(words: readonly string[]): number {
  const named = /^cron:?$/i.test(words[0] ?? '') ? 1 : 0;
  if (MACROS.has((words[0] ?? '').toLowerCase())) return 1;
  let end = named;
  // One more than the longest real pattern has, so that a longer one is refused and not cut.
  while (end < words.length && end < named + 8 && FIELD.test(words[end] ?? '')) end += 1;
  if (named === 1) return end;
  const fields = words.slice(0, end);
  const plain = fields.slice(0, 2).every((field) => /^[\d*,/-]+$/.test(field));
  // "0 3 * *" is meant as a pattern; "5 10" or "mon - fri" is not.
  const stars = fields.some((field) => field.includes('*'));
  return fields.length >= 2 && plain && (stars || fields.length >= 5) ? end : 0;
}

function suggestion(fields: readonly string[]): string {
  if (fields.length === 6) return `cron ${fields.slice(1).join(' ')}`;
  if (fields.length >= 5 || fields.length < 2) return EXAMPLE;
  return `cron ${[...fields, '*', '*'].slice(0, 4).join(' ')} 0`;
}

/** `words` begin with a pattern; behind it only a zone may stand. */
export function resolveCron(r: Reading, words: readonly string[]): Resolved {
  const length = cronLength(words);
  const named = /^cron:?$/i.test(words[0] ?? '') ? 1 : 0;
  const macro = MACROS.get((words[0] ?? '').toLowerCase());
  if (macro === '') {
    const message = `"${words[0]}" is not a schedule that a backup can have.`;
    return { problem: { code: 'unsupported', message, suggestion: 'every day' } };
  }
  const fields = macro?.split(' ') ?? words.slice(named, length);
  const rest = reading(words.slice(length).join(' '), r);
  const { draft, end } = read(rest);
  const { zone, problem, ...others } = draft;
  const zoneOnly = Object.values(others).every((part) => Array.isArray(part) && part.length === 0);
  try {
    if (end < rest.tokens.length || !zoneOnly) {
      const unread = rest.phrase;
      const message = `Behind the five fields of a cron pattern only a time zone can stand, not "${unread}".`;
      return { problem: { code: 'bad_cron', message, suggestion: `cron ${fields.join(' ')}` } };
    }
    if (problem !== undefined) {
      return { problem: { ...problem, suggestion: `cron ${fields.join(' ')} ${r.zone}` } };
    }
    const cron = parseCron(fields.join(' '));
    const gap = shortestGap(cron);
    if (gap < MINIMUM_MINUTES) {
      const often = gap === 1 ? 'every minute' : `${gap} minutes apart`;
      const message = `"${fields.join(' ')}" is too often (${often}): the least is every ${MINIMUM_MINUTES} minutes.`;
      return { problem: { code: 'too_often', message, suggestion: `every ${MINIMUM_MINUTES} minutes` } };
    }
    return { rule: { cron: cron.text }, schedule: { cron: cron.text, zone: zone ?? r.zone } };
  } catch (error) {
    if (!isKeepsakeError(error)) throw error;
    return { problem: { code: 'bad_cron', message: error.message, suggestion: suggestion(fields) } };
  }
}
