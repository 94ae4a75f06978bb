/** What servers really answer to PROPFIND, and what is not accepted as an answer. */
import { describe, expect, it } from 'vitest';
import { scanXml } from '../../src/providers/lib/xml.ts';
import { encodePath, membersOf, parseMultistatus, plainEtag } from '../../src/providers/webdav/multistatus.ts';

const events = (xml: string): string[] => {
  const seen: string[] = [];
  scanXml(xml, {
    open: (name, depth) => seen.push(`${'>'.repeat(depth)}${name}`),
    close: (name, text) => seen.push(`${name}=${text}`),
  });
  return seen;
};

describe('XML', () => {
  it('prefixes, attributes, comments, CDATA, entities, empty elements', () => {
    const xml = `\ufeff<?xml version="1.0"?>\n<!-- <a> --><d:a xmlns:d="DAV:" x='>'><b y="/>"/>1&amp;&#50;&#x33;<![CDATA[<&amp;>]]><c >é</c ></d:a>\n`;
    expect(events(xml)).toEqual(['>a', '>>b', 'b=', '>>c', 'c=é', 'a=1&23<&amp;>']);
  });

  it.each([
    '',
    'hello',
    '<a>',
    '<a><b></a></b>',
    '<a></a><b></b>',
    '<a></a>text',
    '<a x="></a>',
    '<a><!-- </a>',
    '<a><![CDATA[</a>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a>< b/></a>',
    '{"a":1}',
  ])('refuses %s', (xml) => {
    expect(() => events(xml)).toThrow(SyntaxError);
  });
});

const apache = `<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:ns0="DAV:">
<D:response xmlns:lp1="DAV:" xmlns:g0="DAV:"><D:href>/dav/a%20b/</D:href><D:propstat><D:prop>
<lp1:resourcetype><D:collection/></lp1:resourcetype><lp1:getlastmodified>Sun, 22 Nov 2026 12:00:00 GMT</lp1:getlastmodified>
<lp1:getetag>"1000-64e"</lp1:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
<D:propstat><D:prop><g0:getcontentlength/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>
<D:response xmlns:lp1="DAV:"><D:href>/dav/a%20b/it%27s%20%231.jpg</D:href><D:propstat><D:prop>
<lp1:resourcetype/><lp1:getcontentlength>5</lp1:getcontentlength><lp1:getlastmodified>Sun, 22 Nov 2026 12:00:01 GMT</lp1:getlastmodified>
<lp1:getetag>W/"5-64e"</lp1:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
</D:multistatus>`;

const owncloud = `<d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:response>
<d:href>/remote.php/dav/files/ana/x</d:href><d:propstat><d:prop><d:resourcetype/><d:getcontentlength>7</d:getcontentlength>
<d:getetag>&quot;abc&quot;</d:getetag><oc:id>00000007oc9l3j</oc:id><oc:checksums><oc:checksum>SHA1:AB12 MD5:cd34 ADLER32:ff</oc:checksum></oc:checksums>
<d:quota-available-bytes>-3</d:quota-available-bytes><d:quota-used-bytes>12</d:quota-used-bytes></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
<d:response><d:href>/remote.php/dav/files/ana/gone</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response></d:multistatus>`;

describe('multistatus', () => {
  it('of Apache: weak tags, other prefixes, properties that are not there', () => {
    expect(parseMultistatus(apache)).toEqual([
      { href: '/dav/a%20b/', folder: true, modified: '2026-11-22T12:00:00.000Z', etag: '1000-64e' },
      {
        href: '/dav/a%20b/it%27s%20%231.jpg',
        folder: false,
        size: 5,
        modified: '2026-11-22T12:00:01.000Z',
        etag: '5-64e',
      },
    ]);
  });

  it('of Nextcloud: ids, claimed checksums, unlimited space, members that are gone', () => {
    expect(parseMultistatus(owncloud)).toEqual([
      {
        href: '/remote.php/dav/files/ana/x',
        folder: false,
        size: 7,
        etag: 'abc',
        id: '00000007oc9l3j',
        claimed: { sha1: 'ab12', md5: 'cd34' },
        used: 12,
      },
    ]);
  });

  it.each(['<html><body>Please log in</body></html>', apache.slice(0, 600), 'ok'])('is not (%#)', (text) => {
    expect(() => parseMultistatus(text)).toThrow(SyntaxError);
  });

  it.each([
    ['"x"', 'x'],
    ['W/"x"', 'x'],
    ['x', 'x'],
    ['""', undefined],
    [undefined, undefined],
  ])('entity tag %s', (tag, plain) => {
    expect(plainEtag(tag)).toBe(plain);
  });
});

describe('hrefs', () => {
  const at = (...hrefs: string[]) => hrefs.map((href, i) => ({ href, folder: i === 0 }));
  const names = (asked: string, ...hrefs: string[]) =>
    membersOf(at(...hrefs), asked).members.map(({ name, plain }) => (plain ? name : [name]));

  it('full, absolute, differently encoded, behind a proxy with another prefix', () => {
    expect(names('/a%20b', 'http://h:80/a%20b/', 'http://h:80/a%20b/c%2Bd')).toEqual(['c+d']);
    expect(names('/a%20b/', '/a b', '/a b/e%C3%A9')).toEqual(['eé']);
    expect(names('/%7Eana/%c3%a4', '/~ana/%C3%A4/', '/~ana/ä/x')).toEqual(['x']);
    expect(names('/outer/dav', '/inner/', '/inner/x', '/inner/y/')).toEqual(['x', 'y']);
    expect(names('/', '/', '/x')).toEqual(['x']);
    expect(names('/a', '/a/', '/a/100%25', '/a/%E9', '/a/%252e%252e')).toEqual(['100%', ['‛E9'], '%2e%2e']);
  });

  it.each([
    ['/a', '/a/', '/b/x'],
    ['/a', '/a/', '/a/../x'],
    ['/a', '/a/', '/a/%2E%2E'],
    ['/a', '/a/', '/a/b%2Fc'],
    ['/a', '/a/', '/a/%00'],
    ['/a', '/a/', '/'],
    ['/a', '/a/', ''],
  ])('asked for %s, %s then %s is refused', (asked, ...hrefs) => {
    expect(() => names(asked, ...hrefs)).toThrow(/server/);
  });

  it('every byte that could mean something is encoded', () => {
    expect(encodePath("a b/%2e#?+;&='()*!~/\n\\é")).toBe('a%20b/%252e%23%3F%2B%3B%26%3D%27%28%29%2A%21~/%0A%5C%C3%A9');
    expect(() => encodePath('\ud800')).toThrow(/not valid text/);
  });
});
