/** What answers claim is so, and the lines that they offer do what their labels say. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verdict } from '../../src/engine/backup/verdict.ts';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import type { Counts, Person, Plan, Reply } from '../../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './world.ts';

let world: World;
let dispatch: Dispatch;
let ana: Person;

beforeEach(async () => {
  world = await openWorld();
  dispatch = createDispatch(world.services);
  ana = await world.person('Ana', 'owner');
  await mkdir(join(world.folder, 'Pictures'));
  await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
  await mkdir(join(world.folder, 'usb'));
});
afterEach(() => world.close());

const last = async (line: string): Promise<Reply> => {
  world.clock.forward(1_000);
  return (await all(dispatch(line, world.caller(ana)))).at(-1) as Reply;
};

describe('a run that asks', () => {
  it('shows no counts of what it did not do, is shown by "show", and "anyway" answers it', async () => {
    await last('backup ~/Pictures to ~/usb named photos');
    await rm(join(world.folder, 'Pictures', 'a.jpg'));
    const asked = await last('run photos');
    expect(asked.title).toContain('Nothing has been touched');
    expect(asked.blocks.map((block) => block.kind)).toEqual(['choices']);
    const [yes = ''] = linesOf(asked);
    expect(linesOf(await last('show photos'))[0]).toBe(yes);
    const answered = await last(yes);
    expect(answered).toMatchObject({ tone: 'good', outcome: 'done' });
    expect(answered.title).toBe('photos: ~/Pictures is empty now; what was in it is kept as older versions in ~/usb.');
  });

  it('a destination that was emptied: the advice names the plan, and its line fills it again', async () => {
    await last('backup ~/Pictures to ~/usb named "My photos"');
    await rm(join(world.folder, 'usb'), { recursive: true });
    await mkdir(join(world.folder, 'usb'));
    const gone = await last('run My photos');
    expect(gone.outcome).toBe('failed');
    expect(words(gone)).toContain('run "My photos" anyway');
    expect(words(gone)).not.toContain('<plan>');
    expect(linesOf(gone)).toEqual(['run "My photos"', 'run "My photos" anyway']);
    expect((await last('run "My photos" anyway')).title).toBe('My photos: The one photo is safe in ~/usb.');
  });
});

describe('nothing to do is said as that', () => {
  it('restore of what is there: nothing is offered, and nothing is claimed to be restored', async () => {
    await last('backup ~/Pictures to ~/usb named photos');
    const preview = await last('restore photos');
    expect(words(preview)).toContain('there is nothing to restore');
    expect(linesOf(preview)).toEqual([]);
    expect((await last('restore photos skip')).title).toBe('photos: nothing was written, the file is already there');
    expect((await last('restore photos to ~/Restored skip')).title).toBe('photos: 1 file restored, each checked');
  });

  it('history counts one file as one', async () => {
    await last('backup ~/Pictures to ~/usb named photos');
    expect(words(await last('history photos'))).toContain('1 file, 4 bytes');
  });
});

describe('plans', () => {
  it('taking a filter back does not speak of files that it leaves out', async () => {
    await last('backup ~/Pictures to ~/usb named photos');
    expect(words(await last('edit photos only videos'))).toContain('now leaves out');
    const after = words(await last('edit photos all files'));
    expect(after).not.toContain('leaves out');
    expect(after).toContain('takes all files again');
  });

  it('a new time zone offers the line that moves a plan, and it works', async () => {
    await last('backup ~/Pictures to ~/usb every friday at 18:30 named photos');
    const [line = ''] = linesOf(await last('timezone America/New_York'));
    expect((await last(line)).title).toBe('photos is changed');
    const [plan] = await all<Plan>(world.store.find('plans'));
    expect(plan?.schedule).toMatchObject({ cron: '30 18 * * 5', zone: 'America/New_York' });
  });

  it('paused is told with its end, and no date is called a run', async () => {
    await last('backup ~/Pictures to ~/usb weekly named photos');
    await last('pause photos for 3 days');
    const status = await last('status');
    expect(words(status)).toContain('It is paused; it goes on in 3 days.');
    expect(words(await last('show photos'))).not.toMatch(/\d{4}-\d\d-\d\dT[\d:.]+Z.*paused|paused until \d{4}.*T/);
  });

  it('help uses a plan that is there', async () => {
    expect(words(await last('help'))).toContain('run "Pictures to usb"');
    await last('backup ~/Pictures to ~/usb named photos');
    const page = words(await last('help'));
    expect(page).toContain('run photos');
    expect(page).not.toContain('run "Pictures to usb"');
  });
});

const counts = (more: Partial<Counts>): Counts => ({
  files: 10,
  bytes: 100,
  new: 0,
  changed: 0,
  same: 0,
  vanished: 0,
  failed: 0,
  skipped: 0,
  copied: 0,
  ...more,
});

describe('the verdict', () => {
  const plan = { source: { text: '~/Pictures' }, destinations: [{ text: '/mnt/usb' }] } as Plan;
  it.each<[Partial<Counts>, string]>([
    [{ new: 1 }, 'The one new file is safe in /mnt/usb.'],
    [{ new: 3 }, 'All 3 new files are safe in /mnt/usb.'],
    [{ changed: 1 }, 'The one changed file is safe in /mnt/usb.'],
    [{ new: 1, changed: 1 }, 'All 2 new and changed files are safe in /mnt/usb.'],
    [{ vanished: 2 }, 'All 10 files are safe in /mnt/usb; vanished ones are kept as older versions.'],
    [{ files: 1 }, 'Nothing new: the one file is already safe in /mnt/usb.'],
    [{ files: 0 }, 'There is nothing to back up in ~/Pictures yet.'],
  ])('%o', (some, said) => {
    expect(verdict('done', counts(some), plan)).toBe(said);
  });
});
