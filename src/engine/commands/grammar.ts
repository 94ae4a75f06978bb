/** A typed line -> one command, a question, or what was not understood. Pure; the parts are in `grammar/`. */
import type { Parsed, Vocabulary } from './command.ts';
import { isQuestion, readBare, readHalfBare } from './grammar/bare.ts';
import { choicesOf, type Reading } from './grammar/choices.ts';
import { readPlan } from './grammar/create.ts';
import { FILLERS, GREETINGS, LEADS, MAKERS } from './grammar/keywords.ts';
import { takeLocation } from './grammar/locations.ts';
import { planAt } from './grammar/plans.ts';
import { type Issue, type Line, phraseAt, refused, rest, slice, unclear } from './grammar/reading.ts';
import { withoutSecrets } from './grammar/secrets.ts';
import { politeAt } from './grammar/verb.ts';
import { EXAMPLES, planFirst, verbAt, verbWords } from './grammar/verbs.ts';
import { type BadLine, keyOf, quote, wordsOf } from './grammar/words.ts';

export { lineOf } from './grammar/line.ts';

type Stuck = Extract<Reading, { outcome: 'stuck' }>;

/** More words than any plan needs, and few enough that reading a hostile line stays quick. */
const MOST_WORDS = 200;

/**
 * Reads one line from any surface. Only the outcome `command` may act: it is given when every word was understood and
 * nothing is open. Every choice of the other outcomes is a whole line that reads as a command. Never throws for a text.
 * What can be said: `docs/commands.md`.
 */
export function parse(text: string, vocabulary: Vocabulary): Parsed {
  const reading = read(text, vocabulary);
  if (reading.outcome === 'command') return reading;
  const { issues, read: understood, unread, example } = reading;
  const [first] = issues;
  const choices = choicesOf(reading, (line) => read(line, vocabulary));
  // A question without an answer to press is a line that was not understood.
  if (first?.kind === 'clarify' && choices.length > 0) {
    return { outcome: 'clarify', read: understood, question: first.message, choices, code: first.code };
  }
  return {
    outcome: 'error',
    code: first?.code ?? 'unread',
    read: understood,
    unread,
    message: first?.message ?? 'Not understood.',
    choices,
    example,
  };
}

/** Line breaks and tabs are spaces: mail and chat break lines where they like. */
const flat = (text: string): string => text.replace(/[\t\n\v\f\r\u0085\u2028\u2029]/g, ' ');

function read(text: string, vocabulary: Vocabulary): Reading {
  const flatText = flat(text);
  const words = wordsOf(flatText);
  if (!Array.isArray(words)) return unreadable(flatText, words, vocabulary);
  const line: Line = { text: flatText, words, vocabulary };
  const secrets = withoutSecrets(line);
  if (secrets) return secretTyped(line, secrets);
  if (words.length > MOST_WORDS) {
    return stuck(line, [refused('too_long', 0, 0, `A line has at most ${MOST_WORDS} words.`).issue], '', '');
  }
  const tail = tailOf(line);
  if (tail !== undefined) return read(flatText.slice(0, tail), vocabulary);
  const greeted = greeting(line);
  const at = leads(line, greeted);
  if (at >= words.length && greeted === 0) return { outcome: 'command', command: { name: 'status', args: {} } };
  const reading = readFrom(line, at);
  if (isSigh(reading, line, at)) return sighed(line, at);
  if (reading.outcome === 'command') return reading;
  const sentence = withoutStop(line, at);
  const again = sentence === undefined ? reading : read(sentence, vocabulary);
  return again.outcome === 'command' ? again : reading;
}

/** "Only videos." is a sentence, "could you make it weekly?" one as well; a name that ends so was read before. */
function withoutStop(line: Line, at: number): string | undefined {
  const last = line.words.at(-1);
  const stop = last?.quoted ? undefined : /(?<=[\p{L}\p{N}])[.!?…]+$/u.exec(last?.raw ?? '')?.[0];
  if (!last || stop === undefined || isQuestion(line, at)) return undefined;
  return line.text.slice(0, last.end - stop.length);
}

