/** The Discord surface with the real discord.js, on the fake Discord. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Form, Reply } from '../../src/engine/types.ts';
import { onDiscord, reply, type Stage, scriptedEngine } from './discord-stage.ts';

const stages: Stage[] = [];
afterEach(async () => {
  for (const { stop, server } of stages.splice(0).reverse()) {
    await stop().catch(() => undefined);
    await server.close();
  }
});

async function stage(o: Parameters<typeof onDiscord>[0] = {}): Promise<Stage> {
  const made = await onDiscord(o);
  stages.push(made);
  return made;
}

const form: Form = {
  kind: 'form',
  label: 'Choose files',
  title: 'Restore photos',
  line: 'restore "photos"',
  fields: [
    { name: 'files', label: 'Files', many: true, long: true },
    {
      name: 'existing',
      label: 'Existing',
      options: [
        { label: 'Keep both', value: 'keep both' },
        { label: 'Replace', value: 'replace' },
      ],
    },
  ],
};

const choices = (...lines: [label: string, line: string][]): Reply['blocks'] => [
  { kind: 'choices', choices: lines.map(([label, line]) => ({ label, line })) },
];

describe('commands', () => {
  it('are registered once, everywhere, and again only when they changed', async () => {
    const first = await stage();
    const { server, engine } = first;
    await server.waitFor(() => engine.vault.size === 2);
    expect(server.commands().map(({ name, type }) => [name, type])).toEqual([
      ['backup', 1],
      ['Restore this', 3],
    ]);
    await first.stop();
    const second = await onDiscord({ server, engine });
    await server.as('ana').slash('backup', 'status');
    await server.waitFor(() => engine.said.length === 1);
    expect(server.registrations().puts).toBe(1);
    await second.stop();
    engine.vault.set(`discord/commands/${server.application}/global`, 'of another version');
    const third = await onDiscord({ server, engine });
    await server.waitFor(() => server.registrations().puts === 2);
    await third.stop();
    expect(server.violations).toEqual([]);
  });

  it('are registered in one server alone when it is named', async () => {
    const { server } = await stage({ guild: true });
    await server.waitFor(() => server.commands('Home').length === 2);
    expect(server.commands()).toEqual([]);
    expect(server.violations).toEqual([]);
  });

  it('are taken away where they were before', async () => {
    const first = await stage({ guild: true });
    const { server, engine } = first;
    await server.waitFor(() => engine.vault.size === 2);
    await first.stop();
    const second = await onDiscord({ server, engine });
    await server.waitFor(() => server.commands().length === 2);
    expect(server.commands('Home')).toEqual([]);
    await second.stop();
    expect(server.violations).toEqual([]);
  });

  it('come as lines, are answered at once, and privately in a server', async () => {
    const { server, engine } = await stage();
    const asked = await server.as('ana').slash('backup', 'run', { plan: 'Family photos' });
    const answer = await asked.answer();
    expect(answer.text).toContain('Done: run "Family photos"');
    expect([asked.deferred, asked.ephemeral]).toEqual([true, true]);
    expect(engine.said[0]?.caller).toMatchObject({
      surface: 'discord',
      key: asked.id,
      conversation: `discord:${server.channel('backups')}`,
      alone: false,
      person: { identities: [{ surface: 'discord', id: server.user('ana') }] },
    });
    expect(server.messages('backups')).toEqual([]);
    expect(server.violations).toEqual([]);
  });

  it('are answered openly where nobody else reads', async () => {
    const { server, engine } = await stage();
    const asked = await server.as('ana').slash('backup', 'ask', { request: 'am i safe?' }, { dm: true });
    await asked.answer();
    expect(asked.ephemeral).toBe(false);
    expect(engine.said[0]).toMatchObject({ line: 'am i safe?', caller: { alone: true } });
  });

  it('show several replies below each other', async () => {
    const { server, engine } = await stage();
    engine.answer = async function* () {
      yield reply('One');
      yield reply('Two');
    };
    const asked = await server.as('ana').slash('backup', 'status');
    await server.waitFor(() => asked.messages().length === 2);
    expect(asked.messages().map(({ text, ephemeral }) => [text.includes('One'), ephemeral])).toEqual([
      [true, true],
      [false, true],
    ]);
    expect(server.violations).toEqual([]);
  });

  it('are completed while they are typed, with the plan that was filled in before', async () => {
    const { server, engine } = await stage();
    engine.suggestions = async () => [
      { label: 'IMG_2041.HEIC', value: 'IMG_2041.HEIC' },
      { label: 'x'.repeat(200), value: 'a.jpg' },
      { label: 'too long', value: 'y'.repeat(101) },
    ];
    const offered = await server.as('ana').autocomplete('restore', { plan: 'photos', files: 'IMG' }, 'files');
    expect(engine.wanted).toEqual([{ of: 'file', typed: 'IMG', plan: 'photos' }]);
    expect(offered).toEqual([
      { name: 'IMG_2041.HEIC', value: 'IMG_2041.HEIC' },
      { name: `${'x'.repeat(99)}…`, value: 'a.jpg' },
    ]);
    expect(server.violations).toEqual([]);
  });

  it('that fail to complete offer nothing', async () => {
    const { server, engine } = await stage();
    engine.suggestions = async () => {
      throw new Error('the database is away');
    };
    expect(await server.as('ana').autocomplete('run', { plan: 'x' }, 'plan')).toEqual([]);
  });
});

describe('buttons, menus and forms', () => {
  it('a button says its line and tells what the person saw', async () => {
    const { server, engine } = await stage();
    engine.answer = async function* (line) {
      yield line === 'list' ? reply('Yours', { blocks: choices(['Pause', 'pause photos']) }) : reply(`Done: ${line}`);
    };
    const ana = server.as('ana');
    const list = await (await ana.slash('backup', 'list')).answer();
    const pressed = await ana.click(list, 'Pause');
    expect((await pressed.answer()).text).toContain('Done: pause photos');
    expect(engine.said[1]?.caller.pressed).toBe(list.at.toISOString());
    // What is not a question stays as it is.
    expect(server.message(list.id)?.buttons.map(({ label }) => label)).toEqual(['Pause']);
    expect(server.violations).toEqual([]);
  });

  it('an answered question loses its buttons and says what was chosen', async () => {
    const { server, engine } = await stage();
    engine.answer = async function* (line) {
      yield line === 'delete photos'
        ? reply('Delete photos?', { blocks: choices(['Yes, delete it', 'yes 1a2b3c4d'], ['No', 'no 1a2b3c4d']) })
        : reply(`Done: ${line}`);
    };
    const ana = server.as('ana');
    const question = await (await ana.slash('backup', 'delete', { plan: 'photos' })).answer();
    const pressed = await ana.click(question, 'Yes, delete it');
    await server.waitFor(() => pressed.messages().length === 2);
    const now = server.message(question.id);
    expect(now?.buttons).toEqual([]);
    expect(now?.text).toContain('Delete photos?');
    expect(now?.text).toContain('You chose: Yes, delete it');
    expect(pressed.messages().at(-1)).toMatchObject({ ephemeral: true });
    expect(pressed.messages().at(-1)?.text).toContain('Done: yes 1a2b3c4d');
    expect(server.violations).toEqual([]);
  });

  it('a line that is too long for a button, and a menu', async () => {
    const { server, engine } = await stage();
    const long = `restore photos ${'x'.repeat(150)}`;
    engine.answer = async function* (line) {
      yield line === 'list'
        ? reply('Yours', {
            about: { plan: 'p1' },
            blocks: [
              ...choices(['Restore', long]),
              { kind: 'choices', menu: 'Which?', choices: [{ label: 'Show photos', line: 'show photos' }] },
            ],
          })
        : reply('Done');
    };
    const ana = server.as('ana');
    const list = await (await ana.slash('backup', 'list')).answer();
    await (await ana.click(list, 'Restore')).answer();
    await (await ana.choose(list, 'Which?', 'Show photos')).answer();
    expect(engine.said.slice(1).map(({ line, caller }) => [line, caller.about])).toEqual([
      [long, { plan: 'p1' }],
      ['show photos', { plan: 'p1' }],
    ]);
    expect(server.violations).toEqual([]);
  });

  it('a form opens at once and its answers become a line', async () => {
    const { server, engine } = await stage();
    engine.answer = async function* (line) {
      yield line === 'status' ? reply('All well', { blocks: [form], about: { plan: 'p1' } }) : reply(`Done: ${line}`);
    };
    const ana = server.as('ana');
    const card = await (await ana.slash('backup', 'status')).answer();
    await ana.click(card, 'Choose files');
    const sent = await ana.submit(await ana.modal(), { Files: 'a b.heic\nc.jpg', Existing: ['Keep both'] });
    expect((await sent.answer()).text).toContain('Done');
    expect(engine.said[1]).toMatchObject({
      line: 'restore "photos" "a b.heic" c.jpg keep both',
      caller: { about: { plan: 'p1' } },
    });
    expect(server.violations).toEqual([]);
  });

  it('a form that is found too late is offered as a button', async () => {
    const { server, engine } = await stage();
    engine.answer = async function* () {
      yield reply('All well', { blocks: [form] });
    };
    const ana = server.as('ana');
    const card = await (await ana.slash('backup', 'status')).answer();
    const slow = Promise.withResolvers<void>();
    engine.finding = () => slow.promise;
    const pressed = await ana.click(card, 'Choose files');
    await pressed.acked();
    expect([pressed.deferred, pressed.ephemeral]).toEqual([true, true]);
    slow.resolve();
    const offer = await pressed.answer();
    await ana.click(offer, 'Choose files');
    expect((await ana.modal()).title).toBe('Restore photos');
    expect(server.violations).toEqual([]);
  });

  it('a button whose line was forgotten says so', async () => {
    const { server, engine } = await stage();
    engine.answer = async function* () {
      yield reply('All well', { blocks: [form] });
    };
    const ana = server.as('ana');
    const card = await (await ana.slash('backup', 'status')).answer();
    engine.services.controls.find = async () => undefined;
    expect((await (await ana.click(card, 'Choose files')).answer()).text).toContain('too old');
    expect(server.violations).toEqual([]);
  });

  it('a database that is away is told', async () => {
    const { server, engine } = await stage();
    engine.answer = async function* () {
      yield reply('All well', { blocks: [form] });
    };
    const ana = server.as('ana');
    const card = await (await ana.slash('backup', 'status')).answer();
    engine.finding = async () => {
      throw new Error('the database is away');
    };
    expect((await (await ana.click(card, 'Choose files')).answer()).text).toContain('something is wrong');
    expect(server.violations).toEqual([]);
  });

  it('"Restore this" opens the form of the backup that a message is about', async () => {
    const { server, engine, surface } = await stage();
    engine.forms = async (about) => (about?.plan === 'p1' ? form : undefined);
    const person = await engine.services.person({ surface: 'discord', id: server.user('ana') }, { name: 'Ana' });
    const message = { id: 'm1', person: person.id, surface: 'discord', key: 'm1', about: { plan: 'p1' } };
    const now = '2026-11-22T10:00:00.000Z';
    await surface.deliverer.deliver(
      { ...message, reply: reply('Report'), state: 'waiting', tries: 1, due: now, created: now },
      person,
      new AbortController().signal,
    );
    const ana = server.as('ana');
    const [report] = server.dms('ana');
    if (!report) throw new Error('no report');
    await ana.messageCommand('Restore this', report);
    await ana.submit(await ana.modal(), { Files: 'x.jpg' });
    await server.waitFor(() => engine.said.length === 1);
    expect(engine.said[0]).toMatchObject({ line: 'restore "photos" x.jpg', caller: { about: { plan: 'p1' } } });
    await ana.dm('hello');
    const [, , other] = await server.waitFor(() => server.dms('ana').length === 3 && server.dms('ana'));
    if (!other) throw new Error('no answer');
    const asked = await ana.messageCommand('Restore this', other);
    expect((await asked.answer()).text).toContain('not about a backup');
    expect(server.violations).toEqual([]);
  });
});

describe('words', () => {
  it('in a direct conversation are answered there', async () => {
    const { server, engine } = await stage();
    await server.as('ben').dm('run photos');
    await server.waitFor(() => server.dms('ben').length === 2);
    expect(server.dms('ben').at(-1)?.text).toContain('Done: run photos');
    expect(engine.said[0]).toMatchObject({ line: 'run photos', caller: { alone: true } });
    expect(server.violations).toEqual([]);
  });

  it('that mention the bot are answered privately, others are not read', async () => {
    const { server, engine } = await stage();
    await server.as('ana').say('backups', 'run photos');
    await server.as('ana').mention('backups', 'list');
    await server.waitFor(() => server.messages('backups').length === 3);
    expect(engine.said.map(({ line }) => line)).toEqual(['list']);
    expect(server.dms('ana').map(({ text }) => text)).toEqual([expect.stringContaining('Done: list')]);
    expect(server.messages('backups').at(-1)?.text).toContain('direct messages');
    expect(server.violations).toEqual([]);
  });

  it('of somebody who takes no direct messages are not answered before everybody', async () => {
    const { server } = await stage();
    server.as('carl').takesDirect(false);
    await server.as('carl').mention('backups', 'list');
    await server.waitFor(() => server.messages('backups').length === 2);
    const here = server.messages('backups').at(-1)?.text;
    expect(here).toContain('/backup');
    expect(here).not.toContain('Done');
    expect(server.violations).toEqual([]);
  });
});

describe('where and for how long', () => {
  it('what is shared is said before everybody, once', async () => {
    const { server, engine } = await stage();
    engine.answer = async function* () {
      yield reply('Shared @everyone <@1>', { shared: true });
    };
    const asked = await server.as('ana').slash('backup', 'status');
    const [shared] = await server.waitFor(() => server.messages('backups').length === 1 && server.messages('backups'));
    await server.waitFor(() => asked.messages().length === 0);
    expect(shared).toMatchObject({ everyone: false, mentions: [] });
    expect(server.violations).toEqual([]);
  });

  it('a post that is said again is shown once', async () => {
    const { server, surface, engine } = await stage();
    const person = await engine.services.person({ surface: 'discord', id: server.user('ana') }, { name: 'Ana' });
    const now = '2026-11-22T10:00:00.000Z';
    const message = { id: 'm1', person: person.id, surface: 'discord', key: 'm1', reply: reply('Report') };
    for (const tries of [1, 2]) {
      const outbox = { ...message, state: 'waiting' as const, tries, due: now, created: now };
      await surface.deliverer.deliver(outbox, person, new AbortController().signal);
    }
    expect(server.dms('ana')).toHaveLength(1);
  });

  it('after a quarter of an hour the answer comes directly', async () => {
    const { server, engine } = await stage();
    const slow = Promise.withResolvers<void>();
    engine.answer = async function* () {
      await slow.promise;
      yield reply('At last');
    };
    const asked = await server.as('ana').slash('backup', 'status');
    await asked.acked();
    server.pass(16 * 60_000);
    slow.resolve();
    await server.waitFor(() => server.dms('ana').length === 1);
    expect(server.dms('ana')[0]?.text).toContain('At last');
  });

  it('a command that arrived too late is still done', async () => {
    const { server, engine } = await stage();
    server.fail('/callback', 10062, 1);
    await server.as('ana').slash('backup', 'status');
    await server.waitFor(() => server.dms('ana').length === 1);
    expect(engine.said).toHaveLength(1);
    expect(server.planned()).toBe(0);
  });

  it('a live card is edited in place, and its 429 makes nobody wait', async () => {
    const { server, engine } = await stage();
    const states = ['busy', 'busy', 'good'] as const;
    engine.answer = async function* () {
      yield reply('Copying', { tone: 'busy', live: 'r1', about: { run: 'r1', plan: 'p1' } });
    };
    const next = states.map(() => Promise.withResolvers<void>());
    engine.follow = async function* () {
      for (const [n, tone] of states.entries()) {
        await next[n]?.promise;
        yield reply(`State ${n}`, { tone, live: 'r1', about: { run: 'r1', plan: 'p1' } });
      }
    };
    const ana = server.as('ana');
    await ana.slash('backup', 'run', {}, { dm: true });
    const card = await server.waitFor(() => server.dms('ana').find(({ text }) => text.includes('Copying')));
    server.limit('PATCH /channels', 1, { after: 1 });
    for (const one of next) one.resolve();
    await server.waitFor(() => server.planned() === 0);
    await ana.dm('hello');
    await server.waitFor(() => server.dms('ana').length > 2, 1_000);
    await server.waitFor(() => server.message(card.id)?.text.includes('State 2'), 10_000);
    expect(server.violations).toEqual([]);
  }, 20_000);
});

describe('what goes wrong', () => {
  it('a token that is refused ends it with advice', async () => {
    const { ended } = await stage({ token: 'wrong', wait: false });
    await expect(ended).rejects.toMatchObject({
      code: 'discord_token',
      advice: expect.stringContaining('DISCORD_TOKEN'),
    });
  });

  it.each([
    [4004, 'discord_token'],
    [4014, 'discord_closed'],
  ])('a connection closed with %i for good ends it', async (code, expected) => {
    const { server, ended } = await stage();
    server.gateway.closeWith(code);
    await expect(ended).rejects.toMatchObject({ code: expected });
  });

  it('goes on after RECONNECT, a broken line and a session that is gone', async () => {
    const { server, engine, ready } = await stage();
    const ana = server.as('ana');
    const breaks = [
      () => server.gateway.reconnect(),
      () => server.gateway.drop(),
      () => server.gateway.invalidate(false),
      () => server.gateway.closeWith(4000),
    ];
    for (const [n, breaking] of breaks.entries()) {
      breaking();
      await ana.dm(`line ${n}`);
      await server.waitFor(() => engine.said.length === n + 1 && ready() > n + 1, 10_000);
    }
    expect(engine.said.map(({ line }) => line)).toEqual(['line 0', 'line 1', 'line 2', 'line 3']);
    expect(server.gateway.counts.resumes).toBeGreaterThanOrEqual(2);
    expect(server.violations).toEqual([]);
  }, 30_000);

  it('the same event twice is answered once', async () => {
    const { server, engine } = await stage({ profile: 'stingy' });
    const ana = server.as('ana');
    for (let n = 0; n < 6; n++) {
      const asked = await ana.slash('backup', 'status');
      await asked.answer();
      expect(asked.messages()).toHaveLength(1);
    }
    expect(engine.said).toHaveLength(6);
    expect(server.violations).toEqual([]);
  }, 20_000);

  it('connects as soon as Discord is there', async () => {
    const first = await stage();
    await first.stop();
    first.server.fail('GET /gateway/bot', 503, 4);
    const again = await onDiscord({ server: first.server, engine: scriptedEngine() });
    stages.push(again);
    expect(first.server.planned()).toBe(0);
    expect(again.engine.log.some(({ event }) => event === 'discord.not_connected')).toBe(true);
  }, 20_000);

  it('stops within a moment, in the middle of a pause too', async () => {
    const { server, stop, engine } = await stage();
    const never = Promise.withResolvers<void>();
    engine.answer = async function* (_, { signal }) {
      signal.addEventListener('abort', () => never.reject(signal.reason));
      await never.promise;
      yield reply('never');
    };
    await (await server.as('ana').slash('backup', 'status')).acked();
    server.gateway.drop();
    await stop();
    const before = server.gateway.counts.identifies + server.gateway.counts.resumes;
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(server.gateway.counts.identifies + server.gateway.counts.resumes).toBe(before);
    expect(server.gateway.ready()).toBe(false);
  });
});
