/** Mails that came back, as the servers of this world say it. Through the parser, as they arrive. */
import { afterAll, describe, expect, it } from 'vitest';
import { bounceOf } from '../../src/mail/bounce.ts';
import type { ParsedMail } from '../../src/mail/mail.ts';
import { closeParser, parseMail } from '../../src/mail/parse.ts';

const signal = new AbortController().signal;
const OURS = '<abcdefghijklmnopqrstuvwxyz.k@example.net>';

afterAll(closeParser);

const read = async (raw: string) =>
  bounceOf(
    await parseMail(
      { bytes: Buffer.from(raw.replaceAll('\n', '\r\n')), received: '2026-10-20T08:00:00.000Z' },
      { signal },
    ),
  );

const report = (fields: string, returned = `Message-ID: ${OURS}\nSubject: photos\n\nbody`): string => `Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: backup@example.net
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="R"

--R
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org.
--R
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 1
Arrival-Date: Tue, 20 Oct 2026 10:00:00 +0000

${fields}
--R
Content-Type: message/rfc822

${returned}
--R--
`;

describe('RFC 3464', () => {
  it('Postfix', async () => {
    const fields = `Final-Recipient: rfc822; Ada@Example.org
Original-Recipient: rfc822;ada@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 <ada@example.org>: Recipient address rejected:
    User unknown in virtual mailbox table`;
    expect(await read(report(fields))).toEqual({
      recipient: 'ada@example.org',
      status: '5.1.1',
      hard: true,
      why: '550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown in virtual mailbox table',
      original: OURS,
    });
  });

  it.each([
    ['5.1.1', true],
    ['5.1.10', true],
    ['5.2.1', true],
    ['5.4.1', true],
    ['5.0.0', true],
    ['5.7.13', true],
    ['5.2.2', false],
    ['5.3.4', false],
    ['5.7.1', false],
    ['5.7.26', false],
    ['5.6.0', false],
    ['5.1.8', false],
    ['4.4.7', false],
    ['4.2.2', false],
  ])('status %s: gone for good is %s', async (status, hard) => {
    expect(await read(report(`Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: ${status}`))).toMatchObject({
      status,
      hard,
      recipient: 'a@x.org',
    });
  });

  it('Exchange Online, whose own status says nothing', async () => {
    const fields = `Final-Recipient: rfc822;ada@example.org
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup`;
    expect(await read(report(fields))).toMatchObject({ status: '5.1.10', hard: true });
  });

  it('an action without a status', async () => {
    const fields = 'Final-Recipient: rfc822; a@x.org\nAction: failed\nDiagnostic-Code: smtp; 450 try later';
    expect(await read(report(fields))).toMatchObject({ status: '4.0.0', hard: false });
  });

  it('of several recipients, the one that failed', async () => {
    const fields = `Final-Recipient: rfc822; good@x.org
Action: delivered
Status: 2.0.0

Final-Recipient: rfc822; bad@x.org
Action: failed
Status: 5.1.1`;
    expect(await read(report(fields))).toMatchObject({ recipient: 'bad@x.org' });
  });

  it.each(['delayed', 'delivered', 'relayed', 'expanded'])('"%s" is no bounce', async (action) => {
    expect(await read(report(`Final-Recipient: rfc822; a@x.org\nAction: ${action}\nStatus: 4.4.1`))).toBeUndefined();
  });

  it('finds our Message-ID in References where a relay gave the mail another', async () => {
    const returned = `Message-ID: <0102.eu-west-1@amazonses.com>\nReferences: <first@example.org>\n ${OURS}\n\nbody`;
    expect(await read(report('Final-Recipient: rfc822; a@x\nAction: failed\nStatus: 5.1.1', returned))).toMatchObject({
      original: OURS,
    });
  });

  it('is one line however it is written', async () => {
    const fields = `Final-Recipient: rfc822; a@x.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; ${'x\n '.repeat(500)}`;
    const { why = '' } = (await read(report(fields))) ?? {};
    expect(why.length).toBeLessThanOrEqual(200);
    expect(why).not.toContain('\n');
  });

  it('a receipt is no bounce', async () => {
    const receipt = `Return-Path: <>
Subject: Read: photos
Content-Type: multipart/report; report-type=disposition-notification; boundary=R

--R
Content-Type: text/plain

Your mail was read.
--R
Content-Type: message/disposition-notification

Final-Recipient: rfc822; ada@example.org
Disposition: manual-action/MDN-sent-manually; displayed
--R--
`;
    expect(await read(receipt)).toBeUndefined();
  });
});

