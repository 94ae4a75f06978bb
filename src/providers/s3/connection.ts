/** One bucket of one S3 service: signs, sends, follows the bucket to its region, and turns refusals into errors. */
import { hash } from 'node:crypto';
import type { HttpResponse, ProviderContext } from '../../engine/types.ts';
import { failure } from './failure.ts';
import { sendableKey } from './keys.ts';
import { type Answers, type Place, PRESETS, type Preset, placeFor } from './presets.ts';
import { EMPTY_SHA256, encodeKey, encodeQuery, type Sign, type SigningKeys, signer } from './sign.ts';
import { text } from './xml.ts';

export interface Call {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Absent for the bucket itself. */
  key?: string;
  query?: Record<string, string>;
  /** Lower-case names. */
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Hex, of `body`. Computed where it is absent. */
  sha256?: string;
  /** Reads the answer as text (all but objects). */
  whole?: boolean;
  /** Statuses that the caller treats itself. */
  expect?: readonly number[];
  signal: AbortSignal;
}

export interface Connection {
  readonly bucket: string;
  readonly preset: Preset;
  /** Identifies service and login: what two locations must share for a copy inside the service. */
  readonly identity: string;
  readonly clock: ProviderContext['clock'];
  /** The answer to a call that was done; anything else is thrown as the error it means. */
  send(call: Call): Promise<HttpResponse>;
  /** For `x-amz-copy-source`. */
  source(key: string): string;
}

/** Refusals that are read here because their XML says more than their status. 408, 429 and 5xx are left to be retried. */
const READ_HERE = [301, 307, 308, 400, 401, 403, 404, 405, 409, 411, 412, 413, 415, 416, 417, 507];

/** A bucket can be part of a host name when the service's wildcard certificate covers it. */
const HOST_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

interface Base {
  origin: string;
  host: string;
  /** `/bucket/` or `/`. */
  path: string;
}

function baseOf(place: Place, bucket: string): Base {
  const url = new URL(place.endpoint);
  if (bucket === '') return { origin: url.origin, host: url.host, path: '/' };
  if (place.pathStyle || !HOST_LABEL.test(bucket)) {
    return { origin: url.origin, host: url.host, path: `/${encodeKey(bucket)}/` };
  }
  const host = `${bucket}.${url.host}`;
  return { origin: `${url.protocol}//${host}`, host, path: '/' };
}

/** The region that a refusal names, when it is a refusal because of the region. */
function regionNamed(response: HttpResponse, xml: string): string | undefined {
  const named = text(xml, 'Region') ?? response.headers['x-amz-bucket-region'];
  if ([301, 307, 308].includes(response.status)) return named;
  const code = text(xml, 'Code');
  return response.status === 400 && (code === undefined || code === 'AuthorizationHeaderMalformed') ? named : undefined;
}

/** `bucket` may be empty: then only calls to the service itself can be sent. */
export function connect(
  answers: Answers,
  keys: SigningKeys,
  bucket: string,
  context: Pick<ProviderContext, 'http' | 'endpoint' | 'clock'>,
): Connection {
  const override = (fallback: string): string => context.endpoint('s3', fallback);
  let place = placeFor(answers, override);
  let base = baseOf(place, bucket);
  let sign: Sign = signer(keys, place.region);

  /** `placeFor` refuses a name that is no region, before it becomes part of a host name. */
  function settle(region: string): void {
    place = placeFor({ ...answers, region }, override);
    base = baseOf(place, bucket);
    sign = signer(keys, region);
  }

  async function send(call: Call): Promise<HttpResponse> {
    const { method, key, body, signal } = call;
    const path = key === undefined ? '' : encodeKey(sendableKey(key));
    const query = encodeQuery(call.query);
    const expect = call.expect ?? [];
    for (let moved = false; ; moved = true) {
      const { region } = place;
      const headers = sign(
        {
          method,
          host: base.host,
          path: base.path + path,
          query,
          headers: call.headers ?? {},
          payload: body === undefined ? EMPTY_SHA256 : (call.sha256 ?? hash('sha256', body)),
        },
        context.clock.now(),
      );
      const response = await context.http({
        method,
        url: `${base.origin}${base.path}${path}${query && `?${query}`}`,
        headers,
        ...(body === undefined ? {} : { body }),
        ...(call.whole ? { whole: true } : {}),
        expect: READ_HERE,
        signal,
      });
      if (response.status < 300 || expect.includes(response.status)) return response;
      const xml = method === 'HEAD' ? '' : await response.text();
      const named = regionNamed(response, xml);
      if (named === undefined || named === region || moved) {
        throw failure({ method, status: response.status, headers: response.headers, xml, bucket, key });
      }
      settle(named);
    }
  }

  return {
    bucket,
    preset: PRESETS[answers.preset],
    get identity() {
      return JSON.stringify([place.endpoint, keys.accessKeyId]);
    },
    clock: context.clock,
    send,
    source: (key) => `/${encodeKey(bucket)}/${encodeKey(sendableKey(key))}`,
  };
}
