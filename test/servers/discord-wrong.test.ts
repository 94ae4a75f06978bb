/** Wrong clients of the fake Discord: each must fail, and be written down where a right one never would do that. */
import { afterEach, describe, expect, it } from 'vitest';
import { type BareBot, bareBot, call } from './discord/clients.ts';
import type { Json } from './discord/json.ts';
import { type DiscordServer, startDiscord } from './discord.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function server(): Promise<DiscordServer> {
  const started = await startDiscord({ bucket: { requests: 100 } });
  open.push(() => started.close());
  return started;
}

async function together(): Promise<{ discord: DiscordServer; bot: BareBot }> {
  const discord = await server();
  const bot = await bareBot(discord);
  open.push(() => bot.close());
  return { discord, bot };
}

/** A slash command that was heard, and the way to answer it. */
async function asked(o: { dm?: boolean } = {}) {
  const { discord, bot } = await together();
  const interaction = await discord.as('ana').slash('backup', 'list', {}, o);
  const { id, token } = await bot.next('INTERACTION_CREATE');
  const answer = (type: number, data?: Json) =>
    call(discord, 'POST', `/interactions/${String(id)}/${String(token)}/callback`, data ? { type, data } : { type });
  const webhook = (method: string, path: string, body?: Json) =>
    call(discord, method, `/webhooks/${discord.application}/${String(token)}${path}`, body);
  return { discord, bot, interaction, answer, webhook };
}

const SAFE = { allowed_mentions: { parse: [] } };
const V2 = 1 << 15;
const says = (content: string): Json => ({ type: 10, content });
const button = (custom_id: string, more: Json = {}): Json => ({ type: 2, style: 2, label: 'Go', custom_id, ...more });
const row = (...components: Json[]): Json => ({ type: 1, components });
const codes = (discord: DiscordServer): number[] => discord.violations.map(({ code }) => code);
const modal = (more: Json = {}): Json => ({
  custom_id: 'm',
  title: 'Change',
  components: [{ type: 18, label: 'When', component: { type: 4, style: 1, custom_id: 'when' } }],
  ...more,
});

describe('answers to interactions', () => {
  it('after three seconds', async () => {
    const { discord, answer, interaction } = await asked();
    discord.pass(3_001);
    expect(await answer(4, { content: 'x', ...SAFE })).toMatchObject({ status: 404, body: { code: 10062 } });
    expect(interaction.failed()).toBe('The application did not respond');
    expect(discord.messages('backups')).toEqual([]);
  });

  it('twice', async () => {
    const { discord, answer } = await asked();
    expect((await answer(5)).status).toBe(204);
    expect(await answer(4, { content: 'x', ...SAFE })).toMatchObject({ status: 400, body: { code: 40060 } });
    expect(codes(discord)).toEqual([40060]);
  });

  it('a modal after a deferral', async () => {
    const { discord, answer } = await asked();
    await answer(5);
    expect(await answer(9, modal())).toMatchObject({ status: 400, body: { code: 40060 } });
    expect(discord.as('ana').modalNow()).toBeUndefined();
    expect(discord.violations).toMatchObject([{ message: 'A modal was to be opened after another answer' }]);
  });

  it('a modal to a modal', async () => {
    const { discord, bot, answer } = await asked();
    await answer(9, modal());
    const ana = discord.as('ana');
    await ana.submit(await ana.modal(), { When: 'daily' });
    const { id, token } = await bot.next('INTERACTION_CREATE');
    const path = `/interactions/${String(id)}/${String(token)}/callback`;
    expect(await call(discord, 'POST', path, { type: 9, data: modal() })).toMatchObject({ body: { code: 50035 } });
    expect(await call(discord, 'POST', path, { type: 7, data: SAFE })).toMatchObject({ body: { code: 50035 } });
    expect(codes(discord)).toEqual([50035, 50035]);
    expect(await call(discord, 'POST', path, { type: 5, data: { flags: 64 } })).toMatchObject({ status: 204 });
  });

  it('a deferral with flags of the answer', async () => {
    const { discord, answer } = await asked();
    expect(await answer(5, { flags: V2 | 64 })).toMatchObject({ status: 400, body: { code: 50035 } });
    expect(codes(discord)).toEqual([50035]);
    expect((await answer(5, { flags: 64 })).status).toBe(204);
  });

  it('with a token that is fifteen minutes old, or before the answer, or to what is gone', async () => {
    const { discord, answer, webhook } = await asked();
    expect(await webhook('POST', '', { content: 'x', ...SAFE })).toMatchObject({ status: 404, body: { code: 10015 } });
    await answer(5);
    expect((await webhook('PATCH', '/messages/%40original', { content: '1', ...SAFE })).status).toBe(200);
    expect((await webhook('DELETE', '/messages/@original')).status).toBe(204);
    expect(await webhook('GET', '/messages/@original')).toMatchObject({ status: 404, body: { code: 10008 } });
    discord.pass(15 * 60_000 + 1);
    expect(await webhook('POST', '', { content: 'x', ...SAFE })).toMatchObject({ status: 401, body: { code: 50027 } });
  });

  it('an ephemeral message is not to be found by its channel', async () => {
    const { discord, answer } = await asked();
    await answer(4, { content: 'secret', flags: 64, ...SAFE });
    const [message] = discord.ephemerals('ana');
    const path = `/channels/${discord.channel('backups')}/messages/${message?.id}`;
    expect(await call(discord, 'PATCH', path, { content: 'x', ...SAFE })).toMatchObject({ body: { code: 10008 } });
  });
});

