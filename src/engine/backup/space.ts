/** Room at the destinations: whether the new files fit, and how much is left. */
import { NotFound, QuotaExceeded } from '../errors.ts';
import type { OpenLocation } from '../services.ts';
import type { Log, Run } from '../types.ts';
import { sizeWords } from '../wording.ts';
import type { Destination } from './target.ts';
import { within } from './within.ts';

/** A service that does not answer this in 10 s is not waited for: the copies are there, and somebody wants to hear it. */
const WAIT = 10_000;

type Space = NonNullable<Run['space']>[number];

/** All at once, within 10 s. A place that does not tell is left out; that is never a reason for a run to fail. */
export async function spaceOf(
  places: readonly Pick<OpenLocation, 'location' | 'provider'>[],
  log: Log,
  outer: AbortSignal,
): Promise<Space[]> {
  const asked = places.map(async ({ location, provider }): Promise<Space[]> => {
    try {
      const { free, total } = await within(WAIT, outer, (signal) => provider.check({ signal }));
      if (free === undefined && total === undefined) return [];
      return [
        {
          destination: location.text,
          ...(free === undefined ? {} : { free }),
          ...(total === undefined ? {} : { total }),
        },
      ];
    } catch (error) {
      log('debug', 'space_unknown', { destination: location.text, error });
      return [];
    }
  });
  return (await Promise.all(asked)).flat();
}

/** A destination that is made by the first write has no free space to tell of yet. */
async function freeAt(destination: Destination, signal: AbortSignal): Promise<number | undefined> {
  try {
    return (await destination.open.provider.check({ signal })).free;
  } catch (error) {
    if (error instanceof NotFound && destination.survey?.files.size === 0) return undefined;
    throw error;
  }
}

/** Throws `QuotaExceeded` when it tells of less room than is needed. */
export async function mustFit(destination: Destination, wanted: number, signal: AbortSignal): Promise<void> {
  if (wanted === 0) return;
  const free = await freeAt(destination, signal);
  if (free === undefined || free >= wanted) return;
  const { text } = destination.open.location;
  throw new QuotaExceeded(
    `${text} has ${sizeWords(free)} free and ${sizeWords(wanted)} are needed. Nothing was copied.`,
    {
      missing: wanted - free,
    },
  );
}
