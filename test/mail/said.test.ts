import { describe, expect, it } from 'vitest';
import { answerIn, isKindness, isWonder } from '../../src/mail/said.ts';

describe('an answer to a question', () => {
  it.each([
    'yes',
    'Yes.',
    'YES!',
    'yes please',
    'Yes, do it',
    'yes please do it',
    'Yes, that was me. Thanks!',
    'yes, delete it',
  ])('%s is a yes', (line) => expect(answerIn(line)).toBe('yes'));
  it.each(['no', 'No, leave it', 'no thanks', 'not now', "No, that wasn't me", 'Don’t do it', 'no, not me!'])(
    '%s is a no',
    (line) => expect(answerIn(line)).toBe('no'),
  );
  it.each([
    'ok',
    'yes but not today',
    'yes to photos',
    'yes yes 1a2b3c4d',
    'no idea',
    'not now, tomorrow',
    'delete it',
    '',
  ])('"%s" is neither', (line) => expect(answerIn(line)).toBeUndefined());
});

describe('talk', () => {
  it.each([
    'thanks!',
    'Thank you so much',
    'Ok 👍',
    '👍🏽',
    '❤️',
    'great, thanks',
    'Vielen Dank!',
    'merci beaucoup',
    'Got it. Cheers',
    'OK',
  ])('%s asks for nothing', (line) => expect(isKindness(line)).toBe(true));
  it.each(['thanks, run now', 'ok pause', 'great photos', 'stop', 'yes', ''])('"%s" may ask for something', (line) =>
    expect(isKindness(line)).toBe(false),
  );
  it.each([
    'what is this?',
    'What is Keepsake',
    'who are you??',
    '???',
    '',
    'Sorry, what does this mean?',
    'how does this work?',
  ])('"%s" wonders', (line) => expect(isWonder(line)).toBe(true));
  it.each(['what is this backup', 'what failed', 'who did that', 'run'])('"%s" asks for something', (line) =>
    expect(isWonder(line)).toBe(false),
  );
  it('is told in a moment, whatever is written', () => {
    for (const piece of ['👍', 'thanks ', 'ok', 'yes do it ', 'no ', '? ', '\u200D', 'very good ']) {
      const line = `${piece.repeat(200)}x`;
      expect([answerIn(line), isKindness(line), isWonder(line)]).toEqual([undefined, false, false]);
    }
  });
});
