import { ImapFlow } from 'imapflow';
import { authenticate } from 'mailauth';
import { createTransport } from 'nodemailer';
import { afterEach, describe, expect, test } from 'vitest';
import { LANGUAGES, type MailWorld, type MailWorldOptions, openMailWorld, STYLES } from './mail.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function world(o: MailWorldOptions = {}): Promise<MailWorld> {
  const made = await openMailWorld(o);
  open.push(made);
  return made;
}

const TOKEN = 'abcdefghijklmnopqrstuvwxyz';
const REPLY_TO = `backup+r.${TOKEN}@example.org`;
const HTML = `<p>All safe.</p><img src="cid:sheet@example.org" alt="photos"><p><a href="mailto:${REPLY_TO}?subject=Re%3A%20All%20safe&amp;body=run%20now%0D%0A%0D%0A%5B%23${TOKEN}%5D">Run now</a></p>`;

/** Sends as a right program does. */
async function report(mail: MailWorld, o: Record<string, unknown> = {}): Promise<void> {
  const { smtp } = mail;
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    auth: { user: mail.address, pass: 'pw' },
  });
  open.push(transport);
  await transport.sendMail({
    from: { name: 'Keepsake', address: mail.address },
    to: mail.ana.address,
    replyTo: REPLY_TO,
    subject: 'All 214 new photos are safe – Google Drive',
    messageId: `<${TOKEN}.k@example.org>`,
    text: 'All safe.\n\nRun now: answer "run now".\n',
    html: HTML,
    attachments: [{ filename: 'sheet.png', content: Buffer.from('png'), cid: 'sheet@example.org' }],
    headers: {
      'Auto-Submitted': 'auto-generated',
      'List-Unsubscribe': `<mailto:backup+u.${TOKEN}@example.org>`,
    },
    ...o,
  });
}

const checked = async (mail: MailWorld, raw: Buffer) => {
  const result = await authenticate(raw, {
    trustReceived: false,
    resolver: async (name: string, type: string) => {
      const { Resolver } = await import('node:dns/promises');
      const resolver = new Resolver();
      resolver.setServers([new URL(mail.dns.url).host]);
      return resolver.resolve(name, type) as Promise<string[]>;
    },
  });
  const [dkim] = result.dkim.results;
  const dmarc = result.dmarc ? result.dmarc.status.result : undefined;
  return { dkim: dkim?.status.result, aligned: dkim?.status.aligned, dmarc };
};

describe('a right program', () => {
  test('its report is seen by a person, who presses, answers and unsubscribes; all of it lies in its mailbox', async () => {
    const mail = await world();
    await report(mail);
    const seen = await mail.ana.next();
    expect(seen).toMatchObject({
      subject: 'All 214 new photos are safe – Google Drive',
      from: { name: 'Keepsake', address: mail.address },
      replyTo: REPLY_TO,
      messageId: `<${TOKEN}.k@example.org>`,
      links: [{ label: 'Run now', to: REPLY_TO, subject: 'Re: All safe', body: `run now\r\n\r\n[#${TOKEN}]` }],
      pictures: [{ name: 'sheet.png', mime: 'image/png', bytes: new Uint8Array(Buffer.from('png')) }],
      unsubscribe: { mailto: `mailto:backup+u.${TOKEN}@example.org`, oneClick: false },
    });
    expect(await mail.ben.inbox()).toEqual([]);
    await mail.ana.press(seen, 'Run now');
    await mail.ana.reply(seen, 'weekly');
    await mail.ana.unsubscribe(seen);
    const flow = new ImapFlow({
      host: mail.imap.host,
      port: mail.imap.port,
      secure: false,
      auth: { user: mail.address, pass: 'pw' },
      logger: false,
    });
    await flow.connect();
    await flow.mailboxOpen('INBOX');
    const found = await flow.fetchAll('1:*', { envelope: true, headers: true });
    await flow.logout();
    expect(found.map(({ envelope }) => envelope?.to?.[0]?.address)).toEqual([
      REPLY_TO,
      REPLY_TO,
      `backup+u.${TOKEN}@example.org`,
    ]);
    expect(found[1]?.envelope?.inReplyTo).toBe(`<${TOKEN}.k@example.org>`);
    const headers = found[1]?.headers?.toString() ?? '';
    expect(headers).toMatch(
      /^Return-Path: <ana@example\.org>\r\nX-Original-To: backup\+r\.\w+@example\.org\r\nDelivered-To: backup@example\.org\r\nReceived: /,
    );
    expect(mail.violations()).toEqual([]);
  });
});

describe('what people send', () => {
  test('is signed by their domain, and mailauth says so; other signatures are what they are', async () => {
    const mail = await world();
    const { ana } = mail;
    const zoe = mail.person('zoe@outside.example', 'Zoë Ünal');
    mail.domain('evil.example');
    const to = mail.address;
    const sent = {
      right: await ana.send({ to, subject: 'run now', text: 'Grüße\n', html: '<p>Grüße</p>' }),
      outside: await zoe.send({ to, subject: 'Größe', text: 'run now' }),
      unsigned: await ana.send({ to, subject: 'run now', dkim: false }),
      other: await ana.send({ to, subject: 'run now', dkim: 'evil.example' }),
      changed: await ana.send({ to, text: 'pause', alter: (raw) => raw.replace('pause', 'purge') }),
      appended: await ana.send({
        to,
        text: 'status',
        dkim: { domain: 'example.org', withLength: true },
        alter: (raw) => `${raw}restore /etc\r\n`,
      }),
      secondFrom: await ana.send({ to, alter: (raw) => `From: ben@example.org\r\n${raw}` }),
    };
    const results: Record<string, unknown> = {};
    for (const [name, { raw }] of Object.entries(sent)) results[name] = await checked(mail, raw);
    expect(results).toMatchObject({
      right: { dkim: 'pass', aligned: 'example.org', dmarc: 'pass' },
      outside: { dkim: 'pass', aligned: 'outside.example', dmarc: 'pass' },
      unsigned: { dkim: 'none', dmarc: 'fail' },
      other: { dkim: 'pass', aligned: false, dmarc: 'fail' },
      changed: { dkim: 'neutral', dmarc: 'fail' },
      appended: { dkim: 'pass', aligned: 'example.org' },
    });
    expect(results.secondFrom).not.toMatchObject({ dkim: 'pass' });
  });

  test.each(STYLES)(
    'a reply from %s begins with what was said and quotes the report, in every language',
    async (style) => {
      const mail = await world();
      await report(mail);
      const seen = await mail.ana.next();
      const copies = mail.person('copy@example.org');
      for (const language of LANGUAGES) {
        const { raw } = await mail.ana.reply(seen, 'run now', { style, language, to: copies.address });
        expect((await checked(mail, raw)).dkim).toBe('pass');
        const copy = await copies.next();
        expect(copy.subject).toMatch(/: All 214 new photos are safe – Google Drive$/);
        expect(copy).toMatchObject({ inReplyTo: seen.messageId, references: [seen.messageId] });
        if (style === 'html-only') {
          expect(copy.html).toMatch(/run now[\s\S]*divRplyFwdMsg[\s\S]*All safe/);
          continue;
        }
        const lines = copy.text.split('\n').filter((line) => line.trim() !== '');
        expect(style === 'bottom' ? lines.at(-1) : lines[0]).toBe('run now');
        expect(copy.text).toContain('All safe.');
      }
    },
  );
});
