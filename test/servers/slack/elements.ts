/** Finds buttons and menus by what is written on them, as people do. */
import type { Fields, SlackMessage, SlackView } from './types.ts';
import { INTERACTIVE, isFields, list, said, word } from './world.ts';

export interface Found {
  block: Fields;
  element: Fields;
}

const named = ({ block, element }: Found): string[] =>
  [
    said(element.text),
    said(element.placeholder),
    said(block.label),
    block.type === 'section' ? said(block.text) : '',
    word(element.action_id),
    word(block.block_id),
  ].filter((one) => one !== '');

export const elementsOf = (blocks: readonly Fields[]): Found[] =>
  blocks.flatMap((block) =>
    [...list(block.elements), block.element, block.accessory]
      .filter(isFields)
      .filter(({ type }) => INTERACTIVE.test(word(type)))
      .map((element) => ({ block, element })),
  );

/** The one with exactly that on it, else the first that begins with it (labels carry icons and counts). */
export function found(on: SlackMessage | SlackView, name: string, type: RegExp): Found {
  const all = elementsOf(on.blocks).filter(({ element }) => type.test(word(element.type)));
  const exact = all.find((one) => named(one).includes(name));
  const near = exact ?? all.find((one) => named(one).some((text) => text.startsWith(name)));
  if (near === undefined)
    throw new Error(
      `nothing here is called "${name}"; there is ${all.map((one) => `"${named(one)[0]}"`).join(', ') || 'nothing'}`,
    );
  return near;
}

export const optionsOf = (element: Fields): Fields[] => [
  ...list(element.options),
  ...list(element.option_groups).flatMap((group) => list(group.options)),
];

/** The part of a state or an action that says what was chosen. */
export function pick(element: Fields, offered: readonly Fields[], labels: readonly string[]): Fields {
  const chosen = labels.map((label) => {
    const option =
      offered.find((one) => said(one.text) === label || one.value === label) ??
      offered.find((one) => said(one.text).startsWith(label));
    if (option === undefined)
      throw new Error(
        `"${label}" is not offered; there is ${offered.map(({ text }) => `"${said(text)}"`).join(', ') || 'nothing'}`,
      );
    return { text: option.text, value: option.value };
  });
  return /^multi_|^checkboxes$/.test(word(element.type))
    ? { selected_options: chosen }
    : { selected_option: chosen[0] ?? null };
}

export function stateOf(on: SlackMessage | SlackView, block: Fields, element: Fields, value: Fields): void {
  if (element.type === 'overflow') return;
  const id = word(block.block_id);
  on.state[id] = { ...on.state[id], [word(element.action_id)]: { type: element.type, ...value } };
}
