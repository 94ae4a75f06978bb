/** Takes the mails that come in: who wrote it, what they said, whether it may be done, and the answer into the same thread. */
import { createHash } from 'node:crypto';
import { isKeepsakeError, QuotaExceeded, RetryLater } from '../engine/errors.ts';
import type { MailServices, ReplyToken } from '../engine/services.ts';
import type { Caller, Person, Reply } from '../engine/types.ts';
import { sizeWords } from '../engine/wording.ts';
import { domainOf, isAddress } from './address.ts';
import {
  addReply,
  answerToTalk,
  asLast,
  asOneAnswer,
  cutOff,
  isRepeated,
  isRunCard,
  keptAs,
  notForViewers,
} from './answer.ts';
import { keepForwarded } from './archive.ts';
import { asciiDomain } from './authenticate/from.ts';
import { automatic } from './automatic.ts';
import { answeredBy, isAddressed, isOurs, keyOf, tokensIn } from './carried.ts';
import { isForward } from './forward.ts';
import type { ParsedMail, RawMail, Sender, Taken } from './mail.ts';
import { newMailLine, replyLine } from './reply.ts';
import { takeRobot } from './robot.ts';
import { answerIn } from './said.ts';
import { introduces, verdictOf } from './trust.ts';
import { createTurns } from './turns.ts';

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

/** Answers per address and hour, by what its mails prove; whoever forges it does not use up what the real one has. */
const ANSWERS = { proved: 30, verified: 5, token: 5 };
/** Answers per address and hour to what is no command: two robots that answer each other say nothing else. */
const LOST = 5;
/**
 * Mails per hour with the code of somebody unknown: of one domain, and of all. Less than the wrong codes that close the
 * door to codes for everybody (`engine/people/codes.ts`), or anybody with a domain could keep it closed.
 */
const STRANGERS = { domain: 5, all: 20 };
/** What takes longer is announced. */
const PATIENCE = 60_000;

const surface = 'mail';

