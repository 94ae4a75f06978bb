/** A real dovecot (2.3) on a free port of the loopback, with its mailboxes in a temporary folder. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort, listening } from './sshd.ts';

const DOVECOT = ['/usr/sbin/dovecot', '/usr/local/sbin/dovecot'].find((file) => existsSync(file));

function missing(): string | undefined {
  if (DOVECOT === undefined) return 'dovecot is not installed (Debian: dovecot-imapd)';
  const version = execFileSync(DOVECOT, ['--version'], { encoding: 'utf8' });
  // 2.4 has another configuration language.
  return version.startsWith('2.3.') ? undefined : `dovecot 2.3 is wanted, this is ${version.trim()}`;
}

/** Why no server can be started here; undefined when one can. */
export const dovecotMissing: string | undefined = missing();

/** To all processes of the group that are still there. */
function signalGroup(group: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (group !== undefined) process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export interface Dovecot {
  host: '127.0.0.1';
  port: number;
  /** The folder of the user's mailbox (Maildir++: INBOX itself, others below it as `.Name`); it may not exist yet. */
  maildir(user: string): string;
  /** Puts a mail into INBOX as a delivery agent would, without IMAP. Line breaks become CRLF. */
  deliver(user: string, mail: string | Uint8Array): Promise<void>;
  /** Stops it, lets `meanwhile` work on its files, and starts it again on the same port. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** The mailbox's UIDs begin anew under another UIDVALIDITY, as after a repair or a move to another server. */
  newUidValidity(user: string): Promise<void>;
  /** What the server wrote into its log. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

export interface DovecotOrder {
  name: string;
  password: string;
}

/** `own`: the processes run as who started the test; otherwise (root) as the users that the package made. */
const configuration = (folder: string, port: number, own: { name: string; group: string } | undefined): string => `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
instance_name = keepsake-${port}
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${folder}/users
}
userdb {
  driver = static
  args = uid=${own?.name ?? 'mail'} gid=${own?.group ?? 'mail'} home=${folder}/mail/%u
}
mail_location = maildir:~/Maildir
first_valid_uid = ${own ? 0 : 1}
first_valid_gid = ${own ? 0 : 1}
default_internal_user = ${own?.name ?? 'dovecot'}
default_internal_group = ${own?.group ?? 'dovecot'}
default_login_user = ${own?.name ?? 'dovenull'}
service anvil {
  chroot =
}
service stats {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
namespace inbox {
  inbox = yes
  separator = /
}
protocol imap {
  mail_max_userip_connections = 50
}
`;

/** Each user has an empty mailbox. Throws with the server's log when it does not start. */
export async function startDovecot(users: readonly DovecotOrder[]): Promise<Dovecot> {
  if (DOVECOT === undefined || dovecotMissing !== undefined) throw new Error(dovecotMissing);
  const program = DOVECOT;
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-dovecot-'));
  await chmod(folder, 0o755);
  const me = userInfo();
  const isRoot = me.uid === 0;
  const own = isRoot
    ? undefined
    : { name: me.username, group: execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim() };
  const [uid, gid] = isRoot
    ? ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'mail'], { encoding: 'utf8' })))
    : [me.uid, me.gid];
  const give = (path: string): Promise<void> => chown(path, uid ?? me.uid, gid ?? me.gid);

  const port = await freePort();
  const settings = join(folder, 'dovecot.conf');
  const logFile = join(folder, 'dovecot.log');
  await writeFile(settings, configuration(folder, port, own));
  await writeFile(join(folder, 'users'), users.map(({ name, password }) => `${name}:{PLAIN}${password}\n`).join(''));
  await mkdir(join(folder, 'mail'));
  await give(join(folder, 'mail'));

  let child: ChildProcess | undefined;
  const abandon = (): void => signalGroup(child?.pid, 'SIGTERM');
  process.once('exit', abandon);
  const start = async (): Promise<void> => {
    // A group of its own, so that sessions, which outlive the master, can be ended too.
    child = spawn(program, ['-F', '-c', settings], { stdio: 'ignore', detached: true });
    await listening(port).catch(async (error) => {
      throw new Error(`dovecot did not start: ${await readFile(logFile, 'utf8').catch(() => 'no log')}`, {
        cause: error,
      });
    });
  };
  const end = async (how: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.kill(how);
    await ended;
    // The master leaves its sessions alone when it goes.
    if (how === 'SIGTERM') {
      signalGroup(running.pid, 'SIGTERM');
      await wait(50);
    }
    signalGroup(running.pid, 'SIGKILL');
  };
  await start();

  const maildir = (user: string): string => join(folder, 'mail', user, 'Maildir');
  const restart = async (meanwhile?: () => Promise<void>): Promise<void> => {
    await end('SIGTERM');
    await meanwhile?.();
    await start();
  };
  let delivered = 0;
  return {
    host: '127.0.0.1',
    port,
    maildir,
    restart,
    async deliver(user, mail) {
      const text = Buffer.from(mail).toString('latin1').replaceAll(/\r?\n/g, '\r\n');
      for (const path of [
        join(folder, 'mail', user),
        maildir(user),
        ...['tmp', 'new', 'cur'].map((name) => join(maildir(user), name)),
      ]) {
        if (existsSync(path)) continue;
        await mkdir(path, { mode: 0o700 });
        await give(path);
      }
      const file = join(maildir(user), 'new', `${Date.now()}.${process.pid}_${++delivered}.keepsake`);
      const aside = file.replace('/new/', '/tmp/');
      await writeFile(aside, text, 'latin1');
      await give(aside);
      await rename(aside, file);
    },
    newUidValidity: (user) =>
      restart(async () => {
        // UIDVALIDITY is a time in seconds: another one only after this second is over.
        await wait(1100);
        for (const name of await readdir(maildir(user))) {
          if (name.startsWith('dovecot')) await rm(join(maildir(user), name), { recursive: true });
        }
      }),
    log: () => readFile(logFile, 'utf8'),
    async stop() {
      process.off('exit', abandon);
      // Asked politely it takes seconds, and nobody wants its mailboxes any more.
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
