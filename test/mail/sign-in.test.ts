/** Signing in for mail: with a strict server and a browser that agrees, refuses, or is somebody else's. */
import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/engine/clock.ts';
import { AuthRequired, type KeepsakeError, Stopped, UsageError } from '../../src/engine/errors.ts';
import { createHttp } from '../../src/engine/http.ts';
import { oauthService } from '../../src/mail/oauth.ts';
import { type SignInOrder, signIn } from '../../src/mail/sign-in.ts';
import { type AuthorizationOrder, startAuthorizationServer } from './authorization-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function begin(
  provider: SignInOrder['provider'],
  more: Partial<AuthorizationOrder> & { order?: Partial<SignInOrder> } = {},
) {
  const { order = {}, ...rest } = more;
  const server = await startAuthorizationServer({
    clientId: 'me',
    ...(provider === 'google' ? { clientSecret: 'not so secret' } : {}),
    scope: oauthService(provider).scope,
    ...rest,
  });
  cleanups.push(server.close);
  const { http, close } = createHttp({ clock: systemClock, log: () => undefined });
  cleanups.push(close);
  const shown = Promise.withResolvers<string>();
  const token = signIn({
    provider,
    clientId: 'me',
    ...(provider === 'google' ? { clientSecret: 'not so secret' } : {}),
    http,
    endpoint: server.url,
    show: shown.resolve,
    signal: new AbortController().signal,
    ...order,
  });
  token.catch(() => undefined);
  return { server, token, url: await shown.promise };
}

const failure = async (work: Promise<unknown>): Promise<KeepsakeError> => {
  try {
    await work;
  } catch (error) {
    return error as KeepsakeError;
  }
  throw new Error('it did not fail');
};

/** The page listens on 127.0.0.1 alone, whatever name it goes by. */
const visit = (url: string): Promise<Response> => fetch(url.replace('//localhost:', '//127.0.0.1:'));

describe('signing in', () => {
  it.each([
    ['google', '127.0.0.1'],
    ['microsoft', 'localhost'],
  ] as const)('at %s ends with a refresh token that works', async (provider, host) => {
    const { server, token, url } = await begin(provider);
    expect(new URL(new URL(url).searchParams.get('redirect_uri') ?? '').hostname).toBe(host);
    const page = await visit(await server.agree(url));
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('close this page');
    expect(server.refreshTokens.has(await token)).toBe(true);
    await expect(visit(new URL(url).searchParams.get('redirect_uri') ?? '')).rejects.toThrow();
  });

  it('asks for a token that lasts, and for nothing but mail', async () => {
    const google = new URL((await begin('google')).url).searchParams;
    expect(google.get('access_type')).toBe('offline');
    expect(google.get('scope')).toBe('https://mail.google.com/');
    const microsoft = new URL((await begin('microsoft')).url).searchParams;
    expect(microsoft.get('scope')?.split(' ')).toEqual([
      'https://outlook.office.com/IMAP.AccessAsUser.All',
      'https://outlook.office.com/SMTP.Send',
      'offline_access',
    ]);
  });

  it('uses another state and another challenge each time', async () => {
    const [one, two] = [await begin('google'), await begin('google')].map(({ url }) => new URL(url).searchParams);
    expect(one?.get('state')).not.toBe(two?.get('state'));
    expect(one?.get('code_challenge')).not.toBe(two?.get('code_challenge'));
  });

  it('can be finished by the pasted address of a browser elsewhere; other lines are passed over', async () => {
    const lines = Promise.withResolvers<string>();
    async function* pasted(): AsyncGenerator<string> {
      yield 'what?';
      yield 'http://127.0.0.1:1/?code=stolen&state=guessed';
      yield await lines.promise;
    }
    const { server, token, url } = await begin('google', { order: { pasted: pasted() } });
    lines.resolve(`  ${await server.agree(url)}  `);
    expect(server.refreshTokens.has(await token)).toBe(true);
  });
});

describe('what is not the answer', () => {
  it.each([
    ['without a state', (to: URL) => to.searchParams.delete('state')],
    ['with another state', (to: URL) => to.searchParams.set('state', 'guessed')],
    ['for another page', (to: URL) => (to.pathname = '/other')],
  ])('is refused and does not end the waiting: %s', async (_what, change) => {
    const { server, token, url } = await begin('google');
    const right = await server.agree(url);
    const wrong = new URL(right);
    change(wrong);
    expect((await visit(wrong.href)).status).toBeGreaterThanOrEqual(400);
    expect(server.forms).toEqual([]);
    await visit(right);
    expect(server.refreshTokens.has(await token)).toBe(true);
  });

  it('is refused: another method', async () => {
    const { server, url } = await begin('google');
    const right = await server.agree(url);
    expect((await fetch(right, { method: 'POST' })).status).toBe(404);
    expect(server.forms).toEqual([]);
  });
});

