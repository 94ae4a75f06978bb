/** Where the words of a mail's writer end and those of others begin. Every look at a line is bounded, so a mail is read in linear time. */
import { type BodyLine, comparable, plainLine } from './line.ts';
import {
  BANNER,
  DISCLAIMER,
  FORWARDED,
  LABEL_KINDS,
  type LabelKind,
  ON,
  ORIGINAL,
  OWN_WORDS,
  SENT_FROM,
  WROTE,
} from './words.ts';

/** A line, looked at once. */
export interface Seen {
  plain: string;
  words: string;
  mark?: BodyLine['mark'];
  /** As it was written, in characters. */
  length: number;
}

export function see({ text, mark }: BodyLine): Seen {
  const plain = plainLine(text);
  return { plain, words: comparable(plain), length: text.length, ...(mark === undefined ? {} : { mark }) };
}

/** `＞` is a mark too after NFKC; `|` is what some mobile programs write. */
export const isQuoted = ({ plain, mark }: Seen): boolean => mark === 'quote' || /^[>|]/.test(plain);

const ADDRESS = /[^\s<>@]@[^\s<>@]/;
const TIME = /(?<!\d)\d{1,2}\s?[:.h時时시点點]\s?\d{2}(?!\d)|(?<!\d)\d{1,2}\s?[時时시点點]/;
const YEAR = /(?<!\d)20\d\d(?!\d)/;
/** A date, and not the time "10.00". */
const DAY = /^(?!\d{1,2}\.\d{2}(?![\d./]))\d{1,4}[./年년-]\s?\d{1,2}/;

const isOpening = ({ words }: Seen): boolean => ON.test(words) || DAY.test(words);

/** `whole` is all of its lines joined, if it is one. `last`: nothing stands directly below, so that it is not a part of one. */
function isAttribution(whole: string, opening: boolean, last: boolean): boolean {
  const colon = /[:;]$/.test(whole);
  const stem = whole.replace(/[\s:;]+$/, '');
  if (WROTE.test(stem)) return colon || (last && (opening || ADDRESS.test(whole)));
  if (!colon) return last && opening && YEAR.test(whole) && TIME.test(whole) && /<[^<>]+@[^<>]+>$/.test(whole);
  return ADDRESS.test(whole) || (TIME.test(whole) && (YEAR.test(whole) || opening));
}

/** Programs wrap the line "On Tuesday, 20 October 2026 at 10:00, Keepsake <…> wrote:" over up to this many. */
const LONGEST_ATTRIBUTION = 4;

/**
 * How many lines from here are the line above a quotation, in any language: it names who and when, and ends in a colon or in
 * "wrote". 0 when this is no such line. A line that only stands directly above such a line is not part of it.
 */
export function attributionAt(lines: readonly Seen[], index: number): number {
  const first = lines[index];
  if (!first) return 0;
  if (first.mark === 'attribution') return 1;
  const opening = isOpening(first);
  // A name alone, and its address on the next line: "Keepsake" / "<backup@…> wrote:".
  const named = /^<[^<>\s]+@[^<>\s]+>/.test(lines[index + 1]?.words ?? '');
  const strong = opening || named || ADDRESS.test(first.words);
  const evident = strong || YEAR.test(first.words);
  let whole = '';
  for (let count = 1; count <= LONGEST_ATTRIBUTION; count++) {
    const line = lines[index + count - 1];
    if (!line || line.plain === '' || isQuoted(line)) return 0;
    if (count > 1 && (!evident || (!strong && isOpening(line)))) return 0;
    whole = whole === '' ? line.words : `${whole} ${line.words}`;
    if (whole.length > 600) return 0;
    const next = lines[index + count];
    if (isAttribution(whole, opening, !next || next.plain === '' || isQuoted(next))) return count;
  }
  return 0;
}

const NONE: ReadonlySet<LabelKind> = new Set();

/** "From: …", "*Von:* …", "差出人：…"; the label of a header that stands on this line, as all that it can mean. */
function labelOf({ words }: Seen): ReadonlySet<LabelKind> {
  const match = /^[*_\s]*([^:*_]{1,24}?)[*_\s]*:/u.exec(words);
  return LABEL_KINDS.get(match?.[1]?.trim() ?? '') ?? NONE;
}

/** Another header on the same line, where a program lost the line breaks: "From: Keepsake Sent: Tuesday". */
const SECOND_LABEL =
  /[\s*](?:from|sent|date|to|subject|von|gesendet|datum|an|betreff|envoye|a|objet|enviado|para|asunto|inviato|oggetto|verzonden|aan|onderwerp|送信日時|件名|发送时间|收件人|主题)\s?\*?:[\s*]/u;

/** Two different headers within a few lines, the first of them here: another mail begins. */
export function isHeaderBlock(lines: readonly Seen[], index: number): boolean {
  const first = lines[index];
  if (!first) return false;
  const kinds = labelOf(first);
  if (kinds.size === 0) return false;
  if (SECOND_LABEL.test(first.words) || (kinds.has('from') && ADDRESS.test(first.words))) return true;
  let seen = 0;
  for (let at = index + 1; at < lines.length && at <= index + 8 && seen < 4; at++) {
    const line = lines[at];
    if (!line || line.plain === '') continue;
    seen++;
    for (const kind of labelOf(line)) if (!kinds.has(kind) || kinds.size > 1) return kind !== 'other' || seen < 3;
  }
  return false;
}

const bare = (words: string): string => words.replace(/^[\s\-_=*~+#>[\]]+|[\s\-_=*~+#:\]]+$/g, '');

/** "---------- Forwarded message ---------", in the words of many programs. */
export const isForwardedMark = ({ words }: Seen): boolean => words.length < 140 && FORWARDED.test(bare(words));

const isOriginalMark = ({ words }: Seen): boolean => words.length < 140 && ORIGINAL.test(bare(words));

/** `-- `, and rules of dashes, underscores and the like. */
const isRule = ({ plain }: Seen): boolean => /^(?:[-_=*~#+.•·─━═]\s?){2,}$/u.test(plain) || plain === '-';

export const CODE_AT_END = /\s*\[#[a-z2-7]{26}\]$/i;
const CODE_ONLY = /^\[#[a-z2-7]{26}\]/i;

/** Nothing below this line was said by the writer: a signature, a notice, another mail, our own small print. */
export const isCut = (lines: readonly Seen[], index: number): boolean => {
  const line = lines[index];
  if (!line) return true;
  return (
    line.mark === 'cut' ||
    isRule(line) ||
    CODE_ONLY.test(line.plain) ||
    OWN_WORDS.test(line.words) ||
    SENT_FROM.test(line.words) ||
    DISCLAIMER.test(line.words) ||
    isOriginalMark(line) ||
    isForwardedMark(line) ||
    isHeaderBlock(lines, index)
  );
};

export const isBanner = ({ words }: Seen): boolean => BANNER.test(words);

/** What a program writes where a picture was: no words of anyone. */
export const isPlaceholder = ({ plain }: Seen): boolean =>
  /^(?:\[(?:image|cid|inline image|bild)[:\s][^\]]*\]|<image\d*\.\w+>)$/i.test(plain);
