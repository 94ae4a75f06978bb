/** The parts of a mail as HTML for mail programs: tables, inlined styles, nothing that is loaded from anywhere. Pure. */
import { escapeHtml, linkHtml, type Manner, textHtml } from './markup-render.ts';
import { fitted } from './picture-render.ts';
import { type Colour, light, MONO, PICTURE_WIDTH } from './style-render.ts';
import { trendHtml } from './trend-render.ts';
import type { MailPicture, Part, Say } from './view-render.ts';
import type { Way } from './ways-render.ts';
import { withoutIsolates } from './words-render.ts';

const LAYOUT = 'role="presentation" cellspacing="0" cellpadding="0" border="0"';

const written = (colour: Colour, size = 16): string =>
  `class="t-${colour}" style="margin:0;color:${light(colour)};font-size:${size}px;line-height:1.5"`;

const paragraph = (html: string, colour: Colour = 'ink', size = 16): string =>
  `<p ${written(colour, size)}>${html}</p>`;

const codeHtml = (line: string): string => `<code style="font-family:${MONO};font-size:14px">${textHtml(line)}</code>`;

const inkHtml = (html: string): string => `<span class="t-ink" style="color:${light('ink')}">${html}</span>`;

/** The words; where they can be sent, they are a link. */
const sayHtml = ({ line, mailto }: Say): string =>
  mailto === undefined ? inkHtml(codeHtml(line)) : linkHtml(mailto, codeHtml(line));

// ------------------------------------------------------------------------------------------------------------ tables

const CELL = `padding:8px 12px 8px 0;font-size:15px;border-bottom:1px solid ${light('rule')}`;
const HEAD = `${CELL};text-align:left;color:${light('muted')}`;
const TABLE = 'cellspacing="0" cellpadding="0" border="0" width="100%"';
const FULL = 'width:100%;border-collapse:collapse;line-height:1.45';

function fieldsHtml({ fields }: Extract<Part, { kind: 'fields' }>): string {
  const rows = fields.map(
    ({ label, value }) =>
      `<tr valign="top"><th scope="row" width="34%" class="t-muted r-rule" style="${HEAD};font-weight:normal">${textHtml(label)}</th><td class="t-ink r-rule" style="${CELL};color:${light('ink')}">${textHtml(value)}</td></tr>`,
  );
  return `<table ${TABLE} class="fields" style="${FULL}">${rows.join('\n')}</table>`;
}

/** Characters of 15 pixels that fit beside each other on the card. */
const LINE = 64;
const GAP = 2;
/** What is longer is broken. */
const LONGEST_WORD = 18;
const BOLD = 1.3;

/** Percent. Each column has room for its longest word; what is left goes to those that have more to say. */
function widths(columns: readonly string[], rows: readonly string[][]): number[] {
  const cells = columns.map((column, at) => [column, ...rows.map((row) => row[at] ?? '')]);
  const longest = (texts: readonly string[], most: number): number =>
    Math.min(most, Math.max(...texts.map((text) => text.length)));
  const least = cells.map((texts, at) => {
    const word = longest(texts.join(' ').split(' '), LONGEST_WORD);
    // What is bold is wider, and a name that is broken is hard to read.
    return (at === 0 ? Math.min(LONGEST_WORD, Math.ceil(word * BOLD)) : word) + GAP;
  });
  const wanted = cells.map((texts, at) => Math.max(0, longest(texts, 40) + GAP - (least[at] ?? 0)));
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
  const left = Math.max(0, LINE - sum(least)) / Math.max(1, sum(wanted));
  const given = least.map((chars, at) => chars + (wanted[at] ?? 0) * Math.min(1, left));
  return given.map((chars) => Math.round((chars / sum(given)) * 100));
}

/** On narrow screens a row becomes a paragraph, and each cell says what it is. */
function tableHtml({ columns, rows }: Extract<Part, { kind: 'table' }>): string {
  const wide = widths(columns, rows);
  const head = columns
    .map(
      (column, at) =>
        `<th scope="col" width="${wide[at]}%" class="t-muted r-rule" style="${HEAD};font-size:13px;font-weight:600">${textHtml(column)}</th>`,
    )
    .join('');
  const cell = (text: string, at: number): string => {
    const named = at > 0 && columns[at] !== '' && columns.length > 2;
    const name = named
      ? `<span class="name t-muted" aria-hidden="true" style="display:none;mso-hide:all;color:${light('muted')}">${textHtml(columns[at] ?? '')}: </span>`
      : '';
    const strong = at === 0 && columns.length > 2 ? 'font-weight:600;' : '';
    return `<td class="t-ink r-rule${at === 0 ? ' long' : ''}" style="${CELL};${strong}color:${light('ink')}">${name}${textHtml(text)}</td>`;
  };
  const body = rows.map((row) => `<tr valign="top" class="r-rule">${row.map(cell).join('')}</tr>`).join('\n');
  const stack = columns.length > 2 ? ' class="stack"' : '';
  const named = columns.some((column) => column !== '') ? `<thead><tr>${head}</tr></thead>` : '';
  return `<table ${TABLE}${stack} style="${FULL}">${named}<tbody>${body}</tbody></table>`;
}

// ---------------------------------------------------------------------------------------------------- what can be said

const BUTTONS: Record<Way['style'], { ground: Colour; rule: Colour; ink: Colour }> = {
  primary: { ground: 'link', rule: 'link', ink: 'over' },
  danger: { ground: 'card', rule: 'bad', ink: 'bad' },
  plain: { ground: 'card', rule: 'idle', ink: 'ink' },
};

