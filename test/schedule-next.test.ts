/** When schedules run: changes of the clock, leap years, year ends, and an independent walk over every minute. */

import { describe, expect, it } from 'vitest';
import { nextRuns, parseSchedule, saySchedule } from '../src/engine/commands/schedule.ts';
import type { Schedule } from '../src/engine/types.ts';

const iso = (date: Date): string => date.toISOString().slice(0, 16);
const runs = (schedule: Schedule, after: string, count = 3): string[] =>
  nextRuns(schedule, new Date(after), count).map(iso);
const cron = (pattern: string, zone: string): Schedule => ({ cron: pattern, zone });

/** Zone, pattern, after, and the runs by hand. */
const CLOCK_CHANGES: [string, string, string, string, string[]][] = [
  // Gap 02:00-03:00 on 28 March 2027.
  [
    'Berlin, hourly over the gap',
    'Europe/Berlin',
    '0 * * * *',
    '2027-03-27T23:30Z',
    ['2027-03-28T00:00', '2027-03-28T01:00', '2027-03-28T02:00'],
  ],
  [
    'Berlin, a time in the gap beside the time it moves to',
    'Europe/Berlin',
    '30 2,3 * * *',
    '2027-03-27T12:00Z',
    ['2027-03-28T01:30', '2027-03-29T00:30', '2027-03-29T01:30'],
  ],
  // 02:00-03:00 twice on 31 October 2027.
  [
    'Berlin, hourly runs in both passes',
    'Europe/Berlin',
    '0 * * * *',
    '2027-10-30T23:30Z',
    ['2027-10-31T00:00', '2027-10-31T01:00', '2027-10-31T02:00'],
  ],
  [
    'Berlin, every 30 minutes runs in both passes',
    'Europe/Berlin',
    '*/30 * * * *',
    '2027-10-31T00:15Z',
    ['2027-10-31T00:30', '2027-10-31T01:00', '2027-10-31T01:30'],
  ],
  [
    'Berlin, every 2 hours runs in the first pass only',
    'Europe/Berlin',
    '0 */2 * * *',
    '2027-10-30T22:30Z',
    ['2027-10-31T00:00', '2027-10-31T03:00', '2027-10-31T05:00'],
  ],
  [
    'New York, the gap of 14 March',
    'America/New_York',
    '30 2 * * *',
    '2027-03-13T12:00Z',
    ['2027-03-14T07:30', '2027-03-15T06:30', '2027-03-16T06:30'],
  ],
  [
    'New York, 01:30 twice on 7 November',
    'America/New_York',
    '30 1 * * *',
    '2027-11-06T12:00Z',
    ['2027-11-07T05:30', '2027-11-08T06:30', '2027-11-09T06:30'],
  ],
  [
    'Cairo, 23:30 twice on 28 October',
    'Africa/Cairo',
    '30 23 * * *',
    '2027-10-28T12:00Z',
    ['2027-10-28T20:30', '2027-10-29T21:30', '2027-10-30T21:30'],
  ],
  [
    'Lord Howe, a gap of half an hour keeps its run',
    'Australia/Lord_Howe',
    '15 2 * * *',
    '2026-10-02T20:00Z',
    ['2026-10-03T15:45', '2026-10-04T15:15', '2026-10-05T15:15'],
  ],
  [
    'Lord Howe, 01:45 twice, half an hour apart',
    'Australia/Lord_Howe',
    '45 1 * * *',
    '2027-04-02T20:00Z',
    ['2027-04-03T14:45', '2027-04-04T15:15', '2027-04-05T15:15'],
  ],
  [
    'Santiago, midnight of 5 September does not exist',
    'America/Santiago',
    '0 0 * * *',
    '2027-09-04T12:00Z',
    ['2027-09-05T04:00', '2027-09-06T03:00', '2027-09-07T03:00'],
  ],
  [
    'Santiago, 23:30 of 3 April twice',
    'America/Santiago',
    '30 23 * * *',
    '2027-04-03T12:00Z',
    ['2027-04-04T02:30', '2027-04-05T03:30', '2027-04-06T03:30'],
  ],
  // The last hour of 27 March does not exist, so 23:30 moves into the next day, behind its 00:15.
  [
    'Nuuk, a gap at the end of the day keeps the order',
    'America/Nuuk',
    '15,30 0,23 * * *',
    '2027-03-28T00:00Z',
    ['2027-03-28T01:15', '2027-03-28T01:30', '2027-03-29T00:15'],
  ],
  [
    'Kathmandu, three quarters of an hour off',
    'Asia/Kathmandu',
    '30 2 * * *',
    '2027-03-13T00:00Z',
    ['2027-03-13T20:45', '2027-03-14T20:45', '2027-03-15T20:45'],
  ],
  [
    'an offset never changes',
    '+02:00',
    '30 2 * * *',
    '2027-03-27T12:00Z',
    ['2027-03-28T00:30', '2027-03-29T00:30', '2027-03-30T00:30'],
  ],
];

