/** A small correct provider in memory: the model for the contract suite, and what the sabotage table breaks. */
import { createHash } from 'node:crypto';
import { Conflict, IntegrityError, NotFound } from '../../src/engine/errors.ts';
import type { Entry, Provider, ProviderKind } from '../../src/engine/types.ts';

export interface MemoryFile {
  bytes: Buffer;
  modified: string;
  revision: number;
}

export interface MemoryPlace {
  files: Map<string, MemoryFile>;
  revision: number;
}

export const emptyPlace = (): MemoryPlace => ({ files: new Map(), revision: 0 });

const CHUNK = 256 * 1024;

const entryOf = (path: string, file: MemoryFile): Entry => ({
  path,
  id: path,
  size: file.bytes.length,
  modified: file.modified,
  version: String(file.revision),
});

export function memoryProvider(place: MemoryPlace): Provider {
  return {
    check: async ({ signal }) => {
      signal.throwIfAborted();
      return { account: 'memory' };
    },
    list: async function* ({ signal, under }) {
      signal.throwIfAborted();
      for (const [path, file] of [...place.files]) {
        signal.throwIfAborted();
        if (under === undefined || path.startsWith(`${under}/`)) yield entryOf(path, file);
      }
    },
    read: async (entry, { signal, from = 0 }) => {
      signal.throwIfAborted();
      const file = place.files.get(entry.path);
      if (!file) throw new NotFound(`${entry.path} is not there.`);
      if (entry.version !== undefined && entry.version !== String(file.revision)) {
        throw new Conflict(`${entry.path} was replaced.`);
      }
      return (async function* () {
        for (let at = from; at < file.bytes.length; at += CHUNK) {
          signal.throwIfAborted();
          yield file.bytes.subarray(at, at + CHUNK);
        }
      })();
    },
    write: async (file, { signal }) => {
      signal.throwIfAborted();
      const chunks: Buffer[] = [];
      if (file.content instanceof Uint8Array) chunks.push(Buffer.from(file.content));
      else {
        for await (const chunk of file.content) {
          signal.throwIfAborted();
          chunks.push(Buffer.from(chunk));
        }
      }
      const bytes = Buffer.concat(chunks);
      if (file.size !== undefined && bytes.length !== file.size) {
        throw new IntegrityError(`${file.path} has ${bytes.length} bytes, but ${file.size} were promised.`);
      }
      const stored = { bytes, modified: file.modified ?? new Date().toISOString(), revision: ++place.revision };
      place.files.set(file.path, stored);
      return { ...entryOf(file.path, stored), hashes: { sha256: createHash('sha256').update(bytes).digest('hex') } };
    },
    confirm: async (paths, { signal }) => {
      signal.throwIfAborted();
      return paths.flatMap((path) => {
        const file = place.files.get(path);
        return file ? [entryOf(path, file)] : [];
      });
    },
    remove: async (entry, { signal }) => {
      signal.throwIfAborted();
      place.files.delete(entry.path);
    },
    move: async (entry, to, { signal }) => {
      signal.throwIfAborted();
      const file = place.files.get(entry.path);
      if (!file) throw new NotFound(`${entry.path} is not there.`);
      place.files.delete(entry.path);
      place.files.set(to, file);
      return entryOf(to, file);
    },
    copyFrom: async (entry, from, to, { signal }) => {
      signal.throwIfAborted();
      const chunks: Uint8Array[] = [];
      for await (const chunk of await from.read(entry, { signal })) chunks.push(Buffer.from(chunk));
      const stored = { bytes: Buffer.concat(chunks), modified: new Date().toISOString(), revision: ++place.revision };
      place.files.set(to, stored);
      return entryOf(to, stored);
    },
  };
}

/** A kind whose `open` answers the given provider, whatever it is asked for. */
export const memoryKind = (provider: () => Provider): ProviderKind => ({
  name: 'memory',
  title: 'Memory',
  settings: { parse: (value) => value },
  rootExample: 'anything',
  roles: ['source', 'destination'],
  traits: {
    caseSensitive: true,
    duplicateNames: false,
    atomicWrite: true,
    keepsModified: true,
    rangeReads: true,
    hashes: ['sha256'],
    parallel: 32,
  },
  open: async () => provider(),
});
