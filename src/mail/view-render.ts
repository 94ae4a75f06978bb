/** What a mail says, before it is text or HTML: both are written from this, so both say the same. All words are safe to show. Pure. */
import { createHash } from 'node:crypto';
import { withoutForms } from '../engine/form.ts';
import type { Block, Reply, TrendPoint } from '../engine/types.ts';
import { visibleLine, visibleLines } from '../engine/visible.ts';
import { barWords, manyWords, sizeWords } from '../engine/wording.ts';
import { type PictureSize, pictureSize } from './picture-render.ts';
import type { MailLook } from './render.ts';
import { answerLink, isWebLink, standingWays, type Way, waysOf } from './ways-render.ts';
import { cellWords, formWords, progressShare, progressWords, shortened, trendWords, words } from './words-render.ts';

/** A line that can be said, with a link that begins the answer. */
export interface Say {
  line: string;
  mailto?: string;
}

export type Part =
  | { kind: 'lines'; lines: string[] }
  | { kind: 'fields'; fields: { label: string; value: string }[] }
  /** Every row has as many cells as there are columns. */
  | { kind: 'table'; columns: string[]; rows: string[][] }
  | { kind: 'rest'; words: string; say?: Say }
  | { kind: 'progress'; words: string; share?: number }
  | { kind: 'heading'; words: string }
  /** `buttons`: the label, then the words; `list`: the words, then what they do. */
  | { kind: 'ways'; manner: 'buttons' | 'list'; ways: Way[] }
  | { kind: 'say'; title?: string; say: Say }
  | { kind: 'trend'; label: string; bars: string; words: string; points: readonly TrendPoint[] }
  /** Without a label the address is shown. */
  | { kind: 'link'; label: string; url: string; opens: boolean }
  | { kind: 'picture'; alt: string; picture: MailPicture }
  | { kind: 'file'; words: string };

export interface MailPicture {
  cid: string;
  mime: string;
  bytes: Uint8Array;
  size?: PictureSize;
}

/** How much of a reply there is room for. Lines to be said are cut last: a line that is cut says something else. */
export interface Room {
  words: number;
  line: number;
  rows: number;
  columns: number;
  fields: number;
  /** More of them in one place become a list. */
  buttons: number;
  choices: number;
  parts: number;
}

/** Taken in this order until the mail is small enough; then `TIGHTEST`. */
export const ROOMS: readonly Room[] = [
  {
    ...{ words: 2000, line: Infinity, rows: 50, columns: 60, fields: 100 },
    ...{ buttons: 6, choices: Infinity, parts: Infinity },
  },
  {
    ...{ words: 500, line: Infinity, rows: 25, columns: 60, fields: 60 },
    ...{ buttons: 0, choices: Infinity, parts: Infinity },
  },
  { words: 200, line: Infinity, rows: 10, columns: 40, fields: 40, buttons: 0, choices: 100, parts: 300 },
  { words: 80, line: 2000, rows: 3, columns: 20, fields: 20, buttons: 0, choices: 20, parts: 100 },
];

/** For what nobody would read to its end: bounded, whatever the reply holds. */
export const TIGHTEST: Room = {
  ...{ words: 80, line: 200, rows: 2, columns: 8, fields: 8 },
  ...{ buttons: 0, choices: 5, parts: 10 },
};

/** What is printed has pages enough. */
export const ALL: Room = {
  words: 20_000,
  line: Infinity,
  rows: Infinity,
  columns: 60,
  fields: Infinity,
  buttons: 0,
  choices: Infinity,
  parts: Infinity,
};

/** More do not fit side by side on 600 pixels: then each row is a list of fields. */
const WIDEST_TABLE = 5;
/** Bars that fit side by side on a telephone. */
const MOST_BARS = 18;

type BlockOf<K extends Block['kind']> = Extract<Block, { kind: K }>;

const sayOf = (line: string, look: MailLook, room: Room): Say => {
  const mailto = answerLink(line, look);
  return { line: words(line, room.line), ...(mailto === undefined ? {} : { mailto }) };
};

