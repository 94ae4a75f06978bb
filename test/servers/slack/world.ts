/** Everything the Slack on loopback remembers, and the few rules that hold for all of it: times, ids, what was refused. */
import { systemClock } from '../../../src/engine/clock.ts';
import type { Clock } from '../../../src/engine/types.ts';
import type { Delivery } from './delivery.ts';
import type { Emulated } from './emulated.ts';
import { createFaults, type Faults } from './faults.ts';
import type {
  Fields,
  SlackCall,
  SlackChannel,
  SlackDelivery,
  SlackMessage,
  SlackOptions,
  SlackToken,
  SlackUpload,
  SlackUser,
  SlackView,
} from './types.ts';

export interface Workspace {
  id: string;
  name: string;
  domain: string;
  botUser: string;
  botId: string;
  users: SlackUser[];
  channels: SlackChannel[];
  emulated: Emulated;
}

export interface Trigger {
  user: string;
  workspace: string;
  made: number;
  used: boolean;
  view: string | undefined;
}

export interface ResponseUrl {
  id: string;
  user: string;
  workspace: string;
  conversation: string;
  made: number;
  uses: number;
  /** The message whose button was pressed, then what was posted with it last. */
  message: SlackMessage | undefined;
}

export interface World {
  mode: 'socket' | 'http';
  stingy: boolean;
  ackWithin: number;
  triggerWithin: number;
  signingSecret: string;
  redirectUris: readonly string[] | undefined;
  clientId: string;
  clientSecret: string;
  appId: string;
  appToken: string;
  verification: string;
  clock: Clock;
  url: string;
  workspaces: Workspace[];
  tokens: Map<string, SlackToken>;
  messages: SlackMessage[];
  views: SlackView[];
  uploads: SlackUpload[];
  calls: SlackCall[];
  deliveries: SlackDelivery[];
  /** What a right client never does. */
  violations: string[];
  blame(...problems: string[]): void;
  /** What was refused though it may have been right to try. */
  refusals: string[];
  /** Acknowledgements that came after the person had been told that there was none. */
  lateAcks: number;
  /** Posts and edits, for the stingy profile. */
  paced: number;
  triggers: Map<string, Trigger>;
  responseUrls: Map<string, ResponseUrl>;
  /** People who take no direct messages. */
  closed: Set<string>;
  faults: Faults;
  /** Set once the server listens. */
  delivery: Delivery;
  /** Aborted by `close`. */
  stopping: AbortController;
  id(prefix: string): string;
  ts(): string;
  /** Something happened: whoever waits looks again. */
  changed(): void;
  whenChanged(signal: AbortSignal): Promise<void>;
  /** Work that nobody waits for; `close` does. */
  aside(work: Promise<unknown>): void;
  settled(): Promise<void>;
}

export const BOT_SCOPES = [
  'app_mentions:read',
  'chat:write',
  'commands',
  'files:write',
  'im:history',
  'im:write',
  'users:read',
] as const;

export function createWorld(o: SlackOptions): World {
  let ids = 0;
  let tick = 0;
  const waiting = new Set<() => void>();
  const works = new Set<Promise<unknown>>();
  const world: World = {
    mode: o.mode,
    stingy: o.profile === 'stingy',
    ackWithin: o.ackWithin ?? 3_000,
    triggerWithin: o.triggerWithin ?? 3_000,
    signingSecret: o.signingSecret ?? '8f742231b10e8888abcd99yyyzzz85a5',
    redirectUris: o.redirectUris,
    clientId: '1111111111.2222222222',
    clientSecret: 'c0ffee00c0ffee00c0ffee00c0ffee00',
    appId: 'A0KEEPSAKE',
    appToken: 'xapp-1-A0KEEPSAKE-1-keepsake-on-loopback',
    verification: 'no-longer-used-by-anybody',
    clock: o.clock ?? systemClock,
    url: '',
    workspaces: [],
    tokens: new Map(),
    messages: [],
    views: [],
    uploads: [],
    calls: [],
    deliveries: [],
    violations: [],
    blame(...problems) {
      world.violations.push(...problems);
      if (problems.length > 0) world.changed();
    },
    refusals: [],
    lateAcks: 0,
    paced: 0,
    triggers: new Map(),
    responseUrls: new Map(),
    closed: new Set(),
    faults: createFaults(),
    delivery: {
      event: () => Promise.reject(new Error('the server does not listen yet')),
      interaction: () => Promise.reject(new Error('the server does not listen yet')),
    },
    stopping: new AbortController(),
    id: (prefix) => `${prefix}${(++ids).toString(36).toUpperCase().padStart(9, '0')}`,
    ts: () =>
      `${Math.floor(world.clock.now().getTime() / 1000)
        .toString()
        .padStart(10, '0')}.${(++tick).toString().padStart(6, '0')}`,
    changed() {
      const woken = [...waiting];
      waiting.clear();
      for (const wake of woken) wake();
    },
    whenChanged: (signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        if (signal.aborted) return resolve();
        signal.addEventListener('abort', done, { once: true });
        waiting.add(done);
      }),
    aside(work) {
      const kept = work.catch((error: unknown) => {
        if (!world.stopping.signal.aborted) world.blame(`the server itself failed: ${String(error)}`);
      });
      works.add(kept);
      void kept.then(() => works.delete(kept));
    },
    async settled() {
      await Promise.all(works);
    },
  };
  return world;
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const word = (value: unknown): string => (typeof value === 'string' ? value : '');
export const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
/** The words of a text object. */
export const said = (value: unknown): string => (isFields(value) ? word(value.text) : '');

export function workspaceOf(world: World, id: string): Workspace {
  const found = world.workspaces.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no workspace ${id}`);
  return found;
}

export const userOf = (world: World, id: string): SlackUser | undefined =>
  world.workspaces.flatMap(({ users }) => users).find((one) => one.id === id || one.name === id);

export const channelOf = (workspace: Workspace, id: string): SlackChannel | undefined =>
  workspace.channels.find((one) => one.id === id || `#${one.name}` === id);

export function trigger(world: World, by: SlackUser, view?: string): string {
  const id = `${world.id('')}.${by.workspace}.${world.id('').toLowerCase()}`;
  world.triggers.set(id, {
    user: by.id,
    workspace: by.workspace,
    made: world.clock.now().getTime(),
    used: false,
    view,
  });
  return id;
}

/** What all interactions have in common. */
export const common = (world: World, user: SlackUser): Fields => ({
  token: world.verification,
  api_app_id: world.appId,
  team: { id: user.workspace, domain: workspaceOf(world, user.workspace).domain },
  user: { id: user.id, username: user.name, name: user.name, team_id: user.workspace },
  enterprise: null,
  is_enterprise_install: false,
});

/** Slack makes up the ids that an app leaves out. */
export function withIds(world: World, blocks: Fields[]): Fields[] {
  const copy = structuredClone(blocks);
  const named = (element: unknown): void => {
    if (isFields(element) && INTERACTIVE.test(word(element.type))) element.action_id ??= world.id('act').toLowerCase();
  };
  for (const block of copy) {
    block.block_id ??= world.id('blk').toLowerCase();
    for (const element of list(block.elements)) named(element);
    named(block.element);
    named(block.accessory);
  }
  return copy;
}

export const INTERACTIVE =
  /^(button|overflow|checkboxes|radio_buttons|datepicker|timepicker|plain_text_input|.*_select)$/;
