/** Who is talking: identities of any surface -> people, and how the first owner takes over a new Keepsake. */
import { createHash, randomInt } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { Conflict, NotAllowed, UsageError } from './errors.ts';
import type { Store } from './store/store.ts';
import type { Clock, Identity, Log, Person, Role } from './types.ts';

const RANK: Record<Role, number> = { viewer: 0, member: 1, owner: 2 };

export const mayAct = (person: Person, needs: Role): boolean => RANK[person.role] >= RANK[needs];

/** A stranger is somebody whom the store does not hold: never stored, so a flood of strangers leaves nothing behind. */
export const isStranger = (person: Person): boolean => person.rev === undefined;

const sameIdentity = (a: Identity, b: Identity): boolean => a.surface === b.surface && a.id === b.id;

/**
 * The id of the person whom a first contact makes. Derived, so that two first contacts at the same moment make one
 * person and not two.
 */
const idOf = (identity: Identity): string =>
  `u${createHash('sha256').update(`${identity.surface}\0${identity.id}`).digest('hex').slice(0, 16)}`;

async function find(store: Store, identity: Identity): Promise<Person | undefined> {
  for await (const person of store.find('people')) {
    if (person.identities.some((known) => sameIdentity(known, identity))) return person;
  }
  return undefined;
}

export async function hasOwner(store: Store): Promise<boolean> {
  for await (const person of store.find('people')) if (person.role === 'owner') return true;
  return false;
}

/**
 * The person behind an identity. Somebody unknown comes back as a stranger (`isStranger`), whom dispatch lets do no
 * more than ask for help and redeem the claim code.
 *
 * `trusted` is for the terminal of the user who owns the data folder: they can read the database anyway, so asking
 * them for a code would protect nothing. They become an owner at once.
 */
export async function callerPerson(
  store: Store,
  identity: Identity,
  o: { clock: Clock; name: string; zone?: string; locale?: string; trusted?: boolean },
): Promise<Person> {
  const known = await find(store, identity);
  if (known) return known;
  const person: Person = {
    id: idOf(identity),
    name: o.name,
    role: o.trusted ? 'owner' : 'viewer',
    identities: [identity],
    created: o.clock.now().toISOString(),
    ...(o.zone === undefined ? {} : { zone: o.zone }),
    ...(o.locale === undefined ? {} : { locale: o.locale }),
  };
  if (!o.trusted) return person;
  try {
    return await store.put('people', person);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    return (await store.get('people', person.id)) ?? callerPerson(store, identity, o);
  }
}

/** Who sits at this terminal, and whether the data folder is theirs (the superuser may read it in any case). */
export async function terminalUser(
  dataFolder: string,
): Promise<{ identity: Identity; name: string; trusted: boolean }> {
  const { uid, username } = userInfo();
  const owner = (await stat(dataFolder)).uid;
  return {
    identity: { surface: 'terminal', id: uid < 0 ? username : String(uid) },
    name: username,
    // Windows has no uids; there the folder's access rights already decided whether the database could be opened.
    trusted: uid < 0 || uid === 0 || uid === owner,
  };
}

const CLAIM_HOURS = 24;
/** No 0/O, 1/I/L and no vowels: read aloud without mistakes, spells nothing. 12 of 24 letters are 55 bits. */
const LETTERS = '23456789BCDFGHJKMNPQRSTV';

const newCode = (): string => {
  const letters = Array.from({ length: 12 }, () => LETTERS[randomInt(LETTERS.length)] ?? '');
  return [letters.slice(0, 4), letters.slice(4, 8), letters.slice(8)].map((part) => part.join('')).join('-');
};

/** The id of a pending document is the hash of its code: whoever reads the database cannot redeem it. */
export const pendingId = (code: string): string =>
  createHash('sha256')
    .update(code.toUpperCase().replace(/[^A-Z0-9]/g, ''))
    .digest('hex');

/**
 * At each start while nobody owns this Keepsake: a new code in the log, and the earlier ones are worth nothing.
 * Answers the code, or undefined when there is an owner.
 */
export async function openClaim(store: Store, clock: Clock, log: Log): Promise<string | undefined> {
  for await (const pending of store.find('pending')) {
    if (pending.kind === 'claim') await store.remove('pending', pending.id);
  }
  if (await hasOwner(store)) return undefined;
  const code = newCode();
  const expires = new Date(clock.now().getTime() + CLAIM_HOURS * 3_600_000).toISOString();
  await store.put('pending', { id: pendingId(code), kind: 'claim', payload: {}, expires });
  log('warn', 'people.unclaimed', {
    message: `Nobody owns this Keepsake yet. To become its owner, send it: claim ${code}`,
    expires,
  });
  return code;
}

const WRONG_CODE = {
  code: 'bad_code',
  advice:
    'Copy the newest code out of the log of this Keepsake; each start prints a new one, good for 24 hours. On the machine itself the terminal needs no code.',
};

/**
 * Makes the person the owner. The code is used up first, so that it works for one person only, however many send it at
 * once. Throws `NotAllowed` when there is an owner, `UsageError` for a code that is wrong or too old.
 */
export async function redeemClaim(store: Store, person: Person, code: string, clock: Clock): Promise<Person> {
  if (await hasOwner(store)) {
    throw new NotAllowed('This Keepsake already has an owner.', {
      advice: 'Ask the owner to let you in.',
    });
  }
  const pending = await store.get('pending', pendingId(code));
  const expired = pending !== undefined && pending.expires <= clock.now().toISOString();
  if (pending?.kind !== 'claim' || expired || pending.payload.used === true) {
    throw new UsageError(expired ? 'This code is too old.' : 'This code is not right.', WRONG_CODE);
  }
  try {
    await store.put('pending', { ...pending, payload: { used: true } });
  } catch (cause) {
    if (cause instanceof Conflict) throw new UsageError('This code was just used.', { ...WRONG_CODE, cause });
    throw cause;
  }
  const owner = await store.put('people', { ...person, role: 'owner' });
  await store.remove('pending', pending.id);
  return owner;
}
