/** The IMAP door when the network, the server or the mailbox misbehave: a real dovecot behind a proxy that makes them. */
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuthRequired } from '../../src/engine/errors.ts';
import { fastClock } from '../fast-clock.ts';
import { type Dovecot, dovecotMissing, startDovecot } from '../servers/dovecot.ts';
import { type ImapProxy, startImapProxy } from './imap-proxy.ts';
import { append, type Doorman, type DoormanOrder, look, mailOf, memoryVault, openDoor, until } from './imap-world.ts';

/** A name that is not known to be this machine, and yet leads to it. */
const isNamed = await lookup(hostname(), { all: true }).then(
  (found) => found.length > 0 && found.every(({ address }) => address.startsWith('127.')),
  () => false,
);

const title = `IMAP on bad days, with dovecot${dovecotMissing ? ` (${dovecotMissing})` : ''}`;

describe.skipIf(dovecotMissing !== undefined)(title, () => {
  let dovecot: Dovecot;
  let proxy: ImapProxy;
  let doors: Doorman[] = [];

  beforeEach(async () => {
    dovecot = await startDovecot([{ name: 'eva', password: 'secret' }]);
    proxy = await startImapProxy(dovecot.port);
  });
  afterEach(async () => {
    await Promise.allSettled(doors.map((door) => door.stop()));
    doors = [];
    await proxy.close();
    await dovecot.stop();
  });

  /** A minute of the door's clock takes a second. */
  const quick = () => fastClock(60, new Date());

  function door(o: Partial<DoormanOrder> = {}): Doorman {
    const one = openDoor({ port: proxy.port, clock: quick(), ...o });
    doors.push(one);
    return one;
  }
  async function opened(o: Partial<DoormanOrder> = {}): Promise<Doorman> {
    const one = door(o);
    await until('it is connected', () => one.ready() > 0);
    return one;
  }
  const processed = () => look(dovecot, 'Processed');
  const inbox = () => look(dovecot, 'INBOX');

  test('a connection that is cut in IDLE is made again', async () => {
    const one = await opened();
    await until('it listens', () => proxy.said().some((line) => / IDLE$/.test(line)));
    proxy.cut();
    await append(dovecot, mailOf('after'));
    await until('it is taken', () => one.taken.length > 0);
    expect(one.ready()).toBeGreaterThanOrEqual(2);
    expect(one.taken).toEqual(['after']);
  });

  test('a line that is half-dead is noticed, and left for another', async () => {
    const one = await opened({ clock: fastClock(200, new Date()) });
    await until('it listens', () => proxy.said().some((line) => / IDLE$/.test(line)));
    proxy.stall();
    await append(dovecot, mailOf('unheard'));
    await until('it is taken', () => one.taken.length > 0);
    expect(one.ready()).toBeGreaterThanOrEqual(2);
    expect(String(one.events('imap.away')[0]?.details.error)).toMatch(/did not answer/);
  });

  test('IDLE is asked for anew at least every five minutes, each time with a NOOP', async () => {
    await opened({ clock: fastClock(200, new Date()) });
    const idles = () => proxy.said().filter((line) => / IDLE$/.test(line)).length;
    await until('it listens for the third time', () => idles() >= 3);
    const noops = proxy.said().filter((line) => / NOOP$/.test(line)).length;
    expect(noops).toBeGreaterThanOrEqual(idles());
  });

  test('a server that says BYE is come back to', async () => {
    const one = await opened();
    proxy.push('* BYE Server shutting down');
    proxy.cut();
    await append(dovecot, mailOf('after'));
    await until('it is taken', () => one.taken.length > 0);
    expect(one.ready()).toBeGreaterThanOrEqual(2);
  });

  test('a server that lets nobody in for now is tried again with growing pauses', async () => {
    proxy.answer(/ (LOGIN|AUTHENTICATE) /, '$tag NO [UNAVAILABLE] Temporary authentication failure.', 4);
    const one = await opened();
    const pauses = one.events('imap.away').map(({ details }) => Number(details.seconds));
    expect(pauses).toHaveLength(4);
    expect(pauses[3]).toBeGreaterThan(pauses[0] ?? 0);
    expect(one.events('imap.away').every(({ level }) => level === 'warn')).toBe(true);
  });

  test('a wrong password ends it, with what to do', async () => {
    const one = door({ password: 'wrong' });
    const error = await one.ended.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuthRequired);
    expect((error as AuthRequired).message).toMatch(/eva at 127\.0\.0\.1 was refused/);
    expect((error as AuthRequired).advice).toMatch(/app password/);
    expect(`${(error as AuthRequired).message}${JSON.stringify(one.log)}`).not.toContain('wrong');
  });

  test('a server that refuses once what it took before is asked again, but not for ever', async () => {
    const one = await opened({ clock: fastClock(200, new Date()) });
    proxy.answer(/ (LOGIN|AUTHENTICATE) /, '$tag NO [AUTHENTICATIONFAILED] Invalid credentials', 2);
    proxy.cut();
    await until('it is in again', () => one.ready() >= 2);
    proxy.answer(/ (LOGIN|AUTHENTICATE) /, '$tag NO [AUTHENTICATIONFAILED] Invalid credentials');
    proxy.cut();
    await expect(one.ended).rejects.toBeInstanceOf(AuthRequired);
  });

  test('each connection asks for its token, and once more after a refusal', async () => {
    proxy.instead('AUTH=PLAIN', 'AUTH=XOAUTH2');
    proxy.answer(/ AUTHENTICATE XOAUTH2 /, '$tag NO [AUTHENTICATIONFAILED] Invalid credentials');
    const tokens: string[] = [];
    const one = door({
      accessToken: async () => {
        tokens.push(`token-${tokens.length + 1}`);
        return tokens.at(-1) ?? '';
      },
    });
    const error = await one.ended.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuthRequired);
    expect((error as AuthRequired).advice).toMatch(/mail:sign-in/);
    const said = proxy.said().flatMap((line) => / AUTHENTICATE XOAUTH2 (\S+)/.exec(line)?.[1] ?? []);
    expect(said.map((text) => Buffer.from(text, 'base64').toString())).toEqual([
      'user=eva\u0001auth=Bearer token-1\u0001\u0001',
      'user=eva\u0001auth=Bearer token-2\u0001\u0001',
    ]);
  });

  test('without IDLE it asks at least every minute', async () => {
    proxy.without('IDLE');
    const one = await opened();
    await append(dovecot, mailOf('polled'));
    await until('it is taken', () => one.taken.length > 0);
    expect(proxy.said().some((line) => / IDLE$/.test(line))).toBe(false);
  });

  test('a server that announces IDLE and refuses it is asked again and again, at a measured pace', async () => {
    proxy.answer(/ IDLE$/, '$tag NO not here');
    const one = await opened();
    await append(dovecot, mailOf('polled'));
    await until('it is taken', () => one.taken.length > 0);
    await until('it is asked again', () => proxy.said().filter((line) => / NOOP$/.test(line)).length >= 4);
    // Four looks are at least two pauses of 45 s of the door's clock; a loop without pauses would have said thousands.
    expect(proxy.said().length).toBeLessThan(100);
  });

  test('without MOVE mails are copied, and only they are expunged', async () => {
    proxy.without('MOVE');
    await append(dovecot, mailOf('of-others'), { flags: ['\\Deleted'] });
    await opened();
    await append(dovecot, mailOf('ours'));
    await until('it is put aside', async () => (await processed()).length === 1);
    await until('it is gone from the inbox', async () => (await inbox()).length === 1);
    expect(await inbox()).toEqual([{ subject: 'of-others', flags: ['\\Deleted'] }]);
  });

  test('without MOVE and without UIDPLUS mails are marked and stay where they are', async () => {
    proxy.without('MOVE', 'UIDPLUS');
    await append(dovecot, mailOf('of-others'), { flags: ['\\Deleted'] });
    const one = await opened();
    await append(dovecot, mailOf('ours'));
    await until('it is marked', async () => (await inbox())[1]?.flags.length === 2);
    await one.stop();
    expect(await inbox()).toEqual([
      { subject: 'of-others', flags: ['\\Deleted'] },
      { subject: 'ours', flags: ['\\Answered', '\\Seen'] },
    ]);
    expect(proxy.said().some((line) => /EXPUNGE|COPY/.test(line))).toBe(false);
    expect(one.taken).toEqual(['ours']);
  });

  test('a server that refuses to mark and to move: it is logged, and nothing is done twice', async () => {
    proxy.answer(/ UID STORE /, '$tag NO [NOPERM] Read-only');
    proxy.answer(/ UID MOVE /, '$tag NO [OVERQUOTA] Full');
    proxy.answer(/ CREATE /, '$tag NO [OVERQUOTA] Full');
    const vault = memoryVault();
    const one = await opened({ vault });
    await append(dovecot, mailOf('stays'));
    await until('it is logged', () => one.events('imap.not_filed').length > 0);
    await append(dovecot, mailOf('stays-too'));
    await until('it is logged', () => one.events('imap.not_filed').length > 1);
    await one.stop();
    const again = await opened({ vault });
    await append(dovecot, mailOf('third'));
    await until('it is taken', () => again.taken.length > 0);
    expect([...one.taken, ...again.taken]).toEqual(['stays', 'stays-too', 'third']);
  });

  test('a connection that breaks while a mail is read or put aside: once taken, once put aside', async () => {
    const one = await opened();
    proxy.answer(/ UID FETCH .*BODY\.PEEK\[\]/, undefined, 2);
    proxy.answer(/ UID MOVE /, undefined, 1);
    await append(dovecot, mailOf('bumpy'));
    await until('it is put aside', async () => (await processed()).length === 1);
    expect(one.taken).toEqual(['bumpy']);
    expect(one.ready()).toBeGreaterThanOrEqual(4);
    expect(await inbox()).toEqual([]);
  });

  test('a mail that breaks every connection is given up in the end, and those behind it are taken meanwhile', async () => {
    const one = await opened({ clock: fastClock(400, new Date()) });
    proxy.answer(/ UID FETCH 1 .*BODY\.PEEK\[\]/, undefined);
    await append(dovecot, mailOf('poison'));
    await append(dovecot, mailOf('good'));
    await until('the other one is taken', () => one.taken.length === 1);
    expect(one.events('imap.mail_skipped')).toEqual([]);
    await until('it is given up', () => one.events('imap.mail_skipped').length === 1);
    expect(one.taken).toEqual(['good']);
    expect(Number(one.events('imap.mail_skipped')[0]?.details.tries)).toBeGreaterThanOrEqual(10);
  });

  test.skipIf(!isNamed)(
    `the password is not said where TLS can be left out${isNamed ? '' : ' (the name of this machine is not on loopback)'}`,
    async () => {
      const one = door({ host: hostname() });
      await until('it is away', () => one.events('imap.away').length > 0);
      await one.stop();
      expect(String(one.events('imap.away')[0]?.details.error)).toMatch(/STARTTLS/);
      expect(proxy.said().some((line) => /LOGIN|AUTHENTICATE/.test(line))).toBe(false);
    },
  );

  test('a server that is slow is waited for', async () => {
    proxy.delay(200);
    const one = await opened({ clock: fastClock(1, new Date()) });
    await append(dovecot, mailOf('slow'));
    await until('it is put aside', async () => (await processed()).length === 1);
    expect(one.ready()).toBe(1);
  });

  test('an end does not wait for a server that does not answer', async () => {
    const one = await opened();
    proxy.stall();
    await one.stop();
    expect(one.taken).toEqual([]);
  });

  test('an end while the server is away ends the pause', async () => {
    proxy.answer(/ (LOGIN|AUTHENTICATE) /, undefined);
    const one = door({ clock: fastClock(0.001, new Date()) });
    await until('it is away', () => one.events('imap.away').length > 0);
    await one.stop();
    expect(one.ready()).toBe(0);
  });

  test('a cursor that cannot be written is told; the mails are taken all the same', async () => {
    const vault = memoryVault();
    let isAway = false;
    const one = await opened({
      vault: {
        ...vault,
        put: async (id, value) => {
          if (isAway) throw new Error('The disk is full');
          return vault.put(id, value);
        },
      },
    });
    isAway = true;
    await append(dovecot, mailOf('one'));
    await until('it is told', () => one.events('imap.cursor_not_saved').length > 0);
    isAway = false;
    await append(dovecot, mailOf('two'));
    await until('both are put aside', async () => (await processed()).length === 2);
    await one.stop();
    expect(one.taken).toEqual(['one', 'two']);
    expect(JSON.parse(vault.puts.at(-1) ?? '{}').uid).toBe(2);
  });
});
