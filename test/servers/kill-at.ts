/**
 * Loaded into a process before its program (`node --import`): ends it as a power cut would, with SIGKILL, just before its
 * n-th act that changes a disk or a database. With `KILL_COUNT` it writes at the end how many acts there were.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';

const at = Number(process.env.KILL_AT ?? Number.POSITIVE_INFINITY);
let acts = 0;

function act(): void {
  acts++;
  if (acts === at) process.kill(process.pid, 'SIGKILL');
}

const before = <A extends unknown[], R>(work: (...args: A) => R) =>
  function counted(this: unknown, ...args: A): R {
    act();
    return work.apply(this, args);
  };

Object.assign(fs, {
  rename: before(fs.rename),
  unlink: before(fs.unlink),
  fsync: before(fs.fsync),
  futimes: before(fs.futimes),
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
