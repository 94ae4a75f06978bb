/** People whose mail looks like an attack and is none: what keeps forgers out must not keep them out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Person, Replying, SeenMail } from '../servers/mail.ts';
import { type AttackWorld, openAttackWorld, words } from './attack-world.ts';

const withFooter = (raw: string): string =>
  `${raw}\r\n--\r\nThis message may contain confidential information. Delete it if it is not for you.\r\n`;
const withOtherSubject = (raw: string): string => raw.replace(/^Subject: /m, 'Subject: [EXTERNAL] ');
let rewritten = 0;
const withOtherId = (raw: string): string =>
  raw.replace(/^Message-ID: .*$/m, `Message-ID: <rewritten.${++rewritten}@eu-west-1.amazonses.com>`);

describe.each([
  ['with sub-addresses', true],
  ['without sub-addresses', false],
])('a mailbox %s', (_, tags) => {
  let world: AttackWorld;
  beforeAll(async () => {
    world = await openAttackWorld({ mails: { tags } });
  });
  afterAll(() => world.close());

  let count = 0;
  /** Somebody at a domain of their own, with a backup, and its first report. */
  async function somebody(o: { dkim: boolean }): Promise<{ person: Person; name: string; report: SeenMail }> {
    count += 1;
    const name = `backup${count}`;
    const domain = `home${count}.example`;
    const person = world.mails.person(`fay@${domain}`, `Fay ${count}`);
    world.mails.domain(domain, { dkim: o.dkim, dmarc: o.dkim ? 'reject' : undefined, spf: o.dkim });
    const known = await world.know(`fay${count}`, person, 'member');
    await world.say(known, `backup ${world.folder}/photos to ${world.folder}/copies/${name} named ${name}`);
    const report = await person.next((mail) => mail.subject === `${name}: backed up`);
    return { person, name, report };
  }

  const answer = (person: Person, id: string): Promise<SeenMail> => person.next((mail) => mail.inReplyTo === id);

  const ways: [string, { dkim: boolean }, Replying][] = [
    ['whose domain signs nothing', { dkim: false }, { dkim: false }],
    ['whose gateway adds a footer after signing', { dkim: true }, { alter: withFooter }],
    ['whose gateway rewrites the subject after signing', { dkim: true }, { alter: withOtherSubject, style: 'outlook' }],
    ['whose service gives mails other Message-IDs after signing', { dkim: true }, { alter: withOtherId }],
    [
      'whose program tells no thread, and whose domain signs nothing',
      { dkim: false },
      { dkim: false, withoutThread: true },
    ],
    ['with Outlook in German, unsigned', { dkim: false }, { dkim: false, style: 'outlook', language: 'de' }],
    [
      'with HTML alone, behind a gateway that breaks signatures',
      { dkim: true },
      { alter: withOtherSubject, style: 'html-only' },
    ],
  ];

  it.each(ways)('somebody %s can look, and act after one more yes', async (__, domain, manner) => {
    const { person, name, report } = await somebody(domain);
    await person.reply(report, 'status', manner);
    expect(words(await person.next())).toContain(name);

    await person.reply(report, 'pause', manner);
    const question = await person.next();
    expect(words(question)).toContain('Did you write this: pause');
    expect(words(question)).toContain(`It is about the backup ${name}`);
    expect((await world.plan(name))?.state).toBe('active');

    await person.reply(question, 'Yes', manner);
    await world.until('the pause', async () => (await world.plan(name))?.state === 'paused');
  });

  it('somebody whose domain signs acts at once', async () => {
    const { person, name, report } = await somebody({ dkim: true });
    await person.reply(report, 'pause');
    await world.until('the pause', async () => (await world.plan(name))?.state === 'paused');
  });

  it('somebody who writes six mails within an hour, and then another that answers none', async () => {
    const { person, report } = await somebody({ dkim: true });
    let last = report;
    for (let index = 0; index < 6; index++) {
      const said = await person.reply(last, index % 2 === 0 ? 'pause' : 'resume');
      last = await answer(person, said.messageId);
    }
    const fresh = await person.send({ to: world.mails.address, subject: 'status', text: 'status\n' });
    await answer(person, fresh.messageId);
  });

  it('somebody who forwards a report of somebody else', async () => {
    const { person } = await somebody({ dkim: true });
    const sent = await person.forward(world.report);
    expect(words(await answer(person, sent.messageId))).toContain('Kept: the mail you forwarded');
  });

  it('somebody who answers to all, and to more addresses', async () => {
    const { person, name, report } = await somebody({ dkim: true });
    await person.send({
      to: [report.replyTo, world.ben.address],
      subject: `Re: ${report.subject}`,
      text: 'pause\n',
      inReplyTo: report.messageId,
      references: [report.messageId],
    });
    await world.until('the pause', async () => (await world.plan(name))?.state === 'paused');
  });

  it('somebody whose clock is a day behind', async () => {
    const { person, name, report } = await somebody({ dkim: true });
    await person.reply(report, 'pause', { date: new Date(world.clock.now().getTime() - 24 * 3_600_000) });
    await world.until('the pause', async () => (await world.plan(name))?.state === 'paused');
  });
});
