/** A reply as text for a terminal. Pure: no clock, no terminal; the same reply gives the same text. */
import { styleText } from 'node:util';
import { withoutForms } from '../engine/form.ts';
import type { Block, Cell, FormField, Instant, Progress, Reply } from '../engine/types.ts';
import { visibleLine, visibleLines } from '../engine/visible.ts';
import {
  barWords,
  countWords,
  durationWords,
  fullInstantWords,
  instantWords,
  manyWords,
  sizeWords,
} from '../engine/wording.ts';
import { cutText, padText, textColumns, wrapText } from './console-text.ts';

export interface ConsoleLook {
  colour: boolean;
  /** Columns of the terminal. */
  width: number;
  zone: string;
  now: Date;
}

type Style = Parameters<typeof styleText>[0];
type BlockOf<K extends Block['kind']> = Extract<Block, { kind: K }>;

/** Below this a table is a list of fields anyway. */
const NARROWEST = 24;
const INDENT = '  ';
const COLUMN_GAP = 2;

/** `validateStream: false`: the caller decided about colours, this file asks no stream and no environment. */
const paint = (look: ConsoleLook, style: Style, text: string): string =>
  look.colour && text !== '' ? styleText(style, text, { validateStream: false }) : text;

/** An icon besides the colour, so that nobody needs to see colours. */
function mark(reply: Reply): { icon: string; style: Style } {
  if (reply.outcome === 'partial') return { icon: '! ', style: 'yellow' };
  if (reply.tone === 'good') return { icon: '✔ ', style: 'green' };
  if (reply.tone === 'bad') return { icon: '✖ ', style: 'red' };
  if (reply.tone === 'busy') return { icon: '… ', style: 'cyan' };
  return { icon: '', style: 'bold' };
}

const cellText = (cell: Cell, instant: (at: Instant) => string): string =>
  visibleLine(typeof cell === 'string' ? cell : instant(cell.at));

/** As the terminal shows a line to be typed. A line break in it would run something else when pasted. */
const typed = (line: string): string => visibleLine(line);

const PHASES: Record<Progress['phase'], string> = {
  listing: 'Looking at the files',
  copying: 'Copying',
  finishing: 'Writing the snapshot',
  restoring: 'Restoring',
  verifying: 'Verifying',
  done: 'Done',
};

function share(progress: Progress): number | undefined {
  const { bytes, totalBytes, files, totalFiles } = progress;
  if (totalBytes) return Math.min(1, bytes / totalBytes);
  if (totalFiles) return Math.min(1, files / totalFiles);
  return undefined;
}

const BAR = 20;
/** Labels stand in a column behind lines of up to this length; one long line must not push all of them away. */
const CHOICE = 40;

/** One line: phase, bar, share, files, bytes, rate, time left, problems, and the file in hand as far as there is room. */
export function progressLine(progress: Progress, look: Pick<ConsoleLook, 'width'>, withBar = true): string {
  const part = share(progress);
  const words = [
    progress.totalFiles === undefined
      ? manyWords(progress.files, 'file')
      : `${countWords(progress.files)} of ${manyWords(progress.totalFiles, 'file')}`,
    progress.totalBytes === undefined
      ? sizeWords(progress.bytes)
      : `${sizeWords(progress.bytes)} of ${sizeWords(progress.totalBytes)}`,
  ];
  if (progress.rate) words.push(`${sizeWords(progress.rate)}/s`);
  if (progress.eta !== undefined) words.push(`about ${durationWords(progress.eta)} left`);
  if (progress.problems > 0) words.push(manyWords(progress.problems, 'problem'));
  if (progress.current !== undefined) words.push(visibleLine(progress.current));
  const bar =
    !withBar || part === undefined || look.width < 60
      ? ''
      : ` ${'█'.repeat(Math.round(part * BAR))}${'░'.repeat(BAR - Math.round(part * BAR))}`;
  // Rounded down: 100% is said only of what is whole.
  const percent = part === undefined ? '' : ` ${Math.floor(part * 100)}%`;
  return cutText(`${PHASES[progress.phase]}${bar}${percent}  ${words.join(' · ')}`, look.width);
}

function fieldLines(fields: readonly { label: string; text: string }[], look: ConsoleLook): string[] {
  const widest = Math.max(0, ...fields.map((field) => textColumns(field.label)));
  const room = look.width - INDENT.length - widest - COLUMN_GAP;
  return fields.flatMap(({ label, text }) => {
    const [first = '', ...rest] = wrapText(text, Math.max(NARROWEST, room));
    const hanging = ' '.repeat(widest + COLUMN_GAP);
    return [
      `${paint(look, 'dim', padText(label, widest))}${' '.repeat(COLUMN_GAP)}${first}`,
      ...rest.map((line) => hanging + line),
    ];
  });
}

