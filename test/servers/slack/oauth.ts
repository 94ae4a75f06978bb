/** Installing in a workspace: the consent page, the code that works once within ten minutes, the bot's token. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf, type Method, refused, send } from './method.ts';
import type { SlackToken } from './types.ts';
import { userOf, type World, word, workspaceOf } from './world.ts';

const CODE_LIVES = 600_000;

interface Code {
  user: string;
  workspace: string;
  scopes: string[];
  redirect: string;
  made: number;
}

const codes = new WeakMap<World, Map<string, Code>>();
const codesOf = (world: World): Map<string, Code> => {
  const known = codes.get(world) ?? new Map<string, Code>();
  codes.set(world, known);
  return known;
};

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

function redirectProblem(world: World, redirect: string): string | undefined {
  if (!URL.canParse(redirect)) return 'redirect_uri is not a URL';
  if (world.redirectUris !== undefined)
    return world.redirectUris.some((one) => redirect.startsWith(one)) ? undefined : 'redirect_uri is not listed';
  return /^(127\.0\.0\.1|localhost)$/.test(new URL(redirect).hostname) ? undefined : 'redirect_uri is not on loopback';
}

/** GET shows who may say yes; POST is the yes. */
export async function consent(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const given = request.method === 'POST' ? new URLSearchParams((await bodyOf(request)).toString()) : url.searchParams;
  // Without one, Slack takes the first of the app's settings.
  const [first] = world.redirectUris ?? [];
  if (!given.has('redirect_uri') && first !== undefined) given.set('redirect_uri', first);
  const of = (name: string): string => given.get(name) ?? '';
  const scopes = of('scope').split(/[ ,]+/).filter(Boolean);
  const problem =
    of('client_id') !== world.clientId
      ? 'client_id is unknown'
      : scopes.length === 0
        ? 'no scope is asked for'
        : redirectProblem(world, of('redirect_uri'));
  if (problem !== undefined) {
    world.blame(`oauth/v2/authorize: ${problem}`);
    return send(response, 400, problem);
  }
  if (of('state') === '') world.blame('oauth/v2/authorize: without a state anybody can install for others');
  if (request.method !== 'POST') {
    const hidden = [...given].map(
      ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
    );
    const people = world.workspaces.flatMap(({ name, users }) =>
      users.map((user) => `<button name="user" value="${user.id}">${escaped(`${user.realName}, ${name}`)}</button>`),
    );
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(
      `<form method="post">${hidden.join('')}${people.join('')}<button name="user" value="">Cancel</button></form>`,
    );
    return;
  }
  const back = new URL(of('redirect_uri'));
  const user = userOf(world, of('user'));
  if (user === undefined) back.searchParams.set('error', 'access_denied');
  else {
    const code = `${world.id('code').toLowerCase()}.${world.id('').toLowerCase()}`;
    const made = world.clock.now().getTime();
    codesOf(world).set(code, { user: user.id, workspace: user.workspace, scopes, redirect: of('redirect_uri'), made });
    back.searchParams.set('code', code);
  }
  if (of('state') !== '') back.searchParams.set('state', of('state'));
  response.writeHead(302, { location: back.toString() }).end();
}

/** A bot's token for a workspace; the same one as before where it is installed already. */
export function installed(world: World, workspace: string, scopes: readonly string[]): SlackToken {
  const before = [...world.tokens.values()].find((one) => one.workspace === workspace && one.revoked === undefined);
  if (before !== undefined && before.kind === 'bot') {
    before.scopes = [...new Set([...before.scopes, ...scopes])];
    return before;
  }
  const value = `xoxb-${workspace}-${world.id('').toLowerCase()}`;
  const token: SlackToken = { value, kind: 'bot', workspace, scopes: [...scopes] };
  world.tokens.set(value, token);
  return token;
}

export const oauthMethods: Readonly<Record<string, Method>> = {
  'oauth.v2.access': {
    token: 'none',
    run({ world, args, method }) {
      if (args.client_id !== world.clientId || args.client_secret !== world.clientSecret) {
        world.blame(`${method}: client id or secret is wrong`);
        return refused('bad_client_secret');
      }
      const code = codesOf(world).get(word(args.code));
      codesOf(world).delete(word(args.code));
      if (code === undefined) return refused('invalid_code');
      if (world.clock.now().getTime() - code.made > CODE_LIVES) return refused('code_expired');
      if (word(args.redirect_uri) !== '' && args.redirect_uri !== code.redirect) return refused('bad_redirect_uri');
      const workspace = workspaceOf(world, code.workspace);
      const token = installed(world, workspace.id, code.scopes);
      return {
        ok: true,
        access_token: token.value,
        token_type: 'bot',
        scope: token.scopes.join(','),
        bot_user_id: workspace.botUser,
        app_id: world.appId,
        team: { id: workspace.id, name: workspace.name },
        enterprise: null,
        is_enterprise_install: false,
        authed_user: { id: code.user },
      };
    },
  },
};
