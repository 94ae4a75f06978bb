/** Somebody with a mailbox: reads what came, answers it as their mail program does, presses links in it. */
import type { Signature } from './dkim.ts';
import { signDkim } from './dkim.ts';
import type { Delivery, PostOffice } from './post-office.ts';
import { type Language, replySubject, type Style, writeReply } from './quote.ts';
import { type AwayStyle, awayHeaders, awaySubject, type BounceOrder, writeBounce } from './robots.ts';
import { readMailto, type SeenMail, seeMail } from './seen.ts';
import { type Address, type Attached, type Letter, writeLetter } from './write.ts';

/** Real time for what a busy machine does soon. */
const PATIENCE = 15_000;

/** What can be different about any mail that is sent. */
export interface Manner {
  /** Signed by the sender's domain (the default), not at all, or by another domain; or with `l=`. */
  dkim?: boolean | string | Signature;
  /** Below the usual headers; a name may be one that is there already. */
  headers?: readonly (readonly [string, string])[];
  /** In place of the own address and name in From; the signature stays the own domain's. */
  from?: Address;
  /** MAIL FROM; the own address. */
  envelopeFrom?: string;
  messageId?: string;
  date?: Date;
  /** Changes the mail on its way, after it was signed. */
  alter?: (raw: string) => string;
}

export interface Sending extends Manner {
  to: string | readonly string[];
  subject?: string;
  text?: string;
  html?: string;
  attachments?: readonly Attached[];
  inReplyTo?: string;
  references?: readonly string[];
  /** The whole mail as it is, in place of all of the above; not signed unless `dkim` is given. */
  raw?: string | Uint8Array;
}

export interface Replying extends Manner {
  /** `gmail` */
  style?: Style;
  /** `en` */
  language?: Language;
  /** Below what was said. */
  signature?: string;
  /** In place of Reply-To. */
  to?: string;
  subject?: string;
  /** In-Reply-To and References are left out, as some programs do. */
  withoutThread?: boolean;
  /** Nothing is quoted. */
  withoutQuote?: boolean;
  attachments?: readonly Attached[];
}

/** A mail that left; can be delivered again as it is. */
export interface Sent extends Delivery {
  messageId: string;
  /** Why it was not taken. */
  refused?: string;
}

