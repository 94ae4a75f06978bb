/** A reply as a mail: subject, text and HTML that say the same. Pure: no clock, no network; the same reply gives the same mail. */
import type { Reply } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import { pageHtml } from './page-render.ts';
import { textOf } from './text-render.ts';
import { ROOMS, TIGHTEST, type View, viewOf } from './view-render.ts';
import { shortened, words } from './words-render.ts';

export interface MailLook {
  /** The reader's zone. */
  zone: string;
  /** How it can be answered; absent for a mail that nobody reads the answers to. `code` is its token as small print. */
  answer?: { to: string; subject: string; code: string };
  /** Where these mails end (https: or mailto:), for the small print. */
  unsubscribe?: string;
  /** A page where the question in it is answered by a click. */
  confirm?: string;
}

export interface MailPart {
  name: string;
  mime: string;
  bytes: Uint8Array;
  /** Set for a picture that the HTML shows (`cid:`). */
  cid?: string;
}

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
  parts: MailPart[];
}

/** RFC 5322 2.1.1 asks for at most 78 characters on a line; longer subjects are cut by most lists of mails anyway. */
const LONGEST_SUBJECT = 78;

/** Bytes. Gmail hides what comes after 102 KB. */
export const LARGEST_HTML = 90_000;

/** The same for every mail about one thing, or programs would not put them together. No line break can be in it. */
export function subjectOf({ topic = '', title }: Pick<Reply, 'topic' | 'title'>): string {
  // Two isolates around a name that is written from right to left count, too.
  if (topic.trim() !== '') return words(topic, LONGEST_SUBJECT - 2);
  const said = visibleLine(title);
  return said.trim() === '' ? 'Keepsake' : shortened(`Keepsake: ${said}`, LONGEST_SUBJECT - 2);
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/webp': '.webp',
  'image/gif': '.gif',
};

/** A name for an attachment: no path, nothing that a header could end with. */
const partName = (name: string): string => words(name, 120).replace(/[/\\:]/g, '_') || 'attachment';

const picturesOf = (view: View): MailPart[] =>
  view.parts.flatMap((part, at) => {
    if (part.kind !== 'picture') return [];
    const number = view.parts.slice(0, at + 1).filter(({ kind }) => kind === 'picture').length;
    const { cid, mime, bytes } = part.picture;
    return [{ name: `picture-${number}${EXTENSIONS[mime] ?? ''}`, mime, bytes, cid }];
  });

interface Drawn {
  view: View;
  text: string;
  html: string;
}

/** With as much of it as a mail program shows. */
function drawn(reply: Reply, look: MailLook): Drawn {
  for (const room of ROOMS) {
    const view = viewOf(reply, look, room);
    const text = textOf(view);
    // The HTML holds the text and more.
    if (text.length > LARGEST_HTML) continue;
    const html = pageHtml(view);
    if (Buffer.byteLength(html) <= LARGEST_HTML) return { view, text, html };
  }
  const view = viewOf(reply, look, TIGHTEST);
  return { view, text: textOf(view), html: pageHtml(view) };
}

/**
 * Everything from outside is made visible and then escaped, so that a file name can neither end a header nor open a tag.
 * Pictures are parts of the mail: nothing is loaded from anywhere when it is read. What is too long is cut, and says so.
 */
export function renderMail(reply: Reply, look: MailLook): RenderedMail {
  const { view, text, html } = drawn(reply, look);
  const files = reply.blocks.flatMap((block): MailPart[] =>
    block.kind === 'file' ? [{ name: partName(block.name), mime: block.mime, bytes: block.bytes }] : [],
  );
  return { subject: subjectOf(reply), text, html, parts: [...picturesOf(view), ...files] };
}
