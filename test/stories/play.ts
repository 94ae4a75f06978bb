/** Plays every story on one surface. */
import { describe, expect, it } from 'vitest';
import type { DriverKind } from './driver.ts';
import { STORIES } from './stories.ts';
import { openStory } from './world.ts';

export function play(kind: DriverKind): void {
  describe(`stories on ${kind.name}`, () => {
    for (const story of STORIES) {
      if (story.needs?.some((need) => kind.lacks.includes(need))) continue;
      it(story.name, async () => {
        const world = await openStory(kind);
        try {
          await story.play(world);
          expect(world.driver.violations()).toEqual([]);
          expect(world.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
        } finally {
          await world.close();
        }
      });
    }
  });
}
