/** conversations.*, users.*, team.info, auth.*: mostly the emulator's answers, with what it does not know. */
import { directOf } from './chat-methods.ts';
import { type Method, type MethodCall, refused } from './method.ts';
import type { Fields, SlackChannel } from './types.ts';
import { channelOf, isFields, userOf, word } from './world.ts';

const kindOf = (channel: SlackChannel): 'im' | 'channels' => (channel.direct === undefined ? 'channels' : 'im');

/** Which scope it takes depends on the kind of conversation. */
function lacking(
  { world, token, method }: MethodCall,
  channel: SlackChannel,
  deed: 'read' | 'history',
): Fields | undefined {
  const scope = `${kindOf(channel)}:${deed}`;
  if (token.scopes.includes(scope)) return undefined;
  world.blame(`${method}: scope ${scope} is missing`);
  return { ...refused('missing_scope'), needed: scope, provided: token.scopes.join(',') };
}

const about =
  (deed: 'read' | 'history') =>
  (call: MethodCall): Promise<Fields> | Fields => {
    const channel = channelOf(call.workspace, word(call.args.channel));
    if (channel === undefined) return refused('channel_not_found');
    const missing = lacking(call, channel, deed);
    if (missing !== undefined) return missing;
    if (deed === 'history' && !channel.members.includes(call.workspace.botUser)) return refused('not_in_channel');
    return call.workspace.emulated.call(call.method, call.args);
  };

export const conversationMethods: Readonly<Record<string, Method>> = {
  'conversations.open': {
    token: 'bot',
    scopes: ['im:write'],
    async run({ workspace, args, world, method }) {
      const named = word(args.users).split(',');
      if (named.length !== 1) {
        world.blame(`${method}: several people at once are not our business`);
        return refused('too_many_users');
      }
      const user = workspace.users.find(({ id }) => id === named[0]);
      if (user === undefined) return refused('user_not_found');
      if (world.closed.has(user.id)) return refused('user_disabled');
      return { ok: true, channel: { id: (await directOf(workspace, user.id)).id } };
    },
  },
  'conversations.info': { token: 'bot', run: about('read') },
  'conversations.members': { token: 'bot', run: about('read') },
  'conversations.history': { token: 'bot', run: about('history') },
  'conversations.replies': { token: 'bot', run: about('history') },
  'users.info': {
    token: 'bot',
    scopes: ['users:read'],
    async run({ world, workspace, args, method }) {
      const user = workspace.users.find(({ id }) => id === word(args.user));
      if (user === undefined && word(args.user) !== workspace.botUser) return refused('user_not_found');
      const answer = await workspace.emulated.call(method, { user: args.user });
      if (answer.ok !== true || !isFields(answer.user) || user === undefined) return answer;
      const wanted = args.include_locale === true || args.include_locale === 'true';
      const known = userOf(world, user.id);
      return {
        ok: true,
        user: {
          ...answer.user,
          tz: known?.zone,
          tz_label: known?.zone,
          tz_offset: known?.offset,
          ...(wanted ? { locale: known?.locale } : {}),
        },
      };
    },
  },
  'team.info': {
    token: 'bot',
    scopes: ['team:read'],
    run: ({ workspace, method }) => workspace.emulated.call(method, {}),
  },
  'auth.test': {
    token: 'bot',
    async run({ world, workspace, method }) {
      const answer = await workspace.emulated.call(method, {});
      return { ...answer, url: `${world.url}/`, is_enterprise_install: false };
    },
  },
  'auth.revoke': {
    token: 'bot',
    run({ token, args }) {
      if (args.test === 'true' || args.test === true) return { ok: true, revoked: false };
      token.revoked = 'token_revoked';
      return { ok: true, revoked: true };
    },
  },
};
