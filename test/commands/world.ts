/** A whole Keepsake in a temporary folder for command tests: real store, real engine, real folders, a clock that is set. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { createBackup } from '../../src/engine/backup/index.ts';
import { systemClock } from '../../src/engine/clock.ts';
import { nextRuns } from '../../src/engine/commands/schedule/next.ts';
import { type Config, readConfig } from '../../src/engine/config.ts';
import { AuthRequired } from '../../src/engine/errors.ts';
import { createOutbox } from '../../src/engine/outbox.ts';
import { createPlaces } from '../../src/engine/places.ts';
import { openSealer } from '../../src/engine/secrets.ts';
import type { KindRegistry, Scheduler, Services } from '../../src/engine/services.ts';
import { openSqlite } from '../../src/engine/store/sqlite.ts';
import type { Store } from '../../src/engine/store/store.ts';
import type { Caller, Clock, Person, Provider, ProviderKind, Reply } from '../../src/engine/types.ts';
import { kinds as real } from '../../src/providers/index.ts';
import { emptyPlace, memoryProvider } from '../contract/memory.ts';

export const NOW = new Date('2026-11-22T14:23:00.000Z');

/** A clock that can be set; sleeping takes no time but lets others work. */
export function testClock(start = NOW): Clock & { set(at: Date): void; forward(ms: number): void } {
  let now = start.getTime();
  return {
    now: () => new Date(now),
    set: (at) => {
      now = at.getTime();
    },
    forward: (ms) => {
      now += ms;
    },
    sleep: (_ms, signal) => systemClock.sleep(1, signal),
  };
}

const vaultSettings = z.object({
  url: z.url().meta({ label: 'Address', help: 'Where the vault is, for example https://vault.example.org.' }),
  port: z.number().int().default(443).meta({ label: 'Port' }),
  password: z.string().min(1).meta({ label: 'Password', secret: true }),
});

/** A service that knows one password; what is needed of a remote account by the commands, without a network. */
export const vault = {
  password: 'open sesame 42',
  place: emptyPlace(),
  opened: [] as unknown[],
};

const vaultKind: ProviderKind<z.infer<typeof vaultSettings>> = {
  name: 'vault',
  title: 'The Vault',
  aliases: ['safe'],
  settings: vaultSettings,
  rootExample: 'shelf/box',
  roles: ['source', 'destination'],
  traits: {
    caseSensitive: true,
    duplicateNames: false,
    atomicWrite: true,
    keepsModified: true,
    rangeReads: true,
    hashes: [],
    parallel: 2,
  },
  async open(settings, root, context): Promise<Provider> {
    vault.opened.push({ settings, root });
    const memory = memoryProvider(vault.place);
    const signIn = (): void => {
      if (settings.password !== vault.password) throw new AuthRequired('The Vault does not accept this password.');
    };
    return {
      ...memory,
      async check(o) {
        signIn();
        await memory.check(o);
        await context.session.save('a ticket');
        return { account: 'ana@vault', free: 214_000_000_000 };
      },
      async *list(o) {
        signIn();
        yield* memory.list(o);
      },
    };
  },
};

const mirrorKind: ProviderKind<Record<never, never>> = {
  ...vaultKind,
  name: 'mirror',
  title: 'Mirror',
  aliases: [],
  settings: z.object({}),
  roles: ['source'],
};

export const testKinds: KindRegistry = {
  list: () => [...real.list(), vaultKind, mirrorKind].map((kind) => ({ ...kind, aliases: kind.aliases ?? [] })),
  load: async (name) => {
    if (name === 'vault') return vaultKind as ProviderKind;
    if (name === 'mirror') return mirrorKind as ProviderKind;
    return real.load(name);
  },
};

/** The store's side of scheduling, without Agenda, which has its own suite. */
const dated = (store: Store, clock: Clock): Scheduler => ({
  async schedule(plan) {
    const [next] = plan.state === 'active' ? nextRuns(plan.schedule, clock.now(), 1) : [];
    const { next: _, ...rest } = plan;
    return store.put('plans', { ...rest, ...(next ? { next: next.toISOString() } : {}) });
  },
  cancel: async () => undefined,
});

