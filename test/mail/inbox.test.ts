/** What becomes of a mail, from the parsed mail to the outbox: who is answered, who meets silence, and what is written down. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatch } from '../../src/engine/commands/dispatch.ts';
import { formFor } from '../../src/engine/commands/form-for.ts';
import { FileRejected, RetryLater } from '../../src/engine/errors.ts';
import { createMailServices } from '../../src/engine/mail-services.ts';
import { openCode } from '../../src/engine/people/codes.ts';
import { callerPerson } from '../../src/engine/people.ts';
import type { MailServices } from '../../src/engine/services.ts';
import { createSurfaceServices } from '../../src/engine/surface.ts';
import type { AuditLine, OutboxMessage, Person, Plan } from '../../src/engine/types.ts';
import { codeOf, messageIdOf, taggedAddress } from '../../src/mail/address.ts';
import { threadReference } from '../../src/mail/carried.ts';
import { createInbox, type Inbox } from '../../src/mail/inbox.ts';
import type { ParsedMail, RawMail, Sender, Taken } from '../../src/mail/mail.ts';
import { all, openWorld, type World } from '../commands/world.ts';

const BOT = 'backup@example.org';
const ANA = 'ana@example.org';

let world: World;
let services: MailServices;
let ana: Person;
let inbox: Inbox;
/** What the two readers answer to the next mail. */
let parsed: ParsedMail;
let sender: Sender;
let stop: AbortController;
let count = 0;

const verified = (address = ANA): Sender => ({ address, verified: true, why: 'DKIM passes' });

beforeEach(async () => {
  world = await openWorld();
  const dispatch = createDispatch(world.services);
  services = createMailServices(
    world.services,
    createSurfaceServices(world.services, {
      dispatch,
      suggest: async () => [],
      form: (what, caller) => formFor(world.services, caller, what),
    }),
  );
  const terminal = { surface: 'terminal', id: 'ana' };
  const known = await callerPerson(world.store, terminal, { clock: world.clock, name: 'Ana', trusted: true });
  ana = await world.store.put('people', { ...known, identities: [terminal, { surface: 'mail', id: ANA }] });
  for (const name of ['Pictures', 'usb']) await mkdir(join(world.folder, name));
  await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
  const line = `backup ${join(world.folder, 'Pictures')} to ${join(world.folder, 'usb')} named photos`;
  await all(dispatch(line, world.caller(ana, { surface: 'terminal' })));
  stop = new AbortController();
  inbox = createInbox({
    from: BOT,
    listId: 'reports.example.org',
    archive: join(world.folder, 'archive'),
    services,
    parse: async () => parsed,
    authenticate: async () => sender,
  });
});
afterEach(async () => {
  stop.abort();
  await world.close();
});

function mail(more: Partial<ParsedMail>): ParsedMail {
  const from = more.from ?? [{ name: 'Ana', address: ANA }];
  return {
    headers: [],
    from,
    fromHeaders: 1,
    sender: [],
    to: (more.recipients ?? [BOT]).map((address) => ({ name: '', address })),
    recipients: [BOT],
    returnPath: from[0]?.address ?? '',
    messageId: `<${++count}@example.org>`,
    references: [],
    subject: 'Re: photos',
    date: world.clock.now().toISOString(),
    attachments: [],
    forwarded: false,
    ...more,
  };
}

async function take(more: Partial<ParsedMail>, by: Sender = verified(), raw: Partial<RawMail> = {}): Promise<Taken> {
  world.clock.forward(1_000);
  parsed = mail(more);
  sender = by;
  const received = world.clock.now().toISOString();
  return inbox.take({ bytes: Buffer.from(`mail ${parsed.messageId}`), received, ...raw }, stop.signal);
}

const plan = async (): Promise<Plan | undefined> => (await all(world.store.find('plans')))[0];
const answers = async (): Promise<OutboxMessage[]> =>
  (await all(world.store.find('outbox'))).filter(({ answers: to }) => to !== undefined);
const lastAnswer = async (): Promise<OutboxMessage | undefined> =>
  (await answers()).sort((a, b) => (a.created < b.created ? -1 : 1)).at(-1);
const refused = async (): Promise<AuditLine[]> =>
  (await all(world.store.find('audit'))).filter(({ surface, outcome }) => surface === 'mail' && outcome === 'refused');
const token = async (): Promise<string> =>
  services.tokens.reply({ person: ana.id, about: { plan: (await plan())?.id ?? '' } });

