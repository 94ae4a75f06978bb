/**
 * An IMAP4rev1 server on loopback that reads strictly (RFC 3501, 2177, 2971, 4315, 5161, 6154, 6851, 7888): what no right
 * client says is answered with BAD and kept in `violations`. Mailboxes are looked into and changed beside the protocol, and
 * connections break as a test wishes.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { systemClock } from '../../src/engine/clock.ts';
import type { Clock } from '../../src/engine/types.ts';
import { type Session, serve } from './imap/session.ts';
import { createAccount, type ImapAccount } from './imap/store.ts';
import { type ImapWorld, idleProblem } from './imap/world.ts';

export type { ImapAccount, ImapMailbox, StoredMail } from './imap/store.ts';

export interface ImapFaults {
  /** All open connections end at once, without a word. */
  cut(): void;
  /** The connection that writes the n-th byte from now on is cut there. */
  cutAfter(bytes: number): void;
  /** The next n literals break off in their middle. */
  cutInLiteral(times?: number): void;
  /** Open connections are half-dead from now on: nothing comes in or out, and nobody is told. New ones are well. */
  mute(): void;
  /** Open connections are told BYE. */
  bye(text?: string): void;
  /** New connections are told BYE at once; undefined ends it. */
  busy(text: string | undefined): void;
  /** Refuses every sign-in; undefined ends it. */
  login(kind: 'permanent' | 'temporary' | undefined): void;
  /** Answers NO to the next n commands, or to those of one name (`UID FETCH`). */
  refuse(times: number, o?: { verb?: string; text?: string; code?: string }): void;
  /** Before each answer. */
  slow(ms: number): void;
  /** IDLE tells of nothing, as some servers do. */
  deafIdle(on: boolean): void;
}

export interface ImapServer {
  host: string;
  port: number;
  /** `imap://name:password@127.0.0.1:port/folder` */
  url(user: string, folder?: string): string;
  /** What is offered, upper case; a command that comes with something taken out is a violation. */
  capabilities: Set<string>;
  /** Throws when there is none. */
  account(user: string): ImapAccount;
  addAccount(user: string, password?: string): ImapAccount;
  faults: ImapFaults;
  violations(): string[];
  /** Mails that became `\Seen` because they were read without PEEK. */
  seen(): string[];
  /** Who said what, in its order; without passwords. */
  commands(): string[];
  /** How often somebody tried to sign in. */
  logins(): number;
  connections(): number;
  /** Connections in IDLE. */
  idling(): number;
  close(): Promise<void>;
}

export const CAPABILITIES = [
  'IMAP4rev1',
  'SASL-IR',
  'AUTH=PLAIN',
  'AUTH=XOAUTH2',
  'LITERAL+',
  'ID',
  'ENABLE',
  'NAMESPACE',
  'SPECIAL-USE',
  'IDLE',
  'MOVE',
  'UIDPLUS',
  'UNSELECT',
] as const;

export interface ImapOptions {
  /** Name to password. */
  users?: Readonly<Record<string, string>>;
  capabilities?: readonly string[];
  clock?: Clock;
}

function createFaults(world: ImapWorld): ImapFaults {
  const { faults } = world;
  const each = (act: (session: Session) => void) => (): void => {
    for (const session of [...world.sessions]) act(session);
  };
  return {
    cut: each((session) => session.wire.cut()),
    cutAfter: (bytes) => {
      faults.bytesUntilCut = bytes;
    },
    cutInLiteral: (times = 1) => {
      faults.literalsToCut = times;
    },
    mute: each((session) => session.wire.mute()),
    bye: (text = 'the server is going away') => each((session) => session.bye(text))(),
    busy: (text) => {
      faults.busy = text;
    },
    login: (kind) => {
      faults.login = kind;
    },
    refuse: (times, { verb, text = 'not now', code } = {}) => {
      faults.refusals.push({ count: times, verb: verb?.toUpperCase(), text, code });
    },
    slow: (ms) => {
      faults.slow = ms;
    },
    deafIdle: (on) => {
      faults.deafIdle = on;
    },
  };
}

/** Listens on a free port of loopback. `close` ends all connections. */
export async function startImap({
  users = {},
  capabilities = CAPABILITIES,
  clock = systemClock,
}: ImapOptions = {}): Promise<ImapServer> {
  const world: ImapWorld = {
    accounts: new Map(),
    capabilities: new Set(capabilities),
    clock,
    faults: {
      bytesUntilCut: undefined,
      literalsToCut: 0,
      refusals: [],
      login: undefined,
      busy: undefined,
      slow: 0,
      deafIdle: false,
    },
    sessions: new Set(),
    violations: [],
    seen: [],
    commands: [],
    logins: 0,
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    serve(world, socket).catch((error: unknown) => {
      world.violations.push(`IMAP: the server itself failed: ${error instanceof Error ? error.stack : String(error)}`);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const addAccount = (user: string, password?: string): ImapAccount => {
    const account = createAccount(user, password, () => clock.now());
    world.accounts.set(user.toLowerCase(), account);
    return account;
  };
  for (const [user, password] of Object.entries(users)) addAccount(user, password);
  const account = (user: string): ImapAccount => {
    const found = world.accounts.get(user.toLowerCase());
    if (!found) throw new Error(`nobody here is called ${user}`);
    return found;
  };
  return {
    host: '127.0.0.1',
    port,
    url: (user, folder = '') =>
      `imap://${encodeURIComponent(user)}:${encodeURIComponent(account(user).password ?? '')}@127.0.0.1:${port}/${folder}`,
    capabilities: world.capabilities,
    account,
    addAccount,
    faults: createFaults(world),
    violations: () => [...world.violations, ...[...world.sessions].flatMap((session) => idleProblem(session) ?? [])],
    seen: () => [...world.seen],
    commands: () => [...world.commands],
    logins: () => world.logins,
    connections: () => world.sessions.size,
    idling: () => [...world.sessions].filter((session) => session.idleSince !== undefined).length,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
