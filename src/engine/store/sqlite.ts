/** The store on SQLite: the embedded default, one file in the data folder, shared by the server and the command line. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { Conflict, Stopped } from '../errors.ts';
import type { Clock, Log } from '../types.ts';
import {
  checkId,
  chunks,
  decode,
  encode,
  freshRev,
  indexedFields,
  indexesOf,
  indexName,
  PAGE_CHARACTERS,
  PAGE_ROWS,
  type ReadQuery,
  readQuery,
  TABLE_NAMES,
} from './document.ts';
import { openDatabase, patiently, transaction } from './sqlite-file.ts';
import type { Store, TableName, Tables, Write } from './store.ts';

type Value = string | number;

const FIRST_TABLES = [
  ...['people', 'accounts', 'plans', 'runs', 'catalog', 'snapshots', 'outbox'],
  ...['threads', 'pending', 'seen', 'audit', 'leases', 'settings', 'memos'],
];

/** Step n brings a database of version n to n + 1. Steps are never edited; what changes gets a new one. */
const MIGRATIONS: readonly ((db: DatabaseSync) => void)[] = [
  (db) => {
    // WITHOUT ROWID keeps the lines in the order of their ids: a catalog is read front to back.
    for (const table of FIRST_TABLES) {
      db.exec(`CREATE TABLE ${table} (id TEXT PRIMARY KEY, rev INTEGER NOT NULL, doc TEXT NOT NULL) WITHOUT ROWID`);
    }
  },
];

const column = (field: string): string => (field === 'id' ? 'id' : `"by_${field}"`);

/**
 * Indexed fields are generated columns. An absent field is -infinity there: it sorts first, and unlike NULL it can be
 * compared, which paging needs.
 */
function declareIndexes(db: DatabaseSync, table: TableName): void {
  const present = new Set(
    db
      .prepare('SELECT name FROM pragma_table_xinfo(?)')
      .all(table)
      .map((row) => row.name),
  );
  for (const field of indexedFields(table)) {
    if (present.has(`by_${field}`)) continue;
    db.exec(
      `ALTER TABLE ${table} ADD COLUMN ${column(field)} AS (coalesce(json_extract(doc, '$."${field}"'), -9e999)) VIRTUAL`,
    );
  }
  for (const fields of indexesOf(table)) {
    const columns = [...fields, 'id'].map(column).join(', ');
    db.exec(`CREATE INDEX IF NOT EXISTS "${table}:${indexName(fields)}" ON ${table} (${columns})`);
  }
}

function prepareTables(db: DatabaseSync, log: Log): void {
  const versionNow = (): number => Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  const indexes = new Set(
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'index'")
      .all()
      .map((row) => row.name),
  );
  const complete = TABLE_NAMES.every((table) =>
    indexesOf(table).every((fields) => indexes.has(`${table}:${indexName(fields)}`)),
  );
  if (complete && versionNow() === MIGRATIONS.length) return;
  transaction(db, () => {
    const from = versionNow();
    for (const step of MIGRATIONS.slice(from)) step(db);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    for (const table of TABLE_NAMES) declareIndexes(db, table);
    log('info', 'store.migrated', { from, to: MIGRATIONS.length });
  });
}

/** Conditions and their values; `after` is where the page before ended. */
function conditions(query: ReadQuery, after?: readonly Value[]): { where: string; values: Value[] } {
  const parts = query.equals.map(({ field }) => `${column(field)} = ?`);
  const values: Value[] = query.equals.map(({ value }) => value);
  const bound = (operator: string, value: Value): void => {
    parts.push(`${column(query.bounded)} ${operator} ?`);
    values.push(value);
  };
  // SQLite seeks by one lower and one upper bound, the first it reads. Where the page before ended is the tighter one;
  // with the other in its place, every page would walk through all pages before it.
  if (query.from !== undefined && (!after || query.reverse)) bound('>=', query.from);
  if (query.to !== undefined && !(after && query.reverse)) bound('<', query.to);
  // A document without the field is not "before" anything.
  if (query.to !== undefined && query.from === undefined && (!after || query.reverse)) {
    bound('>', Number.NEGATIVE_INFINITY);
  }
  if (after) {
    const keys = [...query.order, 'id'];
    parts.push(`(${keys.map(column).join(', ')}) ${query.reverse ? '<' : '>'} (${keys.map(() => '?').join(', ')})`);
    values.push(...after);
  }
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}

/**
 * Opens (and creates, 0600 in a 0700 folder) the database. Throws `UsageError` for one that is damaged
 * (`store_damaged`), newer than this program (`store_newer`) or not writable (`store_unwritable`), and leaves it as it is.
 */
