/** A mail server on loopback that keeps what it is given, refuses what it is told to, and says its own words. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SMTPServer } from 'smtp-server';

export interface Taken {
  from: string;
  to: string[];
  /** As it came over the line, dots unstuffed. */
  text: string;
}

/** "550 5.1.1 No such user": the code, then the words. */
export type Words = string | undefined;

const refusal = (words: string): Error =>
  Object.assign(new Error(words.slice(4)), { responseCode: Number(words.slice(0, 3)) });

export interface SinkOrder {
  /** Answers the server's words for a refusal. */
  mailFrom?: (address: string) => Words;
  rcptTo?: (address: string) => Words;
  data?: (text: string) => Words;
  login?: (auth: { username: string | undefined; secret: string | undefined }) => Words;
  options?: ConstructorParameters<typeof SMTPServer>[0];
}

export async function startSink(order: SinkOrder = {}) {
  const taken: Taken[] = [];
  const logins: string[] = [];
  let connections = 0;
  const server = new SMTPServer({
    disabledCommands: order.login ? ['STARTTLS'] : ['STARTTLS', 'AUTH'],
    authOptional: !order.login,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 200,
    ...order.options,
    onConnect(_session, done) {
      connections++;
      done();
    },
    onAuth({ username, password, accessToken }, _session, done) {
      const secret = password ?? accessToken;
      logins.push(`${username}:${secret}`);
      const words = order.login?.({ username, secret });
      if (words === undefined) done(null, { user: username });
      else done(refusal(words));
    },
    onMailFrom({ address }, _session, done) {
      const words = order.mailFrom?.(address);
      done(words === undefined ? null : refusal(words));
    },
    onRcptTo({ address }, _session, done) {
      const words = order.rcptTo?.(address);
      done(words === undefined ? null : refusal(words));
    },
    onData(stream, { envelope }, done) {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        const text = Buffer.concat(pieces).toString('latin1');
        const words = stream.sizeExceeded ? '552 5.3.4 Message too big' : order.data?.(text);
        if (words !== undefined) return done(refusal(words));
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        taken.push({ from, to: envelope.rcptTo.map(({ address }) => address), text });
        return done(null, 'Taken');
      });
    },
  });
  // A client that hangs up in the middle is what some tests are about.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    taken,
    logins,
    connections: () => connections,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

export type Sink = Awaited<ReturnType<typeof startSink>>;

/**
 * A server that follows a script: answers each line by what `say` returns for it, the end of the data by its answer to ".",
 * and hangs up at `null`. For what no well-behaved server does.
 */
export async function startScript(say: (line: string) => string | null | undefined) {
  const mails: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let rest = '';
    let data: string[] | undefined;
    const answer = (line: string): void => {
      const words = say(line);
      if (words === null) socket.destroy();
      else if (words !== undefined) socket.write(`${words}\r\n`);
      if (words?.startsWith('354')) data = [];
    };
    answer('');
    socket.on('data', (bytes) => {
      const lines = (rest + bytes.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!data) answer(line);
        else if (line !== '.') data.push(line);
        else {
          mails.push(data.join('\r\n'));
          data = undefined;
          answer('.');
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    open: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A certificate for that name, signed by itself; undefined where openssl is not installed. */
export async function certificateFor(name: string): Promise<{ key: string; cert: string } | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-cert-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert],
      ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`],
    ]);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Header names (lower case) to values, unfolded; throws on a line that is no header, and on a header that is there twice. */
export function headersOf(mail: string): Map<string, string> {
  const head = mail.slice(0, mail.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  const found = new Map<string, string>();
  for (const line of head.split('\r\n')) {
    const [, name, value] = /^([\w-]+): (.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no header: ${line}`);
    if (found.has(name.toLowerCase())) throw new Error(`twice: ${line}`);
    found.set(name.toLowerCase(), value);
  }
  return found;
}
