/** What Discord refuses in a message or a modal: lengths, counts, what may stand inside what. */
import { isObject, type Json, object, objects, type Problem, text, whole } from './json.ts';
import { deep, FLAG, parts } from './shapes.ts';

const BUTTON = 2;
const TEXT = 10;
const SELECTS = [3, 5, 6, 7, 8];
const INPUTS = [...SELECTS, 4, 19, 21, 22, 23];
/** What may stand where; 0 is the message itself. */
const CHILDREN: Readonly<Record<number, readonly number[]>> = {
  0: [1, 9, 10, 12, 13, 14, 17],
  1: [BUTTON, ...SELECTS],
  9: [TEXT],
  17: [1, 9, 10, 12, 13, 14],
};

export type Report = (path: string, code: string, message: string) => void;

const characters = (value: string): number => [...value].length;

/** A string of this length, or a problem. */
export function sized(report: Report, path: string, value: unknown, least: number, most: number): void {
  if (value === undefined || value === null) {
    if (least > 0) report(path, 'BASE_TYPE_REQUIRED', 'This field is required');
  } else if (typeof value !== 'string') report(path, 'STRING_TYPE_CONVERT', 'Could not interpret as string.');
  else if (characters(value) < least || characters(value) > most)
    report(path, 'BASE_TYPE_BAD_LENGTH', `Must be between ${least} and ${most} in length.`);
}

function counted(report: Report, path: string, list: unknown, least: number, most: number): void {
  const many = Array.isArray(list) ? list.length : 0;
  if (many < least || many > most)
    report(path, 'BASE_TYPE_BAD_LENGTH', `Must be between ${least} and ${most} in length.`);
}

function webAddress(report: Report, path: string, value: unknown, schemes: readonly string[], most: number): void {
  sized(report, path, value, 1, most);
  const scheme = /^([a-z]+):\/\/./.exec(text(value))?.[1] ?? '';
  if (!schemes.includes(scheme))
    report(path, 'URL_TYPE_INVALID_SCHEME', `Scheme must be one of ${schemes.join(', ')}.`);
}

function button(report: Report, path: string, one: Json): void {
  const style = whole(one.style);
  sized(report, `${path}.label`, one.label, 0, 80);
  if (style < 1 || style > 5) report(`${path}.style`, 'BASE_TYPE_CHOICES', 'Value must be one of (1, 2, 3, 4, 5).');
  if (!text(one.label) && !isObject(one.emoji))
    report(path, 'BUTTON_COMPONENT_MISSING_LABEL_OR_EMOJI', 'A button must have a label or an emoji.');
  if (style === 5) {
    webAddress(report, `${path}.url`, one.url, ['http', 'https', 'discord'], 512);
    if (one.custom_id !== undefined)
      report(path, 'BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE', 'A link has no custom id.');
  } else {
    sized(report, `${path}.custom_id`, one.custom_id, 1, 100);
    if (one.url !== undefined)
      report(path, 'BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE', 'Only a link has a url.');
  }
}

function choosing(report: Report, path: string, one: Json, inModal: boolean): void {
  sized(report, `${path}.custom_id`, one.custom_id, 1, 100);
  sized(report, `${path}.placeholder`, one.placeholder ?? undefined, 0, 150);
  if (inModal && one.disabled) report(`${path}.disabled`, 'MODAL_DISABLED', 'Nothing in a modal can be disabled.');
  if (one.type !== 3 && one.type !== 21 && one.type !== 22) return;
  counted(report, `${path}.options`, one.options, one.type === 21 ? 2 : 1, one.type === 3 ? 25 : 10);
  const seen = new Set<string>();
  for (const [n, option] of objects(one.options).entries()) {
    const at = `${path}.options.${n}`;
    sized(report, `${at}.label`, option.label, 1, 100);
    sized(report, `${at}.value`, option.value, 1, 100);
    sized(report, `${at}.description`, option.description ?? undefined, 0, 100);
    if (seen.has(text(option.value)))
      report(`${at}.value`, 'SELECT_COMPONENT_OPTION_VALUE_DUPLICATED', 'The specified option value is already used');
    seen.add(text(option.value));
  }
  const many = objects(one.options).length;
  const least = one.min_values === undefined ? 1 : whole(one.min_values);
  const most = one.max_values === undefined ? 1 : whole(one.max_values);
  if (least < 0 || least > 25 || least > most)
    report(`${path}.min_values`, 'NUMBER_TYPE_MAX', 'min_values is out of range.');
  if (inModal && least === 0 && one.required !== false)
    report(`${path}.min_values`, 'NUMBER_TYPE_MIN', 'A required select asks for one value at least.');
  if (most < 1 || most > Math.max(many, 1))
    report(`${path}.max_values`, 'SELECT_COMPONENT_MAX_VALUES', 'More values than there are options.');
}

