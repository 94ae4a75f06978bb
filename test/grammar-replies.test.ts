/** What people answer to a report of the plan "photos", what becomes of it, and what must not become anything. */
import { describe, expect, it } from 'vitest';
import type { CommandName } from '../src/engine/commands/command.ts';
import { parse } from '../src/engine/commands/grammar.ts';
import { inThread, noPlans, onePlan, vocabulary } from './grammar-vocabulary.ts';

const plan = 'photos';
const family = 'Family photos';
const berlin = (cron: string) => ({ plan, schedule: { cron, zone: 'Europe/Berlin' } });
const weekly = berlin('0 2 * * 5');
const monday = '2026-11-22T23:00:00.000Z';
const address = 'ana@example.org';

const SAID: [CommandName, object, string[]][] = [
  [
    'run',
    { plan },
    [
      'run now',
      'Run now.',
      'RUN NOW!!',
      'run now please, thanks',
      'pls run now',
      'run now, thanks!',
      'Run now. Thanks!',
      'Run now please. Thank you very much',
      'run now :)',
      'run now 👍🏽',
      'run now asap',
      'could you please run it now?',
      'can you run it again?',
      'could you run now please',
      'would you please run it again, thanks',
      'Hi, run now',
      'Hello Keepsake, please run now.',
      'ok run now',
      'OK, run it again',
      'Yes please run it now',
      'run',
      'run it now',
      'run this again',
      'Run again.',
      'retry',
      'Retry!',
      'retry it please',
      'try again',
      'rerun',
      'again',
      'Again!',
      'once more',
      'do it again',
      'start it now',
      'Back up now!',
      'backup now',
      'back it up now',
      'run now\u200b',
      '\u200brun now',
      '\u200e run\u00a0now \u200b',
      'ｒｕｎ　ｎｏｗ！',
      'run now。',
      'run\nnow',
    ],
  ],
  ['run', { plan, anyway: true }, ['run anyway', 'run it anyway', 'run now anyway, thanks']],
  ['run', { plan: family }, ['run Family photos', 'run Family photos again', 'hi, run family photos now please.']],
  ['stop', { plan }, ['stop', 'Stop!', 'stop it', 'stop now please', 'cancel it']],
  ['pause', { plan }, ['pause', 'pause it', 'hold']],
  [
    'pause',
    { plan, until: monday },
    [
      'pause until monday',
      'Pause it until Monday, please',
      'ok, pause until monday',
      'Hola Keepsake, pause untill monday',
    ],
  ],
  ['resume', { plan }, ['resume', 'resume it', 'Continue.']],
  [
    'edit',
    weekly,
    [
      'weekly',
      'Weekly.',
      'WEEKLY',
      'weekly…',
      'weekly, please',
      'weekly instead',
      'weekly from now on',
      'make it weekly',
      'Make it weekly, please. Thanks',
      'could you make it weekly?',
      'change it to weekly',
      'change to weekly',
      'switch to weekly',
      'back up weekly instead',
      'backup weekly please',
      'run it weekly',
      'edit it weekly',
    ],
  ],
  ['edit', berlin('0 3 * * 0'), ['every sunday at 3am', 'run it every sunday at 03:00', 'Every Sunday at 3 a.m.']],
  ['edit', berlin('0 9 * * *'), ['daily at 9am', 'every day at 09:00 please']],
  ['edit', berlin('0 9 * * 1-5'), ['every mon–fri at 9am', 'every weekday at 9am']],
  ['edit', berlin('0 2 1 * *'), ['on the 1st of every month']],
  ['edit', { plan, schedule: { manual: true } }, ['only when I ask', 'manually']],
  [
    'edit',
    { plan, filter: { kinds: ['videos'] } },
    ['only videos', 'Only videos.', 'just videos please', 'only\u00a0videos'],
  ],
  ['edit', { plan, filter: { kinds: ['photos', 'videos'] } }, ['only photos and videos']],
  ['edit', { plan, filter: { only: ['*.heic', '*.jpg'] } }, ['only *.heic, *.jpg']],
  ['edit', { plan, filter: { only: ['Trips – 2024/**'] } }, ['only “Trips – 2024/**”']],
  ['edit', { plan, filter: { except: ['*.mov'] } }, ['except *.mov', 'except *.mov, thanks']],
  ['edit', { plan, clearFilter: true }, ['all files', 'all files please', 'every file']],
  ['edit', { plan, without: ['except'] }, ['no exceptions']],
  ['edit', { plan, filter: { largerThan: 5e6 } }, ['larger than 5MB']],
  [
    'edit',
    { plan, retention: { versions: 5 } },
    ['keep 5 versions', 'keep five versions.', 'can you keep 5 versions?'],
  ],
  ['edit', { plan, retention: { days: 30 } }, ['keep 30 days', 'please keep 30 days']],
  ['edit', { plan, retention: 'everything' }, ['keep everything']],
  [
    'edit',
    { plan, report: 'weekly' },
    ['report weekly', 'reports weekly', 'send me reports weekly', 'report every week'],
  ],
  ['edit', { plan, report: 'daily' }, ['report daily', 'send a report daily']],
  ['edit', { plan, report: 'always' }, ['report always', 'Report after every run.']],
  ['edit', { plan, report: 'never' }, ['report never', 'no reports']],
  ['edit', { plan, report: 'on_failure' }, ['report on failure', 'reports on failure', 'report only if it fails']],
  ['edit', { plan, limit: 5e6 }, ['limit 5MB/s', 'limit 40Mbit/s.', 'make it at most 5MB/s']],
  ['edit', { plan, limit: 0 }, ['no limit', 'full speed']],
  ['edit', { plan, filter: { albums: ['Family'] } }, ['album "Family"', 'album “Family”']],
  ['edit', { plan, layout: '{year}/{month}' }, ['into {year}/{month}']],
  [
    'edit',
    { ...weekly, retention: { versions: 5 } },
    ['weekly keep 5 versions', 'weekly and keep 5 versions', 'make it weekly, keep 5 versions'],
  ],
  ['edit', { plan, name: 'Snaps' }, ['rename it to Snaps']],
  ['verify', { plan }, ['check it', 'check the copies', 'Check the copies, please', 'verify', 'verify it']],
  ['verify', { plan, how: 'full' }, ['verify full', 'check it full']],
  ['restore', { plan, files: ['IMG_2041.HEIC'] }, ['restore IMG_2041.HEIC', 'Restore IMG_2041.HEIC, please']],
  ['restore', { plan, files: ['My Holiday 1.heic'] }, ['restore “My Holiday 1.heic”', "restore 'My Holiday 1.heic'"]],
  ['restore', { plan, files: ['Ａ\u200b–b.jpg'] }, ['restore “Ａ\u200b–b.jpg”']],
  ['restore', { plan, files: [] }, ['restore', 'restore it', 'restore everything']],
  ['find', { plan, words: ['beach'] }, ['find beach', 'search for beach']],
  ['find', { plan, words: ['thanks'] }, ['find thanks']],
  ['show', { plan }, ['show', 'show it', 'Show this.']],
  ['status', {}, ['status', 'Am I safe?', 'How are my backups?']],
  ['help', {}, ['help', 'Help!', 'help me please', '?']],
  ['history', { plan }, ['history']],
  ['preview', { plan }, ['preview', 'dry–run', 'try it']],
  ['undo', { plan }, ['undo', 'undo that', 'Undo, please']],
  [
    'why',
    { plan },
    [
      'why',
      'Why?',
      'why did it fail',
      'why did these 3 fail',
      'Why did these 3 files fail?',
      'why did photos fail',
      'why did the backup fail?',
      'what went wrong',
      'What went wrong with photos?',
      'what failed',
      'what’s wrong?',
      'which files failed?',
    ],
  ],
  ['why', { plan: family }, ['why did Family photos fail']],
  [
    'reports',
    { plan, mailed: false },
    [
      'stop reports',
      'Stop reports.',
      'stop sending reports please',
      'stop mailing me',
      'stop sending me these emails',
      'please remove me from this list',
      'no more reports',
      'No more mails, thanks',
      'unsubscribe',
      'UNSUBSCRIBE',
      'mute reports',
      'reports off',
    ],
  ],
  ['reports', { mailed: false }, ['stop all reports', 'unsubscribe from all', 'no more reports at all']],
  [
    'reports',
    { plan: family, mailed: false },
    ['stop reports of Family photos', 'stop mailing me about family photos'],
  ],
  [
    'reports',
    { plan, mailed: true },
    ['send reports', 'send reports again', 'start reports', 'reports on', 'mail me again'],
  ],
  [
    'report',
    { plan },
    ['report', 'Report please', 'show the report', 'send me the report', 'show me the report again'],
  ],
  [
    'report',
    { plan, as: 'pdf' },
    ['report pdf', 'pdf', 'PDF please', 'report of photos as pdf', 'Send me the report as PDF.', 'send me a pdf'],
  ],
  ['report', { plan: family, as: 'pdf' }, ['report Family photos pdf', 'pdf of Family photos']],
  ['mail', {}, ['mail', 'my mail']],
  [
    'mail',
    { address },
    [
      'mail ana@example.org',
      'Mail ANA@Example.org.',
      'email ana@example.org please',
      'send reports to ana@example.org',
      'Send my reports to <ana@example.org>, thanks',
      'mail reports to ana@example.org',
      'my mail is ana@example.org',
      'mail mailto:ana@example.org',
      'mail <mailto:ana@example.org|ana@example.org>',
      'mail me at ana@example.org\u200b',
      'mail ana＠example.org',
    ],
  ],
  ['link', { code: '2F7K-QM4D-9TRV' }, ['link 2F7K-QM4D-9TRV', 'link 2F7K‑QM4D‑9TRV\u200b', 'Link 2F7K-QM4D-9TRV.']],
];

