/** What a driver wants to know to open an account, read off its zod schema: for questions, checks and redaction. */
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import type { ProviderKind } from '../types.ts';
import { nearest } from './grammar/suggest.ts';

export interface SettingField {
  name: string;
  label: string;
  help?: string;
  secret: boolean;
  /** Must be answered: there is no default and it may not be left out. */
  required: boolean;
  type: string;
  /** All there is to choose from. */
  options?: readonly string[];
}

const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function optionsOf({ type, enum: list }: { type?: unknown; enum?: readonly unknown[] }): Pick<SettingField, 'options'> {
  if (type === 'boolean') return { options: ['yes', 'no'] };
  const texts = (list ?? []).filter((value) => typeof value === 'string');
  return texts.length > 0 && texts.length <= 25 ? { options: texts } : {};
}

/** In the order of the schema. A kind whose schema is not of zod asks nothing. */
export function settingFields(kind: Pick<ProviderKind, 'settings'>): SettingField[] {
  if (!(kind.settings instanceof z.ZodType)) return [];
  const schema = z.toJSONSchema(kind.settings, { io: 'input', unrepresentable: 'any' });
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    if (typeof property === 'boolean') return [];
    const help = asText(property.help) ?? property.description;
    return [
      {
        name,
        label: asText(property.label) ?? name,
        ...(help === undefined ? {} : { help }),
        secret: property.secret === true,
        required: required.has(name),
        type: typeof property.type === 'string' ? property.type : 'string',
        ...optionsOf(property),
      },
    ];
  });
}

/** Typed text as the schema wants it: `port=22` is a number, `pathStyle=yes` a truth. */
export function typedValue(field: SettingField, typed: string): unknown {
  if (field.type === 'number' || field.type === 'integer') return Number.isNaN(Number(typed)) ? typed : Number(typed);
  if (field.type !== 'boolean') return typed;
  if (/^(true|yes|on|1)$/i.test(typed)) return true;
  return /^(false|no|off|0)$/i.test(typed) ? false : typed;
}

/**
 * The answers that were typed as `name=value`. Throws `UsageError` for a name the kind does not know, and for a secret:
 * a line is kept by the shell's history and by chat servers.
 */
export function typedAnswers(
  kind: Pick<ProviderKind, 'name' | 'title'>,
  form: readonly SettingField[],
  typed: Record<string, string>,
): Record<string, unknown> {
  const answers: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(typed)) {
    const field = form.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    if (!field) {
      const names = form.filter((candidate) => !candidate.secret).map((candidate) => candidate.name);
      const [close] = nearest(name, names);
      throw new UsageError(`${kind.title} has no setting "${name}".`, {
        code: 'unknown_setting',
        advice: close ? `Did you mean ${close}=…?` : `It has: ${names.join(', ') || 'none'}.`,
      });
    }
    if (field.secret) {
      throw new UsageError(`${field.label} does not belong into the line, where it could be read later.`, {
        code: 'secret_in_line',
        advice: `Leave ${field.name}=… out: it is asked for without being shown. If others could see it, change it at ${kind.title}.`,
      });
    }
    answers[field.name] = typedValue(field, value);
  }
  return answers;
}

/** A line that would do, for advice: `connect webdav url=… user=…`. */
export const exampleLine = (kind: Pick<ProviderKind, 'name'>, form: readonly SettingField[]): string =>
  [
    'connect',
    kind.name,
    ...form.filter((field) => field.required && !field.secret).map((field) => `${field.name}=…`),
  ].join(' ');

/** Throws `UsageError` with the first thing that is wrong, in the words of the form. */
export function checkedSettings(
  kind: ProviderKind,
  form: readonly SettingField[],
  answers: Record<string, unknown>,
): unknown {
  try {
    return kind.settings.parse(answers);
  } catch (cause) {
    if (!(cause instanceof z.ZodError)) throw cause;
    const [issue] = cause.issues;
    const field = form.find((candidate) => candidate.name === issue?.path[0]);
    const what = field ? `${field.label}${field.secret ? '' : ` (${field.name})`}` : kind.title;
    throw new UsageError(`${what} is not right: ${issue?.message ?? 'it has the wrong form'}.`, {
      code: 'bad_settings',
      advice: `${field?.help ? `${field.help} ` : ''}Then type: ${exampleLine(kind, form)}`,
      cause,
    });
  }
}
