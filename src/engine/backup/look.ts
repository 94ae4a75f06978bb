/** The look at a destination before a run works there: is it the one, and what lies there that the catalog may not know? */
import { NotFound } from '../errors.ts';
import type { OpenLocation } from '../services.ts';
import type { Spool } from '../store/spool.ts';
import type { Entry, Log, Path, Run, SnapshotRecord } from '../types.ts';
import { surveyDestination } from './listing.ts';
import { SNAPSHOTS } from './manifest.ts';
import type { Destination } from './target.ts';

interface Past {
  unfinished: readonly string[];
  hasFinished: boolean;
  spool(): Spool<Entry>;
}

/**
 * Makes sure that the destination is the one that was written to: an unmounted disk leaves an empty folder behind, and
 * filling that would be no backup. Surveys it where the catalog may not know all that is there.
 */
export async function look(
  log: Log,
  destination: Destination,
  previous: SnapshotRecord | undefined,
  run: Run,
  past: Past,
  signal: AbortSignal,
): Promise<void> {
  const { provider, location } = destination.open;
  const isThere = previous === undefined || (await holdsManifest(provider, previous.manifest, signal));
  if (!isThere && !run.approved) {
    throw new NotFound(`The backup that was at ${location.text} is not there now. Nothing was copied.`, {
      code: 'destination_gone',
      advice:
        'Connect the disk or check the place. If you emptied it on purpose, say `run <plan> anyway`: it is then filled again.',
    });
  }
  if (isThere && previous && past.unfinished.length === 0 && past.hasFinished) return;
  if (past.unfinished.length > 0 && run.started !== undefined) {
    await provider.sweep?.({ signal, before: run.started }).catch((error: unknown) => {
      signal.throwIfAborted();
      log('warn', 'not_swept', { run: run.id, destination: location.text, error });
    });
  }
  destination.survey = await surveyDestination(provider, past.spool, signal);
}

async function holdsManifest(
  provider: OpenLocation['provider'],
  manifest: Path,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    for await (const entry of provider.list({ signal, under: SNAPSHOTS })) if (entry.path === manifest) return true;
    return false;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}
