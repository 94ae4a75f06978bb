/** What a mail server does on a bad day, as nodemailer sees it. */
import { spawnSync } from 'node:child_process';
import { createTransport } from 'nodemailer';
import { afterEach, describe, expect, test } from 'vitest';
import { type MailWorld, type MailWorldOptions, openMailWorld } from './mail.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function world(o: MailWorldOptions = {}): Promise<MailWorld> {
  const made = await openMailWorld(o);
  open.push(made);
  return made;
}

/** Key and certificate one after the other, made for this test. */
const made = spawnSync(
  'openssl',
  [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', '-', '-out', '-'],
  ],
  { encoding: 'utf8' },
);
const tls = made.status === 0 ? { key: made.stdout, cert: made.stdout } : undefined;

let sent = 0;
async function submit(mail: MailWorld, to = 'ana@example.org', auth: object = { pass: 'pw' }): Promise<string> {
  const { host, port } = mail.smtp;
  const transport = createTransport({ host, port, auth: { user: mail.address, ...auth } });
  sent += 1;
  try {
    const { response } = await transport.sendMail({
      from: mail.address,
      to,
      subject: 'All safe',
      text: 'All safe.',
      messageId: `<${sent}.k@example.org>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    return response;
  } finally {
    transport.close();
  }
}

describe('the submission server', () => {
  test('refuses a recipient for good and for now', async () => {
    const mail = await world();
    mail.smtp.faults.recipient('ana@example.org', 550);
    mail.smtp.faults.recipient('ben@example.org', 451, 1);
    await expect(submit(mail)).rejects.toMatchObject({ responseCode: 550 });
    await expect(submit(mail)).rejects.toMatchObject({ responseCode: 550 });
    await expect(submit(mail, 'ben@example.org')).rejects.toMatchObject({ responseCode: 451 });
    expect(await submit(mail, 'ben@example.org')).toMatch(/^250/);
    await expect(submit(mail, 'nobody@example.org')).rejects.toMatchObject({ responseCode: 550 });
    expect(await mail.ana.inbox()).toEqual([]);
  });

  test('greylists, is busy, has no room, takes it for spam', async () => {
    const mail = await world();
    mail.smtp.faults.greylist(true);
    await expect(submit(mail)).rejects.toMatchObject({ responseCode: 450 });
    expect(await submit(mail)).toMatch(/^250/);
    mail.smtp.faults.busy();
    await expect(submit(mail)).rejects.toMatchObject({ responseCode: 421 });
    mail.smtp.faults.refuseData(552);
    await expect(submit(mail)).rejects.toMatchObject({ responseCode: 552 });
    mail.smtp.faults.refuseData(554);
    await expect(submit(mail)).rejects.toMatchObject({ responseCode: 554 });
    expect(await submit(mail)).toMatch(/^250/);
    expect(await mail.ana.inbox()).toHaveLength(2);
  });

  test('drops the connection before it has the mail, and after it has it', async () => {
    const mail = await world();
    mail.smtp.faults.dropInData();
    await expect(submit(mail)).rejects.toThrow();
    expect(await mail.ana.inbox()).toHaveLength(0);
    mail.smtp.faults.loseAnswer();
    await expect(submit(mail)).rejects.toThrow();
    expect(await mail.ana.inbox()).toHaveLength(1);
    expect(await submit(mail)).toMatch(/^250/);
  });

  test('refuses the sign-in, takes a token', async () => {
    const mail = await world();
    mail.smtp.faults.login('permanent');
    await expect(submit(mail)).rejects.toMatchObject({ responseCode: 535 });
    mail.smtp.faults.login('temporary');
    await expect(submit(mail)).rejects.toMatchObject({ responseCode: 454 });
    mail.smtp.faults.login(undefined);
    await expect(submit(mail, undefined, { pass: 'wrong' })).rejects.toMatchObject({ responseCode: 535 });
    const bearer = { type: 'OAuth2', accessToken: 'fresh' };
    await expect(submit(mail, undefined, bearer)).rejects.toMatchObject({ responseCode: 535 });
    mail.accessToken('fresh');
    expect(await submit(mail, undefined, bearer)).toMatch(/^250/);
    expect(mail.smtp.logins()).toBe(5);
  });

  test('takes no mail that is too large, and is slow', async () => {
    const slept: number[] = [];
    const clock = { now: () => new Date(), sleep: async (ms: number) => void slept.push(ms) };
    const mail = await world({ size: 2_000, clock });
    mail.smtp.faults.slow(5_000);
    expect(await submit(mail)).toMatch(/^250/);
    expect(slept).toEqual([5_000, 5_000]);
    const { host, port } = mail.smtp;
    const transport = createTransport({ host, port, auth: { user: mail.address, pass: 'pw' } });
    open.push(transport);
    const large = { from: mail.address, to: 'ana@example.org', text: 'x\n'.repeat(2_000) };
    await expect(transport.sendMail(large)).rejects.toMatchObject({ responseCode: 552 });
  });

  test.skipIf(tls === undefined)(
    `takes mail by STARTTLS${tls === undefined ? ' (openssl is not installed)' : ''}`,
    async () => {
      const mail = await world(tls === undefined ? {} : { tls });
      const { host, port } = mail.smtp;
      const secured = { host, port, requireTLS: true, auth: { user: mail.address, pass: 'pw' } };
      const right = createTransport({ ...secured, tls: { ca: tls?.cert ?? '' } });
      const careful = createTransport(secured);
      open.push(right, careful);
      const letter = { from: mail.address, to: 'ana@example.org', text: 'x' };
      expect((await right.sendMail(letter)).response).toMatch(/^250/);
      await expect(careful.sendMail(letter)).rejects.toThrow(/certificate/);
    },
  );
});
