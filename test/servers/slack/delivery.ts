/** How events, commands and interactions reach the app, whichever way: deadlines, repetitions, what people see when nobody answers. */

import { STINGY } from './faults.ts';
import type { HttpSender } from './http-sender.ts';
import type { Sockets } from './socket.ts';
import type { Acked, Fields, Outgoing, Retry, SlackChannel, SlackMessage } from './types.ts';
import type { Workspace, World } from './world.ts';

export interface Delivery {
  /** Resolves with the first attempt's outcome; what fails comes again at once, after 1 and after 5 minutes. */
  event(workspace: Workspace, event: Fields, o?: { scope?: string; extra?: Fields }): Promise<Acked>;
  interaction(out: Outgoing): Promise<Acked>;
}

/** (docs.slack.dev/apis/events-api: retries) */
const RETRIES = [0, 60_000, 300_000];
/** Somebody who reads that it failed tries again for about so long. */
const PATIENCE = 10_000;

type Sent = Acked & { closed?: boolean; noRetry?: boolean };

export function createDelivery(world: World, o: { sockets: Sockets; http: HttpSender }): Delivery {
  let events = 0;
  let interactions = 0;
  let envelopes = 0;
  let inHand = 0;
  let due: 'refresh' | 'drop' | undefined;

  async function once(out: Outgoing, retry?: Retry): Promise<Sent> {
    const at = world.clock.now();
    const isWaitedFor = out.kind !== 'events_api';
    if (isWaitedFor) inHand++;
    const sent: Sent = await (world.mode === 'socket' ? o.sockets.send(out, retry) : o.http.send(out, retry));
    if (isWaitedFor) inHand--;
    const { closed, noRetry, ...acked } = sent;
    world.deliveries.push({ ...acked, kind: out.kind, payload: out.payload, attempt: retry?.attempt ?? 0, at });
    if (sent.failed === 'operation_timeout' && closed !== true && !world.stopping.signal.aborted)
      world.blame(`${out.kind}: not acknowledged within ${world.ackWithin} ms`);
    world.changed();
    if (world.stingy && world.mode === 'socket') stint();
    return sent;
  }

  /** Ends connections now and then, though not while a person waits for an answer: nobody would send that again. */
  function stint(): void {
    envelopes++;
    if (envelopes % STINGY.refreshed === 0) due = 'refresh';
    if (envelopes % STINGY.dropped === 0) due = 'drop';
    if (due === undefined || inHand > 0) return;
    if (due === 'refresh') o.sockets.refresh('refresh_requested');
    else o.sockets.drop();
    due = undefined;
  }

  /** A person notices a gap and presses again. */
  async function ready(): Promise<void> {
    if (world.mode !== 'socket') return;
    const patience = AbortSignal.any([AbortSignal.timeout(PATIENCE), world.stopping.signal]);
    while (o.sockets.connections() === 0 && !patience.aborted) await world.whenChanged(patience);
  }

  const reasonOf = (sent: Sent): string => {
    if (world.mode === 'socket') return 'timeout';
    if (sent.failed === 'operation_timeout') return 'http_timeout';
    return sent.status === undefined ? 'connection_failed' : 'http_error';
  };

  async function again(out: Outgoing, first: Sent): Promise<void> {
    let last = first;
    for (const [index, pause] of RETRIES.entries()) {
      if (last.failed === undefined || last.noRetry === true) return;
      if (pause > 0) await world.clock.sleep(pause, world.stopping.signal);
      await ready();
      if (world.stopping.signal.aborted) return;
      last = await once(out, { attempt: index + 1, reason: reasonOf(last) });
    }
  }

  return {
    async event(workspace, event, { scope, extra } = {}) {
      const token = [...world.tokens.values()].find(
        (one) => one.kind === 'bot' && one.workspace === workspace.id && one.revoked === undefined,
      );
      if (scope !== undefined && token?.scopes.includes(scope) !== true) {
        world.blame(`event ${String(event.type)}: the app has no scope ${scope}, so it is never told`);
        return { ackMs: Number.POSITIVE_INFINITY, ack: undefined, failed: 'dispatch_failed' };
      }
      const out: Outgoing = {
        kind: 'events_api',
        accepts: false,
        payload: {
          token: world.verification,
          team_id: workspace.id,
          context_team_id: workspace.id,
          context_enterprise_id: null,
          api_app_id: world.appId,
          event: { event_ts: world.ts(), ...event },
          type: 'event_callback',
          event_id: world.id('Ev'),
          event_time: Math.floor(world.clock.now().getTime() / 1000),
          authorizations: [
            {
              enterprise_id: null,
              team_id: workspace.id,
              user_id: workspace.botUser,
              is_bot: true,
              is_enterprise_install: false,
            },
          ],
          is_ext_shared_channel: false,
          event_context: world.id('4-'),
          ...extra,
        },
      };
      await ready();
      const sent = await once(out);
      if (sent.failed !== undefined) world.aside(again(out, sent));
      else if (world.stingy && ++events % STINGY.doubledEvents === 0)
        world.aside(once(out, { attempt: 1, reason: reasonOf({ ...sent, failed: 'operation_timeout' }) }));
      return sent;
    },
    async interaction(out) {
      await ready();
      const sent = await once(out);
      if (world.stingy && world.mode === 'socket' && ++interactions % STINGY.doubledInteractions === 0)
        o.sockets.repeat(out);
      return sent;
    },
  };
}

/** An app hears its own words in a direct conversation too, and must not answer them. */
export function toldInDirect(
  world: World,
  workspace: Workspace,
  channel: SlackChannel,
  message: SlackMessage,
  what: 'new' | 'changed',
): void {
  const token = [...world.tokens.values()].find((one) => one.kind === 'bot' && one.workspace === workspace.id);
  if (channel.direct === undefined || token?.scopes.includes('im:history') !== true) return;
  const own = {
    type: 'message',
    user: message.by,
    bot_id: workspace.botId,
    app_id: world.appId,
    text: message.text,
    blocks: message.blocks,
    ts: message.ts,
  };
  const event: Fields =
    what === 'new'
      ? { ...own, channel: channel.id, channel_type: 'im' }
      : {
          type: 'message',
          subtype: 'message_changed',
          hidden: true,
          channel: channel.id,
          channel_type: 'im',
          ts: world.ts(),
          message: { ...own, edited: { user: message.by, ts: world.ts() } },
          previous_message: { ...own, text: message.versions.at(-1)?.text ?? '' },
        };
  world.aside(world.delivery.event(workspace, event));
}
