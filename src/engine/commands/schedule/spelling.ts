/** What a misspelt word was meant to be. */

import { distance } from '../grammar/suggest.ts';
import { tokens } from './tokens.ts';

/** Words worth mending; of two equally near, the earlier one wins. */
const KNOWN = `every daily weekly monthly hourly yearly nightly quarterly fortnightly biweekly annually each
  monday tuesday wednesday thursday friday saturday sunday
  mondays tuesdays wednesdays thursdays fridays saturdays sundays weekday weekdays weekend weekends
  day days week weeks month months hour hours minute minutes year years quarter fortnight
  midnight noon midday morning evening afternoon night tomorrow today tonight next last first second third fourth other
  january february march april june july august september october november december
  twice once when only manual manually never except until between starting time`.split(/\s+/);

/** The known word that is at most `most` letters away, or undefined when there is none or the word is known. */
export function nearest(word: string, most = word.length > 5 ? 2 : 1): string | undefined {
  if (word.length < 3 || word.length > 20 || KNOWN.includes(word)) return undefined;
  let best: string | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const known of KNOWN) {
    const off = distance(word, known, most);
    // People rarely miss the first letter: "munday" is Monday, not Sunday.
    const score = off + (word[0] === known[0] ? 0 : 0.5);
    // In short words another first letter is another word: "soon" is not noon.
    const begins = word.length > 4 || word[0] === known[0];
    if (begins && off <= most && score < bestScore) [best, bestScore] = [known, score];
  }
  return best;
}

/** The phrase with its misspelt words mended, and those words; undefined when there is nothing to mend. */
export function mended(phrase: string): { phrase: string; words: string[] } | undefined {
  let text = '';
  let from = 0;
  const words: string[] = [];
  for (const token of tokens(phrase)) {
    const better = token.kind === 'word' ? nearest(token.text) : undefined;
    if (better === undefined) continue;
    text += phrase.slice(from, token.start) + better;
    words.push(phrase.slice(token.start, token.end));
    from = token.end;
  }
  return words.length === 0 ? undefined : { phrase: text + phrase.slice(from), words };
}
