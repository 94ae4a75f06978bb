/**
 * `npm run bench:mail -- [--one 50] [--many 200] [--files 10000] [--write]`: how long people wait who answer a mail, idle and
 * during a big run, beside the bare libraries on the same servers; and what a mail costs.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { POSTS } from './mail-post.ts';
import { mailSection } from './mail-section.ts';
import { type Cost, costOfSending, costOfTaking, type OutCost, writeMails } from './mail-take.ts';
import { type BareTimes, type Talk, talkToBare, talkToKeepsake } from './mail-talk.ts';
import { withSection } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    one: { type: 'string', default: '50' },
    many: { type: 'string', default: '200' },
    files: { type: 'string', default: '10000' },
    write: { type: 'boolean', default: false },
  },
});
const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
/** Bytes of the photo in it, and how many mails. As base64 a third more. */
const SIZES: readonly [size: number, count: number][] = [
  [0, 400],
  [740_000, 80],
  [14_700_000, 24],
];
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** This program again, for one figure: what is measured has a process of its own. */
async function alone<T>(...words: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), ...words]);
  return JSON.parse(stdout) as T;
}

async function costs(): Promise<Cost[]> {
  const home = await mkdtemp(join(tmpdir(), 'keepsake-mails-'));
  try {
    const found: Cost[] = [];
    for (const [n, [size, count]] of SIZES.entries()) {
      const folder = join(home, String(n));
      await writeMails(folder, count, size);
      found.push(await alone<Cost>('take', folder, String(count)));
      await rm(folder, { recursive: true });
    }
    return found;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const rounds = [Number(values.one), Number(values.many)] as const;
  const load = (): string => (loadavg()[0] ?? 0).toFixed(1);
  const began = load();
  const talks: Talk[] = [];
  const bare: BareTimes[] = [];
  for (const { missing, open } of POSTS) {
    if (missing !== undefined) {
      say(`Left out: ${missing}`);
      continue;
    }
    for (const files of ['bare', undefined, Number(values.files)] as const) {
      const post = await open();
      try {
        if (files === 'bare') {
          const [talked, times] = await talkToBare(post, rounds);
          talks.push(...talked);
          bare.push(times);
        } else talks.push(...(await talkToKeepsake(post, rounds, files)));
      } finally {
        await post.close();
      }
      for (const { program, atOnce, waits } of talks.slice(-2)) {
        const sorted = [...waits.answers].sort((a, b) => a - b);
        say(`${post.name}, ${program}, ${atOnce} at once: half within ${sorted[sorted.length >> 1]?.toFixed(0)} ms`);
      }
    }
  }
  const taken = await costs();
  const out = await alone<OutCost[]>('send', '300');
  const about = `Made by \`npm run bench:mail -- ${process.argv.slice(2).join(' ')}\` on ${new Date().toISOString().slice(0, 10)}: ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}. Load when it began ${began}, when it ended ${load()}.`;
  const section = mailSection({ about, talks, bare, taken, out, files: Number(values.files) });
  process.stdout.write(section);
  if (values.write) await writeFile(PAGE, withSection(await readFile(PAGE, 'utf8'), section));
}

const [figure, ...words] = positionals;
const [folder = '', count = '0'] = words;
if (figure === 'take') process.stdout.write(JSON.stringify(await costOfTaking(folder, Number(count))));
else if (figure === 'send') process.stdout.write(JSON.stringify(await costOfSending(Number(folder))));
else await main();
process.exit(0);
