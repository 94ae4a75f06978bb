/** The only reader of the environment. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { nearest } from './commands/grammar/suggest.ts';
import { UsageError } from './errors.ts';
import { type MailConfig, mailConfig, mailEnvironment } from './mail-config.ts';

const text = z.string().trim().min(1);

const isZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== undefined;
  } catch {
    return false;
  }
};

/** 32 bytes as `openssl rand -base64 32` prints them; base64url is fine too. */
const isKey = (key: string): boolean =>
  /^[A-Za-z0-9+/_-]{43}=?$/.test(key) && Buffer.from(key, 'base64').byteLength === 32;

const SEPARATOR = process.platform === 'win32' ? ';' : ':';

const splitRoots = (roots: string): string[] =>
  roots
    .split(SEPARATOR)
    .map((root) => root.trim())
    .filter(Boolean);

const expandHome = (folder: string): string =>
  folder === '~' || folder.startsWith('~/') ? join(homedir(), folder.slice(1)) : folder;

/** What the wrong box was filled with: the tokens of Slack tell by their first letters where they belong. */
function slackToken(begins: string, is: string) {
  const named: Record<string, string> = {
    'xoxb-': 'a bot token, for SLACK_BOT_TOKEN',
    'xapp-': 'an app-level token, for SLACK_APP_TOKEN',
    'xoxp-': "a user's token, which Keepsake has no use for",
  };
  const other = (token: unknown): string => {
    const found = Object.entries(named).find(([start]) => typeof token === 'string' && token.startsWith(start));
    return found ? `; this is ${found[1]}` : '';
  };
  return text.refine((token) => token.startsWith(begins), {
    error: ({ input }) => `${is} begins with ${begins}${other(input)}`,
  });
}

/** Every variable with its meaning and a value that works; `.env.example` is checked against this. */
export const environment = z.object({
  KEEPSAKE_DATA: text
    .optional()
    .meta({ example: '/var/lib/keepsake' })
    .describe('Data folder: database, key, mail that could not be sent. Default: ~/.keepsake'),
  KEEPSAKE_KEY: text
    .refine((keys) => keys.split(',').every((key) => isKey(key.trim())), {
      error: 'each key must be 32 bytes in base64',
    })
    .optional()
    .meta({ example: 'the output of: openssl rand -base64 32', secret: true })
    .describe(
      'Key that seals credentials: 32 bytes in base64. Default: a key file in the data folder, made at the first start. To rotate, write "new,old".',
    ),
  KEEPSAKE_LOCAL_ROOTS: text
    .refine((roots) => splitRoots(roots).every((root) => isAbsolute(expandHome(root))), {
      error: 'each folder must be written from the root of the disk',
    })
    .optional()
    .meta({ example: ['/srv/photos', '/mnt/usb'].join(SEPARATOR) })
    .describe(
      'Folders of this machine that may be backed up or written to, separated by ":" (";" on Windows). Default: none; the terminal opens the folders typed there.',
    ),
  KEEPSAKE_ZONE: text
    .refine(isZone, { error: 'this is not a time zone of the IANA list' })
    .optional()
    .meta({ example: 'Europe/Berlin' })
    .describe('Time zone of people who have not set one, e.g. Europe/Berlin. Default: the zone of this machine.'),
  MONGODB_URI: text
    .refine((uri) => /^mongodb(\+srv)?:\/\/\S+$/.test(uri), {
      error: 'it must begin with mongodb:// or mongodb+srv://',
    })
    .optional()
    .meta({ example: 'mongodb://localhost/keepsake', secret: true })
    .describe('MongoDB for several machines, e.g. mongodb://host/keepsake. Default: SQLite in the data folder.'),
  SLACK_BOT_TOKEN: slackToken('xoxb-', 'a bot token')
    .optional()
    .meta({ example: 'xoxb-... from "OAuth & Permissions"', secret: true })
    .describe('Slack, one workspace: the bot token.'),
  SLACK_APP_TOKEN: slackToken('xapp-', 'an app-level token')
    .optional()
    .meta({ example: 'xapp-... from "Basic Information", scope connections:write', secret: true })
    .describe('Slack over Socket Mode (no public address needed): the app-level token.'),
  SLACK_SIGNING_SECRET: text
    .optional()
    .meta({ example: 'the signing secret from "Basic Information"', secret: true })
    .describe('Slack over HTTP, used when there is no app-level token: requests must be signed with it.'),
  SLACK_CLIENT_ID: text
    .optional()
    .meta({ example: '1234567890.1234567890' })
    .describe(
      'Slack, several workspaces: with SLACK_CLIENT_SECRET and KEEPSAKE_URL, people install it at /slack/install.',
    ),
  SLACK_CLIENT_SECRET: text
    .optional()
    .meta({ example: 'the client secret from "Basic Information"', secret: true })
    .describe('Slack, several workspaces: the client secret.'),
  DISCORD_TOKEN: text
    // https://docs.discord.com/developers/reference#authentication: the library writes the "Bot" itself.
    .refine((token) => !/\s/.test(token), { error: 'it is the token alone, without "Bot" before it' })
    .refine((token) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token), {
      error: "a bot's token has three parts with dots between; an application id or a client secret is not it",
    })
    .optional()
    .meta({ example: 'the token from "Bot"', secret: true })
    .describe("Discord: the bot's token."),
  DISCORD_GUILD: text
    .refine((id) => /^\d{5,20}$/.test(id), { error: "it is a server's number, as Discord copies it" })
    .optional()
    .meta({ example: '123456789012345678' })
    .describe('Discord: register the commands in this server only, where they appear at once. Default: everywhere.'),
  KEEPSAKE_CODES_IN_CHAT: z
    .enum(['yes', 'no'], { error: 'it must be yes or no' })
    .default('no')
    .meta({ example: 'no' })
    .describe(
      'Whether one-time codes (never passwords) may be typed in Slack and Discord, whose servers then see them: yes or no.',
    ),
  ...mailEnvironment,
  KEEPSAKE_URL: text
    .refine((url) => /^https?:\/\/\S+$/.test(url) && URL.canParse(url), { error: 'it is not a URL' })
    .optional()
    .meta({ example: 'https://keepsake.example.org' })
    .describe('Where this Keepsake is reached from outside, for links and for Slack over HTTP.'),
  PORT: z.coerce
    .number({ error: 'it must be a number' })
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .meta({ example: '3000' })
    .describe('Port for requests from outside (Slack over HTTP). Default: 3000.'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'], { error: 'it must be debug, info, warn or error' })
    .default('info')
    .meta({ example: 'info' })
    .describe('How much the log says: debug, info, warn or error.'),
});

