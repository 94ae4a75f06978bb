/** One WebDAV location: addresses, sign-in, and the failures of HTTP in the words of WebDAV. */
import {
  AuthRequired,
  Conflict,
  FileRejected,
  isKeepsakeError,
  NotFound,
  RetryLater,
  UsageError,
} from '../../engine/errors.ts';
import type { HttpRequest, HttpResponse, Path, ProviderContext } from '../../engine/types.ts';
import { encodePath, type Found, type Member, membersOf, parseMultistatus, segmentsOf } from './multistatus.ts';

export interface Settings {
  url: string;
  user: string;
  password: string;
}

export interface Connection {
  /** The same for two locations that can copy to each other at the server. */
  server: string;
  host: string;
  user: string;
  root: Path;
  /** Where Nextcloud and ownCloud take large files in pieces, with a slash at its end; absent at other servers. */
  uploads: string | undefined;
  context: ProviderContext;
  /** The URL of a path below the root, without a slash at its end. */
  url(path: Path): string;
  /** The URL of a folder, given by its segments below the account's own address; nginx insists on the last slash. */
  folderUrl(segments: readonly string[]): string;
  /** `writing` gives 403, 405 and the like the meaning that they have for one file. */
  send(request: Omit<HttpRequest, 'url'> & { url: string; writing?: boolean }): Promise<HttpResponse>;
  /** What is there, or `undefined`. */
  stat(url: string, signal: AbortSignal, quota?: boolean): Promise<Found | undefined>;
  /** A folder's members, or `undefined` when it is not there. */
  members(url: string, signal: AbortSignal): Promise<Member[] | undefined>;
  /** To be asked when the root was not found: throws `NotFound`, or `AuthRequired` and the like if more is wrong. */
  rootIsThere(signal: AbortSignal): Promise<void>;
  /** What was seen of the server so far. */
  seen: { nginx: boolean; acceptsModified: boolean };
}

const NEXTCLOUD = /^(.*\/remote\.php\/)dav\/files\/([^/]+)(?:\/|$)/;

const PLAIN = '<D:resourcetype/><D:getcontentlength/><D:getlastmodified/><D:getetag/><D:getcontenttype/>';
const OWNCLOUD = '<oc:id/><oc:checksums/>';
const QUOTA = '<D:quota-available-bytes/><D:quota-used-bytes/>';

const propfind = (props: string): string =>
  `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns"><D:prop>${props}</D:prop></D:propfind>`;

const notWebdav = (host: string, what: string): UsageError =>
  new UsageError(`${host} answers, but not as WebDAV (${what}).`, {
    code: 'not_webdav',
    advice:
      'Check the address. At Nextcloud it is https://your.cloud/remote.php/dav/files/NAME ("WebDAV" in the settings of Files).',
  });

/** The error in the words of WebDAV. */
function translated(error: unknown, writing: boolean, host: string): unknown {
  if (!isKeepsakeError(error)) return error;
  const { message, code } = error;
  if (error instanceof AuthRequired && code !== 'forbidden') {
    return new AuthRequired(message, {
      advice:
        'Sign in again with `connect`. With two-factor sign-in, or when the password was changed, make an app password in the security settings of the service and use that.',
      cause: error,
    });
  }
  if (code === 'http_423') {
    return new RetryLater(`${message} Something else is writing there.`, { code: 'locked', cause: error });
  }
  if (error instanceof UsageError && code === 'http_405' && !writing) return notWebdav(host, 'status 405');
  if (writing && (code === 'forbidden' || /^http_4(05|11)$|^http_501$/.test(code))) {
    return new FileRejected(message, {
      code: 'refused',
      advice: 'The server does not take this name, or the account may not write there.',
      cause: error,
    });
  }
  return error;
}

