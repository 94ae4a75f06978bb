/** The Web API's front: who calls, with which token and scopes, whether a fault was planned; then the method. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { chatMethods } from './chat-methods.ts';
import { conversationMethods } from './conversation-methods.ts';
import { STINGY } from './faults.ts';
import { fileMethods } from './file-methods.ts';
import { bodyOf, type Method, refused, send } from './method.ts';
import { oauthMethods } from './oauth.ts';
import { socketMethods } from './socket.ts';
import type { Fields } from './types.ts';
import { viewMethods } from './view-methods.ts';
import { isFields, type World, word, workspaceOf } from './world.ts';

const METHODS: Readonly<Record<string, Method>> = {
  ...chatMethods,
  ...conversationMethods,
  ...fileMethods,
  ...viewMethods,
  ...oauthMethods,
  ...socketMethods,
};

/** In forms, Slack takes objects as JSON. */
const JSON_FIELDS = new Set(['blocks', 'attachments', 'view', 'metadata', 'files']);

function parsed(request: IncomingMessage, url: URL, body: Buffer): Fields {
  const args: Fields = Object.fromEntries(url.searchParams);
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) {
    const json: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
    return { ...args, ...(isFields(json) ? json : {}) };
  }
  Object.assign(args, Object.fromEntries(new URLSearchParams(body.toString())));
  for (const name of JSON_FIELDS) {
    const value = args[name];
    if (typeof value === 'string') args[name] = value === '' ? undefined : JSON.parse(value);
  }
  return args;
}

function basic(request: IncomingMessage): Fields {
  const encoded = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return {};
  const [id, secret] = Buffer.from(encoded, 'base64').toString().split(':');
  return { client_id: id, client_secret: secret };
}

function tokenProblem(world: World, name: string, method: Method, value: string): Fields | undefined {
  if (method.token === 'none') return undefined;
  if (value === '') {
    world.blame(`${name}: no token`);
    return refused('not_authed');
  }
  const token = world.tokens.get(value);
  if (token === undefined) {
    world.blame(`${name}: an unknown token`);
    return refused('invalid_auth');
  }
  if (token.revoked !== undefined) return refused(token.revoked);
  if (token.kind !== method.token) {
    world.blame(`${name}: it takes no ${token.kind} token`);
    return refused('not_allowed_token_type');
  }
  const needed = (method.scopes ?? []).filter((scope) => !token.scopes.includes(scope));
  if (needed.length === 0) return undefined;
  world.blame(`${name}: scope ${needed.join(', ')} is missing`);
  return { ...refused('missing_scope'), needed: needed.join(','), provided: token.scopes.join(',') };
}

const PACED = new Set(['chat.update', 'chat.postMessage']);

export async function callMethod(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const name = url.pathname.slice('/api/'.length);
  let args: Fields;
  try {
    args = { ...parsed(request, url, await bodyOf(request)), ...basic(request) };
  } catch (error) {
    world.blame(`${name}: the body cannot be read: ${String(error)}`);
    return send(response, 200, refused('invalid_json'));
  }
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const value = bearer || word(args.token);
  delete args.token;
  const answer = (body: Fields, status = 200, headers?: Record<string, string>): void => {
    world.calls.push({ method: name, args, token: value, at: world.clock.now(), answer: body, status });
    if (body.ok === false) world.refusals.push(`${name}: ${word(body.error)}`);
    send(response, status, body, headers);
    world.changed();
  };

  const stinted = world.stingy && PACED.has(name) && ++world.paced % STINGY.limited === STINGY.limited >> 1;
  // What a test planned happens, whatever the profile adds.
  const fault = stinted ? undefined : world.faults.take(name);
  if (fault?.kind === 'limit' || stinted)
    return answer(refused('ratelimited'), 429, {
      'retry-after': String(fault?.kind === 'limit' ? fault.retryAfter : 1),
    });
  if (fault?.kind === 'fail') return answer(refused(fault.error));
  if (fault?.kind === 'status') return answer(refused('internal_error'), fault.code);
  if (fault?.kind === 'hang') return;

  const method = METHODS[name];
  if (method === undefined) {
    world.blame(`${name}: there is no such method`);
    return answer(refused('unknown_method'));
  }
  const problem = tokenProblem(world, name, method, value);
  if (problem !== undefined) return answer(problem);
  const known = world.tokens.get(value);
  const first = world.workspaces[0];
  if (first === undefined) throw new Error('no workspace');
  const token = known ?? { value: '', kind: 'bot', workspace: first.id, scopes: [] };
  const workspace = token.workspace === '' ? first : workspaceOf(world, token.workspace);
  const result = await method.run({ world, method: name, args, token, workspace });
  if (fault?.kind === 'lost') {
    world.calls.push({ method: name, args, token: value, at: world.clock.now(), answer: result, status: 0 });
    if (fault.stalls !== true) response.destroy();
    return world.changed();
  }
  answer(result);
}
