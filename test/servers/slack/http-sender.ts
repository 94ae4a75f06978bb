/** Requests to an app that listens itself: signed, form-encoded as Slack does, with a deadline. */
import { createHmac } from 'node:crypto';
import type { Acked, Fields, Outgoing, Retry } from './types.ts';
import type { World } from './world.ts';

export interface HttpSender {
  setTarget(url: string): void;
  /** Another secret, or a time in seconds other than now's: what an attacker would send. */
  forge(o: { secret?: string; timestamp?: number } | undefined): void;
  send(out: Outgoing, retry?: Retry): Promise<Acked & { noRetry?: boolean }>;
}

export const signature = (secret: string, timestamp: string, body: string): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;

function encoded({ kind, payload }: Outgoing): { body: string; type: string } {
  const form = (fields: Fields): string =>
    new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)])).toString();
  if (kind === 'events_api') return { body: JSON.stringify(payload), type: 'application/json' };
  const type = 'application/x-www-form-urlencoded';
  return { body: kind === 'interactive' ? form({ payload: JSON.stringify(payload) }) : form(payload), type };
}

export function createHttpSender(world: World): HttpSender {
  let target: string | undefined;
  let forged: { secret?: string; timestamp?: number } | undefined;
  return {
    setTarget(url) {
      target = url;
    },
    forge(o) {
      forged = o;
    },
    async send(out, retry) {
      if (target === undefined)
        return {
          ackMs: Number.POSITIVE_INFINITY,
          ack: 'setTarget(url) first: where the app listens',
          failed: 'dispatch_failed',
        };
      const { body, type } = encoded(out);
      // The app compares with its own clock, so it is the machine's time whatever clock the test has.
      const timestamp = String(forged?.timestamp ?? Math.floor(Date.now() / 1000));
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), world.ackWithin);
      const began = performance.now();
      try {
        const response = await fetch(target, {
          method: 'POST',
          headers: {
            'content-type': type,
            'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
            'x-slack-request-timestamp': timestamp,
            'x-slack-signature': signature(forged?.secret ?? world.signingSecret, timestamp, body),
            ...(retry === undefined
              ? {}
              : { 'x-slack-retry-num': String(retry.attempt), 'x-slack-retry-reason': retry.reason }),
          },
          body,
          signal: AbortSignal.any([deadline.signal, world.stopping.signal]),
        });
        const text = await response.text();
        const noRetry = response.headers.get('x-slack-no-retry') === '1';
        if (!response.ok)
          return {
            ackMs: Number.POSITIVE_INFINITY,
            ack: text,
            failed: 'dispatch_failed',
            status: response.status,
            noRetry,
          };
        return { ackMs: performance.now() - began, ack: parsed(text), status: response.status };
      } catch {
        const failed = deadline.signal.aborted ? 'operation_timeout' : 'dispatch_failed';
        return { ackMs: Number.POSITIVE_INFINITY, ack: undefined, failed };
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** Slack takes text or JSON as an acknowledgement's body. */
function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}
