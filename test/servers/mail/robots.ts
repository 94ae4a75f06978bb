/** Mails that programs write: what could not be delivered (RFC 3464), and that somebody is away (RFC 3834). */
import type { SeenMail } from './seen.ts';
import { type Letter, multipart, quotedPrintable, writeLetter } from './write.ts';

export interface BounceOrder {
  /** `5.1.1` for good, `4.4.1` for a delay. */
  status?: string;
  diagnostic?: string;
  /** How much of the mail comes back; some servers send nothing. */
  returns?: 'headers' | 'mail' | 'nothing';
}

/** `letter.from` is the mailer-daemon; `recipient` who could not be reached. */
export function writeBounce(letter: Letter, mail: SeenMail, recipient: string, o: BounceOrder): string {
  const { status = '5.1.1', returns = 'headers' } = o;
  const isDelay = status.startsWith('4');
  const diagnostic = o.diagnostic ?? (isDelay ? '451 4.4.1 connection timed out' : `550 ${status} no such user here`);
  const host = letter.from.address.slice(letter.from.address.indexOf('@') + 1);
  const words = `This is the mail system at host mx.${host}.\n\nYour message could not be delivered to\n\n<${recipient}>: ${diagnostic}\n`;
  const fields = [
    `Reporting-MTA: dns; mx.${host}`,
    `X-Original-Message-ID: ${mail.messageId}`,
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    `Original-Recipient: rfc822; ${recipient}`,
    `Action: ${isDelay ? 'delayed' : 'failed'}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${diagnostic}`,
    '',
  ].join('\r\n');
  const raw = mail.raw.toString('latin1');
  const head = raw.slice(0, raw.indexOf('\r\n\r\n') + 2);
  const returned = {
    headers: [`Content-Type: text/rfc822-headers\r\n\r\n${head}`],
    mail: [`Content-Type: message/rfc822\r\n\r\n${raw}`],
    nothing: [],
  }[returns];
  const body = multipart(
    'report',
    [
      `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${quotedPrintable(words)}`,
      `Content-Type: message/delivery-status\r\n\r\n${fields}`,
      ...returned,
    ],
    ' report-type=delivery-status;',
  );
  return writeLetter({ ...letter, headers: [['Auto-Submitted', 'auto-replied'], ...(letter.headers ?? [])] }, body);
}

/** `rfc`: with Auto-Submitted. `exchange`: with Microsoft's headers. `old`: Precedence only. `subject`: nothing but its words. */
export type AwayStyle = 'rfc' | 'exchange' | 'old' | 'subject';

const AWAY_SUBJECTS: Record<string, string> = {
  en: 'Automatic reply: ',
  de: 'Automatische Antwort: ',
  fr: 'Réponse automatique : ',
  es: 'Respuesta automática: ',
};

const AWAY_HEADERS: Record<AwayStyle, readonly (readonly [string, string])[]> = {
  rfc: [['Auto-Submitted', 'auto-replied (vacation)']],
  exchange: [
    ['X-Auto-Response-Suppress', 'All'],
    ['Auto-Submitted', 'auto-generated'],
    ['X-MS-Exchange-Generated-Message-Source', 'Mailbox Rules Agent'],
  ],
  old: [
    ['Precedence', 'auto_reply'],
    ['X-Autoreply', 'yes'],
  ],
  subject: [],
};

export const awaySubject = (subject: string, language: string): string =>
  `${AWAY_SUBJECTS[language] ?? AWAY_SUBJECTS.en}${subject}`;
export const awayHeaders = (style: AwayStyle): readonly (readonly [string, string])[] => AWAY_HEADERS[style];
