/** A reply as a mail: subject, text and HTML that say the same. Pure: no clock, no network; the same reply gives the same mail. */
import { withoutForms } from '../engine/form.ts';
import type { Block, Cell, FormField, Progress, Reply } from '../engine/types.ts';
import { visibleLine, visibleLines } from '../engine/visible.ts';
import { barWords, instantWords, manyWords, sizeWords } from '../engine/wording.ts';

export interface MailLook {
  /** The reader's zone. */
  zone: string;
  /** How it can be answered; absent for a mail that nobody reads the answers to. `code` is its token as small print. */
  answer?: { to: string; subject: string; code: string };
  /** Where these mails end (https: or mailto:), for the small print. */
  unsubscribe?: string;
  /** A page where the question in it is answered by a click. */
  confirm?: string;
}

export interface MailPart {
  name: string;
  mime: string;
  bytes: Uint8Array;
  /** Set for a picture that the HTML shows (`cid:`). */
  cid?: string;
}

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
  parts: MailPart[];
}

type BlockOf<K extends Block['kind']> = Extract<Block, { kind: K }>;

/** RFC 5322 2.1.1 asks for at most 78 characters on a line; longer subjects are cut by most lists of mails anyway. */
const LONGEST_SUBJECT = 78;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For text between tags and inside quoted attributes. */
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

/** Only what a mail program may open; `javascript:` and the like become plain text. */
const isWebLink = (url: string): boolean => /^https?:\/\//i.test(url) && URL.canParse(url);

const cellText = (cell: Cell, look: MailLook): string =>
  visibleLine(typeof cell === 'string' ? cell : `${instantWords(cell.at, look.zone)} ${look.zone}`);

function progressText(progress: Progress): string {
  const files =
    progress.totalFiles === undefined
      ? manyWords(progress.files, 'file')
      : `${progress.files} of ${manyWords(progress.totalFiles, 'file')}`;
  const problems = progress.problems > 0 ? `, ${manyWords(progress.problems, 'problem')}` : '';
  return `${files}, ${sizeWords(progress.bytes)}${problems}`;
}

const moreText = (block: BlockOf<'table'>): string | undefined => {
  if (!block.more || block.more.rows === 0) return undefined;
  const how = block.more.line === undefined ? '' : `: ${visibleLine(block.more.line)}`;
  return `${manyWords(block.more.rows, 'more row')} not shown${how}`;
};

const gapOf = ({ word = '', name }: FormField): string =>
  `${word}${word === '' || word.endsWith('=') ? '' : ' '}<${name}>`;

/** A mail has no form to fill in: the line with its gaps. One without a beginning asks for a whole line, which a mail is. */
const formWords = (form: BlockOf<'form'>): string => [form.line, ...form.fields.map(gapOf)].filter(Boolean).join(' ');

/** A menu opens where one can point; a mail names a few of a long one. */
const MENU = 5;
const SHOWN_OF_MENU = 3;

const choicesShown = ({ choices, menu }: BlockOf<'choices'>) =>
  menu !== undefined && choices.length > MENU ? choices.slice(0, SHOWN_OF_MENU) : choices;

const choicesLeft = (block: BlockOf<'choices'>): string | undefined => {
  const left = block.choices.length - choicesShown(block).length;
  return left > 0 ? `and ${left} more` : undefined;
};

// ------------------------------------------------------------------------------------------------------------- text

/** Mail text is read in any font: rows are lines of `name: value`, not columns that only fit one of them. */
function tableText(block: BlockOf<'table'>, look: MailLook): string[] {
  const lines = block.rows.map((row) =>
    row
      .map((cell, index) =>
        index === 0 ? cellText(cell, look) : `${block.columns[index] ?? ''}: ${cellText(cell, look)}`,
      )
      .join(', '),
  );
  const more = moreText(block);
  return more === undefined ? lines : [...lines, more];
}

function blockText(block: Block, look: MailLook): string[] {
  switch (block.kind) {
    case 'text':
      return visibleLines(block.text);
    case 'fields':
      return block.fields.map(({ label, value }) => `${visibleLine(label)}: ${cellText(value, look)}`);
    case 'table':
      return tableText(block, look);
    case 'progress':
      return [progressText(block.progress)];
    case 'choices':
      return [
        'What you can say next:',
        ...choicesShown(block).map((choice) => `  ${visibleLine(choice.line)}   (${visibleLine(choice.label)})`),
        ...(choicesLeft(block) === undefined ? [] : [`  ${choicesLeft(block)}`]),
      ];
    case 'form':
      return block.line === '' ? [] : [visibleLine(block.title), `  ${visibleLine(formWords(block))}`];
    case 'line':
      return [visibleLine(block.line)];
    case 'trend':
      return [`${visibleLine(block.label)}: ${barWords(block.points)}`];
    case 'link':
      return [`${visibleLine(block.label)}: ${visibleLine(block.url)}`];
    case 'image':
      return [`[Picture: ${visibleLine(block.alt)}]`];
    case 'file':
      return [`[Attached: ${visibleLine(block.name)}, ${sizeWords(block.bytes.length)}]`];
  }
}

// ------------------------------------------------------------------------------------------------------------- HTML

