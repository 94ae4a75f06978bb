/** The server: `npm start` runs every role of this version in one process; `node src/main.ts engine` runs some of them. */
import { parseArgs } from 'node:util';
import type { ChatSurface } from './bots/chat/chat.ts';
import { createConsoleDeliverer } from './bots/console.ts';
import { renderConsole } from './bots/console-render.ts';
import { type Composed, compose } from './compose.ts';
import { type Config, configWarnings, readConfig } from './engine/config.ts';
import { AuthRequired, isKeepsakeError, Stopped, UsageError } from './engine/errors.ts';
import { createOutbox, startOutbox } from './engine/outbox.ts';
import { openClaim } from './engine/people.ts';
import type { Page } from './engine/services.ts';
import { startSweep } from './engine/sweep.ts';
import type { Log } from './engine/types.ts';

/** What each role does, for the line at the start; empty where it depends on the settings. */
const ROLES = {
  engine: 'starts scheduled backups and works them',
  outbox: '',
  bots: '',
  mail: '',
  web: '',
} as const;
type RoleName = keyof typeof ROLES;

/**
 * Hosts send SIGTERM and kill after 30 s as a rule (Docker 10 s unless told otherwise): a run stops at its next chunk, which
 * takes as long as one chunk on the slowest line that is not given up.
 */
const GRACE = 25_000;

function readRoles(argv: readonly string[]): RoleName[] {
  const { positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: {} });
  const names = Object.keys(ROLES) as RoleName[];
  if (positionals.length === 0) return names;
  return positionals.map((word) => {
    const role = names.find((name) => name === word);
    if (role) return role;
    throw new UsageError(`There is no role "${word}".`, {
      code: 'bad_role',
      advice: `It has: ${names.join(', ')}. Without any word it takes all of them.`,
    });
  });
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

// Whoever read the log (`npm start | less`) may leave; the backups go on without them.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

/** First signal: come to rest, within a grace. Second: leave at once. */
function stopOnSignals(controller: AbortController): void {
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      say('Stopping: running backups stop at their next chunk and go on at the next start. Again to leave at once.');
      controller.abort(new Stopped('Keepsake is being stopped.'));
      setTimeout(() => {
        say('A backup did not come to rest in time. It goes on from what is confirmed at the next start.');
        process.exit(1);
        // Does not keep the process alive when all is at rest before.
      }, GRACE).unref();
    });
  }
}

/** What the operator wants to know before the first word: what runs, where it can be talked to, what chat may name. */
function greeting(
  { data, mongodb, slack, discord, mail, localRoots, port, url }: Config,
  roles: readonly RoleName[],
): string[] {
  const chats = [
    ...(slack ? [slack.reach.kind === 'socket' ? 'Slack (Socket Mode)' : `Slack (HTTP, port ${port})`] : []),
    ...(discord ? ['Discord'] : []),
  ];
  const bots =
    chats.length > 0
      ? `talks in ${chats.join(' and ')}, and delivers reports there`
      : 'nothing to do: neither Slack nor Discord is set up (docs/slack.md, docs/discord.md)';
  const ways = [
    ...(mail?.imap ? [`reads ${mail.imap.folder} of ${mail.from} at ${mail.imap.host}`] : []),
    ...(mail?.listen ? [`takes mails for ${mail.from} on port ${mail.listen.port}`] : []),
  ];
  const says: Partial<Record<RoleName, string>> = {
    bots,
    outbox: `delivers reports: into this log, and as mails ${mail?.smtp ? `from ${mail.from} by ${mail.smtp.host}` : 'into the data folder'}`,
    mail: ways.join(', ') || 'nothing to do: no mailbox is set up, so answers to mails are not read (docs/mail.md)',
    web: `port ${port}: is it alive (/healthz)${mail ? ', and the pages that mails link to' : ''}${url === undefined ? '' : `; from outside ${url}`}`,
  };
  const folders = localRoots.join(', ') || 'none; set KEEPSAKE_LOCAL_ROOTS';
  return [
    `Keepsake is up. Data folder: ${data}; database: ${mongodb === undefined ? 'SQLite' : 'MongoDB'}.`,
    ...roles.map((role) => `  ${role}: ${says[role] ?? ROLES[role]}`),
    ...(chats.length > 0 ? [`Folders of this machine that chat may name: ${folders}.`] : []),
    'Talk to it in the terminal: npm run -s keepsake',
  ];
}

/** The chat services that are set up. Each SDK is loaded only for its own. */
async function chatSurfaces(config: Config, { surface }: Composed, pages: readonly Page[]): Promise<ChatSurface[]> {
  const surfaces: ChatSurface[] = [];
  if (config.slack) {
    const { createSlack } = await import('./bots/slack.ts');
    const { endpoints, url, port } = config;
    surfaces.push(
      createSlack({
        config: config.slack,
        port,
        pages,
        services: surface(),
        ...(endpoints.slack === undefined ? {} : { endpoint: endpoints.slack }),
        ...(url === undefined ? {} : { url }),
      }),
    );
  }
  if (config.discord) {
    const { createDiscord } = await import('./bots/discord.ts');
    const endpoint = config.endpoints.discord;
    surfaces.push(
      createDiscord({ ...config.discord, services: surface(), ...(endpoint === undefined ? {} : { endpoint }) }),
    );
  }
  return surfaces;
}

