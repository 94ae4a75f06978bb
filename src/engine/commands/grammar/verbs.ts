/** Every command with a word of its own, and how the rest of its line is read. */
import type { CommandArgs, CommandName } from '../command.ts';
import { readAdopt, readConnect, readDisconnect } from './accounts.ts';
import { readAnswer } from './answer.ts';
import { readPlan } from './create.ts';
import { readEdit, readRename } from './edit.ts';
import { VERBS } from './keywords.ts';
import { takeOption } from './options.ts';
import { readForget, readInvite, readJoin, readLink, readRole, readShare, readUnlink } from './people.ts';
import { nearPlan, planAt, thisPlan, unknownPlan, whichPlan } from './plans.ts';
import { type Fix, type Issue, keyAt, type Line, phraseAt, refused, rest, slice, unclear } from './reading.ts';
import { readMail, readReport, readReports, readWhy } from './reports.ts';
import { readRestore } from './restore.ts';
import { nearest } from './suggest.ts';
import { momentAt, spanAt } from './times.ts';
import {
  done,
  ended,
  neededPlan,
  optionalPlan,
  politeAt,
  type ReadVerb,
  stuck,
  tooMuch,
  type VerbReading,
} from './verb.ts';
import { quote } from './words.ts';

/** For commands whose only argument is a plan that may be left out. */
const withPlan =
  (name: 'stop' | 'resume' | 'history' | 'snapshots'): ReadVerb =>
  (line, from, at) => {
    const { plan, next, reading } = optionalPlan(line, from, at, () => false);
    return reading ?? ended(line, from, next, { name, args: plan === undefined ? {} : { plan } });
  };

/** "run photos anyway" is the answer to a run that asked before it changed much. */
const readRun: ReadVerb = (line, from, at) => {
  const anyway = (i: number) => phraseAt(line, i, ['anyway', 'anyways', 'any way']);
  const again = (i: number) => phraseAt(line, i, ['again', 'once more', 'one more time']);
  const { plan, next, reading } = optionalPlan(line, from, at, (i) => anyway(i) > 0 || again(i) > 0);
  if (reading) return reading;
  const more = next + again(next);
  const said = anyway(more);
  const args: CommandArgs['run'] = { ...(plan === undefined ? {} : { plan }), ...(said > 0 ? { anyway: true } : {}) };
  return ended(line, from, more + said, { name: 'run', args });
};

const alone =
  (name: 'list' | 'status' | 'accounts' | 'whoami' | 'people'): ReadVerb =>
  (line, from, at) =>
    ended(line, from, at, { name, args: {} });

const readShow: ReadVerb = (line, from, at) => {
  const found = neededPlan(line, from, at, 'Show which plan?', true);
  return found.reading ?? ended(line, from, found.next, { name: 'show', args: { plan: found.plan } });
};

/** A plan is deleted by its name only: neither a thread nor being the only one says which. */
const readDelete: ReadVerb = (line, from, at) => {
  const found = neededPlan(line, from, at, 'Delete which plan?', false);
  return found.reading ?? ended(line, from, found.next, { name: 'delete', args: { plan: found.plan } });
};

/** Without a name: the last change, whichever plan it was; so the only plan there is does not count as named. */
const readUndo: ReadVerb = (line, from, at) => {
  const { plan } = line.vocabulary;
  const found = optionalPlan(line, from, at, () => false);
  if (found.reading) return found.reading;
  const named = found.next > at ? found.plan : plan;
  return ended(line, from, found.next, { name: 'undo', args: named === undefined ? {} : { plan: named } });
};

