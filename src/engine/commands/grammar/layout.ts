/** `into {year}/{month}`: the template of folders at the destination. */
import { PLACEHOLDERS } from '../../backup/layout.ts';
import { type Line, refused, type Taken, took } from './reading.ts';
import { nearest } from './suggest.ts';
import { keyOf, quote } from './words.ts';

const KNOWN = PLACEHOLDERS.map((name) => `{${name}}`).join(' ');

/** `undefined` when the word is no template, so that "into gdrive" can be a destination. */
export function takeLayout(line: Line, from: number, at: number): Taken<string> | undefined {
  const word = line.words[at];
  if (!word) return undefined;
  const names = word.text.split('/');
  const hasDestination = line.words.slice(0, from).some(({ key }) => ['to', '->', '→'].includes(key));
  if (hasDestination && names.includes('..') && !/[{}]/.test(word.text)) {
    const message = `"into" names folders inside the destination; "${word.text}" leads out of it.`;
    return refused('bad_layout', from, at + 1, message, ['into {year}/{month}']);
  }
  if (!/[{}]/.test(word.text)) {
    const all = !word.quoted && names.every((name) => PLACEHOLDERS.some((known) => known === keyOf(name)));
    if (!all) return undefined;
    const template = names.map((name) => `{${keyOf(name)}}`).join('/');
    return refused('bad_layout', from, at + 1, `Placeholders stand in braces: ${template}.`, [`into ${template}`]);
  }
  const bad = names.some((name) => name === '' || name === '.' || name === '..') || /[\\\0:]/.test(word.text);
  if (bad) {
    const message = `"${word.text}" is no folder template: no leading slash, no "..", no empty part, no backslash.`;
    return refused('bad_layout', from, at + 1, message, ['into {year}/{month}']);
  }
  const unknown: string[] = [];
  const mended = word.text.replace(/\{([^{}]*)\}/g, (whole, name: string) => {
    if (PLACEHOLDERS.some((known) => known === name)) return whole;
    unknown.push(whole);
    return `{${nearest(name, PLACEHOLDERS, 1)[0] ?? name}}`;
  });
  if (unknown.length > 0) {
    const message = `There is no ${unknown.join(', ')}. The placeholders are ${KNOWN}.`;
    return refused('bad_layout', from, at + 1, message, [`into ${quote(mended)}`, 'into {year}/{month}']);
  }
  if (/[{}]/.test(word.text.replace(/\{[^{}]*\}/g, ''))) {
    const message = `A brace of "${word.text}" is not closed. The placeholders are ${KNOWN}.`;
    return refused('bad_layout', from, at + 1, message, ['into {year}/{month}']);
  }
  return took(at + 1, word.text);
}
