/** What is pure in the Discord surface: the commands as data, the lines made of them, what events and refusals mean. */
import { describe, expect, it } from 'vitest';
import { commandLine, wantedOf } from '../../src/bots/discord/command-lines.ts';
import { commandDefinitions } from '../../src/bots/discord/definition.ts';
import { DESCRIPTIONS } from '../../src/bots/discord/descriptions.ts';
import { restBase } from '../../src/bots/discord/endpoint.ts';
import {
  answered,
  filledIn,
  type Interaction,
  type Message,
  placeOf,
  pressedLabel,
  seenAt,
  speakerOf,
  writtenTo,
} from '../../src/bots/discord/payloads.ts';
import { closedForGood, discordError, isAnswered } from '../../src/bots/discord/refusals.ts';
import { createSessionKeeper } from '../../src/bots/discord/sessions.ts';
import { SUBCOMMANDS } from '../../src/bots/discord/subcommand-lines.ts';
import { systemClock } from '../../src/engine/clock.ts';
import type { ParsedCommand } from '../../src/engine/commands/command.ts';
import { parse } from '../../src/engine/commands/grammar.ts';
import { onePlan, vocabulary } from '../grammar-vocabulary.ts';
import { commandProblems } from '../servers/discord/commands.ts';

const filled = (options: Record<string, string>) => Object.entries(options).map(([name, value]) => ({ name, value }));

function commandOf(name: string, options: Record<string, string>, known = vocabulary): ParsedCommand {
  const line = commandLine(name, filled(options));
  const parsed = parse(line, known);
  if (parsed.outcome !== 'command') throw new Error(`${line}: ${JSON.stringify(parsed)}`);
  return parsed.command;
}

