/** Proof that the copies are good: by listing, by reading a sample, or by reading everything. */
import { createHash, randomInt } from 'node:crypto';
import { IntegrityError, isKeepsakeError, NotFound, Stopped } from '../errors.ts';
import type { OpenLocation, VerifyResult } from '../services.ts';
import { catalogRange } from '../store/store.ts';
import type { CatalogLine, Entry, Location, Path, Plan, Progress, SnapshotRecord } from '../types.ts';
import { copyManifest } from './manifest-copy.ts';
import { createMeter, type Meter } from './progress.ts';
import { newestSnapshots, type RunTools } from './run.ts';

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
  const { result, meter, signal } = w;
  const range = catalogRange(w.plan.id, w.snapshot.destination);
  const bad = async (line: CatalogLine, what: string): Promise<void> => {
    meter.problem();
    result.bad.push({ path: line.path, what });
    // The next run brings the file again; what lies there is kept as a version first, it may be someone's own edit.
    await w.tools.store.putMany('catalog', [{ ...line, damaged: true }]);
  };

  await manifestIsWhole(w, place);
  const lines = () => w.tools.store.find('catalog', range);
  const there = new Map<Path, Entry>();
  for await (const entry of place.provider.list({ signal })) there.set(entry.path, entry);

  const suspects = w.how === 'sample' ? await sampleOf(lines(), SAMPLE) : undefined;
  if (suspects)
    meter.total(
      suspects.length,
      suspects.reduce((sum, line) => sum + line.size, 0),
    );
  const readable: CatalogLine[] = [];
  for await (const line of lines()) {
    signal.throwIfAborted();
    const stored = line.stored ?? line.path;
    // Some servers do not list names that begin with a dot: what a listing lacks is asked for by name.
    const seen = there.get(stored) ?? (await place.provider.confirm?.([stored], { signal }))?.[0];
    const what = listedProblem(line, seen);
    if (what) await bad(line, what);
    else if (w.how === 'full') readable.push(line);
    if (w.how === 'quick') {
      result.files++;
      result.bytes += line.size;
      meter.file(line.path);
    }
  }
  there.clear();
  if (w.how === 'quick') return;

  const known = new Set(result.bad.map(({ path }) => path));
  const queue = (suspects ?? readable).filter((line) => !known.has(line.path))[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      signal.throwIfAborted();
      const line = next.value;
      try {
        const { sha256, size } = await digestOf(place, line, meter, signal);
        if (size !== line.size || sha256 !== line.sha256) await bad(line, 'has other bytes (sha256 differs)');
      } catch (error) {
        signal.throwIfAborted();
        if (!isKeepsakeError(error)) throw error;
        if (error instanceof NotFound) await bad(line, 'is missing');
        else throw error;
      }
      result.files++;
      result.bytes += line.size;
      meter.file(line.path);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(16, place.traits.parallel)) }, worker));
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
      advice: `Run it first: run ${JSON.stringify(plan.name)}`,
    });
  }
  const meter = createMeter(tools.clock);
  meter.phase('verifying');
  const result: VerifyResult = { snapshot: first, how, files: 0, bytes: 0, bad: [] };
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  if (how === 'full')
    meter.total(
      snapshots.reduce((sum, s) => sum + s.files, 0),
      snapshots.reduce((sum, s) => sum + s.bytes, 0),
    );

  const all = async (): Promise<void> => {
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
  };
  let settled = false;
  const working = all().finally(() => {
    settled = true;
  });
  try {
    while (!settled) {
      await Promise.race([working, tools.clock.sleep(250, both)]);
      if (!settled) yield { progress: meter.read() };
    }
    await working;
    yield { result };
  } finally {
    stop.abort(new Stopped('The check was left.'));
    await Promise.allSettled([working]);
  }
}