const said = SAID.flatMap(([name, args, lines]) =>
  lines.map((line): [string, CommandName, object] => [line, name, args]),
);

/** Chatter, signatures, absence notes, heads of quotations, and lines of which only a half is understood. */
const CHATTER = [
  ...['thanks', 'Thanks!', 'thank you!', 'Thank you very much!', 'thx', 'ok', 'OK', 'okay.', 'ok, thanks', 'great'],
  ...[
    'Great!',
    'great, thanks',
    'great job',
    'perfect, thank you!',
    'nice',
    'cool',
    'wow',
    'all good',
    'looks good to me',
  ],
  ...['got it', 'will do', 'noted', 'yes', 'no', 'never', 'never mind', 'no worries', 'no thanks', 'not now', 'later'],
  ...['tomorrow', 'tomorrow?', 'Monday', 'monday?', 'see you on sunday', 'have a nice weekend', 'happy friday'],
  ...[
    'Good morning!',
    'morning',
    'noon',
    'hi',
    'hello',
    'hi Ben',
    'Dear Ana,',
    '9am',
    'at 9',
    'next week',
    'on friday',
  ],
  ...[
    'weekly?',
    'weekly meeting notes attached',
    'weekly meeting',
    'weekly report attached',
    'Weekly backup',
    'weekly report',
  ],
  ...[
    'the weekly one',
    'daily standup moved to 9am',
    'every time',
    'every day the same',
    'everything',
    'everything is fine',
  ],
  ...[
    'all files attached',
    'only joking',
    'only 3',
    'only 3.5',
    'only you',
    'just checking',
    'just a test',
    'no limit?',
  ],
  ...['keep it up', 'keep up the good work', 'keep me posted', 'keep going', 'limit reached', 'max', 'under 5'],
  ...['call it a day', 'call it quits', 'call it off', 'since yesterday', 'before 2024', 'after lunch', 'over and out'],
  ...[
    'again?',
    'again and again',
    'not again',
    'retry?',
    'stop?',
    'run away',
    'make it so',
    'make it quick',
    'make it 5',
  ],
  ...['run tomorrow', 'run it tomorrow at 9am', 'run only videos', 'hold on', 'check this out', 'change of plans'],
  ...[
    '...',
    '!',
    '?!',
    '👍',
    '🎉🎉',
    ':-)',
    'lol',
    'oops',
    'my bad',
    'Ana',
    '- Ana',
    'Cheers!',
    'Best,',
    'please advise',
  ],
  ...[
    'I will look at it tomorrow',
    'I am on vacation until Monday',
    "I'm out of office until Monday",
    'automatic reply',
  ],
  ...['Sent from my iPhone', 'Get Outlook for Android', 'Best regards', 'Mit freundlichen Grüßen', 'FYI, see below'],
  ...['Am 20.11.2026 um 03:00 schrieb Keepsake:', 'On Fri, Nov 20, 2026 at 3:00 AM Keepsake wrote:', '> run now'],
  ...['Le ven. 20 nov. 2026 à 03:00, Keepsake a écrit :', 'is it safe', 'who are you', 'how much space is left'],
  ...[
    'stop reporting me to the boss',
    'mail me later',
    'mail ana@example.org and ben@example.org',
    'report to the boss',
  ],
  ...['why me', 'unsubscribe Ben'],
];