export function createInbox(order: InboxOrder): Inbox {
  const { from, services, archive } = order;
  const { clock, log } = services;
  /** Mails in hand, so that one that is handed over twice at once is worked once. */
  const inHand = new Map<string, Promise<Taken>>();
  const turns = createTurns(services);

  /** Under any of the two forms that its domain can be written in. */
  async function whoIs(address: string): Promise<Person | undefined> {
    const known = await services.known({ surface, id: address });
    const domain = asciiDomain(domainOf(address));
    if (known || domain === undefined) return known;
    return services.known({ surface, id: `${address.slice(0, address.lastIndexOf('@'))}@${domain}` });
  }

  /**
   * The first that is this person's; else the first at all, so that a stolen one can be told from none. What a forwarded
   * mail carries of others was quoted.
   */
  async function tokenOf(mail: ParsedMail, person: Person | undefined): Promise<ReplyToken | undefined> {
    let other: ReplyToken | undefined;
    for (const token of tokensIn(mail)) {
      const found = await services.tokens.findReply(token);
      if (found && found.person === person?.id) return found;
      other ??= found;
    }
    return person && isForward(mail) ? undefined : other;
  }

  async function ignore(line: string, why: string, person?: Person): Promise<Taken> {
    await services.turnedAway({ ...(person ? { person } : {}), surface, line, why });
    return 'ignored';
  }

  async function answer(person: Person, key: string, reply: Reply, mail: ParsedMail, to: string): Promise<boolean> {
    const message = services.message(person, surface, `mail:${key}`, reply, reply.about, {
      answers: answeredBy(mail, to),
    });
    return services.send(message);
  }

  /** A second copy, or a mailbox whose UIDs began anew: it counts nowhere, however many there are. */
  const isAnswered = (person: Person, key: string): Promise<boolean> =>
    services.isWritten(services.message(person, surface, `mail:${key}`, cutOff).id);

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
    said: string,
    caller: Omit<Caller, 'key' | 'surface' | 'zone' | 'signal'> & { signal: AbortSignal },
    to: string,
    asked?: string,
  ): Promise<Taken> {
    const { person } = caller;
    const announce = async (reply: Reply): Promise<void> => {
      await answer(person, `${key}/0`, asOneAnswer([reply]) ?? reply, mail, to);
    };
    const talk = answerToTalk(said, asked);
    const replies = talk
      ? [talk]
      : await work(said, { ...caller, key, surface, zone: person.zone ?? services.zone }, announce);
    // What was said may have made them known, or forgotten.
    const now = await services.known({ surface, id: to });
    if (!now) return 'ignored';
    const [first] = replies;
    if (first && isRepeated(first)) return (await answer(now, key, cutOff, mail, to)) ? 'answered' : 'done';
    const one = asOneAnswer(replies);
    if (!one) return 'done';
    const isLost = one.outcome === 'not_understood';
    const lost = { address: `lost ${to}`, key };
    const isLast = isLost && !(await services.allow({ ...lost, most: LOST - 1 }));
    if (isLast && !(await services.allow({ ...lost, most: LOST }))) {
      return ignore(said, `more than ${LOST} mails in an hour that say nothing to me`, now);
    }
    // Whoever mistyped answers the answer: what it was about is still meant.
    const about = one.about ?? (isLost ? caller.about : undefined);
    const reply = { ...(isLast ? asLast(one) : one), ...(about ? { about } : {}) };
    return (await answer(now, key, reply, mail, to)) ? 'answered' : 'done';
  }

  /** Somebody unknown may say a code, and is answered only if it was right. */
  async function introduce(mail: ParsedMail, raw: RawMail, sender: Sender, signal: AbortSignal): Promise<Taken> {
    const { address } = sender;
    const line = newMailLine(mail) ?? '';
    if (address === undefined) return ignore('', `no single sender: ${sender.why}`);
    if (!introduces(line)) return ignore('', `nobody is known at ${address}`);
    if (!sender.verified) return ignore('', `not proved to be from ${address}: ${sender.why}`);
    const key = keyOf(mail, raw, { address, verified: true });
    const domain = { address: `strangers of ${domainOf(address)}`, most: STRANGERS.domain, key };
    const all = { address: 'strangers', most: STRANGERS.all, key };
    if (!(await services.allow(domain)) || !(await services.allow(all)))
      return ignore('', `${address} is unknown, and too many who are have sent codes within an hour`);
    const { name = '' } = mail.from[0] ?? {};
    const person = await services.person({ surface, id: address }, { name: name.trim().slice(0, 80) || address });
    const caller = { person, alone: true, proof: { verified: true }, signal };
    return turns.of(key, () => say(mail, key, line, caller, address));
  }

  /** Kept, or why not. */
  async function keep(mail: ParsedMail, key: string, raw: RawMail, person: Person): Promise<Reply> {
    if (person.role === 'viewer') return notForViewers;
    const what = { date: mail.date ?? raw.received, subject: mail.subject, key, bytes: raw.bytes };
    try {
      return keptAs(await keepForwarded(archive, person, what));
    } catch (error) {
      if (!(error instanceof QuotaExceeded)) throw error;
      const { message, advice } = error;
      return { tone: 'bad', title: message, blocks: [{ kind: 'text', text: advice }], outcome: 'failed' };
    }
  }

  /** A plain "yes" to a mail that asks means its question, not another one that is open somewhere. */
  const meant = (line: string, token: ReplyToken | undefined): string => {
    const said = answerIn(line);
    return token?.confirm === undefined || said === undefined ? line : token.confirm.replace(/^yes\b/i, said);
  };

  async function command(mail: ParsedMail, raw: RawMail, signal: AbortSignal): Promise<Taken> {
    const claimed = mail.from[0]?.address ?? '';
    if (!isAddress(claimed)) return ignore('', 'it has no sender that can be read');
    const found = await tokenOf(mail, await whoIs(claimed));
    // Most of what comes to an address that is known is spam: its signature, and the name servers of its sender, are nothing to us.
    if (!(await whoIs(claimed)) && (found || !introduces(newMailLine(mail) ?? ''))) {
      return ignore('', found ? `${claimed} is nobody's address here` : `nobody is known at ${claimed}`);
    }
    const sender = await order.authenticate(raw, { signal });
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
      addressed: isAddressed(mail, from),
      ...(mail.date === undefined ? {} : { date: mail.date }),
      received: raw.received,
    });
    if ('refused' in verdict || !person || address === undefined) {
      return ignore(said, 'refused' in verdict ? verdict.refused : 'nobody known', person);
    }
    const { proof } = verdict;
    const key = keyOf(mail, raw, { address, verified: proof.verified });
    return turns.of(key, async () => {
      if (await isAnswered(person, key)) return 'done';
      const how = !proof.verified ? 'token' : proof.token === undefined ? 'verified' : 'proved';
      if (!(await services.allow({ address: `${how} ${address}`, most: ANSWERS[how], key }))) {
        return ignore(said, `more than ${ANSWERS[how]} mails in an hour`, person);
      }
      if (isForward(mail) && proof.verified) {
        const reply = await keep(mail, key, raw, person);
        return (await answer(person, key, reply, mail, address)) ? 'answered' : 'done';
      }
      const about = token?.about;
      return say(
        mail,
        key,
        meant(said, token),
        {
          person,
          conversation: `${surface}:${address}`,
          alone: true,
          ...(about === undefined ? {} : { about }),
          proof,
          signal,
        },
        address,
        token?.confirm,
      );
    });
  }

  async function read(raw: RawMail, signal: AbortSignal): Promise<Taken> {
    let mail: ParsedMail;
    try {
      mail = await order.parse(raw, { signal });
    } catch (error) {
      if (signal.aborted || !isKeepsakeError(error) || error instanceof RetryLater) throw error;
      return ignore('', error.message);
    }
    if (!isOurs(mail, from)) return 'ignored';
    if (raw.tooLarge !== undefined) {
      return ignore(
        '',
        `a mail of ${sizeWords(raw.tooLarge)} from ${mail.from[0]?.address ?? 'nobody'}: too large to be read`,
      );
    }
    const robot = await takeRobot(mail, services);
    if (robot) return robot;
    const why = automatic(mail, { listId: order.listId, addresses: [from] });
    if (why !== undefined) {
      log('info', 'mail.automatic', { why });
      return 'ignored';
    }
    return command(mail, raw, signal);
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
