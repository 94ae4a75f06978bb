/** An authorization server on loopback that is as strict as RFC 6749, 7636 and 8252 ask, with a browser that agrees. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AuthorizationOrder {
  clientId: string;
  /** A public client has none, and must then send none. */
  clientSecret?: string;
  scope: string;
  /** Each renewal gives another refresh token and ends the old one. */
  rotates?: boolean;
  /** Gives no refresh token at a sign-in. */
  onlyAccess?: boolean;
  /** Seconds that an access token is good for. */
  lifetime?: number;
}

interface Grant {
  challenge: string;
  redirect: string;
}

const random = (): string => randomBytes(12).toString('base64url');

export async function startAuthorizationServer(order: AuthorizationOrder) {
  const codes = new Map<string, Grant>();
  const refreshTokens = new Set<string>();
  const accessTokens = new Set<string>();
  /** Every form that came to the token page. */
  const forms: URLSearchParams[] = [];
  /** What is answered instead, with its status. */
  let instead: { status: number; body: string } | undefined;
  /** Held until it resolves. */
  let gate: Promise<void> = Promise.resolve();

  const granted = (refresh: string | undefined): object => {
    const access = `access-${random()}`;
    accessTokens.add(access);
    if (refresh !== undefined) refreshTokens.add(refresh);
    return {
      token_type: 'Bearer',
      access_token: access,
      expires_in: order.lifetime ?? 3_600,
      ...(refresh === undefined ? {} : { refresh_token: refresh }),
    };
  };

  function answer(form: URLSearchParams): { status: number; body: object } {
    const no = (error: string, status = 400) => ({ status, body: { error, error_description: 'no' } });
    if (form.get('client_id') !== order.clientId) return no('invalid_client', 401);
    if ((form.get('client_secret') ?? undefined) !== order.clientSecret) return no('invalid_client', 401);
    if (form.get('grant_type') === 'authorization_code') {
      const code = form.get('code') ?? '';
      const grant = codes.get(code);
      // A code is good once (RFC 6749 4.1.2).
      codes.delete(code);
      if (!grant || grant.redirect !== form.get('redirect_uri')) return no('invalid_grant');
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      if (challenge !== grant.challenge) return no('invalid_grant');
      return { status: 200, body: granted(order.onlyAccess ? undefined : `refresh-${random()}`) };
    }
    if (form.get('grant_type') !== 'refresh_token') return no('unsupported_grant_type');
    const refresh = form.get('refresh_token') ?? '';
    if (!refreshTokens.has(refresh)) return no('invalid_grant');
    if (!order.rotates) return { status: 200, body: granted(undefined) };
    refreshTokens.delete(refresh);
    return { status: 200, body: granted(`refresh-${random()}`) };
  }

  /** Where the browser is sent once the person has agreed, or a word for what is wrong with the request. */
  function authorize(asked: URLSearchParams): string {
    const redirect = URL.parse(asked.get('redirect_uri') ?? '');
    if (asked.get('response_type') !== 'code') return 'response_type';
    if (asked.get('client_id') !== order.clientId) return 'client_id';
    if (asked.get('scope') !== order.scope) return 'scope';
    if (asked.get('code_challenge_method') !== 'S256') return 'code_challenge_method';
    if (!/^[\w-]{43}$/.test(asked.get('code_challenge') ?? '')) return 'code_challenge';
    if ((asked.get('state') ?? '').length < 16) return 'state';
    // RFC 8252 7.3: the loopback interface, any port.
    if (redirect?.protocol !== 'http:' || !['127.0.0.1', 'localhost'].includes(redirect.hostname))
      return 'redirect_uri';
    const code = random();
    codes.set(code, { challenge: asked.get('code_challenge') ?? '', redirect: asked.get('redirect_uri') ?? '' });
    redirect.searchParams.set('code', code);
    redirect.searchParams.set('state', asked.get('state') ?? '');
    return redirect.href;
  }

  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    if (request.method === 'GET' && url.pathname === '/authorize') {
      const to = authorize(url.searchParams);
      response.writeHead(to.startsWith('http') ? 302 : 400, to.startsWith('http') ? { location: to } : {});
      return response.end(to);
    }
    const form = new URLSearchParams(Buffer.concat(pieces).toString());
    forms.push(form);
    await gate;
    if (request.method !== 'POST' || url.pathname !== '/token') {
      response.writeHead(404);
      return response.end();
    }
    const { status, body } = instead ?? answer(form);
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    return response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forms,
    refreshTokens,
    accessTokens,
    issue: (): string => {
      const token = `refresh-${random()}`;
      refreshTokens.add(token);
      return token;
    },
    answerInstead: (what: typeof instead) => {
      instead = what;
    },
    hold: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    /** What a browser does whose owner agrees: the address that it ends at. */
    agree: async (url: string): Promise<string> => {
      const sent = await fetch(url, { redirect: 'manual' });
      const to = sent.headers.get('location');
      if (to === null) throw new Error(`the request is wrong: ${await sent.text()}`);
      return to;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
