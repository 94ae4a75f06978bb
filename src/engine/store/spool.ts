/**
 * A sorted heap of records that may outgrow memory: in an array up to a limit, then in a temporary SQLite file. Listings
 * come in any order and the merge against the catalog needs the order of paths; this is where they are put in order.
 */
import { rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { comparePaths } from '../path.ts';
import { scratchFile } from './scratch.ts';

export interface Spool<T> {
  /** The same key again replaces the record. */
  add(key: string, record: T): void;
  get(key: string): T | undefined;
  has(key: string): boolean;
  /** In the order of keys (`comparePaths`). Nothing may be added while it runs. */
  sorted(): Iterable<T>;
  readonly size: number;
  close(): void;
}

/** About 25 MB of listing entries. */
const IN_MEMORY = 50_000;

interface Disk {
  put(key: string, json: string): void;
  get(key: string): string | undefined;
  all(): Iterable<string>;
  count(): number;
  close(): void;
}

function openDisk(folder: string): Disk {
  const file = scratchFile(folder, 'spool', '.db');
  const database = new DatabaseSync(file);
  // Lost with the process on purpose: a spool is only worth something while its run lives. (`OFF` is refused by
  // SQLite's defensive mode, which Node switches on.)
  database.exec('PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA cache_size=-16000; BEGIN');
  database.exec('CREATE TABLE spool (key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID');
  const insert: StatementSync = database.prepare('INSERT OR REPLACE INTO spool VALUES (?, ?)');
  const select: StatementSync = database.prepare('SELECT record FROM spool WHERE key = ?');
  const scan: StatementSync = database.prepare('SELECT record FROM spool ORDER BY key');
  const total: StatementSync = database.prepare('SELECT count(*) AS n FROM spool');
  return {
    put: (key, json) => void insert.run(key, json),
    get: (key) => (select.get(key) as { record: string } | undefined)?.record,
    *all() {
      for (const row of scan.iterate()) yield (row as { record: string }).record;
    },
    count: () => (total.get() as { n: number }).n,
    close() {
      database.close();
      rmSync(file, { force: true });
    },
  };
}

/** `folder` is made when memory does not suffice; records must survive JSON. */
export function createSpool<T>(folder: string, inMemory = IN_MEMORY): Spool<T> {
  const memory = new Map<string, T>();
  let disk: Disk | undefined;

  return {
    add(key, record) {
      if (disk) {
        disk.put(key, JSON.stringify(record));
        return;
      }
      memory.set(key, record);
      if (memory.size <= inMemory) return;
      disk = openDisk(folder);
      for (const [k, r] of memory) disk.put(k, JSON.stringify(r));
      memory.clear();
    },
    get(key) {
      if (!disk) return memory.get(key);
      const json = disk.get(key);
      return json === undefined ? undefined : (JSON.parse(json) as T);
    },
    has: (key) => (disk ? disk.get(key) !== undefined : memory.has(key)),
    *sorted() {
      if (disk) for (const json of disk.all()) yield JSON.parse(json) as T;
      else for (const key of [...memory.keys()].sort(comparePaths)) yield memory.get(key) as T;
    },
    get size() {
      return disk ? disk.count() : memory.size;
    },
    close() {
      memory.clear();
      disk?.close();
      disk = undefined;
    },
  };
}
