/** Robots that answer, bounce and complain, real and forged: no loop, and nobody is silenced by somebody else's words. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Identity } from '../../src/engine/types.ts';
import { writeBounce } from '../servers/mail/robots.ts';
import type { SeenMail } from '../servers/mail.ts';
import { type AttackWorld, openAttackWorld, words } from './attack-world.ts';

const ANA = 'ana@example.org';
const anas = { name: 'Ana Lima', address: ANA };

let world: AttackWorld;
beforeAll(async () => {
  world = await openAttackWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  world.clock.forward(61 * 60_000);
  await world.quiet();
});

const bot = (): string => world.mails.address;

/** What Ana's address is known as. */
async function identity(): Promise<Identity | undefined> {
  const ana = await world.composed().services.store.get('people', 'ana');
  return ana?.identities.find(({ id }) => id === ANA);
}

async function silent(send: () => Promise<unknown>): Promise<void> {
  const before = await world.state();
  const sent = world.recipients().length;
  await send();
  await world.quiet();
  expect(world.recipients().slice(sent)).toEqual([]);
  expect(await world.state()).toBe(before);
}

describe('somebody who is away', () => {
  const cases = (['rfc', 'exchange', 'old', 'subject'] as const).flatMap((style) =>
    ['en', 'de', 'fr', 'es'].map((language) => [style, language] as const),
  );
  it.each(cases)('%s, %s', async (style, language) => {
    await silent(() => world.ana.outOfOffice(world.report, { style, language }));
  });

  it('whose program gives no sign at all and answers every answer stops being answered', async () => {
    let last: SeenMail = await world.newReport();
    const seen = new Set((await world.ana.inbox()).map(({ messageId }) => messageId));
    let answers = 0;
    for (let round = 0; round < 12; round++) {
      await world.ana.reply(last, 'I am in the mountains until Monday and read no mail.', {
        subject: `Re: ${last.subject}`,
      });
      await world.quiet();
      const fresh = (await world.ana.inbox()).find(({ messageId }) => !seen.has(messageId));
      if (!fresh) continue;
      seen.add(fresh.messageId);
      answers++;
      last = fresh;
    }
    expect(answers).toBe(5);
    expect((await world.refused()).at(-1)?.detail).toMatch(/more than 5 mails in an hour that say nothing to me/);
  });
});

describe('other programs', () => {
  const said = { subject: 'photos', text: 'pause\n' };
  it.each<[string, () => Promise<unknown>]>([
    [
      'another Keepsake',
      () =>
        world.ana.reply(world.report, 'pause', {
          headers: [
            ['Auto-Submitted', 'auto-replied'],
            ['X-Auto-Response-Suppress', 'All'],
            ['Precedence', 'bulk'],
            ['List-Id', 'Keepsake <reports.other.example>'],
          ],
        }),
    ],
    [
      'a mailing list',
      () =>
        world.ana.send({
          to: bot(),
          ...said,
          headers: [
            ['List-Id', 'Cats <cats.lists.example>'],
            ['List-Post', '<mailto:cats@lists.example>'],
          ],
        }),
    ],
    ['an old mailing list', () => world.ana.send({ to: bot(), ...said, headers: [['Precedence', 'list']] })],
    [
      'a calendar that accepts',
      () => world.ana.reply(world.report, 'yes', { headers: [['Auto-Submitted', 'auto-generated']] }),
    ],
    ['our own mail that came back', () => world.mails.replay(world.report.raw)],
    [
      'our own mail that came back by Ana’s filter',
      () => world.ana.send({ to: bot(), raw: world.report.raw.toString('latin1'), dkim: true }),
    ],
    [
      'a newsletter',
      () =>
        world.eve.send({
          to: bot(),
          subject: 'Offers',
          text: 'run\n',
          headers: [['List-Unsubscribe', '<mailto:x@evil.example>']],
        }),
    ],
    ['somebody who reads no mail', () => world.mails.person('no-reply@evil.example').send({ to: bot(), ...said })],
    [
      'a bounce of a bounce',
      async () => {
        const bounce = await world.ana.bounce(world.bens);
        await world.ana.bounce({ ...world.report, raw: bounce.raw, messageId: bounce.messageId });
      },
    ],
    [
      'a complaint',
      () =>
        world.eve.send({
          to: bot(),
          raw: [
            'From: Feedback <fbl@evil.example>',
            `To: ${bot()}`,
            'Subject: complaint',
            'Message-ID: <arf@evil.example>',
            'MIME-Version: 1.0',
            'Content-Type: multipart/report; report-type=feedback-report; boundary=x',
            '',
            '--x',
            'Content-Type: text/plain',
            '',
            'This is a complaint.',
            '--x',
            'Content-Type: message/feedback-report',
            '',
            'Feedback-Type: abuse',
            `Original-Rcpt-To: ${ANA}`,
            '',
            '--x',
            'Content-Type: message/rfc822',
            '',
            world.report.raw.toString('latin1'),
            '--x--',
            '',
          ].join('\n'),
        }),
    ],
  ])('%s', async (_, send) => silent(send));
});