describe('an answer to a report', () => {
  it.each(said)('%j is %s', (line, name, args) => {
    const parsed = parse(line, inThread);
    expect(parsed).toMatchObject({ outcome: 'command', command: { name } });
    if (parsed.outcome === 'command') expect(parsed.command.args).toEqual(args);
  });

  it.each(CHATTER)('%j does nothing', (line) => {
    const parsed = parse(line, inThread);
    expect(parsed.outcome, JSON.stringify(parsed)).not.toBe('command');
  });

  it('has enough of both', () => {
    expect(new Set(said.map(([line]) => line)).size).toBeGreaterThanOrEqual(150);
    expect(new Set(CHATTER).size).toBeGreaterThanOrEqual(60);
  });

  it.each(said.filter(([line, name]) => name === 'edit' && !/\b(?:edit|rename|change)\b/.test(line)))(
    '%j says nothing where no plan is answered',
    (line) => {
      for (const known of [vocabulary, onePlan, noPlans]) expect(parse(line, known).outcome).not.toBe('command');
    },
  );

  it.each(said.filter(([, name]) => name === 'edit'))('%j with a word that means nothing does nothing', (line) => {
    for (const wrong of [`${line} zzqx`, `zzqx ${line}`]) expect(parse(wrong, inThread).outcome).not.toBe('command');
  });
});

