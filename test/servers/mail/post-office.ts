/** What lies between people and mailboxes: domains with their records, delivery with the headers that servers add. */
import { createTransport } from 'nodemailer';
import type { Clock } from '../../../src/engine/types.ts';
import type { DnsServer } from '../dns.ts';
import { headerOf, parsePart } from '../imap/mime.ts';
import type { ImapServer } from '../imap.ts';
import { dkimRecord, SELECTOR } from './dkim.ts';
import { dateText, writeLetter } from './write.ts';

export interface Delivery {
  raw: Buffer;
  /** Empty for the null sender. */
  from: string;
  to: readonly string[];
  /** Whose server sends it. */
  via: string;
  /** Whose signature on it holds; absent where none does. */
  signedBy?: string;
}

export interface DomainOrder {
  /** Whether its key is published; yes. */
  dkim?: boolean;
  /** Whether its server is named; yes. */
  spf?: boolean;
  /** `reject`; undefined for no record. */
  dmarc?: 'none' | 'quarantine' | 'reject' | undefined;
}

export interface PostOffice {
  /** The address of the program under test. */
  own: string;
  imap: ImapServer;
  clock: Clock;
  newMessageId(domain: string): string;
  /** Once for a domain; later orders change its records. */
  addDomain(domain: string, o?: DomainOrder): void;
  /** Undefined when all of it lies in mailboxes, else why a part does not; its sender is told by mail as well. */
  deliver(delivery: Delivery): Promise<string | undefined>;
  /** Why nobody has the address. */
  unknown(address: string): string | undefined;
  /** Mails for the program under test go to this port of its own instead of its mailbox; undefined ends it. */
  route(port: number | undefined): void;
  /** Message-IDs of mails to the program that nobody may answer. */
  silent: Set<string>;
}

