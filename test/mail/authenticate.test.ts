import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RetryLater } from '../../src/engine/errors.ts';
import { fromAddress } from '../../src/mail/authenticate/from.ts';
import { authenticate } from '../../src/mail/authenticate.ts';
import { LARGEST_MAIL, type RawMail } from '../../src/mail/mail.ts';
import { createResolver } from '../../src/mail/resolver.ts';
import { type DnsServer, startDns } from '../servers/dns.ts';
import { ed25519Key, mailText, raw, rsaKey, sign } from './signed.ts';

const owner = rsaKey();
const small = rsaKey(1024);
const modern = ed25519Key();

let dns: DnsServer;

beforeAll(async () => {
  dns = await startDns({
    'example.org': { TXT: ['v=spf1 a mx -all'], A: ['192.0.2.10'], MX: ['10 mx.example.org'] },
    'mx.example.org': { A: ['192.0.2.11'], AAAA: ['2001:db8::11'] },
    's._domainkey.example.org': { TXT: [owner.record] },
    'small._domainkey.example.org': { TXT: [small.record] },
    'modern._domainkey.example.org': { TXT: [modern.record] },
    's._domainkey.mail.example.org': { TXT: [owner.record] },
    's._domainkey.xn--bcher-kva.example': { TXT: [owner.record] },
    's._domainkey.silent.example': 'silence',
    's._domainkey.broken.example': 'SERVFAIL',
    's._domainkey.mail.walk.example': { TXT: [owner.record] },
    '_dmarc.walk.example': 'SERVFAIL',
    'broken.example': 'SERVFAIL',
  });
});
beforeEach(() => {
  dns.queries.splice(0);
});
afterAll(() => dns.close());

const look = (mail: RawMail, more: { authserv?: string; signal?: AbortSignal } = {}) =>
  authenticate(mail, {
    resolver: createResolver({ server: dns.url }),
    signal: more.signal ?? AbortSignal.timeout(60_000),
    ...(more.authserv === undefined ? {} : { authserv: more.authserv }),
  });

const session = { ip: '192.0.2.10', helo: 'mx.example.org', mailFrom: 'Owner@Example.org', rcptTo: [] };

