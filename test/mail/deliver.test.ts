/** Messages by mail: what each carries, where it belongs, who gets it, and that a second copy is known as one. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import PostalMime from 'postal-mime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuthRequired, RetryLater, Undeliverable } from '../../src/engine/errors.ts';
import type { MailConfig } from '../../src/engine/mail-config.ts';
import { createOutbox } from '../../src/engine/outbox.ts';
import { openSqlite } from '../../src/engine/store/sqlite.ts';
import type { Store } from '../../src/engine/store/store.ts';
import { createTokens } from '../../src/engine/tokens.ts';
import type { MailAnswered, OutboxMessage, Person, Reply, Thread } from '../../src/engine/types.ts';
import { readCodes, readMessageId, readTagged } from '../../src/mail/address.ts';
import { threadReference } from '../../src/mail/carried.ts';
import { createMailDeliverer } from '../../src/mail/deliver.ts';
import { answerSubject, planThreadOf, threadOf } from '../../src/mail/headers.ts';
import { testClock } from '../commands/world.ts';
import { headersOf, type SinkOrder, startScript, startSink, type Taken } from './sink.ts';

const FROM = 'backup@example.org';
const WEB = 'https://keepsake.example.org';

let folder: string;
let store: Store;
let clock: ReturnType<typeof testClock>;
let vault: Map<string, string>;
let threads: Thread[];
let bounces: { address: string; why: string }[];
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-deliver-'));
  clock = testClock();
  store = await openSqlite(join(folder, 'keepsake.db'), { clock, log: () => undefined });
  vault = new Map();
  threads = [];
  bounces = [];
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const ana: Person = {
  id: 'u1',
  name: 'Ana',
  role: 'owner',
  identities: [
    { surface: 'mail', id: 'old@example.com' },
    { surface: 'mail', id: 'ana@example.com' },
    { surface: 'slack', id: 'T1:U1' },
  ],
  zone: 'Europe/Berlin',
  created: '2026-11-01T00:00:00.000Z',
};

const report: Reply = { tone: 'good', title: 'photos: 214 new files', topic: 'photos: backed up', blocks: [] };
const question: Reply = {
  tone: 'plain',
  title: 'Really delete photos?',
  blocks: [
    {
      kind: 'choices',
      choices: [
        { label: 'Delete it', line: 'yes 1a2b3c4d', style: 'danger' },
        { label: 'No, leave it', line: 'no 1a2b3c4d' },
      ],
    },
  ],
  data: { confirm: 'yes 1a2b3c4d', line: 'remove photos' },
};

const messageOf = (changes: Partial<OutboxMessage> = {}): OutboxMessage => ({
  id: 'm1',
  person: 'u1',
  surface: 'mail',
  key: 'report/r7/mail',
  reply: report,
  about: { plan: 'p1', run: 'r7' },
  state: 'waiting',
  tries: 1,
  due: '2026-11-22T14:23:00.000Z',
  created: '2026-11-22T14:23:00.000Z',
  ...changes,
});

const answers = (changes: Partial<MailAnswered> = {}): MailAnswered => ({
  id: '<their.3@example.com>',
  references: ['<their.1@example.com>', '<our.2@example.org>'],
  subject: 'Re: photos: backed up',
  to: 'ana@example.com',
  ...changes,
});
/** What an answer is: nothing that comes by itself. */
const answer = (changes: Partial<MailAnswered> = {}, more: Partial<OutboxMessage> = {}): OutboxMessage =>
  messageOf({ id: 'm2', key: 'mail:abc', answers: answers(changes), ...more });

function delivererTo(port: number, more: Partial<MailConfig> & { url?: string; unread?: true } = {}) {
  const { url, unread, ...config } = more;
  const deliverer = createMailDeliverer({
    config: {
      from: FROM,
      smtp: { host: '127.0.0.1', port, secure: false },
      ...(unread ? {} : { imap: { host: '127.0.0.1', port: 143, secure: false, folder: 'INBOX' } }),
      tags: true,
      ...config,
    },
    services: {
      tokens: createTokens({ store, clock }),
      vault: {
        get: async (id) => vault.get(id),
        put: async (id, value) => void vault.set(id, value),
        remove: async (id) => void vault.delete(id),
      },
      threads: {
        keep: async (thread) => void threads.push(thread),
        close: async () => undefined,
        at: async () => undefined,
        ofRun: async () => [],
        open: async function* () {},
        hold: async () => true,
      },
      bounced: async (bounce) => void bounces.push(bounce),
      clock,
      log: () => undefined,
      zone: 'UTC',
    },
    auth: {},
    ...(url === undefined ? {} : { url }),
  });
  cleanups.push(() => deliverer.close());
  return deliverer;
}

