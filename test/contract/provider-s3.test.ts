/** S3 through the provider contract: on a scriptable service in this process, and on a real radosgw. */
import { createHttp } from '../../src/engine/http.ts';
import { kind } from '../../src/providers/s3.ts';
import { radosgwMissing, startRadosgw } from '../servers/radosgw.ts';
import { startS3 } from '../servers/s3.ts';
import { realClock, testContext } from './context.ts';
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

providerContract('s3 on radosgw', async () => {
  const skip = radosgwMissing();
  if (skip !== undefined) return { skip };
  const server = await startRadosgw();
  await server.createBucket('contract');
  const { context, close } = transport();
  return {
    kind,
    ...answers(server),
    root: 'contract/in a folder',
    missingRoot: 'no-such-bucket',
    context,
    cleanup: async () => {
      await close();
      await server.stop();
    },
  };
});
