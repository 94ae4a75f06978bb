/** The owner of imapflow: one connection to one folder of a mailbox, with a limit on every wait and on every size. */
import { setTimeout as realTime } from 'node:timers/promises';
import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import { RetryLater } from '../../engine/errors.ts';
import type { Clock, Instant } from '../../engine/types.ts';
import { LARGEST_MAIL } from '../mail.ts';
import { imapFailure } from './failures.ts';

export interface ImapServer {
  host: string;
  port: number;
  /** TLS from the first byte. */
  secure: boolean;
  user?: string;
  password?: string;
  folder: string;
}

export interface Found {
  uid: number;
  /** RFC822.SIZE in bytes, as the server claims. */
  size: number;
  /** INTERNALDATE. */
  received: Instant;
}

/** All calls throw `RetryLater`; whether the connection itself is gone tells `isOpen`. Not for calls at the same time. */
export interface Folder {
  uidValidity: string;
  uidNext: number;
  isOpen(): boolean;
  /** The server tells by itself of what arrives while it is listened to. */
  pushes(): boolean;
  /** UIDs above, ascending, after the server was asked for news. */
  newer(uid: number): Promise<number[]>;
  /** UIDs of mails that came on that day or later, ascending. */
  since(day: Date): Promise<number[]>;
  /** Ascending; those that are gone are missing. */
  list(uids: readonly number[]): Promise<Found[]>;
  /** The first `most` bytes, read without marking it as seen; undefined when it is gone. */
  read(uid: number, most: number): Promise<Uint8Array | undefined>;
  readHeaders(uid: number, most: number): Promise<Uint8Array | undefined>;
  /** False where the server does not do it. */
  flag(uids: readonly number[], flags: string[]): Promise<boolean>;
  /** False where a mail could be moved only by expunging all that anybody marked as deleted (no MOVE and no UIDPLUS). */
  movable(): boolean;
  /** False where the server does not do it, for instance because there is no such folder. */
  move(uids: readonly number[], to: string): Promise<boolean>;
  create(name: string): Promise<void>;
  /** IDLE; resolves when it ended, at the latest with the next call of another kind. Throws nothing. */
  listen(): Promise<void>;
  /** LOGOUT, or a cut when there is no answer within 3 s. */
  leave(): Promise<void>;
  cut(): void;
}

/** A name and a greeting take seconds; a mail server that needs longer is treated as away. */
const CONNECT_TIME = 30_000;
/**
 * A server that owes an answer and sends no byte for so long is gone, whatever TCP believes. Longer than the pause that
 * Exchange orders (imapflow keeps silent for at most half its socket time-out) and short enough to be noticed.
 */
const SILENCE = 150_000;
const SOCKET_TIME = 240_000;
const LOGOUT_TIME = 3_000;

/** UIDs in one command, so that the line stays below the 8,000 bytes that servers take (RFC 7162, 4). */
const IN_ONE_LINE = 500;

const isThisMachine = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);

/**
 * Certificates are checked, and STARTTLS is demanded before the password is said (RFC 8314). On this machine itself TLS is
 * used where it is offered, whatever the certificate (bridges sign for themselves): who stands in between there could
 * read our memory as well.
 */
export function transport({
  host,
  secure,
}: Pick<ImapServer, 'host' | 'secure'>): Pick<ImapFlowOptions, 'doSTARTTLS' | 'tls'> {
  if (isThisMachine(host)) return { tls: { minVersion: 'TLSv1.2', rejectUnauthorized: false } };
  return { tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true }, ...(secure ? {} : { doSTARTTLS: true }) };
}

export interface FolderOrder {
  server: ImapServer;
  token?: string;
  clock: Clock;
  signal: AbortSignal;
  /** Something arrived, or the connection ended: look. */
  onNews: () => void;
}

