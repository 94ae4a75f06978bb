/** The provider's submission server (RFC 6409), and what can go wrong between a client and it. */
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerAuthentication, type SMTPServerSession } from 'smtp-server';
import type { Clock } from '../../../src/engine/types.ts';

/** A mail as a client handed it over. */
export interface Submitted {
  /** Who signed in. */
  user: string;
  /** Empty for the null sender. */
  from: string;
  to: readonly string[];
  raw: Buffer;
  /** `BODY=8BITMIME` was said. */
  is8bit: boolean;
  smtpUtf8: boolean;
  helo: string;
  at: Date;
}

export interface SmtpFaults {
  /** Answers RCPT for this address with a code (`550`, `451`) for so many times; Infinity for good. */
  recipient(address: string, code: number, times?: number, text?: string): void;
  /** Turns each pair of sender and recipient away once. */
  greylist(on: boolean): void;
  /** 421 to the next connections. */
  busy(times?: number): void;
  /** The connection breaks while the mail is sent; it is not taken. */
  dropInData(times?: number): void;
  /** The mail is taken, and the connection breaks before that is said. */
  loseAnswer(times?: number): void;
  /** Answers the end of DATA with a code (`552` quota, `554`, `451`). */
  refuseData(code: number, times?: number, text?: string): void;
  /** Refuses every sign-in; undefined ends it. */
  login(kind: 'permanent' | 'temporary' | undefined): void;
  /** Before each answer to RCPT and to DATA. */
  slow(ms: number): void;
  /** All open connections end at once. */
  cut(): void;
}

export type SmtpFault = 'recipient' | 'greylist' | 'busy' | 'dropInData' | 'loseAnswer' | 'data' | 'login';

export interface SmtpServer {
  host: string;
  port: number;
  /** `smtp://name:password@127.0.0.1:port` */
  url(user: string): string;
  /** Name to password. */
  users: Map<string, string>;
  /** Name to the access tokens that XOAUTH2 takes. */
  accessTokens: Map<string, Set<string>>;
  faults: SmtpFaults;
  /** How often somebody tried to sign in. */
  logins(): number;
  connections(): number;
  /** How often each fault came about so far; absent for never. */
  met(): Readonly<Partial<Record<SmtpFault, number>>>;
  /** Everything that was taken. */
  submitted: Submitted[];
  close(): Promise<void>;
}

export interface SmtpOptions {
  clock: Clock;
  /** Bytes; announced as SIZE. */
  size?: number;
  /** Offers STARTTLS with it. */
  tls?: { key: string; cert: string };
  /** Undefined where the address exists, else why it does not. */
  knows(address: string): string | undefined;
  mayUse(user: string, from: string): boolean;
  /** Called once for each mail that is taken, before that is said. */
  take(mail: Submitted): Promise<void>;
}

const failure = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code });

/** What is expected so many times. */
interface Planned {
  code: number;
  text: string;
  times: number;
}

function enhanced(code: number, text: string | undefined, standard: Record<number, string>): string {
  return text ?? standard[code] ?? (code < 500 ? '4.3.0 not at the moment' : '5.0.0 refused');
}

const RECIPIENT_WORDS: Record<number, string> = {
  450: '4.2.1 the mailbox is busy',
  451: '4.3.0 try again later',
  550: '5.1.1 no such user here',
  552: '5.2.2 the mailbox is full',
};
const DATA_WORDS: Record<number, string> = {
  451: '4.3.0 try again later',
  552: '5.2.2 the quota is used up',
  554: '5.7.1 this looks like spam',
};

interface State {
  recipients: Map<string, Planned>;
  greylist: Set<string> | undefined;
  busy: Planned;
  dropInData: Planned;
  loseAnswer: Planned;
  data: Planned;
  login: 'permanent' | 'temporary' | undefined;
  slow: number;
}

const never = (): Planned => ({ code: 0, text: '', times: 0 });

