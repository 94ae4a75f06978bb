/** A typed line cut into words: quotes, escapes, any space, any case. Paths and quoted names keep every character. */

import { RESERVED } from './keywords.ts';

export interface Word {
  /** The meaning: quotes and escapes removed, otherwise exactly as typed. */
  text: string;
  /** For keywords only: NFKC, lower case, nothing invisible. Empty for a word that begins with a quote, which is never a keyword. */
  key: string;
  /** As typed, with its quotes, without a comma that follows it. */
  raw: string;
  quoted: boolean;
  /** A comma or semicolon followed the word. */
  comma: boolean;
  /** Offsets into the line; `end` is behind the last character of `raw`. */
  start: number;
  end: number;
}

/** A line that cannot be cut: `code` is `too_long`, `control_character` or `unclosed_quote`. */
export interface BadLine {
  code: 'too_long' | 'control_character' | 'unclosed_quote';
  message: string;
  /** Where it went wrong. */
  at: number;
}

/** Slack allows 3000 characters in a message block and Discord 2000 in a message; no honest line comes near. */
export const MAX_LINE = 2000;

/** What closes each opening quote, as keyboards and word processors of several languages write it. */
const CLOSERS: Record<string, string> = {
  '"': '"',
  "'": "'",
  '“': '”“"',
  '”': '”"',
  '„': '“”"',
  '«': '»',
  '»': '«',
  '‘': "’‘'",
  '‚': "‘’'",
  '「': '」',
};
/** These are also apostrophes (O'Brien), so they close only before a space, a comma or a separator of a location. */
const APOSTROPHES = "'’‘";

