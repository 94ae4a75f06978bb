/** What the parts of the grammar hand each other: the line being read, what a part took of it, and what is wrong. */
import type { Vocabulary } from '../command.ts';
import type { Word } from './words.ts';

export interface Line {
  text: string;
  words: readonly Word[];
  vocabulary: Vocabulary;
}

/** The words `from` up to, not including, `to` become `text`; an empty text drops them, an empty range inserts. */
export interface Edit {
  from: number;
  to: number;
  text: string;
}

export interface Fix {
  label?: string;
  edits: Edit[];
}

/** Something that keeps a line from acting, and what would mend it. */
export interface Issue {
  code: string;
  /** One or two sentences for the person; for a clarify the question. */
  message: string;
  /** `clarify`: understood, but it can mean several things. */
  kind: 'error' | 'clarify';
  /** The words concerned: `from` up to, not including, `to`. */
  from: number;
  to: number;
  /** Best first. Each is tried together with the best fixes of the line's other issues. */
  fixes: Fix[];
}

/** `next` is the word behind what was taken. With an issue there is no value. */
export type Taken<T> = { next: number; value: T; issue?: never } | { next: number; value?: never; issue: Issue };

export const took = <T>(next: number, value: T): Taken<T> => ({ next, value });

export function refused(
  code: string,
  from: number,
  to: number,
  message: string,
  fixes: (string | { label: string; text: string } | Fix)[] = [],
): { next: number; issue: Issue } {
  const list = fixes.map((fix): Fix => {
    if (typeof fix === 'string') return { edits: [{ from, to, text: fix }] };
    return 'edits' in fix ? fix : { label: fix.label, edits: [{ from, to, text: fix.text }] };
  });
  return { next: to, issue: { code, message, kind: 'error', from, to, fixes: list } };
}

export function unclear(
  code: string,
  from: number,
  to: number,
  question: string,
  fixes: { label: string; text: string }[],
): { next: number; issue: Issue } {
  const { issue } = refused(code, from, to, question, fixes);
  return { next: to, issue: { ...issue, kind: 'clarify' } };
}

/** The words from `from` up to `to` as typed. */
export function slice(line: Line, from: number, to: number): string {
  const first = line.words[from];
  const last = line.words[to - 1];
  return first && last ? line.text.slice(first.start, last.end) : '';
}

/** Everything from word `from` to the end of the line, as typed. */
export function rest(line: Line, from: number): string {
  const first = line.words[from];
  return first ? line.text.slice(first.start).trim() : '';
}

export const keyAt = (line: Line, at: number): string => line.words[at]?.key ?? '';

/** How many words from `at` on are one of these phrases; the longest counts. 0 for none. */
export function phraseAt(line: Line, at: number, phrases: readonly string[]): number {
  let longest = 0;
  for (const parts of partsOf(phrases)) {
    if (parts.length > longest && parts.every((part, i) => wordIs(line, at + i, part, i < parts.length - 1))) {
      longest = parts.length;
    }
  }
  return longest;
}

/** Most lists are constants; each is split once. */
const PARTS = new WeakMap<readonly string[], string[][]>();

function partsOf(phrases: readonly string[]): string[][] {
  let parts = PARTS.get(phrases);
  if (!parts) {
    parts = phrases.map((phrase) => phrase.split(' '));
    PARTS.set(phrases, parts);
  }
  return parts;
}

function wordIs(line: Line, at: number, part: string, inside: boolean): boolean {
  const word = line.words[at];
  if (!word || (inside && word.comma)) return false;
  // The last word of a sentence may carry its full stop.
  return word.key === part || (at === line.words.length - 1 && word.key.replace(/[.!?。]+$/, '') === part);
}

/** The line with its edits made; single spaces between. An edit that overlaps an earlier one is left out. */
export function replaced(line: Line, edits: readonly Edit[]): string {
  const parts: string[] = [];
  const sorted = [...edits].sort((a, b) => a.from - b.from || a.to - b.to);
  let at = 0;
  for (const edit of sorted) {
    if (edit.from < at) continue;
    const inside = edit.text !== '' && edit.to > edit.from && edit.to < line.words.length;
    const comma = inside && line.words[edit.to - 1]?.comma ? ',' : '';
    parts.push(spoken(line, at, edit.from), edit.text + comma);
    at = edit.to;
  }
  parts.push(spoken(line, at, line.words.length));
  return parts.filter((part) => part !== '').join(' ');
}

const spoken = (line: Line, from: number, to: number): string =>
  line.words
    .slice(from, to)
    .map((word) => word.raw + (word.comma ? ',' : ''))
    .join(' ');
