/** What every store must do, whatever database is below it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Conflict, UsageError } from '../../src/engine/errors.ts';
import { comparePaths } from '../../src/engine/path.ts';
import {
  catalogId,
  catalogRange,
  type Query,
  type Store,
  type TableName,
  type Write,
} from '../../src/engine/store/store.ts';
import type { CatalogLine, OutboxMessage, Run, Setting } from '../../src/engine/types.ts';

export interface StorePlace {
  open(): Promise<Store>;
  discard(): Promise<void>;
}

export interface StoreSubject {
  /** A place that holds no database yet. */
  place(): Promise<StorePlace>;
  /** A write that fails in the middle of a `commit`, where that is all or nothing; else absent. */
  failing?: Write;
  /** `false` for a test server that is known to compare UTF-16 units; such cases are then reported as skipped. */
  codePointOrder: boolean;
}

const NAMES = [
  ...['IMG_0001.HEIC', 'a', 'Z', 'a b', ' a', 'a ', '.hidden', '..twice', 'a.b', '$set', '__proto__', 'constructor'],
  ...['%', '%41', "it's", '"quoted"', 'back\\slash', 'two\nlines', 'tab\there', 'semi;colon', '‛0A', '*?[]', '-- x'],
  ...[
    'caf\u00e9',
    'cafe\u0301',
    '日本語/写真',
    'עברית',
    'ﬀ',
    '\u{1F600}',
    '\u{1F468}\u200d\u{1F469}',
    '\ufffd',
    '\ue000',
  ],
  ...['\u{10ffff}', '\uff21', 'İ', 'i', 'I', 'ı', 'n'.repeat(1000), '\u{1F4F7}'.repeat(250)],
];
/** Below and above the surrogates: here UTF-16 order and code point order differ. */
const ASTRAL = /[\u{e000}-\u{ffff}\u{10000}-\u{10ffff}]/u;

const line = (path: string, size = 1): CatalogLine => ({
  id: catalogId('p1', 0, path),
  path,
  size,
  sha256: 'ab'.repeat(32),
  run: 'r1',
});
const setting = (id: string, value: unknown): Setting => ({ id, value });
const run = (id: string, plan: string, queued: string, more: Partial<Run> = {}): Run => {
  return { id, plan, owner: 'ana', state: 'done', trigger: 'person', queued, problems: [], problemCount: 0, ...more };
};
const message = (id: string, state: OutboxMessage['state'], due: string): OutboxMessage => {
  const reply = { tone: 'plain' as const, title: 'Hello', blocks: [] };
  return { id, person: 'ana', surface: 'mail', key: `k-${id}`, reply, state, tries: 0, due, created: due };
};

async function ids(store: Store, table: TableName, query?: Query): Promise<string[]> {
  const found: string[] = [];
  for await (const doc of store.find(table, query)) found.push(doc.id);
  return found;
}

const outcomes = (results: PromiseSettledResult<unknown>[]): string[] =>
  results.map((result) => (result.status === 'fulfilled' ? 'done' : (result.reason as Error).name)).sort();