const TONES: Record<Reply['tone'], string> = { good: '#1a7f37', bad: '#b42318', busy: '#1f5f99', plain: '#333333' };
const CELL = 'padding:4px 16px 4px 0;text-align:left;vertical-align:top;border-bottom:1px solid #dddddd';
/** A file name must not stretch the page. */
const WRAP = 'overflow-wrap:anywhere';
const MONO = 'font-family:ui-monospace,Menlo,Consolas,monospace;font-size:14px';

const paragraph = (html: string): string => `<p style="margin:12px 0;${WRAP}">${html}</p>`;
const code = (line: string): string => `<code style="${MONO};${WRAP}">${escapeHtml(visibleLine(line))}</code>`;

function tableHtml(block: BlockOf<'table'>, look: MailLook): string {
  const head = block.columns.map((column) => `<th style="${CELL}">${escapeHtml(visibleLine(column))}</th>`).join('');
  const rows = block.rows
    .map(
      (row) =>
        `<tr>${row.map((cell) => `<td style="${CELL};${WRAP}">${escapeHtml(cellText(cell, look))}</td>`).join('')}</tr>`,
    )
    .join('\n');
  const more = moreText(block);
  return `<table cellspacing="0" style="border-collapse:collapse;margin:12px 0"><tr>${head}</tr>\n${rows}</table>${
    more === undefined ? '' : paragraph(escapeHtml(more))
  }`;
}

function fieldsHtml(block: BlockOf<'fields'>, look: MailLook): string {
  const rows = block.fields
    .map(
      ({ label, value }) =>
        `<tr><th scope="row" style="${CELL};font-weight:normal;color:#666666">${escapeHtml(visibleLine(label))}</th><td style="${CELL};${WRAP}">${escapeHtml(cellText(value, look))}</td></tr>`,
    )
    .join('\n');
  return `<table cellspacing="0" style="border-collapse:collapse;margin:12px 0">${rows}</table>`;
}

function blockHtml(block: Block, look: MailLook, cidOf: (block: BlockOf<'image'>) => string): string {
  switch (block.kind) {
    case 'text':
      return paragraph(visibleLines(block.text).map(escapeHtml).join('<br>\n'));
    case 'fields':
      return fieldsHtml(block, look);
    case 'table':
      return tableHtml(block, look);
    case 'progress':
      return paragraph(escapeHtml(progressText(block.progress)));
    case 'choices':
      return `${paragraph('What you can say next:')}<ul>${choicesShown(block)
        .map(
          (choice) => `<li style="margin:4px 0">${code(choice.line)} – ${escapeHtml(visibleLine(choice.label))}</li>`,
        )
        .join('\n')}</ul>${choicesLeft(block) === undefined ? '' : paragraph(escapeHtml(choicesLeft(block) ?? ''))}`;
    case 'form':
      return block.line === '' ? '' : paragraph(`${escapeHtml(visibleLine(block.title))}<br>${code(formWords(block))}`);
    case 'line':
      return paragraph(code(block.line));
    case 'trend':
      return paragraph(`${escapeHtml(visibleLine(block.label))}: ${barWords(block.points)}`);
    case 'link': {
      const label = escapeHtml(visibleLine(block.label));
      const url = escapeHtml(visibleLine(block.url));
      return paragraph(isWebLink(block.url) ? `<a href="${url}">${label}</a>` : `${label}: ${url}`);
    }
    case 'image':
      return `<p style="margin:12px 0"><img src="cid:${cidOf(block)}" alt="${escapeHtml(visibleLine(block.alt))}" style="max-width:100%;height:auto"></p>`;
    case 'file':
      return paragraph(`Attached: ${escapeHtml(visibleLine(block.name))}, ${sizeWords(block.bytes.length)}`);
  }
}

/** A name for an attachment: no path, nothing that a header could end with. */
const partName = (name: string): string =>
  visibleLine(name)
    .replace(/[/\\:]/g, '_')
    .slice(0, 120) || 'attachment';

/**
 * Everything from outside is made visible and then escaped, so that a file name can neither end a header nor open a tag.
 * Pictures are parts of the mail: nothing is loaded from anywhere when it is read.
 */
export function renderMail(reply: Reply, look: MailLook): RenderedMail {
  const parts: MailPart[] = [];
  const cids = new Map<Block, string>();
  for (const block of reply.blocks) {
    if (block.kind === 'image') {
      const cid = `picture-${cids.size + 1}@keepsake`;
      cids.set(block, cid);
      parts.push({ name: `picture-${cids.size}`, mime: block.mime, bytes: block.bytes, cid });
    } else if (block.kind === 'file') {
      parts.push({ name: partName(block.name), mime: block.mime, bytes: block.bytes });
    }
  }
  const title = visibleLine(reply.title);
  const head = `Keepsake: ${title}`;
  const blocks = withoutForms(reply.blocks);
  const body = blocks.map((block) => blockHtml(block, look, (image) => cids.get(image) ?? '')).join('\n');
  return {
    subject: head.length > LONGEST_SUBJECT ? `${[...head].slice(0, LONGEST_SUBJECT - 1).join('')}…` : head,
    text: `${[title, ...blocks.map((block) => blockText(block, look).join('\n')).filter((text) => text !== '')].join('\n\n')}\n`,
    html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light"><title>${escapeHtml(title)}</title></head>
<body style="margin:0;padding:24px;background:#ffffff;color:#222222;font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif">
<h1 style="font-size:20px;margin:0 0 12px;color:${TONES[reply.tone]};${WRAP}">${escapeHtml(title)}</h1>
${body}
</body>
</html>
`,
    parts,
  };
}
