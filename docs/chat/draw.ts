/**
 * Draws the main replies as Slack and Discord would show them: `node docs/chat/draw.ts` writes the rendered JSON
 * (slack.json, discord.json) and a page of each; with `--pictures` also slack.png and discord.png, by chromium. The pages are made of the JSON alone: what is not in it is not in the picture.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { discordControls, keepControls, renderDiscord, renderDiscordModal } from '../../src/bots/discord-render.ts';
import { renderSlack, renderSlackHome, renderSlackModal, slackControls } from '../../src/bots/slack-render.ts';
import { type Mark, readMarkdown } from '../../test/contract/discord-markdown.ts';
import { chatReplies } from '../../test/fixtures/chat-replies.ts';

type Json = Record<string, unknown>;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const html = (text: unknown): string => String(text ?? '').replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '');

/** Few machines that draw have a font with emoji: those of the titles are drawn as signs. */
const ICONS: Record<string, [string, string]> = {
  '✅': ['✔', '#2e9e5b'],
  '❌': ['✖', '#d23f3f'],
  '⏳': ['↻', '#3f7fd6'],
  '⚠️': ['⚠', '#c98a00'],
  '🔑': ['!', '#c98a00'],
  '💬': ['?', '#7a6bd6'],
  '🔒': ['–', '#6b7280'],
};
const titled = (safe: string): string =>
  safe.replace(/^(✅|❌|⏳|⚠️|🔑|💬|🔒) /u, (_, icon: string) => {
    const [sign, colour] = ICONS[icon] ?? ['', ''];
    return `<span class="emoji" style="background:${colour}">${sign}</span> `;
  });

