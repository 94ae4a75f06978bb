/** What people say, and the rule, sentence and dates that it means. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSchedule, type ScheduleAnswer } from '../src/engine/commands/schedule.ts';

interface Case {
  id: number;
  phrase: string;
  now: string;
  zone: string;
  outcome: string;
  canonical?: unknown;
  kind?: string;
  next?: { utc: string; local: string }[];
  say?: string;
  runZone?: string;
  question?: string;
  options?: Record<string, unknown>[];
  errorCode?: string;
  mustMention?: string[];
  suggestion?: string;
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/schedules.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

const NOW = new Date('2026-11-20T14:23:00Z');
const BERLIN = { now: NOW, zone: 'Europe/Berlin' };
const iso = (date: Date): string => date.toISOString().replace('.000Z', 'Z');

function kindOf(answer: Extract<ScheduleAnswer, { outcome: 'ok' }>): string {
  const { rule } = answer;
  if ('cron' in rule) return 'recurring';
  if ('manual' in rule) return 'manual';
  return 'everyDays' in rule || 'everyMinutes' in rule ? 'interval' : 'once';
}

/** As people read it: 2026-11-27T02:00+01:00. */
function local(date: Date, zone: string): string {
  const at = Temporal.Instant.fromEpochMilliseconds(date.getTime()).toZonedDateTimeISO(zone);
  return `${at.toPlainDateTime().toString({ smallestUnit: 'minute' })}${at.offset}`;
}

describe('the agreed phrases', () => {
  it.each(fixture.cases)('$id: $phrase', (wanted) => {
    const o = { now: new Date(wanted.now), zone: wanted.zone };
    const answer = parseSchedule(wanted.phrase, o);
    expect(answer.outcome).toBe(wanted.outcome);
    if (answer.outcome === 'ok') {
      expect(answer.rule).toEqual(wanted.canonical);
      expect(kindOf(answer)).toBe(wanted.kind);
      expect(answer.say).toBe(wanted.say);
      expect(answer.zone).toBe(wanted.runZone ?? wanted.zone);
      expect(answer.next.map(iso)).toEqual(wanted.next?.map((at) => at.utc));
      expect(answer.next.map((date) => local(date, answer.zone))).toEqual(wanted.next?.map((at) => at.local));
    } else if (answer.outcome === 'clarify') {
      expect(answer.question).toBe(wanted.question);
      expect(answer.options.map(({ phrase: _, ...option }) => option)).toEqual(wanted.options);
    } else {
      expect(answer.code).toBe(wanted.errorCode);
      for (const words of wanted.mustMention ?? []) expect(answer.message).toContain(words);
      expect(answer.suggestion).toBe(wanted.suggestion);
    }
  });
});

