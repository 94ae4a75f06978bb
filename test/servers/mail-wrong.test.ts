/** Deliberately wrong programs: each thing that no right one sends is told, and only that. */
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type MailWorld, openMailWorld } from './mail.ts';

const open: { close(): unknown }[] = [];
let mail: MailWorld;

beforeEach(async () => {
  mail = await openMailWorld();
  open.push(mail);
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const HEADERS = [
  'From: Keepsake <backup@example.org>',
  'To: ana@example.org',
  'Subject: All safe',
  'Date: Sun, 22 Nov 2026 14:23:00 +0000',
  'Message-ID: <1.k@example.org>',
  'Auto-Submitted: auto-generated',
  'MIME-Version: 1.0',
];
const RIGHT = [...HEADERS, 'Content-Type: text/plain; charset=utf-8', '', 'All safe.', ''].join('\r\n');
const html = (page: string, text = 'All safe.'): string =>
  [
    ...HEADERS,
    'Content-Type: multipart/alternative; boundary="b"',
    '',
    ...['--b', 'Content-Type: text/plain', '', text],
    ...['--b', 'Content-Type: text/html', '', page, '--b--', ''],
  ].join('\r\n');

async function submit(raw: string, to: readonly string[] = ['ana@example.org'], from = mail.address): Promise<void> {
  const { host, port } = mail.smtp;
  const transport = createTransport({ host, port, auth: { user: mail.address, pass: 'pw' } });
  open.push(transport);
  await transport.sendMail({ envelope: { from, to: [...to] }, raw: Buffer.from(raw, 'latin1') });
}

const problems = (): string[] =>
  mail.violations().map((one) => one.replace(/^SMTP: \S+( Message-ID\))? to [^:]+: /, ''));

test('a right mail has none, nor when it is sent again', async () => {
  await submit(RIGHT);
  await submit(html('<p>All <a href="https://example.org/">safe</a></p>').replace('1.k@', '2.k@'));
  await submit(RIGHT.replace('14:23:00', '14:24:00'));
  expect(problems()).toEqual([]);
  expect(mail.submitted()).toHaveLength(3);
});

test.each<[string, string, RegExp]>([
  ['without From', RIGHT.replace(/^From:.*\r\n/m, ''), /it has no From|is not backup/],
  ['without Date', RIGHT.replace(/^Date:.*\r\n/m, ''), /it has no Date/],
  ['without Message-ID', RIGHT.replace(/^Message-ID:.*\r\n/m, ''), /it has no Message-ID/],
  ['with two From', `From: x@example.org\r\n${RIGHT}`, /from is there 2 times|is not backup/],
  ['with a date of its own kind', RIGHT.replace(/^Date:.*$/m, 'Date: 2026-11-22T14:23:00Z'), /^Date:/],
  ['with an id without @', RIGHT.replace('<1.k@example.org>', '<1>'), /^Message-ID: <1>/],
  ['from somebody else', RIGHT.replace('Keepsake <backup@', 'Ana <ana@'), /is not backup@example\.org/],
  ['not said to be automatic', RIGHT.replace(/^Auto-Submitted:.*\r\n/m, ''), /Auto-Submitted is missing/],
  ['said to be by hand', RIGHT.replace('auto-generated', 'no'), /Auto-Submitted is missing/],
  ['an answer to nothing', RIGHT.replace('auto-generated', 'auto-replied'), /auto-replied without In-Reply-To/],
  ['whose answers go elsewhere', `Reply-To: backup@evil.example\r\n${RIGHT}`, /is not at our domain/],
  ['with a long line', RIGHT.replace('All safe.', 'x'.repeat(999)), /more than 998/],
  ['with 8-bit headers', RIGHT.replace('All safe', 'Alles gr\xc3\xbcn'), /8-bit characters in headers/],
  [
    'with a second header in the subject',
    RIGHT.replace('Subject: All safe', 'Subject: a\r\nb'),
    /among the headers is none/,
  ],
  ['to somebody who is not told', RIGHT.replace('To: ana@', 'To: ben@example.org, ana@'), /who does not get it/],
  ['one click without https', `List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n${RIGHT}`, /RFC 8058/],
  ['with a remote picture', html('<img width=1 src="https://example.org/pixel.png">'), /from elsewhere/],
  ['with a remote background', html('<div style="background:url(//example.org/a.png)">x</div>'), /from elsewhere/],
  ['with a script', html('<p>hi</p><script>1</script>'), /something active/],
  ['with a handler', html('<p onclick="x()">hi</p>'), /something active/],
  [
    'with a picture that is not there',
    html('<img src="cid:gone@example.org">'),
    /cid:gone@example\.org, which is not in it/,
  ],
  ['with HTML alone', html('<p>hi</p>', ''), /without text/],
  [
    'with 8-bit characters in a part that says 7bit',
    RIGHT.replace('All safe.', 'gr\xc3\xbcn').replace(
      'Content-Type',
      'Content-Transfer-Encoding: 7bit\r\nContent-Type',
    ),
    /without BODY=8BITMIME|says 7bit/,
  ],
])('a mail %s', async (_what, raw, problem) => {
  await submit(raw);
  const found = problems();
  expect(found.length).toBeGreaterThan(0);
  for (const one of found) expect(one).toMatch(problem);
});

test('two mails with one Message-ID', async () => {
  await submit(RIGHT);
  await submit(RIGHT.replace('All safe.', 'Three failed.'));
  expect(problems()).toEqual(['another mail with the same Message-ID was sent before']);
});

test('mails to robots, to itself, and in answer to what nobody answers', async () => {
  await submit(RIGHT);
  const seen = await mail.ana.next();
  const bounce = await mail.ana.bounce(seen);
  const away = await mail.ana.outOfOffice(seen);
  const answer = (id: string, n: number): string =>
    `In-Reply-To: ${id}\r\n${RIGHT.replace('1.k@', `${n}.k@`).replace('auto-generated', 'auto-replied')}`;
  await submit(answer(bounce.messageId, 2));
  await submit(answer(away.messageId, 3));
  mail.person('mailer-daemon@example.org');
  await submit(RIGHT.replace('1.k@', '4.k@').replaceAll('ana@', 'mailer-daemon@'), ['mailer-daemon@example.org']);
  await submit(RIGHT.replace('1.k@', '5.k@').replaceAll('ana@', 'backup+r.x@'), ['backup+r.x@example.org']);
  expect(problems()).toEqual([
    expect.stringMatching(/answers a mail that nobody may answer/),
    expect.stringMatching(/answers a mail that nobody may answer/),
    'it goes to mailer-daemon@example.org',
    'it goes to ourselves',
  ]);
});

test('only the own addresses may be the sender, and only for who signs in', async () => {
  await submit(RIGHT, ['ana@example.org'], '');
  await submit(RIGHT, ['ana@example.org'], 'backup+b.1@example.org');
  await expect(submit(RIGHT, ['ana@example.org'], 'ana@example.org')).rejects.toMatchObject({ responseCode: 553 });
  const { host, port } = mail.smtp;
  const stranger = createTransport({ host, port });
  open.push(stranger);
  await expect(stranger.sendMail({ from: 'x@example.org', to: 'ana@example.org', text: 'x' })).rejects.toMatchObject({
    responseCode: 530,
  });
});
