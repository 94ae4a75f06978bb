/** Commands about the connection and who is at its other end. */
import type { ImapCommand } from './commands.ts';
import { No, type Session } from './session.ts';
import type { ImapAccount } from './store.ts';
import { Bad, listOf, noMore, stringOf, type Token, wordOf } from './syntax.ts';
import { idleProblem } from './world.ts';

const ALWAYS = ['new', 'signed in', 'selected'] as const;
const SIGNED_IN = ['signed in', 'selected'] as const;

const capabilities = (session: Session): string => `CAPABILITY ${[...session.world.capabilities].join(' ')}`;

function enter(session: Session, account: ImapAccount | undefined): string {
  const { world } = session;
  world.logins += 1;
  if (world.faults.login === 'temporary') throw new No('signing in is not possible at the moment', 'UNAVAILABLE');
  if (!account || world.faults.login === 'permanent') throw new No('wrong name or password', 'AUTHENTICATIONFAILED');
  session.account = account;
  return `[${capabilities(session)}] signed in`;
}

const byPassword = (session: Session, user: string, password: string): ImapAccount | undefined => {
  const account = session.world.accounts.get(user.toLowerCase());
  return account?.password === password ? account : undefined;
};

function decode(base64: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) throw new Bad('this is no base64');
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** RFC 4616: authorization identity, name, password. */
function plain(session: Session, words: string): string {
  const parts = words.split('\0');
  if (parts.length !== 3) throw new Bad('PLAIN has three words');
  const [, user = '', password = ''] = parts;
  return enter(session, byPassword(session, user, password));
}

/** Google's and Microsoft's: a refusal is told first, and the client answers it with an empty line. */
async function bearer(session: Session, words: string): Promise<string> {
  const [name = '', bearerWords = '', ...ends] = words.split('\u0001');
  const [user, token] = [/^user=(.+)$/.exec(name)?.[1], /^auth=Bearer (\S+)$/.exec(bearerWords)?.[1]];
  if (user === undefined || token === undefined || ends.join() !== ',') throw new Bad('this is no XOAUTH2');
  const account = session.world.accounts.get(user.toLowerCase());
  if (account?.accessTokens.has(token) && session.world.faults.login === undefined) {
    return enter(session, account);
  }
  const told = JSON.stringify({ status: '400', schemes: 'Bearer', scope: 'https://mail.google.com/' });
  session.wire.send(`+ ${Buffer.from(told).toString('base64')}\r\n`);
  if ((await session.wire.line()) !== '') session.blame('a refused XOAUTH2 is answered with an empty line');
  return enter(session, undefined);
}

async function authenticate(session: Session, args: Token[]): Promise<string> {
  noMore(args, 2);
  const mechanism = wordOf(args[0]).toUpperCase();
  if (!session.world.capabilities.has(`AUTH=${mechanism}`)) throw new No(`${mechanism} is not offered`);
  let first = args[1] === undefined ? undefined : wordOf(args[1]);
  if (first !== undefined && !session.world.capabilities.has('SASL-IR')) throw new Bad('SASL-IR is not offered');
  if (first === undefined) {
    session.wire.send('+ \r\n');
    first = await session.wire.line();
    if (first === '*') throw new Bad('given up');
  }
  const words = decode(first === '=' ? '' : first);
  return mechanism === 'XOAUTH2' ? bearer(session, words) : plain(session, words);
}

async function idle(session: Session): Promise<string> {
  const { wire, world } = session;
  session.idleSince = world.clock.now();
  try {
    wire.send('+ idling\r\n');
    if (!world.faults.deafIdle) session.sync(true);
    const line = await wire.line();
    if (line.toUpperCase() !== 'DONE') throw new Bad(`IDLE is ended by DONE, not by "${line}"`);
    const problem = idleProblem(session);
    if (problem !== undefined) world.violations.push(problem);
  } finally {
    session.idleSince = undefined;
  }
  return 'IDLE done';
}

export const ACCOUNT_COMMANDS: Readonly<Record<string, ImapCommand>> = {
  CAPABILITY: {
    states: ALWAYS,
    run(session, args) {
      noMore(args, 0);
      session.tell(capabilities(session));
      return 'CAPABILITY done';
    },
  },
  NOOP: {
    states: ALWAYS,
    run(_session, args) {
      noMore(args, 0);
      return 'NOOP done';
    },
  },
  LOGOUT: {
    states: ALWAYS,
    run(session, args) {
      noMore(args, 0);
      session.unselect();
      session.tell('BYE good bye');
      session.isOver = true;
      return 'LOGOUT done';
    },
  },
  // RFC 2971: at most 30 pairs of strings, names at most 30 bytes, values at most 1024.
  ID: {
    states: ALWAYS,
    needs: 'ID',
    run(session, args) {
      noMore(args, 1);
      if (args[0]?.kind === 'list') {
        const words = listOf(args[0]);
        const odd = words.filter((_word, index) => index % 2 === 0);
        if (words.length % 2 === 1 || words.length > 60) throw new Bad('ID takes at most 30 pairs');
        if (odd.some((name) => name.kind === 'atom' || stringOf(name).length > 30))
          throw new Bad('ID: a name is no short string');
        if (words.some((word) => stringOf(word).length > 1024)) throw new Bad('ID: a value is too long');
      } else if (wordOf(args[0]).toUpperCase() !== 'NIL') throw new Bad('ID takes a list or NIL');
      session.tell('ID ("name" "loopback")');
      return 'ID done';
    },
  },
  LOGIN: {
    states: ['new'],
    run(session, args) {
      noMore(args, 2);
      if (session.world.capabilities.has('LOGINDISABLED')) throw new Bad('LOGIN though LOGINDISABLED is said');
      const [user, password] = [stringOf(args[0]), stringOf(args[1])];
      return enter(session, byPassword(session, user, Buffer.from(password, 'latin1').toString('utf8')));
    },
  },
  AUTHENTICATE: { states: ['new'], run: authenticate },
  NAMESPACE: {
    states: SIGNED_IN,
    needs: 'NAMESPACE',
    run(session, args) {
      noMore(args, 0);
      session.tell('NAMESPACE (("" "/")) NIL NIL');
      return 'NAMESPACE done';
    },
  },
  // RFC 5161: what is not known is left out of the answer.
  ENABLE: {
    states: SIGNED_IN,
    needs: 'ENABLE',
    run(session, args) {
      if (args.length === 0) throw new Bad('ENABLE of nothing');
      const asked = args.map((word) => wordOf(word).toUpperCase());
      const enabled = asked.filter((name) => name === 'CONDSTORE' && session.world.capabilities.has(name));
      if (enabled.length > 0) session.condstore = true;
      session.tell(`ENABLED${enabled.map((name) => ` ${name}`).join('')}`);
      return 'ENABLE done';
    },
  },
  IDLE: {
    states: SIGNED_IN,
    needs: 'IDLE',
    run(session, args) {
      noMore(args, 0);
      return idle(session);
    },
  },
};
