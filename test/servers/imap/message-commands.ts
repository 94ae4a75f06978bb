/** Commands about the mails of the selected mailbox, by sequence number and by UID. */
import type { ImapCommand } from './commands.ts';
import { type FetchItem, fetchItems, messageIdOf } from './fetch.ts';
import { mailboxNamed } from './mailbox-commands.ts';
import { searchTest } from './search.ts';
import { knownOf, No, type Selected, type Session } from './session.ts';
import type { StoredMail } from './store.ts';
import { Bad, flagOf, inSet, listOf, noMore, setOf, type Token, wordOf } from './syntax.ts';

interface Chosen {
  mail: StoredMail;
  sequence: number;
}

function selectedOf(session: Session): Selected {
  if (!session.selected) throw new Bad('no mailbox is selected');
  return session.selected;
}

function writable(session: Session): Selected {
  const selected = selectedOf(session);
  if (selected.readOnly) throw new No(`${selected.mailbox.name} is open for reading only`, 'READ-ONLY');
  return selected;
}

/** Those that this client knows of and that are still there. */
function present({ mailbox, known }: Selected): Chosen[] {
  const mails = new Map(mailbox.mails().map((mail) => [mail.uid, mail]));
  return known.flatMap(({ uid }, index) => {
    const mail = mails.get(uid);
    return mail ? [{ mail, sequence: index + 1 }] : [];
  });
}

/** A UID that is not there is passed over; a sequence number that is not there is an error (RFC 3501 section 9, seq-number). */
function choose(session: Session, token: Token | undefined, byUid: boolean): Chosen[] {
  const selected = selectedOf(session);
  const ranges = setOf(token);
  const count = selected.known.length;
  const ends = ranges.flat().filter((end) => end !== Number.POSITIVE_INFINITY);
  if (!byUid && (count === 0 || Math.max(...ends, 0) > count)) throw new Bad(`there are only ${count} mails`);
  const largest = byUid ? (selected.known.at(-1)?.uid ?? 0) : count;
  return present(selected).filter(({ mail, sequence }) => inSet(ranges, byUid ? mail.uid : sequence, largest));
}

const numbers = (values: readonly number[]): string => values.join(',');

/** `(CHANGEDSINCE 12)`, with CONDSTORE (RFC 7162 section 3.1.4.1). */
function changedSince(session: Session, token: Token | undefined): number {
  if (token === undefined) return -1;
  const [word, value] = listOf(token);
  if (!session.world.capabilities.has('CONDSTORE') || wordOf(word).toUpperCase() !== 'CHANGEDSINCE') {
    throw new Bad('FETCH has no such modifier');
  }
  session.condstore = true;
  return Number(wordOf(value));
}

function fetch(session: Session, args: Token[], byUid: boolean): string {
  noMore(args, 3);
  const { mailbox, readOnly, known } = selectedOf(session);
  const since = changedSince(session, args[2]);
  const items = fetchItems(args[1], byUid, session.world.capabilities.has('CONDSTORE'));
  const reads = items.filter((item) => item.seen);
  for (const { mail, sequence } of choose(session, args[0], byUid)) {
    if (mail.modseq <= since) continue;
    const answers = [...items];
    if (reads.length > 0 && !readOnly && !mail.flags.has('\\Seen')) {
      mailbox.setFlags(mail.uid, [...mail.flags, '\\Seen']);
      session.world.seen.push(`${mailbox.name} ${mail.uid} ${messageIdOf(mail)} by ${reads.map(({ name }) => name)}`);
      if (!items.some(({ name }) => name === 'FLAGS'))
        answers.push(...fetchItems({ kind: 'atom', text: 'FLAGS' }, false, false));
    }
    if (since >= 0 && !items.some(({ name }) => name === 'MODSEQ')) {
      answers.push(...fetchItems({ kind: 'atom', text: 'MODSEQ' }, false, true));
    }
    known[sequence - 1] = knownOf(mail);
    session.tell(
      `${sequence} FETCH (${answers.map((item: FetchItem) => `${item.name} ${item.value(mail)}`).join(' ')})`,
    );
  }
  return 'FETCH done';
}

