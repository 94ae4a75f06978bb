/** WebDAV against real servers (Apache, nginx, rclone), the demo's own server and a Nextcloud layer. */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWebdav } from '../../src/demo/webdav-server.ts';
import { createHttp } from '../../src/engine/http.ts';
import type { Clock } from '../../src/engine/types.ts';
import { kind } from '../../src/providers/webdav.ts';
import { startNextcloud } from '../servers/nextcloud.ts';
import { type DavServer, startApache, startNginx, startRcloneWebdav } from '../servers/webdav.ts';
import { realClock, testContext } from './context.ts';
import { type Limits, providerContract, type Skip, type Subject } from './provider.ts';

/** Waits before a retry are shortened: nothing here becomes better by waiting. */
const clock: Clock = { now: realClock.now, sleep: (ms, signal) => realClock.sleep(Math.min(ms, 10), signal) };

function subject(server: DavServer, limits: Limits): Subject {
  const { url, user, password } = server;
  const { http, close } = createHttp({ clock, log: () => {} });
  return {
    kind,
    settings: { url, user, password },
    root: 'Backup of Ana/photos & more',
    context: testContext({ http, clock }),
    wrongSettings: { url, user, password: 'wr0ng-password-4712' },
    unreachableSettings: { url: 'http://127.0.0.1:9', user, password },
    missingRoot: 'no/such root',
    secrets: [password, 'wr0ng-password-4712', Buffer.from(`${user}:${password}`).toString('base64')],
    limits,
    cleanup: async () => {
      await close();
      await server.stop();
    },
  };
}

const started =
  (name: string, start: () => Promise<DavServer | undefined>, limits: Limits) => async (): Promise<Subject | Skip> => {
    const server = await start();
    if (!server) return { skip: `${name} is not installed here` };
    await mkdir(join(server.folder, 'Backup of Ana/photos & more'), { recursive: true });
    // The daemons run as their own user.
    for (const folder of ['Backup of Ana', 'Backup of Ana/photos & more'])
      await chmod(join(server.folder, folder), 0o777);
    return subject(server, limits);
  };

async function startDemo(): Promise<DavServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-dav-'));
  const account = { user: 'ana', password: 'demo-pässword-4713' };
  const { url, close } = await startWebdav(folder, account);
  return {
    url,
    ...account,
    folder,
    stop: async () => {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

providerContract("webdav at the demo's server", started('the demo server', startDemo, {}));
providerContract('webdav at Apache', started('Apache with mod_dav_fs', startApache, {}));
providerContract(
  'webdav at nginx',
  started('nginx with dav-ext', startNginx, { coarseVersions: true, hidesDotNames: true }),
);
providerContract('webdav at rclone serve', started('rclone', startRcloneWebdav, {}));

providerContract('webdav at a Nextcloud', async () => {
  const server = await startNextcloud();
  await mkdir(join(server.folder, 'Backup of Ana/photos & more'), { recursive: true });
  // Larger than the size from which Nextcloud gets a file in pieces.
  const limits = { resumeSize: 64 * 2 ** 20, cannotStore: ['.keepsake-notours.part'] };
  return { ...subject(server, limits), received: () => server.received };
});
