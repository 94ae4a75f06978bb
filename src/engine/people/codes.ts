/** One-time codes that one surface shows and another one takes: made, guarded against guessing, used up once. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { Conflict, NotAllowed, UsageError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Identity, Pending } from '../types.ts';

/** No 0/O, 1/I/L and no vowels: read aloud without mistakes, spells nothing. 12 of 24 letters are 55 bits. */
const LETTERS = '23456789BCDFGHJKMNPQRSTV';

export const newCode = (): string => {
  const letters = Array.from({ length: 12 }, () => LETTERS[randomInt(LETTERS.length)] ?? '');
  return [letters.slice(0, 4), letters.slice(4, 8), letters.slice(8)].map((part) => part.join('')).join('-');
};

/** The id of a pending document is the hash of its code: whoever reads the database cannot redeem it. */
export const pendingId = (code: string): string =>
  createHash('sha256')
    .update(code.toUpperCase().replace(/[^A-Z0-9]/g, ''))
    .digest('hex');

const MINUTE = 60_000;
/** Long enough to open the other app; and a week for an invitation, which waits for somebody else. */
const LASTS = { link: 10 * MINUTE, invite: 7 * 24 * 60 * MINUTE } as const;
/** A merge asks first, and its question stands as long as any other. */
const BOUND = 30 * MINUTE;

export type CodeKind = keyof typeof LASTS;

const after = (clock: Clock, ms: number): string => new Date(clock.now().getTime() + ms).toISOString();

/** Answers the code, which is nowhere stored. A new link code makes the person's earlier ones worthless. `lasts`: ms. */
export async function openCode(
  store: Store,
  clock: Clock,
  o: { kind: CodeKind; person: string; payload?: Pending['payload']; lasts?: number },
): Promise<{ code: string; expires: string }> {
  if (o.kind === 'link') {
    const earlier: string[] = [];
    for await (const pending of store.find('pending', { index: 'person', equals: [o.person] })) {
      if (pending.kind === 'link') earlier.push(pending.id);
    }
    await store.removeMany('pending', earlier);
  }
  const code = newCode();
  const expires = after(clock, o.lasts ?? LASTS[o.kind]);
  await store.put('pending', {
    id: pendingId(code),
    kind: o.kind,
    person: o.person,
    payload: o.payload ?? {},
    expires,
  });
  return { code, expires };
}

/** With 55 bits even these would take longer than the universe has; they keep a bot from trying, and show in the audit. */
const WRONG_PER_IDENTITY = 5;
const WRONG_PER_KEEPSAKE = 50;
const HOUR = 60 * MINUTE;

/**
 * Looks with the guess already written down, and takes it back when it was right: many guesses at the same moment are
 * all counted before the first one is looked at.
 */
async function guarded<T>(store: Store, clock: Clock, who: Identity, look: () => Promise<T>): Promise<T> {
  const by = createHash('sha256').update(`${who.surface}\0${who.id}`).digest('hex').slice(0, 16);
  const at = clock.now().toISOString();
  const guess = `guess/${at}/${by}/${randomBytes(4).toString('hex')}`;
  await store.put('seen', { id: guess, at });
  let all = 0;
  let own = 0;
  for await (const { id } of store.find('seen', { from: `guess/${after(clock, -HOUR)}`, to: 'guess0' })) {
    all++;
    if (id.split('/')[2] === by) own++;
  }
  if (own > WRONG_PER_IDENTITY || all > WRONG_PER_KEEPSAKE) {
    // What was not looked at is no guess: a flood of them does not keep the door shut for longer than an hour.
    await store.remove('seen', guess);
    throw new NotAllowed('Too many wrong codes were typed, so no code is taken for now.', {
      code: 'too_many_codes',
      advice: 'Wait an hour, ask for a new code, and copy it whole.',
    });
  }
  const found = await look();
  await store.remove('seen', guess);
  return found;
}

const ASK_AGAIN: Record<CodeKind, string> = {
  link: 'Type `link` once more where I know you, and send me the new code within 10 minutes.',
  invite: 'Ask the owner for a new one; they type: invite',
};

function refuse(kind: CodeKind, what: string, cause?: unknown): never {
  throw new UsageError(what, { code: 'bad_code', advice: ASK_AGAIN[kind], cause });
}

/**
 * The open code of that kind, not used up yet. `by` is the person who may use a code that `bindCode` kept for them.
 * Throws `UsageError` (`bad_code`) for one that is wrong, too old or used, `NotAllowed` (`too_many_codes`) after five
 * wrong ones of one identity or fifty of all within an hour.
 */
export const findCode = (
  store: Store,
  clock: Clock,
  o: { kind: CodeKind; code: string; who: Identity; by: string },
): Promise<Pending> =>
  guarded(store, clock, o.who, async () => {
    const pending = await store.get('pending', pendingId(o.code));
    const other = pending?.kind === 'link' ? 'link' : pending?.kind === 'invite' ? 'join' : undefined;
    if (pending && other && pending.kind !== o.kind && pending.payload.used !== true) {
      throw new UsageError(`This code is for another command: say ${other} and the code.`, {
        code: 'other_code',
        advice: `Type: ${other} <code>`,
      });
    }
    if (pending?.kind !== o.kind) return refuse(o.kind, 'This code is not right.');
    if (pending.payload.used === true) return refuse(o.kind, 'This code was already used.');
    if (pending.expires <= clock.now().toISOString()) return refuse(o.kind, 'This code is too old.');
    const bound = pending.payload.by;
    if (bound !== undefined && bound !== o.by) return refuse(o.kind, 'This code was already used.');
    return pending;
  });

/** From now on only this person may use it: the question that is asked first keeps the line, and so the code. */
export async function bindCode(store: Store, clock: Clock, pending: Pending, by: string): Promise<void> {
  try {
    await store.put('pending', { ...pending, payload: { ...pending.payload, by }, expires: after(clock, BOUND) });
  } catch (error) {
    if (error instanceof Conflict) refuse(pending.kind as CodeKind, 'This code was just used.', error);
    throw error;
  }
}

/** Of several who send it at once, one gets through. The document stays until it expires, so that "used" can be told. */
export async function useCode(store: Store, pending: Pending): Promise<void> {
  const { person: _, ...rest } = pending;
  try {
    await store.put('pending', { ...rest, payload: { used: true } });
  } catch (error) {
    if (error instanceof Conflict) refuse(pending.kind as CodeKind, 'This code was just used.', error);
    throw error;
  }
}
