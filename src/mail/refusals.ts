/** What a mail server's refusals mean for us (RFC 5321 4.2, enhanced codes of RFC 3463). No I/O. */
import { AuthRequired, isKeepsakeError, RetryLater, Undeliverable, UsageError } from '../engine/errors.ts';
import type { MailServer } from '../engine/mail-config.ts';
import { visibleLine } from '../engine/visible.ts';

/** What nodemailer's errors carry besides their message. */
interface Refusal {
  /** Which step failed, as nodemailer names it. */
  code: string;
  /** Node's own code below it. */
  below: string;
  /** `RCPT TO`, `AUTH PLAIN` ...; empty before there was one. */
  command: string;
  /** The server's words; empty where it said none. */
  response: string;
  /** 0 without a response. */
  status: number;
  /** "5.1.1"; empty where the server gives none. */
  enhanced: string;
}

const word = (error: unknown, name: string): string => {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

const refusalOf = (error: unknown): Refusal => {
  const response = word(error, 'response');
  return {
    code: word(error, 'code'),
    below: word(error, 'originalCode'),
    command: word(error, 'command'),
    response,
    status: Number(/^\d{3}/.exec(response)?.[0] ?? 0),
    enhanced: /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})(?!\d)/.exec(response)?.[1] ?? '',
  };
};

const LONGEST_WORDS = 200;

/** The server's words on one line, for people. */
const saidOf = (response: string): string =>
  visibleLine(response.replace(/\s*\r?\n\d{3}[ -](?:\d\.\d{1,3}\.\d{1,3} )?/g, ' ')).slice(0, LONGEST_WORDS);

/** OpenSSL's and Node's codes for a certificate that is not that server's, or of nobody who is trusted. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH/;

const GMAIL = /(^|\.)(gmail|google|googlemail)\.com$/i;
const MICROSOFT = /(^|\.)(outlook|office365|office|hotmail|live)\.com$/i;

const loginAdvice = (host: string, oauth: boolean): string => {
  if (oauth) return 'Sign in again with `npm run mail:sign-in`, put what it prints into .env and start Keepsake again.';
  if (GMAIL.test(host)) {
    return 'Gmail takes no account password here: make an app password at myaccount.google.com/apppasswords, put it into SMTP_URL and start Keepsake again.';
  }
  if (MICROSOFT.test(host)) {
    return 'Outlook takes no passwords here: set MAIL_OAUTH=microsoft and sign in with `npm run mail:sign-in -- microsoft`.';
  }
  return 'Check the name and the password in SMTP_URL ("@" in them is written %40, "/" is %2F) and start Keepsake again.';
};

/** Nothing of it is known to have arrived; and where a server cannot take it now, it may in an hour. */
const later = (message: string, cause: unknown): RetryLater => new RetryLater(message, { cause });

/** What is about us and not about the address; servers say 550 for both. */
const ABOUT_US = /relay|spam|block|black|polic|\bspf\b|dkim|dmarc|authenticat|reputation|listed|denied|sender|\bip\b/i;

/** Refused by the one who knows who lives there, for being nobody: 5.1.x; or 550, 551, 553 without anything closer. */
const isAddressRefused = ({ command, status, enhanced, response }: Refusal): boolean => {
  if (status < 500 || command === 'MAIL FROM') return false;
  if (enhanced !== '') return /^5\.(1\.(1|2|3|6|10)|2\.1)$/.test(enhanced);
  return command === 'RCPT TO' && [550, 551, 553].includes(status) && !ABOUT_US.test(response);
};

/** RFC 1870: 552 for the size; 5.3.4 and 5.2.3 are the same in other words. */
const isTooLarge = ({ code, status, enhanced, response }: Refusal): boolean =>
  (code === 'EMESSAGE' && response === '') ||
  ['5.3.4', '5.2.3'].includes(enhanced) ||
  (status === 552 && (enhanced === '' || enhanced === '5.3.0'));

