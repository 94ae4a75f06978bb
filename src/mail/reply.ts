/** Which line of a mail was said to Keepsake. Pure, in linear time, and never more than one line: what is quoted is never a command. */
import type { ParsedMail } from './mail.ts';
import { attributionAt, CODE_AT_END, isBanner, isCut, isPlaceholder, isQuoted, type Seen, see } from './reply/cuts.ts';
import { htmlLines } from './reply/html-text.ts';
import { type BodyLine, comparable, linesOf, plainLine } from './reply/line.ts';
import { GREETING, ONLY_HTML, PREFIX } from './reply/words.ts';

/** Characters. No command is longer; a paragraph is none. */
const LONGEST_COMMAND = 200;
/** Longest text that is looked through for words below a quotation. */
const MOST_LINES = 5_000;
/** A text that says no more than that the mail is in HTML. */
const LONGEST_EXCUSE = 400;

type Words = Pick<ParsedMail, 'text' | 'html'>;

/** The lines to read: the plain text, unless it is empty or only says that the mail is in HTML. */
function bodyLines({ text, html }: Words): BodyLine[] {
  const plain = text ?? '';
  const excuse =
    html !== undefined &&
    (plain.trim() === '' || (plain.length < LONGEST_EXCUSE && ONLY_HTML.test(comparable(plainLine(plain)))));
  return excuse ? htmlLines(html) : linesOf(plain);
}

/** Columns at which programs wrap plain text. */
const WRAPPED_AT = 72;
/** A line of a quotation that is wrapped once more loses its mark; it hangs below one that was about this long. */
const FULL_LINE = 55;

/**
 * A long command comes wrapped: without its rest it could be another command ("... except" / "*.mov"). Where the next word
 * did not fit, the whole paragraph is what was said.
 */
function withWrapped(lines: readonly Seen[], index: number): string {
  let said = lines[index]?.plain ?? '';
  const belongs = (at: number): Seen | undefined => {
    const next = lines[at];
    return !next || next.mark !== undefined || next.plain === '' || isQuoted(next) || isCut(lines, at)
      ? undefined
      : next;
  };
  const [word = ''] = belongs(index + 1)?.plain.split(' ', 1) ?? [];
  if (said.length < WRAPPED_AT - 12 || word === '' || said.length + 1 + word.length <= WRAPPED_AT) return said;
  for (let at = index + 1; said.length <= LONGEST_COMMAND; at++) {
    const next = belongs(at);
    if (!next) break;
    said = `${said} ${next.plain}`;
  }
  return said;
}

interface Found {
  /** The words; absent when there are none, or too many. */
  line?: string;
  /** Something stands there that is no greeting, usable or not. */
  words: boolean;
}

function find(body: readonly BodyLine[]): Found {
  const all = body.slice(0, MOST_LINES).map(see);
  let greeting: string | undefined;
  let index = 0;
  while (index < all.length) {
    const line = all[index];
    if (!line) break;
    if (line.plain === '' && line.mark === undefined) {
      index++;
    } else if (isQuoted(line)) {
      index = afterQuotation(all, index);
    } else if (isPlaceholder(line)) {
      index++;
    } else if (isBanner(line)) {
      while (index < all.length && all[index]?.plain !== '') index++;
    } else {
      const attribution = attributionAt(all, index);
      if (attribution > 0) {
        let next = index + attribution;
        while (next < all.length && all[next]?.plain === '' && all[next]?.mark === undefined) next++;
        const below = all[next];
        // Without marks nobody can tell where the quotation ends.
        if (!below || !isQuoted(below)) break;
        index = next;
      } else if (isCut(all, index)) {
        break;
      } else if (GREETING.test(line.words) && greeting === undefined) {
        greeting = line.plain;
        index++;
      } else {
        const said = withWrapped(all, index).replace(CODE_AT_END, '');
        const fits = said !== '' && said.length <= LONGEST_COMMAND && line.length < 2 * LONGEST_COMMAND;
        return fits ? { line: said, words: true } : { words: true };
      }
    }
  }
  return greeting === undefined ? { words: false } : { line: greeting, words: false };
}

function afterQuotation(lines: readonly Seen[], index: number): number {
  let at = index;
  for (let line = lines[at]; line && isQuoted(line); line = lines[at]) {
    at++;
    const full = line.mark === undefined && line.plain.length >= FULL_LINE;
    for (let rest = lines[at]; full && rest && rest.plain !== '' && !isQuoted(rest); rest = lines[at]) at++;
  }
  return at;
}

/**
 * The first words in a reply that are not quoted and stand above every cut (signature, notice, attribution of an unmarked
 * quotation, header of another mail), in one line of at most 200 characters: NFKC, nothing invisible, plain quotes and
 * dashes. Undefined when there are none, or too many; then nothing may be done but to answer with help.
 *
 * Below an attribution and a quotation with marks, reading goes on: many write below what they answer.
 */
export const replyLine = (mail: Words): string | undefined => find(bodyLines(mail)).line;

/** No words of the writer in it, except for a greeting. */
export const saysNothing = (mail: Words): boolean => !find(bodyLines(mail)).words;

/** The subject without "Re:", "AW:", "Fwd:" and the like; undefined when nothing is left of it or it is too long. */
export function subjectLine({ subject }: Pick<ParsedMail, 'subject'>): string | undefined {
  let line = plainLine(subject);
  for (let shorter = line.replace(PREFIX, ''); shorter !== line; shorter = line.replace(PREFIX, '')) line = shorter;
  return line === '' || line.length > LONGEST_COMMAND || subject.length > 10 * LONGEST_COMMAND ? undefined : line;
}

/**
 * The words of a mail that answers none: its first line, or else its subject. A link in a report opens such a mail with the
 * subject "Re: photos: backed up" and the body "run photos" and a code: the body is what was meant, so it wins, also when it
 * is too long to be a command. The subject counts only where the body says nothing.
 */
export function newMailLine(mail: Words & Pick<ParsedMail, 'subject'>): string | undefined {
  const { line, words } = find(bodyLines(mail));
  return words ? line : (subjectLine(mail) ?? line);
}
