/** What is read in a Slack message (texts, fields, tables, progress) as blocks. Pure. */
import type { Block, Cell, Instant } from '../../engine/types.ts';
import { visibleLine, visibleLines } from '../../engine/visible.ts';
import { barWords, countWords, instantWords, sizeWords } from '../../engine/wording.ts';
import {
  type BlockOf,
  COLUMNS,
  cellLabel,
  formWords,
  lineParts,
  moreRows,
  progressWords,
  shorten,
} from '../chat-render.ts';
import { plain, richText, SLACK, type SlackBlock, type SlackCell, type SlackInline, words } from './json-render.ts';

/** One value: a file name of 10 KB is no reason to fill the screen. */
const VALUE = 500;
const CELL = 300;
/** More rows are no answer but a listing; 100 with the head is what the service takes. */
const ROWS = 50;

export const instant = (at: Instant): SlackInline => ({
  type: 'date',
  timestamp: Math.floor(Date.parse(at) / 1000),
  format: '{date_short_pretty} {time}',
  fallback: `${instantWords(at, 'UTC')} UTC`,
});

const value = (cell: Cell, most: number, style?: { bold: true }): SlackInline => {
  if (typeof cell === 'string') return words(shorten(visibleLine(cell), most), style);
  return Number.isNaN(Date.parse(cell.at)) ? words(shorten(visibleLine(cell.at), most), style) : instant(cell.at);
};

/** What a reader would count. */
const sizeOf = (inline: SlackInline): number => (inline.type === 'date' ? 24 : inline.text.length);

/** As it is typed in Slack: copied from here, it does the same anywhere in the workspace. */
export const slackLine = (line: string): string => `/backup ${line.replace(/^\/?backup\s+(?=\S)/, '')}`;

/** Lines to say stand out of the sentence around them. */
const said = (text: string): SlackInline[] =>
  lineParts(text).map(({ text: part, line }) => (line ? words(part, { code: true }) : words(part)));

/** At most `room` characters of them; the rest is `…`. */
function within(inlines: readonly SlackInline[], room: number): SlackInline[] {
  const kept: SlackInline[] = [];
  let left = room;
  for (const inline of inlines) {
    if (left <= 1) {
      kept.push(words('…'));
      break;
    }
    kept.push(inline.type === 'text' ? { ...inline, text: shorten(inline.text, left) } : inline);
    left -= sizeOf(inline);
  }
  return kept;
}

const moreLine = (block: BlockOf<'table'>, shown: number): SlackInline[] => {
  const more = moreRows(block, shown);
  if (more === undefined) return [];
  if (more.line === undefined)
    return [words(`and ${countWords(more.count)} more. The terminal shows all.`, { italic: true })];
  return [
    words(`and ${countWords(more.count)} more: `, { italic: true }),
    words(shorten(slackLine(more.line), VALUE), { code: true }),
  ];
};

const NUMBER = /^[\d.,]+( (bytes?|[KMGTP]B|%))?$|^–$/;

function tableBlocks(block: BlockOf<'table'>, room: number): SlackBlock[] {
  const columns = block.columns.slice(0, SLACK.tableColumns);
  const head: SlackCell[] = columns.map((column) =>
    richText([words(shorten(visibleLine(column), 60), { bold: true })]),
  );
  const most = Math.min(room, SLACK.tableText) - columns.length * 60;
  const rows: SlackCell[][] = [];
  let used = 0;
  for (const row of block.rows.slice(0, ROWS)) {
    const cells = columns.map((_, index): SlackCell => {
      const inline = value(row[index] ?? '', CELL);
      return inline.type === 'text' ? { type: 'raw_text', text: inline.text } : richText([inline]);
    });
    used += cells.reduce((sum, cell) => sum + (cell.type === 'raw_text' ? cell.text.length : 24), 0);
    if (used > most) break;
    rows.push(cells);
  }
  const settings = columns.map((_, index) => ({
    is_wrapped: true,
    align:
      rows.length > 0 && block.rows.every((row) => typeof row[index] === 'string' && NUMBER.test(row[index]))
        ? ('right' as const)
        : ('left' as const),
  }));
  const more = moreLine(block, rows.length);
  return [
    ...(rows.length > 0 ? [{ type: 'table' as const, rows: [head, ...rows], column_settings: settings }] : []),
    ...(more.length > 0 ? [richText(more)] : []),
  ];
}

/** A row whose cells fit on one line of a telephone needs no second one. */
const LINE = 48;

/** The cells of a row behind its first one; those that say nothing are left out. */
function restOf(row: readonly Cell[], columns: readonly string[]): SlackInline[] {
  return row.slice(1).flatMap((cell, index): SlackInline[] => {
    if (cell === '' || cell === '–') return [];
    const { before, after } = cellLabel(shorten(columns[index + 1] ?? '', 60), cell);
    const shown = value(cell, CELL);
    return [words(` · ${before}`), shown.type === 'text' ? { ...shown, text: shown.text + after } : shown];
  });
}

