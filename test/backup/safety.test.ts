/** What must never happen to bytes, whatever the plan, the place or the clock do. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QuotaExceeded } from '../../src/engine/errors.ts';
import { wrapped } from '../../src/engine/provider-wrappers.ts';
import type { CatalogLine, Entry, Plan } from '../../src/engine/types.ts';
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

describe('files of others at the destination', () => {
  it('one under the number that a second file of a name gets is kept', async () => {
    put(h.at('src', 'x', 'a.jpg'), 'first');
    const plan = await h.plan('p', h.at('src'), [h.at('dst')], { layout: '{year}' });
    await h.run(plan);
    put(h.at('dst', '2026', 'a (2).jpg'), 'mine');
    put(h.at('src', 'y', 'a.jpg'), 'second');
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'done', counts: { new: 1 } });
    expect(readFileSync(h.at('dst', '2026', 'a (2).jpg'), 'utf8')).toBe('second');
    expect(readFileSync(h.at('dst', '.keepsake', 'versions', run.id, '2026', 'a (2).jpg'), 'utf8')).toBe('mine');
  });
});

describe('several destinations', () => {
  it('one that fails at the very end does not keep the other from its snapshot, and gets its own the next time', async () => {
    put(h.at('src', 'a.jpg'), 'photo');
    const plan = await h.plan('p', h.at('src'), [h.at('one'), h.at('two')]);
    let met = 0;
    h.around.set(h.at('one'), (provider) =>
      wrapped(provider, {
        write: (file, o) => {
          if (!file.path.startsWith('.keepsake/snapshots/')) return provider.write?.(file, o) as Promise<Entry>;
          met++;
          return Promise.reject(new QuotaExceeded('full'));
        },
      }),
    );
    const run = await h.run(plan);
    expect(met).toBe(1);
    expect(run).toMatchObject({ state: 'partial', problemCount: 1 });
    expect(existsSync(h.at('two', '.keepsake', 'snapshots', `${run.id}.jsonl.zst`))).toBe(true);
    h.around.clear();
    const next = await h.run(plan);
    expect(next).toMatchObject({ state: 'done', counts: { new: 0, same: 1 } });
    expect(existsSync(h.at('one', '.keepsake', 'snapshots', `${next.id}.jsonl.zst`))).toBe(true);
  });

  it('a replaced file that the destination does not confirm keeps its older version in the catalog', async () => {
    put(h.at('src', 'a.jpg'), 'one');
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    const first = await h.run(plan);
    put(h.at('src', 'a.jpg'), 'two', new Date('2026-06-01T10:00:00Z'));
    h.around.set(h.at('dst'), (provider) =>
      wrapped(provider, {
        write: async (file, o) => {
          const answer = (await provider.write?.(file, o)) as Entry;
          if (file.path !== 'a.jpg') return answer;
          rmSync(h.at('dst', 'a.jpg'));
          return { path: answer.path, id: answer.id };
        },
      }),
    );
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'partial', problems: [{ code: 'not_confirmed', path: 'a.jpg' }] });
    expect(await lines(plan)).toEqual([]);
    expect(await lines(plan, 'v')).toMatchObject([
      { path: 'a.jpg', run: first.id, stored: `.keepsake/versions/${run.id}/a.jpg` },
    ]);
  });
});

describe('a backup taken over by someone who is not an owner', () => {
  it('opens no folder of the machine that its snapshot names', async () => {
    put(h.at('src', 'a.jpg'), 'photo');
    const plan = await h.plan('p', h.at('src'), [h.at('dst')]);
    await h.run(plan);
    await h.store.remove('plans', plan.id);
    const signal = new AbortController().signal;
    const member = { ...h.owner, id: 'ben', role: 'member' as const };
    const [adopted] = await h.backup.adopt({ kind: 'local', root: h.at('dst'), text: 'dst' }, member, signal);
    const source = (adopted as { plan: Plan }).plan.source;
    expect(adopted).toMatchObject({ plan: { state: 'paused', destinations: [{ root: h.at('dst') }] } });
    await expect(h.places.open(source, signal)).rejects.toMatchObject({ code: 'account_gone' });
  });
});
