/** Takes the mails that come in: who wrote it, what they said, whether it may be done, and the answer into the same thread. */
import { createHash } from 'node:crypto';
import { isKeepsakeError, QuotaExceeded, RetryLater } from '../engine/errors.ts';
import type { MailServices, ReplyToken } from '../engine/services.ts';
import type { Caller, MailAnswered, Person, Reply } from '../engine/types.ts';
import { sizeWords } from '../engine/wording.ts';
import { isAddress, readCodes, readMessageId, readTagged } from './address.ts';
import { addReply, asOneAnswer, cutOff, isRepeated, isRunCard } from './answer.ts';
import { archiveName, keepForwarded } from './archive.ts';
import { automatic } from './automatic.ts';
import { bounceOf } from './bounce.ts';
import { isForward } from './forward.ts';
import type { ParsedMail, RawMail, Sender, Taken } from './mail.ts';
import { newMailLine, replyLine } from './reply.ts';
import { introduces, verdictOf } from './trust.ts';

export interface InboxOrder {
  /** Our address. */
  from: string;
  listId: string;
  /** Folder for forwarded mails. */
  archive: string;
  services: MailServices;
  parse(mail: RawMail, o: { signal: AbortSignal }): Promise<ParsedMail>;
  authenticate(mail: RawMail, o: { signal: AbortSignal }): Promise<Sender>;
}

export interface Inbox {
  /** Resolves when the mail is done with and its answer is in the outbox. Throws `RetryLater` to be given it again later. */
  take(mail: RawMail, signal: AbortSignal): Promise<Taken>;
}

/** Answers per address and hour: to somebody who has proved themselves, and to anybody else. */
const ANSWERS = { proved: 30, other: 5 };
/** What takes longer is announced. */
const PATIENCE = 60_000;
/** Tokens are looked up one by one; a mail that quotes a hundred of ours is not an answer. */
const MOST_TOKENS = 10;

const surface = 'mail';

/** The same mail has the same key, whoever delivers it how often; another sender cannot take its place. */
const keyOf = (mail: ParsedMail, raw: RawMail, address: string): string => {
  const id = mail.messageId ?? createHash('sha256').update(raw.bytes).digest('hex');
  return createHash('sha256').update(`${address}\0${id}`).digest('hex').slice(0, 40);
};

/** Every token that the mail carries: in the address it was sent to, in what it answers, in the small print that it quotes. */
function tokensIn(mail: ParsedMail): string[] {
  const tagged = mail.recipients.map(readTagged).filter((tag) => tag?.use === 'r');
  const thread = [mail.inReplyTo, ...mail.references.toReversed()].map((id) => (id ? readMessageId(id) : undefined));
  const codes = readCodes(`${mail.text ?? ''}\n${mail.html ?? ''}`);
  const all = [...tagged.map((tag) => tag?.token), ...thread, ...codes];
  return [...new Set(all.filter((token) => token !== undefined))].slice(0, MOST_TOKENS);
}

const unsubscribeToken = (mail: ParsedMail): string | undefined =>
  mail.recipients.map(readTagged).find((tag) => tag?.use === 'u')?.token;

