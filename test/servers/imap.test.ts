import { ImapFlow } from 'imapflow';
import { afterEach, describe, expect, test } from 'vitest';
import { type ImapOptions, type ImapServer, startImap } from './imap.ts';

const MAIL = [
  'Return-Path: <ana@example.org>',
  'From: "Ana Lima" <ana@example.org>',
  'To: backup@example.org',
  'Subject: run now',
  'Date: Sun, 22 Nov 2026 14:23:00 +0000',
  'Message-ID: <one@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/alternative; boundary="b"',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'run now',
  '--b',
  'Content-Type: text/html; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  '<p>run now</p>',
  '--b--',
  '',
].join('\r\n');

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function server(o: ImapOptions = {}): Promise<ImapServer> {
  const started = await startImap({ users: { 'backup@example.org': 'pw' }, ...o });
  open.push(started);
  return started;
}

async function client(
  imap: ImapServer,
  auth: { pass?: string; accessToken?: string } = { pass: 'pw' },
): Promise<ImapFlow> {
  const flow = new ImapFlow({
    host: imap.host,
    port: imap.port,
    secure: false,
    auth: { user: 'backup@example.org', ...auth },
    logger: false,
  });
  flow.on('error', () => {});
  open.push({ close: () => flow.close() });
  await flow.connect();
  return flow;
}

const inbox = (imap: ImapServer) => imap.account('backup@example.org').mailbox('INBOX');
const deliver = (imap: ImapServer, raw = MAIL): number => inbox(imap).add(Buffer.from(raw));

describe('imapflow, a right client', () => {
  test('signs in, reads, searches, flags, copies, moves, appends and leaves without a violation', async () => {
    const imap = await server();
    deliver(imap);
    deliver(imap, MAIL.replace('one@', 'two@'));
    const flow = await client(imap);
    expect((await flow.list()).map(({ path, specialUse }) => [path, specialUse])).toContainEqual(['Sent', '\\Sent']);
    const box = await flow.mailboxOpen('INBOX');
    expect(box).toMatchObject({ exists: 2, uidNext: 3, uidValidity: BigInt(inbox(imap).uidValidity) });
    const [one] = await flow.fetchAll(
      '1',
      { uid: true, envelope: true, bodyStructure: true, source: true, size: true, internalDate: true, flags: true },
      { uid: true },
    );
    expect(one?.source?.toString()).toBe(MAIL);
    expect(one?.envelope).toMatchObject({
      subject: 'run now',
      messageId: '<one@example.org>',
      from: [{ name: 'Ana Lima', address: 'ana@example.org' }],
    });
    expect(one?.bodyStructure?.childNodes?.map(({ type }) => type)).toEqual(['text/plain', 'text/html']);
    expect(one?.size).toBe(MAIL.length);
    expect(await flow.fetchOne('2', { source: { start: 5, maxLength: 7 } }, { uid: true })).toMatchObject({
      source: Buffer.from(MAIL.replace('one@', 'two@').slice(5, 12)),
    });
    expect((await flow.download('1', '2', { uid: true })).meta).toMatchObject({ contentType: 'text/html' });
    expect(await flow.search({ header: { 'message-id': '<two@example.org>' } }, { uid: true })).toEqual([2]);
    expect(await flow.search({ uid: '2:*', seen: false, since: new Date('2026-01-01') }, { uid: true })).toEqual([2]);
    await flow.messageFlagsAdd('1', ['\\Answered'], { uid: true });
    expect([...(inbox(imap).mails()[0]?.flags ?? [])]).toEqual(['\\Answered']);
    await flow.mailboxCreate('Processed');
    const copied = await flow.messageCopy('2', 'Processed', { uid: true });
    expect(copied && [...(copied.uidMap ?? [])]).toEqual([[2, 1]]);
    const moved = await flow.messageMove('1', 'Processed', { uid: true });
    expect(moved && [...(moved.uidMap ?? [])]).toEqual([[1, 2]]);
    expect(await flow.append('Sent', MAIL, ['\\Seen'], new Date('2026-11-01T00:00:00Z'))).toMatchObject({ uid: 1 });
    expect(await flow.status('Processed', { messages: true, uidNext: true })).toMatchObject({
      messages: 2,
      uidNext: 3,
    });
    await flow.messageDelete('2', { uid: true });
    expect(inbox(imap).mails()).toEqual([]);
    await flow.mailboxClose();
    await flow.logout();
    expect(imap.violations()).toEqual([]);
    expect(imap.seen()).toEqual([]);
  });
});