describe('every subcommand makes a line that is understood', () => {
  it.each<[string, Record<string, string>, ParsedCommand['name'], Record<string, unknown>]>([
    ['new', { from: 'icloud', to: 'gdrive' }, 'create', {}],
    [
      'new',
      { from: 'icloud', to: 'gdrive and onedrive', when: 'every friday', only: 'photos', name: 'My "best" photos' },
      'create',
      { name: 'My "best" photos', filter: { kinds: ['photos'] } },
    ],
    ['run', { plan: 'Family photos' }, 'run', { plan: 'Family photos' }],
    ['status', {}, 'status', {}],
    ['list', {}, 'list', {}],
    ['show', { plan: 'photos' }, 'show', { plan: 'photos' }],
    ['pause', { plan: 'Family photos' }, 'pause', { plan: 'Family photos' }],
    ['pause', { plan: 'photos', until: 'monday' }, 'pause', { plan: 'photos', until: expect.any(String) }],
    ['resume', { plan: 'photos' }, 'resume', { plan: 'photos' }],
    ['stop', { plan: 'photos' }, 'stop', { plan: 'photos' }],
    [
      'edit',
      { plan: 'photos', when: 'every sunday at 03:00', keep: '5 versions', report: 'on failure', name: 'to' },
      'edit',
      { plan: 'photos', retention: { versions: 5 }, report: 'on_failure', name: 'to' },
    ],
    ['edit', { plan: 'photos', only: '*.heic' }, 'edit', { plan: 'photos', filter: { only: ['*.heic'] } }],
    [
      'restore',
      {
        plan: 'Family photos',
        files: 'My Holiday/IMG 1.heic',
        from: 'yesterday',
        to: '~/Restored',
        existing: 'keep both',
      },
      'restore',
      { plan: 'Family photos', files: ['My Holiday/IMG 1.heic'], existing: 'keep_both' },
    ],
    ['restore', { plan: 'photos', files: 'to' }, 'restore', { plan: 'photos', files: ['to'] }],
    ['find', { words: 'beach 2024' }, 'find', { words: ['beach', '2024'] }],
    ['find', { words: 'beach', plan: 'Family photos' }, 'find', { words: ['beach'], plan: 'Family photos' }],
    ['verify', { plan: 'photos', how: 'full' }, 'verify', { plan: 'photos', how: 'full' }],
    ['history', { plan: 'photos' }, 'history', { plan: 'photos' }],
    ['snapshots', { plan: 'photos' }, 'snapshots', { plan: 'photos' }],
    ['accounts', {}, 'accounts', {}],
    ['connect', { kind: 'webdav', name: 'my nas' }, 'connect', { kind: 'webdav', name: 'my nas' }],
    ['share', { plan: 'photos' }, 'share', { plan: 'photos' }],
    ['delete', { plan: 'Family photos' }, 'delete', { plan: 'Family photos' }],
    ['timezone', {}, 'timezone', {}],
    ['timezone', { zone: 'Europe/Paris' }, 'timezone', { zone: 'Europe/Paris' }],
    ['link', {}, 'link', {}],
    ['link', { code: '2F7K-QM4D-9TRV' }, 'link', { code: '2F7K-QM4D-9TRV' }],
    ['join', { code: '2F7K-QM4D-9TRV' }, 'join', { code: '2F7K-QM4D-9TRV' }],
    ['claim', { code: 'K7Q2-9F4M' }, 'claim', { code: 'K7Q2-9F4M' }],
    ['forget', {}, 'forget', {}],
    ['help', {}, 'help', {}],
    ['help', { topic: 'restore' }, 'help', { command: 'restore' }],
    ['ask', { request: 'icloud to gdrive weekly\nonly photos' }, 'create', { filter: { kinds: ['photos'] } }],
  ])('%s %j', (name, options, command, args) => {
    expect(commandOf(name, options)).toMatchObject({ name: command, args });
  });

  it('and all of them were tried above', () => {
    expect(Object.keys(SUBCOMMANDS)).toHaveLength(25);
    expect(Object.keys(DESCRIPTIONS).sort()).toEqual(Object.keys(SUBCOMMANDS).sort());
  });

  it.each(['run', 'stop', 'pause', 'resume', 'history', 'snapshots', 'verify', 'restore'])(
    '%s needs no name where there is one plan',
    (name) => {
      expect(commandOf(name, {}, onePlan).name).toBe(name);
    },
  );

  it('asks where an answer is only spaces, and says what it does not know as it is', () => {
    expect(commandLine('new', filled({ from: '  ', to: 'x' }))).toBe('backup');
    expect(commandLine('ask', filled({ request: ' ' }))).toBe('status');
    expect(commandLine('toString', filled({ a: 'b c' }))).toBe('toString b c');
    expect(commandLine('run', filled({ plan: 'x', extra: 'now' }))).toBe('run x now');
  });

  it('wants completed what is being typed', () => {
    const typing = (name: string, options: Record<string, string>, focused: string) =>
      wantedOf(
        name,
        filled(options).map((one) => ({ ...one, focused: one.name === focused })),
      );
    expect(typing('find', { words: 'IM', plan: 'photos' }, 'words')).toEqual({
      of: 'file',
      typed: 'IM',
      plan: 'photos',
    });
    expect(typing('run', { plan: 'ph' }, 'plan')).toEqual({ of: 'plan', typed: 'ph' });
    expect(typing('new', { from: 'a', name: 'b' }, 'name')).toBeUndefined();
    expect(typing('constructor', { x: '' }, 'x')).toBeUndefined();
  });
});

describe('the definition', () => {
  const definitions = commandDefinitions();

  it('is what Discord takes', () => {
    expect(definitions.flatMap((one) => commandProblems(one))).toEqual([]);
    const [backup] = definitions;
    // docs.discord.com/developers/interactions/application-commands: 8000 characters of names, descriptions and values
    const words = (value: unknown): number => {
      if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + words(one), 0);
      if (typeof value !== 'object' || value === null) return 0;
      return Object.entries(value).reduce((sum, [key, inner]) => {
        if (key.endsWith('_localizations')) return sum;
        return sum + (typeof inner === 'string' ? inner.length : words(inner));
      }, 0);
    };
    expect(words(backup)).toBeLessThan(8000);
  });

  it('has descriptions short enough in every language', () => {
    for (const [name, texts] of Object.entries(DESCRIPTIONS)) {
      for (const [language, text] of Object.entries(texts)) {
        expect([name, language, text.length <= 100, text.trim() !== '']).toEqual([name, language, true, true]);
      }
    }
  });

  it('is for servers and for the bot’s direct messages, and for everybody', () => {
    for (const one of definitions) {
      expect(one).toMatchObject({ contexts: [0, 1], integration_types: [0] });
      expect(one).not.toHaveProperty('default_member_permissions');
    }
  });
});

