/** People whose mails come and go by two pairs of servers: the tests' own, in one thread, and OpenSMTPD with dovecot. */
import { openRealPost, realPostMissing } from '../test/mail/real-post.ts';
import { openMailWorld, type Person } from '../test/servers/mail.ts';

export interface BenchPost {
  name: string;
  address: string;
  people: readonly Person[];
  environment(): Record<string, string>;
  /** What came to all people: what it answers, and when it came (ms since 1970). */
  arrived(): { answers: string; at: number }[];
  close(): Promise<void>;
}

/** A person has at most 30 answers in an hour. */
const NAMES = Array.from({ length: 24 }, (_, n) => `person${n}`);
const answersOf = (raw: Buffer): string => /^in-reply-to:\s*(<[^>]+>)/im.exec(raw.toString('latin1'))?.[1] ?? '';

async function openWorld(): Promise<BenchPost> {
  const world = await openMailWorld();
  const people = NAMES.map((name) => world.person(`${name}@example.org`));
  return {
    name: 'servers of the tests',
    address: world.address,
    people,
    environment: world.environment,
    arrived: () =>
      people.flatMap(({ address }) =>
        world.imap
          .account(address)
          .mailbox('INBOX')
          .mails()
          .map(({ raw, date }) => ({ answers: answersOf(raw), at: date.getTime() })),
      ),
    close: world.close,
  };
}

async function openReal(): Promise<BenchPost> {
  const post = await openRealPost(NAMES);
  const people = post.people.slice(1);
  return {
    name: 'OpenSMTPD and dovecot',
    address: post.address,
    people,
    environment: post.environment,
    arrived: () =>
      people.flatMap((person) => post.arrived(person).map(({ raw, at }) => ({ answers: answersOf(raw), at }))),
    close: post.close,
  };
}

export const POSTS: readonly { missing: string | undefined; open(): Promise<BenchPost> }[] = [
  { missing: undefined, open: openWorld },
  { missing: realPostMissing, open: openReal },
];
