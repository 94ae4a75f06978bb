/** What was filled into `/backup`, as the line that a person would have typed, and what they want completed. Pure. */
import { formLine, formProblems } from '../../engine/form.ts';
import type { Wanted } from '../../engine/types.ts';
import { formOf, SUBCOMMANDS } from './subcommand-lines.ts';

/** One option of a subcommand, as Discord sends it. */
export interface Filled {
  name: string;
  value: string;
  /** It is being typed just now. */
  focused?: boolean;
}

const answersOf = (options: readonly Filled[]): Record<string, string> =>
  Object.fromEntries(options.map(({ name, value }) => [name, value]));

/**
 * Discord may still show an older definition than ours: what is unknown is said as it is, and the grammar tells what it
 * understood. Where an answer is missing (spaces count as one for Discord) the bare command asks for it; nothing at all asks how things are.
 */
export function commandLine(name: string, options: readonly Filled[]): string {
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  const known = options.every((option) => subcommand?.options.some((one) => one.name === option.name));
  if (subcommand === undefined || !known) return [name, ...options.map((option) => option.value)].join(' ');
  const form = formOf(name, subcommand);
  const answers = answersOf(options);
  if (Object.keys(formProblems(form, answers)).length > 0) return form.line || 'status';
  return formLine(form, answers) ?? form.line;
}

/** What the option that is being typed wants completed; undefined for one that has nothing to suggest. */
export function wantedOf(name: string, options: readonly Filled[]): Wanted | undefined {
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  const focused = options.find((option) => option.focused);
  const of = subcommand?.options.find((option) => option.name === focused?.name)?.suggest;
  if (focused === undefined || of === undefined) return undefined;
  const plan = answersOf(options).plan?.trim();
  return { of, typed: focused.value, ...(plan && of !== 'plan' ? { plan } : {}) };
}