describe('a mail is its sender’s', () => {
  it.each(['relaxed/relaxed', 'simple/simple', 'relaxed/simple', 'simple/relaxed'])(
    'when it is signed by their domain (%s)',
    async (canonicalization) => {
      const body = 'run  now \t\r\n\r\nThanks,\r\nOwner\r\n\r\n\r\n';
      const mail = await sign(mailText({ Subject: 'Re:  Photos\r\n and videos' }, body), owner, { canonicalization });
      expect(await look(raw(mail))).toEqual({
        address: 'owner@example.org',
        verified: true,
        why: 'DKIM of example.org passes',
      });
      expect(dns.queries).toEqual(['TXT s._domainkey.example.org']);
    },
  );

  it.each([
    ['1,024 bits', small, 'small'],
    ['Ed25519', modern, 'modern'],
  ])('when the key has %s', async (_, key, selector) => {
    expect(await look(raw(await sign(mailText(), key, { selector })))).toMatchObject({ verified: true });
  });

  it('when its lines end as they do on disk', async () => {
    const mail = await sign(mailText({}, 'run now\r\n\r\nThanks\r\n'), owner);
    expect(await look(raw(mail.replaceAll('\r\n', '\n')))).toMatchObject({ verified: true });
  });

  it('when line ends fall between two pieces of a long mail', async () => {
    for (const more of [0, 1, 2, 3]) {
      const body = `${'x'.repeat(more)}${'0123456789abcdef0123456789abcd\r\n'.repeat(5_000)}`;
      const mail = await sign(mailText({}, body), owner, { canonicalization: 'simple/simple' });
      expect(await look(raw(mail))).toMatchObject({ verified: true });
      expect(await look(raw(mail.replaceAll('\r\n', '\n')))).toMatchObject({ verified: true });
    }
  });

  it('when their name, the case of the address and comments are unusual', async () => {
    const mail = await sign(mailText({ From: '"O, \\"the\\" W" (at (home)) <Owner@EXAMPLE.org> (me)' }), owner);
    expect(await look(raw(mail))).toMatchObject({ address: 'owner@example.org', verified: true });
  });

  it('when their domain is written in its own letters, or in ASCII', async () => {
    for (const domain of ['bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example']) {
      const mail = await sign(mailText({ From: `owner@${domain}` }), owner, { domain: 'xn--bcher-kva.example' });
      expect(await look(raw(mail))).toMatchObject({ address: 'owner@xn--bcher-kva.example', verified: true });
    }
  });

  it('when one of several signatures is theirs', async () => {
    const twice = await sign(await sign(mailText(), owner), owner, { domain: 'other.example' });
    const broken = (await sign(mailText(), owner, { selector: 'small' })).replace(/\r\nFrom:[\s\S]*/, '\r\n');
    expect(await look(raw(`${broken}${twice}`))).toMatchObject({ verified: true });
    expect(dns.queries).not.toContain('TXT s._domainkey.other.example');
  });

  it('when a domain of the same owner signs and no policy forbids it', async () => {
    const mail = await sign(mailText(), owner, { domain: 'mail.example.org' });
    expect(await look(raw(mail))).toMatchObject({ verified: true, why: 'DKIM of mail.example.org passes' });
    dns.set('_dmarc.example.org', 'TXT', ['v=DMARC1; p=none']);
    expect(await look(raw(mail))).toMatchObject({ verified: true });
    dns.set('_dmarc.example.org', 'TXT', ['v=DMARC1; p=none; adkim=s']);
    expect(await look(raw(mail))).toMatchObject({ verified: false });
    dns.set('_dmarc.example.org', 'TXT', 'NXDOMAIN');
  });

  it('when the signature was good on the day the mail came', async () => {
    const mail = await sign(mailText(), owner, { expires: new Date('2026-08-04T10:01:00Z') });
    expect(await look(raw(mail))).toMatchObject({ verified: true });
    expect(await look(raw(mail, { received: '2026-08-04T10:02:00.000Z' }))).toMatchObject({ verified: false });
  });

  it.each(['192.0.2.10', '192.0.2.11', '2001:db8::11'])(
    'when it came from %s, where their domain sends',
    async (ip) => {
      expect(await look(raw(mailText(), { session: { ...session, ip } }))).toEqual({
        address: 'owner@example.org',
        verified: true,
        why: `SPF of example.org passes for ${ip}`,
      });
    },
  );

  it.each([
    [
      'as Gmail writes it',
      'mx.google.com;\r\n       dkim=pass header.i=@example.org header.s=s header.b="Ab+c/d=";\r\n       spf=pass (google.com: domain of owner@example.org designates 192.0.2.1 as permitted sender) smtp.mailfrom=owner@example.org;\r\n       dmarc=pass (p=NONE sp=QUARANTINE dis=NONE) header.from=example.org',
    ],
    ['with a version and quotation marks', 'mx.google.com 1; dmarc = pass header . from = "Example.ORG"'],
    ['with a signature only', 'mx.google.com; dmarc=none; dkim=pass (2048-bit key; unprotected) header.d=example.org'],
  ])('when the mailbox’s own server found so, %s', async (_, found) => {
    const above =
      'Delivered-To: backup@keepsake.example\r\nReceived: by 2002:a05\r\n with SMTP\r\nX-Google-Smtp-Source: A\r\n';
    const mail = raw(`${above}Authentication-Results: ${found}\r\n${mailText()}`);
    expect(await look(mail, { authserv: 'mx.google.com' })).toMatchObject({
      address: 'owner@example.org',
      verified: true,
    });
    expect(await look(mail, { authserv: 'mx.keepsake.example' })).toMatchObject({ verified: false });
    expect(await look(mail)).toMatchObject({ verified: false });
  });
});

