/** A failure as a report shows it. Pure. */
import { isKeepsakeError, RetryLater } from '../errors.ts';
import { redact } from '../log.ts';
import type { Choice, Path, Problem } from '../types.ts';

const TRIES_AGAIN = new RetryLater('').advice;
/** Said where the waiting is over: from there on nobody tries again by itself. */
const WAITED =
  'It was tried for a while. Once it can be reached, run the backup again: what was copied stays, and it goes on from there.';

function adviceFor(error: unknown): string {
  if (!isKeepsakeError(error)) return 'The next run tries again; if it stays, look into the log.';
  return error.advice === TRIES_AGAIN ? WAITED : error.advice;
}

/** The first line that an error offers; on a button it says what it does. */
const fixOf = (error: unknown): { fix?: Choice } => {
  const [first] = isKeepsakeError(error) ? error.choices : [];
  return first ? { fix: { label: first.label, line: first.line } } : {};
};

export const describe = (error: unknown, path?: Path, destination?: string): Problem => ({
  ...(path !== undefined && { path }),
  ...(destination !== undefined && { destination }),
  code: isKeepsakeError(error) ? error.code : 'unexpected',
  // What we did not foresee may hold anything, an address with its password too.
  message: isKeepsakeError(error) ? error.message : redact(error instanceof Error ? error.message : String(error)),
  advice: adviceFor(error),
  ...fixOf(error),
});
