/** A failure as a report shows it. Pure. */
import { isKeepsakeError } from '../errors.ts';
import type { Path, Problem } from '../types.ts';

export const describe = (error: unknown, path?: Path, destination?: string): Problem => ({
  ...(path !== undefined && { path }),
  ...(destination !== undefined && { destination }),
  code: isKeepsakeError(error) ? error.code : 'unexpected',
  message: error instanceof Error ? error.message : String(error),
  advice: isKeepsakeError(error) ? error.advice : 'The next run tries again; if it stays, look into the log.',
});
