/**
 * `npm run demo`: a whole life of a backup in a temporary folder, through the lines a person would type. No account, no
 * network, no question. Every claim is checked by the demo itself; whatever does not hold ends it with a failure.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quoted } from './bots/console-arguments.ts';
import { createScreen } from './bots/console-screen.ts';
import { type Composed, compose } from './compose.ts';
import { differences, hashTree } from './demo/compare.ts';
import { changeLibrary, makeLibrary } from './demo/library.ts';
import { startWebdav } from './demo/webdav-server.ts';
import { systemClock } from './engine/clock.ts';
import { readConfig, wantsColour } from './engine/config.ts';
import { callerPerson, terminalUser } from './engine/people.ts';
import type { Clock, Reply } from './engine/types.ts';
import { durationWords, manyWords } from './engine/wording.ts';

const DAY = 86_400_000;

const print = (text = ''): void => void process.stdout.write(`${text}\n`);

/** The machine's clock, moved: the first run of the demo happens yesterday. */
function movedClock(): { clock: Clock; move(ms: number): void } {
  let moved = 0;
  return {
    clock: { ...systemClock, now: () => new Date(Date.now() + moved) },
    move: (ms) => {
      moved = ms;
    },
  };
}

/** Types lines into Keepsake and shows what it answers. A line that is not done ends the demo. */
async function typist({ services, dispatch }: Composed): Promise<(line: string) => Promise<Reply>> {
  const { store, clock, config } = services;
  const { identity, name, trusted } = await terminalUser(config.data);
  const tty = process.stdout.isTTY === true;
  const screen = createScreen({
    write: (text) => void process.stdout.write(text),
    tty,
    colour: wantsColour(tty),
    // A terminal may say 0 when it does not know.
    columns: () => process.stdout.columns || 100,
    zone: () => config.zone,
    now: () => clock.now(),
    elapsed: () => performance.now(),
  });
  return async (line) => {
    print(`\n› ${line}`);
    const person = await callerPerson(store, identity, { clock, name, trusted });
    const caller = { person, surface: 'terminal', zone: config.zone, signal: new AbortController().signal };
    let last: Reply | undefined;
    for await (const reply of dispatch(line, caller)) {
      screen.show(reply);
      last = reply;
    }
    screen.end();
    if (!last || (last.outcome ?? 'done') !== 'done') throw new Error(`"${line}" was not done.`);
    return last;
  };
}

/** Throws unless both trees hold the same files with the same bytes. */
async function prove(what: string, expected: ReadonlyMap<string, string>, folder: string): Promise<void> {
  const found = differences(expected, await hashTree(folder));
  if (found.length > 0) throw new Error(`${what}: ${found.slice(0, 5).join('; ')}.`);
  print(`  ✔ ${what}: ${manyWords(expected.size, 'file')}, every sha256 equal`);
}

/** The id of the run behind the oldest snapshot in the reply to `snapshots`. */
function oldestRun(reply: Reply): string {
  const { snapshots } = reply.data as { snapshots: { run: string; started: string }[] };
  const [oldest] = snapshots.toSorted((a, b) => (a.started < b.started ? -1 : 1));
  if (!oldest) throw new Error('There is no snapshot.');
  return oldest.run;
}

async function tell(folders: Record<'home' | 'library' | 'usb' | 'nas' | 'restored' | 'data', string>): Promise<void> {
  const mails = await readdir(join(folders.data, 'mail'));
  if (mails.length === 0) throw new Error('No report was written.');
  const line = (words: string): string => `  npm run -s keepsake -- --data ${folders.data} "${words}"`;
  const places: [string, string][] = [
    [folders.library, 'what was backed up'],
    [folders.usb, 'the copy: open it, everything is a plain file'],
    [join(folders.usb, '.keepsake'), 'older versions, snapshots, and a README.txt for strangers'],
    [folders.nas, 'the same on the "NAS" (its WebDAV server ran inside this demo and has stopped)'],
    [folders.restored, 'yesterday, restored'],
    [join(folders.data, 'mail'), `${manyWords(mails.length, 'report')} as .eml; open one with a mail program`],
  ];
  const widest = Math.max(...places.map(([path]) => path.length));
  print(`
Where everything lies
${places.map(([path, what]) => `  ${path.padEnd(widest)}   ${what}`).join('\n')}

What to type next
${line('status')}
${line('history demo')}
${line('find IMG_9001')}
${line(`backup ${folders.library} to ${join(folders.home, 'Second')} every 2nd friday at 18:30`)}
${line('help')}

To remove the demo: rm -r ${folders.home}`);
}

async function demo(): Promise<void> {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'keepsake-demo-')));
  const folders = {
    home,
    library: join(home, 'Library'),
    usb: join(home, 'USB'),
    nas: join(home, 'NAS'),
    restored: join(home, 'Restored'),
    data: join(home, 'Data'),
  };
  for (const folder of [folders.library, folders.usb, folders.nas]) await mkdir(folder);
  const password = randomBytes(12).toString('hex');
  const { clock, move } = movedClock();
  // The machine's own settings (a database, a key) are none of the demo's business.
  const config = { ...readConfig({}, { data: folders.data }), logLevel: 'warn' as const };
  const nas = await startWebdav(folders.nas, { user: 'demo', password });
  const composed = await compose(config, {
    clock,
    writeLog: (text) => void process.stderr.write(`${text}\n`),
    askSecret: async (label) => {
      print(`  ${label} (not shown): ••••••••`);
      return password;
    },
  });
  try {
    const type = await typist(composed);
    print('Keepsake demo: everything happens in a temporary folder and on this machine.');
    const files = await makeLibrary(folders.library, clock.now());
    print(
      `A library of ${manyWords(files, 'file')} (photos with date, camera and place; mails) is in ${folders.library}.`,
    );
    const yesterday = await hashTree(folders.library);

    // Whenever the demo is played, no scheduled run falls between its yesterday and its today.
    const daysAhead = (days: number): string =>
      new Date(clock.now().getTime() + days * DAY).toLocaleDateString('en-GB', { weekday: 'long' }).toLowerCase();

    move(-DAY);
    print('\n== Yesterday');
    await type(`connect webdav as demo-nas url=${nas.url} user=demo`);
    await type(
      `backup ${quoted(folders.library)} to ${quoted(folders.usb)} and demo-nas every ${daysAhead(3)} named demo`,
    );

    move(0);
    print('\n== Today');
    const changes = await changeLibrary(folders.library, clock.now());
    print(
      `${changes.edited} is edited, ${changes.deleted.join(' and ')} are deleted by mistake, ${manyWords(changes.added.length, 'photo')} are new.`,
    );
    await type('run demo');
    const oldest = oldestRun(await type('snapshots demo'));
    await type(`restore demo from ${oldest} to ${quoted(folders.restored)} skip`);
    await type('verify demo full');

    print('\n== Compared by the demo itself');
    const today = await hashTree(folders.library);
    await prove('Today’s files on the disk', today, folders.usb);
    await prove('Today’s files on the NAS', today, folders.nas);
    await prove('Yesterday’s files, restored', yesterday, folders.restored);

    const sent = await composed.outbox.deliver(new AbortController().signal);
    if (sent === 0) throw new Error('No report left the outbox.');
    await tell(folders);
  } finally {
    await composed.close();
    await nas.close();
  }
}

const started = performance.now();
try {
  await demo();
  print(`\nDone in ${durationWords((performance.now() - started) / 1000)}.`);
} catch (error) {
  process.stderr.write(
    `\nThe demo failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
}
