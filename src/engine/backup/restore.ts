/**
 * Brings files of a snapshot back. The manifest says which bytes a path had; the catalog says where those bytes lie now.
 * A restored file appears at its place only when its bytes are those of the manifest.
 */
import { createHash } from 'node:crypto';
import { quote } from '../commands/grammar/words.ts';
import { IntegrityError, isKeepsakeError, NotFound, UsageError } from '../errors.ts';
import type { OpenLocation, RestorePreview, RestoreRequest, RestoreResult } from '../services.ts';
import { createSpool, type Spool } from '../store/spool.ts';
import { catalogId, versionId } from '../store/store.ts';
import type { CatalogLine, Entry, Location, Path, Plan, Progress, SnapshotRecord } from '../types.ts';
import { WHOLE } from './copy.ts';
import { matcher } from './filter.ts';
import { numbered } from './layout.ts';
import type { ManifestLine } from './manifest.ts';
import { copyManifest } from './manifest-copy.ts';
import { createMeter, type Meter, told } from './progress.ts';
import type { RunTools } from './run.ts';

interface Wanted {
  line: ManifestLine;
  /** Where the bytes lie now; absent when retention has removed them. */
  held?: CatalogLine;
}

const SAMPLES = 10;

/** Names are matched at any depth and globs as in filters; a plain path also means a whole folder. */
export function wanted(files: readonly string[]): (path: Path) => boolean {
  if (files.length === 0) return () => true;
  const globs = matcher(files);
  const plain = files.map((file) => file.replace(/^\/+|\/+$/g, ''));
  return (path) => globs(path) || plain.some((file) => path === file || path.startsWith(`${file}/`));
}

/** The snapshot meant: by the beginning of its name, or the newest one at or before an instant, or the newest. */
export async function chooseSnapshot(
  tools: RunTools,
  plan: Plan,
  from: RestoreRequest['from'],
  destination?: number,
): Promise<SnapshotRecord[]> {
  const found: SnapshotRecord[] = [];
  let run: string | undefined;
  let oldest: string | undefined;
  for await (const record of tools.store.find('snapshots', {
    index: 'plan+started',
    equals: [plan.id],
    reverse: true,
  })) {
    if (destination !== undefined && record.destination !== destination) continue;
    if (from && 'snapshot' in from && !record.run.toLowerCase().startsWith(from.snapshot.toLowerCase())) continue;
    if (from && 'at' in from && record.started > from.at) {
      oldest = record.started;
      continue;
    }
    run ??= record.run;
    if (record.run !== run) break;
    found.push(record);
  }
  if (found.length > 0) return found.sort((a, b) => a.destination - b.destination);
  const line = `snapshots ${quote(plan.name)}`;
  throw new NotFound(
    oldest !== undefined
      ? `${plan.name} does not reach back that far: its oldest restore point is of ${oldest.slice(0, 10)}.`
      : from
        ? `"${plan.name}" has no snapshot that fits.`
        : `"${plan.name}" has no snapshot yet: no run has finished.`,
    {
      code: 'no_snapshot',
      advice: `See what there is with: ${line}`,
      choices: from ? [{ label: 'What can be restored?', line }] : [],
    },
  );
}

/** Finds where the bytes of a manifest line lie now: still in place, or moved to the versions since. */
async function held(
  tools: RunTools,
  plan: Plan,
  destination: number,
  line: ManifestLine,
): Promise<CatalogLine | undefined> {
  const current = await tools.store.get('catalog', catalogId(plan.id, destination, line.path));
  if (current && current.run === line.run && !current.damaged) return current;
  const prefix = versionId(plan.id, destination, line.path, '');
  for await (const version of tools.store.find('catalog', { from: prefix, to: `${prefix}\u{10ffff}` })) {
    if (version.path === line.path && version.run === line.run && !version.doomed) return version;
  }
  // The same bytes under another run serve as well (a file that was put back).
  return current && current.sha256 === line.sha256 && !current.damaged ? current : undefined;
}

/** What is wanted of a snapshot, and where its bytes lie. `use` gets the lines; they may be gone through twice. */
async function withLines<T>(
  tools: RunTools,
  plan: Plan,
  snapshot: SnapshotRecord,
  from: OpenLocation,
  takes: (path: Path) => boolean,
  signal: AbortSignal,
  use: (lines: AsyncGenerator<Wanted>) => Promise<T>,
): Promise<T> {
  const { scratch, clock } = tools;
  const file = { name: snapshot.run, path: snapshot.manifest };
  const manifest = await copyManifest(from.provider, file, { scratch, clock, signal });
  async function* lines(): AsyncGenerator<Wanted> {
    for await (const item of manifest.read()) {
      if (!('line' in item) || item.line.retired || !takes(item.line.path)) continue;
      const where = await held(tools, plan, snapshot.destination, item.line);
      yield { line: item.line, ...(where && { held: where }) };
    }
  }
  try {
    return await use(lines());
  } finally {
    await manifest.remove();
  }
}

