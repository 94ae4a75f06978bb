import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import type { Caller, Person, Plan, Reply } from '../../src/engine/types.ts';
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
  await writeFile(join(world.folder, 'Pictures', 'b.jpg'), 'bb');
  await mkdir(join(world.folder, 'Music'));
  await writeFile(join(world.folder, 'Music', 'song.mp3'), 'la la');
  await mkdir(join(world.folder, 'usb'));
});
afterEach(() => world.close());

const say = (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply[]> => {
  world.clock.forward(1_000);
  return all(dispatch(line, world.caller(person, more)));
};
const last = async (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply> =>
  (await say(line, more, person)).at(-1) as Reply;
const plans = (): Promise<Plan[]> => all(world.store.find('plans'));
/** A plan without its first run. */
const planned = async (line = 'backup ~/Pictures to ~/usb weekly'): Promise<Plan> => {
  await say(line);
  return (await plans()).at(-1) as Plan;
};

describe('create', () => {
  it('says back what it understood with dates, starts the first run, and ends with its result', async () => {
    const replies = await say('backup ~/Pictures to ~/usb every friday at 02:00');
    expect(replies[0]?.title).toBe('Pictures to usb is set up');
    expect(words(replies[0])).toContain('Every Friday at 02:00 (Europe/Berlin). Next: Fri 27 Nov, 4 Dec, 11 Dec.');
    expect(words(replies[0])).toContain('npm start');
    expect(replies[0]?.data).toMatchObject({ name: 'Pictures to usb', next: '2026-11-27T01:00:00.000Z' });
    const result = replies.at(-1);
    expect(result).toMatchObject({
      tone: 'good',
      outcome: 'done',
      data: { state: 'done', counts: { files: 2, new: 2 } },
    });
    expect(new Set(replies.slice(1).map((reply) => reply.live)).size).toBe(1);
    const [plan] = await plans();
    expect(plan).toMatchObject({ owner: ana.id, state: 'active', report: 'always', last: { state: 'done', files: 2 } });
    expect(plan?.line).toContain('~/Pictures to ~/usb');
  });

  it('a single date in the future does not run now', async () => {
    const replies = await say('backup ~/Pictures to ~/usb tomorrow at 9:00');
    expect(replies).toHaveLength(1);
    expect(words(replies[0])).toContain('Once');
    expect(await world.store.count('runs')).toBe(0);
  });

  it('names that are taken are counted up; a name that was chosen and is taken is refused with a free one', async () => {
    await planned();
    await mkdir(join(world.folder, 'disk', 'usb'), { recursive: true });
    expect((await planned('backup ~/Pictures to ~/disk/usb weekly')).name).toMatch(/^Pictures to usb( 2)?$/);
    expect((await plans()).map((plan) => plan.name).sort()).toEqual(['Pictures to usb', 'Pictures to usb 2']);
    const refused = await last('backup ~/Music to ~/disk/other weekly named "pictures TO usb"');
    expect(refused.outcome).toBe('not_understood');
    expect(words(refused)).toContain('"pictures TO usb 3"');
  });

  it.each([
    ['backup ~/Pictures to ~/Pictures weekly', 'same place'],
    ['backup ~/Pictures to ~/Pictures/copy weekly', 'lies inside'],
    ['backup ~/Pictures to ./Pictures/copy weekly', 'inside the source'],
    ['backup ~/Pictures to ./usb/../Pictures weekly', 'same place'],
    ['backup ~/Pictures to ~ weekly', 'inside the destination'],
    ['backup ~/Pictures to ~/usb and ~/usb/second weekly', 'overlap'],
    ['backup ~/Pictures to mirror weekly', 'Mirror'],
    ['backup ~/Nowhere to ~/usb weekly', 'not there'],
    ['backup ~/Pictures to ~/no/such/disk weekly', 'not there'],
  ])('%s is refused and stores nothing', async (line, why) => {
    const reply = await last(line);
    expect(reply.outcome).not.toBe('done');
    expect(words(reply)).toContain(why);
    expect(await plans()).toEqual([]);
  });

  it('a service that is not connected: nothing is set up, and the line that connects it is offered', async () => {
    const reply = await last('backup ~/Pictures to vault weekly');
    expect(reply.outcome).toBe('sign_in');
    expect(linesOf(reply)).toContain('connect vault');
    expect(await plans()).toEqual([]);
  });

  it('a place that another backup uses is refused with a folder of its own, which works', async () => {
    await planned();
    const refused = await last('backup ~/Music to ~/usb weekly only *.mp3');
    expect(words(refused)).toContain('"Pictures to usb" already keeps its files in ~/usb');
    const [line] = linesOf(refused);
    expect(line).toMatch(/^backup ~\/Music to ~\/usb\/Music every sunday at 02:00/i);
    expect((await last(line ?? '')).outcome).toBe('done');
    expect((await plans()).map((plan) => plan.filter)).toContainEqual({ only: ['*.mp3'] });
  });

  it('a folder in which the other backup has files is refused too', async () => {
    await mkdir(join(world.folder, 'Pictures', 'Music'));
    await writeFile(join(world.folder, 'Pictures', 'Music', 'cover.jpg'), 'x');
    await planned();
    expect(words(await last('backup ~/Music to ~/usb/Music weekly'))).toContain('already keeps its files');
    // Gone from the source, but its copies are still there.
    await rm(join(world.folder, 'Pictures', 'Music'), { recursive: true });
    expect(words(await last('backup ~/Music to ~/usb/Music weekly'))).toContain('already keeps its files');
  });

  it('members may not reach folders that were not opened to them', async () => {
    const closed = await openWorld({ localRoots: [] });
    try {
      const bob = await closed.person('Bob', 'member');
      await mkdir(join(closed.folder, 'Pictures'));
      const line = `backup ${closed.folder}/Pictures to ${closed.folder}/usb weekly`;
      const replies = await all(createDispatch(closed.services)(line, closed.caller(bob)));
      expect(replies.at(-1)?.outcome).toBe('refused');
      expect(words(replies.at(-1))).toContain('KEEPSAKE_LOCAL_ROOTS');
      expect(await closed.store.count('plans')).toBe(0);
    } finally {
      await closed.close();
    }
  });
});

describe('looking', () => {
  it('status of nothing, of a good backup, and of one whose disk is gone', async () => {
    expect((await last('status')).title).toBe('Nothing is backed up yet.');
    await planned();
    const good = await last('');
    expect(good).toMatchObject({ tone: 'good', outcome: 'done', data: { current: true } });
    expect(good.title).toMatch(/^Your backup is current\. The copy is .* old\.$/);
    await rm(join(world.folder, 'Pictures'), { recursive: true });
    expect((await last('run')).outcome).toBe('failed');
    const bad = await last('status');
    expect(bad).toMatchObject({ tone: 'bad', outcome: 'partial', data: { current: false } });
    expect(bad.title).toContain('needs you');
  });

  it('status tells of runs that did not happen and of messages that did not arrive', async () => {
    await planned();
    const report = world.services.outbox.message(ana, 'slack', 'x', { tone: 'good', title: 'x', blocks: [] });
    await world.store.put('outbox', { ...report, state: 'dead', tries: 9, error: 'no such channel' });
    world.clock.forward(8 * 24 * 3_600_000);
    const reply = await last('status');
    expect(words(reply)).toContain('It should have run');
    expect(words(reply)).toContain('npm start');
    expect(words(reply)).toContain('no such channel');
  });

  it('preview of a line and of a plan changes nothing and says why', async () => {
    const draft = await last('preview ~/Pictures to ~/usb weekly');
    expect(draft.title).toBe('Pictures to usb: 2 files, 6 bytes to copy');
    expect(words(draft)).toContain('New, to be copied');
    expect(words(draft)).toContain('It fits');
    expect(await plans()).toEqual([]);
    const [line] = linesOf(draft);
    expect((await last(line ?? '')).outcome).toBe('done');
    expect((await last('preview')).title).toBe('Pictures to usb: nothing to copy, all 2 files are safe');
  });

  it('list, show, history and snapshots tell the same story', async () => {
    expect((await last('list')).title).toBe('No backups yet.');
    await planned();
    expect((await last('list')).data).toMatchObject({ plans: [{ name: 'Pictures to usb', next: expect.any(String) }] });
    expect(words(await last('show "pictures to USB"'))).toContain('Every Sunday at 02:00 (Europe/Berlin)');
    expect((await last('history')).data).toMatchObject({ runs: [{ state: 'done', name: 'Pictures to usb' }] });
    expect((await last('snapshots')).data).toMatchObject({ plan: 'Pictures to usb', snapshots: [{ files: 2 }] });
  });

  it('somebody else sees nothing of it, in words that do not tell that it is there', async () => {
    await planned();
    const bob = await world.person('Bob', 'member');
    expect((await last('list', {}, bob)).title).toBe('No backups yet.');
    for (const line of ['show', 'run', 'delete', 'verify', 'snapshots', 'history', 'pause', 'restore']) {
      const reply = await last(`${line} "Pictures to usb"`, { confirmed: true }, bob);
      expect(reply.outcome, line).not.toBe('done');
    }
    expect(await plans()).toHaveLength(1);
  });
});

describe('changing', () => {
  it('run says that nothing had changed', async () => {
    await planned();
    const reply = await last('run "Pictures to usb"');
    expect(reply).toMatchObject({ outcome: 'done', data: { counts: { new: 0, changed: 0, same: 2 } } });
  });

  it('pause holds the schedule, resume lets it go on', async () => {
    await planned();
    expect((await last('pause')).title).toBe('Pictures to usb is paused');
    expect((await plans())[0]).toMatchObject({ state: 'paused' });
    expect((await plans())[0]?.next).toBeUndefined();
    const resumed = await last('resume');
    expect(words(resumed)).toContain('Next: Sun 29 Nov');
    expect((await plans())[0]).toMatchObject({ state: 'active', next: expect.any(String) });
  });

  it('pause until names the day', async () => {
    await planned();
    const reply = await last('pause "Pictures to usb" until 1 december 2026 at 9:00');
    expect(reply.outcome ?? 'done').toBe('done');
    expect((await plans())[0]?.pausedUntil).toBe('2026-12-01T08:00:00.000Z');
  });

  it('edit changes what was said and keeps the rest, and the line makes the plan as it is now', async () => {
    await planned('backup ~/Pictures to ~/usb weekly only *.jpg keep 5 versions limit 5MB/s');
    const reply = await last('edit "Pictures to usb" daily at 03:00 named "Family photos"');
    expect(reply.title).toBe('Family photos is changed');
    const [plan] = await plans();
    expect(plan).toMatchObject({
      name: 'Family photos',
      filter: { only: ['*.jpg'] },
      retention: { versions: 5 },
      limit: 5_000_000,
    });
    expect(plan?.next).toBe('2026-11-23T02:00:00.000Z');
    expect(plan?.line).toContain('named "Family photos"');
    expect(plan?.line).toContain('keep 5 versions');
    await last('edit "Family photos" keep everything, all files, no limit');
    expect((await plans())[0]).toMatchObject({ filter: {} });
    expect((await plans())[0]?.retention).toBeUndefined();
    expect((await plans())[0]?.limit).toBeUndefined();
  });

  it('stop without a run says so', async () => {
    await planned();
    expect((await last('stop')).title).toBe('Pictures to usb is not running.');
  });

  it('delete asks first, names what happens, leaves the files, and "yes" works once', async () => {
    const plan = await planned();
    const asked = await last('delete "Pictures to usb"');
    expect(asked.title).toBe('Delete Pictures to usb?');
    expect(await plans()).toHaveLength(1);
    const [yes] = linesOf(asked);
    expect((await last(yes ?? '')).title).toBe('Pictures to usb is deleted');
    expect(await plans()).toEqual([]);
    expect(await world.store.count('catalog', { from: plan.id, to: `${plan.id}~` })).toBe(0);
    expect(await all(world.store.find('snapshots'))).toEqual([]);
    expect((await last(yes ?? '')).title).toContain('You answered this with yes at 15:23');
    expect((await last('adopt ~/usb')).data).toMatchObject({ adopted: [{ name: 'Pictures to usb' }] });
  });

  it('"no" leaves it, and a question is forgotten after half an hour', async () => {
    await planned();
    await last('delete "Pictures to usb"');
    expect((await last('no')).title).toBe('Left as it is.');
    expect((await last('yes')).outcome).toBe('not_understood');
    await last('delete "Pictures to usb"');
    world.clock.forward(31 * 60_000);
    expect((await last('yes')).outcome).toBe('not_understood');
    expect(await plans()).toHaveLength(1);
  });
});