const isFull = ({ status, enhanced }: Refusal): boolean => status >= 500 && enhanced === '5.2.2';

const isLogin = ({ code, status, command }: Refusal): boolean =>
  (code === 'EAUTH' || status === 530 || (status === 535 && command !== 'RCPT TO')) && !(status >= 400 && status < 500);

/** True when another token may be taken: the server did not like the one it was given. */
export const isLoginRefused = (error: unknown): boolean => isLogin(refusalOf(error));

/**
 * As one of our classes: `AuthRequired` for the login, `RetryLater` for the network and every "not now",
 * `Undeliverable` with the code `address_refused` (the message is what the server said), `too_large` or `refused`,
 * `UsageError` for a setting that cannot work. The library's own error is the cause.
 */
export function smtpError(error: unknown, { host, port }: Pick<MailServer, 'host' | 'port'>, oauth: boolean): Error {
  if (isKeepsakeError(error)) return error;
  // A token that could not be had: the library wraps what we told it.
  if (error instanceof Error && isKeepsakeError(error.cause)) return error.cause;
  const refusal = refusalOf(error);
  const { code, below, command, response, status, enhanced } = refusal;
  const place = `${host}:${port}`;
  const said = saidOf(response);
  if (isLogin(refusal)) {
    return new AuthRequired(
      `The mail server ${place} refuses the login, so no mail is sent. Backups go on. ${said}`.trim(),
      {
        code: 'mail_login',
        advice: loginAdvice(host, oauth),
        cause: error,
      },
    );
  }
  if (CERTIFICATE.test(below) || CERTIFICATE.test(word(error, 'reason'))) {
    return new UsageError(
      `The certificate of the mail server ${place} is not to be trusted (${below}), so nothing was sent.`,
      {
        code: 'mail_certificate',
        advice:
          'Write the name in SMTP_URL that the certificate is for; for an authority of your own set NODE_EXTRA_CA_CERTS.',
        cause: error,
      },
    );
  }
  if (code === 'ETLS' && (status >= 500 || command === 'STARTTLS')) {
    return new UsageError(`The mail server ${place} does not encrypt (no STARTTLS), so nothing was sent to it.`, {
      code: 'mail_tls',
      advice: 'Write smtps:// and port 465 in SMTP_URL, or use a server that encrypts.',
      cause: error,
    });
  }
  if (isFull(refusal)) return later(`The mailbox is full: ${said}`, error);
  if (isTooLarge(refusal)) {
    return new Undeliverable(`The mail is larger than the mail server ${place} takes.`, {
      code: 'too_large',
      cause: error,
    });
  }
  if (isAddressRefused(refusal)) {
    return new Undeliverable(said, {
      code: 'address_refused',
      advice: 'Say `mail you@example.org` with an address that works.',
      cause: error,
    });
  }
  if (command === 'MAIL FROM' && status >= 500 && status !== 503) {
    return new UsageError(
      `The mail server ${place} does not let this login send from the address in MAIL_FROM. ${said}`,
      {
        code: 'mail_from',
        advice: 'Set MAIL_FROM to the address that the login in SMTP_URL belongs to.',
        cause: error,
      },
    );
  }
  // 503: the conversation got out of step; the next one starts anew.
  if (status >= 500 && status !== 503 && command !== '' && command !== 'CONN' && command !== 'EHLO') {
    return new Undeliverable(
      `The mail server ${place} refuses this mail${enhanced.startsWith('5.7') ? ' by its rules' : ''}: ${said}`,
      {
        code: 'refused',
        advice:
          'Backups go on; the report is in `history`. Ask whoever runs the mail server why it refuses mails of this kind.',
        cause: error,
      },
    );
  }
  if (response !== '') return later(`The mail server ${place} cannot take mails now: ${said}`, error);
  return later(`The mail server ${place} does not answer (${below || code || 'no reason given'}).`, error);
}
