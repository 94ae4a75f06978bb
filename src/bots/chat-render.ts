/** What the renderers of Slack and Discord share: controls and their ids, icons, the words of progress, cutting. Pure. */
import type { Control } from '../engine/services.ts';
import type { Block, Cell, Choice, Form, Progress, Reply } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import { countWords, durationWords, manyWords, sizeWords } from '../engine/wording.ts';

export type BlockOf<K extends Block['kind']> = Extract<Block, { kind: K }>;

// --------------------------------------------------------------------------------------------------------- controls

/** Ids of the controls that are too long to travel inside a message, by `controlKey`. */
export type ControlIds = ReadonlyMap<string, string>;

/** What was pressed: the control itself, or the id under which it was kept (`services.controls.find`). */
export type Pressed = { control: Control } | { id: string };

export const NO_IDS: ControlIds = new Map();

export const controlKey = (control: Control): string =>
  JSON.stringify([control.line ?? null, control.form ?? null, control.about ?? null]);

export const choiceControl = (reply: Reply, choice: Choice): Control => ({
  line: choice.line,
  ...(reply.about && { about: reply.about }),
});

export const formControl = (reply: Reply, form: Form): Control => ({
  form,
  ...(reply.about && { about: reply.about }),
});

/**
 * Keeps each control (`services.controls.keep`) and answers the ids that `renderSlack` and `renderDiscord` take:
 * `renderSlack(reply, await keepControls(slackControls(reply), services.controls.keep))`.
 */
export async function keepControls(
  controls: readonly Control[],
  keep: (control: Control) => Promise<string>,
): Promise<ControlIds> {
  const byKey = new Map(controls.map((control) => [controlKey(control), control]));
  return new Map(await Promise.all([...byKey].map(async ([key, control]) => [key, await keep(control)] as const)));
}

/**
 * True for a line that comes back from a service exactly as it was sent: nothing that JSON or a service would repair,
 * trim or strip (lone surrogates, control characters, spaces at the ends).
 */
export const travels = (line: string): boolean =>
  line.isWellFormed() && line === line.trim() && line !== '' && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line);

// ------------------------------------------------------------------------------------------------------------ words

/** An icon besides the colour; the title says the same in words. */
export function iconOf(reply: Reply): string {
  if (reply.outcome === 'partial') return '⚠️ ';
  if (reply.outcome === 'sign_in') return '🔑 ';
  if (reply.outcome === 'refused' && reply.tone === 'bad') return '🔒 ';
  if (reply.outcome === 'not_understood') return '💬 ';
  if (reply.tone === 'good') return '✅ ';
  if (reply.tone === 'bad') return '❌ ';
  if (reply.tone === 'busy') return '⏳ ';
  return '';
}

const PHASES: Record<Progress['phase'], string> = {
  listing: 'Looking at the files',
  copying: 'Copying',
  finishing: 'Writing the snapshot',
  restoring: 'Restoring',
  verifying: 'Checking',
  done: 'Done',
};

const BAR = 20;

export interface ProgressWords {
  phase: string;
  /** Absent while the whole is not known. */
  percent?: string;
  bar?: string;
  /** `4,120 of 6,870 files, 18.2 GB of 31.0 GB, about 12 min left, no problems`. */
  words: string;
  left?: string;
  current?: string;
}

export function progressWords(progress: Progress): ProgressWords {
  const { files, totalFiles, bytes, totalBytes, eta, problems, current } = progress;
  const part = totalBytes ? bytes / totalBytes : totalFiles ? files / totalFiles : undefined;
  const left = eta === undefined ? undefined : `about ${durationWords(eta)} left`;
  const words = [
    totalFiles === undefined ? manyWords(files, 'file') : `${countWords(files)} of ${manyWords(totalFiles, 'file')}`,
    totalBytes === undefined ? sizeWords(bytes) : `${sizeWords(bytes)} of ${sizeWords(totalBytes)}`,
    ...(left === undefined ? [] : [left]),
    problems === 0 ? 'no problems' : manyWords(problems, 'problem'),
  ].join(', ');
  const share = part === undefined ? undefined : Math.min(1, Math.max(0, part));
  const full = share === undefined ? 0 : Math.floor(share * BAR);
  return {
    phase: PHASES[progress.phase],
    // Rounded down: 100% is said only of what is whole.
    ...(share !== undefined && {
      percent: `${Math.floor(share * 100)}%`,
      bar: '▰'.repeat(full) + '▱'.repeat(BAR - full),
    }),
    words,
    ...(left !== undefined && { left }),
    ...(current !== undefined && { current: visibleLine(current) }),
  };
}

