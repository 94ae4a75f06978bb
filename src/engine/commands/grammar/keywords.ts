/** The words with a meaning of their own. Imports nothing but types, so that quoting can know them. */
import type { CommandName } from '../command.ts';

/** Reports are no longer mailed. */
export const STOP_REPORTS = [
  ...['stop reports', 'stop the reports', 'stop my reports', 'stop all reports', 'stop sending reports'],
  ...['stop sending me reports', 'stop mailing reports', 'stop mailing me reports', 'stop mailing me'],
  ...['stop emailing me', 'stop mails', 'stop the mails', 'stop emails', 'stop the emails', 'no more reports'],
  ...['no more mails', 'no more mail', 'no more emails', 'no more email', 'mute reports', 'mute the reports'],
  ...['pause reports', 'reports off', 'unsubscribe', 'unsubscribe me', 'stop these mails', 'stop these emails'],
  ...['stop sending mails', 'stop sending emails', 'stop sending me mails', 'stop sending me emails'],
  ...['stop sending these mails', 'stop sending these emails', 'stop sending me these mails'],
  ...['stop sending me these emails', 'end these mails', 'end these emails', 'remove me from this list'],
  ...['remove me from the list', 'take me off this list'],
];
/** And they are again. */
export const SEND_REPORTS = [
  ...['send reports', 'send the reports', 'send my reports', 'send me reports', 'send reports again'],
  ...['send me reports again', 'start reports', 'start the reports', 'resume reports', 'reports on', 'mail reports'],
  ...['start reports again', 'start the reports again', 'send the reports again', 'send these mails again'],
  ...['mail me reports', 'mail me again', 'email me again', 'unmute reports', 'subscribe', 'subscribe again'],
];

/** How each command may be called; the first word is its name in help and suggestions. */
export const VERBS: Record<Exclude<CommandName, 'create'>, readonly string[]> = {
  list: ['list', 'plans', 'ls', 'list plans', 'list backups', 'show plans', 'backups'],
  show: ['show', 'info', 'describe'],
  run: ['run', 'start', 'run now', 'start now', 'run again', 'rerun', 're-run', 'retry', 'retry now', 'try again'],
  stop: ['stop', 'cancel', 'abort'],
  pause: ['pause', 'hold'],
  resume: ['resume', 'unpause', 'continue'],
  edit: ['edit', 'change', 'modify', 'update'],
  delete: ['delete', 'remove', 'rm'],
  undo: ['undo', 'undo that', 'take back', 'take that back'],
  preview: ['preview', 'dry run', 'dry-run', 'dryrun', 'simulate', 'try'],
  status: ['status', 'am i safe', 'am i safe?', 'how are my backups', 'how are my backups?'],
  history: ['history', 'runs'],
  snapshots: ['snapshots', 'versions'],
  find: ['find', 'search', 'search for'],
  restore: ['restore', 'recover', 'get back', 'bring back'],
  verify: ['verify', 'check', 'check the copies', 'check copies', 'verify the copies', 'check the files'],
  adopt: ['adopt'],
  connect: ['connect', 'sign in to', 'log in to'],
  accounts: ['accounts', 'list accounts', 'show accounts'],
  disconnect: ['disconnect', 'sign out of'],
  when: ['when'],
  timezone: ['timezone', 'time zone', 'tz', 'zone'],
  whoami: ['whoami', 'who am i', 'who am i?'],
  claim: ['claim'],
  answer: ['answer'],
  link: ['link'],
  unlink: ['unlink'],
  invite: ['invite'],
  join: ['join'],
  people: ['people', 'who is here', 'who is here?', 'list people', 'show people'],
  role: ['role', 'set role', 'change role'],
  forget: ['forget', 'remove person', 'delete person'],
  share: ['share'],
  unshare: ['unshare', 'stop sharing'],
  help: ['help', '?', '-h', '--help', '/help', 'commands'],
  report: [
    ...['report', 'show report', 'show the report', 'show me the report', 'show last report', 'the report'],
    ...['last report', 'the last report', 'send report', 'send the report', 'send me the report', 'send me a report'],
    ...['mail the report', 'mail me the report', 'email me the report', 'report again', 'pdf', 'a pdf', 'as pdf'],
    ...['pdf report', 'send pdf', 'send a pdf', 'send me a pdf', 'send me the pdf', 'send as pdf'],
  ],
  why: [
    ...['why', 'what went wrong', 'what failed', 'what is wrong', "what's wrong", 'what was wrong', 'what happened'],
    ...['which files failed', 'which files', 'which ones', 'show problems', 'show the problems', 'show errors'],
    ...['show the errors', 'show failures', 'what are the problems', 'what are the errors', 'what was the problem'],
  ],
  reports: ['reports', ...STOP_REPORTS, ...SEND_REPORTS],
  mail: [
    ...['mail', 'email', 'e-mail', 'my mail', 'my email', 'my e-mail', 'my mail address', 'my email address'],
    ...['my mail is', 'my email is', 'my e-mail is', 'my address is', 'my mail address is', 'my email address is'],
    ...['mail to', 'email to', 'mail me at', 'email me at', 'send reports to', 'send the reports to'],
    ...['send my reports to', 'send me reports to', 'mail reports to', 'mail the reports to', 'mail my reports to'],
    ...['email reports to', 'email my reports to', 'reports to'],
  ],
};

