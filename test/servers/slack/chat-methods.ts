/** chat.*: what may be posted where, and what became of it. */
import { checked } from './checks.ts';
import { toldInDirect } from './delivery.ts';
import { type Method, type MethodCall, refused } from './method.ts';
import type { Fields, SlackChannel, SlackMessage } from './types.ts';
import { channelOf, list, type Workspace, type World, withIds, word } from './world.ts';

/** Adds a message to what people see. */
export function shown(
  world: World,
  o: Omit<SlackMessage, 'at' | 'edits' | 'versions' | 'deleted' | 'files' | 'state' | 'text' | 'blocks'> & {
    payload: Fields;
    files?: SlackMessage['files'];
  },
): SlackMessage {
  const { payload, files, ...rest } = o;
  const message: SlackMessage = {
    ...rest,
    at: world.clock.now(),
    text: word(payload.text),
    blocks: withIds(world, list(payload.blocks)),
    edits: 0,
    versions: [],
    deleted: false,
    files: files ?? [],
    state: {},
  };
  world.messages.push(message);
  world.changed();
  return message;
}

export function replaced(world: World, message: SlackMessage, payload: Fields): void {
  message.versions.push({ at: world.clock.now(), text: message.text, blocks: message.blocks });
  message.edits++;
  message.text = word(payload.text);
  message.blocks = withIds(world, list(payload.blocks));
  message.state = {};
  world.changed();
}

/** Why Slack refuses this text and these blocks; what is only bad manners is noted. */
export function contentProblem(
  world: World,
  method: string,
  payload: Fields,
  former?: SlackMessage,
): Fields | undefined {
  const { error, problems } = checked(payload, former);
  world.blame(...problems.map((one) => `${method}: ${one}`));
  return error === undefined ? undefined : refused(error, problems);
}

async function place({ world, workspace, args, method }: MethodCall): Promise<SlackChannel | Fields> {
  const named = word(args.channel);
  const person = workspace.users.find(({ id }) => id === named);
  const channel = person === undefined ? channelOf(workspace, named) : await directOf(workspace, person.id);
  if (channel === undefined) return refused('channel_not_found');
  if (channel.direct !== undefined && world.closed.has(channel.direct)) return refused('messages_tab_disabled');
  if (channel.members.includes(workspace.botUser)) return channel;
  world.refusals.push(`${method}: the bot is not in #${channel.name}`);
  return refused('not_in_channel');
}

const isChannel = (found: SlackChannel | Fields): found is SlackChannel => 'members' in found;

/** The bot's conversation with one person, opened where there was none. */
export async function directOf(workspace: Workspace, user: string): Promise<SlackChannel> {
  const known = workspace.channels.find(({ direct }) => direct === user);
  if (known !== undefined) return known;
  const opened = await workspace.emulated.call('conversations.open', { users: user });
  const id = word((opened.channel as Fields | undefined)?.id);
  if (id === '') throw new Error(`no direct conversation with ${user}: ${word(opened.error)}`);
  const again = workspace.channels.find((one) => one.id === id);
  if (again !== undefined) return again;
  const channel: SlackChannel = { id, name: 'directmessage', members: [workspace.botUser, user], direct: user };
  workspace.channels.push(channel);
  return channel;
}

export const messageAt = (world: World, conversation: string, ts: string): SlackMessage | undefined =>
  world.messages.find((one) => one.conversation === conversation && one.ts === ts && !one.deleted);

/** The bot's own message that a method is about; ephemeral ones cannot be found again. */
function own({ world, workspace, args, method }: MethodCall, deed: 'update' | 'delete'): SlackMessage | Fields {
  const channel = channelOf(workspace, word(args.channel));
  if (channel === undefined) return refused('channel_not_found');
  const message = messageAt(world, channel.id, word(args.ts));
  if (message === undefined || message.only !== undefined) {
    if (message?.only !== undefined) world.blame(`${method}: an ephemeral message cannot be found again`);
    return refused('message_not_found');
  }
  return message.by === workspace.botUser ? message : refused(`cant_${deed}_message`);
}

