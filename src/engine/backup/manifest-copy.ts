/**
 * A manifest fetched whole before it is used: who acts on its lines may take hours, and no server keeps a half-read
 * answer open for that long.
 */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NotFound } from '../errors.ts';
import { scratchFile } from '../store/scratch.ts';
import type { Clock, Path, Provider } from '../types.ts';
import { readFileBytes, readManifest } from './manifest.ts';
import { retrying } from './retry.ts';

export interface ManifestCopy {
  /** As `readManifest`; may be read several times. */
  read(): ReturnType<typeof readManifest>;
  remove(): Promise<void>;
}

/** Throws what reading the file throws. `name` is for messages. */
export async function copyManifest(
  provider: Provider,
  file: { name: string; path: Path; id?: string },
  o: { scratch: string; clock: Pick<Clock, 'sleep'>; signal: AbortSignal },
): Promise<ManifestCopy> {
  const copy = scratchFile(o.scratch, 'manifest', '.jsonl.zst');
  const remove = () => rm(copy, { force: true });
  try {
    await retrying(
      async () => {
        const bytes = await provider.read({ path: file.path, id: file.id ?? file.path }, { signal: o.signal });
        // Readable keeps more than one chunk, and a chunk is its producer's again once the next is pulled.
        async function* kept(): AsyncGenerator<Buffer> {
          for await (const chunk of bytes) yield Buffer.from(chunk);
        }
        await pipeline(Readable.from(kept()), createWriteStream(copy, { mode: 0o600 }), { signal: o.signal });
      },
      o.clock,
      o.signal,
    );
  } catch (error) {
    await remove();
    if (error instanceof NotFound) {
      throw new NotFound(`The snapshot ${file.name} is no longer in the backup: its manifest was removed.`, {
        code: 'manifest_gone',
        advice: 'Use an older snapshot (`snapshots` lists them). The files themselves are not touched by this.',
        cause: error,
      });
    }
    throw error;
  }
  return { read: () => readManifest(file.name, readFileBytes(copy)), remove };
}
