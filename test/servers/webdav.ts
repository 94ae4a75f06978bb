/** Real WebDAV servers in temporary folders on free ports: Apache, nginx with dav-ext, `rclone serve`. */
import { execFile, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface DavServer {
  url: string;
  user: string;
  password: string;
  /** The folder that is served. */
  folder: string;
  stop(): Promise<void>;
}

const run = promisify(execFile);

/** First of these paths that can be run. */
function program(...paths: string[]): string | undefined {
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answers(url: string, log: () => Promise<string>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    try {
      await fetch(url, { method: 'OPTIONS' });
      return;
    } catch {
      await wait(50);
    }
  }
  throw new Error(`Nothing answers at ${url}:\n${await log()}`);
}

const USER = 'ana';
const PASSWORD = 'p@ss:wörd-4711';

/** A folder that the daemons' own user may walk into and write to. */
async function place(name: string, base = tmpdir()): Promise<{ home: string; data: string }> {
  const home = await mkdtemp(join(base, `keepsake-${name}-`));
  await chmod(home, 0o755);
  const data = join(home, 'data');
  for (const folder of ['data', 'run', 'tmp', 'lock', 'log']) await mkdir(join(home, folder));
  if (process.getuid?.() === 0) {
    const { stdout } = await run('id', ['-u', 'www-data']);
    for (const folder of ['data', 'run', 'tmp', 'lock'])
      await chown(join(home, folder), Number(stdout), Number(stdout));
  }
  const { stdout: hash } = await run('openssl', ['passwd', '-apr1', PASSWORD]);
  await writeFile(join(home, 'htpasswd'), `${USER}:${hash.trim()}\n`);
  return { home, data };
}

async function stopped(pidFile: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => 'NaN'));
  if (Number.isNaN(pid)) return;
  process.kill(pid, 'SIGTERM');
  for (let i = 0; i < 100; i++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await wait(50);
  }
  process.kill(pid, 'SIGKILL');
}

const asRoot = process.getuid?.() === 0;

/** `undefined` without Apache or without root (its configuration names a user to change to). */
export async function startApache(): Promise<DavServer | undefined> {
  const apache = program('/usr/sbin/apache2');
  const modules = '/usr/lib/apache2/modules';
  if (!apache || !asRoot || !program(`${modules}/mod_dav_fs.so`, apache)) return undefined;
  const { home, data } = await place('apache');
  const port = await freePort();
  const load = [
    'mpm_event',
    'authn_core',
    'authn_file',
    'authz_core',
    'authz_user',
    'auth_basic',
    'setenvif',
    'dav',
    'dav_fs',
  ];
  await writeFile(
    join(home, 'apache.conf'),
    `ServerRoot "${home}"
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile run/httpd.pid
Mutex file:${home}/run default
ErrorLog log/error.log
${load.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
User www-data
Group www-data
DAVLockDB ${home}/lock/DavLock
DocumentRoot ${data}
<Directory ${data}>
  Dav On
  AuthType Basic
  AuthName dav
  AuthUserFile ${home}/htpasswd
  Require valid-user
</Directory>
`,
  );
  await run(apache, ['-d', home, '-f', join(home, 'apache.conf'), '-k', 'start']);
  const url = `http://127.0.0.1:${port}`;
  await answers(url, () => readFile(join(home, 'log/error.log'), 'utf8').catch(String));
  return {
    url,
    user: USER,
    password: PASSWORD,
    folder: data,
    stop: async () => {
      await stopped(join(home, 'run/httpd.pid'));
      await rm(home, { recursive: true, force: true });
    },
  };
}

/**
 * `undefined` without nginx, without its dav-ext module, or without root. `base`: where its folder is made instead of the
 * system's temporary one. `counted`: it counts its requests.
 */
export async function startNginx(
  o: { base?: string; counted?: boolean } = {},
): Promise<(DavServer & { requests(): Promise<number> }) | undefined> {
  const nginx = program('/usr/sbin/nginx');
  const module = '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so';
  const hasModule = await readFile(module).then(
    () => true,
    () => false,
  );
  if (!nginx || !asRoot || !hasModule) return undefined;
  const { home, data } = await place('nginx', o.base);
  const accessLog = join(home, 'log/access.log');
  const port = await freePort();
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${home}/tmp;`);
  await writeFile(
    join(home, 'nginx.conf'),
    `load_module ${module};
user www-data; worker_processes 1; daemon on;
pid ${home}/run/nginx.pid; error_log ${home}/log/error.log;
events { worker_connections 256; }
http {
  log_format one x; access_log ${o.counted ? `${accessLog} one` : 'off'}; client_max_body_size 0; ${temp.join(' ')}
  server { listen 127.0.0.1:${port};
    location / { root ${data}; auth_basic dav; auth_basic_user_file ${home}/htpasswd;
      dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS;
      create_full_put_path on; min_delete_depth 0; autoindex off; } }
}
`,
  );
  await run(nginx, ['-c', join(home, 'nginx.conf'), '-p', home, '-e', join(home, 'log/error.log')]);
  const url = `http://127.0.0.1:${port}`;
  await answers(url, () => readFile(join(home, 'log/error.log'), 'utf8').catch(String));
  return {
    url,
    user: USER,
    password: PASSWORD,
    folder: data,
    // Two bytes a request.
    requests: async () => (await stat(accessLog).catch(() => ({ size: 0 }))).size / 2,
    stop: async () => {
      await stopped(join(home, 'run/nginx.pid'));
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** `undefined` without rclone. */
export async function startRcloneWebdav(): Promise<DavServer | undefined> {
  const rclone = program('/usr/bin/rclone', '/usr/local/bin/rclone');
  if (!rclone) return undefined;
  const home = await mkdtemp(join(tmpdir(), 'keepsake-rclone-'));
  const data = join(home, 'data');
  await mkdir(data);
  await writeFile(join(home, 'rclone.conf'), '');
  const port = await freePort();
  const options = ['--config', join(home, 'rclone.conf'), '--addr', `127.0.0.1:${port}`, '--dir-cache-time', '1s'];
  let said = '';
  const child = spawn(rclone, ['serve', 'webdav', data, ...options, '--user', USER, '--pass', PASSWORD], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  await answers(url, async () => said);
  return {
    url,
    user: USER,
    password: PASSWORD,
    folder: data,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(home, { recursive: true, force: true });
    },
  };
}
