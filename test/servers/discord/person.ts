/** Somebody who uses the fake Discord: types, clicks, chooses, fills in. Throws where the real client would not let them. */
import type { Commands } from './commands.ts';
import { createHandle, type Interaction, type WaitFor } from './handle.ts';
import { KIND } from './interactions.ts';
import { type Json, text } from './json.ts';
import { announce } from './messages.ts';
import { type Message, type Modal, seenModal } from './seen.ts';
import { channelShape, deep, memberShape, messageShape, permissions, userShape } from './shapes.ts';
import { answers, chosen, filled, type Value } from './typing.ts';
import {
  type Channel,
  channelNamed,
  directChannel,
  type Pending,
  type Stored,
  type User,
  type World,
} from './world.ts';

const ADMINISTRATOR = 1n << 3n;

export interface Where {
  /** `#backups`, `Elsewhere/lobby`; #backups unless `dm`. */
  channel?: string;
  dm?: boolean;
}

export interface Person {
  name: string;
  id: string;
  /** `subcommand` may be '' or 'group subcommand'. */
  slash(command: string, subcommand: string, options?: Record<string, Value>, where?: Where): Promise<Interaction>;
  /** What is offered while `focused` is typed; the other options are those filled in before. */
  autocomplete(
    subcommand: string,
    options: Record<string, Value>,
    focused: string,
    o?: Where & { command?: string; ms?: number },
  ): Promise<{ name: string; value: string | number }[]>;
  /** Presses a button by its label or custom id. */
  click(message: Message, button: string): Promise<Interaction>;
  /** Chooses in a menu (by placeholder, custom id or, '' , the only one) by labels. */
  choose(message: Message, menu: string, labels: string | readonly string[]): Promise<Interaction>;
  /** The modal on the screen, waited for. */
  modal(ms?: number): Promise<Modal>;
  /** The modal on the screen now. */
  modalNow(): Modal | undefined;
  /** Fills in the modal on the screen by labels and sends it; fields left out stay as they are. */
  submit(modal: Modal, values: Record<string, string | readonly string[]>): Promise<Interaction>;
  /** A command of a message's menu. */
  messageCommand(name: string, message: Message): Promise<Interaction>;
  /** Writes to the bot; answers the message's id. */
  dm(words: string): Promise<string>;
  /** Writes in a channel and names the bot. */
  mention(channel: string, words: string): Promise<string>;
  /** Writes in a channel. */
  say(channel: string, words: string): Promise<string>;
  /** Takes direct messages from now on, or none. */
  takesDirect(yes: boolean): void;
}