function oneComponent(report: Report, path: string, one: Json, inside: number): void {
  const type = whole(one.type);
  if (!CHILDREN[inside]?.includes(type)) {
    report(`${path}.type`, 'UNION_TYPE_CHOICES', `A component of type ${type} cannot stand here.`);
    return;
  }
  if (type === BUTTON) button(report, path, one);
  if (SELECTS.includes(type)) choosing(report, path, one, false);
  if (type === TEXT) sized(report, `${path}.content`, one.content, 1, 4000);
  if (type === 1) {
    counted(report, `${path}.components`, one.components, 1, 5);
    const children = objects(one.components);
    if (children.length > 1 && children.some((child) => child.type !== BUTTON))
      report(
        `${path}.components`,
        'COMPONENT_LAYOUT_WIDTH_EXCEEDED',
        'The specified component exceeds the maximum width',
      );
  }
  if (type === 9) {
    counted(report, `${path}.components`, one.components, 1, 3);
    const accessory = object(one.accessory);
    if (accessory.type === BUTTON) button(report, `${path}.accessory`, accessory);
    else if (accessory.type === 11) media(report, `${path}.accessory`, accessory);
    else report(`${path}.accessory`, 'BASE_TYPE_REQUIRED', 'A section needs a button or a thumbnail beside it.');
  }
  if (type === 12) {
    counted(report, `${path}.items`, one.items, 1, 10);
    for (const [n, item] of objects(one.items).entries()) media(report, `${path}.items.${n}`, item);
  }
  if (type === 13) webAddress(report, `${path}.file.url`, object(one.file).url, ['attachment'], 2048);
  if (type === 14 && one.spacing !== undefined && one.spacing !== 1 && one.spacing !== 2)
    report(`${path}.spacing`, 'BASE_TYPE_CHOICES', 'Value must be one of (1, 2).');
  if (type === 17) {
    counted(report, `${path}.components`, one.components, 1, 40);
    const colour = one.accent_color;
    if (colour !== undefined && colour !== null && (typeof colour !== 'number' || colour < 0 || colour > 0xffffff))
      report(`${path}.accent_color`, 'NUMBER_TYPE_MAX', 'int value should be between 0 and 16777215.');
  }
  if (CHILDREN[type] !== undefined)
    for (const [n, child] of objects(one.components).entries())
      oneComponent(report, `${path}.components.${n}`, child, type);
}

function media(report: Report, path: string, one: Json): void {
  webAddress(report, `${path}.media.url`, object(one.media).url, ['http', 'https', 'attachment'], 2048);
  sized(report, `${path}.description`, one.description ?? undefined, 0, 1024);
}

function unique(report: Report, components: readonly Json[]): void {
  for (const key of ['custom_id', 'id']) {
    const seen = new Set<unknown>();
    for (const one of deep(components)) {
      const value = one[key];
      if (value === undefined || value === 0) continue;
      if (seen.has(value))
        report(
          'components',
          'COMPONENT_CUSTOM_ID_DUPLICATED',
          `Component ${key} cannot be duplicated: ${String(value)}`,
        );
      seen.add(value);
    }
  }
}

/** A whole message as it would be stored: after an edit, what is kept is part of it. */
export interface Draft {
  content: string;
  embeds: readonly Json[];
  components: readonly Json[];
  flags: number;
  /** Names of the files that hang on it. */
  files: readonly string[];
}

const collect = (work: (report: Report) => void): Problem[] => {
  const problems: Problem[] = [];
  work((path, code, message) => problems.push({ path, code, message }));
  return problems;
};

