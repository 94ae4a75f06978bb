/** What every renderer keeps, whatever the reply: limits, nothing active from outside, every line reachable, every row shown or counted. */
import { describe, expect, it } from 'vitest';
import type { Block, Choice, Form, Reply } from '../../src/engine/types.ts';
import { visibleLine } from '../../src/engine/visible.ts';

export interface Rendered {
  /** What the service refuses, or what text from outside does there; none for a good message. */
  problems: string[];
  /** All that a reader sees, formatting taken away. */
  seen: string;
  /** The lines behind buttons and menus. */
  lines: string[];
  /** Everything that is sent. */
  whole: unknown;
}

export interface Renderer {
  name: string;
  render(reply: Reply): Promise<Rendered>;
  /** The longest name that is shown whole. */
  whole: number;
  /** Where nobody can point, a long menu is a few lines and how many more there are. */
  countsMenus?: boolean;
}

const INSTANT = { at: '2026-11-27T01:00:00.000Z' };
const PICTURE = Uint8Array.from({ length: 40 }, (_, index) => index);

/** Names that people, or those who want something from them, give to files. */
export const HOSTILE: readonly string[] = [
  '**bold** _under_ ~~gone~~ ||spoiler||',
  '@everyone and @here',
  '<!channel> <!here> <!subteam^S1>',
  '<@U1> <@123456789012345678> <@&1> <#C1> <#2>',
  '</backup:1> <id:home> <a:wave:3> <:wave:3>',
  '<t:1700000000:R> <!date^1^{date}|x>',
  ':wave: :+1: :a:b:c:',
  '[click](https://evil.example) <https://evil.example|click>',
  'https://evil.example/x?y=1&z=2',
  '# heading',
  '-# small',
  '- item',
  '+ item',
  '1. one',
  '12) twelve',
  '> quote',
  '>>> quote',
  '`code` ``two`` ```three```',
  '`',
  '``',
  'ends with `',
  '\\',
  '\\*not\\*',
  'back\\',
  'a|b|c',
  'line\nbreak',
  'tab\there',
  'nul\0here',
  'esc\u001b[31mred',
  'half \ud83d pair',
  'half \udc00 low',
  'שלום.txt',
  'abc\u202etxt.exe',
  'zero\u200bwidth',
  '👨‍👩‍👧‍👦 family 🏳️‍🌈.heic',
  '*',
  '_',
  '***',
  '__init__',
  '~',
  '&amp; & < >',
  '"quoted" \'single\'',
  '$' + '{x} {{y}} %s',
  '<script>alert(1)</script>',
  '-->',
  '\u2028sep\u2029',
];

const LONG = `${'long name with *stars* '.repeat(450)}end`;

const choices = (count: number, extra: Partial<Choice> = {}): Choice[] =>
  Array.from({ length: count }, (_, index) => ({ label: `Choice ${index}`, line: `run plan-${index}`, ...extra }));

const table = (rows: number, id = 't'): Extract<Block, { kind: 'table' }> => ({
  kind: 'table',
  columns: ['Name', 'Files', 'When'],
  rows: Array.from({ length: rows }, (_, index) => [`row-${id}-${index};`, String(index), INSTANT]),
});

export const form = (fields: number): Form => ({
  kind: 'form',
  label: 'Change',
  title: 'Change photos',
  line: 'edit photos',
  onlyChanges: true,
  fields: Array.from({ length: fields }, (_, index) => ({
    name: `field${index}`,
    label: `Field ${index} ${'x'.repeat(index * 4)}`,
    value: index % 3 === 0 ? '' : `value ${index}`,
    ...(index % 4 === 0 && { help: 'h'.repeat(index * 20 + 1) }),
    ...(index === 7 && { required: true as const }),
    ...(index % 5 === 1 && { emptied: 'nothing' }),
  })),
});

const reply = (blocks: Block[], more: Partial<Reply> = {}): Reply => ({
  tone: 'plain',
  title: 'Your plans',
  blocks,
  ...more,
});

