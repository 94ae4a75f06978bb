/** Agenda's backend on SQLite: its jobs lie in one table of the store's own file, claimed one by one by any process. */
import { randomBytes } from 'node:crypto';
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import {
  type AgendaBackend,
  computeJobState,
  type JobParameters,
  type JobRepository,
  type JobsOverview,
  type JobsQueryOptions,
  type JobWithState,
  type RemoveJobsOptions,
  toJobId,
} from 'agenda';
import { Stopped } from '../errors.ts';
import type { Clock } from '../types.ts';
import { type Field, fromColumn, KEPT_ON_SAVE, NAMES, RUNNING, TABLE, toColumn } from './agenda-sqlite/job-row.ts';
import { openDatabase, patiently, transaction } from './sqlite-file.ts';

type Job = JobParameters;
type Row = Record<string, SQLOutputValue>;

function toJob(row: Row): JobWithState {
  // A job that will not run again has `nextRunAt: null`; Agenda takes an absent one for "now".
  const job: Record<string, unknown> = { _id: toJobId(String(row.id)), nextRunAt: null };
  for (const field of NAMES) {
    const value = row[field];
    if (value !== null && value !== undefined) job[field] = fromColumn(field, value);
  }
  const parameters = job as unknown as Omit<JobWithState, 'state'>;
  return { ...parameters, state: computeJobState(parameters) };
}

/** Whether `found` holds all that `wanted` says; objects partly, everything else exactly. */
function holds(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return isDeepStrictEqual(found, wanted);
  if (typeof found !== 'object' || found === null) return false;
  return Object.entries(wanted).every(([key, value]) => holds((found as Record<string, unknown>)[key], value));
}

/** Agenda's three ways to choose jobs share these fields; of `name`, `names` and `notNames` the first one given counts. */
type Choice = Pick<RemoveJobsOptions, 'id' | 'ids' | 'name' | 'names' | 'notNames' | 'data'>;

const isChoice = ({ id, ids, name, names, notNames, data }: Choice): boolean =>
  Boolean(id || ids?.length || name || names?.length || notNames?.length) || data !== undefined;

function isChosen(job: JobWithState, { id, ids, name, names, notNames, data }: Choice): boolean {
  if (id && job._id !== id) return false;
  if (!id && ids?.length && !ids.some((one) => one === job._id)) return false;
  if (name ? job.name !== name : names?.length ? !names.includes(job.name) : notNames?.includes(job.name)) return false;
  return data === undefined || holds(job.data, data);
}

/** `unique` maps paths ("data.plan") to values. Operators are MongoDB's and have no meaning here. */
function isSame(job: JobWithState, unique: Record<string, unknown>): boolean {
  return Object.entries(unique).every(([path, wanted]) => {
    if (typeof wanted === 'object' && wanted !== null) throw new TypeError(`unique(): ${path} must be a plain value.`);
    const found = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], job);
    return found === wanted;
  });
}

function ordered(jobs: JobWithState[], sort: JobsQueryOptions['sort']): JobWithState[] {
  const keys = Object.entries(sort ?? {}).filter(([, direction]) => direction !== undefined);
  const by = (keys.length > 0 ? keys : Object.entries({ nextRunAt: 'desc', lastRunAt: 'desc' })) as [Field, string][];
  const rank = (job: JobWithState, field: Field): SQLInputValue => toColumn(field, job[field]);
  return jobs.sort((a, b) => {
    for (const [field, direction] of by) {
      const [x, y] = [rank(a, field), rank(b, field)];
      if (x === y) continue;
      const less = x === null || (y !== null && x < y);
      return less === (direction === 'asc') ? -1 : 1;
    }
    return 0;
  });
}

/**
 * Agenda's backend in the database `file`, beside the tables of the store. `connect` may be called again and again.
 * There is no channel for notifications: Agenda finds due jobs by asking every `processEvery`.
 * Times of locks come from the machine, not from `clock`: Agenda compares them with the machine's own.
 * Jobs are few (one per plan), so what is not on Agenda's hot path is chosen in JavaScript.
 */
