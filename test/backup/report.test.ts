import { describe, expect, it } from 'vitest';
import { countNewMedia } from '../../src/engine/backup/new-media.ts';
import { type ReportFacts, runReply } from '../../src/engine/backup/report.ts';
import { verdict } from '../../src/engine/backup/verdict.ts';
import { parse } from '../../src/engine/commands/grammar.ts';
import type { Block, Counts, Entry, NewMedia, Plan, Reply, Run, RunState, Schedule } from '../../src/engine/types.ts';
import { linesOf, words } from '../commands/world.ts';
import { vocabulary } from '../grammar-vocabulary.ts';

const counts = (more: Partial<Counts> = {}): Counts => ({
  files: 1_000,
  bytes: 18_200_000_000,
  new: 0,
  changed: 0,
  same: 0,
  vanished: 0,
  failed: 0,
  skipped: 0,
  copied: 4_200_000_000,
  ...more,
});
const plan = (more: Partial<Plan> = {}): Plan => ({
  id: 'p1',
  owner: 'ana',
  name: 'photos',
  source: { kind: 'local', root: '/a', text: '~/Pictures' },
  destinations: [{ kind: 'gdrive', root: '/b', text: 'Google Drive' }],
  schedule: { cron: '0 2 * * *', zone: 'Europe/Berlin' },
  filter: {},
  report: 'always',
  state: 'active',
  next: '2026-11-28T01:00:00.000Z',
  line: '~/Pictures to gdrive',
  created: '2026-11-01T00:00:00.000Z',
  ...more,
});
const run = (more: Partial<Run> = {}): Run => ({
  id: '20261127T010000Z-1a2b3c4d',
  plan: 'p1',
  owner: 'ana',
  state: 'done',
  trigger: 'schedule',
  queued: '2026-11-27T01:00:00.000Z',
  started: '2026-11-27T01:00:00.000Z',
  ended: '2026-11-27T01:18:00.000Z',
  counts: counts({ new: 214 }),
  problems: [],
  problemCount: 0,
  verdict: 'All 214 new photos are safe in Google Drive.',
  ...more,
});
const media = (photos: number, videos: number): NewMedia => ({ photos, videos, newest: [] });
const fields = (reply: Reply): Record<string, unknown> =>
  Object.fromEntries(
    reply.blocks.flatMap((block) =>
      block.kind === 'fields' ? block.fields.map(({ label, value }) => [label, value]) : [],
    ),
  );
const block = <K extends Block['kind']>(reply: Reply, kind: K) =>
  reply.blocks.find((one): one is Extract<Block, { kind: K }> => one.kind === kind);

describe('the first line says what is safe, and calls photos photos', () => {
  it.each<[Partial<Counts>, NewMedia | undefined, string]>([
    [{ new: 214 }, media(214, 0), 'All 214 new photos are safe in Google Drive.'],
    [{ new: 3 }, media(0, 3), 'All 3 new videos are safe in Google Drive.'],
    [{ new: 12 }, media(9, 3), 'All 12 new photos and videos are safe in Google Drive.'],
    [{ new: 12 }, media(9, 2), 'All 12 new files are safe in Google Drive.'],
    [{ new: 1 }, media(1, 0), 'The one new photo is safe in Google Drive.'],
    [{ new: 1 }, media(0, 1), 'The one new video is safe in Google Drive.'],
    [{ new: 1 }, undefined, 'The one new file is safe in Google Drive.'],
    [{ new: 3, changed: 1 }, media(3, 0), 'All 4 new and changed files are safe in Google Drive.'],
    [{ files: 3, new: 3 }, media(3, 0), 'All 3 photos are safe in Google Drive.'],
    [{ files: 1, new: 1 }, media(1, 0), 'The one photo is safe in Google Drive.'],
    [{ changed: 3 }, undefined, 'All 3 changed files are safe in Google Drive.'],
    [{}, undefined, 'Nothing new: all 1,000 files are already safe in Google Drive.'],
  ])('%o, %o', (some, kinds, said) => {
    expect(verdict('done', counts(some), plan(), { media: kinds })).toBe(said);
  });

  it('is the title, with the name of the backup', () => {
    expect(runReply(run(), plan(), {}).title).toBe('photos: All 214 new photos are safe in Google Drive.');
  });
});

