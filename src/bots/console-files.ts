/** A terminal cannot show a file, but has a folder: what a reply brings along is written there. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Block, Reply } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';

/** A name and not a path, on every system; at most 120 characters of it. */
const fileName = (name: string): string =>
  visibleLine(name)
    .replace(/[\\/:*?"<>|]/g, '_')
    .replace(/^\.+/, '_')
    .slice(-120) || 'file';

/** Nothing that is there is replaced: `report.pdf`, `report (2).pdf` ... */
async function writeNew(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  const [, base = name, extension = ''] = /^(.+?)(\.[A-Za-z0-9]{1,8})?$/s.exec(name) ?? [];
  for (let count = 1; ; count++) {
    const path = join(folder, count === 1 ? name : `${base} (${count})${extension}`);
    try {
      await writeFile(path, bytes, { flag: 'wx' });
      return path;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

/** Writes the reply's files into the folder and says where they are instead. A folder that takes none is said, too. */
export async function withSavedFiles(reply: Reply, folder: string): Promise<Reply> {
  if (!reply.blocks.some(({ kind }) => kind === 'file')) return reply;
  const blocks: Block[] = [];
  for (const block of reply.blocks) {
    if (block.kind !== 'file') {
      blocks.push(block);
      continue;
    }
    try {
      const path = await writeNew(folder, fileName(block.name), block.bytes);
      blocks.push({ kind: 'text', text: `Saved as ${path}` });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      blocks.push({
        kind: 'text',
        text: `${block.name} could not be saved here (${why}). Say it again in another folder.`,
      });
    }
  }
  return { ...reply, blocks };
}
