/** Walks a folder of an SFTP server: several folders at a time, names as bytes. */
import { FileRejected, NotFound } from '../../engine/errors.ts';
import { fromBytes } from '../../engine/path.ts';
import type { CallOptions, Entry, Instant, Path } from '../../engine/types.ts';
import { ASIDE } from '../lib/disk-names.ts';
import { isMissing, serverFailure } from './failure.ts';
import { type Attrs, isFile, isFolder, type Name } from './lane.ts';
import { childOf, type Place, placeOf } from './place.ts';

/** Folders asked for at a time: enough to hide the way to the server. */
const FOLDERS = 16;
/** Sent together: OpenSSH tells 100 names a request, so a folder of 1,000 would wait ten times. */
const AHEAD = 4;

interface Folder {
  path: Path;
  name: Buffer;
}

interface Listed {
  folder: Folder;
  children: Name[];
}

export const versionOf = ({ size, mtime }: Attrs): string => `${size ?? '?'}-${mtime ?? '?'}`;

export function entryOf(path: Path, attrs: Attrs): Entry {
  const entry: Entry = { path, id: path, version: versionOf(attrs) };
  if (attrs.size !== undefined) entry.size = attrs.size;
  if (attrs.mtime !== undefined) entry.modified = new Date(attrs.mtime * 1000).toISOString();
  return entry;
}

/** Every name in a folder but the two dots. A server that sends no modes is asked for each file. */
export async function childrenOf({ pool }: Place, folder: Buffer, signal: AbortSignal): Promise<Name[]> {
  const lane = await pool.lane(signal);
  const handle = await lane.opendir(folder);
  const names: Name[] = [];
  try {
    for (let ended = false; !ended; ) {
      signal.throwIfAborted();
      const answers = await Promise.all(Array.from({ length: AHEAD }, () => lane.readdir(handle)));
      for (const answer of answers) {
        if (answer) names.push(...answer);
        else ended = true;
      }
    }
  } finally {
    lane.close(handle).catch(() => {});
  }
  const children = names.filter(({ name }) => !name.equals(Buffer.from('.')) && !name.equals(Buffer.from('..')));
  for (const child of children) {
    if (child.attrs.mode === undefined) child.attrs = await lane.lstat(childOf(folder, child.name));
  }
  return children;
}

async function startOf(place: Place, under: Path | undefined, signal: AbortSignal): Promise<Folder | undefined> {
  const lane = await place.pool.lane(signal);
  try {
    await lane.stat(place.root);
  } catch (error) {
    if (!isMissing(error)) throw serverFailure(error, place.text);
    throw new NotFound(`The folder ${place.text} is not there.`, {
      code: 'root_missing',
      advice: 'Check its name, and whether its disk is mounted at the server. Nothing was taken for deleted.',
      cause: error,
    });
  }
  if (under === undefined || under === '') return { path: '', name: place.root };
  const name = placeOf(place, under);
  try {
    return isFolder(await lane.lstat(name)) ? { path: under, name } : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw serverFailure(error, under);
  }
}

/**
 * Regular files only; symlinks are not followed. A folder that may not be read does not stop the walk: at its end
 * `FileRejected` with the code `unreadable_folder` tells that the listing is incomplete.
 */
export async function* listFolder(
  place: Place,
  o: CallOptions & { under?: Path; onAside?(name: Buffer, attrs: Attrs, tag: string | undefined): void },
): AsyncGenerator<Entry> {
  o.signal.throwIfAborted();
  const start = await startOf(place, o.under, o.signal);
  const waiting: Folder[] = start ? [start] : [];
  const running = new Map<Folder, Promise<Listed>>();
  const unreadable: { path: Path; cause: unknown }[] = [];

  const read = async (folder: Folder): Promise<Listed> => {
    try {
      return { folder, children: await childrenOf(place, folder.name, o.signal) };
    } catch (error) {
      const meaning = serverFailure(error, folder.path);
      if (meaning instanceof FileRejected) unreadable.push({ path: folder.path, cause: error });
      else if (!(meaning instanceof NotFound)) throw meaning;
      return { folder, children: [] };
    }
  };

  while (waiting.length > 0 || running.size > 0) {
    while (running.size < FOLDERS) {
      const folder = waiting.pop();
      if (!folder) break;
      const listed = read(folder);
      // Looked at when its turn comes; until then its failure must not count as unhandled.
      listed.catch(() => {});
      running.set(folder, listed);
    }
    const { folder, children } = await Promise.race(running.values());
    running.delete(folder);
    for (const { name, attrs } of children) {
      o.signal.throwIfAborted();
      const text = fromBytes(name);
      const path = folder.path === '' ? text : `${folder.path}/${text}`;
      if (isFolder(attrs)) waiting.push({ path, name: childOf(folder.name, name) });
      else if (isFile(attrs)) {
        const aside = ASIDE.exec(text);
        if (aside) o.onAside?.(childOf(folder.name, name), attrs, aside[2]);
        else yield entryOf(path, attrs);
      }
    }
  }
  if (unreadable.length > 0) {
    const named = unreadable.slice(0, 5).map(({ path }) => (path === '' ? 'the folder itself' : `"${path}"`));
    const more = unreadable.length > 5 ? ` and ${unreadable.length - 5} more` : '';
    throw new FileRejected(`The server does not let Keepsake read ${named.join(', ')}${more}.`, {
      code: 'unreadable_folder',
      advice: 'Everything else was read. Give the user that signs in access, or leave the folder out with `except`.',
      cause: unreadable[0]?.cause,
    });
  }
}

/** `Provider.sweep`. What has a tag belongs to a large upload that will go on where it was cut. */
export async function sweepFolder(place: Place, o: CallOptions & { before: Instant }): Promise<void> {
  const asides: Buffer[] = [];
  const onAside = (name: Buffer, { mtime }: Attrs, tag: string | undefined): void => {
    if (tag === undefined && mtime !== undefined && mtime * 1000 < Date.parse(o.before)) asides.push(name);
  };
  try {
    const entries = listFolder(place, { signal: o.signal, onAside });
    while (!(await entries.next()).done);
  } catch (error) {
    // What cannot be read cannot be swept; a root that is not there holds nothing.
    if (!(error instanceof FileRejected || error instanceof NotFound)) throw error;
  }
  const lane = await place.pool.lane(o.signal);
  for (const name of asides) {
    try {
      await lane.remove(name);
    } catch (error) {
      if (!isMissing(error)) throw serverFailure(error, place.text);
    }
  }
}
