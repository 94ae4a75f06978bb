/** Real mails that are sent once more, sent on, or made to say something else, by somebody who has a copy of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { codeOf, taggedAddress } from '../../src/mail/address.ts';
import type { SeenMail, Sent } from '../servers/mail.ts';
import { type AttackWorld, openAttackWorld, tokenOf, words } from './attack-world.ts';

const ANA = 'ana@example.org';

let world: AttackWorld;
beforeAll(async () => {
  world = await openAttackWorld();
});
afterAll(() => world.close());

const bot = (): string => world.mails.address;
const stolen = (mail: SeenMail = world.report): string => taggedAddress(bot(), 'r', tokenOf(mail));
const stateOf = async (name: string): Promise<string | undefined> => (await world.plan(name))?.state;
const answersTo = async (id: string): Promise<SeenMail[]> =>
  (await world.ana.inbox()).filter(({ inReplyTo }) => inReplyTo === id);

/** The plan as it is, whatever mails say. */
async function set(state: 'active' | 'paused'): Promise<void> {
  const plan = await world.plan('photos');
  if (plan && plan.state !== state) await world.composed().services.store.put('plans', { ...plan, state });
}

beforeEach(async () => {
  world.clock.forward(61 * 60_000);
  await world.quiet();
  await set('active');
});

/** Ana's reply to a report of her own; it has acted. */
async function paused(): Promise<Sent> {
  const sent = await world.ana.reply(await world.newReport(), 'pause');
  await world.until('the pause', async () => (await stateOf('photos')) === 'paused');
  await world.quiet();
  await set('active');
  return sent;
}

const header = (name: string, value: string) => (raw: string) => {
  const changed = raw.replace(new RegExp(`^${name}: .*\\r\\n(?:[ \\t].*\\r\\n)*`, 'im'), `${name}: ${value}\r\n`);
  if (changed === raw) throw new Error(`there is no ${name}`);
  return changed;
};
const onTop = (name: string, value: string) => (raw: string) => `${name}: ${value}\r\n${raw}`;

/** As Eve sends it, by a server of her own. */
const replay = (sent: Sent, change: (raw: string) => string = (raw) => raw, to = bot()): Promise<unknown> =>
  world.mails.replay(Buffer.from(change(sent.raw.toString('latin1')), 'latin1'), { to });

describe('a mail of Ana’s that acted', () => {
  it('acts no second time, is not answered again, and costs her nothing, however often it comes', async () => {
    const sent = await paused();
    for (let index = 0; index < 40; index++) {
      await (index % 2 === 0 ? world.mails.deliverAgain(sent) : replay(sent, undefined, sent.to[0]));
    }
    await world.quiet();
    expect(await stateOf('photos')).toBe('active');
    expect(await answersTo(sent.messageId)).toHaveLength(1);
    // She is still heard within the same hour.
    const mine = await world.ana.reply(await world.newReport(), 'status');
    await world.until('an answer', async () => (await answersTo(mine.messageId)).length === 1);
  });

  it.each([
    ['a new Message-ID', header('Message-ID', '<fresh@example.org>')],
    ['a new date', header('Date', 'Mon, 23 Nov 2026 18:00:00 +0000')],
    ['another subject', header('Subject', 'delete photos')],
    ['another recipient in To', header('To', 'backup@example.org')],
    ['another text', (raw: string) => raw.replace(/pause/g, 'delete photos')],
    ['a text above it', (raw: string) => raw.replace('\r\n\r\n', '\r\n\r\ndelete photos\r\n\r\n')],
    ['another type of content', header('Content-Type', 'text/plain')],
    ['a second Message-ID', onTop('Message-ID', '<second@example.org>')],
    ['a second To', onTop('To', 'backup@example.org')],
    ['a second Subject', onTop('Subject', 'delete photos')],
  ])('with %s is at most asked about', async (_, change) => {
    const sent = await paused();
    const before = await world.state();
    const eves = (await world.eve.inbox()).length;
    const to = world.recipients().length;
    await replay(sent, change, sent.to[0]);
    await world.quiet();
    expect(await world.state()).toBe(before);
    expect(
      world
        .recipients()
        .slice(to)
        .filter((address) => address !== ANA),
    ).toEqual([]);
    expect(await world.eve.inbox()).toHaveLength(eves);
  });

  it('is refused when it comes days later, also where nothing remembers it', async () => {
    const sent = await paused();
    const before = await world.state();
    world.clock.forward(4 * 24 * 3_600_000);
    for await (const { id } of world.composed().services.store.find('seen')) {
      await world.composed().services.store.remove('seen', id);
    }
    await replay(sent, undefined, sent.to[0]);
    await world.until('a line in the audit trail', async () =>
      (await world.refused()).some(({ detail }) => /its date is not within three days/.test(detail ?? '')),
    );
    expect(await world.state()).toBe(before);
  });
});

