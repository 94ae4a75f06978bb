/** Reads the HTML of a mail as people do: what it says, how it is built, and in which colours. Knows nothing of how it is made. */
import { Parser } from 'htmlparser2';

export interface Element {
  name: string;
  attributes: Readonly<Record<string, string>>;
  inside: (Element | string)[];
  above?: Element;
}

/** What stands open or is closed twice is among `problems`. */
export function readHtml(html: string): { root: Element; problems: string[] } {
  const root: Element = { name: '', attributes: {}, inside: [] };
  const problems: string[] = [];
  let at = root;
  const parser = new Parser({
    onopentag(name, attributes) {
      const element: Element = { name, attributes, inside: [], above: at };
      at.inside.push(element);
      at = element;
    },
    ontext(text) {
      at.inside.push(text);
    },
    onclosetag(name, implied) {
      if (implied && !['meta', 'img', 'br'].includes(name)) problems.push(`<${name}> is not closed`);
      if (at.name !== name) problems.push(`<${name}> closes <${at.name}>`);
      at = at.above ?? root;
    },
  });
  parser.end(html);
  if (at !== root) problems.push(`<${at.name}> is open at the end`);
  return { root, problems };
}

export const isElement = (node: Element | string): node is Element => typeof node !== 'string';

export const all = (element: Element): Element[] => [
  element,
  ...element.inside.filter(isElement).flatMap((inside) => all(inside)),
];

const styleOf = (element: Element, property: string): string | undefined =>
  element.attributes.style
    ?.split(';')
    .map((rule) => rule.split(':'))
    .findLast(([name]) => name === property)?.[1];

/** Whether people see it and screen readers read it. */
const isSilent = (element: Element): boolean =>
  ['head', 'style', 'script'].includes(element.name) ||
  element.attributes['aria-hidden'] === 'true' ||
  styleOf(element, 'display') === 'none';

const BLOCKS = new Set(['p', 'h1', 'h2', 'table', 'tr', 'td', 'th', 'div', 'br', 'section', 'footer']);

/** As a screen reader says a table of data: each cell with the name of its column or row. */
function tableWords(table: Element): string {
  const cells = (row: Element): Element[] => row.inside.filter(isElement);
  const rows = all(table).filter(({ name }) => name === 'tr');
  const head = rows[0] && cells(rows[0]).every(({ attributes }) => attributes.scope === 'col') ? rows[0] : undefined;
  const names = head ? cells(head).map(elementWords) : [];
  return rows
    .filter((row) => row !== head)
    .map((row) =>
      cells(row)
        .map((cell, column) => (column > 0 && names[column] ? `${names[column]}: ` : '') + elementWords(cell))
        .join('\n'),
    )
    .join('\n');
}

function elementWords(element: Element): string {
  if (isSilent(element)) return '';
  if (element.name === 'img') return `[Picture: ${element.attributes.alt}]`;
  if (element.name === 'table' && element.attributes.role !== 'presentation') return `\n${tableWords(element)}\n`;
  const inside = element.inside.map((node) => (isElement(node) ? elementWords(node) : node)).join('');
  const { href = '' } = element.attributes;
  if (element.name === 'a' && /^https?:/.test(href) && inside !== href) return `${inside}: ${href} `;
  return BLOCKS.has(element.name) ? `\n${inside}\n` : inside;
}

export const wordsOf = (html: string): string => elementWords(readHtml(html).root);

// ------------------------------------------------------------------------------------------------------------ colours

export type Colour = readonly [number, number, number];

const colourOf = (hex: string): Colour => {
  if (!/^#[0-9a-f]{6}$/i.test(hex)) throw new Error(`No colour: ${hex}`);
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Colour;
};

/** WCAG 2.2, relative luminance and contrast ratio. */
export function contrast(one: Colour, other: Colour): number {
  const luminance = (colour: Colour): number => {
    const [red = 0, green = 0, blue = 0] = colour.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

/** `.class{property:value}` of the sheet for dark screens. */
function darkRules(html: string): Map<string, string> {
  const sheet = /@media \(prefers-color-scheme:dark\)\{([\s\S]*?)\n\}/.exec(html)?.[1];
  if (sheet === undefined) throw new Error('There is no sheet for dark screens.');
  return new Map(
    [...sheet.matchAll(/(?<=^|\})\s*\.([\w-]+)\{([\w-]+):(#[0-9a-f]{6})!important\}/gm)].map(
      ([, name, property, value]) => [`${name} ${property}`, value ?? ''],
    ),
  );
}

/** Everything that is written, with its colour and the ground below it. */
export function written(html: string, scheme: 'light' | 'dark'): { text: string; colour: Colour; ground: Colour }[] {
  const rules = scheme === 'dark' ? darkRules(html) : new Map<string, string>();
  const value = (element: Element, property: 'color' | 'background-color'): string | undefined => {
    const byClass = (element.attributes.class ?? '')
      .split(' ')
      .map((name) => rules.get(`${name} ${property}`))
      .find((found) => found !== undefined);
    const ground = property === 'background-color' ? element.attributes.bgcolor : undefined;
    return byClass ?? styleOf(element, property) ?? ground;
  };
  const inherited = (element: Element | undefined, property: 'color' | 'background-color'): string => {
    if (!element) throw new Error(`There is no ${property}.`);
    return value(element, property) ?? inherited(element.above, property);
  };
  const visible = (element: Element): Element[] =>
    element.name !== '' && (['head', 'style'].includes(element.name) || styleOf(element, 'display') === 'none')
      ? []
      : [element, ...element.inside.filter(isElement).flatMap(visible)];
  return visible(readHtml(html).root).flatMap((element) => {
    const text = element.inside
      .filter((node) => !isElement(node))
      .join('')
      .trim();
    if (text === '' && element.name !== 'img') return [];
    return [
      {
        text: text || 'alt',
        colour: colourOf(inherited(element, 'color')),
        ground: colourOf(inherited(element, 'background-color')),
      },
    ];
  });
}
