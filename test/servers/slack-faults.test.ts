/** The Slack on loopback: limits, lost answers, connections that end, deliveries that come twice. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bolt, client, closing, refusal, section, start, steppedClock } from './slack/clients.ts';
import { signature } from './slack/http-sender.ts';

describe('planned faults', () => {
  it('happen as often as planned, and what was done although the answer was lost is there', async () => {
    const slack = await start({ mode: 'socket' });
    const web = client(slack);
    const post = (text: string) => web.chat.postMessage({ channel: slack.channels.backups, text });
    slack.limit('chat.postMessage', { retryAfter: 7 });
    await expect(post('a')).rejects.toMatchObject({ retryAfter: 7 });
    slack.fail('chat.postMessage', 'fatal_error');
    expect(await refusal(post('b'))).toBe('fatal_error');
    slack.status('chat.postMessage', 503);
    await expect(post('c')).rejects.toMatchObject({ statusCode: 503 });
    slack.lose('chat.postMessage');
    await expect(post('d')).rejects.toThrow(/fetch failed|terminated|socket/i);
    await post('e');
    expect(slack.texts()).toEqual(['d', 'e']);
    slack.hang('chat.postMessage', 2);
    const hung = refusal(post('f'));
    await slack.waitFor(() => slack.faultsLeft()[0] === 'chat.postMessage: hang x1');
    await slack.close();
    expect(await hung).not.toBe('taken');
  });
});

describe('what ages, and who is closed', () => {
  it('takes no answer to what was said before', async () => {
    const slack = await start({ mode: 'socket' });
    const outcomes: string[] = [];
    await bolt(slack, 'socket', (app) =>
      app.command('/backup', async ({ ack, client, command, respond }) => {
        await ack();
        if (command.text === 'old') slack.expire();
        outcomes.push(await refusal(respond({ text: 'Too late?' })));
        const view = {
          type: 'modal' as const,
          title: { type: 'plain_text' as const, text: 'Form' },
          blocks: [section('x')],
        };
        outcomes.push(await refusal(client.views.open({ trigger_id: command.trigger_id, view })));
      }),
    );
    await slack.as('ana').slash('old');
    await slack.waitFor(() => outcomes.length === 2);
    expect(outcomes[0]).not.toBe('taken');
    expect(outcomes[1]).toBe('expired_trigger_id');
    await slack.as('ana').slash('new');
    await slack.waitFor(() => outcomes.length === 4);
    expect(outcomes.slice(2)).toEqual(['taken', 'taken']);
    expect(slack.violations).toEqual([]);
  });

  it('lets nobody write to a person who takes no direct messages', async () => {
    const slack = await start({ mode: 'socket' });
    const web = client(slack);
    const channel = await slack.as('ana').direct();
    slack.closeDirect('ana');
    expect(await refusal(web.conversations.open({ users: slack.users.ana.id }))).toBe('user_disabled');
    expect(await refusal(web.chat.postMessage({ channel, text: 'Hello.' }))).toBe('messages_tab_disabled');
    expect(slack.violations).toEqual([]);
  });
});

describe('events over HTTP', () => {
  it('come again at once, after 1 and after 5 minutes, signed each time, until they are taken', async () => {
    const clock = steppedClock();
    const slack = await start({ mode: 'http', clock });
    const taken: { headers: IncomingHttpHeaders; body: string }[] = [];
    const answers = [500, 500, 500, 500, 200, 404];
    const app = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      taken.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      response.writeHead(answers.shift() ?? 200, { 'x-slack-no-retry': answers.length === 0 ? '1' : '0' }).end();
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => app.close(resolve)));
    slack.setTarget(`http://127.0.0.1:${(app.address() as AddressInfo).port}/`);
    const ana = slack.as('ana');
    expect(await ana.mention('#backups', 'hello')).toMatchObject({ failed: 'dispatch_failed', status: 500 });
    await slack.waitFor(() => taken.length === 2 && clock.sleeping() === 1);
    clock.forward(60_000);
    await slack.waitFor(() => slack.deliveries.length === 3 && clock.sleeping() === 1);
    // The third repetition is due five minutes after the second.
    clock.forward(299_000);
    expect(taken).toHaveLength(3);
    clock.forward(1_000);
    await slack.waitFor(() => slack.deliveries.length === 4);
    expect(taken.map(({ headers }) => [headers['x-slack-retry-num'], headers['x-slack-retry-reason']])).toEqual([
      [undefined, undefined],
      ['1', 'http_error'],
      ['2', 'http_error'],
      ['3', 'http_error'],
    ]);
    expect(new Set(taken.map(({ body }) => JSON.parse(body).event_id)).size).toBe(1);
    for (const { headers, body } of taken)
      expect(headers['x-slack-signature']).toBe(
        signature(slack.signingSecret, String(headers['x-slack-request-timestamp']), body),
      );
    await ana.mention('#backups', 'taken');
    await ana.mention('#backups', 'do not repeat');
    clock.forward(600_000);
    expect(taken).toHaveLength(6);
  });

  it('sends interactions as forms', async () => {
    const slack = await start({ mode: 'http' });
    const types: unknown[] = [];
    const app = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += String(part);
      const form = new URLSearchParams(body);
      types.push([
        request.headers['content-type'],
        form.get('command') ?? JSON.parse(form.get('payload') ?? '{}').type,
      ]);
      response.end();
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => app.close(resolve)));
    slack.setTarget(`http://127.0.0.1:${(app.address() as AddressInfo).port}/`);
    await slack.as('ana').slash('x');
    await slack.as('ana').globalShortcut('restore_this');
    expect(types).toEqual([
      ['application/x-www-form-urlencoded', '/backup'],
      ['application/x-www-form-urlencoded', 'shortcut'],
    ]);
  });
});

describe('connections', () => {
  it('end by refresh or without a word; what was in hand comes again, and nothing is lost', async () => {
    const slack = await start({ mode: 'socket', ackWithin: 1_000 });
    const told: [string, number | undefined][] = [];
    let first = true;
    await bolt(slack, 'socket', (app) => {
      app.use(async ({ next, context, body }) => {
        if (!('event_id' in body) || body.event.type !== 'app_mention') return next();
        if (first) {
          first = false;
          slack.drop();
        }
        told.push([body.event_id, context.retryNum]);
        await next();
      });
      app.event('app_mention', async () => {});
      app.command('/backup', async ({ ack }) => ack('Heard.'));
    });
    const ana = slack.as('ana');
    await ana.mention('#backups', 'hello');
    await slack.waitFor(() => told.length === 2);
    expect(told[1]).toEqual([told[0]?.[0], 1]);
    slack.refresh();
    await slack.waitFor(() => slack.connections() === 0);
    expect(await ana.slash('x')).toMatchObject({ ack: { text: 'Heard.' } });
    slack.refresh('warning');
    await slack.waitFor(() => slack.connections() === 0);
    expect(await ana.slash('x')).toMatchObject({ ack: { text: 'Heard.' } });
    expect(slack.violations).toEqual([]);
  });

  it('share the events: each goes to one of them', async () => {
    const slack = await start({ mode: 'socket' });
    const told: string[] = [];
    for (const name of ['one', 'two'])
      await bolt(slack, 'socket', (app) =>
        app.command('/backup', async ({ ack, command }) => {
          told.push(`${name} ${command.text}`);
          await ack();
        }),
      );
    expect(slack.connections()).toBe(2);
    for (const text of ['a', 'b', 'c', 'd']) await slack.as('ana').slash(text);
    expect(told.map((one) => one.split(' ')[1]).sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(new Set(told.map((one) => one.split(' ')[0])).size).toBe(2);
  });

  it('are refused to a wrong app token', async () => {
    const slack = await start({ mode: 'socket', ackWithin: 50 });
    expect(await refusal(client(slack, 'xapp-guessed').apps.connections.open())).toBe('invalid_auth');
    expect(await refusal(client(slack, slack.botToken).apps.connections.open())).toBe('not_allowed_token_type');
  });
});

describe('the stingy profile', () => {
  it('answers some posts and edits with 429, and delivers events and commands twice', async () => {
    const slack = await start({ mode: 'socket', profile: 'stingy' });
    const events: string[] = [];
    const commands: string[] = [];
    await bolt(slack, 'socket', (app) => {
      app.use(async ({ body, next }) => {
        if ('event_id' in body && body.event.type === 'app_mention') events.push(body.event_id);
        await next();
      });
      app.event('app_mention', async () => {});
      app.command('/backup', async ({ ack, command }) => {
        commands.push(command.trigger_id);
        await ack();
      });
    });
    const web = client(slack);
    const outcomes: string[] = [];
    for (let post = 0; post < 10; post++)
      outcomes.push(await refusal(web.chat.postMessage({ channel: slack.channels.backups, text: `Post ${post}.` })));
    expect(outcomes.filter((one) => one !== 'taken')).toHaveLength(1);
    for (let n = 0; n < 4; n++) {
      await slack.as('ana').mention('#backups', `m${n}`);
      await slack.as('ana').slash(`c${n}`);
    }
    await slack.waitFor(() => events.length === 6 && commands.length === 5);
    expect([new Set(events).size, new Set(commands).size]).toEqual([4, 4]);
    await slack.waitFor(() => slack.lateAcks() === 1);
    expect(slack.violations).toEqual([]);
  });

  it('closes connections now and then, and nothing is lost', async () => {
    const slack = await start({ mode: 'socket', profile: 'stingy' });
    const told = new Set<string>();
    await bolt(slack, 'socket', (app) =>
      app.command('/backup', async ({ ack, command }) => {
        told.add(command.text);
        await ack();
      }),
    );
    const ana = slack.as('ana');
    const failed: string[] = [];
    for (let n = 0; n < 45; n++) if ((await ana.slash(String(n))).failed !== undefined) failed.push(String(n));
    expect(failed).toEqual([]);
    expect(told.size).toBe(45);
    const hellos = slack.calls.filter(({ method }) => method === 'apps.connections.open');
    expect(hellos.length).toBe(3);
  });
});
