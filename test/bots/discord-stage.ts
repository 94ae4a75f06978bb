/** The real Discord surface on the fake Discord, over an engine that says what a test wants. */
import { createHash } from 'node:crypto';
import type { ChatSurface } from '../../src/bots/chat/chat.ts';
import { createDiscord } from '../../src/bots/discord.ts';
import { systemClock } from '../../src/engine/clock.ts';
import type { Control, SurfaceServices } from '../../src/engine/services.ts';
import type { Caller, Clock, Form, Person, Reply, Suggestion, Thread, Wanted } from '../../src/engine/types.ts';
import { type DiscordOptions, type DiscordServer, startDiscord } from '../servers/discord.ts';

export interface Engine {
  services: SurfaceServices;
  /** Every line that was said, with its caller. */
  said: { line: string; caller: Caller }[];
  wanted: Wanted[];
  /** What a line comes to; one good reply that repeats it unless a test says otherwise. */
  answer: (line: string, caller: Caller) => AsyncIterable<Reply>;
  suggestions: (wanted: Wanted) => Promise<Suggestion[]>;
  forms: (about: Caller['about']) => Promise<Form | undefined>;
  follow: SurfaceServices['follow'];
  finding: () => Promise<void>;
  log: { level: string; event: string; details: Record<string, unknown> | undefined }[];
  vault: Map<string, string>;
  threads: Map<string, Thread>;
}

export const reply = (title: string, more: Partial<Reply> = {}): Reply => ({
  tone: 'good',
  title,
  blocks: [],
  ...more,
});

export function scriptedEngine(clock: Clock = systemClock): Engine {
  const controls = new Map<string, Control>();
  const threads = new Map<string, Thread>();
  const vault = new Map<string, string>();
  const engine: Engine = {
    said: [],
    wanted: [],
    log: [],
    vault,
    threads,
    async *answer(line) {
      yield reply(`Done: ${line}`);
    },
    suggestions: async () => [],
    forms: async () => undefined,
    async *follow() {},
    finding: async () => {},
    services: {
      async *dispatch(line, caller) {
        engine.said.push({ line, caller });
        yield* engine.answer(line, caller);
      },
      async person(identity, { name, locale }): Promise<Person> {
        return {
          id: `p-${identity.id}`,
          name,
          role: 'owner',
          identities: [identity],
          created: '2026-01-01T00:00:00.000Z',
          ...(locale === undefined ? {} : { locale }),
        };
      },
      suggest(wanted) {
        engine.wanted.push(wanted);
        return engine.suggestions(wanted);
      },
      form: (_, caller) => engine.forms(caller.about),
      follow: (run, signal) => engine.follow(run, signal),
      threads: {
        async keep(thread) {
          threads.set(thread.id, thread);
        },
        async close({ state: _, ...thread }) {
          threads.set(thread.id, thread);
        },
        at: async (surface, reference) => threads.get(`${surface}/${reference}`),
        ofRun: async (surface, run) =>
          [...threads.values()].filter((one) => one.surface === surface && one.run === run),
        async *open(surface) {
          yield* [...threads.values()].filter((one) => one.surface === surface && one.state === 'open');
        },
        hold: async () => true,
      },
      controls: {
        async keep(control) {
          const id = createHash('sha256').update(JSON.stringify(control)).digest('hex').slice(0, 32);
          controls.set(id, control);
          return id;
        },
        async find(id) {
          await engine.finding();
          return controls.get(id);
        },
      },
      vault: {
        get: async (id) => vault.get(id),
        async put(id, value) {
          vault.set(id, value);
        },
        async remove(id) {
          vault.delete(id);
        },
      },
      zone: 'Europe/Berlin',
      codesInChat: false,
      clock,
      log: (level, event, details) => void engine.log.push({ level, event, details }),
    },
  };
  return engine;
}

export interface Stage {
  server: DiscordServer;
  engine: Engine;
  surface: ChatSurface;
  /** How often it became connected. */
  ready: () => number;
  /** Resolves when the surface has stopped; rejects with what ended it. */
  stop(): Promise<void>;
  /** What `run` came to. */
  ended: Promise<void>;
}

/** Starts both; `stop` and `close` are for the end of the test. */
export async function onDiscord(
  o: DiscordOptions & { guild?: boolean; token?: string; engine?: Engine; server?: DiscordServer; wait?: false } = {},
): Promise<Stage> {
  const server = o.server ?? (await startDiscord(o));
  const engine = o.engine ?? scriptedEngine();
  const surface = createDiscord({
    token: o.token ?? server.token,
    endpoint: server.url,
    services: engine.services,
    ...(o.guild ? { guild: server.guilds.home } : {}),
  });
  const stop = new AbortController();
  let ready = 0;
  const ended = surface.run(stop.signal, () => {
    ready++;
  });
  // Whoever wants to know waits for `ended`.
  ended.catch(() => undefined);
  if (o.wait !== false) await server.online();
  return {
    server,
    engine,
    surface,
    ready: () => ready,
    ended,
    stop() {
      stop.abort(new Error('the test is over'));
      return ended;
    },
  };
}
