import { writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { photo } from '../../src/demo/library.ts';
import { reportOf } from '../../src/engine/backup/report-facts.ts';
import { reportMessages } from '../../src/engine/backup/report-messages.ts';
import { createOutbox } from '../../src/engine/outbox.ts';
import type { Block, OutboxMessage, Plan, Provider, Reply, Run } from '../../src/engine/types.ts';
import { all } from '../commands/world.ts';
import { createHarness, type Harness, put } from './harness.ts';

let h: Harness;
beforeEach(async () => {
  h = await createHarness();
});
afterEach(() => h.close());

const shot = (hue: number): Promise<Buffer> =>
  photo({
    taken: new Date('2026-05-01T10:00:00Z'),
    camera: { make: 'Apple', model: 'iPhone 15' },
    place: { latitude: 38.7139, longitude: -9.1334 },
    hue,
  });
const day = (index: number): Date => new Date(Date.parse('2026-05-01T10:00:00Z') + index * 86_400_000);
const block = <K extends Block['kind']>(reply: Reply | undefined, kind: K) =>
  reply?.blocks.find((one): one is Extract<Block, { kind: K }> => one.kind === kind);
const field = (reply: Reply | undefined, label: string) =>
  reply?.blocks.flatMap((one) => (one.kind === 'fields' ? one.fields : [])).find((one) => one.label === label)?.value;
const messages = (): Promise<OutboxMessage[]> => all(h.store.find('outbox'));
const reported = async (run: Run): Promise<Reply | undefined> =>
  (await messages()).find(({ about }) => about?.run === run.id)?.reply;
const photos = async (count: number): Promise<void> => {
  for (let index = 0; index < count; index++) put(h.at('a', `IMG_${index}.jpg`), await shot(index * 20), day(index));
};
const tools = () => ({
  store: h.store,
  clock: { now: () => new Date(), sleep: async () => undefined },
  log: () => undefined,
  places: h.places,
});

describe('the report of a run', () => {
  it('shows the newest new photos, as they were read from the destination', async () => {
    await photos(14);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const read: string[] = [];
    h.around.set(h.at('b'), (provider) => ({
      ...provider,
      read: (entry, o) => {
        read.push(entry.path);
        return provider.read(entry, o);
      },
    }));
    const run = await h.run(plan);
    expect(run.verdict).toBe(`All 14 photos are safe in ${h.at('b')}.`);
    const reply = await reported(run);
    const image = block(reply, 'image');
    expect(image?.alt).toBe(`12 of the 14 new photos, read from the copies in ${h.at('b')}`);
    expect(await sharp(image?.bytes).metadata()).toMatchObject({ format: 'jpeg', width: 568, height: 424 });
    expect(read).toEqual(Array.from({ length: 12 }, (_, index) => `IMG_${13 - index}.jpg`));
    expect(reply?.topic).toBe('p: backed up');
  });

  it('passes over photos that cannot be shown, and over copies that are not what was written', async () => {
    await photos(3);
    put(h.at('a', 'broken.jpg'), 'no photo at all', day(30));
    put(h.at('a', 'IMG_2041.HEIC'), 'cannot be decoded here', day(31));
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    let spoilt = false;
    h.around.set(h.at('b'), (provider) => ({
      ...provider,
      read: (entry, o) => {
        if (entry.path === 'IMG_1.jpg') {
          spoilt = true;
          writeFileSync(h.at('b', 'IMG_1.jpg'), 'something else');
        }
        return provider.read({ path: entry.path, id: entry.id }, o);
      },
    }));
    const run = await h.run(plan);
    expect(spoilt).toBe(true);
    expect(block(await reported(run), 'image')?.alt).toBe(
      `2 of the 5 new photos, read from the copies in ${h.at('b')}`,
    );
    expect(h.log.join('\n')).toContain('photo_read_back_differs');
  });

  it('asks the service for a small picture of what cannot be decoded here', async () => {
    put(h.at('a', 'IMG_2041.HEIC'), 'cannot be decoded here');
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const thumbnail = await shot(90);
    h.around.set(h.at('b'), (provider) => ({
      ...provider,
      async thumbnail() {
        return (async function* () {
          yield thumbnail;
        })();
      },
    }));
    const image = block(await reported(await h.run(plan)), 'image');
    expect(image?.alt).toBe(`The new photo, read from the copies in ${h.at('b')}`);
  });

  it('has no picture without new photos, and none for surfaces that show none', async () => {
    put(h.at('a', 'letter.txt'), 'x');
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const first = await h.run(plan);
    expect(block(await reported(first), 'image')).toBeUndefined();
    await photos(2);
    const second = await h.run(plan);
    expect(block(await reported(second), 'image')).toBeDefined();
    expect(block(await reportOf(tools(), plan, second, { pictures: false }), 'image')).toBeUndefined();
    expect(block(await reportOf(tools(), plan, second), 'image')?.alt).toContain('The 2 new photos');
    // What was new then is not new any more.
    expect(block(await reported(await h.run(plan)), 'image')).toBeUndefined();
  });

  it('tells of room, of the restore point, of the last check, and of the last runs', async () => {
    put(h.at('a', 'letter.txt'), 'x');
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    h.around.set(h.at('b'), (provider) => ({
      ...provider,
      check: async () => ({ free: 82_000_000_000, total: 100_000_000_000 }),
    }));
    const first = await h.run(plan);
    expect(first.space).toEqual([{ destination: h.at('b'), free: 82_000_000_000, total: 100_000_000_000 }]);
    const before = await reported(first);
    expect(field(before, 'Space')).toBe('18.0 GB used, 82.0 GB free');
    expect(field(before, 'Copies last checked')).toBe('never yet: verify p');
    expect(block(before, 'trend')).toBeUndefined();
    for await (const _ of h.backup.verify(plan, 'full', new AbortController().signal));
    put(h.at('a', 'two.txt'), 'y');
    const [newest] = await all(h.backup.snapshots(plan));
    const second = await h.run(plan);
    const after = await reported(second);
    expect(field(after, 'Copies last checked')).toEqual({ at: newest?.verified?.at });
    const [snapshot] = await all(h.backup.snapshots(plan));
    expect(field(after, 'Restore point')).toEqual({ at: snapshot?.ended });
    expect(block(after, 'trend')?.points).toEqual([
      { at: first.ended, files: 1, bytes: 1, state: 'done' },
      { at: second.ended, files: 1, bytes: 1, state: 'done' },
    ]);
    // The first one again, as it was: without the run that came after it.
    expect(block(await reportOf(tools(), plan, first), 'trend')).toBeUndefined();
  });

  it('of a run that goes on is its card', async () => {
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const run = await h.backup.start(plan, 'person');
    expect(await reportOf(tools(), plan, run)).toMatchObject({ tone: 'busy', live: run.id });
  });
});

describe('a fact that cannot be had does not cost the report', () => {
  const withPhotos = async (around: (provider: Provider) => Provider): Promise<{ plan: Plan; run: Run }> => {
    await photos(2);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    h.around.set(h.at('b'), around);
    return { plan, run: await h.run(plan) };
  };

  it('a place that does not tell its room', async () => {
    const { run } = await withPhotos((provider) => {
      let asked = 0;
      return {
        ...provider,
        check: (o) => (asked++ > 0 ? Promise.reject(new Error('not today')) : provider.check(o)),
      };
    });
    expect(run.state).toBe('done');
    expect(run.space).toBeUndefined();
    expect(field(await reported(run), 'Restore point')).toBeDefined();
  });

  it('a copy that cannot be read', async () => {
    const { run } = await withPhotos((provider) => ({
      ...provider,
      read: () => Promise.reject(new Error('the line is cut')),
    }));
    const reply = await reported(run);
    expect(reply?.title).toContain('All 2 photos are safe');
    expect(block(reply, 'image')).toBeUndefined();
    expect(h.log.join('\n')).toContain('photo_not_read_back');
  });

  it('a place that does not open again', async () => {
    await photos(2);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const run = await h.run(plan);
    const places = { ...h.places, open: () => Promise.reject(new Error('the door is shut')) };
    const lines: string[] = [];
    const log = (_: string, event: string): void => void lines.push(event);
    const reply = await reportOf({ ...tools(), places, log }, plan, run);
    expect(block(reply, 'image')).toBeUndefined();
    expect(field(reply, 'Restore point')).toBeDefined();
    expect(lines).toContain('report_without');
  });

  it('a place that hangs: reading ends with the signal, and the report is there', async () => {
    await photos(2);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const run = await h.run(plan);
    const stop = new AbortController();
    h.around.set(h.at('b'), (provider) => ({
      ...provider,
      // Does not heed its signal, and tells nobody.
      read: () => {
        stop.abort(new Error('enough'));
        return new Promise(() => undefined);
      },
    }));
    const reply = await reportOf(tools(), plan, run, { signal: stop.signal });
    expect(stop.signal.aborted).toBe(true);
    expect(block(reply, 'image')).toBeUndefined();
    expect(field(reply, 'Restore point')).toBeDefined();
  });

  it('a database that does not tell the history', async () => {
    put(h.at('a', 'letter.txt'), 'x');
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const run = await h.run(plan);
    const store = {
      ...h.store,
      find: () => {
        throw new Error('no history today');
      },
    } as unknown as Harness['store'];
    const reply = await reportOf({ ...tools(), store }, plan, run);
    expect(reply.title).toContain('The one file is safe');
    expect(field(reply, 'Restore point')).toBeUndefined();
  });
});

describe('the end of a run and its report', () => {
  it('are one commit, after everything was looked up', async () => {
    await photos(2);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const { commit } = h.store;
    const written: string[][] = [];
    h.store.commit = (writes) => {
      written.push(writes.map(({ table }) => table));
      return commit.call(h.store, writes);
    };
    const run = await h.run(plan);
    expect(written.filter((tables) => tables.includes('runs'))).toEqual([['outbox', 'runs']]);
    expect(block(await reported(run), 'image')).toBeDefined();
  });

  it('whoever started a run waits for no pictures where mails are only files; a scheduled one has them', async () => {
    await photos(2);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    const run = await h.run(plan);
    const { log, clock, places, store } = tools();
    const outbox = createOutbox({ store, deliverers: [], clock, log });
    const o = { store, clock, log, places, outbox, surfaces: ['console', 'mail'], mailFiles: true };
    const blocks = async (trigger: Run['trigger']) =>
      (await reportMessages(o, { ...run, trigger }, plan, new AbortController().signal)).flatMap((write) =>
        'put' in write && write.table === 'outbox' ? write.put.reply.blocks.map(({ kind }) => kind) : [],
      );
    expect(await blocks('person')).not.toContain('image');
    expect(await blocks('schedule')).toContain('image');
  });

  it('a stop that comes while the report is made is not lost in it, and does not undo the run', async () => {
    await photos(1);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    h.around.set(h.at('b'), (provider) => ({
      ...provider,
      read: async (entry, o) => {
        await h.backup.stop(plan);
        return provider.read(entry, o);
      },
    }));
    const run = await h.run(plan);
    expect(run.state).toBe('done');
    expect(await h.store.get('runs', run.id)).toMatchObject({ state: 'done', stopRequested: true });
  });

  it('whoever watches sees how far it came while the report is made', async () => {
    await photos(3);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    let seen: Run | undefined;
    h.around.set(h.at('b'), (provider) => ({
      ...provider,
      read: async (entry, o) => {
        const [run] = await all(h.store.find('runs'));
        for await (const state of h.backup.watch(run?.id ?? '', new AbortController().signal)) {
          seen = state;
          break;
        }
        return provider.read(entry, o);
      },
    }));
    await h.run(plan);
    expect(seen).toMatchObject({ state: 'running', progress: { phase: 'finishing', files: 3, totalFiles: 3 } });
  });

  it('a run that another process took over while the report was made is not ended twice', async () => {
    await photos(1);
    const plan = await h.plan('p', h.at('a'), [h.at('b')]);
    h.around.set(h.at('b'), (provider) => ({
      ...provider,
      read: async (entry, o) => {
        const [run] = await all(h.store.find('runs'));
        if (run?.state === 'running') await h.store.put('runs', { ...run, state: 'stopped', interrupted: true });
        return provider.read(entry, o);
      },
    }));
    const run = await h.run(plan);
    expect(run).toMatchObject({ state: 'stopped', interrupted: true });
    expect(await h.store.get('runs', run.id)).toMatchObject({ state: 'stopped' });
    expect(await messages()).toEqual([]);
  });
});
