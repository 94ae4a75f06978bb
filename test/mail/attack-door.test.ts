/** The same attackers where Keepsake takes mails by SMTP itself: nobody can forge where a mail comes from, and the door tells nothing. */
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { taggedAddress } from '../../src/mail/address.ts';
import type { Sent } from '../servers/mail.ts';
import { type AttackWorld, openAttackWorld, tokenOf } from './attack-world.ts';

const ANA = 'ana@example.org';
const anas = { name: 'Ana Lima', address: ANA };

let world: AttackWorld;
let port: number;
beforeAll(async () => {
  world = await openAttackWorld({ environment: { MAIL_LISTEN: '0' } });
  const listening = world.log.find((line) => line.includes('mail.listening'));
  port = Number(/port=(\d+)/.exec(listening ?? '')?.[1]);
  expect(port).toBeGreaterThan(0);
  world.mails.route(port);
});
afterAll(() => world.close());
beforeEach(() => {
  world.clock.forward(61 * 60_000);
});

const bot = (): string => world.mails.address;
const stolen = (): string => taggedAddress(bot(), 'r', tokenOf(world.report));
const lastLine = async (): Promise<string> => (await world.refused()).at(-1)?.detail ?? '';

async function turnedAway(send: () => Promise<Sent>, why: RegExp): Promise<void> {
  const before = await world.state();
  const lines = (await world.refused()).length;
  const eves = (await world.eve.inbox()).length;
  const sent = world.recipients().length;
  expect((await send()).refused).toBeUndefined();
  await world.until('a line in the audit trail', async () => (await world.refused()).length > lines);
  await world.quiet();
  expect(await lastLine()).toMatch(why);
  expect(await world.state()).toBe(before);
  expect(await world.eve.inbox()).toHaveLength(eves);
  expect(
    world
      .recipients()
      .slice(sent)
      .filter((address) => address !== ANA),
  ).toEqual([]);
}

describe('from a server of Eve’s', () => {
  const mail = { subject: 'x', text: 'pause photos\n', from: anas, dkim: false };
  it.each<[string, () => Promise<Sent>, RegExp]>([
    [
      'a forged From',
      () => world.eve.send({ ...mail, to: bot() }),
      /^not proved to be from ana@example\.org: its envelope is not of example\.org/,
    ],
    [
      'a forged From and envelope',
      () => world.eve.send({ ...mail, to: bot(), envelopeFrom: ANA }),
      /SPF of example\.org says fail/,
    ],
    [
      'a forged From and envelope, with a stolen token',
      () => world.eve.send({ ...mail, to: stolen(), envelopeFrom: ANA }),
      /asked to confirm/,
    ],
    [
      'an envelope of a sub-domain',
      () => world.eve.send({ ...mail, to: bot(), envelopeFrom: 'x@mail.example.org' }),
      /its envelope is not of example\.org/,
    ],
    [
      'the envelope of evil.example, which SPF passes',
      () => world.eve.send({ ...mail, to: bot(), envelopeFrom: 'eve@evil.example' }),
      /its envelope is not of example\.org/,
    ],
  ])('%s', async (_, send, why) => turnedAway(send, why));

  it('a mail of the null sender in Ana’s name is silent', async () => {
    const before = await world.state();
    const sent = world.recipients().length;
    await world.eve.send({ ...mail, to: stolen(), envelopeFrom: '' });
    await world.until('the mail was seen', () => world.log.some((line) => line.includes('mail.automatic')));
    await world.quiet();
    expect(world.recipients()).toHaveLength(sent);
    expect(await world.state()).toBe(before);
  });

  it('a mail that Ana signed for somebody else', async () => {
    world.mails.route(undefined);
    const sent = await world.ana.send({ to: world.eve.address, subject: 'x', text: 'pause photos\n' });
    world.mails.route(port);
    await turnedAway(async () => {
      await world.mails.replay(sent.raw, { to: stolen() });
      return sent;
    }, /asked to confirm/);
  });
});

describe('from Ana’s own server', () => {
  it('a mail that is signed by nobody acts: its domain names that server', async () => {
    await world.ana.reply(await world.newReport(), 'pause', { dkim: false });
    await world.until('the pause', async () => (await world.plan('photos'))?.state === 'paused');
  });
});

describe('the door', () => {
  /** Answers of a session, one a line said. */
  const session = (lines: readonly string[]): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const answers: string[] = [];
      let text = '';
      socket.on('data', (data) => {
        text += data;
        for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
          const line = text.slice(0, end);
          text = text.slice(end + 2);
          if (line[3] === '-') continue;
          answers.push(line);
          const next = lines[answers.length - 1];
          if (next === undefined) socket.end();
          else socket.write(`${next}\r\n`);
        }
      });
      socket.on('close', () => resolve(answers));
      socket.on('error', reject);
    });

  it('says the same to everybody about the sender, whoever is known', async () => {
    const said = async (from: string): Promise<string[]> =>
      (await session(['EHLO x', `MAIL FROM:<${from}>`, `RCPT TO:<${bot()}>`, 'VRFY ana', 'EXPN ana', 'QUIT'])).slice(2);
    const answers = await Promise.all([ANA, 'nobody@nowhere.example', 'ben@example.org'].map(said));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it('says the same of every address that is not ours, and of tokens that are none, too old or of the other kind', async () => {
    const end = /\+u\.([a-z2-7]{26})@/.exec(world.report.unsubscribe.mailto ?? '')?.[1] ?? '';
    const recipients = [
      ANA,
      'nobody@example.org',
      taggedAddress(bot(), 'r', 'a'.repeat(26)),
      taggedAddress(bot(), 'r', end),
    ];
    const answers = await Promise.all(
      recipients.map(
        async (to) => (await session(['EHLO x', 'MAIL FROM:<x@evil.example>', `RCPT TO:<${to}>`, 'QUIT']))[3],
      ),
    );
    expect(new Set(answers)).toEqual(new Set(['550 No such mailbox here']));
  });
});
