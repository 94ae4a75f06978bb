/** Folders at an SFTP server: each is made once, however many files wait for it. */
import { FileRejected } from '../../engine/errors.ts';
import { parentOf } from '../../engine/path.ts';
import type { Path } from '../../engine/types.ts';
import { isMissing, serverFailure, statusOf } from './failure.ts';
import { isFolder } from './lane.ts';
import { type Place, placeOf } from './place.ts';
import { STATUS } from './wire.ts';

export interface Folders {
  /** Makes the folders above a path, the root among them. */
  make(path: Path, signal: AbortSignal): Promise<void>;
  /** The folders above a path may be gone: make them again next time. */
  forget(path: Path): void;
}

/** The root and the folders above it, from the outside in; made only when the root turns out to be missing. */
function rootsOf(root: Buffer): Buffer[] {
  const roots: Buffer[] = [];
  for (let at = root.indexOf('/', 1); at > 0; at = root.indexOf('/', at + 1)) roots.push(root.subarray(0, at));
  return [...roots, root];
}

export function foldersOf(place: Place): Folders {
  const made = new Map<Path, Promise<void>>();

  /** There already is as good as made; SFTP 3 answers "failure" for it. */
  async function makeOne(name: Buffer, path: Path, signal: AbortSignal): Promise<void> {
    const lane = await place.pool.lane(signal);
    try {
      await lane.mkdir(name);
    } catch (error) {
      if (isMissing(error) || statusOf(error) === undefined) throw error;
      const there = await lane.stat(name).catch(() => undefined);
      if (!there) throw serverFailure(error, path);
      if (!isFolder(there)) {
        throw new FileRejected(`Nothing can be stored in ${path}: a file has that name.`, {
          code: 'file_in_the_way',
          advice: 'Rename or move that file at the server; the other files are backed up.',
          cause: error,
        });
      }
    }
  }

  async function makeRoot(signal: AbortSignal): Promise<void> {
    const lane = await place.pool.lane(signal);
    const there = await lane.stat(place.root).catch((error: unknown) => {
      if (statusOf(error) === undefined) throw error;
      return undefined;
    });
    if (there) return;
    for (const name of rootsOf(place.root)) {
      await lane.mkdir(name).catch((error: unknown) => {
        if (statusOf(error) !== STATUS.FAILURE && statusOf(error) !== STATUS.PERMISSION_DENIED) throw error;
      });
    }
  }

  function ready(folder: Path, signal: AbortSignal): Promise<void> {
    let making = made.get(folder);
    if (!making) {
      making =
        folder === ''
          ? makeRoot(signal)
          : ready(parentOf(folder), signal).then(() => makeOne(placeOf(place, folder), folder, signal));
      made.set(folder, making);
      // Failed, or given up by whoever came first: the next one tries for itself.
      making.catch(() => made.delete(folder));
    }
    return making;
  }

  return {
    make: async (path, signal) => {
      try {
        await ready(parentOf(path), signal);
      } catch (error) {
        // Another call's signal stopped it, not ours.
        if (signal.aborted || statusOf(error) !== undefined) throw error;
        await ready(parentOf(path), signal);
      }
    },
    forget: (path) => {
      for (let folder = parentOf(path); ; folder = parentOf(folder)) {
        made.delete(folder);
        if (folder === '') return;
      }
    },
  };
}
