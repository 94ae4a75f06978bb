/** A reply as a Discord message of components. Pure: the same reply and ids give the same JSON. */
import type { Block, Reply } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import { sizeWords } from '../engine/wording.ts';
import {
  type ControlIds,
  choiceControl,
  formControl,
  hiddenWords,
  hide,
  iconOf,
  NO_IDS,
  nothingHidden,
  shorten,
  titleOf,
} from './chat-render.ts';
import { contentText, fitted } from './discord/content-render.ts';
import { button, type ControlItem, isCarried, menu } from './discord/controls-render.ts';
import { DISCORD, type DiscordContainer, type DiscordPart, escaped, IS_COMPONENTS_V2 } from './discord/json-render.ts';

export { type ControlIds, keepControls, type Pressed } from './chat-render.ts';
export { discordControls, discordPressed } from './discord/controls-render.ts';
export { type DiscordModal, discordModalAnswers, renderDiscordModal } from './discord/modal-render.ts';

export interface DiscordFile {
  /** As `attachment://` names it in the components. */
  name: string;
  bytes: Uint8Array;
  /** The attachment's `description`. */
  alt: string;
}

/**
 * The body of `POST /channels/:id/messages` (and of an edit), with `files` to be sent beside it as
 * `attachments: [{ id, filename: name, description: alt }]`. Whoever edits a message sends its files again or keeps them.
 */
export interface DiscordMessage {
  flags: number;
  components: DiscordContainer[];
  files: DiscordFile[];
  allowed_mentions: { parse: [] };
}

const COLOURS: Record<Reply['tone'], number | undefined> = {
  good: 0x2e9e5b,
  bad: 0xd23f3f,
  busy: 0x3f7fd6,
  plain: undefined,
};

/** More buttons than two rows are a wall; they become a menu. */
const BUTTONS = 10;
const TITLE = 300;

type Carried = Extract<ControlItem, { kind: 'control' }>;
type Item =
  | { kind: 'controls'; items: ControlItem[]; menu?: string }
  | { kind: 'content'; block: Block }
  | { kind: 'pictures'; blocks: Extract<Block, { kind: 'image' }>[] };

const isWebLink = (url: string): boolean =>
  /^https?:\/\//i.test(url) && URL.canParse(url) && url.length <= DISCORD.url && visibleLine(url) === url;

function controlsOf(reply: Reply, block: Block): ControlItem[] | undefined {
  if (block.kind === 'choices')
    return block.choices.map((choice) => ({
      kind: 'control',
      label: choice.label || choice.line,
      control: choiceControl(reply, choice),
      ...(choice.style && { style: choice.style }),
    }));
  if (block.kind === 'form')
    return [{ kind: 'control', label: block.label || block.title, control: formControl(reply, block) }];
  if (block.kind === 'link' && isWebLink(block.url))
    return [{ kind: 'link', label: block.label || block.url, url: block.url }];
  return undefined;
}

/** Neighbouring buttons, forms and links stand together, and so do pictures; everything keeps its order. */
function itemsOf(reply: Reply, ids: ControlIds): Item[] {
  const items: Item[] = [];
  for (const block of reply.blocks) {
    const last = items.at(-1);
    const controls = controlsOf(reply, block);
    if (controls === undefined) {
      if (block.kind !== 'image') items.push({ kind: 'content', block });
      else if (last?.kind === 'pictures') last.blocks.push(block);
      else items.push({ kind: 'pictures', blocks: [block] });
    } else if (!controls.every((one) => isCarried(one, ids))) {
      // What cannot be carried is shown as a line to type instead.
      items.push({ kind: 'content', block });
    } else if (controls.length > 0) {
      const label = block.kind === 'choices' ? block.menu : undefined;
      const joins = last?.kind === 'controls' && last.menu === undefined && label === undefined;
      // A link is no option of a menu: it stays outside of what may become one.
      const fits = joins && last.items.length + controls.length <= BUTTONS;
      if (fits) last.items.push(...controls);
      else items.push({ kind: 'controls', items: controls, ...(label !== undefined && { menu: label }) });
    }
  }
  return items;
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));

/** Components of a part: a row and what is in it count each. */
const countOf = (part: DiscordPart): number => 1 + (part.type === 1 ? part.components.length : 0);

const TYPES: Record<string, string> = { 'image/png': 'png', 'image/gif': 'gif', 'image/webp': 'webp' };

/** Discord changes what is not plain in the name of a file, and `attachment://` must find it. */
const plainName = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[._]+/, '')
    .slice(-80) || 'file';

