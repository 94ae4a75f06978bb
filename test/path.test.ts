import { describe, expect, it } from 'vitest';
import {
  caseKey,
  checkPath,
  comparePaths,
  extensionOf,
  fromBytes,
  nameOf,
  parentOf,
  storedPath,
  toBytes,
  wellFormed,
} from '../src/engine/path.ts';

describe('a path', () => {
  it.each(['a', 'a/b', '.hidden', 'a b', 'a\nb', '...', 'a\\b', ' ', '..a', 'a..'])('%j is one', (path) => {
    expect(checkPath(path)).toBe(path);
  });
  it.each(['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', './a', 'a/.', 'a\0b'])('%j is none', (path) => {
    expect(() => checkPath(path)).toThrow(/not a path inside a folder/);
  });
  it('has a parent, a name and an extension', () => {
    expect([parentOf('a/b/c.JPG'), nameOf('a/b/c.JPG'), extensionOf('a/b/c.JPG')]).toEqual(['a/b', 'c.JPG', 'jpg']);
    expect([parentOf('a'), nameOf('a'), extensionOf('.bashrc')]).toEqual(['', 'a', '']);
  });
});

describe('names as bytes', () => {
  it('keeps every sequence of bytes apart and gives it back', () => {
    const seen = new Map<string, string>();
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    const samples = [
      Buffer.from('plain'),
      Buffer.from('‛'),
      Buffer.from('‛FF'),
      Buffer.from([0xff]),
      Buffer.from([0xc3]),
      Buffer.from([0xc3, 0xa9]),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from('\uFFFD'),
      Buffer.from('\uFEFFbom'),
      Buffer.from([0x61, 0xe2, 0x80]),
    ];
    for (let i = 0; i < 5_000; i++)
      samples.push(Buffer.from(Array.from({ length: 1 + random(6) }, () => 1 + random(255))));
    for (const bytes of samples) {
      const text = fromBytes(bytes);
      expect(toBytes(text).equals(bytes)).toBe(true);
      const key = bytes.toString('hex');
      expect(seen.get(text) ?? key).toBe(key);
      seen.set(text, key);
    }
  });
  it('keeps broken emoji apart', () => {
    const names = ['\uD83D', '\uDE00', 'a\uD83Db', '😀', '\uFFFD'];
    const made = names.map(wellFormed);
    expect(new Set(made).size).toBe(names.length);
    expect(made.every((name) => Buffer.from(name).toString() === name)).toBe(true);
    expect(wellFormed('😀')).toBe('😀');
  });
});

describe('where a name is stored', () => {
  const windows = { characters: '<>:"|?*\\', names: ['CON', 'NUL'], trailing: '. ', maxNameBytes: 255 };
  it.each([
    ['a:b', 'a‛3Ab'],
    ['a.', 'a‛2E'],
    ['dir /x', 'dir‛20/x'],
    ['con.txt', '‛63on.txt'],
    ['fine.txt', 'fine.txt'],
  ])('%j becomes %j', (path, stored) => {
    expect(storedPath(path, windows)).toBe(stored);
  });
  it('shortens long names without making two of them one', () => {
    const a = storedPath(`${'é'.repeat(200)}1.jpg`, windows);
    const b = storedPath(`${'é'.repeat(200)}2.jpg`, windows);
    expect(a).not.toBe(b);
    expect(a.endsWith('.jpg')).toBe(true);
    expect(Buffer.byteLength(a)).toBeLessThanOrEqual(255);
  });
});

it('orders as databases order UTF-8', () => {
  const names = ['a', 'B', 'é', '\uFFFD', '\u{10000}', '\uE000', 'a/b', 'a b', ''];
  const byBytes = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
  expect([...names].sort(comparePaths)).toEqual(byBytes);
});

it('knows what a case-insensitive volume takes for one', () => {
  expect(caseKey('É.JPG')).toBe(caseKey('e\u0301.jpg'));
});
