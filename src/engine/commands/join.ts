/** `join <code>`: somebody unknown becomes a person, with the role that an owner gave the code. */
import { Conflict, UsageError } from '../errors.ts';
import { findCode, useCode } from '../people/codes.ts';
import { identityOf, isStranger } from '../people.ts';
import type { Services } from '../services.ts';
import type { Caller, Person, Role } from '../types.ts';
import type { Command } from './command.ts';
import { ROLE_WORDS } from './invite.ts';
import { choice, choices, good, text } from './reply.ts';

async function admit(services: Services, { person }: Caller, role: Role, name: string): Promise<Person> {
  try {
    return await services.store.put('people', { ...person, role, name });
  } catch (cause) {
    if (!(cause instanceof Conflict)) throw cause;
    throw new UsageError('You are in already.', { code: 'known', advice: 'Type `whoami` to see who you are.', cause });
  }
}

export const join: Command<'join'> = {
  name: 'join',
  summary: 'Come in, with the code of an invitation.',
  example: 'join 2F7K-QM4D-9TRV',
  needs: 'viewer',
  async *run(args, caller, services) {
    const { store, clock, log } = services;
    if (!isStranger(caller.person)) {
      throw new UsageError(`I know you already, ${caller.person.name}, so the code was not used.`, {
        code: 'known',
        advice: 'It is still good for somebody else. To be more than you are, ask an owner.',
        choices: [{ label: 'Who am I?', line: 'whoami' }],
      });
    }
    const pending = await findCode(store, clock, {
      kind: 'invite',
      code: args.code,
      who: identityOf(caller),
      by: caller.person.id,
    });
    // Somebody who is no owner any more lets nobody in either.
    const host = pending.person === undefined ? undefined : await store.get('people', pending.person);
    if (host?.role !== 'owner') {
      throw new UsageError('This invitation is no longer good: whoever gave it is no owner any more.', {
        code: 'bad_code',
        advice: 'Ask an owner for a new one; they type: invite',
      });
    }
    const { role, name } = pending.payload as { role: Role; name?: string };
    await useCode(store, pending);
    const person = await admit(services, caller, role, name ?? caller.person.name);
    log('info', 'people.joined', { person: person.id, role, surface: caller.surface });
    yield {
      ...good(
        `Welcome, ${person.name}.`,
        [
          text(
            `${host.name} let you in as ${role}: you ${ROLE_WORDS[role].replace('their own', 'your own').replace('them', 'you')}.`,
          ),
          ...choices(
            choice('How to begin', 'help', 'primary'),
            role === 'viewer' ? choice('Backups', 'list') : choice('Connect an account', 'help connect'),
          ),
        ],
        { role, name: person.name },
      ),
      onlyForCaller: true,
    };
  },
};
