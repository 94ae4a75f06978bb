/**
 * The header of a mail as bytes, read so strictly that every other reader must see the same in it (RFC 5322 section 2.2).
 * Whoever forges a sender lives from two programs that read one header differently: what could be is not read at all.
 */

export interface Field {
  /** In lower case. */
  name: string;
  /** Unfolded; one character is one byte. */
  value: string;
  /** Where it lies in the mail, with its line ends. */
  start: number;
  end: number;
}

export type Header = { fields: readonly Field[]; body: number } | { unreadable: string };

/** Exchange writes 30 KB of its own; a thousand signatures are 400 KB. */
const LONGEST_HEADER = 512 * 1024;
const MOST_FIELDS = 2_000;

const NAME = /^[!-9;-~]+:/;

/** RFC 5322 section 3.6 and RFC 2045 allow each once; programs disagree on which of two counts. */
const ONCE = [
  'from',
  'sender',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'reply-to',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
];

export function readHeader(bytes: Uint8Array): Header {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, LONGEST_HEADER)).toString(
    'latin1',
  );
  const fields: { name: string; lines: string[]; start: number; end: number }[] = [];
  for (let at = 0; ; ) {
    const newline = head.indexOf('\n', at);
    if (newline < 0 && bytes.byteLength > LONGEST_HEADER) return { unreadable: 'its header is too long' };
    const end = newline < 0 ? head.length : newline + 1;
    const line = head.slice(at, end).replace(/\r?\n$/, '');
    if (line === '') {
      return { body: end, fields: fields.map(({ lines, ...field }) => ({ ...field, value: lines.join('').trim() })) };
    }
    if (/[\0\r]/.test(line)) return { unreadable: 'its header has bytes that no header may have' };
    const last = fields.at(-1);
    if (/^[ \t]/.test(line)) {
      // A line of blanks ends the header for some and is a part of it for others.
      if (!last || line.trim() === '') return { unreadable: 'its header can be read in two ways' };
      last.lines.push(line);
      last.end = end;
    } else {
      const name = NAME.exec(line)?.[0];
      if (name === undefined) return { unreadable: 'its header can be read in two ways' };
      if (fields.length === MOST_FIELDS) return { unreadable: 'its header is too long' };
      fields.push({ name: name.slice(0, -1).toLowerCase(), lines: [line.slice(name.length)], start: at, end });
    }
    at = end;
  }
}

export const named = (fields: readonly Field[], name: string): readonly Field[] =>
  fields.filter((field) => field.name === name);

/** The name of a field that stands twice though it may stand once. */
export const doubled = (fields: readonly Field[]): string | undefined =>
  ONCE.find((name) => named(fields, name).length > 1);
