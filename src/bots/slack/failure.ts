/** What Slack's refusals mean for what happens next. The package's errors are known by their `code` here, not by their class. */
import { AuthRequired, isKeepsakeError, NotAllowed, NotFound, RetryLater } from '../../engine/errors.ts';

/** Calls one method of the Web API; throws one of our errors, see `slackFailure`. */
export type Call = (method: string, args?: Record<string, unknown>) => Promise<Record<string, unknown>>;

/** The token, not the call, is what Slack refuses. (docs.slack.dev/reference/methods/auth.test, "Errors") */
const TOKEN = new Set([
  'account_inactive',
  'invalid_auth',
  'not_authed',
  'token_expired',
  'token_revoked',
  'not_allowed_token_type',
]);
/** What it is called there, in the settings, and where it is shown. */
const APP_TOKEN = ['app-level token', 'SLACK_APP_TOKEN', '"Basic Information"'] as const;
const BOT_TOKEN = ['bot token', 'SLACK_BOT_TOKEN', '"Install App" (install it again if it is not there)'] as const;
const CLOSED = new Set([
  'not_in_channel',
  'channel_not_found',
  'is_archived',
  'restricted_action',
  'user_not_in_channel',
  'user_not_found',
  'user_disabled',
  'cannot_dm_bot',
  'messages_tab_disabled',
  'team_access_not_granted',
  'access_denied',
]);
const GONE = new Set(['message_not_found', 'thread_not_found', 'cant_update_message', 'edit_window_closed']);
const LATER = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
]);

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** The word in an answer with `ok: false`; undefined for every other failure. */
function refusal(error: unknown): string | undefined {
  if (codeOf(error) !== 'slack_webapi_platform_error') return undefined;
  const data = (error as { data?: { error?: unknown } }).data;
  return typeof data?.error === 'string' ? data.error : undefined;
}

const scopeAdvice = (error: unknown): string => {
  const needed = (error as { data?: { needed?: unknown } }).data?.needed;
  return `Install the app again from slack/manifest.yaml${typeof needed === 'string' ? `: it lacks ${needed}` : ''}.`;
};

/**
 * One of the errors that everybody here understands: `RetryLater` (with `after` where Slack said it), `AuthRequired` for a
 * refused token, `NotAllowed` where the bot may not write or lacks a scope, `NotFound` for a message that is gone. What is
 * none of these is a mistake of ours and comes back as it is.
 */
export function slackFailure(method: string, error: unknown): unknown {
  if (isKeepsakeError(error)) return error;
  const code = codeOf(error);
  if (code === 'slack_webapi_rate_limited_error') {
    const seconds = (error as { retryAfter?: unknown }).retryAfter;
    return new RetryLater(`Slack asks for a pause before ${method} can be called again.`, {
      code: 'rate_limited',
      after: typeof seconds === 'number' ? seconds * 1000 : undefined,
      cause: error,
    });
  }
  if (code === 'slack_webapi_request_error' || code === 'slack_webapi_http_error') {
    return new RetryLater(`Slack could not be reached (${method}).`, { code: 'slack_away', cause: error });
  }
  const word = refusal(error);
  if (word === undefined) return error;
  if (TOKEN.has(word)) {
    const [token, setting, where] = method.startsWith('apps.') ? APP_TOKEN : BOT_TOKEN;
    return new AuthRequired(`Slack refuses the ${token} (${word}).`, {
      code: 'slack_token',
      advice: `Copy it again from api.slack.com/apps, ${where}, into ${setting}; then restart Keepsake.`,
      cause: error,
    });
  }
  if (word === 'missing_scope' || word === 'no_permission') {
    return new NotAllowed(`Slack does not let the app call ${method}.`, {
      code: 'slack_scope',
      advice: scopeAdvice(error),
      cause: error,
    });
  }
  if (CLOSED.has(word)) {
    return new NotAllowed(`Keepsake may not write in this conversation (${word}).`, {
      code: 'closed',
      advice: 'Invite Keepsake to the channel with /invite, or talk to it directly.',
      cause: error,
    });
  }
  if (GONE.has(word)) return new NotFound(`The message is gone (${word}).`, { code: 'message_gone', cause: error });
  if (LATER.has(word)) return new RetryLater(`Slack cannot answer now (${word}).`, { cause: error });
  return error;
}
