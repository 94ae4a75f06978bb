/** A form as a Slack modal, and what was filled in as answers for `formLine`. Pure. */
import type { Answers } from '../../engine/form.ts';
import type { Form, FormField, Suggestion, Wanted } from '../../engine/types.ts';
import { visibleLine } from '../../engine/visible.ts';
import { shorten } from '../chat-render.ts';
import {
  plain,
  richText,
  SLACK,
  type SlackBlock,
  type SlackInput,
  type SlackOption,
  type SlackText,
  words,
} from './json-render.ts';

export interface SlackView {
  type: 'modal';
  callback_id: string;
  private_metadata: string;
  title: SlackText;
  submit: SlackText;
  close: SlackText;
  blocks: SlackBlock[];
}

/** Where a list to choose from helps; everything else is typed more quickly than it is found. */
const COMPLETED: ReadonlySet<Wanted['of']> = new Set(['file', 'plan', 'snapshot', 'source', 'destination', 'account']);

const valuesOf = (field: FormField): string[] =>
  (field.many ? (field.value ?? '').split('\n') : [field.value ?? '']).filter((value) => value !== '');

const option = (label: string, value: string): SlackOption => ({
  text: plain(shorten(visibleLine(label), SLACK.option)),
  value,
});

/** Comes back unchanged as the value of an option. */
const fitsOption = (value: string): boolean =>
  value !== '' && value.length <= SLACK.optionValue && value.isWellFormed() && !/\p{Cc}/u.test(value);

const isChosen = (field: FormField): boolean =>
  field.options !== undefined && field.options.length > 0 && field.options.length <= SLACK.options;

const isCompleted = (field: FormField): boolean =>
  field.suggest !== undefined && COMPLETED.has(field.suggest) && valuesOf(field).every(fitsOption);

/** The options of a menu have their place as value: an answer may be empty or longer than Slack's values. */
function chosenInput(field: FormField): SlackInput {
  const all = (field.options ?? []).map(({ label, value }, index) => option(label || value, String(index)));
  const now = new Set(valuesOf(field));
  const initial = all.filter((_, index) => now.has(field.options?.[index]?.value ?? ''));
  const [first] = initial;
  if (field.many)
    return {
      type: 'multi_static_select',
      action_id: 'chosen',
      options: all,
      ...(first && { initial_options: initial }),
    };
  return { type: 'static_select', action_id: 'chosen', options: all, ...(first && { initial_option: first }) };
}

function completedInput(field: FormField): SlackInput {
  const initial = valuesOf(field).map((value) => option(value, value));
  const [first] = initial;
  const common = { action_id: `suggest:${field.suggest}`, min_query_length: 1, placeholder: plain('Type to find') };
  if (field.many) return { type: 'multi_external_select', ...common, ...(first && { initial_options: initial }) };
  return { type: 'external_select', ...common, ...(first && { initial_option: first }) };
}

const typedInput = (field: FormField): SlackInput => ({
  type: 'plain_text_input',
  action_id: 'typed',
  max_length: SLACK.input,
  ...((field.long || field.many) && { multiline: true as const }),
  ...(field.value !== undefined && field.value !== '' && { initial_value: field.value }),
});

/** A value that cannot be shown whole must not be sent back cut: it stays as it is. */
const isShown = (field: FormField): boolean =>
  isChosen(field) ||
  isCompleted(field) ||
  ((field.value ?? '').length <= SLACK.input && (field.value ?? '').isWellFormed());

function shownFields(form: Form): FormField[] {
  return form.fields.filter(isShown).slice(0, SLACK.viewBlocks - 2);
}

function fieldBlock(field: FormField): SlackBlock {
  return {
    type: 'input',
    block_id: field.name,
    optional: field.required !== true,
    label: plain(shorten(visibleLine(field.label || field.name), 200)),
    element: isChosen(field) ? chosenInput(field) : isCompleted(field) ? completedInput(field) : typedInput(field),
    ...(field.help && { hint: plain(shorten(visibleLine(field.help), 500)) }),
  };
}

/**
 * A modal view for `views.open`. Each field's block id is its name, so `formProblems` can be answered as `errors` as it
 * is. `notes`: sentences above the field of that name ('' for the top). `metadata`: at most 3,000 characters, else it throws
 * a `RangeError`.
 */
export function renderSlackModal(
  form: Form,
  o: { callback: string; metadata: string; notes?: Readonly<Record<string, string>> },
): SlackView {
  if (o.metadata.length > SLACK.metadata)
    throw new RangeError(`A modal carries ${SLACK.metadata} characters of its own`);
  const shown = shownFields(form);
  const kept = form.fields.filter((field) => !shown.includes(field));
  const note = (text: string | undefined): SlackBlock[] =>
    text ? [{ type: 'context', elements: [plain(shorten(visibleLine(text), 1000))] }] : [];
  const blocks = [
    ...note(o.notes?.['']),
    ...shown.flatMap((field) => [...note(o.notes?.[field.name]), fieldBlock(field)]),
  ];
  const labels = kept.map((field) => visibleLine(field.label || field.name));
  if (kept.length > 0) {
    blocks.splice(SLACK.viewBlocks - 1);
    blocks.push(...note(shorten(`Stays as it is (say it in a line to change it): ${labels.join(', ')}.`, 1000)));
  }
  if (blocks.length === 0) blocks.push(richText([words('There is nothing to fill in.')]));
  return {
    type: 'modal',
    callback_id: o.callback,
    private_metadata: o.metadata,
    title: plain(shorten(visibleLine(form.title), SLACK.title)),
    submit: plain(shorten(visibleLine(form.label || 'Send'), SLACK.title)),
    close: plain('Cancel'),
    blocks: blocks.slice(0, SLACK.viewBlocks),
  };
}

interface FilledIn {
  value?: string | null | undefined;
  selected_option?: { value: string } | null | undefined;
  selected_options?: readonly { value: string }[] | null | undefined;
}

/**
 * What was filled in (`view.state.values`), by field. Fields that were not shown keep what they have, so that a form which
 * says only changes says nothing about them.
 */
export function slackModalAnswers(
  values: Readonly<Record<string, Readonly<Record<string, FilledIn>>>>,
  form: Form,
): Answers {
  return Object.fromEntries(
    form.fields.map((field) => {
      const filled = Object.values(values[field.name] ?? {})[0];
      if (filled === undefined) return [field.name, field.value];
      const given = filled.selected_options ?? (filled.selected_option ? [filled.selected_option] : undefined);
      if (given === undefined) return [field.name, filled.value ?? ''];
      const texts = given.map(({ value }) => (isChosen(field) ? field.options?.[Number(value)]?.value : value) ?? '');
      return [field.name, field.many ? texts : (texts[0] ?? '')];
    }),
  );
}

/**
 * Options for a `block_suggestion`: what was typed first, since such a field takes nothing else; then what fits (a longer
 * name is said in a line).
 */
export function slackOptions(typed: string, suggestions: readonly Suggestion[]): SlackOption[] {
  const all = suggestions.filter(({ value }) => fitsOption(value));
  const own = typed.trim();
  const known = all.some(({ value }) => value === own);
  return [
    ...(fitsOption(own) && !known ? [option(own, own)] : []),
    ...all.map(({ label, value }) => option(label, value)),
  ].slice(0, SLACK.options);
}
