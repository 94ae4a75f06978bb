/** Runs one program to its end under GNU time: every tool is measured with the same ruler, start of the program included. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export interface Command {
  file: string;
  args: string[];
}

export interface Measured {
  code: number;
  /** Wall seconds from start to exit. */
  seconds: number;
  /** User and system seconds of the program and its children; absent without GNU time. */
  cpu?: number;
  /** Peak resident memory in MB. */
  memory?: number;
  /** What the whole machine worked meanwhile, servers and strangers included. */
  machine: number;
  said: string;
}

const TIME = '/usr/bin/time';
const LONGEST_SAID = 4_000;
/** Nothing of the caller's settings (keys, certificates, a data folder) is any contestant's business. */
const CLEAN = Object.fromEntries(
  ['PATH', 'HOME', 'TMPDIR'].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
);

function busySeconds(): number {
  let ms = 0;
  for (const { times } of cpus()) ms += times.user + times.nice + times.sys + times.irq;
  return ms / 1000;
}

/** `folder` takes GNU time's notes. */
export async function measure({ file, args }: Command, folder: string): Promise<Measured> {
  const notes = join(folder, 'time.txt');
  const timed = existsSync(TIME);
  const before = busySeconds();
  const quiet: { env: NodeJS.ProcessEnv; stdio: ['ignore', 'pipe', 'pipe'] } = {
    env: CLEAN,
    stdio: ['ignore', 'pipe', 'pipe'],
  };
  const start = performance.now();
  const child = timed
    ? spawn(TIME, ['-q', '-f', '%U %S %M', '-o', notes, file, ...args], quiet)
    : spawn(file, args, quiet);
  let said = '';
  const listen = (piece: Buffer): void => {
    said = (said + piece.toString()).slice(-LONGEST_SAID);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - start) / 1000;
  const result: Measured = { code: code ?? -1, seconds, machine: busySeconds() - before, said };
  if (timed) {
    const [user, system, kib] = readFileSync(notes, 'utf8').trim().split(' ').map(Number);
    result.cpu = (user ?? 0) + (system ?? 0);
    result.memory = ((kib ?? 0) * 1024) / 1e6;
  }
  return result;
}
