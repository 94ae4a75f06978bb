/** Schedules and moments inside a longer line: where they end, and what is not one. */

import { describe, expect, it } from 'vitest';
import { takeInstant, takeSchedule } from '../src/engine/commands/schedule.ts';

const o = { now: new Date('2026-11-20T14:23:00Z'), zone: 'Europe/Berlin' };

function take(line: string): [string, string] | undefined {
  // The line's words before "|" are read already.
  const [before = '', rest] = line.includes('|') ? line.split('|') : ['', line];
  const first = before.split(' ').filter(Boolean);
  const words = [...first, ...(rest ?? '').split(' ').filter(Boolean)];
  const taken = takeSchedule(words, first.length, o);
  if (taken === undefined) return undefined;
  const { answer } = taken;
  expect(taken.text.split(' ')).toHaveLength(taken.end - first.length);
  return [
    words.slice(first.length, taken.end).join(' '),
    answer.outcome === 'ok' ? answer.say : answer.outcome === 'error' ? answer.code : answer.question,
  ];
}

describe('takeSchedule', () => {
  it.each([
    ['icloud to gdrive|weekly on sunday at 3am keep 5 versions', 'weekly on sunday at 3am', 'Every Sunday at 03:00'],
    ['weekly icloud to gdrive', 'weekly', 'Every Friday at 02:00'],
    ['weekly on Sunday, 3am keep 5', 'weekly on Sunday, 3am', 'Every Sunday at 03:00'],
    ['weekly, keep 3', 'weekly,', 'Every Friday at 02:00'],
    ['mon,wed,fri 23:00 keep 30 days', 'mon,wed,fri 23:00', 'Every Monday, Wednesday and Friday at 23:00'],
    ['every 3 days at 4am only *.jpg', 'every 3 days at 4am', 'Every 3 days at 04:00'],
    ['every monday except *.mov', 'every monday', 'Every Monday at 02:00'],
    ['daily since 2024-01-01', 'daily', 'Every day at 02:00'],
    ['daily limit 5MB/s', 'daily', 'Every day at 02:00'],
    ['daily and gdrive', 'daily', 'Every day at 02:00'],
    ['daily photos/2024 to gdrive', 'daily', 'Every day at 02:00'],
    ['daily at 9am Pictures/Family to gdrive', 'daily at 9am', 'Every day at 09:00'],
    ['daily at 9am New York keep 5', 'daily at 9am New York', 'Every day at 09:00 (America/New_York)'],
    ['only when I ask named x', 'only when I ask', 'No schedule; run it with /backup run'],
    ['cron 30 4 * * 1-5 UTC keep 3', 'cron 30 4 * * 1-5 UTC', 'Monday to Friday at 04:30 (UTC)'],
    ['0 3 * * 0 named x', '0 3 * * 0', 'Every Sunday at 03:00'],
    ['next monday at 9am only photos', 'next monday at 9am', 'Once, Monday 23 November at 09:00'],
    ['biweekly keep 3', 'biweekly', 'Every two weeks or twice a week?'],
    ['at 02:00 in Europe/Paris keep 3', 'at 02:00 in Europe/Paris', 'Every day at 02:00 (Europe/Paris)'],
    // Half-understood ones are taken whole, so that they are told and not skipped.
    ['every monday except holidays keep 3', 'every monday except holidays', 'unsupported'],
    ['every weekday except friday keep 3', 'every weekday except friday', 'unsupported'],
    ['every day between 9 and 17 keep 3', 'every day between 9 and 17', 'unsupported'],
    ['daily or weekly', 'daily or weekly', 'unsupported'],
    ['every day at 25:00 keep 3', 'every day at 25:00', 'bad_time'],
    ['daily at 9am Mars/Olympus', 'daily at 9am Mars/Olympus', 'unknown_zone'],
    ['evry week keep 3', 'evry week', 'not_understood'],
    ['in Europe/Paris keep 3', 'in Europe/Paris', 'not_understood'],
    ['0 3 * * keep 3', '0 3 * *', 'bad_cron'],
  ])('%s', (line, words, meaning) => {
    expect(take(line)).toEqual([words, meaning]);
  });

  it.each([
    'icloud to gdrive',
    'only photos',
    '*.heic',
    'sunday.zip to x',
    'may to gdrive',
    'dairy to gdrive',
    'every photo',
    'every',
    '5 to x',
    '" to gdrive',
    '',
  ])('takes nothing from "%s"', (line) => {
    expect(take(line)).toBeUndefined();
  });

  it('never takes a quoted word', () => {
    expect(takeSchedule(['every monday', 'to', 'gdrive'], 0, o)).toBeUndefined();
    expect(takeSchedule(['daily', 'at 3am'], 0, o)).toMatchObject({ end: 1 });
  });

  it('survives a line of any length', () => {
    const words = Array.from({ length: 5000 }, () => 'daily');
    expect(takeSchedule(words, 0, o)?.end).toBeGreaterThan(1);
    expect(takeSchedule(['x'.repeat(100_000)], 0, o)).toBeUndefined();
  });
});

