/** The only reader of the environment. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { UsageError } from './errors.ts';

const text = z.string().trim().min(1);

/** Every variable with its meaning; `.env.example` is checked against this. */
export const environment = z.object({
  KEEPSAKE_DATA: text
    .optional()
    .describe('Data folder: database, key, mail that could not be sent. Default: ~/.keepsake'),
  KEEPSAKE_KEY: text
    .optional()
    .describe(
      'Key that seals credentials: 32 bytes in base64. Default: a key file in the data folder, made at the first start. To rotate, write "new,old".',
    ),
  KEEPSAKE_LOCAL_ROOTS: text
    .optional()
    .describe(
      'Folders of this machine that may be backed up or written to, separated by ":" (";" on Windows). Default: none; the terminal opens the folders typed there.',
    ),
  KEEPSAKE_ZONE: text
    .optional()
    .describe('Time zone of people who have not set one, e.g. Europe/Berlin. Default: the zone of this machine.'),
  MONGODB_URI: text
    .optional()
    .describe('MongoDB for several machines, e.g. mongodb://host/keepsake. Default: SQLite in the data folder.'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('How much the log says: debug, info, warn or error.'),
});

export interface Config {
  data: string;
  keys: string[];
  localRoots: string[];
  zone: string;
  mongodb: string | undefined;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  home: string;
  cwd: string;
  /** Replaced base URLs by lower-case service name. */
  endpoints: Record<string, string>;
}

const ENDPOINT = /^KEEPSAKE_ENDPOINT_([A-Z0-9_]+)$/;

/** Throws `UsageError` that names the variable, what is wrong with it and a value that works. */
export function readConfig(
  env: Record<string, string | undefined> = process.env,
  overrides: { data?: string } = {},
): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = environment.safeParse(set);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new UsageError(`${String(issue?.path[0])} is not right: ${issue?.message}.`, { code: 'bad_config' });
  }
  const values = parsed.data;
  const home = homedir();
  const endpoints: Record<string, string> = {};
  for (const [name, value] of Object.entries(set)) {
    const service = ENDPOINT.exec(name)?.[1];
    if (service && value) endpoints[service.toLowerCase()] = value.replace(/\/+$/, '');
  }
  return {
    data: resolve(overrides.data ?? values.KEEPSAKE_DATA ?? join(home, '.keepsake')),
    keys: values.KEEPSAKE_KEY?.split(',').map((key) => key.trim()) ?? [],
    localRoots: values.KEEPSAKE_LOCAL_ROOTS?.split(process.platform === 'win32' ? ';' : ':').filter(Boolean) ?? [],
    zone: values.KEEPSAKE_ZONE ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    mongodb: values.MONGODB_URI,
    logLevel: values.LOG_LEVEL,
    home,
    cwd: process.cwd(),
    endpoints,
  };
}
