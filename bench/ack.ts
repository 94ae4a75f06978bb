/**
 * `npm run bench:ack -- [socket http discord] [--rounds N] [--people N] [--profile DIR] [--write]`: how long people wait for the
 * acknowledgement and for the answer when 200 of them talk at once; idle, during a big run, and beside a bot that does nothing.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compose } from '../src/compose.ts';
import { readConfig } from '../src/engine/config.ts';
import { type Program, startProgram } from '../test/servers/program.ts';
import { type Crowd, gather, type Waited, type Way } from './crowd.ts';
import { type AckRecord, ackSection, withSection } from './report.ts';
import { makeSmall } from './workload.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    people: { type: 'string', default: '200' },
    files: { type: 'string', default: '10000' },
    profile: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const people = Number(values.people);
const ways = (positionals.length > 0 ? positionals : ['socket', 'http', 'discord']) as Way[];

/** What people say: three questions, one mistake, one name. */
const LINES = ['status', 'list', 'help', 'pause fotos', 'show photos'];
const lines = Array.from({ length: people }, (_, n) => LINES[n % LINES.length] ?? 'status');

const TITLES: Record<Way, string> = { socket: 'Slack, Socket Mode', http: 'Slack, HTTP', discord: 'Discord' };
const BARE = fileURLToPath(new URL('bare-bot.ts', import.meta.url));
const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

const home = await mkdtemp(join(tmpdir(), 'keepsake-ack-'));
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Two owners, a small backup to talk about, and one for each round whose run will have much to do. */
async function prepare(crowd: Crowd, name: string): Promise<{ data: string; big(round: number): string }> {
  const data = join(home, name, 'data');
  const source = join(home, name, 'source');
  const photos = join(home, name, 'photos');
  const big = (round: number): string => join(home, name, `big-${round}`);
  makeSmall(source, 1);
  makeSmall(photos, 20);
  const composed = await compose(readConfig({ KEEPSAKE_LOCAL_ROOTS: join(home, name) }, { data }), {
    writeLog: () => undefined,
  });
  try {
    const { store, clock } = composed.services;
    const created = clock.now().toISOString();
    for (const [n, identity] of crowd.identities.entries()) {
      const id = `person-${n}`;
      await store.put('people', { id, name: id, role: 'owner', identities: [identity], zone: 'UTC', created });
    }
    const person = await store.get('people', 'person-0');
    if (!person) throw new Error('Nobody is known.');
    const caller = { person, surface: 'terminal', zone: 'UTC', signal: new AbortController().signal };
    const plans = [`backup ${photos} to ${join(home, name, 'copy')} manually named photos`];
    for (let round = 1; round <= rounds; round++)
      plans.push(`backup ${source} to ${big(round)} manually named big${round}`);
    for (const line of plans) {
      for await (const reply of composed.dispatch(line, caller)) {
        if ((reply.outcome ?? 'done') !== 'done') throw new Error(reply.title);
      }
    }
  } finally {
    await composed.close();
  }
  makeSmall(source, Number(values.files));
  return { data, big };
}

const records: AckRecord[] = [];

function note(way: Way, program: string, all: readonly Waited[]): void {
  const record = {
    surface: TITLES[way],
    program,
    acks: all.flatMap(({ acks }) => acks),
    answers: all.flatMap(({ answers }) => answers),
  };
  records.push(record);
  const sorted = [...record.acks].sort((a, b) => a - b);
  say(
    `${record.surface}, ${program}: half within ${sorted[sorted.length >> 1]?.toFixed(0)} ms, all within ${sorted.at(-1)?.toFixed(0)} ms`,
  );
}

async function talkedTo(program: Program, work: () => Promise<Waited[]>): Promise<Waited[]> {
  try {
    return await work();
  } finally {
    await program.end();
  }
}

async function idle(crowd: Crowd): Promise<Waited[]> {
  const all: Waited[] = [];
  for (let round = 1; round <= rounds; round++) all.push(await crowd.say(lines));
  return all;
}

/** Each round begins while files are arriving at the destination, and the next one waits for the end of that run. */
async function busy(crowd: Crowd, big: (round: number) => string): Promise<Waited[]> {
  const all: Waited[] = [];
  for (let round = 1; round <= rounds; round++) {
    await crowd.say([`run big${round}`]);
    while (readdirSync(big(round)).length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    all.push(await crowd.say(lines));
    const manifests = join(big(round), '.keepsake', 'snapshots');
    if (readdirSync(manifests).length > 1) say(`round ${round}: the run was over before everybody had been answered`);
    while (readdirSync(manifests).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    rmSync(big(round), { recursive: true, force: true });
  }
  return all;
}

async function measured(way: Way): Promise<void> {
  const bare = await gather(way);
  try {
    const program = startProgram({ file: BARE, roles: [way], environment: bare.environment });
    const all = await talkedTo(program, async () => {
      await program.says(/up/);
      await bare.ready();
      await bare.say(lines);
      return idle(bare);
    });
    note(way, 'bare SDK', all);
  } finally {
    await bare.close();
  }
  for (const load of ['idle', 'during a run'] as const) {
    const crowd = await gather(way);
    const name = `${way}-${load.slice(0, 4)}`;
    try {
      const { data, big } = await prepare(crowd, name);
      if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });
      const program = startProgram({
        environment: { ...crowd.environment, KEEPSAKE_DATA: data, KEEPSAKE_LOCAL_ROOTS: join(home, name) },
        node:
          values.profile === undefined
            ? []
            : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`, `--cpu-prof-name=${name}.cpuprofile`],
      });
      const all = await talkedTo(program, async () => {
        await program.says(/bots\.connected/);
        await crowd.ready();
        await crowd.say(lines);
        return load === 'idle' ? idle(crowd) : busy(crowd, big);
      });
      note(way, `Keepsake, ${load}`, all);
    } finally {
      await crowd.close();
      rmSync(join(home, name), { recursive: true, force: true });
    }
  }
}

try {
  for (const way of ways) await measured(way);
} finally {
  await rm(home, { recursive: true, force: true });
}

const about = `Made by \`npm run bench:ack -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)}: ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}; ${rounds} rounds of ${people} people at once.`;
const section = ackSection(about, records, Number(values.files));
process.stdout.write(section);
if (values.write) writeFileSync(PAGE, withSection(readFileSync(PAGE, 'utf8'), section));
