/** What is filled into each form is one line that means just that, whatever was typed into it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import { formFor } from '../../src/engine/commands/form-for.ts';
import {
  connectForm,
  editForm,
  filterForm,
  kindForm,
  lineForm,
  newForm,
  restoreForm,
} from '../../src/engine/commands/forms.ts';
import { MAX_LINE } from '../../src/engine/commands/grammar/words.ts';
import { parse } from '../../src/engine/commands/grammar.ts';
import { settingFields } from '../../src/engine/commands/settings-form.ts';
import { type Answers, formLine } from '../../src/engine/form.ts';
import type { Caller, Filter, Form, Person, Plan, Reply } from '../../src/engine/types.ts';
import { kinds } from '../../src/providers/index.ts';
import { vocabulary } from '../grammar-vocabulary.ts';
import { all, linesOf, openWorld, testKinds, type World, words } from './world.ts';

const NAMES = [...vocabulary.plans, { name: 'Family' }, { name: 'x.jpg' }];
/** The command that a filled-in form comes to. */
function command(form: Form, answers: Answers, more = {}) {
  const line = formLine(form, answers);
  if (line === undefined) return undefined;
  const parsed = parse(line, { ...vocabulary, plans: NAMES, ...more });
  if (parsed.outcome !== 'command') throw new Error(`${line}: ${JSON.stringify(parsed)}`);
  return parsed.command;
}
/** What the form begins with, as a modal sends it back untouched. */
const untouched = (form: Form): Record<string, string> =>
  Object.fromEntries(form.fields.map(({ name, value = '' }) => [name, value]));

const plan: Plan = {
  id: 'p1',
  owner: 'u1',
  name: 'photos',
  source: { kind: 'local', root: '/a', text: '/a' },
  destinations: [{ kind: 'local', root: '/b', text: '/b' }],
  schedule: { cron: '0 3 * * 0', zone: 'Europe/Berlin' },
  filter: {},
  report: 'on_failure',
  state: 'active',
  line: '',
  created: '2026-01-01T00:00:00.000Z',
};
const filtered: Filter = {
  kinds: ['photos'],
  only: ['*.pdf'],
  except: ['Drafts/**'],
  since: '2024-01-30T23:00:00.000Z',
  largerThan: 100_000,
  smallerThan: 2_000_000_000,
  albums: ['Family'],
};

const HOSTILE = [
  'x y',
  'say "hi"',
  "O'Brien's",
  '“curly”',
  'to',
  'only',
  'all files',
  'named',
  'weekly',
  'every friday',
  'videos',
  '/backup delete photos',
  '/etc/passwd',
  '~/x',
  '..\\..\\x',
  'C:\\My Pictures\\',
  '-rf',
  '--yes',
  'a,b',
  'a;b',
  'end,',
  'url=x',
  '🏖️ été',
  'שלום',
  '*.heic',
  'photos',
  'Family photos',
  'x.jpg',
  '2024',
  'yesterday',
  '<!channel> @everyone',
  '**bold** `code`',
];

describe('limits of modals', () => {
  const long = 'name '.repeat(40).trim();
  const forms: Form[] = [
    newForm(),
    editForm({ ...plan, name: long, limit: 5e6, retention: { versions: 5 } }),
    filterForm({ name: long, filter: filtered }, 'Europe/Berlin'),
    restoreForm({ name: long }, { files: ['a', 'b'] }),
    connectForm(kinds.list()),
    lineForm('bakup a to b'),
  ];

  it('five fields, short labels, at most 25 options, one name per field', async () => {
    for (const { name } of testKinds.list()) {
      const kind = await testKinds.load(name);
      forms.push(kindForm(kind, settingFields(kind)));
    }
    for (const form of forms) {
      expect(form.fields.length, form.title).toBeLessThanOrEqual(5);
      expect(form.fields.length, form.title).toBeGreaterThan(0);
      expect(form.title.length).toBeLessThanOrEqual(24);
      expect(form.label.length).toBeLessThanOrEqual(45);
      expect(new Set(form.fields.map(({ name }) => name)).size).toBe(form.fields.length);
      for (const { label, help = '', options = [], value, name } of form.fields) {
        expect(label.length).toBeLessThanOrEqual(45);
        expect(help.length).toBeLessThanOrEqual(100);
        expect(options.length).toBeLessThanOrEqual(25);
        // A menu that begins with what it does not offer is refused by both.
        if (options.length > 0 && value)
          expect(
            options.map((option) => option.value),
            name,
          ).toContain(value);
      }
    }
  });
});

