/** MOVE and COPY at the server: sent once, looked at before they are sent again, never over a folder. */
import { Conflict, FileRejected, isKeepsakeError, NotFound, RetryLater } from '../../engine/errors.ts';
import type { Connection } from './connection.ts';

const TRIES = 3;

/**
 * Throws `NotFound` when there is nothing at `from`. An existing file at `to` is replaced; a folder is not: with
 * `Overwrite: T` a server would remove it with everything in it, so the first try is always `F`.
 */
export async function relocate(
  connection: Connection,
  method: 'MOVE' | 'COPY',
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const once = async (overwrite: 'T' | 'F'): Promise<number> => {
    const response = await connection.send({
      method,
      url: from,
      headers: { destination: to, overwrite },
      expect: overwrite === 'F' ? [412] : [],
      // The second of two equal MOVEs would find nothing and look like a failure.
      repeatable: false,
      writing: true,
      signal,
    });
    await response.dump();
    return response.status;
  };
  const attempt = async (): Promise<void> => {
    if ((await once('F')) !== 412) return;
    if ((await connection.stat(to, signal))?.folder) {
      throw new FileRejected(`A folder is where the file ${decodeURIComponent(to)} should go.`, { code: 'is_folder' });
    }
    if (!(await connection.stat(from, signal))) throw new NotFound(`Nothing is at ${decodeURIComponent(from)}.`);
    await once('T');
  };

  for (let tried = 1; ; tried++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (signal.aborted || !isKeepsakeError(error) || error instanceof NotFound || error instanceof FileRejected) {
        if (!(error instanceof FileRejected && error.code === 'refused')) throw error;
      }
      // Servers have several answers for "nothing to move": 403, 409, 500.
      const [source, target] = [await connection.stat(from, signal), await connection.stat(to, signal)];
      if (!source) {
        // Moved by the request whose answer was lost.
        if (method === 'MOVE' && target && error instanceof RetryLater) return;
        throw new NotFound(`Nothing is at ${decodeURIComponent(from)}.`, { cause: error });
      }
      if (!(error instanceof RetryLater) || tried === TRIES) throw error;
      await connection.context.clock.sleep(Math.max(error.after ?? 0, 500 * 2 ** tried), signal);
    }
  }
}

/** A `Conflict` of a write that only says that the folder is missing. */
export const isMissingFolder = (error: unknown): boolean =>
  error instanceof NotFound || (error instanceof Conflict && error.code === 'http_409');
