/** `whoami`: who the caller is here, by which identities, and what they may do. */
import { hasOwner, isStranger } from '../people.ts';
import type { Role } from '../types.ts';
import type { Command } from './command.ts';
import { choice, choices, fields, plain, text } from './reply.ts';

const MAY: Record<Role, string> = {
  owner: 'everything, for everyone',
  member: 'make and run backups of your own',
  viewer: 'look at your own backups',
};

export const whoami: Command<'whoami'> = {
  name: 'whoami',
  summary: 'Show who you are here and what you may do.',
  example: 'whoami',
  needs: 'viewer',
  looks: true,
  async *run(_args, caller, services) {
    const { person } = caller;
    const identities = person.identities.map(({ surface, id }) => ({ surface, id }));
    if (isStranger(person)) {
      yield {
        ...plain(
          `I do not know you yet, ${person.name}.`,
          [
            fields({ 'You are here as': identities.map(({ surface, id }) => `${surface} ${id}`).join(', ') }),
            text(
              (await hasOwner(services.store))
                ? 'If I know you elsewhere, type `link` there. Otherwise ask the owner to type: invite'
                : 'If this Keepsake is yours, send the code that its log shows: claim <code>',
            ),
          ],
          { known: false, identities },
        ),
        onlyForCaller: true,
      };
      return;
    }
    yield {
      ...plain(
        `You are ${person.name}, ${person.role} of this Keepsake.`,
        [
          fields({
            'You may': MAY[person.role],
            'Known as': person.identities
              .map(({ surface, id, refused }) => `${surface} ${id}${refused ? ' (mails to it come back)' : ''}`)
              .join(', '),
            'Time zone': caller.zone,
          }),
          ...choices(
            choice('My backups', 'list'),
            choice('My accounts', 'accounts'),
            choice('Link another place', 'link'),
          ),
        ],
        { known: true, id: person.id, name: person.name, role: person.role, zone: caller.zone, identities },
      ),
      onlyForCaller: true,
    };
  },
};
