/**
 * Starts plans at their time: Agenda holds one dated job per plan and says *when*; the plan in the store says *what is
 * due*. The only file that runs Agenda, which never sees a word that a person typed, only dates.
 *
 * The job is a reminder that may come early, late, twice or from a worker that died. So nothing is believed of it: a run
 * is due if the plan's `next` has passed, and whoever moves `next` on (optimistic revision) has claimed it. What was
 * claimed and not handed over yet is marked in the job (`progress`), so a retry or another worker still hands it over.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Agenda, type AgendaBackend, type Job, type JobParameters } from 'agenda';
import { Conflict, NotFound, Stopped } from './errors.ts';
import { dated, followed, isDue, isMisdated, wakeOf } from './plan-dates.ts';
import { keepLock } from './scheduler/lock.ts';
import { retryDelay } from './scheduler/retry-delay.ts';
import type { Scheduler } from './services.ts';
import type { Store } from './store/store.ts';
import type { Clock, Log, Plan } from './types.ts';

/** Where jobs lie: the database file of the store, or the same MongoDB. */
export type JobStore = { sqlite: string } | { mongodb: string };

export interface SchedulerOptions {
  jobs: JobStore;
  store: Store;
  /** Must show the machine's time: Agenda reads that by itself. */
  clock: Clock;
  log: Log;
  /**
   * Hands a due run over (queues it). May be called again for the same run after a crash, so it must be idempotent.
   * `signal` is aborted when the worker stops or has lost the job to another one.
   */
  onDue(plan: string, signal: AbortSignal): Promise<void>;
  /** How often the database is asked for due jobs, in ms. */
  pollEvery?: number;
  /** How long a dead worker's job stays locked, in ms. A living one renews its lock three times in that time. */
  lockFor?: number;
  /** The first pause before a failed hand-over is tried again, in ms; it doubles up to an hour. */
  retryAfter?: number;
  /** How often jobs are compared with the plans, in ms. */
  reconcileEvery?: number;
}

export interface RunningScheduler extends Scheduler {
  /** Compares jobs with plans, catches up what was missed (once per plan), and begins to start plans. */
  start(): Promise<void>;
  /** Aborts what is being handed over, waits up to `graceMs` for it, and closes. What was not done stays owed. */
  stop(graceMs: number): Promise<void>;
}

type PlanJob = Job<{ plan: string }>;
type Attributes = JobParameters<{ plan: string }>;

const JOB = 'plan';
const OWED = 1;
const HANDED_OVER = 0;
/** Hand-overs at a time. They only queue, so this limits what one hanging hand-over can hold up, not backups. */
const PARALLEL = 10;
/** A plan whose date cannot even be moved on is left alone for so long, in ms. */
const STUCK_FOR = 3_600_000;

interface OpenBackend {
  backend: AgendaBackend;
  close(): Promise<void>;
}

async function openBackend(jobs: JobStore, clock: Clock): Promise<OpenBackend> {
  if ('sqlite' in jobs) {
    const { agendaSqlite } = await import('./store/agenda-sqlite.ts');
    const backend = agendaSqlite(jobs.sqlite, { clock });
    await backend.connect();
    return { backend, close: () => backend.disconnect() };
  }
  const [{ connectMongo }, { MongoBackend }] = await Promise.all([
    import('./store/mongo.ts'),
    import('@agendajs/mongo-backend'),
  ]);
  const { db, close } = await connectMongo(jobs.mongodb);
  const backend = new MongoBackend({ mongo: db, collection: 'agenda_jobs' });
  try {
    await backend.connect();
    // Two upserts at the same time would make two jobs: `unique()` is a query, not a promise of the database.
    await db.collection('agenda_jobs').createIndex({ name: 1, 'data.plan': 1 }, { unique: true, name: 'one_per_plan' });
  } catch (error) {
    await close();
    throw error;
  }
  return { backend, close };
}

const isDuplicate = (error: unknown): boolean => (error as { code?: unknown } | undefined)?.code === 11000;

