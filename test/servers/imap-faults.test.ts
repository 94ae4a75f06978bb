/** The faults that a test asks for happen, as the real client sees them. */
import { ImapFlow } from 'imapflow';
import { afterEach, describe, expect, test } from 'vitest';
import { rawClient } from './imap/raw-client.ts';
import { type ImapOptions, type ImapServer, startImap } from './imap.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const MAIL = Buffer.from(`From: a@b\r\nSubject: hello\r\nMessage-ID: <1@b>\r\n\r\n${'body\r\n'.repeat(100)}`);

async function server(o: ImapOptions = {}): Promise<ImapServer> {
  const imap = await startImap({ users: { ana: 'pw' }, ...o });
  open.push(imap);
  imap.account('ana').mailbox('INBOX').add(MAIL);
  return imap;
}

function client(imap: ImapServer, auth: { pass?: string; accessToken?: string } = { pass: 'pw' }): ImapFlow {
  const { host, port } = imap;
  const flow = new ImapFlow({ host, port, secure: false, auth: { user: 'ana', ...auth }, logger: false });
  flow.on('error', () => {});
  open.push({ close: () => flow.close() });
  return flow;
}

async function opened(imap: ImapServer): Promise<ImapFlow> {
  const flow = client(imap);
  await flow.connect();
  await flow.mailboxOpen('INBOX');
  return flow;
}

const validity = (flow: ImapFlow): bigint | undefined => (flow.mailbox ? flow.mailbox.uidValidity : undefined);
const closed = (flow: ImapFlow): Promise<void> => new Promise((resolve) => void flow.once('close', resolve));

describe('the connection', () => {
  test('is cut now, after so many bytes, in a literal', async () => {
    const imap = await server();
    const one = await opened(imap);
    const first = closed(one);
    imap.faults.cut();
    await first;
    const two = await opened(imap);
    imap.faults.cutAfter(20);
    await expect(two.fetchOne('1', { source: true }, { uid: true })).rejects.toThrow();
    const three = await opened(imap);
    imap.faults.cutInLiteral();
    await expect(three.fetchOne('1', { source: true }, { uid: true })).rejects.toThrow();
    const four = await opened(imap);
    expect(await four.fetchOne('1', { source: true }, { uid: true })).toMatchObject({ source: MAIL });
    expect(imap.violations()).toEqual([]);
  });

  test('is half-dead: nothing is answered, nothing is closed, a new one is well', async () => {
    const imap = await server();
    const dead = await opened(imap);
    imap.faults.mute();
    let isAnswered = false;
    dead.noop().then(
      () => {
        isAnswered = true;
      },
      () => {},
    );
    const alive = await opened(imap);
    await alive.noop();
    expect(isAnswered).toBe(false);
    expect(imap.connections()).toBe(2);
  });

  test('is ended by BYE, and refused by BYE', async () => {
    const imap = await server();
    const flow = await opened(imap);
    const ended = closed(flow);
    imap.faults.bye();
    await ended;
    imap.faults.busy('too many connections');
    await expect(client(imap).connect()).rejects.toThrow();
    imap.faults.busy(undefined);
    await opened(imap);
  });
});

describe('signing in', () => {
  test('is refused for good, for now, and for a token that is old', async () => {
    const imap = await server();
    imap.account('ana').accessTokens.add('fresh');
    await client(imap, { accessToken: 'fresh' }).connect();
    await expect(client(imap, { accessToken: 'old' }).connect()).rejects.toMatchObject({ authenticationFailed: true });
    imap.faults.login('permanent');
    await expect(client(imap).connect()).rejects.toMatchObject({ serverResponseCode: 'AUTHENTICATIONFAILED' });
    imap.faults.login('temporary');
    await expect(client(imap).connect()).rejects.toMatchObject({ serverResponseCode: 'UNAVAILABLE' });
    imap.faults.login(undefined);
    await client(imap).connect();
    expect(imap.logins()).toBe(5);
    expect(imap.violations()).toEqual([]);
  });
});

describe('the mailbox', () => {
  test('says NO so many times, to one command', async () => {
    const imap = await server();
    const flow = await opened(imap);
    imap.faults.refuse(1, { verb: 'UID FETCH', text: 'disk trouble', code: 'SERVERBUG' });
    await flow.noop();
    await expect(flow.fetchOne('1', { uid: true, flags: true }, { uid: true })).rejects.toMatchObject({
      responseStatus: 'NO',
    });
    expect(await flow.fetchOne('1', { uid: true, flags: true }, { uid: true })).toMatchObject({ uid: 1 });
  });

  test('is rebuilt: who has it open is disconnected, and finds another UIDVALIDITY', async () => {
    const imap = await server();
    const box = imap.account('ana').mailbox('INBOX');
    box.add(MAIL);
    box.remove([1]);
    const flow = await opened(imap);
    const before = validity(flow);
    const ended = closed(flow);
    box.renew();
    await ended;
    const again = await opened(imap);
    expect(validity(again)).not.toBe(before);
    expect(box.mails().map(({ uid }) => uid)).toEqual([1]);
  });

  test('IDLE tells of a mail; a deaf one does not, and a NOOP does', async () => {
    const imap = await server();
    const box = imap.account('ana').mailbox('INBOX');
    const raw = await rawClient(imap.port);
    open.push(raw);
    await raw.say('LOGIN ana pw');
    await raw.say('SELECT INBOX');
    raw.write('A1 IDLE\r\n');
    await raw.until(/^\+ idling/m);
    expect(imap.idling()).toBe(1);
    box.add(MAIL);
    await raw.until(/^\* 2 EXISTS/m);
    box.remove([1]);
    await raw.until(/^\* 1 EXPUNGE/m);
    imap.faults.deafIdle(true);
    box.add(MAIL);
    raw.write('DONE\r\n');
    const heard = await raw.until(/^A1 OK/m);
    expect(heard).toMatch(/\* 2 EXISTS\r\n\* 0 RECENT\r\nA1 OK/);
    expect(imap.idling()).toBe(0);
  });

  test('is slow', async () => {
    const slept: number[] = [];
    const clock = {
      now: () => new Date(),
      sleep: async (ms: number) => void slept.push(ms),
    };
    const imap = await server({ clock });
    imap.faults.slow(7_000);
    await opened(imap);
    expect(new Set(slept)).toEqual(new Set([7_000]));
  });
});
