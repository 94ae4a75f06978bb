/** A report again, as a file, why it is as it is, and whether reports are mailed: through dispatch. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch } from '../../src/engine/commands/dispatch.ts';
import type { MailConfig } from '../../src/engine/mail-config.ts';
import type { Services } from '../../src/engine/services.ts';
import type { AuditLine, Caller, Person, Plan, Problem, Reply, Run } from '../../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './world.ts';

const NAME = 'Pictures to usb';
let world: World;
let services: Services;
let ana: Person;

beforeEach(async () => {
  world = await openWorld();
  services = world.services;
  ana = await world.person('Ana', 'owner');
  for (const folder of ['Pictures', 'Music', 'usb', 'disk']) await mkdir(join(world.folder, folder));
  await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
  await writeFile(join(world.folder, 'Music', 'song.mp3'), 'la la');
});
afterEach(() => world.close());

const last = async (line: string, more: Partial<Caller> = {}, person = ana): Promise<Reply> => {
  world.clock.forward(1_000);
  return (await all(createDispatch(services)(line, world.caller(person, more)))).at(-1) as Reply;
};
const plans = (): Promise<Plan[]> => all(world.store.find('plans'));
const planned = async (line = 'backup ~/Pictures to ~/usb weekly'): Promise<Plan> => {
  const before = new Set((await plans()).map(({ id }) => id));
  await last(line);
  return (await plans()).find(({ id }) => !before.has(id)) as Plan;
};
const newest = async (plan: Plan): Promise<Run> =>
  (await all(world.store.find('runs', { index: 'plan+queued', equals: [plan.id], reverse: true, limit: 1 })))[0] as Run;
const audit = async (): Promise<AuditLine | undefined> =>
  (await all(world.store.find('audit', { index: 'at' }))).at(-1);

/** A run of that plan in which something failed, a minute after the last one. */
async function failedRun(plan: Plan, problems: Problem[], more: Partial<Run> = {}): Promise<Run> {
  world.clock.forward(60_000);
  const at = world.clock.now().toISOString();
  const { rev: _, ...done } = await newest(plan);
  return world.store.put('runs', {
    ...done,
    id: `r${at}`,
    state: 'partial',
    queued: at,
    started: at,
    ended: at,
    problems,
    problemCount: problems.length,
    verdict: '3 files could not be backed up; everything else is safe in ~/usb.',
    ...more,
  });
}

const locked = (path: string): Problem => ({
  path,
  code: 'locked',
  message: 'Another program holds it open.',
  advice: 'Close it, and say: run <plan>',
});
const THREE: Problem[] = [
  locked('a.psd'),
  {
    path: 'x.jpg',
    code: 'no_access',
    message: 'It may not be read.',
    advice: 'Give it rights.',
    fix: { label: 'Leave it out', line: `edit "${NAME}" except "x.jpg"` },
  },
  locked('b.psd'),
];

