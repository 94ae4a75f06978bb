/** Reads one whole phrase as a schedule: a rule with its next dates, a question, or an error with a phrase that works. */

import { UsageError } from '../../errors.ts';
import type { Schedule } from '../../types.ts';
import { type Meaning, meanings } from './ambiguity.ts';
import type { ReadOptions, Rule, ScheduleAnswer, ScheduleErrorCode, ScheduleOption } from './answer.ts';
import { dateOfDay, dayOfIso, zoneNamed } from './calendar.ts';
import { hourIn } from './clock.ts';
import { cronLength, resolveCron } from './cron-phrase.ts';
import { placeTonight } from './dates.ts';
import { type Draft, type Problem, type Reading, reading, textAt, written } from './draft.ts';
import { weekdayName } from './names.ts';
import { nextRuns } from './next.ts';
import { read } from './read.ts';
import { saySchedule, sayZone } from './say.ts';
import { mended } from './spelling.ts';
import { tidy } from './tokens.ts';
import { isUnsupported } from './unsupported.ts';
import { unknownZone } from './where.ts';

/** The longest honest phrase has about 80 characters; this bounds the work that a hostile one can cause. */
export const MAX_PHRASE = 200;
const FALLBACK = 'every day at 02:00';
/** How many dates an answer shows. */
const SHOWN = 3;

type Ok = Extract<ScheduleAnswer, { outcome: 'ok' }>;
type Failed = Extract<ScheduleAnswer, { outcome: 'error' }>;

const failed = (code: ScheduleErrorCode, message: string, suggestion: string): Failed => ({
  outcome: 'error',
  code,
  message,
  suggestion,
});

function ok(r: Reading, rule: Rule, schedule: Schedule): Ok | Failed {
  const next = nextRuns(schedule, r.now, SHOWN);
  if (next.length === 0 && !('manual' in schedule)) {
    return failed('no_such_date', `"${r.phrase}" never comes in the next ten years.`, 'last day of the month');
  }
  const zone = 'zone' in schedule ? schedule.zone : r.zone;
  return { outcome: 'ok', schedule, rule, say: saySchedule(schedule, r), zone, next };
}

function told(r: Reading, problem: Problem): Failed {
  const { suggestion } = problem;
  const phrase =
    typeof suggestion === 'string'
      ? suggestion
      : r.phrase.slice(0, suggestion.start) + suggestion.text + r.phrase.slice(suggestion.end);
  return failed(problem.code, problem.message, phrase);
}

/** A phrase that is read as just this rule: in words where words lead back to it. */
function phraseFor(r: Reading, answer: Ok): string {
  const { rule, schedule } = answer;
  const zone = answer.zone === r.zone ? '' : ` ${sayZone(answer.zone)}`;
  if ('everyDays' in rule && 'everyDays' in schedule) {
    const weekday = weekdayName(dateOfDay(dayOfIso(schedule.anchor)).weekday).toLowerCase();
    const weeks = rule.everyDays % 7 === 0 ? `${rule.everyDays / 7} weeks on ${weekday}` : `${rule.everyDays} days`;
    return `every ${weeks} at ${rule.at}${zone}`;
  }
  if ('at' in rule) return `on ${rule.at.slice(0, 10)} at ${rule.at.slice(11)}${zone}`;
  if ('everyMinutes' in rule) return `every ${rule.everyMinutes} minutes`;
  const words = `${saySchedule(schedule, { now: r.now, zone: answer.zone }).toLowerCase()}${zone}`;
  const again = readPhrase(words, r, false);
  const same =
    again.outcome === 'ok' && JSON.stringify(again.rule) === JSON.stringify(rule) && again.zone === answer.zone;
  return same || 'manual' in rule ? words : `cron ${rule.cron}${zone}`;
}

function option(r: Reading, label: string, answer: Ok): ScheduleOption | undefined {
  const { rule } = answer;
  const phrase = phraseFor(r, answer);
  if ('manual' in rule) return undefined;
  if ('everyDays' in rule) return { label, everyDays: rule.everyDays, phrase };
  if ('everyMinutes' in rule) return { label, everyMinutes: rule.everyMinutes, phrase };
  return 'cron' in rule ? { label, cron: rule.cron, phrase } : { label, at: rule.at, phrase };
}

function choose(r: Reading, found: readonly Meaning[], withOptions: boolean): ScheduleAnswer {
  const options: ScheduleOption[] = [];
  let meant = 0;
  const seen = new Set<string>();
  let only: Ok | undefined;
  let firstFailure: Failed | undefined;
  for (const { label, resolved } of found) {
    const answer = 'problem' in resolved ? told(r, resolved.problem) : ok(r, resolved.rule, resolved.schedule);
    if (answer.outcome === 'error') {
      firstFailure ??= answer;
      continue;
    }
    const key = JSON.stringify([answer.rule, answer.zone]);
    if (seen.has(key)) continue;
    seen.add(key);
    only ??= answer;
    meant += 1;
    const one = found.length > 1 && withOptions ? option(r, label, answer) : undefined;
    if (one !== undefined) options.push(one);
  }
  if (meant > 1) {
    const questions = new Set(found.flatMap((meaning) => meaning.questions));
    return { outcome: 'clarify', question: [...questions].join(' '), options };
  }
  return only ?? firstFailure ?? failed('not_understood', `"${r.phrase}" was not understood.`, FALLBACK);
}

