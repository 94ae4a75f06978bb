/** Mails as bytes: what every server takes, what no name can do, what a signature covers. */
import { generateKeyPairSync } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { Undeliverable, UsageError } from '../../src/engine/errors.ts';
import type { Reply } from '../../src/engine/types.ts';
import { composeMail, dkimSigner, type MailOrder, plainAddress } from '../../src/mail/compose.ts';
import { renderMail } from '../../src/mail/render.ts';
import { headersOf } from './sink.ts';

const reply: Reply = {
  tone: 'good',
  title: 'photos: 214 new files',
  blocks: [{ kind: 'text', text: 'All is well.' }],
};

const order = (changes: Partial<MailOrder> = {}): MailOrder => ({
  from: 'backup@example.org',
  to: { name: 'Ana', address: 'ana@example.com' },
  date: new Date('2026-11-22T03:00:00Z'),
  messageId: '<abc@example.org>',
  automatic: 'generated',
  content: renderMail(reply, { zone: 'UTC' }),
  ...changes,
});

const composed = async (changes: Partial<MailOrder> = {}): Promise<string> =>
  (await composeMail(order(changes))).toString('latin1');

const HOSTILE = [
  'x\r\nBcc: everybody@example.net',
  'x\nSubject: other',
  'x\r\rX-Evil: 1',
  'x\u0000\u0007\u001b[31m',
  'x\u2028Bcc: a@b.c\u2029',
  '"><script>alert(1)</script>',
  'a@evil.example, b@evil.example',
  '=?utf-8?q?x=0D=0ABcc:_a@b.c?=',
  `${'long '.repeat(400)}end`,
  '写真のバックアップ 📷',
  'صور العائلة',
];

/** Every header that we write, and no other. */
const OURS = [
  ...['auto-submitted', 'content-type', 'date', 'from', 'in-reply-to', 'list-id', 'list-unsubscribe'],
  ...['list-unsubscribe-post', 'message-id', 'mime-version', 'precedence', 'references', 'reply-to', 'subject', 'to'],
  ...['x-auto-response-suppress', 'content-transfer-encoding'],
];

