/** What starting plans at their time must do, on every backend of Agenda. Times are short; nothing is measured. */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { AgendaBackend, JobParameters } from 'agenda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NotFound, RetryLater } from '../../src/engine/errors.ts';
import {
  type JobStore,
  openScheduler,
  type RunningScheduler,
  type SchedulerOptions,
} from '../../src/engine/scheduler.ts';
import type { Store } from '../../src/engine/store/store.ts';
import type { Clock, Plan } from '../../src/engine/types.ts';

export interface JobsPlace {
  jobs: JobStore;
  openStore(): Promise<Store>;
  /** A connected backend of its own, to look at the jobs from outside. */
  openBackend(): Promise<{ backend: AgendaBackend; close(): Promise<void> }>;
  discard(): Promise<void>;
}

export interface JobsSubject {
  place(): Promise<JobsPlace>;
  /** `false` for a test server whose findAndModify is known to give one document to two; such cases are skipped. */
  atomicClaims: boolean;
}

export const clock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => pause(ms, undefined, signal ? { signal } : {}),
};

const FAST = { pollEvery: 40, lockFor: 900, retryAfter: 30, reconcileEvery: 60_000 };
const MINUTE = 60_000;
const iso = (ms: number): string => new Date(ms).toISOString();

/** Every ten minutes, the next time `ms` from now. */
const soon = (ms: number): Plan['schedule'] => ({
  everyMinutes: 10,
  anchor: iso(Date.now() + ms - 10 * MINUTE),
  zone: 'UTC',
});

function planOf(id: string, more: Partial<Plan> = {}): Plan {
  const here = { kind: 'local', root: '/a', text: '/a' };
  return {
    id,
    owner: 'ana',
    name: id,
    source: here,
    destinations: [here],
    schedule: soon(10 * MINUTE),
    filter: {},
    report: 'always',
    state: 'active',
    line: '',
    created: iso(0),
    ...more,
  };
}
const overdue = (id: string, more: Partial<Plan> = {}): Plan => {
  const at = Date.now() - 25 * MINUTE;
  return planOf(id, { schedule: { everyMinutes: 10, anchor: iso(at), zone: 'UTC' }, next: iso(at), ...more });
};

async function eventually(check: () => unknown): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await check())) throw new Error(`not yet: ${check}`);
    },
    { timeout: 20_000, interval: 20 },
  );
}

