/** Sizes, durations and instants as people read them. */
import { expect, it } from 'vitest';
import {
  distanceWords,
  durationWords,
  fullInstantWords,
  instantWords,
  manyWords,
  sizeWords,
} from '../src/engine/wording.ts';

it.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1.0 KB'],
  [999_499, '999 KB'],
  [999_950, '1.0 MB'],
  [18_240_000_000, '18.2 GB'],
  [4e15, '4.0 PB'],
  [4e18, '4000 PB'],
])('%d bytes are "%s"', (bytes, words) => {
  expect(sizeWords(bytes)).toBe(words);
});

it.each([
  [0.2, 'under a second'],
  [59.4, '59 s'],
  [61, '1 min'],
  [3600, '1 h'],
  [11_100, '3 h 5 min'],
  [6 * 86_400, '6 days'],
])('%d seconds are "%s"', (seconds, words) => {
  expect(durationWords(seconds)).toBe(words);
});

it('counts with the right plural and grouping', () => {
  expect(manyWords(1, 'file')).toBe('1 file');
  expect(manyWords(4120, 'file')).toBe('4,120 files');
  expect(manyWords(2, 'copy', 'copies')).toBe('2 copies');
});

it('shows an instant on the reader’s wall clock, across a date line and a summer time', () => {
  expect(instantWords('2026-11-27T01:00:00.000Z', 'Europe/Berlin')).toBe('2026-11-27 02:00');
  expect(instantWords('2026-07-01T23:30:00.000Z', 'Europe/Berlin')).toBe('2026-07-02 01:30');
  expect(instantWords('2026-01-01T00:00:00.000Z', 'America/New_York')).toBe('2025-12-31 19:00');
});

it('says how far away it is', () => {
  const now = new Date('2026-11-22T01:00:00.000Z');
  expect(fullInstantWords('2026-11-27T01:00:00.000Z', 'Europe/Berlin', now)).toBe(
    'Fri 2026-11-27 02:00 Europe/Berlin, in 5 days',
  );
  expect(distanceWords('2026-11-22T00:48:00.000Z', now)).toBe('12 min ago');
  expect(distanceWords(now.toISOString(), now)).toBe('now');
  expect(distanceWords(new Date(now.getTime() - 400).toISOString(), now)).toBe('just now');
});
