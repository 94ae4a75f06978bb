/** People beside those who answer: robots, thieves, strangers, and what servers add to their mails. */
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, test } from 'vitest';
import { fastClock } from '../fast-clock.ts';
import { seeMail } from './mail/seen.ts';
import { type MailWorld, type MailWorldOptions, openMailWorld, type SeenMail } from './mail.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function world(o: MailWorldOptions = {}): Promise<MailWorld> {
  const made = await openMailWorld(o);
  open.push(made);
  return made;
}

async function reported(mail: MailWorld): Promise<SeenMail> {
  const { host, port } = mail.smtp;
  const transport = createTransport({ host, port, auth: { user: mail.address, pass: 'pw' } });
  open.push(transport);
  await transport.sendMail({
    from: mail.address,
    to: 'ana@example.org',
    subject: 'All safe',
    text: 'All safe.\nRun now: <mailto:backup+r.x@example.org?subject=Re&body=run%20now>\n',
    messageId: '<1.k@example.org>',
    headers: { 'Auto-Submitted': 'auto-generated' },
  });
  return mail.ana.next();
}

const arrived = (mail: MailWorld): Promise<SeenMail[]> =>
  Promise.all(
    mail.bot
      .mailbox('INBOX')
      .mails()
      .map(({ uid, raw }) => seeMail(uid, raw)),
  );

describe('robots', () => {
  test('a bounce comes from the null sender, says what failed, and returns the headers', async () => {
    const mail = await world();
    const seen = await reported(mail);
    await mail.ana.bounce(seen);
    await mail.ana.bounce(seen, { status: '4.4.1', returns: 'mail' });
    const [hard, soft] = await arrived(mail);
    const raw = hard?.raw.toString() ?? '';
    expect(hard?.header('return-path')).toBe('<>');
    expect(hard?.to).toEqual(['backup@example.org']);
    expect(raw).toMatch(/Content-Type: multipart\/report; report-type=delivery-status;/);
    expect(raw).toMatch(/Final-Recipient: rfc822; ana@example\.org\r\n.*\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/);
    expect(raw).toMatch(/text\/rfc822-headers\r\n\r\n[\s\S]*Message-ID: <1\.k@example\.org>/);
    expect(soft?.raw.toString()).toMatch(/Action: delayed\r\nStatus: 4\.4\.1/);
  });

  test.each(['rfc', 'exchange', 'old', 'subject'] as const)('somebody is away: %s', async (style) => {
    const mail = await world();
    await mail.ana.outOfOffice(await reported(mail), { style, language: 'de' });
    const [away] = await arrived(mail);
    expect(away).toMatchObject({ subject: 'Automatische Antwort: All safe', inReplyTo: '<1.k@example.org>' });
    expect(away?.header('auto-submitted') !== undefined).toBe(style === 'rfc' || style === 'exchange');
    expect(away?.header('precedence')).toBe(style === 'old' ? 'auto_reply' : undefined);
    expect(away?.header('return-path')).toBe(style === 'subject' ? '<ana@example.org>' : '<>');
  });
});

