/** The Slack on loopback: installing in another workspace, the times of its messages, and its end. */
import { App, HTTPReceiver, type Installation, LogLevel } from '@slack/bolt';
import { describe, expect, it } from 'vitest';
import { client, clientOptions, closing, refusal, section, start, steppedClock } from './slack/clients.ts';
import { startSlack } from './slack.ts';
import { freePort } from './sshd.ts';

describe('installations', () => {
  const several = async () => {
    const slack = await start({ mode: 'http' });
    const kept = new Map<string, Installation>();
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const options = clientOptions(slack);
    const receiver = new HTTPReceiver({
      signingSecret: slack.signingSecret,
      clientId: slack.clientId,
      clientSecret: slack.clientSecret,
      stateSecret: 'a state secret',
      redirectUri: `${base}/slack/oauth_redirect`,
      scopes: ['commands', 'chat:write', 'im:write'],
      logLevel: LogLevel.ERROR,
      installerOptions: {
        authorizationUrl: `${slack.url}/oauth/v2/authorize`,
        clientOptions: options,
        directInstall: true,
        redirectUriPath: '/slack/oauth_redirect',
      },
      installationStore: {
        storeInstallation: async (one) => void kept.set(one.team?.id ?? '', one),
        fetchInstallation: async ({ teamId }) => {
          const found = kept.get(teamId ?? '');
          if (found === undefined) throw new Error('not installed');
          return found;
        },
        deleteInstallation: async ({ teamId }) => void kept.delete(teamId ?? ''),
      },
    });
    const app = new App({
      receiver,
      clientOptions: options,
      logLevel: LogLevel.ERROR,
    });
    app.error(async () => {});
    app.command('/backup', async ({ ack, client, command }) => {
      await ack();
      await client.chat.postMessage({ channel: command.user_id, text: `Hello ${command.user_name}.` });
    });
    app.event('app_uninstalled', async ({ body }) => void kept.delete(body.team_id));
    const server = await receiver.start(port);
    slack.setTarget(`${base}/slack/events`);
    closing.push(async () => {
      server.closeAllConnections();
      await receiver.stop();
    });
    return { slack, kept, base };
  };

  it('give the other workspace a token of its own, until it is uninstalled', async () => {
    const { slack, kept, base } = await several();
    const installed = await slack.install(`${base}/slack/install`, 'zoe');
    expect(installed.status).toBe(200);
    const token = slack.token(slack.otherTeam.id);
    expect(kept.get(slack.otherTeam.id)?.bot).toMatchObject({ token, userId: slack.otherTeam.botUser });
    await slack.as('zoe').slash('x');
    await slack.waitFor(() => slack.messages('zoe').some(({ text }) => text === 'Hello zoe.'));
    expect(await refusal(client(slack, token).chat.postMessage({ channel: slack.channels.backups, text: 'x' }))).toBe(
      'channel_not_found',
    );
    await slack.uninstall(slack.otherTeam.id);
    await slack.waitFor(() => !kept.has(slack.otherTeam.id));
    expect(await refusal(client(slack, token).auth.test())).toBe('account_inactive');
    expect(slack.violations).toEqual([]);
  });

  it('are refused without consent, to a replayed code, and to a browser that did not begin them', async () => {
    const { slack, kept, base } = await several();
    const denied = await slack.install(`${base}/slack/install`, 'zoe', { deny: true });
    expect(new URL(denied.callback).searchParams.get('error')).toBe('access_denied');
    const installed = await slack.install(`${base}/slack/install`, 'zoe');
    kept.clear();
    const replayed = await fetch(installed.callback);
    expect(replayed.status).not.toBe(200);
    expect(kept.size).toBe(0);
    const code = new URL(installed.callback).searchParams.get('code') ?? '';
    const { clientId: client_id, clientSecret: client_secret } = slack;
    const exchange = (given: object) =>
      refusal(client(slack, '').oauth.v2.access({ client_id, client_secret, code, ...given }));
    expect(await exchange({})).toBe('invalid_code');
    expect(await exchange({ client_secret: 'guessed' })).toBe('bad_client_secret');
    const strange = new URLSearchParams({
      client_id,
      scope: 'commands',
      redirect_uri: 'https://evil.example/',
      state: 's',
    });
    expect((await fetch(`${slack.url}/oauth/v2/authorize?${strange}`)).status).toBe(400);
  });
});

describe('its time and its end', () => {
  it('gives messages the times of the clock it is given', async () => {
    const clock = steppedClock();
    const slack = await start({ mode: 'socket' });
    slack.setClock(clock);
    const web = client(slack);
    const channel = slack.channels.backups;
    const { ts } = await web.chat.postMessage({ channel, text: 'Now.', blocks: [section('Now.')] });
    expect(Math.floor(Number(ts) * 1000)).toBeGreaterThanOrEqual(clock.now().getTime());
    expect(Math.floor(Number(ts))).toBe(clock.now().getTime() / 1000);
    await web.chat.update({ channel, ts: String(ts), text: 'Then.', blocks: [section('Then.')] });
    expect(slack.messages('#backups')).toMatchObject([{ ts, edits: 1, text: 'Then.', versions: [{ text: 'Now.' }] }]);
  });

  it('leaves no port, no timer and no socket behind', async () => {
    const before = process.getActiveResourcesInfo().filter((one) => /Timeout|TCPSERVER/i.test(one)).length;
    const slack = await startSlack({ mode: 'http' });
    await slack.as('ana').mention('#backups', 'nobody listens, so it would come again in a minute');
    await slack.close();
    await expect(fetch(slack.url)).rejects.toThrow();
    const after = process.getActiveResourcesInfo().filter((one) => /Timeout|TCPSERVER/i.test(one)).length;
    expect(after).toBeLessThanOrEqual(before + 1);
  });

  it('tells what was seen when something does not come', async () => {
    const slack = await start({ mode: 'socket' });
    await client(slack).chat.postMessage({ channel: slack.channels.backups, text: 'Only this.' });
    await expect(slack.waitFor(() => undefined, 50)).rejects.toThrow('Only this.');
  });
});
