/** Reads Markdown as a Discord client does: what a person sees, and what acts. Independent of the renderer. */

export type Mark =
  | { kind: 'text' | 'code' | 'mention' | 'emoji'; text: string }
  | { kind: 'time'; unix: number; style: string }
  | { kind: 'link'; text: string; url: string }
  | { kind: 'bold' | 'italic' | 'underline' | 'strike' | 'spoiler'; inside: Mark[] };

export interface Line {
  kind: 'plain' | 'heading' | 'small' | 'quote' | 'list';
  level: number;
  marks: Mark[];
}

const RULES: readonly [RegExp, (match: RegExpExecArray) => Mark][] = [
  [/^\\([^0-9A-Za-z\s])/, ([, sign = '']) => ({ kind: 'text', text: sign })],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, ([, , text = '']) => ({ kind: 'code', text: text.replace(/^ (?=`)|(?<=`) $/g, '') })],
  [/^<t:(-?\d+)(?::([tTdDfFRsS]))?>/, ([, unix = '', style = 'f']) => ({ kind: 'time', unix: Number(unix), style })],
  [/^(?:<(?:@[!&]?|#)\d+>|<id:\w+>|<\/[^:>]+:\d+>|@everyone|@here)/, ([text]) => ({ kind: 'mention', text })],
  [/^(?:<a?:\w+:\d+>|:[\w~+-]+:)/, ([text]) => ({ kind: 'emoji', text })],
  [/^\[((?:\\.|[^\]\\])*)\]\(<?([^)\s>]+)>?\)/, ([, text = '', url = '']) => ({ kind: 'link', text, url })],
  [/^<?(https?:\/\/[^\s<>]+)>?/, ([, url = '']) => ({ kind: 'link', text: url, url })],
  [/^\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/, ([, text = '']) => ({ kind: 'bold', inside: marks(text) })],
  [/^__((?:\\[\s\S]|[^\\])+?)__(?!_)/, ([, text = '']) => ({ kind: 'underline', inside: marks(text) })],
  [/^~~((?:\\[\s\S]|[^\\])+?)~~/, ([, text = '']) => ({ kind: 'strike', inside: marks(text) })],
  [/^\|\|((?:\\[\s\S]|[^\\])+?)\|\|/, ([, text = '']) => ({ kind: 'spoiler', inside: marks(text) })],
  [/^\*(?=\S)((?:\\[\s\S]|[^*\\])+?)\*(?!\*)/, ([, text = '']) => ({ kind: 'italic', inside: marks(text) })],
  [/^_((?:\\[\s\S]|[^_\\])+?)_(?!\w)/, ([, text = '']) => ({ kind: 'italic', inside: marks(text) })],
];

function marks(text: string): Mark[] {
  const found: Mark[] = [];
  let rest = text;
  while (rest !== '') {
    const hit = RULES.map(([rule, make]) => ({ match: rule.exec(rest), make })).find(({ match }) => match !== null);
    const mark: Mark = hit?.match ? hit.make(hit.match) : { kind: 'text', text: rest.slice(0, 1) };
    rest = rest.slice(hit?.match?.[0].length ?? 1);
    const last = found.at(-1);
    if (mark.kind === 'text' && last?.kind === 'text') last.text += mark.text;
    else found.push(mark);
  }
  return found;
}

const STARTS: readonly [RegExp, Line['kind']][] = [
  [/^(#{1,3}) +/, 'heading'],
  [/^-# +/, 'small'],
  [/^>{1,3} +/, 'quote'],
  [/^\s*(?:[-*+]|\d+[.)]) +/, 'list'],
];

export function readMarkdown(content: string): Line[] {
  return content.split('\n').map((line) => {
    for (const [start, kind] of STARTS) {
      const match = start.exec(line);
      if (match) return { kind, level: match[1]?.length ?? 0, marks: marks(line.slice(match[0].length)) };
    }
    return { kind: 'plain', level: 0, marks: marks(line) };
  });
}

export const markText = (mark: Mark): string =>
  mark.kind === 'time' ? '‹time›' : 'inside' in mark ? mark.inside.map(markText).join('') : mark.text;

export const readerText = (content: string): string =>
  readMarkdown(content)
    .map((line) => line.marks.map(markText).join(''))
    .join('\n');
