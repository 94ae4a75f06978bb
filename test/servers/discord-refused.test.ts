/** The fake Discord against wrong registrations, wrong gateway clients and wrong requests: each must fail. */
import { afterEach, describe, expect, it } from 'vitest';
import { type BareBot, bareBot, bareSocket, COMMANDS, call, identity } from './discord/clients.ts';
import type { Json } from './discord/json.ts';
import { type DiscordServer, startDiscord } from './discord.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function server(): Promise<DiscordServer> {
  const started = await startDiscord();
  open.push(() => started.close());
  return started;
}

describe('registrations', () => {
  const option = (more: Json): Json => ({ type: 3, name: 'o', description: 'y', ...more });
  const command = (more: Json): Json => ({ name: 'c', description: 'y', ...more });
  it.each<[string, Json[]]>([
    ['capital letters', [command({ name: 'Backup' })]],
    ['a name of 33', [command({ name: 'y'.repeat(33) })]],
    ['no description', [{ name: 'c' }]],
    ['a description of 101', [command({ description: 'y'.repeat(101) })]],
    ['26 options', [command({ options: Array.from({ length: 26 }, (_, n) => option({ name: `o${n}` })) })]],
    ['required after optional', [command({ options: [option({}), option({ name: 'p', required: true })] })]],
    ['sub-commands beside options', [command({ options: [option({}), { type: 1, name: 's', description: 'y' }] })]],
    [
      'choices and completion',
      [command({ options: [option({ autocomplete: true, choices: [{ name: 'y', value: 'y' }] })] })],
    ],
    ['an unknown type', [command({ options: [option({ type: 12 })] })]],
    [
      'more than 8000 characters',
      [
        command({
          options: Array.from({ length: 25 }, (_, n) =>
            option({
              name: `o${n}`,
              choices: Array.from({ length: 25 }, (_v, c) => ({ name: `${c}`, value: 'y'.repeat(20) })),
            }),
          ),
        }),
      ],
    ],
    ['an unknown context', [command({ contexts: [3] })]],
    ['an unknown locale', [command({ description_localizations: { 'de-DE': 'y' } })]],
    ['the same name twice', [command({}), command({})]],
    ['options of a message command', [{ type: 3, name: 'Restore', options: [option({})] }]],
  ])('%s', async (_name, body) => {
    const discord = await server();
    const path = `/applications/${discord.application}/commands`;
    await call(discord, 'PUT', path, COMMANDS);
    expect(await call(discord, 'PUT', path, body)).toMatchObject({ status: 400, body: { code: 50035 } });
    expect(discord.commands()).toHaveLength(2);
    expect(discord.violations.map(({ code }) => code)).toEqual([50035]);
  });

  it('problems stand where they are', async () => {
    const discord = await server();
    const path = `/applications/${discord.application}/commands`;
    const { body } = await call(discord, 'PUT', path, [command({ options: [option({ name: 'A B' })] })]);
    expect(body.errors).toEqual({
      0: {
        options: {
          0: { name: { _errors: [{ code: 'APPLICATION_COMMAND_INVALID_NAME', message: 'Command name is invalid' }] } },
        },
      },
    });
  });
});

describe('the gateway', () => {
  it.each<[string, number, (bot: BareBot, discord: DiscordServer) => void]>([
    ['a wrong token', 4004, (bot, discord) => bot.send(2, identity(discord, { token: 'x' }))],
    [
      'an intent that is not switched on',
      4014,
      (bot, discord) => bot.send(2, identity(discord, { intents: 1 | (1 << 15) })),
    ],
    ['intents that do not exist', 4013, (bot, discord) => bot.send(2, identity(discord, { intents: 1 << 28 }))],
    ['words before IDENTIFY', 4003, (bot) => bot.send(3, {})],
    ['an unknown opcode', 4001, (bot) => bot.send(99, {})],
    ['no JSON', 4002, (bot) => bot.socket.send('hello')],
    [
      'too many words',
      4008,
      (bot) => {
        for (let n = 0; n < 121; n++) bot.send(1, null);
      },
    ],
  ])('%s closes it', async (_name, code, wrong) => {
    const discord = await server();
    const bot = await bareSocket(discord);
    wrong(bot, discord);
    expect(await bot.closed).toBe(code);
    expect(discord.gateway.ready()).toBe(false);
  });

  it('an old version, a second IDENTIFY, a heart that does not beat', async () => {
    const discord = await startDiscord({ heartbeat: 50 });
    open.push(() => discord.close());
    expect(await (await bareSocket(discord, '?v=9&encoding=json')).closed).toBe(4012);
    const twice = await bareBot(discord);
    twice.send(2, identity(discord));
    expect(await twice.closed).toBe(4005);
    expect(await (await bareBot(discord)).closed).toBe(4009);
  });

  it('RESUME: a session that is over, a number that was never sent, then a right one', async () => {
    const discord = await server();
    const bot = await bareBot(discord);
    open.push(() => bot.close());
    const { session_id } = bot.events.find(({ t }) => t === 'READY')?.d ?? {};
    bot.close();
    await bot.closed;
    await discord.as('ana').dm('meanwhile');
    const resume = async (more: Json): Promise<BareBot> => {
      const again = await bareSocket(discord);
      open.push(() => again.close());
      again.send(6, { token: discord.token, session_id, seq: bot.events.at(-1)?.s ?? 0, ...more });
      return again;
    };
    const over = await resume({ session_id: 'x' });
    expect(await discord.waitFor(() => over.events.find(({ op }) => op === 9))).toMatchObject({ d: false });
    expect(await (await resume({ seq: 9_999 })).closed).toBe(4007);
    expect(await (await resume({ token: 'x' })).closed).toBe(4004);
    const right = await resume({});
    expect(await right.next('MESSAGE_CREATE')).toMatchObject({ content: 'meanwhile' });
    await right.next('RESUMED');
    expect(right.events.filter(({ t }) => t === 'MESSAGE_CREATE')).toHaveLength(1);
    expect(discord.gateway.ready()).toBe(true);
  });
});

describe('requests', () => {
  it('with a wrong token, to an unknown route, with a broken body', async () => {
    const discord = await server();
    expect(await call(discord, 'GET', '/users/@me', undefined, 'x')).toMatchObject({ status: 401, body: { code: 0 } });
    expect(discord.violations).toEqual([]);
    expect(await call(discord, 'GET', '/guilds/1/bans')).toMatchObject({ status: 404 });
    expect((await fetch(`${discord.url}/api/v9/users/@me`)).status).toBe(404);
    expect(discord.violations.map(({ message }) => message)).toEqual([
      'There is no such route',
      'There is no such route',
    ]);
    const broken = await fetch(`${discord.url}/api/v10/channels/${discord.channel('backups')}/messages`, {
      method: 'POST',
      headers: { authorization: `Bot ${discord.token}`, 'content-type': 'application/json' },
      body: '{',
    });
    expect([broken.status, (await broken.json()) as Json]).toMatchObject([400, { code: 50109 }]);
  });

  it('more than fifty in a second', async () => {
    const discord = await server();
    const answers = await Promise.all(Array.from({ length: 60 }, () => call(discord, 'GET', '/users/@me')));
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThan(0);
    expect(limited[0]?.body.global).toBe(true);
    expect(limited[0]?.headers.get('x-ratelimit-global')).toBe('true');
  });
});
