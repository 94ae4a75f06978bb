/** A mail as bytes (MIME), signed where a key is set. With `smtp.ts` the owner of nodemailer. */
import { createPrivateKey } from 'node:crypto';
import { domainToASCII } from 'node:url';
import Dkim from 'nodemailer/lib/dkim';
import MailComposer from 'nodemailer/lib/mail-composer';
import { Undeliverable, UsageError } from '../engine/errors.ts';
import { visibleLine } from '../engine/visible.ts';
import { domainOf, isAddress } from './address.ts';
import { listHeader, unsubscribeHeaders } from './headers.ts';
import type { RenderedMail } from './render.ts';

export interface MailOrder {
  /** Our address. */
  from: string;
  /** Where answers go, if not to `from`. */
  replyTo?: string;
  /** The name is what people call themselves: anything. */
  to: { name: string; address: string };
  date: Date;
  /** With the angle brackets, as all ids here. */
  messageId: string;
  inReplyTo?: string;
  references?: readonly string[];
  /** `replied`: answers a mail of a person. `generated`: nobody asked for it. (RFC 3834) */
  automatic: 'generated' | 'replied';
  /** For mails that can be ended: links of `https:` and `mailto:`, in this order of preference. */
  unsubscribe?: readonly string[];
  content: RenderedMail;
}

/** Nothing of it ends a header, quotes, or looks like an address of its own. */
const displayName = (name: string): string =>
  visibleLine(name)
    .replace(/["<>\\,;:@]/g, ' ')
    .trim()
    .slice(0, 60);

const localOf = (address: string): string => address.slice(0, address.lastIndexOf('@'));
const asciiDomainOf = (address: string): string => domainToASCII(domainOf(address));
const isPlainLocal = (local: string): boolean => /^[\x21-\x7e]+$/.test(local);

export const isPlainAddress = (address: string): boolean =>
  isAddress(address) && isPlainLocal(localOf(address)) && asciiDomainOf(address) !== '';

/**
 * The form that every server takes: a domain beyond ASCII in its ASCII form (RFC 5891). Throws `Undeliverable` for what is
 * no address, and for a name beyond ASCII before the "@": only servers with SMTPUTF8 (RFC 6531) take those, and one on the
 * way that does not loses the mail later, when nobody notices.
 */
export function plainAddress(address: string): string {
  const [local, domain] = [localOf(address), asciiDomainOf(address)];
  if (!isAddress(address) || domain === '') {
    throw new Undeliverable('The mail has no address that it could be sent to.', {
      code: 'bad_address',
      advice: 'Say `mail you@example.org` with an address of yours.',
    });
  }
  if (!isPlainLocal(local)) {
    throw new Undeliverable(
      `No mail was sent to ${visibleLine(address)}: there are letters before the "@" that many servers refuse.`,
      {
        code: 'bad_address',
        advice: 'Say `mail you@example.org` with an address that has only a-z, digits and signs before the "@".',
      },
    );
  }
  return `${local}@${domain}`;
}

/** A type from outside must not become a header of its own, or make a mail program run it. */
const mimeOf = (mime: string): string => (/^[\w.+-]+\/[\w.+-]+$/.test(mime) ? mime : 'application/octet-stream');

/** All of it is ASCII in lines of at most 998 characters that end with CRLF (RFC 5322 2.1.1, 2.3): no server need change it. */
export async function composeMail(order: MailOrder): Promise<Buffer> {
  const { content } = order;
  const composer = new MailComposer({
    from: { name: 'Keepsake', address: order.from },
    to: { name: displayName(order.to.name), address: plainAddress(order.to.address) },
    ...(order.replyTo === undefined ? {} : { replyTo: order.replyTo }),
    subject: content.subject,
    date: order.date,
    messageId: order.messageId,
    ...(order.inReplyTo === undefined ? {} : { inReplyTo: order.inReplyTo }),
    ...(order.references === undefined ? {} : { references: [...order.references] }),
    headers: [
      { key: 'Auto-Submitted', value: `auto-${order.automatic}` },
      // Exchange does not know RFC 3834.
      { key: 'X-Auto-Response-Suppress', value: 'All' },
      // Programs that answer for absent people pass over bulk. "list" would sort it among the mailing lists.
      { key: 'Precedence', value: 'bulk' },
      listHeader(order.from),
      ...unsubscribeHeaders(order.unsubscribe ?? []),
    ],
    text: content.text,
    html: content.html,
    attachments: content.parts.map((part) => ({
      filename: part.name,
      content: Buffer.from(part.bytes),
      contentType: mimeOf(part.mime),
      ...(part.cid === undefined ? {} : { cid: part.cid }),
    })),
    newline: 'win',
    // A reply carries its bytes; nothing in it may make us open a file or call an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}

/**
 * What the signature covers. One-click unsubscribing counts only when it covers both of its headers (RFC 8058 section 4), and
 * the library's own list lacks the second.
 */
const SIGNED =
  'From:Reply-To:Subject:Date:Message-ID:To:MIME-Version:Content-Type:Content-Transfer-Encoding:In-Reply-To:References:Auto-Submitted:Precedence:List-Id:List-Unsubscribe:List-Unsubscribe-Post';

/**
 * Signs mails (RFC 6376, rsa-sha256). Throws `UsageError` for what is no RSA key in PEM: the library would then send mails
 * without a signature and say nothing.
 */
export function dkimSigner(o: { domain: string; selector: string; key: string }): (mail: Buffer) => Promise<Buffer> {
  let type: string | undefined;
  try {
    type = createPrivateKey(o.key).asymmetricKeyType;
  } catch {
    // What the parser says may quote the key.
  }
  if (type !== 'rsa') {
    throw new UsageError('The file in MAIL_DKIM_KEY holds no RSA private key in PEM, so mails cannot be signed.', {
      code: 'bad_config',
      advice: 'Make one with: openssl genrsa -out dkim.pem 2048',
    });
  }
  const dkim = new Dkim({
    domainName: o.domain,
    keySelector: o.selector,
    privateKey: o.key,
    headerFieldNames: SIGNED,
  });
  return async (mail) => {
    const pieces: Buffer[] = [];
    for await (const piece of dkim.sign(mail)) pieces.push(piece as Buffer);
    const signed = Buffer.concat(pieces);
    if (!signed.subarray(0, 15).equals(Buffer.from('DKIM-Signature:'))) {
      throw new UsageError('The mail could not be signed with the key in MAIL_DKIM_KEY, so it was not sent.', {
        code: 'bad_config',
        advice: 'Make a new key, or remove MAIL_DKIM_KEY to send without a signature.',
      });
    }
    return signed;
  };
}