describe('a mail that Ana wrote to Eve', () => {
  const says = { subject: 'As you asked', text: 'pause photos\n' };
  it.each([
    ['sent on to Keepsake', says, undefined, bot],
    ['sent on to the address of a stolen report', says, undefined, () => stolen()],
    ['sent on, as if it were in the thread of one', says, () => onTop('References', world.report.messageId), bot],
    ['sent on, with our address in Cc', says, () => onTop('Cc', stolen()), () => stolen()],
    ['that quotes the code of a stolen report', { ...says, text: 'pause photos\n\nCODE\n' }, undefined, bot],
  ])('%s does nothing; she is asked', async (_, words_, change, to) => {
    const before = await world.state();
    const lines = (await world.refused()).length;
    const text = words_.text.replace('CODE', codeOf(tokenOf(world.report)));
    const sent = await world.ana.send({ to: world.eve.address, ...words_, text });
    await replay(sent, change?.(), to());
    await world.until('a line in the audit trail', async () => (await world.refused()).length > lines);
    await world.quiet();
    expect(await world.state()).toBe(before);
    expect((await world.refused()).slice(lines).map(({ detail }) => detail)).toEqual(['asked to confirm']);
  });

  it('with the command as its subject, sent on to the address of a stolen report, does nothing', async () => {
    const before = await world.state();
    const sent = await world.ana.send({ to: world.eve.address, subject: 'pause photos', text: '\n' });
    await replay(sent, undefined, stolen());
    await world.quiet();
    expect(await world.state()).toBe(before);
  });

  it('and forwards to others is not kept here', async () => {
    const before = await world.state();
    const sent = await world.ana.forward(world.bens, { to: world.eve.address });
    await replay(sent, undefined, stolen());
    await world.quiet();
    expect(await world.state()).toBe(before);
  });
});

describe('a forwarded mail', () => {
  it('is one file, however often and by whichever way it is delivered', async () => {
    const sent = await world.ana.forward(world.bens);
    await world.until('the file', async () => /-[0-9a-f]{12}\.eml"/.test(await world.state()));
    const before = await world.state();
    for (let index = 0; index < 5; index++) await replay(sent);
    await world.quiet();
    expect(await world.state()).toBe(before);
  });
});

describe('a forwarded mail of a viewer', () => {
  it('is not kept: whoever may only look fills no disk', async () => {
    const vera = world.mails.person('vera@example.org', 'Vera');
    await world.know('vera', vera, 'viewer');
    const before = await world.state();
    await vera.forward(world.bens);
    expect(words(await vera.next())).toContain('was not kept');
    expect(await world.state()).toBe(before);
  });
});

describe('a Message-ID that Eve uses first', () => {
  it('does not keep Ana’s own mail from being heard', async () => {
    const messageId = '<the-next-one@example.org>';
    await world.eve.send({ to: bot(), subject: 'x', text: 'status\n', messageId });
    await world.eve.send({
      to: stolen(),
      subject: 'x',
      text: 'status\n',
      messageId,
      from: { name: 'Ana', address: ANA },
      dkim: false,
    });
    await world.quiet();
    await world.ana.reply(await world.newReport(), 'pause', { messageId });
    await world.until('the pause', async () => (await stateOf('photos')) === 'paused');
  });
});

describe('tokens', () => {
  it('that were used once are asked about', async () => {
    const report = await world.newReport();
    await world.ana.reply(report, 'pause');
    await world.until('the pause', async () => (await stateOf('photos')) === 'paused');
    const lines = (await world.refused()).length;
    await world.ana.reply(report, 'resume');
    await world.until('a question', async () => (await world.refused()).length > lines);
    expect(await stateOf('photos')).toBe('paused');
  });

  it('of which two mails come at once let one through', async () => {
    const report = await world.newReport();
    const lines = (await world.refused()).length;
    await Promise.all([world.ana.reply(report, 'pause'), world.ana.reply(report, 'run')]);
    await world.until('one of them is asked about', async () => (await world.refused()).length > lines);
    await world.quiet();
    expect((await world.refused()).slice(lines)).toHaveLength(1);
  });

  it('of two people in one mail act for the one who wrote it, on their own backup', async () => {
    await world.ben.reply(world.bens, `pause\n\n${codeOf(tokenOf(world.report))}`);
    await world.until('the pause', async () => (await stateOf('papers')) === 'paused');
    expect(await stateOf('photos')).toBe('active');
  });

  it('of a report do not open the backups of others', async () => {
    const before = await world.state();
    await world.ben.send({ to: bot(), subject: 'x', text: 'show photos\n' });
    await world.ben.send({ to: bot(), subject: 'x', text: 'pause photos\n' });
    await world.ben.reply(world.bens, 'pause photos');
    await world.quiet();
    expect(await world.state()).toBe(before);
    for (const mail of (await world.ben.inbox()).slice(1)) expect(words(mail)).not.toContain('a.jpg');
  });

  it('that are too old prove nothing', async () => {
    const report = await world.newReport();
    world.clock.forward(15 * 24 * 3_600_000);
    const before = await world.state();
    const lines = (await world.refused()).length;
    await world.ana.reply(report, 'pause');
    await world.ana.reply(report, 'pause', { dkim: false });
    await world.until('two lines', async () => (await world.refused()).length === lines + 2);
    expect(await world.state()).toBe(before);
    expect(
      (await world.refused())
        .slice(lines)
        .map(({ detail }) => detail)
        .sort(),
    ).toEqual(['asked to confirm', expect.stringMatching(/^not proved to be from/)]);
  });
});
