/** Lines about people: `link`, `unlink`, `invite`, `join`, `role`, `forget`, and `share` of a plan with a channel. */
import type { CommandName } from '../command.ts';
import { readConnect, readDisconnect } from './accounts.ts';
import { planAt } from './plans.ts';
import { keyAt, type Line, phraseAt, refused, rest, slice, unclear } from './reading.ts';
import { done, ended, neededPlan, politeAt, type ReadVerb, stuck, type VerbReading } from './verb.ts';
import { keyOf, quote, untyped } from './words.ts';

const ROLES = ['owner', 'member', 'viewer'] as const;
const SURFACES = ['slack', 'discord', 'mail', 'terminal', 'web'];

/** Twelve letters and digits, grouped by hyphens or spaces as people copy them. */
const CODE = /^[0-9a-z]{4}-?[0-9a-z]{4}-?[0-9a-z]{4}$/i;

/** The code that stands at word `at`, in one word or in three. */
function codeAt(line: Line, at: number): { code: string; next: number } | undefined {
  for (const count of [1, 3]) {
    const words = line.words.slice(at, at + count);
    const code = words.map((word) => untyped(word.text).replace(/[.!]+$/, '')).join('-');
    if (words.length === count && CODE.test(code)) return { code, next: at + count };
  }
  return undefined;
}

/** What cannot be a code is not said back: it may be one with a slip in it. */
function noCode(line: Line, from: number, at: number, name: 'link' | 'join'): VerbReading {
  const message = `A code has twelve letters and digits: ${name} 2F7K-QM4D-9TRV.`;
  return stuck(line, from, at, [refused('bad_code', at, line.words.length, message).issue]);
}

/** "link gdrive" is how some say `connect`; "link" alone asks for a code. */
export const readLink: ReadVerb = (line, from, at) => {
  const own = at + phraseAt(line, at, ['me', 'my account']);
  if (own + politeAt(line, own) >= line.words.length) return done({ name: 'link', args: {} });
  const found = codeAt(line, at);
  if (found) return ended(line, from, found.next, { name: 'link', args: { code: found.code } });
  const connect = readConnect(line, from, at);
  return connect.command || connect.issues?.every((issue) => issue.code !== 'unknown_kind')
    ? connect
    : noCode(line, from, at, 'link');
};

export const readJoin: ReadVerb = (line, from, at) => {
  const found = codeAt(line, at);
  return found
    ? ended(line, from, found.next, { name: 'join', args: { code: found.code } })
    : noCode(line, from, at, 'join');
};

/** "unlink nas" is how some say `disconnect`. The id of an identity tells two of one surface apart. */
export const readUnlink: ReadVerb = (line, from, at) => {
  const start = at + phraseAt(line, at, ['my', 'from', 'me from']);
  const surface = keyAt(line, start).replace(/[.!?]+$/, '');
  if (SURFACES.includes(surface)) {
    const next = start + 1;
    const id = next < line.words.length && politeAt(line, next) === 0 ? line.words[next]?.text : undefined;
    const args = id === undefined ? { surface } : { surface, id };
    return ended(line, from, id === undefined ? next : next + 1, { name: 'unlink', args });
  }
  const account = readDisconnect(line, from, at);
  if (account.command) return account;
  const message = 'Unlink which one? Say where you no longer want to be known, such as: unlink slack';
  const { issue } = refused('which_surface', start, line.words.length, message, ['slack', 'discord', 'mail']);
  return stuck(line, from, start, [issue], start < line.words.length ? `"${rest(line, start)}"` : undefined);
};

/** `[as|to|is] [a|an|the] <role>` at word `at`. */
function roleAt(line: Line, at: number): { role: (typeof ROLES)[number]; next: number } | undefined {
  const head = phraseAt(line, at, ['as', 'to', 'is', 'to be', '=']);
  const start = at + head + phraseAt(line, at + head, ['a', 'an', 'the']);
  const role = ROLES.find((known) => phraseAt(line, start, [known]) > 0);
  return role && { role, next: start + 1 };
}

