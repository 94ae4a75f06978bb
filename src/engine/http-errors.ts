/** What a failed HTTP exchange means: statuses and network failures -> errors by consequence. Pure. */
import {
  AuthRequired,
  Conflict,
  FileRejected,
  isPassing,
  type KeepsakeError,
  NotFound,
  QuotaExceeded,
  RetryLater,
  Stopped,
  UsageError,
} from './errors.ts';

export interface Failed {
  method: string;
  url: URL;
  status: number;
  headers: Record<string, string>;
  /** The beginning of the answer's body, as text. */
  text: string;
  now: Date;
  redact: (text: string) => string;
}

/** Host and path. Never the query or the user part: signatures, tokens and passwords live there. */
export const placeOf = (url: URL): string => {
  const path = url.pathname.length > 200 ? `${url.pathname.slice(0, 200)}…` : url.pathname;
  return `${url.host}${path}`;
};

/** `Retry-After` as milliseconds: seconds or an HTTP date (RFC 9110 section 10.2.3); `undefined` when absent or unreadable. */
export function retryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

/** A short piece of the answer that a person can read: markup away, one line. */
export function excerpt(text: string): string {
  const plain = text
    .slice(0, 20_000)
    .replace(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<\?[\s\S]*?\?>|<[^>]*>/g, ' ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: an answer of raw bytes must not reach a terminal
    .replace(/[\s\u0000-\u001f\u007f-\u009f\ufffd]+/g, ' ')
    .trim();
  return plain.length > 160 ? `${plain.slice(0, 159)}…` : plain;
}

const BUSY = new Set([408, 425, 429, 500, 502, 503, 504, 511]);

/** The error class that a status >= 400 means. Providers that know better name the status in `expect`. */
export function errorForStatus(failed: Failed): KeepsakeError {
  const { method, url, status, headers } = failed;
  const said = excerpt(failed.text);
  const message = failed.redact(`${method} ${placeOf(url)} was answered with ${status}${said ? `: "${said}"` : ''}.`);
  if (status === 401) return new AuthRequired(message);
  if (status === 403) {
    return new AuthRequired(message, {
      code: 'forbidden',
      advice: 'The account may not do this: give it the right, or sign in as another user with `connect`.',
    });
  }
  if (status === 404 || status === 410) return new NotFound(message);
  if (status === 409 || status === 412 || status === 423) return new Conflict(message, { code: `http_${status}` });
  if (status === 507) return new QuotaExceeded(message);
  if (status === 416) {
    return new Conflict(message, { code: 'range', advice: 'The file became shorter; the next run takes it as it is.' });
  }
  if (BUSY.has(status) || (status > 500 && ![501, 505, 508].includes(status))) {
    return new RetryLater(message, { code: `http_${status}`, after: retryAfter(headers['retry-after'], failed.now) });
  }
  if ([405, 406, 407, 421, 426, 501, 505, 508].includes(status)) {
    return new UsageError(message, {
      code: `http_${status}`,
      advice: 'Check the address: what answers there does not offer this.',
    });
  }
  return new FileRejected(message, { code: `http_${status}` });
}

const CERTIFICATE =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)_|ERR_TLS_CERT_|HOSTNAME_MISMATCH)/;

const codeOf = (error: unknown): string => {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === 'string') return code;
  }
  return '';
};

/** What a failure of the connection itself means. */
export function errorForNetwork(method: string, url: URL, cause: unknown): KeepsakeError {
  const code = codeOf(cause);
  const what = `${method} ${placeOf(url)}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new RetryLater(`There is no address for "${url.hostname}" just now.`, {
      code: 'unknown_host',
      advice: 'Check the spelling of the address and that this machine is online; Keepsake tries again by itself.',
      cause,
    });
  }
  if (CERTIFICATE.test(code)) {
    return new UsageError(`The certificate of ${url.host} cannot be trusted (${code}).`, {
      code: 'bad_certificate',
      advice: 'Use the name the certificate was made for, renew it, or add its authority with NODE_EXTRA_CA_CERTS.',
      cause,
    });
  }
  // The parser's other complaints may be about an answer that was cut, which passes; this one is about its first bytes.
  const strange =
    cause instanceof Error && cause.name === 'HTTPParserError' && cause.message.includes('Expected HTTP/');
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || strange) {
    return new UsageError(`${url.host} does not speak ${url.protocol.replace(':', '')} at that port.`, {
      code: 'wrong_protocol',
      advice: 'Check http against https and the port number.',
      cause,
    });
  }
  if (code === 'UND_ERR_INVALID_ARG') {
    return new UsageError(`${what} cannot be sent: it would not be valid HTTP.`, { code: 'bad_request', cause });
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return new Stopped(`${what} was given up because Keepsake is closing its connections.`, { cause });
  }
  const why =
    code === 'ECONNREFUSED'
      ? 'Nothing answers at that address.'
      : code.includes('TIMEOUT') || code === 'ETIMEDOUT'
        ? 'No answer came in time.'
        : 'The connection broke.';
  return new RetryLater(`${what} failed. ${why}`, {
    code: isPassing(cause) ? 'connection' : 'transport',
    cause,
  });
}
