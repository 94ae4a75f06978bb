/** A day of mail on which everything goes wrong that may: everything is told once, everything said is done once. */
import { rename } from 'node:fs/promises';
import { hasEnded } from '../../src/engine/backup/report.ts';
import { lookForDigests } from '../../src/engine/digest.ts';
import type { MailWorld, Person, SeenMail, Sent } from '../servers/mail.ts';
import {
  all,
  answersTo,
  checkDay,
  type Figures,
  MINUTE,
  NAMES,
  ownerOf,
  PLANS,
  type PlanName,
  type Said,
  STEP,
  STEPS,
} from './mail-day-check.ts';
import { mailKind } from './mail-driver.ts';
import { badDayOf } from './mail-trouble.ts';
import { openStory, type World } from './world.ts';

const TROUBLES = [
  ...['calm', 'cut', 'greylist', 'restart', 'loseAnswer', 'renew', 'away', 'mute', 'dropInData'],
  ...['login', 'later', 'bye', 'failure', 'hangUp', 'literal', 'cutAfter'],
] as const;
/** The same numbers each time (Park and Miller), from 0 to 1. */
function diceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const isReport = (mail: SeenMail): boolean =>
  /^(photos|notes|work): /.test(mail.subject) && mail.header('auto-submitted') === 'auto-generated';

export async function liveADayOfMail(profile: 'normal' | 'stingy'): Promise<Figures> {
  let opened: MailWorld | undefined;
  const world = await openStory(
    mailKind(profile, (mail) => {
      opened = mail;
    }),
  );
  try {
    if (!opened) throw new Error('There is no mail.');
    return await live(world, opened, profile);
  } catch (cause) {
    const log = world.log.filter((line) => /^\S+ (warn|error)/.test(line)).slice(-12);
    const said = (await all(world.composed.services.store.find('audit')))
      .slice(-12)
      .map(({ at, line, outcome, detail = '' }) => `${at} "${line}" ${outcome} ${detail}`);
    throw new Error([String(cause), ...log.map((line) => line.slice(0, 250)), ...said].join('\n'), { cause });
  } finally {
    await world.close();
  }
}