const DAILY = { cron: '0 2 * * *' };
/** Phrase, rule, sentence where it matters. */
const UNDERSTOOD: [string, unknown, string?][] = [
  ['every week', { cron: '0 2 * * 5' }],
  ['  EVERY   Week ', { cron: '0 2 * * 5' }],
  ['nightly', DAILY],
  ['every night', DAILY],
  ['everyday', DAILY],
  ['weekdays', { cron: '0 2 * * 1-5' }, 'Monday to Friday at 02:00'],
  ['every working day at 18:00', { cron: '0 18 * * 1-5' }],
  ['mon\u2013fri at 9am', { cron: '0 9 * * 1-5' }],
  ['from monday to friday at 9am', { cron: '0 9 * * 1-5' }],
  ['monday to thursday', { cron: '0 2 * * 1-4' }, 'Monday to Thursday at 02:00'],
  ['friday to monday', { cron: '0 2 * * 1,5,6,0' }],
  ['mon/wed/fri 23:00', { cron: '0 23 * * 1,3,5' }],
  ['mondays and thursdays 7pm', { cron: '0 19 * * 1,4' }],
  ['sundays at 3am', { cron: '0 3 * * 0' }],
  ['fortnightly', { everyDays: 14, at: '02:00', anchor: 'today' }, 'Every 2 weeks on Friday at 02:00'],
  ['every other friday at 6pm', { everyDays: 14, at: '18:00', anchor: 'today' }],
  ['every second sunday', { everyDays: 14, at: '02:00', anchor: '2026-11-22' }, 'Every 2 weeks on Sunday at 02:00'],
  ['every second sunday of the month', { cron: '0 2 * * 0#2' }],
  ['every 2 weeks on monday', { everyDays: 14, at: '02:00', anchor: '2026-11-23' }],
  ['biweekly on friday', { everyDays: 14, at: '02:00', anchor: 'today' }],
  ['every 3rd day', { everyDays: 3, at: '02:00', anchor: 'today' }],
  ['every other day', { everyDays: 2, at: '02:00', anchor: 'today' }, 'Every 2 days at 02:00'],
  ['every 7 days', { cron: '0 2 * * 5' }],
  ['twice a day', { cron: '0 2,14 * * *' }, 'Every day at 02:00 and 14:00'],
  ['three times a week', { cron: '0 2 * * 1,3,5' }],
  ['once a day at 5am', { cron: '0 5 * * *' }],
  ['6 times a day', { cron: '0 */4 * * *' }],
  ['twice a month', { cron: '0 2 1,15 * *' }],
  ['at noon daily', { cron: '0 12 * * *' }],
  ['midnight', { cron: '0 0 * * *' }],
  ['12pm', { cron: '0 12 * * *' }],
  ['daily at 3.30pm', { cron: '30 15 * * *' }],
  ['daily at 0300', { cron: '0 3 * * *' }],
  ['daily 03h00', { cron: '0 3 * * *' }],
  ['daily at quarter to 5pm', { cron: '45 16 * * *' }],
  ['daily at 3 in the afternoon', { cron: '0 15 * * *' }],
  ['every evening at 8', { cron: '0 20 * * *' }],
  ['sunday night', { cron: '0 22 * * 0' }],
  ['every day at 6 and 18', { cron: '0 6,18 * * *' }],
  ['daily at 6 and 7pm', { cron: '0 18,19 * * *' }],
  ['noon and midnight', { cron: '0 0,12 * * *' }],
  ['every day at 9:00 and 9:30', { cron: '0,30 9 * * *' }],
  ['every 2 hours', { cron: '0 */2 * * *' }, 'Every 2 hours (00:00, 02:00, …, 22:00)'],
  ['every 24 hours', { cron: '0 0 * * *' }],
  ['every 5 hours', { everyMinutes: 300, anchor: 'now' }, 'Every 5 hours from now'],
  ['every 61 minutes', { everyMinutes: 61, anchor: 'now' }],
  ['every 45 minutes', { everyMinutes: 45, anchor: 'now' }],
  ['every hour and a half', { everyMinutes: 90, anchor: 'now' }],
  ['every half hour', { cron: '*/30 * * * *' }],
  ['every 60 minutes', { cron: '0 * * * *' }],
  ['every hour at :30', { cron: '30 * * * *' }, 'Every hour at :30'],
  ['half past every hour', { cron: '30 * * * *' }],
  ['hourly on weekdays', { cron: '0 * * * 1-5' }],
  ['on the 1st and 15th', { cron: '0 2 1,15 * *' }, 'On the 1st and 15th of every month at 02:00'],
  ['monthly on the 15th at 4am', { cron: '0 4 15 * *' }],
  ['last friday of the month', { cron: '0 2 * * 5L' }, 'On the last Friday of every month at 02:00'],
  ['1st and 3rd sunday of the month', { cron: '0 2 * * 0#1,0#3' }],
  ['end of the month at 23:00', { cron: '0 23 L * *' }],
  ['every quarter', { cron: '0 2 20 2,5,8,11 *' }, 'On the 20th of February, May, August and November at 02:00'],
  ['first day of every quarter', { cron: '0 2 1 1,4,7,10 *' }],
  ['every 6 months', { cron: '0 2 20 5,11 *' }],
  ['every 24 december', { cron: '0 2 24 12 *' }, 'Every year on 24 December at 02:00'],
  ['last day of february', { cron: '0 2 L 2 *' }, 'Every year on the last day of February at 02:00'],
  ['mondays in december', { cron: '0 2 * 12 1' }],
  ['every monday of every month', { cron: '0 2 * * 1' }],
  ['every morning and evening', { cron: '0 8,20 * * *' }],
  ['every hour at :15 and :45', { cron: '15,45 * * * *' }, 'Every hour at :15 and :45'],
  ['every 6 months in june and december', { cron: '0 2 20 6,12 *' }],
  ['biweekly on monday and friday', { cron: '0 2 * * 1,5' }],
  ['weekly \u2013 sunday', { cron: '0 2 * * 0' }],
  ['the first of every month at 3am', { cron: '0 3 1 * *' }],
  ['second of may', { at: '2027-05-02T02:00' }],
  ['every 2 hours and 30 minutes', { everyMinutes: 150, anchor: 'now' }],
  ['every 1h30m', { everyMinutes: 90, anchor: 'now' }],
  ['half-hourly', { cron: '*/30 * * * *' }],
  ['alternate fridays', { everyDays: 14, at: '02:00', anchor: 'today' }],
  ['tonight', { at: '2026-11-20T22:00' }, 'Once, today at 22:00'],
  ['tonight at 2am', { at: '2026-11-21T02:00' }],
  ['tomorrow morning', { at: '2026-11-21T08:00' }],
  ['next monday at 9am', { at: '2026-11-23T09:00' }],
  ['once on friday at 9am', { at: '2026-11-27T09:00' }],
  ['on 5 december at 8pm', { at: '2026-12-05T20:00' }],
  ['december 5th, 2027 at noon', { at: '2027-12-05T12:00' }, 'Once, Sunday 5 December 2027 at 12:00'],
  ['13/04', { at: '2027-04-13T02:00' }],
  ['5.12. 08:00', { at: '2026-12-05T08:00' }],
  ['2026-12-05 08:00', { at: '2026-12-05T08:00' }],
  ['in 3 days', { at: '2026-11-23T02:00' }],
  ['in half an hour', { at: '2026-11-20T15:53' }],
  ['now', { at: '2026-11-20T15:24' }],
  ['never', { manual: true }],
  ['on demand', { manual: true }],
  ['@weekly', { cron: '0 0 * * 0' }],
  ['0 3 * * 0', { cron: '0 3 * * 0' }],
  ['cron 0 9-17/2 * * MON-FRI', { cron: '0 9-17/2 * * 1-5' }],
  ['cron 0 3 * * 7', { cron: '0 3 * * 0' }],
  ['cron 0 3 1 * 1', { cron: '0 3 1 * 1' }, 'On the 1st of every month and every Monday at 03:00'],
  ['please run every day at 5am.', { cron: '0 5 * * *' }],
];

