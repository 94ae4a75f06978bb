/** Cuts a phrase into the tokens that the rules read. */

import { WEEKDAY_WORDS } from './names.ts';

export type TokenKind =
  | 'word'
  | 'number'
  /** `1st`. */
  | 'ordinal'
  /** A time of day that looks like one: `14:30`, `3.30pm`, `9 a.m.`, `03h00`, also impossible ones. */
  | 'clock'
  /** `2026-12-05`, `03/04`, `5.12.`, `5-12-2026`. */
  | 'date'
  /** `2026-12-05T08:00Z`. */
  | 'stamp'
  /** `:30`. */
  | 'mark'
  /** `Europe/Paris`. */
  | 'zone'
  /** `UTC+2`, `+05:30`. */
  | 'offset'
  /** `@daily`. */
  | 'macro'
  | 'symbol';

export interface Token {
  kind: TokenKind;
  /** In lower case. */
  text: string;
  /** Place in the phrase. */
  start: number;
  end: number;
}

/** One space between words, plain dashes and apostrophes, full-width letters and digits made narrow, nothing invisible. */
export const tidy = (phrase: string): string =>
  phrase
    .normalize('NFKC')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/[\u200b-\u200f\u2060\ufeff\u00ad]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

const HALF = String.raw`\s?(?:a\.m\.?|p\.m\.?|am|pm)(?![\p{L}\d])`;
const PATTERNS: readonly [TokenKind, string][] = [
  ['stamp', String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?(?![\p{L}\d])`],
  [
    'date',
    String.raw`(?:\d{4}[\/-]\d{1,2}[\/-]\d{1,2}|\d{1,2}\/\d{1,2}(?:\/\d{2,4})?|\d{1,2}\.\d{1,2}\.(?:\d{4})?|\d{1,2}-\d{1,2}-\d{4})(?![\d\/])`,
  ],
  ['clock', String.raw`\d{1,3}(?::\d{1,3}(?::\d\d)?|[.h]\d\d)(?!\d)(?:${HALF})?|\d{1,3}${HALF}`],
  ['offset', String.raw`(?:utc|gmt)\s?[+-]\s?\d{1,2}(?::?\d\d)?(?!\d)|[+-]\d\d:\d\d(?!\d)`],
  ['mark', String.raw`:\d\d(?!\d)`],
  ['ordinal', String.raw`\d{1,4}(?:st|nd|rd|th)(?!\p{L})`],
  ['number', String.raw`\d+(?:\.\d+)?`],
  ['macro', String.raw`@\p{L}+`],
  ['zone', String.raw`[a-z][a-z_]*(?:\/[a-z0-9][a-z0-9_+\-]*)+`],
  ['word', String.raw`(?:bi|semi|tri)-\p{L}+|\p{L}[\p{L}\p{M}']*`],
  ['symbol', String.raw`[^\s]`],
];
const TOKEN = new RegExp(PATTERNS.map(([kind, source]) => `(?<${kind}>${source})`).join('|'), 'giu');

export function tokens(phrase: string): Token[] {
  const found: Token[] = [];
  for (const match of phrase.matchAll(TOKEN)) {
    const [kind] = PATTERNS.find(([name]) => match.groups?.[name] !== undefined) ?? ['symbol'];
    const text = match[0].toLowerCase();
    const token = (part: string, from: number, of: TokenKind): Token => ({
      kind: of,
      text: part,
      start: match.index + from,
      end: match.index + from + part.length,
    });
    const parts = text.split('/');
    if (kind === 'zone' && parts.every((part) => WEEKDAY_WORDS.has(part))) {
      // "mon/wed/fri" is no zone.
      let from = 0;
      for (const part of parts) {
        found.push(token(part, from, 'word'));
        from += part.length + 1;
      }
    } else {
      const word = kind === 'word' ? text.replace('-', '') : text;
      found.push({ kind, text: word, start: match.index, end: match.index + match[0].length });
    }
  }
  return found;
}
