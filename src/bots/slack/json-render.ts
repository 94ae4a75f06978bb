/**
 * The part of Slack's Block Kit that Keepsake writes, as plain JSON, with its limits. Only elements whose text is taken
 * literally are used (`plain_text`, `rich_text`, `raw_text`): no `mrkdwn` anywhere, so no name can format or mention.
 * (docs.slack.dev/reference/block-kit)
 */

export interface SlackText {
  type: 'plain_text';
  text: string;
  /** Never converts `:name:` to an emoji. */
  emoji: false;
}

export interface SlackStyle {
  bold?: true;
  italic?: true;
  code?: true;
}

export type SlackInline =
  | { type: 'text'; text: string; style?: SlackStyle }
  | { type: 'link'; url: string; text: string }
  | { type: 'date'; timestamp: number; format: string; fallback: string };

export interface SlackRichText {
  type: 'rich_text';
  elements: { type: 'rich_text_section'; elements: SlackInline[] }[];
}

export type SlackCell = { type: 'raw_text'; text: string } | SlackRichText;

export interface SlackOption {
  text: SlackText;
  value: string;
}

export type SlackElement =
  | {
      type: 'button';
      action_id: string;
      text: SlackText;
      value?: string;
      url?: string;
      style?: 'primary' | 'danger';
    }
  | { type: 'static_select'; action_id: string; placeholder: SlackText; options: SlackOption[] };

export type SlackInput =
  | {
      type: 'plain_text_input';
      action_id: string;
      multiline?: true;
      initial_value?: string;
      max_length: number;
      placeholder?: SlackText;
    }
  | {
      type: 'static_select' | 'multi_static_select';
      action_id: string;
      options: SlackOption[];
      initial_option?: SlackOption;
      initial_options?: SlackOption[];
    }
  | {
      type: 'external_select' | 'multi_external_select';
      action_id: string;
      min_query_length: number;
      placeholder: SlackText;
      initial_option?: SlackOption;
      initial_options?: SlackOption[];
    };

export type SlackBlock =
  | { type: 'header'; text: SlackText }
  | { type: 'divider' }
  | { type: 'context'; elements: SlackText[] }
  | SlackRichText
  | {
      type: 'table';
      rows: SlackCell[][];
      column_settings: { is_wrapped: boolean; align: 'left' | 'right' }[];
    }
  | { type: 'actions'; elements: SlackElement[] }
  | { type: 'input'; block_id: string; optional: boolean; label: SlackText; hint?: SlackText; element: SlackInput };

export const SLACK = {
  blocks: 50,
  viewBlocks: 100,
  header: 150,
  title: 24,
  button: 75,
  value: 2000,
  url: 3000,
  actions: 25,
  options: 100,
  option: 75,
  optionValue: 150,
  placeholder: 150,
  label: 2000,
  metadata: 3000,
  input: 3000,
  tableRows: 100,
  tableColumns: 20,
  /** Of all cells of a message's tables; the service says `invalid_blocks` above. */
  tableText: 10_000,
  /** All text of a message: above about 13,000 characters of blocks the service says `msg_blocks_too_long`. */
  text: 9_000,
} as const;

/** Slack refuses empty texts. */
export const plain = (text: string): SlackText => ({
  type: 'plain_text',
  text: text === '' ? '–' : text,
  emoji: false,
});

export const richText = (elements: SlackInline[]): SlackRichText => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
});

export const words = (text: string, style?: SlackStyle): SlackInline => ({
  type: 'text',
  text: text === '' ? '–' : text,
  ...(style && { style }),
});
