/** SFTP: the contract on real servers, and what only SSH has. */
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuthRequired, FileRejected, QuotaExceeded, RetryLater, UsageError } from '../../src/engine/errors.ts';
import type { Entry, Provider } from '../../src/engine/types.ts';
import { kind } from '../../src/providers/sftp.ts';
import { type TestContext, testContext, testMemo } from '../contract/context.ts';
import { body, collect, cutAt, inChunks, sha256 } from '../contract/provider/bodies.ts';
import { failureOf } from '../contract/provider/trial.ts';
import { providerContract } from '../contract/provider.ts';
import { rcloneMissing, startRcloneSftp } from '../servers/rclone-sftp.ts';
import { freePort, type SshServer, sshdMissing, startSshd } from '../servers/sshd.ts';
import { tmpfs, tmpfsMissing } from '../servers/volume.ts';

const MIB = 2 ** 20;
const o = { signal: new AbortController().signal };
const noSshd = sshdMissing();

providerContract('sftp on OpenSSH', async () => {
  if (noSshd) return { skip: noSshd };
  const server = await startSshd();
  const { host, port, user, privateKey, strangerKey } = server;
  return {
    kind,
    settings: { host, port, user, privateKey },
    wrongSettings: { host, port, user, privateKey: strangerKey },
    unreachableSettings: { host, port: await freePort(), user, privateKey },
    secrets: [privateKey, strangerKey, privateKey.split('\n')[2] ?? privateKey],
    root: server.data,
    missingRoot: `${server.data}/not/there`,
    context: testContext(),
    limits: { coarseVersions: true, resumeSize: 16 * MIB },
    received: server.received,
    cleanup: server.close,
  };
});

providerContract('sftp on rclone, by password', async () => {
  const skip = rcloneMissing();
  if (skip) return { skip };
  const server = await startRcloneSftp();
  const { host, port, user, password } = server;
  return {
    kind,
    settings: { host, port, user, password },
    wrongSettings: { host, port, user, password: 'wrong horse' },
    unreachableSettings: { host, port: await freePort(), user, password },
    secrets: [password, 'wrong horse'],
    root: '/',
    missingRoot: '/not/there',
    context: testContext(),
    limits: { coarseVersions: true, resumeSize: 16 * MIB },
    cleanup: server.close,
  };
});

describe('which folder a root means', () => {
  it.each([
    ['', '.'],
    ['~', '.'],
    ['~/photos/', 'photos'],
    ['./photos//2024/', 'photos/2024'],
    ['/srv/backup/', '/srv/backup'],
    ['/', '/'],
  ])('%j is %j', (text, canonical) => {
    expect(kind.root?.(text, { home: '/', cwd: '/' })).toBe(canonical);
  });

  it('".." is refused', () => {
    expect(() => kind.root?.('/srv/../etc', { home: '/', cwd: '/' })).toThrow(UsageError);
  });
});