export const EXTREMES: Readonly<Record<string, Reply>> = {
  'title only': reply([]),
  'empty strings everywhere': reply(
    [
      { kind: 'text', text: '' },
      { kind: 'fields', fields: [{ label: '', value: '' }] },
      { kind: 'fields', fields: [] },
      { kind: 'table', columns: [], rows: [] },
      { kind: 'table', columns: ['', ''], rows: [['', ''], []] },
      { kind: 'choices', choices: [] },
      { kind: 'choices', choices: [{ label: '', line: 'help' }] },
      { kind: 'choices', choices: [{ label: '', line: 'list' }], menu: '' },
      { kind: 'line', line: '' },
      { kind: 'link', label: '', url: '' },
      { kind: 'image', alt: '', bytes: new Uint8Array(0), mime: '' },
      { kind: 'file', name: '', bytes: new Uint8Array(0), mime: '' },
      { ...form(0), label: '', title: '', line: '' },
      { kind: 'progress', progress: { phase: 'listing', files: 0, bytes: 0, problems: 0 } },
    ],
    { title: '' },
  ),
  '500 rows': reply([table(500)]),
  '500 rows, and the line that shows more': reply([{ ...table(500), more: { rows: 1200, line: 'history photos' } }]),
  'three tables': reply([table(40, 'a'), table(30, 'b'), table(200, 'c')]),
  '30 columns': reply([
    {
      kind: 'table',
      columns: Array.from({ length: 30 }, (_, index) => `C${index}`),
      rows: [Array.from({ length: 30 }, (_, index) => (index === 0 ? 'row-w-0;' : `cell ${index}`))],
    },
  ]),
  '60 blocks': reply(
    Array.from(
      { length: 60 },
      (_, index): Block =>
        index % 3 === 0
          ? { kind: 'text', text: `Sentence ${index}.` }
          : index % 3 === 1
            ? { kind: 'choices', choices: [{ label: `Do ${index}`, line: `run plan-${index}` }] }
            : table(3, String(index)),
    ),
  ),
  '100 choices': reply([{ kind: 'choices', choices: choices(100) }]),
  '100 choices in a menu': reply([{ kind: 'choices', choices: choices(100), menu: 'Which plan?' }]),
  '100 choices between 100 texts': reply(
    choices(100).flatMap((choice): Block[] => [
      { kind: 'text', text: `About ${choice.line}` },
      { kind: 'choices', choices: [choice] },
    ]),
  ),
  'the same line many times': reply([
    { kind: 'choices', choices: Array.from({ length: 8 }, (_, index) => ({ label: `Again ${index}`, line: 'help' })) },
    { kind: 'choices', choices: [{ label: 'And again', line: 'help' }] },
  ]),
  'a form of 30 fields': reply([form(30)]),
  'names of 10 KB': reply(
    [
      { kind: 'text', text: LONG },
      { kind: 'fields', fields: [{ label: LONG, value: LONG }] },
      { kind: 'table', columns: ['Name', LONG], rows: [[`row-l-0;${LONG}`, LONG]] },
      { kind: 'choices', choices: [{ label: LONG, line: `restore ${LONG}` }] },
      { kind: 'choices', choices: [{ label: LONG, line: `verify ${LONG}` }], menu: LONG },
      { kind: 'line', line: LONG },
      { kind: 'link', label: LONG, url: `https://example.org/${'a'.repeat(10_000)}` },
      { kind: 'image', alt: LONG, bytes: PICTURE, mime: 'image/jpeg' },
      { kind: 'file', name: LONG, bytes: PICTURE, mime: 'text/plain' },
    ],
    { title: LONG },
  ),
  'twenty pictures and files': reply([
    ...Array.from(
      { length: 12 },
      (): Block => ({ kind: 'image', alt: 'New photos', bytes: PICTURE, mime: 'image/png' }),
    ),
    ...Array.from(
      { length: 8 },
      (): Block => ({ kind: 'file', name: 'report.pdf', bytes: PICTURE, mime: 'application/pdf' }),
    ),
  ]),
};