describe('new backup', () => {
  it('says what a person would have typed', () => {
    expect(formLine(newForm(), { from: 'icloud', to: 'gdrive', when: 'weekly', name: 'x y' })).toBe(
      'backup icloud to gdrive weekly named "x y"',
    );
  });

  it.each([
    [
      { from: 'icloud', to: 'gdrive', when: '', only: 'photos, *.pdf' },
      {
        source: { account: 'iCloud of Ana' },
        destinations: [{ account: 'gdrive-ana' }],
        filter: { kinds: ['photos'], only: ['*.pdf'] },
      },
    ],
    [
      { from: '"iCloud of Ana"', to: 'gdrive and "/mnt/My Disk"', when: 'every sunday\nat 03:00' },
      { destinations: [{ account: 'gdrive-ana' }, { root: '/mnt/My Disk' }], schedule: { cron: '0 3 * * 0' } },
    ],
  ])('%o', (answers, args) => {
    expect(command(newForm(), answers)).toMatchObject({ name: 'create', args });
  });

  it.each(HOSTILE)('a name stays the name: %s', (name) => {
    const made = command(newForm(), { from: 'icloud', to: 'gdrive', when: 'weekly', name });
    expect(made).toMatchObject({ name: 'create', args: { name, schedule: { cron: '0 2 * * 5' } } });
  });

  it('what stands in a field of words can be refused, and never becomes another command', () => {
    for (const answer of HOSTILE) {
      for (const field of ['from', 'to', 'when', 'only']) {
        const line = formLine(newForm(), { from: 'icloud', to: 'gdrive', [field]: answer }) ?? '';
        expect(line).not.toMatch(/[\r\n]/);
        const parsed = parse(line, { ...vocabulary, plans: NAMES });
        if (parsed.outcome === 'command') expect(parsed.command.name, line).toBe('create');
      }
    }
  });
});

describe('edit', () => {
  const form = editForm({ ...plan, limit: 5e6, retention: { versions: 5 } });

  it('is filled with what is, and sent back untouched says nothing', () => {
    expect(untouched(form)).toEqual({
      when: 'every Sunday at 03:00 Europe/Berlin',
      keep: '5 versions',
      report: 'on failure',
      limit: '5MB/s',
      name: 'photos',
    });
    expect(command(form, untouched(form))).toBeUndefined();
  });

  it.each<[Answers, object]>([
    [{ when: 'daily at 04:00' }, { schedule: { cron: '0 4 * * *' } }],
    [{ when: '' }, { schedule: { manual: true } }],
    [
      { keep: '30 days', report: 'never' },
      { retention: { days: 30 }, report: 'never' },
    ],
    [
      { keep: '', limit: '' },
      { retention: 'everything', limit: 0 },
    ],
    [
      { limit: '40Mbit/s', name: 'to' },
      { limit: 5e6, name: 'to' },
    ],
  ])('%o', (changes, args) => {
    expect(command(form, { ...untouched(form), ...changes })).toEqual({
      name: 'edit',
      args: {
        plan: 'photos',
        ...args,
        ...('schedule' in args ? { schedule: expect.objectContaining(args.schedule as object) } : {}),
      },
    });
  });

  it.each(HOSTILE)('renames to just what was typed, and is about a plan of any name: %s', (name) => {
    expect(command(form, { ...untouched(form), name })).toEqual(
      name === 'photos' ? undefined : { name: 'edit', args: { plan: 'photos', name } },
    );
    const other = editForm({ ...plan, name });
    expect(
      command(
        other,
        { ...untouched(other), when: 'daily' },
        { plans: [{ name }, ...NAMES.filter((one) => one.name !== name)] },
      ),
    ).toMatchObject({
      args: { plan: name, schedule: { cron: '0 2 * * *' } },
    });
  });

  it('every schedule and every rule of keeping reads back', () => {
    for (const schedule of [
      { manual: true },
      { cron: '*/20 * * * *', zone: 'UTC' },
      { everyDays: 3, at: '04:30', anchor: '2026-11-20', zone: 'Europe/Berlin' },
      { everyMinutes: 90, anchor: '2026-11-20T14:23:00.000Z', zone: 'Europe/Berlin' },
    ] as const) {
      const { when = '' } = untouched(editForm({ ...plan, schedule }));
      const bare = editForm(plan);
      expect(command(bare, { ...untouched(bare), when })).toMatchObject({ args: { schedule } });
    }
    for (const retention of [{ days: 30 }, { daily: 7, weekly: 4, yearly: 1 }] as const) {
      const { keep = '' } = untouched(editForm({ ...plan, retention }));
      const bare = editForm(plan);
      expect(command(bare, { ...untouched(bare), keep })).toMatchObject({ args: { retention } });
    }
  });
});

