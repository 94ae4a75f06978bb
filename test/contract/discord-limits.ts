/**
 * What Discord refuses, read from its reference and written down independently of the renderer: each problem in words, none
 * for a payload that Discord would take. (docs.discord.com/developers/components/reference, /resources/message)
 */

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const V2 = 1 << 15;

const KEYS: Readonly<Record<number, readonly string[]>> = {
  1: ['components'],
  2: ['style', 'label', 'emoji', 'custom_id', 'url', 'disabled', 'sku_id'],
  3: ['custom_id', 'options', 'placeholder', 'min_values', 'max_values', 'disabled', 'required'],
  4: ['custom_id', 'style', 'label', 'min_length', 'max_length', 'required', 'value', 'placeholder'],
  9: ['components', 'accessory'],
  10: ['content'],
  12: ['items'],
  13: ['file', 'spoiler', 'name', 'size'],
  14: ['divider', 'spacing'],
  17: ['components', 'accent_color', 'spoiler'],
  18: ['label', 'description', 'component'],
};

const NAMES: Readonly<Record<number, string>> = {
  1: 'action row',
  2: 'button',
  3: 'string select',
  4: 'text input',
  9: 'section',
  10: 'text display',
  12: 'media gallery',
  13: 'file',
  14: 'separator',
  17: 'container',
  18: 'label',
};

const TOP = [1, 9, 10, 12, 13, 14, 17];
const IN_CONTAINER = [1, 9, 10, 12, 13, 14];

