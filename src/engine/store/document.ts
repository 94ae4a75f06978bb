/** What both databases have in common: documents as JSON text, checked ids, queries read against the declared indexes. */
import { randomInt } from 'node:crypto';
import { UsageError } from '../errors.ts';
import { INDEXES, type Query, type TableName, type Tables } from './store.ts';

export const TABLE_NAMES = Object.keys(INDEXES) as TableName[];

/**
 * Documents are stored as JSON text, not as the database's own structure: keys such as `$x`, `a.b` and `__proto__`
 * and unpaired surrogates inside values pass through it unchanged, and BSON would alter or refuse them. `id` and `rev`
 * live beside the text. Bytes (pictures in an outbox message) become `{"$bytes": base64}`; a real key of that form
 * gets one more `$`. The catalog has no bytes and a million lines, so it skips that walk.
 */
export function encode<T extends TableName>(table: T, doc: Tables[T]): string {
  const bare = { ...doc, id: undefined, rev: undefined };
  return table === 'catalog' ? JSON.stringify(bare) : JSON.stringify(bare, bytesToText);
}

export function decode<T extends TableName>(table: T, id: string, rev: number, text: string): Tables[T] {
  const doc = table !== 'catalog' && text.includes('bytes":') ? JSON.parse(text, textToBytes) : JSON.parse(text);
  doc.id = id;
  doc.rev = rev;
  return doc;
}

const BYTES_KEY = /^\$+bytes$/;

const onlyKey = (value: object): string | undefined => {
  const keys = Object.keys(value);
  return keys.length === 1 ? keys[0] : undefined;
};

/** Buffers have a `toJSON` that runs before a replacer, hence the look at the holder's own property. */
function bytesToText(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const raw = this[key];
  if (raw instanceof Uint8Array) {
    return { $bytes: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('base64') };
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const only = onlyKey(value);
    if (only !== undefined && BYTES_KEY.test(only)) return { [`$${only}`]: (value as Record<string, unknown>)[only] };
  }
  return value;
}

function textToBytes(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const only = onlyKey(value);
  if (only === undefined || !BYTES_KEY.test(only)) return value;
  const held = (value as Record<string, unknown>)[only];
  if (only === '$bytes' && typeof held === 'string') return new Uint8Array(Buffer.from(held, 'base64'));
  return { [only.slice(1)]: held };
}

/**
 * Both databases hold UTF-8, where an unpaired surrogate has no place: it would become U+FFFD, and two ids one.
 * Throws `UsageError` (`bad_id`) instead.
 */
export function checkId(id: string): string {
  if (id !== '' && id.isWellFormed()) return id;
  throw new UsageError(`${JSON.stringify(id)} cannot be the name of a stored record.`, {
    code: 'bad_id',
    advice: 'Rename the file at its source: its name holds half a character.',
  });
}

/**
 * Every first and every bulk write draws a fresh revision, so that a document removed and made again is never taken
 * for the one that was read before (a lease!). Small enough to count up from without leaving 32 bits.
 */
export const freshRev = (): number => randomInt(1, 2 ** 30);

/** What an index sees of a field; anything but text and numbers counts as absent and sorts first. */
export function indexValue(doc: object, field: string): string | number | undefined {
  const value = (doc as Record<string, unknown>)[field];
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

export const indexName = (fields: readonly string[]): string => fields.join('+');

export const indexesOf = (table: TableName): readonly (readonly string[])[] => INDEXES[table];

export const indexedFields = (table: TableName): string[] => [...new Set(indexesOf(table).flat())];

export interface ReadQuery {
  equals: { field: string; value: string | number }[];
  /** The index's other fields; results are ordered by them, then by id. */
  order: readonly string[];
  /** What `from` and `to` bound: the first of `order`, or `id`. */
  bounded: string;
  from?: string | number;
  to?: string | number;
  reverse: boolean;
  limit: number;
}

/** Throws `TypeError` for an index that is not declared: that is a mistake in the program, not of a person. */
export function readQuery(table: TableName, query: Query = {}): ReadQuery {
  const fields =
    query.index === undefined ? [] : indexesOf(table).find((candidate) => indexName(candidate) === query.index);
  if (!fields) throw new TypeError(`The table ${table} has no index "${query.index}"; declare it in INDEXES.`);
  const values = query.equals ?? [];
  if (values.length > fields.length) throw new TypeError(`"equals" fixes more fields than the index on ${table} has.`);
  const order = fields.slice(values.length);
  return {
    equals: values.map((value, i) => ({ field: fields[i] as string, value })),
    order,
    bounded: order[0] ?? 'id',
    ...(query.from === undefined ? {} : { from: query.from }),
    ...(query.to === undefined ? {} : { to: query.to }),
    reverse: query.reverse ?? false,
    limit: query.limit ?? Number.POSITIVE_INFINITY,
  };
}

/** Rows and characters that one page of `find` holds: enough to make a query cheap, few enough to keep memory flat. */
export const PAGE_ROWS = 500;
export const PAGE_CHARACTERS = 4 << 20;
/** Rows per transaction of a bulk write: about 10 ms on a small machine, so other calls and processes get their turn. */
export const CHUNK_ROWS = 1000;

export function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += CHUNK_ROWS) yield items.slice(i, i + CHUNK_ROWS);
}