async function world(order: SinkOrder & { config?: Parameters<typeof delivererTo>[1] } = {}) {
  const { config, ...rest } = order;
  const server = await startSink(rest);
  cleanups.push(server.close);
  const deliverer = delivererTo(server.port, config);
  return {
    server,
    deliverer,
    async deliver(message: OutboxMessage, to: Person = ana): Promise<Taken & { headers: Map<string, string> }> {
      const before = server.taken.length;
      await deliverer.deliver(message, to, new AbortController().signal);
      expect(server.taken.length).toBe(before + 1);
      const mail = server.taken.at(-1) as Taken;
      return { ...mail, headers: headersOf(mail.text) };
    },
    fail: async (message: OutboxMessage, to: Person = ana): Promise<unknown> => {
      try {
        await deliverer.deliver(message, to, new AbortController().signal);
      } catch (error) {
        return error;
      }
      throw new Error('it was delivered');
    },
  };
}

const tokenOf = (headers: Map<string, string>): string => readTagged(headers.get('reply-to') ?? '')?.token ?? '';
const pending = () => createTokens({ store, clock });

describe('a report', () => {
  it('carries one token in four places, which stands for this person, plan and run', async () => {
    const { deliver } = await world();
    const { headers, text } = await deliver(messageOf());
    const token = tokenOf(headers);
    expect(token).toMatch(/^[a-z2-7]{26}$/);
    expect(readMessageId(headers.get('message-id') ?? '')).toBe(token);
    expect(readMessageId(headers.get('references')?.split(' ').at(-1) ?? '')).toBe(token);
    const mail = await PostalMime.parse(text);
    expect(readCodes(mail.text ?? '')).toEqual([token]);
    expect(readCodes(mail.html ?? '')).toEqual([token]);
    expect(await pending().findReply(token)).toMatchObject({
      person: 'u1',
      about: { plan: 'p1', run: 'r7' },
      used: false,
    });
    expect(await pending().findReply(token)).not.toHaveProperty('confirm');
  });

  it('goes to one address, from ours, with the name made safe', async () => {
    const { deliver } = await world();
    const { from, to, headers } = await deliver(messageOf(), {
      ...ana,
      name: 'Ana "x" <evil@example.net>\r\nBcc: b@example.net',
    });
    expect([from, to]).toEqual([FROM, ['ana@example.com']]);
    expect(headers.get('from')).toBe(`Keepsake <${FROM}>`);
    expect(headers.has('bcc')).toBe(false);
    const parsed = await PostalMime.parse(`To: ${headers.get('to')}\r\n\r\nx`);
    expect(parsed.to).toEqual([expect.objectContaining({ address: 'ana@example.com' })]);
  });

  it('is no answer to anybody, and robots leave it alone', async () => {
    const { deliver } = await world();
    const { headers } = await deliver(messageOf());
    expect(Object.fromEntries(headers)).toMatchObject({
      'auto-submitted': 'auto-generated',
      'x-auto-response-suppress': 'All',
      precedence: 'bulk',
      'list-id': 'Keepsake <reports.example.org>',
      date: 'Sun, 22 Nov 2026 14:23:00 +0000',
    });
    expect(headers.get('subject')).not.toMatch(/^re:/i);
  });

  it('is one conversation with the other reports of its plan, and with no other plan', async () => {
    const { deliver } = await world();
    const one = await deliver(messageOf());
    const two = await deliver(messageOf({ id: 'm2', key: 'report/r8/mail', about: { plan: 'p1', run: 'r8' } }));
    const other = await deliver(messageOf({ id: 'm3', key: 'report/r9/mail', about: { plan: 'p2', run: 'r9' } }));
    expect(one.headers.get('in-reply-to')).toMatch(/^<plan\.[0-9a-f]{24}@example\.org>$/);
    expect(two.headers.get('in-reply-to')).toBe(one.headers.get('in-reply-to'));
    expect(other.headers.get('in-reply-to')).not.toBe(one.headers.get('in-reply-to'));
    expect(one.headers.get('references')).toBe(`${one.headers.get('in-reply-to')} ${one.headers.get('message-id')}`);
    expect(new Set([one, two, other].map(({ headers }) => headers.get('message-id'))).size).toBe(3);
    expect(one.headers.get('subject')).toBe(two.headers.get('subject'));
  });

  it('can be ended by one click and by mail, each time with a token for that alone', async () => {
    const { deliver } = await world({ config: { url: WEB } });
    const { headers, text } = await deliver(messageOf());
    const [, token = ''] = /unsubscribe\/([a-z2-7]{26})>/.exec(headers.get('list-unsubscribe') ?? '') ?? [];
    expect(headers.get('list-unsubscribe')).toBe(
      `<${WEB}/mail/unsubscribe/${token}>, <mailto:backup+u.${token}@example.org?subject=stop%20reports>`,
    );
    expect(headers.get('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    expect(await pending().findUnsubscribe(token)).toEqual({ person: 'u1', plan: 'p1' });
    expect(await pending().findReply(token)).toBeUndefined();
    expect(token).not.toBe(tokenOf(headers));
    expect((await PostalMime.parse(text)).html).toContain(`${WEB}/mail/unsubscribe/${token}`);
  });

  it('is not offered to be ended over a page that is not encrypted', async () => {
    const { deliver } = await world({ config: { url: 'http://keepsake.example.org' } });
    const { headers, text } = await deliver(messageOf());
    expect(headers.get('list-unsubscribe')).toMatch(/^<mailto:/);
    expect(headers.has('list-unsubscribe-post')).toBe(false);
    expect(text).not.toContain('http://keepsake');
  });

  it('a digest is ended as a whole', async () => {
    const { deliver } = await world({ config: { url: WEB } });
    const { about: _, ...digest } = messageOf({ id: 'm4', key: 'digest:u1:2026-11-22' });
    const { headers } = await deliver(digest);
    const [, token = ''] = /unsubscribe\/([a-z2-7]{26})>/.exec(headers.get('list-unsubscribe') ?? '') ?? [];
    expect(await pending().findUnsubscribe(token)).toEqual({ person: 'u1' });
  });

  it('has a plain address to answer to where sub-addresses are not known, and the token in what is sent there', async () => {
    const { deliver } = await world({ config: { tags: false } });
    const { headers, text } = await deliver(messageOf());
    expect(headers.get('reply-to')).toBe(FROM);
    const token = readMessageId(headers.get('message-id') ?? '') ?? '';
    const body = decodeURIComponent(headers.get('list-unsubscribe') ?? '');
    expect(body).toContain(`mailto:${FROM}?subject=stop reports&body=stop reports`);
    expect(readCodes(body)).toEqual([token]);
    expect(readCodes((await PostalMime.parse(text)).text ?? '')).toEqual([token]);
  });

  it('offers no answers where nobody reads them, and is the same mail each time it is sent', async () => {
    const server = await startSink();
    cleanups.push(server.close);
    for (let i = 0; i < 2; i++) {
      await delivererTo(server.port, { unread: true }).deliver(messageOf(), ana, new AbortController().signal);
    }
    const [one, two] = server.taken.map(({ text }) => headersOf(text));
    expect(one?.has('reply-to')).toBe(false);
    expect(one?.has('list-unsubscribe')).toBe(false);
    expect(one?.get('message-id')).toBe(two?.get('message-id'));
    expect(server.taken[0]?.text).not.toMatch(/\[#|mailto:/);
    for await (const found of store.find('pending')) throw new Error(`a token: ${found.id}`);
  });
});

describe('an answer', () => {
  it('stands in the conversation that it answers', async () => {
    const { deliver } = await world({ config: { url: WEB } });
    const { headers, to } = await deliver(answer());
    expect(to).toEqual(['ana@example.com']);
    expect(headers.get('in-reply-to')).toBe('<their.3@example.com>');
    expect(headers.get('references')).toBe(
      `<their.1@example.com> <our.2@example.org> <their.3@example.com> ${headers.get('message-id')}`,
    );
    expect(headers.get('subject')).toBe('Re: photos: backed up');
    expect(headers.get('auto-submitted')).toBe('auto-replied');
  });

  it('cannot be unsubscribed from', async () => {
    const { deliver } = await world({ config: { url: WEB } });
    const { headers } = await deliver(answer());
    expect(headers.has('list-unsubscribe')).toBe(false);
    expect(headers.has('list-unsubscribe-post')).toBe(false);
  });

  it('is not led astray by what stands in the mail that it answers', async () => {
    const { deliver } = await world();
    const { headers, text } = await deliver(
      answer({
        id: '<a@b>\r\nBcc: evil@example.net',
        references: ['<ok@example.com>', '<x y@z>', 'bare@id', '<a@b>, <c@d>', `<${'x'.repeat(5_000)}@y>`, '<ü@y>'],
        subject: 'hello\r\nBcc: evil@example.net\r\n\r\n<script>',
      }),
    );
    expect(headers.has('bcc')).toBe(false);
    expect(headers.has('in-reply-to')).toBe(false);
    expect(headers.get('references')).toBe(`<ok@example.com> ${headers.get('message-id')}`);
    expect(headers.get('subject')).toBe('Re: hello Bcc: evil@example.net <script>');
    expect(text.indexOf('<script>')).toBeLessThan(text.indexOf('\r\n\r\n'));
  });

  it('keeps the first and the last of a long conversation', () => {
    const references = Array.from({ length: 50 }, (_, i) => `<${i}@x>`);
    const thread = threadOf({ answers: answers({ references, id: '<last@x>' }) }, '<own@x>', FROM);
    expect(thread.references).toHaveLength(20);
    expect(thread.references.slice(0, 2)).toEqual(['<0@x>', '<33@x>']);
    expect(thread.references.slice(-2)).toEqual(['<last@x>', '<own@x>']);
    expect(thread.inReplyTo).toBe('<last@x>');
  });

  it.each([
    ['Re: x', 'Re: x'],
    ['RE: AW: Re[2]: SV: x', 'Re: x'],
    ['回复：x', 'Re: x'],
    ['', 'Re:'],
    ['Re:', 'Re:'],
    ['Reports are late', 'Re: Reports are late'],
    ['re-run photos', 'Re: re-run photos'],
  ])('has one "Re:": %j', (subject, expected) => {
    expect(answerSubject(subject)).toBe(expected);
  });

  it.each(['x'.repeat(200_000), '📷'.repeat(500), 're: '.repeat(50_000), 'a\u0000b\u001b[31m\u202egpj.exe', '\ud800'])(
    'has a subject of at most 78 visible characters',
    (subject) => {
      const made = answerSubject(subject);
      expect([...made].length).toBeLessThanOrEqual(78);
      expect(made).not.toMatch(/\p{Cc}|\u202e/u);
      expect(made.isWellFormed()).toBe(true);
    },
  );
});

describe('a question', () => {
  it('is answered by a plain "yes" to it, or by a click', async () => {
    const { deliver } = await world({ config: { url: WEB } });
    const { headers, text } = await deliver(answer({}, { reply: question }));
    const token = tokenOf(headers);
    expect(await pending().findReply(token)).toMatchObject({ confirm: 'yes 1a2b3c4d' });
    expect((await PostalMime.parse(text)).html).toContain(`${WEB}/mail/confirm/${token}`);
  });

  it('that does not offer its own answer confirms nothing', async () => {
    const { deliver } = await world({ config: { url: WEB } });
    const reply: Reply = { ...question, data: { confirm: 'yes 99999999' } };
    const { headers, text } = await deliver(answer({}, { reply }));
    expect(await pending().findReply(tokenOf(headers))).not.toHaveProperty('confirm');
    expect((await PostalMime.parse(text)).html).not.toContain('/mail/confirm/');
  });
});

describe('who gets it', () => {
  it('the newest address; the one that was written from, for an answer', async () => {
    const { deliver } = await world();
    expect((await deliver(messageOf())).to).toEqual(['ana@example.com']);
    expect((await deliver(answer({ to: 'old@example.com' }))).to).toEqual(['old@example.com']);
  });

  it('not an address that is no longer theirs, or never was', async () => {
    const { deliver } = await world();
    expect((await deliver(answer({ to: 'evil@example.net' }))).to).toEqual(['ana@example.com']);
    expect((await deliver(answer({ to: 'T1:U1' }, { id: 'm3' }))).to).toEqual(['ana@example.com']);
  });

  it('not an address that its server refuses, while there is another', async () => {
    const refused = { at: '2026-11-20T00:00:00.000Z', why: '550 No such user' };
    const { deliver, fail, server } = await world();
    const [old, newest] = ana.identities as [Person['identities'][0], Person['identities'][0]];
    expect((await deliver(messageOf(), { ...ana, identities: [old, { ...newest, refused }] })).to).toEqual([old.id]);
    const error = await fail(messageOf({ id: 'm2' }), { ...ana, identities: [{ ...newest, refused }] });
    expect(error).toBeInstanceOf(Undeliverable);
    expect(String(error)).toContain('550 No such user');
    expect(await fail(messageOf({ id: 'm3' }), { ...ana, identities: [] })).toBeInstanceOf(Undeliverable);
    expect(server.taken).toHaveLength(1);
  });

  it('a new address gets what asks about it, and no token: nobody has proved it', async () => {
    const { deliver } = await world({ config: { url: WEB } });
    const { to, headers, text } = await deliver(messageOf({ address: 'new@example.net', reply: question }));
    expect(to).toEqual(['new@example.net']);
    expect(headers.has('reply-to')).toBe(false);
    expect(headers.has('list-unsubscribe')).toBe(false);
    expect(text).not.toMatch(/\[#|\+r\.|\/mail\/confirm\//);
    for await (const found of store.find('pending')) throw new Error(`a token: ${found.id}`);
    expect(vault.size).toBe(0);
  });

  it.each([
    'ána@example.org',
    'a@example.org, b@example.org',
    'a@example.org\r\nRCPT TO:<b@example.org>',
    'a\u0000@example.org',
  ])('never two, and none that a server would have to guess at: %j', async (address) => {
    const { fail, server } = await world();
    expect(await fail(messageOf({ address }))).toBeInstanceOf(Undeliverable);
    expect(server.connections()).toBe(0);
  });
});

describe('a mail that does not arrive', () => {
  it('is the same mail when it is sent again: the answer of the server was lost', async () => {
    let lose = true;
    const server = await startScript((line) => {
      if (line === '') return '220 hello';
      if (line.startsWith('DATA')) return '354 go on';
      return line === '.' && lose ? null : '250 ok';
    });
    cleanups.push(server.close);
    const deliver = () =>
      delivererTo(server.port, { url: WEB }).deliver(messageOf(), ana, new AbortController().signal);
    await expect(deliver()).rejects.toBeInstanceOf(RetryLater);
    lose = false;
    // Another process, a day later.
    clock.forward(24 * 3_600_000);
    await deliver();
    expect(server.mails).toHaveLength(2);
    const [one, two] = server.mails.map(headersOf);
    for (const name of ['message-id', 'references', 'reply-to', 'list-unsubscribe']) {
      expect(two?.get(name)).toBe(one?.get(name));
    }
    expect(vault.size).toBe(0);
  });

  it('keeps its token while it waits, and not when it is sent', async () => {
    let greylisted = true;
    const { deliver, fail } = await world({ rcptTo: () => (greylisted ? '450 4.2.0 Greylisted' : undefined) });
    expect(await fail(messageOf())).toBeInstanceOf(RetryLater);
    expect([...vault.keys()]).toEqual(['mail/m1']);
    greylisted = false;
    await deliver(messageOf());
    expect(vault.size).toBe(0);
  });

  it('because its address is refused: the person is told elsewhere, and it is dead at once', async () => {
    const { server, deliverer } = await world({ rcptTo: () => '550 5.1.1 No such user' });
    const outbox = createOutbox({ store, deliverers: [deliverer], clock, log: () => undefined });
    await store.put('people', ana);
    await store.commit([{ table: 'outbox', put: messageOf() }]);
    await outbox.deliver(new AbortController().signal);
    expect(await store.get('outbox', 'm1')).toMatchObject({
      state: 'dead',
      tries: 2,
      error: expect.stringContaining('ana@example.com'),
    });
    expect(bounces).toEqual([{ address: 'ana@example.com', why: expect.stringContaining('No such user') }]);
    expect(vault.size).toBe(0);
    expect(server.taken).toEqual([]);
  });

  it('because the rules of a server say no: dead, and nothing is held against the address', async () => {
    const { fail } = await world({ data: () => '554 5.7.1 This looks like spam' });
    expect(await fail(messageOf())).toBeInstanceOf(Undeliverable);
    expect(bounces).toEqual([]);
  });

  it('because the login is refused: it waits, with its token', async () => {
    const server = await startSink({ login: () => '535 5.7.8 No' });
    cleanups.push(server.close);
    const smtp = { host: '127.0.0.1', port: server.port, secure: false, user: FROM, password: 'hunter2' };
    const deliverer = delivererTo(0, { smtp });
    await expect(deliverer.deliver(messageOf(), ana, new AbortController().signal)).rejects.toBeInstanceOf(
      AuthRequired,
    );
    expect(vault.size).toBe(1);
    expect(bounces).toEqual([]);
  });

  it('because it is too large: it is sent without its pictures, and says so', async () => {
    const { deliver } = await world({ options: { size: 150_000 } });
    const reply: Reply = {
      ...report,
      blocks: [
        { kind: 'text', text: 'All is well.' },
        { kind: 'image', alt: 'New photos', mime: 'image/jpeg', bytes: Buffer.alloc(300_000, 1) },
        { kind: 'file', name: 'report.pdf', mime: 'application/pdf', bytes: Buffer.alloc(10_000, 1) },
      ],
    };
    const { text } = await deliver(messageOf({ reply }));
    const mail = await PostalMime.parse(text);
    expect(mail.attachments).toEqual([]);
    expect(mail.text).toContain('All is well.');
    expect(mail.text?.replace(/\s+/g, ' ')).toContain('were left out: the mail server takes no mail of that size');
    expect((await deliver(messageOf({ id: 'm2' }))).text).not.toContain('left out');
  });

  it('because it is too large even so: dead, with the reason', async () => {
    const { fail } = await world({ options: { size: 500 } });
    expect(String(await fail(messageOf()))).toContain('larger than the mail server');
  });
});

describe('what is remembered of it', () => {
  it('is there before the mail leaves, so that a bounce finds it', async () => {
    const seen: number[] = [];
    const { deliver } = await world({ mailFrom: () => void seen.push(threads.length) as undefined });
    const { headers } = await deliver(messageOf());
    // Its Message-ID holds a token, of which only hashes are stored.
    const reference = threadReference(headers.get('message-id') ?? '');
    expect(seen).toEqual([1]);
    expect(threads).toEqual([
      {
        id: `mail/${reference}`,
        surface: 'mail',
        reference,
        plan: 'p1',
        run: 'r7',
        person: 'u1',
        posted: clock.now().toISOString(),
      },
    ]);
    expect(planThreadOf('p1', FROM)).not.toContain('p1');
  });
});

describe('a signature', () => {
  it('covers what leaves, and a mail never leaves without it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const keyFile = join(folder, 'dkim.pem');
    const dkim = { domain: 'example.org', selector: 'k1', keyFile };
    const { deliver, fail, server } = await world({ config: { dkim, url: WEB } });
    expect(String(await fail(messageOf()))).toContain('MAIL_DKIM_KEY');
    await writeFile(keyFile, 'no key');
    expect(String(await fail(messageOf()))).toContain('RSA');
    expect(server.taken).toEqual([]);
    await writeFile(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const { text } = await deliver(messageOf());
    const published = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const { results } = await dkimVerify(Buffer.from(text, 'latin1'), {
      resolver: async (name: string) => {
        if (name === 'k1._domainkey.example.org') return [[`v=DKIM1; k=rsa; p=${published}`]];
        throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
      },
    });
    expect(results[0]?.status).toMatchObject({ result: 'pass', aligned: 'example.org' });
  });
});
