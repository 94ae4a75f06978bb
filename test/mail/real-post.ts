/** The people of the mail world on real servers: OpenSMTPD takes their mails, dovecot's maildirs hold what they get. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { systemClock } from '../../src/engine/clock.ts';
import { startDns } from '../servers/dns.ts';
import { dovecotMissing, startDovecot } from '../servers/dovecot.ts';
import { dkimRecord, SELECTOR } from '../servers/mail/dkim.ts';
import { createPerson, type Person } from '../servers/mail/person.ts';
import type { Delivery, PostOffice } from '../servers/mail/post-office.ts';
import { opensmtpdMissing, startOpensmtpd } from '../servers/opensmtpd.ts';

export const realPostMissing: string | undefined = dovecotMissing ?? opensmtpdMissing;

export interface Post {
  address: string;
  ana: Person;
  environment(): Record<string, string>;
  close(): Promise<void>;
}

export interface RealPost extends Post {
  /** Ana, and those whose names were given. */
  people: readonly Person[];
  /** Everything that lies in somebody's mailbox, and when it came there (ms since 1970). */
  arrived(person: Person): { raw: Buffer; at: number }[];
}

/** Mails of a maildir in the order in which they came; dovecot names them by time once it has seen them. */
function mailsOf(maildir: string): { uid: number; raw: Buffer; at: number }[] {
  const files = ['new', 'cur'].flatMap((folder) => {
    const at = join(maildir, folder);
    return existsSync(at) ? readdirSync(at).map((name) => ({ name, path: join(at, name) })) : [];
  });
  return files
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, path }) => ({ uid: uidOf(name), raw: readFileSync(path), at: statSync(path).mtimeMs }));
}

const uids = new Map<string, number>();
/** Names change with flags; what stands before them does not. */
function uidOf(name: string): number {
  const [base = name] = name.split(/[:,]/);
  const known = uids.get(base) ?? uids.size + 1;
  uids.set(base, known);
  return known;
}

/** `names`: of further people, before the @. */
export async function openRealPost(names: readonly string[] = []): Promise<RealPost> {
  const domain = 'example.org';
  const address = `backup@${domain}`;
  const addresses = [address, ...['ana', ...names].map((name) => `${name}@${domain}`)];
  const dovecot = await startDovecot(addresses.map((name) => ({ name, password: 'pw' })));
  const smtp = await startOpensmtpd({ domain, users: addresses, maildir: dovecot.maildir });
  const dns = await startDns({});
  dns.set(`${SELECTOR}._domainkey.${domain}`, 'TXT', [dkimRecord(domain)]);
  dns.set(`_dmarc.${domain}`, 'TXT', ['v=DMARC1; p=reject']);
  const transport = createTransport({ host: smtp.host, port: smtp.port, pool: true, maxConnections: 10 });
  let count = 0;
  const office = {
    clock: systemClock,
    imap: {
      account: (user: string) => ({
        mailbox: () => ({
          mails: () => mailsOf(dovecot.maildir(user)),
          listen(changed: () => void) {
            const looking = setInterval(changed, 20);
            return () => clearInterval(looking);
          },
        }),
      }),
    },
    newMessageId: (at: string) => `<real.${process.pid}.${++count}@${at}>`,
    async deliver({ raw, from, to }: Delivery) {
      await transport.sendMail({ envelope: { from, to: [...to] }, raw });
      return undefined;
    },
  } as unknown as PostOffice;
  const ana = createPerson(office, 'Ana Lima', `ana@${domain}`);
  return {
    address,
    ana,
    people: [ana, ...names.map((name) => createPerson(office, name, `${name}@${domain}`))],
    arrived: (person) => mailsOf(dovecot.maildir(person.address)),
    environment: () => ({
      SMTP_URL: smtp.url,
      IMAP_URL: `imap://${encodeURIComponent(address)}:pw@${dovecot.host}:${dovecot.port}`,
      MAIL_FROM: address,
      KEEPSAKE_ENDPOINT_DNS: dns.url,
    }),
    async close() {
      transport.close();
      await smtp.stop();
      await dovecot.stop();
      await dns.close();
    },
  };
}
