/** Marks what was taken and puts it aside, so that the people who share the mailbox see what is done. Never state of ours. */
import type { Log } from '../../engine/types.ts';
import type { Taken } from '../mail.ts';
import type { Folder } from './connection.ts';

/** Made where it is missing, in the personal namespace. */
const PROCESSED = 'Processed';

const FLAGS = { answered: ['\\Answered', '\\Seen'], done: ['\\Seen'] } as const;
type Filed = keyof typeof FLAGS;

/** In one command. */
const AT_ONCE = 100;

export interface Filing {
  /** Remembers it until there is a connection to a folder with these UIDs. */
  add(uidValidity: string, uid: number, taken: Taken): void;
  waits(): boolean;
  /** Throws `RetryLater` when the connection is lost; what is not filed then waits for the next. A refusal is logged. */
  file(folder: Folder): Promise<void>;
}

/** `watched`: the folder that mails come into. */
export function createFiling({ watched, log }: { watched: string; log: Log }): Filing {
  let waiting: { uidValidity: string; uid: number; taken: Filed }[] = [];
  let isMade = false;

  async function move(folder: Folder, uids: readonly number[]): Promise<boolean> {
    if (watched.toLowerCase() === PROCESSED.toLowerCase()) return true;
    if (await folder.move(uids, PROCESSED)) return true;
    if (isMade || !folder.isOpen()) return false;
    isMade = true;
    await folder.create(PROCESSED);
    return folder.move(uids, PROCESSED);
  }

  /** Both are tried: a folder that is full still takes flags. */
  async function fileSome(folder: Folder, uids: readonly number[], taken: Filed): Promise<void> {
    try {
      const isFlagged = await folder.flag(uids, [...FLAGS[taken]]);
      const isMoved = folder.movable() ? await move(folder, uids) : true;
      if (isFlagged && isMoved) return;
      log('warn', 'imap.not_filed', { uids, flagged: isFlagged, moved: isMoved });
    } catch (error) {
      if (!folder.isOpen()) throw error;
      log('warn', 'imap.not_filed', { uids, error });
    }
  }

  return {
    add(uidValidity, uid, taken) {
      if (taken !== 'ignored') waiting.push({ uidValidity, uid, taken });
    },
    waits: () => waiting.length > 0,
    async file(folder) {
      // UIDs of another numbering are other mails by now.
      waiting = waiting.filter(({ uidValidity }) => uidValidity === folder.uidValidity);
      while (waiting.length > 0) {
        const taken = waiting[0]?.taken ?? 'done';
        const some = waiting.filter((one) => one.taken === taken).slice(0, AT_ONCE);
        await fileSome(
          folder,
          some.map(({ uid }) => uid),
          taken,
        );
        waiting = waiting.filter((one) => !some.includes(one));
      }
    },
  };
}
