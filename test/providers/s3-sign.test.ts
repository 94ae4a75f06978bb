/** Signatures against AWS's published examples, and odd keys against AWS's own library. */
import { describe, expect, it } from 'vitest';
import { FileRejected } from '../../src/engine/errors.ts';
import { pathOfKey, sendableKey } from '../../src/providers/s3/keys.ts';
import { EMPTY_SHA256, encodeKey, encodeQuery, signer } from '../../src/providers/s3/sign.ts';

const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const then = new Date('2013-05-24T00:00:00Z');

interface Example {
  method?: string;
  path?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  payload?: string;
}

const authorization = ({ method = 'GET', path = '/', query, headers = {}, payload = EMPTY_SHA256 }: Example) =>
  signer(keys, 'us-east-1')(
    { method, host: 'examplebucket.s3.amazonaws.com', path, query: encodeQuery(query), headers, payload },
    then,
  ).authorization;

describe('signature', () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, section "Examples"
  it.each<[string, Example, string]>([
    [
      'GET object',
      { path: '/test.txt', headers: { range: 'bytes=0-9' } },
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'PUT object',
      {
        method: 'PUT',
        path: `/${encodeKey('test$file.text')}`,
        headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
        payload: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      },
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    [
      'GET bucket lifecycle',
      { query: { lifecycle: '' } },
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    ],
    [
      'list objects',
      { query: { prefix: 'J', 'max-keys': '2' } },
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('of the AWS example "%s"', (_name, example, signature) => {
    expect(authorization(example)).toContain(`Signature=${signature}`);
  });

  // computed with @smithy/signature-v4 5.7.5
  it.each([
    ['日本語/é.txt', '7386d423047f99c1622ea49157569c2ffbe6f4e1c4c8feb9276d3098d9fb1b17'],
    ['a/../b', '926525921efadecaee269fdb73a1197143c44cfbdd7210ebeddfcf014cb7b278'],
    ['a//b', 'd3b7d8e709518ef28050efa35968623c064ee44d1a12877eab753fd6548bb875'],
    ['/a', '821c77becd4c7648c7d33a6599a220f3e17ce153baaf7bf56e9243489fcffec8'],
    ['a+b c', '563ecc4971b930be54a7d0d9cf5625f4e7be81350328ccb92ec70ace9f07e966'],
    ['100%20%', '43d57927d2bcb85040f00f99df64fa710f51e2b30750f5df74f3e1794d22378a'],
  ])('of the key %j is that of the AWS library', (key, signature) => {
    expect(authorization({ path: `/${encodeKey(key)}` })).toContain(`Signature=${signature}`);
  });

  it('names its day, region and headers, and renews the key when the day changes', () => {
    const sign = signer(keys, 'eu-west-3');
    const request = {
      method: 'GET',
      host: 'h',
      path: '/',
      query: '',
      headers: { b: '1', a: '  x   y ' },
      payload: 'p',
    };
    const first = sign(request, new Date('2026-11-22T23:59:59.999Z'));
    expect(first['x-amz-date']).toBe('20261122T235959Z');
    expect(first.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/20261122\/eu-west-3\/s3\/aws4_request, SignedHeaders=a;b;host;x-amz-content-sha256;x-amz-date, /,
    );
    const next = new Date('2026-11-23T00:00:00.000Z');
    expect(sign(request, next)).toEqual(signer(keys, 'eu-west-3')(request, next));
    expect(sign({ ...request, headers: { b: '1', a: 'x y' } }, next).authorization).toBe(
      sign(request, next).authorization,
    );
  });
});

describe('keys', () => {
  it('are encoded but for unreserved characters and slashes', () => {
    expect(encodeKey("a b/!'()*~/%/+.txt")).toBe('a%20b/%21%27%28%29%2A~/%25/%2B.txt');
    expect(encodeQuery({ prefix: 'ä &', 'list-type': '2' })).toBe('list-type=2&prefix=%C3%A4%20%26');
  });

  it('that are paths are listed as they are', () => {
    for (const key of ['a', 'a/b', '.hidden/..x/...', '‛2F', 'a‛2Eb', 'x ', '%2e%2e/y'])
      expect(pathOfKey(key)).toBe(key);
  });

  it('that are no paths are listed under names that are, each its own', () => {
    const odd = [
      'a//b.jpg',
      'a/b.jpg/',
      '/a/b.jpg',
      '../b.jpg',
      'a/./b.jpg',
      'a/../b.jpg',
      '',
      '/',
      '//',
      'a\0b',
      '.',
      '..',
    ];
    const shown = odd.map(pathOfKey);
    for (const path of shown) {
      expect(path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')).toBe(true);
      expect(path).not.toContain('\0');
      // Listed again it would not be escaped again.
      expect(pathOfKey(path)).toBe(path);
    }
    expect(new Set(shown).size).toBe(odd.length);
    expect(pathOfKey('a//b.jpg')).toMatch(/^a\/‛2F\/b‛[0-9A-F]{8}\.jpg$/);
    // the escape alone could be the name of another object
    expect(pathOfKey('a//b.jpg')).not.toBe(pathOfKey('a/‛2F/b.jpg'));
  });

  it('that no HTTP client sends as they are, and those that S3 cannot hold, are refused', () => {
    for (const key of ['a/../b', '..', './a', 'a/.', 'a\0b', '\ud800', 'ä'.repeat(513)]) {
      expect(() => sendableKey(key), JSON.stringify(key)).toThrow(FileRejected);
    }
    for (const key of ['a/...', '.a/..b', 'a//b', '/a', 'a/', 'ä'.repeat(512), '%2e%2e/x']) {
      expect(sendableKey(key)).toBe(key);
      expect(new URL(`http://h/${encodeKey(key)}`).pathname).toBe(`/${encodeKey(key)}`);
    }
  });
});
