/** SSH connections to one server: signing in, knowing its key again, channels opened as they are needed. Owns `ssh2`. */
import { createHash } from 'node:crypto';
import { connect as connectSocket, type Socket } from 'node:net';
import { Client, type ConnectConfig, type ServerHostKeyAlgorithm } from 'ssh2';
import { AuthRequired, isKeepsakeError, RetryLater, UsageError } from '../../engine/errors.ts';
import type { ProviderContext } from '../../engine/types.ts';
import { type Lane, laneOf } from './lane.ts';
import { openWire, type Wire } from './wire.ts';

export interface Server {
  host: string;
  port: number;
  user: string;
  password?: string | undefined;
  privateKey?: string | undefined;
  passphrase?: string | undefined;
  /** `SHA256:...` as `ssh-keygen -l` prints it. */
  fingerprint?: string | undefined;
}

export interface Connection {
  readonly open: boolean;
  /** One more channel; rejects where the server allows no more. */
  lane(): Promise<Lane>;
  close(): void;
}

/** To connect, and to sign in. */
const LIMIT_MS = 20_000;
/** A server that answers none of three is gone: the calls in flight fail after 45 s, not after the system's 15 minutes. */
const ALIVE_MS = 15_000;

const ALGORITHMS: Record<string, ServerHostKeyAlgorithm[]> = {
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
};

interface Known {
  /** `host:port` -> `ssh-ed25519 SHA256:...`. */
  hostKeys: Record<string, string>;
}

function knownOf(state: string | undefined): Known {
  try {
    const parsed: unknown = JSON.parse(state ?? '{}');
    const keys = (parsed as { hostKeys?: unknown } | null)?.hostKeys;
    if (typeof keys === 'object' && keys !== null) return { hostKeys: { ...(keys as Record<string, string>) } };
  } catch {
    // Written by something else; the next successful sign-in replaces it.
  }
  return { hostKeys: {} };
}

