/** What a run would do, told before it does: counts, bytes, why, and whether it fits. */
import { NotFound } from '../errors.ts';
import type { Preview } from '../services.ts';
import { createSpool } from '../store/spool.ts';
import { catalogRange } from '../store/store.ts';
import type { Entry, Location, Plan, Why } from '../types.ts';
import { decide } from './decide.ts';
import { createFilter } from './filter.ts';
import { listSource } from './listing.ts';
import { createMeter } from './progress.ts';
import { noCounts, type RunTools, reason } from './run.ts';

const SAMPLES = 10;
/** How many earlier runs tell the rate. */
const RATES = 5;

/** Works for a plan that is not stored yet, too: then everything is new. */
export async function preview(tools: RunTools, plan: Plan, signal: AbortSignal): Promise<Preview> {
  const { store } = tools;
  const spool = createSpool<Entry>(tools.scratch);
  const leftOut = createSpool<true>(tools.scratch);
  const source = await tools.places.open(plan.source, signal);
  try {
    const listing = await listSource(
      source.provider,
      createFilter(plan.filter),
      spool,
      leftOut,
      createMeter(tools.clock),
      signal,
    );
    const counts = noCounts();
    const why: Preview['why'] = {};
    const bytes = new Map<number, number>();
    const catalogs = plan.destinations.map((_, index) => store.find('catalog', catalogRange(plan.id, index)));
    for await (const step of decide(spool.sorted(), catalogs, listing.complete, leftOut)) {
      signal.throwIfAborted();
      const size = step.entry?.size ?? step.needs[0]?.line?.size ?? 0;
      if (step.entry) {
        counts.files++;
        counts.bytes += size;
      }
      const because: Why = reason(step.needs);
      if (because === 'new') counts.new++;
      else if (because === 'same') counts.same++;
      else if (because === 'vanished') counts.vanished++;
      else if (because === 'filtered') counts.skipped++;
      else counts.changed++;
      if (because !== 'same' && step.entry) counts.copied += size;
      const group = why[because] ?? { files: 0, bytes: 0, samples: [] };
      group.files++;
      group.bytes += size;
      if (group.samples.length < SAMPLES) group.samples.push(step.path);
      why[because] = group;
      for (const need of step.needs) {
        if (need.action === 'copy') bytes.set(need.destination, (bytes.get(need.destination) ?? 0) + size);
      }
    }
    const fits: Preview['fits'] = [];
    for (const [index, location] of plan.destinations.entries()) {
      const free = await freeAt(tools, location, signal);
      fits.push({
        destination: location.text,
        ...(free !== undefined && { free, fits: free >= (bytes.get(index) ?? 0) }),
      });
    }
    const rate = await earlierRate(tools, plan);
    return { counts, why, fits, ...(rate !== undefined && counts.copied > 0 && { time: counts.copied / rate }) };
  } finally {
    spool.close();
    leftOut.close();
    await source.close();
  }
}

/** A folder that the first run will make has no free space to tell of yet. */
async function freeAt(tools: RunTools, location: Location, signal: AbortSignal): Promise<number | undefined> {
  try {
    return (await tools.places.check(location, signal)).free;
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}

/** Bytes per second over the last runs of this plan that copied something. */
async function earlierRate(tools: RunTools, plan: Plan): Promise<number | undefined> {
  let bytes = 0;
  let seconds = 0;
  let runs = 0;
  for await (const run of tools.store.find('runs', {
    index: 'plan+queued',
    equals: [plan.id],
    reverse: true,
    limit: 50,
  })) {
    if (!run.counts?.copied || !run.started || !run.ended) continue;
    bytes += run.counts.copied;
    seconds += (Date.parse(run.ended) - Date.parse(run.started)) / 1000;
    if (++runs >= RATES) break;
  }
  return seconds > 0 && bytes > 0 ? bytes / seconds : undefined;
}
