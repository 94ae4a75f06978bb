/**
 * Takes mails apart, in a thread of its own: one bytes-in, one mail-out. What hangs or runs out of memory here ends with
 * the thread. Attachments are counted and measured, never unpacked, and their bytes stay here.
 */
import { parentPort } from 'node:worker_threads';
import PostalMime, { addressParser, decodeWords } from 'postal-mime';
import { isAddress } from '../address.ts';
import type { MailAddress, ParsedMail } from '../mail.ts';
import { unfoldFlowed } from './flowed.ts';

/** What the message asks for, and what it gets. */
export interface ParseJob {
  bytes: Uint8Array;
  /** SMTP MAIL FROM and RCPT TO, where the mail came to our own port. */
  session?: { mailFrom: string; rcptTo: readonly string[] };
}
export type ParseAnswer = 'ready' | { mail: ParsedMail } | { refused: string };

/** A mail that people write has a handful of levels and some dozens of parts; each level costs a look at every line. */
const DEEPEST = 50;
const MOST_PARTS = 1_000;
/** Over all parts. 10,000 recipients of 60 bytes fit. */
const HEADER_BYTES = 1024 * 1024;
const MOST_HEADERS = 1_000;
/** Characters of header values that are handed on, together and in one. */
const HEADER_TEXT = 256 * 1024;
const LONGEST_HEADER = 64 * 1024;
const LONGEST_TEXT = 256 * 1024;
const LONGEST_HTML = 1024 * 1024;
const LONGEST_STATUS = 64 * 1024;
const MOST_ATTACHMENTS = 1_000;
const MOST_REFERENCES = 1_000;

/**
 * postal-mime's own result joins all text parts and turns HTML into text with what it quotes, so that it can no longer be
 * told whose words are whose; its tree of parts says it. These fields of version 4.0.0 are used; the tests of this file
 * fail if another version names them differently.
 */
interface Part {
  childNodes: Part[];
  contentType: { parsed: { value: string; params: Record<string, string> }; multipart: string | false };
  contentDisposition: { parsed: { value: string; params: Record<string, string> } };
  headers: { key: string; value: string }[];
  content: ArrayBuffer | null;
  getTextContent(): string;
}
interface Tree {
  root: Part;
}

function leavesOf(root: Part): Part[] {
  const leaves: Part[] = [];
  const rest = [root];
  for (let part = rest.pop(); part; part = rest.pop()) {
    if (part.contentType.multipart === false) leaves.push(part);
    if (leaves.length > MOST_PARTS) throw new Error(`It has more than ${MOST_PARTS} parts.`);
    for (let index = part.childNodes.length - 1; index >= 0; index--) {
      const child = part.childNodes[index];
      if (child) rest.push(child);
    }
  }
  return leaves;
}

const mimeOf = (part: Part): string => part.contentType.parsed.value;
const nameOf = (part: Part): string =>
  decodeWords(part.contentDisposition.parsed.params.filename ?? part.contentType.parsed.params.name ?? '');

/** Another way to write ASCII that filters do not see through (CVE-2008-0468 and its kind); no mail program has to send it. */
const UTF7 = /^\s*(x-)?(unicode-1-1-)?utf-?7/i;
const ASCII = /^\s*((us-)?ascii|ansi_x3\.4-1968|iso-?646-us)?\s*$/i;

const isUtf8 = (bytes: ArrayBuffer): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

/** Many programs send 8-bit text and name no charset, or ASCII: UTF-8 where it is valid, else what Windows writes. */
function textOf(part: Part, longest: number): string {
  const { params } = part.contentType.parsed;
  if (ASCII.test(params.charset ?? ''))
    params.charset = part.content && isUtf8(part.content) ? 'utf-8' : 'windows-1252';
  const flowed = /^flowed$/i.test(params.format ?? '') && mimeOf(part) === 'text/plain';
  // postal-mime joins flowed lines over the border of a quotation, which makes a quotation part of a command.
  params.format = '';
  const text = part.getTextContent().slice(0, longest);
  return flowed ? unfoldFlowed(text, /^yes$/i.test(params.delsp ?? '')) : text;
}

/** The words of the mail itself: not attached, and without a name, which only files have. */
function bodyOf(root: Part, leaves: readonly Part[], mime: string): Part | undefined {
  const parts = leaves.filter(
    (part) =>
      mimeOf(part) === mime &&
      part.contentDisposition.parsed.value !== 'attachment' &&
      (part === root || nameOf(part) === '') &&
      !UTF7.test(part.contentType.parsed.params.charset ?? ''),
  );
  const filled = parts.find((part) => new Uint8Array(part.content ?? new ArrayBuffer(0)).some((byte) => byte > 0x20));
  return filled ?? parts[0];
}

/** `name` is shown and nothing else; only the address counts. Groups are their members (RFC 5322 3.4). */
function addressesOf(values: readonly string[]): MailAddress[] {
  return values.flatMap((value) =>
    addressParser(value, { flatten: true }).map((one) => {
      const address = (one.address ?? '').trim().toLowerCase();
      return { name: one.name, address: isAddress(address) ? address : '' };
    }),
  );
}

const idsIn = (value: string): string[] => value.match(/<[^<>\s]{1,996}>/g) ?? [];