describe('takeInstant', () => {
  const span = (line: string, prefer: 'past' | 'future'): string | undefined => {
    const words = line.split(' ');
    const taken = takeInstant(words, 0, { ...o, prefer });
    if (taken === undefined) return undefined;
    const text = (date: Date): string => date.toISOString().replace(/(:00)?\.000Z$/, '');
    return `${words.slice(0, taken.end).join(' ')}: ${text(taken.at)} ${text(taken.until)}`;
  };

  it.each([
    ['2024-01-01 weekly', 'past', '2024-01-01: 2023-12-31T23:00 2024-01-01T23:00'],
    ['2024', 'past', '2024: 2023-12-31T23:00 2024-12-31T23:00'],
    ['2024-03 keep', 'past', '2024-03: 2024-02-29T23:00 2024-03-31T22:00'],
    ['march', 'past', 'march: 2026-02-28T23:00 2026-03-31T22:00'],
    ['march', 'future', 'march: 2027-02-28T23:00 2027-03-31T22:00'],
    ['march 2024', 'future', 'march 2024: 2024-02-29T23:00 2024-03-31T22:00'],
    ['monday', 'past', 'monday: 2026-11-15T23:00 2026-11-16T23:00'],
    ['monday', 'future', 'monday: 2026-11-22T23:00 2026-11-23T23:00'],
    // Said on a Friday.
    ['friday', 'past', 'friday: 2026-11-19T23:00 2026-11-20T23:00'],
    ['friday', 'future', 'friday: 2026-11-26T23:00 2026-11-27T23:00'],
    ['last friday', 'past', 'last friday: 2026-11-12T23:00 2026-11-13T23:00'],
    ['yesterday to x', 'past', 'yesterday: 2026-11-18T23:00 2026-11-19T23:00'],
    ['yesterday at 15:00', 'past', 'yesterday at 15:00: 2026-11-19T14:00 2026-11-19T14:01'],
    ['3 days ago', 'past', '3 days ago: 2026-11-16T23:00 2026-11-17T23:00'],
    ['3 hours ago', 'past', '3 hours ago: 2026-11-20T11:23 2026-11-20T11:23:00.001Z'],
    ['last week', 'past', 'last week: 2026-11-08T23:00 2026-11-15T23:00'],
    ['last month', 'past', 'last month: 2026-09-30T22:00 2026-10-31T23:00'],
    ['a year ago', 'past', 'a year ago: 2025-11-19T23:00 2025-11-20T23:00'],
    ['next monday at 9am only', 'future', 'next monday at 9am: 2026-11-23T08:00 2026-11-23T08:01'],
    ['tomorrow morning', 'future', 'tomorrow morning: 2026-11-21T07:00 2026-11-21T07:01'],
    ['18:00', 'future', '18:00: 2026-11-20T17:00 2026-11-20T17:01'],
    ['noon', 'future', 'noon: 2026-11-21T11:00 2026-11-21T11:01'],
    ['in 2 hours', 'future', 'in 2 hours: 2026-11-20T16:23 2026-11-20T16:23:00.001Z'],
    ['monday 9am New York', 'future', 'monday 9am New York: 2026-11-23T14:00 2026-11-23T14:01'],
    ['5 dec 2025 at 8pm UTC', 'past', '5 dec 2025 at 8pm UTC: 2025-12-05T20:00 2025-12-05T20:01'],
    ['13/04/2024', 'past', '13/04/2024: 2024-04-12T22:00 2024-04-13T22:00'],
  ] as const)('%s (%s)', (line, prefer, wanted) => {
    expect(span(line, prefer)).toBe(wanted);
  });

  it.each(['03/04', '03/04/2024', '2024-02-30', 'banana', 'keep 5', 'every monday', 'once', 'the 15th', '25:00', ''])(
    'takes nothing from "%s"',
    (line) => {
      expect(span(line, 'past')).toBeUndefined();
    },
  );
});