describe('what new files are', () => {
  const entry = (path: string, modified?: string, more: Partial<Entry> = {}): Entry => ({
    path,
    id: path,
    ...(modified === undefined ? {} : { modified }),
    ...more,
  });
  const counted = (...entries: Entry[]): NewMedia | undefined => {
    const count = countNewMedia();
    for (const one of entries) count.add(one);
    return count.read();
  };

  it('counts by name and by media type, and says nothing of others', () => {
    expect(counted(entry('a.txt'), entry('b'))).toBeUndefined();
    expect(counted(entry('a.JPG'), entry('b.nef'), entry('c.mov'), entry('d', undefined, { mime: 'image/x' }))).toEqual(
      { photos: 3, videos: 1, newest: ['a.JPG'] },
    );
  });

  it('keeps the 24 newest that can be shown, of however many', () => {
    const days = Array.from({ length: 5_000 }, (_, index) => ((index * 7_919) % 5_000) + 1);
    const found = counted(
      ...days.map((day) => entry(`${day}.jpg`, new Date(day * 86_400_000).toISOString())),
      entry('large.jpg', '2030-01-01T00:00:00.000Z', { size: 30_000_001 }),
      entry('raw.dng', '2030-01-01T00:00:00.000Z'),
      entry('undated.jpg'),
    );
    expect(found?.photos).toBe(5_003);
    expect(found?.newest).toEqual(Array.from({ length: 24 }, (_, index) => `${5_000 - index}.jpg`));
  });
});

const snapshot = { ended: '2026-11-27T01:18:00.000Z', files: 1_000, bytes: 18_200_000_000 };
const point = (files: number, state: RunState = 'done') => ({
  at: '2026-11-20T01:00:00.000Z',
  files,
  bytes: files * 1_000,
  state,
});

describe('a report tells', () => {
  it('what ran, room, the next run, the restore point and the last check', () => {
    const verified = { at: '2026-11-20T09:00:00.000Z', how: 'sample' as const, files: 459, bad: 0 };
    const told = runReply(
      run({ space: [{ destination: 'Google Drive', free: 82_000_000_000, total: 100_000_000_000 }] }),
      plan(),
      { snapshot, verified },
    );
    expect(fields(told)).toEqual({
      'What ran': '~/Pictures to Google Drive, as scheduled',
      Copied: '214 new files, 4.2 GB in 18 min',
      'In the backup': '1,000 files, 18.2 GB',
      Space: '18.0 GB used, 82.0 GB free',
      'Next run': { at: '2026-11-28T01:00:00.000Z' },
      'Restore point': { at: '2026-11-27T01:18:00.000Z' },
      'Copies last checked': { at: '2026-11-20T09:00:00.000Z' },
    });
  });

  it.each<[string, Partial<Run>, Partial<Plan>, ReportFacts, Record<string, unknown>]>([
    ['nothing was ever checked', {}, {}, { snapshot }, { 'Copies last checked': 'never yet: verify photos' }],
    ['no restore point', { state: 'failed' }, {}, { snapshot: 'none' }, { 'Restore point': 'none yet' }],
    [
      'a check found damage',
      {},
      {},
      { snapshot, verified: { at: '2026-11-20T09:00:00.000Z', how: 'full', files: 900, bad: 2 } },
      { 'The check found': '2 files not as they should be' },
    ],
    [
      'a failed run: what there is to go back to',
      { state: 'failed', counts: undefined as never },
      {},
      { snapshot: { ...snapshot, files: 990 } },
      { 'It holds': '990 files, 18.2 GB' },
    ],
    ['only free', { space: [{ destination: 'x', free: 5_000_000_000 }] }, {}, {}, { Space: '5.0 GB free' }],
    ['only in all', { space: [{ destination: 'x', total: 5_000_000_000 }] }, {}, {}, { Space: '5.0 GB in all' }],
    [
      'two places',
      { space: [{ destination: '/mnt/usb', free: 1_000_000_000 }] },
      {
        destinations: [
          { kind: 'local', root: '/mnt/usb', text: '/mnt/usb' },
          { kind: 'gdrive', root: '/b', text: 'Google Drive' },
        ],
      },
      {},
      { 'Space in /mnt/usb': '1.0 GB free', 'What ran': '~/Pictures to /mnt/usb and Google Drive, as scheduled' },
    ],
    [
      'paused without an end',
      {},
      { state: 'paused', next: undefined as never },
      {},
      { 'Next run': 'none while it is paused: resume photos' },
    ],
    [
      'by hand',
      { trigger: 'person' },
      { schedule: { manual: true } satisfies Schedule, next: undefined as never },
      {},
      {
        'Next run': 'only when you say so: run photos',
        'What ran': '~/Pictures to Google Drive, because somebody asked',
      },
    ],
  ])('%s', (_, some, planned, facts, said) => {
    expect(fields(runReply(run(some), plan(planned), facts))).toMatchObject(said);
  });

  it('what is not known is not said', () => {
    const labels = Object.keys(fields(runReply(run(), plan(), {})));
    expect(labels).toEqual(['What ran', 'Copied', 'In the backup', 'Next run']);
  });

  it('the last runs, when there are two; the label says how high the bars are', () => {
    expect(block(runReply(run(), plan(), { trend: [point(3)] }), 'trend')).toBeUndefined();
    const trend = [point(3), point(0, 'failed'), point(214)];
    expect(block(runReply(run(), plan(), { trend }), 'trend')).toEqual({
      kind: 'trend',
      label: 'Last 3 runs (at most 214 files copied; 1 did not finish)',
      points: trend,
    });
  });

  it.each([
    [12, 214, '12 of the 214 new photos, read from the copies in Google Drive'],
    [5, 5, 'The 5 new photos, read from the copies in Google Drive'],
    [1, 1, 'The new photo, read from the copies in Google Drive'],
  ])('%i of %i photos as a picture, with words for those who see none', (shown, all, alt) => {
    const jpeg = Uint8Array.of(1, 2, 3);
    const told = runReply(run({ media: media(all, 0) }), plan(), { sheet: { jpeg, shown, from: 'Google Drive' } });
    expect(block(told, 'image')).toEqual({ kind: 'image', alt, bytes: jpeg, mime: 'image/jpeg' });
  });

  it('a card in a conversation is short: no picture, no trend, nothing that is looked up', () => {
    const card = runReply(run({ media: media(3, 0), space: [{ destination: 'x', free: 1 }] }), plan());
    expect(card.blocks.map(({ kind }) => kind)).toEqual(['fields', 'choices']);
    expect(Object.keys(fields(card))).toEqual(['Copied', 'In the backup', 'Next run']);
  });

  it.each<[RunState, string]>([
    ['done', 'photos: backed up'],
    ['stopped', 'photos: backed up'],
    ['partial', 'photos: needs you'],
    ['failed', 'photos: needs you'],
    ['waiting', 'photos: needs you'],
  ])('%s: one conversation of mails', (state, topic) => {
    expect(runReply(run({ state }), plan(), {}).topic).toBe(topic);
    expect(runReply(run({ state, verdict: 'Other words.' }), plan(), { snapshot }).topic).toBe(topic);
  });
});

