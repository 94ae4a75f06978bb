/** Proof that the copies are good: by listing, by reading a sample, or by reading everything. */
import { createHash, randomInt } from 'node:crypto';
import { quote } from '../commands/grammar/words.ts';
import { IntegrityError, NotFound } from '../errors.ts';
import type { OpenLocation, VerifyResult } from '../services.ts';
import { createSpool } from '../store/spool.ts';
import { catalogRange } from '../store/store.ts';
import type { CatalogLine, Entry, Location, Path, Plan, Progress, SnapshotRecord } from '../types.ts';
import { copyManifest } from './manifest-copy.ts';
import { newestSnapshots } from './past.ts';
import { createMeter, type Meter, told } from './progress.ts';
import type { RunTools } from './run.ts';

/**
 * So many files, drawn at random, miss damage of 1 % with a chance of less than 1 %: 0.99^n <= 0.01 for n >= 458.2
 * (drawing without replacement from a finite library only makes it better).
 */
export const SAMPLE = 459;

/** Each line with equal chance, whatever their number: reservoir sampling. */
async function sampleOf(lines: AsyncIterable<CatalogLine>, size: number): Promise<CatalogLine[]> {
  const sample: CatalogLine[] = [];
  let seen = 0;
  for await (const line of lines) {
    seen++;
    if (sample.length < size) sample.push(line);
    else {
      const at = randomInt(seen);
      if (at < size) sample[at] = line;
    }
  }
  return sample;
}

async function digestOf(
  place: OpenLocation,
  line: CatalogLine,
  meter: Meter,
  signal: AbortSignal,
): Promise<{ sha256: string; size: number }> {
  const stored = line.stored ?? line.path;
  const digest = createHash('sha256');
  let size = 0;
  for await (const chunk of await place.provider.read(
    { path: stored, id: line.at ?? stored, size: line.size },
    { signal },
  )) {
    digest.update(chunk);
    size += chunk.byteLength;
    meter.bytes(chunk.byteLength);
  }
  return { sha256: digest.digest('hex'), size };
}

/** What is wrong with a listed file as far as its listing tells; undefined when nothing is. */
export function listedProblem(line: CatalogLine, there: Entry | undefined): string | undefined {
  if (!there) return 'is missing';
  if (there.size !== undefined && there.size !== line.size) return `has ${there.size} bytes instead of ${line.size}`;
  if (there.hashes?.sha256 && there.hashes.sha256 !== line.sha256) return 'has other bytes (sha256 differs)';
  return undefined;
}

interface Work {
  tools: RunTools;
  plan: Plan;
  snapshot: SnapshotRecord;
  how: VerifyResult['how'];
  meter: Meter;
  result: VerifyResult;
  signal: AbortSignal;
}

async function verifyOne(w: Work, place: OpenLocation): Promise<void> {
  await manifestIsWhole(w, place);
  const lines = () => w.tools.store.find('catalog', catalogRange(w.plan.id, w.snapshot.destination));
  const bad = await compareListing(w, place, lines());
  if (w.how === 'quick') return;
  if (w.how === 'full') {
    await readBack(w, place, lines(), bad);
    return;
  }
  const sample = await sampleOf(lines(), SAMPLE);
  const bytes = sample.reduce((sum, line) => sum + line.size, 0);
  w.meter.total(sample.length, bytes);
  await readBack(w, place, from(sample), bad);
}

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** The next run brings the file again; what lies there is kept as a version first, it may be someone's own edit. */
async function note(w: Work, line: CatalogLine, what: string): Promise<void> {
  w.meter.problem();
  w.result.bad.push({ path: line.path, what });
  await w.tools.store.putMany('catalog', [{ ...line, damaged: true }]);
}

function count(w: Work, line: CatalogLine): void {
  w.result.files++;
  w.result.bytes += line.size;
  w.meter.file(line.path);
}