describe('a mail', () => {
  it('says what it is, so that no robot answers and every program can end it', async () => {
    const headers = headersOf(
      await composed({
        replyTo: 'backup+r.aaaaaaaaaaaaaaaaaaaaaaaaaa@example.org',
        inReplyTo: '<one@example.org>',
        references: ['<one@example.org>', '<abc@example.org>'],
        unsubscribe: [
          'https://k.example.org/mail/unsubscribe/t',
          'mailto:backup+u.t@example.org?subject=stop%20reports',
        ],
      }),
    );
    expect(Object.fromEntries([...headers].filter(([name]) => name !== 'content-type'))).toEqual({
      from: 'Keepsake <backup@example.org>',
      to: 'Ana <ana@example.com>',
      'reply-to': 'backup+r.aaaaaaaaaaaaaaaaaaaaaaaaaa@example.org',
      subject: headers.get('subject'),
      date: 'Sun, 22 Nov 2026 03:00:00 +0000',
      'message-id': '<abc@example.org>',
      'in-reply-to': '<one@example.org>',
      references: '<one@example.org> <abc@example.org>',
      'mime-version': '1.0',
      'auto-submitted': 'auto-generated',
      'x-auto-response-suppress': 'All',
      precedence: 'bulk',
      'list-id': 'Keepsake <reports.example.org>',
      'list-unsubscribe':
        '<https://k.example.org/mail/unsubscribe/t>, <mailto:backup+u.t@example.org?subject=stop%20reports>',
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    });
  });

  it('offers one click only over https (RFC 8058), and nothing where it cannot be ended', async () => {
    const mailOnly = headersOf(await composed({ unsubscribe: ['mailto:b@example.org?subject=stop'] }));
    expect(mailOnly.get('list-unsubscribe')).toBe('<mailto:b@example.org?subject=stop>');
    expect(mailOnly.has('list-unsubscribe-post')).toBe(false);
    expect(headersOf(await composed()).has('list-unsubscribe')).toBe(false);
  });

  it.each(HOSTILE)('keeps its headers whatever a plan or a person is called: %j', async (name) => {
    const mail = await composed({
      to: { name, address: 'ana@example.com' },
      content: renderMail(
        {
          ...reply,
          title: name,
          topic: name,
          blocks: [
            { kind: 'text', text: name },
            { kind: 'file', name, mime: `text/plain\r\nX-Evil: ${name}`, bytes: Buffer.from('x') },
            { kind: 'image', alt: name, mime: 'image/png', bytes: Buffer.from('x') },
          ],
        },
        { zone: 'UTC' },
      ),
    });
    const headers = headersOf(mail);
    expect([...headers.keys()].filter((key) => !OURS.includes(key))).toEqual([]);
    expect(headers.get('from')).toBe('Keepsake <backup@example.org>');
    const parsed = await PostalMime.parse(mail);
    expect(parsed.to).toEqual([expect.objectContaining({ address: 'ana@example.com' })]);
    expect(parsed.bcc).toBeUndefined();
    const parts = [...mail.matchAll(/\r\n--[^\r\n]*(?<!--)\r\n(.*?)\r\n\r\n/gs)].map(([, head = '']) =>
      headersOf(`${head}\r\n\r\n`),
    );
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.flatMap((head) => [...head.keys()]).filter((key) => !/^content-/.test(key))).toEqual([]);
  });

  it('is ASCII in lines that every server takes, with the same content at the other end', async () => {
    const long = `${'ä'.repeat(3_000)} ${'x'.repeat(3_000)}`;
    const text = `.\n..\n.starts with a dot\nFrom here on\n${long}\n\tgrün 📷\u0001\n`;
    const html = `<p>.</p>\n.\n<p>${long}</p>\n`;
    const bytes = Buffer.from(Array.from({ length: 2_000 }, (_, i) => i % 256));
    const mail = await composed({
      content: { subject: 'ä'.repeat(200), text, html, parts: [{ name: 'ü.bin', mime: 'x', bytes }] },
    });
    expect(/[^\r\n\t\x20-\x7e]/.test(mail)).toBe(false);
    expect(/\r(?!\n)|(?<!\r)\n/.test(mail)).toBe(false);
    expect(Math.max(...mail.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
    const parsed = await PostalMime.parse(mail);
    expect(parsed.subject).toBe('ä'.repeat(200));
    // Where a text ends and where its part ends is told apart by nobody.
    expect(parsed.text?.trimEnd()).toBe(text.trimEnd());
    expect(parsed.html?.trimEnd()).toBe(html.trimEnd());
    expect(Buffer.from(parsed.attachments[0]?.content as ArrayBuffer).equals(bytes)).toBe(true);
    expect(parsed.attachments[0]).toMatchObject({ filename: 'ü.bin', mimeType: 'application/octet-stream' });
  });

  it('is the same each time', async () => {
    const withoutBoundaries = (mail: string): string => mail.replaceAll(/--_NmP-[\w-]+/g, '--');
    expect(withoutBoundaries(await composed())).toBe(withoutBoundaries(await composed()));
  });
});

describe('an address', () => {
  it('goes out in the form that every server takes', () => {
    expect(plainAddress('ana@bücher.example')).toBe('ana@xn--bcher-kva.example');
    expect(plainAddress('ana+x_y%z@example.org')).toBe('ana+x_y%z@example.org');
  });

  it.each([
    'ána@example.org',
    'a@b@example.org',
    'a@example.org,b@example.org',
    'a@example.org\r\nRCPT TO:<b@example.org>',
    'a@example.org\u0000',
    '<a@example.org>',
    'a@exa mple.org',
    '@example.org',
    '',
    `${'a@example.org,'.repeat(10_000)}a@example.org`,
  ])('is one address in plain letters, or nothing is sent: %j', async (address) => {
    expect(() => plainAddress(address)).toThrow(Undeliverable);
    await expect(composeMail(order({ to: { name: 'x', address } }))).rejects.toThrow(Undeliverable);
  });
});

describe('a signature', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const published = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const resolver = async (name: string, type: string): Promise<string[][]> => {
    if (name === 'k1._domainkey.example.org' && type === 'TXT') return [[`v=DKIM1; k=rsa; p=${published}`]];
    throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
  };
  const sign = dkimSigner({ domain: 'example.org', selector: 'k1', key });
  const verified = async (mail: string) => (await dkimVerify(Buffer.from(mail, 'latin1'), { resolver })).results[0];
  const ended: Partial<MailOrder> = {
    unsubscribe: ['https://k.example.org/mail/unsubscribe/t', 'mailto:backup+u.t@example.org'],
    replyTo: 'backup@example.org',
  };

  it('is true, aligned, without length limit, and covers both headers of one-click unsubscribing (RFC 8058 4)', async () => {
    const mail = (await sign(await composeMail(order(ended)))).toString('latin1');
    const result = await verified(mail);
    expect(result?.status).toMatchObject({ result: 'pass', aligned: 'example.org' });
    expect(result?.canonBodyLengthLimited ?? false).toBe(false);
    const covered = /; h=([^;]+);/
      .exec(headersOf(mail).get('dkim-signature') ?? '')?.[1]
      ?.replaceAll(' ', '')
      .split(':');
    expect(covered).toEqual(
      expect.arrayContaining([
        'from',
        'reply-to',
        'subject',
        'to',
        'message-id',
        'list-unsubscribe',
        'list-unsubscribe-post',
      ]),
    );
  });

  it.each([
    ['List-Unsubscribe', 'unsubscribe/t', 'unsubscribe/u'],
    ['List-Unsubscribe-Post', 'One-Click', 'Two-Click'],
    ['Reply-To', 'Reply-To: backup@', 'Reply-To: evil@'],
    ['the body', 'All is well', 'All is lost'],
  ])('is false when somebody changes %s', async (_what, from, to) => {
    const mail = (await sign(await composeMail(order(ended)))).toString('latin1');
    expect(mail).toContain(from);
    expect((await verified(mail.replaceAll(from, to)))?.status?.result).not.toBe('pass');
  });

  it('refuses a key that cannot sign, without quoting it', () => {
    const { privateKey: other } = generateKeyPairSync('ed25519');
    const wrong = other.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const text of [wrong, 'hunter2', key.slice(0, 400)]) {
      const attempt = (): unknown => dkimSigner({ domain: 'example.org', selector: 'k1', key: text });
      expect(attempt).toThrow(UsageError);
      try {
        attempt();
      } catch (error) {
        expect(String((error as Error).stack)).not.toContain(text.slice(0, 7));
        expect((error as Error).cause).toBeUndefined();
      }
    }
  });
});

describe('many mails', () => {
  it('composes 1,000 reports and keeps nothing of them', { timeout: 120_000 }, async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = async (): Promise<number> => {
      for (let i = 0; i < 3; i++) {
        // What streams let go of goes at the end of a turn.
        await new Promise((resolve) => setTimeout(resolve, 20));
        collect();
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const picture = Buffer.alloc(60_000, 7);
    const one = async (i: number): Promise<number> => {
      const content = renderMail(
        {
          ...reply,
          title: `photos: ${i} new files`,
          blocks: [{ kind: 'image', alt: 'x', mime: 'image/png', bytes: picture }],
        },
        { zone: 'UTC' },
      );
      return (await composeMail(order({ content }))).byteLength;
    };
    for (let i = 0; i < 100; i++) await one(i);
    const before = await held();
    let bytes = 0;
    for (let i = 0; i < 1_000; i++) bytes += await one(i);
    const grown = (await held()) - before;
    expect(bytes).toBeGreaterThan(80_000_000);
    // A twentieth of what went through: keeping every tenth mail would be twice that.
    expect(grown).toBeLessThan(bytes / 20);
  });
});
