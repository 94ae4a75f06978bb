/** slack/manifest.yaml: what Slack accepts, no scope without a use, no event without a listener. */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { EVENTS } from '../../src/bots/slack/connection.ts';
import { SCOPES } from '../../src/bots/slack/installations.ts';

interface Manifest {
  display_information: { name: string };
  features: {
    slash_commands: { command: unknown }[];
    shortcuts: { callback_id: string }[];
    bot_user: { always_online: unknown };
  };
  oauth_config: { scopes: { bot: string[] } };
  settings: { event_subscriptions: { bot_events: string[] } };
}

const file = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const manifest = (): Manifest => parse(file('slack/manifest.yaml'));
const accepts = new Ajv({ allErrors: true }).compile(JSON.parse(file('test/fixtures/slack-manifest-schema.json')));

const sources = readdirSync(new URL('../../src/bots/slack', import.meta.url))
  .map((name) => file(`src/bots/slack/${name}`))
  .join('\n');

/** What each scope is for: the methods that need it, or the events and inputs that come with it. (docs.slack.dev/reference/scopes) */
const USES: Readonly<Record<string, readonly RegExp[]>> = {
  'app_mentions:read': [/'app_mention'/],
  'chat:write': [/'chat\.postMessage'/, /'chat\.postEphemeral'/, /'chat\.update'/],
  commands: [/app\.command\(/, /app\.shortcut\(/],
  'files:write': [/'files\.uploadV2'/],
  'im:history': [/'conversations\.history'/],
  'im:write': [/'conversations\.open'/],
  'users:read': [/'users\.info'/],
};

/** Methods that a bot token may call without any scope. */
const FREE = ['auth.test', 'chat.getPermalink', 'views.open', 'views.update', 'views.publish', 'apps.connections.open'];

describe('the manifest', () => {
  it('is what Slack accepts', () => {
    accepts(manifest());
    expect(accepts.errors).toBeNull();
  });

  it.each<[string, (spoilt: Manifest) => void]>([
    ['a long name', ({ display_information: shown }) => void Object.assign(shown, { name: 'K'.repeat(36) })],
    [
      'a command without its slash',
      ({ features }) => void features.slash_commands.map((one) => Object.assign(one, { command: 'backup' })),
    ],
    [
      'a word where yes or no belongs',
      ({ features }) => void Object.assign(features.bot_user, { always_online: 'yes' }),
    ],
    ['a setting that does not exist', ({ settings }) => void Object.assign(settings, { socket_mode: true })],
  ])('would be refused with %s', (_, spoil) => {
    const spoilt = manifest();
    spoil(spoilt);
    expect(accepts(spoilt)).toBe(false);
  });

  it('asks for no scope that the code has no use for', () => {
    const { bot } = manifest().oauth_config.scopes;
    expect(Object.keys(USES).toSorted()).toEqual(bot.toSorted());
    for (const use of Object.values(USES).flat()) expect(sources).toMatch(use);
  });

  it('asks for every scope that the code needs', () => {
    const needed = new Set(Object.values(USES).flatMap((uses) => uses.map(({ source }) => source)));
    const called = [...sources.matchAll(/'((?:[a-z]+)(?:\.[a-z][A-Za-z0-9]+){1,2})'/g)].map(
      ([, method]) => method ?? '',
    );
    const methods = called.filter((name) =>
      /^(apps|auth|chat|conversations|files|users|views|reactions|team)\./.test(name),
    );
    expect(methods.length).toBeGreaterThan(10);
    for (const method of methods) {
      if (!FREE.includes(method)) expect([...needed]).toContain(`'${method.replace('.', '\\.')}'`);
    }
  });

  it('asks for the same scopes when a workspace installs it', () => {
    expect([...SCOPES].toSorted()).toEqual(manifest().oauth_config.scopes.bot.toSorted());
  });

  it('subscribes to the events that are listened to, and to no others', () => {
    const events = manifest().settings.event_subscriptions.bot_events.map((name) =>
      name.replace(/^message\..*/, 'message'),
    );
    expect(events.toSorted()).toEqual([...EVENTS].toSorted());
    for (const name of events) expect(sources).toContain(`case '${name}'`);
  });

  it('has shortcuts that the code knows', () => {
    for (const { callback_id: name } of manifest().features.shortcuts) expect(sources).toContain(`'${name}'`);
  });
});
