/**
 * Mails that were taken over from another server and are not worked yet: one file each, first a line about where it came
 * from, then the mail as it came. What a sender was told is held lies on the disk, whatever happens next.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { QuotaExceeded } from '../../engine/errors.ts';
import type { Instant } from '../../engine/types.ts';
import type { RawMail, SmtpSession } from '../mail.ts';

const HELD = '.mail';
/** Being written; worthless after a crash, since its sender was not told that it is held. */
const UNFINISHED = '.part';
/** Kept for people to look at; nothing here writes such a file, but a disk may. */
const UNREADABLE = '.unreadable';

/** Forty of the largest mails, or the reports of a household for years: more means that somebody fills the disk. */
const MOST = { files: 10_000, bytes: 1024 ** 3 };

export interface Arrival {
  received: Instant;
  session: SmtpSession;
}

export interface Spool {
  /** Names of what is held, the oldest first. What was not finished is removed. Called once, first. */
  open(): Promise<string[]>;
  isFull(): boolean;
  /** Resolves with its name when the mail will survive a power cut. Throws `QuotaExceeded`; nothing is left then. */
  hold(arrival: Arrival, bytes: AsyncIterable<Uint8Array>): Promise<string>;
  read(name: string): Promise<RawMail>;
  remove(name: string): Promise<void>;
  /** So that it is not read again. */
  setAside(name: string): Promise<void>;
}

export function createSpool(folder: string): Spool {
  const held = { files: 0, bytes: 0 };
  let count = 0;
  const at = (name: string): string => join(folder, name);
  const isFull = (): boolean => held.files >= MOST.files || held.bytes >= MOST.bytes;

  async function syncFolder(): Promise<void> {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async function write(name: string, arrival: Arrival, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    let written = 0;
    held.files++;
    try {
      const handle = await open(at(`${name}${UNFINISHED}`), 'wx', 0o600);
      try {
        const append = async (part: Uint8Array): Promise<void> => {
          if (held.bytes + part.length > MOST.bytes) {
            throw new QuotaExceeded(
              'The folder for mails that came in is full. The sender was asked to try again later.',
            );
          }
          held.bytes += part.length;
          written += part.length;
          await handle.writeFile(part);
        };
        await append(Buffer.from(`${JSON.stringify(arrival)}\n`));
        for await (const part of bytes) await append(part);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(at(`${name}${UNFINISHED}`), at(`${name}${HELD}`));
      await syncFolder();
    } catch (error) {
      held.files--;
      held.bytes -= written;
      await rm(at(`${name}${UNFINISHED}`), { force: true });
      await rm(at(`${name}${HELD}`), { force: true });
      throw error;
    }
  }

  async function forget(name: string, away: () => Promise<void>): Promise<void> {
    const { size } = await stat(at(name));
    await away();
    held.files--;
    held.bytes -= size;
  }

  return {
    async open() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const all = await readdir(folder);
      for (const name of all.filter((one) => one.endsWith(UNFINISHED))) await rm(at(name), { force: true });
      const names = all.filter((one) => one.endsWith(HELD)).sort();
      for (const name of names) held.bytes += (await stat(at(name))).size;
      held.files += names.length;
      return names;
    },
    isFull,
    async hold(arrival, bytes) {
      if (isFull()) throw new QuotaExceeded('The folder for mails that came in is full.');
      const time = arrival.received.replace(/\D/g, '');
      const name = `${time}-${String(count++).padStart(6, '0')}-${randomBytes(4).toString('hex')}`;
      await write(name, arrival, bytes);
      return `${name}${HELD}`;
    },
    async read(name) {
      const whole = await readFile(at(name));
      const end = whole.indexOf('\n');
      const { received, session } = JSON.parse(whole.toString('utf8', 0, Math.max(end, 0))) as Arrival;
      return { bytes: whole.subarray(end + 1), received, session };
    },
    remove: (name) => forget(name, () => rm(at(name), { force: true })),
    setAside: (name) => forget(name, () => rename(at(name), at(`${name}${UNREADABLE}`))),
  };
}
