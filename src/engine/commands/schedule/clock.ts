/** Reads times of day: "3:15 p.m.", "half past 3", "noon and midnight", "at 6 and 18". */

import { clock } from './calendar.ts';
import {
  type DayPart,
  type Draft,
  fail,
  type Reading,
  type ReadRule,
  sequence,
  type Time,
  textAt,
  written,
} from './draft.ts';
import { NUMBER_WORDS } from './names.ts';

type Found = { time: Time & { bad?: true }; took: number };

const NAMED: Record<string, number> = { noon: 720, midday: 720, midnight: 0 };
const HALVES: Record<string, 'am' | 'pm'> = { am: 'am', pm: 'pm' };
const PART_WORDS: Record<string, DayPart> = {
  morning: 'morning',
  mornings: 'morning',
  afternoon: 'afternoon',
  afternoons: 'afternoon',
  evening: 'evening',
  evenings: 'evening',
  night: 'night',
  nights: 'night',
};
export const partOfWord = (word: string): DayPart | undefined =>
  Object.hasOwn(PART_WORDS, word) ? PART_WORDS[word] : undefined;

/** Where a part of the day puts an hour from 1 to 12. */
export function hourIn(part: DayPart, minutes: number): number {
  const hour = Math.floor(minutes / 60);
  const late = part === 'afternoon' || part === 'evening' || (part === 'night' && hour >= 6 && hour < 12);
  if (hour === 12) return part === 'afternoon' ? minutes : minutes - 720;
  return late ? minutes + 720 : minutes;
}

function halfAfter(r: Reading, i: number): { half: DayPart | 'am' | 'pm'; took: number } | undefined {
  const word = textAt(r, i);
  if (Object.hasOwn(HALVES, word)) return { half: word as 'am' | 'pm', took: 1 };
  for (const words of [['in', 'the'], ['at']]) {
    const took = sequence(r, i, words);
    const part = took === 0 ? undefined : partOfWord(textAt(r, i + took));
    if (part !== undefined) return { half: part, took: took + 1 };
  }
  return undefined;
}

/** Hour and minute with what follows them ("o'clock", "pm", "in the morning"). */
function finish(r: Reading, from: number, i: number, hour: number, minute: number, exact: boolean): Found {
  let at = i;
  if (textAt(r, at) === "o'clock" || textAt(r, at) === 'oclock') at += 1;
  const half = halfAfter(r, at);
  if (half !== undefined) at += half.took;
  const minutes = hour * 60 + minute;
  const twelve = hour >= 1 && hour <= 12;
  const bad = hour > 23 || minute > 59 || ((half?.half === 'am' || half?.half === 'pm') && !twelve);
  if (bad) return { time: { minutes: (hour % 24) * 60 + (minute > 59 ? 0 : minute), bad: true }, took: at - from };
  if (half?.half === 'am') return { time: { minutes: minutes % 720, half: true }, took: at - from };
  if (half?.half === 'pm') return { time: { minutes: (minutes % 720) + 720, half: true }, took: at - from };
  if (half !== undefined && twelve)
    return { time: { minutes: hourIn(half.half, minutes), half: true }, took: at - from };
  return { time: twelve && !exact ? { minutes, bare: true } : { minutes }, took: at - from };
}

function clockToken(r: Reading, i: number): Found {
  const match = /^(\d+)(?:[:.h](\d+))?(?::\d\d)?\s?(?:([ap])\.?m\.?)?$/.exec(textAt(r, i));
  const hour = Number(match?.[1] ?? 99);
  // "9:5" and "9:500" are typing errors, not minutes.
  const minute = match?.[2] === undefined ? 0 : match[2].length === 2 ? Number(match[2]) : 99;
  const half = match?.[3];
  if (half === undefined) return finish(r, i, i + 1, hour, minute, true);
  if (hour < 1 || hour > 12 || minute > 59) {
    return { time: { minutes: (hour % 24) * 60 + (minute > 59 ? 0 : minute), bad: true }, took: 1 };
  }
  return { time: { minutes: (hour % 12) * 60 + minute + (half === 'p' ? 720 : 0), half: true }, took: 1 };
}

const smallNumber = (r: Reading, i: number): number | undefined => {
  const token = r.tokens[i];
  if (token?.kind === 'number' && /^\d{1,2}$/.test(token.text)) return Number(token.text);
  return token === undefined ? undefined : NUMBER_WORDS.get(token.text);
};

/** "half past 3", "quarter to five", "20 past 7pm". */
function relative(r: Reading, i: number): Found | undefined {
  const start = textAt(r, i) === 'a' ? i + 1 : i;
  const word = textAt(r, start);
  const minutes = word === 'half' ? 30 : word === 'quarter' ? 15 : smallNumber(r, start);
  const side = textAt(r, start + 1) === '-' ? start + 2 : start + 1;
  const direction = textAt(r, side);
  if (minutes === undefined || minutes > 59 || !['past', 'after', 'to'].includes(direction)) return undefined;
  const hour = r.tokens[side + 1];
  const found = hour?.kind === 'clock' ? clockToken(r, side + 1) : (named(r, side + 1) ?? bareHour(r, side + 1));
  if (found === undefined || found.time.minutes % 60 !== 0) return undefined;
  const moved = found.time.minutes + (direction === 'to' ? -minutes : minutes);
  // "quarter to 1" is 00:45 or 12:45: it stays on the twelve-hour clock until asked.
  const onClock = found.time.bare === true ? moved % 720 || 720 : (moved + 1440) % 1440;
  const time = found.time.bare === true ? { minutes: onClock, bare: true as const } : { minutes: onClock };
  return { time: found.time.bad === true ? { ...time, bad: true } : time, took: side + 1 - i + found.took };
}

