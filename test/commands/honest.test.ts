import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Runs } from '../../src/engine/backup/runs.ts';
import type { ParsedCommand } from '../../src/engine/commands/command.ts';
import { createDispatch, type Dispatch } from '../../src/engine/commands/dispatch.ts';
import { type Since, staleness } from '../../src/engine/commands/stale.ts';
import { momentWords } from '../../src/engine/commands/who-did.ts';
import { zonesFor } from '../../src/engine/commands/zone-question.ts';
import type { Backup } from '../../src/engine/services.ts';
import type { AuditLine, Caller, Person, Plan, Reply } from '../../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './world.ts';

const NAME = 'Pictures to usb';
let world: World;
let dispatch: Dispatch;
let ana: Person;
let ben: Person;

beforeEach(async () => {
  world = await openWorld();
  dispatch = createDispatch(world.services);
  ana = await world.person('Ana', 'owner');
  ben = await world.person('Ben', 'owner');
  for (const folder of ['Pictures', 'usb', 'disk']) await mkdir(join(world.folder, folder));
  await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
});
afterEach(() => world.close());

const say = (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply[]> => {
  world.clock.forward(1_000);
  return all(dispatch(line, world.caller(person, more)));
};
const last = async (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply> =>
  (await say(line, more, person)).at(-1) as Reply;
const plans = (): Promise<Plan[]> => all(world.store.find('plans'));
const planned = async (line = 'backup ~/Pictures to ~/usb weekly'): Promise<Plan> => {
  await say(line);
  return (await plans()).at(-1) as Plan;
};
const audit = (): Promise<AuditLine[]> => all(world.store.find('audit', { index: 'at' }));
const runs = () => all(world.store.find('runs'));
const pressed = (): string => world.clock.now().toISOString();

describe('what is so already', () => {
  it('pause: who did it and when, the opposite as a button, and nobody else is named for it later', async () => {
    const plan = await planned();
    await say('pause', {}, ben);
    const before = (await plans())[0]?.rev;
    for (const [person, who] of [
      [ana, 'Ben'],
      [ben, 'You'],
      [ana, 'Ben'],
    ] as const) {
      const reply = await last(`pause "${NAME}"`, { pressed: pressed() }, person);
      expect(reply.title).toBe(`${NAME} is already paused: ${who} paused it at 15:23.`);
      expect(linesOf(reply)).toEqual([`resume "${NAME}"`]);
      expect(reply.about).toEqual({ plan: plan.id });
    }
    expect((await plans())[0]?.rev).toBe(before);
  });

  it('pause with another end is a change; with the same it is not', async () => {
    await planned();
    await say('pause until 2026-12-01');
    expect((await last('pause until 2026-12-01')).title).toContain('already paused');
    expect((await last('pause until 2026-12-05')).title).toBe(`${NAME} is paused`);
    expect((await last(`pause "${NAME}"`, { pressed: pressed() })).title).toContain('already paused');
    expect((await last(`pause "${NAME}"`)).title).toBe(`${NAME} is paused`);
    expect((await plans())[0]?.pausedUntil).toBeUndefined();
  });

  it('resume and stop', async () => {
    await planned();
    expect((await last('resume')).title).toBe(`${NAME} is already on.`);
    await say('pause');
    await say('resume', {}, ben);
    world.clock.forward(86_400_000);
    const reply = await last('resume');
    expect(reply.title).toBe(`${NAME} is already on: Ben resumed it on Sun 22 Nov at 15:23.`);
    expect(linesOf(reply)).toContain(`pause "${NAME}"`);
    const stopped = await last('stop');
    expect(stopped.title).toBe(`${NAME} is not running.`);
    expect(words(stopped)).toContain('The last run ended on Sun 22 Nov at 15:23. The one photo is safe');
  });

  it('a deleted plan: who deleted it, for those who could see it', async () => {
    const plan = await planned();
    await say(`delete "${NAME}"`, { confirmed: true }, ben);
    for (const line of [`delete "${NAME}"`, `pause "${NAME}"`, 'run Pictures to usb']) {
      expect((await last(line, { about: { plan: plan.id } })).title).toBe(`Ben deleted ${NAME} at 15:23.`);
    }
    const zoe = await world.person('Zoe', 'member');
    expect(words(await last(`pause "${NAME}"`, {}, zoe))).not.toContain('Ben');
    expect((await audit()).find((line) => line.command === 'delete')).toMatchObject({
      plan: plan.id,
      planName: NAME,
      planOwner: ana.id,
    });
  });

  it('a word below a message about a deleted plan does not fall on the only one that is left', async () => {
    const gone = await planned();
    await planned('backup ~/Pictures to ~/disk weekly named other');
    await say(`delete "${NAME}"`, { confirmed: true });
    expect((await last('pause', { about: { plan: gone.id } })).title).toBe(`You deleted ${NAME} at 15:23.`);
    expect((await plans())[0]).toMatchObject({ name: 'other', state: 'active' });
  });

  it('a question that was answered, and one that is over', async () => {
    await planned();
    const [yes = '', no = ''] = linesOf(await last(`delete "${NAME}"`));
    await say(no);
    const again = await last(yes);
    expect(again.title).toBe('You answered this with no at 15:23, so nothing was done now.');
    expect(linesOf(again)).toEqual([`delete "${NAME}"`]);
    expect((await last(yes, {}, ben)).title).toContain('no question open');
    const [late = ''] = linesOf(await last(`delete "${NAME}"`));
    world.clock.forward(31 * 60_000);
    expect((await last(late)).title).toBe('This question could be answered until 15:53, so nothing was done now.');
    expect(await plans()).toHaveLength(1);
  });
});

describe('staleness', () => {
  const at = '2026-11-22T10:00:00.000Z';
  const later = '2026-11-22T11:00:00.000Z';
  const run = (state: 'running' | 'done' | 'waiting', queued = later): NonNullable<Since['run']> => ({
    id: 'r2',
    state,
    queued,
    ...(state === 'running' ? {} : { ended: queued }),
  });
  const command = (name: string, args: object = {}): ParsedCommand => ({ name, args }) as ParsedCommand;
  it.each<[string, ParsedCommand, string | undefined, Since, string | undefined]>([
    ['pause', command('pause'), 'r1', { run: run('done') }, undefined],
    ['delete', command('delete'), 'r1', { run: run('done') }, undefined],
    ['run again on the newest', command('run'), 'r2', { run: run('done') }, undefined],
    ['run again on an older one', command('run'), 'r1', { run: run('done') }, 'ran'],
    ['run now of a plan', command('run'), undefined, { run: run('done') }, undefined],
    ['run again while it runs', command('run'), 'r1', { run: run('running') }, undefined],
    ['anyway, still the question', command('run', { anyway: true }), undefined, { run: run('waiting', at) }, undefined],
    ['anyway, another question', command('run', { anyway: true }), 'r1', { run: run('waiting') }, 'ran'],
    ['anyway, it ran', command('run', { anyway: true }), undefined, { run: run('done') }, 'ran'],
    ['stop this run', command('stop'), 'r2', { run: run('running') }, undefined],
    ['stop an older run', command('stop'), 'r1', { run: run('running') }, 'runs'],
    ['stop when nothing runs', command('stop'), 'r1', { run: run('done') }, undefined],
    ['replace', command('restore', { existing: 'replace' }), undefined, { run: run('done') }, 'ran'],
    [
      'replace, nothing new',
      command('restore', { existing: 'replace' }),
      undefined,
      { run: run('done', at) },
      undefined,
    ],
    [
      'replace from a state',
      command('restore', { existing: 'replace', from: {} }),
      undefined,
      { run: run('done') },
      undefined,
    ],
    ['keep both', command('restore', { existing: 'keep_both' }), undefined, { run: run('done') }, undefined],
    ['edit after another edit', command('edit'), undefined, { edited: later }, 'edited'],
    ['edit', command('edit'), undefined, { edited: '2026-11-22T09:00:00.000Z' }, undefined],
  ])('%s', (_, parsed, shown, since, expected) => {
    expect(staleness(parsed, { at, ...(shown ? { run: shown } : {}) }, since)).toBe(expected);
  });

  it('a run of last week is run again only after it was asked, by the fresh button', async () => {
    const plan = await planned();
    const [first] = await runs();
    const shown = pressed();
    await say('run');
    const asked = await last(`run "${NAME}"`, { pressed: shown, about: { plan: plan.id, run: first?.id ?? '' } });
    expect(asked.title).toBe(`${NAME} ran since this button was shown.`);
    expect(await runs()).toHaveLength(2);
    const [fresh = ''] = linesOf(asked);
    expect(fresh).toBe(`run "${NAME}"`);
    const done = await last(fresh, { pressed: pressed(), ...(asked.about ? { about: asked.about } : {}) });
    expect(done.outcome).toBe('done');
    expect(await runs()).toHaveLength(3);
  });

  it('a typed line is never stale, and my own edit does not hold me up', async () => {
    await planned();
    const shown = pressed();
    await say(`edit "${NAME}" daily`);
    expect((await last(`edit "${NAME}" weekly`, { pressed: shown })).title).toBe(`${NAME} is changed`);
    const asked = await last(`edit "${NAME}" monthly`, { pressed: shown }, ben);
    expect(words(asked)).toContain('Ana changed it at 15:23.');
    expect((await last(`edit "${NAME}" monthly`, {}, ben)).title).toBe(`${NAME} is changed`);
  });
});

describe('undo', () => {
  it('of pause, resume, edit and rename, by the button below them', async () => {
    await planned();
    for (const line of [`pause "${NAME}"`, `edit "${NAME}" daily keep 3 versions`, `rename "${NAME}" to photos`]) {
      const [before] = await plans();
      const changed = await last(line);
      const undo = linesOf(changed).find((choice) => choice.startsWith('undo'));
      expect(undo, line).toBeDefined();
      const reply = await last(undo ?? '');
      expect(reply.title, line).toContain('is as before');
      const { rev: _a, ...was } = before as Plan;
      const { rev: _b, ...is } = (await plans())[0] as Plan;
      expect(is).toEqual(was);
      expect((await last(undo ?? '')).outcome).not.toBe('done');
    }
    await say('pause');
    await say('resume');
    await say('undo');
    expect((await plans())[0]).toMatchObject({ state: 'paused' });
  });

  it('of a plan that was made: it is gone, its copies stay, and it can be made again', async () => {
    await planned();
    const reply = await last('undo');
    expect(reply.title).toBe(`${NAME} is gone again`);
    expect(words(reply)).toContain('stays in ~/usb');
    expect(await plans()).toEqual([]);
    expect(await world.store.count('catalog')).toBe(0);
    expect((await last(`run "${NAME}"`)).title).toBe(`You took back the making of ${NAME} at 15:23.`);
    expect((await say(linesOf(reply)[0] ?? ''))[0]?.title).toBe(`${NAME} is set up`);
  });

  it('a plan whose first run is at work: the run is stopped first', async () => {
    const line = 'backup ~/Pictures to ~/usb tomorrow at 9:00';
    const plan = await planned(line);
    const run = await world.services.backup.start(plan, 'person');
    expect((await last('undo')).title).toBe(`${NAME} is gone again`);
    expect((await world.store.get('runs', run.id))?.state).toBe('stopped');
  });

  it('not after ten minutes, not over the change of somebody else, not what others did, not twice', async () => {
    await planned();
    await say('pause');
    world.clock.forward(11 * 60_000);
    expect((await last('undo')).title).toContain('more than ten minutes ago, so it stays');
    await say('resume');
    await say(`edit "${NAME}" daily`, {}, ben);
    const refused = await last('undo');
    expect(refused.title).toBe(`${NAME} was changed since (Ben, at 15:34), so nothing was undone.`);
    expect((await last('undo', {}, ben)).title).toContain('is as before');
    const zoe = await world.person('Zoe', 'member');
    expect((await last('undo', {}, zoe)).title).toBe('There is nothing of yours to undo.');
    await say('pause');
    const twice = await Promise.all([last('undo'), last('undo')]);
    expect(twice.filter((reply) => reply.tone === 'good')).toHaveLength(1);
  });

  it('the end of a run in between is nobody’s change', async () => {
    await planned();
    await say('pause');
    await say('run');
    expect((await last('undo')).title).toContain('is as before');
    expect((await plans())[0]).toMatchObject({ state: 'active', last: { state: 'done' } });
  });
});

describe('the time zone', () => {
  const slack: Partial<Caller> = { surface: 'slack', conversation: 'slack:T1/C1' };
  let stop: AbortController;
  let working: Promise<void>;
  // What is said in chat is worked elsewhere.
  beforeEach(() => {
    stop = new AbortController();
    working = (world.services.backup as Backup & Pick<Runs, 'workUntil'>).workUntil(stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await working;
  });

  it('is asked once, privately, and the answer moves what was made meanwhile', async () => {
    const replies = await say('backup ~/Pictures to ~/usb every friday at 02:00', slack);
    const question = replies.find((reply) => reply.title.startsWith('Which time zone'));
    expect(question).toMatchObject({
      title: 'Which time zone are you in? I took Europe/Berlin.',
      onlyForCaller: true,
    });
    expect(question?.blocks).toContainEqual(expect.objectContaining({ kind: 'choices', menu: 'Your time zone' }));
    expect(linesOf(question)).toHaveLength(20);
    const [plan] = await plans();
    expect(plan).toMatchObject({ surface: 'slack' });
    expect(plan?.conversation).toBeUndefined();
    const second = await say('backup ~/Pictures to ~/disk every friday at 02:00 in Europe/Paris named paris', slack);
    expect(second.some((reply) => reply.title.startsWith('Which time zone'))).toBe(false);
    const moved = await last('timezone America/New_York', slack);
    expect(words(moved)).toContain(`${NAME} is moved to it: Every Friday at 02:00 (America/New_York)`);
    const zones = (await plans()).map(({ name, schedule, next }) => [name, 'zone' in schedule && schedule.zone, next]);
    expect(zones.sort()).toEqual([
      [NAME, 'America/New_York', '2026-11-27T07:00:00.000Z'],
      ['paris', 'Europe/Paris', '2026-11-27T01:00:00.000Z'],
    ]);
    expect((await last('timezone Asia/Tokyo', slack)).data).not.toHaveProperty('moved');
  });

  it('is not asked without a schedule, on the terminal, or of somebody whose zone is known', async () => {
    const asked = async (line: string, more: Partial<Caller>, person = ana): Promise<boolean> =>
      (await say(line, more, person)).some((reply) => reply.title.startsWith('Which time zone'));
    expect(await asked('backup ~/Pictures to ~/usb', slack)).toBe(false);
    expect(await asked('backup ~/Pictures to ~/disk weekly', {})).toBe(false);
    const known = await world.store.put('people', { ...ben, zone: 'Europe/Rome' });
    expect(await asked('backup ~/Pictures to ~/disk/rome weekly', slack, known)).toBe(false);
  });

  it.each([
    ['de', 'Europe/Berlin'],
    ['en-US', 'America/New_York'],
    ['pt-BR', 'America/Sao_Paulo'],
    ['ja', 'Asia/Tokyo'],
    ['not a locale', 'UTC'],
    [undefined, 'UTC'],
  ])('zones of %s begin with its own', (locale, expected) => {
    const zones = zonesFor(locale, 'UTC');
    expect(zones.slice(0, 8)).toContain(expected);
    expect(new Set(zones).size).toBe(zones.length);
    expect(zones.length).toBeLessThanOrEqual(20);
  });
});

describe('what the surfaces get', () => {
  it('replies about a plan say so', async () => {
    const [made] = await say('backup ~/Pictures to ~/usb weekly');
    const about = made?.about;
    expect(about?.plan).toBe((await plans())[0]?.id);
    for (const line of ['show', 'history', 'snapshots', 'verify quick', `edit "${NAME}" daily`, 'pause', 'resume']) {
      expect((await last(line)).about?.plan, line).toBe(about?.plan);
    }
    expect((await last('restore to ~/disk')).about?.plan).toBe(about?.plan);
    expect((await last('run')).about).toMatchObject({ plan: about?.plan, run: expect.any(String) });
  });

  it.each([
    ['2026-11-22T13:02:00.000Z', 'at 14:02'],
    ['2026-11-20T13:02:00.000Z', 'on Fri 20 Nov at 14:02'],
    ['2025-11-20T13:02:00.000Z', 'on Thu 20 Nov 2025 at 14:02'],
    ['2026-11-21T23:30:00.000Z', 'at 00:30'],
  ])('%s is said "%s"', (at, said) => {
    expect(momentWords(at, 'Europe/Berlin', new Date('2026-11-22T14:23:00Z'))).toBe(said);
  });
});
