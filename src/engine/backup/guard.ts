/** When a run would change or remove suspiciously much, a person is asked before the first destructive step. Pure. */
import type { Counts } from '../types.ts';
import { manyWords } from '../wording.ts';

/** Below this many files a person sees for themselves what happened. */
const AT_LEAST = 20;
const SHARE = 0.2;

/** The question to ask, or undefined when the run may go on. `held` is how many files the destination holds now. */
export function guardQuestion(
  counts: Pick<Counts, 'files' | 'changed' | 'vanished'>,
  held: number,
): string | undefined {
  // An empty source is more often an unmounted disk or an empty account than a wish.
  if (counts.files === 0 && held > 0) {
    return `The source is empty, and the backup holds ${manyWords(held, 'file')}. Nothing has been touched. Is a disk not connected?`;
  }
  const touched = counts.changed + counts.vanished;
  if (touched < AT_LEAST || touched < held * SHARE) return undefined;
  const parts = [
    counts.vanished > 0 ? `${counts.vanished} of ${held} files have vanished` : '',
    counts.changed > 0 ? `${counts.changed} have changed` : '',
  ].filter((part) => part !== '');
  return `${parts.join(' and ')} at the source since the last backup. Nothing has been touched yet. Is this what you expect?`;
}
