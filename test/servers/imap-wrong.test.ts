/** Deliberately wrong clients: what they say is refused, and kept as a violation. */
import { afterEach, describe, expect, test } from 'vitest';
import { fastClock } from '../fast-clock.ts';
import { type RawClient, rawClient } from './imap/raw-client.ts';
import { CAPABILITIES, type ImapOptions, type ImapServer, startImap } from './imap.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const MAIL = Buffer.from('From: a@b\r\nSubject: hello\r\nMessage-ID: <1@b>\r\n\r\nbody\r\n');

async function connected(o: ImapOptions = {}): Promise<{ imap: ImapServer; client: RawClient }> {
  const imap = await startImap({ users: { ana: 'pw' }, ...o });
  const client = await rawClient(imap.port);
  open.push(imap, client);
  return { imap, client };
}

async function selected(o: ImapOptions = {}): Promise<{ imap: ImapServer; client: RawClient }> {
  const both = await connected(o);
  for (let count = 0; count < 3; count += 1) both.imap.account('ana').mailbox('INBOX').add(MAIL);
  await both.client.say('LOGIN ana pw');
  await both.client.say('SELECT INBOX');
  expect(both.imap.violations()).toEqual([]);
  return both;
}

describe('wrong syntax', () => {
  test.each([
    ['FETCH 1  FLAGS', /one space/],
    ['FETCH 1 FLAGS ', /ends too early/],
    ['UID FETCH 1:x FLAGS', /no set of numbers/],
    ['UID FETCH 0 FLAGS', /no set of numbers/],
    ['FETCH 1 (FLAGS', /one space|ends too early/],
    ['FETCH 1 BODY.PEEK[HEAD]', /FETCH has no/],
    ['FETCH 1 BODY.PEEK[]<0.0>', /FETCH has no/],
    ['FETCH 9 FLAGS', /only 3 mails/],
    ['STORE 1 +FLAGS (\\Recent)', /no flag that can be set/],
    ['STORE 1 FLAG (\\Seen)', /STORE has no/],
    ['SEARCH', /for nothing/],
    ['SEARCH SINCE 2026-11-22', /no date/],
    ['SEARCH HEADER Message-ID <a b>', /SEARCH has no key/],
    ['SEARCH CHARSET KOI8-R ALL', /charset/],
    ['SELECT Sent Mail', /list in parentheses/],
    ['SELECT "Sent', /does not end/],
    ['STATUS Sent MESSAGES', /list in parentheses/],
    ['STATUS Sent (SIZE)', /STATUS has no/],
    ['APPEND Sent "hello"', /as a literal/],
    ['LIST "" * RETURN (STATUS (MESSAGES))', /more words/],
    ['NOOP now', /more words/],
    ['XYZZY', /no command/],
  ])('%s', async (line, problem) => {
    const { imap, client } = await selected();
    expect(await client.say(line)).toMatch(/^T\d+ BAD /m);
    expect(imap.violations()).toEqual([expect.stringMatching(problem)]);
  });

  test('a line that ends with LF alone, a line without a tag, 8-bit characters', async () => {
    const { imap, client } = await selected();
    client.write('A1 NOOP\n');
    await client.until(/^A1 OK/m);
    client.write('\r\n');
    await client.until(/^\* BAD/m);
    client.write('A2 SELECT "B\xe4r"\r\n');
    await client.until(/^A2 BAD/m);
    expect(imap.violations()).toHaveLength(3);
  });
});

describe('wrong state', () => {
  test.each(['SELECT INBOX', 'LIST "" *', 'FETCH 1 FLAGS', 'IDLE', 'CLOSE'])('%s before LOGIN', async (line) => {
    const { imap, client } = await connected();
    expect(await client.say(line)).toMatch(/BAD/);
    expect(imap.violations()).toEqual([expect.stringMatching(/while new/)]);
  });

  test('FETCH with no mailbox, LOGIN a second time, STATUS of the open mailbox', async () => {
    const { imap, client } = await selected();
    expect(await client.say('STATUS INBOX (MESSAGES)')).toMatch(/OK/);
    expect(await client.say('LOGIN ana pw')).toMatch(/BAD/);
    await client.say('UNSELECT');
    expect(await client.say('UID FETCH 1 FLAGS')).toMatch(/BAD/);
    expect(imap.violations()).toHaveLength(3);
  });

  test.each([
    ['IDLE', 'IDLE'],
    ['UID MOVE 1 Sent', 'MOVE'],
    ['UID EXPUNGE 1', 'UIDPLUS'],
    ['UNSELECT', 'UNSELECT'],
    ['ID NIL', 'ID'],
    ['ENABLE CONDSTORE', 'ENABLE'],
  ])('%s where it is not offered', async (line, capability) => {
    const { imap, client } = await selected({ capabilities: CAPABILITIES.filter((one) => one !== capability) });
    expect(await client.say(line)).toMatch(/BAD/);
    expect(imap.violations()).toEqual([expect.stringContaining(`${capability} is not offered`)]);
  });

  test('a literal with + where LITERAL+ is not offered', async () => {
    const { imap, client } = await connected({ capabilities: ['IMAP4rev1'] });
    client.write('A1 LOGIN {3+}\r\nana pw\r\n');
    await client.until(/^A1 OK/m);
    expect(imap.violations()).toHaveLength(1);
  });
});

