/** What happened to somebody's backups in a day or a week, in one message. Pure. */
import type { Block, Cell, Choice, Instant, Plan, Reply, Run } from '../types.ts';
import { countWords, manyWords, sizeWords } from '../wording.ts';
import type { Trouble } from './missed.ts';

export type DigestKind = 'daily' | 'weekly';

export interface Period {
  kind: DigestKind;
  from: Instant;
  to: Instant;
  /** The local date on which it ends, YYYY-MM-DD. */
  date: string;
}

/** Local; on Mondays for the weekly one. When the day begins, and good news may ring again. */
const HOUR = 7;
const MONDAY = 1;

/** The newest period that is over at `now`, on the zone's clock: a day of it may have 23 or 25 hours. */
export function periodOf(kind: DigestKind, now: Date, zone: string): Period {
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone);
  const days = kind === 'daily' ? 1 : 7;
  const begins = (date: Temporal.PlainDate): Temporal.ZonedDateTime =>
    date.toZonedDateTime({ timeZone: zone, plainTime: new Temporal.PlainTime(HOUR) });
  const today = local.toPlainDate();
  let date = kind === 'daily' ? today : today.subtract({ days: today.dayOfWeek - MONDAY });
  if (begins(date).epochMilliseconds > now.getTime()) date = date.subtract({ days });
  const instant = (at: Temporal.ZonedDateTime): Instant => new Date(at.epochMilliseconds).toISOString();
  return { kind, from: instant(begins(date.subtract({ days }))), to: instant(begins(date)), date: date.toString() };
}

/** The runs of one plan in the period, added up. */
export interface Tally {
  runs: number;
  good: number;
  files: number;
  bytes: number;
  /** Of the newest run that knows. */
  space?: NonNullable<Run['space']>;
}

export const EMPTY: Tally = { runs: 0, good: 0, files: 0, bytes: 0 };

/** Runs come oldest first. One that somebody stopped, or that went on as another, counts with what it copied. */
export function withRun(tally: Tally, run: Run, { from, to }: Period): Tally {
  if (run.ended === undefined || run.ended < from || run.ended >= to) return tally;
  const { counts, space, state } = run;
  return {
    runs: tally.runs + (state === 'stopped' ? 0 : 1),
    good: tally.good + (state === 'done' ? 1 : 0),
    files: tally.files + Math.max(0, (counts?.new ?? 0) + (counts?.changed ?? 0) - (counts?.failed ?? 0)),
    bytes: tally.bytes + (counts?.copied ?? 0),
    ...(space || tally.space ? { space: space ?? tally.space ?? [] } : {}),
  };
}

export interface DigestRow {
  plan: Plan;
  tally: Tally;
}

const TOPICS: Record<DigestKind, string> = {
  daily: 'Your backups, day by day',
  weekly: 'Your backups, week by week',
};
const SPANS: Record<DigestKind, string> = { daily: 'in the last day', weekly: 'in the last week' };
/** More are named by `status`, which is offered besides. */
const MENDED = 4;

const runsWords = ({ runs, good }: Tally): string => {
  if (runs === 0) return 'no run';
  return `${manyWords(runs, 'run')}${good === runs ? '' : `, ${countWords(runs - good)} not well`}`;
};

const copiedWords = ({ files, bytes }: Tally): string =>
  files === 0 ? 'nothing new' : `${manyWords(files, 'file')}, ${sizeWords(bytes)}`;

const freeWords = ({ space }: Tally): string => {
  const free = (space ?? []).flatMap((one) => one.free ?? []);
  return free.length === 0 ? '–' : `${sizeWords(Math.min(...free))} free`;
};

function titleOf(rows: readonly DigestRow[], troubles: readonly Trouble[], plans: number, kind: DigestKind): string {
  const [first] = troubles;
  if (first && troubles.length === 1) return `${first.plan.name} needs you${plans > 1 ? ', the others are well' : ''}.`;
  if (first) return `${troubles.length} of ${plans} backups need you.`;
  const sum = (of: (tally: Tally) => number): number => rows.reduce((all, { tally }) => all + of(tally), 0);
  if (sum(({ runs }) => runs) === 0) return `No backup was due ${SPANS[kind]}.`;
  const [only] = rows;
  const who = rows.length === 1 && only ? `${only.plan.name} is well` : `All ${rows.length} backups are well`;
  const files = sum((tally) => tally.files);
  return files === 0
    ? `${who}: nothing new ${SPANS[kind]}.`
    : `${who}: ${manyWords(files, 'file')} copied ${SPANS[kind]}.`;
}

/** A time that was over when the digest was due is no next one. */
function nextOf({ next, state }: Plan, { to }: Period): Cell {
  if (next !== undefined) return next > to ? { at: next } : 'overdue';
  return state === 'paused' ? 'paused' : 'by hand';
}

/**
 * `rows` are the plans that it is about, `troubles` those of all `plans` of theirs: a backup that did not run is named even
 * if each of its runs is reported otherwise.
 */
export function digestReply(
  rows: readonly DigestRow[],
  troubles: readonly Trouble[],
  { plans, period }: { plans: number; period: Period },
): Reply {
  const mends: Choice[] = [];
  for (const { mend } of troubles) {
    if (mends.length < MENDED && !mends.some(({ line }) => line === mend.line)) mends.push(mend);
  }
  const trouble: Block[] =
    troubles.length === 0
      ? []
      : [
          {
            kind: 'table',
            columns: ['Backup', 'What happened', 'Since', 'What to do'],
            rows: troubles.map(({ plan, what, at, mend }): Cell[] => [plan.name, what, { at }, mend.line]),
          },
        ];
  return {
    tone: troubles.length > 0 ? 'bad' : 'good',
    title: titleOf(rows, troubles, plans, period.kind),
    topic: TOPICS[period.kind],
    blocks: [
      ...trouble,
      {
        kind: 'table',
        columns: ['Backup', 'Runs', 'Copied', 'Room', 'Next run'],
        rows: rows.map(({ plan, tally }): Cell[] => [
          plan.name,
          runsWords(tally),
          copiedWords(tally),
          freeWords(tally),
          nextOf(plan, period),
        ]),
      },
      {
        kind: 'choices',
        choices: [...mends, { label: 'Am I safe?', line: 'status' }, { label: 'All backups', line: 'list' }],
      },
    ],
    onlyForCaller: true,
    outcome: troubles.length > 0 ? 'partial' : 'done',
    data: { from: period.from, to: period.to, needs: troubles.map(({ plan, kind }) => ({ plan: plan.name, kind })) },
  };
}
