/** English names of days, months and numbers, read and written. */

export const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

export const weekdayName = (weekday: number): string => WEEKDAYS[weekday % 7] ?? '';
export const monthName = (month: number): string => MONTHS[month - 1] ?? '';

const SHORT_WEEKDAYS: Record<string, number> = { tues: 2, weds: 3, thur: 4, thurs: 4 };
const SHORT_MONTHS: Record<string, number> = { sept: 9 };

function numbered(
  names: readonly string[],
  first: number,
  more: Record<string, number>,
  plural: '' | 's',
): ReadonlyMap<string, number> {
  const map = new Map(Object.entries(more));
  for (const [index, name] of names.entries()) {
    const lower = name.toLowerCase();
    for (const word of [lower, lower + plural, lower.slice(0, 3)]) map.set(word, index + first);
  }
  return map;
}

/** Full names (also "mondays"), three letters and the usual longer short forms, in lower case; 0 is Sunday. */
export const WEEKDAY_WORDS = numbered(WEEKDAYS, 0, SHORT_WEEKDAYS, 's');
export const MONTH_WORDS = numbered(MONTHS, 1, SHORT_MONTHS, '');

export const ORDINAL_WORDS: ReadonlyMap<string, number> = new Map([
  ['first', 1],
  ['second', 2],
  ['third', 3],
  ['fourth', 4],
  ['fifth', 5],
  ['sixth', 6],
  ['seventh', 7],
  ['eighth', 8],
  ['ninth', 9],
  ['tenth', 10],
]);
const ORDINALS = ['', 'first', 'second', 'third', 'fourth', 'fifth'];
export const ordinalWord = (n: number): string => ORDINALS[n] ?? ordinal(n);

export const NUMBER_WORDS: ReadonlyMap<string, number> = new Map([
  ['zero', 0],
  ['one', 1],
  ['two', 2],
  ['three', 3],
  ['four', 4],
  ['five', 5],
  ['six', 6],
  ['seven', 7],
  ['eight', 8],
  ['nine', 9],
  ['ten', 10],
  ['eleven', 11],
  ['twelve', 12],
  ['fifteen', 15],
  ['twenty', 20],
  ['thirty', 30],
  ['forty', 40],
  ['sixty', 60],
  ['ninety', 90],
]);

/** `1st`, `22nd`, `13th`. */
export function ordinal(n: number): string {
  const tens = n % 100;
  const last = tens >= 11 && tens <= 13 ? 0 : n % 10;
  return `${n}${last === 1 ? 'st' : last === 2 ? 'nd' : last === 3 ? 'rd' : 'th'}`;
}

/** "a, b and c". */
export function list(words: readonly string[], last = 'and'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}
