/** Test contents: reproducible bytes, streams that obey (and use) the rules of `Bytes`, and their collection. */
import { createCipheriv, createHash } from 'node:crypto';
import type { Bytes } from '../../../src/engine/types.ts';

/** `size` bytes that look random and are the same for the same seed, so that nothing compresses or matches by luck. */
export function body(size: number, seed = 1): Buffer {
  const key = createHash('sha256').update(String(seed)).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

export const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/**
 * The content in chunks of one reused buffer that is scribbled over as soon as the next chunk is pulled: a provider that
 * keeps a chunk longer than it may stores rubbish and is found out.
 */
export async function* inChunks(content: Uint8Array, size = 65_537): Bytes {
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < content.length; at += size) {
    const part = content.subarray(at, at + size);
    buffer.set(part);
    yield buffer.subarray(0, part.length);
    buffer.fill(0xee);
  }
}

/** The first `length` bytes, then `end` (which throws, or aborts the signal and goes on). */
export async function* cutAt(content: Uint8Array, length: number, end: () => void): Bytes {
  yield* inChunks(content.subarray(0, length));
  end();
  yield* inChunks(content.subarray(length));
}

export async function collect(bytes: Bytes): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Runs `work` over `items` with at most `width` at once; the first error stops it. */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
    }),
  );
}
