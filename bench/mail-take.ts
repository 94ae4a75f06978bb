/** What a mail costs that comes in, by its size, and a report that goes out; without servers, in a process of their own. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mailReplies } from '../docs/mail-pictures/replies.ts';
import { type Composed, compose } from '../src/compose.ts';
import { readConfig } from '../src/engine/config.ts';
import { createMailServices } from '../src/engine/mail-services.ts';
import { listIdOf, taggedAddress } from '../src/mail/address.ts';
import { authenticate } from '../src/mail/authenticate.ts';
import { composeMail } from '../src/mail/compose.ts';
import { createInbox } from '../src/mail/inbox.ts';
import type { RawMail } from '../src/mail/mail.ts';
import { closeParser, parseMail } from '../src/mail/parse.ts';
import { renderMail } from '../src/mail/render.ts';
import { createResolver } from '../src/mail/resolver.ts';
import { startDns } from '../test/servers/dns.ts';
import { dkimRecord, SELECTOR, signDkim } from '../test/servers/mail/dkim.ts';
import { writeLetter } from '../test/servers/mail/write.ts';

const FROM = 'backup@example.org';
/** As many as the mailbox hands over at once. */
const HANDS = 4;
/** A person has at most 30 answers in an hour. */
const EACH = 20;
const RECORD = 'record.txt';

export interface Cost {
  /** Bytes of one mail. */
  size: number;
  /** ms for one mail alone. */
  parse: number;
  authenticate: number;
  take: number;
  /** CPU ms of the process meanwhile, the worker that parses included. */
  cpu: number;
  /** Mails a second, four at a time. */
  rate: number;
  /** Peak resident memory of the process in MB, and that of before the first mail. */
  peak: number;
  before: number;
}

export interface OutCost {
  name: string;
  /** ms for one. */
  render: number;
  compose: number;
  /** Of the whole mail. */
  bytes: number;
}

async function timed(work: () => Promise<unknown> | unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Bytes that do not compress, as a photo's. */
function photo(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let n = 0, state = 1; n < size; n++) {
    state = (state * 48_271) % 2_147_483_647;
    bytes[n] = state & 255;
  }
  return bytes;
}

const composeAt = (folder: string): Promise<Composed> =>
  compose(readConfig({ KEEPSAKE_LOCAL_ROOTS: folder }, { data: join(folder, 'data') }), { writeLog: () => undefined });

/** Signed answers of people who are known, `0.eml` and so on, each with a photo of so many bytes. */
export async function writeMails(folder: string, count: number, size: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const composed = await composeAt(folder);
  try {
    const { store, clock } = composed.services;
    const { tokens } = createMailServices(composed.services, composed.surface());
    const created = clock.now().toISOString();
    const attachments = size > 0 ? [{ name: 'photo.jpg', mime: 'image/jpeg', bytes: photo(size) }] : [];
    for (let n = 0; n < count; n++) {
      const id = `p${Math.floor(n / EACH)}`;
      const address = `${id}@example.org`;
      const identities = [{ surface: 'mail', id: address }];
      if (n % EACH === 0) await store.put('people', { id, name: id, role: 'owner', identities, zone: 'UTC', created });
      const letter = writeLetter({
        from: { name: 'Somebody', address },
        to: [taggedAddress(FROM, 'r', await tokens.reply({ person: id }))],
        subject: 'Re: photos: backed up',
        date: clock.now(),
        messageId: `<take.${n}@example.org>`,
        text: 'status\n\n> All 214 new photos are safe in Google Drive.\n',
        attachments,
      });
      const raw = `Delivered-To: ${FROM}\r\n${signDkim(letter, { domain: 'example.org' })}`;
      await writeFile(join(folder, `${n}.eml`), raw, 'latin1');
    }
    await writeFile(join(folder, RECORD), dkimRecord('example.org'));
  } finally {
    await composed.close();
  }
}

/** What `writeMails` wrote, taken; a quarter of it one after the other. Throws when one is not answered. */
export async function costOfTaking(folder: string, count: number): Promise<Cost> {
  const dns = await startDns({});
  dns.set(`${SELECTOR}._domainkey.example.org`, 'TXT', [await readFile(join(folder, RECORD), 'utf8')]);
  dns.set('_dmarc.example.org', 'TXT', ['v=DMARC1; p=reject']);
  const composed = await composeAt(folder);
  let peak = 0;
  const look = (): number => {
    peak = Math.max(peak, process.memoryUsage().rss / 1e6);
    return peak;
  };
  const looking = setInterval(look, 10);
  try {
    const { signal } = new AbortController();
    const resolver = createResolver({ server: dns.url });
    const inbox = createInbox({
      from: FROM,
      listId: listIdOf(FROM),
      archive: join(folder, 'archive'),
      services: createMailServices(composed.services, composed.surface()),
      parse: parseMail,
      authenticate: (mail, o) => authenticate(mail, { resolver, ...o }),
    });
    const mail = async (n: number): Promise<RawMail> => ({
      bytes: await readFile(join(folder, `${n}.eml`)),
      received: new Date().toISOString(),
    });
    const take = async (n: number): Promise<void> => {
      const taken = await inbox.take(await mail(n), signal);
      if (taken !== 'answered') throw new Error(`Mail ${n} was ${taken}.`);
    };
    const before = look();
    await take(0);
    const alone = Math.ceil(count / 4);
    const [parses, checks, takes]: [number[], number[], number[]] = [[], [], []];
    let cpu = 0;
    for (let n = 1; n <= alone; n++) {
      const one = await mail(n);
      parses.push(await timed(() => parseMail(one, { signal })));
      checks.push(await timed(() => authenticate(one, { resolver, signal })));
      const began = cpuMs();
      takes.push(await timed(() => take(n)));
      cpu += cpuMs() - began;
    }
    let next = alone + 1;
    const ms = await timed(() =>
      Promise.all(
        Array.from({ length: HANDS }, async () => {
          while (next < count) await take(next++);
        }),
      ),
    );
    return {
      size: (await mail(0)).bytes.byteLength,
      parse: mean(parses),
      authenticate: mean(checks),
      take: mean(takes),
      cpu: cpu / alone,
      rate: ((count - alone - 1) * 1000) / ms,
      peak: look(),
      before,
    };
  } finally {
    clearInterval(looking);
    closeParser();
    await composed.close();
    await dns.close();
  }
}

/** Rendered and composed so often, after as many that do not count. */
export async function costOfSending(times: number): Promise<OutCost[]> {
  const drawn = await mailReplies();
  const costs: OutCost[] = [];
  for (const name of ['report', 'problems', 'digest', 'status'] as const) {
    const one = drawn[name];
    if (!one) throw new Error(`There is no picture of ${name}.`);
    const write = (): Promise<Buffer> =>
      composeMail({
        from: FROM,
        to: { name: 'Ana', address: 'ana@example.org' },
        date: new Date(),
        messageId: '<k7q2m5xw4zr6tb3nv2hj5yl7pd.k@example.org>',
        references: [],
        automatic: 'generated',
        unsubscribe: [],
        content,
      });
    let content = renderMail(one.reply, one.look);
    for (let n = 0; n < times; n++) content = renderMail(one.reply, one.look);
    const render = await timed(() => {
      for (let n = 0; n < times; n++) content = renderMail(one.reply, one.look);
    });
    let bytes = (await write()).byteLength;
    const composing = await timed(async () => {
      for (let n = 0; n < times; n++) bytes = (await write()).byteLength;
    });
    costs.push({ name, render: render / times, compose: composing / times, bytes });
  }
  return costs;
}
