/** What must never happen to bytes, whatever the plan, the place or the clock do. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CatalogLine, Plan } from '../../src/engine/types.ts';
import { createHarness, type Harness, put, tree } from './harness.ts';

let h: Harness;
beforeEach(async () => {
  h = await createHarness();
});
afterEach(() => h.close());

const change = async (plan: Plan, patch: Partial<Plan>): Promise<void> => {
  const stored = (await h.store.get('plans', plan.id)) as Plan;
  await h.store.put('plans', { ...stored, ...patch });
};
const lines = async (plan: Plan, kind = ''): Promise<CatalogLine[]> => {
  const found: CatalogLine[] = [];
  for await (const line of h.store.find('catalog', { from: `${plan.id}/${kind}0/`, to: `${plan.id}/${kind}00` }))
    found.push(line);
  return found;
};

describe('a filter that is made narrower', () => {
  it('leaves the copies that it no longer takes where they are, and says so', async () => {
    for (let i = 0; i < 30; i++) put(h.at('src', `v${i}.mp4`), `video ${i}`);
    put(h.at('src', 'a.jpg'), 'photo');
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    const before = tree(h.at('dst'));

    await change(plan, { filter: { kinds: ['photos'] } });
    put(h.at('src', 'b.jpg'), 'another');
    put(h.at('src', 'v0.mp4'), 'cut', new Date('2026-06-01T10:00:00Z'));
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'done', counts: { files: 2, new: 1, vanished: 0, changed: 0, skipped: 30 } });
    expect(tree(h.at('dst'))).toEqual({ ...before, 'b.jpg': tree(h.at('src'))['b.jpg'] });
    expect(await lines(plan)).toHaveLength(32);

    const result = await h.backup.preview((await h.store.get('plans', plan.id)) as Plan, new AbortController().signal);
    expect(result).toMatchObject({ counts: { skipped: 30, vanished: 0, copied: 0 }, why: { filtered: { files: 30 } } });
  });

  it('still retires a file that is really gone', async () => {
    put(h.at('src', 'v.mp4'), 'video');
    put(h.at('src', 'a.jpg'), 'photo');
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    await change(plan, { filter: { only: ['*.jpg'] } });
    rmSync(h.at('src', 'v.mp4'));
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'done', counts: { vanished: 1, skipped: 0 } });
    expect(readFileSync(h.at('dst', '.keepsake', 'versions', run.id, 'v.mp4'), 'utf8')).toBe('video');
    expect(existsSync(h.at('dst', 'v.mp4'))).toBe(false);
  });
});