describe('filter', () => {
  const form = filterForm({ name: 'photos', filter: filtered }, 'Europe/Berlin');

  it('is filled with what is', () => {
    expect(untouched(form)).toEqual({
      only: 'photos, *.pdf',
      except: '"Drafts/**"'.replaceAll('"', ''),
      since: '2024-01-31',
      larger: '100kB',
      smaller: '2GB',
    });
    expect(command(form, untouched(form))).toBeUndefined();
  });

  it('what is filled in reads back as the same filter', () => {
    const empty = filterForm({ name: 'photos', filter: {} }, 'Europe/Berlin');
    const { albums: _, ...same } = filtered;
    expect(command(empty, untouched(form))).toEqual({ name: 'edit', args: { plan: 'photos', filter: same } });
  });

  it.each([
    ['only', ['only', 'kinds']],
    ['except', ['except']],
    ['since', ['since']],
    ['larger', ['largerThan']],
    ['smaller', ['smallerThan']],
  ])('emptying "%s" takes out nothing else', (field, without) => {
    expect(command(form, { ...untouched(form), [field]: '' })).toEqual({
      name: 'edit',
      args: { plan: 'photos', without },
    });
  });

  it('several can be taken out and others changed at once', () => {
    expect(command(form, { only: '', except: '*.mov', since: '', larger: '', smaller: '1GB' })).toEqual({
      name: 'edit',
      args: {
        plan: 'photos',
        without: ['only', 'kinds', 'since', 'largerThan'],
        filter: { except: ['*.mov'], smallerThan: 1e9 },
      },
    });
  });
});

describe('restore', () => {
  it.each(HOSTILE)('a file stays a file of the plan: %s', (name) => {
    for (const each of ['Family', 'photos', 'to', 'x.jpg']) {
      const plans = { plans: [...NAMES, { name: 'to' }] };
      expect(command(restoreForm({ name: each }), { files: [name, 'b.jpg'] }, plans)).toEqual({
        name: 'restore',
        args: { plan: each, files: [name, 'b.jpg'] },
      });
    }
  });

  it('says where from, where to and what to do about files that are there', () => {
    const form = restoreForm({ name: 'photos' }, { files: ['a b.jpg', '*.heic'], from: 'r20261122', to: '~/Back' });
    expect(untouched(form)).toMatchObject({ files: 'a b.jpg\n*.heic', from: 'r20261122', to: '~/Back' });
    expect(command(form, { ...untouched(form), existing: 'keep both' })).toEqual({
      name: 'restore',
      args: {
        plan: 'photos',
        files: ['a b.jpg', '*.heic'],
        from: { snapshot: 'r20261122' },
        to: expect.objectContaining({ root: '~/Back' }),
        existing: 'keep_both',
      },
    });
    for (const option of form.fields.find(({ name }) => name === 'existing')?.options ?? []) {
      expect(command(form, { existing: option.value })).toMatchObject({ name: 'restore', args: { files: [] } });
    }
  });
});