const CHANGING: ReadonlySet<string> = new Set(['run', 'stop', 'pause', 'resume', 'verify', 'undo', 'reports']);

/** "stop?" as an answer to a report wonders more than it wants. */
const isSigh = (reading: Reading, line: Line, at: number): boolean =>
  reading.outcome === 'command' &&
  line.vocabulary.plan !== undefined &&
  CHANGING.has(reading.command.name) &&
  isQuestion(line, at);

function sighed(line: Line, at: number): Stuck {
  const end = line.words.length;
  const said = slice(line, at, end).replace(/[?!.]+$/, '');
  const { issue } = unclear('which_command', at, end, `Do you want that: ${said}?`, [{ label: said, text: said }]);
  return stuck(line, [issue], said, '');
}

/** "run now, thanks!": where the sentence before the politeness ends, if there is one. */
function tailOf(line: Line): number | undefined {
  for (let at = 1; at < line.words.length; at++) {
    const before = line.words[at - 1];
    const ends = before && (before.comma || (!before.quoted && /[.!]$/.test(before.key)));
    if (ends && at + politeAt(line, at) >= line.words.length) return before.end;
  }
  return undefined;
}

/** "Hi, ", "ok ", "Yes please! ": how many words greet. A plan or a place of such a name is one. */
function greeting(line: Line): number {
  let at = 0;
  for (let length = 1; length > 0; at += length) {
    length = planAt(line, at) || takeLocation(line, at) ? 0 : greetingAt(line, at);
  }
  return at < line.words.length ? at : 0;
}

function greetingAt(line: Line, at: number): number {
  const words = line.words.slice(at, at + 3).map((word) => ({ ...word, key: word.key.replace(/[.!]+$/, '') }));
  return phraseAt({ ...line, words }, 0, GREETINGS);
}

function leads(line: Line, from: number): number {
  let at = from;
  for (let length = 1; length > 0; at += length) length = phraseAt(line, at, LEADS);
  return at;
}

/** Commands whose first word may as well begin a plan's line: an account named "mail", "reports off ~/a to ~/b". */
const NOUNS: ReadonlySet<string> = new Set(['mail', 'report', 'reports']);

function readFrom(line: Line, at: number): Reading {
  const verb = verbAt(line, at);
  const bare = verb?.name === 'reports' ? undefined : readBare(line, at);
  if (bare?.command) return { outcome: 'command', command: bare.command };
  if (bare) return stuck(line, bare.issues, bare.read, bare.unread ?? '', EXAMPLES.edit);
  if (verb) {
    const reading = verb.read(line, at, at + verb.length);
    if (reading.command) return { outcome: 'command', command: reading.command };
    const noun = NOUNS.has(verb.name) ? readPlan(line, at) : undefined;
    if (noun?.args) return { outcome: 'command', command: { name: 'create', args: noun.args } };
    // "run icloud to gdrive weekly" is how some say a new plan.
    const whole = verb.name === 'run' ? [rest(line, at + verb.length)] : [];
    return stuck(
      line,
      reading.issues,
      reading.read,
      reading.unread ?? '',
      exampleOf(line, verb.name, at + verb.length),
      whole,
    );
  }
  const half = readHalfBare(line, at);
  if (half) return stuck(line, half.issues, half.read, half.unread ?? '', EXAMPLES.edit);
  const maker = phraseAt(line, at, MAKERS);
  const start = leads(line, at + maker);
  const named = maker === 0 ? planAt(line, start) : undefined;
  if (named && (named.next >= line.words.length || !placesFollow(line, start, named.next))) {
    const reading = planFirst(line, start, /\bback-?\s?up\b/.test(keyOf(slice(line, 0, start).replace('/backup', ''))));
    if (reading?.command) return { outcome: 'command', command: reading.command };
    if (reading) return stuck(line, reading.issues, reading.read, reading.unread ?? '', EXAMPLES.edit);
  }
  const plan = readPlan(line, start, verbWords());
  if (plan.args) return { outcome: 'command', command: { name: 'create', args: plan.args } };
  const nothing = plan.pieces.places.length + plan.pieces.options.length + plan.pieces.schedules.length === 0;
  const lost = nothing && plan.issues.every((issue) => ['unread', 'missing_places'].includes(issue.code));
  return stuck(
    line,
    lost ? [...plan.issues.map((issue) => ({ ...issue, code: 'unknown_command' })), elsewhere(line, at)] : plan.issues,
    plan.read,
    plan.unread,
  );
}

