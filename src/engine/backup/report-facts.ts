/**
 * Looks up what a report tells besides its run. Nothing here may cost the report: what cannot be had, or not soon, is
 * left out.
 */
import { createHash } from 'node:crypto';
import { isKeepsakeError } from '../errors.ts';
import type { OpenLocation, Services } from '../services.ts';
import { catalogId } from '../store/store.ts';
import type { Bytes, CatalogLine, Entry, Plan, Reply, Run, SnapshotRecord, TrendPoint } from '../types.ts';
import { DECODE_TIME, MOST_SHOWN, openSheet } from './contact-sheet.ts';
import { LARGEST_PHOTO } from './new-media.ts';
import { hasEnded, type ReportFacts, runReply } from './report.ts';
import { within } from './within.ts';

export type ReportTools = Pick<Services, 'store' | 'clock' | 'log' | 'places'>;

export interface ReportOptions {
  /** With pictures of new photos. Default: yes. */
  pictures?: boolean;
  /** Ends the reading of pictures, not the report. */
  signal?: AbortSignal;
}

const TREND_RUNS = 14;
/** Runs that are looked through for so many that ended. */
const LOOKED_AT = 50;
/** Restore points that are looked through for one that was checked. */
const CHECKED_OF = 100;
/** ms for what the database knows. */
const FACTS_TIME = 5_000;
/** ms and bytes for all photos together: somebody waits for the report, and a service may count what is read. */
const SHEET_TIME = 20_000;
const SHEET_BYTES = 80_000_000;
/** A service makes them of some 100 KB. */
const LARGEST_THUMBNAIL = 5_000_000;

/** The only copy is not where it was: a restore point there is not to be relied on, and none is spoken of. */
const isGone = ({ problems }: Run, { destinations }: Plan): boolean =>
  destinations.length === 1 && problems.some(({ code }) => code === 'destination_gone');

async function snapshotFacts(
  { store }: ReportTools,
  plan: Plan,
  run: Run,
): Promise<Pick<ReportFacts, 'snapshot' | 'verified'>> {
  if (isGone(run, plan)) return {};
  let snapshot: SnapshotRecord | undefined;
  for await (const record of store.find('snapshots', {
    index: 'plan+started',
    equals: [plan.id],
    reverse: true,
    limit: CHECKED_OF,
  })) {
    snapshot ??= record;
    if (record.verified) return { snapshot, verified: record.verified };
  }
  return { snapshot: snapshot ?? 'none' };
}

const pointOf = (run: Run): TrendPoint => ({
  at: run.ended ?? run.queued,
  files: (run.counts?.new ?? 0) + (run.counts?.changed ?? 0),
  bytes: run.counts?.copied ?? 0,
  state: run.state,
});

/** The runs up to this one. What the database holds of this one may be older than what ends it. */
async function trendOf({ store }: ReportTools, plan: Plan, present: Run): Promise<TrendPoint[]> {
  const points: TrendPoint[] = [];
  const runs = store.find('runs', { index: 'plan+queued', equals: [plan.id], reverse: true, limit: LOOKED_AT });
  for await (const stored of runs) {
    const run = stored.id === present.id ? present : stored;
    if (!hasEnded(run) || run.queued > present.queued) continue;
    points.unshift(pointOf(run));
    if (points.length === TREND_RUNS) break;
  }
  return points;
}

