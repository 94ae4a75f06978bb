/**
 * Errors sorted by what happens next. Each carries a stable `code` and one sentence of `advice` for the person.
 * Failure is thrown with its `cause`, never returned. Imports nothing.
 */

export interface ErrorDetails {
  code?: string;
  /** What the person can do now, one sentence. */
  advice?: string;
  /** Lines that would work now, for buttons ("did you mean ..."). */
  choices?: readonly { label: string; line: string }[];
  cause?: unknown;
}

/** Never thrown itself: the classes below say what happens next. */
export abstract class KeepsakeError extends Error {
  readonly code: string;
  readonly advice: string;
  readonly choices: readonly { label: string; line: string }[];

  constructor(message: string, details: ErrorDetails & { code: string; advice: string }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.advice = details.advice;
    this.choices = details.choices ?? [];
  }
}

/** Wait and try the same call again. `after` is in milliseconds, as the service asked. */
export class RetryLater extends KeepsakeError {
  readonly after: number | undefined;

  constructor(message: string, details: ErrorDetails & { after?: number | undefined } = {}) {
    super(message, {
      code: 'retry_later',
      advice: 'Nothing to do: Keepsake tries again by itself.',
      ...details,
    });
    this.after = details.after;
  }
}

/** Stop, ask the owner to sign in, resume where it stood. */
export class AuthRequired extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, {
      code: 'auth_required',
      advice: 'Sign in again with `connect`; the backup then goes on where it stood.',
      ...details,
    });
  }
}

/** Stop and say how much is missing. `missing` is in bytes where known. */
export class QuotaExceeded extends KeepsakeError {
  readonly missing: number | undefined;

  constructor(message: string, details: ErrorDetails & { missing?: number | undefined } = {}) {
    super(message, {
      code: 'quota_exceeded',
      advice: 'Free some space at the destination, or back up less with `only` or `except`, then run it again.',
      ...details,
    });
    this.missing = details.missing;
  }
}

/** Skip this file and report it; the others go on. */
export class FileRejected extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, {
      code: 'file_rejected',
      advice: 'The other files are backed up; this one is reported until it can be stored.',
      ...details,
    });
  }
}

export class NotFound extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, {
      code: 'not_found',
      advice: 'Check the name; `list` and `accounts` show what there is.',
      ...details,
    });
  }
}

/** Someone was faster: a newer revision is stored, or the bytes changed while they were read. */
export class Conflict extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: 'conflict', advice: 'The next run takes the newer state.', ...details });
  }
}

/** Shown as help, with a suggestion that works. */
export class UsageError extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: 'usage', advice: 'Type `help` for what can be said.', ...details });
  }
}

/** The caller may not do this. */
export class NotAllowed extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: 'not_allowed', advice: 'Ask the owner of this Keepsake.', ...details });
  }
}

/** Bytes differ from what was promised: never retried silently, always reported. */
export class IntegrityError extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, {
      code: 'integrity',
      advice: 'The damaged copy was not kept; run `verify` to look at the rest.',
      ...details,
    });
  }
}

/** This message never arrives, however often it is sent: not tried again. */
export class Undeliverable extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: 'undeliverable', advice: 'Backups go on; `status` shows what it was.', ...details });
  }
}

/** Aborted on purpose: `stop`, a pause, a shutdown or a lost lease. What is confirmed stays. */
export class Stopped extends KeepsakeError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: 'stopped', advice: 'What is copied stays; the next run goes on from there.', ...details });
  }
}

export const isKeepsakeError = (error: unknown): error is KeepsakeError => error instanceof KeepsakeError;

/** Codes that Node and undici give to a connection that failed but may work later. */
const PASSING = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** True for a failure of the network as such, however deep it is wrapped. */
export function isPassing(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === 'string' && PASSING.has(code)) return true;
  }
  return false;
}
