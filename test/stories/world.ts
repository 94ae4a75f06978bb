/** A whole Keepsake as `npm start` runs it, in a temporary folder, with one surface on which people talk to it. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Composed, compose } from '../../src/compose.ts';
import { type Config, readConfig } from '../../src/engine/config.ts';
import { Stopped } from '../../src/engine/errors.ts';
import type { Person, Plan, Role, Run } from '../../src/engine/types.ts';
import { type FastClock, fastClock } from '../fast-clock.ts';
import type { Driver, DriverKind, Seen, Who } from './driver.ts';

/** How much faster than life: the three seconds between two edits of a card are 150 ms. */
export const FACTOR = 20;
/** Real time until something must have come about, generous for a machine that is busy. */
const PATIENCE = 15_000;

export interface World {
  driver: Driver;
  clock: FastClock;
  composed: Composed;
  /** The folder of a story: everything in it may be backed up. */
  folder: string;
  log: string[];
  /** A path inside the folder. */
  at(...parts: string[]): string;
  /** Writes files below the folder. */
  files(files: Record<string, string | Uint8Array>): Promise<void>;
  read(...parts: string[]): Promise<string>;
  /** Somebody who is known here. */
  know(who: Who, role: Role): Promise<Person>;
  /** The newest message that somebody sees with these words; waits for it. */
  see(who: Who, text: string | RegExp, o?: { in?: Seen['where'] }): Promise<Seen>;
  /** Messages with these words that somebody sees now. */
  all(who: Who, text: string | RegExp): Seen[];
  until(what: string, holds: () => Promise<boolean> | boolean): Promise<void>;
  plan(name: string): Promise<Plan | undefined>;
  runs(plan?: string): Promise<Run[]>;
  /** As if the schedule had come: a run that nobody asked for. */
  due(plan: string): Promise<void>;
  /** Ends the program in the middle of whatever it does, and starts it again on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export const holds = (text: string, wanted: string | RegExp): boolean =>
  typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);

interface Started {
  composed: Composed;
  stop(): Promise<void>;
}

async function start(config: Config, clock: FastClock, driver: Driver, log: string[]): Promise<Started> {
  const composed = await compose(config, { clock, writeLog: (line) => void log.push(line) });
  const controller = new AbortController();
  const working = composed.work(controller.signal);
  await driver.connect({ composed, config, clock });
  return {
    composed,
    async stop() {
      controller.abort(new Stopped('Keepsake is being stopped.'));
      await driver.disconnect();
      await working;
      await composed.close();
    },
  };
}

export async function openStory(kind: DriverKind): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-story-'));
  const clock = fastClock(kind.factor ?? FACTOR);
  const log: string[] = [];
  const driver = await kind.open(clock);
  const config: Config = {
    ...readConfig(
      { ...driver.environment, KEEPSAKE_LOCAL_ROOTS: folder, KEEPSAKE_ZONE: 'Europe/Berlin' },
      { data: join(folder, 'data') },
    ),
    home: folder,
    cwd: folder,
  };
  let started = await start(config, clock, driver, log);

  const waited = async (what: string, check: () => Promise<boolean> | boolean): Promise<void> => {
    const end = performance.now() + PATIENCE;
    while (!(await check())) {
      if (performance.now() > end) throw new Error(`It did not come about: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const store = () => started.composed.services.store;

  const world: World = {
    driver,
    clock,
    get composed() {
      return started.composed;
    },
    folder,
    log,
    at: (...parts) => join(folder, ...parts),
    async files(files) {
      for (const [name, content] of Object.entries(files)) {
        const path = join(folder, name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
      }
    },
    read: (...parts) => readFile(join(folder, ...parts), 'utf8'),
    know: (who, role) =>
      store().put('people', {
        id: who,
        name: who === 'ana' ? 'Ana' : 'Ben',
        role,
        identities: [driver.identity(who)],
        zone: 'Europe/Berlin',
        created: clock.now().toISOString(),
      }),
    async see(who, text, o = {}) {
      const find = (): Seen | undefined =>
        driver.seen(who).findLast((seen) => (!o.in || seen.where === o.in) && holds(seen.text, text));
      try {
        await waited(`${who} sees ${text}`, () => find() !== undefined);
      } catch (cause) {
        const texts = driver.seen(who).map((seen) => `[${seen.where}] ${seen.text} ${JSON.stringify(seen.buttons)}`);
        throw new Error(`${who} did not see ${text}. Seen:\n${texts.join('\n')}\nLog:\n${log.slice(-5).join('\n')}`, {
          cause,
        });
      }
      const found = find();
      if (!found) throw new Error(`${text} was there and is gone again.`);
      return found;
    },
    all: (who, text) => driver.seen(who).filter((seen) => holds(seen.text, text)),
    until: waited,
    async plan(name) {
      for await (const plan of store().find('plans')) if (plan.name === name) return plan;
      return undefined;
    },
    async runs(name) {
      const plan = name === undefined ? undefined : await world.plan(name);
      const runs: Run[] = [];
      for await (const run of store().find('runs')) if (name === undefined || run.plan === plan?.id) runs.push(run);
      return runs.sort((a, b) => (a.queued < b.queued ? -1 : 1));
    },
    async due(name) {
      const plan = await world.plan(name);
      if (!plan) throw new Error(`There is no plan ${name}.`);
      await started.composed.services.backup.start(plan, 'schedule');
    },
    async restart() {
      await started.stop();
      started = await start(config, clock, driver, log);
    },
    async close() {
      await started.stop();
      await driver.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}
