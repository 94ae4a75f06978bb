/**
 * A small WebDAV server over a folder, on loopback, for the demo and for tests: class 1 of RFC 4918 with ranges, basic
 * sign-in and `X-OC-Mtime`. A PUT is written aside and renamed, so no reader sees half a file.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type BigIntStats, createReadStream, createWriteStream } from 'node:fs';
import { cp, lstat, mkdir, readdir, realpath, rename, rm, statfs, utimes } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface DavOptions {
  folder: string;
  /** Path of the tree in URLs, without a slash at its end. Default: none. */
  prefix?: string;
  /** Replaces the entity tag, without quotes. */
  etag?(path: string, stats: BigIntStats): string;
  /** More properties as XML. */
  props?(path: string, stats: BigIntStats): string;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** An answer that ends the request. */
class Answer extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, headers: Record<string, string> = {}) {
    super(`${status}`);
    this.status = status;
    this.headers = headers;
  }
}

const UNFINISHED = /^\.incoming-[0-9a-f]{16}$/;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const statusOf = (error: unknown): number =>
  ({ ENOENT: 404, ENOTDIR: 404, EEXIST: 405, EISDIR: 405, ENAMETOOLONG: 414, ENOSPC: 507, EDQUOT: 507, EACCES: 403 })[
    codeOf(error)
  ] ?? 500;

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** Names of a URL path below the prefix. Refuses whatever could lead out of the folder. */
function namesOf(url: string, prefix: string): string[] {
  const path = url.replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/s, '');
  if (path !== prefix && !path.startsWith(`${prefix}/`)) throw new Answer(404);
  const names = path
    .slice(prefix.length)
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        throw new Answer(400);
      }
    });
  const outside = (name: string): boolean =>
    name === '.' || name === '..' || name.includes('/') || name.includes('\0') || (sep === '\\' && /[\\:]/.test(name));
  if (names.some((name) => outside(name) || UNFINISHED.test(name))) throw new Answer(403);
  return names;
}

function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (start > end || start >= size) throw new Answer(416, { 'content-range': `bytes */${size}` });
  return { start, end };
}

