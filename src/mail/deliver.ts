/** Sends messages by mail: a token in each that can be answered, the right conversation, and what to do when it is refused. */
import { readFile } from 'node:fs/promises';
import { Undeliverable, UsageError } from '../engine/errors.ts';
import type { MailConfig } from '../engine/mail-config.ts';
import type { Deliverer, MailServices } from '../engine/services.ts';
import type { OutboxMessage, Person, Reply } from '../engine/types.ts';
import { codeOf, mailtoLink, messageIdOf, taggedAddress } from './address.ts';
import { threadReference } from './carried.ts';
import { composeMail, dkimSigner, plainAddress } from './compose.ts';
import { answerSubject, plainMessageId, threadOf } from './headers.ts';
import type { MailAuth } from './oauth.ts';
import { type MailLook, type RenderedMail, renderMail, subjectOf } from './render.ts';
import { createSmtp, type Smtp } from './smtp.ts';

export interface MailDelivererOrder {
  config: MailConfig;
  services: Pick<MailServices, 'vault' | 'tokens' | 'threads' | 'bounced' | 'clock' | 'log' | 'zone'>;
  auth: MailAuth;
  /** Where this Keepsake is reached from outside; pages are linked only over https. */
  url?: string;
}

/** What travels in one message; the same each time it is sent, so that a second copy is known as one. */
interface MailTokens {
  reply: string;
  unsubscribe?: string;
}

/** Where it goes, or `Undeliverable` with the way out. */
function recipientOf({ address, answers }: OutboxMessage, { name, identities }: Person): string {
  if (address !== undefined) return address;
  const mails = identities.filter(({ surface }) => surface === 'mail');
  const asked = mails.find(({ id }) => id === answers?.to);
  const newest = asked ?? mails.findLast(({ refused }) => !refused);
  if (newest) return newest.id;
  const [last] = mails;
  throw new Undeliverable(
    last?.refused
      ? `Every mail address of ${name} is refused by its server (${last.id}: ${last.refused.why}).`
      : `There is no mail address of ${name}.`,
    { code: 'no_address', advice: 'Say `mail you@example.org` with an address that works.' },
  );
}

/** "yes 1a2b3c4d" of a message that asks something. */
function questionOf({ data, blocks }: Reply): string | undefined {
  const line = typeof data === 'object' && data !== null && 'confirm' in data ? data.confirm : undefined;
  const asked = blocks.some((block) => block.kind === 'choices' && block.choices.some((one) => one.line === line));
  return typeof line === 'string' && asked ? line : undefined;
}

/** What is asked, as the page shows it where it is answered by a click. */
const askedIn = ({ title, blocks }: Reply): string =>
  [title, ...blocks.flatMap((block) => (block.kind === 'text' ? block.text : []))].join('\n');

/** Mails that come by themselves can be ended; an answer, or a question about the address, cannot. */
const canEnd = ({ answers, address, about, key }: OutboxMessage): boolean =>
  !answers && address === undefined && (about?.plan !== undefined || key.startsWith('digest:'));

const withoutPictures = (reply: Reply): Reply => ({
  ...reply,
  blocks: [
    ...reply.blocks.filter(({ kind }) => kind !== 'image' && kind !== 'file'),
    {
      kind: 'text',
      text: 'The pictures and files of this mail were left out: the mail server takes no mail of that size.',
    },
  ],
});

const isUndeliverable = (error: unknown, code: string): error is Undeliverable =>
  error instanceof Undeliverable && error.code === code;

/** Throws `UsageError` where the key cannot be read. */
async function readSigner(dkim: NonNullable<MailConfig['dkim']>): Promise<(mail: Buffer) => Promise<Buffer>> {
  let key: string;
  try {
    key = await readFile(dkim.keyFile, 'utf8');
  } catch (cause) {
    throw new UsageError(`The key in MAIL_DKIM_KEY (${dkim.keyFile}) cannot be read, so no mail is sent.`, {
      code: 'bad_config',
      advice: 'Give the user that runs Keepsake the right to read it, or remove MAIL_DKIM_KEY.',
      cause,
    });
  }
  return dkimSigner({ domain: dkim.domain, selector: dkim.selector, key });
}

const vaultId = ({ id }: OutboxMessage): string => `mail/${id}`;

