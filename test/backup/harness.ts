/** A whole Keepsake without a surface: real store, real local driver, a clock that tests can move. */

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createBackup } from '../../src/engine/backup/index.ts';
import type { Config } from '../../src/engine/config.ts';
import { createOutbox } from '../../src/engine/outbox.ts';
import { createPlaces } from '../../src/engine/places.ts';
import { withBandwidth } from '../../src/engine/provider-wrappers.ts';
import type { Backup, Places } from '../../src/engine/services.ts';
import { openSqlite } from '../../src/engine/store/sqlite.ts';
import type { Store } from '../../src/engine/store/store.ts';
import type { Clock, Location, Person, Plan, Provider, Run } from '../../src/engine/types.ts';
import { kinds } from '../../src/providers/index.ts';
import { realClock } from '../contract/context.ts';

export interface Harness {
  folder: string;
  store: Store;
  places: Places;
  backup: ReturnType<typeof createBackup>;
  owner: Person;
  log: string[];
  /** Moves the clock; sleeping stays real. */
  moveClock(ms: number): void;
  /** A folder inside the temporary one. */
  at(...parts: string[]): string;
  plan(name: string, source: string, destinations: string[], more?: Partial<Plan>): Promise<Plan>;
  run(plan: Plan, approved?: boolean): Promise<Run>;
  /** Put around every provider that is opened, by its root. */
  around: Map<string, (provider: Provider) => Provider>;
  close(): Promise<void>;
}

export async function createHarness(openStore?: (clock: Clock) => Promise<Store>): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-test-'));
  let offset = 0;
  const clock: Clock = {
    now: () => new Date(realClock.now().getTime() + offset),
    sleep: (ms, signal) => realClock.sleep(Math.min(ms, 20), signal),
  };
  const lines: string[] = [];
  const log = (level: string, event: string, details?: Record<string, unknown>) => {
    lines.push(`${level} ${event} ${JSON.stringify(details, (_, v) => (v instanceof Error ? v.stack : v))}`);
  };
  const store = openStore
    ? await openStore(clock)
    : await openSqlite(join(folder, 'data', 'keepsake.db'), { clock, log });
  const around = new Map<string, (provider: Provider) => Provider>();
  const config: Config = {
    data: join(folder, 'data'),
    keys: [],
    localRoots: [folder],
    zone: 'UTC',
    mongodb: undefined,
    logLevel: 'error',
    home: folder,
    cwd: folder,
    endpoints: {},
  } as unknown as Config;
  const places = createPlaces({
    store,
    sealer: { seal: (text) => text, unseal: (text) => text },
    kinds,
    http: () => Promise.reject(new Error('no network in this test')),
    clock,
    log,
    config,
    wrap: (provider, { location, limit }) => {
      const inner = around.get(location.root)?.(provider) ?? provider;
      return limit === undefined ? inner : withBandwidth(inner, limit, clock);
    },
  });
  const outbox = createOutbox({ store, deliverers: [], clock, log });
  const backup = createBackup({
    store,
    clock,
    log,
    places,
    outbox,
    data: join(folder, 'data'),
    surfaces: ['mail'],
    mailFiles: false,
  });
  const owner = await store.put('people', {
    id: 'ana',
    name: 'Ana',
    role: 'owner',
    identities: [{ surface: 'mail', id: 'ana@example.org' }],
    created: clock.now().toISOString(),
  });
  const location = (root: string): Location => ({ kind: 'local', root, text: root });
  return {
    folder,
    store,
    places,
    backup,
    owner,
    log: lines,
    around,
    moveClock: (ms) => {
      offset += ms;
    },
    at: (...parts) => join(folder, ...parts),
    plan: (name, source, destinations, more = {}) =>
      store.put('plans', {
        id: `plan-${name.replace(/\W/g, '-')}`,
        owner: owner.id,
        name,
        source: location(source),
        destinations: destinations.map(location),
        schedule: { manual: true },
        filter: {},
        report: 'always',
        state: 'active',
        line: `backup ${source} to ${destinations.join(' and ')}`,
        created: clock.now().toISOString(),
        ...more,
      }),
    async run(plan, approved = false) {
      // Run names hold seconds and a random part; a second apart keeps them in the order in which they were made.
      offset += 1_000;
      const fresh = (await store.get('plans', plan.id)) as Plan;
      const run = await (backup.start as Backup['start'])(fresh, 'person', approved);
      return await backup.work(run.id, new AbortController().signal);
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function put(file: string, content: string | Uint8Array, modified = new Date('2026-05-01T10:00:00Z')): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  utimesSync(file, modified, modified);
}

/** Files with their sha256, Keepsake's own folder left out; by path. */
export function tree(folder: string, own = false): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (at: string) => {
    for (const name of readdirSync(at)) {
      const file = join(at, name);
      const path = relative(folder, file);
      if (!own && path === '.keepsake') continue;
      if (statSync(file).isDirectory()) walk(file);
      else found[path] = createHash('sha256').update(readFileSync(file)).digest('hex');
    }
  };
  walk(folder);
  return found;
}

export const noise = (bytes: number): Buffer => randomBytes(bytes);
