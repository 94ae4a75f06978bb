/**
 * One run from listing to snapshot. Nothing at the source is touched; at a destination nothing is overwritten or removed
 * before the listing is complete, the guard has agreed and older versions are in safety.
 */
import { UsageError } from '../errors.ts';
import { caseKey, storedPath } from '../path.ts';
import type { OpenLocation, Places } from '../services.ts';
import { createSpool, type Spool } from '../store/spool.ts';
import { catalogRange, type Store } from '../store/store.ts';
import type {
  Clock,
  Counts,
  Entry,
  Location,
  Log,
  NewMedia,
  Path,
  Plan,
  Problem,
  Run,
  UploadMemo,
  Why,
} from '../types.ts';
import { decide, type Need, type Step } from './decide.ts';
import { createFilter } from './filter.ts';
import { finish } from './finish.ts';
import type { Gate } from './gate.ts';
import { guardQuestion } from './guard.ts';
import { laidOut } from './layout.ts';
import { listSource, strayVersion } from './listing.ts';
import { look } from './look.ts';
import { createLosses, type Losses } from './losses.ts';
import { countNewMedia } from './new-media.ts';
import { newestSnapshots, unfinishedRuns } from './past.ts';
import type { Meter } from './progress.ts';
import { mustFit, spaceOf } from './space.ts';
import type { Destination, TransferContext } from './target.ts';
import { transfer } from './transfer.ts';

export interface RunTools {
  store: Store;
  clock: Clock;
  log: Log;
  places: Places;
  /** Folder for spools and manifests on their way. */
  scratch: string;
  /** One gate per account, shared by all runs of this process. */
  gate(open: OpenLocation): Gate;
}

export interface RunOutcome {
  counts: Counts;
  problems: Problem[];
  problemCount: number;
  /** Set when a person has to be asked first; nothing was touched. */
  question?: string;
  /** Destinations (as the person wrote them) that could not be used this time, while others could. */
  lost: string[];
  media?: NewMedia;
  space?: NonNullable<Run['space']>;
}

const ASKED_AT_ONCE = 500;

/** Enough to see what is wrong; `problemCount` says how many there were. */
const KEPT_PROBLEMS = 100;

export const noCounts = (): Counts => ({
  files: 0,
  bytes: 0,
  new: 0,
  changed: 0,
  same: 0,
  vanished: 0,
  failed: 0,
  skipped: 0,
  copied: 0,
});

export async function perform(
  run: Run,
  plan: Plan,
  tools: RunTools,
  meter: Meter,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const opened: OpenLocation[] = [];
  const spools: Spool<unknown>[] = [];
  const spool = <T>(): Spool<T> => {
    const made = createSpool<T>(tools.scratch);
    spools.push(made as Spool<unknown>);
    return made;
  };
  const open = async (location: Location, limit?: number): Promise<OpenLocation> => {
    const place = await tools.places.open(location, signal, limit);
    opened.push(place);
    return place;
  };
  try {
    const source = await open(plan.source, plan.limit);
    const { unfinished, hasFinished } = await unfinishedRuns(tools.store, plan, run);
    const problems = collect(tools, run);
    const losses = createLosses(plan, problems.add);
    const destinations: Destination[] = [];
    for (const [index, location] of plan.destinations.entries()) {
      await losses.orGiveUp(index, async () => {
        const place = await open(location);
        if (!place.provider.write)
          throw new UsageError(`${location.text} cannot be written to.`, { code: 'read_only' });
        destinations.push({ index, open: place, gate: tools.gate(place) });
      });
    }
    return await stages(run, plan, tools, meter, signal, {
      source,
      destinations,
      unfinished,
      hasFinished,
      spool,
      problems,
      losses,
    });
  } finally {
    for (const each of spools) each.close();
    await Promise.allSettled(opened.map((place) => place.close()));
  }
}

interface Stage {
  source: OpenLocation;
  destinations: Destination[];
  unfinished: string[];
  /** A run of this plan came to its end before this database; else the catalog was adopted, and is to be looked after. */
  hasFinished: boolean;
  spool<T>(): Spool<T>;
  problems: Problems;
  losses: Losses;
}

interface Problems {
  readonly kept: Problem[];
  readonly count: number;
  add(problem: Problem): void;
}

function collect(tools: RunTools, run: Run): Problems {
  const kept: Problem[] = [];
  let count = 0;
  return {
    kept,
    get count() {
      return count;
    },
    add(problem) {
      count++;
      if (kept.length < KEPT_PROBLEMS) kept.push(problem);
      tools.log('warn', 'file_problem', {
        run: run.id,
        code: problem.code,
        path: problem.path,
        message: problem.message,
      });
    },
  };
}

