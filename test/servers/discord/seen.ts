/** What a person sees of messages and modals: words, buttons, menus, fields. */
import { type Json, object, objects, text, whole } from './json.ts';
import { deep, words } from './shapes.ts';
import type { Stored, StoredFile, World } from './world.ts';

export interface Button {
  label: string;
  /** Empty for a link. */
  customId: string;
  style: number;
  disabled: boolean;
  url?: string;
}

export interface Menu {
  customId: string;
  placeholder: string;
  options: { label: string; value: string; description: string }[];
  least: number;
  most: number;
  disabled: boolean;
}

/** A message as it is now; ask again to see it later. */
export interface Message {
  id: string;
  channel: string;
  /** Name of who wrote it. */
  author: string;
  at: Date;
  /** Content and all text displays, joined by line ends. */
  text: string;
  components: Json[];
  embeds: Json[];
  flags: number;
  files: readonly StoredFile[];
  buttons: Button[];
  menus: Menu[];
  edits: number;
  ephemeral: boolean;
  /** "is thinking". */
  loading: boolean;
  deleted: boolean;
  /** Names of people it called. */
  mentions: string[];
  everyone: boolean;
  nonce?: string;
}

export interface ModalField {
  label: string;
  description: string;
  customId: string;
  type: number;
  value: string;
  required: boolean;
  long: boolean;
  least: number;
  most: number;
  options: { label: string; value: string; chosen: boolean }[];
}

export interface Modal {
  customId: string;
  title: string;
  fields: ModalField[];
  /** Words between the fields. */
  text: string;
}

export function seen(world: World, message: Stored): Message {
  const all = deep(message.components);
  const name = (id: string): string => world.users.get(id)?.name ?? id;
  return {
    id: message.id,
    channel: message.channel,
    author: name(message.author),
    at: new Date(message.at),
    text: words(message),
    components: message.components,
    embeds: message.embeds,
    flags: message.flags,
    files: message.files,
    buttons: all
      .filter((one) => one.type === 2)
      .map((one) => ({
        label: text(one.label),
        customId: text(one.custom_id),
        style: whole(one.style),
        disabled: one.disabled === true,
        ...(one.url === undefined ? {} : { url: text(one.url) }),
      })),
    menus: all
      .filter((one) => one.type === 3)
      .map((one) => ({
        customId: text(one.custom_id),
        placeholder: text(one.placeholder),
        options: optionsOf(one).map(({ label, value, description }) => ({ label, value, description })),
        least: one.min_values === undefined ? 1 : whole(one.min_values),
        most: one.max_values === undefined ? 1 : whole(one.max_values),
        disabled: one.disabled === true,
      })),
    edits: message.edits,
    ephemeral: message.onlyFor !== undefined,
    loading: message.loading,
    deleted: message.deleted,
    mentions: message.mentions.map(name),
    everyone: message.everyone,
    ...(message.nonce === undefined ? {} : { nonce: message.nonce }),
  };
}

const optionsOf = (one: Json): { label: string; value: string; description: string; chosen: boolean }[] =>
  objects(one.options).map((option) => ({
    label: text(option.label),
    value: text(option.value),
    description: text(option.description),
    chosen: option.default === true,
  }));

export function seenModal(modal: Json): Modal {
  const components = objects(modal.components);
  return {
    customId: text(modal.custom_id),
    title: text(modal.title),
    text: components.flatMap((one) => (one.type === 10 ? [text(one.content)] : [])).join('\n'),
    fields: components.flatMap((one) => {
      const input = one.type === 18 ? object(one.component) : objects(one.components)[0];
      if (input === undefined || one.type === 10) return [];
      return [
        {
          label: text(one.label ?? input.label),
          description: text(one.description),
          customId: text(input.custom_id),
          type: whole(input.type),
          value: text(input.value),
          required: input.required !== false,
          long: input.style === 2,
          least: whole(input.min_length ?? input.min_values),
          most: whole(input.max_length ?? input.max_values ?? (input.type === 4 ? 4000 : 1)),
          options: optionsOf(input),
        },
      ];
    }),
  };
}
