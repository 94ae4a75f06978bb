/** Names, subjects and mails that are made to break out of where they are shown, or to be too much. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { Parser } from 'htmlparser2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodedWords } from '../servers/mail/write.ts';
import type { SeenMail } from '../servers/mail.ts';
import { type AttackWorld, openAttackWorld, words } from './attack-world.ts';

const ANA = 'ana@example.org';

let world: AttackWorld;
beforeAll(async () => {
  world = await openAttackWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  world.clock.forward(61 * 60_000);
  await world.quiet();
});

const bot = (): string => world.mails.address;

/** The headers that are there, whatever is written in them. */
const namesOf = (mail: SeenMail): string[] => mail.headers.map(({ name }) => name);

/** Elements that no mail of ours has, and handlers, by a parser's eyes. */
function activeIn(html: string): string[] {
  const found: string[] = [];
  const parser = new Parser({
    onopentag(name, attributes) {
      if (/^(script|iframe|object|embed|form|input|base|link|svg|math|video|audio)$/.test(name)) found.push(name);
      for (const [key, value] of Object.entries(attributes)) {
        if (/^on/.test(key) || /^\s*(javascript|data|vbscript):/i.test(value)) found.push(`${name} ${key}=${value}`);
        if (key === 'href' && !/^(https:|mailto:backup[+%@])/.test(value)) found.push(`${name} ${key}=${value}`);
        if (key === 'src' && !/^cid:/.test(value)) found.push(`${name} ${key}=${value}`);
      }
    },
  });
  parser.end(html);
  return found;
}

function harmless(mail: SeenMail): void {
  expect(activeIn(mail.html)).toEqual([]);
  for (const name of ['bcc', 'cc', 'x-evil', 'x-injected']) expect(namesOf(mail)).not.toContain(name);
  expect(mail.to).toEqual([ANA]);
  expect(`${mail.subject}\n${mail.text}\n${mail.html}`).not.toMatch(/[\u202a-\u202e\u200b\u2066\u2067\u0085]/);
}

/** Ana's mail, and what she is answered. */
async function said(text: string, subject = 'x'): Promise<SeenMail> {
  const had = (await world.ana.inbox()).length;
  await world.ana.reply(await world.newReport(), text, { subject });
  let answer: SeenMail | undefined;
  await world.until('an answer', async () => {
    answer = (await world.ana.inbox()).slice(had + 1).at(0);
    return answer !== undefined;
  });
  if (!answer) throw new Error('Nothing was answered.');
  return answer;
}

describe('names of files', () => {
  const NAMES = [
    '<script>alert(1)<\u2215script>.jpg',
    '"><img src=x onerror=alert(1)>.jpg',
    "';alert(1);'.jpg",
    'a\r\nBcc: eve@evil.example\r\nX-Evil: yes\r\n\r\n<b>.jpg',
    'holiday\u202egpj.exe',
    'x\u200by\u0085z.jpg',
    '<style>*{display:none}<\u2215style>.jpg',
    '=?utf-8?Q?a=0D=0ABcc:_eve@evil.example?=.jpg',
    '-->&lt;script&gt;.jpg',
    '<a href=javascript:alert(1)>free<\u2215a>.jpg',
    `${'<'.repeat(120)}.jpg`,
    '[#aaaaaaaaaaaaaaaaaaaaaaaaaa].jpg',
    'cid:evil.jpg',
    '\ufeff\u2060.jpg',
    'yes\ndelete photos\n.jpg',
  ];

  it('stand in reports and answers as text, and in no header', async () => {
    for (const name of NAMES) await writeFile(join(world.folder, 'photos', name), name);
    const sent = world.recipients().length;
    const report = await world.newReport();
    harmless(report);
    for (const word of ['alert', 'evil', 'display', 'holiday', 'free', 'yes', 'cid'])
      harmless(await said(`find ${word}`));
    harmless(await said('why'));
    harmless(await said('show photos'));
    expect(new Set(world.recipients().slice(sent))).toEqual(new Set([ANA]));
  });
});