export interface OfficeOptions {
  own: string;
  imap: ImapServer;
  dns: DnsServer;
  clock: Clock;
  /** `own+anything` arrives at `own`. */
  tags: boolean;
  /** Writes Authentication-Results on top under this name. */
  authserv: string | undefined;
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();
const withoutTag = (address: string): string => address.replace(/^([^+@]+)\+[^@]*@/, '$1@');

export function createPostOffice(o: OfficeOptions): PostOffice {
  const ips = new Map<string, string>();
  const silent = new Set<string>();
  let routedTo: number | undefined;
  let made = 0;

  /** Each domain has a server of its own, so that SPF can tell them apart. */
  const ipOf = (domain: string): string => {
    const known = ips.get(domain) ?? `127.0.1.${ips.size + 1}`;
    ips.set(domain, known);
    return known;
  };

  function accountOf(address: string): string | undefined {
    const whole = address.toLowerCase();
    const bare = o.tags || withoutTag(whole) !== o.own ? withoutTag(whole) : whole;
    return [whole, bare].find((one) => {
      try {
        return o.imap.account(one) !== undefined;
      } catch {
        return false;
      }
    });
  }

  const unknown = (address: string): string | undefined =>
    accountOf(address) === undefined ? `5.1.1 <${address}>: there is no such user` : undefined;

  function stamps(delivery: Delivery, to: string, account: string): string {
    const ip = ipOf(delivery.via);
    const mx = `mx.${domainOf(to)}`;
    made += 1;
    return [
      `Return-Path: <${delivery.from}>`,
      `X-Original-To: ${to}`,
      `Delivered-To: ${account}`,
      ...(o.authserv === undefined || account !== o.own ? [] : [results(delivery)]),
      `Received: from mail.${delivery.via} (mail.${delivery.via} [${ip}])`,
      `\tby ${mx} with ESMTPS id ${made.toString(36).toUpperCase().padStart(8, '0')}`,
      `\tfor <${to}>; ${dateText(o.clock.now())}`,
      '',
    ].join('\r\n');
  }

  /** RFC 8601, from what is known here; the check itself is not repeated. */
  function results({ from, via, signedBy, raw }: Delivery): string {
    const author = domainOf(/<([^>]+)>/.exec(headerOf(parsePart(raw.toString('latin1')), 'From') ?? '')?.[1] ?? '');
    const spf = from !== '' && domainOf(from) === via;
    const aligned = signedBy === author || (spf && via === author);
    return [
      `Authentication-Results: ${o.authserv};`,
      ` dkim=${signedBy === undefined ? 'none' : `pass header.d=${signedBy} header.s=${SELECTOR}`};`,
      ` spf=${spf ? 'pass' : 'none'} smtp.mailfrom=${from};`,
      ` dmarc=${aligned ? 'pass' : 'fail'} header.from=${author}`,
    ].join('\r\n');
  }

  async function handOver(delivery: Delivery, to: string, port: number): Promise<string | undefined> {
    const transport = createTransport({
      host: '127.0.0.1',
      port,
      name: `mail.${delivery.via}`,
      localAddress: ipOf(delivery.via),
      tls: { rejectUnauthorized: false },
    });
    try {
      await transport.sendMail({ envelope: { from: delivery.from, to: [to] }, raw: delivery.raw });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      transport.close();
    }
  }

  function notice(delivery: Delivery): void {
    const root = parsePart(delivery.raw.toString('latin1'));
    const id = headerOf(root, 'Message-ID');
    const isRobot = (headerOf(root, 'Auto-Submitted') ?? 'no').trim().toLowerCase() !== 'no';
    if (id !== undefined && (delivery.from === '' || isRobot)) silent.add(id.trim());
  }

  /** To one address. */
  async function place(delivery: Delivery, to: string): Promise<string | undefined> {
    const account = accountOf(to);
    if (account === undefined) return unknown(to);
    if (account === o.own) notice(delivery);
    if (account === o.own && routedTo !== undefined) return handOver(delivery, to, routedTo);
    const raw = Buffer.concat([Buffer.from(stamps(delivery, to, account), 'latin1'), delivery.raw]);
    o.imap.account(account).mailbox('INBOX').add(raw);
    return undefined;
  }

  /** The null sender is never told (RFC 5321 section 4.5.5). */
  function tell(delivery: Delivery, refused: string): void {
    const account = delivery.from === '' ? undefined : accountOf(delivery.from);
    if (account === undefined) return;
    const { via } = delivery;
    const letter = {
      from: { name: 'Mail Delivery System', address: `MAILER-DAEMON@${via}` },
      to: [delivery.from],
      subject: 'Undelivered Mail Returned to Sender',
      date: o.clock.now(),
      messageId: office.newMessageId(via),
      text: refused,
      headers: [['Auto-Submitted', 'auto-replied'] as const],
    };
    const bounce = { raw: Buffer.from(writeLetter(letter), 'latin1'), from: '', to: letter.to, via };
    if (account === o.own) notice(bounce);
    const raw = Buffer.concat([Buffer.from(stamps(bounce, delivery.from, account), 'latin1'), bounce.raw]);
    o.imap.account(account).mailbox('INBOX').add(raw);
  }

  const office: PostOffice = {
    own: o.own,
    imap: o.imap,
    clock: o.clock,
    silent,
    unknown,
    newMessageId(domain) {
      made += 1;
      return `<${o.clock.now().getTime().toString(36)}.${made}@mail.${domain}>`;
    },
    addDomain(domain, { dkim = true, spf = true, ...rest } = {}) {
      const dmarc = 'dmarc' in rest ? rest.dmarc : 'reject';
      const ip = ipOf(domain);
      o.dns.set(domain, 'MX', [`10 mx.${domain}`]);
      o.dns.set(domain, 'TXT', spf ? [`v=spf1 ip4:${ip} -all`] : 'NXDOMAIN');
      for (const host of ['mx', 'mail']) o.dns.set(`${host}.${domain}`, 'A', [ip]);
      o.dns.set(`${SELECTOR}._domainkey.${domain}`, 'TXT', dkim ? [dkimRecord(domain)] : 'NXDOMAIN');
      o.dns.set(
        `_dmarc.${domain}`,
        'TXT',
        dmarc === undefined ? 'NXDOMAIN' : [`v=DMARC1; p=${dmarc}; adkim=r; aspf=r`],
      );
    },
    async deliver(delivery) {
      const refusals: string[] = [];
      for (const to of delivery.to) {
        const refused = await place(delivery, to);
        if (refused !== undefined) refusals.push(refused);
      }
      if (refusals.length === 0) return undefined;
      tell(delivery, refusals.join('\n'));
      return refusals.join('\n');
    },
    route(port) {
      routedTo = port;
    },
  };
  return office;
}
