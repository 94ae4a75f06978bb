/** A reply as a Slack message or a part of the home page. Pure: the same reply and ids give the same JSON. */
import type { Block, Reply } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import {
  type ControlIds,
  choiceControl,
  formControl,
  hiddenWords,
  hide,
  iconOf,
  NO_IDS,
  nothingHidden,
  sentenceOf,
  shorten,
  titleOf,
} from './chat-render.ts';
import { contentBlocks, textOf } from './slack/content-render.ts';
import { button, type ControlItem, options } from './slack/controls-render.ts';
import { plain, richText, SLACK, type SlackBlock, type SlackElement, words } from './slack/json-render.ts';

export { type ControlIds, keepControls, type Pressed } from './chat-render.ts';
export { slackControls, slackPressed } from './slack/controls-render.ts';
export type { SlackBlock } from './slack/json-render.ts';
export { renderSlackModal, type SlackView, slackModalAnswers, slackOptions } from './slack/modal-render.ts';

export interface SlackUpload {
  name: string;
  mime: string;
  bytes: Uint8Array;
  /** For `alt_txt`. */
  alt: string;
}

/**
 * Send `text` and `blocks` together (an update without blocks removes them) and `unfurl_links: false`. `uploads` go up with
 * `files.uploadV2` into the thread of the message, each with `alt` as `alt_txt`; a message that only one person sees takes
 * no files, so there they go to the direct conversation.
 */
export interface SlackMessage {
  text: string;
  blocks: SlackBlock[];
  uploads: SlackUpload[];
}

type Item =
  | { kind: 'controls'; items: ControlItem[] }
  | { kind: 'menu'; block: Extract<Block, { kind: 'choices' }> }
  | { kind: 'content'; block: Block };

const isWebLink = (url: string): boolean =>
  /^https?:\/\//i.test(url) && URL.canParse(url) && url.length <= SLACK.url && visibleLine(url) === url;

/** Neighbouring buttons, forms and links stand in one row; everything keeps its order. */
function itemsOf(reply: Reply, ids: ControlIds): Item[] {
  const items: Item[] = [];
  const add = (block: Block, controls: ControlItem[]): void => {
    const last = items.at(-1);
    // What cannot be carried is shown as a line to type instead.
    if (controls.some((control) => button(control, ids, 0) === undefined)) items.push({ kind: 'content', block });
    else if (last?.kind === 'controls') last.items.push(...controls);
    else if (controls.length > 0) items.push({ kind: 'controls', items: [...controls] });
  };
  for (const block of reply.blocks) {
    if (block.kind === 'choices' && block.menu !== undefined && block.choices.length > 0) {
      items.push(options(reply, block, ids).includes(undefined) ? { kind: 'content', block } : { kind: 'menu', block });
    } else if (block.kind === 'choices') {
      add(
        block,
        block.choices.map((choice) => ({
          kind: 'choice',
          label: choice.label || choice.line,
          control: choiceControl(reply, choice),
          ...(choice.style && { style: choice.style }),
        })),
      );
    } else if (block.kind === 'form') {
      add(block, [{ kind: 'form', label: block.label || block.title, control: formControl(reply, block) }]);
    } else if (block.kind === 'link' && isWebLink(block.url)) {
      add(block, [{ kind: 'link', label: block.label || block.url, url: block.url }]);
    } else {
      items.push({ kind: 'content', block });
    }
  }
  return items;
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));

function titleBlocks(reply: Reply): SlackBlock[] {
  const title = titleOf(reply);
  const full = iconOf(reply) + title;
  const header: SlackBlock = { type: 'header', text: plain(shorten(full, SLACK.header)) };
  return full.length <= SLACK.header ? [header] : [header, richText([words(shorten(title, 600))])];
}

interface Room {
  /** Blocks that may be used. */
  blocks: number;
  /** Home pages take no tables. */
  table: boolean;
  /** The first number of an action id: they are unique on a page. */
  first: number;
}

