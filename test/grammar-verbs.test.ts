/** Every command with a word of its own: what it becomes, and what it asks when something is missing. */
import { describe, expect, it } from 'vitest';
import type { CommandName, Vocabulary } from '../src/engine/commands/command.ts';
import { RESERVED } from '../src/engine/commands/grammar/keywords.ts';
import { isOptionHead, optionWords } from '../src/engine/commands/grammar/options.ts';
import { EXAMPLES } from '../src/engine/commands/grammar/verbs.ts';
import { wordsOf } from '../src/engine/commands/grammar/words.ts';
import { parse } from '../src/engine/commands/grammar.ts';
import { COMMANDS } from '../src/engine/commands/index.ts';
import { inThread, noPlans, onePlan, vocabulary } from './grammar-vocabulary.ts';

const monday = '2026-11-22T23:00:00.000Z';

describe('commands', () => {
  it.each<[string, CommandName, object]>([
    ['', 'status', {}],
    ['   ', 'status', {}],
    ['/backup', 'status', {}],
    ['status', 'status', {}],
    ['Am I safe?', 'status', {}],
    ['list', 'list', {}],
    ['/backup list', 'list', {}],
    ['PLANS', 'list', {}],
    ['list please', 'list', {}],
    ['show photos', 'show', { plan: 'photos' }],
    ['show FAMILY PHOTOS', 'show', { plan: 'Family photos' }],
    ['show the plan pictures to usb', 'show', { plan: 'Pictures to usb' }],
    ['show "Family photos"', 'show', { plan: 'Family photos' }],
    ['show “family photos”', 'show', { plan: 'Family photos' }],
    ['photos', 'show', { plan: 'photos' }],
    ['pictures to usb', 'show', { plan: 'Pictures to usb' }],
    ['run', 'run', {}],
    ['run photos', 'run', { plan: 'photos' }],
    ['run photos now', 'run', { plan: 'photos' }],
    ['run now', 'run', {}],
    ['start Family photos', 'run', { plan: 'Family photos' }],
    ['run Pictures to usb now please', 'run', { plan: 'Pictures to usb' }],
    ['stop', 'stop', {}],
    ['stop photos', 'stop', { plan: 'photos' }],
    ['cancel family photos', 'stop', { plan: 'Family photos' }],
    ['pause', 'pause', {}],
    ['pause photos', 'pause', { plan: 'photos' }],
    ['pause photos until monday', 'pause', { plan: 'photos', until: monday }],
    ['pause until monday', 'pause', { until: monday }],
    ['pause photos until 2026-12-24', 'pause', { plan: 'photos', until: '2026-12-23T23:00:00.000Z' }],
    ['pause photos for 3 days', 'pause', { plan: 'photos', until: '2026-11-23T14:23:00.000Z' }],
    ['pause photos for a week', 'pause', { plan: 'photos', until: '2026-11-27T14:23:00.000Z' }],
    ['pause for 2h', 'pause', { until: '2026-11-20T16:23:00.000Z' }],
    ['resume', 'resume', {}],
    ['resume photos', 'resume', { plan: 'photos' }],
    ['continue family photos', 'resume', { plan: 'Family photos' }],
    ['edit photos', 'edit', { plan: 'photos' }],
    ['edit photos no exceptions no maximum size', 'edit', { plan: 'photos', without: ['except', 'smallerThan'] }],
    [
      'edit photos all types larger than 5MB',
      'edit',
      { plan: 'photos', without: ['only', 'kinds'], filter: { largerThan: 5e6 } },
    ],
    ['connect', 'help', { command: 'connect' }],
    ['edit photos weekly', 'edit', { plan: 'photos', schedule: { cron: '0 2 * * 5', zone: 'Europe/Berlin' } }],
    ['edit photos to weekly', 'edit', { plan: 'photos', schedule: { cron: '0 2 * * 5', zone: 'Europe/Berlin' } }],
    ['edit Pictures to usb keep 30 days', 'edit', { plan: 'Pictures to usb', retention: { days: 30 } }],
    ['edit photos keep everything', 'edit', { plan: 'photos', retention: 'everything' }],
    ['edit photos no limit no layout', 'edit', { plan: 'photos', limit: 0, layout: '' }],
    [
      'edit photos all files except *.mov',
      'edit',
      { plan: 'photos', clearFilter: true, filter: { except: ['*.mov'] } },
    ],
    ['edit photos named "New name" report never', 'edit', { plan: 'photos', name: 'New name', report: 'never' }],
    ['change photos only when I ask', 'edit', { plan: 'photos', schedule: { manual: true } }],
    ['rename photos to "My photos"', 'edit', { plan: 'photos', name: 'My photos' }],
    ['rename family photos to Snaps', 'edit', { plan: 'Family photos', name: 'Snaps' }],
    ['delete photos', 'delete', { plan: 'photos' }],
    ['remove family photos', 'delete', { plan: 'Family photos' }],
    ['preview photos', 'preview', { plan: 'photos' }],
    ['dry run family photos', 'preview', { plan: 'Family photos' }],
    ['history', 'history', {}],
    ['history photos', 'history', { plan: 'photos' }],
    ['report', 'report', {}],
    ['report photos', 'report', { plan: 'photos' }],
    ['report of family photos as pdf', 'report', { plan: 'Family photos', as: 'pdf' }],
    ['why', 'why', {}],
    ['why did photos fail?', 'why', { plan: 'photos' }],
    ['stop reports', 'reports', { mailed: false }],
    ['stop reports of photos', 'reports', { plan: 'photos', mailed: false }],
    ['send reports', 'reports', { mailed: true }],
    ['mail', 'mail', {}],
    ['mail Ana@Example.org', 'mail', { address: 'ana@example.org' }],
    ['retry photos', 'run', { plan: 'photos' }],
    ['run photos again', 'run', { plan: 'photos' }],
    ['snapshots of photos', 'snapshots', { plan: 'photos' }],
    ['snapshots photos', 'snapshots', { plan: 'photos' }],
    ['find beach', 'find', { words: ['beach'] }],
    ['find beach 2024 in photos', 'find', { words: ['beach', '2024'], plan: 'photos' }],
    ['find "my beach" in family photos', 'find', { words: ['my beach'], plan: 'Family photos' }],
    ['find boats in italy', 'find', { words: ['boats', 'in', 'italy'] }],
    ['find IMG_*.HEIC', 'find', { words: ['IMG_*.HEIC'] }],
    ['restore photos', 'restore', { plan: 'photos', files: [] }],
    ['restore photos IMG_2041.HEIC', 'restore', { plan: 'photos', files: ['IMG_2041.HEIC'] }],
    ['restore photos *.heic,*.jpg', 'restore', { plan: 'photos', files: ['*.heic', '*.jpg'] }],
    ['restore photos "My Holiday/IMG 1.jpg" b.jpg', 'restore', { files: ['My Holiday/IMG 1.jpg', 'b.jpg'] }],
    ['restore photos Holiday', 'restore', { plan: 'photos', files: ['Holiday'] }],
    ['restore photos from yesterday', 'restore', { from: { at: '2026-11-19T22:59:59.999Z' } }],
    ['restore photos from march', 'restore', { from: { at: '2026-03-31T21:59:59.999Z' } }],
    ['restore photos from today', 'restore', { from: { at: '2026-11-20T14:23:00.000Z' } }],
    ['restore photos from r7f3a', 'restore', { from: { snapshot: 'r7f3a' } }],
    ['restore photos from the latest', 'restore', { plan: 'photos', files: [] }],
    ['restore photos to ~/Restored', 'restore', { to: { kind: 'local', root: '~/Restored' } }],
    ['restore photos to gdrive:/Back replace', 'restore', { to: { account: 'gdrive-ana' }, existing: 'replace' }],
    ['restore photos a.jpg from march to ./x keep both', 'restore', { files: ['a.jpg'], existing: 'keep_both' }],
    ['restore photos skip existing', 'restore', { plan: 'photos', existing: 'skip' }],
    ['verify', 'verify', {}],
    ['verify photos', 'verify', { plan: 'photos' }],
    ['verify photos full', 'verify', { plan: 'photos', how: 'full' }],
    ['verify quick', 'verify', { how: 'quick' }],
    ['verify fully family photos', 'verify', { plan: 'Family photos', how: 'full' }],
    ['adopt /mnt/usb', 'adopt', { location: { kind: 'local', root: '/mnt/usb' } }],
    ['adopt work-s3:bucket', 'adopt', { location: { account: 'work-s3', root: 'bucket' } }],
    ['adopt onedrive:/Backups', 'adopt', { location: { kind: 'onedrive', root: '/Backups' } }],
    ['connect gdrive', 'connect', { kind: 'gdrive', settings: {} }],
    ['connect my google drive', 'connect', { kind: 'gdrive', settings: {} }],
    ['connect webdav as nas2', 'connect', { kind: 'webdav', name: 'nas2', settings: {} }],
    [
      'connect webdav as "My NAS" url=https://nas.example/dav user=ana',
      'connect',
      { kind: 'webdav', name: 'My NAS', settings: { url: 'https://nas.example/dav', user: 'ana' } },
    ],
    [
      'connect s3 region="eu west" accessKeyId=AKIA1',
      'connect',
      { settings: { region: 'eu west', accessKeyId: 'AKIA1' } },
    ],
    ['accounts', 'accounts', {}],
    ['disconnect work-s3', 'disconnect', { account: 'work-s3' }],
    ['disconnect home s3', 'disconnect', { account: 'home s3' }],
    ['disconnect gdrive', 'disconnect', { account: 'gdrive-ana' }],
    ['when every Sunday at 3am', 'when', { phrase: 'every Sunday at 3am' }],
    ['when  mon,wed,fri  23:00 ', 'when', { phrase: 'mon,wed,fri  23:00' }],
    ['timezone', 'timezone', {}],
    ['timezone Europe/Paris', 'timezone', { zone: 'Europe/Paris' }],
    ['timezone america/new york', 'timezone', { zone: 'America/New_York' }],
    ['time zone to UTC', 'timezone', { zone: 'UTC' }],
    ['whoami', 'whoami', {}],
    ['who am I?', 'whoami', {}],
    ['claim K7Q2-9f4m', 'claim', { code: 'K7Q2-9f4m' }],
    ['link', 'link', {}],
    ['link me', 'link', {}],
    ['link 2F7K-QM4D-9TRV', 'link', { code: '2F7K-QM4D-9TRV' }],
    ['/backup link 2f7k qm4d 9trv please', 'link', { code: '2f7k-qm4d-9trv' }],
    ['link 2F7KQM4D9TRV.', 'link', { code: '2F7KQM4D9TRV' }],
    ['link google drive', 'connect', { kind: 'gdrive', settings: {} }],
    ['unlink slack', 'unlink', { surface: 'slack' }],
    ['unlink Discord 1234', 'unlink', { surface: 'discord', id: '1234' }],
    ['unlink work-s3', 'disconnect', { account: 'work-s3' }],
    ['invite', 'invite', {}],
    ['invite Ben', 'invite', { name: 'Ben' }],
    ['invite Ben Miller as a viewer please', 'invite', { role: 'viewer', name: 'Ben Miller' }],
    ['invite as owner', 'invite', { role: 'owner' }],
    ['invite viewer Ben', 'invite', { role: 'viewer', name: 'Ben' }],
    ['join 2F7K-QM4D-9TRV', 'join', { code: '2F7K-QM4D-9TRV' }],
    ['people', 'people', {}],
    ['who is here?', 'people', {}],
    ['role Ben owner', 'role', { person: 'Ben', role: 'owner' }],
    ['role of Ben Miller to a viewer', 'role', { person: 'Ben Miller', role: 'viewer' }],
    ['forget me', 'forget', {}],
    ['forget Ben Miller', 'forget', { person: 'Ben Miller' }],
    ['remove person photos', 'forget', { person: 'photos' }],
    ['forget person photos', 'forget', { person: 'photos' }],
    ['share photos', 'share', { plan: 'photos' }],
    ['share Family photos here please', 'share', { plan: 'Family photos' }],
    ['share photos with this channel', 'share', { plan: 'photos' }],
    ['unshare photos', 'unshare', { plan: 'photos' }],
    ['stop sharing family photos', 'unshare', { plan: 'Family photos' }],
    ['help', 'help', {}],
    ['?', 'help', {}],
    ['--help', 'help', {}],
    ['help restore', 'help', { command: 'restore' }],
    ['help dry run', 'help', { command: 'preview' }],
    ['help me with backup', 'help', { command: 'create' }],
  ])('%s', (line, name, args) => {
    const parsed = parse(line, vocabulary);
    expect(parsed).toMatchObject({ outcome: 'command', command: { name, args } });
    if (parsed.outcome === 'command' && Object.keys(args).length === 0) expect(parsed.command.args).toEqual({});
  });

  it('previews a line that could be a plan', () => {
    expect(parse('preview icloud to gdrive weekly', vocabulary)).toMatchObject({
      command: { name: 'preview', args: { draft: { source: { kind: 'icloud' } } } },
    });
  });

  it.each<[string, Vocabulary, CommandName, object]>([
    ['show', inThread, 'show', { plan: 'photos' }],
    ['show', onePlan, 'show', { plan: 'photos' }],
    ['pause', inThread, 'pause', { plan: 'photos' }],
    ['pause until monday', inThread, 'pause', { plan: 'photos', until: monday }],
    ['run now', onePlan, 'run', { plan: 'photos' }],
    ['preview', inThread, 'preview', { plan: 'photos' }],
    ['edit weekly', inThread, 'edit', { plan: 'photos', schedule: { cron: '0 2 * * 5', zone: 'Europe/Berlin' } }],
    ['verify full', onePlan, 'verify', { plan: 'photos', how: 'full' }],
    ['find beach', inThread, 'find', { words: ['beach'], plan: 'photos' }],
    ['restore IMG_2041.HEIC', inThread, 'restore', { plan: 'photos', files: ['IMG_2041.HEIC'] }],
    ['restore IMG_2041.HEIC from march', onePlan, 'restore', { plan: 'photos', files: ['IMG_2041.HEIC'] }],
    ['restore everything', onePlan, 'restore', { plan: 'photos', files: [] }],
    ['restore file "Family photos" from march', inThread, 'restore', { plan: 'photos', files: ['Family photos'] }],
    ['restore', onePlan, 'restore', { plan: 'photos', files: [] }],
    ['restore Family photos', inThread, 'restore', { plan: 'Family photos', files: [] }],
    ['restore Holiday', inThread, 'restore', { plan: 'photos', files: ['Holiday'] }],
  ])('%s, with a plan implied', (line, known, name, args) => {
    expect(parse(line, known)).toMatchObject({ outcome: 'command', command: { name, args } });
  });

  it.each<[string, string, string | undefined, Vocabulary?]>([
    ['show', 'which_plan', 'show "Family photos"'],
    ['delete', 'which_plan', 'delete photos'],
    ['delete', 'which_plan', 'delete photos', onePlan],
    ['restore IMG_2041.HEIC', 'which_plan', 'restore photos IMG_2041.HEIC'],
    ['preview', 'which_plan', 'preview photos'],
    ['show', 'no_plans', undefined, noPlans],
    ['run fotos', 'unknown_plan', 'run photos'],
    ['delete fotos', 'unknown_plan', 'delete photos'],
    ['restore fotos', 'unknown_plan', 'restore photos'],
    ['restore fotos', 'unknown_plan', 'restore photos', inThread],
    ['pause famly photos until monday', 'unknown_plan', 'pause "Family photos" until monday'],
    ['find beach in fotos', 'unknown_plan', 'find beach in photos'],
    ['run icloud to gdrive weekly', 'unknown_plan', 'icloud to gdrive weekly'],
    ['pause photos monday', 'unread', 'pause photos until monday'],
    ['pause photos until yesterday', 'bad_date', 'pause photos until monday'],
    ['pause photos until blue', 'bad_date', 'pause photos'],
    ['run photos loudly', 'unread', 'run photos'],
    ['status everything', 'unread', 'status'],
    ['edit photos bananas', 'unread', undefined],
    ['edit photos to gdrive', 'places_stay', undefined],
    ['edit photos weekly to gdrive', 'places_stay', undefined],
    ['edit photos biweekly', 'schedule', 'edit photos every monday and thursday at 02:00'],
    ['rename photos', 'bad_name', undefined],
    ['rename photos to My photos', 'bad_name', 'rename photos to "My photos"'],
    ['restore photos /mnt/x', 'unread', 'restore photos to /mnt/x'],
    ['restore photos to nowhere', 'unknown_place', 'restore photos to ~/Restored'],
    ['restore photos to icloud', 'not_a_destination', undefined],
    ['restore photos from bananas', 'bad_date', 'restore photos'],
    ['restore photos replace skip', 'contradiction', 'restore photos replace'],
    ['restore photos --replace', 'flag', 'restore photos replace'],
    ['restore photos videos', 'bad_files', undefined],
    ['verify loudly', 'unknown_plan', 'verify photos'],
    ['adopt gdirve', 'unknown_place', 'adopt gdrive'],
    ['adopt', 'unknown_place', undefined],
    ['connect gdirve', 'unknown_kind', 'connect gdrive'],
    ['connect webdav nas2', 'unread', 'connect webdav as nas2'],
    ['connect webdav url https://nas.example', 'unread', 'connect webdav url=https://nas.example'],
    ['connect webdav as a:b', 'bad_name', 'connect webdav as work-webdav'],
    ['connect webdav as gdrive', 'bad_name', undefined],
    ['connect webdav url=a url=b', 'twice', 'connect webdav url=a'],
    ['connect webdav password=x', 'secret_in_line', 'connect webdav'],
    ['disconnect', 'which_account', 'disconnect work-s3'],
    ['disconnect s3', 'which_account', 'disconnect "home s3"'],
    ['disconnect wrok-s3', 'unknown_account', 'disconnect work-s3'],
    ['disconnect gdrive', 'no_accounts', undefined, noPlans],
    ['when', 'nothing_said', 'when every sunday at 03:00'],
    ['find', 'nothing_said', undefined],
    ['claim', 'nothing_said', undefined],
    ['link 2F7K-QM4D', 'bad_code', undefined],
    ['link 2F7K-QM4D-9TRV tomorrow', 'unread', 'link 2F7K-QM4D-9TRV'],
    ['join', 'bad_code', undefined],
    ['unlink', 'which_surface', 'unlink slack'],
    ['unlink telegram', 'which_surface', 'unlink slack'],
    ['role', 'nothing_said', undefined],
    ['role Ben', 'which_role', 'role Ben viewer'],
    ['role Ben king', 'which_role', 'role Ben king owner'],
    ['forget', 'nothing_said', 'forget me'],
    ['forget photos', 'plan_or_person', 'delete photos'],
    ['forget me and Ben', 'unread', 'forget me'],
    ['share', 'which_plan', 'share photos'],
    ['share fotos here', 'unknown_plan', 'share photos here'],
    ['unshare photos loudly', 'unread', 'unshare photos'],
    ['timezone paris', 'unknown_zone', 'timezone Europe/Paris'],
    ['timezone new york', 'unknown_zone', 'timezone America/New_York'],
    ['timezone Mars/Olympus', 'unknown_zone', undefined],
    ['help restor', 'unknown_command', 'help restore'],
    ['mail ana', 'bad_address', 'mail'],
    ['report fotos', 'unknown_plan', 'report photos'],
    ['stop reports of fotos', 'unknown_plan', 'stop reports of photos'],
    ['reports', 'which_command', 'stop reports'],
    ['pasue photos', 'unknown_command', 'pause photos'],
    ['restroe photos IMG_1.jpg', 'unknown_command', 'restore photos IMG_1.jpg'],
    ['staus', 'unknown_command', 'status'],
  ])('%s -> %s', (line, code, choice, known = vocabulary) => {
    const parsed = parse(line, known);
    if (parsed.outcome === 'command') throw new Error(`acted: ${JSON.stringify(parsed.command)}`);
    expect(parsed.code).toBe(code);
    if (choice !== undefined) expect(parsed.choices.map((one) => one.line)).toContain(choice);
  });

  it('asks whether a name is a plan or a file of the report that was answered', () => {
    const known = { ...inThread, plans: [{ name: 'photos' }, { name: 'IMG_1.HEIC' }] };
    const parsed = parse('restore IMG_1.HEIC', known);
    expect(parsed).toMatchObject({
      outcome: 'clarify',
      code: 'plan_or_file',
      choices: [{ line: 'restore plan "IMG_1.HEIC"' }, { line: 'restore plan "photos" file "IMG_1.HEIC"' }],
    });
    expect(parse('restore plan "IMG_1.HEIC"', known)).toMatchObject({
      command: { args: { plan: 'IMG_1.HEIC', files: [] } },
    });
    expect(parse('restore plan "photos" file "IMG_1.HEIC"', known)).toMatchObject({
      command: { args: { plan: 'photos', files: ['IMG_1.HEIC'] } },
    });
  });

  it('knows a plan named like a command by its quotes', () => {
    const known = { ...vocabulary, plans: [{ name: 'now' }, { name: 'full' }, { name: 'list' }] };
    expect(parse('run "now"', known)).toMatchObject({ command: { args: { plan: 'now' } } });
    expect(parse('verify "full" full', known)).toMatchObject({ command: { args: { plan: 'full', how: 'full' } } });
    expect(parse('list', known)).toMatchObject({ command: { name: 'list' } });
    expect(parse('"list"', known)).toMatchObject({ command: { name: 'show', args: { plan: 'list' } } });
  });
});

describe('examples and keywords', () => {
  it.each(Object.entries(EXAMPLES))('the example of %s works', (name, line) => {
    const known = { ...vocabulary, accounts: [...vocabulary.accounts, { name: 'nas', kind: 'webdav' }] };
    expect(parse(line, known)).toMatchObject({ outcome: 'command', command: { name } });
  });

  it('has an example for every command', () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(COMMANDS).sort());
  });

  it('quotes names that begin an option', () => {
    const firsts = optionWords().map((head) => head.split(' ')[0] ?? '');
    expect(firsts.filter((word) => !RESERVED.has(word))).toEqual([]);
    const words = wordsOf('only');
    expect(Array.isArray(words) && isOptionHead({ text: 'only', words, vocabulary }, 0)).toBe(true);
  });
});
