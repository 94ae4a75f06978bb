/** What goes wrong with mail, written down and told: mails that were turned away, addresses that bounce, people who want no more. */
import { createHash, randomBytes } from 'node:crypto';
import { changeDoc } from './people/change.ts';
import { knownAs } from './people.ts';
import type { Services } from './services.ts';
import type { Person, Reply } from './types.ts';

type Needed = Pick<Services, 'store' | 'clock' | 'log' | 'outbox' | 'config'>;

const KEPT_OF_A_LINE = 200;

export async function turnedAway(
  { store, clock, log }: Needed,
  o: { person?: Person; surface: string; line: string; why: string },
): Promise<void> {
  const at = clock.now().toISOString();
  await store.put('audit', {
    id: `${at}-${randomBytes(4).toString('hex')}`,
    at,
    ...(o.person === undefined ? {} : { person: o.person.id }),
    surface: o.surface,
    line: o.line.slice(0, KEPT_OF_A_LINE),
    outcome: 'refused',
    detail: o.why.slice(0, KEPT_OF_A_LINE),
  });
  log('info', 'mail.turned_away', { why: o.why });
}

const HOUR = 3_600_000;

/** Counted where restarts do not matter: two robots that answer each other are slow, and never stop. */
export async function allow({ store, clock }: Needed, o: { address: string; most: number }): Promise<boolean> {
  const by = createHash('sha256').update(o.address).digest('hex').slice(0, 16);
  const now = clock.now().getTime();
  const at = new Date(now).toISOString();
  const since = new Date(now - HOUR).toISOString();
  let had = 0;
  for await (const { id } of store.find('seen', { from: `answered/${since}`, to: 'answered0' })) {
    if (id.split('/')[2] === by) had++;
  }
  if (had >= o.most) return false;
  await store.put('seen', { id: `answered/${at}/${by}/${randomBytes(4).toString('hex')}`, at });
  return true;
}

const CHATS = ['slack', 'discord'] as const;

const bouncedReply = (address: string, why: string): Reply => ({
  tone: 'bad',
  title: `Mails to ${address} come back, so I send none there any more.`,
  blocks: [
    { kind: 'text', text: `Its server says: ${why}` },
    {
      kind: 'text',
      text: 'Your backups go on; their reports are here and in `status`. When the address works again, tell me so.',
    },
    { kind: 'choices', choices: [{ label: 'It works again', line: `mail ${address}`, style: 'primary' }] },
  ],
  onlyForCaller: true,
});

/** Said once per address, where the person is besides. */
export async function bounced(services: Needed, o: { address: string; why: string }): Promise<void> {
  const { store, clock, log, outbox, config } = services;
  const address = o.address.toLowerCase();
  const person = await knownAs(store, { surface: 'mail', id: address });
  if (!person || person.identities.some(({ surface, id, refused }) => surface === 'mail' && id === address && refused))
    return;
  const at = clock.now().toISOString();
  const why = o.why.slice(0, KEPT_OF_A_LINE);
  const marked = await changeDoc(store, 'people', person.id, (stored) => ({
    ...stored,
    identities: stored.identities.map((identity) =>
      identity.surface === 'mail' && identity.id === address ? { ...identity, refused: { at, why } } : identity,
    ),
  }));
  if (!marked) return;
  log('warn', 'mail.bounced', { address, why });
  const chats = CHATS.filter((chat) => config[chat] && marked.identities.some(({ surface }) => surface === chat));
  const surfaces = chats.length > 0 ? chats : (['console'] as const);
  await store.commit(
    surfaces.map((surface) => ({
      table: 'outbox' as const,
      put: outbox.message(marked, surface, `bounce:${address}:${at}`, bouncedReply(address, why)),
    })),
  );
}

/** No mails about this plan any more, or about none of this person's. */
export async function endMails({ store, log }: Needed, o: { person: string; plan?: string }): Promise<void> {
  const plans: string[] = [];
  for await (const plan of store.find('plans', { index: 'owner', equals: [o.person] })) {
    if (o.plan === undefined || plan.id === o.plan) plans.push(plan.id);
  }
  for (const id of plans) await changeDoc(store, 'plans', id, (plan) => ({ ...plan, mailed: false }));
  log('info', 'mail.unsubscribed', { person: o.person, plans: plans.length });
}
