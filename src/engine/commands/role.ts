/** `role <person> owner|member|viewer`: what somebody may do. */
import { changeRole } from '../people/owners.ts';
import type { Command } from './command.ts';
import { ROLE_WORDS } from './invite.ts';
import { personOf } from './person-of.ts';
import { choice, choices, good, plain, text } from './reply.ts';

const articled = (role: string): string => `${role === 'owner' ? 'an' : 'a'} ${role}`;

export const role: Command<'role'> = {
  name: 'role',
  summary: 'Say what somebody may do: owner, member or viewer.',
  example: 'role Ben member',
  needs: 'owner',
  async danger(args, _caller, services) {
    const person = await personOf(services, args.person, (name) => `role ${name} ${args.role}`);
    if (args.role !== 'owner' || person.role === 'owner') return undefined;
    return {
      title: `Make ${person.name} an owner?`,
      text: `An owner ${ROLE_WORDS.owner}, and may take your own rights away.`,
      label: `Make ${person.name} an owner`,
    };
  },
  async *run(args, caller, services) {
    const person = await personOf(services, args.person, (name) => `role ${name} ${args.role}`);
    const more = choices(choice('Who is here', 'people'));
    if (person.role === args.role) {
      yield { ...plain(`${person.name} is ${articled(args.role)} already.`, more), onlyForCaller: true };
      return;
    }
    const changed = await changeRole(services, person.id, args.role);
    services.log('info', 'people.role', { person: person.id, role: args.role, by: caller.person.id });
    const self = person.id === caller.person.id;
    yield {
      ...good(
        `${person.name} is ${articled(args.role)} now`,
        [text(`${self ? 'You' : 'They'} ${ROLE_WORDS[args.role]}.`), ...(self ? [] : more)],
        { person: changed.id, name: changed.name, role: changed.role },
      ),
      onlyForCaller: true,
    };
  },
};