describe('events', () => {
  const user = { id: '1', username: 'ana', global_name: 'Ana' };
  const interaction: Interaction = { id: '9', application_id: '8', type: 2, token: 't', channel_id: '5' };

  it('tell who speaks and where', () => {
    expect(speakerOf({ ...interaction, user, locale: 'de' })).toEqual({ id: '1', name: 'Ana', locale: 'de' });
    expect(speakerOf({ ...interaction, member: { user, nick: 'Boss' } })).toEqual({ id: '1', name: 'Boss' });
    expect(speakerOf(interaction)).toBeUndefined();
    expect(placeOf({ ...interaction, context: 1 })).toEqual({ conversation: '5', alone: true });
    expect(placeOf({ ...interaction, guild_id: '4', context: 0 }).alone).toBe(false);
    // A group's conversation is not the bot's own.
    expect(placeOf({ ...interaction, context: 2 }).alone).toBe(false);
    expect(placeOf({ ...interaction, channel: { id: '5', type: 3 } }).alone).toBe(false);
  });

  it('tell what was filled in', () => {
    const options = [{ name: 'run', type: 1, options: [{ name: 'plan', type: 3, value: 'x', focused: true }] }];
    expect(filledIn({ ...interaction, data: { options } })).toEqual({
      name: 'run',
      options: [{ name: 'plan', value: 'x', focused: true }],
    });
    expect(filledIn(interaction)).toEqual({ name: 'status', options: [] });
  });

  const message: Message = {
    id: '7',
    channel_id: '5',
    author: user,
    content: '<@8> run photos',
    mentions: [{ ...user, id: '8' }],
  };
  it('tell what was written to the bot', () => {
    expect(writtenTo('8', { ...message, guild_id: '4' })).toMatchObject({
      line: 'run photos',
      place: { alone: false },
    });
    expect(writtenTo('8', { ...message, guild_id: '4', mentions: [] })).toBeUndefined();
    expect(writtenTo('8', { ...message, content: '' })).toMatchObject({ line: 'status', place: { alone: true } });
    expect(writtenTo('8', { ...message, author: { ...user, bot: true } })).toBeUndefined();
    expect(writtenTo('8', { ...message, webhook_id: '3' })).toBeUndefined();
    expect(writtenTo('8', { ...message, type: 7 })).toBeUndefined();
    const answer = { ...message, type: 19, message_reference: { message_id: '6', channel_id: '5' } };
    expect(writtenTo('8', answer)?.answers).toBe('5/6');
    const forwarded = { ...message, message_reference: { message_id: '6', channel_id: '5', type: 1 } };
    expect(writtenTo('8', forwarded)?.answers).toBeUndefined();
  });

  it('tell what the person had before their eyes', () => {
    expect(seenAt({ ...message, timestamp: '2026-11-22T10:00:00.123000+00:00' })).toBe('2026-11-22T10:00:00.123Z');
    const edited = { ...message, timestamp: '2026-11-22T10:00:00Z', edited_timestamp: '2026-11-22T11:00:00Z' };
    expect(seenAt(edited)).toBe('2026-11-22T11:00:00.000Z');
    expect(seenAt({ ...message, timestamp: 'soon' })).toBeUndefined();
  });

  it('an answered question keeps its words', () => {
    const button = { type: 2, custom_id: 'l:yes', label: 'Yes' };
    const menu = { type: 3, custom_id: 'm:0', options: [{ label: 'One', value: 'l:1' }] };
    const components = [
      {
        type: 17,
        components: [
          { type: 10, content: 'Sure?', id: 3 },
          { type: 14 },
          { type: 12 },
          { type: 9, components: [{ type: 10, content: 'Beside' }], accessory: button },
          { type: 1, components: [button] },
          { type: 1, components: [menu] },
        ],
      },
    ];
    expect(answered(components, 'You chose: Yes')).toEqual([
      {
        type: 17,
        components: [{ type: 10, content: 'Sure?' }, { type: 14 }, { type: 10, content: 'Beside' }],
      },
      { type: 10, content: 'You chose: Yes' },
    ]);
    expect(pressedLabel(components, 'l:yes')).toBe('Yes');
    expect(pressedLabel(components, 'm:0', 'l:1')).toBe('One');
    expect(pressedLabel(components, 'l:other')).toBeUndefined();
    expect(answered([{ type: 17, components: [{ type: 1, components: [button] }] }], 'x')).toEqual([
      { type: 10, content: 'x' },
    ]);
  });
});

