/** `people`: everybody this Keepsake knows, for its owners. */
import type { Services } from '../services.ts';
import type { Cell, Person } from '../types.ts';
import { manyWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { allPeople, identityWords } from './person-of.ts';
import { choice, choices, plain, text } from './reply.ts';

/** About a year of a busy household; whoever said nothing in that many lines was not seen for long. */
const LOOKED_AT = 20_000;

async function lastSeen(services: Services, people: readonly Person[]): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for await (const { person, at } of services.store.find('audit', { index: 'at', reverse: true, limit: LOOKED_AT })) {
    if (person !== undefined && !seen.has(person)) seen.set(person, at);
    if (people.every(({ id }) => seen.has(id))) break;
  }
  return seen;
}

async function openInvitations(services: Services): Promise<number> {
  const now = services.clock.now().toISOString();
  let count = 0;
  for await (const { kind, payload, expires } of services.store.find('pending')) {
    if (kind === 'invite' && payload.used !== true && expires > now) count++;
  }
  return count;
}

export const people: Command<'people'> = {
  name: 'people',
  summary: 'Show who may use this Keepsake, and as what.',
  example: 'people',
  needs: 'owner',
  looks: true,
  async *run(_args, caller, services) {
    const all = await allPeople(services);
    const seen = await lastSeen(services, all);
    const invited = await openInvitations(services);
    const at = (id: string): Cell => {
      const last = seen.get(id);
      return last === undefined ? 'not yet' : { at: last };
    };
    const [other] = all.filter(({ id }) => id !== caller.person.id);
    yield {
      ...plain(
        all.length === 1 ? 'Only you are here.' : `${manyWords(all.length, 'person', 'people')} may use this Keepsake`,
        [
          {
            kind: 'table',
            columns: ['Name', 'Role', 'Known as', 'Last seen'],
            rows: all.map(({ id, name, role, identities }) => [
              id === caller.person.id ? `${name} (you)` : name,
              role,
              identities.map(identityWords).join(', '),
              at(id),
            ]),
          },
          ...(invited > 0
            ? [text(`${manyWords(invited, 'invitation')} ${invited === 1 ? 'is' : 'are'} still open.`)]
            : []),
          ...(other
            ? [
                text(
                  `To change what somebody may do, say \`role ${quote(other.name)} viewer\`; to remove somebody with all that is theirs here, \`forget ${quote(other.name)}\`.`,
                ),
              ]
            : []),
          ...choices(choice('Invite somebody', 'invite', 'primary')),
        ],
        {
          people: all.map(({ id, name, role, identities }) => ({ id, name, role, identities, seen: seen.get(id) })),
          invitations: invited,
        },
      ),
      onlyForCaller: true,
    };
  },
};