describe('a reply', () => {
  it('with its token in the address acts on the plan of the report, and is answered in its thread', async () => {
    const to = taggedAddress(BOT, 'r', await token());
    expect(await take({ text: 'pause', recipients: [to], messageId: '<m1@x>', references: ['<a@x>'] })).toBe(
      'answered',
    );
    expect((await plan())?.state).toBe('paused');
    expect((await lastAnswer())?.answers).toEqual({
      id: '<m1@x>',
      references: ['<a@x>'],
      subject: 'Re: photos',
      to: ANA,
    });
  });

  it('is known by the thread, and by the small code, where addresses are rewritten', async () => {
    await take({ text: 'pause', inReplyTo: messageIdOf(await token(), BOT) });
    expect((await plan())?.state).toBe('paused');
    await take({ text: `resume\n\n> a report\n> ${codeOf(await token())}` });
    expect((await plan())?.state).toBe('active');
  });

  it('acts once, however often it is delivered', async () => {
    const to = taggedAddress(BOT, 'r', await token());
    expect(await take({ text: 'pause', recipients: [to], messageId: '<twice@x>' })).toBe('answered');
    await take({ text: 'resume', recipients: [taggedAddress(BOT, 'r', await token())] });
    const before = (await answers()).length;
    expect(await take({ text: 'pause', recipients: [to], messageId: '<twice@x>' })).toBe('done');
    expect(await answers()).toHaveLength(before);
    expect((await plan())?.state).toBe('active');
  });

  it('copies of what was answered use up nothing: a mailbox whose UIDs began anew brings a day of mails again', async () => {
    const day: Partial<ParsedMail>[] = [];
    for (let n = 0; n < 40; n++) {
      world.clock.forward(30 * 60_000);
      const to = taggedAddress(BOT, 'r', await token());
      day.push({ text: n % 2 === 0 ? 'pause' : 'resume', recipients: [to], messageId: `<day-${n}@x>` });
      expect(await take(day[n] ?? {})).toBe('answered');
    }
    for (const one of day) expect(await take(one)).toBe('done');
    expect(await refused()).toEqual([]);
    expect(await take({ text: 'show zyx', recipients: [taggedAddress(BOT, 'r', await token())] })).toBe('answered');
    expect((await lastAnswer())?.reply.outcome).toBe('not_understood');
  });

  it('two deliveries at the same moment are one', async () => {
    const to = taggedAddress(BOT, 'r', await token());
    parsed = mail({ text: 'pause', recipients: [to] });
    sender = verified();
    const raw = { bytes: Buffer.from('one'), received: world.clock.now().toISOString() };
    const both = await Promise.all([inbox.take(raw, stop.signal), inbox.take({ ...raw }, stop.signal)]);
    expect(both).toEqual(['answered', 'answered']);
    expect(await answers()).toHaveLength(1);
  });

  it('that a restart cut off is told so, and not done again', async () => {
    const to = taggedAddress(BOT, 'r', await token());
    await take({ text: 'pause', recipients: [to], messageId: '<cut@x>' });
    for (const { id } of await answers()) await world.store.remove('outbox', id);
    expect(await take({ text: 'pause', recipients: [to], messageId: '<cut@x>' })).toBe('answered');
    expect((await lastAnswer())?.reply.title).toBe('A restart of Keepsake cut this off.');
  });

  it('with nothing that can be understood is answered with help and does nothing', async () => {
    const before = JSON.stringify(await plan());
    for (const text of ['Thanks a lot!', '', '> run now', 'please do the thing']) {
      expect(await take({ text, recipients: [taggedAddress(BOT, 'r', await token())] })).toBe('answered');
    }
    expect(JSON.stringify(await plan())).toBe(before);
  });

  it('a plain yes means the question of the mail that it answers', async () => {
    await take({ text: 'delete photos', recipients: [taggedAddress(BOT, 'r', await token())] });
    const asked = (await lastAnswer())?.reply;
    expect(asked?.title).toMatch(/photos/);
    const confirm = String(Object(asked?.data).confirm);
    const answer = await services.tokens.reply({ person: ana.id, confirm });
    expect(await plan()).toBeDefined();
    await take({ text: 'Yes!', recipients: [taggedAddress(BOT, 'r', answer)] });
    expect(await plan()).toBeUndefined();
  });
});

