/** A day on which everything goes wrong that may: nothing is lost, and nothing is said twice. */
import { rename } from 'node:fs/promises';
import { expect } from 'vitest';
import { hasEnded } from '../../src/engine/backup/report.ts';
import type { OutboxMessage, Run } from '../../src/engine/types.ts';
import { countWords } from '../../src/engine/wording.ts';
import type { DriverKind, Seen, Troubles } from './driver.ts';
import { openStory, type World } from './world.ts';

const MINUTE = 60_000;
const STEP = 30 * MINUTE;
const STEPS = 48;
/** What one round of troubles brings, one a step. */
const TROUBLES = ['calm', 'drop', 'storm', 'lost', 'renewal', 'failure', 'stall', 'restart'] as const;

/** Alone with Ana, and shared with #backups. */
const PLANS = ['alone', 'shared'] as const;
type PlanName = (typeof PLANS)[number];

export interface Figures {
  hours: number;
  runs: number;
  failed: number;
  reports: number;
  words: number;
  refusedWords: number;
  drops: number;
  restarts: number;
  tooMany: number;
  lost: number;
  deliveredTwice: number;
  connections: number;
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

/** Of this service alone: nobody reads the console here. */
const outbox = async ({ composed, driver }: World): Promise<OutboxMessage[]> =>
  (await all(composed.services.store.find('outbox'))).filter(
    ({ surface }) => surface === driver.identity('ana').surface,
  );
const openCards = async (world: World) =>
  (await all(world.composed.services.store.find('threads'))).filter(({ state }) => state === 'open');

/** Berlin, in winter. */
const isNight = ({ clock }: World): boolean => {
  const hour = (clock.now().getUTCHours() + 1) % 24;
  return hour >= 22 || hour < 7;
};

function troublesOf({ driver }: World): Troubles {
  if (!driver.troubles) throw new Error('Nothing can go wrong there.');
  return driver.troubles;
}

/** An interrupted run goes on as the next one. */
const goesOn = (world: World, plan: PlanName) =>
  world.until('it is over', async () => {
    const newest = (await world.runs(plan)).at(-1);
    return newest !== undefined && hasEnded(newest) && !newest.interrupted;
  });

const firstTried = (world: World) =>
  world.until('every report that is due was tried', async () => {
    const now = world.clock.now().toISOString();
    return (await outbox(world)).every(({ state, due, tries }) => state !== 'waiting' || tries > 0 || due > now);
  });

async function pass(world: World, ms: number): Promise<void> {
  world.clock.forward(ms);
  troublesOf(world).pass(ms);
}

export async function liveADay(kind: DriverKind): Promise<Figures> {
  const world = await openStory(kind);
  try {
    return await live(world, !kind.lacks.includes('connection'));
  } catch (cause) {
    const runs = (await world.runs())
      .slice(-8)
      .map(({ id, state, trigger, counts }) => `${id} ${state} ${trigger} ${counts?.files}`);
    const log = world.log.filter((line) => /^\S+ (warn|error)/.test(line)).slice(-20);
    throw new Error([String(cause), ...runs, ...log.map((line) => line.slice(0, 300))].join('\n'), { cause });
  } finally {
    await world.close();
  }
}

/** `connects`: the app keeps a connection, which can be lost. */
async function live(world: World, connects: boolean): Promise<Figures> {
  const { driver } = world;
  const troubles = troublesOf(world);
  const figures = { drops: 0, restarts: 0, refusedWords: 0 };
  const words: string[] = [];
  let files = 0;

  await world.know('ana', 'owner');
  await world.know('ben', 'member');
  for (const name of PLANS) {
    await world.files({ [`${name}/first.txt`]: 'first' });
    const line = `backup ${world.at(name)} to ${world.at(`copy-${name}`)} manually report always named ${name}`;
    await driver.say('ana', line);
    await world.until('the first run is over', async () => (await world.runs(name))[0]?.state === 'done');
  }
  await driver.say('ana', 'share shared here', { in: 'channel' });
  await world.until('it is shared', async () => (await world.plan('shared'))?.conversation !== undefined);

  const makeDue = async (names: readonly PlanName[]): Promise<void> => {
    for (const name of names) {
      await world.files({ [`${name}/file-${++files}.txt`]: `file ${files}` });
      await world.due(name);
    }
  };
  /** Each has a word of its own, which comes back in the answer. */
  const speak = async (n: number): Promise<void> => {
    const word = `zyx${n}q`;
    try {
      if (n % 2 === 0) await driver.say('ana', `pause ${word}`);
      else await troubles.write('ana', `pause ${word}`);
      words.push(word);
    } catch {
      // Slack or Discord showed the person that it failed: they know, and say it again.
      figures.refusedWords++;
      await driver.say('ana', `pause ${word}x`);
      words.push(`${word}x`);
    }
  };
  const restart = async (): Promise<void> => {
    figures.restarts++;
    await world.restart();
  };
  /** The destination is away while it runs: told at once, by night as well. */
  const failing = async (names: readonly PlanName[]): Promise<void> => {
    for (const name of names) await rename(world.at(`copy-${name}`), world.at(`away-${name}`));
    await makeDue(names);
    for (const name of names) await goesOn(world, name);
    for (const name of names) await rename(world.at(`away-${name}`), world.at(`copy-${name}`));
  };
  /** Answers may be lost only where the service lets us look whether the message is there. */
  const losable: readonly PlanName[] = troubles.looksInChannels ? PLANS : ['alone'];
  const reported = (): Promise<void> => (isNight(world) ? failing(losable) : makeDue(losable));
  /** What is said in the channel meanwhile must not be what is lost. */
  const channelIsQuiet = (): Promise<void> =>
    world.until('nothing waits to be said in the channel', async () => {
      const soon = new Date(world.clock.now().getTime() + 5 * MINUTE).toISOString();
      return (await outbox(world)).every(
        ({ state, due, conversation }) => state !== 'waiting' || conversation === undefined || due > soon,
      );
    });
  const untilLost = async (work: () => Promise<void>): Promise<void> => {
    const before = troubles.counts().lost;
    await work();
    for (let n = 0; troubles.counts().lost === before; n++) {
      if (n === 50) throw new Error('No answer was lost.');
      await world.clock.sleep(10_000);
      // What an earlier trouble has put off comes now.
      if (n % 5 === 4) await pass(world, 6 * MINUTE);
    }
  };

  for (let n = 1; n <= STEPS; n++) {
    await pass(world, STEP);
    switch (TROUBLES[n % TROUBLES.length]) {
      case 'drop':
        await makeDue(PLANS);
        figures.drops++;
        if (connects) await driver.drop();
        else troubles.away(2);
        break;
      case 'storm':
        troubles.limit(4);
        await makeDue(PLANS);
        break;
      case 'lost':
        await channelIsQuiet();
        troubles.lose();
        await untilLost(reported);
        break;
      case 'renewal':
        figures.drops++;
        if (connects) await troubles.renew();
        else troubles.away(1);
        await makeDue(PLANS);
        break;
      case 'failure':
        await failing(PLANS);
        break;
      case 'stall':
        await channelIsQuiet();
        troubles.stall();
        await untilLost(reported);
        await restart();
        break;
      case 'restart':
        await makeDue(PLANS);
        await restart();
        for (const name of PLANS) await goesOn(world, name);
        break;
      default:
        await makeDue(PLANS);
    }
    if (n % 3 === 0) await speak(n);
    // By night and by day somebody wants it now: a card, and no report besides.
    if (n % 12 === 4) {
      for (const name of PLANS) await goesOn(world, name);
      await world.files({ [`alone/file-${++files}.txt`]: `file ${files}` });
      await driver.say('ana', 'run alone');
      await world.until('it ran', async () => (await world.runs('alone')).at(-1)?.trigger === 'person');
    }
    for (const name of PLANS) await goesOn(world, name);
    await firstTried(world);
  }

  // Whatever waits for the morning, or for a second try.
  for (let n = 0; n < 24; n++) {
    if ((await outbox(world)).every(({ state }) => state !== 'waiting')) break;
    await pass(world, STEP);
    await firstTried(world);
    await world.clock.sleep(5_000);
  }
  for (const word of words) await world.until(`${word} is answered`, () => world.all('ana', word).length > 0);
  await world.until('no card is open', async () => (await openCards(world)).length === 0);
  // Time for anything that would be said once too often.
  await world.clock.sleep(20_000);
  return { ...(await checked(world, words)), ...figures, ...troubles.counts() };
}

/** A report says how many files there are: each run of a plan finds one more. */
function tells(world: World, name: PlanName, { counts }: Run, seen: Seen): boolean {
  const many = new RegExp(`In the backup\\W+${countWords(counts?.files ?? 0)} file`);
  return seen.text.includes(`${world.at(`copy-${name}`)}.`) && many.test(seen.text);
}

async function checked(world: World, words: readonly string[]) {
  const seen = world.driver.seen('ana');
  const at = (where: Seen['where']): Seen[] => seen.filter((one) => one.where === where);
  let runs = 0;
  let failed = 0;
  let reports = 0;
  for (const name of PLANS) {
    const ended = (await world.runs(name)).filter(({ state }) => state !== 'stopped');
    runs += ended.length;
    const good = ended.filter(({ state }) => state === 'done');
    for (const run of good) {
      const where = name === 'shared' && run.trigger !== 'person' ? 'channel' : 'private';
      const told = seen.filter((one) => tells(world, name, run, one));
      expect(
        told.map((one) => one.where),
        `${name} ${run.id}: ${told.map(({ text }) => text).join('\n')}`,
      ).toEqual([where]);
    }
    reports += good.length;
    const bad = ended.filter(({ state }) => state === 'failed');
    expect(bad.length + good.length, 'every run ended one way or the other').toBe(ended.length);
    failed += bad.length;
  }
  const shared = (await world.runs('shared')).filter(({ state }) => state === 'failed').length;
  // By its name: later reports say how many of the last runs did not finish.
  const isFailure = ({ text }: Seen): boolean => PLANS.some((name) => text.includes(`${name} did not finish`));
  // To the owner directly, each; and in the channel what belongs there.
  expect(at('private').filter(isFailure)).toHaveLength(failed);
  expect(at('channel').filter(isFailure)).toHaveLength(shared);
  for (const word of words) expect(world.all('ana', word), word).toHaveLength(1);

  expect((await outbox(world)).filter(({ state }) => state !== 'sent')).toEqual([]);
  expect(await openCards(world)).toEqual([]);
  expect(world.driver.violations()).toEqual([]);
  expect(world.all('ana', 'wrong on my side')).toEqual([]);
  return {
    hours: (STEPS * STEP) / (60 * MINUTE),
    runs,
    failed,
    reports: reports + failed + shared,
    words: words.length,
  };
}
