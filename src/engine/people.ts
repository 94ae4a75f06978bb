/** Who is talking: identities of any surface -> people, and how the first owner takes over a new Keepsake. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { zoneNamed } from './commands/schedule/calendar.ts';
import { Conflict, NotAllowed, NotFound, UsageError } from './errors.ts';
import { changeDoc } from './people/change.ts';
import { newCode, pendingId } from './people/codes.ts';
import { finishMerge, RANK } from './people/merge.ts';
import type { Store } from './store/store.ts';
import type { Clock, Identity, Log, Person, Role } from './types.ts';

export { pendingId };

export const mayAct = (person: Person, needs: Role): boolean => RANK[person.role] >= RANK[needs];

/** A stranger is somebody whom the store does not hold: never stored, so a flood of strangers leaves nothing behind. */
export const isStranger = (person: Person): boolean => person.rev === undefined;

const sameIdentity = (a: Identity, b: Identity): boolean => a.surface === b.surface && a.id === b.id;

/**
 * The id of the person whom a first contact makes. Derived, so that two first contacts at the same moment make one
 * person and not two.
 */
const idOf = (identity: Identity, turn: number): string => {
  const parts = [identity.surface, identity.id, ...(turn === 0 ? [] : [String(turn)])];
  return `u${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16)}`;
};

/** Whoever unlinked this identity keeps the id that it once gave them: a newcomer must not be taken for them. */
async function freeId(store: Store, identity: Identity): Promise<string> {
  for (let turn = 0; ; turn++) {
    const id = idOf(identity, turn);
    const holder = await store.get('people', id);
    if (!holder?.identities.length || holder.identities.some((known) => sameIdentity(known, identity))) return id;
  }
}

/** The stored person behind an identity. A merge that was cut off goes on here. */
export async function knownAs(store: Store, identity: Identity): Promise<Person | undefined> {
  let found: Person | undefined;
  for await (const person of store.find('people')) {
    if (!person.identities.some((known) => sameIdentity(known, identity))) continue;
    if (person.into !== undefined) return finishMerge(store, person);
    found ??= person;
  }
  return found;
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
  const known = await knownAs(store, identity);
  if (known) return rememberLooks(store, known, o);
  const person: Person = {
    id: await freeId(store, identity),
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
    return callerPerson(store, identity, o);
  }
}

/**
 * Keeps the zone and the locale that a surface tells of somebody who has none yet; what they have said themselves stays.
 * A zone that is none is not kept. Answers the person as they are now.
 */
export async function rememberLooks(
  store: Store,
  person: Person,
  looks: { zone?: string; locale?: string },
): Promise<Person> {
  const zone = looks.zone === undefined ? undefined : zoneNamed(looks.zone);
  const lacks = ({ zone: has, locale }: Person): Partial<Person> => ({
    ...(has === undefined && zone !== undefined ? { zone } : {}),
    ...(locale === undefined && looks.locale !== undefined ? { locale: looks.locale } : {}),
  });
  if (isStranger(person) || Object.keys(lacks(person)).length === 0) return person;
  return (await changeDoc(store, 'people', person.id, (stored) => ({ ...stored, ...lacks(stored) }))) ?? person;
}

const gone = (): NotFound => new NotFound('This person is no longer known here.', { code: 'no_such_person' });

/**
 * From now on this identity is that person. Throws `NotFound` when the person is gone, `Conflict` when the identity
 * became somebody else at the same moment.
 */
export async function addIdentity(store: Store, id: string, identity: Identity): Promise<Person> {
  const without = (person: Person): Identity[] => person.identities.filter((known) => !sameIdentity(known, identity));
  const person = await changeDoc(store, 'people', id, (stored) => ({
    ...stored,
    identities: [...without(stored), identity],
  }));
  if (!person) throw gone();
  // Looked at after it was written: of two who do this at once, at least one sees the other.
  for await (const other of store.find('people')) {
    if (other.id === id || !other.identities.some((known) => sameIdentity(known, identity))) continue;
    await changeDoc(store, 'people', id, (stored) => ({ ...stored, identities: without(stored) }));
    throw new Conflict('You became known here in another way at this very moment, so nothing was linked.', {
      code: 'stale',
      advice: 'Type `whoami` to see who you are; to link anyway, begin again with: link',
    });
  }
  return person;
}

/** Throws `UsageError` (`last_identity`) for the only one: then nobody could speak for this person any more. */
export async function removeIdentity(store: Store, id: string, identity: Identity): Promise<Person> {
  const person = await changeDoc(store, 'people', id, (stored) => {
    const identities = stored.identities.filter((known) => !sameIdentity(known, identity));
    if (identities.length === 0) {
      throw new UsageError('This is the only place where I know you, so it stays linked.', {
        code: 'last_identity',
        advice: 'Link another one first with `link`. To have everything about you deleted: forget me',
      });
    }
    return { ...stored, identities };
  });
  if (!person) throw gone();
  return person;
}

/** Which of their identities the caller speaks with. */
export const identityOf = ({ person, surface }: { person: Person; surface: string }): Identity =>
  person.identities.find((known) => known.surface === surface) ?? person.identities[0] ?? { surface, id: person.id };

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
