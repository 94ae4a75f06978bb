/** Writing one file: whole in one request, in pieces to Nextcloud, or aside and then moved to its place. */
import { FileRejected, IntegrityError, RetryLater } from '../../engine/errors.ts';
import { checkPath, nameOf, parentOf } from '../../engine/path.ts';
import type { Bytes, Entry, Hashes, HttpResponse, NewFile } from '../../engine/types.ts';
import { ASIDE, asideOf } from '../lib/disk-names.ts';
import { uploadInPieces } from './chunking.ts';
import type { Connection } from './connection.ts';
import type { Folders } from './folders.ts';
import { plainEtag } from './multistatus.ts';
import { isMissingFolder, relocate } from './relocate.ts';

/** From this size on Nextcloud gets a file in pieces; below, sending it again costs less than the extra requests. */
const LARGE = 50 * 1024 * 1024;

const isWhole = (content: NewFile['content']): content is Uint8Array => content instanceof Uint8Array;

/** What tells the server the file's own time. */
function timeHeaders(connection: Connection, file: NewFile): Record<string, string> {
  if (file.modified === undefined) return {};
  const modified = new Date(file.modified);
  return {
    'x-oc-mtime': String(Math.floor(modified.getTime() / 1000)),
    // nginx sets a file's time from the Date of the request; others ignore it or refuse a date that is off.
    ...(connection.seen.nginx && { date: modified.toUTCString() }),
  };
}

function putHeaders(connection: Connection, file: NewFile): Record<string, string> {
  const { sha1, md5 } = file.hashes ?? {};
  const checksum = sha1 ? `SHA1:${sha1}` : md5 ? `MD5:${md5}` : undefined;
  return {
    'content-type': file.mime ?? 'application/octet-stream',
    ...timeHeaders(connection, file),
    // Nextcloud then hashes what it receives and answers with the result; it only stores what OC-Checksum claims.
    ...(connection.uploads && { 'x-hash': 'sha256', ...(checksum && { 'oc-checksum': checksum }) }),
  };
}

/** Removes what a failed write may have left, also after a stop; the failure itself is what is told. */
async function sweep(connection: Connection, url: string): Promise<void> {
  try {
    const response = await connection.send({
      method: 'DELETE',
      url,
      expect: [404],
      signal: AbortSignal.timeout(20_000),
    });
    await response.dump();
  } catch (cause) {
    connection.context.log('warn', 'part_left_behind', { cause });
  }
}

/** What the answer to a PUT says about the stored file. Throws when it is no answer of a WebDAV server. */
async function answered(connection: Connection, file: NewFile, url: string, response: HttpResponse): Promise<Entry> {
  const { headers } = response;
  await response.dump();
  if (response.status === 200 && /html/.test(headers['content-type'] ?? '')) {
    throw new RetryLater(`${connection.host} answered an upload with a web page instead of storing it.`, {
      code: 'login_page',
      advice: 'A login page may stand in front of the server; open its address in a browser to see.',
    });
  }
  if (headers['x-oc-mtime'] === 'accepted') connection.seen.acceptsModified = true;
  const sha256 = headers['x-hash-sha256']?.toLowerCase();
  if (sha256 !== undefined && file.hashes?.sha256 !== undefined && sha256 !== file.hashes.sha256) {
    await sweep(connection, url);
    throw new IntegrityError(`"${file.path}" arrived at ${connection.host} with other bytes than were sent.`);
  }
  const version = plainEtag(headers.etag);
  const hashes: Hashes | undefined = sha256 === undefined ? undefined : { sha256 };
  return {
    path: file.path,
    id: (connection.uploads && headers['oc-fileid']) || file.path,
    ...(version !== undefined && { version }),
    ...(hashes && { hashes }),
  };
}

async function putWhole(
  connection: Connection,
  folders: Folders,
  file: NewFile,
  content: Uint8Array,
  signal: AbortSignal,
): Promise<Entry> {
  const url = connection.url(file.path);
  const put = (): Promise<HttpResponse> =>
    connection.send({
      method: 'PUT',
      url,
      headers: putHeaders(connection, file),
      body: content,
      writing: true,
      signal,
    });
  let response: HttpResponse;
  try {
    response = await put();
  } catch (error) {
    if (!isMissingFolder(error)) throw error;
    folders.forget(parentOf(file.path));
    await folders.ensure(parentOf(file.path), signal);
    response = await put();
  }
  return answered(connection, file, url, response);
}

