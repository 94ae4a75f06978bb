/** Replies in Slack, Discord, the terminal and mail: one contract, then what is each one's own. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { drawn } from '../../docs/chat/draw.ts';
import { keepControls, type Pressed } from '../../src/bots/chat-render.ts';
import { renderConsole } from '../../src/bots/console-render.ts';
import {
  type DiscordModal,
  discordControls,
  discordModalAnswers,
  discordPressed,
  renderDiscord,
  renderDiscordModal,
} from '../../src/bots/discord-render.ts';
import {
  renderSlack,
  renderSlackHome,
  renderSlackModal,
  type SlackView,
  slackControls,
  slackModalAnswers,
  slackOptions,
  slackPressed,
} from '../../src/bots/slack-render.ts';
import { type Answers, formLine } from '../../src/engine/form.ts';
import type { Control } from '../../src/engine/services.ts';
import type { Block, Form, Reply } from '../../src/engine/types.ts';
import { renderMail } from '../../src/mail/render.ts';
import { discordModalProblems, discordProblems } from '../contract/discord-limits.ts';
import { type Mark, readerText, readMarkdown } from '../contract/discord-markdown.ts';
import { EXTREMES, form, HOSTILE, type Rendered, randomReply, rendererContract } from '../contract/renderer.ts';
import { slackProblems, slackViewProblems } from '../contract/slack-limits.ts';
import { chatReplies } from '../fixtures/chat-replies.ts';

const chats = await chatReplies();

const reply = (...blocks: Block[]): Reply => ({ tone: 'plain', title: 'Your plans', blocks });

/** As the store keeps them: the same control, the same id. */
function shelf() {
  const kept: Control[] = [];
  return {
    keep: async (control: Control): Promise<string> => {
      kept.push(control);
      return `k${kept.length - 1}`;
    },
    resolve: (pressed: Pressed | undefined): Control | undefined =>
      pressed === undefined ? undefined : 'id' in pressed ? kept[Number(pressed.id.slice(1))] : pressed.control,
  };
}

/** Every object in a JSON value. */
function objects(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  const inside = Object.values(value).flatMap(objects);
  return Array.isArray(value) ? inside : [value as Record<string, unknown>, ...inside];
}

const string = (value: unknown): string => (typeof value === 'string' ? value : '');

async function slack(one: Reply): Promise<Rendered> {
  const { keep, resolve } = shelf();
  const message = renderSlack(one, await keepControls(slackControls(one), keep));
  const all = objects(message.blocks);
  const lines = all.flatMap((element) => {
    const menu = Array.isArray(element.options)
      ? element.options.map((selected_option) => ({ ...element, selected_option }))
      : [element];
    return menu.flatMap((action) => resolve(slackPressed(action))?.line ?? []);
  });
  const active = all.flatMap((node) => [
    ...(node.type === 'mrkdwn' ? ['mrkdwn formats names'] : []),
    ...(node.type === 'plain_text' && node.emoji !== false ? ['plain_text makes emoji of names'] : []),
  ]);
  return {
    problems: [...slackProblems(message), ...active],
    // Rich text is one run; everything else stands apart.
    seen: message.blocks
      .map((block) =>
        objects(block)
          .map((node) => string(node.text) || string(node.fallback))
          .join(block.type === 'rich_text' ? '' : '\n'),
      )
      .join('\n'),
    lines,
    whole: message,
  };
}

const OWN = new Set<Mark['kind']>(['text', 'bold', 'code', 'time']);