export function storeContract(subject: StoreSubject): void {
  let place: StorePlace;
  let store: Store;
  const others: Store[] = [];
  const another = async (): Promise<Store> => {
    const opened = await place.open();
    others.push(opened);
    return opened;
  };

  beforeEach(async () => {
    place = await subject.place();
    store = await place.open();
  });
  afterEach(async () => {
    for (const opened of others.splice(0)) await opened.close();
    await store.close();
    await place.discard();
  });

  describe('one document', () => {
    it('is absent until it is stored, then equal and with a revision', async () => {
      expect(await store.get('settings', 'x')).toBeUndefined();
      const stored = await store.put('settings', setting('x', { deep: [1, 'two', null, true, 0.5] }));
      expect(stored.rev).toBeTypeOf('number');
      expect(await store.get('settings', 'x')).toEqual(stored);
      expect(stored).toEqual({ id: 'x', rev: stored.rev, value: { deep: [1, 'two', null, true, 0.5] } });
    });

    it('drops fields that are undefined', async () => {
      await store.put('settings', { ...setting('x', { a: undefined, b: 1 }), more: undefined } as Setting);
      const read = await store.get('settings', 'x');
      expect(Object.keys(read ?? {}).sort()).toEqual(['id', 'rev', 'value']);
      expect(Object.keys(read?.value as object)).toEqual(['b']);
    });

    it('is made only once without a revision', async () => {
      await store.put('settings', setting('x', 1));
      await expect(store.put('settings', setting('x', 2))).rejects.toBeInstanceOf(Conflict);
      expect((await store.get('settings', 'x'))?.value).toBe(1);
    });

    it('is changed only by who read its newest revision', async () => {
      const first = await store.put('settings', setting('x', 1));
      const second = await store.put('settings', { ...first, value: 2 });
      expect(second.rev).not.toBe(first.rev);
      await expect(store.put('settings', { ...first, value: 3 })).rejects.toBeInstanceOf(Conflict);
      expect(await store.get('settings', 'x')).toEqual(second);
    });

    it('is not made again by who read one that was removed', async () => {
      const first = await store.put('settings', setting('x', 1));
      await store.remove('settings', 'x');
      await expect(store.put('settings', { ...first, value: 2 })).rejects.toBeInstanceOf(Conflict);
      expect(await store.get('settings', 'x')).toBeUndefined();
    });

    it('is not mistaken for one that was removed and made again', async () => {
      const old = await store.put('leases', { id: 'l', holder: 'a', until: '2026-01-01T00:00:00.000Z' });
      await store.remove('leases', 'l');
      await store.put('leases', { id: 'l', holder: 'b', until: '2026-01-01T00:00:00.000Z' });
      await expect(store.put('leases', old)).rejects.toBeInstanceOf(Conflict);
      expect((await store.get('leases', 'l'))?.holder).toBe('b');
    });

    it('is removed, also when it is not there, but not in an older revision', async () => {
      const first = await store.put('settings', setting('x', 1));
      const second = await store.put('settings', { ...first, value: 2 });
      await expect(store.remove('settings', 'x', first.rev)).rejects.toBeInstanceOf(Conflict);
      await store.remove('settings', 'x', second.rev);
      await store.remove('settings', 'x', second.rev);
      await store.remove('settings', 'x');
      expect(await store.get('settings', 'x')).toBeUndefined();
    });

    it('keeps any key and any text', async () => {
      const about = JSON.parse(
        '{"a.b":"dot","$x":"dollar","$":"","__proto__":"own","":"empty","constructor":"c","toString":"t","nul":"a\\u0000b"}',
      );
      about.half = '\ud83d and \udc00';
      about[`${'\ud83d'}key`] = 'half a key';
      about.long = 'x'.repeat(5000);
      const value = {
        about,
        $bytes: 'not bytes',
        n: [{ $bytes: 'neither' }, { $$bytes: 1 }, { $date: 5 }, { $oid: 'z' }],
      };
      await store.put('settings', setting('x', value));
      await store.putMany('catalog', [{ ...line('a'), about }]);
      const read = (await store.get('settings', 'x'))?.value as typeof value;
      expect(read).toEqual(value);
      expect(Object.entries(read.about)).toEqual(Object.entries(about));
      expect(Object.entries((await store.get('catalog', line('a').id))?.about ?? {})).toEqual(Object.entries(about));
      expect(Object.getPrototypeOf(read.about)).toBe(Object.prototype);
    });

    it('keeps the bytes of a picture in a message', async () => {
      const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256);
      const sent = message('m', 'waiting', '2026-01-01T00:00:00.000Z');
      sent.reply.blocks = [
        { kind: 'image', alt: 'sheet', mime: 'image/png', bytes },
        { kind: 'file', name: 'f', mime: 'a/b', bytes: Buffer.from('file') },
      ];
      await store.commit([{ table: 'outbox', put: sent }]);
      const [image, file] = (await store.get('outbox', 'm'))?.reply.blocks ?? [];
      expect(image?.kind === 'image' && Buffer.from(bytes).equals(image.bytes)).toBe(true);
      expect(file?.kind === 'file' && file.bytes).toEqual(new Uint8Array(Buffer.from('file')));
    });

    it('may be a megabyte', async () => {
      const value = `${'é'.repeat(1 << 19)}!`;
      await store.put('memos', setting('big', value));
      await store.putMany('memos', [setting('big2', value)]);
      expect((await store.get('memos', 'big'))?.value).toBe(value);
      expect(await ids(store, 'memos')).toEqual(['big', 'big2']);
    });

    it('refuses an id that could become another one', async () => {
      for (const id of ['', 'half \ud83d', '\udc00']) {
        await expect(store.put('settings', setting(id, 1))).rejects.toBeInstanceOf(UsageError);
        await expect(store.putMany('settings', [setting(id, 1)])).rejects.toBeInstanceOf(UsageError);
      }
    });
  });

  describe('writers that race', () => {
    it('make a document once', async () => {
      const second = await another();
      const tries = [store, second, store, second].map((s, i) =>
        s.put('leases', { id: 'l', holder: `h${i}`, until: '' }),
      );
      expect(outcomes(await Promise.allSettled(tries))).toEqual(['Conflict', 'Conflict', 'Conflict', 'done']);
    });

    it('change a revision once', async () => {
      const second = await another();
      const base = await store.put('settings', setting('x', 0));
      const tries = [store, second, store, second].map((s, i) => s.put('settings', { ...base, value: i }));
      expect(outcomes(await Promise.allSettled(tries))).toEqual(['Conflict', 'Conflict', 'Conflict', 'done']);
    });

    it('lose no change when they read again after a conflict', async () => {
      const stores = [store, await another()];
      await store.put('settings', setting('n', 0));
      const add = async (to: Store): Promise<void> => {
        for (;;) {
          const doc = await to.get('settings', 'n');
          if (!doc) throw new Error('gone');
          const won = await to.put('settings', { ...doc, value: Number(doc.value) + 1 }).catch((error: unknown) => {
            if (error instanceof Conflict) return undefined;
            throw error;
          });
          if (won) return;
        }
      };
      await Promise.all(Array.from({ length: 20 }, (_, i) => add(stores[i % 2] as Store)));
      expect((await store.get('settings', 'n'))?.value).toBe(20);
    });
  });

  describe('many documents', () => {
    it('are replaced without a revision, and the last of one id wins', async () => {
      const read = await store.put('catalog', line('a', 1));
      await store.putMany('catalog', [line('a', 2), line('b', 2), line('a', 3)]);
      expect((await store.get('catalog', line('a').id))?.size).toBe(3);
      expect(await store.count('catalog')).toBe(2);
      await expect(store.put('catalog', read)).rejects.toBeInstanceOf(Conflict);
      await store.putMany('catalog', []);
      await store.removeMany('catalog', [line('a').id, 'not there']);
      expect(await ids(store, 'catalog')).toEqual([line('b').id]);
    });

    it('are removed by range, and the neighbours stay', async () => {
      const plans = ['p', 'p1', 'p10', 'p2'];
      const docs = plans.flatMap((plan) =>
        [0, 1, 10].flatMap((n) =>
          ['a', '0', '\u{10ffff}'].map((path) => ({ ...line(path), id: catalogId(plan, n, path) })),
        ),
      );
      await store.putMany('catalog', docs);
      const { from, to } = catalogRange('p1', 1);
      await store.removeRange('catalog', from, to);
      const left = docs.filter((doc) => !doc.id.startsWith('p1/1/')).map((doc) => doc.id);
      expect(left).toHaveLength(docs.length - 3);
      expect((await ids(store, 'catalog')).sort()).toEqual(left.sort());
      expect(await store.count('catalog', catalogRange('p1', 1))).toBe(0);
      expect(await store.count('catalog', catalogRange('p1', 10))).toBe(3);
    });

    it('come page by page while others are written and removed', async () => {
      const docs = Array.from({ length: 703 }, (_, i) => line(String(i).padStart(6, '0')));
      await store.putMany('catalog', docs);
      const seen: string[] = [];
      for await (const doc of store.find('catalog')) {
        seen.push(doc.id);
        if (seen.length % 300 === 1) {
          await store.put('settings', setting(`at ${seen.length}`, doc.path));
          await store.removeMany('catalog', [doc.id]);
          await store.putMany('catalog', [line(`${doc.path}+`)]);
        }
      }
      const early = seen.filter((id) => !id.endsWith('+'));
      expect(early).toEqual(docs.map((doc) => doc.id));
      expect(new Set(seen).size).toBe(seen.length);
      expect(await store.count('settings')).toBe(3);
    });

    it('can be left in the middle, and read by several at once', async () => {
      await store.putMany(
        'catalog',
        Array.from({ length: 620 }, (_, i) => line(String(i).padStart(6, '0'))),
      );
      for await (const doc of store.find('catalog')) if (doc.path === '000003') break;
      const [all, reverse, some] = await Promise.all([
        ids(store, 'catalog'),
        ids(store, 'catalog', { reverse: true }),
        ids(store, 'catalog', { limit: 510 }),
      ]);
      expect(all).toHaveLength(620);
      expect(reverse).toEqual([...all].reverse());
      expect(some).toEqual(all.slice(0, 510));
    });
  });

  describe('names', () => {
    it('stay themselves', async () => {
      await store.putMany(
        'catalog',
        NAMES.map((name, i) => line(name, i)),
      );
      expect(await store.count('catalog')).toBe(new Set(NAMES).size);
      for (const [i, name] of NAMES.entries()) {
        expect(await store.get('catalog', line(name).id), JSON.stringify(name)).toMatchObject({ path: name, size: i });
      }
      await store.removeMany('catalog', [line('caf\u00e9').id]);
      expect(await store.get('catalog', line('cafe\u0301').id)).toBeDefined();
    });

    it('come in the order of code points', async () => {
      const plain = NAMES.filter((name) => !ASTRAL.test(name));
      await store.putMany(
        'catalog',
        plain.map((name) => line(name)),
      );
      const expected = [...plain].sort(comparePaths).map((name) => line(name).id);
      expect(await ids(store, 'catalog')).toEqual(expected);
      for (const name of ['%', 'a', "it's", 'two\nlines', 'cafe\u0301']) {
        const at = expected.indexOf(line(name).id);
        expect(await ids(store, 'catalog', { from: line(name).id })).toEqual(expected.slice(at));
        expect(await ids(store, 'catalog', { to: line(name).id })).toEqual(expected.slice(0, at));
      }
    });

    it.skipIf(!subject.codePointOrder)(
      'come in the order of code points beyond U+FFFF too (needs a real MongoDB)',
      async () => {
        await store.putMany(
          'catalog',
          NAMES.map((name) => line(name)),
        );
        const expected = [...NAMES].sort(comparePaths).map((name) => line(name).id);
        expect(await ids(store, 'catalog')).toEqual(expected);
        expect(await ids(store, 'catalog', { from: line('\u{1F600}').id })).toEqual(
          expected.slice(expected.indexOf(line('\u{1F600}').id)),
        );
      },
    );
  });

  describe('an index', () => {
    const at = (day: number): string => `2026-11-0${day}T00:00:00.000Z`;

    beforeEach(async () => {
      await store.putMany('runs', [
        run('r3', 'p1', at(3)),
        run('r1', 'p1', at(1), { state: 'running' }),
        run('r2b', 'p1', at(2)),
        run('r2a', 'p1', at(2)),
        run('x1', 'p2', at(1)),
        run('x9', 'p10', at(9), { owner: 'ben' }),
      ]);
    });

    it('orders by its fields and then by id', async () => {
      expect(await ids(store, 'runs', { index: 'plan+queued' })).toEqual(['r1', 'r2a', 'r2b', 'r3', 'x9', 'x1']);
      expect(await ids(store, 'runs', { index: 'plan+queued', equals: ['p1'] })).toEqual(['r1', 'r2a', 'r2b', 'r3']);
      expect(await ids(store, 'runs', { index: 'state+queued', equals: ['running'] })).toEqual(['r1']);
      expect(await ids(store, 'runs', { index: 'owner+queued', equals: ['ben'] })).toEqual(['x9']);
      expect(await ids(store, 'runs')).toEqual(['r1', 'r2a', 'r2b', 'r3', 'x1', 'x9']);
    });

    it('is bounded, reversed and limited', async () => {
      const p1 = { index: 'plan+queued', equals: ['p1'] };
      expect(await ids(store, 'runs', { ...p1, from: at(2) })).toEqual(['r2a', 'r2b', 'r3']);
      expect(await ids(store, 'runs', { ...p1, to: at(2) })).toEqual(['r1']);
      expect(await ids(store, 'runs', { ...p1, from: at(2), to: at(3), reverse: true })).toEqual(['r2b', 'r2a']);
      expect(await ids(store, 'runs', { ...p1, reverse: true, limit: 1 })).toEqual(['r3']);
      expect(await ids(store, 'runs', { ...p1, limit: 0 })).toEqual([]);
      expect(await ids(store, 'runs', { index: 'plan+queued', equals: ['p1', at(2)] })).toEqual(['r2a', 'r2b']);
      expect(await ids(store, 'runs', { index: 'plan+queued', equals: ['p1', at(2)], from: 'r2b' })).toEqual(['r2b']);
      expect(await ids(store, 'runs', { index: 'plan+queued', from: 'p2' })).toEqual(['x1']);
      expect(await store.count('runs', { ...p1, from: at(2) })).toBe(3);
      expect(await store.count('runs', { ...p1, limit: 1 })).toBe(4);
    });

    it('follows changes and removals', async () => {
      const r1 = await store.get('runs', 'r1');
      if (!r1) throw new Error('gone');
      await store.put('runs', { ...r1, state: 'done' });
      await store.remove('runs', 'r3');
      expect(await ids(store, 'runs', { index: 'state+queued', equals: ['running'] })).toEqual([]);
      expect(await ids(store, 'runs', { index: 'plan+queued', equals: ['p1'] })).toEqual(['r1', 'r2a', 'r2b']);
    });

    it('pages without losing or repeating, in both directions, among equal and absent values', async () => {
      const docs = Array.from({ length: 730 }, (_, i) => ({
        ...message(`m${String(i).padStart(4, '0')}`, i % 4 ? 'waiting' : 'sent', at((i % 3) + 1)),
        ...(i % 5 === 0 ? { due: undefined as unknown as string } : {}),
      }));
      await store.putMany('outbox', docs);
      const expected = docs
        .filter((doc) => doc.state === 'waiting')
        .sort((a, b) => comparePaths(a.due ?? '', b.due ?? '') || comparePaths(a.id, b.id))
        .map((doc) => doc.id);
      const waiting = { index: 'state+due', equals: ['waiting'] };
      expect(await ids(store, 'outbox', waiting)).toEqual(expected);
      expect(await ids(store, 'outbox', { ...waiting, reverse: true })).toEqual([...expected].reverse());
      const all = await ids(store, 'outbox', { index: 'state+due' });
      expect(all).toHaveLength(730);
      expect(await ids(store, 'outbox', { index: 'state+due', reverse: true })).toEqual([...all].reverse());
      const due = docs.filter((doc) => doc.state === 'waiting' && doc.due !== undefined && doc.due < at(2));
      expect(await store.count('outbox', { ...waiting, to: at(2) })).toBe(due.length);
    });

    it('must be declared', async () => {
      await expect(ids(store, 'runs', { index: 'counts' })).rejects.toThrow(/no index "counts"/);
      await expect(ids(store, 'plans', { index: 'next' })).rejects.toThrow(TypeError);
      await expect(store.count('people', { equals: ['x'] })).rejects.toThrow(TypeError);
    });
  });

  describe('commit', () => {
    it('writes to several tables as one', async () => {
      await store.put('settings', setting('old', 1));
      await store.commit([
        { table: 'outbox', put: message('m', 'waiting', '2026-01-01T00:00:00.000Z') },
        { table: 'settings', put: setting('new', 2) },
        { table: 'settings', remove: 'old' },
        { table: 'settings', remove: 'never there' },
      ]);
      expect(await ids(store, 'settings')).toEqual(['new']);
      expect((await store.get('outbox', 'm'))?.state).toBe('waiting');
    });

    it('may be repeated, and makes older revisions stale', async () => {
      const read = await store.put('settings', setting('x', 1));
      for (let i = 0; i < 2; i++) await store.commit([{ table: 'settings', put: { ...read, value: 2 } }]);
      expect((await store.get('settings', 'x'))?.value).toBe(2);
      await expect(store.put('settings', { ...read, value: 3 })).rejects.toBeInstanceOf(Conflict);
    });

    it.skipIf(!subject.failing)('is all or nothing (needs a database with transactions)', async () => {
      if (!subject.failing) return;
      await store.put('settings', setting('kept', 0));
      const bad = store.commit([
        { table: 'settings', put: setting('x', 1) },
        { table: 'settings', remove: 'kept' },
        subject.failing,
        { table: 'settings', put: setting('z', 1) },
      ]);
      await expect(bad).rejects.toThrow();
      expect(await ids(store, 'settings')).toEqual(['kept']);
      await store.commit([{ table: 'settings', put: setting('x', 2) }]);
      expect((await store.get('settings', 'x'))?.value).toBe(2);
    });
  });

  describe('opening and closing', () => {
    it('finds everything again', async () => {
      const kept = await store.put('settings', setting('x', { a: [1, '\u{1F600}'] }));
      await store.putMany(
        'catalog',
        NAMES.map((name) => line(name)),
      );
      const before = await ids(store, 'catalog');
      await store.close();
      store = await place.open();
      expect(await store.get('settings', 'x')).toEqual(kept);
      expect(await ids(store, 'catalog')).toEqual(before);
    });

    it('shows a write to everyone who has it open', async () => {
      const second = await another();
      await store.put('settings', setting('x', 1));
      const read = await second.get('settings', 'x');
      expect(read?.value).toBe(1);
      await second.put('settings', { id: 'x', value: 2, ...(read?.rev === undefined ? {} : { rev: read.rev }) });
      expect((await store.get('settings', 'x'))?.value).toBe(2);
    });

    it('may be opened by several at the same moment', async () => {
      const fresh = await subject.place();
      const stores = await Promise.all([fresh.open(), fresh.open(), fresh.open()]);
      await Promise.all(stores.map((s, i) => s.put('settings', setting(`s${i}`, i))));
      expect(await ids(stores[0] as Store, 'settings')).toEqual(['s0', 's1', 's2']);
      for (const opened of stores) await opened.close();
      await fresh.discard();
    });

    it('closes twice, and then refuses', async () => {
      const second = await place.open();
      await second.close();
      await second.close();
      await expect(second.get('settings', 'x')).rejects.toMatchObject({ code: 'store_closed' });
    });
  });
}
