/**
 * Whose word a mail is; the only file that imports mailauth. A mail is its sender's when the sender's domain vouches for
 * it: by a signature over all that we read (DKIM, RFC 6376), or by having told the server that gave it to us (SPF, RFC
 * 7208), as far as the domain's own policy allows (DMARC, RFC 9989). Names that are shown prove nothing, nor do notes
 * of servers that it passed (ARC).
 */
import { Readable } from 'node:stream';
import { type DKIMResult, dkimVerify, dmarc, spf } from 'mailauth';
import { RetryLater } from '../engine/errors.ts';
import { domainOf } from './address.ts';
import { asciiDomain, fromAddress } from './authenticate/from.ts';
import { doubled, type Field, named, readHeader } from './authenticate/header.ts';
import { vouching } from './authenticate/results.ts';
import { mayAlign, type Signature, signaturesOf } from './authenticate/signature.ts';
import type { RawMail, Sender, SmtpSession } from './mail.ts';
import type { Resolve } from './resolver.ts';

export interface AuthenticateOrder {
  resolver: Resolve;
  /** The name of the mailbox's own server, whose Authentication-Results are believed. */
  authserv?: string;
  signal: AbortSignal;
}

/** RFC 8301 section 3.2. */
const SHORTEST_KEY = 1024;
/** RFC 7208 section 4.6.4 asks for at least 20 seconds. */
const SPF_PATIENCE = 20_000;
const CHUNK = 64 * 1024;
/**
 * RFC 5322 section 2.1.1 allows 998 bytes, careless programs write a few hundred kilobytes. mailauth begins a line anew
 * with each piece of it: one of 25 MB would keep it busy for half a minute.
 */
const LONGEST_LINE = 512 * 1024;

/** Addresses that nobody sends from (RFC 1122 section 3.2.1.3, RFC 1112 section 4, RFC 6666): a domain that lists them lists everybody. */
const NOBODY = { 4: ['0.0.0.1', '240.0.0.1'], 6: ['100::1', 'fe80::1'] } as const;

/** Passing vouches for the domain; otherwise `why` is what stands against it. `unknown`: the name servers did not say. */
type Verdict = { passes: true; why: string } | { passes: false; why: string; unknown?: true };

const no = (why: string): Verdict => ({ passes: false, why });
const unanswered = (why: string): Verdict => ({ passes: false, why, unknown: true });

/**
 * The mail with only these signatures, in pieces, so that others are served while it is hashed. Lines end in CRLF as
 * they did when it was signed: mailauth takes a piece per line otherwise.
 */
