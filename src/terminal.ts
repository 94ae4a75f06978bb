/** The program behind `cli.ts`: reads the options, works one line or opens the prompt, and answers the exit code. */
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConsoleDeliverer, INTERRUPTED, runPrompt, secretAsker, type Terminal } from './bots/console.ts';
import { type Arguments, readArguments, USAGE } from './bots/console-arguments.ts';
import { withSavedFiles } from './bots/console-files.ts';
import { createScreen, type Screen } from './bots/console-screen.ts';
import { type Composed, compose } from './compose.ts';
import { systemClock } from './engine/clock.ts';
import { complete } from './engine/commands/completion.ts';
import { failureReply } from './engine/commands/failure.ts';
import { type Config, readConfig, wantsColour } from './engine/config.ts';
import { isKeepsakeError, Stopped } from './engine/errors.ts';
import { redact } from './engine/log.ts';
import { callerPerson, terminalUser } from './engine/people.ts';
import { completionWords } from './engine/suggest.ts';
import type { Caller, Clock, Reply } from './engine/types.ts';

/** sysexits.h: EX_USAGE and EX_NOPERM. */
const EXIT: Record<NonNullable<Reply['outcome']>, number> = {
  done: 0,
  failed: 1,
  refused: 1,
  partial: 2,
  not_understood: 64,
  sign_in: 77,
};

/** Bytes as base64: JSON has no bytes, and as an object of numbers they would be ten times as long. */
function jsonLine(reply: Reply): string {
  return JSON.stringify(reply, function replaced(this: unknown, key: string, value: unknown) {
    const plain: unknown = (this as Record<string, unknown>)[key];
    return plain instanceof Uint8Array ? Buffer.from(plain).toString('base64') : value;
  });
}

const jsonScreen: Screen = {
  show: (reply) => void process.stdout.write(`${jsonLine(reply)}\n`),
  end: () => undefined,
};

/** Calls back at SIGINT and SIGTERM. Answers how to stop listening. */
function onSignals(callback: () => void): () => void {
  process.on('SIGINT', callback);
  process.on('SIGTERM', callback);
  return () => {
    process.off('SIGINT', callback);
    process.off('SIGTERM', callback);
  };
}

interface Session {
  args: Arguments;
  config: Config;
  composed: Composed;
  screen: Screen;
  terminal: Terminal;
  /** The zone that times are shown in; known once the person is. */
  look: { zone: string };
}

async function callerOf({ args, config, composed, look }: Session, signal: AbortSignal): Promise<Caller> {
  const { store, clock } = composed.services;
  const { identity, name, trusted } = await terminalUser(config.data);
  const person = await callerPerson(store, identity, { clock, name, trusted });
  look.zone = args.zone ?? person.zone ?? config.zone;
  return {
    person,
    surface: 'terminal',
    zone: look.zone,
    signal,
    ...(args.yes ? { confirmed: true } : {}),
  };
}

/** A mail server that does not answer keeps nobody from their next line; the message waits. */
const LONGEST_DELIVERY = 10_000;

async function deliver({ outbox }: Composed, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(LONGEST_DELIVERY);
  try {
    await outbox.deliver(AbortSignal.any([signal, limit]));
  } catch (error) {
    if (!limit.aborted) throw error;
  }
}

/** Works one line to its end. Answers the exit code of its last reply. */
async function work(session: Session, line: string, signal: AbortSignal): Promise<number> {
  const { composed, screen, config } = session;
  let last: Reply | undefined;
  try {
    for await (const reply of composed.dispatch(line, await callerOf(session, signal))) {
      screen.show(await withSavedFiles(reply, config.cwd));
      last = reply;
    }
  } finally {
    screen.end();
  }
  // Reports of scheduled runs wait for the next time somebody is here; mails do not wait for a server.
  if (!signal.aborted) await deliver(composed, signal);
  return EXIT[last?.outcome ?? 'done'];
}

async function workOnce(session: Session, line: string): Promise<number> {
  const controller = new AbortController();
  const forget = onSignals(() => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort(new Stopped('Stopped.'));
  });
  try {
    const code = await work(session, line, controller.signal);
    return controller.signal.aborted ? INTERRUPTED : code;
  } finally {
    // What still runs is stopped and waited for while a second Ctrl-C can leave at once.
    await session.composed.close();
    forget();
  }
}

