/** Cuts a stream into parts of one size, into the caller's buffers, with each part's hashes. */
import { createHash } from 'node:crypto';
import { IntegrityError } from '../../engine/errors.ts';
import type { Bytes } from '../../engine/types.ts';

export interface FilledPart {
  /** Bytes at the beginning of the buffer. */
  length: number;
  /** The stream has ended with this part; it may be empty. */
  last: boolean;
  /** Hex. */
  md5: string;
  sha256: string;
}

export interface PartReader {
  /** Fills the buffer, or what is left of the stream. Throws `IntegrityError` when the stream is not as long as promised. */
  fill(buffer: Buffer): Promise<FilledPart>;
  /** Bytes so far. */
  length(): number;
  /** Gives the source up. */
  close(): Promise<void>;
}

/** `size` is what was promised, `undefined` where nobody knows. */
export function readParts(source: Bytes, size: number | undefined, name: string): PartReader {
  const pieces = source[Symbol.asyncIterator]();
  /** What is left of the piece pulled last: it stays ours until the next is pulled. */
  let left: Uint8Array = new Uint8Array(0);
  let total = 0;
  let ended = false;

  const wrongLength = (): IntegrityError =>
    new IntegrityError(`"${name}" has ${ended ? 'only ' : 'more than '}${total} bytes instead of ${size}.`, {
      code: 'length',
      advice: 'The file changed while it was read; the next run takes it as it is then.',
    });

  return {
    async fill(buffer) {
      // Hashed piece by piece: 8 MiB at once would hold everything else up for 15 ms.
      const md5 = createHash('md5');
      const sha256 = createHash('sha256');
      let length = 0;
      while (!ended && length < buffer.byteLength) {
        if (left.byteLength === 0) {
          const next = await pieces.next();
          if (next.done) ended = true;
          else left = next.value;
          continue;
        }
        const piece = left.subarray(0, buffer.byteLength - length);
        md5.update(piece);
        sha256.update(piece);
        buffer.set(piece, length);
        length += piece.byteLength;
        total += piece.byteLength;
        left = left.subarray(piece.byteLength);
        if (size !== undefined && total > size) throw wrongLength();
      }
      // A stream of known length that is complete is asked once more, so that a longer one is noticed now.
      while (!ended && size !== undefined && total === size) {
        if (left.byteLength > 0) {
          total += left.byteLength;
          throw wrongLength();
        }
        const next = await pieces.next();
        if (next.done) ended = true;
        else left = next.value;
      }
      if (ended && size !== undefined && total !== size) throw wrongLength();
      return { length, last: ended, md5: md5.digest('hex'), sha256: sha256.digest('hex') };
    },
    length: () => total,
    async close() {
      if (!ended) await pieces.return?.();
      ended = true;
    },
  };
}
