/** The life of runs: queued, worked under a lease, watched, stopped, reported; and the worker that picks them up. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { connectLine } from '../accounts.ts';
import { quote } from '../commands/grammar/words.ts';
import { AuthRequired, Conflict, isKeepsakeError, NotFound, Stopped } from '../errors.ts';
import type { Backup, OpenLocation, Outbox, Places } from '../services.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Log, Plan, Run, Trigger } from '../types.ts';
import { createGate, type Gate } from './gate.ts';
import { acquireLease, holderName, isHeld } from './lease.ts';
import { describe } from './problem.ts';
import { createMeter, type Meter } from './progress.ts';
import { hasEnded } from './report.ts';
import { reportMessages } from './report-messages.ts';
import { noCounts, perform, type RunTools } from './run.ts';
import { newRunId } from './run-id.ts';
import { verdict } from './verdict.ts';

export interface RunsOptions {
  store: Store;
  clock: Clock;
  log: Log;
  places: Places;
  outbox: Outbox;
  /** The data folder. */
  data: string;
  /** Surfaces that this Keepsake has, for reports: `console`, `mail`, `slack`, `discord`. */
  surfaces: readonly string[];
  /** Mails are written as files here and need no address. Default: yes; no once they are sent by SMTP. */
  mailFiles?: boolean;
}

export type Runs = Pick<Backup, 'start' | 'watch' | 'stop' | 'work'> & {
  /** Picks up queued and abandoned runs until the signal is aborted; ends when all work has come to rest. */
  workUntil(signal: AbortSignal): Promise<void>;
  tools: RunTools;
};

const SAVE_EVERY = 1_000;
const LOOK_EVERY = 1_000;
const SHOW_EVERY = 250;

