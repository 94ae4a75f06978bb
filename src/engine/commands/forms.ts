/** The forms that replies carry: what they ask and how each answer is said in the line. Pure. */
import type { Filter, Form, FormField, Instant, Plan } from '../types.ts';
import { instantWords } from '../wording.ts';
import { keepText } from './grammar/keep.ts';
import { filterText, scheduleText } from './grammar/line.ts';
import { sizeText } from './grammar/sizes.ts';
import { quoted } from './grammar/words.ts';
import type { SettingField } from './settings-form.ts';

/** Discord's modals: https://docs.discord.com/developers/components/reference (5 rows, titles and labels of 45). */
const MOST_FIELDS = 5;
const LONGEST_LABEL = 45;
/** Slack's modals: https://docs.slack.dev/reference/views/modal-views/ */
const LONGEST_TITLE = 24;
/** Slack's hints have 150 and Discord's descriptions 100; a longer help would be cut by a surface in mid-word. */
const LONGEST_HELP = 100;

export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most - 1);
  // Half a surrogate pair is no character.
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1)}…`;
}

/** Fields without an answer to begin with have no `value`. */
function field(name: string, label: string, value: string | undefined, more: Partial<FormField>): FormField {
  const { help, ...others } = more;
  return {
    name,
    label: cut(label, LONGEST_LABEL),
    ...(help === undefined ? {} : { help: cut(help, LONGEST_HELP) }),
    ...(value === undefined || value === '' ? {} : { value }),
    ...others,
  };
}

function form(
  label: string,
  title: string,
  line: string,
  fields: FormField[],
  more: Partial<Pick<Form, 'onlyChanges' | 'plan'>> = {},
): Form {
  const named = { label: cut(label, LONGEST_LABEL), title: cut(title, LONGEST_TITLE) };
  return { kind: 'form', ...named, line, fields: fields.slice(0, MOST_FIELDS), ...more };
}

export const newForm = (): Form =>
  form('New backup', 'New backup', 'backup', [
    field('from', 'What to back up', undefined, {
      help: 'An account, or a folder such as ~/Pictures.',
      required: true,
      suggest: 'source',
    }),
    field('to', 'Where to', undefined, {
      help: 'Another account, folder or disk; several with "and" between.',
      required: true,
      word: 'to',
      suggest: 'destination',
    }),
    field('when', 'When', 'weekly', {
      help: 'For example daily at 03:00, every friday, only when I ask.',
      suggest: 'schedule',
    }),
    field('only', 'Only these files', undefined, {
      help: 'For example photos, *.pdf. Empty: all files.',
      word: 'only',
    }),
    field('name', 'Name', undefined, { help: 'Empty: named after its places.', word: 'named', quoted: true }),
  ]);

const REPORTS: NonNullable<FormField['options']> = [
  { label: 'After every run', value: 'always' },
  { label: 'Only when something is wrong', value: 'on failure' },
  { label: 'Once a day', value: 'daily' },
  { label: 'Once a week', value: 'weekly' },
  { label: 'Never', value: 'never' },
];

type Named = Pick<Plan, 'name'>;
type Edited = Pick<Plan, 'name' | 'schedule' | 'retention' | 'report' | 'limit'>;

/** The plan's name is quoted whatever it is: what is filled in behind it must not become a part of it. */
const lineOn = (verb: string, plan: Named): string => `${verb} ${quoted(plan.name)}`;

const whenField = (plan: Pick<Plan, 'schedule'>): FormField =>
  field('when', 'When', scheduleText(plan.schedule), {
    help: 'For example every sunday at 03:00. Empty: only when you say so.',
    suggest: 'schedule',
    emptied: 'only when I ask',
  });

export const editForm = (plan: Edited): Form =>
  form(
    'Edit',
    `Edit ${plan.name}`,
    lineOn('edit', plan),
    [
      whenField(plan),
      field(
        'keep',
        'Old versions to keep',
        plan.retention ? keepText(plan.retention).replace(/^keep /, '') : undefined,
        {
          help: 'For example 5 versions, 30 days, 7 daily 4 weekly 12 monthly. Empty: every version.',
          word: 'keep',
          emptied: 'keep everything',
        },
      ),
      field('report', 'Report', plan.report.replace('_', ' '), { word: 'report', options: REPORTS }),
      field('limit', 'Speed limit', plan.limit ? `${sizeText(plan.limit)}/s` : undefined, {
        help: 'For example 5MB/s or 40Mbit/s. Empty: none.',
        word: 'limit',
        emptied: 'no limit',
      }),
      field('name', 'Name', plan.name, { word: 'named', quoted: true, required: true }),
    ],
    { onlyChanges: true, plan: plan.name },
  );

/** The one answer that most people change. */
export const timeForm = (plan: Pick<Plan, 'name' | 'schedule'>): Form =>
  form('Change time', `When ${plan.name} runs`, lineOn('edit', plan), [whenField(plan)], {
    onlyChanges: true,
    plan: plan.name,
  });

/** A day where the instant is the beginning of one in that zone, so that it reads back as the same instant. */
function dayText(at: Instant, zone: string): string {
  const words = instantWords(at, zone);
  return at.endsWith(':00.000Z') && words.endsWith(' 00:00') ? words.slice(0, -' 00:00'.length) : at;
}

const partText = (part: Filter, head: string): string | undefined => {
  const words = filterText(part);
  return words.startsWith(head) ? words.slice(head.length) : undefined;
};

/** `zone`: the reader's, in which days are meant. */
export function filterForm(plan: Pick<Plan, 'name' | 'filter'>, zone: string): Form {
  const { only, kinds, except, since, largerThan, smallerThan } = plan.filter;
  const size = (bytes: number | undefined) => (bytes === undefined ? undefined : sizeText(bytes));
  return form(
    'Filter',
    `Files of ${plan.name}`,
    lineOn('edit', plan),
    [
      field('only', 'Only', partText({ ...(only ? { only } : {}), ...(kinds ? { kinds } : {}) }, 'only '), {
        help: 'photos, videos, or patterns such as *.pdf, *.heic. Empty: all.',
        word: 'only',
        emptied: 'all types',
      }),
      field('except', 'Except', partText(except ? { except } : {}, 'except '), {
        help: 'Patterns such as *.mov, "Drafts/**". Empty: nothing.',
        word: 'except',
        emptied: 'no exceptions',
      }),
      field('since', 'Changed since', since === undefined ? undefined : dayText(since, zone), {
        help: 'A date such as 2024-01-31, march or 2024. Empty: however old.',
        word: 'since',
        emptied: 'no start date',
      }),
      field('larger', 'Larger than', size(largerThan), {
        help: 'A size such as 100kB.',
        word: 'larger than',
        emptied: 'no minimum size',
      }),
      field('smaller', 'Smaller than', size(smallerThan), {
        help: 'A size such as 2GB.',
        word: 'smaller than',
        emptied: 'no maximum size',
      }),
    ],
    { onlyChanges: true, plan: plan.name },
  );
}

/** What is known already, each as the person would type it. */
export interface RestoreAnswers {
  files?: readonly string[];
  from?: string;
  to?: string;
}

export const restoreForm = (plan: Named, { files = [], from, to }: RestoreAnswers = {}): Form =>
  form(
    'Choose files',
    `Restore ${plan.name}`,
    lineOn('restore', plan),
    [
      field('files', 'Files', files.join('\n'), {
        help: 'Names, folders/**, or patterns such as *.heic, one a line. Empty: everything.',
        suggest: 'file',
        many: true,
        long: true,
      }),
      field('from', 'As of', from, {
        help: 'A snapshot, or a date such as yesterday. Empty: the newest.',
        word: 'from',
        suggest: 'snapshot',
      }),
      field('to', 'Where to', to, {
        help: 'For example ~/Restored. Empty: where they came from.',
        word: 'to',
        suggest: 'destination',
      }),
      field('existing', 'If a file is already there', undefined, {
        help: 'Empty: first show what would be written.',
        options: [
          { label: 'Keep both', value: 'keep both' },
          { label: 'Leave it alone', value: 'skip' },
          { label: 'Replace it', value: 'replace' },
        ],
      }),
    ],
    { plan: plan.name },
  );

export interface KindAsked {
  name: string;
  title: string;
}

/** For which kind, when more than a handful could be meant. */
export const connectForm = (kinds: readonly KindAsked[]): Form =>
  form('Connect', 'Connect a service', 'connect', [
    field('kind', 'Service', undefined, {
      required: true,
      quoted: true,
      suggest: 'kind',
      // Discord's menus have 25 options, https://docs.discord.com/developers/components/reference#string-select
      ...(kinds.length > 25
        ? {}
        : { options: kinds.map(({ title, name }) => ({ label: cut(title, 75), value: name })) }),
    }),
    field('name', 'Your name for it', undefined, { help: 'For example work.', word: 'as', quoted: true }),
  ]);

/** The settings that are no secret, those that must be answered first of all. `answered` are known already. */
export function kindForm(
  kind: KindAsked,
  settings: readonly SettingField[],
  answered: Readonly<Record<string, string>> = {},
  name?: string,
): Form {
  const open = settings.filter((setting) => !setting.secret);
  const most = [...open].sort((a, b) => Number(b.required) - Number(a.required)).slice(0, MOST_FIELDS);
  const fields = open
    .filter((setting) => most.includes(setting))
    .map((setting) =>
      field(setting.name, setting.label, answered[setting.name], {
        ...(setting.help === undefined ? {} : { help: setting.help }),
        ...(setting.required ? { required: true } : {}),
        ...(setting.options ? { options: setting.options.map((value) => ({ label: value, value })) } : {}),
        word: `${setting.name}=`,
        quoted: true,
      }),
    );
  // "WebDAV (Nextcloud, ownCloud, NAS)" would be cut in its brackets.
  const title = `Connect ${kind.title.replace(/ \(.*\)$/, '')}`;
  return form(title, title, `connect ${kind.name}`, [
    ...fields,
    field('as', 'Your name for it', name, { help: 'For example work.', word: 'as', quoted: true }),
  ]);
}

/** A whole line, to be said again with a change. */
export const lineForm = (line: string | undefined): Form =>
  form('Edit', 'Say it again', '', [field('line', 'Your line', line, { required: true, long: true, suggest: 'line' })]);
