/** A reply as a page to print (A4): what a mail says, without what can be answered. Pure. */
import type { Block, Reply } from '../engine/types.ts';
import { escapeHtml, textHtml } from './markup-render.ts';
import { partHtml } from './parts-render.ts';
import { FONT, light, WRAP } from './style-render.ts';
import { SENDER } from './text-render.ts';
import { ALL, type MailPicture, viewOf } from './view-render.ts';

/** Paper answers nothing. */
const PRINTED = (block: Block): boolean => block.kind !== 'choices' && block.kind !== 'form';

const MIME = /^image\/[\w.+-]+$/;

/** The bytes themselves, for what is no mail. */
export const dataOf = ({ mime, bytes }: MailPicture): string =>
  `data:${MIME.test(mime) ? mime : 'image/png'};base64,${Buffer.from(bytes).toString('base64')}`;

/** A whole HTML page that loads nothing. Colours are for paper: one scheme, and grounds are printed. */
export function renderPrint(reply: Reply, { zone }: { zone: string }): string {
  const view = viewOf({ ...reply, blocks: reply.blocks.filter(PRINTED) }, { zone }, ALL);
  const parts = view.parts
    .map((part) => `<section class="${part.kind}">${partHtml(part, { sourceOf: dataOf })}</section>`)
    .join('\n');
  const state = view.state
    ? `<p style="margin:0 0 4mm 0;font-size:15px;font-weight:600;color:${light(view.tone === 'plain' ? 'ink' : view.tone)}">${view.state.sign} ${view.state.words}</p>`
    : '';
  return `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<title>${escapeHtml(view.title)}</title>
<style>
@page{size:A4;margin:18mm 18mm 20mm 18mm}
html{-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{margin:0;color:${light('ink')};background:#ffffff;font-family:${FONT};${WRAP}}
section{margin:6mm 0 0 0}
section.rest{margin-top:2mm}
thead{display:table-header-group}
tr,img,.trend{break-inside:avoid}
footer{margin:10mm 0 0 0;padding:3mm 0 0 0;border-top:1px solid ${light('rule')};color:${light('muted')};font-size:13px}
</style>
</head>
<body>
${state}<h1 style="margin:0;font-size:26px;line-height:1.3">${textHtml(view.title)}</h1>
${parts}
<footer>${SENDER}</footer>
</body>
</html>
`;
}