export async function startSmtp(o: SmtpOptions): Promise<SmtpServer> {
  const state: State = {
    recipients: new Map(),
    greylist: undefined,
    busy: never(),
    dropInData: never(),
    loseAnswer: never(),
    data: never(),
    login: undefined,
    slow: 0,
  };
  const users = new Map<string, string>();
  const accessTokens = new Map<string, Set<string>>();
  const submitted: Submitted[] = [];
  const met: Partial<Record<SmtpFault, number>> = {};
  let logins = 0;

  const meet = (fault: SmtpFault): void => {
    met[fault] = (met[fault] ?? 0) + 1;
  };
  function use(fault: SmtpFault, planned: Planned | undefined): Planned | undefined {
    if (!planned || planned.times <= 0) return undefined;
    planned.times -= 1;
    meet(fault);
    return planned;
  }

  function signIn(auth: SMTPServerAuthentication): string {
    logins += 1;
    const user = (auth.username ?? '').toLowerCase();
    if (state.login !== undefined) meet('login');
    if (state.login === 'temporary') throw failure(454, '4.7.0 signing in is not possible at the moment');
    const isRight =
      auth.method === 'XOAUTH2'
        ? accessTokens.get(user)?.has(auth.accessToken ?? '')
        : users.has(user) && users.get(user) === auth.password;
    if (!isRight || state.login === 'permanent') throw failure(535, '5.7.8 wrong name or password');
    return user;
  }

  function checkRecipient(address: string, session: SMTPServerSession): void {
    const planned = use('recipient', state.recipients.get(address.toLowerCase()));
    if (planned) throw failure(planned.code, planned.text);
    const pair = `${session.envelope.mailFrom ? session.envelope.mailFrom.address : ''} ${address}`;
    if (state.greylist && !state.greylist.has(pair)) {
      state.greylist.add(pair);
      meet('greylist');
      throw failure(450, '4.7.1 greylisted, come back in a minute');
    }
    const unknown = o.knows(address);
    if (unknown !== undefined) throw failure(550, unknown);
  }

  const pause = (): Promise<void> => (state.slow > 0 ? o.clock.sleep(state.slow) : Promise.resolve());
  const settle = (work: Promise<void>, callback: (error?: Error | null) => void): void => {
    work.then(
      () => callback(),
      (error: Error) => callback(error),
    );
  };
  const drop = (session: SMTPServerSession): void => {
    for (const connection of server.connections) if (connection.session.id === session.id) connection._socket.destroy();
  };

  async function takeMail(raw: Buffer, session: SMTPServerSession): Promise<'said' | 'lost'> {
    await pause();
    const planned = use('data', state.data);
    if (planned) throw failure(planned.code, planned.text);
    const { mailFrom, rcptTo, bodyType, smtpUtf8 } = session.envelope;
    const mail: Submitted = {
      user: String(session.user),
      from: mailFrom ? mailFrom.address : '',
      to: rcptTo.map(({ address }) => address),
      raw,
      is8bit: bodyType?.toUpperCase() === '8BITMIME',
      smtpUtf8: smtpUtf8 === true,
      helo: session.hostNameAppearsAs,
      at: o.clock.now(),
    };
    submitted.push(mail);
    await o.take(mail);
    return use('loseAnswer', state.loseAnswer) ? 'lost' : 'said';
  }

  const server = new SMTPServer({
    name: 'mail.example.net',
    banner: 'loopback',
    authMethods: ['PLAIN', 'LOGIN', 'XOAUTH2'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    hideSTARTTLS: o.tls === undefined,
    logger: false,
    ...(o.tls ?? {}),
    ...(o.size === undefined ? {} : { size: o.size }),
    onConnect(_session, callback) {
      callback(use('busy', state.busy) ? failure(421, '4.3.2 too busy, come back later') : null);
    },
    onAuth(auth, _session, callback) {
      try {
        callback(null, { user: signIn(auth) });
      } catch (error) {
        callback(error as Error);
      }
    },
    onMailFrom({ address }, session, callback) {
      const isOwn = address === '' || o.mayUse(String(session.user), address);
      callback(isOwn ? null : failure(553, `5.7.1 ${address} is not an address of ${session.user}`));
    },
    onRcptTo({ address }, session, callback) {
      settle(
        pause().then(() => checkRecipient(address, session)),
        callback,
      );
    },
    onData(stream, session, callback) {
      const pieces: Buffer[] = [];
      let isBroken = false;
      stream.on('data', (piece: Buffer) => {
        pieces.push(piece);
        if (!use('dropInData', state.dropInData)) return;
        isBroken = true;
        drop(session);
      });
      stream.on('end', () => {
        if (isBroken) return;
        if (stream.sizeExceeded) return callback(failure(552, '5.3.4 the mail is too large'));
        takeMail(Buffer.concat(pieces), session).then(
          (answer) => (answer === 'said' ? callback(null, '2.0.0 taken') : drop(session)),
          (error: Error) => callback(error),
        );
      });
    },
  });
  // A client that hangs up is no trouble of ours.
  server.on('error', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.server.address() as AddressInfo;
  const plan = (name: 'busy' | 'dropInData' | 'loseAnswer', times = 1): void => {
    state[name] = { code: 0, text: '', times };
  };
  const cut = (): void => {
    for (const connection of [...server.connections]) connection._socket.destroy();
  };
  return {
    host: '127.0.0.1',
    port,
    url: (user) => `smtp://${encodeURIComponent(user)}:${encodeURIComponent(users.get(user) ?? '')}@127.0.0.1:${port}`,
    users,
    accessTokens,
    submitted,
    logins: () => logins,
    connections: () => server.connections.size,
    met: () => ({ ...met }),
    faults: {
      recipient(address, code, times = Number.POSITIVE_INFINITY, text) {
        state.recipients.set(address.toLowerCase(), { code, times, text: enhanced(code, text, RECIPIENT_WORDS) });
      },
      greylist: (on) => {
        state.greylist = on ? new Set() : undefined;
      },
      busy: (times) => plan('busy', times),
      dropInData: (times) => plan('dropInData', times),
      loseAnswer: (times) => plan('loseAnswer', times),
      refuseData(code, times = 1, text) {
        state.data = { code, times, text: enhanced(code, text, DATA_WORDS) };
      },
      login: (kind) => {
        state.login = kind;
      },
      slow: (ms) => {
        state.slow = ms;
      },
      cut,
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}
