/** What was typed behind `npm run -s keepsake --`: options, and the words of one line. */
import { parseArgs } from 'node:util';
import { UsageError } from '../engine/errors.ts';

export interface Arguments {
  /** Empty when none was typed. */
  line: string;
  data?: string;
  json: boolean;
  yes: boolean;
  now?: Date;
  zone?: string;
  help: boolean;
  version: boolean;
}

export const USAGE = `Keepsake: backups you talk to.

  npm run -s keepsake -- "<line>"     does what the line says
  npm run -s keepsake                 a prompt, with history and completion

Lines: "backup ~/Pictures to /mnt/usb weekly", "status", "restore photos to /tmp/x", "help" shows them all.

  --data DIR    the data folder (default: KEEPSAKE_DATA, or ~/.keepsake)
  --json        every reply as one line of JSON
  --yes         confirms what would otherwise be asked
  --now TIME    the clock for "when" and "preview", e.g. 2026-11-27T02:00:00Z
  --zone NAME   the time zone, e.g. Europe/Berlin
  --help, --version

Exit codes: 0 done, 1 failed, 2 partly done, 64 not understood, 77 needs a sign-in, 130 stopped by Ctrl-C.`;

/** Words with quotes around what has spaces in it, as the grammar reads them back. */
export const quoted = (word: string): string => (/[\s"',;]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word);

const wrong = (message: string, advice: string, cause?: unknown): UsageError =>
  new UsageError(message, { code: 'bad_option', advice, cause });

const isZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

/** The rest of these lines is one phrase; a quote around it was for the shell. */
const PHRASES = new Set(['when', '/when', 'help', 'find']);

/**
 * One argument is the line as it is. Several are words that the shell has taken apart: what has a space in it was quoted
 * there and is quoted again, so that `backup "/mnt/My Pictures" to /mnt/usb` still names one folder.
 */
export function lineOf(words: readonly string[]): string {
  const [first = '', ...rest] = words;
  if (rest.length === 0) return first.trim();
  if (PHRASES.has(first.toLowerCase())) return words.join(' ').trim();
  return [first, ...rest]
    .map((word) => (/\s/.test(word) && !/^"[^"]*"$/.test(word) ? quoted(word) : word))
    .join(' ')
    .trim();
}

/** Throws `UsageError` for an option that is not known or whose value makes no sense. */
export function readArguments(argv: readonly string[]): Arguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message : String(cause), 'See --help for the options.', cause);
  }
  const { values, positionals } = parsed;
  const line = lineOf(positionals);
  const { data, zone } = values;
  if (data !== undefined && data.trim() === '')
    throw wrong('--data needs a folder.', 'Write for example --data ./keepsake-data');
  if (zone !== undefined && !isZone(zone)) {
    throw wrong(`"${zone}" is not a time zone.`, 'Write it as in the IANA list, for example --zone Europe/Berlin');
  }
  const now = values.now === undefined ? undefined : new Date(values.now);
  if (now !== undefined && Number.isNaN(now.getTime())) {
    throw wrong(`"${values.now}" is not a time.`, 'Write for example --now 2026-11-27T02:00:00Z');
  }
  if (now !== undefined && !/^\/?(backup\s+)?(when|preview)\b/i.test(line)) {
    // A run under a wrong clock would put its snapshot into the wrong place of the history.
    throw wrong('--now is for "when" and "preview" only.', 'Leave it out, or ask: when weekly');
  }
  return {
    line,
    json: values.json === true,
    yes: values.yes === true,
    help: values.help === true,
    version: values.version === true,
    ...(data === undefined ? {} : { data }),
    ...(zone === undefined ? {} : { zone }),
    ...(now === undefined ? {} : { now }),
  };
}

const parse = (argv: readonly string[]) =>
  parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      json: { type: 'boolean' },
      yes: { type: 'boolean', short: 'y' },
      now: { type: 'string' },
      zone: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
  });
