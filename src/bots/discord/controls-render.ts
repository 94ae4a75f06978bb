/** Buttons and menus of Discord: a line travels in a custom id when it fits, else the id under which it was kept. Pure. */
import type { Control } from '../../engine/services.ts';
import type { Reply } from '../../engine/types.ts';
import { visibleLine } from '../../engine/visible.ts';
import {
  type ControlIds,
  choiceControl,
  controlKey,
  formControl,
  type Pressed,
  shorten,
  travels,
} from '../chat-render.ts';
import { DISCORD, type DiscordButton, type DiscordOption, type DiscordPart } from './json-render.ts';

/** `l99:`: two equal lines in one message get different ids. */
const PREFIX = 4;

const fits = (line: string | undefined): line is string =>
  line !== undefined && travels(line) && line.length + PREFIX <= DISCORD.customId;

/**
 * The controls of a reply that do not fit into Discord's ids: keep them first (`keepControls`). A line that fits carries no
 * plan or run: those are found by the message (`chat.about`).
 */
export function discordControls(reply: Reply): Control[] {
  return reply.blocks.flatMap((block) => {
    if (block.kind === 'form') return [formControl(reply, block)];
    if (block.kind !== 'choices') return [];
    return block.choices.filter(({ line }) => !fits(line)).map((choice) => choiceControl(reply, choice));
  });
}

export type ControlItem =
  | { kind: 'control'; label: string; control: Control; style?: 'primary' | 'danger' }
  | { kind: 'link'; label: string; url: string };

/** True when the control fits or was kept. */
export const isCarried = (item: ControlItem, ids: ControlIds): boolean =>
  item.kind === 'link' || fits(item.control.line) || ids.has(controlKey(item.control));

/** An id that `used` does not have yet, and has from now on. */
function customId(control: Control, ids: ControlIds, used: Set<string>): string {
  const [kind, rest] = fits(control.line) ? ['l', control.line] : ['c', ids.get(controlKey(control)) ?? ''];
  let id = `${kind}:${rest}`;
  for (let twin = 1; used.has(id); twin++) id = `${kind}${twin}:${rest}`;
  used.add(id);
  return id;
}

const STYLES = { primary: 1, danger: 4 } as const;

export function button(item: ControlItem, ids: ControlIds, used: Set<string>): DiscordButton {
  const label = shorten(visibleLine(item.label), DISCORD.label) || '–';
  if (item.kind === 'link') return { type: 2, style: 5, label, url: item.url };
  const style = item.style === undefined ? 2 : STYLES[item.style];
  return { type: 2, style, label, custom_id: customId(item.control, ids, used) };
}

/** One menu: a row and the select in it. At most 25 controls. */
export function menu(
  items: readonly Extract<ControlItem, { kind: 'control' }>[],
  placeholder: string,
  ids: ControlIds,
  used: Set<string>,
): DiscordPart {
  const values = new Set<string>();
  const options = items.map(
    (item): DiscordOption => ({
      label: shorten(visibleLine(item.label), DISCORD.option) || '–',
      value: customId(item.control, ids, values),
    }),
  );
  let number = 0;
  while (used.has(`m:${number}`)) number++;
  used.add(`m:${number}`);
  const shown = shorten(visibleLine(placeholder), DISCORD.placeholder);
  return {
    type: 1,
    components: [{ type: 3, custom_id: `m:${number}`, ...(shown !== '' && { placeholder: shown }), options }],
  };
}

/**
 * What a pressed button (`customId`) or a chosen option (`values` of a select) means. Undefined for whatever this file did
 * not make.
 */
export function discordPressed(customId: string, values: readonly string[] = []): Pressed | undefined {
  const id = /^m:\d+$/.test(customId) ? (values[0] ?? '') : customId;
  const [, kind, rest] = /^([lc])\d*:([\s\S]+)$/.exec(id) ?? [];
  if (rest === undefined) return undefined;
  return kind === 'c' ? { id: rest } : { control: { line: rest } };
}
