/** WebDAV: Nextcloud, ownCloud, NAS boxes, Apache, nginx, and whatever else speaks RFC 4918. */
import { z } from 'zod';
import { Conflict, UsageError } from '../engine/errors.ts';
import { checkPath, joinPath, parentOf } from '../engine/path.ts';
import type { Bytes, CallOptions, Entry, NameRules, Path, Provider, ProviderKind } from '../engine/types.ts';
import { ASIDE } from './lib/disk-names.ts';
import { type Connection, connect, type Settings } from './webdav/connection.ts';
import { createFolders } from './webdav/folders.ts';
import { type Found, httpDate, type Member, plainEtag, segmentsOf } from './webdav/multistatus.ts';
import { relocate } from './webdav/relocate.ts';
import { write } from './webdav/write.ts';

/** Folders asked for at once. More does not help a server that reads them from one disk. */
const WALKERS = 8;
/** Up to this share of a folder, files are asked for one by one instead of by a listing of all. */
const FEW = 50;

const settings = z.object({
  url: z
    .string()
    .trim()
    .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'a web address, starting with https://')
    .refine((text) => !URL.parse(text)?.username, 'without name and password in it')
    .transform((text) => text.replace(/[?#].*$/, '').replace(/\/+$/, ''))
    .meta({
      label: 'Address',
      help: 'For Nextcloud https://your.cloud/remote.php/dav/files/NAME; for a NAS the address its WebDAV page shows.',
    }),
  user: z.string().trim().default('').meta({ label: 'User name' }),
  password: z.string().default('').meta({
    label: 'Password',
    help: 'At Nextcloud an app password (Settings, Security), above all with two-factor sign-in.',
    secret: true,
  }),
});

/** Nextcloud: characters below 32 and the backslash are refused, and a name has 250 bytes at most. */
const NEXTCLOUD_NAMES: NameRules = {
  characters: `\\${Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)).join('')}`,
  maxNameBytes: 250,
};

/** Opened locations, for copies between two of them at one server. */
const connections = new WeakMap<Provider, Connection>();

const versionOf = ({ etag, modified, size }: Pick<Found, 'etag' | 'modified' | 'size'>): string | undefined =>
  etag ?? (modified !== undefined && size !== undefined ? `${modified}/${size}` : undefined);

/** `id` is the server's own where it has one, the path where not, and the encoded address where the path cannot say it. */
function entryOf(path: Path, found: Found, address?: string): Entry {
  const version = versionOf(found);
  return {
    path,
    id: address ?? found.id ?? path,
    ...(found.size !== undefined && { size: found.size }),
    ...(found.modified !== undefined && { modified: found.modified }),
    ...(version !== undefined && { version }),
    ...(found.mime && { mime: found.mime }),
  };
}

const ADDRESS = 'address:';

/** True unless the answer shows that it is about other bytes than `version` says. */
function isVersion(version: string | undefined, headers: Record<string, string>, length: string | undefined): boolean {
  if (version === undefined) return true;
  const etag = plainEtag(headers.etag);
  const modified = httpDate(headers['last-modified']);
  if (etag === version || `${modified}/${length}` === version) return true;
  const byTime = /^\d{4}-\d\d-\d\dT[\d:.]+Z\/\d+$/.test(version);
  return byTime ? modified === undefined || length === undefined : etag === undefined;
}

async function* without(body: Bytes, skip: number): Bytes {
  let left = skip;
  for await (const piece of body) {
    if (left < piece.length) yield left > 0 ? piece.subarray(left) : piece;
    left = Math.max(0, left - piece.length);
  }
}

async function* nothing(): Bytes {}

function provide(connection: Connection): Provider {
  const { host } = connection;
  const folders = createFolders(connection);
  /** How many members a folder had when it was last listed. */
  const lengths = new Map<Path, number>();

  const urlOf = (entry: Pick<Entry, 'path' | 'id'>): string =>
    entry.id.startsWith(ADDRESS)
      ? connection.url('') + entry.id.slice(ADDRESS.length)
      : connection.url(checkPath(entry.path));

  interface Folder {
    path: Path;
    /** Encoded, below the root, with a slash at its end (or empty). */
    address: string;
    plain: boolean;
  }

  /** `undefined` when the folder is not there. */
  const listFolder = async (folder: Folder, signal: AbortSignal): Promise<Member[] | undefined> => {
    const members = await connection.members(connection.url('') + folder.address, signal);
    if (members) lengths.set(folder.path, members.length);
    return members;
  };

  const folderAt = (path: Path): Folder => ({
    path,
    address: path === '' ? '' : `${connection.url(path).slice(connection.url('').length)}/`,
    plain: true,
  });

  /** A folder that was listed a moment ago answers "not there": fine if its parent agrees, a failed listing if not. */
  const expectGone = async (folder: Folder, signal: AbortSignal): Promise<void> => {
    const parent = folder.address.replace(/[^/]+\/$/, '');
    const members = await connection.members(connection.url('') + parent, signal);
    const segment = segmentsOf(folder.address).at(-1);
    if (members?.some((one) => one.folder && one.segment === segment)) {
      throw new Conflict(`${host} lists the folder "${folder.path}" and then says that it is not there.`);
    }
  };

  async function* list({ signal, under }: CallOptions & { under?: Path }): AsyncGenerator<Entry> {
    const own = new AbortController();
    const both = AbortSignal.any([signal, own.signal]);
    const start = folderAt(under ?? '');
    const waiting: Folder[] = [start];
    const underway = new Map<Folder, Promise<{ folder: Folder; members: Member[] | undefined }>>();
    try {
      while (waiting.length > 0 || underway.size > 0) {
        while (underway.size < WALKERS) {
          const folder = waiting.pop();
          if (!folder) break;
          const work = listFolder(folder, both).then((members) => ({ folder, members }));
          work.catch(() => {});
          underway.set(folder, work);
        }
        const { folder, members } = await Promise.race(underway.values());
        underway.delete(folder);
        if (members === undefined) {
          if (folder !== start) await expectGone(folder, both);
          else if (under === undefined && connection.root !== '') await connection.rootIsThere(both);
          continue;
        }
        for (const one of members) {
          signal.throwIfAborted();
          const path = joinPath(folder.path, one.name);
          const address = folder.address + one.segment;
          const plain = folder.plain && one.plain;
          if (one.folder) waiting.push({ path, address: `${address}/`, plain });
          else if (!ASIDE.test(one.name)) {
            const entry = entryOf(path, one, plain ? undefined : ADDRESS + address);
            yield one.claimed ? { ...entry, hashes: one.claimed } : entry;
          }
        }
      }
    } finally {
      own.abort();
    }
  }

  async function confirmFolder(folder: Path, paths: readonly Path[], signal: AbortSignal): Promise<Entry[]> {
    const missing = new Set(paths);
    const found: Entry[] = [];
    const length = lengths.get(folder);
    if (paths.length > 1 && (length === undefined || length <= paths.length * FEW)) {
      const members = await listFolder(folderAt(folder), signal);
      if (!members) return [];
      for (const one of members) {
        const path = joinPath(folder, one.name);
        if (!one.folder && one.plain && missing.delete(path)) found.push(entryOf(path, one));
      }
    }
    // Also what the listing left out: nginx hides names that start with a dot.
    for (const path of missing) {
      const one = await connection.stat(connection.url(path), signal);
      if (one && !one.folder) found.push(entryOf(path, one));
    }
    return found;
  }

  const provider: Provider = {
    get traits() {
      return {
        keepsModified: connection.seen.acceptsModified,
        ...(connection.uploads && { forbidden: NEXTCLOUD_NAMES, hashes: ['sha256'] as const }),
      };
    },

    async check({ signal }) {
      const root = await connection.stat(connection.url(''), signal, true);
      if (!root) await connection.rootIsThere(signal);
      if (root && !root.folder) {
        throw new UsageError(`"${connection.root}" at ${host} is a file, not a folder.`, { code: 'not_a_folder' });
      }
      const { free, used } = root ?? {};
      return {
        ...(connection.user && { account: connection.user }),
        ...(free !== undefined && { free }),
        ...(free !== undefined && used !== undefined && { total: free + used }),
        ...(!connection.seen.acceptsModified &&
          !connection.seen.nginx && {
            note: 'This server gives files the time of their upload; the real times are kept in the manifest.',
          }),
      };
    },

    list,

    async read(entry, { signal, from = 0 }) {
      const response = await connection.send({
        method: 'GET',
        url: urlOf(entry),
        headers: from > 0 ? { range: `bytes=${from}-` } : {},
        expect: [416],
        signal,
      });
      const { status, headers } = response;
      const range = /^bytes\s+(?:(\d+)-\d+|\*)\/(\d+|\*)/i.exec(headers['content-range'] ?? '');
      const length = status === 200 ? headers['content-length'] : range?.[2];
      const changed = async (): Promise<never> => {
        await response.dump();
        throw new Conflict(`"${entry.path}" at ${host} is no longer the version that was listed.`);
      };
      if (status === 416) {
        if (length !== String(from) && entry.size !== from) return changed();
        await response.dump();
        return nothing();
      }
      if (!isVersion(entry.version, headers, length)) return changed();
      if (status !== 206) return from > 0 ? without(response.body, from) : response.body;
      if (range?.[1] !== String(from)) {
        await response.dump();
        throw new Conflict(`${host} answered with another part of "${entry.path}" than was asked for.`);
      }
      return response.body;
    },

    write: (file, { signal }) => write(connection, folders, file, signal),

    makeFolder: (folder, { signal }) => folders.ensure(checkPath(folder), signal),

    async confirm(paths, { signal }) {
      const byFolder = new Map<Path, Path[]>();
      for (const path of paths) {
        const folder = parentOf(checkPath(path));
        const beside = byFolder.get(folder);
        if (beside) beside.push(path);
        else byFolder.set(folder, [path]);
      }
      const queue = [...byFolder];
      const found: Entry[] = [];
      const worker = async (): Promise<void> => {
        for (let next = queue.pop(); next; next = queue.pop()) {
          found.push(...(await confirmFolder(next[0], next[1], signal)));
        }
      };
      signal.throwIfAborted();
      await Promise.all(Array.from({ length: Math.min(WALKERS, queue.length) }, worker));
      return found;
    },

    async remove(entry, { signal }) {
      const response = await connection.send({
        method: 'DELETE',
        url: urlOf(entry),
        expect: [404, 410],
        writing: true,
        signal,
      });
      await response.dump();
    },

    async move(entry, to, { signal }) {
      await folders.ensure(parentOf(checkPath(to)), signal);
      await relocate(connection, 'MOVE', urlOf(entry), connection.url(to), signal);
      return { path: to, id: connection.uploads ? entry.id : to };
    },

    async copyFrom(entry, from, to, { signal }) {
      const other = connections.get(from);
      if (other?.server !== connection.server) {
        throw new UsageError('These two places are not at one server, so it cannot copy between them.', {
          code: 'elsewhere',
        });
      }
      await folders.ensure(parentOf(checkPath(to)), signal);
      await relocate(connection, 'COPY', other.url(checkPath(entry.path)), connection.url(to), signal);
      const found = await connection.stat(connection.url(to), signal);
      if (!found) throw new Conflict(`"${to}" is not at ${host} although it was copied there.`);
      return entryOf(to, found);
    },
  };
  connections.set(provider, connection);
  return provider;
}

export const kind: ProviderKind<Settings> = {
  name: 'webdav',
  title: 'WebDAV (Nextcloud, ownCloud, NAS)',
  aliases: ['nextcloud', 'owncloud', 'dav', 'nas'],
  settings,
  rootExample: 'Backups/photos',
  roles: ['source', 'destination'],
  traits: {
    caseSensitive: true,
    duplicateNames: false,
    atomicWrite: true,
    keepsModified: false,
    rangeReads: true,
    hashes: [],
    parallel: 32,
    forbidden: { maxNameBytes: 255 },
  },
  root(root) {
    const plain = root
      .split('/')
      .filter((part) => part !== '')
      .join('/');
    return plain === '' ? '' : checkPath(plain);
  },
  async open(answers, root, context) {
    return provide(connect(answers, root === '' ? '' : checkPath(root), context));
  },
};