describe('servers with words of their own', () => {
  it('qmail', async () => {
    const mail = `Return-Path: <>
From: MAILER-DAEMON@qmail.example.org
To: backup@example.net
Subject: failure notice

Hi. This is the qmail-send program at qmail.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ada@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <backup@example.net>
Message-ID: ${OURS}
To: other@example.org
`;
    expect(await read(mail)).toEqual({
      recipient: 'ada@example.org',
      status: '5.1.1',
      hard: true,
      why: 'Sorry, no mailbox here by that name. (#5.1.1)',
      original: OURS,
    });
  });

  it('exim', async () => {
    const mail = `Return-path: <>
From: Mail Delivery System <Mailer-Daemon@exim.example.org>
To: backup@example.net
X-Failed-Recipients: ada@example.org
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ada@example.org
    host mx.example.org [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<ada@example.org>:
    550 No such user here

------ This is a copy of the message, including all the headers. ------

Message-ID: ${OURS}
`;
    expect(await read(mail)).toEqual({
      recipient: 'ada@example.org',
      status: '5.0.0',
      hard: true,
      why: '550 No such user here',
      original: OURS,
    });
  });

  it('an old Exchange', async () => {
    const mail = `From: System Administrator <postmaster@exchange.example.org>
To: backup@example.net
In-Reply-To: ${OURS}
Subject: Undeliverable: photos

Your message

  To:      ada@example.org
  Subject: photos

did not reach the following recipient(s):

ada@example.org on Tue, 20 Oct 2026 10:00:00 +0100
    The e-mail account does not exist at the organization this message was sent to.
    <exchange.example.org #5.1.1 smtp;550 5.1.1 unknown>
`;
    expect(await read(mail)).toMatchObject({
      recipient: 'ada@example.org',
      status: '5.1.1',
      hard: true,
      original: OURS,
    });
  });

  it.each([
    [
      'exim that goes on trying',
      'Warning: message 1x delayed 24 hours',
      'A message that you sent has not yet been delivered. It will be retried.',
    ],
    [
      'sendmail that goes on trying',
      'Warning: could not send message for past 4 hours',
      'THIS IS A WARNING MESSAGE ONLY\nYOU DO NOT NEED TO RESEND YOUR MESSAGE',
    ],
    ['an absence', 'Out of office', 'I am away until Monday. Call 5.1.1 or bob@example.org.'],
  ])('%s is no bounce', async (_, subject, text) => {
    expect(await read(`Return-Path: <>\nFrom: Mailer-Daemon@x.org\nSubject: ${subject}\n\n${text}\n`)).toBeUndefined();
  });

  it('a person who quotes a bounce is none', async () => {
    const text = 'The mail to bob@x.org could not be delivered to him: 550 5.1.1 unknown';
    expect(await read(`Return-Path: <ada@x.org>\nFrom: ada@x.org\n\n${text}`)).toBeUndefined();
  });
});

it.each(['a@', '550 ', '<a@b>:\n', '5.1.', ' \n', 'Message-ID: <', '-', 'delayed to ', 'a: b\n'])(
  '256 KB of %j',
  (piece) => {
    const text = piece.repeat(Math.ceil((256 * 1024) / piece.length));
    const mail: ParsedMail = {
      headers: [],
      from: [],
      fromHeaders: 0,
      sender: [],
      to: [],
      recipients: [],
      returnPath: '',
      references: [],
      subject: '',
      attachments: [],
      forwarded: false,
    };
    const status = `Action: failed\nFinal-Recipient: rfc822; ${text}\nDiagnostic-Code: ${text}`;
    for (const one of [
      { text: `undeliverable ${text}` },
      { deliveryStatus: text },
      { deliveryStatus: status, returnedHeaders: text },
    ]) {
      expect((bounceOf({ ...mail, ...one })?.why ?? '').length).toBeLessThanOrEqual(200);
    }
  },
);
