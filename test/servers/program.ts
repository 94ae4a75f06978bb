/** The product as a process of its own, as `npm start` runs it: set up by its environment alone, heard by its output, ended by its pid. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment } from '../../src/engine/config.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** Real time for what a busy machine does soon. */
const PATIENCE = 15_000;

/** Set to nothing, so that neither the caller's settings nor an `.env` in the folder are anybody's business. */
const UNSET = Object.fromEntries(Object.keys(environment.shape).map((name) => [name, '']));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Since the signal was sent; since the start where none was. */
  ms: number;
}

export interface Program {
  pid: number;
  /** Everything it wrote until now, standard output and errors. */
  said(): string;
  /** The first match in what it says; waits for it. Throws with all it said when it ends or does not say it in time. */
  says(pattern: RegExp, ms?: number): Promise<RegExpExecArray>;
  ended: Promise<Ended>;
  /** Nobody reads what it says from now on, as when `npm start | less` is left. */
  leave(): void;
  /** Sends a signal (SIGTERM) and resolves when it has ended. Ended already: only resolves. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

export interface ProgramOrder {
  /** Words behind `node src/main.ts`. */
  roles?: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Options of node before the program, and another program. */
  node?: readonly string[];
  file?: string;
}

export function startProgram({ roles = [], environment: own, node = [], file = MAIN }: ProgramOrder): Program {
  let began = performance.now();
  let output = '';
  const heard = new Set<() => void>();
  const child = spawn(process.execPath, [...node, file, ...roles], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...UNSET, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const changed = (): void => {
    for (const look of [...heard]) look();
  };
  const listen = (piece: string): void => {
    output += piece;
    changed();
  };
  child.stdout.setEncoding('utf8').on('data', listen);
  child.stderr.setEncoding('utf8').on('data', listen);
  let isOver = false;
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      isOver = true;
      resolve({ code, signal, ms: performance.now() - began });
      changed();
    });
  });
  return {
    pid: child.pid ?? 0,
    said: () => output,
    leave: () => void child.stdout.destroy(),
    says: (pattern, ms = PATIENCE) =>
      new Promise((resolve, reject) => {
        const finish = (work: () => void): void => {
          clearTimeout(timer);
          heard.delete(look);
          work();
        };
        const look = (): void => {
          const found = pattern.exec(output);
          if (found) finish(() => resolve(found));
          else if (isOver) finish(() => reject(new Error(`It ended and did not say ${pattern}:\n${output}`)));
        };
        const timer = setTimeout(
          () => finish(() => reject(new Error(`It did not say ${pattern} within ${ms} ms:\n${output}`))),
          ms,
        );
        heard.add(look);
        look();
      }),
    ended,
    async end(signal = 'SIGTERM') {
      if (!isOver) {
        began = performance.now();
        child.kill(signal);
      }
      return ended;
    },
  };
}