async function discord(one: Reply): Promise<Rendered> {
  const { keep, resolve } = shelf();
  const message = renderDiscord(one, await keepControls(discordControls(one), keep));
  const all = objects(message.components);
  const texts = all.filter(({ type }) => type === 10).map(({ content }) => string(content));
  const active = texts.flatMap((content, index) =>
    readMarkdown(content).flatMap((line, at) => [
      ...(line.kind === 'heading' && index === 0 && at === 0
        ? []
        : line.kind === 'plain' || line.kind === 'small'
          ? []
          : [`a name became a ${line.kind}`]),
      ...line.marks.filter(({ kind }) => !OWN.has(kind)).map(({ kind }) => `a name became ${kind}`),
    ]),
  );
  const pressed = all.flatMap((node): [string, string[]][] =>
    Array.isArray(node.options)
      ? node.options.map((option) => [string(node.custom_id), [string(option.value)]])
      : [[string(node.custom_id), []]],
  );
  const lines = pressed.flatMap(([id, values]) => resolve(discordPressed(id, values))?.line ?? []);
  const labels = all.flatMap((node) => [
    ...(node.type === 10 ? [readerText(string(node.content))] : []),
    ...(node.type === 10 ? [] : [string(node.label), string(node.placeholder), string(node.description)]),
  ]);
  return {
    problems: [...discordProblems(message), ...active],
    seen: [...labels, ...message.files.map(({ alt }) => alt)].join('\n'),
    lines,
    whole: message,
  };
}

