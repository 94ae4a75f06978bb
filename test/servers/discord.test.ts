/** The fake Discord under the real discord.js, which must get along with it. */
import {
  ActionRowBuilder,
  ButtonBuilder,
  ButtonStyle,
  Events,
  type Interaction as Heard,
  LabelBuilder,
  MessageFlags,
  ModalBuilder,
  StringSelectMenuBuilder,
  TextDisplayBuilder,
  TextInputBuilder,
  TextInputStyle,
} from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { COMMANDS, rightBot } from './discord/clients.ts';
import { type DiscordOptions, type DiscordServer, startDiscord } from './discord.ts';

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

const row = (...buttons: ButtonBuilder[]): ActionRowBuilder<ButtonBuilder> =>
  new ActionRowBuilder<ButtonBuilder>().addComponents(buttons);
const button = (label: string): ButtonBuilder =>
  new ButtonBuilder().setCustomId(`c:${label}`).setLabel(label).setStyle(ButtonStyle.Secondary);
const says = (words: string): TextDisplayBuilder => new TextDisplayBuilder().setContent(words);
const V2 = MessageFlags.IsComponentsV2;
const form = (): ModalBuilder =>
  new ModalBuilder()
    .setCustomId('m:1')
    .setTitle('Change it')
    .addLabelComponents(
      new LabelBuilder()
        .setLabel('When')
        .setTextInputComponent(new TextInputBuilder().setCustomId('when').setStyle(TextInputStyle.Short)),
      new LabelBuilder()
        .setLabel('Kind')
        .setStringSelectMenuComponent(
          new StringSelectMenuBuilder()
            .setCustomId('kind')
            .addOptions({ label: 'Photos', value: 'p' }, { label: 'Files', value: 'f' }),
        ),
    );
const fine = (server: DiscordServer, errors: unknown[] = []): void => {
  expect(server.violations).toEqual([]);
  expect(errors).toEqual([]);
};