describe('a name of a person', () => {
  it.each([
    ['a line end', 'Ana\r\nBcc: eve@evil.example'],
    ['another address', '"Ana" <eve@evil.example>, Ana'],
    ['a script', '<script>alert(1)</script>'],
    ['letters from right to left', 'Ana\u202e <gro.elpmaxe@ana>'],
    ['NUL', `Ana${'\u0000'.repeat(3)}, eve@evil.example;`],
    ['5,000 letters', 'x'.repeat(5_000)],
  ])('with %s brings no mail anywhere else', async (_, name) => {
    const { store } = world.composed().services;
    const ana = await store.get('people', 'ana');
    if (ana) await store.put('people', { ...ana, name });
    const sent = world.recipients().length;
    harmless(await said('whoami'));
    expect(new Set(world.recipients().slice(sent))).toEqual(new Set([ANA]));
    const now = await store.get('people', 'ana');
    if (now) await store.put('people', { ...now, name: 'Ana' });
  });
});

describe('a subject', () => {
  it.each([
    ['a line end', 'x\r\nBcc: eve@evil.example'],
    ['a body', 'Re: x\nX-Injected: yes\n\n<html><script>alert(1)</script>'],
    ['a line separator', 'x\u2028Bcc: eve@evil.example'],
    ['2,000 times Re', `${'Re: '.repeat(2_000)}x`],
    ['10,000 letters', 'x'.repeat(10_000)],
    ['letters from right to left', '\u202egpj.exe \u200b'],
    ['an encoded word without end', `=?utf-8?Q?${'=41'.repeat(3_000)}?=`],
  ])('with %s is repeated as a subject and nothing else', async (_, subject) => {
    const answer = await said('status', `${encodedWords(subject)}`);
    harmless(answer);
    expect([...answer.subject].length).toBeLessThanOrEqual(80);
  });

  it('that names a path makes no file elsewhere', async () => {
    const lay = (await readdir(world.folder, { recursive: true })).filter((name) => !/^data(\/|$)/.test(name));
    for (const subject of [
      '../../../etc/passwd',
      'Fwd: ..\\..\\x',
      'Fwd: \0/a',
      'con',
      `Fwd: ${'/a'.repeat(300)}`,
      'Fwd: ~root',
      '.',
    ]) {
      await world.ana.forward({ ...world.bens, subject });
    }
    await world.quiet();
    expect((await readdir(world.folder, { recursive: true })).filter((name) => !/^data(\/|$)/.test(name))).toEqual(lay);
    const kept = await readdir(join(world.folder, 'data', 'archive'), { recursive: true });
    for (const name of kept) expect(name).toMatch(/^ana(\/\d{4}-\d\d-\d\d-[\p{L}\p{N}-]{1,60}-[0-9a-f]{12}\.eml)?$/u);
    expect(kept.length).toBeGreaterThan(5);
  });
});