const readPause: ReadVerb = (line, from, at) => {
  const until = (i: number) => phraseAt(line, i, ['until', 'till', 'til', 'untill', 'unitl', 'for']) > 0;
  const { plan, next, reading } = optionalPlan(line, from, at, until);
  if (reading) return reading;
  const args: CommandArgs['pause'] = plan === undefined ? {} : { plan };
  const head = keyAt(line, next);
  if (head === 'for') {
    const span = spanAt(line, next + 1);
    if (span) return ended(line, from, span.next, { name: 'pause', args: { ...args, until: span.at } });
    if (phraseAt(line, next + 1, ['ever', 'good', 'now']) > 0)
      return ended(line, from, next + 2, { name: 'pause', args });
  } else if (until(next)) {
    const moment = momentAt(line, next + 1, 'future');
    if (moment && Date.parse(moment.moment.at) > line.vocabulary.now.getTime()) {
      return ended(line, from, moment.next, { name: 'pause', args: { ...args, until: moment.moment.at } });
    }
  } else if (next < line.words.length) {
    const fixes: Fix[] = ['until', 'for'].map((text) => ({ edits: [{ from: next, to: next, text }] }));
    const result = ended(line, from, next, { name: 'pause', args });
    return result.command ? result : tooMuch(line, from, next, fixes);
  }
  if (!until(next)) return done({ name: 'pause', args });
  const end = line.words.length;
  const message = `After "${head}" comes a time that lies ahead, such as until monday or for 3 days.`;
  const fixes = ['until monday', 'for 3 days', ''];
  return stuck(line, from, next, [refused('bad_date', next, end, message, fixes).issue], `"${slice(line, next, end)}"`);
};

const HOW: Record<string, 'quick' | 'sample' | 'full'> = {
  quick: 'quick',
  quickly: 'quick',
  sample: 'sample',
  full: 'full',
  fully: 'full',
};

const readVerify: ReadVerb = (line, from, at) => {
  const howAt = (i: number) => (Object.hasOwn(HOW, keyAt(line, i)) ? HOW[keyAt(line, i)] : undefined);
  // "verify full photos" as well as "verify photos full".
  const early = howAt(at);
  const { plan, next, reading } = optionalPlan(line, from, early ? at + 1 : at, (i) => howAt(i) !== undefined);
  if (reading) return reading;
  const how = early ?? howAt(next);
  const args: CommandArgs['verify'] = { ...(plan === undefined ? {} : { plan }), ...(how ? { how } : {}) };
  return ended(line, from, how && !early ? next + 1 : next, { name: 'verify', args });
};

const readFind: ReadVerb = (line, from, at) => {
  let end = line.words.length;
  let plan: string | undefined = line.vocabulary.plan;
  for (let i = end - 2; i > at; i--) {
    if (keyAt(line, i) !== 'in') continue;
    const found = planAt(line, i + 1);
    if (found?.next === line.words.length) {
      plan = found.plan;
      end = i;
      break;
    }
    if (nearPlan(line, i + 1)) {
      return stuck(line, from, i, [unknownPlan(line, i + 1, end)], `"${slice(line, i + 1, end)}"`);
    }
  }
  const words = line.words.slice(at, end).flatMap((word) => (word.text.trim() === '' ? [] : [word.text]));
  if (words.length === 0) {
    const fixes = ['IMG_2041'];
    return stuck(line, from, at, [refused('nothing_said', at, end, 'Say a part of the name to find.', fixes).issue]);
  }
  return done({ name: 'find', args: { words, ...(plan === undefined ? {} : { plan }) } });
};

const readPreview: ReadVerb = (line, from, at) => {
  const start = at + phraseAt(line, at, ['of', 'for']);
  const found = planAt(line, start) ?? thisPlan(line, start);
  if (found) {
    const reading = ended(line, from, found.next, { name: 'preview', args: { plan: found.plan } });
    if (reading.command) return reading;
  }
  if (start >= line.words.length) {
    const { plan, plans } = line.vocabulary;
    const implied = plan ?? (plans.length === 1 ? plans[0]?.name : undefined);
    if (implied !== undefined) return done({ name: 'preview', args: { plan: implied } });
    return stuck(line, from, at, [whichPlan(line, start, 'Preview which plan?')]);
  }
  const reading = readPlan(line, start);
  if (reading.args) return done({ name: 'preview', args: { draft: reading.args } });
  const { issues, read, unread, pieces } = reading;
  if (pieces.places.length > 0 || line.vocabulary.plans.length === 0)
    return { issues, read: `preview ${read}`, unread };
  return stuck(line, from, start, [unknownPlan(line, start, line.words.length)], unread);
};

