/** A form as a Discord modal, and what was filled in as answers for `formLine`. Pure. */
import type { Answers } from '../../engine/form.ts';
import type { Form, FormField } from '../../engine/types.ts';
import { visibleLine } from '../../engine/visible.ts';
import { shorten } from '../chat-render.ts';
import { fitted } from './content-render.ts';
import { DISCORD, type DiscordLabel, type DiscordText } from './json-render.ts';

export interface DiscordModal {
  custom_id: string;
  title: string;
  components: (DiscordLabel | DiscordText)[];
}

const valuesOf = (field: FormField): string[] =>
  (field.many ? (field.value ?? '').split('\n') : [field.value ?? '']).filter((value) => value !== '');

const isChosen = (field: FormField): boolean =>
  field.options !== undefined && field.options.length > 0 && field.options.length <= DISCORD.options;

/** A value that cannot be shown whole must not be sent back cut: it stays as it is. */
const canShow = (field: FormField): boolean =>
  isChosen(field) || ((field.value ?? '').length <= DISCORD.input && (field.value ?? '').isWellFormed());

/** The first that fit in the order of the form; one that must be answered before one that may. */
function shownFields(form: Form): FormField[] {
  const able = form.fields.filter(canShow);
  if (able.length <= DISCORD.modalParts && able.length === form.fields.length) return able;
  const required = able.filter((field) => field.required);
  // One place is for the sentence that tells of the others.
  const most = Math.max(DISCORD.modalParts - 1, Math.min(required.length, DISCORD.modalParts));
  const chosen = new Set([...required, ...able.filter((field) => !field.required)].slice(0, most));
  return able.filter((field) => chosen.has(field));
}

function fieldLabel(field: FormField): DiscordLabel {
  const now = new Set(valuesOf(field));
  const label = shorten(visibleLine(field.label || field.name), DISCORD.modalLabel) || '–';
  const description = field.help ? shorten(visibleLine(field.help), DISCORD.modalHelp) : '';
  const options = isChosen(field) ? (field.options ?? []) : [];
  const selected = options.filter(({ value }) => now.has(value)).slice(0, field.many ? options.length : 1);
  return {
    type: 18,
    label,
    ...(description !== '' && { description }),
    component:
      options.length > 0
        ? {
            type: 3,
            custom_id: field.name,
            required: field.required === true,
            min_values: field.required ? 1 : 0,
            max_values: field.many ? options.length : 1,
            // The place is the value: an answer may be empty or longer than Discord's values.
            options: options.map((option, index) => ({
              label: shorten(visibleLine(option.label || option.value), DISCORD.option) || '–',
              value: String(index),
              ...(selected.includes(option) && { default: true as const }),
            })),
          }
        : {
            type: 4,
            custom_id: field.name,
            style: field.long || field.many ? 2 : 1,
            required: field.required === true,
            max_length: DISCORD.input,
            ...(field.value !== undefined && field.value !== '' && { value: field.value }),
          },
  };
}

/** The data of a modal response (type 9). Fields that Discord has no room for keep what they have; a sentence says so. */
export function renderDiscordModal(form: Form, customId: string): DiscordModal {
  const shown = shownFields(form);
  const kept = form.fields.filter((field) => !shown.includes(field));
  const labels = kept.map((field) => visibleLine(field.label || field.name)).join(', ');
  const note = `Stays as it is; say it in a line to change it: ${labels}.`;
  const components: DiscordModal['components'] = shown.map(fieldLabel);
  if (kept.length > 0 && components.length < DISCORD.modalParts)
    components.push({ type: 10, content: `-# ${fitted(note, 600)}` });
  if (components.length === 0) components.push({ type: 10, content: 'There is nothing to fill in.' });
  return {
    custom_id: customId,
    title: shorten(visibleLine(form.title), DISCORD.modalTitle) || 'Keepsake',
    components,
  };
}

/**
 * What was filled in, by field. `fields`: the submitted components by custom id, with `value` (text) or `values` (select).
 * Fields that were not shown keep what they have, so that a form which says only changes says nothing about them.
 */
export function discordModalAnswers(
  fields: Readonly<Record<string, { value?: string | undefined; values?: readonly string[] | undefined }>>,
  form: Form,
): Answers {
  return Object.fromEntries(
    form.fields.map((field) => {
      const filled = fields[field.name];
      if (filled === undefined) return [field.name, field.value];
      if (filled.values === undefined) return [field.name, filled.value ?? ''];
      const texts = filled.values.map((place) => field.options?.[Number(place)]?.value ?? '');
      return [field.name, field.many ? texts : (texts[0] ?? '')];
    }),
  );
}
