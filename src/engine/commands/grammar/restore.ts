/** `restore <plan> [files…] [from <snapshot|date>] [to <location>] [keep both|replace|skip]`. */
import type { CommandArgs } from '../command.ts';
import { kindWord } from './files.ts';
import { isFolder, placeFixes, roleIssue, takeLocation } from './locations.ts';
import { FLAG } from './pieces.ts';
import { impliedPlan, nearPlan, planAt, thisPlan, unknownPlan, whichPlan } from './plans.ts';
import { type Issue, keyAt, type Line, phraseAt, refused, slice, unclear } from './reading.ts';
import { momentAt } from './times.ts';
import { done, stuck, type VerbReading } from './verb.ts';
import { quote, quoted } from './words.ts';

type Args = CommandArgs['restore'];

const EXISTING: [NonNullable<Args['existing']>, readonly string[]][] = [
  ['keep_both', ['keep both', 'keeping both', 'keep both files']],
  ['replace', ['replace', 'overwrite', 'replacing', 'overwriting', 'replace existing', 'overwrite existing']],
  ['skip', ['skip', 'skip existing', 'skipping', 'keep existing', 'skip existing files']],
];
const EVERYTHING = ['everything', 'all', 'all files', 'all of it', 'every file', 'it all'];
const NEWEST = ['latest', 'the latest', 'newest', 'the newest', 'now', 'last', 'the last', 'the latest snapshot'];
const FILE_LEADS = ['file', 'files', 'the file', 'the files', 'folder', 'the folder'];
/** An id of a snapshot, or its beginning: never a plain word, which would be a mistyped date. */
const SNAPSHOT = /^(?=.*\d)[a-z0-9][\w.:-]{1,79}$/i;

interface Draft {
  args: Args;
  issues: Issue[];
}

export function readRestore(line: Line, from: number, at: number): VerbReading {
  const first = planOf(line, at);
  const draft: Draft = { args: { files: [] }, issues: first.issue ? [first.issue] : [] };
  if (first.plan !== undefined) draft.args.plan = first.plan;
  let i = first.next;
  while (i < line.words.length) i = readPart(line, i, draft, first.named);
  const { args, issues } = draft;
  if (args.plan === undefined && issues.length === 0) issues.push(whichPlan(line, at, 'Restore which plan?'));
  if (issues.length > 0) {
    const bad = issues.filter((issue) => issue.code !== 'which_plan' && issue.to > issue.from);
    const unread = bad.map((issue) => `"${slice(line, issue.from, issue.to)}"`).join(', ');
    return stuck(line, from, first.next, issues, unread);
  }
  return done({ name: 'restore', args });
}

interface PlanFound {
  plan?: string;
  next: number;
  /** Whether it was said, not implied. */
  named: boolean;
  issue?: Issue;
}

function planOf(line: Line, at: number): PlanFound {
  const named = planAt(line, at) ?? thisPlan(line, at);
  const implied = impliedPlan(line.vocabulary);
  if (!named) return { ...(implied === undefined ? {} : { plan: implied }), next: at, named: false };
  // "IMG_1.HEIC" as an answer to a report can be a plan's name, and a file of the report's plan.
  const context = line.vocabulary.plan;
  const word = line.words[at];
  const bare = named.next === at + 1 && word && keyAt(line, at) !== 'plan';
  if (bare && context !== undefined && context !== named.plan && /\.\p{L}[\p{L}\p{N}]{1,4}$/u.test(named.plan)) {
    const question = `Is "${named.plan}" the plan, or a file of "${context}"?`;
    const issue = unclear('plan_or_file', at, named.next, question, [
      { label: `The plan ${named.plan}`, text: `plan ${quoted(named.plan)}` },
      { label: `A file of ${context}`, text: `plan ${quoted(context)} file ${quoted(word.text)}` },
    ]).issue;
    return { ...named, named: true, issue };
  }
  return { ...named, named: true };
}

/** Reads one part at word `i`; answers where the next begins. */
function readPart(line: Line, i: number, draft: Draft, planNamed: boolean): number {
  const { args, issues } = draft;
  for (const [how, phrases] of EXISTING) {
    const length = phraseAt(line, i, phrases);
    if (length === 0) continue;
    if (args.existing !== undefined && args.existing !== how) {
      const message = 'For files that are already there, say one: keep both, replace or skip.';
      issues.push(refused('contradiction', i, i + length, message, [{ label: 'The first', text: '' }]).issue);
    }
    args.existing = how;
    return i + length;
  }
  const source = phraseAt(line, i, [
    'from',
    'as of',
    'from snapshot',
    'from the',
    'from the snapshot',
    'from the one of',
  ]);
  if (source > 0) return readFrom(line, i, i + source, draft);
  const to = phraseAt(line, i, ['to', 'into', 'onto', '->', '→']);
  if (to > 0) return readTo(line, i, i + to, draft);
  const filler = phraseAt(line, i, [...EVERYTHING, ...FILE_LEADS, 'and', 'please', 'of']);
  if (filler > 0) return i + filler;
  return readFile(line, i, draft, planNamed);
}

