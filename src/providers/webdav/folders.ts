/** Makes each folder once: what is known is not asked again, and who needs the same folder waits for the same request. */
import { Conflict, FileRejected, isKeepsakeError } from '../../engine/errors.ts';
import type { Path } from '../../engine/types.ts';
import type { Connection } from './connection.ts';

export interface Folders {
  /** The folder of that path below the root is there afterwards, with all its parents. */
  ensure(path: Path, signal: AbortSignal): Promise<void>;
  /** It was removed by someone else, with what is in it and perhaps with what it is in. */
  forget(path: Path): void;
}

export function createFolders(connection: Connection): Folders {
  const rootParts = connection.root === '' ? [] : connection.root.split('/');
  /** Keys are paths below the account's own address, which is there. */
  const known = new Set(['']);
  const underway = new Map<string, Promise<void>>();

  const mkcol = async (url: string, signal: AbortSignal): Promise<number> => {
    const response = await connection.send({
      method: 'MKCOL',
      url,
      expect: [403, 404, 405, 409],
      signal,
    });
    await response.dump();
    return response.status;
  };

  async function make(parts: readonly string[], signal: AbortSignal): Promise<void> {
    const url = connection.folderUrl(parts);
    // The deepest first: in most runs it is there, or only the last part is missing.
    let status = await mkcol(url, signal);
    if (status === 404 || status === 409) {
      await ensureParts(parts.slice(0, -1), signal);
      status = await mkcol(url, signal);
    }
    // 405 is the answer of RFC 4918 for what is there already; the others need a look.
    if (status >= 400 && status !== 405 && !(await connection.stat(url, signal))?.folder) {
      const what = `The folder "${parts.join('/')}" cannot be made at ${connection.host} (status ${status}).`;
      if (status === 403) {
        throw new FileRejected(what, { code: 'refused', advice: 'Give the account the right to write there.' });
      }
      throw new Conflict(what);
    }
  }

  async function ensureParts(parts: readonly string[], signal: AbortSignal): Promise<void> {
    const key = parts.join('/');
    while (!known.has(key)) {
      const waiting = underway.get(key);
      if (waiting === undefined) {
        const work = make(parts, signal)
          .then(() => {
            for (let n = parts.length; n > 0; n--) known.add(parts.slice(0, n).join('/'));
          })
          .finally(() => underway.delete(key));
        underway.set(key, work);
        await work;
        return;
      }
      try {
        await waiting;
      } catch (error) {
        signal.throwIfAborted();
        // Whoever asked first was stopped; that is no reason for this one to fail.
        if (isKeepsakeError(error) && error.code !== 'stopped') throw error;
      }
    }
  }

  const partsOf = (path: Path): string[] => [...rootParts, ...(path === '' ? [] : path.split('/'))];

  return {
    ensure: (path, signal) => ensureParts(partsOf(path), signal),
    forget(path) {
      const parts = partsOf(path);
      const key = parts.join('/');
      for (const one of known) if (one === key || one.startsWith(`${key}/`)) known.delete(one);
      for (let n = parts.length; n > 0; n--) known.delete(parts.slice(0, n).join('/'));
    },
  };
}
