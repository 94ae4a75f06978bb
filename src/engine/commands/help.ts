/** `help [command]`: one page, or one command with an example that works. */
import { isChat } from '../backup/report-targets.ts';
import { UsageError } from '../errors.ts';
import { mayAct } from '../people.ts';
import type { KindSummary, Services } from '../services.ts';
import type { Block, Caller, Reply } from '../types.ts';
import type { Command, CommandName } from './command.ts';
import { exampleLine } from './example.ts';
import { connectable, newForms } from './form-for.ts';
import { kindForm, newForm } from './forms.ts';
import { nearest } from './grammar/suggest.ts';
import { keyOf, quote } from './grammar/words.ts';
import { visiblePlans } from './plan-of.ts';
import { choice, choices, menu, plain, text } from './reply.ts';
import { settingFields } from './settings-form.ts';

/** What `help` needs of the other commands; the list itself is handed in, so that neither file needs the other first. */
type Listed = { [N in CommandName]: Pick<Command<N>, 'name' | 'summary' | 'example'> };

const GROUPS: [string, CommandName[]][] = [
  ['Back up', ['create', 'preview', 'run', 'stop', 'pause', 'resume', 'edit', 'delete', 'undo']],
  ['Look', ['status', 'list', 'show', 'report', 'why', 'history', 'snapshots', 'find']],
  ['Get back', ['restore', 'verify', 'adopt']],
  ['Places', ['connect', 'accounts', 'disconnect', 'answer']],
  ['You', ['when', 'timezone', 'whoami', 'mail', 'reports', 'link', 'unlink', 'forget', 'claim', 'help']],
  ['Others', ['people', 'invite', 'join', 'role', 'share', 'unshare']],
];

/** `create` has no word of its own: the line itself is the command. */
const WORDS: Partial<Record<string, CommandName>> = {
  backup: 'create',
  new: 'create',
  remove: 'delete',
  schedule: 'when',
};

const WORD_OF: Partial<Record<CommandName, string>> = { create: 'backup' };

const DETAILS: Partial<Record<CommandName, string[]>> = {
  create: [
    'Say where from, where to, and when: backup <source> to <destination> [and <destination>] [schedule] [options]',
    'When: daily, weekly, every friday at 18:00, every 6 hours, on the 1st of every month, tomorrow at 9:00. Without it the backup runs only when you say so.',
    'Which files: only photos, only *.heic,*.jpg, except *.mov, larger than 5MB, since 2024-01-01, album "Family".',
    'What is kept: keep 5 versions, keep 30 days, keep 7 daily 4 weekly 12 monthly. Without it every version is kept.',
    'More: named "Family photos", into {year}/{month}, limit 5MB/s, report on failure, in Europe/Paris.',
  ],
  restore: [
    'It first shows what it would write, and asks about files that are already there. Nothing is overwritten unless you say replace.',
    'From an earlier state: `restore "Pictures to usb" IMG_2041.HEIC from yesterday`',
    'Somewhere else: `restore "Pictures to usb" to ~/Restored`',
  ],
  verify: [
    'quick compares names and sizes; sample reads some files back; full reads every file back and compares every byte.',
  ],
  report: ['As a file to keep or to pass on: `report "Pictures to usb" pdf`'],
  why: ['As an answer to a report it means that run; otherwise the newest in which something failed.'],
  reports: [
    'Without a name it means all of your backups; as an answer to a report, the backup of that report.',
    'Failures are not mailed either then. To have the mails again: `send reports`',
  ],
  mail: [
    'I write to the address first. The code in that mail, said where you asked for it, makes it yours.',
    '`mail` alone shows where your reports go.',
  ],
  connect: ['Passwords are never part of the line: they are asked for, and kept sealed.'],
};

/** Buttons in a row of Discord are five. */
const MOST_FORMS = 4;

const places = (kinds: readonly KindSummary[]): Block => ({
  kind: 'table',
  columns: ['Place', 'Written as'],
  rows: kinds.map((kind) => [
    kind.title,
    kind.name === 'local' ? kind.rootExample : `${kind.name}:${kind.rootExample}`,
  ]),
});

/** The plan's name in the commands' examples; a plan that the reader has makes them work as typed. */
const EXAMPLE_PLAN = '"Pictures to usb"';

const dataOf = (commands: Listed, named: (example: string) => string): unknown => ({
  commands: GROUPS.flatMap(([, names]) =>
    names.map((name) => ({ name, summary: commands[name].summary, example: named(commands[name].example) })),
  ),
});