export interface World {
  folder: string;
  config: Config;
  services: Services;
  /** With the worker, which no test needs that works its runs itself. */
  backup: Services['backup'] & { workUntil(signal: AbortSignal): Promise<void> };
  store: Store;
  clock: ReturnType<typeof testClock>;
  lines: string[];
  /** A stored person. */
  person(name: string, role: Person['role']): Promise<Person>;
  caller(person: Person, more?: Partial<Caller>): Caller;
  /** Answers for `askSecret`, in order. */
  secrets: string[];
  close(): Promise<void>;
}

export async function openWorld(
  o: { localRoots?: string[]; askSecret?: boolean; clock?: ReturnType<typeof testClock> } = {},
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-commands-'));
  const clock = o.clock ?? testClock();
  const lines: string[] = [];
  const log = (level: string, event: string, details?: unknown): void => {
    lines.push(
      `${level} ${event} ${JSON.stringify(details, (_, value) => (value instanceof Error ? value.stack : value))}`,
    );
  };
  const config: Config = {
    ...readConfig({}, { data: join(folder, 'data') }),
    zone: 'Europe/Berlin',
    home: folder,
    cwd: folder,
    localRoots: o.localRoots ?? [folder],
  };
  const sealer = await openSealer({ dataFolder: config.data, keys: [], log });
  const store = await openSqlite(join(config.data, 'keepsake.db'), { clock, log });
  const http = async (): Promise<never> => {
    throw new Error('No test of commands uses the network.');
  };
  const places = createPlaces({ store, sealer, kinds: testKinds, http, clock, log, config });
  const outbox = createOutbox({ store, deliverers: [], clock, log });
  const backup = createBackup({
    store,
    clock,
    log,
    places,
    outbox,
    data: config.data,
    surfaces: ['mail'],
  });
  const secrets: string[] = [];
  const services: Services = {
    config,
    store,
    clock,
    log,
    sealer,
    kinds: testKinds,
    places,
    outbox,
    backup,
    scheduler: dated(store, clock),
    ...(o.askSecret === false
      ? {}
      : {
          askSecret: async (label: string) => {
            const answer = secrets.shift();
            if (answer === undefined) throw new Error(`Nobody expected to be asked for ${label}.`);
            return answer;
          },
        }),
  };
  let count = 0;
  return {
    folder,
    config,
    services,
    backup,
    store,
    clock,
    lines,
    secrets,
    person: (name, role) =>
      store.put('people', {
        id: `u${++count}`,
        name,
        role,
        identities: [{ surface: 'terminal', id: String(count) }],
        created: NOW.toISOString(),
      }),
    caller: (person, more = {}) => ({
      person,
      surface: 'terminal',
      zone: 'Europe/Berlin',
      signal: new AbortController().signal,
      ...more,
    }),
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Everything a reply says, as one text. */
export function words(reply: Reply | undefined): string {
  if (!reply) return '';
  const cell = (value: string | { at: string }): string => (typeof value === 'string' ? value : value.at);
  const blocks = reply.blocks.map((block) => {
    if (block.kind === 'text') return block.text;
    if (block.kind === 'fields') return block.fields.map(({ label, value }) => `${label}: ${cell(value)}`).join('\n');
    if (block.kind === 'table')
      return [block.columns, ...block.rows.map((row) => row.map(cell))].map((row) => row.join(' | ')).join('\n');
    if (block.kind === 'choices') return block.choices.map(({ label, line }) => `[${label}: ${line}]`).join(' ');
    return `(${block.kind})`;
  });
  return [reply.title, ...blocks].join('\n');
}

export const linesOf = (reply: Reply | undefined): string[] =>
  (reply?.blocks ?? []).flatMap((block) => (block.kind === 'choices' ? block.choices.map(({ line }) => line) : []));
