/** A mail as plain text: the same words as the HTML, readable in any font. Pure. */
import type { Part, Say, View } from './view-render.ts';
import type { Way } from './ways-render.ts';

/** A row that fits is one line; RFC 5322 2.1.1 asks for at most 78 characters. */
const LONGEST_ROW = 72;

/** Mail text is read in any font: rows are `name: value`, not columns that only fit one of them. */
function tableText(columns: readonly string[], rows: readonly string[][]): string[] {
  const named = rows.map((row) =>
    row.map((cell, at) => (at === 0 || columns[at] === '' ? cell : `${columns[at]}: ${cell}`)),
  );
  if (named.every((row) => row.join(', ').length <= LONGEST_ROW)) return named.map((row) => row.join(', '));
  return named.flatMap(([first = '', ...others]) => [`• ${first}`, ...others.map((cell) => `  ${cell}`)]);
}

const sayText = ({ line }: Say): string => `  ${line}`;

function wayText({ label, line, page }: Way, manner: 'buttons' | 'list'): string {
  if (page !== undefined) return `  ${label}: ${page}\n  or answer: ${line}`;
  if (label === line) return `  ${line}`;
  return manner === 'buttons' ? `  ${label}: ${line}` : `  ${line} – ${label}`;
}

function partText(part: Part): string {
  switch (part.kind) {
    case 'lines':
      return part.lines.join('\n');
    case 'fields':
      return part.fields.map(({ label, value }) => (label === '' ? value : `${label}: ${value}`)).join('\n');
    case 'table':
      return tableText(part.columns, part.rows).join('\n');
    case 'rest':
      return part.say === undefined ? part.words : `${part.words}: ${part.say.line}`;
    case 'progress':
      return part.words;
    case 'heading':
      return `${part.words}:`;
    case 'ways':
      return part.ways.map((way) => wayText(way, part.manner)).join('\n');
    case 'say':
      return part.title === undefined ? sayText(part.say) : `${part.title}\n${sayText(part.say)}`;
    case 'trend':
      return `${part.label}: ${part.bars}\n${part.words}`;
    case 'link':
      return part.label === '' ? part.url : `${part.label}: ${part.url}`;
    case 'picture':
      return `[Picture: ${part.alt}]`;
    case 'file':
      return `[Attached: ${part.words}]`;
  }
}

const RULE = '- '.repeat(20).trim();

export const ANSWER_HEADING = 'You can answer this mail';
export const ANSWER_HINT = 'Choose one of these, or write it as the first line of your answer:';
export const ANSWER_READ = 'Keepsake reads only your first line above the quoted text.';
export const SENDER = 'Sent by your own Keepsake.';
export const CODE = 'The code of this mail:';
export const END = 'Unsubscribe (end these mails)';

function answerText({ answer }: View): string[] {
  if (!answer) return [];
  return [
    RULE,
    ANSWER_HEADING,
    `${ANSWER_HINT}\n${answer.ways.map((way) => wayText(way, 'list')).join('\n')}`,
    ANSWER_READ,
  ];
}

/** No line of two dashes before it: programs leave out of an answer what follows one, and the code with it. */
function smallText({ answer, unsubscribe }: View): string {
  const end =
    unsubscribe === undefined
      ? []
      : ['url' in unsubscribe ? `${END}: ${unsubscribe.url}` : `${END}: write to ${unsubscribe.address}`];
  return [SENDER, ...end, ...(answer ? [`${CODE} ${answer.code}`] : [])].join('\n');
}

export function textOf(view: View): string {
  const title = view.state ? `${view.state.sign} ${view.state.words} – ${view.title}` : view.title;
  const pieces = [title, ...view.parts.map(partText), ...answerText(view), RULE, smallText(view)];
  return `${pieces.filter((piece) => piece.trim() !== '').join('\n\n')}\n`;
}
