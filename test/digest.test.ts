import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DigestKind, digestReply, EMPTY, periodOf, withRun } from '../src/engine/backup/digest.ts';
import { isMissed, missedReply, type PlanView, type Trouble, troubleOf } from '../src/engine/backup/missed.ts';
import { parse } from '../src/engine/commands/grammar.ts';
import { type DigestOptions, lookForDigests, startDigest } from '../src/engine/digest.ts';
import type { Identity, OutboxMessage, Person, Plan, Reply, Run, RunState, Schedule } from '../src/engine/types.ts';
import { all, linesOf, openWorld, type World, words } from './commands/world.ts';
import { vocabulary } from './grammar-vocabulary.ts';

const BERLIN = 'Europe/Berlin';
const daily = (at = '02:00', zone = BERLIN): Schedule => ({
  cron: `${at.slice(3)} ${Number(at.slice(0, 2))} * * *`,
  zone,
});

const plan = (more: Partial<Plan> = {}): Plan => ({
  id: 'p1',
  owner: 'ana',
  name: 'photos',
  source: { kind: 'local', root: '/a', text: '~/Pictures' },
  destinations: [{ kind: 'local', root: '/b', text: '/mnt/usb' }],
  schedule: daily(),
  filter: {},
  report: 'daily',
  state: 'active',
  line: '/a to /b',
  created: '2026-01-01T00:00:00.000Z',
  ...more,
});
const run = (more: Partial<Run> = {}): Run => ({
  id: 'r1',
  plan: 'p1',
  owner: 'ana',
  state: 'done',
  trigger: 'schedule',
  queued: '2026-11-21T01:00:00.000Z',
  started: '2026-11-21T01:00:00.000Z',
  ended: '2026-11-21T01:10:00.000Z',
  problems: [],
  problemCount: 0,
  ...more,
});

describe('the period of a digest', () => {
  it.each<[string, DigestKind, string, string, string, string, string]>([
    ['a day', 'daily', '2026-11-22T06:00:00Z', BERLIN, '2026-11-21T06:00', '2026-11-22T06:00', '2026-11-22'],
    ['a minute before', 'daily', '2026-11-22T05:59:59Z', BERLIN, '2026-11-20T06:00', '2026-11-21T06:00', '2026-11-21'],
    ['late in the day', 'daily', '2026-11-22T22:59:00Z', BERLIN, '2026-11-21T06:00', '2026-11-22T06:00', '2026-11-22'],
    ['23 hours', 'daily', '2027-03-28T06:00:00Z', BERLIN, '2027-03-27T06:00', '2027-03-28T05:00', '2027-03-28'],
    ['25 hours', 'daily', '2026-10-25T07:00:00Z', BERLIN, '2026-10-24T05:00', '2026-10-25T06:00', '2026-10-25'],
    ['east', 'daily', '2026-11-22T01:30:00Z', 'Asia/Kolkata', '2026-11-21T01:30', '2026-11-22T01:30', '2026-11-22'],
    [
      'on the other side of the date line',
      'daily',
      '2026-11-21T18:00:00Z',
      'Pacific/Auckland',
      '2026-11-20T18:00',
      '2026-11-21T18:00',
      '2026-11-22',
    ],
    ['a Monday', 'weekly', '2026-11-23T06:00:00Z', BERLIN, '2026-11-16T06:00', '2026-11-23T06:00', '2026-11-23'],
    [
      'a Monday before seven',
      'weekly',
      '2026-11-23T05:00:00Z',
      BERLIN,
      '2026-11-09T06:00',
      '2026-11-16T06:00',
      '2026-11-16',
    ],
    ['a Sunday', 'weekly', '2026-11-22T23:30:00Z', 'UTC', '2026-11-09T07:00', '2026-11-16T07:00', '2026-11-16'],
    [
      'a week of 167 hours',
      'weekly',
      '2027-03-29T05:00:00Z',
      BERLIN,
      '2027-03-22T06:00',
      '2027-03-29T05:00',
      '2027-03-29',
    ],
    [
      'over the new year',
      'weekly',
      '2027-01-01T12:00:00Z',
      BERLIN,
      '2026-12-21T06:00',
      '2026-12-28T06:00',
      '2026-12-28',
    ],
  ])('%s', (_, kind, now, zone, from, to, date) => {
    expect(periodOf(kind, new Date(now), zone)).toEqual({ kind, from: `${from}:00.000Z`, to: `${to}:00.000Z`, date });
  });
});

