/** Access tokens for the mail servers of Google and Microsoft (RFC 6749 section 6), used by SMTP and IMAP alike. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AuthRequired, RetryLater } from '../engine/errors.ts';
import type { MailConfig } from '../engine/mail-config.ts';
import type { Vault } from '../engine/services.ts';
import type { Clock, ProviderContext } from '../engine/types.ts';

export type OAuthProvider = NonNullable<MailConfig['oauth']>['provider'];

/**
 * A token that is good for two minutes at least. `refused` is one that a server did not take: another is asked for. Throws
 * `AuthRequired` when somebody has to sign in again, `RetryLater` when the service is away, the signal's reason.
 */
export type AccessToken = (signal: AbortSignal, refused?: string) => Promise<string>;

export interface MailAuth {
  /** Absent where the settings have a password instead. */
  accessToken?: AccessToken;
}

export interface OAuthService {
  title: string;
  authorize: string;
  token: string;
  scope: string;
  /** Beyond the standard, so that a refresh token is given. */
  more: Record<string, string>;
  /** Where the browser comes back to; each of them registers another form of "this machine". */
  host: '127.0.0.1' | 'localhost';
}

const SERVICES: Record<OAuthProvider, OAuthService> = {
  // https://developers.google.com/identity/protocols/oauth2/native-app
  google: {
    title: 'Google',
    authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    scope: 'https://mail.google.com/',
    more: { access_type: 'offline', prompt: 'consent' },
    host: '127.0.0.1',
  },
  // https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
  microsoft: {
    title: 'Microsoft',
    authorize: 'https://login.microsoftonline.com/common/oauth2/v2.0/authorize',
    token: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
    scope: 'https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access',
    more: { prompt: 'select_account' },
    // Its form for applications takes no address in numbers.
    host: 'localhost',
  },
};

/** `endpoint` (`KEEPSAKE_ENDPOINT_MAIL_OAUTH`) has both pages below it: `/authorize` and `/token`. */
export const oauthService = (provider: OAuthProvider, endpoint?: string): OAuthService => ({
  ...SERVICES[provider],
  ...(endpoint === undefined ? {} : { authorize: `${endpoint}/authorize`, token: `${endpoint}/token` }),
});

const granted = z.object({
  access_token: z.string().min(1),
  /** Seconds. */
  expires_in: z.coerce.number().positive().default(3_600),
  refresh_token: z.string().min(1).optional(),
});
const refused = z.object({ error: z.string(), error_description: z.string().optional() });

export type Granted = z.infer<typeof granted>;

/** Errors of RFC 6749 5.2 that only somebody at a screen can mend. */
const SIGN_IN = new Set([
  'invalid_grant',
  'interaction_required',
  'consent_required',
  'invalid_client',
  'unauthorized_client',
]);

/** What the token endpoint answers to this form. Throws `AuthRequired` and `RetryLater`; nothing of the form is in them. */
export async function askForTokens(
  http: ProviderContext['http'],
  { title, token }: OAuthService,
  provider: OAuthProvider,
  form: Record<string, string>,
  signal: AbortSignal,
): Promise<Granted> {
  const response = await http({
    method: 'POST',
    url: token,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams(form).toString(),
    expect: [400, 401, 403],
    whole: true,
    signal,
  });
  const text = await response.text();
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new RetryLater(`${title} did not answer the sign-in for mail in a form that is known.`);
  }
  if (response.status < 400) {
    const tokens = granted.safeParse(answer);
    if (tokens.success) return tokens.data;
    throw new RetryLater(`${title} answered the sign-in for mail without a token.`);
  }
  const { error } = refused.safeParse(answer).data ?? { error: `status ${response.status}` };
  const ours = error === 'invalid_client' || error === 'unauthorized_client';
  if (!SIGN_IN.has(error))
    throw new RetryLater(`${title} does not give an access token for mail now (${error.slice(0, 60)}).`);
  throw new AuthRequired(
    ours
      ? `${title} does not know the application in MAIL_OAUTH_CLIENT_ID, or its secret is wrong. No mail is sent or read; backups go on.`
      : `${title} no longer takes the sign-in for mail. No mail is sent or read; backups go on.`,
    {
      code: 'mail_sign_in',
      advice: ours
        ? 'Check MAIL_OAUTH_CLIENT_ID and MAIL_OAUTH_CLIENT_SECRET, then start Keepsake again.'
        : `Run \`npm run mail:sign-in -- ${provider}\`, put what it prints into .env and start Keepsake again.`,
    },
  );
}

/** A token is not begun with when it ends this soon (ms): a large mail takes its time. */
const MARGIN = 2 * 60_000;
const LONGEST_REFRESH = 60_000;
const VAULT = 'mail/oauth';

const kept = z.object({ of: z.string(), token: z.string() });

/** One for SMTP and IMAP together: they share the token, and its renewal. */
export function createMailAuth(o: {
  config: Pick<MailConfig, 'oauth'>;
  vault: Vault;
  http: ProviderContext['http'];
  endpoints: Record<string, string>;
  clock: Pick<Clock, 'now'>;
}): MailAuth {
  const { oauth } = o.config;
  return oauth ? { accessToken: createAccessToken({ ...o, oauth }) } : {};
}

function createAccessToken({
  oauth,
  vault,
  http,
  endpoints,
  clock,
}: Omit<Parameters<typeof createMailAuth>[0], 'config'> & { oauth: NonNullable<MailConfig['oauth']> }): AccessToken {
  const service = oauthService(oauth.provider, endpoints.mail_oauth);
  /** Which sign-in a stored token goes back to: a new one in the settings counts more than what followed the old one. */
  const of = createHash('sha256').update(oauth.refreshToken).digest('hex');
  let cached: { token: string; until: number } | undefined;
  let refreshing: Promise<string> | undefined;

  async function refreshToken(): Promise<string> {
    const text = await vault.get(VAULT);
    const stored = text === undefined ? undefined : kept.safeParse(JSON.parse(text)).data;
    return stored?.of === of ? stored.token : oauth.refreshToken;
  }

  async function refresh(): Promise<string> {
    const before = await refreshToken();
    const form = {
      grant_type: 'refresh_token',
      client_id: oauth.clientId,
      ...(oauth.clientSecret === undefined ? {} : { client_secret: oauth.clientSecret }),
      refresh_token: before,
    };
    // Its own time limit: whoever waits for it may leave, and the next one is glad of it.
    const tokens = await askForTokens(http, service, oauth.provider, form, AbortSignal.timeout(LONGEST_REFRESH));
    // Before the token is used: the service may have made the old one worthless just now.
    if (tokens.refresh_token !== undefined && tokens.refresh_token !== before) {
      await vault.put(VAULT, JSON.stringify({ of, token: tokens.refresh_token }));
    }
    cached = { token: tokens.access_token, until: clock.now().getTime() + tokens.expires_in * 1_000 - MARGIN };
    return tokens.access_token;
  }

  return async (signal, refusedToken) => {
    signal.throwIfAborted();
    if (cached && cached.token !== refusedToken && clock.now().getTime() < cached.until) return cached.token;
    refreshing ??= refresh().finally(() => {
      refreshing = undefined;
    });
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([refreshing, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  };
}
