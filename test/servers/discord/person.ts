/** Somebody who uses the fake Discord: types, clicks, chooses, fills in. Throws where the real client would not let them. */
import type { Commands } from './commands.ts';
import { KIND } from './interactions.ts';
import { type Json, object, objects, text, whole } from './json.ts';
import { announce } from './messages.ts';
import { type Message, type Modal, seen, seenModal } from './seen.ts';
import { channelShape, deep, memberShape, messageShape, permissions, userShape } from './shapes.ts';
import {
  type Channel,
  channelNamed,
  directChannel,
  LIMITS,
  type Pending,
  type Stored,
  type User,
  type World,
} from './world.ts';

export interface Where {
  /** `#backups`, `Elsewhere/lobby`; #backups unless `dm`. */
  channel?: string;
  dm?: boolean;
}

/** One use of a command, button, menu or modal, and what came of it. */
export interface Interaction {
  id: string;
  token: string;
  /** Real milliseconds until the initial answer; undefined before it. */
  readonly ackMs: number | undefined;
  /** The initial answer was "is thinking" or nothing visible. */
  readonly deferred: boolean;
  /** The answer is for this person alone. */
  readonly ephemeral: boolean;
  /** There is more to see than "is thinking". */
  readonly answered: boolean;
  /** What the person reads when no initial answer came within 3 seconds of the server's clock. */
  failed(): string | undefined;
  /** The answer and what followed it, as they are now. */
  messages(): Message[];
  /** What was refused to the bot about it. */
  refused(): readonly { code: number; message: string }[];
  /** How often the bot was told. */
  deliveries(): number;
  /** Resolves with the initial answer (default 5 s of real time). */
  acked(ms?: number): Promise<Interaction>;
  /** Resolves with the first message that is not "is thinking". */
  answer(ms?: number): Promise<Message>;
}

export type Value = string | number | boolean;

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

export type WaitFor = <T>(look: () => T | undefined | false | null, ms?: number, what?: string) => Promise<T>;