async function* pieces(
  bytes: Uint8Array,
  fields: readonly Field[],
  body: number,
  kept: readonly Field[],
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = fields
    .filter((field) => kept.includes(field) || !/^(dkim-signature|arc-.*)$/.test(field.name))
    .map(({ start, end }) => buffer.subarray(start, end));
  yield Buffer.from(`${Buffer.concat(header).toString('latin1')}\n`.replace(/\r?\n/g, '\r\n'), 'latin1');
  for (let at = body; at < buffer.length; at += CHUNK) {
    signal.throwIfAborted();
    const text = buffer.subarray(at, at + CHUNK).toString('latin1');
    const afterReturn = at > body && buffer[at - 1] === 13;
    yield Buffer.from(
      text.replace(/(?<!\r)\n/g, (_, offset: number) => (offset === 0 && afterReturn ? '\n' : '\r\n')),
      'latin1',
    );
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function hasEndlessLine(bytes: Uint8Array, body: number): boolean {
  for (let at = body; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    if (end - at > LONGEST_LINE) return true;
    at = end + 1;
  }
  return false;
}

/** Whether the policy of `domain` allows another domain of the same owner to vouch for it. */
async function allowed(domain: string, by: string, resolver: Resolve): Promise<Verdict> {
  const policy = await dmarc({ headerFrom: [`x@${domain}`], fromFields: 1, dkimDomains: [{ domain: by }], resolver });
  const result = policy === false ? 'none' : policy.status.result;
  if (result === 'pass' || result === 'none') return { passes: true, why: `DKIM of ${by} passes` };
  if (result === 'temperror') return unanswered(`the DMARC policy of ${domain} cannot be read`);
  return no(`its DKIM signature is of ${by}, which the DMARC policy of ${domain} does not accept`);
}

async function judge(found: DKIMResult, signature: Signature, domain: string, resolver: Resolve): Promise<Verdict> {
  const { status } = found;
  const whose = `its DKIM signature of ${signature.shown}`;
  if (status.result === 'temperror') return unanswered(`the key of ${whose} cannot be read`);
  if (status.result !== 'pass') return no(`${whose} does not hold: ${status.comment ?? status.result}`);
  if (status.testing) return no(`${whose} is a trial (t=y)`);
  if (found.canonBodyLengthLimited) return no(`${whose} leaves the end of the text open (l=)`);
  if (!status.aligned) return no(`its DKIM signature is of ${signature.shown}`);
  // The same name satisfies every policy; only for another one of the owner's the policy has to be asked.
  if (signature.domain === domain) return { passes: true, why: `DKIM of ${domain} passes` };
  return allowed(domain, signature.domain, resolver);
}

/** Verdicts of the signatures that could vouch for the domain; those of others come last. */
async function byDkim(
  mail: RawMail,
  { fields, body }: { fields: readonly Field[]; body: number },
  address: string,
  { resolver, signal }: AuthenticateOrder,
): Promise<Verdict[]> {
  const domain = domainOf(address);
  const signatures = signaturesOf(fields);
  const own = signatures.filter((signature) => mayAlign(signature, domain));
  const strangers = signatures
    .filter((signature) => !own.includes(signature))
    .map((one) =>
      no(one.domain === '' ? 'its DKIM signature cannot be read' : `its DKIM signature is of ${one.shown}`),
    );
  const useless = own.flatMap(({ shown, useless: why }) => (why ? [no(`its DKIM signature of ${shown} ${why}`)] : []));
  const good = own.filter((signature) => signature.useless === undefined);
  if (good.length === 0) return [...useless, ...strangers];
  if (hasEndlessLine(mail.bytes, body)) return [no('it has a line that is too long to be checked')];
  const kept = good.map(({ field }) => field);
  const checked = await dkimVerify(Readable.from(pieces(mail.bytes, fields, body, kept, signal)), {
    resolver,
    minBitLength: SHORTEST_KEY,
    rejectRsaSha1: true,
    // RFC 6376 section 3.5, x=: expired or not is judged as of when our server took it.
    curTime: mail.received,
    strict: true,
  });
  // Two readers that see two senders: whoever wrote it wanted that.
  const [seen = '', ...others] = checked.headerFrom;
  if (checked.fromFields !== 1 || others.length > 0 || asciiDomain(domainOf(seen)) !== domain) {
    return [no('its From header can be read in two ways')];
  }
  const verdicts: Verdict[] = [];
  for (const [index, signature] of good.entries()) {
    const found = checked.results[index];
    if (found) verdicts.push(await judge(found, signature, domain, resolver));
  }
  return [...verdicts, ...useless, ...strangers];
}

/**
 * SPF is about where a mail came from: only for our own sessions. It is about the envelope: that must bear the very
 * domain of From, as what people send does; services that send with another one sign.
 */
async function bySpf(session: SmtpSession, domain: string, resolver: Resolve): Promise<Verdict> {
  const { ip, helo, mailFrom } = session;
  if (asciiDomain(domainOf(mailFrom)) !== domain) return no(`its envelope is not of ${domain}`);
  const ask = async (from: string): Promise<string> =>
    (
      await spf({
        sender: mailFrom,
        ip: from,
        helo,
        mta: 'keepsake',
        resolver,
        strict: true,
        maxElapsedTime: SPF_PATIENCE,
      })
    ).status.result;
  const result = await ask(ip);
  if (result === 'temperror') return unanswered(`SPF of ${domain} cannot be read`);
  if (result !== 'pass') return no(`SPF of ${domain} says ${result} for ${ip}`);
  const nobody = await Promise.all(NOBODY[ip.includes(':') ? 6 : 4].map(ask));
  if (nobody.includes('pass')) return no(`SPF of ${domain} passes whoever sends`);
  return { passes: true, why: `SPF of ${domain} passes for ${ip}` };
}

/** Where the mailbox's own server has looked: its word counts unless it rests on a signature that we would not take. */
function byServer(fields: readonly Field[], domain: string, authserv: string): Verdict | undefined {
  const own = signaturesOf(fields).filter((signature) => mayAlign(signature, domain));
  if (own.some(({ useless }) => useless !== undefined)) return undefined;
  const why = vouching(fields, authserv, domain);
  return why === undefined ? undefined : { passes: true, why };
}

/** Throws `RetryLater` while the name servers that could tell do not answer. */
export async function authenticate(mail: RawMail, order: AuthenticateOrder): Promise<Sender> {
  const header = readHeader(mail.bytes);
  if ('unreadable' in header) return { verified: false, why: header.unreadable };
  const { fields } = header;
  const from = named(fields, 'from');
  if (from.length !== 1) return { verified: false, why: `it has ${from.length} From headers` };
  const address = fromAddress(from[0]?.value ?? '');
  if (address === undefined) return { verified: false, why: 'its From header is not one plain address' };
  const twice = doubled(fields);
  if (twice !== undefined) return { address, verified: false, why: `it has two ${twice} headers` };
  const domain = domainOf(address);

  const vouched = order.authserv === undefined ? undefined : byServer(fields, domain, order.authserv);
  if (vouched) return { address, verified: true, why: vouched.why };
  const verdicts = await byDkim(mail, header, address, order);
  if (mail.session && !verdicts.some(({ passes }) => passes)) {
    verdicts.push(await bySpf(mail.session, domain, order.resolver));
  }
  order.signal.throwIfAborted();
  const passed = verdicts.find(({ passes }) => passes);
  if (passed) return { address, verified: true, why: passed.why };
  const unknown = verdicts.find((verdict) => 'unknown' in verdict);
  if (unknown) {
    throw new RetryLater(
      `A mail says it is from ${address}, and ${unknown.why}: no name server answers. It is not acted on yet.`,
    );
  }
  return { address, verified: false, why: verdicts[0]?.why ?? 'it has no DKIM signature' };
}
