/** What no right program sends (RFC 5322, 2045, 3834, 8058), and what none may send to people on behalf of a service. */
import { everyPart, headerOf, type Part, parsePart } from '../imap/mime.ts';
import { addressesOf } from '../imap/structure.ts';
import { seeMail } from './seen.ts';
import type { Submitted } from './smtp.ts';

export interface Expected {
  /** Our address, lower case. */
  own: string;
  /** Message-IDs of mails to us that nobody may answer: from the null sender, or written by a program. */
  silent: ReadonlySet<string>;
  /** What was sent before under this Message-ID, as `fingerprint` gives it. */
  before(messageId: string): string | undefined;
}

const ONCE = [
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'message-id',
  'in-reply-to',
  'references',
  'subject',
  'date',
];
const DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d(?::\d\d)? (?:[+-]\d{4}|GMT)$/;
const MESSAGE_ID = /^<[^\s<>@]+@[^\s<>@]+>$/;
const ROBOTS = /^(mailer-daemon|postmaster|no-?reply|do-?not-?reply)@/i;

function lineProblems(text: string, mail: Submitted): string[] {
  const found: string[] = [];
  if (/(^|[^\r])\n|\r(?!\n)/.test(text)) found.push('a line does not end with CRLF');
  if (text.split('\r\n').some((line) => line.length > 998)) found.push('a line has more than 998 characters');
  if (text.includes('\0')) found.push('it holds NUL');
  const [head = '', ...body] = text.split('\r\n\r\n');
  if (/[\x80-\xff]/.test(head) && !mail.smtpUtf8) found.push('8-bit characters in headers without SMTPUTF8');
  if (/[\x80-\xff]/.test(body.join('\r\n\r\n')) && !mail.is8bit) found.push('8-bit characters without BODY=8BITMIME');
  if (head.split('\r\n').some((line) => !/^[!-9;-~]+:|^[ \t]+\S/.test(line)))
    found.push('a line among the headers is none');
  return found;
}

function headerProblems(root: Part, { own, silent }: Expected): string[] {
  const found: string[] = [];
  const value = (name: string): string | undefined => headerOf(root, name);
  for (const name of ONCE) {
    const count = root.headers.filter((header) => header.name.toLowerCase() === name).length;
    if (count > 1) found.push(`${name} is there ${count} times`);
  }
  for (const name of ['From', 'Date', 'Message-ID', 'To', 'MIME-Version']) {
    if (value(name) === undefined) found.push(`it has no ${name}`);
  }
  if (!DATE.test(value('Date') ?? 'Mon, 1 Jan 2026 00:00 GMT')) found.push(`Date: ${value('Date')}`);
  if (!MESSAGE_ID.test(value('Message-ID') ?? '<a@b>')) found.push(`Message-ID: ${value('Message-ID')}`);
  for (const name of ['In-Reply-To', 'References']) {
    const ids = (value(name) ?? '').split(/\s+/).filter((id) => id !== '');
    if (ids.some((id) => !MESSAGE_ID.test(id))) found.push(`${name}: ${value(name)}`);
    if (ids.some((id) => silent.has(id)))
      found.push(`${name}: it answers a mail that nobody may answer (${value(name)})`);
  }
  const from = addressesOf(value('From') ?? '').map(({ address }) => address.toLowerCase());
  if (from.join() !== own) found.push(`From: ${value('From')} is not ${own}`);
  const domain = own.slice(own.indexOf('@'));
  for (const { address } of addressesOf(value('Reply-To') ?? '')) {
    if (!address.toLowerCase().endsWith(domain)) found.push(`Reply-To: ${address} is not at our domain`);
  }
  return found;
}

