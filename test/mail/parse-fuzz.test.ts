/** Thousands of damaged mails: each is read or refused, within its limits, and the next one is read. The same ones every time. */
import { afterAll, expect, it } from 'vitest';
import { automatic } from '../../src/mail/automatic.ts';
import { bounceOf } from '../../src/mail/bounce.ts';
import { isForward } from '../../src/mail/forward.ts';
import { closeParser, parseMail } from '../../src/mail/parse.ts';
import { newMailLine, replyLine } from '../../src/mail/reply.ts';

const signal = new AbortController().signal;
const received = '2026-10-20T08:00:00.000Z';

afterAll(closeParser);

/** mulberry32: small, and the same on every machine. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const SEEDS = [
  'From: Ada <ada@example.org>\r\nTo: backup@example.net\r\nSubject: =?utf-8?Q?Re=3A_photos?=\r\nMessage-ID: <a@example.org>\r\nReferences: <b@x> <c@x>\r\nDate: Tue, 20 Oct 2026 10:00:00 +0200\r\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\r\n\r\nrun \r\nnow\r\n\r\nOn Mon, Keepsake wrote:\r\n> delete \r\n> everything\r\n',
  'From: =?iso-2022-jp?B?GyRCPEw/PxsoQg==?= <ada@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="=_b"\r\n\r\n--=_b\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B<L?? \x1b(B run now\r\n--=_b\r\nContent-Type: text/html; charset=shift_jis\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>run=20now</p><blockquote>delete</blockquote>\r\n--=_b--\r\n',
  'From: a: b@x, c@y;\r\nFrom: d@z\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=R\r\n\r\n--R\r\n\r\nback\r\n--R\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@x\r\nAction: failed\r\nStatus: 5.1.1\r\n--R\r\nContent-Type: message/rfc822\r\n\r\nFrom: q@x\r\nSubject: inner\r\n\r\nbody\r\n--R--\r\n',
  'From: a@x\r\nContent-Type: multipart/mixed; boundary*0="AA"; boundary*1="BB"\r\n\r\n--AABB\r\nContent-Type: application/octet-stream; name*0*=utf-8\'\'%C3%A9; name*1*=%20x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAwQFBgcICQ==\r\n--AABB\r\nContent-Type: multipart/related; boundary=C\r\n\r\n--C\r\nContent-Type: text/html\r\n\r\n<table><tr><td>x</table>\r\n--C--\r\n--AABB--\r\n',
];
const PIECES = [
  '\r\n', '\r', '\n', '\r\n\r\n', '\0', '\xff\xfe', '=?utf-8?B?', '?=', '--=_b', '--', 'Content-Type: multipart/mixed; boundary=Z\r\n',
  'Content-Type: message/rfc822\r\n', 'Content-Transfer-Encoding: base64\r\n', 'From: x@y\r\n', '"', '(', '<', '>', ';', ':', '\\', '=', '%',
  ' ', '\t', '\x1b$B', '\x0e', 'charset=utf-7', 'charset="', '&#x', '<blockquote>', '<!--', '> ', 'A'.repeat(1_100), '('.repeat(300),
]; // biome-ignore format: a list of pieces
function damaged(seed: number): Buffer {
  const pick = random(seed);
  let mail = SEEDS[pick(SEEDS.length)] ?? '';
  for (let n = pick(12) + 1; n > 0; n--) {
    const at = pick(mail.length + 1);
    const length = pick(3) === 0 ? pick(80) : pick(4);
    switch (pick(4)) {
      case 0:
        mail = mail.slice(0, at) + mail.slice(at + length);
        break;
      case 1:
        mail = mail.slice(0, at) + (PIECES[pick(PIECES.length)] ?? '') + mail.slice(at);
        break;
      case 2:
        mail = mail.slice(0, at) + String.fromCharCode(pick(256)) + mail.slice(at + 1);
        break;
      default: {
        const from = pick(mail.length + 1);
        mail = mail.slice(0, at) + mail.slice(from, from + pick(400)) + mail.slice(at);
      }
    }
  }
  return Buffer.from(mail, 'latin1');
}

it('4,000 damaged mails are read or refused, and nothing else', async () => {
  let read = 0;
  for (let seed = 1; seed <= 4_000; seed++) {
    const bytes = damaged(seed);
    try {
      const mail = await parseMail({ bytes, received }, { signal });
      read++;
      expect(mail.fromHeaders).toBeLessThan(100);
      expect(mail.recipients).not.toContain('');
      for (const { address } of mail.from) expect(address).not.toMatch(/[\s<>",]/);
      for (const line of [replyLine(mail), newMailLine(mail)]) {
        expect((line ?? '').length).toBeLessThanOrEqual(200);
        expect(line ?? '').not.toMatch(/[\r\n]/);
      }
      expect(() => [automatic(mail, { listId: 'x', addresses: [] }), bounceOf(mail), isForward(mail)]).not.toThrow();
    } catch (error) {
      expect(error, `seed ${seed}`).toMatchObject({ code: 'malformed_mail' });
    }
  }
  // Damage to headers is read around; only what breaks a limit is refused.
  expect(read).toBeGreaterThan(3_900);
});

it('mails that take too long or too much are refused, and the next one is read', async () => {
  const levels = Array.from(
    { length: 50 },
    (_, n) =>
      `${n === 0 ? '' : `--${'b'.repeat(60)}${n - 1}\n`}Content-Type: multipart/mixed; boundary=${'b'.repeat(60)}${n}\n\n`,
  ).join('');
  const line = '--bbbbbbbbbbbbbbbbx\n';
  const slow = Buffer.from(`${levels}${line.repeat(Math.floor((24.9 * 1024 * 1024) / line.length))}`);
  const tiny = Buffer.from('--\n'.repeat(8_500_000));
  const refused = expect.objectContaining({
    status: 'rejected',
    reason: expect.objectContaining({ code: 'malformed_mail' }),
  });
  expect(
    await Promise.allSettled([
      parseMail({ bytes: slow, received }, { signal }),
      parseMail(
        { bytes: Buffer.concat([Buffer.from(levels), tiny]).subarray(0, 25 * 1024 * 1024), received },
        { signal },
      ),
      parseMail({ bytes: Buffer.from('From: a@x\r\n\r\nrun now'), received }, { signal }),
    ]),
  ).toEqual([refused, refused, expect.objectContaining({ status: 'fulfilled' })]);
});
