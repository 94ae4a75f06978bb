/** `unlink <surface>`: from there the caller is nobody any more. */
import { NotFound, UsageError } from '../errors.ts';
import { removeIdentity } from '../people.ts';
import type { Caller, Identity } from '../types.ts';
import type { Command, CommandArgs } from './command.ts';
import { quote } from './grammar/words.ts';
import { identityWords, surfaceWords } from './person-of.ts';
import { choice, choices, good, text } from './reply.ts';

function find({ person }: Caller, { surface, id }: CommandArgs['unlink']): Identity {
  const there = person.identities.filter(
    (known) => known.surface === surface && (id === undefined || known.id.toLowerCase() === id.toLowerCase()),
  );
  const [one] = there;
  if (!one) {
    throw new NotFound(`You are not linked with ${surfaceWords(surface)}${id === undefined ? '' : ` as ${id}`}.`, {
      code: 'not_linked',
      advice: `I know you as ${person.identities.map(identityWords).join(', ')}.`,
      choices: [{ label: 'Who am I?', line: 'whoami' }],
    });
  }
  if (there.length > 1) {
    throw new UsageError(`I know you in ${surfaceWords(surface)} more than once: which one?`, {
      code: 'which_identity',
      advice: `For example: unlink ${surface} ${quote(one.id)}`,
      choices: there.map((known) => ({ label: known.id, line: `unlink ${surface} ${quote(known.id)}` })),
    });
  }
  if (person.identities.length === 1) {
    throw new UsageError('This is the only place where I know you, so it stays linked.', {
      code: 'last_identity',
      advice: 'Link another one first with `link`. To have everything about you deleted: forget me',
    });
  }
  return one;
}

export const unlink: Command<'unlink'> = {
  name: 'unlink',
  summary: 'No longer be known in Slack, Discord or elsewhere.',
  example: 'unlink slack',
  needs: 'viewer',
  async danger(args, caller) {
    const identity = find(caller, args);
    const rest = caller.person.identities.filter((known) => known !== identity);
    const after =
      identity.surface === 'terminal'
        ? ' Whoever uses that terminal next is an owner of their own: the machine is theirs.'
        : '';
    return {
      title: `Unlink ${surfaceWords(identity.surface)}?`,
      text: `I no longer know you there (${identity.id}). You keep everything, and reach it as ${rest.map(identityWords).join(', ')}.${after}`,
      label: `Unlink ${surfaceWords(identity.surface)}`,
    };
  },
  async *run(args, caller, services) {
    const identity = find(caller, args);
    const person = await removeIdentity(services.store, caller.person.id, identity);
    services.log('info', 'people.unlinked', { person: person.id, surface: identity.surface });
    const here = identity.surface === caller.surface;
    yield {
      ...good(
        `${surfaceWords(identity.surface)} is unlinked`,
        [
          text(`I know you as ${person.identities.map(identityWords).join(', ')}.`),
          ...(here ? [] : choices(choice('Who am I?', 'whoami'))),
        ],
        { unlinked: identity, identities: person.identities },
      ),
      onlyForCaller: true,
    };
  },
};