export function createMailDeliverer({ config, services, auth, url }: MailDelivererOrder): Deliverer & {
  close(): Promise<void>;
} {
  const { vault, tokens, threads, clock, log } = services;
  const { from } = config;
  const web = url?.startsWith('https:') ? url : undefined;
  /** Somebody reads what is answered. */
  const read = config.imap !== undefined || config.listen !== undefined;
  let smtp: Smtp | undefined;
  let signer: ReturnType<typeof readSigner> | undefined;

  const server = (): Smtp => {
    if (!config.smtp) {
      throw new UsageError('There is no mail server to send with.', { code: 'no_smtp', advice: 'Set SMTP_URL.' });
    }
    smtp ??= createSmtp({ ...auth, server: config.smtp, from, clock });
    return smtp;
  };

  async function signed(mail: Buffer): Promise<Buffer> {
    if (!config.dkim) return mail;
    signer ??= readSigner(config.dkim).catch((error: unknown) => {
      signer = undefined;
      throw error;
    });
    return (await signer)(mail);
  }

  /** Undefined where nobody has proved the address yet, or nobody would read the answer. */
  async function tokensOf(message: OutboxMessage, to: Person): Promise<MailTokens | undefined> {
    if (message.address !== undefined || !(read || web)) return undefined;
    const kept = await vault.get(vaultId(message));
    if (kept !== undefined) return JSON.parse(kept) as MailTokens;
    const about = message.about ?? message.reply.about;
    const confirm = questionOf(message.reply);
    const opened: MailTokens = {
      reply: await tokens.reply({
        person: to.id,
        ...(about === undefined ? {} : { about }),
        ...(confirm === undefined ? {} : { confirm, question: askedIn(message.reply) }),
      }),
      ...(canEnd(message)
        ? {
            unsubscribe: await tokens.unsubscribe({
              person: to.id,
              ...(about?.plan === undefined ? {} : { plan: about.plan }),
            }),
          }
        : {}),
    };
    await vault.put(vaultId(message), JSON.stringify(opened));
    return opened;
  }

  /** HTTPS first: it is the one that mail programs offer as a button. */
  function endsOf({ reply, unsubscribe }: MailTokens): string[] {
    if (unsubscribe === undefined) return [];
    const mail = config.tags
      ? `mailto:${taggedAddress(from, 'u', unsubscribe)}?subject=stop%20reports`
      : mailtoLink({ to: from, subject: 'stop reports', line: 'stop reports', code: codeOf(reply) });
    return [...(web ? [`${web}/mail/unsubscribe/${unsubscribe}`] : []), ...(read ? [mail] : [])];
  }

  function lookOf(
    message: OutboxMessage,
    to: Person,
    carried: MailTokens | undefined,
  ): { look: MailLook; replyTo?: string } {
    const zone = to.zone ?? services.zone;
    if (!carried) return { look: { zone } };
    const replyTo = config.tags ? taggedAddress(from, 'r', carried.reply) : from;
    const [unsubscribe] = endsOf(carried);
    const question = web !== undefined && questionOf(message.reply) !== undefined;
    const subject = answerSubject(message.answers?.subject ?? subjectOf(message.reply));
    return {
      look: {
        zone,
        ...(read ? { answer: { to: replyTo, subject, code: codeOf(carried.reply) } } : {}),
        ...(unsubscribe === undefined ? {} : { unsubscribe }),
        ...(question ? { confirm: `${web}/mail/confirm/${carried.reply}` } : {}),
      },
      ...(read ? { replyTo } : {}),
    };
  }

  const deliverTo = async (address: string, message: OutboxMessage, to: Person, signal: AbortSignal): Promise<void> => {
    const recipient = plainAddress(address);
    const carried = await tokensOf(message, to);
    const messageId = carried ? messageIdOf(carried.reply, from) : plainMessageId(message.id, from);
    const about = message.about ?? message.reply.about;
    const { look, replyTo } = lookOf(message, to, carried);
    const bytesOf = async (reply: Reply): Promise<Buffer> => {
      const rendered = renderMail(reply, look);
      const content: RenderedMail = message.answers
        ? { ...rendered, subject: answerSubject(message.answers.subject) }
        : rendered;
      return signed(
        await composeMail({
          from,
          ...(replyTo === undefined ? {} : { replyTo }),
          to: { name: to.name, address },
          date: clock.now(),
          messageId,
          ...threadOf({ ...message, ...(about === undefined ? {} : { about }) }, messageId, from),
          automatic: message.answers ? 'replied' : 'generated',
          unsubscribe: carried ? endsOf(carried) : [],
          content,
        }),
      );
    };
    // Before it leaves: a bounce can be back sooner than we are.
    const reference = threadReference(messageId);
    await threads.keep({
      id: `mail/${reference}`,
      surface: 'mail',
      reference,
      ...about,
      person: to.id,
      posted: clock.now().toISOString(),
    });
    const send = async (reply: Reply): Promise<void> =>
      server().send({ from, to: recipient, mail: await bytesOf(reply), signal });
    try {
      await send(message.reply);
    } catch (error) {
      if (!isUndeliverable(error, 'too_large')) throw error;
      log('warn', 'mail.too_large', { message: message.id });
      await send(withoutPictures(message.reply));
    }
  };

  /** An address that its server refuses is told to its person, where else they are. */
  const deliverOrTell = async (
    address: string,
    message: OutboxMessage,
    to: Person,
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      await deliverTo(address, message, to, signal);
    } catch (error) {
      if (!isUndeliverable(error, 'address_refused')) throw error;
      await services.bounced({ address, why: error.message });
      const { code, advice } = error;
      throw new Undeliverable(`${address} is refused by its server: ${error.message}`, { code, advice, cause: error });
    }
  };

  return {
    surface: 'mail',
    async deliver(message, to, signal) {
      signal.throwIfAborted();
      try {
        await deliverOrTell(recipientOf(message, to), message, to, signal);
      } catch (error) {
        if (error instanceof Undeliverable) await vault.remove(vaultId(message));
        throw error;
      }
      await vault.remove(vaultId(message));
    },
    async close() {
      smtp?.close();
    },
  };
}
