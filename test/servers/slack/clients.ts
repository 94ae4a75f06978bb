/** Clients for the tests of the Slack on loopback: Bolt itself both ways, a clock that stands still, small payloads. */
import type { AddressInfo } from 'node:net';
import { App, HTTPReceiver, LogLevel, SocketModeReceiver, webApi } from '@slack/bolt';
import { afterEach } from 'vitest';
import type { Clock } from '../../../src/engine/types.ts';
import { type SlackOptions, type SlackServer, startSlack } from '../slack.ts';

export const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export const start = async (o: SlackOptions): Promise<SlackServer> => {
  const slack = await startSlack(o);
  closing.push(() => slack.close());
  return slack;
};

export const clientOptions = (slack: SlackServer) => ({
  slackApiUrl: `${slack.url}/api/`,
  retryConfig: { retries: 0 },
});
export const client = (slack: SlackServer, token = slack.botToken) =>
  new webApi.WebClient(token, { ...clientOptions(slack), rejectRateLimitedCalls: true, logLevel: LogLevel.ERROR });

/** What a method was refused with. */
export const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'taken',
    (error: { data?: { error?: string }; message: string }) => error.data?.error ?? error.message,
  );

export type Listen = (app: App) => void;

export async function bolt(slack: SlackServer, mode: 'socket' | 'http', listen: Listen): Promise<App> {
  const options = clientOptions(slack);
  const receiver =
    mode === 'http'
      ? new HTTPReceiver({ signingSecret: slack.signingSecret, logLevel: LogLevel.ERROR })
      : new SocketModeReceiver({
          appToken: slack.appToken,
          // Its pause before it connects again, and its patience with a busy machine's pong.
          clientPingTimeout: 600,
          installerOptions: { clientOptions: options },
          logLevel: LogLevel.ERROR,
        });
  const app = new App({ token: slack.botToken, receiver, clientOptions: options, logLevel: LogLevel.ERROR });
  app.error(async () => {});
  listen(app);
  if (receiver instanceof HTTPReceiver) {
    const server = await receiver.start(0);
    slack.setTarget(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
    closing.push(async () => {
      server.closeAllConnections();
      await receiver.stop();
    });
  } else {
    await app.start();
    closing.push(() => app.stop());
  }
  return app;
}

/** Time passes when it is told to. */
export function steppedClock(): Clock & { forward(ms: number): void; sleeping(): number } {
  let now = Date.parse('2026-11-22T12:00:00Z');
  const sleepers = new Set<{ until: number; wake: () => void }>();
  return {
    now: () => new Date(now),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    sleeping: () => sleepers.size,
    forward(ms) {
      now += ms;
      for (const one of sleepers)
        if (one.until <= now) {
          sleepers.delete(one);
          one.wake();
        }
    },
  };
}

export const plain = (text: string) => ({ type: 'plain_text' as const, text });
export const section = (text: string) => ({ type: 'section' as const, text: plain(text) });
export const button = (label: string, id: string) => ({
  type: 'actions' as const,
  elements: [{ type: 'button' as const, text: plain(label), action_id: id, value: id }],
});
export const form = (title = 'Form') => ({
  type: 'modal' as const,
  callback_id: 'form',
  title: plain(title),
  submit: plain('Save'),
  blocks: [
    {
      type: 'input' as const,
      block_id: 'name',
      label: plain('Name'),
      element: { type: 'plain_text_input' as const, action_id: 'value', max_length: 20 },
    },
    {
      type: 'input' as const,
      block_id: 'plan',
      optional: true,
      label: plain('Plan'),
      element: { type: 'external_select' as const, action_id: 'plans', min_query_length: 1 },
    },
  ],
});
