/** Replies that are mailed: reports of a large backup with everything that a report can hold, and answers out of a small real one. */
import { readFile } from 'node:fs/promises';
import { digestReply, EMPTY, periodOf, withRun } from '../../src/engine/backup/digest.ts';
import { troubleOf } from '../../src/engine/backup/missed.ts';
import { runReply } from '../../src/engine/backup/report.ts';
import type { Plan, Problem, Reply, Run, TrendPoint } from '../../src/engine/types.ts';
import type { MailLook } from '../../src/mail/render.ts';
import { realReplies } from '../../test/fixtures/real-replies.ts';

export interface Drawn {
  /** What it shows. */
  shows: string;
  reply: Reply;
  look: MailLook;
}

const DAY = 86_400_000;
const ENDED = '2026-11-22T01:18:00.000Z';

const plan: Plan = {
  id: 'p1',
  owner: 'u1',
  name: 'photos',
  source: { kind: 'icloud-photos', account: 'icloud', root: '', text: 'iCloud Photos' },
  destinations: [
    { kind: 'gdrive', account: 'gdrive', root: 'Backup', text: 'Google Drive' },
    { kind: 'sftp', account: 'nas', root: 'photos', text: 'nas' },
  ],
  schedule: { cron: '0 2 * * *', zone: 'Europe/Berlin' },
  filter: {},
  report: 'always',
  state: 'active',
  next: '2026-11-23T01:00:00.000Z',
  line: 'backup icloud to gdrive and nas every day at 2:00 named photos',
  created: '2026-09-01T08:00:00.000Z',
};

const run: Run = {
  id: 'r1',
  plan: 'p1',
  owner: 'u1',
  state: 'done',
  trigger: 'schedule',
  queued: '2026-11-22T01:00:00.000Z',
  started: '2026-11-22T01:00:02.000Z',
  ended: ENDED,
  counts: {
    ...{ files: 6870, bytes: 29_000_000_000, new: 214, changed: 3, same: 6653, vanished: 2 },
    ...{ failed: 0, skipped: 0, copied: 2_140_000_000 },
  },
  problems: [],
  problemCount: 0,
  verdict: 'All 214 new photos are safe in Google Drive and nas.',
  media: { photos: 214, videos: 0, newest: [] },
  space: [
    { destination: 'Google Drive', free: 61_000_000_000, total: 100_000_000_000 },
    { destination: 'nas', free: 1_830_000_000_000, total: 4_000_000_000_000 },
  ],
};

const FILES = [12, 40, 3, 0, 86, 140, 0, 22, 9, 0, 61, 30, 0, 217];

const trend = (last: TrendPoint['state']): TrendPoint[] =>
  FILES.map((files, index) => ({
    at: new Date(Date.parse(ENDED) - (FILES.length - 1 - index) * DAY).toISOString(),
    files,
    bytes: files * 10_000_000,
    state: index === FILES.length - 1 ? last : index === 6 ? 'failed' : index === 9 ? 'partial' : 'done',
  }));

const problem = (path: string, message: string, advice: string): Problem => ({
  code: 'unreadable',
  path,
  message,
  advice,
});

const PROBLEMS: Problem[] = [
  problem('2024/Lisbon/IMG_2041.HEIC', 'It changed while it was read.', 'Nothing: the next run takes it.'),
  problem(
    'Scans/Grandma’s letters, first box, with the envelopes_final_FINAL_version_of_1998-and-1999.tiff',
    'iCloud answered that it does not have the original any more.',
    'Open it in Photos on a device that still shows it, then say: run photos.',
  ),
  problem(
    'משפחה/תמונה 1.jpg',
    'nas refused it: the name is too long there.',
    'Shorten the name, or leave it out: edit photos except "תמונה*".',
  ),
  problem(
    'wedding.mov',
    'There is no room for 4.2 GB in Google Drive.',
    'Free some space, or say: edit photos smaller than 2GB.',
  ),
];

const failed: Run = {
  ...run,
  state: 'partial',
  counts: {
    ...{ files: 6870, bytes: 29_000_000_000, new: 210, changed: 3, same: 6653, vanished: 0 },
    ...{ failed: 14, skipped: 0, copied: 1_900_000_000 },
  },
  verdict: '14 files could not be backed up; everything else is safe in Google Drive and nas.',
  problems: PROBLEMS,
  problemCount: 14,
};

