/** Parts of the Slack surface by themselves: what events say, what refusals mean, how answers find a way. */
import { describe, expect, it } from 'vitest';
import { createAnswering } from '../../src/bots/slack/answering.ts';
import { createDrawing } from '../../src/bots/slack/drawing.ts';
import {
  commandSpoken,
  instantOf,
  isAnswer,
  messageSpoken,
  type Origin,
  pressOf,
  typedText,
} from '../../src/bots/slack/events.ts';
import { type Call, slackFailure } from '../../src/bots/slack/failure.ts';
import { createInstallations, page } from '../../src/bots/slack/installations.ts';
import { createModals } from '../../src/bots/slack/modals.ts';
import { createScreen } from '../../src/bots/slack/screen.ts';
import { createSpeakers } from '../../src/bots/slack/speakers.ts';
import { severalWorkspaces, type Workspaces } from '../../src/bots/slack/workspaces.ts';
import { slackBase } from '../../src/bots/slack.ts';
import { AuthRequired, NotAllowed, NotFound, RetryLater } from '../../src/engine/errors.ts';
import type { Control } from '../../src/engine/services.ts';
import type { Form, Reply } from '../../src/engine/types.ts';
import { fastClock } from '../fast-clock.ts';

const nothing = (): void => {};
const signal = new AbortController().signal;
const reply: Reply = { tone: 'plain', title: 'All is well.', blocks: [] };

const platform = (error: string, more: object = {}): Error =>
  Object.assign(new Error(`An API error occurred: ${error}`), {
    code: 'slack_webapi_platform_error',
    data: { ok: false, error, ...more },
  });

describe('the address of Slack', () => {
  it.each([
    [undefined, 'https://slack.com/'],
    ['http://127.0.0.1:4010', 'http://127.0.0.1:4010/'],
    ['http://127.0.0.1:4010/', 'http://127.0.0.1:4010/'],
    ['http://127.0.0.1:4010/api', 'http://127.0.0.1:4010/'],
    ['http://127.0.0.1:4010/api/', 'http://127.0.0.1:4010/'],
    ['https://gateway.example.org/slack/api/', 'https://gateway.example.org/slack/'],
  ])('%s is %s', (endpoint, base) => {
    expect(slackBase(endpoint)).toBe(base);
  });
});

describe('what was typed', () => {
  it.each([
    ['photos &amp; films &lt;2024&gt;', 'photos & films <2024>'],
    [
      'connect webdav url=<https://dav.example.org/a?b=1&amp;c=2>',
      'connect webdav url=https://dav.example.org/a?b=1&c=2',
    ],
    ['<https://example.org|example.org> to gdrive', 'https://example.org to gdrive'],
    ['user=<mailto:ana@example.org|ana@example.org>', 'user=ana@example.org'],
    ['share photos with <#C1|family> and <@U2>', 'share photos with #family and @U2'],
    ['&amp;lt; stays what it was', '&lt; stays what it was'],
  ])('%s is read as %s', (text, line) => {
    expect(typedText(text)).toBe(line);
  });
});

describe('an installation for a whole organisation', () => {
  it('serves its workspaces also when a report comes that names only the workspace, after a restart too', async () => {
    const kept = new Map<string, string>();
    const installations = createInstallations({
      get: async (id) => kept.get(id),
      put: async (id, value) => void kept.set(id, value),
      remove: async (id) => void kept.delete(id),
    });
    await installations.put('E1', { token: 'xoxb-1' });
    const order = { api: 'http://127.0.0.1:1/api/', log: nothing };
    await expect(severalWorkspaces(installations, order).of('T1')).rejects.toThrow(AuthRequired);
    await severalWorkspaces(installations, order).of('T1', 'E1');
    expect(await severalWorkspaces(installations, order).of('T1')).toHaveProperty('call');
    await expect(severalWorkspaces(installations, order).of('T2')).rejects.toThrow(AuthRequired);
  });
});

describe('messages', () => {
  const event = (more: object) => ({
    team_id: 'T1',
    event_id: 'Ev1',
    authorizations: [{ team_id: 'T1', user_id: 'UBOT' }],
    event: { type: 'message', channel_type: 'im', user: 'U1', channel: 'D1', ts: '1.2', text: 'list', ...more },
  });

  it('are taken as said', () => {
    expect(messageSpoken(event({}))).toMatchObject({ team: 'T1', user: 'U1', channel: 'D1', line: 'list' });
  });

  it('of a mention are taken without the mention', () => {
    const mention = event({ type: 'app_mention', channel_type: undefined, channel: 'C1', text: '<@UBOT> run photos' });
    expect(messageSpoken(mention)?.line).toBe('run photos');
  });

  it('have the same key however often they arrive, and as whatever event', () => {
    const twice = { ...event({}), event_id: 'Ev2' };
    expect(messageSpoken(twice)?.key).toBe(messageSpoken(event({}))?.key);
  });

  it.each<[string, object]>([
    ['another bot', { bot_id: 'B9' }],
    ['ourselves', { user: 'UBOT' }],
    ['Slackbot', { user: 'USLACKBOT' }],
    ['an edit', { subtype: 'message_changed' }],
    ['somebody joining', { subtype: 'channel_join' }],
    ['a channel that only mentions nobody', { channel_type: 'channel', channel: 'C1' }],
  ])('from %s are let pass', (_, more) => {
    expect(messageSpoken(event(more))).toBeUndefined();
  });
});