function idOf(value: string): string | undefined {
  const id = idsIn(value)[0];
  if (id !== undefined) return id;
  const bare = value.trim();
  return /^[^<>\s]{1,996}$/.test(bare) ? `<${bare}>` : undefined;
}

const pathOf = (value: string): string => (/<([^<>]*)>/.exec(value)?.[1] ?? value).trim().toLowerCase();

/** RFC 5322 3.3, read only in its own form: `Date` finds a date in nearly any text. */
function dateOf(value: string): string | undefined {
  if (!/^\s*([a-z]{3},)?\s*\d{1,2}\s+[a-z]{3}\s+\d{2,4}\s+\d{1,2}:\d{2}/i.test(value)) return undefined;
  const date = new Date(value.replace(/\([^()]*\)/g, ' ').trim());
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

const headerBlock = (text: string): string => {
  const start = text.trimStart();
  const end = /\r?\n[ \t]*\r?\n/.exec(start);
  return (end ? start.slice(0, end.index) : start).slice(0, LONGEST_STATUS);
};

function boundedHeaders(headers: readonly { key: string; value: string }[]): ParsedMail['headers'] {
  let left = HEADER_TEXT;
  const kept: { name: string; value: string }[] = [];
  for (const { key, value } of headers.slice(0, MOST_HEADERS)) {
    if (left <= 0) break;
    const text = decodeWords(value.slice(0, LONGEST_HEADER)).slice(0, left);
    left -= text.length + key.length;
    kept.push({ name: key, value: text });
  }
  return kept;
}

function mailOf(root: Part, session: ParseJob['session']): ParsedMail {
  const all = (name: string) => root.headers.filter(({ key }) => key === name).map(({ value }) => value);
  const first = (name: string) => all(name)[0];
  const leaves = leavesOf(root);
  const text = bodyOf(root, leaves, 'text/plain');
  const html = bodyOf(root, leaves, 'text/html');
  const status = leaves.find((part) => /^message\/(global-)?delivery-status$/.test(mimeOf(part)));
  const report = status !== undefined || mimeOf(root) === 'multipart/report';
  const returned = report
    ? leaves.find((part) => /^(message\/(rfc822|global)(-headers)?|text\/rfc822-headers)$/.test(mimeOf(part)))
    : undefined;
  const to = addressesOf(all('to'));
  const delivered = addressesOf(['cc', 'delivered-to', 'x-original-to', 'envelope-to'].flatMap(all));
  const returnPath = session?.mailFrom ?? first('return-path');
  const messageId = idOf(first('message-id') ?? '');
  const inReplyTo = idOf(first('in-reply-to') ?? '');
  const date = dateOf(first('date') ?? '');
  return {
    headers: boundedHeaders(root.headers),
    from: addressesOf(all('from')),
    fromHeaders: all('from').length,
    sender: addressesOf(all('sender')),
    to,
    recipients: [
      ...new Set([...to, ...delivered, ...addressesOf(session?.rcptTo ?? [])].map(({ address }) => address)),
    ].filter((address) => address !== ''),
    ...(returnPath === undefined ? {} : { returnPath: pathOf(returnPath) }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    references: all('references').flatMap(idsIn).slice(-MOST_REFERENCES),
    subject: decodeWords((first('subject') ?? '').slice(0, LONGEST_HEADER)),
    ...(date === undefined ? {} : { date }),
    ...(text === undefined ? {} : { text: textOf(text, LONGEST_TEXT) }),
    ...(html === undefined ? {} : { html: textOf(html, LONGEST_HTML) }),
    attachments: leaves
      .filter((part) => part !== text && part !== html)
      .slice(0, MOST_ATTACHMENTS)
      .map((part) => ({ name: nameOf(part), mime: mimeOf(part), size: part.content?.byteLength ?? 0 })),
    ...(status === undefined ? {} : { deliveryStatus: textOf(status, LONGEST_STATUS) }),
    ...(returned === undefined ? {} : { returnedHeaders: headerBlock(textOf(returned, LONGEST_STATUS)) }),
    forwarded:
      !report && leaves.some((part) => /^message\/(rfc822|global)$/.test(mimeOf(part)) || /\.eml$/i.test(nameOf(part))),
  };
}

/** Some old programs end lines with CR alone; a CR between real lines is left as it lies. */
function withLines(bytes: Uint8Array): Uint8Array {
  if (bytes.includes(0x0a)) return bytes;
  return bytes.map((byte) => (byte === 0x0d ? 0x0a : byte));
}

async function answer({ bytes, session }: ParseJob): Promise<ParseAnswer> {
  try {
    const parser = new PostalMime({
      maxNestingDepth: DEEPEST,
      maxHeadersSize: HEADER_BYTES,
      forceRfc822Attachments: true,
    });
    await parser.parse(withLines(bytes));
    return { mail: mailOf((parser as unknown as Tree).root, session) };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

const port = parentPort;
if (!port) throw new Error('This file is the thread that src/mail/parse.ts starts.');
port.on('message', (job: ParseJob) => {
  void answer(job).then((result) => port.postMessage(result));
});
port.postMessage('ready' satisfies ParseAnswer);
