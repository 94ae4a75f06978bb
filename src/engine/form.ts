/** What was filled into a form, as the line that a person would have typed. Pure. */
import { quote, quoteFile } from './commands/grammar/words.ts';
import { UsageError } from './errors.ts';
import type { Block, Choice, Form, FormField } from './types.ts';

/** By the field's name; several for a field with `many`. */
export type Answers = Readonly<Record<string, string | readonly string[] | undefined>>;

const given = (field: FormField, answers: Answers): string[] => {
  const answer = answers[field.name];
  const texts = typeof answer === 'string' ? (field.many ? answer.split('\n') : [answer]) : [...(answer ?? [])];
  // A line break ends a line on every surface: what was typed over several is one line all the same.
  return texts.map((text) => text.trim().replace(/\s*[\n\r]\s*/g, ' ')).filter((text) => text !== '');
};

const said = (field: FormField, texts: readonly string[]): string => {
  const words = texts.map((text) => (field.many ? quoteFile(text) : field.quoted ? quote(text) : text)).join(' ');
  if (field.word === undefined) return words;
  // `url=https://example.org` is one word.
  return field.word.endsWith('=') ? field.word + words : `${field.word} ${words}`;
};

/** The problem with each answer, by field; empty when the form can be sent. */
export function formProblems(form: Form, answers: Answers): Record<string, string> {
  const missing = form.fields.filter((field) => field.required && given(field, answers).length === 0);
  return Object.fromEntries(missing.map((field) => [field.name, `Please fill in: ${field.label}.`]));
}

/**
 * One line of the form's beginning and the answers, in the order of the fields. Undefined when nothing was changed in a
 * form that says only changes. Throws `UsageError` when a required answer is missing.
 */
export function formLine(form: Form, answers: Answers): string | undefined {
  const [problem] = Object.values(formProblems(form, answers));
  if (problem !== undefined) throw new UsageError(problem, { advice: 'Nothing was done. Open the form again.' });
  const parts = form.fields.flatMap((field) => {
    const texts = given(field, answers);
    if (form.onlyChanges && texts.join('\n') === (field.value ?? '').trim()) return [];
    if (texts.length > 0) return [said(field, texts)];
    return field.emptied !== undefined && field.value ? [field.emptied] : [];
  });
  if (form.onlyChanges && parts.length === 0) return undefined;
  return [form.line, ...parts].filter((part) => part !== '').join(' ');
}

/**
 * For surfaces where nothing can be filled in: beside other things to say, forms that change something become one line
 * for each beginning ("edit photos"), whose answer shows what it takes. A reply that is nothing but forms stays as it is.
 */
export function withoutForms(blocks: readonly Block[]): Block[] {
  const offered = blocks.flatMap((block) =>
    block.kind === 'choices' && block.menu === undefined ? block.choices : [],
  );
  if (offered.length === 0) return [...blocks];
  const labels = new Map<string, string[]>();
  for (const block of blocks) {
    if (block.kind !== 'form' || !block.onlyChanges || offered.some(({ line }) => line === block.line)) continue;
    labels.set(block.line, [...(labels.get(block.line) ?? []), block.label]);
  }
  const added: Choice[] = [...labels].map(([line, names]) => ({ line, label: names.join(', ') }));
  const rest = blocks.filter((block) => block.kind !== 'form' || !block.onlyChanges);
  const first = rest.findIndex((block) => block.kind === 'choices' && block.menu === undefined);
  return rest.map((block, index) =>
    index === first && block.kind === 'choices' ? { ...block, choices: [...block.choices, ...added] } : block,
  );
}
