/** The real discord.js on the fake Discord when the connection breaks, limits bite and time runs out. */
import {
  ActionRowBuilder,
  ButtonBuilder,
  ButtonStyle,
  Client,
  Events,
  GatewayIntentBits,
  type Interaction as Heard,
} from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { INTENTS, rightBot } from './discord/clients.ts';
import { type DiscordOptions, startDiscord } from './discord.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function together(o: DiscordOptions, work?: (heard: Heard) => Promise<unknown>) {
  const server = await startDiscord(o);
  open.push(() => server.close());
  const bot = await rightBot(server, work);
  open.push(() => bot.client.destroy());
  return { server, ...bot };
}

const reply = async (heard: Heard): Promise<void> => {
  if (heard.isChatInputCommand()) await heard.reply('here');
};

describe('the connection', () => {
  it('beats as often as it was told', async () => {
    const { server } = await together({ heartbeat: 40 });
    await server.waitFor(() => server.gateway.counts.heartbeats >= 3);
    expect(server.gateway.counts.closed).toEqual([]);
  });

  it.each([
    ['RECONNECT', 'reconnect'],
    ['a cut wire', 'drop'],
  ] as const)('%s: what happened meanwhile comes after RESUME, each once', async (_name, fault) => {
    const { server, client, errors } = await together({}, reply);
    const heard: string[] = [];
    client.on(Events.MessageCreate, ({ content }) => heard.push(content));
    server.gateway[fault]();
    await server.waitFor(() => !server.gateway.ready());
    await server.as('ana').dm('one');
    const asked = await server.as('ana').slash('backup', 'list');
    expect((await asked.answer()).text).toBe('here');
    await server.as('ana').dm('two');
    await server.waitFor(() => heard.length >= 2 && heard.at(-1) === 'two');
    expect(heard.filter((one) => one !== 'here')).toEqual(['one', 'two']);
    expect(server.gateway.counts).toMatchObject({ identifies: 1, resumes: 1, invalidated: 0 });
    expect(asked.deliveries()).toBe(1);
    expect([...errors, ...server.violations]).toEqual([]);
  });

  it('INVALID_SESSION: a new session, and people wait for it', async () => {
    const { server, errors } = await together({}, reply);
    server.gateway.invalidate();
    const asked = await server.as('ana').slash('backup', 'list');
    expect((await asked.answer()).text).toBe('here');
    expect(server.gateway.counts).toMatchObject({ identifies: 2, resumes: 0, invalidated: 1 });
    server.gateway.refuseNextResume();
    server.gateway.drop();
    await server.waitFor(() => server.gateway.counts.identifies === 3);
    await server.online();
    expect((await (await server.as('ana').slash('backup', 'list')).answer()).text).toBe('here');
    expect([...errors, ...server.violations]).toEqual([]);
  });

  it('refuses a wrong token and intents that are not switched on', async () => {
    const server = await startDiscord();
    open.push(() => server.close());
    const client = (intents: readonly number[]): Client => {
      const made = new Client({ intents: [...intents], rest: { api: `${server.url}/api` } });
      made.on(Events.Error, () => {});
      open.push(() => made.destroy());
      return made;
    };
    await expect(client(INTENTS).login('MTIz.YWJj.ZGVm')).rejects.toThrow(/invalid token/i);
    await expect(client([...INTENTS, GatewayIntentBits.MessageContent]).login(server.token)).rejects.toThrow(
      /disallowed intents/i,
    );
    expect(server.gateway.counts.closed).toEqual([4014]);
  });

  it('leaves nothing behind', async () => {
    const before = process.getActiveResourcesInfo().filter((one) => one !== 'Immediate');
    const { server, client } = await together({ profile: 'stingy' }, reply);
    const late = server.waitFor(() => false, 60_000, 'nothing');
    await server.as('ana').slash('backup', 'list');
    await client.destroy();
    await server.close();
    await expect(late).rejects.toThrow('Discord was closed while nothing was waited for.');
    await expect(fetch(server.url)).rejects.toThrow();
    const sockets = (list: readonly string[]): number => list.filter((one) => /TCP|Server/.test(one)).length;
    expect(sockets(process.getActiveResourcesInfo())).toBeLessThanOrEqual(sockets(before));
  });
});

