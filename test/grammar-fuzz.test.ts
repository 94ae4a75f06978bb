/** Properties over many lines: canonical lines read back, choices always work, half-read lines never act, nothing hangs. */
import { describe, expect, it } from 'vitest';
import type { CommandArgs, Vocabulary } from '../src/engine/commands/command.ts';
import { piecesOf } from '../src/engine/commands/grammar/pieces.ts';
import { wordsOf } from '../src/engine/commands/grammar/words.ts';
import { lineOf, parse } from '../src/engine/commands/grammar.ts';
import { inThread, noPlans, vocabulary } from './grammar-vocabulary.ts';

/** mulberry32: the same lines on every machine. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Create = CommandArgs['create'];

function createOf(line: string, known: Vocabulary = vocabulary): Create {
  const parsed = parse(line, known);
  if (parsed.outcome !== 'command' || parsed.command.name !== 'create') {
    throw new Error(`${line}: ${JSON.stringify(parsed)}`);
  }
  return parsed.command.args;
}

const withoutText = (args: Create) => ({
  ...args,
  source: { ...args.source, text: '' },
  destinations: args.destinations.map((place) => ({ ...place, text: '' })),
});

const SOURCES = [
  'icloud',
  'gdrive:/Photos',
  '~/Pictures',
  '"./My Photos, old"',
  'C:\\Pictures',
  '"home s3":a/b',
  'gmail',
];
const DESTINATIONS = [
  'onedrive',
  'work-s3:bucket/path',
  '/mnt/usb and nextcloud:/x',
  '"\\\\nas\\My Share"',
  '"./it\'s ""x"""',
];
const SCHEDULES = [
  '',
  'weekly',
  'daily at 3:15 p.m.',
  'every day at 6am and 6pm',
  'monthly on the 1st',
  'last day of the month at 23:00',
  'first sunday of every month at 3am',
  'every 6 hours',
  'every 90 minutes',
  'every 3 days at 4am',
  'every 2 weeks',
  'yearly',
  'hourly',
  'every weekday at 2am America/New_York',
  'cron 30 4 1,15 * 1-5',
  'tomorrow at 9am',
  'only when I ask',
];
const OPTIONS = [
  '',
  'only photos, *.pdf, "My notes.txt"',
  'only *.heic,*.jpg except "a b/**", *.mov',
  'larger than 5MB smaller than 1GiB',
  'larger than 1234567B',
  'since 2024-01-01 before yesterday',
  'album "Family"',
  'albums "Summer, 2024", "He said ""hi""", "weekly"',
  'keep 5 versions',
  'keep 30 days',
  'keep 7 daily 4 weekly 12 monthly 2 yearly',
  'named "to gdrive weekly"',
  'named "„Größe“ 😀"',
  'report on failure limit 5MB/s',
  'report never limit 12345kB/s',
  'into {year}/{month}',
  'into "Photos of {album}/{camera}"',
];

describe('the canonical line', () => {
  it.each(SCHEDULES)('makes the same plan again: %s', (schedule) => {
    for (const [i, source] of SOURCES.entries()) {
      const destination = DESTINATIONS[i % DESTINATIONS.length];
      for (const options of OPTIONS) {
        const args = createOf(`${source} to ${destination} ${schedule} ${options}`);
        expect(args.line).toBe(lineOf(args));
        const later = { ...vocabulary, now: new Date('2026-11-21T07:00:00Z'), zone: 'Asia/Tokyo' };
        expect(withoutText(createOf(args.line, later))).toEqual(withoutText(args));
      }
    }
  });

  it('reads well', () => {
    expect(createOf('weekly icloud to gdrive keep five versions').line).toBe(
      '"iCloud of Ana" to gdrive-ana every Friday at 02:00 Europe/Berlin keep 5 versions',
    );
  });

  it('quotes names that are words of the grammar', () => {
    const accounts = ['weekly', 'to', 'only', 'a "b"', "it's", 'list', '-x', 'ｗeekly'].map((name) => ({
      name,
      kind: 's3',
    }));
    const known = { ...vocabulary, accounts };
    for (const source of accounts) {
      for (const destination of accounts) {
        if (source === destination) continue;
        const args: Omit<Create, 'line'> = {
          source: { text: '', account: source.name, kind: 's3', root: 'b/c' },
          destinations: [{ text: '', account: destination.name, kind: 's3', root: '' }],
          name: source.name,
        };
        const line = lineOf(args);
        expect(withoutText(createOf(line, known))).toEqual(withoutText({ ...args, line }));
      }
    }
  });
});

const WORDS = [
  ...'icloud gdrive gd google drive s3 work-s3 home onedrive gmail nextcloud ~/Pictures ./a /mnt/usb C:\\x local my computer'.split(
    ' ',
  ),
  ...'to to to to and from into -> at in until for now please back up backup /backup'.split(' '),
  ...'weekly daily biweekly every sunday monday 2 weeks hours 02:00 9am Europe/Paris UTC cron * tomorrow 03/04 31st never'.split(
    ' ',
  ),
  ...'only except photos videos *.heic,*.jpg *.mov larger smaller than 5MB 1GiB since before 2024 march album Family'.split(
    ' ',
  ),
  ...'keep 5 7 versions days daily weekly everything named called as report always on failure limit 5MB/s no {year}/{month} {x}'.split(
    ' ',
  ),
  ...'list show run stop pause resume edit delete preview status history snapshots find restore verify adopt connect accounts'.split(
    ' ',
  ),
  ...'disconnect when timezone whoami claim help rename photos Family photos Pictures usb IMG_1.HEIC replace skip both quick full'.split(
    ' ',
  ),
  ...'gdirve iclod wekly pasue --weekly -x x , ; " \' “ ” "My Photos" \'a b\' "weekly" \\ a\\ b key=value password=x "" 😀 \u202e \0'.split(
    ' ',
  ),
  '"iCloud of Ana"',
  'iCloud of Ana',
  'Pictures to usb',
];

/** Only whole texts: what a person could read as a line that was understood. */
const everyWordRead = (line: string, known: Vocabulary): boolean => {
  const words = wordsOf(line);
  return Array.isArray(words) && piecesOf({ text: line, words, vocabulary: known }, 0).unread.length === 0;
};