/** Sends a stream to `url`; answers what the server said and how many bytes went. */
async function putStream(connection: Connection, url: string, file: NewFile & { content: Bytes }, signal: AbortSignal) {
  let sent = 0;
  async function* counted(): Bytes {
    for await (const piece of file.content) {
      sent += piece.length;
      yield piece;
    }
  }
  const response = await connection.send({
    method: 'PUT',
    url,
    headers: putHeaders(connection, file),
    body: counted(),
    ...(file.size !== undefined && { contentLength: file.size }),
    writing: true,
    signal,
  });
  return { entry: await answered(connection, file, url, response), sent };
}

/**
 * To a name of its own and then moved. A server may write a PUT straight into the old file (`rclone serve`), and a body
 * that is cut would then have destroyed it.
 */
async function putAside(
  connection: Connection,
  file: NewFile & { content: Bytes },
  signal: AbortSignal,
): Promise<Entry> {
  // The same name each time: what a killed process left is written over by the next try.
  const aside = asideOf(file.path);
  const url = connection.url(aside);
  try {
    const { sent } = await putStream(connection, url, file, signal);
    const found = file.size === undefined ? await connection.stat(url, signal) : undefined;
    if (file.size === undefined && found?.size !== sent) {
      throw new IntegrityError(
        `Of "${file.path}" ${found?.size ?? 'no'} bytes arrived at ${connection.host}, ${sent} were sent.`,
      );
    }
    await relocate(connection, 'MOVE', url, connection.url(file.path), signal);
    return { path: file.path, id: file.path, ...(found?.size !== undefined && { size: found.size }) };
  } catch (error) {
    await sweep(connection, url);
    throw error;
  }
}

/** A stream, by the way that suits the server and the size. */
async function putLong(
  connection: Connection,
  folders: Folders,
  file: NewFile & { content: Bytes },
  signal: AbortSignal,
): Promise<Entry> {
  if (!connection.uploads) return putAside(connection, file, signal);
  const url = connection.url(file.path);
  // Nextcloud writes a PUT aside by itself, but behind FastCGI it stores nothing of a body whose length is not told.
  if (file.size !== undefined && file.size <= LARGE) return (await putStream(connection, url, file, signal)).entry;
  let entry: Entry | undefined;
  const found = await uploadInPieces(connection, {
    file,
    target: url,
    headers: timeHeaders(connection, file),
    whole: async (bytes) => {
      entry = await putWhole(connection, folders, file, bytes, signal);
    },
    signal,
  });
  return (
    entry ?? {
      path: file.path,
      id: found?.id ?? file.path,
      ...(found?.size !== undefined && { size: found.size }),
      ...(found?.etag !== undefined && { version: found.etag }),
    }
  );
}

/** `Provider.write`. One request for a file that comes whole, once its folder is known. */
export async function write(
  connection: Connection,
  folders: Folders,
  file: NewFile,
  signal: AbortSignal,
): Promise<Entry> {
  signal.throwIfAborted();
  const folder = parentOf(checkPath(file.path));
  const { content, size } = file;
  if (isWhole(content) && size !== undefined && size !== content.length) {
    throw new IntegrityError(`"${file.path}" has ${content.length} bytes instead of the ${size} promised.`, {
      code: 'length',
    });
  }
  if (ASIDE.test(nameOf(file.path))) {
    throw new FileRejected(`"${file.path}" is a name that Keepsake keeps for unfinished files.`, { code: 'bad_name' });
  }
  await folders.ensure(folder, signal);
  if (isWhole(content)) return putWhole(connection, folders, file, content, signal);
  try {
    return await putLong(connection, folders, { ...file, content }, signal);
  } catch (error) {
    if (isMissingFolder(error)) folders.forget(folder);
    throw error;
  }
}
