/**
 * `npm run bench -- [W1 W2 W3 W4 W5 W6] [--rounds N] [--files N] [--to local,webdav,sftp,s3] [--json] [--write] [--alone] [--profile DIR]`:
 * the program people type at beside its peers, in alternating rounds, on real files and real servers.
 */
import { accessSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure } from './measure.ts';
import { openPlace, type Place, type PlaceName } from './places.ts';
import { acksOf, page, type RunRecord } from './report.ts';
import { contestants, type Task, TOGETHER, type Tool } from './tools.ts';
import { change, type Made, makeLarge, makePhotos, makeSmall } from './workload.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    files: { type: 'string', default: '10000' },
    to: { type: 'string', default: 'local,webdav,sftp,s3' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const files = Number(values.files);
const wanted = positionals.length > 0 ? positionals : ['W1', 'W4', 'W5', 'W6'];
const places = values.to.split(',') as PlaceName[];

const PHOTOS = 200;
const DELAY = 50;
/** A peer that took longer is run once: its figure does not get better, and the machine is needed. Seconds. */
const ENOUGH = 60;

const WORKLOADS: Record<string, string> = {
  W1: `a first backup of ${files} files of 8–40 KiB in 200 folders`,
  W2: `a first backup of ${PHOTOS} photos of 1–4 MiB`,
  W3: 'a first backup of one file of 1 GiB',
  W4: 'W1 again, with nothing changed',
  W5: 'W1 again, with 1 % changed: 0.6 % of another size, 0.3 % of the same size with other bytes and time, 0.1 % new',
  W6: `W1 over a line that delays every request by ${DELAY} ms`,
};
/** Where a workload says something. Later runs on S3 and SFTP, and files where one connection is the limit, are left out. */
const GOES_TO: Record<string, readonly PlaceName[]> = {
  W1: ['local', 'webdav', 'sftp', 's3'],
  W2: ['local', 'webdav', 'sftp', 's3'],
  W3: ['local', 'webdav', 'sftp'],
  W4: ['local', 'webdav'],
  W5: ['local', 'webdav'],
  W6: ['webdav', 's3'],
};

function inMemory(): string | undefined {
  try {
    accessSync('/dev/shm');
    return '/dev/shm';
  } catch {
    return undefined;
  }
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const base = inMemory() ?? tmpdir();
const home = await mkdtemp(join(tmpdir(), 'keepsake-bench-'));
const records: RunRecord[] = [];
const missing = new Set<string>();
if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });
const { toolsFor, absent, versions, pacer } = await contestants({
  profiles: values.profile,
  alone: values.alone,
});

/** One timed run; what it left is looked at afterwards. */
async function timed(workload: string, round: number, tool: Tool, task: Task, again: boolean, of: number, before = 0) {
  const command = again ? tool.again?.(task) : tool.first(task);
  if (!command) return 0;
  const asked = await task.place.requests?.();
  const measured = await measure(command, task.home);
  const requests = asked === undefined ? undefined : ((await task.place.requests?.()) ?? 0) - asked;
  const failure = measured.code === 0 ? undefined : `exit code ${measured.code}`;
  const differences = (await task.place.differences(task.source, task.sub)).length;
  if (failure !== undefined) say(`${tool.name}: ${failure}\n${measured.said}`);
  records.push({
    workload,
    place: task.place.title,
    tool: tool.name,
    rival: tool.rival === true,
    round,
    seconds: measured.seconds,
    ...(measured.cpu !== undefined && { cpu: measured.cpu }),
    ...(measured.memory !== undefined && { memory: measured.memory }),
    machine: measured.machine,
    ...(requests !== undefined && { requests, ...(of > 0 && { perFile: requests / of }) }),
    wrong: Math.max(0, differences - before),
    ...(failure !== undefined && { failure }),
  });
  say(
    `${workload} ${task.place.name} round ${round}, ${tool.name}: ${measured.seconds.toFixed(2)} s, ${differences} differ`,
  );
  return measured.seconds;
}

const taskFor = (place: Place, source: string, name: string): Task => {
  const own = join(home, name);
  mkdirSync(own, { recursive: true });
  return { source, place, sub: name, home: own };
};

const clean = async ({ place, sub, home: own }: Task): Promise<void> => {
  await place.clear(sub);
  rmSync(own, { recursive: true, force: true });
};

async function firstRuns(workload: string, place: Place, source: string, made: Made): Promise<void> {
  const slow = new Set<Tool>();
  // A pace of 100 calls a second hides what a slow line would cost.
  const paced = workload === 'W6' && place.name === 'webdav' && !pacer;
  const tools = toolsFor(place.name).filter(({ name }) => !paced || !name.startsWith('rclone'));
  for (let round = 1; round <= rounds; round++) {
    for (const [i, tool] of tools.entries()) {
      if (slow.has(tool)) continue;
      const task = taskFor(place, source, `${workload}-${i}-${round}`);
      await tool.prepare(task);
      const seconds = await timed(workload, round, tool, task, false, made.files);
      if (seconds > ENOUGH && i > 0) slow.add(tool);
      await clean(task);
    }
  }
}