describe('refusals', () => {
  const refusal = (more: object) => Object.assign(new Error('No'), more);
  it.each([
    [{ code: 10008, status: 404 }, 'NotFound', 'gone'],
    [{ code: 50027, status: 401 }, 'NotFound', 'gone'],
    [{ code: 50007, status: 403 }, 'NotAllowed', 'closed'],
    [{ code: 50013, status: 403 }, 'NotAllowed', 'discord_forbidden'],
    [{ code: 0, status: 401 }, 'AuthRequired', 'discord_token'],
    [{ code: 40001, status: 403 }, 'AuthRequired', 'discord_token'],
    [{ retryAfter: 1500 }, 'RetryLater', 'retry_later'],
    [{ status: 503 }, 'RetryLater', 'retry_later'],
    [{ code: 'ECONNREFUSED' }, 'RetryLater', 'retry_later'],
    [{ name: 'AbortError' }, 'RetryLater', 'retry_later'],
  ])('%j is %s', (more, name, code) => {
    expect(discordError(refusal(more))).toMatchObject({ name, code, cause: { message: 'No' } });
  });

  it('tell how long to wait, and stay what they are where nothing follows', () => {
    expect(discordError(refusal({ retryAfter: 1500 }))).toMatchObject({ after: 1500 });
    expect(discordError(refusal({ status: 400, code: 50035 }))).toMatchObject({ name: 'Error' });
    expect(isAnswered(refusal({ code: 40060 }))).toBe(true);
    expect(isAnswered(undefined)).toBe(false);
  });

  it('end the connection only for good reasons', () => {
    expect(closedForGood(4014)?.message).toContain('disallowed intents');
    expect(closedForGood(4004)).toMatchObject({ code: 'discord_token' });
    for (const code of [1000, 1006, 4000, 4007, 4009]) expect(closedForGood(code)).toBeUndefined();
  });
});

it.each(['http://host:1', 'http://host:1/', 'http://host:1/api', 'http://host:1/api/v10', 'http://host:1/api/v10/'])(
  'the endpoint %s is taken',
  (endpoint) => {
    expect(restBase(endpoint)).toBe('http://host:1/api');
  },
);

describe('the session between two connections', () => {
  const sleeping = () => {
    const slept: number[] = [];
    const clock = {
      now: systemClock.now,
      async sleep(ms: number) {
        slept.push(ms);
      },
    };
    return { slept, clock };
  };

  it('waits longer with every failure, and not at all while connected', async () => {
    const { slept, clock } = sleeping();
    const keeper = createSessionKeeper({ clock, signal: new AbortController().signal });
    for (let n = 0; n < 4; n++) {
      expect(await keeper.read(async () => n)).toBe(n);
      keeper.closed(1006);
    }
    expect(slept).toEqual([1_000, 2_000, 5_000]);
    keeper.hello();
    keeper.ready();
    await keeper.read(async () => 0);
    keeper.closed(4000);
    await keeper.read(async () => 0);
    expect(slept).toHaveLength(3);
  });

  it('is kept when the network is gone, not when Discord ended it, and not for ever', async () => {
    const keeper = createSessionKeeper({ clock: sleeping().clock, signal: new AbortController().signal });
    await keeper.read(async () => 0);
    keeper.hello();
    expect(keeper.mayForget()).toBe(true);
    keeper.closed(1006);
    expect(keeper.mayForget()).toBe(false);
    keeper.closed(1000);
    expect(keeper.mayForget()).toBe(true);
    keeper.closed(1006);
    for (let n = 0; n < 10; n++) await keeper.read(async () => 0);
    expect(keeper.mayForget()).toBe(true);
  });

  it('is never read again after the end', async () => {
    const stop = new AbortController();
    const keeper = createSessionKeeper({ clock: sleeping().clock, signal: stop.signal });
    stop.abort();
    const read = keeper.read(async () => 'read');
    expect(await Promise.race([read, new Promise((resolve) => setImmediate(resolve, 'waits'))])).toBe('waits');
  });
});
