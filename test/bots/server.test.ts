/** The product from outside: `node src/main.ts` with nothing but its environment, talked to in Slack and in Discord. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fastClock } from '../fast-clock.ts';
import { type Program, startProgram } from '../servers/program.ts';
import { discordKind } from '../stories/discord-driver.ts';
import type { Driver, DriverKind, Seen } from '../stories/driver.ts';
import { slackKind } from '../stories/slack-driver.ts';

const SECRETS = ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_SIGNING_SECRET', 'DISCORD_TOKEN'];
const PATIENCE = 20_000;

type Opened = Awaited<ReturnType<DriverKind['open']>>;

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function openChat(kind: DriverKind): Promise<Opened> {
  const driver = await kind.open(fastClock(1));
  endings.push(() => driver.close());
  return driver;
}

/** A data folder, three photos, and programs that share them. */
async function openHome(chats: readonly Opened[]) {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-server-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'photos'));
  for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) await writeFile(join(folder, 'photos', name), name);
  const environment: Record<string, string> = {
    HOME: folder,
    KEEPSAKE_DATA: join(folder, 'data'),
    KEEPSAKE_LOCAL_ROOTS: folder,
    KEEPSAKE_ZONE: 'Europe/Berlin',
    LOG_LEVEL: 'debug',
    ...Object.assign({}, ...chats.map((chat) => chat.environment)),
  };
  const programs: Program[] = [];
  const start = (more: Record<string, string> = {}, ...roles: string[]): Program => {
    const program = startProgram({ roles, environment: { ...environment, ...more } });
    programs.push(program);
    endings.push(() => program.end('SIGKILL'));
    return program;
  };
  return {
    folder,
    start,
    backup: `backup ${join(folder, 'photos')} to ${join(folder, 'copy')} manually named photos`,
    /** Everything that was written where somebody else may read it: the logs, and the data folder (its key aside). */
    async written(): Promise<string> {
      const files = await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true });
      const texts = await Promise.all(
        files
          .filter((file) => file.isFile() && file.name !== 'key')
          .map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
      );
      return [...programs.map((program) => program.said()), ...texts].join('\n');
    },
    secrets: SECRETS.flatMap((name) => environment[name] ?? []),
    said: () => programs.map((program) => program.said()).join('\n'),
  };
}

async function sees(driver: Driver, text: string | RegExp): Promise<Seen> {
  for (const end = performance.now() + PATIENCE; performance.now() < end; ) {
    const found = driver
      .seen('ana')
      .findLast((seen) => (typeof text === 'string' ? seen.text.includes(text) : text.test(seen.text)));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(
    `Ana did not see ${text}, but:\n${driver
      .seen('ana')
      .map((seen) => seen.text)
      .join('\n---\n')}`,
  );
}

async function claim(program: Program, driver: Driver): Promise<string> {
  const [, code = ''] = await program.says(/To become its owner, send it: claim ([0-9A-Z-]+)/);
  await driver.say('ana', `claim ${code}`);
  await sees(driver, 'This Keepsake is yours now');
  return code;
}

const connected = (program: Program, surface: string) =>
  program.says(new RegExp(`bots\\.connected.*${surface}`), PATIENCE);

/** SIGTERM ends it at rest. */
async function ends(program: Program): Promise<void> {
  const { code } = await program.end();
  expect(code, program.said()).toBe(0);
}

/** A port that leads to another one, once it is opened. */
async function gate(): Promise<{ url: string; open(target: string): Promise<void> }> {
  const reserved = createServer();
  await new Promise<void>((resolve) => reserved.listen(0, '127.0.0.1', resolve));
  const { port } = reserved.address() as AddressInfo;
  await new Promise((resolve) => reserved.close(resolve));
  const sockets = new Set<Socket>();
  return {
    url: `http://127.0.0.1:${port}`,
    async open(target) {
      const server = createServer((near) => {
        const far = connect(Number(new URL(target).port), '127.0.0.1');
        for (const [one, other] of [
          [near, far],
          [far, near],
        ] as const) {
          sockets.add(one);
          one.on('error', () => other.destroy());
          one.pipe(other);
        }
      });
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      endings.push(async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      });
    },
  };
}

const KINDS: [string, DriverKind][] = [
  ['slack', slackKind('socket')],
  ['slack', slackKind('http')],
  ['discord', discordKind()],
];

