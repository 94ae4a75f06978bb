/** The store on MongoDB, for several machines and hosts without a lasting disk; owns the driver. */
import { type AnyBulkWriteOperation, type ClientSession, type Db, type Filter, MongoClient } from 'mongodb';
import { Conflict, Stopped, UsageError } from '../errors.ts';
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
  indexValue,
  PAGE_CHARACTERS,
  PAGE_ROWS,
  type ReadQuery,
  readQuery,
  TABLE_NAMES,
} from './document.ts';
import { badUri, isDuplicate, mongoError, without } from './mongo-errors.ts';
import type { Store, TableName, Tables } from './store.ts';

type Value = string | number;

/**
 * A stored document: JSON text (see `document.ts`), and beside it the fields that an index needs, `null` when absent.
 * Ids are compared by MongoDB's simple collation, which is the order of UTF-8 bytes and so of code points.
 */
interface Row {
  _id: string;
  rev: number;
  doc: string;
  [field: string]: Value | null;
}

/** Version of this layout, in the collection `meta`; a database of a newer one is refused. */
const LAYOUT = 1;

const DEFAULT_DATABASE = 'keepsake';

/** How long a server may stay away before a call fails; the driver's 30 s would leave a person without an answer. */
const AWAY_MS = 10_000;

export interface MongoConnection {
  db: Db;
  /** Whether the server has transactions (a replica set or a sharded cluster). */
  transactions: boolean;
  close(): Promise<void>;
}

/**
 * Connects. The database is the one in the URI, else `keepsake`. Throws `UsageError` (`bad_mongodb_uri`,
 * `store_sign_in`) for a URI that cannot work and `RetryLater` (`store_away`) for a server that does not answer; no
 * message holds the password.
 */
export async function connectMongo(uri: string): Promise<MongoConnection> {
  let client: MongoClient;
  try {
    const limits = /serverSelectionTimeoutMS=/i.test(uri) ? {} : { serverSelectionTimeoutMS: AWAY_MS };
    client = new MongoClient(uri, { appName: 'keepsake', ...limits });
  } catch (error) {
    throw badUri(error, uri);
  }
  const name = client.options.dbName;
  // The driver says "test" when the URI names no database.
  const db = client.db(name === 'test' && !/\/test(\?|$)/.test(uri) ? DEFAULT_DATABASE : name);
  try {
    await client.connect();
    const hello = await db.command({ hello: 1 });
    const transactions = typeof hello.setName === 'string' || hello.msg === 'isdbgrid';
    return { db, transactions, close: () => client.close() };
  } catch (error) {
    await client.close();
    throw mongoError(without(error, uri));
  }
}

async function prepareCollections(db: Db, log: Log): Promise<void> {
  const meta = db.collection<{ _id: string; layout: number }>('meta');
  const layout = (await meta.findOne({ _id: 'store' }))?.layout;
  if (layout !== undefined && layout > LAYOUT) {
    throw new UsageError(`The database was written by a newer Keepsake (layout ${layout}, this one knows ${LAYOUT}).`, {
      code: 'store_newer',
      advice: 'Install the newer Keepsake again, or name another database in MONGODB_URI; nothing was changed.',
    });
  }
  for (const table of TABLE_NAMES) {
    const indexes = indexesOf(table).map((fields) => ({
      name: indexName(fields),
      key: Object.fromEntries([...fields, '_id'].map((field) => [field, 1 as const])),
    }));
    if (indexes.length > 0) await db.collection(table).createIndexes(indexes);
  }
  if (layout === undefined) {
    await meta.updateOne({ _id: 'store' }, { $set: { layout: LAYOUT } }, { upsert: true });
    log('info', 'store.migrated', { from: 0, to: LAYOUT });
  }
}

function toRow<T extends TableName>(table: T, doc: Tables[T], rev: number): Row {
  const row: Row = { _id: checkId(doc.id), rev, doc: encode(table, doc) };
  for (const field of indexedFields(table)) row[field] = indexValue(doc, field) ?? null;
  return row;
}

const column = (field: string): string => (field === 'id' ? '_id' : field);

/** What lies behind `value` in the order of one field. `null` (absent) is the least of all. */
function beyond(field: string, value: Value | null, reverse: boolean): Filter<Row> | undefined {
  if (value === null) return reverse ? undefined : { [field]: { $ne: null } };
  if (!reverse) return { [field]: { $gt: value } };
  return field === '_id' ? { _id: { $lt: String(value) } } : { $or: [{ [field]: { $lt: value } }, { [field]: null }] };
}

/** `after` holds the order's fields and the id of the last row of the page before. */
function filterOf(query: ReadQuery, after?: readonly (Value | null)[]): Filter<Row> {
  const parts: Filter<Row>[] = query.equals.map(({ field, value }) => ({ [field]: value }));
  const bounded = column(query.bounded);
  if (query.from !== undefined) parts.push({ [bounded]: { $gte: query.from } });
  if (query.to !== undefined) parts.push({ [bounded]: { $lt: query.to } });
  if (after) {
    const keys = [...query.order, 'id'].map(column);
    const ways = keys.flatMap((key, i) => {
      const same = Object.fromEntries(keys.slice(0, i).map((earlier, j) => [earlier, after[j] ?? null]));
      const further = beyond(key, after[i] ?? null, query.reverse);
      return further ? [{ $and: [same, further] }] : [];
    });
    // Implied by every way, but only as a condition of its own does it let the server seek.
    if (keys[0] && after[0] != null && !query.reverse) parts.push({ [keys[0]]: { $gte: after[0] } });
    parts.push(ways.length === 1 && ways[0] ? ways[0] : { $or: ways });
  }
  return parts.length === 0 ? {} : { $and: parts };
}