async function prompt(session: Session): Promise<number> {
  try {
    const code = await runPrompt({
      terminal: session.terminal,
      historyFile: join(session.config.data, 'history'),
      complete: async (line) => {
        const caller = await callerOf(session, new AbortController().signal);
        return complete(line, await completionWords(session.composed.services, caller));
      },
      mayRemember: (line) => redact(line) === line,
      work: async (line, signal) => {
        try {
          await work(session, line, signal);
        } catch (error) {
          // The prompt outlives a database that is away for a moment.
          session.screen.show(replyFor(error));
        }
      },
      onInterrupt: onSignals,
      greeting: 'Keepsake. Say what to back up, "status", or "help"; Tab completes, Ctrl-D leaves.',
    });
    // Whoever said it twice does not want to wait; what was confirmed is stored.
    if (code === INTERRUPTED) process.exit(INTERRUPTED);
    return code;
  } finally {
    await session.composed.close();
  }
}

const replyFor = (error: unknown): Reply => {
  if (isKeepsakeError(error)) return failureReply(error);
  return {
    tone: 'bad',
    title: 'Keepsake cannot go on.',
    blocks: [{ kind: 'text', text: redact(error instanceof Error ? (error.stack ?? error.message) : String(error)) }],
    outcome: 'failed',
  };
};

const clockAt = (now: Date | undefined): Clock => (now ? { ...systemClock, now: () => new Date(now) } : systemClock);

/** Some thousand warnings; then the file begins anew and the one before is kept. */
const LONGEST_LOG = 1_000_000;

/**
 * On a terminal the reply says what happened, in words; stacks and references lie in the data folder for whoever looks
 * for them. `LOG_LEVEL=debug` shows them at once.
 */
function logWriter(config: Config, show: (line: string) => void): (line: string) => void {
  const file = join(config.data, 'terminal.log');
  return (line) => {
    if (config.logLevel === 'debug') show(line);
    try {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LONGEST_LOG) renameSync(file, `${file}.1`);
      appendFileSync(file, `${line}\n`, { mode: 0o600 });
    } catch {
      // A full disk, of all moments: the line must not get lost.
      show(line);
    }
  };
}

interface Output {
  terminal: Terminal;
  human: Screen;
  look: Session['look'];
}

async function run(args: Arguments, screen: Screen, { terminal, human, look }: Output): Promise<number> {
  const config = readConfig(undefined, args.data === undefined ? {} : { data: args.data });
  const logLevel = config.logLevel === 'info' ? 'warn' : config.logLevel;
  const composed = await compose(
    { ...config, logLevel },
    {
      clock: clockAt(args.now),
      writeLog: logWriter(config, (line) => {
        screen.end();
        process.stderr.write(`${line}\n`);
      }),
      // A script that reads JSON wants the answer to its own line only.
      deliverers: args.json ? [] : [createConsoleDeliverer((reply) => human.show(reply))],
      askSecret: secretAsker(terminal),
    },
  );
  const session: Session = { args, config, composed, screen, terminal, look };
  if (args.line === '' && !args.json && terminal.input.isTTY && terminal.output.isTTY) return prompt(session);
  // Nothing typed, nobody there: the one question everybody has.
  return workOnce(session, args.line === '' ? 'status' : args.line);
}

async function version(): Promise<string> {
  const manifest: { version: string } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  return manifest.version;
}

/** `argv` without the names of the program. */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that went away (`| head`) must not end a backup that is running.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const terminal: Terminal = { input: process.stdin, output: process.stdout };
  const tty = process.stdout.isTTY === true;
  const look = { zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  const human = createScreen({
    write: (text) => void process.stdout.write(text),
    tty,
    colour: wantsColour(tty),
    // A terminal may say 0 when it does not know.
    columns: () => process.stdout.columns || 100,
    zone: () => look.zone,
    now: () => new Date(),
    elapsed: () => performance.now(),
  });
  let screen = human;
  try {
    const args = readArguments(argv);
    if (args.json) screen = jsonScreen;
    if (args.help) process.stdout.write(`${USAGE}\n`);
    else if (args.version) process.stdout.write(`keepsake ${await version()}\n`);
    else return await run(args, screen, { terminal, human, look });
    return 0;
  } catch (error) {
    screen.end();
    const reply = replyFor(error);
    screen.show(reply);
    return EXIT[reply.outcome ?? 'failed'];
  }
}
