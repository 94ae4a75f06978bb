/** S3 through the provider contract: on a scriptable service in this process, and on a real radosgw. */
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { IntegrityError, QuotaExceeded } from '../../src/engine/errors.ts';
import { createHttp } from '../../src/engine/http.ts';
import type { NewFile, Provider } from '../../src/engine/types.ts';
import { kind } from '../../src/providers/s3.ts';
import { radosgwMissing, startRadosgw } from '../servers/radosgw.ts';
import { startS3 } from '../servers/s3.ts';
import { realClock, testContext } from './context.ts';
import { body, collect, inChunks, sha256 } from './provider/bodies.ts';
import { providerContract } from './provider.ts';

/** Nothing listens on the discard port. */
const NOBODY = 'http://127.0.0.1:9';

const answers = (server: { url: string; accessKeyId: string; secretAccessKey: string }) => {
  const settings = {
    preset: 'other',
    endpoint: server.url,
    accessKeyId: server.accessKeyId,
    secretAccessKey: server.secretAccessKey,
  };
  return {
    settings,
    wrongSettings: { ...settings, secretAccessKey: 'wrong/secret+of:mine' },
    unreachableSettings: { ...settings, endpoint: NOBODY },
    secrets: [server.secretAccessKey, 'wrong/secret+of:mine'],
  };
};

const transport = () => {
  // Waits are cut short: the suite provokes refusals and a server that is away.
  const clock = { ...realClock, sleep: (_ms: number, signal?: AbortSignal) => realClock.sleep(1, signal) };
  const { http, close } = createHttp({ clock, log: () => {} });
  return { context: testContext({ http, clock }), close };
};

providerContract('s3 on a service in this process', async () => {
  const server = await startS3();
  const { context, close } = transport();
  return {
    kind,
    ...answers(server),
    root: 'bucket/contract',
    missingRoot: 'no-such-bucket',
    context,
    received: () => server.log.reduce((sum, { bytes }) => sum + bytes, 0),
    handles: () => server.active(),
    cleanup: async () => {
      await close();
      await server.stop();
    },
  };
});

/** Started once for everything in this file. */
let radosgw: ReturnType<typeof startRadosgw> | undefined;
const running = () => {
  radosgw ??= startRadosgw();
  return radosgw;
};
afterAll(async () => {
  await (await radosgw)?.stop();
});

providerContract('s3 on radosgw', async () => {
  const skip = radosgwMissing();
  if (skip !== undefined) return { skip };
  const server = await running();
  await server.createBucket('contract');
  const { context, close } = transport();
  return {
    kind,
    ...answers(server),
    root: 'contract/in a folder',
    missingRoot: 'no-such-bucket',
    context,
    cleanup: close,
  };
});

describe.skipIf(radosgwMissing() !== undefined)('s3 on a real radosgw', () => {
  const o = { signal: new AbortController().signal };
  const file = (path: string, content: Buffer): NewFile => ({ path, size: content.length, content });

  async function open(bucket: string): Promise<Provider> {
    const server = await running();
    await server.createBucket(bucket);
    const { context, close } = transport();
    onTestFinished(close);
    return kind.open(kind.settings.parse(answers(server).settings), bucket, context);
  }

  it('stores nothing whose sha256 or md5 is another', async () => {
    const provider = await open('wrong-hashes');
    const content = Buffer.from('hello');
    for (const hashes of [{ sha256: sha256(Buffer.from('x')) }, { md5: '0'.repeat(32) }]) {
      await expect(provider.write?.({ ...file('a', content), hashes }, o)).rejects.toThrow(IntegrityError);
    }
    for await (const entry of provider.list(o)) expect.fail(`${entry.path} was stored`);
  });

  it('says when the quota is used up, and loses nothing', async () => {
    const provider = await open('full');
    await provider.write?.(file('a', body(1_000)), o);
    await (await running()).setQuota(1_000);
    try {
      // Its quota is checked against statistics that lag behind a little.
      await expect
        .poll(() => provider.write?.(file('b', body(50_000)), o).catch((error: unknown) => error), { timeout: 30_000 })
        .toBeInstanceOf(QuotaExceeded);
      await expect(
        provider.write?.({ path: 'c', size: 17 * 2 ** 20, content: inChunks(body(17 * 2 ** 20)) }, o),
      ).rejects.toThrow(QuotaExceeded);
    } finally {
      await (await running()).setQuota(0);
    }
    expect(await collect(await provider.read({ path: 'a', id: 'a' }, o))).toEqual(body(1_000));
  });

  it('lists the version that a long upload answered, and copies it with its time', async () => {
    const provider = await open('versions');
    const content = body(20 * 2 ** 20, 7);
    const modified = '2020-01-01T00:00:00.000Z';
    const written = await provider.write?.({ ...file('film', content), content: inChunks(content), modified }, o);
    expect(written?.version).toMatch(/^[0-9a-f]{32}-3$/);
    for await (const entry of provider.list(o)) expect(entry).toMatchObject({ version: written?.version });
    await provider.move?.({ path: 'film', id: 'film' }, 'ö +/film', o);
    const same = await provider.move?.({ path: 'ö +/film', id: 'ö +/film' }, 'ö +/film', o);
    expect(same).toMatchObject({ size: content.length, modified });
  });
});
