/** One file at one destination: where it goes, what is in its way, and how an older version is kept. */
import { createHash } from 'node:crypto';
import { FileRejected, NotFound } from '../errors.ts';
import { caseKey, storedPath } from '../path.ts';
import type { OpenLocation } from '../services.ts';
import type { Spool } from '../store/spool.ts';
import { catalogId, type Store, versionId, type Write } from '../store/store.ts';
import type { CatalogLine, Clock, Entry, Path, Plan, Problem, Provider, UploadMemo } from '../types.ts';
import type { Target } from './copy.ts';
import type { Need } from './decide.ts';
import type { Gate } from './gate.ts';
import { freePath, laidOut } from './layout.ts';
import { type Survey, strayVersion } from './listing.ts';
import type { Losses } from './losses.ts';
import { versionPath } from './manifest.ts';
import type { Meter } from './progress.ts';

export interface Side {
  open: OpenLocation;
  gate: Gate;
}

export interface Destination extends Side {
  index: number;
  survey?: Survey;
  /** Stored paths in use, where they may differ from the source's paths. */
  taken?: Spool<Path>;
}

export interface TransferContext {
  plan: Plan;
  run: string;
  store: Store;
  clock: Clock;
  meter: Meter;
  source: Side;
  destinations: readonly Destination[];
  /** Runs that did not finish since the last snapshot, newest first. */
  unfinished: readonly string[];
  memo(destination: number, entry: Entry): UploadMemo;
  problem(problem: Problem): void;
  losses: Losses;
  /** Aborted by `stop`, by a lost lease, or here by a failure that concerns the whole run. */
  signal: AbortSignal;
  abort(error: unknown): void;
}

export interface Prepared {
  stored: Path;
  /** Catalog writes for the older version once it is away. */
  retired: Write[];
  /** The line whose file has to be moved away before the new bytes may take its place. */
  replaces?: CatalogLine;
  /** The older version was already away when the run began: an interrupted run had moved it. */
  stray?: true;
  /** A file that no catalog knows, in the way. */
  stranger?: Entry;
  /** The destination already has these bytes. */
  already?: { size: number; sha256: string };
}

export const side = (s: Side) => ({ provider: s.open.provider, traits: s.open.traits });
export const put = (line: CatalogLine): Write => ({ table: 'catalog', put: line });

/** Gates are entered in one order everywhere (that of the accounts' names), so two runs cannot wait for each other. */
export async function inGates<T>(sides: readonly Side[], work: () => Promise<T>): Promise<T> {
  const gates = [...new Set([...sides].sort((a, b) => (gateKey(a) < gateKey(b) ? -1 : 1)).map((s) => s.gate))];
  const enter = (i: number): Promise<T> => {
    const gate = gates[i];
    return gate ? gate.run(() => enter(i + 1)) : work();
  };
  return await enter(0);
}

const gateKey = (s: Side): string => s.open.location.account ?? s.open.location.kind;

export function lineOf(
  t: TransferContext,
  need: Need,
  entry: Entry,
  stored: Path,
  copied: Pick<CatalogLine, 'size' | 'sha256' | 'at' | 'atVersion'>,
): CatalogLine {
  return {
    id: catalogId(t.plan.id, need.destination, entry.path),
    path: entry.path,
    ...(stored !== entry.path && { stored }),
    ...(entry.modified !== undefined && { modified: entry.modified }),
    ...(entry.version !== undefined && { version: entry.version }),
    ...(entry.id !== entry.path && { source: entry.id }),
    ...(entry.about && { about: entry.about }),
    ...copied,
    run: t.run,
  };
}

export async function prepare(
  t: TransferContext,
  destination: Destination,
  entry: Entry,
  need: Need,
): Promise<Prepared> {
  const { traits } = destination.open;
  if (traits.maxFileSize !== undefined && (entry.size ?? 0) > traits.maxFileSize) {
    throw new FileRejected(
      `${entry.path} is larger than ${destination.open.location.text} takes (${traits.maxFileSize} bytes).`,
      {
        code: 'too_large',
      },
    );
  }
  if (need.line) {
    const stored = need.line.stored ?? need.line.path;
    const stray = strayVersion(destination.survey, t.unfinished, need.line);
    if (!stray) return { stored, retired: [], replaces: need.line };
    const retired = retiredAs(t, destination, need.line, stray.path);
    return { stored, retired, stray: true, ...(await inTheWay(t, destination, entry, stored)) };
  }
  const wanted = laidOut(entry, t.plan.layout);
  const key = (stored: Path) => (traits.caseSensitive ? stored : caseKey(stored));
  const stored = freePath(wanted, traits.forbidden, (path) => destination.taken?.has(key(path)) ?? false);
  destination.taken?.add(key(stored), entry.path);
  // Looked for under its first name and as written; a number or the case of a letter may have hidden what lies there.
  const unseen = stored !== storedPath(wanted, traits.forbidden) || !traits.caseSensitive;
  return { stored, retired: [], ...(await inTheWay(t, destination, entry, stored, unseen)) };
}