describe('changes of the clock', () => {
  it.each(CLOCK_CHANGES)('%s', (_, zone, pattern, after, wanted) => {
    expect(runs(cron(pattern, zone), after)).toEqual(wanted);
  });

  it('days apart keep their local time', () => {
    const schedule: Schedule = { everyDays: 3, at: '02:30', anchor: '2027-03-25', zone: 'Europe/Berlin' };
    expect(runs(schedule, '2027-03-26T12:00Z')).toEqual(['2027-03-28T01:30', '2027-03-31T00:30', '2027-04-03T00:30']);
  });

  it('minutes apart are elapsed time', () => {
    const schedule: Schedule = { everyMinutes: 90, anchor: '2027-03-28T00:00:00.000Z', zone: 'Europe/Berlin' };
    expect(runs(schedule, '2027-03-28T00:00Z')).toEqual(['2027-03-28T01:30', '2027-03-28T03:00', '2027-03-28T04:30']);
  });

  it('"in 2 hours" is right in the hour that comes twice', () => {
    const now = new Date('2027-10-30T23:15:00Z');
    const answer = parseSchedule('in 2 hours', { now, zone: 'Europe/Berlin' });
    expect(answer.outcome === 'ok' && answer.next.map(iso)).toEqual(['2027-10-31T01:15']);
  });
});