describe('lines of random words', () => {
  it.each([1, 2, 3, 4])('never throw, never act half-read, and offer only what works (seed %i)', (seed) => {
    const next = random(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
    const outcomes = { command: 0, clarify: 0, error: 0 };
    for (let i = 0; i < 500; i++) {
      const known = pick([vocabulary, vocabulary, inThread, noPlans]);
      const words = Array.from({ length: Math.floor(next() * 9) }, () => pick(WORDS));
      const base = next() < 0.5 ? ['icloud', 'to', 'gdrive-ana'] : [];
      const line = [...base, ...words].join(pick([' ', ' ', '  ', '\n']));
      const parsed = parse(line, known);
      outcomes[parsed.outcome] += 1;
      if (parsed.outcome === 'command') {
        if (parsed.command.name === 'create') {
          expect(everyWordRead(line.replaceAll('\n', ' '), known), line).toBe(true);
          const again = parse(parsed.command.args.line, known);
          expect(again, `${line} -> ${parsed.command.args.line}`).toMatchObject({ command: { name: 'create' } });
        }
        continue;
      }
      for (const choice of parsed.choices) {
        expect(parse(choice.line, known).outcome, `${line} -> ${choice.line}`).toBe('command');
        expect(choice.label).not.toBe('');
      }
      expect(parsed.outcome === 'clarify' ? parsed.question : parsed.message).not.toBe('');
    }
    expect(Math.min(outcomes.command, outcomes.error)).toBeGreaterThan(20);
  });

  it.each([1, 2])('of random characters (seed %i)', (seed) => {
    const next = random(seed);
    const alphabet = 'abt o"\'“”\\/:,;=*{}-–→.~0123\n\t é😀\u0301\ud800\u200b\u202e\0';
    for (let i = 0; i < 800; i++) {
      const length = Math.floor(next() * 60);
      const line = Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)] ?? '').join('');
      expect(['command', 'clarify', 'error']).toContain(parse(line, vocabulary).outcome);
    }
  });

  it.each([
    ['spaces', ' '.repeat(2000)],
    ['letters', 'a '.repeat(1000)],
    ['two hundred words', 'gdirve '.repeat(200)],
    ['"to"', 'to '.repeat(190)],
    ['"and"', `icloud to gdrive ${'and onedrive '.repeat(90)}`],
    ['"every"', 'every '.repeat(190)],
    ['numbers', '2 weeks '.repeat(95)],
    ['quotes', '"'.repeat(2000)],
    ['doubled quotes', '"" '.repeat(190)],
    ['backslashes', '\\'.repeat(2000)],
    ['commas', ','.repeat(2000)],
    ['braces', `icloud to gdrive into ${'{'.repeat(1500)}`],
    ['stars', `icloud to gdrive only ${'*'.repeat(1500)}`],
    ['digits', `icloud to gdrive larger than ${'9'.repeat(1500)}MB`],
    ['options', `icloud to gdrive ${'only photos '.repeat(90)}`],
    ['plan names', `restore ${'photos '.repeat(190)}`],
    ['ambiguous accounts', 's3 to s3 and '.repeat(40)],
  ])('answer hostile %s', (_name, line) => {
    const parsed = parse(line, vocabulary);
    expect(['command', 'clarify', 'error']).toContain(parsed.outcome);
    if (parsed.outcome !== 'command') expect(parsed.choices.length).toBeLessThanOrEqual(8);
  });
});