export function createRuns(o: RunsOptions): Runs {
  const { store, clock, log } = o;
  const gates = new Map<string, Gate>();
  const live = new Map<string, { run: Run; meter: Meter }>();
  const working = new Map<string, Promise<Run>>();
  const holder = holderName(randomBytes(6).toString('hex'));
  /** Set while `workUntil` runs: then a queued run begins at once. */
  let shutdown: AbortSignal | undefined;

  const tools: RunTools = {
    store,
    clock,
    log,
    places: o.places,
    scratch: join(o.data, 'tmp'),
    gate(open: OpenLocation): Gate {
      const key = open.location.account ?? open.location.kind;
      const gate = gates.get(key) ?? createGate(open.traits.parallel, () => performance.now());
      gates.set(key, gate);
      return gate;
    },
  };

  /** Changes a run whatever revision is stored: the worker and `stop` write to the same document. */
  const change = async (id: string, patch: (run: Run) => Run): Promise<Run> => {
    for (;;) {
      const run = await store.get('runs', id);
      if (!run) throw new NotFound(`There is no run ${id}.`);
      try {
        return await store.put('runs', patch(run));
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
      }
    }
  };

  const newest = async (plan: Plan): Promise<Run | undefined> => {
    for await (const run of store.find('runs', { index: 'plan+queued', equals: [plan.id], reverse: true, limit: 1 }))
      return run;
    return undefined;
  };

  const isAlive = async (run: Run): Promise<boolean> =>
    run.state === 'queued' ||
    (run.state === 'running' &&
      // After a jump of the clock (a laptop that slept) our own lease looks old until it is renewed.
      (working.has(run.id) || isHeld(await store.get('leases', run.plan), clock.now())));

  const abandon = (run: Run): Promise<Run> =>
    change(run.id, (stored) => ({
      ...stored,
      state: 'stopped',
      interrupted: true,
      ended: clock.now().toISOString(),
      verdict: 'Interrupted. What was copied is safe; the next run goes on from there.',
    }));

  const begin = (id: string, signal = shutdown ?? new AbortController().signal): Promise<Run> => {
    const running = working.get(id);
    if (running) return running;
    const promise = work(id, signal).finally(() => {
      working.delete(id);
      live.delete(id);
    });
    working.set(id, promise);
    promise.catch((error: unknown) => log('error', 'run_crashed', { run: id, error }));
    return promise;
  };

  const starting = new Map<string, Promise<Run>>();

  /** One after the other: two clicks at the same moment would both find nothing running. */
  function start(plan: Plan, trigger: Trigger, approved = false): Promise<Run> {
    const before = starting.get(plan.id);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return startNow(plan, trigger, approved);
    })();
    starting.set(plan.id, mine);
    return mine.finally(() => {
      if (starting.get(plan.id) === mine) starting.delete(plan.id);
    });
  }

  async function startNow(plan: Plan, trigger: Trigger, approved: boolean): Promise<Run> {
    const last = await newest(plan);
    if (last && (await isAlive(last))) {
      if (shutdown && last.state === 'queued') void begin(last.id);
      return last;
    }
    if (last?.state === 'running') await abandon(last);
    const now = clock.now();
    const run = await store.put('runs', {
      id: newRunId(now, randomBytes(4).toString('hex')),
      plan: plan.id,
      owner: plan.owner,
      state: 'queued',
      trigger,
      queued: now.toISOString(),
      problems: [],
      problemCount: 0,
      ...(approved && { approved }),
    });
    if (shutdown) void begin(run.id);
    return run;
  }

  async function work(id: string, signal: AbortSignal): Promise<Run> {
    const queued = await store.get('runs', id);
    if (!queued) throw new NotFound(`There is no run ${id}.`);
    if (queued.state !== 'queued') return queued;
    const plan = await store.get('plans', queued.plan);
    if (!plan) {
      return await change(id, (run) => ({
        ...run,
        state: 'stopped',
        ended: clock.now().toISOString(),
        verdict: 'The plan was deleted.',
      }));
    }
    let lease: Awaited<ReturnType<typeof acquireLease>>;
    try {
      lease = await acquireLease({ store, clock, log }, plan.id, holder);
    } catch (error) {
      if (error instanceof Conflict) return queued;
      throw error;
    }
    try {
      const fresh = await store.get('runs', id);
      if (fresh?.state !== 'queued') return fresh ?? queued;
      return await workUnderLease(fresh, plan, lease.signal, signal);
    } finally {
      await lease.release();
    }
  }

  async function workUnderLease(queued: Run, plan: Plan, leaseSignal: AbortSignal, outer: AbortSignal): Promise<Run> {
    const stop = new AbortController();
    const saved = new AbortController();
    const signal = AbortSignal.any([outer, leaseSignal, stop.signal]);
    const meter = createMeter(clock);
    const started = await change(queued.id, (run) => ({
      ...run,
      state: 'running',
      started: clock.now().toISOString(),
    }));
    live.set(started.id, { run: started, meter });
    log('info', 'run_started', { run: started.id, plan: plan.name, trigger: started.trigger });

    const saving = (async () => {
      for (;;) {
        await clock.sleep(SAVE_EVERY, saved.signal);
        const run = await change(started.id, (stored) => ({ ...stored, progress: meter.read() }));
        if (run.stopRequested) stop.abort(new Stopped('Stopped on request.'));
      }
    })().catch((error: unknown) => {
      if (!saved.signal.aborted) stop.abort(error);
    });

    let patch: Partial<Run>;
    try {
      const outcome = await perform(started, plan, tools, meter, signal);
      patch = ended(plan, outcome);
    } catch (error) {
      if (leaseSignal.aborted) {
        log('warn', 'run_handed_over', { run: started.id });
        return started;
      }
      patch = broken(plan, signal.aborted ? (signal.reason as unknown) : error, outer.aborted);
      log(patch.state === 'failed' ? 'error' : 'info', 'run_ended_early', { run: started.id, error });
    } finally {
      saved.abort(new Stopped('The run is over.'));
      await saving;
    }
    return await conclude(started, plan, patch, signal);
  }

  function ended(plan: Plan, outcome: Awaited<ReturnType<typeof perform>>): Partial<Run> {
    const { counts, problems, problemCount, question, lost, media, space } = outcome;
    if (question) {
      const name = quote(plan.name);
      return {
        state: 'waiting',
        counts,
        problems,
        problemCount,
        verdict: question,
        question: {
          text: question,
          choices: [
            { label: 'Yes, go on', line: `run ${name} anyway`, style: 'primary' },
            { label: 'No, pause it', line: `pause ${name}` },
          ],
        },
      };
    }
    const state = problemCount === 0 ? 'done' : 'partial';
    return {
      state,
      counts,
      problems,
      problemCount,
      ...(media && { media }),
      ...(space && { space }),
      verdict: verdict(state, counts, plan, { lost, media }),
    };
  }

  function broken(plan: Plan, error: unknown, shuttingDown: boolean): Partial<Run> {
    const state = error instanceof Stopped ? 'stopped' : error instanceof AuthRequired ? 'waiting' : 'failed';
    const problem = describe(error);
    const reason = isKeepsakeError(error) ? error.message : 'something unexpected happened.';
    return {
      state,
      ...(state !== 'stopped' && { problems: [problem], problemCount: 1 }),
      ...(state === 'stopped' && shuttingDown && { interrupted: true }),
      verdict: verdict(state, noCounts(), plan, { reason }),
    };
  }

  /** A service that refuses a sign-in does not know which account of ours that was; the line that mends it says so. */
  async function withSignIn(run: Run, plan: Plan): Promise<Run> {
    if (run.state !== 'waiting' || run.question || run.problems.some((problem) => problem.fix)) return run;
    for (const { account: id } of [plan.source, ...plan.destinations]) {
      const account = id === undefined ? undefined : await store.get('accounts', id);
      if (account?.state !== 'needs_sign_in') continue;
      const fix = { label: `Sign in to ${account.name}`, line: connectLine(account) };
      return { ...run, problems: run.problems.map((problem) => ({ ...problem, fix })) };
    }
    return run;
  }

  /**
   * The end of a run and its report are one write: a crash in between loses neither. What the report tells besides is
   * looked up before, in a bounded time, while the run still counts as running. Whoever took it over meanwhile (a machine
   * that slept loses its lease) has ended it, and tells of the one that goes on.
   */
  async function conclude(started: Run, plan: Plan, patch: Partial<Run>, signal: AbortSignal): Promise<Run> {
    const end = { ...patch, ended: clock.now().toISOString() };
    const messages = await reportMessages(o, await withSignIn({ ...started, ...end }, plan), plan, signal);
    const stored = await store.get('runs', started.id);
    if (stored?.state !== 'running') {
      log('warn', 'run_handed_over', { run: started.id });
      return stored ?? started;
    }
    const { question: _question, ...rest } = stored;
    const run: Run = await withSignIn({ ...rest, ...end }, plan);
    await store.commit([...messages, { table: 'runs', put: run }]);
    await noteInPlan(run);
    log('info', 'run_ended', { run: run.id, plan: plan.name, state: run.state, counts: run.counts });
    return (await store.get('runs', run.id)) ?? run;
  }

  async function noteInPlan(run: Run): Promise<void> {
    for (;;) {
      const plan = await store.get('plans', run.plan);
      if (!plan) return;
      const last = {
        run: run.id,
        state: run.state,
        ended: run.ended ?? clock.now().toISOString(),
        files: run.counts?.files ?? plan.last?.files ?? 0,
        bytes: run.counts?.bytes ?? plan.last?.bytes ?? 0,
        problems: run.problemCount,
      };
      try {
        await store.put('plans', { ...plan, last });
        return;
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
      }
    }
  }

  /** Waits for the next look, and not a moment longer than the run takes when it is worked here. */
  async function untilNews(id: string, signal: AbortSignal): Promise<void> {
    const work = working.get(id);
    if (!work) return clock.sleep(LOOK_EVERY, signal);
    const ended = new AbortController();
    const wake = (): void => ended.abort(new Stopped('The run is over.'));
    work.then(wake, wake);
    await clock.sleep(SHOW_EVERY, AbortSignal.any([signal, ended.signal])).catch((error: unknown) => {
      if (!ended.signal.aborted) throw error;
    });
    signal.throwIfAborted();
  }

  async function* watch(id: string, signal: AbortSignal): AsyncGenerator<Run> {
    for (;;) {
      const here = live.get(id);
      const run = here ? { ...here.run, progress: here.meter.read() } : await store.get('runs', id);
      if (!run) throw new NotFound(`There is no run ${id}.`);
      yield run;
      if (hasEnded(run)) return;
      await untilNews(id, signal);
    }
  }

  async function stop(plan: Plan): Promise<Run | undefined> {
    const run = await newest(plan);
    if (!run || !(await isAlive(run))) return undefined;
    if (run.state === 'queued' && !working.has(run.id)) {
      return await change(run.id, (stored) => ({
        ...stored,
        state: 'stopped',
        ended: clock.now().toISOString(),
        verdict: 'Stopped before it began.',
      }));
    }
    return await change(run.id, (stored) => ({ ...stored, stopRequested: true }));
  }

  /** Runs whose worker died, and runs that a shutdown interrupted, go on. */
  async function pickUp(): Promise<void> {
    for await (const run of store.find('runs', { index: 'state+queued', equals: ['running'] })) {
      if (working.has(run.id) || (await isAlive(run))) continue;
      await abandon(run);
    }
    for await (const plan of store.find('plans')) {
      const run = await newest(plan);
      if (run?.state === 'stopped' && run.interrupted && plan.state === 'active') await start(plan, 'resume');
    }
  }

  async function workUntil(signal: AbortSignal): Promise<void> {
    shutdown = signal;
    let lookedForLost = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      try {
        if (clock.now().getTime() - lookedForLost > 60_000) {
          await pickUp();
          lookedForLost = clock.now().getTime();
        }
        for await (const run of store.find('runs', { index: 'state+queued', equals: ['queued'] })) void begin(run.id);
      } catch (error) {
        log('error', 'worker_failed', { error });
      }
      await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
    }
    await Promise.allSettled(working.values());
  }

  return { start, watch, stop, work: begin, workUntil, tools };
}
