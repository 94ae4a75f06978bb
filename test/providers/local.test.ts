/** Folders of this machine: the contract on a real disk, and what only disks have. */

import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kind } from '../../src/providers/local.ts';
import { testContext } from '../contract/context.ts';
import { providerContract } from '../contract/provider.ts';

const temporary = async (): Promise<string> => mkdtemp(join(tmpdir(), 'keepsake-local-'));

providerContract('local', async () => {
  const root = await temporary();
  return {
    kind,
    settings: {},
    root,
    context: testContext({ localRoots: [root] }),
    missingRoot: join(root, 'not', 'there'),
    handles: () => readdirSync('/proc/self/fd').length,
    cleanup: () => rm(root, { recursive: true }),
  };
});
