/** One client: its state (RFC 3501 section 3), the mailbox as it knows it, and the commands one after another. */
import type { Socket } from 'node:net';
import { COMMANDS } from './commands.ts';
import type { ImapAccount, ImapMailbox, StoredMail } from './store.ts';
import { Bad, type Command, readCommand } from './syntax.ts';
import { createWire, Gone, type Wire } from './wire.ts';
import type { ImapWorld } from './world.ts';

/** Answered with NO; right, but not possible. `code` as `TRYCREATE`. */
export class No extends Error {
  readonly code: string | undefined;
  constructor(text: string, code?: string) {
    super(text);
    this.code = code;
  }
}

export interface Selected {
  mailbox: ImapMailbox;
  readOnly: boolean;
  /** UID and flags by sequence number, as this client was told. */
  known: { uid: number; flags: string }[];
  stop(): void;
}

export interface Session {
  world: ImapWorld;
  wire: Wire;
  account: ImapAccount | undefined;
  selected: Selected | undefined;
  condstore: boolean;
  /** When IDLE began. */
  idleSince: Date | undefined;
  isOver: boolean;
  blame(problem: string): void;
  /** An untagged line. */
  tell(text: string): void;
  select(mailbox: ImapMailbox, readOnly: boolean): void;
  unselect(): void;
  /** Tells what others changed. EXPUNGE would shift numbers under a command that names mails by them (section 7.4.1). */
  sync(mayExpunge: boolean): void;
  bye(text: string): void;
}

const flagsText = (mail: StoredMail): string => [...mail.flags].join(' ');

export const knownOf = (mail: StoredMail): Selected['known'][number] => ({ uid: mail.uid, flags: flagsText(mail) });

function syncSelected(session: Session, { mailbox, known }: Selected, mayExpunge: boolean): void {
  const mails = new Map(mailbox.mails().map((mail) => [mail.uid, mail]));
  if (mayExpunge) {
    for (let index = known.length - 1; index >= 0; index -= 1) {
      if (mails.has(known[index]?.uid ?? 0)) continue;
      known.splice(index, 1);
      session.tell(`${index + 1} EXPUNGE`);
    }
  }
  const largest = known.at(-1)?.uid ?? 0;
  const fresh = mailbox.mails().filter((mail) => mail.uid > largest);
  if (fresh.length > 0) {
    known.push(...fresh.map(knownOf));
    session.tell(`${known.length} EXISTS`);
    session.tell('0 RECENT');
  }
  for (const [index, one] of known.entries()) {
    const mail = mails.get(one.uid);
    if (!mail || flagsText(mail) === one.flags) continue;
    one.flags = flagsText(mail);
    session.tell(`${index + 1} FETCH (FLAGS (${one.flags})${session.condstore ? ` MODSEQ (${mail.modseq})` : ''})`);
  }
}

function createSession(world: ImapWorld, wire: Wire, blame: (problem: string) => void): Session {
  const session: Session = {
    world,
    wire,
    account: undefined,
    selected: undefined,
    condstore: false,
    idleSince: undefined,
    isOver: false,
    blame,
    tell: (text) => wire.send(`* ${text}\r\n`),
    select(mailbox, readOnly) {
      session.unselect();
      const stop = mailbox.listen((renewed) => {
        if (renewed) return session.bye('the mailbox was rebuilt');
        if (session.idleSince && !world.faults.deafIdle) session.sync(true);
      });
      session.selected = { mailbox, readOnly, known: mailbox.mails().map(knownOf), stop };
    },
    unselect() {
      session.selected?.stop();
      session.selected = undefined;
    },
    sync(mayExpunge) {
      if (session.selected) syncSelected(session, session.selected, mayExpunge);
    },
    bye(text) {
      session.tell(`BYE ${text}`);
      session.isOver = true;
      // What is on its way still arrives.
      setImmediate(() => wire.cut());
    },
  };
  return session;
}

/** A command with its literals; asks for those that wait for it (RFC 3501 section 7.5), takes the others (RFC 7888). */
async function readText(session: Session): Promise<string> {
  const { wire, world } = session;
  let text = await wire.line();
  for (let line = text; ; ) {
    const literal = /\{(\d+)(\+?)\}$/.exec(line);
    if (!literal) return text;
    if (literal[2] && !world.capabilities.has('LITERAL+'))
      session.blame('a literal with + though LITERAL+ is not offered');
    if (!literal[2]) wire.send('+ go on\r\n');
    const bytes = await wire.bytes(Number(literal[1]));
    line = await wire.line();
    text += `\r\n${bytes}${line}`;
  }
}

const stateOf = (session: Session): 'new' | 'signed in' | 'selected' =>
  session.selected ? 'selected' : session.account ? 'signed in' : 'new';

async function runCommand(session: Session, command: Command): Promise<string> {
  const { verb, args } = command;
  const known = COMMANDS[verb];
  if (!known) throw new Bad(`${verb} is no command`);
  if (known.needs && !session.world.capabilities.has(known.needs))
    throw new Bad(`${verb} though ${known.needs} is not offered`);
  const state = stateOf(session);
  if (!known.states.includes(state)) throw new Bad(`${verb} while ${state}`);
  const refusal = session.world.faults.refusals.find((one) => one.count > 0 && (one.verb ?? verb) === verb);
  if (refusal && verb !== 'LOGOUT') {
    refusal.count -= 1;
    throw new No(refusal.text, refusal.code);
  }
  return known.run(session, args, command);
}

/** `A1 LOGIN …` without what is secret. */
const logged = (text: string): string =>
  text
    .replace(/^(\S+ )?((?:LOGIN|AUTHENTICATE \S+) ).*$/is, '$1$2…')
    .replace(/\r\n.*$/s, ' …')
    .slice(0, 500);

async function answer(session: Session): Promise<void> {
  const { wire, world } = session;
  const text = await readText(session);
  world.commands.push(`${session.account?.user ?? '-'} ${logged(text).replace(/^\S+ /, '')}`);
  if (world.faults.slow > 0) await world.clock.sleep(world.faults.slow);
  const tag = /^[^\s+]+/.exec(text)?.[0] ?? '*';
  let result: string;
  let verb = '';
  try {
    const command = readCommand(text);
    verb = command.verb;
    result = `OK ${await runCommand(session, command)}`;
  } catch (error) {
    if (error instanceof No) result = `NO ${error.code === undefined ? '' : `[${error.code}] `}${error.message}`;
    else if (error instanceof Bad) {
      session.blame(`${error.message} (${logged(text)})`);
      result = `BAD ${error.message}`;
    } else throw error;
  }
  if (session.isOver && verb !== 'LOGOUT') return;
  session.sync(!['FETCH', 'STORE', 'SEARCH'].includes(verb));
  wire.send(`${tag} ${result}\r\n`);
}

/** Resolves when the connection is over. */
export async function serve(world: ImapWorld, socket: Socket): Promise<void> {
  const blame = (problem: string): void => void world.violations.push(`IMAP: ${problem}`);
  const wire = createWire(socket, world.faults, blame);
  const session = createSession(world, wire, blame);
  world.sessions.add(session);
  try {
    if (world.faults.busy !== undefined) return session.bye(world.faults.busy);
    session.tell(`OK [CAPABILITY ${[...world.capabilities].join(' ')}] ready`);
    while (!session.isOver) await answer(session);
    socket.end();
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
  } finally {
    session.unselect();
    world.sessions.delete(session);
  }
}