async function stages(
  run: Run,
  plan: Plan,
  tools: RunTools,
  meter: Meter,
  signal: AbortSignal,
  s: Stage,
): Promise<RunOutcome> {
  const { store } = tools;
  const { problems, losses } = s;

  meter.phase('listing');
  const entries = s.spool<Entry>();
  const leftOut = s.spool<true>();
  const snapshots = await newestSnapshots(store, plan);
  const [listing] = await Promise.all([
    listSource(s.source.provider, createFilter(plan.filter), entries, leftOut, meter, signal),
    ...s.destinations.map((destination) =>
      losses.orGiveUp(destination.index, () =>
        look(tools.log, destination, snapshots.get(destination.index), run, s, signal),
      ),
    ),
  ]);
  for (const each of listing.problems) problems.add(each);
  s.destinations = s.destinations.filter(losses.isAlive);

  const steps = s.spool<Step>();
  const plannedWork = await count(plan, store, { entries, leftOut, complete: listing.complete }, steps, s, signal);
  const { counts } = plannedWork;
  const question = run.approved ? undefined : guardQuestion(counts, plannedWork.held);
  if (question)
    return { counts, problems: problems.kept, problemCount: problems.count, question, lost: losses.texts() };

  if (steps.size > 0) {
    for (const destination of s.destinations) {
      const wanted = plannedWork.bytes.get(destination.index) ?? 0;
      await losses.orGiveUp(destination.index, () => mustFit(destination, wanted, signal));
    }
    s.destinations = s.destinations.filter(losses.isAlive);
    await noteTakenNames(plan, store, s);
    for (const destination of s.destinations)
      await losses.orGiveUp(destination.index, () => lookForStrangers(plan, destination, steps, s, signal));
    signal.throwIfAborted();
    s.destinations = s.destinations.filter(losses.isAlive);
    meter.phase('copying');
    meter.total(steps.size, Math.max(...plannedWork.bytes.values(), 0));
    const stop = new AbortController();
    // One plain signal: a composite is asked part by part, many times for each file.
    const passOn = (): void => stop.abort(signal.reason);
    signal.addEventListener('abort', passOn, { once: true });
    if (signal.aborted) passOn();
    const t: TransferContext = {
      plan,
      run: run.id,
      store,
      clock: tools.clock,
      meter,
      source: { open: s.source, gate: tools.gate(s.source) },
      destinations: s.destinations,
      unfinished: s.unfinished,
      memo: (destination, entry) => memo(store, plan, destination, entry),
      problem: problems.add,
      losses,
      signal: stop.signal,
      abort: (error) => stop.abort(error),
    };
    const done = await transfer(steps.sorted()[Symbol.iterator](), t).finally(() =>
      signal.removeEventListener('abort', passOn),
    );
    counts.copied = done.copied;
    counts.failed = done.failed;
  }

  meter.phase('finishing');
  for (const destination of s.destinations.filter(losses.isAlive)) {
    const worked = steps.size > 0 || s.unfinished.length > 0;
    await losses.orGiveUp(destination.index, () =>
      finish(run, plan, tools, signal, destination, snapshots.get(destination.index), worked),
    );
    signal.throwIfAborted();
  }
  if (!listing.complete) counts.failed += listing.problems.length;
  const space = await spaceOf(
    s.destinations.filter(losses.isAlive).map(({ open }) => open),
    tools.log,
    signal,
  );
  return {
    counts,
    problems: problems.kept,
    problemCount: problems.count,
    lost: losses.texts(),
    ...(plannedWork.media && { media: plannedWork.media }),
    ...(space.length > 0 && { space }),
  };
}

