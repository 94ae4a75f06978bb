/** Somebody at a keyboard: what each gesture in Slack's window sends to the app, and what the answer does to the window. */
import { directOf, shown } from './chat-methods.ts';
import { found, optionsOf, pick, stateOf } from './elements.ts';
import { modal } from './modal.ts';
import { posted, responseUrl } from './response-url.ts';
import type { Acked, Fields, SlackMessage, SlackPerson, SlackUser, SlackView } from './types.ts';
import { viewOf } from './view-methods.ts';
import { channelOf, common, isFields, list, said, trigger, type World, word, workspaceOf } from './world.ts';

const isView = (on: SlackMessage | SlackView): on is SlackView => 'callbackId' in on;

const messageOf = (world: World, message: SlackMessage): Fields => {
  const { botId } = workspaceOf(world, message.workspace);
  return {
    type: 'message',
    user: message.by,
    ts: message.ts,
    text: message.text,
    blocks: message.blocks,
    team: message.workspace,
    ...(message.fromBot ? { bot_id: botId, app_id: world.appId } : {}),
    ...(message.thread === undefined ? {} : { thread_ts: message.thread }),
    ...(message.edits > 0 ? { edited: { user: message.by, ts: message.ts } } : {}),
  };
};

/** Where an element stands, as Slack describes it. */
function placeOf(world: World, user: SlackUser, on: SlackMessage | SlackView): Fields {
  if (isView(on)) return { container: { type: 'view', view_id: on.id }, view: viewOf(world, on) };
  const channel = channelOf(workspaceOf(world, on.workspace), on.conversation);
  const hidden = on.only !== undefined;
  return {
    container: { type: 'message', message_ts: on.ts, channel_id: on.conversation, is_ephemeral: hidden },
    channel: { id: on.conversation, name: channel?.name ?? '' },
    ...(hidden ? {} : { message: messageOf(world, on) }),
    state: { values: on.state },
    response_url: responseUrl(world, user, on.conversation, on),
  };
}

