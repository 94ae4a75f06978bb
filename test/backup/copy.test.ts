import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { copyFile, fanOut, neededHashes, type Target, WHOLE } from '../../src/engine/backup/copy.ts';
import { IntegrityError, RetryLater } from '../../src/engine/errors.ts';
import type { Bytes, Entry, Provider, Traits } from '../../src/engine/types.ts';
import { emptyPlace, memoryKind, memoryProvider } from '../contract/memory.ts';
import { noise } from './harness.ts';

const traits: Traits = memoryKind(() => memoryProvider(emptyPlace())).traits;
const signal = new AbortController().signal;
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A source of one file that yields it in pieces from one reused buffer, as the local driver does. */
function source(bytes: Uint8Array, read?: (from: number) => Bytes): Provider {
  return {
    check: async () => ({}),
    async *list() {},
    read: async (_entry, o) => {
      const from = o.from ?? 0;
      if (read) return read(from);
      return pieces(bytes, from);
    },
  };
}

async function* pieces(bytes: Uint8Array, from = 0, size = 100_000): AsyncGenerator<Uint8Array> {
  const reused = Buffer.alloc(size);
  for (let at = from; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    reused.set(part);
    yield reused.subarray(0, part.length);
  }
}

const target = (place = emptyPlace()): Target & { place: typeof place } => ({
  place,
  provider: memoryProvider(place),
  traits,
  stored: 'copy',
});
const run = (provider: Provider, entry: Entry, targets: Target[]) =>
  copyFile({ provider, traits: { ...traits, rangeReads: true } }, entry, targets, { signal, onBytes: () => {} });
const entryOf = (size: number, more: Partial<Entry> = {}): Entry => ({ path: 'a', id: 'a', size, ...more });

describe.each([
  ['small', 5_000],
  ['large', WHOLE + 123_456],
])('a %s file', (_, size) => {
  const bytes = noise(size);

  it('reaches every destination whole, read once', async () => {
    let reads = 0;
    const from = source(bytes);
    const counting: Provider = { ...from, read: (entry, o) => from.read(entry, o).finally(() => reads++) };
    const targets = [target(), target(), target()];
    const copied = await run(counting, entryOf(size), targets);
    expect(copied).toMatchObject({ size, sha256: sha(bytes) });
    for (const each of targets) expect(sha(each.place.files.get('copy')?.bytes as Uint8Array)).toBe(sha(bytes));
    expect(reads).toBe(1);
  });

  it.each([
    ['one byte short', (b: Uint8Array) => b.subarray(0, -1)],
    ['one byte long', (b: Uint8Array) => Buffer.concat([b, Buffer.from('x')])],
  ])('fails when the source sends it %s, and leaves nothing', async (_name, spoil) => {
    const to = target();
    await expect(run(source(spoil(bytes)), entryOf(size), [to])).rejects.toBeInstanceOf(IntegrityError);
    expect(to.place.files.size).toBe(0);
  });

  it('fails when the bytes are not those the source promised', async () => {
    const to = target();
    const entry = entryOf(size, { hashes: { md5: '0'.repeat(32) } });
    await expect(run(source(bytes), entry, [to])).rejects.toBeInstanceOf(IntegrityError);
    expect(to.place.files.size).toBe(0);
  });

  it('does not believe a destination that tells another hash or size, and removes the copy', async () => {
    for (const lie of [{ hashes: { sha256: 'ab' } }, { size: size - 1 }]) {
      const to = target();
      const honest = to.provider;
      to.provider = { ...honest, write: async (file, o) => ({ ...(await honest.write?.(file, o)), ...lie }) as Entry };
      const copied = await run(source(bytes), entryOf(size), [to]);
      expect(copied.answers[0]).toMatchObject({ error: expect.any(IntegrityError) });
      expect(to.place.files.size).toBe(0);
    }
  });

  it('lets the others finish when one destination fails', async () => {
    const good = target();
    const bad = target();
    bad.provider = { ...bad.provider, write: () => Promise.reject(new RetryLater('full today')) };
    const copied = await run(source(bytes), entryOf(size), [bad, good]);
    expect(copied.answers[0]).toMatchObject({ error: expect.any(RetryLater) });
    expect(sha(good.place.files.get('copy')?.bytes as Uint8Array)).toBe(sha(bytes));
  });
});

it('reads on where a connection broke, and not from the beginning', async () => {
  const bytes = noise(2_000_000);
  const offsets: number[] = [];
  const from = source(bytes, async function* (offset: number): AsyncGenerator<Uint8Array> {
    offsets.push(offset);
    let sent = 0;
    for await (const chunk of pieces(bytes, offset)) {
      if (sent >= 700_000) throw new RetryLater('reset');
      sent += chunk.length;
      yield chunk;
    }
  } as (from: number) => Bytes);
  const to = target();
  await run(from, entryOf(bytes.length), [to]);
  expect(offsets).toEqual([0, 700_000, 1_400_000]);
  expect(sha(to.place.files.get('copy')?.bytes as Uint8Array)).toBe(sha(bytes));
});

it('does not end in success when a destination ignores the end of the stream', async () => {
  const lazy = target();
  lazy.provider = { ...lazy.provider, write: async (file) => ({ path: file.path, id: file.path }) };
  const copied = await run(source(noise(2_000_000)), entryOf(2_000_000), [lazy]);
  expect(copied.answers[0]).toMatchObject({ error: expect.any(IntegrityError) });
});

it('asks for no more hashes than are needed', () => {
  const t = (hashes: Traits['hashes']) => ({ traits: { ...traits, hashes } });
  expect(neededHashes({}, [t([])])).toEqual(['sha256']);
  expect(neededHashes({ hashes: { md5: 'x' } }, [t(['sha256', 'md5'])])).toEqual(['sha256', 'md5']);
  expect(neededHashes({ hashes: { sha256: 'x', md5: 'y' } }, [t(['md5', 'sha1'])])).toEqual(['sha256', 'sha1']);
});

describe('one stream for several readers', () => {
  it('goes at the pace of the slowest and holds one chunk', async () => {
    let pulled = 0;
    async function* numbers() {
      for (let i = 0; i < 5; i++) {
        pulled++;
        yield Buffer.from([i]);
      }
    }
    const { streams } = fanOut(numbers(), 2);
    const [fast, slow] = streams.map((stream) => stream[Symbol.asyncIterator]());
    const first = fast?.next();
    expect(pulled).toBe(0);
    await slow?.next();
    await first;
    const second = fast?.next();
    await Promise.resolve();
    expect(pulled).toBe(1);
    await slow?.next();
    await second;
    expect(pulled).toBe(2);
  });

  it('goes on when a reader leaves, and ends the source when all have left', async () => {
    let ended = false;
    async function* numbers() {
      try {
        for (;;) yield Buffer.from([1]);
      } finally {
        ended = true;
      }
    }
    const { streams, leave } = fanOut(numbers(), 2);
    const reader = streams[0]?.[Symbol.asyncIterator]();
    const waiting = reader?.next();
    leave(1);
    expect((await waiting)?.done).toBe(false);
    leave(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(true);
    expect((await reader?.next())?.done).toBe(true);
  });

  it('gives a failure of the source to every reader', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from([1]);
      throw new RetryLater('gone');
    }
    const { streams } = fanOut(broken(), 2);
    const outcomes = await Promise.allSettled(
      streams.map(async (stream) => {
        for await (const chunk of stream) expect(chunk).toHaveLength(1);
      }),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
  });
});
