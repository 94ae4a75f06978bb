/** What a mail server's refusals mean: a sign-in that a person must mend, or something that passes by itself. */
import { AuthRequired, isKeepsakeError, type KeepsakeError, RetryLater } from '../../engine/errors.ts';
import { visibleLine } from '../../engine/visible.ts';

export interface SignedInAs {
  host: string;
  user?: string;
  /** With a token, not with a password. */
  oauth: boolean;
}

/** Response codes (RFC 5530, RFC 9051) of a sign-in that may succeed later with the same password. */
const PASSING_CODES = new Set(['UNAVAILABLE', 'LIMIT', 'OVERQUOTA', 'INUSE', 'SERVERBUG', 'THROTTLED', 'CONTACTADMIN']);

/** The same, of servers that say it in words only. */
const PASSING_WORDS = /too many|temporar|try again|later|unavailable|throttl|bandwidth|rate.?limit|timed? ?out/i;

const NOT_SWITCHED_ON = /not enabled for imap|imap (access|use|service) is (disabled|not enabled)|imap is disabled/i;
const WANTS_TLS = /privacyrequired|login is disabled|tls required/i;

const GMAIL = /(^|\.)(gmail|googlemail|google)\.com$/;
const MICROSOFT = /(^|\.)(outlook|office365|hotmail|live)\.com$/;

const textOf = (error: unknown, name: string): string => {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' ? value : '';
};

/** The server's own words, as far as there are any. */
const wordsOf = (error: unknown): string =>
  visibleLine(
    [textOf(error, 'responseText'), textOf(error, 'response'), textOf(error, 'reason'), textOf(error, 'message')].find(
      (text) => text !== '',
    ) ?? String(error),
  ).slice(0, 200);

function adviceFor({ host, oauth }: SignedInAs, words: string): string {
  if (NOT_SWITCHED_ON.test(words)) return 'Switch IMAP on in the settings of the mailbox, then start Keepsake again.';
  if (WANTS_TLS.test(words)) return 'Write IMAP_URL with imaps://, so that the connection is encrypted from its start.';
  if (oauth) {
    return 'Sign in again with "npm run mail:sign-in", set MAIL_OAUTH_REFRESH_TOKEN to what it prints, and start Keepsake again.';
  }
  if (GMAIL.test(host)) {
    return 'Gmail wants an app password here (myaccount.google.com/apppasswords, with 2-step verification on): set it in IMAP_URL and start Keepsake again.';
  }
  if (MICROSOFT.test(host)) {
    return 'Outlook takes no passwords for IMAP: set MAIL_OAUTH=microsoft as docs/mail.md says, and start Keepsake again.';
  }
  return 'Check name and password in IMAP_URL (many services want an app password, and IMAP switched on in their settings), then start Keepsake again.';
}

const isTrue = (error: unknown, name: string): boolean =>
  typeof error === 'object' && error !== null && Reflect.get(error, name) === true;

/** True where the server said no to who we are, not to the moment. */
function isRefusedSignIn(error: unknown, words: string): boolean {
  if (/unsupported authentication mechanism/i.test(words)) return true;
  if (!isTrue(error, 'authenticationFailed')) return false;
  const code = textOf(error, 'serverResponseCode').toUpperCase();
  return !PASSING_CODES.has(code) && !(code !== 'AUTHENTICATIONFAILED' && PASSING_WORDS.test(words));
}

/** Any failure of a connection or a command. `AuthRequired` or `RetryLater`, with the server's words and never a secret. */
export function imapFailure(error: unknown, who: SignedInAs): KeepsakeError {
  if (isKeepsakeError(error)) return error;
  const words = wordsOf(error);
  const mailbox = visibleLine(`${who.user ?? 'the mailbox'} at ${who.host}`);
  if (isRefusedSignIn(error, words)) {
    return new AuthRequired(
      `The sign-in to ${mailbox} was refused ("${words}"). Replies by mail are not read; backups go on.`,
      { advice: adviceFor(who, words), cause: error },
    );
  }
  if (isTrue(error, 'mailboxMissing')) {
    return new RetryLater(
      `The folder to watch is not there in ${mailbox}. Replies by mail are not read; backups go on.`,
      {
        advice: 'Make the folder, or name another one in IMAP_URL; Keepsake looks for it again by itself.',
        cause: error,
      },
    );
  }
  return new RetryLater(`The mail server of ${mailbox} cannot be used now ("${words}"). Backups go on.`, {
    cause: error,
  });
}
