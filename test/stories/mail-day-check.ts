/** What has to be so after a day of mail: everything told once, everything said done once, nothing left behind. */
import { expect } from 'vitest';
import { sweep } from '../../src/engine/sweep.ts';
import { countWords } from '../../src/engine/wording.ts';
import type { MailWorld, Person, SeenMail, Sent } from '../servers/mail.ts';
import type { BadDay } from './mail-trouble.ts';
import type { World } from './world.ts';

export const MINUTE = 60_000;
export const STEP = 30 * MINUTE;
export const STEPS = 48;

/** Ana has a report of each run of the first, and a digest a day of the second; Ben one of each run of the third. */
export const PLANS = { photos: 'always', notes: 'daily', work: 'always' } as const;
export type PlanName = keyof typeof PLANS;
export const NAMES = Object.keys(PLANS) as PlanName[];
export const ownerOf = (name: PlanName): 'ana' | 'ben' => (name === 'work' ? 'ben' : 'ana');

/** What somebody sent, and whether the bot may answer it. */
export interface Said {
  sent: Sent;
  line: string;
  by: 'ana' | 'ben' | 'robot';
  answers: 0 | 1;
}

export interface Figures {
  hours: number;
  runs: number;
  failed: number;
  reports: number;
  digests: number;
  said: number;
  ranOnWord: number;
  deliveredTwice: number;
  fromRobots: number;
  answersToRobots: number;
  restarts: number;
  mailsSent: number;
  /** Mails that came twice because the server's word was lost. */
  copies: number;
  troubles: Record<string, number>;
}

export interface Day {
  world: World;
  mail: MailWorld;
  badDay: BadDay;
  /** Whose program answers whatever it gets. */
  robot: Person;
  said: readonly Said[];
  restarts: number;
  deliveredTwice: number;
}

export async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

const words = ({ subject, text }: SeenMail): string => `${subject} ${text}`.replace(/\s+/g, ' ');

/** Whoever got them; copies with the same Message-ID are one. */
export async function answersTo({ ana, ben }: MailWorld, { sent }: Said): Promise<SeenMail[]> {
  const inboxes = await Promise.all([ana.inbox(), ben.inbox()]);
  const found = inboxes.flat().filter(({ inReplyTo }) => inReplyTo === sent.messageId);
  return found.filter(({ messageId }, n) => found.findIndex((one) => one.messageId === messageId) === n);
}

