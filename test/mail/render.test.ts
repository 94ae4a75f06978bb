/** What a mail says: the same in text and in HTML, every line to be answered a link, nothing from outside that acts. */
import { describe, expect, it } from 'vitest';
import type { Block, Choice, Reply } from '../../src/engine/types.ts';
import { visibleLine } from '../../src/engine/visible.ts';
import { LARGEST_HTML, type MailLook, type RenderedMail, renderMail } from '../../src/mail/render.ts';
import { EXTREMES, HOSTILE, type Rendered, randomReply, rendererContract } from '../contract/renderer.ts';
import { chatReplies } from '../fixtures/chat-replies.ts';
import { all, readHtml, wordsOf } from './html-reader.ts';

const CODE = '[#k7q2m5xw4zr6tb3nv2hj5yl7pd]';
const TO = 'backup+r.k7q2m5xw4zr6tb3nv2hj5yl7pd@example.org';
const plain: MailLook = { zone: 'Europe/Berlin' };
const answered: MailLook = {
  zone: 'Europe/Berlin',
  answer: { to: TO, subject: 'Re: photos: backed up', code: CODE },
  unsubscribe: 'https://backup.example.org/mail/unsubscribe/u1',
};
const chats = await chatReplies();

const reply = (blocks: Block[], more: Partial<Reply> = {}): Reply => ({
  tone: 'good',
  title: 'photos: All 214 new photos are safe in Google Drive.',
  blocks,
  ...more,
});
const choices = (...some: Choice[]): Block => ({ kind: 'choices', choices: some });

