/**
 * A Slack on loopback that speaks the real protocols and fails a wrong client: the Web API, Socket Mode or signed HTTP,
 * commands, interactions, modals, response_url, installations; and people who type, press and fill in. Behind the Web API
 * stands an independent server (`emulate`) for the methods it knows. What no right client does is in `violations`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { browse } from './slack/browse.ts';
import { createDelivery } from './slack/delivery.ts';
import { takeUpload } from './slack/file-methods.ts';
import { createHttpSender } from './slack/http-sender.ts';
import { send } from './slack/method.ts';
import { consent, installed } from './slack/oauth.ts';
import { createPerson } from './slack/person.ts';
import { respond } from './slack/response-url.ts';
import { openSockets } from './slack/socket.ts';
import type { SlackOptions, SlackServer, SlackUser } from './slack/types.ts';
import { openModals } from './slack/view-methods.ts';
import { callMethod } from './slack/web-api.ts';
import { createWorkspace, PEOPLE } from './slack/workspaces.ts';
import { BOT_SCOPES, channelOf, createWorld, userOf, type Workspace, type World, workspaceOf } from './slack/world.ts';

export type * from './slack/types.ts';
export { BOT_SCOPES } from './slack/world.ts';

async function route(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', world.url);
  if (url.pathname.startsWith('/api/')) return callMethod(world, request, response, url);
  if (url.pathname.startsWith('/actions/')) return respond(world, request, response, url);
  if (url.pathname.startsWith('/upload/')) return takeUpload(world, request, response, url);
  if (url.pathname === '/oauth/v2/authorize') return consent(world, request, response, url);
  world.blame(`nothing is at ${url.pathname}`);
  send(response, 404, 'not found');
}

/** Listens on a free port of loopback. `close` ends everything it began. */
export async function startSlack(o: SlackOptions): Promise<SlackServer> {
  const world = createWorld(o);
  const server = createServer((request, response) => {
    route(world, request, response).catch((error: unknown) => {
      if (world.stopping.signal.aborted) return void response.destroy();
      world.blame(`the server itself failed: ${String(error)}`);
      send(response, 500, String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  world.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const first = await createWorkspace(world, {
    id: 'T0HOME0001',
    name: 'Home',
    domain: 'home',
    people: PEOPLE.first,
    joined: 'backups',
    others: ['finance'],
  });
  const second = await createWorkspace(world, {
    id: 'T0AWAY0002',
    name: 'Away',
    domain: 'away',
    people: PEOPLE.second,
    joined: 'elsewhere',
    others: [],
  });
  const botToken = installed(world, first.id, o.scopes ?? BOT_SCOPES).value;
  world.tokens.set(world.appToken, {
    value: world.appToken,
    kind: 'app',
    workspace: '',
    scopes: ['connections:write'],
  });
  const sockets = openSockets(world, server);
  const http = createHttpSender(world);
  world.delivery = createDelivery(world, { sockets, http });

  const known = (user: string | SlackUser): SlackUser => {
    const found = userOf(world, typeof user === 'string' ? user : user.id);
    if (found === undefined) throw new Error(`nobody is called ${String(user)}`);
    return found;
  };
  const idOf = (conversation: string | SlackUser): string | undefined => {
    const user = userOf(world, typeof conversation === 'string' ? conversation : conversation.id);
    for (const workspace of world.workspaces) {
      const channel =
        user === undefined
          ? channelOf(workspace, String(conversation))
          : workspace.channels.find(({ direct }) => direct === user.id);
      if (channel !== undefined) return channel.id;
    }
    return undefined;
  };
  const channelId = (workspace: Workspace, name: string): string => channelOf(workspace, `#${name}`)?.id ?? '';
  const teamOf = ({ id, name, botUser, botId }: Workspace) => ({ id, name, botUser, botId });

  return {
    url: world.url,
    botToken,
    appToken: world.appToken,
    signingSecret: world.signingSecret,
    clientId: world.clientId,
    clientSecret: world.clientSecret,
    appId: world.appId,
    team: teamOf(first),
    otherTeam: teamOf(second),
    users: { ana: known('ana'), ben: known('ben'), stranger: known('stranger'), zoe: known('zoe') },
    channels: {
      backups: channelId(first, 'backups'),
      finance: channelId(first, 'finance'),
      elsewhere: channelId(second, 'elsewhere'),
    },
    as: (user) => createPerson(world, known(user)),
    messages: (conversation) => {
      const id = idOf(conversation);
      return world.messages.filter((one) => one.conversation === id && one.only === undefined && !one.deleted);
    },
    ephemerals: (user) => world.messages.filter(({ only, deleted }) => only === known(user).id && !deleted),
    views: (user) => openModals(world, known(user).id),
    home: (user) => world.views.find((view) => view.type === 'home' && view.user === known(user).id),
    texts: () => world.messages.filter(({ deleted }) => !deleted).map(({ text }) => text),
    everything: world.messages,
    uploads: world.uploads,
    calls: world.calls,
    deliveries: world.deliveries,
    violations: world.violations,
    refusals: world.refusals,
    lateAcks: () => world.lateAcks,
    async waitFor(look, ms = 5_000) {
      const patience = AbortSignal.any([AbortSignal.timeout(ms), world.stopping.signal]);
      for (;;) {
        const seen = look();
        if (seen !== undefined && seen !== false) return seen;
        if (patience.aborted) throw new Error(`not seen within ${ms} ms: ${look}\n${overview(world)}`);
        // Something outside may have changed as well: a log, a file, an array of the test's.
        await world.whenChanged(AbortSignal.any([patience, AbortSignal.timeout(20)]));
      }
    },
    setTarget: (url) => http.setTarget(url),
    forge: (forged) => http.forge(forged),
    challenge: () =>
      http.send({
        kind: 'events_api',
        accepts: true,
        payload: { token: world.verification, challenge: world.id('challenge'), type: 'url_verification' },
      }),
    connections: () => sockets.connections(),
    refresh: (reason = 'refresh_requested') => sockets.refresh(reason),
    drop: () => sockets.drop(),
    setClock(clock) {
      world.clock = clock;
    },
    closeDirect: (user) => void world.closed.add(known(user).id),
    expire() {
      for (const one of [...world.responseUrls.values(), ...world.triggers.values()])
        one.made = Number.NEGATIVE_INFINITY;
    },
    limit: (method, { retryAfter, times = 1 }) => world.faults.plan(method, { kind: 'limit', retryAfter }, times),
    fail: (method, error, times = 1) => world.faults.plan(method, { kind: 'fail', error }, times),
    status: (method, code, times = 1) => world.faults.plan(method, { kind: 'status', code }, times),
    hang: (method, times = 1) => world.faults.plan(method, { kind: 'hang' }, times),
    lose: (method, times = 1) => world.faults.plan(method, { kind: 'lost' }, times),
    stall: (method, times = 1) => world.faults.plan(method, { kind: 'lost', stalls: true }, times),
    faultsLeft: () => world.faults.left(),
    install: (address, as, { deny } = {}) => browse(address, deny === true ? '' : known(as).id),
    token: (workspace) =>
      [...world.tokens.values()].find((one) => one.workspace === workspace && one.revoked === undefined)?.value,
    async uninstall(id = first.id) {
      const workspace = workspaceOf(world, id);
      const event = world.delivery.event(workspace, { type: 'app_uninstalled' });
      const revoked = world.delivery.event(workspace, {
        type: 'tokens_revoked',
        tokens: { bot: [workspace.botUser], oauth: [] },
      });
      for (const token of world.tokens.values()) if (token.workspace === id) token.revoked = 'account_inactive';
      await revoked;
      return event;
    },
    async close() {
      world.stopping.abort(new Error('the Slack on loopback was closed'));
      world.changed();
      await sockets.close();
      const gone = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await Promise.all([gone, world.settled(), ...world.workspaces.map(({ emulated }) => emulated.close())]);
    },
  };
}

/** The last things people saw: what a failed wait should say. */
const overview = (world: World): string =>
  [
    ...world.messages
      .slice(-8)
      .map(({ by, via, text, deleted }) => `${by} (${via}${deleted ? ', removed' : ''}): ${text}`),
    ...world.views.filter(({ open }) => open).map(({ type, title }) => `${type} "${title}"`),
    ...world.refusals.slice(-5),
    ...world.violations.slice(-5),
  ].join('\n');
