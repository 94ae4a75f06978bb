/** Reading mails: what is lossless, what is refused, and that nothing in a mail can stop the reading of others. */
import { afterAll, describe, expect, it } from 'vitest';
import { FileRejected, Stopped } from '../../src/engine/errors.ts';
import type { ParsedMail } from '../../src/mail/mail.ts';
import { unfoldFlowed } from '../../src/mail/parse/flowed.ts';
import { closeParser, parseMail } from '../../src/mail/parse.ts';

const signal = new AbortController().signal;
const received = '2026-10-20T08:00:00.000Z';
const bytesOf = (...parts: (string | Uint8Array)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => Buffer.from(part)));
const parse = (...parts: (string | Uint8Array)[]): Promise<ParsedMail> =>
  parseMail({ bytes: bytesOf(...parts), received }, { signal });
const lines = (...rows: string[]): string => `${rows.join('\r\n')}\r\n`;

afterAll(closeParser);

const headers = (...more: string[]): string =>
  lines('From: Ada <Ada@Example.org>', 'To: backup@example.net', 'Subject: Re: photos', ...more);

describe('what a mail says', () => {
  it('reads the headers that decide', async () => {
    const mail = await parse(
      lines(
        'Return-Path: <Ada@example.org>',
        'Delivered-To: backup+r.abc@example.net',
        'Received: from a',
        'Received: from b',
        'From: =?utf-8?Q?Ada_L=C3=B6we?= <Ada@Example.org>',
        'To: Keepsake <backup@example.net>, "Other, one" <other@example.net>',
        'Cc: third@example.net',
        'Subject: =?iso-2022-jp?B?GyRCPEw/PxsoQg==?= =?koi8-r?Q?=C6=CF=D4=CF?=',
        'Message-ID: <one@example.org>',
        'In-Reply-To: <two@example.net>',
        'References: <three@example.net>',
        ' <two@example.net>',
        'Date: Tue, 20 Oct 2026 10:00:00 +0200 (CEST)',
        '',
        'run now',
      ),
    );
    expect(mail).toMatchObject({
      from: [{ name: 'Ada Löwe', address: 'ada@example.org' }],
      fromHeaders: 1,
      sender: [],
      to: [
        { name: 'Keepsake', address: 'backup@example.net' },
        { name: 'Other, one', address: 'other@example.net' },
      ],
      recipients: ['backup@example.net', 'other@example.net', 'third@example.net', 'backup+r.abc@example.net'],
      returnPath: 'ada@example.org',
      messageId: '<one@example.org>',
      inReplyTo: '<two@example.net>',
      references: ['<three@example.net>', '<two@example.net>'],
      subject: '写真фото',
      date: '2026-10-20T08:00:00.000Z',
      forwarded: false,
      attachments: [],
    });
    expect(mail.text?.trim()).toBe('run now');
    expect(mail.headers.filter(({ name }) => name === 'received').map(({ value }) => value)).toEqual([
      'from a',
      'from b',
    ]);
  });

  it('adds who the mail was for when it came to our own port', async () => {
    const mail = await parseMail(
      {
        bytes: bytesOf(headers(), '\r\nrun now\r\n'),
        received,
        session: { ip: '192.0.2.1', helo: 'mx.example.org', mailFrom: '', rcptTo: ['Backup+r.x@example.net'] },
      },
      { signal },
    );
    expect(mail.returnPath).toBe('');
    expect(mail.recipients).toEqual(['backup@example.net', 'backup+r.x@example.net']);
  });

  it('tells the null sender from a missing header', async () => {
    expect((await parse('Return-Path: <>\r\n', headers(), '\r\nx')).returnPath).toBe('');
    expect((await parse(headers(), '\r\nx')).returnPath).toBeUndefined();
  });

  it.each([
    ['two headers', 'From: a@example.org\r\nFrom: b@example.org\r\n', 2, ['a@example.org', 'b@example.org']],
    ['one header with two', 'From: a@example.org, b@example.org\r\n', 1, ['a@example.org', 'b@example.org']],
    ['a group', 'From: Us: a@example.org, b@example.org;\r\n', 1, ['a@example.org', 'b@example.org']],
    ['an address as a name', 'From: "owner@example.org" <e@evil.example>\r\n', 1, ['e@evil.example']],
    [
      'an encoded address as a name',
      'From: =?utf-8?Q?owner=40example.org?= <e@evil.example>\r\n',
      1,
      ['e@evil.example'],
    ],
    ['an encoded bracket', 'From: =?utf-8?Q?=3Cowner=40example.org=3E?= <e@evil.example>\r\n', 1, ['e@evil.example']],
    ['an empty one', 'From: \r\n', 1, []],
    ['none', '', 0, []],
    ['a folded second', 'From: a@example.org\r\n From: b@example.org\r\n', 1, undefined],
  ])('counts senders: %s', async (_, from, count, addresses) => {
    const mail = await parse(from, 'Subject: x\r\n\r\nrun now');
    expect(mail.fromHeaders).toBe(count);
    const found = mail.from.map(({ address }) => address);
    if (addresses) expect(found).toEqual(addresses);
    else expect(found).not.toEqual(['a@example.org']);
  });

  it.each([
    ['utf-8', '8bit', Buffer.from('exécute maintenant')],
    ['iso-8859-1', '8bit', Buffer.from('exécute maintenant', 'latin1')],
    ['windows-1252', 'quoted-printable', Buffer.from('ex=E9cute maintenant')],
    ['utf-8', 'base64', Buffer.from(Buffer.from('exécute maintenant').toString('base64'))],
    ['utf-8', 'base64', Buffer.from('ZXjDqWN1 dGUg!!bWFp\r\nbnRlbmFudA')],
    ['utf-8', 'quoted-printable', Buffer.from('ex=C3=A9cute=\r\n maintenant')],
    [undefined, '8bit', Buffer.from('exécute maintenant')],
    [undefined, '8bit', Buffer.from('exécute maintenant', 'latin1')],
    ['us-ascii', '8bit', Buffer.from('exécute maintenant')],
    ['x-unknown', '8bit', Buffer.from('exécute maintenant', 'latin1')],
  ])('reads %s in %s', async (charset, encoding, body) => {
    const mail = await parse(
      headers(
        `Content-Type: text/plain${charset === undefined ? '' : `; charset="${charset}"`}`,
        `Content-Transfer-Encoding: ${encoding}`,
      ),
      '\r\n',
      body,
    );
    expect(mail.text?.trim()).toBe('exécute maintenant');
  });

  it.each([
    ['iso-2022-jp', [0x1b, 0x24, 0x42, 0x3c, 0x4c, 0x3f, 0x3f, 0x1b, 0x28, 0x42], '写真'],
    ['shift_jis', [0x8e, 0xca, 0x90, 0x5e], '写真'],
    ['gb18030', [0xd5, 0xd5, 0xc6, 0xac], '照片'],
    ['gb2312', [0xd5, 0xd5, 0xc6, 0xac], '照片'],
    ['big5', [0xb7, 0xd3, 0xa4, 0xf9], '照片'],
    ['euc-kr', [0xbb, 0xe7, 0xc1, 0xf8], '사진'],
    ['koi8-r', [0xc6, 0xcf, 0xd4, 0xcf], 'фото'],
    ['windows-1251', [0xf4, 0xee, 0xf2, 0xee], 'фото'],
    ['windows-1250', [0x9e, 0xe1, 0x9d], 'žáť'],
    ['windows-1255', [0xf9, 0xec], 'של'],
    ['windows-1256', [0xd5, 0xe6, 0xd1], 'صور'],
    ['iso-8859-15', [0xa4], '€'],
    ['utf-16le', [0x66, 0x00, 0x6f, 0x00], 'fo'],
  ])('knows the charset %s', async (charset, body, text) => {
    const mail = await parse(headers(`Content-Type: text/plain; charset=${charset}`), '\r\n', new Uint8Array(body));
    expect(mail.text?.replace(/\s+$/, '').replace('\ufffd', '')).toBe(text);
  });

  it('does not read UTF-7, in which text hides', async () => {
    const mail = await parse(headers('Content-Type: text/plain; charset=utf-7'), '\r\n+AHIAdQBu- now');
    expect(mail.text).toBeUndefined();
  });

  it('takes the plain text and the HTML of the mail itself, not of what is attached', async () => {
    const mail = await parse(
      headers('MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=A'),
      lines(
        '',
        'preamble',
        '--A',
        'Content-Type: multipart/alternative; boundary="B b"',
        '',
        '--B b',
        'Content-Type: text/plain; charset=utf-8',
        '',
        'run now',
        '--B b  ',
        'Content-Type: text/html; charset=utf-8',
        '',
        '<p>run now</p>',
        '--B b--',
        '--A',
        'Content-Type: text/plain; name="notes.txt"',
        '',
        'delete everything',
        '--A',
        'Content-Type: text/plain',
        'Content-Disposition: attachment; filename*0*=utf-8\'\'na%C3%AF; filename*1="ve.txt"',
        'Content-Transfer-Encoding: base64',
        '',
        'AAECAwQ=',
        '--A--',
        'epilogue',
      ),
    );
    expect(mail.text?.trim()).toBe('run now');
    expect(mail.html?.trim()).toBe('<p>run now</p>');
    expect(mail.attachments).toEqual([
      { name: 'notes.txt', mime: 'text/plain', size: expect.any(Number) },
      { name: 'naïve.txt', mime: 'text/plain', size: 5 },
    ]);
    expect(JSON.stringify(mail)).not.toContain('delete everything');
  });

  it('has no text of its own for a mail in HTML', async () => {
    const mail = await parse(headers('Content-Type: text/html; charset=utf-8'), '\r\n<p>run now</p>');
    expect(mail.text).toBeUndefined();
    expect(mail.html?.trim()).toBe('<p>run now</p>');
  });

  it('skips the empty text that some programs put before a picture', async () => {
    const mail = await parse(
      headers('Content-Type: multipart/mixed; boundary=A'),
      lines('', '--A', 'Content-Type: text/plain', '', '', '--A', 'Content-Type: text/plain', '', 'run now', '--A--'),
    );
    expect(mail.text?.trim()).toBe('run now');
  });

  it('reads a delivery report and the headers of the mail that came back', async () => {
    const mail = await parse(
      headers('Content-Type: multipart/report; report-type=delivery-status; boundary=A'),
      lines(
        '',
        '--A',
        'Content-Type: text/plain',
        '',
        'Your mail came back.',
        '--A',
        'Content-Type: message/delivery-status',
        '',
        'Reporting-MTA: dns; mx.example.org',
        '',
        'Final-Recipient: rfc822; ada@example.org',
        'Action: failed',
        'Status: 5.1.1',
        '--A',
        'Content-Type: message/rfc822',
        '',
        'Message-ID: <x.k@example.net>',
        'Subject: report',
        '',
        'delete everything',
        '--A--',
      ),
    );
    expect(mail.deliveryStatus).toContain('Status: 5.1.1');
    expect(mail.returnedHeaders).toBe('Message-ID: <x.k@example.net>\nSubject: report');
    expect(mail.forwarded).toBe(false);
    expect(JSON.stringify(mail)).not.toContain('delete everything');
  });

  it.each([
    ['attached', 'Content-Disposition: attachment; filename=mail.eml'],
    ['inline', 'Content-Disposition: inline'],
  ])('knows a mail that is %s and reads nothing of it', async (_, disposition) => {
    const mail = await parse(
      headers('Content-Type: multipart/mixed; boundary=A'),
      lines('', '--A', 'Content-Type: message/rfc822', disposition, '', 'Subject: y', '', 'delete everything', '--A--'),
    );
    expect(mail.forwarded).toBe(true);
    expect(mail.text).toBeUndefined();
    expect(JSON.stringify(mail)).not.toContain('delete everything');
  });

  it('unfolds flowed text without joining words to a quotation', async () => {
    const flowed = headers('Content-Type: text/plain; charset=utf-8; format=flowed');
    expect((await parse(flowed, '\r\npause until \r\nmonday\r\n')).text?.trim()).toBe('pause until monday');
    expect((await parse(flowed, '\r\nrun now \r\n> delete everything\r\n')).text).toContain('run now \n> delete');
    expect((await parse(flowed, '\r\n> delete \r\nrun now\r\n')).text).toContain('> delete \nrun now');
  });

  it('reads mails that end lines with LF, CR or both', async () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const mail = await parse(['From: a@example.org', 'Subject: x', '', 'run now', ''].join(end));
      expect(mail.from.map(({ address }) => address)).toEqual(['a@example.org']);
      expect(mail.text?.trim()).toBe('run now');
    }
  });

  it('hands control characters on as they are', async () => {
    const mail = await parse(headers(), '\r\nrun\0 now\x1b[2J\r\n');
    expect(mail.text).toContain('run\0 now\x1b[2J');
  });

  it.each([
    ['nothing at all', ''],
    ['no header', '\r\nrun now'],
    ['no body', 'From: a@example.org'],
    ['a header without a colon', 'From a@example.org\r\n\r\nrun now'],
    ['a boundary that is missing', 'Content-Type: multipart/mixed\r\n\r\n--A\r\n\r\nrun now'],
    ['a boundary that never comes', 'Content-Type: multipart/mixed; boundary=A\r\n\r\nrun now'],
    ['a boundary that is not closed', 'Content-Type: multipart/mixed; boundary=A\r\n\r\n--A\r\n\r\nrun now'],
    ['8-bit headers', 'Subject: \xe9\xff\xfe\r\nFrom: \xff@example.org\r\n\r\nx'],
    ['a date that is none', 'Date: 1 apple\r\n\r\nx'],
    ['a broken encoded word', 'Subject: =?utf-8?B?!!!?= =?x?Q?=ZZ?= =?\r\n\r\nx'],
  ])('survives %s', async (_, raw) => {
    const mail = await parse(Buffer.from(raw, 'latin1'));
    expect(mail.date).toBeUndefined();
    expect(mail.fromHeaders).toBeLessThan(2);
  });
});