const readWhen: ReadVerb = (line, from, at) => {
  const phrase = rest(line, at);
  if (phrase !== '') return done({ name: 'when', args: { phrase } });
  const message = 'Say a schedule after "when" to see its next times.';
  return stuck(line, from, at, [refused('nothing_said', at, at, message, ['every sunday at 03:00']).issue]);
};

/** The database's own spelling of a zone, or undefined. */
function zoneName(text: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const readTimezone: ReadVerb = (line, from, at) => {
  const start = at + phraseAt(line, at, ['to', 'is', 'in']);
  const words = line.words.slice(start);
  if (words.length === 0) return done({ name: 'timezone', args: {} });
  const text = words.map((word) => word.text).join('_');
  const zone = /[/]|^utc$|^gmt$/i.test(text) ? zoneName(text) : undefined;
  if (zone !== undefined) return done({ name: 'timezone', args: { zone } });
  const zones = Intl.supportedValuesOf('timeZone');
  const city = text.toLowerCase().split('/').at(-1) ?? '';
  const cities = zones.filter((name) => name.toLowerCase().split('/').at(-1) === city);
  const near = nearest(city, new Set(zones.map((name) => name.split('/').at(-1) ?? '')), 2);
  const guesses = cities.length > 0 ? cities : zones.filter((name) => near.includes(name.split('/').at(-1) ?? ''));
  const message = `There is no time zone "${slice(line, start, line.words.length)}". Zones are named by region and city, such as Europe/Paris.`;
  const { issue } = refused('unknown_zone', start, line.words.length, message, guesses.slice(0, 3));
  return stuck(line, from, start, [issue], `"${slice(line, start, line.words.length)}"`);
};

const readClaim: ReadVerb = (line, from, at) => {
  const code = line.words[at]?.text;
  if (code) return ended(line, from, at + 1, { name: 'claim', args: { code } });
  const message = 'Say the code that the log printed at the first start: claim <code>.';
  return stuck(line, from, at, [refused('nothing_said', at, at, message).issue]);
};

const readHelp: ReadVerb = (line, from, at) => {
  const start = at + phraseAt(line, at, ['me', 'with', 'about', 'on', 'me with']);
  if (start + politeAt(line, start) >= line.words.length) return done({ name: 'help', args: {} });
  const verb = verbAt(line, start);
  const create = phraseAt(line, start, ['backup', 'create', 'new', 'schedule', 'schedules', 'options']);
  if (verb) return ended(line, from, start + verb.length, { name: 'help', args: { command: verb.name } });
  if (create > 0) return ended(line, from, start + create, { name: 'help', args: { command: 'create' } });
  const end = line.words.length;
  const words = slice(line, start, end);
  const fixes = [...nearest(words, Object.keys(VERBS)), ''];
  const message = `There is no command "${words}".`;
  return stuck(line, from, start, [refused('unknown_command', start, end, message, fixes).issue], `"${words}"`);
};

const READERS: Record<Exclude<CommandName, 'create'>, ReadVerb> = {
  list: alone('list'),
  show: readShow,
  run: readRun,
  stop: withPlan('stop'),
  pause: readPause,
  resume: withPlan('resume'),
  edit: readEdit,
  delete: readDelete,
  undo: readUndo,
  preview: readPreview,
  status: alone('status'),
  history: withPlan('history'),
  snapshots: withPlan('snapshots'),
  find: readFind,
  restore: readRestore,
  verify: readVerify,
  adopt: readAdopt,
  connect: readConnect,
  accounts: alone('accounts'),
  disconnect: readDisconnect,
  when: readWhen,
  timezone: readTimezone,
  whoami: alone('whoami'),
  claim: readClaim,
  answer: readAnswer,
  link: readLink,
  unlink: readUnlink,
  invite: readInvite,
  join: readJoin,
  people: alone('people'),
  role: readRole,
  forget: readForget,
  share: readShare('share'),
  unshare: readShare('unshare'),
  help: readHelp,
  report: readReport,
  why: readWhy,
  reports: readReports,
  mail: readMail,
};

/** A working line of each command, for people who are stuck in it. */
export const EXAMPLES: Record<CommandName, string> = {
  create: 'backup ~/Pictures to /mnt/usb weekly',
  list: 'list',
  show: 'show photos',
  run: 'run photos',
  stop: 'stop photos',
  pause: 'pause photos until monday',
  resume: 'resume photos',
  edit: 'edit photos every sunday at 03:00 keep 5 versions',
  delete: 'delete photos',
  undo: 'undo photos',
  preview: 'preview ~/Pictures to /mnt/usb weekly',
  status: 'status',
  history: 'history photos',
  snapshots: 'snapshots photos',
  find: 'find IMG_2041 in photos',
  restore: 'restore photos IMG_2041.HEIC from yesterday to ~/Restored',
  verify: 'verify photos full',
  adopt: 'adopt /mnt/usb',
  connect: 'connect webdav as nas',
  accounts: 'accounts',
  disconnect: 'disconnect nas',
  when: 'when every sunday at 03:00',
  timezone: 'timezone Europe/Paris',
  whoami: 'whoami',
  claim: 'claim K7Q2-9F4M',
  answer: 'answer 123 456',
  link: 'link 2F7K-QM4D-9TRV',
  unlink: 'unlink slack',
  invite: 'invite Ben as viewer',
  join: 'join 2F7K-QM4D-9TRV',
  people: 'people',
  role: 'role Ben member',
  forget: 'forget me',
  share: 'share photos here',
  unshare: 'unshare photos',
  help: 'help restore',
  report: 'report photos',
  why: 'why photos',
  reports: 'stop reports of photos',
  mail: 'mail ana@example.org',
};

export interface VerbFound {
  name: CommandName;
  length: number;
  read: ReadVerb;
}

/** "report weekly" is when a plan reports, whether a plan's line follows or not. */
function isReportOption(line: Line, at: number, length: number): boolean {
  const option = takeOption(line, at);
  return option !== undefined && !option.issue && option.next > at + length;
}

/** The verb at word `at`; the longest of its phrases counts. */
export function verbAt(line: Line, at: number): VerbFound | undefined {
  let best: VerbFound | undefined;
  for (const name of Object.keys(VERBS) as (keyof typeof VERBS)[]) {
    const length = phraseAt(line, at, VERBS[name]);
    if (length > (best?.length ?? 0)) best = { name, length, read: READERS[name] };
  }
  if ((best?.name === 'report' || best?.name === 'reports') && isReportOption(line, at, best.length)) return undefined;
  const rename = phraseAt(line, at, ['rename']);
  return rename > (best?.length ?? 0) ? { name: 'edit', length: rename, read: readRename } : best;
}

/** Words that begin a command, for suggestions. */
export const verbWords = (): string[] => [
  ...Object.values(VERBS)
    .flat()
    // "backups" is a list; who mistypes the word before a plan's line means "backup".
    .filter((word) => word.length > 3 && word !== 'backups'),
  'backup',
  'rename',
];

/**
 * "photos weekly": a plan's name first. Understood, but it changes something without having said so. `backUp`: "back up
 * photos" was typed, which may ask for a run.
 */
export function planFirst(line: Line, at: number, backUp: boolean): VerbReading | undefined {
  const found = planAt(line, at);
  if (!found) return undefined;
  if (found.next + politeAt(line, found.next) >= line.words.length) {
    if (!backUp) return done({ name: 'show', args: { plan: found.plan } });
    const question = `Run the backup "${found.plan}" now, or look at it?`;
    const { issue } = unclear('which_command', 0, found.next, question, [
      { label: 'Run it now', text: `run ${quote(found.plan)}` },
      { label: 'Show it', text: `show ${quote(found.plan)}` },
    ]);
    return stuck(line, at, found.next, [issue]);
  }
  const verb = verbAt(line, found.next);
  const name = quote(found.plan);
  const others = slice(line, found.next, line.words.length);
  const fixes: Fix[] = [];
  const edit = (text: string): Fix => ({ label: text, edits: [{ from: at, to: line.words.length, text }] });
  if (verb && found.next + verb.length === line.words.length) fixes.push(edit(`${others} ${name}`));
  fixes.push(edit(`edit ${name} ${others}`));
  const message = `What should be done with the backup "${found.plan}"?`;
  const issue: Issue = { code: 'which_command', message, kind: 'clarify', from: at, to: found.next, fixes };
  return stuck(line, at, found.next, [issue], `"${others}"`);
}