describe('a new mail', () => {
  it('looks at once, and asks before it changes anything', async () => {
    await take({ text: 'list' });
    expect((await lastAnswer())?.reply.title).not.toMatch(/Did you write/);
    await take({ text: 'pause photos' });
    expect((await lastAnswer())?.reply.title).toBe('Did you write this: pause photos');
    expect((await plan())?.state).toBe('active');
  });

  it('takes its subject for the line where it has no words', async () => {
    await take({ subject: 'status' });
    expect((await lastAnswer())?.reply.outcome).not.toBe('not_understood');
  });

  it('of somebody unknown is not answered, unless it brings a code', async () => {
    const ben = 'ben@example.org';
    const from = [{ name: 'Ben', address: ben }];
    expect(await take({ from, text: 'status' }, verified(ben))).toBe('ignored');
    expect(await take({ from, text: 'link 2F7K-QM4D-9TRV' }, verified(ben))).toBe('ignored');
    expect(await answers()).toEqual([]);
    const { code } = await openCode(world.store, world.clock, { kind: 'link', person: ana.id });
    expect(await take({ from, text: `link ${code}` }, { ...verified(ben), verified: false })).toBe('ignored');
    expect(await take({ from, text: `link ${code}` }, verified(ben))).toBe('answered');
    const linked = await world.store.get('people', ana.id);
    expect(linked?.identities).toContainEqual({ surface: 'mail', id: ben });
  });

  it("in somebody's own mailbox is none of ours, an answer is", async () => {
    await world.store.put('people', { ...ana, identities: [...ana.identities, { surface: 'mail', id: BOT }] });
    const from = [{ name: 'Ana', address: BOT }];
    expect(await take({ from, text: 'status' }, verified(BOT))).toBe('ignored');
    expect(await refused()).toEqual([]);
    const to = taggedAddress(BOT, 'r', await token());
    expect(await take({ from, text: 'status', recipients: [to] }, verified(BOT))).toBe('answered');
  });
});

describe('silence', () => {
  it.each<[string, Partial<ParsedMail>, Sender]>([
    ['a forged sender', { text: 'status' }, { address: ANA, verified: false, why: 'DMARC fails' }],
    ['two senders', { text: 'status' }, { verified: false, why: 'two From headers' }],
    ['an old mail', { text: 'status', date: '2026-10-01T00:00:00.000Z' }, verified()],
  ])('for %s, with a line for the owner', async (_, more, by) => {
    expect(await take(more, by)).toBe('ignored');
    expect(await answers()).toEqual([]);
    expect(await refused()).toHaveLength(1);
  });

  it("for a token in somebody else's hands, though well signed", async () => {
    const { person: _, ...ben } = { person: 0, ...ana };
    await world.store.put('people', {
      ...ben,
      id: 'ben',
      name: 'Ben',
      rev: undefined as never,
      identities: [{ surface: 'mail', id: 'ben@x.org' }],
    });
    const to = taggedAddress(BOT, 'r', await token());
    const from = [{ name: 'Ben', address: 'ben@x.org' }];
    expect(await take({ from, text: 'pause', recipients: [to] }, verified('ben@x.org'))).toBe('ignored');
    expect(
      await take(
        { from: [{ name: '', address: 'eve@x.org' }], text: 'pause', recipients: [to] },
        verified('eve@x.org'),
      ),
    ).toBe('ignored');
    expect((await plan())?.state).toBe('active');
    expect(await answers()).toEqual([]);
    expect((await refused()).length).toBe(2);
  });

  it('for robots, bounces of other mails, and mail for others', async () => {
    const to = taggedAddress(BOT, 'r', await token());
    const robot = [{ name: 'auto-submitted', value: 'auto-replied' }];
    expect(await take({ headers: robot, text: 'pause', recipients: [to] })).toBe('ignored');
    expect(await take({ recipients: ['someone@else.org'], text: 'pause' })).toBe('ignored');
    expect(await take({ returnPath: '', text: 'pause', recipients: [to] })).toBe('ignored');
    expect((await plan())?.state).toBe('active');
    expect(await answers()).toEqual([]);
  });

  it('for a mail that cannot be read, and for one that is too large', async () => {
    const broken = createInbox({
      from: BOT,
      listId: 'x',
      archive: '',
      services,
      parse: async () => {
        throw new FileRejected('This mail cannot be read.', { code: 'malformed_mail' });
      },
      authenticate: async () => sender,
    });
    const raw = { bytes: Buffer.from('?'), received: world.clock.now().toISOString() };
    expect(await broken.take(raw, stop.signal)).toBe('ignored');
    expect(await take({ text: 'pause' }, verified(), { tooLarge: 50_000_000 })).toBe('ignored');
    expect(await refused()).toHaveLength(2);
  });

  it('a name server that is away is waited for', async () => {
    const waiting = createInbox({
      from: BOT,
      listId: 'x',
      archive: '',
      services,
      parse: async () => mail({ text: 'status' }),
      authenticate: async () => {
        throw new RetryLater('The name server does not answer.');
      },
    });
    const raw = { bytes: Buffer.from('!'), received: world.clock.now().toISOString() };
    await expect(waiting.take(raw, stop.signal)).rejects.toThrow('name server');
    expect(await refused()).toEqual([]);
  });
});

