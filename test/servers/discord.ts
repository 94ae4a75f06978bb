/** A Discord on loopback that bots log in to: REST v10 and gateway v10, people who use it, and a record of every wrong step. */
import type { Clock } from '../../src/engine/types.ts';
import { type Commands, createCommands } from './discord/commands.ts';
import { createGateway, type Gateway, INTENT } from './discord/gateway.ts';
import type { WaitFor } from './discord/handle.ts';
import { createLimits, type Limits } from './discord/limits.ts';
import { createPerson, type Person } from './discord/person.ts';
import { createRest, type Rest } from './discord/rest.ts';
import { type Message, seen } from './discord/seen.ts';
import {
  channelNamed,
  createWorld,
  directChannel,
  type Stored,
  userNamed,
  type Violation,
  type World,
} from './discord/world.ts';

export type { Interaction } from './discord/handle.ts';
export type { Json } from './discord/json.ts';
export type { Person, Where } from './discord/person.ts';
export type { Button, Menu, Message, Modal, ModalField } from './discord/seen.ts';
export type { Value } from './discord/typing.ts';
export type { Channel, Guild, User, Violation } from './discord/world.ts';

export type PersonName = 'ana' | 'ben' | 'stranger' | 'carl';

export interface DiscordOptions {
  /**
   * `stingy`: 429s, ben takes no direct messages, RECONNECT and duplicate deliveries now and then, an INVALID_SESSION
   * instead of a resumption when nothing is lost by it, slow answers to acknowledgements.
   */
  profile?: 'normal' | 'stingy';
  /** For the 3 seconds and the 15 minutes; `pass` moves on from it. */
  clock?: Pick<Clock, 'now'>;
  /** Requests per bucket of messages, and the milliseconds it lasts (real: 5 in 5000; here 5 in 250). */
  bucket?: { requests?: number; window?: number };
  /** Requests of a second, all buckets together (50). */
  global?: number;
  /** Milliseconds between heartbeats (41,250). */
  heartbeat?: number;
  /** Message content is switched on for the application. */
  messageContent?: boolean;
}

export interface DiscordServer {
  url: string;
  token: string;
  /** Id of the application, and of its bot user. */
  application: string;
  /** `Home` (#backups, #general, #secret that the bot does not see, #announcements it may not write in), `Elsewhere` (#lobby). */
  guilds: { home: string; elsewhere: string };
  /** Id of a channel: 'backups', 'Elsewhere/lobby'. */
  channel(name: string): string;
  /** Id of a person's user. */
  user(name: string): string;
  as(user: PersonName | (string & {})): Person;
  /** What is registered, globally or for a guild ('Home', 'Elsewhere' or its id). */
  commands(guild?: string): ReturnType<Commands['list']>;
  /** How often commands were registered, and how many were new. */
  registrations(): Commands['counts'];
  /** Public messages of a channel in order, removed ones left out. */
  messages(channel: string): Message[];
  /** The direct conversation with somebody, both sides. */
  dms(user: string): Message[];
  /** What only this person sees. */
  ephemerals(user: string): Message[];
  /** A message as it is now. */
  message(id: string): Message | undefined;
  /** Resolves with the first true value; looks after every change. Rejects after `ms` (5000) with what is known. */
  waitFor: WaitFor;
  /** Resolves when a bot is connected. */
  online(ms?: number): Promise<void>;
  /** Moves the server's clock on. */
  pass(ms: number): void;
  gateway: Pick<Gateway, 'drop' | 'reconnect' | 'invalidate' | 'closeWith' | 'refuseNextResume' | 'counts' | 'ready'>;
  /** See `Limits`: the route is `METHOD /path` with `:names`, or a part of it, or an expression for it. */
  limit: Limits['limit'];
  fail: Limits['fail'];
  lose: Limits['lose'];
  /** Faults that nobody ran into yet. */
  planned: Limits['planned'];
  requests: Rest['requests'];
  /** 401, 403 and 429 so far. */
  invalidRequests(): number;
  violations: Violation[];
  close(): Promise<void>;
}

const STINGY = { limited: 9, reconnect: 40, duplicate: 4, delay: 60 };

function beStingy(o: {
  world: World;
  rest: Rest;
  limits: Limits;
  gateway: Gateway;
  ben: { closed: boolean };
}): () => void {
  const { world, rest, limits, gateway } = o;
  o.ben.closed = true;
  rest.delay = STINGY.delay;
  let events = 0;
  let told = 0;
  let asked = 0;
  const emit = gateway.emit;
  world.emit = (event, data, about) => {
    events += 1;
    const doubled = event === 'INTERACTION_CREATE' || event === 'MESSAGE_CREATE';
    if (doubled) told += 1;
    const times = doubled && told % STINGY.duplicate === 0 ? 2 : 1;
    for (let n = 0; n < times; n++) {
      const pending = event === 'INTERACTION_CREATE' ? world.interactions.get(String(data.id)) : undefined;
      if (pending !== undefined) pending.deliveries += 1;
      emit(event, data, about);
    }
    if (events % STINGY.reconnect === 0) gateway.reconnect();
    if (events % (STINGY.reconnect * 3) === 0) gateway.refuseNextResume();
  };
  return () => {
    asked += 1;
    if (asked % STINGY.limited === 0) limits.limit(/^(POST|PATCH) \/channels/, 1);
  };
}

