/** Which line was said, over a corpus by program, language and habit. What each sample means was written down by reading it. */
import { describe, expect, it } from 'vitest';
import { newMailLine, replyLine, saysNothing, subjectLine } from '../../src/mail/reply.ts';
import { ANSWER_HINT, ANSWER_READ } from '../../src/mail/text-render.ts';
import { IN_HTML } from '../fixtures/replies/html.ts';
import { ATTRIBUTIONS, FOOTERS, HEADERS } from '../fixtures/replies/languages.ts';
import { bare, quoted, REPORT } from '../fixtures/replies/report.ts';
import { STYLES } from '../fixtures/replies/styles.ts';

interface Sample {
  name: string;
  mail: { text?: string; html?: string };
  said: string | undefined;
}

const samples: Sample[] = [
  ...ATTRIBUTIONS.flatMap(([program, language, line]): Sample[] => [
    { name: `${program} ${language}, above`, mail: { text: `status\n\n${line}\n${quoted()}\n` }, said: 'status' },
    {
      name: `${program} ${language}, directly above`,
      mail: { text: `status\n${line}\n${quoted()}\n` },
      said: 'status',
    },
    { name: `${program} ${language}, below`, mail: { text: `${line}\n${quoted()}\n\nstatus\n` }, said: 'status' },
    { name: `${program} ${language}, nothing said`, mail: { text: `\n${line}\n${quoted()}\n` }, said: undefined },
    {
      name: `${program} ${language}, marks lost`,
      mail: { text: `${line.replaceAll(/^> ?/gm, '')}\n${bare}\n` },
      said: undefined,
    },
  ]),
  ...HEADERS.flatMap(([program, language, header]): Sample[] => [
    { name: `${program} ${language}, above`, mail: { text: `status\n\n${header}\n\n${bare}\n` }, said: 'status' },
    { name: `${program} ${language}, nothing said`, mail: { text: `\n\n${header}\n\n${bare}\n` }, said: undefined },
  ]),
  ...FOOTERS.flatMap(([language, footer]): Sample[] => [
    { name: `footer ${language} "${footer}"`, mail: { text: `status\n\n${footer}\n\n${bare}` }, said: 'status' },
    { name: `footer ${language} "${footer}", nothing said`, mail: { text: `\n${footer}\n\n${bare}` }, said: undefined },
  ]),
  ...STYLES.map(({ name, text, said }): Sample => ({ name, mail: { text }, said })),
  ...IN_HTML.map(
    ({ name, html, text, said }): Sample => ({
      name: `HTML: ${name}`,
      mail: { html, ...(text === undefined ? {} : { text }) },
      said,
    }),
  ),
];

const TRAPS = new Set([...REPORT.map((line) => line.trim()), 'delete everything']);
const leaks = ({ mail, said }: Sample): boolean => {
  const line = replyLine(mail);
  return line !== undefined && line !== said && [...TRAPS].some((trap) => trap !== '' && line.includes(trap));
};

