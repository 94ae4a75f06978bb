/** The two listings of a run: the source's files within the filter, and what lies at a destination. */
import { FileRejected, NotFound } from '../errors.ts';
import { isOwnPath, wellFormed } from '../path.ts';
import type { Spool } from '../store/spool.ts';
import type { CatalogLine, Entry, Problem, Provider } from '../types.ts';
import { numbered } from './layout.ts';
import { VERSIONS } from './manifest.ts';
import type { Meter } from './progress.ts';

export interface Listing {
  /** False when a part could not be read: then nothing counts as vanished. */
  complete: boolean;
  problems: Problem[];
}

/**
 * Two files of one name stay two: the one with the lower id keeps the name, the next becomes `name (2)`. Inserted so that
 * the answer does not depend on the order in which the service lists them.
 */
function addApart(spool: Spool<Entry>, entry: Entry): void {
  let guest = entry;
  for (let n = 1; ; n++) {
    const path = n === 1 ? entry.path : numbered(entry.path, n);
    const host = spool.get(path);
    if (!host) {
      spool.add(path, { ...guest, path });
      return;
    }
    if (guest.id < host.id) {
      spool.add(path, { ...guest, path });
      guest = host;
    }
  }
}

/**
 * Puts the source's files into the spool, and the names of those that the filter leaves out into `leftOut`: they are at the
 * source and have not vanished. Throws what the listing throws, except that a folder may be unreadable.
 */
export async function listSource(
  provider: Provider,
  takes: (entry: Entry) => boolean,
  spool: Spool<Entry>,
  leftOut: Spool<true>,
  meter: Meter,
  signal: AbortSignal,
): Promise<Listing> {
  try {
    for await (const listed of provider.list({ signal })) {
      signal.throwIfAborted();
      const entry = listed.path.isWellFormed() ? listed : { ...listed, path: wellFormed(listed.path) };
      if (!takes(entry)) {
        leftOut.add(entry.path, true);
        continue;
      }
      meter.files(1);
      if (entry.size !== undefined) meter.bytes(entry.size);
      if (spool.has(entry.path)) addApart(spool, entry);
      else spool.add(entry.path, entry);
    }
    return { complete: true, problems: [] };
  } catch (error) {
    if (!(error instanceof FileRejected)) throw error;
    const { code, message, advice } = error;
    return { complete: false, problems: [{ code, message, advice }] };
  }
}

export interface Survey {
  /** What lies in the current tree, by stored path. */
  files: Spool<Entry>;
  /** Older versions that lie below `.keepsake/versions`, by their path there. */
  versions: Spool<Entry>;
}

/** Looks at everything a destination holds. Needed when the catalog may not know it all: first run, unfinished run. */
export async function surveyDestination(
  provider: Provider,
  spools: () => Spool<Entry>,
  signal: AbortSignal,
): Promise<Survey> {
  const survey: Survey = { files: spools(), versions: spools() };
  try {
    for await (const entry of provider.list({ signal })) {
      signal.throwIfAborted();
      if (!isOwnPath(entry.path)) survey.files.add(entry.path, entry);
      else if (entry.path.startsWith(`${VERSIONS}/`)) survey.versions.add(entry.path, entry);
    }
  } catch (error) {
    // The folder will be made by the first write.
    if (!(error instanceof NotFound)) throw error;
  }
  return survey;
}

/**
 * Where an interrupted run left the bytes of a catalog line, if it did: moved to the versions, and not recorded. What lies
 * in the line's place then, if anything, are newer bytes that no catalog knows. `unfinished` is newest first. Runs before
 * the one that brought the bytes moved other, older ones; of the later ones the first moved these, any other moved what
 * a dead run had put in their place.
 */
export function strayVersion(
  survey: Survey | undefined,
  unfinished: readonly string[],
  line: Pick<CatalogLine, 'path' | 'stored' | 'run'>,
): Entry | undefined {
  const own = unfinished.indexOf(line.run);
  for (const run of unfinished.slice(0, own < 0 ? undefined : own).toReversed()) {
    const found = survey?.versions.get(`${VERSIONS}/${run}/${line.stored ?? line.path}`);
    if (found) return found;
  }
  return undefined;
}
