/** Reads how often: "daily", "every 3 days", "every other friday", "twice a week". */

import { partOfWord } from './clock.ts';
import { type Axis, type Draft, fail, type Reading, type ReadRule, sequence, textAt, type Unit } from './draft.ts';
import { MONTH_WORDS, NUMBER_WORDS, ORDINAL_WORDS, ordinalWord, WEEKDAY_WORDS, weekdayName } from './names.ts';
import { inMonth, nth, own, setEvery, unitOfWord, WEEKDAY_GROUPS } from './units.ts';

const ADVERBS: Record<string, { n: number; unit: Unit }> = {
  hourly: { n: 1, unit: 'hour' },
  daily: { n: 1, unit: 'day' },
  everyday: { n: 1, unit: 'day' },
  weekly: { n: 1, unit: 'week' },
  fortnightly: { n: 2, unit: 'week' },
  monthly: { n: 1, unit: 'month' },
  quarterly: { n: 1, unit: 'quarter' },
  yearly: { n: 1, unit: 'year' },
  annually: { n: 1, unit: 'year' },
  semiannually: { n: 6, unit: 'month' },
  biannually: { n: 6, unit: 'month' },
};

/** What an ambiguous word means, on top of what else was said. */
function withEvery(draft: Draft, n: number, unit: Unit, weekdays: number[] = []): Draft {
  const { every } = draft;
  const merged: Draft = { ...draft, recurring: true, every: { n, unit }, weekdays: [...draft.weekdays, ...weekdays] };
  if ((every === undefined || (every.n === n && every.unit === unit)) && draft.per === undefined) return merged;
  const message = 'Those are two schedules, and a backup has one. Make a second backup for the other.';
  return { ...merged, problem: { code: 'unsupported', message, suggestion: `every ${n} ${unit}s` } };
}

const AMBIGUOUS: Record<string, Axis> = {
  biweekly: {
    question: 'Every two weeks or twice a week?',
    // "Biweekly on friday" can only be every two weeks, "biweekly on monday and friday" only twice a week.
    settled: ({ weekdays }) => (weekdays.length === 2 ? 1 : weekdays.length > 0 ? 0 : undefined),
    choices: [
      { label: 'Every 2 weeks', apply: (draft) => withEvery(draft, 2, 'week') },
      {
        label: 'Twice a week (Monday and Thursday)',
        apply: (draft) => withEvery(draft, 1, 'week', draft.weekdays.length === 2 ? [] : [1, 4]),
      },
    ],
  },
  bimonthly: {
    question: 'Every two months or twice a month?',
    settled: ({ days }) => (days.length === 2 ? 1 : days.length > 0 ? 0 : undefined),
    choices: [
      { label: 'Every 2 months', apply: (draft) => withEvery(draft, 2, 'month') },
      {
        label: 'Twice a month (1st and 15th)',
        apply: (draft) => ({ ...withEvery(draft, 1, 'month'), days: draft.days.length === 2 ? draft.days : [1, 15] }),
      },
    ],
  },
};

function count(r: Reading, i: number): number | undefined {
  const token = r.tokens[i];
  if (token?.kind === 'number') return Number(token.text);
  return token === undefined ? undefined : NUMBER_WORDS.get(token.text);
}

/** "half an hour", "hour and a half", "quarter of an hour", in hours. */
function hoursAt(r: Reading, i: number): { hours: number; took: number } | undefined {
  const forms: [string[], number][] = [
    [['half', 'an', 'hour'], 0.5],
    [['half', 'hour'], 0.5],
    [['quarter', 'of', 'an', 'hour'], 0.25],
    [['quarter', 'hour'], 0.25],
    [['hour', 'and', 'a', 'half'], 1.5],
  ];
  for (const [words, hours] of forms) {
    const article = textAt(r, i) === 'a' || textAt(r, i) === 'an' ? 1 : 0;
    const took = sequence(r, i + article, words);
    if (took > 0) return { hours, took: took + article };
  }
  return undefined;
}

/** "and 30 minutes" behind hours. */
function minutesBehind(r: Reading, i: number): { n: number; took: number } | undefined {
  const at = textAt(r, i) === 'and' ? i + 1 : i;
  const n = count(r, at);
  if (n === undefined || unitOfWord(textAt(r, at + 1)) !== 'minute') return undefined;
  return { n, took: at + 2 - i };
}