describe('other events', () => {
  it('tell who pressed what, when the message was made, and which presses are one', () => {
    const body = {
      team: { id: 'T1' },
      user: { id: 'U1', username: 'ana' },
      channel: { id: 'C1' },
      trigger_id: 't',
      container: { message_ts: '1763823600.000200', channel_id: 'C1', is_ephemeral: true },
      actions: [{ action_id: 'line:0', value: '{"line":"list"}', action_ts: '9.1', text: { text: 'Show' } }],
    };
    const first = pressOf(body);
    const [action] = body.actions;
    const second = pressOf({ ...body, actions: [{ ...action, action_ts: '9.2' }] });
    expect(first).toMatchObject({ label: 'Show', ephemeral: true, pressed: '2025-11-22T15:00:00.000Z' });
    expect(second?.key).not.toBe(first?.key);
    expect(second?.twice).toBe(first?.twice);
  });

  it('without what they need are none', () => {
    expect(commandSpoken({ text: 'list' })).toBeUndefined();
    expect(pressOf({ actions: [] })).toBeUndefined();
    expect(instantOf('nonsense')).toBeUndefined();
  });

  it('know the buttons below a question', () => {
    expect(isAnswer('yes 1a2b3c4d')).toBe(true);
    expect(isAnswer('run photos')).toBe(false);
  });
});

describe('refusals', () => {
  it.each([
    ['invalid_auth', AuthRequired],
    ['token_revoked', AuthRequired],
    ['account_inactive', AuthRequired],
    ['not_in_channel', NotAllowed],
    ['channel_not_found', NotAllowed],
    ['missing_scope', NotAllowed],
    ['message_not_found', NotFound],
    ['internal_error', RetryLater],
  ])('%s', (word, kind) => {
    const failure = slackFailure('chat.postMessage', platform(word));
    expect(failure).toBeInstanceOf(kind);
    // What Slack said stays in the log.
    expect(failure).toHaveProperty('cause.data.error', word);
  });

  it('for being too much say how long to wait', () => {
    const limited = Object.assign(new Error('later'), { code: 'slack_webapi_rate_limited_error', retryAfter: 7 });
    expect(slackFailure('chat.update', limited)).toMatchObject({ after: 7_000 });
  });

  it('that are mistakes of ours stay what they are', () => {
    const mistake = platform('invalid_blocks');
    expect(slackFailure('chat.postMessage', mistake)).toBe(mistake);
  });
});

describe('posting', () => {
  const controls = { keep: async () => 'abc', find: async () => undefined };
  const screenOn = (call: Call) => {
    const workspaces: Workspaces = { of: async () => ({ call, edit: call }), forget: nothing, check: async () => {} };
    const drawing = createDrawing({ controls });
    return {
      drawing,
      screen: createScreen({ workspaces, drawing, clock: fastClock(1000), log: nothing, changed: nothing }),
    };
  };

  it('waits through a short pause that Slack asks for, and leaves long ones to the outbox', async () => {
    const answers: (RetryLater | undefined)[] = [new RetryLater('wait', { after: 2_000 }), undefined];
    const { screen } = screenOn(async () => {
      const error = answers.shift();
      if (error) throw error;
      return { ts: '1.1', channel: 'C1' };
    });
    expect(await screen.post('T1/C1', reply, { key: 'k', signal })).toBe('T1/C1/1.1');
    const long = screenOn(async () => {
      throw new RetryLater('wait', { after: 60_000 });
    });
    await expect(long.screen.post('T1/C1', reply, { key: 'k', signal })).rejects.toMatchObject({ after: 60_000 });
  });

  it('is not repeated by itself when it may have arrived', async () => {
    let calls = 0;
    const { screen } = screenOn(async () => {
      calls++;
      throw new RetryLater('away', { code: 'slack_away' });
    });
    await expect(screen.post('T1/C1', reply, { key: 'k', signal })).rejects.toBeInstanceOf(RetryLater);
    expect(calls).toBe(1);
  });

  it('waits for the answer to a message at the end, so that it is known to have arrived', async () => {
    const stop = new AbortController();
    const answered = Promise.withResolvers<Record<string, unknown>>();
    const asked = Promise.withResolvers<void>();
    const { screen } = screenOn(() => {
      asked.resolve();
      return answered.promise;
    });
    const posting = screen.post('T1/C1', reply, { key: 'k', signal: stop.signal });
    await asked.promise;
    stop.abort(new Error('over'));
    answered.resolve({ ok: true, ts: '1.2', channel: 'C1' });
    expect(await posting).toBe('T1/C1/1.2');
  });

  it('ends soon when it is told to', async () => {
    const stop = new AbortController();
    const { screen } = screenOn(() => new Promise(() => {}));
    const posting = screen.post('T1/C1', reply, { key: 'k', signal: stop.signal });
    stop.abort(new Error('over'));
    await expect(posting).rejects.toThrow('over');
  });

  const origin: Origin = { team: 'T1', user: 'U1', channel: 'C1', key: 'e' };
  const answer = (call: Call, respond: (message: unknown) => Promise<void>) =>
    createAnswering({
      origin,
      where: { conversation: 'T1/C1', alone: false },
      respond,
      ...screenOn(call),
      clock: fastClock(1000),
      log: nothing,
      signal,
    });

  it('answers by the address of the event once, then for one pair of eyes, then directly', async () => {
    const calls: string[] = [];
    let member = true;
    const answering = answer(
      async (method) => {
        calls.push(method);
        if (method === 'chat.postEphemeral' && !member) throw slackFailure(method, platform('not_in_channel'));
        return method === 'conversations.open' ? { channel: { id: 'D1' } } : { ts: '1.1' };
      },
      async () => void calls.push('respond'),
    );
    await answering.show(reply);
    await answering.show(reply);
    member = false;
    await answering.show(reply);
    expect(calls).toEqual([
      'respond',
      'chat.postEphemeral',
      'chat.postEphemeral',
      'conversations.open',
      'chat.postMessage',
    ]);
  });

  it('goes on when the address of the event is used up, and hands files over directly', async () => {
    const calls: string[] = [];
    const answering = answer(
      async (method) => {
        calls.push(method);
        return method === 'conversations.open' ? { channel: { id: 'D1' } } : { ts: '1.1' };
      },
      async () => {
        throw new Error('used_url');
      },
    );
    const file = { kind: 'file', name: 'list.txt', mime: 'text/plain', bytes: new Uint8Array([1]) } as const;
    await answering.show({ ...reply, blocks: [file] });
    expect(calls).toEqual(['chat.postEphemeral', 'conversations.open', 'files.uploadV2']);
  });
});

