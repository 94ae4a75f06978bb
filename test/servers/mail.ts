/**
 * A world of mail on loopback: a provider that takes mail by SMTP and keeps it in IMAP mailboxes, domains with DKIM, SPF and
 * DMARC, and people who read, answer and press links as their mail programs do. What no right program sends is in
 * `violations`.
 */
import { createHash } from 'node:crypto';
import { systemClock } from '../../src/engine/clock.ts';
import type { Clock } from '../../src/engine/types.ts';
import { type DnsServer, startDns } from './dns.ts';
import { type ImapAccount, type ImapServer, startImap } from './imap.ts';
import { fingerprint, problemsOf } from './mail/checks.ts';
import { signDkim } from './mail/dkim.ts';
import { createPerson, type Person } from './mail/person.ts';
import { createPostOffice, type Delivery, type DomainOrder } from './mail/post-office.ts';
import { type SmtpServer, type Submitted, startSmtp } from './mail/smtp.ts';

export type { Person, Replying, Sending, Sent } from './mail/person.ts';
export type { Language, Style } from './mail/quote.ts';
export { LANGUAGES, STYLES } from './mail/quote.ts';
export type { MailtoLink, SeenMail } from './mail/seen.ts';
export type { Submitted } from './mail/smtp.ts';

export interface MailWorldOptions {
  /** `example.org` */
  domain?: string;
  clock?: Clock;
  /** Mail to `backup+anything@` arrives at `backup@`; yes. */
  tags?: boolean;
  /** The server writes Authentication-Results under this name. */
  authserv?: string;
  /** The service puts Message-IDs of its own in place of the program's, as some do (Amazon SES). */
  rewritesIds?: boolean;
  /** Largest mail that SMTP takes, in bytes. */
  size?: number;
  /** Offers STARTTLS with it. */
  tls?: { key: string; cert: string };
  /** What IMAP offers. */
  capabilities?: readonly string[];
}

export interface MailWorld {
  /** The address of the program under test. */
  address: string;
  imap: ImapServer;
  smtp: SmtpServer;
  dns: DnsServer;
  /** The program's own mailboxes. */
  bot: ImapAccount;
  ana: Person;
  ben: Person;
  /** Somebody else, at any domain; the same person for the same address. */
  person(address: string, name?: string): Person;
  /** A domain without people, or other records for one that is there. */
  domain(name: string, o?: DomainOrder): void;
  /** Takes this token in place of a password from now on, by SMTP and IMAP; `undefined` takes none. */
  accessToken(token: string | undefined): void;
  /** What sets the program up for this world. */
  environment(): Record<string, string>;
  /** The mail comes once more, byte by byte as it came first (RFC 5321 allows it). */
  deliverAgain(mail: Delivery): Promise<string | undefined>;
  /** Somebody who got hold of a mail sends it to the program, by a server of their own. */
  replay(raw: Uint8Array, o?: { from?: string; to?: string; via?: string }): Promise<string | undefined>;
  /** Mails to the program go to a port where it listens itself; undefined: to its mailbox again. */
  route(port: number | undefined): void;
  /** Everything that the program sent. */
  submitted(): readonly Submitted[];
  /** Of SMTP and IMAP; empty for a right program. */
  violations(): string[];
  close(): Promise<void>;
}

/** The same mail sent twice gets the same; nothing of the program's own id is left in it. */
const withOtherId = (raw: string, domain: string): string =>
  raw.replace(
    /^message-id:[ \t\r\n]*(<[^>]*>)/im,
    (_, id: string) => `Message-ID: <${createHash('sha256').update(id).digest('hex').slice(0, 24)}@service.${domain}>`,
  );

export async function openMailWorld(o: MailWorldOptions = {}): Promise<MailWorld> {
  const { domain = 'example.org', clock = systemClock, tags = true } = o;
  const address = `backup@${domain}`;
  const imap = await startImap({ clock, ...(o.capabilities === undefined ? {} : { capabilities: o.capabilities }) });
  const bot = imap.addAccount(address, 'pw');
  const dns = await startDns({});
  const office = createPostOffice({ own: address, imap, dns, clock, tags, authserv: o.authserv });
  office.addDomain(domain);
  const people = new Map<string, Person>();
  const problems: string[] = [];
  const sent = new Map<string, string>();

  function person(at: string, name = at.split('@')[0] ?? at): Person {
    const known = people.get(at.toLowerCase());
    if (known) return known;
    const home = at.slice(at.lastIndexOf('@') + 1).toLowerCase();
    if (home !== domain && ![...people.keys()].some((one) => one.endsWith(`@${home}`))) office.addDomain(home);
    imap.addAccount(at, 'pw');
    const made = createPerson(office, name, at);
    people.set(at.toLowerCase(), made);
    return made;
  }

  async function take(mail: Submitted): Promise<void> {
    const found = await problemsOf(mail, { own: address, silent: office.silent, before: (id) => sent.get(id) });
    problems.push(...found);
    const raw = mail.raw.toString('latin1');
    const id = /^message-id:\s*(<[^>]*>)/im.exec(raw)?.[1];
    if (id !== undefined && !sent.has(id)) sent.set(id, await fingerprint(mail));
    const isMail = raw.includes('\r\n\r\n');
    const sentOn = o.rewritesIds ? withOtherId(raw, domain) : raw;
    await office.deliver({
      raw: isMail
        ? Buffer.from(signDkim(sentOn, { domain, headers: ['List-Unsubscribe', 'List-Unsubscribe-Post'] }), 'latin1')
        : mail.raw,
      from: mail.from,
      to: mail.to,
      via: domain,
      signedBy: domain,
    });
  }

  const base = address.slice(0, address.indexOf('@'));
  const smtp = await startSmtp({
    clock,
    ...(o.size === undefined ? {} : { size: o.size }),
    ...(o.tls === undefined ? {} : { tls: o.tls }),
    knows: office.unknown,
    mayUse: (user, from) => {
      const lower = from.toLowerCase();
      return lower === user || (user === address && lower.startsWith(`${base}+`) && lower.endsWith(`@${domain}`));
    },
    take,
  });
  smtp.users.set(address, 'pw');

  return {
    address,
    imap,
    smtp,
    dns,
    bot,
    ana: person(`ana@${domain}`, 'Ana Lima'),
    ben: person(`ben@${domain}`, 'Ben Okafor'),
    person,
    domain: (name, order) => office.addDomain(name, order),
    accessToken(token) {
      const tokens = new Set(token === undefined ? [] : [token]);
      smtp.accessTokens.set(address, tokens);
      bot.accessTokens.clear();
      for (const one of tokens) bot.accessTokens.add(one);
    },
    environment: () => ({
      SMTP_URL: smtp.url(address),
      IMAP_URL: imap.url(address),
      MAIL_FROM: address,
      KEEPSAKE_ENDPOINT_DNS: dns.url,
      ...(tags ? {} : { MAIL_TAGS: 'no' }),
      ...(o.authserv === undefined ? {} : { MAIL_AUTHSERV: o.authserv }),
    }),
    deliverAgain: (mail) => office.deliver(mail),
    replay(raw, { from = `thief@replay.example`, to = address, via = 'replay.example' } = {}) {
      office.addDomain(via);
      return office.deliver({ raw: Buffer.from(raw), from, to: [to], via });
    },
    route: (port) => office.route(port),
    submitted: () => [...smtp.submitted],
    violations: () => [...problems, ...imap.violations()],
    async close() {
      await Promise.all([smtp.close(), imap.close(), dns.close()]);
    },
  };
}