export function createInbox(order: InboxOrder): Inbox {
  const { from, services, archive } = order;
  const { clock, log } = services;
  /** Mails in hand, so that one that is handed over twice at once is worked once. */
  const inHand = new Map<string, Promise<Taken>>();

  const isOurs = (mail: ParsedMail): boolean =>
    mail.recipients.some((address) => address === from || readTagged(address)?.base === from);

  /** The first that is this person's; else the first at all, so that a stolen one can be told from none. */
  async function tokenOf(mail: ParsedMail, person: Person | undefined): Promise<ReplyToken | undefined> {
    let other: ReplyToken | undefined;
    for (const token of tokensIn(mail)) {
      const found = await services.tokens.findReply(token);
      if (found && found.person === person?.id) return found;
      other ??= found;
    }
    return other;
  }

  async function ignore(line: string, why: string, person?: Person): Promise<Taken> {
    await services.turnedAway({ ...(person ? { person } : {}), surface, line, why });
    return 'ignored';
  }

  /** A bounce counts only for a message that we sent, to the address that we sent it to: anybody can write one. */
  async function bounce(mail: ParsedMail): Promise<Taken | undefined> {
    const report = bounceOf(mail);
    if (!report) return undefined;
    const thread = report.original === undefined ? undefined : await services.threads.at(surface, report.original);
    const address = report.recipient?.toLowerCase();
    const person = address === undefined ? undefined : await services.known({ surface, id: address });
    if (!thread || !address || !person || thread.person !== person.id) {
      log('info', 'mail.bounce_unknown', { status: report.status });
      return 'ignored';
    }
    if (report.hard) await services.bounced({ address, why: report.why });
    else log('warn', 'mail.bounce_soft', { address, status: report.status });
    return 'done';
  }

  async function unsubscribe(mail: ParsedMail): Promise<Taken | undefined> {
    const token = unsubscribeToken(mail);
    if (token === undefined) return undefined;
    const found = await services.tokens.findUnsubscribe(token);
    if (!found) return ignore('unsubscribe', 'an unsubscribe address that is not known');
    await services.endMails(found);
    return 'done';
  }

  const answered = (mail: ParsedMail, to: string): MailAnswered => ({
    id: mail.messageId ?? '',
    references: mail.references.slice(-20),
    subject: mail.subject,
    to,
  });

  async function answer(person: Person, key: string, reply: Reply, mail: ParsedMail, to: string): Promise<boolean> {
    const message = services.message(person, surface, `mail:${key}`, reply, reply.about, {
      answers: answered(mail, to),
    });
    return services.send(message);
  }

  /** Works the line to its end, or to the point from which a report tells the rest. */
  async function work(line: string, caller: Caller, announce: (reply: Reply) => Promise<void>): Promise<Reply[]> {
    let replies: Reply[] = [];
    let announced = false;
    const began = clock.now().getTime();
    for await (const reply of services.dispatch(line, caller)) {
      replies = addReply(replies, reply);
      if (isRunCard(reply)) break;
      if (!announced && reply.tone === 'busy' && clock.now().getTime() - began > PATIENCE) {
        announced = true;
        await announce({
          ...reply,
          blocks: [...reply.blocks, { kind: 'text', text: 'I write again when it is done.' }],
        });
      }
    }
    return replies;
  }

  async function say(
    mail: ParsedMail,
    key: string,
    line: string,
    caller: Omit<Caller, 'key' | 'surface' | 'zone' | 'signal'> & { signal: AbortSignal },
    to: string,
  ): Promise<Taken> {
    const { person } = caller;
    const announce = async (reply: Reply): Promise<void> => {
      await answer(person, `${key}/0`, asOneAnswer([reply]) ?? reply, mail, to);
    };
    const replies = await work(line, { ...caller, key, surface, zone: person.zone ?? services.zone }, announce);
    // What was said may have made them known, or forgotten.
    const now = await services.known({ surface, id: to });
    if (!now) return 'ignored';
    const [first] = replies;
    if (first && isRepeated(first)) {
      return (await answer(now, key, cutOff, mail, to)) ? 'answered' : 'done';
    }
    const one = asOneAnswer(replies);
    if (!one) return 'done';
    await answer(now, key, one, mail, to);
    return 'answered';
  }

  /** Somebody unknown may say a code, and is answered only if it was right. */
  async function introduce(mail: ParsedMail, raw: RawMail, sender: Sender, signal: AbortSignal): Promise<Taken> {
    const { address } = sender;
    const line = newMailLine(mail) ?? '';
    if (address === undefined || !introduces(line))
      return ignore('', `nobody is known at ${address ?? 'that address'}`);
    if (!sender.verified) return ignore('', `not proved to be from ${address}: ${sender.why}`);
    const { name = '' } = mail.from[0] ?? {};
    const person = await services.person({ surface, id: address }, { name: name.trim().slice(0, 80) || address });
    return say(mail, keyOf(mail, raw, address), line, { person, alone: true, signal }, address);
  }

  async function forwarded(mail: ParsedMail, raw: RawMail, key: string, person: Person, to: string): Promise<Taken> {
    const what = { received: raw.received, subject: mail.subject, bytes: raw.bytes };
    try {
      await keepForwarded(archive, person, what);
    } catch (error) {
      if (!(error instanceof QuotaExceeded)) throw error;
      const { message, advice } = error;
      const full: Reply = { tone: 'bad', title: message, blocks: [{ kind: 'text', text: advice }], outcome: 'failed' };
      await answer(person, key, full, mail, to);
      return 'answered';
    }
    const kept: Reply = {
      tone: 'good',
      title: 'Kept: the mail you forwarded.',
      blocks: [{ kind: 'text', text: `It lies as ${archiveName(what)} in the archive of this Keepsake.` }],
    };
    return (await answer(person, key, kept, mail, to)) ? 'answered' : 'done';
  }

  /** A plain "yes" to a mail that asks means its question, not another one that is open somewhere. */
  const meant = (line: string, token: ReplyToken | undefined): string => {
    if (token?.confirm === undefined || !/^(yes|no)[\s.!]*$/i.test(line)) return line;
    return token.confirm.replace(/^yes\b/i, /^yes/i.test(line) ? 'yes' : 'no');
  };

  async function command(mail: ParsedMail, raw: RawMail, sender: Sender, signal: AbortSignal): Promise<Taken> {
    const { address } = sender;
    const person = address === undefined ? undefined : await services.known({ surface, id: address });
    const token = await tokenOf(mail, person);
    if (!person && !token) return introduce(mail, raw, sender, signal);
    // Somebody's own mailbox: what they write to themselves is not meant for us unless it answers us.
    if (person && !token && (await services.known({ surface, id: from }))) return 'ignored';
    const said = (token ? replyLine(mail) : newMailLine(mail)) ?? '';
    const verdict = verdictOf({
      sender,
      ...(person ? { person } : {}),
      ...(token ? { token } : {}),
      ...(mail.date === undefined ? {} : { date: mail.date }),
      received: raw.received,
    });
    if ('refused' in verdict || !person || address === undefined) {
      return ignore(said, 'refused' in verdict ? verdict.refused : 'nobody known', person);
    }
    const proved = verdict.proof.verified && verdict.proof.token !== undefined;
    if (!(await services.allow({ address, most: proved ? ANSWERS.proved : ANSWERS.other }))) {
      return ignore(said, `more than ${proved ? ANSWERS.proved : ANSWERS.other} mails in an hour`, person);
    }
    const key = keyOf(mail, raw, address);
    if (isForward(mail) && sender.verified) return forwarded(mail, raw, key, person, address);
    const about = token?.about;
    return say(
      mail,
      key,
      said === '' ? 'help' : meant(said, token),
      {
        person,
        conversation: `${surface}:${address}`,
        alone: true,
        ...(about === undefined ? {} : { about }),
        proof: verdict.proof,
        signal,
      },
      address,
    );
  }

  async function read(raw: RawMail, signal: AbortSignal): Promise<Taken> {
    let mail: ParsedMail;
    try {
      mail = await order.parse(raw, { signal });
    } catch (error) {
      if (signal.aborted || !isKeepsakeError(error) || error instanceof RetryLater) throw error;
      return ignore('', error.message);
    }
    if (!isOurs(mail)) return 'ignored';
    if (raw.tooLarge !== undefined) {
      return ignore(
        '',
        `a mail of ${sizeWords(raw.tooLarge)} from ${mail.from[0]?.address ?? 'nobody'}: too large to be read`,
      );
    }
    const robot = (await bounce(mail)) ?? (await unsubscribe(mail));
    if (robot) return robot;
    const why = automatic(mail, { listId: order.listId, addresses: [from] });
    if (why !== undefined) {
      log('info', 'mail.automatic', { why });
      return 'ignored';
    }
    const claimed = mail.from[0]?.address ?? '';
    if (!isAddress(claimed)) return 'ignored';
    return command(mail, raw, await order.authenticate(raw, { signal }), signal);
  }

  return {
    take(raw, signal) {
      const id = createHash('sha256').update(raw.bytes).digest('hex');
      const working =
        inHand.get(id) ??
        read(raw, signal).finally(() => {
          inHand.delete(id);
        });
      inHand.set(id, working);
      return working;
    },
  };
}