describe('what needs somebody', () => {
  const view = (more: Partial<PlanView> = {}, planned: Partial<Plan> = {}): PlanView => ({
    plan: plan(planned),
    since: '2026-01-01T00:00:00.000Z',
    ...more,
  });
  const last = (ended: string, state: RunState = 'done'): Partial<PlanView> => {
    const one = run({ state, queued: ended, ended });
    return { newest: one, ended: one };
  };
  const cases: [string, string, PlanView, Trouble['kind'] | undefined][] = [
    [
      'all is well',
      '2026-11-22T01:30:00Z',
      view(last('2026-11-21T01:10:00.000Z'), { next: '2026-11-22T01:00:00.000Z' }),
      undefined,
    ],
    [
      'an hour late',
      '2026-11-22T02:00:00Z',
      view(last('2026-11-21T01:10:00.000Z'), { next: '2026-11-22T01:00:00.000Z' }),
      undefined,
    ],
    [
      'later than that',
      '2026-11-22T02:00:01Z',
      view(last('2026-11-21T01:10:00.000Z'), { next: '2026-11-22T01:00:00.000Z' }),
      'late',
    ],
    [
      'an hourly one: a quarter of an hour',
      '2026-11-22T02:15:01Z',
      view(last('2026-11-22T01:10:00.000Z'), {
        schedule: { cron: '0 * * * *', zone: BERLIN },
        next: '2026-11-22T02:00:00.000Z',
      }),
      'late',
    ],
    [
      'late, but somebody ran it since',
      '2026-11-22T05:00:00Z',
      view(last('2026-11-22T03:00:00.000Z'), { next: '2026-11-22T01:00:00.000Z' }),
      undefined,
    ],
    [
      'late, but the one before goes on',
      '2026-11-22T05:00:00Z',
      view(
        { newest: run({ state: 'running', queued: '2026-11-21T01:00:00.000Z' }) },
        { next: '2026-11-22T01:00:00.000Z' },
      ),
      undefined,
    ],
    [
      'started, and nobody works it',
      '2026-11-22T05:00:00Z',
      view({ newest: run({ state: 'queued', queued: '2026-11-22T01:00:00.000Z' }) }),
      'stuck',
    ],
    [
      'started a moment ago',
      '2026-11-22T01:30:00Z',
      view({ newest: run({ state: 'queued', queued: '2026-11-22T01:00:00.000Z' }) }),
      undefined,
    ],
    [
      'two days without a run, whatever its date says',
      '2026-11-23T02:10:00Z',
      view(last('2026-11-21T01:10:00.000Z'), { next: '2026-11-24T01:00:00.000Z' }),
      'silent',
    ],
    [
      'one day without a run',
      '2026-11-22T20:00:00Z',
      view(last('2026-11-21T01:10:00.000Z'), { next: '2026-11-23T01:00:00.000Z' }),
      undefined,
    ],
    [
      'the night of 25 hours',
      '2026-10-26T01:30:00Z',
      view(last('2026-10-25T00:10:00.000Z'), { next: '2026-10-27T01:00:00.000Z' }),
      undefined,
    ],
    [
      'every half hour, in the hour that comes twice',
      '2026-10-25T01:05:00Z',
      view(last('2026-10-25T00:31:00.000Z'), {
        schedule: { cron: '*/30 * * * *', zone: BERLIN },
        next: '2026-10-25T01:00:00.000Z',
      }),
      undefined,
    ],
    [
      'the hour that did not exist: 02:30 runs at 03:30',
      '2027-03-28T01:31:00Z',
      view(last('2027-03-27T01:40:00.000Z'), { schedule: daily('02:30'), next: '2027-03-28T01:30:00.000Z' }),
      undefined,
    ],
    [
      'weekdays: Friday to Monday is no silence',
      '2026-11-23T00:30:00Z',
      view(last('2026-11-20T01:10:00.000Z'), {
        schedule: { cron: '0 2 * * 1-5', zone: BERLIN },
        next: '2026-11-23T01:00:00.000Z',
      }),
      undefined,
    ],
    [
      'monthly: two months',
      '2026-12-02T00:00:00Z',
      view(last('2026-10-01T01:10:00.000Z'), {
        schedule: { cron: '0 2 1 * *', zone: BERLIN },
        next: '2027-01-01T01:00:00.000Z',
      }),
      'silent',
    ],
    [
      'resumed yesterday after a month',
      '2026-11-22T12:00:00Z',
      view(
        { ...last('2026-10-20T01:10:00.000Z'), since: '2026-11-21T12:00:00.000Z' },
        { next: '2026-11-23T01:00:00.000Z' },
      ),
      undefined,
    ],
    [
      'never ran, two of its days are over',
      '2026-11-22T12:00:00Z',
      view({ since: '2026-11-20T12:00:00.000Z' }, { next: '2026-11-23T01:00:00.000Z' }),
      'silent',
    ],
    [
      'never ran, and is new',
      '2026-11-22T12:00:00Z',
      view({ since: '2026-11-22T11:00:00.000Z' }, { next: '2026-11-23T01:00:00.000Z' }),
      undefined,
    ],
    [
      'once, and it did not',
      '2026-11-22T12:00:00Z',
      view({}, { schedule: { at: '2026-11-22T09:00', zone: BERLIN } }),
      'silent',
    ],
    [
      'once, and it did',
      '2026-11-22T12:00:00Z',
      view(last('2026-11-22T08:10:00.000Z'), { schedule: { at: '2026-11-22T09:00', zone: BERLIN } }),
      undefined,
    ],
    ['paused', '2026-11-22T12:00:00Z', view(last('2026-10-20T01:10:00.000Z'), { state: 'paused' }), undefined],
    [
      'paused until tomorrow',
      '2026-11-22T12:00:00Z',
      view(last('2026-10-20T01:10:00.000Z'), {
        state: 'paused',
        pausedUntil: '2026-11-23T00:00:00.000Z',
        next: '2026-11-23T01:00:00.000Z',
      }),
      undefined,
    ],
    [
      'paused until yesterday, and still',
      '2026-11-22T12:00:00Z',
      view(last('2026-10-20T01:10:00.000Z'), { state: 'paused', pausedUntil: '2026-11-21T00:00:00.000Z' }),
      'pause',
    ],
    ['waits for a sign-in', '2026-11-22T00:00:00Z', view(last('2026-11-21T01:10:00.000Z', 'waiting')), 'waiting'],
    [
      'an account of it needs one',
      '2026-11-22T00:00:00Z',
      view({ ...last('2026-11-21T01:10:00.000Z'), signIn: { label: 'Sign in', line: 'connect icloud as ana' } }),
      'waiting',
    ],
    ['failed', '2026-11-22T00:00:00Z', view(last('2026-11-21T01:10:00.000Z', 'failed')), 'failed'],
    ['in part', '2026-11-22T00:00:00Z', view(last('2026-11-21T01:10:00.000Z', 'partial')), 'partial'],
    ['by hand, and never', '2026-11-22T00:00:00Z', view({}, { schedule: { manual: true } }), 'never'],
    [
      'by hand, long ago',
      '2026-11-22T00:00:00Z',
      view(last('2026-01-21T01:10:00.000Z'), { schedule: { manual: true } }),
      undefined,
    ],
  ];
  it.each(cases)('%s (%s)', (_, now, seen, kind) => {
    const trouble = troubleOf(seen, new Date(now));
    expect(trouble?.kind).toBe(kind);
    if (!trouble) return;
    expect(parse(trouble.mend.line, vocabulary).outcome).toBe('command');
    for (const line of linesOf(missedReply(trouble))) expect(parse(line, vocabulary).outcome).toBe('command');
  });

  it('only what no run reports is told at once', () => {
    const kinds = cases.flatMap(([, now, seen]) => troubleOf(seen, new Date(now)) ?? []);
    expect(new Set(kinds.filter(isMissed).map(({ kind }) => kind))).toEqual(
      new Set(['late', 'silent', 'stuck', 'pause']),
    );
  });
});

