/** What goes wrong with mail, written down and told: mails that were turned away, addresses that bounce, people who want no more. */
import { createHash, randomBytes } from 'node:crypto';
import { auditLine } from './commands/audit-line.ts';
import { quote } from './commands/grammar/words.ts';
import { changeDoc } from './people/change.ts';
import { knownAs } from './people.ts';
import type { Services } from './services.ts';
import type { Person, Plan, Reply } from './types.ts';

type Needed = Pick<Services, 'store' | 'clock' | 'log' | 'outbox' | 'config'>;

const KEPT_OF_A_LINE = 200;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/**
 * How many there were of `what` for `whose` within `within` ms, this one included; the same key counts once. Counted where
 * restarts do not matter.
 */
async function count(
  { store, clock }: Needed,
  o: { what: string; whose: string; within: number; most: number; key?: string },
): Promise<number> {
  const by = digest(o.whose);
  const now = clock.now().getTime();
  const at = new Date(now).toISOString();
  const since = new Date(now - o.within).toISOString();
  let had = 0;
  for await (const { id } of store.find('seen', { from: `${o.what}/${since}`, to: `${o.what}0` })) {
    const [, , who, key] = id.split('/');
    if (who !== by) continue;
    had++;
    if (o.key !== undefined && key === digest(o.key)) return Math.min(had, o.most);
  }
  if (had >= o.most) return had + 1;
  const key = o.key === undefined ? randomBytes(4).toString('hex') : digest(o.key);
  await store.put('seen', { id: `${o.what}/${at}/${by}/${key}`, at });
  return had + 1;
}

/** Per person, and for all who are nobody here: an address that is known gets thousands of mails a day that nobody wants. */
const WRITTEN_DOWN = 30;

export async function turnedAway(
  services: Needed,
  o: { person?: Person; surface: string; line: string; why: string },
): Promise<void> {
  const { store, clock, log } = services;
  const most = WRITTEN_DOWN + 1;
  const had = await count(services, { what: 'turned-away', whose: o.person?.id ?? '', within: HOUR, most });
  log(had > most ? 'debug' : 'info', 'mail.turned_away', { why: o.why });
  if (had > most) return;
  const at = clock.now().toISOString();
  const isLast = had === most;
  await store.put('audit', {
    id: `${at}-${randomBytes(4).toString('hex')}`,
    at,
    ...(o.person === undefined ? {} : { person: o.person.id }),
    surface: o.surface,
    line: isLast ? '' : auditLine(o.line, undefined).slice(0, KEPT_OF_A_LINE),
    outcome: 'refused',
    detail: isLast
      ? 'more mails like these came within an hour; they are not written down'
      : o.why.slice(0, KEPT_OF_A_LINE),
  });
}

