/** DKIM signatures as a mail provider makes them (RFC 6376): RSA 2048, relaxed/relaxed, the headers that matter signed against additions. */
import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';

export interface Signature {
  /** `d=` */
  domain: string;
  selector?: string;
  /** Writes `l=`: what is appended to the body later stays signed. */
  withLength?: boolean;
  /** Headers beside those that are always signed. */
  headers?: readonly string[];
}

export const SELECTOR = 'k1';

const keys = new Map<string, { privateKey: KeyObject; record: string }>();

/** One key for a domain in all tests of a file. */
function keyOf(domain: string): { privateKey: KeyObject; record: string } {
  const known = keys.get(domain);
  if (known) return known;
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const made = { privateKey, record: `v=DKIM1; k=rsa; p=${der}` };
  keys.set(domain, made);
  return made;
}

/** The TXT record at `k1._domainkey.<domain>`. */
export const dkimRecord = (domain: string): string => keyOf(domain).record;

/** RFC 6376 section 3.4.4. */
function relaxedBody(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (lines.at(-1) === '') lines.pop();
  return lines.map((line) => `${line}\r\n`).join('');
}

/** Section 3.4.2. */
function relaxedHeader(line: string): string {
  const colon = line.indexOf(':');
  const value = line
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .trim();
  return `${line.slice(0, colon).trim().toLowerCase()}:${value}`;
}

/** Named once more than they are there: whoever adds another breaks the signature (section 8.15). */
const ALWAYS = ['From', 'To', 'Subject', 'Date', 'Message-ID'];
const WHERE_PRESENT = ['Reply-To', 'Cc', 'In-Reply-To', 'References', 'MIME-Version', 'Content-Type'];

/** `raw` as Latin-1 text with CRLF; returns it with the signature on top. */
export function signDkim(raw: string, o: Signature): string {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw.slice(0, end + 2).match(/[^\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*/g) ?? [];
  const nameOf = (line: string): string => line.slice(0, line.indexOf(':')).trim().toLowerCase();
  const count = (name: string): number => lines.filter((line) => nameOf(line) === name.toLowerCase()).length;
  const signed = [
    ...ALWAYS.flatMap((name) => Array<string>(count(name) + 1).fill(name)),
    ...[...WHERE_PRESENT, ...(o.headers ?? [])].flatMap((name) => Array<string>(count(name)).fill(name)),
  ];
  const body = relaxedBody(raw.slice(end + 4));
  const bodyHash = createHash('sha256').update(body, 'latin1').digest('base64');
  const signature = [
    'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;',
    ` d=${o.domain}; s=${o.selector ?? SELECTOR};`,
    ...(o.withLength ? [` l=${body.length};`] : []),
    ` h=${signed.join(':').replace(/(.{60}[^:]*:)/g, '$1\r\n  ')};`,
    ` bh=${bodyHash};`,
    ' b=',
  ].join('\r\n');
  // From the bottom up; one that is not there counts as empty (section 5.4.2).
  const left = [...lines].reverse();
  const chosen = signed.flatMap((name) => {
    const index = left.findIndex((line) => nameOf(line) === name.toLowerCase());
    return index < 0 ? [] : left.splice(index, 1);
  });
  const text = `${chosen.map((line) => `${relaxedHeader(line)}\r\n`).join('')}${relaxedHeader(signature)}`;
  const value = createSign('sha256').update(text, 'latin1').sign(keyOf(o.domain).privateKey, 'base64');
  return `${signature}${value.replace(/(.{72})/g, '$1\r\n  ')}\r\n${raw}`;
}
