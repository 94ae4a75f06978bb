/** How one job of Agenda lies in a row of SQLite. */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';

/** How each field of a job is stored; dates as milliseconds, so that they compare. `unique` is only asked, never kept. */
const FIELDS = {
  name: 'plain',
  priority: 'plain',
  type: 'plain',
  data: 'json',
  nextRunAt: 'date',
  lockedAt: 'date',
  lastRunAt: 'date',
  lastFinishedAt: 'date',
  failedAt: 'date',
  failCount: 'plain',
  failReason: 'plain',
  progress: 'plain',
  disabled: 'flag',
  lastModifiedBy: 'plain',
  repeatInterval: 'json',
  repeatTimezone: 'plain',
  repeatAt: 'plain',
  fork: 'flag',
  startDate: 'date',
  endDate: 'date',
  skipDays: 'json',
  debounceStartedAt: 'date',
} as const satisfies Record<string, 'plain' | 'json' | 'date' | 'flag'>;

export type Field = keyof typeof FIELDS;
export const NAMES = Object.keys(FIELDS) as Field[];

/** What running a job changes. Saving a job leaves it alone: otherwise editing a running job would unlock it. */
export const RUNNING: readonly Field[] = [
  ...(['lockedAt', 'nextRunAt', 'lastRunAt', 'progress'] as const),
  ...(['failReason', 'failCount', 'failedAt', 'lastFinishedAt', 'lastModifiedBy'] as const),
];
export const KEPT_ON_SAVE = new Set<Field>(
  RUNNING.filter((field) => field !== 'nextRunAt' && field !== 'lastModifiedBy'),
);

export const TABLE = `
  CREATE TABLE IF NOT EXISTS agenda_jobs (id TEXT PRIMARY KEY, ${NAMES.map((name) => `"${name}"`).join(', ')}) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS "agenda_jobs:due" ON agenda_jobs (name, "nextRunAt", priority)`;

export function toColumn(field: Field, value: unknown): SQLInputValue {
  if (value === undefined || value === null) return null;
  switch (FIELDS[field]) {
    case 'date':
      return new Date(value as Date).getTime();
    case 'json':
      return JSON.stringify(value) ?? null;
    case 'flag':
      return value ? 1 : 0;
    default:
      return value as SQLInputValue;
  }
}

export function fromColumn(field: Field, value: SQLOutputValue): unknown {
  switch (FIELDS[field]) {
    case 'date':
      return new Date(Number(value));
    case 'json':
      return JSON.parse(String(value));
    case 'flag':
      return value === 1;
    default:
      return value;
  }
}