/** Takes from the widest column until the table fits. */
function fitColumns(natural: readonly number[], room: number): number[] {
  const fitted = [...natural];
  let over = fitted.reduce((sum, columns) => sum + columns, 0) - room;
  while (over > 0) {
    const widest = fitted.indexOf(Math.max(...fitted));
    const columns = fitted[widest] ?? 0;
    if (columns <= 4) break;
    const second = Math.max(4, ...fitted.filter((_, index) => index !== widest));
    const less = Math.max(1, Math.min(over, columns - second));
    fitted[widest] = columns - less;
    over -= less;
  }
  return fitted;
}

/** Sentences go on below each other; a word that is too long (a path) is cut, and so is what needs more lines than this. */
const CELL_LINES = 4;

function fitCell(cell: string, columns: number): { lines: string[]; cut: boolean } {
  const wrapped = wrapText(cell, columns);
  const kept = wrapped.slice(0, CELL_LINES);
  const last = kept.at(-1);
  if (last !== undefined && wrapped.length > CELL_LINES) kept[CELL_LINES - 1] = `${last} …`;
  const lines = kept.map((line) => cutText(line, columns));
  return { lines, cut: wrapped.length > CELL_LINES || lines.some((line, index) => line !== kept[index]) };
}

const NUMBER = /^[\d.,]+( (bytes?|[KMGTP]B|%))?$|^–$/;

function tableLines(block: BlockOf<'table'>, look: ConsoleLook): string[] {
  const head = block.columns.map((column) => visibleLine(column));
  const rows = block.rows.map((row) => row.map((cell) => cellText(cell, (at) => instantWords(at, look.zone))));
  const lines: string[] = [];
  let cut = false;
  const room = look.width - INDENT.length - COLUMN_GAP * (head.length - 1);
  if (room < head.length * 6) {
    // Too narrow for columns: one small list of fields per row.
    for (const row of rows) {
      const fields = row.map((text, index) => ({ label: head[index] ?? '', text }));
      if (lines.length > 0) lines.push('');
      lines.push(...fieldLines(fields, look));
    }
  } else {
    const natural = head.map((column, index) =>
      Math.max(textColumns(column), ...rows.map((row) => textColumns(row[index] ?? ''))),
    );
    const widths = fitColumns(natural, room);
    const right = head.map((_, index) => rows.length > 0 && rows.every((row) => NUMBER.test(row[index] ?? '')));
    const draw = (cells: readonly string[]): string[] => {
      const columns = widths.map((width, index) => {
        const fitted = fitCell(cells[index] ?? '', width);
        if (fitted.cut) cut = true;
        return fitted.lines;
      });
      return Array.from({ length: Math.max(...columns.map((drawn) => drawn.length)) }, (_, line) =>
        columns
          .map((drawn, index) => padText(drawn[line] ?? '', widths[index] ?? 0, right[index] ? 'left' : 'right'))
          .join(' '.repeat(COLUMN_GAP))
          .trimEnd(),
      );
    };
    lines.push(...draw(head).map((line) => paint(look, 'dim', line)), ...rows.flatMap(draw));
  }
  const notes: string[] = [];
  if (rows.length === 0) notes.push('Nothing to show.');
  if (block.rows.some((row) => row.some((cell) => typeof cell !== 'string'))) notes.push(`Times: ${look.zone}.`);
  if (cut) notes.push('Cut with … to fit this window; a wider one shows all.');
  if (block.more && block.more.rows > 0) {
    const line = block.more.line === undefined ? '' : `: ${typed(block.more.line)}`;
    notes.push(`${manyWords(block.more.rows, 'more row')} not shown${line}`);
  }
  if (notes.length > 0) {
    lines.push(...wrapText(notes.join(' '), look.width - INDENT.length).map((line) => paint(look, 'dim', line)));
  }
  return lines;
}

/** A menu opens where one can point; as lines it would push everything else away. */
const MENU = 5;
const SHOWN_OF_MENU = 3;