/** W4 and W5 share a destination: first nothing has changed, then something has. */
async function laterRuns(place: Place, source: string, workloads: readonly string[]): Promise<void> {
  const tools = toolsFor(place.name).filter((tool) => tool.again);
  const tasks = new Map<Tool, Task>();
  for (const [i, tool] of tools.entries()) {
    const task = taskFor(place, source, `later-${i}`);
    tasks.set(tool, task);
    await tool.prepare(task);
    if (tool.seed) await tool.seed(task);
    else {
      const { code, said } = await measure(tool.first(task), task.home);
      if (code !== 0) throw new Error(`${tool.name} failed: ${said}`);
    }
  }
  if (workloads.includes('W4')) {
    for (let round = 1; round <= rounds; round++) {
      for (const [tool, task] of tasks) await timed('W4', round, tool, task, true, files);
    }
  }
  if (workloads.includes('W5')) {
    const wrong = new Map<Tool, number>();
    for (let round = 1; round <= rounds; round++) {
      const { resized, rewritten, added } = change(source, files, round);
      for (const [tool, task] of tasks) {
        await timed('W5', round, tool, task, true, resized + rewritten + added, wrong.get(tool));
        wrong.set(tool, (await place.differences(source, task.sub)).length);
      }
    }
  }
  for (const task of tasks.values()) await clean(task);
}

async function at(name: PlaceName, delay: number, work: (place: Place) => Promise<void>): Promise<void> {
  const place = await openPlace(name, base, delay);
  if (typeof place === 'string') {
    missing.add(`${name}: needs ${place}`);
    return;
  }
  try {
    await work(place);
  } finally {
    await place.stop();
  }
}

function about(): string[] {
  const [cpu] = cpus();
  return [
    `Made by \`npm run bench -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)}: ${availableParallelism()} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}, Node ${process.versions.node}; ${rounds} alternating rounds. Beside it: ${versions.join(', ')}. Load when it began ${load}, when it ended ${loadavg()[0]?.toFixed(1)}.`,
    `Sources lie on the disk of the temporary folder (in the page cache), destinations ${base === '/dev/shm' ? 'in memory (`/dev/shm`), so that the disk does not decide' : 'on the same disk'}. Clients and servers share the cores.${absent.length > 0 ? ` Not installed, so not compared: ${absent.join(', ')}.` : ''}${missing.size > 0 ? ` Left out: ${[...missing].join('; ')}.` : ''}`,
  ];
}

const NOTES = [
  'Every tool runs as its users start it, a process of its own from start to exit. Keepsake is `npm run -s keepsake` with one line and an empty data folder; sign-in and, in W4 and W5, the first backup happen before. What it does and the others do not is in its time: sha256 of every byte, a catalog in SQLite on the disk, a manifest at the destination, a report, and on folders and SFTP a flush of every file (free in memory, not on a disk).',
  `"tuned": \`--transfers ${TOGETHER} --checkers ${TOGETHER}\`, as many as Keepsake has in flight at most. "tuned rclone took" is its time divided by this tool's, paired by round: above 1 this tool was faster.`,
  pacer
    ? 'On WebDAV the tuned rclone also has `--webdav-pacer-min-sleep 0`.'
    : 'This rclone waits 10 ms between two WebDAV calls and has no flag to change that (1.63 and later have): on WebDAV its figures are that pace, not its limit, and it is left out of W6 there.',
  `A peer that takes more than ${ENOUGH} s is run once.`,
  '"client CPU" is user and system time of the tool; "all CPU" is what the whole machine worked meanwhile: the tool, the servers, the delayed line and whatever else ran. A load above the number of cores means that something else did: trust the ratios of the rounds and the CPU seconds then, more than the wall seconds. In W6 the delayed line (and the S3 server) run in one thread, which adds to the delay when the machine is busy.',
  'Requests are counted at the server: of all files in first runs, in W4 of all files looked at, in W5 of those that changed. "wrong files" are missing or differ afterwards (`diff -rq`, or byte by byte on S3); in W5 those of that round. rclone compares sizes only on plain WebDAV, which has no times and no hashes, and so misses what changed without growing.',
  "In W4 and W5 the peers' destinations are filled beforehand by a plain copy. Keepsake trusts its catalog there and asks the destination only whether the last manifest is there; `verify` is the command that reads everything.",
];

const load = loadavg()[0]?.toFixed(1);
try {
  const made: Made[] = [];
  const source = (name: string, make: (folder: string) => Made): string => {
    const folder = join(home, name);
    made.push(make(folder));
    return folder;
  };
  const last = (): Made => made.at(-1) ?? { files: 0, bytes: 0 };
  const small = source('small', (folder) => makeSmall(folder, files));
  const smallMade = last();
  for (const workload of ['W1', 'W2', 'W3'].filter((name) => wanted.includes(name))) {
    const folder =
      workload === 'W1' ? small : source(workload, workload === 'W2' ? (to) => makePhotos(to, PHOTOS) : makeLarge);
    const is = workload === 'W1' ? smallMade : last();
    for (const name of places.filter((each) => GOES_TO[workload]?.includes(each))) {
      await at(name, 0, (place) => firstRuns(workload, place, folder, is));
    }
  }
  const later = wanted.filter((name) => name === 'W4' || name === 'W5');
  for (const name of places.filter((each) => later.length > 0 && GOES_TO.W4?.includes(each))) {
    const changing = source(`changing-${name}`, (folder) => makeSmall(folder, files));
    await at(name, 0, (place) => laterRuns(place, changing, later));
  }
  for (const name of places.filter((each) => wanted.includes('W6') && GOES_TO.W6?.includes(each))) {
    await at(name, DELAY, (place) => firstRuns('W6', place, small, smallMade));
  }
} finally {
  await rm(home, { recursive: true, force: true });
}

const markdown = page({ about: about(), workloads: WORKLOADS, records, notes: NOTES });
process.stdout.write(values.json ? `${JSON.stringify(records, undefined, 1)}\n` : markdown);
if (values.write) {
  const file = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
  writeFileSync(file, `${markdown.trimEnd()}\n\n${acksOf(readFileSync(file, 'utf8'))}`);
}