/** The cell is the button: Outlook gives a link no padding, so there the cell has it. */
function buttonHtml(href: string, label: string, style: Way['style']): string {
  const { ground, rule, ink } = BUTTONS[style];
  return `<table ${LAYOUT}><tr><td bgcolor="${light(ground)}" class="g-${ground} r-${rule}" style="background-color:${light(ground)};border:1px solid ${light(rule)};border-radius:6px;text-align:center;mso-padding-alt:10px 18px"><a href="${escapeHtml(href)}" class="t-${ink}" style="display:inline-block;padding:10px 18px;color:${light(ink)};font-size:15px;line-height:20px;font-weight:600;text-decoration:none">${textHtml(label)}</a></td></tr></table>`;
}

/** The words beside a button can be read, typed, and where the button opens a page, sent. */
function besideHtml({ label, line, mailto, page }: Way): string {
  if (page !== undefined) return `or answer: ${sayHtml({ line, ...(mailto === undefined ? {} : { mailto }) })}`;
  return label === line ? '' : codeHtml(line);
}

function buttonRow(way: Way): string {
  const href = way.page ?? way.mailto;
  const label =
    href === undefined
      ? `<span class="t-ink" style="color:${light('ink')};font-size:15px;line-height:1.5">${textHtml(way.label)}</span>`
      : buttonHtml(href, way.label, way.style);
  return `<tr><td valign="middle" class="way" style="padding:0 14px 10px 0">${label}</td><td valign="middle" class="said t-muted" style="padding:0 0 10px 0;color:${light('muted')};font-size:14px;line-height:1.5">${besideHtml(way)}</td></tr>`;
}

export const listHtml = (ways: readonly Way[]): string =>
  `<table ${LAYOUT} width="100%">${ways
    .map((way) => {
      const label = way.label === way.line ? '' : ` – ${textHtml(way.label)}`;
      return `<tr><td class="t-muted" style="padding:4px 0;color:${light('muted')};font-size:15px;line-height:1.5">${
        way.page === undefined
          ? `${sayHtml(way)}${label}`
          : `${linkHtml(way.page, textHtml(way.label))} ${besideHtml(way)}`
      }</td></tr>`;
    })
    .join('\n')}</table>`;

const waysHtml = ({ manner, ways }: Extract<Part, { kind: 'ways' }>): string =>
  manner === 'list' ? listHtml(ways) : `<table ${LAYOUT} class="ways">${ways.map(buttonRow).join('\n')}</table>`;

// ---------------------------------------------------------------------------------------------------------- the rest

/** How much is done, as a bar beside the words. */
function progressHtml({ words, share }: Extract<Part, { kind: 'progress' }>): string {
  if (share === undefined) return paragraph(textHtml(words));
  const done = Math.round(share * 100);
  const cell = (percent: number, colour: Colour): string =>
    percent === 0
      ? ''
      : `<td width="${percent}%" height="10" bgcolor="${light(colour)}" class="g-${colour}" style="font-size:0;line-height:0">&nbsp;</td>`;
  return `<table ${LAYOUT} aria-hidden="true" width="100%" style="width:100%"><tr>${cell(done, 'busy')}${cell(100 - done, 'rule')}</tr></table>${paragraph(textHtml(words), 'muted', 15)}`;
}

/** Keeps its place while it is not shown; then its words stand on a ground of their own. */
function pictureHtml(alt: string, picture: MailPicture, source: string): string {
  const size = picture.size && fitted(picture.size, PICTURE_WIDTH);
  const width = size?.width ?? PICTURE_WIDTH;
  const height = size ? ` height="${size.height}"` : '';
  return `<img src="${escapeHtml(source)}" alt="${escapeHtml(alt)}" width="${width}"${height} class="g-tint t-muted" style="display:block;width:100%;max-width:${width}px;height:auto;border:0;border-radius:6px;background-color:${light('tint')};color:${light('muted')};font-size:15px;line-height:1.5">`;
}

function webLinkHtml({ label, url, opens }: Extract<Part, { kind: 'link' }>): string {
  if (opens) return linkHtml(withoutIsolates(url), textHtml(label === '' ? url : label));
  return label === '' ? textHtml(url) : `${textHtml(label)}: ${textHtml(url)}`;
}

/** One row of the card. */
export function partHtml(part: Part, manner: Manner): string {
  switch (part.kind) {
    case 'lines':
      return paragraph(part.lines.map(textHtml).join('<br>\n'));
    case 'fields':
      return fieldsHtml(part);
    case 'table':
      return tableHtml(part);
    case 'rest':
      return paragraph(
        part.say === undefined ? textHtml(part.words) : `${textHtml(part.words)}: ${sayHtml(part.say)}`,
        'muted',
        15,
      );
    case 'progress':
      return progressHtml(part);
    case 'heading':
      return `<h2 class="t-ink" style="margin:0;color:${light('ink')};font-size:17px;line-height:1.4;font-weight:600">${textHtml(part.words)}</h2>`;
    case 'ways':
      return waysHtml(part);
    case 'say':
      return paragraph(`${part.title === undefined ? '' : `${textHtml(part.title)}<br>`}${sayHtml(part.say)}`);
    case 'trend':
      return trendHtml(part);
    case 'link':
      return paragraph(webLinkHtml(part));
    case 'picture':
      return pictureHtml(part.alt, part.picture, manner.sourceOf(part.picture));
    case 'file':
      return paragraph(`Attached: ${textHtml(part.words)}`, 'muted', 15);
  }
}
