/** Mails that pretend to be somebody's, through the whole program: nothing changes, nobody but the person is told, and it is written down. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { taggedAddress } from '../../src/mail/address.ts';
import type { Person, Sent } from '../servers/mail.ts';
import { type AttackWorld, openAttackWorld, tokenOf, words } from './attack-world.ts';

let world: AttackWorld;
/** Of domains that publish no policy, or one without teeth. */
let cleo: Person;
let dan: Person;

beforeAll(async () => {
  world = await openAttackWorld();
  const { mails } = world;
  cleo = mails.person('cleo@lax.example', 'Cleo');
  mails.domain('lax.example', { dmarc: 'none' });
  dan = mails.person('dan@silent.example', 'Dan');
  mails.domain('silent.example', { dmarc: undefined });
  await world.know('cleo', cleo, 'owner');
  await world.know('dan', dan, 'owner');
});
afterAll(() => world.close());

const ANA = 'ana@example.org';
/** Where answers to the report that Eve has a copy of go. */
const stolen = (): string => taggedAddress(world.mails.address, 'r', tokenOf(world.report));
const bot = (): string => world.mails.address;
const anas = { name: 'Ana Lima', address: ANA };

interface Attack {
  name: string;
  mail(): Promise<Sent>;
  /** In the audit trail. */
  why: RegExp;
  /** Somebody is asked whether they wrote it. */
  asks?: string;
}

const pause = (to: string) => ({ to, subject: 'Re: photos: backed up', text: 'pause photos\n' });
const notProved = /^not proved to be from ana@example\.org/;
const nobody = /is nobody's address here/;
const unknown = /nobody is known at/;
const asked = /asked to confirm/;