/** First pass of the merge: counts everything, keeps the steps that need work. */
async function count(
  plan: Plan,
  store: Store,
  source: { entries: Spool<Entry>; leftOut: Spool<true>; complete: boolean },
  steps: Spool<Step>,
  { destinations, unfinished }: Pick<Stage, 'destinations' | 'unfinished'>,
  signal: AbortSignal,
): Promise<{ counts: Counts; held: number; bytes: Map<number, number>; media: NewMedia | undefined }> {
  const counts = noCounts();
  const media = countNewMedia();
  const bytes = new Map<number, number>(destinations.map((d) => [d.index, 0]));
  let held = 0;
  const catalogs = destinations.map((d) => store.find('catalog', catalogRange(plan.id, d.index)));
  for await (const step of decide(source.entries.sorted(), catalogs, source.complete, source.leftOut)) {
    signal.throwIfAborted();
    for (const need of step.needs) {
      // The merge counts the catalogs that it was given; a destination that is not used this time is not among them.
      const destination = destinations[need.destination] as Destination;
      need.destination = destination.index;
      await checkAgainstSurvey(need, destination, unfinished, signal);
    }
    const why = reason(step.needs);
    // What the filter leaves out is not touched, so it is no part of what the guard weighs.
    if (why !== 'filtered' && step.needs.some((need) => need.line)) held++;
    if (step.entry) {
      counts.files++;
      counts.bytes += step.entry.size ?? 0;
    }
    if (why === 'new' || why === 'missing_at_destination') {
      counts.new++;
      if (step.entry) media.add(step.entry);
    } else if (why === 'changed' || why === 'unverifiable') counts.changed++;
    else if (why === 'vanished') counts.vanished++;
    else if (why === 'filtered') counts.skipped++;
    else counts.same++;
    if (step.needs.every((need) => need.action === 'keep')) continue;
    steps.add(step.path, step);
    for (const need of step.needs) {
      if (need.action === 'copy')
        bytes.set(need.destination, (bytes.get(need.destination) ?? 0) + (step.entry?.size ?? 0));
    }
  }
  return { counts, held, bytes, media: media.read() };
}

export const reason = (needs: readonly Need[]): Why => needs.find((need) => need.why !== 'same')?.why ?? 'same';

/** The catalog says it is there; the destination, just listed, says it is not, or of another size, or moved away. */
async function checkAgainstSurvey(
  need: Need,
  { survey, open }: Destination,
  unfinished: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (!survey || !need.line || need.action !== 'keep') return;
  const stored = need.line.stored ?? need.line.path;
  let there = survey.files.get(stored);
  if (!there && stored.split('/').some((name) => name.startsWith('.'))) {
    // Some servers do not list names that begin with a dot (nginx): these are asked for by name.
    [there] = (await open.provider.confirm?.([stored], { signal })) ?? [];
  }
  const asSized = there && (there.size === undefined || there.size === need.line.size);
  const stray = strayVersion(survey, unfinished, need.line);
  if (need.why === 'filtered') {
    // Not brought again, but the catalog must not tell of a copy that is not in its place.
    if (!there || stray) Object.assign(need, { action: 'retire', why: 'vanished' });
    return;
  }
  if (asSized && !stray) return;
  need.action = 'copy';
  need.why = 'missing_at_destination';
}

/**
 * A file that no catalog knows may lie where a new one is to go: someone put it there since. It must be seen before it
 * could be overwritten. (After a survey everything is known already.)
 */
async function lookForStrangers(
  plan: Plan,
  destination: Destination,
  steps: Spool<Step>,
  s: Stage,
  signal: AbortSignal,
): Promise<void> {
  const { provider, traits } = destination.open;
  if (destination.survey || !provider.confirm) return;
  const files = s.spool<Entry>();
  const ask = async (paths: Path[]): Promise<void> => {
    for (const entry of (await provider.confirm?.(paths, { signal })) ?? []) files.add(entry.path, entry);
  };
  let batch: Path[] = [];
  for (const step of steps.sorted()) {
    const isNew = step.needs.some(
      (need) => need.destination === destination.index && need.action === 'copy' && !need.line,
    );
    if (!isNew || !step.entry) continue;
    batch.push(storedPath(laidOut(step.entry, plan.layout), traits.forbidden));
    if (batch.length < ASKED_AT_ONCE) continue;
    await ask(batch);
    batch = [];
  }
  if (batch.length > 0) await ask(batch);
  destination.survey = { files, versions: s.spool<Entry>() };
}

/** Where stored names may differ from source names, a new file must not take a name that is in use. */
async function noteTakenNames(plan: Plan, store: Store, s: Stage): Promise<void> {
  for (const destination of s.destinations) {
    const { traits } = destination.open;
    const taken = s.spool<string>();
    for await (const line of store.find('catalog', catalogRange(plan.id, destination.index))) {
      const stored = line.stored ?? line.path;
      taken.add(traits.caseSensitive ? stored : caseKey(stored), line.path);
    }
    destination.taken = taken;
  }
}

function memo(store: Store, plan: Plan, destination: number, entry: Entry): UploadMemo {
  const id = `${plan.id}/${destination}/${entry.version ?? `${entry.size}-${entry.modified}`}/${entry.path}`;
  return {
    async load() {
      return (await store.get('memos', id))?.value as string | undefined;
    },
    async save(state) {
      if (state === undefined) await store.remove('memos', id);
      else await store.putMany('memos', [{ id, value: state }]);
    },
  };
}
