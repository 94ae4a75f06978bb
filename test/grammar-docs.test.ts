/** Every line that the manual shows is a command, and adding a word that means nothing stops it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from '../src/engine/commands/grammar.ts';
import { vocabulary } from './grammar-vocabulary.ts';

const manual = readFileSync(new URL('../docs/commands.md', import.meta.url), 'utf8');
const lines = [...manual.matchAll(/^```\n(.*?)^```$/gms)].flatMap((match) => (match[1] ?? '').trim().split('\n'));
const options = [...manual.matchAll(/^\| (`.*?) \|/gm)].flatMap((match) => {
  const said = [...(match[1] ?? '').matchAll(/`([^`]+)`/g)].map((one) => one[1] ?? '');
  const [first = ''] = said;
  // "`report always`, `on failure`": the head is said once.
  return said
    .map((text) => (first.startsWith('report') && !text.startsWith('report') ? `report ${text}` : text))
    .filter((text) => text !== 'called' && !text.includes('…') && !text.startsWith('{'));
});

describe('docs/commands.md', () => {
  it.each(lines)('shows a line that works: %s', (line) => {
    expect(parse(line, vocabulary).outcome).toBe('command');
  });

  it.each(options)('shows an option that works: %s', (option) => {
    expect(parse(`icloud to gdrive ${option}`, vocabulary).outcome).toBe('command');
  });

  it('has both', () => {
    expect(lines.length).toBeGreaterThan(40);
    expect(options.length).toBeGreaterThan(15);
  });
});

/** These take words as they come: patterns, names, settings, phrases, codes. */
const FREE = /^(?:find|when|claim|invite|role|forget|unlink|connect|restore|rename)\b/;

describe('a word that means nothing', () => {
  it.each([...lines.filter((line) => !FREE.test(line)), ...options.map((option) => `icloud to gdrive ${option}`)])(
    'stops: %s',
    (line) => {
      const words = line.match(/(?:"[^"]*"|\S)+/g) ?? [];
      for (let at = 0; at <= words.length; at++) {
        const text = [...words.slice(0, at), 'zzqx', ...words.slice(at)].join(' ');
        const before = words[at - 1] ?? '';
        // The name of an album or a plan may be any word.
        if (/^(?:albums?|named|called)$/.test(before) || before.endsWith(',')) continue;
        expect(parse(text, vocabulary).outcome, text).toBe('error');
      }
    },
  );
});
