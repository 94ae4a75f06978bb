/**
 * One file from a source to any number of destinations: every byte is read once, counted and hashed on its way, and no
 * destination is believed until its answer agrees. The guard against short and long bodies is here, once, for all providers.
 */
import { createHash, hash as hashOnce } from 'node:crypto';
import { IntegrityError, isPassing, NotFound, RetryLater } from '../errors.ts';
import type { Bytes, Entry, Hashes, HashName, NewFile, Path, Provider, Traits, UploadMemo } from '../types.ts';

/** Up to here a file travels whole: one request can carry its length and hash. 64 of them in flight stay below 64 MiB. */
export const WHOLE = 1024 * 1024;
/** From here on an upload that is cut may be worth resuming. */
const RESUMABLE = 16 * 1024 * 1024;
/** How often a stream that breaks is opened again where it broke. */
const REOPEN = 3;

export interface Target {
  provider: Provider;
  traits: Traits;
  stored: Path;
  memo?: UploadMemo;
}

export interface Copied {
  size: number;
  sha256: string;
  /** One per target, in order: what the destination answered, or why it failed. */
  answers: ({ entry: Entry } | { error: unknown })[];
}

const COMPUTABLE: readonly HashName[] = ['sha256', 'sha1', 'sha512', 'md5'];
const BY_NODE: Partial<Record<HashName, string>> = { sha256: 'sha256', sha1: 'sha1', sha512: 'sha512', md5: 'md5' };

/** sha256 always; besides, the cheapest hash that the source promised and the cheapest that each destination answers. */
export function neededHashes(entry: Pick<Entry, 'hashes'>, targets: readonly Pick<Target, 'traits'>[]): HashName[] {
  const needed = new Set<HashName>(['sha256']);
  const add = (offered: readonly HashName[]) => {
    if (offered.includes('sha256')) return;
    const cheapest = COMPUTABLE.find((name) => offered.includes(name));
    if (cheapest) needed.add(cheapest);
  };
  add(Object.keys(entry.hashes ?? {}) as HashName[]);
  for (const target of targets) add(target.traits.hashes);
  return [...needed];
}

function checkLength(path: Path, size: number | undefined, got: number): void {
  if (size === undefined || size === got) return;
  throw new IntegrityError(`${path}: the source promised ${size} bytes and sent ${got}.`, {
    code: 'length_differs',
    advice: 'The file was not stored. It may be changing right now: the next run tries again.',
  });
}

function checkHashes(path: Path, promised: Hashes | undefined, computed: Hashes, who: string): void {
  for (const [name, value] of Object.entries(promised ?? {}) as [HashName, string][]) {
    const mine = computed[name];
    if (mine !== undefined && mine !== value) {
      throw new IntegrityError(`${path}: ${who} has other bytes than were sent (${name} differs).`, {
        code: 'hash_differs',
      });
    }
  }
}

/** Reads on where a connection broke, so that a large download does not start again. Counts into `onBytes`. */
async function* readOn(
  source: Provider,
  entry: Entry,
  ranges: boolean,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (let reopened = 0; ; reopened++) {
    try {
      for await (const chunk of await source.read(entry, offset > 0 ? { signal, from: offset } : { signal })) {
        signal.throwIfAborted();
        offset += chunk.byteLength;
        if (entry.size !== undefined && offset > entry.size) checkLength(entry.path, entry.size, offset);
        onBytes(chunk.byteLength);
        yield chunk;
      }
      checkLength(entry.path, entry.size, offset);
      return;
    } catch (error) {
      const passing = error instanceof RetryLater || isPassing(error);
      if (!passing || !ranges || offset === 0 || reopened >= REOPEN || signal.aborted) throw error;
    }
  }
}

/** A small file in one piece. Where it comes in one piece it is not copied: the last chunk of a body is ours. */
async function readWhole(source: Provider, entry: Entry, size: number, signal: AbortSignal): Promise<Uint8Array> {
  let whole: Uint8Array | undefined;
  let last: Uint8Array | undefined;
  let got = 0;
  for await (const chunk of await source.read(entry, { signal })) {
    if (got + chunk.byteLength > size) checkLength(entry.path, size, got + chunk.byteLength);
    if (got === 0 && chunk.byteLength === size) last = chunk;
    else {
      whole ??= Buffer.allocUnsafe(size);
      whole.set(chunk, got);
    }
    got += chunk.byteLength;
  }
  checkLength(entry.path, size, got);
  return last ?? whole ?? Buffer.alloc(0);
}

/**
 * One stream for several readers in lock step: the next chunk is pulled when every reader that is still there has asked
 * for it. The slowest sets the pace and memory stays at one chunk. `leave(i)` takes a reader out.
 */