function choiceLines(block: BlockOf<'choices'>, look: ConsoleLook): string[] {
  const shown =
    block.menu !== undefined && block.choices.length > MENU ? block.choices.slice(0, SHOWN_OF_MENU) : block.choices;
  const more = block.choices.length - shown.length;
  const lines = shown.map((choice) => typed(choice.line));
  const widest = Math.min(CHOICE, Math.max(0, ...lines.map(textColumns)));
  const drawn = shown.map((choice, index) => {
    const line = lines[index] ?? '';
    const label = visibleLine(choice.label);
    const painted = paint(look, choice.style === 'danger' ? 'red' : 'cyan', line);
    // The label says nothing new when it is the line itself.
    if (label === line) return `→ ${painted}`;
    return `→ ${painted}${' '.repeat(Math.max(0, widest - textColumns(line)) + COLUMN_GAP)}${paint(look, 'dim', label)}`;
  });
  return more > 0 ? [...drawn, paint(look, 'dim', `  and ${more} more`)] : drawn;
}

const formLine = (block: BlockOf<'form'>): string =>
  typed([block.line, ...block.fields.map(gapOf)].filter(Boolean).join(' '));

const gapOf = ({ word = '', name }: FormField): string =>
  `${word}${word === '' || word.endsWith('=') ? '' : ' '}<${name}>`;

/**
 * A terminal has no form to fill in: its fields show what the line takes. `small`: the line alone, beside other things to
 * say. A form without a beginning of its own asks for a whole line, which is what a terminal always does.
 */
function formLines(block: BlockOf<'form'>, look: ConsoleLook, small: boolean): string[] {
  if (block.line === '') return [];
  const line = formLine(block);
  if (small) {
    return wrapText(line, look.width - INDENT.length * 2).map(
      (part, index) => `${index === 0 ? '→ ' : INDENT}${paint(look, 'cyan', part)}`,
    );
  }
  const fields = block.fields.map((field) => ({
    label: visibleLine(field.label),
    text: [field.help, field.options?.map(({ value }) => value).join(', '), field.value && `(now: ${field.value})`]
      .filter((part) => part !== undefined && part !== '')
      .map((part) => visibleLine(part ?? ''))
      .join(' '),
  }));
  return [visibleLine(block.title), ...fieldLines(fields, look), `→ ${paint(look, 'cyan', line)}`];
}

function blockLines(block: Block, look: ConsoleLook, small: boolean): string[] {
  switch (block.kind) {
    case 'text':
      return visibleLines(block.text).flatMap((line) => wrapText(line, look.width - INDENT.length));
    case 'fields':
      return fieldLines(
        block.fields.map((field) => ({
          label: visibleLine(field.label),
          text: cellText(field.value, (at) => fullInstantWords(at, look.zone, look.now)),
        })),
        look,
      );
    case 'table':
      return tableLines(block, look);
    case 'progress':
      return [progressLine(block.progress, { ...look, width: look.width - INDENT.length })];
    case 'choices':
      return choiceLines(block, look);
    case 'form':
      return formLines(block, look, small);
    case 'line':
      return [paint(look, 'cyan', typed(block.line))];
    case 'trend':
      return [`${visibleLine(block.label)}: ${barWords(block.points)}`];
    case 'link':
      return [`${visibleLine(block.label)}: ${paint(look, 'underline', visibleLine(block.url))}`];
    case 'image':
      return [`[picture: ${visibleLine(block.alt)}, ${sizeWords(block.bytes.length)}]`];
    case 'file':
      return [`[file: ${visibleLine(block.name)}, ${sizeWords(block.bytes.length)}]`];
  }
}

/** A few words without a full stop right before a table belong to it. */
const isHeading = (block: Block, next: Block | undefined): boolean =>
  block.kind === 'text' && next?.kind === 'table' && /^[^.:\n]{1,40}$/.test(block.text);

/**
 * Title at the margin, everything else indented by two columns: whatever stands in a file name, no line of it can pass
 * for a title. Ends without a line break.
 */
export function renderConsole(reply: Reply, look: ConsoleLook): string {
  const { icon, style } = mark(reply);
  const [first = '', ...rest] = wrapText(visibleLine(reply.title), look.width - icon.length);
  const lines = [paint(look, style, icon + first), ...rest.map((line) => paint(look, style, INDENT + line))];
  const blocks = withoutForms(reply.blocks);
  const small = blocks.some((block) => ['choices', 'fields', 'table'].includes(block.kind));
  for (const [index, block] of blocks.entries()) {
    const drawn = blockLines(block, look, small);
    const before = blocks[index - 1];
    const apart = isHeading(block, blocks[index + 1]) || block.kind === 'table' || (block.kind === 'form' && !small);
    if (drawn.length > 0 && apart && lines.length > 1 && !(before && isHeading(before, block))) lines.push('');
    lines.push(...drawn.map((line) => (line === '' ? '' : INDENT + line)));
  }
  return lines.join('\n');
}
