/** Lines about reports: one again, why it is as it is, whether they are mailed, and where to. */
import type { CommandArgs } from '../command.ts';
import { SEND_REPORTS, STOP_REPORTS } from './keywords.ts';
import { impliedPlan, planAt, thisPlan, unknownPlan } from './plans.ts';
import { type Fix, type Line, phraseAt, refused, slice, unclear } from './reading.ts';
import { done, ended, politeAt, type ReadVerb, stuck, tooMuch, type VerbReading } from './verb.ts';
import { keyOf, quote, untyped } from './words.ts';

const OF = ['of', 'for', 'about', 'on', 'from'];
const PDF = ['pdf', 'as pdf', 'as a pdf', 'in pdf', 'as pdf file', 'as a pdf file'];
const AGAIN = ['again', 'to me', 'of the last run', 'from the last run'];

/** A plan behind "of", or just so. */
function planBehind(line: Line, at: number): { next: number; plan: string } | undefined {
  const of = at + phraseAt(line, at, OF);
  return planAt(line, at) ?? planAt(line, of) ?? thisPlan(line, of);
}

/** What is left behind a command that takes a plan at most: another plan's name, or too many words. */
const leftover = (line: Line, from: number, next: number, named: boolean): VerbReading => {
  const at = next + phraseAt(line, next, OF);
  const to = line.words.length;
  if (named || at >= to) return tooMuch(line, from, next);
  return stuck(line, from, next, [unknownPlan(line, at, to)], `"${slice(line, at, to)}"`);
};

/** The plan and the form may be said in any order: "report pdf photos", "report of photos as a pdf". */
export const readReport: ReadVerb = (line, from, at) => {
  let named: string | undefined;
  let pdf = /\bpdf\b/.test(keyOf(slice(line, from, at)));
  let next = at;
  for (let length = 1; length > 0; ) {
    const form = phraseAt(line, next, PDF);
    const plan = named === undefined && form === 0 ? planBehind(line, next) : undefined;
    length = plan ? plan.next - next : Math.max(form, phraseAt(line, next, AGAIN));
    if (plan) named = plan.plan;
    if (form > 0) pdf = true;
    next += length;
  }
  if (next + politeAt(line, next) < line.words.length) return leftover(line, from, next, named !== undefined);
  const plan = named ?? impliedPlan(line.vocabulary);
  const args: CommandArgs['report'] = {
    ...(plan === undefined ? {} : { plan }),
    ...(pdf ? { as: 'pdf' as const } : {}),
  };
  return done({ name: 'report', args });
};

const THINGS = [
  ...['it', 'this', 'that', 'they', 'these', 'those', 'them', 'some', 'the run', 'the last run', 'the backup'],
  ...['my backup', 'this backup', 'this run', 'files', 'the files', 'these files', 'those files', 'some files'],
  ...['there', 'there problems', 'there errors', 'so many'],
];
const FAILED = [
  ...['fail', 'failed', 'failing', 'not work', 'not finish', 'not backed up', 'not copied', 'missing', 'go wrong'],
  ...['wrong', 'went wrong', 'stop', 'happen', 'a problem', 'problems', 'errors', 'left out'],
];

/** `why [did] [it | these 3 [files] | <plan>] [fail]`, `what went wrong [with <plan>]`. */
export const readWhy: ReadVerb = (line, from, at) => {
  let next = at + phraseAt(line, at, ['did', 'do', 'does', 'has', 'have', 'is', 'are', 'was', 'were']);
  next += phraseAt(line, next, ['with', 'in', 'of', 'for', 'there']);
  const few = phraseAt(line, next, ['these', 'those', 'the']);
  const counted = /^\d{1,9}$/.test(line.words[next + few]?.key ?? '');
  if (counted) {
    next += few + 1;
    next += phraseAt(line, next, ['files', 'file', 'photos', 'videos', 'ones']);
  }
  const plan = counted ? undefined : planAt(line, next);
  const thing = counted || plan ? 0 : phraseAt(line, next, THINGS);
  next = (plan?.next ?? next) + thing;
  next += phraseAt(line, next, FAILED);
  if (next + politeAt(line, next) < line.words.length) return leftover(line, from, next, plan !== undefined);
  const name = plan?.plan ?? impliedPlan(line.vocabulary);
  return done({ name: 'why', args: name === undefined ? {} : { plan: name } });
};