/** Isolates and signs that only lay words out are none of what is said. */
const words = (text: string): string[] =>
  text
    .replace(/[\u2068\u2069]/g, '')
    .replace(/[•–:,[\]▁▂▃▄▅▆▇█×\u00a0]/g, ' ')
    .replace(/(?<=^|\s)-(?=\s|$)/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');

const sameWords = (mail: RenderedMail, what: string): void =>
  expect(words(wordsOf(mail.html)), what).toEqual(words(mail.text));

const elements = (html: string, name: string) => all(readHtml(html).root).filter((element) => element.name === name);

/** The lines that links to the mail program begin an answer with. */
const answers = (html: string): string[] =>
  elements(html, 'a').flatMap(({ attributes: { href = '' } }) => {
    if (!href.startsWith('mailto:') || !href.includes('body=')) return [];
    const url = new URL(href);
    expect(decodeURIComponent(url.pathname)).toBe(TO);
    expect(url.searchParams.get('subject')).toBe('Re: photos: backed up');
    const [line = '', empty, code, ...rest] = (url.searchParams.get('body') ?? '').split('\r\n');
    expect([empty, code, rest]).toEqual(['', CODE, []]);
    return [line];
  });

const ATTRIBUTES = new Set(
  `align alt aria-hidden bgcolor border cellpadding cellspacing charset class content dir height href lang name role scope
  src style valign width`.split(/\s+/),
);

function problemsOf(mail: RenderedMail): string[] {
  const { root, problems } = readHtml(mail.html);
  const found = all(root).flatMap(({ name, attributes }) => [
    ...(/^(script|form|input|iframe|object|embed|link|base|svg|video|audio)$/.test(name) ? [`<${name}>`] : []),
    ...Object.keys(attributes).flatMap((attribute) =>
      name === '!doctype' || ATTRIBUTES.has(attribute) ? [] : [`${name} has ${attribute}`],
    ),
    ...(attributes.href !== undefined && !/^(https?|mailto):/.test(attributes.href) ? [attributes.href] : []),
    ...(attributes.src !== undefined && !attributes.src.startsWith('cid:') ? [attributes.src] : []),
    ...(/url\(|expression|position|flex|grid/i.test(attributes.style ?? '') ? [`style ${attributes.style}`] : []),
    ...(name === 'table' && attributes.role !== 'presentation' && !/scope="/.test(mail.html) ? ['no scope'] : []),
  ]);
  const bytes = Buffer.byteLength(mail.html);
  return [
    ...problems,
    ...found,
    ...(bytes > LARGEST_HTML ? [`${bytes} bytes`] : []),
    ...(/[\r\n]/.test(mail.subject) || mail.subject.length > 78 ? ['the subject breaks its header'] : []),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    ...(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(mail.html + mail.text + mail.subject) ? ['control'] : []),
    ...((mail.html + mail.text + mail.subject).isWellFormed() ? [] : ['half a character']),
  ];
}

rendererContract({
  name: 'Mail that can be answered',
  whole: 60,
  countsMenus: true,
  render: async (one): Promise<Rendered> => {
    const mail = renderMail(one, answered);
    return { problems: problemsOf(mail), seen: mail.text, lines: answers(mail.html), whole: mail };
  },
});

describe('text and HTML', () => {
  it.each([
    ...Object.entries(chats),
    ...Object.entries(EXTREMES),
    ...HOSTILE.map((name): [string, Reply] => [
      JSON.stringify(name),
      reply(
        [
          { kind: 'fields', fields: [{ label: name, value: name }] },
          { kind: 'table', columns: ['File', name, 'When'], rows: [[name, name, { at: '2026-11-27T01:00:00.000Z' }]] },
          choices({ label: name, line: `restore ${name}` }),
          { kind: 'image', alt: name, bytes: new Uint8Array(), mime: 'image/png' },
          { kind: 'link', label: name, url: name },
          { kind: 'file', name, bytes: new Uint8Array(), mime: 'text/plain' },
        ],
        { title: name },
      ),
    ]),
  ])('%s: the same words in the same order', (name, one) => {
    sameWords(renderMail(one, answered), name);
    sameWords(renderMail(one, plain), name);
  });

  it('300 random replies: the same words in the same order', () => {
    for (let seed = 1; seed <= 300; seed++) sameWords(renderMail(randomReply(seed), answered), `seed ${seed}`);
  });

  it('tell a trend in words beside its bars', () => {
    const point = (day: number, files: number, state: 'done' | 'partial' | 'failed') => ({
      at: `2026-11-${day}T01:00:00.000Z`,
      files,
      bytes: 1,
      state,
    });
    const points = [point(20, 4, 'done'), point(21, 0, 'failed'), point(22, 8, 'partial'), point(23, 2, 'done')];
    const mail = renderMail(reply([{ kind: 'trend', label: 'Last 4 runs', points }]), answered);
    sameWords(mail, 'trend');
    expect(mail.text).toContain('Last 4 runs: ▅×█▃');
    const said = '4 runs from 2026-11-20 to 2026-11-23: 2 went well, 1 went well in part, 1 failed.';
    expect(mail.text).toContain(said);
    expect(mail.html).toContain(said);
    const bars = elements(mail.html, 'table').find(({ attributes }) => attributes['aria-hidden'] === 'true');
    const drawn = bars
      ? all(bars).filter(({ attributes }) => /^\d+$/.test(attributes.height ?? '') && attributes.bgcolor)
      : [];
    expect(drawn.map(({ attributes }) => attributes.height)).toEqual(['22', '3', '44', '11']);
    expect(new Set(drawn.map(({ attributes }) => attributes.bgcolor)).size).toBe(3);
    expect(mail.html).toMatch(/>×<\/td>[\s\S]*>!<\/td>/);
  });

  it('say which clock the times in a table are of', () => {
    const at = { at: '2026-11-27T01:00:00.000Z' };
    const { text } = renderMail(reply([{ kind: 'table', columns: ['Name', 'When'], rows: [['photos', at]] }]), plain);
    expect(text).toContain('photos, When: 2026-11-27 02:00\n\nTimes are those of Europe/Berlin.');
  });
});

describe('what can be answered', () => {
  const one = reply(
    [
      choices(
        { label: 'Run again', line: 'run photos', style: 'primary' },
        { label: 'Fill it again', line: 'run photos anyway', style: 'danger' },
        { label: 'Restore files', line: 'restore photos' },
      ),
      { kind: 'table', columns: ['File'], rows: [['a.jpg']], more: { rows: 3, line: 'history photos' } },
    ],
    { about: { plan: 'p1', run: 'r1' } },
  );

  it('is a link with subject and body, and the words stand beside it', () => {
    const mail = renderMail(one, answered);
    expect(answers(mail.html)).toEqual([
      ...['run photos', 'run photos anyway', 'restore photos', 'history photos'],
      ...['pause until monday', 'weekly', 'why', 'stop reports', 'help'],
    ]);
    for (const said of [mail.text, wordsOf(mail.html)]) {
      expect(said).toMatch(/Run again\W+run photos\n/);
      expect(said).toContain('You can answer this mail');
      expect(said).toContain('Keepsake reads only your first line above the quoted text.');
      expect(said).toContain(CODE);
    }
    expect(mail.text).toContain('Unsubscribe (end these mails): https://backup.example.org/mail/unsubscribe/u1');
  });

  it('is help and status where it is about no plan', () => {
    expect(answers(renderMail(reply([]), answered).html)).toEqual(['status', 'help']);
    expect(answers(renderMail(reply([choices({ label: 'Help', line: 'help' })]), answered).html)).toEqual([
      'help',
      'status',
    ]);
  });

  it('is a list where there are many', () => {
    const many = Array.from({ length: 7 }, (_, index) => ({ label: `Plan ${index}`, line: `show plan-${index}` }));
    const mail = renderMail(reply([choices(...many)]), answered);
    expect(answers(mail.html).slice(0, 7)).toEqual(many.map(({ line }) => line));
    expect(mail.html).not.toContain('mso-padding-alt');
    expect(mail.text).toContain('  show plan-3 – Plan 3');
  });

  it('is code to type where nobody reads the answers', () => {
    const mail = renderMail(one, plain);
    expect(answers(mail.html)).toEqual([]);
    expect(mail.html).not.toContain('mailto:');
    expect(mail.text).not.toContain('You can answer');
    expect(mail.text).toContain('What you can say next, in chat or in the terminal:\n\n  run photos – Run again\n');
  });

  it('is a page first, where a question has one', () => {
    const ask = reply([
      choices({ label: 'Delete photos', line: 'yes 1a2b3c4d', style: 'danger' }, { label: 'No', line: 'no 1a2b3c4d' }),
    ]);
    const confirm = 'https://backup.example.org/mail/confirm/c1';
    const mail = renderMail(ask, { ...answered, confirm });
    expect(elements(mail.html, 'a').map(({ attributes }) => attributes.href)[0]).toBe(confirm);
    expect(answers(mail.html).slice(0, 2)).toEqual(['yes 1a2b3c4d', 'no 1a2b3c4d']);
    expect(mail.text).toContain(`  Delete photos: ${confirm}\n  or answer: yes 1a2b3c4d\n  No: no 1a2b3c4d`);
    for (const bad of ['javascript:alert(1)', 'mailto:x@example.org', 'https://'])
      expect(renderMail(ask, { ...answered, confirm: bad }).html).not.toContain(
        bad === 'https://' ? '"https://"' : bad,
      );
  });

  it('is no link where the line is not what it looks like, or too long for a mail program', () => {
    const lines = ['restore "a\nb"', 'restore "a\u202eb"', 'restore "\ud83d"', `restore ${'x'.repeat(2000)}`];
    const { html, text } = renderMail(reply(lines.map((line) => choices({ label: 'Do', line }))), answered);
    expect(answers(html)).toEqual(['status', 'help']);
    for (const line of lines) expect(text).toContain(visibleLine(line));
    expect(answers(renderMail(reply([choices({ label: 'Do', line: 'restore "שלום.txt"' })]), answered).html)[0]).toBe(
      'restore "שלום.txt"',
    );
  });

  it('ends by mail where there is no page', () => {
    const mail = renderMail(reply([]), {
      ...answered,
      unsubscribe: 'mailto:backup+u.abc@example.org?subject=stop%20reports',
    });
    expect(mail.text).toContain('Unsubscribe (end these mails): write to backup+u.abc@example.org');
    expect(mail.html).toContain('href="mailto:backup+u.abc@example.org?subject=stop%20reports"');
    sameWords(mail, 'unsubscribe');
    expect(renderMail(reply([]), { ...answered, unsubscribe: 'javascript:x' }).html).not.toContain('To end');
  });
});

describe('the subject', () => {
  it.each<[string, Partial<Reply>, string]>([
    ['the topic, the same each time', { topic: 'photos: backed up' }, 'photos: backed up'],
    ['the title where there is no topic', { title: '2 backups' }, 'Keepsake: 2 backups'],
    ['… or an empty one', { title: '2 backups', topic: ' ' }, 'Keepsake: 2 backups'],
    ['a name for nothing', { title: '' }, 'Keepsake'],
    ['one line', { topic: 'a\r\nBcc: everyone@example.org' }, 'a␍␊Bcc: everyone@example.org'],
    ['no character cut in two', { topic: `${'x'.repeat(70)}👨‍👩‍👧‍👦 family` }, `${'x'.repeat(70)}…`],
    ['what is written backwards stays in its place', { topic: 'שלום' }, '\u2068שלום\u2069'],
  ])('is %s', (_, more, subject) => {
    expect(renderMail(reply([], more), plain).subject).toBe(subject);
  });

  it('is 78 characters at most, and closes what it opens', () => {
    for (const name of ['x', 'ש', '👨‍👩‍👧‍👦', 'e\u0301', '\u0000', '\ud83d'])
      for (const more of [{ topic: name.repeat(500) }, { title: name.repeat(500) }]) {
        const { subject } = renderMail(reply([], more), plain);
        expect(subject.length).toBeLessThanOrEqual(78);
        expect(subject.split('\u2068').length).toBe(subject.split('\u2069').length);
        expect(subject.isWellFormed()).toBe(true);
      }
  });
});

describe('what is too long', () => {
  it('is cut, and says so truthfully', () => {
    const rows = Array.from({ length: 2000 }, (_, index) => [
      `IMG_${index}.JPG`,
      'could not be read '.repeat(20),
      'nothing',
    ]);
    const mail = renderMail(
      reply([{ kind: 'table', columns: ['File', 'What', 'Do'], rows, more: { rows: 70 } }]),
      answered,
    );
    expect(problemsOf(mail)).toEqual([]);
    const shown = mail.text.match(/IMG_\d+\.JPG/g)?.length ?? 0;
    expect(shown).toBeGreaterThanOrEqual(10);
    expect(mail.text).toContain(`${(2070 - shown).toLocaleString('en-US')} more rows not shown`);
    sameWords(mail, 'long table');
  });

  it('never makes a mail that Gmail hides a part of', () => {
    const name = '<&"👨‍👩‍👧‍👦'.repeat(700);
    const blocks = Array.from({ length: 24 }, (_, index): Block[] => [
      { kind: 'text', text: 'line\n'.repeat(9000) },
      { kind: 'fields', fields: Array.from({ length: 120 }, () => ({ label: name, value: name })) },
      { kind: 'table', columns: Array.from({ length: 80 }, () => name), rows: [[name], [name]] },
      {
        kind: 'choices',
        choices: Array.from({ length: 90 }, () => ({ label: name, line: `restore ${index} ${name}` })),
      },
      { kind: 'link', label: name, url: `https://example.org/${name}` },
    ]).flat();
    const mail = renderMail(reply(blocks, { title: name }), answered);
    expect(problemsOf(mail)).toEqual([]);
    expect(mail.text).toContain('This is too long for a mail:');
    sameWords(mail, 'everything');
  });
});

describe('names from outside', () => {
  it('are isolated when they are written from right to left', () => {
    const { html } = renderMail(reply([{ kind: 'fields', fields: [{ label: 'File', value: 'שלום.txt' }] }]), plain);
    expect(html).toContain('<bdi dir="auto">שלום.txt</bdi>');
    expect(html).not.toMatch(/[\u2068\u2069]/);
  });

  it('reach neither a tag nor an attribute', () => {
    const evil = '"><img src=x onerror=alert(1)><script>x</script><!--<style>@import "https://evil.example"</style>';
    const mail = renderMail(
      reply(
        [
          { kind: 'image', alt: evil, bytes: new Uint8Array(), mime: evil },
          { kind: 'link', label: evil, url: `https://example.org/${evil}` },
        ],
        {
          title: evil,
        },
      ),
      { ...answered, answer: { to: TO, subject: evil, code: CODE } },
    );
    expect(problemsOf(mail)).toEqual([]);
    expect(elements(mail.html, 'img')).toHaveLength(1);
    expect(mail.html).not.toContain('<!--<style>@import');
  });
});
