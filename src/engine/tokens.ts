/** Tokens that travel in mails: what a reply may be given with, and what ends the mails. Only their hash is stored. */
import { createHash, randomBytes } from 'node:crypto';
import type { ReplyTokenOrder, Services, Tokens } from './services.ts';
import type { Pending } from './types.ts';

const DAY = 24 * 3_600_000;
/** A weekly report can be answered until the one after the next is there. */
const REPLY_DAYS = 14;
/** RFC 8058 has no end for it; people unsubscribe from a mail that they find again. */
const UNSUBSCRIBE_DAYS = 365;

/** RFC 4648 base32 in lower case: survives mail systems that fold the case of an address. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/** 16 random bytes as 26 letters. */
function newToken(): string {
  let text = '';
  let value = 0;
  let bits = 0;
  for (const byte of randomBytes(16)) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += LETTERS[(value >> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text + LETTERS[(value << (5 - bits)) & 31];
}

/** Looked up by its hash: no comparison whose duration could tell how much of a guess is right. */
const tokenId = (kind: 'reply' | 'unsubscribe', token: string): string =>
  `${kind}/${createHash('sha256').update(token.toLowerCase()).digest('hex')}`;

export function createTokens({ store, clock }: Pick<Services, 'store' | 'clock'>): Tokens {
  const inDays = (days: number): string => new Date(clock.now().getTime() + days * DAY).toISOString();
  const keep = async (kind: 'reply' | 'unsubscribe', person: string, payload: Pending['payload'], days: number) => {
    const token = newToken();
    await store.put('pending', { id: tokenId(kind, token), kind, person, payload, expires: inDays(days) });
    return token;
  };
  const find = async (kind: 'reply' | 'unsubscribe', token: string): Promise<Pending | undefined> => {
    const pending = await store.get('pending', tokenId(kind, token));
    return pending?.kind === kind && pending.expires > inDays(0) ? pending : undefined;
  };
  return {
    reply: ({ person, ...payload }) => keep('reply', person, payload, REPLY_DAYS),
    async findReply(token) {
      const pending = await find('reply', token);
      if (!pending) return undefined;
      const { used, ...order } = pending.payload as Omit<ReplyTokenOrder, 'person'> & { used?: true };
      return { ...order, id: pending.id, person: pending.person ?? '', used: used === true };
    },
    unsubscribe: ({ person, plan }) =>
      keep('unsubscribe', person, plan === undefined ? {} : { plan }, UNSUBSCRIBE_DAYS),
    async findUnsubscribe(token) {
      const pending = await find('unsubscribe', token);
      if (!pending) return undefined;
      const { plan } = pending.payload as { plan?: string };
      return { person: pending.person ?? '', ...(plan === undefined ? {} : { plan }) };
    },
  };
}
