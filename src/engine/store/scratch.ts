/** Temporary files in the data folder: made under the name of their process, removed at the next start if that died. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Two containers may share a data folder, and a process number says nothing about the neighbour's. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
/** In a container every start has the same number: the random part tells this process from the one before. */
const START = randomBytes(4).toString('hex');

const NAME = /^[a-z]+-([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}\.[a-z.]+$/;
/** No run takes as long; whether a process of another host lives cannot be asked. */
const OTHERS_KEEP = 30 * 24 * 3_600_000;

/** A new name in `folder`, which is made. `what` is one lower-case word, `ending` begins with a dot. */
export function scratchFile(folder: string, what: string, ending: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, `${what}-${HOST}-${process.pid}-${START}-${randomBytes(4).toString('hex')}${ending}`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== 'ESRCH';
  }
}

function isAbandoned(file: string, [, host, pid, start]: RegExpExecArray, now: Date): boolean {
  if (host !== HOST) {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat !== undefined && now.getTime() - stat.mtimeMs > OTHERS_KEEP;
  }
  return Number(pid) === process.pid ? start !== START : !isRunning(Number(pid));
}

/** Removes what processes that are gone have left; answers how many files that were. Other files stay. */
export function clearScratch(folder: string, now: Date): number {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return 0;
    throw error;
  }
  let cleared = 0;
  for (const name of names) {
    const parts = NAME.exec(name);
    const file = join(folder, name);
    if (!parts || !isAbandoned(file, parts, now)) continue;
    rmSync(file, { force: true });
    cleared++;
  }
  return cleared;
}
