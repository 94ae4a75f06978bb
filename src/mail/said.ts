/** What people write in answers that is no command of its own: a yes to what was asked, a no, thanks, and wonder. Pure. */
import { comparable } from './reply/line.ts';
import { GREETING } from './reply/words.ts';

const STOP = '[\\s,.!…-]*';

/** Phrases one behind the other, with nothing else between them but stops. */
const madeOf = (first: string, more: readonly string[]): RegExp =>
  new RegExp(`^${first}(?:${STOP}(?:${more.join('|')}))*${STOP}$`, 'iu');

const POLITE = ['please', 'thanks', 'thank you', 'thx', 'sure', 'ok', 'okay'];
/** Closed, like the grammar: "yes but not today" is no yes. */
const YES = madeOf('yes', [
  ...POLITE,
  ...[
    'do it',
    'do that',
    'do so',
    'go ahead',
    'that was me',
    'it was me',
    'this was me',
    'i did',
    'i do',
    'i wrote (?:it|this|that)',
  ],
  ...['delete it', 'restore it', 'disconnect it', 'replace (?:it|them)', 'write to it'],
]);
const NO = madeOf('(?:no|not now|don.t|do not)', [
  ...POLITE,
  ...['leave it', 'leave it as it is', 'don.t', 'do not', 'do it', 'not now', 'not me', 'i did not', 'i didn.t'],
  ...['that was(?: not|n.t) me', 'it was(?: not|n.t) me', 'keep it'],
]);

/** The answer to the question of the mail that is answered; undefined when it says something else. */
export const answerIn = (line: string): 'yes' | 'no' | undefined =>
  YES.test(line) ? 'yes' : NO.test(line) ? 'no' : undefined;

const KIND = [
  ...[
    '(?:many |lots of |a thousand )?thanks?(?: you| u)?(?: so much| very much| a lot| again)?',
    'thx',
    'ty',
    'cheers',
  ],
  ...[
    'great',
    'perfect',
    'nice',
    'cool',
    'super',
    'wonderful',
    'awesome',
    'excellent',
    'good',
    'very good',
    'well done',
  ],
  ...['good (?:job|work|to know)', 'ok', 'okay', 'all right', 'alright', 'got it', 'noted', 'fine', 'keepsake'],
  ...[
    'danke(?: sch[öo]n| dir)?',
    'vielen dank',
    'merci(?: beaucoup| bien)?',
    '(?:muchas )?gracias',
    'grazie',
    'obrigad[oa]',
  ],
  '[\\p{Extended_Pictographic}\\u{1F3FB}-\\u{1F3FF}\\uFE0F\\u200D]',
];
const KINDNESS = madeOf(`(?:${KIND.join('|')})`, KIND);

/** Thanks, praise or an OK that asks for nothing. */
export const isKindness = (line: string): boolean => KINDNESS.test(line);

const WONDER =
  /^(?:(?:sorry|hello|hi|hey)[\s,.!]+)?(?:what(?:.s| is| are) (?:this|that|these|this mail|this email|keepsake)|what does (?:this|that|it) mean|who (?:are you|is this|sent this)|what can (?:i|you) (?:say|do)(?: here)?|how does (?:this|it) work|huh)?[\s?!.]*$/iu;

/** Somebody who does not know what this is, or what can be said: "what is this?", "???", "Hello". */
export const isWonder = (line: string): boolean => WONDER.test(line) || GREETING.test(comparable(line));