/** Monday at seven, when the digest of a week is due. */
const MONDAY = new Date('2026-11-23T06:00:00.000Z');

const daily = (name: string, at: string): Plan => ({
  ...plan,
  id: name,
  name,
  schedule: { cron: at, zone: 'Europe/Berlin' },
  report: 'weekly',
});

const copied = (ended: string, files: number, bytes: number): Run => ({
  ...run,
  ended,
  counts: {
    files: 9000,
    bytes: 40_000_000_000,
    new: files,
    changed: 0,
    same: 0,
    vanished: 0,
    failed: 0,
    skipped: 0,
    copied: bytes,
  },
});

/** Two backups that are well, and one whose engine was off since the 15th. */
function digest(): Reply {
  const period = periodOf('weekly', MONDAY, 'Europe/Berlin');
  const photos = { ...daily('photos', '0 2 * * *'), next: '2026-11-24T01:00:00.000Z' };
  const mail = { ...daily('mail', '0 20 * * 5'), next: '2026-11-27T19:00:00.000Z' };
  const letters = { ...daily('letters', '0 20 * * *'), next: '2026-11-15T19:00:00.000Z' };
  const week = FILES.slice(-7).map((files, index) =>
    copied(new Date(Date.parse(ENDED) - (6 - index) * DAY).toISOString(), files, files * 10_000_000),
  );
  const rows = [
    { plan: photos, tally: week.reduce((tally, one) => withRun(tally, one, period), EMPTY) },
    { plan: mail, tally: withRun(EMPTY, copied('2026-11-20T19:02:00.000Z', 28, 3_100_000), period) },
    { plan: letters, tally: EMPTY },
  ];
  const ended = { ...run, queued: '2026-11-14T19:00:00.000Z', ended: '2026-11-14T19:01:00.000Z' };
  const trouble = troubleOf({ plan: letters, since: letters.created, newest: ended, ended }, MONDAY);
  return digestReply(rows, trouble ? [trouble] : [], { plans: rows.length, period });
}

const TOKEN = 'k7q2m5xw4zr6tb3nv2hj5yl7pd';
const look = (subject: string, more: Partial<MailLook> = {}): MailLook => ({
  zone: 'Europe/Berlin',
  answer: { to: `backup+r.${TOKEN}@example.org`, subject: `Re: ${subject}`, code: `[#${TOKEN}]` },
  unsubscribe: `https://backup.example.org/mail/unsubscribe/${TOKEN}`,
  ...more,
});

export async function mailReplies(): Promise<Record<string, Drawn>> {
  const { home, remove, restored } = await realReplies();
  if (!home || !remove || !restored) throw new Error('The small world did not answer.');
  const sheet = {
    jpeg: await readFile(new URL('contact-sheet.jpg', import.meta.url)),
    shown: 12,
    from: 'Google Drive',
  };
  const facts = {
    snapshot: { ended: ENDED, files: 6870, bytes: 29_000_000_000 },
    verified: { at: '2026-11-19T01:40:00.000Z', how: 'sample' as const, files: 687, bad: 0 },
  };
  const { unsubscribe: _, ...answerOnly } = look('photos');
  return {
    report: {
      shows: 'a backup that went well, with the pictures of what is new',
      reply: runReply(run, plan, { ...facts, sheet, trend: trend('done') }),
      look: look('photos: backed up'),
    },
    problems: {
      shows: 'a backup that left files out: why, and what to do',
      reply: runReply(failed, plan, { ...facts, trend: trend('partial') }),
      look: look('photos: needs you'),
    },
    digest: {
      shows: 'a week in one mail, with a backup that did not run',
      reply: digest(),
      look: look('Your backups, week by week'),
    },
    question: {
      shows: 'a question that is answered by a click or by a mail',
      reply: remove,
      look: { ...answerOnly, confirm: `https://backup.example.org/mail/confirm/${TOKEN}` },
    },
    status: { shows: 'the answer to "status"', reply: home, look: answerOnly },
    restored: { shows: 'the answer to "restore"', reply: restored, look: answerOnly },
    file: {
      shows: 'a report as a file (.eml): nobody reads what is answered to it',
      reply: runReply(failed, plan, facts),
      look: { zone: 'Europe/Berlin' },
    },
  };
}