function readFrom(line: Line, from: number, at: number, { args, issues }: Draft): number {
  if (args.from !== undefined) {
    const message = '"from" is said twice. A restore reads one snapshot.';
    issues.push(refused('twice', from, Math.min(at + 1, line.words.length), message, ['']).issue);
  }
  const newest = phraseAt(line, at, NEWEST);
  if (newest > 0) return at + newest;
  const moment = momentAt(line, at, 'past');
  if (moment) {
    // "from yesterday": the newest snapshot of that day, so the one before its end.
    const end = new Date(Date.parse(moment.moment.until) - 1);
    const now = line.vocabulary.now;
    args.from = { at: (end > now ? now : end).toISOString() };
    return moment.next;
  }
  const word = line.words[at];
  if (word && (SNAPSHOT.test(word.text) || (word.quoted && word.text.trim() !== ''))) {
    args.from = { snapshot: word.text.trim() };
    return at + 1;
  }
  const end = Math.min(at + 1, line.words.length);
  const message = 'After "from" comes a date, such as yesterday or 2024-01-31, or the id of a snapshot.';
  issues.push(refused('bad_date', from, end, message, ['from yesterday', '']).issue);
  return Math.max(end, from + 1);
}

function readTo(line: Line, from: number, at: number, { args, issues }: Draft): number {
  const taken = takeLocation(line, at);
  if (args.to !== undefined) {
    issues.push(refused('twice', from, taken?.next ?? at, '"to" is said twice.', ['']).issue);
  }
  if (!taken) {
    const word = line.words[at];
    const end = Math.min(at + 1, line.words.length);
    const fixes = word ? placeFixes(line, word).map((text) => `to ${text}`) : [];
    const message = word
      ? `"${word.text}" is no place that Keepsake knows. A folder is written like ~/Restored.`
      : 'After "to" comes a place, such as ~/Restored.';
    issues.push(refused('unknown_place', from, end, message, [...fixes, 'to ~/Restored']).issue);
    return Math.max(end, from + 1);
  }
  if (taken.issue) issues.push(taken.issue);
  else {
    args.to = taken.value;
    const role = roleIssue(line, taken.value, at, taken.next, 'destination');
    if (role) issues.push(role);
  }
  return taken.next;
}

function readFile(line: Line, i: number, { args, issues }: Draft, planNamed: boolean): number {
  const word = line.words[i];
  if (!word) return i + 1;
  const add = (name: string) => {
    if (name !== '' && !args.files.includes(name)) args.files.push(name);
  };
  if (word.quoted) {
    add(word.text.trim());
    return i + 1;
  }
  if (FLAG.test(word.text)) {
    const plain = word.raw.replace(/^[-–—]+/, '').replace('=', ' ');
    const message = `"${word.raw}" looks like a flag. Options are plain words here.`;
    issues.push(refused('flag', i, i + 1, message, [plain, { label: 'Without it', text: '' }]).issue);
    return i + 1;
  }
  if (isFolder(word.text)) {
    const message = `"${word.text}" is a folder of this machine. To restore into it, say "to" before it.`;
    issues.push(refused('unread', i, i + 1, message, [`to ${word.raw}`]).issue);
    return i + 1;
  }
  const plain = /^[\p{L}'’]+$/u.test(word.text);
  // A plain word where no plan was said can be a mistyped plan.
  if (plain && !planNamed && args.files.length === 0 && (nearPlan(line, i) || args.plan === undefined)) {
    issues.push(unknownPlan(line, i, i + 1));
    return i + 1;
  }
  const kind = kindWord(word.key);
  if (plain && kind !== undefined) {
    const globs = kind === 'photos' ? '*.jpg *.jpeg *.heic *.png' : '*.mov *.mp4';
    const message = `Which files? "${word.text}" is the name of no file; a pattern says it.`;
    issues.push(refused('bad_files', i, i + 1, message, [globs, quote(`${word.text}/**`)]).issue);
    return i + 1;
  }
  for (const name of word.text.split(',')) add(name);
  return i + 1;
}