const hostileReply = (name: string): Reply =>
  reply(
    [
      { kind: 'text', text: name.replaceAll('\n', ' ') },
      { kind: 'fields', fields: [{ label: 'File', value: name }] },
      { kind: 'table', columns: ['File', 'Note'], rows: [[name, `see ${name}`]] },
      { kind: 'table', columns: ['File', 'Note'], rows: [[name, `see ${name}`]] },
      { kind: 'choices', choices: [{ label: name, line: `restore ${name}` }] },
      { kind: 'choices', choices: [{ label: name, line: `find ${name}` }], menu: name },
      { kind: 'line', line: `restore ${name}` },
      { kind: 'link', label: name, url: name },
      { kind: 'image', alt: name, bytes: PICTURE, mime: 'image/jpeg' },
      { kind: 'file', name, bytes: PICTURE, mime: 'text/plain' },
      {
        kind: 'progress',
        progress: { phase: 'copying', files: 1, bytes: 1, totalBytes: 3, problems: 0, current: name },
      },
    ],
    { title: name },
  );

// ----------------------------------------------------------------------------------------------------------- random

/** mulberry32: the same seed, the same replies. */
export function dice(seed: number) {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (most: number): number => Math.floor(next() * most);
  return {
    below,
    chance: (part: number): boolean => next() < part,
    pick: <T>(from: readonly T[]): T | undefined => from[below(from.length)],
  };
}

export function randomReply(seed: number): Reply {
  const { below, chance, pick } = dice(seed);
  let rows = 0;
  const text = (): string =>
    Array.from({ length: below(chance(0.1) ? 60 : 5) }, () =>
      chance(0.5) ? pick(HOSTILE) : pick(['photos', 'nas', 'a', '写真', '.']),
    ).join(' ');
  const some = <T>(most: number, make: (index: number) => T): T[] =>
    Array.from({ length: below(most) }, (_, index) => make(index));
  const kinds: (() => Block)[] = [
    () => ({ kind: 'text', text: text() }),
    () => ({ kind: 'fields', fields: some(12, () => ({ label: text(), value: chance(0.3) ? INSTANT : text() })) }),
    () => ({
      kind: 'table',
      columns: ['Name', ...some(6, text)],
      rows: some(chance(0.1) ? 300 : 8, () => [`row-r-${rows++};`, ...some(7, text)]),
      ...(chance(0.3) && { more: { rows: below(500), ...(chance(0.5) && { line: text() }) } }),
    }),
    () => ({
      kind: 'progress',
      progress: {
        phase: 'copying',
        files: below(9),
        bytes: below(99),
        problems: below(3),
        ...(chance(0.5) && { totalBytes: below(99) }),
        ...(chance(0.5) && { current: text() }),
      },
    }),
    () => ({
      kind: 'choices',
      choices: some(chance(0.1) ? 40 : 6, (index) => ({ label: text(), line: `run ${index} ${text()}` })),
      ...(chance(0.3) && { menu: text() }),
    }),
    () => ({ ...form(below(9)), title: text(), label: text() }),
    () => ({ kind: 'line', line: text() }),
    () => ({ kind: 'link', label: text(), url: chance(0.5) ? 'https://nas.example.org/x' : text() }),
    () => ({ kind: 'image', alt: text(), bytes: PICTURE, mime: 'image/png' }),
    () => ({ kind: 'file', name: text(), bytes: PICTURE, mime: 'text/plain' }),
  ];
  return {
    tone: pick(['plain', 'good', 'bad', 'busy'] as const) ?? 'plain',
    title: text(),
    blocks: some(chance(0.2) ? 50 : 8, () => (pick(kinds) ?? kinds[0])?.()).filter((block) => block !== undefined),
    ...(chance(0.3) && { about: { plan: 'p1', run: 'r1' } }),
  };
}

// ----------------------------------------------------------------------------------------------------------- checks

