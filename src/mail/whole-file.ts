/** Mails as files that are there whole or not at all. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** What is not a mail yet; mail programs and listings pass over it. */
export const isAside = (name: string): boolean => name.startsWith('.');

/**
 * Written aside, flushed and renamed: a program that watches the folder never sees half a mail. The folder is made, for its
 * user only; a file of this name is replaced.
 */
export async function writeWhole(folder: string, name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const aside = join(folder, `.${name}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(aside, 'wx', 0o600);
    try {
      await handle.writeFile(bytes, signal && { signal });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, join(folder, name));
  } catch (error) {
    await unlink(aside).catch(() => undefined);
    throw error;
  }
}