describe('report', () => {
  it('is the last run once more, and changes nothing', async () => {
    const plan = await planned();
    const run = await newest(plan);
    const reply = await last('report');
    expect(reply).toMatchObject({ tone: 'good', outcome: 'done', about: { plan: plan.id, run: run.id } });
    expect(reply.title).toBe(`${NAME}: ${run.verdict}`);
    expect(reply.live).toBeUndefined();
    expect(await world.store.count('runs')).toBe(1);
  });

  it('of the run that is answered, though a newer one is there', async () => {
    const plan = await planned();
    const first = await newest(plan);
    await failedRun(plan, THREE);
    expect((await last('report', { about: { plan: plan.id, run: first.id } })).about?.run).toBe(first.id);
    expect((await last('report', { about: { plan: plan.id } })).outcome).toBe('partial');
    const music = await planned('backup ~/Music to ~/disk weekly');
    expect((await last(`report "${music.name}"`, { about: { plan: plan.id, run: first.id } })).about?.plan).toBe(
      music.id,
    );
  });

  it('as PDF: the same, and a file with a name that every system takes', async () => {
    const plan = await planned('backup ~/Pictures to ~/usb weekly named "../Ana: ""2026"""');
    const seen: { reply: Reply; zone: string }[] = [];
    services = {
      ...world.services,
      reportPdf: async (reply, { zone }) => {
        seen.push({ reply, zone });
        return new TextEncoder().encode('%PDF-1.7');
      },
    };
    const reply = await last('pdf');
    const file = reply.blocks.at(-1);
    expect(file).toMatchObject({ kind: 'file', name: 'Ana 2026 2026-11-22.pdf', mime: 'application/pdf' });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ zone: 'Europe/Berlin', reply: { title: reply.title, about: { plan: plan.id } } });
  });

  it('as PDF without a browser: says what is missing', async () => {
    await planned();
    const reply = await last('report pdf');
    expect(reply.data).toMatchObject({ code: 'no_pdf' });
    expect(words(reply)).toContain('Chromium');
    expect(linesOf(reply)).toEqual(['report']);
  });

  it('before the first run: says so; of somebody else: there is no such backup', async () => {
    await planned('backup ~/Pictures to ~/usb tomorrow at 9:00');
    const reply = await last('report');
    expect(reply.data).toMatchObject({ code: 'no_run' });
    expect(linesOf(reply)).toEqual([`run "${NAME}"`]);
    const ben = await world.person('Ben', 'viewer');
    for (const line of [`report "${NAME}"`, `why "${NAME}"`, `stop reports of "${NAME}"`]) {
      expect(words(await last(line, {}, ben)), line).not.toContain('safe');
    }
    expect((await plans())[0]?.mailed).toBeUndefined();
  });
});

describe('why', () => {
  it('nothing failed: says so plainly', async () => {
    const plan = await planned();
    const reply = await last('why');
    expect(reply).toMatchObject({ tone: 'plain', title: `Nothing failed in ${NAME}.`, about: { plan: plan.id } });
  });

  it('every problem, grouped by what happened, with what to do and what mends it', async () => {
    const plan = await planned();
    const run = await failedRun(plan, THREE, { problemCount: 5 });
    const reply = await last('why did these 3 fail?', { about: { plan: plan.id, run: run.id } });
    expect(reply).toMatchObject({ tone: 'bad', about: { plan: plan.id, run: run.id } });
    expect(reply.title).toContain('5 problems');
    const said = words(reply);
    for (const path of ['a.psd', 'b.psd', 'x.jpg']) expect(said.split(path).length - 1, path).toBeGreaterThan(0);
    expect(said.split('Another program holds it open.')).toHaveLength(2);
    expect(said).toContain('2 files: Another program holds it open.');
    expect(said).toContain(`What to do: Close it, and say: run "${NAME}"`);
    expect(said).toContain('2 more problems');
    expect(linesOf(reply)).toEqual([`edit "${NAME}" except "x.jpg"`, `run "${NAME}"`, `report "${NAME}"`]);
  });

  it('without an answered run: the newest with problems, of any backup; a good one since does not hide it', async () => {
    const plan = await planned();
    await planned('backup ~/Music to ~/disk weekly');
    const run = await failedRun(plan, THREE);
    await failedRun(plan, [], { state: 'done', verdict: 'Nothing new.' });
    expect((await last('what went wrong')).about).toEqual({ plan: plan.id, run: run.id });
    const good = await newest(plan);
    expect((await last('why', { about: { plan: plan.id, run: good.id } })).title).toBe(`Nothing failed in ${NAME}.`);
  });

  it('a run that asks: its question and its own answers', async () => {
    const plan = await planned();
    const question = {
      text: 'Half of the files vanished. Go on?',
      choices: [{ label: 'Yes', line: `run "${NAME}" anyway` }],
    };
    await failedRun(plan, [], { state: 'waiting', question });
    const reply = await last('why');
    expect(words(reply)).toContain('Half of the files vanished.');
    expect(linesOf(reply)).toEqual([`run "${NAME}" anyway`, `report "${NAME}"`]);
  });

  it('is told to somebody who only proved the sender or the token', async () => {
    const plan = await planned();
    await failedRun(plan, THREE);
    for (const line of ['why', 'report']) {
      const reply = await last(line, { surface: 'mail', proof: { verified: true } });
      expect(reply.about?.plan, line).toBe(plan.id);
    }
    expect((await last('stop reports', { surface: 'mail', proof: { verified: true } })).outcome).toBe('refused');
    expect((await plans())[0]?.mailed).toBeUndefined();
  });
});