/** Whether a line that begins with a plan's name is about places all the same. */
const placesFollow = (line: Line, at: number, next: number): boolean =>
  takeLocation(line, at) !== undefined || phraseAt(line, next, ['to', 'from', 'and', '->', '→']) > 0;

/** For a line that says nothing known: where help is, and what a plan looks like. */
function elsewhere(line: Line, at: number): Issue {
  const end = line.words.length;
  const only = phraseAt(line, at, FILLERS) === end - at;
  const message = only ? 'Back up what, and where to?' : `Not understood: "${slice(line, at, end)}".`;
  const whole = (text: string) => ({ edits: [{ from: 0, to: end, text }] });
  return refused('unknown_command', at, end, message, [whole('help'), whole('status')]).issue;
}

function stuck(
  line: Line,
  issues: Issue[],
  understood: string,
  unread: string,
  example = EXAMPLES.create,
  lines: string[] = [],
): Stuck {
  // What cannot be right comes before what can mean several things; a flag explains the rest of its line.
  const rank = (issue: Issue) => (issue.code === 'flag' ? 0 : issue.kind === 'error' ? 1 : 2);
  const sorted = [...issues].sort((a, b) => rank(a) - rank(b) || a.from - b.from);
  const [first] = sorted;
  const words = first?.kind === 'error' && first.code.startsWith('bad_') ? slice(line, first.from, first.to) : '';
  const missed = unread === '' && words !== '' ? `"${words}"` : unread;
  return { outcome: 'stuck', line, issues: sorted, read: understood, unread: missed, example, lines };
}

/** A plan that exists, and the one that was named if there is one, makes an example that works as typed. */
function exampleOf(line: Line, name: keyof typeof EXAMPLES, at: number): string {
  const plan = planAt(line, at)?.plan ?? line.vocabulary.plans[0]?.name;
  const example = EXAMPLES[name];
  return plan === undefined ? example : example.replace(/\bphotos\b/, quote(plan));
}

/** The line could not be cut into words. Nothing of it is said back: what cannot be seen cannot be judged. */
function unreadable(text: string, bad: BadLine, vocabulary: Vocabulary): Stuck {
  const line: Line = { text, words: [], vocabulary };
  const before = bad.code === 'unclosed_quote' ? text.slice(0, bad.at) : '';
  const inside = text.slice(bad.at);
  const lines =
    bad.code === 'unclosed_quote'
      ? [`${text.trimEnd()}"`, before + inside.slice(1), `${before}"${inside.slice(1)}"`]
      : [];
  const unread = bad.code === 'unclosed_quote' ? inside.slice(0, 60) : '';
  return stuck(line, [refused(bad.code, 0, 0, bad.message).issue], before.trim(), unread, EXAMPLES.create, lines);
}

function secretTyped(line: Line, { line: clean, names }: { line: string; names: string[] }): Stuck {
  const what = names.length > 0 ? ` (${names.join(', ')})` : '';
  const message = `A secret${what} was typed into the line. It was not used; Keepsake asks for secrets where nobody else can read them. Delete the message, and change the secret if others could see it.`;
  return stuck(line, [refused('secret_in_line', 0, 0, message).issue], clean, '', EXAMPLES.connect, [clean]);
}