describe('limits and time', () => {
  it('eight edits wait for their bucket and run into no 429', async () => {
    const { server, client } = await together({});
    const channel = await client.channels.fetch(server.channel('backups'));
    if (!channel?.isSendable()) throw new Error('not sendable');
    const message = await channel.send('0');
    for (let n = 1; n <= 8; n++) await message.edit(`${n}`);
    expect(server.messages('backups').map(({ text, edits }) => [text, edits])).toEqual([['8', 8]]);
    expect(server.requests.filter(({ status }) => status === 429)).toEqual([]);
  });

  it('429 and 500 are tried again, a refusal is not', async () => {
    const { server, client } = await together({});
    const channel = await client.channels.fetch(server.channel('backups'));
    if (!channel?.isSendable()) throw new Error('not sendable');
    server.limit('POST /channels', 1);
    server.fail('POST /channels', 500, 1);
    await channel.send('one');
    server.fail(/^PATCH .*messages/, 10008, 1);
    await expect((await channel.send('two')).edit('three')).rejects.toMatchObject({ code: 10008, status: 404 });
    server.limit('POST /channels', 1, { global: true });
    await channel.send('four');
    expect(server.messages('backups').map(({ text }) => text)).toEqual(['one', 'two', 'four']);
    const posts = server.requests.filter(({ route }) => route === 'POST /channels/:channel/messages');
    expect(posts.map(({ status }) => status)).toEqual([429, 500, 200, 200, 429, 200]);
    expect([server.planned(), server.invalidRequests()]).toEqual([0, 2]);
  });

  it('an answer after three seconds comes too late', async () => {
    const pause = Promise.withResolvers<void>();
    const { server, errors } = await together({}, async (heard) => {
      await pause.promise;
      await reply(heard);
    });
    const asked = await server.as('ana').slash('backup', 'list');
    expect(asked.failed()).toBeUndefined();
    server.pass(3_001);
    expect(asked.failed()).toBe('The application did not respond');
    pause.resolve();
    await server.waitFor(() => errors.length > 0);
    expect(errors).toMatchObject([{ code: 10062, status: 404 }]);
    expect(asked.refused().map(({ code }) => code)).toEqual([10062]);
    expect(server.messages('backups')).toEqual([]);
  });

  it('after fifteen minutes the interaction is over, and its message is edited with the token of the bot', async () => {
    const late = Promise.withResolvers<void>();
    const { server, client, errors } = await together({}, async (heard) => {
      if (!heard.isChatInputCommand()) return;
      await heard.deferReply();
      await heard.editReply('62%');
      await late.promise;
      await heard.editReply('done');
    });
    const asked = await server.as('ana').slash('backup', 'list');
    const { id } = await asked.answer();
    server.pass(15 * 60_000 + 1);
    late.resolve();
    await server.waitFor(() => errors.length > 0);
    expect(errors).toMatchObject([{ code: 50027, status: 401 }]);
    const channel = await client.channels.fetch(server.channel('backups'));
    if (!channel?.isTextBased()) throw new Error('no text');
    await channel.messages.edit(id, 'done');
    expect(server.message(id)).toMatchObject({ text: 'done', edits: 1 });
    expect(server.violations).toEqual([]);
  });

  it('the stingy one: everything comes twice, late or after a 429, and a careful bot gets through', async () => {
    const row = new ActionRowBuilder<ButtonBuilder>().addComponents(
      new ButtonBuilder().setCustomId('more').setLabel('More').setStyle(ButtonStyle.Primary),
    );
    const known = new Set<string>();
    let presses = 0;
    const { server, client, errors } = await together({ profile: 'stingy' }, async (heard) => {
      if (known.has(heard.id) || !heard.isRepliable()) return;
      known.add(heard.id);
      if (heard.isButton()) {
        presses += 1;
        await heard.update({ content: `${presses}`, components: [row] });
      } else await heard.reply({ content: '0', components: [row] });
    });
    const ana = server.as('ana');
    const first = await (await ana.slash('backup', 'list')).answer();
    let twice = 0;
    for (let n = 1; n <= 24; n++) {
      const pressed = await ana.click(first, 'More');
      await pressed.acked();
      if (pressed.deliveries() === 2) twice += 1;
    }
    expect(server.message(first.id)?.text).toBe('24');
    const channel = await client.channels.fetch(server.channel('backups'));
    if (!channel?.isSendable()) throw new Error('not sendable');
    for (let n = 0; n < 20; n++) await channel.send(`${n}`);
    expect(server.messages('backups')).toHaveLength(21);
    expect(twice).toBeGreaterThan(2);
    expect(server.gateway.counts.resumes).toBeGreaterThan(0);
    expect(server.requests.filter(({ status }) => status === 429).length).toBeGreaterThan(1);
    const ben = await client.users.fetch(server.user('ben'));
    await expect(ben.send('x')).rejects.toMatchObject({ code: 50007 });
    expect([...errors, ...server.violations]).toEqual([]);
  });
});
