/** A mail as a page: the verdict, its parts, how it can be answered, the small print. Pure. */
import { escapeHtml, linkHtml, textHtml } from './markup-render.ts';
import { listHtml, partHtml } from './parts-render.ts';
import { type Colour, FONT, light, SHEETS, WIDTH, WRAP } from './style-render.ts';
import { ANSWER_HEADING, ANSWER_HINT, ANSWER_READ, CODE, END, SENDER } from './text-render.ts';
import type { MailPicture, Part, View } from './view-render.ts';

const LAYOUT = 'role="presentation" cellspacing="0" cellpadding="0" border="0"';
export const TONES: Readonly<Record<View['tone'], Colour>> = {
  ...{ good: 'good', bad: 'bad', busy: 'busy', idle: 'idle' },
  plain: 'rule',
};

/** Programs show what follows the subject in their lists: the verdict, and then nothing of what comes after it. */
const preheader = (title: string): string =>
  `<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all">${textHtml(title)}${'&#847;&zwnj;&nbsp;'.repeat(60)}</div>`;

/** A round sign with its words; the colour only repeats them. */
export function stateHtml({ tone, state }: View): string {
  if (!state) return '';
  const colour = TONES[tone];
  return `<table ${LAYOUT} style="margin:0 0 14px 0"><tr><td width="30" height="30" align="center" valign="middle" bgcolor="${light(colour)}" class="g-${colour} t-over" style="width:30px;height:30px;background-color:${light(colour)};border-radius:15px;color:${light('over')};font-size:17px;line-height:30px;font-weight:700;text-align:center">${state.sign}</td><td valign="middle" class="t-${colour}" style="padding:0 0 0 10px;color:${light(colour)};font-size:15px;line-height:20px;font-weight:600">${state.words}</td></tr></table>`;
}

export const titleHtml = ({ title }: View): string =>
  `<h1 class="verdict t-ink" style="margin:0;color:${light('ink')};font-size:26px;line-height:1.3;font-weight:700">${textHtml(title)}</h1>`;

/** The gap before a part: what belongs to the part above it stands close to it. */
const gapBefore = (part: Part): number => (part.kind === 'rest' ? 8 : part.kind === 'heading' ? 30 : 20);

function rowHtml(part: Part, above: Part | undefined, source: (picture: MailPicture) => string): string {
  const gap = above?.kind === 'heading' ? 12 : gapBefore(part);
  const html = partHtml(part, { sourceOf: source });
  // Pictures may be a little wider than the words.
  return part.kind === 'picture'
    ? `<tr><td align="center" class="edge" style="padding:${gap}px 16px 0 16px">${html}</td></tr>`
    : `<tr><td class="pad" style="padding:${gap}px 32px 0 32px">${html}</td></tr>`;
}

const small = (html: string): string =>
  `<p class="t-muted" style="margin:0 0 6px 0;color:${light('muted')};font-size:13px;line-height:1.5">${html}</p>`;

function answerHtml({ answer }: View): string {
  if (!answer) return '';
  return `<tr><td bgcolor="${light('tint')}" class="pad g-tint r-rule" style="padding:24px 32px 22px 32px;background-color:${light('tint')};border-top:1px solid ${light('rule')}"><h2 class="t-ink" style="margin:0 0 4px 0;color:${light('ink')};font-size:17px;line-height:1.4;font-weight:600">${ANSWER_HEADING}</h2>
<p class="t-muted" style="margin:0 0 8px 0;color:${light('muted')};font-size:15px;line-height:1.5">${ANSWER_HINT}</p>
${listHtml(answer.ways)}
<p class="t-muted" style="margin:12px 0 0 0;color:${light('muted')};font-size:14px;line-height:1.5">${ANSWER_READ}</p></td></tr>`;
}

function smallHtml({ answer, unsubscribe }: View): string {
  const end =
    unsubscribe === undefined
      ? ''
      : small(
          'url' in unsubscribe
            ? linkHtml(unsubscribe.url, END)
            : `${END}: write to ${linkHtml(unsubscribe.mailto, textHtml(unsubscribe.address))}`,
        );
  return `${small(SENDER)}${end}${answer ? small(`${CODE} ${textHtml(answer.code)}`) : ''}`;
}

/** Outlook for Windows knows no `max-width`: a table of its own keeps the card narrow there. */
const NARROW_IN_WORD = `<!--[if mso]><table role="presentation" cellspacing="0" cellpadding="0" border="0" width="${WIDTH}" align="center"><tr><td><![endif]-->`;

/** `lang` stands twice: some programs keep only what is inside the body. */
export function pageHtml(view: View): string {
  const strip = TONES[view.tone];
  const rows = view.parts.map((part, at) => rowHtml(part, view.parts[at - 1], ({ cid }) => `cid:${cid}`)).join('\n');
  return `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<meta name="x-apple-disable-message-reformatting">
<title>${escapeHtml(view.title)}</title>
${SHEETS}
</head>
<body class="g-page" style="margin:0;padding:0;background-color:${light('page')}">
${preheader(view.title)}
<table ${LAYOUT} width="100%" lang="en" bgcolor="${light('page')}" class="g-page" style="width:100%;background-color:${light('page')};font-family:${FONT}"><tr><td align="center" style="padding:20px 8px 28px 8px">
${NARROW_IN_WORD}
<table ${LAYOUT} width="100%" bgcolor="${light('card')}" class="g-card t-ink" style="width:100%;max-width:${WIDTH}px;background-color:${light('card')};color:${light('ink')};text-align:left;${WRAP};border-radius:8px;overflow:hidden">
<tr><td height="5" bgcolor="${light(strip)}" class="g-${strip}" style="height:5px;font-size:0;line-height:0">&nbsp;</td></tr>
<tr><td class="pad" style="padding:28px 32px 0 32px">${stateHtml(view)}${titleHtml(view)}</td></tr>
${rows}
<tr><td height="32" style="height:32px;font-size:0;line-height:0">&nbsp;</td></tr>
${answerHtml(view)}
</table>
<table ${LAYOUT} width="100%" style="width:100%;max-width:${WIDTH}px;text-align:left;${WRAP}"><tr><td class="pad" style="padding:16px 32px 0 32px">${smallHtml(view)}</td></tr></table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</body>
</html>
`;
}