function tableParts(block: BlockOf<'table'>, look: MailLook, room: Room): Part[] {
  const shown = block.rows.slice(0, room.rows);
  const wide = Math.max(block.columns.length, ...shown.map((row) => row.length));
  const width = Math.min(wide, room.columns);
  const columns = Array.from({ length: width }, (_, at) => words(block.columns[at] ?? '', room.words));
  const rows = shown.map((row) => columns.map((_, at) => cellWords(row[at] ?? '', look.zone, room.words)));
  const timed = shown.some((row) => row.slice(0, width).some((cell) => typeof cell !== 'string'));
  const parts: Part[] =
    width > WIDEST_TABLE
      ? rows.map((row) => ({
          kind: 'fields',
          fields: row.map((value, at) => ({ label: columns[at] ?? '', value })).filter(({ value }) => value !== ''),
        }))
      : rows.length > 0 && width > 0
        ? [{ kind: 'table', columns, rows }]
        : [];
  if (timed) parts.push({ kind: 'rest', words: `Times are those of ${look.zone}.` });
  if (wide > width) parts.push({ kind: 'rest', words: `${manyWords(wide - width, 'more column')} not shown` });
  const left = block.rows.length - shown.length + (block.more?.rows ?? 0);
  if (left > 0) {
    const line = block.more?.line;
    parts.push({
      kind: 'rest',
      words: `${manyWords(left, 'more row')} not shown`,
      ...(line === undefined ? {} : { say: sayOf(line, look, room) }),
    });
  }
  return parts;
}

const moreLines = (left: number): Part[] =>
  left > 0 ? [{ kind: 'rest', words: `${manyWords(left, 'more line')} not shown` }] : [];

function fieldsParts(block: BlockOf<'fields'>, look: MailLook, room: Room): Part[] {
  const fields = block.fields.slice(0, room.fields).map(({ label, value }) => ({
    label: words(label, room.words),
    value: typeof value === 'string' ? words(value, room.words) : `${cellWords(value, look.zone, 0)} ${look.zone}`,
  }));
  const left = block.fields.length - fields.length;
  return [...(fields.length > 0 ? [{ kind: 'fields' as const, fields }] : []), ...moreLines(left)];
}

function choicesParts(block: BlockOf<'choices'>, look: MailLook, room: Room): Part[] {
  const { ways, left } = waysOf(block, look, room);
  if (ways.length === 0) return [];
  const manner = look.answer && ways.length <= room.buttons ? 'buttons' : 'list';
  return [{ kind: 'ways', manner, ways }, ...(left > 0 ? [{ kind: 'rest' as const, words: `and ${left} more` }] : [])];
}

const cidOf = (bytes: Uint8Array, number: number): string =>
  `picture-${number}.${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}@keepsake`;

function picturePart(block: BlockOf<'image'>, number: number, room: Room): Part {
  const size = pictureSize(block.bytes);
  return {
    kind: 'picture',
    alt: words(block.alt, Math.min(room.words, 500)),
    picture: {
      // RFC 2392: unique in the world; some programs keep the pictures of a whole thread together.
      cid: cidOf(block.bytes, number),
      mime: block.mime,
      bytes: block.bytes,
      ...(size ? { size } : {}),
    },
  };
}

function trendPart(block: BlockOf<'trend'>, look: MailLook, room: Room): Part {
  const points = block.points.slice(-MOST_BARS);
  return {
    kind: 'trend',
    label: words(block.label, room.words),
    bars: barWords(points),
    words: trendWords(points, look.zone),
    points,
  };
}

/** `number` counts the pictures. */
function blockParts(block: Block, look: MailLook, room: Room, number: () => number): Part[] {
  switch (block.kind) {
    case 'text': {
      const lines = visibleLines(block.text);
      const shown = lines.slice(0, room.fields).map((line) => shortened(line, room.words));
      return [
        ...(shown.some((line) => line !== '') ? [{ kind: 'lines' as const, lines: shown }] : []),
        ...moreLines(lines.length - shown.length),
      ];
    }
    case 'fields':
      return fieldsParts(block, look, room);
    case 'table':
      return tableParts(block, look, room);
    case 'progress': {
      const share = progressShare(block.progress);
      return [{ kind: 'progress', words: progressWords(block.progress), ...(share === undefined ? {} : { share }) }];
    }
    case 'choices':
      return choicesParts(block, look, room);
    case 'form': {
      // One without a beginning asks for a whole line, which a mail is.
      if (block.line === '') return [];
      return [
        {
          kind: 'say',
          title: `${words(block.title, room.words)}, to be filled in:`,
          say: sayOf(formWords(block), look, room),
        },
      ];
    }
    case 'line':
      // Said again it would make a second one of what it made: it is there to be kept and shared.
      return block.line === ''
        ? []
        : [
            {
              kind: 'say',
              ...(block.title === undefined ? {} : { title: words(block.title, room.words) }),
              say: { line: words(block.line, room.line) },
            },
          ];
    case 'trend':
      return [trendPart(block, look, room)];
    case 'link': {
      const url = words(block.url, room.line);
      const label = words(block.label, room.words);
      return [{ kind: 'link', label: label === url ? '' : label, url, opens: isWebLink(block.url) }];
    }
    case 'image':
      return [picturePart(block, number(), room)];
    case 'file':
      return [{ kind: 'file', words: `${words(block.name, room.words)}, ${sizeWords(block.bytes.length)}` }];
  }
}

