/** What people type for a new plan, and what the grammar makes of it. */
import { describe, expect, it } from 'vitest';
import type { CommandArgs, Parsed, Vocabulary } from '../src/engine/commands/command.ts';
import { parse } from '../src/engine/commands/grammar.ts';
import { noPlans, onePlan, vocabulary } from './grammar-vocabulary.ts';

function created(line: string, known: Vocabulary = vocabulary): CommandArgs['create'] {
  const parsed = parse(line, known);
  if (parsed.outcome !== 'command' || parsed.command.name !== 'create') {
    throw new Error(`${line}: ${JSON.stringify(parsed)}`);
  }
  return parsed.command.args;
}

const place = ({ account, kind, root }: CommandArgs['create']['source']) =>
  (account ?? kind) + (root === '' ? '' : `:${root}`);
const places = (line: string, known?: Vocabulary) => {
  const { source, destinations } = created(line, known);
  return `${place(source)} > ${destinations.map(place).join(' + ')}`;
};

const asProblem = (parsed: Parsed): Exclude<Parsed, { outcome: 'command' }> => {
  if (parsed.outcome === 'command') throw new Error(`acted: ${JSON.stringify(parsed.command)}`);
  return parsed;
};

describe('places', () => {
  it.each([
    ['icloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['ICLOUD TO GDRIVE', 'iCloud of Ana > gdrive-ana'],
    ['İCLOUD to GDRİVE', 'iCloud of Ana > gdrive-ana'],
    ['ｉｃｌｏｕｄ ｔｏ ｇｄｒｉｖｅ', 'iCloud of Ana > gdrive-ana'],
    ['ic\u200bloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['icloud\u00a0to\u2003gdrive', 'iCloud of Ana > gdrive-ana'],
    ['icloud\nto\r\ngdrive', 'iCloud of Ana > gdrive-ana'],
    ['  backup   icloud   to   gdrive  ', 'iCloud of Ana > gdrive-ana'],
    ['/backup icloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['/BACKUP icloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['back up icloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['please back up my icloud to the gdrive please', 'iCloud of Ana > gdrive-ana'],
    ['could you please back up icloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['new icloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['create backup icloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['icloud to gdrive now', 'iCloud of Ana > gdrive-ana'],
    ['icloud to gdrive.', 'iCloud of Ana > gdrive-ana'],
    ['icloud to gdrive!', 'iCloud of Ana > gdrive-ana'],
    ['icloud -> gdrive', 'iCloud of Ana > gdrive-ana'],
    ['icloud → gdrive', 'iCloud of Ana > gdrive-ana'],
    ['icloud into gdrive', 'iCloud of Ana > gdrive-ana'],
    ['from icloud to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['to gdrive from icloud', 'iCloud of Ana > gdrive-ana'],
    ['apple photos to google drive', 'iCloud of Ana > gdrive-ana'],
    ['iCloud Photos to Google Drive', 'iCloud of Ana > gdrive-ana'],
    ['gd:/Photos to one drive', 'gdrive-ana:/Photos > onedrive'],
    ['google drive:/Photos to onedrive', 'gdrive-ana:/Photos > onedrive'],
    ['"iCloud of Ana" to gdrive-ana', 'iCloud of Ana > gdrive-ana'],
    ['icloud of ana to gdrive', 'iCloud of Ana > gdrive-ana'],
    ['iCloud of Ana:album/Family to gdrive', 'iCloud of Ana:album/Family > gdrive-ana'],
    ['"iCloud of Ana":album/Family to gdrive', 'iCloud of Ana:album/Family > gdrive-ana'],
    ['icloud:album/Family to gdrive:/Photos', 'iCloud of Ana:album/Family > gdrive-ana:/Photos'],
    ['icloud:album/Family to work-s3:bucket/path', 'iCloud of Ana:album/Family > work-s3:bucket/path'],
    ['gdrive to "home s3":b/c', 'gdrive-ana > home s3:b/c'],
    ['gdrive to "home s3:b/c"', 'gdrive-ana > home s3:b/c'],
    ['gdrive to HOME S3:Bucket/Path', 'gdrive-ana > home s3:Bucket/Path'],
    ['gdrive:"My Photos" to work-s3', 'gdrive-ana:My Photos > work-s3'],
    ['“gdrive” to ‘work-s3’', 'gdrive-ana > work-s3'],
    ['„gdrive“ to «work-s3»', 'gdrive-ana > work-s3'],
    ["'gdrive' to 'work-s3'", 'gdrive-ana > work-s3'],
    ['./folder to gdrive', 'local:./folder > gdrive-ana'],
    ['. to gdrive', 'local:. > gdrive-ana'],
    ['../x to gdrive', 'local:../x > gdrive-ana'],
    ['~/Pictures to /mnt/usb', 'local:~/Pictures > local:/mnt/usb'],
    ['~ to /mnt/usb', 'local:~ > local:/mnt/usb'],
    ['/mnt/usb to gdrive', 'local:/mnt/usb > gdrive-ana'],
    ['C:\\Pictures to gdrive', 'local:C:\\Pictures > gdrive-ana'],
    ['c:/Pictures to gdrive', 'local:c:/Pictures > gdrive-ana'],
    ['"C:\\My Pictures\\" to gdrive', 'local:C:\\My Pictures\\ > gdrive-ana'],
    ['\\\\nas\\share to gdrive', 'local:\\\\nas\\share > gdrive-ana'],
    ['"./My Photos" to gdrive', 'local:./My Photos > gdrive-ana'],
    ["'./My Photos' to gdrive", 'local:./My Photos > gdrive-ana'],
    ['./My\\ Photos to gdrive', 'local:./My Photos > gdrive-ana'],
    ["./O'Brien to gdrive", "local:./O'Brien > gdrive-ana"],
    ["'./O'Brien' to gdrive", "local:./O'Brien > gdrive-ana"],
    ['"./say ""hi""" to gdrive', 'local:./say "hi" > gdrive-ana'],
    ['./ｆｕｌｌ to gdrive', 'local:./ｆｕｌｌ > gdrive-ana'],
    ['./Ünï-😀 to gdrive', 'local:./Ünï-😀 > gdrive-ana'],
    ['./cafe\u0301 to gdrive', 'local:./cafe\u0301 > gdrive-ana'],
    ['./UPPER to gdrive', 'local:./UPPER > gdrive-ana'],
    ['"./a  b" to gdrive', 'local:./a  b > gdrive-ana'],
    ['my computer ~/Pictures to gdrive', 'local:~/Pictures > gdrive-ana'],
    ['my computer:~/Pictures to gdrive', 'local:~/Pictures > gdrive-ana'],
    ['local:/data to gdrive', 'local:/data > gdrive-ana'],
    ['icloud to gdrive and onedrive', 'iCloud of Ana > gdrive-ana + onedrive'],
    ['icloud to gdrive, onedrive and work-s3:b', 'iCloud of Ana > gdrive-ana + onedrive + work-s3:b'],
    ['icloud to gdrive and to onedrive', 'iCloud of Ana > gdrive-ana + onedrive'],
    ['icloud to gdrive & onedrive', 'iCloud of Ana > gdrive-ana + onedrive'],
    ['~/Pictures to /mnt/usb and ./copy', 'local:~/Pictures > local:/mnt/usb + local:./copy'],
    ['gdrive:/a to gdrive:/b', 'gdrive-ana:/a > gdrive-ana:/b'],
  ])('%s', (line, expected) => {
    expect(places(line)).toBe(expected);
  });

  it('leaves the account open where none is connected', () => {
    expect(created('icloud to gdrive', noPlans).source).toEqual({ text: 'icloud', kind: 'icloud', root: '' });
  });

  it('takes an account before a kind of the same name', () => {
    const accounts = [
      { name: 'gdrive', kind: 'webdav' },
      { name: 'other', kind: 'gdrive' },
    ];
    const { source } = created('gdrive:/x to /mnt/usb', { ...vocabulary, accounts });
    expect(source).toMatchObject({ account: 'gdrive', kind: 'webdav', root: '/x' });
  });
});

describe('schedules and options, in any order', () => {
  const friday = { cron: '0 2 * * 5', zone: 'Europe/Berlin' };
  it.each<[string, Partial<CommandArgs['create']>]>([
    ['icloud to gdrive weekly', { schedule: friday }],
    ['weekly icloud to gdrive', { schedule: friday }],
    ['icloud weekly to gdrive', { schedule: friday }],
    ['icloud to gdrive, weekly', { schedule: friday }],
    ['weekly icloud to gdrive at 02:00', { schedule: friday }],
    ['at 04:30 icloud to gdrive weekly', { schedule: { ...friday, cron: '30 4 * * 5' } }],
    ['weekly icloud to gdrive at 05:00 in Europe/Paris', { schedule: { cron: '0 5 * * 5', zone: 'Europe/Paris' } }],
    ['icloud to gdrive weekly in Europe/Paris', { schedule: { cron: '0 2 * * 5', zone: 'Europe/Paris' } }],
    ['icloud to gdrive monday to friday', { schedule: { ...friday, cron: '0 2 * * 1-5' } }],
    ['icloud to gdrive mon,wed,fri 23:00', { schedule: { ...friday, cron: '0 23 * * 1,3,5' } }],
    ['icloud to gdrive every 6 hours', { schedule: { ...friday, cron: '0 */6 * * *' } }],
    ['icloud to gdrive only when I ask', { schedule: { manual: true } }],
    ['icloud to gdrive cron 30 4 * * 1-5', { schedule: { ...friday, cron: '30 4 * * 1-5' } }],
    ['icloud to gdrive tomorrow at 9am', { schedule: { at: '2026-11-21T09:00', zone: 'Europe/Berlin' } }],
    [
      'every sunday back up icloud to gdrive keep 5 versions',
      { schedule: { ...friday, cron: '0 2 * * 0' }, retention: { versions: 5 } },
    ],
    ['icloud to gdrive only photos', { filter: { kinds: ['photos'] } }],
    ['only photos icloud to gdrive', { filter: { kinds: ['photos'] } }],
    ['icloud to gdrive only photos and videos', { filter: { kinds: ['photos', 'videos'] } }],
    ['icloud to gdrive only photos, *.pdf', { filter: { kinds: ['photos'], only: ['*.pdf'] } }],
    ['icloud to gdrive only *.heic,*.jpg', { filter: { only: ['*.heic', '*.jpg'] } }],
    ['icloud to gdrive only *.heic, *.jpg weekly', { filter: { only: ['*.heic', '*.jpg'] }, schedule: friday }],
    ['icloud to gdrive only *.heic and .jpg', { filter: { only: ['*.heic', '*.jpg'] } }],
    ['icloud to gdrive only "My Folder/**"', { filter: { only: ['My Folder/**'] } }],
    ['icloud to gdrive only Holiday/**', { filter: { only: ['Holiday/**'] } }],
    ['icloud to gdrive except *.mov', { filter: { except: ['*.mov'] } }],
    ['icloud to gdrive without *.mov, *.avi', { filter: { except: ['*.mov', '*.avi'] } }],
    ['icloud to gdrive only photos except *.gif', { filter: { kinds: ['photos'], except: ['*.gif'] } }],
    ['every monday icloud to gdrive except *.mov', { filter: { except: ['*.mov'] } }],
    ['icloud to gdrive larger than 5MB', { filter: { largerThan: 5_000_000 } }],
    ['icloud to gdrive only files bigger than 5 mb', { filter: { largerThan: 5_000_000 } }],
    ['icloud to gdrive over 1,5 GB', { filter: { largerThan: 1_500_000_000 } }],
    ['icloud to gdrive smaller than 5MiB', { filter: { smallerThan: 5_242_880 } }],
    ['icloud to gdrive under 10 megabytes', { filter: { smallerThan: 10_000_000 } }],
    ['icloud to gdrive smaller than 200kB', { filter: { smallerThan: 200_000 } }],
    ['icloud to gdrive larger than 1KiB smaller than 2TB', { filter: { largerThan: 1024, smallerThan: 2e12 } }],
    ['icloud to gdrive since 2024-01-01', { filter: { since: '2023-12-31T23:00:00.000Z' } }],
    ['icloud to gdrive since march', { filter: { since: '2026-02-28T23:00:00.000Z' } }],
    ['icloud to gdrive since 2024', { filter: { since: '2023-12-31T23:00:00.000Z' } }],
    ['icloud to gdrive after 2024', { filter: { since: '2024-12-31T23:00:00.000Z' } }],
    ['icloud to gdrive before 2024-06-01 weekly', { filter: { before: '2024-05-31T22:00:00.000Z' }, schedule: friday }],
    ['icloud to gdrive album "Family"', { filter: { albums: ['Family'] } }],
    ['icloud album Family to gdrive', { filter: { albums: ['Family'] } }],
    ['icloud albums A, B to gdrive', { filter: { albums: ['A', 'B'] } }],
    ['icloud albums A and B to gdrive', { filter: { albums: ['A', 'B'] } }],
    ['icloud to gdrive albums "Summer 2024", Kids', { filter: { albums: ['Summer 2024', 'Kids'] } }],
    ['icloud to gdrive keep 5 versions', { retention: { versions: 5 } }],
    ['icloud to gdrive keep five versions', { retention: { versions: 5 } }],
    ['icloud to gdrive keep the last 5 versions', { retention: { versions: 5 } }],
    ['icloud to gdrive keep 30 days', { retention: { days: 30 } }],
    ['icloud to gdrive keep 2 weeks', { retention: { days: 14 } }],
    ['icloud to gdrive keep 7 daily 4 weekly 12 monthly', { retention: { daily: 7, weekly: 4, monthly: 12 } }],
    ['icloud to gdrive keep 7 daily, 4 weekly and 2 yearly', { retention: { daily: 7, weekly: 4, yearly: 2 } }],
    ['icloud to gdrive weekly keep 7 daily', { retention: { daily: 7 }, schedule: friday }],
    ['icloud to gdrive named "My plan"', { name: 'My plan' }],
    ['icloud to gdrive called Plan', { name: 'Plan' }],
    ['icloud to gdrive as "to gdrive weekly"', { name: 'to gdrive weekly' }],
    ['icloud to gdrive named „Größe“', { name: 'Größe' }],
    ['icloud to gdrive report always', { report: 'always' }],
    ['icloud to gdrive report on failure', { report: 'on_failure' }],
    ['icloud to gdrive report daily', { report: 'daily' }],
    ['icloud to gdrive report weekly monthly', { report: 'weekly', schedule: { ...friday, cron: '0 2 20 * *' } }],
    ['icloud to gdrive report never', { report: 'never' }],
    ['icloud to gdrive no reports', { report: 'never' }],
    ['icloud to gdrive limit 5MB/s', { limit: 5_000_000 }],
    ['icloud to gdrive limit 5 MB per second', { limit: 5_000_000 }],
    ['icloud to gdrive limit to 40 Mbit/s', { limit: 5_000_000 }],
    ['icloud to gdrive into {year}/{month}', { layout: '{year}/{month}' }],
    ['icloud to gdrive into "Photos of {year}/{album}"', { layout: 'Photos of {year}/{album}' }],
    ['icloud to gdrive weekly and keep 5 versions and only photos', { filter: { kinds: ['photos'] } }],
  ])('%s', (line, expected) => {
    expect(created(line)).toMatchObject(expected);
  });

  it('says nothing of what was not said', () => {
    expect(Object.keys(created('icloud to gdrive')).sort()).toEqual(['destinations', 'line', 'source']);
    for (const words of ['keep everything', 'no limit', 'all files', 'no layout']) {
      expect(Object.keys(created(`icloud to gdrive ${words}`)).sort()).toEqual(['destinations', 'line', 'source']);
    }
  });
});

describe('what does not act', () => {
  it.each<[string, string, string | undefined]>([
    // line, code, a choice among those offered
    ['icloud gdrive weekly', 'missing_to', 'icloud to gdrive weekly'],
    ['icloud weekly', 'missing_destination', 'icloud to gdrive-ana weekly'],
    ['to gdrive weekly', 'missing_source', 'from work-s3 to gdrive weekly'],
    ['to gdrive icloud', 'missing_from', 'to gdrive from icloud'],
    ['icloud and gmail to gdrive', 'two_sources', 'gmail to gdrive'],
    ['icloud gmail to gdrive', 'two_sources', 'icloud to gdrive'],
    ['gdirve to work-s3', 'unknown_place', 'gdrive to work-s3'],
    ['icloud to gdirve', 'unknown_place', 'icloud to gdrive'],
    ['icloud to gdirve weekly', 'unknown_place', 'icloud to gdrive weekly'],
    ['iclod to gdirve:/Photos wekly', 'unknown_place', 'icloud to gdrive:/Photos weekly'],
    ['googel drive to work-s3', 'unknown_place', 'Google Drive to work-s3'],
    ['dropbox to gdrive', 'unknown_place', undefined],
    ['~/a to /mnt/usb into ../x', 'bad_layout', '~/a to /mnt/usb into {year}/{month}'],
    ['"dropbox" to gdrive', 'unknown_place', undefined],
    ['https://x.example/a to gdrive', 'unknown_place', undefined],
    ['Pictures/2024 to gdrive', 'unknown_place', './Pictures/2024 to gdrive'],
    ['icloud to gdrive,onedrive', 'unknown_place', 'icloud to gdrive and onedrive'],
    ['icloud->gdrive', 'unknown_command', 'icloud to gdrive'],
    ['./My Photos to gdrive weekly', 'quote_path', '"./My Photos" to gdrive weekly'],
    ['icloud to /mnt/My Disk weekly', 'quote_path', 'icloud to "/mnt/My Disk" weekly'],
    ['C:\\My Pictures to gdrive', 'quote_path', '"C:\\My Pictures" to gdrive'],
    ['gdrive to icloud', 'not_a_destination', undefined],
    ['gdrive to gdrive', 'same_place', 'gdrive to work-s3'],
    ['gdrive to gdrive-ana', 'same_place', undefined],
    ['~/a to ~/a/', 'same_place', undefined],
    ['C:\\A to c:/a', 'same_place', undefined],
    ['~/a to ~/a/b', 'destination_inside', undefined],
    ['/ to /mnt/usb', 'destination_inside', undefined],
    ['gdrive to gdrive:/Backup', 'destination_inside', undefined],
    ['icloud to gdrive and gdrive', 'same_destination', 'icloud to gdrive'],
    ['icloud to gdrive weekly daily', 'two_schedules', 'icloud to gdrive daily'],
    ['weekly icloud to gdrive daily', 'two_schedules', 'icloud to gdrive daily'],
    ['monday icloud to gdrive weekly thursday', 'two_schedules', undefined],
    ['icloud to gdrive every 5 minutes', 'too_often', 'icloud to gdrive every 15 minutes'],
    ['icloud to gdrive every day at 25:00', 'bad_time', 'icloud to gdrive every day at 01:00'],
    ['icloud to gdrive every february 30', 'no_such_date', undefined],
    ['icloud to gdrive evry week', 'not_understood', 'icloud to gdrive every week'],
    ['icloud to gdrive --weekly', 'flag', 'icloud to gdrive weekly'],
    ['icloud to gdrive —weekly', 'flag', 'icloud to gdrive weekly'],
    ['icloud to gdrive -v weekly', 'flag', 'icloud to gdrive weekly'],
    ['icloud to gdrive --keep=5 versions', 'flag', 'icloud to gdrive keep 5 versions'],
    ['icloud to gdrive only photos only videos', 'twice', 'icloud to gdrive only videos'],
    ['icloud to gdrive keep 5 versions keep 30 days', 'twice', 'icloud to gdrive keep 30 days'],
    ['icloud to gdrive limit 5MB/s no limit', 'twice', 'icloud to gdrive no limit'],
    ['icloud to gdrive named "a" called "b"', 'twice', 'icloud to gdrive called "b"'],
    ['icloud to gdrive larger than 5GB smaller than 5MB', 'contradiction', 'icloud to gdrive larger than 5GB'],
    ['icloud to gdrive since 2024 before 2023', 'contradiction', 'icloud to gdrive since 2024'],
    ['icloud to gdrive only *.mov except *.MOV', 'contradiction', undefined],
    ['icloud to gdrive except *', 'contradiction', undefined],
    ['icloud to gdrive all files only photos', 'contradiction', 'icloud to gdrive only photos'],
    ['icloud to gdrive keep 7 days, 4 weeks', 'contradiction', 'icloud to gdrive keep 7 daily 4 weekly'],
    ['icloud to gdrive keep', 'bad_keep', 'icloud to gdrive keep 5 versions'],
    ['icloud to gdrive keep 0 versions', 'bad_keep', 'icloud to gdrive keep everything'],
    ['icloud to gdrive larger than 5', 'bad_size', 'icloud to gdrive larger than 5MB'],
    ['icloud to gdrive larger than big', 'bad_size', 'icloud to gdrive larger than 5MB'],
    ['icloud to gdrive limit 5', 'bad_rate', 'icloud to gdrive limit 5MB/s'],
    ['icloud to gdrive limit 5B/s', 'bad_rate', undefined],
    ['icloud to gdrive since soon', 'bad_date', undefined],
    ['icloud to gdrive report sometimes', 'bad_report', undefined],
    ['icloud to gdrive into {yaer}', 'bad_layout', 'icloud to gdrive into {year}'],
    ['icloud to gdrive into year/month', 'bad_layout', 'icloud to gdrive into {year}/{month}'],
    ['icloud to gdrive into ../{year}', 'bad_layout', 'icloud to gdrive into {year}/{month}'],
    ['icloud to gdrive into {year', 'bad_layout', undefined],
    ['icloud to gdrive only jpg', 'bad_files', 'icloud to gdrive only *.jpg'],
    ['icloud to gdrive only /abs/**', 'bad_files', 'icloud to gdrive only abs/**'],
    ['icloud to gdrive only ../x/*', 'bad_files', undefined],
    ['icloud to gdrive except videos', 'bad_files', 'icloud to gdrive except *.mov,*.mp4,*.m4v,*.avi,*.mkv'],
    ['icloud to gdrive named My Photos', 'unread', 'icloud to gdrive named "My Photos"'],
    ['icloud to gdrive album Summer 2024', 'unread', 'icloud to gdrive album "Summer 2024"'],
    ['icloud to gdrive as pdf', 'unread', 'icloud to gdrive'],
    ['copy icloud to gdrive', 'unread', 'icloud to gdrive'],
    ["don't back up icloud to gdrive", 'unread', undefined],
    ['icloud to gdrive weekly foo', 'unread', 'icloud to gdrive weekly'],
    ['icloud to gdrive weekly and dropbox', 'unread', undefined],
    ['icloud to gdrive "weekly"', 'unread', 'icloud to gdrive'],
    ['icloud to gdrive in Europe/Paris', 'not_understood', undefined],
    ['icloud to gdrive password=hunter2', 'secret_in_line', 'icloud to gdrive'],
    ['icloud to gdrive "unclosed', 'unclosed_quote', undefined],
    ['icloud to "gdrive weekly', 'unclosed_quote', 'icloud to gdrive weekly'],
    ['icloud to gdrive \u0007', 'control_character', undefined],
    ['icloud to \u202egdrive', 'control_character', undefined],
    ['icloud to \ud800gdrive', 'control_character', undefined],
    ['hello', 'unknown_command', 'help'],
    ['photos bananas', 'which_command', undefined],
    ['back up my photos from icloud to gdrive', 'unread', 'back up my only photos from icloud to gdrive'],
    ['show me the money', 'unknown_plan', undefined],
    [`icloud to gdrive ${'x'.repeat(2000)}`, 'too_long', undefined],
    [`icloud to gdrive ${'x '.repeat(900)}`, 'too_long', undefined],
  ])('%s', (line, code, choice) => {
    const parsed = asProblem(parse(line, vocabulary));
    expect(parsed.outcome).toBe('error');
    expect(parsed.code).toBe(code);
    if (choice !== undefined) expect(parsed.choices.map((one) => one.line)).toContain(choice);
  });

  it.each<[string, string, string[]]>([
    ['icloud to s3', 'which_account', ['icloud to work-s3', 'icloud to "home s3"']],
    ['icloud to s3:b/c weekly', 'which_account', ['icloud to work-s3:b/c weekly', 'icloud to "home s3:b/c" weekly']],
    ['my computer to gdrive', 'needs_folder', ['~/Pictures to gdrive']],
    ['icloud to my computer weekly', 'needs_folder', ['icloud to ~/Backups weekly']],
    [
      'icloud to gdrive biweekly keep 5 versions',
      'schedule',
      [
        'icloud to gdrive every 2 weeks on friday at 02:00 keep 5 versions',
        'icloud to gdrive every monday and thursday at 02:00 keep 5 versions',
      ],
    ],
    ['icloud to gdrive keep 5', 'keep_what', ['icloud to gdrive keep 5 versions', 'icloud to gdrive keep 5 days']],
    ['icloud to gdrive limit 50mbps', 'bits_or_bytes', ['icloud to gdrive limit 50Mbit/s']],
    ['photos weekly', 'which_command', ['edit photos weekly']],
    ['Family photos pause', 'which_command', ['pause "Family photos"']],
    ['back up Family photos please', 'which_command', ['run "Family photos" please', 'show "Family photos" please']],
  ])('asks: %s', (line, code, lines) => {
    const parsed = asProblem(parse(line, vocabulary));
    expect(parsed).toMatchObject({ outcome: 'clarify', code });
    expect(parsed.choices.map((choice) => choice.line)).toEqual(expect.arrayContaining(lines));
  });

  it('offers every combination when two things are open', () => {
    const parsed = asProblem(parse('icloud to s3 biweekly', vocabulary));
    expect(parsed.choices.map((choice) => choice.line)).toEqual([
      'icloud to work-s3 every 2 weeks on friday at 02:00',
      'icloud to work-s3 every monday and thursday at 02:00',
      'icloud to "home s3" every 2 weeks on friday at 02:00',
      'icloud to "home s3" every monday and thursday at 02:00',
    ]);
  });

  it('says what it read and what not', () => {
    const parsed = parse('icloud to gdrive weekly only photos bananas', vocabulary);
    expect(parsed).toMatchObject({
      outcome: 'error',
      read: 'icloud → gdrive, weekly, only photos',
      unread: '"bananas"',
      example: 'backup ~/Pictures to /mnt/usb weekly',
    });
    expect(parse('gdirve to work-s3', vocabulary)).toMatchObject({
      message: expect.stringContaining('Did you mean gdrive?'),
      read: '? → work-s3',
    });
  });

  it.each([
    'connect webdav password=hunter2',
    'connect webdav "password=hunter2"',
    'connect webdav --password=hunter2',
    'connect webdav PASSWORD: hunter2',
    'connect webdav password hunter2',
    'connect webdav password is hunter2',
    'connect webdav secretAccessKey=hunter2',
    'connect webdav url=https://ana:hunter2@nas.example',
    'https://ana:hunter2@nas.example to gdrive',
    'icloud to gdrive api_key=hunter2',
    'run photos token=hunter2',
    'pasword=hunter2x passwd=hunter2',
  ])('never says a secret back: %s', (line) => {
    const parsed = parse(line, vocabulary);
    expect(parsed).toMatchObject({ outcome: 'error', code: 'secret_in_line' });
    if (!line.startsWith('pasword')) expect(JSON.stringify(parsed)).not.toContain('hunter2');
  });
});

describe('people who have connected nothing', () => {
  const fresh = { ...noPlans, kinds: vocabulary.kinds.filter(({ name }) => ['local', 'webdav', 's3'].includes(name)) };
  const answer = (line: string) => asProblem(parse(line, fresh));

  it.each(['run photos anyway', 'run anyway'])('%s is the answer to a run that asks', (line) => {
    expect(parse(line, onePlan)).toEqual({
      outcome: 'command',
      command: { name: 'run', args: { plan: 'photos', anyway: true } },
    });
  });

  it.each([
    ['~/Pictures to nas:X and dav2:Y', 'unknown_account', 'as dav2'],
    ['~/Pictures to dav2:Y daily', 'unknown_account', 'as dav2'],
    ['~/Pictures to', 'missing_place', 'After "to" a place is missing'],
    ['~/Pictures to /mnt/usb and', 'missing_place', 'After "and" a place is missing'],
    ['icloud to gdrive weekly', 'unknown_place', 'A folder is written like ~/Pictures'],
  ])('%s', (line, code, said) => {
    const problem = answer(line);
    if (problem.outcome !== 'error') throw new Error(`${line} was a question.`);
    expect(problem.code).toBe(code);
    expect(problem.message).toContain(said);
    expect(problem.message).not.toMatch(/\blocal\b|quoted/);
    expect(parse(problem.example, fresh).outcome).toBe('command');
  });

  it('a missing place is not filled with a service that has no account', () => {
    expect(answer('backup ~/Pictures').choices).toEqual([]);
  });

  it('a mistyped "backup" is mended', () => {
    expect(answer('bakcup ~/Pictures to /mnt/usb').choices[0]?.line).toBe('backup ~/Pictures to /mnt/usb');
  });
});
