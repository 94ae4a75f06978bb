/** A thousand mails of a megabyte each, from a real dovecot: the memory holds a few of them at a time. */
import { link, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/engine/clock.ts';
import type { Taken } from '../../src/mail/mail.ts';
import { dovecotMissing, startDovecot } from '../servers/dovecot.ts';
import { mailOf, memoryVault, openDoor, until } from './imap-world.ts';

const MB = 1024 * 1024;
const MAILS = 1000;

test.skipIf(dovecotMissing !== undefined)(
  `1,000 mails of 1 MB in bounded memory${dovecotMissing ? ` (${dovecotMissing})` : ''}`,
  { timeout: 240_000 },
  async () => {
    const dovecot = await startDovecot([{ name: 'eva', password: 'secret' }]);
    try {
      const vault = memoryVault();
      const first = openDoor({ port: dovecot.port, vault });
      await until('it is connected', () => first.ready() > 0);
      await first.stop();
      await dovecot.deliver(
        'eva',
        mailOf(
          'large',
          'x'
            .repeat(71)
            .concat('\n')
            .repeat(Math.ceil(MB / 73)),
        ),
      );
      const fresh = join(dovecot.maildir('eva'), 'new');
      const [file = ''] = await readdir(fresh);
      for (let n = 1; n < MAILS; n++) await link(join(fresh, file), join(fresh, `${file}-${n}`));

      const start = process.memoryUsage().rss;
      let most = 0;
      let bytes = 0;
      const door = openDoor({
        port: dovecot.port,
        vault,
        take: async (_, mail): Promise<Taken> => {
          bytes += mail.bytes.byteLength;
          most = Math.max(most, process.memoryUsage().rss - start);
          await systemClock.sleep(1);
          return 'done';
        },
      });
      await until('all are taken', () => door.taken.length === MAILS, 200_000);
      await door.stop();
      console.log(`IMAP: ${Math.round(bytes / MB)} MB of mail, ${Math.round(most / MB)} MB more memory at most`);
      expect(bytes).toBeGreaterThan(MAILS * MB * 0.99);
      expect(most).toBeLessThan(400 * MB);
    } finally {
      await dovecot.stop();
    }
  },
);