describe('wrong habits', () => {
  test('reading BODY[] sets \\Seen, and that is told; PEEK does not', async () => {
    const { imap, client } = await selected();
    await client.say('UID FETCH 1 BODY.PEEK[]');
    expect(imap.seen()).toEqual([]);
    expect(await client.say('UID FETCH 2 BODY[]')).toMatch(/FLAGS \(\\Seen\)/);
    await client.say('FETCH 3 RFC822.TEXT');
    expect(imap.seen()).toEqual(['INBOX 2 <1@b> by BODY[]', 'INBOX 3 <1@b> by RFC822.TEXT']);
  });

  test('IDLE for more than 29 minutes, while it lasts and after it', async () => {
    const clock = fastClock(1);
    const { imap, client } = await selected({ clock });
    client.write('A1 IDLE\r\n');
    await client.until(/^\+ idling/m);
    clock.forward(28 * 60_000);
    expect(imap.violations()).toEqual([]);
    clock.forward(2 * 60_000);
    expect(imap.violations()).toEqual(['IMAP: IDLE for 30 minutes']);
    client.write('DONE\r\n');
    await client.until(/^A1 OK/m);
    expect(imap.violations()).toEqual(['IMAP: IDLE for 30 minutes']);
  });

  test('IDLE that is ended by another command', async () => {
    const { imap, client } = await selected();
    client.write('A1 IDLE\r\n');
    await client.until(/^\+ idling/m);
    client.write('A2 NOOP\r\n');
    await client.until(/^A1 BAD/m);
    expect(imap.violations()).toHaveLength(1);
  });

  test('a wrong password is refused; a refused XOAUTH2 that is not answered is a violation', async () => {
    const { imap, client } = await connected();
    expect(await client.say('LOGIN ana wrong')).toMatch(/NO \[AUTHENTICATIONFAILED\]/);
    expect(imap.violations()).toEqual([]);
    const words = Buffer.from('user=ana\u0001auth=Bearer old\u0001\u0001').toString('base64');
    client.write(`A1 AUTHENTICATE XOAUTH2 ${words}\r\nA2 NOOP\r\n`);
    await client.until(/^A1 NO/m);
    expect(imap.violations()).toHaveLength(1);
    expect(imap.logins()).toBe(2);
  });
});

describe('what others do meanwhile', () => {
  test('new mails and flags are told at the next command, expunged ones not within FETCH', async () => {
    const { imap, client } = await selected();
    const box = imap.account('ana').mailbox('INBOX');
    box.add(MAIL);
    box.remove([1]);
    box.setFlags(2, ['\\Flagged']);
    expect(await client.say('FETCH 3 UID')).toMatch(/\* 3 FETCH \(UID 3\)\r\n\* 4 EXISTS/);
    expect(await client.say('NOOP')).toMatch(/^\* 1 EXPUNGE/);
    expect(client.heard()).toMatch(/\* 2 FETCH \(FLAGS \(\\Flagged\)\)/);
    expect(await client.say('UID SEARCH 1:*')).toMatch(/SEARCH 2 3 4/);
    // The star is the largest that there is.
    expect(await client.say('UID FETCH 9:* UID')).toMatch(/\* 3 FETCH \(UID 4\)/);
  });

  test('a sign-in that shows nothing in the record of commands', async () => {
    const { imap, client } = await connected();
    await client.say('LOGIN ana pw');
    await client.say('NOOP');
    expect(imap.commands()).toEqual(['- LOGIN …', 'ana NOOP']);
  });
});
