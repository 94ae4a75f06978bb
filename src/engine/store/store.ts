/**
 * The store: a small document interface over declared tables. Two implementations (SQLite, MongoDB) pass one contract
 * suite. What happened is here; when it happens is Agenda's.
 */
import type {
  Account,
  AuditLine,
  CatalogLine,
  Lease,
  OutboxMessage,
  Pending,
  Person,
  Plan,
  Run,
  Seen,
  Setting,
  SnapshotRecord,
  Thread,
} from '../types.ts';

export interface Tables {
  people: Person;
  accounts: Account;
  plans: Plan;
  runs: Run;
  /** `id` is `catalogId(plan, destination, path)`, so that the order of ids is the order of paths. */
  catalog: CatalogLine;
  snapshots: SnapshotRecord;
  outbox: OutboxMessage;
  threads: Thread;
  pending: Pending;
  seen: Seen;
  audit: AuditLine;
  leases: Lease;
  settings: Setting;
  /** Upload memos; `value` is the provider's text. */
  memos: Setting;
}

export type TableName = keyof Tables;

/**
 * Every index that `find` may use, by table: an ordered list of top-level fields. The name of an index is its fields
 * joined by `+`. Created at start; a query by an undeclared index is a programming error and throws.
 */
export const INDEXES = {
  people: [],
  accounts: [['owner']],
  plans: [['owner'], ['state', 'next']],
  runs: [
    ['plan', 'queued'],
    ['state', 'queued'],
    ['owner', 'queued'],
  ],
  catalog: [],
  snapshots: [['plan', 'started']],
  outbox: [['state', 'due'], ['key']],
  threads: [['reference'], ['run'], ['surface', 'state'], ['posted']],
  pending: [['expires'], ['person']],
  seen: [['at']],
  audit: [['at'], ['plan', 'at']],
  leases: [],
  settings: [],
  memos: [],
} as const satisfies Record<TableName, readonly (readonly string[])[]>;

/**
 * Results come in the order of the index (fields, then id), or of `id` without one. Text is compared by code point.
 * `equals` fixes the leading fields; `from` (inclusive) and `to` (exclusive) bound the next one, or `id` without an index.
 */
export interface Query {
  index?: string;
  equals?: readonly (string | number)[];
  from?: string | number;
  to?: string | number;
  reverse?: boolean;
  limit?: number;
}

export type Write = { [T in TableName]: { table: T; put: Tables[T] } | { table: T; remove: string } }[TableName];

export interface Store {
  get<T extends TableName>(table: T, id: string): Promise<Tables[T] | undefined>;
  /**
   * Stores with an optimistic check and answers the document with its new `rev`. Without `rev` the document must not
   * exist; with `rev` it must be the stored one. `Conflict` otherwise; the caller reads again and decides anew.
   */
  put<T extends TableName>(table: T, doc: Tables[T]): Promise<Tables[T]>;
  /** Removing what is not there is fine. With `rev`: `Conflict` when a newer one is stored. */
  remove(table: TableName, id: string, rev?: number): Promise<void>;
  /** Streams; other calls may be made between two results. Documents written meanwhile may or may not be seen. */
  find<T extends TableName>(table: T, query?: Query): AsyncIterable<Tables[T]>;
  /** How many documents a query matches (without `limit`). */
  count(table: TableName, query?: Query): Promise<number>;
  /** Upserts without a revision check, in few transactions. For tables with one writer at a time (catalog). */
  putMany<T extends TableName>(table: T, docs: readonly Tables[T][]): Promise<void>;
  removeMany(table: TableName, ids: readonly string[]): Promise<void>;
  /** Removes every document whose id is in [from, to). */
  removeRange(table: TableName, from: string, to: string): Promise<void>;
  /**
   * Several writes as one, without revision checks: all or nothing where the database has transactions; otherwise in
   * the given order, so the caller puts first what may safely stand alone (the outbox message, keyed, before the run
   * that it reports).
   */
  commit(writes: readonly Write[]): Promise<void>;
  close(): Promise<void>;
}

/** The order of these ids is the order of the paths (`comparePaths`). Plan ids hold no `/`. */
export const catalogId = (plan: string, destination: number, path: string): string => `${plan}/${destination}/${path}`;

/** An older version that is kept; `retiredBy` is the run that moved it away. */
export const versionId = (plan: string, destination: number, path: string, retiredBy: string): string =>
  `${plan}/v${destination}/${path}/${retiredBy}`;

/** [from, to) of all catalog lines of one destination of a plan; `0` is the character after `/`. */
export const catalogRange = (plan: string, destination: number): { from: string; to: string } => ({
  from: `${plan}/${destination}/`,
  to: `${plan}/${destination}0`,
});

/** The same of its kept older versions. */
export const versionRange = (plan: string, destination: number): { from: string; to: string } => ({
  from: `${plan}/v${destination}/`,
  to: `${plan}/v${destination}0`,
});