/** Each with the stolen token in its address, and without. */
const forged: (Omit<Attack, 'mail'> & { mail(to: string): Promise<Sent>; withToken: Pick<Attack, 'why' | 'asks'> })[] =
  [
    {
      name: 'From is forged, nothing is signed',
      mail: (to) => world.eve.send({ ...pause(to), from: anas, dkim: false }),
      why: notProved,
      withToken: { why: asked, asks: ANA },
    },
    {
      name: 'From is forged, signed by evil.example',
      mail: (to) => world.eve.send({ ...pause(to), from: anas, dkim: 'evil.example' }),
      why: notProved,
      withToken: { why: asked, asks: ANA },
    },
    {
      name: 'From is forged, envelope and HELO too',
      mail: (to) => world.eve.send({ ...pause(to), from: anas, envelopeFrom: ANA, dkim: false }),
      why: notProved,
      withToken: { why: asked, asks: ANA },
    },
    {
      name: 'From is of a domain whose policy is p=none, signed by evil.example',
      mail: (to) =>
        world.eve.send({ ...pause(to), from: { name: 'Cleo', address: cleo.address }, dkim: 'evil.example' }),
      why: /^not proved to be from cleo@lax\.example/,
      withToken: { why: /used a reply address of somebody else/ },
    },
    {
      name: 'From is of a domain without a policy, signed by evil.example',
      mail: (to) => world.eve.send({ ...pause(to), from: { name: 'Dan', address: dan.address }, dkim: 'evil.example' }),
      why: /^not proved to be from dan@silent\.example/,
      withToken: { why: /used a reply address of somebody else/ },
    },
    {
      name: 'From is at a sub-domain',
      mail: (to) => world.mails.person('ana@mail.example.org', 'Ana Lima').send(pause(to)),
      why: unknown,
      withToken: { why: nobody },
    },
    {
      name: 'From is at a domain that looks alike',
      mail: (to) => world.mails.person('ana@examp1e.org', 'Ana Lima').send(pause(to)),
      why: unknown,
      withToken: { why: nobody },
    },
    {
      name: 'From is at a domain with a letter of another script',
      mail: (to) => world.mails.person('ana@xn--xample-2of.org', 'Ana Lima').send(pause(to)),
      why: unknown,
      withToken: { why: nobody },
    },
    {
      name: 'the name is the address',
      mail: (to) => world.eve.send({ ...pause(to), from: { name: ANA, address: world.eve.address } }),
      why: unknown,
      withToken: { why: nobody },
    },
    {
      name: 'the name holds the address in angle brackets',
      mail: (to) => world.eve.send({ ...pause(to), from: { name: `<${ANA}>`, address: world.eve.address } }),
      why: unknown,
      withToken: { why: nobody },
    },
    {
      name: 'two From headers, Ana first',
      mail: (to) => world.eve.send({ ...pause(to), from: anas, headers: [['From', 'Eve <eve@evil.example>']] }),
      why: /no single sender/,
      withToken: { why: /no single sender/ },
    },
    {
      name: 'two From headers, Ana last',
      mail: (to) => world.eve.send({ ...pause(to), headers: [['From', `Ana <${ANA}>`]] }),
      why: /no single sender|nobody/,
      withToken: { why: /no single sender|nobody/ },
    },
    {
      name: 'two addresses in From',
      mail: (to) =>
        world.eve.send({
          ...pause(to),
          alter: (raw) => raw.replace(/^From: .*\r\n/m, `From: Ana <${ANA}>, Eve <eve@evil.example>\r\n`),
        }),
      why: /no single sender/,
      withToken: { why: /no single sender/ },
    },
    {
      name: 'From is a group',
      mail: (to) =>
        world.eve.send({ ...pause(to), alter: (raw) => raw.replace(/^From: .*\r\n/m, `From: Owners: ${ANA};\r\n`) }),
      why: /no single sender/,
      withToken: { why: /no single sender/ },
    },
    {
      name: 'Sender is Ana',
      mail: (to) => world.eve.send({ ...pause(to), headers: [['Sender', ANA]] }),
      why: unknown,
      withToken: { why: nobody },
    },
    {
      name: 'Resent-From is Ana',
      mail: (to) =>
        world.eve.send({
          ...pause(to),
          headers: [
            ['Resent-From', ANA],
            ['Resent-Sender', ANA],
          ],
        }),
      why: unknown,
      withToken: { why: nobody },
    },
    {
      name: 'a tag in the address of Ana',
      mail: (to) => world.mails.person('ana+x@example.org', 'Ana').send(pause(to)),
      why: unknown,
      withToken: { why: nobody },
    },
    {
      name: 'Authentication-Results say that all is well',
      mail: (to) =>
        world.eve.send({
          ...pause(to),
          from: anas,
          dkim: false,
          headers: [
            [
              'Authentication-Results',
              'mx.example.org; dkim=pass header.d=example.org; dmarc=pass header.from=example.org',
            ],
          ],
        }),
      why: notProved,
      withToken: { why: asked, asks: ANA },
    },
  ];

const tokens: Attack[] = [
  {
    name: "Eve's own well signed mail to the address of Ana's report",
    mail: () => world.eve.send(pause(stolen())),
    why: nobody,
  },
  {
    name: "Eve's reply in the thread of Ana's report",
    mail: () => world.eve.reply(world.report, 'pause', { to: bot() }),
    why: nobody,
  },
  {
    name: "Ben's own well signed mail to the address of Ana's report",
    mail: () => world.ben.send(pause(stolen())),
    why: /ben@example\.org used a reply address of somebody else/,
  },
  {
    name: "Ana's mail to the address of Ben's report",
    mail: () => world.ana.reply(world.bens, 'pause'),
    why: /ana@example\.org used a reply address of somebody else/,
  },
  {
    name: 'a token with one letter changed',
    mail: () => {
      const token = tokenOf(world.report);
      const last = token.endsWith('a') ? 'b' : 'a';
      return world.eve.send({
        ...pause(taggedAddress(bot(), 'r', `${token.slice(0, -2)}${last}${token.slice(-1)}`)),
        from: anas,
        dkim: false,
      });
    },
    why: notProved,
  },
  {
    name: "a stolen token in a code in the small print, From Eve's own",
    mail: () => world.eve.send({ ...pause(bot()), text: `pause photos\n\n[#${tokenOf(world.report)}]\n` }),
    why: nobody,
  },
  {
    name: 'the token of reports where that of unsubscribing is wanted',
    mail: () => world.eve.send(pause(taggedAddress(bot(), 'u', tokenOf(world.report)))),
    why: /an unsubscribe address that is not known/,
  },
];

