/** A plan's line cut into pieces in any order: places, schedule, options, and the words that are none of these. */
import type { LocationText } from '../command.ts';
import type { TakenSchedule } from '../schedule.ts';
import { AND, FILLERS, TO } from './keywords.ts';
import { takeLocation } from './locations.ts';
import { isOptionHead, type OptionRead, takeOption } from './options.ts';
import { type Issue, keyAt, type Line, phraseAt } from './reading.ts';
import { scheduleAt } from './times.ts';

export type Side = 'source' | 'destination' | 'loose';

export interface PlacePiece {
  side: Side;
  /** Absent where the place was recognised but is not settled (an issue says why). */
  location?: LocationText;
  from: number;
  to: number;
}

export interface SchedulePiece {
  taken: TakenSchedule;
  from: number;
  to: number;
}

export interface OptionPiece extends OptionRead {
  from: number;
  to: number;
}

/** Neighbouring words that nothing reads. */
export interface Unread {
  from: number;
  to: number;
  /** The part that a place would play there. */
  side?: 'source' | 'destination';
}

export interface Pieces {
  places: PlacePiece[];
  schedules: SchedulePiece[];
  options: OptionPiece[];
  unread: Unread[];
  issues: Issue[];
}

/** Mail programs and phones make a long dash of two short ones. */
export const FLAG = /^[-–—]{1,2}\p{L}/u;

/** Reads from word `at` to the end. Never throws; what it cannot read is in `unread` and `issues`. */
export function piecesOf(line: Line, at: number): Pieces {
  const pieces: Pieces = { places: [], schedules: [], options: [], unread: [], issues: [] };
  /** The side that the next place is on, as a word just before it said. */
  let wanted: 'source' | 'destination' | undefined;
  let i = at;
  while (i < line.words.length) {
    const word = line.words[i];
    const step = word?.quoted ? undefined : readWord(line, i, at, wanted, pieces);
    if (step) {
      wanted = step.wanted;
      i = step.next;
      continue;
    }
    const place = takeLocation(line, i);
    if (place) {
      addPlace(line, pieces, i, place.next, place.value, wanted);
      if (place.issue) pieces.issues.push(place.issue);
      i = place.next;
    } else {
      addUnread(pieces, i, wanted);
      i += 1;
    }
    wanted = undefined;
  }
  return pieces;
}

interface Step {
  next: number;
  wanted: 'source' | 'destination' | undefined;
}

/** Everything that begins with a keyword; a place right behind "to" or "from" is looked at first. */
function readWord(
  line: Line,
  i: number,
  start: number,
  wanted: 'source' | 'destination' | undefined,
  pieces: Pieces,
): Step | undefined {
  const place = takeLocation(line, i);
  if (wanted && place) return undefined;
  // The schedule grammar reads "now" as a date; here it is what a plan without a schedule does anyway.
  const now = phraseAt(line, i, ['now', 'right now']);
  // "--weekly" is answered with a hint, whoever could read the rest of it.
  if (FLAG.test(line.words[i]?.text ?? '')) return undefined;
  if (now > 0) return { next: i + now, wanted };
  const option = takeOption(line, i);
  const schedule = scheduleAt(line, i);
  if (schedule?.answer.outcome === 'ok' || (schedule && !option && !place && !phraseAt(line, i, FILLERS))) {
    pieces.schedules.push({ taken: schedule, from: i, to: schedule.end });
    return { next: schedule.end, wanted: undefined };
  }
  if (option) {
    if (option.issue) pieces.issues.push(option.issue);
    else pieces.options.push({ ...option.value, from: i, to: option.next });
    return { next: Math.max(option.next, i + 1), wanted: undefined };
  }
  const to = phraseAt(line, i, TO);
  if (to > 0 && i + to < line.words.length) return { next: i + to, wanted: 'destination' };
  if (keyAt(line, i) === 'from' && i + 1 < line.words.length) return { next: i + 1, wanted: 'source' };
  if (place) return undefined;
  const and = phraseAt(line, i, AND);
  if (and > 0 && i > start && i + and < line.words.length && joins(line, i, i + and, pieces)) {
    const before = pieces.places.at(-1);
    const side = before?.to === i && before.side !== 'loose' ? before.side : undefined;
    // "icloud to gdrive and dropbox": the next place is on the same side as its neighbour.
    return { next: i + and, wanted: takeLocation(line, i + and) ? side : undefined };
  }
  const filler = phraseAt(line, i, FILLERS);
  return filler > 0 ? { next: i + filler, wanted } : undefined;
}

/** Whether "and" at word `and` connects what was read before it with what begins at `at`. */
function joins(line: Line, and: number, at: number, pieces: Pieces): boolean {
  if (takeLocation(line, at)) return pieces.places.at(-1)?.to === and;
  return isOptionHead(line, at) || scheduleAt(line, at) !== undefined || phraseAt(line, at, FILLERS) > 0;
}

function addPlace(
  line: Line,
  pieces: Pieces,
  from: number,
  to: number,
  location: LocationText | undefined,
  wanted: 'source' | 'destination' | undefined,
): void {
  const before = pieces.places.at(-1);
  // A comma joins as "and" does.
  const joined = before && before.to === from && line.words[from - 1]?.comma ? before.side : undefined;
  const first = pieces.places.length === 0 ? 'source' : 'loose';
  pieces.places.push({ side: wanted ?? joined ?? first, ...(location ? { location } : {}), from, to });
}

function addUnread(pieces: Pieces, at: number, side: 'source' | 'destination' | undefined): void {
  const last = pieces.unread.at(-1);
  if (last && last.to === at && !side) last.to = at + 1;
  else pieces.unread.push({ from: at, to: at + 1, ...(side ? { side } : {}) });
}
