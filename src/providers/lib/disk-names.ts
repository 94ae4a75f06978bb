/** Names as disks hold them, whether the disk is in this machine or behind a server. */
import { createHash } from 'node:crypto';
import { FileRejected } from '../../engine/errors.ts';
import { checkPath, fromBytes, joinPath, parentOf, toBytes } from '../../engine/path.ts';
import type { Path } from '../../engine/types.ts';

/**
 * The bytes of a path. `FileRejected` for a text that stands for no name of a disk or, worse, for the name of another file
 * (`‛C3‛A9` is `é`; a lone surrogate is like any other one). `UsageError` for what is no path inside a folder.
 */
export function exactBytes(path: Path): Buffer {
  checkPath(path);
  const bytes = toBytes(path);
  if (!path.isWellFormed() || (path.includes('‛') && fromBytes(bytes) !== path)) {
    throw new FileRejected(`${JSON.stringify(path)} is a name that no file of a disk can have.`, {
      code: 'bad_name',
      advice: 'Rename the file; the other files are backed up.',
    });
  }
  return bytes;
}

const digest = (path: Path): string => createHash('sha256').update(path).digest('hex').slice(0, 12);

/**
 * Where a file is written before it takes its name: beside it, so that the rename stays on one volume, and under the same
 * name at every try, so that no litter is left. `tag` tells the parts of several uploads of one path apart.
 */
export const asideOf = (path: Path, tag?: string): Path =>
  joinPath(parentOf(path), `.keepsake-${digest(path)}${tag === undefined ? '' : `-${tag}`}.part`);

/** Files being written; never listed. Two groups: the digest of the path, and the tag. */
export const ASIDE = /^\.keepsake-([0-9a-f]{12})(?:-([0-9a-f]{8}))?\.part$/;

/** True for what an earlier upload of the same path left behind. */
export const isAsideOf = (name: string, path: Path): boolean => ASIDE.exec(name)?.[1] === digest(path);

/** `Photo.jpg` -> `pHOTO.JPG`: the same file on a volume that ignores case. */
export const swapCase = (name: string): string =>
  name.replace(/[a-zA-Z]/g, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
