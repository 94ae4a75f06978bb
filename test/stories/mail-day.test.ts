import { describe, expect, it } from 'vitest';
import { liveADayOfMail } from './mail-day.ts';

describe('24 hours of mail, with robots and two people', () => {
  for (const profile of ['normal', 'stingy'] as const) {
    it(`a ${profile} service: every report once, every word done once`, async () => {
      const figures = await liveADayOfMail(profile);
      console.info(`mail, ${profile}: ${JSON.stringify(figures)}`);
      expect(figures.runs).toBeGreaterThan(60);
      expect(figures.restarts).toBeGreaterThan(2);
      expect(figures.said).toBeGreaterThan(20);
      expect(figures.ranOnWord).toBeGreaterThan(5);
      expect(figures.copies).toBeGreaterThan(0);
      expect(Object.keys(figures.troubles)).toEqual(expect.arrayContaining(['loseAnswer', 'greylist', 'dropInData']));
    }, 300_000);
  }
});
