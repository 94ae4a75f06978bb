/** What a phrase leaves open, and the readings it then has. */

import type { Rule } from './answer.ts';
import { clock, dateOfDay, dayOfIso } from './calendar.ts';
import type { Axis, DateText, Draft, Reading } from './draft.ts';
import type { Resolved } from './fields.ts';
import { longest } from './months.ts';
import { list, monthName, ordinal, weekdayName } from './names.ts';
import { resolve } from './resolve.ts';
import { weekOrder } from './say.ts';

export interface Meaning {
  questions: string[];
  label: string;
  resolved: Resolved;
}

/** Three open things give eight buttons at most, which is more than anybody reads. */
const MOST_AXES = 3;

function bareTimes(draft: Draft): Axis | undefined {
  const bare = draft.times.filter((time) => time.bare === true);
  if (bare.length === 0) return undefined;
  const all = (later: number): string =>
    list(
      draft.times
        .map((time) => (time.bare === true ? (time.minutes % 720) + later : time.minutes))
        .sort((a, b) => a - b)
        .map(clock),
    );
  const apply =
    (later: number) =>
    (was: Draft): Draft => ({
      ...was,
      times: was.times.map((time) => ({ minutes: time.bare === true ? (time.minutes % 720) + later : time.minutes })),
    });
  return {
    question: `${all(0)} or ${all(720)}?`,
    choices: [
      { label: all(0), apply: apply(0) },
      { label: all(720), apply: apply(720) },
    ],
  };
}

const dayMonth = (date: DateText): string => `${date.day ?? 1} ${monthName(date.month)}`;

function dayOrMonthFirst(draft: Draft): Axis | undefined {
  const open = draft.dates.find((date) => date.either === true);
  if (open === undefined) return undefined;
  const { either: _, ...dayFirst } = open;
  const monthFirst: DateText = { ...dayFirst, month: open.day ?? 1, day: open.month };
  const replace =
    (by: DateText) =>
    (was: Draft): Draft => ({ ...was, dates: was.dates.map((date) => (date.either === true ? by : date)) });
  const label =
    (date: DateText) =>
    (rule: Rule): string =>
      'at' in rule && !('everyDays' in rule)
        ? `${dayMonth(date)} ${dateOfDay(dayOfIso(rule.at.slice(0, 10))).year}`
        : `Every ${dayMonth(date)}`;
  return {
    question: `${dayMonth(dayFirst)} or ${dayMonth(monthFirst)}?`,
    choices: [dayFirst, monthFirst].map((date) => ({ label: label(date), apply: replace(date) })),
  };
}

const repeats = (draft: Draft): boolean => draft.recurring === true || draft.every !== undefined;

/** 29 February every year, and the 29th, 30th or 31st of every month. */
function shortMonths(draft: Draft): Axis | undefined {
  const single = draft.day !== undefined || draft.instant !== undefined || draft.once === true;
  if (single || draft.literal === true) return undefined;
  const yearly = repeats(draft) && draft.dates.length === 1 ? draft.dates[0] : undefined;
  if (yearly?.month === 2 && yearly.day === 29 && yearly.year === undefined) {
    return {
      question: 'Only in leap years, or on the last day of every February?',
      choices: [
        {
          label: 'Last day of every February',
          apply: (was) => ({ ...was, dates: [], months: [2], days: ['last'] }),
        },
        { label: 'Only 29 February (leap years)', apply: (was) => ({ ...was, literal: true }) },
      ],
    };
  }
  const day = draft.days.find((number) => number !== 'last' && number > 28 && number <= 31);
  if (typeof day !== 'number') return undefined;
  const months = draft.months.length > 0 ? draft.months : Array.from({ length: 12 }, (_, i) => i + 1);
  // One month without such a day is an error, not a question.
  if (months.length === 1 || months.every((month) => month !== 2 && longest(month) >= day)) return undefined;
  const often = day === 31 ? '7' : day === 30 ? '11' : '11 or 12';
  const times = draft.months.length > 0 ? '' : ` (${often} times a year)`;
  return {
    question: `Only in months with a ${ordinal(day)}, or on the last day of every month?`,
    choices: [
      {
        label: 'Last day of every month',
        apply: (was) => ({
          ...was,
          days: [...was.days.filter((number) => number === 'last' || number <= 28), 'last'],
        }),
      },
      { label: `Only the ${ordinal(day)}${times}`, apply: (was) => ({ ...was, literal: true }) },
    ],
  };
}

/** "Monthly on monday". */
function monthlyWeekday(draft: Draft): Axis | undefined {
  const { every } = draft;
  const weekdays = weekOrder(new Set(draft.weekdays));
  if (every?.unit !== 'month' || every.n !== 1 || weekdays.length === 0 || draft.eachWeekday === true) return undefined;
  if (draft.places.length + draft.days.length + draft.dates.length > 0) return undefined;
  const names = list(weekdays.map(weekdayName));
  const first = list(weekdays.map((weekday) => `first ${weekdayName(weekday)}`));
  return {
    question: `Every ${names}, or the ${first} of every month?`,
    choices: [
      {
        label: `The ${first} of every month`,
        apply: (was) => ({ ...was, weekdays: [], places: weekdays.map((weekday) => ({ nth: 1, weekday })) }),
      },
      { label: `Every ${names}`, apply: (was) => ({ ...was, every: { n: 1, unit: 'week' } }) },
    ],
  };
}

/** The next open thing, with the draft that it is open in; no axis when all is settled. */
function nextAxis(draft: Draft): { axis?: Axis; draft: Draft } {
  const [said, ...rest] = draft.axes;
  if (said !== undefined) {
    const open = { ...draft, axes: rest };
    const choice = said.choices[said.settled?.(draft) ?? -1];
    return choice === undefined ? { axis: said, draft: open } : nextAxis(choice.apply(open));
  }
  const found = monthlyWeekday(draft) ?? shortMonths(draft) ?? dayOrMonthFirst(draft) ?? bareTimes(draft);
  return found === undefined ? { draft } : { axis: found, draft };
}

/** Every reading of a draft: one when nothing is open. */
export function meanings(r: Reading, draft: Draft, depth = 0): Meaning[] {
  const open = draft.problem === undefined && draft.manual !== true ? nextAxis(draft) : { draft };
  const { axis } = open;
  if (axis === undefined) return [{ questions: [], label: '', resolved: resolve(r, open.draft) }];
  if (depth === MOST_AXES) {
    const message = `"${r.phrase}" can be read in too many ways.`;
    return [
      {
        questions: [],
        label: '',
        resolved: { problem: { code: 'not_understood', message, suggestion: 'every day at 02:00' } },
      },
    ];
  }
  return axis.choices.flatMap((choice) =>
    meanings(r, choice.apply(open.draft), depth + 1).map((meaning) => {
      const { resolved } = meaning;
      const own =
        typeof choice.label === 'string' ? choice.label : 'rule' in resolved ? choice.label(resolved.rule) : '';
      return {
        questions: [axis.question, ...meaning.questions],
        label: meaning.label === '' ? own : `${own}, ${meaning.label}`,
        resolved,
      };
    }),
  );
}
