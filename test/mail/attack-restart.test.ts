/** Mails, and processes that come and go: what lay there before, what came meanwhile, and two who read one mailbox. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeenMail, Sent } from '../servers/mail.ts';
import { type AttackWorld, openAttackWorld, words } from './attack-world.ts';

let world: AttackWorld;
beforeEach(async () => {
  world = await openAttackWorld();
});
afterEach(() => world.close());

const CUT_OFF = 'A restart of Keepsake cut this off';
const answersTo = async (sent: Sent): Promise<SeenMail[]> =>
  (await world.ana.inbox()).filter(({ inReplyTo }) => inReplyTo === sent.messageId);

it('two processes that read one mailbox answer each mail once, with its real answer', async () => {
  const other = await world.another();
  const sent: Sent[] = [];
  for (let index = 0; index < 4; index++) {
    sent.push(await world.ana.send({ to: world.mails.address, subject: 'status', text: 'status\n' }));
  }
  const report = await world.newReport();
  sent.push(await world.ana.reply(report, 'pause'));
  for (const one of sent) {
    await world.until('an answer', async () => (await answersTo(one)).length > 0, 60_000);
  }
  world.clock.forward(5 * 60_000);
  await world.quiet();
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const one of sent) {
    const answers = await answersTo(one);
    expect(answers).toHaveLength(1);
    expect(answers.map(words).join()).not.toContain(CUT_OFF);
  }
  expect((await world.plan('photos'))?.state).toBe('paused');
  await other.stop();
});

it('two processes let a forged mail of two kinds through as rarely as one', async () => {
  const other = await world.another();
  const before = await world.state();
  await world.eve.send({
    to: world.report.replyTo,
    text: 'pause\n',
    from: { name: 'Ana', address: world.ana.address },
    dkim: false,
  });
  await world.eve.reply(world.report, 'pause');
  await world.until('a question', async () => (await world.refused()).length >= 2);
  await world.quiet();
  expect(await world.state()).toBe(before);
  await other.stop();
});

it('a mail that comes while nobody is there is answered at the start, once, and by no later start', async () => {
  const report = await world.newReport();
  // A report that is cut off while it is sent would be sent again.
  await world.quiet();
  await world.stop();
  const sent = await world.ana.reply(report, 'pause');
  await world.start();
  await world.until('an answer', async () => (await answersTo(sent)).length > 0);
  await world.stop();
  await world.start();
  await world.quiet();
  // One that was cut off while it was sent is sent again, as the same mail.
  expect(new Set((await answersTo(sent)).map(({ messageId }) => messageId)).size).toBe(1);
  expect((await world.plan('photos'))?.state).toBe('paused');
});

/** As if it had never been written. */
async function loseAnswers(): Promise<void> {
  const { store } = world.composed().services;
  for (const { id, answers } of await world.outbox()) {
    if (answers) await store.removeMany('outbox', [id]);
    await store.removeMany('seen', [`outbox/${id}`]);
  }
}

/** As if dispatch had not come to its end. */
async function forgetTheEnd(): Promise<void> {
  const { store } = world.composed().services;
  for await (const { outcome: _, ...seen } of store.find('seen')) {
    if (/^[0-9a-f]{40}$/.test(seen.id)) await store.put('seen', seen);
  }
}

describe('an answer that was lost with the process', () => {
  it.each([
    ['before it was written', loseAnswers],
    [
      'in the midst of its work',
      async () => {
        await loseAnswers();
        await forgetTheEnd();
      },
    ],
  ])('%s is told as cut off, and nothing acts twice', async (_, lose) => {
    const sent = await world.ana.reply(await world.newReport(), 'pause');
    await world.until('the pause', async () => (await world.plan('photos'))?.state === 'paused');
    await world.quiet();
    const plan = await world.plan('photos');
    if (plan) await world.composed().services.store.put('plans', { ...plan, state: 'active' });
    await lose();
    await world.mails.deliverAgain(sent);
    await world.until('a word', async () => (await world.ana.inbox()).some((mail) => words(mail).includes(CUT_OFF)));
    await world.mails.deliverAgain(sent);
    await world.quiet();
    expect((await world.ana.inbox()).filter((mail) => words(mail).includes(CUT_OFF))).toHaveLength(1);
    expect((await world.plan('photos'))?.state).toBe('active');
  });
});

it('a folder full of old mails, forged and real, is left as it lies at the first start', async () => {
  const report = await world.newReport();
  // A report that is cut off while it is sent would be sent again.
  await world.quiet();
  await world.stop();
  const box = world.mails.bot.mailbox('INBOX');
  const [mail] = (await world.ana.inbox()).slice(-1);
  if (!mail) throw new Error('Ana has no mail.');
  // As if this Keepsake had never looked here: only the place that it keeps is gone.
  await world.start();
  const { store } = world.composed().services;
  for await (const { id } of store.find('settings')) if (id.includes('mail/cursor')) await store.remove('settings', id);
  await world.stop();
  for (let index = 0; index < 30; index++) {
    await world.ana.send({ to: report.replyTo, subject: 'pause', text: 'pause\n', date: world.clock.now() });
  }
  const lay = box.mails().length;
  const sent = world.recipients().length;
  await world.start();
  await world.quiet();
  expect(world.recipients()).toHaveLength(sent);
  expect(box.mails()).toHaveLength(lay);
  expect((await world.plan('photos'))?.state).toBe('active');
});