/** What a part of the day says about hours without am or pm. */
function settle(r: Reading, draft: Draft): Draft {
  placeTonight(r, draft);
  const [part, other] = draft.parts;
  if (part === undefined || other !== undefined) return draft;
  const times = draft.times.map((time) => (time.bare === true ? { minutes: hourIn(part, time.minutes) } : time));
  return { ...draft, times };
}

/** Says what stopped the reading at token `end`. */
function stopped(r: Reading, draft: Draft, end: number, understood: string): Failed {
  const rest = r.phrase.slice(r.tokens[end]?.start ?? 0);
  const better = mended(r.phrase);
  if (better !== undefined && readPhrase(better.phrase, r, false).outcome !== 'error') {
    const words = better.words.map((word) => `"${word}"`).join(' and ');
    return failed('not_understood', `I do not know ${words}. Did you mean "${better.phrase}"?`, better.phrase);
  }
  if (draft.problem !== undefined) return told(r, draft.problem);
  const wrong = r.tokens.findIndex((token, i) => i >= end && isUnsupported(token.text));
  if (wrong >= 0) {
    const message = `Schedules cannot have "${written(r, wrong, r.tokens.length)}": "${textAt(r, wrong)}" is not supported.`;
    return failed('unsupported', message, understood);
  }
  const inPlace = textAt(r, end) === 'in' && r.tokens[end + 1]?.kind === 'word';
  if (inPlace && understood !== '') return told(r, unknownZone(r, end + 1, r.tokens.length));
  const message =
    understood === '' ? `I cannot read "${rest}" as a schedule.` : `I read "${understood}", but not "${rest}".`;
  return failed('not_understood', message, understood);
}

/** `withOptions` is false where only the outcome counts: an option's phrase is itself read to see what it means. */
function readPhrase(phrase: string, o: ReadOptions, withOptions = true): ScheduleAnswer {
  const r = reading(phrase, o);
  const words = phrase.split(' ');
  if (cronLength(words) > 0) {
    const resolved = resolveCron(r, words);
    return 'problem' in resolved ? told(r, resolved.problem) : ok(r, resolved.rule, resolved.schedule);
  }
  if (r.tokens.length === 0) return failed('not_understood', 'There is no schedule to read.', FALLBACK);
  const { draft, end } = read(r);
  if (end < r.tokens.length) {
    return stopped(r, draft, end, end === 0 ? '' : phrase.slice(0, r.tokens[end - 1]?.end ?? 0));
  }
  if (isZoneOnly(draft)) {
    return failed('not_understood', `"${phrase}" is a place, not a time.`, `${FALLBACK} ${phrase}`);
  }
  return choose(r, meanings(r, settle(r, draft)), withOptions);
}

function isZoneOnly(draft: Draft): boolean {
  const { zone, ...others } = draft;
  return zone !== undefined && Object.values(others).every((part) => Array.isArray(part) && part.length === 0);
}

/** Politeness around a phrase, and quotes. */
const AROUND = /^[\s"'`]*(?:(?:please|back ?up|run(?: it)?)\s+)*|(?:[\s"'`!]|(?<!\d)\.)*(?:,?\s*please)?[\s"'`!]*$/gi;

/**
 * Reads one phrase. Never throws for a phrase; a half-understood one never becomes a rule. Every suggestion and every
 * option's phrase is itself read without a question.
 *
 * @throws UsageError when `o.zone` is no zone.
 */
export function answerPhrase(raw: string, o: ReadOptions): ScheduleAnswer {
  const zone = zoneNamed(o.zone);
  if (zone === undefined) throw new UsageError(`There is no time zone "${o.zone}".`, { code: 'unknown_zone' });
  const options = { now: o.now, zone };
  if (raw.length > MAX_PHRASE) {
    const message = `That is ${raw.length} characters long; a schedule is said in at most ${MAX_PHRASE}.`;
    return failed('too_long', message, FALLBACK);
  }
  const phrase = tidy(raw).replace(AROUND, '');
  const answer = readPhrase(phrase, options);
  if (answer.outcome !== 'error') return answer;
  const better = readPhrase(answer.suggestion, options, false);
  if (better.outcome !== 'ok') return { ...answer, suggestion: FALLBACK };
  // Who did not write cron gets words.
  const inWords = answer.suggestion.startsWith('cron ') && answer.code !== 'bad_cron';
  return inWords ? { ...answer, suggestion: phraseFor(reading(phrase, options), better) } : answer;
}
