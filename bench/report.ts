/** Records of runs -> a markdown page. Pure. */

export interface RunRecord {
  workload: string;
  /** Title of the destination. */
  place: string;
  tool: string;
  rival: boolean;
  round: number;
  seconds: number;
  cpu?: number;
  memory?: number;
  machine: number;
  /** At the server, for all files of the source or, in later runs, for those that changed. */
  requests?: number;
  perFile?: number;
  wrong: number;
  failure?: string;
}

export interface Page {
  /** Markdown paragraphs: machine, date, versions. */
  about: readonly string[];
  /** What each workload is. */
  workloads: Readonly<Record<string, string>>;
  records: readonly RunRecord[];
  notes: readonly string[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

function spread(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const middle = digits(median(values));
  if (values.length === 1) return `${middle} (one run)`;
  return `${middle} [${digits(Math.min(...values))}–${digits(Math.max(...values))}]`;
}

const known = (values: readonly (number | undefined)[]): number[] => values.filter((value) => value !== undefined);
const middle = (values: readonly (number | undefined)[], show: (value: number) => string): string => {
  const there = known(values);
  return there.length === 0 ? '–' : show(median(there));
};

/** How many times as long the rival took, round by round; a rival that ran once is compared with every round. */
function ratio(mine: readonly RunRecord[], rival: readonly RunRecord[]): string {
  const only = rival.length === 1 ? rival[0] : undefined;
  const ratios = mine.flatMap((record) => {
    const other = only ?? rival.find(({ round }) => round === record.round);
    return other ? [other.seconds / record.seconds] : [];
  });
  return ratios.length === 0 ? '–' : `${spread(ratios).replace(' (one run)', '')}x`;
}

const by = <T>(records: readonly T[], key: (record: T) => string): Map<string, T[]> => Map.groupBy(records, key);

function table(records: readonly RunRecord[]): string[] {
  const lines = [
    '| tool | wall s, median [min–max] | tuned rclone took | client CPU s | all CPU s | peak MB | requests a file | wrong files |',
    '|---|---|---|---|---|---|---|---|',
  ];
  const good = records.filter(({ failure }) => failure === undefined);
  const rival = good.filter((record) => record.rival);
  for (const [tool, all] of by(records, (record) => record.tool)) {
    const mine = all.filter(({ failure }) => failure === undefined);
    if (mine.length === 0) {
      lines.push(`| ${tool} | failed: ${all[0]?.failure ?? ''} | | | | | | |`);
      continue;
    }
    const cells = [
      tool,
      spread(mine.map(({ seconds }) => seconds)),
      mine[0]?.rival ? '1' : ratio(mine, rival),
      middle(
        mine.map(({ cpu }) => cpu),
        digits,
      ),
      middle(
        mine.map(({ machine }) => machine),
        digits,
      ),
      middle(
        mine.map(({ memory }) => memory),
        (value) => value.toFixed(0),
      ),
      middle(
        mine.map(({ perFile }) => perFile),
        (value) => value.toFixed(3),
      ),
      String(Math.max(...mine.map(({ wrong }) => wrong))),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines;
}

export function page({ about, workloads, records, notes }: Page): string {
  const parts = ['# Benchmarks', ...about];
  for (const [workload, ofWorkload] of by(records, (record) => record.workload)) {
    parts.push(`## ${workload}: ${workloads[workload] ?? ''}`);
    for (const [place, ofPlace] of by(ofWorkload, (record) => record.place)) {
      parts.push(`To ${place}:`, table(ofPlace).join('\n'));
    }
  }
  parts.push('## How to read this', notes.map((note) => `- ${note}`).join('\n'));
  return `${parts.join('\n\n')}\n`;
}

/** What people waited, in one place with one program: milliseconds, Infinity for what never came. */
export interface AckRecord {
  surface: string;
  program: string;
  acks: readonly number[];
  answers: readonly number[];
}

const quantile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * part) - 1)] ?? Number.NaN;
const ms = (value: number): string => (Number.isFinite(value) ? value.toFixed(0) : 'never');

const ACKS = '## Acknowledgements in chat';

export function ackSection(about: string, records: readonly AckRecord[], files: number): string {
  const rows = records.map(({ surface, program, acks, answers }) => {
    const cells = [
      surface,
      program,
      ...[quantile(acks, 0.5), quantile(acks, 0.99), Math.max(...acks)].map(ms),
      ...[quantile(answers, 0.5), quantile(answers, 0.99)].map(ms),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `${[
    ACKS,
    about,
    [
      '| surface | program | acknowledged ms, p50 | p99 | longest | answered ms, p50 | p99 |',
      '|---|---|---|---|---|---|---|',
      ...rows,
    ].join('\n'),
    [
      '- Everybody says one line at the same moment, in a channel: `status`, `list`, `help`, a name that does not exist, `show photos`. Slack and Discord give three seconds for the acknowledgement; "answered" is the whole answer, since that moment.',
      `- Keepsake is \`node src/main.ts\` with all its roles and SQLite on the disk; "during a run" a run of ${files} small files from folder to folder works in the same process. "bare SDK" is Bolt or discord.js alone (bench/bare-bot.ts): it acknowledges, and says one word.`,
      '- Slack and Discord are those of the tests, in one thread that takes the whole burst: what the bare program shows is mostly theirs, and the floor for the others.',
      '- Over HTTP all of them come at once with a connection each, and Node accepts one connection per turn of its loop, which takes some milliseconds during a run. A proxy that keeps its connections spares that. Answers in Discord wait for its library, which sends fifty requests in a second.',
    ].join('\n'),
  ].join('\n\n')}\n`;
}

/** A page with this section in place of the one with the same title, or at its end. */
export function withSection(text: string, section: string): string {
  const titleOf = (part: string): string | undefined => /^## .*$/m.exec(part)?.[0];
  // A marker above a title belongs to it.
  const parts = text.trimEnd().split(/\n+(?=(?:<!-- [^>]*-->\n)?## )/);
  const at = parts.findIndex((part) => titleOf(part) === titleOf(section));
  const others = at < 0 ? [...parts, section] : parts.with(at, section);
  return `${others.map((part) => part.trimEnd()).join('\n\n')}\n`;
}

/** The section of a page, to go on under a new one. */
export const acksOf = (text: string): string => (text.includes(ACKS) ? `${ACKS}${text.split(ACKS)[1] ?? ''}` : '');
