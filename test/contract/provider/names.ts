/** Names that a person's disk may hold and that careless programs lose, merge or choke on. */

const deep = Array.from({ length: 40 }, (_, i) => `level ${i}`).join('/');

/** Every name is stored as a file, and once more as a folder with a file in it. */
export const HOSTILE_NAMES: readonly string[] = [
  '.hidden',
  '..two dots',
  '...',
  'trailing space ',
  'trailing dot.',
  ' leading space',
  '-rf',
  '--',
  '~',
  '*',
  '%46',
  '%',
  '%%%zz',
  '%2e%2e',
  '%2F',
  'a+b&c=d;e',
  '#hash?query',
  ':colon',
  "it's",
  '"quoted"',
  '<angle>|pipe',
  'back\\slash',
  '\\',
  '$HOME `id` $(id)',
  'line\nbreak',
  'carriage\rreturn',
  'tab\there',
  'bell\u0007 and escape\u001b[31m',
  'delete\u007f',
  'no-break\u00a0space',
  'zero\u200bwidth',
  'family \u{1f468}‍\u{1f469}‍\u{1f467}‍\u{1f466}.jpg',
  'flag \u{1f1e9}\u{1f1ea}',
  'עברית‏.txt',
  'gnp\u202egpj.exe',
  '日本語のファイル名.txt',
  'ﬁ ligature',
  'İstanbul ı ß ẞ',
  '\u{10ffff}\uffff\ufdd0',
  '.keepsake-x',
  '.keepsake-notours.part',
  'CON',
  'nul.txt',
  'com1',
  'desktop.ini',
  '.DS_Store',
  'Thumbs.db',
  'index.html',
  '‛2F',
  '‛2E‛2E',
  '‛3Aquoted‛',
  'null',
  'undefined',
  '__proto__',
  '0',
  'ends with bytes like a url %C3%A9',
  `${'é'.normalize('NFC')}-composed`,
  'n'.repeat(255),
  'ä'.repeat(127),
  '\u{1f600}'.repeat(63),
];

export const DEEP_PATH = `${deep}/leaf.txt`;

/** Pairs that differ only in case; two files where the service tells case apart. */
export const CASE_TWINS: readonly (readonly [string, string])[] = [
  ['readme.txt', 'README.txt'],
  ['straße', 'STRASSE'],
  ['ärger', 'ÄRGER'],
];

/** Pairs that look the same; two files everywhere but on a normalising volume. */
export const NORMAL_TWINS: readonly (readonly [string, string])[] = [
  ['café'.normalize('NFC'), 'café'.normalize('NFD')],
  ['\u212b', '\u00c5'],
  ['한글'.normalize('NFC'), '한글'.normalize('NFD')],
];
