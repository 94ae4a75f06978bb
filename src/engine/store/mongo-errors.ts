/**
 * What a failure of MongoDB means for the backup, without the password that its URI holds. The driver's
 * errors are known by their names here, so that `mongo.ts` stays its only importer.
 */
import { FileRejected, isKeepsakeError, QuotaExceeded, RetryLater, Stopped, UsageError } from '../errors.ts';

/** Server codes, https://www.mongodb.com/docs/manual/reference/error-codes/ */
const DUPLICATE = 11000;
const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = 18;
const ATLAS_SIGN_IN_FAILED = 8000;
const OBJECT_TOO_LARGE = 10334;
const OUT_OF_DISK_SPACE = 14031;

/** Thrown by the driver before or without an answer of the server. */
const AWAY = new Set(['MongoNetworkError', 'MongoNetworkTimeoutError', 'MongoServerSelectionError']);
const CLOSED = new Set(['MongoNotConnectedError', 'MongoTopologyClosedError', 'MongoClientClosedError']);
/** The driver looks at the size before it sends, and has no code for it. */
const TOO_LARGE = /too large|larger than/i;

interface DriverError extends Error {
  code?: unknown;
  errorLabelSet?: Set<string>;
}

const codeOf = (error: unknown): unknown => (error instanceof Error ? (error as DriverError).code : undefined);

export const isDuplicate = (error: unknown): boolean => codeOf(error) === DUPLICATE;

/** `user:password@` as written; up to the last `@`, for people who forget to escape one in a password. */
const CREDENTIALS = /^[^:]*:\/\/(.*)@/s;

function secretsOf(uri: string): string[] {
  const credentials = CREDENTIALS.exec(uri)?.[1];
  if (credentials === undefined) return [];
  const password = credentials.slice(credentials.indexOf(':') + 1);
  let plain = password;
  try {
    plain = decodeURIComponent(password);
  } catch {
    // Not percent-encoded: what is written is the password.
  }
  return [uri, credentials, password, plain].filter((secret) => secret !== '');
}

/** The same error if it is clean, otherwise one with the same words and `***` for the secrets. */
export function without(error: unknown, uri: string): unknown {
  const secrets = secretsOf(uri);
  const dirty = (text: string): boolean => secrets.some((secret) => text.includes(secret));
  if (!(error instanceof Error) || !dirty(`${error.message}\n${error.stack ?? ''}`)) return error;
  return new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), error.message));
}

export const badUri = (error: unknown, uri: string): UsageError => {
  const clean = without(error, uri);
  return new UsageError(`MONGODB_URI cannot be used: ${clean instanceof Error ? clean.message : String(clean)}`, {
    code: 'bad_mongodb_uri',
    advice: 'Write it as mongodb://user:password@host:27017/keepsake, with @ : / in the password as %40 %3A %2F.',
    cause: clean,
  });
};

const isAway = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const labels = (error as DriverError).errorLabelSet;
  if (labels?.has('RetryableWriteError') || labels?.has('TransientTransactionError')) return true;
  return AWAY.has(error.name);
};

export function mongoError(error: unknown): unknown {
  if (isKeepsakeError(error)) return error;
  if (error instanceof Error && CLOSED.has(error.name)) {
    return new Stopped('The store is closed.', { code: 'store_closed', cause: error });
  }
  if (isAway(error)) {
    return new RetryLater('The MongoDB server does not answer.', {
      code: 'store_away',
      advice: 'Check that it runs and that MONGODB_URI names its host and port; Keepsake goes on when it is back.',
      cause: error,
    });
  }
  switch (codeOf(error)) {
    case UNAUTHORIZED:
    case AUTHENTICATION_FAILED:
    case ATLAS_SIGN_IN_FAILED:
      return new UsageError('MongoDB refused the user or the password in MONGODB_URI.', {
        code: 'store_sign_in',
        advice: 'Correct MONGODB_URI; the user needs readWrite on its database (and often ?authSource=admin).',
        cause: error,
      });
    case OBJECT_TOO_LARGE:
      return new FileRejected('A record is larger than the 16 MB that MongoDB holds.', {
        code: 'too_large',
        cause: error,
      });
    case OUT_OF_DISK_SPACE:
      return new QuotaExceeded('The disk of the MongoDB server is full.', { code: 'store_full', cause: error });
    default:
      break;
  }
  if (error instanceof Error && TOO_LARGE.test(error.message)) {
    return new FileRejected('A record is larger than the 16 MB that MongoDB holds.', {
      code: 'too_large',
      cause: error,
    });
  }
  return error;
}
