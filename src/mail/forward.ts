/** Mails that were handed on to be kept. Pure. */
import type { ParsedMail } from './mail.ts';
import { isForwardedMark, isHeaderBlock, see } from './reply/cuts.ts';
import { wholeHtmlLines } from './reply/html-text.ts';
import { linesOf, plainLine } from './reply/line.ts';
import { FORWARD_PREFIX } from './reply/words.ts';
import { saysNothing } from './reply.ts';

/** Lines that are looked through for the beginning of the other mail: it is near the top, below a signature at most. */
const MOST_LINES = 500;

/** Another mail's beginning, as programs write it in the body; `handedOn`: the subject says so too. */
function carries({ text, html }: Pick<ParsedMail, 'text' | 'html'>, handedOn: boolean): boolean {
  const body = text === undefined || text.trim() === '' ? wholeHtmlLines(html ?? '') : linesOf(text);
  const lines = body.slice(0, MOST_LINES).map(see);
  return lines.some((line, index) => isForwardedMark(line) || (handedOn && isHeaderBlock(lines, index)));
}

/**
 * A mail that carries another one, attached or below, and has no words of its own above it: "run now" above a forwarded mail
 * is still a command. A greeting or a signature are no words. Outlook writes the same header above an answer and above what
 * is handed on; there the subject ("FW:", "WG:", "TR:", "RV:") tells them apart.
 */
export function isForward(mail: ParsedMail): boolean {
  if (!saysNothing(mail)) return false;
  return mail.forwarded || carries(mail, FORWARD_PREFIX.test(plainLine(mail.subject)));
}