function named(r: Reading, i: number): Found | undefined {
  const word = textAt(r, i);
  return Object.hasOwn(NAMED, word) ? { time: { minutes: NAMED[word] ?? 0 }, took: 1 } : undefined;
}

function bareHour(r: Reading, i: number): Found | undefined {
  const token = r.tokens[i];
  if (token === undefined) return undefined;
  if (token.kind === 'number' && /^\d{3,4}$/.test(token.text)) {
    const hours = token.text.slice(0, -2);
    const took = ['hours', 'hrs', 'h'].includes(textAt(r, i + 1)) ? 2 : 1;
    return finish(r, i, i + took, Number(hours), Number(token.text.slice(-2)), true);
  }
  const hour = smallNumber(r, i);
  return hour === undefined ? undefined : finish(r, i, i + 1, hour, 0, false);
}

const COUNTED =
  /^(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|mos?|months?|years?|times|versions?)$/;

function oneTime(r: Reading, i: number, afterAt: boolean): Found | undefined {
  const token = r.tokens[i];
  if (token === undefined) return undefined;
  if (token.kind === 'clock') return clockToken(r, i);
  const other = named(r, i) ?? relative(r, i);
  if (other !== undefined) return other;
  // A number alone is an hour only where a time is expected, and not when it counts something.
  const military = token.kind === 'number' && /^0\d{3}$/.test(token.text);
  const next = textAt(r, i + 1);
  const ending = halfAfter(r, i + 1) !== undefined || next === "o'clock" || next === 'oclock';
  if (!afterAt && !military && !ending) return undefined;
  if (COUNTED.test(next) && !military) return undefined;
  return bareHour(r, i);
}

function add(r: Reading, draft: Draft, found: Found, i: number): void {
  const { bad, ...time } = found.time;
  draft.times.push(time);
  if (bad !== true) return;
  const text = written(r, i, i + found.took);
  fail(draft, {
    code: 'bad_time',
    message: `${text} is not a time of day: times go from 00:00 to 23:59.`,
    suggestion: {
      start: r.tokens[i]?.start ?? 0,
      end: r.tokens[i + found.took - 1]?.end ?? 0,
      text: clock(time.minutes),
    },
  });
}

/** Every minute mark or time of day from here on: "at 6am, noon and 18:00", "at :30", "half past every hour". */
export const readTimes: ReadRule = (r, i, draft) => {
  if (r.tokens[i]?.kind === 'mark') {
    const mark = Number(textAt(r, i).slice(1));
    draft.marks.push(mark);
    if (mark > 59) {
      fail(draft, {
        code: 'bad_time',
        message: `${textAt(r, i)} is not a minute of the hour.`,
        suggestion: 'every hour',
      });
    }
    return 1;
  }
  const past = sequence(r, i, ['half', 'past']) || sequence(r, i, ['quarter', 'past']);
  if (
    past > 0 &&
    (textAt(r, i + past) === 'every' || textAt(r, i + past) === 'each') &&
    textAt(r, i + past + 1) === 'hour'
  ) {
    draft.marks.push(textAt(r, i) === 'half' ? 30 : 15);
    return past;
  }
  const afterAt = ['at', '@', 'by'].includes(textAt(r, i - 1));
  const first = oneTime(r, i, afterAt);
  if (first === undefined) return 0;
  const before = draft.times.length;
  add(r, draft, first, i);
  let at = i + first.took;
  while (at < r.tokens.length) {
    let next = at;
    while ([',', 'and', '&', '+', 'at'].includes(textAt(r, next))) next += 1;
    if (next === at) break;
    const more = oneTime(r, next, true);
    if (more === undefined) break;
    add(r, draft, more, next);
    at = next + more.took;
  }
  agree(draft.times, before);
  return at - i;
};

/** In one list, a bare hour follows the others: "6 and 18" counts to 24, "6 and 7pm" are both in the evening. */
function agree(times: Time[], from: number): void {
  const exact = times.slice(from).filter((time) => time.bare !== true);
  const last = exact.at(-1);
  if (last === undefined) return;
  const by24 = exact.some((time) => time.half !== true);
  for (let index = from; index < times.length; index++) {
    const time = times[index];
    if (time?.bare !== true) continue;
    const hour = time.minutes % 720;
    if (by24) times[index] = { minutes: time.minutes };
    else if (hour < last.minutes % 720) times[index] = { minutes: hour + (last.minutes >= 720 ? 720 : 0), half: true };
  }
}