const number = (text: string | undefined): number => Number((text ?? '0').replaceAll(',', ''));

function unreachable(one: Reply, rendered: Rendered, countsMenus: boolean): string[] {
  const lines = new Set(rendered.lines);
  return one.blocks
    .flatMap((block) => {
      if (block.kind !== 'choices') return [];
      const counted = new RegExp(`and ${block.choices.length - 3} more`).test(rendered.seen);
      return countsMenus && block.menu !== undefined && counted ? block.choices.slice(0, 3) : block.choices;
    })
    .map(({ line }) => line)
    .filter((line) => !lines.has(line) && !rendered.seen.includes(visibleLine(line)));
}

function rowsMissing(one: Reply, { seen }: Rendered): number {
  const tables = one.blocks.filter((block) => block.kind === 'table');
  const said = tables.reduce((sum, { rows, more }) => sum + rows.length + (more?.rows ?? 0), 0);
  const marked = tables.flatMap(({ rows }) =>
    rows.map(([first]) => (typeof first === 'string' ? (/row-\w+-\d+;/.exec(first)?.[0] ?? '') : '')),
  );
  const shown = marked.filter((mark) => mark !== '' && seen.includes(mark)).length;
  const counted = [
    ...seen.matchAll(/and ([\d,]+) more[.:]|tables? with ([\d,]+) rows?|([\d,]+) more rows? not shown/g),
  ].reduce((sum, [, more, hidden, rest]) => sum + number(more) + number(hidden) + number(rest), 0);
  return said - shown - counted;
}

export function rendererContract({ name, render, whole, countsMenus = false }: Renderer): void {
  const check = async (one: Reply): Promise<Rendered> => {
    const rendered = await render(one);
    expect(rendered.problems).toEqual([]);
    expect(unreachable(one, rendered, countsMenus)).toEqual([]);
    return rendered;
  };

  describe(`${name}: the contract of all renderers`, () => {
    it.each(Object.entries(EXTREMES))('%s', async (_, one) => {
      const rendered = await check(one);
      if (!/empty/.test(_)) expect(rowsMissing(one, rendered)).toBe(0);
    });

    it.each(HOSTILE.map((text) => [JSON.stringify(text), text]))('%s is shown and does nothing', async (_, text) => {
      const { seen } = await check(hostileReply(text));
      const shown = visibleLine(text);
      if (shown.trim().length <= whole) expect(seen.split(shown.trim()).length - 1).toBeGreaterThanOrEqual(8);
    });

    it('500 random replies', async () => {
      for (let seed = 1; seed <= 500; seed++) {
        const one = randomReply(seed);
        const rendered = await render(one);
        expect(rendered.problems, `seed ${seed}`).toEqual([]);
        expect(unreachable(one, rendered, countsMenus), `seed ${seed}`).toEqual([]);
        expect(rowsMissing(one, rendered), `seed ${seed}`).toBe(0);
      }
    });

    it('the same reply gives the same message', async () => {
      for (let seed = 1; seed <= 40; seed++) {
        const one = randomReply(seed);
        expect(await render(structuredClone(one))).toEqual(await render(one));
      }
    });

    it('keeps the order of the blocks', async () => {
      const { seen } = await render(
        reply([
          { kind: 'text', text: 'alpha' },
          { kind: 'line', line: 'beta' },
          { kind: 'fields', fields: [{ label: 'gamma', value: 'delta' }] },
          { kind: 'choices', choices: [{ label: 'epsilon', line: 'epsilon' }] },
          { kind: 'text', text: 'zeta' },
          { kind: 'table', columns: ['Name'], rows: [['eta']] },
          { kind: 'text', text: 'theta' },
        ]),
      );
      const order = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta'];
      // "eta" stands in "beta", "zeta" and "theta" too: each is looked for behind the one before it.
      let at = 0;
      for (const word of order) {
        at = seen.indexOf(word, at);
        expect(at, word).toBeGreaterThanOrEqual(0);
        at += word.length;
      }
    });
  });
}
