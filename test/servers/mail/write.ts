/** Mails as mail programs write them: headers in their usual order, encoded words, multipart/alternative. Latin-1 text with CRLF. */

export interface Address {
  name: string;
  address: string;
}

export interface Attached {
  name: string;
  mime: string;
  bytes: Uint8Array;
}

export interface Letter {
  from: Address;
  to: readonly string[];
  subject: string;
  date: Date;
  /** With angle brackets, as are the others. */
  messageId: string;
  inReplyTo?: string | undefined;
  references?: readonly string[] | undefined;
  text?: string | undefined;
  html?: string | undefined;
  attachments?: readonly Attached[] | undefined;
  /** Below the others, as they are given; names may repeat. */
  headers?: readonly (readonly [string, string])[] | undefined;
  /** Of the text parts; `quoted-printable`. */
  encoding?: 'quoted-printable' | 'base64' | undefined;
  /** `format=flowed` (RFC 3676), as Thunderbird writes it. */
  isFlowed?: boolean | undefined;
}

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
export const crlf = (text: string): string => text.replace(/\r?\n/g, '\r\n');

/** RFC 2047; each word at most 75 characters, cut between characters. */
export function encodedWords(text: string): string {
  if (/^[\t -~]*$/.test(text)) return text;
  const words: string[] = [];
  let piece = '';
  for (const character of text) {
    if (Buffer.byteLength(piece + character) > 42) {
      words.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...words, piece].map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}

export function addressText({ name, address }: Address): string {
  if (name === '') return address;
  const written = encodedWords(name);
  const needsQuotes = written === name && !/^[\w !#$%&'*+/=?^`{|}~-]+$/.test(name);
  return `${needsQuotes ? `"${name.replace(/["\\]/g, '\\$&')}"` : written} <${address}>`;
}

/** RFC 5322 section 3.3. */
export const dateText = (date: Date): string => date.toUTCString().replace('GMT', '+0000');

/** Soft breaks after at most 75 characters, never within =XX (RFC 2045 section 6.7). */
function softBreaks(line: string): string {
  const lines = [''];
  for (const unit of line.match(/=[0-9A-F]{2}|./g) ?? []) {
    const last = lines.length - 1;
    if (`${lines[last]}${unit}`.length > 75) lines.push(unit);
    else lines[last] += unit;
  }
  return lines.join('=\r\n');
}

export const quotedPrintable = (text: string): string =>
  Buffer.from(crlf(text))
    .toString('latin1')
    .split('\r\n')
    .map((line) =>
      line
        .replace(/[^\t -<>-~]/g, (byte) => `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
        .replace(/[\t ]$/, (space) => (space === ' ' ? '=20' : '=09')),
    )
    .map(softBreaks)
    .join('\r\n');

export const base64Lines = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('base64')
    .replace(/(.{76})(?=.)/g, '$1\r\n');

function textPart(type: string, text: string, { encoding = 'quoted-printable', isFlowed }: Letter): string {
  const flowed = isFlowed && type === 'text/plain' ? '; format=flowed' : '';
  const body =
    encoding === 'base64' ? base64Lines(Buffer.from(crlf(text))) : quotedPrintable(text.replace(/\r?\n$/, ''));
  return `Content-Type: ${type}; charset="UTF-8"${flowed}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n`;
}

const attachmentPart = ({ name, mime, bytes }: Attached): string =>
  mime === 'message/rfc822'
    ? `Content-Type: message/rfc822; name="${encodedWords(name)}"\r\nContent-Disposition: attachment; filename="${encodedWords(name)}"\r\n\r\n${Buffer.from(bytes).toString('latin1')}\r\n`
    : `Content-Type: ${mime}; name="${encodedWords(name)}"\r\nContent-Disposition: attachment; filename="${encodedWords(name)}"\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64Lines(bytes)}\r\n`;

let boundaries = 0;

export function multipart(kind: string, parts: readonly string[], parameters = ''): string {
  if (parts.length === 1) return parts[0] ?? '';
  boundaries += 1;
  const boundary = `=_part_${boundaries}_of_a_person`;
  const inner = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('');
  return `Content-Type: multipart/${kind};${parameters}\r\n boundary="${boundary}"\r\n\r\n${inner}--${boundary}--\r\n`;
}

/** `body`: the mail from its Content-Type on, in place of text, HTML and attachments. */
export function writeLetter(letter: Letter, body?: string): string {
  const alternatives = [
    ...(letter.text === undefined && letter.html !== undefined
      ? []
      : [textPart('text/plain', letter.text ?? '', letter)]),
    ...(letter.html === undefined ? [] : [textPart('text/html', letter.html, letter)]),
  ];
  const content =
    body ??
    multipart('mixed', [multipart('alternative', alternatives), ...(letter.attachments ?? []).map(attachmentPart)]);
  const headers = [
    `From: ${addressText(letter.from)}`,
    `To: ${letter.to.join(',\r\n ')}`,
    `Subject: ${encodedWords(letter.subject)}`,
    `Date: ${dateText(letter.date)}`,
    `Message-ID: ${letter.messageId}`,
    ...(letter.inReplyTo === undefined ? [] : [`In-Reply-To: ${letter.inReplyTo}`]),
    ...(letter.references?.length ? [`References: ${letter.references.join('\r\n ')}`] : []),
    ...(letter.headers ?? []).map(([name, value]) => `${name}: ${latin1(value)}`),
    'MIME-Version: 1.0',
  ];
  return `${headers.join('\r\n')}\r\n${content}`;
}