describe('delivery', () => {
  test('links of a plain text are pressed by their address', async () => {
    const mail = await world();
    const seen = await reported(mail);
    expect(() => mail.ana.press(seen, 'Pause')).toThrow(/no link Pause/);
    await mail.ana.press(seen, /^mailto:/, { signature: 'Sent from my iPhone' });
    expect((await arrived(mail))[0]).toMatchObject({
      to: ['backup+r.x@example.org'],
      text: 'run now\n\nSent from my iPhone\n',
    });
  });

  test('without sub-addresses, the sender is told', async () => {
    const mail = await world({ tags: false });
    const zoe = mail.person('zoe@outside.example');
    expect((await zoe.send({ to: 'backup+r.x@example.org', text: 'run now' })).refused).toMatch(/no such user/);
    expect(await zoe.next()).toMatchObject({ subject: 'Undelivered Mail Returned to Sender' });
    expect((await zoe.send({ to: mail.address, text: 'run now' })).refused).toBeUndefined();
    expect(mail.environment().MAIL_TAGS).toBe('no');
  });

  test('a mail comes twice; a thief replays it; a forwarded one holds it', async () => {
    const mail = await world();
    const seen = await reported(mail);
    const sent = await mail.ana.reply(seen, 'run now');
    await mail.deliverAgain(sent);
    await mail.replay(sent.raw);
    await mail.ana.forward(seen, { said: 'keep this', attached: true });
    const all = await arrived(mail);
    expect(all.map((one) => one.header('return-path'))).toEqual([
      '<ana@example.org>',
      '<ana@example.org>',
      '<thief@replay.example>',
      '<ana@example.org>',
    ]);
    expect(new Set(all.slice(0, 3).map(({ messageId }) => messageId)).size).toBe(1);
    expect(all[3]?.raw.toString()).toMatch(/Content-Type: message\/rfc822[\s\S]*Message-ID: <1\.k@example\.org>/);
  });

  test('dates are of the world’s clock; a name that needs it is quoted or encoded', async () => {
    const clock = fastClock(1);
    const mail = await world({ clock });
    const lima = mail.person('lima@outside.example', 'Lima, Zoë "Z"');
    await lima.send({ to: mail.address, subject: 'Größe '.repeat(20), text: `${'x'.repeat(200)} é=\n.\n` });
    const [one] = await arrived(mail);
    expect(one?.from).toEqual({ name: 'Lima, Zoë "Z"', address: 'lima@outside.example' });
    expect(one?.subject.trim()).toBe('Größe '.repeat(20).trim());
    expect(one?.text).toBe(`${'x'.repeat(200)} é=\n.\n`);
    expect(one?.date.toISOString().slice(0, 10)).toBe('2026-11-22');
    expect(
      one?.raw
        .toString('latin1')
        .split('\r\n')
        .every((line) => line.length <= 200),
    ).toBe(true);
  });

  test('the server says on top what it found, and only there', async () => {
    const mail = await world({ authserv: 'mx.example.org' });
    const forged = ['Authentication-Results', 'mx.example.org; dkim=pass header.d=example.org'] as const;
    await mail.ana.send({ to: mail.address, text: 'run now' });
    await mail.ana.send({ to: mail.address, text: 'run now', dkim: 'evil.example', headers: [forged] });
    const all = await arrived(mail);
    const results = all.map(({ headers }) => headers.filter(({ name }) => name === 'authentication-results'));
    expect(results[0]).toHaveLength(1);
    expect(results[0]?.[0]?.value).toMatch(/dkim=pass header\.d=example\.org.* dmarc=pass header\.from=example\.org/s);
    expect(results[1]?.[0]?.value).toMatch(/dkim=pass header\.d=evil\.example/);
    expect(results[1]).toHaveLength(2);
    expect(mail.environment().MAIL_AUTHSERV).toBe('mx.example.org');
  });

  test('mails go to a port of the program itself, from the address that SPF names', async () => {
    const mail = await world();
    const taken: { ip: string; helo: string; from: string; to: string[] }[] = [];
    const door = new SMTPServer({
      authOptional: true,
      hideSTARTTLS: true,
      disableReverseLookup: true,
      onRcptTo: ({ address }, _session, callback) =>
        callback(address.includes('+x.') ? Object.assign(new Error('no'), { responseCode: 550 }) : null),
      onData(stream, session, callback) {
        const { mailFrom, rcptTo } = session.envelope;
        taken.push({
          ip: session.remoteAddress,
          helo: session.hostNameAppearsAs,
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
        });
        stream.resume().on('end', () => callback());
      },
    });
    await new Promise<void>((resolve) => {
      door.listen(0, '127.0.0.1', resolve);
    });
    open.push({ close: () => new Promise<void>((resolve) => door.close(() => resolve())) });
    mail.route((door.server.address() as { port: number }).port);
    const zoe = mail.person('zoe@outside.example');
    await mail.ana.send({ to: 'backup+r.x@example.org', text: 'run now' });
    await zoe.send({ to: mail.address, text: 'run now' });
    expect((await zoe.send({ to: 'backup+x.y@example.org', text: 'run now' })).refused).toMatch(/550/);
    expect(taken.map(({ helo, from, to }) => [helo, from, to])).toEqual([
      ['mail.example.org', 'ana@example.org', ['backup+r.x@example.org']],
      ['mail.outside.example', 'zoe@outside.example', ['backup@example.org']],
    ]);
    expect(taken[0]?.ip).not.toBe(taken[1]?.ip);
    expect(await arrived(mail)).toEqual([]);
    mail.route(undefined);
    await mail.ana.send({ to: mail.address, text: 'run now' });
    expect(await arrived(mail)).toHaveLength(1);
  });
});