/**
 * A table where Slack takes none (home pages, a second one in a message) or where it would be too wide: the first cell of
 * each row bold, the others behind or below it.
 */
function rowLines(block: BlockOf<'table'>, room: number): SlackBlock[] {
  const inlines: SlackInline[] = [];
  let used = 0;
  let shown = 0;
  const rests = block.rows.slice(0, ROWS).map((row) => restOf(row, block.columns));
  const below = rests.some(
    (rest, index) =>
      sizeOf(value(block.rows[index]?.[0] ?? '', CELL)) + rest.reduce((sum, one) => sum + sizeOf(one), 0) > LINE,
  );
  for (const [index, row] of block.rows.slice(0, ROWS).entries()) {
    const rest = rests[index] ?? [];
    const [first, ...others] = rest;
    const lead: SlackInline[] =
      first?.type === 'text' && below ? [{ ...first, text: first.text.replace(' · ', '\n') }] : first ? [first] : [];
    const cells = [value(row[0] ?? '', CELL, { bold: true }), ...lead, ...others];
    used += cells.reduce((sum, cell) => sum + sizeOf(cell), 1);
    if (used > room - 100) break;
    inlines.push(...cells, words('\n'));
    shown++;
  }
  inlines.push(...moreLine(block, shown));
  const last = inlines.at(-1);
  if (last?.type === 'text' && last.text === '\n') inlines.pop();
  return [richText(inlines)];
}

function fieldInlines(block: BlockOf<'fields'>): SlackInline[] {
  return block.fields.flatMap((field, index): SlackInline[] => [
    words(`${index === 0 ? '' : '\n'}${shorten(visibleLine(field.label), 80)}: `, { bold: true }),
    value(field.value, VALUE),
  ]);
}

function progressInlines(block: BlockOf<'progress'>): SlackInline[] {
  const { phase, percent, bar, words: how, current } = progressWords(block.progress);
  return [
    words(percent === undefined ? phase : `${phase}, ${percent}`, { bold: true }),
    words(bar === undefined ? `\n${how}` : `\n${bar}\n${how}`),
    ...(current === undefined ? [] : [words(`\n${shorten(current, 120)}`, { italic: true })]),
  ];
}

const context = (text: string): SlackBlock => ({ type: 'context', elements: [plain(shorten(text, VALUE))] });

/** Characters that a reader sees in the blocks of one part. */
export const textOf = (blocks: readonly SlackBlock[]): number =>
  blocks.reduce((sum, block) => {
    if (block.type === 'rich_text')
      return (
        sum +
        block.elements.reduce((all, { elements }) => all + elements.reduce((some, one) => some + sizeOf(one), 0), 0)
      );
    if (block.type === 'table')
      return sum + block.rows.flat().reduce((all, cell) => all + (cell.type === 'raw_text' ? cell.text.length : 24), 0);
    if (block.type === 'context') return sum + block.elements.reduce((all, { text }) => all + text.length, 0);
    return sum;
  }, 0);

/** Blocks for whatever is read and not pressed; empty for a block that says nothing. `table`: one may still be used. */
export function contentBlocks(block: Block, room: number, table: boolean): SlackBlock[] {
  switch (block.kind) {
    case 'text': {
      const text = visibleLines(block.text).join('\n').trim();
      return text === '' ? [] : [richText(within(said(text), room))];
    }
    case 'fields':
      return block.fields.length === 0 ? [] : [richText(within(fieldInlines(block), room))];
    case 'table':
      if (block.columns.length === 0 || block.rows.length === 0) {
        const more = moreLine(block, block.columns.length === 0 ? 0 : block.rows.length);
        return [richText(more.length > 0 ? more : [words('Nothing to show.')])];
      }
      return table && block.columns.length <= COLUMNS ? tableBlocks(block, room) : rowLines(block, room);
    case 'progress':
      return [richText(progressInlines(block))];
    case 'line':
      return block.line.trim() === ''
        ? []
        : [richText([words(shorten(visibleLine(slackLine(block.line)), room), { code: true })])];
    case 'trend':
      return [context(`${visibleLine(block.label)}: ${barWords(block.points)}`)];
    case 'link':
      return [
        richText([words(shorten(`${visibleLine(block.label)}: ${visibleLine(block.url)}`, Math.min(room, 3000)))]),
      ];
    case 'image':
      return [context(`Picture: ${visibleLine(block.alt)}`)];
    case 'file':
      return [context(`Attached: ${shorten(visibleLine(block.name), 200)}, ${sizeWords(block.bytes.length)}`)];
    case 'form':
      return [
        richText([
          words(`${shorten(visibleLine(block.title), VALUE)}: `),
          words(shorten(visibleLine(slackLine(formWords(block))), room), { code: true }),
        ]),
      ];
    case 'choices':
      return [
        richText(
          within(
            block.choices.flatMap((choice, index) => [
              words(`${index === 0 ? '' : '\n'}${shorten(visibleLine(choice.label), 80)}: `),
              words(visibleLine(slackLine(choice.line)), { code: true }),
            ]),
            room,
          ),
        ),
      ];
  }
}
