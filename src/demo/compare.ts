/** The demo's own proof, which trusts nothing of Keepsake: sha256 of every file of a tree, read from the disk. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Path below `folder` with `/` -> sha256. `.keepsake` (versions and manifests) is left out. */
export async function hashTree(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = relative(folder, file).split(sep).join('/');
    if (path.startsWith('.keepsake/')) continue;
    hashes.set(
      path,
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    );
  }
  return hashes;
}

/** What differs, one sentence each; empty when the two hold the same files with the same bytes. */
export function differences(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const missing = [...expected].flatMap(([path, hash]) => {
    const other = found.get(path);
    if (other === undefined) return [`${path} is missing`];
    return other === hash ? [] : [`${path} has other bytes`];
  });
  const extra = [...found.keys()].filter((path) => !expected.has(path)).map((path) => `${path} should not be there`);
  return [...missing, ...extra];
}