const nameOf = (line: Line, from: number, to: number): string =>
  line.words
    .slice(from, to)
    .map((word) => word.text)
    .join(' ');

/** The end of the line without politeness. */
function lastWord(line: Line): number {
  for (let at = 1; at < line.words.length; at++) {
    if (politeAt(line, at) === line.words.length - at) return at;
  }
  return line.words.length;
}

/** The role may stand before the name or behind it; without one it is a member. */
export const readInvite: ReadVerb = (line, from, at) => {
  const end = lastWord(line);
  const first = roleAt(line, at);
  const start = first?.next ?? at;
  let role = first?.role;
  let upTo = end;
  for (let i = start; !role && i < end; i++) {
    const found = roleAt(line, i);
    if (found?.next === end) {
      role = found.role;
      upTo = i;
    }
  }
  const name = nameOf(line, start, upTo).trim();
  if (name.length > 60) {
    const message = 'A name has at most 60 characters.';
    return stuck(line, from, start, [refused('bad_name', start, upTo, message).issue]);
  }
  return done({ name: 'invite', args: { ...(role ? { role } : {}), ...(name === '' ? {} : { name }) } });
};

export const readRole: ReadVerb = (line, from, at) => {
  const start = at + phraseAt(line, at, ['of', 'for']);
  const end = lastWord(line);
  for (let i = start + 1; i < end; i++) {
    const found = roleAt(line, i);
    if (found?.next === end) {
      return done({ name: 'role', args: { person: nameOf(line, start, i), role: found.role } });
    }
  }
  if (start >= end) {
    const message = 'Whose role? Say the name and the role, such as: role Ben viewer';
    return stuck(line, from, start, [refused('nothing_said', start, end, message, ['Ben viewer']).issue]);
  }
  const message = `Which role should ${slice(line, start, end)} have?`;
  const fixes = ROLES.map((role) => ({ label: role, text: `${slice(line, start, end)} ${role}` }));
  return stuck(line, from, end, [unclear('which_role', start, end, message, fixes).issue]);
};

/** A plan's name is asked about: plans are deleted, people forgotten. */
export const readForget: ReadVerb = (line, from, at) => {
  const me = phraseAt(line, at, ['me', 'myself', 'about me', 'everything about me']);
  if (me > 0) return ended(line, from, at + me, { name: 'forget', args: {} });
  const person = phraseAt(line, at, ['person', 'the person']);
  const end = lastWord(line);
  const said = /person/.test(keyOf(slice(line, from, at)));
  const start = at + person;
  if (start >= end) {
    const message = 'Forget whom? To have everything about yourself deleted: forget me';
    const fixes = said ? [] : ['me'];
    return stuck(line, from, at, [refused('nothing_said', at, line.words.length, message, fixes).issue]);
  }
  const plan = person === 0 && !said ? planAt(line, start) : undefined;
  if (plan?.next === end) {
    const whole = (label: string, text: string) => ({ label, edits: [{ from, to: line.words.length, text }] });
    const fixes = [
      whole(`Delete the backup ${plan.plan}`, `delete ${quote(plan.plan)}`),
      whole(`Forget the person ${plan.plan}`, `forget person ${quote(plan.plan)}`),
    ];
    const question = `Is "${plan.plan}" the backup or a person?`;
    return stuck(line, from, end, [
      { code: 'plan_or_person', kind: 'clarify', message: question, from: start, to: end, fixes },
    ]);
  }
  return done({ name: 'forget', args: { person: nameOf(line, start, end) } });
};

const HERE = ['here', 'in here', 'with this channel', 'in this channel', 'with the channel', 'from here'];

export const readShare =
  (name: Extract<CommandName, 'share' | 'unshare'>): ReadVerb =>
  (line, from, at) => {
    const question = name === 'share' ? 'Share which plan?' : 'Stop sharing which plan?';
    const found = neededPlan(line, from, at, question, true, (i) => phraseAt(line, i, HERE) > 0);
    if (found.reading) return found.reading;
    const next = found.next + phraseAt(line, found.next, HERE);
    return ended(line, from, next, { name, args: { plan: found.plan } });
  };