const PLACES: [string, string][] = [
  ['every day at 9am New York', 'America/New_York'],
  ['daily at 9am in Kathmandu', 'Asia/Kathmandu'],
  ['9am PST every day', 'America/Los_Angeles'],
  ['daily at 9am (Europe/London)', 'Europe/London'],
  ['daily at 9am europe/london', 'Europe/London'],
  ['daily at 9am GMT+2', '+02:00'],
  ['0 3 * * 0 UTC', 'UTC'],
  ['daily at 9am my time', 'Europe/Berlin'],
];

/** Phrase, labels, and what each option's phrase says. */
const ASKED: [string, string, string[]][] = [
  ['at 2', '02:00 or 14:00?', ['02:00', '14:00']],
  ['every day at 12', '00:00 or 12:00?', ['00:00', '12:00']],
  ['sundays at 3', '03:00 or 15:00?', ['03:00', '15:00']],
  ['half past 3', '03:30 or 15:30?', ['03:30', '15:30']],
  ["daily 8 o'clock", '08:00 or 20:00?', ['08:00', '20:00']],
  ['bi-weekly', 'Every two weeks or twice a week?', ['Every 2 weeks', 'Twice a week (Monday and Thursday)']],
  ['bimonthly', 'Every two months or twice a month?', ['Every 2 months', 'Twice a month (1st and 15th)']],
  [
    'every 30th at 5am',
    'Only in months with a 30th, or on the last day of every month?',
    ['Last day of every month', 'Only the 30th (11 times a year)'],
  ],
  [
    'every february 29',
    'Only in leap years, or on the last day of every February?',
    ['Last day of every February', 'Only 29 February (leap years)'],
  ],
  [
    'every third friday',
    'Every 3 weeks, or on the third Friday of the month?',
    ['Every 3 weeks on Friday', 'The third Friday of every month'],
  ],
  ['daily at 9am CST', 'Which CST is meant?', ['America/Chicago', 'Asia/Shanghai']],
];

