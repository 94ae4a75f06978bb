/** Slack over signed HTTP, and the installation into several workspaces. */
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateSecret } from '../../src/bots/slack/installations.ts';
import type { SlackServer } from '../servers/slack.ts';
import { openSlackWorld, type SlackWorld } from './slack-world.ts';

describe('Slack over HTTP', () => {
  let place: SlackWorld;
  let slack: SlackServer;

  beforeEach(async () => {
    place = await openSlackWorld({ mode: 'http' });
    slack = place.slack;
    await place.know(slack.users.ana, 'owner');
  });
  afterEach(async () => {
    await place.close();
    expect(slack.violations).toEqual([]);
  });

  it('takes signed requests, and answers them', async () => {
    await place.start();
    expect((await slack.challenge()).status).toBe(200);
    expect((await slack.as('ana').slash('list', { channel: slack.channels.backups })).failed).toBeUndefined();
    await slack.waitFor(() => slack.ephemerals('ana').find(({ text }) => /No backups yet/.test(text)));
    await slack.as('ana').dm('whoami');
    await slack.waitFor(() => slack.messages(slack.users.ana).find(({ text }) => /You are Ana/.test(text)));
  });

  it('opens forms with field errors in the acknowledgement', async () => {
    await place.start();
    await slack.as('ana').globalShortcut('new_backup');
    const view = await slack.waitFor(() =>
      slack.views('ana').find(({ blocks }) => blocks.some(({ type }) => type === 'input')),
    );
    const { errors, ackMs } = await slack.as('ana').submit(view, { When: 'weekly' });
    expect(errors).toBeDefined();
    expect(ackMs).toBeLessThan(3_000);
    expect(slack.views('ana')).toHaveLength(1);
  });

  it('refuses what somebody else signed, or signed long ago', async () => {
    await place.start();
    slack.forge({ secret: 'guessed' });
    expect((await slack.as('ana').slash('list', { channel: slack.channels.backups })).status).toBe(401);
    slack.forge({ timestamp: Math.floor(Date.now() / 1000) - 3_600 });
    expect((await slack.as('ana').slash('list', { channel: slack.channels.backups })).status).toBe(401);
    slack.forge();
    await slack.as('ana').slash('whoami', { channel: slack.channels.backups });
    await slack.waitFor(() => slack.ephemerals('ana').find(({ text }) => /You are Ana/.test(text)));
    expect(slack.ephemerals('ana').filter(({ text }) => /No backups/.test(text))).toEqual([]);
  });

  it('tells the log of an acknowledgement that took long, and not what was said', async () => {
    const { clock } = place.services;
    let steps = 0;
    const slow = { ...clock, now: () => new Date(clock.now().getTime() + 2_000 * steps++) };
    await place.start({ services: { ...place.services, clock: slow } });
    await slack.as('ana').slash('help with my secret plans', { channel: slack.channels.backups });
    const told = place.world.lines.find((line) => line.includes('slack.slow_ack'));
    expect(told).toMatch(/^warn slack\.slow_ack .*"kind":"command"/);
    expect(told).not.toMatch(/secret plans/);
  });

  it('says that it is well, and nothing about anything else', async () => {
    await place.start();
    expect(await (await fetch(`${place.address}/healthz`)).text()).toBe('ok\n');
    expect((await fetch(`${place.address}/slack/install`)).status).toBe(404);
    expect((await fetch(`${place.address}/anything`)).status).toBe(404);
  });

  it('says which port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(Number(new URL(place.address).port), resolve));
    await expect(place.start()).rejects.toMatchObject({ code: 'port_taken' });
    await new Promise((resolve) => other.close(resolve));
  });
});

describe.each(['http', 'socket'] as const)('several workspaces over %s', (mode) => {
  let place: SlackWorld;
  let slack: SlackServer;

  beforeEach(async () => {
    place = await openSlackWorld({ mode });
    slack = place.slack;
    const { clientId, clientSecret, signingSecret, appToken } = slack;
    await place.know(slack.users.zoe, 'member');
    await place.start({
      url: place.address,
      config: {
        reach: mode === 'http' ? { kind: 'http', signingSecret } : { kind: 'socket', appToken },
        workspace: { kind: 'several', clientId, clientSecret },
      },
    });
  });
  afterEach(async () => {
    await place.close();
    expect(slack.violations).toEqual([]);
  });

  const install = (o?: { deny: true }) => slack.install(`${place.address}/slack/install`, 'zoe', o);
  const kept = (): Promise<string | undefined> => place.services.vault.get(`slack/${slack.otherTeam.id}`);

  it('are installed by the people there, with one next step, and forgotten when they remove it', async () => {
    const { status, text } = await install();
    expect(status).toBe(200);
    expect(text).toMatch(/Keepsake is in your workspace/);
    expect(text.match(/<a /g)).toHaveLength(1);
    expect(slack.messages('#elsewhere')).toEqual([]);
    expect(await kept()).toContain(slack.token(slack.otherTeam.id));
    await slack.as('zoe').dm('whoami');
    await slack.waitFor(() => slack.messages(slack.users.zoe).find(({ text: said }) => /You are Zoe/.test(said)));
    await slack.uninstall(slack.otherTeam.id);
    await expect.poll(kept).toBeUndefined();
  });

  it('stay as they are when somebody declines, or comes back with an answer that is not theirs', async () => {
    const denied = await install({ deny: true });
    expect(denied.status).toBe(400);
    expect(denied.text).toMatch(/was not installed/);
    const { callback } = await install();
    const again = await fetch(callback);
    expect(again.status).toBe(400);
  });

  it('are not talked to before it is installed', async () => {
    await slack.as('ana').slash('list', { channel: slack.channels.backups });
    await expect.poll(() => place.world.lines.some((line) => line.includes('not installed in this Slack'))).toBe(true);
  });
});

describe('the state of an installation', () => {
  it('is signed with something derived of the client secret, and never the secret itself', () => {
    expect(stateSecret('a')).toBe(stateSecret('a'));
    expect(stateSecret('a')).not.toBe(stateSecret('b'));
    expect(stateSecret('a-long-client-secret')).not.toContain('a-long-client-secret');
  });
});
