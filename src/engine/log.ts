/** The log: one line per event, in logfmt, with everything secret taken out before it is written. */
import { systemClock } from './clock.ts';
import type { Clock, Log, LogLevel } from './types.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Whole words of a key (`accessToken`, `api_key`, `set-cookie`), so that `keyboard` or `author` stay readable. */
const SECRET_WORDS = new Set([
  'password',
  'passwd',
  'pass',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'authorization',
  'cookie',
  'cookies',
  'key',
  'keys',
  'credential',
  'credentials',
  'session',
  'signature',
  'otp',
  'pin',
]);

const HIDDEN = '[hidden]';

/** True for a name whose value must not be shown. */
export const isSecretName = (name: string): boolean =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .some((word) => SECRET_WORDS.has(word.replace(/\d+$/, '')));

/** User and password of a URL, its query and its fragment: all of them carry tokens somewhere. */
const URLS = /\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/?#@]*@)?([^\s?#"'<>]*)(?:[?#][^\s"'<>]*)?/gi;
const AUTHORIZATION = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
const PAIRS = /\b([A-Za-z][A-Za-z0-9_.-]*)=("[^"]*"|[^\s&"]+)/g;

/** Shorter values would blank out ordinary words and numbers. */
const SHORTEST_SECRET = 6;

/**
 * The text without known secrets (also as they stand in URLs and in base64), without queries and passwords of URLs,
 * and without the values of `name=value` pairs whose name says that they are secret.
 */
export function redact(text: string, secrets: Iterable<string> = []): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue;
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
      clean = clean.replaceAll(form, HIDDEN);
    }
  }
  return clean
    .replace(URLS, '$1$2')
    .replace(AUTHORIZATION, `$1 ${HIDDEN}`)
    .replace(PAIRS, (pair, name: string) => (isSecretName(name) ? `${name}=${HIDDEN}` : pair));
}

const describeError = (error: Error): string => {
  const lines: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    lines.push(at.stack ?? `${at.name}: ${at.message}`);
  }
  return lines.join('\ncaused by ');
};

function plain(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return describeError(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 4) return '…';
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, isSecretName(name) ? HIDDEN : plain(item, depth + 1)]),
  );
}

const written = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
  return /^[^\s"=\\\p{C}]+$/u.test(text) ? text : JSON.stringify(text);
};

/**
 * `write` gets one line without its line break. `secrets` may grow while the program runs: whoever opens a secret adds
 * it there, and it is hidden from then on.
 */
export function createLog(o: {
  level: LogLevel;
  write: (line: string) => void;
  secrets?: Iterable<string>;
  clock?: Pick<Clock, 'now'>;
}): Log {
  const clock = o.clock ?? systemClock;
  const lowest = LEVELS.indexOf(o.level);
  return (level, event, details = {}) => {
    if (LEVELS.indexOf(level) < lowest) return;
    const parts = [clock.now().toISOString(), level, event];
    for (const [name, value] of Object.entries(details)) {
      if (value === undefined) continue;
      const shown = isSecretName(name) ? HIDDEN : plain(value);
      const text = typeof shown === 'string' ? shown : (JSON.stringify(shown) ?? '');
      parts.push(`${name}=${written(redact(text, o.secrets))}`);
    }
    o.write(parts.join(' '));
  };
}
