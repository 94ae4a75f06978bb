/** What a refusal of an SFTP server means for the backup. */
import { FileRejected, isKeepsakeError, NotFound, QuotaExceeded, RetryLater } from '../../engine/errors.ts';
import type { Path } from '../../engine/types.ts';
import type { Lane } from './lane.ts';
import { STATUS, StatusError } from './wire.ts';

export const statusOf = (error: unknown): number | undefined =>
  error instanceof StatusError ? error.status : undefined;

export const isMissing = (error: unknown): boolean => statusOf(error) === STATUS.NO_SUCH_FILE;

/** Below this much room a general failure of a write is taken for a full disk. */
const FULL = 1024 * 1024;

/** The error class for a refused call on `path`; what is ours already, or the caller's, stays. */
export function serverFailure(error: unknown, path: Path): unknown {
  if (isKeepsakeError(error)) return error;
  if (error instanceof RangeError) {
    return new RetryLater('The SFTP server sent something that cannot be read.', { code: 'garbled', cause: error });
  }
  switch (statusOf(error)) {
    case undefined:
      return error;
    case STATUS.NO_SUCH_FILE:
      return new NotFound(`${path} is not there.`, { cause: error });
    case STATUS.PERMISSION_DENIED:
      return new FileRejected(`The server does not let Keepsake touch ${path}.`, {
        code: 'permission',
        advice: 'Give the user that signs in access to it; the other files are backed up.',
        cause: error,
      });
    case STATUS.BAD_MESSAGE:
      return new FileRejected(`The server cannot hold the name ${JSON.stringify(path)}.`, {
        code: 'bad_name',
        advice: 'Shorten or change the name of the file; the other files are backed up.',
        cause: error,
      });
    default:
      return new FileRejected(`The server refused ${path} without saying why.`, { code: 'refused', cause: error });
  }
}

/**
 * SFTP 3 has no word for a full disk, a name that is too long, or a file where a folder is needed: all are "failure". Asks
 * what can be asked. `size`: bytes that were to be written.
 */
export async function writeFailure(
  error: unknown,
  lane: Lane,
  root: Buffer,
  path: Path,
  size: number | undefined,
): Promise<unknown> {
  if (statusOf(error) === STATUS.FAILURE) {
    const room = await lane.room(root).catch(() => undefined);
    if (room && room.free < Math.max(FULL, size ?? 0)) {
      return new QuotaExceeded(`The server's disk is full; ${path} did not fit.`, {
        code: 'disk_full',
        missing: size === undefined ? undefined : Math.max(1, size - room.free),
        cause: error,
      });
    }
  }
  return serverFailure(error, path);
}
