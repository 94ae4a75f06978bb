/** What a verb's reader gets and answers; and what most of them share. */
import type { ParsedCommand } from '../command.ts';
import { impliedPlan, planAt, thisPlan, unknownPlan, whichPlan } from './plans.ts';
import { type Fix, type Issue, type Line, phraseAt, refused, slice } from './reading.ts';

export type VerbReading =
  | { command: ParsedCommand; issues?: never }
  | { command?: never; issues: Issue[]; read: string; unread?: string };

/** `at` is the word behind the verb, which began at word `from`. */
export type ReadVerb = (line: Line, from: number, at: number) => VerbReading;

export const done = (command: ParsedCommand): VerbReading => ({ command });

export const stuck = (line: Line, from: number, upTo: number, issues: Issue[], unread?: string): VerbReading => ({
  issues,
  read: slice(line, from, Math.max(upTo, from)),
  ...(unread === undefined ? {} : { unread }),
});

const ENDINGS = [
  ...['please', 'pls', 'plz', 'thanks', 'thank you', 'thx', 'ty', 'cheers', 'many thanks', 'thanks a lot'],
  ...['thank you very much', 'thank you so much', 'now', 'right now', 'asap', 'right away', 'immediately', 'at once'],
];

/** `:-)`, and pictures such as a thumb. */
const FACE = /^(?:[:;]-?[)D]|[\p{Extended_Pictographic}\p{Emoji_Modifier}]+)[.!]*$/u;

/** How many words from `at` on are politeness, as it may stand at the end of any command. */
export function politeAt(line: Line, at: number): number {
  let next = at;
  for (let length = 1; length > 0; next += length) {
    const word = line.words[next];
    length = word && !word.quoted && FACE.test(word.key) ? 1 : phraseAt(line, next, ENDINGS);
  }
  return next - at;
}

/** The command if nothing but politeness is left at `at`, else what is too much. */
export function ended(line: Line, from: number, at: number, command: ParsedCommand): VerbReading {
  const end = at + politeAt(line, at);
  if (end >= line.words.length) return done(command);
  return tooMuch(line, from, end);
}

export function tooMuch(line: Line, from: number, at: number, fixes: Fix[] = []): VerbReading {
  const to = line.words.length;
  const words = slice(line, at, to);
  const read = slice(line, from, at);
  const drop: Fix = { edits: [{ from: at, to, text: '' }] };
  const { issue } = refused('unread', at, to, `"${read}" was understood, "${words}" was not.`, [...fixes, drop]);
  return stuck(line, from, at, [issue], `"${words}"`);
}

export interface PlanWords {
  plan?: string;
  next: number;
  reading?: VerbReading;
}

/**
 * The plan of a command, if one is named or implied. `ends` tells words that follow a plan's name in this command;
 * anything else in the name's place is an unknown plan.
 */
export function optionalPlan(line: Line, from: number, at: number, ends: (at: number) => boolean): PlanWords {
  const named = planAt(line, at) ?? thisPlan(line, at);
  if (named) return named;
  if (at >= line.words.length || ends(at) || politeAt(line, at) > 0) {
    const plan = impliedPlan(line.vocabulary);
    return { ...(plan === undefined ? {} : { plan }), next: at };
  }
  let to = at + 1;
  while (to < line.words.length && !ends(to) && politeAt(line, to) === 0) to++;
  const issue = unknownPlan(line, at, to);
  return { next: to, reading: stuck(line, from, at, [issue], `"${slice(line, at, to)}"`) };
}

/** As `optionalPlan`, but a plan there must be; only `implied` allows to leave it out. */
export function neededPlan(
  line: Line,
  from: number,
  at: number,
  question: string,
  implied: boolean,
  ends: (at: number) => boolean = () => false,
): { plan: string; next: number; reading?: never } | { reading: VerbReading } {
  const named = planAt(line, at);
  if (named) return named;
  const found = optionalPlan(line, from, at, ends);
  if (found.reading) return { reading: found.reading };
  if (found.plan !== undefined && implied) return { plan: found.plan, next: found.next };
  return { reading: stuck(line, from, at, [whichPlan(line, at, question)]) };
}