function store(session: Session, args: Token[], byUid: boolean): string {
  const { mailbox, known } = writable(session);
  const [set, what, ...rest] = args;
  const match = /^([+-]?)FLAGS(\.SILENT)?$/i.exec(wordOf(what));
  if (!match) throw new Bad(`STORE has no ${wordOf(what)}`);
  const isList = rest[0]?.kind === 'list';
  if (isList) noMore(rest, 1);
  const flags = (isList ? listOf(rest[0]) : rest).map(flagOf);
  if (flags.length === 0 && rest.length === 0) throw new Bad('STORE of nothing');
  for (const { mail, sequence } of choose(session, set, byUid)) {
    const old = [...mail.flags];
    const now =
      match[1] === '+'
        ? [...new Set([...old, ...flags])]
        : match[1] === '-'
          ? old.filter((one) => !flags.includes(one))
          : flags;
    mailbox.setFlags(mail.uid, now);
    known[sequence - 1] = knownOf(mail);
    const uid = byUid ? `UID ${mail.uid} ` : '';
    if (!match[2]) session.tell(`${sequence} FETCH (${uid}FLAGS (${now.join(' ')}))`);
  }
  return 'STORE done';
}

function copy(session: Session, args: Token[], byUid: boolean): { chosen: Chosen[]; code: string } {
  noMore(args, 2);
  const target = mailboxNamed(session, args[1], 'TRYCREATE');
  const chosen = choose(session, args[0], byUid);
  const added = chosen.map(({ mail }) => target.add(mail.raw, { flags: [...mail.flags], date: mail.date }));
  const has = session.world.capabilities.has('UIDPLUS') && chosen.length > 0;
  const from = numbers(chosen.map(({ mail }) => mail.uid));
  return { chosen, code: has ? `[COPYUID ${target.uidValidity} ${from} ${numbers(added)}] ` : '' };
}

/** RFC 6851: COPYUID comes in an untagged OK before the mails go. */
function move(session: Session, args: Token[], byUid: boolean): string {
  const { mailbox } = writable(session);
  const { chosen, code } = copy(session, args, byUid);
  if (code !== '') session.tell(`OK ${code}moved`);
  mailbox.remove(chosen.map(({ mail }) => mail.uid));
  session.sync(true);
  return 'MOVE done';
}

function search(session: Session, args: Token[], byUid: boolean): string {
  const selected = selectedOf(session);
  const test = searchTest(args, { count: selected.known.length, largestUid: selected.known.at(-1)?.uid ?? 0 });
  const found = present(selected).filter(test);
  session.tell(`SEARCH${found.map(({ mail, sequence }) => ` ${byUid ? mail.uid : sequence}`).join('')}`);
  return 'SEARCH done';
}

function expunge(session: Session, args: Token[], byUid: boolean): string {
  const selected = writable(session);
  noMore(args, byUid ? 1 : 0);
  const chosen = byUid ? choose(session, args[0], true) : present(selected);
  const gone = chosen.filter(({ mail }) => mail.flags.has('\\Deleted')).map(({ mail }) => mail.uid);
  selected.mailbox.remove(gone);
  session.sync(true);
  return 'EXPUNGE done';
}

const SELECTED = ['selected'] as const;

type Both = (session: Session, args: Token[], byUid: boolean) => string;
const both = (name: string, run: Both, needs?: string): [string, ImapCommand][] =>
  [false, true].map((byUid) => [
    byUid ? `UID ${name}` : name,
    { states: SELECTED, ...(needs === undefined ? {} : { needs }), run: (session, args) => run(session, args, byUid) },
  ]);

export const MESSAGE_COMMANDS: Readonly<Record<string, ImapCommand>> = {
  ...Object.fromEntries([
    ...both('FETCH', fetch),
    ...both('STORE', store),
    ...both('SEARCH', search),
    ...both('COPY', (session, args, byUid) => `${copy(session, args, byUid).code}COPY done`),
    ...both('MOVE', move, 'MOVE'),
  ]),
  EXPUNGE: { states: SELECTED, run: (session, args) => expunge(session, args, false) },
  'UID EXPUNGE': { states: SELECTED, needs: 'UIDPLUS', run: (session, args) => expunge(session, args, true) },
  CHECK: {
    states: SELECTED,
    run(_session, args) {
      noMore(args, 0);
      return 'CHECK done';
    },
  },
  // RFC 3501 section 6.4.2: what is marked \Deleted goes, and nobody is told.
  CLOSE: {
    states: SELECTED,
    run(session, args) {
      noMore(args, 0);
      const { mailbox, readOnly } = selectedOf(session);
      const gone = readOnly ? [] : mailbox.mails().filter((mail) => mail.flags.has('\\Deleted'));
      session.unselect();
      if (gone.length > 0) mailbox.remove(gone.map(({ uid }) => uid));
      return 'closed';
    },
  },
  UNSELECT: {
    states: SELECTED,
    needs: 'UNSELECT',
    run(session, args) {
      noMore(args, 0);
      session.unselect();
      return 'left';
    },
  },
};
