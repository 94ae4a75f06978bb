/** `mail [<address>]`: where reports are mailed to. An address counts once its reader has said the code that is mailed there. */
import { createHash, randomBytes } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { NotAllowed, UsageError } from '../errors.ts';
import type { MailConfig } from '../mail-config.ts';
import { closedDoors } from '../mail-trouble.ts';
import { openCode } from '../people/codes.ts';
import type { Services } from '../services.ts';
import type { Caller, Identity, Instant, Person, Reply } from '../types.ts';
import { distanceWords } from '../wording.ts';
import type { Command } from './command.ts';
import { choice, choices, fields, good, plain, text } from './reply.ts';
import { momentWords } from './who-did.ts';

/** One spelling of one address: letters small, the domain as it is in the DNS (IDNA). */
const spelled = (address: string): string => {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  return `${address.slice(0, at).toLowerCase()}@${domainToASCII(domain) || domain.toLowerCase()}`;
};

export const mailsOf = ({ identities }: Pick<Person, 'identities'>): Identity[] =>
  identities.filter(({ surface }) => surface === 'mail');

const HOUR = 3_600_000;
/** A mail may take its time: servers that do not know ours let it wait for a quarter of an hour and more. */
const GOOD_FOR = HOUR;
/** Nobody may have Keepsake flood a stranger: not one person by asking often, nor several by asking in turn. */
const LIMITS = [
  { of: 'person', most: 3, within: HOUR },
  { of: 'address', most: 5, within: 24 * HOUR },
] as const;

/** Written down before it is counted, so that many at once are all seen; an attempt that is refused is no attempt. */
async function count({ store, clock }: Services, caller: Caller, address: string): Promise<void> {
  const now = clock.now().getTime();
  const at = new Date(now).toISOString();
  const whose = {
    person: caller.person.id,
    address: createHash('sha256').update(address).digest('hex').slice(0, 32),
  };
  const mine: string[] = [];
  for (const { of, most, within } of LIMITS) {
    const prefix = `ask-mail/${of}/${whose[of]}/`;
    const id = `${prefix}${at}/${randomBytes(4).toString('hex')}`;
    await store.put('seen', { id, at });
    mine.push(id);
    let asked = 0;
    const since = new Date(now - within).toISOString();
    for await (const _ of store.find('seen', { from: `${prefix}${since}`, to: `${prefix}~` })) asked++;
    if (asked <= most) continue;
    await store.removeMany('seen', mine);
    throw new NotAllowed('Too many mails like this were asked for, so none was sent.', {
      code: 'too_many_mails',
      advice: of === 'person' ? 'Try it again in an hour.' : 'Try it again tomorrow, or name another address.',
    });
  }
}