const isMessage = (found: SlackMessage | Fields): found is SlackMessage => 'versions' in found;

const plain = (args: Fields, ...names: string[]): Fields =>
  Object.fromEntries(names.filter((name) => args[name] !== undefined).map((name) => [name, args[name]]));

export const chatMethods: Readonly<Record<string, Method>> = {
  'chat.postMessage': {
    token: 'bot',
    scopes: ['chat:write'],
    async run(call) {
      const { world, workspace, args, method } = call;
      const channel = await place(call);
      if (!isChannel(channel)) return channel;
      const problem = contentProblem(world, method, args);
      if (problem !== undefined) return problem;
      const answer = await workspace.emulated.call(method, {
        ...plain(args, 'text', 'blocks', 'thread_ts', 'metadata', 'unfurl_links', 'unfurl_media'),
        channel: channel.id,
      });
      if (answer.ok !== true) return answer;
      const message = shown(world, {
        workspace: workspace.id,
        conversation: channel.id,
        ts: word(answer.ts),
        by: workspace.botUser,
        fromBot: true,
        via: method,
        payload: args,
        ...(word(args.thread_ts) === '' ? {} : { thread: word(args.thread_ts) }),
      });
      toldInDirect(world, workspace, channel, message, 'new');
      return answer;
    },
  },
  'chat.postEphemeral': {
    token: 'bot',
    scopes: ['chat:write'],
    async run(call) {
      const { world, workspace, args, method } = call;
      const channel = await place(call);
      if (!isChannel(channel)) return channel;
      const problem = contentProblem(world, method, args);
      if (problem !== undefined) return problem;
      const user = workspace.users.find(({ id }) => id === word(args.user));
      if (user === undefined) return refused('user_not_found');
      if (!channel.members.includes(user.id)) return refused('user_not_in_channel');
      const answer = await workspace.emulated.call(method, {
        ...plain(args, 'text', 'blocks', 'thread_ts', 'user'),
        channel: channel.id,
      });
      if (answer.ok === true)
        shown(world, {
          workspace: workspace.id,
          conversation: channel.id,
          ts: word(answer.message_ts),
          by: workspace.botUser,
          fromBot: true,
          only: user.id,
          via: method,
          payload: args,
        });
      return answer;
    },
  },
  'chat.update': {
    token: 'bot',
    scopes: ['chat:write'],
    async run(call) {
      const { world, workspace, args, method } = call;
      const message = own(call, 'update');
      if (!isMessage(message)) return message;
      const problem = contentProblem(world, method, args, message);
      if (problem !== undefined) return problem;
      const answer = await workspace.emulated.call(method, plain(args, 'channel', 'ts', 'text', 'blocks'));
      if (answer.ok !== true) return answer;
      replaced(world, message, args);
      const channel = channelOf(workspace, message.conversation);
      if (channel !== undefined) toldInDirect(world, workspace, channel, message, 'changed');
      return answer;
    },
  },
  'chat.delete': {
    token: 'bot',
    scopes: ['chat:write'],
    async run(call) {
      const message = own(call, 'delete');
      if (!isMessage(message)) return message;
      const answer = await call.workspace.emulated.call(call.method, plain(call.args, 'channel', 'ts'));
      if (answer.ok === true) message.deleted = true;
      return answer;
    },
  },
  'chat.getPermalink': {
    token: 'bot',
    async run({ workspace, args, method }) {
      const answer = await workspace.emulated.call(method, plain(args, 'channel', 'message_ts'));
      // The link holds the message's time without its point, where it cannot be translated.
      const ts = word(args.message_ts).replace('.', '');
      return answer.ok === true
        ? { ...answer, permalink: word(answer.permalink).replace(/p\d{16}/, `p${ts}`) }
        : answer;
    },
  },
};
