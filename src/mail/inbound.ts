/**
 * A mail server of our own, for people whose MX record points here (RFC 5321); the only file that imports smtp-server. It
 * takes mails for one address and its reply addresses, nothing else, and says "taken" when nothing can be lost any more.
 */
import { domainToASCII } from 'node:url';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { QuotaExceeded, UsageError } from '../engine/errors.ts';
import type { Clock, Log } from '../engine/types.ts';
import { domainOf, readTagged, type TokenUse } from './address.ts';
import { createQueue } from './inbound/queue.ts';
import { createSpool } from './inbound/spool.ts';
import { LARGEST_MAIL, type MailDoor } from './mail.ts';

export interface InboundOrder {
  /** 0 for any that is free; the log says which. */
  port: number;
  /** PEM. Without it nothing is encrypted on the way here. */
  tls?: { cert: string; key: string };
  /** Our address. */
  from: string;
  /** Mail to `name+tag@` is taken if the tag is known. */
  tags: boolean;
  /** Folder for what is taken and not worked yet. */
  spool: string;
  accepts(token: string, use: TokenUse): Promise<boolean>;
  log: Log;
  clock: Clock;
}

/** People's mail servers hold one or two connections; twenty are a good many for one household. */
const MOST_CLIENTS = { all: 20, perAddress: 5 };
/** Beyond those that are told so; a connection that is refused costs a socket for a moment. */
const MOST_SOCKETS = 100;
const MOST_RECIPIENTS = 3;
/** A reply goes to one address; whoever tries more guesses. */
const MOST_WRONG = 5;
const MOST_ASKED = 20;
/** RFC 5321 section 4.5.3.1.4 and room for parameters. */
const LONGEST_COMMAND = 2_048;
/** Of silence. RFC 5321 section 4.5.3.2.7 asks for five minutes, from which only those profit who want to stay. */
const PATIENCE = 60_000;
/** Of everything: 25 MB in it are 42 KB a second. One byte a minute would stay for a year otherwise. */
const LONGEST_SESSION = 10 * 60_000;
/** Those who are just sending may finish. */
const CLOSING = 5_000;

interface Client {
  address: string;
  asked: number;
  wrong: number;
  sending: boolean;
  /** Aborted when the client has left. */
  left: AbortController;
}

const reply = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode });

const plain = (address: string): string => {
  const lower = address.toLowerCase();
  return `${lower.slice(0, lower.lastIndexOf('@'))}@${domainToASCII(domainOf(lower))}`;
};

const codeOf = (error: unknown): unknown => (error instanceof Error ? (error as { code?: unknown }).code : undefined);

