/** Deterministic files to copy: sizes from a seeded generator, bytes from an AES key stream, fixed times. Same seed, same bytes. */
import { createCipheriv } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Made {
  files: number;
  bytes: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const NEW_YEAR = Date.UTC(2026, 0, 1) / 1000;
const DAY = 86_400;

/** Mulberry32: 32 bits of state are enough for sizes. */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Bytes that no compression shortens and no deduplication finds. */
function noise(seed: number): (length: number) => Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  return (length) => cipher.update(Buffer.alloc(length));
}

function put(file: string, content: Uint8Array, time: number): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  utimesSync(file, time, time);
}

const smallName = (n: number): string =>
  `album-${n % 20}/day-${Math.floor(n / 20) % 10}/IMG_${String(n).padStart(5, '0')}.jpg`;

/** W1: files of 8 to 40 KiB in 20 x 10 folders. */
export function makeSmall(folder: string, files: number): Made {
  const roll = dice(1);
  const bytes = noise(1);
  let total = 0;
  for (let n = 0; n < files; n++) {
    const size = 8 * KIB + roll(32 * KIB);
    put(join(folder, smallName(n)), bytes(size), NEW_YEAR + n);
    total += size;
  }
  return { files, bytes: total };
}

/** W2: photos of 1 to 4 MiB. */
export function makePhotos(folder: string, files: number): Made {
  const roll = dice(2);
  const bytes = noise(2);
  let total = 0;
  for (let n = 0; n < files; n++) {
    const size = MIB + roll(3 * MIB);
    put(join(folder, `trip-${n % 10}`, `DSC_${n}.jpg`), bytes(size), NEW_YEAR + n);
    total += size;
  }
  return { files, bytes: total };
}

/** W3: one file of 1 GiB. */
export function makeLarge(folder: string): Made {
  const bytes = noise(3);
  const file = join(folder, 'film.mov');
  mkdirSync(folder, { recursive: true });
  const fd = openSync(file, 'w');
  for (let at = 0; at < GIB; at += MIB) writeSync(fd, bytes(MIB));
  closeSync(fd);
  utimesSync(file, NEW_YEAR, NEW_YEAR);
  return { files: 1, bytes: GIB };
}

/**
 * W5, on what `makeSmall` made: 0.6 % get new bytes and another size, 0.3 % new bytes of the same size (only time or hash
 * tell), 0.1 % are new. Each round changes other files. Answers how many of each.
 */
export function change(
  folder: string,
  files: number,
  round: number,
): { resized: number; rewritten: number; added: number } {
  const counts = {
    resized: Math.round(files * 0.006),
    rewritten: Math.round(files * 0.003),
    added: Math.round(files * 0.001),
  };
  const bytes = noise(500 + round);
  const time = NEW_YEAR + (100 + round) * DAY;
  const touched = counts.resized + counts.rewritten;
  const apart = Math.floor(files / touched);
  for (let i = 0; i < touched; i++) {
    const file = join(folder, smallName((i * apart + round) % files));
    const old = readFileSync(file);
    put(file, bytes(i < counts.resized ? old.length + 1 + (i % 100) : old.length), time);
  }
  for (let i = 0; i < counts.added; i++) put(join(folder, `new-${round}`, `IMG_${i}.jpg`), bytes(20 * KIB), time);
  return counts;
}
