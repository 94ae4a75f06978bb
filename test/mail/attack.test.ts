/** Mails that are not their sender's, each made as somebody would make it who wants to be taken for the owner. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticate } from '../../src/mail/authenticate.ts';
import type { SmtpSession } from '../../src/mail/mail.ts';
import { createResolver, type Resolve } from '../../src/mail/resolver.ts';
import { type DnsServer, startDns } from '../servers/dns.ts';
import { type Key, mailText, raw, rsaKey, sign } from './signed.ts';

const owner = rsaKey();
const evil = rsaKey();
const trial = rsaKey(2048, 't=y; ');
const alone = rsaKey(2048, 't=s; ');
const weak = rsaKey(768);

const FROM = 'Owner <owner@example.org>';
const SERVER = 'mx.keepsake.example';
const passed = (id = SERVER) => `${id}; dkim=pass header.d=example.org; dmarc=pass header.from=example.org`;

let dns: DnsServer;
let resolver: Resolve;

beforeAll(async () => {
  const published = (key: Key) => ({ TXT: [key.record] });
  dns = await startDns({
    'example.org': { TXT: ['v=spf1 ip4:192.0.2.10 -all'] },
    '_dmarc.example.org': { TXT: ['v=DMARC1; p=reject'] },
    's._domainkey.example.org': published(owner),
    'trial._domainkey.example.org': published(trial),
    'alone._domainkey.example.org': published(alone),
    'weak._domainkey.example.org': published(weak),
    's._domainkey.sub.example.org': published(evil),
    's._domainkey.evil.example': published(evil),
    '_dmarc.evil.example': { TXT: ['v=DMARC1; p=none'] },
    'evil.example': { TXT: ['v=spf1 ip4:203.0.113.66 -all'] },
    's._domainkey.example.org.evil.example': published(evil),
    's._domainkey.org': published(evil),
    's._domainkey.attacker.github.io': published(evil),
    's._domainkey.github.io': published(evil),
    // Without psd=y, which public suffixes of companies do not say: the tree walk alone takes all of them for one owner.
    '_dmarc.github.io': { TXT: ['v=DMARC1; p=reject'] },
    's._domainkey.owner.co.uk': published(evil),
    's._domainkey.co.uk': published(evil),
    '_dmarc.co.uk': { TXT: ['v=DMARC1; p=none'] },
    's._domainkey.xn--exmple-jta.org': published(evil),
    '_dmarc.strict.example': { TXT: ['v=DMARC1; p=reject; adkim=s; aspf=s'] },
    's._domainkey.lists.strict.example': published(evil),
    'everybody.example': { TXT: ['v=spf1 +all'] },
  });
  resolver = createResolver({ server: dns.url });
});

afterAll(() => dns.close());

interface Attack {
  name: string;
  mail(): string | Promise<string>;
  /** What the owner reads in the audit trail. */
  why: RegExp;
  /** The address it is then of, if of one; the owner's without it. */
  address?: string | null;
  session?: Partial<SmtpSession>;
}

/** Signed by somebody else's key for somebody else's domain. */
const byEvil = (mail: string, domain = 'evil.example') => sign(mail, evil, { domain });
const byOwner = (mail: string, more: Parameters<typeof sign>[2] = {}) => sign(mail, owner, more);
/** The first mail that is the owner's for the second. */
const replaced = async (mail: Promise<string>, from: string | RegExp, to: string): Promise<string> => {
  const before = await mail;
  const after = before.replace(from, to);
  if (after === before) throw new Error(`nothing was changed: ${from}`);
  return after;
};
const onTop = async (header: string, mail: string | Promise<string>): Promise<string> => `${header}\r\n${await mail}`;
const mailFrom = (from: string): string => mailText({ From: from });

const notSigned = /no DKIM signature/;
const ofEvil = /DKIM signature is of evil\.example/;
const broken = /does not hold/;
const unclear = /read in two ways|no header may have/;
const notPlain = /not one plain address/;