export function jobsContract(subject: JobsSubject): void {
  let place: JobsPlace;
  let store: Store;
  let outside: AgendaBackend;
  let cleanups: (() => Promise<unknown>)[];

  beforeEach(async () => {
    cleanups = [];
    place = await subject.place();
    cleanups.push(() => place.discard());
    store = await place.openStore();
    cleanups.push(() => store.close());
    const { backend, close } = await place.openBackend();
    outside = backend;
    cleanups.push(close);
  });
  afterEach(async () => {
    vi.useRealTimers();
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  const open = async (
    onDue: SchedulerOptions['onDue'],
    more: Partial<SchedulerOptions> = {},
  ): Promise<RunningScheduler> => {
    const scheduler = await openScheduler({ jobs: place.jobs, store, clock, log: () => {}, onDue, ...FAST, ...more });
    cleanups.push(() => scheduler.stop(100));
    return scheduler;
  };
  /** What was handed over, in order. */
  const recorder = () => {
    const due: string[] = [];
    return { due, onDue: async (plan: string) => void due.push(plan) };
  };
  const listJobs = async () =>
    (await outside.repository.queryJobs()).jobs as (JobParameters<{ plan: string }> & { state: string })[];
  const jobFor = async (plan: string) => (await listJobs()).find((job) => job.data.plan === plan);
  const stored = async (id: string): Promise<Plan> => {
    const plan = await store.get('plans', id);
    if (!plan) throw new NotFound(id);
    return plan;
  };

  describe('dating', () => {
    it('stores the next date in the plan and in one job', async () => {
      const scheduler = await open(async () => {});
      const plan = await scheduler.schedule(await store.put('plans', planOf('a')));
      expect(plan.next && Date.parse(plan.next) > Date.now()).toBe(true);
      expect(await stored('a')).toEqual(plan);
      await scheduler.schedule(plan);
      const [job, ...more] = await listJobs();
      expect(more).toEqual([]);
      expect(job?.nextRunAt?.toISOString()).toBe(plan.next);
      expect(job?.data).toEqual({ plan: 'a' });
    });

    it('makes one job when several schedule the same plan at once', async () => {
      const schedulers = await Promise.all([open(async () => {}), open(async () => {}), open(async () => {})]);
      const plans = ['a', 'b'].map((id) => planOf(id));
      for (const plan of plans) await store.put('plans', plan);
      await Promise.all(
        schedulers.flatMap((scheduler) => plans.map(async ({ id }) => scheduler.schedule(await stored(id)))),
      );
      expect((await listJobs()).map((job) => job.data.plan).sort()).toEqual(['a', 'b']);
    });

    it('keeps what others changed in the plan meanwhile', async () => {
      const scheduler = await open(async () => {});
      const old = await store.put('plans', planOf('a'));
      await store.put('plans', { ...old, name: 'renamed', schedule: { manual: true } });
      const plan = await scheduler.schedule(old);
      expect(plan.name).toBe('renamed');
      expect(plan.next).toBeUndefined();
      expect(await listJobs()).toEqual([]);
    });

    it('follows a changed schedule, a pause and a cancel', async () => {
      const scheduler = await open(async () => {});
      const first = await scheduler.schedule(await store.put('plans', planOf('a')));
      const moved = await scheduler.schedule(await store.put('plans', { ...first, schedule: soon(3 * MINUTE) }));
      expect(moved.next).not.toBe(first.next);
      expect((await jobFor('a'))?.nextRunAt?.toISOString()).toBe(moved.next);
      const paused = await scheduler.schedule(await store.put('plans', { ...moved, state: 'paused' }));
      expect(paused.next).toBeUndefined();
      expect(await listJobs()).toEqual([]);
      const again = await scheduler.schedule(await store.put('plans', { ...paused, state: 'active' }));
      expect(await listJobs()).toHaveLength(1);
      await scheduler.cancel(again);
      await scheduler.cancel(again);
      expect(await listJobs()).toEqual([]);
    });

    it('says so when the plan is gone', async () => {
      const scheduler = await open(async () => {});
      const plan = await store.put('plans', planOf('a'));
      await store.remove('plans', 'a');
      await expect(scheduler.schedule(plan)).rejects.toBeInstanceOf(NotFound);
      expect(await listJobs()).toEqual([]);
    });
  });

  describe('starting', () => {
    it('hands a plan over at its time, with the date after it stored first', async () => {
      const seen: Plan[] = [];
      const scheduler = await open(async (id) => void seen.push(await stored(id)));
      await scheduler.start();
      const plan = await scheduler.schedule(await store.put('plans', planOf('a', { schedule: soon(200) })));
      await eventually(() => seen.length === 1);
      expect(Date.parse(seen[0]?.next ?? '')).toBe(Date.parse(plan.next ?? '') + 10 * MINUTE);
      await eventually(async () => (await jobFor('a'))?.nextRunAt?.toISOString() === seen[0]?.next);
    });

    it('catches up once, however many dates were missed', async () => {
      await store.put('plans', overdue('a'));
      const { due, onDue } = recorder();
      const scheduler = await open(onDue);
      await scheduler.start();
      await eventually(async () => (await jobFor('a'))?.lastFinishedAt);
      await scheduler.schedule(await store.put('plans', planOf('z', { schedule: soon(150) })));
      await eventually(() => due.includes('z'));
      expect(due).toEqual(['a', 'z']);
      expect(Date.parse((await stored('a')).next ?? '')).toBeGreaterThan(Date.now());
    });

    it('runs a single date once and then forgets it', async () => {
      const at = iso(Date.now() - MINUTE).slice(0, 16);
      await store.put('plans', planOf('a', { schedule: { at, zone: 'UTC' }, next: `${at}:00.000Z` }));
      const { due, onDue } = recorder();
      await (await open(onDue)).start();
      await eventually(async () => due.length === 1 && (await listJobs()).length === 0);
      expect((await stored('a')).next).toBeUndefined();
    });

    it('gives every plan to one of two workers', async () => {
      const ids = Array.from({ length: 15 }, (_, i) => `p${i}`);
      for (const id of ids) await store.put('plans', overdue(id));
      const { due, onDue } = recorder();
      const workers = [await open(onDue), await open(onDue)];
      await Promise.all(workers.map((worker) => worker.start()));
      await eventually(
        async () => (await listJobs()).filter((job) => job.lastFinishedAt && !job.lockedAt).length === ids.length,
      );
      expect(due.sort()).toEqual(ids.sort());
    });

    it.skipIf(!subject.atomicClaims)('does not run a long hand-over twice (needs a real MongoDB)', async () => {
      await store.put('plans', overdue('a'));
      const { due, onDue } = recorder();
      let release = (): void => {};
      const ended = new Promise<void>((resolve) => {
        release = resolve;
      });
      const slow = async (id: string): Promise<void> => {
        await onDue(id);
        await ended;
      };
      for (const worker of [await open(slow), await open(slow)]) await worker.start();
      await eventually(() => due.length > 0);
      const before = (await jobFor('a'))?.lockedAt?.getTime() ?? 0;
      // Three renewals later the first lock would have expired.
      await eventually(async () => ((await jobFor('a'))?.lockedAt?.getTime() ?? 0) > before + FAST.lockFor);
      release();
      await eventually(async () => !(await jobFor('a'))?.lockedAt);
      expect(due).toEqual(['a']);
    });

    it('takes the date that was set while the hand-over ran', async () => {
      await store.put('plans', overdue('a'));
      const scheduler: RunningScheduler = await open(async (id) => {
        const plan = await stored(id);
        await scheduler.schedule(await store.put('plans', { ...plan, schedule: soon(7 * MINUTE) }));
      });
      await scheduler.start();
      await eventually(async () => (await jobFor('a'))?.lastFinishedAt);
      const { next } = await stored('a');
      expect((await jobFor('a'))?.nextRunAt?.toISOString()).toBe(next);
      expect(Date.parse(next ?? '') - Date.now()).toBeLessThan(8 * MINUTE);
    });
  });

  describe('failures', () => {
    it('are tried again with growing pauses, and then the schedule goes on', async () => {
      await store.put('plans', overdue('a'));
      let tries = 0;
      const pauses: unknown[] = [];
      const log: SchedulerOptions['log'] = (_, event, details) => {
        if (event === 'scheduler.not_started') pauses.push(details?.again);
      };
      const scheduler = await open(
        async () => {
          if (++tries < 4) throw new RetryLater('busy', tries === 3 ? { after: 200 } : {});
        },
        { log },
      );
      await scheduler.start();
      await eventually(async () => tries === 4 && (await jobFor('a'))?.failCount === 0);
      expect(pauses).toEqual([30, 60, 200]);
      expect((await jobFor('a'))?.nextRunAt?.toISOString()).toBe((await stored('a')).next);
    });

    it('of one plan do not stop the others, and end', async () => {
      await store.put('plans', overdue('bad'));
      await store.put('plans', overdue('broken', { schedule: { cron: 'nonsense', zone: 'UTC' } }));
      for (const id of ['x', 'y']) await store.put('plans', overdue(id));
      const { due, onDue } = recorder();
      const scheduler = await open(async (id) => {
        await onDue(id);
        if (id === 'bad') throw new TypeError('a mistake');
      });
      await scheduler.start();
      await eventually(async () => due.filter((id) => id === 'bad').length === 3 && due.length === 5);
      await eventually(async () => (await jobFor('bad'))?.nextRunAt?.toISOString() === (await stored('bad')).next);
      expect(due.filter((id) => id !== 'bad').sort()).toEqual(['x', 'y']);
    });

    it('are not tried again once the plan is paused', async () => {
      await store.put('plans', overdue('a'));
      const { due, onDue } = recorder();
      const scheduler: RunningScheduler = await open(async (id) => {
        await onDue(id);
        if (id !== 'a') return;
        const plan = await stored('a');
        await scheduler.schedule(
          await store.put('plans', { ...plan, state: 'paused', pausedUntil: iso(Date.now() + MINUTE) }),
        );
        throw new RetryLater('busy');
      });
      await scheduler.start();
      await eventually(async () => (await jobFor('a'))?.nextRunAt?.toISOString() === (await stored('a')).pausedUntil);
      await scheduler.schedule(await store.put('plans', planOf('z', { schedule: soon(100) })));
      await eventually(() => due.includes('z'));
      expect(due).toEqual(['a', 'z']);
    });

    it('of the whole process leave the run to another worker', async () => {
      const script = `
        import { openScheduler } from ${JSON.stringify(new URL('../../src/engine/scheduler.ts', import.meta.url).href)};
        const jobs = ${JSON.stringify(place.jobs)};
        const clock = { now: () => new Date(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
        const o = { clock, log() {} };
        const store = 'sqlite' in jobs
          ? await (await import(${JSON.stringify(new URL('../../src/engine/store/sqlite.ts', import.meta.url).href)})).openSqlite(jobs.sqlite, o)
          : await (await import(${JSON.stringify(new URL('../../src/engine/store/mongo.ts', import.meta.url).href)})).openMongo(jobs.mongodb, o);
        const onDue = () => new Promise(() => console.log('due'));
        await (await openScheduler({ jobs, store, ...o, onDue, ...${JSON.stringify(FAST)} })).start();`;
      await store.put('plans', overdue('a'));
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      cleanups.push(async () => child.kill('SIGKILL'));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      expect(Date.parse((await stored('a')).next ?? '')).toBeGreaterThan(Date.now());
      const { due, onDue } = recorder();
      await (await open(onDue)).start();
      await eventually(async () => due.length > 0 && !(await jobFor('a'))?.lockedAt);
      expect(due).toEqual(['a']);
      expect((await jobFor('a'))?.nextRunAt?.toISOString()).toBe((await stored('a')).next);
    });

    it('of the lock abort the hand-over that lost it', async () => {
      await store.put('plans', overdue('a'));
      const reasons: unknown[] = [];
      const worker = await open((_, signal) => {
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason.code);
            reject(signal.reason);
          });
        });
      });
      await worker.start();
      await eventually(async () => (await jobFor('a'))?.progress === 1);
      const job = await jobFor('a');
      if (!job) throw new NotFound('job');
      const theirs = { ...job, lockedAt: new Date(Date.now() + MINUTE) };
      await outside.repository.saveJobState(theirs, { lastModifiedBy: 'another worker' });
      await eventually(() => reasons.length > 0);
      expect(reasons).toEqual(['job_lost']);
      await worker.stop(2000);
      // What the loser knew of the job was not written over the other worker's state.
      expect((await jobFor('a'))?.lockedAt).toEqual(theirs.lockedAt);
    });
  });

  describe('stopping', () => {
    it('aborts what runs, waits for it, and leaves it to the next worker', async () => {
      await store.put('plans', overdue('a'));
      let aborted = false;
      const first = await open(
        (_, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted = true;
              setTimeout(() => reject(signal.reason), 50);
            });
          }),
      );
      await first.start();
      await eventually(async () => (await jobFor('a'))?.progress === 1);
      await first.stop(5000);
      expect(aborted).toBe(true);
      expect((await jobFor('a'))?.lockedAt).toBeUndefined();
      const { due, onDue } = recorder();
      await (await open(onDue)).start();
      await eventually(() => due.length > 0);
      expect(due).toEqual(['a']);
    });

    it('does not wait longer than it was given', async () => {
      await store.put('plans', overdue('a'));
      let started = false;
      const worker = await open(() => {
        started = true;
        return new Promise(() => {});
      });
      await worker.start();
      await eventually(() => started);
      await worker.stop(20);
      await worker.stop(20);
    });

    it('lets go of jobs that it had only reserved', async () => {
      const worker = await open(async () => {}, { pollEvery: 5000 });
      await store.put('plans', planOf('a', { schedule: soon(3000), next: iso(Date.now() + 3000) }));
      await worker.start();
      await eventually(async () => (await jobFor('a'))?.lockedAt);
      await worker.stop(1000);
      expect((await jobFor('a'))?.lockedAt).toBeUndefined();
    });
  });

  describe('plans are the truth', () => {
    it('for jobs that are missing, wrong or left over', async () => {
      const scheduler = await open(async () => {});
      for (const id of ['missing', 'wrong', 'gone']) await scheduler.schedule(await store.put('plans', planOf(id)));
      await scheduler.cancel(planOf('missing'));
      await store.put('plans', { ...(await stored('wrong')), next: iso(Date.now() + 5 * MINUTE) });
      await store.remove('plans', 'gone');
      const undated = await store.put('plans', planOf('undated'));
      await scheduler.start();
      const dates = Object.fromEntries((await listJobs()).map((job) => [job.data.plan, job.nextRunAt?.toISOString()]));
      expect(dates).toEqual({
        missing: (await stored('missing')).next,
        wrong: (await stored('wrong')).next,
        undated: (await stored('undated')).next,
      });
      expect(undated.next).toBeUndefined();
    });

    it('so one that was paused or deleted just before its time does not start', async () => {
      const { due, onDue } = recorder();
      const scheduler = await open(onDue, { pollEvery: 1500 });
      for (const id of ['paused', 'deleted', 'kept']) {
        const at = Date.now() + 800;
        await store.put(
          'plans',
          planOf(id, { schedule: { everyMinutes: 10, anchor: iso(at - 10 * MINUTE), zone: 'UTC' }, next: iso(at) }),
        );
      }
      await scheduler.start();
      await eventually(async () => (await listJobs()).every((job) => job.lockedAt));
      await scheduler.schedule(await store.put('plans', { ...(await stored('paused')), state: 'paused' }));
      await scheduler.cancel(await stored('deleted'));
      await store.remove('plans', 'deleted');
      await eventually(async () => due.length > 0 && (await listJobs()).length === 1);
      expect(due).toEqual(['kept']);
    });

    it('and one whose pause ends is active again, with its first run', async () => {
      const { due, onDue } = recorder();
      const scheduler = await open(onDue);
      await scheduler.start();
      const until = Date.now() + 300;
      const quiet = await store.put('plans', planOf('quiet', { state: 'paused', pausedUntil: iso(until) }));
      const exact = planOf('exact', { state: 'paused', pausedUntil: iso(until), schedule: soon(until - Date.now()) });
      const { next, state } = await scheduler.schedule(quiet);
      expect(state).toBe('paused');
      expect(Date.parse(next ?? '')).toBeGreaterThan(until);
      await scheduler.schedule(
        await store.put('plans', {
          ...exact,
          schedule: { everyMinutes: 10, anchor: iso(until - 10 * MINUTE), zone: 'UTC' },
        }),
      );
      await eventually(async () => (await stored('quiet')).state === 'active' && due.length === 1);
      expect((await stored('quiet')).pausedUntil).toBeUndefined();
      expect(due).toEqual(['exact']);
      await eventually(async () => (await jobFor('quiet'))?.nextRunAt?.toISOString() === (await stored('quiet')).next);
    });
  });

  describe('a clock that jumps', () => {
    const daily: Plan['schedule'] = { cron: '0 3 * * *', zone: 'UTC' };
    const at = (time: string): void => {
      vi.setSystemTime(new Date(time));
    };
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-21T12:00:00.000Z') });
    });

    it('forward by days starts a plan once', async () => {
      const { due, onDue } = recorder();
      const scheduler = await open(onDue);
      await scheduler.schedule(await store.put('plans', planOf('a', { schedule: daily })));
      await scheduler.start();
      at('2026-12-01T12:00:00.000Z');
      await eventually(async () => (await jobFor('a'))?.lastFinishedAt && !(await jobFor('a'))?.lockedAt);
      expect((await stored('a')).next).toBe('2026-12-02T03:00:00.000Z');
      at('2026-12-02T03:00:01.000Z');
      await eventually(async () => (await stored('a')).next === '2026-12-03T03:00:00.000Z');
      await eventually(() => due.length >= 2);
      expect(due).toEqual(['a', 'a']);
    });

    it('backward does not start it again', async () => {
      const { due, onDue } = recorder();
      const scheduler = await open(onDue, { reconcileEvery: 50 });
      await scheduler.schedule(await store.put('plans', planOf('a', { schedule: daily })));
      await scheduler.start();
      at('2026-11-22T03:00:01.000Z');
      await eventually(() => due.length === 1);
      at('2026-11-22T02:30:00.000Z');
      await scheduler.schedule(
        await store.put('plans', planOf('z', { schedule: { cron: '45 2 * * *', zone: 'UTC' } })),
      );
      at('2026-11-22T03:00:02.000Z');
      await eventually(() => due.includes('z'));
      expect(due).toEqual(['a', 'z']);
      expect((await stored('a')).next).toBe('2026-11-23T03:00:00.000Z');
    });

    it('back from a wrong year finds the right date again', async () => {
      at('2031-01-01T00:00:00.000Z');
      const scheduler = await open(async () => {}, { reconcileEvery: 50 });
      await scheduler.schedule(await store.put('plans', planOf('a', { schedule: daily })));
      await scheduler.start();
      at('2026-11-21T12:00:00.000Z');
      await eventually(async () => (await stored('a')).next === '2026-11-22T03:00:00.000Z');
      await eventually(async () => (await jobFor('a'))?.nextRunAt?.toISOString() === '2026-11-22T03:00:00.000Z');
    });
  });
}