/** The title of a reply; a message without any words cannot be read aloud. */
export const titleOf = (reply: Reply): string => visibleLine(reply.title).trim() || 'Keepsake';

/** One full sentence for notifications, screen readers and lists: `iCloud to Google Drive: 62%, about 3 min left.` */
export function sentenceOf(reply: Reply, most: number): string {
  const title = titleOf(reply);
  const progress = reply.blocks.find((block) => block.kind === 'progress');
  const first = reply.blocks.find((block) => block.kind === 'text');
  if (progress?.kind === 'progress') {
    const { phase, percent, left, words } = progressWords(progress.progress);
    if (percent !== undefined && title.includes(percent)) return `${shorten(title, most - 1)}.`;
    const how = percent === undefined ? words : [percent, left].filter((part) => part !== undefined).join(', ');
    return `${shorten(title, most - 200)}: ${percent === undefined ? `${phase}, ` : ''}${how}.`;
  }
  const start = /[.!?…]$/.test(title) ? title : `${title}.`;
  const more = first?.kind === 'text' ? visibleLine(first.text.split('\n', 1)[0] ?? '').trim() : '';
  return shorten(more === '' ? start : `${start} ${more}`, most);
}

/** A line with gaps where a form's answers would stand: `restore photos <what> to <where>`. */
export const formWords = (form: Form): string =>
  [form.line, ...form.fields.map((field) => [field.word, `<${field.name}>`].filter(Boolean).join(' '))]
    .filter(Boolean)
    .join(' ');

/**
 * A sentence in which lines to say stand between backticks, in parts. Whatever has other backticks is a name from outside
 * and stays as it is.
 */
export function lineParts(text: string): { text: string; line: boolean }[] {
  const parts = text.split('`');
  const ours = parts.length % 2 === 1 && parts.every((part, index) => index % 2 === 0 || /^[a-z][^\n]*$/.test(part));
  if (!ours) return [{ text, line: false }];
  return parts.map((part, index) => ({ text: part, line: index % 2 === 1 })).filter((part) => part.text !== '');
}

/** More columns than these are no table on a telephone: each row becomes a few lines. */
export const COLUMNS = 3;

/**
 * What the head of a column would say of a cell that stands alone: before instants and after counts. Every other cell
 * is written to be understood by itself.
 */
export function cellLabel(column: string, cell: Cell): { before: string; after: string } {
  const label = visibleLine(column).toLowerCase();
  if (label === '') return { before: '', after: '' };
  if (typeof cell !== 'string') return { before: `${label} `, after: '' };
  return { before: '', after: /^[\d,]+$/.test(cell) ? ` ${label}` : '' };
}

/** What stays after the rows that are shown, in words; empty when all are. */
export function moreRows(block: BlockOf<'table'>, shown: number): { count: number; line?: string } | undefined {
  const count = block.rows.length - shown + (block.more?.rows ?? 0);
  if (count <= 0) return undefined;
  return { count, ...(block.more?.line !== undefined && { line: visibleLine(block.more.line) }) };
}

/** What was left out because the service takes no more, counted. */
export interface Hidden {
  parts: number;
  tables: number;
  rows: number;
  controls: number;
}

export const nothingHidden = (): Hidden => ({ parts: 0, tables: 0, rows: 0, controls: 0 });

export function hide(hidden: Hidden, block: Block): void {
  if (block.kind === 'table') {
    hidden.tables++;
    hidden.rows += block.rows.length + (block.more?.rows ?? 0);
  } else {
    hidden.parts++;
  }
}

/** Empty when all is shown. */
export function hiddenWords({ parts, tables, rows, controls }: Hidden): string {
  const what = [
    ...(tables > 0 ? [`${manyWords(tables, 'table')} with ${manyWords(rows, 'row')}`] : []),
    ...(parts > 0 ? [manyWords(parts, 'more part')] : []),
    ...(controls > 0 ? [manyWords(controls, 'more choice')] : []),
  ];
  return what.length === 0 ? '' : `Too long for one message. Not shown: ${what.join(', ')}. The terminal shows all.`;
}

// ---------------------------------------------------------------------------------------------------------- cutting

let made: Intl.Segmenter | undefined;

/** At most `most` UTF-16 units; what is cut ends with `…`, never with half a character or an open isolate. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  made ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  let cut = '';
  // Two units of room: the ellipsis, and the end of an isolate that was cut open.
  for (const { segment } of made.segment(text.slice(0, most + 64))) {
    if (cut.length + segment.length > most - 2) break;
    cut += segment;
  }
  const open = cut.lastIndexOf('\u2068') > cut.lastIndexOf('\u2069');
  return `${cut}…${open ? '\u2069' : ''}`.slice(0, Math.max(0, most));
}