/** What is said once, before the first things that can be said. */
const waysHeading = (look: MailLook): Part => ({
  kind: 'heading',
  words: look.answer ? 'What you can do next' : 'What you can say next, in chat or in the terminal',
});

const rowsOf = (block: Block): number => (block.kind === 'table' ? block.rows.length + (block.more?.rows ?? 0) : 0);

function bodyParts(reply: Reply, look: MailLook, room: Room): Part[] {
  let pictures = 0;
  const blocks = withoutForms(reply.blocks);
  const parts: Part[] = [];
  let shown = 0;
  while (shown < blocks.length && parts.length < room.parts) {
    const block = blocks[shown++];
    if (!block) break;
    const next = blockParts(block, look, room, () => ++pictures);
    if (next[0]?.kind === 'ways' && !parts.some(({ kind }) => kind === 'ways')) parts.push(waysHeading(look));
    parts.push(...next);
  }
  const rest = blocks.slice(shown);
  if (rest.length === 0) return parts;
  const rows = rest.reduce((sum, block) => sum + rowsOf(block), 0);
  const hidden = rows > 0 ? ` with ${manyWords(rows, 'more row')} not shown` : '';
  return [
    ...parts,
    { kind: 'rest', words: `This is too long for a mail: ${manyWords(rest.length, 'more part')} left out${hidden}.` },
  ];
}

export interface View {
  /** `idle`: nothing was done, and nothing has gone wrong. */
  tone: Reply['tone'] | 'idle';
  /** How it went, in words that the colour repeats; absent where nothing was done. */
  state?: { sign: string; words: string };
  title: string;
  parts: Part[];
  /** How it can be answered; absent for a mail that nobody reads the answers to. */
  answer?: { ways: Way[]; code: string };
  unsubscribe?: { url: string } | { address: string; mailto: string };
}

const STATES: Readonly<Record<View['tone'], View['state']>> = {
  good: { sign: '✓', words: 'OK' },
  bad: { sign: '!', words: 'Needs attention' },
  busy: { sign: '…', words: 'Under way' },
  idle: { sign: '?', words: 'Not done' },
  plain: undefined,
};

/** A line that was not understood, or could not be done, is nothing that went wrong with a backup: it must not look like it. */
const toneOf = ({ tone, outcome, data }: Reply): View['tone'] => {
  const isError = typeof data === 'object' && data !== null && 'outcome' in data && data.outcome === 'error';
  const isDone = outcome !== 'not_understood' && outcome !== 'refused' && !(isError && outcome === 'failed');
  return tone === 'bad' && !isDone ? 'idle' : tone;
};

/** A title is for one look. */
const LONGEST_TITLE = 300;

function unsubscribeOf(url: string | undefined): View['unsubscribe'] {
  if (url === undefined) return undefined;
  if (isWebLink(url)) return { url: visibleLine(url) };
  const address = /^mailto:([^?\s]+@[^?\s]+)/i.exec(url)?.[1];
  return address === undefined ? undefined : { address: visibleLine(address), mailto: url };
}

export function viewOf(reply: Reply, look: MailLook, room: Room): View {
  const tone = toneOf(reply);
  const state = STATES[tone];
  const unsubscribe = unsubscribeOf(look.unsubscribe);
  return {
    tone,
    ...(state ? { state } : {}),
    title: words(reply.title, Math.min(LONGEST_TITLE, room.words)),
    parts: bodyParts(reply, look, room),
    ...(look.answer ? { answer: { ways: standingWays(reply, look), code: visibleLine(look.answer.code) } } : {}),
    ...(unsubscribe ? { unsubscribe } : {}),
  };
}