describe('limits', () => {
  it('a proved person gets 30 answers an hour, then silence until the hour is over', async () => {
    const said = async (): Promise<Taken> =>
      take({ text: 'list', recipients: [taggedAddress(BOT, 'r', await token())] });
    for (let index = 0; index < 30; index++) expect(await said()).toBe('answered');
    expect(await said()).toBe('ignored');
    world.clock.forward(3_600_000);
    expect(await said()).toBe('answered');
  });

  it('one whose word is half proved gets five', async () => {
    for (let index = 0; index < 5; index++) expect(await take({ text: 'list' })).toBe('answered');
    expect(await take({ text: 'list' })).toBe('ignored');
  });
});

describe('what ends mails', () => {
  it('an unsubscribe address needs no proof but its token, and gets no answer', async () => {
    const end = await services.tokens.unsubscribe({ person: ana.id, plan: (await plan())?.id ?? '' });
    const robot = { address: 'x@y.z', verified: false, why: 'nothing' };
    expect(await take({ recipients: [taggedAddress(BOT, 'u', end)], subject: 'stop reports' }, robot)).toBe('done');
    expect((await plan())?.mailed).toBe(false);
    expect(await answers()).toEqual([]);
  });

  it('a hard bounce is told elsewhere; that of a second mail marks the address', async () => {
    const id = messageIdOf(await token(), BOT);
    await services.threads.keep({
      id: `mail/${threadReference(id)}`,
      surface: 'mail',
      reference: threadReference(id),
      person: ana.id,
      posted: world.clock.now().toISOString(),
    });
    const bounce: Partial<ParsedMail> = {
      from: [{ name: '', address: 'mailer-daemon@example.org' }],
      returnPath: '',
      headers: [{ name: 'content-type', value: 'multipart/report; report-type=delivery-status; boundary=x' }],
      deliveryStatus: `Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; ${ANA}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user`,
      returnedHeaders: `Message-ID: ${id}\nTo: ${ANA}`,
    };
    expect(await take(bounce)).toBe('done');
    expect(await take(bounce)).toBe('done');
    expect((await world.store.get('people', ana.id))?.identities.find(({ refused }) => refused)).toBeUndefined();
    const next = messageIdOf(await token(), BOT);
    await services.threads.keep({
      id: `mail/${threadReference(next)}`,
      surface: 'mail',
      reference: threadReference(next),
      person: ana.id,
      posted: world.clock.now().toISOString(),
    });
    const second = { ...bounce, returnedHeaders: `Message-ID: ${next}\nTo: ${ANA}` };
    expect(await take(second)).toBe('done');
    const marked = (await world.store.get('people', ana.id))?.identities.find(({ surface }) => surface === 'mail');
    expect(marked?.refused?.why).toContain('5.1.1');
    await take(second);
    const told = (await all(world.store.find('outbox'))).filter(({ key }) => /^(bounce|came-back):/.test(key));
    expect(told.map(({ reply }) => reply.title).sort()).toEqual([
      `A mail to ${ANA} came back.`,
      `Mails to ${ANA} come back, so I send none there any more.`,
    ]);
  });

  it('a bounce of a mail that we did not send, or not to them, marks nobody', async () => {
    const bounce = (returned: string): Partial<ParsedMail> => ({
      from: [{ name: '', address: 'mailer-daemon@example.org' }],
      returnPath: '',
      headers: [{ name: 'content-type', value: 'multipart/report; report-type=delivery-status; boundary=x' }],
      deliveryStatus: `Final-Recipient: rfc822; ${ANA}\nAction: failed\nStatus: 5.1.1`,
      returnedHeaders: `Message-ID: ${returned}`,
    });
    const bens = messageIdOf(await token(), BOT);
    const posted = world.clock.now().toISOString();
    const reference = threadReference(bens);
    await services.threads.keep({ id: `mail/${reference}`, surface: 'mail', reference, person: 'ben', posted });
    expect(await take(bounce(`<${'a'.repeat(26)}.k@example.org>`))).toBe('ignored');
    expect(await take(bounce(bens))).toBe('ignored');
    const now = (await world.store.get('people', ana.id))?.identities.find(({ surface }) => surface === 'mail');
    expect(now?.refused).toBeUndefined();
  });
});

describe('a forwarded mail', () => {
  it('is kept as it came, once, and said so', async () => {
    const more = { forwarded: true, text: '', subject: 'Fwd: Your ../ticket', messageId: '<f@x>' };
    expect(await take(more)).toBe('answered');
    expect(await take(more)).toBe('done');
    const kept = await readdir(join(world.folder, 'archive', ana.id));
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatch(/^\d{4}-\d\d-\d\d-[\w-]+-[0-9a-f]{12}\.eml$/);
  });

  it('of somebody whose word is not proved is not kept', async () => {
    await take({ forwarded: true, text: '', subject: 'Fwd: x' }, { address: ANA, verified: false, why: 'nothing' });
    await expect(readdir(join(world.folder, 'archive'))).rejects.toThrow();
  });
});