const REFUSED: [string, string, string][] = [
  ['', 'not_understood', 'every day at 02:00'],
  [',', 'not_understood', 'every day at 02:00'],
  ['banana', 'not_understood', 'every day at 02:00'],
  ['daily banana', 'not_understood', 'daily'],
  ['evry week', 'not_understood', 'every week'],
  ['weekley', 'not_understood', 'weekly'],
  ['dialy', 'not_understood', 'daily'],
  ['every munday', 'not_understood', 'every monday'],
  ['every thrusday at 9am', 'not_understood', 'every thursday at 9am'],
  ['every minute', 'too_often', 'every 15 minutes'],
  ['every 30 seconds', 'too_often', 'every 15 minutes'],
  ['cron */5 * * * *', 'too_often', 'every 15 minutes'],
  ['every day at 9:00 and 9:05', 'too_often', 'every day at 09:00'],
  ['daily at 24:00', 'bad_time', 'daily at 00:00'],
  ['daily at 13pm', 'bad_time', 'daily at 13:00'],
  ['daily at 9:75', 'bad_time', 'daily at 09:00'],
  ['every -3 days', 'bad_interval', 'every 3 days'],
  ['every 400 days', 'bad_interval', 'every 3 days'],
  ['every 31 june', 'no_such_date', 'last day of june'],
  ['on 31/02', 'no_such_date', 'on 28 february'],
  ['on the 32nd', 'no_such_date', 'last day of the month'],
  ['6th sunday of the month', 'no_such_date', 'last sunday of the month'],
  ['friday 21 november 2026', 'no_such_date', 'on 2026-11-21 at 02:00'],
  ['cron 0 0 31 2 *', 'no_such_date', 'last day of the month'],
  ['yesterday', 'in_the_past', 'tomorrow at 02:00'],
  ['on 2020-01-01 at 9am', 'in_the_past', 'tomorrow at 09:00'],
  ['today at 9am', 'in_the_past', 'tomorrow at 09:00'],
  ['every weekday except friday', 'unsupported', 'every weekday'],
  ['every 2 hours between 9 and 17', 'unsupported', 'every 2 hours'],
  ['every day starting monday', 'unsupported', 'every day'],
  ['every monday or tuesday', 'unsupported', 'every monday'],
  ['every day and every week', 'unsupported', 'every day'],
  ['friday the 13th', 'unsupported', 'monthly on the 13th'],
  ['every 5 months', 'unsupported', 'every 6 months'],
  ['every day at 6:00 and 18:30', 'unsupported', 'every day at 06:00'],
  ['last weekday of the month', 'unsupported', 'last friday of the month'],
  ['@reboot', 'unsupported', 'every day'],
  // Nothing of what was said may be dropped in silence.
  ['every 2 hours in the morning', 'unsupported', 'every 2 hours'],
  ['every morning at 9pm', 'unsupported', 'every day at 21:00'],
  ['tomorrow and next monday', 'unsupported', 'tomorrow at 09:00'],
  ['5 december in january', 'unsupported', 'tomorrow at 02:00'],
  ['now 13/04', 'unsupported', 'tomorrow at 02:00'],
  ['mondays at :30', 'unsupported', 'every hour at :30'],
  ['every 6 months in june and july', 'unsupported', 'every 6 months'],
  ['yearly on mondays in december', 'unsupported', 'first monday of december'],
  ['every third friday and monday', 'unsupported', 'every 3 weeks on monday'],
  ['every day biweekly', 'unsupported', 'every 2 weeks'],
  ['twice a day once a week', 'unsupported', 'twice a day'],
  ['every 2 days on monday', 'unsupported', 'every monday'],
  ['manual in december', 'unsupported', 'only when I ask'],
  ['9am - 5pm', 'not_understood', '9am'],
  ['1st-5th', 'not_understood', '1st'],
  ['monthly @daily', 'not_understood', 'monthly'],
  ['cron 0 0 3 * * 0', 'bad_cron', 'cron 0 3 * * 0'],
  ['cron 61 * * * *', 'bad_cron', 'cron 0 3 * * 0'],
  ['cron 0 3 ? * 0', 'bad_cron', 'cron 0 3 * * 0'],
  ['every day at 9am in Atlantis', 'unknown_zone', 'every day at 9am in Europe/Berlin'],
  ['weekly '.repeat(40), 'too_long', 'every day at 02:00'],
];

describe('phrases of the same kind', () => {
  it.each(UNDERSTOOD)('%s', (phrase, rule, say) => {
    const answer = parseSchedule(phrase, BERLIN);
    expect(answer).toMatchObject({ outcome: 'ok', rule });
    if (say !== undefined) expect(answer).toMatchObject({ say });
  });

  it.each(PLACES)('%s', (phrase, zone) => {
    expect(parseSchedule(phrase, BERLIN)).toMatchObject({ outcome: 'ok', zone, schedule: { zone } });
  });

  it.each(ASKED)('asks about "%s"', (phrase, question, labels) => {
    const answer = parseSchedule(phrase, BERLIN);
    expect(answer).toMatchObject({ outcome: 'clarify', question });
    const options = answer.outcome === 'clarify' ? answer.options : [];
    expect(options.map((option) => option.label)).toEqual(labels);
    for (const { label: _, phrase: chosen, ...rule } of options) {
      expect(parseSchedule(chosen, BERLIN)).toMatchObject({ outcome: 'ok', rule });
    }
  });

  it.each(REFUSED)('refuses "%s"', (phrase, code, suggestion) => {
    expect(parseSchedule(phrase, BERLIN)).toMatchObject({ outcome: 'error', code, suggestion });
    expect(parseSchedule(suggestion, BERLIN).outcome).toBe('ok');
  });

  it('asks two things at once and offers every combination', () => {
    const answer = parseSchedule('every 31st at 5', BERLIN);
    expect(answer).toMatchObject({ outcome: 'clarify' });
    const options = answer.outcome === 'clarify' ? answer.options : [];
    expect(options.map((option) => ('cron' in option ? option.cron : undefined))).toEqual([
      '0 5 L * *',
      '0 17 L * *',
      '0 5 31 * *',
      '0 17 31 * *',
    ]);
  });

  it('knows whose clock an abbreviation is where the person lives there', () => {
    const answer = parseSchedule('daily at 9am IST', { now: NOW, zone: 'Asia/Kolkata' });
    expect(answer).toMatchObject({ outcome: 'ok', zone: 'Asia/Kolkata' });
  });

  it('throws for a person whose zone does not exist', () => {
    expect(() => parseSchedule('daily', { now: NOW, zone: 'Mars/Olympus' })).toThrow(/no time zone/);
  });
});

