/** The terminal as a place to talk: a prompt with history and completion, secrets asked for without echo. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';
import { UsageError } from '../engine/errors.ts';
import type { Deliverer } from '../engine/services.ts';
import type { Reply } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';

export interface Terminal {
  input: NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY' | 'readableEnded'>>;
  output: NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>;
}

/** As many lines as a person looks back through. */
const HISTORY = 500;
/** 128 + SIGINT, as shells report it. */
export const INTERRUPTED = 130;

/** Passes on what readline writes, except while something secret is typed. */
function quietable(output: NodeJS.WritableStream): { stream: Writable; hush(quiet: boolean): void } {
  let quiet = false;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!quiet) output.write(chunk);
      done();
    },
  });
  return {
    stream,
    hush: (now) => {
      quiet = now;
    },
  };
}

interface Asked {
  /** More than one when several lines were pasted at once. Empty at the end of the input. */
  lines: string[];
  /** Ctrl-C: on an empty line, a person wants to leave. */
  interrupted?: 'empty' | 'typed';
}

/**
 * One question, with an interface of its own that is closed before anything runs: between questions the terminal is in
 * its ordinary mode, so that Ctrl-C reaches the program as a signal.
 */
function ask(
  terminal: Terminal,
  prompt: string,
  o: { history?: string[]; completer?: (line: string) => Promise<[string[], string]>; secret?: true },
): Promise<Asked> {
  // readline would wait for ever for the end of what has already ended.
  if (terminal.input.readableEnded) return Promise.resolve({ lines: [] });
  const { stream: output, hush } = quietable(terminal.output);
  const isTty = terminal.input.isTTY === true;
  const { completer } = o;
  const readline = createInterface({
    input: terminal.input,
    output,
    terminal: isTty,
    history: o.history ? [...o.history] : [],
    historySize: o.secret ? 0 : HISTORY,
    ...(completer && {
      completer: (line: string, done: (error: Error | null, hits: [string[], string]) => void) => {
        completer(line).then(
          (hits) => done(null, hits),
          // Completion is a courtesy: without it the line can be typed all the same.
          () => done(null, [[], line]),
        );
      },
    }),
  });
  return new Promise((resolve) => {
    const lines: string[] = [];
    let interrupted: Asked['interrupted'];
    readline.on('line', (line) => {
      lines.push(line);
      // Pasted lines arrive in one go: they are taken before the interface is closed.
      if (lines.length === 1) setImmediate(() => readline.close());
    });
    readline.on('SIGINT', () => {
      interrupted = readline.line === '' ? 'empty' : 'typed';
      readline.close();
    });
    readline.on('close', () => {
      hush(false);
      if (o.secret || interrupted || lines.length === 0) terminal.output.write('\n');
      resolve(interrupted ? { lines: [], interrupted } : { lines });
    });
    readline.setPrompt(prompt);
    readline.prompt();
    hush(o.secret === true);
  });
}

/**
 * Asks for a secret without echo. From a pipe it takes the next line, so that a script can hand it over without putting
 * it on a command line, where every user of the machine could read it. Throws `UsageError` when nothing was given.
 */
export function secretAsker(terminal: Terminal): (label: string, help?: string) => Promise<string> {
  const waiting: string[] = [];
  const next = async (prompt: string): Promise<string | undefined> => {
    if (waiting.length === 0) waiting.push(...(await ask(terminal, prompt, { secret: true })).lines);
    return waiting.shift();
  };
  return async (label, help) => {
    if (help !== undefined && terminal.input.isTTY) terminal.output.write(`${visibleLine(help)}\n`);
    const secret = await next(terminal.input.isTTY ? `${visibleLine(label)} (not shown): ` : '');
    // An empty line is an answer: some secrets may be left out.
    if (secret === undefined) {
      throw new UsageError(`Nothing was typed for "${visibleLine(label)}", so nothing was changed.`, {
        code: 'no_secret',
        advice: 'Type the line again in a terminal, or hand the secret over on standard input.',
      });
    }
    // A private key is pasted with all of its lines, and is one secret.
    if (!/^-----BEGIN [A-Z ]+-----\s*$/.test(secret)) return secret;
    const key = [secret];
    while (!/^-----END [A-Z ]+-----\s*$/.test(key.at(-1) ?? '')) {
      const line = await next('');
      if (line === undefined) break;
      key.push(line);
    }
    return `${key.join('\n')}\n`;
  };
}

/** Newest first, as readline keeps it. A history that cannot be read is none. */
async function loadHistory(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n').filter(Boolean).slice(-HISTORY).reverse();
  } catch {
    return [];
  }
}

async function saveHistory(file: string, newestFirst: readonly string[]): Promise<void> {
  await writeFile(file, `${newestFirst.toReversed().join('\n')}\n`, { mode: 0o600 });
  // `mode` counts only for a new file.
  await chmod(file, 0o600);
}

export interface PromptOptions {
  terminal: Terminal;
  /** Where lines are remembered; private to the user. */
  historyFile: string;
  complete(line: string): Promise<[string[], string]>;
  /** False for a line with a secret in it: it is not remembered. */
  mayRemember(line: string): boolean;
  /** Works one line and shows its replies. `signal` is aborted by Ctrl-C. */
  work(line: string, signal: AbortSignal): Promise<void>;
  greeting: string;
  /** Calls back at Ctrl-C while a line is worked; answers how to stop listening. */
  onInterrupt(callback: () => void): () => void;
}

/**
 * Lines until the person leaves (Ctrl-D, `exit`, Ctrl-C on an empty line). Ctrl-C stops the line that is being worked; a
 * second one leaves at once. Answers the exit code.
 */
export async function runPrompt(o: PromptOptions): Promise<number> {
  const { terminal } = o;
  let history = await loadHistory(o.historyFile);
  terminal.output.write(`${o.greeting}\n`);
  for (;;) {
    const { lines, interrupted } = await ask(terminal, 'keepsake> ', { history, completer: o.complete });
    if (interrupted === 'typed') continue;
    if (interrupted === 'empty' || lines.length === 0) return 0;
    for (const line of lines.map((one) => one.trim()).filter(Boolean)) {
      if (/^(exit|quit|bye)$/i.test(line)) return 0;
      if (o.mayRemember(line)) {
        history = [line, ...history.filter((known) => known !== line)].slice(0, HISTORY);
        // A full disk must not keep anyone from restoring.
        await saveHistory(o.historyFile, history).catch(() => undefined);
      }
      const left = await workUntilLeft(o, line);
      if (left) return INTERRUPTED;
    }
  }
}

/** True when a second Ctrl-C came before the line was worked to its end. */
async function workUntilLeft(o: PromptOptions, line: string): Promise<boolean> {
  const controller = new AbortController();
  const leave = Promise.withResolvers<true>();
  const forget = o.onInterrupt(() => {
    if (controller.signal.aborted) leave.resolve(true);
    else {
      o.terminal.output.write('\nStopping; Ctrl-C again leaves at once.\n');
      controller.abort();
    }
  });
  try {
    return await Promise.race([o.work(line, controller.signal).then(() => false), leave.promise]);
  } finally {
    forget();
  }
}

/** Messages for the terminal: shown where the next command is typed, or in the log of the server. */
export const createConsoleDeliverer = (show: (reply: Reply) => void): Deliverer => ({
  surface: 'console',
  deliver: async (message) => show(message.reply),
});