/** `ids`: those of `keepControls(discordControls(reply), ...)`; a control without one is shown as the line to type. */
export function renderDiscord(reply: Reply, ids: ControlIds = NO_IDS): DiscordMessage {
  const parts: DiscordPart[] = [{ type: 10, content: `### ${iconOf(reply)}${fitted(titleOf(reply), TITLE)}` }];
  const files: DiscordFile[] = [];
  const used = new Set<string>();
  const hidden = nothingHidden();
  const items = itemsOf(reply, ids);
  const late: Carried[] = [];
  const carried = (item: Item): Carried[] =>
    item.kind === 'controls' ? item.items.filter((one) => one.kind === 'control') : [];
  let waiting = items.reduce((sum, item) => sum + carried(item).length, 0);
  // The note takes a component and some text; the container is one too.
  let room = DISCORD.components - 2 - parts.length;
  let text = DISCORD.text - TITLE - 250;
  let full = false;
  const menus = (count: number): number => Math.ceil(count / DISCORD.options) * 2;
  const fits = (cost: number): boolean => cost + menus(waiting + late.length) <= room;
  const place = (made: readonly DiscordPart[]): boolean => {
    const cost = made.reduce((sum, part) => sum + countOf(part), 0);
    if (!fits(cost)) return false;
    room -= cost;
    parts.push(...made);
    return true;
  };
  const say = (content: string): boolean => {
    if (content === '') return true;
    const before = parts.at(-1);
    // Many short parts share one component, few stand apart.
    if (items.length > 12 && before?.type === 10 && parts.length > 1) before.content += `\n${content}`;
    else if (!place([{ type: 10, content }])) return false;
    text -= content.length + 1;
    return true;
  };
  const attach = (name: string, bytes: Uint8Array, alt: string): string | undefined => {
    if (files.length >= DISCORD.files || bytes.length > DISCORD.fileBytes) return undefined;
    const unique = files.some((file) => file.name === name) ? `${files.length + 1}-${name}` : name;
    files.push({ name: unique, bytes, alt: shorten(alt, DISCORD.alt) });
    return `attachment://${unique}`;
  };
  for (const item of items) {
    waiting -= carried(item).length;
    if (item.kind === 'controls') {
      const asMenu = item.menu !== undefined || item.items.length > BUTTONS;
      const made = asMenu
        ? chunks(carried(item), DISCORD.options).map((some) => menu(some, item.menu ?? 'What next?', ids, used))
        : chunks(item.items, DISCORD.row).map(
            (some): DiscordPart => ({
              type: 1,
              components: some.map((one) => button(one, ids, used)),
            }),
          );
      if (!full && place(made)) continue;
      late.push(...carried(item));
      hidden.parts += item.items.length - carried(item).length;
      continue;
    }
    full ||= text < 600 || !fits(1);
    if (item.kind === 'pictures') {
      for (const some of chunks(item.blocks, DISCORD.files)) {
        const shown = some.flatMap((block) => {
          const alt = visibleLine(block.alt) || 'Picture';
          // A note about a picture before this one may have taken the last place.
          full ||= !fits(2);
          const url = full
            ? undefined
            : attach(`picture-${files.length + 1}.${TYPES[block.mime] ?? 'jpg'}`, block.bytes, alt);
          if (url === undefined && (full || !say(`${contentText(block, 600)} (not attached: too large for Discord)`)))
            hide(hidden, block);
          return url === undefined ? [] : [{ media: { url }, description: shorten(alt, DISCORD.alt) }];
        });
        if (shown.length > 0) place([{ type: 12, items: shown }]);
      }
      continue;
    }
    const { block } = item;
    if (full) {
      hide(hidden, block);
    } else if (block.kind === 'file') {
      const url = attach(plainName(block.name), block.bytes, visibleLine(block.name));
      const name = fitted(visibleLine(block.name), 200);
      if (url === undefined)
        full = !say(`File: ${name}, ${sizeWords(block.bytes.length)} (not attached: too large for Discord)`);
      else place([{ type: 13, file: { url } }]);
      if (full) hide(hidden, block);
    } else if (!say(contentText(block, Math.min(text, 2500)))) {
      full = true;
      hide(hidden, block);
    }
  }
  const left = Math.max(0, Math.floor(room / 2)) * DISCORD.options;
  parts.push(...chunks(late.slice(0, left), DISCORD.options).map((some) => menu(some, 'What next?', ids, used)));
  hidden.controls += Math.max(0, late.length - left);
  const note = hiddenWords(hidden);
  if (note !== '') parts.push({ type: 10, content: `-# ${escaped(note)}` });
  // A question back or a polite no is not a failure.
  const calm = reply.outcome === 'not_understood' || reply.outcome === 'refused';
  const colour = calm ? undefined : COLOURS[reply.tone];
  return {
    flags: IS_COMPONENTS_V2,
    components: [{ type: 17, ...(colour !== undefined && { accent_color: colour }), components: parts }],
    files,
    allowed_mentions: { parse: [] },
  };
}
