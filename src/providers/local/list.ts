/** Walks a folder: every regular file below it, streamed. */
import { type BigIntStats, type Dirent, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { FileRejected, NotFound, UsageError } from '../../engine/errors.ts';
import { fromBytes } from '../../engine/path.ts';
import type { CallOptions, Entry, Instant, Path } from '../../engine/types.ts';
import { ASIDE } from '../lib/disk-names.ts';
import { type DiskName, disk, diskName, entryOf } from './disk.ts';
import { codeOf, diskFailure } from './failure.ts';
import { isInside } from './root.ts';

interface Folder {
  /** '' for the root. */
  path: Path;
  name: DiskName;
}

interface Unreadable {
  path: Path;
  cause: unknown;
}

interface Child {
  text: string;
  /** Bytes where the text is not what the disk holds. */
  bytes: Buffer | undefined;
  entry: Dirent<string> | Dirent<Buffer>;
}

/** Synchronous calls are three times faster here, so the event loop gets its turn by count: about every 2 ms. */
const BETWEEN_TURNS = 500;
/** Named in the error; the rest is counted. */
const NAMED = 5;

/** Names are read as text first: asking for bytes costs twice, and only a replacement character can hide lost ones. */
function childrenOf(folder: DiskName): Child[] {
  const plain = readdirSync(folder, { withFileTypes: true, encoding: 'utf8' });
  if (!plain.some(({ name }) => name.includes('�') || name.includes('‛'))) {
    return plain.map((entry) => ({ text: entry.name, bytes: undefined, entry }));
  }
  return readdirSync(folder, { withFileTypes: true, encoding: 'buffer' }).map((entry) => {
    const bytes = Buffer.from(entry.name);
    return { text: fromBytes(bytes), bytes, entry };
  });
}

const below = (folder: DiskName, { text, bytes }: Child): DiskName => {
  if (typeof folder === 'string' && !bytes) return folder.endsWith('/') ? folder + text : `${folder}/${text}`;
  const above = typeof folder === 'string' ? Buffer.from(folder) : folder;
  return Buffer.concat([above, Buffer.from('/'), bytes ?? Buffer.from(text)]);
};

/** Where a listing starts; undefined when there is nothing to list. `NotFound` when the root itself is gone. */
function startOf(root: string, under: Path | undefined): Folder | undefined {
  try {
    if (!lstatSync(root).isDirectory()) throw new UsageError(`${root} is a file, not a folder.`, { code: 'bad_root' });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw diskFailure(error, root);
    throw new NotFound(`The folder ${root} is not there.`, {
      code: 'root_missing',
      advice: 'Plug in or mount its disk, or check the name. Nothing was taken for deleted.',
      cause: error,
    });
  }
  if (under === undefined || under === '') return { path: '', name: root };
  const name = diskName(root, under);
  try {
    if (!isInside(realpathSync.native(name), root) || !lstatSync(name).isDirectory()) return undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw diskFailure(error, under);
  }
  return { path: under, name };
}

/** Undefined for what vanished meanwhile, and for what cannot be asked about, which is noted. */
function statOf(name: DiskName, path: Path, unreadable: Unreadable[]): BigIntStats | undefined {
  try {
    return lstatSync(name, { bigint: true });
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    if (codeOf(error) !== 'ENOENT') unreadable.push({ path, cause: error });
    return undefined;
  }
}

/**
 * Regular files only: symlinks, sockets, pipes and devices are no bytes of this folder. What vanishes while the walk goes on
 * is not listed. A folder that may not be read does not stop the walk; at its end `FileRejected` with the code
 * `unreadable_folder` tells that the listing is incomplete, so that nobody takes what is in there for deleted.
 */
export async function* listFolder(
  root: string,
  o: CallOptions & { under?: Path; onAside?(name: DiskName): void },
): AsyncGenerator<Entry> {
  o.signal.throwIfAborted();
  const start = startOf(root, o.under);
  const waiting: Folder[] = start ? [start] : [];
  const unreadable: Unreadable[] = [];
  let seen = 0;
  for (let folder = waiting.pop(); folder; folder = waiting.pop()) {
    let children: Child[] = [];
    try {
      children = childrenOf(folder.name);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR')
        unreadable.push({ path: folder.path, cause: error });
    }
    for (const child of children) {
      if (++seen % BETWEEN_TURNS === 0) await turn();
      o.signal.throwIfAborted();
      const path = folder.path === '' ? child.text : `${folder.path}/${child.text}`;
      const name = below(folder.name, child);
      // DT_UNKNOWN on some network disks: then the entry is neither, and lstat decides.
      const { entry } = child;
      const known = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink() || entry.isSocket();
      if (entry.isDirectory()) waiting.push({ path, name });
      else if (ASIDE.test(child.text)) o.onAside?.(name);
      else if (entry.isFile() || !known) {
        const stat = statOf(name, path, unreadable);
        if (stat?.isDirectory()) waiting.push({ path, name });
        else if (stat?.isFile()) yield entryOf(path, stat);
      }
    }
  }
  if (unreadable.length > 0) throw incomplete(unreadable);
}

/** `Provider.sweep`. The change time is meant, which no program can set: a file's own time is put on before its rename. */
export async function sweepFolder(root: string, o: CallOptions & { before: Instant }): Promise<void> {
  const asides: DiskName[] = [];
  const entries = listFolder(root, { signal: o.signal, onAside: (name) => asides.push(name) });
  try {
    while (!(await entries.next()).done);
  } catch (error) {
    // What cannot be read cannot be swept; a root that is not there holds nothing.
    if (!(error instanceof FileRejected || error instanceof NotFound)) throw error;
  }
  for (const name of asides) {
    try {
      const stat = lstatSync(name, { bigint: true });
      if (stat.isFile() && Number(stat.ctimeMs) < Date.parse(o.before)) await disk.unlink(name);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw diskFailure(error, root);
    }
  }
}

function incomplete(unreadable: readonly Unreadable[]): FileRejected {
  const named = unreadable.slice(0, NAMED).map(({ path }) => (path === '' ? 'the folder itself' : `"${path}"`));
  const more = unreadable.length > NAMED ? ` and ${unreadable.length - NAMED} more` : '';
  return new FileRejected(`The system does not let Keepsake read ${named.join(', ')}${more}.`, {
    code: 'unreadable_folder',
    advice: 'Everything else was read. Give the user that runs Keepsake access, or leave the folder out with `except`.',
    cause: unreadable[0]?.cause,
  });
}
