/** SFTP: the contract on a real OpenSSH server, and what only SSH has. */
import { kind } from '../../src/providers/sftp.ts';
import { testContext } from '../contract/context.ts';
import { providerContract } from '../contract/provider.ts';
import { freePort, sshdMissing, startSshd } from '../servers/sshd.ts';

providerContract('sftp on OpenSSH', async () => {
  const skip = sshdMissing();
  if (skip) return { skip };
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
    limits: { coarseVersions: true },
    received: server.received,
    cleanup: server.close,
  };
});