describe('the real discord.js', () => {
  it('logs in, sees both servers and registers for all or for one', async () => {
    const { server, client } = await together({});
    expect(client.user.id).toBe(server.application);
    expect([...client.guilds.cache.values()].map(({ name }) => name).sort()).toEqual(['Elsewhere', 'Home']);
    expect(server.commands().map(({ name }) => name)).toEqual(['backup', 'Restore this']);
    await client.application.commands.set([{ name: 'trial', description: 'For one server' }], server.guilds.elsewhere);
    expect(server.commands('Elsewhere').map(({ name }) => name)).toEqual(['trial']);
    expect((await client.application.commands.fetch({ guildId: server.guilds.elsewhere })).size).toBe(1);
    expect(server.registrations()).toEqual({ puts: 2, creates: 3 });
    await client.application.commands.set(COMMANDS as never);
    expect(server.registrations()).toEqual({ puts: 3, creates: 3 });
    fine(server);
  });

  it('defers, edits three times and adds something for one person', async () => {
    const { server, errors } = await together({}, async (heard) => {
      if (!heard.isChatInputCommand()) return;
      await heard.deferReply();
      for (const content of ['one', 'two', 'three']) await heard.editReply(content);
      await heard.followUp({ content: 'for you', flags: MessageFlags.Ephemeral });
    });
    const asked = await server.as('ana').slash('backup', 'do', { request: 'x' });
    await server.waitFor(() => asked.messages().length === 2);
    expect(asked.messages().map(({ text, edits, ephemeral }) => [text, edits, ephemeral])).toEqual([
      ['three', 2, false],
      ['for you', 0, true],
    ]);
    expect([asked.deferred, asked.ephemeral, asked.failed()]).toEqual([true, false, undefined]);
    expect(asked.ackMs).toBeLessThan(3000);
    expect(server.ephemerals('ana').map(({ text }) => text)).toEqual(['for you']);
    expect(server.ephemerals('ben')).toEqual([]);
    expect(server.messages('backups').map(({ text }) => text)).toEqual(['three']);
    fine(server, errors);
  });

  it('turns a private "is thinking" into components, and takes it away again', async () => {
    const { server, errors } = await together({}, async (heard) => {
      if (!heard.isChatInputCommand()) return;
      await heard.deferReply({ flags: MessageFlags.Ephemeral });
      if (heard.options.getSubcommand() === 'list') return heard.deleteReply();
      return heard.editReply({ flags: V2, components: [says('**Here**'), row(button('Go'))] });
    });
    const ana = server.as('ana');
    const asked = await ana.slash('backup', 'do', { request: 'x' }, { dm: true });
    const message = await asked.answer();
    expect([message.ephemeral, message.text, message.edits]).toEqual([true, '**Here**', 0]);
    expect(message.buttons.map(({ label }) => label)).toEqual(['Go']);
    const none = await ana.slash('backup', 'list');
    await none.acked();
    await server.waitFor(() => none.messages().length === 0);
    await expect(server.as('ben').click(message, 'Go')).rejects.toThrow(/ben is not in dm-ana/);
    fine(server, errors);
  });

  it('completes while one types', async () => {
    const { server, errors } = await together({}, async (heard) => {
      if (!heard.isAutocomplete()) return;
      const typed = heard.options.getFocused();
      await heard.respond(
        ['icloud', 'imap'].filter((one) => one.startsWith(typed)).map((name) => ({ name, value: name })),
      );
    });
    const choices = await server.as('ben').autocomplete('do', { request: 'ic' }, 'request');
    expect(choices).toEqual([{ name: 'icloud', value: 'icloud' }]);
    fine(server, errors);
  });

  it('updates the message whose button was pressed, at once or after a pause', async () => {
    const { server, errors } = await together({}, async (heard) => {
      if (heard.isChatInputCommand())
        return heard.reply({ flags: V2, components: [says('0'), row(button('now'), button('later'))] });
      if (!heard.isButton()) return undefined;
      if (heard.customId === 'c:now') return heard.update({ components: [says('1'), row(button('later'))] });
      await heard.deferUpdate();
      await heard.editReply({ components: [says('2')] });
      return heard.followUp('done');
    });
    const ben = server.as('ben');
    const message = await (await ben.slash('backup', 'list')).answer();
    const updated = await (await ben.click(message, 'now')).answer();
    expect([updated.id, updated.text, updated.edits]).toEqual([message.id, '1', 1]);
    await expect(ben.click(updated, 'now')).rejects.toThrow(/There is no button "now" but: later/);
    const pressed = await ben.click(updated, 'c:later');
    await server.waitFor(() => pressed.messages().length === 2);
    expect(server.messages('backups').map(({ text, edits }) => [text, edits])).toEqual([
      ['2', 2],
      ['done', 0],
    ]);
    fine(server, errors);
  });

  it('hears what was chosen in a menu', async () => {
    const menu = new StringSelectMenuBuilder()
      .setCustomId('s:1')
      .setPlaceholder('Which one?')
      .addOptions({ label: 'Photos', value: 'p' }, { label: 'Files', value: 'f' });
    const { server, errors } = await together({}, async (heard) => {
      if (heard.isChatInputCommand())
        await heard.reply({ components: [new ActionRowBuilder<StringSelectMenuBuilder>().addComponents(menu)] });
      if (heard.isStringSelectMenu()) await heard.update({ content: heard.values.join(), components: [] });
    });
    const message = await (await server.as('ana').slash('backup', 'list')).answer();
    await expect(server.as('ana').choose(message, 'Which one?', 'Mail')).rejects.toThrow(/no option "Mail"/);
    const chosen = await server.as('ana').choose(message, 'Which one?', 'Files');
    expect((await chosen.answer()).text).toBe('f');
    fine(server, errors);
  });

  it('opens modals from commands and buttons and reads them', async () => {
    const { server, errors } = await together({}, async (heard) => {
      if (heard.isChatInputCommand() && heard.options.getSubcommand() === 'list')
        return heard.reply({ content: 'press', components: [row(button('Edit'))] });
      if (heard.isChatInputCommand() || heard.isButton()) return heard.showModal(form());
      if (!heard.isModalSubmit()) return undefined;
      const words = `${heard.fields.getTextInputValue('when')} ${heard.fields.getStringSelectValues('kind').join()}`;
      if (heard.isFromMessage()) return heard.update({ content: words, components: [] });
      await heard.deferReply({ flags: MessageFlags.Ephemeral });
      return heard.editReply(words);
    });
    const ana = server.as('ana');
    await ana.slash('backup', 'do', { request: 'x' });
    const modal = await ana.modal();
    expect(modal.fields.map(({ label, required }) => [label, required])).toEqual([
      ['When', true],
      ['Kind', true],
    ]);
    await expect(ana.submit(modal, { When: 'daily' })).rejects.toThrow('Kind is required');
    await expect(ana.submit(modal, { Where: 'here' })).rejects.toThrow(/no field "Where"/);
    const sent = await ana.submit(modal, { When: 'daily', Kind: 'Files' });
    expect((await sent.answer()).text).toBe('daily f');
    expect(ana.modalNow()).toBeUndefined();
    const message = await (await ana.slash('backup', 'list')).answer();
    await ana.click(message, 'Edit');
    await (await ana.submit(await ana.modal(), { When: 'weekly', Kind: 'Photos' })).acked();
    expect(server.message(message.id)?.text).toBe('weekly p');
    fine(server, errors);
  });

  it('hears a command of a message, with its words', async () => {
    const { server, errors } = await together({}, async (heard) => {
      if (heard.isMessageContextMenuCommand()) await heard.reply(`about: ${heard.targetMessage.content}`);
    });
    const id = await server.as('ben').say('backups', 'photos of June');
    const message = server.message(id);
    if (message === undefined) throw new Error('not there');
    const asked = await server.as('ana').messageCommand('Restore this', message);
    expect((await asked.answer()).text).toBe('about: photos of June');
    fine(server, errors);
  });

  it('writes directly, and learns who takes no direct messages', async () => {
    const { server, client } = await together({});
    const send = async (name: string): Promise<unknown> => (await client.users.fetch(server.user(name))).send('hello');
    await send('ana');
    expect(server.dms('ana').map(({ text, author }) => [text, author])).toEqual([['hello', 'keepsake']]);
    await expect(send('carl')).rejects.toMatchObject({ code: 50007, status: 403 });
    server.as('ana').takesDirect(false);
    await expect(send('ana')).rejects.toMatchObject({ code: 50007 });
    expect(server.invalidRequests()).toBe(2);
    fine(server);
  });

  it('reads direct messages and its name, and not what others say', async () => {
    const { server, client } = await together({});
    const heard: [string, boolean][] = [];
    client.on(Events.MessageCreate, (message) => heard.push([message.content, message.mentions.has(client.user.id)]));
    await server.as('ana').dm('list');
    await server.as('ana').say('backups', 'between us');
    await server.as('ben').mention('backups', 'help');
    await server.waitFor(() => heard.length === 3);
    expect(heard).toEqual([
      ['list', false],
      ['', false],
      [`<@${server.application}> help`, true],
    ]);
    const channel = await client.channels.fetch(server.channel('backups'));
    if (!channel?.isTextBased()) throw new Error('no text');
    expect([...(await channel.messages.fetch()).values()].map(({ content }) => content)).toEqual([heard[2]?.[0], '']);
    fine(server);
  });

  it('may not see or write everywhere', async () => {
    const { server, client } = await together({});
    const send = (name: string) =>
      client.rest.post(`/channels/${server.channel(name)}/messages`, {
        body: { content: 'x', allowed_mentions: { parse: [] } },
      });
    await expect(send('secret')).rejects.toMatchObject({ code: 50001 });
    await expect(send('announcements')).rejects.toMatchObject({ code: 50013 });
    await send('Elsewhere/lobby');
    expect(server.messages('lobby')).toHaveLength(1);
    fine(server);
  });

  it('sends files with their descriptions and keeps them through an edit', async () => {
    const { server, client } = await together({});
    const channel = await client.channels.fetch(server.channel('backups'));
    if (!channel?.isSendable()) throw new Error('not sendable');
    const files = [{ attachment: Buffer.from('PNG'), name: 'sheet.png', description: 'Nine pictures' }];
    const sent = await channel.send({ content: 'here', files });
    const [file] = server.messages('backups')[0]?.files ?? [];
    expect([file?.name, file?.description, Buffer.from(file?.bytes ?? []).toString()]).toEqual([
      'sheet.png',
      'Nine pictures',
      'PNG',
    ]);
    expect(await (await fetch(sent.attachments.first()?.url ?? '')).text()).toBe('PNG');
    await sent.edit('there');
    expect(server.messages('backups').map(({ text, files: kept }) => [text, kept.length])).toEqual([['there', 1]]);
    await sent.delete();
    expect(server.messages('backups')).toEqual([]);
    fine(server);
  });

  it('does not post twice with the same nonce', async () => {
    const { server, client } = await together({});
    const channel = await client.channels.fetch(server.channel('backups'));
    if (!channel?.isSendable()) throw new Error('not sendable');
    const post = (nonce: string) => channel.send({ content: 'once', nonce, enforceNonce: true });
    expect((await post('7')).id).toBe((await post('7')).id);
    await post('8');
    expect(server.messages('backups')).toHaveLength(2);
    server.pass(6 * 60_000);
    await post('7');
    expect(server.messages('backups')).toHaveLength(3);
    fine(server);
  });
});