describe('speakers', () => {
  const origin: Origin = { team: 'T1', user: 'U1', name: 'ana', key: 'e' };

  it('are asked for once, and again after hours', async () => {
    const clock = fastClock(1);
    let asked = 0;
    const call: Call = async () => {
      asked++;
      return { user: { real_name: 'Ana Alba', tz: 'Europe/Berlin', locale: 'de-DE' } };
    };
    const workspaces: Workspaces = { of: async () => ({ call, edit: call }), forget: nothing, check: async () => {} };
    const speakers = createSpeakers({ workspaces, clock, log: nothing });
    const [first] = await Promise.all([speakers.of(origin), speakers.of(origin)]);
    expect(first).toEqual({ id: 'T1/U1', name: 'Ana Alba', zone: 'Europe/Berlin', locale: 'de-DE' });
    expect(asked).toBe(1);
    clock.forward(7 * 3_600_000);
    await speakers.of(origin);
    expect(asked).toBe(2);
  });
});

describe('modals', () => {
  const form: Form = { kind: 'form', label: 'Go', title: 'Go', line: 'go', fields: [{ name: 'a', label: 'A' }] };
  const kept = new Map<string, Control>();
  const modals = createModals({
    controls: {
      keep: async (control) => {
        kept.set('id', control);
        return 'id';
      },
      find: async (id) => kept.get(id),
    },
  });

  it('carry a small form themselves, and the id of a large one', async () => {
    const small = await modals.view({ control: { form }, conversation: 'T1/C1' });
    expect(kept.size).toBe(0);
    expect(await modals.remembered(small.private_metadata)).toEqual({ control: { form }, conversation: 'T1/C1' });
    const large = { ...form, line: `go ${'x'.repeat(5_000)}` };
    const view = await modals.view({ control: { form: large, about: { plan: 'p' } } });
    expect(view.private_metadata.length).toBeLessThan(3_000);
    expect(await modals.remembered(view.private_metadata)).toEqual({ control: { form: large, about: { plan: 'p' } } });
  });

  it('of others are not taken for ours', async () => {
    for (const metadata of ['', 'null', '{}', '{"control":{"form":{}}}', '"x"']) {
      expect(await modals.remembered(metadata)).toBeUndefined();
    }
  });
});

describe('installations', () => {
  it('are kept by workspace, and gone when they are removed', async () => {
    const store = new Map<string, string>();
    const installations = createInstallations({
      get: async (id) => store.get(id),
      put: async (id, value) => void store.set(id, value),
      remove: async (id) => void store.delete(id),
    });
    await installations.put('T1', { token: 'xoxb-1' });
    expect([...store.keys()]).toEqual(['slack/T1']);
    expect(await installations.get('T1')).toEqual({ token: 'xoxb-1' });
    await installations.remove('T1');
    await expect(installations.get('T1')).rejects.toMatchObject({ code: 'slack_not_installed' });
  });

  it('end on a page that shows names as they are', () => {
    expect(page('<script>', '"&"', { href: 'https://a/?b=1&c="', label: '<b>' })).not.toMatch(/<script>|<b>|c="/);
  });
});
