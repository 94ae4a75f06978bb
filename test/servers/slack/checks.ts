/** What Slack refuses in messages and views before anybody sees them. (docs.slack.dev/reference/block-kit) */
import type { Fields, SlackMessage } from './types.ts';
import { INTERACTIVE, isFields, list, said, word } from './world.ts';

const BLOCKS =
  /^(actions|alert|call|context|context_actions|divider|file|header|image|input|markdown|plan|rich_text|section|table|task_card|video)$/;

const within = (what: string, text: unknown, most: number, least = 1): string[] => {
  if (typeof text !== 'string') return [`${what} is missing`];
  if (text.length < least) return [`${what} is empty`];
  return text.length > most ? [`${what} has ${text.length} characters, ${most} are allowed`] : [];
};

const optionProblems = (where: string, options: unknown): string[] => {
  if (!Array.isArray(options)) return [];
  const found = options.length > 100 ? [`${where} has ${options.length} options, 100 are allowed`] : [];
  for (const option of list(options)) {
    found.push(...within(`${where}: an option's text`, said(option.text), 75));
    found.push(...within(`${where}: an option's value`, option.value, 150));
  }
  return found;
};

function elementProblems(where: string, element: Fields): string[] {
  const found: string[] = [];
  if (element.action_id !== undefined) found.push(...within(`${where}: action_id`, element.action_id, 255));
  if (element.type === 'button') {
    found.push(...within(`${where}: a button's text`, said(element.text), 75));
    if (isFields(element.text) && element.text.type !== 'plain_text') found.push(`${where}: a button's text is plain`);
    if (element.value !== undefined) found.push(...within(`${where}: a button's value`, element.value, 2000));
    if (element.style !== undefined && !/^(primary|danger)$/.test(word(element.style)))
      found.push(`${where}: style ${word(element.style)}`);
  }
  found.push(...optionProblems(where, element.options));
  if (/static_select$/.test(word(element.type)) && element.options === undefined && element.option_groups === undefined)
    found.push(`${where}: a menu without options`);
  if (Array.isArray(element.options) && element.options.length === 0) found.push(`${where}: a menu without options`);
  if (element.placeholder !== undefined) found.push(...within(`${where}: placeholder`, said(element.placeholder), 150));
  if (element.type === 'image') found.push(...within(`${where}: alt_text`, element.alt_text, 2000));
  return found;
}

function blockProblems(block: Fields, index: number): string[] {
  const type = word(block.type);
  const where = `/blocks/${index} (${type})`;
  if (!BLOCKS.test(type)) return [`${where}: unknown type`];
  const found: string[] = [];
  if (block.block_id !== undefined) found.push(...within(`${where}: block_id`, block.block_id, 255));
  const elements = list(block.elements);
  if (type === 'section') {
    if (block.text === undefined && block.fields === undefined) found.push(`${where}: neither text nor fields`);
    if (block.text !== undefined) found.push(...within(`${where}: text`, said(block.text), 3000));
    const fields = list(block.fields);
    if (fields.length > 10) found.push(`${where}: ${fields.length} fields, 10 are allowed`);
    for (const field of fields) found.push(...within(`${where}: a field`, said(field), 2000));
    if (isFields(block.accessory)) found.push(...elementProblems(where, block.accessory));
  }
  if (type === 'header') found.push(...within(`${where}: text`, said(block.text), 150));
  if (type === 'actions' || type === 'context') {
    const most = type === 'actions' ? 25 : 10;
    if (elements.length === 0) found.push(`${where}: no elements`);
    if (elements.length > most) found.push(`${where}: ${elements.length} elements, ${most} are allowed`);
    for (const element of elements) found.push(...elementProblems(where, element));
    const ids = elements.map(({ action_id }) => action_id).filter((id) => id !== undefined);
    if (new Set(ids).size < ids.length) found.push(`${where}: an action_id stands twice`);
  }
  if (type === 'image') {
    found.push(...within(`${where}: alt_text`, block.alt_text, 2000));
    if (block.image_url === undefined && block.slack_file === undefined) found.push(`${where}: no picture`);
  }
  if (type === 'input') {
    found.push(...within(`${where}: label`, said(block.label), 2000));
    if (block.hint !== undefined) found.push(...within(`${where}: hint`, said(block.hint), 2000));
    if (!isFields(block.element) || !INTERACTIVE.test(word(block.element.type))) found.push(`${where}: no element`);
    else found.push(...elementProblems(where, block.element));
  }
  return found;
}

function blocksProblems(blocks: readonly Fields[], most: number): string[] {
  const found = blocks.flatMap(blockProblems);
  if (blocks.length > most) found.push(`${blocks.length} blocks, ${most} are allowed`);
  const ids = blocks.map(({ block_id }) => block_id).filter((id) => id !== undefined);
  if (new Set(ids).size < ids.length) found.push('a block_id stands twice');
  return found;
}

export const messageProblems = (payload: Fields): string[] => blocksProblems(list(payload.blocks), 50);

export function viewProblems(view: Fields): string[] {
  const blocks = list(view.blocks);
  const found = blocksProblems(blocks, 100);
  if (view.type !== 'modal' && view.type !== 'home') found.push(`/type ${word(view.type)}`);
  if (view.type === 'modal') {
    found.push(...within('/title', said(view.title), 24));
    if (view.submit !== undefined) found.push(...within('/submit', said(view.submit), 24));
    if (view.close !== undefined) found.push(...within('/close', said(view.close), 24));
    if (view.submit === undefined && blocks.some(({ type }) => type === 'input'))
      found.push('/submit is missing though there are inputs');
  }
  if (view.private_metadata !== undefined) found.push(...within('/private_metadata', view.private_metadata, 3000, 0));
  if (view.callback_id !== undefined) found.push(...within('/callback_id', view.callback_id, 255, 0));
  return found;
}

/** What is wrong with a message for people who hear it, and with one that replaces another. Never an error for Slack. */
export function manners(method: string, payload: Fields, replaced?: SlackMessage): string[] {
  const found: string[] = [];
  if (word(payload.text).trim() === '' && list(payload.blocks).length > 0)
    found.push(`${method}: no text beside the blocks, nobody hears or is notified of what it says`);
  if (replaced !== undefined && replaced.blocks.length > 0 && payload.blocks === undefined)
    found.push(`${method}: without blocks it removes those that are there`);
  return found;
}
