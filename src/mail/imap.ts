/** A mailbox that is watched: each mail that arrives is handed over, whatever happens to the connection, the server or us. */
import { AuthRequired } from '../engine/errors.ts';
import type { Vault } from '../engine/services.ts';
import type { Clock, Log } from '../engine/types.ts';
import { type Folder, type ImapServer, openFolder } from './imap/connection.ts';
import { cursorId, firstCursor, isAbout, loadCursor, renumber } from './imap/cursor.ts';
import { createFiling } from './imap/filing.ts';
import { createHands } from './imap/hands.ts';
import { createLedger, type Ledger } from './imap/ledger.ts';
import { createBell, watch } from './imap/watch.ts';
import type { MailDoor, RawMail, Taken } from './mail.ts';

export interface ImapDoorOrder {
  server: ImapServer;
  /** Signs in with OAuth2; asked for each connection, and once more, with the token that was refused. */
  accessToken?: (signal: AbortSignal, refused?: string) => Promise<string>;
  vault: Vault;
  clock: Clock;
  log: Log;
}

const SECOND = 1_000;
const LONGEST_PAUSE = 300 * SECOND;
/** A connection that lasted shorter was no success. */
const LASTED = 60 * SECOND;
/** What is in hand at the end, and the goodbye, in real time. */
const GRACE = 10 * SECOND;
/**
 * Some services say "wrong password" when they mean "not now": one that let us in before is asked so often in a row, over
 * about ten minutes, since some lock a mailbox after a handful of wrong passwords.
 */
const REFUSALS = 5;
const AFTER_REFUSAL = 60 * SECOND;

/** Grows from 1 s to 5 min; between half and all of it, so that all clients of a server do not come back together. */
const pauseAfter = (failures: number): number =>
  Math.min(LONGEST_PAUSE, SECOND * 2 ** Math.min(failures - 1, 20)) * (0.5 + Math.random() / 2);

/**
 * Mails that were there at the very first start are never touched. Larger ones than `LARGEST_MAIL` are handed over as
 * `RawMail.tooLarge`. One whose `take` fails is tried again for minutes (`RetryLater`: an hour) and then left, with a line
 * in the log; those behind it do not wait. The place is kept in the vault and moves only over what was taken, so that a
 * crash hands a mail over again and loses none.
 */
export const createImapDoor = (order: ImapDoorOrder): MailDoor => ({
  name: 'imap',
  run: (take, signal, onReady) => attend(order, take, signal, onReady),
});

async function attend(
  { server, accessToken, vault, clock, log }: ImapDoorOrder,
  take: (mail: RawMail) => Promise<Taken>,
  signal: AbortSignal,
  onReady?: () => void,
): Promise<void> {
  const id = cursorId(server);
  const bell = createBell();
  const now = (): number => clock.now().getTime();
  const hands = createHands(take, now);
  const filing = createFiling({ watched: server.folder, log });
  let ledger: Ledger | undefined;
  let open: Folder | undefined;

  async function signIn(): Promise<Folder> {
    let refused: string | undefined;
    for (;;) {
      const token = await accessToken?.(signal, refused);
      const order = { server, clock, signal, onNews: bell.ring, ...(token === undefined ? {} : { token }) };
      try {
        return await openFolder(order);
      } catch (error) {
        if (token === undefined || refused !== undefined || !(error instanceof AuthRequired)) throw error;
        refused = token;
      }
    }
  }

  /** The ledger of this folder; a new one at the first start and when the UIDs began anew. */
  async function ledgerOf(folder: Folder): Promise<Ledger> {
    const known = ledger?.cursor() ?? (await loadCursor(vault, id, log));
    if (ledger && known && isAbout(known, folder)) return ledger;
    ledger?.retire();
    await ledger?.saved();
    let cursor = known ?? firstCursor(folder, clock.now());
    if (!isAbout(cursor, folder)) {
      cursor = await renumber(cursor, folder);
      log('warn', 'imap.renumbered', { folder: server.folder, from: cursor.uid, since: cursor.renumbered?.since });
    }
    // Before the first mail: a crash right after it must not make it one that was there before.
    await vault.put(id, JSON.stringify(cursor));
    return createLedger({ cursor, id, vault, clock, log });
  }

  async function stay(): Promise<void> {
    let failures = 0;
    let refusals = 0;
    let wasIn = false;
    while (!signal.aborted) {
      const began = now();
      try {
        open = await signIn();
        wasIn = true;
        refusals = 0;
        ledger = await ledgerOf(open);
        log('info', 'imap.connected', { host: server.host, folder: server.folder, pushes: open.pushes() });
        onReady?.();
        await watch({ folder: open, ledger, filing, hands, bell, clock, signal });
      } catch (error) {
        open?.cut();
        if (signal.aborted) return;
        const isRefused = error instanceof AuthRequired;
        if (isRefused && (!wasIn || ++refusals >= REFUSALS)) throw error;
        failures = now() - began >= LASTED ? 1 : failures + 1;
        const pause = Math.max(pauseAfter(failures), isRefused ? AFTER_REFUSAL * 2 ** (refusals - 1) : 0);
        log('warn', 'imap.away', { host: server.host, seconds: Math.ceil(pause / SECOND), error });
        await clock.sleep(pause, signal).catch(() => {});
      }
    }
  }

  async function finish(): Promise<void> {
    await hands.empty();
    if (open?.isOpen()) {
      await filing.file(open).catch((error: unknown) => log('warn', 'imap.not_filed', { error }));
      await open.leave();
    }
    await ledger?.saved();
  }

  const late = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  /** From here on nothing takes longer than the grace: a command that hangs is cut. */
  const end = (): void => {
    bell.ring();
    timer ??= setTimeout(() => {
      open?.cut();
      late.resolve();
    }, GRACE);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    await stay();
  } finally {
    end();
    await Promise.race([finish(), late.promise]);
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    open?.cut();
  }
}
