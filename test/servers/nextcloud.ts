/**
 * The WebDAV side of a Nextcloud over a temporary folder: files and chunked upload v2 with their rules, `oc:` properties,
 * checksums, quota, entity tags that spread upwards. Clients that break a rule are refused as Nextcloud refuses them.
 *
 * After the sources of Nextcloud 32: apps/dav/lib/Upload/ChunkingV2Plugin.php, Connector/Sabre/{File,QuotaPlugin}.php.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { davHandler, isSignedIn } from '../../src/demo/webdav-server.ts';
import type { DavServer } from './webdav.ts';

export interface NextcloudOptions {
  /** Bytes of all pieces but the last. Nextcloud: 5 MB. */
  smallestPiece?: number;
  /** Bytes that fit in; unlimited (`-3`) when absent. */
  quota?: number;
  /** Milliseconds after which an upload that nobody touched is gone. Nextcloud: 24 hours. */
  expiry?: number;
}

export interface Nextcloud extends DavServer {
  /** `METHOD path` of every request, without the host. */
  requests: string[];
  /** Bytes of PUT bodies that arrived. */
  received: number;
  /** Called before a request is handled; `true` means that it was answered (or cut). */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Uploads that are neither finished nor removed. */
  unfinished(): Promise<string[]>;
}

interface Info {
  id: string;
  etag: string;
  checksum?: string;
}

interface Upload {
  target: string;
  touched: number;
}

const USER = 'ana';
const PASSWORD = 'app-Pässw0rd-4714';
const FILES = `/remote.php/dav/files/${USER}`;
const UPLOADS = `/remote.php/dav/uploads/${USER}`;

class Refusal extends Error {
  readonly status: number;
  readonly exception: string;
  constructor(status: number, exception: string, message: string) {
    super(message);
    this.status = status;
    this.exception = exception;
  }
}

const header = (request: IncomingMessage, name: string): string => String(request.headers[name] ?? '');

const pathBelow = (url: string, prefix: string): string =>
  decodeURIComponent(url.replace(/^https?:\/\/[^/]*/, '').slice(prefix.length)).replace(/^\/+|\/+$/g, '');

async function bodyOf(request: IncomingMessage, count: (bytes: number) => void): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) {
    pieces.push(piece);
    count(piece.length);
  }
  return Buffer.concat(pieces);
}