/** Throws where something was told, done or answered twice or not at all, or is left behind. */
export async function checkDay(day: Day): Promise<Figures> {
  const { world, mail, robot, said } = day;
  const { store } = world.composed.services;
  const seen = { ana: world.driver.seen('ana'), ben: world.driver.seen('ben') };
  let runs = 0;
  let failed = 0;
  let reports = 0;
  for (const name of NAMES) {
    const ended = (await world.runs(name)).filter(({ state }) => state !== 'stopped');
    runs += ended.length;
    // Runs that found the same number of files are told in the same words.
    const good = ended.filter(({ state }) => state === 'done');
    for (const many of new Set(good.map(({ counts }) => counts?.files ?? 0))) {
      const runs = good.filter(({ counts }) => counts?.files === many);
      const told = seen[ownerOf(name)].filter(
        ({ text }) =>
          text.includes(`${world.at(`copy-${name}`)}.`) && text.includes(`In the backup: ${countWords(many)} file`),
      );
      expect(told.length, `${name} with ${many} files`).toBe(PLANS[name] === 'always' ? runs.length : 0);
      reports += told.length;
    }
    failed += ended.filter(({ state }) => state === 'failed').length;
  }
  const failures = seen.ana.filter(({ text }) => text.startsWith('photos: needs you'));
  expect(failures).toHaveLength(failed);

  for (const one of said) {
    const answers = await answersTo(mail, one);
    expect(answers.map(words), `${one.by} said "${one.line}"`).toHaveLength(one.answers);
    const word = /zyx\w+/.exec(one.line)?.[0];
    if (word !== undefined) expect(answers.map(words).join()).toContain(word);
  }
  const outbox = await all(store.find('outbox'));
  // Each run that a person started has one answer that began it; a run that goes on already is joined, and so told.
  const asked = said.filter(({ line }) => line.startsWith('Run now')).map(({ sent }) => sent.messageId);
  const begun = outbox.filter(({ answers }) => answers && asked.includes(answers.id));
  expect(begun.filter(({ about, reply }) => !about?.run && !reply.title.includes('cut this off'))).toEqual([]);
  const named = begun.map(({ about, reply }) => about?.run ?? reply.about?.run);
  // The line that made a plan began its first run.
  const firsts = await Promise.all(NAMES.map(async (name) => (await world.runs(name))[0]?.id));
  const byPerson = (await world.runs()).filter(({ id, trigger }) => trigger === 'person' && !firsts.includes(id));
  for (const { id } of byPerson) expect(named, 'a run that nobody asked for, or two').toContain(id);
  const onWord = byPerson.length;
  const digests = seen.ana.filter(({ text }) => text.includes('Your backups, day by day'));
  expect(digests).toHaveLength(1);
  const answersToRobot = (await robot.inbox()).length;
  // The answer to the first mail, and five an hour to what says nothing.
  expect(answersToRobot).toBeLessThanOrEqual(1 + 5 * Math.ceil((STEPS * STEP) / (60 * MINUTE) + 1));

  expect(
    outbox.filter(({ surface, state }) => surface === 'mail' && state !== 'sent').map(({ error }) => error),
  ).toEqual([]);
  // IDLE seems to last for half an hour whenever the clock is put forward by as much.
  expect(world.driver.violations().filter((one) => !one.startsWith('IMAP: IDLE for'))).toEqual([]);
  await isBounded(world, outbox.filter(({ surface }) => surface === 'mail').length);
  const submitted = mail.submitted().length;
  return {
    hours: (STEPS * STEP) / (60 * MINUTE),
    runs,
    failed,
    reports: reports + failures.length,
    digests: digests.length,
    said: said.filter(({ answers }) => answers > 0).length,
    ranOnWord: onWord,
    deliveredTwice: day.deliveredTwice,
    fromRobots: said.filter(({ by }) => by === 'robot').length + answersToRobot,
    answersToRobots: answersToRobot,
    restarts: day.restarts,
    mailsSent: submitted,
    copies:
      submitted -
      new Set(mail.submitted().map(({ raw }) => /^message-id:.*$/im.exec(raw.toString('latin1'))?.[0])).size,
    troubles: day.badDay.met(),
  };
}

/** Each mail leaves one token and one thread behind, which go when nobody can want them any more. */
async function isBounded(world: World, mails: number): Promise<void> {
  const { store, clock } = world.composed.services;
  const tokens = async (): Promise<number> =>
    (await all(store.find('pending'))).filter(({ kind }) => kind === 'reply').length;
  const vaulted = (await all(store.find('settings', { from: 'vault/mail/', to: 'vault/mail0' }))).map(({ id }) => id);
  expect(vaulted.filter((id) => !id.startsWith('vault/mail/cursor/'))).toEqual([]);
  expect(await tokens()).toBeLessThanOrEqual(mails);
  expect(await store.count('threads')).toBeLessThanOrEqual(mails);
  expect((await all(store.find('leases'))).filter(({ id }) => id.startsWith('card/mail/'))).toEqual([]);
  const after = (days: number) => ({ now: () => new Date(clock.now().getTime() + days * 24 * 60 * MINUTE) });
  await sweep(store, after(15), new AbortController().signal);
  expect(await tokens()).toBe(0);
  await sweep(store, after(401), new AbortController().signal);
  expect([await store.count('threads'), await store.count('pending'), await store.count('seen')]).toEqual([0, 0, 0]);
  expect((await all(store.find('outbox'))).filter(({ surface }) => surface === 'mail')).toEqual([]);
}
