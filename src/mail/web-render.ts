/** A reply as a page of the browser, in the colours of the mail that linked to it. Pure. */
import type { Block, Reply } from '../engine/types.ts';
import { escapeHtml, textHtml } from './markup-render.ts';
import { stateHtml, TONES, titleHtml } from './page-render.ts';
import { partHtml } from './parts-render.ts';
import { dataOf } from './print-render.ts';
import { type Colour, FONT, light, SHEETS, WIDTH, WRAP } from './style-render.ts';
import { SENDER } from './text-render.ts';
import { ROOMS, TIGHTEST, viewOf } from './view-render.ts';

/** A button that sends the page's form: the answer that goes with it. */
export interface WebButton {
  label: string;
  answer?: string;
  style: 'primary' | 'plain';
}

/** What is said next is said by mail or in chat: a page reads nothing. */
const SHOWN = ({ kind }: Block): boolean => !['choices', 'form', 'line', 'file'].includes(kind);

const GROUNDS: Record<WebButton['style'], { ground: Colour; rule: Colour; ink: Colour }> = {
  primary: { ground: 'link', rule: 'link', ink: 'over' },
  plain: { ground: 'card', rule: 'idle', ink: 'ink' },
};

function buttonHtml({ label, answer, style }: WebButton): string {
  const { ground, rule, ink } = GROUNDS[style];
  const sent = answer === undefined ? '' : ` name="answer" value="${escapeHtml(answer)}"`;
  return `<button${sent} class="g-${ground} r-${rule} t-${ink}" style="background-color:${light(ground)};border:1px solid ${light(rule)};border-radius:6px;color:${light(ink)}">${textHtml(label)}</button>`;
}

const STYLE = `<style>
main{box-sizing:border-box;max-width:${WIDTH}px;margin:48px auto 0 auto;border-radius:8px;overflow:hidden}
footer{max-width:${WIDTH}px;margin:0 auto;padding:16px 32px 28px 32px;box-sizing:border-box;font-size:13px;line-height:1.5}
form{margin:24px 0 0 0}
button{font:inherit;font-size:16px;line-height:24px;font-weight:600;padding:10px 20px;margin:0 12px 12px 0;cursor:pointer}
button:focus-visible{outline:3px solid ${light('busy')};outline-offset:2px}
@media only screen and (max-width:599px){main{margin-top:0;border-radius:0}button{display:block;width:100%}footer{padding:16px 20px 28px 20px}}
@media (prefers-color-scheme:dark){button:focus-visible{outline-color:#ffffff}}
</style>`;

/** A whole HTML page that loads nothing and runs no script. With `buttons` it holds a form that is sent to its own address. */
export function renderWeb(
  reply: Reply,
  { zone, buttons = [] }: { zone: string; buttons?: readonly WebButton[] },
): string {
  const view = viewOf({ ...reply, blocks: reply.blocks.filter(SHOWN) }, { zone }, ROOMS[0] ?? TIGHTEST);
  const parts = view.parts
    .map((part) => `<div style="margin:20px 0 0 0">${partHtml(part, { sourceOf: dataOf })}</div>`)
    .join('\n');
  const form = buttons.length === 0 ? '' : `<form method="post">${buttons.map(buttonHtml).join('\n')}</form>`;
  const strip = TONES[view.tone];
  return `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(view.title)} · Keepsake</title>
${SHEETS}
${STYLE}
</head>
<body class="g-page" style="margin:0;background-color:${light('page')};font-family:${FONT};${WRAP}">
<main class="g-card t-ink" style="background-color:${light('card')};color:${light('ink')}">
<div class="g-${strip}" style="height:5px;background-color:${light(strip)}"></div>
<div class="pad" style="padding:28px 32px 32px 32px">${stateHtml(view)}${titleHtml(view)}
${parts}
${form}</div>
</main>
<footer class="t-muted" style="color:${light('muted')}">${SENDER}</footer>
</body>
</html>
`;
}
