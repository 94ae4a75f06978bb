/** Which folder a root means, and whether the owner opened it to backups. */
import { realpath } from 'node:fs/promises';
import { dirname, join, resolve, sep, win32 } from 'node:path';
import { UsageError } from '../../engine/errors.ts';
import type { ProviderContext } from '../../engine/types.ts';

const WINDOWS = /^(?:[A-Za-z]:(?:[\\/]|$)|\\\\)/;

/**
 * One canonical text for one folder: absolute, without `.`, `..` and a trailing slash. `~` is the home folder, relative
 * folders start at `cwd`. A Windows path stays a Windows path on every system, so that plans read the same everywhere.
 * `UsageError` for what is no folder.
 */
export function canonicalRoot(root: string, context: Pick<ProviderContext, 'home' | 'cwd'>): string {
  if (root.trim() === '' || root.includes('\0')) {
    throw new UsageError('That is not a folder of this computer.', {
      code: 'bad_root',
      advice: 'Write the folder in full, for example /home/ana/Pictures or ~/Pictures.',
    });
  }
  if (WINDOWS.test(root)) {
    const normal = win32.normalize(/^[A-Za-z]:$/.test(root) ? `${root}\\` : root);
    const drive = normal.slice(0, 1).toUpperCase() + normal.slice(1);
    return /^[A-Z]:\\$/.test(drive) ? drive : drive.replace(/\\+$/, '');
  }
  if (root === '~') return resolve(context.home);
  if (root.startsWith('~/')) return resolve(join(context.home, root.slice(2)));
  return resolve(context.cwd, root);
}

/** The folder with every symlink resolved; parts that do not exist yet stay as they are written. */
export async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const parent = dirname(folder);
    if (code !== 'ENOENT' || parent === folder) throw error;
    const above = await realFolder(parent);
    return join(above, folder.slice(parent.length).replace(/^[\\/]/, ''));
  }
}

export const isInside = (folder: string, root: string): boolean =>
  folder === root || folder.startsWith(root.endsWith(sep) ? root : root + sep);

/**
 * The real folder behind a canonical root. `UsageError` with the line to set when it lies outside the folders that the
 * owner opened; a symlink inside an opened folder that leads out of it lies outside.
 */
export async function openedRoot(root: string, localRoots: readonly string[]): Promise<string> {
  if (WINDOWS.test(root) && process.platform !== 'win32') {
    throw new UsageError(`${root} is a Windows folder, but Keepsake does not run on Windows here.`, {
      code: 'bad_root',
      advice: 'Name a folder of the machine that Keepsake runs on.',
    });
  }
  const real = await realFolder(root);
  for (const opened of localRoots) {
    if (isInside(real, await realFolder(opened))) return real;
  }
  const line = [...localRoots, root].join(process.platform === 'win32' ? ';' : ':');
  throw new UsageError(
    real === root
      ? `${root} is not among the folders that this Keepsake may touch.`
      : `${root} leads to ${real}, which is not among the folders that this Keepsake may touch.`,
    { code: 'root_not_opened', advice: `The owner of the machine can open it: KEEPSAKE_LOCAL_ROOTS=${line}` },
  );
}
