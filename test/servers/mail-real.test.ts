/** The real servers of the mail journey beside each other: OpenSMTPD delivers what dovecot shows. */
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { afterEach, expect, test } from 'vitest';
import { dovecotMissing, startDovecot } from './dovecot.ts';
import { opensmtpdMissing, startOpensmtpd } from './opensmtpd.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const missing = dovecotMissing ?? opensmtpdMissing;
const USERS = ['backup@example.org', 'ana@example.org'];

async function servers() {
  const dovecot = await startDovecot(USERS.map((name) => ({ name, password: 'pw' })));
  open.push(() => dovecot.stop());
  const smtp = await startOpensmtpd({ domain: 'example.org', users: USERS, maildir: dovecot.maildir });
  open.push(() => smtp.stop());
  return { dovecot, smtp };
}

const said = (to: string) => ({ from: 'zoe@outside.example', to, subject: `for ${to}`, text: 'run now' });

test.skipIf(missing !== undefined)(
  `mail to an address and to its sub-addresses is in its IMAP mailbox${missing === undefined ? '' : ` (${missing})`}`,
  async () => {
    const { dovecot, smtp } = await servers();
    const flow = new ImapFlow({
      host: dovecot.host,
      port: dovecot.port,
      secure: false,
      auth: { user: 'backup@example.org', pass: 'pw' },
      logger: false,
    });
    await flow.connect();
    open.push(() => flow.close());
    await flow.mailboxOpen('INBOX');
    const came = new Promise<void>((resolve) => {
      flow.on('exists', ({ count }) => (count === 2 ? resolve() : undefined));
    });
    // It would begin by itself after a while.
    void flow.idle();
    const transport = createTransport({ host: smtp.host, port: smtp.port });
    open.push(() => transport.close());
    await transport.sendMail(said('backup@example.org'));
    await transport.sendMail(said('backup+r.abcdefghijklmnopqrstuvwxyz@example.org'));
    await transport.sendMail(said('ana@example.org'));
    await expect(transport.sendMail(said('nobody@example.org'))).rejects.toThrow(/rejected/);
    await expect(transport.sendMail(said('backup@elsewhere.example'))).rejects.toThrow(/rejected/);
    await came;
    const found = await flow.fetchAll('1:*', { envelope: true, headers: ['delivered-to', 'return-path'] });
    expect(found.map(({ envelope }) => envelope?.subject).sort()).toEqual([
      'for backup+r.abcdefghijklmnopqrstuvwxyz@example.org',
      'for backup@example.org',
    ]);
    expect(found.map(({ headers }) => headers?.toString()).join()).toContain('Return-Path: <zoe@outside.example>');
  },
);

test.skipIf(missing !== undefined)(
  `two servers work at the same time${missing === undefined ? '' : ` (${missing})`}`,
  async () => {
    const [one, other] = [await servers(), await servers()];
    for (const { smtp } of [one, other]) {
      const transport = createTransport({ host: smtp.host, port: smtp.port });
      open.push(() => transport.close());
      expect((await transport.sendMail(said('ana@example.org'))).response).toMatch(/^250/);
    }
  },
);