/** `ssh-ed25519 SHA256:...`: the type is the first field of the key. */
function fingerprintOf(key: Buffer): string {
  const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
  return `${type} SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

const changedKey = (place: string, known: string, seen: string): AuthRequired =>
  new AuthRequired(`The server ${place} shows another host key than before. Known: ${known}. Seen: ${seen}.`, {
    code: 'host_key_changed',
    advice:
      'Nothing was sent. If the server was set up anew, connect the account again to trust the new key; if not, somebody may be listening in between.',
  });

/** Any failure before the first channel, as what it means. */
function connectFailure(error: unknown, { host, port, user }: Server): unknown {
  if (isKeepsakeError(error) || !(error instanceof Error)) return error;
  const { level, code } = error as { level?: unknown; code?: unknown };
  const place = `${host}:${port}`;
  if (level === 'client-authentication') {
    return new AuthRequired(`The server ${place} did not accept the password or key of ${user}.`, {
      advice: 'Connect the account again with the right user, password or key.',
      cause: error,
    });
  }
  if (/privateKey|passphrase|private key/i.test(error.message)) {
    return new AuthRequired('The private key cannot be used: it is not one, or its passphrase is missing or wrong.', {
      code: 'bad_key',
      advice: 'Connect the account again with the whole key file, from its BEGIN line to its END line.',
      cause: error,
    });
  }
  if (level === 'handshake' || level === 'protocol') {
    return new UsageError(`${place} does not speak SSH as Keepsake does: ${error.message}`, {
      code: 'ssh_handshake',
      advice: 'Check the port (22 is usual); a very old server may need newer keys and ciphers.',
      cause: error,
    });
  }
  if (code === 'ENOTFOUND') {
    return new RetryLater(`No address is known for the server ${host}.`, {
      code: 'unknown_host',
      advice: 'Check its name, and whether this machine is online. Keepsake tries again by itself.',
      cause: error,
    });
  }
  return new RetryLater(`The server ${place} cannot be reached.`, { code: 'unreachable', cause: error });
}

function openSocket({ host, port }: Server): Promise<Socket> {
  return new Promise((done, fail) => {
    // Without noDelay, small requests wait for each other's acknowledgement: ten times slower.
    const socket = connectSocket({ host, port, noDelay: true, keepAlive: true, timeout: LIMIT_MS });
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      done(socket);
    });
    socket.once('error', fail);
    socket.once('timeout', () => socket.destroy(new Error('No answer within 20 s.')));
  });
}

/** Packets written in one turn of the event loop leave as one: ssh2 writes each of them by itself. */
function gather(socket: Socket): void {
  const write = socket.write.bind(socket) as (data: Uint8Array) => boolean;
  let gathering = false;
  socket.write = ((data: Uint8Array) => {
    if (!gathering) {
      gathering = true;
      socket.cork();
      setImmediate(() => {
        gathering = false;
        socket.uncork();
      });
    }
    return write(data);
  }) as Socket['write'];
}

/**
 * Connects and signs in. The first host key of a server is remembered in the account's session, and a later, different one
 * is refused before anything is sent. Throws `AuthRequired`, `RetryLater`, `UsageError`.
 */
export async function connect(server: Server, context: ProviderContext): Promise<Connection> {
  const place = `${server.host}:${server.port}`;
  const known = knownOf(await context.session.load());
  const pinned = server.fingerprint ?? known.hostKeys[place];
  const pinnedType = pinned?.includes(' ') ? pinned.split(' ')[0] : undefined;
  let refused: AuthRequired | undefined;
  let seen = '';
  let software = '';
  const client = new Client();
  const wires = new Set<Wire>();
  let open = false;

  const end = (error: unknown): void => {
    open = false;
    for (const wire of wires) wire.end(error);
    wires.clear();
    client.end();
  };

  const config: ConnectConfig = {
    username: server.user,
    readyTimeout: LIMIT_MS,
    keepaliveInterval: ALIVE_MS,
    keepaliveCountMax: 3,
    hostVerifier: (key: Buffer) => {
      seen = fingerprintOf(key);
      const right = pinned === undefined || pinned === seen || pinned === seen.split(' ')[1];
      if (!right) refused = changedKey(place, pinned, seen);
      return right;
    },
    algorithms: {
      // The cheapest with hardware AES; ssh2 would take a slower one first.
      cipher: { prepend: ['aes128-gcm@openssh.com'], append: [], remove: [] },
      serverHostKey: {
        // A server that gained a key of another type must not look like another server.
        prepend: pinnedType ? (ALGORITHMS[pinnedType] ?? [pinnedType as ServerHostKeyAlgorithm]) : [],
        append: [],
        remove: [],
      },
    },
  };
  if (server.password) {
    config.password = server.password;
    // Many servers ask for the password as a question (PAM).
    config.tryKeyboard = true;
    client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) => {
      finish(prompts.map(() => server.password ?? ''));
    });
  }
  if (server.privateKey) config.privateKey = server.privateKey;
  if (server.passphrase) config.passphrase = server.passphrase;

  try {
    const sock = await openSocket(server);
    gather(sock);
    sock.once('data', (first: Buffer) => {
      software = /SSH-2\.0-(\S+)/.exec(first.toString('latin1'))?.[1] ?? '';
    });
    await new Promise<void>((ready, fail) => {
      client.once('ready', ready);
      client.on('error', (error) => {
        fail(error);
        end(new RetryLater(`The connection to ${place} was lost.`, { code: 'connection_lost', cause: error }));
      });
      client.once('close', () => {
        const error = new RetryLater(`The server ${place} closed the connection.`, { code: 'connection_lost' });
        fail(error);
        end(error);
      });
      client.connect({ ...config, sock });
    });
  } catch (error) {
    client.destroy();
    throw refused ?? connectFailure(error, server);
  }
  open = true;
  if (!server.fingerprint && known.hostKeys[place] !== seen) {
    context.log('info', 'sftp_host_key_learned', { place, fingerprint: seen });
    await context.session.save(JSON.stringify({ hostKeys: { ...known.hostKeys, [place]: seen } }));
  }

  return {
    get open() {
      return open;
    },
    lane: async () => {
      const wire = await new Promise<Wire>((done, fail) => {
        client.subsys('sftp', (error, channel) => {
          if (error) fail(error);
          else openWire(channel).then(done, fail);
        });
      });
      wires.add(wire);
      if (!open) wire.end(new RetryLater(`The connection to ${place} was lost.`, { code: 'connection_lost' }));
      return laneOf(wire, software);
    },
    close: () => end(new RetryLater(`The connection to ${place} was closed.`, { code: 'connection_lost' })),
  };
}
