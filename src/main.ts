/** The server: `npm start` runs every role of this version in one process; `node src/main.ts engine` runs some of them. */
import { parseArgs } from 'node:util';
import { createConsoleDeliverer } from './bots/console.ts';
import { renderConsole } from './bots/console-render.ts';
import { type Composed, compose } from './compose.ts';
import { type Config, configWarnings, readConfig } from './engine/config.ts';
import { isKeepsakeError, Stopped, UsageError } from './engine/errors.ts';
import { startOutbox } from './engine/outbox.ts';
import { openClaim } from './engine/people.ts';

/** What each role of this version does, for the line at the start. */
const ROLES = {
  engine: 'starts scheduled backups and works them',
  outbox: 'delivers reports: into this log, and as mails into the data folder',
} as const;
type RoleName = keyof typeof ROLES;

/** Announced in the design, with nothing behind them yet: named, so that nobody believes they run. */
const LATER = ['bots', 'mail', 'web'];

/**
 * Hosts send SIGTERM and kill after 30 s as a rule (Docker 10 s unless told otherwise): a run stops at its next chunk, which
 * takes as long as one chunk on the slowest line that is not given up.
 */
const GRACE = 25_000;
const WIDTH = 100;

function readRoles(argv: readonly string[]): RoleName[] {
  const { positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: {} });
  const names = Object.keys(ROLES) as RoleName[];
  if (positionals.length === 0) return names;
  return positionals.map((word) => {
    const role = names.find((name) => name === word);
    if (role) return role;
    throw new UsageError(
      LATER.includes(word) ? `This version has no "${word}" role yet.` : `There is no role "${word}".`,
      { code: 'bad_role', advice: `It has: ${names.join(', ')}. Without any word it takes all of them.` },
    );
  });
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

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

const greeting = (config: Config, roles: readonly RoleName[]): string[] => [
  `Keepsake is up. Data folder: ${config.data}; database: ${config.mongodb === undefined ? 'SQLite' : 'MongoDB'}.`,
  ...roles.map((role) => `  ${role}: ${ROLES[role]}`),
  `Not in this version yet: ${LATER.join(', ')}. Talk to it in the terminal: npm run -s keepsake`,
];

async function runRoles(roles: readonly RoleName[], { services, outbox, work }: Composed, signal: AbortSignal) {
  const { clock, log } = services;
  const running: Promise<void>[] = [];
  if (roles.includes('engine')) running.push(work(signal));
  if (roles.includes('outbox')) running.push(startOutbox({ outbox, clock, log, signal }));
  await Promise.all(running);
}

async function main(): Promise<void> {
  const roles = readRoles(process.argv.slice(2));
  const config = readConfig();
  const controller = new AbortController();
  stopOnSignals(controller);
  const composed = await compose(config, {
    writeLog: say,
    deliverers: [
      createConsoleDeliverer((reply) =>
        say(renderConsole(reply, { colour: false, width: WIDTH, zone: config.zone, now: new Date() })),
      ),
    ],
  });
  const { store, clock, log } = composed.services;
  try {
    for (const message of configWarnings()) log('warn', 'config', { message });
    greeting(config, roles).forEach(say);
    await openClaim(store, clock, log);
    await runRoles(roles, composed, controller.signal);
  } finally {
    await composed.close();
  }
  say('Stopped.');
}

try {
  await main();
  // Everything is at rest and closed; but Agenda leaves a timer behind for each job it ran, of half a lock's life.
  process.exit(0);
} catch (error) {
  if (!isKeepsakeError(error)) throw error;
  process.stderr.write(`${error.message}\n${error.advice}\n`);
  process.exitCode = error instanceof UsageError ? 64 : 1;
}
