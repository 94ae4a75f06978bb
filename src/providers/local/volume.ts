/** What kind of disk a folder lies on: room, case, names. Learns all of it without writing anything. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { FileRejected } from '../../engine/errors.ts';
import { caseKey } from '../../engine/path.ts';
import type { NameRules, Path, Traits } from '../../engine/types.ts';
import { swapCase } from '../lib/disk-names.ts';

/** `f_type` of statfs(2) as Linux gives it. */
const FAT = 0x4d44;
const EXFAT = 0x2011bab0;
const NTFS = [0x5346544e, 0x7366746e];
const SMB = [0xff534d42, 0xfe534d42, 0x517b];
const HFS_PLUS = 0x482b;
/** Any of many; exFAT and NTFS among them. */
const FUSE = 0x65735546;
/** ext2 to ext4, XFS, Btrfs, tmpfs, overlay, F2FS, ZFS, bcachefs: on disks of this machine. */
const NEAR = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e]);

const CONTROLS = Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)).join('');

/** What Windows and the disks it formats cannot hold; a name stored so is still there when the disk moves to a PC. */
export const WINDOWS_NAMES: NameRules = {
  characters: `"*:<>?\\|${CONTROLS}`,
  names: ['CON', 'PRN', 'AUX', 'NUL', ...Array.from({ length: 9 }, (_, i) => [`COM${i + 1}`, `LPT${i + 1}`]).flat()],
  trailing: '. ',
  maxNameBytes: 255,
};

/** 4 GiB less one byte: the size field of FAT32 has 32 bits. */
const FAT_LARGEST = 2 ** 32 - 1;

/** Asks for a file that is there under its name in the other case. Undefined when there is nothing to ask for. */
async function probeCase(folder: string): Promise<boolean | undefined> {
  const names = new Set(await readdir(folder));
  for (const name of names) {
    const swapped = swapCase(name);
    if (swapped === name || names.has(swapped) || name.includes('�')) continue;
    // Found although it is not listed: the volume took it for the other one. (Inode numbers would not do: FUSE may differ.)
    const other = await lstat(join(folder, swapped)).catch(() => undefined);
    return other === undefined;
  }
  return undefined;
}

export interface Volume {
  traits: Partial<Traits>;
  /**
   * Opening and reading a small file takes microseconds, so it is done in place: 24,000 to 42,000 files a second against
   * 8,000 to 11,000 through the thread pool. Never on a network disk, which may hang for minutes and everything with it.
   */
  near: boolean;
}

/**
 * The volume under a folder that is there. Where case cannot be tried because the folder is empty, a kind of disk that may
 * ignore case is taken to do so: two names are then kept apart visibly, which is never wrong.
 */
export async function volumeOf(folder: string): Promise<Volume> {
  const { type } = await statfs(folder);
  const windows = process.platform === 'win32';
  const fat = type === FAT || type === EXFAT;
  const suspect = fat || NTFS.includes(type) || SMB.includes(type) || type === HFS_PLUS || type === FUSE;
  const ignoring = windows || process.platform === 'darwin' || suspect;
  const traits: Partial<Traits> = { caseSensitive: (await probeCase(folder)) ?? !ignoring };
  if (windows || fat || NTFS.includes(type) || SMB.includes(type)) traits.forbidden = WINDOWS_NAMES;
  if (type === FAT) traits.maxFileSize = FAT_LARGEST;
  return { traits, near: process.platform === 'linux' && NEAR.has(type) };
}

/** Bytes that a normal user may still write, and all bytes of the volume. */
export async function room(folder: string): Promise<{ free: number; total: number }> {
  const { bavail, blocks, bsize } = await statfs(folder, { bigint: true });
  return { free: Number(bavail * bsize), total: Number(blocks * bsize) };
}

/**
 * The last net for a volume that turns out to ignore case only after the first file was written (a folder of ext4 with
 * casefold, empty when it was opened): from then on a second name in another case is refused, not written over the first.
 */
export function twinGuard(): { ignoresCase(): void; check(path: Path): void } {
  let written: Map<string, Path> | undefined;
  return {
    ignoresCase: () => {
      written ??= new Map();
    },
    check: (path) => {
      if (!written) return;
      const twin = written.get(caseKey(path));
      if (twin === undefined) written.set(caseKey(path), path);
      else if (twin !== path) {
        throw new FileRejected(`"${path}" and "${twin}" are one name on this disk, which ignores case.`, {
          code: 'case_twin',
          advice: 'The next run keeps the two apart under different names.',
        });
      }
    },
  };
}
