/** A real OpenSSH server on a free port of the loopback, behind a proxy that counts bytes and can cut or stall every line. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const SSHD = '/usr/sbin/sshd';

export interface SshServer {
  host: string;
  /** Of the proxy. */
  port: number;
  /** Of sshd itself, for measurements. */
  direct: number;
  user: string;
  /** Accepted by the server. */
  privateKey: string;
  /** A key that the server does not know. */
  strangerKey: string;
  /** `SHA256:...` of the host key. */
  fingerprint: string;
  /** The folder that paths start in. */
  data: string;
  /** Bytes that clients sent so far. */
  received(): number;
  /** Cuts every connection; new ones are accepted. */
  cut(): void;
  /** From now on the server has another host key. */
  changeHostKey(): Promise<void>;
  close(): Promise<void>;
}

/** Why no server can be started here; undefined when one can. */
export function sshdMissing(): string | undefined {
  if (!existsSync(SSHD)) return 'openssh-server is not installed';
  if (userInfo().uid !== 0) return 'sshd needs root here (it separates privileges)';
  return undefined;
}

async function makeKey(folder: string, name: string, passphrase = ''): Promise<string> {
  const file = join(folder, name);
  await rm(file, { force: true });
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', file]);
  return readFile(file, 'utf8');
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until something listens; throws after ten seconds. */
export async function listening(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (tries > 200) throw error;
      await wait(50);
    } finally {
      socket.destroy();
    }
  }
}

/** Passes every connection on to `target`. */
export async function startProxy(
  target: number,
): Promise<{ port: number; received(): number; cut(): void; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let received = 0;
  const proxy = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: target, host: '127.0.0.1', noDelay: true });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    client.pipe(server);
    server.pipe(client);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    received: () => received,
    cut,
    close: async () => {
      cut();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

/** Starts sshd with an own configuration and own keys. `data`: a folder to serve instead of a temporary one; `user`: who signs in. */
export async function startSshd(o: { data?: string; user?: string; passphrase?: string } = {}): Promise<SshServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-sshd-'));
  await chmod(folder, 0o755);
  const data = o.data ?? join(folder, 'data');
  await mkdir(data, { recursive: true });
  await mkdir('/run/sshd', { recursive: true });
  const port = await freePort();
  await makeKey(folder, 'host');
  const privateKey = await makeKey(folder, 'client', o.passphrase);
  const strangerKey = await makeKey(folder, 'stranger');
  await writeFile(join(folder, 'authorized_keys'), await readFile(join(folder, 'client.pub')));
  await writeFile(
    join(folder, 'config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${join(folder, 'host')}`,
      'PidFile none',
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      `Subsystem sftp internal-sftp -d ${data}`,
      `ForceCommand internal-sftp -d ${data}`,
      '',
    ].join('\n'),
  );
  const start = async () => {
    const child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], { stdio: 'ignore' });
    await listening(port);
    return child;
  };
  let child = await start();
  const stop = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  const proxy = await startProxy(port);
  const print = (): string =>
    execFileSync('ssh-keygen', ['-l', '-f', join(folder, 'host.pub')], { encoding: 'utf8' }).split(' ')[1] ?? '';
  return {
    host: '127.0.0.1',
    port: proxy.port,
    direct: port,
    user: o.user ?? userInfo().username,
    privateKey,
    strangerKey,
    fingerprint: print(),
    data,
    received: proxy.received,
    cut: proxy.cut,
    changeHostKey: async () => {
      await stop();
      proxy.cut();
      await makeKey(folder, 'host');
      child = await start();
    },
    close: async () => {
      await proxy.close();
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
