/** The commands by name. */
import { ACCOUNT_COMMANDS } from './account-commands.ts';
import { MAILBOX_COMMANDS } from './mailbox-commands.ts';
import { MESSAGE_COMMANDS } from './message-commands.ts';
import type { Session } from './session.ts';
import type { Command, Token } from './syntax.ts';

export interface ImapCommand {
  states: readonly ('new' | 'signed in' | 'selected')[];
  /** The capability it comes with. */
  needs?: string;
  /** Resolves with the words behind OK. Throws `Bad` or `No`. */
  run(session: Session, args: Token[], command: Command): string | Promise<string>;
}

export const COMMANDS: Readonly<Record<string, ImapCommand>> = {
  ...ACCOUNT_COMMANDS,
  ...MAILBOX_COMMANDS,
  ...MESSAGE_COMMANDS,
};
