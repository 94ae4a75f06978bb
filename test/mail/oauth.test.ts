/** Access tokens for mail: asked for once, kept while they are good, renewed; and what happens when nobody is signed in any more. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuthRequired, type KeepsakeError, RetryLater, Stopped } from '../../src/engine/errors.ts';
import { createHttp } from '../../src/engine/http.ts';
import { createMailAuth, oauthService } from '../../src/mail/oauth.ts';
import { testClock } from '../commands/world.ts';
import { type AuthorizationOrder, startAuthorizationServer } from './authorization-server.ts';

const SCOPE = 'https://mail.google.com/';
const SECRET = 'client-secret-hunter2';
const live = (): AbortSignal => new AbortController().signal;

let clock: ReturnType<typeof testClock>;
let vault: Map<string, string>;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  clock = testClock();
  vault = new Map();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(more: Partial<AuthorizationOrder> = {}) {
  const server = await startAuthorizationServer({ clientId: 'me', clientSecret: SECRET, scope: SCOPE, ...more });
  cleanups.push(server.close);
  const { http, close } = createHttp({ clock, log: () => undefined });
  cleanups.push(close);
  const auth = (refreshToken: string, clientSecret: string = SECRET) => {
    const { accessToken } = createMailAuth({
      config: { oauth: { provider: 'google', clientId: 'me', clientSecret, refreshToken } },
      vault: {
        get: async (id) => vault.get(id),
        put: async (id, value) => void vault.set(id, value),
        remove: async (id) => void vault.delete(id),
      },
      http,
      endpoints: { mail_oauth: server.url },
      clock,
    });
    if (!accessToken) throw new Error('no access token');
    return accessToken;
  };
  return { server, auth };
}

const failure = async (work: Promise<unknown>): Promise<KeepsakeError> => {
  try {
    await work;
  } catch (error) {
    return error as KeepsakeError;
  }
  throw new Error('it did not fail');
};

describe('an access token', () => {
  it('is none where there is a password', () => {
    const none = createMailAuth({ config: {}, vault: {} as never, http: undefined as never, endpoints: {}, clock });
    expect(none.accessToken).toBeUndefined();
  });

  it('is asked for once and kept until two minutes before its end', async () => {
    const { server, auth } = await open({ lifetime: 3_600 });
    const accessToken = auth(server.issue());
    const first = await accessToken(live());
    expect(server.accessTokens.has(first)).toBe(true);
    clock.forward((3_600 - 121) * 1_000);
    expect(await accessToken(live())).toBe(first);
    clock.forward(2_000);
    const second = await accessToken(live());
    expect(second).not.toBe(first);
    expect(server.accessTokens.has(second)).toBe(true);
    expect(server.forms).toHaveLength(2);
    expect(Object.fromEntries(server.forms[0] ?? [])).toMatchObject({ grant_type: 'refresh_token', client_id: 'me' });
  });

  it('is asked for once, however many want it at the same moment', async () => {
    const { server, auth } = await open();
    const accessToken = auth(server.issue());
    const all = await Promise.all(Array.from({ length: 20 }, () => accessToken(live())));
    expect(new Set(all).size).toBe(1);
    expect(server.forms).toHaveLength(1);
  });

  it('that a mail server refused is replaced, once for all who were refused with it', async () => {
    const { server, auth } = await open();
    const accessToken = auth(server.issue());
    const first = await accessToken(live());
    const [a, b] = await Promise.all([accessToken(live(), first), accessToken(live(), first)]);
    expect(a).toBe(b);
    expect(a).not.toBe(first);
    // Somebody who is late with the same complaint gets the new one.
    expect(await accessToken(live(), first)).toBe(a);
    expect(server.forms).toHaveLength(2);
  });

  it('is left to the others by one who stops waiting', async () => {
    const { server, auth } = await open();
    const accessToken = auth(server.issue());
    const release = server.hold();
    const controller = new AbortController();
    const [leaving, waiting] = [failure(accessToken(controller.signal)), accessToken(live())];
    await expect.poll(() => server.forms.length).toBe(1);
    controller.abort(new Stopped('Keepsake is being stopped.'));
    expect(await leaving).toBeInstanceOf(Stopped);
    release();
    expect(server.accessTokens.has(await waiting)).toBe(true);
    expect(server.forms).toHaveLength(1);
  });
});

describe('a refresh token', () => {
  it('that is exchanged for another each time is followed, also after a restart', async () => {
    const { server, auth } = await open({ rotates: true });
    const first = server.issue();
    const running = auth(first);
    await running(live());
    clock.forward(2 * 3_600_000);
    await running(live());
    expect(server.refreshTokens.has(first)).toBe(false);
    const restarted = auth(first);
    expect(server.accessTokens.has(await restarted(live()))).toBe(true);
    expect([...vault.keys()]).toEqual(['mail/oauth']);
  });

  it('that is new in the settings counts more than what followed the old one', async () => {
    const { server, auth } = await open({ rotates: true });
    await auth(server.issue())(live());
    server.refreshTokens.clear();
    const fresh = server.issue();
    expect(server.accessTokens.has(await auth(fresh)(live()))).toBe(true);
    expect(server.forms.at(-1)?.get('refresh_token')).toBe(fresh);
  });

  it('that is no longer taken waits for somebody to sign in, and says how', async () => {
    const { auth } = await open();
    const error = await failure(auth('refresh-secret-gone')(live()));
    expect(error).toBeInstanceOf(AuthRequired);
    expect(error.advice).toContain('npm run mail:sign-in -- google');
    expect(`${error.stack}${JSON.stringify(error)}`).not.toMatch(/refresh-secret-gone|hunter2/);
  });

  it('is asked with again after a failure', async () => {
    const { server, auth } = await open();
    const accessToken = auth('later');
    await failure(accessToken(live()));
    server.refreshTokens.add('later');
    expect(server.accessTokens.has(await accessToken(live()))).toBe(true);
  });
});

describe('a service that does not answer as it should', () => {
  it('a wrong client secret is told apart from a sign-in that ended', async () => {
    const { server, auth } = await open();
    const error = await failure(auth(server.issue(), 'wrong')(live()));
    expect(error).toBeInstanceOf(AuthRequired);
    expect(error.advice).toContain('MAIL_OAUTH_CLIENT_SECRET');
  });

  it.each([
    [200, 'not json'],
    [200, '{}'],
    [200, '{"access_token":""}'],
    [400, '<html>'],
    [400, '{"error":"temporarily_unavailable"}'],
    [403, '{"error":"rate_limit_exceeded"}'],
    [503, ''],
  ])('is tried again later: %s %s', async (status, body) => {
    const { server, auth } = await open();
    const accessToken = auth(server.issue());
    server.answerInstead({ status, body });
    expect(await failure(accessToken(live()))).toBeInstanceOf(RetryLater);
    server.answerInstead(undefined);
    expect(server.accessTokens.has(await accessToken(live()))).toBe(true);
  });
});

it('Google and Microsoft are asked at their own pages, over https', () => {
  for (const provider of ['google', 'microsoft'] as const) {
    const { authorize, token } = oauthService(provider);
    for (const url of [authorize, token]) {
      expect(new URL(url).protocol).toBe('https:');
      expect(new URL(url).hostname).toMatch(/(^|\.)(google|googleapis|microsoftonline)\.com$/);
    }
  }
});
