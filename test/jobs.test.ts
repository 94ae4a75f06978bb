/** The jobs contract on SQLite and MongoDB, and the SQLite backend beside the one it stands in for. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoBackend } from '@agendajs/mongo-backend';
import type { AgendaBackend, JobParameters } from 'agenda';
import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openScheduler } from '../src/engine/scheduler.ts';
import { agendaSqlite } from '../src/engine/store/agenda-sqlite.ts';
import { openMongo } from '../src/engine/store/mongo.ts';
import { openSqlite } from '../src/engine/store/sqlite.ts';
import type { Store } from '../src/engine/store/store.ts';
import { clock, type JobsPlace, type JobsSubject, jobsContract } from './contract/jobs.ts';
import { findMongo, MONGO_WANTED, startMongo, type TestMongo } from './servers/mongo.ts';

const log = (): void => {};

async function sqlitePlace(): Promise<JobsPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-jobs-'));
  const file = join(folder, 'keepsake.db');
  return {
    jobs: { sqlite: file },
    openStore: () => openSqlite(file, { clock, log }),
    async openBackend() {
      const backend = agendaSqlite(file, { clock });
      await backend.connect();
      return { backend, close: () => backend.disconnect() };
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

async function mongoPlace(uri: string): Promise<JobsPlace> {
  return {
    jobs: { mongodb: uri },
    openStore: () => openMongo(uri, { clock, log }),
    async openBackend() {
      const client = await new MongoClient(uri).connect();
      const backend = new MongoBackend({ mongo: client.db(), collection: 'agenda_jobs' });
      await backend.connect();
      return { backend, close: () => client.close() };
    },
    discard: async () => {},
  };
}

/** What Agenda relies on; run on Agenda's own backend too, so that both are known to mean the same. */
function backendContract(subject: JobsSubject): void {
  let place: JobsPlace;
  let one: AgendaBackend;
  let two: AgendaBackend;
  let closes: (() => Promise<void>)[];

  beforeEach(async () => {
    place = await subject.place();
    const opened = [await place.openBackend(), await place.openBackend()];
    closes = opened.map(({ close }) => close);
    [one, two] = opened.map(({ backend }) => backend) as [AgendaBackend, AgendaBackend];
  });
  afterEach(async () => {
    for (const close of closes) await close();
    await place.discard();
  });

  const job = (data: unknown, more: Partial<JobParameters> = {}): JobParameters => {
    return { name: 'plan', type: 'normal', priority: 0, nextRunAt: new Date(1000), data, ...more };
  };
  const save = (parameters: JobParameters) => one.repository.saveJob(parameters, { lastModifiedBy: 'me' });
  const next = (backend: AgendaBackend, deadline = new Date(0)) =>
    backend.repository.getNextJobToRun('plan', new Date(), deadline, undefined, { lastModifiedBy: 'me' });
  const data = async (options: Parameters<AgendaBackend['repository']['queryJobs']>[0]) =>
    (await one.repository.queryJobs(options)).jobs.map((found) => found.data);

  it('connects as often as it is asked to', async () => {
    await one.connect();
    await one.repository.connect();
    expect((await one.repository.queryJobs()).total).toBe(0);
  });

  it('gives back what it was given', async () => {
    const saved = await save(job({ plan: 'a', deep: { n: [1, null, 'x'] } }, { repeatInterval: 5, skipDays: [0, 6] }));
    const found = await two.repository.getJobById(String(saved._id));
    expect(found).toMatchObject({
      _id: saved._id,
      name: 'plan',
      type: 'normal',
      priority: 0,
      nextRunAt: new Date(1000),
      data: { plan: 'a', deep: { n: [1, null, 'x'] } },
      repeatInterval: 5,
      skipDays: [0, 6],
      lastModifiedBy: 'me',
    });
    expect(found?.lockedAt).toBeUndefined();
    expect(await one.repository.getJobById('000000000000000000000000')).toBeNull();
  });

  it('claims the earliest first, then the more important, each for one worker', async () => {
    await save(job('late', { nextRunAt: new Date(3000) }));
    await save(job('early', { nextRunAt: new Date(1000) }));
    await save(job('same, low', { nextRunAt: new Date(2000), priority: -10 }));
    await save(job('same, high', { nextRunAt: new Date(2000), priority: 10 }));
    await save(job('off', { disabled: true }));
    await save(job('to come', { nextRunAt: new Date(Date.now() + 60_000) }));
    await save(job('no more', { nextRunAt: null }));
    await save(job('other', { name: 'other' }));
    const claimed: unknown[] = [];
    for (const backend of [one, two, one, two]) claimed.push((await next(backend))?.data);
    expect(claimed).toEqual(['early', 'same, high', 'same, low', 'late']);
    expect(await next(one)).toBeUndefined();
  });

  it.skipIf(!subject.atomicClaims)(
    'claims each once when both ask at the same time (needs a real MongoDB)',
    async () => {
      for (let i = 0; i < 20; i++) await save(job(i));
      const claimed = await Promise.all(Array.from({ length: 30 }, (_, i) => next(i % 2 ? one : two)));
      const found = claimed.flatMap((found) => (found ? [Number(found.data)] : []));
      expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    },
  );

  it('claims again what a dead worker held, also without a date', async () => {
    await save(job('a'));
    const held = await next(one);
    if (!held) throw new Error('nothing to claim');
    await one.repository.saveJobState({ ...held, nextRunAt: null }, undefined);
    expect(await next(two, new Date(Date.now() - 60_000))).toBeUndefined();
    expect((await next(two, new Date(Date.now() + 60_000)))?.data).toBe('a');
  });

  it('locks only what is as it was read', async () => {
    const saved = await save(job('a'));
    expect(await two.repository.lockJob({ ...saved, nextRunAt: new Date(5) }, undefined)).toBeUndefined();
    expect((await two.repository.lockJob(saved, undefined))?.lockedAt).toBeInstanceOf(Date);
    expect(await one.repository.lockJob(saved, undefined)).toBeUndefined();
    await one.repository.unlockJob(saved);
    const again = await one.repository.lockJob(saved, undefined);
    if (!again) throw new Error('not unlocked');
    await one.repository.saveJobState({ ...again, nextRunAt: null }, undefined);
    await one.repository.unlockJob(again);
    expect((await one.repository.getJobById(String(saved._id)))?.lockedAt).toBeInstanceOf(Date);
    await one.repository.unlockJobs([String(saved._id)]);
    expect((await one.repository.getJobById(String(saved._id)))?.lockedAt).toBeUndefined();
  });

  it('keeps one job of a unique kind', async () => {
    const unique = { 'data.plan': 'a' };
    const first = await save(job({ plan: 'a' }, { unique }));
    await save(job({ plan: 'b' }, { unique: { 'data.plan': 'b' } }));
    const kept = await save(
      job({ plan: 'a', n: 1 }, { unique, uniqueOpts: { insertOnly: true }, nextRunAt: new Date(9) }),
    );
    expect(kept).toMatchObject({ _id: first._id, data: { plan: 'a' }, nextRunAt: new Date(1000) });
    const changed = await save(job({ plan: 'a', n: 2 }, { unique, nextRunAt: new Date(9) }));
    expect(changed).toMatchObject({ _id: first._id, data: { plan: 'a', n: 2 }, nextRunAt: new Date(9) });
    expect((await one.repository.queryJobs()).total).toBe(2);
  });

  it('keeps one job of a single kind, and its date when the new one has passed', async () => {
    const to = new Date(Date.now() + 60_000);
    const first = await save(job('a', { type: 'single', nextRunAt: to }));
    const second = await save(job('b', { type: 'single', nextRunAt: new Date() }));
    expect(second).toMatchObject({ _id: first._id, data: 'b', nextRunAt: to });
    expect((await one.repository.queryJobs()).total).toBe(1);
  });

  it('writes the state of a job that is there, and refuses for one that is not', async () => {
    const saved = await save(job('a'));
    const state = { failCount: 2, failReason: 'why', failedAt: new Date(7), lastRunAt: new Date(6), progress: 1 };
    await one.repository.saveJobState({ ...saved, ...state }, { lastModifiedBy: 'you' });
    expect(await one.repository.getJobById(String(saved._id))).toMatchObject({
      ...state,
      data: 'a',
      lastModifiedBy: 'you',
    });
    await one.repository.removeJobs({ id: String(saved._id) });
    await expect(one.repository.saveJobState(saved, undefined)).rejects.toThrow();
    expect(await save({ ...saved, data: 'b' })).toMatchObject({ data: 'b' });
    expect((await one.repository.queryJobs()).total).toBe(0);
  });

  it('chooses by id, name and part of the data; without a choice nothing is touched', async () => {
    const a = await save(job({ plan: 'a', n: { x: 1, y: 2 } }));
    await save(job({ plan: 'b', n: { x: 2 } }));
    await save(job({ plan: 'a' }, { name: 'other' }));
    expect(await data({ data: { plan: 'a' }, name: 'plan' })).toEqual([{ plan: 'a', n: { x: 1, y: 2 } }]);
    expect(await data({ data: { n: { x: 2 } } })).toEqual([{ plan: 'b', n: { x: 2 } }]);
    expect(await data({ ids: [String(a._id)] })).toHaveLength(1);
    expect((await one.repository.getDistinctJobNames()).sort()).toEqual(['other', 'plan']);
    expect(await one.repository.disableJobs({ name: 'plan' })).toBe(2);
    expect(await one.repository.disableJobs({ name: 'plan' })).toBe(0);
    expect(await next(one)).toBeUndefined();
    expect(await data({ includeDisabled: false })).toHaveLength(1);
    expect(await one.repository.enableJobs({ names: ['plan'] })).toBe(2);
    expect(await one.repository.removeJobs({})).toBe(0);
    expect(await one.repository.removeJobs({ notNames: ['plan'] })).toBe(1);
    expect(await one.repository.removeJobs({ name: 'plan', data: { plan: 'b' } })).toBe(1);
    expect(await one.repository.purgeAllJobs()).toBe(1);
  });

  it('counts, sorts and pages', async () => {
    for (let i = 1; i <= 5; i++) await save(job(i, { nextRunAt: new Date(i * 1000), priority: i % 2 }));
    await save(job(6, { nextRunAt: new Date(Date.now() + 60_000) }));
    expect(await one.repository.getQueueSize()).toBe(5);
    expect(await data({ sort: { nextRunAt: 'asc' }, skip: 1, limit: 2 })).toEqual([2, 3]);
    expect(await data({ limit: 2 })).toEqual([6, 5]);
    expect(await one.repository.queryJobs({ state: 'scheduled' })).toMatchObject({
      total: 1,
      jobs: [{ state: 'scheduled' }],
    });
    const [overview] = await one.repository.getJobsOverview();
    expect(overview).toMatchObject({ name: 'plan', total: 6, queued: 5, scheduled: 1 });
  });
}