/** Undefined when it is more than `most` bytes. */
async function readAll(content: Bytes, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.byteLength;
    if (size > most) return undefined;
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

const lyingThere = (line: CatalogLine): Pick<Entry, 'path' | 'id' | 'size'> => {
  const stored = line.stored ?? line.path;
  return { path: stored, id: line.at ?? stored, size: line.size };
};

/** The copy, if its bytes are those that the catalog says. */
async function copyOf(
  { log }: ReportTools,
  place: OpenLocation,
  line: CatalogLine,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const bytes = await readAll(await place.provider.read(lyingThere(line), { signal }), LARGEST_PHOTO);
  if (!bytes) return undefined;
  if (createHash('sha256').update(bytes).digest('hex') === line.sha256) return bytes;
  log('warn', 'photo_read_back_differs', { path: line.path, destination: place.location.text });
  return undefined;
}

/** What the service shows of a photo that cannot be decoded here (HEIC). */
async function thumbnailOf(
  { log }: ReportTools,
  { provider, location }: OpenLocation,
  line: CatalogLine,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  if (!provider.thumbnail) return undefined;
  try {
    return await readAll(await provider.thumbnail(lyingThere(line), { signal }), LARGEST_THUMBNAIL);
  } catch (error) {
    signal.throwIfAborted();
    log('debug', 'no_thumbnail', { path: line.path, destination: location.text, error });
    return undefined;
  }
}

type Sheet = NonNullable<ReportFacts['sheet']>;

/**
 * Reads new photos back from one destination. When the time is over, what was read until then is shown; so each photo that
 * is on the sheet could be read.
 */
async function sheetFrom(
  tools: ReportTools,
  run: Run,
  plan: Plan,
  destination: number,
  signal: AbortSignal,
): Promise<Sheet | undefined> {
  const location = plan.destinations[destination];
  if (!location) return undefined;
  const place = await tools.places.open(location, signal);
  try {
    const sheet = await openSheet();
    let shown = 0;
    let left = SHEET_BYTES;
    for (const path of run.media?.newest ?? []) {
      if (signal.aborted || shown === MOST_SHOWN) break;
      const line = await tools.store.get('catalog', catalogId(plan.id, destination, path));
      if (!line || line.damaged || line.size > LARGEST_PHOTO || line.size > left) continue;
      try {
        const decodes = sheet.decodes(path);
        if (decodes) left -= line.size;
        const photo = await (decodes ? copyOf : thumbnailOf)(tools, place, line, signal);
        if (photo && (await sheet.add(photo))) shown++;
      } catch (error) {
        if (!signal.aborted) tools.log('warn', 'photo_not_read_back', { path, destination: location.text, error });
      }
    }
    const made = await sheet.finish();
    return made && { ...made, from: location.text };
  } finally {
    await place.close();
  }
}

/** Destinations that this run could use. */
function usable(run: Run, plan: Plan): number[] {
  const lost = new Set(
    run.problems.flatMap(({ path, destination }) => (path === undefined ? (destination ?? []) : [])),
  );
  return plan.destinations.flatMap(({ text }, index) => (lost.has(text) ? [] : [index]));
}

async function sheetOf(tools: ReportTools, run: Run, plan: Plan, signal?: AbortSignal): Promise<Sheet | undefined> {
  if (!run.media?.newest.length || (run.state !== 'done' && run.state !== 'partial')) return undefined;
  const [first] = usable(run, plan);
  if (first === undefined) return undefined;
  // The reading ends itself when the time is over; a place that does not even open, or hangs, is left to itself.
  const reading = AbortSignal.any([AbortSignal.timeout(SHEET_TIME), ...(signal ? [signal] : [])]);
  const drawing = (DECODE_TIME + 3) * 1_000;
  return within(SHEET_TIME + drawing, signal, () => sheetFrom(tools, run, plan, first, reading));
}

/** What is told of a run that ended, besides itself. Takes at most half a minute, mostly none. Never throws. */
export async function factsOf(tools: ReportTools, plan: Plan, run: Run, o: ReportOptions = {}): Promise<ReportFacts> {
  const { signal, pictures = true } = o;
  const orNothing = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      const expected = isKeepsakeError(error) || signal?.aborted;
      tools.log(expected ? 'info' : 'warn', 'report_without', { run: run.id, what, error });
      return undefined;
    }
  };
  const [snapshots, trend, sheet] = await Promise.all([
    orNothing('restore point', () => within(FACTS_TIME, undefined, () => snapshotFacts(tools, plan, run))),
    orNothing('trend', () => within(FACTS_TIME, undefined, () => trendOf(tools, plan, run))),
    pictures ? orNothing('pictures', () => sheetOf(tools, run, plan, signal)) : undefined,
  ]);
  return { ...snapshots, ...(trend ? { trend } : {}), ...(sheet ? { sheet } : {}) };
}

/** The report of a run, or the card of one that goes on. */
export const reportOf = async (tools: ReportTools, plan: Plan, run: Run, o: ReportOptions = {}): Promise<Reply> =>
  runReply(run, plan, hasEnded(run) ? await factsOf(tools, plan, run, o) : undefined);
