/** Reads weekdays and places in the month: "monday to thursday", "first sunday", "last day of the month". */

import { type Draft, fail, type Reading, type ReadRule, sequence, textAt, written } from './draft.ts';
import { MONTH_WORDS, ordinal, WEEKDAY_WORDS, weekdayName } from './names.ts';
import { inMonth, nth, own, setEvery, unitOfWord, WEEKDAY_GROUPS, WORKDAYS } from './units.ts';

const TO = ['to', 'through', 'thru', '-', 'till', 'until'];

/** "monday to thursday", "mon-fri", "mondays", "working days". */
function weekdays(r: Reading, i: number, draft: Draft): number {
  const group = own(WEEKDAY_GROUPS, textAt(r, i));
  if (group !== undefined) {
    draft.recurring = true;
    draft.weekdays.push(...group);
    return 1;
  }
  const working = ['working', 'business', 'work', 'week'].includes(textAt(r, i)) && /^days?$/.test(textAt(r, i + 1));
  if (working) {
    draft.recurring = true;
    draft.weekdays.push(...WORKDAYS);
    return 2;
  }
  if (textAt(r, i) === 'from' && TO.includes(textAt(r, i + 2))) {
    const took = weekdays(r, i + 1, draft);
    return took > 0 ? took + 1 : 0;
  }
  const from = WEEKDAY_WORDS.get(textAt(r, i));
  if (from === undefined) return 0;
  const to = TO.includes(textAt(r, i + 1)) ? WEEKDAY_WORDS.get(textAt(r, i + 2)) : undefined;
  if (textAt(r, i).endsWith('days')) draft.recurring = true;
  if (to === undefined) {
    draft.weekdays.push(from);
    return 1;
  }
  draft.recurring = true;
  draft.weekdayRange = true;
  for (let day = from; ; day = (day + 1) % 7) {
    draft.weekdays.push(day);
    if (day === to) return 3;
  }
}

const placeWord = (r: Reading, i: number): number | undefined => {
  if (textAt(r, i) === 'last') return -1;
  const n = nth(r, i);
  return textAt(r, i) === 'other' || textAt(r, i) === 'alternate' ? undefined : n;
};

/** "first sunday", "1st and 3rd sunday", "last day", "end of the month". */
function place(r: Reading, i: number, draft: Draft): number {
  for (const [words, day] of [
    [['end', 'of'], 'last'],
    [['start', 'of'], 1],
    [['beginning', 'of'], 1],
  ] as const) {
    const took = sequence(r, i, words);
    if (took > 0 && inMonth(r, i + 1)) {
      draft.days.push(day);
      draft.recurring = true;
      return took;
    }
  }
  const monthEnd = sequence(r, i, ['month', 'end']);
  if (monthEnd > 0) {
    setEvery(r, draft, 1, 'month', i);
    draft.days.push('last');
    return monthEnd;
  }
  const places: number[] = [];
  let at = i;
  for (let n = placeWord(r, at); n !== undefined; n = placeWord(r, at)) {
    places.push(n);
    at += 1;
    let next = at;
    while ([',', 'and', '&', 'the'].includes(textAt(r, next))) next += 1;
    if (placeWord(r, next) === undefined) break;
    at = next;
  }
  if (places.length === 0) return 0;
  // "The first of every month"; "the first of may" is a date.
  if (textAt(r, at) === 'of' && inMonth(r, at)) {
    if (MONTH_WORDS.has(textAt(r, at + 1))) return 0;
    draft.recurring = true;
    draft.days.push(...places.map((n) => (n === -1 ? ('last' as const) : n)));
    return at - i;
  }
  const weekday = WEEKDAY_WORDS.get(textAt(r, at));
  if (weekday !== undefined) {
    const wrong = places.find((n) => n > 5 || n === 0);
    if (wrong !== undefined) {
      const name = weekdayName(weekday);
      fail(draft, {
        code: 'no_such_date',
        message: `There is no ${ordinal(wrong)} ${name}: a month has at most five.`,
        suggestion: `last ${name.toLowerCase()} of the month`,
      });
    }
    draft.recurring = true;
    draft.places.push(...places.map((n) => ({ nth: n, weekday })));
    return at + 1 - i;
  }
  const working = own(WEEKDAY_GROUPS, textAt(r, at)) !== undefined || ['working', 'business'].includes(textAt(r, at));
  if (working && (places.includes(-1) || inMonth(r, at + 1) || inMonth(r, at + 2))) {
    const took = ['working', 'business'].includes(textAt(r, at)) ? at + 2 - i : at + 1 - i;
    fail(draft, {
      code: 'unsupported',
      message: `"${written(r, i, i + took)}" is not supported: it would move with the length of the month.`,
      suggestion: places.includes(-1) ? 'last friday of the month' : 'first monday of the month',
    });
    return took;
  }
  const isDay = /^days?$/.test(textAt(r, at));
  if (isDay && (places.includes(-1) || inMonth(r, at + 1))) {
    draft.recurring = true;
    draft.days.push(...places.map((n) => (n === -1 ? ('last' as const) : n)));
    return at + 1 - i;
  }
  return 0;
}

/** "of the month", "of each quarter": says again what a day of the month already means. */
function suffix(r: Reading, i: number, draft: Draft): number {
  if (!['of', 'the', 'in', 'a', 'any'].includes(textAt(r, i - 1))) return 0;
  const unit = unitOfWord(textAt(r, i));
  const anchored = draft.days.length + draft.places.length > 0;
  if (unit === 'month' && anchored) setEvery(r, draft, 1, 'month', i);
  else if (unit === 'year' && anchored && draft.dates.length + draft.months.length > 0)
    setEvery(r, draft, 1, 'year', i);
  else if (unit === 'quarter' && anchored)
    draft.months.push(...(draft.days.includes('last') ? [3, 6, 9, 12] : [1, 4, 7, 10]));
  else if (!((unit === 'week' || unit === 'month') && draft.recurring === true)) return 0;
  return 1;
}

export const readDays: ReadRule = (r, i, draft) => place(r, i, draft) || weekdays(r, i, draft) || suffix(r, i, draft);
