/** The options of a plan: which files, what is kept, its name, reports, the limit, the layout. */
import type { Filter, ReportWhen, Retention } from '../../types.ts';
import { takeAlbums, takeFiles } from './files.ts';
import { takeKeep } from './keep.ts';
import { takeLayout } from './layout.ts';
import { takeLocation } from './locations.ts';
import { keyAt, type Line, phraseAt, refused, type Taken, took } from './reading.ts';
import { takeRate, takeSize } from './sizes.ts';
import { scheduleAt, takeMoment } from './times.ts';
import { quoted } from './words.ts';

/** What can be said once. */
export type Slot =
  | 'allFiles'
  | 'files'
  | 'except'
  | 'larger'
  | 'smaller'
  | 'since'
  | 'before'
  | 'albums'
  | 'keep'
  | 'name'
  | 'report'
  | 'limit'
  | 'layout';

export interface OptionSet {
  filter?: Filter;
  retention?: Retention | 'everything';
  name?: string;
  report?: ReportWhen;
  limit?: number;
  layout?: string;
  clearFilter?: true;
  /** Parts of the filter that are taken out. */
  without?: readonly (keyof Filter)[];
}

export interface OptionRead {
  slot: Slot;
  set: OptionSet;
}

interface Option {
  heads: readonly string[];
  /** `from` is the first word of the head, `at` the word behind it. `undefined`: the head meant something else here. */
  take(line: Line, from: number, at: number): Taken<OptionRead> | undefined;
}

/** Wraps what a part took into its place among the options. */
const put = <T>(taken: Taken<T>, slot: Slot, set: (value: T) => OptionSet): Taken<OptionRead> =>
  taken.issue ? taken : took(taken.next, { slot, set: set(taken.value as T) });

const REPORTS: [ReportWhen, readonly string[]][] = [
  ['always', ['always', 'every run', 'every time', 'each time', 'each run', 'after every run']],
  [
    'on_failure',
    [
      'on failure',
      'on failures',
      'on error',
      'on errors',
      'on problems',
      'only on failure',
      'only on failures',
      'only on errors',
      'only on problems',
      'if it fails',
      'when it fails',
      'only if it fails',
      'only when it fails',
      'failures',
      'failures only',
      'problems',
      'problems only',
    ],
  ],
  ['daily', ['daily', 'every day', 'each day']],
  ['weekly', ['weekly', 'every week', 'each week']],
  ['never', ['never', 'no', 'none', 'off']],
];

function takeReport(line: Line, from: number, at: number): Taken<OptionRead> {
  let best: { length: number; when: ReportWhen } | undefined;
  for (const [when, phrases] of REPORTS) {
    const length = phraseAt(line, at, phrases);
    if (length > (best?.length ?? 0)) best = { length, when };
  }
  if (best) return took(at + best.length, { slot: 'report', set: { report: best.when } });
  const message = 'After "report" comes when: always, on failure, daily, weekly or never.';
  const fixes = ['always', 'on failure', 'daily', 'weekly', 'never'].map((when) => `report ${when}`);
  return refused('bad_report', from, from + 1, message, fixes);
}

/** Longer names break tables and folder names; quotes and control characters were sorted out by the tokeniser. */
const LONGEST_NAME = 80;

function takeName(line: Line, from: number, at: number): Taken<OptionRead> | undefined {
  const word = line.words[at];
  const head = keyAt(line, from);
  if (head === 'as' && !word?.quoted) {
    // "as pdf" is no name: without quotes "as" says something about the files.
    return undefined;
  }
  const name = word?.text.trim() ?? '';
  if (!word || name === '') {
    return refused('bad_name', from, Math.min(at + 1, line.words.length), `After "${head}" comes a name.`, [
      'named "Photos"',
    ]);
  }
  if ([...name].length > LONGEST_NAME) {
    const short = [...name].slice(0, LONGEST_NAME).join('').trim();
    return refused('bad_name', from, at + 1, `A name has at most ${LONGEST_NAME} characters.`, [
      `named ${quoted(short)}`,
    ]);
  }
  if (!word.quoted && (isOptionHead(line, at) || keyAt(line, at) === 'to')) {
    const fix = `named ${quoted(name)}`;
    return refused('bad_name', from, at + 1, `A plan named "${name}" has to be quoted.`, [fix]);
  }
  return took(at + 1, { slot: 'name', set: { name } });
}

const larger = (line: Line, _from: number, at: number) =>
  put(takeSize(line, at), 'larger', (largerThan) => ({ filter: { largerThan } }));
const smaller = (line: Line, _from: number, at: number) =>
  put(takeSize(line, at), 'smaller', (smallerThan) => ({ filter: { smallerThan } }));

/** One part of a filter is taken out, the others stay. */
const TAKEN_OUT: readonly [Slot, readonly (keyof Filter)[], readonly string[]][] = [
  ['files', ['only', 'kinds'], ['all types', 'every type']],
  ['except', ['except'], ['no exceptions', 'no exception', 'without exceptions']],
  ['larger', ['largerThan'], ['no minimum size', 'no minimum']],
  ['smaller', ['smallerThan'], ['no maximum size', 'no maximum']],
  ['since', ['since'], ['no start date', 'since ever']],
  ['before', ['before'], ['no end date']],
  ['albums', ['albums'], ['all albums', 'every album']],
];