/** Opens the scheduler; it starts nothing before `start`, so the command line may use it to date plans. */
export async function openScheduler(o: SchedulerOptions): Promise<RunningScheduler> {
  const { store, clock, log, onDue } = o;
  const { pollEvery = 5000, lockFor = 120_000, retryAfter = 30_000, reconcileEvery = 60_000 } = o;
  const worker = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  const { backend, close } = await openBackend(o.jobs, clock);
  const jobs = backend.repository;

  const stopping = new AbortController();
  const active = new Map<PlanJob, AbortController>();
  /** Jobs whose lock went to another worker: what this one would still write about them is refused. */
  const lost = new WeakSet<object>();
  /** Calls that Agenda makes on its own time and that must end before the connection does. */
  const underWay = new Set<Promise<unknown>>();

  const guarded: typeof jobs = Object.assign(Object.create(jobs), {
    // Agenda does not wait for this one; a rejection would end the process. The lock then expires by itself.
    unlockJob: (job: JobParameters) =>
      jobs.unlockJob(job).catch((cause: unknown) => log('warn', 'scheduler.unlock_failed', { cause })),
    saveJobState: async (job: JobParameters, options: { lastModifiedBy?: string } | undefined) => {
      if (lost.has(job)) throw new Stopped('Another worker has taken this job over.', { code: 'job_lost' });
      await jobs.saveJobState(job, options);
    },
    // A claim that is under way while Agenda stops would stay locked until it expires.
    getNextJobToRun: async (...args: Parameters<typeof jobs.getNextJobToRun>) => {
      const claiming = jobs.getNextJobToRun(...args).then(async (job) => {
        if (!job?._id || !stopping.signal.aborted) return job;
        await jobs.unlockJobs([job._id]);
        return undefined;
      });
      underWay.add(claiming);
      return claiming.finally(() => underWay.delete(claiming));
    },
  });

  const agenda = new Agenda({
    // Agenda connects in its constructor and hangs for ever if that fails; it is connected already.
    backend: {
      name: backend.name,
      repository: guarded,
      ownsConnection: false,
      connect: async () => {},
      disconnect: async () => {},
    },
    name: worker,
    processEvery: pollEvery,
  });
  agenda.on('error', (cause) => log('warn', 'scheduler.error', { cause }));
  agenda.on('complete', (job) => active.delete(job as unknown as PlanJob));

  // ------------------------------------------------------------------------------------------------- dating the job

  const jobOf = async (plan: string): Promise<Attributes | undefined> => {
    const { jobs: found } = await jobs.queryJobs({ name: JOB, data: { plan } });
    return found[0] as Attributes | undefined;
  };

  /** Changes the date of a job that nobody runs. A running one reads its plan again at its end. */
  const redate = async (job: Attributes, at: Date): Promise<void> => {
    const owed = job.progress === OWED;
    // A hand-over that waits for its next try is not put off.
    const wanted = owed && job.nextRunAt && job.nextRunAt < at ? job.nextRunAt : at;
    if (job.lockedAt || job.nextRunAt?.getTime() === wanted.getTime()) return;
    const mine = await jobs.lockJob(job, { lastModifiedBy: worker });
    if (!mine) return;
    const { lockedAt: _, ...unlocked } = mine;
    await jobs.saveJobState({ ...unlocked, nextRunAt: wanted }, { lastModifiedBy: worker });
  };

  const dateJob = async (plan: Plan, known?: Attributes): Promise<void> => {
    const at = wakeOf(plan);
    let job = known ?? (await jobOf(plan.id));
    if (at === undefined) {
      const owed = job?.progress === OWED && plan.state === 'active';
      if (job?._id && !job.lockedAt && !owed) await jobs.removeJobs({ id: job._id });
      return;
    }
    if (!job) {
      try {
        await agenda
          .create(JOB, { plan: plan.id })
          .unique({ 'data.plan': plan.id }, { insertOnly: true })
          .schedule(new Date(at))
          .save();
      } catch (error) {
        if (!isDuplicate(error)) throw error;
      }
      job = await jobOf(plan.id);
    }
    if (job) await redate(job, new Date(at));
  };

  const schedule = async (plan: Plan): Promise<Plan> => {
    let stored: Plan | undefined;
    for (let current = plan; !stored; ) {
      try {
        stored = await store.put('plans', dated(current, clock.now()));
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        const newer = await store.get('plans', plan.id);
        if (!newer) throw new NotFound(`The plan ${plan.name} is not there any more.`, { cause: error });
        current = newer;
      }
    }
    await dateJob(stored);
    return stored;
  };

  /** The plans are the truth: every plan has its job at its date, and no job is without a plan. */
  const reconcile = async (): Promise<void> => {
    const { jobs: found } = await jobs.queryJobs({ name: JOB });
    const byPlan = new Map((found as Attributes[]).map((job) => [job.data.plan, job]));
    for await (const plan of store.find('plans')) {
      const job = byPlan.get(plan.id);
      byPlan.delete(plan.id);
      try {
        if (isMisdated(plan, clock.now())) await schedule(plan);
        else await dateJob(plan, job);
      } catch (cause) {
        log('error', 'scheduler.plan_not_dated', { plan: plan.id, cause });
      }
    }
    for (const job of byPlan.values()) {
      // Read again: the plan may have been made since.
      if (job._id && !job.lockedAt && !(await store.get('plans', job.data.plan)))
        await jobs.removeJobs({ id: job._id });
    }
  };

  // ---------------------------------------------------------------------------------------------- when a job comes up

  /** Moves the plan's date on if it has come; `true` for the one worker that did. */
  const claim = async (job: PlanJob): Promise<boolean> => {
    for (;;) {
      const plan = await store.get('plans', job.attrs.data.plan);
      const now = clock.now();
      if (!plan) return false;
      try {
        if (plan.state === 'paused' && isMisdated(plan, now)) {
          await store.put('plans', dated(plan, now));
          continue;
        }
        if (!isDue(plan, now)) return false;
        // Before the date moves on: a worker that dies between the two leaves a run that is owed, not one that is lost.
        await job.touch(OWED);
        await store.put('plans', followed(plan, now));
        job.attrs.failCount = 0;
        return true;
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
      }
    }
  };

  const fire = async (job: PlanJob): Promise<void> => {
    const { plan } = job.attrs.data;
    const controller = new AbortController();
    active.set(job, controller);
    if (stopping.signal.aborted) controller.abort(stopping.signal.reason);
    const lock = keepLock(job, {
      worker,
      lockFor,
      log,
      stored: (id) => jobs.getJobById(id),
      lost(reason) {
        lost.add(job.attrs);
        controller.abort(reason);
      },
    });
    let gaveUp = false;
    try {
      // What an earlier try or a dead worker left owed. Asked before `claim`, which marks the job too, even if another
      // worker turns out to be faster; a plan that was paused meanwhile owes nothing.
      const owed = job.attrs.progress === OWED && (await store.get('plans', plan))?.state === 'active';
      if ((await claim(job)) || owed) {
        controller.signal.throwIfAborted();
        await onDue(plan, controller.signal);
      }
      job.attrs.progress = HANDED_OVER;
    } catch (cause) {
      const error = controller.signal.aborted ? new Stopped('The scheduler was stopped.', { cause }) : cause;
      const again = retryDelay((job.attrs.failCount ?? 0) + 1, error, retryAfter);
      gaveUp = again === null;
      if (gaveUp) job.attrs.progress = HANDED_OVER;
      log(gaveUp ? 'error' : 'warn', 'scheduler.not_started', { plan, again, cause });
      throw error;
    } finally {
      await lock.end();
      // Agenda writes its own copy of the job when the handler ends: it must hold the plan's date of now.
      const latest = await store.get('plans', plan).catch(() => undefined);
      const at = latest && wakeOf(latest);
      // A plan whose date could not even be moved on would come up again at once, and for ever.
      const isStuck = gaveUp && latest !== undefined && isDue(latest, clock.now());
      if (at === undefined) job.attrs.nextRunAt = null;
      else job.attrs.nextRunAt = new Date(isStuck ? Date.now() + STUCK_FOR : at);
    }
  };

  agenda.define<{ plan: string }>(JOB, fire, {
    concurrency: PARALLEL,
    lockLimit: PARALLEL,
    lockLifetime: lockFor,
    removeOnComplete: true,
    backoff: ({ attempt, error }) => retryDelay(attempt, error, retryAfter),
  });

  let reconciling: NodeJS.Timeout | undefined;
  return {
    schedule,
    async cancel(plan) {
      await jobs.removeJobs({ name: JOB, data: { plan: plan.id } });
    },
    async start() {
      await reconcile();
      await agenda.start();
      reconciling = setInterval(() => {
        reconcile().catch((cause: unknown) => log('warn', 'scheduler.not_reconciled', { cause }));
      }, reconcileEvery);
    },
    async stop(graceMs) {
      if (stopping.signal.aborted) return;
      clearInterval(reconciling);
      stopping.abort(new Stopped('Keepsake is being stopped.'));
      await agenda.stop(false);
      for (const controller of active.values()) controller.abort(stopping.signal.reason);
      const waiting = new AbortController();
      const rest = new Promise<void>((resolve) => {
        const look = (): void => (active.size === 0 ? resolve() : undefined);
        // A turn later: Agenda removes a finished job after it has told of it.
        agenda.on('complete', () => setImmediate(look));
        look();
      });
      await Promise.race([rest, clock.sleep(graceMs, waiting.signal).catch(() => undefined)]);
      waiting.abort();
      await Promise.allSettled(underWay);
      await close();
    },
  };
}