describe('stop reports', () => {
  const mail: MailConfig = {
    from: 'backup@example.org',
    smtp: { host: '127.0.0.1', port: 25, secure: false },
    tags: true,
  };

  it('all of the caller, none of others; said twice it is nobody’s deed', async () => {
    await planned();
    await planned('backup ~/Music to ~/disk weekly');
    const ben = await world.person('Ben', 'member');
    const [some] = await plans();
    const { rev: _, ...copy } = some as Plan;
    await world.store.put('plans', { ...copy, id: 'bens', owner: ben.id, name: 'of Ben' });
    const reply = await last('no more mails');
    expect(reply).toMatchObject({ tone: 'good', onlyForCaller: true, data: { mailed: false } });
    expect(words(reply)).toContain('failures too');
    expect(words(reply)).toContain('`status`');
    expect(linesOf(reply)).toContain('send reports');
    expect((await plans()).map(({ owner, mailed }) => [owner, mailed])).toEqual(
      expect.arrayContaining([
        [ana.id, false],
        [ana.id, false],
        [ben.id, undefined],
      ]),
    );
    expect((await audit())?.outcome).toBe('done');
    const revisions = (await plans()).map(({ rev }) => rev);
    expect((await last('stop reports')).data).toMatchObject({ unchanged: true });
    expect((await audit())?.outcome).toBe('refused');
    expect((await plans()).map(({ rev }) => rev)).toEqual(revisions);
  });

  it('of the backup that is answered; and again', async () => {
    const plan = await planned();
    const music = await planned('backup ~/Music to ~/disk weekly');
    const about = { plan: plan.id };
    expect(linesOf(await last('unsubscribe', { about }))).toEqual([
      `send reports of "${NAME}"`,
      'stop all reports',
      'status',
    ]);
    expect((await world.store.get('plans', plan.id))?.mailed).toBe(false);
    expect(words(await last(`show "${NAME}"`))).toContain('not by mail');
    expect((await world.store.get('plans', music.id))?.mailed).toBeUndefined();
    const again = await last('send reports', { about });
    expect(again.title).toBe(`Reports of ${NAME} are mailed again.`);
    expect('mailed' in ((await world.store.get('plans', plan.id)) as Plan)).toBe(false);
    expect((await last('send reports', { about })).data).toMatchObject({ unchanged: true });
  });

  it('where something is still told, and why no mail comes', async () => {
    await planned();
    expect(words(await last('send reports'))).toContain('no mail server');
    services = { ...world.services, config: { ...world.config, mail, slack: {} as never } };
    expect(words(await last('stop reports'))).toContain('only by looking');
    expect(words(await last('send reports'))).toContain('no mail address of yours');
    const known = await world.store.put('people', {
      ...ana,
      identities: [...ana.identities, { surface: 'slack', id: 'T1/U1' }, { surface: 'mail', id: 'ana@example.org' }],
    });
    expect(words(await last('stop reports', {}, known))).toContain('in Slack');
    await last(`edit "${NAME}" report never`, {}, known);
    expect(words(await last('send reports', {}, known))).toContain(`edit "${NAME}" report always`);
  });

  it('without a backup there is nothing to stop', async () => {
    expect((await last('stop reports')).data).toMatchObject({ code: 'no_plans' });
  });
});