describe('a mail that is too much', () => {
  const MB = 1024 * 1024;
  const head = (more: string): string =>
    `From: Ana <${ANA}>\r\nTo: ${bot()}\r\nSubject: pause photos\r\nMessage-ID: <${Math.random()}@example.org>\r\nDate: ${world.clock.now().toUTCString().replace('GMT', '+0000')}\r\nMIME-Version: 1.0\r\n${more}`;
  const nested = (depth: number): string => {
    let top = '';
    let bottom = '';
    for (let level = 0; level < depth; level++) {
      top += `Content-Type: multipart/mixed; boundary="b${level}"\r\n\r\n--b${level}\r\n`;
      bottom = `\r\n--b${level}--${bottom}`;
    }
    return `${top}Content-Type: text/plain\r\n\r\npause photos\r\n${bottom}`;
  };
  const rfc822 = (depth: number): string =>
    `${'Content-Type: message/rfc822\r\n\r\n'.repeat(depth)}Subject: x\r\n\r\npause photos\r\n`;

  const mails: [string, () => string][] = [
    [
      'of 50 MB',
      () =>
        head(
          `Content-Type: text/plain\r\n\r\npause photos\r\n${'x'
            .repeat(76)
            .concat('\r\n')
            .repeat((50 * MB) / 78)}`,
        ),
    ],
    ['of 24 MB in one line', () => head(`Content-Type: text/plain\r\n\r\n${'a'.repeat(24 * MB)}`)],
    [
      'of 24 MB of HTML that never closes',
      () => head(`Content-Type: text/html\r\n\r\n${'<div><blockquote>'.repeat((24 * MB) / 17)}`),
    ],
    [
      'of 24 MB of quotation marks',
      () =>
        head(
          `Content-Type: text/plain\r\n\r\n${'>'
            .repeat(70)
            .concat('\r\n')
            .repeat((24 * MB) / 72)}`,
        ),
    ],
    [
      'with a bomb attached',
      () => {
        const bomb = gzipSync(Buffer.alloc(1024 * MB))
          .toString('base64')
          .replace(/(.{76})/g, '$1\r\n');
        return head(
          `Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: application/gzip; name="a.gz"\r\nContent-Encoding: gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n${bomb}\r\n--x--\r\n`,
        );
      },
    ],
    ['nested 10,000 deep', () => head(nested(10_000))],
    ['nested in mails 10,000 deep', () => head(rfc822(10_000))],
    [
      'of a million parts',
      () => head(`Content-Type: multipart/mixed; boundary=x\r\n\r\n${'--x\r\n\r\n'.repeat(1_000_000)}--x--\r\n`),
    ],
    [
      'with 10,000 recipients',
      () =>
        head(
          `Cc: ${Array.from({ length: 10_000 }, (_, index) => `r${index}@other.example`).join(',\r\n ')}\r\nContent-Type: text/plain\r\n\r\npause photos\r\n`,
        ),
    ],
    [
      'with 100,000 References',
      () =>
        head(
          `References: ${Array.from({ length: 100_000 }, (_, index) => `<${index}@x.example>`).join('\r\n ')}\r\nContent-Type: text/plain\r\n\r\npause photos\r\n`,
        ),
    ],
    [
      'with 100,000 tokens',
      () =>
        head(
          `Content-Type: text/plain\r\n\r\n${Array.from({ length: 100_000 }, (_, index) => `[#${index.toString(2).padStart(26, 'a').replaceAll('0', 'a').replaceAll('1', 'b')}]`).join('\r\n')}`,
        ),
    ],
    ['with 200,000 headers', () => head(`${'X-A: b\r\n'.repeat(200_000)}\r\npause photos\r\n`)],
    ['with a header of 20 MB', () => head(`X-A: ${'b '.repeat(10 * MB)}\r\n\r\npause photos\r\n`)],
    [
      'with encoded words without end',
      () =>
        head(`X-A: y\r\nContent-Type: text/plain\r\n\r\nhello\r\n`).replace(
          'pause photos',
          '=?utf-8?Q?=20?= '.repeat(100_000),
        ),
    ],
    [
      'with brackets without end in From',
      () => head('\r\npause photos\r\n').replace(/^From: .*$/m, `From: ${'(<"'.repeat(300_000)}${ANA}`),
    ],
    [
      'with bytes that are none',
      () => head(`Content-Type: text/plain; charset="${'x'.repeat(100_000)}"\r\n\r\n\xff\xfe\x00pause photos\r\n`),
    ],
    [
      'with a boundary of nothing',
      () => head('Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\npause photos\r\n----\r\n'.repeat(10_000)),
    ],
    ['that is empty', () => ''],
    ['that is a line end', () => '\r\n'],
    ['without a body', () => head('')],
  ];

  it.each(mails)('%s changes nothing and keeps nobody waiting', async (name, mail) => {
    const before = await world.state();
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const raw = Buffer.from(mail(), 'latin1');
    const sent = world.recipients().length;
    delay.enable();
    const began = performance.now();
    // Straight into the mailbox, as whatever server let it pass, From Ana and from Eve.
    world.mails.bot
      .mailbox('INBOX')
      .add(Buffer.concat([Buffer.from(`Return-Path: <x@evil.example>\r\nDelivered-To: ${bot()}\r\n`), raw]));
    await world.quiet();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    delay.disable();
    process.stdout.write(
      `  a mail ${name}: ${seconds} s, main thread busy for at most ${Math.round(delay.max / 1e6)} ms\n`,
    );
    expect(await world.state()).toBe(before);
    expect(world.recipients().slice(sent)).toEqual([]);
  });

  it('is behind us: Ana is answered', async () => {
    expect(words(await said('status'))).toContain('photos');
  });
});