describe('SQLite', () => {
  const subject: JobsSubject = { place: sqlitePlace, atomicClaims: true };
  jobsContract(subject);
  describe('backend', () => backendContract(subject));

  it('does not unlock a job that is edited while it runs', async () => {
    const place = await sqlitePlace();
    const { backend, close } = await place.openBackend();
    const { repository } = backend;
    const saved = await repository.saveJob(
      { name: 'plan', type: 'normal', priority: 0, nextRunAt: new Date(1), data: 1 },
      undefined,
    );
    await repository.lockJob(saved, undefined);
    await repository.saveJob({ ...saved, data: 2 }, undefined);
    expect(await repository.getJobById(String(saved._id))).toMatchObject({ data: 2, lockedAt: expect.any(Date) });
    await close();
    await expect(repository.queryJobs()).rejects.toMatchObject({ code: 'store_closed' });
    await place.discard();
  });
});

const found = findMongo();

describe.skipIf(!found)(`MongoDB (${found?.kind ?? `needs ${MONGO_WANTED}`})`, () => {
  let mongo: TestMongo;
  beforeAll(async () => {
    if (found) mongo = await startMongo(found);
  });
  afterAll(() => mongo?.stop());

  const subject: JobsSubject = { place: () => mongoPlace(mongo.uri()), atomicClaims: found?.kind !== 'jongodb' };
  jobsContract(subject);
  describe('backend', () => backendContract(subject));
});

describe('a database that cannot be opened', () => {
  it('fails at once and does not hang', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keepsake-jobs-'));
    const file = join(folder, 'keepsake.db');
    await writeFile(file, 'no database'.repeat(50));
    const o = { store: {} as Store, clock, log, onDue: async () => {} };
    await expect(openScheduler({ ...o, jobs: { sqlite: file } })).rejects.toMatchObject({ code: 'store_damaged' });
    const mongodb = 'mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=200';
    await expect(openScheduler({ ...o, jobs: { mongodb } })).rejects.toMatchObject({ code: 'store_away' });
    await rm(folder, { recursive: true, force: true });
  });
});