describe('a bounce', () => {
  /** From anybody, about a mail that Ana got. */
  const forge = async (mail: SeenMail, o: { envelopeFrom?: string } = {}): Promise<void> => {
    const letter = {
      from: { name: 'Mail Delivery System', address: 'MAILER-DAEMON@evil.example' },
      to: [bot()],
      subject: 'Undelivered Mail Returned to Sender',
      date: world.clock.now(),
      messageId: `<${Math.random().toString(36).slice(2)}@evil.example>`,
    };
    await world.eve.send({ to: bot(), raw: writeBounce(letter, mail, ANA, {}), envelopeFrom: '', ...o });
  };

  it('that Eve forges with her one stolen report silences nobody, however often she sends it; Ana is told', async () => {
    for (let index = 0; index < 10; index++) await forge(world.report);
    await world.quiet();
    expect((await identity())?.refused).toBeUndefined();
    const told = (await world.outbox()).filter(({ reply }) => reply.title === `A mail to ${ANA} came back.`);
    expect(told).toHaveLength(1);
    await world.newReport();
  });

  it('of a mail to somebody else, or of none, is nothing', async () => {
    const before = await world.state();
    await forge(world.bens);
    await forge({
      ...world.report,
      messageId: '<none@example.org>',
      raw: Buffer.from('Message-ID: <none@example.org>\r\n\r\n'),
    });
    await world.quiet();
    expect(await world.state()).toBe(before);
  });

  it('of a second mail is believed, and told', async () => {
    await world.ana.bounce(await world.newReport());
    await world.until('the mark', async () => (await identity())?.refused !== undefined);
    const told = (await world.outbox()).filter(
      ({ reply }) => reply.title === `Mails to ${ANA} come back, so I send none there any more.`,
    );
    expect(told).toHaveLength(1);
    // Her next answer gets its answer all the same.
    const sent = await world.ana.reply(world.report, 'status');
    await world.until('an answer', async () =>
      (await world.ana.inbox()).some(({ inReplyTo }) => inReplyTo === sent.messageId),
    );
    const { store } = world.composed().services;
    const ana = await store.get('people', 'ana');
    if (ana) await store.put('people', { ...ana, identities: [{ surface: 'mail', id: ANA }] });
  });
});

describe('the address that ends mails', () => {
  it('which is in a stolen report ends them, and Ana is told at once and has them back with one word', async () => {
    const report = await world.newReport();
    const { mailto = '' } = report.unsubscribe;
    const to = /^mailto:([^?]*)/.exec(mailto)?.[1] ?? '';
    const had = (await world.ana.inbox()).length;
    await world.eve.send({ to: decodeURIComponent(to), subject: 'x', text: '', from: anas, dkim: false });
    await world.until('the end', async () => (await world.plan('photos'))?.mailed === false);
    await world.until('a word', async () => (await world.ana.inbox()).length > had);
    const told = (await world.ana.inbox()).at(-1);
    expect(told && words(told)).toContain('No more mails with reports of photos');
    expect(told?.unsubscribe).toEqual({ oneClick: false });
    const [line] = await world.audit('reports');
    expect(line).toMatchObject({ person: 'ana', surface: 'mail', outcome: 'done', line: 'stop reports' });
    if (told) await world.ana.press(told, 'That was not me: send them');
    await world.until('the reports', async () => (await world.plan('photos'))?.mailed !== false);
  });

  it('used again and again tells it once', async () => {
    const report = await world.newReport();
    const told = async (): Promise<number> =>
      (await world.ana.inbox()).filter((mail) => words(mail).includes('No more mails with')).length;
    const before = await told();
    for (let index = 0; index < 5; index++) await world.ana.unsubscribe(report);
    await world.quiet();
    expect(await told()).toBe(before + 1);
  });
});