/** A name is chosen by whoever bears it, and goes to somebody who may not know them: no address, nothing to click. */
const plainName = (name: string): string =>
  name
    .replace(/[^\p{L}\p{M}\p{N} '’-]+/gu, ' ')
    .trim()
    .slice(0, 40) || 'no name';

const question = (person: Person, code: string, expires: Instant, now: Date): Reply => ({
  tone: 'plain',
  title: 'The code that confirms your address',
  blocks: [
    text(
      `Somebody who uses Keepsake (${plainName(person.name)}) wants its backup reports mailed to this address. If that is you, go back to where you asked for this mail and type this line there (not as an answer to this mail), within ${distanceWords(expires, now).replace('in ', '')}:`,
    ),
    { kind: 'line', line: `link ${code}` },
    text('If it is not you, do nothing: no report is sent here, and nobody was told anything about you.'),
  ],
});

/** The surface's name of an address that comes back, and what mends it. */
const trouble = ({ id, refused }: Identity, caller: Caller, now: Date): string =>
  refused === undefined
    ? ''
    : `Mails to ${id} came back ${momentWords(refused.at, caller.zone, now)}, so none is sent there: ${refused.why} When it works again, say: mail ${id}`;

async function shown(caller: Caller, services: Services): Promise<Reply> {
  const mails = mailsOf(caller.person);
  const now = services.clock.now();
  const smtp = services.config.mail?.smtp !== undefined;
  const data = { addresses: mails.map(({ id, refused }) => ({ address: id, ...(refused ? { refused } : {}) })) };
  if (mails.length === 0) {
    return plain(
      'I know no mail address of yours.',
      [
        text(
          smtp
            ? 'Tell me one, for example: mail ana@example.org'
            : 'This Keepsake has no mail server: its reports are files in the data folder. Whoever runs it can set SMTP_URL.',
        ),
      ],
      data,
    );
  }
  const working = mails.filter(({ refused }) => refused === undefined);
  return plain(
    working.length > 0 ? 'Your reports are mailed.' : 'Your mail address does not work.',
    [
      fields({ 'Mailed to': working.map(({ id }) => id).join(', ') || undefined }),
      ...mails.filter(({ refused }) => refused !== undefined).map((one) => text(trouble(one, caller, now))),
      ...(smtp ? [] : [text('This Keepsake has no mail server now: its reports are files in the data folder.')]),
      ...(await closedDoors(services)).map(text),
      ...choices(
        ...mails
          .filter(({ refused }) => refused !== undefined)
          .map(({ id }) => choice(`${id} works again`, `mail ${id}`, 'primary')),
        choice('No mails', 'stop reports'),
        ...(working.length > 1 ? working.map(({ id }) => choice(`Forget ${id}`, `unlink mail ${id}`)) : []),
      ),
    ],
    data,
  );
}

/** Somebody's own mailbox may be mine too; an address with a tag of mine would have me read my own reports. */
function checkNotOurs(address: string, mail: MailConfig): void {
  if (address === mail.from || address.replace(/\+[^@]*@/, '@') !== mail.from) return;
  throw new UsageError('That is an address of my own, so it was not taken.', {
    code: 'own_address',
    advice: 'Name one that you read.',
  });
}

async function ask(services: Services, caller: Caller, address: string): Promise<Reply> {
  const { config, store, clock, outbox } = services;
  if (!config.mail?.smtp) {
    throw new UsageError('This Keepsake has no mail server, so it cannot write to that address.', {
      code: 'no_smtp',
      advice: 'Its reports are files in the data folder. Whoever runs it can set SMTP_URL, and then say this again.',
    });
  }
  const { mail } = config;
  const now = clock.now();
  const known = mailsOf(caller.person).find(({ id }) => id === address);
  if (known && !known.refused) {
    return plain(
      `Your reports go to ${address} already.`,
      choices(choice('Where to?', 'mail'), choice('No mails', 'stop reports')),
      { address, unchanged: true },
    );
  }
  checkNotOurs(address, mail);
  await count(services, caller, address);
  const { code, expires } = await openCode(store, clock, {
    kind: 'link',
    person: caller.person.id,
    payload: { mail: address },
    lasts: GOOD_FOR,
  });
  const key = `confirm-address:${address}:${now.toISOString()}`;
  const asked = question(caller.person, code, expires, now);
  await store.commit([
    { table: 'outbox', put: outbox.message(caller.person, 'mail', key, asked, undefined, { address }) },
  ]);
  return good(
    `I have written to ${address}.`,
    [
      text(
        `In that mail is a line with a code, such as \`link 2F7K-QM4D-9TRV\`. Say that line here, within ${distanceWords(expires, now).replace('in ', '')}. Until then nothing is mailed there.`,
      ),
    ],
    { address, asked: true, expires },
  );
}

export const mail: Command<'mail'> = {
  name: 'mail',
  summary: 'Show or say where your reports are mailed to.',
  example: 'mail ana@example.org',
  needs: 'viewer',
  /** Whoever could say this in somebody's name by mail would have their reports: asked in a mail of its own. */
  async danger(args, caller) {
    if (caller.proof === undefined || args.address === undefined) return undefined;
    return {
      title: `Shall your reports go to ${args.address}?`,
      text: 'I first write to that address. Once you have said the code of that mail here, whoever reads there can look at your backups, and change them as you can.',
      label: 'Yes, write to it',
    };
  },
  async *run(args, caller, services) {
    const reply =
      args.address === undefined ? await shown(caller, services) : await ask(services, caller, spelled(args.address));
    yield { ...reply, onlyForCaller: true };
  },
};
