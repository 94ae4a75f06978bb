/** Which person is meant: by name, by id, or by an identity of theirs. For owners, who may know of everybody. */
import { NotFound, UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Identity, Person } from '../types.ts';
import { nearest } from './grammar/suggest.ts';
import { keyOf, quote } from './grammar/words.ts';

const SURFACES: Record<string, string> = { slack: 'Slack', discord: 'Discord' };

export const surfaceWords = (surface: string): string => SURFACES[surface] ?? surface;

/** `Slack (T1/U1)`, `ana@example.org`. */
export const identityWords = ({ surface, id }: Identity): string =>
  surface === 'mail' ? id : `${surfaceWords(surface)} (${id})`;

/** Somebody who is being merged into another one is that one already. */
export async function allPeople(services: Pick<Services, 'store'>): Promise<Person[]> {
  const people: Person[] = [];
  for await (const person of services.store.find('people')) if (person.into === undefined) people.push(person);
  return people.sort((a, b) => a.name.localeCompare(b.name, 'en') || (a.id < b.id ? -1 : 1));
}

/** `say` makes the line to offer of a (quoted) name. Throws `NotFound`, and `UsageError` when several have the name. */
export async function personOf(
  services: Pick<Services, 'store'>,
  name: string,
  say: (name: string) => string,
): Promise<Person> {
  const people = await allPeople(services);
  const key = keyOf(name);
  const named = people.filter((person) => keyOf(person.name) === key || person.id === name);
  const [only] = named;
  if (only && named.length === 1) return only;
  if (only) {
    throw new UsageError(`${named.length} people are called ${only.name}: which one?`, {
      code: 'which_person',
      advice: 'Choose one by where I know them from.',
      choices: named
        .slice(0, 5)
        .map(({ id, identities }) => ({ label: identities.map(identityWords).join(', '), line: say(id) })),
    });
  }
  const close = nearest(
    name,
    people.map((person) => person.name),
  );
  throw new NotFound(`I know nobody called "${name}".`, {
    code: 'no_such_person',
    advice: close[0] ? `Did you mean "${close[0]}"?` : '`people` shows everybody I know.',
    choices: [
      ...close.map((near) => ({ label: near, line: say(quote(near)) })),
      ...(close.length === 0 ? [{ label: 'Everybody', line: 'people' }] : []),
    ],
  });
}