export function createPerson(o: { world: World; commands: Commands; user: User; waitFor: WaitFor }): Person {
  const { world, commands, user, waitFor } = o;

  function handle(pending: Pending): Interaction {
    const all = (): Stored[] =>
      [pending.original, ...pending.followups].filter((one): one is Stored => one !== undefined && !one.deleted);
    const own = (one: Stored): boolean => one.onlyFor === undefined || one.onlyFor === user.id;
    const told = (): Stored[] => all().filter((one) => own(one) && !one.loading);
    const interaction: Interaction = {
      id: pending.id,
      token: pending.token,
      get ackMs() {
        return pending.ack?.ms;
      },
      get deferred() {
        return pending.ack?.type === 5 || pending.ack?.type === 6;
      },
      get ephemeral() {
        return pending.original?.onlyFor !== undefined;
      },
      get answered() {
        return told().length > 0 || pending.modal !== undefined || pending.choices !== undefined;
      },
      failed() {
        if (pending.ack !== undefined || world.now() - pending.created <= LIMITS.answer) return undefined;
        return pending.type === KIND.command ? 'The application did not respond' : 'This interaction failed';
      },
      messages: () =>
        all()
          .filter(own)
          .map((one) => seen(world, one)),
      refused: () => pending.refused,
      deliveries: () => pending.deliveries,
      async acked(ms) {
        await waitFor(() => pending.ack, ms, `an initial answer to ${pending.name}`);
        return interaction;
      },
      async answer(ms) {
        const message = await waitFor(() => told()[0], ms, `a message that answers ${pending.name}`);
        return seen(world, message);
      },
    };
    return interaction;
  }

  const place = (where: Where = {}): Channel =>
    where.dm ? directChannel(world, user) : channelNamed(world, where.channel ?? 'backups');

  function enters(channel: Channel): void {
    const guild = world.guilds.get(channel.guild ?? '');
    const inside = guild === undefined ? channel.recipient === user.id : guild.members.includes(user.id);
    if (!inside) throw new Error(`${user.name} is not in ${channel.name}.`);
  }

  /** Sends INTERACTION_CREATE as soon as a bot is there to hear it. */
  async function interact(type: number, name: string, channel: Channel, data: Json, source?: Stored): Promise<Pending> {
    enters(channel);
    await world.online();
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

  function command(name: string, type: number, channel: Channel): Json {
    const both = [...(channel.guild === undefined ? [] : commands.list(channel.guild)), ...commands.list()];
    const found = both.find((one) => one.name === name && one.type === type);
    if (found === undefined) throw new Error(`${user.name} sees no command "${name}" here.`);
    const contexts = Array.isArray(found.contexts) ? found.contexts : [0, 1, 2];
    if (!contexts.includes(channel.guild === undefined ? 1 : 0)) throw new Error(`"${name}" is not for use here.`);
    const guild = world.guilds.get(channel.guild ?? '');
    const needed = BigInt(text(found.default_member_permissions) || '0');
    if (guild !== undefined && (permissions(guild, user) & needed) !== needed)
      throw new Error(`${user.name} may not use "${name}": the server's members need permissions ${needed}.`);
    return found;
  }

  function typed(option: Json, value: Value, sending: boolean): Value {
    const words = String(value);
    const type = whole(option.type);
    if (!sending) return words;
    if (type === 4 || type === 10) return Number(value);
    if (type === 5) return value === true || value === 'true';
    const choices = objects(option.choices);
    if (choices.length > 0 && !choices.some((one) => one.value === value))
      throw new Error(`"${words}" is not among the choices of ${text(option.name)}.`);
    const [least, most] = [whole(option.min_length), whole(option.max_length) || 6000];
    if (type === 3 && (words.length < least || words.length > most))
      throw new Error(`${text(option.name)} takes ${least} to ${most} characters.`);
    return value;
  }

  /** The `options` of the interaction, nested as the command is. */
  function filled(definition: Json, path: readonly string[], values: Record<string, Value>, focused?: string): Json[] {
    const [step, ...rest] = path;
    const known = objects(definition.options);
    if (step !== undefined) {
      const inner = known.find((one) => one.name === step && (one.type === 1 || one.type === 2));
      if (inner === undefined) throw new Error(`"${text(definition.name)}" has no "${step}".`);
      return [{ name: step, type: inner.type, options: filled(inner, rest, values, focused) }];
    }
    if (known.some((one) => one.type === 1 || one.type === 2))
      throw new Error(`"${text(definition.name)}" needs one of: ${known.map((one) => text(one.name)).join(', ')}.`);
    for (const name of [...Object.keys(values), ...(focused === undefined ? [] : [focused])])
      if (!known.some((one) => one.name === name))
        throw new Error(`"${text(definition.name)}" has no option "${name}".`);
    for (const one of known)
      if (focused === undefined && one.required === true && values[text(one.name)] === undefined)
        throw new Error(`${text(one.name)} is required.`);
    return known.flatMap((one) => {
      const name = text(one.name);
      const value = values[name] ?? (name === focused ? '' : undefined);
      if (value === undefined) return [];
      if (name === focused && one.autocomplete !== true) throw new Error(`${name} does not complete.`);
      return [
        {
          name,
          type: one.type,
          value: typed(one, value, name !== focused),
          ...(name === focused ? { focused: true } : {}),
        },
      ];
    });
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
    await world.online();
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
      const found = command(name, 1, channel);
      const chosen = filled(found, steps(subcommand), options);
      return handle(await interact(KIND.command, `/${name} ${subcommand}`, channel, data(found, { options: chosen })));
    },
    async autocomplete(subcommand, options, focused, more = {}) {
      const channel = place(more);
      const found = command(more.command ?? 'backup', 1, channel);
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
      const found = command(name, 3, channel);
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

/** The values of options by their labels. */
function chosen(menu: Json, labels: readonly string[]): string[] {
  const options = objects(menu.options);
  return labels.map((label) => {
    const option = options.find((one) => one.label === label) ?? options.find((one) => one.value === label);
    if (option === undefined)
      throw new Error(`There is no option "${label}" but: ${options.map((one) => text(one.label)).join(', ')}.`);
    return text(option.value);
  });
}

/** The `components` of a submitted modal; throws where Discord would keep the modal open. */
function answers(raw: Json, modal: Modal, values: Record<string, string | readonly string[]>): Json[] {
  for (const name of Object.keys(values))
    if (!modal.fields.some((one) => one.label === name || one.customId === name))
      throw new Error(`The modal has no field "${name}" but: ${modal.fields.map((one) => one.label).join(', ')}.`);
  const one = (input: Json): Json => {
    const shown = modal.fields.find((field) => field.customId === input.custom_id);
    if (shown === undefined) return {};
    const value = values[shown.label] ?? values[shown.customId];
    const sent: Json = { type: input.type, id: input.id ?? 1, custom_id: input.custom_id };
    if (shown.type !== 4) {
      const before = shown.options.filter((option) => option.chosen).map((option) => option.value);
      const picked = value === undefined ? before : chosen(input, [value].flat());
      if (shown.required && picked.length === 0) throw new Error(`${shown.label} is required.`);
      return { ...sent, ...(shown.type === 21 ? { value: picked[0] ?? null } : { values: picked }) };
    }
    const words = value === undefined ? shown.value : [value].flat().join('\n');
    if (shown.required && words === '') throw new Error(`${shown.label} is required.`);
    if (words !== '' && (words.length < shown.least || words.length > shown.most))
      throw new Error(`${shown.label} takes ${shown.least} to ${shown.most} characters.`);
    return { ...sent, value: words };
  };
  return objects(raw.components).map((part, n) => {
    if (part.type === 18) return { type: 18, id: part.id ?? n + 1, component: one(object(part.component)) };
    if (part.type === 1) return { type: 1, id: part.id ?? n + 1, components: objects(part.components).map(one) };
    return { type: part.type, id: part.id ?? n + 1 };
  });
}
