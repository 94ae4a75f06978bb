/** Questions that are answered by somebody else: by mail, and on the page that mails link to. */
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Reply } from '../../src/engine/types.ts';
import { taggedAddress } from '../../src/mail/address.ts';
import { serve } from '../../src/web/serve.ts';
import type { SeenMail } from '../servers/mail.ts';
import { type AttackWorld, openAttackWorld, tokenOf, words } from './attack-world.ts';

const ANA = 'ana@example.org';
const anas = { name: 'Ana Lima', address: ANA };

let world: AttackWorld;
let base: string;
let serving: Promise<void>;
const stop = new AbortController();

beforeAll(async () => {
  world = await openAttackWorld({ environment: { KEEPSAKE_URL: 'https://keepsake.example' } });
  const { clock, log } = world.composed().services;
  const pages = await world.composed().pages(stop.signal);
  base = await new Promise((resolve) => {
    const onReady = (port: number): void => resolve(`http://127.0.0.1:${port}`);
    serving = serve({ port: 0, pages, clock, log, signal: stop.signal, onReady });
  });
});
afterAll(async () => {
  stop.abort();
  await serving;
  await world.close();
});
beforeEach(async () => {
  world.clock.forward(61 * 60_000);
  await world.quiet();
});

const bot = (): string => world.mails.address;
const stolen = (): string => taggedAddress(bot(), 'r', tokenOf(world.report));
const codeOf = ({ data }: Reply): string => String((data as { confirm?: string } | undefined)?.confirm ?? '');

/** "Delete photos?", asked somewhere else: its code was sent to nobody by mail. */
async function askedInChat(): Promise<string> {
  const ana = await world.composed().services.store.get('people', 'ana');
  if (!ana) throw new Error('Ana is gone.');
  const code = codeOf((await world.say(ana, 'delete photos')).at(-1) ?? ({} as Reply));
  expect(code).toMatch(/^yes [0-9a-f]{8}$/);
  return code;
}

/** "Delete photos?", asked by mail. */
async function askedByMail(): Promise<SeenMail> {
  const had = (await world.ana.inbox()).length;
  await world.ana.reply(await world.newReport(), 'delete photos');
  let question: SeenMail | undefined;
  await world.until('a question', async () => {
    question = (await world.ana.inbox()).slice(had).find((mail) => words(mail).includes('Answer yes or no'));
    return question !== undefined;
  });
  if (!question) throw new Error('Nothing was asked.');
  return question;
}