/** Said before a line, and nothing by themselves. */
export const GREETINGS = [
  ...['hi', 'hello', 'hey', 'hi there', 'hello there', 'hi keepsake', 'hello keepsake', 'hey keepsake'],
  ...['dear keepsake', 'good morning', 'good evening', 'ok', 'okay', 'sure', 'yes', 'yes please', 'great'],
  ...['perfect', 'thanks', 'thank you', 'thx', 'done', 'alright', 'all right', 'actually'],
  ...['hola', 'hola keepsake', 'hallo', 'hallo keepsake', 'bonjour', 'salut', 'ciao', 'moin'],
];

/** Words before a new plan's line that add nothing. */
export const LEADS = [
  'backup',
  '/backup',
  'back up',
  'back-up',
  'please',
  'pls',
  'plz',
  '/keepsake',
  'keepsake',
  'could you',
  'can you',
  'would you',
];
/** Ways to say that a plan is meant; dropped like a lead, and never before another command. */
export const MAKERS = ['new', 'create', 'add', 'make', 'new backup', 'new plan', 'create backup', 'create plan'];

/** Words that a plan's line may hold and that add nothing. */
export const FILLERS = [
  'please',
  'pls',
  'plz',
  'thanks',
  'thank you',
  'backup',
  '/backup',
  'back up',
  'back-up',
  'now',
  'right now',
  'my',
  'the',
  'all of',
];
export const TO = ['to', 'onto', 'into', '->', '-->', '→', '➜', '➔', '⇒', '=>'];
export const AND = ['and', '&', '+', 'as well as', 'and to', 'and also', 'and also to', 'plus'];

/** Words of schedules that are mistyped most; the schedule grammar knows more. */
export const SCHEDULE_WORDS =
  'every each hourly daily nightly weekly monthly yearly day week month year weekday weekdays weekend weekends monday tuesday wednesday thursday friday saturday sunday morning evening midnight noon tomorrow manually'.split(
    ' ',
  );

/** First words of options, of schedules, and what stands between the parts of a command. */
const OTHERS =
  'no all anyway every everything only just except without but excluding exclude ignore ignoring skipping larger bigger over above more files smaller under below less since after newer before older the album albums keep keeping retain named called name with call as report reports reporting limit limited unlimited full throttle at most max from in on until for skip replace overwrite both quick sample plan plans file latest newest counted manual never once hour hours minute minutes am pm mon tue wed thu fri sat sun cron today tonight yesterday last next first second third fourth january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec utc gmt biweekly fortnightly annually quarterly days weeks months years now versions or of owner member viewer me here';

const singles = (...lists: (readonly string[])[]): string[] => lists.flat().flatMap((phrase) => phrase.split(' '));

/** Names equal to one of these are quoted in lines that Keepsake writes. */
export const RESERVED: ReadonlySet<string> = new Set([
  ...singles(...Object.values(VERBS), LEADS, MAKERS, FILLERS, TO, AND, SCHEDULE_WORDS),
  ...OTHERS.split(' '),
]);
