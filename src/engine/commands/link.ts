/** `link`: one person on several surfaces, by a code that one of them shows and another one takes. */
import { NotAllowed, UsageError } from '../errors.ts';
import { bindCode, findCode, openCode, useCode } from '../people/codes.ts';
import { whatIsKnown } from '../people/forget.ts';
import { clashes, mergePeople, RANK, type Renamed } from '../people/merge.ts';
import { addIdentity, identityOf, isStranger, knownAs } from '../people.ts';
import type { Services } from '../services.ts';
import type { Caller, Pending, Person, Reply } from '../types.ts';
import { distanceWords, manyWords } from '../wording.ts';
import type { Command } from './command.ts';
import { identityWords, surfaceWords } from './person-of.ts';
import { choice, choices, good, plain, text } from './reply.ts';

async function showCode(caller: Caller, services: Services): Promise<Reply> {
  if (isStranger(caller.person)) {
    throw new NotAllowed(`Hello ${caller.person.name}, I do not know you here yet, so I have no code to give you.`, {
      code: 'stranger',
      advice: 'Type `link` where I know you already, in the terminal for example, and send me here what it shows.',
    });
  }
  const { code, expires } = await openCode(services.store, services.clock, { kind: 'link', person: caller.person.id });
  return {
    ...plain(
      `Your code is ${code}`,
      [
        text(
          `Within ${distanceWords(expires, services.clock.now()).replace('in ', '')}, send me this from where I do not know you yet (Slack, Discord, the terminal). Give it to nobody: whoever sends it is you.`,
        ),
        { kind: 'line', line: `/backup link ${code}` },
      ],
      { code, expires },
    ),
    onlyForCaller: true,
  };
}

/** Set in a code that was mailed to an address, to see who reads there. */
const addressIn = ({ payload }: Pending): string | undefined =>
  typeof payload.mail === 'string' ? payload.mail : undefined;

/**
 * A mailed code works for whoever asked for it and nobody else: the reader of a mistyped address must not become one with
 * the person who mistyped it.
 */
const notFromThere = (): UsageError =>
  new UsageError('This code is not for here.', {
    code: 'bad_code',
    advice: 'Say it where the mail was asked for: in the terminal, or in that chat.',
  });

/** The reader of that address and whoever asked are one person: said by whoever asked. A refused address counts again. */
async function ownAddress({ store, log }: Services, { pending, person }: Found, address: string): Promise<Reply> {
  const identity = { surface: 'mail', id: address };
  const holder = await knownAs(store, identity);
  if (holder && holder.id !== person.id) {
    throw new UsageError('This address belongs to somebody else here, so it was not taken.', {
      code: 'address_taken',
      advice: 'If that is you too, make one person of you both: say `link` here, and send me the code from there.',
    });
  }
  await useCode(store, pending);
  const now = await addIdentity(store, person.id, identity);
  log('info', 'people.address', { person: now.id });
  return {
    ...good(
      `Your reports now go to ${address}.`,
      [
        text('You can answer them, and write to me from there.'),
        ...choices(choice('Where to?', 'mail'), choice('No mails', 'stop reports')),
      ],
      { person: now.id, identities: now.identities },
    ),
    onlyForCaller: true,
  };
}

interface Found {
  pending: Pending;
  /** Whose code it is. */
  person: Person;
}

async function find(services: Services, caller: Caller, code: string): Promise<Found> {
  const { store, clock } = services;
  const pending = await findCode(store, clock, { kind: 'link', code, who: identityOf(caller), by: caller.person.id });
  const person = pending.person === undefined ? undefined : await store.get('people', pending.person);
  if (!person) throw new UsageError('Whoever asked for this code is no longer known here.', { code: 'bad_code' });
  const address = addressIn(pending);
  if (address !== undefined && person.id !== caller.person.id) throw notFromThere();
  if (address === undefined && person.id === caller.person.id) {
    throw new UsageError('This is your own code, and I know you here already.', {
      code: 'own_code',
      advice: 'Send it from where I do not know you yet.',
      choices: [{ label: 'Where I am known', line: 'whoami' }],
    });
  }
  return { pending, person };
}

const renamedWords = (renamed: readonly Renamed[]): string =>
  renamed.map(({ what, from, to }) => `The ${what} "${from}" is called "${to}" from then on.`).join(' ');

/** Says who gets what: somebody could be talked into typing the code of another person. */
async function question(services: Services, caller: Caller, { person }: Found) {
  const own = await whatIsKnown(services.store, caller.person);
  const moves = [
    own.plans.length > 0 ? manyWords(own.plans.length, 'backup') : '',
    own.accounts.length > 0 ? manyWords(own.accounts.length, 'account') : '',
  ].filter(Boolean);
  const { role, name } = person;
  const higher = RANK[caller.person.role] > RANK[role] ? caller.person.role : role;
  const where = person.identities.map(identityWords).join(', ');
  return {
    title: `Are you and ${name} one person?`,
    text: [
      `The code was asked for by ${name} (${where}). From then on you are one person with the role ${higher}, and everything is reached from both sides.`,
      moves.length > 0 ? `Your ${moves.join(' and ')} become theirs.` : '',
      renamedWords(await clashes(services.store, caller.person.id, person.id)),
      'Say no if somebody else sent you this code.',
    ]
      .filter(Boolean)
      .join(' '),
    label: `Yes, I am ${name}`,
  };
}

const linked = (caller: Caller, person: Person, more: string): Reply => ({
  ...good(
    `Linked: you are ${person.name} here too.`,
    [
      text(
        [`${surfaceWords(caller.surface)} and where you asked for the code now show the same backups.`, more]
          .filter(Boolean)
          .join(' '),
      ),
      ...choices(choice('My backups', 'list', 'primary'), choice('Who am I?', 'whoami')),
    ],
    { person: person.id, name: person.name, role: person.role, identities: person.identities },
  ),
  onlyForCaller: true,
});

/** A forged sender would have a stranger's address bound to whoever asked for the code. */
const unverified = (): NotAllowed =>
  new NotAllowed('I cannot tell that this mail is from you, so nothing was linked.', {
    code: 'not_verified',
    advice: 'Say the code where you asked for it, or in the terminal.',
  });

export const link: Command<'link'> = {
  name: 'link',
  summary: 'Be the same person in Slack, Discord, mail and the terminal.',
  example: 'link',
  needs: 'viewer',
  async danger(args, caller, services) {
    if (args.code === undefined || isStranger(caller.person)) return undefined;
    const found = await find(services, caller, args.code);
    if (found.person.id === caller.person.id) return undefined;
    const asked = await question(services, caller, found);
    await bindCode(services.store, services.clock, found.pending, caller.person.id);
    return asked;
  },
  async *run(args, caller, services) {
    if (args.code === undefined) {
      yield await showCode(caller, services);
      return;
    }
    const found = await find(services, caller, args.code);
    const { pending, person } = found;
    const address = addressIn(pending);
    if (address !== undefined) {
      yield await ownAddress(services, found, address);
      return;
    }
    if (caller.proof?.verified === false) throw unverified();
    await useCode(services.store, pending);
    const stranger = isStranger(caller.person);
    const { person: one, renamed } = stranger
      ? { person: await addIdentity(services.store, person.id, identityOf(caller)), renamed: [] }
      : await mergePeople(services.store, caller.person.id, person.id);
    services.log('info', 'people.linked', { person: one.id, surface: caller.surface, merged: !stranger });
    yield linked(caller, one, renamedWords(renamed).replaceAll(' from then on', ' now'));
  },
};