interface Prepared {
  preview: RestorePreview;
  snapshots: SnapshotRecord[];
  target: OpenLocation;
  existing: Spool<Entry>;
  takes: (path: Path) => boolean;
}

async function prepare(tools: RunTools, request: RestoreRequest, signal: AbortSignal): Promise<Prepared> {
  const { plan } = request;
  const snapshots = await chooseSnapshot(tools, plan, request.from, request.destination);
  const to = request.to ?? plan.source;
  const target = await tools.places.open(to, signal);
  const existing = createSpool<Entry>(tools.scratch);
  try {
    if (!target.provider.write) {
      throw new UsageError(`Nothing can be written to ${to.text}.`, {
        code: 'read_only',
        advice: `Name another place: restore ${quote(plan.name)} to <folder>`,
      });
    }
    const takes = wanted(request.files);
    // For a few named files single looks are cheaper than a listing of all that is there.
    const few = request.files.length > 0 && target.provider.confirm !== undefined;
    if (!few) await listExisting(target, existing, signal);
    const preview = await withSource(tools, plan, snapshots, signal, async (from, snapshot) => {
      const made: RestorePreview = { snapshot, files: 0, bytes: 0, same: 0, existing: 0, samples: [], to };
      await withLines(tools, plan, snapshot, from, takes, signal, async (lines) => {
        for await (const { line } of lines) {
          if (few) {
            for (const entry of (await target.provider.confirm?.([line.path], { signal })) ?? [])
              existing.add(entry.path, entry);
          }
          made.files++;
          made.bytes += line.size;
          if (made.samples.length < SAMPLES) made.samples.push(line.path);
          const there = existing.get(line.path);
          if (!there) continue;
          if (likelySame(there, line)) made.same++;
          else made.existing++;
        }
      });
      return made;
    });
    if (preview.files === 0) {
      throw new NotFound(
        `No file of that snapshot fits ${request.files.map((file) => `"${file}"`).join(', ') || 'the plan'}.`,
        {
          code: 'no_such_file',
          advice: 'Look for it by a part of its name: `find` and the words.',
          choices: request.files.slice(0, 2).map((file) => ({ label: `Find ${file}`, line: `find ${quote(file)}` })),
        },
      );
    }
    return { preview, snapshots, target, existing, takes };
  } catch (error) {
    existing.close();
    await target.close();
    throw error;
  }
}