/** Handles requests below the prefix; sign-in is not its business. */
export function davHandler(options: DavOptions): Handler {
  const { folder, prefix = '' } = options;
  // The change time, because two versions of one length may be written within one tick of the modification time.
  const etagOf =
    options.etag ?? ((_: string, stats: BigIntStats) => `${stats.ctimeNs.toString(16)}-${stats.size.toString(16)}`);

  const diskOf = async (names: readonly string[]): Promise<string> => {
    // A link inside the folder must not lead out of it.
    const parent = await realpath(join(folder, ...names.slice(0, -1)));
    const root = await realpath(folder);
    if (parent !== root && !parent.startsWith(root + sep)) throw new Answer(403);
    return names.length === 0 ? root : join(parent, names.at(-1) ?? '');
  };

  const statOf = async (disk: string): Promise<BigIntStats | undefined> => {
    try {
      const stats = await lstat(disk, { bigint: true });
      return stats.isFile() || stats.isDirectory() ? stats : undefined;
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  };

  const found = async (disk: string): Promise<BigIntStats> => {
    const stats = await statOf(disk);
    if (!stats) throw new Answer(404);
    return stats;
  };

  const inFolder = async (names: readonly string[]): Promise<string> => {
    try {
      return await diskOf(names);
    } catch (error) {
      throw codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' ? new Answer(409) : error;
    }
  };

  const described = (names: readonly string[], stats: BigIntStats): string => {
    const path = names.join('/');
    const folderHere = stats.isDirectory();
    const href = `${prefix}/${encoded(path)}${folderHere && path !== '' ? '/' : ''}`;
    const size = folderHere ? '' : `<D:getcontentlength>${stats.size}</D:getcontentlength>`;
    return `<D:response><D:href>${href}</D:href><D:propstat><D:prop><D:resourcetype>${folderHere ? '<D:collection/>' : ''}</D:resourcetype>${size}<D:getlastmodified>${stats.mtime.toUTCString()}</D:getlastmodified><D:getetag>&quot;${etagOf(path, stats)}&quot;</D:getetag>${options.props?.(path, stats) ?? ''}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
  };

  const propfind: Handler = async (request, response) => {
    const names = namesOf(request.url ?? '', prefix);
    const disk = await diskOf(names);
    const stats = await found(disk);
    const depth = request.headers.depth ?? 'infinity';
    if (depth !== '0' && depth !== '1') throw new Answer(403);
    let xml = described(names, stats);
    if (depth === '0' && stats.isDirectory() && !options.props) {
      const { bavail, bsize } = await statfs(disk);
      xml = xml.replace('</D:prop>', `<D:quota-available-bytes>${bavail * bsize}</D:quota-available-bytes></D:prop>`);
    }
    if (depth === '1' && stats.isDirectory()) {
      for (const name of await readdir(disk)) {
        const member = UNFINISHED.test(name) ? undefined : await statOf(join(disk, name));
        if (member) xml += described([...names, name], member);
      }
    }
    response.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' });
    response.end(
      `<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns">${xml}</D:multistatus>`,
    );
  };

  const get: Handler = async (request, response) => {
    const names = namesOf(request.url ?? '', prefix);
    const disk = await diskOf(names);
    const stats = await found(disk);
    if (stats.isDirectory()) throw new Answer(405);
    const size = Number(stats.size);
    const etag = `"${etagOf(names.join('/'), stats)}"`;
    const wanted = request.headers['if-range'];
    const range = wanted === undefined || wanted === etag ? rangeOf(request.headers.range, size) : undefined;
    const length = range ? range.end - range.start + 1 : size;
    response.writeHead(range ? 206 : 200, {
      'content-length': length,
      'content-type': 'application/octet-stream',
      'last-modified': stats.mtime.toUTCString(),
      'accept-ranges': 'bytes',
      etag,
      ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
    });
    if (request.method === 'HEAD' || length === 0) response.end();
    else await pipeline(createReadStream(disk, range ?? {}), response);
  };

  const put: Handler = async (request) => {
    const names = namesOf(request.url ?? '', prefix);
    if (request.headers['content-range'] !== undefined) throw new Answer(400);
    const disk = await inFolder(names);
    const before = await statOf(disk);
    if (before?.isDirectory()) throw new Answer(405);
    const aside = join(disk, '..', `.incoming-${randomBytes(8).toString('hex')}`);
    const modified = Number(request.headers['x-oc-mtime'] ?? Number.NaN);
    try {
      await pipeline(request, createWriteStream(aside));
      if (!Number.isNaN(modified)) await utimes(aside, modified, modified);
      await rename(aside, disk);
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
    const etag = `"${etagOf(names.join('/'), await found(disk))}"`;
    throw new Answer(before ? 204 : 201, { etag, ...(!Number.isNaN(modified) && { 'x-oc-mtime': 'accepted' }) });
  };

  const mkcol: Handler = async (request) => {
    const disk = await inFolder(namesOf(request.url ?? '', prefix));
    await mkdir(disk);
    throw new Answer(201);
  };

  const remove: Handler = async (request) => {
    const names = namesOf(request.url ?? '', prefix);
    if (names.length === 0) throw new Answer(403);
    const disk = await diskOf(names);
    await found(disk);
    await rm(disk, { recursive: true });
    throw new Answer(204);
  };

  const transfer: Handler = async (request) => {
    const from = namesOf(request.url ?? '', prefix);
    const to = namesOf(String(request.headers.destination ?? ''), prefix);
    const source = await diskOf(from);
    await found(source);
    const target = await inFolder(to);
    if (from.length === 0 || to.length === 0 || `${target}${sep}`.startsWith(`${source}${sep}`)) throw new Answer(403);
    const before = await statOf(target);
    if (before && request.headers.overwrite === 'F') throw new Answer(412);
    if (before?.isDirectory()) await rm(target, { recursive: true });
    if (request.method === 'MOVE') await rename(source, target);
    else await cp(source, target, { recursive: true, preserveTimestamps: true });
    throw new Answer(before ? 204 : 201);
  };

  const methods: Record<string, Handler> = {
    PROPFIND: propfind,
    GET: get,
    HEAD: get,
    PUT: put,
    MKCOL: mkcol,
    DELETE: remove,
    MOVE: transfer,
    COPY: transfer,
    OPTIONS: async () => {
      throw new Answer(200, { dav: '1', allow: Object.keys(methods).join(', ') });
    },
  };

  return async (request, response) => {
    try {
      const handler = methods[request.method ?? ''];
      if (!handler) throw new Answer(405);
      await handler(request, response);
    } catch (error) {
      if (response.headersSent || request.socket.destroyed) {
        response.destroy();
        return;
      }
      const answer = error instanceof Answer ? error : new Answer(statusOf(error));
      response.writeHead(answer.status, { 'content-length': 0, ...answer.headers }).end();
      // What is left of a refused body would be read as the next request.
      if (!request.complete) request.resume();
    }
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** True when the request carries this user and password; compared in constant time. */
export function isSignedIn(request: IncomingMessage, user: string, password: string): boolean {
  const given = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(Buffer.from(given, 'base64').toString('utf8')), digest(`${user}:${password}`));
}

/** Serves `folder` on a free port of this machine until closed. */
export async function startWebdav(
  folder: string,
  account: { user: string; password: string },
): Promise<{ url: string; close(): Promise<void> }> {
  const handle = davHandler({ folder });
  const server = createServer((request, response) => {
    if (isSignedIn(request, account.user, account.password)) void handle(request, response);
    else {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="webdav"', 'content-length': 0 }).end();
      request.resume();
    }
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
