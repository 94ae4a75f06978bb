/** Words that limit a schedule in ways that it cannot have. They are refused by name, never skipped. */

const LIMITING = new Set([
  'except',
  'excepting',
  'excluding',
  'exclude',
  'but',
  'without',
  'unless',
  'skip',
  'skipping',
  'apart',
  'not',
  'starting',
  'beginning',
  'start',
  'from',
  'since',
  'until',
  'till',
  'between',
  'before',
  'after',
  'during',
  'while',
  'if',
  'when',
  'or',
  'then',
  'to',
  'for',
]);

/** In a line, these begin an option of their own ("except *.mov", "since 2024-01-01") unless days follow. */
const IN_LINES = new Set([
  'except',
  'excluding',
  'but',
  'without',
  'unless',
  'skipping',
  'starting',
  'until',
  'between',
  'during',
  'or',
]);

const FREE_DAYS = new Set([
  'holiday',
  'holidays',
  'bank',
  'public',
  'school',
  'vacation',
  'vacations',
  'christmas',
  'easter',
  'work',
  'working',
  'business',
  'office',
]);

export const isUnsupported = (word: string): boolean => LIMITING.has(word);
export const limitsInLines = (word: string): boolean => IN_LINES.has(word);
export const namesFreeDays = (word: string): boolean => FREE_DAYS.has(word);