export interface Person {
  readonly address: string;
  readonly name: string;
  /** In the order in which they came. */
  inbox(): Promise<SeenMail[]>;
  /** The first mail that it has not given before; waits for it. */
  next(is?: (mail: SeenMail) => boolean): Promise<SeenMail>;
  send(mail: Sending): Promise<Sent>;
  reply(mail: SeenMail, said: string, o?: Replying): Promise<Sent>;
  /** Opens a mailto link of the mail and sends what it has filled in. Throws when there is no such link. */
  press(mail: SeenMail, label: string | RegExp, o?: Manner & { signature?: string }): Promise<Sent>;
  /** As the mail program's own button does, by List-Unsubscribe's mailto. */
  unsubscribe(mail: SeenMail, o?: Manner): Promise<Sent>;
  /** `attached`: as message/rfc822; otherwise its text below a line. */
  forward(mail: SeenMail, o?: Manner & { to?: string; said?: string; attached?: boolean }): Promise<Sent>;
  /** What the person's server says about a mail to them that it could not deliver. */
  bounce(mail: SeenMail, o?: BounceOrder & Manner): Promise<Sent>;
  outOfOffice(mail: SeenMail, o?: Manner & { style?: AwayStyle; language?: string }): Promise<Sent>;
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();
/** Text that is already Latin-1 for bytes stays so. */
const rawText = (raw: string | Uint8Array): string =>
  typeof raw === 'string'
    ? Buffer.from(raw.replace(/\r?\n/g, '\r\n')).toString('latin1')
    : Buffer.from(raw).toString('latin1');

function signatureOf(dkim: Manner['dkim'], domain: string): Signature | undefined {
  if (dkim === false) return undefined;
  if (dkim === undefined || dkim === true) return { domain };
  return typeof dkim === 'string' ? { domain: dkim } : dkim;
}

export function createPerson(office: PostOffice, name: string, address: string): Person {
  const domain = domainOf(address);
  const box = () => office.imap.account(address).mailbox('INBOX');
  const parsed = new Map<number, Promise<SeenMail>>();
  const given = new Set<number>();
  const see = (uid: number, raw: Buffer): Promise<SeenMail> => {
    const known = parsed.get(uid) ?? seeMail(uid, raw);
    parsed.set(uid, known);
    return known;
  };
  const inbox = (): Promise<SeenMail[]> =>
    Promise.all(
      box()
        .mails()
        .map(({ uid, raw }) => see(uid, raw)),
    );

  async function post(raw: string, to: readonly string[], o: Manner, messageId: string): Promise<Sent> {
    const signature = signatureOf(o.dkim, domain);
    const signed = signature ? signDkim(raw, signature) : raw;
    const altered = o.alter ? o.alter(signed) : signed;
    const delivery: Delivery = {
      raw: Buffer.from(altered, 'latin1'),
      from: o.envelopeFrom ?? address,
      to,
      via: domain,
      ...(signature && altered === signed ? { signedBy: signature.domain } : {}),
    };
    const refused = await office.deliver(delivery);
    return { ...delivery, messageId, ...(refused === undefined ? {} : { refused }) };
  }

  const common = (o: Manner): Pick<Letter, 'from' | 'date' | 'messageId' | 'headers'> => ({
    from: o.from ?? { name, address },
    date: o.date ?? office.clock.now(),
    messageId: o.messageId ?? office.newMessageId(domain),
    headers: o.headers,
  });

  function send(o: Sending): Promise<Sent> {
    const to = typeof o.to === 'string' ? [o.to] : o.to;
    if (o.raw !== undefined) return post(rawText(o.raw), to, { ...o, dkim: o.dkim ?? false }, o.messageId ?? '');
    const { raw: _raw, ...rest } = o;
    const letter: Letter = { ...rest, ...common(o), to, subject: o.subject ?? '' };
    return post(writeLetter(letter), to, o, letter.messageId);
  }

  function reply(mail: SeenMail, said: string, o: Replying = {}): Promise<Sent> {
    const { style = 'gmail', language = 'en' } = o;
    const words = o.signature === undefined ? said : `${said}\n\n${o.signature}`;
    const original = { ...mail, to: mail.to.join(', ') };
    const written = o.withoutQuote ? { text: `${words}\n` } : writeReply(words, original, style, language);
    const letter: Letter = {
      ...common(o),
      to: [o.to ?? mail.replyTo],
      subject: o.subject ?? replySubject(mail.subject, style, language),
      ...written,
      attachments: o.attachments,
      ...(o.withoutThread
        ? {}
        : { inReplyTo: mail.messageId, references: [...new Set([...mail.references, mail.messageId])] }),
      encoding: style.startsWith('outlook') || style === 'html-only' ? 'base64' : 'quoted-printable',
      isFlowed: style === 'thunderbird' || style === 'bottom',
    };
    return post(writeLetter(letter), letter.to, o, letter.messageId);
  }

  function robot(letter: Letter, o: Manner, raw = writeLetter(letter)): Promise<Sent> {
    return post(raw, letter.to, { envelopeFrom: '', ...o }, letter.messageId);
  }
  const envelopeFrom = (mail: SeenMail): string => (mail.header('return-path') ?? '').replace(/^<|>$/g, '');

  return {
    address,
    name,
    inbox,
    send,
    reply,
    async next(is = () => true) {
      let wake = (): void => {};
      const stop = box().listen(() => wake());
      const timeout = AbortSignal.timeout(PATIENCE);
      try {
        for (;;) {
          const changed = new Promise<void>((resolve, reject) => {
            wake = resolve;
            timeout.onabort = () => reject(new Error(`no such mail came to ${address} in ${PATIENCE / 1000} s`));
          });
          const found = (await inbox()).find((mail) => !given.has(mail.uid) && is(mail));
          if (found) {
            given.add(found.uid);
            return found;
          }
          await changed;
        }
      } finally {
        timeout.onabort = null;
        stop();
      }
    },
    press(mail, label, o = {}) {
      const link = mail.links.find((one) => (typeof label === 'string' ? one.label === label : label.test(one.label)));
      if (!link) {
        throw new Error(
          `"${mail.subject}" has no link ${label}, only: ${mail.links.map((one) => one.label).join(', ')}`,
        );
      }
      const text = o.signature === undefined ? link.body : `${link.body}\r\n\r\n${o.signature}`;
      return send({ ...o, to: link.to, subject: link.subject, text: `${text}\r\n` });
    },
    unsubscribe(mail, o = {}) {
      const { mailto } = mail.unsubscribe;
      if (mailto === undefined) throw new Error(`"${mail.subject}" has no mailto address in List-Unsubscribe`);
      const { to, subject, body } = readMailto(mailto);
      return send({ ...o, to, subject: subject === '' ? 'unsubscribe' : subject, text: body });
    },
    forward(mail, o = {}) {
      const said = o.said ?? '';
      const to = o.to ?? office.own;
      const subject = `Fwd: ${mail.subject}`;
      if (o.attached) {
        const eml = { name: `${mail.subject}.eml`, mime: 'message/rfc822', bytes: mail.raw };
        return send({ ...o, to, subject, text: said, attachments: [eml] });
      }
      const head = [
        '---------- Forwarded message ---------',
        `From: ${mail.from.name} <${mail.from.address}>`,
        `Date: ${mail.date.toUTCString()}`,
        `Subject: ${mail.subject}`,
        `To: ${mail.to.map((one) => `<${one}>`).join(', ')}`,
      ];
      return send({ ...o, to, subject, text: `${said}\n\n${head.join('\n')}\n\n\n${mail.text}` });
    },
    bounce(mail, o = {}) {
      const letter: Letter = {
        ...common(o),
        from: { name: 'Mail Delivery System', address: `MAILER-DAEMON@${domain}` },
        to: [envelopeFrom(mail)],
        subject: 'Undelivered Mail Returned to Sender',
      };
      return robot(letter, o, writeBounce(letter, mail, address, o));
    },
    outOfOffice(mail, o = {}) {
      const { style = 'rfc', language = 'en' } = o;
      const letter: Letter = {
        ...common(o),
        // RFC 3834 section 4: to the return path. Others use Reply-To like any reply.
        to: [style === 'rfc' ? envelopeFrom(mail) : mail.replyTo],
        subject: awaySubject(mail.subject, language),
        text: 'I am out of the office until Monday and will not read my mail.\n',
        headers: [...awayHeaders(style), ...(o.headers ?? [])],
        inReplyTo: mail.messageId,
        references: [mail.messageId],
      };
      return robot(letter, { ...o, envelopeFrom: o.envelopeFrom ?? (style === 'subject' ? address : '') });
    },
  };
}