const SPACE = /\s/;
/**
 * C0, C1 and DEL (terminal escapes, NUL in paths), and the bidirectional overrides and isolates: with them a line reads
 * differently from what it does ("Trojan Source", CVE-2021-42574).
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
/** Also what mail programs put between and behind words: joiners, marks of direction, variation selectors of pictures. */
const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u2060-\u2064\ufeff]|\ufe0e|\ufe0f/g;
/** As word processors write `'` and `-`. */
const TYPOGRAPHIC: readonly [RegExp, string][] = [
  [/[\u2018\u2019\u201b\u02bc\u2032`]/g, "'"],
  [/[\u2010-\u2015\u2212]/g, '-'],
];
/** Only these start a path in which a backslash is a separator and never an escape. */
const WINDOWS = /^(?:[a-z]:\\|\\\\)/i;

/** Comparable form of a keyword or a name: NFKC, lower case (a Turkish `İ` too), nothing invisible, single spaces. */
export const keyOf = (text: string): string =>
  visible(text.normalize('NFKC')).toLowerCase().replaceAll('i\u0307', 'i').trim().replace(/\s+/g, ' ');

/** Without the characters that nobody sees. */
export const visible = (text: string): string => text.replace(INVISIBLE, '');

/** As it was meant, whatever a word processor made of it. Names keep theirs: two of them may differ in a dash. */
export const untyped = (text: string): string =>
  TYPOGRAPHIC.reduce((plain, [pattern, mark]) => plain.replace(pattern, mark), visible(text.normalize('NFKC')));

const keywordOf = (text: string): string => keyOf(untyped(text));

/** Position behind the closing quote and the content, or undefined when it is not closed. A doubled quote stands for itself. */
function quotedText(line: string, open: number): { text: string; end: number } | undefined {
  const closers = CLOSERS[line[open] ?? ''] ?? '';
  let text = '';
  for (let i = open + 1; i < line.length; i++) {
    const character = line[i] ?? '';
    if (closers.includes(character)) {
      const next = line[i + 1];
      if (next === character) {
        text += character;
        i++;
        continue;
      }
      const apostrophe =
        APOSTROPHES.includes(character) && next !== undefined && !SPACE.test(next) && !',;:/\\'.includes(next);
      if (!apostrophe) return { text, end: i + 1 };
    }
    text += character;
  }
  return undefined;
}

/**
 * The words of a line. A quote opens at the start of a word or after `:`, `=`, `,` or a slash; inside quotes only the
 * doubled quote is special, so that `"C:\My Pictures\"` is what it looks like. Outside, a backslash escapes a space, a
 * quote or a backslash, except in a Windows path.
 */
export function wordsOf(line: string): Word[] | BadLine {
  if (line.length > MAX_LINE) {
    return { code: 'too_long', message: `A line has at most ${MAX_LINE} characters.`, at: MAX_LINE };
  }
  const control = line.search(CONTROL);
  if (control >= 0 || !line.isWellFormed()) {
    return {
      code: 'control_character',
      message: 'The line holds an invisible control character. For a file with such a name, write * in its place.',
      at: Math.max(control, 0),
    };
  }
  const words: Word[] = [];
  for (let i = 0; i < line.length; ) {
    if (SPACE.test(line[i] ?? '')) {
      i++;
      continue;
    }
    const start = i;
    const windows = WINDOWS.test(line.slice(i, i + 3));
    const quoted = (line[i] ?? '') in CLOSERS;
    let text = '';
    /** Whether the last character was typed as itself, so that a comma there separates. */
    let plain = false;
    while (i < line.length && !SPACE.test(line[i] ?? '')) {
      const character = line[i] ?? '';
      const next = line[i + 1];
      if (character in CLOSERS && (i === start || ':=,/\\'.includes(line[i - 1] ?? ''))) {
        const inner = quotedText(line, i);
        if (!inner) {
          return {
            code: 'unclosed_quote',
            message: `The quote that opens at ${line.slice(i, i + 20)} is not closed.`,
            at: i,
          };
        }
        text += inner.text;
        i = inner.end;
        plain = false;
      } else if (character === '\\' && !windows && next !== undefined && (/[\s\\]/.test(next) || next in CLOSERS)) {
        text += next;
        i += 2;
        plain = false;
      } else {
        text += character;
        i++;
        plain = true;
      }
    }
    const comma = /[,;]+$/.exec(line.slice(start, i));
    let end = i;
    if (comma && (plain || text === '')) {
      end = start + comma.index;
      text = text.slice(0, text.length - comma[0].length);
    }
    if (end === start) {
      const last = words.at(-1);
      if (last) last.comma = true;
      continue;
    }
    const raw = line.slice(start, end);
    if (visible(raw) === '') continue;
    words.push({ text, key: quoted ? '' : keywordOf(text), raw, quoted, comma: end < i, start, end });
  }
  return words;
}

/** Text that may stand without quotes: nothing in it that the tokeniser or the grammar would read otherwise. */
const PLAIN = /^[\p{L}\p{N}._~/@*{][\p{L}\p{N}._~/@*?{}[\]+:-]*$/u;

/** The text as one word of a line, quoted unless it is plainly safe. */
export function quote(text: string): string {
  // Full-width letters and the like are read as others in keywords; invisible ones not at all.
  const plain = PLAIN.test(text) && !/[:+]$/.test(text) && keyOf(text) === text.toLowerCase();
  return plain && !RESERVED.has(keyOf(text)) ? text : quoted(text);
}

/** A name from outside as one that a line can say: what no line may hold is a space in it. */
export const sayable = (name: string): string =>
  Array.from(name.toWellFormed(), (character) => (CONTROL.test(character) || /\s/.test(character) ? ' ' : character))
    .join('')
    .trim();

/** A plain file name with its extension, which no command takes for a folder, a kind of file or a keyword. */
const FILE = /^[\p{L}\p{N}][\p{L}\p{N}_-]*\.[\p{L}\p{N}]+$/u;

/** The path of a file as one word of a line, whatever it is called: "videos", "/etc", "to". */
export const quoteFile = (path: string): string => (FILE.test(path) ? quote(path) : quoted(path));

/** The text in double quotes, whatever it holds. */
export const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