describe('what can be answered', () => {
  const problem = { path: 'a.jpg', code: 'x', message: 'It broke.', advice: 'Mend it.' };
  it.each<[string, Partial<Run>, Partial<Plan>, ReportFacts, string[]]>([
    [
      'a good mail',
      {},
      {},
      { snapshot, mailed: true },
      ['verify photos', 'restore photos', 'run photos', 'pause photos until monday', 'stop reports of photos'],
    ],
    [
      'a good report in chat',
      {},
      {},
      { snapshot },
      ['verify photos', 'restore photos', 'run photos', 'pause photos until monday'],
    ],
    ['by hand', {}, { schedule: { manual: true } }, { snapshot }, ['verify photos', 'restore photos', 'run photos']],
    ['paused already', {}, { state: 'paused' }, { snapshot }, ['verify photos', 'restore photos', 'run photos']],
    [
      'some files failed',
      { state: 'partial', problems: [problem], problemCount: 1 },
      {},
      { snapshot, mailed: true },
      [
        'run photos',
        'history photos',
        'why photos',
        'restore photos',
        'pause photos until monday',
        'stop reports of photos',
      ],
    ],
    [
      'failed before there was a copy',
      { state: 'failed', problems: [problem], problemCount: 1 },
      {},
      { snapshot: 'none' },
      ['run photos', 'history photos', 'why photos', 'pause photos until monday'],
    ],
    [
      'a sign-in is needed',
      {
        state: 'waiting',
        problems: [{ ...problem, fix: { label: 'Sign in', line: 'connect icloud as ana' } }],
        problemCount: 1,
      },
      {},
      { snapshot },
      ['connect icloud as ana', 'run photos', 'why photos', 'restore photos', 'pause photos until monday'],
    ],
  ])('%s', (_, some, planned, facts, lines) => {
    const told = runReply(run(some), plan(planned), facts);
    expect(linesOf(told)).toEqual(lines);
    expect(lines.length).toBeLessThanOrEqual(6);
  });

  it.each(['photos', 'Family photos', 'weekly', 'stop', 'photos "2026"'])(
    'is understood, of a plan called %s',
    (name) => {
      const known = { ...vocabulary, plans: [...vocabulary.plans, { name }] };
      const said = (['done', 'partial', 'failed', 'waiting'] as const).flatMap((state) =>
        linesOf(
          runReply(run({ state, problems: [problem], problemCount: 1 }), plan({ name }), { snapshot, mailed: true }),
        ),
      );
      for (const line of said) expect({ line, ...parse(line, known) }).toMatchObject({ outcome: 'command' });
      expect(new Set(said.map((line) => line.split(' ')[0]))).toEqual(
        new Set(['verify', 'restore', 'run', 'pause', 'stop', 'history', 'why', 'accounts']),
      );
    },
  );

  it('a question is answered, nothing else', () => {
    const question = { text: 'All gone?', choices: [{ label: 'Yes', line: 'run photos anyway' }] };
    const told = runReply(run({ state: 'waiting', question }), plan(), { snapshot, mailed: true });
    expect(linesOf(told)).toEqual(['run photos anyway']);
    expect(words(told)).not.toContain('Copied');
  });
});