export function fanOut(
  source: AsyncGenerator<Uint8Array>,
  readers: number,
): { streams: Bytes[]; leave(reader: number): void } {
  interface Waiter {
    resolve(result: IteratorResult<Uint8Array>): void;
    reject(error: unknown): void;
  }
  const waiting = new Map<number, Waiter>();
  const present = new Set(Array.from({ length: readers }, (_, i) => i));
  let pulling = false;
  let ended: { error?: unknown } | undefined;

  const pull = async () => {
    if (pulling || present.size === 0 || waiting.size < present.size) return;
    pulling = true;
    try {
      const result = ended ? undefined : await source.next();
      pulling = false;
      const served = [...waiting.values()];
      waiting.clear();
      if (!result || result.done) {
        ended ??= {};
        for (const waiter of served) waiter.resolve({ done: true, value: undefined });
      } else {
        for (const waiter of served) waiter.resolve(result);
      }
    } catch (error) {
      pulling = false;
      ended = { error };
      const served = [...waiting.values()];
      waiting.clear();
      for (const waiter of served) waiter.reject(error);
    }
  };

  const leave = (reader: number) => {
    if (!present.delete(reader)) return;
    waiting.get(reader)?.resolve({ done: true, value: undefined });
    waiting.delete(reader);
    if (present.size === 0) void source.return(undefined).catch(() => undefined);
    else void pull();
  };

  const stream = (reader: number): Bytes => ({
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
          if (ended && 'error' in ended) return reject(ended.error);
          if (ended || !present.has(reader)) return resolve({ done: true, value: undefined });
          waiting.set(reader, { resolve, reject });
          void pull();
        }),
      return: async () => {
        leave(reader);
        return { done: true, value: undefined };
      },
    }),
  });
  return { streams: Array.from({ length: readers }, (_, i) => stream(i)), leave };
}

/** What the destination answered is compared with what was sent; a copy that differs is removed again. */
async function confirmed(
  target: Target,
  answer: Entry,
  size: number,
  hashes: Hashes,
  signal: AbortSignal,
): Promise<Entry> {
  try {
    if (answer.size !== undefined && answer.size !== size) {
      throw new IntegrityError(`${target.stored}: ${size} bytes were sent and the destination holds ${answer.size}.`, {
        code: 'size_differs',
      });
    }
    checkHashes(target.stored, answer.hashes, hashes, 'the destination');
    return answer;
  } catch (error) {
    await target.provider.remove?.(answer, { signal });
    throw error;
  }
}

/**
 * Copies one file. Throws when the source fails (then no target has anything); a target's failure is in its answer and
 * does not disturb the others.
 */
export async function copyFile(
  source: { provider: Provider; traits: Traits },
  entry: Entry,
  targets: readonly Target[],
  o: { signal: AbortSignal; onBytes(bytes: number): void },
): Promise<Copied> {
  const { signal } = o;
  const names = neededHashes(entry, targets);
  const common = {
    ...(entry.modified !== undefined && { modified: entry.modified }),
    ...(entry.mime !== undefined && { mime: entry.mime }),
  };

  if (entry.size !== undefined && entry.size <= WHOLE) {
    const content = await readWhole(source.provider, entry, entry.size, signal);
    o.onBytes(content.byteLength);
    const hashes: Hashes = {};
    for (const name of names) hashes[name] = hashOnce(BY_NODE[name] as string, content);
    checkHashes(entry.path, entry.hashes, hashes, 'the source');
    const answers = await Promise.all(
      targets.map(async (target) => {
        try {
          const file: NewFile = { path: target.stored, size: content.byteLength, content, hashes, ...common };
          const answer = await writeTo(target, file, signal);
          return { entry: await confirmed(target, answer, content.byteLength, hashes, signal) };
        } catch (error) {
          return { error };
        }
      }),
    );
    return { size: content.byteLength, sha256: hashes.sha256 as string, answers };
  }

  const digests = names.map((name) => ({ name, digest: createHash(BY_NODE[name] as string) }));
  const hashes: Hashes = {};
  let size = 0;
  let sourceFailure: { error: unknown } | undefined;
  async function* hashed(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of readOn(source.provider, entry, source.traits.rangeReads, signal, o.onBytes)) {
        size += chunk.byteLength;
        for (const { digest } of digests) digest.update(chunk);
        yield chunk;
      }
      for (const { name, digest } of digests) hashes[name] = digest.digest('hex');
      checkHashes(entry.path, entry.hashes, hashes, 'the source');
    } catch (error) {
      sourceFailure = { error };
      throw error;
    }
  }

  const { streams, leave } = fanOut(hashed(), targets.length);
  const answers = await Promise.all(
    targets.map(async (target, i) => {
      try {
        const file: NewFile = {
          path: target.stored,
          content: streams[i] as Bytes,
          ...(entry.size !== undefined && { size: entry.size }),
          ...(entry.hashes && { hashes: entry.hashes }),
          ...(target.memo && (entry.size ?? 0) >= RESUMABLE && { memo: target.memo }),
          ...common,
        };
        const answer = await writeTo(target, file, signal);
        if (hashes.sha256 === undefined) {
          throw new IntegrityError(`${target.stored}: the destination did not take the file to its end.`, {
            code: 'cut_short',
          });
        }
        return { entry: await confirmed(target, answer, size, hashes, signal) };
      } catch (error) {
        return { error };
      } finally {
        leave(i);
      }
    }),
  );
  if (sourceFailure) throw sourceFailure.error;
  return { size, sha256: hashes.sha256 ?? '', answers };
}

function writeTo(target: Target, file: NewFile, signal: AbortSignal): Promise<Entry> {
  if (!target.provider.write) throw new NotFound('This place cannot be written to.', { code: 'read_only' });
  return target.provider.write(file, { signal });
}