describe('the running server', () => {
  it.each(KINDS.map(([surface, kind]) => [kind.name, surface, kind] as const))(
    'on %s: is claimed, backs up, and ends at SIGTERM; no secret is written anywhere',
    async (_, surface, kind) => {
      const chat = await openChat(kind);
      const home = await openHome([chat]);
      const program = home.start();
      await connected(program, surface);
      const code = await claim(program, chat);
      await chat.say('ana', home.backup);
      await sees(chat, 'All 3 photos are safe');
      expect(await readFile(join(home.folder, 'copy', 'b.jpg'), 'utf8')).toBe('b.jpg');
      await ends(program);
      expect(program.said()).toMatch(/Stopped\.\n$/);
      const written = await home.written();
      for (const secret of home.secrets) expect(written.includes(secret), secret.slice(0, 5)).toBe(false);
      expect(written.split(code)).toHaveLength(2);
      expect(program.said()).not.toContain('"level":"error"');
      expect(chat.violations()).toEqual([]);
    },
  );

  it.each([KINDS[0], KINDS[2]].flatMap((one) => (one ? [[one[1].name, ...one] as const] : [])))(
    'on %s: killed in the middle of a run, the same card goes on after the next start',
    async (_, surface, kind) => {
      const chat = await openChat(kind);
      const home = await openHome([chat]);
      await writeFile(join(home.folder, 'photos', 'film.mov'), Buffer.alloc(900_000, 7));
      const first = home.start();
      await connected(first, surface);
      await claim(first, chat);
      await chat.say('ana', `${home.backup} limit 200 KB/s`);
      const card = await sees(chat, /Copying|copying|% /);
      expect(await first.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      const second = home.start();
      await connected(second, surface);
      const over = await sees(chat, /(photos and videos|video|files?) (are|is) safe/);
      expect(over.id).toBe(card.id);
      expect(chat.seen('ana').filter(({ text }) => /(are|is) safe|Copying/.test(text))).toHaveLength(1);
      expect(await readdir(join(home.folder, 'copy'))).toEqual(expect.arrayContaining(['a.jpg', 'film.mov']));
      await ends(second);
    },
  );

  it.each([
    ['Slack', { SLACK_BOT_TOKEN: 'xoxb-of-another-app' }, /Slack refuses the bot token.*SLACK_BOT_TOKEN/, 1],
    [
      'Slack, for the app',
      { SLACK_APP_TOKEN: 'xapp-of-another-app' },
      /Slack refuses the app-level token.*SLACK_APP_TOKEN/,
      1,
    ],
    ['Discord', { DISCORD_TOKEN: 'b2Y.YW5vdGhlcg.Ym90' }, /Discord refuses the token.*DISCORD_TOKEN/, 0],
  ])('a wrong token of %s is told with what to do, and everything else goes on', async (_, wrong, says, other) => {
    const chats = [await openChat(slackKind('socket')), await openChat(discordKind())];
    const home = await openHome(chats);
    const program = home.start(wrong);
    await program.says(says);
    const chat = chats[other];
    if (!chat) throw new Error('There is no other chat.');
    await connected(program, other === 0 ? 'slack' : 'discord');
    await claim(program, chat);
    await chat.say('ana', home.backup);
    await sees(chat, 'All 3 photos are safe');
    await ends(program);
    for (const token of Object.values(wrong)) expect(program.said()).not.toContain(token);
  });

  it('a port that is taken ends Slack over HTTP only, and is told', async () => {
    const chats = [await openChat(slackKind('http')), await openChat(discordKind())];
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '0.0.0.0', resolve));
    endings.push(() => new Promise((resolve) => taken.close(resolve)));
    const { port } = taken.address() as AddressInfo;
    const home = await openHome(chats);
    const program = home.start({ PORT: String(port) });
    await program.says(new RegExp(`Port ${port} cannot be listened on.*Set PORT`, 's'));
    await connected(program, 'discord');
    await ends(program);
  });

  it('without a chat that can be talked in, the bots role alone ends with a failure', async () => {
    const home = await openHome([]);
    expect(await home.start({}, 'bots').ended).toMatchObject({ code: 1 });
    expect(home.said()).toMatch(/neither Slack nor Discord is set up[\s\S]*Nothing is left to do/);
  });

  it('Slack is away at the start, and connected when it is there', async () => {
    const chat = await openChat(slackKind('socket'));
    const { url, open } = await gate();
    const home = await openHome([chat]);
    const program = home.start({ KEEPSAKE_ENDPOINT_SLACK: url });
    await program.says(/slack\.away/);
    await open(String(chat.environment.KEEPSAKE_ENDPOINT_SLACK));
    await connected(program, 'slack');
    await claim(program, chat);
  });

  it('one process talks in both: who is linked is the same person in each', async () => {
    const [slack, discord] = [await openChat(slackKind('socket')), await openChat(discordKind())];
    const home = await openHome([slack, discord]);
    const program = home.start();
    await Promise.all([connected(program, 'slack'), connected(program, 'discord')]);
    await claim(program, slack);
    await slack.say('ana', 'link');
    const [code = ''] =
      /[0-9A-Z]{4}(-[0-9A-Z]{4}){2}/.exec((await sees(slack, /[0-9A-Z]{4}(-[0-9A-Z]{4}){2}/)).text) ?? [];
    await discord.say('ana', `link ${code}`);
    await sees(discord, /linked|same person|one and the same|know you/i);
    await discord.say('ana', home.backup);
    await sees(discord, 'All 3 photos are safe');
    await slack.say('ana', 'list');
    await sees(slack, 'photos');
    await ends(program);
  });

  it('goes on when whoever read its log has left', async () => {
    const chat = await openChat(discordKind());
    const home = await openHome([chat]);
    const program = home.start();
    await connected(program, 'discord');
    await claim(program, chat);
    program.leave();
    await chat.say('ana', home.backup);
    await sees(chat, 'All 3 photos are safe');
    const { code } = await program.end();
    expect(code).toBe(0);
  });

  it('two processes share the work: one talks, the other copies', async () => {
    const chat = await openChat(slackKind('socket'));
    const home = await openHome([chat]);
    const bots = home.start({}, 'bots');
    await connected(bots, 'slack');
    const engine = home.start({}, 'engine', 'outbox');
    await engine.says(/Keepsake is up/);
    await claim(bots, chat);
    await chat.say('ana', home.backup);
    await sees(chat, 'All 3 photos are safe');
    expect(engine.said()).not.toContain('claim');
    await Promise.all([ends(bots), ends(engine)]);
  });
});
