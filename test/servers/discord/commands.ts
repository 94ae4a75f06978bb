/** Registered application commands, and what Discord refuses in a registration. */
import { invalidForm, type Json, object, objects, type Problem, text, whole } from './json.ts';
import { type Report, sized } from './payload.ts';
import type { World } from './world.ts';

/** As Discord's own page gives it: letters and digits of any script, Devanagari and Thai marks, `-`, `_` and `'`. */
const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
const LOCALES = new Set(
  'id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th zh-CN ja zh-TW ko'.split(
    ' ',
  ),
);
const SUBCOMMAND = 1;
const GROUP = 2;

export interface Commands {
  /** Registered ones; `guild` undefined: global. */
  list(guild?: string): Json[];
  /** The whole list anew, as PUT does. */
  replace(guild: string | undefined, bodies: unknown): Json[];
  /** One more or one changed, as POST does. */
  put(guild: string | undefined, body: unknown): { command: Json; created: boolean };
  remove(guild: string | undefined, id: string): boolean;
  /** How often something was registered, and how many commands that made. */
  counts: { puts: number; creates: number };
}

function named(report: Report, path: string, one: Json, type: number): void {
  const name = text(one.name);
  sized(report, `${path}name`, one.name, 1, 32);
  if (type === 1 && (!NAME.test(name) || name !== name.toLowerCase()))
    report(`${path}name`, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
  sized(
    report,
    `${path}description`,
    one.description ?? (type === 1 ? undefined : ''),
    type === 1 ? 1 : 0,
    type === 1 ? 100 : 0,
  );
  for (const [key, most] of [
    ['name_localizations', 32],
    ['description_localizations', 100],
  ] as const)
    for (const [locale, words] of Object.entries(object(one[key]))) {
      if (!LOCALES.has(locale)) report(`${path}${key}.${locale}`, 'BASE_TYPE_CHOICES', 'This locale does not exist.');
      if (words !== null) sized(report, `${path}${key}.${locale}`, words, 1, most);
      if (
        key === 'name_localizations' &&
        type === 1 &&
        (!NAME.test(text(words)) || text(words) !== text(words).toLowerCase())
      )
        report(`${path}${key}.${locale}`, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
    }
}

/** `depth`: 0 below a command, 1 below a group, 2 below a subcommand. */
function options(report: Report, path: string, list: Json[], depth: number): void {
  if (list.length > 25) report(path.slice(0, -1), 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
  const names = new Set<string>();
  let optional = false;
  const nested = list.some((one) => one.type === SUBCOMMAND || one.type === GROUP);
  for (const [n, one] of list.entries()) {
    const at = `${path}${n}.`;
    const type = whole(one.type);
    named(report, at, one, 1);
    if (names.has(text(one.name)))
      report(`${at}name`, 'APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS', 'Option name already exists');
    names.add(text(one.name));
    if (type < 1 || type > 11) report(`${at}type`, 'BASE_TYPE_CHOICES', 'There is no such type of option.');
    const branch = type === SUBCOMMAND || type === GROUP;
    if (branch !== nested)
      report(
        `${at}type`,
        'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
        'Sub-command and other options cannot stand side by side',
      );
    if (branch && (depth === 2 || (depth === 1 && type === GROUP)))
      report(`${at}type`, 'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID', 'Sub-commands nest no deeper');
    if (branch) {
      options(report, `${at}options.`, objects(one.options), type === GROUP ? 1 : 2);
      continue;
    }
    if (one.required === true && optional)
      report(
        at.slice(0, -1),
        'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
        'Required options must be placed before non-required options',
      );
    if (one.required !== true) optional = true;
    const choices = objects(one.choices);
    if (choices.length > 25) report(`${at}choices`, 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
    for (const [c, choice] of choices.entries()) {
      sized(report, `${at}choices.${c}.name`, choice.name, 1, 100);
      if (type === 3) sized(report, `${at}choices.${c}.value`, choice.value, 1, 100);
    }
    if (one.autocomplete === true && (choices.length > 0 || ![3, 4, 10].includes(type)))
      report(
        `${at}autocomplete`,
        'APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID',
        'Not with choices, and only for text and numbers',
      );
    if (
      type === 3 &&
      (whole(one.min_length) > 6000 ||
        (one.max_length !== undefined && (whole(one.max_length) < 1 || whole(one.max_length) > 6000)))
    )
      report(`${at}max_length`, 'NUMBER_TYPE_MAX', 'Lengths lie between 0 and 6000.');
  }
}

/** Discord adds up names, descriptions and values; of each the longest translation. */
function weight(one: Json): number {
  const longest = (value: unknown, others: unknown): number =>
    Math.max(text(value).length, ...Object.values(object(others)).map((other) => text(other).length));
  return (
    longest(one.name, one.name_localizations) +
    longest(one.description, one.description_localizations) +
    text(one.value).length +
    [...objects(one.options), ...objects(one.choices)].reduce((sum, child) => sum + weight(child), 0)
  );
}

export function commandProblems(body: Json, path = ''): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (at, code, message) => problems.push({ path: at, code, message });
  const type = body.type === undefined ? 1 : whole(body.type);
  if (type < 1 || type > 3) report(`${path}type`, 'BASE_TYPE_CHOICES', 'Value must be one of {1, 2, 3}.');
  named(report, path, body, type);
  const list = objects(body.options);
  if (type !== 1 && list.length > 0)
    report(`${path}options`, 'APPLICATION_COMMAND_OPTIONS_NOT_ALLOWED', 'Context menu commands have no options');
  if (type === 1) options(report, `${path}options.`, list, 0);
  if (weight(body) > 8000) report(path, 'APPLICATION_COMMAND_TOO_LARGE', 'Command exceeds maximum size of 8000');
  const permissions = body.default_member_permissions;
  if (permissions !== undefined && permissions !== null && !/^\d+$/.test(text(permissions)))
    report(`${path}default_member_permissions`, 'BITSET_INVALID', 'A bit set is a decimal number in a string.');
  for (const [key, most] of [
    ['contexts', 2],
    ['integration_types', 1],
  ] as const) {
    const values = body[key];
    if (values === undefined || values === null) continue;
    const right = Array.isArray(values) && values.length > 0 && new Set(values).size === values.length;
    if (!right || !values.every((value) => Number.isInteger(value) && value >= 0 && value <= most))
      report(`${path}${key}`, 'BASE_TYPE_CHOICES', `Values lie between 0 and ${most}, each once.`);
  }
  return problems;
}

/** 100 slash commands, 15 of each context menu. */
const MOST: Readonly<Record<number, number>> = { 1: 100, 2: 15, 3: 15 };

export function createCommands(world: World): Commands {
  const lists = new Map<string, Json[]>();
  const counts = { puts: 0, creates: 0 };
  const list = (guild?: string): Json[] => lists.get(guild ?? '') ?? [];
  const same = (one: Json, other: Json): boolean => one.name === other.name && (one.type ?? 1) === (other.type ?? 1);

  function stored(guild: string | undefined, body: Json): { command: Json; created: boolean } {
    const old = list(guild).find((one) => same(one, body));
    if (old === undefined) counts.creates += 1;
    const command: Json = {
      type: 1,
      description: '',
      default_member_permissions: null,
      nsfw: false,
      integration_types: [0],
      contexts: null,
      ...body,
      dm_permission: true,
      id: old?.id ?? world.newId(),
      application_id: world.application,
      version: world.newId(),
      ...(guild === undefined ? {} : { guild_id: guild }),
    };
    return { command, created: old === undefined };
  }
  function limits(bodies: readonly Json[]): void {
    const problems: Problem[] = [];
    for (const [type, most] of Object.entries(MOST))
      if (bodies.filter((one) => (one.type ?? 1) === Number(type)).length > most)
        problems.push({
          path: '',
          code: 'APPLICATION_COMMAND_MAX',
          message: `Maximum number of commands reached (${most})`,
        });
    for (const [n, one] of bodies.entries())
      if (bodies.slice(0, n).some((other) => same(one, other)))
        problems.push({
          path: `${n}`,
          code: 'APPLICATION_COMMANDS_DUPLICATE_NAME',
          message: 'Application command names must be unique',
        });
    if (problems.length > 0) throw invalidForm(problems);
  }
  return {
    list,
    counts,
    replace(guild, value) {
      counts.puts += 1;
      const bodies = objects(value);
      if (!Array.isArray(value) || bodies.length !== value.length)
        throw invalidForm([
          { path: '', code: 'LIST_TYPE_CONVERT', message: 'Only iterables may be used in a ListType' },
        ]);
      const problems = bodies.flatMap((body, n) => commandProblems(body, `${n}.`));
      if (problems.length > 0) throw invalidForm(problems);
      limits(bodies);
      const made = bodies.map((body) => stored(guild, body).command);
      lists.set(guild ?? '', made);
      world.changed();
      return made;
    },
    put(guild, value) {
      counts.puts += 1;
      const body = object(value);
      const problems = commandProblems(body);
      if (problems.length > 0) throw invalidForm(problems);
      const others = list(guild).filter((one) => !same(one, body));
      limits([...others, body]);
      const result = stored(guild, body);
      lists.set(guild ?? '', [...others, result.command]);
      world.changed();
      return result;
    },
    remove(guild, id) {
      const left = list(guild).filter((one) => one.id !== id);
      const removed = left.length < list(guild).length;
      lists.set(guild ?? '', left);
      return removed;
    },
  };
}