export function agendaSqlite(file: string, { clock }: { clock: Clock }): AgendaBackend {
  let opening: Promise<DatabaseSync> | undefined;

  const open = async (): Promise<DatabaseSync> => {
    // The store looks after versions; this table has never had another form.
    const db = await openDatabase(file, Number.MAX_SAFE_INTEGER, clock);
    try {
      await patiently(file, clock, () => db.exec(TABLE));
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  };
  const connect = async (): Promise<DatabaseSync> => {
    opening ??= open();
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  const run = async <T>(work: (db: DatabaseSync) => T): Promise<T> => {
    const db = await opening;
    if (!db) throw new Stopped('The jobs are closed.', { code: 'store_closed' });
    return patiently(file, clock, () => work(db));
  };

  const select = (db: DatabaseSync, where: string, ...values: SQLInputValue[]): JobWithState[] =>
    (db.prepare(`SELECT * FROM agenda_jobs ${where}`).all(...values) as Row[]).map(toJob);

  const update = (db: DatabaseSync, id: string, fields: readonly Field[], job: Partial<Job>): void => {
    const set = fields.map((field) => `"${field}" = ?`).join(', ');
    const values = fields.map((field) => toColumn(field, job[field]));
    db.prepare(`UPDATE agenda_jobs SET ${set} WHERE id = ?`).run(...values, id);
  };

  const insert = (db: DatabaseSync, job: Partial<Job>): JobWithState => {
    const id = randomBytes(12).toString('hex');
    db.prepare(`INSERT INTO agenda_jobs (id) VALUES (?)`).run(id);
    update(db, id, NAMES, job);
    return byId(db, id) as JobWithState;
  };

  const byId = (db: DatabaseSync, id: string): JobWithState | undefined => select(db, 'WHERE id = ?', id)[0];

  const save = (db: DatabaseSync, job: Job, by: string | undefined): Job => {
    const { _id, unique, uniqueOpts, ...rest } = job;
    const fields = { ...rest, lastModifiedBy: by } as Job;
    const replace = (id: string, keep: readonly Field[] = []): JobWithState => {
      const changed = NAMES.filter((name) => !keep.includes(name) && !(KEPT_ON_SAVE.has(name) && fields[name] == null));
      update(db, id, changed, fields);
      return byId(db, id) as JobWithState;
    };
    if (_id) {
      const known = byId(db, _id);
      return known?.name === job.name ? replace(_id) : job;
    }
    if (job.type === 'single') {
      const known = select(db, "WHERE name = ? AND type = 'single'", job.name)[0];
      // A date that has passed is only the moment of the call; what is already planned stays.
      const passed = job.nextRunAt !== null && job.nextRunAt.getTime() <= Date.now();
      return known ? replace(known._id, passed ? ['nextRunAt'] : []) : insert(db, fields);
    }
    if (uniqueOpts?.debounce) throw new TypeError('This backend does not debounce jobs.');
    const known = unique && select(db, 'WHERE name = ?', job.name).find((one) => isSame(one, unique));
    if (!known) return insert(db, fields);
    return uniqueOpts?.insertOnly ? known : replace(known._id);
  };

  const each = async (choice: Choice, act: (db: DatabaseSync, job: JobWithState) => void): Promise<number> => {
    // No condition at all means nothing, not everything.
    if (!isChoice(choice)) return 0;
    return run((db) =>
      transaction(db, () => {
        const jobs = select(db, '').filter((job) => isChosen(job, choice));
        for (const job of jobs) act(db, job);
        return jobs.length;
      }),
    );
  };
  const setDisabled = async (choice: Choice, disabled: boolean): Promise<number> => {
    let changed = 0;
    await each(choice, (db, job) => {
      if (job.disabled === disabled) return;
      update(db, job._id, ['disabled'], { disabled });
      changed++;
    });
    return changed;
  };

  const unlock = (ids: readonly string[], where = ''): Promise<void> =>
    run((db) => {
      const statement = db.prepare(`UPDATE agenda_jobs SET "lockedAt" = NULL WHERE id = ? ${where}`);
      for (const id of ids) statement.run(id);
    });

  const repository: JobRepository = {
    async connect() {
      await connect();
    },
    async queryJobs(options = {}) {
      const { search, state, includeDisabled = true, sort, skip = 0, limit = 0 } = options;
      const jobs = (await run((db) => select(db, '')))
        .filter((job) => isChosen(job, options))
        .filter((job) => !search || job.name.toLowerCase().includes(search.toLowerCase()))
        .filter((job) => includeDisabled || !job.disabled)
        .filter((job) => !state || (state === 'paused' ? job.disabled : job.state === state));
      const page = ordered(jobs, sort).slice(skip, limit > 0 ? skip + limit : undefined);
      return { jobs: page, total: jobs.length };
    },
    async getJobsOverview() {
      const overviews = new Map<string, JobsOverview>();
      const none = { total: 0, running: 0, scheduled: 0, queued: 0, completed: 0, failed: 0, repeating: 0, paused: 0 };
      for (const job of await run((db) => select(db, ''))) {
        const overview = overviews.get(job.name) ?? { name: job.name, ...none };
        overviews.set(job.name, overview);
        overview.total++;
        overview[job.state]++;
        if (job.disabled) overview.paused++;
      }
      return [...overviews.values()];
    },
    getDistinctJobNames: () =>
      run((db) =>
        db
          .prepare('SELECT DISTINCT name FROM agenda_jobs')
          .all()
          .map((row) => String(row.name)),
      ),
    getJobById: (id) => run((db) => byId(db, id) ?? null),
    getQueueSize: () => run((db) => select(db, 'WHERE "nextRunAt" < ?', Date.now()).length),
    removeJobs: (options) =>
      each(options, (db, job) => void db.prepare('DELETE FROM agenda_jobs WHERE id = ?').run(job._id)),
    saveJob: <DATA>(job: JobParameters<DATA>, options?: { lastModifiedBy?: string }) =>
      run((db) => transaction(db, () => save(db, job as Job, options?.lastModifiedBy) as JobParameters<DATA>)),
    saveJobState: (job, options) =>
      run((db) => {
        const known = job._id && byId(db, job._id);
        if (!known || known.name !== job.name)
          throw new Error(`The job ${job._id} (${job.name}) is not there any more.`);
        update(db, known._id, RUNNING, { ...job, lastModifiedBy: options?.lastModifiedBy } as Partial<Job>);
      }),
    lockJob: (job, options) =>
      run((db) => {
        const row = db
          .prepare(
            `UPDATE agenda_jobs SET "lockedAt" = ?, "lastModifiedBy" = ? WHERE id = ? AND name = ? AND "lockedAt" IS NULL
             AND "nextRunAt" IS ? AND "disabled" IS NOT 1 RETURNING *`,
          )
          .get(
            Date.now(),
            options?.lastModifiedBy ?? null,
            job._id ?? '',
            job.name,
            toColumn('nextRunAt', job.nextRunAt),
          );
        return row && toJob(row);
      }),
    // A job without a next date is being run, and its lock is not to be taken from it.
    unlockJob: (job) => unlock(job._id ? [job._id] : [], 'AND "nextRunAt" IS NOT NULL'),
    unlockJobs: (ids) => unlock(ids),
    getNextJobToRun: (name, nextScanAt, lockDeadline, now, options) =>
      run((db) => {
        const next = `SELECT id FROM agenda_jobs WHERE name = ? AND "disabled" IS NOT 1
          AND (("lockedAt" IS NULL AND "nextRunAt" <= ?) OR "lockedAt" <= ?) ORDER BY "nextRunAt", priority DESC LIMIT 1`;
        const wanted = [name, nextScanAt.getTime(), lockDeadline.getTime()];
        // Asked every few seconds and mostly for nothing: only a write takes the lock that others wait for.
        if (!db.prepare(next).get(...wanted)) return undefined;
        const row = db
          .prepare(`UPDATE agenda_jobs SET "lockedAt" = ?, "lastModifiedBy" = ? WHERE id = (${next}) RETURNING *`)
          .get(now?.getTime() ?? Date.now(), options?.lastModifiedBy ?? null, ...wanted);
        return row && toJob(row);
      }),
    disableJobs: (options) => setDisabled(options, true),
    enableJobs: (options) => setDisabled(options, false),
    purgeAllJobs: () => run((db) => Number(db.prepare('DELETE FROM agenda_jobs').run().changes)),
  };

  return {
    name: 'SQLite',
    repository,
    ownsConnection: true,
    connect: repository.connect,
    async disconnect() {
      const db = await opening;
      opening = undefined;
      db?.close();
    },
  };
}
