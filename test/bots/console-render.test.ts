/** Replies on a terminal: every block, every width, and names that attack the terminal. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { progressLine, renderConsole } from '../../src/bots/console-render.ts';
import { cutText, textColumns } from '../../src/bots/console-text.ts';
import type { Block, Progress, Reply } from '../../src/engine/types.ts';
import { visibleLine } from '../../src/engine/visible.ts';

const look = { colour: false, width: 80, zone: 'Europe/Berlin', now: new Date('2026-11-22T12:00:00.000Z') };
const reply = (...blocks: Block[]): Reply => ({ tone: 'plain', title: 'Your plans', blocks });
const bodyOf = (...blocks: Block[]): string[] =>
  renderConsole(reply(...blocks), look)
    .split('\n')
    .slice(1);

describe('titles', () => {
  it.each([
    [{ tone: 'good' }, '✔ Your plans'],
    [{ tone: 'bad' }, '✖ Your plans'],
    [{ tone: 'busy' }, '… Your plans'],
    [{ tone: 'plain' }, 'Your plans'],
    [{ tone: 'bad', outcome: 'partial' }, '! Your plans'],
  ] as const)('%o is told by an icon, not by colour alone', (how, expected) => {
    expect(renderConsole({ ...reply(), ...how }, look)).toBe(expected);
  });

  it('uses colours only when asked, and always ends them', () => {
    const plain = renderConsole({ ...reply(), tone: 'good' }, look);
    const coloured = renderConsole({ ...reply(), tone: 'good' }, { ...look, colour: true });
    expect(plain).not.toContain('\u001b');
    expect(coloured).toBe('\u001b[32m✔ Your plans\u001b[39m');
    expect(stripVTControlCharacters(coloured)).toBe(plain);
  });

  it('wraps a long title under itself', () => {
    const text = renderConsole({ ...reply(), title: 'word '.repeat(30).trim(), tone: 'good' }, { ...look, width: 40 });
    for (const line of text.split('\n')) expect(textColumns(line)).toBeLessThanOrEqual(40);
    expect(text.split('\n')[1]).toMatch(/^ {2}word/);
  });
});

describe('blocks', () => {
  it('text: wrapped, indented, with its own line breaks', () => {
    expect(bodyOf({ kind: 'text', text: 'One line.\nAnd another.' })).toEqual(['  One line.', '  And another.']);
  });

  it('fields: labels in a column, times on the reader’s clock with zone and distance', () => {
    expect(
      bodyOf({
        kind: 'fields',
        fields: [
          { label: 'Next run', value: { at: '2026-11-27T01:00:00.000Z' } },
          { label: 'To', value: 'nas' },
        ],
      }),
    ).toEqual(['  Next run  Fri 2026-11-27 02:00 Europe/Berlin, in 5 days', '  To        nas']);
  });

  it('table: fitted columns, numbers to the right, the zone said once', () => {
    expect(
      bodyOf({
        kind: 'table',
        columns: ['Plan', 'Files', 'Last'],
        rows: [
          ['photos', '4,120', { at: '2026-11-21T01:00:00.000Z' }],
          ['写真 🎞', '7', 'never'],
        ],
      }),
    ).toEqual([
      '  Plan    Files  Last',
      '  photos  4,120  2026-11-21 02:00',
      '  写真 🎞      7  never',
      '  Times: Europe/Berlin.',
    ]);
  });

  it('table: what does not fit is cut, and says so', () => {
    const name = 'a'.repeat(100);
    const lines = bodyOf({ kind: 'table', columns: ['Name', 'Size'], rows: [[name, '1.0 MB']] });
    expect(lines[1]).toContain('…');
    expect(lines[1]).toContain('1.0 MB');
    expect(lines.join(' ')).toContain('Cut with … to fit');
    for (const line of lines) expect(textColumns(line)).toBeLessThanOrEqual(80);
  });

  it('table: sentences go on below each other instead of being cut', () => {
    const advice = 'Free some space at the destination, or back up less with only or except, then run it again.';
    const lines = bodyOf({ kind: 'table', columns: ['File', 'What to do'], rows: [['a.jpg', advice]] });
    expect(lines).toEqual([
      '  File   What to do',
      '  a.jpg  Free some space at the destination, or back up less with only or',
      '         except, then run it again.',
    ]);
  });

  it('table: nothing cut, nothing said; more rows and the line that shows them are said', () => {
    const lines = bodyOf({
      kind: 'table',
      columns: ['Name'],
      rows: [['a']],
      more: { rows: 212, line: 'history photos' },
    });
    expect(lines.join('\n')).not.toContain('Cut');
    expect(lines.at(-1)).toBe('  212 more rows not shown: history photos');
  });

  it('table: a window too narrow for columns gets a list', () => {
    const text = renderConsole(
      reply({ kind: 'table', columns: ['Name', 'Size', 'Kept', 'Last'], rows: [['a', '1 byte', 'yes', 'no']] }),
      { ...look, width: 24 },
    );
    expect(text).toContain('Name  a');
    expect(text).toContain('Last  no');
  });

  it('table: empty says so', () => {
    expect(bodyOf({ kind: 'table', columns: ['Name'], rows: [] }).join('\n')).toContain('Nothing to show.');
  });

  it('choices: whole lines to type, with what they do', () => {
    expect(
      bodyOf({
        kind: 'choices',
        choices: [
          { label: 'Run it now', line: 'run photos' },
          { label: 'Change the time', line: 'edit photos at 14:00' },
        ],
      }),
    ).toEqual(['  → run photos            Run it now', '  → edit photos at 14:00  Change the time']);
  });

  it('choices: of a long menu the first, and how many more there are', () => {
    const choices = Array.from({ length: 6 }, (_, i) => ({ label: `Show ${i}`, line: `show ${i}` }));
    expect(bodyOf({ kind: 'choices', menu: 'Show one', choices })).toEqual([
      '  → show 0  Show 0',
      '  → show 1  Show 1',
      '  → show 2  Show 2',
      '    and 3 more',
    ]);
    expect(bodyOf({ kind: 'choices', menu: 'Show one', choices: choices.slice(1) })).toHaveLength(5);
    expect(bodyOf({ kind: 'choices', choices })).toHaveLength(6);
  });

  it('form: one line beside other things to do, nothing where it asks for a whole line', () => {
    const form: Block = {
      kind: 'form',
      label: 'Connect',
      title: 'Connect a NAS',
      line: 'connect webdav',
      fields: [
        { name: 'url', label: 'Address', word: 'url=' },
        { name: 'as', label: 'Name', word: 'as' },
      ],
    };
    const choice: Block = { kind: 'choices', choices: [{ label: 'Status', line: 'status' }] };
    expect(bodyOf(choice, form)).toEqual(['  → status  Status', '  → connect webdav url=<url> as <as>']);
    expect(bodyOf(form).length).toBeGreaterThan(2);
    expect(bodyOf({ ...form, line: '' })).toEqual([]);
  });

  it('form, link, image and file are lines', () => {
    const lines = bodyOf(
      {
        kind: 'form',
        label: 'Edit',
        title: 'Edit photos',
        fields: [
          { name: 'when', label: 'When', value: 'weekly' },
          { name: 'files', label: 'Files', help: 'For example *.heic.', word: 'only' },
        ],
        line: 'edit photos',
      },
      { kind: 'line', line: 'backup ~/Pictures to /mnt/usb weekly' },
      { kind: 'link', label: 'Open', url: 'https://nas.example.org/x' },
      { kind: 'image', alt: 'New photos', bytes: new Uint8Array(2000), mime: 'image/jpeg' },
      { kind: 'file', name: 'report.pdf', bytes: new Uint8Array(10), mime: 'application/pdf' },
    );
    expect(lines).toEqual([
      '  Edit photos',
      '  When   (now: weekly)',
      '  Files  For example *.heic.',
      '  → edit photos <when> only <files>',
      '  backup ~/Pictures to /mnt/usb weekly',
      '  Open: https://nas.example.org/x',
      '  [picture: New photos, 2.0 KB]',
      '  [file: report.pdf, 10 bytes]',
    ]);
  });
});

describe('progress', () => {
  const progress: Progress = {
    phase: 'copying',
    files: 4120,
    totalFiles: 6870,
    bytes: 18_000_000_000,
    totalBytes: 31_000_000_000,
    rate: 12_300_000,
    eta: 720,
    current: 'a/b.jpg',
    problems: 2,
  };

  it('is one line in words, with a bar where there is room', () => {
    expect(progressLine(progress, { ...look, width: 200 })).toBe(
      'Copying ████████████░░░░░░░░ 58%  4,120 of 6,870 files · 18.0 GB of 31.0 GB · 12.3 MB/s · about 12 min left · 2 problems · a/b.jpg',
    );
    const narrow = progressLine(progress, { ...look, width: 40 });
    expect(narrow).not.toContain('█');
    expect(textColumns(narrow)).toBeLessThanOrEqual(40);
  });

  it('never says 100% before the end, and no share when the total is unknown', () => {
    expect(progressLine({ ...progress, bytes: 30_999_999_999 }, { ...look, width: 200 })).toContain(' 99%');
    const unknown = progressLine({ phase: 'listing', files: 12, bytes: 0, problems: 0 }, look);
    expect(unknown).toBe('Looking at the files  12 files · 0 bytes');
  });

  it('a line break in the current file’s name does not break the line', () => {
    expect(progressLine({ ...progress, current: 'a\nb\u001b[2J' }, { ...look, width: 300 })).toMatch(/a␊b␛\[2J$/);
  });
});

describe('hostile names', () => {
  const hostile = [
    '\u001b[31mred\u001b[0m',
    '\u001b]0;title\u0007',
    '\u009b2J',
    'over\rwritten',
    'two\nlines',
    'back\b\b\b\bspace',
    'photo\u202egpj.exe',
    'zero\u200bwidth',
    'nul\0',
    'line\u2028separator',
    '\ud800 lone',
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  const dangerous = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u200b\ud800-\udfff]/;

  it.each(hostile)('%j reaches the terminal in no block as it is', (name) => {
    const text = renderConsole(
      {
        tone: 'bad',
        title: `Could not copy ${name}`,
        blocks: [
          { kind: 'text', text: name },
          { kind: 'fields', fields: [{ label: name, value: name }] },
          { kind: 'table', columns: [name], rows: [[name]], more: { rows: 1, line: name } },
          { kind: 'choices', choices: [{ label: name, line: name }] },
          {
            kind: 'form',
            label: name,
            title: name,
            fields: [{ name, label: name, help: name, value: name }],
            line: name,
          },
          { kind: 'line', line: name },
          { kind: 'link', label: name, url: name },
          { kind: 'image', alt: name, bytes: new Uint8Array(), mime: '' },
          { kind: 'file', name, bytes: new Uint8Array(), mime: '' },
          { kind: 'progress', progress: { phase: 'copying', files: 0, bytes: 0, problems: 0, current: name } },
        ],
      },
      look,
    );
    expect(text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '')).not.toMatch(dangerous);
  });

  it('no line of a name can pass for a title', () => {
    const lines = renderConsole(reply({ kind: 'text', text: 'x\n✔ Everything is safe' }), look).split('\n');
    expect(lines[2]).toBe('  ✔ Everything is safe');
    expect(renderConsole({ ...reply(), title: 'x\n✔ fine' }, look)).toBe('x␊✔ fine');
  });

  it('shows control characters as pictures and overrides by number', () => {
    expect(visibleLine('\u001b[31m')).toBe('␛[31m');
    expect(visibleLine('photo\u202egpj.exe')).toBe('photo‹U+202E›gpj.exe');
    expect(visibleLine('\u009b')).toBe('‹U+009B›');
  });

  it('isolates right-to-left text, also when it is cut', () => {
    expect(visibleLine('תמונות')).toBe('\u2068תמונות\u2069');
    const cut = cutText(visibleLine('תמונות מהחוף'), 6);
    expect(cut).toMatch(/^\u2068.*…\u2069$/);
    expect(textColumns(cut)).toBeLessThanOrEqual(6);
  });
});

describe('columns', () => {
  it.each([
    ['abc', 3],
    ['写真', 4],
    ['ﾊﾝｶｸ', 4],
    ['한국어', 6],
    ['👨‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['©', 1],
    ['e\u0301', 1],
    ['\u2068a\u2069', 1],
  ])('%j takes %d', (text, columns) => {
    expect(textColumns(text)).toBe(columns);
  });

  it('never cuts through a character', () => {
    expect(cutText('👨‍👩‍👧👨‍👩‍👧', 3)).toBe('👨‍👩‍👧…');
    expect(cutText('写真写真', 4)).toBe('写…');
  });
});

it('a heading stands with its own table, apart from what is above; a sentence is no heading', () => {
  const table: Block = { kind: 'table', columns: ['Type'], rows: [['status']] };
  const heading: Block = { kind: 'text', text: 'Look' };
  expect(bodyOf(table, heading, table)).toEqual(['  Type', '  status', '', '  Look', '  Type', '  status']);
  expect(bodyOf({ kind: 'text', text: 'It fits.' }, table)).toEqual(['  It fits.', '', '  Type', '  status']);
});
