/** The tokeniser, quoting, and suggestions. */
import { describe, expect, it } from 'vitest';
import { distance, nearest } from '../src/engine/commands/grammar/suggest.ts';
import { keyOf, quote, quoted, wordsOf } from '../src/engine/commands/grammar/words.ts';

const texts = (line: string): unknown => {
  const words = wordsOf(line);
  return Array.isArray(words) ? words.map((word) => word.text) : words.code;
};

describe('words', () => {
  it.each<[string, unknown]>([
    ['', []],
    [' a  b ', ['a', 'b']],
    ['"a b" c', ['a b', 'c']],
    ["'a b' c", ['a b', 'c']],
    ['“a b” ‘c d’ „e f“ «g h» 「i j」', ['a b', 'c d', 'e f', 'g h', 'i j']],
    ['“a b" c', ['a b', 'c']],
    ["it's", ["it's"]],
    ["'it's fine'", ["it's fine"]],
    ['‘don’t stop’ x', ['don’t stop', 'x']],
    ['"a ""b"" c"', ['a "b" c']],
    ['""', ['']],
    ['"" ""', ['', '']],
    ['""""', ['"']],
    ['"""a"""', ['"a"']],
    ['x:"a b"/c', ['x:a b/c']],
    ['k="a b" l=\'c d\'', ['k=a b', 'l=c d']],
    ['5"x', ['5"x']],
    ['a\\ b', ['a b']],
    ['a\\b', ['a\\b']],
    ['a\\\\b', ['a\\b']],
    ['a\\"b', ['a"b']],
    ['C:\\a\\ b', ['C:\\a\\', 'b']],
    ['\\\\nas\\share', ['\\\\nas\\share']],
    ['"C:\\a b\\" c', ['C:\\a b\\', 'c']],
    ['a, b;c, ,d', ['a', 'b;c', ',d']],
    ['"a,", b', ['a,', 'b']],
    ['a\\', ['a\\']],
    ['"a', 'unclosed_quote'],
    ["'a", 'unclosed_quote'],
    ['x "', 'unclosed_quote'],
    ['a\0b', 'control_character'],
    ['a\u001b[31m', 'control_character'],
    ['a\u009b31m', 'control_character'],
    ['a\u2066b', 'control_character'],
    ['\ud800', 'control_character'],
    ['x'.repeat(2001), 'too_long'],
    ['x'.repeat(2000), ['x'.repeat(2000)]],
  ])('%j', (line, expected) => {
    expect(texts(line)).toEqual(expected);
  });

  it('folds keywords and nothing else', () => {
    expect(keyOf('  Ｗｅｅｋｌｙ\u200b ')).toBe('weekly');
    expect(keyOf('İstanbul')).toBe('istanbul');
    expect(texts('Ｗ\u200b')).toEqual(['Ｗ\u200b']);
  });

  it.each([
    'a',
    'a b',
    '"',
    '""',
    'a"b',
    '"a',
    "it's",
    '“x”',
    ' lead',
    'trail ',
    'a,',
    ',',
    'C:\\x\\',
    '\\\\n\\s',
    'a\\ b',
    '-x',
    'to',
    'weekly',
    'Photos',
    'ｆｕｌｌ',
    'a\u200bb',
    '{year}/{month}',
    '*.jpg',
    'a:',
    '😀',
    '',
  ])('quotes %j so that it reads back', (text) => {
    expect(texts(quote(text))).toEqual([text]);
    expect(texts(quoted(text))).toEqual([text]);
  });
});

describe('suggestions', () => {
  it.each([
    ['gdirve', 'gdrive', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
    ['weekly', 'weekly', 0],
    ['wekly', 'weekly', 1],
  ])('%s is %s but for %i', (a, b, cost) => {
    expect(distance(a, b)).toBe(cost);
    expect(distance(b, a)).toBe(cost);
    for (let limit = 0; limit < cost; limit++) expect(distance(a, b, limit)).toBe(limit + 1);
    expect(distance(a, b, cost)).toBe(cost);
  });

  it.each([
    ['gdirve', 'gdrive'],
    ['GDRVE', 'gdrive'],
    ['goog', 'google drive'],
    ['fotos', 'photos'],
    ['pasue', 'pause'],
  ])('%s -> %s', (typed, meant) => {
    expect(nearest(typed, ['pause', 'gdrive', 'google drive', 'photos'], 1)).toEqual([meant]);
  });

  it.each(['x', 'zz', 'dropbox', 'photograph albums', ''])('has none for %j', (typed) => {
    expect(nearest(typed, ['pause', 'gdrive', 'google drive', 'photos'])).toEqual([]);
  });
});