/** "3 days", "1.5 hours", "half an hour", "a week", "2 fortnights"; `minus` when written with one. */
export function amountAt(r: Reading, i: number): { n: number; unit: Unit; took: number } | undefined {
  const part = hoursAt(r, i);
  if (part !== undefined) return { n: part.hours, unit: 'hour', took: part.took };
  const glued = /^(\d{1,2})h([0-5]\d)$/.exec(textAt(r, i));
  if (glued !== null) {
    const n = Number(glued[1]) * 60 + Number(glued[2]);
    return { n, unit: 'minute', took: unitOfWord(textAt(r, i + 1)) === 'minute' ? 2 : 1 };
  }
  const minus = textAt(r, i) === '-' ? 1 : 0;
  const at = i + minus;
  const n = textAt(r, at) === 'a' || textAt(r, at) === 'an' ? 1 : count(r, at);
  if (n === undefined) return undefined;
  const hyphen = textAt(r, at + 1) === '-' ? 1 : 0;
  const word = textAt(r, at + 1 + hyphen);
  const unit = word === 'fortnight' || word === 'fortnights' ? 'week' : unitOfWord(word);
  if (unit === undefined) return undefined;
  const total = word.startsWith('fortnight') ? n * 2 : n;
  const took = at + 2 + hyphen - i;
  const more = unit === 'hour' && minus === 0 ? minutesBehind(r, i + took) : undefined;
  if (more !== undefined) return { n: total * 60 + more.n, unit: 'minute', took: took + more.took };
  return { n: minus === 1 ? -total : total, unit, took };
}

/** What may stand behind a lone "every": a day, a date, a time, a part of the day. */
function opens(r: Reading, i: number): boolean {
  const token = r.tokens[i];
  if (token === undefined) return false;
  if (['ordinal', 'date', 'clock'].includes(token.kind)) return true;
  if (['last', 'noon', 'midnight', 'working', 'business'].includes(token.text)) return true;
  if (partOfWord(token.text) !== undefined || own(WEEKDAY_GROUPS, token.text) !== undefined) return true;
  if (WEEKDAY_WORDS.has(token.text) || MONTH_WORDS.has(token.text) || ORDINAL_WORDS.has(token.text)) return true;
  return token.kind === 'number' && (MONTH_WORDS.has(textAt(r, i + 1)) || textAt(r, i + 1) === 'of');
}

function everyNth(r: Reading, i: number, draft: Draft): number {
  const n = nth(r, i);
  if (n === undefined) return 0;
  const unit = unitOfWord(textAt(r, i + 1));
  if (unit !== undefined && !(unit === 'day' && inMonth(r, i + 2) && n !== 2)) {
    setEvery(r, draft, n, unit, i - 1);
    return 2;
  }
  const weekday = WEEKDAY_WORDS.get(textAt(r, i + 1));
  if (weekday === undefined || n < 2 || inMonth(r, i + 2)) return 0;
  if (n === 2) {
    setEvery(r, draft, 2, 'week', i - 1);
    return 1;
  }
  draft.recurring = true;
  const name = weekdayName(weekday);
  draft.axes.push({
    question: `Every ${n} weeks, or on the ${ordinalWord(n)} ${name} of the month?`,
    choices: [
      { label: `Every ${n} weeks on ${name}`, apply: (was) => withEvery(was, n, 'week', [weekday]) },
      ...(n > 5
        ? []
        : [
            {
              label: `The ${ordinalWord(n)} ${name} of every month`,
              apply: (was: Draft): Draft => ({ ...was, places: [{ nth: n, weekday }] }),
            },
          ]),
    ],
  });
  return 2;
}

/** Everything that begins with "every" or "each". */
function every(r: Reading, i: number, draft: Draft): number {
  const at = textAt(r, i + 1) === 'single' ? i + 2 : i + 1;
  const took = at - i;
  const sorted = everyNth(r, at, draft);
  if (sorted > 0) return took + sorted;
  // "Every second sunday of the month" is no second of the clock.
  const behind = textAt(r, at + 1);
  const placed =
    nth(r, at) !== undefined && (WEEKDAY_WORDS.has(behind) || unitOfWord(behind) === 'day' || behind === 'of');
  if (placed) {
    draft.recurring = true;
    return took;
  }
  const couple = sequence(r, at, ['couple', 'of']) || sequence(r, at, ['couple']);
  const pair = couple === 0 ? undefined : unitOfWord(textAt(r, at + couple));
  if (pair !== undefined) {
    setEvery(r, draft, 2, pair, i);
    return took + couple + 1;
  }
  const amount = amountAt(r, at);
  if (amount !== undefined) {
    setEvery(r, draft, amount.n, amount.unit, i);
    return took + amount.took;
  }
  const word = textAt(r, at);
  const unit = word === 'fortnight' ? 'week' : unitOfWord(word);
  if (unit !== undefined && word.length > 2) {
    setEvery(r, draft, word === 'fortnight' ? 2 : 1, unit, i);
    return took + 1;
  }
  if (opens(r, at)) {
    draft.recurring = true;
    if (WEEKDAY_WORDS.has(textAt(r, at))) draft.eachWeekday = true;
    return took;
  }
  return 0;
}

