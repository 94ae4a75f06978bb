/**
 * The part of Discord's components (version 2) that Keepsake writes, as REST JSON, with its limits, and the escaping that
 * keeps text from outside from being Markdown. (docs.discord.com/developers/components/reference)
 */

export interface DiscordText {
  type: 10;
  content: string;
}

export type DiscordButton =
  | { type: 2; style: 1 | 2 | 4; label: string; custom_id: string }
  | { type: 2; style: 5; label: string; url: string };

export interface DiscordOption {
  label: string;
  value: string;
  description?: string;
  default?: true;
}

export interface DiscordSelect {
  type: 3;
  custom_id: string;
  placeholder?: string;
  options: DiscordOption[];
  min_values?: number;
  max_values?: number;
  /** Only in modals. */
  required?: boolean;
}

export interface DiscordInput {
  type: 4;
  custom_id: string;
  style: 1 | 2;
  required: boolean;
  max_length: number;
  value?: string;
}

export type DiscordPart =
  | DiscordText
  | { type: 1; components: DiscordButton[] | [DiscordSelect] }
  | { type: 12; items: { media: { url: string }; description: string }[] }
  | { type: 13; file: { url: string } };

export interface DiscordContainer {
  type: 17;
  accent_color?: number;
  components: DiscordPart[];
}

export interface DiscordLabel {
  type: 18;
  label: string;
  description?: string;
  component: DiscordInput | DiscordSelect;
}

export const DISCORD = {
  /** Of a message, nested ones included. */
  components: 40,
  /** Over all text displays of a message. */
  text: 4000,
  row: 5,
  options: 25,
  customId: 100,
  label: 80,
  option: 100,
  placeholder: 150,
  url: 512,
  files: 10,
  /** What a server without boosts takes, in bytes, for one file. */
  fileBytes: 10 * 1024 * 1024,
  alt: 1024,
  modalTitle: 45,
  modalParts: 5,
  modalLabel: 45,
  modalHelp: 100,
  input: 4000,
} as const;

/** MessageFlags.IsComponentsV2 */
export const IS_COMPONENTS_V2 = 1 << 15;

/**
 * Text that shows itself: Discord takes a backslash before any sign literally. Escaped is whatever formats, quotes, hides,
 * mentions, links or becomes an emoji; `:` only where it would; `-`, `+` and `1.` only where a list would begin.
 */
export const escaped = (text: string): string =>
  text
    .replace(/[\\*_~`|<>@[\]#]|:(?=\/\/|[\w~+-]+:)/g, '\\$&')
    .replace(/^(\s*)([-+])/gm, '$1\\$2')
    .replace(/^(\s*\d+)([.)])/gm, '$1\\$2');

/** Inline code that its content cannot end: its fence is longer than every row of backticks inside. */
export function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const gap = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${gap}${text === '' ? '–' : text}${gap}${fence}`;
}
