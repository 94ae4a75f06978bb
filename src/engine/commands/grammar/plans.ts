/** Names of plans in a line: several words, unquoted, in any case, the longest first. */
import type { Vocabulary } from '../command.ts';
import { type Issue, keyAt, type Line, phraseAt, refused, slice, unclear } from './reading.ts';
import { nearest } from './suggest.ts';
import { keyOf, quote } from './words.ts';

/** As many as fit on a chat's row of buttons twice. */
const OFFERED = 10;

/** What may stand before a plan's name and belongs to the language. */
const LEADS = ['plan', 'the plan', 'backup', 'the backup', 'the', 'my', 'my backup', 'my plan', 'of', 'for', 'of plan'];

/** The plan whose name begins at word `at`; "plan" or "the plan" may stand before it. */
export function planAt(line: Line, at: number): { next: number; plan: string } | undefined {
  const direct = exactPlan(line, at);
  if (direct) return direct;
  const lead = phraseAt(line, at, LEADS);
  return lead > 0 ? exactPlan(line, at + lead) : undefined;
}

const THIS = [
  ...['it', 'this', 'this one', 'that', 'that one', 'this backup', 'that backup', 'the backup', 'my backup'],
  ...['this plan', 'that plan', 'the plan', 'this job', 'the job'],
];

/** The plan of the message that is answered, called "it". */
export function thisPlan(line: Line, at: number): { next: number; plan: string } | undefined {
  const { plan } = line.vocabulary;
  const length = plan === undefined ? 0 : phraseAt(line, at, THIS);
  return plan === undefined || length === 0 ? undefined : { next: at + length, plan };
}

function exactPlan(line: Line, at: number): { next: number; plan: string } | undefined {
  const word = line.words[at];
  if (!word) return undefined;
  const names = new Map(line.vocabulary.plans.map(({ name }) => [keyOf(name), name]));
  if (word.quoted) {
    const plan = names.get(keyOf(word.text));
    return plan === undefined ? undefined : { next: at + 1, plan };
  }
  const longest = Math.max(0, ...[...names.keys()].map((key) => key.split(' ').length));
  for (let count = Math.min(longest, line.words.length - at); count > 0; count--) {
    const words = line.words.slice(at, at + count);
    if (words.some((one) => one.quoted)) continue;
    const key = keyOf(words.map((one) => one.raw + (one.comma ? ',' : '')).join(' '));
    const plan = names.get(key) ?? names.get(key.replace(/[.,;!?]+$/, ''));
    if (plan !== undefined) return { next: at + count, plan };
  }
  return undefined;
}

/** The plan that a command without a name means: the one a button or reply refers to, or the only one there is. */
export function impliedPlan({ plan, plans }: Vocabulary): string | undefined {
  return plan ?? (plans.length === 1 ? plans[0]?.name : undefined);
}

/** "show" alone, with several plans. `at` is where the name would stand. */
export function whichPlan(line: Line, at: number, question: string): Issue {
  const { plans } = line.vocabulary;
  if (plans.length === 0) {
    return refused('no_plans', at, at, 'There is no plan yet. Make one by saying what to back up, and where to.').issue;
  }
  const fixes = plans.slice(0, OFFERED).map(({ name }) => ({ label: name, text: quote(name) }));
  return unclear('which_plan', at, at, question, fixes).issue;
}

/** Words from `at` up to `to` that should have been a plan's name. */
export function unknownPlan(line: Line, at: number, to: number): Issue {
  const words = line.words
    .slice(at, to)
    .map((word) => word.text)
    .join(' ');
  const names = line.vocabulary.plans.map(({ name }) => name);
  if (names.length === 0) return whichPlan(line, at, '');
  const near = [...nearest(words, names), ...nearest(line.words[at]?.text ?? '', names)];
  const [best] = near;
  const known = names.slice(0, OFFERED).map(quote).join(', ');
  const hint = best === undefined ? `Your backups are ${known}.` : `Did you mean ${quote(best)}?`;
  const fixes = (near.length > 0 ? [...new Set(near)] : names.slice(0, OFFERED)).map((name) => ({
    label: name,
    text: quote(name),
  }));
  const shown = slice(line, at, to);
  return refused('unknown_plan', at, to, `There is no backup named "${shown}". ${hint}`, fixes).issue;
}

/** Whether the words name a plan but for a slip; so that they are not taken for something else. */
export const nearPlan = (line: Line, at: number): boolean =>
  nearest(
    keyAt(line, at),
    line.vocabulary.plans.map(({ name }) => name),
    1,
  ).length > 0;
