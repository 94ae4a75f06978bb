import { describe, expect, it } from 'vitest';
import { liveADay } from './day.ts';
import { discordKind } from './discord-driver.ts';
import { slackKind } from './slack-driver.ts';

describe('24 hours with a stingy service', () => {
  for (const kind of [slackKind('socket', 'stingy'), slackKind('http', 'stingy'), discordKind('stingy')]) {
    it(`${kind.name}: no message is lost, and none comes twice`, async () => {
      const figures = await liveADay(kind);
      console.info(`${kind.name}: ${JSON.stringify(figures)}`);
      expect(figures.runs).toBeGreaterThan(80);
      expect(figures.restarts).toBeGreaterThan(10);
      expect(figures.lost).toBeGreaterThan(10);
      expect(figures.tooMany).toBeGreaterThan(20);
    }, 180_000);
  }
});