describe('what is refused', () => {
  const refused = expect.objectContaining({ code: 'malformed_mail' });

  it('a thousand levels', async () => {
    const deep = Array.from({ length: 1_000 }, (_, n) =>
      lines(...(n === 0 ? [] : [`--B${n - 1}`]), `Content-Type: multipart/mixed; boundary=B${n}`, ''),
    ).join('');
    await expect(parse(deep)).rejects.toEqual(refused);
  });

  it('100,000 parts', async () => {
    const many = `Content-Type: multipart/mixed; boundary=A\r\n\r\n${'--A\r\n\r\nx\r\n'.repeat(100_000)}`;
    await expect(parse(many)).rejects.toEqual(refused);
  });

  it('headers without end', async () => {
    await expect(parse(`${'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(100_000)}\r\nx`)).rejects.toEqual(refused);
  });

  it('50 MB', async () => {
    const error = await parseMail({ bytes: new Uint8Array(50 * 1024 * 1024), received }, { signal }).catch((e) => e);
    expect(error).toBeInstanceOf(FileRejected);
    expect(error.message).toContain('larger than 25 MB');
  });

  it('what is stopped, before and while it is read', async () => {
    const raw = { bytes: bytesOf(headers(), '\r\nrun now'), received };
    await expect(parseMail(raw, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(Stopped);
    const stop = new AbortController();
    const reading = parseMail(raw, { signal: stop.signal });
    queueMicrotask(() => stop.abort());
    await expect(reading).rejects.toBeInstanceOf(Stopped);
    expect((await parse(headers(), '\r\nrun now')).text?.trim()).toBe('run now');
  });
});

describe('what is bounded', () => {
  it('10,000 recipients', async () => {
    const to = Array.from({ length: 10_000 }, (_, n) => `Person ${n} <person${n}@example.org>`).join(',\r\n ');
    const mail = await parse(`From: a@example.org\r\nTo: ${to}\r\nDelivered-To: backup@example.net\r\n\r\nrun now`);
    expect(mail.recipients).toHaveLength(10_001);
    expect(JSON.stringify(mail.headers).length).toBeLessThan(300 * 1024);
  });

  it('2,000 headers', async () => {
    const mail = await parse(`${'X-A: a\r\n'.repeat(2_000)}From: a@example.org\r\nFrom: b@example.org\r\n\r\nx`);
    expect(mail.headers).toHaveLength(1_000);
    expect(mail.fromHeaders).toBe(2);
  });

  it('20 MB of text and 3 MB of HTML', async () => {
    const text = await parse(headers(), '\r\nrun now\r\n', 'word '.repeat(4 * 1024 * 1024));
    expect(text.text?.startsWith('run now')).toBe(true);
    expect(text.text).toHaveLength(256 * 1024);
    const html = await parse(headers('Content-Type: text/html'), '\r\n', '<p>x'.repeat(750_000));
    expect(html.html).toHaveLength(1024 * 1024);
  });

  it('an archive that unpacks to far more stays packed', async () => {
    const zip = Buffer.alloc(15 * 1024 * 1024, 'UEsDBBQA').toString('latin1');
    const mail = await parse(
      headers('Content-Type: multipart/mixed; boundary=A'),
      lines('', '--A', '', 'run now', '--A', 'Content-Type: application/zip; name=bomb.zip', ''),
      zip,
      '\r\n--A--\r\n',
    );
    expect(mail.text?.trim()).toBe('run now');
    expect(mail.attachments).toEqual([{ name: 'bomb.zip', mime: 'application/zip', size: expect.any(Number) }]);
    expect(JSON.stringify(mail).length).toBeLessThan(2_000);
  });

  it('leaves the bytes to the caller', async () => {
    const bytes = bytesOf(headers(), '\r\nrun now');
    await parseMail({ bytes, received }, { signal });
    expect(bytes.byteLength).toBeGreaterThan(50);
  });

  it('answers each of many asked at once with its own', async () => {
    const mails = await Promise.all(Array.from({ length: 50 }, (_, n) => parse(headers(), `\r\nrun ${n}`)));
    expect(mails.map(({ text }) => text?.trim())).toEqual(Array.from({ length: 50 }, (_, n) => `run ${n}`));
  });
});

describe('flowed text (RFC 3676)', () => {
  it.each([
    ['a \nb', false, 'a b'],
    ['a \nb', true, 'ab'],
    [' >no quote \nmore', false, '>no quote more'],
    ['  two', false, ' two'],
    ['> a \n> b\n>> c \n>> d', false, '> a b\n>> c d'],
    ['run now \n-- \nAda', false, 'run now \n-- \nAda'],
    ['last ', false, 'last '],
    ['', false, ''],
  ])('%j', (text, delSp, expected) => {
    expect(unfoldFlowed(text, delSp)).toBe(expected);
  });
});