export async function startNextcloud(options: NextcloudOptions = {}): Promise<Nextcloud> {
  const { smallestPiece = 5_000_000, quota, expiry = 86_400_000 } = options;
  const home = await mkdtemp(join(tmpdir(), 'keepsake-nextcloud-'));
  const folder = join(home, 'files');
  const uploadsFolder = join(home, 'uploads');
  await mkdir(folder);
  await mkdir(uploadsFolder);
  const infos = new Map<string, Info>();
  const uploads = new Map<string, Upload>();
  let numbers = 0;

  const infoOf = (path: string): Info => {
    const known = infos.get(path);
    if (known) return known;
    const number = ++numbers;
    const info = { id: `${String(number).padStart(8, '0')}oc4711`, etag: `e${number}` };
    infos.set(path, info);
    return info;
  };
  /** A new tag for it and for everything above it. */
  const changed = (path: string): void => {
    for (let at: string | undefined = path; at !== undefined; ) {
      infoOf(at).etag = `e${++numbers}`;
      at = at === '' ? undefined : at.slice(0, Math.max(0, at.lastIndexOf('/')));
    }
  };
  const used = async (): Promise<number> => {
    let bytes = 0;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
    }
    return bytes;
  };
  const fits = async (bytes: number): Promise<void> => {
    if (quota !== undefined && bytes > quota - (await used())) {
      throw new Refusal(507, 'Sabre\\DAV\\Exception\\InsufficientStorage', 'Insufficient space');
    }
  };
  const checkName = (path: string): void => {
    for (const name of path.split('/')) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
      if (/[\\\u0000-\u001f]/.test(name) || Buffer.byteLength(name) > 250) {
        throw new Refusal(400, 'OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath', 'File name is not allowed');
      }
      if (name.toLowerCase() === '.htaccess' || /\.(part|filepart)$/.test(name)) {
        throw new Refusal(403, 'OCA\\DAV\\Connector\\Sabre\\Exception\\Forbidden', 'Reserved name');
      }
    }
  };

  let quotaProps = '';
  const dav = davHandler({
    folder,
    prefix: FILES,
    etag: (path) => infoOf(path).etag,
    props: (path, stats) => {
      const { id, checksum } = infoOf(path);
      const sums = checksum ? `<oc:checksums><oc:checksum>${checksum}</oc:checksum></oc:checksums>` : '';
      return `<oc:id>${id}</oc:id>${sums}${stats.isDirectory() ? quotaProps : ''}`;
    },
  });

  const place = async (content: Buffer, disk: string): Promise<void> => {
    const aside = join(home, `part-${++numbers}`);
    await writeFile(aside, content);
    await rename(aside, disk);
  };

  /** A whole file, written aside as Nextcloud does. */
  const put = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathBelow(request.url ?? '', FILES);
    checkName(path);
    // PHP behind FastCGI sees nothing of a chunked body.
    if (request.headers['content-length'] === undefined) throw new Refusal(411, 'Length', 'Length required');
    const disk = join(folder, path);
    const before = await stat(disk).catch(() => undefined);
    if (before?.isDirectory())
      throw new Refusal(409, 'Sabre\\DAV\\Exception\\Conflict', 'PUT is not allowed on folders');
    if (!(await stat(join(disk, '..')).catch(() => undefined))?.isDirectory()) {
      throw new Refusal(409, 'Sabre\\DAV\\Exception\\Conflict', 'Parent node does not exist');
    }
    await fits(Number(request.headers['content-length']));
    const content = await bodyOf(request, (bytes) => {
      server.received += bytes;
    });
    await place(content, disk);
    await finishFile(path, disk, request, response);
    const hash = createHash('sha256').update(content).digest('hex');
    if (header(request, 'x-hash') === 'sha256') response.setHeader('x-hash-sha256', hash);
    const { etag, id } = infoOf(path);
    response.setHeader('oc-fileid', id);
    response.writeHead(before ? 204 : 201, { etag: `"${etag}"`, 'oc-etag': `"${etag}"`, 'content-length': 0 }).end();
  };

  const finishFile = async (path: string, disk: string, request: IncomingMessage, response: ServerResponse) => {
    const modified = Number(request.headers['x-oc-mtime'] ?? Number.NaN);
    if (Number.isInteger(modified)) {
      await utimes(disk, modified, modified);
      response.setHeader('x-oc-mtime', 'accepted');
    }
    changed(path);
    const { id, etag } = infoOf(path);
    const checksum = header(request, 'oc-checksum');
    infos.set(path, checksum ? { id, etag, checksum } : { id, etag });
  };

  const uploadOf = (request: IncomingMessage): { id: string; rest: string; upload: Upload } => {
    const [id = '', rest = ''] = pathBelow(request.url ?? '', UPLOADS).split('/');
    const upload = uploads.get(id);
    if (!upload || Date.now() - upload.touched > expiry) {
      uploads.delete(id);
      throw new Refusal(404, 'Sabre\\DAV\\Exception\\NotFound', `File with name ${id} could not be located`);
    }
    upload.touched = Date.now();
    return { id, rest, upload };
  };

  const sameTarget = (request: IncomingMessage, upload: Upload): void => {
    if (pathBelow(header(request, 'destination'), FILES) !== upload.target) {
      throw new Refusal(400, 'Sabre\\DAV\\Exception\\BadRequest', 'The destination header is not that of the upload');
    }
  };

  const pieces: Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>> = {
    MKCOL: async (request, response) => {
      const id = pathBelow(request.url ?? '', UPLOADS);
      const destination = header(request, 'destination');
      if (!destination.includes(FILES)) throw new Refusal(400, 'BadRequest', 'The destination header was not passed');
      const target = pathBelow(destination, FILES);
      checkName(target);
      if (uploads.has(id)) throw new Refusal(405, 'Sabre\\DAV\\Exception\\MethodNotAllowed', 'It exists already');
      await mkdir(join(uploadsFolder, id));
      uploads.set(id, { target, touched: Date.now() });
      response.writeHead(201, { 'content-length': 0 }).end();
    },
    PUT: async (request, response) => {
      const { id, rest, upload } = uploadOf(request);
      sameTarget(request, upload);
      const number = /^\d+$/.test(rest) ? Number(rest) : -1;
      if (number < 1 || number > 10_000) {
        throw new Refusal(400, 'BadRequest', 'Invalid chunk name, must be numeric between 1 and 10000');
      }
      await fits(Number(request.headers['oc-total-length'] ?? 0));
      const content = await bodyOf(request, (bytes) => {
        server.received += bytes;
      });
      await writeFile(join(uploadsFolder, id, rest), content);
      response.writeHead(201, { 'content-length': 0 }).end();
    },
    PROPFIND: async (request, response) => {
      const { id } = uploadOf(request);
      await davHandler({ folder: uploadsFolder, prefix: UPLOADS })(request, response);
      uploads.set(id, uploads.get(id) ?? { target: '', touched: 0 });
    },
    DELETE: async (request, response) => {
      const { id } = uploadOf(request);
      uploads.delete(id);
      await rm(join(uploadsFolder, id), { recursive: true });
      response.writeHead(204).end();
    },
    MOVE: async (request, response) => {
      const { id, rest, upload } = uploadOf(request);
      sameTarget(request, upload);
      if (rest !== '.file') throw new Refusal(403, 'Forbidden', 'Only the whole can be moved');
      const names = (await readdir(join(uploadsFolder, id))).sort((a, b) => Number(a) - Number(b));
      const contents = await Promise.all(names.map((name) => readFile(join(uploadsFolder, id, name))));
      const whole = Buffer.concat(contents);
      if (contents.slice(0, -1).some((content) => content.length < smallestPiece)) {
        throw new Refusal(400, 'EntityTooSmall', 'A chunk is smaller than the minimum');
      }
      const wanted = header(request, 'oc-total-length');
      if (wanted !== '' && wanted !== String(whole.length)) {
        throw new Refusal(
          400,
          'BadRequest',
          `Chunks on server do not sum up to ${wanted} but to ${whole.length} bytes`,
        );
      }
      await fits(whole.length);
      const disk = join(folder, upload.target);
      const before = await stat(disk).catch(() => undefined);
      await place(whole, disk);
      await finishFile(upload.target, disk, request, response);
      uploads.delete(id);
      await rm(join(uploadsFolder, id), { recursive: true });
      response.writeHead(before ? 204 : 201, { 'content-length': 0 }).end();
    },
  };

  const files = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathBelow(request.url ?? '', FILES);
    const method = request.method ?? '';
    if (method === 'PUT') return put(request, response);
    if (method === 'MKCOL') checkName(path);
    if (method === 'PROPFIND') {
      const taken = quota === undefined ? 0 : await used();
      const room = quota === undefined ? -3 : quota - taken;
      quotaProps = `<D:quota-available-bytes>${room}</D:quota-available-bytes><D:quota-used-bytes>${taken}</D:quota-used-bytes>`;
    }
    await dav(request, response);
    if (response.statusCode >= 300) return;
    if (method === 'MKCOL' || method === 'DELETE') changed(path);
    if (method === 'DELETE') infos.delete(path);
    if (method === 'MOVE' || method === 'COPY') {
      const to = pathBelow(header(request, 'destination'), FILES);
      const info = infoOf(path);
      if (method === 'MOVE') {
        infos.delete(path);
        infos.set(to, info);
        changed(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
      }
      changed(to);
    }
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = request.url ?? '';
    server.requests.push(`${request.method} ${url}`);
    if (server.intercept?.(request, response)) return;
    try {
      if (!isSignedIn(request, USER, PASSWORD)) {
        response.setHeader('www-authenticate', 'Basic realm="Nextcloud", charset="UTF-8"');
        throw new Refusal(401, 'Sabre\\DAV\\Exception\\NotAuthenticated', 'Cannot authenticate');
      }
      if (url === FILES || url.startsWith(`${FILES}/`)) return await files(request, response);
      const handler = url.startsWith(`${UPLOADS}/`) ? pieces[request.method ?? ''] : undefined;
      if (!handler) throw new Refusal(405, 'Sabre\\DAV\\Exception\\MethodNotAllowed', 'Not here');
      await handler(request, response);
    } catch (error) {
      if (request.socket.destroyed || response.headersSent) return;
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'Exception', String(error));
      const text = `<?xml version="1.0"?><d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>${refusal.exception}</s:exception><s:message>${refusal.message}</s:message></d:error>`;
      response.writeHead(refusal.status, { 'content-type': 'application/xml; charset=utf-8' }).end(text);
      request.resume();
    }
  };

  const http = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const server: Nextcloud = {
    url: `http://127.0.0.1:${address.port}${FILES}`,
    user: USER,
    password: PASSWORD,
    folder,
    requests: [],
    received: 0,
    intercept: undefined,
    unfinished: () => readdir(uploadsFolder),
    stop: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await rm(home, { recursive: true, force: true });
    },
  };
  return server;
}
