/** Short ways to say the parts of a reply. Pure. */
import type { Block, Cell, Choice, Reply } from '../types.ts';

export const text = (words: string): Block => ({ kind: 'text', text: words });

/** Fields whose value is undefined are left out. */
export const fields = (values: Record<string, Cell | undefined>): Block => ({
  kind: 'fields',
  fields: Object.entries(values).flatMap(([label, value]) => (value === undefined ? [] : [{ label, value }])),
});

/** No block at all when there is nothing to choose. */
export const choices = (...list: (Choice | undefined)[]): Block[] => {
  const there = list.filter((choice) => choice !== undefined);
  return there.length === 0 ? [] : [{ kind: 'choices', choices: there }];
};

/** As many as a menu of Discord holds, https://docs.discord.com/developers/components/reference#string-select. */
const MENU = 25;

/** One menu instead of buttons; no block at all when there is nothing to choose. */
export const menu = (label: string, list: readonly Choice[]): Block[] =>
  list.length === 0 ? [] : [{ kind: 'choices', choices: list.slice(0, MENU), menu: label }];

export const choice = (label: string, line: string, style?: Choice['style']): Choice => ({
  label,
  line,
  ...(style === undefined ? {} : { style }),
});

export const good = (title: string, blocks: Block[] = [], data?: unknown): Reply => ({
  tone: 'good',
  title,
  blocks,
  ...(data === undefined ? {} : { data }),
});

export const plain = (title: string, blocks: Block[] = [], data?: unknown): Reply => ({
  tone: 'plain',
  title,
  blocks,
  ...(data === undefined ? {} : { data }),
});
