/** How a mail looks: as committed in docs/mail-pictures, readable in every light, built so that mail programs and screen readers follow. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { drawn, pages } from '../../docs/mail-pictures/draw.ts';
import type { Block, Reply } from '../../src/engine/types.ts';
import { pictureSize } from '../../src/mail/picture-render.ts';
import { renderPrint } from '../../src/mail/print-render.ts';
import { renderMail } from '../../src/mail/render.ts';
import { randomReply } from '../contract/renderer.ts';
import { chatReplies } from '../fixtures/chat-replies.ts';
import { all, type Colour, contrast, isElement, readHtml, wordsOf, written } from './html-reader.ts';

const mails = await drawn();
const names = Object.keys(mails);
const mailOf = (name: string) => {
  const mail = mails[name];
  if (!mail) throw new Error(`There is no ${name}.`);
  return mail;
};
const reply = (...blocks: Block[]): Reply => ({ tone: 'good', title: 'photos', blocks });
const look = {
  zone: 'UTC',
  answer: { to: 'backup+r.x@example.org', subject: 'Re: photos', code: '[#x]' },
  unsubscribe: 'https://backup.example.org/u',
};

describe('docs/mail-pictures', () => {
  it.each(names)('%s is what the renderer gives; else: node docs/mail-pictures/draw.ts', async (name) => {
    const kept = (ending: string) =>
      readFile(new URL(`../../docs/mail-pictures/${name}.${ending}`, import.meta.url), 'utf8');
    const { html, text, subject } = mailOf(name);
    expect(html).toBe(await kept('html'));
    expect(`Subject: ${subject}\n\n${text}`).toBe(await kept('txt'));
  });
});

const webPages = await pages();

describe('the pages that mails link to', () => {
  it.each(Object.keys(webPages))('%s is what a browser gets; else: node docs/mail-pictures/draw.ts', async (name) => {
    const kept = await readFile(new URL(`../../docs/mail-pictures/${name}.html`, import.meta.url), 'utf8');
    expect(webPages[name]).toBe(kept);
    expect(kept).not.toMatch(/<script|https?:|cid:/i);
  });
});

/** As Gmail does on telephones: every colour turned. */
const turned = ([red, green, blue]: Colour): Colour => [255 - red, 255 - green, 255 - blue];

/** As browsers and Outlook do: light becomes dark, the hue stays. */
function darkened([red, green, blue]: Colour): Colour {
  const shift = 255 - Math.max(red, green, blue) - Math.min(red, green, blue);
  return [red + shift, green + shift, blue + shift];
}

/** WCAG 2.2, 1.4.3. */
const LEAST = 4.5;

describe('colours', () => {
  const tones = (['plain', 'good', 'bad', 'busy'] as const).map((tone) => ({ ...randomReply(7), tone }));
  const some = [
    ...Object.values(mails).map(({ html }) => html),
    ...Object.values(webPages),
    ...tones.map((one) => renderMail(one, look).html),
    renderMail(
      reply({ kind: 'progress', progress: { phase: 'copying', files: 1, totalFiles: 4, bytes: 1, problems: 0 } }),
      look,
    ).html,
  ];

  it.each(['light', 'dark'] as const)('are readable in %s', (scheme) => {
    const all = some.flatMap((html) => written(html, scheme));
    expect(all.length).toBeGreaterThan(300);
    for (const { text, colour, ground } of all)
      expect(contrast(colour, ground), `${text}: ${colour} on ${ground}`).toBeGreaterThanOrEqual(LEAST);
  });

  it.each([
    ['turned', turned],
    ['darkened', darkened],
  ] as const)('are readable where a program has %s them', (_, change) => {
    for (const { text, colour, ground } of some.flatMap((html) => written(html, 'light')))
      expect(contrast(change(colour), change(ground)), `${text}: ${colour} on ${ground}`).toBeGreaterThanOrEqual(LEAST);
  });

  it('are other ones on dark screens', () => {
    const grounds = (scheme: 'light' | 'dark') =>
      new Set(written(mailOf('report').html, scheme).map(({ ground }) => ground.join()));
    for (const ground of grounds('light')) expect(grounds('dark')).not.toContain(ground);
  });
});