const ALL = [
  ...['all', 'everything', 'at all', 'of all', 'from all', 'for all', 'about all', 'of everything', 'from everything'],
  ...['about everything', 'all of them', 'completely', 'of all backups', 'from all backups', 'for all backups'],
  ...['about all backups', 'all backups'],
];
const BY_MAIL = ['by mail', 'by email', 'via mail', 'to me', 'to me by mail'];

/** "stop reports" where a plan is called "reports": either may be meant. */
function plansOwn(line: Line, from: number, at: number): VerbReading | undefined {
  if (phraseAt(line, from, ['stop', 'start', 'pause', 'resume']) === 0) return undefined;
  const found = planAt(line, from + 1);
  if (!found || found.next < at) return undefined;
  const verb = slice(line, from, from + 1).toLowerCase();
  const stops = verb === 'stop' || verb === 'pause';
  const whole = (label: string, text: string): Fix => ({ label, edits: [{ from, to: line.words.length, text }] });
  const { issue } = refused('which_command', from, at, `Is "${found.plan}" the backup, or the mails with reports?`, [
    whole(`The backup ${found.plan}`, `${verb} ${quote(found.plan)}`),
    whole('The mails', stops ? 'no more reports' : 'mail me reports'),
  ]);
  return stuck(line, from, at, [{ ...issue, kind: 'clarify' }]);
}

/** Without a plan: that of the message that is answered, else all of the caller's. */
export const readReports: ReadVerb = (line, from, at) => {
  const own = plansOwn(line, from, at);
  if (own) return own;
  const said = keyOf(slice(line, from, at)).replace(/[.!?]+$/, '');
  const stops = STOP_REPORTS.includes(said);
  if (!stops && !SEND_REPORTS.includes(said)) {
    const { issue } = unclear('which_command', from, at, 'What about the reports?', [
      { label: 'The last one', text: 'report' },
      { label: 'Mail them to me', text: 'send reports' },
      { label: 'No more mails', text: 'stop reports' },
    ]);
    return stuck(line, from, at, [issue]);
  }
  const start = at + phraseAt(line, at, BY_MAIL);
  const all = phraseAt(line, start, ALL);
  const found = all === 0 ? planBehind(line, start) : undefined;
  const next = found?.next ?? start + all;
  if (next + politeAt(line, next) < line.words.length)
    return leftover(line, from, next, found !== undefined || all > 0);
  const every = all > 0 || said === 'stop all reports';
  const plan = found?.plan ?? (every ? undefined : line.vocabulary.plan);
  return done({ name: 'reports', args: { ...(plan === undefined ? {} : { plan }), mailed: !stops } });
};

/** As chats and mail programs write one: `<ana@example.org>`, `mailto:ana@example.org`, with the full stop of its sentence. */
const WRITTEN = /^<?(?:mailto:)?([^\s<>"(),:;@\\|]{1,64}@[^\s<>"(),:;@\\|]{1,255}?)(?:\|[^>]*)?>?[.!?]*$/i;

/** `mail [<address>]`. */
export const readMail: ReadVerb = (line, from, at) => {
  const next = at + politeAt(line, at);
  if (next >= line.words.length) return done({ name: 'mail', args: {} });
  const address = WRITTEN.exec(untyped(line.words[at]?.text ?? ''))?.[1]?.toLowerCase();
  if (address !== undefined) return ended(line, from, at + 1, { name: 'mail', args: { address } });
  const words = slice(line, at, line.words.length);
  const message = `"${words}" is no mail address. One looks like ana@example.org.`;
  const { issue } = refused('bad_address', at, line.words.length, message, [{ label: 'Show my address', text: '' }]);
  return stuck(line, from, at, [issue], `"${words}"`);
};
