/**
 * A mail's bytes taken apart in a thread of their own, one mail at a time: the parser of an attacker's bytes can neither
 * hold up backups nor read what the server knows, and ends after five seconds.
 */
import { Worker } from 'node:worker_threads';
import { FileRejected, Stopped } from '../engine/errors.ts';
import { LARGEST_MAIL, type ParsedMail, type RawMail } from './mail.ts';
import type { ParseAnswer, ParseJob } from './parse/worker.ts';

/** Largest mails take well under a second. */
const TIME_OUT = 5_000;
const IDLE = 30_000;
/** A mail, its lines and its decoded parts; the bytes themselves lie outside of the heap. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 };

const malformed = (why: string, cause?: unknown): FileRejected =>
  new FileRejected(`The mail could not be read: ${why}`, {
    code: 'malformed_mail',
    advice: 'Nothing was done with it; it stays in the mailbox. Backups go on.',
    ...(cause === undefined ? {} : { cause }),
  });

interface Thread {
  ask(job: ParseJob, signal: AbortSignal): Promise<ParseAnswer>;
  end(): void;
}

function startThread(gone: () => void): Thread {
  const worker = new Worker(new URL('./parse/worker.ts', import.meta.url), {
    name: 'mail parser',
    resourceLimits: LIMITS,
    // It is given bytes and nothing else: no settings, no secrets.
    env: {},
    argv: [],
    execArgv: [],
  });
  worker.unref();
  const waiting = Promise.withResolvers<void>();
  waiting.promise.catch(() => {});
  let settle = { resolve: (_: ParseAnswer) => {}, reject: (_: Error) => {} };
  const fail = (error: Error) => {
    waiting.reject(error);
    settle.reject(error);
    gone();
  };
  worker.on('message', (answer: ParseAnswer) => (answer === 'ready' ? waiting.resolve() : settle.resolve(answer)));
  worker.on('error', (error) => fail(malformed('it is too much for the parser.', error)));
  worker.on('exit', () => fail(malformed('the parser has ended.')));
  const end = () => {
    gone();
    void worker.terminate();
  };
  return {
    async ask(job, signal) {
      worker.ref();
      const { promise, resolve, reject } = Promise.withResolvers<ParseAnswer>();
      promise.catch(() => {});
      settle = { resolve, reject };
      const stop = () => {
        reject(new Stopped('Reading a mail was stopped; it is read again at the next start.'));
        end();
      };
      signal.addEventListener('abort', stop, { once: true });
      let timer: NodeJS.Timeout | undefined;
      try {
        // Starting the thread is not the mail's time.
        await Promise.race([waiting.promise, promise]);
        timer = setTimeout(() => {
          reject(malformed(`it was not done within ${TIME_OUT / 1000} seconds.`));
          end();
        }, TIME_OUT);
        worker.postMessage(job, [job.bytes.buffer as ArrayBuffer]);
        return await promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        worker.unref();
      }
    },
    end,
  };
}

let thread: Thread | undefined;
let idle: NodeJS.Timeout | undefined;
let last: Promise<unknown> = Promise.resolve();

/** Ends the thread; the next mail starts another. A mail in hand is refused. */
export function closeParser(): void {
  clearTimeout(idle);
  thread?.end();
  thread = undefined;
}

async function inTurn(raw: RawMail, signal: AbortSignal): Promise<ParsedMail> {
  if (signal.aborted) throw new Stopped('Reading a mail was stopped; it is read again at the next start.');
  clearTimeout(idle);
  if (!thread) {
    const mine = startThread(() => {
      if (thread === mine) thread = undefined;
    });
    thread = mine;
  }
  const { session } = raw;
  const answer = await thread.ask(
    {
      // A copy is handed over: the caller still checks the signature of the same bytes.
      bytes: new Uint8Array(raw.bytes),
      ...(session === undefined ? {} : { session: { mailFrom: session.mailFrom, rcptTo: session.rcptTo } }),
    },
    signal,
  );
  idle = setTimeout(closeParser, IDLE);
  idle.unref();
  if (answer === 'ready') throw malformed('the parser answered out of turn.');
  if ('refused' in answer) throw malformed(answer.refused);
  return answer.mail;
}

/**
 * Throws `FileRejected` (`malformed_mail`) for a mail that cannot be read within the limits of `ParsedMail`, 25 MB, 50
 * levels, 1,000 parts and five seconds; `Stopped` when the signal is aborted.
 */
export async function parseMail(raw: RawMail, o: { signal: AbortSignal }): Promise<ParsedMail> {
  if (raw.bytes.byteLength > LARGEST_MAIL) {
    throw malformed(`it is larger than ${LARGEST_MAIL / 1024 / 1024} MB.`);
  }
  const turn = last.then(() => inTurn(raw, o.signal));
  last = turn.catch(() => {});
  return turn;
}
