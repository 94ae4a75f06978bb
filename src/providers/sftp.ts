/** SFTP: any machine with an SSH server, NAS boxes, storage boxes. Regular files only; symlinks are not followed. */
import { z } from 'zod';
import { FileRejected, NotFound, UsageError } from '../engine/errors.ts';
import type { CallOptions, Entry, Health, Path, Provider, ProviderKind } from '../engine/types.ts';
import { swapCase } from './lib/disk-names.ts';
import { connect } from './sftp/connection.ts';
import { isMissing, serverFailure, writeFailure } from './sftp/failure.ts';
import { type Folders, foldersOf } from './sftp/folders.ts';
import { isFile, isFolder, type Lane } from './sftp/lane.ts';
import { childrenOf, entryOf, listFolder, sweepFolder } from './sftp/list.ts';
import { childOf, type Place, placeOf } from './sftp/place.ts';
import { poolOf } from './sftp/pool.ts';
import { readFile } from './sftp/read.ts';
import { writeFile } from './sftp/write.ts';

/** Forms send empty fields for what was left out. */
const optional = z
  .string()
  .optional()
  .transform((text) => (text === '' ? undefined : text));

const settings = z.object({
  host: z.string().trim().min(1).meta({ label: 'Server', help: 'Name or address, for example nas.local' }),
  port: z.coerce.number().int().min(1).max(65_535).default(22).meta({ label: 'Port', help: '22 unless changed' }),
  user: z.string().min(1).meta({ label: 'User' }),
  password: optional.meta({ label: 'Password', help: 'Leave empty when you use a key', secret: true }),
  privateKey: optional.meta({
    label: 'Private key',
    help: 'The whole file, from its BEGIN line to its END line',
    secret: true,
  }),
  passphrase: optional.meta({ label: 'Passphrase of the key', secret: true }),
  fingerprint: optional.meta({
    label: 'Host key',
    help: 'SHA256:... as `ssh-keygen -l` prints it. Left empty, the key seen first is trusted from then on.',
  }),
});

/** Absolute, or below the folder that the server opens at sign-in; one text for one folder. */
function canonicalRoot(root: string): string {
  if (root.includes('\0')) throw new UsageError('That is not a folder.', { code: 'bad_root' });
  const below = root === '~' ? '' : root.replace(/^~\//, '');
  const parts: string[] = [];
  for (const part of below.split('/')) {
    if (part === '..') {
      throw new UsageError(`"${root}" climbs out with "..".`, {
        code: 'bad_root',
        advice: 'Write the folder in full, for example /srv/backup.',
      });
    }
    if (part !== '' && part !== '.') parts.push(part);
  }
  return below.startsWith('/') ? `/${parts.join('/')}` : parts.join('/') || '.';
}

/** Asks for a file of the root under its name in the other case. True when there is nothing to ask for. */
async function tellsCase(place: Place, lane: Lane, signal: AbortSignal): Promise<boolean> {
  const children = await childrenOf(place, place.root, signal).catch(() => []);
  const names = new Set(children.map(({ name }) => name.toString('latin1')));
  for (const { name } of children) {
    const swapped = swapCase(name.toString('latin1'));
    if (names.has(swapped)) continue;
    const other = await lane.lstat(childOf(place.root, Buffer.from(swapped, 'latin1'))).catch(() => undefined);
    // Found although it is not listed: the server took it for the other one.
    return other === undefined;
  }
  return true;
}

async function check(place: Place, account: string, { signal }: CallOptions): Promise<Health> {
  const lane = await place.pool.lane(signal);
  try {
    const found = await lane.stat(place.root);
    if (found.mode !== undefined && !isFolder(found)) {
      throw new UsageError(`${place.text} is a file, not a folder.`, { code: 'bad_root' });
    }
    const room = await lane.room(place.root);
    return { account, ...room };
  } catch (error) {
    if (!isMissing(error)) throw serverFailure(error, place.text);
    throw new NotFound(`The folder ${place.text} is not there.`, { code: 'root_missing', cause: error });
  }
}

async function move(place: Place, folders: Folders, from: Path, to: Path, signal: AbortSignal): Promise<Entry> {
  const lane = await place.pool.lane(signal);
  const name = placeOf(place, from);
  try {
    const found = await lane.lstat(name);
    if (!isFile(found)) throw new FileRejected(`${from} is not a regular file.`, { code: 'not_a_file' });
    await folders.make(to, signal);
    try {
      await lane.rename(name, placeOf(place, to));
    } catch (error) {
      if (!isMissing(error)) throw error;
      folders.forget(to);
      await folders.make(to, signal);
      await lane.rename(name, placeOf(place, to));
    }
    return entryOf(to, found);
  } catch (error) {
    throw isMissing(error) ? serverFailure(error, from) : await writeFailure(error, lane, place.root, to, undefined);
  }
}

async function confirm(place: Place, paths: readonly Path[], signal: AbortSignal): Promise<Entry[]> {
  const lane = await place.pool.lane(signal);
  const answers = await Promise.all(
    paths.map(async (path) => {
      try {
        const attrs = await lane.lstat(placeOf(place, path));
        return isFile(attrs) ? entryOf(path, attrs) : undefined;
      } catch (error) {
        if (!isMissing(error)) throw serverFailure(error, path);
        return undefined;
      }
    }),
  );
  signal.throwIfAborted();
  return answers.filter((entry) => entry !== undefined);
}

async function remove(place: Place, path: Path, signal: AbortSignal): Promise<void> {
  const lane = await place.pool.lane(signal);
  try {
    await lane.remove(placeOf(place, path));
  } catch (error) {
    if (!isMissing(error)) throw serverFailure(error, path);
  }
}

export const kind: ProviderKind<z.infer<typeof settings>> = {
  name: 'sftp',
  title: 'SFTP server',
  aliases: ['ssh', 'scp', 'nas over ssh'],
  settings,
  rootExample: '/srv/backup',
  roles: ['source', 'destination'],
  traits: {
    caseSensitive: true,
    duplicateNames: false,
    atomicWrite: true,
    keepsModified: true,
    rangeReads: true,
    hashes: [],
    parallel: 32,
    forbidden: { maxNameBytes: 255 },
  },
  root: canonicalRoot,
  /** Signs in. Throws `AuthRequired`, `RetryLater` when the server is away, `UsageError` when it speaks no SFTP. */
  open: async (server, root, context): Promise<Provider> => {
    const pool = poolOf(() => connect(server, context));
    const { signal } = new AbortController();
    try {
      const lane = await pool.lane(signal);
      const text = canonicalRoot(root);
      const home = text.startsWith('/') ? undefined : await lane.realpath(Buffer.from('.'));
      const below = text === '.' ? home : home && childOf(home, Buffer.from(text));
      const place: Place = { pool, root: below ?? Buffer.from(text), text };
      const folders = foldersOf(place);
      const caseSensitive = await tellsCase(place, lane, signal);
      return {
        traits: { caseSensitive },
        check: (o) => check(place, `${server.user}@${server.host}`, o),
        list: (o) => listFolder(place, o),
        read: (entry, o) => readFile(place, entry, o),
        write: (file, o) => writeFile(place, folders, file, o),
        confirm: (paths, o) => confirm(place, paths, o.signal),
        sweep: (o) => sweepFolder(place, o),
        move: (entry, to, o) => move(place, folders, entry.path, to, o.signal),
        remove: (entry, o) => remove(place, entry.path, o.signal),
        close: async () => pool.close(),
      };
    } catch (error) {
      pool.close();
      throw serverFailure(error, root);
    }
  },
};