describe('while no name server answers', () => {
  it.each(['silent.example', 'broken.example'])(
    'the mail is looked at again later (%s)',
    { timeout: 30_000 },
    async (domain) => {
      const mail = await sign(mailText({ From: `owner@${domain}` }), owner, { domain });
      await expect(look(raw(mail))).rejects.toThrow(RetryLater);
    },
  );

  it('for SPF as well, and for a policy that matters', async () => {
    const spf = raw(mailText({ From: 'owner@broken.example' }), {
      session: { ...session, mailFrom: 'owner@broken.example' },
    });
    await expect(look(spf)).rejects.toThrow(/SPF of broken.example cannot be read/);
    const policy = await sign(mailText({ From: 'owner@walk.example' }), owner, { domain: 'mail.walk.example' });
    await expect(look(raw(policy))).rejects.toThrow(/DMARC policy of walk.example cannot be read/);
  });

  it('nobody waits for a domain whose signature could prove nothing', async () => {
    const mail = await sign(mailText(), owner, { domain: 'silent.example' });
    expect(await look(raw(mail))).toMatchObject({ verified: false, why: 'its DKIM signature is of silent.example' });
    expect(dns.queries).toEqual([]);
  });
});

describe('mails made to keep a server busy', () => {
  it('a thousand signatures cost no more than ten', async () => {
    const one = await sign(mailText(), owner, { selector: 'none' });
    const signature = one.slice(0, one.indexOf('From:'));
    const many = Array.from({ length: 1_000 }, (_, n) => signature.replace('s=none', `s=n${n}`)).join('');
    expect(await look(raw(`${many}${mailText()}`))).toMatchObject({ verified: false, why: /no key/ });
    expect(dns.queries.length).toBeLessThanOrEqual(10);
  });

  it('the largest mail of empty lines is read to its end', { timeout: 60_000 }, async () => {
    const head = await sign(mailText({}, 'x\r\n'), owner);
    for (const filling of ['\n', '\r\n']) {
      const body = Buffer.alloc((LARGEST_MAIL - head.length) & ~1, filling);
      // Empty lines at the end are no part of what is signed (RFC 6376 section 3.4.4).
      expect(await look(raw(Buffer.concat([Buffer.from(head), body])))).toMatchObject({ verified: true });
    }
  });

  it.each(['x', ' ', '\r', '\0'])('the largest mail of one line is not read (%j)', async (filling) => {
    const head = await sign(mailText({}, 'x\r\n'), owner);
    const body = Buffer.alloc(LARGEST_MAIL - head.length, filling);
    expect(await look(raw(Buffer.concat([Buffer.from(head), body])))).toMatchObject({
      verified: false,
      why: 'it has a line that is too long to be checked',
    });
  });

  it('a header without an end is not read', async () => {
    expect(await look(raw('X'.repeat(1_000_000)))).toEqual({ verified: false, why: 'its header is too long' });
    expect(await look(raw(''))).toMatchObject({ verified: false });
  });

  it('what is written in it is shown on one line, and shortly', async () => {
    const long = `e\u202evil.${'x'.repeat(5_000)}.example`;
    const { why } = await look(raw(`DKIM-Signature: v=1; a=rsa-sha256; d=${long}\r\n${mailText()}`));
    expect(why.length).toBeLessThan(200);
    expect(why).not.toMatch(/[\u202e\n]/);
  });

  it('ends with its signal', async () => {
    const stop = AbortSignal.abort(new Error('shutdown'));
    await expect(look(raw(await sign(mailText(), owner)), { signal: stop })).rejects.toThrow('shutdown');
  });
});

describe('the address in From', () => {
  it.each([
    ['owner@example.org', 'owner@example.org'],
    ['<owner@example.org>', 'owner@example.org'],
    ['Owner <Owner@Example.ORG>', 'owner@example.org'],
    ['"Owner, the <first>" <owner+tag@example.org>', 'owner+tag@example.org'],
    ['=?utf-8?Q?M=C3=BCller?= <o.m@example.org> (=?utf-8?Q?x?=)', 'o.m@example.org'],
    ['owner@example.org (Owner; of "all")', 'owner@example.org'],
    ['owner', undefined],
    ['', undefined],
    ['<>', undefined],
    ['owner@localhost', undefined],
    ['owner@example..org', undefined],
    ['a@b@example.org', undefined],
    ['a b@example.org', undefined],
    ['<owner@example.org', undefined],
    ['owner@example.org>', undefined],
    ['"Owner <owner@example.org>', undefined],
    ['<owner@example.org> and others', undefined],
    ['o\\@x@example.org', undefined],
    ['\xff@example.org', undefined],
  ])('%s', (value, address) => {
    expect(fromAddress(value)).toBe(address);
  });
});
