/** What is read in a Discord message (texts, fields, tables, progress) as Markdown. Pure. */
import type { Block, Cell, Instant } from '../../engine/types.ts';
import { visibleLine, visibleLines } from '../../engine/visible.ts';
import { barWords, countWords } from '../../engine/wording.ts';
import { type BlockOf, cellLabel, formWords, lineParts, moreRows, progressWords, shorten } from '../chat-render.ts';
import { code, escaped } from './json-render.ts';

/** One value: a file name of 10 KB is no reason to fill the screen. */
const VALUE = 300;
const CELL = 160;
const ROWS = 25;

/** The visible text, escaped, in at most `room` characters; cut before it is escaped, so never behind a backslash. */
export function fitted(text: string, room: number, shown: (text: string) => string = escaped): string {
  let most = Math.min(text.length, room);
  for (;;) {
    const made = shown(shorten(text, most));
    if (made.length <= room) return made;
    most = Math.max(0, Math.min(most - 1, Math.floor((most * room) / made.length) - 1));
    if (most === 0) return '';
  }
}

const unix = (at: Instant): number => Math.floor(Date.parse(at) / 1000);
const isInstant = (cell: Cell): cell is { at: Instant } => typeof cell !== 'string' && !Number.isNaN(unix(cell.at));
const cellText = (cell: Cell): string => visibleLine(typeof cell === 'string' ? cell : cell.at);

const short = (cell: Cell): string =>
  isInstant(cell) ? `<t:${unix(cell.at)}:R>` : fitted(cellText(cell), CELL) || '–';

const full = (cell: Cell): string =>
  isInstant(cell) ? `<t:${unix(cell.at)}:f> (<t:${unix(cell.at)}:R>)` : fitted(cellText(cell), VALUE) || '–';

function moreLine(block: BlockOf<'table'>, shown: number): string[] {
  const more = moreRows(block, shown);
  if (more === undefined) return [];
  if (more.line === undefined) return [`and ${countWords(more.count)} more. The terminal shows all.`];
  return [`and ${countWords(more.count)} more: ${fitted(more.line, VALUE, code)}`];
}

/** Longer rows would break anywhere on a telephone: their details stand small below the first cell. */
const LINE = 64;

/** A cell behind the first one; nothing for one that says nothing. */
function restCell(cell: Cell, column: string): string[] {
  if (cell === '' || cell === '–') return [];
  const { before, after } = cellLabel(shorten(column, 40), cell);
  return [`${escaped(before)}${short(cell)}${escaped(after)}`];
}

/** Discord has no columns: the first cell is bold, the others follow it. */
function tableText(block: BlockOf<'table'>, room: number): string {
  if (block.columns.length === 0 || block.rows.length === 0)
    return moreLine(block, block.columns.length === 0 ? 0 : block.rows.length)[0] ?? 'Nothing to show.';
  const lines: string[] = [];
  let left = room - VALUE - 40;
  let shown = 0;
  const drawn = block.rows.slice(0, ROWS).map(([first = '', ...rest]) => ({
    // A list of moments wants to be read on the clock.
    first: `**${isInstant(first) ? `<t:${unix(first.at)}:f>` : short(first)}**`,
    rest: rest
      .slice(0, block.columns.length - 1)
      .flatMap((cell, index) => restCell(cell, block.columns[index + 1] ?? ''))
      .join(' · '),
  }));
  // Instants are drawn shorter than they are written.
  const long = drawn.some(({ first, rest }) => `${first} · ${rest}`.replace(/<t:[^>]+>/g, 'in 12 days').length > LINE);
  for (const { first, rest } of drawn) {
    const line = rest === '' ? first : long ? `${first}\n-# ${rest}` : `${first} · ${rest}`;
    if (line.length + 1 > left) break;
    left -= line.length + 1;
    lines.push(line);
    shown++;
  }
  return [...lines, ...moreLine(block, shown)].join('\n');
}

function fieldsText(block: BlockOf<'fields'>, room: number): string {
  const lines: string[] = [];
  let left = room - 60;
  for (const [index, field] of block.fields.entries()) {
    const line = `**${fitted(visibleLine(field.label), 80) || '–'}:** ${full(field.value)}`;
    if (line.length + 1 > left) {
      lines.push(`and ${countWords(block.fields.length - index)} more details. The terminal shows all.`);
      break;
    }
    left -= line.length + 1;
    lines.push(line);
  }
  return lines.join('\n');
}

function progressText(block: BlockOf<'progress'>): string {
  const { phase, percent, bar, words, current } = progressWords(block.progress);
  return [
    `**${percent === undefined ? phase : `${phase}, ${percent}`}**`,
    ...(bar === undefined ? [] : [code(bar)]),
    words,
    ...(current === undefined ? [] : [`-# ${fitted(current, 120)}`]),
  ].join('\n');
}

function typedLines(block: BlockOf<'choices'>, room: number): string {
  const lines: string[] = [];
  let left = room - 60;
  for (const [index, choice] of block.choices.entries()) {
    const line = `${fitted(visibleLine(choice.label), 80)}: ${fitted(visibleLine(choice.line), 600, code)}`;
    if (line.length + 1 > left) {
      lines.push(`and ${countWords(block.choices.length - index)} more lines. The terminal shows all.`);
      break;
    }
    left -= line.length + 1;
    lines.push(line);
  }
  return lines.join('\n');
}

/** Lines to say stand out of the sentence around them. */
function said(text: string, room: number): string {
  const made = lineParts(text)
    .map((part) => (part.line ? code(part.text) : escaped(part.text)))
    .join('');
  return made.length <= room ? made : fitted(text, room);
}

/** Markdown of at most `room` characters (at least 500) for what is read; empty for a block that says nothing. */
export function contentText(block: Block, room: number): string {
  switch (block.kind) {
    case 'text':
      return said(visibleLines(block.text).join('\n').trim(), room);
    case 'fields':
      return fieldsText(block, room);
    case 'table':
      return tableText(block, room);
    case 'progress':
      return progressText(block);
    case 'line':
      return block.line.trim() === '' ? '' : fitted(visibleLine(block.line), room, code);
    case 'trend':
      return `${fitted(visibleLine(block.label), VALUE)}: ${barWords(block.points)}`;
    case 'link':
      return `${fitted(visibleLine(block.label), 100)}: ${fitted(visibleLine(block.url), room - 200, code)}`;
    case 'image':
      return `Picture: ${fitted(visibleLine(block.alt), VALUE)}`;
    case 'file':
      return `File: ${fitted(visibleLine(block.name), VALUE)}`;
    case 'form':
      return `${fitted(visibleLine(block.title), VALUE)}: ${fitted(visibleLine(formWords(block)), room - VALUE - 10, code)}`;
    case 'choices':
      return typedLines(block, room);
  }
}