describe('a question that was asked in chat', () => {
  it('is not answered by a bare yes, of whoever it seems to be', async () => {
    await askedInChat();
    const before = await world.state();
    for (const text of ['yes', 'Yes!', '/backup yes', 'y', 'ok', 'yes please', 'confirm']) {
      await world.eve.send({ to: stolen(), subject: 'x', text: `${text}\n`, from: anas, dkim: false });
      await world.ben.reply(world.bens, text);
      await world.ana.reply(world.report, text);
    }
    await world.quiet();
    expect(await world.state()).toBe(before);
  });

  it('is not answered by Ben, who has its very code and is well proved', async () => {
    const code = await askedInChat();
    const before = await world.state();
    await world.ben.reply(world.bens, code);
    await world.ben.send({ to: bot(), subject: 'x', text: `${code}\n` });
    await world.eve.send({ to: stolen(), subject: 'x', text: `${code}\n` });
    await world.quiet();
    expect(await world.state()).toBe(before);
  });

  it('is guessed by nobody: of 200 guesses with a stolen token five an hour are heard', async () => {
    await askedInChat();
    const before = await world.state();
    const heard = async (): Promise<number> =>
      (await world.outbox()).filter(({ answers }) => answers?.subject === 'a guess').length;
    for (let index = 0; index < 200; index++) {
      const guess = Math.floor(Math.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
      await world.eve.send({ to: stolen(), subject: 'a guess', text: `yes ${guess}\n`, from: anas, dkim: false });
    }
    await world.quiet();
    expect(await heard()).toBeLessThanOrEqual(5);
    expect(await world.state()).toBe(before);
    // Nor does it fill the audit trail.
    expect(
      (await world.refused()).filter(({ at }) => at > new Date(world.clock.now().getTime() - 3_600_000).toISOString())
        .length,
    ).toBeLessThanOrEqual(40);
  });
});

describe('a question that was asked by mail', () => {
  it('is answered by the one who was asked alone', async () => {
    const question = await askedByMail();
    const before = await world.state();
    const to = taggedAddress(bot(), 'r', tokenOf(question));
    await world.eve.send({ to, subject: 'x', text: 'yes\n' });
    await world.ben.send({ to, subject: 'x', text: 'yes\n' });
    await world.eve.reply(question, 'yes');
    await world.ana.reply(question, 'I am away. yes', { headers: [['Auto-Submitted', 'auto-replied']] });
    await world.quiet();
    expect(await world.state()).toBe(before);
  });

  it('is answered once', async () => {
    const question = await askedByMail();
    await world.ana.reply(question, 'no');
    await world.quiet();
    await world.ana.reply(question, 'yes');
    await world.quiet();
    expect(await world.plan('photos')).toBeDefined();
  });

  it('is over after a day', async () => {
    const question = await askedByMail();
    world.clock.forward(25 * 3_600_000);
    await world.ana.reply(question, 'yes');
    await world.quiet();
    expect(await world.plan('photos')).toBeDefined();
  });

  it('of whatever danger says that somebody else may have written it; one that she wrote does not', async () => {
    const asked = async (send: () => Promise<unknown>): Promise<string> => {
      const had = (await world.ana.inbox()).length;
      await send();
      await world.until('a question', async () => (await world.ana.inbox()).length > had);
      return words((await world.ana.inbox()).at(-1) ?? world.report);
    };
    const line = { subject: 'x', text: 'delete photos\n' };
    const forged = await asked(() => world.eve.send({ to: stolen(), ...line, from: anas, dkim: false }));
    expect(forged).toContain('say no if you did not write this');
    const fresh = await asked(() => world.ana.send({ to: bot(), ...line }));
    expect(fresh).toContain('say no if you did not write this');
    expect(words(await askedByMail())).not.toContain('say no if you did not write this');
  });

  it('shows what is asked, as it is: nothing in it hides, turns or breaks out', async () => {
    const said = 'pause photos\u202e sotohp etele\u200bd <b>\u0000</b>';
    const had = (await world.ana.inbox()).length;
    await world.eve.send({ to: stolen(), subject: 'x', text: `${said}\n`, from: anas, dkim: false });
    await world.quiet();
    for (const mail of (await world.ana.inbox()).slice(had)) {
      expect(`${mail.subject}${mail.text}${mail.html}`).not.toMatch(/[\u202a-\u202e\u200b]/);
      expect(`${mail.subject}${mail.text}${mail.html}`).not.toContain('\0');
      expect(mail.html).not.toMatch(/<b>/i);
    }
    expect((await world.plan('photos'))?.state).toBe('active');
  });
});

describe('the page of a question', () => {
  const pathOf = (mail: SeenMail): string => {
    const link = mail.webLinks.find(({ href }) => href.includes('/mail/confirm/'));
    if (!link) throw new Error('The question has no page.');
    return new URL(link.href).pathname;
  };
  const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${base}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });

  it('does nothing by being opened, however often and by whatever scanner', async () => {
    const path = pathOf(await askedByMail());
    const before = await world.state();
    for (const method of ['GET', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']) {
      for (const query of ['', '?answer=yes', '#answer=yes']) await fetch(`${base}${path}${query}`, { method });
    }
    await Promise.all(Array.from({ length: 50 }, () => fetch(`${base}${path}`)));
    for (const body of ['', 'answer', 'answer=', 'answer=YES!', 'yes', '{"answer":"yes"}', 'x=yes'])
      await post(path, body);
    await world.quiet();
    expect(await world.state()).toBe(before);
  });

  it('names what is asked, and tells nobody where it was opened', async () => {
    const path = pathOf(await askedByMail());
    const page = await fetch(`${base}${path}`);
    expect(await page.text()).toContain('photos');
    expect(page.headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/,
    );
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  it('is not there for tokens of another kind, of nobody, or written in another way', async () => {
    const question = await askedByMail();
    const path = pathOf(question);
    const before = await world.state();
    const report = tokenOf(world.report);
    const end = /\+u\.([a-z2-7]{26})@/.exec(world.report.unsubscribe.mailto ?? '')?.[1] ?? '';
    expect(end).not.toBe('');
    for (const token of [
      report,
      end,
      'a'.repeat(26),
      '%00',
      '..%2f..%2f',
      'x'.repeat(5_000),
      `${tokenOf(question)}a`,
    ]) {
      expect((await post(`/mail/confirm/${token}`, 'answer=yes')).status).toBe(404);
    }
    expect((await post(`/mail/unsubscribe/${tokenOf(question)}`, 'List-Unsubscribe=One-Click')).status).toBe(404);
    expect((await post(`${path}/`, 'answer=yes')).status).toBe(404);
    expect(await world.state()).toBe(before);
  });

  it('takes no body that is larger than its form, and no form that never ends', async () => {
    const path = pathOf(await askedByMail());
    const before = await world.state();
    await post(path, `${'x'.repeat(10_000_000)}&answer=yes`).catch(() => undefined);
    const { hostname, port } = new URL(base);
    const slow = connect(Number(port), hostname);
    slow.on('error', () => {});
    slow.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nanswer=`,
    );
    slow.write('GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 300));
    slow.destroy();
    const twice = connect(Number(port), hostname);
    twice.on('error', () => {});
    twice.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nanswer=yes`,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    twice.destroy();
    expect(await world.state()).toBe(before);
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  });

  it('acts once, of ten presses at the same moment', async () => {
    const path = pathOf(await askedByMail());
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(path, 'answer=yes')));
    for (const { status } of answers) expect([200, 202]).toContain(status);
    await world.until('the end of photos', async () => (await world.plan('photos')) === undefined);
    await world.quiet();
    expect((await world.audit('delete')).filter(({ outcome }) => outcome === 'done')).toHaveLength(1);
  });
});
