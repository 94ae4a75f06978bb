import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RestoreRequest, RestoreResult, VerifyResult } from '../../src/engine/services.ts';
import type { Location, Plan } from '../../src/engine/types.ts';
import { createHarness, type Harness, noise, put, tree } from './harness.ts';

let h: Harness;
beforeEach(async () => {
  h = await createHarness();
});
afterEach(() => h.close());

const signal = new AbortController().signal;

async function restore(request: RestoreRequest): Promise<RestoreResult> {
  let result: RestoreResult | undefined;
  for await (const item of h.backup.restore(request, signal)) if ('result' in item) result = item.result;
  return result as RestoreResult;
}

async function verify(plan: Plan, how: VerifyResult['how']): Promise<VerifyResult> {
  let result: VerifyResult | undefined;
  for await (const item of h.backup.verify(plan, how, signal)) if ('result' in item) result = item.result;
  return result as VerifyResult;
}

const local = (root: string): Location => ({ kind: 'local', root, text: root });

function library(): void {
  put(h.at('photos', 'a.jpg'), 'one');
  put(h.at('photos', 'trip', 'b.jpg'), noise(30_000));
  put(h.at('photos', 'trip', 'film.mov'), noise(3_000_000));
  put(h.at('photos', 'empty.txt'), '');
  put(h.at('photos', '.keepsake', 'not-mine.txt'), 'left out');
}

describe('a backup from folder to folder', () => {
  it('copies everything, writes a snapshot, and finds nothing to do the second time', async () => {
    library();
    const plan = await h.plan('photos', h.at('photos'), [h.at('disk')]);
    const first = await h.run(plan);
    expect(first.problems).toEqual([]);
    expect(first).toMatchObject({ state: 'done', counts: { files: 4, new: 4, same: 0, failed: 0 } });
    expect(tree(h.at('disk'))).toEqual(tree(h.at('photos')));
    expect(readdirSync(h.at('disk', '.keepsake', 'snapshots'))).toEqual([`${first.id}.jsonl.zst`]);

    const second = await h.run(plan);
    expect(second).toMatchObject({ state: 'done', counts: { files: 4, new: 0, changed: 0, same: 4, copied: 0 } });
    expect(second.verdict).toContain('Nothing new');
    expect(readdirSync(h.at('disk', '.keepsake', 'snapshots'))).toEqual([`${first.id}.jsonl.zst`]);
  });

  it('keeps what was replaced or has vanished, and restores yesterday', async () => {
    library();
    const plan = await h.plan('photos', h.at('photos'), [h.at('disk')]);
    const before = tree(h.at('photos'));
    const first = await h.run(plan);
    h.moveClock(86_400_000);
    put(h.at('photos', 'a.jpg'), 'two', new Date('2026-06-01T10:00:00Z'));
    rmSync(h.at('photos', 'trip', 'b.jpg'));
    put(h.at('photos', 'new.jpg'), 'new');
    const second = await h.run(plan);
    expect(second).toMatchObject({ state: 'done', counts: { new: 1, changed: 1, vanished: 1, same: 2 } });
    expect(tree(h.at('disk'))).toEqual(tree(h.at('photos')));
    expect(existsSync(h.at('disk', '.keepsake', 'versions', second.id, 'a.jpg'))).toBe(true);
    expect(existsSync(h.at('disk', '.keepsake', 'versions', second.id, 'trip', 'b.jpg'))).toBe(true);

    const result = await restore({
      plan,
      files: [],
      from: { snapshot: first.id },
      to: local(h.at('back')),
      existing: 'ask',
    });
    expect(result).toMatchObject({ restored: 4, failed: [], skipped: 0 });
    const { '.keepsake/not-mine.txt': _own, ...expected } = before;
    expect(tree(h.at('back'))).toEqual(expected);

    const again = await restore({
      plan,
      files: [],
      from: { snapshot: first.id },
      to: local(h.at('back')),
      existing: 'ask',
    });
    expect(again).toMatchObject({ restored: 0, skipped: 4, failed: [] });
  });

  it('never overwrites on restore without being told to', async () => {
    library();
    const plan = await h.plan('photos', h.at('photos'), [h.at('disk')]);
    await h.run(plan);
    put(h.at('back', 'a.jpg'), 'mine');
    const request = { plan, files: ['a.jpg'], to: local(h.at('back')) };
    expect((await restore({ ...request, existing: 'ask' })).failed).toHaveLength(1);
    expect((await restore({ ...request, existing: 'skip' })).skipped).toBe(1);
    await restore({ ...request, existing: 'keep_both' });
    expect(Object.keys(tree(h.at('back'))).sort()).toEqual(['a (2).jpg', 'a.jpg']);
    await restore({ ...request, existing: 'replace' });
    expect(tree(h.at('back'))['a.jpg']).toBe(tree(h.at('photos'))['a.jpg']);
  });

  it('takes the backup over from the destination alone', async () => {
    library();
    const plan = await h.plan('holiday photos', h.at('photos'), [h.at('disk')], { retention: { versions: 3 } });
    const first = await h.run(plan);
    put(h.at('photos', 'a.jpg'), 'two', new Date('2026-06-01T10:00:00Z'));
    await h.run(plan);

    for (const table of ['plans', 'snapshots', 'runs'] as const) {
      for await (const doc of h.store.find(table)) await h.store.remove(table, doc.id);
    }
    await h.store.removeRange('catalog', '', '\u{10ffff}');
    const adopted = await h.backup.adopt(local(h.at('disk')), h.owner, signal);
    expect(adopted.map(({ plan: each }) => each.name)).toEqual(['holiday photos']);
    const back = adopted[0]?.plan as Plan;
    expect(back.retention).toEqual({ versions: 3 });
    const result = await restore({
      plan: back,
      files: [],
      from: { snapshot: first.id },
      to: local(h.at('back')),
      existing: 'ask',
    });
    expect(result).toMatchObject({ restored: 4, failed: [] });
    const next = await h.run(back);
    expect(next).toMatchObject({ state: 'done', counts: { new: 0, changed: 0, same: 4 } });
  });

  it('finds damage, and the next run mends it', async () => {
    library();
    const plan = await h.plan('photos', h.at('photos'), [h.at('disk')]);
    await h.run(plan);
    expect(await verify(plan, 'full')).toMatchObject({ files: 4, bad: [] });
    const size = 3;
    writeFileSync(h.at('disk', 'a.jpg'), 'x'.repeat(size));
    expect((await verify(plan, 'quick')).bad).toEqual([]);
    expect((await verify(plan, 'sample')).bad).toEqual([{ path: 'a.jpg', what: 'has other bytes (sha256 differs)' }]);
    rmSync(h.at('disk', 'trip', 'b.jpg'));
    expect((await verify(plan, 'quick')).bad).toEqual([{ path: 'trip/b.jpg', what: 'is missing' }]);
    const mended = await h.run(plan);
    expect(mended).toMatchObject({ state: 'done', counts: { new: 2 } });
    expect(tree(h.at('disk'))).toEqual(tree(h.at('photos')));
    expect((await verify(plan, 'full')).bad).toEqual([]);
  });
});
