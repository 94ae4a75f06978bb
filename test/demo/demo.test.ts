/** `npm run demo` as a stranger runs it: it succeeds without a network, and every line it proposes really works. */
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
let home: string;
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'keepsake-demo-test-')));
});
afterEach(() => rm(home, { recursive: true }));

const run = (script: string, words: string[], env: Record<string, string> = {}) =>
  new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, script), ...words],
      { cwd: home, env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, TZ: 'UTC', ...env } },
      (_error, out, err) => resolve({ code: child.exitCode, out, err }),
    );
  });

it('backs up, changes, restores yesterday, verifies; then its own proposals work', async () => {
  // Settings of the machine must not leak into the demo: this database would not answer.
  const demo = await run('src/demo.ts', [], { MONGODB_URI: 'mongodb://127.0.0.1:1/x', KEEPSAKE_KEY: 'broken' });
  expect(demo, demo.out + demo.err).toMatchObject({ code: 0, err: '' });
  for (const words of [
    'Today’s files on the disk: 23 files, every sha256 equal',
    'Today’s files on the NAS: 23 files, every sha256 equal',
    'Yesterday’s files, restored: 23 files, every sha256 equal',
    '2 reports as .eml',
  ]) {
    expect(demo.out).toContain(words);
  }
  const proposals = [...demo.out.matchAll(/^ {2}npm run -s keepsake -- --data (\S+) "(.*)"$/gm)];
  expect(proposals.length).toBeGreaterThan(3);
  for (const [, data = '', line = ''] of proposals) {
    const answer = await run('src/cli.ts', ['--data', data, line]);
    expect(answer, `${line}\n${answer.out}${answer.err}`).toMatchObject({ code: 0, err: '' });
  }
});
