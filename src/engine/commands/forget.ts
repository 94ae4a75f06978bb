/** `forget me`, `forget <person>`: shows what is stored about somebody, and deletes it. */
import { NotAllowed } from '../errors.ts';
import { forgetPerson, whatIsKnown } from '../people/forget.ts';
import { refuseLastOwner } from '../people/owners.ts';
import { openClaim } from '../people.ts';
import type { Services } from '../services.ts';
import type { Caller, Person } from '../types.ts';
import { countWords } from '../wording.ts';
import type { Command, CommandArgs } from './command.ts';
import { identityWords, personOf } from './person-of.ts';
import { good, text } from './reply.ts';

/** Names beyond this are counted: the question must be read in one look. */
const NAMED = 20;

async function find(services: Services, caller: Caller, args: CommandArgs['forget']): Promise<Person> {
  if (args.person === undefined) return (await services.store.get('people', caller.person.id)) ?? caller.person;
  if (caller.person.role !== 'owner') {
    throw new NotAllowed('Only an owner can have somebody else forgotten.', {
      code: 'role',
      advice: 'To have everything about yourself deleted: forget me',
      choices: [{ label: 'Forget me', line: 'forget me' }],
    });
  }
  return personOf(services, args.person, (name) => `forget person ${name}`);
}

const listed = (names: readonly string[]): string => {
  if (names.length === 0) return 'none';
  const rest = names.length - NAMED;
  return [...names.slice(0, NAMED), ...(rest > 0 ? [`and ${countWords(rest)} more`] : [])].join(', ');
};

export const forget: Command<'forget'> = {
  name: 'forget',
  summary: 'Show what is stored about you, and delete it.',
  example: 'forget me',
  needs: 'viewer',
  async danger(args, caller, services) {
    const person = await find(services, caller, args);
    const self = person.id === caller.person.id;
    const last = await refuseLastOwner(services.store, person);
    const known = await whatIsKnown(services.store, person);
    const their = self ? 'your' : 'their';
    const stored = [
      `Name: ${person.name}, ${person.role}, since ${person.created.slice(0, 10)}`,
      `Known as: ${listed(person.identities.map(identityWords))}`,
      `Time zone: ${person.zone ?? 'none'}${person.locale === undefined ? '' : `, language ${person.locale}`}`,
      `Accounts: ${listed(known.accounts.map(({ name }) => name))}`,
      `Backups: ${listed(known.plans.map(({ name }) => name))}`,
      `Runs: ${countWords(known.runs)}`,
      `Lines in the audit trail: ${countWords(known.said)}`,
      `Messages: ${countWords(known.messages)}`,
    ];
    const happens = [
      `All of this is deleted. The backups stop, the sign-ins are removed, and I no longer know ${self ? 'you' : person.name} anywhere.`,
      `The copies at the destinations stay and can be read without me.`,
      `The audit trail keeps that something was done and when, without ${their} name and ${their} words.`,
      ...(last ? ['Nobody else is here: whoever sends the code that the log then shows becomes the owner.'] : []),
    ];
    return {
      title: self ? 'This is what I have stored about you. Delete it?' : `Forget ${person.name}?`,
      text: [...stored, happens.join(' ')].join('\n'),
      label: self ? 'Forget me' : `Forget ${person.name}`,
    };
  },
  async *run(args, caller, services) {
    const person = await find(services, caller, args);
    const self = person.id === caller.person.id;
    const last = await forgetPerson(services, person, caller.signal);
    services.log('info', 'people.forgotten', { self });
    if (last) await openClaim(services.store, services.clock, services.log);
    const open = caller.surface === 'terminal' ? 'The next line in this terminal makes its user the owner again.' : '';
    yield {
      ...good(
        self ? 'You are forgotten' : `${person.name} is forgotten`,
        [
          text(
            [
              'Everything stored here is deleted. What was copied is still at its destinations.',
              'At the services themselves the access given to Keepsake can be removed, too.',
              last ? `Nobody owns this Keepsake now; its log shows a code for whoever takes it over. ${open}` : '',
            ]
              .join(' ')
              .trim(),
          ),
        ],
        { forgotten: true },
      ),
      onlyForCaller: true,
    };
  },
};
