/** Commands that name a mailbox. Names are as on the wire (modified UTF-7), the delimiter is a slash. */
import type { ImapCommand } from './commands.ts';
import { No, type Session } from './session.ts';
import type { ImapAccount, ImapMailbox } from './store.ts';
import { Bad, dateTimeOf, flagOf, listOf, noMore, patternOf, stringOf, type Token, textOf, wordOf } from './syntax.ts';

const SIGNED_IN = ['signed in', 'selected'] as const;
const FLAGS = '\\Answered \\Flagged \\Deleted \\Seen \\Draft';

export function accountOf(session: Session): ImapAccount {
  if (!session.account) throw new Bad('nobody is signed in');
  return session.account;
}

/** Throws `No`; with TRYCREATE where a CREATE would help (RFC 3501 section 7.1). */
export function mailboxNamed(session: Session, token: Token | undefined, code?: 'TRYCREATE'): ImapMailbox {
  const name = stringOf(token);
  const box = accountOf(session).find(name);
  if (!box) throw new No(`there is no mailbox ${name}`, code ?? 'NONEXISTENT');
  return box;
}

function open(session: Session, args: Token[], readOnly: boolean): string {
  noMore(args, 2);
  if (args[1]) {
    const words = listOf(args[1]).map((word) => wordOf(word).toUpperCase());
    if (words.join() !== 'CONDSTORE' || !session.world.capabilities.has('CONDSTORE'))
      throw new Bad(`SELECT has no ${words}`);
    session.condstore = true;
  }
  // A SELECT that fails leaves nothing selected (RFC 3501 section 6.3.1).
  session.unselect();
  const box = mailboxNamed(session, args[0]);
  session.select(box, readOnly);
  const mails = box.mails();
  session.tell(`FLAGS (${FLAGS})`);
  session.tell(`OK [PERMANENTFLAGS (${readOnly ? '' : `${FLAGS} \\*`})] kept`);
  session.tell(`${mails.length} EXISTS`);
  session.tell('0 RECENT');
  const unseen = mails.findIndex((mail) => !mail.flags.has('\\Seen'));
  if (unseen >= 0) session.tell(`OK [UNSEEN ${unseen + 1}] the first that is not seen`);
  session.tell(`OK [UIDVALIDITY ${box.uidValidity}] holds`);
  session.tell(`OK [UIDNEXT ${box.uidNext}] is next`);
  if (session.world.capabilities.has('CONDSTORE')) session.tell(`OK [HIGHESTMODSEQ ${box.modseq}] is highest`);
  return `[READ-${readOnly ? 'ONLY' : 'WRITE'}] selected`;
}

const patternTest = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('%', '[^/]*')}$`,
    'i',
  );

function list(session: Session, args: Token[], command: 'LIST' | 'LSUB'): string {
  noMore(args, 2);
  const [reference, pattern] = [stringOf(args[0]), patternOf(args[1])];
  if (pattern === '') {
    session.tell(`${command} (\\Noselect) "/" ""`);
    return `${command} done`;
  }
  const test = patternTest(reference + pattern);
  const withUse = session.world.capabilities.has('SPECIAL-USE');
  for (const box of accountOf(session).mailboxes()) {
    if (!test.test(box.name)) continue;
    const words = ['\\HasNoChildren', ...(withUse && box.specialUse ? [box.specialUse] : [])];
    session.tell(`${command} (${words.join(' ')}) "/" ${textOf(box.name)}`);
  }
  return `${command} done`;
}

const STATUS: Record<string, (box: ImapMailbox) => number> = {
  MESSAGES: (box) => box.mails().length,
  RECENT: () => 0,
  UIDNEXT: (box) => box.uidNext,
  UIDVALIDITY: (box) => box.uidValidity,
  UNSEEN: (box) => box.mails().filter((mail) => !mail.flags.has('\\Seen')).length,
};

function status(session: Session, args: Token[]): string {
  noMore(args, 2);
  const box = mailboxNamed(session, args[0]);
  if (box === session.selected?.mailbox) session.blame('STATUS of the selected mailbox (RFC 3501 section 6.3.10)');
  const words = listOf(args[1]).map((word) => wordOf(word).toUpperCase());
  if (words.length === 0) throw new Bad('STATUS of nothing');
  const values = words.map((word) => {
    if (word === 'HIGHESTMODSEQ' && session.world.capabilities.has('CONDSTORE')) return `${word} ${box.modseq}`;
    const value = STATUS[word];
    if (!value) throw new Bad(`STATUS has no ${word}`);
    return `${word} ${value(box)}`;
  });
  session.tell(`STATUS ${textOf(box.name)} (${values.join(' ')})`);
  return 'STATUS done';
}

function append(session: Session, args: Token[]): string {
  const [name, ...rest] = args;
  const literal = rest.pop();
  if (literal?.kind !== 'literal') throw new Bad('APPEND ends with the mail as a literal');
  const flags = rest[0]?.kind === 'list' ? listOf(rest.shift()).map(flagOf) : [];
  const date = rest.shift();
  if (rest.length > 0) throw new Bad('APPEND takes a mailbox, flags, a date and a mail');
  if (literal.text.includes('\0')) throw new Bad('a mail holds no NUL');
  const when = date === undefined ? {} : { date: dateTimeOf(date) };
  const box = mailboxNamed(session, name, 'TRYCREATE');
  if (/(^|[^\r])\n|\r(?!\n)/.test(literal.text)) session.blame(`APPEND to ${box.name}: a line does not end with CRLF`);
  const uid = box.add(Buffer.from(literal.text, 'latin1'), { flags, ...when });
  return session.world.capabilities.has('UIDPLUS') ? `[APPENDUID ${box.uidValidity} ${uid}] kept` : 'kept';
}

export const MAILBOX_COMMANDS: Readonly<Record<string, ImapCommand>> = {
  SELECT: { states: SIGNED_IN, run: (session, args) => open(session, args, false) },
  EXAMINE: { states: SIGNED_IN, run: (session, args) => open(session, args, true) },
  LIST: { states: SIGNED_IN, run: (session, args) => list(session, args, 'LIST') },
  LSUB: { states: SIGNED_IN, run: (session, args) => list(session, args, 'LSUB') },
  STATUS: { states: SIGNED_IN, run: status },
  APPEND: { states: SIGNED_IN, run: append },
  CREATE: {
    states: SIGNED_IN,
    run(session, args) {
      noMore(args, 1);
      const name = stringOf(args[0]).replace(/\/$/, '');
      if (name === '' || /[%*]/.test(name)) throw new No('that is no name for a mailbox', 'CANNOT');
      if (accountOf(session).find(name)) throw new No(`${name} is there already`, 'ALREADYEXISTS');
      accountOf(session).create(name);
      return 'created';
    },
  },
  DELETE: {
    states: SIGNED_IN,
    run(session, args) {
      noMore(args, 1);
      const box = mailboxNamed(session, args[0]);
      if (box.name === 'INBOX') throw new No('INBOX stays', 'CANNOT');
      accountOf(session).delete(box.name);
      return 'deleted';
    },
  },
  SUBSCRIBE: {
    states: SIGNED_IN,
    run(session, args) {
      noMore(args, 1);
      mailboxNamed(session, args[0]);
      return 'subscribed';
    },
  },
};
