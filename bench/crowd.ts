/** 200 people who talk at once, in a Slack or a Discord on loopback: what each waited for the acknowledgement and for the answer. */
import { createServer } from 'node:net';
import { type DiscordServer, type Interaction, startDiscord } from '../test/servers/discord.ts';
import { type SlackServer, startSlack } from '../test/servers/slack.ts';

export type Way = 'socket' | 'http' | 'discord';

export interface Waited {
  /** Milliseconds; Infinity where it did not come. */
  acks: number[];
  answers: number[];
}

export interface Crowd {
  /** Settings of a program that is to be talked to here. */
  environment: Record<string, string>;
  /** Who says it: their identities in the product. */
  identities: { surface: 'slack' | 'discord'; id: string }[];
  ready(): Promise<void>;
  /** Everybody says their line at the same moment, where others read too. */
  say(lines: readonly string[]): Promise<Waited>;
  close(): Promise<void>;
}

const NAMES = ['ana', 'ben'] as const;
const named = (n: number): (typeof NAMES)[number] => NAMES[n % NAMES.length] ?? 'ana';
/** An answer that takes longer is none. */
const PATIENCE = 60_000;
const LOOK = 2;

async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE; !holds() && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

async function slack(mode: 'socket' | 'http'): Promise<Crowd> {
  const server: SlackServer = await startSlack({ mode });
  const port = await freePort();
  if (mode === 'http') server.setTarget(`http://127.0.0.1:${port}/slack/events`);
  const answers = () => server.everything.filter(({ only, fromBot }) => only !== undefined && fromBot);
  return {
    environment: {
      SLACK_BOT_TOKEN: server.botToken,
      ...(mode === 'socket' ? { SLACK_APP_TOKEN: server.appToken } : { SLACK_SIGNING_SECRET: server.signingSecret }),
      PORT: String(port),
      KEEPSAKE_ENDPOINT_SLACK: server.url,
    },
    identities: NAMES.map((name) => ({ surface: 'slack', id: `${server.team.id}/${server.users[name].id}` })),
    async ready() {
      if (mode === 'socket') await server.waitFor(() => server.connections() > 0, PATIENCE);
    },
    async say(lines) {
      const before = answers().length;
      const began = Date.now();
      const acked = await Promise.all(
        lines.map((line, n) => server.as(named(n)).slash(line, { channel: server.channels.backups })),
      );
      await until(() => answers().length >= before + lines.length);
      const came = answers()
        .slice(before)
        .map(({ at }) => at.getTime() - began);
      return {
        acks: acked.map(({ ackMs }) => ackMs),
        answers: lines.map((_, n) => came[n] ?? Number.POSITIVE_INFINITY),
      };
    },
    close: () => server.close(),
  };
}

async function discord(): Promise<Crowd> {
  const server: DiscordServer = await startDiscord();
  return {
    environment: { DISCORD_TOKEN: server.token, KEEPSAKE_ENDPOINT_DISCORD: server.url },
    identities: NAMES.map((name) => ({ surface: 'discord', id: server.user(name) })),
    async ready() {
      await server.online(PATIENCE);
      await server.waitFor(() => server.commands().length > 0, PATIENCE, 'a command');
    },
    async say(lines) {
      const began = performance.now();
      const said = await Promise.all(
        lines.map((request, n) => server.as(named(n)).slash('backup', 'ask', { request }, { channel: 'backups' })),
      );
      const answers: number[] = [];
      const open = new Set<Interaction>(said);
      await until(() => {
        for (const one of open) {
          if (!one.answered) continue;
          open.delete(one);
          answers.push(performance.now() - began);
        }
        return open.size === 0;
      });
      return {
        acks: said.map(({ ackMs }) => ackMs ?? Number.POSITIVE_INFINITY),
        answers: [...answers, ...[...open].map(() => Number.POSITIVE_INFINITY)],
      };
    },
    close: () => server.close(),
  };
}

export const gather = (way: Way): Promise<Crowd> => (way === 'discord' ? discord() : slack(way));