const list = (value: unknown): Json[] => (Array.isArray(value) ? value : []);
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/** The reader of the pictures lives in Berlin, and it is 18:43 there. */
const NOW = Date.parse('2026-11-22T17:43:00.000Z');
const clock = (unix: unknown, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', ...options }).format(new Date(Number(unix) * 1000));
const time = (unix: unknown): string => clock(unix, { hour: '2-digit', minute: '2-digit' });

const slackDay = (unix: unknown): string => {
  const day = (at: number): string => clock(at, { year: 'numeric', month: 'short', day: 'numeric' });
  if (day(Number(unix)) === day(NOW / 1000)) return 'Today';
  if (day(Number(unix)) === day(NOW / 1000 + 86_400)) return 'Tomorrow';
  return clock(unix, { month: 'short', day: 'numeric' });
};

const distance = (unix: number): string => {
  const minutes = Math.round((unix * 1000 - NOW) / 60_000);
  const [count, unit] =
    Math.abs(minutes) < 60
      ? [minutes, 'minute']
      : Math.abs(minutes) < 1440
        ? [Math.round(minutes / 60), 'hour']
        : [Math.round(minutes / 1440), 'day'];
  const words = `${Math.abs(count)} ${unit}${Math.abs(count) === 1 ? '' : 's'}`;
  return count >= 0 ? `in ${words}` : `${words} ago`;
};

const picture = (upload: Json): string =>
  `<img class="picture" alt="${html(upload.alt)}" src="data:${html(upload.mime ?? 'image/png')};base64,${html(upload.base64)}">`;

const who = (at: string): string =>
  `<div class="who"><b>Keepsake</b><span class="app">APP</span><span class="at">${at}</span></div>`;

// ------------------------------------------------------------------------------------------------------------ Slack

function slackInline(node: Json): string {
  if (node.type === 'date') {
    const words = String(node.format)
      .replace('{date_short_pretty}', slackDay(node.timestamp))
      .replace('{time}', time(node.timestamp));
    return `<span title="${html(node.fallback)}">${html(words)}</span>`;
  }
  const style = object(node.style);
  let words = html(node.text);
  if (style.code) words = `<code>${words}</code>`;
  if (style.italic) words = `<i>${words}</i>`;
  if (style.bold) words = `<b>${words}</b>`;
  return words;
}

const slackRich = (block: Json): string =>
  list(block.elements)
    .map((section) => list(section.elements).map(slackInline).join(''))
    .join('\n');

function slackElement(node: Json): string {
  if (node.type === 'static_select')
    return `<span class="select">${html(object(node.placeholder).text)}<span class="arrow">⌄</span></span>`;
  return `<span class="button ${html(node.style ?? '')}">${html(object(node.text).text)}</span>`;
}

function slackInput(node: Json): string {
  const chosen = object(node.initial_option).text ?? object(node.placeholder);
  const words = node.type === 'plain_text_input' ? node.initial_value : object(chosen).text;
  return `<div class="box">${html(words) || '&nbsp;'}${node.type === 'plain_text_input' ? '' : '<span class="arrow">⌄</span>'}</div>`;
}

function slackBlock(block: Json): string {
  switch (block.type) {
    case 'header':
      return `<h2>${titled(html(object(block.text).text))}</h2>`;
    case 'context':
      return `<div class="context">${list(block.elements)
        .map((one) => html(one.text))
        .join(' ')}</div>`;
    case 'rich_text':
      return `<div class="rich">${slackRich(block)}</div>`;
    case 'actions':
      return `<div class="actions">${list(block.elements).map(slackElement).join('')}</div>`;
    case 'table': {
      const settings = list(block.column_settings);
      const rows = (block.rows as Json[][]).map(
        (row, at) =>
          `<tr>${row
            .map((cell, column) => {
              const tag = at === 0 ? 'th' : 'td';
              const content = cell.type === 'raw_text' ? html(cell.text) : slackRich(cell);
              return `<${tag} style="text-align:${html(settings[column]?.align ?? 'left')}">${content}</${tag}>`;
            })
            .join('')}</tr>`,
      );
      return `<table>${rows.join('')}</table>`;
    }
    case 'divider':
      return '<hr>';
    case 'input':
      return `<div class="input"><b>${html(object(block.label).text)}</b>${block.optional ? ' <i>(optional)</i>' : ''}${slackInput(object(block.element))}${block.hint ? `<div class="context">${html(object(block.hint).text)}</div>` : ''}</div>`;
    default:
      return `<div class="unknown">${html(block.type)}</div>`;
  }
}

const slackMessage = (message: Json): string => {
  const body = list(message.blocks).map(slackBlock).join('');
  const view = message.type === 'home' ? 'Home' : object(message.title).text;
  if (view !== undefined)
    return `<article class="view"><div class="bar">${html(view)}</div>${body}${message.submit ? `<div class="foot"><span class="button">${html(object(message.close).text)}</span><span class="button primary">${html(object(message.submit).text)}</span></div>` : ''}</article>`;
  return `<article><div class="face"></div><div class="body">${who('6:43 PM')}${body}${list(message.uploads).map(picture).join('')}<p class="fallback">Notification: ${html(message.text)}</p></div></article>`;
};

const SLACK_STYLE = `
body{background:#fff;color:#1d1c1d;font:15px/1.46 Lato,"Noto Sans","DejaVu Sans",sans-serif}
.face{background:#4a154b}.app{background:#e8e8e8;color:#616061;font-size:10px;font-weight:700;border-radius:3px;padding:1px 4px;margin:0 6px}
.at,.context,.fallback{color:#616061;font-size:12px}
h2{font-size:18px;line-height:1.33;margin:4px 0 8px;font-weight:900}
.rich{white-space:pre-wrap;margin:4px 0 8px;overflow-wrap:anywhere}
code{background:#f6f6f6;border:1px solid #ddd;border-radius:3px;color:#c01343;font:12px/1.5 "DejaVu Sans Mono",monospace;padding:1px 4px}
.button,.select{display:inline-block;border:1px solid #bbb;border-radius:8px;font-weight:700;font-size:14px;padding:4px 12px;margin:0 8px 8px 0;background:#fff}
.primary{background:#007a5a;border-color:#007a5a;color:#fff}.danger{background:#e01e5a;border-color:#e01e5a;color:#fff}
.select{min-width:180px;font-weight:400;color:#616061}.arrow{float:right;margin-left:24px}
table{border-collapse:separate;border-spacing:0;border:1px solid #ddd;border-radius:8px;margin:4px 0 10px;font-size:14px}
th{background:#f8f8f8}.context{margin:2px 0 8px}.view{border:1px solid #ccc}.bar{border-bottom:1px solid #e5e5e5}.box{border:1px solid #bbb}.input i{color:#616061}
td,th{padding:6px 12px;border-bottom:1px solid #eee;border-right:1px solid #eee}
`;

// ---------------------------------------------------------------------------------------------------------- Discord

function discordMark(mark: Mark): string {
  switch (mark.kind) {
    case 'text':
      return html(mark.text);
    case 'code':
      return `<code>${html(mark.text)}</code>`;
    case 'time':
      return `<span class="time">${html(mark.style === 'R' ? distance(mark.unix) : `${clock(mark.unix, { day: 'numeric', month: 'long', year: 'numeric' })} ${time(mark.unix)}`)}</span>`;
    case 'bold':
      return `<b>${mark.inside.map(discordMark).join('')}</b>`;
    default:
      return `<span class="unknown">${html(mark.kind)}</span>`;
  }
}

const TAGS: Record<string, string> = { heading: 'h3', small: 'small', plain: 'div', quote: 'blockquote', list: 'li' };

const discordText = (content: unknown): string =>
  readMarkdown(String(content))
    .map((line) => `<${TAGS[line.kind]}>${titled(line.marks.map(discordMark).join(''))}</${TAGS[line.kind]}>`)
    .join('');

const STYLES: Record<string, string> = { 1: 'primary', 2: 'secondary', 4: 'danger', 5: 'secondary' };

function discordPart(part: Json, files: readonly Json[]): string {
  switch (part.type) {
    case 1:
      return `<div class="actions">${list(part.components)
        .map((one) => discordPart(one, files))
        .join('')}</div>`;
    case 2:
      return `<span class="button ${STYLES[String(part.style)]}">${html(part.label)}${part.style === 5 ? ' ↗' : ''}</span>`;
    case 3:
      return `<span class="select">${html(part.placeholder)}<span class="arrow">⌄</span></span>`;
    case 10:
      return `<div class="text">${discordText(part.content)}</div>`;
    case 12:
      return list(part.items)
        .map((item) => {
          const name = String(object(item.media).url).replace('attachment://', '');
          return picture({ ...files.find((file) => file.name === name), alt: item.description });
        })
        .join('');
    case 13:
      return `<div class="file">📄 ${html(String(object(part.file).url).replace('attachment://', ''))}</div>`;
    case 18: {
      const inside = object(part.component);
      const chosen = list(inside.options).find((option) => option.default === true)?.label;
      const words = html(inside.type === 3 ? chosen : inside.value) || '&nbsp;';
      return `<div class="input"><b>${html(part.label)}${inside.required ? ' *' : ''}</b>${part.description ? `<small>${html(part.description)}</small>` : ''}<div class="box">${words}${inside.type === 3 ? '<span class="arrow">⌄</span>' : ''}</div></div>`;
    }
    case 17: {
      const colour =
        part.accent_color === undefined ? '#4e5058' : `#${Number(part.accent_color).toString(16).padStart(6, '0')}`;
      return `<div class="container" style="border-left-color:${colour}">${list(part.components)
        .map((one) => discordPart(one, files))
        .join('')}</div>`;
    }
    default:
      return `<div class="unknown">${html(part.type)}</div>`;
  }
}

const discordMessage = (message: Json): string => {
  const body = list(message.components)
    .map((one) => discordPart(one, list(message.files)))
    .join('');
  if (message.title !== undefined)
    return `<article class="view"><div class="bar">${html(message.title)}</div>${body}<div class="foot"><span class="button secondary">Cancel</span><span class="button primary">Submit</span></div></article>`;
  return `<article><div class="face"></div><div class="body">${who('Today at 18:43')}${body}</div></article>`;
};

const DISCORD_STYLE = `
body{background:#313338;color:#dbdee1;font:16px/1.375 "Noto Sans","DejaVu Sans",sans-serif}
.who b{color:#f2f3f5;font-weight:500}article .face{background:#5865f2;border-radius:50%}.app{background:#5865f2;color:#fff;font-size:10px;border-radius:4px;padding:1px 5px;margin:0 6px}
.at,small{color:#949ba4;font-size:12px}small{display:block;font-size:13px}
.container{background:#2b2d31;border:1px solid #3f4147;border-left:4px solid;border-radius:8px;padding:14px 16px;max-width:560px;margin-top:4px;overflow-wrap:anywhere}
.container>*+*{margin-top:8px}h3{font-size:17px;line-height:1.3;margin:0;color:#f2f3f5;font-weight:700}.text b{color:#f2f3f5}
code{background:#1e1f22;border-radius:4px;font:13px/1.4 "DejaVu Sans Mono",monospace;padding:2px 4px}
.time{background:#3f4147;border-radius:3px;padding:0 2px}
.button,.select{display:inline-block;border-radius:8px;font-size:14px;font-weight:500;color:#fff;padding:6px 14px;margin:0 8px 0 0;background:#4e5058}
.primary{background:#5865f2}.danger{background:#da373c}.select{background:#1e1f22;width:100%;box-sizing:border-box;color:#949ba4}.arrow{float:right}
.actions{display:flex;flex-wrap:wrap;row-gap:8px}.view{background:#2b2d31;border:1px solid #3f4147}.bar{color:#f2f3f5;border-bottom:1px solid #3f4147}.box{background:#1e1f22}.foot .button{margin:0 0 0 8px}
`;

// ------------------------------------------------------------------------------------------------------------ pages

const COMMON = `
*{box-sizing:border-box}body{margin:0;padding:28px;width:1360px;columns:2;column-gap:36px}
article{display:flex;gap:12px;break-inside:avoid;margin:0 0 30px}.face{flex:0 0 38px;height:38px;border-radius:8px;position:relative}
.face::after{content:"K";color:#fff;font-weight:700;font-size:20px;position:absolute;inset:5px 0 0 0;text-align:center}
.body{min-width:0;flex:1}.picture{display:block;height:112px;border-radius:8px;margin:6px 0}.emoji{display:inline-block;width:22px;height:22px;line-height:22px;border-radius:6px;color:#fff;font-size:14px;text-align:center;vertical-align:1px}
.view{display:block;border-radius:12px;padding:0 20px 16px}.bar{font-weight:700;font-size:17px;padding:12px 0;margin:0 0 10px}.input{margin:0 0 14px}.foot{text-align:right;padding-top:6px}
.box{border-radius:8px;padding:7px 12px;margin:4px 0}.unknown{background:red;color:#fff}
.fallback{margin:2px 0 0;opacity:.75}
`;

const page = (title: string, style: string, messages: readonly string[]): string =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${COMMON}${style}</style></head>\n<body>\n${messages.join('\n')}\n</body></html>\n`;

/** JSON has no bytes: they become text. */
const withBytes = (files: readonly { bytes: Uint8Array }[]): Json[] =>
  files.map(({ bytes, ...file }) => ({ ...file, base64: Buffer.from(bytes).toString('base64') }));

/** The replies as both services get them. Ids of kept controls are numbers here. */
export async function drawn(): Promise<{ slack: Json; discord: Json }> {
  const slack: Json = {};
  const discord: Json = {};
  const replies = await chatReplies();
  for (const [name, reply] of Object.entries(replies)) {
    let number = 0;
    const keep = async (): Promise<string> => `kept${number++}`;
    const message = renderSlack(reply, await keepControls(slackControls(reply), keep));
    slack[name] = { ...message, uploads: withBytes(message.uploads) };
    const components = renderDiscord(reply, await keepControls(discordControls(reply), keep));
    discord[name] = { ...components, files: withBytes(components.files) };
  }
  const { home, show } = replies;
  const form = show?.blocks.find((block) => block.kind === 'form');
  if (home) slack.app_home = renderSlackHome([home]);
  if (form) {
    slack.modal = renderSlackModal(form, { callback: 'form', metadata: '{}' });
    discord.modal = renderDiscordModal(form, 'form');
  }
  return { slack, discord };
}

/** A picture of a page, cut to what is on it. */
async function photograph(name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'keepsake-draw-'));
  try {
    const shot = join(folder, 'page.png');
    execFileSync(
      'chromium',
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--hide-scrollbars'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
        ...[`--user-data-dir=${folder}`, '--window-size=1360,4200', `--screenshot=${shot}`],
        new URL(`${name}.html`, import.meta.url).href,
      ],
      { stdio: 'ignore', timeout: 60_000 },
    );
    const corner = await sharp(shot).extract({ left: 0, top: 0, width: 1, height: 1 }).removeAlpha().raw().toBuffer();
    const [r = 255, g = 255, b = 255] = corner;
    const cut = await sharp(shot).trim({ threshold: 1 }).toBuffer();
    await sharp(cut)
      .extend({ top: 28, bottom: 28, left: 28, right: 28, background: { r, g, b } })
      .png({ palette: true, colours: 16, dither: 0, effort: 10 })
      .toFile(fileURLToPath(new URL(`${name}.png`, import.meta.url)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { slack, discord } = await drawn();
  const at = (name: string): URL => new URL(name, import.meta.url);
  writeFileSync(at('slack.json'), `${JSON.stringify(slack, null, 2)}\n`);
  writeFileSync(at('discord.json'), `${JSON.stringify(discord, null, 2)}\n`);
  const messages = (all: Json): Json[] => Object.values(JSON.parse(JSON.stringify(all)) as Record<string, Json>);
  writeFileSync(at('slack.html'), page('Keepsake in Slack', SLACK_STYLE, messages(slack).map(slackMessage)));
  writeFileSync(at('discord.html'), page('Keepsake in Discord', DISCORD_STYLE, messages(discord).map(discordMessage)));
  if (process.argv.includes('--pictures')) for (const name of ['slack', 'discord']) await photograph(name);
}
