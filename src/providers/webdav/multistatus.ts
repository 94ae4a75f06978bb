/** The answer to PROPFIND: multistatus XML -> what was found, and hrefs -> names. Pure. */
import { FileRejected, UsageError } from '../../engine/errors.ts';
import { fromBytes } from '../../engine/path.ts';
import type { Hashes, HashName, Instant } from '../../engine/types.ts';
import { scanXml } from '../lib/xml.ts';

export interface Found {
  /** As the server wrote it. */
  href: string;
  folder: boolean;
  size?: number;
  modified?: Instant;
  /** Without quotes and without the mark of weakness. */
  etag?: string;
  mime?: string;
  /** `oc:id`, stable across renames at Nextcloud and ownCloud. */
  id?: string;
  /** `oc:checksums`: what the uploader claimed, not what the server computed. */
  claimed?: Hashes;
  /** Bytes; absent when unknown or unlimited (the server then answers a negative number). */
  free?: number;
  used?: number;
}

const CHECKSUMS: Readonly<Record<string, HashName>> = { MD5: 'md5', SHA1: 'sha1', SHA256: 'sha256', SHA512: 'sha512' };

/** Weak and strong are not told apart: Apache calls the tag of a file weak during its first second only. */
export function plainEtag(value: string | undefined): string | undefined {
  const plain = value
    ?.trim()
    .replace(/^W\//i, '')
    .replace(/^"(.*)"$/s, '$1');
  return plain === '' ? undefined : plain;
}

/** HTTP date -> ISO; `undefined` for what is no date. */
export function httpDate(value: string | undefined): Instant | undefined {
  const time = Date.parse(value ?? '');
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\s*\d+\s*$/.test(text) ? Number(text) : undefined;

function claimedHashes(text: string): Hashes | undefined {
  const hashes: Hashes = {};
  for (const [, type = '', value = ''] of text.matchAll(/([A-Za-z0-9-]+):([0-9A-Fa-f]+)/g)) {
    const name = CHECKSUMS[type.toUpperCase()];
    if (name) hashes[name] = value.toLowerCase();
  }
  return Object.keys(hashes).length > 0 ? hashes : undefined;
}

function found(href: string, props: ReadonlyMap<string, string>): Found {
  const size = count(props.get('getcontentlength'));
  const modified = httpDate(props.get('getlastmodified'));
  const etag = plainEtag(props.get('getetag'));
  const mime = props.get('getcontenttype')?.trim();
  const id = props.get('id')?.trim();
  const claimed = claimedHashes(props.get('checksum') ?? '');
  const free = count(props.get('quota-available-bytes'));
  const used = count(props.get('quota-used-bytes'));
  return {
    href,
    folder: props.has('collection'),
    ...(size !== undefined && { size }),
    ...(modified !== undefined && { modified }),
    ...(etag !== undefined && { etag }),
    ...(mime && { mime }),
    ...(id && { id }),
    ...(claimed && { claimed }),
    ...(free !== undefined && { free }),
    ...(used !== undefined && { used }),
  };
}

/**
 * Every resource of a 207 answer (RFC 4918 section 13). Properties count only where their propstat says 2xx; a resource
 * that is itself reported as 404 is left out. Throws `SyntaxError` when it is no complete multistatus document.
 */
export function parseMultistatus(xml: string): Found[] {
  const all: Found[] = [];
  let href = '';
  let gone = false;
  let props = new Map<string, string>();
  let good = new Map<string, string>();
  let status = '';
  let inProp = 0;
  let inPropstat = false;
  scanXml(xml, {
    open(name, depth) {
      if (depth === 1 && name !== 'multistatus') throw new SyntaxError(`Not a multistatus but <${name}>.`);
      if (name === 'response' && depth === 2) {
        href = '';
        gone = false;
        good = new Map();
      } else if (name === 'propstat' && depth === 3) {
        inPropstat = true;
        props = new Map();
        status = '';
      } else if (name === 'prop' && depth === 4) inProp = depth;
    },
    close(name, text, depth) {
      if (inProp > 0) {
        if (name === 'prop' && depth === inProp) inProp = 0;
        else props.set(name, text);
      } else if (name === 'href' && depth === 3) href = text.trim();
      else if (name === 'status' && inPropstat) status = text;
      else if (name === 'status' && depth === 3) gone = /\s404\b/.test(text);
      else if (name === 'propstat' && depth === 3) {
        inPropstat = false;
        if (status === '' || /\s2\d\d\b/.test(status)) for (const [key, value] of props) good.set(key, value);
      } else if (name === 'response' && depth === 2 && !gone) all.push(found(href, good));
    },
  });
  return all;
}

/** Percent-encodes every byte that could mean something in a URL, also `%`, `#`, `?`, `+` and `;`. */
export function encodePath(path: string): string {
  if (!path.isWellFormed()) {
    throw new FileRejected(`The name ${JSON.stringify(path)} is not valid text and cannot be sent.`, {
      code: 'bad_name',
    });
  }
  return path
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('/');
}

/** Segments of an href, still encoded; host, query and slashes at both ends are gone. Dots are not resolved here. */
export const segmentsOf = (href: string): string[] =>
  href
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter((part) => part !== '');

/** Bytes as text of one character each, so that differently encoded hrefs of one place are equal. */
function bytesOf(segment: string): string {
  if (/^[\w.~-]*$/.test(segment)) return segment;
  const bytes = Buffer.from(segment).toString('latin1');
  return bytes.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

export interface Member extends Found {
  /** As text. Bytes that are not UTF-8 are escaped as everywhere in Keepsake. */
  name: string;
  /** As in the URL; the only way to reach a name that is not UTF-8. */
  segment: string;
  /** `name` encodes to `segment` again. */
  plain: boolean;
}

function member(found: Found, segment: string): Member {
  const bytes = bytesOf(segment);
  const raw = Buffer.from(bytes, 'latin1');
  const text = raw.toString('utf8');
  const plain = !text.includes('\ufffd') || Buffer.from(text).equals(raw);
  const name = plain ? text : fromBytes(raw);
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new UsageError(`The server lists ${JSON.stringify(found.href)}, which is no name inside a folder.`, {
      code: 'foreign_href',
      advice: 'Rename it at the server; a listing with such an entry cannot be trusted.',
    });
  }
  return { ...found, name, segment, plain };
}

/**
 * Splits the answer about a folder into the folder itself and its members. Servers behind a proxy may write another
 * prefix than the one they are reached by, so the folder's own href is the measure, not the address that was asked for.
 * Throws `UsageError` for an href that lies elsewhere: following it would back up (or overwrite) somebody else's files.
 */
export function membersOf(all: readonly Found[], asked: string): { self: Found | undefined; members: Member[] } {
  const places = all.map((found) => {
    const segments = segmentsOf(found.href);
    return { found, segments, key: segments.map(bytesOf).join('/') };
  });
  const wanted = segmentsOf(asked).map(bytesOf).join('/');
  const self =
    places.find(({ key }) => key === wanted) ??
    places.filter(({ found }) => found.folder).sort((a, b) => a.segments.length - b.segments.length)[0];
  const members: Member[] = [];
  for (const place of places) {
    if (place === self) continue;
    const segment = place.segments.at(-1);
    const inside = self !== undefined && place.key.startsWith(self.key === '' ? '' : `${self.key}/`);
    if (segment === undefined || !inside || place.segments.length !== self.segments.length + 1) {
      throw new UsageError(`The server answers about ${JSON.stringify(place.found.href)} when asked for a folder.`, {
        code: 'foreign_href',
        advice: 'Check the address: it should be the WebDAV address itself, not one that leads there.',
      });
    }
    members.push(member(place.found, segment));
  }
  return { self: self?.found, members };
}
