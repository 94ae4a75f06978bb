/** The last runs as bars: cells of a table with a ground, so that they are there without pictures. Pure. */
import type { RunState, TrendPoint } from '../engine/types.ts';
import { textHtml } from './markup-render.ts';
import { type Colour, light } from './style-render.ts';
import type { Part } from './view-render.ts';

/** Pixels of the tallest. */
const TALLEST = 44;
const LOWEST = 3;
const HEIGHT = 64;

/** Good and bad differ by a sign too, not by colour alone. */
const LOOKS: Readonly<Record<RunState, { colour: Colour; sign: string }>> = {
  done: { colour: 'good', sign: '' },
  partial: { colour: 'half', sign: '!' },
  failed: { colour: 'bad', sign: '×' },
  waiting: { colour: 'bad', sign: '×' },
  stopped: { colour: 'idle', sign: '–' },
  queued: { colour: 'idle', sign: '' },
  running: { colour: 'idle', sign: '' },
};

function barHtml({ files, state }: TrendPoint, most: number): string {
  const { colour, sign } = LOOKS[state];
  const height = Math.max(LOWEST, Math.round((files / most) * TALLEST));
  const above =
    sign === ''
      ? ''
      : `<tr><td align="center" class="t-${colour}" style="color:${light(colour)};font-size:14px;line-height:16px;font-weight:700">${sign}</td></tr>`;
  return `<td valign="bottom" height="${HEIGHT}" width="16" style="padding:0 4px 0 0"><table role="presentation" cellspacing="0" cellpadding="0" border="0" width="12">${above}<tr><td height="${height}" bgcolor="${light(colour)}" class="g-${colour}" style="height:${height}px;font-size:0;line-height:0">&nbsp;</td></tr></table></td>`;
}

/** The sentence below says what the bars show, so the bars are not read aloud. */
export function trendHtml({ label, points, words }: Extract<Part, { kind: 'trend' }>): string {
  const most = Math.max(1, ...points.map(({ files }) => files));
  const bars =
    points.length === 0
      ? ''
      : `<table role="presentation" aria-hidden="true" cellspacing="0" cellpadding="0" border="0"><tr>${points.map((point) => barHtml(point, most)).join('\n')}</tr></table>`;
  return `<p class="t-ink" style="margin:0 0 4px 0;color:${light('ink')};font-size:15px;line-height:1.5;font-weight:600">${textHtml(label)}</p>${bars}<p class="t-muted" style="margin:6px 0 0 0;color:${light('muted')};font-size:14px;line-height:1.5">${textHtml(words)}</p>`;
}