const period = periodOf('daily', new Date('2026-11-22T06:00:00Z'), BERLIN);
const counts = { files: 900, bytes: 9e9, new: 0, changed: 0, same: 0, vanished: 0, failed: 0, skipped: 0, copied: 0 };

describe('what a digest says', () => {
  const tallied = (...runs: Partial<Run>[]) => runs.reduce((tally, one) => withRun(tally, run(one), period), EMPTY);
  const inside = '2026-11-21T08:00:00.000Z';

  it('adds up the runs that ended in the period', () => {
    const tally = tallied(
      { ended: period.from, counts: { ...counts, new: 3, copied: 300 }, space: [{ destination: 'x', free: 9e9 }] },
      { ended: inside, counts: { ...counts, new: 5, changed: 2, failed: 1, copied: 700 }, state: 'partial' },
      { ended: inside, counts: { ...counts, new: 1, copied: 10 }, state: 'stopped' },
      { ended: inside, state: 'failed' },
      { ended: period.to, counts: { ...counts, new: 100 } },
      { ended: '2026-11-21T05:59:59.999Z', counts: { ...counts, new: 100 } },
      { ended: undefined as never, state: 'running' },
    );
    expect(tally).toEqual({ runs: 3, good: 1, files: 10, bytes: 1010, space: [{ destination: 'x', free: 9e9 }] });
  });

  const rows = (...files: number[]) =>
    files.map((count, index) => ({
      plan: plan({
        id: `p${index}`,
        name: index === 0 ? 'photos' : `letters ${index}`,
        next: '2026-11-23T01:00:00.000Z',
      }),
      tally: count < 0 ? EMPTY : { runs: 1, good: 1, files: count, bytes: count * 1e6 },
    }));
  const trouble = (name = 'photos'): Trouble => ({
    plan: plan({ name }),
    kind: 'late',
    at: '2026-11-22T01:00:00.000Z',
    what: 'It should have run 5 h ago, and nothing started it.',
    mend: { label: 'Run it', line: `run ${name}`, style: 'primary' },
  });
  it.each<[number[], Trouble[], number, string, Reply['tone']]>([
    [[214], [], 1, 'photos is well: 214 files copied in the last day.', 'good'],
    [[1, 2], [], 2, 'All 2 backups are well: 3 files copied in the last day.', 'good'],
    [[0, 0], [], 2, 'All 2 backups are well: nothing new in the last day.', 'good'],
    [[-1], [], 1, 'No backup was due in the last day.', 'good'],
    [[-1], [trouble()], 1, 'photos needs you.', 'bad'],
    [[4], [trouble()], 3, 'photos needs you, the others are well.', 'bad'],
    [[4, 5], [trouble(), trouble('letters')], 3, '2 of 3 backups need you.', 'bad'],
  ])('%j, %# ', (files, troubles, plans, title, tone) => {
    const reply = digestReply(rows(...files), troubles, { plans, period });
    expect(reply).toMatchObject({ title, tone, topic: 'Your backups, day by day' });
    expect(linesOf(reply)).toContain('status');
    if (troubles.length > 0) expect(words(reply)).toContain('nothing started it');
  });

  it('one row for each, and never more words to answer than are read', () => {
    const many = Array.from({ length: 30 }, (_, index) => trouble(`plan ${index}`));
    const reply = digestReply(rows(...Array.from({ length: 30 }, () => 1)), many, { plans: 30, period });
    const tables = reply.blocks.flatMap((block) => (block.kind === 'table' ? [block] : []));
    expect(tables.map(({ rows: all }) => all.length)).toEqual([30, 30]);
    expect(linesOf(reply)).toHaveLength(6);
    expect(digestReply([], [], { plans: 0, period: { ...period, kind: 'weekly' } }).topic).toBe(
      'Your backups, week by week',
    );
  });
});

