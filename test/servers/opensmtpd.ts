/**
 * A real OpenSMTPD on a free port of the loopback, delivering into the maildirs of the real IMAP server. Without TLS and
 * sign-in: it offers AUTH only with TLS, and every handshake with Debian 12's build (6.8.0p2-4) failed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort, listening } from './sshd.ts';

const SMTPD = '/usr/sbin/smtpd';

function missing(): string | undefined {
  if (!existsSync(SMTPD)) return 'OpenSMTPD is not installed (Debian: opensmtpd)';
  if (process.getuid?.() !== 0) return 'OpenSMTPD is only started by root';
  // Its queue and its socket have fixed places: each server sees its own there.
  const { status } = spawnSync('unshare', ['--mount', '--propagation', 'private', 'mount', '--bind', '/tmp', '/tmp']);
  return status === 0 ? undefined : 'no mount namespace can be made here (unshare, mount)';
}

/** Why no server can be started here; undefined when one can. */
export const opensmtpdMissing: string | undefined = missing();

export interface OpensmtpdOrder {
  /** `example.org` */
  domain: string;
  /** Addresses, lower case; `address+anything` arrives at the address. */
  users: readonly string[];
  /** Where an address' mail goes, owned by the user `mail`; `startDovecot(…).maildir`. */
  maildir(address: string): string;
}

export interface Opensmtpd {
  host: '127.0.0.1';
  /** Takes mail for the domain from everybody, without TLS, as a mail exchanger does. */
  port: number;
  /** `smtp://127.0.0.1:port` */
  url: string;
  /** What it wrote: each session, each delivery. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

const configuration = (order: OpensmtpdOrder, port: number): string => `
smtp sub-addr-delim "+"
table people { ${order.users.map((address) => `"${address}" = mail`).join(', ')} }
listen on 127.0.0.1 port ${port} hostname mail.${order.domain}
action "in" maildir "${order.maildir('%{rcpt:strip|lowercase}')}" virtual <people>
match from any for domain "${order.domain}" action "in"
`;

/** Throws with the server's log when it does not start. */
export async function startOpensmtpd(order: OpensmtpdOrder): Promise<Opensmtpd> {
  if (opensmtpdMissing !== undefined) throw new Error(opensmtpdMissing);
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-opensmtpd-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  const settings = join(folder, 'smtpd.conf');
  const logFile = join(folder, 'smtpd.log');
  await writeFile(settings, configuration(order, port));
  // It makes its queue below /var/spool itself.
  await mkdir(join(folder, 'spool'), { mode: 0o711 });
  await mkdir(join(folder, 'run'));

  const log = await open(logFile, 'w');
  const mounts = 'mount --bind "$1/spool" /var/spool && mount --bind "$1/run" /run && exec "$2" -d -f "$1/smtpd.conf"';
  const child: ChildProcess = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', mounts, 'sh', folder, SMTPD],
    { stdio: ['ignore', log.fd, log.fd] },
  );
  await log.close();
  const abandon = (): void => void child.kill('SIGTERM');
  process.once('exit', abandon);
  const stop = async (): Promise<void> => {
    process.off('exit', abandon);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      if ((await Promise.race([ended, wait(5000, 'late', { ref: false })])) === 'late') {
        child.kill('SIGKILL');
        await ended;
      }
    }
    await rm(folder, { recursive: true, force: true });
  };
  await listening(port).catch(async (error) => {
    const said = await readFile(logFile, 'utf8');
    await stop();
    throw new Error(`OpenSMTPD did not start: ${said}`, { cause: error });
  });
  return {
    host: '127.0.0.1',
    port,
    url: `smtp://127.0.0.1:${port}`,
    log: () => readFile(logFile, 'utf8'),
    stop,
  };
}
