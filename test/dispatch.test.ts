import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch, type Dispatch } from '../src/engine/commands/dispatch.ts';
import { callerPerson, openClaim } from '../src/engine/people.ts';
import type { AuditLine, Caller, Person, Reply } from '../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './commands/world.ts';

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

const say = (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply[]> => {
  world.clock.forward(1_000);
  return all(dispatch(line, world.caller(person, more)));
};
const last = async (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply> =>
  (await say(line, more, person)).at(-1) as Reply;
const audit = (): Promise<AuditLine[]> => all(world.store.find('audit', { index: 'at' }));

describe('an event that arrives twice', () => {
  it('is done once, and the second delivery is told so', async () => {
    const line = 'backup ~/Pictures to ~/usb tomorrow at 9:00';
    expect((await say(line, { key: 'Ev1', surface: 'slack' }))[0]?.tone).toBe('good');
    const again = await last(line, { key: 'Ev1', surface: 'slack' });
    expect(again.data).toMatchObject({ outcome: 'repeated' });
    expect(await world.store.count('plans')).toBe(1);
  });

  it('both deliveries at once: one gets through', async () => {
    const replies = await Promise.all([1, 2, 3].map(() => last('list', { key: 'Ev2', surface: 'discord' })));
    expect(replies.filter((reply) => reply.title === 'No backups yet.')).toHaveLength(1);
  });

  it('the same key on another surface is another event', async () => {
    await say('list', { key: 'Ev3', surface: 'slack' });
    expect((await last('list', { key: 'Ev3', surface: 'mail' })).title).toBe('No backups yet.');
  });
});

describe('who may do what', () => {
  it('a stranger gets a polite no, may ask for help, and is not stored', async () => {
    const stranger = await callerPerson(
      world.store,
      { surface: 'slack', id: 'T1:U9' },
      { clock: world.clock, name: 'Eve' },
    );
    for (const line of ['list', 'status', 'backup ~/Pictures to ~/usb weekly', 'gibberish', 'yes', 'accounts']) {
      const reply = await last(line, { surface: 'slack' }, stranger);
      expect(reply.outcome, line).toBe('refused');
      expect(reply.title, line).toContain('Hello Eve');
    }
    expect((await last('help', {}, stranger)).outcome ?? 'done').toBe('done');
    expect((await last('whoami', {}, stranger)).data).toMatchObject({ known: false });
    expect(await world.store.count('people')).toBe(1);
    expect(await world.store.count('plans')).toBe(0);
    expect((await audit()).some((line) => line.detail?.includes('stranger T1:U9') && line.outcome === 'refused')).toBe(
      true,
    );
  });

  it('the first owner of a new Keepsake claims it with the code from the log', async () => {
    const fresh = await openWorld();
    try {
      const { services, store, clock } = fresh;
      const code = await openClaim(store, clock, services.log);
      const identity = { surface: 'slack', id: 'T1:U1' };
      const eve = await callerPerson(store, identity, { clock, name: 'Eve' });
      const answer = createDispatch(services);
      const wrong = await all(answer('claim 2222-2222-2222', fresh.caller(eve, { surface: 'slack' })));
      expect(wrong.at(-1)?.outcome).toBe('not_understood');
      const right = await all(answer(`claim ${code}`, fresh.caller(eve, { surface: 'slack' })));
      expect(right.at(-1)?.title).toBe('Welcome, Eve. This Keepsake is yours now.');
      expect((await callerPerson(store, identity, { clock, name: 'Eve' })).role).toBe('owner');
      expect(JSON.stringify(await all(store.find('audit')))).not.toContain(String(code));
    } finally {
      await fresh.close();
    }
  });

  it('a viewer may look and not touch', async () => {
    const vera = await world.person('Vera', 'viewer');
    expect((await last('list', {}, vera)).outcome ?? 'done').toBe('done');
    const refused = await last('backup ~/Pictures to ~/usb weekly', {}, vera);
    expect(refused.outcome).toBe('refused');
    expect(words(refused)).toContain('members');
  });

  it('nobody can say yes to the question of somebody else', async () => {
    await say('backup ~/Pictures to ~/usb weekly');
    const [yes] = linesOf(await last('delete "Pictures to usb"'));
    const bob = await world.person('Bob', 'owner');
    expect((await last(yes ?? '', {}, bob)).title).toContain('no question open');
    expect((await last('yes', {}, bob)).title).toContain('no question open');
    expect(await world.store.count('plans')).toBe(1);
  });

  it('two "yes" at once do it once', async () => {
    await say('backup ~/Pictures to ~/usb weekly');
    const [yes] = linesOf(await last('delete "Pictures to usb"'));
    const replies = await Promise.all([last(yes ?? ''), last(yes ?? '')]);
    expect(replies.filter((reply) => reply.title === 'Pictures to usb is deleted')).toHaveLength(1);
  });
});

describe('what is said about a line', () => {
  it('one that is not understood: what was read, what was not, an example, and nothing done', async () => {
    const reply = await last('backup ~/Pictures to gdrvie weekly');
    expect(reply.outcome).toBe('not_understood');
    expect(words(reply)).toContain('gdrvie');
    expect(words(reply)).toContain('Nothing was done');
    expect(await world.store.count('plans')).toBe(0);
  });

  it('a plan that is not there: the nearest one as a choice', async () => {
    await say('backup ~/Pictures to ~/usb weekly');
    const reply = await last('show "Pictures to ubs"');
    expect(reply.outcome).not.toBe('done');
    expect(linesOf(reply).some((line) => line.includes('Pictures to usb'))).toBe(true);
  });

  it('a mistake of ours: the person gets a reference, the log the stack, the details nobody', async () => {
    const { services } = world;
    const broken = createDispatch({
      ...services,
      backup: {
        ...services.backup,
        preview: async () => {
          throw new TypeError('cannot read hunter2 of undefined');
        },
      },
    });
    await say('backup ~/Pictures to ~/usb weekly');
    world.clock.forward(1_000);
    const reply = (await all(broken('preview', world.caller(ana)))).at(-1);
    expect(reply).toMatchObject({ outcome: 'failed', tone: 'bad' });
    expect(words(reply)).not.toContain('hunter2');
    const { reference } = (reply as Reply).data as { reference: string };
    expect(words(reply)).toContain(reference);
    const logged = world.lines.find((line) => line.includes(reference));
    expect(logged).toContain('cannot read hunter2 of undefined');
    expect(logged).toContain('dispatch.test.ts');
    expect((await audit()).at(-1)).toMatchObject({ outcome: 'failed', detail: reference });
  });

  it('a reply or a button about a plan needs no name', async () => {
    await say('backup ~/Pictures to ~/usb weekly');
    await mkdir(join(world.folder, 'disk'));
    await say('backup ~/Pictures to ~/disk weekly');
    const plans = await all(world.store.find('plans'));
    const second = plans.find((plan) => plan.name === 'Pictures to disk');
    expect((await last('show', { about: { plan: second?.id ?? '' } })).title).toBe('Pictures to disk');
    expect((await last('show')).outcome).toBe('not_understood');
  });
});

describe('the audit trail', () => {
  it('has a line for everything that was said, done, refused and not understood', async () => {
    await say('list');
    await say('nonsense here');
    await say('backup ~/Pictures to ~/usb weekly');
    await say('delete "Pictures to usb"');
    await say('run "No such plan"');
    const lines = await audit();
    expect(lines.map((line) => line.outcome)).toEqual([
      'done',
      'not_understood',
      'done',
      'refused',
      expect.stringMatching(/failed|not_understood/),
    ]);
    expect(lines.map((line) => line.command)).toEqual(['list', undefined, 'create', 'delete', lines[4]?.command]);
    expect(lines.every((line) => line.person === ana.id && line.surface === 'terminal')).toBe(true);
    expect(lines[2]?.line).toBe('backup ~/Pictures to ~/usb weekly');
  });
});