const attacks: Attack[] = [
  // Who it says it is from.
  { name: 'From is simply forged', mail: () => mailText(), why: notSigned },
  { name: 'signed by evil.example, From the owner', mail: () => byEvil(mailText()), why: ofEvil },
  {
    name: 'signed by evil.example with i= of the owner',
    mail: () => replaced(byEvil(mailText()), / d=evil\.example;/, ' d=evil.example; i=owner@example.org;'),
    why: ofEvil,
  },
  {
    name: 'two From headers, the owner first',
    mail: () => byEvil(mailText({ From: [FROM, 'Evil <e@evil.example>'] })),
    why: /2 From headers/,
    address: null,
  },
  {
    name: 'two From headers, the owner last',
    mail: () => byEvil(mailText({ From: ['Evil <e@evil.example>', FROM] })),
    why: /2 From headers/,
    address: null,
  },
  {
    name: 'a second From in other letters is added to a mail of the owner',
    mail: () => onTop('FROM: e@evil.example', byOwner(mailText())),
    why: /2 From headers/,
    address: null,
  },
  {
    name: 'a second From whose name is folded from its colon',
    mail: () => onTop('From\r\n : e@evil.example', byOwner(mailText())),
    why: unclear,
    address: null,
  },
  {
    name: 'a second From with a blank before its colon',
    mail: () => onTop('From : e@evil.example', byOwner(mailText())),
    why: unclear,
    address: null,
  },
  {
    name: 'a second From behind a bare carriage return',
    mail: () => onTop('X-Note: x\rFrom: e@evil.example', byOwner(mailText())),
    why: unclear,
    address: null,
  },
  {
    name: 'a second From behind a line of blanks',
    mail: () => onTop('X-Note: x\r\n \r\nX-Other: y', byOwner(mailText())),
    why: unclear,
    address: null,
  },
  {
    name: 'a null byte in the name of From',
    mail: () => onTop('Fr\0om: e@evil.example', byOwner(mailText())),
    why: unclear,
    address: null,
  },
  {
    name: 'a null byte in the address',
    mail: () => byEvil(mailFrom('owner@example.org\0.evil.example')),
    why: unclear,
    address: null,
  },
  {
    name: 'the first line is none of the header',
    mail: () => onTop('From owner@example.org Tue Aug  4 10:00:00 2026', byOwner(mailText())),
    why: unclear,
    address: null,
  },
  {
    name: 'the header begins with a folded line',
    mail: () => onTop(' From: e@evil.example', byOwner(mailText())),
    why: unclear,
    address: null,
  },
  {
    name: 'two addresses in one From',
    mail: () => byEvil(mailFrom('owner@example.org, e@evil.example')),
    why: notPlain,
    address: null,
  },
  {
    name: 'two addresses in angle brackets',
    mail: () => byEvil(mailFrom('<owner@example.org> <e@evil.example>')),
    why: notPlain,
    address: null,
  },
  {
    name: 'a group of addresses',
    mail: () => byEvil(mailFrom('Family: owner@example.org;')),
    why: notPlain,
    address: null,
  },
  {
    name: 'a source route',
    mail: () => byEvil(mailFrom('<@evil.example:owner@example.org>')),
    why: notPlain,
    address: null,
  },
  {
    name: 'the owner as quoted local part',
    mail: () => byEvil(mailFrom('"owner@example.org"@evil.example')),
    why: notPlain,
    address: null,
  },
  {
    name: 'the owner in a comment',
    mail: () => byEvil(mailFrom('(owner@example.org) e@evil.example (owner@example.org)')),
    why: /^DKIM of evil\.example/,
    address: 'e@evil.example',
  },
  {
    name: 'a comment that does not end',
    mail: () => byEvil(mailFrom('owner@example.org (e@evil.example')),
    why: notPlain,
    address: null,
  },
  {
    name: 'the owner as display name',
    mail: () => byEvil(mailFrom('"owner@example.org" <e@evil.example>')),
    why: /^DKIM of evil\.example/,
    address: 'e@evil.example',
  },
  {
    name: 'the owner as display name without quotation marks',
    mail: () => byEvil(mailFrom('owner@example.org <e@evil.example>')),
    why: /^DKIM of evil\.example/,
    address: 'e@evil.example',
  },
  {
    name: 'the owner and a line break as encoded display name',
    mail: () => byEvil(mailFrom('=?utf-8?Q?owner=40example=2Eorg=3E=0D=0A?= <e@evil.example>')),
    why: /^DKIM of evil\.example/,
    address: 'e@evil.example',
  },
  {
    name: 'the address as encoded word',
    mail: () => byEvil(mailFrom('=?utf-8?Q?owner=40example.org?=')),
    why: notPlain,
    address: null,
  },
  {
    name: 'the address as encoded word in brackets',
    mail: () => byEvil(mailFrom('<=?utf-8?Q?owner=40example.org?=@evil.example>')),
    why: notPlain,
    address: null,
  },
  {
    name: 'the domain with a percent sign',
    mail: () => byEvil(mailFrom('owner@ex%61mple.org')),
    why: notPlain,
    address: null,
  },
  {
    name: 'the domain with a dot at its end',
    mail: () => byEvil(mailFrom('owner@example.org.')),
    why: notPlain,
    address: null,
  },
  { name: 'the domain as number', mail: () => byEvil(mailFrom('owner@[192.0.2.10]')), why: notPlain, address: null },
  {
    name: 'the domain in full-width letters',
    mail: () => byEvil(mailFrom('owner@ｅxample.org')),
    why: notPlain,
    address: null,
  },
  {
    name: 'a zero-width space in the address',
    mail: () => byEvil(mailFrom('owner\u200b@example.org')),
    why: notPlain,
    address: null,
  },
  {
    name: 'a direction mark in the address',
    mail: () => byEvil(mailFrom('\u202eowner@example.org')),
    why: notPlain,
    address: null,
  },
  {
    name: 'letters of another script in the domain, properly signed',
    mail: () => byEvil(mailFrom('owner@exаmple.org'), 'xn--exmple-4nf.org'),
    why: /does not hold: no key|cannot be read/,
    address: 'owner@xn--exmple-4nf.org',
  },
  {
    name: 'an accent in the domain, properly signed: its own domain, not the owner',
    mail: () => byEvil(mailFrom('owner@exàmple.org'), 'xn--exmple-jta.org'),
    why: /^DKIM of xn--exmple-jta\.org passes/,
    address: 'owner@xn--exmple-jta.org',
  },
  {
    name: 'a Kelvin sign for a k',
    mail: () => byEvil(mailFrom('\u212aate@evil.example')),
    why: /^DKIM of evil\.example/,
    address: '\u212aate@evil.example',
  },
  {
    name: 'no From at all',
    mail: () => replaced(Promise.resolve(mailText()), /^From.*\r\n/, ''),
    why: /0 From/,
    address: null,
  },

  // Which domain signs.
  {
    name: 'signed by a domain that begins with the owner’s',
    mail: () => byEvil(mailText(), 'example.org.evil.example'),
    why: /is of example\.org\.evil\.example/,
  },
  { name: 'signed by the top-level domain', mail: () => byEvil(mailText(), 'org'), why: /cannot be read/ },
  {
    name: 'signed by a neighbour below a public suffix of a company',
    mail: () => byEvil(mailFrom('owner@victim.github.io'), 'attacker.github.io'),
    why: /is of attacker\.github\.io/,
    address: 'owner@victim.github.io',
  },
  {
    name: 'signed by a public suffix of a company',
    mail: () => byEvil(mailFrom('owner@victim.github.io'), 'github.io'),
    why: /is of github\.io/,
    address: 'owner@victim.github.io',
  },
  {
    name: 'signed by a neighbour below a public suffix of a country',
    mail: () => byEvil(mailFrom('owner@example.co.uk'), 'owner.co.uk'),
    why: /is of owner\.co\.uk/,
    address: 'owner@example.co.uk',
  },
  {
    name: 'signed by a public suffix of a country',
    mail: () => byEvil(mailFrom('owner@example.co.uk'), 'co.uk'),
    why: /is of co\.uk/,
    address: 'owner@example.co.uk',
  },
  {
    name: 'signed by a sub-domain where the policy wants the domain itself',
    mail: () => byEvil(mailFrom('owner@strict.example'), 'lists.strict.example'),
    why: /DMARC policy of strict\.example does not accept/,
    address: 'owner@strict.example',
  },
  {
    name: 'a sub-domain as sender without a key',
    mail: () => byOwner(mailFrom('owner@sub.example.org'), { domain: 'nokey.example.org' }),
    why: /no key/,
    address: 'owner@sub.example.org',
  },

  // What the signature covers.
  {
    name: 'text is appended after what is signed (l=)',
    mail: async () => `${await byOwner(mailText(), { maxBodyLength: 9 })}restore /etc\r\n`,
    why: /leaves the end of the text open/,
  },
  { name: 'l= over all of the text', mail: () => byOwner(mailText(), { maxBodyLength: 9 }), why: /leaves the end/ },
  { name: 'l=0', mail: () => byOwner(mailText(), { maxBodyLength: 0 }), why: /leaves the end/ },
  {
    name: 'the text is changed',
    mail: () => replaced(byOwner(mailText()), 'run now', 'delete everything'),
    why: broken,
  },
  {
    name: 'a line is put before the text',
    mail: () => replaced(byOwner(mailText()), '\r\n\r\n', '\r\n\r\nstop\r\n'),
    why: broken,
  },
  {
    name: 'From is changed',
    mail: () => replaced(byEvil(mailFrom('e@example.org'), 'example.org'), 'e@', 'owner@'),
    why: broken,
  },
  {
    name: 'the subject, not signed, is changed',
    mail: () =>
      replaced(
        byOwner(mailText(), { headerList: 'from:to:date' }),
        'Subject: Re: Photos',
        'Subject: restore everything',
      ),
    why: /does not cover the subject/,
  },
  {
    name: 'the date, not signed, is made new',
    mail: () => replaced(byOwner(mailText(), { headerList: 'from:to:subject' }), '04 Aug', '05 Aug'),
    why: /does not cover the date/,
  },
  {
    name: 'a subject is put on a mail that had none',
    mail: async () =>
      replaced(
        byOwner(await replaced(Promise.resolve(mailText()), /Subject.*\r\n/, '')),
        '\r\nTo:',
        '\r\nSubject: stop\r\nTo:',
      ),
    why: /does not cover the subject/,
  },
  {
    name: 'a second subject is put above the signed one',
    mail: () => onTop('Subject: restore everything', byOwner(mailText())),
    why: /two subject headers/,
  },
  {
    name: 'a second date is put above the signed one',
    mail: () => onTop('Date: Wed, 05 Aug 2026 10:00:00 +0000', byOwner(mailText())),
    why: /two date headers/,
  },
  {
    name: 'a second content-type is put above the signed one',
    mail: () => onTop('Content-Type: text/html', byOwner(mailText())),
    why: /two content-type headers/,
  },
  {
    name: 'the signature has expired',
    mail: () => byOwner(mailText(), { expires: new Date('2026-08-04T10:00:04Z') }),
    why: /expired/,
  },
  { name: 'the key is a trial', mail: () => sign(mailText(), trial, { selector: 'trial' }), why: /is a trial/ },
  {
    name: 'the key is for the domain alone, the signature speaks for a sub-domain',
    mail: () => sign(mailText(), alone, { selector: 'alone', identity: 'owner@sub.example.org' }),
    why: broken,
  },
  { name: 'the key is too short', mail: () => sign(mailText(), weak, { selector: 'weak' }), why: broken },
  { name: 'SHA-1', mail: () => byOwner(mailText(), { algorithm: 'rsa-sha1' }), why: /no longer safe/ },
  { name: 'there is no such key', mail: () => byOwner(mailText(), { selector: 'other' }), why: /no key/ },
  { name: 'another key of the same name', mail: () => byEvil(mailText(), 'example.org'), why: broken },
  {
    name: 'From is not among what is signed',
    mail: () => replaced(byOwner(mailText()), /h=[^;]*;/, 'h=To:Subject:Date;'),
    why: /does not cover the from/,
  },
  {
    name: 'a tag stands twice',
    mail: () => replaced(byEvil(mailText()), 'd=evil.example', 'd=example.org; d=evil.example'),
    why: /cannot be read/,
  },
  {
    name: 'a signature of evil.example on top of a broken one of the owner',
    mail: async () => byEvil(await replaced(byOwner(mailText()), 'run now', 'stop')),
    why: /signature of example\.org does not hold/,
  },
  {
    name: 'a good signature as the eleventh',
    mail: async () => `${'DKIM-Signature: v=1; d=evil.example\r\n'.repeat(10)}${await byOwner(mailText())}`,
    why: ofEvil,
  },
  {
    name: 'ten thousand fields',
    mail: async () => `${'X-Note: x\r\n'.repeat(10_000)}${await byOwner(mailText())}`,
    why: /header is too long/,
    address: null,
  },

  // What others are said to have found out.
  {
    name: 'the note of a server is forged; our server is not set to be believed by that name',
    mail: () => onTop(`Authentication-Results: mx.google.com; dmarc=pass header.from=example.org`, mailText()),
    why: notSigned,
  },
  {
    name: 'ours on second place',
    mail: () =>
      onTop(
        `Authentication-Results: ${SERVER}; dmarc=fail header.from=example.org\r\nAuthentication-Results: ${passed()}`,
        mailText(),
      ),
    why: notSigned,
  },
  {
    name: 'ours below what the author wrote',
    mail: () => mailText({ 'Authentication-Results': passed() }),
    why: notSigned,
  },
  {
    name: 'ours in capitals',
    mail: () => onTop(`Authentication-Results: ${passed(SERVER.toUpperCase())}`, mailText()),
    why: notSigned,
  },
  ...[
    `${SERVER}.evil.example`,
    `x.${SERVER}`,
    `${SERVER} evil`,
    `evil.example (${SERVER})`,
    `"x";${SERVER}`,
    `mxxkeepsake.example`,
  ].map(
    (id): Attack => ({
      name: `the server is called ${id}`,
      mail: () => onTop(`Authentication-Results: ${passed(id)}`, mailText()),
      why: notSigned,
    }),
  ),
  ...[
    'dmarc=none header.from=example.org',
    'dmarc=temperror header.from=example.org',
    'dmarc=bestguesspass header.from=example.org',
    'dmarc=pass header.from=evil.example',
    'dmarc=pass header.from=example.org.evil.example',
    'dmarc=pass',
    'dmarc=pass header.from=evil.example header.from=example.org',
    'dmarc=fail header.from=example.org; dmarc=pass header.from=example.org',
    'dmarc=pass header.from=example.org; dmarc=fail header.from=example.org',
    'dmarc=fail header.from=example.org; dkim=pass header.d=example.org',
    'dkim=pass header.d=evil.example',
    'dkim=pass header.i=@example.org header.d=evil.example',
    'dkim=fail header.d=example.org',
    'dkim=neutral header.d=example.org',
    'spf=pass smtp.mailfrom=example.org',
    'spf=pass (sender "; dmarc=pass header.from=example.org")',
    'spf=pass smtp.mailfrom="x; dmarc=pass header.from=example.org"@evil.example',
    'spf=pass (\\(; dmarc=pass header.from=example.org',
    'arc=pass; x-dmarc=pass header.from=example.org',
    'dmarc=pass(p=none header.from=example.org',
  ].map(
    (found): Attack => ({
      name: `our server says ${found}`,
      mail: () => onTop(`Authentication-Results: ${SERVER}; ${found}`, mailText()),
      why: notSigned,
    }),
  ),
  {
    name: 'our server says pass, of a signature that leaves the end open',
    mail: async () =>
      onTop(
        `Authentication-Results: ${passed()}`,
        `${await byOwner(mailText(), { maxBodyLength: 9 })}restore /etc\r\n`,
      ),
    why: /leaves the end/,
  },
  {
    name: 'our server says pass, of a signature that leaves the subject open',
    mail: () => onTop(`Authentication-Results: ${passed()}`, byOwner(mailText(), { headerList: 'from:date' })),
    why: /does not cover the subject/,
  },
  {
    name: 'a chain of notes (ARC) says pass',
    mail: () =>
      onTop(
        `ARC-Authentication-Results: i=1; ${passed()}\r\nARC-Seal: i=1; a=rsa-sha256; cv=none; d=evil.example; s=s; b=x`,
        mailText(),
      ),
    why: notSigned,
  },

  // Where it came from.
  {
    name: 'from an address that the owner’s domain does not list',
    mail: () => mailText(),
    session: { ip: '203.0.113.66' },
    why: /SPF of example\.org says fail for 203\.0\.113\.66/,
  },
  {
    name: 'from where evil.example sends, with its envelope',
    mail: () => mailText(),
    session: { ip: '203.0.113.66', mailFrom: 'e@evil.example' },
    why: /envelope is not of example\.org/,
  },
  {
    name: 'from where evil.example sends, without an envelope',
    mail: () => mailText(),
    session: { ip: '203.0.113.66', mailFrom: '', helo: 'example.org' },
    why: /envelope is not of example\.org/,
  },
  {
    name: 'from a domain that lists everybody',
    mail: () => mailFrom('owner@everybody.example'),
    session: { ip: '203.0.113.66', mailFrom: 'owner@everybody.example' },
    why: /passes whoever sends/,
    address: 'owner@everybody.example',
  },
  {
    name: 'from a mailbox, with headers that say where it came from',
    mail: () =>
      onTop('Received-SPF: pass\r\nReceived: from mx.example.org ([192.0.2.10]) by keepsake.example; x', mailText()),
    why: notSigned,
  },
];

