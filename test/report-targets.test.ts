import { describe, expect, it } from 'vitest';
import { isReported, runReply } from '../src/engine/backup/report.ts';
import { chatOf, quietUntil, reportTargets } from '../src/engine/backup/report-targets.ts';
import { skippedTime } from '../src/engine/commands/schedule/gap.ts';
import type { Choice, Identity, Plan, Reply, Run, RunState, Schedule } from '../src/engine/types.ts';

const ALL = { surfaces: ['console', 'mail', 'slack', 'discord'], mailFiles: true };
const NOON = new Date('2026-11-22T12:00:00Z');
const NIGHT = new Date('2026-11-22T22:30:00Z');

const plan = (more: Partial<Plan> = {}): Plan => ({
  id: 'p1',
  owner: 'ana',
  name: 'photos',
  source: { kind: 'local', root: '/a', text: '/a' },
  destinations: [{ kind: 'local', root: '/b', text: '/b' }],
  schedule: { cron: '0 2 * * *', zone: 'Europe/Berlin' },
  filter: {},
  report: 'always',
  state: 'active',
  line: '/a to /b',
  created: '2026-11-01T00:00:00.000Z',
  ...more,
});
const on = (...surfaces: string[]): { identities: Identity[]; zone: string } => ({
  identities: surfaces.map((surface) => ({ surface, id: 'x' })),
  zone: 'Europe/Berlin',
});
const run = (trigger: Run['trigger'], state: RunState) => ({ trigger, state });

describe('where a run is reported', () => {
  it.each<[string, Run['trigger'], RunState, Partial<Plan>, string[], string[]]>([
    ['asked, good', 'person', 'done', {}, ['slack'], ['mail']],
    ['asked, failed', 'person', 'failed', {}, ['slack'], ['mail', 'slack']],
    ['asked, partial', 'person', 'partial', {}, ['slack'], ['mail', 'slack']],
    ['asked, waiting', 'person', 'waiting', {}, [], ['mail']],
    ['scheduled, good', 'schedule', 'done', {}, ['slack'], ['console', 'mail', 'slack']],
    ['scheduled, nobody in chat', 'schedule', 'failed', {}, ['terminal'], ['console', 'mail']],
    [
      'shared, good',
      'schedule',
      'done',
      { conversation: 'slack:T1/C1' },
      ['slack'],
      ['console', 'mail', 'slack:T1/C1'],
    ],
    [
      'shared, failed',
      'schedule',
      'failed',
      { conversation: 'slack:T1/C1' },
      ['slack'],
      ['console', 'mail', 'slack:T1/C1', 'slack'],
    ],
    ['resumed, shared', 'resume', 'done', { conversation: 'discord:C1' }, ['slack'], ['console', 'mail', 'discord:C1']],
    [
      'made on Discord',
      'schedule',
      'done',
      { surface: 'discord' },
      ['slack', 'discord'],
      ['console', 'mail', 'discord'],
    ],
  ])('%s', (_, trigger, state, more, surfaces, expected) => {
    const targets = reportTargets(run(trigger, state), plan(more), on(...surfaces), ALL, NOON);
    expect(targets.map(({ surface, conversation }) => conversation ?? surface)).toEqual(expected);
    expect(targets.some(({ due }) => due !== undefined)).toBe(false);
  });

  it('only where this Keepsake is', () => {
    const targets = reportTargets(
      run('schedule', 'failed'),
      plan({ conversation: 'slack:T1/C1', surface: 'slack' }),
      on('slack', 'discord'),
      { surfaces: ['mail', 'discord'], mailFiles: true },
      NOON,
    );
    expect(targets).toEqual([{ surface: 'mail' }, { surface: 'discord' }]);
    expect(chatOf(plan({ surface: 'slack' }), on('discord'), ALL.surfaces)).toBe('discord');
  });

  it.each<[string, Identity[], boolean, Partial<Plan>, boolean]>([
    ['files need no address', [], true, {}, true],
    ['files, and no mails about it', [], true, { mailed: false }, false],
    ['an address', [{ surface: 'mail', id: 'ana@example.org' }], false, {}, true],
    ['no address', [{ surface: 'slack', id: 'T1/U1' }], false, {}, false],
    [
      'an address that bounces',
      [{ surface: 'mail', id: 'ana@example.org', refused: { at: NOON.toISOString(), why: '550' } }],
      false,
      {},
      false,
    ],
    [
      'one of two bounces',
      [
        { surface: 'mail', id: 'old@example.org', refused: { at: NOON.toISOString(), why: '550' } },
        { surface: 'mail', id: 'ana@example.org' },
      ],
      false,
      {},
      true,
    ],
    ['they want none about it', [{ surface: 'mail', id: 'ana@example.org' }], false, { mailed: false }, false],
  ])('mail: %s', (_, identities, mailFiles, more, expected) => {
    for (const trigger of ['schedule', 'person', 'resume'] as const)
      for (const state of ['done', 'failed'] as const) {
        const targets = reportTargets(run(trigger, state), plan(more), { identities }, { ...ALL, mailFiles }, NOON);
        expect(targets.some(({ surface }) => surface === 'mail')).toBe(expected);
      }
  });

  it.each<[Plan['report'], RunState, boolean]>([
    ['always', 'done', true],
    ['on_failure', 'done', false],
    ['daily', 'done', false],
    ['weekly', 'done', false],
    ['never', 'done', false],
    ['never', 'failed', true],
    ['weekly', 'partial', true],
    ['daily', 'waiting', true],
    ['always', 'stopped', false],
  ])('report %s, %s: %s', (report, state, expected) => {
    expect(isReported(ended({ state }), plan({ report }))).toBe(expected);
  });

  it('good news waits for the morning in chat, and only there; bad news does not', () => {
    const at = (state: RunState, more: Partial<Plan> = {}) =>
      reportTargets(run('schedule', state), plan(more), on('slack'), ALL, NIGHT);
    expect(at('done')).toEqual([
      { surface: 'console' },
      { surface: 'mail' },
      { surface: 'slack', due: '2026-11-23T06:00:00.000Z' },
    ]);
    expect(at('done', { conversation: 'slack:T1/C1' }).at(-1)?.due).toBe('2026-11-23T06:00:00.000Z');
    expect(at('failed').some(({ due }) => due !== undefined)).toBe(false);
  });

  it.each([
    ['2026-11-22T20:59:00Z', 'Europe/Berlin', undefined],
    ['2026-11-22T21:00:00Z', 'Europe/Berlin', '2026-11-23T06:00:00.000Z'],
    ['2026-11-23T05:59:59Z', 'Europe/Berlin', '2026-11-23T06:00:00.000Z'],
    ['2026-11-23T06:00:00Z', 'Europe/Berlin', undefined],
    // The clock is put forward, and back, within the night.
    ['2027-03-27T22:00:00Z', 'Europe/Berlin', '2027-03-28T05:00:00.000Z'],
    ['2026-10-24T22:00:00Z', 'Europe/Berlin', '2026-10-25T06:00:00.000Z'],
    ['2026-11-22T17:00:00Z', 'Asia/Kolkata', '2026-11-23T01:30:00.000Z'],
  ])('%s in %s: until %s', (now, zone, until) => {
    expect(quietUntil(new Date(now), zone)).toBe(until);
  });
});

