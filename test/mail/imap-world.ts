/** A real dovecot, the door that watches one of its mailboxes, and somebody else who looks into it. */
import { ImapFlow } from 'imapflow';
import { systemClock } from '../../src/engine/clock.ts';
import type { Vault } from '../../src/engine/services.ts';
import type { Clock, Log } from '../../src/engine/types.ts';
import { createImapDoor, type ImapDoorOrder } from '../../src/mail/imap.ts';
import type { RawMail, Taken } from '../../src/mail/mail.ts';
import type { Dovecot } from '../servers/dovecot.ts';

export interface Line {
  level: string;
  event: string;
  details: Record<string, unknown>;
}

export interface MemoryVault extends Vault {
  /** What was put, in order. */
  puts: string[];
}

export function memoryVault(): MemoryVault {
  const values = new Map<string, string>();
  const puts: string[] = [];
  return {
    puts,
    get: async (id) => values.get(id),
    put: async (id, value) => {
      values.set(id, value);
      puts.push(value);
    },
    remove: async (id) => void values.delete(id),
  };
}

export const mailOf = (subject: string, body = 'run now\n'): string =>
  `From: Eva <eva@example.org>\nTo: backup@example.org\nSubject: ${subject}\nMessage-ID: <${subject}@example.org>\n\n${body}`;

export const subjectOf = (mail: RawMail): string =>
  /^Subject: (.*?)\r?$/m.exec(Buffer.from(mail.bytes.subarray(0, 4096)).toString('latin1'))?.[1] ?? '';

/** Waits for what a busy machine does soon; throws with `what` when it does not. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 30_000): Promise<void> {
  for (const began = performance.now(); !(await holds()); ) {
    if (performance.now() - began > ms) throw new Error(`Not within ${ms} ms: ${what}`);
    await systemClock.sleep(10);
  }
}

export interface Doorman {
  /** Subjects, in the order in which they were handed over. */
  taken: string[];
  mails: RawMail[];
  log: Line[];
  /** Times that it was connected. */
  ready(): number;
  events(name: string): Line[];
  /** Stops it and resolves when it has ended; throws what it threw. */
  stop(): Promise<void>;
  /** Ends by itself, with an error. */
  ended: Promise<void>;
}

export interface DoormanOrder {
  host?: string;
  port: number;
  user?: string;
  password?: string;
  folder?: string;
  vault?: Vault;
  clock?: Clock;
  accessToken?: ImapDoorOrder['accessToken'];
  take?: (subject: string, mail: RawMail) => Taken | Promise<Taken>;
}

/** Starts a door. A mail is answered, but one with "done" or "ignored" in its subject is that. */
export function openDoor(o: DoormanOrder): Doorman {
  const taken: string[] = [];
  const mails: RawMail[] = [];
  const lines: Line[] = [];
  const log: Log = (level, event, details = {}) => void lines.push({ level, event, details });
  const stop = new AbortController();
  let ready = 0;
  const usual = (subject: string): Taken =>
    subject.includes('ignored') ? 'ignored' : subject.includes('done') ? 'done' : 'answered';
  const door = createImapDoor({
    server: {
      host: o.host ?? '127.0.0.1',
      port: o.port,
      secure: false,
      user: o.user ?? 'eva',
      password: o.password ?? 'secret',
      folder: o.folder ?? 'INBOX',
    },
    ...(o.accessToken ? { accessToken: o.accessToken } : {}),
    vault: o.vault ?? memoryVault(),
    clock: o.clock ?? systemClock,
    log,
  });
  const ended = door.run(
    async (mail) => {
      const subject = subjectOf(mail);
      taken.push(subject);
      // A copy: a part of a buffer would keep all of it.
      mails.push({ ...mail, bytes: new Uint8Array(mail.bytes.subarray(0, 4096)) });
      return o.take ? o.take(subject, mail) : usual(subject);
    },
    stop.signal,
    () => {
      ready++;
    },
  );
  ended.catch(() => {});
  return {
    taken,
    mails,
    log: lines,
    ready: () => ready,
    events: (name) => lines.filter(({ event }) => event === name),
    async stop() {
      stop.abort();
      await ended;
    },
    ended,
  };
}

export interface Seen {
  subject: string;
  flags: string[];
}

/** Looks into folders over a connection of its own. */
export async function look(dovecot: Pick<Dovecot, 'port'>, folder: string, user = 'eva'): Promise<Seen[]> {
  return withClient(dovecot, user, async (client) => {
    if (!(await client.list()).some(({ path }) => path === folder)) return [];
    const { exists } = await client.mailboxOpen(folder, { readOnly: true });
    if (exists === 0) return [];
    const rows = await client.fetchAll('1:*', { envelope: true, flags: true });
    return rows.map(({ envelope, flags }) => ({
      subject: envelope?.subject ?? '',
      flags: [...(flags ?? [])].filter((flag) => flag !== '\\Recent').sort(),
    }));
  });
}

/** Puts a mail into a folder over a connection of its own. */
export async function append(
  dovecot: Pick<Dovecot, 'port'>,
  mail: string,
  { folder = 'INBOX', flags = [] }: { folder?: string; flags?: string[] } = {},
): Promise<void> {
  await withClient(dovecot, 'eva', (client) => client.append(folder, mail.replaceAll('\n', '\r\n'), flags));
}

export async function createFolder(dovecot: Pick<Dovecot, 'port'>, name: string): Promise<void> {
  await withClient(dovecot, 'eva', (client) => client.mailboxCreate(name));
}

async function withClient<T>(
  dovecot: Pick<Dovecot, 'port'>,
  user: string,
  work: (client: ImapFlow) => Promise<T>,
): Promise<T> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: dovecot.port,
    secure: false,
    auth: { user, pass: 'secret' },
    logger: false,
    disableAutoIdle: true,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.logout();
  }
}