/** Opens nothing yet. Throws `UsageError` for an address that cannot be one. */
export function connect(settings: Settings, root: Path, context: ProviderContext): Connection {
  const base = URL.parse(settings.url);
  if (!base) throw new UsageError(`"${settings.url}" is not a web address.`, { code: 'bad_url' });
  const basePath = base.pathname.replace(/\/+$/, '');
  const nextcloud = NEXTCLOUD.exec(`${basePath}/`);
  const uploads = nextcloud ? `${base.origin}${nextcloud[1]}dav/uploads/${nextcloud[2]}/` : undefined;
  const props = uploads ? PLAIN + OWNCLOUD : PLAIN;
  const headers: Record<string, string> = {};
  if (settings.user !== '' || settings.password !== '') {
    headers.authorization = `Basic ${Buffer.from(`${settings.user}:${settings.password}`).toString('base64')}`;
  }
  const rootUrl = base.origin + basePath + (root === '' ? '' : `/${encodePath(root)}`);
  const seen = { nginx: false, acceptsModified: uploads !== undefined };

  const send: Connection['send'] = async ({ writing = false, ...request }) => {
    try {
      const response = await context.http({ ...request, headers: { ...headers, ...request.headers } });
      // nginx alone takes a file's time from the Date header; in front of Nextcloud it only passes requests on.
      seen.nginx = uploads === undefined && /^nginx/i.test(response.headers.server ?? '');
      return response;
    } catch (error) {
      request.signal.throwIfAborted();
      throw translated(error, writing, base.host);
    }
  };

  const ask = async (
    url: string,
    depth: '0' | '1',
    body: string,
    signal: AbortSignal,
  ): Promise<Found[] | undefined> => {
    const response = await send({
      method: 'PROPFIND',
      url,
      headers: { depth, 'content-type': 'application/xml; charset=utf-8' },
      body,
      whole: true,
      // Followed by the transport it would arrive without the password, and look like a wrong one.
      expect: [404, 301, 302, 303, 307, 308],
      signal,
    });
    if (response.status === 404) return undefined;
    if (response.status >= 300) {
      const to = URL.parse(response.headers.location ?? '', url) ?? base;
      const slashed = to.origin === base.origin && to.pathname === `${new URL(url).pathname}/`;
      if (slashed) return ask(to.href, depth, body, signal);
      throw new UsageError(`${base.host} says that WebDAV is at another address now.`, {
        code: 'moved',
        advice: `Connect with the new address, if you trust it: ${to.origin}${to.pathname}`,
      });
    }
    const text = await response.text();
    if (response.status !== 207) throw notWebdav(base.host, `status ${response.status}`);
    try {
      return parseMultistatus(text);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new RetryLater(`${base.host} gave a listing that cannot be read. ${cause.message}`, {
        code: 'bad_listing',
        cause,
      });
    }
  };

  return {
    server: `${base.origin} ${settings.user}`,
    host: base.host,
    user: settings.user,
    root,
    uploads,
    context,
    url: (path) => (path === '' ? `${rootUrl}/` : `${rootUrl}/${encodePath(path)}`),
    folderUrl: (segments) => `${base.origin}${basePath}/${segments.map((one) => `${encodePath(one)}/`).join('')}`,
    send,
    async stat(url, signal, quota = false) {
      const found = await ask(url, '0', propfind(quota ? props + QUOTA : props), signal);
      if (found === undefined) return undefined;
      const [one] = found;
      if (one === undefined || found.length > 1) {
        throw new Conflict(`${base.host} answered about ${found.length} things when asked about one.`);
      }
      return one;
    },
    async members(url, signal) {
      const slashed = url.endsWith('/') ? url : `${url}/`;
      const found = await ask(slashed, '1', propfind(props), signal);
      if (found === undefined) return undefined;
      const { self, members } = membersOf(found, `/${segmentsOf(slashed).join('/')}`);
      if (!self) throw notWebdav(base.host, 'an empty listing');
      // Some servers answer for a file that is asked for with a slash.
      return self.folder ? members : undefined;
    },
    async rootIsThere(signal) {
      const where = root === '' ? base.pathname : `"${root}"`;
      const found = root === '' ? undefined : await ask(`${base.origin}${basePath}/`, '0', propfind(PLAIN), signal);
      if (root !== '' && found === undefined) throw notWebdav(base.host, `nothing at ${basePath}/`);
      throw new NotFound(`There is no folder ${where} at ${base.host}.`, {
        code: 'root_missing',
        advice: 'Check the spelling, or make the folder there first.',
      });
    },
    seen,
  };
}
