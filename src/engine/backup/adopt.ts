/** Takes a backup over from what lies at the destination: plans, snapshots and catalog out of the manifests. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sayable } from '../commands/grammar/words.ts';
import { Conflict, IntegrityError, NotFound } from '../errors.ts';
import { nameOf } from '../path.ts';
import type { Adopted, OpenLocation } from '../services.ts';
import { catalogId, catalogRange, type Store, versionId, versionRange } from '../store/store.ts';
import type {
  CatalogLine,
  Entry,
  Filter,
  Location,
  Path,
  Person,
  Plan,
  ReportWhen,
  Retention,
  Schedule,
  SnapshotRecord,
} from '../types.ts';
import { acquireLease, type HeldLease, holderName } from './lease.ts';
import {
  type ManifestFoot,
  type ManifestHead,
  type ManifestLine,
  type PlaceText,
  SNAPSHOTS,
  VERSIONS,
} from './manifest.ts';
import { copyManifest, type ManifestCopy } from './manifest-copy.ts';
import type { RunTools } from './run.ts';
import { runTime } from './run-id.ts';

const BATCH = 1_000;

/** Manifests come from outside: only what has the shape of a schedule or a filter is believed, the rest is left out. */
const schedules = z.union([
  z.object({ cron: z.string().max(100), zone: z.string().max(60) }),
  z.object({ everyDays: z.number().int().min(1), at: z.string(), anchor: z.string(), zone: z.string() }),
  z.object({ everyMinutes: z.number().int().min(15), anchor: z.string(), zone: z.string() }),
  z.object({ at: z.string(), zone: z.string() }),
  z.object({ manual: z.literal(true) }),
]);
const filters = z.object({
  only: z.array(z.string()).optional(),
  except: z.array(z.string()).optional(),
  kinds: z.array(z.enum(['photos', 'videos'])).optional(),
  largerThan: z.number().optional(),
  smallerThan: z.number().optional(),
  since: z.string().optional(),
  before: z.string().optional(),
  albums: z.array(z.string()).optional(),
});
const retentions = z.union([
  z.object({ versions: z.number().int().min(1) }),
  z.object({ days: z.number().int().min(1) }),
  z.object({
    daily: z.number().optional(),
    weekly: z.number().optional(),
    monthly: z.number().optional(),
    yearly: z.number().optional(),
  }),
]);
const reports = z.enum(['always', 'on_failure', 'daily', 'weekly', 'never']);

/** Newest first: run ids sort by time. */
async function manifestsAt(place: OpenLocation, signal: AbortSignal): Promise<{ run: string; entry: Entry }[]> {
  const found: { run: string; entry: Entry }[] = [];
  for await (const entry of place.provider.list({ signal, under: SNAPSHOTS })) {
    const run = /^([\w-]{1,64})\.jsonl\.zst$/.exec(nameOf(entry.path))?.[1];
    if (run) found.push({ run, entry });
  }
  return found.sort((a, b) => (a.run < b.run ? 1 : -1));
}

/** Folders further down that hold a backup; told to someone who named the folder above it. */
async function backupsBelow(place: OpenLocation, signal: AbortSignal): Promise<Path[]> {
  const folders = new Set<Path>();
  for await (const entry of place.provider.list({ signal })) {
    const cut = entry.path.indexOf(`/${SNAPSHOTS}/`);
    if (cut > 0) folders.add(entry.path.slice(0, cut));
    if (folders.size >= 5) break;
  }
  return [...folders];
}

const sameLocation = (a: Location, b: Location): boolean =>
  a.kind === b.kind && a.account === b.account && a.root === b.root;

async function resolve(store: Store, place: PlaceText, owner: Person): Promise<Location | undefined> {
  const base = { kind: place.kind, root: place.root, text: place.text };
  // A manifest may name any folder of the machine, also those that only owners may use.
  if (place.account === undefined) return owner.role === 'owner' ? base : undefined;
  for await (const account of store.find('accounts', { index: 'owner', equals: [owner.id] })) {
    if (account.name === place.account && account.kind === place.kind) return { ...base, account: account.id };
  }
  return undefined;
}

