/** What an S3 service's refusal means: status and error code -> errors by consequence. Pure. */
import {
  AuthRequired,
  Conflict,
  FileRejected,
  IntegrityError,
  type KeepsakeError,
  NotFound,
  QuotaExceeded,
  RetryLater,
  UsageError,
} from '../../engine/errors.ts';
import { text } from './xml.ts';

export interface Refusal {
  method: string;
  status: number;
  headers: Record<string, string>;
  /** Empty after HEAD. */
  xml: string;
  bucket: string;
  key?: string | undefined;
}

/** `code` of the error for an upload that the service no longer knows. */
export const NO_UPLOAD = 's3_no_upload';
/** `code` of the error for an object that is too large for one request. */
export const TOO_LARGE = 's3_too_large';

type Meaning = (message: string, refusal: Refusal) => KeepsakeError;

const auth =
  (code: string, advice: string): Meaning =>
  (message) =>
    new AuthRequired(message, { code, advice });
const rejected =
  (code: string, advice: string): Meaning =>
  (message) =>
    new FileRejected(message, { code, advice });
const damaged: Meaning = (message) =>
  new IntegrityError(message, {
    code: 's3_damaged',
    advice: 'The service did not keep what arrived; run it again, and check the network and memory if it stays.',
  });
const full: Meaning = (message) => new QuotaExceeded(message);
const later: Meaning = (message, { headers }) => {
  const seconds = Number(headers['retry-after']);
  return new RetryLater(message, { code: 's3_busy', ...(seconds > 0 ? { after: seconds * 1000 } : {}) });
};
const conflict: Meaning = (message) => new Conflict(message, { code: 's3_changed' });
const missing: Meaning = (message) => new NotFound(message, { code: 's3_no_object' });
const wrongKeys = auth('s3_keys', 'Check the access key, the secret key and the region with `connect`.');
const notAllowed = auth(
  's3_denied',
  'Give this access key the right to list, read, write and delete in the bucket, and to list and abort its uploads.',
);
const elsewhere: Meaning = (message) =>
  new UsageError(message, {
    code: 's3_region',
    advice: 'Connect again with the region (or the endpoint) that the page of the bucket shows.',
  });
const badName = rejected('s3_name', 'Rename the file at its source; the other files are backed up.');

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and what MinIO, radosgw and B2 add. */
const MEANINGS: Record<string, Meaning> = {
  SignatureDoesNotMatch: wrongKeys,
  InvalidAccessKeyId: wrongKeys,
  InvalidSecurity: wrongKeys,
  ExpiredToken: wrongKeys,
  InvalidToken: wrongKeys,
  AccessDenied: notAllowed,
  AllAccessDisabled: notAllowed,
  AccountProblem: notAllowed,
  NotSignedUp: notAllowed,
  UnauthorizedAccess: notAllowed,
  RequestTimeTooSkewed: (message) =>
    new UsageError(message, {
      code: 's3_clock',
      advice: 'The clock of this machine is wrong by more than 15 minutes: set it (or switch on NTP) and run again.',
    }),
  NoSuchBucket: (message) =>
    new NotFound(message, {
      code: 's3_no_bucket',
      advice: 'Check the name of the bucket and the region; Keepsake makes no buckets, so create it first.',
    }),
  NoSuchKey: missing,
  NoSuchVersion: missing,
  NoSuchUpload: (message) => new NotFound(message, { code: NO_UPLOAD }),
  PermanentRedirect: elsewhere,
  TemporaryRedirect: elsewhere,
  AuthorizationHeaderMalformed: elsewhere,
  IllegalLocationConstraintException: elsewhere,
  PreconditionFailed: conflict,
  ConditionalRequestConflict: conflict,
  OperationAborted: later,
  QuotaExceeded: full,
  StorageLimitExceeded: full,
  InsufficientCapacity: full,
  XMinioStorageFull: full,
  XMinioAdminBucketQuotaExceeded: full,
  EntityTooLarge: rejected(TOO_LARGE, 'The service stores no object of this size; the other files are backed up.'),
  KeyTooLongError: badName,
  InvalidObjectName: badName,
  XMinioInvalidObjectName: badName,
  XMinioParentIsObject: badName,
  InvalidURI: badName,
  InvalidObjectState: rejected('s3_archived', 'The object is archived (Glacier): restore it in S3, then run again.'),
  ObjectLocked: rejected('s3_locked', 'The bucket locks this object until its retention ends.'),
  BadDigest: damaged,
  InvalidDigest: damaged,
  XAmzContentSHA256Mismatch: damaged,
  IncompleteBody: later,
  RequestTimeout: later,
  SlowDown: later,
  SlowDownRead: later,
  SlowDownWrite: later,
  ServiceUnavailable: later,
  InternalError: later,
  TooManyRequests: later,
};

const STATUSES: Record<number, Meaning> = {
  301: elsewhere,
  307: elsewhere,
  308: elsewhere,
  401: wrongKeys,
  403: notAllowed,
  404: missing,
  409: conflict,
  412: conflict,
  413: rejected(TOO_LARGE, 'The service stores no object of this size; the other files are backed up.'),
  416: conflict,
  507: full,
};

/**
 * Takes only `Code` and `Message` out of the answer: that to a wrong signature repeats the signature and what was signed.
 * An unknown refusal concerns the file when there is one, else the way the service is set up.
 */
export function failure(refusal: Refusal): KeepsakeError {
  const { method, status, xml, bucket, key } = refusal;
  const code = text(xml, 'Code');
  const said = text(xml, 'Message')?.replace(/\s+/g, ' ').slice(0, 200);
  const place = key === undefined ? `the bucket "${bucket}"` : `"${key}" in the bucket "${bucket}"`;
  const message = `${method} of ${place} was refused: ${code ?? `status ${status}`}${said ? ` (${said})` : ''}.`;
  // B2 answers a reached cap with AccessDenied: https://www.backblaze.com/docs/cloud-storage-s3-compatible-api
  if (code === 'AccessDenied' && /\bcap\b.*exceeded/i.test(said ?? '')) return full(message, refusal);
  const meaning = (code === undefined ? undefined : MEANINGS[code]) ?? STATUSES[status];
  if (meaning) return meaning(message, refusal);
  if (status >= 500 || status === 200) return later(message, refusal);
  return key === undefined
    ? new UsageError(message, { code: 's3_refused', advice: 'Check the endpoint and the settings of this account.' })
    : new FileRejected(message, { code: 's3_refused' });
}
