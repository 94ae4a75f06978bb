/** A line as the audit trail may keep it: without secrets, and without codes that still open something. Pure. */
import { redact } from '../log.ts';
import { MAX_LINE } from './grammar/words.ts';

/** Commands whose words are a code; a wrong one may be a typing mistake of the right one. */
const CODED = /^(\s*\/?(?:(?:backup|please|keepsake)\s+)*(?:claim|link|join|answer))\b.*$/is;
/** The command as it was understood, whatever words it was called by. */
const NAMES: ReadonlySet<string> = new Set(['claim', 'link', 'join', 'answer']);
/** A code of ours anywhere, also behind a mistyped command ("jion 2F7K-QM4D-9TRV"). */
const CODE = /\b[0-9A-Z]{4}([-\s\u2010-\u2015])[0-9A-Z]{4}\1[0-9A-Z]{4}\b/gi;
const HIDDEN = '[hidden]';
const MOST = 500;

export function auditLine(line: string, command: string | undefined): string {
  if (command !== undefined && NAMES.has(command)) return /\s\S/.test(line.trim()) ? `${command} ${HIDDEN}` : command;
  // A longer one is not read either; taking secrets out of what a stranger sends must not take seconds.
  return redact(line.slice(0, MAX_LINE)).replace(CODED, `$1 ${HIDDEN}`).replace(CODE, HIDDEN).slice(0, MOST);
}

/** Whether the line holds something that may not be kept or said again. */
export const holdsSecret = (line: string): boolean => auditLine(line, undefined) !== line.slice(0, MOST);