describe('the calendar', () => {
  it.each<[string, Schedule, string, string[]]>([
    [
      'leap days',
      cron('0 2 29 2 *', 'UTC'),
      '2026-11-20T00:00Z',
      ['2028-02-29T02:00', '2032-02-29T02:00', '2036-02-29T02:00'],
    ],
    ['no leap day in 2100', cron('0 2 29 2 *', 'UTC'), '2096-03-01T00:00Z', ['2104-02-29T02:00']],
    [
      'last days',
      cron('0 2 L * *', 'UTC'),
      '2028-01-31T12:00Z',
      ['2028-02-29T02:00', '2028-03-31T02:00', '2028-04-30T02:00'],
    ],
    [
      'the 31st',
      cron('0 2 31 * *', 'UTC'),
      '2026-12-31T12:00Z',
      ['2027-01-31T02:00', '2027-03-31T02:00', '2027-05-31T02:00'],
    ],
    [
      'fifth Sundays',
      cron('0 2 * * 0#5', 'UTC'),
      '2026-11-29T12:00Z',
      ['2027-01-31T02:00', '2027-05-30T02:00', '2027-08-29T02:00'],
    ],
    [
      'last Fridays',
      cron('0 2 * * 5L', 'UTC'),
      '2026-12-01T00:00Z',
      ['2026-12-25T02:00', '2027-01-29T02:00', '2027-02-26T02:00'],
    ],
    [
      'the end of the year',
      cron('0 0 * * *', 'UTC'),
      '2026-12-30T12:00Z',
      ['2026-12-31T00:00', '2027-01-01T00:00', '2027-01-02T00:00'],
    ],
    [
      'day or weekday, as cron has it',
      cron('0 0 13 * 5', 'UTC'),
      '2026-12-11T12:00Z',
      ['2026-12-13T00:00', '2026-12-18T00:00', '2026-12-25T00:00'],
    ],
    [
      'a starred day restricts together with the weekday',
      cron('0 0 */2 * 1', 'UTC'),
      '2026-12-01T00:00Z',
      ['2026-12-07T00:00', '2026-12-21T00:00', '2027-01-11T00:00'],
    ],
    [
      'every 3 days over the month and before the anchor',
      { everyDays: 3, at: '04:00', anchor: '2026-11-29', zone: 'UTC' },
      '2026-11-01T00:00Z',
      ['2026-11-29T04:00', '2026-12-02T04:00', '2026-12-05T04:00'],
    ],
    ['once, ahead', { at: '2026-12-05T08:00', zone: 'Europe/Berlin' }, '2026-11-20T00:00Z', ['2026-12-05T07:00']],
    ['once, over', { at: '2026-12-05T08:00', zone: 'Europe/Berlin' }, '2026-12-05T07:00Z', []],
    ['what never comes', cron('0 0 30 2 *', 'UTC'), '2026-11-20T00:00Z', []],
    ['manual', { manual: true }, '2026-11-20T00:00Z', []],
  ])('%s', (_, schedule, after, wanted) => {
    expect(runs(schedule, after)).toEqual(wanted);
  });

  it.each<[Schedule]>([
    [{ cron: 'every day', zone: 'UTC' }],
    [{ cron: '', zone: 'UTC' }],
    [{ everyDays: 0, at: '02:00', anchor: '2026-11-20', zone: 'UTC' }],
    [{ everyDays: 2, at: '25:00', anchor: '2026-11-20', zone: 'UTC' }],
    [{ everyDays: 2, at: '02:00', anchor: '2026-02-30', zone: 'UTC' }],
    [{ everyMinutes: 0, anchor: '2026-11-20T00:00:00.000Z', zone: 'UTC' }],
  ])('a stored schedule that cannot be is refused: %j', (schedule) => {
    expect(() => nextRuns(schedule, new Date('2026-11-20T00:00Z'), 1)).toThrow(
      expect.objectContaining({ name: 'UsageError' }),
    );
  });
});

describe('laws', () => {
  const SCHEDULES = [
    '0 * * * *',
    '*/15 * * * *',
    '0 */2 * * *',
    '30 2 * * *',
    '0 0 * * 1-5',
    '15,45 0,23 * * *',
    '0 3 L * *',
    '0 3 * * 0#1',
    '0 3 13 * 5',
    '0 2 29 2 *',
    '20 1,2,3 * 3,4,10,11 *',
  ];
  const ZONES = [
    'Europe/Berlin',
    'America/New_York',
    'Africa/Cairo',
    'Australia/Lord_Howe',
    'America/Santiago',
    'America/Nuuk',
    'Asia/Kathmandu',
    'UTC',
  ];
  const STARTS = [
    '2027-03-13T20:00Z',
    '2027-03-27T20:00Z',
    '2027-04-03T10:00Z',
    '2027-09-04T20:00Z',
    '2027-10-02T10:00Z',
    '2027-10-30T20:00Z',
    '2026-12-31T22:00Z',
  ];

  it.each(ZONES)('%s: strictly increasing, and the same from wherever one starts', (zone) => {
    for (const pattern of SCHEDULES) {
      for (const start of STARTS) {
        const after = new Date(start);
        const all = nextRuns(cron(pattern, zone), after, 6);
        let last = after;
        for (const run of all) {
          expect(run.getTime(), `${pattern} after ${start}`).toBeGreaterThan(last.getTime());
          expect(nextRuns(cron(pattern, zone), last, 1)[0], `${pattern} after ${iso(last)}`).toEqual(run);
          last = run;
        }
      }
    }
  });

  /** Every minute asked by itself, with the zone rules of Intl instead of ours. */
  function walk(pattern: string, zone: string, after: Date, minutes: number): string[] {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      hour: 'numeric',
      minute: 'numeric',
      day: 'numeric',
      month: 'numeric',
      weekday: 'short',
    });
    const has = (field: string, value: number): boolean =>
      field.split(',').some((part) => {
        const [range = '', step] = part.split('/');
        const [from, to] = range === '*' ? [0, 99] : range.split('-').map(Number);
        const last = to ?? from ?? 0;
        return value >= (from ?? 0) && value <= last && (value - (from ?? 0)) % Number(step ?? 1) === 0;
      });
    const [minute = '', hour = '', day = '', month = '', weekday = ''] = pattern.split(' ');
    const found: string[] = [];
    for (let n = 1; n <= minutes; n++) {
      const at = new Date(after.getTime() + n * 60_000);
      const parts = Object.fromEntries(format.formatToParts(at).map((part) => [part.type, part.value]));
      const dayOfWeek = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(parts.weekday ?? '');
      const hit =
        has(minute, Number(parts.minute)) &&
        has(hour, Number(parts.hour)) &&
        has(month, Number(parts.month)) &&
        has(weekday, dayOfWeek) &&
        (day === '*' || has(day, Number(parts.day)));
      if (hit) found.push(iso(at));
    }
    return found;
  }

  it.each([
    ['*/20 * * * *', 'Asia/Kathmandu', '2026-12-30T00:00Z'],
    ['15 */6 * * *', 'Europe/Berlin', '2026-12-30T00:00Z'],
    ['0,30 9-17/4 * * 1-5', 'America/New_York', '2027-01-29T00:00Z'],
    ['0 3 * 2 *', 'Australia/Lord_Howe', '2027-01-30T00:00Z'],
    // The autumn hour twice: what runs each hour has no gap there.
    ['0 * * * *', 'Europe/Berlin', '2027-10-30T00:00Z'],
    ['*/30 * * * *', 'Australia/Lord_Howe', '2027-04-03T00:00Z'],
  ])('%s in %s agrees with a walk over every minute', (pattern, zone, start) => {
    const after = new Date(start);
    const wanted = walk(pattern, zone, after, 4 * 1440);
    expect(wanted.length).toBeGreaterThan(1);
    expect(nextRuns(cron(pattern, zone), after, wanted.length).map(iso)).toEqual(wanted);
  });
});

