/** Opens a SQLite file with care and says what its failures mean; shared by the store and Agenda's tables. */
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isKeepsakeError, QuotaExceeded, RetryLater, UsageError } from '../errors.ts';
import type { Clock } from '../types.ts';

/** Result codes, https://sqlite.org/rescode.html; the low byte of `errcode` is the primary one. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** SQLite waits inside the call and blocks the process meanwhile, so it waits briefly and `patiently` comes back. */
const BUSY_MS = 100;
const BUSY_PAUSE_MS = 20;
/** Much longer than any write of ours; whoever holds the file longer is stuck. */
const BUSY_PATIENCE_MS = 12_000;

const primaryCode = (error: unknown): number | undefined => {
  const code = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
};

const isBusy = (error: unknown): boolean => {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
};

const damaged = (file: string, cause?: unknown): UsageError =>
  new UsageError(`The database ${file} is damaged and cannot be read.`, {
    code: 'store_damaged',
    advice: 'Move it away, start again and `adopt` your destinations: plans and catalog come back from them.',
    cause,
  });

/** What a failure of SQLite means for the backup. */
export function sqliteError(error: unknown, file: string): unknown {
  if (isKeepsakeError(error)) return error;
  switch (primaryCode(error)) {
    case BUSY:
    case LOCKED:
      return new RetryLater(`The database ${file} is in use by another program.`, {
        code: 'store_busy',
        advice: 'Close other programs that have it open; Keepsake itself never holds it for long.',
        cause: error,
      });
    case CORRUPT:
    case NOTADB:
      return damaged(file, error);
    case FULL:
      return new QuotaExceeded(`The disk is full: ${file} could not grow.`, {
        code: 'store_full',
        advice: 'Free some space on the disk of the data folder, then run it again.',
        cause: error,
      });
    case READONLY:
    case CANTOPEN:
      return new UsageError(`The database ${file} cannot be opened for writing.`, {
        code: 'store_unwritable',
        advice: 'Check that the data folder exists and belongs to the user who runs Keepsake.',
        cause: error,
      });
    default:
      return error;
  }
}

/**
 * Runs `work`, and again while another process holds the file. `work` must leave nothing behind when it throws.
 * Throws what `sqliteError` makes of a failure.
 */
export async function patiently<T>(file: string, clock: Clock, work: () => T): Promise<T> {
  for (const started = clock.now().getTime(); ; ) {
    try {
      return work();
    } catch (error) {
      const waited = clock.now().getTime() - started;
      if (!isBusy(error) || waited > BUSY_PATIENCE_MS) throw sqliteError(error, file);
    }
    await clock.sleep(BUSY_PAUSE_MS);
  }
}

/** All of `work` or nothing. `work` must not wait for anything: the connection is shared. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  // IMMEDIATE takes the write lock at once: a transaction that reads first and writes later can fail in the middle.
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** A SQLite file starts with this text; `user_version` is at byte 60 (https://sqlite.org/fileformat2.html#the_database_header). */
const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;

/** Creates the file if there is none; otherwise looks at it before SQLite may write to it. Answers its `user_version`. */
function inspect(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const handle = openSync(file, 'a+', 0o600);
  try {
    if (fstatSync(handle).size === 0) return 0;
    const header = Buffer.alloc(HEADER_BYTES);
    const read = readSync(handle, header, 0, HEADER_BYTES, 0);
    if (read < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged(file);
    return header.readUInt32BE(60);
  } finally {
    closeSync(handle);
  }
}

function refuseNewer(file: string, found: number, known: number): void {
  if (found <= known) return;
  throw new UsageError(
    `The database ${file} was written by a newer Keepsake (version ${found}, this one knows ${known}).`,
    {
      code: 'store_newer',
      advice: 'Install the newer Keepsake again, or give this one its own data folder; the database was not touched.',
    },
  );
}

const isForbidden = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EISDIR';
};

/**
 * Opens for several processes (WAL). `newest` is the highest `user_version` this program understands. Throws
 * `UsageError`: `store_newer`, `store_damaged`, `store_unwritable`; the file is then as it was.
 */
export async function openDatabase(file: string, newest: number, clock: Clock): Promise<DatabaseSync> {
  try {
    refuseNewer(file, inspect(file), newest);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new UsageError(`The database ${file} cannot be opened for writing.`, {
      code: 'store_unwritable',
      advice: 'Check that the data folder exists and belongs to the user who runs Keepsake.',
      cause: error,
    });
  }
  return patiently(file, clock, () => {
    const db = new DatabaseSync(file, { timeout: BUSY_MS, defensive: true });
    try {
      const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
      refuseNewer(file, version, newest);
      // In WAL, NORMAL loses at most the last writes in a power failure and never the database. 16 MB of page cache;
      // a WAL that grew in a bulk write shrinks again.
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384');
      db.exec('PRAGMA journal_size_limit = 67108864');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}