async function live(world: World, mail: MailWorld, profile: 'normal' | 'stingy'): Promise<Figures> {
  const { clock } = world;
  const badDay = badDayOf(mail);
  const dice = diceOf(20_261_122);
  const people: Record<'ana' | 'ben', Person> = { ana: mail.ana, ben: mail.ben };
  const robot = mail.person('robot@elsewhere.example');
  const said: Said[] = [];
  /** Mails that were answered, by whoever. */
  const used = new Set<string>();
  const counts = { restarts: 0, deliveredTwice: 0 };
  let files = 0;

  const waiting = async () =>
    (await all(world.composed.services.store.find('outbox'))).filter(
      ({ surface, state }) => surface === 'mail' && state === 'waiting',
    );
  const firstTried = (): Promise<void> =>
    world.until('every mail that is due was tried', async () => {
      const now = clock.now().toISOString();
      return (await waiting()).every(({ tries, due }) => tries > 0 || due > now);
    });
  const over = (name: PlanName): Promise<void> =>
    world.until(`${name} is over`, async () => {
      const newest = (await world.runs(name)).at(-1);
      return newest !== undefined && hasEnded(newest) && !newest.interrupted;
    });

  async function keep(by: Said['by'], line: string, answers: 0 | 1, work: () => Promise<Sent>): Promise<void> {
    const sent = await work();
    said.push({ sent, line, by, answers });
    if (dice() > 0.5) return;
    counts.deliveredTwice++;
    await mail.deliverAgain(sent);
  }
  const reply = (who: 'ana' | 'ben', to: SeenMail, line: string): Promise<void> => {
    used.add(to.messageId);
    return keep(who, line, 1, () => people[who].reply(to, line, { withoutThread: profile === 'stingy' }));
  };
  const unused = async (who: 'ana' | 'ben', is: (one: SeenMail) => boolean): Promise<SeenMail | undefined> =>
    (await people[who].inbox()).findLast((one) => is(one) && !used.has(one.messageId));

  /** Before, while or after it runs: a word of its own, which comes back in the answer, or a run. */
  async function speak(n: number): Promise<void> {
    await clock.sleep(dice() * 90_000);
    const who = dice() > 0.4 ? 'ana' : 'ben';
    const report = await unused(who, (one) => isReport(one) && /\[#[a-z2-7]{26}\]/.test(one.text));
    if (!report) return;
    if (n % 2 === 0) return reply(who, report, `show zyx${n}q`);
    const name = NAMES.find((one) => report.subject.startsWith(`${one}:`)) ?? 'photos';
    await world.files({ [`${name}/file-${++files}.txt`]: `file ${files}` });
    await reply(who, report, 'Run now, please.');
  }
  const makeDue = async (names: readonly PlanName[]): Promise<void> => {
    for (const name of names) {
      await over(name);
      await world.files({ [`${name}/file-${++files}.txt`]: `file ${files}` });
      await world.due(name);
    }
  };
  async function failing(): Promise<void> {
    await over('photos');
    await rename(world.at('copy-photos'), world.at('away-photos'));
    await makeDue(['photos']);
    await over('photos');
    await rename(world.at('away-photos'), world.at('copy-photos'));
  }
  /** Programs that answer what nobody should. One writes like a person, and answers whatever it gets. */
  async function robots(n: number): Promise<void> {
    const styles = ['rfc', 'exchange', 'old'] as const;
    const report = (await people.ana.inbox()).findLast(isReport);
    if (report && n % 3 === 0) {
      const style = styles[(n / 3) % styles.length] ?? 'rfc';
      await keep('robot', 'away', 0, () => people.ana.outOfOffice(report, { style, language: n % 2 ? 'de' : 'en' }));
    }
    const bens = (await people.ben.inbox()).findLast(isReport);
    if (bens && n % 12 === 6) {
      await keep('robot', 'delayed', 0, () => people.ben.bounce(bens, { status: '4.4.1' }));
    }
    for (const one of await robot.inbox()) {
      if (used.has(one.messageId)) continue;
      used.add(one.messageId);
      await robot.reply(one, 'We have received your message and will get back to you.', { withoutQuote: true });
    }
  }
  const lookTwice = async (): Promise<void> => {
    const { store, log } = world.composed.services;
    const options = {
      store,
      clock,
      log,
      outbox: world.composed.outbox,
      surfaces: ['console', 'mail'],
      mailFiles: false,
    };
    for (let n = 0; n < 2; n++) await lookForDigests(options, new AbortController().signal);
  };
  async function trouble(what: (typeof TROUBLES)[number]): Promise<void> {
    switch (what) {
      case 'calm':
      case 'failure':
        return;
      case 'away':
        return mail.smtp.faults.busy(6);
      case 'restart':
        counts.restarts++;
        return world.restart();
      case 'greylist':
      case 'loseAnswer':
      case 'dropInData':
      case 'later':
      case 'hangUp':
        return badDay.lurk(what);
      default:
        return badDay.strike(what as Parameters<typeof badDay.strike>[0]);
    }
  }

  await world.know('ana', 'owner');
  await world.know('ben', 'member');
  const { store } = world.composed.services;
  await store.put('people', {
    id: 'robot',
    name: 'Robot',
    role: 'viewer',
    identities: [{ surface: 'mail', id: robot.address }],
    created: clock.now().toISOString(),
  });
  for (const name of NAMES) {
    const who = ownerOf(name);
    await world.files({ [`${name}/first.txt`]: 'first' });
    await world.driver.say(
      who,
      `backup ${world.at(name)} to ${world.at(`copy-${name}`)} manually report ${PLANS[name]} named ${name}`,
    );
    await world.until(`the first run of ${name} is over`, async () => (await world.runs(name))[0]?.state === 'done');
  }
  await robot.send({ to: mail.address, subject: 'status', text: 'status' });

  for (let n = 1; n <= STEPS; n++) {
    clock.forward(STEP);
    const what = TROUBLES[n % TROUBLES.length] ?? 'calm';
    await Promise.all([speak(n), trouble(what), robots(n)]);
    if (what === 'failure') await failing();
    else if (n % 2 === 0) await makeDue(NAMES);
    await lookTwice();
    for (const name of NAMES) await over(name);
    await firstTried();
  }

  for (let n = 0; n < 30 && (await waiting()).length > 0; n++) {
    clock.forward(STEP);
    await firstTried();
    await clock.sleep(2 * MINUTE);
  }
  for (const one of said.filter(({ answers }) => answers > 0))
    await world.until(`"${one.line}" is answered`, async () => (await answersTo(mail, one)).length > 0);
  // Time for anything that would be said once too often.
  await clock.sleep(10 * MINUTE);
  return checkDay({ world, mail, badDay, robot, said, ...counts });
}