describe('a sign-in that fails', () => {
  it('because the person says no', async () => {
    const { token, url } = await begin('google');
    const asked = new URL(url).searchParams;
    await visit(`${asked.get('redirect_uri')}/?error=access_denied&state=${asked.get('state')}`);
    const error = await failure(token);
    expect(error).toBeInstanceOf(AuthRequired);
    expect(error.message).toContain('access_denied');
  });

  it('because the code belongs to somebody else’s sign-in (PKCE)', async () => {
    const { server, token, url } = await begin('google');
    const stolen = new URL(url);
    stolen.searchParams.set('code_challenge', 'A'.repeat(43));
    await visit(await server.agree(stolen.href));
    expect(await failure(token)).toBeInstanceOf(AuthRequired);
    expect(server.refreshTokens.size).toBe(0);
  });

  it('because the code was given for another address', async () => {
    const { server, token, url } = await begin('google');
    const other = new URL(url);
    const asked = other.searchParams.get('redirect_uri') ?? '';
    other.searchParams.set('redirect_uri', 'http://127.0.0.1:9');
    const to = new URL(await server.agree(other.href));
    await visit(`${asked}/${to.search}`);
    expect(await failure(token)).toBeInstanceOf(AuthRequired);
    expect(server.refreshTokens.size).toBe(0);
  });

  it('because the application has another secret', async () => {
    const { server, token, url } = await begin('google', { order: { clientSecret: 'wrong' } });
    await visit(await server.agree(url));
    expect((await failure(token)).advice).toContain('MAIL_OAUTH_CLIENT_SECRET');
  });

  it('because no refresh token is given', async () => {
    const { server, token, url } = await begin('google', { onlyAccess: true });
    await visit(await server.agree(url));
    expect(await failure(token)).toBeInstanceOf(UsageError);
  });

  it('because it was stopped: nothing listens any more', async () => {
    const controller = new AbortController();
    const { token, url } = await begin('google', { order: { signal: controller.signal } });
    controller.abort(new Stopped('Nothing was changed.'));
    expect(await failure(token)).toBeInstanceOf(Stopped);
    await expect(visit(new URL(url).searchParams.get('redirect_uri') ?? '')).rejects.toThrow();
  });
});

describe('npm run mail:sign-in', () => {
  function run(word: string[], env: Record<string, string>) {
    const child = spawn(process.execPath, ['src/mail-sign-in.ts', ...word], {
      env: { PATH: process.env.PATH ?? '', ...env },
    });
    cleanups.push(() => child.kill('SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (output += piece));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    return { output: () => output, ended };
  }

  it('prints the address, waits, and prints the line for .env', async () => {
    const server = await startAuthorizationServer({ clientId: 'me', scope: oauthService('microsoft').scope });
    cleanups.push(server.close);
    const { output, ended } = run(['microsoft'], {
      MAIL_OAUTH_CLIENT_ID: 'me',
      KEEPSAKE_ENDPOINT_MAIL_OAUTH: server.url,
    });
    await expect.poll(output, { timeout: 20_000 }).toContain('paste its address');
    const url = /http:\/\/127\.0\.0\.1:\d+\/authorize\S+/.exec(output())?.[0] ?? '';
    await visit(await server.agree(url));
    expect(await ended).toBe(0);
    const [, token = ''] = /^MAIL_OAUTH_REFRESH_TOKEN=(\S+)$/m.exec(output()) ?? [];
    expect(server.refreshTokens.has(token)).toBe(true);
  });

  it.each([
    [[], {}, /google or microsoft/],
    [['yahoo'], {}, /yahoo.*google or microsoft/],
    [['google'], { MAIL_OAUTH_CLIENT_ID: '' }, /MAIL_OAUTH_CLIENT_ID/],
  ])('says what is missing: %j', async (words, env, expected) => {
    const { output, ended } = run(words, env as Record<string, string>);
    expect(await ended).toBe(2);
    expect(output()).toMatch(expected);
    expect(output()).not.toContain('    at ');
  });
});