describe('a planned time that did not exist', () => {
  const berlin = (cron: string): Schedule => ({ cron, zone: 'Europe/Berlin' });
  it.each<[string, Schedule, string, ReturnType<typeof skippedTime>]>([
    ['daily at 02:30', berlin('30 2 * * *'), '2027-03-28T01:30:04Z', { planned: '02:30', ran: '03:30' }],
    ['the day before', berlin('30 2 * * *'), '2027-03-27T01:30:04Z', undefined],
    ['at 04:00', berlin('0 4 * * *'), '2027-03-28T02:00:00Z', undefined],
    ['every hour: the later hour is its own', berlin('30 * * * *'), '2027-03-28T01:30:00Z', undefined],
    ['made up for long after', berlin('30 2 * * *'), '2027-03-28T09:00:00Z', undefined],
    [
      'every second day',
      { everyDays: 2, at: '02:15', anchor: '2027-03-26', zone: 'Europe/Berlin' },
      '2027-03-28T01:15:01Z',
      { planned: '02:15', ran: '03:15' },
    ],
    [
      'once',
      { at: '2027-03-28T02:00', zone: 'Europe/Berlin' },
      '2027-03-28T01:00:00Z',
      { planned: '02:00', ran: '03:00' },
    ],
    ['only when asked', { manual: true }, '2027-03-28T01:30:00Z', undefined],
  ])('%s', (_, schedule, begun, expected) => {
    expect(skippedTime(schedule, new Date(begun))).toEqual(expected);
  });
});

const ended = (more: Partial<Run>): Run => ({
  id: 'r1',
  plan: 'p1',
  owner: 'ana',
  state: 'failed',
  trigger: 'schedule',
  queued: '2027-03-28T00:30:00.000Z',
  problems: [],
  problemCount: 0,
  ...more,
});
const buttons = (reply: Reply): Choice[] =>
  reply.blocks.flatMap((block) => (block.kind === 'choices' ? block.choices : []));
const problem = { code: 'x', message: 'It broke.', advice: 'Mend it.' };

describe('what a report offers', () => {
  it.each<[string, Partial<Run>, string]>([
    ['failed', { problems: [problem], problemCount: 1 }, 'run photos'],
    ['partial', { state: 'partial', problems: [problem], problemCount: 1 }, 'run photos'],
    ['the disk is gone', { problems: [{ ...problem, code: 'destination_gone' }], problemCount: 1 }, 'run photos'],
    [
      'a sign-in is needed',
      { state: 'waiting', problems: [{ ...problem, fix: { label: 'Sign in', line: 'connect icloud as ana' } }] },
      'connect icloud as ana',
    ],
    ['a sign-in of nobody knows what', { state: 'waiting', problems: [problem] }, 'accounts'],
    [
      'the guard asks',
      {
        state: 'waiting',
        question: {
          text: 'Everything is gone?',
          choices: [
            { label: 'Yes, go on', line: 'run photos anyway', style: 'primary' },
            { label: 'Pause', line: 'pause photos' },
          ],
        },
      },
      'run photos anyway',
    ],
  ])('%s: one button that mends it', (_, more, line) => {
    const primary = buttons(runReply(ended(more), plan())).filter(({ style }) => style === 'primary');
    expect(primary.map((button) => button.line)).toEqual([line]);
  });

  it('names its plan and run, and the hour that did not exist', () => {
    const schedule: Schedule = { cron: '30 2 * * *', zone: 'Europe/Berlin' };
    const reply = runReply(ended({ state: 'done', queued: '2027-03-28T01:30:02.000Z' }), plan({ schedule }));
    expect(reply.about).toEqual({ plan: 'p1', run: 'r1' });
    expect(JSON.stringify(reply.blocks)).toContain('02:30 did not exist that night; it ran at 03:30.');
    const asked = ended({ state: 'done', trigger: 'person', queued: '2027-03-28T01:30:02.000Z' });
    expect(JSON.stringify(runReply(asked, plan({ schedule })).blocks)).not.toContain('did not exist');
  });
});
