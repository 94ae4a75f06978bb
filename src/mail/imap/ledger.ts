/** Which mails of a folder are in hand, which are to be tried again, and how far all before are done with. */
import type { Vault } from '../../engine/services.ts';
import type { Clock, Instant, Log } from '../../engine/types.ts';
import { type Cursor, isOld, pass } from './cursor.ts';
import { nextTry, type Tries } from './tries.ts';

interface Entry extends Tries {
  state: 'waiting' | 'in hand' | 'over';
  received?: Instant;
  /** While waiting: not before, in ms. */
  due: number;
}

export interface Ledger {
  cursor(): Cursor;
  /** What the folder holds above the cursor, ascending. What was seen before and is missing now was taken away by somebody. */
  see(uids: readonly number[]): void;
  /** UIDs that may be taken now, ascending. */
  ready(): number[];
  /** When the next one may be tried again, in ms. */
  nextDue(): number | undefined;
  isOld(mail: { uid: number; received: Instant }): boolean;
  begin(uid: number): void;
  /** Taken, or gone, or none of ours. The cursor moves over it as soon as all before it are over. */
  over(uid: number, received?: Instant): void;
  /** Not taken. Tried again later, or skipped with a line in the log. */
  failed(uid: number, error: unknown): void;
  /** Not taken, and nobody's fault. */
  putBack(uid: number): void;
  /** Resolves when the cursor as it is now has been written, or its failure logged. */
  saved(): Promise<void>;
  /** Another ledger counts this folder from now on: nothing is written any more. */
  retire(): void;
}

export interface LedgerOrder {
  cursor: Cursor;
  id: string;
  vault: Vault;
  clock: Clock;
  log: Log;
}

export function createLedger({ cursor: start, id, vault, clock, log }: LedgerOrder): Ledger {
  let cursor = start;
  /** In ascending order of UIDs, all above the cursor. */
  const entries = new Map<number, Entry>();
  let saving: Promise<void> | undefined;
  let isStale = false;
  let isRetired = false;

  const now = (): number => clock.now().getTime();

  /** One at a time and always the newest; what is lost by a failure is only that mails are handed over once more. */
  async function save(): Promise<void> {
    while (isStale && !isRetired) {
      isStale = false;
      try {
        await vault.put(id, JSON.stringify(cursor));
      } catch (error) {
        log('error', 'imap.cursor_not_saved', { error });
      }
    }
    saving = undefined;
  }

  function advance(): void {
    for (const [uid, { state, received }] of entries) {
      if (state !== 'over') break;
      cursor = pass(cursor, uid, received);
      entries.delete(uid);
      isStale = true;
    }
    if (isStale) saving ??= save();
  }

  return {
    cursor: () => cursor,
    see(uids) {
      const present = new Set(uids);
      for (const [uid, entry] of entries) {
        if (entry.state === 'waiting' && !present.has(uid)) entry.state = 'over';
      }
      for (const uid of uids) {
        if (uid > cursor.uid && !entries.has(uid)) entries.set(uid, { state: 'waiting', failed: 0, first: 0, due: 0 });
      }
      advance();
    },
    ready() {
      const at = now();
      return [...entries].filter(([, { state, due }]) => state === 'waiting' && due <= at).map(([uid]) => uid);
    },
    nextDue() {
      let soonest: number | undefined;
      for (const { state, due } of entries.values()) {
        if (state === 'waiting') soonest = Math.min(soonest ?? due, due);
      }
      return soonest;
    },
    isOld: (mail) => isOld(cursor, mail),
    begin(uid) {
      const entry = entries.get(uid);
      if (!entry) return;
      entry.state = 'in hand';
      if (entry.failed === 0) entry.first = now();
    },
    over(uid, received) {
      const entry = entries.get(uid);
      if (!entry) return;
      entry.state = 'over';
      if (received !== undefined) entry.received = received;
      advance();
    },
    failed(uid, error) {
      const entry = entries.get(uid);
      if (!entry) return;
      entry.failed += 1;
      const due = nextTry(error, entry, now());
      if (due !== undefined) {
        entry.state = 'waiting';
        entry.due = due;
        log('warn', 'imap.mail_not_taken', {
          uid,
          tries: entry.failed,
          seconds: Math.round((due - now()) / 1000),
          error,
        });
        return;
      }
      log('error', 'imap.mail_skipped', { uid, tries: entry.failed, error });
      entry.state = 'over';
      advance();
    },
    putBack(uid) {
      const entry = entries.get(uid);
      if (entry) entry.state = 'waiting';
    },
    async saved() {
      while (saving) await saving;
    },
    retire() {
      isRetired = true;
    },
  };
}
