import { afterEach, describe, expect, it } from 'vitest';
import { createResolver, DnsError } from '../../src/mail/resolver.ts';
import { type DnsRecords, type DnsServer, startDns } from '../servers/dns.ts';

const open: DnsServer[] = [];
const serve = async (records: DnsRecords): Promise<DnsServer> => {
  const dns = await startDns(records);
  open.push(dns);
  return dns;
};

afterEach(async () => {
  await Promise.all(open.splice(0).map((dns) => dns.close()));
});

const failure = async (asked: Promise<unknown>): Promise<DnsError> => {
  const error = await asked.then(
    () => undefined,
    (why: unknown) => why,
  );
  if (!(error instanceof DnsError)) throw new Error(`not a DnsError: ${String(error)}`);
  return error;
};

describe('what the name servers say', () => {
  it('is passed on as mailauth reads it, long texts whole', async () => {
    const long = 'k'.repeat(800);
    const dns = await serve({
      'example.org': { TXT: [long, 'v=spf1 -all'], MX: ['10 mx.example.org'], A: ['192.0.2.1'], AAAA: ['2001:db8::1'] },
    });
    const resolve = createResolver({ server: dns.url });
    expect((await resolve('example.org', 'TXT')).map((parts) => parts.join(''))).toEqual([long, 'v=spf1 -all']);
    expect(await resolve('example.org', 'MX')).toMatchObject([{ exchange: 'mx.example.org', priority: 10 }]);
    expect(await resolve('EXAMPLE.org', 'A')).toEqual(['192.0.2.1']);
    expect(await resolve('example.org', 'AAAA')).toEqual(['2001:db8::1']);
  });

  it('tells no name and no record from no answer', async () => {
    const dns = await serve({ 'example.org': { A: ['192.0.2.1'] }, 'broken.example': 'SERVFAIL' });
    const resolve = createResolver({ server: dns.url });
    expect(await failure(resolve('nowhere.example', 'TXT'))).toMatchObject({ code: 'ENOTFOUND', temporary: false });
    expect(await failure(resolve('example.org', 'TXT'))).toMatchObject({ code: 'ENODATA', temporary: false });
    expect(await failure(resolve('broken.example', 'TXT'))).toMatchObject({ temporary: true });
  });

  it('is no such name for what cannot be a name, and nobody is asked', async () => {
    const dns = await serve({});
    const resolve = createResolver({ server: dns.url });
    for (const name of ['', `${'a'.repeat(64)}.example`, `${'a.'.repeat(130)}example`]) {
      expect(await failure(resolve(name, 'TXT'))).toMatchObject({ code: 'ENOTFOUND', temporary: false });
    }
    expect(dns.queries).toEqual([]);
  });

  it('gives up on a server that never answers', { timeout: 20_000 }, async () => {
    const dns = await serve({ 'silent.example': 'silence' });
    const resolve = createResolver({ server: dns.url });
    expect(await failure(resolve('silent.example', 'TXT'))).toMatchObject({ code: 'ETIMEOUT', temporary: true });
    expect(dns.queries.length).toBeGreaterThan(1);
  });
});

describe('what was asked lately', () => {
  it('is not asked again, also when there was none, and not twice at once', async () => {
    const dns = await serve({ 'example.org': { TXT: ['one'] } });
    const resolve = createResolver({ server: dns.url });
    const [first] = await Promise.all([resolve('example.org', 'TXT'), resolve('Example.org', 'TXT')]);
    // Whoever got it may write into it.
    first?.splice(0);
    expect(await resolve('example.org', 'TXT')).toEqual([['one']]);
    await failure(resolve('nowhere.example', 'TXT'));
    const [one, two] = await Promise.all([
      failure(resolve('nowhere.example', 'TXT')),
      failure(resolve('nowhere.example', 'TXT')),
    ]);
    expect(one).not.toBe(two);
    expect(dns.queries).toEqual(['TXT example.org', 'TXT nowhere.example']);
  });

  it('is asked again after a failure', async () => {
    const dns = await serve({ 'example.org': 'SERVFAIL' });
    const resolve = createResolver({ server: dns.url });
    await failure(resolve('example.org', 'TXT'));
    dns.set('example.org', 'TXT', ['well again']);
    expect(await resolve('example.org', 'TXT')).toEqual([['well again']]);
  });

  it('is asked again after five minutes', async () => {
    const dns = await serve({ 'example.org': { TXT: ['one'] } });
    let now = 0;
    const resolve = createResolver({ server: dns.url, now: () => now });
    await resolve('example.org', 'TXT');
    dns.set('example.org', 'TXT', ['two']);
    now += 5 * 60_000;
    expect(await resolve('example.org', 'TXT')).toEqual([['one']]);
    now += 1;
    expect(await resolve('example.org', 'TXT')).toEqual([['two']]);
  });

  it('is forgotten when there are more than a thousand others', async () => {
    const dns = await serve({ 'example.org': { TXT: ['one'] } });
    const resolve = createResolver({ server: dns.url });
    await resolve('example.org', 'TXT');
    for (let n = 0; n < 1_000; n++) await failure(resolve(`n${n}.example`, 'TXT'));
    await resolve('example.org', 'TXT');
    expect(dns.queries.filter((query) => query === 'TXT example.org')).toHaveLength(2);
  });
});

it('ends with its signal', async () => {
  const dns = await serve({ 'silent.example': 'silence' });
  const stop = new AbortController();
  const resolve = createResolver({ server: dns.url, signal: stop.signal });
  const asked = failure(resolve('silent.example', 'TXT'));
  stop.abort();
  expect(await asked).toMatchObject({ temporary: true });
  expect(await failure(resolve('example.org', 'TXT'))).toMatchObject({ temporary: true });
});
