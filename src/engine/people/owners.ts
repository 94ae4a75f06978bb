/** A Keepsake with people in it never loses its last owner, whoever steps down at the same moment. */
import { randomBytes } from 'node:crypto';
import { acquireLease, holderName } from '../backup/lease.ts';
import { quote } from '../commands/grammar/words.ts';
import { Conflict, NotFound, UsageError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Log, Person, Role } from '../types.ts';
import { changeDoc } from './change.ts';

const TRIES = 100;
const PAUSE = 50;

type Needed = { store: Store; clock: Clock; log: Log };

/** One change of owners after the other: of two owners who step down at once, the second sees that they are the last. */
export async function oneByOne<T>(services: Needed, work: () => Promise<T>): Promise<T> {
  const holder = holderName(randomBytes(6).toString('hex'));
  for (let tries = 1; ; tries++) {
    try {
      const lease = await acquireLease(services, 'owners', holder);
      try {
        return await work();
      } finally {
        await lease.release();
      }
    } catch (error) {
      if (!(error instanceof Conflict) || error.code === 'last_owner') throw error;
      if (tries === TRIES) {
        throw new Conflict('Somebody else is changing roles at this moment, so nothing was changed.', {
          code: 'busy',
          advice: 'Type it again in a moment.',
          cause: error,
        });
      }
      await services.clock.sleep(PAUSE);
    }
  }
}

/** Somebody who is being merged into another one does not count: they are about to be that one. */
async function others(store: Store, person: Person): Promise<Person[]> {
  const found: Person[] = [];
  for await (const other of store.find('people')) {
    if (other.id !== person.id && other.into === undefined) found.push(other);
  }
  return found;
}

/**
 * Throws `UsageError` (`last_owner`) when this owner is the only one of several people. The only person of all may go:
 * then nobody is left without an owner. Answers whether they are that.
 */
export async function refuseLastOwner(store: Store, person: Person): Promise<boolean> {
  const rest = await others(store, person);
  if (person.role !== 'owner' || rest.some(({ role }) => role === 'owner')) return false;
  const [first] = rest;
  if (!first) return true;
  throw new UsageError(`${person.name} is the only owner, and the others would be left without one.`, {
    code: 'last_owner',
    advice: `First make somebody else an owner, for example: role ${quote(first.name)} owner`,
    choices: rest
      .slice(0, 3)
      .map(({ name }) => ({ label: `Make ${name} an owner`, line: `role ${quote(name)} owner` })),
  });
}

/** Throws `UsageError` (`last_owner`), and `NotFound` for somebody who is gone. */
export const changeRole = (services: Needed, id: string, role: Role): Promise<Person> =>
  oneByOne(services, async () => {
    const person = await services.store.get('people', id);
    if (person && role !== 'owner' && (await refuseLastOwner(services.store, person))) {
      throw new UsageError(`${person.name} is the only person here, and somebody must own this Keepsake.`, {
        code: 'last_owner',
        advice: 'Invite somebody first, for example: invite as owner',
        choices: [{ label: 'Invite an owner', line: 'invite as owner' }],
      });
    }
    const changed = person && (await changeDoc(services.store, 'people', id, (stored) => ({ ...stored, role })));
    if (!changed) throw new NotFound('This person is no longer known here.', { code: 'no_such_person' });
    return changed;
  });