/** A file in a place that no catalog line speaks of: the very bytes that are to come, or something to move away first. */
async function inTheWay(
  t: TransferContext,
  destination: Destination,
  entry: Entry,
  stored: Path,
  unseen = false,
): Promise<Pick<Prepared, 'already' | 'stranger'>> {
  let there = destination.survey?.files.get(stored);
  if (!there && unseen) [there] = (await destination.open.provider.confirm?.([stored], { signal: t.signal })) ?? [];
  if (!there) return {};
  if (there.size === entry.size && entry.size !== undefined) {
    const mine = await sha256Of(t.source.open.provider, entry, t.signal);
    const theirs = await sha256Of(destination.open.provider, there, t.signal);
    if (mine === theirs) return { already: { size: entry.size, sha256: mine } };
  }
  return { stranger: there };
}

async function sha256Of(provider: Provider, entry: Entry, signal: AbortSignal): Promise<string> {
  if (entry.hashes?.sha256) return entry.hashes.sha256;
  const digest = createHash('sha256');
  for await (const chunk of await provider.read(entry, { signal })) digest.update(chunk);
  return digest.digest('hex');
}

/** The target as `copyFile` sees it: just before the first byte is written, what is in the way goes to the versions. */
export function targetOf(t: TransferContext, destination: Destination, entry: Entry, ready: Prepared): Target {
  const { provider, traits } = destination.open;
  return {
    traits,
    stored: ready.stored,
    memo: t.memo(destination.index, entry),
    provider: {
      ...bound(provider),
      async write(file, o) {
        if (ready.replaces && ready.retired.length === 0)
          ready.retired = await moveAway(t, destination, ready.replaces);
        if (ready.stranger) await makeRoom(t, destination, ready);
        if (!provider.write) throw new NotFound('This place cannot be written to.', { code: 'read_only' });
        return await provider.write(file, o);
      },
    },
  };
}

/** Whatever a stranger is, it is not destroyed. */
async function makeRoom(t: TransferContext, destination: Destination, ready: Prepared): Promise<void> {
  if (!ready.stranger) return;
  await destination.open.provider.move?.(ready.stranger, versionPath(t.run, ready.stored), { signal: t.signal });
  delete ready.stranger;
}

const bound = (provider: Provider): Pick<Provider, 'check' | 'list' | 'read' | 'remove'> => ({
  check: (o) => provider.check(o),
  list: (o) => provider.list(o),
  read: (entry, o) => provider.read(entry, o),
  ...(provider.remove && { remove: (entry, o) => provider.remove?.(entry, o) ?? Promise.resolve() }),
});

/** Moves a replaced or vanished file to the versions; answers the catalog writes that say so. */
export async function moveAway(t: TransferContext, destination: Destination, line: CatalogLine): Promise<Write[]> {
  const { provider } = destination.open;
  const stored = line.stored ?? line.path;
  if (!provider.move) {
    throw new FileRejected(
      `${destination.open.location.text} cannot keep older versions, so ${line.path} was left as it is.`,
      {
        code: 'no_versions',
      },
    );
  }
  const to = versionPath(t.run, stored);
  const stray = strayVersion(destination.survey, t.unfinished, line);
  const there = destination.survey?.files.get(stored);
  if (stray) {
    if (there) await provider.move(there, to, { signal: t.signal });
    return retiredAs(t, destination, line, stray.path);
  }
  try {
    await provider.move({ path: stored, id: line.at ?? stored }, to, { signal: t.signal });
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    // Removed by someone at the destination: there is nothing to keep.
    return [{ table: 'catalog', remove: line.id }];
  }
  return retiredAs(t, destination, line, to);
}

/** The catalog writes that say: the bytes of `line` are an older version now and lie at `to`. */
function retiredAs(t: TransferContext, destination: Destination, line: CatalogLine, to: Path): Write[] {
  const { id: _id, rev: _rev, stored: _stored, at: _at, atVersion: _version, ...rest } = line;
  const version: CatalogLine = {
    ...rest,
    id: versionId(t.plan.id, destination.index, line.path, t.run),
    stored: to,
    retired: { run: t.run, at: t.clock.now().toISOString() },
  };
  return [put(version), { table: 'catalog', remove: line.id }];
}

/** The new bytes did not come: the older version goes back to its place, or the catalog tells where it is. */
export async function putBack(
  t: TransferContext,
  destination: Destination,
  ready: Prepared | undefined,
): Promise<void> {
  const version = ready?.retired.find((write): write is { table: 'catalog'; put: CatalogLine } => 'put' in write);
  if (!ready || !version?.put.stored) return;
  try {
    if (ready.stray) {
      await makeRoom(t, destination, ready);
      await t.store.commit(ready.retired);
    } else
      await destination.open.provider.move?.({ path: version.put.stored, id: version.put.stored }, ready.stored, {
        signal: t.signal,
      });
  } catch {
    await t.store.commit(ready.retired);
  }
  ready.retired = [];
}
