/** The commands as Discord is told them, made of the tables. Pure. */
import { COMMAND, DESCRIPTIONS, type Described } from './descriptions.ts';
import { type Option, SUBCOMMANDS } from './subcommand-lines.ts';

/** What the message command is called; it is also its key. */
export const RESTORE_THIS = 'Restore this';
export const BACKUP = 'backup';

/** https://docs.discord.com/developers/interactions/application-commands */
const CHAT_INPUT = 1;
const MESSAGE = 3;
const SUBCOMMAND = 1;
const STRING = 3;
/** Installed to a server, not to a user: what is said with it is about this server's Keepsake. */
const GUILD_INSTALL = 0;
const GUILD = 0;
const BOT_DM = 1;
/** The grammar refuses longer lines; a longer answer would be typed for nothing. */
const LONGEST_ANSWER = 1000;
const LONGEST_LINE = 2000;

type Json = Record<string, unknown>;

function described({ en, ...others }: Described): Json {
  return { description: en, description_localizations: { ...others, 'es-419': others['es-ES'] } };
}

function optionOf({ name, help, required, options, suggest }: Option): Json {
  return {
    type: STRING,
    name,
    description: help,
    ...(required ? { required: true } : {}),
    ...(options ? { choices: options.map(({ label, value }) => ({ name: label, value })) } : {}),
    // Discord takes either fixed choices or suggestions.
    ...(suggest && !options ? { autocomplete: true } : {}),
    ...(options ? {} : { max_length: suggest === 'line' ? LONGEST_LINE : LONGEST_ANSWER }),
  };
}

/**
 * Everybody may use them, in servers and in the bot's direct messages: who may do what is decided by whose backup it is
 * (`default_member_permissions` would hide `link`, `join` and one's own backups from members who are not moderators).
 */
export function commandDefinitions(): Json[] {
  const where = { integration_types: [GUILD_INSTALL], contexts: [GUILD, BOT_DM] };
  return [
    {
      type: CHAT_INPUT,
      name: BACKUP,
      ...described(COMMAND),
      ...where,
      options: Object.entries(SUBCOMMANDS).map(([name, { options }]) => ({
        type: SUBCOMMAND,
        name,
        ...described(DESCRIPTIONS[name] ?? COMMAND),
        options: options.map(optionOf),
      })),
    },
    { type: MESSAGE, name: RESTORE_THIS, ...where },
  ];
}