/**
 * Opens the store and makes its indexes. `transactions` overrides what the server says of itself. Throws as
 * `connectMongo` does, and `UsageError` (`store_newer`).
 */
export async function openMongo(uri: string, o: { clock: Clock; log: Log; transactions?: boolean }): Promise<Store> {
  const connection = await connectMongo(uri);
  const { db } = connection;
  const transactions = o.transactions ?? connection.transactions;
  let open = true;

  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!open) throw new Stopped('The store is closed.', { code: 'store_closed' });
    try {
      return await work();
    } catch (error) {
      throw mongoError(without(error, uri));
    }
  };
  try {
    await call(() => prepareCollections(db, o.log));
  } catch (error) {
    await connection.close();
    throw error;
  }

  const rows = (table: TableName) => db.collection<Row>(table);
  const conflict = (table: TableName, id: string, cause?: unknown): Conflict =>
    new Conflict(`The record ${id} in ${table} was changed by someone else meanwhile.`, { code: 'stale', cause });
  const upsertOf = ({ _id, ...fields }: Row): AnyBulkWriteOperation<Row> => ({
    updateOne: { filter: { _id }, update: { $set: fields }, upsert: true },
  });

  const write = async (table: TableName, operations: AnyBulkWriteOperation<Row>[], session?: ClientSession) => {
    const send = () => rows(table).bulkWrite(operations, session ? { session } : {});
    try {
      await send();
    } catch (error) {
      // Two upserts of one new id at the same time: one inserts, the other fails and finds it the second time.
      if (session || !isDuplicate(error)) throw error;
      await send();
    }
  };

  const page = async (table: TableName, query: ReadQuery, size: number, after?: readonly (Value | null)[]) => {
    const direction = query.reverse ? -1 : 1;
    const sort = Object.fromEntries([...query.order, 'id'].map((field) => [column(field), direction] as const));
    const cursor = rows(table).find(filterOf(query, after), { sort, limit: size, batchSize: size });
    const found: Row[] = [];
    let characters = 0;
    try {
      for await (const row of cursor) {
        found.push(row as Row);
        characters += row.doc.length;
        if (characters > PAGE_CHARACTERS) return { found, ended: false };
      }
    } finally {
      await cursor.close();
    }
    return { found, ended: found.length < size };
  };

  return {
    async get(table, id) {
      const row = await call(() => rows(table).findOne({ _id: id }));
      return row ? decode(table, row._id, row.rev, row.doc) : undefined;
    },

    async put(table, doc) {
      const rev = doc.rev === undefined ? freshRev() : doc.rev + 1;
      const row = toRow(table, doc, rev);
      const { _id, ...fields } = row;
      if (doc.rev === undefined) {
        try {
          await call(() => rows(table).insertOne(row));
        } catch (error) {
          throw isDuplicate(error) ? conflict(table, _id, error) : error;
        }
      } else {
        const { matchedCount } = await call(() =>
          rows(table).updateOne({ _id, rev: Number(doc.rev) }, { $set: fields }),
        );
        if (matchedCount === 0) throw conflict(table, _id);
      }
      return decode(table, _id, rev, row.doc);
    },

    async remove(table, id, rev) {
      const { deletedCount } = await call(() =>
        rows(table).deleteOne(rev === undefined ? { _id: id } : { _id: id, rev }),
      );
      if (deletedCount > 0 || rev === undefined) return;
      if (await call(() => rows(table).findOne({ _id: id }))) throw conflict(table, id);
    },

    // Every page is a query of its own: a cursor left open while files are copied would be closed by the server.
    async *find(table, query) {
      const read = readQuery(table, query);
      let after: (Value | null)[] | undefined;
      for (let left = read.limit; left > 0; ) {
        const { found, ended } = await call(() => page(table, read, Math.min(left, PAGE_ROWS), after));
        for (const row of found) yield decode(table, row._id, row.rev, row.doc);
        left -= found.length;
        const last = found.at(-1);
        if (ended || !last) return;
        after = [...read.order, 'id'].map((field) => last[column(field)] ?? null);
      }
    },

    async count(table, query) {
      const filter = filterOf(readQuery(table, query));
      return call(() => rows(table).countDocuments(filter));
    },

    async putMany(table, docs) {
      const rev = freshRev();
      for (const chunk of chunks(docs)) {
        await call(() =>
          write(
            table,
            chunk.map((doc) => upsertOf(toRow(table, doc, rev))),
          ),
        );
      }
    },

    async removeMany(table, ids) {
      for (const chunk of chunks(ids)) await call(() => rows(table).deleteMany({ _id: { $in: [...chunk] } }));
    },

    async removeRange(table, from, to) {
      await call(() => rows(table).deleteMany({ _id: { $gte: from, $lt: to } }));
    },

    async commit(writes) {
      const rev = freshRev();
      const operations = writes.map((one): [TableName, AnyBulkWriteOperation<Row>] =>
        'remove' in one
          ? [one.table, { deleteOne: { filter: { _id: one.remove } } }]
          : [one.table, upsertOf(toRow(one.table, one.put, rev))],
      );
      const inOrder = async (session?: ClientSession) => {
        for (const [table, operation] of operations) await write(table, [operation], session);
      };
      await call(() =>
        transactions ? db.client.withSession((session) => session.withTransaction(() => inOrder(session))) : inOrder(),
      );
    },

    async close() {
      open = false;
      await connection.close();
    },
  } satisfies Store;
}