function page(commands: Listed, kinds: readonly KindSummary[], named: (example: string) => string): Reply {
  return plain(
    'Say what to copy and where, for example: backup ~/Pictures to /mnt/usb weekly',
    [
      ...GROUPS.flatMap(([title, names]): Block[] => [
        text(title),
        {
          kind: 'table',
          columns: ['Type', 'What it does'],
          rows: names.map((name) => [named(commands[name].example), commands[name].summary]),
        },
      ]),
      text('Where from and where to'),
      places(kinds),
      ...choices(choice('More about backups', 'help create'), choice('Am I safe?', 'status')),
    ],
    dataOf(commands, named),
  );
}

/** What most people need, in the order in which they need it. */
const FIRST: readonly CommandName[] = ['status', 'run', 'find', 'restore', 'edit', 'pause', 'undo'];
/** Known by those who have such a code, said before anything else, or offered where they are of use: below questions and reports. */
const UNASKED: readonly CommandName[] = ['claim', 'join', 'help', 'when', 'answer', 'report', 'why', 'reports'];

/** In chat a page is a screen of a telephone: what most people need, everything else in a menu. */
function chatPage(
  commands: Listed,
  { example, named, hasPlan }: { example: string; named: (example: string) => string; hasPlan: boolean },
  forms: readonly Block[],
): Reply {
  const rest = GROUPS.flatMap(([, names]) => names).filter((name) => ![...FIRST, ...UNASKED].includes(name));
  return plain(
    'Tell me what to copy and where.',
    [
      text(`For example \`${example}\`, or fill in New backup.`),
      hasPlan
        ? {
            kind: 'table',
            columns: ['Say', 'What it does'],
            rows: FIRST.map((name) => [named(commands[name].example), commands[name].summary]),
          }
        : text(
            'After that, `status` tells whether you are safe, `restore` brings files back, and `undo` takes back your last change.',
          ),
      ...forms,
      ...choices(choice('Am I safe?', 'status')),
      ...menu(
        'More',
        rest.map((name) => choice(WORD_OF[name] ?? name, `help ${name}`)),
      ),
    ],
    dataOf(commands, named),
  );
}

/** A form per service, or a menu of the services when those would be too many. */
async function connecting(services: Services): Promise<Block[]> {
  const kinds = connectable(services);
  if (kinds.length > MOST_FORMS) {
    return menu(
      'Connect',
      kinds.map((kind) => choice(kind.title, `connect ${kind.name}`)),
    );
  }
  return Promise.all(
    kinds.map(async ({ name }) => {
      const kind = await services.kinds.load(name);
      return kindForm(kind, settingFields(kind));
    }),
  );
}

/** What one command needs to be filled in, for those who may use it. */
async function formsOf(name: CommandName, caller: Caller, services: Services): Promise<Block[]> {
  if (!mayAct(caller.person, 'member')) return [];
  if (name === 'create') return [newForm()];
  return name === 'connect' ? connecting(services) : [];
}

function one(
  command: Listed[CommandName],
  kinds: readonly KindSummary[],
  named: (example: string) => string,
  more: readonly Block[],
): Reply {
  const { name, summary } = command;
  const example = named(command.example);
  const details = (DETAILS[name] ?? []).map(named);
  return plain(
    summary,
    [
      text(`For example: \`${example}\``),
      ...details.map(text),
      ...(name === 'create' || (name === 'connect' && more.length === 0) ? [places(kinds)] : []),
      ...more,
      ...choices(choice('All commands', 'help')),
    ],
    { name, summary, example, details },
  );
}

export const helpOn = (commands: () => Listed): Command<'help'> => ({
  name: 'help',
  summary: 'Show what can be said.',
  example: 'help restore',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const kinds = services.kinds.list();
    const [first] = await visiblePlans(services, caller);
    const named = (example: string): string =>
      first ? example.replace(EXAMPLE_PLAN, () => quote(first.name)) : example;
    if (args.command === undefined) {
      yield isChat(caller.surface)
        ? chatPage(
            commands(),
            { example: exampleLine(services, caller), named, hasPlan: first !== undefined },
            newForms(caller),
          )
        : page(commands(), kinds, named);
      return;
    }
    const wanted = keyOf(args.command);
    const names = Object.values(commands()).map((command) => command.name);
    const name = names.find((known) => known === wanted) ?? WORDS[wanted];
    if (name === undefined) {
      const close = nearest(wanted, [...names, ...Object.keys(WORDS)]);
      throw new UsageError(`There is no command "${args.command}".`, {
        code: 'no_such_command',
        advice: close[0] ? `Did you mean: help ${close[0]}` : '`help` shows all of them.',
        choices: close.map((known) => ({ label: known, line: `help ${known}` })),
      });
    }
    yield one(commands()[name], kinds, named, await formsOf(name, caller, services));
  },
});
