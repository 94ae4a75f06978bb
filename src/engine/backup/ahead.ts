/** Folders are asked for some steps before their first file: over a line with latency, all files would wait for them. */
import { parentOf, storedPath } from '../path.ts';
import type { Path } from '../types.ts';
import type { Step } from './decide.ts';
import { laidOut } from './layout.ts';
import type { TransferContext } from './target.ts';

/**
 * The same steps in the same order; `announce` hears of each one `distance` steps before it is taken (of the first ones at
 * the first).
 */
export function* foreseen(steps: Iterator<Step>, distance: number, announce: (step: Step) => void): Generator<Step> {
  const coming: Step[] = [];
  for (let ended = false; ; ) {
    while (!ended && coming.length <= distance) {
      const next = steps.next();
      if (next.done) ended = true;
      else {
        coming.push(next.value);
        announce(next.value);
      }
    }
    const step = coming.shift();
    if (!step) return;
    yield step;
  }
}

/**
 * Has the folder of a new file made at each destination that can. Steps come in the order of paths, so the folder before is
 * all that has to be remembered. Nobody hears of a failure: whoever writes into the folder meets it again.
 */
export function folderMaker(t: TransferContext): (step: Step) => void {
  const before = new Map<number, Path>();
  return ({ entry, needs }) => {
    if (!entry) return;
    for (const { destination, action, line } of needs) {
      const place = t.destinations.find(({ index }) => index === destination)?.open;
      if (!place?.provider.makeFolder || action !== 'copy' || line) continue;
      const folder = parentOf(storedPath(laidOut(entry, t.plan.layout), place.traits.forbidden));
      if (folder === '' || before.get(destination) === folder) continue;
      before.set(destination, folder);
      place.provider.makeFolder(folder, { signal: t.signal }).catch(() => undefined);
    }
  };
}