rendererContract({ name: 'Slack', render: slack, whole: 60 });
rendererContract({ name: 'Discord', render: discord, whole: 60 });
rendererContract({
  name: 'Terminal',
  whole: 60,
  countsMenus: true,
  render: async (one) => {
    const text = renderConsole(one, {
      colour: false,
      width: 400,
      zone: 'UTC',
      now: new Date('2026-11-22T12:00:00.000Z'),
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    const problems = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text)
      ? ['a control character reaches the terminal']
      : [];
    return { problems, seen: text, lines: [], whole: text };
  },
});
rendererContract({
  name: 'Mail',
  whole: 60,
  countsMenus: true,
  render: async (one) => {
    const mail = renderMail(one, { zone: 'UTC' });
    const tags = [...mail.html.matchAll(/<\/?([a-z0-9!]+)/gi)].map(([, tag = '']) => tag.toLowerCase());
    const own = new Set([
      '!',
      '!doctype',
      'html',
      'head',
      'meta',
      'title',
      'style',
      'xml',
      'o',
      'body',
      'div',
      'h1',
      'h2',
      'p',
      'table',
      'thead',
      'tbody',
      'tr',
      'th',
      'td',
      'code',
      'br',
      'a',
      'img',
      'span',
      'bdi',
    ]);
    const problems = [
      ...tags.filter((tag) => !own.has(tag)).map((tag) => `a name opened <${tag}>`),
      ...(/[\r\n]/.test(mail.subject) || [...mail.subject].length > 78 ? ['the subject breaks its header'] : []),
    ];
    return { problems, seen: mail.text, lines: [], whole: mail };
  },
});

describe('controls', () => {
  const lines = [
    'help',
    `run ${'p'.repeat(80)}`,
    `run ${'p'.repeat(90)}`,
    `run ${'p'.repeat(91)}`,
    `run ${'p'.repeat(93)}`,
    'run "a  b"',
    'restore "写真 🎞" to nas',
    '{"line":"x"}',
    'c:1',
    'l:help',
    'm:0',
    ' padded ',
    `find ${'x'.repeat(5000)}`,
    ...HOSTILE.map((name) => `restore ${name}`),
  ];

  it.each(lines.map((line) => [JSON.stringify(line).slice(0, 60), line]))(
    '%s comes back as it was',
    async (_, line) => {
      for (const menu of [undefined, 'Which?']) {
        const one = reply({
          kind: 'choices',
          choices: [{ label: 'Do it', line }],
          ...(menu !== undefined && { menu }),
        });
        expect((await slack(one)).lines).toEqual([line]);
        expect((await discord(one)).lines).toEqual([line]);
      }
    },
  );

  it('know the plan and the run they are about', async () => {
    const about = { plan: 'p1', run: 'r1' };
    const one: Reply = { ...reply({ kind: 'choices', choices: [{ label: 'Again', line: 'run' }] }), about };
    const element = objects(renderSlack(one).blocks).find(({ type }) => type === 'button');
    expect(slackPressed({ action_id: string(element?.action_id), value: string(element?.value) })).toEqual({
      control: { line: 'run', about },
    });
    const { keep, resolve } = shelf();
    const two: Reply = {
      ...one,
      blocks: [form(2), { kind: 'choices', choices: [{ label: 'Long', line: `run ${'x'.repeat(100)}` }] }],
    };
    const ids = await keepControls(discordControls(two), keep);
    const buttons = objects(renderDiscord(two, ids).components).filter(({ type }) => type === 2);
    expect(buttons.map(({ custom_id }) => resolve(discordPressed(string(custom_id)))?.about)).toEqual([about, about]);
  });

  it('carry a short form in Slack, and keep a long one', async () => {
    expect(slackControls(reply(form(2)))).toEqual([]);
    expect(slackControls(reply(form(30)))).toEqual([{ form: form(30) }]);
    const element = objects(renderSlack(reply(form(2))).blocks).find(({ type }) => type === 'button');
    expect(slackPressed({ action_id: 'form:0', value: string(element?.value) })).toEqual({
      control: { form: form(2) },
    });
  });

  it('without an id the line is there to type', () => {
    const line = `restore ${'x'.repeat(150)}`;
    const one = reply({ kind: 'choices', choices: [{ label: 'Restore', line }] });
    expect(JSON.stringify(renderDiscord(one).components)).toContain(line);
    expect(JSON.stringify(renderSlack(reply(form(30))).blocks)).toContain('/backup edit photos');
  });

  it('what nobody made means nothing', () => {
    for (const id of ['', 'x', 'l:', 'c:', 'm:0', 'form']) expect(discordPressed(id)).toBeUndefined();
    for (const value of ['', 'x', '{}', '[]', 'null', '{"line":1}', '{"form":{}}'])
      expect(slackPressed({ action_id: 'line:0', value })).toBeUndefined();
    expect(slackPressed({ action_id: 'link:0', value: '{"line":"help"}' })).toBeUndefined();
  });
});

describe('what is told in words', () => {
  const busy: Reply = {
    tone: 'busy',
    title: 'iCloud to Google Drive',
    blocks: [
      {
        kind: 'progress',
        progress: {
          phase: 'copying',
          files: 4120,
          totalFiles: 6870,
          bytes: 18e9,
          totalBytes: 29e9,
          eta: 180,
          problems: 0,
        },
      },
    ],
  };

  it('progress, with a bar and as a sentence', async () => {
    expect(renderSlack(busy).text).toBe('iCloud to Google Drive: 62%, about 3 min left.');
    for (const rendered of [await slack(busy), await discord(busy)]) {
      expect(rendered.seen).toContain('4,120 of 6,870 files, 18.0 GB of 29.0 GB, about 3 min left, no problems');
      expect(rendered.seen).toContain('▰▰▰▰▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱');
    }
  });

  it('instants, on the reader’s clock', () => {
    const one = reply({ kind: 'fields', fields: [{ label: 'Next run', value: { at: '2026-11-27T01:00:00.000Z' } }] });
    expect(JSON.stringify(renderDiscord(one))).toContain('<t:1795741200:f> (<t:1795741200:R>)');
    expect(objects(renderSlack(one).blocks)).toContainEqual({
      type: 'date',
      timestamp: 1795741200,
      format: '{date_short_pretty} {time}',
      fallback: '2026-11-27 01:00 UTC',
    });
  });

  it('the fallback escapes the three signs that mean something', () => {
    expect(renderSlack({ tone: 'bad', title: 'a < b & <!channel>', blocks: [] }).text).toBe(
      'a &lt; b &amp; &lt;!channel&gt;.',
    );
  });

  it('files by their names, with alt texts', () => {
    const one = reply(
      { kind: 'image', alt: 'Nine new photos', bytes: new Uint8Array(3), mime: 'image/png' },
      { kind: 'file', name: '../Bericht ä.pdf', bytes: new Uint8Array(4), mime: 'application/pdf' },
    );
    expect(renderSlack(one).uploads.map(({ name, alt }) => [name, alt])).toEqual([
      ['picture-1.png', 'Nine new photos'],
      ['.._Bericht ä.pdf', '.._Bericht ä.pdf'],
    ]);
    expect(renderDiscord(one).files.map(({ name, alt }) => [name, alt])).toEqual([
      ['picture-1.png', 'Nine new photos'],
      ['Bericht_.pdf', '../Bericht ä.pdf'],
    ]);
  });

  it('a file that Discord does not take is told', () => {
    const one = reply({
      kind: 'file',
      name: 'all.zip',
      bytes: new Uint8Array(11 * 1024 * 1024),
      mime: 'application/zip',
    });
    expect(renderDiscord(one).files).toEqual([]);
    expect(JSON.stringify(renderDiscord(one).components)).toContain('not attached: too large for Discord');
  });
});

describe('home', () => {
  it('holds every extreme within 100 blocks', () => {
    const home = renderSlackHome(Object.values(EXTREMES));
    expect(slackViewProblems(home)).toEqual([]);
    expect(slackViewProblems(renderSlackHome(Array.from({ length: 60 }, (_, seed) => randomReply(seed))))).toEqual([]);
    expect(JSON.stringify(renderSlackHome(Array.from({ length: 60 }, () => reply())).blocks)).toContain(
      'more. The terminal shows all.',
    );
  });
});

// ----------------------------------------------------------------------------------------------------------- modals

/** What Slack sends when nothing was touched. */
const untouchedSlack = (view: SlackView) =>
  Object.fromEntries(
    view.blocks.flatMap((block) => {
      if (block.type !== 'input') return [];
      const { element } = block;
      const state =
        element.type === 'plain_text_input'
          ? { value: element.initial_value ?? null }
          : element.type.startsWith('multi')
            ? { selected_options: 'initial_options' in element ? (element.initial_options ?? []) : [] }
            : { selected_option: 'initial_option' in element ? (element.initial_option ?? null) : null };
      return [[block.block_id, { [element.action_id]: state }]];
    }),
  );

const untouchedDiscord = (modal: DiscordModal) =>
  Object.fromEntries(
    modal.components.flatMap((label) => {
      if (label.type !== 18) return [];
      const { component } = label;
      return [
        [
          component.custom_id,
          component.type === 4
            ? { value: component.value ?? '' }
            : { values: component.options.filter((option) => option.default).map(({ value }) => value) },
        ],
      ];
    }),
  );

const forms: Record<string, Form> = {
  'no fields': form(0),
  'five fields': form(5),
  'thirty fields': form(30),
  'two hundred fields': form(200),
  'every kind of field': {
    ...form(0),
    title: 'A title that is longer than either of the two allows it to be',
    fields: [
      {
        name: 'what',
        label: 'What',
        suggest: 'file',
        many: true,
        value: 'a b.jpg\n写真.heic',
        word: 'only',
        emptied: 'all files',
      },
      {
        name: 'when',
        label: 'When',
        value: 'weekly',
        options: [
          { label: 'Every week', value: 'weekly' },
          { label: 'By hand', value: '' },
        ],
        required: true,
      },
      { name: 'where', label: 'Where', suggest: 'destination', value: 'nas' },
      { name: 'zone', label: 'Zone', suggest: 'zone', value: 'Europe/Berlin' },
    ],
  },
  'values too long to show': {
    ...form(0),
    fields: [
      { name: 'long', label: 'Long', value: 'x'.repeat(5000), emptied: 'nothing' },
      { name: 'half', label: 'Half', value: 'half \ud83d', emptied: 'nothing' },
      {
        name: 'many',
        label: 'Many',
        options: Array.from({ length: 150 }, (_, index) => ({ label: `Option ${index}`, value: `o${index}` })),
        value: 'o120',
      },
      { name: 'path', label: 'Path', suggest: 'file', value: 'p/'.repeat(100), emptied: 'everything' },
    ],
  },
  hostile: {
    ...form(0),
    title: HOSTILE.join(' '),
    fields: HOSTILE.slice(0, 4).map((name, index) => ({
      name: `f${index}`,
      label: name,
      help: name,
      value: name.replaceAll('\n', ' '),
    })),
  },
};

describe('modals', () => {
  const unchanged = (one: Form, answers: Answers): void => expect(formLine(one, answers)).toBeUndefined();

  it.each(Object.entries(forms))('%s: within the limits, and sent back untouched it changes nothing', (_, one) => {
    const view = renderSlackModal(one, {
      callback: 'form',
      metadata: '{}',
      notes: { '': 'Before you start', field1: 'Look here' },
    });
    expect(slackViewProblems(view)).toEqual([]);
    unchanged(one, slackModalAnswers(untouchedSlack(view), one));
    const modal = renderDiscordModal(one, 'f:1');
    expect(discordModalProblems(modal)).toEqual([]);
    unchanged(one, discordModalAnswers(untouchedDiscord(modal), one));
  });

  it('answers make the line', () => {
    const one = forms['every kind of field'] as Form;
    const slackAnswers = slackModalAnswers(
      {
        what: { 'suggest:file': { selected_options: [{ value: 'c d.jpg' }, { value: 'e.jpg' }] } },
        when: { chosen: { selected_option: { value: '0' } } },
        where: { 'suggest:destination': { selected_option: { value: 'usb' } } },
        zone: { typed: { value: 'Asia/Tokyo' } },
      },
      one,
    );
    expect(formLine(one, slackAnswers)).toBe('edit photos only "c d.jpg" e.jpg usb Asia/Tokyo');
    const discordAnswers = discordModalAnswers(
      {
        what: { value: 'c d.jpg\ne.jpg' },
        when: { values: ['0'] },
        where: { value: 'usb' },
        zone: { value: 'Asia/Tokyo' },
      },
      one,
    );
    expect(formLine(one, discordAnswers)).toBe('edit photos only "c d.jpg" e.jpg usb Asia/Tokyo');
    const cleared = discordModalAnswers(
      { what: { value: '' }, when: { values: ['0'] }, where: { value: 'nas' }, zone: { value: 'Europe/Berlin' } },
      one,
    );
    expect(formLine(one, cleared)).toBe('edit photos all files');
  });

  it('more fields than Discord takes: what must be answered is asked, the rest is named', () => {
    const modal = renderDiscordModal(form(12), 'f:1');
    expect(modal.components.map((part) => part.type)).toEqual([18, 18, 18, 18, 10]);
    expect(modal.components.some((part) => part.type === 18 && part.component.custom_id === 'field7')).toBe(true);
    expect(JSON.stringify(modal)).toContain('say it in a line to change it: Field 3');
  });

  it('completion offers what was typed first, and only what can come back', () => {
    const options = slackOptions('*.heic', [
      { label: 'a.heic', value: 'a.heic' },
      { label: 'long', value: 'x'.repeat(151) },
    ]);
    expect(options.map(({ value }) => value)).toEqual(['*.heic', 'a.heic']);
    expect(slackOptions('', [])).toEqual([]);
  });

  it('private metadata that Slack would refuse is refused here', () => {
    expect(() => renderSlackModal(form(1), { callback: 'form', metadata: 'x'.repeat(3001) })).toThrow(RangeError);
  });
});

describe('docs/chat', () => {
  it.each(['slack', 'discord'] as const)(
    '%s.json is what the renderers give; else: node docs/chat/draw.ts',
    async (name) => {
      const now = await drawn();
      const kept: unknown = JSON.parse(
        await readFile(new URL(`../../docs/chat/${name}.json`, import.meta.url), 'utf8'),
      );
      expect(JSON.parse(JSON.stringify(now[name]))).toEqual(kept);
    },
  );

  it.each(Object.entries(chats))('%s fits both services without anything left out', async (_, one) => {
    for (const { problems, whole } of [await slack(one), await discord(one)]) {
      expect(problems).toEqual([]);
      expect(JSON.stringify(whole)).not.toContain('Too long for one message');
    }
  });
});
