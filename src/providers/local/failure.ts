/** What an error of the disk means for the backup. */
import {
  FileRejected,
  isKeepsakeError,
  type KeepsakeError,
  NotFound,
  QuotaExceeded,
  RetryLater,
  UsageError,
} from '../../engine/errors.ts';
import type { Path } from '../../engine/types.ts';

const MEANINGS: Record<string, (path: Path, cause: unknown) => KeepsakeError> = {
  ENOENT: (path, cause) => new NotFound(`${path} is not there.`, { cause }),
  ENOTDIR: (path, cause) =>
    new FileRejected(`${path} cannot be stored: a file has the name of one of its folders.`, {
      code: 'file_in_the_way',
      advice: 'Rename or move one of the two; the other files are backed up.',
      cause,
    }),
  EISDIR: (path, cause) =>
    new FileRejected(`${path} cannot be stored: a folder has that name.`, {
      code: 'folder_in_the_way',
      advice: 'Rename or move one of the two; the other files are backed up.',
      cause,
    }),
  ELOOP: (path, cause) => symlinkRefused(path, cause),
  ENOSPC: (path, cause) => new QuotaExceeded(`The disk is full; ${path} did not fit.`, { code: 'disk_full', cause }),
  EROFS: (path, cause) =>
    new UsageError(`${path} cannot be written: the disk is mounted read-only.`, {
      code: 'read_only',
      advice: 'Mount it for writing (a memory card may have a lock switch), then run the backup again.',
      cause,
    }),
  EACCES: (path, cause) =>
    new FileRejected(`The system does not let Keepsake touch ${path}.`, {
      code: 'permission',
      advice: 'Give the user that runs Keepsake access to it; the other files are backed up.',
      cause,
    }),
  ENAMETOOLONG: (path, cause) =>
    new FileRejected(`${path} has a name that is too long for this disk.`, {
      code: 'name_too_long',
      advice: 'Shorten the name of the file or of its folders; the other files are backed up.',
      cause,
    }),
  EINVAL: (path, cause) =>
    new FileRejected(`This disk cannot hold the name ${JSON.stringify(path)}.`, {
      code: 'bad_name',
      advice: 'Rename the file; the other files are backed up.',
      cause,
    }),
  EFBIG: (path, cause) =>
    new FileRejected(`${path} is larger than this disk can hold in one file.`, {
      code: 'too_large',
      advice: 'FAT disks end at 4 GB a file: format the disk as exFAT, or leave the file out with `except`.',
      cause,
    }),
  EIO: (path, cause) =>
    new FileRejected(`The disk could not read or write ${path}.`, {
      code: 'disk_error',
      advice: 'The disk may be failing: check it, and keep the other copies of this file.',
      cause,
    }),
};
const SAME: Record<string, string> = {
  EDQUOT: 'ENOSPC',
  EPERM: 'EACCES',
  EILSEQ: 'EINVAL',
  ENOTEMPTY: 'EISDIR',
  EEXIST: 'ENOTDIR',
};

/** Too many files open, a network disk that is away, a file in use: passes by itself. */
const PASSING = new Set([
  'EMFILE',
  'ENFILE',
  'EAGAIN',
  'EBUSY',
  'ETXTBSY',
  'ESTALE',
  'ETIMEDOUT',
  'ENOTCONN',
  'EHOSTDOWN',
  'ENODEV',
  'ENXIO',
  'ENOMEM',
]);

export const symlinkRefused = (path: Path, cause?: unknown): KeepsakeError =>
  new FileRejected(`${path} lies behind a symbolic link that leads out of the folder.`, {
    code: 'symlink',
    advice: 'Links are never followed out of a folder: back up the place it leads to by its own name.',
    cause,
  });

export const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

/** The error class for a failed call of the file system on `path`; an error that is already ours stays. */
export function diskFailure(error: unknown, path: Path): unknown {
  if (isKeepsakeError(error)) return error;
  const code = codeOf(error);
  if (code === undefined) return error;
  if (PASSING.has(code)) return new RetryLater(`The disk did not answer for ${path} (${code}).`, { cause: error });
  const meaning = MEANINGS[SAME[code] ?? code];
  if (meaning) return meaning(path, error);
  return new FileRejected(`The disk refused ${path} (${code}).`, { code: 'disk_error', cause: error });
}
