/** The contestants: Keepsake as its users start it, and its peers at their defaults and tuned. */
import { execFile } from 'node:child_process';
import { cp, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compose } from '../src/compose.ts';
import { readConfig } from '../src/engine/config.ts';
import { callerPerson, terminalUser } from '../src/engine/people.ts';
import type { Command } from './measure.ts';
import type { Place } from './places.ts';

export interface Task {
  source: string;
  place: Place;
  /** Sub-folder of the place, this tool's alone. */
  sub: string;
  /** A folder for the tool's own notes. */
  home: string;
}

export interface Tool {
  name: string;
  /** The peer that ratios are told against. */
  rival?: true;
  /** Before the first run; not timed. */
  prepare(task: Task): Promise<void>;
  /** Makes the destination what a first run makes it, where that is cheaper than a first run; not timed. */
  seed?(task: Task): Promise<void>;
  first(task: Task): Command;
  /** A further run on the same destination; absent where the tool has no such thing. */
  again?(task: Task): Command;
}

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

/** As many in flight as Keepsake's own ceiling for these places. */
export const TOGETHER = 32;

/** The program that people type at, a process of its own; only signing in happens before. `profiles` takes V8's CPU profiles. */
function keepsake(profiles: string | undefined): Tool {
  const command = ({ home }: Task, line: string): Command => ({
    file: process.execPath,
    args: [
      ...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]),
      CLI,
      ...['--data', join(home, 'data'), '--yes', '--json', line],
    ],
  });
  return {
    name: 'Keepsake',
    async prepare({ home, place }) {
      const config = readConfig({}, { data: join(home, 'data') });
      const composed = await compose(config, {
        writeLog: () => undefined,
        askSecret: async (label) =>
          Object.entries(place.connect?.secrets ?? {}).find(([name]) => label.startsWith(name))?.[1] ?? '',
      });
      try {
        const { store, clock } = composed.services;
        const { identity, name, trusted } = await terminalUser(config.data);
        const person = await callerPerson(store, identity, { clock, name, trusted });
        const caller = { person, surface: 'terminal', zone: 'UTC', signal: new AbortController().signal };
        if (!place.connect) return;
        for await (const reply of composed.dispatch(place.connect.line, caller)) {
          if ((reply.outcome ?? 'done') !== 'done') throw new Error(`${place.name}: ${reply.title}`);
        }
      } finally {
        await composed.close();
      }
    },
    first: (task) => command(task, `backup ${task.source} to ${task.place.target(task.sub)} manually named bench`),
    again: (task) => command(task, 'run bench'),
  };
}

/** Puts the files straight into the server's folder: on plain WebDAV, rclone tells a file by its size alone. */
async function seedFolder({ source, place, sub }: Task): Promise<void> {
  const folder = place.folder?.(sub);
  if (folder === undefined) throw new Error(`${place.name} has no folder to be filled.`);
  await cp(source, folder, { recursive: true, preserveTimestamps: true });
  const { uid, gid } = await stat(dirname(folder));
  if (uid !== process.getuid?.()) await run('chown', ['-R', `${uid}:${gid}`, folder]);
}

function rclone(name: string, options: readonly string[], rival: boolean): Tool {
  const command = ({ source, place, sub, home }: Task): Command => ({
    file: 'rclone',
    args: ['copy', source, place.remote(sub), '--config', join(home, 'rclone.conf'), ...options],
  });
  return {
    name,
    ...(rival && { rival: true as const }),
    prepare: ({ home, place }) => writeFile(join(home, 'rclone.conf'), place.rclone, { mode: 0o600 }),
    seed: seedFolder,
    first: command,
    again: command,
  };
}

const cpTool: Tool = {
  name: 'cp -a',
  prepare: async () => undefined,
  first: ({ source, place, sub }) => ({ file: 'cp', args: ['-a', source, place.target(sub)] }),
};

const rsync: Tool = {
  name: 'rsync -a',
  prepare: async () => undefined,
  seed: seedFolder,
  first: ({ source, place, sub }) => ({ file: 'rsync', args: ['-a', `${source}/`, place.target(sub)] }),
  again: ({ source, place, sub }) => ({ file: 'rsync', args: ['-a', `${source}/`, place.target(sub)] }),
};

const versionOf = (program: string): Promise<string | undefined> =>
  run(program, [program === 'rclone' ? 'version' : '--version']).then(
    ({ stdout }) => stdout.split('\n')[0]?.trim(),
    () => undefined,
  );

/** Who is here, for each place; `absent` and `versions` for the report, `pacer`: rclone can be told not to wait on WebDAV. */
export async function contestants({ profiles, alone }: { profiles: string | undefined; alone: boolean }) {
  const [rcloneVersion, rsyncVersion, cpVersion] = await Promise.all(['rclone', 'rsync', 'cp'].map(versionOf));
  const flags = rcloneVersion ? (await run('rclone', ['help', 'flags'], { maxBuffer: 2 ** 24 })).stdout : '';
  const pacer = flags.includes('--webdav-pacer-min-sleep');
  const absent = [...(rcloneVersion ? [] : ['rclone']), ...(rsyncVersion ? [] : ['rsync'])];
  const versions = [rcloneVersion, rsyncVersion, cpVersion].filter((version) => version !== undefined);
  const tuned = ['--transfers', `${TOGETHER}`, '--checkers', `${TOGETHER}`];
  const toolsFor = (place: Place['name']): Tool[] => [
    keepsake(profiles),
    ...(rcloneVersion && !alone
      ? [
          rclone('rclone copy', [], false),
          rclone(
            'rclone copy, tuned',
            [...tuned, ...(pacer && place === 'webdav' ? ['--webdav-pacer-min-sleep', '0'] : [])],
            true,
          ),
        ]
      : []),
    ...(place === 'local' && !alone ? [cpTool, ...(rsyncVersion ? [rsync] : [])] : []),
  ];
  return { toolsFor, absent, versions, pacer };
}