async function freeName(store: Store, owner: Person, wanted: string): Promise<string> {
  const taken = new Set<string>();
  for await (const plan of store.find('plans', { index: 'owner', equals: [owner.id] }))
    taken.add(plan.name.toLowerCase());
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted} ${n}`;
    if (!taken.has(name.toLowerCase())) return name;
  }
}

async function planFor(
  tools: RunTools,
  head: ManifestHead,
  location: Location,
  owner: Person,
): Promise<{ plan: Plan; destination: number }> {
  const { store } = tools;
  const known = await store.get('plans', head.plan.id);
  if (known) {
    const destination = known.destinations.findIndex((each) => sameLocation(each, location));
    if (destination >= 0 && (known.owner === owner.id || owner.role === 'owner')) return { plan: known, destination };
    throw new Conflict(`The backup at ${location.text} belongs to a plan that is already here, with another place.`, {
      code: 'already_known',
      advice: `Look at it with: show ${JSON.stringify(known.name)}`,
    });
  }
  const source = await resolve(store, head.plan.source, owner);
  const others: Location[] = [];
  for (const [index, place] of head.plan.destinations.entries()) {
    if (index === head.destination) continue;
    const found = await resolve(store, place, owner);
    if (found && !sameLocation(found, location)) others.push(found);
  }
  const schedule = schedules.safeParse(head.plan.schedule);
  const filter = filters.safeParse(head.plan.filter);
  const retention = retentions.safeParse(head.plan.retention);
  const report = reports.safeParse(head.plan.report);
  const { kind, root, text } = head.plan.source;
  const plan: Plan = {
    id: head.plan.id,
    owner: owner.id,
    name: await freeName(store, owner, sayable(head.plan.name.slice(0, 200)) || 'adopted'),
    // No account has this id, so nothing opens the folder, neither `run` nor `restore`.
    source: source ?? { kind, root, text, ...(kind === 'local' && { account: 'not-open' }) },
    destinations: [location, ...others],
    schedule: (schedule.success ? schedule.data : { manual: true }) as Schedule,
    filter: (filter.success ? filter.data : {}) as Filter,
    ...(retention.success && { retention: retention.data as Retention }),
    report: (report.success ? report.data : 'always') as ReportWhen,
    ...(head.plan.limit !== undefined && { limit: head.plan.limit }),
    ...(head.plan.layout !== undefined && { layout: head.plan.layout }),
    // A source that nobody is signed in to cannot be backed up: the plan waits for `connect` and `resume`.
    state: source ? 'active' : 'paused',
    line: head.plan.line,
    created: tools.clock.now().toISOString(),
  };
  return { plan: await store.put('plans', plan), destination: 0 };
}

/** Reads one manifest to its foot; `onLine` sees the lines. Throws before the foot when it is damaged. */
async function readAll(
  copy: ManifestCopy,
  onHead: (head: ManifestHead) => Promise<void> = async () => undefined,
  onLine: (line: ManifestLine) => Promise<void> = async () => undefined,
): Promise<{ head: ManifestHead; foot: ManifestFoot }> {
  let head: ManifestHead | undefined;
  let foot: ManifestFoot | undefined;
  for await (const item of copy.read()) {
    if ('head' in item) {
      head = item.head;
      await onHead(head);
    } else if ('line' in item) await onLine(item.line);
    else foot = item.foot;
  }
  return { head, foot } as { head: ManifestHead; foot: ManifestFoot };
}

/** Where the bytes of the current tree lie that a later run, of which there is no whole manifest, moved away. */
type Moved = ReadonlyMap<Path, { run: string; path: Path }>;

/** By stored path. `known`: the runs that the manifest speaks of. */
async function movedSince(
  place: OpenLocation,
  manifest: string,
  known: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Moved> {
  const moved = new Map<Path, { run: string; path: Path }>();
  for await (const { path } of place.provider.list({ signal, under: VERSIONS })) {
    const [, run, stored] = /^([^/]+)\/(.+)$/s.exec(path.slice(VERSIONS.length + 1)) ?? [];
    if (run === undefined || stored === undefined || run <= manifest || known.has(run)) continue;
    const other = moved.get(stored);
    // The first one moved the bytes that the manifest speaks of; any other what had come in their place.
    if (!other || run < other.run) moved.set(stored, { run, path });
  }
  return moved;
}

function catalogLine(plan: Plan, destination: number, line: ManifestLine, moved: Moved): CatalogLine {
  const away = line.retired ? undefined : moved.get(line.stored ?? line.path);
  if (away) {
    const { stored: _stored, at: _at, atVersion: _version, ...rest } = line;
    return {
      ...rest,
      id: versionId(plan.id, destination, line.path, away.run),
      stored: away.path,
      retired: { run: away.run, at: runTime(away.run) },
    };
  }
  const id = line.retired
    ? versionId(plan.id, destination, line.path, line.retired.run)
    : catalogId(plan.id, destination, line.path);
  return { ...line, id };
}

async function fillCatalog(
  tools: RunTools,
  copy: ManifestCopy,
  moved: Moved,
  location: Location,
  owner: Person,
): Promise<{ plan: Plan; destination: number; head: ManifestHead; foot: ManifestFoot }> {
  const { store } = tools;
  let made: { plan: Plan; destination: number } | undefined;
  let batch: CatalogLine[] = [];
  const flush = async (): Promise<void> => {
    await store.putMany('catalog', batch);
    batch = [];
  };
  // Nobody may work the plan while its catalog is being replaced.
  let lease: HeldLease | undefined;
  const filled = async () =>
    readAll(
      copy,
      async (head) => {
        lease = await acquireLease(tools, head.plan.id, holderName(randomBytes(6).toString('hex')));
        made = await planFor(tools, head, location, owner);
        for (const { from, to } of [
          catalogRange(made.plan.id, made.destination),
          versionRange(made.plan.id, made.destination),
        ]) {
          await store.removeRange('catalog', from, to);
        }
      },
      async (line) => {
        const { plan, destination } = made as { plan: Plan; destination: number };
        batch.push(catalogLine(plan, destination, line, moved));
        if (batch.length >= BATCH) await flush();
      },
    );
  try {
    const read = await filled();
    await flush();
    return { ...(made as { plan: Plan; destination: number }), ...read };
  } finally {
    await lease?.release();
  }
}

const recordOf = (
  plan: Plan,
  destination: number,
  entry: Entry,
  head: ManifestHead,
  foot: ManifestFoot,
): SnapshotRecord => ({
  id: `${head.run}.${destination}`,
  plan: plan.id,
  destination,
  run: head.run,
  started: head.started,
  ended: foot.ended,
  files: foot.files,
  bytes: foot.bytes,
  manifest: entry.path,
  sha256: foot.sha256,
});

/**
 * The newest undamaged manifest of each plan found there gives the plan and its catalog; every older one becomes a
 * restore point. Damaged ones are left out, and told. `NotFound` when there is no backup.
 */
export async function adopt(
  tools: RunTools,
  location: Location,
  owner: Person,
  signal: AbortSignal,
): Promise<Adopted[]> {
  const place = await tools.places.open(location, signal);
  try {
    const manifests = await manifestsAt(place, signal);
    const adopted = new Map<string, Omit<Adopted, 'damaged'> & { destination: number }>();
    const damaged: { run: string; message: string }[] = [];
    let damage: unknown;
    for (const found of manifests) {
      signal.throwIfAborted();
      try {
        const { scratch, clock } = tools;
        const { path, id } = found.entry;
        const copy = await copyManifest(place.provider, { name: found.run, path, id }, { scratch, clock, signal });
        try {
          // Read to its end before anything is made of it: a damaged manifest must leave no plan behind.
          const runs = new Set<string>();
          const { head, foot } = await readAll(copy, undefined, async (line) => {
            runs.add(line.retired?.run ?? line.run);
          });
          const known = adopted.get(head.plan.id);
          const made =
            known ?? (await fillCatalog(tools, copy, await movedSince(place, head.run, runs, signal), location, owner));
          const snapshot = recordOf(made.plan, made.destination, found.entry, head, foot);
          await tools.store.putMany('snapshots', [snapshot]);
          if (!known) adopted.set(head.plan.id, { plan: made.plan, snapshot, destination: made.destination });
        } finally {
          await copy.remove();
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof IntegrityError)) throw error;
        damage ??= error;
        damaged.push({ run: found.run, message: error.message });
        tools.log('warn', 'manifest_left_out', { run: found.run, error });
      }
    }
    if (adopted.size > 0) return [...adopted.values()].map(({ plan, snapshot }) => ({ plan, snapshot, damaged }));
    if (damage) throw damage;
    const below = await backupsBelow(place, signal);
    throw new NotFound(`There is no backup of Keepsake at ${location.text}.`, {
      code: 'no_backup',
      advice:
        below.length > 0
          ? `There is one further down: ${below.join(', ')}. Adopt that folder.`
          : 'Check the folder; it must hold ".keepsake/snapshots".',
    });
  } finally {
    await place.close();
  }
}