export function createPerson(o: { world: World; commands: Commands; user: User; waitFor: WaitFor }): Person {
  const { world, commands, user, waitFor } = o;

  const handle = (pending: Pending): Interaction => createHandle(o, pending);

  const place = (where: Where = {}): Channel =>
    where.dm ? directChannel(world, user) : channelNamed(world, where.channel ?? 'backups');

  function enters(channel: Channel): void {
    const guild = world.guilds.get(channel.guild ?? '');
    const inside = guild === undefined ? channel.recipient === user.id : guild.members.includes(user.id);
    if (!inside) throw new Error(`${user.name} is not in ${channel.name}.`);
  }

  /** Sends INTERACTION_CREATE as soon as a bot has a session; one that is cut off hears it when it resumes. */
  async function interact(type: number, name: string, channel: Channel, data: Json, source?: Stored): Promise<Pending> {
    enters(channel);
    await world.session();
    const id = world.newId();
    const guild = world.guilds.get(channel.guild ?? '');
    const pending: Pending = {
      id,
      token: `aW50ZXJhY3Rpb24${Buffer.from(id).toString('base64url')}${'x'.repeat(40)}`,
      type,
      name,
      user: user.id,
      channel: channel.id,
      created: world.now(),
      sent: performance.now(),
      ...(source === undefined ? {} : { source }),
      followups: [],
      deliveries: 0,
      refused: [],
    };
    world.interactions.set(id, pending);
    world.emit('INTERACTION_CREATE', {
      id,
      application_id: world.application,
      type,
      data,
      token: pending.token,
      version: 1,
      channel_id: channel.id,
      channel: {
        ...channelShape(world, channel),
        ...(guild === undefined ? {} : { permissions: permissions(guild, user).toString() }),
      },
      locale: user.locale,
      ...(guild === undefined
        ? { user: userShape(user), context: 1 }
        : {
            guild_id: guild.id,
            guild: { id: guild.id, locale: 'en-US', features: [] },
            guild_locale: 'en-US',
            member: memberShape(guild, user),
            context: 0,
          }),
      app_permissions: guild === undefined ? '180224' : permissions(guild, world.bot).toString(),
      entitlements: [],
      authorizing_integration_owners: { 0: guild?.id ?? '0' },
      attachment_size_limit: 10_485_760,
      ...(source === undefined ? {} : { message: messageShape(world, source, { event: true }) }),
    });
    return pending;
  }

  /** A command as this person may use it here; one that is about to be registered is waited for. */
  async function command(name: string, type: number, channel: Channel): Promise<Json> {
    const find = (): Json | undefined =>
      [...(channel.guild === undefined ? [] : commands.list(channel.guild)), ...commands.list()].find(
        (one) => one.name === name && one.type === type,
      );
    const found = await waitFor(find, 5_000, `the command "${name}" for ${user.name}`);
    const contexts = Array.isArray(found.contexts) ? found.contexts : [0, 1, 2];
    if (!contexts.includes(channel.guild === undefined ? 1 : 0)) throw new Error(`"${name}" is not for use here.`);
    const guild = world.guilds.get(channel.guild ?? '');
    const asked = found.default_member_permissions;
    // '0' is for administrators alone, no value for everybody.
    const needed = asked === '0' ? ADMINISTRATOR : BigInt(text(asked) || '0');
    if (guild !== undefined && (permissions(guild, user) & needed) !== needed)
      throw new Error(`${user.name} may not use "${name}": the server's members need permissions ${needed}.`);
    return found;
  }

  /** The stored message, if this person can see it. */
  function visible(message: Message): { stored: Stored; channel: Channel } {
    const stored = world.messages.get(message.id);
    const channel = world.channels.get(message.channel);
    if (stored === undefined || channel === undefined || stored.deleted) throw new Error('That message is gone.');
    enters(channel);
    if (stored.onlyFor !== undefined && stored.onlyFor !== user.id)
      throw new Error(`${user.name} does not see that message.`);
    return { stored, channel };
  }

  const data = (found: Json, more: Json): Json => ({
    id: found.id,
    name: found.name,
    type: found.type,
    ...(found.guild_id === undefined ? {} : { guild_id: found.guild_id }),
    ...more,
  });
  const steps = (subcommand: string): string[] => subcommand.split(' ').filter((one) => one !== '');

  async function write(channel: Channel, words: string): Promise<string> {
    enters(channel);
    await world.session();
    const message: Stored = {
      id: world.newId(),
      channel: channel.id,
      author: user.id,
      content: words,
      embeds: [],
      components: [],
      flags: 0,
      files: [],
      loading: false,
      edits: 0,
      deleted: false,
      at: world.now(),
      mentions: [...words.matchAll(/<@!?(\d+)>/g)].map(([, id]) => id ?? '').filter((id) => world.users.has(id)),
      everyone: false,
    };
    world.messages.set(message.id, message);
    announce(world, 'MESSAGE_CREATE', message);
    return message.id;
  }

  const person: Person = {
    name: user.name,
    id: user.id,
    async slash(name, subcommand, options = {}, where = {}) {
      const channel = place(where);
      const found = await command(name, 1, channel);
      const chosen = filled(found, steps(subcommand), options);
      return handle(await interact(KIND.command, `/${name} ${subcommand}`, channel, data(found, { options: chosen })));
    },
    async autocomplete(subcommand, options, focused, more = {}) {
      const channel = place(more);
      const found = await command(more.command ?? 'backup', 1, channel);
      const chosen = filled(found, steps(subcommand), options, focused);
      const pending = await interact(
        KIND.autocomplete,
        `completion of ${focused}`,
        channel,
        data(found, { options: chosen }),
      );
      const choices = await waitFor(() => pending.choices, more.ms, `completions of ${focused}`);
      return choices.map(({ name, value }) => ({
        name: text(name),
        value: typeof value === 'number' ? value : text(value),
      }));
    },
    async click(message, button) {
      const { stored, channel } = visible(message);
      const all = deep(stored.components).filter((one) => one.type === 2);
      const found = all.find((one) => one.label === button) ?? all.find((one) => one.custom_id === button);
      if (found === undefined)
        throw new Error(
          `There is no button "${button}" but: ${all.map((one) => text(one.label)).join(', ') || 'none'}.`,
        );
      if (found.disabled === true) throw new Error(`"${button}" is disabled.`);
      if (found.style === 5) throw new Error(`"${button}" is a link to ${text(found.url)}.`);
      const sent = { id: found.id, custom_id: found.custom_id, component_type: 2 };
      return handle(await interact(KIND.component, `the button ${button}`, channel, sent, stored));
    },
    async choose(message, menu, labels) {
      const { stored, channel } = visible(message);
      const all = deep(stored.components).filter((one) => one.type === 3);
      const found = menu === '' ? all[0] : all.find((one) => one.placeholder === menu || one.custom_id === menu);
      if (found === undefined)
        throw new Error(
          `There is no menu "${menu}" but: ${all.map((one) => text(one.placeholder)).join(', ') || 'none'}.`,
        );
      if (found.disabled === true) throw new Error(`"${menu}" is disabled.`);
      const values = chosen(found, [labels].flat());
      const sent = { id: found.id, custom_id: found.custom_id, component_type: 3, values };
      return handle(await interact(KIND.component, `the menu ${menu}`, channel, sent, stored));
    },
    modalNow() {
      const open = world.modals.get(user.id);
      return open === undefined ? undefined : seenModal(open.modal);
    },
    modal: (ms) => waitFor(() => person.modalNow(), ms, `a modal for ${user.name}`),
    async submit(modal, values) {
      const open = world.modals.get(user.id);
      if (open === undefined || text(open.modal.custom_id) !== modal.customId)
        throw new Error(`No modal ${modal.title} is open.`);
      const channel = world.channels.get(open.from.channel);
      if (channel === undefined) throw new Error('That channel is gone.');
      const sent = { custom_id: modal.customId, components: answers(open.modal, modal, values) };
      return handle(await interact(KIND.modal, `the modal ${modal.title}`, channel, sent, open.from.source));
    },
    async messageCommand(name, message) {
      const { stored, channel } = visible(message);
      const found = await command(name, 3, channel);
      const resolved = { messages: { [stored.id]: messageShape(world, stored, { event: true }) } };
      return handle(await interact(KIND.command, name, channel, data(found, { target_id: stored.id, resolved })));
    },
    dm: (words) => write(directChannel(world, user), words),
    mention: (channel, words) => write(channelNamed(world, channel), `<@${world.bot.id}> ${words}`),
    say: (channel, words) => write(channelNamed(world, channel), words),
    takesDirect(yes) {
      user.closed = !yes;
    },
  };
  return person;
}