/** Backups go on whatever happens to a chat service: a token refused, or a port taken, is told and ends only that one. */
async function talk(chat: ChatSurface, log: Log, signal: AbortSignal): Promise<void> {
  try {
    await chat.run(signal, () => log('info', 'bots.connected', { surface: chat.name }));
  } catch (error) {
    if (!(error instanceof AuthRequired || error instanceof UsageError)) throw error;
    const { message, advice } = error;
    log('error', 'bots.refused', { surface: chat.name, message, advice });
    say(`${message} ${advice}`);
  }
}

/** Resolves when the signal is aborted, or when no chat service is left to talk in. */
async function runBots(config: Config, composed: Composed, pages: readonly Page[], signal: AbortSignal): Promise<void> {
  const { store, clock, log } = composed.services;
  const surfaces = await chatSurfaces(config, composed, pages);
  if (surfaces.length === 0) return;
  const over = new AbortController();
  const outbox = createOutbox({ store, deliverers: surfaces.map((chat) => chat.deliverer), clock, log });
  const delivering = startOutbox({ outbox, clock, log, signal: AbortSignal.any([signal, over.signal]) });
  try {
    await Promise.all(surfaces.map((chat) => talk(chat, log, signal)));
  } finally {
    over.abort(new Stopped('No chat service is left.'));
    await delivering;
  }
}

/** Slack's own requests and our pages share one port: who listens for Slack brings the pages along. */
const slackListens = ({ slack }: Config): boolean =>
  slack !== undefined && (slack.reach.kind === 'http' || slack.workspace.kind === 'several');

/** Backups go on without pages; a port that is taken is told. */
async function showPages(
  { port }: Config,
  { services: { clock, log } }: Composed,
  pages: readonly Page[],
  signal: AbortSignal,
): Promise<void> {
  const { serve } = await import('./web/serve.ts');
  try {
    await serve({ port, pages, clock, log, signal, onReady: (taken) => log('info', 'web.listening', { port: taken }) });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    log('error', 'web.refused', { message: error.message, advice: error.advice });
    say(`${error.message} ${error.advice}`);
  }
}

/**
 * Resolves when every role has come to rest: after the signal, or when none has anything to do. A role that fails for good
 * takes the others along, at rest; whoever started the program starts it again.
 */
async function runRoles(
  config: Config,
  roles: readonly RoleName[],
  composed: Composed,
  stop: AbortController,
): Promise<void> {
  const { outbox, work } = composed;
  const { store, clock, log } = composed.services;
  const { signal } = stop;
  const running: Promise<void>[] = [];
  if (roles.includes('engine')) running.push(work(signal), startSweep({ store, clock, log, signal }));
  // With the messages, not with the engine: an engine that is down is what has to be noticed.
  if (roles.includes('outbox')) running.push(startOutbox({ outbox, clock, log, signal }), composed.digest(signal));
  const pages = roles.includes('web') ? await composed.pages(signal) : [];
  if (roles.includes('bots')) running.push(runBots(config, composed, pages, signal));
  if (roles.includes('mail')) running.push(composed.readMail(signal));
  if (roles.includes('web') && !(roles.includes('bots') && slackListens(config))) {
    running.push(showPages(config, composed, pages, signal));
  }
  try {
    await Promise.all(running);
  } catch (error) {
    // What is in the middle of a call when the signal comes may end with the signal's own reason: that is no failure.
    if (signal.aborted && error instanceof Stopped) {
      await Promise.allSettled(running);
      return;
    }
    log('error', 'main.failed', { error });
    stop.abort(new Stopped('A part of Keepsake failed, so all of it stops.'));
    await Promise.allSettled(running);
    throw error;
  }
}

/** Answers the exit code. */
async function main(): Promise<number> {
  const roles = readRoles(process.argv.slice(2));
  const config = readConfig();
  const controller = new AbortController();
  stopOnSignals(controller);
  const composed = await compose(config, {
    writeLog: say,
    deliverers: [
      createConsoleDeliverer((reply) =>
        say(renderConsole(reply, { colour: false, width: 100, zone: config.zone, now: new Date() })),
      ),
    ],
  });
  const { store, clock, log } = composed.services;
  try {
    for (const message of configWarnings()) log('warn', 'config', { message });
    greeting(config, roles).forEach(say);
    // A new code ends the one before it, which the process that talks has shown.
    if (roles.includes('bots') || !(config.slack || config.discord)) await openClaim(store, clock, log);
    await runRoles(config, roles, composed, controller);
  } finally {
    await composed.close();
  }
  const { aborted } = controller.signal;
  say(aborted ? 'Stopped.' : 'Nothing is left to do, so Keepsake ends.');
  return aborted ? 0 : 1;
}

try {
  // Everything is at rest and closed; but Agenda leaves a timer behind for each job it ran, of half a lock's life.
  process.exit(await main());
} catch (error) {
  if (!isKeepsakeError(error)) throw error;
  process.stderr.write(`${error.message}\n${error.advice}\n`);
  process.exit(error instanceof UsageError ? 64 : 1);
}
