/**
 * The list of providers. One line each: what screens show of it, and how its file is loaded once somebody needs it.
 * The words stand here as well as in the file, because reading every file to complete one line would cost every
 * command the import of every SDK; a test holds the two together.
 */
import { UsageError } from '../engine/errors.ts';
import type { KindRegistry, KindSummary } from '../engine/services.ts';
import type { ProviderKind } from '../engine/types.ts';

interface Listed extends KindSummary {
  load(): Promise<{ kind: ProviderKind }>;
}

const both = ['source', 'destination'] as const;

// biome-ignore format: one provider, one line
const LIST: readonly Listed[] = [
  { name: 'local', title: 'Folder of this computer', aliases: ['my computer', 'this computer', 'folder', 'disk', 'drive', 'usb'], roles: both, rootExample: '~/Pictures', load: () => import('./local.ts') },
  { name: 'webdav', title: 'WebDAV (Nextcloud, ownCloud, NAS)', aliases: ['nextcloud', 'owncloud', 'dav', 'nas'], roles: both, rootExample: 'Backups/photos', load: () => import('./webdav.ts') },
  { name: 'sftp', title: 'SFTP server', aliases: ['ssh', 'scp', 'nas over ssh'], roles: both, rootExample: '/srv/backup', load: () => import('./sftp.ts') },
  { name: 's3', title: 'Amazon S3 and compatible', aliases: ['aws', 'amazon s3', 'wasabi', 'b2', 'backblaze', 'r2', 'cloudflare r2', 'minio', 's3 compatible'], roles: both, rootExample: 'bucket/path', load: () => import('./s3.ts') },
];

export const kinds: KindRegistry = {
  list: () => LIST,
  async load(name) {
    const listed = LIST.find((one) => one.name === name);
    if (!listed) {
      throw new UsageError(`Keepsake knows no service named "${name}".`, {
        code: 'unknown_kind',
        advice: `It knows ${LIST.map((one) => one.name).join(', ')}.`,
      });
    }
    return (await listed.load()).kind;
  },
};