/** How Slack reaches us, and whose tokens we use: one workspace's from here, or those that an installation stored. */
export interface SlackConfig {
  reach: { kind: 'socket'; appToken: string } | { kind: 'http'; signingSecret: string };
  workspace: { kind: 'one'; botToken: string } | { kind: 'several'; clientId: string; clientSecret: string };
}

export interface Config {
  data: string;
  keys: string[];
  localRoots: string[];
  zone: string;
  mongodb: string | undefined;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  home: string;
  cwd: string;
  slack: SlackConfig | undefined;
  discord: { token: string; guild?: string } | undefined;
  mail: MailConfig | undefined;
  codesInChat: boolean;
  /** Where this Keepsake is reached from outside; without a slash at the end. */
  url: string | undefined;
  port: number;
  /** Replaced base URLs by lower-case service name. */
  endpoints: Record<string, string>;
}

type Values = z.infer<typeof environment>;

const needs = (what: string, name: string, where: string): never => {
  throw new UsageError(`${what} is set, but ${name} is missing. Keepsake did not start.`, {
    code: 'bad_config',
    advice: `Set ${name} (${where}), or remove ${what}.`,
  });
};

/** Undefined when nothing of Slack is set. Throws `UsageError` that names what is missing when only a part is. */
function slackConfig(values: Values): SlackConfig | undefined {
  const { SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken, SLACK_SIGNING_SECRET: signingSecret } = values;
  const { SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: clientSecret } = values;
  const [first] = Object.keys(values).filter((name) => name.startsWith('SLACK_') && values[name as keyof Values]);
  if (first === undefined) return undefined;
  const basic = 'at api.slack.com/apps under "Basic Information"';
  const workspace =
    botToken !== undefined
      ? ({ kind: 'one', botToken } as const)
      : clientId !== undefined
        ? ({
            kind: 'several',
            clientId,
            clientSecret: clientSecret ?? needs('SLACK_CLIENT_ID', 'SLACK_CLIENT_SECRET', basic),
          } as const)
        : needs(first, 'SLACK_BOT_TOKEN', 'at api.slack.com/apps under "OAuth & Permissions"');
  const reach =
    appToken !== undefined
      ? ({ kind: 'socket', appToken } as const)
      : ({
          kind: 'http',
          signingSecret: signingSecret ?? needs(first, 'SLACK_APP_TOKEN', `${basic}; for HTTP, SLACK_SIGNING_SECRET`),
        } as const);
  return { reach, workspace };
}

type Environment = Record<string, string | undefined>;

const ENDPOINT = /^KEEPSAKE_ENDPOINT_([A-Z0-9_]+)$/;

/** What is set to nothing counts as not set: that is how compose files and `.env` templates leave things out. */
const present = (env: Environment): [string, string][] =>
  Object.entries(env).flatMap(([name, value]) =>
    value === undefined || value.trim() === '' ? [] : [[name, value.trim()]],
  );

function refuse(name: string, value: string | undefined, problem: string, working: string, secret: boolean): never {
  const shown = value === undefined || secret ? '' : ` "${value}"`;
  throw new UsageError(`The setting ${name}${shown} is not usable: ${problem}. Keepsake did not start.`, {
    code: 'bad_config',
    advice: secret ? `Set ${name} to ${working}, or remove it.` : `Write for example ${name}=${working}, or remove it.`,
  });
}