/** Blocks of one reply, and the next free number for action ids. */
function layout(reply: Reply, ids: ControlIds, room: Room): { blocks: SlackBlock[]; next: number } {
  const blocks = titleBlocks(reply);
  const hidden = nothingHidden();
  let { first: number, table } = room;
  let text = SLACK.text - textOf(blocks);
  let full = false;
  const items = itemsOf(reply, ids);
  const controlsOf = (item: Item): number =>
    item.kind === 'controls' ? item.items.length : item.kind === 'menu' ? item.block.choices.length : 0;
  let waiting = items.reduce((sum, item) => sum + controlsOf(item), 0);
  const late: Item[] = [];
  const place = (made: SlackBlock[], after: number): boolean => {
    // One block for the note, and rows of buttons for every control that is still to come.
    if (blocks.length + made.length + Math.ceil(after / SLACK.actions) + 2 > room.blocks) return false;
    blocks.push(...made);
    return true;
  };
  const rows = (controls: readonly ControlItem[]): SlackBlock[] =>
    chunks(
      controls.map((control) => button(control, ids, number++)).filter((one): one is SlackElement => one !== undefined),
      SLACK.actions,
    ).map((elements) => ({ type: 'actions', elements }));
  for (const item of items) {
    waiting -= controlsOf(item);
    if (item.kind === 'content') {
      const made = full || text < 200 ? [] : contentBlocks(item.block, Math.min(text - 100, 3000), table);
      if (full || text < 200 || !place(made, waiting + late.reduce((sum, one) => sum + controlsOf(one), 0))) {
        full = true;
        hide(hidden, item.block);
        continue;
      }
      if (made.some(({ type }) => type === 'table')) table = false;
      text -= textOf(made);
    } else if (item.kind === 'menu') {
      const all = options(reply, item.block, ids).filter((one) => one !== undefined);
      const made = chunks(all, SLACK.options).map(
        (part): SlackBlock => ({
          type: 'actions',
          elements: [
            {
              type: 'static_select',
              action_id: `line:${number++}`,
              placeholder: plain(shorten(visibleLine(item.block.menu ?? ''), SLACK.placeholder)),
              options: part,
            },
          ],
        }),
      );
      if (full || !place(made, waiting)) late.push(item);
    } else if (full || !place(rows(item.items), waiting)) {
      late.push(item);
    }
  }
  // What was said before these is not shown any more, so they stand together.
  const buttons = late.flatMap((item): ControlItem[] => {
    if (item.kind === 'controls') return item.items;
    if (item.kind !== 'menu') return [];
    return item.block.choices.map((choice) => ({
      kind: 'choice',
      label: choice.label || choice.line,
      control: choiceControl(reply, choice),
    }));
  });
  const left = Math.max(0, room.blocks - blocks.length - 1) * SLACK.actions;
  blocks.push(...rows(buttons.slice(0, left)));
  hidden.controls += Math.max(0, buttons.length - left);
  const note = hiddenWords(hidden);
  if (note !== '') blocks.push({ type: 'context', elements: [plain(note)] });
  return { blocks, next: number };
}

const uploadName = (name: string): string => shorten(visibleLine(name).replace(/[/\\:]/g, '_'), 120) || 'attachment';

function uploadsOf(reply: Reply): SlackUpload[] {
  return reply.blocks.flatMap((block, index): SlackUpload[] => {
    if (block.kind === 'file')
      return [{ name: uploadName(block.name), mime: block.mime, bytes: block.bytes, alt: uploadName(block.name) }];
    if (block.kind !== 'image') return [];
    const type = /^image\/(png|gif|webp|jpeg)$/.exec(block.mime)?.[1] ?? 'jpeg';
    return [
      {
        name: `picture-${index + 1}.${type === 'jpeg' ? 'jpg' : type}`,
        mime: block.mime,
        bytes: block.bytes,
        alt: shorten(visibleLine(block.alt), 1000) || 'Picture',
      },
    ];
  });
}

/** `& < >` are the only characters that mean something in a message's `text`. (docs.slack.dev/messaging/formatting-message-text) */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** `ids`: those of `keepControls(slackControls(reply), ...)`; a control without one is shown as the line to type. */
export function renderSlack(reply: Reply, ids: ControlIds = NO_IDS): SlackMessage {
  const { blocks } = layout(reply, ids, { blocks: SLACK.blocks, table: true, first: 0 });
  return { text: escaped(sentenceOf(reply, 1500)), blocks, uploads: uploadsOf(reply) };
}

/** The home page: each reply below the other. Pictures and files are only named there. */
export function renderSlackHome(
  replies: readonly Reply[],
  ids: ControlIds = NO_IDS,
): { type: 'home'; blocks: SlackBlock[] } {
  const blocks: SlackBlock[] = [];
  let first = 0;
  for (const [index, reply] of replies.entries()) {
    const room = Math.floor((SLACK.viewBlocks - 1 - blocks.length) / (replies.length - index)) - 1;
    // Fewer would not hold a title, a note and something between.
    if (room < 5) {
      blocks.push({
        type: 'context',
        elements: [plain(`and ${replies.length - index} more. The terminal shows all.`)],
      });
      break;
    }
    if (index > 0) blocks.push({ type: 'divider' });
    const made = layout(reply, ids, { blocks: room, table: false, first });
    blocks.push(...made.blocks);
    first = made.next;
  }
  return { type: 'home', blocks };
}