function checker(attachments: ReadonlySet<string> | undefined) {
  const problems: string[] = [];
  const say = (where: string, what: string): void => void problems.push(`${where}: ${what}`);
  const ids = new Set<string>();
  const referenced = new Set<string>();
  let components = 0;
  let characters = 0;

  const text = (where: string, value: unknown, most: number, least = 1): void => {
    if (typeof value !== 'string') {
      say(where, 'is not a string');
      return;
    }
    if (value.length < least) say(where, `has ${value.length} characters, fewer than ${least}`);
    if (value.length > most) say(where, `has ${value.length} characters, more than ${most}`);
    if (!value.isWellFormed()) say(where, 'has half a character');
    if (value.includes('\0')) say(where, 'has a NUL');
    // Discord trims; an empty rest is refused.
    if (least > 0 && value.length > 0 && value.trim() === '') say(where, 'is blank');
  };

  const customId = (where: string, value: unknown): void => {
    text(where, value, 100);
    if (ids.has(String(value))) say(where, `the custom id ${String(value)} is used twice`);
    ids.add(String(value));
  };

  const media = (where: string, value: unknown): void => {
    const url = isObject(value) ? String(value.url) : '';
    const name = /^attachment:\/\/(.+)$/.exec(url)?.[1];
    if (name === undefined) {
      if (!/^https?:\/\//.test(url)) say(where, `the URL ${url} is no attachment`);
      return;
    }
    referenced.add(name);
    if (!/^[A-Za-z0-9._-]+$/.test(name)) say(where, `Discord would change the name ${name}`);
    if (attachments && !attachments.has(name)) say(where, `no file ${name} comes with the message`);
  };

  const select = (where: string, one: Json, modal: boolean): void => {
    customId(`${where}.custom_id`, one.custom_id);
    const options = list(one.options);
    if (options.length === 0 || options.length > 25) say(where, `has ${options.length} options`);
    const values = new Set<unknown>();
    options.forEach((option, index) => {
      const here = `${where}.options[${index}]`;
      if (!isObject(option)) {
        say(here, 'is not an option');
        return;
      }
      text(`${here}.label`, option.label, 100);
      text(`${here}.value`, option.value, 100);
      if (option.description !== undefined) text(`${here}.description`, option.description, 100);
      if (values.has(option.value)) say(here, 'has a value that another has too');
      values.add(option.value);
    });
    if (one.placeholder !== undefined) text(`${where}.placeholder`, one.placeholder, 150);
    const least = typeof one.min_values === 'number' ? one.min_values : 1;
    const most = typeof one.max_values === 'number' ? one.max_values : 1;
    if (least < 0 || least > 25 || most < 1 || most > options.length || least > most)
      say(where, `takes ${least} to ${most} values`);
    const defaults = options.filter((option) => isObject(option) && option.default === true).length;
    if (defaults > most) say(where, `${defaults} options are chosen, ${most} may be`);
    if (!modal && one.required !== undefined) say(where, '"required" belongs in modals');
    if (modal && one.required === true && least === 0) say(where, 'is required but takes none');
  };

  const button = (where: string, one: Json): void => {
    const link = one.style === 5;
    if (![1, 2, 3, 4, 5].includes(Number(one.style))) say(where, `has the style ${String(one.style)}`);
    if (one.label === undefined && one.emoji === undefined) say(where, 'shows nothing');
    if (one.label !== undefined) text(`${where}.label`, one.label, 80);
    if (link) {
      text(`${where}.url`, one.url, 512);
      if (!/^(https?|discord):\/\//i.test(String(one.url)) || !URL.canParse(String(one.url)))
        say(where, 'the URL is not well formed');
      if (one.custom_id !== undefined) say(where, 'a link has no custom id');
    } else {
      if (one.url !== undefined) say(where, 'only a link has a URL');
      customId(`${where}.custom_id`, one.custom_id);
    }
  };

  const component = (where: string, one: unknown, allowed: readonly number[], modal: boolean): void => {
    if (!isObject(one)) {
      say(where, 'is not a component');
      return;
    }
    const type = Number(one.type);
    components++;
    if (!allowed.includes(type)) {
      say(where, `a ${NAMES[type] ?? `component ${type}`} does not stand here`);
      return;
    }
    for (const key of Object.keys(one))
      if (key !== 'type' && key !== 'id' && !KEYS[type]?.includes(key)) say(where, `has an unknown key "${key}"`);
    switch (type) {
      case 1: {
        const inside = list(one.components);
        const selects = inside.filter((each) => isObject(each) && each.type === 3).length;
        if (inside.length === 0 || inside.length > 5) say(where, `has ${inside.length} components`);
        if (selects > 0 && inside.length > 1) say(where, 'a select stands alone in its row');
        inside.forEach((each, index) => {
          component(`${where}[${index}]`, each, [2, 3], modal);
        });
        return;
      }
      case 2:
        button(where, one);
        return;
      case 3:
        select(where, one, modal);
        return;
      case 4: {
        customId(`${where}.custom_id`, one.custom_id);
        if (one.style !== 1 && one.style !== 2) say(where, `has the style ${String(one.style)}`);
        const most = typeof one.max_length === 'number' ? one.max_length : 4000;
        if (most < 1 || most > 4000) say(where, `max_length is ${most}`);
        if (one.value !== undefined) text(`${where}.value`, one.value, most, 0);
        if (one.placeholder !== undefined) text(`${where}.placeholder`, one.placeholder, 100);
        return;
      }
      case 9: {
        const inside = list(one.components);
        if (inside.length === 0 || inside.length > 3) say(where, `has ${inside.length} texts`);
        inside.forEach((each, index) => {
          component(`${where}[${index}]`, each, [10], modal);
        });
        component(`${where}.accessory`, one.accessory, [2, 11], modal);
        return;
      }
      case 10:
        text(`${where}.content`, one.content, 4000);
        characters += String(one.content).length;
        return;
      case 12: {
        const items = list(one.items);
        if (items.length === 0 || items.length > 10) say(where, `has ${items.length} pictures`);
        items.forEach((item, index) => {
          if (!isObject(item)) {
            say(`${where}[${index}]`, 'is not a picture');
            return;
          }
          media(`${where}[${index}]`, item.media);
          text(`${where}[${index}].description`, item.description, 1024);
        });
        return;
      }
      case 13:
        media(where, one.file);
        return;
      case 17: {
        const inside = list(one.components);
        if (inside.length === 0) say(where, 'is empty');
        const colour = one.accent_color;
        if (colour !== undefined && (!Number.isInteger(colour) || Number(colour) < 0 || Number(colour) > 0xffffff))
          say(where, 'has no colour');
        inside.forEach((each, index) => {
          component(`${where}[${index}]`, each, IN_CONTAINER, modal);
        });
        return;
      }
      case 18:
        text(`${where}.label`, one.label, 45);
        if (one.description !== undefined) text(`${where}.description`, one.description, 100);
        component(`${where}.component`, one.component, [3, 4], modal);
        return;
      default:
        return;
    }
  };

  return {
    problems,
    say,
    text,
    component,
    referenced,
    totals: () => ({ components, characters }),
  };
}

/**
 * Problems of a message body with `flags` IS_COMPONENTS_V2, or of a plain one with `content`. `attachments` (with
 * `filename`) or `files` (with `name`) are what `attachment://` may name.
 */
export function discordProblems(payload: unknown): string[] {
  if (!isObject(payload)) return ['the message is not an object'];
  const named = [...list(payload.attachments), ...list(payload.files)].filter(isObject);
  const names = named.map((file) => String(file.filename ?? file.name));
  const check = checker(payload.attachments === undefined && payload.files === undefined ? undefined : new Set(names));
  const v2 = (Number(payload.flags ?? 0) & V2) !== 0;
  const all = list(payload.components);
  if (v2) {
    for (const key of ['content', 'embeds', 'poll', 'sticker_ids'])
      if (payload[key] !== undefined && payload[key] !== null) check.say(key, 'cannot be used with components v2');
    if (all.length === 0) check.say('components', 'is empty');
    all.forEach((one, index) => {
      check.component(`components[${index}]`, one, TOP, false);
    });
    const { components, characters } = check.totals();
    if (components > 40) check.say('components', `has ${components}, more than 40`);
    if (characters > 4000) check.say('components', `has ${characters} characters of text, more than 4000`);
  } else {
    if (
      typeof payload.content !== 'string' &&
      list(payload.embeds).length === 0 &&
      all.length === 0 &&
      named.length === 0
    )
      check.say('content', 'is empty (50006)');
    if (typeof payload.content === 'string')
      check.text('content', payload.content, 2000, all.length + named.length > 0 ? 0 : 1);
    if (all.length > 5) check.say('components', `has ${all.length} rows, more than 5`);
    all.forEach((one, index) => {
      check.component(`components[${index}]`, one, [1], false);
    });
  }
  if (named.length > 10) check.say('files', `has ${named.length}, more than 10`);
  if (new Set(names).size < names.length) check.say('files', 'has the same name twice');
  for (const file of named) {
    const alt = file.description ?? file.alt;
    if (alt !== undefined && alt !== null) check.text('alt', alt, 1024, 0);
    if (file.bytes instanceof Uint8Array && file.bytes.length > 10 * 1024 * 1024)
      check.say('files', `${String(file.name)} is too large`);
  }
  if (v2) for (const name of names) if (!check.referenced.has(name)) check.say('files', `${name} is shown nowhere`);
  const mentions = payload.allowed_mentions;
  if (!isObject(mentions) || list(mentions.parse).length > 0 || !Array.isArray(mentions.parse))
    check.say('allowed_mentions', 'lets a name ring');
  return check.problems;
}

/** Problems of the data of a modal response (interaction callback type 9). */
export function discordModalProblems(data: unknown): string[] {
  if (!isObject(data)) return ['the modal is not an object'];
  const check = checker(undefined);
  check.text('custom_id', data.custom_id, 100);
  check.text('title', data.title, 45);
  const all = list(data.components);
  if (all.length === 0 || all.length > 5) check.say('components', `has ${all.length}, a modal takes 1 to 5`);
  all.forEach((one, index) => {
    check.component(`components[${index}]`, one, [10, 18], true);
  });
  return check.problems;
}
