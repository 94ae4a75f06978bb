/**
 * Draws mails and the pages that they link to: `node docs/mail-pictures/draw.ts` writes what is sent (HTML and text); with
 * `--pictures` also one PNG of each, as chromium shows it in three widths, light and dark, and without pictures.
 */
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Browser } from 'puppeteer';
import sharp, { type OverlayOptions } from 'sharp';
import { openSheet } from '../../src/engine/backup/contact-sheet.ts';
import { systemClock } from '../../src/engine/clock.ts';
import type { MailServices } from '../../src/engine/services.ts';
import { mailPages } from '../../src/mail/pages.ts';
import { type RenderedMail, renderMail } from '../../src/mail/render.ts';
import { mailReplies } from './replies.ts';

const at = (name: string): URL => new URL(name, import.meta.url);

/** By name, as they are sent. */
export async function drawn(): Promise<Record<string, RenderedMail>> {
  return Object.fromEntries(
    Object.entries(await mailReplies()).map(([name, { reply, look }]) => [name, renderMail(reply, look)]),
  );
}

/** The pages that mails link to, by name, as a browser gets them. */
export async function pages(): Promise<Record<string, string>> {
  const { question, restored } = await mailReplies();
  if (!question || !restored) throw new Error('There is nothing to ask.');
  const texts = question.reply.blocks.flatMap((block) => (block.kind === 'text' ? block.text : []));
  const services = {
    zone: question.look.zone,
    clock: systemClock,
    tokens: {
      findReply: async () => ({
        ...{ id: 't', person: 'p', used: false, confirm: 'yes 1a2b3c4d' },
        question: [question.reply.title, ...texts].join('\n'),
      }),
      findUnsubscribe: async () => ({ person: 'p' }),
    },
    personOf: async () => ({ id: 'p', name: 'Ana' }),
    endMails: async () => {},
    async *dispatch() {
      yield restored.reply;
    },
  } as unknown as MailServices;
  const made = mailPages(services, new AbortController().signal);
  const html = async (path: string, method: string, body = ''): Promise<string> => {
    const request = Object.assign(Readable.from([Buffer.from(body)]), { method });
    let page = '';
    const response = {
      writeHead: () => response,
      end(text: string) {
        page = text;
      },
    };
    await made
      .find((one) => one.path === `${path}/:token`)
      ?.handle(request as unknown as IncomingMessage, response as unknown as ServerResponse, { token: 't' });
    return page;
  };
  return {
    'page-confirm': await html('/mail/confirm', 'GET'),
    'page-done': await html('/mail/confirm', 'POST', 'answer=yes'),
    'page-unsubscribe': await html('/mail/unsubscribe', 'GET'),
  };
}

/** A landscape of its own for each number: no photo of anybody is needed. */
function landscape(number: number): Buffer {
  const hue = (number * 47 + 200) % 360;
  const hills = [0, 1, 2]
    .map((row) => {
      const top = 190 + row * 60;
      const swing = 40 + ((number * 31 + row * 53) % 60);
      return `<path d="M0 ${top} Q 120 ${top - swing} 260 ${top} T 480 ${top - 20} V 360 H 0 Z" fill="hsl(${(hue + 120 + row * 14) % 360},${28 + row * 6}%,${62 - row * 16}%)"/>`;
    })
    .join('');
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="480" height="360"><defs><linearGradient id="s" x2="0" y2="1"><stop offset="0" stop-color="hsl(${hue},55%,68%)"/><stop offset="1" stop-color="hsl(${(hue + 40) % 360},70%,88%)"/></linearGradient></defs><rect width="480" height="360" fill="url(#s)"/><circle cx="${80 + ((number * 97) % 320)}" cy="${60 + ((number * 41) % 70)}" r="26" fill="#fff6d8"/>${hills}</svg>`,
  );
}

async function makeSheet(): Promise<void> {
  const sheet = await openSheet();
  for (let number = 0; number < 12; number++) await sheet.add(await sharp(landscape(number)).jpeg().toBuffer());
  const made = await sheet.finish();
  if (!made) throw new Error('No sheet was made.');
  writeFileSync(at('contact-sheet.jpg'), made.jpeg);
}

/** The bytes in place of `cid:`, as a mail program puts them there. */
const withPictures = ({ html, parts }: Pick<RenderedMail, 'html' | 'parts'>): string =>
  parts.reduce(
    (page, { cid, mime, bytes }) =>
      cid === undefined
        ? page
        : page.replaceAll(`cid:${cid}`, `data:${mime};base64,${Buffer.from(bytes).toString('base64')}`),
    html,
  );

async function shot(browser: Browser, html: string, width: number, scheme: 'light' | 'dark'): Promise<Buffer> {
  const page = await browser.newPage();
  try {
    await page.setJavaScriptEnabled(false);
    await page.setViewport({ width, height: 400 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.setContent(html, { waitUntil: 'load' });
    return Buffer.from(await page.screenshot({ fullPage: true, type: 'png' }));
  } finally {
    await page.close();
  }
}

const WIDTHS = [360, 600, 900];
const GAP = 24;

/** Rows of pictures on one grey sheet. */
async function photograph(browser: Browser, name: string, mail: Pick<RenderedMail, 'html' | 'parts'>): Promise<void> {
  const shown = withPictures(mail);
  const rows: [html: string, scheme: 'light' | 'dark'][] = [
    [shown, 'light'],
    [shown, 'dark'],
    ...(shown === mail.html ? [] : ([[mail.html, 'light']] as [string, 'light'][])),
  ];
  const parts: OverlayOptions[] = [];
  let top = GAP;
  for (const [html, scheme] of rows) {
    let left = GAP;
    let tallest = 0;
    for (const width of WIDTHS) {
      const input = await shot(browser, html, width, scheme);
      const { height = 0 } = await sharp(input).metadata();
      parts.push({ input, left, top });
      left += width + GAP;
      tallest = Math.max(tallest, height);
    }
    top += tallest + GAP;
  }
  const width = WIDTHS.reduce((sum, one) => sum + one + GAP, GAP);
  await sharp({ create: { width, height: top, channels: 3, background: '#7d8480' } })
    .composite(parts)
    .png({ palette: true, colours: shown === mail.html ? 48 : 128, dither: 0, effort: 10 })
    .toFile(fileURLToPath(at(`${name}.png`)));
}

if (import.meta.main) {
  const withPng = process.argv.includes('--pictures');
  if (process.argv.includes('--sheet')) await makeSheet();
  const mails = await drawn();
  for (const [name, { html, text, subject }] of Object.entries(mails)) {
    writeFileSync(at(`${name}.html`), html);
    writeFileSync(at(`${name}.txt`), `Subject: ${subject}\n\n${text}`);
  }
  const shown = await pages();
  for (const [name, html] of Object.entries(shown)) writeFileSync(at(`${name}.html`), html);
  if (withPng) {
    const browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--disable-background-networking'],
    });
    try {
      for (const [name, mail] of Object.entries(mails)) await photograph(browser, name, mail);
      for (const [name, html] of Object.entries(shown)) await photograph(browser, name, { html, parts: [] });
    } finally {
      await browser.close();
    }
  }
}