/** The `.env` beside package.json, if there is one; what is set in the environment itself counts more. */
function machineEnvironment(): Environment {
  try {
    return { ...parseEnv(readFileSync(new URL('../../.env', import.meta.url), 'utf8')), ...process.env };
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return process.env;
    throw new UsageError('The file .env is there but cannot be read. Keepsake did not start.', {
      code: 'bad_config',
      advice: 'Give the user that runs Keepsake the right to read it.',
      cause,
    });
  }
}

/** `npm run` changes into the project's folder; what people type as `./Pictures` is meant from where they stand. */
const startFolder = (env: Environment): string =>
  (env.npm_lifecycle_event === 'keepsake' && env.INIT_CWD) || process.cwd();

/** Throws `UsageError` (`bad_config`) that names the variable, what is wrong with it and a value that works. */
export function readConfig(env: Environment = machineEnvironment(), overrides: { data?: string } = {}): Config {
  const set = Object.fromEntries(present(env));
  for (const name of Object.keys(environment.shape)) {
    // A shell and an `.env` take them away; container files hand them on.
    if (/^(["'`]).*\1$/s.test(set[name] ?? ''))
      refuse(name, undefined, 'it has quotation marks around it', 'the same without them', true);
  }
  const parsed = environment.safeParse(set);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = String(issue?.path[0]) as keyof typeof environment.shape;
    const { example, secret } = environment.shape[name].meta() ?? {};
    refuse(name, set[name], issue?.message ?? 'it has the wrong form', String(example), secret === true);
  }
  const values = parsed.data;
  if (values.DISCORD_GUILD !== undefined && values.DISCORD_TOKEN === undefined) {
    needs('DISCORD_GUILD', 'DISCORD_TOKEN', 'at discord.com/developers/applications under "Bot"');
  }
  const home = homedir();
  const cwd = startFolder(env);
  const endpoints: Record<string, string> = {};
  for (const [name, value] of Object.entries(set)) {
    const service = ENDPOINT.exec(name)?.[1];
    if (!service) continue;
    if (!URL.canParse(value)) refuse(name, value, 'it is not a URL', 'https://gateway.example.org', false);
    endpoints[service.toLowerCase()] = value.replace(/\/+$/, '');
  }
  return {
    data: resolve(cwd, expandHome(overrides.data ?? values.KEEPSAKE_DATA ?? join(home, '.keepsake'))),
    keys: values.KEEPSAKE_KEY?.split(',').map((key) => key.trim()) ?? [],
    localRoots: splitRoots(values.KEEPSAKE_LOCAL_ROOTS ?? '').map((root) => resolve(expandHome(root))),
    zone: values.KEEPSAKE_ZONE ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    mongodb: values.MONGODB_URI,
    logLevel: values.LOG_LEVEL,
    slack: slackConfig(values),
    discord:
      values.DISCORD_TOKEN === undefined
        ? undefined
        : {
            token: values.DISCORD_TOKEN,
            ...(values.DISCORD_GUILD === undefined ? {} : { guild: values.DISCORD_GUILD }),
          },
    mail: mailConfig(values),
    codesInChat: values.KEEPSAKE_CODES_IN_CHAT === 'yes',
    url: values.KEEPSAKE_URL?.replace(/\/+$/, ''),
    port: values.PORT,
    home,
    cwd,
    endpoints,
  };
}

/** For the program that gets the refresh token of mail: by itself, since without that token the settings are not whole. */
export function signInSettings(env: Environment = machineEnvironment()): {
  clientId?: string;
  clientSecret?: string;
  endpoint?: string;
} {
  const set = Object.fromEntries(present(env));
  const { MAIL_OAUTH_CLIENT_ID: clientId, MAIL_OAUTH_CLIENT_SECRET: clientSecret } = set;
  const endpoint = set.KEEPSAKE_ENDPOINT_MAIL_OAUTH?.replace(/\/+$/, '');
  return {
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

/**
 * What the operator should know at the start though nothing is wrong enough to stop: a `KEEPSAKE_` variable that
 * nothing reads (a typing mistake would otherwise be silent), and a key that would not outlive the machine.
 */
export function configWarnings(env: Environment = machineEnvironment()): string[] {
  const known = Object.keys(environment.shape);
  const set = present(env);
  const names = new Set(set.map(([name]) => name));
  const warnings = set
    .map(([name]) => name)
    .filter((name) => name.startsWith('KEEPSAKE_') && !ENDPOINT.test(name) && !known.includes(name))
    .map((name) => {
      const [close] = nearest(name, known);
      return `Nothing reads the setting ${name}.${close ? ` Did you mean ${close}?` : ''}`;
    });
  if (names.has('MONGODB_URI') && !names.has('KEEPSAKE_KEY')) {
    warnings.push(
      'MONGODB_URI is set but KEEPSAKE_KEY is not: credentials are sealed with a key file in the data folder, and are lost with this disk. Set KEEPSAKE_KEY to the output of: openssl rand -base64 32',
    );
  }
  return warnings;
}

/**
 * Whether to write colours: never with `NO_COLOR` (no-color.org: any text in it counts), always with `FORCE_COLOR`, else
 * on a terminal that can.
 */
export function wantsColour(tty: boolean, env: Environment = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return tty && env.TERM !== 'dumb';
}