describe('what is asked first', () => {
  it.each([
    ['tomorrow', 'edit photos tomorrow'],
    ['call it quits', 'edit photos call it quits'],
    ['no limit?', 'edit photos no limit'],
    ['every sunday at 3', 'every sunday at 03:00'],
    ['stop?', 'stop'],
    ['weekly meeting', 'weekly'],
    ['reports', 'send reports'],
  ])('%j offers %j', (line, choice) => {
    const parsed = parse(line, inThread);
    if (parsed.outcome === 'command') throw new Error(`acted: ${JSON.stringify(parsed.command)}`);
    expect(parsed.choices.map((one) => one.line)).toContain(choice);
  });

  it('a plan that is called like a part of the language', () => {
    const known = {
      ...inThread,
      plans: [{ name: 'photos' }, { name: 'reports' }, { name: 'weekly' }, { name: 'again' }],
    };
    expect(parse('stop reports', known)).toMatchObject({
      outcome: 'clarify',
      choices: [{ line: 'stop "reports"' }, { line: 'no more reports' }],
    });
    expect(parse('stop "reports"', known)).toMatchObject({ command: { name: 'stop', args: { plan: 'reports' } } });
    expect(parse('no more reports', known)).toMatchObject({ command: { name: 'reports', args: { mailed: false } } });
    expect(parse('weekly', known)).toMatchObject({ command: { name: 'show', args: { plan: 'weekly' } } });
    expect(parse('again', known)).toMatchObject({ command: { name: 'show', args: { plan: 'again' } } });
    expect(parse('run weekly now', known)).toMatchObject({ command: { name: 'run', args: { plan: 'weekly' } } });
    expect(parse('run weekly', inThread)).toMatchObject({ command: { name: 'edit', args: { plan: 'photos' } } });
  });

  it('nothing is deleted by "it"', () => {
    expect(parse('delete it', inThread).outcome).not.toBe('command');
  });
});

describe('plans whose line begins like a command', () => {
  const accounts = [...vocabulary.accounts, { name: 'mail', kind: 'gmail' }];
  it.each([
    'mail to /mnt/usb weekly',
    'report weekly icloud to gdrive',
    'report never ~/a to ~/b',
    'reports off ~/a to ~/b',
  ])('%s', (line) => {
    expect(parse(line, { ...vocabulary, accounts })).toMatchObject({ command: { name: 'create' } });
  });
});
