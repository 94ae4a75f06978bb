/** `invite [as role] [name]`: a code that lets one more person in. */
import { openCode } from '../people/codes.ts';
import type { Role } from '../types.ts';
import type { Command } from './command.ts';
import { choice, choices, plain, text } from './reply.ts';

export const ROLE_WORDS: Record<Role, string> = {
  owner: 'may do everything, and see and change the backups of everybody',
  member: 'may make backups of their own and see nobody else’s',
  viewer: 'may look at what is shared with them, and change nothing',
};

export const invite: Command<'invite'> = {
  name: 'invite',
  summary: 'Let somebody in, with a code that works for one person.',
  example: 'invite Ben as viewer',
  needs: 'owner',
  async danger(args) {
    if (args.role !== 'owner') return undefined;
    return {
      title: `Invite ${args.name ?? 'somebody'} as an owner?`,
      text: `An owner ${ROLE_WORDS.owner}, and may take your own rights away.`,
      label: 'Invite an owner',
    };
  },
  async *run(args, caller, services) {
    const role = args.role ?? 'member';
    const { code, expires } = await openCode(services.store, services.clock, {
      kind: 'invite',
      person: caller.person.id,
      payload: { role, ...(args.name === undefined ? {} : { name: args.name }) },
    });
    services.log('info', 'people.invited', { by: caller.person.id, role });
    yield {
      ...plain(
        `The code for ${args.name ?? 'one person'} is ${code}`,
        [
          text(
            `Send it to them alone: they say this line to me, in Slack or Discord. It works for 7 days and for one person, who ${ROLE_WORDS[role]}.`,
          ),
          { kind: 'line', line: `/backup join ${code}` },
          ...choices(choice('Who is here', 'people')),
        ],
        { code, role, expires, ...(args.name === undefined ? {} : { name: args.name }) },
      ),
      onlyForCaller: true,
    };
  },
};