describe('connect', () => {
  it('sticks an answer to the word before it, quoted where it must be', async () => {
    const kind = await kinds.load('webdav');
    const form = kindForm(kind, settingFields(kind));
    const url = 'https://cloud.example.org/dav?a=b c';
    expect(formLine(form, { url: 'https://x.example', user: 'ana', as: 'nas' })).toBe(
      'connect webdav url=https://x.example user=ana as nas',
    );
    expect(command(form, { url, user: 'say "hi", to', as: 'my nas 2' })).toEqual({
      name: 'connect',
      args: { kind: 'webdav', name: 'my nas 2', settings: { url, user: 'say "hi", to' } },
    });
  });

  it('never asks for a secret', async () => {
    for (const { name } of testKinds.list()) {
      const kind = await testKinds.load(name);
      const secret = settingFields(kind).filter((field) => field.secret);
      const asked = kindForm(kind, settingFields(kind)).fields.map((field) => field.name);
      for (const field of secret) expect(asked).not.toContain(field.name);
    }
  });

  it('asks for the service first', () => {
    expect(command(connectForm(kinds.list()), { kind: 'webdav' })).toMatchObject({ args: { kind: 'webdav' } });
  });
});

describe('replies', () => {
  let world: World;
  let dispatch: Dispatch;
  let ana: Person;
  beforeEach(async () => {
    world = await openWorld({ askSecret: false });
    dispatch = createDispatch(world.services);
    ana = await world.person('Ana', 'owner');
    for (const folder of ['Pictures', 'Music', 'usb', 'disk']) await mkdir(join(world.folder, folder));
    await writeFile(join(world.folder, 'Pictures', 'videos'), 'no extension');
    await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
  });
  afterEach(() => world.close());

  const say = (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply[]> => {
    world.clock.forward(1_000);
    return all(dispatch(line, world.caller(person, more)));
  };
  const last = async (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply> =>
    (await say(line, more, person)).at(-1) as Reply;
  const formsOf = (reply: Reply | undefined): Form[] =>
    (reply?.blocks ?? []).flatMap((block) => (block.kind === 'form' ? [block] : []));
  const labels = (reply: Reply | undefined): string[] => formsOf(reply).map(({ label }) => label);

  it('status and list offer a new backup to those who may make one', async () => {
    expect(labels(await last('status'))).toEqual(['New backup']);
    expect(labels(await last('list'))).toEqual(['New backup']);
    const viewer = await world.person('Vic', 'viewer');
    expect(labels(await last('status', {}, viewer))).toEqual([]);
  });

  it('every card of a plan has its forms and ends with the line that makes it', async () => {
    const [made] = await say('backup ~/Pictures to ~/usb weekly');
    for (const reply of [made, await last('show Pictures to usb'), await last('edit Pictures to usb daily')]) {
      expect(labels(reply)).toEqual([...(reply === made ? ['Change time'] : []), 'Edit', 'Filter']);
      expect(reply?.blocks.at(-1)).toEqual({
        kind: 'line',
        line: expect.stringMatching(/^\/backup \S+Pictures to \S+usb every\b/),
        title: expect.stringContaining('in one line'),
      });
    }
  });

  it('a bare edit asks what should change, and what is sent changes it', async () => {
    await say('backup ~/Pictures to ~/usb weekly except *.mov larger than 1B');
    const asked = await last('edit Pictures to usb');
    expect(asked).toMatchObject({ title: 'What should change in Pictures to usb?', tone: 'plain' });
    const filter = formsOf(asked)[1] as Form;
    const line = formLine(filter, { ...untouched(filter), larger: '', only: 'photos' }) ?? '';
    expect((await last(line)).tone).toBe('good');
    const [stored] = await all(world.store.find('plans'));
    expect(stored?.filter).toEqual({ except: ['*.mov'], kinds: ['photos'] });
  });

  it('a restore can be changed from its preview, and opened at once from a report', async () => {
    await say('backup ~/Pictures to ~/usb weekly');
    const [snapshot] = await all(world.store.find('snapshots'));
    const [stored] = await all(world.store.find('plans'));
    const preview = await last('restore Pictures to usb "a.jpg" to ~/Music');
    expect(labels(preview)).toEqual(['Choose files']);
    expect(untouched(formsOf(preview)[0] as Form)).toMatchObject({ files: 'a.jpg', to: '~/Music' });
    const about = { plan: stored?.id ?? '', run: snapshot?.run ?? '' };
    const form = (await formFor(world.services, world.caller(ana), 'restore', about)) as Form;
    expect(form.plan).toBe('Pictures to usb');
    const back = await last(formLine(form, { ...untouched(form), files: 'videos', to: '~/Music' }) ?? '');
    expect(back.data).toMatchObject({ files: 1, existing: 0, snapshot: { run: snapshot?.run } });
  });

  it('no form is about what is not the caller’s', async () => {
    await say('backup ~/Pictures to ~/usb weekly');
    const [stored] = await all(world.store.find('plans'));
    const bob = world.caller(await world.person('Bob', 'member'), { about: { plan: stored?.id ?? '' } });
    const vic = world.caller(await world.person('Vic', 'viewer'));
    for (const what of ['edit', 'filter', 'restore'] as const) {
      expect(await formFor(world.services, bob, what)).toBeUndefined();
      expect((await formFor(world.services, world.caller(ana), what))?.plan).toBe('Pictures to usb');
    }
    expect(await formFor(world.services, bob, 'new')).toEqual(newForm());
    expect(await formFor(world.services, vic, 'connect')).toBeUndefined();
    expect((await formFor(world.services, bob, 'connect'))?.line).toBe('connect');
  });

  it('connecting begins with a service, goes on with its settings, and ends at the machine', async () => {
    const start = await last('connect');
    expect(linesOf(start)).toContain('connect webdav');
    const asked = await last('connect vault as home port=8443');
    expect(asked).toMatchObject({ tone: 'plain', outcome: 'not_understood' });
    const form = formsOf(asked)[0] as Form;
    expect(untouched(form)).toMatchObject({ port: '8443', as: 'home' });
    const line = formLine(form, { ...untouched(form), url: 'https://vault.example.org' }) ?? '';
    const end = await last(line);
    expect(words(end)).toContain('npm run -s keepsake');
    expect(words(end)).toContain('Never type it here');
    expect(end.blocks.at(-1)).toEqual({
      kind: 'line',
      line: 'connect vault as home url=https://vault.example.org port=8443',
    });
    expect(await all(world.store.find('accounts'))).toEqual([]);
  });

  it('a line that was not understood can be mended, unless it holds a secret or is endless', async () => {
    const again = formsOf(await last('bakup ~/Pictures too ~/usb'))[0] as Form;
    expect(again).toMatchObject({ line: '', title: 'Say it again' });
    expect(untouched(again)).toEqual({ line: 'bakup ~/Pictures too ~/usb' });
    expect(formLine(again, { line: 'backup ~/Pictures\nto ~/usb' })).toBe('backup ~/Pictures to ~/usb');
    for (const line of ['connect webdav password=hunter2hunter2', `find ${'x'.repeat(MAX_LINE)}`]) {
      expect(JSON.stringify(formsOf(await last(line)))).not.toMatch(/hunter2|xxx/);
    }
  });

  it('each file found, each snapshot and each of many plans is one press away', async () => {
    await say('backup ~/Pictures to ~/usb weekly');
    const found = await last('find i');
    const menu = found.blocks.find((block) => block.kind === 'choices');
    expect(menu).toMatchObject({ menu: 'Restore one' });
    expect((await last(linesOf(found)[0] ?? '')).data).toMatchObject({ files: 1, samples: ['videos'] });
    const states = await last('snapshots');
    expect((await last(linesOf(states)[0] ?? '')).title).toContain('Restore of Pictures to usb');
    expect((await last('list')).blocks.filter((block) => block.kind === 'choices')).toHaveLength(1);
    for (const name of 'abcde') await mkdir(join(world.folder, 'disk', name));
    for (const name of 'abcde') await say(`backup ~/Music to ~/disk/${name} weekly named "to ${name}"`);
    const list = await last('list');
    const names = list.blocks.filter((block) => block.kind === 'choices').at(-1);
    expect(names).toMatchObject({ menu: 'Show one' });
    expect((await last(linesOf(list).at(-1) ?? '')).title).toBe('to e');
  });
});