describe.skipIf(noSshd)(`an OpenSSH server${noSshd ? ` (${noSshd})` : ''}`, () => {
  let server: SshServer;
  let context: TestContext;
  let opened: Provider[] = [];
  let folder: string;
  let folders = 0;

  beforeAll(async () => {
    server = await startSshd();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    context = testContext();
    folder = join(server.data, `test ${++folders}`);
    mkdirSync(folder);
  });
  afterEach(async () => {
    for (const provider of opened) await provider.close?.();
    opened = [];
  });

  const open = async (other: Record<string, unknown> = {}, root = folder): Promise<Provider> => {
    const { host, port, user, privateKey } = server;
    const settings = kind.settings.parse({ host, port, user, privateKey, ...other });
    const provider = await kind.open(settings, root, context);
    opened.push(provider);
    return provider;
  };

  /** Cut lines are noticed one by one; until then a call may still meet one that is dead. */
  const connected = (provider: Provider): Promise<void> =>
    expect.poll(() => provider.check(o).then(() => 'connected', String), { timeout: 10_000 }).toBe('connected');

  const entries = async (provider: Provider): Promise<Entry[]> => {
    const found: Entry[] = [];
    for await (const entry of provider.list(o)) found.push(entry);
    return found;
  };

  it('starts where the sign-in starts when the root is not absolute', async () => {
    const provider = await open({}, `test ${folders}`);
    await provider.write?.({ path: 'a', content: body(3) }, o);
    expect(readdirSync(folder)).toEqual(['a']);
    expect((await provider.check(o)).account).toBe(`${server.user}@127.0.0.1`);
  });

  it('is known again by its host key; another key is refused before anything is sent', async () => {
    await open();
    const session = await context.session.load();
    expect(session).toContain(server.fingerprint);
    await open();
    const before = server.fingerprint;
    const own = await startSshd({ data: folder });
    try {
      const place = { port: own.port, privateKey: own.privateKey };
      await open(place);
      await own.changeHostKey();
      const saved = await context.session.load();
      const error = await failureOf(AuthRequired, open(place), 'another host key');
      expect(error.code).toBe('host_key_changed');
      expect(error.message).toContain(own.fingerprint);
      expect(error.message.match(/SHA256:/g)).toHaveLength(2);
      expect(await context.session.load()).toBe(saved);
      expect(before).not.toBe(own.fingerprint);
    } finally {
      await own.close();
    }
  });

  it('with a fingerprint in the settings must have that key', async () => {
    await open({ fingerprint: server.fingerprint });
    const wrong = { fingerprint: 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' };
    const error = await failureOf(AuthRequired, open(wrong), 'another host key');
    expect(error.message).toContain(server.fingerprint);
  });

  it('takes a key with a passphrase, and tells nothing when it is wrong', async () => {
    const own = await startSshd({ data: folder, passphrase: 'open sesame' });
    try {
      const place = { port: own.port, privateKey: own.privateKey };
      await open({ ...place, passphrase: 'open sesame' });
      for (const passphrase of ['shut sesame', undefined]) {
        const error = await failureOf(AuthRequired, open({ ...place, passphrase }), 'a wrong passphrase');
        expect(error.code).toBe('bad_key');
        expect(inspect(error, { depth: 9 })).not.toContain('sesame');
      }
      await failureOf(AuthRequired, open({ ...place, privateKey: 'not a key' }), 'no key');
    } finally {
      await own.close();
    }
  });

  it('that is no SSH server is told as that', async () => {
    const other = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(open({ port })).rejects.toSatisfy((e) => e instanceof UsageError || e instanceof RetryLater);
    other.close();
  });

  it('keeps names that are not UTF-8 byte by byte', async () => {
    const names = [[0xff], [0x66, 0x80], [0x66, 0x81], [0xef, 0xbf, 0xbd], [0xe2, 0x80, 0x9b, 0x46, 0x46]];
    for (const [i, name] of names.entries()) {
      writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]), body(5, i));
    }
    const provider = await open();
    const listed = await entries(provider);
    expect(new Set(listed.map(({ path }) => path)).size).toBe(names.length);
    const copy = await open({}, `${folder}/copy`);
    for (const entry of listed) {
      const content = await collect(await provider.read(entry, o));
      await copy.write?.({ path: entry.path, content, size: content.length }, o);
    }
    const hex = (name: Buffer): string => name.toString('hex');
    expect(readdirSync(join(folder, 'copy'), 'buffer').map(hex).sort()).toEqual(
      names.map((name) => hex(Buffer.from(name))).sort(),
    );
  });

  it('does not follow symlinks', async () => {
    mkdirSync(join(folder, 'real'));
    writeFileSync(join(folder, 'real', 'a'), 'x');
    symlinkSync(join(folder, 'real'), join(folder, 'dir'));
    symlinkSync(join(folder, 'real', 'a'), join(folder, 'file'));
    expect((await entries(await open())).map(({ path }) => path)).toEqual(['real/a']);
  });

  it('that cuts the line in the middle is RetryLater, and the next call connects again', async () => {
    const provider = await open();
    const content = body(12 * MIB, 3);
    await provider.write?.({ path: 'a', content: inChunks(content), size: content.length }, o);
    const [entry] = await entries(provider);
    if (!entry) throw new Error('not listed');
    const reading = async () => {
      for await (const _ of await provider.read(entry, o)) server.cut();
    };
    expect((await failureOf(RetryLater, reading(), 'reading')).code).toBe('connection_lost');
    await connected(provider);
    expect(sha256(await collect(await provider.read(entry, o)))).toBe(sha256(content));
    const source = cutAt(content, 6 * MIB, server.cut);
    const writing = async () => provider.write?.({ path: 'b', content: source, size: content.length }, o);
    await failureOf(RetryLater, writing(), 'writing');
    await connected(provider);
    expect((await entries(provider)).map(({ path }) => path)).toEqual(['a']);
    await provider.write?.({ path: 'b', content: inChunks(content), size: content.length }, o);
    expect(readdirSync(folder).sort()).toEqual(['a', 'b']);
  });

  it('goes on with an upload after the line was cut, and leaves no parts behind', async () => {
    const provider = await open();
    const content = body(40 * MIB, 4);
    const memo = testMemo();
    const cut = async (at: number) => {
      await connected(provider);
      await provider.write?.({ path: 'a', content: cutAt(content, at, server.cut), size: content.length, memo }, o);
    };
    await failureOf(RetryLater, cut(20 * MIB), 'the first try');
    const first = memo.state;
    expect(first).toBeDefined();
    await failureOf(RetryLater, cut(32 * MIB), 'the second try');
    expect(memo.state).not.toBe(first);
    await connected(provider);
    const before = server.received();
    await provider.write?.({ path: 'a', content: inChunks(content), size: content.length, memo }, o);
    expect(server.received() - before).toBeLessThan(20 * MIB);
    expect(sha256(readFileSync(join(folder, 'a')))).toBe(sha256(content));
    expect(readdirSync(folder)).toEqual(['a']);
    // A cut upload that is never repeated: the next upload of that file clears it away.
    await failureOf(RetryLater, cut(20 * MIB), 'cut again');
    expect(readdirSync(folder)).toHaveLength(2);
    const fresh = testMemo();
    await connected(provider);
    await provider.write?.({ path: 'a', content: inChunks(content), size: content.length, memo: fresh }, o);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('with a full disk says how much is missing and leaves nothing half-done', async (test) => {
    const skip = await tmpfsMissing();
    if (skip) return test.skip(skip);
    const volume = await tmpfs('1m');
    try {
      const provider = await open({}, volume.folder);
      const { free = 0 } = await provider.check(o);
      const content = body(4 * MIB);
      for (const each of [content, inChunks(content)]) {
        const writing = async () => provider.write?.({ path: 'a', content: each, size: content.length }, o);
        const error = await failureOf(QuotaExceeded, writing(), 'a full disk');
        expect(error.missing).toBeGreaterThanOrEqual(content.length - free);
        expect(readdirSync(volume.folder)).toEqual([]);
      }
    } finally {
      await volume.close();
    }
  });

  it('lists all it may, and then says which folder it may not read', async () => {
    const own = await startSshd({ user: 'nobody' });
    try {
      for (const name of ['open', 'closed', 'z']) {
        mkdirSync(join(own.data, name));
        writeFileSync(join(own.data, name, 'a'), 'x');
      }
      chmodSync(join(own.data, 'closed'), 0o700);
      chmodSync(join(own.data, 'z', 'a'), 0o600);
      const provider = await open({ port: own.port, user: 'nobody', privateKey: own.privateKey }, own.data);
      const seen: Entry[] = [];
      const listing = async () => {
        for await (const entry of provider.list(o)) seen.push(entry);
      };
      const error = await failureOf(FileRejected, listing(), 'an unreadable folder');
      expect(error.code).toBe('unreadable_folder');
      expect(error.message).toContain('"closed"');
      expect(seen.map(({ path }) => path).sort()).toEqual(['open/a', 'z/a']);
      const reading = async () => collect(await provider.read({ path: 'z/a', id: '', size: 1 }, o));
      expect((await failureOf(FileRejected, reading(), 'a private file')).code).toBe('permission');
      const writing = async () => provider.write?.({ path: 'open/b', content: body(1) }, o);
      expect((await failureOf(FileRejected, writing(), 'a folder of another')).code).toBe('permission');
    } finally {
      await own.close();
    }
  });
});
