/** Reports as `.eml` files: what a mail program reads, what a hostile name cannot do, one file per message. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutboxMessage, Person, Reply } from '../../src/engine/types.ts';
import { composeEml, createEmlDeliverer, emlName } from '../../src/mail/eml.ts';
import { renderMail } from '../../src/mail/render.ts';

const ana: Person = {
  id: 'u1',
  name: 'Ana',
  role: 'owner',
  identities: [{ surface: 'mail', id: 'ana@example.org' }],
  zone: 'Europe/Berlin',
  created: '2026-11-01T00:00:00.000Z',
};

const reply: Reply = {
  tone: 'good',
  title: 'photos: 214 new files',
  blocks: [
    { kind: 'text', text: 'All is well.\nNothing to do.' },
    { kind: 'fields', fields: [{ label: 'Next run', value: { at: '2026-11-27T01:00:00.000Z' } }] },
    { kind: 'table', columns: ['File', 'Size'], rows: [['a.jpg', '1.0 MB']], more: { rows: 3, line: 'show photos' } },
    { kind: 'choices', choices: [{ label: 'Verify it', line: 'verify photos' }] },
    { kind: 'link', label: 'Folder', url: 'https://nas.example.org/x?a=1&b=2' },
  ],
};

const message = (changes: Partial<OutboxMessage> = {}): OutboxMessage => ({
  id: 'm1',
  person: 'u1',
  surface: 'mail',
  key: 'report/r7/mail',
  reply,
  state: 'waiting',
  tries: 0,
  due: '2026-11-22T03:00:00.000Z',
  created: '2026-11-22T03:00:00.000Z',
  ...changes,
});

/** Header names (lower case) to values, unfolded; throws on a line that is no header. */
function headersOf(eml: string): Map<string, string> {
  const head = eml.slice(0, eml.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  return new Map(
    head.split('\r\n').map((line) => {
      const [, name, value] = /^([\w-]+): (.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no header: ${line}`);
      return [name.toLowerCase(), value];
    }),
  );
}

describe('a report', () => {
  it('has the headers of a mail that no robot answers, in text and HTML', async () => {
    const eml = (await composeEml(message(), ana, 'UTC')).toString();
    const headers = headersOf(eml);
    expect(headers.get('to')).toBe('Ana <ana@example.org>');
    expect(headers.get('subject')).toBe('Keepsake: photos: 214 new files');
    expect(headers.get('date')).toBe('Sun, 22 Nov 2026 03:00:00 +0000');
    expect(headers.get('auto-submitted')).toBe('auto-generated');
    expect(headers.get('message-id')).toMatch(/^<[0-9a-f.]+@keepsake\.localhost>$/);
    expect(headers.get('content-type')).toMatch(/^multipart\/alternative/);
    expect(eml).toContain('Content-Type: text/plain; charset=utf-8');
    expect(eml).toContain('Content-Type: text/html; charset=utf-8');
  });

  it.each(['ána@example.org', 'a@b@c', 'a@example.org, b@example.org', ''])(
    'is written also for somebody whose address no server takes: %j',
    async (id) => {
      const eml = (await composeEml(message(), { ...ana, identities: [{ surface: 'mail', id }] }, 'UTC')).toString();
      expect(headersOf(eml).get('to')).toBe('Ana <owner@localhost>');
    },
  );

  it('says the same in text and in HTML, on the reader’s clock', () => {
    const mail = renderMail(reply, { zone: 'Europe/Berlin' });
    for (const words of ['2026-11-27 02:00 Europe/Berlin', 'a.jpg', '3 more rows not shown', 'verify photos']) {
      expect(mail.text).toContain(words);
      expect(mail.html).toContain(words);
    }
    expect(mail.html).toMatch(/<a href="https:\/\/nas\.example\.org\/x\?a=1&amp;b=2"[^>]*>Folder<\/a>/);
  });

  it('names a few of a long menu, the line of a form, and nothing where a whole line is asked for', () => {
    const choices = Array.from({ length: 6 }, (_, i) => ({ label: `State ${i}`, line: `restore photos from r${i}` }));
    const url = { name: 'url', label: 'Address', word: 'url=' };
    const form = {
      kind: 'form' as const,
      label: 'Connect',
      title: 'Connect it',
      line: 'connect webdav',
      fields: [url],
    };
    const blocks: Reply['blocks'] = [
      { kind: 'choices', menu: 'Restore from', choices },
      form,
      { ...form, title: 'Say it again', line: '' },
    ];
    const { text, html } = renderMail({ ...reply, blocks }, { zone: 'UTC' });
    for (const said of [text, html]) {
      expect(said).toContain('restore photos from r2');
      expect(said).not.toContain('restore photos from r3');
      expect(said).toContain('and 3 more');
      expect(said).not.toContain('Say it again');
    }
    expect(text).toContain('connect webdav [url=<url>]');
  });

  it('carries pictures and files as parts, and loads nothing when it is read', async () => {
    const picture = new Uint8Array([1, 2, 3]);
    const mail = renderMail(
      {
        ...reply,
        blocks: [
          { kind: 'image', alt: 'New photos', bytes: picture, mime: 'image/jpeg' },
          { kind: 'file', name: '../../report.pdf', bytes: picture, mime: 'application/pdf' },
        ],
      },
      { zone: 'UTC' },
    );
    expect(mail.html).toMatch(/<img src="cid:picture-1\.[0-9a-f]{16}@keepsake" alt="New photos"/);
    expect(mail.parts.map((part) => part.name)).toEqual(['picture-1.jpg', '.._.._report.pdf']);
    expect(mail.html).not.toMatch(/(src|href|url\()\s*=?\s*["']?https?:/);
  });
});

describe('hostile words', () => {
  const evil = 'x\r\nBcc: everyone@example.org\r\n\r\n<script>alert(1)</script>"><img src=x onerror=y>\u001b[2J';

  it('cannot add a header or end the head', async () => {
    const eml = (
      await composeEml(
        message({ reply: { ...reply, title: evil }, key: evil }),
        { ...ana, name: `${evil}" <a@b>, c@d`, identities: [{ surface: 'mail', id: 'a@b\r\nBcc: c@d' }] },
        'UTC',
      )
    ).toString();
    const headers = headersOf(eml);
    expect(headers.has('bcc')).toBe(false);
    expect(headers.get('to')).toMatch(/<owner@localhost>$/);
    expect(headers.get('to')?.match(/@/g)).toHaveLength(1);
  });

  it('cannot open a tag, in any block', () => {
    const { html, text, subject } = renderMail(
      {
        tone: 'bad',
        title: evil,
        blocks: [
          { kind: 'text', text: evil },
          { kind: 'fields', fields: [{ label: evil, value: evil }] },
          { kind: 'table', columns: [evil], rows: [[evil]], more: { rows: 1, line: evil } },
          { kind: 'choices', choices: [{ label: evil, line: evil }] },
          { kind: 'form', label: evil, title: evil, fields: [], line: evil },
          { kind: 'line', line: evil },
          { kind: 'link', label: evil, url: `javascript:${evil}` },
          { kind: 'link', label: evil, url: `https://example.org/"onclick="x` },
          { kind: 'image', alt: evil, bytes: new Uint8Array(), mime: evil },
          { kind: 'file', name: evil, bytes: new Uint8Array(), mime: evil },
        ],
      },
      { zone: 'UTC' },
    );
    expect(html).not.toMatch(/<script|<img src=x|onerror=y>|href="javascript|"onclick/i);
    expect(html.match(/<img /g)).toHaveLength(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(html + text + subject).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(subject.length).toBeLessThanOrEqual(78);
  });

  it('cannot leave the folder by the file name', () => {
    expect(emlName({ created: '2026-11-22T03:00:00.123Z', key: '../../etc/passwd\n' })).toMatch(
      /^2026-11-22T030000Z-etc-passwd-[0-9a-f]{16}\.eml$/,
    );
  });
});

describe('the folder', () => {
  let data: string;
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'keepsake-mail-'));
  });
  afterEach(() => rm(data, { recursive: true }));

  const signal = new AbortController().signal;

  it('holds one whole, private file per message, however often it is delivered', async () => {
    const folder = join(data, 'mail');
    const deliverer = createEmlDeliverer({ folder, zone: 'UTC' });
    await deliverer.deliver(message(), ana, signal);
    await deliverer.deliver(message(), ana, signal);
    await deliverer.deliver(message({ key: 'report/r8/mail' }), ana, signal);
    const names = await readdir(folder);
    expect(names).toHaveLength(2);
    expect(names.every((name) => /^2026-11-22T030000Z-report-r\d-mail-[0-9a-f]{16}\.eml$/.test(name))).toBe(true);
    const first = names[0] ?? '';
    expect((await stat(join(folder, first))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder, first), 'utf8')).toMatch(/^From: Keepsake <keepsake@localhost>\r$/m);
  });

  it('holds nothing half-written after a shutdown', async () => {
    const folder = join(data, 'mail');
    const deliverer = createEmlDeliverer({ folder, zone: 'UTC' });
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(deliverer.deliver(message(), ana, stopped)).rejects.toThrow('stopped');
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
  });
});
