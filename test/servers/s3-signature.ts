/** Checks AWS Signature Version 4 as a service does: from the bytes on the wire, with code of its own. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface Refusal {
  status: number;
  code: string;
  /** Further elements of the error document. */
  extra?: string;
}

export interface Login {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

const sign = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();

const encode = (raw: string): string =>
  [...Buffer.from(decodeURIComponent(raw), 'utf8')]
    .map((byte) => {
      const c = String.fromCharCode(byte);
      return /[A-Za-z0-9\-._~]/.test(c) ? c : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

const SKEW = 15 * 60_000;

/** `undefined` when the request may pass. The body is checked by the caller against `x-amz-content-sha256`. */
export function checkSignature(request: IncomingMessage, login: Login, now: number): Refusal | undefined {
  const header = request.headers.authorization ?? '';
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (!match) return { status: 403, code: 'AccessDenied' };
  const [, accessKeyId, day = '', region = '', names = '', signature = ''] = match;
  if (accessKeyId !== login.accessKeyId) return { status: 403, code: 'InvalidAccessKeyId' };
  if (region !== login.region) {
    return { status: 400, code: 'AuthorizationHeaderMalformed', extra: `<Region>${login.region}</Region>` };
  }
  const stamp = String(request.headers['x-amz-date'] ?? '');
  const when = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!stamp.startsWith(day) || Number.isNaN(when)) return { status: 403, code: 'AccessDenied' };
  if (Math.abs(when - now) > SKEW) return { status: 403, code: 'RequestTimeTooSkewed' };
  const signed = names.split(';');
  const needed = Object.keys(request.headers).filter((n) => n.startsWith('x-amz-') || n === 'host');
  if (needed.some((name) => !signed.includes(name)) || [...signed].sort().join() !== signed.join()) {
    return { status: 403, code: 'AccessDenied' };
  }
  const [rawPath = '', rawQuery = ''] = (request.url ?? '').split('?');
  const query = rawQuery
    .split('&')
    .filter(Boolean)
    .map((pair) => pair.split('=').map((part) => encode(part)))
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    .map(([name, value = '']) => `${name}=${value}`)
    .join('&');
  const canonical = [
    request.method,
    rawPath.split('/').map(encode).join('/'),
    query,
    ...signed.map(
      (name) =>
        `${name}:${String(request.headers[name] ?? '')
          .trim()
          .replace(/\s+/g, ' ')}`,
    ),
    '',
    names,
    request.headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const key = ['s3', 'aws4_request'].reduce(
    (k, part) => sign(k, part),
    sign(sign(`AWS4${login.secretAccessKey}`, day), region),
  );
  const expected = sign(key, `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${digest}`);
  if (timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return undefined;
  // As the real services do, so that a client that prints the whole answer is caught.
  return {
    status: 403,
    code: 'SignatureDoesNotMatch',
    extra: `<StringToSign>${stamp}</StringToSign><SignatureProvided>${signature}</SignatureProvided>`,
  };
}