describe('how it is built', () => {
  it.each(names)('%s: layout tables say that they are none, data tables name their rows and columns', (name) => {
    const elements = all(readHtml(mailOf(name).html).root);
    const tables = elements.filter((element) => element.name === 'table');
    const data = tables.filter(({ attributes }) => attributes.role !== 'presentation');
    for (const table of data) expect(all(table).some(({ attributes }) => attributes.scope !== undefined)).toBe(true);
    for (const table of tables.filter((one) => !data.includes(one)))
      expect(
        table.inside
          .filter(isElement)
          .flatMap(({ inside }) => inside)
          .some((cell) => isElement(cell) && cell.name === 'th'),
      ).toBe(false);
    expect(elements.filter((element) => element.name === 'h1')).toHaveLength(1);
    expect(elements.find((element) => element.name === 'html')?.attributes.lang).toBe('en');
    expect(mailOf(name).html).toMatch(
      /<meta name="color-scheme" content="light dark">\n<meta name="supported-color-schemes"/,
    );
  });

  it('begins with the verdict, where lists of mails show it', () => {
    const { html } = mailOf('report');
    const body = html.slice(html.indexOf('<body'));
    expect(body).toMatch(/^<body[^>]*>\n<div style="display:none[^>]*>photos: All 214 new photos are safe/);
    expect(wordsOf(html).trim()).toMatch(/^✓\s+OK\s+photos: All 214 new photos are safe/);
  });

  it('loads nothing from anywhere, and everything that matters is inlined', () => {
    for (const { html, parts } of Object.values(mails)) {
      expect(html.replace(/href="[^"]*"/g, '')).not.toMatch(/https?:/);
      const bare = html.replace(/<style>[\s\S]*?<\/style>/g, '');
      expect(written(bare, 'light').every(({ colour, ground }) => contrast(colour, ground) >= LEAST)).toBe(true);
      for (const [, cid] of html.matchAll(/cid:([^"]+)/g)) expect(parts.map((part) => part.cid)).toContain(cid);
    }
  });

  it('gives a picture its place before it is shown, 568 pixels at most', () => {
    const png = (width: number, height: number): Uint8Array => {
      const bytes = Buffer.alloc(24);
      bytes.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
      bytes.writeUInt32BE(width, 16);
      bytes.writeUInt32BE(height, 20);
      return bytes;
    };
    const shown = (bytes: Uint8Array): string =>
      /<img [^>]*>/.exec(
        renderMail(reply({ kind: 'image', alt: 'New photos', bytes, mime: 'image/png' }), look).html,
      )?.[0] ?? '';
    expect(shown(png(1136, 848))).toContain('width="568" height="424"');
    expect(shown(png(252, 84))).toContain('width="252" height="84"');
    expect(shown(png(4_000_000_000, 3))).toContain('width="568" height="1"');
    expect(shown(new Uint8Array())).toContain('alt="New photos" width="568" class');
    expect(mailOf('report').html).toContain('width="568" height="424"');
  });

  it('reads the size of a picture only where it is one', async () => {
    expect(pictureSize(await readFile(new URL('../../docs/mail-pictures/contact-sheet.jpg', import.meta.url)))).toEqual(
      {
        width: 568,
        height: 424,
      },
    );
    const jpeg = (...bytes: number[]): Uint8Array => Uint8Array.of(0xff, 0xd8, ...bytes);
    expect(pictureSize(jpeg(0xff, 0xff, 0xc2, 0, 11, 8, 0, 2, 0, 3, 1))).toEqual({ width: 3, height: 2 });
    for (const broken of [
      jpeg(),
      jpeg(0xff, 0xe0, 0, 0),
      jpeg(0xff, 0xe0, 0xff, 0xff, 0, 0, 0, 0, 0),
      jpeg(1, 2, 3, 4, 5, 6, 7, 8, 9),
    ])
      expect(pictureSize(broken)).toBeUndefined();
    expect(pictureSize(jpeg(0xff, 0xc0, 0, 11, 8, 0, 0, 0, 0, 1))).toBeUndefined();
  });

  it('tells pictures apart, in one mail and in a thread of them', () => {
    const image = (byte: number): Block => ({ kind: 'image', alt: '', bytes: Uint8Array.of(byte), mime: 'image/png' });
    const { parts } = renderMail(reply(image(1), image(1), image(2)), look);
    expect(new Set(parts.map(({ cid }) => cid)).size).toBe(3);
    expect(parts.map(({ name }) => name)).toEqual(['picture-1.png', 'picture-2.png', 'picture-3.png']);
    for (const { cid } of parts) expect(cid).toMatch(/^[\w.-]+@keepsake$/);
  });
});

describe('a printed page', () => {
  it('says what the mail says, without what can be answered, and loads nothing', async () => {
    const { pictures } = await chatReplies();
    if (!pictures) throw new Error('There are no pictures.');
    const html = renderPrint(pictures, { zone: 'Europe/Berlin' });
    expect(readHtml(html).problems).toEqual([]);
    expect(html).toContain('@page{size:A4');
    expect(html).toMatch(/<img src="data:image\/png;base64,iVBOR/);
    expect(html).not.toMatch(/mailto:|cid:|https?:|verify photos|prefers-color-scheme/);
    expect(wordsOf(html)).toContain('2026-11-27 02:00 Europe/Berlin');
  });

  it('keeps every row', () => {
    const rows = Array.from({ length: 3000 }, (_, index) => [`IMG_${index}.JPG`, 'x']);
    const html = renderPrint(reply({ kind: 'table', columns: ['File', 'What'], rows }), { zone: 'UTC' });
    expect(html.match(/IMG_\d+\.JPG/g)).toHaveLength(3000);
  });

  it('shows names, and a kind of picture that is none, without a tag', () => {
    const evil = '"><script>x</script>';
    const html = renderPrint(
      { ...reply({ kind: 'image', alt: evil, bytes: Uint8Array.of(1), mime: evil }), title: evil },
      { zone: 'UTC' },
    );
    expect(html).not.toContain('<script');
    expect(html).toContain('src="data:image/png;base64,AQ=="');
  });
});
