/** Several workspaces: people install the app by themselves, and each workspace's token is kept sealed under its own id. */
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { AuthRequired } from '../../engine/errors.ts';
import type { Vault } from '../../engine/services.ts';
import type { Log } from '../../engine/types.ts';

/** The part of Slack's answer that is needed later. Nothing of the person who installed it is kept. */
export interface Installed {
  token: string;
}

/** As @slack/oauth hands it over; more is in it. */
interface Installation {
  team?: { id: string; name?: string | undefined } | undefined;
  enterprise?: { id: string } | undefined;
  isEnterpriseInstall?: boolean | undefined;
  appId?: string | undefined;
  bot?: { token: string } | undefined;
}

interface Query {
  teamId?: string | undefined;
  enterpriseId?: string | undefined;
  isEnterpriseInstall?: boolean | undefined;
}

export interface Installations {
  /** `AuthRequired` when the app is not installed there (any more). */
  get(team: string): Promise<Installed>;
  put(team: string, installed: Installed): Promise<void>;
  remove(team: string): Promise<void>;
  /** The organisation whose installation serves this workspace, as far as it was heard of. */
  organisation(team: string): Promise<string | undefined>;
  belongs(team: string, organisation: string): Promise<void>;
}

/** Scopes of the bot, as in slack/manifest.yaml; a test holds the two together. */
export const SCOPES = [
  'app_mentions:read',
  'chat:write',
  'commands',
  'files:write',
  'im:history',
  'im:write',
  'users:read',
] as const;

const vaultId = (team: string): string => `slack/${team}`;
const organisationId = (team: string): string => `slack/${team}/organisation`;

export const createInstallations = (vault: Vault): Installations => ({
  async get(team) {
    const kept = await vault.get(vaultId(team));
    if (kept === undefined) {
      throw new AuthRequired('Keepsake is not installed in this Slack workspace.', {
        code: 'slack_not_installed',
        advice: 'Open /slack/install at the address of this Keepsake and install it.',
      });
    }
    return JSON.parse(kept) as Installed;
  },
  put: (team, installed) => vault.put(vaultId(team), JSON.stringify(installed)),
  remove: (team) => vault.remove(vaultId(team)),
  organisation: (team) => vault.get(organisationId(team)),
  async belongs(team, organisation) {
    if ((await vault.get(organisationId(team))) !== organisation) await vault.put(organisationId(team), organisation);
  },
});

/**
 * Signs the `state` that goes through the browser. Derived, so that it needs no place to be kept and every process has the
 * same; of the client secret, which whoever could use it would have to know anyway.
 */
export const stateSecret = (clientSecret: string): string =>
  createHmac('sha256', clientSecret).update('keepsake/slack/oauth-state').digest('hex');

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A whole page without scripts and without anything from elsewhere. */
export const page = (title: string, text: string, link?: { href: string; label: string }): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;color:#1d1c1d;background:#fff}
a{display:inline-block;margin-top:1rem;padding:.6rem 1.1rem;border-radius:.4rem;background:#1264a3;color:#fff;text-decoration:none}</style>
</head><body><main><h1>${escaped(title)}</h1><p>${escaped(text)}</p>${
  link === undefined ? '' : `<p><a href="${escaped(link.href)}">${escaped(link.label)}</a></p>`
}</main></body></html>
`;

const answer = (response: ServerResponse, status: number, html: string): void => {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      // The address of this page holds a code of Slack's; it must not travel on in a Referer.
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    })
    .end(html);
};

/** Opens the conversation with the bot: the one next step. */
const conversationLink = (team: string, appId: string | undefined): string =>
  appId === undefined
    ? `https://slack.com/app_redirect?team=${encodeURIComponent(team)}`
    : `https://slack.com/app_redirect?app=${encodeURIComponent(appId)}&team=${encodeURIComponent(team)}`;

/** What a receiver of Bolt needs to let people install the app. Generic, because the options of its clients are its own. */
export interface Installer {
  receiverOptions<C>(clientOptions: C): ReturnType<typeof receiverOptions<C>>;
}

interface InstallerOrder {
  clientId: string;
  clientSecret: string;
  /** `https://slack.com/oauth/v2/authorize`, or the endpoint's. */
  authorizationUrl: string;
  /** Where this Keepsake is reached from outside. Absent: Slack takes the first address of the app's settings. */
  url: string | undefined;
  installations: Installations;
  /** The token of a team has changed or gone. */
  changed(team: string): void;
  log: Log;
}

function receiverOptions<C>(order: InstallerOrder, clientOptions: C) {
  const { installations, log } = order;
  const idOf = (installation: Installation): string | undefined =>
    installation.isEnterpriseInstall ? installation.enterprise?.id : installation.team?.id;
  return {
    clientId: order.clientId,
    clientSecret: order.clientSecret,
    stateSecret: stateSecret(order.clientSecret),
    scopes: [...SCOPES],
    ...(order.url === undefined ? {} : { redirectUri: `${order.url}/slack/oauth_redirect` }),
    installationStore: {
      async storeInstallation(installation: Installation): Promise<void> {
        const team = idOf(installation);
        if (team === undefined || installation.bot === undefined) {
          throw new AuthRequired('Slack named no workspace or gave no token for a bot, so nothing was installed.');
        }
        await installations.put(team, { token: installation.bot.token });
        order.changed(team);
        log('info', 'slack.installed', { team });
      },
      // Tokens are looked up by us, after the acknowledgement; Bolt is never asked for one.
      fetchInstallation: async (): Promise<never> => {
        throw new AuthRequired('Tokens of workspaces are not read through Bolt.');
      },
      async deleteInstallation(query: Query): Promise<void> {
        const team = query.isEnterpriseInstall ? query.enterpriseId : query.teamId;
        if (team !== undefined) await installations.remove(team);
      },
    },
    installerOptions: {
      clientOptions,
      authorizationUrl: order.authorizationUrl,
      redirectUriPath: '/slack/oauth_redirect',
      installPath: '/slack/install',
      renderHtmlForInstallPath: (href: string) =>
        page('Keepsake for Slack', 'Backs up what you love, and talks about it in Slack.', {
          href,
          label: 'Add to Slack',
        }),
      callbackOptions: {
        success: (installation: Installation, _options: unknown, _request: unknown, response: ServerResponse): void => {
          const team = idOf(installation) ?? '';
          answer(
            response,
            200,
            page(
              'Keepsake is in your workspace.',
              'One step is left: say hello to it, and it tells you how to begin.',
              {
                href: conversationLink(team, installation.appId),
                label: 'Talk to Keepsake',
              },
            ),
          );
        },
        failure: (
          error: Error & { code?: string },
          _options: unknown,
          _request: unknown,
          response: ServerResponse,
        ): void => {
          log('warn', 'slack.not_installed', { reason: error.code ?? error.name });
          // An old link, another browser, a refusal: everything else is ours or Slack's.
          const theirs = [
            'slack_oauth_invalid_state',
            'slack_oauth_missing_state',
            'slack_oauth_missing_code',
            'slack_oauth_installer_authorization_error',
          ];
          const mistaken = theirs.includes(error.code ?? '');
          answer(
            response,
            mistaken ? 400 : 500,
            page(
              'Keepsake was not installed.',
              'Nothing was changed. The link may be old, or it was declined in Slack.',
              {
                href: '/slack/install',
                label: 'Try again',
              },
            ),
          );
        },
      },
    },
  };
}

export const createInstaller = (order: InstallerOrder): Installer => ({
  receiverOptions: (clientOptions) => receiverOptions(order, clientOptions),
});
