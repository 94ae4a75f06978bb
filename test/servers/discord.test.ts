/** The fake Discord under the real discord.js, which must pass, and under wrong clients, which must fail. */
import { Client, Events, GatewayIntentBits, type Interaction as Heard, Partials } from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { type DiscordOptions, type DiscordServer, startDiscord } from './discord.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function discord(o: DiscordOptions = {}): Promise<DiscordServer> {
  const server = await startDiscord(o);
  open.push(() => server.close());
  return server;
}

const REQUEST = { type: 3, name: 'request', description: 'In your own words', required: true, autocomplete: true };
const COMMANDS = [
  {
    name: 'backup',
    description: 'Backups',
    contexts: [0, 1],
    options: [
      { type: 1, name: 'list', description: 'What there is' },
      { type: 1, name: 'do', description: 'Do it', options: [REQUEST] },
    ],
  },
  { type: 3, name: 'Restore this', contexts: [0, 1] },
];

/** A right client: logs in, registers, hands what it hears to `work`. */
async function bot(
  server: DiscordServer,
  work: (heard: Heard) => Promise<unknown> = async () => {},
  o: { intents?: number[] } = {},
): Promise<Client<true>> {
  const client = new Client({
    intents: o.intents ?? [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages],
    partials: [Partials.Channel],
    allowedMentions: { parse: [] },
    rest: { api: `${server.url}/api` },
  });
  client.on(Events.InteractionCreate, (heard) => {
    work(heard).catch((error: unknown) => client.emit(Events.Error, error as Error));
  });
  client.on(Events.Error, () => {});
  open.push(() => client.destroy());
  const ready = new Promise<Client<true>>((resolve) => {
    client.once(Events.ClientReady, resolve);
  });
  await client.login(server.token);
  const here = await ready;
  await here.application.commands.set(COMMANDS);
  return here;
}

describe('the real discord.js', () => {
  it('logs in and sees the servers', async () => {
    const server = await discord();
    const client = await bot(server);
    expect(client.user.id).toBe(server.application);
    expect([...client.guilds.cache.values()].map(({ name }) => name).sort()).toEqual(['Elsewhere', 'Home']);
    expect(server.commands().map(({ name }) => name)).toEqual(['backup', 'Restore this']);
    expect(server.violations).toEqual([]);
  });

  it('defers, edits three times and adds', async () => {
    const server = await discord();
    await bot(server, async (heard) => {
      if (!heard.isChatInputCommand()) return;
      await heard.deferReply();
      for (const content of ['one', 'two', 'three']) await heard.editReply(content);
      await heard.followUp({ content: 'for you', flags: 64 });
    });
    const asked = await server.as('ana').slash('backup', 'do', { request: 'x' });
    await server.waitFor(() => asked.messages().length === 2);
    expect(asked.messages().map(({ text, edits, ephemeral }) => [text, edits, ephemeral])).toEqual([
      ['three', 2, false],
      ['for you', 0, true],
    ]);
    expect(asked.ackMs).toBeLessThan(3000);
    expect(server.ephemerals('ana').map(({ text }) => text)).toEqual(['for you']);
    expect(server.ephemerals('ben')).toEqual([]);
    expect(server.violations).toEqual([]);
  });
});
