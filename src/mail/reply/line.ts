/** Lines of a mail in two forms: one to say to Keepsake, one to compare with what mail programs write. */

/** Without a shape: soft hyphen, zero-width, bidirectional controls, variation selectors, tags, fillers. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
const DOUBLE_QUOTES = /[“”„‟«»〝〞＂]/g;
const SINGLE_QUOTES = /[‘’‚‛‹›′＇]/g;
const DASHES = /[‐‑‒–—―−﹘﹣－]/g;

/** Far above any command: what is longer is not compared with anything. */
const LONGEST_COMPARED = 2_000;

/** NFKC, nothing invisible, quotes and dashes as on a keyboard, single spaces. At most 2,000 characters of it. */
export const plainLine = (text: string): string =>
  text
    .slice(0, LONGEST_COMPARED)
    .toWellFormed()
    .replace(INVISIBLE, '')
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(DOUBLE_QUOTES, '"')
    .replace(SINGLE_QUOTES, "'")
    .replace(DASHES, '-')
    .replace(/\s+/g, ' ')
    .trim();

const LETTERS: Record<string, string> = { ø: 'o', ł: 'l', đ: 'd', ß: 'ss', æ: 'ae', œ: 'oe', ı: 'i' };

/** For the lists of words: lower case, Latin letters without accents, so that a list needs each word once. */
export const comparable = (plain: string): string =>
  plain
    .toLowerCase()
    .normalize('NFD')
    .replace(/(\p{Script=Latin}|\p{Script=Greek})\p{M}+/gu, '$1')
    .replace(/[øłđßæœı]/g, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFC');

/** A line of a body; `mark` is what its HTML says of it, where it has HTML. */
export interface BodyLine {
  text: string;
  mark?: 'quote' | 'attribution' | 'cut';
}

export const linesOf = (text: string): BodyLine[] =>
  text.split(/\r\n|[\r\n\u2028\u2029]/).map((line) => ({ text: line }));