async function listExisting(target: OpenLocation, existing: Spool<Entry>, signal: AbortSignal): Promise<void> {
  try {
    for await (const entry of target.provider.list({ signal })) existing.add(entry.path, entry);
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
}

/** For counting only: size and time agree. Before a file is left alone as the same, its bytes are compared. */
const likelySame = (there: Entry, line: ManifestLine): boolean =>
  there.size === line.size &&
  (there.modified === undefined || there.modified.slice(0, 19) === line.modified?.slice(0, 19));

/** Tries the destinations that hold the snapshot one after the other. */
async function withSource<T>(
  tools: RunTools,
  plan: Plan,
  snapshots: readonly SnapshotRecord[],
  signal: AbortSignal,
  use: (from: OpenLocation, snapshot: SnapshotRecord) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  for (const snapshot of snapshots) {
    try {
      const from = await tools.places.open(plan.destinations[snapshot.destination] as Location, signal);
      try {
        return await use(from, snapshot);
      } finally {
        await from.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
      tools.log('warn', 'restore_source_failed', { destination: snapshot.destination, error });
    }
  }
  throw failure;
}

export async function previewRestore(
  tools: RunTools,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<RestorePreview> {
  const { preview, target, existing } = await prepare(tools, request, signal);
  existing.close();
  await target.close();
  return preview;
}

export async function* restore(
  tools: RunTools,
  request: RestoreRequest,
  signal: AbortSignal,
): AsyncGenerator<{ progress: Progress } | { result: RestoreResult }> {
  const prepared = await prepare(tools, request, signal);
  const { preview, target } = prepared;
  const meter = createMeter(tools.clock);
  meter.phase('restoring');
  meter.total(preview.files, preview.bytes);
  const result: RestoreResult = { ...preview, restored: 0, skipped: 0, failed: [] };
  const work = async (both: AbortSignal): Promise<RestoreResult> => {
    await withSource(tools, request.plan, prepared.snapshots, both, (from, snapshot) =>
      restoreAll(tools, request, prepared, from, snapshot, meter, result, both),
    );
    return result;
  };
  try {
    yield* told(work, meter, tools.clock, signal);
  } finally {
    prepared.existing.close();
    await target.close();
  }
}

async function restoreAll(
  tools: RunTools,
  request: RestoreRequest,
  prepared: Prepared,
  from: OpenLocation,
  snapshot: SnapshotRecord,
  meter: Meter,
  result: RestoreResult,
  signal: AbortSignal,
): Promise<void> {
  const { target, existing, takes } = prepared;
  // A second destination starts from the beginning: what is already restored is then the same and left alone.
  Object.assign(result, { restored: 0, skipped: 0, failed: [] });
  const one = async ({ line, held: where }: Wanted): Promise<void> => {
    if (!where) throw new NotFound('These bytes are no longer kept (retention removed them).', { code: 'not_kept' });
    const place = await placeFor(line, existing.get(line.path), request, target, existing, signal);
    if (place === undefined) {
      result.skipped++;
      return;
    }
    await restoreOne(from, where, line, target, place, meter, signal);
    result.restored++;
  };
  const worker = async (lines: AsyncGenerator<Wanted>): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const next = await lines.next();
      if (next.done) return;
      const item = next.value;
      try {
        await one(item);
      } catch (error) {
        signal.throwIfAborted();
        if (!isKeepsakeError(error)) throw error;
        meter.problem();
        result.failed.push({ path: item.line.path, message: error.message });
      }
      meter.file(item.line.path);
    }
  };
  const workers = Math.max(1, Math.min(16, from.traits.parallel, target.traits.parallel));
  await withLines(tools, request.plan, snapshot, from, takes, signal, (lines) =>
    Promise.all(Array.from({ length: workers }, () => worker(lines))),
  );
}

/** Where to write; undefined when the file is to be left alone. Nothing is overwritten without being told to. */
async function placeFor(
  line: ManifestLine,
  there: Entry | undefined,
  request: RestoreRequest,
  target: OpenLocation,
  existing: Spool<Entry>,
  signal: AbortSignal,
): Promise<Path | undefined> {
  if (!there) return line.path;
  if (there.size === line.size && (await hasBytes(target, there, line.sha256, signal))) return undefined;
  if (request.existing === 'replace') return line.path;
  if (request.existing === 'skip') return undefined;
  if (request.existing === 'ask') {
    throw new UsageError('Another file is at its place.', {
      code: 'exists',
      advice: 'Say what to do with it: keep both, replace or skip.',
    });
  }
  for (let n = 2; ; n++) {
    const free = numbered(line.path, n);
    if (existing.has(free)) continue;
    existing.add(free, { ...there, path: free });
    return free;
  }
}

async function hasBytes(target: OpenLocation, entry: Entry, sha256: string, signal: AbortSignal): Promise<boolean> {
  if (entry.hashes?.sha256) return entry.hashes.sha256 === sha256;
  const digest = createHash('sha256');
  for await (const chunk of await target.provider.read(entry, { signal })) digest.update(chunk);
  return digest.digest('hex') === sha256;
}

/** The check comes before the end of the stream, so that a provider never completes a file with other bytes. */
async function* checked(
  from: OpenLocation,
  where: CatalogLine,
  line: ManifestLine,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stored = where.stored ?? where.path;
  const digest = createHash('sha256');
  let size = 0;
  for await (const chunk of await from.provider.read(
    { path: stored, id: where.at ?? stored, size: where.size },
    { signal },
  )) {
    size += chunk.byteLength;
    digest.update(chunk);
    yield chunk;
  }
  if (size !== line.size || digest.digest('hex') !== line.sha256) {
    throw new IntegrityError(`The copy of ${line.path} in the backup is damaged, so it was not restored.`, {
      code: 'copy_damaged',
      advice: 'Try an older snapshot, or run `verify` to look at the other copies.',
    });
  }
}

async function restoreOne(
  from: OpenLocation,
  where: CatalogLine,
  line: ManifestLine,
  target: OpenLocation,
  place: Path,
  meter: Meter,
  signal: AbortSignal,
): Promise<void> {
  const { provider } = target;
  const bytes = checked(from, where, line, signal);
  let content: Uint8Array | AsyncGenerator<Uint8Array> = bytes;
  if (line.size <= WHOLE) {
    const whole = Buffer.allocUnsafe(line.size);
    let got = 0;
    for await (const chunk of bytes) {
      if (got + chunk.byteLength <= line.size) whole.set(chunk, got);
      got += chunk.byteLength;
    }
    content = whole;
  }
  const written = await provider.write?.(
    {
      path: place,
      size: line.size,
      content,
      ...(line.modified !== undefined && { modified: line.modified }),
      ...(line.size <= WHOLE && { hashes: { sha256: line.sha256 } }),
    },
    { signal },
  );
  const size = written?.size ?? (await provider.confirm?.([place], { signal }))?.[0]?.size;
  if (size !== line.size)
    throw new IntegrityError(`${place} was written and the target holds ${size ?? 'nothing'} of ${line.size} bytes.`);
  meter.bytes(line.size);
}