export async function startDiscord(o: DiscordOptions = {}): Promise<DiscordServer> {
  let passed = 0;
  const base = o.clock ?? { now: () => new Date() };
  const world = createWorld({ now: () => new Date(base.now().getTime() + passed) });
  world.messageContent = o.messageContent ?? false;
  const commands = createCommands(world);
  const limits = createLimits({
    requests: o.bucket?.requests ?? 5,
    window: o.bucket?.window ?? 250,
    global: o.global ?? 50,
  });
  let before = (_route: string): void => {};
  const rest = createRest({
    world,
    commands,
    limits,
    identifies: () => gateway.counts.identifies,
    before: (route) => before(route),
  });
  const gateway = createGateway(world, rest.server, {
    heartbeat: o.heartbeat ?? 41_250,
    privileged: o.messageContent ? INTENT.content : 0,
  });
  world.emit = (event, data, about) => {
    const pending = event === 'INTERACTION_CREATE' ? world.interactions.get(String(data.id)) : undefined;
    if (pending !== undefined) pending.deliveries += 1;
    gateway.emit(event, data, about);
  };
  if (o.profile === 'stingy') before = beStingy({ world, rest, limits, gateway, ben: userNamed(world, 'ben') });

  await new Promise<void>((done) => rest.server.listen(0, '127.0.0.1', done));
  const address = rest.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  world.url = `http://127.0.0.1:${address.port}`;

  let closed = false;
  const endings = new Set<() => void>();
  const waitFor: WaitFor = (look, ms = 5_000, what = 'something') =>
    new Promise((resolve, reject) => {
      const finish = (work: () => void): void => {
        clearTimeout(timer);
        clearInterval(again);
        stop();
        endings.delete(ended);
        work();
      };
      const check = (): void => {
        try {
          const value = look();
          if (value) finish(() => resolve(value));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const wrong = (): string =>
        world.violations
          .map((one) => `\n${one.method} ${one.path}: ${one.message} ${JSON.stringify(one.problems)}`)
          .join('');
      const ended = (): void => finish(() => reject(new Error(`Discord was closed while ${what} was waited for.`)));
      const timer = setTimeout(
        () => finish(() => reject(new Error(`${what} did not come within ${ms} ms.${wrong()}`))),
        ms,
      );
      // What is looked at may not be the server's own.
      const again = setInterval(check, 20);
      const stop = world.watch(check);
      endings.add(ended);
      check();
    });
  const online = async (ms?: number): Promise<void> => {
    await waitFor(() => gateway.ready(), ms ?? 15_000, 'a bot');
  };
  world.session = async () => {
    await waitFor(() => gateway.known(), 15_000, 'a bot');
  };

  const guildNamed = (name: string): string =>
    [...world.guilds.values()].find((one) => one.name === name || one.id === name)?.id ?? name;
  const shown = (which: (one: Stored) => boolean): Message[] =>
    [...world.messages.values()].filter((one) => !one.deleted && which(one)).map((one) => seen(world, one));
  return {
    url: world.url,
    token: world.token,
    application: world.application,
    guilds: { home: guildNamed('Home'), elsewhere: guildNamed('Elsewhere') },
    channel: (name) => channelNamed(world, name).id,
    user: (name) => userNamed(world, name).id,
    as: (name) => createPerson({ world, commands, user: userNamed(world, name), waitFor }),
    commands: (guild) => commands.list(guild === undefined ? undefined : guildNamed(guild)),
    registrations: () => ({ ...commands.counts }),
    messages: (name) => {
      const { id } = channelNamed(world, name);
      return shown((one) => one.channel === id && one.onlyFor === undefined);
    },
    dms: (name) => {
      const { id } = directChannel(world, userNamed(world, name));
      return shown((one) => one.channel === id && one.onlyFor === undefined);
    },
    ephemerals: (name) => {
      const { id } = userNamed(world, name);
      return shown((one) => one.onlyFor === id);
    },
    message(id) {
      const message = world.messages.get(id);
      return message === undefined ? undefined : seen(world, message);
    },
    waitFor,
    online,
    pass(ms) {
      passed += ms;
      world.changed();
    },
    gateway,
    limit: limits.limit,
    fail: limits.fail,
    lose: limits.lose,
    planned: limits.planned,
    requests: rest.requests,
    invalidRequests: rest.invalid,
    violations: world.violations,
    async close() {
      if (closed) return;
      closed = true;
      for (const ended of [...endings]) ended();
      // Nobody new first: a bot that tries again meanwhile would keep the port.
      const over = new Promise((done) => rest.server.close(done));
      await gateway.close();
      rest.server.closeAllConnections();
      await rest.idle();
      rest.server.closeAllConnections();
      await over;
    },
  };
}
