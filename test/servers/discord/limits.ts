/** Rate limits with the headers bots obey, and faults that a test asks for. Real time: bots wait for it in real time. */
import { createHash } from 'node:crypto';
import { type Json, Refusal } from './json.ts';

export interface LimitOptions {
  /** Requests in a bucket of messages within `window`. */
  requests: number;
  /** Milliseconds; 5000 on the real one. */
  window: number;
  /** All requests within a second. */
  global: number;
}

export interface Answered {
  status: number;
  headers: Record<string, string>;
  body: Json;
}

export interface Limits {
  /** Counts a request; answers the 429 if it is one too many, and the headers for any other answer. */
  take(route: string, bucket: string, exempt: boolean): { headers: Record<string, string>; refused?: Answered };
  /** The next so many requests to this route get a 429. */
  limit(route: string | RegExp, times: number, o?: { global?: boolean; after?: number }): void;
  /** The next so many requests to this route fail with this HTTP status (below 600) or Discord code. */
  fail(route: string | RegExp, code: number, times: number): void;
  /** The next so many requests to this route are done, and the answer is lost: the connection breaks, or `stalls`. */
  lose(route: string | RegExp, times: number, o?: { stalls?: true }): void;
  /** Throws the fault that was asked for. */
  faulty(route: string): void;
  /** What becomes of the answer to what was done. */
  answerOf(route: string): 'comes' | 'lost' | 'stalls';
  /** Faults that nobody has run into yet. */
  planned(): number;
}

const STATUS: Readonly<Record<number, number>> = { 50001: 403, 50007: 403, 50013: 403, 50027: 401, 40001: 401 };
const statusOf = (code: number): number =>
  code < 600 ? code : (STATUS[code] ?? (code >= 10000 && code < 20000 ? 404 : 400));

interface Fault {
  route: string | RegExp;
  code: number;
  left: number;
  global: boolean;
  after: number;
}

/** No status and no code of Discord's: nothing is answered. */
const LOST = -1;
const STALLED = -2;

export function createLimits(o: LimitOptions): Limits {
  const buckets = new Map<string, { used: number; until: number }>();
  const faults: Fault[] = [];
  const matches = (fault: Fault, route: string): boolean =>
    typeof fault.route === 'string' ? route.includes(fault.route) : fault.route.test(route);
  const next = (route: string, which: (code: number) => boolean): Fault | undefined => {
    const fault = faults.find((one) => one.left > 0 && which(one.code) && matches(one, route));
    if (fault !== undefined) fault.left -= 1;
    return fault;
  };
  const window = (key: string, length: number): { used: number; until: number } => {
    const now = performance.now();
    const old = buckets.get(key);
    if (old !== undefined && old.until > now) return old;
    const fresh = { used: 0, until: now + length };
    buckets.set(key, fresh);
    return fresh;
  };
  const tooMany = (headers: Record<string, string>, seconds: number, scope: 'user' | 'global'): Answered => ({
    status: 429,
    headers: {
      ...headers,
      'retry-after': seconds.toFixed(3),
      'x-ratelimit-scope': scope,
      ...(scope === 'global' ? { 'x-ratelimit-global': 'true' } : {}),
    },
    body: {
      message: 'You are being rate limited.',
      retry_after: Number(seconds.toFixed(3)),
      global: scope === 'global',
    },
  });
  return {
    take(route, bucket, exempt) {
      const everything = window('', 1_000);
      if (!exempt) everything.used += 1;
      const own = window(bucket, o.window);
      const many = /message|webhook/.test(bucket) ? o.requests : o.requests * 10;
      const seconds = Math.max(own.until - performance.now(), 1) / 1_000;
      const headers = {
        'x-ratelimit-limit': String(many),
        'x-ratelimit-remaining': String(Math.max(many - own.used - 1, 0)),
        'x-ratelimit-reset': (Date.now() / 1_000 + seconds).toFixed(3),
        'x-ratelimit-reset-after': seconds.toFixed(3),
        'x-ratelimit-bucket': createHash('sha1').update(route).digest('hex'),
      };
      const asked = next(route, (code) => code === 429);
      if (asked !== undefined)
        return { headers, refused: tooMany(headers, asked.after / 1_000, asked.global ? 'global' : 'user') };
      if (!exempt && everything.used > o.global)
        return { headers, refused: tooMany(headers, (everything.until - performance.now()) / 1_000, 'global') };
      if (own.used >= many) return { headers, refused: tooMany(headers, seconds, 'user') };
      own.used += 1;
      return { headers };
    },
    limit: (route, times, more = {}) => {
      faults.push({ route, code: 429, left: times, global: more.global ?? false, after: more.after ?? 50 });
    },
    fail: (route, code, times) => {
      faults.push({ route, code, left: times, global: false, after: 0 });
    },
    lose: (route, times, { stalls } = {}) => {
      faults.push({ route, code: stalls ? STALLED : LOST, left: times, global: false, after: 0 });
    },
    answerOf(route) {
      const fault = next(route, (code) => code < 0);
      if (fault === undefined) return 'comes';
      return fault.code === STALLED ? 'stalls' : 'lost';
    },
    faulty(route) {
      const fault = next(route, (code) => code >= 0 && code !== 429);
      if (fault === undefined) return;
      const code = fault.code < 600 ? 0 : fault.code;
      throw new Refusal(statusOf(fault.code), code, `The test asked for ${fault.code}`);
    },
    planned: () => faults.reduce((sum, one) => sum + one.left, 0),
  };
}
