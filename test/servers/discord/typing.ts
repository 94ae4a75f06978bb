/** What a person fills in, as Discord sends it; throws where the real client would not let it go. */

import { type Json, object, objects, text, whole } from './json.ts';
import type { Modal } from './seen.ts';

export type Value = string | number | boolean;

function typed(option: Json, value: Value, sending: boolean): Value {
  const words = String(value);
  const type = whole(option.type);
  if (!sending) return words;
  if (type === 4 || type === 10) return Number(value);
  if (type === 5) return value === true || value === 'true';
  const choices = objects(option.choices);
  if (choices.length > 0 && !choices.some((one) => one.value === value))
    throw new Error(`"${words}" is not among the choices of ${text(option.name)}.`);
  const [least, most] = [whole(option.min_length), whole(option.max_length) || 6000];
  if (type === 3 && (words.length < least || words.length > most))
    throw new Error(`${text(option.name)} takes ${least} to ${most} characters.`);
  return value;
}

/** The `options` of the interaction, nested as the command is. */
export function filled(
  definition: Json,
  path: readonly string[],
  values: Record<string, Value>,
  focused?: string,
): Json[] {
  const [step, ...rest] = path;
  const known = objects(definition.options);
  if (step !== undefined) {
    const inner = known.find((one) => one.name === step && (one.type === 1 || one.type === 2));
    if (inner === undefined) throw new Error(`"${text(definition.name)}" has no "${step}".`);
    return [{ name: step, type: inner.type, options: filled(inner, rest, values, focused) }];
  }
  if (known.some((one) => one.type === 1 || one.type === 2))
    throw new Error(`"${text(definition.name)}" needs one of: ${known.map((one) => text(one.name)).join(', ')}.`);
  for (const name of [...Object.keys(values), ...(focused === undefined ? [] : [focused])])
    if (!known.some((one) => one.name === name)) throw new Error(`"${text(definition.name)}" has no option "${name}".`);
  for (const one of known)
    if (focused === undefined && one.required === true && values[text(one.name)] === undefined)
      throw new Error(`${text(one.name)} is required.`);
  return known.flatMap((one) => {
    const name = text(one.name);
    const value = values[name] ?? (name === focused ? '' : undefined);
    if (value === undefined) return [];
    if (name === focused && one.autocomplete !== true) throw new Error(`${name} does not complete.`);
    return [
      {
        name,
        type: one.type,
        value: typed(one, value, name !== focused),
        ...(name === focused ? { focused: true } : {}),
      },
    ];
  });
}

/** The values of options by their labels. */
export function chosen(menu: Json, labels: readonly string[]): string[] {
  const options = objects(menu.options);
  return labels.map((label) => {
    const option = options.find((one) => one.label === label) ?? options.find((one) => one.value === label);
    if (option === undefined)
      throw new Error(`There is no option "${label}" but: ${options.map((one) => text(one.label)).join(', ')}.`);
    return text(option.value);
  });
}

/** The `components` of a submitted modal; throws where Discord would keep the modal open. */
export function answers(raw: Json, modal: Modal, values: Record<string, string | readonly string[]>): Json[] {
  for (const name of Object.keys(values))
    if (!modal.fields.some((one) => one.label === name || one.customId === name))
      throw new Error(`The modal has no field "${name}" but: ${modal.fields.map((one) => one.label).join(', ')}.`);
  const one = (input: Json): Json => {
    const shown = modal.fields.find((field) => field.customId === input.custom_id);
    if (shown === undefined) return {};
    const value = values[shown.label] ?? values[shown.customId];
    const sent: Json = { type: input.type, id: input.id ?? 1, custom_id: input.custom_id };
    if (shown.type !== 4) {
      const before = shown.options.filter((option) => option.chosen).map((option) => option.value);
      const picked = value === undefined ? before : chosen(input, [value].flat());
      if (shown.required && picked.length === 0) throw new Error(`${shown.label} is required.`);
      return { ...sent, ...(shown.type === 21 ? { value: picked[0] ?? null } : { values: picked }) };
    }
    const words = value === undefined ? shown.value : [value].flat().join('\n');
    if (shown.required && words === '') throw new Error(`${shown.label} is required.`);
    if (words !== '' && (words.length < shown.least || words.length > shown.most))
      throw new Error(`${shown.label} takes ${shown.least} to ${shown.most} characters.`);
    return { ...sent, value: words };
  };
  return objects(raw.components).map((part, n) => {
    if (part.type === 18) return { type: 18, id: part.id ?? n + 1, component: one(object(part.component)) };
    if (part.type === 1) return { type: 1, id: part.id ?? n + 1, components: objects(part.components).map(one) };
    return { type: part.type, id: part.id ?? n + 1 };
  });
}
