/** Whether a mail's word is taken, and for how much. Pure: what was found out about it comes in. */
import type { ReplyToken } from '../engine/services.ts';
import type { Caller, Instant, Person } from '../engine/types.ts';
import type { Sender } from './mail.ts';

/** What was found out about one mail. */
export interface Evidence {
  sender: Sender;
  /** Whose address the sender's is. */
  person?: Person;
  /** The reply token that came with it. */
  token?: ReplyToken;
  /** Our address stands in To or Cc. */
  addressed: boolean;
  /** As the sender dated it. */
  date?: Instant;
  /** When our server took it. */
  received: Instant;
}

export type Verdict = { proof: NonNullable<Caller['proof']> } | { refused: string };

/**
 * A mail is delivered within hours; servers give up after five days. One that is dated otherwise was kept, and is sent
 * again by somebody who found it.
 */
const DAYS_UNDER_WAY = 3;

const DAY = 24 * 3_600_000;

function isDated(date: Instant | undefined, received: Instant): boolean {
  if (date === undefined) return false;
  return Math.abs(Date.parse(received) - Date.parse(date)) <= DAYS_UNDER_WAY * DAY;
}

/**
 * - A token speaks for the person it was sent to, and for nobody else who holds the mail.
 * - Neither a token nor a verified sender: anybody could have written it.
 * - With one of the two, looking is allowed; what changes something is asked first (`engine/commands/proof.ts`).
 * - A mail that was written to somebody else is signed as well, and can be sent on to us with a token that was found: what
 *   is not addressed to us proves no more than that the sender wrote it once.
 */
export function verdictOf({ sender, person, token, addressed, date, received }: Evidence): Verdict {
  if (sender.address === undefined) return { refused: `no single sender: ${sender.why}` };
  if (!person) return { refused: `${sender.address} is nobody's address here` };
  if (token && token.person !== person.id)
    return { refused: `${sender.address} used a reply address of somebody else` };
  if (!token && !sender.verified) return { refused: `not proved to be from ${sender.address}: ${sender.why}` };
  if (!isDated(date, received)) return { refused: 'its date is not within three days of its arrival' };
  return { proof: { ...(token ? { token: token.id } : {}), verified: sender.verified && addressed } };
}

/** What somebody unknown may begin with: a code is in it, which is looked at in dispatch. */
const INTRODUCES =
  /^(?:(?:hi|hello|dear keepsake)[,!. ]+)?(?:\/?backup\s+)?(?:claim|join|link)\s+[0-9a-z][0-9a-z -]{10,30}[.! ]*$/i;

export const introduces = (line: string): boolean => INTRODUCES.test(line.trim());
