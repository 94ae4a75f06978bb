import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Person } from '../../src/engine/types.ts';
import { archiveName, keepForwarded } from '../../src/mail/archive.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-archive-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ana: Person = {
  id: 'p/ana',
  name: 'Ana',
  role: 'member',
  identities: [],
  created: '2026-11-22T00:00:00.000Z',
};
const mail = (key: string, subject = 'Invoice') => ({
  date: '2026-11-22T03:00:00.000Z',
  subject,
  key: key.padEnd(40, '0'),
  bytes: Buffer.from(`Subject: ${subject}\r\n\r\n${key}\r\n`),
});

describe('the archive of forwarded mails', () => {
  it('keeps each mail once, whole, in its person’s folder', async () => {
    const names = await Promise.all(['a1', 'b2', 'a1'].map((key) => keepForwarded(folder, ana, mail(key))));
    expect(names[0]).toBe('2026-11-22-Invoice-a10000000000.eml');
    expect((await readdir(join(folder, 'p_ana'))).sort()).toEqual([names[0], names[1]]);
    expect(await readFile(join(folder, 'p_ana', names[1] ?? ''), 'utf8')).toContain('b2');
  });

  it('names a mail by what every disk can hold', () => {
    const longest = archiveName(mail('a1', `../${'写'.repeat(500)}`));
    expect(longest).toMatch(/^2026-11-22-写+-a10000000000\.eml$/);
    // Written aside under a name that is 14 bytes longer; disks take 255.
    expect(Buffer.byteLength(longest)).toBeLessThan(240);
    expect(archiveName(mail('a1', '\u202e../\n'))).toMatch(/^2026-11-22-[\w-]+-a10000000000\.eml$/);
  });

  it('passes over what another process is just writing', async () => {
    await mkdir(join(folder, 'p_ana'));
    const huge = join(folder, 'p_ana', '.half-a-mail');
    await writeFile(huge, '');
    await truncate(huge, 3 * 1024 ** 3);
    await keepForwarded(folder, ana, mail('a1'));
  });

  it('says when it is full, and what to do', async () => {
    await mkdir(join(folder, 'p_ana'));
    const huge = join(folder, 'p_ana', 'old.eml');
    await writeFile(huge, '');
    await truncate(huge, 2 * 1024 ** 3);
    await expect(keepForwarded(folder, ana, mail('a1'))).rejects.toMatchObject({
      code: 'archive_full',
      advice: expect.stringContaining('archive/p_ana'),
    });
    expect(await readdir(join(folder, 'p_ana'))).toEqual(['old.eml']);
  });
});
