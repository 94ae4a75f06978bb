/**
 * Loaded into a process before its program (`node --import`): ends it as a power cut would, with SIGKILL, just before its
 * n-th act (`KILL_AT`) that changes a disk or a database. With `KILL_FROM` the count begins when a file whose name holds
 * that text is opened. With `KILL_COUNT` it writes into that file at the end how many acts there were.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';

const at = Number(process.env.KILL_AT ?? Number.POSITIVE_INFINITY);
const from = process.env.KILL_FROM;
let counting = from === undefined;
let acts = 0;

function act(): void {
  if (!counting) return;
  acts++;
  if (acts === at) process.kill(process.pid, 'SIGKILL');
}

const before = <A extends unknown[], R>(work: (...args: A) => R) =>
  function counted(this: unknown, ...args: A): R {
    act();
    return work.apply(this, args);
  };

const watched = <A extends unknown[], R>(work: (...args: A) => R) =>
  function looked(this: unknown, ...args: A): R {
    if (from !== undefined && String(args[0]).includes(from)) counting = true;
    return work.apply(this, args);
  };

Object.assign(fs, {
  open: watched(fs.open),
  openSync: watched(fs.openSync),
  rename: before(fs.rename),
  renameSync: before(fs.renameSync),
  unlink: before(fs.unlink),
  rmSync: before(fs.rmSync),
  fsync: before(fs.fsync),
  futimes: before(fs.futimes),
  futimesSync: before(fs.futimesSync),
  mkdir: before(fs.mkdir),
});
syncBuiltinESMExports();

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function counted(sql) {
  if (sql.startsWith('COMMIT')) act();
  return exec.call(this, sql);
};

const file = process.env.KILL_COUNT;
if (file !== undefined) process.on('exit', () => fs.writeFileSync(file, String(acts)));