/** Connects, signs in and opens the folder. Throws `AuthRequired` or `RetryLater`. */
export async function openFolder({ server, token, clock, signal, onNews }: FolderOrder): Promise<Folder> {
  signal.throwIfAborted();
  const who = { host: server.host, oauth: token !== undefined, ...(server.user ? { user: server.user } : {}) };
  const client = new ImapFlow({
    host: server.host,
    port: server.port,
    secure: server.secure,
    ...transport(server),
    auth: {
      user: server.user ?? '',
      ...(token === undefined ? { pass: server.password ?? '' } : { accessToken: token }),
    },
    clientInfo: { name: 'Keepsake', version: false, vendor: false, 'support-url': false },
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    connectionTimeout: CONNECT_TIME,
    greetingTimeout: CONNECT_TIME,
    socketTimeout: SOCKET_TIME,
    maxLiteralSize: LARGEST_MAIL + 64 * 1024,
    maxLineLength: 16 * 1024 * 1024,
    maxResponseSize: LARGEST_MAIL + 17 * 1024 * 1024,
  });
  let lost: unknown;
  client.on('error', (error) => {
    lost = error;
  });
  client.on('close', onNews);
  client.on('exists', onNews);

  /** The answer, unless the server falls silent: then the connection is cut. */
  async function answer<T>(ask: () => Promise<T>): Promise<T> {
    const over = new AbortController();
    const watch = async (): Promise<void> => {
      for (let seen = -1; seen !== client.stats().received; ) {
        seen = client.stats().received;
        await clock.sleep(SILENCE, over.signal);
      }
      lost ??= new Error('The server did not answer');
      client.close();
    };
    // Ends by its signal only, which is no failure.
    watch().catch(() => {});
    try {
      const said = await ask();
      // Some commands of imapflow answer a lost connection with "false".
      if (!client.usable) throw new Error('The connection was closed');
      return said;
    } catch (error) {
      throw imapFailure(client.usable ? error : (lost ?? error), who);
    } finally {
      over.abort();
    }
  }

  const refused = (what: string): RetryLater =>
    new RetryLater(`The mail server ${server.host} refused ${what}. It is asked again; backups go on.`);

  const cut = (): void => client.close();
  signal.addEventListener('abort', cut, { once: true });
  try {
    await answer(() => client.connect());
    const opened = await answer(() => client.mailboxOpen(server.folder));
    const last = opened.uidNext ? undefined : await answer(() => client.fetchOne('*', { uid: true }));
    signal.throwIfAborted();
    return folder(opened.uidValidity, opened.uidNext || (last ? last.uid + 1 : 1));
  } catch (error) {
    client.close();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', cut);
  }

  function folder(uidValidity: bigint, uidNext: number): Folder {
    const can = (name: string): boolean => client.capabilities.has(name) || client.enabled.has('IMAP4REV2');
    const search = async (query: Parameters<ImapFlow['search']>[0]): Promise<number[]> => {
      const uids = await answer(() => client.search(query, { uid: true }));
      if (!uids) throw refused('to list the mails');
      return uids;
    };
    const instant = (date: Date | string | undefined): Instant => {
      const at = new Date(date ?? Number.NaN);
      return (Number.isNaN(at.getTime()) ? clock.now() : at).toISOString();
    };
    const part = async (uid: number, query: Parameters<ImapFlow['fetchOne']>[1]) =>
      answer(() => client.fetchOne(String(uid), query, { uid: true }));
    return {
      uidValidity: String(uidValidity),
      uidNext,
      isOpen: () => client.usable && client.mailbox !== false,
      pushes: () => can('IDLE'),
      async newer(uid) {
        // A search answers for what the server has announced; NOOP makes it announce the rest (RFC 9051, 6.1.2).
        await answer(() => client.noop());
        // "n:*" always holds the last mail, also when its UID is below n.
        return (await search({ uid: `${uid + 1}:*` })).filter((found) => found > uid);
      },
      since: (day) => search({ since: day }),
      async list(uids) {
        const found: Found[] = [];
        for (let at = 0; at < uids.length; at += IN_ONE_LINE) {
          const some = uids.slice(at, at + IN_ONE_LINE);
          const rows = await answer(() =>
            client.fetchAll(some, { uid: true, size: true, internalDate: true }, { uid: true }),
          );
          for (const { uid, size, internalDate } of rows) {
            // Rows without a size are news of flags, which servers may mix in.
            if (size === undefined) continue;
            found.push({ uid, size, received: instant(internalDate) });
          }
        }
        return found.sort((a, b) => a.uid - b.uid);
      },
      async read(uid, most) {
        const row = await part(uid, { source: { start: 0, maxLength: most } });
        return row ? row.source : undefined;
      },
      async readHeaders(uid, most) {
        const row = await part(uid, { bodyParts: [{ key: 'HEADER', start: 0, maxLength: most }] });
        return row ? row.headers : undefined;
      },
      flag: (uids, flags) => answer(() => client.messageFlagsAdd([...uids], flags, { uid: true, silent: true })),
      movable: () => can('MOVE') || can('UIDPLUS'),
      // Without MOVE, imapflow copies and deletes; without UIDPLUS it would then expunge the whole folder.
      move: async (uids, to) => Boolean(await answer(() => client.messageMove([...uids], to, { uid: true }))),
      async create(name) {
        await answer(() => client.mailboxCreate(name));
      },
      async listen() {
        // A refusal only means that there is no IDLE; a lost connection is told by `onNews`.
        await client.idle().catch(() => {});
      },
      async leave() {
        const late = new AbortController();
        await Promise.race([client.logout().catch(() => {}), realTime(LOGOUT_TIME, undefined, late).catch(() => {})]);
        late.abort();
        client.close();
      },
      cut,
    };
  }
}
