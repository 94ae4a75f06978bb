/** What a mail says of itself besides its text: which conversation it is part of, which list, how it ends. No I/O. */
import { createHash } from 'node:crypto';
import type { OutboxMessage } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import { domainOf, listIdOf } from './address.ts';

interface Header {
  key: string;
  value: { prepared: true; foldLines: true; value: string };
}

/** All of it is ours and ASCII; folded between words only, so that no link is broken. */
const header = (key: string, value: string): Header => ({ key, value: { prepared: true, foldLines: true, value } });

/** RFC 2919. The same for every person and plan; what bears it came from us, and is not answered. */
export const listHeader = (from: string): Header => header('List-Id', `Keepsake <${listIdOf(from)}>`);

/** RFC 2369; one click (RFC 8058) is for HTTPS alone. */
export const unsubscribeHeaders = (links: readonly string[]): Header[] =>
  links.length === 0
    ? []
    : [
        header('List-Unsubscribe', links.map((link) => `<${link}>`).join(', ')),
        ...(links.some((link) => link.startsWith('https:'))
          ? [header('List-Unsubscribe-Post', 'List-Unsubscribe=One-Click')]
          : []),
      ];

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The mail that all reports of a plan claim to follow; it was never sent, which mail programs do not mind. */
export const planThreadOf = (plan: string, from: string): string =>
  `<plan.${digest(plan).slice(0, 24)}@${domainOf(from)}>`;

/** For a message that carries no token: the same each time it is sent. */
export const plainMessageId = (message: string, from: string): string =>
  `<${digest(message).slice(0, 32)}.m@${domainOf(from)}>`;

/** RFC 5322 3.6.4 without its quoted forms, which nobody writes; nothing in it ends a header. */
const ID = /^<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>$/;

/** Long threads repeat all their ids in each mail; the first tells the thread, the last the place in it. (RFC 5322 3.6.4) */
const MOST_REFERENCES = 20;

const cut = (ids: readonly string[]): string[] =>
  ids.length <= MOST_REFERENCES ? [...ids] : [...ids.slice(0, 1), ...ids.slice(1 - MOST_REFERENCES)];

/**
 * Where a message belongs. Its own id stands in References too: a service that gives mails another Message-ID leaves those
 * as they are, and an answer repeats them.
 */
export function threadOf(
  { answers, about }: Pick<OutboxMessage, 'answers' | 'about'>,
  own: string,
  from: string,
): { inReplyTo?: string; references: string[] } {
  const plan = about?.plan;
  const before = answers ? [...answers.references, answers.id] : plan === undefined ? [] : [planThreadOf(plan, from)];
  const known = [...new Set(before.filter((id) => ID.test(id) && id !== own))];
  const last = answers ? [answers.id].find((id) => ID.test(id)) : known.at(-1);
  return {
    ...(last === undefined ? {} : { inReplyTo: last }),
    references: cut([...known, own]),
  };
}

/** RFC 5322 2.1.1: lines of 78 characters; lists of mails show less. */
const LONGEST_SUBJECT = 78;
/** How other languages' mail programs say it too, several times over ("AW: Re: SV: "). */
const ANSWERS = /^\s*(?:(?:re|aw|antw|sv|vs|odp|ynt|r|res|ref|回复|答复|回覆|返信)(?:\[\d+\])?\s*[:：]\s*)+/iu;

/** The subject of an answer: one "Re:", whatever was in it made visible, at most 78 characters. */
export function answerSubject(subject: string): string {
  const said = visibleLine(subject.slice(0, 1_000).replace(/\s+/g, ' ').replace(ANSWERS, '').trim());
  const characters = [...`Re: ${said}`];
  return (
    characters.length > LONGEST_SUBJECT ? `${characters.slice(0, LONGEST_SUBJECT - 1).join('')}…` : characters.join('')
  ).trim();
}
