/** The Slack on loopback: what a wrong client does is refused or noted, and what goes wrong in Slack goes wrong here. */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { bolt, button, client, form, refusal, section, start, steppedClock } from './slack/clients.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const found = (all: readonly string[], words: string | RegExp) => expect(all.join('\n')).toMatch(words);

describe('a wrong client', () => {
  it.each(['socket', 'http'] as const)('acknowledges too late over %s: the person reads a failure', async (mode) => {
    const slack = await start({ mode, ackWithin: 120 });
    await bolt(slack, mode, (app) =>
      app.command('/backup', async ({ ack }) => {
        await pause(250);
        await ack();
      }),
    );
    expect(await slack.as('ana').slash('photos')).toMatchObject({ failed: 'operation_timeout' });
    expect(slack.ephemerals('ana').map(({ text, via }) => [text, via])).toEqual([
      ['/backup failed with the error "operation_timeout"', 'slackbot'],
    ]);
    found(slack.violations, 'slash_commands: not acknowledged within 120 ms');
    if (mode === 'socket') await slack.waitFor(() => slack.lateAcks() === 1);
  });

  it('uses a response_url a sixth time, or after half an hour', async () => {
    const clock = steppedClock();
    const slack = await start({ mode: 'socket', clock });
    const outcomes: string[] = [];
    await bolt(slack, 'socket', (app) =>
      app.command('/backup', async ({ ack, respond, command }) => {
        await ack();
        for (let use = 1; use <= Number(command.text); use++) {
          outcomes.push(await respond({ text: `Use ${use}.` }).then(String, (error: Error) => error.name));
          if (Number(command.text) === 2) clock.forward(30 * 60_000 + 1);
        }
        outcomes.push('end');
      }),
    );
    await slack.as('ana').slash('6');
    await slack.waitFor(() => outcomes.includes('end') || outcomes.length === 7);
    expect(slack.ephemerals('ana')).toHaveLength(5);
    found(slack.refusals, 'response_url: used_url');
    await slack.as('ben').slash('2');
    await slack.waitFor(() => slack.refusals.includes('response_url: expired_url'));
    expect(slack.ephemerals('ben').map(({ text }) => text)).toEqual(['Use 1.']);
    const nobodys = await fetch(`${slack.url}/actions/T/none/x`, { method: 'POST', body: '{}' });
    expect(nobodys.status).toBe(404);
  });

  it('uses a trigger twice, late, or one that nobody gave out', async () => {
    const clock = steppedClock();
    const slack = await start({ mode: 'socket', clock });
    const triggers: string[] = [];
    await bolt(slack, 'socket', (app) =>
      app.command('/backup', async ({ ack, command }) => {
        triggers.push(command.trigger_id);
        await ack();
      }),
    );
    await slack.as('ana').slash('one');
    await slack.as('ana').slash('two');
    const web = client(slack);
    const open = (trigger = 'none') => refusal(web.views.open({ trigger_id: trigger, view: form() }));
    expect(await open(triggers[0])).toBe('taken');
    expect(await open(triggers[0])).toBe('exchanged_trigger_id');
    clock.forward(3_001);
    expect(await open(triggers[1])).toBe('expired_trigger_id');
    expect(await open()).toBe('invalid_trigger_id');
    found(slack.violations, 'the trigger_id was used before');
    expect(slack.violations.join()).not.toMatch('expired');
  });

  it.each([
    ['51 blocks', Array.from({ length: 51 }, () => section('x')), /more than 50/],
    [
      'a block_id twice',
      [
        { ...section('x'), block_id: 'b' },
        { ...section('y'), block_id: 'b' },
      ],
      /block id b is used twice/,
    ],
    [
      'an action_id twice',
      [{ type: 'actions', elements: [...button('A', 'a').elements, ...button('B', 'a').elements] }],
      /action id a is used twice/,
    ],
    ['a block that there is not', [{ type: 'carousel' }], /unknown type carousel/],
    ['a section too long', [section('x'.repeat(3_001))], /3001 characters/],
    ['a button too long', [button('x'.repeat(76), 'a')], /76 characters/],
    [
      'a button that holds too much',
      [{ type: 'actions', elements: [{ ...button('A', 'a').elements[0], value: 'x'.repeat(2_001) }] }],
      /2001 characters/,
    ],
    ['an empty text', [section('')], /0 characters/],
  ] as const)('sends %s', async (_, blocks, problem) => {
    const slack = await start({ mode: 'socket' });
    const web = client(slack);
    const args = { channel: slack.channels.backups, text: 'Words.', blocks };
    expect(await refusal(web.apiCall('chat.postMessage', args))).toBe('invalid_blocks');
    found(slack.violations, problem);
    expect(slack.messages('#backups')).toEqual([]);
  });

  it('updates without blocks, says nothing beside them, says nothing at all, or too much', async () => {
    const slack = await start({ mode: 'socket' });
    const web = client(slack);
    const channel = slack.channels.backups;
    const { ts } = await web.chat.postMessage({ channel, text: 'Card.', blocks: [section('0 %')] });
    expect(slack.violations).toEqual([]);
    await web.chat.update({ channel, ts: String(ts), text: 'Card, done.' });
    found(slack.violations, 'chat.update: text: without blocks it removes those that are there');
    expect(slack.messages('#backups')[0]?.blocks).toEqual([]);
    await web.apiCall('chat.postMessage', { channel, blocks: [section('silent')] });
    found(slack.violations, /chat.postMessage: text: is missing/);
    expect(await refusal(web.chat.postMessage({ channel, text: '' }))).toBe('no_text');
    expect(await refusal(web.chat.postMessage({ channel, text: 'x'.repeat(40_001) }))).toBe('msg_too_long');
  });

  it('writes where it is no member, nowhere, to another workspace, or over what others wrote', async () => {
    const slack = await start({ mode: 'socket', ackWithin: 50 });
    const web = client(slack);
    const post = (channel: string) => refusal(web.chat.postMessage({ channel, text: 'Hello.' }));
    expect(await post(slack.channels.finance)).toBe('not_in_channel');
    expect(await post('C0NOWHERE')).toBe('channel_not_found');
    expect(await post(slack.channels.elsewhere)).toBe('channel_not_found');
    const { zoe, stranger } = slack.users;
    expect(await refusal(web.conversations.open({ users: zoe.id }))).toBe('user_not_found');
    expect(
      await refusal(web.chat.postEphemeral({ channel: slack.channels.backups, user: zoe.id, text: 'Psst.' })),
    ).toBe('user_not_found');
    expect(await refusal(web.users.info({ user: zoe.id }))).toBe('user_not_found');
    await web.chat.postEphemeral({ channel: slack.channels.backups, user: stranger.id, text: 'Psst.' });
    const [whispered] = slack.ephemerals('stranger');
    const update = (ts = '') => refusal(web.chat.update({ channel: slack.channels.backups, ts, text: 'Mine.' }));
    expect(await update(whispered?.ts)).toBe('message_not_found');
    expect(await update('1.1')).toBe('message_not_found');
  });

  it('comes with no token, an unknown one, one of another kind, one without the scope, or calls what there is not', async () => {
    const slack = await start({ mode: 'socket', scopes: ['commands'] });
    const test = (token: string) => refusal(client(slack, token).auth.test());
    expect(await test('')).toBe('not_authed');
    expect(await test('xoxb-guessed')).toBe('invalid_auth');
    expect(await test(slack.appToken)).toBe('not_allowed_token_type');
    expect(await refusal(client(slack).apps.connections.open())).toBe('not_allowed_token_type');
    const web = client(slack);
    expect(await refusal(web.chat.postMessage({ channel: slack.channels.backups, text: 'x' }))).toBe('missing_scope');
    expect(await refusal(web.apiCall('chat.invented'))).toBe('unknown_method');
    expect(slack.violations).toHaveLength(6);
    await web.auth.revoke();
    expect(await test(slack.botToken)).toBe('token_revoked');
  });

  it('is never told of what it has no scope for', async () => {
    const slack = await start({ mode: 'socket', scopes: ['commands', 'chat:write'] });
    const told: string[] = [];
    await bolt(slack, 'socket', (app) => app.event('app_mention', async () => void told.push('told')));
    expect(await slack.as('ana').mention('#backups', 'hello')).toMatchObject({ failed: 'dispatch_failed' });
    expect(told).toEqual([]);
    found(slack.violations, 'no scope app_mentions:read');
  });

  it('draws views that Slack refuses, replaces them blindly, or piles them up', async () => {
    const slack = await start({ mode: 'socket' });
    const triggers: string[] = [];
    await bolt(slack, 'socket', (app) => {
      app.command('/backup', async ({ ack, command }) => {
        triggers.push(command.trigger_id);
        await ack();
      });
      app.view('form', async ({ ack, body, view, client }) => {
        const name = view.state.values.name?.value?.value;
        if (name === 'push') {
          const trigger_id = 'trigger_id' in body ? String(body.trigger_id) : '';
          await refusal(client.views.push({ trigger_id, view: form(`${view.title.text}+`) }));
          await ack({ response_action: 'update', view: form() });
        } else await ack({ response_action: 'errors', errors: { nothing: 'No such question.' } });
      });
    });
    const ana = slack.as('ana');
    await ana.slash('x');
    const web = client(slack);
    const { submit: _, ...unsent } = form();
    const trigger = String(triggers[0]);
    expect(await refusal(web.views.open({ trigger_id: trigger, view: unsent }))).toBe('invalid_arguments');
    expect(await refusal(web.views.open({ trigger_id: trigger, view: form('A title of 25 characters.') }))).toBe(
      'invalid_arguments',
    );
    expect(
      await refusal(web.views.open({ trigger_id: trigger, view: { ...form(), private_metadata: 'x'.repeat(3_001) } })),
    ).toBe('invalid_arguments');
    expect(await refusal(web.views.open({ trigger_id: trigger, view: form() }))).toBe('taken');
    const [view] = slack.views('ana');
    if (view === undefined) throw new Error('no view');
    const hash = view.hash;
    await web.views.update({ view_id: view.id, hash, view: form('Newer') });
    expect(await refusal(web.views.update({ view_id: view.id, hash, view: form('Older') }))).toBe('hash_conflict');
    expect((await ana.submit(view, { Name: 'x' })).errors).toEqual({
      '': 'We had some trouble connecting. Try again?',
    });
    found(slack.violations, 'view_submission: an error about no question: nothing');
    const before = slack.violations.length;
    await ana.submit(view, { Name: 'push' });
    await ana.submit(await slack.waitFor(() => slack.views('ana')[1]), { Name: 'push' });
    expect(slack.views('ana')).toHaveLength(3);
    expect(slack.violations).toHaveLength(before);
    await ana.submit(await slack.waitFor(() => slack.views('ana')[2]), { Name: 'push' });
    found(slack.violations, 'views.push: more than 3 modals');
  });

  it('opens a socket without a ticket, with one used before, or acknowledges what it was not sent', async () => {
    const slack = await start({ mode: 'socket' });
    const answer = await client(slack, slack.appToken).apps.connections.open();
    const url = String(answer.url);
    const first = new WebSocket(url);
    const hello = await new Promise<string>((resolve) => first.once('message', (data) => resolve(String(data))));
    expect(JSON.parse(hello)).toMatchObject({ type: 'hello', num_connections: 1, debug_info: { host: 'loopback' } });
    const outcome = (address: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = new WebSocket(address);
        socket.once('open', () => resolve('open'));
        socket.once('error', (error) => resolve(error.message));
      });
    expect(await outcome(url)).toContain('401');
    expect(await outcome(url.replace(/ticket=[^&]*/, ''))).toContain('401');
    first.send(JSON.stringify({ envelope_id: 'never-sent' }));
    await slack.waitFor(() => slack.violations.some((one) => one.includes('an acknowledgement of nothing')));
    first.close();
  });
});

describe('signed requests', () => {
  it('are refused by Bolt with a wrong secret or an old time, and taken again when they are right', async () => {
    const slack = await start({ mode: 'http' });
    await bolt(slack, 'http', (app) => app.command('/backup', async ({ ack }) => ack('Heard.')));
    const ana = slack.as('ana');
    slack.forge({ secret: 'guessed' });
    expect(await ana.slash('x')).toMatchObject({ failed: 'dispatch_failed', status: 401 });
    slack.forge({ timestamp: Math.floor(Date.now() / 1000) - 301 });
    expect(await ana.slash('x')).toMatchObject({ failed: 'dispatch_failed', status: 401 });
    slack.forge();
    expect(await ana.slash('x')).toMatchObject({ ack: 'Heard.', status: 200 });
    expect(slack.ephemerals('ana').at(-1)).toMatchObject({ text: 'Heard.', via: 'ack' });
    expect(await slack.challenge()).toMatchObject({ ack: { challenge: expect.any(String) } });
  });
});
