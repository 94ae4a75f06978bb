/** One connection's work: look for mails, hand them over, put aside what is done, listen for the next. */
import { RetryLater } from '../../engine/errors.ts';
import type { Clock } from '../../engine/types.ts';
import { LARGEST_MAIL, type RawMail } from '../mail.ts';
import type { Folder, Found } from './connection.ts';
import type { Filing } from './filing.ts';
import type { Hands } from './hands.ts';
import type { Ledger } from './ledger.ts';

const SECOND = 1_000;
/**
 * IDLE is asked for anew, and the folder looked through, at least so often: routers and servers forget silent connections,
 * and pushes get lost (imapflow#13, #14, #98).
 */
const LONGEST_IDLE = 240 * SECOND;
/** Where the server does not push, or ends IDLE by itself. */
const POLL = 45 * SECOND;
/** How often is looked whether something that takes long has made room. */
const ROOM = 30 * SECOND;

/** Sizes are asked for so many mails at once, shortly before they are read. */
const AT_ONCE = 100;
/** Of a mail that is too large. No honest header block is longer. */
const MOST_HEADERS = 256 * 1024;

/** Rung when there is something to do; stays rung until it is cleared. */
export interface Bell {
  ring(): void;
  clear(): void;
  isRung(): boolean;
  rung(): Promise<void>;
}

export function createBell(): Bell {
  let isRung = false;
  let next = Promise.withResolvers<void>();
  return {
    ring() {
      isRung = true;
      next.resolve();
    },
    clear() {
      if (!isRung) return;
      isRung = false;
      next = Promise.withResolvers();
    },
    isRung: () => isRung,
    rung: () => next.promise,
  };
}

export interface WatchOrder {
  folder: Folder;
  ledger: Ledger;
  filing: Filing;
  hands: Hands;
  /** Rung by news, by the end of the connection, by `signal`. */
  bell: Bell;
  clock: Clock;
  signal: AbortSignal;
}

/** Resolves when the signal is aborted; throws `RetryLater` when the connection is of no use any more. */
export async function watch({ folder, ledger, filing, hands, bell, clock, signal }: WatchOrder): Promise<void> {
  const now = (): number => clock.now().getTime();

  /** Until the bell rings, at most so long. Listening that ends by itself is not begun again at once. */
  async function rest(ms: number, listening?: Promise<void>): Promise<void> {
    const over = new AbortController();
    const wait = (time: number): Promise<void> => clock.sleep(time, over.signal).catch(() => {});
    await Promise.race([bell.rung(), wait(ms), ...(listening ? [listening.then(() => wait(POLL))] : [])]);
    over.abort();
  }

  /** False when there is no use in waiting for room. */
  async function room(): Promise<boolean> {
    for (;;) {
      bell.clear();
      if (signal.aborted || !folder.isOpen()) return false;
      if (!hands.isFull()) return true;
      await rest(ROOM);
      if (filing.waits() && !signal.aborted) await filing.file(folder);
    }
  }

  async function read({ uid, size, received }: Found): Promise<RawMail> {
    const whole = size > LARGEST_MAIL ? undefined : await folder.read(uid, LARGEST_MAIL + 1);
    if (whole && whole.byteLength <= LARGEST_MAIL) return { bytes: whole, received };
    // Servers that make up a mail when it is asked for may be wrong about its size.
    const isTooLarge = size > LARGEST_MAIL || whole !== undefined;
    const headers = isTooLarge ? await folder.readHeaders(uid, MOST_HEADERS) : undefined;
    if (headers) return { bytes: headers, received, tooLarge: Math.max(size, LARGEST_MAIL + 1) };
    throw new RetryLater('The mail server lists this mail and does not hand it out.');
  }

  async function give(mail: Found): Promise<void> {
    const { uid, received } = mail;
    ledger.begin(uid);
    let raw: RawMail;
    try {
      raw = await read(mail);
    } catch (error) {
      if (signal.aborted) ledger.putBack(uid);
      else ledger.failed(uid, error);
      if (!folder.isOpen()) throw error;
      return;
    }
    hands.take(raw, (end) => {
      if ('taken' in end) {
        filing.add(folder.uidValidity, uid, end.taken);
        ledger.over(uid, received);
      } else if (signal.aborted) {
        ledger.putBack(uid);
      } else {
        ledger.failed(uid, end.error);
      }
      bell.ring();
    });
  }

  async function giveAll(uids: readonly number[]): Promise<void> {
    const found = new Map((await folder.list(uids)).map((mail) => [mail.uid, mail]));
    for (const uid of uids) {
      const mail = found.get(uid);
      if (mail === undefined) {
        ledger.begin(uid);
        ledger.failed(uid, new RetryLater('The mail server does not list this mail any more.'));
      } else if (ledger.isOld(mail)) {
        ledger.over(uid, mail.received);
      } else {
        if (!(await room())) return;
        await give(mail);
      }
    }
  }

  while (!signal.aborted) {
    bell.clear();
    await filing.file(folder);
    ledger.see(await folder.newer(ledger.cursor().uid));
    const ready = ledger.ready();
    for (let at = 0; at < ready.length && !signal.aborted; at += AT_ONCE) await giveAll(ready.slice(at, at + AT_ONCE));
    if (ready.length > 0 || bell.isRung()) continue;
    const due = ledger.nextDue();
    const longest = folder.pushes() ? LONGEST_IDLE : POLL;
    await rest(
      due === undefined ? longest : Math.max(SECOND, Math.min(longest, due - now())),
      folder.pushes() ? folder.listen() : undefined,
    );
  }
}
