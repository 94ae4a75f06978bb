/**
 * Folders of this machine: disks, sticks, mounted shares. Regular files only; symlinks are neither followed nor backed up.
 * A file is flushed to the disk before it counts as written.
 */
import { type BigIntStats, constants, copyFile, lstat, stat } from 'node:fs';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { NotFound, UsageError } from '../engine/errors.ts';
import type { CallOptions, Entry, Health, Path, Provider, ProviderKind, Traits } from '../engine/types.ts';
import { asideOf, swapCase } from './lib/disk-names.ts';
import { checkFolder, type DiskName, disk, diskName, entryOf } from './local/disk.ts';
import { codeOf, diskFailure } from './local/failure.ts';
import { type Folders, foldersOf } from './local/folders.ts';
import { listFolder, sweepFolder } from './local/list.ts';
import { readFile } from './local/read.ts';
import { canonicalRoot, openedRoot } from './local/root.ts';
import { room, twinGuard, volumeOf } from './local/volume.ts';
import { inFolder, writeFile } from './local/write.ts';

const copy = promisify(copyFile);

const statOf = (name: DiskName): Promise<BigIntStats> =>
  new Promise((done, fail) => {
    lstat(name, { bigint: true }, (error, found) => (error ? fail(error) : done(found)));
  });

const isGone = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

const fileInstead = (root: string): UsageError =>
  new UsageError(`${root} is a file, not a folder.`, {
    code: 'bad_root',
    advice: 'Name the folder it lies in; one file of it is chosen with `only`, as in: only IMG_2041.HEIC',
  });

/** The nearest folder that is there: what a folder that writing will make is going to lie on. */
async function existing(folder: string): Promise<string> {
  const parent = folder.replace(/[\\/][^\\/]*$/, '') || '/';
  try {
    const found = await promisify(stat)(folder);
    if (!found.isDirectory()) throw fileInstead(folder);
    return folder;
  } catch (error) {
    if (!isGone(error) || parent === folder) throw error;
    return existing(parent);
  }
}

async function check(root: string, traits: Partial<Traits>, { signal }: CallOptions): Promise<Health> {
  signal.throwIfAborted();
  try {
    const found = await statOf(root);
    if (!found.isDirectory()) throw fileInstead(root);
    await access(root, constants.R_OK | constants.X_OK);
    const health: Health = await room(root);
    if (traits.caseSensitive === false) health.note = 'This disk takes names that differ only in case for one name.';
    return health;
  } catch (error) {
    if (!isGone(error)) throw diskFailure(error, root);
    throw new NotFound(`The folder ${root} is not there.`, {
      code: 'root_missing',
      advice: 'Plug in or mount its disk, or check the name.',
      cause: error,
    });
  }
}

/** To another volume mounted inside the root: copied, flushed, and only then removed here. */
async function moveAcross(root: string, folders: Folders, from: DiskName, to: Path, found: BigIntStats): Promise<void> {
  const aside = diskName(root, asideOf(to));
  try {
    await disk.unlink(aside).catch(() => {});
    await copy(from, aside, constants.COPYFILE_EXCL);
    const fd = await disk.open(aside, constants.O_RDWR);
    try {
      await disk.futimes(fd, new Date(Number(found.atimeMs)), new Date(Number(found.mtimeMs)));
      await disk.fsync(fd);
    } finally {
      await disk.close(fd);
    }
    await disk.rename(aside, diskName(root, to));
  } catch (error) {
    await disk.unlink(aside).catch(() => {});
    throw error;
  }
  await folders.flush(to);
  await disk.unlink(from);
}

async function move(root: string, folders: Folders, from: Path, to: Path, signal: AbortSignal): Promise<Entry> {
  signal.throwIfAborted();
  const name = diskName(root, from);
  const target = diskName(root, to);
  let found: BigIntStats;
  try {
    checkFolder(root, from);
    found = await statOf(name);
    if (!found.isFile()) throw new NotFound(`${from} is not a file.`);
  } catch (error) {
    if (isGone(error)) throw new NotFound(`${from} is not there.`, { cause: error });
    throw diskFailure(error, from);
  }
  try {
    await inFolder(folders, to, async () => {
      try {
        await disk.rename(name, target);
      } catch (error) {
        if (codeOf(error) !== 'EXDEV') throw error;
        await moveAcross(root, folders, name, to, found);
      }
    });
    // The new name first: after a power cut a file with two names is better than one with none.
    await folders.flush(to);
    await folders.flush(from);
    return entryOf(to, await statOf(target));
  } catch (error) {
    throw diskFailure(error, to);
  }
}

async function remove(root: string, path: Path, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    checkFolder(root, path);
    await disk.unlink(diskName(root, path));
  } catch (error) {
    if (!isGone(error)) throw diskFailure(error, path);
  }
}

async function confirm(root: string, paths: readonly Path[], { signal }: CallOptions): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const path of paths) {
    signal.throwIfAborted();
    try {
      checkFolder(root, path);
      const stat = await statOf(diskName(root, path));
      if (stat.isFile()) found.push(entryOf(path, stat));
    } catch (error) {
      if (!isGone(error)) throw diskFailure(error, path);
    }
  }
  return found;
}

const settings = z.object({});

export const kind: ProviderKind<z.infer<typeof settings>> = {
  name: 'local',
  title: 'Folder of this computer',
  aliases: ['my computer', 'this computer', 'folder', 'disk', 'drive', 'usb'],
  settings,
  rootExample: '~/Pictures',
  roles: ['source', 'destination'],
  traits: {
    caseSensitive: true,
    duplicateNames: false,
    atomicWrite: true,
    keepsModified: true,
    rangeReads: true,
    hashes: [],
    // As a source it must not be what holds back a service far away; at a disk the run's gate finds what it bears.
    parallel: 32,
    forbidden: { maxNameBytes: 255 },
  },
  root: canonicalRoot,
  /** `UsageError` for a root outside the folders that the owner opened. The folder itself need not be there yet. */
  open: async (_settings, text, context): Promise<Provider> => {
    const canonical = canonicalRoot(text, context);
    const root = await openedRoot(canonical, context.localRoots).catch((error: unknown) => {
      throw diskFailure(error, canonical);
    });
    const twins = twinGuard();
    let probed = false;
    const { traits, near } = await existing(root)
      .then(volumeOf)
      .catch((error: unknown) => {
        throw diskFailure(error, root);
      });
    const folders = foldersOf(root, near);
    return {
      traits,
      check: (o) => check(root, traits, o),
      list: (o) => listFolder(root, o),
      read: (entry, o) => readFile({ root, near }, entry, o),
      write: async (file, o) => {
        twins.check(file.path);
        const written = await writeFile({ root, near }, folders, file, o);
        if (!probed && traits.caseSensitive && swapCase(file.path) !== file.path) {
          probed = true;
          const other = await statOf(diskName(root, swapCase(file.path))).catch(() => undefined);
          const same = other && other.ino === (await statOf(diskName(root, file.path))).ino;
          if (same) {
            twins.ignoresCase();
            twins.check(file.path);
          }
        }
        return written;
      },
      confirm: (paths, o) => confirm(root, paths, o),
      sweep: (o) => sweepFolder(root, o),
      move: (entry, to, o) => move(root, folders, entry.path, to, o.signal),
      remove: (entry, o) => remove(root, entry.path, o.signal),
    };
  },
};