describe('messages', () => {
  const cases: [string, Json, string][] = [
    ['content with components v2', { flags: V2, content: 'x', components: [says('y')] }, 'content'],
    ['components v2 without the flag', { components: [says('y')] }, 'components'],
    ['41 components', { flags: V2, components: Array.from({ length: 41 }, () => says('y')) }, 'components'],
    ['4001 characters', { flags: V2, components: [says('y'.repeat(3000)), says('y'.repeat(1001))] }, 'components'],
    ['a custom id of 101', { components: [row(button('y'.repeat(101)))] }, 'components'],
    ['a custom id twice', { components: [row(button('y'), button('y'))] }, 'components'],
    ['six buttons in a row', { components: [row(...'123456'.split('').map((id) => button(id)))] }, 'components'],
    ['a label of 81', { components: [row(button('y', { label: 'y'.repeat(81) }))] }, 'components'],
    ['a link without an address', { components: [row({ type: 2, style: 5, label: 'y' })] }, 'components'],
    ['a button outside a row', { flags: V2, components: [button('y')] }, 'components'],
    [
      'a container in a container',
      { flags: V2, components: [{ type: 17, components: [{ type: 17, components: [says('y')] }] }] },
      'components',
    ],
    [
      '26 options',
      {
        components: [
          row({
            type: 3,
            custom_id: 'y',
            options: Array.from({ length: 26 }, (_, n) => ({ label: `${n}`, value: `${n}` })),
          }),
        ],
      },
      'components',
    ],
    ['2001 characters of content', { content: 'y'.repeat(2001) }, 'content'],
    [
      'a picture that does not come along',
      { flags: V2, components: [{ type: 12, items: [{ media: { url: 'attachment://a.png' } }] }] },
      'components',
    ],
    ['an attachment without a file', { content: 'y', attachments: [{ id: 0, filename: 'a.png' }] }, 'attachments'],
  ];
  it.each(cases)('%s', async (_name, body, where) => {
    const discord = await server();
    const answer = await call(discord, 'POST', `/channels/${discord.channel('backups')}/messages`, {
      ...body,
      ...SAFE,
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 50035, message: 'Invalid Form Body' } });
    expect(Object.keys(answer.body.errors as Json)).toContain(where);
    expect(discord.violations.some(({ code }) => code === 50035)).toBe(true);
    expect(discord.messages('backups')).toEqual([]);
  });

  it('empty, to nobody, to somebody else’s', async () => {
    const discord = await server();
    const path = `/channels/${discord.channel('backups')}/messages`;
    expect(await call(discord, 'POST', path, SAFE)).toMatchObject({ body: { code: 50006 } });
    expect(await call(discord, 'POST', '/channels/1/messages', { content: 'x' })).toMatchObject({
      body: { code: 10003 },
    });
    expect(await call(discord, 'PATCH', `${path}/1`, { content: 'x' })).toMatchObject({ body: { code: 10008 } });
  });

  it('words without allowed_mentions are taken, call everybody, and are written down', async () => {
    const discord = await server();
    const path = `/channels/${discord.channel('backups')}/messages`;
    expect((await call(discord, 'POST', path, { content: '@everyone' })).status).toBe(200);
    expect(discord.messages('backups').map(({ everyone }) => everyone)).toEqual([true]);
    expect(discord.violations).toMatchObject([{ message: expect.stringMatching(/allowed_mentions/) }]);
    await call(discord, 'POST', path, { content: '@everyone', ...SAFE });
    expect(discord.messages('backups').map(({ everyone }) => everyone)).toEqual([true, false]);
    expect(discord.violations).toHaveLength(1);
  });

  it('components v2 cannot be taken back', async () => {
    const discord = await server();
    const path = `/channels/${discord.channel('backups')}/messages`;
    const { body } = await call(discord, 'POST', path, { flags: V2, components: [says('x')], ...SAFE });
    const edit = (change: Json) => call(discord, 'PATCH', `${path}/${String(body.id)}`, { ...change, ...SAFE });
    expect(await edit({ flags: 0, components: [] })).toMatchObject({ status: 400, body: { code: 50035 } });
    expect(await edit({ content: 'y' })).toMatchObject({ status: 400, body: { code: 50035 } });
    expect(await edit({ components: [] })).toMatchObject({ status: 400, body: { code: 50006 } });
    expect((await edit({ components: [says('y')] })).status).toBe(200);
    expect(discord.messages('backups').map(({ text, edits }) => [text, edits])).toEqual([['y', 1]]);
  });

  it('to somebody who takes none, and more than a bucket holds', async () => {
    const discord = await startDiscord({ bucket: { requests: 3, window: 10_000 } });
    open.push(() => discord.close());
    const { body } = await call(discord, 'POST', '/users/@me/channels', { recipient_id: discord.user('carl') });
    const path = `/channels/${String(body.id)}/messages`;
    for (let n = 0; n < 3; n++)
      expect(await call(discord, 'POST', path, { content: 'x', ...SAFE })).toMatchObject({
        status: 403,
        body: { code: 50007 },
      });
    const limited = await call(discord, 'POST', path, { content: 'x', ...SAFE });
    expect(limited).toMatchObject({ status: 429, body: { global: false, retry_after: expect.any(Number) } });
    expect(limited.headers.get('x-ratelimit-scope')).toBe('user');
    expect(discord.invalidRequests()).toBe(4);
  });
});

