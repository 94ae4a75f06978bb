/** The routes of REST v10 that the fake Discord has; another one is a violation. */
import type { Commands } from './commands.ts';
import { answer, callbackShape, channelMessage, webhook } from './interactions.ts';
import { type Json, Refusal, text } from './json.ts';
import { type Body, createMessage, deleteMessage, editMessage } from './messages.ts';
import { channelShape, guildShape, messageShape, userShape } from './shapes.ts';
import { botMay, directChannel, mayRead, type World } from './world.ts';

export interface Call {
  params: string[];
  body: Body;
  /** A body that is a list (registrations). */
  raw: unknown;
  query: URLSearchParams;
}
type Result = Json | Json[] | undefined;
export interface Route {
  method: string;
  /** With `:name` for what varies. */
  path: string;
  /** No token of the bot, and no part of the global limit. */
  open?: true;
  work(call: Call): Result | { created: Json };
}

export function routesOf(world: World, commands: Commands, identifies: () => number): Route[] {
  const own = (application = ''): void => {
    if (application !== world.application) throw new Refusal(404, 10002, 'Unknown Application');
  };
  const home = (guild = ''): string => {
    if (!world.guilds.has(guild)) throw new Refusal(404, 10004, 'Unknown Guild');
    return guild;
  };
  const shape = (message: Parameters<typeof messageShape>[1]): Json =>
    messageShape(world, message, { full: mayRead(world, message) });
  const application = (): Json => ({
    id: world.application,
    name: 'Keepsake',
    icon: null,
    description: '',
    bot_public: false,
    bot_require_code_grant: false,
    verify_key: '',
    flags: 0,
    team: null,
    owner: null,
    summary: '',
  });
  const gateway = world.url.replace('http:', 'ws:');
  const forCommands = (path: string, where: (params: string[]) => string | undefined): Route[] => [
    {
      method: 'GET',
      path,
      work({ params }) {
        own(params[0]);
        return commands.list(where(params));
      },
    },
    {
      method: 'PUT',
      path,
      work({ params, raw }) {
        own(params[0]);
        return commands.replace(where(params), raw);
      },
    },
    {
      method: 'POST',
      path,
      work({ params, raw }) {
        own(params[0]);
        const { command, created } = commands.put(where(params), raw);
        return created ? { created: command } : command;
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:command`,
      work({ params }) {
        own(params[0]);
        if (!commands.remove(where(params), params.at(-1) ?? ''))
          throw new Refusal(404, 10063, 'Unknown application command');
        return undefined;
      },
    },
  ];
  return [
    { method: 'GET', path: '/gateway', open: true, work: () => ({ url: gateway }) },
    {
      method: 'GET',
      path: '/gateway/bot',
      work: () => ({
        url: gateway,
        shards: 1,
        session_start_limit: {
          total: 1000,
          remaining: 1000 - identifies(),
          reset_after: 14_400_000,
          max_concurrency: 1,
        },
      }),
    },
    { method: 'GET', path: '/users/@me', work: () => userShape(world.bot) },
    { method: 'GET', path: '/applications/@me', work: application },
    { method: 'GET', path: '/oauth2/applications/@me', work: application },
    {
      method: 'GET',
      path: '/users/:user',
      work({ params: [id = ''] }) {
        const user = world.users.get(id);
        if (user === undefined) throw new Refusal(404, 10013, 'Unknown User');
        return userShape(user);
      },
    },
    {
      method: 'POST',
      path: '/users/@me/channels',
      work({ body }) {
        const user = world.users.get(text(body.json.recipient_id));
        if (user === undefined || user.bot) throw new Refusal(400, 50033, 'Invalid Recipient(s)');
        return channelShape(world, directChannel(world, user));
      },
    },
    {
      method: 'GET',
      path: '/guilds/:guild',
      work: ({ params: [id] }) => {
        const guild = world.guilds.get(home(id));
        return guild === undefined ? {} : guildShape(world, guild);
      },
    },
    {
      method: 'GET',
      path: '/channels/:channel',
      work: ({ params: [id = ''] }) => channelShape(world, botMay(world, id, false)),
    },
    {
      method: 'POST',
      path: '/channels/:channel/messages',
      work({ params: [id = ''], body }) {
        botMay(world, id, true);
        return shape(createMessage(world, { channel: id, author: world.bot.id }, body));
      },
    },
    {
      method: 'GET',
      path: '/channels/:channel/messages',
      work({ params: [id = ''], query }) {
        botMay(world, id, false);
        const many = Number(query.get('limit') ?? 50);
        const all = [...world.messages.values()].filter((one) => one.channel === id && !one.deleted && !one.onlyFor);
        return all.slice(-many).reverse().map(shape);
      },
    },
    {
      method: 'GET',
      path: '/channels/:channel/messages/:message',
      work: ({ params: [channel = '', id = ''] }) => shape(channelMessage(world, channel, id, false)),
    },
    {
      method: 'PATCH',
      path: '/channels/:channel/messages/:message',
      work({ params: [channel = '', id = ''], body }) {
        return shape(editMessage(world, channelMessage(world, channel, id, true), body));
      },
    },
    {
      method: 'DELETE',
      path: '/channels/:channel/messages/:message',
      work({ params: [channel = '', id = ''] }) {
        const message = channelMessage(world, channel, id, false);
        if (message.author !== world.bot.id) {
          const direct = world.channels.get(channel)?.guild === undefined;
          throw direct
            ? new Refusal(403, 50003, 'Cannot execute action on a DM channel')
            : new Refusal(403, 50013, 'Missing Permissions');
        }
        deleteMessage(world, message);
        return undefined;
      },
    },
    {
      method: 'POST',
      path: '/channels/:channel/typing',
      work({ params: [id = ''] }) {
        botMay(world, id, true);
        return undefined;
      },
    },
    {
      method: 'POST',
      path: '/interactions/:interaction/:token/callback',
      open: true,
      work({ params: [id = '', token = ''], body, query }) {
        const { pending, message } = answer(world, id, token, body);
        return query.get('with_response') === 'true' ? callbackShape(world, pending, message) : undefined;
      },
    },
    {
      method: 'POST',
      path: '/webhooks/:application/:token',
      open: true,
      work: ({ params: [app = '', token = ''], body }) => shape(webhook.post(world, app, token, body)),
    },
    {
      method: 'GET',
      path: '/webhooks/:application/:token/messages/:message',
      open: true,
      work: ({ params: [app = '', token = '', id = ''] }) => shape(webhook.get(world, app, token, id)),
    },
    {
      method: 'PATCH',
      path: '/webhooks/:application/:token/messages/:message',
      open: true,
      work: ({ params: [app = '', token = '', id = ''], body }) => shape(webhook.patch(world, app, token, id, body)),
    },
    {
      method: 'DELETE',
      path: '/webhooks/:application/:token/messages/:message',
      open: true,
      work({ params: [app = '', token = '', id = ''] }) {
        webhook.delete(world, app, token, id);
        return undefined;
      },
    },
    ...forCommands('/applications/:application/commands', () => undefined),
    ...forCommands('/applications/:application/guilds/:guild/commands', ([, guild]) => home(guild)),
  ];
}
