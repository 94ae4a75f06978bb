/**
 * What `/backup` offers in Discord, as data: for each subcommand the line it begins and the options that complete it. The
 * definition sent to Discord and the line made of the answers both come from here. Pure.
 */
import type { Form, FormField } from '../../engine/types.ts';

/** Every option has a help: Discord wants a description. */
export type Option = FormField & { help: string };

export interface Subcommand {
  /** The line's beginning. */
  line: string;
  options: readonly Option[];
}

const plan = (more: Partial<Option> = {}): Option => ({
  name: 'plan',
  label: 'Plan',
  help: 'The name of the backup. Not needed when there is only one.',
  suggest: 'plan',
  quoted: true,
  ...more,
});

const thePlan = (): Option => plan({ required: true, help: 'The name of the backup.' });

const code = (help: string): Option => ({ name: 'code', label: 'Code', help });

const ONLY: Option = {
  name: 'only',
  label: 'Only',
  help: 'Which files: photos, videos, *.pdf. Else all.',
  word: 'only',
};

const NAME: Option = {
  name: 'name',
  label: 'Name',
  help: 'What the backup is called.',
  word: 'named',
  quoted: true,
};

/** In the order in which Discord shows them. At most 25, with at most 25 options each; what must be answered comes first. */
export const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  new: {
    line: 'backup',
    options: [
      {
        name: 'from',
        label: 'From',
        help: 'What to back up: an account, or a folder such as nas:Photos.',
        suggest: 'source',
        required: true,
      },
      {
        name: 'to',
        label: 'To',
        help: 'Where to; several with "and" between.',
        word: 'to',
        suggest: 'destination',
        required: true,
      },
      {
        name: 'when',
        label: 'When',
        help: 'weekly, daily at 03:00, every friday. Else only when you say so.',
        suggest: 'schedule',
      },
      ONLY,
      NAME,
    ],
  },
  run: { line: 'run', options: [plan()] },
  status: { line: 'status', options: [] },
  list: { line: 'list', options: [] },
  show: { line: 'show', options: [thePlan()] },
  pause: {
    line: 'pause',
    options: [
      plan(),
      {
        name: 'until',
        label: 'Until',
        help: 'monday, tomorrow at 9:00, 2027-01-31. Else until you resume it.',
        word: 'until',
      },
    ],
  },
  resume: { line: 'resume', options: [plan()] },
  stop: { line: 'stop', options: [plan()] },
  edit: {
    line: 'edit',
    options: [
      thePlan(),
      { name: 'when', label: 'When', help: 'The new schedule, such as every sunday at 03:00.', suggest: 'schedule' },
      ONLY,
      {
        name: 'keep',
        label: 'Keep',
        help: 'Old versions: 5 versions, 30 days, everything.',
        word: 'keep',
      },
      {
        name: 'report',
        label: 'Report',
        help: 'When you hear about it.',
        word: 'report',
        options: [
          { label: 'After every run', value: 'always' },
          { label: 'Only when something is wrong', value: 'on failure' },
          { label: 'Once a day', value: 'daily' },
          { label: 'Once a week', value: 'weekly' },
          { label: 'Never', value: 'never' },
        ],
      },
      { ...NAME, help: 'Its new name.' },
    ],
  },
  restore: {
    line: 'restore',
    options: [
      plan(),
      {
        name: 'files',
        label: 'Files',
        help: 'A file, a folder/**, or a pattern such as *.heic. Else everything.',
        suggest: 'file',
        many: true,
      },
      {
        name: 'from',
        label: 'From',
        help: 'As of when: yesterday, a date, a snapshot. Else the newest.',
        word: 'from',
        suggest: 'snapshot',
      },
      { name: 'to', label: 'To', help: 'Where to. Else where they came from.', word: 'to', suggest: 'destination' },
      {
        name: 'existing',
        label: 'Existing',
        help: 'Files that are already there. Without it you first see what would be written.',
        options: [
          { label: 'Keep both', value: 'keep both' },
          { label: 'Leave them alone', value: 'skip' },
          { label: 'Replace them', value: 'replace' },
        ],
      },
    ],
  },
  find: {
    line: 'find',
    options: [
      {
        name: 'words',
        label: 'Words',
        help: 'A part of the name, such as beach or IMG_20*.',
        required: true,
        suggest: 'file',
      },
      plan({ word: 'in', help: 'Only in this backup.' }),
    ],
  },
  verify: {
    line: 'verify',
    options: [
      plan(),
      {
        name: 'how',
        label: 'How',
        help: 'How thoroughly. Else a sample.',
        options: [
          { label: 'Names and sizes', value: 'quick' },
          { label: 'Read some files back', value: 'sample' },
          { label: 'Read every byte back', value: 'full' },
        ],
      },
    ],
  },
  history: { line: 'history', options: [plan()] },
  snapshots: { line: 'snapshots', options: [plan()] },
  accounts: { line: 'accounts', options: [] },
  connect: {
    line: 'connect',
    options: [
      { name: 'kind', label: 'Kind', help: 'Which service.', suggest: 'kind', quoted: true },
      { name: 'name', label: 'Name', help: 'Your name for it, such as work.', word: 'as', quoted: true },
    ],
  },
  share: { line: 'share', options: [thePlan()] },
  delete: { line: 'delete', options: [thePlan()] },
  timezone: {
    line: 'timezone',
    options: [{ name: 'zone', label: 'Zone', help: 'A region and city, such as Europe/Paris.', suggest: 'zone' }],
  },
  link: { line: 'link', options: [code('The code that the other place showed. Without it you get one.')] },
  join: { line: 'join', options: [{ ...code('The code of your invitation.'), required: true }] },
  claim: { line: 'claim', options: [{ ...code('The code that the log shows at the first start.'), required: true }] },
  forget: { line: 'forget me', options: [] },
  help: {
    line: 'help',
    options: [{ name: 'topic', label: 'Topic', help: 'A command, such as restore.', suggest: 'command' }],
  },
  ask: {
    line: '',
    options: [
      {
        name: 'request',
        label: 'Request',
        help: 'One line, as you would type it: icloud to gdrive weekly only photos',
        required: true,
        suggest: 'line',
      },
    ],
  },
};

/** The subcommand as a form: from the answers to a line there is one way only. */
export const formOf = (name: string, { line, options }: Subcommand): Form => ({
  kind: 'form',
  label: name,
  title: name,
  line,
  fields: [...options],
});
