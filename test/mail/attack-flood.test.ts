/** Thousands of mails at once, of strangers and in somebody's name: what is written down, remembered and sent stays small. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { taggedAddress } from '../../src/mail/address.ts';
import { type AttackWorld, openAttackWorld, tokenOf, words } from './attack-world.ts';

const ANA = 'ana@example.org';
const MANY = 500;

let world: AttackWorld;
beforeAll(async () => {
  world = await openAttackWorld();
});
afterAll(() => world.close());

const bot = (): string => world.mails.address;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
const guess = (): string => Array.from({ length: 26 }, () => LETTERS[Math.floor(Math.random() * 32)]).join('');

let count = 0;
const mail = (o: { from: string; to?: string; text: string; more?: string }): Buffer =>
  Buffer.from(
    `Return-Path: <x@evil.example>\r\nDelivered-To: ${bot()}\r\n${o.more ?? ''}From: <${o.from}>\r\nTo: ${o.to ?? bot()}\r\nSubject: x\r\nMessage-ID: <${++count}@flood.example>\r\nDate: ${world.clock.now().toUTCString().replace('GMT', '+0000')}\r\n\r\n${o.text}\r\n`,
  );

async function rows(): Promise<Record<'audit' | 'seen' | 'outbox' | 'pending' | 'threads' | 'leases', number>> {
  const { store } = world.composed().services;
  const found = { audit: 0, seen: 0, outbox: 0, pending: 0, threads: 0, leases: 0 };
  for (const table of Object.keys(found) as (keyof typeof found)[]) {
    for await (const _ of store.find(table)) found[table]++;
  }
  return found;
}

/** All of them lie in the mailbox at once; afterwards Ana is answered. Tells what grew. */
async function flood(what: string, raws: readonly Buffer[]): Promise<Record<string, number>> {
  world.clock.forward(61 * 60_000);
  await world.quiet();
  const report = await world.newReport();
  const state = await world.state();
  const before = await rows();
  const sent = world.recipients().length;
  const lines = world.log.length;
  globalThis.gc?.();
  const memory = process.memoryUsage().rss;
  let most = memory;
  const looking = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 20);
  const began = performance.now();
  for (const raw of raws) world.mails.bot.mailbox('INBOX').add(raw);
  const { messageId } = await world.ana.reply(report, 'status');
  await world.until(
    'the mailbox is read',
    async () => (await world.read()) >= world.mails.bot.mailbox('INBOX').uidNext - 1,
    300_000,
  );
  const seconds = (performance.now() - began) / 1000;
  clearInterval(looking);
  await world.until('Ana is answered', async () =>
    (await world.ana.inbox()).some((one) => one.inReplyTo === messageId),
  );
  await world.quiet();
  expect(await world.state()).toBe(state);
  const after = await rows();
  const grown = Object.fromEntries(
    Object.entries(after).map(([table, n]) => [table, n - before[table as keyof typeof before]]),
  );
  const others = world
    .recipients()
    .slice(sent)
    .filter((address) => address !== ANA);
  expect(others).toEqual([]);
  const figures = { ...grown, mails: world.recipients().length - sent, log: world.log.length - lines };
  process.stdout.write(
    `  ${what}: ${raws.length} mails in ${seconds.toFixed(1)} s (${(raws.length / seconds).toFixed(0)}/s), ${Math.round((most - memory) / 1048576)} MB more memory; grown: ${JSON.stringify(figures)}\n`,
  );
  return figures;
}

it(`${MANY} mails of strangers`, { timeout: 400_000 }, async () => {
  const grown = await flood(
    'spam',
    Array.from({ length: MANY }, (_, index) =>
      mail({ from: `s${index}@spam${index % 500}.example`, text: `Offer ${index}: run now` }),
    ),
  );
  expect(grown.audit).toBeLessThanOrEqual(40);
  expect(grown.mails).toBeLessThanOrEqual(2);
  expect(grown.seen).toBeLessThanOrEqual(60);
});

it(`${MANY} guesses of tokens in Ana's name`, { timeout: 400_000 }, async () => {
  const grown = await flood(
    'guesses',
    Array.from({ length: MANY }, () =>
      mail({
        from: ANA,
        to: taggedAddress(bot(), 'r', guess()),
        text: `pause photos\r\n${Array.from({ length: 10 }, () => `[#${guess()}]`).join('\r\n')}`,
      }),
    ),
  );
  expect(grown.audit).toBeLessThanOrEqual(40);
  expect(grown.mails).toBeLessThanOrEqual(2);
});

it(`${MANY} mails in Ana's name with a stolen token`, { timeout: 400_000 }, async () => {
  const to = taggedAddress(bot(), 'r', tokenOf(world.report));
  const grown = await flood(
    'with a stolen token',
    Array.from({ length: MANY }, () => mail({ from: ANA, to, text: 'pause photos' })),
  );
  // A handful of questions, and the answer to herself.
  expect(grown.mails).toBeLessThanOrEqual(7);
  expect(grown.audit).toBeLessThanOrEqual(50);
});

it(`${MANY} codes of strangers at well signed domains shut no door for chats`, { timeout: 400_000 }, async () => {
  const { store } = world.composed().services;
  const wrong = async (): Promise<number> => {
    let n = 0;
    for await (const _ of store.find('seen', { from: 'guess/', to: 'guess0' })) n++;
    return n;
  };
  const before = await wrong();
  for (let domain = 0; domain < 12; domain++) {
    const person = world.mails.person(`guesser@spam${domain}.example`);
    for (let index = 0; index < 10; index++) {
      await person.send({
        to: bot(),
        subject: 'x',
        text: `join 2F7K-QM4D-9${'23456789BCDF'[domain]}${'23456789BC'[index]}V\n`,
      });
    }
  }
  await world.quiet();
  expect((await wrong()) - before).toBeLessThanOrEqual(20);
});

it('bounces and robots in thousands leave nothing behind', { timeout: 400_000 }, async () => {
  const grown = await flood('robots', [
    ...Array.from({ length: MANY / 2 }, () =>
      mail({
        from: 'MAILER-DAEMON@evil.example',
        text: 'could not be delivered',
        more: 'Auto-Submitted: auto-replied\r\n',
      }),
    ),
    ...Array.from({ length: MANY / 2 }, (_, index) =>
      mail({ from: `n${index}@news.example`, text: 'news', more: 'List-Unsubscribe: <mailto:x@news.example>\r\n' }),
    ),
  ]);
  expect(grown.audit).toBeLessThanOrEqual(5);
  expect(words((await world.ana.inbox()).at(-1) ?? world.report)).toContain('photos');
});