describe('a schedule said later', () => {
  const o = { now: new Date('2026-12-01T10:00:00Z'), zone: 'Europe/Berlin' };
  it.each<[Schedule, string]>([
    [
      { everyMinutes: 90, anchor: '2026-11-20T14:23:00.000Z', zone: 'Europe/Berlin' },
      'Every 90 minutes, counted from Friday 20 November at 15:23',
    ],
    [{ everyDays: 14, at: '02:00', anchor: '2026-11-20', zone: 'Europe/Berlin' }, 'Every 2 weeks on Friday at 02:00'],
    [{ at: '2026-12-01T18:00', zone: 'Europe/Berlin' }, 'Once, today at 18:00'],
    [{ at: '2027-12-01T18:00', zone: 'Asia/Tokyo' }, 'Once, Wednesday 1 December 2027 at 18:00 (Asia/Tokyo)'],
    [{ cron: '0 9 * * *', zone: '+02:00' }, 'Every day at 09:00 (UTC+02:00)'],
    [{ cron: '7 1-23/3 * * *', zone: 'Europe/Berlin' }, 'By the cron pattern 7 1-23/3 * * *'],
  ])('%j', (schedule, say) => {
    expect(saySchedule(schedule, o)).toBe(say);
  });

  it.each([
    'Every day at 06:00 and 18:00',
    'Monday to Friday at 02:00',
    'Every Saturday and Sunday at 02:00',
    'On the 1st and 15th of every month at 02:00',
    'On the last day of every month at 23:00',
    'On the first Sunday of every month at 03:00',
    'Every year on 20 November at 02:00',
    'On the 20th of May and November at 02:00',
    'Every 2 weeks on Friday at 02:00',
    'Every 90 minutes from now',
    'Every day at 09:00 (America/New_York)',
    'Every hour at :30',
    'Every hour, on the hour',
    'Once, Friday 4 December at 09:00',
  ])('"%s" is itself understood', (say) => {
    const answer = parseSchedule(say, o);
    expect(answer.outcome === 'ok' && answer.say).toBe(say);
  });
});
