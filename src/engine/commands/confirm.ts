/** Asks before something that cannot be taken back, and remembers what the answer "yes" is about and that it was given. */
import { randomBytes } from 'node:crypto';
import { Conflict, UsageError } from '../errors.ts';
import { pendingId } from '../people.ts';
import type { Services } from '../services.ts';
import type { Caller, Instant, Pending, Reply } from '../types.ts';
import { choice, choices, text } from './reply.ts';
import { deedWords, momentWords } from './who-did.ts';

/** Short enough that a forgotten button does nothing. */
const HALF_AN_HOUR = 30 * 60_000;
/** Mails are read in the evening. */
const A_DAY = 24 * 60 * 60_000;

const isMail = ({ surface }: Pick<Caller, 'surface'>): boolean => surface === 'mail';
/** Its buttons stay on the screen and are pressed again; so long they are told what became of it. */
const REMEMBERED = 24 * 60 * 60_000;

/** What a question keeps. */
interface Question {
  line: string;
  about?: Caller['about'];
  /** It can be answered until then; afterwards it only tells that it is over. */
  until: Instant;
  settled?: { answer: 'yes' | 'no'; at: Instant };
}

const questionOf = (pending: Pending): Question => pending.payload as unknown as Question;

export interface Confirmed {
  line: string;
  about?: Caller['about'];
}

const ANSWER = /^\/?(?:backup\s+)?(yes|no)(?:\s+([0-9a-z]{8}))?[\s.!]*$/i;

/** "yes", "no", each with or without the token of a button; undefined for any other line. */
export function answerOf(line: string): { yes: boolean; token?: string } | undefined {
  const match = ANSWER.exec(line.trim());
  if (!match) return undefined;
  const [, word, token] = match;
  return { yes: word?.toLowerCase() === 'yes', ...(token === undefined ? {} : { token: token.toLowerCase() }) };
}

type Needed = Pick<Services, 'store' | 'clock'>;

export async function askToConfirm(
  services: Needed,
  caller: Caller,
  line: string,
  question: { title: string; text: string; label: string },
): Promise<Reply> {
  // The same line said twice is one question, so that a plain "yes" stays clear.
  for (const pending of await open(services, caller)) {
    if (questionOf(pending).line === line) await services.store.remove('pending', pending.id);
  }
  const token = randomBytes(4).toString('hex');
  const now = services.clock.now().getTime();
  const expires = now + (isMail(caller) ? A_DAY : HALF_AN_HOUR);
  const waiting: Question = {
    line,
    ...(caller.about === undefined ? {} : { about: caller.about }),
    until: new Date(expires).toISOString(),
  };
  await services.store.put('pending', {
    id: pendingId(token),
    kind: 'confirm',
    person: caller.person.id,
    payload: { ...waiting },
    expires: new Date(expires + REMEMBERED).toISOString(),
  });
  return {
    tone: 'plain',
    title: question.title,
    blocks: [
      text(question.text),
      text(isMail(caller) ? 'Answer yes or no, within a day.' : 'Answer yes or no.'),
      ...choices(choice(question.label, `yes ${token}`, 'danger'), choice('No, leave it', `no ${token}`)),
    ],
    onlyForCaller: true,
    outcome: 'refused',
    data: { confirm: `yes ${token}`, line },
  };
}

/** Questions of this person that can still be answered; the newest is the one that can be answered longest. */
async function open(services: Needed, caller: Caller): Promise<Pending[]> {
  const now = services.clock.now().toISOString();
  const found: Pending[] = [];
  for await (const pending of services.store.find('pending', { index: 'person', equals: [caller.person.id] })) {
    if (pending.kind !== 'confirm') continue;
    const { until, settled } = questionOf(pending);
    if (settled === undefined && until > now) found.push(pending);
  }
  return found.sort((a, b) => (a.expires < b.expires ? -1 : 1));
}

/** Throws what became of a question of the caller's that can no longer be answered; of others' nothing is told. */
async function refuseOver(services: Needed, caller: Caller, token: string): Promise<void> {
  const pending = await services.store.get('pending', pendingId(token));
  if (pending?.kind !== 'confirm' || pending.person !== caller.person.id) return;
  const { line, until, settled } = questionOf(pending);
  const now = services.clock.now();
  const what = settled
    ? deedWords({ name: 'You', at: settled.at }, `answered this with ${settled.answer}`, caller.zone, now)
    : `This question could be answered until ${momentWords(until, caller.zone, now).replace(/^(?:at|on) /, '')}`;
  throw new UsageError(`${what}, so nothing was done now.`, {
    code: 'nothing_asked',
    advice: settled?.answer === 'yes' ? 'It is done once.' : 'Say it again if you still want it.',
    choices: [
      // Also of what was answered: a restart may have cut off what the yes began.
      ...(settled?.answer === 'yes' ? [{ label: 'My backups', line: 'list' }] : []),
      { label: 'Ask me again', line },
    ],
  });
}

async function asked(services: Needed, caller: Caller, token: string | undefined): Promise<Pending> {
  const waiting = await open(services, caller);
  const found = token === undefined ? waiting : waiting.filter((pending) => pending.id === pendingId(token));
  const [one] = found;
  if (!one && token !== undefined) await refuseOver(services, caller, token);
  if (one && found.length === 1) return one;
  if (found.length > 1) {
    throw new UsageError('Several questions wait for your answer, so nothing was done.', {
      code: 'which_question',
      advice: 'Use the button below the question you mean, or say its line again.',
    });
  }
  throw new UsageError('There is no question open, so nothing was done.', {
    code: 'nothing_asked',
    advice: `A question can be answered for ${isMail(caller) ? 'a day' : 'half an hour'}, once. Say the line again if you still want it.`,
  });
}

/**
 * What was confirmed, once: however often "yes" arrives, the line is handed out to one of them. Undefined for "no".
 * Throws `UsageError` when nothing waits for an answer.
 */
export async function settle(
  services: Needed,
  caller: Caller,
  answer: { yes: boolean; token?: string },
): Promise<Confirmed | undefined> {
  const pending = await asked(services, caller, answer.token);
  try {
    // The revision decides which of two answers was first.
    const settled: Question['settled'] = {
      answer: answer.yes ? 'yes' : 'no',
      at: services.clock.now().toISOString(),
    };
    await services.store.put('pending', { ...pending, payload: { ...pending.payload, settled } });
  } catch (cause) {
    if (!(cause instanceof Conflict)) throw cause;
    throw new UsageError('This question was just answered.', { code: 'nothing_asked', cause });
  }
  const { line, about } = questionOf(pending);
  return answer.yes ? { line, ...(about === undefined ? {} : { about }) } : undefined;
}