describe(`${samples.length} replies`, () => {
  it.each(samples)('$name', ({ mail, said }) => {
    expect(replyLine(mail)).toBe(said);
  });

  it('nothing quoted, no signature and no notice is ever a command', () => {
    expect(samples.filter(leaks).map(({ name }) => name)).toEqual([]);
  });

  it('every sample has a name of its own', () => {
    const names = samples.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

/** Hard line breaks where words end, as relays and old programs add them. */
const wrapped = (text: string, width: number): string =>
  text.replace(new RegExp(`(?=.{${width},})(.{1,${width - 1}}) `, 'g'), '$1\n');

describe('attributions wrapped at any width, with a long address', () => {
  const LONG = 'backup+r.k7qabcdefghijklmnopqrstuvw@example.net';
  const variants = ATTRIBUTIONS.filter(([, , line]) => !line.startsWith('>')).flatMap(([program, language, line]) =>
    [40, 50, 60, 66, 70, 72, 74, 76, 78, 80].flatMap((width) => {
      const text = wrapped(line.replace('backup@example.net', LONG), width);
      return ['', '  ', '\u200e'].map((before) => ({
        name: `${program} ${language} ${width}`,
        text: text.replaceAll(/^/gm, before),
      }));
    }),
  );
  const few = variants.filter(({ text }) => text.trim().split('\n').length <= 4);
  const wrong = (around: (text: string) => string, said: string | undefined) =>
    few.filter(({ text }) => replyLine({ text: around(text) }) !== said).map(({ name }) => name);

  it(`${few.length} of them above a quotation say nothing`, () => {
    expect(few.length).toBeGreaterThan(1_500);
    expect(wrong((text) => `\n${text}\n${quoted()}`, undefined)).toEqual([]);
    expect(wrong((text) => `\n${text}\n${bare}`, undefined)).toEqual([]);
  });

  it('and leave what is said above them', () => {
    expect(wrong((text) => `status\n\n${text}\n${quoted()}`, 'status')).toEqual([]);
  });
});

it.each([ANSWER_HINT, ANSWER_READ])('our own %j, its marks lost, says nothing', (line) => {
  expect(replyLine({ text: `\n${line}\nrun now` })).toBeUndefined();
});

describe('a mail that answers none', () => {
  const mail = (subject: string, text?: string) => ({ subject, ...(text === undefined ? {} : { text }) });

  it.each([
    ['run now', undefined, 'run now'],
    ['run now', '\n', 'run now'],
    ['run now', 'Sent from my iPhone', 'run now'],
    ['run now', 'Hi,', 'run now'],
    ['', 'run now', 'run now'],
    ['', '', undefined],
    ['', 'Hi,', 'Hi,'],
    ['Re: photos: backed up', 'run photos\r\n\r\n[#k7qabcdefghijklmnopqrstuvw]', 'run photos'],
    ['run now', `a ${'long '.repeat(100)} letter`, undefined],
    ['AW: Re: run now', '', 'run now'],
  ])('%j, %j', (subject, text, said) => {
    expect(newMailLine(mail(subject, text))).toBe(said);
  });

  it.each([
    ['Re: Re[2]: AW: status', 'status'],
    ['回复：status', 'status'],
    ['RE : status', 'status'],
    ['SV: VS: Odp: Ynt: YNT: status', 'status'],
    ['[EXTERNAL] Fwd: status', 'status'],
    ['Vá: status', 'status'],
    ['restore: photos', 'restore: photos'],
    ['Re:', undefined],
    ['  “run”  now ', '"run" now'],
    ['x'.repeat(201), undefined],
    ['Re: '.repeat(10_000), undefined],
  ])('its subject %j', (subject, said) => {
    expect(subjectLine({ subject })).toBe(said);
  });

  it('says nothing, or something that may be too long', () => {
    expect(saysNothing({ text: `\n${bare.split('\n').at(-2)}` })).toBe(true);
    expect(saysNothing({})).toBe(true);
    expect(saysNothing({ text: 'Hi,' })).toBe(true);
    expect(saysNothing({ text: 'a'.repeat(500) })).toBe(false);
  });
});

/** A look at each line costs the same however the mail is built: these would take hours if one did not. */
it.each([
  'a', '\n', '> ', '>\n', '> a\n', 'On ', 'On 2026 10:00\n', 'wrote', 'wrote:\n', '<a@b>:', 'from: ', 'From: a\n', '-', '- ', '[image: ', '<div>', '<div><p>',
  '<blockquote>', '<b></i>', '<a href="', '<!--', '&#x', '&amp;', '<div style="font-size:0', '<br>', 'Hi,\n', '\u200b', ' \t', 'caution: external\n', '\ud800', '[ext] ',
  '<td>', '\n> x\ny', 'disclaimer\nx', '* ', '*From', '(', '<pre>\n', '\u0301', 'ﷺ',
])('0.7 MB of %j', (piece) => {
  const text = piece.repeat(Math.ceil(700_000 / piece.length));
  for (const mail of [{ text }, { html: text }, { text: `run now\n${text}` }]) {
    expect((replyLine(mail) ?? '').length).toBeLessThanOrEqual(200);
  }
  expect((subjectLine({ subject: text }) ?? '').length).toBeLessThanOrEqual(200);
}, 10_000); // biome-ignore format: a list of pieces
