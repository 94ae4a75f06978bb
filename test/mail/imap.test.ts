/** The IMAP door against a real dovecot. */
import { link, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/engine/clock.ts';
import { RetryLater } from '../../src/engine/errors.ts';
import { LARGEST_MAIL, type Taken } from '../../src/mail/mail.ts';
import { fastClock } from '../fast-clock.ts';
import { type Dovecot, dovecotMissing, startDovecot } from '../servers/dovecot.ts';
import {
  append,
  createFolder,
  type Doorman,
  type DoormanOrder,
  look,
  mailOf,
  memoryVault,
  openDoor,
  until,
} from './imap-world.ts';

describe.skipIf(dovecotMissing !== undefined)(
  `IMAP with dovecot${dovecotMissing ? ` (${dovecotMissing})` : ''}`,
  () => {
    let dovecot: Dovecot;
    let doors: Doorman[] = [];

    beforeEach(async () => {
      dovecot = await startDovecot([{ name: 'eva', password: 'secret' }]);
    });
    afterEach(async () => {
      await Promise.all(doors.map((door) => door.stop()));
      doors = [];
      await dovecot.stop();
    });

    async function opened(o: Partial<DoormanOrder> = {}): Promise<Doorman> {
      const door = openDoor({ port: dovecot.port, ...o });
      doors.push(door);
      await until('it is connected', () => door.ready() > 0);
      return door;
    }
    const inbox = () => look(dovecot, 'INBOX');
    const processed = () => look(dovecot, 'Processed');

    test('what was there before is left alone; what arrives is handed over at once, marked and put aside', async () => {
      for (const name of ['old-1', 'old-2', 'old-3']) await dovecot.deliver('eva', mailOf(name));
      const door = await opened();
      const began = performance.now();
      await append(dovecot, mailOf('new-1'));
      await until('the mail is taken', () => door.taken.length > 0);
      console.log(
        `IMAP: ${((performance.now() - began) / 1000).toFixed(2)} s from APPEND (with its login) to take, pushed by IDLE`,
      );
      await append(dovecot, mailOf('done-1'));
      await append(dovecot, mailOf('ignored-1'));
      await until('all are taken', () => door.taken.length === 3);
      await until('two are put aside', async () => (await processed()).length === 2);
      await door.stop();

      expect(door.taken).toEqual(['new-1', 'done-1', 'ignored-1']);
      expect(await processed()).toEqual([
        { subject: 'new-1', flags: ['\\Answered', '\\Seen'] },
        { subject: 'done-1', flags: ['\\Seen'] },
      ]);
      expect(await inbox()).toEqual(
        ['old-1', 'old-2', 'old-3', 'ignored-1'].map((subject) => ({ subject, flags: [] })),
      );
      expect(await dovecot.log()).toMatch(/Logged out/);
    });

    test('the mail comes whole, with the time when the server got it', async () => {
      const whole: string[] = [];
      const door = await opened({
        take: (_, mail) => {
          whole.push(Buffer.from(mail.bytes).toString());
          return 'done';
        },
      });
      const mail = mailOf('bytes', 'line\n.\n\n--\näöü 🎉\n');
      await dovecot.deliver('eva', mail);
      await until('it is taken', () => whole.length > 0);
      expect(whole[0]).toBe(mail.replaceAll('\n', '\r\n'));
      expect(Math.abs(Date.parse(door.mails[0]?.received ?? '') - Date.now())).toBeLessThan(60_000);
    });

    test('mails that others have read or answered are ours all the same', async () => {
      const vault = memoryVault();
      await (await opened({ vault })).stop();
      await append(dovecot, mailOf('read-elsewhere'), { flags: ['\\Seen', '\\Answered'] });
      const door = await opened({ vault });
      await until('it is taken', () => door.taken.length > 0);
      expect(door.taken).toEqual(['read-elsewhere']);
    });

    test('a server that is restarted is found again, and nothing is lost or told twice', async () => {
      const door = await opened({ clock: fastClock(10, new Date()) });
      await dovecot.deliver('eva', mailOf('before'));
      await until('the first is taken', () => door.taken.length === 1);
      await dovecot.restart(() => dovecot.deliver('eva', mailOf('while-away')));
      await until('the second is taken', () => door.taken.length === 2);
      await dovecot.deliver('eva', mailOf('after'));
      await until('the third is taken', () => door.taken.length === 3);
      await until('all are put aside', async () => (await processed()).length === 3);
      expect(door.taken).toEqual(['before', 'while-away', 'after']);
      expect(door.events('imap.away').length).toBeGreaterThan(0);
    });

    test('UIDs that begin anew: nothing of before Keepsake is touched, and what came meanwhile is taken', async () => {
      await dovecot.deliver('eva', mailOf('old-1'));
      // INTERNALDATE knows seconds.
      await systemClock.sleep(1100);
      const vault = memoryVault();
      const first = await opened({ vault, take: () => 'ignored' });
      await dovecot.deliver('eva', mailOf('known'));
      await until('it is taken', () => first.taken.length === 1);
      await first.stop();
      await dovecot.deliver('eva', mailOf('while-away'));
      const before = JSON.parse(vault.puts.at(-1) ?? '{}');
      await dovecot.newUidValidity('eva');

      const door = await opened({ vault });
      await until('what may not have been taken is handed over', () => door.taken.length === 2);
      await dovecot.deliver('eva', mailOf('after'));
      await until('the next is taken', () => door.taken.length === 3);
      await until('three are put aside', async () => (await processed()).length === 3);
      expect(door.taken.toSorted()).toEqual(['after', 'known', 'while-away']);
      expect(await inbox()).toEqual([{ subject: 'old-1', flags: [] }]);
      const after = JSON.parse(vault.puts.at(-1) ?? '{}');
      expect(after.uidValidity).not.toBe(before.uidValidity);
      expect(after.renumbered).toBeUndefined();
    });

    test('UIDs that begin anew while connected are noticed with the next connection', async () => {
      const door = await opened({ clock: fastClock(10, new Date()) });
      await dovecot.deliver('eva', mailOf('one'));
      await until('it is put aside', async () => (await processed()).length === 1);
      await dovecot.newUidValidity('eva');
      await dovecot.deliver('eva', mailOf('two'));
      await until('the next is taken', () => door.taken.length === 2);
      expect(door.events('imap.renumbered')).toHaveLength(1);
    });

    test('2,000 mails that wait are each taken once, in order, four at a time', { timeout: 120_000 }, async () => {
      const vault = memoryVault();
      await (await opened({ vault })).stop();
      await dovecot.deliver('eva', mailOf('n-0'));
      const fresh = join(dovecot.maildir('eva'), 'new');
      const [file = ''] = await readdir(fresh);
      const [seconds = '', rest = ''] = [file.slice(0, 10), file.slice(10)];
      for (let n = 1; n < 2000; n++)
        await link(join(fresh, file), join(fresh, `${seconds}${String(n).padStart(5, '0')}${rest}`));
      let inHand = 0;
      let most = 0;
      const began = performance.now();
      const door = await opened({
        vault,
        take: async (): Promise<Taken> => {
          most = Math.max(most, ++inHand);
          await systemClock.sleep(1);
          inHand--;
          return 'done';
        },
      });
      await until('all are taken', () => door.taken.length >= 2000, 100_000);
      console.log(`IMAP: 2,000 waiting mails in ${((performance.now() - began) / 1000).toFixed(1)} s`);
      await until('all are put aside', async () => (await inbox()).length === 0, 60_000);
      await door.stop();
      expect(door.taken).toHaveLength(2000);
      expect(most).toBeLessThanOrEqual(4);
      const uids = vault.puts.map((text) => JSON.parse(text).uid);
      expect(uids).toEqual(uids.toSorted((a, b) => a - b));
      expect(uids.at(-1)).toBe(2000);
    });

    test('what was in hand at the end is handed over again at the next start, and nothing else', async () => {
      const vault = memoryVault();
      const first = await opened({
        vault,
        // As `take` does when it is stopped.
        take: async (subject): Promise<Taken> => {
          if (subject !== 'slow') return 'done';
          await until('the others are taken', () => first.taken.length === 3);
          throw new Error('stopped');
        },
      });
      for (const name of ['one', 'slow', 'three']) await dovecot.deliver('eva', mailOf(name));
      await until('all are in hand', () => first.taken.length === 3);
      await first.stop();
      const door = await opened({ vault });
      await until('the slow one comes again', () => door.taken.includes('slow'));
      await dovecot.deliver('eva', mailOf('four'));
      await until('the next one comes', () => door.taken.includes('four'));
      expect(door.taken.filter((name) => name !== 'three')).toEqual(['slow', 'four']);
    });

    test('a mail that cannot be taken is tried three times, then left, and holds nobody up', async () => {
      const door = await opened({
        clock: fastClock(400, new Date()),
        take: (subject) => {
          if (subject === 'bad') throw new Error('no');
          return 'done';
        },
      });
      for (const name of ['bad', 'good-1', 'good-2']) await dovecot.deliver('eva', mailOf(name));
      await until('it is skipped', () => door.events('imap.mail_skipped').length === 1);
      await until('the others are put aside', async () => (await processed()).length === 2);
      await door.stop();
      expect(door.taken.filter((name) => name === 'bad')).toHaveLength(3);
      expect(door.taken.filter((name) => name.startsWith('good'))).toEqual(['good-1', 'good-2']);
      expect(await inbox()).toEqual([{ subject: 'bad', flags: [] }]);
    });

    test('what passes by itself is tried for an hour, and is taken when it has passed', async () => {
      const clock = fastClock(400, new Date());
      const began = clock.now().getTime();
      const door = await opened({
        clock,
        take: () => {
          if (clock.now().getTime() - began < 30 * 60_000) throw new RetryLater('The database is away.');
          return 'answered';
        },
      });
      await dovecot.deliver('eva', mailOf('patient'));
      await until('it is put aside', async () => (await processed()).length === 1);
      expect(door.taken.length).toBeGreaterThan(3);
      expect(door.events('imap.mail_skipped')).toEqual([]);
    });

    test('of a mail that is too large only the headers are read', async () => {
      const door = await opened();
      await dovecot.deliver(
        'eva',
        mailOf(
          'huge',
          'x'
            .repeat(70)
            .concat('\n')
            .repeat(Math.ceil(LARGEST_MAIL / 70)),
        ),
      );
      await dovecot.deliver('eva', mailOf('small'));
      await until('both are taken', () => door.taken.length === 2);
      const [huge, small] = door.mails;
      expect(Buffer.from(huge?.bytes ?? []).toString()).toBe(`${mailOf('huge', '').replaceAll('\n', '\r\n')}`);
      expect(huge?.tooLarge).toBeGreaterThan(LARGEST_MAIL);
      expect(small?.tooLarge).toBeUndefined();
    });

    test('somebody else moves a mail away before it can be tried again: it is forgotten', async () => {
      const vault = memoryVault();
      const door = await opened({
        vault,
        take: (subject) => {
          if (subject === 'bad') throw new Error('no');
          return 'ignored';
        },
      });
      await dovecot.deliver('eva', mailOf('bad'));
      await until('it fails', () => door.events('imap.mail_not_taken').length === 1);
      await dovecot.restart(async () => {
        for (const place of ['cur', 'new']) {
          const folder = join(dovecot.maildir('eva'), place);
          for (const file of await readdir(folder)) await rm(join(folder, file));
        }
      });
      await dovecot.deliver('eva', mailOf('next'));
      await until('the next one is passed', () => JSON.parse(vault.puts.at(-1) ?? '{}').uid === 2);
      expect(door.taken).toEqual(['bad', 'next']);
    });

    test('a folder of its own is watched, and a folder that is missing is waited for', async () => {
      const door = openDoor({ port: dovecot.port, folder: 'Keepsake', clock: fastClock(10, new Date()) });
      doors.push(door);
      await until('it is away', () => door.events('imap.away').length > 0);
      expect(String(door.events('imap.away')[0]?.details.error)).toMatch(/folder to watch is not there/);
      await createFolder(dovecot, 'Keepsake');
      await until('it is found', () => door.ready() > 0);
      await append(dovecot, mailOf('elsewhere'));
      await append(dovecot, mailOf('there'), { folder: 'Keepsake' });
      await until('it is taken', () => door.taken.length > 0);
      await until('it is put aside', async () => (await processed()).length === 1);
      expect(door.taken).toEqual(['there']);
    });

    test('an end waits for what is in hand and files it', async () => {
      const gate = Promise.withResolvers<void>();
      const door = await opened({
        take: async (): Promise<Taken> => {
          await gate.promise;
          return 'answered';
        },
      });
      await dovecot.deliver('eva', mailOf('last'));
      await until('it is in hand', () => door.taken.length === 1);
      const over = door.stop();
      gate.resolve();
      await over;
      expect(await processed()).toEqual([{ subject: 'last', flags: ['\\Answered', '\\Seen'] }]);
    });
  },
);
