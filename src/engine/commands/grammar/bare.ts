/**
 * What an answer to a report says without a verb and without a name: "weekly", "only videos", "make it daily", "again".
 * It acts only where every word belongs to a schedule or an option and nothing else could be meant: people also answer
 * "weekly meeting notes attached", "tomorrow" and "call it a day".
 */
import { readChanges } from './edit.ts';
import { isOptionHead, type Slot } from './options.ts';
import { type OptionPiece, type Pieces, piecesOf, type SchedulePiece } from './pieces.ts';
import { planAt } from './plans.ts';
import { keyAt, type Line, phraseAt, slice } from './reading.ts';
import { scheduleAt } from './times.ts';
import { done, politeAt, stuck, type VerbReading } from './verb.ts';
import { quote } from './words.ts';

const AGAIN = [
  ...['again', 'once more', 'one more time', 'do it again', 'do it once more', 'do it now', 'try it again'],
  ...['back up now', 'backup now', 'back-up now', 'back up again', 'backup again', 'back it up', 'back it up now'],
];

/** Behind these comes how it should be from now on ... */
const CHANGED = [
  ...['make it', 'make this', 'make that', 'change it to', 'change this to', 'change to', 'set it to', 'set this to'],
  ...['set to', 'switch it to', 'switch this to', 'switch to', 'move it to'],
];
/** ... and behind these when: "run only photos" may speak of a plan. */
const TIMED = ['run', 'run it', 'run this', 'run the backup', 'do it', 'do this', 'back it up', 'start it'];
const FROM_NOW = ['instead', 'from now on', 'from here on', 'in future', 'in the future'];

/** Behind the last word that says something. */
function endOf(line: Line, start: number): number {
  const idle = (at: number): number => politeAt(line, at) || phraseAt(line, at, FROM_NOW);
  for (let end = start; end < line.words.length; end++) {
    let next = end;
    for (let length = 1; length > 0; next += length) length = idle(next);
    if (next >= line.words.length) return end;
  }
  return line.words.length;
}

const lastKey = (line: Line): string => line.words.at(-1)?.key ?? '';

/** "again?" is a sigh. "could you make it weekly?" is not: `at` is behind such leads. */
export const isQuestion = (line: Line, at: number): boolean =>
  lastKey(line).endsWith('?') && !/\b(?:could|can|would) you\b/i.test(slice(line, 0, at));

function runsAgain(line: Line, at: number): boolean {
  for (let from = 0; from <= at; from++) {
    const length = phraseAt(line, from, AGAIN);
    if (length > 0 && from + length + politeAt(line, from + length) >= line.words.length) return true;
  }
  return false;
}

const JOINS: ReadonlySet<string> = new Set(['and', '&', '+', 'but', 'also']);

/** Whether every word is part of a schedule or an option, or joins two of them. */
function isCovered(line: Line, { schedules, options, places }: Pieces, start: number): boolean {
  const pieces = [...schedules, ...options];
  if (pieces.length === 0 || places.length > 0) return false;
  return line.words.every(
    (word, at) => at < start || JOINS.has(word.key) || pieces.some(({ from, to }) => from <= at && at < to),
  );
}

/** Says how often; a mere "monday" or "9am" may speak of anything. */
const RECURS =
  /\b(?:every|each|hourly|daily|nightly|weekly|biweekly|fortnightly|monthly|quarterly|yearly|annually|weekdays|weekends|(?:mon|tues|wednes|thurs|fri|satur|sun)days|manually|cron|when i|(?:a|per) (?:hour|day|week|month|year))\b/i;

const isSureSchedule = ({ taken: { answer, text } }: SchedulePiece, led: boolean): boolean =>
  // What is not clear is asked about as behind "edit".
  answer.outcome !== 'ok' ||
  (!('at' in answer.schedule && !('everyDays' in answer.schedule)) && (led || RECURS.test(text)));

/** A name ("call it off") and dates ("since monday") are as often about something else. */
const UNSURE: ReadonlySet<Slot> = new Set<Slot>(['name', 'since', 'before']);

function isSureOption(line: Line, { slot, set, from, to }: OptionPiece): boolean {
  if (UNSURE.has(slot)) return false;
  if (slot === 'allFiles') return keyAt(line, from).replace(/[.!]+$/, '') !== 'everything';
  const globs = [...(set.filter?.only ?? []), ...(set.filter?.except ?? [])];
  return globs.every((glob) => /[*?]/.test(glob)) || line.words.slice(from, to).some((word) => word.quoted);
}

/** Understood, but perhaps not meant so: the same with its verb and its name. */
function doubtful(line: Line, plan: string, start: number, end: number): VerbReading {
  const said = slice(line, start, end).replace(/\?+$/, '');
  const fixes = [
    {
      label: `Change ${plan}: ${said}`,
      edits: [{ from: 0, to: line.words.length, text: `edit ${quote(plan)} ${said}` }],
    },
  ];
  const message = `Do you want to change the backup "${plan}"?`;
  return stuck(line, start, end, [{ code: 'which_command', kind: 'clarify', message, from: start, to: end, fixes }]);
}

/** The whole line as one that changes or runs the plan of the message that is answered; undefined for any other. */
export function readBare(line: Line, at: number): VerbReading | undefined {
  const { plan } = line.vocabulary;
  if (plan === undefined || planAt(line, at)) return undefined;
  const asks = isQuestion(line, at);
  if (!asks && runsAgain(line, at)) return done({ name: 'run', args: { plan } });
  const timed = phraseAt(line, at, TIMED);
  // "run daily" where a backup is called so.
  if (timed > 0 && planAt(line, at + timed)) return undefined;
  const led = Math.max(timed, phraseAt(line, at, CHANGED));
  const start = at + led;
  const end = endOf(line, start);
  const part: Line = { ...line, words: line.words.slice(0, end) };
  const pieces = piecesOf(part, start);
  if (!isCovered(part, pieces, start) || (timed > 0 && pieces.options.length > 0)) return undefined;
  const sure =
    !asks &&
    pieces.schedules.every((piece) => isSureSchedule(piece, led > 0)) &&
    pieces.options.every((piece) => isSureOption(part, piece));
  return sure ? readChanges(part, start, plan) : doubtful(line, plan, start, end);
}

/** A line that begins as `readBare` wants it and goes on otherwise: what is wrong with it, never a command. */
export function readHalfBare(line: Line, at: number): Exclude<VerbReading, { command: unknown }> | undefined {
  const { plan } = line.vocabulary;
  if (plan === undefined || planAt(line, at)) return undefined;
  if (!(isOptionHead(line, at) || scheduleAt(line, at)?.answer.outcome === 'ok')) return undefined;
  if (piecesOf(line, at).places.length > 0) return undefined;
  const reading = readChanges(line, at, plan);
  const refused = reading.command ? doubtful(line, plan, at, line.words.length) : reading;
  return refused.command ? undefined : refused;
}
