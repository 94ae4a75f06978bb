/**
 * What Slack refuses, read from its reference and written down independently of the renderer: each problem in words, none
 * for a payload that Slack would take. (docs.slack.dev/reference/block-kit, /reference/methods/chat.postMessage)
 */

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const BLOCK_KEYS: Readonly<Record<string, readonly string[]>> = {
  header: ['text'],
  divider: [],
  section: ['text', 'fields', 'accessory', 'expand'],
  context: ['elements'],
  image: ['image_url', 'slack_file', 'alt_text', 'title'],
  actions: ['elements'],
  input: ['label', 'element', 'hint', 'optional', 'dispatch_action'],
  rich_text: ['elements'],
  table: ['rows', 'column_settings'],
};

const ELEMENT_KEYS: Readonly<Record<string, readonly string[]>> = {
  button: ['text', 'value', 'url', 'style', 'confirm', 'accessibility_label'],
  static_select: ['placeholder', 'options', 'option_groups', 'initial_option', 'confirm', 'focus_on_load'],
  multi_static_select: [
    'placeholder',
    'options',
    'option_groups',
    'initial_options',
    'max_selected_items',
    'confirm',
    'focus_on_load',
  ],
  external_select: ['placeholder', 'initial_option', 'min_query_length', 'confirm', 'focus_on_load'],
  multi_external_select: [
    'placeholder',
    'initial_options',
    'min_query_length',
    'max_selected_items',
    'confirm',
    'focus_on_load',
  ],
  plain_text_input: [
    'initial_value',
    'multiline',
    'min_length',
    'max_length',
    'placeholder',
    'dispatch_action_config',
    'focus_on_load',
  ],
};

