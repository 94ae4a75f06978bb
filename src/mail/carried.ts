/** What a mail carries besides its words: our tokens, whom it was written to, and what tells it from every other. Pure. */
import { createHash } from 'node:crypto';
import type { MailAnswered } from '../engine/types.ts';
import { readCodes, readMessageId, readTagged } from './address.ts';
import type { ParsedMail, RawMail } from './mail.ts';

/** Tokens are looked up one by one; a mail that quotes a hundred of ours is not an answer. */
const MOST_TOKENS = 10;

/**
 * The same mail has the same key, whoever delivers it how often. Another sender cannot take its place, nor can somebody who
 * only says to be this one, and guesses the Message-ID of a mail that is still to come.
 */
export function keyOf(mail: ParsedMail, raw: RawMail, from: { address: string; verified: boolean }): string {
  const id = mail.messageId ?? createHash('sha256').update(raw.bytes).digest('hex');
  const whose = from.verified ? from.address : `${from.address}, as it says`;
  return createHash('sha256').update(`${whose}\0${id}`).digest('hex').slice(0, 40);
}

/** How a mail of ours is found again when it comes back: its Message-ID holds its token, of which only a hash is stored. */
export const threadReference = (messageId: string): string =>
  createHash('sha256').update(messageId).digest('hex').slice(0, 40);

/** Every token that the mail carries: in the address it was sent to, in what it answers, in the small print that it quotes. */
export function tokensIn(mail: ParsedMail): string[] {
  const tagged = mail.recipients.map(readTagged).filter((tag) => tag?.use === 'r');
  const thread = [mail.inReplyTo, ...mail.references.toReversed()].map((id) => (id ? readMessageId(id) : undefined));
  const codes = readCodes(`${mail.text ?? ''}\n${mail.html ?? ''}`);
  const all = [...tagged.map((tag) => tag?.token), ...thread, ...codes];
  return [...new Set(all.filter((token) => token !== undefined))].slice(0, MOST_TOKENS);
}

export const unsubscribeToken = (mail: ParsedMail): string | undefined =>
  mail.recipients.map(readTagged).find((tag) => tag?.use === 'u')?.token;

/** What an answer to it, sent to `to`, is tied to. */
export const answeredBy = (mail: ParsedMail, to: string): MailAnswered => ({
  id: mail.messageId ?? '',
  references: mail.references.slice(-20),
  subject: mail.subject,
  to,
});

const isOf = (from: string, address: string): boolean => address === from || readTagged(address)?.base === from;

/** It arrived here on purpose: our address is among all that are named, by whoever handed it over too. */
export const isOurs = (mail: ParsedMail, from: string): boolean =>
  mail.recipients.some((address) => isOf(from, address));

/**
 * Our address stands where the writer put it, in To or Cc, which a signature has to cover. Whom a mail was delivered to is
 * decided by whoever delivers it: a mail of somebody's to anybody else, well signed, can be sent on to any address of ours.
 */
export function isAddressed(mail: ParsedMail, from: string): boolean {
  const cc = mail.headers.filter(({ name }) => name === 'cc').flatMap(({ value }) => value.split(/[\s,;<>"]+/));
  return [...mail.to.map(({ address }) => address), ...cc].some((address) => isOf(from, address.toLowerCase()));
}