/** Two robots that answer each other are slow, and never stop. */
export async function allow(services: Needed, o: { address: string; most: number; key?: string }): Promise<boolean> {
  const { address: whose, most, key } = o;
  const had = await count(services, {
    what: 'answered',
    whose,
    within: HOUR,
    most,
    ...(key === undefined ? {} : { key }),
  });
  return had <= most;
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

const cameBackReply = (address: string, why: string): Reply => ({
  tone: 'bad',
  title: `A mail to ${address} came back.`,
  blocks: [
    { kind: 'text', text: `Its server says: ${why}` },
    { kind: 'text', text: 'When the next one comes back too, I send none there any more.' },
    { kind: 'choices', choices: [{ label: 'Where to?', line: 'mail' }] },
  ],
  onlyForCaller: true,
});

/** Where a person hears of what is wrong with mail. */
function besides({ config }: Needed, { identities }: Person): readonly string[] {
  const chats = CHATS.filter((chat) => config[chat] && identities.some(({ surface }) => surface === chat));
  return chats.length > 0 ? chats : ['console'];
}

async function tell(
  services: Needed,
  to: Person,
  key: string,
  reply: Reply,
  surfaces: readonly string[],
): Promise<void> {
  const { store, outbox } = services;
  await store.commit(
    surfaces.map((surface) => ({ table: 'outbox' as const, put: outbox.message(to, surface, key, reply) })),
  );
}

/** Servers give up after five days at the latest (RFC 5321 4.5.4.1), and reports come once a week or more often. */
const MAILS_THAT_CAME_BACK = { within: 30 * DAY, most: 2 };

/** Said once per address, where the person is besides. */
export async function bounced(
  services: Needed,
  { message, ...o }: { address: string; why: string; message?: string },
): Promise<void> {
  const { store, clock, log } = services;
  const address = o.address.toLowerCase();
  const person = await knownAs(store, { surface: 'mail', id: address });
  if (!person || person.identities.some(({ surface, id, refused }) => surface === 'mail' && id === address && refused))
    return;
  const at = clock.now().toISOString();
  const why = o.why.slice(0, KEPT_OF_A_LINE);
  if (message !== undefined) {
    const had = await count(services, { what: 'came-back', whose: address, key: message, ...MAILS_THAT_CAME_BACK });
    if (had < MAILS_THAT_CAME_BACK.most) {
      log('warn', 'mail.came_back', { address, why });
      await tell(
        services,
        person,
        `came-back:${address}:${message}`,
        cameBackReply(address, why),
        besides(services, person),
      );
      return;
    }
  }
  const marked = await changeDoc(store, 'people', person.id, (stored) => ({
    ...stored,
    identities: stored.identities.map((identity) =>
      identity.surface === 'mail' && identity.id === address ? { ...identity, refused: { at, why } } : identity,
    ),
  }));
  if (!marked) return;
  log('warn', 'mail.bounced', { address, why });
  await tell(services, marked, `bounce:${address}:${at}`, bouncedReply(address, why), besides(services, marked));
}

const endedReply = (plans: readonly Plan[]): Reply => {
  const [plan, more] = plans;
  const one = plan !== undefined && more === undefined;
  return {
    tone: 'plain',
    title: `No more mails with reports of ${one ? plan.name : `all ${plans.length} backups`}.`,
    blocks: [
      {
        kind: 'text',
        text: 'The link at the end of one of them was used; whoever has that mail can do that. The backups go on. But when one fails, no mail says so.',
      },
      {
        kind: 'choices',
        choices: [
          { label: 'That was not me: send them', line: one ? `send reports of ${quote(plan.name)}` : 'send reports' },
        ],
      },
    ],
    onlyForCaller: true,
  };
};

/** No mails about this plan any more, or about none of this person's. They are told, and it is written down: a token is proof of little. */
export async function endMails(services: Needed, o: { person: string; plan?: string }): Promise<void> {
  const { store, clock, log } = services;
  const plans: Plan[] = [];
  for await (const plan of store.find('plans', { index: 'owner', equals: [o.person] })) {
    if ((o.plan === undefined || plan.id === o.plan) && plan.mailed !== false) plans.push(plan);
  }
  for (const { id } of plans) await changeDoc(store, 'plans', id, (plan) => ({ ...plan, mailed: false }));
  log('info', 'mail.unsubscribed', { person: o.person, plans: plans.length });
  const person = plans.length === 0 ? undefined : await store.get('people', o.person);
  if (!person) return;
  const at = clock.now().toISOString();
  await store.put('audit', {
    id: `${at}-${randomBytes(4).toString('hex')}`,
    at,
    person: person.id,
    surface: 'mail',
    line: 'stop reports',
    command: 'reports',
    outcome: 'done',
    detail: `${plans
      .map(({ name }) => name)
      .join(', ')
      .slice(0, KEPT_OF_A_LINE)}: by the link of a mail`,
  });
  const surfaces = besides(services, person).filter((surface) => surface !== 'console');
  await tell(services, person, `mails-ended:${at}`, endedReply(plans), surfaces.length > 0 ? surfaces : ['mail']);
}

const DOOR = 'mail-door/';

/** A way in for answers that is closed until somebody mends it, with the reason; open again without one. */
export async function markDoor({ store }: Pick<Needed, 'store'>, o: { name: string; closed?: string }): Promise<void> {
  const id = `${DOOR}${o.name}`;
  if (o.closed !== undefined) await store.putMany('settings', [{ id, value: o.closed }]);
  else if (await store.get('settings', id)) await store.remove('settings', id);
}

/** Why answers to mails are not read, a sentence for each way in; empty where they are, or where nobody wants them read. */
export async function closedDoors({ store, config }: Pick<Needed, 'store' | 'config'>): Promise<string[]> {
  if (!config.mail?.imap && !config.mail?.listen) return [];
  const found: string[] = [];
  for await (const { value } of store.find('settings', { from: DOOR, to: 'mail-door0' })) {
    if (typeof value === 'string') found.push(value);
  }
  return found;
}
