/** How much room the destinations have, as far as they tell soon; never a reason for a run to fail. */
import type { OpenLocation } from '../services.ts';
import type { Log, Run } from '../types.ts';
import { within } from './within.ts';

/** A service that does not answer this in 10 s is not waited for: the copies are there, and somebody wants to hear it. */
const WAIT = 10_000;

type Space = NonNullable<Run['space']>[number];

/** All at once, within 10 s. A place that does not tell is left out. */
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