function serviceProblems(root: Part, mail: Submitted, { own }: Expected): string[] {
  const found: string[] = [];
  const automatic = headerOf(root, 'Auto-Submitted');
  if (automatic === undefined || /^no\b/i.test(automatic)) found.push('Auto-Submitted is missing (RFC 3834)');
  if (/^auto-replied/i.test(automatic ?? '') && headerOf(root, 'In-Reply-To') === undefined) {
    found.push('auto-replied without In-Reply-To');
  }
  const unsubscribe = headerOf(root, 'List-Unsubscribe') ?? '';
  if (headerOf(root, 'List-Unsubscribe-Post') !== undefined && !/<https:/.test(unsubscribe)) {
    found.push('List-Unsubscribe-Post without an https address in List-Unsubscribe (RFC 8058)');
  }
  const base = own.slice(0, own.indexOf('@'));
  for (const address of mail.to) {
    if (ROBOTS.test(address)) found.push(`it goes to ${address}`);
    if (address.toLowerCase() === own || address.toLowerCase().startsWith(`${base}+`))
      found.push(`it goes to ourselves`);
  }
  const shown = ['To', 'Cc'].flatMap((name) => addressesOf(headerOf(root, name) ?? '').map(({ address }) => address));
  for (const address of shown) {
    if (!mail.to.some((one) => one.toLowerCase() === address.toLowerCase())) {
      found.push(`To shows ${address}, who does not get it`);
    }
  }
  return found;
}

const REMOTE =
  /<(?:img|source|input|video|audio|body|table|td)\b[^>]*\s(?:src|srcset|background|poster)\s*=\s*["']?\s*(?:https?:)?\/\/|url\(\s*["']?\s*(?:https?:)?\/\/|<link\b|@import/i;
const ACTIVE = /<(?:script|iframe|object|embed|form|base)\b|\son[a-z]+\s*=|javascript:/i;

async function contentProblems(root: Part, raw: Buffer): Promise<string[]> {
  const found: string[] = [];
  const parts = everyPart(root);
  const { html, text } = await seeMail(0, raw);
  if (REMOTE.test(html)) found.push('the HTML loads something from elsewhere');
  if (ACTIVE.test(html.replace(/>[^<]*</g, '><'))) found.push('the HTML holds something active');
  if (html !== '' && text.trim() === '') found.push('HTML without text that says the same');
  const ids = parts.map((part) => (headerOf(part, 'Content-ID') ?? '').replace(/^<|>$/g, ''));
  for (const [, cid = ''] of html.matchAll(/cid:([^"')\s>]+)/g)) {
    if (!ids.includes(decodeURIComponent(cid))) found.push(`the HTML shows cid:${cid}, which is not in it`);
  }
  for (const part of parts) {
    if (part.type.startsWith('multipart/') && part.children.length === 0) found.push(`${part.type} without parts`);
    if (part.encoding === 'base64' && part.body.split('\r\n').some((line) => line.length > 76)) {
      found.push('base64 in lines of more than 76 characters');
    }
    if (!['7bit', '8bit', 'binary', 'base64', 'quoted-printable'].includes(part.encoding)) {
      found.push(`Content-Transfer-Encoding: ${part.encoding}`);
    }
    if (part.encoding === '7bit' && part.children.length === 0 && /[\x80-\xff]/.test(part.body)) {
      found.push('8-bit characters in a part that says 7bit');
    }
  }
  return found;
}

/** What is the same when one mail is sent again; boundaries and dates may differ. */
export async function fingerprint(mail: Submitted): Promise<string> {
  const seen = await seeMail(0, mail.raw);
  return JSON.stringify([seen.subject, seen.to, seen.text, seen.html, seen.attachments.map(({ name }) => name)]);
}

/** Each problem as a sentence that begins with the Message-ID. */
export async function problemsOf(mail: Submitted, expected: Expected): Promise<string[]> {
  const text = mail.raw.toString('latin1');
  const root = parsePart(text);
  const id = headerOf(root, 'Message-ID') ?? '(no Message-ID)';
  const before = expected.before(id);
  const found = [
    ...lineProblems(text, mail),
    ...headerProblems(root, expected),
    ...serviceProblems(root, mail, expected),
    ...(await contentProblems(root, mail.raw)),
    ...(before !== undefined && before !== (await fingerprint(mail))
      ? ['another mail with the same Message-ID was sent before']
      : []),
  ];
  return found.map((problem) => `SMTP: ${id} to ${mail.to.join(', ')}: ${problem}`);
}