export const messageProblems = (draft: Draft): Problem[] =>
  collect((report) => {
    const { components, files } = draft;
    counted(report, 'attachments', files, 0, 10);
    unique(report, components);
    for (const one of deep(components)) {
      const urls = [one.file, one.media, ...objects(one.items).map((item) => item.media)].map(
        (part) => object(part).url,
      );
      for (const name of urls.map(text).filter((url) => url.startsWith('attachment://')))
        if (!files.includes(name.slice('attachment://'.length)))
          report('components', 'ATTACHMENT_NOT_FOUND', `The referenced attachment was not found: ${name}`);
    }
    if ((draft.flags & FLAG.componentsV2) === 0) {
      sized(report, 'content', draft.content, 0, 2000);
      counted(report, 'embeds', draft.embeds, 0, 10);
      counted(report, 'components', components, 0, 5);
      for (const [n, one] of components.entries())
        if (one.type === 1) oneComponent(report, `components.${n}`, one, 0);
        else report(`components.${n}.type`, 'UNION_TYPE_CHOICES', 'Value of field "type" must be one of (1,).');
      return;
    }
    const old = 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2';
    const field = (name: string): void =>
      report(name, old, `The '${name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`);
    if (draft.content !== '') field('content');
    if (draft.embeds.length > 0) field('embeds');
    const all = deep(components);
    if (all.length > 40) report('components', 'BASE_TYPE_BAD_LENGTH', 'Must be 40 or fewer in length.');
    const length = all.reduce((sum, one) => sum + (one.type === TEXT ? characters(text(one.content)) : 0), 0);
    if (length > 4000)
      report('components', 'COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED', 'The displayable text exceeds 4000 characters.');
    for (const [n, one] of components.entries()) oneComponent(report, `components.${n}`, one, 0);
  });

function field(report: Report, path: string, one: Json): void {
  const type = whole(one.type);
  if (type !== 4) {
    choosing(report, path, one, true);
    return;
  }
  sized(report, `${path}.custom_id`, one.custom_id, 1, 100);
  sized(report, `${path}.placeholder`, one.placeholder ?? undefined, 0, 100);
  sized(report, `${path}.value`, one.value ?? undefined, 0, 4000);
  if (one.style !== 1 && one.style !== 2) report(`${path}.style`, 'BASE_TYPE_CHOICES', 'Value must be one of (1, 2).');
  const least = whole(one.min_length);
  const most = one.max_length === undefined ? 4000 : whole(one.max_length);
  if (least < 0 || least > 4000 || most < 1 || most > 4000 || least > most)
    report(`${path}.max_length`, 'NUMBER_TYPE_MAX', 'Lengths lie between 0 and 4000.');
  const length = characters(text(one.value));
  if (length > most || (length > 0 && length < least))
    report(`${path}.value`, 'BASE_TYPE_BAD_LENGTH', `Must be between ${least} and ${most} in length.`);
}

export const modalProblems = (modal: Json): Problem[] =>
  collect((report) => {
    sized(report, 'custom_id', modal.custom_id, 1, 100);
    sized(report, 'title', modal.title, 1, 45);
    counted(report, 'components', modal.components, 1, 5);
    const components = objects(modal.components);
    unique(report, components);
    for (const [n, one] of components.entries()) {
      const path = `components.${n}`;
      if (one.type === TEXT) sized(report, `${path}.content`, one.content, 1, 4000);
      else if (one.type === 18) {
        sized(report, `${path}.label`, one.label, 1, 45);
        sized(report, `${path}.description`, one.description ?? undefined, 0, 100);
        const inner = object(one.component);
        if (INPUTS.includes(whole(inner.type))) field(report, `${path}.component`, inner);
        else report(`${path}.component`, 'UNION_TYPE_CHOICES', 'A label holds one input.');
      } else if (one.type === 1) {
        const [inner, ...more] = parts(one);
        if (inner?.type !== 4 || more.length > 0)
          report(`${path}.components`, 'UNION_TYPE_CHOICES', 'A row of a modal holds one text input.');
        else {
          sized(report, `${path}.components.0.label`, inner.label, 1, 45);
          field(report, `${path}.components.0`, inner);
        }
      } else report(`${path}.type`, 'UNION_TYPE_CHOICES', 'Value of field "type" must be one of (1, 10, 18).');
    }
  });

export const choiceProblems = (choices: unknown): Problem[] =>
  collect((report) => {
    counted(report, 'data.choices', choices, 0, 25);
    for (const [n, choice] of objects(choices).entries()) {
      sized(report, `data.choices.${n}.name`, choice.name, 1, 100);
      if (typeof choice.value === 'string') sized(report, `data.choices.${n}.value`, choice.value, 1, 100);
      else if (typeof choice.value !== 'number')
        report(`data.choices.${n}.value`, 'BASE_TYPE_REQUIRED', 'This field is required');
    }
  });
