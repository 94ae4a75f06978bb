import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configWarnings, environment, readConfig } from '../src/engine/config.ts';
import { UsageError } from '../src/engine/errors.ts';

const key = Buffer.alloc(32, 7).toString('base64');

/** What `.env.example` has to be: every variable with its meaning and a value that works, all of them commented out. */
function exampleFile(): string {
  const entries = Object.entries(environment.shape).map(([name, schema]) => {
    const { example, description } = schema.meta() ?? {};
    return `# ${description}\n#${name}=${String(example)}`;
  });
  return [
    '# Settings of Keepsake. Copy this file to .env, or set these in the environment; none is needed to begin.',
    ...entries,
    '# The address of any remote service can be replaced (company gateways, regional hosts, tests): KEEPSAKE_ENDPOINT_<SERVICE>\n#KEEPSAKE_ENDPOINT_GOOGLE=https://gateway.example.org/google',
    '',
  ].join('\n\n');
}

describe('configuration', () => {
  it('needs nothing to begin', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      data: join(homedir(), '.keepsake'),
      keys: [],
      localRoots: [],
      mongodb: undefined,
      logLevel: 'info',
      endpoints: {},
    });
    expect(readConfig({ KEEPSAKE_DATA: '  ', MONGODB_URI: '' }).mongodb).toBeUndefined();
  });

  it('reads every variable', () => {
    const config = readConfig({
      KEEPSAKE_DATA: '/var/lib/keepsake',
      KEEPSAKE_KEY: `${key}, ${key.replace('=', '')}`,
      KEEPSAKE_LOCAL_ROOTS: '/srv/photos/:~/Pictures:',
      KEEPSAKE_ZONE: 'Europe/Berlin',
      MONGODB_URI: 'mongodb+srv://host/keepsake',
      LOG_LEVEL: 'debug',
      KEEPSAKE_ENDPOINT_ICLOUD_SETUP: 'https://setup.example.org/',
      UNRELATED: 'x',
    });
    expect(config).toMatchObject({
      data: '/var/lib/keepsake',
      keys: [key, key.replace('=', '')],
      localRoots: ['/srv/photos', join(homedir(), 'Pictures')],
      zone: 'Europe/Berlin',
      mongodb: 'mongodb+srv://host/keepsake',
      logLevel: 'debug',
      endpoints: { icloud_setup: 'https://setup.example.org' },
    });
    expect(readConfig({ KEEPSAKE_DATA: '/a' }, { data: '/b' }).data).toBe('/b');
  });

  it.each([
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL=info'],
    ['KEEPSAKE_ZONE', 'Mars/Olympus', 'KEEPSAKE_ZONE=Europe/Berlin'],
    ['KEEPSAKE_LOCAL_ROOTS', 'photos', 'KEEPSAKE_LOCAL_ROOTS=/srv/photos'],
    ['KEEPSAKE_ENDPOINT_SLACK', 'gateway', 'KEEPSAKE_ENDPOINT_SLACK=https://'],
    ['KEEPSAKE_KEY', 'hunter2', 'openssl rand -base64 32'],
    ['MONGODB_URI', 'postgres://ana:hunter2@host', 'mongodb://'],
  ])('%s=%s is refused with a value that works', (name, value, advice) => {
    let error: unknown;
    try {
      readConfig({ [name]: value });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(UsageError);
    const { message, advice: said } = error as UsageError;
    expect(message).toContain(name);
    expect(said).toContain(advice);
    expect(message + said).not.toContain('hunter2');
  });

  const bot = 'xoxb-1-hunter2';
  const app = 'xapp-1-hunter2';

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'only the bot token',
      { SLACK_BOT_TOKEN: bot },
      /SLACK_APP_TOKEN is missing.*Basic Information.*SLACK_SIGNING_SECRET/s,
    ],
    ['only the app token', { SLACK_APP_TOKEN: app }, /SLACK_BOT_TOKEN is missing.*OAuth & Permissions/s],
    ['only the signing secret', { SLACK_SIGNING_SECRET: 'hunter2' }, /SLACK_BOT_TOKEN is missing/],
    ['only the client id', { SLACK_CLIENT_ID: '1.2', SLACK_APP_TOKEN: app }, /SLACK_CLIENT_SECRET is missing/],
    [
      'tokens that were swapped',
      { SLACK_BOT_TOKEN: app, SLACK_APP_TOKEN: bot },
      /SLACK_BOT_TOKEN.*for SLACK_APP_TOKEN/s,
    ],
    ["a user's token", { SLACK_BOT_TOKEN: 'xoxp-hunter2', SLACK_APP_TOKEN: app }, /begins with xoxb-.*no use for/s],
    ['quotation marks', { DISCORD_TOKEN: '"hunter2.hunter2.hunter2"' }, /DISCORD_TOKEN.*quotation marks/s],
    ['a header instead of a token', { DISCORD_TOKEN: 'Bot hunter2.hunter2.hunter2' }, /without "Bot"/],
    ['a client secret as the token', { DISCORD_TOKEN: 'hunter2hunter2' }, /DISCORD_TOKEN.*three parts/s],
    ['a server without a token', { DISCORD_GUILD: '123456789012345678' }, /DISCORD_TOKEN is missing.*"Bot"/s],
  ])('chat that is half set up is refused with what to do: %s', (_, env, says) => {
    let said = '';
    try {
      readConfig(env);
    } catch (error) {
      if (error instanceof UsageError) said = `${error.message} ${error.advice}`;
    }
    expect(said).toMatch(says);
    expect(said).toContain('Keepsake did not start');
    expect(said).not.toContain('hunter2');
  });

  it('a mistyped variable is told with the nearest name, others are left alone', () => {
    expect(
      configWarnings({ KEEPSAKE_DTAA: '/x', KEEPSAKE_ENDPOINT_SLACK: 'https://a', PATH: '/bin', KEEPSAKE_ZONE: '' }),
    ).toEqual(['Nothing reads the setting KEEPSAKE_DTAA. Did you mean KEEPSAKE_DATA?']);
    expect(configWarnings({ MONGODB_URI: 'mongodb://h/k' })[0]).toContain('KEEPSAKE_KEY');
    expect(configWarnings({ MONGODB_URI: 'mongodb://h/k', KEEPSAKE_KEY: key })).toEqual([]);
  });

  it('.env.example is what the schema says', async () => {
    const file = await readFile(new URL('../.env.example', import.meta.url), 'utf8');
    expect(file, `.env.example should be:\n${exampleFile()}`).toBe(exampleFile());
  });
});