describe('the worker', () => {
  let world: World;
  const ALL = ['console', 'mail', 'slack', 'discord'];
  const ADDRESS: Identity = { surface: 'mail', id: 'ana@example.org' };
  const SLACK: Identity = { surface: 'slack', id: 'T1/U1' };
  beforeEach(async () => {
    world = await openWorld();
    world.clock.set(new Date('2026-11-22T06:05:00.000Z'));
  });
  afterEach(() => world.close());

  const person = (...identities: Identity[]): Promise<Person> =>
    world.store.put('people', {
      id: 'ana',
      name: 'Ana',
      role: 'owner',
      identities,
      zone: BERLIN,
      created: '2026-01-01T00:00:00.000Z',
    });
  const planned = (more: Partial<Plan> = {}): Promise<Plan> =>
    world.store.put('plans', plan({ next: '2026-11-23T01:00:00.000Z', ...more }));
  const byHand = (more: Partial<Plan> = {}): Promise<Plan> => {
    const { next: _, ...made } = plan({ ...more, schedule: { manual: true } });
    return world.store.put('plans', made);
  };
  const ran = (more: Partial<Run> = {}): Promise<Run> =>
    world.store.put('runs', run({ counts: { ...counts, new: 3, copied: 3e6 }, ...more }));
  const options = (more: Partial<DigestOptions> = {}): DigestOptions => ({
    ...world.services,
    surfaces: ALL,
    mailFiles: false,
    ...more,
  });
  const look = (more: Partial<DigestOptions> = {}): Promise<number> =>
    lookForDigests(options(more), new AbortController().signal);
  const said = (): Promise<OutboxMessage[]> => all(world.store.find('outbox'));
  const at = (instant: string): void => world.clock.set(new Date(instant));

  it('one digest a day for each person, once', async () => {
    await person(ADDRESS);
    await planned();
    await planned({ id: 'p2', name: 'letters', report: 'always' });
    await planned({ id: 'p3', name: 'films' });
    await ran({ queued: '2026-11-22T01:00:00.000Z', ended: '2026-11-22T01:10:00.000Z' });
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    const [message] = await said();
    expect(message).toMatchObject({ surface: 'mail', key: 'digest:ana:daily:2026-11-22', person: 'ana' });
    expect(words(message?.reply)).toContain('photos | 1 run | 3 files, 3.0 MB | –');
    expect(words(message?.reply)).toContain('films | no run | nothing new');
    expect(words(message?.reply)).not.toContain('letters');
    for (const [index, id] of ['p1', 'p2', 'p3'].entries()) {
      const stored = await world.store.get('plans', id);
      if (stored) await world.store.put('plans', { ...stored, next: '2026-11-24T01:00:00.000Z' });
      const ended = '2026-11-23T01:10:00.000Z';
      await ran({ id: `r${index + 2}`, plan: id, queued: '2026-11-23T01:00:00.000Z', ended });
    }
    at('2026-11-23T05:59:00.000Z');
    expect(await look()).toBe(0);
    at('2026-11-23T06:01:00.000Z');
    expect(await look()).toBe(1);
  });

  it('also after it was delivered, and by a second process at the same moment', async () => {
    await person(ADDRESS);
    await planned();
    await ran({ queued: '2026-11-22T01:00:00.000Z', ended: '2026-11-22T01:10:00.000Z' });
    await Promise.all([look(), look()]);
    const [message, ...more] = await said();
    expect(more).toEqual([]);
    if (message) await world.store.put('outbox', { ...message, state: 'sent' });
    await look();
    expect((await said()).map(({ state }) => state)).toEqual(['sent']);
  });

  it('after days without it only the newest period is told', async () => {
    await person(ADDRESS);
    await byHand();
    await ran();
    await look();
    at('2026-11-29T10:00:00.000Z');
    expect(await look()).toBe(1);
    expect((await said()).map(({ key }) => key).sort()).toEqual([
      'digest:ana:daily:2026-11-22',
      'digest:ana:daily:2026-11-29',
    ]);
  });

  it('a plan that was made since waits for its first period', async () => {
    await person(ADDRESS);
    await planned({ created: '2026-11-22T06:03:00.000Z', next: '2026-11-23T01:00:00.000Z' });
    expect(await look()).toBe(0);
  });

  it.each<[string, Identity[], Partial<DigestOptions>, Partial<Plan>, string | undefined]>([
    ['an address', [SLACK, ADDRESS], {}, {}, 'mail'],
    [
      'an address that bounces',
      [SLACK, { ...ADDRESS, refused: { at: '2026-11-01T00:00:00.000Z', why: '550' } }],
      {},
      {},
      'slack',
    ],
    ['no mails about it', [SLACK, ADDRESS], {}, { mailed: false }, 'slack'],
    ['chat, and mails are files', [SLACK], { mailFiles: true }, {}, 'slack'],
    ['nothing, and mails are files', [], { mailFiles: true }, {}, 'mail'],
    ['nothing at all', [], {}, {}, 'console'],
    ['nothing, and no console', [], { surfaces: ['mail'] }, {}, undefined],
  ])('goes where they are: %s', async (_, identities, ways, more, surface) => {
    await person(...identities);
    await byHand(more);
    await ran();
    await look(ways);
    expect((await said())[0]?.surface).toBe(surface);
  });

  it('a backup that did not run is told at once, whatever its reports are, and once', async () => {
    await person(ADDRESS, SLACK);
    await planned({ report: 'never', next: '2026-11-22T01:00:00.000Z' });
    await ran();
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    const messages = await said();
    expect(messages.map(({ surface }) => surface).sort()).toEqual(['console', 'mail', 'slack']);
    expect(new Set(messages.map(({ key }) => key))).toEqual(new Set(['missed:p1:2026-11-22T01:00:00.000Z']));
    expect(messages[0]?.reply).toMatchObject({ tone: 'bad', title: 'photos did not run.', topic: 'photos: needs you' });
    expect(messages[0]?.about).toEqual({ plan: 'p1' });
    at('2026-11-28T01:00:00.000Z');
    expect(await look()).toBe(0);
    // It still does not: said again after a week.
    at('2026-11-29T01:00:00.000Z');
    expect(await look()).toBe(1);
  });

  it('a plan that is resumed after months has not been silent for months', async () => {
    await person(ADDRESS);
    const paused = await planned({ report: 'never', state: 'paused' });
    await ran({ queued: '2026-06-01T01:00:00.000Z', ended: '2026-06-01T01:10:00.000Z' });
    expect(await look()).toBe(0);
    const resumed = await world.store.put('plans', { ...paused, state: 'active', next: '2026-11-23T01:00:00.000Z' });
    expect(await look()).toBe(0);
    // … and if it does not run from then on, that is told.
    await world.store.put('plans', { ...resumed, next: '2026-11-26T01:00:00.000Z' });
    at('2026-11-24T01:30:00.000Z');
    expect(await look()).toBe(0);
    at('2026-11-24T02:30:00.000Z');
    expect(await look()).toBe(1);
    expect((await said())[0]?.key).toBe('missed:p1:2026-11-23T01:00:00.000Z');
  });

  it('forgets what it knew of plans that are no more', async () => {
    await person(ADDRESS);
    await planned({ report: 'never' });
    const known = (): Promise<number> => world.store.count('settings', { from: 'watched/', to: 'watched0' });
    await look();
    expect(await known()).toBe(1);
    await world.store.remove('plans', 'p1');
    await look();
    expect(await known()).toBe(0);
  });

  it('one plan that cannot be read, and one owner who is gone, keep nobody else waiting', async () => {
    await person(ADDRESS);
    await planned({ id: 'p0', name: 'odd', schedule: { cron: 'no cron', zone: BERLIN } });
    await planned({ id: 'p2', owner: 'nobody', name: 'orphan', next: '2026-11-01T00:00:00.000Z' });
    await planned({ id: 'p3', name: 'late', next: '2026-11-22T01:00:00.000Z' });
    expect(await look()).toBe(2);
    expect(world.lines.join('\n')).toContain('digest.plan_not_read');
  });

  describe('looks every ten minutes', () => {
    /** Sleeps as told, by moving the clock; `jumps` are further minutes of single sleeps. */
    async function play(sleeps: number, jumps: Record<number, number> = {}): Promise<string[]> {
      const looked: string[] = [];
      const stop = new AbortController();
      let count = 0;
      const { find } = world.store;
      const store = {
        ...world.store,
        find: (...args: Parameters<typeof find>) => {
          if (args[0] === 'plans') looked.push(world.clock.now().toISOString().slice(11, 16));
          return find.call(world.store, ...args);
        },
      } as typeof world.store;
      const clock = {
        now: world.clock.now,
        async sleep(ms: number) {
          count++;
          if (count > sleeps) {
            stop.abort(new Error('over'));
            throw stop.signal.reason;
          }
          world.clock.forward(ms + (jumps[count] ?? 0) * 60_000);
        },
      };
      await startDigest({ ...options(), store, clock, signal: stop.signal });
      return looked;
    }

    it('first when the scheduler had time to catch up', async () => {
      at('2026-11-22T06:00:00.000Z');
      expect(await play(4)).toEqual(['06:20', '06:30', '06:40']);
    });

    it('and so after the machine slept', async () => {
      at('2026-11-22T06:00:00.000Z');
      expect(await play(6, { 4: 300 })).toEqual(['06:20', '06:30', '12:00']);
    });
  });
});