export function createPerson(world: World, user: SlackUser): SlackPerson {
  const workspace = workspaceOf(world, user.workspace);
  const direct = async (): Promise<string> => (await directOf(workspace, user.id)).id;

  async function acted(on: SlackMessage | SlackView, actions: Fields[]): Promise<Acked> {
    return world.delivery.interaction({
      kind: 'interactive',
      accepts: false,
      payload: {
        type: 'block_actions',
        ...common(world, user),
        ...placeOf(world, user, on),
        trigger_id: trigger(world, user, isView(on) ? on.id : undefined),
        actions,
      },
    });
  }

  async function options(on: SlackMessage | SlackView, menu: string, typed: string): Promise<Fields[]> {
    const { block, element } = found(on, menu, /external_select$/);
    const { response_url: _, ...place } = placeOf(world, user, on);
    const acked = await world.delivery.interaction({
      kind: 'interactive',
      accepts: true,
      payload: {
        type: 'block_suggestion',
        ...common(world, user),
        ...place,
        action_id: element.action_id,
        block_id: block.block_id,
        value: typed,
      },
    });
    const answer = isFields(acked.ack) ? acked.ack : {};
    const offered = [...list(answer.options), ...list(answer.option_groups).flatMap((group) => list(group.options))];
    if (acked.failed === undefined && answer.options === undefined && answer.option_groups === undefined)
      world.blame('block_suggestion: the acknowledgement has no options');
    if (offered.length > 100) world.blame(`block_suggestion: ${offered.length} options, 100 are allowed`);
    for (const option of offered)
      if (said(option.text).length > 75 || said(option.text) === '' || word(option.value).length > 150)
        world.blame(`block_suggestion: an option's text or value is empty or too long: ${said(option.text)}`);
    return offered;
  }

  async function wrote(conversation: string, text: string, thread: string | undefined): Promise<SlackMessage> {
    const answer = await workspace.emulated.call(
      'chat.postMessage',
      { channel: conversation, text, ...(thread === undefined ? {} : { thread_ts: thread }) },
      user.name,
    );
    if (answer.ok !== true) throw new Error(`${user.name} cannot write in ${conversation}: ${word(answer.error)}`);
    return shown(world, {
      workspace: workspace.id,
      conversation,
      ts: word(answer.ts),
      by: user.id,
      fromBot: false,
      via: 'person',
      payload: { text },
      ...(thread === undefined ? {} : { thread }),
    });
  }

  const heard = (message: SlackMessage): Fields => ({
    user: user.id,
    text: message.text,
    ts: message.ts,
    event_ts: message.ts,
    client_msg_id: world.id('msg'),
    team: workspace.id,
    channel: message.conversation,
    ...(message.thread === undefined ? {} : { thread_ts: message.thread }),
  });

  return {
    user,
    direct,
    async slash(text, o = {}) {
      const channel = channelOf(workspace, o.channel ?? (await direct()));
      if (channel === undefined) throw new Error(`${user.name} sees no channel ${o.channel ?? ''}`);
      const command = o.command ?? '/backup';
      const url = responseUrl(world, user, channel.id);
      const acked = await world.delivery.interaction({
        kind: 'slash_commands',
        accepts: true,
        payload: {
          token: world.verification,
          team_id: workspace.id,
          team_domain: workspace.domain,
          channel_id: channel.id,
          channel_name: channel.name,
          user_id: user.id,
          user_name: user.name,
          command,
          text,
          api_app_id: world.appId,
          is_enterprise_install: 'false',
          response_url: url,
          trigger_id: trigger(world, user),
        },
      });
      const known = world.responseUrls.get(url.split('/').at(-2) ?? '');
      const ack = typeof acked.ack === 'string' ? { text: acked.ack } : acked.ack;
      if (acked.failed !== undefined)
        shown(world, {
          workspace: workspace.id,
          conversation: channel.id,
          ts: world.ts(),
          by: 'USLACKBOT',
          fromBot: false,
          only: user.id,
          via: 'slackbot',
          payload: { text: `${command} failed with the error "${acked.failed}"` },
        });
      else if (known !== undefined && isFields(ack) && (word(ack.text) !== '' || list(ack.blocks).length > 0))
        await posted(world, known, ack, 'ack');
      return acked;
    },
    async click(on, action) {
      const { block, element } = found(on, action, /^button$/);
      return acted(on, [
        {
          type: 'button',
          action_id: element.action_id,
          block_id: block.block_id,
          text: element.text,
          ...(element.value === undefined ? {} : { value: element.value }),
          ...(element.style === undefined ? {} : { style: element.style }),
          action_ts: world.ts(),
        },
      ]);
    },
    async choose(on, menu, ...labels) {
      const { block, element } = found(on, menu, /select$|^overflow$|^checkboxes$|^radio_buttons$/);
      const offered = /external_select$/.test(word(element.type))
        ? await options(on, menu, labels[0] ?? '')
        : optionsOf(element);
      const value = pick(element, offered, labels);
      stateOf(on, block, element, value);
      if (block.type === 'input' && block.dispatch_action !== true) return { ackMs: 0, ack: undefined };
      return acted(on, [
        { type: element.type, action_id: element.action_id, block_id: block.block_id, ...value, action_ts: world.ts() },
      ]);
    },
    options: async (on, menu, typed) => (await options(on, menu, typed)).map(({ text }) => said(text)),
    ...modal(world, user, options),
    shortcut: (callback, on) =>
      world.delivery.interaction({
        kind: 'interactive',
        accepts: false,
        payload: {
          type: 'message_action',
          ...common(world, user),
          callback_id: callback,
          trigger_id: trigger(world, user),
          response_url: responseUrl(world, user, on.conversation),
          action_ts: world.ts(),
          message_ts: on.ts,
          channel: { id: on.conversation, name: channelOf(workspace, on.conversation)?.name ?? '' },
          message: messageOf(world, on),
        },
      }),
    globalShortcut: (callback) =>
      world.delivery.interaction({
        kind: 'interactive',
        accepts: false,
        payload: {
          type: 'shortcut',
          ...common(world, user),
          callback_id: callback,
          trigger_id: trigger(world, user),
          action_ts: world.ts(),
        },
      }),
    async mention(name, text, { thread } = {}) {
      const channel = channelOf(workspace, name);
      if (channel === undefined || !channel.members.includes(user.id))
        throw new Error(`${user.name} is not in ${name}`);
      const message = await wrote(channel.id, `<@${workspace.botUser}> ${text}`, thread);
      return world.delivery.event(
        workspace,
        { type: 'app_mention', ...heard(message) },
        { scope: 'app_mentions:read' },
      );
    },
    async dm(text, { thread } = {}) {
      const message = await wrote(await direct(), text, thread);
      return world.delivery.event(
        workspace,
        { type: 'message', ...heard(message), channel_type: 'im' },
        { scope: 'im:history' },
      );
    },
    async openHome() {
      const home = world.views.find((view) => view.type === 'home' && view.user === user.id);
      return world.delivery.event(workspace, {
        type: 'app_home_opened',
        user: user.id,
        channel: await direct(),
        tab: 'home',
        ...(home === undefined ? {} : { view: viewOf(world, home) }),
      });
    },
    reads: (name) => {
      const id = channelOf(workspace, name)?.id;
      return world.messages.filter(
        (one) => one.conversation === id && !one.deleted && (one.only === undefined || one.only === user.id),
      );
    },
  };
}