const OPTIONS: readonly Option[] = [
  {
    heads: ['all files', 'every file', 'no filter', 'everything'],
    take: (_line, _from, at) => took(at, { slot: 'allFiles', set: { clearFilter: true } }),
  },
  ...TAKEN_OUT.map(
    ([slot, without, heads]): Option => ({ heads, take: (_line, _from, at) => took(at, { slot, set: { without } }) }),
  ),
  {
    heads: ['only', 'just', 'only files', 'only the', 'only my'],
    take(line, from, at) {
      // "only files larger than 5MB": the condition says it all.
      if (isOptionHead(line, at)) return takeOption(line, at);
      return put(takeFiles(line, from, at, 'only'), 'files', (filter) => ({ filter }));
    },
  },
  {
    heads: ['except', 'except for', 'without', 'but not', 'excluding', 'exclude', 'ignore', 'ignoring', 'skipping'],
    take: (line, from, at) => put(takeFiles(line, from, at, 'except'), 'except', (filter) => ({ filter })),
  },
  { heads: ['larger than', 'bigger than', 'over', 'above', 'more than', 'files larger than', '>'], take: larger },
  { heads: ['smaller than', 'under', 'below', 'less than', 'files smaller than', '<'], take: smaller },
  {
    heads: ['since'],
    take: (line, from, at) =>
      put(takeMoment(line, from, at, 'past'), 'since', ({ at: since }) => ({ filter: { since } })),
  },
  {
    heads: ['after', 'newer than'],
    take: (line, from, at) =>
      put(takeMoment(line, from, at, 'past'), 'since', ({ until: since }) => ({ filter: { since } })),
  },
  {
    heads: ['before', 'older than'],
    take: (line, from, at) =>
      put(takeMoment(line, from, at, 'past'), 'before', ({ at: before }) => ({ filter: { before } })),
  },
  {
    heads: ['album', 'albums', 'the album', 'the albums'],
    take: (line, from, at) =>
      put(
        takeAlbums(line, at - 1 > from ? at - 1 : from, at, (i) => isOther(line, i)),
        'albums',
        (albums) => ({
          filter: { albums },
        }),
      ),
  },
  {
    heads: ['keep', 'keeping', 'retain'],
    take: (line, from, at) => put(takeKeep(line, from, at), 'keep', (retention) => ({ retention })),
  },
  { heads: ['named', 'called', 'name', 'with name', 'with the name', 'name it', 'call it', 'as'], take: takeName },
  {
    heads: ['no report', 'no reports', 'without report', 'without reports'],
    take: (_line, _from, at) => took(at, { slot: 'report', set: { report: 'never' } }),
  },
  {
    heads: [
      ...['report', 'reports', 'report to me', 'reporting', 'with report', 'with reports', 'send reports'],
      ...['send me reports', 'send a report', 'send me a report', 'mail reports', 'mail me reports'],
    ],
    take: takeReport,
  },
  {
    heads: ['no limit', 'unlimited', 'without limit', 'full speed'],
    take: (_line, _from, at) => took(at, { slot: 'limit', set: { limit: 0 } }),
  },
  {
    heads: ['limit', 'limit to', 'limited to', 'throttle', 'throttle to', 'at most', 'max'],
    take: (line, _from, at) => put(takeRate(line, at), 'limit', (limit) => ({ limit })),
  },
  {
    heads: ['no layout', 'no folders'],
    take: (_line, _from, at) => took(at, { slot: 'layout', set: { layout: '' } }),
  },
  {
    heads: ['into'],
    take(line, from, at) {
      const taken = takeLayout(line, from, at);
      return taken && put(taken, 'layout', (layout) => ({ layout }));
    },
  },
];

function headAt(line: Line, at: number): { option: Option; length: number } | undefined {
  let best: { option: Option; length: number } | undefined;
  for (const option of OPTIONS) {
    const length = phraseAt(line, at, option.heads);
    if (length > (best?.length ?? 0)) best = { option, length };
  }
  return best;
}

export const isOptionHead = (line: Line, at: number): boolean => headAt(line, at) !== undefined;

/** Words that begin another part of a line. */
const isOther = (line: Line, at: number): boolean =>
  ['to', 'from', 'and', 'at', 'in', '->', '→'].includes(keyAt(line, at)) ||
  isOptionHead(line, at) ||
  takeLocation(line, at) !== undefined ||
  scheduleAt(line, at) !== undefined;

/** The option that begins at word `at`; `undefined` when none does. */
export function takeOption(line: Line, at: number): Taken<OptionRead> | undefined {
  const head = headAt(line, at);
  return head?.option.take(line, at, at + head.length);
}

/** Every word an option may begin with, for suggestions. */
export const optionWords = (): string[] => OPTIONS.flatMap((option) => option.heads.filter((head) => head.length > 3));

/** What two pieces of one line say against each other, or undefined. */
export function contradiction(filter: Filter): string | undefined {
  const { largerThan, smallerThan, since, before } = filter;
  if (largerThan !== undefined && smallerThan !== undefined && largerThan >= smallerThan) {
    return 'No file is larger than the one size and smaller than the other.';
  }
  if (since !== undefined && before !== undefined && since >= before) {
    return 'No file is newer than the one date and older than the other.';
  }
  const only = new Set(filter.only?.map((glob) => glob.toLowerCase()));
  const both = filter.except?.find((glob) => only.has(glob.toLowerCase()));
  if (both !== undefined) return `"${both}" stands behind "only" and behind "except".`;
  if (filter.except?.some((glob) => /^\*+(?:[./]\*+)?$/.test(glob))) return '"except *" leaves nothing to back up.';
  return undefined;
}