function setPer(r: Reading, draft: Draft, count: number, unit: Unit): void {
  if (draft.per !== undefined) {
    const message = `"${r.phrase}" counts twice, and a backup has one schedule.`;
    fail(draft, { code: 'unsupported', message, suggestion: 'twice a day' });
  }
  draft.per = { count, unit };
}

/** "twice a day", "3 times per week", "once daily". */
function timesPer(r: Reading, i: number, draft: Draft): number {
  const words: Record<string, number> = { once: 1, twice: 2, thrice: 3 };
  let n = own(words, textAt(r, i));
  let at = i + 1;
  if (n === undefined) {
    n = count(r, i);
    if (n === undefined || !['times', 'time', 'x'].includes(textAt(r, at))) return 0;
    at += 1;
  }
  const adverb = own(ADVERBS, textAt(r, at));
  if (adverb?.n === 1 && adverb.unit !== 'quarter') {
    at += 1;
    setPer(r, draft, n, adverb.unit);
  } else {
    if (['every', 'each'].includes(textAt(r, at)) && n === 1) return at - i;
    if (!['a', 'an', 'per', 'each', 'every', '/'].includes(textAt(r, at))) return 0;
    const unit = unitOfWord(textAt(r, at + 1));
    if (unit === undefined) return 0;
    at += 2;
    setPer(r, draft, n, unit);
  }
  draft.recurring = true;
  return at - i;
}

/** "daily", "6-hourly", "weekdays", "biweekly", "@weekly", "nightly". */
function adverb(r: Reading, i: number, draft: Draft): number {
  const word = textAt(r, i);
  const n = r.tokens[i]?.kind === 'number' ? count(r, i) : undefined;
  if (n !== undefined) {
    const at = textAt(r, i + 1) === '-' ? i + 2 : i + 1;
    const counted = own(ADVERBS, textAt(r, at));
    if (counted?.n !== 1) return 0;
    setEvery(r, draft, n, counted.unit, i);
    return at + 1 - i;
  }
  if (word === 'nightly') {
    setEvery(r, draft, 1, 'day', i);
    draft.parts.push('night');
    return 1;
  }
  const apart = word === 'bi' ? i + (textAt(r, i + 1) === '-' ? 2 : 1) : i;
  const ambiguous = own(AMBIGUOUS, apart > i ? `bi${textAt(r, apart)}` : word);
  if (ambiguous !== undefined) {
    draft.recurring = true;
    draft.axes.push(ambiguous);
    return apart + 1 - i;
  }
  // "Alternate fridays" is every other one.
  if (word === 'alternate') return everyNth(r, i, draft);
  const halfHourly = sequence(r, i, ['half', 'hourly']);
  if (halfHourly > 0) {
    setEvery(r, draft, 30, 'minute', i);
    return halfHourly;
  }
  const halfYearly = sequence(r, i, ['half', 'yearly']);
  if (halfYearly > 0) {
    setEvery(r, draft, 6, 'month', i);
    return halfYearly;
  }
  const known = own(ADVERBS, word);
  if (known === undefined) return 0;
  setEvery(r, draft, known.n, known.unit, i);
  return 1;
}

/** "On the hour" and "from now on" say again what a pace means. */
function restated(r: Reading, i: number, draft: Draft): number {
  if (draft.every === undefined) return 0;
  const onTheHour = draft.every.unit === 'hour' ? sequence(r, i, ['on', 'the', 'hour']) : 0;
  if (onTheHour > 0) draft.marks.push(0);
  return onTheHour || sequence(r, i, ['from', 'now', 'on']) || sequence(r, i, ['from', 'now']);
}

export const readPace: ReadRule = (r, i, draft) => {
  if (textAt(r, i) === 'every' || textAt(r, i) === 'each') return every(r, i, draft);
  for (const rule of [timesPer, adverb, restated]) {
    const took = rule(r, i, draft);
    if (took > 0) return took;
  }
  return 0;
};