describe('docs/schedules.md', () => {
  const page = readFileSync(new URL('../docs/schedules.md', import.meta.url), 'utf8');
  const section = (title: string): string => page.split(`## ${title}`)[1]?.split('\n## ')[0] ?? '';
  const examples = section('What can be said')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.includes('as cron has it'))
    .flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));
  const asked = [...section('What is asked').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

  it.each(examples)('can say "%s"', (phrase) => {
    expect(parseSchedule(phrase, BERLIN).outcome).toBe('ok');
  });

  it.each(asked)('asks about "%s"', (phrase) => {
    expect(parseSchedule(phrase, BERLIN).outcome).toBe('clarify');
  });
});

describe('what nobody would type', () => {
  const WORDS = (
    `every each day days week month quarter year hours minutes on at the of and , - / to from in until except monday fri weekends 1st 31st
    29th second third last 5 2 30 0 60 1.5 3am 25:00 14:30 noon midnight half past night daily weekly monthly biweekly
    twice a per december feb 29 2026-12-05 03/04 31/02 5.12. UTC CST Europe/Paris Mars/Olympus New York +05:30 cron * */5 @x :30 now ` +
    `never once tonight next ago 2027 99999999999999999999 ( # L ? \u00bd \u65e5 \u0130 \u0000`
  ).split(/\s+/);

  it('never throws, never acts without dates, and always offers what works', () => {
    // A fixed seed, so that a failure comes back.
    let seed = 20261120;
    const random = (below: number): number => {
      seed = (seed * 1664525 + 1013904223) % 4294967296;
      return Math.floor((seed / 4294967296) * below);
    };
    const outcomes = new Set<string>();
    for (let i = 0; i < 6000; i++) {
      const phrase = Array.from({ length: 1 + random(7) }, () => WORDS[random(WORDS.length)]).join(
        random(9) === 0 ? '' : ' ',
      );
      const o = {
        now: new Date(Date.UTC(2027, random(12), 1 + random(31), random(24), random(60))),
        zone: BERLIN.zone,
      };
      const answer = parseSchedule(phrase, o);
      outcomes.add(answer.outcome);
      if (answer.outcome === 'error') {
        expect(parseSchedule(answer.suggestion, o).outcome, `${phrase} -> ${answer.suggestion}`).toBe('ok');
      } else if (answer.outcome === 'clarify') {
        expect(answer.options.length, phrase).toBeGreaterThan(1);
        for (const { label: _, phrase: chosen, ...rule } of answer.options) {
          expect(parseSchedule(chosen, o), `${phrase} -> ${chosen}`).toMatchObject({ outcome: 'ok', rule });
        }
      } else if (!('manual' in answer.rule)) {
        expect(answer.next.length, phrase).toBeGreaterThan(0);
        expect(answer.next[0]?.getTime(), phrase).toBeGreaterThan(o.now.getTime());
        expect(answer.say, phrase).not.toMatch(/undefined|NaN/);
      }
    }
    expect([...outcomes].sort()).toEqual(['clarify', 'error', 'ok']);
  });

  it.each([
    ['a long run of digits', '9'.repeat(199)],
    ['a long run of brackets', '('.repeat(199)],
    ['a megabyte', 'every day '.repeat(100_000)],
    ['letters that grow when made plain', '\ufdfa'.repeat(199)],
    ['only separators', ' \u00a0\u200b\t\n'],
  ])('%s is refused', (_, phrase) => {
    expect(parseSchedule(phrase, BERLIN).outcome).toBe('error');
  });
});
