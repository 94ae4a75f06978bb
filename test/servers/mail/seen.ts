/** A mail as a person sees it: what a mail program shows, and the links that can be pressed. */
import { Parser } from 'htmlparser2';
import PostalMime, { type Email } from 'postal-mime';

export interface MailtoLink {
  /** What is written on it; the address itself in a plain text. */
  label: string;
  href: string;
  to: string;
  subject: string;
  body: string;
}

export interface SeenPicture {
  name: string;
  mime: string;
  bytes: Uint8Array;
  /** Without angle brackets. */
  cid: string | undefined;
}

export interface SeenMail {
  uid: number;
  /** As it lies in the mailbox, with what the server added. */
  raw: Buffer;
  from: { name: string; address: string };
  to: readonly string[];
  /** Where an answer goes: Reply-To, else From. */
  replyTo: string;
  subject: string;
  /** Empty where there is none. */
  text: string;
  html: string;
  /** In their order, names in lower case. */
  headers: readonly { name: string; value: string }[];
  /** The first of that name. */
  header(name: string): string | undefined;
  /** With angle brackets. */
  messageId: string;
  inReplyTo: string | undefined;
  references: readonly string[];
  date: Date;
  /** Shown in the HTML. */
  pictures: readonly SeenPicture[];
  attachments: readonly SeenPicture[];
  /** From the HTML; from the text where there is no HTML. */
  links: readonly MailtoLink[];
  /** Every other link, as `label href`. */
  webLinks: readonly { label: string; href: string }[];
  /** List-Unsubscribe (RFC 2369), `oneClick` where RFC 8058 holds. */
  unsubscribe: { mailto?: string; https?: string; oneClick: boolean };
}

/** RFC 6068. */
export function readMailto(href: string): Omit<MailtoLink, 'label'> {
  const [to = '', query = ''] = href.replace(/^mailto:/i, '').split('?', 2);
  const fields = Object.fromEntries(
    query.split('&').map((pair) => {
      const at = pair.indexOf('=');
      // A plus is a plus here, unlike in forms.
      return [pair.slice(0, at).toLowerCase(), decodeURIComponent(pair.slice(at + 1))];
    }),
  );
  return { href, to: decodeURIComponent(to), subject: fields.subject ?? '', body: fields.body ?? '' };
}

function linksOf(html: string): { label: string; href: string }[] {
  const found: { label: string; href: string }[] = [];
  let open: { label: string; href: string } | undefined;
  const parser = new Parser({
    onopentag(name, { href, alt }) {
      if (name === 'a' && href !== undefined) open = { label: '', href };
      else if (open && name === 'img') open.label += alt ?? '';
    },
    ontext(text) {
      if (open) open.label += text;
    },
    onclosetag(name) {
      if (name !== 'a' || !open) return;
      found.push({ ...open, label: open.label.replace(/\s+/g, ' ').trim() });
      open = undefined;
    },
  });
  parser.end(html);
  return found;
}

const textLinks = (text: string): { label: string; href: string }[] =>
  [...text.matchAll(/\b(?:mailto:|https?:\/\/)[^\s<>"]+/g)].map(([href]) => ({ label: href, href }));

const bytesOf = (content: ArrayBuffer | Uint8Array | string): Uint8Array =>
  typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content);

/** Folded lines joined and encoded words read, whichever the header. */
export const parseMail = (raw: Uint8Array): Promise<Email> => new PostalMime().parse(raw);

export async function seeMail(uid: number, raw: Buffer): Promise<SeenMail> {
  const mail = await parseMail(raw);
  const html = mail.html ?? '';
  const text = (mail.text ?? '').replaceAll('\r\n', '\n');
  const headers = mail.headers.map(({ key, value }) => ({ name: key, value }));
  const header = (name: string): string | undefined => headers.find((one) => one.name === name.toLowerCase())?.value;
  const all = html === '' ? textLinks(text) : linksOf(html);
  const parts = mail.attachments.map((one) => ({
    name: one.filename ?? '',
    mime: one.mimeType,
    bytes: bytesOf(one.content),
    cid: one.contentId?.replace(/^<|>$/g, ''),
  }));
  const isShown = (part: SeenPicture): boolean => part.cid !== undefined && html.includes(`cid:${part.cid}`);
  const angle = [...(header('list-unsubscribe') ?? '').matchAll(/<([^>]+)>/g)].map((match) => match[1] ?? '');
  const [mailto, https] = ['mailto:', 'https:'].map((scheme) => angle.find((url) => url.startsWith(scheme)));
  const from = { name: mail.from?.name ?? '', address: mail.from?.address ?? '' };
  return {
    uid,
    raw,
    from,
    to: (mail.to ?? []).map((one) => one.address ?? ''),
    replyTo: mail.replyTo?.[0]?.address ?? from.address,
    subject: mail.subject ?? '',
    text,
    html,
    headers,
    header,
    messageId: mail.messageId ?? '',
    inReplyTo: mail.inReplyTo,
    references: (mail.references ?? '').split(/\s+/).filter((id) => id !== ''),
    date: new Date(mail.date ?? 0),
    pictures: parts.filter(isShown),
    attachments: parts.filter((part) => !isShown(part)),
    links: all.filter(({ href }) => /^mailto:/i.test(href)).map(({ label, href }) => ({ label, ...readMailto(href) })),
    webLinks: all.filter(({ href }) => !/^mailto:/i.test(href)),
    unsubscribe: {
      ...(mailto === undefined ? {} : { mailto }),
      ...(https === undefined ? {} : { https }),
      oneClick: header('list-unsubscribe-post')?.trim() === 'List-Unsubscribe=One-Click',
    },
  };
}
