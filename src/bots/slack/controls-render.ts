/** Buttons and menus of Slack: a control travels in a button's value, or as the id under which it was kept. Pure. */
import type { Control } from '../../engine/services.ts';
import type { Form, Reply } from '../../engine/types.ts';
import { visibleLine } from '../../engine/visible.ts';
import {
  type BlockOf,
  type ControlIds,
  choiceControl,
  controlKey,
  formControl,
  type Pressed,
  shorten,
  travels,
} from '../chat-render.ts';
import { plain, SLACK, type SlackElement, type SlackOption } from './json-render.ts';

const isForm = (value: unknown): value is Form =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'form';

/** The whole control as a button's value, or undefined when Slack would not carry it unchanged. */
function inButton(control: Control): string | undefined {
  const value = JSON.stringify(control);
  if (value.length > SLACK.value || !value.isWellFormed()) return undefined;
  return control.line === undefined || travels(control.line) ? value : undefined;
}

/** A menu's values are shorter: only a bare line, or an id. */
function inOption(control: Control): string | undefined {
  if (control.line === undefined || control.about !== undefined || !travels(control.line)) return undefined;
  return control.line.length + 2 <= SLACK.optionValue ? `l:${control.line}` : undefined;
}

const kept = (control: Control, ids: ControlIds): string | undefined => {
  const id = ids.get(controlKey(control));
  return id === undefined ? undefined : `c:${id}`;
};

/** The controls of a reply that do not fit into Slack's messages: keep them first (`keepControls`). */
export function slackControls(reply: Reply): Control[] {
  return reply.blocks.flatMap((block) => {
    if (block.kind === 'form') {
      const control = formControl(reply, block);
      return inButton(control) === undefined ? [control] : [];
    }
    if (block.kind !== 'choices') return [];
    const fits = block.menu === undefined ? inButton : inOption;
    return block.choices.map((choice) => choiceControl(reply, choice)).filter((one) => fits(one) === undefined);
  });
}

export type ControlItem =
  | { kind: 'choice'; label: string; control: Control; style?: 'primary' | 'danger' }
  | { kind: 'form'; label: string; control: Control }
  | { kind: 'link'; label: string; url: string };

/** A button; undefined when its control neither fits nor was kept. `number` makes it unique in its message. */
export function button(item: ControlItem, ids: ControlIds, number: number): SlackElement | undefined {
  const text = plain(shorten(visibleLine(item.label), SLACK.button));
  if (item.kind === 'link') return { type: 'button', action_id: `link:${number}`, text, url: item.url };
  const value = inButton(item.control) ?? kept(item.control, ids);
  if (value === undefined) return undefined;
  return {
    type: 'button',
    action_id: `${item.kind === 'form' ? 'form' : 'line'}:${number}`,
    text,
    value,
    ...(item.kind === 'choice' && item.style && { style: item.style }),
  };
}

/** The options of a menu; those that neither fit nor were kept are left to the caller. */
export function options(reply: Reply, block: BlockOf<'choices'>, ids: ControlIds): (SlackOption | undefined)[] {
  return block.choices.map((choice) => {
    const control = choiceControl(reply, choice);
    const value = inOption(control) ?? kept(control, ids);
    if (value === undefined) return undefined;
    return { text: plain(shorten(visibleLine(choice.label || choice.line), SLACK.option)), value };
  });
}

/**
 * What an action of a `block_actions` payload means: its control, or the id of a kept one. Undefined for links and for
 * whatever this file did not make.
 */
export function slackPressed(action: {
  action_id?: string;
  value?: string | undefined;
  selected_option?: { value?: string } | null | undefined;
}): Pressed | undefined {
  if (!/^(line|form):/.test(action.action_id ?? '')) return undefined;
  const value = action.selected_option?.value ?? action.value ?? '';
  if (value.startsWith('c:')) return { id: value.slice(2) };
  if (value.startsWith('l:')) return { control: { line: value.slice(2) } };
  let read: unknown;
  try {
    read = JSON.parse(value);
  } catch {
    // Not JSON: a button of somebody else's making, or of a version that is gone.
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const line = 'line' in read && typeof read.line === 'string' ? read.line : undefined;
  const form = 'form' in read && isForm(read.form) ? read.form : undefined;
  if (line === undefined && form === undefined) return undefined;
  const about = 'about' in read && typeof read.about === 'object' && read.about !== null ? read.about : undefined;
  return {
    control: { ...(line !== undefined && { line }), ...(form && { form }), ...(about && { about }) },
  };
}