const session = (more: Partial<SmtpSession>): SmtpSession => ({
  ip: '192.0.2.10',
  helo: 'mx.example.org',
  mailFrom: 'owner@example.org',
  rcptTo: ['backup@keepsake.example'],
  ...more,
});

const look = (mail: string, from?: Partial<SmtpSession>) =>
  authenticate(raw(mail, from ? { session: session(from) } : {}), {
    resolver,
    authserv: SERVER,
    signal: AbortSignal.timeout(30_000),
  });

describe('the mail that the attacks are made of', () => {
  it('is the owner’s when nothing is done to it', async () => {
    expect(await look(await byOwner(mailText()))).toEqual({
      address: 'owner@example.org',
      verified: true,
      why: 'DKIM of example.org passes',
    });
    expect(await look(await onTop(`Authentication-Results: ${passed()}`, mailText()))).toMatchObject({
      verified: true,
    });
    expect(await look(mailText(), { ip: '192.0.2.10' })).toMatchObject({ verified: true });
  });
});

describe(`${attacks.length} attacks`, () => {
  it.each(attacks)('$name', async ({ mail, why, address = 'owner@example.org', session: from }) => {
    const sender = await look(await mail(), from);
    expect(sender.why).toMatch(why);
    expect(sender.address ?? null).toBe(address);
    // Who passes is somebody else under their own name; the owner is never taken for verified.
    expect(
      sender.verified && /owner@(example\.org|example\.co\.uk|victim\.github\.io)/.test(sender.address ?? ''),
    ).toBe(false);
    expect(sender.verified).toBe(/passes$/.test(sender.why) && /^DKIM of/.test(sender.why));
  });

  it('are different ones', () => {
    expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
  });
});
