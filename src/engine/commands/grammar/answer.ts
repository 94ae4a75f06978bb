/** `answer [id] <code>` and `answer [id] not now`: to a question of a service. */
import type { CommandArgs } from '../command.ts';
import { phraseAt, refused } from './reading.ts';
import { done, ended, type ReadVerb, stuck } from './verb.ts';

/** Ids of questions begin with a letter that no such code consists of, so that the two are never mixed up. */
const ID = /^q[0-9a-f]{6}$/;
const LONGEST = 64;

export const readAnswer: ReadVerb = (line, from, at) => {
  const first = line.words[at]?.key ?? '';
  const id = ID.test(first) ? first : undefined;
  const start = id === undefined ? at : at + 1;
  const args = (said: CommandArgs['answer']['said']): CommandArgs['answer'] => ({
    ...(id === undefined ? {} : { id }),
    said,
  });
  const later = phraseAt(line, start, ['not now', 'later', 'no']);
  if (later > 0) return ended(line, from, start + later, { name: 'answer', args: args('not now') });
  const words = line.words.slice(start + phraseAt(line, start, ['code', 'the code', 'with'])).map(({ text }) => text);
  // "123 456" and "123-456", as services show them; letters come in one piece.
  const code = words.join('').replaceAll('-', '');
  const whole = words.length === 1 || words.every((word) => /^[\d-]+$/.test(word));
  if (whole && /^[\p{L}\p{N}]+$/u.test(code) && /\d/.test(code) && code.length <= LONGEST)
    return done({ name: 'answer', args: args({ code }) });
  // What was typed may be the code with a slip in it: it is not said back.
  const message = 'Say the code of letters and digits, or "not now".';
  return stuck(line, from, at, [refused('bad_code', at, at, message, ['not now']).issue]);
};