const attacks: Attack[] = [
  ...forged.flatMap(({ withToken, ...attack }): Attack[] => [
    { ...attack, mail: () => attack.mail(bot()) },
    { ...attack, ...withToken, name: `${attack.name}; with a stolen token`, mail: () => attack.mail(stolen()) },
  ]),
  ...tokens,
];

describe(`${attacks.length} mails of somebody else`, () => {
  it.each(attacks)('$name', async ({ mail, why, asks }) => {
    // Each of them for itself: nobody is asked more than a few times an hour.
    world.clock.forward(61 * 60_000);
    await world.quiet();
    const before = await world.state();
    const lines = (await world.refused()).length;
    const sent = world.recipients().length;
    const eves = (await world.eve.inbox()).length;

    expect((await mail()).refused).toBeUndefined();
    await world.until('a line in the audit trail', async () => (await world.refused()).length > lines);
    await world.quiet();

    expect(await world.state()).toBe(before);
    const told = (await world.refused()).slice(lines);
    expect(told.map(({ detail }) => detail ?? '').filter((detail) => why.test(detail))).toHaveLength(1);
    expect(world.recipients().slice(sent)).toEqual(asks === undefined ? [] : [asks]);
    expect(await world.eve.inbox()).toHaveLength(eves);
  });

  it('break no rule of SMTP or IMAP', () => {
    // Its hours are leaps of the clock, over which no connection begins IDLE anew.
    expect(world.mails.violations().filter((one) => !one.startsWith('IMAP: IDLE for'))).toEqual([]);
  });
});

describe('the answer', () => {
  it('goes to the address that is known, wherever Reply-To points', async () => {
    world.clock.forward(61 * 60_000);
    const sent = world.recipients().length;
    const eves = (await world.eve.inbox()).length;
    await world.ana.send({
      to: bot(),
      subject: 'status',
      text: 'status\n',
      headers: [
        ['Reply-To', world.eve.address],
        ['Disposition-Notification-To', world.eve.address],
        ['Errors-To', world.eve.address],
      ],
    });
    await world.until('an answer', () => world.recipients().length > sent);
    await world.quiet();
    expect(world.recipients().slice(sent)).toEqual([ANA]);
    expect(await world.eve.inbox()).toHaveLength(eves);
  });

  it('comes also when the address is written in other letters', async () => {
    const sent = world.recipients().length;
    await world.ana.send({
      to: bot(),
      subject: 'status',
      text: 'status\n',
      from: { name: 'A', address: 'ANA@Example.ORG' },
    });
    await world.until('an answer', () => world.recipients().length > sent);
    expect(world.recipients().slice(sent)).toEqual([ANA]);
  });

  it('to the question whether she wrote it is a no, and nothing is done', async () => {
    const question = (await world.ana.inbox()).findLast((mail) => words(mail).includes('Did you write this'));
    if (!question) throw new Error('Ana was never asked.');
    const lines = (await world.refused()).length;
    await world.eve.send({ ...pause(stolen()), from: anas, dkim: false });
    await world.until('a question', async () => (await world.refused()).length > lines);
    await world.quiet();
    const fresh = (await world.ana.inbox()).findLast((mail) => words(mail).includes('Did you write this'));
    if (!fresh) throw new Error('Ana was not asked.');
    expect(words(fresh)).toContain('photos');
    await world.ana.reply(fresh, 'no');
    await world.ana.next((mail) => words(mail).includes('Left as it is'));
    expect((await world.plan('photos'))?.state).toBe('active');
  });
});