/** Name and size of every file, and its hash where the listing tells one. Answers the paths that are not right. */
async function compareListing(w: Work, place: OpenLocation, lines: AsyncIterable<CatalogLine>): Promise<Set<Path>> {
  const bad = new Set<Path>();
  const there = createSpool<Entry>(w.tools.scratch);
  try {
    for await (const entry of place.provider.list({ signal: w.signal })) there.add(entry.path, entry);
    for await (const line of lines) {
      w.signal.throwIfAborted();
      const stored = line.stored ?? line.path;
      // Some servers do not list names that begin with a dot: what a listing lacks is asked for by name.
      const seen = there.get(stored) ?? (await place.provider.confirm?.([stored], { signal: w.signal }))?.[0];
      const what = listedProblem(line, seen);
      if (what) {
        bad.add(line.path);
        await note(w, line, what);
      }
      if (w.how === 'quick') count(w, line);
    }
  } finally {
    there.close();
  }
  return bad;
}

/** Reads every byte back, several files at a time. */
async function readBack(
  w: Work,
  place: OpenLocation,
  lines: AsyncIterable<CatalogLine>,
  known: ReadonlySet<Path>,
): Promise<void> {
  const queue = lines[Symbol.asyncIterator]();
  const worker = async (): Promise<void> => {
    for (let next = await queue.next(); !next.done; next = await queue.next()) {
      const line = next.value;
      w.signal.throwIfAborted();
      if (!known.has(line.path)) {
        try {
          const { sha256, size } = await digestOf(place, line, w.meter, w.signal);
          if (size !== line.size || sha256 !== line.sha256) await note(w, line, 'has other bytes (sha256 differs)');
        } catch (error) {
          w.signal.throwIfAborted();
          if (!(error instanceof NotFound)) throw error;
          await note(w, line, 'is missing');
        }
      }
      count(w, line);
    }
  };
  const workers = Math.max(1, Math.min(16, place.traits.parallel));
  await Promise.all(Array.from({ length: workers }, worker));
}

async function manifestIsWhole(w: Work, place: OpenLocation): Promise<void> {
  const { manifest, run, sha256 } = w.snapshot;
  const { scratch, clock } = w.tools;
  try {
    const copy = await copyManifest(
      place.provider,
      { name: run, path: manifest },
      { scratch, clock, signal: w.signal },
    );
    try {
      for await (const item of copy.read()) {
        if ('foot' in item && item.foot.sha256 !== sha256) {
          w.result.bad.push({ path: manifest, what: 'is not the one that was written' });
        }
      }
    } finally {
      await copy.remove();
    }
  } catch (error) {
    w.signal.throwIfAborted();
    if (!(error instanceof NotFound || error instanceof IntegrityError)) throw error;
    w.result.bad.push({ path: manifest, what: error.message });
  }
}

/** Checks the newest snapshot at every destination. Damaged or missing copies are brought again by the next run. */
export async function* verify(
  tools: RunTools,
  plan: Plan,
  how: VerifyResult['how'],
  signal: AbortSignal,
): AsyncGenerator<{ progress: Progress } | { result: VerifyResult }> {
  const snapshots = [...(await newestSnapshots(tools.store, plan)).values()].sort(
    (a, b) => a.destination - b.destination,
  );
  const [first] = snapshots;
  if (!first) {
    throw new NotFound(`"${plan.name}" has no snapshot yet: no run has finished.`, {
      code: 'no_snapshot',
      advice: `Run it first: run ${quote(plan.name)}`,
    });
  }
  const meter = createMeter(tools.clock);
  meter.phase('verifying');
  const result: VerifyResult = { snapshot: first, how, files: 0, bytes: 0, bad: [] };
  if (how === 'full')
    meter.total(
      snapshots.reduce((sum, s) => sum + s.files, 0),
      snapshots.reduce((sum, s) => sum + s.bytes, 0),
    );

  const work = async (both: AbortSignal): Promise<VerifyResult> => {
    for (const snapshot of snapshots) {
      const part: VerifyResult = { snapshot, how, files: 0, bytes: 0, bad: [] };
      const place = await tools.places.open(plan.destinations[snapshot.destination] as Location, both);
      try {
        await verifyOne({ tools, plan, snapshot, how, meter, result: part, signal: both }, place);
      } finally {
        await place.close();
      }
      result.files += part.files;
      result.bytes += part.bytes;
      result.bad.push(...part.bad);
      const { rev: _rev, ...record } = snapshot;
      await tools.store.putMany('snapshots', [
        { ...record, verified: { at: tools.clock.now().toISOString(), how, files: part.files, bad: part.bad.length } },
      ]);
    }
    return result;
  };
  yield* told(work, meter, tools.clock, signal);
}