function checker() {
  const problems: string[] = [];
  const say = (where: string, what: string): void => void problems.push(`${where}: ${what}`);

  /** A string of 1 to `most` UTF-16 units (or 0 to), well-formed. */
  const text = (where: string, value: unknown, most: number, least = 1): void => {
    if (typeof value !== 'string') {
      say(where, 'is not a string');
      return;
    }
    if (value.length < least) say(where, `has ${value.length} characters, fewer than ${least}`);
    if (value.length > most) say(where, `has ${value.length} characters, more than ${most}`);
    if (!value.isWellFormed()) say(where, 'has half a character');
    if (value.includes('\0')) say(where, 'has a NUL');
  };

  const keys = (where: string, value: Json, allowed: readonly string[]): void => {
    for (const key of Object.keys(value)) if (!allowed.includes(key)) say(where, `has an unknown key "${key}"`);
    for (const [key, one] of Object.entries(value))
      if (one === undefined || one === null) say(where, `"${key}" is empty`);
  };

  const textObject = (where: string, value: unknown, most: number, only?: 'plain_text'): void => {
    if (!isObject(value)) {
      say(where, 'is not a text object');
      return;
    }
    if (value.type !== 'plain_text' && (only || value.type !== 'mrkdwn')) say(where, `has type ${String(value.type)}`);
    keys(where, value, value.type === 'plain_text' ? ['type', 'text', 'emoji'] : ['type', 'text', 'verbatim']);
    text(`${where}.text`, value.text, most);
  };

  const option = (where: string, value: unknown): void => {
    if (!isObject(value)) {
      say(where, 'is not an option');
      return;
    }
    keys(where, value, ['text', 'value', 'description', 'url']);
    textObject(`${where}.text`, value.text, 75, 'plain_text');
    text(`${where}.value`, value.value, 150);
    if (value.description !== undefined) textObject(`${where}.description`, value.description, 75, 'plain_text');
  };

  const options = (where: string, value: unknown, most = 100): void => {
    const all = list(value);
    if (all.length === 0 || all.length > most) say(where, `has ${all.length} options`);
    all.forEach((one, index) => {
      option(`${where}[${index}]`, one);
    });
    const values = all.map((one) => (isObject(one) ? one.value : ''));
    if (new Set(values).size < values.length) say(where, 'has the same value twice');
  };

  const actionIds = new Set<unknown>();

  const element = (where: string, value: unknown, place: 'actions' | 'input'): void => {
    if (!isObject(value)) {
      say(where, 'is not an element');
      return;
    }
    const type = String(value.type);
    const allowed = ELEMENT_KEYS[type];
    if (allowed === undefined) {
      say(where, `has the unknown type ${type}`);
      return;
    }
    keys(where, value, ['type', 'action_id', ...allowed]);
    text(`${where}.action_id`, value.action_id, 255);
    if (place === 'actions') {
      if (actionIds.has(value.action_id)) say(where, `the action id ${String(value.action_id)} is used twice`);
      actionIds.add(value.action_id);
    }
    if (type === 'button') {
      if (place === 'input') say(where, 'a button is no input');
      textObject(`${where}.text`, value.text, 75, 'plain_text');
      if (value.value !== undefined) text(`${where}.value`, value.value, 2000);
      if (value.url !== undefined) {
        text(`${where}.url`, value.url, 3000);
        if (!/^https?:\/\//i.test(String(value.url))) say(where, 'the URL is not one of the web');
      }
      if (value.style !== undefined && value.style !== 'primary' && value.style !== 'danger')
        say(where, 'has an unknown style');
      return;
    }
    if (type === 'plain_text_input') {
      if (place === 'actions') say(where, 'a text input does not stand among actions');
      const most = typeof value.max_length === 'number' ? value.max_length : 3000;
      if (most < 1 || most > 3000) say(where, `max_length is ${most}`);
      if (value.initial_value !== undefined) text(`${where}.initial_value`, value.initial_value, most, 0);
      if (value.placeholder !== undefined) textObject(`${where}.placeholder`, value.placeholder, 150, 'plain_text');
      return;
    }
    if (value.placeholder !== undefined) textObject(`${where}.placeholder`, value.placeholder, 150, 'plain_text');
    if (type.endsWith('static_select')) options(`${where}.options`, value.options);
    const same = (one: unknown): boolean =>
      list(value.options).some((other) => JSON.stringify(other) === JSON.stringify(one));
    for (const one of [
      ...(value.initial_option === undefined ? [] : [value.initial_option]),
      ...list(value.initial_options),
    ]) {
      option(`${where}.initial_option`, one);
      if (type.endsWith('static_select') && !same(one)) say(where, 'the initial option is none of the options');
    }
    if (value.initial_options !== undefined && list(value.initial_options).length === 0)
      say(where, 'initial_options is empty');
  };

  const richElement = (where: string, value: unknown): number => {
    if (!isObject(value)) {
      say(where, 'is not an element');
      return 0;
    }
    if (isObject(value.style)) keys(`${where}.style`, value.style, ['bold', 'italic', 'strike', 'code']);
    switch (value.type) {
      case 'text':
        keys(where, value, ['type', 'text', 'style']);
        text(`${where}.text`, value.text, 3000);
        return String(value.text).length;
      case 'link':
        keys(where, value, ['type', 'url', 'text', 'style', 'unsafe']);
        text(`${where}.url`, value.url, 3000);
        return String(value.text ?? value.url).length;
      case 'date':
        keys(where, value, ['type', 'timestamp', 'format', 'url', 'fallback', 'style']);
        if (!Number.isInteger(value.timestamp)) say(where, 'the timestamp is no whole number');
        text(`${where}.format`, value.format, 255);
        if (!/\{\w+\}/.test(String(value.format))) say(where, 'the format shows no date');
        text(`${where}.fallback`, value.fallback, 255);
        return 20;
      default:
        // Mentions, broadcasts and emoji are possible in Slack and never meant by Keepsake.
        say(where, `has the type ${String(value.type)}`);
        return 0;
    }
  };

  const richText = (where: string, value: Json): number => {
    const sections = list(value.elements);
    if (sections.length === 0) say(where, 'has no elements');
    return sections.reduce<number>((sum, section, index) => {
      if (!isObject(section) || !/^rich_text_(section|preformatted|quote)$/.test(String(section.type))) {
        say(`${where}[${index}]`, 'is no section');
        return sum;
      }
      const elements = list(section.elements);
      if (elements.length === 0) say(`${where}[${index}]`, 'is empty');
      return sum + elements.reduce<number>((all, one, at) => all + richElement(`${where}[${index}][${at}]`, one), 0);
    }, 0);
  };

  let tableText = 0;
  let tables = 0;
  const table = (where: string, value: Json): number => {
    const before = tableText;
    tables++;
    const rows = list(value.rows);
    if (rows.length === 0 || rows.length > 100) say(where, `has ${rows.length} rows`);
    const width = list(rows[0]).length;
    rows.forEach((row, index) => {
      const cells = list(row);
      if (cells.length === 0 || cells.length > 20) say(`${where}.rows[${index}]`, `has ${cells.length} cells`);
      if (cells.length !== width) say(`${where}.rows[${index}]`, `has ${cells.length} cells, the head has ${width}`);
      cells.forEach((cell, at) => {
        const here = `${where}.rows[${index}][${at}]`;
        if (!isObject(cell)) {
          say(here, 'is not a cell');
          return;
        }
        if (cell.type === 'raw_text') {
          keys(here, cell, ['type', 'text']);
          text(here, cell.text, 2000);
          tableText += String(cell.text).length;
        } else if (cell.type === 'rich_text') tableText += richText(here, cell);
        else say(here, `has the type ${String(cell.type)}`);
      });
    });
    if (list(value.column_settings).length > 20) say(where, 'has too many column settings');
    return tableText - before;
  };

  /** Answers the characters that a reader sees. */
  const blocks = (value: unknown, where: { most: number; home: boolean; modal: boolean }): number => {
    const all = list(value);
    if (!Array.isArray(value)) say('blocks', 'is not a list');
    if (all.length > where.most) say('blocks', `has ${all.length}, more than ${where.most}`);
    const ids = new Set<unknown>();
    const seen = all.reduce<number>((sum, block, index) => {
      const here = `blocks[${index}]`;
      if (!isObject(block)) {
        say(here, 'is not a block');
        return sum;
      }
      const type = String(block.type);
      const allowed = BLOCK_KEYS[type];
      if (allowed === undefined) {
        say(here, `has the unknown type ${type}`);
        return sum;
      }
      keys(here, block, ['type', 'block_id', ...allowed]);
      if (block.block_id !== undefined) {
        text(`${here}.block_id`, block.block_id, 255);
        if (ids.has(block.block_id)) say(here, `the block id ${String(block.block_id)} is used twice`);
        ids.add(block.block_id);
      }
      switch (type) {
        case 'header':
          textObject(`${here}.text`, block.text, 150, 'plain_text');
          return sum;
        case 'section': {
          const fields = list(block.fields);
          if (block.text === undefined && fields.length === 0) say(here, 'has neither text nor fields');
          if (block.text !== undefined) textObject(`${here}.text`, block.text, 3000);
          if (fields.length > 10) say(here, `has ${fields.length} fields`);
          fields.forEach((field, at) => {
            textObject(`${here}.fields[${at}]`, field, 2000);
          });
          return sum + JSON.stringify([block.text, fields]).length;
        }
        case 'context': {
          const elements = list(block.elements);
          if (elements.length === 0 || elements.length > 10) say(here, `has ${elements.length} elements`);
          elements.forEach((one, at) => {
            if (!isObject(one) || one.type !== 'image') textObject(`${here}.elements[${at}]`, one, 2000);
          });
          return sum + elements.reduce<number>((all, one) => all + (isObject(one) ? String(one.text).length : 0), 0);
        }
        case 'image':
          text(`${here}.alt_text`, block.alt_text, 2000);
          if ((block.image_url === undefined) === (block.slack_file === undefined)) say(here, 'needs one picture');
          return sum;
        case 'actions': {
          const elements = list(block.elements);
          if (elements.length === 0 || elements.length > 25) say(here, `has ${elements.length} elements`);
          elements.forEach((one, at) => {
            element(`${here}.elements[${at}]`, one, 'actions');
          });
          return sum;
        }
        case 'input':
          if (!where.modal) say(here, 'inputs belong in modals');
          textObject(`${here}.label`, block.label, 2000, 'plain_text');
          if (block.hint !== undefined) textObject(`${here}.hint`, block.hint, 2000, 'plain_text');
          element(`${here}.element`, block.element, 'input');
          return sum;
        case 'rich_text':
          return sum + richText(here, block);
        case 'table':
          if (where.home || where.modal) say(here, 'tables belong in messages');
          return sum + table(here, block);
        default:
          return sum;
      }
    }, 0);
    if (tables > 1) say('blocks', `has ${tables} tables, a message takes one`);
    if (tableText > 10_000) say('blocks', `its tables have ${tableText} characters, more than 10,000`);
    return seen;
  };

  return { problems, say, text, keys, textObject, blocks };
}

/** Problems of a message: `chat.postMessage`, `chat.update`, `chat.postEphemeral`, a `response_url` body. */
export function slackProblems(payload: unknown): string[] {
  const check = checker();
  if (!isObject(payload)) return ['the message is not an object'];
  if (typeof payload.text !== 'string' || payload.text.trim() === '')
    check.say('text', 'is missing: nobody hears the blocks');
  else check.text('text', payload.text, 4000);
  if (/<[!@#]|<\S+\|/.test(String(payload.text))) check.say('text', 'mentions or links');
  if (payload.blocks !== undefined) {
    const seen = check.blocks(payload.blocks, { most: 50, home: false, modal: false });
    if (seen > 13_000) check.say('blocks', `have ${seen} characters: msg_blocks_too_long`);
  }
  return check.problems;
}

/** Problems of a view: `views.open`, `views.update`, `views.push` (modals) and `views.publish` (home). */
export function slackViewProblems(view: unknown): string[] {
  const check = checker();
  if (!isObject(view)) return ['the view is not an object'];
  const modal = view.type === 'modal';
  if (!modal && view.type !== 'home') check.say('type', `is ${String(view.type)}`);
  const own = ['type', 'blocks', 'private_metadata', 'callback_id', 'external_id'];
  check.keys('view', view, modal ? [...own, 'title', 'submit', 'close', 'clear_on_close', 'notify_on_close'] : own);
  if (modal) {
    check.textObject('title', view.title, 24, 'plain_text');
    if (view.submit !== undefined) check.textObject('submit', view.submit, 24, 'plain_text');
    if (view.close !== undefined) check.textObject('close', view.close, 24, 'plain_text');
    const inputs = list(view.blocks).some((block) => isObject(block) && block.type === 'input');
    if (inputs && view.submit === undefined) check.say('submit', 'is missing, there is something to fill in');
  }
  if (view.private_metadata !== undefined) check.text('private_metadata', view.private_metadata, 3000, 0);
  if (view.callback_id !== undefined) check.text('callback_id', view.callback_id, 255);
  if (list(view.blocks).length === 0) check.say('blocks', 'is empty');
  check.blocks(view.blocks, { most: 100, home: !modal, modal });
  return check.problems;
}