describe('modals and completions', () => {
  it.each<[string, Json]>([
    ['a title of 46', modal({ title: 'y'.repeat(46) })],
    ['no field', modal({ components: [] })],
    [
      'six fields',
      modal({
        components: '123456'
          .split('')
          .map((id) => ({ type: 18, label: id, component: { type: 4, style: 1, custom_id: id } })),
      }),
    ],
    [
      'a label of 46',
      modal({ components: [{ type: 18, label: 'y'.repeat(46), component: { type: 4, style: 1, custom_id: 'y' } }] }),
    ],
    [
      'a value of 4001',
      modal({
        components: [
          { type: 18, label: 'y', component: { type: 4, style: 1, custom_id: 'y', value: 'y'.repeat(4001) } },
        ],
      }),
    ],
    ['a button', modal({ components: [row(button('y'))] })],
  ])('%s', async (_name, data) => {
    const { discord, answer } = await asked();
    expect(await answer(9, data)).toMatchObject({ status: 400, body: { code: 50035 } });
    expect(codes(discord)).toContain(50035);
    expect(discord.as('ana').modalNow()).toBeUndefined();
  });

  it('26 choices', async () => {
    const { discord, bot } = await together();
    const completing = discord.as('ana').autocomplete('do', {}, 'request', { ms: 300 });
    const { id, token, data } = await bot.next('INTERACTION_CREATE');
    expect(data).toMatchObject({ options: [{ name: 'do', options: [{ name: 'request', value: '', focused: true }] }] });
    const choices = Array.from({ length: 26 }, (_, n) => ({ name: `${n}`, value: `${n}` }));
    const path = `/interactions/${String(id)}/${String(token)}/callback`;
    expect(await call(discord, 'POST', path, { type: 8, data: { choices } })).toMatchObject({ body: { code: 50035 } });
    await expect(completing).rejects.toThrow(/completions of request did not come/);
    expect(await call(discord, 'POST', path, { type: 5 })).toMatchObject({ body: { code: 50035 } });
  });
});

describe('people', () => {
  it('cannot do what the real client would not let them', async () => {
    const { discord, answer } = await asked();
    const stranger = discord.as('stranger');
    await expect(stranger.slash('backup', 'list', {}, { channel: 'Elsewhere/lobby' })).rejects.toThrow(/not in lobby/);
    await expect(stranger.slash('backup', 'do')).rejects.toThrow('request is required');
    await expect(stranger.slash('backup', 'nothing')).rejects.toThrow(/has no "nothing"/);
    await answer(4, { content: 'x', ...SAFE, flags: 64, components: [row(button('y', { disabled: true }))] });
    const [message] = discord.ephemerals('ana');
    if (message === undefined) throw new Error('not there');
    await expect(discord.as('ben').click(message, 'Go')).rejects.toThrow(/does not see/);
    await expect(discord.as('ana').click(message, 'Go')).rejects.toThrow(/disabled/);
  });
});