export function createInbound(order: InboundOrder): MailDoor {
  const { port, tls, tags, log, clock } = order;
  const from = plain(order.from);
  const spool = createSpool(order.spool);
  const clients = new Map<string, Client>();

  async function isOurs(recipient: string): Promise<boolean> {
    const address = plain(recipient);
    if (address === from) return true;
    const tagged = tags ? readTagged(address) : undefined;
    return tagged?.base === from && (await order.accepts(tagged.token, tagged.use));
  }

  function connect(session: SMTPServerSession, server: SMTPServer): void {
    const address = session.remoteAddress;
    const others = [...clients.values()].filter((client) => client.address === address).length;
    if (others >= MOST_CLIENTS.perAddress) throw reply(421, 'Too many connections from your address');
    const left = new AbortController();
    clients.set(session.id, { address, asked: 0, wrong: 0, sending: false, left });
    void clock.sleep(LONGEST_SESSION, left.signal).then(
      () => {
        const connection = [...server.connections].find(({ id }) => id === session.id);
        connection?.send(421, 'This took too long');
      },
      (error: unknown) => {
        if (!left.signal.aborted) log('error', 'mail.inbound_failed', { error });
      },
    );
  }

  function disconnect(session: SMTPServerSession): void {
    clients.get(session.id)?.left.abort();
    clients.delete(session.id);
  }

  async function recipient(address: string, session: SMTPServerSession): Promise<void> {
    const client = clients.get(session.id);
    if (!client || client.asked++ >= MOST_ASKED) throw reply(421, 'Too many recipients');
    if (await isOurs(address)) return;
    client.wrong++;
    log('info', 'mail.recipient_refused', { ip: client.address, wrong: client.wrong });
    if (client.wrong >= MOST_WRONG) throw reply(421, 'Too many unknown recipients');
    throw reply(550, 'No such mailbox here');
  }

  /** Not destroyed when somebody stops reading: the client listens for an answer only when it has said all. */
  async function* whole(stream: SMTPServerDataStream): AsyncGenerator<Uint8Array> {
    const tooLarge = (): Error => reply(552, `At most ${LARGEST_MAIL} bytes`);
    for await (const part of stream.iterator({ destroyOnReturn: false })) {
      if (stream.sizeExceeded) throw tooLarge();
      yield part;
    }
    if (stream.sizeExceeded) throw tooLarge();
  }

  async function hold(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
    const client = clients.get(session.id);
    if (client) client.sending = true;
    const { mailFrom, rcptTo } = session.envelope;
    const arrival = {
      received: clock.now().toISOString(),
      session: {
        ip: session.remoteAddress,
        helo: session.hostNameAppearsAs,
        mailFrom: mailFrom ? mailFrom.address : '',
        rcptTo: rcptTo.map(({ address }) => address),
      },
    };
    try {
      return await spool.hold(arrival, whole(stream));
    } finally {
      stream.resume();
      if (client) client.sending = false;
    }
  }

  /** What the client is told; what it cannot know stays here. */
  function refusal(error: unknown, ip: string): Error {
    if (error instanceof Error && 'responseCode' in error) return error;
    if (error instanceof QuotaExceeded || codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') {
      log('error', 'mail.spool_full', { folder: order.spool, advice: 'Mails are refused until there is room again.' });
      return reply(452, 'No room at the moment, try again later');
    }
    // The client hung up.
    if (codeOf(error) === 'ECONNECTION' || codeOf(error) === 'ERR_STREAM_PREMATURE_CLOSE') {
      log('debug', 'mail.hung_up', { ip });
    } else {
      log('error', 'mail.inbound_failed', { ip, error });
    }
    return reply(451, 'Try again later');
  }

  function createServer(onHeld: (name: string) => void): SMTPServer {
    const answer = (work: Promise<unknown>, session: SMTPServerSession, done: (error?: Error | null) => void): void => {
      work.then(
        () => done(),
        (error: unknown) => done(refusal(error, session.remoteAddress)),
      );
    };
    const server: SMTPServer = new SMTPServer({
      name: domainOf(from),
      logger: false,
      size: LARGEST_MAIL,
      rejectOversized: true,
      maxClients: MOST_CLIENTS.all,
      maxRecipients: MOST_RECIPIENTS,
      maxCommandLength: LONGEST_COMMAND,
      socketTimeout: PATIENCE,
      closeTimeout: CLOSING,
      disableReverseLookup: true,
      disabledCommands: ['AUTH', 'VRFY', 'WIZ', 'SHELL', 'KILL', ...(tls ? [] : ['STARTTLS'])],
      ...tls,
      onConnect: (session, done) => answer((async () => connect(session, server))(), session, done),
      onClose: (session) => disconnect(session),
      onMailFrom: (_, session, done) =>
        answer(
          (async () => {
            if (spool.isFull()) throw new QuotaExceeded('The folder for mails that came in is full.');
          })(),
          session,
          done,
        ),
      onRcptTo: ({ address }, session, done) => answer(recipient(address, session), session, done),
      onData: (stream, session, done) => answer(hold(stream, session).then(onHeld), session, done),
    });
    server.server.maxConnections = MOST_SOCKETS;
    return server;
  }

  async function listen(server: SMTPServer): Promise<void> {
    // Of single connections, too: what clients do wrong ends their own session.
    server.on('error', (error) => log('debug', 'mail.connection_failed', { error }));
    await new Promise<void>((resolve, reject) => {
      server.server.once('error', reject);
      server.listen(port, () => resolve());
    }).catch((error: unknown) => {
      throw new UsageError(
        `Mails cannot be taken on port ${port}: ${String(codeOf(error))}. Replies by this way do not arrive.`,
        {
          code: 'bad_config',
          advice: 'Set MAIL_LISTEN to a port that is free and that this user may open, or remove it.',
          cause: error,
        },
      );
    });
    const address = server.server.address();
    log('info', 'mail.listening', { port: typeof address === 'object' ? address?.port : port });
  }

  async function close(server: SMTPServer): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of [...server.connections]) {
      if (!clients.get(connection.id)?.sending) connection.send(421, 'Shutting down, try again later');
    }
    await closed;
  }

  return {
    name: 'smtp',
    async run(take, signal, onReady) {
      signal.throwIfAborted();
      const queue = createQueue({ spool, take, log, clock, signal });
      for (const name of await spool.open()) queue.add(name);
      const server = createServer((name) => queue.add(name));
      await listen(server);
      onReady?.();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await close(server);
      await queue.end();
    },
  };
}