export async function openSqlite(file: string, { clock, log }: { clock: Clock; log: Log }): Promise<Store> {
  const db = await openDatabase(file, MIGRATIONS.length, clock);
  try {
    await patiently(file, clock, () => prepareTables(db, log));
  } catch (error) {
    db.close();
    throw error;
  }

  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (!statement) {
      statement = db.prepare(text);
      statement.setReturnArrays(true);
      statements.set(text, statement);
    }
    return statement;
  };

  const run = <T>(work: () => T): Promise<T> =>
    patiently(file, clock, () => {
      if (!db.isOpen) throw new Stopped('The store is closed.', { code: 'store_closed' });
      return work();
    });

  const upsert = <T extends TableName>(table: T, doc: Tables[T], rev: number): void => {
    sql(
      `INSERT INTO ${table} (id, rev, doc) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, doc = excluded.doc`,
    ).run(checkId(doc.id), rev, encode(table, doc));
  };
  const removeOne = (table: TableName, id: string): void => {
    sql(`DELETE FROM ${table} WHERE id = ?`).run(id);
  };
  const apply = (write: Write, rev: number): void => {
    if ('remove' in write) removeOne(write.table, write.remove);
    else upsert(write.table, write.put, rev);
  };
  const conflict = (table: TableName, id: string): Conflict =>
    new Conflict(`The record ${id} in ${table} was changed by someone else meanwhile.`, { code: 'stale' });

  type Row = [id: string, rev: number, doc: string, ...keys: Value[]];

  /** `ended`: nothing comes after these rows. Read in one go, so that no other call finds a statement half used. */
  const page = (table: TableName, query: ReadQuery, rows: number, after?: readonly Value[]) => {
    const { where, values } = conditions(query, after);
    const keys = [...query.order, 'id'].map(column);
    const order = keys.map((key) => (query.reverse ? `${key} DESC` : key)).join(', ');
    const statement = sql(`SELECT id, rev, doc, ${keys.join(', ')} FROM ${table} ${where} ORDER BY ${order} LIMIT ?`);
    const found: Row[] = [];
    let characters = 0;
    for (const row of statement.iterate(...values, rows) as Iterable<unknown> as Iterable<Row>) {
      found.push(row);
      characters += row[2].length;
      if (characters > PAGE_CHARACTERS) return { found, ended: false };
    }
    return { found, ended: found.length < rows };
  };

  return {
    async get(table, id) {
      const row = await run(() => sql(`SELECT rev, doc FROM ${table} WHERE id = ?`).get(id));
      const [rev, doc] = (row as unknown as [number, string] | undefined) ?? [];
      return rev === undefined || doc === undefined ? undefined : decode(table, id, rev, doc);
    },

    async put(table, doc) {
      const rev = doc.rev === undefined ? freshRev() : doc.rev + 1;
      const id = checkId(doc.id);
      const text = encode(table, doc);
      const { changes } = await run(() =>
        doc.rev === undefined
          ? sql(`INSERT INTO ${table} (id, rev, doc) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`).run(id, rev, text)
          : sql(`UPDATE ${table} SET rev = ?, doc = ? WHERE id = ? AND rev = ?`).run(rev, text, id, doc.rev),
      );
      if (changes === 0) throw conflict(table, id);
      return decode(table, id, rev, text);
    },

    async remove(table, id, rev) {
      if (rev === undefined) return run(() => removeOne(table, id));
      const stale = await run(() =>
        transaction(db, () => {
          const { changes } = sql(`DELETE FROM ${table} WHERE id = ? AND rev = ?`).run(id, rev);
          return changes === 0 && sql(`SELECT 1 FROM ${table} WHERE id = ?`).get(id) !== undefined;
        }),
      );
      if (stale) throw conflict(table, id);
    },

    async *find(table, query) {
      const read = readQuery(table, query);
      let after: readonly Value[] | undefined;
      for (let left = read.limit; left > 0; ) {
        const { found, ended } = await run(() => page(table, read, Math.min(left, PAGE_ROWS), after));
        for (const [id, rev, doc] of found) yield decode(table, id, rev, doc);
        left -= found.length;
        after = found.at(-1)?.slice(3) as Value[] | undefined;
        if (ended) return;
        await turn();
      }
    },

    async count(table, query) {
      const { where, values } = conditions(readQuery(table, query));
      const row = await run(() => sql(`SELECT count(*) FROM ${table} ${where}`).get(...values));
      return Number((row as unknown as [number] | undefined)?.[0] ?? 0);
    },

    async putMany(table, docs) {
      const rev = freshRev();
      for (const chunk of chunks(docs)) {
        await run(() =>
          transaction(db, () => {
            for (const doc of chunk) upsert(table, doc, rev);
          }),
        );
        await turn();
      }
    },

    async removeMany(table, ids) {
      for (const chunk of chunks(ids)) {
        await run(() =>
          transaction(db, () => {
            for (const id of chunk) removeOne(table, id);
          }),
        );
        await turn();
      }
    },

    async removeRange(table, from, to) {
      const some = `SELECT id FROM ${table} WHERE id >= ? AND id < ? LIMIT 1000`;
      for (;;) {
        const { changes } = await run(() => sql(`DELETE FROM ${table} WHERE id IN (${some})`).run(from, to));
        if (changes === 0) return;
        await turn();
      }
    },

    async commit(writes) {
      const rev = freshRev();
      await run(() =>
        transaction(db, () => {
          for (const write of writes) apply(write, rev);
        }),
      );
    },

    async close() {
      if (db.isOpen) db.close();
    },
  } satisfies Store;
}
