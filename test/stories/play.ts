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
          // A run that fails because its destination is gone is what that story tells.
          expect(world.log.filter((line) => /^\S+ error (?!run_ended_early)/.test(line))).toEqual([]);
        } finally {
          await world.close();
        }
      });
    }
  });
}
