import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import type { Caller, Person, Reply } from '../../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './world.ts';

let world: World;
let dispatch: Dispatch;
let ana: Person;

const say = (line: string, more: Partial<Caller> = {}): Promise<Reply[]> => {
  world.clock.forward(1_000);
  return all(dispatch(line, world.caller(ana, more)));
};
const last = async (line: string, more: Partial<Caller> = {}): Promise<Reply> =>
  (await say(line, more)).at(-1) as Reply;

beforeEach(async () => {
  world = await openWorld();
  dispatch = createDispatch(world.services);
  ana = await world.person('Ana', 'owner');
  await mkdir(join(world.folder, 'Pictures', 'beach'), { recursive: true });
  await writeFile(join(world.folder, 'Pictures', 'beach', 'sunset 1.jpg'), 'sunset');
  await writeFile(join(world.folder, 'Pictures', 'b.txt'), 'notes');
  await mkdir(join(world.folder, 'usb'));
  await say('backup ~/Pictures to ~/usb weekly');
});
afterEach(() => world.close());

describe('files in the backups', () => {
  it('find shows files and the lines that restore them', async () => {
    const reply = await last('find sunset');
    expect(reply.data).toMatchObject({ files: [{ plan: 'Pictures to usb', path: 'beach/sunset 1.jpg', size: 6 }] });
    expect(linesOf(reply)).toEqual(['restore "Pictures to usb" "beach/sunset 1.jpg"']);
    expect((await last('find elephant')).title).toBe('Nothing found for "elephant".');
  });

  it('restore shows first, writes when told, and checks every byte', async () => {
    const shown = await last('restore "Pictures to usb" "beach/sunset 1.jpg" to ~/back');
    expect(shown.data).toMatchObject({ done: false, files: 1, existing: 0 });
    expect(await readdir(world.folder)).not.toContain('back');
    const [line] = linesOf(shown);
    const done = await last(line ?? '');
    expect(done).toMatchObject({ tone: 'good', data: { done: true, restored: 1 } });
    expect(await readFile(join(world.folder, 'back', 'beach', 'sunset 1.jpg'), 'utf8')).toBe('sunset');
  });

  it('files that are there and differ are asked about, and each answer is a line that does it', async () => {
    await mkdir(join(world.folder, 'back'));
    await writeFile(join(world.folder, 'back', 'b.txt'), 'mine');
    const shown = await last('restore "Pictures to usb" b.txt to ~/back');
    expect(shown.data).toMatchObject({ existing: 1 });
    expect(linesOf(shown)).toHaveLength(3);
    const [keepBoth, skip, replace] = linesOf(shown);
    await last(skip ?? '');
    expect(await readdir(join(world.folder, 'back'))).toEqual(['b.txt']);
    await last(keepBoth ?? '');
    expect(await readFile(join(world.folder, 'back', 'b.txt'), 'utf8')).toBe('mine');
    expect(await readdir(join(world.folder, 'back'))).toHaveLength(2);
    await last(replace ?? '');
    expect(await readFile(join(world.folder, 'back', 'b.txt'), 'utf8')).toBe('notes');
  });

  it('a "yes" said beforehand never overwrites', async () => {
    await mkdir(join(world.folder, 'back'));
    await writeFile(join(world.folder, 'back', 'b.txt'), 'mine');
    expect((await last('restore "Pictures to usb" b.txt to ~/back', { confirmed: true })).outcome).toBe('done');
    expect(await readFile(join(world.folder, 'back', 'b.txt'), 'utf8')).toBe('mine');
  });

  it('a name that no file has is told with a way to look it up', async () => {
    const reply = await last('restore "Pictures to usb" nothing.heic to ~/back');
    expect(reply.outcome).toBe('failed');
    expect(words(reply)).toContain('nothing.heic');
    expect(words(reply)).toContain('find');
  });

  it('verify reads back and says what is damaged', async () => {
    expect(await last('verify full')).toMatchObject({ tone: 'good', data: { how: 'full', files: 2, bad: [] } });
    await writeFile(join(world.folder, 'usb', 'b.txt'), 'NOTES');
    const bad = await last('verify "Pictures to usb" full');
    expect(bad).toMatchObject({ tone: 'bad', outcome: 'partial', data: { bad: [{ path: 'b.txt' }] } });
    expect((await last('status')).tone).toBe('bad');
  });

  it('adopt of a folder without a backup says what to look for', async () => {
    const reply = await last('adopt ~/Pictures');
    expect(reply.outcome).toBe('failed');
    expect(words(reply)).toContain('.keepsake');
  });
});
