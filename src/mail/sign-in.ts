/**
 * Signs in to Google or Microsoft in a browser and answers the refresh token for the settings: authorization code with PKCE
 * and a page of our own on this machine (RFC 6749 4.1, 7636, 8252).
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AuthRequired, UsageError } from '../engine/errors.ts';
import type { ProviderContext } from '../engine/types.ts';
import { askForTokens, type OAuthProvider, oauthService } from './oauth.ts';

export interface SignInOrder {
  provider: OAuthProvider;
  clientId: string;
  clientSecret?: string;
  http: ProviderContext['http'];
  /** Replaces the pages of the service. */
  endpoint?: string;
  /** Where the browser has to go. */
  show(url: string): void;
  /** The address that a browser on another machine ended at, pasted by whoever sees it. */
  pasted?: AsyncIterable<string>;
  signal: AbortSignal;
}

/** 256 random bits in the characters of RFC 7636 4.1. */
const secret = (): string => randomBytes(32).toString('base64url');

function page(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(`${words}\n`);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The code in what the browser came back with; undefined for what is not the answer to our question. */
function codeIn(answer: URLSearchParams, state: string, title: string): string | undefined {
  // Anybody on this machine, and any page in a browser, can call us: only who knows the state is answered.
  if (answer.get('state') !== state) return undefined;
  const code = answer.get('code');
  if (code) return code;
  const error = answer.get('error') ?? 'no code';
  throw new AuthRequired(`${title} did not sign you in (${error.slice(0, 60)}).`, {
    code: 'mail_sign_in',
    advice: 'Run it again and agree to what it asks; without that it lets nobody read or send mail.',
  });
}

/** Resolves with the refresh token. Throws `AuthRequired` when it was refused, `RetryLater`, and the signal's reason. */
export async function signIn(o: SignInOrder): Promise<string> {
  const service = oauthService(o.provider, o.endpoint);
  const [state, verifier] = [secret(), secret()];
  const answered = Promise.withResolvers<string>();
  // Refused before anybody waits for it.
  answered.promise.catch(() => undefined);
  const consider = (answer: URLSearchParams): boolean => {
    try {
      const code = codeIn(answer, state, service.title);
      if (code === undefined) return false;
      answered.resolve(code);
    } catch (error) {
      answered.reject(error);
    }
    return true;
  };

  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '', 'http://127.0.0.1');
    if (request.method !== 'GET' || url?.pathname !== '/') return page(response, 404, 'There is nothing here.');
    if (!consider(url.searchParams)) return page(response, 400, 'This is not the answer that Keepsake waits for.');
    return page(response, 200, 'Keepsake has what it needs. You can close this page and go back to the terminal.');
  });
  const leave = (): void => answered.reject(o.signal.reason);
  o.signal.addEventListener('abort', leave, { once: true });
  try {
    o.signal.throwIfAborted();
    const redirect = `http://${service.host}:${await listen(server)}`;
    const url = new URL(service.authorize);
    for (const [name, value] of Object.entries({
      response_type: 'code',
      client_id: o.clientId,
      redirect_uri: redirect,
      scope: service.scope,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...service.more,
    })) {
      url.searchParams.set(name, value);
    }
    o.show(url.href);
    void readPasted(o.pasted, consider);
    const tokens = await askForTokens(
      o.http,
      service,
      o.provider,
      {
        grant_type: 'authorization_code',
        client_id: o.clientId,
        ...(o.clientSecret === undefined ? {} : { client_secret: o.clientSecret }),
        code: await answered.promise,
        code_verifier: verifier,
        redirect_uri: redirect,
      },
      o.signal,
    );
    if (tokens.refresh_token !== undefined) return tokens.refresh_token;
    throw new UsageError(`${service.title} signed you in, but gave no refresh token, so nothing was won.`, {
      code: 'no_refresh_token',
      advice: 'Take the application away from your account at the service, then run this again.',
    });
  } finally {
    o.signal.removeEventListener('abort', leave);
    server.close();
    server.closeAllConnections();
  }
}

/** Lines that are no address, or not the right one, are passed over. */
async function readPasted(
  lines: AsyncIterable<string> | undefined,
  consider: (answer: URLSearchParams) => boolean,
): Promise<void> {
  if (!lines) return;
  for await (const line of lines) {
    const url = URL.parse(line.trim());
    if (url && consider(url.searchParams)) return;
  }
}
