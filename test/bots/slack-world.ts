/** Keepsake's Slack surface, whole, with the real engine behind it and the Slack on loopback before it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createSlack, type SlackOrder } from '../../src/bots/slack.ts';
import { createDispatch } from '../../src/engine/commands/dispatch.ts';
import { formFor } from '../../src/engine/commands/form-for.ts';
import { Stopped } from '../../src/engine/errors.ts';
import { createOutbox } from '../../src/engine/outbox.ts';
import type { Deliverer, SurfaceServices } from '../../src/engine/services.ts';
import { createSuggest } from '../../src/engine/suggest.ts';
import { createSurfaceServices } from '../../src/engine/surface.ts';
import type { OutboxMessage, Person, Role } from '../../src/engine/types.ts';
import { openWorld, type World } from '../commands/world.ts';
import { fastClock } from '../fast-clock.ts';
import { type SlackOptions, type SlackServer, type SlackUser, startSlack } from '../servers/slack.ts';

export interface SlackWorld {
  slack: SlackServer;
  world: World & { signal: AbortSignal };
  services: SurfaceServices;
  /** Where the surface takes requests; http only. */
  address: string;
  /** Connects. Resolves when it is ready. */
  start(o?: Partial<SlackOrder>): Promise<Running>;
  /** Begins to connect. */
  begin(o?: Partial<SlackOrder>): Running;
  outbox(): Promise<OutboxMessage[]>;
  /** Delivers what is due through that surface. */
  deliver(running: Running): Promise<void>;
  /** What waits for a later try is due now. */
  makeDue(): Promise<void>;
  know(user: SlackUser, role: Role): Promise<Person>;
  close(): Promise<void>;
}

export interface Running {
  deliverer: Deliverer;
  /** How often it was connected. */
  ready(): number;
  connected: Promise<void>;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

export async function openSlackWorld(o: Partial<SlackOptions> = {}): Promise<SlackWorld> {
  const clock = fastClock(1, new Date());
  const world = await openWorld({ clock });
  const slack = await startSlack({ mode: 'socket', ...o });
  const services = createSurfaceServices(world.services, {
    dispatch: createDispatch(world.services),
    suggest: createSuggest(world.services),
    form: (what, caller) => formFor(world.services, caller, what),
  });
  const port = await freePort();
  const running: Running[] = [];
  const ending = new AbortController();
  const mode = o.mode ?? 'socket';
  await mkdir(join(world.folder, 'photos'));
  await writeFile(join(world.folder, 'photos', 'a.jpg'), 'a');

  function begin(more: Partial<SlackOrder> = {}): Running {
    const stopping = new AbortController();
    let ready = 0;
    const surface = createSlack({
      config: {
        reach:
          mode === 'http'
            ? { kind: 'http', signingSecret: slack.signingSecret }
            : { kind: 'socket', appToken: slack.appToken },
        workspace: { kind: 'one', botToken: slack.botToken },
      },
      endpoint: slack.url,
      port,
      services,
      ...more,
    });
    slack.setTarget(`http://127.0.0.1:${port}/slack/events`);
    let connected = (): void => {};
    const firstReady = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const run = surface.run(stopping.signal, () => {
      ready++;
      connected();
    });
    const one: Running = {
      deliverer: surface.deliverer,
      ready: () => ready,
      connected: Promise.race([firstReady, run]),
      async stop() {
        stopping.abort(new Stopped('The test is over.'));
        await run;
      },
    };
    running.push(one);
    return one;
  }

  async function outbox(): Promise<OutboxMessage[]> {
    const found: OutboxMessage[] = [];
    for await (const message of world.store.find('outbox', {})) found.push(message);
    return found;
  }

  return {
    slack,
    world: { ...world, signal: ending.signal },
    services,
    address: `http://127.0.0.1:${port}`,
    async know(user, role) {
      return world.store.put('people', {
        id: user.name,
        name: user.realName,
        role,
        identities: [{ surface: 'slack', id: `${user.workspace}/${user.id}` }],
        zone: user.zone,
        created: clock.now().toISOString(),
      });
    },
    begin,
    async start(more) {
      const one = begin(more);
      await one.connected;
      return one;
    },
    outbox,
    async deliver({ deliverer }) {
      const { store, log } = world.services;
      await createOutbox({ store, deliverers: [deliverer], clock, log }).deliver(ending.signal);
    },
    async makeDue() {
      for (const message of await outbox()) {
        if (message.state === 'waiting') await world.store.put('outbox', { ...message, due: message.created });
      }
    },
    async close() {
      ending.abort(new Stopped('The test is over.'));
      for (const one of running) await one.stop().catch(() => {});
      await slack.close();
      await world.close();
    },
  };
}
