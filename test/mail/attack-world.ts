/**
 * A whole Keepsake with its mail surface, as `npm start` runs it: Ana owns it, Ben is a member, Eve is nobody here, has a
 * mail domain of her own where everything is signed, and holds a copy of a report that Ana got.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Composed, compose } from '../../src/compose.ts';
import { readConfig } from '../../src/engine/config.ts';
import { Stopped } from '../../src/engine/errors.ts';
import { startOutbox } from '../../src/engine/outbox.ts';
import type { AuditLine, Person as Known, OutboxMessage, Plan, Reply, Role } from '../../src/engine/types.ts';
import { cursorId } from '../../src/mail/imap/cursor.ts';
import { type FastClock, fastClock } from '../fast-clock.ts';
import { type MailWorld, type MailWorldOptions, openMailWorld, type Person, type SeenMail } from '../servers/mail.ts';

/** How much faster than life. */
const FACTOR = 20;
/** Real time until something must have come about, generous for a machine that is busy. */
const PATIENCE = 30_000;

export interface Running {
  composed: Composed;
  /** `kill`: nothing is waited for and nothing put away, as after `kill -9`; only the database is closed. */
  stop(): Promise<void>;
}

export interface AttackWorld {
  mails: MailWorld;
  clock: FastClock;
  folder: string;
  log: string[];
  ana: Person;
  ben: Person;
  eve: Person;
  /** Ana's first report; Eve has its bytes. */
  report: SeenMail;
  bens: SeenMail;
  composed(): Composed;
  /** Another process on the same data and the same mailbox. */
  another(): Promise<Running>;
  stop(): Promise<void>;
  start(): Promise<void>;
  know(id: string, person: Person, role: Role): Promise<Known>;
  /** In the terminal, to its end, or until a run is on its way. */
  say(person: Known, line: string): Promise<Reply[]>;
  plan(name: string): Promise<Plan | undefined>;
  /** Another report of Ana's. */
  newReport(): Promise<SeenMail>;
  /** The UID up to which the mailbox was looked at. */
  read(): Promise<number>;
  /** Until every mail in the mailbox was looked at, and everything that is to be said was sent. */
  quiet(): Promise<void>;
  /** What there is to protect: plans, people, accounts, runs, kept mails. Equal texts are an equal state. */
  state(): Promise<string>;
  /** Everything that the mail surface turned away, or asked about. */
  refused(): Promise<AuditLine[]>;
  /** Lines of one command. */
  audit(command: string): Promise<AuditLine[]>;
  outbox(): Promise<OutboxMessage[]>;
  /** Addresses that something was sent to, with repetitions. */
  recipients(): string[];
  until(what: string, holds: () => boolean | Promise<boolean>, ms?: number): Promise<void>;
  close(): Promise<void>;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms: number = PATIENCE,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It did not come about: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const words = ({ subject, text }: SeenMail): string => `${subject} ${text}`.replace(/\s+/g, ' ');

/** The token of a mail of Keepsake's, as whoever has its bytes reads it. */
export const tokenOf = (mail: SeenMail): string => /^<([a-z2-7]{26})\.k@/.exec(mail.messageId)?.[1] ?? '';

export async function openAttackWorld(
  o: { mails?: MailWorldOptions; environment?: Record<string, string> } = {},
): Promise<AttackWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-attack-'));
  const at = (...parts: string[]): string => join(folder, ...parts);
  for (const name of ['photos', 'papers', 'copies']) await mkdir(at(name));
  await writeFile(at('photos', 'a.jpg'), 'this is a.jpg');
  await writeFile(at('papers', 'b.pdf'), 'this is b.pdf');
  const clock = fastClock(FACTOR);
  const mails = await openMailWorld({ clock, ...o.mails });
  const log: string[] = [];
  const config = {
    ...readConfig(
      { ...mails.environment(), KEEPSAKE_LOCAL_ROOTS: folder, KEEPSAKE_ZONE: 'Europe/Berlin', ...o.environment },
      { data: at('data') },
    ),
    home: folder,
    cwd: folder,
  };

  async function begin(): Promise<Running> {
    const composed = await compose(config, { clock, writeLog: (line) => void log.push(line) });
    const controller = new AbortController();
    const { signal } = controller;
    const ready = Promise.withResolvers<void>();
    const working = Promise.all([
      composed.work(signal),
      composed.readMail(signal, () => ready.resolve()),
      startOutbox({ outbox: composed.outbox, clock, log: composed.services.log, signal }),
    ]);
    working.catch((error: unknown) => ready.reject(error));
    await ready.promise;
    return {
      composed,
      async stop() {
        controller.abort(new Stopped('Keepsake is being stopped.'));
        await working;
        await composed.close();
      },
    };
  }

  let running = await begin();
  const store = () => running.composed.services.store;
  const eve = mails.person('eve@evil.example', 'Eve');

  async function know(id: string, person: Person, role: Role): Promise<Known> {
    return store().put('people', {
      id,
      name: person.name,
      role,
      identities: [{ surface: 'mail', id: person.address.toLowerCase() }],
      zone: 'Europe/Berlin',
      created: clock.now().toISOString(),
    });
  }

  async function say(person: Known, line: string): Promise<Reply[]> {
    const replies: Reply[] = [];
    const caller = {
      person,
      surface: 'terminal',
      alone: true,
      zone: 'Europe/Berlin',
      signal: new AbortController().signal,
    };
    for await (const reply of running.composed.dispatch(line, caller)) {
      replies.push(reply);
      if (reply.live !== undefined && reply.about?.run === reply.live) break;
    }
    return replies;
  }

  const read = async (): Promise<number> => {
    const server = config.mail?.imap;
    const text = server && (await running.composed.surface().vault.get(cursorId(server)));
    return text === undefined ? -1 : (JSON.parse(text) as { uid: number }).uid;
  };

  const known = await know('ana', mails.ana, 'owner');
  const bob = await know('ben', mails.ben, 'member');
  await say(known, `backup ${at('photos')} to ${at('copies', 'photos')} named photos`);
  const report = await mails.ana.next((mail) => mail.subject === 'photos: backed up');
  await say(bob, `backup ${at('papers')} to ${at('copies', 'papers')} named papers`);
  const bens = await mails.ben.next((mail) => mail.subject === 'papers: backed up');

  const world: AttackWorld = {
    mails,
    clock,
    folder,
    log,
    ana: mails.ana,
    ben: mails.ben,
    eve,
    report,
    bens,
    composed: () => running.composed,
    another: begin,
    stop: () => running.stop(),
    async start() {
      running = await begin();
    },
    know,
    say,
    plan: async (name) => (await all(store().find('plans'))).find((plan) => plan.name === name),
    async newReport() {
      const ana = await store().get('people', 'ana');
      if (!ana) throw new Error('Ana is gone.');
      const before = (await mails.ana.inbox()).length;
      await say(ana, 'run photos');
      let found: SeenMail | undefined;
      await until('another report', async () => {
        found = (await mails.ana.inbox()).slice(before).find((mail) => mail.subject.startsWith('photos: '));
        return found !== undefined;
      });
      if (!found) throw new Error('There is no other report.');
      return found;
    },
    read,
    async quiet() {
      await until('every mail was looked at', async () => (await read()) >= mails.bot.mailbox('INBOX').uidNext - 1);
      await until('everything was sent', async () =>
        (await all(store().find('outbox'))).every(({ state, surface }) => surface !== 'mail' || state !== 'waiting'),
      );
    },
    async state() {
      const plans = (await all(store().find('plans'))).map(({ next: _, last: __, rev: ___, ...plan }) => plan);
      const people = (await all(store().find('people'))).map(({ rev: _, ...person }) => person);
      const accounts = (await all(store().find('accounts'))).map(({ id }) => id);
      const runs = (await all(store().find('runs'))).map(({ id }) => id);
      const kept = await readdir(at('data', 'archive'), { recursive: true }).catch(() => []);
      return JSON.stringify({ plans, people, accounts, runs, kept: kept.sort() }, null, 1);
    },
    refused: async () =>
      (await all(store().find('audit', { index: 'at' }))).filter(
        ({ surface, outcome }) => surface === 'mail' && outcome === 'refused',
      ),
    audit: async (command) => (await all(store().find('audit'))).filter((line) => line.command === command),
    outbox: () => all(store().find('outbox')),
    recipients: () => mails.submitted().flatMap(({ to }) => to.map((address) => address.toLowerCase())),
    until,
    async close() {
      await running.stop();
      await mails.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
